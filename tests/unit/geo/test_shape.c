#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>

#include "engine/core/limits.h"
#include "engine/geo/distance.h"
#include "engine/geo/shape.h"
#include "engine/geo/shape_rings.h"

#define E7(degrees) ((int32_t)((degrees)*10000000LL))
#define MAX_POINTS 64

/* "24 118, 24 119, 25 119 | ..." in degrees; '|' begins a hole, '/' another polygon. */
struct sketch {
	struct geo_point points[MAX_POINTS];
	uint32_t ring_ends[8];
	bool is_hole[8];
	struct shape_drawing drawing;
};

static void sketch(struct sketch *s, const char *text)
{
	uint32_t points = 0, rings = 0;
	double lat, lon;
	int used;
	s->is_hole[0] = false;
	while (sscanf(text, " %lf %lf%n", &lat, &lon, &used) == 2) {
		s->points[points++] = (struct geo_point){(int32_t)lround(lat * 1e7), (int32_t)lround(lon * 1e7)};
		text += used;
		text += strspn(text, " ");
		if (*text == ',') {
			text++;
			continue;
		}
		s->ring_ends[rings++] = points;
		s->is_hole[rings] = *text == '|';
		if (*text)
			text++;
	}
	s->drawing = (struct shape_drawing){s->points, s->ring_ends, s->is_hole, rings};
}

static struct fence_area *drawn(const char *text)
{
	struct sketch s;
	struct shape_problem problem;
	struct fence_area *area = NULL;
	sketch(&s, text);
	enum status status = shape_area(&s.drawing, false, &problem, &area);
	cr_assert(status == STATUS_OK, "%s: %s", text,
		  status == STATUS_MALFORMED ? problem.reason : status_text(status));
	return area;
}

/* As it stands, whatever it is. */
static struct fence_area *as_is(const char *text)
{
	struct sketch s;
	struct fence_area *area = NULL;
	sketch(&s, text);
	cr_assert(fence_area_new(s.points, s.ring_ends, s.drawing.ring_count, &area) == STATUS_OK);
	return area;
}

static bool holds(const struct fence_area *a, double lat, double lon)
{
	return fence_area_contains(a, (struct geo_point){(int32_t)lround(lat * 1e7), (int32_t)lround(lon * 1e7)});
}

/* Square degrees, holes taken off. */
static double area_deg2(const struct fence_area *a)
{
	struct ring_place places[64];
	double sum = 0;
	cr_assert(a->ring_count <= 64 && shape_rings_nest(a, places) == STATUS_OK);
	for (uint32_t r = 0; r < a->ring_count; r++) {
		double ring = 0;
		for (uint32_t i = ring_begin(a, r), k = a->ring_ends[r] - 1; i < a->ring_ends[r]; k = i++)
			ring += (a->points[k].lon_e7 * 1e-7) * (a->points[i].lat_e7 * 1e-7) -
				(a->points[i].lon_e7 * 1e-7) * (a->points[k].lat_e7 * 1e-7);
		sum += (places[r].depth % 2 ? -1 : 1) * fabs(ring) / 2;
	}
	return sum;
}

static void expect_valid(const struct fence_area *a)
{
	struct shape_problem problem;
	enum status status = shape_check(a, &problem);
	cr_assert(status == STATUS_OK, "%s at %d %d", status == STATUS_MALFORMED ? problem.reason : status_text(status),
		  problem.where.lat_e7, problem.where.lon_e7);
}

/* --- polygons --- */

Test(shape, a_valid_drawing_keeps_its_points)
{
	struct fence_area *a = drawn("24 118, 24 119, 25 119, 25 118, 24 118 | 24.2 118.2, 24.2 118.4, 24.4 118.3 /"
				     " 26 118, 26 119, 27 119");
	cr_assert(a->ring_count == 3 && a->point_count == 10);
	cr_assert(a->points[4].lat_e7 == 242000000 && a->points[7].lat_e7 == 260000000);
	cr_assert(a->box.lat_min_e7 == 240000000 && a->box.lon_max_e7 == 1190000000);
	expect_valid(a);
	fence_area_unref(a);
}

static void expect_problem(const char *text, const char *reason, double lat, double lon)
{
	struct sketch s;
	struct shape_problem problem = {.reason = "none"};
	struct fence_area *area = NULL;
	sketch(&s, text);
	cr_assert(shape_area(&s.drawing, false, &problem, &area) == STATUS_MALFORMED, "%s", text);
	cr_assert(area == NULL && *problem.reason_zh);
	cr_assert_str_eq(problem.reason, reason);
	cr_assert(abs(problem.where.lat_e7 - (int32_t)lround(lat * 1e7)) <= 1 &&
			  abs(problem.where.lon_e7 - (int32_t)lround(lon * 1e7)) <= 1,
		  "%s: %d %d", text, problem.where.lat_e7, problem.where.lon_e7);
}

Test(shape, what_is_wrong_is_told_with_its_place)
{
	expect_problem("24 118, 25 119, 25 118, 24 119", "self-intersection", 24.5, 118.5);
	expect_problem("24 118, 24 119, 25 119, 25 118 | 26 118, 26 118.1, 26.1 118", "a hole lies outside its polygon",
		       26, 118);
	expect_problem("24 118, 24 119, 25 119, 25 118 / 24.5 118.5, 24.5 120, 24.6 120", "self-intersection", 24.5,
		       119);
	expect_problem("24 118, 24 119, 25 119, 25 118 / 24.4 118.4, 24.4 118.6, 24.6 118.5",
		       "a polygon lies within another", 24.4, 118.4);
	expect_problem("24 118, 24 119, 24 118", "a ring of fewer than three points", 24, 118);
	expect_problem("24 118, 24 119, 25 119, 24.5 118.5, 25 118, 24.5 118.5, 24 118", "a ring touches itself", 24.5,
		       118.5);
}

static struct fence_area *repaired(const char *text, enum status expected)
{
	struct sketch s;
	struct shape_problem problem;
	struct fence_area *area = NULL;
	sketch(&s, text);
	enum status status = shape_area(&s.drawing, true, &problem, &area);
	cr_assert(status == expected, "%s: %s", text, status_text(status));
	return area;
}

Test(shape, repair_keeps_what_was_meant)
{
	struct fence_area *a = repaired("24 118, 25 119, 25 118, 24 119", STATUS_OK);
	expect_valid(a);
	cr_assert(a->ring_count == 2 && fabs(area_deg2(a) - 0.5) < 1e-6, "both wings of a bow tie: %f", area_deg2(a));
	fence_area_unref(a);
	a = repaired("24 118, 24 119, 25 119, 25 118 / 24.5 118.5, 24.5 119.5, 25.5 119.5, 25.5 118.5", STATUS_OK);
	expect_valid(a);
	cr_assert(a->ring_count == 1 && fabs(area_deg2(a) - 1.75) < 1e-6, "polygons that overlap become one");
	fence_area_unref(a);
	a = repaired("24 118, 24 119, 25 119, 25 118 | 24 118, 24 118", STATUS_OK);
	cr_assert(a->ring_count == 1 && a->point_count == 4, "a hole that is none is left out");
	fence_area_unref(a);
	repaired("24 118, 24 119, 24 118", STATUS_EMPTY);
}

Test(shape, an_area_is_judged_and_repaired_by_what_lies_in_what)
{
	struct shape_problem problem;
	struct fence_area *a = as_is("24 118, 24 119, 25 119, 25 118 / 24.5 118.5, 24.5 119.5, 25.5 119.5, 25.5 118.5"),
			  *valid;
	cr_assert(shape_check(a, &problem) == STATUS_MALFORMED);
	cr_assert_str_eq(problem.reason, "self-intersection");
	cr_assert(shape_repair(a, &valid) == STATUS_OK);
	expect_valid(valid);
	cr_assert(!holds(a, 24.7, 118.7) && !holds(valid, 24.7, 118.7),
		  "what an even number of rings enclose stays out");
	cr_assert(holds(valid, 24.2, 118.2) && holds(valid, 25.2, 119.2));
	cr_assert(fabs(area_deg2(valid) - 1.5) < 1e-6);
	fence_area_unref(a);
	fence_area_unref(valid);
}

Test(shape, misuse_and_bounds_have_their_status)
{
	static struct geo_point many[FENCE_POINTS_MAX + 1];
	struct sketch s;
	struct shape_problem problem;
	struct fence_area *area = NULL;
	sketch(&s, "24 118, 24 119, 25 119");
	s.is_hole[0] = true;
	cr_assert(shape_area(&s.drawing, false, &problem, &area) == STATUS_INVALID, "a hole of nothing");
	s.is_hole[0] = false;
	s.drawing.ring_count = 0;
	cr_assert(shape_area(&s.drawing, false, &problem, &area) == STATUS_INVALID);
	s.drawing.ring_count = 1;
	s.points[1].lat_e7 = 900000001;
	cr_assert(shape_area(&s.drawing, false, &problem, &area) == STATUS_OUT_OF_RANGE);
	s.ring_ends[0] = FENCE_POINTS_MAX + 1;
	s.drawing.points = many;
	cr_assert(shape_area(&s.drawing, false, &problem, &area) == STATUS_TOO_LONG);
	cr_assert(shape_corridor(many, FENCE_POINTS_MAX + 1, 1000, &area) == STATUS_TOO_LONG);
	cr_assert(shape_corridor(many, 0, 1000, &area) == STATUS_INVALID);
	cr_assert(shape_circle(many[0], SHAPE_REACH_MIN_MM - 1, &area) == STATUS_OUT_OF_RANGE);
	cr_assert(shape_circle(many[0], SHAPE_REACH_MAX_MM + INT64_C(1), &area) == STATUS_OUT_OF_RANGE);
	cr_assert(shape_circle((struct geo_point){E7(80), 0}, 1000, &area) == STATUS_OUT_OF_RANGE);
	cr_assert(area == NULL);
}

/* --- antimeridian --- */

Test(shape, a_drawing_over_the_antimeridian_is_cut_there)
{
	struct fence_area *a = drawn("-10 179, -10 -179, 10 -179, 10 179 | -1 179.5, -1 -179.5, 1 -179.5, 1 179.5");
	expect_valid(a);
	cr_assert(a->box.lon_min_e7 == -1800000000 && a->box.lon_max_e7 == 1800000000);
	cr_assert(holds(a, 5, 179.9) && holds(a, 5, -179.9) && holds(a, 5, 180) && holds(a, 5, -180));
	cr_assert(!holds(a, 0, 179.9) && !holds(a, 0, -179.9) && !holds(a, 5, 0) && !holds(a, 5, 178.9));
	cr_assert(fabs(area_deg2(a) - 38) < 1e-6, "%f", area_deg2(a));
	fence_area_unref(a);
	a = drawn("-10 179, -10 -179, 10 -179, 10 179 | -1 -179.5, -1 -179.2, 1 -179.5");
	cr_assert(!holds(a, 0, -179.5 + 0.1) && holds(a, 0, 179.5) && a->ring_count == 3);
	fence_area_unref(a);
}

Test(shape, a_ring_around_a_pole_is_refused)
{
	struct sketch s;
	struct shape_problem problem;
	struct fence_area *area = NULL;
	sketch(&s, "80 0, 80 120, 80 -120");
	cr_assert(shape_area(&s.drawing, false, &problem, &area) == STATUS_UNSUPPORTED);
	sketch(&s, "80 0, 80 120, 80 -120, 80 0");
	cr_assert(shape_area(&s.drawing, false, &problem, &area) == STATUS_UNSUPPORTED);
}

Test(shape, corridors_and_buffers_cross_the_antimeridian)
{
	const struct geo_point line[] = {{E7(10), E7(179)}, {E7(10), E7(-179)}};
	struct fence_area *a, *grown, *back;
	cr_assert(shape_corridor(line, 2, 20000000, &a) == STATUS_OK);
	expect_valid(a);
	cr_assert(a->ring_count == 2 && holds(a, 10, 179.99) && holds(a, 10.1, -179.99) && !holds(a, 10, 0));
	cr_assert(shape_buffer(a, 20000000, &grown) == STATUS_OK);
	expect_valid(grown);
	cr_assert(grown->ring_count == 2 && holds(grown, 10.3, 180) && holds(grown, 10.3, -179.5));
	cr_assert(shape_buffer(grown, -20000000, &back) == STATUS_OK);
	cr_assert(back->ring_count == 2 && fabs(area_deg2(back) - area_deg2(a)) < 1e-4, "the cut is no border: %f %f",
		  area_deg2(back), area_deg2(a));
	fence_area_unref(a);
	fence_area_unref(grown);
	fence_area_unref(back);
}

/* --- circles, corridors, buffers; their distances are held in the property tests --- */

Test(shape, a_small_circle_is_still_one)
{
	struct fence_area *a;
	cr_assert(shape_circle((struct geo_point){249000000, 1188000000}, SHAPE_REACH_MIN_MM, &a) == STATUS_OK);
	cr_assert(a->point_count >= 8 && holds(a, 24.9, 118.8));
	expect_valid(a);
	fence_area_unref(a);
}

Test(shape, a_loop_has_a_hole_and_a_line_there_and_back_none)
{
	const struct geo_point loop[] = {
		{240000000, 1180000000}, {240000000, 1181000000}, {241000000, 1181000000}, {240000000, 1180000000}};
	const struct geo_point back[] = {{240000000, 1180000000}, {240000000, 1181000000}, {240000000, 1180000000}};
	struct fence_area *a;
	cr_assert(shape_corridor(loop, 4, 500000, &a) == STATUS_OK);
	cr_assert(a->ring_count == 2 && !holds(a, 24.03, 118.07));
	fence_area_unref(a);
	cr_assert(shape_corridor(back, 3, 500000, &a) == STATUS_OK);
	cr_assert(a->ring_count == 1 && holds(a, 24, 118.1049) && !holds(a, 24, 118.1050));
	fence_area_unref(a);
}

Test(shape, several_lines_give_one_area)
{
	const struct geo_point points[] = {{240000000, 1180000000},
					   {240000000, 1181000000},
					   {239000000, 1180500000},
					   {241000000, 1180500000},
					   {250000000, 1180000000}};
	const uint32_t ends[] = {2, 4, 5};
	struct fence_area *a;
	cr_assert(shape_corridors(points, ends, 3, 500000, &a) == STATUS_OK);
	expect_valid(a);
	cr_assert(a->ring_count == 2 && holds(a, 24, 118.05) && holds(a, 25.004, 118));
	fence_area_unref(a);
}

Test(shape, shrinking_leaves_less_and_at_last_nothing)
{
	struct fence_area *a = drawn("24 118, 24 118.02, 24.02 118.02, 24.02 118"), *less = NULL;
	cr_assert(shape_buffer(a, -500000, &less) == STATUS_OK);
	cr_assert(less->ring_count == 1 && less->point_count == 4, "corners stay corners: %u", less->point_count);
	cr_assert(!holds(less, 24.004, 118.01) && holds(less, 24.005, 118.01));
	fence_area_unref(less);
	less = NULL;
	cr_assert(shape_buffer(a, -1100000, &less) == STATUS_EMPTY && less == NULL);
	cr_assert(shape_buffer(a, 0, &less) == STATUS_OUT_OF_RANGE);
	cr_assert(shape_buffer(a, INT64_MIN + 1, &less) == STATUS_OUT_OF_RANGE);
	fence_area_unref(a);
	a = as_is("24 118, 25 119, 25 118, 24 119");
	cr_assert(shape_buffer(a, 1000, &less) == STATUS_MALFORMED);
	fence_area_unref(a);
}

/* --- nesting --- */

Test(shape_rings, islands_in_lakes_have_their_place)
{
	struct ring_place p[5];
	struct fence_area *a =
		as_is("24.4 118.4, 24.4 118.6, 24.6 118.6 / 24 118, 24 119, 25 119, 25 118 / 26 118, 26 119, "
		      "27 119 / 24.1 118.1, 24.9 118.1, 24.9 118.9, 24.1 118.9");
	cr_assert(shape_rings_nest(a, p) == STATUS_OK);
	cr_assert(p[0].depth == 2 && p[0].parent == 3 && !p[0].clockwise);
	cr_assert(p[1].depth == 0 && p[1].parent == RING_NONE && !p[1].clockwise);
	cr_assert(p[2].depth == 0 && p[2].parent == RING_NONE);
	cr_assert(p[3].depth == 1 && p[3].parent == 1 && p[3].clockwise);
	cr_assert(p[1].first_inside == 3 && p[3].first_inside == 0 && p[3].next == RING_NONE && p[0].next == RING_NONE);
	fence_area_unref(a);
}

Test(shape_rings, rings_that_touch_are_placed_by_the_rest_of_them)
{
	struct ring_place p[2];
	/* every corner of the diamond lies on the square; beside it, a triangle that leans on an edge from outside */
	struct fence_area *a = as_is("24 118, 24 119, 25 119, 25 118 / 24 118.5, 24.5 119, 25 118.5, 24.5 118");
	cr_assert(shape_rings_nest(a, p) == STATUS_OK && p[1].depth == 1 && p[1].parent == 0);
	fence_area_unref(a);
	a = as_is("24 118, 24 119, 25 119, 25 118 / 24.2 119, 24.8 119, 24.5 119.5");
	cr_assert(shape_rings_nest(a, p) == STATUS_OK && p[1].depth == 0);
	fence_area_unref(a);
}
