#include "engine/geo/fence_cells.h"

#include <string.h>

#include "engine/geo/fence_pool.h"

/* About 1,000 bytes at most, mostly a third of it; measured, see decisions/fences.md. */
#define LEAF_EDGES_MAX 40
/* A cell may hold twice as many for each halving below this one (45 m), and any number at the last level: what is
 * still crowded there are fences drawn nearly on each other, which little halving parts. */
#define CROWDED_SHIFT 12

uint32_t fence_leaf_edges_max(unsigned level, unsigned shift)
{
	if (!fence_level_bits[level])
		return UINT32_MAX;
	return shift >= CROWDED_SHIFT ? LEAF_EDGES_MAX : LEAF_EDGES_MAX << (CROWDED_SHIFT - shift);
}

static size_t whole_lines(size_t bytes)
{
	return (bytes + FENCE_LINE_BYTES - 1) / FENCE_LINE_BYTES * FENCE_LINE_BYTES;
}

/* Covering slots are read four at a time. */
static size_t node_size(unsigned bits, uint32_t covering_count)
{
	size_t room = ((size_t)covering_count + FENCE_LANES - 1) / FENCE_LANES * FENCE_LANES;
	return whole_lines(sizeof(struct fence_node) + (sizeof(fence_child) << 2 * bits) + room * sizeof(uint32_t));
}

size_t fence_node_bytes(const struct fence_node *n)
{
	return node_size(n->bits, n->covering_count);
}

size_t fence_leaf_bytes(const struct fence_leaf *l)
{
	return whole_lines(
		(size_t)((const char *)(fence_leaf_lists(l) + (l->fence_count << !l->narrow)) - (const char *)l));
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
		bytes += fence_tree_bytes(fence_node_children(n, n->bits)[i]);
	return bytes;
}

struct fence_node *fence_node_new(const struct fence_node *like, unsigned bits, uint32_t covering_count)
{
	fence_child *children = fence_pool_get(node_size(bits, covering_count));
	if (!children)
		return NULL;
	struct fence_node *n = (struct fence_node *)(children + (UINT64_C(1) << 2 * bits));
	atomic_init(&n->refs, 1);
	n->edges = 0;
	n->bits = (uint16_t)bits;
	n->covering_count = covering_count;
	for (size_t i = 0; i < (size_t)1 << 2 * bits; i++)
		children[i] = like ? fence_child_ref(fence_node_children(like, bits)[i]) : 0;
	return n;
}

static bool fits_narrow(const struct fence_leaf *l, struct fence_edge e)
{
	int64_t lat = l->lat, lon = l->lon;
	int64_t off = (e.lat_a_e7 - lat) | (e.lat_b_e7 - lat) | (e.lon_a_e7 - lon) | (e.lon_b_e7 - lon);
	return !(off & ~(int64_t)INT16_MAX);
}

static void put_edge(int32_t *arrays, uint32_t n, uint32_t i, struct fence_edge e)
{
	arrays[i] = e.lat_a_e7;
	arrays[n + i] = e.lat_b_e7;
	arrays[2 * n + i] = e.lon_a_e7;
	arrays[3 * n + i] = e.lon_b_e7;
}

static int32_t word_of(int32_t low, int32_t high)
{
	return (int32_t)((uint32_t)(uint16_t)low | (uint32_t)high << 16);
}

static void leaf_put_edge(struct fence_leaf *l, uint32_t i, struct fence_edge e, uint32_t *far)
{
	uint32_t n = fence_leaf_lanes(l);
	if (!l->narrow) {
		put_edge(l->edges, n, i, e);
	} else if (fits_narrow(l, e)) {
		l->edges[i] = word_of(e.lon_a_e7 - l->lon, l->lat - e.lat_a_e7);
		l->edges[n + i] = word_of(e.lat_b_e7 - e.lat_a_e7, e.lon_b_e7 - e.lon_a_e7);
	} else {
		l->edges[i] = FENCE_FAR_FROM | (int32_t)*far;
		l->edges[n + i] = FENCE_FAR_RUN;
		put_edge((int32_t *)fence_leaf_far(l), l->far_count, (*far)++, e);
	}
}

static void leaf_put_entry(struct fence_leaf *l, uint32_t k, const struct fence_part *p, uint32_t end)
{
	uint32_t *lists = (uint32_t *)fence_leaf_lists(l);
	if (l->narrow)
		((struct fence_entry_narrow *)lists)[k] =
			(struct fence_entry_narrow){.slot = p->slot, .parity = p->parity, .end = end};
	else
		((struct fence_entry *)lists)[k] =
			(struct fence_entry){.slot = p->slot, .parity = p->parity, .end = end};
}

static void leaf_fill(struct fence_leaf *l, const struct fence_part *parts, size_t count,
		      const struct fence_edge *edges)
{
	uint32_t at = 0, far = 0;
	for (size_t i = 0; i < count; i++) {
		const struct fence_part *p = &parts[i];
		for (uint32_t e = 0; e < p->real + p->closing; e++)
			leaf_put_edge(l, at++, edges[p->first + e], &far);
		leaf_put_entry(l, (uint32_t)i, p, at);
	}
	for (; at < fence_leaf_lanes(l); at++)
		if (l->narrow) {
			l->edges[at] = FENCE_FAR_FROM;
			l->edges[fence_leaf_lanes(l) + at] = FENCE_FAR_RUN;
		} else {
			leaf_put_edge(l, at, (struct fence_edge){INT32_MAX, 0, INT32_MIN, 0}, &far);
		}
}

/* Which way the leaf keeps its edges. */
static void leaf_choose(struct fence_leaf *l, const struct fence_cell *cell, const struct fence_part *parts,
			size_t count, const struct fence_edge *edges)
{
	int64_t margin = (INT16_MAX + 1 - (INT64_C(1) << cell->shift)) / 2;
	if (cell->shift > FENCE_NARROW_SHIFT || l->edge_count > FENCE_NARROW_EDGES_MAX)
		return;
	l->narrow = 1;
	l->lat = (int32_t)(cell->lat - margin);
	l->lon = (int32_t)(cell->lon - margin);
	for (size_t i = 0; i < count; i++)
		for (uint32_t k = 0; k < parts[i].real + parts[i].closing; k++)
			l->far_count += !fits_narrow(l, edges[parts[i].first + k]);
}

fence_child fence_leaf_new(const struct fence_cell *cell, const struct fence_part *parts, size_t count,
			   const struct fence_edge *edges)
{
	struct fence_leaf sizes = {.fence_count = (uint32_t)count}, *l;
	for (size_t i = 0; i < count; i++)
		sizes.edge_count += parts[i].real + parts[i].closing;
	leaf_choose(&sizes, cell, parts, count, edges);
	size_t bytes = fence_leaf_bytes(&sizes), lines = bytes / FENCE_LINE_BYTES;
	l = fence_pool_get(bytes);
	if (!l)
		return 0;
	memset((char *)l + bytes - FENCE_LINE_BYTES, 0, FENCE_LINE_BYTES);
	atomic_init(&l->refs, 1);
	l->narrow = sizes.narrow;
	l->lat = sizes.lat;
	l->lon = sizes.lon;
	l->far_count = sizes.far_count;
	l->edge_count = sizes.edge_count;
	l->fence_count = sizes.fence_count;
	leaf_fill(l, parts, count, edges);
	lines = lines - 1 < FENCE_CHILD_LINES_MASK ? lines - 1 : FENCE_CHILD_LINES_MASK;
	return (fence_child)l | lines << FENCE_CHILD_LINES_SHIFT;
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
		fence_child_unref(fence_node_children(n, n->bits)[i]);
	fence_pool_put(fence_node_children(n, n->bits), fence_node_bytes(n));
}

void fence_child_unref(fence_child c)
{
	if (fence_child_is_node(c))
		node_unref(fence_child_node(c));
	else if (c && atomic_fetch_sub_explicit(&fence_child_leaf(c)->refs, 1, memory_order_acq_rel) == 1)
		fence_pool_put(fence_child_leaf(c), fence_leaf_bytes(fence_child_leaf(c)));
}
