/* region.c -- areas by the index of fences, discs by the geodesic, and both by boxes that are never too small.
 *
 *          ┌───────────────┐      a disc lies in its box: along any way the latitude changes by no more than length
 *          │    ..---..    │      by the least radius of the meridian, the longitude by no more than length by the
 *          │  .'   ◇   '.  │      least radius of a parallel it can reach.
 *          │ '   ◇ · ◇   ' │      a box in the diamond lies in the disc: going along the meridian and then along the
 *          │  '.   ◇   .'  │      parallel is a way, and no unit of 1e-7 degrees is longer than at the pole.
 *          └───────────────┘
 *
 * Radii of curvature of WGS-84 (NIMA TR8350.2, third edition, 1997: a = 6378137 m, 1/f = 298.257223563): a meridian has
 * 6335439 m at the equator and 6399594 m at the poles, so that 1e-7 degrees of it are 11.057 to 11.170 mm; a parallel
 * has at least a cos(latitude) and at most 6399594 m. Rounded outwards to whole millimetres. */
#include "engine/geo/region.h"

#include <math.h>
#include <stdlib.h>

#include "engine/geo/distance.h"
#include "engine/geo/fence_edge.h"

#define UNIT_MM_MIN 11
#define UNIT_MM_MAX 12
/* Past this many points, asking every position of a block costs less than walking the edges for its box. */
#define BOX_POINTS_MAX 4096
/* Nearer to a pole than this, 1e-7 degrees, a disc reaches all longitudes. */
#define LAT_ROUND_E7 890000000

struct region {
	struct fence_area *area;   /* NULL: a disc */
	struct fence_index *index; /* of the area alone, slot 0 */
	struct geo_point centre;
	int64_t radius_mm;
	struct box box;
};

enum status region_of_area(struct fence_area *area, struct region **out)
{
	struct fence_change change = {0, area};
	struct fence_index *empty;
	struct region *r = calloc(1, sizeof *r);
	enum status status = r ? fence_index_new(&empty) : STATUS_NO_MEMORY;
	if (!status) {
		status = fence_index_change(empty, &change, 1, &r->index);
		fence_index_unref(empty);
	}
	if (status) {
		free(r);
		return status;
	}
	r->area = fence_area_ref(area);
	r->box = area->box;
	*out = r;
	return STATUS_OK;
}

static int32_t wrapped(int64_t lon_e7)
{
	const int64_t turn = 2 * (int64_t)BOX_ANTIMERIDIAN_E7;
	return (int32_t)(lon_e7 > turn / 2 ? lon_e7 - turn : lon_e7 < -turn / 2 ? lon_e7 + turn : lon_e7);
}

/* The cosine is rounded by far less than the margin of UNIT_MM_MIN, so that the box is the same or larger than need
 * be on any machine. */
static struct box disc_box(struct geo_point centre, int64_t radius_mm)
{
	struct box b = {-900000000, -BOX_ANTIMERIDIAN_E7, 900000000, BOX_ANTIMERIDIAN_E7};
	int64_t reach = radius_mm / UNIT_MM_MIN + 1;
	int64_t south = centre.lat_e7 - reach, north = centre.lat_e7 + reach;
	int64_t far = -south > north ? -south : north;
	b.lat_min_e7 = (int32_t)(south > b.lat_min_e7 ? south : b.lat_min_e7);
	b.lat_max_e7 = (int32_t)(north < b.lat_max_e7 ? north : b.lat_max_e7);
	if (far > LAT_ROUND_E7)
		return b;
	int64_t aside = (int64_t)((double)reach / cos((double)far * 1e-7 * (M_PI / 180))) + 1;
	if (aside >= BOX_ANTIMERIDIAN_E7)
		return b;
	b.lon_min_e7 = wrapped(centre.lon_e7 - aside);
	b.lon_max_e7 = wrapped(centre.lon_e7 + aside);
	return b;
}

enum status region_of_disc(struct geo_point centre, int64_t radius_mm, struct region **out)
{
	if (!fence_on_globe(centre) || radius_mm < 0 || radius_mm > REGION_RADIUS_MAX_MM)
		return STATUS_OUT_OF_RANGE;
	struct region *r = calloc(1, sizeof *r);
	if (!r)
		return STATUS_NO_MEMORY;
	r->centre = centre;
	r->radius_mm = radius_mm;
	r->box = disc_box(centre, radius_mm);
	*out = r;
	return STATUS_OK;
}

void region_free(struct region *r)
{
	if (!r)
		return;
	fence_index_unref(r->index);
	fence_area_unref(r->area);
	free(r);
}

static int64_t furthest(int64_t at, int64_t min, int64_t max)
{
	return at - min > max - at ? at - min : max - at;
}

/* Whether the box lies in the diamond drawn above. */
static bool in_diamond(const struct region *r, const struct box *b)
{
	int64_t up = furthest(r->centre.lat_e7, b->lat_min_e7, b->lat_max_e7);
	int64_t aside = furthest(r->centre.lon_e7, b->lon_min_e7, b->lon_max_e7);
	return (up + aside) * UNIT_MM_MAX <= r->radius_mm;
}

/* Where no edge meets the box, what holds for a corner holds for all of it. */
static enum region_where area_where(const struct fence_area *a, const struct box *b)
{
	struct fence_rect rect = {b->lat_min_e7, b->lon_min_e7, b->lat_max_e7, b->lon_max_e7};
	/* on the antimeridian a position has two names */
	if (a->point_count > BOX_POINTS_MAX || b->lon_min_e7 == -BOX_ANTIMERIDIAN_E7 ||
	    b->lon_max_e7 == BOX_ANTIMERIDIAN_E7)
		return REGION_MIXED;
	for (uint32_t ring = 0, i = 0; ring < a->ring_count; ring++) {
		struct geo_point before = a->points[a->ring_ends[ring] - 1];
		for (; i < a->ring_ends[ring]; i++) {
			struct fence_line line = fence_line_of(fence_edge_of(before, a->points[i]));
			if (fence_line_where(&line, &rect) == FENCE_MEETS)
				return REGION_MIXED;
			before = a->points[i];
		}
	}
	struct geo_point corner = {b->lat_min_e7, b->lon_min_e7};
	return fence_area_contains(a, corner) ? REGION_INSIDE : REGION_OUTSIDE;
}

enum region_where region_where(const struct region *r, const struct box *box)
{
	if (!box_intersects(&r->box, box))
		return REGION_OUTSIDE;
	if (r->area)
		return area_where(r->area, box);
	return in_diamond(r, box) ? REGION_INSIDE : REGION_MIXED;
}

bool region_holds(const struct region *r, struct fence_cursor *cursor, struct geo_point p)
{
	uint32_t slot;
	if (!box_contains(&r->box, p.lat_e7, p.lon_e7))
		return false;
	if (r->area)
		return fence_index_find(r->index, cursor, p, &slot, 1) != 0;
	struct box own = {p.lat_e7, p.lon_e7, p.lat_e7, p.lon_e7};
	return in_diamond(r, &own) ||
	       distance_mm(p.lat_e7, p.lon_e7, r->centre.lat_e7, r->centre.lon_e7) <= r->radius_mm;
}
