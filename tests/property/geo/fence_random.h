/* fence_random.h -- fences and positions that go looking for trouble: everything touches everything. */
#ifndef ZAYTON_TESTS_FENCE_RANDOM_H
#define ZAYTON_TESTS_FENCE_RANDOM_H

#include "engine/geo/fence.h"

/* A square of the map in which a test lives. */
struct world {
	int64_t lat, lon, side; /* south-west corner, 1e-7 degrees */
};

#define WORLD_COUNT 7
/* From a few units to the whole globe; some lie across borders of cells, one along the antimeridian, one at a pole. */
extern const struct world worlds[WORLD_COUNT];

/* Prints it; ZAYTON_SEED sets it. */
uint64_t seed_of(const char *test);
uint64_t random_next(uint64_t *state);
/* 0 .. n - 1 */
int64_t random_below(uint64_t *state, int64_t n);

/* Stars with holes, slivers, grids of a few units where rings touch and cross themselves, rectangles on the borders
 * of cells, fences around all of the world. One reference, the caller's. */
struct fence_area *random_area(uint64_t *state, const struct world *w);
/* Anywhere, or on or beside a vertex, an edge, a border of cells; `a` may be NULL. */
struct geo_point random_point(uint64_t *state, const struct world *w, const struct fence_area *a);

#endif
