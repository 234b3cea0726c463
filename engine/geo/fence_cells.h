/* fence_cells.h -- the tree of cells under an index: nodes and leaves, shared between snapshots.
 *
 *   node   ┌──────────────┬───────────────────────┬───────────────────────────────┐
 *          │ refs, counts │ child[4^bits]         │ slots that cover the node ... │     one allocation
 *          └──────────────┴──────│────────────────┴───────────────────────────────┘
 *                                ├── 0: nothing there (the node's own slots hold)
 *                                ├── another node (bit 0 set)
 *                                ▼
 *   leaf   ┌──────────────┬─────────┬─────────┬─────────┬─────────┬──────────────┬────────────┐
 *          │ refs, counts │ lat_a[] │ lat_b[] │ lon_a[] │ lon_b[] │ crossing[]   │ covering[] │   one allocation
 *          └──────────────┴─────────┴─────────┴─────────┴─────────┴──────────────┴────────────┘
 *                           the edges, fence by fence               slot, end of
 *                                                                   its edges, parity
 *
 * The map is the square of all int32 pairs; a node halves it `bits` times each way (fence_level_bits). A position's
 * fences are the covering slots of the nodes on its way, and of its leaf, and those crossing that hold it. All lists
 * ascend; a slot is in one of them at most.
 * Nodes and leaves are immutable once in a tree, and counted by references; threads: any. */
#ifndef ZAYTON_GEO_FENCE_CELLS_H
#define ZAYTON_GEO_FENCE_CELLS_H

#include <stdatomic.h>

#include "engine/geo/fence_parts.h"

/* How often each level halves the map; ends with 0. The two top levels reach 11.7 km (2^20) in two steps. */
static const uint8_t fence_level_bits[] = {6, 6, 2, 2, 2, 2, 2, 0};
#define FENCE_LEVELS (sizeof fence_level_bits)

/* More real edges than this in a cell of the size, and it is a node; unless no more than FENCE_LEAF_LINES of them
 * differ: fences drawn on each other, which no halving parts. */
uint32_t fence_leaf_edges_max(unsigned level, unsigned shift);
#define FENCE_LEAF_LINES 4

/* 0, a leaf, or a node with bit 0 set */
typedef uintptr_t fence_child;

struct fence_node {
	atomic_uint refs;
	uint32_t edges; /* real edges that meet the node's cell */
	uint16_t bits;
	uint32_t covering_count;
	fence_child child[]; /* row by row from the south-west; then the slots */
};

struct fence_crossing {
	uint32_t slot;
	uint32_t parity : 1, end : 31; /* its edges begin where the one before ends */
};

/* Edge arrays are padded to a multiple of FENCE_LANES with edges that no latitude meets. */
#define FENCE_LANES 4

struct fence_leaf {
	atomic_uint refs;
	uint32_t edge_count, crossing_count, covering_count;
	int32_t edges[];
};

static inline bool fence_child_is_node(fence_child c)
{
	return c & 1;
}

static inline struct fence_node *fence_child_node(fence_child c)
{
	return (struct fence_node *)(c - 1);
}

static inline struct fence_leaf *fence_child_leaf(fence_child c)
{
	return (struct fence_leaf *)c;
}

static inline uint32_t *fence_node_covering(const struct fence_node *n)
{
	return (uint32_t *)(n->child + (UINT64_C(1) << 2 * n->bits));
}

static inline uint32_t fence_leaf_lanes(const struct fence_leaf *l)
{
	return (l->edge_count + FENCE_LANES - 1) / FENCE_LANES * FENCE_LANES;
}

static inline const struct fence_crossing *fence_leaf_crossing(const struct fence_leaf *l)
{
	return (const struct fence_crossing *)(l->edges + 4 * (size_t)fence_leaf_lanes(l));
}

static inline const uint32_t *fence_leaf_covering(const struct fence_leaf *l)
{
	return (const uint32_t *)(fence_leaf_crossing(l) + l->crossing_count);
}

static inline struct fence_edge fence_leaf_edge(const struct fence_leaf *l, uint32_t i)
{
	uint32_t n = fence_leaf_lanes(l);
	return (struct fence_edge){l->edges[i], l->edges[2 * n + i], l->edges[n + i], l->edges[3 * n + i]};
}

/* Which child of a node of the shift holds the position; `shift` is the child's. */
static inline size_t fence_child_index(unsigned bits, unsigned shift, int32_t lat, int32_t lon)
{
	uint32_t mask = (1u << bits) - 1;
	uint32_t row = ((uint32_t)lat ^ UINT32_C(0x80000000)) >> shift & mask;
	uint32_t column = ((uint32_t)lon ^ UINT32_C(0x80000000)) >> shift & mask;
	return (size_t)row << bits | column;
}

size_t fence_node_bytes(const struct fence_node *n);
size_t fence_leaf_bytes(const struct fence_leaf *l);
/* Of everything under it. */
size_t fence_tree_bytes(fence_child c);

/* A node with its children as `like` has them (a reference to each), or none; room for the covering slots, which
 * the caller fills. NULL when there is no memory. */
struct fence_node *fence_node_new(const struct fence_node *like, unsigned bits, uint32_t covering_count);
/* A leaf of the parts, which ascend and all stay; NULL when there is no memory. */
struct fence_leaf *fence_leaf_new(const struct fence_part *parts, size_t count, const struct fence_edge *edges);

fence_child fence_child_ref(fence_child c);
/* 0 is allowed. */
void fence_child_unref(fence_child c);

#endif
