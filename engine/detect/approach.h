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
bool approach_of(const struct mover *a, const struct mover *b, int64_t at_ms, struct approach *out);
/* Whether they come as close as `cpa_mm` within `tcpa_ms`. Nothing is divided. */
bool approach_within(const struct approach *p, const struct approach_limits *limits);
struct approach_numbers approach_numbers(const struct approach *p);

#endif
