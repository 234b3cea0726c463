/* The roll-call against a walk over every track: boats whose sources come and go, reports late, without a fix, shifted,
 * ahead of their receipt, and of one instant; harbours that move; asked of any instant, with heads, sealed, opened
 * again, by one thread and by several. */
#include <inttypes.h>

#include "engine/core/clock.h"
#include "engine/duty/roll_call.h"
#include "support/harbour.h"

#define T0 INT64_C(1767196800000)
#define BOATS 12u
#define SOURCES 24u
#define SPAN (20 * MS_PER_DAY)
#define SIDE 400000

static uint64_t state;

static uint64_t next(void)
{
	uint64_t z = (state += UINT64_C(0x9e3779b97f4a7c15)); /* splitmix64 (Steele, Lea, Flood 2014) */
	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

static int64_t between(int64_t least, int64_t most)
{
	return least + (int64_t)(next() % (uint64_t)(most - least + 1));
}

static struct harbour_world world;

/* A source speaks for one boat, then from `moves_ms` on for another. */
static struct {
	uint64_t device;
	unsigned boats[2];
	int64_t from_ms, moves_ms;
} sources[SOURCES];
static uint64_t boats[BOATS];
/* The harbour is here until it moves there. */
static struct {
	int32_t lat[2], lon[2];
	int64_t moves_ms;
} harbours[3];

static void make_world(void)
{
	for (unsigned b = 0; b < BOATS; b++) {
		char hull[16];
		snprintf(hull, sizeof hull, "B%02u", b);
		boats[b] = harbour_boat(&world, hull, b % 2 ? "fishing" : "township", b % 3 ? "白奇" : "下埭", "h0");
	}
	for (unsigned s = 0; s < SOURCES; s++) {
		char text[16];
		snprintf(text, sizeof text, "%06u", 200000 + s);
		sources[s].device = device_id(DEVICE_KIND_BEIDOU, span_of_string(text));
		sources[s].from_ms = next() % 4 ? VALID_ALWAYS_FROM : T0 + between(0, SPAN);
		sources[s].moves_ms = T0 + between(0, SPAN);
		if (sources[s].moves_ms < sources[s].from_ms)
			sources[s].moves_ms = sources[s].from_ms + 1;
		for (unsigned k = 0; k < 2; k++) {
			sources[s].boats[k] = (unsigned)between(0, BOATS - 1);
			snprintf(text, sizeof text, "boat:B%02u", sources[s].boats[k]);
			harbour_say(&world, sources[s].device, DEVICE_KIND_BEIDOU, DEVICE_FIELD_VEHICLE, text,
				    k ? sources[s].moves_ms : sources[s].from_ms);
		}
	}
	for (unsigned h = 0; h < 3; h++) {
		char id[8];
		snprintf(id, sizeof id, "h%u", h);
		harbours[h].moves_ms = T0 + between(0, SPAN);
		for (unsigned k = 0; k < 2; k++) {
			harbours[h].lat[k] = (int32_t)between(248000000, 249000000);
			harbours[h].lon[k] = (int32_t)between(1187000000, 1188000000);
			harbour_fence(&world, id, (const char *const[]){h ? "harbour" : "shelter", NULL},
				      harbours[h].lat[k], harbours[h].lon[k], SIDE,
				      k ? harbours[h].moves_ms : INT64_MIN, INT64_MAX);
		}
	}
}

/* Where a boat may be: half of the time on the border or within a harbour. */
static void report_somewhere(uint64_t device, int64_t time_ms)
{
	static const uint16_t flags[] = {REPORT_FLAG_NO_FIX, REPORT_FLAG_OFFSET, REPORT_FLAG_FUTURE};
	unsigned h = (unsigned)between(0, 2), k = (unsigned)between(0, 1);
	int32_t lat = (int32_t)between(248000000, 249400000), lon = (int32_t)between(1187000000, 1188400000);
	if (next() % 2) {
		lat = harbours[h].lat[k] + (int32_t)between(0, 1) * SIDE;
		lon = harbours[h].lon[k] + (int32_t)between(0, SIDE);
	}
	harbour_report(&world, device, time_ms, lat, lon, next() % 8 ? 0 : flags[next() % 3]);
}

/* Long silences, bursts, reports of one instant, and some days late. On a grid of ten minutes, so that what comes late
 * has instants of what came before. */
static void send(uint64_t device)
{
	int64_t t = T0 + between(0, 144) * 10 * MS_PER_MINUTE;
	while (t < T0 + SPAN) {
		report_somewhere(device, next() % 32 ? t : t - between(0, 288) * 10 * MS_PER_MINUTE);
		if (next() % 64 == 0)
			report_somewhere(device, t);
		t += (next() % 200 ? 1 : between(1, 6 * 144)) * 10 * MS_PER_MINUTE;
	}
}

/* --- the plain way --- */

static void walk(uint64_t device, int64_t from_ms, int64_t to_ms, struct roll_boat *out)
{
	struct track *t;
	struct report r;
	if (from_ms > to_ms)
		return;
	cr_assert_eq(track_open(world.engine, device, from_ms, to_ms, &t), STATUS_OK);
	while (!track_next(t, &r)) {
		if (r.flags & REPORT_FLAG_FUTURE)
			continue;
		out->heard_ms = r.time_ms > out->heard_ms ? r.time_ms : out->heard_ms;
		if (r.flags & (REPORT_FLAG_NO_FIX | REPORT_FLAG_OFFSET) || r.time_ms < out->placed_ms ||
		    (r.time_ms == out->placed_ms && out->source < device))
			continue;
		out->placed_ms = r.time_ms;
		out->source = device;
		out->at = (struct geo_point){r.lat_e7, r.lon_e7};
	}
	track_close(t);
}

static bool in_harbour(struct geo_point p, int64_t at_ms)
{
	for (unsigned h = 0; h < 3; h++) {
		unsigned k = at_ms >= harbours[h].moves_ms;
		if (p.lat_e7 >= harbours[h].lat[k] && p.lat_e7 <= harbours[h].lat[k] + SIDE &&
		    p.lon_e7 >= harbours[h].lon[k] && p.lon_e7 <= harbours[h].lon[k] + SIDE)
			return true;
	}
	return false;
}

static void ask_plain(unsigned boat, const struct roll_question *q, struct roll_boat *out)
{
	int64_t first_ms = q->at_ms - q->lookback_ms;
	*out = (struct roll_boat){.device = boats[boat], .heard_ms = INT64_MIN, .placed_ms = INT64_MIN};
	walk(boats[boat], first_ms, q->at_ms, out);
	for (unsigned s = 0; s < SOURCES; s++)
		for (unsigned k = 0; k < 2; k++) {
			int64_t from_ms = k ? sources[s].moves_ms : sources[s].from_ms;
			int64_t to_ms = k ? q->at_ms : sources[s].moves_ms - 1;
			if (sources[s].boats[k] == boat)
				walk(sources[s].device, from_ms > first_ms ? from_ms : first_ms,
				     to_ms < q->at_ms ? to_ms : q->at_ms, out);
		}
	int64_t silent_ms = q->at_ms - out->heard_ms;
	out->state = out->placed_ms == INT64_MIN     ? BOAT_UNKNOWN
		     : in_harbour(out->at, q->at_ms) ? (silent_ms <= q->port_silence_ms ? BOAT_IN : BOAT_UNKNOWN)
		     : silent_ms < q->dark_ms        ? BOAT_SEA
						     : BOAT_DARK;
}

static void compare(int64_t at_ms)
{
	struct roll_question q = roll_question_default(at_ms);
	struct roll_call *r;
	q.lookback_ms = between(1, 2) * 10 * MS_PER_DAY;
	q.threads = (unsigned)between(1, 3);
	cr_assert_eq(roll_call(world.engine, NULL, &q, &r), STATUS_OK);
	cr_assert_eq(r->boat_count, BOATS);
	for (unsigned b = 0; b < BOATS; b++) {
		const struct roll_boat *x = &r->boats[b];
		struct roll_boat y;
		ask_plain(b, &q, &y);
		cr_assert(x->device == y.device && x->state == y.state && x->heard_ms == y.heard_ms &&
				  x->placed_ms == y.placed_ms && x->source == y.source &&
				  (x->placed_ms == INT64_MIN ||
				   (x->at.lat_e7 == y.at.lat_e7 && x->at.lon_e7 == y.at.lon_e7)),
			  "boat %u at T0 + %" PRId64 ": state %u/%u heard %" PRId64 "/%" PRId64 " placed %" PRId64
			  "/%" PRId64 " source %" PRIx64 "/%" PRIx64,
			  b, at_ms - T0, x->state, y.state, x->heard_ms - T0, y.heard_ms - T0, x->placed_ms - T0,
			  y.placed_ms - T0, x->source, y.source);
	}
	roll_call_free(r);
}

static void compare_many(void)
{
	for (unsigned i = 0; i < 60; i++)
		compare(T0 + between(-144, 23 * 144) * 10 * MS_PER_MINUTE + (next() % 2 ? 0 : between(0, MS_PER_HOUR)));
	compare(T0 + 2 * SPAN);
}

Test(roll_call_oracle, any_instant_is_as_the_whole_tracks_tell, .timeout = 600)
{
	const char *given = getenv("ZAYTON_SEED");
	state = given ? strtoull(given, NULL, 0) : UINT64_C(0x0b0a7);
	printf("roll_call: ZAYTON_SEED=%" PRIu64 "\n", state);
	harbour_begin(&world);
	make_world();
	for (unsigned b = 0; b < BOATS; b += 3)
		send(boats[b]);
	for (unsigned s = 0; s < SOURCES; s++)
		send(sources[s].device);
	harbour_flush(&world);
	compare_many();
	cr_assert_eq(engine_settle(world.engine), STATUS_OK);
	compare_many();
	for (unsigned s = 0; s < SOURCES; s += 5) /* what comes late lies beside what is sealed */
		send(sources[s].device);
	harbour_flush(&world);
	compare_many();
	engine_close(world.engine);
	harbour_open(&world);
	compare_many();
	harbour_end(&world);
}
