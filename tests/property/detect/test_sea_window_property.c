/* Random crowds of vessels in and around a harbour: the facts of a window are those of holding every two of them
 * against every rule at every instant, whoever is passed over before. The seed is printed; ZAYTON_SEED repeats it. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/core/clock.h"
#include "engine/detect/sea_window.h"
#include "engine/detect/stage2.h"
#include "property/detect/rules_random.h"

#define VESSELS 48
#define FIXES 24
#define WORLDS 400
#define WINDOW INT64_C(2982624)
#define FACTS_MAX 40000
#define LAT INT32_C(247000000)
#define LON INT32_C(1188000000)

static uint64_t state;
static struct vessel {
	unsigned class_code;
	uint64_t vehicle;
	struct sea_fix fixes[FIXES];
	struct sea_subject known;
} vessels[VESSELS];
static struct sea_track tracks[VESSELS];
static size_t count;

struct told {
	struct fact facts[FACTS_MAX];
	size_t count;
};
static struct told told, wanted;
static size_t passed_over; /* pairs side by side of whom no rule asks */

static uint32_t below(uint32_t n)
{
	return rules_below(&state, n);
}

static void subject(const void *registry, uint64_t device, int64_t time_ms, struct detect_subject *out)
{
	const struct vessel *v = &vessels[device - 1];
	(void)registry;
	(void)time_ms;
	*out = (struct detect_subject){.device = device,
				       .from_ms = INT64_MIN,
				       .to_ms = INT64_MAX,
				       .class_code = (uint8_t)v->class_code,
				       .vehicle = v->vehicle};
}

static void keep_fact(void *context, const struct fact *f)
{
	struct told *t = context;
	cr_assert_lt(t->count, FACTS_MAX);
	t->facts[t->count++] = *f;
}

/* --- the sea --- */

static int32_t somewhere(int32_t middle, uint32_t span)
{
	return middle + (int32_t)below(span) - (int32_t)(span / 2);
}

static void make_track(size_t i)
{
	static const uint8_t classes[] = {DEVICE_CLASS_FISHING_SMALL, DEVICE_CLASS_FISHING_BOAT, DEVICE_CLASS_VESSEL,
					  DEVICE_CLASS_TOWNSHIP_BOAT, DEVICE_CLASS_TRUCK};
	struct vessel *v = &vessels[i];
	bool idle = below(3) == 0, follows = i && below(4) == 0;
	int32_t lat = somewhere(LAT, 200000), lon = somewhere(LON, 200000);
	int64_t now = WINDOW * SEA_WINDOW_MS - SEA_FRESH_MAX_MS + below(900000);
	size_t n = 0;
	*v = (struct vessel){.class_code = classes[below(5)], .vehicle = below(8) ? i + 1 : 1 + below(3)};
	uint16_t speed = idle ? 0 : (uint16_t)below(220), course = (uint16_t)below(361);
	for (; n < FIXES && now < (WINDOW + 1) * SEA_WINDOW_MS; now += 20000 + below(240000), n++) {
		struct report r = {.time_ms = now,
				   .lat_e7 = somewhere(lat, 2000),
				   .lon_e7 = somewhere(lon, 2000),
				   .speed_dkmh = below(30) ? speed : SPEED_UNKNOWN,
				   .course_deg = course};
		if (follows && n < tracks[i - 1].count) { /* beside the one before */
			r.lat_e7 = somewhere(vessels[i - 1].fixes[n].mover.lat_e7, 3000);
			r.lon_e7 = somewhere(vessels[i - 1].fixes[n].mover.lon_e7, 3000);
		}
		cr_assert(sea_fix_of(&r, &v->fixes[n]));
	}
	tracks[i] = (struct sea_track){i + 1, below(2) ? &v->known : NULL, v->fixes, n, SEA_NOT_BORN};
}

static struct rulebook *make_rules(void)
{
	static const char *const pairs[] = {"merchant_fishing", "any_fishing", "any"};
	static const char *const speeds[] = {"1 km/h", "4 km/h", "10 km/h"};
	struct buf text = buf_init(1 << 16);
	struct rulebook *book;
	for (unsigned i = below(3); i > 0; i--)
		cr_assert_eq(buf_printf(&text,
					"[collision-%u]\nkind = collision\ntitle = a | b\nsource = c\ncpa = %u m\n"
					"tcpa = 12 min\nfresh = %u min\npairs = %s\n",
					i, 50 + below(900), 1 + below(12), pairs[below(3)]),
			     STATUS_OK);
	for (unsigned i = below(3); i > 0; i--)
		cr_assert_eq(buf_printf(&text,
					"[encounter-%u]\nkind = encounter\ntitle = a | b\nsource = c\ndistance = %u m\n"
					"speed = %s\n%s",
					i, 50 + below(900), speeds[below(3)], below(4) ? "exempt = harbour\n" : ""),
			     STATUS_OK);
	for (unsigned i = below(3); i > 0; i--)
		cr_assert_eq(buf_printf(&text,
					"[two-%u]\nkind = two_codes\ntitle = a | b\nsource = c\ndistance = %u m\n"
					"speed = %s\n",
					i, 20 + below(500), speeds[below(3)]),
			     STATUS_OK);
	enum status status = rulebook_parse(buf_view(&text), NULL, NULL, &book);
	cr_assert_eq(status, STATUS_OK, "%.*s", (int)text.size, (const char *)text.data);
	buf_deinit(&text);
	return book;
}

static struct fence_set *make_harbour(void)
{
	int32_t half = 20000 + (int32_t)below(60000);
	const struct geo_point corners[] = {
		{LAT - half, LON - half}, {LAT - half, LON + half}, {LAT + half, LON + half}, {LAT + half, LON - half}};
	struct fence f = {.id = "h", .valid_from_ms = INT64_MIN, .valid_to_ms = INT64_MAX, .tag_count = 1};
	uint32_t end = 4;
	struct fence_set *none, *set;
	f.when = SCHEDULE_ALWAYS;
	cr_assert_eq(tag_number(span_of_string("harbour"), &f.tags[0]), STATUS_OK);
	cr_assert_eq(fence_area_new(corners, &end, 1, &f.area), STATUS_OK);
	cr_assert_eq(fence_set_new(&none), STATUS_OK);
	cr_assert_eq(fence_set_change(none, &f, 1, &set), STATUS_OK);
	fence_set_unref(none);
	fence_area_unref(f.area);
	return set;
}

/* --- every two, by every rule, at every instant --- */

static const struct sea_fix *latest(size_t i, int64_t at_ms)
{
	const struct sea_fix *last = NULL;
	unsigned kind;
	for (size_t k = 0; k < tracks[i].count && tracks[i].fixes[k].mover.time_ms <= at_ms; k++)
		last = &tracks[i].fixes[k];
	return last && sea_kind_of(vessels[i].class_code, &kind) && at_ms - last->mover.time_ms <= SEA_FRESH_MAX_MS
		       ? last
		       : NULL;
}

static struct fact fact_of(uint8_t kind, size_t a, size_t b, int64_t from_ms, int64_t at_ms)
{
	struct fact f = {.kind = kind,
			 .device = sea_window_number(WINDOW),
			 .driver = a + 1,
			 .place = pair_number(a + 1, b + 1),
			 .value = (int64_t)b + 1,
			 .from_ms = from_ms,
			 .to_ms = at_ms};
	mover_position(&latest(a, at_ms)->mover, at_ms, &f.from_lat_e7, &f.from_lon_e7);
	return f;
}

static void want_risk(const struct rulebook *book, size_t a, size_t b, int64_t at_ms)
{
	const struct sea_fix *one = latest(a, at_ms), *other = latest(b, at_ms);
	struct approach_limits wide = {-1, -1};
	int64_t fresh_ms = 0;
	unsigned kinds[2] = {0, 0};
	enum mover_pairs pairs = PAIRS_MERCHANT_FISHING;
	struct approach p;
	for (uint32_t i = 0; i < book->count; i++) {
		const int64_t *v = book->rules[i].params;
		if (book->rules[i].kind != RULE_COLLISION)
			continue;
		int64_t percent = 100 + v[PARAM_COLLISION_RELEASE], cpa = v[PARAM_COLLISION_CPA] * percent / 100;
		wide.cpa_mm = cpa > wide.cpa_mm ? cpa : wide.cpa_mm;
		wide.tcpa_ms = v[PARAM_COLLISION_TCPA] * percent / 100;
		fresh_ms = v[PARAM_COLLISION_FRESH] > fresh_ms ? v[PARAM_COLLISION_FRESH] : fresh_ms;
		pairs = v[PARAM_COLLISION_PAIRS] > pairs ? (enum mover_pairs)v[PARAM_COLLISION_PAIRS] : pairs;
	}
	if (wide.cpa_mm < 0 || !one || !other || !one->moving || !other->moving ||
	    vessels[a].vehicle == vessels[b].vehicle || at_ms - one->mover.time_ms > fresh_ms ||
	    at_ms - other->mover.time_ms > fresh_ms || !approach_of(&one->mover, &other->mover, at_ms, &p) ||
	    !approach_within(&p, &wide))
		return;
	sea_kind_of(vessels[a].class_code, &kinds[0]);
	sea_kind_of(vessels[b].class_code, &kinds[1]);
	if (!mover_pair_counts(pairs, kinds[0], kinds[1])) {
		passed_over++;
		return;
	}
	struct fact f = fact_of(FACT_RISK, a, b, at_ms, at_ms);
	f.to_lat_e7 = (int32_t)approach_numbers(&p).cpa_mm;
	f.to_lon_e7 = (int32_t)approach_numbers(&p).tcpa_ms;
	keep_fact(&wanted, &f);
}

static int64_t speed_of(const struct mover *m)
{
	struct approach p = {m->north, m->east, 0, 0};
	return (approach_numbers(&p).range_mm + 2048) / 4096;
}

static void want_together(const struct detect_context *context, size_t a, size_t b, int64_t last_ms)
{
	const struct rulebook *book = context->books[0].book;
	int64_t from_ms = WINDOW * SEA_WINDOW_MS, distance_mm = 0, faster = 0, slower = INT16_MAX;
	if (vessels[a].vehicle == vessels[b].vehicle)
		return;
	for (int64_t at = from_ms; at <= last_ms; at += SEA_TOGETHER_MS) {
		const struct sea_fix *one = latest(a, at), *other = latest(b, at);
		struct approach p;
		if (!one || !other || !approach_of(&one->mover, &other->mover, at, &p))
			return;
		int64_t range_mm = approach_numbers(&p).range_mm;
		distance_mm = range_mm > distance_mm ? range_mm : distance_mm;
		for (int i = 0; i < 2; i++) {
			int64_t speed = speed_of(&(i ? one : other)->mover);
			faster = speed > faster ? speed : faster;
			slower = speed < slower ? speed : slower;
		}
	}
	if (distance_mm > 2000000)
		return;
	struct fact f = fact_of(FACT_TOGETHER, a, b, from_ms, last_ms);
	f.to_lat_e7 = (int32_t)distance_mm;
	f.to_lon_e7 = (int32_t)(faster << 16 | slower);
	for (uint32_t i = 0; i < book->count; i++)
		if (book->rules[i].kind != RULE_COLLISION && pair_is_together(context, &book->rules[i], &f)) {
			keep_fact(&wanted, &f);
			return;
		}
	passed_over++;
}

static int compare(const void *a, const void *b)
{
	return fact_compare(a, b);
}

static void want_all(const struct detect_context *context, int64_t as_of_ms)
{
	int64_t from_ms = WINDOW * SEA_WINDOW_MS, to_ms = from_ms + SEA_WINDOW_MS, last_ms = from_ms;
	while (last_ms + SEA_TOGETHER_MS < to_ms && last_ms + SEA_TOGETHER_MS <= as_of_ms)
		last_ms += SEA_TOGETHER_MS;
	for (size_t a = 0; a < count; a++)
		for (size_t b = a + 1; b < count; b++) {
			for (int64_t at = from_ms; at < to_ms && at <= as_of_ms; at += SEA_GRID_MS)
				want_risk(context->books[0].book, a, b, at);
			want_together(context, a, b, last_ms);
		}
}

Test(sea_window_property, whom_it_passes_over_no_rule_asks_for, .timeout = 300)
{
	size_t risks = 0, together = 0;
	passed_over = 0;
	state = rules_seed("sea_window_property");
	for (unsigned world = 0; world < WORLDS; world++) {
		struct rulebook_span span = {INT64_MIN, make_rules()};
		struct detect_context context = {
			.books = &span, .book_count = 1, .fences = make_harbour(), .subject = subject};
		struct detect_sink sink = {.context = &told, .fact = keep_fact};
		int64_t as_of_ms = WINDOW * SEA_WINDOW_MS + below(below(2) ? 600000 : 3000000);
		count = 2 + below(VESSELS - 1);
		for (size_t i = 0; i < count; i++)
			make_track(i);
		told.count = wanted.count = 0;
		cr_assert_eq(sea_window_judge(&context, tracks, count, WINDOW, as_of_ms, &sink), STATUS_OK);
		want_all(&context, as_of_ms);
		qsort(told.facts, told.count, sizeof *told.facts, compare);
		qsort(wanted.facts, wanted.count, sizeof *wanted.facts, compare);
		cr_assert_eq(told.count, wanted.count, "world %u: %zu told, %zu wanted", world, told.count,
			     wanted.count);
		for (size_t i = 0; i < told.count; i++) {
			cr_assert_eq(fact_compare(&told.facts[i], &wanted.facts[i]), 0, "world %u", world);
			risks += told.facts[i].kind == FACT_RISK;
			together += told.facts[i].kind == FACT_TOGETHER;
		}
		fence_set_unref((struct fence_set *)context.fences);
		rulebook_unref(span.book);
	}
	fprintf(stderr, "%zu risks, %zu together, %zu passed over\n", risks, together, passed_over);
	cr_assert_gt(risks, 1000);
	cr_assert_gt(together, 300);
	cr_assert_gt(passed_over, 1000);
}
