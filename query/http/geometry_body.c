/* geometry_body.c -- polygons become the rings of a drawing: counted first, so that memory is known, then read. */
#include "query/http/geometry_body.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/core/limits.h"
#include "engine/geo/region.h"
#include "engine/geo/shape.h"

struct reading {
	struct geo_point *points;
	uint32_t *ring_ends;
	bool *is_hole;
	uint32_t point_count, ring_count;
	char *wrong;
};

/* --- positions --- */

static enum status refuse(char *wrong, const char *text)
{
	snprintf(wrong, GEOMETRY_WRONG_MAX, "%s", text);
	return STATUS_MALFORMED;
}

static bool read_degrees(const json_t *v, double limit, int32_t *out_e7)
{
	double degrees = json_number_value(v);
	if (!json_is_number(v) || !(degrees >= -limit && degrees <= limit))
		return false;
	*out_e7 = (int32_t)llround(degrees * 1e7);
	return true;
}

static bool read_position(const json_t *v, struct geo_point *out)
{
	return json_array_size(v) >= 2 && read_degrees(json_array_get(v, 0), 180, &out->lon_e7) &&
	       read_degrees(json_array_get(v, 1), 90, &out->lat_e7);
}

/* --- polygons --- */

/* `at` is the path of the ring: "[0]" or "[2][0]". */
static enum status read_ring(struct reading *r, const json_t *ring, bool hole, const char *at)
{
	size_t count = json_array_size(ring);
	if (count < 3) {
		snprintf(r->wrong, GEOMETRY_WRONG_MAX, "geometry.coordinates%s: a ring has four positions or more", at);
		return STATUS_MALFORMED;
	}
	for (size_t i = 0; i < count; i++) {
		if (read_position(json_array_get(ring, i), &r->points[r->point_count++]))
			continue;
		snprintf(r->wrong, GEOMETRY_WRONG_MAX,
			 "geometry.coordinates%s[%zu]: a position is [longitude, latitude] in degrees", at, i);
		return STATUS_MALFORMED;
	}
	r->is_hole[r->ring_count] = hole;
	r->ring_ends[r->ring_count++] = r->point_count;
	return STATUS_OK;
}

static enum status read_polygon(struct reading *r, const json_t *rings, const char *prefix)
{
	enum status status = STATUS_OK;
	char at[48];
	if (!json_array_size(rings)) {
		snprintf(r->wrong, GEOMETRY_WRONG_MAX, "geometry.coordinates%s: a polygon is a list of rings", prefix);
		return STATUS_MALFORMED;
	}
	for (size_t i = 0; i < json_array_size(rings) && !status; i++) {
		snprintf(at, sizeof at, "%s[%zu]", prefix, i);
		status = read_ring(r, json_array_get(rings, i), i > 0, at);
	}
	return status;
}

static enum status read_polygons(struct reading *r, const json_t *coordinates, bool many)
{
	enum status status = STATUS_OK;
	char prefix[24];
	if (!many)
		return read_polygon(r, coordinates, "");
	for (size_t i = 0; i < json_array_size(coordinates) && !status; i++) {
		snprintf(prefix, sizeof prefix, "[%zu]", i);
		status = read_polygon(r, json_array_get(coordinates, i), prefix);
	}
	return status;
}

/* Lists so deep below `v`, and their elements: rings and positions. */
static void count_rings(const json_t *v, int depth, size_t *rings, size_t *positions)
{
	if (depth == 0) {
		++*rings;
		*positions += json_array_size(v);
		return;
	}
	for (size_t i = 0; i < json_array_size(v); i++)
		count_rings(json_array_get(v, i), depth - 1, rings, positions);
}

static enum status make_area(struct reading *r, struct fence_area **out)
{
	struct shape_drawing drawing = {r->points, r->ring_ends, r->is_hole, r->ring_count};
	struct shape_problem problem = {.reason = NULL};
	enum status status = shape_area(&drawing, false, &problem, out);
	if (!status || status == STATUS_NO_MEMORY)
		return status;
	if (status == STATUS_MALFORMED && problem.reason)
		snprintf(r->wrong, GEOMETRY_WRONG_MAX, "geometry: %s at %.7f, %.7f", problem.reason,
			 problem.where.lon_e7 / 1e7, problem.where.lat_e7 / 1e7);
	else
		snprintf(r->wrong, GEOMETRY_WRONG_MAX, "geometry: %s", status_text(status));
	return STATUS_MALFORMED;
}

static enum status read_area(const json_t *coordinates, bool many, struct fence_area **out, char *wrong)
{
	struct reading r = {.wrong = wrong};
	size_t rings = 0, positions = 0;
	enum status status = STATUS_NO_MEMORY;
	count_rings(coordinates, many ? 2 : 1, &rings, &positions);
	if (!rings)
		return refuse(wrong, "geometry.coordinates: no rings");
	if (positions > FENCE_POINTS_MAX) {
		snprintf(wrong, GEOMETRY_WRONG_MAX, "geometry.coordinates: more than %u positions", FENCE_POINTS_MAX);
		return STATUS_MALFORMED;
	}
	r.points = malloc((positions + 1) * sizeof *r.points);
	r.ring_ends = malloc(rings * sizeof *r.ring_ends);
	r.is_hole = malloc(rings * sizeof *r.is_hole);
	if (r.points && r.ring_ends && r.is_hole) {
		status = read_polygons(&r, coordinates, many);
		if (!status)
			status = make_area(&r, out);
	}
	free(r.points);
	free(r.ring_ends);
	free(r.is_hole);
	return status;
}

/* --- the whole --- */

static bool read_within(const json_t *v, int64_t *out_mm)
{
	double metres = json_number_value(v);
	if (!json_is_number(v) || !(metres >= 0 && metres <= REGION_RADIUS_MAX_MM / 1e3))
		return false;
	*out_mm = llround(metres * 1e3);
	return true;
}

enum status geometry_read(const json_t *geometry, const json_t *within_m, struct geometry *out,
			  char wrong[GEOMETRY_WRONG_MAX])
{
	const char *type = json_string_value(json_object_get(geometry, "type"));
	const json_t *coordinates = json_object_get(geometry, "coordinates");
	*out = (struct geometry){.area = NULL};
	if (!type || (strcmp(type, "Point") != 0 && strcmp(type, "Polygon") != 0 && strcmp(type, "MultiPolygon") != 0))
		return refuse(wrong, "geometry.type: one of Polygon, MultiPolygon and Point");
	if (strcmp(type, "Point") == 0) {
		if (!read_position(coordinates, &out->centre))
			return refuse(wrong, "geometry.coordinates: a position is [longitude, latitude] in degrees");
		return read_within(within_m, &out->within_mm)
			       ? STATUS_OK
			       : refuse(wrong, "within_m: a Point needs a distance of 0 to 1000000 metres");
	}
	if (within_m)
		return refuse(wrong, "within_m: goes with a Point only");
	return read_area(coordinates, strcmp(type, "MultiPolygon") == 0, &out->area, wrong);
}

void geometry_deinit(struct geometry *g)
{
	fence_area_unref(g->area);
	g->area = NULL;
}
