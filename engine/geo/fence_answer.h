/* fence_answer.h -- the fences that hold a position, of what lies on its way down the tree.
 *
 *   way    root ── node ── node ── leaf           lists[]: the nodes among them that slots cover
 *
 *   answer leaf: a mask of the edges that the ray to the west crosses, one bit an edge; the parity of each fence's bits
 *          tells whether it holds the position. Then the lists are merged in.
 *
 * There is one function for every processor and one for those with AVX-512, which answer the same. Pure. */
#ifndef ZAYTON_GEO_FENCE_ANSWER_H
#define ZAYTON_GEO_FENCE_ANSWER_H

#include "engine/geo/fence_cells.h"

/* Leaves of more edges are answered elsewhere. */
#define FENCE_MASK_EDGES 63

struct fence_way {
	fence_child child; /* how far it came; in the end the leaf, or 0 */
	unsigned level, shift;
	unsigned list_count;
	uint32_t covering_count; /* in all lists */
	const struct fence_node *lists[FENCE_LEVELS];
};

/* Slots of the way's lists and of those fences of its leaf, of at most FENCE_MASK_EDGES edges, that hold p, ascending.
 * Returns how many; `slots` has room for all that might be. */
typedef size_t fence_answer(const struct fence_way *way, struct geo_point p, uint32_t *slots);

fence_answer fence_answer_plain;
/* What this processor does best. */
fence_answer *fence_answer_best(void);

/* Whether the k-th fence of any leaf, of any number of edges, holds p. */
bool fence_leaf_holds(const struct fence_leaf *l, uint32_t k, struct geo_point p);

#endif
