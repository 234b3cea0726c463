/* fence_find.c -- which fences hold a position, which a segment meets.
 *
 *   cursor ── same box ──> the answer again
 *     │ else
 *     ▼
 *   root ─> node ─> node ─> leaf        each with a list of slots that cover it, nearly all of them empty
 *                             └ crossing fences: a mask of the edges that the ray to the west crosses, one bit an edge,
 *                               and the parity of each fence's bits
 *
 * A segment meets the fences that hold its first position and those with an edge that it meets: such an edge crosses
 * a leaf on the segment's way.
 *
 * Common answers are put together in the caller's array. What does not fit, and what may find a slot twice, goes
 * through `struct gather`: rounds over the same cells, each of which takes the lowest slots not had before. */
#include <string.h>

#include "engine/geo/fence_pool.h"
#include "engine/geo/fence_snapshot.h"

#define GATHER_SLOTS 256
/* A device that stays within this much (11 m of latitude) of where it was lingers: it pays to find out how far the
 * answer holds around it. */
#define LINGER_E7 1000
#define CURSOR_UNKNOWN UINT32_MAX
#define NEAR_LEVELS 3
/* Slots of a cursor that are copied whether they are wanted or not. */
#define CURSOR_NEAR 16

/* --- the way to a leaf --- */

/* One level on; there is one. */
static inline void way_down(struct fence_way *w, struct geo_point p)
{
	const struct fence_node *n = fence_child_node(w->child);
	unsigned bits = fence_level_bits[w->level++];
	w->shift -= bits;
	if (fence_child_is_listed(w->child)) {
		w->lists[w->list_count++] = n;
		w->covering_count += n->covering_count;
	}
	w->child = fence_node_children(n, bits)[fence_child_index(bits, w->shift, p.lat_e7, p.lon_e7)];
}

/* From the root as many levels on as caches hold the nodes of in any case. */
static inline void way_near(struct fence_way *w, const struct fence_index *index, struct geo_point p)
{
	fence_child child = index->root;
	uint32_t covering_count = 0;
	unsigned level, shift = 32, list_count = 0;
#pragma GCC unroll 3
	for (level = 0; level < NEAR_LEVELS; level++) {
		if (!fence_child_is_node(child))
			break;
		const struct fence_node *n = fence_child_node(child);
		unsigned bits = fence_level_bits[level];
		shift -= bits;
		if (fence_child_is_listed(child)) {
			w->lists[list_count++] = n;
			covering_count += n->covering_count;
		}
		child = fence_node_children(n, bits)[fence_child_index(bits, shift, p.lat_e7, p.lon_e7)];
	}
	w->child = child;
	w->level = level;
	w->shift = shift;
	w->list_count = list_count;
	w->covering_count = covering_count;
}

/* Asks for what is read next. Always inline: gcc 12 takes a function that does nothing but prefetch for one without
 * effect, and drops the call. */
static inline __attribute__((always_inline)) void way_expect(const struct fence_way *w, struct geo_point p)
{
	if (fence_child_is_node(w->child)) {
		const struct fence_node *n = fence_child_node(w->child);
		unsigned bits = fence_level_bits[w->level];
		__builtin_prefetch(n);
		__builtin_prefetch(
			&fence_node_children(n, bits)[fence_child_index(bits, w->shift - bits, p.lat_e7, p.lon_e7)]);
		return;
	}
	unsigned last = fence_child_lines(w->child) - 1;
#pragma GCC unroll 5
	for (unsigned k = 0; k < 5; k++) /* its last line again and again: to stop there cannot be foreseen */
		__builtin_prefetch((const char *)fence_child_leaf(w->child) + FENCE_LINE_BYTES * (k < last ? k : last));
}

static inline void way_to(const struct fence_index *index, struct geo_point p, struct fence_way *w)
{
	way_near(w, index, p);
	while (fence_child_is_node(w->child))
		way_down(w, p);
	way_expect(w, p);
}

/* --- answers that do not fit, or may hold a slot twice --- */

struct gather {
	uint32_t from; /* lower slots have been told */
	uint32_t count;
	bool more;
	uint32_t slots[GATHER_SLOTS];
};

/* What a round asks. */
struct asked {
	const struct fence_index *index;
	struct geo_point p, q;
	bool segment;
};

static void gather_add(struct gather *g, uint32_t slot)
{
	uint32_t at = g->count;
	if (slot < g->from)
		return;
	while (at && g->slots[at - 1] > slot)
		at--;
	if (at && g->slots[at - 1] == slot)
		return;
	g->more |= g->count == GATHER_SLOTS;
	if (at == GATHER_SLOTS)
		return;
	uint32_t moved = g->count - at - (g->count == GATHER_SLOTS);
	memmove(g->slots + at + 1, g->slots + at, moved * sizeof *g->slots);
	g->slots[at] = slot;
	g->count += g->count < GATHER_SLOTS;
}

static void gather_position(struct gather *g, const struct fence_index *index, struct geo_point p)
{
	struct fence_way w;
	way_to(index, p, &w);
	for (unsigned i = 0; i < w.list_count; i++)
		for (uint32_t k = 0; k < w.lists[i]->covering_count; k++)
			gather_add(g, w.lists[i]->covering[k]);
	const struct fence_leaf *l = fence_child_leaf(w.child);
	for (uint32_t k = 0; l && k < l->fence_count; k++)
		if (fence_leaf_holds(l, k, p))
			gather_add(g, fence_leaf_entry(l, k).slot);
}

static bool on_antimeridian(struct geo_point p)
{
	return p.lon_e7 == BOX_ANTIMERIDIAN_E7 || p.lon_e7 == -BOX_ANTIMERIDIAN_E7;
}

static void gather_leaf(struct gather *g, const struct fence_leaf *l, int64_t cell_lon, const struct fence_line *line)
{
	for (uint32_t k = 0, i = 0; k < l->fence_count; k++) {
		struct fence_entry x = fence_leaf_entry(l, k);
		for (; i < x.end; i++) {
			struct fence_line edge = fence_line_of(fence_leaf_edge(l, i));
			bool closes = edge.lon_a == cell_lon - 1 && edge.lon_b == cell_lon - 1;
			if (closes || !fence_lines_meet(&edge, line))
				continue;
			gather_add(g, x.slot);
			i = x.end - 1;
		}
	}
}

/* Children from the one that holds the least to the one that holds the most of a range along one axis. */
static void range_of(int64_t least, int64_t most, int64_t start, unsigned shift, unsigned bits, int64_t range[2])
{
	int64_t last = (INT64_C(1) << bits) - 1;
	range[0] = (least - start - 1) >> shift; /* borders belong to both neighbours */
	range[1] = (most - start) >> shift;
	range[0] = range[0] < 0 ? 0 : range[0];
	range[1] = range[1] > last ? last : range[1];
}

static void gather_line(struct gather *g, fence_child child, struct fence_cell cell, const struct fence_line *line)
{
	struct fence_rect rect = fence_cell_rect(&cell), r = fence_line_rect(line);
	int64_t rows[2], columns[2];
	if (!child || fence_line_where(line, &rect) != FENCE_MEETS)
		return;
	if (!fence_child_is_node(child)) {
		gather_leaf(g, fence_child_leaf(child), cell.lon, line);
		return;
	}
	const struct fence_node *n = fence_child_node(child);
	unsigned shift = cell.shift - n->bits;
	range_of(r.lat_min, r.lat_max, cell.lat, shift, n->bits, rows);
	range_of(r.lon_min, r.lon_max, cell.lon, shift, n->bits, columns);
	for (int64_t row = rows[0]; row <= rows[1]; row++)
		for (int64_t column = columns[0]; column <= columns[1]; column++) {
			struct fence_cell part = {cell.lat + (row << shift), cell.lon + (column << shift), shift};
			gather_line(g, fence_node_children(n, n->bits)[row << n->bits | column], part, line);
		}
}

static void gather_round(struct gather *g, const struct asked *a)
{
	struct geo_point other = {a->p.lat_e7, -a->p.lon_e7};
	struct fence_line lines[2];
	if (fence_on_globe(a->p))
		gather_position(g, a->index, a->p);
	if (on_antimeridian(a->p))
		gather_position(g, a->index, other);
	int count = a->segment ? fence_segment_lines(a->p, a->q, lines) : 0;
	for (int i = 0; i < count; i++)
		gather_line(g, a->index->root, (struct fence_cell){INT32_MIN, INT32_MIN, 32}, &lines[i]);
}

static __attribute__((noinline)) size_t gather_all(const struct asked *a, uint32_t *slots, size_t max)
{
	struct gather g = {.from = 0};
	size_t total = 0;
	do {
		g.count = 0;
		g.more = false;
		gather_round(&g, a);
		size_t room = total < max ? max - total : 0;
		memcpy(slots + (room ? total : 0), g.slots, (g.count < room ? g.count : room) * sizeof *slots);
		total += g.count;
		if (g.more)
			g.from = g.slots[g.count - 1] + 1;
	} while (g.more);
	return total;
}

/* --- the cursor --- */

static inline bool cursor_in_box(const struct fence_cursor *c, const struct fence_index *i, struct geo_point p)
{
	return (c->snapshot == i->id) & ((uint32_t)p.lat_e7 - (uint32_t)c->lat_min_e7 <= c->lat_span_e7) &
	       ((uint32_t)p.lon_e7 - (uint32_t)c->lon_min_e7 <= c->lon_span_e7);
}

/* How far p may move along both axes at once, in units, without meeting an edge of the leaf; at most `most`. By the
 * edge's box, or by its line: |side| falls by at most |dlat| + |dlon| of the edge for each unit. */
static int64_t quiet_around(const struct fence_leaf *l, struct geo_point p, int64_t most)
{
	for (uint32_t i = 0; i < l->edge_count && most > 0; i++) {
		struct fence_line e = fence_line_of(fence_leaf_edge(l, i));
		struct fence_rect r = fence_line_rect(&e);
		int64_t lat_off = r.lat_min > p.lat_e7 ? r.lat_min - p.lat_e7 : p.lat_e7 - r.lat_max;
		int64_t lon_off = r.lon_min > p.lon_e7 ? r.lon_min - p.lon_e7 : p.lon_e7 - r.lon_max;
		int64_t off = (lat_off > lon_off ? lat_off : lon_off) - 1;
		if (off >= most)
			continue;
		/* each product below 2^63 (fence_edge.h), so that their distance fits 64 bits without a sign */
		int64_t east = (e.lon_b - e.lon_a) * (p.lat_e7 - e.lat_a);
		int64_t north = (p.lon_e7 - e.lon_a) * (e.lat_b - e.lat_a);
		uint64_t side = east > north ? (uint64_t)east - (uint64_t)north : (uint64_t)north - (uint64_t)east;
		uint64_t fall = (uint64_t)(r.lat_max - r.lat_min + r.lon_max - r.lon_min);
		int64_t line = side ? (int64_t)((side - 1) / fall) : 0;
		off = line > off ? line : off;
		most = off < most ? off : most;
	}
	return most;
}

/* The box of `reach` units around p within its cell, and within the antimeridian, where a position has two names. */
static void cursor_set_box(struct fence_cursor *c, struct geo_point p, unsigned shift, int64_t reach)
{
	int64_t side = INT64_C(1) << shift;
	int64_t lat = p.lat_e7 & -side, lon = p.lon_e7 & -side;
	int64_t lat_min = p.lat_e7 - reach > lat ? p.lat_e7 - reach : lat;
	int64_t lon_min = p.lon_e7 - reach > lon ? p.lon_e7 - reach : lon;
	int64_t lat_max = p.lat_e7 + reach < lat + side ? p.lat_e7 + reach : lat + side - 1;
	int64_t lon_max = p.lon_e7 + reach < lon + side ? p.lon_e7 + reach : lon + side - 1;
	lon_min = lon_min > -BOX_ANTIMERIDIAN_E7 ? lon_min : -BOX_ANTIMERIDIAN_E7 + 1;
	lon_max = lon_max < BOX_ANTIMERIDIAN_E7 ? lon_max : BOX_ANTIMERIDIAN_E7 - 1;
	c->lat_min_e7 = (int32_t)lat_min;
	c->lon_min_e7 = (int32_t)lon_min;
	c->lat_span_e7 = (uint32_t)(lat_max - lat_min);
	c->lon_span_e7 = (uint32_t)(lon_max - lon_min);
}

static void cursor_learn(struct fence_cursor *c, const struct fence_index *i, const struct fence_way *w,
			 struct geo_point p, const uint32_t *slots, size_t count)
{
	const struct fence_leaf *l = fence_child_leaf(w->child);
	bool lingers = cursor_in_box(c, i, p), edges = l && l->edge_count;
	int64_t reach = INT64_C(1) << w->shift;
	c->snapshot = i->id;
	if ((edges && !lingers) || count > FENCE_CURSOR_SLOTS) {
		c->lat_min_e7 = (int32_t)((uint32_t)p.lat_e7 - LINGER_E7);
		c->lon_min_e7 = (int32_t)((uint32_t)p.lon_e7 - LINGER_E7);
		c->lat_span_e7 = c->lon_span_e7 = 2 * LINGER_E7;
		c->count = CURSOR_UNKNOWN;
		return;
	}
	cursor_set_box(c, p, w->shift, edges ? quiet_around(l, p, reach) : reach);
	c->count = (uint32_t)count;
	memcpy(c->slots, slots, count * sizeof *slots);
}

bool fence_cursor_answer(const struct fence_index *i, const struct fence_cursor *c, struct box *out_box,
			 const uint32_t **out_slots, size_t *out_count)
{
	if (c->snapshot != i->id || c->count == CURSOR_UNKNOWN)
		return false;
	*out_box = (struct box){.lat_min_e7 = c->lat_min_e7,
				.lon_min_e7 = c->lon_min_e7,
				.lat_max_e7 = (int32_t)((uint32_t)c->lat_min_e7 + c->lat_span_e7),
				.lon_max_e7 = (int32_t)((uint32_t)c->lon_min_e7 + c->lon_span_e7)};
	*out_slots = c->slots;
	*out_count = c->count;
	return true;
}

/* --- questions --- */

/* What the map says of it lies in one cell. */
static inline bool is_ordinary(struct geo_point p)
{
	return (uint32_t)p.lat_e7 + 900000000u <= 1800000000u &&
	       (uint32_t)p.lon_e7 + (BOX_ANTIMERIDIAN_E7 - 1u) <= 2 * (BOX_ANTIMERIDIAN_E7 - 1u);
}

/* The way has come to its end. */
static inline size_t answer(const struct fence_index *i, struct fence_cursor *cursor, const struct fence_way *w,
			    struct geo_point p, uint32_t *slots, size_t max)
{
	const struct fence_leaf *l = fence_child_leaf(w->child);
	size_t most = w->covering_count + (l ? l->fence_count : 0);
	if (!is_ordinary(p) || most > max || (l && l->edge_count > FENCE_MASK_EDGES))
		return gather_all(&(struct asked){.index = i, .p = p}, slots, max);
	size_t count = i->answer(w, p, slots);
	if (cursor)
		cursor_learn(cursor, i, w, p, slots, count);
	return count;
}

static inline bool cursor_knows(const struct fence_cursor *c, const struct fence_index *i, struct geo_point p)
{
	return cursor_in_box(c, i, p) & (c->count != CURSOR_UNKNOWN);
}

size_t fence_index_find(const struct fence_index *i, struct fence_cursor *cursor, struct geo_point p, uint32_t *slots,
			size_t max)
{
	struct fence_way w;
	if (cursor && cursor_knows(cursor, i, p)) {
		memcpy(slots, cursor->slots, (cursor->count < max ? cursor->count : max) * sizeof *slots);
		return cursor->count;
	}
	way_to(i, p, &w);
	return answer(i, cursor, &w, p, slots, max);
}

/* --- many at once --- */

/* Positions of one turn, and how many steps each stage of a question is behind the one before it. */
#define TURN 256
#define STAGE 5
#define UNDER_WAY 16
static_assert(3 * STAGE < UNDER_WAY, "a way is kept until its answer");

/* As fence_index_find_many() has them. */
struct many {
	const struct fence_index *index;
	struct fence_cursor *const *cursors;
	const struct geo_point *points;
	uint32_t *slots;
	size_t max;
	uint32_t *found;
};

/* Answers what cursors know; the others of `count` into `asked`. Returns how many those are. What a cursor knows
 * cannot be foreseen: no branch on it. */
static inline size_t answer_known(const struct many *m, size_t count, uint32_t *asked)
{
	size_t left = 0;
	for (size_t k = 0; k < count; k++) {
		const struct fence_cursor *c = m->cursors[k];
		uint32_t *slots = m->slots + k * m->max;
		bool knows = cursor_knows(c, m->index, m->points[k]);
		asked[left] = (uint32_t)k;
		left += !knows;
		m->found[k] = c->count;
		if (m->max >= CURSOR_NEAR)
			memcpy(slots, c->slots, CURSOR_NEAR * sizeof *slots);
		if (knows && (c->count > CURSOR_NEAR || m->max < CURSOR_NEAR))
			memcpy(slots, c->slots, (c->count < m->max ? c->count : m->max) * sizeof *slots);
	}
	return left;
}

/* A step takes one question to the far levels, another a level on, a third to its leaf and answers a fourth: what a
 * stage reads was asked for STAGE steps before. */
static inline void answer_asked(const struct many *m, const uint32_t *asked, size_t count)
{
	struct fence_way ways[UNDER_WAY];
	for (size_t t = 0; t < count + 3 * STAGE; t++) {
		if (t < count) {
			struct fence_way *w = &ways[t % UNDER_WAY];
			struct geo_point p = m->points[asked[t]];
			way_near(w, m->index, p);
			way_expect(w, p);
		}
		if (t - STAGE < count) {
			struct fence_way *w = &ways[(t - STAGE) % UNDER_WAY];
			struct geo_point p = m->points[asked[t - STAGE]];
			if (fence_child_is_node(w->child)) {
				way_down(w, p);
				way_expect(w, p);
			}
		}
		if (t - 2 * STAGE < count) {
			struct fence_way *w = &ways[(t - 2 * STAGE) % UNDER_WAY];
			struct geo_point p = m->points[asked[t - 2 * STAGE]];
			if (fence_child_is_node(w->child)) {
				while (fence_child_is_node(w->child))
					way_down(w, p);
				way_expect(w, p);
			}
		}
		if (t - 3 * STAGE < count) {
			uint32_t k = asked[t - 3 * STAGE];
			m->found[k] = (uint32_t)answer(m->index, m->cursors ? m->cursors[k] : NULL,
						       &ways[(t - 3 * STAGE) % UNDER_WAY], m->points[k],
						       m->slots + k * m->max, m->max);
		}
	}
}

void fence_index_find_many(const struct fence_index *i, struct fence_cursor *const *cursors,
			   const struct geo_point *points, size_t count, uint32_t *slots, size_t max, uint32_t *found)
{
	uint32_t asked[TURN];
	for (size_t from = 0, n; from < count; from += n) {
		struct many m = {i,           cursors ? cursors + from : NULL, points + from, slots + from * max, max,
				 found + from};
		n = count - from < TURN ? count - from : TURN;
		size_t left = n;
		if (cursors)
			left = answer_known(&m, n, asked);
		else
			for (size_t k = 0; k < n; k++)
				asked[k] = (uint32_t)k;
		answer_asked(&m, asked, left);
	}
}

/* The box is convex, and what holds a point of it holds all of it. */
bool fence_cursor_covers(const struct fence_index *i, const struct fence_cursor *cursor, struct geo_point p,
			 struct geo_point q)
{
	return cursor_knows(cursor, i, p) && cursor_in_box(cursor, i, q);
}

size_t fence_index_find_segment(const struct fence_index *i, struct geo_point p, struct geo_point q, uint32_t *slots,
				size_t max)
{
	return gather_all(&(struct asked){i, p, q, true}, slots, max);
}
