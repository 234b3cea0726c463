#include "engine/geo/fence.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "engine/core/limits.h"

/* one allocation: the area, its count of references, the points, the ends of the rings */
struct counted {
	struct fence_area area;
	atomic_uint references;
	struct geo_point points[];
};

static bool same(struct geo_point a, struct geo_point b)
{
	return a.lat_e7 == b.lat_e7 && a.lon_e7 == b.lon_e7;
}

static bool on_globe(struct geo_point p)
{
	return p.lat_e7 >= -900000000 && p.lat_e7 <= 900000000 && p.lon_e7 >= -1800000000 && p.lon_e7 <= 1800000000;
}

/* Points kept of a ring; 0 for no ring. */
static uint32_t copy_ring(const struct geo_point *from, uint32_t count, struct geo_point *to)
{
	uint32_t n = 0, i;
	for (i = 0; i < count; i++) {
		if (!on_globe(from[i]))
			return 0;
		if (n == 0 || !same(from[i], to[n - 1]))
			to[n++] = from[i];
	}
	while (n > 1 && same(to[n - 1], to[0]))
		n--;
	return n < 3 ? 0 : n;
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

enum status fence_area_new(const struct geo_point *points, const uint32_t *ring_ends, uint32_t ring_count,
			   struct fence_area **out)
{
	uint32_t all = ring_count ? ring_ends[ring_count - 1] : 0, used = 0;
	if (all == 0 || all > FENCE_POINTS_MAX)
		return STATUS_INVALID;
	struct counted *c = malloc(sizeof *c + all * sizeof *c->points + ring_count * sizeof(uint32_t));
	if (!c)
		return STATUS_NO_MEMORY;
	uint32_t *ends = (uint32_t *)(c->points + all);
	for (uint32_t i = 0, begin = 0; i < ring_count; begin = ring_ends[i++]) {
		uint32_t n = copy_ring(points + begin, ring_ends[i] - begin, c->points + used);
		if (n == 0) {
			free(c);
			return STATUS_INVALID;
		}
		used += n;
		ends[i] = used;
	}
	c->area = (struct fence_area){c->points, ends, used, ring_count, box_of(c->points, used)};
	atomic_init(&c->references, 1);
	*out = &c->area;
	return STATUS_OK;
}

struct fence_area *fence_area_ref(struct fence_area *a)
{
	atomic_fetch_add(&((struct counted *)a)->references, 1);
	return a;
}

void fence_area_unref(struct fence_area *a)
{
	if (a && atomic_fetch_sub(&((struct counted *)a)->references, 1) == 1)
		free(a);
}

bool fence_area_contains(const struct fence_area *a, struct geo_point p)
{
	bool inside = false;
	for (uint32_t r = 0, begin = 0; r < a->ring_count; begin = a->ring_ends[r++])
		for (uint32_t i = begin, before = a->ring_ends[r] - 1; i < a->ring_ends[r]; before = i++) {
			int64_t lat_a = (int64_t)a->points[before].lat_e7 - p.lat_e7;
			int64_t lon_a = (int64_t)a->points[before].lon_e7 - p.lon_e7;
			int64_t lat_b = (int64_t)a->points[i].lat_e7 - p.lat_e7;
			int64_t lon_b = (int64_t)a->points[i].lon_e7 - p.lon_e7;
			__extension__ __int128 side = (__int128)lon_a * lat_b - (__int128)lon_b * lat_a;
			if (side == 0 && (lat_a <= 0 || lat_b <= 0) && (lat_a >= 0 || lat_b >= 0) &&
			    (lon_a <= 0 || lon_b <= 0) && (lon_a >= 0 || lon_b >= 0))
				return true;
			if ((lat_a > 0) != (lat_b > 0) && (side > 0) == (lat_b > lat_a))
				inside = !inside;
		}
	return inside;
}
