/* shape_sweep.h -- everything within a distance of a line, as small polygons whose union it is.
 *
 *            L0 ────────────── L1 .            a strip per step of an edge: L0 L1 b R1 R0 a
 *             │                │    ' .        a wedge on the outer side of each turn: b, arc from L1 to M0
 *    a ───────┼────────────────b        M0     half a disc at either end of an open line
 *             │                │ \    ' │
 *            R0 ────────────── R1  \.'  c
 *
 * Edges are straight in latitude and longitude, as everywhere; L and R are shot by PROJ's geodesic at a right angle to
 * the edge, so the distance holds on the ellipsoid however long the line and wide the strip. Neighbouring pieces share
 * their corners bit for bit. Coordinates: 1e-7 degrees, longitude first, not rounded; longitudes run on past +-180.
 * Used by shape.c alone. */
#ifndef ZAYTON_GEO_SHAPE_SWEEP_H
#define ZAYTON_GEO_SHAPE_SWEEP_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/core/status.h"

struct sweep_point {
	double lon, lat; /* 1e-7 degrees */
};

/* A ring, its first point repeated at its end. Anything but STATUS_OK ends the sweep, which returns it. */
typedef enum status sweep_emit(void *context, const struct sweep_point *ring, uint32_t count);

/* A line of one point is a disc. No two neighbouring points are equal; of a closed line the last is not the first
 * again. STATUS_INVALID: no point; STATUS_OUT_OF_RANGE: within reach of the SHAPE_LAT_MAX_DEG parallels;
 * STATUS_TOO_LONG: more pieces than anything that could become a fence; STATUS_NO_MEMORY. */
STATUS_CHECKED enum status sweep_line(const struct sweep_point *line, uint32_t count, bool closed, int64_t width_mm,
				      sweep_emit *emit, void *context);

#endif
