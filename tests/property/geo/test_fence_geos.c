/* An area answers what GEOS answers. Integers below 2^53 are exact in its doubles, and so are its orientations (they
 * fall back to 106 bits); a point of a polygon's border intersects it. */
#include <criterion/criterion.h>
#include <geos_c.h>
#include <stdlib.h>

#include "tests/property/geo/fence_random.h"

struct oracle {
	GEOSContextHandle_t geos;
	GEOSGeometry *polygon;
	const GEOSPreparedGeometry *prepared;
};

static GEOSGeometry *ring_of(GEOSContextHandle_t geos, const struct geo_point *points, uint32_t count)
{
	GEOSCoordSequence *s = GEOSCoordSeq_create_r(geos, count + 1, 2);
	for (uint32_t i = 0; i <= count; i++)
		GEOSCoordSeq_setXY_r(geos, s, i, points[i % count].lon_e7, points[i % count].lat_e7);
	return GEOSGeom_createLinearRing_r(geos, s);
}

/* A polygon a ring: the prepared form of them all counts crossings of every ring, as an area does. */
static struct oracle oracle_new(GEOSContextHandle_t geos, const struct fence_area *a)
{
	GEOSGeometry *polygons[3];
	for (uint32_t i = 0, start = 0; i < a->ring_count; start = a->ring_ends[i++])
		polygons[i] = GEOSGeom_createPolygon_r(geos, ring_of(geos, a->points + start, a->ring_ends[i] - start),
						       NULL, 0);
	struct oracle o = {.geos = geos};
	o.polygon = GEOSGeom_createCollection_r(geos, GEOS_MULTIPOLYGON, polygons, a->ring_count);
	o.prepared = GEOSPrepare_r(geos, o.polygon);
	cr_assert(o.prepared);
	return o;
}

static void oracle_free(struct oracle *o)
{
	GEOSPreparedGeom_destroy_r(o->geos, o->prepared);
	GEOSGeom_destroy_r(o->geos, o->polygon);
}

static bool oracle_contains(const struct oracle *o, double lat, double lon)
{
	GEOSGeometry *point = GEOSGeom_createPointFromXY_r(o->geos, lon, lat);
	char answer = GEOSPreparedIntersects_r(o->geos, o->prepared, point);
	GEOSGeom_destroy_r(o->geos, point);
	cr_assert(answer != 2);
	return answer;
}

static bool oracle_meets(const struct oracle *o, struct geo_point p, struct geo_point q)
{
	GEOSCoordSequence *s = GEOSCoordSeq_create_r(o->geos, 2, 2);
	GEOSCoordSeq_setXY_r(o->geos, s, 0, p.lon_e7, p.lat_e7);
	GEOSCoordSeq_setXY_r(o->geos, s, 1, q.lon_e7, q.lat_e7);
	GEOSGeometry *line = GEOSGeom_createLineString_r(o->geos, s);
	char answer = GEOSPreparedIntersects_r(o->geos, o->prepared, line);
	GEOSGeom_destroy_r(o->geos, line);
	cr_assert(answer != 2);
	return answer;
}

static bool on_antimeridian(struct geo_point p)
{
	return llabs(p.lon_e7) == 1800000000;
}

static void compare(struct oracle *o, const struct fence_area *a, struct geo_point p, struct geo_point q)
{
	bool wanted = oracle_contains(o, p.lat_e7, p.lon_e7) ||
		      (on_antimeridian(p) && oracle_contains(o, p.lat_e7, -p.lon_e7));
	cr_assert_eq(fence_area_contains(a, p), wanted, "%d %d", p.lat_e7, p.lon_e7);
	/* what GEOS knows nothing of: the other name of the antimeridian, the short way round */
	if (on_antimeridian(p) || on_antimeridian(q) || llabs((int64_t)p.lon_e7 - q.lon_e7) > 1800000000)
		return;
	cr_assert_eq(fence_area_meets(a, p, q), oracle_meets(o, p, q), "%d %d - %d %d", p.lat_e7, p.lon_e7, q.lat_e7,
		     q.lon_e7);
}

static void run(const char *test, size_t world, int areas, int points)
{
	uint64_t state = seed_of(test) + world;
	GEOSContextHandle_t geos = GEOS_init_r();
	for (int i = 0; i < areas; i++) {
		struct fence_area *a = random_area(&state, &worlds[world]);
		struct oracle o = oracle_new(geos, a);
		for (int k = 0; k < points; k++)
			compare(&o, a, random_point(&state, &worlds[world], a),
				random_point(&state, &worlds[world], a));
		oracle_free(&o);
		fence_area_unref(a);
	}
	GEOS_finish_r(geos);
}

Test(fence_geos, among_a_few_units_every_answer_is_that_of_geos)
{
	run("few_units", 0, 4000, 100);
}

Test(fence_geos, within_two_metres_every_answer_is_that_of_geos)
{
	run("two_metres", 1, 2000, 100);
}

Test(fence_geos, around_null_island_every_answer_is_that_of_geos)
{
	run("null_island", 2, 2000, 100);
}

Test(fence_geos, in_quanzhou_bay_every_answer_is_that_of_geos)
{
	run("quanzhou_bay", 3, 2000, 100);
}

Test(fence_geos, along_the_antimeridian_every_answer_is_that_of_geos)
{
	run("antimeridian", 4, 2000, 100);
}

Test(fence_geos, at_a_pole_every_answer_is_that_of_geos)
{
	run("pole", 5, 2000, 100);
}

Test(fence_geos, on_the_whole_globe_every_answer_is_that_of_geos)
{
	run("globe", 6, 2000, 100);
}

/* Every ring of four points of a 3 x 3 grid, every position of it and around: nothing is left to chance. */
Test(fence_geos, every_ring_of_four_points_of_a_small_grid_is_that_of_geos)
{
	GEOSContextHandle_t geos = GEOS_init_r();
	for (int ring = 0; ring < 9 * 9 * 9 * 9; ring++) {
		struct geo_point points[4];
		uint32_t end = 4;
		struct fence_area *a;
		for (int i = 0, rest = ring; i < 4; i++, rest /= 9)
			points[i] = (struct geo_point){rest % 9 / 3 * 2, rest % 3 * 2};
		if (fence_area_new(points, &end, 1, &a) != STATUS_OK)
			continue;
		struct oracle o = oracle_new(geos, a);
		for (int32_t at = 0; at < 49; at++)
			compare(&o, a, (struct geo_point){at / 7 - 1, at % 7 - 1},
				(struct geo_point){at * 5 % 49 / 7 - 1, at * 5 % 7 - 1});
		oracle_free(&o);
		fence_area_unref(a);
	}
	GEOS_finish_r(geos);
}
