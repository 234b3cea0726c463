#include "ingest/jt808/jt808.h"

#define ATTRIBUTE_LENGTH 0x03ffu
#define ATTRIBUTE_FRAGMENT (1u << 13)
#define ATTRIBUTE_2019 (1u << 14)

enum status jt808_header_decode(struct span content, struct jt808_header *out)
{
	struct cursor c = cursor_of(content);
	*out = (struct jt808_header){0};
	out->message_id = cursor_be16(&c);
	out->attributes = cursor_be16(&c);
	out->is_2019 = out->attributes & ATTRIBUTE_2019;
	out->encryption = out->attributes >> 10 & 7;
	out->is_fragment = out->attributes & ATTRIBUTE_FRAGMENT;
	if (out->is_2019)
		out->version = cursor_u8(&c);
	struct span phone = cursor_take(&c, out->is_2019 ? 10 : 6);
	if (phone.size) {
		memcpy(out->phone, phone.data, phone.size);
		out->phone_size = (uint8_t)phone.size;
	}
	out->serial = cursor_be16(&c);
	if (out->is_fragment) {
		out->fragment_total = cursor_be16(&c);
		out->fragment_index = cursor_be16(&c);
	}
	if (c.failed)
		return STATUS_BAD_LENGTH;
	out->body = span_of(c.at, cursor_left(&c));
	return out->body.size == (out->attributes & ATTRIBUTE_LENGTH) ? STATUS_OK : STATUS_BAD_LENGTH;
}

size_t jt808_header_write(const struct jt808_header *h, size_t body_size, uint8_t out[JT808_HEADER_MAX])
{
	uint32_t attributes = (uint32_t)(body_size & ATTRIBUTE_LENGTH) | (uint32_t)(h->encryption & 7) << 10 |
			      (h->fragment_total ? ATTRIBUTE_FRAGMENT : 0) | (h->is_2019 ? ATTRIBUTE_2019 : 0);
	uint8_t *at = out;
	store_be16(at, h->message_id);
	store_be16(at + 2, (uint16_t)attributes);
	at += 4;
	if (h->is_2019)
		*at++ = h->version;
	size_t phone_size = h->is_2019 ? 10 : 6;
	memcpy(at, h->phone, phone_size);
	at += phone_size;
	store_be16(at, h->serial);
	at += 2;
	if (h->fragment_total) {
		store_be16(at, h->fragment_total);
		store_be16(at + 2, h->fragment_index);
		at += 4;
	}
	return (size_t)(at - out);
}

enum status jt808_header_encode(const struct jt808_header *h, size_t body_size, struct buf *out)
{
	uint8_t bytes[JT808_HEADER_MAX];
	if (body_size > JT808_BODY_MAX)
		return STATUS_TOO_LONG;
	return buf_append(out, bytes, jt808_header_write(h, body_size, bytes));
}

void jt808_phone_text(const struct jt808_header *h, char out[JT808_PHONE_TEXT_MAX])
{
	char digits[JT808_PHONE_TEXT_MAX];
	hex_encode(digits, span_of(h->phone, h->phone_size));
	const char *first = digits;
	while (first[0] == '0' && first[1])
		first++;
	strcpy(out, *first ? first : "0");
}

static int digit_of(uint8_t c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

enum status jt808_phone_pack(struct span text, uint8_t *out, uint8_t size)
{
	if (text.size == 0)
		return STATUS_MALFORMED;
	while (text.size > 1 && text.data[0] == '0')
		text = span_of(text.data + 1, text.size - 1);
	if (text.size > 2u * size)
		return STATUS_TOO_LONG;
	uint8_t bytes[10] = {0};
	for (size_t i = 0; i < text.size; i++) {
		int digit = digit_of(text.data[text.size - 1 - i]);
		if (digit < 0)
			return STATUS_MALFORMED;
		bytes[size - 1 - i / 2] |= (uint8_t)(i % 2 ? digit << 4 : digit);
	}
	memcpy(out, bytes, size);
	return STATUS_OK;
}
