/* reckon.h -- where a receiver should be, from its speed and course alone, in integers.
 *
 * The step from report i-1 to i is the mean velocity of both times the time between them:
 *
 *   step[i] = (v[i-1] + v[i]) / 2 * (t[i] - t[i-1])
 *
 * v is speed times the direction of the course (4096ths), north and east apart. Times RECKON_GAP_MS or more apart
 * step nowhere.
 * The same integers come out on every machine: prediction is part of the stored format. */
#ifndef ZAYTON_SERIES_RECKON_H
#define ZAYTON_SERIES_RECKON_H

#include <stdint.h>

#include "engine/series/int_column.h"
#include "engine/series/kernels.h"

#define RECKON_GAP_MS 65536
#define RECKON_SCALE 4096
/* larger speeds, 0.1 km/h, are no speeds */
#define RECKON_SPEED_MAX 32767

struct direction {
	int16_t north, east;
};
/* By course in degrees, 0..360; 361 stands for every other value. */
extern const struct direction reckon_directions[362];

struct reckoning {
	int32_t north[INT_COLUMN_ROOM], east[INT_COLUMN_ROOM]; /* step[i] in units; [0] is 0 */
};

/* Steps in units of `unit` * 1e-7 degrees, on the WGS-84 ellipsoid at `lat_e7`. `speed` and `course` have
 * INT_COLUMN_ROOM entries. `even_ms`: the time between any two neighbours when it is always the same, else -1. */
void reckon(const struct series_kernels *kernels, const int64_t *time_ms, int64_t even_ms, const uint16_t *speed,
	    const uint16_t *course, size_t count, int32_t lat_e7, uint32_t unit, struct reckoning *out);

#endif
