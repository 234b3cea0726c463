/* explain_jt809.c -- a frame of JT/T 809 as one JSON object: header, envelope, and fields by the layout that fits. */
#include <stdio.h>
#include <stdlib.h>

#include "engine/core/clock.h"
#include "ingest/jt808/explain_fields.h"
#include "ingest/jt809/layouts_jt809.h"

struct members {
	json_t *into;
	enum status status;
};

static void put(struct members *m, const char *name, json_t *value)
{
	enum status status = explain_set(m->into, name, value);
	m->status = m->status ? m->status : status;
}

static void put_number(struct members *m, const char *name, int64_t value)
{
	put(m, name, json_integer(value));
}

static void put_string(struct members *m, const char *name, const char *text)
{
	put(m, name, json_string(text));
}

static void put_time(struct members *m, const char *name, int64_t ms)
{
	char text[TIME_TEXT_MAX];
	time_format(ms, CHINA_OFFSET_MS, text);
	put_string(m, name, ms ? text : "");
}

static void put_id(struct members *m, const char *key, uint16_t id)
{
	uint8_t bytes[2];
	store_be16(bytes, id);
	put(m, key, explain_hex(span_of(bytes, 2)));
}

/* --- positions --- */

/* As it is kept, without its footer, and the data when it came in a form of its own. */
static enum status explain_position(struct span data, json_t *into)
{
	uint8_t *room = malloc(data.size + JT809_POSITION_EXTRA);
	struct report r;
	size_t size;
	struct members m = {into, STATUS_OK};
	if (!room)
		return STATUS_NO_MEMORY;
	enum status refused = jt809_position_decode(data, room, data.size + JT809_POSITION_EXTRA, &r, &size);
	if (refused) {
		put_string(&m, "refused", status_name(refused));
		put(&m, "hex", explain_hex(data));
	} else {
		size -= room[size - 1];
		refused = explain_location(span_of(room, size), true, into);
		put(&m, "encrypted", json_boolean(data.data[0] != 0));
	}
	free(room);
	return m.status ? m.status : refused;
}

static enum status explain_positions(struct span data, json_t *into)
{
	struct jt809_positions p;
	struct span one;
	struct members m = {into, jt809_positions_decode(data, &p)};
	if (m.status)
		return m.status;
	enum status refused = STATUS_OK, next;
	json_t *array = json_array();
	put_number(&m, "count", p.declared);
	while ((next = jt809_positions_next(&p, &one)) != STATUS_END) {
		json_t *object = json_object();
		enum status status = explain_position(one, object);
		refused = refused ? refused : next ? next : status;
		json_array_append_new(array, object);
	}
	put(&m, "positions", array);
	return m.status ? m.status : refused;
}

/* --- other messages --- */

/* 0x1601: the items by themselves too. */
static void put_static(struct members *m, struct span content)
{
	struct cursor c = cursor_of(content);
	struct jt809_static item;
	json_t *items = json_object();
	while (jt809_static_next(&c, &item) == STATUS_OK) {
		char key[256];
		charset_gbk_to_utf8(item.key, key, sizeof key);
		if (json_object_set_new(items, key, explain_text(item.value)))
			break; /* the same key twice, or one that is no text: the content has it */
	}
	put(m, "items", items);
}

static void put_field(struct members *m, const struct jt809_field *f, const struct jt809_message *message)
{
	const uint8_t *member = (const uint8_t *)message + f->offset;
	uint64_t number = 0;
	if (f->kind == JT809_KIND_TEXT) {
		put_string(m, f->json, (const char *)member);
	} else if (f->kind == JT809_KIND_CONTENT || f->kind == JT809_KIND_REST) {
		put(m, f->json, explain_text(message->content));
	} else {
		memcpy(&number, member, f->member_size);
		if (f->kind == JT809_KIND_UTC)
			put_time(m, f->json, (int64_t)number);
		else
			put_number(m, f->json, (int64_t)number);
	}
}

static enum status explain_fields_of_message(const struct jt809_message *message, enum jt809_edition edition,
					     json_t *into)
{
	struct members m = {into, STATUS_OK};
	const struct jt809_layout *l =
		jt809_layout_find(message->sub_id ? message->sub_id : message->id, message->data, edition);
	if (!l) {
		put(&m, "hex", explain_hex(message->data));
		return m.status;
	}
	for (unsigned i = 0; l->fields[i]; i++)
		put_field(&m, &jt809_fields[l->fields[i]], message);
	if (message->sub_id == 0x1601)
		put_static(&m, message->content);
	return m.status;
}

static bool is_positions(uint16_t sub_id)
{
	return sub_id == 0x1203 || sub_id == 0x9203;
}

static bool is_position(uint16_t sub_id)
{
	return sub_id == 0x1202 || sub_id == 0x9202;
}

static enum status explain_data(const struct jt809_message *message, enum jt809_edition edition, json_t *into)
{
	if (is_position(message->sub_id))
		return explain_position(message->data, into);
	if (is_positions(message->sub_id))
		return explain_positions(message->data, into);
	return explain_fields_of_message(message, edition, into);
}

static enum status explain_body(uint16_t id, struct span body, enum jt809_edition edition, struct members *m)
{
	struct jt809_message message;
	enum status refused = jt809_message_decode(id, body, edition, &message);
	if (refused == STATUS_MALFORMED ||
	    (refused == STATUS_BAD_LENGTH && jt809_has_envelope(id) && !message.sub_id)) {
		put(m, "body", explain_hex(body));
		return refused;
	}
	if (message.sub_id) {
		put_id(m, "sub", message.sub_id);
		const char *name = jt809_message_name(id, message.sub_id);
		if (name) {
			put_string(m, "sub_name", name);
			put_string(m, "sub_name_zh", jt809_message_name_zh(id, message.sub_id));
		}
	}
	if (message.has_vehicle) {
		put_string(m, "plate", message.plate);
		put_number(m, "colour", message.colour);
	}
	json_t *into = json_object();
	enum status told = explain_data(&message, edition, into);
	put(m, "body", into);
	return refused == STATUS_UNSUPPORTED ? told : refused ? refused : told;
}

/* --- the frame --- */

static void put_header(struct members *m, const struct jt809_header *h)
{
	char version[16];
	snprintf(version, sizeof version, "%u.%u.%u", h->version[0], h->version[1], h->version[2]);
	put_id(m, "message", h->id);
	if (jt809_message_name(h->id, 0)) {
		put_string(m, "name", jt809_message_name(h->id, 0));
		put_string(m, "name_zh", jt809_message_name_zh(h->id, 0));
	}
	put_string(m, "edition", h->is_2019 ? "2019" : "2011");
	put_number(m, "access_code", h->access_code);
	put_number(m, "serial", h->serial);
	put_string(m, "version", version);
	if (h->is_2019)
		put_time(m, "sent", h->time_ms);
	if (h->encrypted)
		put_number(m, "key", h->key);
	if (h->length_differs)
		put_number(m, "length_declared", h->declared);
	put_number(m, "body_bytes", (int64_t)h->body.size);
}

static enum status explain_message(struct span content, const struct jt809_explain_options *o, struct members *m)
{
	struct jt809_header h;
	enum status refused = jt809_header_decode(content, o->edition, &h);
	if (refused)
		return refused;
	put_header(m, &h);
	if (h.encrypted && !jt809_cipher_is_set(&o->cipher)) {
		put(m, "body", explain_hex(h.body));
		return STATUS_ENCRYPTED;
	}
	uint8_t *plain = malloc(h.body.size + 1);
	if (!plain)
		return m->status = STATUS_NO_MEMORY;
	memcpy(plain, h.body.data, h.body.size);
	if (h.encrypted)
		jt809_cipher_apply(&o->cipher, h.key, plain, h.body.size);
	refused = explain_body(h.id, span_of(plain, h.body.size), h.is_2019 ? JT809_2019 : JT809_2011, m);
	free(plain);
	return refused;
}

static void put_checksum(struct members *m, const struct jt809_frame *frame)
{
	char text[64];
	snprintf(text, sizeof text, "%04x, computed %04x", load_be16(frame->content.data + frame->content.size),
		 jt809_crc(frame->content));
	put_string(m, "checksum", text);
}

static int append_text(const char *text, size_t size, void *out)
{
	return buf_append(out, text, size) ? -1 : 0;
}

enum status jt809_explain(const struct jt809_frame *frame, const struct jt809_explain_options *options, struct buf *out)
{
	uint8_t *scratch = malloc(JT809_FRAME_MAX);
	struct jt809_frame own;
	json_t *root = json_object();
	struct members m = {root, root && scratch ? STATUS_OK : STATUS_NO_MEMORY};
	size_t before = out->size;
	enum status refused = m.status ? m.status : jt809_frame_next(frame->raw, scratch, &own);
	if (refused == STATUS_OK || refused == STATUS_BAD_CHECKSUM) {
		enum status told = explain_message(own.content, options, &m);
		if (refused)
			put_checksum(&m, &own);
		refused = refused ? refused : told;
	}
	if (refused && !m.status) {
		put_string(&m, "refused", status_name(refused));
		put_string(&m, "reason", status_text(refused));
		put(&m, "raw", explain_hex(frame->raw));
	}
	if (!m.status && json_dump_callback(root, append_text, out, JSON_COMPACT | JSON_REAL_PRECISION(15)))
		m.status = STATUS_FULL;
	if (m.status)
		out->size = before;
	json_decref(root);
	free(scratch);
	return m.status ? m.status : refused;
}
