/* shape.c -- GEOS behind one door.
 *
 *   struct geos        a context for one call, and what it complained of first
 *   struct pieces      polygons on their way into one geometry; each is freed or handed over once
 *
 * Inside, x is longitude and y latitude in 1e-7 degrees: whole numbers, but for the pieces of a sweep, which the grid
 * of 1 of every overlay rounds. x runs on past +-180 degrees until cut_at_antimeridian(). */
#include "engine/geo/shape.h"

#include <geos_c.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/core/limits.h"
#include "engine/core/log.h"
#include "engine/geo/shape_rings.h"
#include "engine/geo/shape_sweep.h"

#define GRID 1.0
#define HALF_TURN 1.8e9
#define FULL_TURN 3.6e9
#define POLE 9e8
#define DIMENSIONS 2

_Static_assert(sizeof(struct sweep_point) == DIMENSIONS * sizeof(double), "points are handed to GEOS as x, y, x, y");

struct geos {
	GEOSContextHandle_t h;
	char message[160];
};

static void on_message(const char *message, void *context)
{
	struct geos *g = context;
	if (!*g->message)
		snprintf(g->message, sizeof g->message, "%s", message);
}

static enum status geos_begin(struct geos *g)
{
	*g = (struct geos){.h = GEOS_init_r()};
	if (!g->h)
		return STATUS_NO_MEMORY;
	GEOSContext_setErrorMessageHandler_r(g->h, on_message, g);
	return STATUS_OK;
}

static void geos_end(struct geos *g)
{
	GEOS_finish_r(g->h);
}

/* GEOS gave nothing: why. */
static enum status geos_failed(const struct geos *g)
{
	if (strstr(g->message, "bad_alloc"))
		return STATUS_NO_MEMORY;
	log_warn("shape", "GEOS: %s", g->message);
	return STATUS_UNSUPPORTED;
}

/* `made` takes the place of `*geometry`. */
static enum status replace(struct geos *g, GEOSGeometry **geometry, GEOSGeometry *made)
{
	GEOSGeom_destroy_r(g->h, *geometry);
	*geometry = made;
	return made ? STATUS_OK : geos_failed(g);
}

/* --- pieces --- */

struct pieces {
	struct geos *g;
	GEOSGeometry **at;
	size_t count, capacity;
};

/* Takes `piece`, whatever comes of it. */
static enum status pieces_add(struct pieces *p, GEOSGeometry *piece)
{
	if (!piece)
		return geos_failed(p->g);
	if (p->count == p->capacity) {
		size_t capacity = p->capacity ? 2 * p->capacity : 16;
		GEOSGeometry **at = realloc(p->at, capacity * sizeof(*at));
		if (!at) {
			GEOSGeom_destroy_r(p->g->h, piece);
			return STATUS_NO_MEMORY;
		}
		p->at = at;
		p->capacity = capacity;
	}
	p->at[p->count++] = piece;
	return STATUS_OK;
}

static void pieces_deinit(struct pieces *p)
{
	for (size_t i = 0; i < p->count; i++)
		GEOSGeom_destroy_r(p->g->h, p->at[i]);
	free(p->at);
}

static enum status pieces_join(struct pieces *p, GEOSGeometry **out)
{
	*out = GEOSGeom_createCollection_r(p->g->h, GEOS_MULTIPOLYGON, p->at, (unsigned)p->count);
	p->count = 0;
	return *out ? STATUS_OK : geos_failed(p->g);
}

/* `ring` is closed. NULL when GEOS did not make one. */
static GEOSGeometry *linear_ring(struct geos *g, const struct sweep_point *ring, uint32_t count)
{
	GEOSCoordSequence *s = GEOSCoordSeq_copyFromBuffer_r(g->h, &ring->lon, count, 0, 0);
	return s ? GEOSGeom_createLinearRing_r(g->h, s) : NULL;
}

static enum status pieces_add_ring(void *context, const struct sweep_point *ring, uint32_t count)
{
	struct pieces *p = context;
	GEOSGeometry *shell = linear_ring(p->g, ring, count);
	return pieces_add(p, shell ? GEOSGeom_createPolygon_r(p->g->h, shell, NULL, 0) : NULL);
}

/* --- from GEOS: polygons, cut, to an area --- */

/* Copies the polygons within a geometry of any kind. */
static enum status gather_polygons(struct pieces *p, const GEOSGeometry *geometry)
{
	int kind = GEOSGeomTypeId_r(p->g->h, geometry);
	enum status status = STATUS_OK;
	if (kind == GEOS_POLYGON)
		return GEOSisEmpty_r(p->g->h, geometry) ? STATUS_OK
							: pieces_add(p, GEOSGeom_clone_r(p->g->h, geometry));
	if (kind != GEOS_MULTIPOLYGON && kind != GEOS_GEOMETRYCOLLECTION)
		return STATUS_OK;
	int parts = GEOSGetNumGeometries_r(p->g->h, geometry);
	for (int i = 0; i < parts && !status; i++)
		status = gather_polygons(p, GEOSGetGeometryN_r(p->g->h, geometry, i));
	return status;
}

static int shift_x(double *x, double *y, void *by)
{
	(void)y;
	*x += *(const double *)by;
	return 1;
}

/* What of the geometry lies `turns` turns east of the map, brought back onto it. */
static enum status gather_turn(struct pieces *p, const GEOSGeometry *geometry, int turns)
{
	struct geos *g = p->g;
	double by = -turns * FULL_TURN;
	GEOSGeometry *window = GEOSGeom_createRectangle_r(g->h, -HALF_TURN - by, -POLE - 1, HALF_TURN - by, POLE + 1);
	GEOSGeometry *in = window ? GEOSIntersectionPrec_r(g->h, geometry, window, GRID) : NULL;
	GEOSGeom_destroy_r(g->h, window);
	GEOSGeometry *back = in ? GEOSGeom_transformXY_r(g->h, in, shift_x, &by) : NULL;
	GEOSGeom_destroy_r(g->h, in);
	enum status status = back ? gather_polygons(p, back) : geos_failed(g);
	GEOSGeom_destroy_r(g->h, back);
	return status;
}

static enum status cut_at_antimeridian(struct geos *g, GEOSGeometry **geometry)
{
	double x_min, x_max;
	if (GEOSisEmpty_r(g->h, *geometry) || !GEOSGeom_getXMin_r(g->h, *geometry, &x_min) ||
	    !GEOSGeom_getXMax_r(g->h, *geometry, &x_max) || (x_min >= -HALF_TURN && x_max <= HALF_TURN))
		return STATUS_OK;
	struct pieces p = {.g = g};
	GEOSGeometry *all = NULL;
	enum status status = STATUS_OK;
	int last = (int)ceil((x_max - HALF_TURN) / FULL_TURN);
	for (int turns = (int)floor((x_min + HALF_TURN) / FULL_TURN); turns <= last && !status; turns++)
		status = gather_turn(&p, *geometry, turns);
	if (!status)
		status = pieces_join(&p, &all);
	pieces_deinit(&p);
	if (!status)
		status = replace(g, geometry, GEOSUnaryUnionPrec_r(g->h, all, GRID));
	GEOSGeom_destroy_r(g->h, all);
	return status;
}

struct flat {
	struct geo_point *points;
	uint32_t *ring_ends;
	uint32_t point_count, ring_count;
};

/* The coordinates of a ring, its first point repeated at its end; free() them. NULL: no memory. */
static struct sweep_point *ring_coordinates(struct geos *g, const GEOSGeometry *ring, uint32_t *out_count)
{
	unsigned count = 0;
	const GEOSCoordSequence *s = GEOSGeom_getCoordSeq_r(g->h, ring);
	if (!s || !GEOSCoordSeq_getSize_r(g->h, s, &count))
		return NULL;
	struct sweep_point *p = malloc((count + 1) * sizeof *p);
	if (p && !GEOSCoordSeq_copyToBuffer_r(g->h, s, &p->lon, 0, 0)) {
		free(p);
		return NULL;
	}
	*out_count = count;
	return p;
}

/* Calls `each` for every ring of a multipolygon, outsides before their holes. */
typedef enum status ring_each(struct geos *g, const GEOSGeometry *ring, void *context);
static enum status for_each_ring(struct geos *g, const GEOSGeometry *geometry, ring_each *each, void *context)
{
	enum status status = STATUS_OK;
	int parts = GEOSGetNumGeometries_r(g->h, geometry);
	for (int i = 0; i < parts && !status; i++) {
		const GEOSGeometry *part = GEOSGetGeometryN_r(g->h, geometry, i);
		int holes = GEOSGetNumInteriorRings_r(g->h, part);
		status = each(g, GEOSGetExteriorRing_r(g->h, part), context);
		for (int k = 0; k < holes && !status; k++)
			status = each(g, GEOSGetInteriorRingN_r(g->h, part, k), context);
	}
	return status;
}

static enum status flatten_ring(struct geos *g, const GEOSGeometry *ring, void *context)
{
	struct flat *f = context;
	uint32_t count;
	struct sweep_point *p = ring_coordinates(g, ring, &count);
	if (!p)
		return STATUS_NO_MEMORY;
	for (uint32_t i = 0; i + 1 < count; i++)
		f->points[f->point_count++] = (struct geo_point){(int32_t)lround(p[i].lat), (int32_t)lround(p[i].lon)};
	free(p);
	f->ring_ends[f->ring_count++] = f->point_count;
	return STATUS_OK;
}

static enum status count_ring(struct geos *g, const GEOSGeometry *ring, void *context)
{
	(void)g, (void)ring;
	*(size_t *)context += 1;
	return STATUS_OK;
}

static enum status area_of(struct geos *g, const GEOSGeometry *polygons, struct fence_area **out)
{
	size_t rings = 0;
	int points = GEOSGetNumCoordinates_r(g->h, polygons);
	if (points <= 0)
		return STATUS_EMPTY;
	enum status status = for_each_ring(g, polygons, count_ring, &rings);
	if (status)
		return status;
	if ((size_t)points - rings > FENCE_POINTS_MAX)
		return STATUS_TOO_LONG;
	struct flat f = {.points = malloc((size_t)points * sizeof *f.points),
			 .ring_ends = malloc((rings + 1) * sizeof *f.ring_ends)};
	status = f.points && f.ring_ends ? for_each_ring(g, polygons, flatten_ring, &f) : STATUS_NO_MEMORY;
	if (!status)
		status = fence_area_new(f.points, f.ring_ends, f.ring_count, out);
	free(f.points);
	free(f.ring_ends);
	return status;
}

/* The last steps of everything: `*geometry` is made of polygons alone, cut, and made an area. */
static enum status finish(struct geos *g, GEOSGeometry **geometry, struct fence_area **out)
{
	struct pieces p = {.g = g};
	enum status status = cut_at_antimeridian(g, geometry);
	if (!status)
		status = gather_polygons(&p, *geometry);
	if (!status && p.count == 0)
		status = STATUS_EMPTY;
	if (!status) {
		GEOSGeometry *polygons = NULL;
		status = pieces_join(&p, &polygons);
		if (!status)
			status = area_of(g, polygons, out);
		GEOSGeom_destroy_r(g->h, polygons);
	}
	pieces_deinit(&p);
	return status;
}

/* --- validity --- */

static const struct {
	const char *geos, *reason, *reason_zh;
} reasons[] = {
	{"Self-intersection", "self-intersection", "边界自相交"},
	{"Ring Self-intersection", "a ring touches itself", "环与自身相接"},
	{"Hole lies outside shell", "a hole lies outside its polygon", "内环在外环之外"},
	{"Holes are nested", "a hole lies within a hole", "内环嵌套"},
	{"Interior is disconnected", "holes cut the polygon in two", "内环将面分割"},
	{"Nested shells", "a polygon lies within another", "面与面重叠"},
	{"Duplicate Rings", "a ring is there twice", "环重复"},
	{"Too few points in geometry component", "a ring of fewer than three points", "环不足三个点"},
	{NULL, "not a valid polygon", "不是有效的面"},
};

static void set_problem(struct shape_problem *problem, const char *geos, struct geo_point where)
{
	size_t i = 0;
	while (reasons[i].geos && strcmp(reasons[i].geos, geos) != 0)
		i++;
	*problem = (struct shape_problem){where, reasons[i].reason, reasons[i].reason_zh};
}

static struct geo_point point_of(struct geos *g, const GEOSGeometry *point)
{
	double x = 0, y = 0;
	if (point) {
		GEOSGeomGetX_r(g->h, point, &x);
		GEOSGeomGetY_r(g->h, point, &y);
	}
	return (struct geo_point){(int32_t)lround(y), (int32_t)lround(remainder(x, FULL_TURN))};
}

static enum status check(struct geos *g, const GEOSGeometry *polygons, struct shape_problem *problem)
{
	char *reason = NULL;
	GEOSGeometry *where = NULL;
	char valid = GEOSisValidDetail_r(g->h, polygons, 0, &reason, &where);
	enum status status = valid == 1 ? STATUS_OK : valid == 0 ? STATUS_MALFORMED : geos_failed(g);
	if (status == STATUS_MALFORMED)
		set_problem(problem, reason ? reason : "", point_of(g, where));
	GEOSFree_r(g->h, reason);
	GEOSGeom_destroy_r(g->h, where);
	return status;
}

static enum status make_valid(struct geos *g, GEOSGeometry **geometry, enum GEOSMakeValidMethods method)
{
	GEOSMakeValidParams *params = GEOSMakeValidParams_create_r(g->h);
	if (!params)
		return STATUS_NO_MEMORY;
	GEOSGeometry *made = NULL;
	if (GEOSMakeValidParams_setMethod_r(g->h, params, method) &&
	    GEOSMakeValidParams_setKeepCollapsed_r(g->h, params, 0))
		made = GEOSMakeValidWithParams_r(g->h, *geometry, params);
	GEOSMakeValidParams_destroy_r(g->h, params);
	enum status status = replace(g, geometry, made);
	return status ? status : replace(g, geometry, GEOSGeom_setPrecision_r(g->h, *geometry, GRID, 0));
}

/* --- polygons as drawn --- */

struct drawn {
	struct geos *g;
	struct pieces polygons, holes; /* `holes`: linear rings of the outside in hand */
	GEOSGeometry *outside;
	double x_min, x_max; /* of it */
	struct sweep_point *ring;
	bool repair;
	struct shape_problem *problem;
};

/* Without neighbours that are equal, closed, longitudes running on; `out` has room for one more. Points of it, the
 * repeated one included. */
static uint32_t unroll(const struct geo_point *p, uint32_t count, struct sweep_point *out)
{
	uint32_t n = 0;
	for (uint32_t i = 0; i < count; i++) {
		double lon = p[i].lon_e7;
		if (n && fabs(lon - out[n - 1].lon) > HALF_TURN)
			lon = out[n - 1].lon + remainder(lon - out[n - 1].lon, FULL_TURN);
		if (n == 0 || lon != out[n - 1].lon || p[i].lat_e7 != out[n - 1].lat)
			out[n++] = (struct sweep_point){lon, p[i].lat_e7};
	}
	if (n > 1 && out[0].lon == out[n - 1].lon && out[0].lat == out[n - 1].lat)
		n--;
	out[n] = out[0];
	return n + 1;
}

static void x_range(const struct sweep_point *ring, uint32_t count, double *out_min, double *out_max)
{
	*out_min = *out_max = ring->lon;
	for (uint32_t i = 1; i < count; i++) {
		*out_min = fmin(*out_min, ring[i].lon);
		*out_max = fmax(*out_max, ring[i].lon);
	}
}

/* A hole drawn a turn away from its outside is brought to it. */
static void bring_hole(const struct drawn *d, struct sweep_point *ring, uint32_t count)
{
	double x_min, x_max, by = 0;
	x_range(ring, count, &x_min, &x_max);
	if (x_min + FULL_TURN <= d->x_max)
		by = FULL_TURN;
	else if (x_max - FULL_TURN >= d->x_min)
		by = -FULL_TURN;
	if (by == 0 || (x_min >= d->x_min && x_max <= d->x_max))
		return;
	for (uint32_t i = 0; i < count; i++)
		ring[i].lon += by;
}

static enum status close_polygon(struct drawn *d)
{
	if (!d->outside)
		return STATUS_OK;
	GEOSGeometry *polygon = GEOSGeom_createPolygon_r(d->g->h, d->outside, d->holes.at, (unsigned)d->holes.count);
	d->outside = NULL;
	d->holes.count = 0;
	return pieces_add(&d->polygons, polygon);
}

/* With `repair` what is no ring is left out, a hole with its outside's absence too. */
static enum status refuse_ring(struct drawn *d, struct geo_point where)
{
	set_problem(d->problem, "Too few points in geometry component", where);
	return d->repair ? STATUS_OK : STATUS_MALFORMED;
}

static enum status draw_ring(struct drawn *d, const struct geo_point *points, uint32_t count, bool is_hole)
{
	enum status status = is_hole ? STATUS_OK : close_polygon(d);
	if (status)
		return status;
	uint32_t n = count ? unroll(points, count, d->ring) : 0;
	if (n < 4)
		return refuse_ring(d, count ? points[0] : (struct geo_point){0, 0});
	if (fabs(d->ring[n - 1].lon - d->ring[n - 2].lon) > HALF_TURN)
		return STATUS_UNSUPPORTED;
	if (!is_hole) {
		x_range(d->ring, n, &d->x_min, &d->x_max);
		d->outside = linear_ring(d->g, d->ring, n);
		return d->outside ? STATUS_OK : geos_failed(d->g);
	}
	if (!d->outside)
		return STATUS_OK;
	bring_hole(d, d->ring, n);
	return pieces_add(&d->holes, linear_ring(d->g, d->ring, n));
}

static enum status check_positions(const struct geo_point *points, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++)
		if (points[i].lat_e7 > POLE || points[i].lat_e7 < -POLE || points[i].lon_e7 > HALF_TURN ||
		    points[i].lon_e7 < -HALF_TURN)
			return STATUS_OUT_OF_RANGE;
	return STATUS_OK;
}

static enum status check_layout(const struct geo_point *points, const uint32_t *ends, uint32_t count)
{
	for (uint32_t i = 1; i < count; i++)
		if (ends[i] < ends[i - 1])
			return STATUS_INVALID;
	if (count == 0)
		return STATUS_INVALID;
	if (ends[count - 1] > FENCE_POINTS_MAX)
		return STATUS_TOO_LONG;
	return check_positions(points, ends[count - 1]);
}

static enum status draw(struct drawn *d, const struct shape_drawing *drawing, GEOSGeometry **out)
{
	enum status status = STATUS_OK;
	struct sweep_point *ring = malloc((drawing->ring_ends[drawing->ring_count - 1] + 2) * sizeof *ring);
	if (!ring)
		return STATUS_NO_MEMORY;
	d->ring = ring;
	for (uint32_t i = 0, begin = 0; i < drawing->ring_count && !status; begin = drawing->ring_ends[i++])
		status = draw_ring(d, drawing->points + begin, drawing->ring_ends[i] - begin, drawing->is_hole[i]);
	if (!status)
		status = close_polygon(d);
	if (!status)
		status = d->polygons.count ? pieces_join(&d->polygons, out) : STATUS_EMPTY;
	GEOSGeom_destroy_r(d->g->h, d->outside);
	pieces_deinit(&d->polygons);
	pieces_deinit(&d->holes);
	free(ring);
	return status;
}

enum status shape_area(const struct shape_drawing *drawing, bool repair, struct shape_problem *problem,
		       struct fence_area **out)
{
	struct geos g;
	GEOSGeometry *polygons = NULL;
	*problem = (struct shape_problem){.reason = NULL};
	enum status status = check_layout(drawing->points, drawing->ring_ends, drawing->ring_count);
	if (!status && drawing->is_hole[0])
		status = STATUS_INVALID;
	if (!status)
		status = geos_begin(&g);
	if (status)
		return status;
	struct drawn d = {.g = &g, .polygons = {.g = &g}, .holes = {.g = &g}, .repair = repair, .problem = problem};
	status = draw(&d, drawing, &polygons);
	if (!status)
		status = check(&g, polygons, problem);
	if (status == STATUS_MALFORMED && repair && polygons)
		status = make_valid(&g, &polygons, GEOS_MAKE_VALID_STRUCTURE);
	if (!status)
		status = finish(&g, &polygons, out);
	GEOSGeom_destroy_r(g.h, polygons);
	geos_end(&g);
	return status;
}

/* --- swept --- */

/* In full precision, and to the grid once at the end: overlays on the grid, one after another, bend an edge that two
 * pieces share differently in each, and a hair's breadth would open between them. */
static enum status unite(struct pieces *p, GEOSGeometry **out)
{
	enum status status = pieces_join(p, out);
	if (!status)
		status = replace(p->g, out, GEOSUnaryUnion_r(p->g->h, *out));
	return status ? status : replace(p->g, out, GEOSGeom_setPrecision_r(p->g->h, *out, GRID, 0));
}

static enum status check_reach(int64_t reach_mm)
{
	return reach_mm < SHAPE_REACH_MIN_MM || reach_mm > SHAPE_REACH_MAX_MM ? STATUS_OUT_OF_RANGE : STATUS_OK;
}

static enum status sweep_lines(struct pieces *p, const struct geo_point *points, const uint32_t *ends, uint32_t count,
			       int64_t reach_mm)
{
	enum status status = STATUS_OK;
	struct sweep_point *line = malloc((ends[count - 1] + 2) * sizeof *line);
	if (!line)
		return STATUS_NO_MEMORY;
	for (uint32_t i = 0, begin = 0; i < count && !status; begin = ends[i++]) {
		uint32_t n = ends[i] > begin ? unroll(points + begin, ends[i] - begin, line) : 0;
		bool closes = n > 3 && points[begin].lat_e7 == points[ends[i] - 1].lat_e7 &&
			      points[begin].lon_e7 == points[ends[i] - 1].lon_e7;
		status = n ? sweep_line(line, n - 1, closes, reach_mm, pieces_add_ring, p) : STATUS_INVALID;
	}
	free(line);
	return status;
}

enum status shape_corridors(const struct geo_point *points, const uint32_t *line_ends, uint32_t line_count,
			    int64_t half_width_mm, struct fence_area **out)
{
	struct geos g;
	GEOSGeometry *all = NULL;
	enum status status = check_reach(half_width_mm);
	if (!status)
		status = check_layout(points, line_ends, line_count);
	if (!status)
		status = geos_begin(&g);
	if (status)
		return status;
	struct pieces p = {.g = &g};
	status = sweep_lines(&p, points, line_ends, line_count, half_width_mm);
	if (!status)
		status = unite(&p, &all);
	if (!status)
		status = finish(&g, &all, out);
	GEOSGeom_destroy_r(g.h, all);
	pieces_deinit(&p);
	geos_end(&g);
	return status;
}

enum status shape_corridor(const struct geo_point *line, uint32_t count, int64_t half_width_mm, struct fence_area **out)
{
	return shape_corridors(line, &count, 1, half_width_mm, out);
}

enum status shape_circle(struct geo_point centre, int64_t radius_mm, struct fence_area **out)
{
	return shape_corridor(&centre, 1, radius_mm, out);
}

/* --- areas --- */

/* To join what was cut: rings that lie west of Greenwich follow those in the east. */
static double turn_of(const struct fence_area *area, const struct geo_point *ring, uint32_t count)
{
	if (area->box.lon_min_e7 != -BOX_ANTIMERIDIAN_E7 || area->box.lon_max_e7 != BOX_ANTIMERIDIAN_E7)
		return 0;
	for (uint32_t i = 0; i < count; i++)
		if (ring[i].lon_e7 > 0)
			return 0;
	return FULL_TURN;
}

static GEOSGeometry *ring_of(struct geos *g, const struct fence_area *area, uint32_t i, double by,
			     struct sweep_point *scratch)
{
	uint32_t begin = ring_begin(area, i), count = area->ring_ends[i] - begin;
	for (uint32_t k = 0; k < count; k++)
		scratch[k] = (struct sweep_point){area->points[begin + k].lon_e7 + by, area->points[begin + k].lat_e7};
	scratch[count] = scratch[0];
	return linear_ring(g, scratch, count + 1);
}

/* A ring of even depth with the rings directly within it. */
static enum status add_part(struct pieces *parts, const struct fence_area *area, const struct ring_place *places,
			    uint32_t outside, bool turned, struct sweep_point *scratch)
{
	struct geos *g = parts->g;
	struct pieces holes = {.g = g};
	uint32_t begin = ring_begin(area, outside);
	double by = turned ? turn_of(area, area->points + begin, area->ring_ends[outside] - begin) : 0;
	GEOSGeometry *shell = ring_of(g, area, outside, by, scratch), *part = NULL;
	enum status status = shell ? STATUS_OK : geos_failed(g);
	for (uint32_t i = places[outside].first_inside; i != RING_NONE && !status; i = places[i].next)
		status = pieces_add(&holes, ring_of(g, area, i, by, scratch));
	if (!status) {
		part = GEOSGeom_createPolygon_r(g->h, shell, holes.at, (unsigned)holes.count);
		holes.count = 0;
		shell = NULL;
		status = pieces_add(parts, part);
	}
	GEOSGeom_destroy_r(g->h, shell);
	pieces_deinit(&holes);
	return status;
}

/* `turned`: what was cut at the antimeridian comes to lie side by side. */
static enum status polygons_of(struct geos *g, const struct fence_area *area, bool turned, GEOSGeometry **out)
{
	struct pieces parts = {.g = g};
	struct ring_place *places = malloc(area->ring_count * sizeof *places);
	struct sweep_point *scratch = malloc((area->point_count + 1) * sizeof *scratch);
	enum status status = places && scratch ? shape_rings_nest(area, places) : STATUS_NO_MEMORY;
	for (uint32_t i = 0; i < area->ring_count && !status; i++)
		if (places[i].depth % 2 == 0)
			status = add_part(&parts, area, places, i, turned, scratch);
	if (!status)
		status = pieces_join(&parts, out);
	pieces_deinit(&parts);
	free(places);
	free(scratch);
	return status;
}

enum status shape_check(const struct fence_area *area, struct shape_problem *problem)
{
	struct geos g;
	GEOSGeometry *polygons = NULL;
	enum status status = geos_begin(&g);
	if (status)
		return status;
	status = polygons_of(&g, area, false, &polygons);
	if (!status)
		status = check(&g, polygons, problem);
	GEOSGeom_destroy_r(g.h, polygons);
	geos_end(&g);
	return status;
}

/* Without the lines and points that may come with them. */
static enum status polygons_alone(struct geos *g, GEOSGeometry **geometry)
{
	struct pieces p = {.g = g};
	GEOSGeometry *polygons = NULL;
	enum status status = gather_polygons(&p, *geometry);
	if (!status)
		status = pieces_join(&p, &polygons);
	pieces_deinit(&p);
	return status ? status : replace(g, geometry, polygons);
}

/* One ring by itself, made valid: what it encloses an odd number of times. */
static enum status repaired_ring(struct geos *g, const struct fence_area *area, uint32_t ring, GEOSGeometry **out)
{
	uint32_t begin = ring_begin(area, ring), count = area->ring_ends[ring] - begin;
	struct fence_area *single;
	enum status status = fence_area_new(area->points + begin, &count, 1, &single);
	if (status)
		return status;
	status = polygons_of(g, single, false, out);
	fence_area_unref(single);
	if (!status)
		status = make_valid(g, out, GEOS_MAKE_VALID_LINEWORK);
	return status ? status : polygons_alone(g, out);
}

/* A ring more turns inside out what it encloses: the fence is what an odd number of rings hold. All rings at once would
 * be the same, but GEOS 3.11 now and then takes a face of many crossing rings for the wrong side. */
static enum status repaired_rings(struct geos *g, const struct fence_area *area, GEOSGeometry **out)
{
	enum status status = repaired_ring(g, area, 0, out);
	for (uint32_t r = 1; r < area->ring_count && !status; r++) {
		GEOSGeometry *ring = NULL;
		status = repaired_ring(g, area, r, &ring);
		if (!status)
			status = replace(g, out, GEOSSymDifferencePrec_r(g->h, *out, ring, GRID));
		if (!status)
			status = polygons_alone(g, out);
		GEOSGeom_destroy_r(g->h, ring);
	}
	return status;
}

static bool spans_half_the_globe(const struct fence_area *area)
{
	int64_t west = INT32_MAX, east = INT32_MIN;
	for (uint32_t i = 0; i < area->point_count; i++) {
		west = area->points[i].lon_e7 < west ? area->points[i].lon_e7 : west;
		east = area->points[i].lon_e7 > east ? area->points[i].lon_e7 : east;
	}
	return east - west >= INT64_C(1800000000);
}

enum status shape_repair(const struct fence_area *area, struct fence_area **out)
{
	struct geos g;
	GEOSGeometry *polygons = NULL;
	enum status status = geos_begin(&g);
	if (status)
		return status;
	if (!spans_half_the_globe(area)) {
		status = repaired_rings(&g, area, &polygons);
	} else { /* perhaps over the antimeridian: its rings must be laid beside each other first */
		status = polygons_of(&g, area, false, &polygons);
		if (!status)
			status = make_valid(&g, &polygons, GEOS_MAKE_VALID_LINEWORK);
	}
	if (!status)
		status = finish(&g, &polygons, out);
	GEOSGeom_destroy_r(g.h, polygons);
	geos_end(&g);
	return status;
}

struct bordering {
	struct pieces pieces;
	int64_t reach_mm;
};

static enum status sweep_border(struct geos *g, const GEOSGeometry *ring, void *context)
{
	struct bordering *b = context;
	uint32_t count;
	struct sweep_point *p = ring_coordinates(g, ring, &count);
	if (!p)
		return STATUS_NO_MEMORY;
	enum status status = sweep_line(p, count - 1, true, b->reach_mm, pieces_add_ring, &b->pieces);
	free(p);
	return status;
}

/* `*polygons` with the strip along its border, or without it. */
static enum status grow(struct geos *g, GEOSGeometry **polygons, int64_t distance_mm)
{
	struct bordering b = {{.g = g}, llabs(distance_mm)};
	GEOSGeometry *strip = NULL, *made = NULL;
	enum status status = for_each_ring(g, *polygons, sweep_border, &b);
	if (!status)
		status = unite(&b.pieces, &strip);
	if (!status) {
		made = distance_mm > 0 ? GEOSUnionPrec_r(g->h, *polygons, strip, GRID)
				       : GEOSDifferencePrec_r(g->h, *polygons, strip, GRID);
		status = replace(g, polygons, made);
	}
	GEOSGeom_destroy_r(g->h, strip);
	pieces_deinit(&b.pieces);
	return status;
}

enum status shape_buffer(const struct fence_area *area, int64_t distance_mm, struct fence_area **out)
{
	struct geos g;
	struct shape_problem problem;
	GEOSGeometry *polygons = NULL;
	enum status status = check_reach(llabs(distance_mm));
	if (!status)
		status = shape_check(area, &problem);
	if (!status)
		status = geos_begin(&g);
	if (status)
		return status;
	status = polygons_of(&g, area, true, &polygons);
	if (!status)
		status = replace(&g, &polygons, GEOSUnaryUnionPrec_r(g.h, polygons, GRID));
	if (!status)
		status = grow(&g, &polygons, distance_mm);
	if (!status)
		status = finish(&g, &polygons, out);
	GEOSGeom_destroy_r(g.h, polygons);
	geos_end(&g);
	return status;
}
