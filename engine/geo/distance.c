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
 * What depends on B alone is tabled. What is left out is of fifth order. Measured against geod_inverse over
 * 8 million random legs (nm, the largest seen; 3 nm of it is the noise of geod_inverse itself): up to 8 km 4 at
 * every latitude to 70; at 16 km 3 to 18 degrees, 6 to 54, 9 to 65, 10 to 70; from there it grows with the fifth
 * power of the length and with tan^4 B, as the theory says. SERIES_BAND_MM is four times the largest.
 *
 * Only + - * / and sqrt touch the series, which IEEE 754 rounds correctly, and contraction is off: the same
 * bits everywhere. geod_inverse uses the C library's trigonometry, which differs between libraries by some
 * 2.5 nm in one leg of 300: where it decides, two machines may round about one leg in 10^9 differently. */
#include "engine/geo/distance.h"

#include <geodesic.h>
#include <math.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

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

/* sin y for |y| <= pi / 2: Taylor's series to y^21, remainder below 2e-18. */
static double sine(double y)
{
	double z = y * y, term = y, sum = y;
	for (int i = 2; i <= 20; i += 2) {
		term *= -z / (i * (i + 1));
		sum += term;
	}
	return sum;
}

/* --- what depends on the mid-latitude alone, tabled --- */

/* east^2 = east2 * dL^2 * (1 + dB^2 * east_b - dL^2 * east_l)^2, and north^2 likewise: mm and 1e-7 degrees. */
struct metric {
	double east2, north2, east2_slope, north2_slope; /* slopes: by the sum of the latitudes */
	double east_b, east_l, north_b, north_l;
};

/* At half of `lat_sum_e7`, by the formulas at the top; the slopes by differentiating
 * N^2 cos^2 B = a^2 cos^2 B / W^2 and M^2 = a^2 (1 - e^2)^2 / W^6. */
static struct metric metric_at(double lat_sum_e7)
{
	const double unit2 = RADIANS_PER_E7 * RADIANS_PER_E7, a = SEMI_MAJOR_M * 1000, one_e2 = 1 - E_SQUARED;
	double turned = (lat_sum_e7 - 900000000) * RADIANS_PER_E7; /* 2 B - pi / 2 */
	double sin2 = 0.5 + 0.5 * sine(turned), cos2 = 1 - sin2;   /* sin^2 B, cos^2 B */
	double sin_2b =
		turned < 0 ? sine(lat_sum_e7 * RADIANS_PER_E7) : sine((1800000000 - lat_sum_e7) * RADIANS_PER_E7);
	double w2 = 1 - E_SQUARED * sin2, w4 = w2 * w2, n = E_SQUARED / one_e2 * cos2;
	double n_tan2 = E_SQUARED / one_e2 * sin2;
	struct metric m;
	m.east2 = a * a * cos2 / w2 * unit2;
	m.north2 = a * a * one_e2 * one_e2 / (w4 * w2) * unit2;
	m.east2_slope = -a * a * one_e2 * sin_2b / w4 * unit2 * (RADIANS_PER_E7 / 2);
	m.north2_slope = 3 * E_SQUARED * sin_2b * a * a * one_e2 * one_e2 / (w4 * w4) * unit2 * (RADIANS_PER_E7 / 2);
	m.east_b = (1 + n - 9 * n_tan2) * one_e2 * one_e2 / w4 / 24 * unit2;
	m.east_l = sin2 / 24 * unit2;
	m.north_b = (3 * E_SQUARED * (cos2 - sin2) * w2 + 15 * E_SQUARED * E_SQUARED * sin2 * cos2) / w4 / 24 * unit2;
	m.north_l = (2 * cos2 + 3 * sin2 + 2 * n * cos2) / 24 * unit2;
	return m;
}

/* 0.05 degrees of mid-latitude: the squares as cubics through values and slopes at both ends (error below 3e-14
 * of them), the small terms as lines. Two cache lines; a fleet at home lives on a few dozen. */
#define CELL_SHIFT 20
#define CELLS ((SERIES_LAT_SUM_MAX_E7 >> CELL_SHIFT) + 1)

struct cell {
	double east2[4], north2[4];
	double east_b[2], east_l[2], north_b[2], north_l[2];
};
static struct cell cells[CELLS] __attribute__((aligned(64)));

static void fit_cubic(double out[4], double from, double to, double slope_from, double slope_to)
{
	const double h = 1 << CELL_SHIFT;
	double rise = (to - from) / h;
	out[0] = from;
	out[1] = slope_from;
	out[2] = (3 * rise - 2 * slope_from - slope_to) / h;
	out[3] = (slope_from + slope_to - 2 * rise) / (h * h);
}

static void fit_line(double out[2], double from, double to)
{
	out[0] = from;
	out[1] = (to - from) / (1 << CELL_SHIFT);
}

/* Before main, so that no leg pays for asking: below 0.1 ms. */
static __attribute__((constructor)) void cells_fill(void)
{
	struct metric from, to = metric_at(0);
	for (int i = 0; i < CELLS; i++) {
		from = to;
		to = metric_at((double)(i + 1) * (1 << CELL_SHIFT));
		struct cell *c = &cells[i];
		fit_cubic(c->east2, from.east2, to.east2, from.east2_slope, to.east2_slope);
		fit_cubic(c->north2, from.north2, to.north2, from.north2_slope, to.north2_slope);
		fit_line(c->east_b, from.east_b, to.east_b);
		fit_line(c->east_l, from.east_l, to.east_l);
		fit_line(c->north_b, from.north_b, to.north_b);
		fit_line(c->north_l, from.north_l, to.north_l);
	}
}

static inline double cubic(const double c[4], double t)
{
	return (c[0] + c[1] * t) + (c[2] + c[3] * t) * (t * t);
}

static inline double line(const double c[2], double t)
{
	return c[0] + c[1] * t;
}

/* Length in mm; `lat_sum_e7` is twice the mid-latitude without its sign. */
static inline double series_mm(int32_t lat_sum_e7, int32_t dlat_e7, int32_t dlon_e7)
{
	const struct cell *c = &cells[lat_sum_e7 >> CELL_SHIFT];
	double t = lat_sum_e7 & ((1 << CELL_SHIFT) - 1);
	double db = dlat_e7, dl = dlon_e7, db2 = db * db, dl2 = dl * dl;
	double east = 1 + (db2 * line(c->east_b, t) - dl2 * line(c->east_l, t));
	double north = 1 + (db2 * line(c->north_b, t) - dl2 * line(c->north_l, t));
	return sqrt(cubic(c->east2, t) * dl2 * (east * east) + cubic(c->north2, t) * db2 * (north * north));
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

/* --- paths --- */

uint64_t distance_path_mm_plain(const int32_t *lat_e7, const int32_t *lon_e7, size_t count)
{
	uint64_t sum = 0;
	for (size_t i = 1; i < count; i++)
		sum += (uint64_t)distance_mm(lat_e7[i - 1], lon_e7[i - 1], lat_e7[i], lon_e7[i]);
	return sum;
}

#if defined(__x86_64__)

/* Not fma: one rounding instead of two would be other bits. */
#define WIDE __attribute__((target("avx2")))

static inline WIDE __m256d line4(const double c[2], __m256d t)
{
	return _mm256_add_pd(_mm256_set1_pd(c[0]), _mm256_mul_pd(_mm256_set1_pd(c[1]), t));
}

static inline WIDE __m256d cubic4(const double c[4], __m256d t)
{
	return _mm256_add_pd(line4(c, t), _mm256_mul_pd(line4(c + 2, t), _mm256_mul_pd(t, t)));
}

/* series_mm() of four legs in one cell, operation by operation. */
static inline WIDE __m256d series4_mm(const struct cell *c, __m128i lat_sum, __m128i dlat, __m128i dlon)
{
	const __m256d one = _mm256_set1_pd(1);
	__m256d t = _mm256_cvtepi32_pd(_mm_and_si128(lat_sum, _mm_set1_epi32((1 << CELL_SHIFT) - 1)));
	__m256d db = _mm256_cvtepi32_pd(dlat), dl = _mm256_cvtepi32_pd(dlon);
	__m256d db2 = _mm256_mul_pd(db, db), dl2 = _mm256_mul_pd(dl, dl);
	__m256d east = _mm256_add_pd(
		one, _mm256_sub_pd(_mm256_mul_pd(db2, line4(c->east_b, t)), _mm256_mul_pd(dl2, line4(c->east_l, t))));
	__m256d north = _mm256_add_pd(
		one, _mm256_sub_pd(_mm256_mul_pd(db2, line4(c->north_b, t)), _mm256_mul_pd(dl2, line4(c->north_l, t))));
	__m256d east2 = _mm256_mul_pd(_mm256_mul_pd(cubic4(c->east2, t), dl2), _mm256_mul_pd(east, east));
	__m256d north2 = _mm256_mul_pd(_mm256_mul_pd(cubic4(c->north2, t), db2), _mm256_mul_pd(north, north));
	return _mm256_sqrt_pd(_mm256_add_pd(east2, north2));
}

/* Not by the absolute value: that of the least number is negative. */
static inline WIDE __m128i outside(__m128i v, int32_t most)
{
	return _mm_or_si128(_mm_cmpgt_epi32(v, _mm_set1_epi32(most)), _mm_cmplt_epi32(v, _mm_set1_epi32(-most)));
}

/* Four legs from the positions at `lat_e7`, `lon_e7` on. False: one of them is not for the series, they lie in
 * several cells, or a rounding is not decided. No difference of longitudes wraps to a small one. */
static inline WIDE bool four_legs(const int32_t *lat_e7, const int32_t *lon_e7, __m256i *sum)
{
	__m128i lat_a = _mm_loadu_si128((const __m128i *)lat_e7),
		lat_b = _mm_loadu_si128((const __m128i *)(lat_e7 + 1));
	__m128i lon_a = _mm_loadu_si128((const __m128i *)lon_e7),
		lon_b = _mm_loadu_si128((const __m128i *)(lon_e7 + 1));
	__m128i dlat = _mm_sub_epi32(lat_b, lat_a), dlon = _mm_sub_epi32(lon_b, lon_a);
	__m128i lat_sum = _mm_abs_epi32(_mm_add_epi32(lat_a, lat_b)), cell = _mm_srli_epi32(lat_sum, CELL_SHIFT);
	__m128i far = _mm_or_si128(outside(lat_sum, SERIES_LAT_SUM_MAX_E7),
				   _mm_or_si128(outside(dlat, SERIES_DLAT_MAX_E7), outside(dlon, SERIES_DLON_MAX_E7)));
	__m128i other = _mm_xor_si128(cell, _mm_shuffle_epi32(cell, 0));
	if (!_mm_testz_si128(_mm_or_si128(far, other), _mm_set1_epi32(-1)))
		return false;
	__m256d mm = series4_mm(&cells[_mm_cvtsi128_si32(cell)], lat_sum, dlat, dlon);
	__m128i rounded = _mm256_cvttpd_epi32(_mm256_add_pd(mm, _mm256_set1_pd(0.5)));
	__m256d off = _mm256_sub_pd(mm, _mm256_cvtepi32_pd(rounded));
	__m256d no = _mm256_or_pd(_mm256_cmp_pd(mm, _mm256_set1_pd(SERIES_MAX_MM), _CMP_GT_OQ),
				  _mm256_or_pd(_mm256_cmp_pd(off, _mm256_set1_pd(0.5 - SERIES_BAND_MM), _CMP_GT_OQ),
					       _mm256_cmp_pd(off, _mm256_set1_pd(SERIES_BAND_MM - 0.5), _CMP_LT_OQ)));
	if (_mm256_movemask_pd(no))
		return false;
	*sum = _mm256_add_epi64(*sum, _mm256_cvtepi32_epi64(rounded));
	return true;
}

static WIDE uint64_t path_wide(const int32_t *lat_e7, const int32_t *lon_e7, size_t count)
{
	__m256i wide_sum = _mm256_setzero_si256();
	uint64_t sum = 0, lanes[4];
	size_t i = 0;
	for (; i + 5 <= count; i += 4)
		if (!four_legs(lat_e7 + i, lon_e7 + i, &wide_sum))
			sum += distance_path_mm_plain(lat_e7 + i, lon_e7 + i, 5);
	_mm256_storeu_si256((__m256i *)lanes, wide_sum);
	return sum + lanes[0] + lanes[1] + lanes[2] + lanes[3] +
	       distance_path_mm_plain(lat_e7 + i, lon_e7 + i, count - i);
}

uint64_t distance_path_mm(const int32_t *lat_e7, const int32_t *lon_e7, size_t count)
{
	return __builtin_cpu_supports("avx2") ? path_wide(lat_e7, lon_e7, count)
					      : distance_path_mm_plain(lat_e7, lon_e7, count);
}

#else

uint64_t distance_path_mm(const int32_t *lat_e7, const int32_t *lon_e7, size_t count)
{
	return distance_path_mm_plain(lat_e7, lon_e7, count);
}

#endif
