/* shape_sweep.c -- strips, wedges and discs.
 *
 * How far apart corners may lie. A wedge's chord is inside its arc by w (1 - cos(step / 2)): ARC_ERROR_M. A strip's
 * outer edge is straight in latitude and longitude, the true one is not: shot from a meridian to a distance w its
 * longitude is w / (R cos B), of which a chord over a step s misses w (1 + 2 tan^2 B) (s / R)^2 / 8; four times that is
 * taken, for slanted edges: EDGE_ERROR_M. Both and the rounding to the grid, 8 mm, stay below SHAPE_TOLERANCE_MM. */
#include "engine/geo/shape_sweep.h"

#include <geodesic.h>
#include <math.h>
#include <stdlib.h>

#include "engine/core/limits.h"
#include "engine/geo/shape.h"

#define ARC_ERROR_M 0.025
#define EDGE_ERROR_M 0.005
/* WGS-84 (NIMA TR8350.2, 3rd ed. 2000) */
#define SEMI_MAJOR_M 6378137.0
#define FLATTENING (1 / 298.257223563)
#define E_SQUARED (FLATTENING * (2 - FLATTENING))
/* a meridian's degree near the equator, the shortest: reach in degrees is never taken too small */
#define DEGREE_M 110500.0
#define RADIANS (3.14159265358979323846 / 180)
#define STEP_MAX_M 50000.0
/* an arc is never coarser, degrees: a disc is at least an octagon */
#define ARC_STEP_MAX_DEG 45.0
/* a full turn at SHAPE_REACH_MAX_MM takes 14,050 chords */
#define ARC_POINTS_MAX 16384
/* corners of all pieces: ten for each that a fence may have */
#define SWEEP_POINTS_MAX (10u * FENCE_POINTS_MAX)

struct sweep {
	struct geod_geodesic ellipsoid;
	double width_m, step_m, arc_step_deg;
	uint64_t points;
	sweep_emit *emit;
	void *context;
	struct sweep_point *ring; /* ARC_POINTS_MAX + 4 */
};

/* --- directions --- */

/* Azimuth, degrees, in which the straight line of this slope passes a latitude. */
static double azimuth_deg(struct sweep_point from, struct sweep_point to, double lat_e7)
{
	double lat = lat_e7 * 1e-7 * RADIANS, w2 = 1 - E_SQUARED * sin(lat) * sin(lat);
	return atan2((to.lon - from.lon) * cos(lat) * w2 / (1 - E_SQUARED), to.lat - from.lat) / RADIANS;
}

static struct sweep_point shoot(const struct sweep *s, struct sweep_point from, double azimuth)
{
	double lat, lon;
	geod_gendirect(&s->ellipsoid, from.lat * 1e-7, from.lon * 1e-7, azimuth, GEOD_LONG_UNROLL, s->width_m, &lat,
		       &lon, NULL, NULL, NULL, NULL, NULL, NULL);
	return (struct sweep_point){lon * 1e7, lat * 1e7};
}

/* --- pieces --- */

static enum status put(struct sweep *s, uint32_t count)
{
	s->points += count;
	if (s->points > SWEEP_POINTS_MAX)
		return STATUS_TOO_LONG;
	s->ring[count] = s->ring[0];
	return s->emit(s->context, s->ring, count + 1);
}

/* From `azimuth` through `turn` degrees, clockwise positive, less than a full turn: centre and arc; 360: a disc. */
static enum status wedge(struct sweep *s, struct sweep_point centre, double azimuth, double turn)
{
	uint32_t steps = (uint32_t)ceil(fabs(turn) / s->arc_step_deg), n = 0;
	bool disc = turn >= 360;
	if (steps == 0)
		return STATUS_OK;
	if (!disc)
		s->ring[n++] = centre;
	for (uint32_t i = 0; i < steps; i++)
		s->ring[n++] = shoot(s, centre, azimuth + turn * i / steps);
	if (!disc)
		s->ring[n++] = shoot(s, centre, azimuth + turn);
	return put(s, n);
}

static struct sweep_point between(struct sweep_point a, struct sweep_point b, uint32_t i, uint32_t of)
{
	if (i == of)
		return b;
	return (struct sweep_point){a.lon + (b.lon - a.lon) * i / of, a.lat + (b.lat - a.lat) * i / of};
}

static enum status strips(struct sweep *s, struct sweep_point a, struct sweep_point b)
{
	double lat_m = (b.lat - a.lat) * 1e-7 * DEGREE_M;
	double lon_m = (b.lon - a.lon) * 1e-7 * DEGREE_M * cos(fmin(fabs(a.lat), fabs(b.lat)) * 1e-7 * RADIANS);
	double steps = ceil(hypot(lat_m, lon_m) / s->step_m);
	if (steps > SWEEP_POINTS_MAX)
		return STATUS_TOO_LONG;
	uint32_t n = steps < 1 ? 1 : (uint32_t)steps;
	enum status status = STATUS_OK;
	struct sweep_point at = a;
	double azimuth = azimuth_deg(a, b, a.lat);
	for (uint32_t i = 1; i <= n && !status; i++) {
		struct sweep_point to = between(a, b, i, n);
		double azimuth_to = azimuth_deg(a, b, to.lat);
		s->ring[0] = shoot(s, at, azimuth - 90);
		s->ring[1] = shoot(s, to, azimuth_to - 90);
		s->ring[2] = to;
		s->ring[3] = shoot(s, to, azimuth_to + 90);
		s->ring[4] = shoot(s, at, azimuth + 90);
		s->ring[5] = at;
		status = put(s, 6);
		at = to;
		azimuth = azimuth_to;
	}
	return status;
}

/* The outer side of the turn at b; the inner one is covered by the strips. */
static enum status corner(struct sweep *s, struct sweep_point a, struct sweep_point b, struct sweep_point c)
{
	double in = azimuth_deg(a, b, b.lat), out = azimuth_deg(b, c, b.lat);
	double turn = remainder(out - in, 360);
	return wedge(s, b, turn > 0 ? in - 90 : in + 90, turn);
}

static enum status ends(struct sweep *s, const struct sweep_point *line, uint32_t count)
{
	const struct sweep_point *last = line + count - 1;
	enum status status = wedge(s, *line, azimuth_deg(line[0], line[1], line->lat) + 90, 180);
	return status ? status : wedge(s, *last, azimuth_deg(last[-1], last[0], last->lat) - 90, 180);
}

static enum status sweep_all(struct sweep *s, const struct sweep_point *line, uint32_t count, bool closed)
{
	if (count == 1)
		return wedge(s, *line, 0, 360);
	enum status status = closed ? STATUS_OK : ends(s, line, count);
	for (uint32_t i = 0; i < count - !closed && !status; i++) {
		const struct sweep_point *b = &line[(i + 1) % count];
		status = strips(s, line[i], *b);
		if (!status && (closed || i + 2 < count))
			status = corner(s, line[i], *b, line[(i + 2) % count]);
	}
	return status;
}

enum status sweep_line(const struct sweep_point *line, uint32_t count, bool closed, int64_t width_mm, sweep_emit *emit,
		       void *context)
{
	double lat_max = 0, width_m = (double)width_mm / 1000;
	if (count == 0)
		return STATUS_INVALID;
	for (uint32_t i = 0; i < count; i++)
		lat_max = fmax(lat_max, fabs(line[i].lat) * 1e-7);
	lat_max += width_m / DEGREE_M;
	if (lat_max > SHAPE_LAT_MAX_DEG)
		return STATUS_OUT_OF_RANGE;
	double tangent = tan(lat_max * RADIANS), bend_m = width_m * (1 + 2 * tangent * tangent) / 2;
	struct sweep s = {.width_m = width_m, .emit = emit, .context = context};
	s.step_m = fmin(STEP_MAX_M, SEMI_MAJOR_M * sqrt(EDGE_ERROR_M / bend_m));
	s.arc_step_deg = fmin(ARC_STEP_MAX_DEG, 2 * acos(1 - fmin(1, ARC_ERROR_M / width_m)) / RADIANS);
	s.ring = malloc((ARC_POINTS_MAX + 4) * sizeof *s.ring);
	if (!s.ring)
		return STATUS_NO_MEMORY;
	geod_init(&s.ellipsoid, SEMI_MAJOR_M, FLATTENING);
	enum status status = sweep_all(&s, line, count, closed);
	free(s.ring);
	return status;
}
