#include <stdio.h>

#include "engine/core/clock.h"
#include "ingest/jt808/explain_fields.h"
#include "ingest/jt808/jt808.h"

/* Members one after the other: the first that cannot be set is kept. */
struct members {
	json_t *into;
	enum status status;
};

static void put(struct members *m, const char *name, json_t *value)
{
	if (m->status)
		json_decref(value);
	else
		m->status = explain_set(m->into, name, value);
}

static void put_string(struct members *m, const char *name, const char *text)
{
	put(m, name, json_string(text));
}

static void put_number(struct members *m, const char *name, int64_t value)
{
	put(m, name, json_integer(value));
}

static const char *edition_name(enum jt808_edition edition)
{
	return edition == JT808_2019 ? "2019" : edition == JT808_2013 ? "2013" : "2011";
}

/* --- bodies that take code --- */

static enum status explain_register(struct span body, bool is_2019, json_t *into)
{
	static const struct name colours[] = {
		{0, "none"},        {1, "blue"},          {2, "yellow"},          {3, "black"},
		{4, "white"},       {5, "green"},         {9, "other"},           {91, "farm_yellow"},
		{92, "farm_green"}, {93, "yellow_green"}, {94, "gradient_green"}, {0, NULL}};
	struct jt808_register r;
	struct members m = {into, STATUS_OK};
	enum status refused = jt808_register_decode(body, is_2019, &r);
	if (refused)
		return refused;
	put_string(&m, "edition", edition_name(r.edition));
	put_number(&m, "province", r.province);
	put_number(&m, "city", r.city);
	put_string(&m, "manufacturer", r.manufacturer);
	put_string(&m, "model", r.model);
	put_string(&m, "terminal_id", r.terminal_id);
	put_number(&m, "plate_colour", r.plate_colour);
	if (explain_name(r.plate_colour, colours))
		put_string(&m, "plate_colour_name", explain_name(r.plate_colour, colours));
	put_string(&m, r.plate_colour ? "plate" : "vin", r.plate);
	return m.status;
}

static enum status explain_auth(struct span body, bool is_2019, json_t *into)
{
	struct jt808_auth a;
	struct members m = {into, jt808_auth_decode(body, is_2019, &a)};
	if (m.status)
		return m.status;
	put(&m, "code", explain_text(a.code));
	if (a.imei[0])
		put_string(&m, "imei", a.imei);
	if (a.software[0])
		put_string(&m, "software", a.software);
	return m.status;
}

static enum status explain_attributes(struct span body, json_t *into)
{
	static const struct name types[] = {{0, "passenger"}, {1, "dangerous_goods"}, {2, "freight"}, {3, "taxi"},
					    {6, "hdd_video"}, {7, "split_unit"},      {8, "trailer"}, {0, NULL}};
	static const struct name gnss[] = {{0, "gps"}, {1, "beidou"}, {2, "glonass"}, {3, "galileo"}, {0, NULL}};
	static const struct name comm[] = {{0, "gprs"},     {1, "cdma"},   {2, "td_scdma"}, {3, "wcdma"},
					   {4, "cdma2000"}, {5, "td_lte"}, {7, "other"},    {0, NULL}};
	struct jt808_attributes a;
	struct members m = {into, jt808_attributes_decode(body, &a)};
	if (m.status)
		return m.status;
	put_number(&m, "type", a.type);
	put(&m, "type_bits", explain_bits(a.type, types));
	put_string(&m, "manufacturer", a.manufacturer);
	put_string(&m, "model", a.model);
	put_string(&m, "terminal_id", a.terminal_id);
	put_string(&m, "iccid", a.iccid);
	put_string(&m, "hardware", a.hardware);
	put_string(&m, "firmware", a.firmware);
	put_number(&m, "gnss", a.gnss);
	put(&m, "gnss_bits", explain_bits(a.gnss, gnss));
	put_number(&m, "comm", a.comm);
	put(&m, "comm_bits", explain_bits(a.comm, comm));
	return m.status;
}

static void put_if_there(struct members *m, const char *name, const char *text)
{
	if (text[0])
		put_string(m, name, text);
}

static enum status explain_driver(struct span body, bool is_2019, json_t *into)
{
	static const struct name states[] = {{1, "on_duty"}, {2, "off_duty"}, {0, NULL}};
	static const struct name cards[] = {{0, "read"},   {1, "not_authentic"}, {2, "locked"},
					    {3, "pulled"}, {4, "bad_data"},      {0, NULL}};
	struct jt808_driver d;
	enum status refused = jt808_driver_decode(body, is_2019, &d);
	struct members m = {into, STATUS_OK};
	put_string(&m, "edition", edition_name(d.edition));
	if (d.has_time) {
		char time[TIME_TEXT_MAX];
		time_format(d.time_ms, CHINA_OFFSET_MS, time);
		put_number(&m, "status", d.status);
		put_if_there(&m, "status_name", explain_name(d.status, states) ? explain_name(d.status, states) : "");
		put_string(&m, "time", time);
		put_number(&m, "ic_result", d.ic_result);
		put_if_there(&m, "ic_result_name",
			     explain_name(d.ic_result, cards) ? explain_name(d.ic_result, cards) : "");
	}
	put_if_there(&m, "name", d.name);
	put_if_there(&m, "licence", d.licence);
	put_if_there(&m, "authority", d.authority);
	put_if_there(&m, "expiry", d.expiry);
	put_if_there(&m, "id_card", d.id_card);
	return m.status ? m.status : refused;
}

static enum status explain_batch(struct span body, bool is_2019, json_t *into)
{
	struct jt808_bodies bodies;
	struct members m = {into, jt808_batch_decode(body, &bodies)};
	if (m.status)
		return m.status;
	enum status refused = STATUS_OK, next;
	struct span one;
	json_t *locations = json_array();
	put_number(&m, "count", bodies.declared);
	put_number(&m, "type", bodies.type);
	if (bodies.type < 2)
		put_string(&m, "type_name", bodies.type ? "backfill" : "batch");
	while ((next = jt808_batch_next(&bodies, &one)) != STATUS_END) {
		json_t *location = json_object();
		enum status status = next ? next : explain_location(one, is_2019, location);
		if (status && !json_object_get(location, "refused")) {
			struct members inner = {location, STATUS_OK};
			put_string(&inner, "refused", status_name(status));
			put(&inner, "hex", explain_hex(one));
		}
		refused = refused ? refused : status;
		json_array_append_new(locations, location);
	}
	put(&m, "locations", locations);
	return m.status ? m.status : refused;
}

/* --- the frame --- */

static enum status explain_body(const struct jt808_header *h, const struct message_explained *known, json_t *into)
{
	switch (h->message_id) {
	case 0x0100:
		return explain_register(h->body, h->is_2019, into);
	case 0x0102:
		return explain_auth(h->body, h->is_2019, into);
	case 0x0107:
		return explain_attributes(h->body, into);
	case 0x0200:
		return explain_location(h->body, h->is_2019, into);
	case 0x0702:
		return explain_driver(h->body, h->is_2019, into);
	case 0x0704:
		return explain_batch(h->body, h->is_2019, into);
	default:
		break;
	}
	struct cursor c = cursor_of(h->body);
	enum status status = fields_explain(explain_fields_of(known, h->body), &c, h->is_2019, into);
	if (!status && cursor_left(&c))
		return explain_set(into, "rest", explain_hex(span_of(c.at, cursor_left(&c))));
	return status;
}

static bool body_takes_code(uint16_t id)
{
	return id == 0x0100 || id == 0x0102 || id == 0x0107 || id == 0x0200 || id == 0x0702 || id == 0x0704;
}

/* A part of a split message or an encrypted body says nothing by itself. */
static bool body_is_opaque(const struct jt808_header *h, const struct message_explained *known)
{
	return h->is_fragment || h->encryption || !known ||
	       (!body_takes_code(h->message_id) && !explain_fields_of(known, h->body));
}

static void put_header(struct members *m, const struct jt808_header *h, const struct message_explained *known)
{
	char phone[JT808_PHONE_TEXT_MAX];
	uint8_t id[2];
	store_be16(id, h->message_id);
	jt808_phone_text(h, phone);
	put(m, "message", explain_hex(span_of(id, sizeof id)));
	if (known) {
		put_string(m, "name", known->name);
		put_string(m, "name_zh", known->name_zh);
	}
	put_string(m, "edition", h->is_2019 ? "2019" : "2011/2013");
	put_string(m, "phone", phone);
	put_number(m, "serial", h->serial);
	if (h->is_2019)
		put_number(m, "version", h->version);
	if (h->encryption)
		put_string(m, "encryption", h->encryption == 1 ? "rsa" : "reserved");
	if (h->is_fragment)
		put(m, "fragment",
		    json_pack("{s:i,s:i}", "index", (int)h->fragment_index, "total", (int)h->fragment_total));
	put_number(m, "body_bytes", (int64_t)h->body.size);
}

static enum status explain_message(struct span content, struct members *m)
{
	struct jt808_header h;
	enum status refused = jt808_header_decode(content, &h);
	if (refused && h.phone_size == 0)
		return refused;
	const struct message_explained *known = explain_find(h.message_id);
	put_header(m, &h, known);
	if (refused || body_is_opaque(&h, known)) {
		put(m, "body", explain_hex(h.body));
		return refused;
	}
	json_t *body = json_object();
	refused = explain_body(&h, known, body);
	put(m, "body", body);
	return refused;
}

static int append_text(const char *text, size_t size, void *out)
{
	return buf_append(out, text, size) ? -1 : 0;
}

/* Sent and computed checksum, for who debugs a terminal. */
static void put_checksum(struct members *m, const struct jt808_frame *frame)
{
	uint8_t sum = 0, sent = frame->content.data[frame->content.size];
	char text[64];
	for (size_t i = 0; i < frame->content.size; i++)
		sum ^= frame->content.data[i];
	snprintf(text, sizeof text, "%02x, computed %02x", sent, sum);
	put_string(m, "checksum", text);
}

enum status jt808_explain(const struct jt808_frame *frame, struct buf *out)
{
	uint8_t scratch[JT808_FRAME_MAX];
	struct jt808_frame own;
	json_t *root = json_object();
	struct members m = {root, root ? STATUS_OK : STATUS_NO_MEMORY};
	size_t before = out->size;
	enum status refused = jt808_framed_next(frame->framing, frame->raw, scratch, &own);
	if (frame->framing == JT808_FRAMING_PRIVATE)
		put_string(&m, "framing", "private");
	if (refused == STATUS_OK || refused == STATUS_BAD_CHECKSUM) {
		enum status told = explain_message(own.content, &m);
		if (refused)
			put_checksum(&m, &own);
		refused = refused ? refused : told;
	}
	if (refused) {
		put_string(&m, "refused", status_name(refused));
		put_string(&m, "reason", status_text(refused));
		put(&m, "raw", explain_hex(frame->raw));
	}
	if (!m.status && json_dump_callback(root, append_text, out, JSON_COMPACT | JSON_REAL_PRECISION(15)))
		m.status = STATUS_FULL;
	if (m.status)
		out->size = before;
	json_decref(root);
	return m.status ? m.status : refused;
}
