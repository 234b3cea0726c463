/* test_step_property.c -- random devices under the shipped rules: a stream cut anywhere by bytes gives what the whole
 * gives, and an oracle that knows no machine finds the same speeding and the same visits of zones. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#include "engine/core/clock.h"
#include "engine/core/hash.h"
#include "engine/detect/detect.h"
#include "engine/geo/distance.h"

#define START INT64_C(1772424000000)
#define DEVICE UINT64_C(77)
#define STREAM 400
#define LAT INT32_C(249000000)
#define LON INT32_C(1186000000)
#define TOLD_MAX 4096

static uint64_t seed;

static uint32_t below(uint32_t n)
{
	seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (uint32_t)((seed >> 33) % n);
}

struct told {
	struct buf bytes; /* every finding and fact in order */
	struct finding ended[TOLD_MAX];
	size_t count;
};

static void keep_finding(void *context, const struct finding *f, const struct rule *rule)
{
	struct told *told = context;
	cr_assert_neq(rule, NULL);
	cr_assert_eq(finding_encode(f, &told->bytes), STATUS_OK);
	if (!f->open) {
		cr_assert_lt(told->count, TOLD_MAX);
		told->ended[told->count++] = *f;
	}
}

static void keep_fact(void *context, const struct fact *f)
{
	cr_assert_eq(fact_encode(f, &((struct told *)context)->bytes), STATUS_OK);
}

struct world {
	struct rulebook *books[2];
	struct rulebook_span spans[2];
	struct fence_set *fences;
	struct detector *detector;
	uint8_t class_code;
};

static void subject(const void *registry, uint64_t device, int64_t time_ms, struct detect_subject *out)
{
	const struct world *w = registry;
	/* its papers change every 20 minutes */
	int64_t span = (time_ms - START) / (20 * MS_PER_MINUTE);
	*out = (struct detect_subject){.device = device,
				       .from_ms = START + span * 20 * MS_PER_MINUTE,
				       .to_ms = START + (span + 1) * 20 * MS_PER_MINUTE,
				       .class_code = w->class_code,
				       .registered = span % 3 != 1,
				       .metrology_due_ms = span & 1 ? START : DUE_UNKNOWN,
				       .inspection_due_ms = DUE_UNKNOWN,
				       .scrap_due_ms = DUE_UNKNOWN,
				       .survey_due_ms = DUE_UNKNOWN,
				       .licence_due_ms = DUE_UNKNOWN,
				       .nationality_due_ms = DUE_UNKNOWN};
	if (span % 4 == 2) {
		out->permit_count = 1;
		out->permits[0] = (struct permit){.kind = PERMIT_ROUTE,
						  .valid_from_ms = INT64_MIN,
						  .valid_to_ms = INT64_MAX,
						  .hours = SCHEDULE_ALWAYS,
						  .fences = {"f3"},
						  .fence_count = 1};
	}
}

static void add_fence(struct world *w, unsigned i, const char *tag, uint32_t sizes)
{
	struct fence f = {
		.valid_from_ms = INT64_MIN, .valid_to_ms = INT64_MAX, .when = SCHEDULE_ALWAYS, .tag_count = 1};
	int32_t lat = LAT + (int32_t)below(80000), lon = LON + (int32_t)below(80000),
		side = 5000 + (int32_t)below(sizes);
	struct geo_point points[] = {{lat, lon}, {lat, lon + side}, {lat + side, lon + side}, {lat + side, lon}};
	uint32_t end = 4;
	struct fence_set *next;
	snprintf(f.id, sizeof f.id, i % 5 == 0 ? "s%u-in" : "f%u", i);
	f.limit_dkmh = (uint16_t)(below(3) ? 300 + below(300) : 0);
	f.length_mm = below(3000000);
	cr_assert_eq(tag_number(span_of_string(tag), &f.tags[0]), STATUS_OK);
	cr_assert_eq(fence_area_new(points, &end, 1, &f.area), STATUS_OK);
	for (unsigned version = 0; version < 1 + i % 2; version++) {
		f.valid_from_ms = version ? START + below(7200) * MS_PER_SECOND : INT64_MIN;
		cr_assert_eq(fence_set_change(w->fences, &f, 1, &next), STATUS_OK);
		fence_set_unref(w->fences);
		w->fences = next;
	}
	fence_area_unref(f.area);
}

#define ORACLE                                                                                                         \
	"[oracle-speed]\nkind = overspeed\ntitle = a | b\nsource = c\nhold = 30 s\npoints = 2\nlimit = 40 km/h\n"      \
	"margin = 5 km/h\n[oracle-zone]\nkind = zone\ntitle = a | b\nsource = c\nwhere = tag:water_source\n"           \
	"hold = 20 s\npoints = 2\nrelease = 15 s\ngap = 2 min\n"                                                       \
	"[oracle-cross]\nkind = zone\ntitle = a | b\nsource = c\nwhere = tag:closed_road\nhold = 1 d\nsegment = yes\n" \
	"gap = 2 min\n"

static struct rulebook *book_of(const char *more)
{
	struct rulebook *book;
	struct buf text = buf_init(1 << 20);
	struct span shipped = rules_default();
	cr_assert_eq(buf_append(&text, shipped.data, shipped.size), STATUS_OK);
	cr_assert_eq(buf_printf(&text, "\n%s", more), STATUS_OK);
	cr_assert_eq(rulebook_parse(buf_view(&text), NULL, NULL, &book), STATUS_OK);
	buf_deinit(&text);
	return book;
}

static void world_make(struct world *w)
{
	static const char *const tags[] = {"speed_zone",    "water_source", "relay_point",  "muck_site",
					   "dump_site",     "fire_lane",    "scale_before", "scale_after",
					   "scale_station", "convoy_gate",  "home_region",  "section_entry",
					   "no_stop",       "closed_road"};
	memset(w, 0, sizeof *w);
	w->class_code = (uint8_t)(1 + below(5));
	cr_assert_eq(fence_set_new(&w->fences), STATUS_OK);
	for (unsigned i = 0; i < 14; i++)
		add_fence(w, i, tags[i], 60000);
	for (unsigned i = 14; i < 24; i++) /* no larger than a step: mostly crossed between two reports */
		add_fence(w, i, "closed_road", 1);
	w->books[0] = book_of(ORACLE);
	w->books[1] = book_of("[fast]\nkind = overspeed\ntitle = a | b\nsource = c\nlimit = 50 km/h\n" ORACLE);
	w->spans[0] = (struct rulebook_span){INT64_MIN, w->books[0]};
	w->spans[1] = (struct rulebook_span){START + below(7200) * MS_PER_SECOND, w->books[1]};
	struct detect_context context = {
		.books = w->spans, .book_count = 2, .fences = w->fences, .subject = subject, .registry = w};
	cr_assert_eq(detector_new(&context, &w->detector), STATUS_OK);
}

static void world_free(struct world *w)
{
	detector_unref(w->detector);
	rulebook_unref(w->books[0]);
	rulebook_unref(w->books[1]);
	fence_set_unref(w->fences);
}

static struct report stream[STREAM];
static uint8_t items[STREAM][64];

static void make_report(struct report *r, const struct report *before, size_t i)
{
	static const uint8_t ids[] = {0x03, 0x30, 0x31, 0x64, 0x65, 0x66, 0x67, 0xe1};
	size_t size = 0;
	*r = *before;
	r->hash = i + 1;
	r->time_ms += below(40) ? 1000 * (1 + below(20)) : 1000 * below(3000);
	r->lat_e7 += below(3) ? (int32_t)below(9000) - 4500 : 0;
	r->lon_e7 += below(3) ? (int32_t)below(9000) - 4500 : 0;
	if (!below(25))
		r->lat_e7 += r->lat_e7 > LAT + 500000 ? -900000 : 900000;
	r->speed_dkmh =
		below(4) ? (uint16_t)(r->speed_dkmh == SPEED_UNKNOWN ? 0 : r->speed_dkmh) : (uint16_t)below(700);
	r->speed_dkmh = below(50) ? r->speed_dkmh : SPEED_UNKNOWN;
	r->mileage_hm =
		below(60) ? (r->mileage_hm == MILEAGE_UNKNOWN ? 100 : r->mileage_hm) + below(3) : MILEAGE_UNKNOWN;
	r->status = (below(12) ? STATUS_BIT_FIX : 0) | (below(30) ? 0 : STATUS_BIT_OFFSET) | (below(4) ? 3u << 8 : 0) |
		    (below(2) ? STATUS_BIT_ACC : 0);
	r->flags = report_flags_of_status(r->status) | (below(60) ? 0 : REPORT_FLAG_FUTURE);
	r->alarm = below(5) ? r->alarm : 1u << below(32);
	for (unsigned k = below(3); k > 0; k--) {
		uint8_t length = (uint8_t)(1 + below(8));
		items[i][size++] = ids[below(sizeof ids)];
		items[i][size++] = length;
		for (unsigned b = 0; b < length; b++)
			items[i][size++] = (uint8_t)below(below(2) ? 4 : 256);
	}
	r->items = items[i];
	r->items_size = (uint16_t)size;
}

static void make_stream(void)
{
	struct report first = {.time_ms = START, .lat_e7 = LAT + 30000, .lon_e7 = LON + 30000, .mileage_hm = 100};
	for (size_t i = 0; i < STREAM; i++)
		make_report(&stream[i], i ? &stream[i - 1] : &first, i);
}

static struct detect_state *cut(struct detect_state *s)
{
	struct detect_state *again;
	struct buf bytes = buf_init(1 << 20), same = buf_init(1 << 20);
	cr_assert_eq(detect_state_encode(s, &bytes), STATUS_OK);
	cr_assert_eq(detect_state_decode(buf_view(&bytes), &again), STATUS_OK);
	cr_assert_eq(detect_state_encode(again, &same), STATUS_OK);
	cr_assert(span_equal(buf_view(&bytes), buf_view(&same)));
	detect_state_free(s);
	buf_deinit(&bytes);
	buf_deinit(&same);
	return again;
}

/* One way through the stream: cards and ticks come with it; one step in `cuts` goes through bytes, 0: none. */
static void run(const struct world *w, unsigned cuts, struct told *told)
{
	struct detect_sink sink = {told, keep_finding, keep_fact};
	struct detect_state *s;
	uint64_t dice = 88172645463325252u;
	told->bytes = buf_init(64 << 20);
	told->count = 0;
	cr_assert_eq(detect_state_new(DEVICE, &s), STATUS_OK);
	for (size_t i = 0; i < STREAM; i++) {
		dice = dice * UINT64_C(6364136223846793005) + 1;
		if (cuts && dice >> 33 & 1)
			s = cut(s);
		cr_assert_eq(detect_step(s, w->detector, &stream[i], &sink), STATUS_OK);
		int64_t now = detect_state_time(s);
		if (i % 37 == 5)
			cr_assert_eq(detect_driver(s, w->detector, now, i % 2 ? 5 : 0, &sink), STATUS_OK);
		int64_t wake = detect_wake(s, w->detector);
		if (i + 1 < STREAM && wake < stream[i + 1].time_ms)
			cr_assert_eq(detect_tick(s, w->detector, wake, &sink), STATUS_OK);
	}
	if (detect_state_time(s) != INT64_MIN)
		cr_assert_eq(detect_open(s, w->detector, detect_state_time(s) + 1000, &sink), STATUS_OK);
	detect_state_free(s);
}

static struct told whole, parts;

Test(step, cut_anywhere_by_bytes_gives_what_the_whole_gives)
{
	size_t findings = 0;
	for (uint64_t round = 1; round <= 60; round++) {
		struct world w;
		seed = round;
		world_make(&w);
		make_stream();
		run(&w, 0, &whole);
		run(&w, 1, &parts);
		cr_assert(span_equal(buf_view(&whole.bytes), buf_view(&parts.bytes)), "seed %llu",
			  (unsigned long long)round);
		findings += whole.count;
		buf_deinit(&whole.bytes);
		buf_deinit(&parts.bytes);
		world_free(&w);
	}
	cr_assert_gt(findings, 1000);
}

/* --- the oracle: for every report whether it counts, holds, is neither; then runs of them, one pass an episode --- */

enum said { NOTHING, HELD, FAILED, NEITHER };

static enum said say_speed(const struct report *r)
{
	if (r->speed_dkmh == SPEED_UNKNOWN)
		return NOTHING;
	return r->speed_dkmh > 400 ? HELD : r->speed_dkmh > 350 ? NEITHER : FAILED;
}

static enum said say_zone(const struct report *r, const struct fence *f)
{
	if (r->flags & (REPORT_FLAG_NO_FIX | REPORT_FLAG_OFFSET))
		return NOTHING;
	bool valid = r->time_ms >= f->valid_from_ms && r->time_ms < f->valid_to_ms;
	return valid && fence_area_contains(f->area, (struct geo_point){r->lat_e7, r->lon_e7}) ? HELD : FAILED;
}

/* The episode that begins at `from`: its last report at which it held, and whether it was found; returns where to go
 * on, STREAM when it never ended. */
static size_t follow(const struct fence *f, size_t from, int64_t hold, int64_t release, int64_t gap, int64_t *out_end,
		     bool *out_found)
{
	int64_t seen = stream[from].time_ms, failing = INT64_MAX;
	unsigned points = 1;
	*out_end = seen;
	*out_found = false;
	for (size_t i = from + 1; i < STREAM; i++) {
		const struct report *r = &stream[i];
		if (r->flags & REPORT_FLAG_FUTURE)
			continue;
		if (r->time_ms - seen > gap)
			return i;
		enum said said = f ? say_zone(r, f) : say_speed(r);
		if (said == NOTHING)
			continue;
		seen = r->time_ms;
		if (said != FAILED) {
			failing = INT64_MAX;
		} else if (failing == INT64_MAX) {
			failing = r->time_ms;
		}
		if (said == FAILED && (r->time_ms - failing >= release || (f && r->time_ms >= f->valid_to_ms)))
			return i + 1;
		if (said != HELD)
			continue;
		*out_end = r->time_ms;
		*out_found |= ++points >= 2 && r->time_ms - stream[from].time_ms >= hold;
	}
	return STREAM;
}

static bool was_told(const char *rule, const struct fence *f, int64_t start_ms, int64_t end_ms)
{
	for (size_t i = 0; i < whole.count; i++) {
		const struct finding *g = &whole.ended[i];
		if (strcmp(g->rule, rule) == 0 && g->start_ms == start_ms && g->end_ms == end_ms &&
		    (!f || (strcmp(g->fence, f->id) == 0 && g->fence_version == f->version)))
			return true;
	}
	return false;
}

static uint64_t oracle_round;

static size_t oracle(const struct fence *f, int64_t hold, int64_t release, int64_t gap)
{
	const char *rule = f ? "oracle-zone" : "oracle-speed";
	size_t count = 0;
	for (size_t i = 0; i < STREAM;) {
		int64_t end;
		bool found;
		if (stream[i].flags & REPORT_FLAG_FUTURE ||
		    (f ? say_zone(&stream[i], f) : say_speed(&stream[i])) != HELD) {
			i++;
			continue;
		}
		size_t next = follow(f, i, hold, release, gap, &end, &found);
		if (found && next < STREAM) {
			cr_assert(was_told(rule, f, stream[i].time_ms, end), "round %llu: %s at %zu",
				  (unsigned long long)oracle_round, rule, i);
			count++;
		}
		i = next;
	}
	return count;
}

/* --- and what lies between two reports: every pair against every fence --- */

static bool is_judged(const struct report *r)
{
	return !(r->flags & (REPORT_FLAG_NO_FIX | REPORT_FLAG_OFFSET | REPORT_FLAG_FUTURE));
}

static bool crosses(const struct fence *f, const struct report *a, const struct report *b)
{
	struct geo_point p = {a->lat_e7, a->lon_e7}, q = {b->lat_e7, b->lon_e7};
	return a->time_ms >= f->valid_from_ms && b->time_ms < f->valid_to_ms && fence_area_meets(f->area, p, q) &&
	       !fence_area_contains(f->area, p) && !fence_area_contains(f->area, q);
}

static size_t oracle_crossings(const struct world *w, const struct fence *f)
{
	const struct report *a = NULL;
	size_t count = 0;
	for (size_t i = 0; i < STREAM; i++) {
		const struct report *b = &stream[i];
		if (!is_judged(b))
			continue;
		bool near = a && b->time_ms - a->time_ms <= 120000 &&
			    distance_mm(a->lat_e7, a->lon_e7, b->lat_e7, b->lon_e7) * 36 <=
				    2000 * (b->time_ms - a->time_ms);
		bool one_book = a && (a->time_ms >= w->spans[1].from_ms || b->time_ms < w->spans[1].from_ms);
		if (near && one_book && crosses(f, a, b)) {
			cr_assert(was_told("oracle-cross", f, a->time_ms, b->time_ms), "round %llu: at %zu",
				  (unsigned long long)oracle_round, i);
			count++;
		}
		a = b;
	}
	return count;
}

static size_t told_of(const char *rule)
{
	size_t count = 0;
	for (size_t i = 0; i < whole.count; i++)
		count += strcmp(whole.ended[i].rule, rule) == 0;
	return count;
}

Test(step, an_oracle_finds_the_same_speeding_and_the_same_visits)
{
	size_t speeding = 0, visits = 0, crossed = 0;
	uint16_t water, closed;
	cr_assert_eq(tag_number(span_of_string("closed_road"), &closed), STATUS_OK);
	cr_assert_eq(tag_number(span_of_string("water_source"), &water), STATUS_OK);
	for (uint64_t round = 1; round <= 60; round++) {
		struct world w;
		seed = round * 977;
		oracle_round = round;
		world_make(&w);
		make_stream();
		stream[STREAM - 1].flags |= REPORT_FLAG_FUTURE; /* what ends with the last report is not asked */
		run(&w, 0, &whole);
		buf_deinit(&whole.bytes);
		size_t fast = oracle(NULL, 30000, 0, 300000), inside = 0, between = 0;
		for (uint32_t slot = 0; slot < fence_set_slots(w.fences); slot++) {
			const struct fence *f = fence_set_at(w.fences, slot);
			if (f && fence_has_tag(f, water))
				inside += oracle(f, 20000, 15000, 120000);
			if (f && fence_has_tag(f, closed))
				between += oracle_crossings(&w, f);
		}
		cr_assert_eq(told_of("oracle-speed"), fast);
		cr_assert_eq(told_of("oracle-zone"), inside);
		cr_assert_eq(told_of("oracle-cross"), between);
		crossed += between;
		speeding += fast;
		visits += inside;
		world_free(&w);
	}
	cr_assert_gt(speeding, 50);
	cr_assert_gt(visits, 20);
	cr_assert_gt(crossed, 20);
}
