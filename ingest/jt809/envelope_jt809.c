/* envelope_jt809.c -- the vehicle, sub type and length around the data of business messages. */
#include <stdio.h>
#include <stdlib.h>

#include "ingest/jt809/jt809.h"

#define SUB_HEAD 6     /* sub type and length */
#define ANSWER_HEAD 12 /* sub type, source sub type, source serial, length */

bool jt809_has_envelope(uint16_t id)
{
	uint16_t family = id & 0x7fff;
	return (id & 0xff) == 0 && family >= 0x1200 && family <= 0x1800;
}

/* How well a sub head fits at the start of `rest`: 3 exactly, 2 as an answer of 2019, 1 but for its length, 0 not. */
static int fits(uint16_t id, struct span rest)
{
	if (rest.size < SUB_HEAD || (load_be16(rest.data) & 0xff00) != id)
		return 0;
	if (load_be32(rest.data + 2) == rest.size - SUB_HEAD)
		return 3;
	return rest.size >= ANSWER_HEAD && load_be32(rest.data + 8) == rest.size - ANSWER_HEAD ? 2 : 1;
}

static void take(struct span rest, int fit, struct jt809_envelope *out)
{
	out->sub_id = load_be16(rest.data);
	out->answers = fit == 2;
	size_t head = out->answers ? ANSWER_HEAD : SUB_HEAD;
	if (out->answers) {
		out->source_id = load_be16(rest.data + 2);
		out->source_serial = load_be32(rest.data + 4);
	}
	uint32_t declared = load_be32(rest.data + head - 4);
	out->data = span_of(rest.data + head, rest.size - head);
	out->length_differs = declared != out->data.size;
	if (declared < out->data.size) /* what follows is no part of it */
		out->data.size = declared;
}

enum status jt809_envelope_decode(uint16_t id, struct span body, struct jt809_envelope *out)
{
	*out = (struct jt809_envelope){0};
	if (body.size < SUB_HEAD)
		return STATUS_BAD_LENGTH;
	struct span behind = {NULL, 0};
	if (body.size >= JT809_VEHICLE)
		behind = span_of(body.data + JT809_VEHICLE, body.size - JT809_VEHICLE);
	int bare = fits(id, body), vehicle = fits(id, behind);
	if (!bare && !vehicle)
		return STATUS_MALFORMED;
	if (vehicle > bare)
		out->vehicle = span_of(body.data, JT809_VEHICLE);
	take(vehicle > bare ? behind : body, vehicle > bare ? vehicle : bare, out);
	return STATUS_OK;
}

enum status jt809_envelope_encode(const struct jt809_envelope *e, struct buf *out)
{
	uint8_t head[ANSWER_HEAD];
	size_t size = e->answers ? ANSWER_HEAD : SUB_HEAD, before = out->size;
	store_be16(head, e->sub_id);
	if (e->answers) {
		store_be16(head + 2, e->source_id);
		store_be32(head + 4, e->source_serial);
	}
	store_be32(head + size - 4, (uint32_t)e->data.size);
	enum status status = buf_append(out, e->vehicle.data, e->vehicle.size);
	if (!status)
		status = buf_append(out, head, size);
	if (!status)
		status = buf_append(out, e->data.data, e->data.size);
	if (status)
		out->size = before;
	return status;
}

/* --- texts and plates --- */

enum status jt809_text_pack(const char *utf8, uint8_t *out, size_t size)
{
	uint8_t room[2 * CHARSET_UTF8_ROOM(200)]; /* the longest field, and what conversion reserves */
	struct buf gbk = {room, 0, sizeof room, sizeof room};
	enum status status = charset_utf8_to_gbk(span_of_string(utf8), &gbk);
	if (status == STATUS_FULL || gbk.size > size)
		return STATUS_TOO_LONG;
	memset(out, 0, size);
	memcpy(out, gbk.data, gbk.size);
	return status;
}

enum status jt809_plate_text(struct span vehicle, char out[JT809_PLATE_TEXT_MAX])
{
	if (vehicle.size != JT809_VEHICLE || vehicle.data[JT809_PLATE] == 0 || vehicle.data[JT809_PLATE] > 99)
		return STATUS_OUT_OF_RANGE;
	int size = snprintf(out, JT809_PLATE_TEXT_MAX, "%u:", vehicle.data[JT809_PLATE]);
	size_t plate = charset_gbk_to_utf8(span_of(vehicle.data, JT809_PLATE), out + size,
					   JT809_PLATE_TEXT_MAX - (size_t)size);
	return plate ? STATUS_OK : STATUS_OUT_OF_RANGE;
}

enum status jt809_plate_pack(const char *plate, uint8_t out[JT809_VEHICLE])
{
	char *colon;
	unsigned long colour = strtoul(plate, &colon, 10);
	if (colon == plate || *colon != ':' || colour > 99)
		return STATUS_MALFORMED;
	memset(out, 0, JT809_VEHICLE);
	out[JT809_PLATE] = (uint8_t)colour;
	return jt809_text_pack(colon + 1, out, JT809_PLATE);
}
