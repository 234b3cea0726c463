/* distance.h -- the length of a leg on WGS-84, to the millimetre, the same on every machine. */
#ifndef ZAYTON_GEO_DISTANCE_H
#define ZAYTON_GEO_DISTANCE_H

#include <stddef.h>
#include <stdint.h>

/* Geodesic distance between two positions in millimetres, rounded to nearest. Short legs use a local
 * metric with a proven bound on its error; where that bound cannot decide the rounding, and for long
 * legs, PROJ's geodesic does. Positions within +-90 and +-180 degrees; across the antimeridian the
 * short way round. */
int64_t distance_mm(int32_t lat_a_e7, int32_t lon_a_e7, int32_t lat_b_e7, int32_t lon_b_e7);
/* The sum of distance_mm() over the legs between `count` positions one after another; 0 for fewer than two. */
uint64_t distance_path_mm(const int32_t *lat_e7, const int32_t *lon_e7, size_t count);
/* The same without the wider vectors of this machine. */
uint64_t distance_path_mm_plain(const int32_t *lat_e7, const int32_t *lon_e7, size_t count);

#endif
