#include "ingest/jt808/explain_fields.h"

#include <stdio.h>
#include <stdlib.h>

#include "engine/core/charset.h"
#include "engine/core/clock.h"

enum status explain_set(json_t *into, const char *name, json_t *value)
{
	return json_object_set_new(into, name, value) ? STATUS_NO_MEMORY : STATUS_OK;
}

json_t *explain_hex(struct span bytes)
{
	char *text = malloc(2 * bytes.size + 1);
	if (!text)
		return NULL;
	hex_encode(text, bytes);
	json_t *value = json_stringn_nocheck(text, 2 * bytes.size);
	free(text);
	return value;
}

json_t *explain_text(struct span gbk)
{
	size_t room = CHARSET_UTF8_ROOM(gbk.size);
	char *text = malloc(room);
	if (!text)
		return NULL;
	size_t size = charset_gbk_to_utf8(gbk, text, room);
	json_t *value = json_stringn(text, size);
	free(text);
	/* a converter that lets a noncharacter through must not cost the field */
	return value ? value : explain_hex(gbk);
}

const char *explain_name(uint32_t value, const struct name *names)
{
	while (names && names->text && names->value != value)
		names++;
	return names ? names->text : NULL;
}

json_t *explain_bits(uint32_t value, const struct name *bits)
{
	json_t *array = json_array();
	for (uint32_t bit = 0; bit < 32; bit++) {
		if (!(value >> bit & 1))
			continue;
		const char *name = explain_name(bit, bits);
		char unnamed[16];
		snprintf(unnamed, sizeof unnamed, "bit %u", bit);
		json_array_append_new(array, json_string(name ? name : unnamed));
	}
	return array;
}

/* Big-endian, `size` 1, 2 or 4. */
static uint32_t take_number(struct cursor *c, size_t size)
{
	return size == 1 ? cursor_u8(c) : size == 2 ? cursor_be16(c) : cursor_be32(c);
}

static struct span take_sized(struct cursor *c, size_t size)
{
	return cursor_take(c, size ? size : cursor_left(c));
}

static json_t *scaled(int64_t value, unsigned decimals)
{
	static const double powers[] = {1, 10, 100, 1000, 10000, 100000, 1000000};
	return decimals ? json_real((double)value / powers[decimals]) : json_integer(value);
}

static json_t *time_of(struct span bcd)
{
	int64_t ms;
	char text[TIME_TEXT_MAX];
	if (bcd.size != 6 || bcd_time_decode(bcd.data, &ms))
		return explain_hex(bcd);
	time_format(ms, CHINA_OFFSET_MS, text);
	return json_string(text);
}

/* What a field reads may take several members; this is the walk over one table. */
struct walk {
	struct cursor *c;
	bool is_2019;
	json_t *into;
	uint32_t bits; /* of the last field with bits */
};

static enum status set_suffixed(json_t *into, const char *name, const char *suffix, json_t *value)
{
	char key[64];
	snprintf(key, sizeof key, "%s_%s", name, suffix);
	return explain_set(into, key, value);
}

static enum status explain_number(struct walk *w, const struct field *f)
{
	uint32_t raw = take_number(w->c, f->size);
	int64_t value = f->kind == KIND_INT ? (int16_t)raw : (int64_t)raw;
	if (w->c->failed)
		return STATUS_BAD_LENGTH;
	enum status status = explain_set(w->into, f->name, scaled(value, f->decimals));
	if (!status && f->bits) {
		w->bits = raw;
		status = set_suffixed(w->into, f->name, "bits", explain_bits(raw, f->bits));
	}
	const char *name = explain_name(raw, f->names);
	if (!status && name)
		status = set_suffixed(w->into, f->name, "name", json_string(name));
	return status;
}

/* The size of an alarm identifier: 16 bytes in Jiangsu (T/JSATL 12-2017), 39 in Sichuan, 40 in Guangdong and under
 * 2019 headers; 0 when none of them fits what is left. */
static size_t alarm_id_size(const struct cursor *c, const struct field *f)
{
	static const uint8_t sizes[] = {16, 39, 40};
	size_t left = cursor_left(c);
	for (size_t i = 0; i < sizeof sizes; i++) {
		size_t size = sizes[i];
		bool fits = f->size ? left > size && left - size - 1 == (size_t)f->size * c->at[size]
				    : left == size + f->tail;
		if (fits)
			return size;
	}
	return 0;
}

static enum status explain_alarm_id(struct walk *w, const struct field *f)
{
	static const struct field tail[] = {TIME("time"), UINT("sequence", 1), UINT("attachments", 1), FIELD_LAST};
	size_t size = alarm_id_size(w->c, f);
	if (size == 0)
		return STATUS_BAD_LENGTH;
	json_t *id = json_object();
	struct cursor c = cursor_of(cursor_take(w->c, size));
	enum status status = explain_set(id, "terminal_id", explain_text(cursor_take(&c, size == 16 ? 7 : 30)));
	if (!status)
		status = fields_explain(tail, &c, w->is_2019, id);
	enum status set = explain_set(w->into, f->name, id);
	return status ? status : set;
}

/* All bytes were there, but the engine would not take the location in them: told, and the walk goes on. */
static bool is_refused_location(enum status status)
{
	return status == STATUS_BAD_TIME || status == STATUS_OUT_OF_RANGE;
}

static enum status explain_list(struct walk *w, const struct field *f)
{
	uint32_t count = f->size ? take_number(w->c, f->size) : UINT32_MAX;
	enum status status = w->c->failed ? STATUS_BAD_LENGTH : STATUS_OK, refused = STATUS_OK;
	json_t *array = json_array();
	for (uint32_t i = 0; i < count && !status; i++) {
		if (cursor_left(w->c) == 0) {
			status = f->size ? STATUS_BAD_LENGTH : STATUS_OK;
			break;
		}
		json_t *element = json_object();
		status = fields_explain(f->group, w->c, w->is_2019, element);
		json_t *plain = json_object_get(element, "");
		if (json_array_append(array, plain ? plain : element))
			status = STATUS_NO_MEMORY;
		json_decref(element);
		if (is_refused_location(status)) {
			refused = status;
			status = STATUS_OK;
		}
	}
	enum status set = explain_set(w->into, f->name, array);
	return status ? status : set ? set : refused;
}

static enum status explain_nested(struct walk *w, const struct field *f)
{
	json_t *inner = f->kind == KIND_LOCATION ? json_object() : json_array();
	enum status status = f->kind == KIND_LOCATION ? explain_location(take_sized(w->c, f->size), w->is_2019, inner)
						      : explain_parameters(w->c, inner);
	enum status set = explain_set(w->into, f->name, inner);
	return status ? status : set;
}

/* Fields whose value is one run of bytes. */
static enum status explain_run(struct walk *w, const struct field *f)
{
	bool counted = f->kind == KIND_TEXT_COUNTED || f->kind == KIND_HEX_COUNTED;
	size_t size = counted ? take_number(w->c, f->size) : f->size;
	struct span run = counted ? cursor_take(w->c, size) : take_sized(w->c, size);
	if (w->c->failed)
		return STATUS_BAD_LENGTH;
	bool text = f->kind == KIND_TEXT || f->kind == KIND_TEXT_COUNTED;
	return explain_set(w->into, f->name,
			   text                   ? explain_text(run)
			   : f->kind == KIND_TIME ? time_of(run)
						  : explain_hex(run));
}

static enum status explain_field(struct walk *w, const struct field *f)
{
	switch (f->kind) {
	case KIND_UINT:
	case KIND_INT:
		return explain_number(w, f);
	case KIND_LIST:
		return explain_list(w, f);
	case KIND_LOCATION:
	case KIND_PARAMETERS:
		return explain_nested(w, f);
	case KIND_ALARM_ID:
		return explain_alarm_id(w, f);
	default:
		return explain_run(w, f);
	}
}

enum status fields_explain(const struct field *fields, struct cursor *c, bool is_2019, json_t *into)
{
	struct walk w = {c, is_2019, into, 0};
	unsigned edition = is_2019 ? EDITION_2019 : EDITION_OLD;
	enum status status = STATUS_OK, refused = STATUS_OK;
	for (const struct field *f = fields; f->kind != KIND_LAST && !status; f++) {
		if (f->editions && !(f->editions & edition))
			continue;
		if (f->when && !(w.bits >> (f->when - 1) & 1))
			continue;
		status = explain_field(&w, f);
		if (is_refused_location(status)) {
			refused = status;
			status = STATUS_OK;
		}
	}
	return status ? status : refused;
}
