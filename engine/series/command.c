/* command.c -- names, bounds and bytes of commands. */
#include "engine/series/command.h"

#include <stdarg.h>
#include <stdio.h>

#include "engine/core/charset.h"
#include "engine/core/hash.h"
#include "engine/core/utf8.h"
#include "engine/core/writer.h"

#define COMMAND_VERSION 1
#define LAT_E6_MAX 90000000
#define LON_E6_MAX 180000000
#define DAY_S 86400

/* --- names --- */

static const struct {
	uint8_t code;
	const char *token, *chinese;
} kinds[] = {
#define X(code, NAME, token, chinese) {code, token, chinese},
	COMMAND_KIND_TABLE(X)
#undef X
};
#define KIND_COUNT (sizeof kinds / sizeof *kinds)

const char *command_kind_token(unsigned kind)
{
	for (size_t i = 0; i < KIND_COUNT; i++)
		if (kinds[i].code == kind)
			return kinds[i].token;
	return "";
}

const char *command_kind_chinese(unsigned kind)
{
	for (size_t i = 0; i < KIND_COUNT; i++)
		if (kinds[i].code == kind)
			return kinds[i].chinese;
	return "";
}

enum status command_kind_parse(struct span text, uint8_t *out)
{
	for (size_t i = 0; i < KIND_COUNT; i++)
		if (span_equal(text, span_of_string(kinds[i].token))) {
			*out = kinds[i].code;
			return STATUS_OK;
		}
	return STATUS_NOT_FOUND;
}

static const char *const shapes[] = {"", "circle", "rectangle", "polygon", "route"};

const char *area_shape_token(unsigned shape)
{
	return shape <= AREA_ROUTE ? shapes[shape] : "";
}

uint8_t area_shape_parse(struct span text)
{
	for (unsigned shape = AREA_CIRCLE; shape <= AREA_ROUTE; shape++)
		if (span_equal(text, span_of_string(shapes[shape])))
			return (uint8_t)shape;
	return 0;
}

uint32_t area_id_of_fence(struct span fence_id)
{
	uint32_t id = (uint32_t)hash64(fence_id);
	return id ? id : 1;
}

/* --- text --- */

enum status gbk_size(struct span utf8, size_t *out_size, struct span *out_bad)
{
	struct buf one = buf_init(16);
	enum status status = STATUS_OK;
	*out_size = 0;
	*out_bad = (struct span){NULL, 0};
	while (utf8.size && !status) {
		size_t size = utf8_sequence(utf8);
		struct span c = span_of(utf8.data, size ? size : 1);
		bool clean = size && (utf8_printable(c) || *c.data == '\n');
		buf_clear(&one);
		status = clean ? charset_utf8_to_gbk(c, &one) : STATUS_MALFORMED;
		/* four bytes are GB 18030's own; a question mark stands for what it lacks */
		if (!status && (one.size > 2 || (size > 1 && one.size == 1)))
			status = STATUS_OUT_OF_RANGE;
		if (status)
			*out_bad = c;
		*out_size += one.size;
		utf8 = span_of(utf8.data + c.size, utf8.size - c.size);
	}
	buf_deinit(&one);
	return status;
}

static enum status refuse(struct command_refusal *why, enum status status, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
static enum status refuse(struct command_refusal *why, enum status status, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	vsnprintf(why->text, sizeof why->text, format, args);
	va_end(args);
	return status;
}

static enum status check_gbk(struct span utf8, size_t max, const char *what, struct command_refusal *why)
{
	size_t size;
	struct span bad;
	enum status status = gbk_size(utf8, &size, &bad);
	if (status == STATUS_OUT_OF_RANGE)
		return refuse(why, status, "%s: '%.*s' is not in GBK", what, (int)bad.size, (const char *)bad.data);
	if (status == STATUS_MALFORMED)
		return refuse(why, status, "%s: no UTF-8, or a control character (byte %02X)", what, *bad.data);
	if (!status && size > max)
		return refuse(why, STATUS_TOO_LONG, "%s: %zu bytes in GBK, at most %zu", what, size, max);
	return status;
}

/* --- checking --- */

static enum status check_text(const struct command_text *t, struct command_refusal *why)
{
	if (!*t->text)
		return refuse(why, STATUS_INVALID, "text: nothing is said");
	if (t->flags & ~COMMAND_TEXT_FLAGS || (t->type != COMMAND_TEXT_NOTICE && t->type != COMMAND_TEXT_SERVICE))
		return refuse(why, STATUS_INVALID, "text: flags or type are none");
	return check_gbk(span_of_string(t->text), COMMAND_GBK_MAX, "text", why);
}

static bool hours_are_valid(uint32_t number)
{
	return number >> 24 < 24 && (number >> 16 & 0xff) < 60 && (number >> 8 & 0xff) < 24 && (number & 0xff) < 60;
}

static enum status check_parameter(const struct command_parameters *p, const struct command_parameter *i,
				   struct command_refusal *why)
{
	const struct parameter_definition *d = parameter_find(i->id);
	const char *name = d ? d->name : "parameter";
	if (d && i->form != d->form)
		return refuse(why, STATUS_INVALID, "%s (%04X): not of its form", name, i->id);
	switch ((enum parameter_form)i->form) {
	case PARAMETER_BYTE:
	case PARAMETER_WORD:
	case PARAMETER_DWORD:
		if ((i->form == PARAMETER_BYTE && i->number > UINT8_MAX) ||
		    (i->form == PARAMETER_WORD && i->number > UINT16_MAX) || (d && i->number > d->max))
			return refuse(why, STATUS_OUT_OF_RANGE, "%s (%04X): %u is out of range", name, i->id,
				      i->number);
		return STATUS_OK;
	case PARAMETER_HOURS:
		return hours_are_valid(i->number)
			       ? STATUS_OK
			       : refuse(why, STATUS_OUT_OF_RANGE, "%s (%04X): no hours", name, i->id);
	case PARAMETER_TEXT:
		return check_gbk(command_parameter_value(p, i), UINT8_MAX, name, why);
	case PARAMETER_BYTES:
		return STATUS_OK;
	}
	return refuse(why, STATUS_INVALID, "%04X: no form of a parameter", i->id);
}

static enum status check_parameters(const struct command_parameters *p, struct command_refusal *why)
{
	enum status status = p->count ? STATUS_OK : refuse(why, STATUS_INVALID, "parameters: none is named");
	for (unsigned i = 0; i < p->count && !status; i++)
		status = check_parameter(p, &p->items[i], why);
	return status;
}

static enum status check_points(const struct command_area *a, struct command_refusal *why)
{
	static const struct {
		uint16_t min, max;
	} counts[] = {[AREA_CIRCLE] = {1, 1},
		      [AREA_RECTANGLE] = {2, 2},
		      [AREA_POLYGON] = {3, COMMAND_POINTS_MAX},
		      [AREA_ROUTE] = {2, COMMAND_POINTS_MAX}};
	bool south = false, north = false, west = false, east = false;
	if (a->point_count < counts[a->shape].min || a->point_count > counts[a->shape].max)
		return refuse(why, STATUS_UNSUPPORTED, "%u points: a %s has %u to %u", a->point_count, shapes[a->shape],
			      counts[a->shape].min, counts[a->shape].max);
	for (unsigned i = 0; i < a->point_count; i++) {
		const struct command_point *p = &a->points[i];
		if (p->lat_e6 < -LAT_E6_MAX || p->lat_e6 > LAT_E6_MAX || p->lon_e6 < -LON_E6_MAX ||
		    p->lon_e6 > LON_E6_MAX)
			return refuse(why, STATUS_OUT_OF_RANGE, "point %u is not on the globe", i + 1);
		south |= p->lat_e6 < 0;
		north |= p->lat_e6 > 0;
		west |= p->lon_e6 < 0;
		east |= p->lon_e6 > 0;
	}
	/* one bit for all points of an area; a route has it for each of its sections */
	if (a->shape != AREA_ROUTE && ((south && north) || (west && east)))
		return refuse(why, STATUS_UNSUPPORTED, "an area on both sides of the equator or of longitude 0");
	if (a->shape == AREA_RECTANGLE &&
	    (a->points[0].lat_e6 <= a->points[1].lat_e6 || a->points[0].lon_e6 >= a->points[1].lon_e6))
		return refuse(why, STATUS_INVALID, "a rectangle is its north-west and its south-east corner");
	return STATUS_OK;
}

static enum status check_area_time(const struct command_area *a, struct command_refusal *why)
{
	bool good = a->time == AREA_ALWAYS ||
		    (a->time == AREA_DAILY && a->from >= 0 && a->from < a->to && a->to < DAY_S) ||
		    (a->time == AREA_SPAN && a->from < a->to);
	return good ? STATUS_OK : refuse(why, STATUS_INVALID, "the time of an area ends behind its beginning");
}

static enum status check_area(const struct command_area *a, struct command_refusal *why)
{
	if (a->shape < AREA_CIRCLE || a->shape > AREA_ROUTE || a->setting > AREA_MODIFY || !a->id)
		return refuse(why, STATUS_INVALID, "no shape, no setting, or no id of an area");
	if (a->flags & ~(a->shape == AREA_ROUTE ? AREA_ROUTE_FLAGS : AREA_FLAGS))
		return refuse(why, STATUS_UNSUPPORTED, "a %s has no such flag (%04X)", shapes[a->shape], a->flags);
	if (a->shape == AREA_CIRCLE && !a->radius_m)
		return refuse(why, STATUS_OUT_OF_RANGE, "a circle of no radius");
	if (a->shape == AREA_ROUTE && !a->width_m)
		return refuse(why, STATUS_OUT_OF_RANGE, "a route of no width");
	enum status status = check_gbk(span_of_string(a->name), 2 * COMMAND_NAME_MAX, "name", why);
	if (!status)
		status = check_area_time(a, why);
	return status ? status : check_points(a, why);
}

static enum status check_ids(const struct command_ids *i, struct command_refusal *why)
{
	if (i->shape < AREA_CIRCLE || i->shape > AREA_ROUTE || i->count > COMMAND_IDS_MAX)
		return refuse(why, STATUS_INVALID, "no shape, or more than %d areas", COMMAND_IDS_MAX);
	return STATUS_OK;
}

enum status command_check(const struct command_content *c, struct command_refusal *why)
{
	why->text[0] = '\0';
	switch ((enum command_kind)c->kind) {
	case COMMAND_TEXT:
		return check_text(&c->text, why);
	case COMMAND_SET_PARAMETERS:
		return check_parameters(&c->parameters, why);
	case COMMAND_QUERY_PARAMETERS:
	case COMMAND_LOCATE:
	case COMMAND_IDENTIFY_DRIVER:
		return STATUS_OK;
	case COMMAND_TRACK:
		return !c->track.interval_s || c->track.for_s
			       ? STATUS_OK
			       : refuse(why, STATUS_INVALID, "tracking for no time; interval 0 ends it");
	case COMMAND_CONFIRM_ALARM:
		return c->confirm.bits ? STATUS_OK : refuse(why, STATUS_INVALID, "no alarm is named");
	case COMMAND_SET_AREA:
		return check_area(&c->area, why);
	case COMMAND_DELETE_AREAS:
	case COMMAND_QUERY_AREAS:
		return check_ids(&c->ids, why);
	case COMMAND_PARAMETERS:
	case COMMAND_POSITION:
	case COMMAND_RAW:
		break;
	}
	return refuse(why, STATUS_INVALID, "no command");
}

/* --- parameters --- */

enum status command_parameter_add(struct command_parameters *p, uint32_t id, uint8_t form, uint32_t number,
				  struct span value)
{
	if (value.size > UINT8_MAX)
		return STATUS_TOO_LONG;
	if (p->count == COMMAND_PARAMETERS_MAX || p->values_size + value.size > COMMAND_VALUES_MAX)
		return STATUS_FULL;
	p->items[p->count++] = (struct command_parameter){id, form, number, p->values_size, (uint16_t)value.size};
	if (value.size)
		memcpy(p->values + p->values_size, value.data, value.size);
	p->values_size = (uint16_t)(p->values_size + value.size);
	return STATUS_OK;
}

static bool form_is_bytes(uint8_t form)
{
	return form == PARAMETER_TEXT || form == PARAMETER_BYTES;
}

/* --- bytes --- */

static void put_parameters(struct writer *w, const struct command_parameters *p, bool ids_alone)
{
	writer_be(w, p->count, 1);
	for (unsigned i = 0; i < p->count; i++) {
		const struct command_parameter *item = &p->items[i];
		writer_be(w, item->id, 4);
		if (ids_alone)
			continue;
		writer_be(w, item->form, 1);
		writer_be(w, form_is_bytes(item->form) ? item->size : item->number, form_is_bytes(item->form) ? 1 : 4);
		if (form_is_bytes(item->form))
			writer_put(w, p->values + item->at, item->size);
	}
}

static void put_area(struct writer *w, const struct command_area *a)
{
	size_t name_size = strlen(a->name);
	writer_be(w, a->shape, 1);
	writer_be(w, a->setting, 1);
	writer_be(w, a->id, 4);
	writer_be(w, a->flags, 2);
	writer_be(w, a->time, 1);
	writer_be(w, (uint64_t)a->from, 8);
	writer_be(w, (uint64_t)a->to, 8);
	writer_be(w, a->limit_kmh, 2);
	writer_be(w, a->night_limit_kmh, 2);
	writer_be(w, a->over_s, 1);
	writer_be(w, a->radius_m, 4);
	writer_be(w, a->width_m, 1);
	writer_be(w, name_size, 1);
	writer_put(w, a->name, name_size);
	writer_be(w, a->point_count, 2);
	for (unsigned i = 0; i < a->point_count; i++) {
		writer_be(w, (uint32_t)a->points[i].lat_e6, 4);
		writer_be(w, (uint32_t)a->points[i].lon_e6, 4);
	}
}

static void put_ids(struct writer *w, const struct command_ids *ids)
{
	writer_be(w, ids->shape, 1);
	writer_be(w, ids->count, 1);
	for (unsigned i = 0; i < ids->count; i++)
		writer_be(w, ids->ids[i], 4);
}

static void put_position(struct writer *w, const struct command_position *p)
{
	writer_be(w, (uint64_t)p->time_ms, 8);
	writer_be(w, (uint32_t)p->lat_e7, 4);
	writer_be(w, (uint32_t)p->lon_e7, 4);
	writer_be(w, p->alarm, 4);
	writer_be(w, p->status, 4);
	writer_be(w, p->speed_dkmh, 2);
	writer_be(w, p->course_deg, 2);
	writer_be(w, (uint16_t)p->altitude_m, 2);
}

static void put_content(struct writer *w, const struct command_content *c)
{
	switch ((enum command_kind)c->kind) {
	case COMMAND_TEXT:
		writer_be(w, c->text.flags, 1);
		writer_be(w, c->text.type, 1);
		writer_be(w, strlen(c->text.text), 2);
		writer_put(w, c->text.text, strlen(c->text.text));
		return;
	case COMMAND_SET_PARAMETERS:
	case COMMAND_PARAMETERS:
		put_parameters(w, &c->parameters, false);
		return;
	case COMMAND_QUERY_PARAMETERS:
		put_parameters(w, &c->parameters, true);
		return;
	case COMMAND_LOCATE:
	case COMMAND_IDENTIFY_DRIVER:
		return;
	case COMMAND_TRACK:
		writer_be(w, c->track.interval_s, 2);
		writer_be(w, c->track.for_s, 4);
		return;
	case COMMAND_CONFIRM_ALARM:
		writer_be(w, c->confirm.serial, 2);
		writer_be(w, c->confirm.bits, 4);
		return;
	case COMMAND_SET_AREA:
		put_area(w, &c->area);
		return;
	case COMMAND_DELETE_AREAS:
	case COMMAND_QUERY_AREAS:
		put_ids(w, &c->ids);
		return;
	case COMMAND_POSITION:
		put_position(w, &c->position);
		return;
	case COMMAND_RAW:
		writer_be(w, c->raw.message_id, 2);
		writer_be(w, c->raw.size, 2);
		writer_put(w, c->raw.bytes, c->raw.size);
		return;
	}
	w->status = STATUS_INVALID;
}

enum status command_encode(const struct command_content *c, struct buf *out)
{
	struct writer w = writer_of(out);
	writer_be(&w, COMMAND_VERSION, 1);
	writer_be(&w, c->kind, 1);
	put_content(&w, c);
	return writer_end(&w);
}

/* A text of `size` bytes into `room`, NUL behind it. */
static void take_text(struct cursor *c, size_t size, char *out, size_t room)
{
	struct span text = cursor_take(c, size);
	if (size >= room || (text.size && memchr(text.data, 0, text.size))) {
		c->failed = true;
		return;
	}
	if (text.size)
		memcpy(out, text.data, text.size);
	out[text.size] = '\0';
}

static void take_parameters(struct cursor *c, struct command_parameters *p, bool ids_alone)
{
	unsigned count = cursor_u8(c);
	p->count = p->values_size = 0;
	for (unsigned i = 0; i < count && !c->failed; i++) {
		uint32_t id = cursor_be32(c), number = 0;
		uint8_t form = ids_alone ? 0 : cursor_u8(c);
		struct span value = {NULL, 0};
		if (form_is_bytes(form))
			value = cursor_take(c, cursor_u8(c));
		else if (!ids_alone)
			number = cursor_be32(c);
		if (form > PARAMETER_HOURS || form == 3 || (!ids_alone && !form) ||
		    command_parameter_add(p, id, form, number, value))
			c->failed = true;
	}
}

static void take_area(struct cursor *c, struct command_area *a)
{
	a->shape = cursor_u8(c);
	a->setting = cursor_u8(c);
	a->id = cursor_be32(c);
	a->flags = cursor_be16(c);
	a->time = cursor_u8(c);
	a->from = (int64_t)cursor_be64(c);
	a->to = (int64_t)cursor_be64(c);
	a->limit_kmh = cursor_be16(c);
	a->night_limit_kmh = cursor_be16(c);
	a->over_s = cursor_u8(c);
	a->radius_m = cursor_be32(c);
	a->width_m = cursor_u8(c);
	take_text(c, cursor_u8(c), a->name, sizeof a->name);
	unsigned count = cursor_be16(c);
	if (count > COMMAND_POINTS_MAX || a->shape < AREA_CIRCLE || a->shape > AREA_ROUTE)
		c->failed = true;
	for (unsigned i = 0; i < count && !c->failed; i++) {
		int32_t lat_e6 = (int32_t)cursor_be32(c);
		a->points[i] = (struct command_point){lat_e6, (int32_t)cursor_be32(c)};
	}
	a->point_count = (uint16_t)count;
}

static void take_ids(struct cursor *c, struct command_ids *ids)
{
	ids->shape = cursor_u8(c);
	ids->count = cursor_u8(c);
	if (ids->count > COMMAND_IDS_MAX || ids->shape < AREA_CIRCLE || ids->shape > AREA_ROUTE)
		c->failed = true;
	for (unsigned i = 0; i < ids->count && !c->failed; i++)
		ids->ids[i] = cursor_be32(c);
}

static void take_position(struct cursor *c, struct command_position *p)
{
	p->time_ms = (int64_t)cursor_be64(c);
	p->lat_e7 = (int32_t)cursor_be32(c);
	p->lon_e7 = (int32_t)cursor_be32(c);
	p->alarm = cursor_be32(c);
	p->status = cursor_be32(c);
	p->speed_dkmh = cursor_be16(c);
	p->course_deg = cursor_be16(c);
	p->altitude_m = (int16_t)cursor_be16(c);
}

static void take_raw(struct cursor *c, struct command_raw *r)
{
	r->message_id = cursor_be16(c);
	uint16_t size = cursor_be16(c);
	struct span bytes = cursor_take(c, size);
	if (size > COMMAND_RAW_MAX)
		c->failed = true;
	if (c->failed)
		return;
	r->size = size;
	if (size)
		memcpy(r->bytes, bytes.data, size);
}

static void take_content(struct cursor *c, struct command_content *out)
{
	switch ((enum command_kind)out->kind) {
	case COMMAND_TEXT:
		out->text.flags = cursor_u8(c);
		out->text.type = cursor_u8(c);
		take_text(c, cursor_be16(c), out->text.text, sizeof out->text.text);
		return;
	case COMMAND_SET_PARAMETERS:
	case COMMAND_PARAMETERS:
		take_parameters(c, &out->parameters, false);
		return;
	case COMMAND_QUERY_PARAMETERS:
		take_parameters(c, &out->parameters, true);
		return;
	case COMMAND_LOCATE:
	case COMMAND_IDENTIFY_DRIVER:
		return;
	case COMMAND_TRACK:
		out->track.interval_s = cursor_be16(c);
		out->track.for_s = cursor_be32(c);
		return;
	case COMMAND_CONFIRM_ALARM:
		out->confirm.serial = cursor_be16(c);
		out->confirm.bits = cursor_be32(c);
		return;
	case COMMAND_SET_AREA:
		take_area(c, &out->area);
		return;
	case COMMAND_DELETE_AREAS:
	case COMMAND_QUERY_AREAS:
		take_ids(c, &out->ids);
		return;
	case COMMAND_POSITION:
		take_position(c, &out->position);
		return;
	case COMMAND_RAW:
		take_raw(c, &out->raw);
		return;
	}
	c->failed = true;
}

enum status command_decode(struct span bytes, struct command_content *out)
{
	struct cursor c = cursor_of(bytes);
	memset(out, 0, sizeof *out);
	if (cursor_u8(&c) != COMMAND_VERSION)
		return bytes.size ? STATUS_BAD_VERSION : STATUS_CORRUPT;
	out->kind = cursor_u8(&c);
	take_content(&c, out);
	return c.failed || cursor_left(&c) ? STATUS_CORRUPT : STATUS_OK;
}
