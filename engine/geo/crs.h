/* crs.h -- from other coordinate systems to WGS-84 and back. The only user of PROJ's transformations.
 *
 *   "EPSG:4549"            2755511.58 N  378756.27 E  ──┐
 *   "EPSG:4490", "CRS84"       24.9 N       118.8 E   ──┼─> WGS-84, 1e-7 degrees
 *   "GCJ-02", "BD-09"          (gcj02.h)              ──┘
 *
 * Axis order is settled here: callers say easting and northing, or longitude and latitude, whatever the order the
 * definition has. CGCS2000 (EPSG:4490 and its projections) is taken as equal to WGS-84 at the accuracy of these
 * receivers; any other datum needs a transformation that PROJ knows, a guess is refused. Positions further than
 * CRS_MARGIN_DEG outside the area for which the system is defined are refused: they are of another belt, or their axes
 * are swapped. Doubles: for taking in and giving out drawings. Threads: a crs has one owner. */
#ifndef ZAYTON_GEO_CRS_H
#define ZAYTON_GEO_CRS_H

#include "engine/geo/fence.h"

/* bytes of a name: a PROJ string or a URN */
#define CRS_NAME_MAX 255
/* a belt of three degrees is used half a belt and more past its edge by a town that lies across it */
#define CRS_MARGIN_DEG 3

struct crs;
/* Anything PROJ knows as a geographic or projected system ("EPSG:4549", "urn:ogc:def:crs:EPSG::4549", "+proj=tmerc ...
 * +type=crs"), or "GCJ-02" and "BD-09"; case is of no matter. STATUS_NOT_FOUND: not known, or no such kind of system;
 * STATUS_UNSUPPORTED: its datum has no known transformation to WGS-84, or the text names files; STATUS_TOO_LONG,
 * STATUS_NO_MEMORY. */
STATUS_CHECKED enum status crs_open(const char *name, struct crs **out);
/* NULL is allowed. */
void crs_close(struct crs *c);
/* Whether positions are WGS-84 as they stand, in degrees: 4326, 4490, CRS84. */
bool crs_is_wgs84(const struct crs *c);
/* `east`: easting in metres or longitude in degrees; `north`: northing or latitude. STATUS_OUT_OF_RANGE: no position
 * of this system. */
STATUS_CHECKED enum status crs_to_wgs84(struct crs *c, double east, double north, struct geo_point *out);
STATUS_CHECKED enum status crs_from_wgs84(struct crs *c, struct geo_point p, double *out_east, double *out_north);

#endif
