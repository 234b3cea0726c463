#include "engine/detect/approach.h"

#include <math.h>
#include <stddef.h>

#include "engine/series/reckon.h"
#include "engine/series/report.h"

_Static_assert(APPROACH_PER_MM == 36 * RECKON_SCALE, "0.1 km/h is 1/36 mm/ms");

/* cos x = 1 - x^2/2 (1 - x^2/12 (1 - x^2/30 (1 - ...))), for |x| <= pi/2: within 2e-9. */
static int32_t cosine_q30(int32_t lat_e7)
{
	const int64_t one = INT64_C(1) << 30;
	/* pi / 1.8e9 * 2^62 */
	int64_t x = lat_e7 * INT64_C(8048910509) >> 32, square = x * x >> 30, c = one;
#pragma GCC unroll 7 /* divided by constants */
	for (int64_t n = 13; n > 0; n -= 2)
		c = one - (square * c >> 30) / (n * (n + 1));
	return c > 0 ? (int32_t)c : 0;
}

bool mover_of(int64_t time_ms, int32_t lat_e7, int32_t lon_e7, uint16_t speed_dkmh, uint16_t course_deg,
	      struct mover *out)
{
	if (speed_dkmh > MOVER_SPEED_MAX || course_deg > 360 || lat_e7 > MOVER_LAT_MAX_E7 || lat_e7 < -MOVER_LAT_MAX_E7)
		return false;
	const struct direction *d = &reckon_directions[course_deg];
	*out = (struct mover){
		time_ms,           lat_e7, lon_e7, (int32_t)speed_dkmh * d->north, (int32_t)speed_dkmh * d->east,
		cosine_q30(lat_e7)};
	return true;
}

void mover_position(const struct mover *m, int64_t at_ms, int32_t *out_lat_e7, int32_t *out_lon_e7)
{
	int64_t north = mover_travelled_mm(m->north, at_ms - m->time_ms),
		east = mover_travelled_mm(m->east, at_ms - m->time_ms);
	int64_t lat = m->lat_e7 + north * 1000 / APPROACH_UM_PER_E7;
	int64_t lon = m->lon_e7 + east * 1000 / APPROACH_UM_PER_E7 * (INT64_C(1) << 30) / m->cos_q30;
	*out_lat_e7 = (int32_t)(lat > LAT_E7_MAX ? LAT_E7_MAX : lat < -LAT_E7_MAX ? -LAT_E7_MAX : lat);
	*out_lon_e7 = (int32_t)lon_wrapped(lon);
}

/* Rounded down; the library's root is at most one off. */
static int64_t root(__int128 square)
{
	int64_t r = (int64_t)sqrt((double)square);
	while (approach_squared(r) > square)
		r--;
	while (approach_squared(r + 1) <= square)
		r++;
	return r;
}

struct approach_numbers approach_numbers(const struct approach *p)
{
	struct approach_products q = approach_products(p);
	int64_t range_mm = root(approach_squared(p->north_mm) + approach_squared(p->east_mm));
	if (q.speed2 < APPROACH_STILL * APPROACH_STILL)
		return (struct approach_numbers){range_mm, range_mm, 0};
	return (struct approach_numbers){range_mm, root(approach_squared(q.cross) / q.speed2),
					 (int64_t)((__int128)-q.dot * APPROACH_PER_MM / q.speed2)};
}
