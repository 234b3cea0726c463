/* The two hard promises: findings do not depend on the order of arrival, and live equals replay, byte for byte. */
#include <criterion/criterion.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/core/clock.h"
#include "engine/fleet/replay.h"
#include "rig.h"

#define DEVICES 7
#define BOAT 6
#define PER_DEVICE 2400
#define STEP_MS 10000

static int64_t night(void)
{
	struct civil c = {2026, 3, 14, 13, 0, 0, 0}; /* 21:00 in China */
	return civil_to_ms(&c);
}

static int64_t morning_after(void)
{
	return night() + PER_DEVICE * STEP_MS + 3600000;
}

static uint64_t next_random(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

/* --- a fleet that does everything it should not --- */

struct life {
	uint64_t random;
	double lat, lon, mileage_km;
	int speed_kmh, left, alarm;
	bool dark, frozen, no_fix;
};

static void put_item(struct sent *s, uint8_t id, uint8_t size, uint32_t value)
{
	s->body[s->size++] = id;
	s->body[s->size++] = size;
	for (int shift = (size - 1) * 8; shift >= 0; shift -= 8)
		s->body[s->size++] = (uint8_t)(value >> shift);
}

/* Every few minutes another mood: standing, crawling, driving, speeding; now and then without fix, frozen or dark. */
static void change_mood(struct life *l)
{
	static const int speeds[] = {0, 0, 12, 45, 62, 85, 99, 110};
	l->speed_kmh = speeds[next_random(&l->random) % 8];
	l->left = 6 + (int)(next_random(&l->random) % 40);
	uint64_t fate = next_random(&l->random) % 24;
	l->dark = fate == 0;
	l->no_fix = fate == 1;
	l->frozen = fate == 2;
	l->alarm = fate == 3 ? 1 << 5 : fate == 4 ? 1 << 8 : fate == 5 ? 1 : 0;
	if (l->dark || l->frozen)
		l->left = 90;
}

static struct sent make_report(uint64_t device, int64_t time_ms, struct life *l)
{
	struct sent s = {.device = device, .received_ms = time_ms + 1000, .size = 28};
	uint64_t r = next_random(&l->random);
	double metres = l->speed_kmh / 3.6 * STEP_MS / 1000;
	l->mileage_km += metres / 1000;
	if (!l->frozen && l->speed_kmh) {
		l->lat += (r & 1 ? 1 : -1) * metres / 111000 / 2;
		l->lon += (r & 2 ? 1 : -1) * metres / 101000 / 2;
	}
	uint32_t speed = l->speed_kmh ? (uint32_t)(l->speed_kmh * 10) + (uint32_t)(r >> 8 & 15) : 0;
	store_be32(s.body, (uint32_t)l->alarm);
	store_be32(s.body + 4, (l->no_fix ? 1u : 3u) | (uint32_t)(r >> 16 & 1) * 0x300u);
	store_be32(s.body + 8, (uint32_t)(l->lat * 1e6));
	store_be32(s.body + 12, (uint32_t)(l->lon * 1e6));
	store_be16(s.body + 16, 12);
	store_be16(s.body + 18, (uint16_t)speed);
	store_be16(s.body + 20, (uint16_t)(r % 360));
	cr_assert_eq(bcd_time_encode(time_ms, s.body + 22), STATUS_OK);
	put_item(&s, 0x01, 4, (uint32_t)(l->mileage_km * 10));
	put_item(&s, 0x30, 1, 20);
	put_item(&s, 0x31, 1, l->no_fix ? 0 : 11);
	if (!(r >> 24 & 31))
		put_item(&s, 0xe1, 3, (uint32_t)(r >> 32 & 0x0101ff));
	return s;
}

static struct sent *make_fleet(uint64_t seed, size_t *count)
{
	struct sent *all = malloc(sizeof *all * DEVICES * PER_DEVICE * 2);
	struct life lives[DEVICES];
	cr_assert_not_null(all);
	*count = 0;
	for (unsigned d = 0; d < DEVICES; d++)
		lives[d] = (struct life){.random = seed * (d + 1) | 1, .lat = 24.9, .lon = 118.7};
	for (int i = 0; i < PER_DEVICE; i++)
		for (unsigned d = 0; d < DEVICES; d++) {
			if (lives[d].left-- <= 0)
				change_mood(&lives[d]);
			struct sent s = make_report(rig_device(d), night() + i * (int64_t)STEP_MS, &lives[d]);
			if (!lives[d].dark)
				all[(*count)++] = s;
			/* now and then two different ones of one second, as when an alarm begins */
			if (!lives[d].dark && next_random(&lives[d].random) % 16 == 0)
				all[(*count)++] = make_report(rig_device(d), night() + i * (int64_t)STEP_MS, &lives[d]);
		}
	return all;
}

/* --- the world they are judged by --- */

static void say(struct rig *r, unsigned d, uint8_t field, const char *value)
{
	struct registry_change change = {field, span_of_string(value)};
	cr_assert_eq(registry_apply(engine_registry(r->engine), rig_device(d), DEVICE_KIND_JT808, &change, 1,
				    VALID_ALWAYS_FROM, "test", NULL),
		     STATUS_OK, "device %u field %u", d, field);
}

static void put_fence(struct rig *r, const char *id, const char *tag, double lat, double lon, double half,
		      uint16_t limit_dkmh)
{
	struct geo_point ring[4];
	uint32_t end = 4;
	struct fence f = {.valid_from_ms = INT64_MIN, .valid_to_ms = INT64_MAX, .when = SCHEDULE_ALWAYS};
	for (int i = 0; i < 4; i++)
		ring[i] = (struct geo_point){(int32_t)((lat + (i == 1 || i == 2 ? half : -half)) * 1e7),
					     (int32_t)((lon + (i >= 2 ? half : -half)) * 1e7)};
	snprintf(f.id, sizeof f.id, "%s", id);
	snprintf(f.name, sizeof f.name, "%s", id);
	cr_assert_eq(tag_number(span_of_string(tag), &f.tags[0]), STATUS_OK);
	f.tag_count = 1;
	f.limit_dkmh = limit_dkmh;
	cr_assert_eq(fence_area_new(ring, &end, 1, &f.area), STATUS_OK);
	cr_assert_eq(context_put_fences(engine_context(r->engine), &f, 1), STATUS_OK, "fence %s", id);
	fence_area_unref(f.area);
}

#define OF_BOAT(id, kind, more)                                                                                        \
	"[boat-" id "]\nkind = " kind "\ntitle = 船 | Boat\nsource = test\nclasses = fishing-medium\n" more
#define BOAT_RULES                                                                                                     \
	OF_BOAT("report", "port_report", "tag = port\ngrace = 10 min\nhold = 30 s\n")                                  \
	OF_BOAT("crossing", "port_report", "tag = port\nmissing = crossing\ngrace = 1 min\n")                          \
	OF_BOAT("depart", "depart", "tag = port\nwhere = fence:windy\n")                                               \
	OF_BOAT("covered", "port_gap", "tag = port\nmouth = roads\ntime = 5 min\n")                                    \
	OF_BOAT("wind", "over_wind", "where = fence:windy\n")                                                          \
	OF_BOAT("area", "out_of_area", "by = licence\nexempt = port\n")                                                \
	OF_BOAT("drag", "drag", "while = laid_up\ndistance = 500 m\n")                                                 \
	OF_BOAT("crew", "over_crew", "exempt = port\n")                                                                \
	OF_BOAT("list", "crew_differs", "exempt = port\n")                                                             \
	OF_BOAT("codes", "misstated", "")                                                                              \
	OF_BOAT("loiter", "loiter", "points = 3\ngap = 20 min\ndistance = 500 m\ntime = 5 min\nspeed = 30 km/h\n")     \
	OF_BOAT("jump", "jump", "limit = 20 km/h\ndistance = 50 m\n")                                                  \
	OF_BOAT("gear", "zone", "gears = trawl, gillnet\nsources = jt808\nwhere = tag:mouth\n")                        \
	OF_BOAT("dark", "silent", "standing = yes\nexempt = port\ntime = 10 min\n")

/* What is shipped, and rules of stage 2 that a night of six devices breaks. */
static void put_rules(struct rig *r)
{
	static const char more[] = "\n[convoy-near]\nkind = convoy\ntitle = 近 | Near\nsource = test\n"
				   "tag = convoy_gate\ntimes = 2\ntime = 1 min\n"
				   "[patrol-often]\nkind = patrol\ntitle = 常 | Often\nsource = test\n"
				   "tag = patrol_cell\ntime = 10 min\n"
				   "[small]\nkind = zone\ntitle = 小 | Small\nsource = test\n"
				   "where = tag:small\nsegment = yes\ngap = 20 min\n" BOAT_RULES;
	struct buf text = buf_init(1u << 20);
	struct span shipped = rules_default();
	cr_assert_eq(buf_append(&text, shipped.data, shipped.size), STATUS_OK);
	cr_assert_eq(buf_append(&text, more, sizeof more - 1), STATUS_OK);
	cr_assert_eq(context_put_rules(engine_context(r->engine), buf_view(&text), INT64_MIN, "test", NULL, NULL),
		     STATUS_OK);
	buf_deinit(&text);
}

/* Twenty minutes out of every two hours it is reported to leave, and later to come in. */
static void put_reports_of_port(struct rig *r)
{
	for (unsigned i = 0; i < 4; i++) {
		struct permit p = {.kind = i % 2 ? PERMIT_ENTER : PERMIT_LEAVE, .hours = SCHEDULE_ALWAYS};
		snprintf(p.number, sizeof p.number, "PORT-%u", i);
		p.valid_from_ms = night() + 1800000 + i * 5400000;
		p.valid_to_ms = p.valid_from_ms + 1200000;
		cr_assert_eq(context_put_permit(engine_context(r->engine), rig_device(BOAT), &p), STATUS_OK);
	}
}

static void make_boat(struct rig *r)
{
	say(r, BOAT, DEVICE_FIELD_GEAR, "拖网");
	say(r, BOAT, DEVICE_FIELD_WIND_RATING, "7");
	say(r, BOAT, DEVICE_FIELD_LICENSED_AREAS, "mouth, elsewhere");
	say(r, BOAT, DEVICE_FIELD_CERTIFIED_PERSONS, "5");
	say(r, BOAT, DEVICE_FIELD_PERSONS_ABOARD, "6");
	say(r, BOAT, DEVICE_FIELD_LAID_UP, "是");
	say(r, BOAT, DEVICE_FIELD_CREW, "王一、李二、张三、赵四");
	say(r, BOAT, DEVICE_FIELD_SAID_NAME, "MINSHIYU 99");
	say(r, BOAT, DEVICE_FIELD_SAID_TYPE, "70");
	put_reports_of_port(r);
	put_fence(r, "port", "port", 24.9, 118.7, 0.002, 0);
	put_fence(r, "mouth", "mouth", 24.9, 118.7, 0.006, 0);
	put_fence(r, "roads", "roads", 24.9, 118.7, 0.5, 0);
	put_fence(r, "windy", "wind_8", 24.9, 118.7, 0.01, 0);
}

static void make_world(struct rig *r)
{
	static const char *const classes[DEVICES] = {"muck",   "hazmat", "coach",         "truck",
						     "school", "muck",   "fishing-medium"};
	for (unsigned d = 0; d < DEVICES; d++) {
		char plate[32];
		snprintf(plate, sizeof plate, "2:闽C%05u", 10000 + d);
		if (d != 5)
			say(r, d, DEVICE_FIELD_PLATE, plate);
		say(r, d, DEVICE_FIELD_CLASS, classes[d]);
		if (d == 0)
			say(r, d, DEVICE_FIELD_METROLOGY_DUE, "2026-03-01");
	}
	put_rules(r);
	make_boat(r);
	put_fence(r, "gate-1", "convoy_gate", 24.9, 118.7, 0.004, 0);
	put_fence(r, "gate-2", "convoy_gate", 24.901, 118.701, 0.004, 0);
	put_fence(r, "gate-3", "convoy_gate", 24.896, 118.696, 0.003, 0);
	put_fence(r, "cell", "patrol_cell", 24.9, 118.7, 0.004, 0);
	put_fence(r, "slow", "speed_zone", 24.9, 118.7, 0.02, 400);
	put_fence(r, "water", "water_source", 24.91, 118.71, 0.02, 0);
	put_fence(r, "site", "muck_site", 24.89, 118.69, 0.02, 0);
	put_fence(r, "lane", "fire_lane", 24.9, 118.7, 0.005, 0);
	put_fence(r, "relay", "relay_point", 24.88, 118.7, 0.005, 0);
	/* smaller than a step: mostly crossed between two reports */
	put_fence(r, "small-1", "small", 24.9013, 118.7008, 0.0003, 0);
	put_fence(r, "small-2", "small", 24.8987, 118.6994, 0.0003, 0);
	put_fence(r, "small-3", "small", 24.9002, 118.6979, 0.0003, 0);
}

/* --- findings as bytes --- */

struct bytes {
	struct buf all;
	struct finding *findings;
	size_t count;
	bool kinds[RULE_KIND_COUNT], digests[RULE_KIND_COUNT];
	size_t crossed; /* between two reports */
};

static struct bytes bytes_of(struct replay_result *found)
{
	struct bytes b = {.all = buf_init(SIZE_MAX / 2)};
	b.count = found->count;
	b.findings = found->findings;
	for (size_t i = 0; i < found->count; i++) {
		const struct finding *f = &found->findings[i];
		b.kinds[f->kind] = true;
		b.crossed += f->kind == RULE_ZONE && f->numbers[FINDING_CODE] == 1;
		cr_assert_eq(finding_encode(&found->findings[i], &b.all), STATUS_OK);
	}
	return b;
}

static void bytes_deinit(struct bytes *b)
{
	buf_deinit(&b->all);
	free(b->findings);
}

static struct bytes standing(struct rig *r)
{
	struct replay_result found;
	cr_assert_eq(engine_judge_settle(r->engine, morning_after()), STATUS_OK);
	cr_assert_eq(engine_findings_standing(r->engine, INT64_MIN, INT64_MAX, &found), STATUS_OK);
	return bytes_of(&found);
}

static struct bytes replayed(struct rig *r)
{
	struct replay_result found;
	struct judged_by *by = context_take(engine_context(r->engine));
	struct replay_options o = {.by = by,
				   .from_ms = INT64_MIN,
				   .to_ms = INT64_MAX,
				   .as_of_ms = morning_after(),
				   .threads = 2,
				   .digests = true};
	cr_assert_eq(engine_replay(r->engine, &o, &found), STATUS_OK);
	judged_by_release(by);
	return bytes_of(&found);
}

static bool is_same(const struct finding *a, const struct finding *b)
{
	struct buf x = buf_init(4096), y = buf_init(4096);
	cr_assert_eq(finding_encode(a, &x), STATUS_OK);
	cr_assert_eq(finding_encode(b, &y), STATUS_OK);
	bool same = span_equal(buf_view(&x), buf_view(&y));
	buf_deinit(&x);
	buf_deinit(&y);
	return same;
}

static void print_finding(const struct finding *f)
{
	printf("  %016llx %s %s v%u driver %llx other %llx confidence %u%s %lld .. %lld found %lld digest %02x%02x at "
	       "%d %d .. %d %d:",
	       (unsigned long long)f->subject, f->rule, f->fence, f->fence_version, (unsigned long long)f->driver,
	       (unsigned long long)f->other, f->confidence, f->open ? " open" : "", (long long)f->start_ms,
	       (long long)f->end_ms, (long long)f->found_ms, f->digest[0], f->digest[1], f->start_lat_e7,
	       f->start_lon_e7, f->end_lat_e7, f->end_lon_e7);
	for (unsigned n = 0; n < FINDING_NUMBER_COUNT; n++)
		if (f->numbers[n] != NUMBER_UNKNOWN)
			printf(" %s %lld", finding_number_token(n), (long long)f->numbers[n]);
	printf("\n");
}

static void print_difference(const struct bytes *a, const struct bytes *b)
{
	size_t i = 0;
	printf("%zu findings, %zu bytes; %zu findings, %zu bytes\n", a->count, a->all.size, b->count, b->all.size);
	while (i < a->count && i < b->count && is_same(&a->findings[i], &b->findings[i]))
		i++;
	if (i < a->count)
		print_finding(&a->findings[i]);
	if (i < b->count)
		print_finding(&b->findings[i]);
}

static void expect_same(const struct bytes *expected, struct bytes got, const char *what)
{
	bool same = span_equal(buf_view(&expected->all), buf_view(&got.all));
	if (!same)
		print_difference(expected, &got);
	cr_expect(same, "%s", what);
	bytes_deinit(&got);
}

static struct bytes reference(uint64_t seed)
{
	struct rig r;
	size_t count;
	struct sent *all = make_fleet(seed, &count);
	rig_init(&r);
	rig_open(&r);
	make_world(&r);
	rig_submit(&r, 0, all, count);
	struct bytes b = standing(&r);
	rig_close(&r);
	rig_deinit(&r);
	free(all);
	return b;
}

static void shuffle(struct sent *all, size_t from, size_t to, uint64_t *state)
{
	for (size_t i = to; i > from + 1; i--) {
		size_t k = from + next_random(state) % (i - from);
		struct sent swap = all[i - 1];
		all[i - 1] = all[k];
		all[k] = swap;
	}
}

Test(judge, finds_what_the_fleet_did_and_replay_finds_the_same, .timeout = 600)
{
	uint64_t seed = 0x1dea0001;
	static const uint8_t kinds[] = {
		RULE_OVERSPEED, RULE_ZONE,      RULE_OFF_HOURS,   RULE_DWELL,   RULE_GAP,         RULE_NO_FIX,
		RULE_FROZEN,    RULE_SHIELDED,  RULE_ALARM_BITS,  RULE_EXPIRED, RULE_NO_VIDEO,    RULE_UNREGISTERED,
		RULE_FATIGUE,   RULE_SILENT,    RULE_CONVOY,      RULE_PATROL,  RULE_PORT_REPORT, RULE_DEPART,
		RULE_PORT_GAP,  RULE_OVER_WIND, RULE_OUT_OF_AREA, RULE_DRAG,    RULE_OVER_CREW,   RULE_JUMP,
		RULE_LOITER,    RULE_MISSTATED, RULE_CREW_DIFFERS};
	struct rig r;
	size_t count;
	printf("seed %#llx\n", (unsigned long long)seed);
	struct sent *all = make_fleet(seed, &count);
	rig_init(&r);
	rig_open(&r);
	make_world(&r);
	rig_submit(&r, 0, all, count);
	struct bytes live = standing(&r);
	printf("%zu findings\n", live.count);
	for (size_t i = 0; i < sizeof kinds; i++)
		cr_expect(live.kinds[kinds[i]], "no finding of kind %s", rule_kind_token(kinds[i]));
	cr_expect_gt(live.crossed, 3, "crossed between two reports: %zu", live.crossed);
	for (size_t i = 0; i < live.count; i++)
		live.digests[live.findings[i].kind] |= finding_has_digest(&live.findings[i]);
	for (unsigned kind = RULE_FATIGUE; kind <= RULE_PATROL; kind++)
		cr_expect(live.digests[kind], "no digest of kind %s", rule_kind_token(kind));
	expect_same(&live, replayed(&r), "replay differs from live");
	rig_close(&r);
	rig_open(&r);
	expect_same(&live, standing(&r), "a restart changed what was found");
	rig_close(&r);
	rig_deinit(&r);
	bytes_deinit(&live);
	free(all);
}

/* One that reports faster than its first judging is waited for is stepped on the loop all the same, and not judged over
 * and over by the thread. */
Test(judge, a_device_heard_all_the_time_is_judged_again_a_few_times_only, .timeout = 300)
{
	struct rig r;
	struct engine_stats stats;
	rig_init(&r);
	rig_open(&r);
	make_world(&r);
	struct sent first = rig_report(rig_device(0), night() - STEP_MS, 1);
	rig_submit(&r, 0, &first, 1);
	rig_close(&r); /* a new device is never asked for; one that is known is, at the start */
	rig_open(&r);
	int64_t until_ns = clock_monotonic_ns() + 4 * INT64_C(1000000000);
	for (int i = 0; clock_monotonic_ns() < until_ns; i++) {
		struct sent s = rig_report(rig_device(0), night() + i * (int64_t)STEP_MS, (uint64_t)i);
		s.received_ms = clock_now_ms();
		rig_submit(&r, 0, &s, 1);
		int64_t next_ns = clock_monotonic_ns() + 20000000;
		while (clock_monotonic_ns() < next_ns)
			sched_yield();
	}
	engine_stats(r.engine, &stats);
	cr_assert_gt(stats.judge_runs, 0);
	cr_expect_lt(stats.judge_runs, 6, "judged %llu times", (unsigned long long)stats.judge_runs);
	struct bytes live = standing(&r);
	expect_same(&live, replayed(&r), "replay differs from live");
	rig_close(&r);
	rig_deinit(&r);
	bytes_deinit(&live);
}

Test(judge, any_order_and_duplicates_give_the_same_findings, .timeout = 900)
{
	for (uint64_t seed = 0x1dea0002; seed < 0x1dea0004; seed++) {
		struct rig r;
		size_t count;
		printf("seed %#llx\n", (unsigned long long)seed);
		struct bytes expected = reference(seed);
		struct sent *all = make_fleet(seed, &count);
		uint64_t state = seed ^ 0xffff;
		shuffle(all, 0, count, &state);
		rig_init(&r);
		rig_open(&r);
		make_world(&r);
		/* judged up to then after each stretch, so that most of the next comes late to a state that lives */
		for (size_t at = 0; at < count; at += count / 6 + 1) {
			rig_submit(&r, 0, all + at, count - at < count / 6 + 1 ? count - at : count / 6 + 1);
			cr_assert_eq(engine_judge_settle(r.engine, morning_after()), STATUS_OK);
		}
		rig_submit(&r, 0, all + count / 3, count / 3);
		expect_same(&expected, standing(&r), "shuffled");
		expect_same(&expected, replayed(&r), "shuffled, replayed");
		rig_close(&r);
		rig_deinit(&r);
		bytes_deinit(&expected);
		free(all);
	}
}

/* Bursts late by hours, restarts in between, another number of shards each time. */
Test(judge, late_bursts_and_restarts_give_the_same_findings, .timeout = 900)
{
	static const unsigned shards[] = {2, 1, 3};
	uint64_t seed = 0x1dea0007, state = seed;
	struct rig r;
	size_t count;
	printf("seed %#llx\n", (unsigned long long)seed);
	struct bytes expected = reference(seed);
	struct sent *all = make_fleet(seed, &count);
	rig_init(&r);
	for (int round = 0; round < 6; round++) {
		r.options.shards = shards[round % 3];
		rig_open(&r);
		if (round == 0)
			make_world(&r);
		/* every sixth stretch of 50 reports, so that all rounds but the first bring what is late */
		for (size_t at = 0; at < count; at += 50)
			if ((int)(at / 50 % 6) == round) {
				size_t end = at + 50 < count ? at + 50 : count;
				shuffle(all, at, end, &state);
				rig_submit(&r, at % r.options.shards, all + at, end - at);
			}
		if (round < 5)
			rig_close(&r);
	}
	expect_same(&expected, standing(&r), "late bursts and restarts");
	expect_same(&expected, replayed(&r), "late bursts and restarts, replayed");
	rig_close(&r);
	rig_deinit(&r);
	bytes_deinit(&expected);
	free(all);
}

/* Fences and registry changed while reports come, with effect in the past. */
Test(judge, what_is_said_later_is_judged_as_if_always_known, .timeout = 900)
{
	uint64_t seed = 0x1dea0009;
	struct rig r;
	size_t count;
	struct bytes expected = reference(seed);
	struct sent *all = make_fleet(seed, &count);
	rig_init(&r);
	rig_open(&r);
	rig_submit(&r, 0, all, count / 2);
	make_world(&r);
	rig_submit(&r, 0, all + count / 2, count - count / 2);
	expect_same(&expected, standing(&r), "world made in the middle");
	rig_close(&r);
	rig_deinit(&r);
	bytes_deinit(&expected);
	free(all);
}
