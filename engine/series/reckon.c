#include "engine/series/reckon.h"

#include <stdlib.h>
#include <string.h>

#include "engine/core/bytes.h"

/* factor = ms * per_ms[axis] / 256: 2^32 times units per (0.1 km/h * 4096 * 2). */
struct factors {
	uint64_t north, east;
};

/* cosine of a latitude in 4096ths * 4096, linear between whole degrees */
static int64_t cosine(uint32_t angle_e7)
{
	uint32_t degree = angle_e7 / 10000000, rest = angle_e7 % 10000000;
	int64_t a = reckon_directions[degree].north, b = reckon_directions[degree + 1].north;
	return a * 4096 + (b - a) * (int64_t)rest * 4096 / 10000000;
}

/* Metres per degree of latitude and of longitude: the first terms of the series for WGS-84 (NGA STND.0036, 2014),
 * 111132.95 - 559.85 cos 2f and 111412.88 cos f - 93.5 cos 3f. */
static struct factors factors_at(int32_t lat_e7, uint32_t unit)
{
	uint32_t f = (uint32_t)llabs(lat_e7);
	if (f > 890000000)
		f = 890000000; /* the poles would divide by nothing */
	int64_t scale = INT64_C(4096) * 4096;
	int64_t north_m = 111133 - 560 * cosine(2 * f) / scale;
	int64_t east_m = (111413 * cosine(f) - 94 * cosine(3 * f % 3600000000u)) / scale;
	uint64_t per_metre = (UINT64_C(10000000) << 40) / (UINT64_C(36000) * RECKON_SCALE * 2 * unit);
	return (struct factors){per_metre / (uint64_t)north_m, per_metre / (uint64_t)east_m};
}

static int32_t factor(uint64_t per_ms, int64_t ms)
{
	if (ms <= 0 || ms >= RECKON_GAP_MS)
		return 0;
	uint64_t f = (per_ms * (uint64_t)ms) >> 8;
	return f < 1u << 30 ? (int32_t)f : 1 << 30;
}

static void fill_even(struct factors per_ms, int64_t ms, int32_t *north, int32_t *east)
{
	int32_t n = factor(per_ms.north, ms), e = factor(per_ms.east, ms);
	for (size_t i = 0; i < INT_COLUMN_ROOM; i++) {
		north[i] = n;
		east[i] = e;
	}
}

static void fill_uneven(struct factors per_ms, const int64_t *time_ms, size_t count, int32_t *north, int32_t *east)
{
	int64_t last = 0;
	int32_t n = 0, e = 0;
	for (size_t i = 1; i < count; i++) {
		int64_t ms = time_ms[i] - time_ms[i - 1];
		if (ms != last) {
			last = ms;
			n = factor(per_ms.north, ms);
			e = factor(per_ms.east, ms);
		}
		north[i] = n;
		east[i] = e;
	}
}

void reckon(const struct series_kernels *kernels, const int64_t *time_ms, int64_t even_ms, const uint16_t *speed,
	    const uint16_t *course, size_t count, int32_t lat_e7, uint32_t unit, struct reckoning *out)
{
	int32_t north_buf[1 + INT_COLUMN_ROOM], east_buf[1 + INT_COLUMN_ROOM], *north = north_buf + 1,
									       *east = east_buf + 1;
	int32_t north_factor[INT_COLUMN_ROOM], east_factor[INT_COLUMN_ROOM];
	struct factors per_ms = factors_at(lat_e7, unit);
	kernels->velocity(speed, course, count, north, east);
	if (even_ms >= 0)
		fill_even(per_ms, even_ms, north_factor, east_factor);
	else
		fill_uneven(per_ms, time_ms, count, north_factor, east_factor);
	north[-1] = east[-1] = 0;
	kernels->steps(north, north_factor, count, out->north);
	kernels->steps(east, east_factor, count, out->east);
	out->north[0] = out->east[0] = 0;
}
