/* fence_cells.h -- the tree of cells under an index: nodes and leaves, shared between snapshots.
 *
 *   node   ┌───────────────────────┬──────────────┬───────────────────────────────┐
 *          │ child[4^bits]         │ refs, counts │ slots that cover the node ... │     one allocation; known by
 *          └──────│────────────────┴──────────────┴───────────────────────────────┘     where the counts begin
 *                 ├── 0: nothing there (the node's own slots hold)
 *                 ├── another node (bit 0 set)
 *                 ▼
 *   leaf   ┌──────────────┬───────────────────────────────────────┬──────────────────────┐
 *          │ refs, counts │ edges, fence by fence                 │ fences[]             │   one allocation
 *          └──────────────┴───────────────────────────────────────┴──────────────────────┘
 *     narrow, nearly all:  at[] (lon_a, -lat_a)  run[] (dlat, dlon)   slot, end of its edges, parity; one that covers
 *                          two 16-bit numbers a word, and far[]       the leaf has none, and parity 1
 *     wide:                lat_a[] lat_b[] lon_a[] lon_b[]
 *
 * The map is the square of all int32 pairs; a node halves it `bits` times each way (fence_level_bits). A position's
 * fences are the covering slots of the nodes on its way, and those of its leaf that hold it. All lists ascend; a slot
 * is in one of them at most.
 * Nodes and leaves are immutable once in a tree, and counted by references; threads: any. */
#ifndef ZAYTON_GEO_FENCE_CELLS_H
#define ZAYTON_GEO_FENCE_CELLS_H

#include <assert.h>
#include <stdatomic.h>

#include "engine/core/limits.h"
#include "engine/geo/fence_parts.h"

/* How often each level halves the map; ends with 0. The two top levels reach 11.7 km (2^20) in two steps. */
static const uint8_t fence_level_bits[] = {6, 6, 3, 3, 1, 1, 1, 1, 0};
#define FENCE_LEVELS (sizeof fence_level_bits)

/* More real edges than this in a cell of the size, and it is a node; unless no more than FENCE_LEAF_LINES of them
 * differ: fences drawn on each other, which no halving parts. */
uint32_t fence_leaf_edges_max(unsigned level, unsigned shift);
#define FENCE_LEAF_LINES 4

/* 0; a leaf with its lines of memory less one (7: or more), so that all can be fetched at once; or a node with bit 0
 * set, and bit 1 when slots cover it, so that others need not be looked at but for their children. Leaves begin with a
 * line (fence_pool.h), and so do the children of a node. */
typedef uintptr_t fence_child;
#define FENCE_CHILD_LINES_SHIFT 1
#define FENCE_CHILD_LINES_MASK 7u

struct fence_node {
	atomic_uint refs;
	uint32_t edges; /* real edges that meet the node's cell */
	uint16_t bits;
	uint32_t covering_count;
	uint32_t covering[]; /* room for a multiple of FENCE_LANES */
};

struct fence_entry {
	uint32_t slot;
	uint32_t parity : 1, end : 31; /* its edges begin where the one before ends */
};

/* The same in a narrow leaf. */
struct fence_entry_narrow {
	uint32_t slot : 20, parity : 1, end : 11;
};
#define FENCE_NARROW_EDGES_MAX 2047
/* Cells of up to 2^14 units: their own size is left for what their edges reach beyond them. */
#define FENCE_NARROW_SHIFT 14
static_assert(FENCE_SLOTS_MAX <= 1 << 20, "slots fit 20 bits");
static_assert(sizeof(struct fence_entry_narrow) == 4, "one word");

/* Edge arrays are padded to a multiple of FENCE_LANES with edges that no latitude meets. */
#define FENCE_LANES 4

/* A narrow leaf has its edges in 16 bits, 0 .. INT16_MAX, counted from `lat` and `lon`; differences fit 16 bits too. A
 * word holds two: from = (lon_a, -lat_a) so that the position (-lon, lat) added to it gives (lon_a - lon, lat - lat_a),
 * and run = (lat_b - lat_a, lon_b - lon_a), whose scalar product with that is the edge's side (fence_edge.h). */
struct fence_leaf {
	atomic_uint refs;
	uint32_t narrow : 1, edge_count : 31;
	uint32_t fence_count;
	int32_t lat, lon;   /* 0 in a wide one */
	uint32_t far_count; /* 0 in a wide one */
	int32_t edges[];
};

/* An edge of a narrow leaf that 16 bits do not hold. In its place among the edges is one that no latitude meets, known
 * by its -lat_a of 1, whose lon_a tells which of these it is; so is what pads, with any lon_a. They have four arrays as
 * the edges of a wide leaf do, of far_count each. */
#define FENCE_FAR_RUN (INT32_C(1) << 16)
#define FENCE_FAR_FROM (INT32_C(1) << 16)

static inline bool fence_child_is_node(fence_child c)
{
	return c & 1;
}

static inline struct fence_node *fence_child_node(fence_child c)
{
	return (struct fence_node *)(c & ~(fence_child)3);
}

static inline bool fence_child_is_listed(fence_child c)
{
	return c >> 1 & 1; /* of a node */
}

static inline fence_child fence_child_of(const struct fence_node *n)
{
	return (fence_child)n | 1 | (fence_child)(n->covering_count != 0) << 1;
}

static inline struct fence_leaf *fence_child_leaf(fence_child c)
{
	return (struct fence_leaf *)(c & ~(uintptr_t)(FENCE_CHILD_LINES_MASK << FENCE_CHILD_LINES_SHIFT));
}

/* How many lines of memory a leaf takes; 8 when it is more. */
static inline unsigned fence_child_lines(fence_child c)
{
	return (unsigned)(c >> FENCE_CHILD_LINES_SHIFT & FENCE_CHILD_LINES_MASK) + 1;
}

/* Row by row from the south-west. `bits` are the node's: who knows them need not wait for the node. */
static inline fence_child *fence_node_children(const struct fence_node *n, unsigned bits)
{
	return (fence_child *)n - (UINT64_C(1) << 2 * bits);
}

static inline uint32_t fence_leaf_lanes(const struct fence_leaf *l)
{
	return (l->edge_count + FENCE_LANES - 1) / FENCE_LANES * FENCE_LANES;
}

static inline const int32_t *fence_leaf_far(const struct fence_leaf *l)
{
	return l->edges + (4 >> l->narrow) * (size_t)fence_leaf_lanes(l);
}

/* The words behind the edges. */
static inline const uint32_t *fence_leaf_lists(const struct fence_leaf *l)
{
	return (const uint32_t *)(fence_leaf_far(l) + 4 * (size_t)l->far_count);
}

static inline struct fence_entry fence_leaf_entry(const struct fence_leaf *l, uint32_t k)
{
	if (!l->narrow)
		return ((const struct fence_entry *)fence_leaf_lists(l))[k];
	struct fence_entry_narrow x = ((const struct fence_entry_narrow *)fence_leaf_lists(l))[k];
	return (struct fence_entry){x.slot, x.parity, x.end};
}

/* Where the edges of the k-th fence begin. */
static inline uint32_t fence_leaf_begin(const struct fence_leaf *l, uint32_t k)
{
	return k ? fence_leaf_entry(l, k - 1).end : 0;
}

/* The i-th of `n` edges in four arrays of 32 bits. */
static inline struct fence_edge fence_edge_at(const int32_t *arrays, uint32_t n, uint32_t i)
{
	return (struct fence_edge){arrays[i], arrays[2 * n + i], arrays[n + i], arrays[3 * n + i]};
}

static inline struct fence_edge fence_leaf_edge(const struct fence_leaf *l, uint32_t i)
{
	uint32_t n = fence_leaf_lanes(l);
	if (!l->narrow)
		return fence_edge_at(l->edges, n, i);
	int32_t from = l->edges[i], run = l->edges[n + i];
	if (from >= FENCE_FAR_FROM)
		return fence_edge_at(fence_leaf_far(l), l->far_count, (uint16_t)from);
	int32_t lat = l->lat - (int16_t)(from >> 16), lon = l->lon + (int16_t)from;
	return (struct fence_edge){lat, lon, lat + (int16_t)run, lon + (int16_t)(run >> 16)};
}

/* Which child of a node of the shift holds the position; `shift` is the child's. */
static inline size_t fence_child_index(unsigned bits, unsigned shift, int32_t lat, int32_t lon)
{
	uint32_t mask = (1u << bits) - 1;
	uint32_t row = ((uint32_t)lat ^ UINT32_C(0x80000000)) >> shift & mask;
	uint32_t column = ((uint32_t)lon ^ UINT32_C(0x80000000)) >> shift & mask;
	return (size_t)row << bits | column;
}

/* Whole lines of memory. */
size_t fence_node_bytes(const struct fence_node *n);
size_t fence_leaf_bytes(const struct fence_leaf *l);
/* Of everything under it. */
size_t fence_tree_bytes(fence_child c);

/* A node with its children as `like` has them (a reference to each), or none; room for the covering slots, which
 * the caller fills. NULL when there is no memory. */
struct fence_node *fence_node_new(const struct fence_node *like, unsigned bits, uint32_t covering_count);
/* A leaf of the parts, which ascend and all stay; 0 when there is no memory. */
fence_child fence_leaf_new(const struct fence_cell *cell, const struct fence_part *parts, size_t count,
			   const struct fence_edge *edges);

fence_child fence_child_ref(fence_child c);
/* 0 is allowed. */
void fence_child_unref(fence_child c);

#endif
