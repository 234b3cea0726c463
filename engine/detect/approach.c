#include "engine/detect/approach.h"

#include <math.h>
#include <stddef.h>

#include "engine/series/reckon.h"
#include "engine/series/report.h"

/* below 0.1 knot, 0.1852 km/h, relative to each other: no direction that means anything */
#define STILL (INT64_C(4096) * 1852 / 1000)
#define TURN_E7 INT64_C(3600000000)
/* with the speeds and bounds above, at the last latitude */
#define LON_APART_MAX_E7 450000000

_Static_assert(APPROACH_PER_MM == 36 * RECKON_SCALE, "0.1 km/h is 1/36 mm/ms");

/* cos x = 1 - x^2/2 (1 - x^2/12 (1 - x^2/30 (1 - ...))), for |x| <= pi/2: within 2e-9. */
static int32_t cosine_q30(int32_t lat_e7)
{
	const int64_t one = INT64_C(1) << 30;
	/* pi / 1.8e9 * 2^62 */
	int64_t x = lat_e7 * INT64_C(8048910509) >> 32, square = x * x >> 30, c = one;
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

static int64_t wrapped(int64_t lon_e7)
{
	return lon_e7 > TURN_E7 / 2 ? lon_e7 - TURN_E7 : lon_e7 < -TURN_E7 / 2 ? lon_e7 + TURN_E7 : lon_e7;
}

static int64_t travelled_mm(int32_t speed, int64_t ms)
{
	return speed * ms / APPROACH_PER_MM;
}

void mover_position(const struct mover *m, int64_t at_ms, int32_t *out_lat_e7, int32_t *out_lon_e7)
{
	int64_t north = travelled_mm(m->north, at_ms - m->time_ms), east = travelled_mm(m->east, at_ms - m->time_ms);
	int64_t lat = m->lat_e7 + north * 1000 / APPROACH_UM_PER_E7;
	int64_t lon = m->lon_e7 + east * 1000 / APPROACH_UM_PER_E7 * (INT64_C(1) << 30) / m->cos_q30;
	*out_lat_e7 = (int32_t)(lat > LAT_E7_MAX ? LAT_E7_MAX : lat < -LAT_E7_MAX ? -LAT_E7_MAX : lat);
	*out_lon_e7 = (int32_t)wrapped(lon);
}

bool approach_of(const struct mover *a, const struct mover *b, int64_t at_ms, struct approach *out)
{
	int64_t lat = (int64_t)b->lat_e7 - a->lat_e7, lon = wrapped((int64_t)b->lon_e7 - a->lon_e7);
	if (lon > LON_APART_MAX_E7 || lon < -LON_APART_MAX_E7)
		return false;
	int64_t cos_q30 = ((int64_t)a->cos_q30 + b->cos_q30) / 2;
	int64_t a_ms = at_ms - a->time_ms, b_ms = at_ms - b->time_ms;
	int64_t east_mm = lon * APPROACH_UM_PER_E7 / 1000 * cos_q30 / (INT64_C(1) << 30);
	out->north_mm = lat * APPROACH_UM_PER_E7 / 1000 + travelled_mm(b->north, b_ms) - travelled_mm(a->north, a_ms);
	out->east_mm = east_mm + travelled_mm(b->east, b_ms) - travelled_mm(a->east, a_ms);
	out->north = b->north - a->north;
	out->east = b->east - a->east;
	return true;
}

struct products {
	int64_t dot, cross, speed2;
};

/* |r| below 2^33 mm and |v| below 2^24: nothing overflows. */
static struct products products_of(const struct approach *p)
{
	return (struct products){p->north_mm * p->north + p->east_mm * p->east,
				 p->north_mm * p->east - p->east_mm * p->north,
				 (int64_t)p->north * p->north + (int64_t)p->east * p->east};
}

static __int128 squared(int64_t v)
{
	return (__int128)v * v;
}

bool approach_within(const struct approach *p, const struct approach_limits *limits)
{
	struct products q = products_of(p);
	if (q.speed2 < STILL * STILL)
		return squared(p->north_mm) + squared(p->east_mm) <= squared(limits->cpa_mm);
	return q.dot < 0 && (__int128)-q.dot * APPROACH_PER_MM <= (__int128)limits->tcpa_ms * q.speed2 &&
	       squared(q.cross) <= squared(limits->cpa_mm) * q.speed2;
}

/* Rounded down; the library's root is at most one off. */
static int64_t root(__int128 square)
{
	int64_t r = (int64_t)sqrt((double)square);
	while (squared(r) > square)
		r--;
	while (squared(r + 1) <= square)
		r++;
	return r;
}

struct approach_numbers approach_numbers(const struct approach *p)
{
	struct products q = products_of(p);
	int64_t range_mm = root(squared(p->north_mm) + squared(p->east_mm));
	if (q.speed2 < STILL * STILL)
		return (struct approach_numbers){range_mm, range_mm, 0};
	return (struct approach_numbers){range_mm, root(squared(q.cross) / q.speed2),
					 (int64_t)((__int128)-q.dot * APPROACH_PER_MM / q.speed2)};
}
