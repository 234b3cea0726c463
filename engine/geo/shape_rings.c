/* shape_rings.c -- rings ordered by the area they enclose: only a larger one can be around a smaller one. */
#include "engine/geo/shape_rings.h"

#include <stdlib.h>

__extension__ typedef __int128 wide;

struct ring {
	uint32_t number, begin, end; /* points [begin, end) */
	wide area2;                  /* twice the area, without its sign */
	struct box box;
};

/* Twice the signed area: positive counterclockwise. */
static wide signed_area2(const struct geo_point *p, uint32_t count)
{
	wide sum = 0;
	for (uint32_t i = 0, before = count - 1; i < count; before = i++)
		sum += (wide)p[before].lon_e7 * p[i].lat_e7 - (wide)p[i].lon_e7 * p[before].lat_e7;
	return sum;
}

static struct box box_of(const struct geo_point *p, uint32_t count)
{
	struct box b = {p->lat_e7, p->lon_e7, p->lat_e7, p->lon_e7};
	for (uint32_t i = 1; i < count; i++) {
		b.lat_min_e7 = p[i].lat_e7 < b.lat_min_e7 ? p[i].lat_e7 : b.lat_min_e7;
		b.lat_max_e7 = p[i].lat_e7 > b.lat_max_e7 ? p[i].lat_e7 : b.lat_max_e7;
		b.lon_min_e7 = p[i].lon_e7 < b.lon_min_e7 ? p[i].lon_e7 : b.lon_min_e7;
		b.lon_max_e7 = p[i].lon_e7 > b.lon_max_e7 ? p[i].lon_e7 : b.lon_max_e7;
	}
	return b;
}

static bool box_within(const struct box *in, const struct box *out)
{
	return in->lat_min_e7 >= out->lat_min_e7 && in->lat_max_e7 <= out->lat_max_e7 &&
	       in->lon_min_e7 >= out->lon_min_e7 && in->lon_max_e7 <= out->lon_max_e7;
}

/* -1 outside, 0 on the border, 1 inside; the position in half units of 1e-7 degrees, so that middles of edges are
 * positions too. */
static int locate(const struct geo_point *p, uint32_t count, int64_t lat, int64_t lon)
{
	bool inside = false;
	for (uint32_t i = 0, before = count - 1; i < count; before = i++) {
		int64_t lat_a = 2 * (int64_t)p[before].lat_e7 - lat, lon_a = 2 * (int64_t)p[before].lon_e7 - lon;
		int64_t lat_b = 2 * (int64_t)p[i].lat_e7 - lat, lon_b = 2 * (int64_t)p[i].lon_e7 - lon;
		if ((lat_a > 0) == (lat_b > 0) && lat_a != 0 && lat_b != 0)
			continue;
		wide side = (wide)lon_a * lat_b - (wide)lon_b * lat_a;
		bool spans_lon = (lon_a <= 0 && lon_b >= 0) || (lon_a >= 0 && lon_b <= 0);
		if (side == 0 && spans_lon)
			return 0;
		if ((lat_a > 0) != (lat_b > 0) && (side > 0) == (lat_b > lat_a))
			inside = !inside;
	}
	return inside ? 1 : -1;
}

static bool ring_within(const struct geo_point *points, const struct ring *in, const struct ring *out)
{
	const struct geo_point *around = points + out->begin;
	uint32_t count = out->end - out->begin;
	if (!box_within(&in->box, &out->box))
		return false;
	for (uint32_t i = in->begin; i < in->end; i++) {
		int side = locate(around, count, 2 * (int64_t)points[i].lat_e7, 2 * (int64_t)points[i].lon_e7);
		if (side)
			return side > 0;
	}
	for (uint32_t i = in->begin, before = in->end - 1; i < in->end; before = i++) {
		int side = locate(around, count, (int64_t)points[i].lat_e7 + points[before].lat_e7,
				  (int64_t)points[i].lon_e7 + points[before].lon_e7);
		if (side)
			return side > 0;
	}
	return in->area2 < out->area2;
}

/* Largest first; of equals the one drawn first. */
static int by_area(const void *pa, const void *pb)
{
	const struct ring *a = pa, *b = pb;
	if (a->area2 != b->area2)
		return a->area2 > b->area2 ? -1 : 1;
	return a->number < b->number ? -1 : 1;
}

enum status shape_rings_nest(const struct fence_area *area, struct ring_place *out)
{
	struct ring *rings = malloc(area->ring_count * sizeof *rings);
	if (!rings)
		return STATUS_NO_MEMORY;
	for (uint32_t i = 0; i < area->ring_count; i++) {
		uint32_t begin = ring_begin(area, i), end = area->ring_ends[i];
		wide area2 = signed_area2(area->points + begin, end - begin);
		out[i] = (struct ring_place){RING_NONE, 0, RING_NONE, RING_NONE, area2 < 0};
		rings[i] = (struct ring){i, begin, end, area2 < 0 ? -area2 : area2,
					 box_of(area->points + begin, end - begin)};
	}
	qsort(rings, area->ring_count, sizeof *rings, by_area);
	for (uint32_t i = 1; i < area->ring_count; i++)
		for (uint32_t k = 0; k < i; k++)
			if (ring_within(area->points, &rings[i], &rings[k])) {
				out[rings[i].number].parent = rings[k].number;
				out[rings[i].number].depth++;
			}
	free(rings);
	for (uint32_t i = area->ring_count; i-- > 0;)
		if (out[i].parent != RING_NONE) {
			out[i].next = out[out[i].parent].first_inside;
			out[out[i].parent].first_inside = i;
		}
	return STATUS_OK;
}
