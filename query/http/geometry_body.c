/* geometry_body.c -- polygons become the rings of a drawing, lines those of a sweep: counted first, so that memory is
 * known, then read. */
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
	bool lines; /* rings are lines: two positions are enough */
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
	if (count < (r->lines ? 2 : 3)) {
		snprintf(r->wrong, GEOMETRY_WRONG_MAX, "geometry.coordinates%s: a %s positions or more", at,
			 r->lines ? "line has two" : "ring has four");
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

static enum status read_lines(struct reading *r, const json_t *coordinates, bool many)
{
	enum status status = STATUS_OK;
	char at[24];
	if (!many)
		return read_ring(r, coordinates, false, "");
	for (size_t i = 0; i < json_array_size(coordinates) && !status; i++) {
		snprintf(at, sizeof at, "[%zu]", i);
		status = read_ring(r, json_array_get(coordinates, i), false, at);
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

/* What the shapes said, as the sentence of a refusal. */
static enum status refuse_shape(char *wrong, enum status status, const struct shape_problem *problem)
{
	if (!status || status == STATUS_NO_MEMORY)
		return status;
	if (status == STATUS_MALFORMED && problem && problem->reason)
		snprintf(wrong, GEOMETRY_WRONG_MAX, "geometry: %s at %.7f, %.7f", problem->reason,
			 problem->where.lon_e7 / 1e7, problem->where.lat_e7 / 1e7);
	else
		snprintf(wrong, GEOMETRY_WRONG_MAX, "geometry: %s", status_text(status));
	return STATUS_MALFORMED;
}

/* Grown by the distance, if any; `*area` is replaced. */
static enum status grow(struct fence_area **area, int64_t reach_mm, char *wrong)
{
	struct fence_area *wider;
	if (!reach_mm)
		return STATUS_OK;
	enum status status = shape_buffer(*area, reach_mm, &wider);
	fence_area_unref(*area);
	*area = status ? NULL : wider;
	return refuse_shape(wrong, status, NULL);
}

static enum status make_area(struct reading *r, int64_t reach_mm, struct fence_area **out)
{
	struct shape_drawing drawing = {r->points, r->ring_ends, r->is_hole, r->ring_count};
	struct shape_problem problem = {.reason = NULL};
	if (r->lines)
		return refuse_shape(r->wrong, shape_corridors(r->points, r->ring_ends, r->ring_count, reach_mm, out),
				    NULL);
	enum status status = refuse_shape(r->wrong, shape_area(&drawing, false, &problem, out), &problem);
	return status ? status : grow(out, reach_mm, r->wrong);
}

static enum status read_area(const json_t *coordinates, bool lines, bool many, int64_t reach_mm,
			     struct fence_area **out, char *wrong)
{
	struct reading r = {.wrong = wrong, .lines = lines};
	size_t rings = 0, positions = 0;
	enum status status = STATUS_NO_MEMORY;
	count_rings(coordinates, (lines ? 0 : 1) + many, &rings, &positions);
	if (!rings)
		return refuse(wrong, lines ? "geometry.coordinates: no lines" : "geometry.coordinates: no rings");
	if (positions > FENCE_POINTS_MAX) {
		snprintf(wrong, GEOMETRY_WRONG_MAX, "geometry.coordinates: more than %u positions", FENCE_POINTS_MAX);
		return STATUS_MALFORMED;
	}
	r.points = malloc((positions + 1) * sizeof *r.points);
	r.ring_ends = malloc(rings * sizeof *r.ring_ends);
	r.is_hole = malloc(rings * sizeof *r.is_hole);
	if (r.points && r.ring_ends && r.is_hole) {
		status = lines ? read_lines(&r, coordinates, many) : read_polygons(&r, coordinates, many);
		if (!status)
			status = make_area(&r, reach_mm, out);
	}
	free(r.points);
	free(r.ring_ends);
	free(r.is_hole);
	return status;
}

/* --- the whole --- */

/* A distance in metres, or 0 when it is not given. */
static bool read_metres(const json_t *v, int64_t *out_mm)
{
	double metres = json_number_value(v);
	*out_mm = v ? llround(metres * 1e3) : 0;
	return !v || (json_is_number(v) && metres >= 0 && metres <= REGION_RADIUS_MAX_MM / 1e3);
}

enum geometry_type { POINT, LINE, LINES, POLYGON, POLYGONS, TYPE_COUNT };
static const char *const types[TYPE_COUNT] = {"Point", "LineString", "MultiLineString", "Polygon", "MultiPolygon"};

static enum geometry_type type_of(const json_t *geometry)
{
	const char *type = json_string_value(json_object_get(geometry, "type"));
	unsigned i = 0;
	while (i < TYPE_COUNT && (!type || strcmp(type, types[i]) != 0))
		i++;
	return (enum geometry_type)i;
}

/* Distances that fit the geometry. */
static enum status check_reach(enum geometry_type type, const json_t *question, int64_t within_mm, int64_t half_mm,
			       char *wrong)
{
	int64_t reach_mm = within_mm + half_mm;
	if (half_mm && type != LINE && type != LINES)
		return refuse(wrong, "half_width_m: goes with lines only");
	if (type == POINT)
		return json_object_get(question, "within_m")
			       ? STATUS_OK
			       : refuse(wrong, "within_m: a Point needs a distance of 0 to 1000000 metres");
	if ((type == LINE || type == LINES) && !reach_mm)
		return refuse(wrong, "within_m: a line needs a distance or half_width_m, in metres");
	if (reach_mm && (reach_mm < SHAPE_REACH_MIN_MM || reach_mm > SHAPE_REACH_MAX_MM))
		return refuse(wrong, "within_m: a distance is 0.1 to 1000000 metres, with half_width_m too");
	return STATUS_OK;
}

enum status geometry_read(const json_t *question, struct geometry *out, char wrong[GEOMETRY_WRONG_MAX])
{
	const json_t *geometry = json_object_get(question, "geometry");
	const json_t *coordinates = json_object_get(geometry, "coordinates");
	enum geometry_type type = type_of(geometry);
	int64_t half_mm;
	*out = (struct geometry){.area = NULL};
	if (type == TYPE_COUNT)
		return refuse(wrong,
			      "geometry.type: one of Point, LineString, MultiLineString, Polygon and MultiPolygon");
	if (!read_metres(json_object_get(question, "within_m"), &out->within_mm))
		return refuse(wrong, "within_m: a distance of 0 to 1000000 metres");
	if (!read_metres(json_object_get(question, "half_width_m"), &half_mm))
		return refuse(wrong, "half_width_m: a width of 0 to 1000000 metres");
	if (type == POINT && !read_position(coordinates, &out->centre))
		return refuse(wrong, "geometry.coordinates: a position is [longitude, latitude] in degrees");
	enum status status = check_reach(type, question, out->within_mm, half_mm, wrong);
	if (status || type == POINT)
		return status;
	return read_area(coordinates, type == LINE || type == LINES, type == LINES || type == POLYGONS,
			 out->within_mm + half_mm, &out->area, wrong);
}

void geometry_deinit(struct geometry *g)
{
	fence_area_unref(g->area);
	g->area = NULL;
}
