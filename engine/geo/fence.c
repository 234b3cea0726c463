/* fence.c -- making an area, and the plain way to ask it.
 *
 *   ┌──────────────┬───────────────┬──────────────┐
 *   │ struct owned │ points ...    │ ring_ends ...│     one allocation
 *   └──────────────┴───────────────┴──────────────┘
 */
#include "engine/geo/fence.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "engine/core/limits.h"
#include "engine/geo/fence_edge.h"

struct owned {
	struct fence_area area; /* first: what callers hold */
	atomic_uint refs;
	struct geo_point points[];
};

static bool equal(struct geo_point p, struct geo_point q)
{
	return p.lat_e7 == q.lat_e7 && p.lon_e7 == q.lon_e7;
}

static bool three_distinct(const struct geo_point *points, uint32_t count)
{
	uint32_t second = 1, third;
	while (second < count && equal(points[second], points[0]))
		second++;
	for (third = second + 1; third < count; third++)
		if (!equal(points[third], points[0]) && !equal(points[third], points[second]))
			return true;
	return false;
}

/* Returns how many points of the ring remain; 0 when it is none. */
static uint32_t ring_copy(const struct geo_point *from, uint32_t count, struct geo_point *to)
{
	uint32_t kept = 0;
	for (uint32_t i = 0; i < count; i++) {
		if (!fence_on_globe(from[i]))
			return 0;
		if (!kept || !equal(from[i], to[kept - 1]))
			to[kept++] = from[i];
	}
	while (kept > 1 && equal(to[kept - 1], to[0]))
		kept--;
	return three_distinct(to, kept) ? kept : 0;
}

static struct box box_of(const struct geo_point *points, uint32_t count)
{
	struct box b = {points[0].lat_e7, points[0].lon_e7, points[0].lat_e7, points[0].lon_e7};
	for (uint32_t i = 1; i < count; i++) {
		b.lat_min_e7 = points[i].lat_e7 < b.lat_min_e7 ? points[i].lat_e7 : b.lat_min_e7;
		b.lat_max_e7 = points[i].lat_e7 > b.lat_max_e7 ? points[i].lat_e7 : b.lat_max_e7;
		b.lon_min_e7 = points[i].lon_e7 < b.lon_min_e7 ? points[i].lon_e7 : b.lon_min_e7;
		b.lon_max_e7 = points[i].lon_e7 > b.lon_max_e7 ? points[i].lon_e7 : b.lon_max_e7;
	}
	return b;
}

enum status fence_area_new(const struct geo_point *points, const uint32_t *ring_ends, uint32_t ring_count,
			   struct fence_area **out)
{
	if (!ring_count || ring_count > FENCE_POINTS_MAX / 3 || ring_ends[ring_count - 1] > FENCE_POINTS_MAX)
		return STATUS_INVALID;
	for (uint32_t i = 1; i < ring_count; i++)
		if (ring_ends[i] < ring_ends[i - 1])
			return STATUS_INVALID;
	uint32_t given = ring_ends[ring_count - 1], kept = 0;
	struct owned *o = malloc(sizeof *o + given * sizeof *points + ring_count * sizeof *ring_ends);
	if (!o)
		return STATUS_NO_MEMORY;
	uint32_t *ends = (uint32_t *)(o->points + given);
	for (uint32_t i = 0, start = 0; i < ring_count; start = ring_ends[i++]) {
		uint32_t count = ring_copy(points + start, ring_ends[i] - start, o->points + kept);
		if (!count) {
			free(o);
			return STATUS_INVALID;
		}
		ends[i] = kept += count;
	}
	atomic_init(&o->refs, 1);
	o->area = (struct fence_area){o->points, ends, kept, ring_count, box_of(o->points, kept)};
	*out = &o->area;
	return STATUS_OK;
}

struct fence_area *fence_area_ref(struct fence_area *a)
{
	atomic_fetch_add_explicit(&((struct owned *)a)->refs, 1, memory_order_relaxed);
	return a;
}

void fence_area_unref(struct fence_area *a)
{
	if (a && atomic_fetch_sub_explicit(&((struct owned *)a)->refs, 1, memory_order_acq_rel) == 1)
		free(a);
}

/* --- questions --- */

/* By the name p has: +180 and -180 are two here. */
static bool contains_named(const struct fence_area *a, struct geo_point p)
{
	bool inside = false;
	if (p.lat_e7 < a->box.lat_min_e7 || p.lat_e7 > a->box.lat_max_e7 || p.lon_e7 < a->box.lon_min_e7 ||
	    p.lon_e7 > a->box.lon_max_e7)
		return false;
	for (uint32_t ring = 0, i = 0; ring < a->ring_count; ring++) {
		struct geo_point before = a->points[a->ring_ends[ring] - 1];
		for (; i < a->ring_ends[ring]; before = a->points[i++]) {
			struct fence_edge e = fence_edge_of(before, a->points[i]);
			if (p.lat_e7 < e.lat_a_e7 || p.lat_e7 > e.lat_b_e7)
				continue;
			int side = fence_edge_side(e, p);
			if (side == 0 && fence_edge_spans(e, p))
				return true;
			inside ^= side < 0 && p.lat_e7 < e.lat_b_e7;
		}
	}
	return inside;
}

bool fence_area_contains(const struct fence_area *a, struct geo_point p)
{
	if (contains_named(a, p))
		return true;
	struct geo_point other = {p.lat_e7, -p.lon_e7};
	return (p.lon_e7 == BOX_ANTIMERIDIAN_E7 || p.lon_e7 == -BOX_ANTIMERIDIAN_E7) && contains_named(a, other);
}

static bool line_meets_border(const struct fence_area *a, const struct fence_line *line)
{
	struct fence_rect r = fence_line_rect(line);
	struct fence_rect box = {a->box.lat_min_e7, a->box.lon_min_e7, a->box.lat_max_e7, a->box.lon_max_e7};
	if (!fence_rects_meet(&r, &box))
		return false;
	for (uint32_t ring = 0, i = 0; ring < a->ring_count; ring++) {
		struct geo_point before = a->points[a->ring_ends[ring] - 1];
		for (; i < a->ring_ends[ring]; before = a->points[i++]) {
			struct fence_line edge = fence_line_of(fence_edge_of(before, a->points[i]));
			if (fence_lines_meet(&edge, line))
				return true;
		}
	}
	return false;
}

bool fence_area_meets(const struct fence_area *a, struct geo_point p, struct geo_point q)
{
	struct fence_line lines[2];
	int count = fence_segment_lines(p, q, lines);
	if (fence_area_contains(a, p) || fence_area_contains(a, q))
		return true;
	for (int i = 0; i < count; i++)
		if (line_meets_border(a, &lines[i]))
			return true;
	return false;
}
