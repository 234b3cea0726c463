/* The archive against a walk over every track: random devices that wander, reports late, doubled, without a fix and
 * shifted; random polygons with holes, discs, spans and lists of devices. */
#include <criterion/criterion.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/core/limits.h"
#include "engine/fleet/archive.h"
#include "engine/geo/distance.h"
#include "rig.h"

#define DEVICES 5u
#define REPORTS 4000u /* of a device, at most */
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

/* --- the world --- */

/* Micro-degrees; the device stands for a while, then walks, then jumps now and then. */
struct wanderer {
	int64_t lat, lon, time_ms;
	int64_t pace;
};

static void wander(struct wanderer *w)
{
	if (next() % 300 == 0)
		w->pace = between(0, 3) * 60;
	if (next() % 900 == 0)
		w->lat += between(-20000, 20000);
	w->lat += between(-w->pace, w->pace);
	w->lon += between(-w->pace, w->pace) + w->pace / 10;
	w->time_ms += between(0, 20) * 1000;
}

static struct sent report_of(uint64_t device, const struct wanderer *w, int64_t time_ms)
{
	struct sent s = rig_report(device, time_ms, next() & ~UINT64_C(12));
	bool fix = next() % 64 != 0, offset = next() % 512 == 0;
	store_be32(s.body + 4, (fix ? STATUS_BIT_FIX : 0) | (offset ? STATUS_BIT_OFFSET : 0));
	store_be32(s.body + 8, (uint32_t)w->lat);
	store_be32(s.body + 12, (uint32_t)w->lon);
	return s;
}

/* Some devices send everything clean and in time, so that summaries alone can answer. */
static void send_device(struct rig *r, unsigned d)
{
	static struct sent sent[2 * REPORTS];
	struct wanderer w = {24900000 + between(-50000, 50000), 118700000, T0, 0};
	bool clean = d % 2;
	size_t count = 0, wanted = (size_t)between(1, REPORTS);
	for (size_t i = 0; i < wanted; i++) {
		bool late = !clean && next() % 64 == 0;
		wander(&w);
		sent[count] = report_of(rig_device(d), &w, w.time_ms - (late ? between(1, 40000) * 1000 : 0));
		if (clean)
			store_be32(sent[count].body + 4, STATUS_BIT_FIX);
		count++;
		if (!clean && next() % 16 == 0) {
			sent[count] = sent[(size_t)between(0, (int64_t)count - 1)];
			count++;
		}
	}
	rig_submit(r, 0, sent, count);
}

/* --- the plain way --- */

static bool holds(const struct archive_query *q, const struct report *r)
{
	struct geo_point p = {r->lat_e7, r->lon_e7};
	if (q->area)
		return fence_area_contains(q->area, p);
	return distance_mm(p.lat_e7, p.lon_e7, q->centre.lat_e7, q->centre.lon_e7) <= q->within_mm;
}

struct plain {
	struct archive_answer answer;
	struct archive_crossing crossings[2 * REPORTS];
};

static void ask_plain(struct rig *r, const struct archive_query *q, uint64_t device, struct plain *out)
{
	struct track *t;
	struct report report;
	int before = -1;
	enum status status;
	struct archive_answer *a = &out->answer;
	*a = (struct archive_answer){.device = device, .crossings = out->crossings};
	cr_assert_eq(track_open(r->engine, device, q->from_ms, q->to_ms, &t), STATUS_OK);
	while ((status = track_next(t, &report)) == STATUS_OK) {
		struct archive_sight sight = {report.time_ms, {report.lat_e7, report.lon_e7}};
		if (report.flags & (REPORT_FLAG_NO_FIX | REPORT_FLAG_OFFSET))
			continue;
		bool inside = holds(q, &report);
		if (q->crossings && before >= 0 && inside != before)
			out->crossings[a->crossings_total++] = (struct archive_crossing){sight, inside};
		before = inside;
		if (inside && !a->reports++)
			a->first = sight;
		if (inside)
			a->last = sight;
	}
	a->crossing_count =
		(uint32_t)(a->crossings_total < ARCHIVE_CROSSINGS_MAX ? a->crossings_total : ARCHIVE_CROSSINGS_MAX);
	cr_assert_eq(status, STATUS_END);
	track_close(t);
}

/* --- questions --- */

static struct fence_area *random_area(void)
{
	struct geo_point points[24];
	uint32_t corners = (uint32_t)between(3, 12), ends[2] = {corners, 2 * corners};
	int64_t reach = INT64_C(1000) << between(0, 10);
	double lat = (double)(249000000 + between(-700000, 700000)),
	       lon = (double)(1187000000 + between(-300000, 1500000));
	struct fence_area *area;
	for (uint32_t i = 0; i < corners;
	     i++) { /* around the centre, by octants: sheared by chance, never off the globe */
		static const int8_t turn[12][2] = {{0, 12},  {6, 10},   {10, 6},   {12, 0},  {10, -6}, {6, -10},
						   {0, -12}, {-6, -10}, {-10, -6}, {-12, 0}, {-10, 6}, {-6, 10}};
		const int8_t *at = turn[i * 12 / corners];
		int64_t far = between(reach / 3, reach);
		points[i] = (struct geo_point){(int32_t)(lat + (double)(at[0] * far)),
					       (int32_t)(lon + (double)(at[1] * far))};
		points[corners + i] = (struct geo_point){(int32_t)(lat + (double)(at[0] * far / 3)),
							 (int32_t)(lon + (double)(at[1] * far / 3))};
	}
	cr_assert_eq(fence_area_new(points, ends, next() % 3 ? 1 : 2, &area), STATUS_OK);
	return area;
}

/* Sometimes exactly from one report to another, so that the border is asked. */
static void random_disc(struct rig *r, struct archive_query *q)
{
	struct last a, b;
	q->centre = (struct geo_point){(int32_t)(249000000 + between(-700000, 700000)),
				       (int32_t)(1187000000 + between(-300000, 1500000))};
	q->within_mm = between(0, INT64_C(1000) << between(0, 15));
	if (next() % 3 || engine_last(r->engine, rig_device(0), &a) || engine_last(r->engine, rig_device(1), &b))
		return;
	q->centre = (struct geo_point){a.report.lat_e7, a.report.lon_e7};
	q->within_mm =
		distance_mm(a.report.lat_e7, a.report.lon_e7, b.report.lat_e7, b.report.lon_e7) - (int64_t)(next() % 2);
	q->within_mm = q->within_mm < 0 ? 0 : q->within_mm;
}

struct heard {
	struct rig *rig;
	const struct archive_query *query;
	size_t at; /* in the query's devices */
	size_t answers;
};

static bool same_sight(const struct archive_sight *a, const struct archive_sight *b)
{
	return a->time_ms == b->time_ms && a->at.lat_e7 == b->at.lat_e7 && a->at.lon_e7 == b->at.lon_e7;
}

static void expect_same(const struct archive_answer *a, const struct archive_answer *b)
{
	cr_assert_eq(a->reports, b->reports, "%" PRIu64 " reports instead of %" PRIu64, a->reports, b->reports);
	cr_assert(same_sight(&a->first, &b->first), "first");
	cr_assert(same_sight(&a->last, &b->last), "last: %" PRId64 " instead of %" PRId64, a->last.time_ms,
		  b->last.time_ms);
	cr_assert_eq(a->crossings_total, b->crossings_total, "%" PRIu64 " crossings instead of %" PRIu64,
		     a->crossings_total, b->crossings_total);
	cr_assert_eq(a->crossing_count, b->crossing_count);
	for (uint32_t i = 0; i < a->crossing_count; i++) {
		cr_assert(same_sight(&a->crossings[i].sight, &b->crossings[i].sight), "crossing %u", i);
		cr_assert_eq(a->crossings[i].enters, b->crossings[i].enters);
	}
}

/* Devices before the one that answers have nothing to say. */
static void expect_silence(struct heard *h, uint64_t until)
{
	static struct plain plain;
	for (; h->at < h->query->device_count && h->query->devices[h->at] != until; h->at++) {
		ask_plain(h->rig, h->query, h->query->devices[h->at], &plain);
		cr_assert_eq(plain.answer.reports, 0, "a device is left out");
	}
}

static enum status hear(void *context, const struct archive_answer *answer)
{
	static struct plain plain;
	struct heard *h = context;
	expect_silence(h, answer->device);
	cr_assert_lt(h->at, h->query->device_count, "a device that was not asked for");
	h->at++;
	h->answers++;
	ask_plain(h->rig, h->query, answer->device, &plain);
	expect_same(answer, &plain.answer);
	return STATUS_OK;
}

static int by_value(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
	return (x > y) - (x < y);
}

static size_t ask_one(struct rig *r)
{
	uint64_t devices[DEVICES];
	struct heard h = {.rig = r};
	struct archive_query q = {
		.devices = devices, .crossings = next() % 2, .threads = (unsigned)between(0, 3), .context = &h};
	h.query = &q;
	for (unsigned d = 0; d < DEVICES; d++)
		if (next() % 4)
			devices[q.device_count++] = rig_device(d);
	qsort(devices, q.device_count, sizeof *devices, by_value);
	q.from_ms = next() % 4 ? T0 + between(-1000, 60000) * 1000 : INT64_MIN;
	q.to_ms = next() % 4 ? (q.from_ms == INT64_MIN ? T0 : q.from_ms) + between(0, 40000) * 1000 : INT64_MAX;
	if (next() % 2)
		q.area = random_area();
	else
		random_disc(r, &q);
	cr_assert_eq(engine_archive(r->engine, &q, hear), STATUS_OK);
	expect_silence(&h, 0);
	fence_area_unref(q.area);
	return h.answers;
}

static size_t ask_many(struct rig *r)
{
	size_t answers = 0;
	for (int i = 0; i < 40; i++)
		answers += ask_one(r);
	return answers;
}

Test(archive, answers_are_those_of_a_walk_over_all_tracks, .timeout = 600)
{
	const char *given = getenv("ZAYTON_SEED");
	size_t answers = 0;
	state = given ? strtoull(given, NULL, 0) : UINT64_C(0xa5c417e);
	printf("archive: ZAYTON_SEED=%" PRIu64 "\n", state);
	for (int world = 0; world < 8; world++) {
		struct rig r;
		rig_init(&r);
		r.options.create = true;
		rig_open(&r);
		for (unsigned d = 0; d < DEVICES; d++)
			send_device(&r, d);
		answers += ask_many(&r);
		cr_assert_eq(engine_settle(r.engine), STATUS_OK);
		answers += ask_many(&r);
		rig_close(&r);
		rig_deinit(&r);
	}
	cr_assert_gt(answers, 200, "the questions meet too few devices to tell anything");
}

/* --- what is refused, and who is asked --- */

static enum status count_visit(void *context, const struct archive_answer *answer)
{
	size_t *count = context;
	(void)answer;
	++*count;
	return *count == 2 ? STATUS_CANCELLED : STATUS_OK;
}

static enum status not_the_first(void *context, uint64_t device)
{
	(void)context;
	return device == rig_device(0) ? STATUS_NOT_FOUND : STATUS_OK;
}

Test(archive, a_question_ends_when_its_visitor_says_so_and_asks_only_who_is_wanted)
{
	struct rig r;
	size_t count = 0;
	struct wanderer w = {24900000, 118700000, T0, 0};
	struct registry_change none = {DEVICE_FIELD_STATE, span_of_string("registered")};
	rig_init(&r);
	r.options.create = true;
	rig_open(&r);
	for (unsigned d = 0; d < 3; d++) {
		struct sent s = report_of(rig_device(d), &w, T0);
		store_be32(s.body + 4, STATUS_BIT_FIX);
		rig_submit(&r, 0, &s, 1);
		cr_assert_eq(registry_apply(engine_registry(r.engine), rig_device(d), DEVICE_KIND_JT808, &none, 1, T0,
					    "test", NULL),
			     STATUS_OK);
	}
	struct archive_query q = {.centre = {249000000, 1187000000}, .from_ms = T0, .to_ms = T0, .context = &count};
	cr_expect_eq(engine_archive(r.engine, &q, count_visit), STATUS_CANCELLED);
	cr_expect_eq(count, 2);
	q.wanted = not_the_first;
	count = 10;
	cr_expect_eq(engine_archive(r.engine, &q, count_visit), STATUS_OK);
	cr_expect_eq(count, 12);
	q.from_ms = T0 + 1;
	cr_expect_eq(engine_archive(r.engine, &q, count_visit), STATUS_INVALID);
	q.from_ms = T0;
	q.within_mm = -1;
	cr_expect_eq(engine_archive(r.engine, &q, count_visit), STATUS_OUT_OF_RANGE);
	rig_close(&r);
	rig_deinit(&r);
}
