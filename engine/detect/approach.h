/* approach.h -- how two vessels pass each other, at one common instant, in integers (DCPA and TCPA).
 *
 *      A ──> v_a          both are brought from their own fixes to one instant along their courses;
 *         \               then  r = B - A  and  v = v_b - v_a  in a plane, and with
 *        r \                    dot = r.v     cross = r x v
 *           B             TCPA = -dot / v^2   CPA = |cross| / |v|
 *           │ v_b
 *           v             dot >= 0: they draw apart. |v| below 0.1 knot: TCPA is 0 and CPA the range.
 *
 * Units: millimetres, milliseconds, and for speeds 4096ths of 0.1 km/h (reckon.h), so that one of them in one ms is
 * 1/147456 mm. The plane is that of the nautical mile (a minute of latitude is 1852 m), east by the mean of the cosines
 * of both latitudes: within 0.3 % of the ellipsoid at 25 degrees. Swapping A and B changes no number. Pure. */
#ifndef ZAYTON_DETECT_APPROACH_H
#define ZAYTON_DETECT_APPROACH_H

#include <stdbool.h>
#include <stdint.h>

/* 0.1 km/h: 108 knots; AIS says 102.2 at most, and what is faster is no vessel */
#define MOVER_SPEED_MAX 2000
/* beyond it the plane is none, and nobody fishes */
#define MOVER_LAT_MAX_E7 850000000
/* bounds of what may be asked: 11 nautical miles, an hour ahead, fixes of an hour ago */
#define APPROACH_CPA_MAX_MM INT64_C(20000000)
#define APPROACH_TCPA_MAX_MS INT64_C(3600000)
#define APPROACH_FRESH_MAX_MS INT64_C(3600000)
/* 1e-7 degrees of latitude are 1852 m / 600,000 */
#define APPROACH_UM_PER_E7 11112
/* speed units times milliseconds in a millimetre */
#define APPROACH_PER_MM 147456

/* A vessel at its last fix. */
struct mover {
	int64_t time_ms;
	int32_t lat_e7, lon_e7;
	int32_t north, east; /* speed times direction, in 4096ths of 0.1 km/h */
	int32_t cos_q30;     /* of the latitude, times 2^30 */
};

struct approach_limits {
	int64_t cpa_mm, tcpa_ms;
};

/* Where B is from A and how it moves, at the instant. */
struct approach {
	int64_t north_mm, east_mm;
	int32_t north, east;
};

struct approach_numbers {
	int64_t range_mm, cpa_mm; /* rounded down */
	int64_t tcpa_ms;          /* towards zero; negative: they draw apart since then */
};

/* False when it has no course or speed, or one that no vessel has, or is off the plane. */
bool mover_of(int64_t time_ms, int32_t lat_e7, int32_t lon_e7, uint16_t speed_dkmh, uint16_t course_deg,
	      struct mover *out);
/* The same vessel at `at_ms` by its course; for showing, and for cells. */
void mover_position(const struct mover *m, int64_t at_ms, int32_t *out_lat_e7, int32_t *out_lon_e7);
/* Times within APPROACH_FRESH_MAX_MS of `at_ms`. False when they are too far apart for any limits. */
static inline bool approach_of(const struct mover *a, const struct mover *b, int64_t at_ms, struct approach *out);
/* Whether they come as close as `cpa_mm` within `tcpa_ms`. Nothing is divided. */
static inline bool approach_within(const struct approach *p, const struct approach_limits *limits);
struct approach_numbers approach_numbers(const struct approach *p);

/* --- asked millions of times a second --- */

/* below 0.1 knot, 0.1852 km/h, relative to each other: no direction that means anything */
#define APPROACH_STILL (INT64_C(4096) * 1852 / 1000)
#define APPROACH_TURN_E7 INT64_C(3600000000)
/* with the speeds and bounds above, at the last latitude */
#define APPROACH_LON_MAX_E7 450000000

static inline int64_t lon_wrapped(int64_t lon_e7)
{
	if (lon_e7 > APPROACH_TURN_E7 / 2)
		return lon_e7 - APPROACH_TURN_E7;
	return lon_e7 < -APPROACH_TURN_E7 / 2 ? lon_e7 + APPROACH_TURN_E7 : lon_e7;
}

static inline int64_t mover_travelled_mm(int32_t speed, int64_t ms)
{
	return speed * ms / APPROACH_PER_MM;
}

static inline bool approach_of(const struct mover *a, const struct mover *b, int64_t at_ms, struct approach *out)
{
	int64_t lat = (int64_t)b->lat_e7 - a->lat_e7, lon = lon_wrapped((int64_t)b->lon_e7 - a->lon_e7);
	int64_t a_ms = at_ms - a->time_ms, b_ms = at_ms - b->time_ms;
	int64_t cos_q30 = ((int64_t)a->cos_q30 + b->cos_q30) / 2;
	int64_t east_mm = lon * APPROACH_UM_PER_E7 / 1000 * cos_q30 / (INT64_C(1) << 30);
	if (lon > APPROACH_LON_MAX_E7 || lon < -APPROACH_LON_MAX_E7)
		return false;
	out->north_mm = lat * APPROACH_UM_PER_E7 / 1000 + mover_travelled_mm(b->north, b_ms) -
			mover_travelled_mm(a->north, a_ms);
	out->east_mm = east_mm + mover_travelled_mm(b->east, b_ms) - mover_travelled_mm(a->east, a_ms);
	out->north = b->north - a->north;
	out->east = b->east - a->east;
	return true;
}

struct approach_products {
	int64_t dot, cross, speed2;
};

/* |r| below 2^33 mm and |v| below 2^24: nothing overflows. */
static inline struct approach_products approach_products(const struct approach *p)
{
	return (struct approach_products){p->north_mm * p->north + p->east_mm * p->east,
					  p->north_mm * p->east - p->east_mm * p->north,
					  (int64_t)p->north * p->north + (int64_t)p->east * p->east};
}

static inline __int128 approach_squared(int64_t v)
{
	return (__int128)v * v;
}

static inline bool approach_within(const struct approach *p, const struct approach_limits *limits)
{
	struct approach_products q = approach_products(p);
	if (q.speed2 < APPROACH_STILL * APPROACH_STILL)
		return approach_squared(p->north_mm) + approach_squared(p->east_mm) <= approach_squared(limits->cpa_mm);
	return q.dot < 0 && (__int128)-q.dot * APPROACH_PER_MM <= (__int128)limits->tcpa_ms * q.speed2 &&
	       approach_squared(q.cross) <= approach_squared(limits->cpa_mm) * q.speed2;
}

#endif
