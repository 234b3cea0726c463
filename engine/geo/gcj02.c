/* gcj02.c -- the public reconstruction of GCJ-02 (known since about 2010; see e.g. the "eviltransform" project), its
 * inverse by fixed point, and Baidu's turn on top of it.
 *
 *   WGS-84 ── + shift(p) ──> GCJ-02 ── polar turn, + (0.006, 0.0065) ──> BD-09
 *
 * shift(p) is a low polynomial and six sines of the offset from 35 N 105 E, in metres, made degrees on the Krasovsky
 * ellipsoid. It changes by less than 4 mm in a metre, so each step of the inverse shrinks the error a hundredfold and
 * more: 2.3 m, 8 mm, 0.03 mm. */
#include "engine/geo/gcj02.h"

#include <math.h>
#include <stdbool.h>

#define PI 3.14159265358979323846
/* the Krasovsky ellipsoid of 1940, as the reconstruction has it */
#define SEMI_MAJOR_M 6378245.0
#define E_SQUARED 0.00669342162296594323
/* the constants of BD-09 */
#define BD_LAT 0.006
#define BD_LON 0.0065
#define BD_TURN (PI * 3000 / 180)
/* a step of the inverse below this, degrees, is the last: 0.01 mm */
#define STEP_MIN_DEG 1e-10
#define STEPS_MAX 12

/* the rectangle within which the reconstruction shifts */
static bool is_shifted(struct degrees p)
{
	return p.lon >= 72.004 && p.lon <= 137.8347 && p.lat >= 0.8293 && p.lat <= 55.8271;
}

static double waves(double amplitude_a, double at_a, double amplitude_b, double at_b)
{
	return (amplitude_a * sin(at_a) + amplitude_b * sin(at_b)) * 2 / 3;
}

/* Northward and eastward shift in metres, x degrees east of 105 E, y north of 35 N. */
static double shift_north(double x, double y)
{
	return -100 + 2 * x + 3 * y + 0.2 * y * y + 0.1 * x * y + 0.2 * sqrt(fabs(x)) +
	       waves(20, 6 * x * PI, 20, 2 * x * PI) + waves(20, y * PI, 40, y / 3 * PI) +
	       waves(160, y / 12 * PI, 320, y * PI / 30);
}

static double shift_east(double x, double y)
{
	return 300 + x + 2 * y + 0.1 * x * x + 0.1 * x * y + 0.1 * sqrt(fabs(x)) +
	       waves(20, 6 * x * PI, 20, 2 * x * PI) + waves(20, x * PI, 40, x / 3 * PI) +
	       waves(150, x / 12 * PI, 300, x / 30 * PI);
}

struct degrees gcj02_from_wgs84(struct degrees p)
{
	if (!is_shifted(p))
		return p;
	double x = p.lon - 105, y = p.lat - 35, lat = p.lat / 180 * PI;
	double w2 = 1 - E_SQUARED * sin(lat) * sin(lat), prime_m = SEMI_MAJOR_M / sqrt(w2);
	double meridian_m = prime_m * (1 - E_SQUARED) / w2;
	return (struct degrees){p.lat + shift_north(x, y) / (meridian_m / 180 * PI),
				p.lon + shift_east(x, y) / (prime_m * cos(lat) / 180 * PI)};
}

struct degrees bd09_from_gcj02(struct degrees p)
{
	double r = hypot(p.lon, p.lat) + 0.00002 * sin(p.lat * BD_TURN);
	double turn = atan2(p.lat, p.lon) + 0.000003 * cos(p.lon * BD_TURN);
	return (struct degrees){r * sin(turn) + BD_LAT, r * cos(turn) + BD_LON};
}

/* The point that `forward` brings to `p`. Where the rectangle ends there may be none or two; the last step stands. */
static struct degrees inverse(struct degrees (*forward)(struct degrees), struct degrees p)
{
	struct degrees at = p;
	for (int i = 0; i < STEPS_MAX; i++) {
		struct degrees there = forward(at);
		double lat = p.lat - there.lat, lon = p.lon - there.lon;
		at.lat += lat;
		at.lon += lon;
		if (fabs(lat) < STEP_MIN_DEG && fabs(lon) < STEP_MIN_DEG)
			break;
	}
	return at;
}

struct degrees gcj02_to_wgs84(struct degrees p)
{
	return is_shifted(p) ? inverse(gcj02_from_wgs84, p) : p;
}

struct degrees bd09_to_gcj02(struct degrees p)
{
	return inverse(bd09_from_gcj02, p);
}
