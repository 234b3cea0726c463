/* fence_change.c -- another tree of cells from an old one and fences that changed.
 *
 *   the changed fences, as they were (remove) and as they are (add), are cut down from cell to cell:
 *
 *   change_cell   no part left ──────────────────────────────> the old cell, shared
 *                 a node, still enough edges ─────────────────> change_node: a copy, and change_cell for the children
 *                 a node, too few edges now ──────────────────> collapse:    a leaf of what lay under it
 *                 a leaf ── merge_leaf: its own parts, too ┬──> few edges:   a leaf
 *                                                          └──> too many:    change_node from nothing
 *
 * Whether a cell is a leaf or a node depends on the real edges that meet it, how many and whether they differ; together
 * with parts that depend on fence and cell alone, the tree of a set of fences is always the same.
 *
 * Parts of a cell lie on top of the stacks (fence_parts.h) from `from` on, ascending by slot, what is to be removed
 * before what is to be added; whoever pushes pops. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "engine/core/limits.h"
#include "engine/geo/fence_snapshot.h"

struct change {
	struct fence_parts stack;
	const struct fence_index *now; /* for the areas */
	size_t bytes_made, bytes_left; /* of cells that are new; of cells that the new tree does not see */
	size_t bytes_max;
	uint32_t *slots; /* scratch of collapse */
	size_t slot_count, slot_room;
};

/* A place in the tree: cells on their way down. */
struct place {
	struct fence_cell cell;
	unsigned level;
};

static enum status change_cell(struct change *c, fence_child old, struct place at, size_t from, fence_child *out);

static void pop(struct change *c, size_t parts, size_t edges)
{
	c->stack.part_count = parts;
	c->stack.edge_count = edges;
}

static uint32_t sum_real(const struct change *c, size_t from, bool remove)
{
	uint32_t sum = 0;
	for (size_t i = from; i < c->stack.part_count; i++)
		sum += c->stack.parts[i].remove == remove ? c->stack.parts[i].real : 0;
	return sum;
}

/* Upright, one unit west of the cell. */
static bool is_closing(struct fence_edge e, int64_t cell_lon)
{
	return e.lon_a_e7 == cell_lon - 1 && e.lon_b_e7 == cell_lon - 1;
}

/* The first of the parts [from, until) that is of the slot; `until` when none is. */
static size_t part_of(const struct change *c, size_t from, size_t until, uint32_t slot)
{
	size_t low = from, high = until;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (c->stack.parts[middle].slot < slot)
			low = middle + 1;
		else
			high = middle;
	}
	return low < until && c->stack.parts[low].slot == slot ? low : until;
}

static bool is_removed(const struct change *c, size_t from, uint32_t slot)
{
	size_t at = part_of(c, from, c->stack.part_count, slot);
	return at < c->stack.part_count && c->stack.parts[at].remove;
}

/* Removed here, and not added again: what the fence is now may cover a node above, and then belongs there alone. */
static bool is_gone(const struct change *c, size_t from, size_t until, uint32_t slot)
{
	size_t at = part_of(c, from, until, slot);
	if (at == until || !c->stack.parts[at].remove)
		return false;
	return at + 1 == until || c->stack.parts[at + 1].slot != slot;
}

static enum status count_bytes(struct change *c, size_t bytes)
{
	c->bytes_made += bytes;
	return c->bytes_made > c->bytes_max ? STATUS_FULL : STATUS_OK;
}

/* --- edges that differ: a few, and whether there are more --- */

struct lines {
	struct fence_edge of[FENCE_LEAF_LINES];
	uint32_t count; /* FENCE_LEAF_LINES + 1: more */
};

static void lines_add(struct lines *l, struct fence_edge e)
{
	for (uint32_t i = 0; i < l->count && i < FENCE_LEAF_LINES; i++)
		if (memcmp(&l->of[i], &e, sizeof e) == 0)
			return;
	if (l->count < FENCE_LEAF_LINES)
		l->of[l->count] = e;
	if (l->count <= FENCE_LEAF_LINES)
		l->count++;
}

/* Of the parts from `from` on that are to be added; real edges and closing ones are mixed, but no closing edge is on a
 * real one's place. */
static void lines_of_parts(struct lines *l, const struct change *c, size_t from, int64_t cell_lon)
{
	for (size_t i = from; i < c->stack.part_count && l->count <= FENCE_LEAF_LINES; i++) {
		const struct fence_part *p = &c->stack.parts[i];
		for (uint32_t k = 0; !p->remove && k < p->real + p->closing && l->count <= FENCE_LEAF_LINES; k++)
			if (!is_closing(c->stack.edges[p->first + k], cell_lon))
				lines_add(l, c->stack.edges[p->first + k]);
	}
}

/* What lies under the child, of fences that the parts from `from` on do not remove. */
static void lines_of_cell(struct lines *l, const struct change *c, fence_child child, struct fence_cell cell,
			  size_t from)
{
	if (!child || l->count > FENCE_LEAF_LINES)
		return;
	if (fence_child_is_node(child)) {
		const struct fence_node *n = fence_child_node(child);
		unsigned shift = cell.shift - n->bits;
		for (size_t i = 0; i < (size_t)1 << 2 * n->bits; i++) {
			int64_t row = (int64_t)(i >> n->bits), column = (int64_t)(i & ((1u << n->bits) - 1));
			struct fence_cell part = {cell.lat + (row << shift), cell.lon + (column << shift), shift};
			lines_of_cell(l, c, fence_node_children(n, n->bits)[i], part, from);
		}
		return;
	}
	const struct fence_leaf *leaf = fence_child_leaf(child);
	for (uint32_t k = 0, i = 0; k < leaf->fence_count; k++) {
		struct fence_entry x = fence_leaf_entry(leaf, k);
		bool removed = is_removed(c, from, x.slot);
		for (; i < x.end; i++)
			if (!removed && !is_closing(fence_leaf_edge(leaf, i), cell.lon))
				lines_add(l, fence_leaf_edge(leaf, i));
	}
}

/* Whether the cell is still a node after the changes from `from` on. It was one: what is added cannot undo that. */
static bool stays_node(const struct change *c, const struct fence_node *n, struct place at, uint32_t edges, size_t from)
{
	struct lines lines = {.count = 0};
	if (!at.level)
		return true;
	if (edges <= fence_leaf_edges_max(at.level, at.cell.shift))
		return false;
	if (!sum_real(c, from, true))
		return true;
	lines_of_parts(&lines, c, from, at.cell.lon);
	lines_of_cell(&lines, c, fence_child_of(n), at.cell, from);
	return lines.count > FENCE_LEAF_LINES;
}

/* --- leaves --- */

/* Of the parts from `from` on, all to be added; 0 when there are none. */
static enum status make_leaf(struct change *c, const struct fence_cell *cell, size_t from, fence_child *out)
{
	size_t count = c->stack.part_count - from;
	if (!count) {
		*out = 0;
		return STATUS_OK;
	}
	fence_child l = fence_leaf_new(cell, c->stack.parts + from, count, c->stack.edges);
	if (!l)
		return STATUS_NO_MEMORY;
	enum status status = count_bytes(c, fence_leaf_bytes(fence_child_leaf(l)));
	if (status)
		fence_child_unref(l);
	else
		*out = l;
	return status;
}

/* Pushes a fence of a leaf as a part again: what it has upright one unit west of the cell is closing edges. */
static enum status push_entry(struct change *c, const struct fence_leaf *l, uint32_t which, int64_t cell_lon)
{
	struct fence_entry x = fence_leaf_entry(l, which);
	struct fence_part part = {.slot = x.slot, .first = (uint32_t)c->stack.edge_count, .parity = x.parity};
	enum status status = STATUS_OK;
	for (uint32_t i = fence_leaf_begin(l, which); !status && i < x.end; i++) {
		struct fence_edge e = fence_leaf_edge(l, i);
		bool closes = is_closing(e, cell_lon);
		part.closing += closes;
		part.real += !closes;
		status = fence_parts_push_edges(&c->stack, &e, 1);
	}
	return status ? status : fence_parts_push(&c->stack, &part);
}

/* Pushes what the leaf (0: nothing) holds after the changes in parts[from .. until). */
static enum status merge_leaf(struct change *c, const struct fence_leaf *l, int64_t cell_lon, size_t from, size_t until)
{
	uint32_t at = 0, count = l ? l->fence_count : 0;
	enum status status = STATUS_OK;
	while (!status) {
		uint32_t x = at < count ? fence_leaf_entry(l, at).slot : UINT32_MAX;
		uint32_t z = from < until ? c->stack.parts[from].slot : UINT32_MAX;
		uint32_t slot = x < z ? x : z;
		if (slot == UINT32_MAX)
			break;
		bool removed = z == slot && c->stack.parts[from].remove;
		if (x == slot && !removed)
			status = push_entry(c, l, at, cell_lon);
		at += x == slot;
		from += removed;
		if (!status && from < until && c->stack.parts[from].slot == slot)
			status = fence_parts_push(&c->stack, &c->stack.parts[from++]);
	}
	return status;
}

/* --- nodes --- */

/* The slots that cover a node after the changes from `from` on into `out`, when it is not NULL; returns how many. */
static uint32_t merge_covering(const struct change *c, const struct fence_node *old, size_t from, uint32_t *out)
{
	uint32_t kept = 0, at = 0, old_count = old ? old->covering_count : 0;
	for (size_t i = from; i <= c->stack.part_count; i++) {
		const struct fence_part *p = i < c->stack.part_count ? &c->stack.parts[i] : NULL;
		if (p && !fence_part_covers(p))
			continue;
		for (; at < old_count && (!p || old->covering[at] < p->slot); at++, kept++)
			if (out)
				out[kept] = old->covering[at];
		if (p && p->remove) {
			assert(at < old_count && old->covering[at] == p->slot);
			at++;
		} else if (p) {
			if (out)
				out[kept] = p->slot;
			kept++;
		}
	}
	return kept;
}

/* Gives every child of the node that lies in `at`, a square of 2^bits children each way, its parts. */
static enum status change_children(struct change *c, struct fence_node *n, struct place at, unsigned bits, size_t from)
{
	enum status status = STATUS_OK;
	size_t until = c->stack.part_count, edge_mark = c->stack.edge_count;
	if (from == until)
		return STATUS_OK;
	if (bits == 0) {
		fence_child *child = &fence_node_children(n, n->bits)[fence_child_index(
				    n->bits, at.cell.shift, (int32_t)at.cell.lat, (int32_t)at.cell.lon)],
			    before = *child;
		status = change_cell(c, before, (struct place){at.cell, at.level + 1}, from, child);
		if (!status)
			fence_child_unref(before);
		return status;
	}
	for (int quarter = 0; !status && quarter < 4; quarter++) {
		struct place q = {{at.cell.lat, at.cell.lon, at.cell.shift - 1}, at.level};
		q.cell.lat += (int64_t)(quarter >> 1) << q.cell.shift;
		q.cell.lon += (int64_t)(quarter & 1) << q.cell.shift;
		for (size_t i = from; !status && i < until; i++)
			status = fence_parts_clip(&c->stack, i, &q.cell);
		if (!status)
			status = change_children(c, n, q, bits - 1, until);
		pop(c, until, edge_mark);
	}
	return status;
}

/* A node as `old` is (NULL: without children) after the changes from `from` on. */
static enum status change_node(struct change *c, const struct fence_node *old, struct place at, uint32_t edges,
			       size_t from, fence_child *out)
{
	unsigned bits = fence_level_bits[at.level];
	size_t until = c->stack.part_count;
	struct fence_node *n = fence_node_new(old, bits, merge_covering(c, old, from, NULL));
	if (!n)
		return STATUS_NO_MEMORY;
	n->edges = edges;
	merge_covering(c, old, from, n->covering);
	enum status status = count_bytes(c, fence_node_bytes(n));
	for (size_t i = from; !status && i < until; i++)
		if (!fence_part_covers(&c->stack.parts[i]))
			status = fence_parts_push(&c->stack, &c->stack.parts[i]);
	if (!status)
		status = change_children(c, n, at, bits, until);
	c->stack.part_count = until;
	if (status)
		fence_child_unref(fence_child_of(n));
	else
		*out = fence_child_of(n);
	return status;
}

/* --- nodes that become leaves --- */

static enum status gather_slot(struct change *c, uint32_t slot)
{
	if (c->slot_count == c->slot_room) {
		size_t room = 2 * c->slot_room + 64;
		uint32_t *grown = realloc(c->slots, room * sizeof *grown);
		if (!grown)
			return STATUS_NO_MEMORY;
		c->slots = grown;
		c->slot_room = room;
	}
	c->slots[c->slot_count++] = slot;
	return STATUS_OK;
}

/* Every fence that has an edge in the cell is in a leaf, or covers the cell itself: other lists add nothing. */
static enum status gather_leaves(struct change *c, fence_child child)
{
	enum status status = STATUS_OK;
	if (!child)
		return STATUS_OK;
	if (!fence_child_is_node(child)) {
		const struct fence_leaf *l = fence_child_leaf(child);
		for (uint32_t i = 0; !status && i < l->fence_count; i++)
			status = gather_slot(c, fence_leaf_entry(l, i).slot);
		return status;
	}
	const struct fence_node *n = fence_child_node(child);
	for (size_t i = 0; !status && i < (size_t)1 << 2 * n->bits; i++)
		status = gather_leaves(c, fence_node_children(n, n->bits)[i]);
	return status;
}

static int by_slot(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
	return (x > y) - (x < y);
}

/* The leaf is made of the areas themselves: few fences are left in it. */
static enum status collapse(struct change *c, const struct fence_node *old, struct place at, size_t from,
			    fence_child *out)
{
	c->slot_count = 0;
	enum status status = gather_leaves(c, fence_child_of(old));
	for (uint32_t i = 0; !status && i < old->covering_count; i++)
		status = gather_slot(c, old->covering[i]);
	for (size_t i = from; !status && i < c->stack.part_count; i++)
		status = gather_slot(c, c->stack.parts[i].slot);
	if (status)
		return status;
	size_t until = c->stack.part_count;
	qsort(c->slots, c->slot_count, sizeof *c->slots, by_slot);
	for (size_t i = 0; !status && i < c->slot_count; i++) {
		const struct fence_area *area = fence_index_area(c->now, c->slots[i]);
		bool again = i && c->slots[i] == c->slots[i - 1];
		if (area && !again && !is_gone(c, from, until, c->slots[i]))
			status = fence_parts_clip_area(&c->stack, c->slots[i], false, area, &at.cell);
	}
	if (!status)
		status = make_leaf(c, &at.cell, until, out);
	if (!status)
		c->bytes_left += fence_tree_bytes(fence_child_of(old));
	return status;
}

/* --- cells --- */

static enum status change_leaf(struct change *c, const struct fence_leaf *old, struct place at, size_t from,
			       fence_child *out)
{
	size_t until = c->stack.part_count;
	enum status status = merge_leaf(c, old, at.cell.lon, from, until);
	if (status)
		return status;
	uint32_t edges = sum_real(c, until, false);
	struct lines lines = {.count = 0};
	if (edges > fence_leaf_edges_max(at.level, at.cell.shift))
		lines_of_parts(&lines, c, until, at.cell.lon);
	if (lines.count > FENCE_LEAF_LINES)
		status = change_node(c, NULL, at, edges, until, out);
	else
		status = make_leaf(c, &at.cell, until, out);
	if (!status && old)
		c->bytes_left += fence_leaf_bytes(old);
	return status;
}

/* `*out` is set, to a reference of its own, only when all went well. */
static enum status change_cell(struct change *c, fence_child old, struct place at, size_t from, fence_child *out)
{
	size_t part_mark = c->stack.part_count, edge_mark = c->stack.edge_count;
	enum status status;
	if (!fence_child_is_node(old)) {
		status = change_leaf(c, fence_child_leaf(old), at, from, out);
	} else {
		const struct fence_node *n = fence_child_node(old);
		uint32_t edges = n->edges + sum_real(c, from, false) - sum_real(c, from, true);
		if (!stays_node(c, n, at, edges, from)) {
			status = collapse(c, n, at, from, out);
		} else {
			status = change_node(c, n, at, edges, from, out);
			if (!status)
				c->bytes_left += fence_node_bytes(n);
		}
	}
	pop(c, part_mark, edge_mark);
	return status;
}

static enum status push_changed(struct change *c, const struct fence_index *old, const struct fence_cell *map,
				const uint32_t *slots, size_t count)
{
	enum status status = STATUS_OK;
	for (size_t i = 0; !status && i < count; i++) {
		const struct fence_area *before = fence_index_area(old, slots[i]);
		const struct fence_area *after = fence_index_area(c->now, slots[i]);
		if (before)
			status = fence_parts_clip_area(&c->stack, slots[i], true, before, map);
		if (after && !status)
			status = fence_parts_clip_area(&c->stack, slots[i], false, after, map);
	}
	return status;
}

enum status fence_tree_change(const struct fence_index *old, struct fence_index *now, const uint32_t *slots,
			      size_t count)
{
	struct change c = {.now = now, .bytes_max = FENCE_INDEX_BYTES_MAX};
	struct place all = {{INT32_MIN, INT32_MIN, 32}, 0};
	fence_child root;
	enum status status = push_changed(&c, old, &all.cell, slots, count);
	if (!status)
		status = change_cell(&c, old->root, all, 0, &root);
	if (!status && old->bytes + c.bytes_made - c.bytes_left > c.bytes_max) {
		fence_child_unref(root);
		status = STATUS_FULL;
	}
	if (!status) {
		fence_child_unref(now->root);
		now->root = root;
		now->bytes = old->bytes + c.bytes_made - c.bytes_left;
	}
	fence_parts_deinit(&c.stack);
	free(c.slots);
	return status;
}
