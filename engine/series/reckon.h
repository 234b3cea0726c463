/* reckon.h -- where a receiver should be, from its speed and course alone, in integers.
 *
 * The step from report i-1 to i is the mean velocity between them times the time between them:
 *
 *   step[i] = (far * (v[i-2] + v[i+1]) + near * (v[i-1] + v[i])) / (2 * far + 2 * near) * (t[i] - t[i-1])
 *
 * v is speed times the direction of the course (4096ths), north and east apart. near, far = 1, 0 is the mean of
 * both ends; 3, 1 lets the neighbours quieten a noisy course. Times more than RECKON_GAP_MS apart step nowhere.
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

struct reckon_weights {
	int32_t near, far;
};

struct reckoning {
	int32_t north[INT_COLUMN_ROOM], east[INT_COLUMN_ROOM]; /* step[i] in units; [0] is 0 */
};

/* Steps in units of `unit` * 1e-7 degrees, on the WGS-84 ellipsoid at `lat_e7`. `speed` and `course` have
 * INT_COLUMN_ROOM entries. */
void reckon(const struct series_kernels *kernels, const int64_t *time_ms, const uint16_t *speed, const uint16_t *course,
	    size_t count, int32_t lat_e7, uint32_t unit, struct reckon_weights weights, struct reckoning *out);

#endif
