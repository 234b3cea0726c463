#include <criterion/criterion.h>
#include <math.h>

#include "engine/geo/distance.h"
#include "engine/geo/gcj02.h"

static int64_t apart_mm(struct degrees a, struct degrees b)
{
	return distance_mm((int32_t)lround(a.lat * 1e7), (int32_t)lround(a.lon * 1e7), (int32_t)lround(b.lat * 1e7),
			   (int32_t)lround(b.lon * 1e7));
}

Test(gcj02, the_shift_about_quanzhou_is_between_558_and_573_metres)
{
	int64_t least = INT64_MAX, most = 0;
	for (double lat = 24.7; lat <= 25.1; lat += 0.005)
		for (double lon = 118.5; lon <= 119.1; lon += 0.005) {
			struct degrees p = {lat, lon};
			int64_t mm = apart_mm(p, gcj02_from_wgs84(p));
			least = mm < least ? mm : least;
			most = mm > most ? mm : most;
		}
	cr_assert(least >= 557500 && least < 560000, "%ld", (long)least);
	cr_assert(most > 571000 && most <= 573500, "%ld", (long)most);
}

/* The pair every implementation of the reconstruction is compared by (Tiananmen, to 1e-6 degrees). */
Test(gcj02, a_known_position_comes_out)
{
	struct degrees p = gcj02_from_wgs84((struct degrees){39.907333, 116.391083});
	cr_assert(fabs(p.lat - 39.908736) < 2e-6 && fabs(p.lon - 116.397326) < 2e-6, "%.6f %.6f", p.lat, p.lon);
}

Test(gcj02, the_inverse_is_better_than_a_centimetre_everywhere_inside)
{
	for (double lat = 3; lat <= 54; lat += 0.937)
		for (double lon = 74; lon <= 135; lon += 0.871) {
			struct degrees p = {lat, lon}, back = gcj02_to_wgs84(gcj02_from_wgs84(p));
			cr_assert(fabs(back.lat - lat) < 1e-9 && fabs(back.lon - lon) < 1e-9, "%f %f", lat, lon);
			back = bd09_to_gcj02(bd09_from_gcj02(p));
			cr_assert(fabs(back.lat - lat) < 1e-9 && fabs(back.lon - lon) < 1e-9, "%f %f", lat, lon);
		}
}

Test(gcj02, outside_the_rectangle_nothing_is_shifted)
{
	static const struct degrees outside[] = {{25, 71.9}, {25, 138}, {0.5, 110}, {56, 110}, {-25, -118}};
	for (size_t i = 0; i < sizeof outside / sizeof *outside; i++) {
		struct degrees there = gcj02_from_wgs84(outside[i]), back = gcj02_to_wgs84(outside[i]);
		cr_assert(there.lat == outside[i].lat && there.lon == outside[i].lon);
		cr_assert(back.lat == outside[i].lat && back.lon == outside[i].lon);
	}
}

Test(gcj02, baidu_lies_a_hundredth_of_a_degree_further)
{
	struct degrees p = {24.9, 118.6}, there = bd09_from_gcj02(p);
	cr_assert(fabs(there.lat - p.lat - 0.006) < 5e-4 && fabs(there.lon - p.lon - 0.0065) < 5e-4);
}
