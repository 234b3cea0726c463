/* The roll-call: who is in, out, silent; asked now and asked later of then. */
#include "engine/core/clock.h"
#include "engine/duty/roll_call.h"
#include "support/harbour.h"

/* 2026-08-20T18:00:00+08:00 */
#define SIX INT64_C(1787220000000)
#define MINUTE MS_PER_MINUTE
#define HARBOUR_LAT 248500000
#define HARBOUR_LON 1187300000
#define SEA_LAT 246000000
#define SEA_LON 1190000000

static struct harbour_world world;
static struct headcounts *said;

static void begin(void)
{
	harbour_begin(&world);
	cr_assert_eq(headcounts_open(engine_store(world.engine), &said), STATUS_OK);
	harbour_fence(&world, "houzhu", (const char *const[]){"harbour", "capacity-100", NULL}, HARBOUR_LAT,
		      HARBOUR_LON, 200000, INT64_MIN, INT64_MAX);
}

static void end(void)
{
	harbour_flush(&world);
	headcounts_close(said);
	harbour_end(&world);
}

TestSuite(roll_call, .init = begin, .fini = end, .timeout = 120);

static struct roll_call *call(const struct roll_question *q)
{
	struct roll_call *r;
	harbour_flush(&world);
	cr_assert_eq(roll_call(world.engine, said, q, &r), STATUS_OK);
	return r;
}

static void expect_states(const struct roll_call *r, unsigned in, unsigned sea, unsigned dark, unsigned unknown)
{
	const uint32_t *s = r->all.states;
	cr_expect(s[BOAT_IN] == in && s[BOAT_SEA] == sea && s[BOAT_DARK] == dark && s[BOAT_UNKNOWN] == unknown,
		  "in %u sea %u dark %u unknown %u", s[BOAT_IN], s[BOAT_SEA], s[BOAT_DARK], s[BOAT_UNKNOWN]);
}

static uint64_t boat(const char *hull)
{
	return harbour_boat(&world, hull, "fishing-medium", "白奇", "houzhu");
}

static void at_sea(uint64_t device, int64_t time_ms)
{
	harbour_report(&world, device, time_ms, SEA_LAT, SEA_LON, 0);
}

static void in_harbour(uint64_t device, int64_t time_ms)
{
	harbour_report(&world, device, time_ms, HARBOUR_LAT + 1000, HARBOUR_LON + 1000, 0);
}

/* --- 120 boats are due at 18:00: 117 are in, two are out, one is silent for 2 h 10 min --- */

static void fleet_at_six(void)
{
	for (unsigned i = 0; i < 120; i++) {
		char hull[16];
		snprintf(hull, sizeof hull, "闽狮渔%05u", i);
		uint64_t b = boat(hull);
		int64_t silent_ms = i == 119 ? 130 * MINUTE : 5 * MINUTE;
		for (int64_t t = SIX - 9 * MS_PER_HOUR; t < SIX - silent_ms; t += 10 * MINUTE)
			at_sea(b, t);
		if (i < 117)
			in_harbour(b, SIX - silent_ms);
		else
			at_sea(b, SIX - silent_ms);
	}
}

static struct roll_call *called_at(int64_t at_ms)
{
	struct roll_question q = roll_question_default(at_ms);
	q.due_ms = SIX;
	return call(&q);
}

static void expect_six(void)
{
	struct roll_call *r = called_at(SIX);
	expect_states(r, 117, 2, 1, 0);
	cr_expect_eq(r->in_at_due, 117);
	cr_expect_eq(r->late, 0);
	cr_expect_eq(r->boats[119].state, BOAT_DARK);
	cr_expect_eq(r->boats[119].heard_ms, SIX - 130 * MINUTE);
	cr_expect_eq(r->places[0].present, 117);
	cr_expect_eq(r->places[0].capacity, 100);
	cr_expect_eq(r->places[0].home.states[BOAT_SEA], 2);
	roll_call_free(r);
}

Test(roll_call, boats_due_at_six_are_counted_and_asked_later_of_then_again)
{
	fleet_at_six();
	expect_six();
	/* by seven one of the two is in, the silent one is heard again, still out */
	char hull[] = "闽狮渔00117";
	uint64_t back = device_id(DEVICE_KIND_BOAT, span_of_string("boat:闽狮渔00117"));
	uint64_t silent = device_id(DEVICE_KIND_BOAT, span_of_string("boat:闽狮渔00119"));
	uint64_t out = device_id(DEVICE_KIND_BOAT, span_of_string("boat:闽狮渔00118"));
	in_harbour(back, SIX + 40 * MINUTE);
	at_sea(silent, SIX + 50 * MINUTE);
	at_sea(out, SIX + 55 * MINUTE);
	struct roll_call *r = called_at(SIX + 60 * MINUTE);
	expect_states(r, 118, 2, 0, 0);
	cr_expect_eq(r->in_at_due, 117);
	cr_expect_eq(r->late, 1);
	cr_expect_str_eq(r->boats[117].hull + strlen("boat:"), hull);
	cr_expect_eq(r->boats[119].state_at_due, BOAT_DARK);
	roll_call_free(r);
	expect_six();
	cr_assert_eq(engine_settle(world.engine), STATUS_OK);
	expect_six();
	headcounts_close(said);
	engine_close(world.engine);
	harbour_open(&world);
	cr_assert_eq(headcounts_open(engine_store(world.engine), &said), STATUS_OK);
	expect_six();
}

/* --- edges --- */

static uint8_t state_at(int64_t at_ms)
{
	struct roll_question q = roll_question_default(at_ms);
	struct roll_call *r = call(&q);
	cr_assert_eq(r->boat_count, 1);
	uint8_t state = r->boats[0].state;
	roll_call_free(r);
	return state;
}

Test(roll_call, silence_counts_from_what_was_heard_and_a_place_from_what_says_one)
{
	uint64_t b = boat("A1");
	cr_expect_eq(state_at(SIX), BOAT_UNKNOWN);
	at_sea(b, SIX);
	cr_expect_eq(state_at(SIX - 1), BOAT_UNKNOWN);
	cr_expect_eq(state_at(SIX), BOAT_SEA);
	cr_expect_eq(state_at(SIX + ROLL_DARK_MS - 1), BOAT_SEA);
	cr_expect_eq(state_at(SIX + ROLL_DARK_MS), BOAT_DARK);
	harbour_report(&world, b, SIX + MS_PER_HOUR, HARBOUR_LAT, HARBOUR_LON, REPORT_FLAG_NO_FIX);
	cr_expect_eq(state_at(SIX + ROLL_DARK_MS), BOAT_SEA, "it was heard, wherever it is");
	harbour_report(&world, b, SIX + 9 * MS_PER_HOUR, HARBOUR_LAT, HARBOUR_LON, REPORT_FLAG_FUTURE);
	cr_expect_eq(state_at(SIX + 9 * MS_PER_HOUR), BOAT_DARK, "what is ahead of its receipt says nothing");
	in_harbour(b, SIX + 10 * MS_PER_HOUR);
	cr_expect_eq(state_at(SIX + 10 * MS_PER_HOUR + ROLL_PORT_SILENCE_MS), BOAT_IN);
	cr_expect_eq(state_at(SIX + 10 * MS_PER_HOUR + ROLL_PORT_SILENCE_MS + 1), BOAT_UNKNOWN);
	cr_expect_eq(state_at(SIX + 10 * MS_PER_HOUR + ROLL_LOOKBACK_MS + 1), BOAT_UNKNOWN);
}

Test(roll_call, a_source_counts_for_the_boat_whose_it_was_then)
{
	uint64_t a = boat("A1"), b = boat("B1"), card = device_id(DEVICE_KIND_BEIDOU, span_of_string("204567"));
	harbour_say(&world, card, DEVICE_KIND_BEIDOU, DEVICE_FIELD_VEHICLE, "boat:A1", SIX - MS_PER_DAY);
	harbour_say(&world, card, DEVICE_KIND_BEIDOU, DEVICE_FIELD_VEHICLE, "boat:B1", SIX);
	in_harbour(card, SIX - 10 * MINUTE);
	at_sea(card, SIX + 10 * MINUTE);
	struct roll_question q = roll_question_default(SIX + 20 * MINUTE);
	struct roll_call *r = call(&q);
	cr_assert_eq(r->boat_count, 2, "the card itself is no boat");
	cr_expect_eq(r->boats[0].device, a);
	cr_expect_eq(r->boats[0].state, BOAT_IN);
	cr_expect_eq(r->boats[0].source, card);
	cr_expect_eq(r->boats[1].device, b);
	cr_expect_eq(r->boats[1].state, BOAT_SEA);
	roll_call_free(r);
	q.at_ms = SIX - MINUTE;
	r = call(&q);
	cr_expect_eq(r->boats[0].state, BOAT_IN);
	cr_expect_eq(r->boats[1].state, BOAT_UNKNOWN);
	roll_call_free(r);
}

Test(roll_call, sources_of_a_boat_nobody_registered_are_one_boat)
{
	const char *cards[] = {"204567", "204568"};
	uint64_t first = UINT64_MAX;
	for (unsigned i = 0; i < 2; i++) {
		uint64_t card = device_id(DEVICE_KIND_BEIDOU, span_of_string(cards[i]));
		first = card < first ? card : first;
		harbour_say(&world, card, DEVICE_KIND_BEIDOU, DEVICE_FIELD_VEHICLE, "boat:X", VALID_ALWAYS_FROM);
		harbour_say(&world, card, DEVICE_KIND_BEIDOU, DEVICE_FIELD_CLASS, "fishing", VALID_ALWAYS_FROM);
		at_sea(card, SIX - (int64_t)i * MINUTE);
	}
	struct roll_question q = roll_question_default(SIX);
	struct roll_call *r = call(&q);
	cr_assert_eq(r->boat_count, 1);
	cr_expect_eq(r->boats[0].device, first);
	cr_expect_eq(r->boats[0].placed_ms, SIX);
	roll_call_free(r);
}

Test(roll_call, people_are_counted_as_said_of_then)
{
	uint64_t b = boat("A1"), other = boat("B1");
	struct headcount h;
	harbour_say(&world, other, DEVICE_KIND_BOAT, DEVICE_FIELD_CERTIFIED_PERSONS, "8", VALID_ALWAYS_FROM);
	harbour_fence(&world, "raft-1", (const char *const[]){"raft", NULL}, SEA_LAT, SEA_LON, 1000, INT64_MIN,
		      INT64_MAX);
	at_sea(b, SIX - MINUTE);
	at_sea(other, SIX - MINUTE);
	headcount_clear(&h);
	strcpy(h.who, "村");
	h.device = b;
	h.at_ms = SIX - 9 * MS_PER_HOUR;
	h.aboard = 6;
	h.due_ms = SIX - 2 * MINUTE;
	cr_assert_eq(headcounts_say(said, &h), STATUS_OK);
	h.at_ms = SIX + MS_PER_HOUR;
	h.aboard = 0;
	h.ashore = 6;
	cr_assert_eq(headcounts_say(said, &h), STATUS_OK);
	headcount_clear(&h);
	strcpy(h.who, "村");
	strcpy(h.fence, "raft-1");
	h.at_ms = SIX - MS_PER_HOUR;
	h.aboard = 1;
	h.evacuated = 11;
	cr_assert_eq(headcounts_say(said, &h), STATUS_OK);
	struct roll_question q = roll_question_default(SIX);
	struct roll_call *r = call(&q);
	cr_expect_eq(r->boats[0].aboard, 6);
	cr_expect(r->boats[0].overdue);
	cr_expect_not(r->boats[1].overdue);
	cr_expect_eq(r->all.aboard_at_sea, 6);
	cr_expect_eq(r->all.unsaid, 1);
	cr_expect_eq(r->all.unsaid_certified, 8);
	cr_expect_eq(r->on_rafts, 1);
	cr_expect_eq(r->off_rafts, 11);
	roll_call_free(r);
	q.at_ms = SIX + MS_PER_HOUR;
	r = call(&q);
	cr_expect_eq(r->boats[0].aboard, 0);
	cr_expect_eq(r->boats[0].ashore, 6);
	roll_call_free(r);
	h.fence[0] = '\0';
	cr_expect_eq(headcounts_say(said, &h), STATUS_INVALID);
}

static bool only_b1(void *context, uint64_t device, int64_t at_ms)
{
	(void)at_ms;
	return device == *(const uint64_t *)context;
}

Test(roll_call, what_is_asked_for_narrows_the_boats_and_not_what_lies_in_a_shelter)
{
	uint64_t a = boat("A1"), b = harbour_boat(&world, "B1", "township", "里春", "elsewhere");
	harbour_fence(&world, "lee", (const char *const[]){"shelter", "capacity-1", NULL}, SEA_LAT - 100, SEA_LON - 100,
		      1000, SIX, INT64_MAX);
	harbour_fence(&world, "gale", (const char *const[]){"warning", "warning-gale-orange", NULL}, SEA_LAT - 50000,
		      SEA_LON - 50000, 100000, SIX, INT64_MAX);
	at_sea(a, SIX - MINUTE);
	at_sea(b, SIX - MINUTE);
	struct roll_question q = roll_question_default(SIX);
	q.village = span_of_string("里春");
	struct roll_call *r = call(&q);
	cr_assert_eq(r->boat_count, 1);
	cr_expect_eq(r->boats[0].device, b);
	cr_expect_eq(r->boats[0].state, BOAT_IN, "the shelter is there from six on");
	cr_expect(r->boats[0].shelter);
	cr_expect_eq(r->boats[0].warned, 3);
	cr_expect_str_eq(r->places[1].id, "lee");
	cr_expect_eq(r->places[1].present, 2);
	cr_expect_eq(r->places[1].capacity, 1);
	roll_call_free(r);
	q.village = span_of(NULL, 0);
	q.harbour = span_of_string("houzhu");
	r = call(&q);
	cr_assert_eq(r->boat_count, 1, "by its home port");
	cr_expect_eq(r->boats[0].device, a);
	roll_call_free(r);
	q.harbour = span_of(NULL, 0);
	q.classes = 1u << DEVICE_CLASS_TOWNSHIP_BOAT;
	r = call(&q);
	cr_expect_eq(r->boat_count, 1);
	cr_expect_str_eq(r->classes[0].name, "township");
	roll_call_free(r);
	q.classes = 0;
	q.allowed = only_b1;
	q.context = &b;
	r = call(&q);
	cr_expect_eq(r->boat_count, 1);
	roll_call_free(r);
	q.at_ms = SIX - 1;
	q.allowed = NULL;
	r = call(&q);
	expect_states(r, 0, 2, 0, 0);
	cr_expect_eq(r->boats[0].warned, 0);
	roll_call_free(r);
}
