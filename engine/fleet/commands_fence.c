#include "engine/fleet/commands_fence.h"

#include <stdarg.h>
#include <stdio.h>

#include "engine/core/clock.h"
#include "engine/geo/distance.h"

/* A ring is a circle when its vertices lie this near to one (and a ten-thousandth of the radius: the middle of the box
 * is not quite the centre on the ellipsoid), and its edges are nowhere further from it than half a metre. */
#define CIRCLE_TOLERANCE_MM 200
#define CIRCLE_CHORD_MM 500
#define CIRCLE_POINTS_MIN 8
/* what BCD times reach */
#define TIME_FIRST_MS INT64_C(946656000000) /* 2000-01-01T00:00:00+08:00 */
#define TIME_LAST_MS INT64_C(4102415999000) /* 2099-12-31T23:59:59+08:00 */

static enum status refuse(struct command_refusal *why, const char *format, ...) __attribute__((format(printf, 2, 3)));
static enum status refuse(struct command_refusal *why, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	vsnprintf(why->text, sizeof why->text, format, args);
	va_end(args);
	return STATUS_UNSUPPORTED;
}

/* --- shape --- */

/* Nearest, ties away from zero. */
static int32_t e6_of(int32_t e7)
{
	return e7 < 0 ? -((5 - e7) / 10) : (e7 + 5) / 10;
}

static struct command_point point_of(struct geo_point p)
{
	return (struct command_point){e6_of(p.lat_e7), e6_of(p.lon_e7)};
}

static bool is_rectangle(const struct fence_area *a)
{
	if (a->point_count != 4)
		return false;
	for (int i = 0; i < 4; i++) {
		const struct geo_point *p = &a->points[i], *q = &a->points[(i + 1) % 4];
		bool along = p->lat_e7 == q->lat_e7, across = p->lon_e7 == q->lon_e7;
		const struct geo_point *r = &a->points[(i + 2) % 4];
		/* edges take turns */
		if (along == across || (along && q->lon_e7 != r->lon_e7) || (across && q->lat_e7 != r->lat_e7))
			return false;
	}
	return true;
}

static struct geo_point middle_of(const struct box *b)
{
	return (struct geo_point){(int32_t)(((int64_t)b->lat_min_e7 + b->lat_max_e7) / 2),
				  (int32_t)(((int64_t)b->lon_min_e7 + b->lon_max_e7) / 2)};
}

static int64_t between_mm(struct geo_point a, struct geo_point b)
{
	return distance_mm(a.lat_e7, a.lon_e7, b.lat_e7, b.lon_e7);
}

static bool is_circle(const struct fence_area *a, struct geo_point centre, int64_t *out_radius_mm)
{
	int64_t least = INT64_MAX, most = 0;
	if (a->point_count < CIRCLE_POINTS_MIN)
		return false;
	for (uint32_t i = 0; i < a->point_count; i++) {
		int64_t mm = between_mm(centre, a->points[i]);
		least = mm < least ? mm : least;
		most = mm > most ? mm : most;
	}
	*out_radius_mm = (least + most) / 2;
	if (most - least > CIRCLE_TOLERANCE_MM + *out_radius_mm / 10000)
		return false;
	for (uint32_t i = 0; i < a->point_count; i++) {
		int64_t edge = between_mm(a->points[i], a->points[(i + 1) % a->point_count]);
		if (edge > *out_radius_mm || edge * edge > 8 * *out_radius_mm * CIRCLE_CHORD_MM)
			return false;
	}
	return true;
}

static enum status take_shape(const struct fence_area *a, struct command_area *out, struct command_refusal *why)
{
	int64_t radius_mm;
	struct geo_point centre = middle_of(&a->box);
	if (a->ring_count > 1)
		return refuse(why, "%u rings: a terminal knows no holes and no several parts", a->ring_count);
	if (is_rectangle(a)) {
		out->shape = AREA_RECTANGLE;
		out->points[0] = point_of((struct geo_point){a->box.lat_max_e7, a->box.lon_min_e7});
		out->points[1] = point_of((struct geo_point){a->box.lat_min_e7, a->box.lon_max_e7});
		out->point_count = 2;
	} else if (is_circle(a, centre, &radius_mm)) {
		out->shape = AREA_CIRCLE;
		out->points[0] = point_of(centre);
		out->point_count = 1;
		out->radius_m = (uint32_t)((radius_mm + 500) / 1000);
	} else if (a->point_count > COMMAND_POINTS_MAX) {
		return refuse(why, "%u vertices: a terminal takes at most %d", a->point_count, COMMAND_POINTS_MAX);
	} else {
		out->shape = AREA_POLYGON;
		for (uint32_t i = 0; i < a->point_count; i++)
			out->points[i] = point_of(a->points[i]);
		out->point_count = (uint16_t)a->point_count;
	}
	return STATUS_OK;
}

/* --- time --- */

static enum status take_hours(const struct fence *f, struct command_area *out, struct command_refusal *why)
{
	const struct schedule *s = &f->when;
	if (s->hours_count > 1)
		return refuse(why, "%u spans of hours: a terminal knows one", s->hours_count);
	if (s->hours[0].from_s > s->hours[0].to_s)
		return refuse(why, "hours over midnight: a terminal's day ends there");
	out->time = AREA_DAILY;
	out->from = s->hours[0].from_s;
	out->to = s->hours[0].to_s - 1; /* a terminal's end is included */
	return STATUS_OK;
}

static enum status take_time(const struct fence *f, int64_t now_ms, struct command_area *out,
			     struct command_refusal *why)
{
	const struct schedule *s = &f->when;
	int64_t from_ms = s->from_ms > f->valid_from_ms ? s->from_ms : f->valid_from_ms;
	int64_t to_ms = s->to_ms < f->valid_to_ms ? s->to_ms : f->valid_to_ms;
	bool spanned = from_ms > now_ms || to_ms != INT64_MAX;
	if (s->seasons_count)
		return refuse(why, "seasons: a terminal knows hours or one span");
	if (s->days != 0x7f)
		return refuse(why, "days of the week: a terminal knows every day or one span");
	if (s->hours_count && spanned)
		return refuse(why, "hours within a span: a terminal knows one of them");
	if (s->hours_count)
		return take_hours(f, out, why);
	if (!spanned)
		return STATUS_OK;
	out->time = AREA_SPAN;
	out->from = from_ms < TIME_FIRST_MS ? TIME_FIRST_MS : from_ms;
	out->to = to_ms > TIME_LAST_MS ? TIME_LAST_MS : to_ms - MS_PER_SECOND;
	out->from -= out->from % MS_PER_SECOND;
	out->to -= out->to % MS_PER_SECOND;
	return STATUS_OK;
}

enum status command_of_fence(const struct fence *f, const struct area_wish *wish, int64_t now_ms,
			     struct command_content *out, struct command_refusal *why)
{
	struct command_area *a = &out->area;
	memset(out, 0, sizeof *out);
	out->kind = COMMAND_SET_AREA;
	a->id = area_id_of_fence(span_of_string(f->id));
	a->setting = wish->setting;
	a->flags = wish->flags;
	a->over_s = wish->over_s;
	a->night_limit_kmh = wish->night_limit_kmh;
	a->limit_kmh = f->limit_dkmh / 10;
	memcpy(a->name, f->name, sizeof a->name);
	if (f->limit_dkmh % 10)
		return refuse(why, "%u.%u km/h: a terminal's limit is whole km/h", f->limit_dkmh / 10,
			      f->limit_dkmh % 10);
	enum status status = take_time(f, now_ms, a, why);
	if (!status)
		status = take_shape(f->area, a, why);
	if (!status && a->shape == AREA_POLYGON)
		a->setting = AREA_UPDATE; /* a message of one polygon has no setting */
	return status ? status : command_check(out, why);
}
