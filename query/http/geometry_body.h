/* geometry_body.h -- the GeoJSON geometry (RFC 7946) of a question with its distances, and what is wrong with it,
 * where.
 *
 *   Polygon, MultiPolygon                     and maybe within_m            ──> area, grown by the distance
 *   LineString, MultiLineString  within_m, half_width_m or both (a corridor) ──> area: all that is so near
 *   Point                                     within_m                      ──> centre, within_mm
 *
 * Longitude first, degrees of WGS-84; further numbers of a position (a height) are passed over. Degrees are rounded to
 * 1e-7. Polygons must be valid; nothing is repaired. A point's distance is the geodesic's to the millimetre
 * (distance_mm()); the border of an area that comes from a distance is nowhere further than SHAPE_TOLERANCE_MM
 * (shape.h) from where it should be, and every report is held exactly against that border. Threads: any. */
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

/* The members "geometry", "within_m" and "half_width_m" of a question. Distances: of a point 0 to 1,000,000 m, of
 * others 0.1 to 1,000,000 m, both together no more; 0 is none. STATUS_MALFORMED: `wrong` says what and where;
 * STATUS_NO_MEMORY. */
STATUS_CHECKED enum status geometry_read(const json_t *question, struct geometry *out, char wrong[GEOMETRY_WRONG_MAX]);
void geometry_deinit(struct geometry *g);

#endif
