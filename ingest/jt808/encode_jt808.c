#include "engine/core/clock.h"
#include "ingest/jt808/jt808.h"

/* the header of a message of ours to the terminal of `like`: its edition and phone, never its encryption */
static struct jt808_header header_like(const struct jt808_header *like, uint16_t message_id, uint16_t serial)
{
	struct jt808_header h = {.message_id = message_id,
				 .version = like->version,
				 .is_2019 = like->is_2019,
				 .phone_size = like->phone_size,
				 .serial = serial,
				 .framing = like->framing};
	memcpy(h.phone, like->phone, sizeof h.phone);
	return h;
}

/* One packet of `body`: its bytes from `from` on, `size` of them. */
static enum status packet_encode(const struct jt808_header *h, struct span body, size_t from, size_t size,
				 struct buf *out)
{
	uint8_t content[JT808_HEADER_MAX + JT808_BODY_MAX];
	size_t at = jt808_header_write(h, size, content);
	if (body.data && size)
		memcpy(content + at, body.data + from, size);
	return jt808_framed_encode(h->framing, span_of(content, at + size), out);
}

enum status jt808_message_encode(uint16_t message_id, const struct jt808_header *like, struct span body,
				 size_t packet_max, uint16_t *serial, struct buf *out)
{
	if (packet_max == 0 || packet_max > JT808_BODY_MAX)
		return STATUS_INVALID;
	struct jt808_header h = header_like(like, message_id, *serial);
	size_t total = body.size <= packet_max ? 1 : (body.size + packet_max - 1) / packet_max;
	if (total > UINT16_MAX)
		return STATUS_TOO_LONG;
	size_t before = out->size;
	for (size_t i = 0; i < total; i++) {
		size_t from = i * packet_max;
		size_t size = body.size - from < packet_max ? body.size - from : packet_max;
		h.serial = (uint16_t)(*serial + i);
		if (total > 1) {
			h.fragment_total = (uint16_t)total;
			h.fragment_index = (uint16_t)(i + 1);
		}
		enum status status = packet_encode(&h, body, from, size, out);
		if (status) {
			out->size = before;
			return status;
		}
	}
	*serial = (uint16_t)(*serial + total);
	return STATUS_OK;
}

size_t jt808_ack_write(const struct jt808_header *like, uint16_t own_serial, uint16_t serial, uint16_t message_id,
		       uint8_t result, uint8_t *out)
{
	uint8_t content[JT808_HEADER_MAX + 5];
	struct jt808_header h = header_like(like, 0x8001, own_serial);
	size_t size = jt808_header_write(&h, 5, content);
	store_be16(content + size, serial);
	store_be16(content + size + 2, message_id);
	content[size + 4] = result;
	return jt808_framed_write(h.framing, span_of(content, size + 5), out);
}

enum status jt808_register_reply_encode(uint16_t serial, uint8_t result, struct span code, struct buf *out)
{
	size_t code_size = result == 0 ? code.size : 0;
	enum status status = buf_reserve(out, 3 + code_size);
	if (status)
		return status;
	store_be16(out->data + out->size, serial);
	out->data[out->size + 2] = result;
	if (code_size)
		memcpy(out->data + out->size + 3, code.data, code_size);
	out->size += 3 + code_size;
	return STATUS_OK;
}

enum status jt808_time_reply_encode(int64_t now_ms, bool as_utc, struct buf *out)
{
	uint8_t bcd[6];
	enum status status = bcd_time_encode(as_utc ? now_ms - CHINA_OFFSET_MS : now_ms, bcd);
	return status ? status : buf_append(out, bcd, sizeof bcd);
}

enum status jt808_resend_encode(uint16_t first_serial, const uint16_t *indexes, size_t count, bool is_2019,
				struct buf *out)
{
	size_t fixed = is_2019 ? 4 : 3;
	if (count > (is_2019 ? (JT808_BODY_MAX - fixed) / 2 : UINT8_MAX))
		return STATUS_TOO_LONG;
	enum status status = buf_reserve(out, fixed + 2 * count);
	if (status)
		return status;
	uint8_t *at = out->data + out->size;
	store_be16(at, first_serial);
	if (is_2019)
		store_be16(at + 2, (uint16_t)count);
	else
		at[2] = (uint8_t)count;
	for (size_t i = 0; i < count; i++)
		store_be16(at + fixed + 2 * i, indexes[i]);
	out->size += fixed + 2 * count;
	return STATUS_OK;
}

enum status jt808_location_encode(const struct jt808_location *l, struct buf *out)
{
	const uint32_t south = 1u << 2, west = 1u << 3;
	uint8_t body[28];
	uint32_t status_word = l->status & ~(south | west);
	status_word |= (l->lat_e6 < 0 ? south : 0) | (l->lon_e6 < 0 ? west : 0);
	store_be32(body, l->alarm);
	store_be32(body + 4, status_word);
	store_be32(body + 8, l->lat_e6 < 0 ? 0u - (uint32_t)l->lat_e6 : (uint32_t)l->lat_e6);
	store_be32(body + 12, l->lon_e6 < 0 ? 0u - (uint32_t)l->lon_e6 : (uint32_t)l->lon_e6);
	store_be16(body + 16, (uint16_t)l->altitude_m);
	store_be16(body + 18, l->speed_dkmh);
	store_be16(body + 20, l->course_deg);
	enum status status = bcd_time_encode(l->time_ms, body + 22);
	return status ? status : buf_append(out, body, sizeof body);
}

enum status jt808_item_encode(uint8_t id, struct span value, struct buf *out)
{
	if (value.size > UINT8_MAX)
		return STATUS_TOO_LONG;
	enum status status = buf_reserve(out, 2 + value.size);
	if (status)
		return status;
	out->data[out->size] = id;
	out->data[out->size + 1] = (uint8_t)value.size;
	if (value.size)
		memcpy(out->data + out->size + 2, value.data, value.size);
	out->size += 2 + value.size;
	return STATUS_OK;
}
