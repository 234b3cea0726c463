/* Hours and points of tracks against a walk over every report: random devices, reports late and doubled, unknown
 * speeds, spans that cut blocks. Set ZAYTON_SEED to repeat a run. */
#include <criterion/criterion.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/core/clock.h"
#include "engine/core/limits.h"
#include "engine/fleet/hours.h"
#include "engine/series/block.h"
#include "rig.h"

#define DEVICES 5u
#define REPORTS 4000u
#define T0 INT64_C(1767196800000)

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

/* Odd devices send in time, so that rows alone can answer; device 3 so seldom that its rows keep no hours. */
static void send_device(struct rig *r, unsigned d)
{
	static struct sent sent[2 * REPORTS];
	int64_t time_ms = T0 + between(0, 7200) * 1000, pace_s = d == 3 ? 400 : 20;
	size_t count = 0;
	for (size_t i = 0, wanted = (size_t)between(1500, REPORTS); i < wanted; i++) {
		bool late = d % 2 == 0 && next() % 64 == 0;
		time_ms += between(1, pace_s) * 1000;
		sent[count] = rig_report(rig_device(d), time_ms - (late ? between(1, 40000) * 1000 : 0), next());
		store_be16(sent[count].body + 18, next() % 32 ? (uint16_t)between(0, 1200) : SPEED_UNKNOWN);
		count++;
		if (d % 2 == 0 && next() % 16 == 0) {
			sent[count] = sent[(size_t)between(0, (int64_t)count - 1)];
			count++;
		}
	}
	rig_submit(r, 0, sent, count);
}

#define HOURS_MAX 4096

struct heard {
	struct hour_speed hours[HOURS_MAX];
	size_t count;
};

static enum status hear(void *context, const struct hour_speed *hour)
{
	struct heard *h = context;
	cr_assert_lt(h->count, HOURS_MAX);
	h->hours[h->count++] = *hour;
	return STATUS_OK;
}

static void expect_point(const struct track_points *p, size_t i, const struct report *r)
{
	cr_assert_eq(p->time_ms[i], r->time_ms);
	cr_assert_eq(p->lat_e7[i], r->lat_e7);
	cr_assert_eq(p->lon_e7[i], r->lon_e7);
	cr_assert_eq(p->speed_dkmh[i], r->speed_dkmh);
	cr_assert_eq(p->course_deg[i], r->course_deg);
	cr_assert_eq(p->flags[i], r->flags);
}

/* The plain way; beside it the same track point by point. Returns how many points came in columns. */
static size_t walk_plain(struct rig *r, const struct hours_query *q, uint64_t device, struct heard *out)
{
	struct track *t, *beside;
	struct report report;
	struct track_points p = {.count = 0};
	size_t at = 0, many = 0;
	enum status status;
	cr_assert_eq(track_open(r->engine, device, q->from_ms, q->to_ms, &t), STATUS_OK);
	cr_assert_eq(track_open(r->engine, device, q->from_ms, q->to_ms, &beside), STATUS_OK);
	while ((status = track_next(t, &report)) == STATUS_OK) {
		if (at == p.count) {
			cr_assert_eq(track_points(beside, &p), STATUS_OK);
			cr_assert_gt(p.count, 0);
			many += p.count > 1 ? p.count : 0;
			at = 0;
		}
		expect_point(&p, at++, &report);
		int64_t from_ms = report.time_ms / MS_PER_HOUR * MS_PER_HOUR;
		struct hour_speed *h = out->count ? &out->hours[out->count - 1] : NULL;
		if (report.speed_dkmh == SPEED_UNKNOWN)
			continue;
		if (!h || h->device != device || h->from_ms != from_ms) {
			cr_assert_lt(out->count, HOURS_MAX);
			h = &out->hours[out->count++];
			*h = (struct hour_speed){.device = device, .from_ms = from_ms};
		}
		h->reports++;
		h->speed_sum_dkmh += report.speed_dkmh;
	}
	cr_assert_eq(status, STATUS_END);
	cr_assert_eq(at, p.count);
	cr_assert_eq(track_points(beside, &p), STATUS_END);
	track_close(t);
	track_close(beside);
	return many;
}

static int by_value(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
	return (x > y) - (x < y);
}

static size_t ask_one(struct rig *r)
{
	static struct heard got, expected;
	uint64_t devices[DEVICES];
	struct hours_query q = {.devices = devices, .context = &got};
	size_t many = 0;
	got.count = expected.count = 0;
	for (unsigned d = 0; d < DEVICES; d++)
		if (next() % 4)
			devices[q.device_count++] = rig_device(d);
	qsort(devices, q.device_count, sizeof *devices, by_value);
	q.from_ms = next() % 2 ? T0 + between(-1000, 60000) * 1000 : INT64_MIN;
	q.to_ms = next() % 2 ? (q.from_ms == INT64_MIN ? T0 : q.from_ms) + between(0, 80000) * 1000 : INT64_MAX;
	cr_assert_eq(engine_hours(r->engine, &q, hear), STATUS_OK);
	for (size_t i = 0; i < q.device_count; i++)
		many += walk_plain(r, &q, devices[i], &expected);
	cr_assert_eq(got.count, expected.count, "%zu hours instead of %zu", got.count, expected.count);
	for (size_t i = 0; i < got.count; i++)
		cr_assert(memcmp(&got.hours[i], &expected.hours[i], sizeof *got.hours) == 0,
			  "hour %zu: %" PRIu64 " reports, sum %" PRIu64 " instead of %" PRIu64 ", %" PRIu64, i,
			  got.hours[i].reports, got.hours[i].speed_sum_dkmh, expected.hours[i].reports,
			  expected.hours[i].speed_sum_dkmh);
	return many;
}

Test(hours, answers_and_points_are_those_of_a_walk_over_all_tracks, .timeout = 600)
{
	const char *given = getenv("ZAYTON_SEED");
	size_t many = 0;
	state = given ? strtoull(given, NULL, 0) : UINT64_C(0x4005);
	printf("hours: ZAYTON_SEED=%" PRIu64 "\n", state);
	for (int world = 0; world < 3; world++) {
		struct rig r;
		rig_init(&r);
		r.options.create = true;
		rig_open(&r);
		for (unsigned d = 0; d < DEVICES; d++)
			send_device(&r, d);
		for (int settled = 0; settled < 2; settled++) {
			for (int i = 0; i < 12; i++)
				many += ask_one(&r);
			cr_assert_eq(engine_settle(r.engine), STATUS_OK);
		}
		rig_close(&r);
		rig_deinit(&r);
	}
	cr_assert_gt(many, 10000, "too few points come in columns to tell anything");
}
