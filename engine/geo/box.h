/* box.h -- a rectangle of latitudes and longitudes in 1e-7 degrees.
 *
 *        lat_max ┌─────────┐        lon_min > lon_max: the box crosses the antimeridian,
 *                │         │        from lon_min east to +-180 and on to lon_max.
 *        lat_min └─────────┘        lat_min > lat_max: the box is empty.
 *            lon_min    lon_max
 *
 * Borders belong to the box. -180 and +180 are one meridian: a border on either holds both. Pure. */
#ifndef ZAYTON_GEO_BOX_H
#define ZAYTON_GEO_BOX_H

#include <stdbool.h>
#include <stdint.h>

#define BOX_ANTIMERIDIAN_E7 1800000000

struct box {
	int32_t lat_min_e7, lon_min_e7;
	int32_t lat_max_e7, lon_max_e7;
};

static inline bool box_is_empty(const struct box *b)
{
	return b->lat_min_e7 > b->lat_max_e7;
}

static inline bool box_contains_lon(const struct box *b, int32_t lon_e7)
{
	if (b->lon_min_e7 <= b->lon_max_e7)
		return lon_e7 >= b->lon_min_e7 && lon_e7 <= b->lon_max_e7;
	return lon_e7 >= b->lon_min_e7 || lon_e7 <= b->lon_max_e7;
}

static inline bool box_contains(const struct box *b, int32_t lat_e7, int32_t lon_e7)
{
	if (lat_e7 < b->lat_min_e7 || lat_e7 > b->lat_max_e7)
		return false;
	if (box_contains_lon(b, lon_e7))
		return true;
	return (lon_e7 == BOX_ANTIMERIDIAN_E7 || lon_e7 == -BOX_ANTIMERIDIAN_E7) && box_contains_lon(b, -lon_e7);
}

/* Whether two boxes share a point: for skipping a block by its bounding box. */
static inline bool box_intersects(const struct box *a, const struct box *b)
{
	if (box_is_empty(a) || box_is_empty(b) || a->lat_min_e7 > b->lat_max_e7 || b->lat_min_e7 > a->lat_max_e7)
		return false;
	/* two arcs meet exactly when one holds the western end of the other */
	return box_contains(a, a->lat_min_e7, b->lon_min_e7) || box_contains(b, b->lat_min_e7, a->lon_min_e7) ||
	       box_contains(a, a->lat_min_e7, b->lon_max_e7) || box_contains(b, b->lat_min_e7, a->lon_max_e7);
}

#endif
