#include "ingest/sensors/gb26875.h"

#include "engine/core/clock.h"

#define SERIAL 2
#define VERSION 4
#define TIME 6
#define SOURCE 12
#define TARGET 18
#define LENGTH 24
#define COMMAND 26
#define END_BYTE 0x23

/* --- frames --- */

static uint8_t checksum(struct span frame)
{
	uint8_t sum = 0;
	for (size_t i = SERIAL; i < frame.size - 3; i++)
		sum = (uint8_t)(sum + frame.data[i]);
	return sum;
}

static enum status frame_size(const uint8_t *head, size_t *out)
{
	size_t app = load_le16(head + LENGTH);
	*out = GB26875_FRAME_EXTRA + app;
	return app > GB26875_APP_MAX ? STATUS_BAD_LENGTH : STATUS_OK;
}

static enum status frame_check(struct span raw)
{
	const uint8_t *end = raw.data + raw.size;
	if (end[-1] != END_BYTE || end[-2] != END_BYTE)
		return STATUS_MALFORMED;
	return end[-3] == checksum(raw) ? STATUS_OK : STATUS_BAD_CHECKSUM;
}

enum status gb26875_frame_next(struct span input, struct marked_frame *out)
{
	static const struct marked_framing framing = {
		.mark = 0x40, .head_size = GB26875_HEAD, .size = frame_size, .check = frame_check};
	return marked_frame_next(&framing, input, out);
}

/* --- header --- */

static uint64_t load_address(const uint8_t *p)
{
	return load_le32(p) | (uint64_t)load_le16(p + 4) << 32;
}

static void store_address(uint8_t *p, uint64_t address)
{
	store_le32(p, (uint32_t)address);
	store_le16(p + 4, (uint16_t)(address >> 32));
}

/* Six bytes. An instant that the calendar does not have comes back from it as another. */
static struct gb26875_time load_time(const uint8_t *p)
{
	struct gb26875_time t = {.known = false};
	struct civil c = {2000 + p[5], p[4], p[3], p[2], p[1], p[0], 0}, back;
	memcpy(t.bytes, p, sizeof t.bytes);
	if (p[5] > 99 || p[4] < 1 || p[4] > 12 || p[3] < 1 || p[3] > 31)
		return t;
	int64_t ms = civil_to_ms(&c);
	civil_from_ms(ms, &back);
	t.known = back.day == c.day && back.hour == c.hour && back.minute == c.minute && back.second == c.second;
	t.ms = t.known ? ms - CHINA_OFFSET_MS : 0;
	return t;
}

static enum status store_time(uint8_t *p, int64_t ms)
{
	struct civil c;
	civil_from_ms(ms + CHINA_OFFSET_MS, &c);
	if (c.year < 2000 || c.year > 2099)
		return STATUS_OUT_OF_RANGE;
	const uint8_t bytes[6] = {c.second, c.minute, c.hour, c.day, c.month, (uint8_t)(c.year - 2000)};
	memcpy(p, bytes, sizeof bytes);
	return STATUS_OK;
}

enum status gb26875_decode(struct span raw, struct gb26875_message *out)
{
	const uint8_t *p = raw.data;
	*out = (struct gb26875_message){0};
	if (raw.size < GB26875_FRAME_EXTRA || raw.size != GB26875_FRAME_EXTRA + load_le16(p + LENGTH))
		return STATUS_BAD_LENGTH;
	out->serial = load_le16(p + SERIAL);
	out->version_main = p[VERSION];
	out->version_user = p[VERSION + 1];
	out->time = load_time(p + TIME);
	out->source = load_address(p + SOURCE);
	out->target = load_address(p + TARGET);
	out->command = p[COMMAND];
	out->app = span_of(p + GB26875_HEAD, raw.size - GB26875_FRAME_EXTRA);
	out->heartbeat = out->command == GB26875_SEND && out->app.size < 2;
	return STATUS_OK;
}

enum status gb26875_encode(const struct gb26875_message *m, struct buf *out)
{
	size_t size = GB26875_FRAME_EXTRA + m->app.size;
	uint8_t time[6];
	if (m->app.size > GB26875_APP_MAX)
		return STATUS_TOO_LONG;
	if (m->source > GB26875_ADDRESS_MAX || m->target > GB26875_ADDRESS_MAX || store_time(time, m->time.ms))
		return STATUS_OUT_OF_RANGE;
	enum status status = buf_reserve(out, size);
	if (status)
		return status;
	uint8_t *p = out->data + out->size;
	memset(p, 0x40, 2);
	store_le16(p + SERIAL, m->serial);
	p[VERSION] = m->version_main;
	p[VERSION + 1] = m->version_user;
	memcpy(p + TIME, time, sizeof time);
	store_address(p + SOURCE, m->source);
	store_address(p + TARGET, m->target);
	store_le16(p + LENGTH, (uint16_t)m->app.size);
	p[COMMAND] = m->command;
	if (m->app.size)
		memcpy(p + GB26875_HEAD, m->app.data, m->app.size);
	p[size - 3] = checksum(span_of(p, size));
	memset(p + size - 2, END_BYTE, 2);
	out->size += size;
	return STATUS_OK;
}

enum status gb26875_reply_encode(const struct gb26875_message *asked, uint8_t command, int64_t now_ms, struct buf *out)
{
	struct gb26875_message m = *asked;
	if (command != GB26875_CONFIRM && command != GB26875_DENY)
		return STATUS_INVALID;
	m.command = command;
	m.time.ms = now_ms;
	m.source = asked->target;
	m.target = asked->source;
	m.app = span_of(NULL, 0);
	return gb26875_encode(&m, out);
}

/* --- objects --- */

/* What an object is made of, in order:
 *   s system type, address   p part type, address (4)   w state, 2 bytes   b state, 1 byte   a analog type, value (2)
 *   o operation, operator    v version: main, user      x text, 31 bytes   l text behind its length (1)   t time */
static const char *layout_of(uint8_t type)
{
	switch (type) {
	case GB26875_SYSTEM_STATE:
		return "swt";
	case GB26875_PART_STATE:
		return "spwxt";
	case GB26875_ANALOG:
		return "spat";
	case GB26875_SYSTEM_OPERATION:
		return "sot";
	case 5:
		return "sv";
	case 6:
		return "sl";
	case 7:
		return "spx";
	case 8:
		return "st";
	case GB26875_DEVICE_STATE:
		return "bt";
	case GB26875_DEVICE_OPERATION:
		return "ot";
	case 25:
		return "v";
	case 26:
		return "l";
	case 28:
	case GB26875_CLOCK_SYNC:
		return "t";
	default:
		return NULL;
	}
}

static uint16_t take_le16(struct cursor *c)
{
	struct span s = cursor_take(c, 2);
	return s.size ? load_le16(s.data) : 0;
}

static void take_part(struct cursor *c, struct gb26875_object *o)
{
	o->part_type = cursor_u8(c);
	o->part_address = cursor_le32(c);
}

static void take_time(struct cursor *c, struct gb26875_object *o)
{
	struct span s = cursor_take(c, 6);
	o->has_time = s.size == 6;
	if (o->has_time)
		o->time = load_time(s.data);
}

static void take_field(struct cursor *c, char field, struct gb26875_object *o)
{
	if (field == 's' || field == 'o' || field == 'v') {
		uint8_t first = cursor_u8(c), second = cursor_u8(c);
		uint8_t *to_first = field == 's' ? &o->system_type : field == 'o' ? &o->operation : &o->version_main;
		uint8_t *to_second = field == 's'   ? &o->system_address
				     : field == 'o' ? &o->operator_number
						    : &o->version_user;
		*to_first = first;
		*to_second = second;
	} else if (field == 'p') {
		take_part(c, o);
	} else if (field == 'w') {
		o->state = take_le16(c);
	} else if (field == 'b') {
		o->state = cursor_u8(c);
	} else if (field == 'a') {
		o->analog_type = cursor_u8(c);
		o->analog = (int16_t)take_le16(c);
	} else if (field == 'x') {
		o->text = cursor_take(c, 31);
	} else if (field == 'l') {
		o->text = cursor_take(c, cursor_u8(c));
	} else {
		take_time(c, o);
	}
}

enum status gb26875_objects_decode(struct span app, struct gb26875_objects *out)
{
	*out = (struct gb26875_objects){.at = cursor_of(app)};
	if (app.size < 2)
		return STATUS_EMPTY;
	out->type = cursor_u8(&out->at);
	out->declared = cursor_u8(&out->at);
	return STATUS_OK;
}

enum status gb26875_objects_next(struct gb26875_objects *objects, struct gb26875_object *out)
{
	struct cursor *c = &objects->at;
	*out = (struct gb26875_object){.type = objects->type};
	if (objects->taken >= objects->declared)
		return STATUS_END;
	objects->taken++;
	const uint8_t *start = c->at;
	const char *layout = layout_of(objects->type);
	for (const char *field = layout; field && *field; field++)
		take_field(c, *field, out);
	bool whole = layout && !c->failed;
	if (!whole) {
		objects->taken = objects->declared;
		*c = (struct cursor){c->end, c->end, false};
	}
	out->raw = span_of(start, (size_t)(c->at - start));
	return whole ? STATUS_OK : layout ? STATUS_BAD_LENGTH : STATUS_UNSUPPORTED;
}
