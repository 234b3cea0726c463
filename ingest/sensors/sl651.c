#include "ingest/sensors/sl651.h"

#include "engine/core/clock.h"

#define PASSWORD 8
#define FUNCTION 10
#define LENGTH 11
#define START 13
#define DOWN 8
#define PACKETS_SIZE 3
#define BODY_HEAD 8 /* serial and send time */

/* --- frames --- */

uint16_t sl651_crc(struct span bytes)
{
	uint16_t crc = 0xffff;
	for (size_t i = 0; i < bytes.size; i++) {
		crc ^= bytes.data[i];
		for (unsigned bit = 0; bit < 8; bit++)
			crc = (uint16_t)(crc & 1 ? crc >> 1 ^ 0xa001 : crc >> 1);
	}
	return crc;
}

static bool is_start(uint8_t byte)
{
	return byte == SL651_STX || byte == SL651_SYN;
}

static bool is_end(uint8_t byte)
{
	return byte == SL651_ETX || byte == SL651_EOT || byte == SL651_ENQ || byte == SL651_ACK || byte == SL651_NAK ||
	       byte == SL651_ETB || byte == SL651_ESC;
}

static enum status frame_size(const uint8_t *head, size_t *out)
{
	uint16_t word = load_be16(head + LENGTH), way = word >> 12;
	*out = SL651_FRAME_EXTRA + (word & 0xfff);
	return (way == 0 || way == DOWN) && is_start(head[START]) ? STATUS_OK : STATUS_MALFORMED;
}

static enum status frame_check(struct span raw)
{
	const uint8_t *crc = raw.data + raw.size - 2;
	if (!is_end(crc[-1]))
		return STATUS_MALFORMED;
	return load_be16(crc) == sl651_crc(span_of(raw.data, raw.size - 2)) ? STATUS_OK : STATUS_BAD_CHECKSUM;
}

enum status sl651_frame_next(struct span input, struct marked_frame *out)
{
	static const struct marked_framing framing = {
		.mark = 0x7e, .head_size = SL651_HEAD, .size = frame_size, .check = frame_check};
	return marked_frame_next(&framing, input, out);
}

/* --- a message --- */

static void take_observer(struct cursor *c, struct sl651_message *out)
{
	if (cursor_left(c) < 2 || c->at[0] != SL651_STATION || c->at[1] != SL651_STATION)
		return;
	cursor_take(c, 2);
	struct span station = cursor_take(c, sizeof out->observer);
	out->station_class = cursor_u8(c);
	out->has_observer = !c->failed;
	if (out->has_observer)
		memcpy(out->observer, station.data, station.size);
}

static enum status take_body(struct cursor *c, struct sl651_message *out)
{
	if (out->start == SL651_SYN) {
		struct span packets = cursor_take(c, PACKETS_SIZE);
		if (c->failed)
			return STATUS_BAD_LENGTH;
		out->packets = load_be16(packets.data) >> 4;
		out->packet = load_be16(packets.data + 1) & 0xfff;
	}
	out->body = span_of(c->at, cursor_left(c));
	out->has_serial = out->start == SL651_STX || out->packet == 1;
	if (!out->has_serial) {
		out->elements = out->body;
		return STATUS_OK;
	}
	out->serial = cursor_be16(c);
	struct span time = cursor_take(c, 6);
	if (c->failed)
		return STATUS_BAD_LENGTH;
	out->time_known = bcd_time_decode(time.data, &out->time_ms) == STATUS_OK;
	out->time_ms = out->time_known ? out->time_ms : 0;
	take_observer(c, out);
	out->elements = span_of(c->at, cursor_left(c));
	return c->failed ? STATUS_BAD_LENGTH : STATUS_OK;
}

enum status sl651_decode(struct span raw, struct sl651_message *out)
{
	const uint8_t *p = raw.data;
	size_t size;
	*out = (struct sl651_message){0};
	if (raw.size < SL651_FRAME_EXTRA || frame_size(p, &size) || size != raw.size)
		return STATUS_BAD_LENGTH;
	out->down = p[LENGTH] >> 4 == DOWN;
	out->centre = p[out->down ? 7 : 2];
	memcpy(out->station, p + (out->down ? 2 : 3), sizeof out->station);
	out->password = load_be16(p + PASSWORD);
	out->function = p[FUNCTION];
	out->start = p[START];
	out->end = p[raw.size - 3];
	struct cursor c = cursor_of(span_of(p + SL651_HEAD, raw.size - SL651_FRAME_EXTRA));
	return take_body(&c, out);
}

/* --- elements --- */

/* At most nine bytes, so that 18 digits fit. */
static bool load_bcd(struct span bcd, int64_t *out)
{
	int64_t n = 0;
	if (!bcd.size || bcd.size > 9)
		return false;
	for (size_t i = 0; i < bcd.size; i++) {
		unsigned high = bcd.data[i] >> 4, low = bcd.data[i] & 15;
		if (high > 9 || low > 9)
			return false;
		n = 100 * n + 10 * high + low;
	}
	*out = n;
	return true;
}

static void take_observed(struct cursor *c, struct sl651_elements *elements, struct sl651_element *out)
{
	uint8_t bcd[6] = {0};
	out->data = cursor_take(c, 5);
	elements->has_time = false;
	if (c->failed)
		return;
	memcpy(bcd, out->data.data, 5);
	elements->has_time = bcd_time_decode(bcd, &elements->time_ms) == STATUS_OK;
}

static void take_number(struct cursor *c, struct sl651_element *out, uint8_t descriptor)
{
	out->decimals = descriptor & 7;
	out->data = cursor_take(c, descriptor >> 3);
	out->is_number = load_bcd(out->data, &out->mantissa);
}

enum status sl651_elements_next(struct sl651_elements *elements, struct sl651_element *out)
{
	struct cursor *c = &elements->at;
	*out = (struct sl651_element){0};
	if (!cursor_left(c))
		return STATUS_END;
	const uint8_t *start = c->at;
	out->id = cursor_u8(c);
	if (out->id == SL651_EXTENDED)
		out->extended = cursor_u8(c);
	uint8_t second = cursor_u8(c);
	if (out->id == SL651_OBSERVED && second == SL651_OBSERVED)
		take_observed(c, elements, out);
	else if ((out->id == SL651_TEXT || out->id == SL651_PICTURE) && second == out->id)
		out->data = cursor_take(c, cursor_left(c));
	else
		take_number(c, out, second);
	out->has_time = elements->has_time;
	out->time_ms = out->has_time ? elements->time_ms : 0;
	if (!c->failed)
		return STATUS_OK;
	out->data = span_of(start, (size_t)(c->end - start));
	*c = (struct cursor){c->end, c->end, false};
	return STATUS_BAD_LENGTH;
}

/* --- the way out --- */

enum status sl651_encode(const struct sl651_message *m, struct buf *out)
{
	size_t before_body = m->start == SL651_SYN ? PACKETS_SIZE : 0, length = before_body + m->body.size;
	size_t size = SL651_FRAME_EXTRA + length;
	if (!is_start(m->start) || !is_end(m->end))
		return STATUS_INVALID;
	if (length > SL651_BODY_MAX)
		return STATUS_TOO_LONG;
	enum status status = buf_reserve(out, size);
	if (status)
		return status;
	uint8_t *p = out->data + out->size, *body = p + SL651_HEAD + before_body;
	memset(p, 0x7e, 2);
	p[m->down ? 7 : 2] = m->centre;
	memcpy(p + (m->down ? 2 : 3), m->station, sizeof m->station);
	store_be16(p + PASSWORD, m->password);
	p[FUNCTION] = m->function;
	store_be16(p + LENGTH, (uint16_t)((m->down ? DOWN << 12 : 0) | length));
	p[START] = m->start;
	if (before_body) {
		store_be16(p + SL651_HEAD, (uint16_t)(m->packets << 4 | (m->packet >> 8 & 15)));
		p[SL651_HEAD + 2] = (uint8_t)m->packet;
	}
	if (m->body.size)
		memcpy(body, m->body.data, m->body.size);
	p[size - 3] = m->end;
	store_be16(p + size - 2, sl651_crc(span_of(p, size - 2)));
	out->size += size;
	return STATUS_OK;
}

enum status sl651_reply_encode(const struct sl651_message *asked, enum sl651_end end, int64_t now_ms, struct buf *out)
{
	uint8_t body[BODY_HEAD];
	struct sl651_message m = *asked;
	store_be16(body, asked->serial);
	enum status status = bcd_time_encode(now_ms, body + 2);
	if (status)
		return status;
	m.down = !asked->down;
	m.start = SL651_STX;
	m.end = (uint8_t)end;
	m.body = span_of(body, sizeof body);
	return sl651_encode(&m, out);
}
