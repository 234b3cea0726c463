/* encode_command_jt808.c -- commands to the wire. */
#include "ingest/jt808/command_jt808.h"

#include <stdarg.h>
#include <stdio.h>

#include "engine/core/charset.h"
#include "engine/core/clock.h"
#include "engine/core/writer.h"

/* 8203 confirms these alone (2013 table 30): what a terminal would repeat until somebody does */
#define CONFIRM_BITS (1u << 0 | 1u << 3 | 1u << 20 | 1u << 21 | 1u << 22 | 1u << 27 | 1u << 28)
/* attribute bits of an area that 2011 does not have */
#define AREA_FLAGS_2013 (AREA_NO_DOORS | AREA_NO_COMMUNICATION | AREA_GNSS_DETAIL)

struct encoding {
	const struct command_content *c;
	enum jt808_edition edition;
	struct command_refusal *why;
	struct writer w;
};

static const char *edition_text(enum jt808_edition e)
{
	return e == JT808_2019 ? "JT/T 808-2019" : e == JT808_2013 ? "JT/T 808-2013" : "JT/T 808-2011";
}

static void refuse(struct encoding *e, enum status status, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
static void refuse(struct encoding *e, enum status status, const char *format, ...)
{
	va_list args;
	if (e->w.status)
		return;
	va_start(args, format);
	vsnprintf(e->why->text, sizeof e->why->text, format, args);
	va_end(args);
	e->w.status = status;
}

static void since(struct encoding *e, enum jt808_edition first, const char *what)
{
	if (e->edition < first)
		refuse(e, STATUS_UNSUPPORTED, "%s: not in %s", what, edition_text(e->edition));
}

/* Text that is known to be in GBK, behind its size in `size_bytes` bytes (0: none). */
static void put_text(struct encoding *e, struct span utf8, size_t size_bytes)
{
	struct buf gbk = buf_init(COMMAND_UTF8_MAX * 2);
	enum status status = charset_utf8_to_gbk(utf8, &gbk);
	if (status)
		e->w.status = status;
	if (size_bytes)
		writer_be(&e->w, gbk.size, size_bytes);
	writer_put(&e->w, gbk.data, gbk.size);
	buf_deinit(&gbk);
}

static uint16_t put_message(struct encoding *e)
{
	const struct command_text *t = &e->c->text;
	unsigned flags =
		(t->flags & COMMAND_TEXT_DISPLAY ? 1u << 2 : 0) | (t->flags & COMMAND_TEXT_SPEECH ? 1u << 3 : 0) |
		(t->flags & COMMAND_TEXT_ADVERT ? 1u << 4 : 0) | (t->flags & COMMAND_TEXT_CAN_FAULT ? 1u << 5 : 0);
	if (t->flags & COMMAND_TEXT_CAN_FAULT)
		since(e, JT808_2013, "a text that is a fault code");
	if (e->edition == JT808_2019) {
		if (t->flags & COMMAND_TEXT_ADVERT)
			refuse(e, STATUS_UNSUPPORTED, "the advertising screen: not in JT/T 808-2019");
		/* 01 service, 10 urgent, 11 notice */
		flags |= t->flags & COMMAND_TEXT_URGENT ? 2 : t->type == COMMAND_TEXT_SERVICE ? 1 : 3;
		writer_be(&e->w, flags, 1);
		writer_be(&e->w, t->type, 1);
	} else {
		writer_be(&e->w, flags | (t->flags & COMMAND_TEXT_URGENT ? 1 : 0), 1);
	}
	put_text(e, span_of_string(t->text), 0);
	return 0x8300;
}

/* --- parameters --- */

static void put_parameter(struct encoding *e, const struct command_parameters *p, const struct command_parameter *i)
{
	static const uint8_t editions[] = {[JT808_2011] = 11, [JT808_2013] = 13, [JT808_2019] = 19};
	const struct parameter_definition *d = parameter_find(i->id);
	if (d && d->since > editions[e->edition])
		refuse(e, STATUS_UNSUPPORTED, "parameter %s (%04X): not in %s", d->name, i->id,
		       edition_text(e->edition));
	writer_be(&e->w, i->id, 4);
	switch ((enum parameter_form)i->form) {
	case PARAMETER_BYTE:
	case PARAMETER_WORD:
	case PARAMETER_DWORD:
		writer_be(&e->w, i->form, 1); /* the form of a number is its size */
		writer_be(&e->w, i->number, i->form);
		return;
	case PARAMETER_HOURS:
		writer_be(&e->w, 4, 1);
		writer_be(&e->w, i->number, 4);
		return;
	case PARAMETER_TEXT:
		put_text(e, command_parameter_value(p, i), 1);
		return;
	case PARAMETER_BYTES:
		writer_be(&e->w, i->size, 1);
		writer_put(&e->w, p->values + i->at, i->size);
		return;
	}
	refuse(e, STATUS_INVALID, "parameter %04X has no form", i->id);
}

static void put_parameters(struct encoding *e, const struct command_parameters *p)
{
	writer_be(&e->w, p->count, 1);
	for (unsigned i = 0; i < p->count; i++)
		put_parameter(e, p, &p->items[i]);
}

static uint16_t put_parameter_query(struct encoding *e)
{
	const struct command_parameters *p = &e->c->parameters;
	if (!p->count || e->edition == JT808_2011)
		return 0x8104;
	writer_be(&e->w, p->count, 1);
	for (unsigned i = 0; i < p->count; i++)
		writer_be(&e->w, p->items[i].id, 4);
	return 0x8106;
}

enum status jt808_parameters_encode(uint16_t serial, const struct command_parameters *p, struct buf *out)
{
	struct command_refusal ignored;
	struct encoding e = {.edition = JT808_2019, .why = &ignored, .w = writer_of(out)};
	writer_be(&e.w, serial, 2);
	put_parameters(&e, p);
	return writer_end(&e.w);
}

/* --- areas --- */

static void put_time(struct encoding *e, const struct command_area *a)
{
	uint8_t bcd[12] = {0};
	enum status status = STATUS_OK;
	for (int end = 0; end < 2 && a->time == AREA_DAILY; end++) {
		int64_t s = end ? a->to : a->from;
		uint8_t parts[3] = {(uint8_t)(s / 3600), (uint8_t)(s / 60 % 60), (uint8_t)(s % 60)};
		for (int i = 0; i < 3; i++) /* no date: every day */
			bcd[6 * end + 3 + i] = (uint8_t)(parts[i] / 10 << 4 | parts[i] % 10);
	}
	if (a->time == AREA_SPAN)
		status = bcd_time_encode(a->from, bcd);
	if (!status && a->time == AREA_SPAN)
		status = bcd_time_encode(a->to, bcd + 6);
	if (status)
		refuse(e, STATUS_OUT_OF_RANGE, "the area's time is not within 2000..2099");
	if (a->time != AREA_ALWAYS)
		writer_put(&e->w, bcd, sizeof bcd);
}

static uint16_t attributes_of(struct encoding *e, const struct command_area *a)
{
	unsigned flags = a->flags | (a->time != AREA_ALWAYS);
	if (a->flags & AREA_FLAGS_2013)
		since(e, JT808_2013, "doors, communication or positions as a matter of areas");
	if (a->night_limit_kmh)
		since(e, JT808_2019, "a speed limit for the night");
	if (a->shape == AREA_ROUTE)
		return (uint16_t)flags;
	flags |= a->limit_kmh ? 1u << 1 : 0;
	for (unsigned i = 0; i < a->point_count; i++)
		flags |= (a->points[i].lat_e6 < 0 ? 1u << 6 : 0) | (a->points[i].lon_e6 < 0 ? 1u << 7 : 0);
	return (uint16_t)flags;
}

static void put_point(struct encoding *e, const struct command_point *p)
{
	writer_be(&e->w, (uint32_t)(p->lat_e6 < 0 ? -p->lat_e6 : p->lat_e6), 4);
	writer_be(&e->w, (uint32_t)(p->lon_e6 < 0 ? -p->lon_e6 : p->lon_e6), 4);
}

static void put_limit(struct encoding *e, const struct command_area *a)
{
	if (!a->limit_kmh)
		return;
	writer_be(&e->w, a->limit_kmh, 2);
	writer_be(&e->w, a->over_s, 1);
}

/* The limit at night stands where there is a limit: the day's, when none is said. */
static void put_night(struct encoding *e, const struct command_area *a)
{
	if (a->limit_kmh && e->edition == JT808_2019)
		writer_be(&e->w, a->night_limit_kmh ? a->night_limit_kmh : a->limit_kmh, 2);
}

static void put_name(struct encoding *e, const struct command_area *a)
{
	if (e->edition == JT808_2019)
		put_text(e, span_of_string(a->name), 2);
}

/* Circles and rectangles: the setting, how many, and one. */
static uint16_t put_circle_or_rectangle(struct encoding *e, const struct command_area *a)
{
	writer_be(&e->w, a->setting, 1);
	writer_be(&e->w, 1, 1);
	writer_be(&e->w, a->id, 4);
	writer_be(&e->w, attributes_of(e, a), 2);
	for (unsigned i = 0; i < a->point_count; i++)
		put_point(e, &a->points[i]);
	if (a->shape == AREA_CIRCLE)
		writer_be(&e->w, a->radius_m, 4);
	put_time(e, a);
	put_limit(e, a);
	put_night(e, a);
	put_name(e, a);
	return a->shape == AREA_CIRCLE ? 0x8600 : 0x8602;
}

static uint16_t put_polygon(struct encoding *e, const struct command_area *a)
{
	writer_be(&e->w, a->id, 4);
	writer_be(&e->w, attributes_of(e, a), 2);
	put_time(e, a);
	put_limit(e, a);
	writer_be(&e->w, a->point_count, 2);
	for (unsigned i = 0; i < a->point_count; i++)
		put_point(e, &a->points[i]);
	put_night(e, a);
	put_name(e, a);
	return 0x8604;
}

static void put_corner(struct encoding *e, const struct command_area *a, unsigned i)
{
	const struct command_point *p = &a->points[i];
	writer_be(&e->w, i + 1, 4); /* the corner */
	writer_be(&e->w, i + 1, 4); /* the section that begins there */
	put_point(e, p);
	writer_be(&e->w, a->width_m, 1);
	writer_be(&e->w, (a->limit_kmh ? 2u : 0) | (p->lat_e6 < 0 ? 4u : 0) | (p->lon_e6 < 0 ? 8u : 0), 1);
	put_limit(e, a);
	put_night(e, a);
}

static uint16_t put_route(struct encoding *e, const struct command_area *a)
{
	writer_be(&e->w, a->id, 4);
	writer_be(&e->w, attributes_of(e, a), 2);
	put_time(e, a);
	writer_be(&e->w, a->point_count, 2);
	for (unsigned i = 0; i < a->point_count; i++)
		put_corner(e, a, i);
	put_name(e, a);
	return 0x8606;
}

static uint16_t put_area(struct encoding *e)
{
	const struct command_area *a = &e->c->area;
	switch ((enum area_shape)a->shape) {
	case AREA_CIRCLE:
	case AREA_RECTANGLE:
		return put_circle_or_rectangle(e, a);
	case AREA_POLYGON:
		return put_polygon(e, a);
	case AREA_ROUTE:
		return put_route(e, a);
	}
	return 0;
}

static void put_ids(struct encoding *e, size_t count_size)
{
	const struct command_ids *ids = &e->c->ids;
	writer_be(&e->w, ids->count, count_size);
	for (unsigned i = 0; i < ids->count; i++)
		writer_be(&e->w, ids->ids[i], 4);
}

/* --- the whole --- */

static uint16_t put_confirm(struct encoding *e)
{
	since(e, JT808_2013, "the confirmation of alarms");
	if (e->c->confirm.bits & ~CONFIRM_BITS)
		refuse(e, STATUS_UNSUPPORTED, "an alarm that is not confirmed by hand: bits 0 3 20 21 22 27 28 are");
	writer_be(&e->w, e->c->confirm.serial, 2);
	writer_be(&e->w, e->c->confirm.bits, 4);
	return 0x8203;
}

static uint16_t put_track(struct encoding *e)
{
	writer_be(&e->w, e->c->track.interval_s, 2);
	if (e->c->track.interval_s)
		writer_be(&e->w, e->c->track.for_s, 4);
	return 0x8202;
}

static uint16_t put_body(struct encoding *e)
{
	switch ((enum command_kind)e->c->kind) {
	case COMMAND_TEXT:
		return put_message(e);
	case COMMAND_SET_PARAMETERS:
		put_parameters(e, &e->c->parameters);
		return 0x8103;
	case COMMAND_QUERY_PARAMETERS:
		return put_parameter_query(e);
	case COMMAND_LOCATE:
		return 0x8201;
	case COMMAND_TRACK:
		return put_track(e);
	case COMMAND_CONFIRM_ALARM:
		return put_confirm(e);
	case COMMAND_SET_AREA:
		return put_area(e);
	case COMMAND_DELETE_AREAS:
		put_ids(e, 1);
		return (uint16_t)(0x85ff + 2 * e->c->ids.shape);
	case COMMAND_QUERY_AREAS:
		since(e, JT808_2019, "asking for areas");
		writer_be(&e->w, e->c->ids.shape, 1);
		put_ids(e, 4);
		return 0x8608;
	case COMMAND_IDENTIFY_DRIVER:
		since(e, JT808_2013, "asking who drives");
		return 0x8702;
	case COMMAND_PARAMETERS:
	case COMMAND_POSITION:
	case COMMAND_RAW:
		break;
	}
	e->w.status = STATUS_INVALID;
	return 0;
}

enum status jt808_command_encode(const struct command_content *c, enum jt808_edition edition, uint16_t *out_id,
				 struct buf *out, struct command_refusal *why)
{
	struct encoding e = {c, edition, why, writer_of(out)};
	enum status status = command_check(c, why);
	if (status)
		return status;
	*out_id = put_body(&e);
	return writer_end(&e.w);
}

uint16_t jt808_command_answer(unsigned kind)
{
	switch (kind) {
	case COMMAND_QUERY_PARAMETERS:
		return 0x0104;
	case COMMAND_LOCATE:
		return 0x0201;
	case COMMAND_QUERY_AREAS:
		return 0x0608;
	case COMMAND_IDENTIFY_DRIVER:
		return 0x0702;
	default:
		return 0x0001;
	}
}
