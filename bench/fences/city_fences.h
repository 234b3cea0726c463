/* city_fences.h -- fences as a city draws them, for measuring: 500 kinds, and as many copies as are asked for.
 *
 * Half are outlines of 10 to 1,000 vertices about a centre, a fifth of them with a hole; the other half corridors along
 * bent lines. Some 190 vertices in the mean, 200 m to 10 km across. The kinds lie over Quanzhou Bay (24.7-25.1 N,
 * 118.5-119.1 E), each further copy up to a bay's size away, so that the bay itself is the densest part. */
#ifndef ZAYTON_BENCH_CITY_FENCES_H
#define ZAYTON_BENCH_CITY_FENCES_H

#include "engine/geo/fence.h"

#define CITY_FENCES_KINDS 500

uint64_t set_random(uint64_t *state);
/* 0 .. 1 */
double set_unit(uint64_t *state);

struct city_fences {
	struct fence_area **areas;
	uint32_t count;
	uint64_t vertices;
};

/* The same seed gives the same fences; exits when there is no memory. */
struct city_fences city_fences_new(uint64_t seed, uint32_t count);
void city_fences_free(struct city_fences *s);
/* The fence moved by units of 1e-7 degrees. */
struct fence_area *city_fences_moved(const struct fence_area *a, int32_t lat, int32_t lon);

#endif
