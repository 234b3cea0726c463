/* Borders of corridors, circles and buffers are measured against distance_mm to the line they were made of. */
#include <criterion/criterion.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "engine/geo/distance.h"
#include "engine/geo/shape.h"
#include "engine/geo/shape_rings.h"

#define LINE_MAX_POINTS 512

/* ZAYTON_SEED repeats a run. */
static uint64_t seed_of_run(void)
{
	const char *given = getenv("ZAYTON_SEED");
	uint64_t seed = given ? strtoull(given, NULL, 10) : (uint64_t)time(NULL) * 2654435761u + 1;
	printf("seed %" PRIu64 "\n", seed);
	return seed ? seed : 1;
}

static uint64_t next(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state * 0x2545f4914f6cdd1du;
}

static double between(uint64_t *state, double low, double high)
{
	return low + (high - low) * (double)(next(state) >> 11) / 9007199254740992.0;
}

struct line {
	struct geo_point points[LINE_MAX_POINTS];
	uint32_t count;
	bool closed;
};

static struct geo_point at_degrees(double lat, double lon)
{
	return (struct geo_point){(int32_t)lround(lat * 1e7), (int32_t)lround(lon * 1e7)};
}

/* A line that wanders about a direction: `length_km` in edges of up to `edge_km`. */
static void wander(uint64_t *state, double lat, double lon, double length_km, double edge_km, struct line *out)
{
	double heading = between(state, 0, 6.283), gone = 0;
	*out = (struct line){.count = 0};
	while (out->count < LINE_MAX_POINTS) {
		out->points[out->count++] = at_degrees(lat, lon);
		if (gone >= length_km)
			break;
		double step = between(state, edge_km / 20, edge_km), way = heading + between(state, -0.6, 0.6);
		gone += step;
		lat += step / 111 * cos(way);
		lon += step / 111 * sin(way) / cos(lat * M_PI / 180);
	}
}

/* --- the distance to a line, by ever denser points along its edges --- */

static struct geo_point on_edge(struct geo_point a, struct geo_point b, double t)
{
	double dlon = (double)b.lon_e7 - a.lon_e7, dlat = (double)b.lat_e7 - a.lat_e7;
	return (struct geo_point){(int32_t)lround(a.lat_e7 + dlat * t), (int32_t)lround(a.lon_e7 + dlon * t)};
}

static int64_t apart_mm(struct geo_point p, struct geo_point q)
{
	return distance_mm(p.lat_e7, p.lon_e7, q.lat_e7, q.lon_e7);
}

static int64_t edge_distance_mm(struct geo_point p, struct geo_point a, struct geo_point b)
{
	double from = 0, to = 1, best_at = 0;
	int64_t best = INT64_MAX;
	for (int level = 0; level < 7; level++) {
		double step = (to - from) / 12;
		for (int i = 0; i <= 12; i++) {
			double t = from + step * i;
			int64_t mm = apart_mm(p, on_edge(a, b, t));
			if (mm < best) {
				best = mm;
				best_at = t;
			}
		}
		from = fmax(0, best_at - step);
		to = fmin(1, best_at + step);
	}
	return best;
}

/* No point of an edge is further from its ends than the edge is long. */
static int64_t line_distance_mm(const struct line *line, struct geo_point p)
{
	int64_t best = INT64_MAX;
	for (uint32_t i = 0; i < line->count; i++)
		best = llabs(apart_mm(p, line->points[i])) < best ? apart_mm(p, line->points[i]) : best;
	for (uint32_t i = 0; i + !line->closed < line->count; i++) {
		struct geo_point a = line->points[i], b = line->points[(i + 1) % line->count];
		int64_t from_a = apart_mm(p, a), from_b = apart_mm(p, b), length = apart_mm(a, b);
		if ((from_a < from_b ? from_a : from_b) - length - length / 8 > best)
			continue;
		int64_t mm = edge_distance_mm(p, a, b);
		best = mm < best ? mm : best;
	}
	return best;
}

/* Every corner of the area's border, and points between: how far from `width_mm`, at the worst. */
static int64_t worst_border_mm(const struct fence_area *a, const struct line *line, int64_t width_mm)
{
	int64_t worst = 0;
	for (uint32_t r = 0; r < a->ring_count; r++)
		for (uint32_t i = ring_begin(a, r), k = a->ring_ends[r] - 1; i < a->ring_ends[r]; k = i++)
			for (int part = 0; part < 4; part++) {
				struct geo_point p = on_edge(a->points[k], a->points[i], part / 4.0);
				int64_t off = llabs(line_distance_mm(line, p) - width_mm);
				worst = off > worst ? off : worst;
			}
	return worst;
}

/* Points all about: in the area when within the width of the line, outside when not; returns how many were in. */
static int expect_sides(uint64_t *state, const struct fence_area *a, const struct line *line, int64_t width_mm, int n)
{
	int inside = 0;
	for (int i = 0; i < n; i++) {
		struct geo_point near = line->points[next(state) % line->count];
		double reach = (double)width_mm / 111e6 * 1e7 * 1.5;
		struct geo_point p = {near.lat_e7 + (int32_t)between(state, -reach, reach),
				      near.lon_e7 + (int32_t)between(state, -reach, reach)};
		int64_t mm = line_distance_mm(line, p);
		if (llabs(mm - width_mm) <= SHAPE_TOLERANCE_MM)
			continue;
		inside += mm < width_mm;
		cr_assert(fence_area_contains(a, p) == (mm < width_mm), "%d %d is %" PRId64 " mm away", p.lat_e7,
			  p.lon_e7, mm);
	}
	return inside;
}

static void expect_corridor(uint64_t *state, const struct line *line, int64_t width_mm)
{
	struct fence_area *a;
	struct shape_problem problem;
	enum status status = shape_corridor(line->points, line->count, width_mm, &a);
	cr_assert(status == STATUS_OK, "%s", status_text(status));
	cr_assert(shape_check(a, &problem) == STATUS_OK);
	int64_t worst = worst_border_mm(a, line, width_mm);
	cr_assert(worst <= SHAPE_TOLERANCE_MM, "%" PRId64 " mm off", worst);
	int inside = expect_sides(state, a, line, width_mm, 300);
	printf("%u points, %" PRId64 " mm: %u corners, worst %" PRId64 " mm, %d of 300 inside\n", line->count, width_mm,
	       a->point_count, worst, inside);
	cr_assert(inside > 20);
	fence_area_unref(a);
}

Test(shape_distance, five_hundred_metres_either_side_of_sixty_kilometres_of_railway)
{
	uint64_t state = seed_of_run();
	struct line line;
	for (int i = 0; i < 3; i++) {
		wander(&state, between(&state, 24.5, 25.5), between(&state, 118, 119), 60, i == 0 ? 8 : 1, &line);
		expect_corridor(&state, &line, 500000);
	}
}

Test(shape_distance, corridors_of_every_width_and_latitude)
{
	uint64_t state = seed_of_run();
	struct line line;
	for (int i = 0; i < 15; i++) {
		double width_m = pow(10, between(&state, 0.5, 5)), lat = between(&state, -70, 70);
		wander(&state, lat, between(&state, -170, 170), between(&state, 0.01, 20) * width_m / 1000,
		       between(&state, 0.1, 3) * width_m / 1000, &line);
		expect_corridor(&state, &line, (int64_t)(width_m * 1000));
	}
}

Test(shape_distance, sharp_turns_and_tiny_edges_do_no_harm)
{
	uint64_t state = seed_of_run();
	struct line line;
	for (int i = 0; i < 15; i++) {
		struct geo_point at = at_degrees(between(&state, -60, 60), between(&state, -170, 170));
		line = (struct line){.count = 0};
		while (line.count < 30) {
			double reach = pow(10, between(&state, 0, 5));
			line.points[line.count++] = at;
			at.lat_e7 += (int32_t)between(&state, -reach, reach);
			at.lon_e7 += (int32_t)between(&state, -reach, reach);
		}
		expect_corridor(&state, &line, (int64_t)pow(10, between(&state, 3, 6)));
	}
}

Test(shape_distance, circles_to_a_thousand_kilometres)
{
	uint64_t state = seed_of_run();
	for (int i = 0; i < 30; i++) {
		struct line centre = {.count = 1};
		int64_t radius_mm = (int64_t)pow(10, between(&state, 3, 9));
		struct fence_area *a;
		centre.points[0] = at_degrees(between(&state, -68, 68), between(&state, -160, 160));
		cr_assert(shape_circle(centre.points[0], radius_mm, &a) == STATUS_OK);
		if (a->ring_count == 1) { /* not cut */
			int64_t worst = worst_border_mm(a, &centre, radius_mm);
			cr_assert(worst <= SHAPE_TOLERANCE_MM, "radius %" PRId64 ": %" PRId64 " mm off", radius_mm,
				  worst);
		}
		fence_area_unref(a);
	}
}

/* --- areas grown and shrunk --- */

static struct fence_area *star(uint64_t *state, double lat, double lon, double radius_km, struct line *border)
{
	uint32_t n = 5 + next(state) % 40, end = n;
	struct fence_area *a;
	for (uint32_t i = 0; i < n; i++) {
		double angle = 2 * M_PI * i / n, r = radius_km / 111 * between(state, 0.3, 1);
		border->points[i] = at_degrees(lat + r * sin(angle), lon + r * cos(angle) / cos(lat * M_PI / 180));
	}
	border->count = n;
	border->closed = true;
	cr_assert(fence_area_new(border->points, &end, 1, &a) == STATUS_OK);
	return a;
}

Test(shape_distance, what_is_grown_or_shrunk_has_its_border_at_that_distance)
{
	uint64_t state = seed_of_run();
	int shrunk = 0;
	for (int i = 0; i < 30; i++) {
		struct line border;
		struct fence_area *a = star(&state, between(&state, -60, 60), 118, pow(10, between(&state, -1, 2)),
					    &border),
				  *other;
		int64_t mm = (int64_t)pow(10, between(&state, 3, 7));
		enum status status = shape_buffer(a, i % 2 ? mm : -mm, &other);
		cr_assert(status == STATUS_OK || (status == STATUS_EMPTY && i % 2 == 0), "%s", status_text(status));
		if (status == STATUS_OK) {
			shrunk += i % 2 == 0;
			int64_t worst = worst_border_mm(other, &border, mm);
			cr_assert(worst <= SHAPE_TOLERANCE_MM, "%" PRId64 " mm: %" PRId64 " mm off", mm, worst);
			for (uint32_t k = 0; k < other->point_count; k++)
				cr_assert(fence_area_contains(a, other->points[k]) == (i % 2 == 0));
			fence_area_unref(other);
		}
		fence_area_unref(a);
	}
	cr_assert(shrunk > 3);
}

/* --- the antimeridian is no place of its own --- */

static struct geo_point moved(struct geo_point p, int32_t by_e7)
{
	int64_t lon = (int64_t)p.lon_e7 + by_e7;
	p.lon_e7 = (int32_t)(lon > 1800000000 ? lon - 3600000000 : lon);
	return p;
}

Test(shape_distance, a_corridor_over_the_antimeridian_is_the_corridor_elsewhere)
{
	uint64_t state = seed_of_run();
	for (int i = 0; i < 8; i++) {
		struct line line, there;
		struct fence_area *a, *b;
		int32_t by = 618000000 + (int32_t)(next(&state) % 4000000);
		int64_t width_mm = (int64_t)pow(10, between(&state, 5, 7.5));
		wander(&state, between(&state, -60, 60), 118, 60, 8, &line);
		there = line;
		for (uint32_t k = 0; k < line.count; k++)
			there.points[k] = moved(line.points[k], by);
		cr_assert(shape_corridor(line.points, line.count, width_mm, &a) == STATUS_OK);
		cr_assert(shape_corridor(there.points, there.count, width_mm, &b) == STATUS_OK);
		for (int k = 0; k < 300; k++) {
			double reach = (double)width_mm / 111e6 * 1e7 * 1.5;
			struct geo_point p = line.points[next(&state) % line.count];
			p.lat_e7 += (int32_t)between(&state, -reach, reach);
			p.lon_e7 += (int32_t)between(&state, -reach, reach);
			if (llabs(line_distance_mm(&line, p) - width_mm) > SHAPE_TOLERANCE_MM)
				cr_assert(fence_area_contains(a, p) == fence_area_contains(b, moved(p, by)));
		}
		fence_area_unref(a);
		fence_area_unref(b);
	}
}

/* --- repairs --- */

static bool is_near_border(const struct fence_area *a, struct geo_point p, double units)
{
	for (uint32_t r = 0; r < a->ring_count; r++)
		for (uint32_t i = ring_begin(a, r), k = a->ring_ends[r] - 1; i < a->ring_ends[r]; k = i++) {
			double ax = a->points[k].lon_e7 - (double)p.lon_e7, ay = a->points[k].lat_e7 - (double)p.lat_e7;
			double dx = a->points[i].lon_e7 - (double)a->points[k].lon_e7;
			double dy = a->points[i].lat_e7 - (double)a->points[k].lat_e7;
			double t = fmax(0, fmin(1, -(ax * dx + ay * dy) / (dx * dx + dy * dy)));
			if (hypot(ax + t * dx, ay + t * dy) <= units)
				return true;
		}
	return false;
}

static void repair_scribbles(uint64_t state)
{
	int same = 0;
	for (int i = 0; i < 200; i++) {
		struct geo_point points[40];
		uint32_t ends[4], rings = 1 + next(&state) % 4, n = 0;
		struct fence_area *a, *valid;
		struct shape_problem problem;
		int32_t spread = i % 2 ? 40 : 1000000;
		for (uint32_t r = 0; r < rings; r++) {
			for (uint32_t k = 3 + next(&state) % 7; k; k--)
				points[n++] = (struct geo_point){(int32_t)(250000000 + next(&state) % spread),
								 (int32_t)(1180000000 + next(&state) % spread)};
			ends[r] = n;
		}
		if (fence_area_new(points, ends, rings, &a))
			continue;
		enum status status = shape_repair(a, &valid);
		cr_assert(status == STATUS_OK || status == STATUS_EMPTY, "%s", status_text(status));
		if (status == STATUS_OK) {
			cr_assert(shape_check(valid, &problem) == STATUS_OK, "%s", problem.reason);
			for (int k = 0; k < 50; k++) {
				struct geo_point p = {(int32_t)(250000000 + next(&state) % spread),
						      (int32_t)(1180000000 + next(&state) % spread)};
				if (is_near_border(a, p, 2))
					continue;
				same++;
				cr_assert(fence_area_contains(a, p) == fence_area_contains(valid, p), "%d %d", p.lat_e7,
					  p.lon_e7);
			}
			fence_area_unref(valid);
		}
		fence_area_unref(a);
	}
	cr_assert(same > 1000);
}

Test(shape_distance, a_scribble_repaired_is_valid_and_holds_the_same_points)
{
	/* four crossing rings of which all at once were once made the wrong way about */
	repair_scribbles(UINT64_C(4766384050196965197));
	repair_scribbles(UINT64_C(4766384052851400958));
	repair_scribbles(seed_of_run());
}
