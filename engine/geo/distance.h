/* distance.h -- the length of a leg on WGS-84, to the millimetre, the same on every machine. */
#ifndef ZAYTON_GEO_DISTANCE_H
#define ZAYTON_GEO_DISTANCE_H

#include <stdint.h>

/* Geodesic distance between two positions in millimetres, rounded to nearest. Short legs use a local
 * metric with a proven bound on its error; where that bound cannot decide the rounding, and for long
 * legs, PROJ's geodesic does. Positions within +-90 and +-180 degrees; across the antimeridian the
 * short way round. */
int64_t distance_mm(int32_t lat_a_e7, int32_t lon_a_e7, int32_t lat_b_e7, int32_t lon_b_e7);

#endif
