/* crs.h -- from other coordinate systems to WGS-84. The only user of PROJ's transformations.
 *
 * Axis order is settled here: callers say easting and northing, or longitude and latitude, whatever the order the
 * definition has. CGCS2000 (EPSG:4490 and its projections) is taken as equal to WGS-84 at the accuracy of these
 * receivers. Threads: a crs has one owner. */
#ifndef ZAYTON_GEO_CRS_H
#define ZAYTON_GEO_CRS_H

#include "engine/geo/fence.h"

struct crs;
/* Anything PROJ knows ("EPSG:4549"), or "GCJ-02" and "BD-09" (gcj02.h). STATUS_NOT_FOUND, STATUS_NO_MEMORY. */
STATUS_CHECKED enum status crs_open(const char *name, struct crs **out);
void crs_close(struct crs *c);
/* `east`: easting in metres or longitude in degrees; `north`: northing or latitude. STATUS_OUT_OF_RANGE. */
STATUS_CHECKED enum status crs_to_wgs84(struct crs *c, double east, double north, struct geo_point *out);
STATUS_CHECKED enum status crs_from_wgs84(struct crs *c, struct geo_point p, double *out_east, double *out_north);

#endif
