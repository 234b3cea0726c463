/* Legs of every length, place and direction measure what PROJ's geodesic says, rounded to a millimetre. */
#include <criterion/criterion.h>
#include <geodesic.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "engine/geo/distance.h"

static uint64_t seed_of(const char *test)
{
	const char *given = getenv("ZAYTON_SEED");
	uint64_t seed = given ? strtoull(given, NULL, 0) : UINT64_C(0x5eed0001);
	printf("%s: ZAYTON_SEED=%" PRIu64 "\n", test, seed);
	return seed;
}

static uint64_t next(uint64_t *state)
{
	uint64_t z = (*state += UINT64_C(0x9e3779b97f4a7c15)); /* splitmix64 (Steele, Lea, Flood 2014) */
	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

static double uniform(uint64_t *state, double low, double high)
{
	return low + (high - low) * (double)(next(state) >> 11) * 0x1p-53;
}

static int64_t geodesic_mm(const struct geod_geodesic *g, const int32_t p[4])
{
	double metres;
	geod_inverse(g, p[0] / 1e7, p[1] / 1e7, p[2] / 1e7, p[3] / 1e7, &metres, NULL, NULL);
	return llround(metres * 1000);
}

/* A leg from a random place between the latitudes, its length between the powers of ten. */
static void random_leg(const struct geod_geodesic *g, uint64_t *state, double lat_min, double lat_max,
		       double log_length_min, double log_length_max, int32_t p[4])
{
	double lat = uniform(state, lat_min, lat_max), lon = uniform(state, -180, 180), lat_to, lon_to;
	double length = pow(10, uniform(state, log_length_min, log_length_max));
	geod_direct(g, lat, lon, uniform(state, 0, 360), length, &lat_to, &lon_to, NULL);
	p[0] = (int32_t)lrint(lat * 1e7);
	p[1] = (int32_t)lrint(lon * 1e7);
	p[2] = (int32_t)lrint(lat_to * 1e7);
	p[3] = (int32_t)lrint(lon_to * 1e7);
}

static void compare(const char *test, int legs, double lat_min, double lat_max, double log_min, double log_max)
{
	struct geod_geodesic g;
	geod_init(&g, 6378137, 1 / 298.257223563);
	uint64_t state = seed_of(test);
	for (int i = 0; i < legs; i++) {
		int32_t p[4];
		random_leg(&g, &state, lat_min, lat_max, log_min, log_max, p);
		int64_t wanted = geodesic_mm(&g, p), got = distance_mm(p[0], p[1], p[2], p[3]);
		cr_assert_eq(got, wanted, "%d %d -> %d %d: %" PRId64 " for %" PRId64, p[0], p[1], p[2], p[3], got,
			     wanted);
	}
}

Test(distance_property, legs_of_a_truck_are_the_geodesic)
{
	compare("legs_of_a_truck", 200000, 18, 54, -1, 3.3);
}

Test(distance_property, legs_to_100_km_anywhere_are_the_geodesic)
{
	compare("legs_to_100_km", 200000, -90, 90, -1, 5);
}

Test(distance_property, legs_around_the_limit_of_the_series_are_the_geodesic)
{
	compare("legs_around_the_limit", 200000, -71, 71, 3.6, 4.4);
}

Test(distance_property, legs_near_a_pole_are_the_geodesic)
{
	compare("legs_near_a_pole", 50000, 89.9, 90, -1, 5);
}

/* Positions within a few units of each other: the lengths a parked truck adds up. */
Test(distance_property, jitter_of_a_parked_truck_is_the_geodesic)
{
	struct geod_geodesic g;
	geod_init(&g, 6378137, 1 / 298.257223563);
	for (int32_t lat = -890000000; lat <= 890000000; lat += 178000000)
		for (int32_t dlat = -20; dlat <= 20; dlat++)
			for (int32_t dlon = -20; dlon <= 20; dlon++) {
				int32_t p[4] = {lat, 1799999990, lat + dlat, 1799999990 + dlon};
				if (p[3] > 1800000000)
					p[3] = -1800000000 + (dlon - 10);
				cr_assert_eq(distance_mm(p[0], p[1], p[2], p[3]), geodesic_mm(&g, p));
			}
}

/* A path of `count` positions: drives of some metres a leg, jumps, and places at the ends of the ranges. */
static void random_path(uint64_t *state, int32_t *lat_e7, int32_t *lon_e7, size_t count)
{
	static const int32_t lats[] = {900000000, -900000000, 700000000, -700000000, 0, 524287, 524288};
	static const int32_t lons[] = {1800000000, -1800000000, 347483648, 347483647, 0, 1799999999};
	const unsigned jumps = (unsigned)(next(state) % 3); /* none, few, many */
	for (size_t i = 0; i < count; i++) {
		unsigned kind = (unsigned)(next(state) % (jumps == 2 ? 4 : 32));
		if (i == 0 || (jumps && kind == 0)) {
			lat_e7[i] = (int32_t)uniform(state, -9e8, 9e8);
			lon_e7[i] = (int32_t)uniform(state, -18e8, 18e8);
		} else if (jumps && kind == 1) {
			lat_e7[i] = lats[next(state) % 7];
			lon_e7[i] = lons[next(state) % 6];
		} else {
			double step = pow(10, uniform(state, 0, 5.5));
			double lat = lat_e7[i - 1] + uniform(state, -step, step);
			double lon = lon_e7[i - 1] + uniform(state, -step, step);
			lat_e7[i] = (int32_t)fmax(-9e8, fmin(9e8, lat));
			lon_e7[i] = (int32_t)fmax(-18e8, fmin(18e8, lon));
		}
	}
}

Test(distance_property, a_path_is_as_long_as_its_legs_with_vectors_of_any_width)
{
	uint64_t state = seed_of("a_path_is_as_long_as_its_legs");
	for (int round = 0; round < 20000; round++) {
		int32_t lat_e7[67], lon_e7[67];
		size_t count = next(&state) % 68;
		uint64_t legs = 0;
		random_path(&state, lat_e7, lon_e7, count);
		for (size_t i = 1; i < count; i++)
			legs += (uint64_t)distance_mm(lat_e7[i - 1], lon_e7[i - 1], lat_e7[i], lon_e7[i]);
		cr_assert_eq(distance_path_mm(lat_e7, lon_e7, count), legs, "round %d", round);
		cr_assert_eq(distance_path_mm_plain(lat_e7, lon_e7, count), legs, "round %d", round);
	}
}

Test(distance_property, a_leg_whose_longitudes_differ_by_2_to_the_31_is_no_short_one)
{
	const int32_t lat_e7[5] = {248000000, 248000000, 248000000, 248000000, 248000000};
	const int32_t lon_e7[5] = {-1800000000, 347483648, -1800000000, 347483648, -1800000000};
	int64_t leg = distance_mm(lat_e7[0], lon_e7[0], lat_e7[1], lon_e7[1]);
	cr_assert_eq(distance_path_mm(lat_e7, lon_e7, 5), 4 * (uint64_t)leg);
}
