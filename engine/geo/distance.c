/* distance.c -- short legs by the Gauss mid-latitude formulas, the rest by PROJ's geodesic.
 *
 *   latitudes, longitudes ── |mid-latitude| <= 70, leg <= 16 km ──> series ── far from a half millimetre ──> rounded
 *                                        │ else                                 │ else
 *                                        └──────────────> geod_inverse <────────┘
 *
 * The series has all terms to the third order in the differences of latitude and longitude (the "Gauss
 * mid-latitude formulas" of the textbooks, e.g. W. Grossmann, Geodaetische Rechnungen und Abbildungen, 3rd
 * ed. 1976; the meridional term is written out exactly from the second derivative of the meridian radius).
 * With B the mid-latitude, N and M the radii of curvature there, e'^2 the second eccentricity squared,
 * n = e'^2 cos^2 B, V^2 = 1 + n:
 *
 *   east  = N cos B dL [1 + (dB^2 (1 + n - 9 n tan^2 B) / V^4 - dL^2 sin^2 B) / 24]
 *   north = M dB       [1 + (dB^2 M''/M - dL^2 cos^2 B (2 + 3 tan^2 B + 2 n)) / 24]
 *   M''/M = (3 e^2 cos 2B W^2 + 15 e^4 sin^2 B cos^2 B) / W^4,  W^2 = 1 - e^2 sin^2 B
 *
 * What is left out is of fifth order. Measured against geod_inverse over random legs (nm, the largest seen; 3 nm
 * of it is the noise of geod_inverse itself): up to 4 km 3 at every latitude to 75; at 8 km 3 to 70 degrees; at 16
 * km 3 to 20, 6 to 60, 8 to 65, 32 to 75 degrees; from there it grows with the fifth power of the length, as the
 * theory says. SERIES_BAND_MM is five times the largest of the domain.
 *
 * Only + - * / and sqrt touch the series, which IEEE 754 rounds correctly, and contraction is off: the same
 * bits everywhere. geod_inverse uses the C library's trigonometry, which differs between libraries by some
 * 2.5 nm in one leg of 300: where it decides, two machines may round about one leg in 10^9 differently. */
#include "engine/geo/distance.h"

#include <geodesic.h>
#include <math.h>
#include <pthread.h>
#include <stdlib.h>

/* WGS-84 (NIMA TR8350.2, 3rd ed. 2000) */
#define SEMI_MAJOR_M 6378137.0
#define FLATTENING (1 / 298.257223563)
#define E_SQUARED (FLATTENING * (2 - FLATTENING))

#define RADIANS_PER_E7 (3.14159265358979323846 / 180 * 1e-7)

/* the domain in which the band below holds */
#define SERIES_LAT_SUM_MAX_E7 1400000000 /* twice the mid-latitude */
#define SERIES_DLAT_MAX_E7 1500000       /* 16.7 km */
#define SERIES_DLON_MAX_E7 5000000       /* 19 km at 70 degrees */
#define SERIES_MAX_MM 16e6
#define SERIES_BAND_MM 40e-6

static struct geod_geodesic wgs84;
static pthread_once_t wgs84_once = PTHREAD_ONCE_INIT;

static void wgs84_init(void)
{
	geod_init(&wgs84, SEMI_MAJOR_M, FLATTENING);
}

static __attribute__((noinline, cold)) int64_t geodesic_mm(int32_t lat_a_e7, int32_t lon_a_e7, int32_t lat_b_e7,
							   int32_t lon_b_e7)
{
	double metres;
	pthread_once(&wgs84_once, wgs84_init);
	geod_inverse(&wgs84, lat_a_e7 / 1e7, lon_a_e7 / 1e7, lat_b_e7 / 1e7, lon_b_e7 / 1e7, &metres, NULL, NULL);
	return llround(metres * 1000);
}

/* sin y for |y| <= pi / 2: Taylor's series to y^21, remainder below 2e-18, summed as a tree for speed. */
static inline double sine(double y)
{
	double z = y * y, z2 = z * z, z4 = z2 * z2, z8 = z4 * z4;
	double low = (1 - z * (1 / 6.)) + (1 / 120. - z * (1 / 5040.)) * z2;
	double middle = (1 / 362880. - z * (1 / 39916800.)) + (1 / 6227020800. - z * (1 / 1307674368000.)) * z2;
	double high = (1 / 355687428096000. - z * (1 / 121645100408832000.)) + z2 * (1 / 51090942171709440000.);
	return y * (low + middle * z4 + high * z8);
}

/* Length in mm; `lat_sum_e7` is twice the mid-latitude without its sign. */
static inline double series_mm(int32_t lat_sum_e7, int32_t dlat_e7, int32_t dlon_e7)
{
	double minus_cos_2b = sine((lat_sum_e7 - 900000000) * RADIANS_PER_E7);
	double sin2 = 0.5 + 0.5 * minus_cos_2b, cos2 = 0.5 - 0.5 * minus_cos_2b; /* sin^2 B, cos^2 B */
	double w2 = 1 - E_SQUARED * sin2, w_2 = 1 / w2, w_4 = w_2 * w_2;
	double second = E_SQUARED / (1 - E_SQUARED), n = second * cos2;
	double db = dlat_e7 * RADIANS_PER_E7, dl = dlon_e7 * RADIANS_PER_E7;
	double db2 = db * db, dl2 = dl * dl;
	double v_4 = (1 - E_SQUARED) * (1 - E_SQUARED) * w_4;
	double east = 1 + (db2 * (1 + n - 9 * second * sin2) * v_4 - dl2 * sin2) * (1 / 24.);
	double bend = (3 * E_SQUARED * (cos2 - sin2) * w2 + 15 * E_SQUARED * E_SQUARED * sin2 * cos2) * w_4;
	double north = 1 + (db2 * bend - dl2 * (2 * cos2 + 3 * sin2 + 2 * n * cos2)) * (1 / 24.);
	const double a_mm = SEMI_MAJOR_M * 1000, b_mm = a_mm * (1 - E_SQUARED);
	double east2 = (a_mm * a_mm) * w_2 * cos2 * dl2 * (east * east);
	double north2 = (b_mm * b_mm) * (w_4 * w_2) * db2 * (north * north);
	return sqrt(east2 + north2);
}

int64_t distance_mm(int32_t lat_a_e7, int32_t lon_a_e7, int32_t lat_b_e7, int32_t lon_b_e7)
{
	int64_t dlat_e7 = (int64_t)lat_b_e7 - lat_a_e7;
	int64_t dlon_e7 = (int64_t)lon_b_e7 - lon_a_e7;
	int64_t lat_sum_e7 = llabs((int64_t)lat_a_e7 + lat_b_e7);
	if (llabs(dlon_e7) > INT64_C(1800000000))
		dlon_e7 -= dlon_e7 > 0 ? INT64_C(3600000000) : -INT64_C(3600000000);
	if (lat_sum_e7 > SERIES_LAT_SUM_MAX_E7 || llabs(dlat_e7) > SERIES_DLAT_MAX_E7 ||
	    llabs(dlon_e7) > SERIES_DLON_MAX_E7)
		return geodesic_mm(lat_a_e7, lon_a_e7, lat_b_e7, lon_b_e7);
	double mm = series_mm((int32_t)lat_sum_e7, (int32_t)dlat_e7, (int32_t)dlon_e7);
	int64_t rounded = (int64_t)(mm + 0.5);
	double off = mm - (double)rounded;
	if (mm > SERIES_MAX_MM || off > 0.5 - SERIES_BAND_MM || off < SERIES_BAND_MM - 0.5)
		return geodesic_mm(lat_a_e7, lon_a_e7, lat_b_e7, lon_b_e7);
	return rounded;
}
