#include <criterion/criterion.h>

#include "engine/geo/distance.h"

#define DEGREE 10000000

Test(distance, no_leg_is_no_length)
{
	cr_assert_eq(distance_mm(248000000, 1186000000, 248000000, 1186000000), 0);
	cr_assert_eq(distance_mm(0, 0, 0, 0), 0);
	cr_assert_eq(distance_mm(900000000, 0, 900000000, 0), 0);
}

/* One degree of the equator is a * pi / 180; a quarter meridian of WGS-84 is 10 001 965.729 m. */
Test(distance, known_lines_of_wgs84)
{
	cr_assert_eq(distance_mm(0, 0, 0, DEGREE), 111319491);
	cr_assert_eq(distance_mm(0, 0, 90 * DEGREE, 0), INT64_C(10001965729));
	cr_assert_eq(distance_mm(-90 * DEGREE, 0, 90 * DEGREE, 0), INT64_C(20003931459));
	cr_assert_eq(distance_mm(0, 0, 0, 1000), 11132); /* 11.1319 m along the equator */
}

Test(distance, one_unit_of_latitude_is_eleven_millimetres)
{
	cr_assert_eq(distance_mm(248000000, 1186000000, 248000001, 1186000000), 11);
	cr_assert_eq(distance_mm(248000000, 1186000000, 248000000, 1186000001), 10);
}

Test(distance, a_leg_has_one_length_both_ways)
{
	for (int32_t i = 1; i < 2000; i += 13) {
		int32_t lat = 248000000 + i * 977, lon = 1186000000 - i * 1543;
		cr_assert_eq(distance_mm(248000000, 1186000000, lat, lon),
			     distance_mm(lat, lon, 248000000, 1186000000));
	}
}

Test(distance, hemispheres_mirror_each_other)
{
	for (int32_t i = 1; i < 2000; i += 13) {
		int64_t north = distance_mm(248000000, 0, 248000000 + i * 977, i * 1543);
		cr_assert_eq(north, distance_mm(-248000000, 0, -248000000 - i * 977, i * 1543));
		cr_assert_eq(north, distance_mm(248000000, 0, 248000000 + i * 977, -i * 1543));
	}
}

Test(distance, the_antimeridian_is_crossed_the_short_way)
{
	int64_t elsewhere = distance_mm(248000000, 0, 248000100, 2000);
	cr_assert_eq(distance_mm(248000000, 1799999000, 248000100, -1799999000), elsewhere);
	cr_assert_eq(distance_mm(248000000, -1799999000, 248000100, 1799999000),
		     distance_mm(248000000, 2000, 248000100, 0));
	cr_assert_eq(distance_mm(0, 180 * DEGREE, 0, -180 * DEGREE), 0);
}

Test(distance, over_a_pole_the_way_is_short)
{
	int64_t over = distance_mm(899999000, 0, 899999000, 180 * DEGREE);
	int64_t half = distance_mm(899999000, 0, 90 * DEGREE, 0);
	cr_assert(over >= 2 * half - 1 && over <= 2 * half + 1, "each is rounded by itself");
	cr_assert_eq(distance_mm(90 * DEGREE, 0, 90 * DEGREE, 123456789), 0);
}
