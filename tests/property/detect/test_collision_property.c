/* Random seas, from a harbour to the poles' edge and across the antimeridian: whom collision_near() answers is whom
 * testing every pair answers, with wide vectors and without, while vessels come, go, turn and grow old. And what is
 * measured of a pair does not change when its vessels change places, and is what floating point makes of the same
 * plane. The seed is printed; COLLISION_SEED repeats it. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "engine/detect/collision.h"

#define SLOTS 400
#define WORLDS 60
#define START INT64_C(1780000000000)

static uint64_t state;

static uint32_t below(uint32_t n)
{
	state = state * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(state >> 33) % n;
}

static void begin(void)
{
	const char *given = getenv("COLLISION_SEED");
	state = given ? strtoull(given, NULL, 10) : (uint64_t)time(NULL);
	fprintf(stderr, "COLLISION_SEED=%llu\n", (unsigned long long)state);
}

TestSuite(collision_property, .init = begin, .timeout = 300);

struct sea {
	int32_t lat_e7, lon_e7, span_e7;
	uint32_t speed_max;
	int64_t now_ms;
	struct collision_options options;
	struct mover movers[SLOTS];
	bool there[SLOTS];
};
static struct sea sea;

static int32_t around(int32_t middle, int64_t span, int64_t limit)
{
	int64_t v = middle - span +
		    (int64_t)(((uint64_t)below(1u << 31) << 31 | below(1u << 31)) % (uint64_t)(2 * span + 1));
	if (limit == 1800000000) /* round the globe */
		v = v > limit ? v - 2 * limit : v < -limit ? v + 2 * limit : v;
	return (int32_t)(v > limit ? limit : v < -limit ? -limit : v);
}

static struct mover random_mover(void)
{
	struct mover m;
	int32_t lat = around(sea.lat_e7, sea.span_e7, 849999999), lon = around(sea.lon_e7, sea.span_e7, 1800000000);
	int64_t age_ms = below(4) ? below(20000) : below((uint32_t)sea.options.fresh_ms * 2 + 1);
	cr_assert(
		mover_of(sea.now_ms - age_ms, lat, lon, (uint16_t)below(sea.speed_max + 1), (uint16_t)below(361), &m));
	return m;
}

static void random_sea(void)
{
	static const int32_t lats[] = {0, 245000000, 245000000, -330000000, 740000000, 760000000, 845000000};
	static const int32_t lons[] = {1185000000, 1800000000, -1799000000, 0};
	static const int32_t spans[] = {20000, 500000, 2000000, 20000000};
	memset(&sea, 0, sizeof sea);
	sea.lat_e7 = lats[below(7)];
	sea.lon_e7 = lons[below(4)];
	sea.span_e7 = spans[below(4)];
	sea.speed_max = (uint32_t[]){30, 300, 2000}[below(3)];
	sea.now_ms = START + below(1000000);
	sea.options = (struct collision_options){
		.slots = SLOTS,
		.limits = {(int64_t[]){0, 185200, 926000, 3704000, APPROACH_CPA_MAX_MM}[below(5)],
			   (int64_t[]){0, 360000, 720000, 1800000, APPROACH_TCPA_MAX_MS}[below(5)]},
		.fresh_ms = (int64_t[]){30000, 180000, 900000}[below(3)]};
}

static bool asked_exactly(uint32_t a, uint32_t b)
{
	struct approach p;
	return a != b && sea.there[a] && sea.there[b] &&
	       llabs(sea.now_ms - sea.movers[a].time_ms) <= sea.options.fresh_ms &&
	       llabs(sea.now_ms - sea.movers[b].time_ms) <= sea.options.fresh_ms &&
	       approach_of(&sea.movers[a], &sea.movers[b], sea.now_ms, &p) && approach_within(&p, &sea.options.limits);
}

/* Returns how many partners the slot has. */
static size_t compare(struct collision *c, uint32_t slot)
{
	const uint32_t *list;
	size_t count, expected = 0;
	bool seen[SLOTS] = {false};
	cr_assert_eq(collision_near(c, slot, sea.now_ms, &list, &count), STATUS_OK);
	for (size_t i = 0; i < count; i++) {
		cr_assert(!seen[list[i]], "slot %u is told twice", list[i]);
		seen[list[i]] = true;
	}
	for (uint32_t other = 0; other < SLOTS; other++) {
		bool wanted = asked_exactly(slot, other);
		expected += wanted;
		cr_assert_eq(seen[other], wanted, "%u of %u: told %d, is %d", other, slot, seen[other], wanted);
	}
	cr_assert_eq(count, expected);
	return count;
}

static size_t live(struct collision *wide, struct collision *plain)
{
	size_t met = 0;
	for (int step = 0; step < 600; step++) {
		uint32_t slot = below(SLOTS);
		if (step == 0)
			for (uint32_t i = 0; i < SLOTS; i++) {
				sea.movers[i] = random_mover();
				sea.there[i] = true;
				cr_assert_eq(collision_put(wide, i, &sea.movers[i]), STATUS_OK);
				cr_assert_eq(collision_put(plain, i, &sea.movers[i]), STATUS_OK);
			}
		sea.now_ms += below(10) ? below(500) : below(200000);
		sea.now_ms -= below(20) ? 0 : below(100000);
		sea.there[slot] = below(10) != 0;
		if (sea.there[slot]) {
			sea.movers[slot] = random_mover();
			cr_assert_eq(collision_put(wide, slot, &sea.movers[slot]), STATUS_OK);
			cr_assert_eq(collision_put(plain, slot, &sea.movers[slot]), STATUS_OK);
		} else {
			collision_drop(wide, slot);
			collision_drop(plain, slot);
		}
		met += compare(wide, slot);
		cr_assert_eq(compare(plain, slot) <= SLOTS, true);
	}
	return met;
}

Test(collision_property, whom_it_answers_is_whom_testing_every_pair_answers)
{
	size_t met = 0;
	for (int i = 0; i < WORLDS; i++) {
		struct collision *wide, *plain;
		random_sea();
		struct collision_options narrow = sea.options;
		narrow.plain = true;
		cr_assert_eq(collision_new(&sea.options, &wide), STATUS_OK);
		cr_assert_eq(collision_new(&narrow, &plain), STATUS_OK);
		met += live(wide, plain);
		collision_free(wide);
		collision_free(plain);
	}
	cr_assert_gt(met, 10000, "hardly anybody met: %zu", met);
}

Test(collision_property, a_pair_has_the_same_numbers_from_either_side_and_those_of_the_plane)
{
	for (int i = 0; i < 200000; i++) {
		struct approach ab, ba;
		if (i % 1000 == 0)
			random_sea();
		sea.span_e7 = 200000;
		struct mover a = random_mover(), b = random_mover();
		if (!approach_of(&a, &b, sea.now_ms, &ab) || !approach_of(&b, &a, sea.now_ms, &ba))
			continue;
		struct approach_numbers one = approach_numbers(&ab), other = approach_numbers(&ba);
		cr_assert(!memcmp(&one, &other, sizeof one));
		cr_assert_eq(approach_within(&ab, &sea.options.limits), approach_within(&ba, &sea.options.limits));
		double v = hypot(ab.north, ab.east), r = hypot((double)ab.north_mm, (double)ab.east_mm);
		cr_assert_leq(fabs((double)one.range_mm - r), 1.0 + r * 1e-12);
		if (v < 7600)
			continue;
		double cross = (double)ab.north_mm * ab.east - (double)ab.east_mm * ab.north;
		double dot = (double)ab.north_mm * ab.north + (double)ab.east_mm * ab.east;
		cr_assert_leq(fabs((double)one.cpa_mm - fabs(cross) / v), 1.0 + r * 1e-9);
		cr_assert_leq(fabs((double)one.tcpa_ms + dot / v / v * APPROACH_PER_MM), 1.0 + r / v);
	}
}
