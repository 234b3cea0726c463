/* decode_command_jt808.c -- commands as a terminal reads them, and what terminals answer. */
#include "engine/core/charset.h"
#include "engine/core/clock.h"
#include "engine/series/report.h"
#include "ingest/jt808/command_jt808.h"

static struct span take_rest(struct cursor *c)
{
	return cursor_take(c, cursor_left(c));
}

/* --- 8300 --- */

static void take_message(struct cursor *c, enum jt808_edition edition, struct command_text *t)
{
	unsigned flags = cursor_u8(c);
	t->flags =
		(uint8_t)((flags & 1u << 2 ? COMMAND_TEXT_DISPLAY : 0) | (flags & 1u << 3 ? COMMAND_TEXT_SPEECH : 0) |
			  (flags & 1u << 4 ? COMMAND_TEXT_ADVERT : 0) | (flags & 1u << 5 ? COMMAND_TEXT_CAN_FAULT : 0));
	t->type = COMMAND_TEXT_NOTICE;
	if (edition == JT808_2019) {
		t->flags |= (flags & 3) == 2 ? COMMAND_TEXT_URGENT : 0;
		t->type = cursor_u8(c) == COMMAND_TEXT_SERVICE ? COMMAND_TEXT_SERVICE : COMMAND_TEXT_NOTICE;
	} else {
		t->flags |= flags & 1 ? COMMAND_TEXT_URGENT : 0;
	}
	charset_gbk_to_utf8(take_rest(c), t->text, sizeof t->text);
}

/* --- parameters --- */

static uint32_t number_of(struct span value)
{
	uint32_t number = 0;
	for (size_t i = 0; i < value.size; i++)
		number = number << 8 | value.data[i];
	return number;
}

static enum status add_parameter(struct command_parameters *p, uint32_t id, struct span value)
{
	const struct parameter_definition *d = parameter_find(id);
	char text[CHARSET_UTF8_ROOM(UINT8_MAX)];
	size_t number_size = !d ? 0 : d->form == PARAMETER_HOURS ? 4 : d->form <= PARAMETER_DWORD ? d->form : 0;
	if (d && number_size == value.size && number_size)
		return command_parameter_add(p, id, d->form, number_of(value), (struct span){NULL, 0});
	if (d && d->form == PARAMETER_TEXT) {
		size_t size = charset_gbk_to_utf8(value, text, sizeof text);
		if (size <= UINT8_MAX)
			return command_parameter_add(p, id, PARAMETER_TEXT, 0, span_of(text, size));
	}
	return command_parameter_add(p, id, PARAMETER_BYTES, 0, value);
}

/* To the end; what is cut there is left out. */
static enum status take_parameters(struct cursor *c, struct command_parameters *p)
{
	enum status status = STATUS_OK;
	cursor_u8(c); /* how many there are is not believed */
	if (c->failed)
		return STATUS_BAD_LENGTH;
	while (cursor_left(c) && !status) {
		uint32_t id = cursor_be32(c);
		struct span value = cursor_take(c, cursor_u8(c));
		if (c->failed)
			break;
		status = add_parameter(p, id, value);
	}
	return status;
}

static enum status take_parameter_ids(struct cursor *c, struct command_parameters *p)
{
	enum status status = STATUS_OK;
	for (unsigned n = cursor_u8(c); n && !c->failed && !status; n--) {
		uint32_t id = cursor_be32(c);
		if (!c->failed)
			status = command_parameter_add(p, id, 0, 0, (struct span){NULL, 0});
	}
	return status;
}

/* --- areas --- */

struct area_reading {
	struct cursor *c;
	enum jt808_edition edition;
	struct command_area *a;
	unsigned attributes;
	enum status status;
};

static void take_time(struct area_reading *r)
{
	static const uint8_t no_date[3] = {0};
	struct command_area *a = r->a;
	if (!(r->attributes & 1))
		return;
	struct span from = cursor_take(r->c, 6), to = cursor_take(r->c, 6);
	if (r->c->failed)
		return;
	a->time = memcmp(from.data, no_date, 3) && memcmp(to.data, no_date, 3) ? AREA_SPAN : AREA_DAILY;
	for (int end = 0; end < 2 && a->time == AREA_DAILY; end++) {
		const uint8_t *bcd = (end ? to.data : from.data) + 3;
		int64_t s = 0;
		for (int i = 0; i < 3; i++)
			s = s * 60 + (bcd[i] >> 4) * 10 + (bcd[i] & 15);
		*(end ? &a->to : &a->from) = s;
	}
	if (a->time == AREA_SPAN && (bcd_time_decode(from.data, &a->from) || bcd_time_decode(to.data, &a->to)))
		r->status = STATUS_BAD_TIME;
}

static void take_limit(struct area_reading *r, bool there)
{
	if (!there)
		return;
	r->a->limit_kmh = cursor_be16(r->c);
	r->a->over_s = cursor_u8(r->c);
}

static void take_night(struct area_reading *r, bool there)
{
	uint16_t night = there && r->edition == JT808_2019 ? cursor_be16(r->c) : 0;
	r->a->night_limit_kmh = night == r->a->limit_kmh ? 0 : night;
}

static void take_name(struct area_reading *r)
{
	if (r->edition == JT808_2019)
		charset_gbk_to_utf8(cursor_take(r->c, cursor_be16(r->c)), r->a->name, sizeof r->a->name);
}

static void take_point(struct area_reading *r, unsigned i, bool south, bool west)
{
	uint32_t lat = cursor_be32(r->c), lon = cursor_be32(r->c);
	if (lat > 90000000 || lon > 180000000)
		r->status = STATUS_OUT_OF_RANGE;
	else
		r->a->points[i] = (struct command_point){south ? -(int32_t)lat : (int32_t)lat,
							 west ? -(int32_t)lon : (int32_t)lon};
}

static void take_points(struct area_reading *r, unsigned count)
{
	if (count > COMMAND_POINTS_MAX)
		r->status = STATUS_FULL;
	for (unsigned i = 0; i < count && !r->status && !r->c->failed; i++)
		take_point(r, i, r->attributes & 1u << 6, r->attributes & 1u << 7);
	r->a->point_count = (uint16_t)count;
}

static void take_circle_or_rectangle(struct area_reading *r)
{
	struct command_area *a = r->a;
	a->setting = cursor_u8(r->c);
	if (a->setting > AREA_MODIFY || cursor_u8(r->c) == 0)
		r->c->failed = true;
	a->id = cursor_be32(r->c);
	r->attributes = cursor_be16(r->c);
	take_points(r, a->shape == AREA_CIRCLE ? 1 : 2);
	if (a->shape == AREA_CIRCLE)
		a->radius_m = cursor_be32(r->c);
	take_time(r);
	take_limit(r, r->attributes & 2);
	take_night(r, r->attributes & 2);
	take_name(r);
}

static void take_polygon(struct area_reading *r)
{
	r->a->id = cursor_be32(r->c);
	r->attributes = cursor_be16(r->c);
	take_time(r);
	take_limit(r, r->attributes & 2);
	take_points(r, cursor_be16(r->c));
	take_night(r, r->attributes & 2);
	take_name(r);
}

/* One limit and one width are held of a route: those of its last section. */
static void take_route(struct area_reading *r)
{
	r->a->id = cursor_be32(r->c);
	r->attributes = cursor_be16(r->c);
	take_time(r);
	unsigned count = cursor_be16(r->c);
	if (count > COMMAND_POINTS_MAX)
		r->status = STATUS_FULL;
	for (unsigned i = 0; i < count && !r->status && !r->c->failed; i++) {
		cursor_take(r->c, 8);
		struct cursor ahead = *r->c;
		cursor_take(&ahead, 9);
		unsigned attributes = cursor_u8(&ahead);
		take_point(r, i, attributes & 4, attributes & 8);
		r->a->width_m = cursor_u8(r->c);
		cursor_u8(r->c);
		if (attributes & 1)
			cursor_take(r->c, 4);
		take_limit(r, attributes & 2);
		take_night(r, attributes & 2);
	}
	r->a->point_count = (uint16_t)count;
	take_name(r);
}

static enum status take_area(struct cursor *c, enum jt808_edition edition, uint8_t shape, struct command_area *a)
{
	struct area_reading r = {c, edition, a, 0, STATUS_OK};
	a->shape = shape;
	if (shape == AREA_POLYGON)
		take_polygon(&r);
	else if (shape == AREA_ROUTE)
		take_route(&r);
	else
		take_circle_or_rectangle(&r);
	a->flags = (uint16_t)(r.attributes & (shape == AREA_ROUTE ? AREA_ROUTE_FLAGS : AREA_FLAGS));
	return r.status;
}

static enum status take_ids(struct cursor *c, uint32_t count, struct command_ids *ids)
{
	if (count > COMMAND_IDS_MAX)
		return STATUS_FULL;
	ids->count = (uint8_t)count;
	for (uint32_t i = 0; i < count && !c->failed; i++)
		ids->ids[i] = cursor_be32(c);
	return STATUS_OK;
}

/* --- the whole --- */

static enum status take_body(struct cursor *c, uint16_t id, enum jt808_edition edition, struct command_content *out)
{
	switch (id) {
	case 0x8300:
		out->kind = COMMAND_TEXT;
		take_message(c, edition, &out->text);
		return STATUS_OK;
	case 0x8103:
		out->kind = COMMAND_SET_PARAMETERS;
		return take_parameters(c, &out->parameters);
	case 0x8104:
	case 0x8106:
		out->kind = COMMAND_QUERY_PARAMETERS;
		return id == 0x8104 ? STATUS_OK : take_parameter_ids(c, &out->parameters);
	case 0x8201:
		out->kind = COMMAND_LOCATE;
		return STATUS_OK;
	case 0x8202:
		out->kind = COMMAND_TRACK;
		out->track.interval_s = cursor_be16(c);
		out->track.for_s = out->track.interval_s ? cursor_be32(c) : 0;
		return STATUS_OK;
	case 0x8203:
		out->kind = COMMAND_CONFIRM_ALARM;
		out->confirm.serial = cursor_be16(c);
		out->confirm.bits = cursor_be32(c);
		return STATUS_OK;
	case 0x8600:
	case 0x8602:
	case 0x8604:
	case 0x8606:
		out->kind = COMMAND_SET_AREA;
		return take_area(c, edition, (uint8_t)(AREA_CIRCLE + (id - 0x8600) / 2), &out->area);
	case 0x8601:
	case 0x8603:
	case 0x8605:
	case 0x8607:
		out->kind = COMMAND_DELETE_AREAS;
		out->ids.shape = (uint8_t)(AREA_CIRCLE + (id - 0x8601) / 2);
		return take_ids(c, cursor_u8(c), &out->ids);
	case 0x8608:
		out->kind = COMMAND_QUERY_AREAS;
		out->ids.shape = cursor_u8(c);
		return take_ids(c, cursor_be32(c), &out->ids);
	case 0x8702:
		out->kind = COMMAND_IDENTIFY_DRIVER;
		return STATUS_OK;
	default:
		return STATUS_UNSUPPORTED;
	}
}

enum status jt808_command_decode(uint16_t message_id, struct span body, enum jt808_edition edition,
				 struct command_content *out)
{
	struct cursor c = cursor_of(body);
	memset(out, 0, sizeof *out);
	enum status status = take_body(&c, message_id, edition, out);
	return status ? status : c.failed ? STATUS_BAD_LENGTH : STATUS_OK;
}

/* --- answers --- */

static enum status take_position(struct span body, struct command_content *out)
{
	struct report r;
	enum status status = report_from_jt808(body, &r);
	if (status)
		return status;
	out->kind = COMMAND_POSITION;
	out->position = (struct command_position){r.time_ms, r.lat_e7,     r.lon_e7,     r.alarm,
						  r.status,  r.speed_dkmh, r.course_deg, r.altitude_m};
	return STATUS_OK;
}

static enum status take_raw(uint16_t message_id, struct span body, struct command_content *out)
{
	if (body.size > COMMAND_RAW_MAX)
		return STATUS_TOO_LONG;
	out->kind = COMMAND_RAW;
	out->raw.message_id = message_id;
	out->raw.size = (uint16_t)body.size;
	if (body.size)
		memcpy(out->raw.bytes, body.data, body.size);
	return STATUS_OK;
}

enum status jt808_answer_decode(uint16_t message_id, struct span body, struct jt808_answer *out)
{
	struct cursor c = cursor_of(body);
	memset(out, 0, sizeof *out);
	if (message_id == 0x0608 || message_id == 0x0702)
		return take_raw(message_id, body, &out->content);
	if (message_id != 0x0104 && message_id != 0x0201)
		return STATUS_UNSUPPORTED;
	out->has_serial = true;
	out->serial = cursor_be16(&c);
	if (c.failed)
		return STATUS_BAD_LENGTH;
	if (message_id == 0x0201)
		return take_position(take_rest(&c), &out->content);
	out->content.kind = COMMAND_PARAMETERS;
	return take_parameters(&c, &out->content.parameters);
}
