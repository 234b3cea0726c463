/* evidence_svg.c -- the drawings of an evidence sheet: the way driven with the fence's outline, and the speed on it.
 *
 * Places are drawn on a plane: longitude times the cosine of the middle latitude, so that a metre is as long both ways.
 * Coordinates are whole tenths of a unit of the view; points that fall on the one before are left out. */
#include <math.h>
#include <stdio.h>

#include "engine/core/clock.h"
#include "query/export/evidence.h"
#include "query/export/export_track.h"

#define WIDTH 800
#define MAP_HEIGHT 480
#define PROFILE_HEIGHT 220
#define EDGE 40 /* of the profile: room for its labels */
/* a degree of latitude on the mean sphere of 6,371,008.8 m (IUGG), and the least width that is drawn */
#define METRES_PER_DEGREE 111195.0
#define SPAN_MIN_M 200.0
/* a fence so many times larger than the way is not drawn whole */
#define FENCE_TIMES_MAX 30.0

struct view {
	double lat, lon;   /* of the middle, degrees */
	double lon_metres; /* of a degree of longitude there */
	double units_per_metre;
};

struct place {
	long x, y; /* tenths of a unit */
};

static bool is_drawn(const struct report *r)
{
	return !(r->flags & REPORT_FLAG_NO_FIX) && export_has_position(r);
}

static void box_add(struct box *b, int32_t lat_e7, int32_t lon_e7)
{
	b->lat_min_e7 = lat_e7 < b->lat_min_e7 ? lat_e7 : b->lat_min_e7;
	b->lat_max_e7 = lat_e7 > b->lat_max_e7 ? lat_e7 : b->lat_max_e7;
	b->lon_min_e7 = lon_e7 < b->lon_min_e7 ? lon_e7 : b->lon_min_e7;
	b->lon_max_e7 = lon_e7 > b->lon_max_e7 ? lon_e7 : b->lon_max_e7;
}

/* The larger side, metres. */
static double box_metres(const struct box *b)
{
	double lat = ((double)b->lat_min_e7 + b->lat_max_e7) / 2 / E7_PER_DEGREE;
	double high = ((double)b->lat_max_e7 - b->lat_min_e7) / E7_PER_DEGREE * METRES_PER_DEGREE;
	double wide =
		((double)b->lon_max_e7 - b->lon_min_e7) / E7_PER_DEGREE * METRES_PER_DEGREE * cos(lat * M_PI / 180);
	return fmax(high, wide);
}

/* The way, where it began and ended, and the fence unless it is too large. */
static struct box drawn_box(const struct evidence *e)
{
	const struct finding *f = &e->row.violation->finding;
	struct box b = {f->start_lat_e7, f->start_lon_e7, f->start_lat_e7, f->start_lon_e7};
	box_add(&b, f->end_lat_e7, f->end_lon_e7);
	for (size_t i = 0; i < e->point_count; i++)
		if (is_drawn(&e->points[i]))
			box_add(&b, e->points[i].lat_e7, e->points[i].lon_e7);
	if (e->fence && e->fence->area) {
		struct box with = b;
		const struct box *fence = &e->fence->area->box;
		box_add(&with, fence->lat_min_e7, fence->lon_min_e7);
		box_add(&with, fence->lat_max_e7, fence->lon_max_e7);
		if (box_metres(&with) <= FENCE_TIMES_MAX * fmax(box_metres(&b), SPAN_MIN_M))
			b = with;
	}
	return b;
}

static struct view view_of(const struct box *b)
{
	struct view v;
	v.lat = ((double)b->lat_min_e7 + b->lat_max_e7) / 2 / E7_PER_DEGREE;
	v.lon = ((double)b->lon_min_e7 + b->lon_max_e7) / 2 / E7_PER_DEGREE;
	v.lon_metres = METRES_PER_DEGREE * fmax(cos(v.lat * M_PI / 180), 0.01);
	double high = ((double)b->lat_max_e7 - b->lat_min_e7) / E7_PER_DEGREE * METRES_PER_DEGREE;
	double wide = ((double)b->lon_max_e7 - b->lon_min_e7) / E7_PER_DEGREE * v.lon_metres;
	v.units_per_metre = 0.88 * fmin(MAP_HEIGHT / fmax(high, SPAN_MIN_M), WIDTH / fmax(wide, SPAN_MIN_M));
	return v;
}

static struct place place_of(const struct view *v, int32_t lat_e7, int32_t lon_e7)
{
	double x = ((double)lon_e7 / E7_PER_DEGREE - v->lon) * v->lon_metres * v->units_per_metre;
	double y = (v->lat - (double)lat_e7 / E7_PER_DEGREE) * METRES_PER_DEGREE * v->units_per_metre;
	return (struct place){lround((x + WIDTH / 2.0) * 10), lround((y + MAP_HEIGHT / 2.0) * 10)};
}

static enum status put_place(struct buf *out, char command, struct place p)
{
	return buf_printf(out, "%c%.1f %.1f", command, (double)p.x / 10, (double)p.y / 10);
}

static enum status put_ring(struct buf *out, const struct view *v, const struct geo_point *points, uint32_t count)
{
	struct place before = {0, 0};
	enum status status = STATUS_OK;
	for (uint32_t i = 0; i < count && !status; i++) {
		struct place p = place_of(v, points[i].lat_e7, points[i].lon_e7);
		if (i == 0 || p.x != before.x || p.y != before.y)
			status = put_place(out, i ? 'L' : 'M', p);
		before = p;
	}
	return status ? status : buf_append_u8(out, 'Z');
}

static enum status put_fence(struct buf *out, const struct view *v, const struct fence_area *a)
{
	enum status status = buf_printf(
		out, "<path fill=\"#f5a62333\" fill-rule=\"evenodd\" stroke=\"#b36b00\" stroke-width=\"1.5\" d=\"");
	for (uint32_t ring = 0, begin = 0; ring < a->ring_count && !status; begin = a->ring_ends[ring++])
		status = put_ring(out, v, a->points + begin, a->ring_ends[ring] - begin);
	return status ? status : buf_printf(out, "\"/>\n");
}

static enum status put_way(struct buf *out, const struct view *v, const struct evidence *e)
{
	bool begun = false;
	enum status status = buf_printf(out, "<path fill=\"none\" stroke=\"#1450a0\" stroke-width=\"2\" d=\"");
	for (size_t i = 0; i < e->point_count && !status; i++) {
		if (!is_drawn(&e->points[i]))
			continue;
		status = put_place(out, begun ? 'L' : 'M', place_of(v, e->points[i].lat_e7, e->points[i].lon_e7));
		begun = true;
	}
	if (!status && !begun)
		status = put_place(out, 'M', (struct place){0, 0});
	return status ? status : buf_printf(out, "\"/>\n");
}

static enum status put_mark(struct buf *out, struct place p, const char *colour, const char *label)
{
	double x = (double)p.x / 10, y = (double)p.y / 10;
	return buf_printf(out,
			  "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"5\" fill=\"%s\"/>"
			  "<text x=\"%.1f\" y=\"%.1f\" font-size=\"13\">%s</text>\n",
			  x, y, colour, x + 8, y - 6, label);
}

/* A length of 1, 2 or 5 times a power of ten that fits into a quarter of the width. */
static enum status put_scale(struct buf *out, const struct view *v)
{
	static const int steps[] = {2, 5, 10};
	double metres = 1, most = WIDTH / 4.0 / v->units_per_metre;
	for (double ten = 1; ten <= most && ten < 1e8; ten *= 10)
		for (int i = 0; i < 3; i++)
			metres = ten * steps[i] <= most ? ten * steps[i] : metres;
	double units = metres * v->units_per_metre;
	return buf_printf(out,
			  "<path stroke=\"#000\" stroke-width=\"2\" fill=\"none\" d=\"M12 %dv6h%.1fv-6\"/>"
			  "<text x=\"16\" y=\"%d\" font-size=\"12\">%.0f %s</text>"
			  "<text x=\"%d\" y=\"20\" font-size=\"14\" text-anchor=\"end\">北 N &#8593;</text>\n",
			  MAP_HEIGHT - 18, units, MAP_HEIGHT - 22, metres >= 1000 ? metres / 1000 : metres,
			  metres >= 1000 ? "km" : "m", WIDTH - 8);
}

static enum status svg_open(struct buf *out, int height, const char *label)
{
	return buf_printf(
		out,
		"<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" width=\"100%%\" role=\"img\" "
		"aria-label=\"%s\"><rect width=\"%d\" height=\"%d\" fill=\"#fbfbf8\" stroke=\"#999\"/>\n",
		WIDTH, height, label, WIDTH, height);
}

enum status evidence_map(const struct evidence *e, struct buf *out)
{
	const struct finding *f = &e->row.violation->finding;
	struct box b = drawn_box(e);
	struct view v = view_of(&b);
	enum status status = svg_open(out, MAP_HEIGHT, "轨迹图 map");
	if (!status && e->fence && e->fence->area)
		status = put_fence(out, &v, e->fence->area);
	if (!status)
		status = put_way(out, &v, e);
	if (!status)
		status = put_mark(out, place_of(&v, f->start_lat_e7, f->start_lon_e7), "#138a36", "起 start");
	if (!status)
		status = put_mark(out, place_of(&v, f->end_lat_e7, f->end_lon_e7), "#c01818", "止 end");
	if (!status)
		status = put_scale(out, &v);
	return status ? status : buf_printf(out, "</svg>\n");
}

/* --- speed --- */

struct profile {
	int64_t from_ms, to_ms, top_dkmh;
};

static struct place profile_place(const struct profile *p, int64_t time_ms, int64_t speed_dkmh)
{
	double wide = p->to_ms > p->from_ms ? (double)(time_ms - p->from_ms) / (double)(p->to_ms - p->from_ms) : 0;
	double high = (double)speed_dkmh / (double)p->top_dkmh;
	return (struct place){lround((EDGE + wide * (WIDTH - 2 * EDGE)) * 10),
			      lround((PROFILE_HEIGHT - EDGE - high * (PROFILE_HEIGHT - 2 * EDGE)) * 10)};
}

static enum status put_limit(struct buf *out, const struct profile *p, int64_t limit_dkmh)
{
	double y = (double)profile_place(p, p->from_ms, limit_dkmh).y / 10;
	return buf_printf(out,
			  "<path stroke=\"#c01818\" stroke-dasharray=\"6 4\" d=\"M%d %.1fH%d\"/>"
			  "<text x=\"%d\" y=\"%.1f\" font-size=\"12\" fill=\"#c01818\">限速 limit %.1f km/h</text>\n",
			  EDGE, y, WIDTH - EDGE, EDGE + 4, y - 4, (double)limit_dkmh / 10);
}

/* Broken where a speed is not known. */
static enum status put_speeds(struct buf *out, const struct profile *p, const struct evidence *e)
{
	bool broken = true;
	enum status status = buf_printf(out, "<path fill=\"none\" stroke=\"#1450a0\" stroke-width=\"1.5\" d=\"M0 0");
	for (size_t i = 0; i < e->point_count && !status; i++) {
		const struct report *r = &e->points[i];
		if (r->speed_dkmh != SPEED_UNKNOWN)
			status = put_place(out, broken ? 'M' : 'L', profile_place(p, r->time_ms, r->speed_dkmh));
		broken = r->speed_dkmh == SPEED_UNKNOWN;
	}
	return status ? status : buf_printf(out, "\"/>\n");
}

static enum status put_axes(struct buf *out, const struct profile *p)
{
	char from[TIME_TEXT_MAX], to[TIME_TEXT_MAX];
	time_format(p->from_ms, CHINA_OFFSET_MS, from);
	time_format(p->to_ms, CHINA_OFFSET_MS, to);
	int bottom = PROFILE_HEIGHT - EDGE;
	return buf_printf(
		out,
		"<path fill=\"none\" stroke=\"#000\" d=\"M%d %dV%dH%d\"/>"
		"<text x=\"4\" y=\"%d\" font-size=\"12\">%.1f</text><text x=\"4\" y=\"%d\" font-size=\"12\">0 "
		"km/h</text><text x=\"%d\" y=\"%d\" font-size=\"12\">%.19s</text>"
		"<text x=\"%d\" y=\"%d\" font-size=\"12\" text-anchor=\"end\">%.19s</text>\n",
		EDGE, EDGE, bottom, WIDTH - EDGE, EDGE + 4, (double)p->top_dkmh / 10, bottom + 14, EDGE + 30,
		bottom + 28, from, WIDTH - EDGE, bottom + 28, to);
}

enum status evidence_profile(const struct evidence *e, struct buf *out)
{
	const struct finding *f = &e->row.violation->finding;
	int64_t limit_dkmh = evidence_limit_dkmh(f);
	struct profile p = {f->start_ms, f->end_ms, limit_dkmh > 100 ? limit_dkmh : 100};
	for (size_t i = 0; i < e->point_count; i++)
		if (e->points[i].speed_dkmh != SPEED_UNKNOWN && e->points[i].speed_dkmh > p.top_dkmh)
			p.top_dkmh = e->points[i].speed_dkmh;
	enum status status = svg_open(out, PROFILE_HEIGHT, "速度曲线 speed");
	if (!status)
		status = put_axes(out, &p);
	if (!status)
		status = put_speeds(out, &p, e);
	if (!status && limit_dkmh)
		status = put_limit(out, &p, limit_dkmh);
	return status ? status : buf_printf(out, "</svg>\n");
}
