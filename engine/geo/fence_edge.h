/* fence_edge.h -- the exact predicates under fences: edges, segments and rectangles on 1e-7 degrees.
 *
 *        b  ·           an edge runs from its southern end a to its northern end b (level ones from west to east)
 *          /            side < 0: the position lies east of it,  > 0: west of it,  0: on its line
 *      +1 / -1
 *        /              the ray from a position to the west crosses the edges with
 *     a ·                 lat_a <= lat < lat_b  and  side < 0
 *
 * The half-open rule counts an edge's southern end and not its northern one, so that a ray through a vertex counts
 * right, and level edges never.
 * Room: latitudes within +-9e8, longitudes within +-1.8e9, so that a product of differences stays below 6.5e18 < 2^63;
 * the difference of two such products does not, they are compared instead. Where positions may lie beyond the globe
 * (cells, segments taken round the antimeridian), 128 bits. Pure. */
#ifndef ZAYTON_GEO_FENCE_EDGE_H
#define ZAYTON_GEO_FENCE_EDGE_H

#include "engine/geo/fence.h"

struct fence_edge {
	int32_t lat_a_e7, lon_a_e7, lat_b_e7, lon_b_e7;
};

/* The same with room for what lies up to 360 degrees off. */
struct fence_line {
	int64_t lat_a, lon_a, lat_b, lon_b;
};

/* Borders belong to it. */
struct fence_rect {
	int64_t lat_min, lon_min, lat_max, lon_max;
};

static inline bool fence_on_globe(struct geo_point p)
{
	return p.lat_e7 >= -900000000 && p.lat_e7 <= 900000000 && p.lon_e7 >= -BOX_ANTIMERIDIAN_E7 &&
	       p.lon_e7 <= BOX_ANTIMERIDIAN_E7;
}

static inline struct fence_edge fence_edge_of(struct geo_point p, struct geo_point q)
{
	if (p.lat_e7 > q.lat_e7 || (p.lat_e7 == q.lat_e7 && p.lon_e7 > q.lon_e7))
		return (struct fence_edge){q.lat_e7, q.lon_e7, p.lat_e7, p.lon_e7};
	return (struct fence_edge){p.lat_e7, p.lon_e7, q.lat_e7, q.lon_e7};
}

static inline struct fence_line fence_line_of(struct fence_edge e)
{
	return (struct fence_line){e.lat_a_e7, e.lon_a_e7, e.lat_b_e7, e.lon_b_e7};
}

/* The sign as drawn above; for positions on the globe. */
static inline int fence_edge_side(struct fence_edge e, struct geo_point p)
{
	int64_t east = ((int64_t)e.lon_b_e7 - e.lon_a_e7) * ((int64_t)p.lat_e7 - e.lat_a_e7);
	int64_t north = ((int64_t)p.lon_e7 - e.lon_a_e7) * ((int64_t)e.lat_b_e7 - e.lat_a_e7);
	return (east > north) - (east < north);
}

/* Whether p, on the edge's line and between its latitudes, is on the edge: level edges need the question. */
static inline bool fence_edge_spans(struct fence_edge e, struct geo_point p)
{
	return e.lon_a_e7 < e.lon_b_e7 ? p.lon_e7 >= e.lon_a_e7 && p.lon_e7 <= e.lon_b_e7
				       : p.lon_e7 >= e.lon_b_e7 && p.lon_e7 <= e.lon_a_e7;
}

static inline int fence_line_side(const struct fence_line *l, int64_t lat, int64_t lon)
{
	__int128 east = (__int128)(l->lon_b - l->lon_a) * (lat - l->lat_a);
	__int128 north = (__int128)(lon - l->lon_a) * (l->lat_b - l->lat_a);
	return (east > north) - (east < north);
}

static inline struct fence_rect fence_line_rect(const struct fence_line *l)
{
	bool east = l->lon_b >= l->lon_a;
	return (struct fence_rect){l->lat_a, east ? l->lon_a : l->lon_b, l->lat_b, east ? l->lon_b : l->lon_a};
}

static inline bool fence_rects_meet(const struct fence_rect *a, const struct fence_rect *b)
{
	return a->lat_min <= b->lat_max && b->lat_min <= a->lat_max && a->lon_min <= b->lon_max &&
	       b->lon_min <= a->lon_max;
}

/* Where a line runs as seen from a rectangle. */
enum fence_where {
	FENCE_MEETS, /* it shares a point with it */
	FENCE_WEST,  /* wholly west of it as far as it runs between its latitudes */
	FENCE_AWAY   /* otherwise */
};

/* Separating axes: the two of the map, and the line itself against the two corners nearest to it. */
static inline enum fence_where fence_line_where(const struct fence_line *l, const struct fence_rect *r)
{
	struct fence_rect own = fence_line_rect(l);
	if (own.lat_min > r->lat_max || own.lat_max < r->lat_min || own.lon_min > r->lon_max)
		return FENCE_AWAY;
	if (own.lon_max < r->lon_min)
		return FENCE_WEST;
	bool east = l->lon_b >= l->lon_a;
	int north = fence_line_side(l, r->lat_max, east ? r->lon_min : r->lon_max);
	int south = fence_line_side(l, r->lat_min, east ? r->lon_max : r->lon_min);
	if (north < 0 && south < 0)
		return FENCE_WEST;
	return north > 0 && south > 0 ? FENCE_AWAY : FENCE_MEETS;
}

/* Whether two lines share a point. Where all lie on one line their rectangles decide. */
static inline bool fence_lines_meet(const struct fence_line *a, const struct fence_line *b)
{
	struct fence_rect ra = fence_line_rect(a), rb = fence_line_rect(b);
	return fence_rects_meet(&ra, &rb) &&
	       fence_line_side(a, b->lat_a, b->lon_a) * fence_line_side(a, b->lat_b, b->lon_b) <= 0 &&
	       fence_line_side(b, a->lat_a, a->lon_a) * fence_line_side(b, a->lat_b, a->lon_b) <= 0;
}

/* The segment p-q the short way round, and again 360 degrees off when it reaches the antimeridian, so that whatever
 * it shares with the globe's map lies on one of the two. Returns how many lines there are: 1 or 2. */
static inline int fence_segment_lines(struct geo_point p, struct geo_point q, struct fence_line lines[2])
{
	const int64_t turn = 2 * (int64_t)BOX_ANTIMERIDIAN_E7;
	int64_t lon_p = p.lon_e7, lon_q = q.lon_e7;
	if (lon_q - lon_p > turn / 2)
		lon_q -= turn;
	else if (lon_p - lon_q > turn / 2)
		lon_q += turn;
	if (p.lat_e7 <= q.lat_e7)
		lines[0] = (struct fence_line){p.lat_e7, lon_p, q.lat_e7, lon_q};
	else
		lines[0] = (struct fence_line){q.lat_e7, lon_q, p.lat_e7, lon_p};
	struct fence_rect r = fence_line_rect(&lines[0]);
	int64_t shift = r.lon_max >= turn / 2 ? -turn : r.lon_min <= -turn / 2 ? turn : 0;
	if (!shift)
		return 1;
	lines[1] = lines[0];
	lines[1].lon_a += shift;
	lines[1].lon_b += shift;
	return 2;
}

#endif
