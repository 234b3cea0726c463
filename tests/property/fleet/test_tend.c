/* The calendar's work: dead zones learned in the middle of a week are judged by alike live and in replay; a place that
 * nobody visits is found without anybody asking; days that are over are signed. */
#include <criterion/criterion.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/core/clock.h"
#include "engine/fleet/day_chain.h"
#include "engine/fleet/replay.h"
#include "rig.h"

#define RULE(id, kind) "[" id "]\nkind = " kind "\ntitle = 试 | Test\nsource = test\n"

/* 12:00 in China on a day of March 2026 */
static int64_t noon(int day)
{
	struct civil c = {2026, 3, (uint8_t)day, 4, 0, 0, 0};
	return civil_to_ms(&c);
}

static void put_rules(struct rig *r, const char *text)
{
	cr_assert_eq(context_put_rules(engine_context(r->engine), span_of_string(text), INT64_MIN, "test", NULL, NULL),
		     STATUS_OK);
}

static void know(struct rig *r, unsigned device)
{
	char plate[32];
	snprintf(plate, sizeof plate, "2:闽C%05u", 10000 + device);
	struct registry_change change = {DEVICE_FIELD_PLATE, span_of_string(plate)};
	cr_assert_eq(registry_apply(engine_registry(r->engine), rig_device(device), DEVICE_KIND_JT808, &change, 1,
				    VALID_ALWAYS_FROM, "test", NULL),
		     STATUS_OK);
}

static void send_at(struct rig *r, unsigned device, int64_t time_ms, uint32_t lat_e6, uint32_t lon_e6)
{
	struct sent s = {.device = rig_device(device), .received_ms = time_ms + 1000, .size = 28};
	store_be32(s.body + 4, 3);
	store_be32(s.body + 8, lat_e6);
	store_be32(s.body + 12, lon_e6);
	store_be16(s.body + 18, 400);
	cr_assert_eq(bcd_time_encode(time_ms, s.body + 22), STATUS_OK);
	rig_submit(r, 0, &s, 1);
}

/* --- dead zones --- */

#define VALLEY 24905000, 118705000
#define TOWN 24945000, 118745000

/* Into `lat`, `lon`, and half an hour later out of the hills. */
static void lose_contact(struct rig *r, unsigned device, int64_t time_ms, uint32_t lat_e6, uint32_t lon_e6)
{
	send_at(r, device, time_ms, lat_e6, lon_e6);
	send_at(r, device, time_ms + 30 * MS_PER_MINUTE, lat_e6 + 100000, lon_e6);
}

struct bytes {
	struct buf all;
	size_t count;
};

static struct bytes bytes_of(struct replay_result *found)
{
	struct bytes b = {buf_init(SIZE_MAX / 2), found->count};
	for (size_t i = 0; i < found->count; i++)
		cr_assert_eq(finding_encode(&found->findings[i], &b.all), STATUS_OK);
	free(found->findings);
	return b;
}

static struct bytes standing(struct rig *r, int64_t as_of_ms)
{
	struct replay_result found;
	cr_assert_eq(engine_judge_settle(r->engine, as_of_ms), STATUS_OK);
	cr_assert_eq(engine_findings_standing(r->engine, INT64_MIN, INT64_MAX, &found), STATUS_OK);
	return bytes_of(&found);
}

static struct bytes replayed(struct rig *r, int64_t as_of_ms)
{
	struct replay_result found;
	struct judged_by *by = context_take(engine_context(r->engine));
	struct replay_options o = {
		.by = by, .from_ms = INT64_MIN, .to_ms = INT64_MAX, .as_of_ms = as_of_ms, .digests = true};
	cr_assert_eq(engine_replay(r->engine, &o, &found), STATUS_OK);
	judged_by_release(by);
	return bytes_of(&found);
}

static void expect_both(struct rig *r, int64_t as_of_ms, size_t count)
{
	struct bytes live = standing(r, as_of_ms), again = replayed(r, as_of_ms);
	cr_expect_eq(live.count, count, "%zu findings, not %zu", live.count, count);
	cr_expect(span_equal(buf_view(&live.all), buf_view(&again.all)), "replay differs");
	buf_deinit(&live.all);
	buf_deinit(&again.all);
}

static uint32_t maps(struct rig *r)
{
	struct judged_by *by = context_take(engine_context(r->engine));
	uint32_t count = dead_zones_count(by->zones);
	judged_by_release(by);
	return count;
}

Test(tend, a_dead_zone_holds_from_the_day_after_it_was_learned_live_and_in_replay, .timeout = 120)
{
	struct rig r;
	rig_init(&r);
	rig_open(&r);
	put_rules(&r, RULE("away", "gap") "time = 10 min\ndistance = 2 km\n");
	for (unsigned d = 1; d <= 9; d++)
		know(&r, d);
	for (unsigned d = 1; d <= 5; d++)
		lose_contact(&r, d, noon(14), VALLEY);
	expect_both(&r, noon(14) + 2 * MS_PER_HOUR, 5);
	engine_tend(r.engine, noon(14) + 9 * MS_PER_HOUR);
	cr_expect_eq(maps(&r), 0, "not before the evening");
	engine_tend(r.engine, noon(14) + 10 * MS_PER_HOUR);
	engine_tend(r.engine, noon(14) + 11 * MS_PER_HOUR);
	cr_assert_eq(maps(&r), 1);
	/* as the next day goes: the valley is known, the town is not; and late word of the day before */
	lose_contact(&r, 6, noon(15), VALLEY);
	lose_contact(&r, 7, noon(15), TOWN);
	lose_contact(&r, 8, noon(14) + MS_PER_HOUR, VALLEY);
	expect_both(&r, noon(15) + 2 * MS_PER_HOUR, 7);
	rig_close(&r);
	rig_open(&r);
	cr_expect_eq(maps(&r), 1);
	lose_contact(&r, 9, noon(15), VALLEY);
	expect_both(&r, noon(15) + 2 * MS_PER_HOUR, 7);
	/* nothing of a week ago counts any more: another map, and the old one still for its days */
	engine_tend(r.engine, noon(25) + 10 * MS_PER_HOUR);
	cr_assert_eq(maps(&r), 2);
	lose_contact(&r, 6, noon(26), VALLEY);
	lose_contact(&r, 7, noon(16), VALLEY);
	/* device 6 was away between the days as well, and 7 */
	struct bytes live = standing(&r, noon(27)), again = replayed(&r, noon(27));
	cr_expect(span_equal(buf_view(&live.all), buf_view(&again.all)), "replay differs");
	buf_deinit(&live.all);
	buf_deinit(&again.all);
	rig_close(&r);
	rig_deinit(&r);
}

/* A map that comes when its day has begun, as after a night without power: what was judged is judged again. */
Test(tend, a_dead_zone_said_late_is_judged_as_if_it_had_been_known, .timeout = 120)
{
	struct rig r;
	struct dead_zone_learner *l;
	struct dead_zone_map *map;
	rig_init(&r);
	rig_open(&r);
	put_rules(&r, RULE("away", "gap") "time = 10 min\ndistance = 2 km\n");
	know(&r, 1);
	lose_contact(&r, 1, noon(15), VALLEY);
	expect_both(&r, noon(15) + 2 * MS_PER_HOUR, 1);
	cr_assert_eq(dead_zone_learner_new(noon(15) - 12 * MS_PER_HOUR, &l), STATUS_OK);
	for (unsigned d = 1; d <= 5; d++) {
		struct fact gap = {.kind = FACT_GAP,
				   .device = d,
				   .from_ms = noon(14),
				   .to_ms = noon(14) + MS_PER_HOUR,
				   .from_lat_e7 = 249050000,
				   .from_lon_e7 = 1187050000};
		cr_assert_eq(dead_zone_learn_gap(l, &gap), STATUS_OK);
	}
	cr_assert_eq(dead_zone_learner_finish(l, &map), STATUS_OK);
	dead_zone_learner_free(l);
	cr_assert_eq(context_put_dead_zones(engine_context(r.engine), map), STATUS_OK);
	dead_zone_map_unref(map);
	expect_both(&r, noon(15) + 2 * MS_PER_HOUR, 0);
	rig_close(&r);
	rig_deinit(&r);
}

/* --- patrols --- */

static void put_cell(struct rig *r, int64_t from_ms)
{
	static const struct geo_point ring[] = {
		{249000000, 1187000000}, {249100000, 1187000000}, {249100000, 1187100000}, {249000000, 1187100000}};
	uint32_t end = 4;
	struct fence f = {
		.id = "cell", .name = "cell", .valid_from_ms = from_ms, .valid_to_ms = INT64_MAX, .tag_count = 1};
	memcpy(&f.when, &SCHEDULE_ALWAYS, sizeof f.when);
	cr_assert_eq(tag_number(span_of_string("patrol_cell"), &f.tags[0]), STATUS_OK);
	cr_assert_eq(fence_area_new(ring, &end, 1, &f.area), STATUS_OK);
	cr_assert_eq(context_put_fences(engine_context(r->engine), &f, 1), STATUS_OK);
	fence_area_unref(f.area);
}

static void wait_raised(struct rig *r, uint64_t count)
{
	while (atomic_load(&findings_stats(engine_findings(r->engine))->raised) < count)
		sched_yield(); /* the test's own time limit ends it */
}

Test(tend, a_place_that_nobody_visits_is_found_as_time_goes_by, .timeout = 120)
{
	struct rig r;
	rig_init(&r);
	rig_open(&r);
	put_rules(&r, RULE("patrol", "patrol") "tag = patrol_cell\ntime = 24 h\n");
	put_cell(&r, noon(14));
	engine_tend(r.engine, noon(15));
	engine_tend(r.engine, noon(15) + MS_PER_MINUTE);
	wait_raised(&r, 1);
	struct replay_result found;
	cr_assert_eq(engine_findings_standing(r.engine, INT64_MIN, INT64_MAX, &found), STATUS_OK);
	cr_assert_eq(found.count, 1);
	cr_expect_eq(found.findings[0].kind, RULE_PATROL);
	cr_expect_eq(found.findings[0].start_ms, noon(14));
	cr_expect_eq(found.findings[0].found_ms, noon(15));
	cr_expect(found.findings[0].open);
	free(found.findings);
	rig_close(&r);
	rig_deinit(&r);
}

/* --- pairs --- */

static void put_gate(struct rig *r, unsigned number)
{
	struct geo_point ring[4];
	uint32_t end = 4;
	struct fence f = {.valid_from_ms = INT64_MIN, .valid_to_ms = INT64_MAX, .tag_count = 1};
	int32_t south = 249000000 + (int32_t)number * 1000000;
	for (int i = 0; i < 4; i++)
		ring[i] =
			(struct geo_point){south + (i == 1 || i == 2 ? 100000 : 0), 1187000000 + (i >= 2 ? 100000 : 0)};
	snprintf(f.id, sizeof f.id, "gate-%u", number);
	memcpy(&f.when, &SCHEDULE_ALWAYS, sizeof f.when);
	cr_assert_eq(tag_number(span_of_string("gate"), &f.tags[0]), STATUS_OK);
	cr_assert_eq(fence_area_new(ring, &end, 1, &f.area), STATUS_OK);
	cr_assert_eq(context_put_fences(engine_context(r->engine), &f, 1), STATUS_OK);
	fence_area_unref(f.area);
}

static void say_class(struct rig *r, unsigned device, const char *name)
{
	struct registry_change change = {DEVICE_FIELD_CLASS, span_of_string(name)};
	cr_assert_eq(registry_apply(engine_registry(r->engine), rig_device(device), DEVICE_KIND_JT808, &change, 1,
				    VALID_ALWAYS_FROM, "test", NULL),
		     STATUS_OK);
}

/* Two through three gates; then one turns out to have been no truck, and nobody settles. */
static void expect_pair_gone(unsigned corrected)
{
	struct rig r;
	rig_init(&r);
	rig_open(&r);
	put_rules(&r, RULE("pair", "convoy") "tag = gate\ntimes = 3\ntime = 2 min\nclasses = truck\n");
	for (unsigned gate = 1; gate <= 3; gate++)
		put_gate(&r, gate);
	for (unsigned d = 1; d <= 2; d++) {
		know(&r, d);
		say_class(&r, d, "truck");
		for (unsigned gate = 1; gate <= 3; gate++)
			send_at(&r, d, noon(14) + gate * 10 * MS_PER_MINUTE + d * 10000, 24905000 + gate * 100000,
				118705000);
	}
	wait_raised(&r, 1);
	say_class(&r, corrected, "coach");
	while (atomic_load(&findings_stats(engine_findings(r.engine))->withdrawn) < 1)
		sched_yield();
	rig_close(&r);
	rig_deinit(&r);
}

Test(tend, a_pair_is_over_when_the_visits_of_either_go, .timeout = 120)
{
	expect_pair_gone(1);
	expect_pair_gone(2);
}

/* --- asking --- */

static enum status count_case(void *context, const struct violation *v)
{
	*(unsigned *)context += !strcmp(v->finding.rule, "fast");
	return STATUS_OK;
}

static void send_fast(struct rig *r, int64_t time_ms)
{
	struct sent s = {.device = rig_device(1), .received_ms = clock_now_ms(), .size = 28};
	store_be32(s.body, 0);
	store_be32(s.body + 4, 3);
	store_be32(s.body + 8, 24905000);
	store_be32(s.body + 12, 118705000);
	store_be16(s.body + 18, 900);
	cr_assert_eq(bcd_time_encode(time_ms, s.body + 22), STATUS_OK);
	rig_submit(r, 0, &s, 1);
}

/* Asked long after the last report, an episode is told as ended, and a silence; then the device goes on. What was told
 * is told again by whoever goes on from the state, and is still the same case. The reports come at once: of a device
 * that is heard the clock says nothing by itself. */
Test(tend, what_was_told_on_asking_keeps_its_case_when_the_device_goes_on, .timeout = 120)
{
	struct rig r;
	unsigned cases = 0;
	rig_init(&r);
	rig_open(&r);
	put_rules(&r, RULE("fast", "overspeed") "limit = 60 km/h\n" RULE("gone", "silent") "time = 30 min\n");
	know(&r, 1);
	cr_assert_eq(engine_judge_settle(r.engine, noon(14)), STATUS_OK); /* the loop has the rules */
	for (int i = 0; i < 5; i++)
		send_fast(&r, noon(14) + i * MS_PER_MINUTE);
	cr_assert_eq(engine_judge_settle(r.engine, noon(14) + 2 * MS_PER_HOUR), STATUS_OK);
	send_at(&r, 1, noon(14) + 3 * MS_PER_HOUR, VALLEY);
	expect_both(&r, noon(14) + 3 * MS_PER_HOUR, 2);
	cr_assert_eq(violations_scan(engine_findings(r.engine), INT64_MIN, INT64_MAX, 0, 0, count_case, &cases),
		     STATUS_OK);
	cr_expect_eq(cases, 1);
	cr_expect_eq(atomic_load(&findings_stats(engine_findings(r.engine))->raised), 2, "a case each, once");
	rig_close(&r);
	rig_deinit(&r);
}

/* --- days --- */

static enum status count_day(void *context, const struct day_record *d)
{
	*(unsigned *)context += d->rows > 0;
	return STATUS_OK;
}

Test(tend, days_that_are_over_are_signed_whatever_was_written_and_killed, .timeout = 120)
{
	struct rig r;
	struct days_checked checked;
	struct buf out = buf_init(65536);
	unsigned days = 0;
	rig_init(&r);
	for (int day = 1; day <= 3; day++) {
		rig_open(&r);
		if (day == 1)
			put_rules(&r, RULE("away", "gap") "time = 10 min\ndistance = 2 km\n");
		know(&r, (unsigned)day);
		lose_contact(&r, (unsigned)day, noon(14), VALLEY);
		cr_assert_eq(engine_judge_settle(r.engine, noon(15)), STATUS_OK);
		engine_tend(r.engine, clock_now_ms() + day * MS_PER_DAY);
		rig_close(&r);
	}
	rig_open(&r);
	cr_expect_eq(days_check(engine_store(r.engine), NULL, &out, &checked), STATUS_OK, "%.*s", (int)out.size,
		     (const char *)out.data);
	cr_expect_eq(checked.days, 3);
	cr_assert_eq(days_read(engine_store(r.engine), INT32_MIN, count_day, &days), STATUS_OK);
	cr_expect_eq(days, 3);
	cr_expect_eq(checked.rows, 3 * (1 + 2), "a plate, a case raised and closed, each day");
	buf_deinit(&out);
	rig_close(&r);
	rig_deinit(&r);
}
