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
#if defined(__SSE2__)
#include <emmintrin.h>
#endif

#include "engine/geo/fence_snapshot.h"

#define MASK_EDGES 63
#define GATHER_SLOTS 256
/* A device that stays within this much (11 m of latitude) of where it was lingers: it pays to find out how far the
 * answer holds around it. */
#define LINGER_E7 1000
#define CURSOR_UNKNOWN UINT32_MAX

/* --- one leaf --- */

/* Whether the k-th fence of any leaf holds p. */
static bool entry_holds(const struct fence_leaf *l, uint32_t k, struct geo_point p)
{
	struct fence_entry x = fence_leaf_entry(l, k);
	bool inside = x.parity;
	for (uint32_t i = fence_leaf_begin(l, k); i < x.end; i++) {
		struct fence_edge e = fence_leaf_edge(l, i);
		if (p.lat_e7 < e.lat_a_e7 || p.lat_e7 > e.lat_b_e7)
			continue;
		int side = fence_edge_side(e, p);
		if (side == 0 && fence_edge_spans(e, p))
			return true;
		inside ^= side < 0 && p.lat_e7 < e.lat_b_e7;
	}
	return inside;
}

/* What a leaf of at most MASK_EDGES edges says of a position, one bit an edge. */
struct masks {
	uint64_t west;   /* the ray to the west crosses it */
	uint64_t border; /* the position is on it */
};

static inline void mask_edge(struct masks *m, struct fence_edge e, unsigned i, struct geo_point p)
{
	int64_t east = ((int64_t)e.lon_b_e7 - e.lon_a_e7) * ((int64_t)p.lat_e7 - e.lat_a_e7);
	int64_t north = ((int64_t)p.lon_e7 - e.lon_a_e7) * ((int64_t)e.lat_b_e7 - e.lat_a_e7);
	unsigned through = (p.lat_e7 >= e.lat_a_e7) & (p.lat_e7 < e.lat_b_e7); /* no branch: it cannot be foreseen */
	m->west |= (uint64_t)(through & (east < north)) << i;
	if (__builtin_expect(east == north, 0) && p.lat_e7 >= e.lat_a_e7 && p.lat_e7 <= e.lat_b_e7)
		m->border |= (uint64_t)fence_edge_spans(e, p) << i;
}

#if defined(__SSE2__) /* every x86-64 has it; four edges at a time */
static inline __m128i edges_narrow(const int16_t *from)
{
	return _mm_loadl_epi64((const __m128i *)from);
}

/* Differences fit 16 bits, so that the difference of two products of theirs fits 32. */
static inline struct masks masks_narrow(const struct fence_leaf *l, struct geo_point p)
{
	uint32_t n = fence_leaf_lanes(l);
	const int16_t *e = (const int16_t *)l->edges;
	__m128i y = _mm_set1_epi16((int16_t)(p.lat_e7 - l->lat)), x = _mm_set1_epi16((int16_t)(p.lon_e7 - l->lon));
	uint64_t west = 0, line = 0;
	for (uint32_t i = 0; i < n; i += FENCE_LANES) {
		__m128i lat_a = edges_narrow(e + i), lat_b = edges_narrow(e + n + i);
		__m128i lon_a = edges_narrow(e + 2 * n + i), lon_b = edges_narrow(e + 3 * n + i);
		__m128i run = _mm_unpacklo_epi16(_mm_sub_epi16(lon_b, lon_a), _mm_sub_epi16(lat_b, lat_a));
		__m128i off = _mm_unpacklo_epi16(_mm_sub_epi16(y, lat_a), _mm_sub_epi16(lon_a, x));
		__m128i side = _mm_madd_epi16(run, off);
		__m128i at = _mm_andnot_si128(_mm_cmpgt_epi16(lat_a, y), _mm_cmpgt_epi16(lat_b, y));
		__m128i crossed = _mm_and_si128(_mm_unpacklo_epi16(at, at), side);
		__m128i on = _mm_cmpeq_epi32(side, _mm_setzero_si128());
		west |= (uint64_t)(unsigned)_mm_movemask_ps(_mm_castsi128_ps(crossed)) << i;
		line |= (uint64_t)(unsigned)_mm_movemask_ps(_mm_castsi128_ps(on)) << i;
	}
	struct masks m = {west, 0};
	for (; __builtin_expect(line != 0, 0); line &= line - 1)
		mask_edge(&m, fence_leaf_edge(l, (unsigned)__builtin_ctzll(line)), (unsigned)__builtin_ctzll(line), p);
	for (uint32_t i = 0; i < l->far_count; i++)
		mask_edge(&m, fence_leaf_far(l)[i].edge, fence_leaf_far(l)[i].place, p);
	return m;
}
#endif

#if defined(__SSE2__)
/* The few edges between whose latitudes p lies are asked one by one. */
static inline struct masks masks_wide(const struct fence_leaf *l, struct geo_point p)
{
	uint32_t n = fence_leaf_lanes(l);
	__m128i y = _mm_set1_epi32(p.lat_e7);
	struct masks m = {0, 0};
	uint64_t off = 0;
	for (uint32_t i = 0; i < n; i += FENCE_LANES) {
		__m128i lat_a = _mm_loadu_si128((const __m128i *)(l->edges + i));
		__m128i lat_b = _mm_loadu_si128((const __m128i *)(l->edges + n + i));
		__m128i beside = _mm_or_si128(_mm_cmpgt_epi32(lat_a, y), _mm_cmpgt_epi32(y, lat_b));
		off |= (uint64_t)(unsigned)_mm_movemask_ps(_mm_castsi128_ps(beside)) << i;
	}
	/* what pads has no latitudes between its ends */
	for (uint64_t at = ~off & (n < 64 ? (UINT64_C(1) << n) - 1 : UINT64_MAX); at; at &= at - 1) {
		unsigned i = (unsigned)__builtin_ctzll(at);
		struct fence_edge e = {l->edges[i], l->edges[2 * n + i], l->edges[n + i], l->edges[3 * n + i]};
		mask_edge(&m, e, i, p);
	}
	return m;
}
#endif

static inline struct masks masks_of(const struct fence_leaf *l, struct geo_point p)
{
#if defined(__SSE2__)
	return l->narrow ? masks_narrow(l, p) : masks_wide(l, p);
#endif
	struct masks m = {0, 0};
	for (uint32_t i = 0; i < l->edge_count; i++)
		mask_edge(&m, fence_leaf_edge(l, i), i, p);
	return m;
}

/* Bit i: whether an odd number of the bits below i is set. */
static inline uint64_t parities(uint64_t bits)
{
	bits <<= 1;
	for (unsigned shift = 1; shift < 64; shift *= 2)
		bits ^= bits << shift;
	return bits;
}

/* Whether the fence holds a position with the parities `odd`; `before`: the parity where its edges begin, and end. */
static inline uint32_t entry_odd(uint64_t odd, uint32_t end, uint32_t parity, uint32_t *before)
{
	uint32_t until = (uint32_t)(odd >> end) & 1, own = until ^ *before ^ parity;
	*before = until;
	return own;
}

/* The fences of a leaf of at most MASK_EDGES edges that hold p, ascending; returns how many. */
static inline uint32_t leaf_find(const struct fence_leaf *l, struct geo_point p, uint32_t *slots)
{
	struct masks m = masks_of(l, p);
	uint64_t odd = parities(m.west);
	const struct fence_entry_narrow *x = (const struct fence_entry_narrow *)fence_leaf_lists(l);
	uint32_t count = 0, before = 0, fences = l->fence_count;
	if (__builtin_expect(m.border != 0, 0)) {
		for (uint32_t k = 0; k < fences; k++) {
			slots[count] = fence_leaf_entry(l, k).slot;
			count += entry_holds(l, k, p);
		}
	} else if (l->narrow) {
		for (uint32_t k = 0; k < fences; k++) {
			slots[count] = x[k].slot;
			count += entry_odd(odd, x[k].end, x[k].parity, &before);
		}
	} else {
		for (uint32_t k = 0; k < fences; k++) {
			struct fence_entry wide = fence_leaf_entry(l, k);
			slots[count] = wide.slot;
			count += entry_odd(odd, wide.end, wide.parity, &before);
		}
	}
	return count;
}

/* --- the way to a leaf --- */

struct way {
	const struct fence_leaf *leaf; /* NULL: none */
	unsigned shift;                /* of its cell */
	unsigned list_count;
	uint32_t covering_count; /* in all lists */
	struct {
		const uint32_t *slots;
		uint32_t count;
	} lists[FENCE_LEVELS + 1];
};

static inline void way_add(struct way *w, const uint32_t *slots, uint32_t count)
{
	w->lists[w->list_count].slots = slots;
	w->lists[w->list_count].count = count;
	w->list_count += count != 0;
	w->covering_count += count;
}

/* A leaf of the common size, before its header says where what begins. Always inline: gcc 12 takes a function that does
 * nothing but prefetch for one without effect, and drops the call. */
static inline __attribute__((always_inline)) void prefetch_leaf(const struct fence_leaf *l)
{
	for (unsigned line = 0; l && line < 5; line++)
		__builtin_prefetch((const char *)l + 64 * line);
}

static inline void way_to(const struct fence_index *index, struct geo_point p, struct way *w)
{
	fence_child child = index->root;
	w->shift = 32;
	w->list_count = w->covering_count = 0;
	for (unsigned level = 0; fence_child_is_node(child); level++) {
		const struct fence_node *n = fence_child_node(child);
		unsigned bits = fence_level_bits[level];
		w->shift -= bits;
		way_add(w, n->covering, n->covering_count);
		child = fence_node_children(n, bits)[fence_child_index(bits, w->shift, p.lat_e7, p.lon_e7)];
	}
	w->leaf = fence_child_leaf(child);
	prefetch_leaf(w->leaf);
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
	struct way w;
	way_to(index, p, &w);
	for (unsigned i = 0; i < w.list_count; i++)
		for (uint32_t k = 0; k < w.lists[i].count; k++)
			gather_add(g, w.lists[i].slots[k]);
	for (uint32_t k = 0; w.leaf && k < w.leaf->fence_count; k++)
		if (entry_holds(w.leaf, k, p))
			gather_add(g, fence_leaf_entry(w.leaf, k).slot);
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
	return c->snapshot == i->id && (uint32_t)p.lat_e7 - (uint32_t)c->lat_min_e7 <= c->lat_span_e7 &&
	       (uint32_t)p.lon_e7 - (uint32_t)c->lon_min_e7 <= c->lon_span_e7;
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

static void cursor_learn(struct fence_cursor *c, const struct fence_index *i, const struct way *w, struct geo_point p,
			 const uint32_t *slots, size_t count)
{
	bool lingers = cursor_in_box(c, i, p), edges = w->leaf && w->leaf->edge_count;
	int64_t reach = INT64_C(1) << w->shift;
	c->snapshot = i->id;
	if (edges)
		reach = lingers ? quiet_around(w->leaf, p, reach) : LINGER_E7;
	cursor_set_box(c, p, w->shift, reach);
	if ((edges && !lingers) || count > FENCE_CURSOR_SLOTS) {
		c->count = CURSOR_UNKNOWN;
		return;
	}
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

/* slots[0 .. n) and the list of m, both ascending, into slots[0 .. n + m). */
static inline void merge(uint32_t *slots, size_t n, const uint32_t *list, size_t m)
{
	while (m) { /* which is higher cannot be foreseen: no branch on it, and none for a compiler to make of it */
		uint32_t any = n != 0, x = slots[n - any] & (0 - any), y = list[m - 1], own = x > y;
		slots[n + m - 1] = y ^ ((x ^ y) & (0 - own));
		n -= own;
		m -= 1 - own;
	}
}

#if defined(__SSE2__)
#define FEW 16

/* The same of all lists at once, FEW slots together at most: slots are all different, so that the place of each is how
 * many are lower. `few` has the leaf's, and room for FEW and two more fours. */
static inline void merge_few(const struct way *w, uint32_t *few, size_t count, uint32_t *slots)
{
	const __m128i none = _mm_set1_epi32(INT32_MAX);
	__m128i all[FEW / 4];
	for (unsigned k = 0; k < w->list_count; k++) {
		for (uint32_t i = 0; i < w->lists[k].count;
		     i += FENCE_LANES) /* past its end: into the next one's place */
			_mm_storeu_si128((__m128i *)(few + count + i),
					 _mm_loadu_si128((const __m128i *)(w->lists[k].slots + i)));
		count += w->lists[k].count;
	}
	for (size_t i = count; i < FEW; i += 4)
		_mm_storeu_si128((__m128i *)(few + i), none);
	for (unsigned k = 0; k < FEW / 4; k++)
		all[k] = _mm_loadu_si128((const __m128i *)(few + 4 * k));
	for (size_t i = 0; i < count; i++) {
		__m128i own = _mm_set1_epi32((int32_t)few[i]);
		__m128i a = _mm_packs_epi32(_mm_cmpgt_epi32(own, all[0]), _mm_cmpgt_epi32(own, all[1]));
		__m128i b = _mm_packs_epi32(_mm_cmpgt_epi32(own, all[2]), _mm_cmpgt_epi32(own, all[3]));
		unsigned lower = (unsigned)_mm_movemask_epi8(_mm_packs_epi16(a, b));
		slots[__builtin_popcount(lower)] = few[i];
	}
}
#endif

size_t fence_index_find(const struct fence_index *i, struct fence_cursor *cursor, struct geo_point p, uint32_t *slots,
			size_t max)
{
	struct way w;
	if (cursor && cursor_in_box(cursor, i, p) && cursor->count != CURSOR_UNKNOWN) {
		memcpy(slots, cursor->slots, (cursor->count < max ? cursor->count : max) * sizeof *slots);
		return cursor->count;
	}
	if (!fence_on_globe(p) || on_antimeridian(p))
		return gather_all(&(struct asked){.index = i, .p = p}, slots, max);
	way_to(i, p, &w);
	size_t in_leaf = w.leaf ? w.leaf->fence_count : 0;
	if ((w.leaf && w.leaf->edge_count > MASK_EDGES) || in_leaf + w.covering_count > max)
		return gather_all(&(struct asked){.index = i, .p = p}, slots, max);
	size_t count;
#if defined(__SSE2__)
	if (w.list_count && in_leaf + w.covering_count <= FEW) {
		uint32_t few[FEW + 8];
		count = in_leaf ? leaf_find(w.leaf, p, few) : 0;
		merge_few(&w, few, count, slots);
		count += w.covering_count;
	} else
#endif
	{
		count = in_leaf ? leaf_find(w.leaf, p, slots) : 0;
		for (unsigned k = 0; k < w.list_count; k++) {
			merge(slots, count, w.lists[k].slots, w.lists[k].count);
			count += w.lists[k].count;
		}
	}
	if (cursor)
		cursor_learn(cursor, i, &w, p, slots, count);
	return count;
}

/* The box is convex, and what holds a point of it holds all of it. */
bool fence_cursor_covers(const struct fence_index *i, const struct fence_cursor *cursor, struct geo_point p,
			 struct geo_point q)
{
	return cursor->count != CURSOR_UNKNOWN && cursor_in_box(cursor, i, p) && cursor_in_box(cursor, i, q);
}

/* All positions go down a level before any goes on: what one waits for is on its way for the others. */
void fence_index_expect(const struct fence_index *i, struct fence_cursor *const *cursors,
			const struct geo_point *points, size_t count)
{
	fence_child at[FENCE_EXPECT_MAX];
	struct geo_point p[FENCE_EXPECT_MAX];
	size_t left = 0;
	for (size_t k = 0; k < count; k++) {
		const struct fence_cursor *c = cursors ? cursors[k] : NULL;
		if (c && cursor_in_box(c, i, points[k]) && c->count != CURSOR_UNKNOWN)
			continue;
		at[left] = i->root;
		p[left++] = points[k];
	}
	for (unsigned level = 0, shift = 32; left; level++) {
		size_t kept = 0;
		unsigned bits = fence_level_bits[level], below = fence_level_bits[level + 1];
		shift -= bits;
		for (size_t k = 0; k < left; k++) {
			fence_child child =
				fence_node_children(fence_child_node(at[k]),
						    bits)[fence_child_index(bits, shift, p[k].lat_e7, p[k].lon_e7)];
			if (!fence_child_is_node(child)) {
				prefetch_leaf(fence_child_leaf(child));
				continue;
			}
			const struct fence_node *n = fence_child_node(child);
			size_t next = fence_child_index(below, shift - below, p[k].lat_e7, p[k].lon_e7);
			__builtin_prefetch(n);
			__builtin_prefetch((const char *)n + 64);
			__builtin_prefetch(&fence_node_children(n, below)[next]);
			at[kept] = child;
			p[kept++] = p[k];
		}
		left = kept;
	}
}

size_t fence_index_find_segment(const struct fence_index *i, struct geo_point p, struct geo_point q, uint32_t *slots,
				size_t max)
{
	return gather_all(&(struct asked){i, p, q, true}, slots, max);
}
