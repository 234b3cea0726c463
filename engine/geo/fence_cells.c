#include "engine/geo/fence_cells.h"

#include <stdlib.h>
#include <string.h>

#define LEAF_EDGES_MAX 24
/* A cell may hold twice as many for each halving below this one (45 m), and any number at the last level: what is
 * still crowded there are fences drawn nearly on each other, which little halving parts. */
#define CROWDED_SHIFT 12

uint32_t fence_leaf_edges_max(unsigned level, unsigned shift)
{
	if (!fence_level_bits[level])
		return UINT32_MAX;
	return shift >= CROWDED_SHIFT ? LEAF_EDGES_MAX : LEAF_EDGES_MAX << (CROWDED_SHIFT - shift);
}

static size_t node_size(unsigned bits, uint32_t covering_count)
{
	return sizeof(struct fence_node) + (sizeof(fence_child) << 2 * bits) + covering_count * sizeof(uint32_t);
}

size_t fence_node_bytes(const struct fence_node *n)
{
	return node_size(n->bits, n->covering_count);
}

size_t fence_leaf_bytes(const struct fence_leaf *l)
{
	return sizeof *l + 4 * sizeof(int32_t) * fence_leaf_lanes(l) +
	       l->crossing_count * sizeof(struct fence_crossing) + l->covering_count * sizeof(uint32_t);
}

size_t fence_tree_bytes(fence_child c)
{
	if (!c)
		return 0;
	if (!fence_child_is_node(c))
		return fence_leaf_bytes(fence_child_leaf(c));
	const struct fence_node *n = fence_child_node(c);
	size_t bytes = fence_node_bytes(n);
	for (size_t i = 0; i < (size_t)1 << 2 * n->bits; i++)
		bytes += fence_tree_bytes(n->child[i]);
	return bytes;
}

struct fence_node *fence_node_new(const struct fence_node *like, unsigned bits, uint32_t covering_count)
{
	struct fence_node *n = malloc(node_size(bits, covering_count));
	if (!n)
		return NULL;
	atomic_init(&n->refs, 1);
	n->edges = 0;
	n->bits = (uint16_t)bits;
	n->covering_count = covering_count;
	for (size_t i = 0; i < (size_t)1 << 2 * bits; i++)
		n->child[i] = like ? fence_child_ref(like->child[i]) : 0;
	return n;
}

static void leaf_put_edge(struct fence_leaf *l, uint32_t i, struct fence_edge e)
{
	uint32_t n = fence_leaf_lanes(l);
	l->edges[i] = e.lat_a_e7;
	l->edges[n + i] = e.lat_b_e7;
	l->edges[2 * n + i] = e.lon_a_e7;
	l->edges[3 * n + i] = e.lon_b_e7;
}

static void leaf_fill(struct fence_leaf *l, const struct fence_part *parts, size_t count,
		      const struct fence_edge *edges)
{
	struct fence_crossing *crossing = (struct fence_crossing *)fence_leaf_crossing(l);
	uint32_t *covering = (uint32_t *)fence_leaf_covering(l), at = 0;
	for (size_t i = 0; i < count; i++) {
		const struct fence_part *p = &parts[i];
		if (fence_part_covers(p)) {
			*covering++ = p->slot;
			continue;
		}
		for (uint32_t e = 0; e < p->real + p->closing; e++)
			leaf_put_edge(l, at++, edges[p->first + e]);
		*crossing++ = (struct fence_crossing){.slot = p->slot, .parity = p->parity, .end = at};
	}
	while (at < fence_leaf_lanes(l))
		leaf_put_edge(l, at++, (struct fence_edge){INT32_MAX, 0, INT32_MIN, 0});
}

struct fence_leaf *fence_leaf_new(const struct fence_part *parts, size_t count, const struct fence_edge *edges)
{
	struct fence_leaf sizes = {.edge_count = 0}, *l;
	for (size_t i = 0; i < count; i++) {
		sizes.edge_count += parts[i].real + parts[i].closing;
		sizes.crossing_count += !fence_part_covers(&parts[i]);
		sizes.covering_count += fence_part_covers(&parts[i]);
	}
	l = malloc(fence_leaf_bytes(&sizes));
	if (!l)
		return NULL;
	atomic_init(&l->refs, 1);
	l->edge_count = sizes.edge_count;
	l->crossing_count = sizes.crossing_count;
	l->covering_count = sizes.covering_count;
	leaf_fill(l, parts, count, edges);
	return l;
}

fence_child fence_child_ref(fence_child c)
{
	if (fence_child_is_node(c))
		atomic_fetch_add_explicit(&fence_child_node(c)->refs, 1, memory_order_relaxed);
	else if (c)
		atomic_fetch_add_explicit(&fence_child_leaf(c)->refs, 1, memory_order_relaxed);
	return c;
}

static void node_unref(struct fence_node *n)
{
	if (atomic_fetch_sub_explicit(&n->refs, 1, memory_order_acq_rel) != 1)
		return;
	for (size_t i = 0; i < (size_t)1 << 2 * n->bits; i++)
		fence_child_unref(n->child[i]);
	free(n);
}

void fence_child_unref(fence_child c)
{
	if (fence_child_is_node(c))
		node_unref(fence_child_node(c));
	else if (c && atomic_fetch_sub_explicit(&fence_child_leaf(c)->refs, 1, memory_order_acq_rel) == 1)
		free(fence_child_leaf(c));
}
