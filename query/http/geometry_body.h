/* geometry_body.h -- the GeoJSON geometry (RFC 7946) of a question, and what is wrong with it, where.
 *
 *   {"type":"Polygon","coordinates":[[[118.6,24.9],...],...]}      or MultiPolygon     ──> area
 *   {"type":"Point","coordinates":[118.6,24.9]}  and a distance                        ──> centre, within_mm
 *
 * Longitude first, degrees of WGS-84; further numbers of a position (a height) are passed over. Degrees are rounded to
 * 1e-7. Polygons must be valid; nothing is repaired. Threads: any. */
#ifndef ZAYTON_QUERY_HTTP_GEOMETRY_BODY_H
#define ZAYTON_QUERY_HTTP_GEOMETRY_BODY_H

#include <jansson.h>

#include "engine/geo/fence.h"

struct geometry {
	struct fence_area *area; /* NULL: a point */
	struct geo_point centre;
	int64_t within_mm;
};

/* bytes of what is wrong: "geometry.coordinates[0][17]: ..." */
#define GEOMETRY_WRONG_MAX 160

/* `within_m`: a number for a Point, NULL for polygons. STATUS_MALFORMED: `wrong` says what and where;
 * STATUS_NO_MEMORY. */
STATUS_CHECKED enum status geometry_read(const json_t *geometry, const json_t *within_m, struct geometry *out,
					 char wrong[GEOMETRY_WRONG_MAX]);
void geometry_deinit(struct geometry *g);

#endif
