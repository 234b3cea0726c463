/* fence_parts.c -- cutting fences down to cells; see the drawing in fence_parts.h.
 *
 *   begin_clip ── take_edge for each edge ── end_clip
 *                   ├ meets the cell: kept
 *                   └ west of it: two turns        end_clip: what remains of the turns becomes closing edges
 *
 * Neighbouring edges turn at their common vertex, so nearly all turns cancel as soon as they are made. */
#include "engine/geo/fence_parts.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "engine/core/limits.h"

/* Every edge is in a leaf in the end, and here as often as cells of its way are at work: a few times. */
#define EDGES_MAX (4 * (FENCE_INDEX_BYTES_MAX / sizeof(struct fence_edge)))
static_assert(EDGES_MAX < UINT32_MAX, "edges are counted in 32 bits");

struct clip {
	struct fence_parts *stack;
	struct fence_part part;
	struct fence_rect rect;
	size_t edge_mark;
};

void fence_parts_deinit(struct fence_parts *p)
{
	free(p->parts);
	free(p->edges);
	free(p->turns);
	*p = (struct fence_parts){0};
}

/* Room for `more` items behind `count`. */
static bool need(void **items, size_t item_size, size_t count, size_t more, size_t *room)
{
	if (count + more <= *room)
		return true;
	size_t wanted = 2 * *room > count + more ? 2 * *room : count + more + 64;
	void *grown = realloc(*items, wanted * item_size);
	if (!grown)
		return false;
	*items = grown;
	*room = wanted;
	return true;
}

enum status fence_parts_push(struct fence_parts *p, const struct fence_part *part)
{
	struct fence_part copy = *part; /* it may lie in the array that moves */
	if (!need((void **)&p->parts, sizeof *p->parts, p->part_count, 1, &p->part_room))
		return STATUS_NO_MEMORY;
	p->parts[p->part_count++] = copy;
	return STATUS_OK;
}

enum status fence_parts_push_edges(struct fence_parts *p, const struct fence_edge *edges, size_t count)
{
	if (p->edge_count + count > EDGES_MAX)
		return STATUS_FULL;
	if (!need((void **)&p->edges, sizeof *p->edges, p->edge_count, count, &p->edge_room))
		return STATUS_NO_MEMORY;
	memcpy(p->edges + p->edge_count, edges, count * sizeof *edges);
	p->edge_count += count;
	return STATUS_OK;
}

/* Two turns at one latitude are none. Runs of edges, north or south, turn at one of the last two. */
static void turn_at(struct fence_parts *p, int32_t lat)
{
	size_t n = p->turn_count;
	if (n && p->turns[n - 1] == lat) {
		p->turn_count--;
	} else if (n > 1 && p->turns[n - 2] == lat) {
		p->turns[n - 2] = p->turns[n - 1];
		p->turn_count--;
	} else {
		p->turns[p->turn_count++] = lat;
	}
}

/* Room for the turns of all edges of a part, so that taking an edge cannot fail for them. */
static enum status begin_clip(struct clip *c, struct fence_parts *stack, const struct fence_part *part,
			      const struct fence_cell *cell, size_t edges)
{
	*c = (struct clip){stack, *part, fence_cell_rect(cell), stack->edge_count};
	c->part.first = (uint32_t)stack->edge_count;
	c->part.real = c->part.closing = 0;
	stack->turn_count = 0;
	if (!need((void **)&stack->turns, sizeof *stack->turns, 0, 2 * edges, &stack->turn_room))
		return STATUS_NO_MEMORY;
	return STATUS_OK;
}

static enum status take_edge(struct clip *c, struct fence_edge e)
{
	struct fence_line line = fence_line_of(e);
	enum fence_where where = fence_line_where(&line, &c->rect);
	if (where == FENCE_MEETS) {
		c->part.real++;
		return fence_parts_push_edges(c->stack, &e, 1);
	}
	if (where == FENCE_WEST) { /* crossed from lat_a on and until lat_b */
		if (e.lat_a_e7 > c->rect.lat_min)
			turn_at(c->stack, e.lat_a_e7);
		else
			c->part.parity ^= e.lat_b_e7 > c->rect.lat_min;
		if (e.lat_b_e7 > c->rect.lat_min)
			turn_at(c->stack, e.lat_b_e7);
	}
	return STATUS_OK;
}

static int by_value(const void *a, const void *b)
{
	int32_t x = *(const int32_t *)a, y = *(const int32_t *)b;
	return (x > y) - (x < y);
}

/* Sorts the turns within the cell and drops those that cancel. */
static void tidy_turns(struct fence_parts *p, int64_t lat_end)
{
	size_t kept = 0;
	qsort(p->turns, p->turn_count, sizeof *p->turns, by_value);
	for (size_t i = 0; i < p->turn_count; i++) {
		if (kept && p->turns[kept - 1] == p->turns[i])
			kept--;
		else if (p->turns[i] < lat_end)
			p->turns[kept++] = p->turns[i];
	}
	p->turn_count = kept;
}

static enum status add_closing(struct clip *c, int64_t lat_from, int32_t lat_to)
{
	int32_t lon = (int32_t)(c->rect.lon_min - 1);
	struct fence_edge e = {(int32_t)lat_from, lon, lat_to, lon};
	c->part.closing++;
	return fence_parts_push_edges(c->stack, &e, 1);
}

/* An odd number of turns: the first closing edge begins at the cell's southern end and the parity makes up for it. */
static enum status end_clip(struct clip *c)
{
	struct fence_parts *p = c->stack;
	enum status status = STATUS_OK;
	size_t i = 0;
	tidy_turns(p, c->rect.lat_max);
	/* where no edge meets the cell it is all inside or all outside */
	assert(c->part.real || !p->turn_count);
	if (p->turn_count % 2) {
		c->part.parity ^= true;
		status = add_closing(c, c->rect.lat_min, p->turns[i++]);
	}
	for (; !status && i < p->turn_count; i += 2)
		status = add_closing(c, p->turns[i], p->turns[i + 1]);
	if (!status && (c->part.real || c->part.parity))
		status = fence_parts_push(p, &c->part);
	if (status)
		p->edge_count = c->edge_mark;
	return status;
}

enum status fence_parts_clip(struct fence_parts *p, size_t index, const struct fence_cell *cell)
{
	struct clip c;
	struct fence_part from = p->parts[index];
	uint32_t count = from.real + from.closing;
	if (fence_part_covers(&from))
		return fence_parts_push(p, &from);
	enum status status = begin_clip(&c, p, &from, cell, count);
	for (uint32_t i = 0; !status && i < count; i++)
		status = take_edge(&c, p->edges[from.first + i]);
	return status ? (p->edge_count = c.edge_mark, status) : end_clip(&c);
}

enum status fence_parts_clip_area(struct fence_parts *p, uint32_t slot, bool remove, const struct fence_area *area,
				  const struct fence_cell *cell)
{
	struct clip c;
	struct fence_part whole = {.slot = slot, .remove = remove};
	enum status status = begin_clip(&c, p, &whole, cell, area->point_count);
	for (uint32_t ring = 0, i = 0; ring < area->ring_count; ring++) {
		struct geo_point before = area->points[area->ring_ends[ring] - 1];
		for (; !status && i < area->ring_ends[ring]; before = area->points[i++])
			status = take_edge(&c, fence_edge_of(before, area->points[i]));
	}
	return status ? (p->edge_count = c.edge_mark, status) : end_clip(&c);
}
