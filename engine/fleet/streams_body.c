/* streams_body.c -- values on their way through the journal; the layout is drawn in streams.h. */
#include "engine/fleet/streams.h"

#define BODY_VERSION 1
#define MARK_TYPE 3u
#define MARK_QUALITY 4u
#define MARK_SCALE_SHIFT 3
/* stream, time, mark, the longest value, quality */
#define RECORD_MAX (8 + 10 + 1 + 1 + VALUE_TEXT_MAX + 1)

struct values_body values_body_init(void)
{
	return (struct values_body){.bytes = buf_init(VALUES_ENTRY_MAX)};
}

void values_body_clear(struct values_body *b)
{
	buf_clear(&b->bytes);
	b->device = 0;
	b->last_ms = 0;
	b->count = 0;
}

void values_body_deinit(struct values_body *b)
{
	buf_deinit(&b->bytes);
}

static uint8_t *put_value(uint8_t *at, const struct value *v, struct span text)
{
	switch (v->type) {
	case VALUE_DECIMAL:
		return at + varint_store(at, zigzag64(v->bits));
	case VALUE_DOUBLE:
		store_le64(at, (uint64_t)v->bits);
		return at + 8;
	default:
		*at = (uint8_t)text.size;
		if (text.size)
			memcpy(at + 1, text.data, text.size);
		return at + 1 + text.size;
	}
}

enum status values_body_add(struct values_body *b, uint64_t stream, const struct value *v, struct span text)
{
	if (text.size > VALUE_TEXT_MAX)
		return STATUS_INVALID;
	if (b->bytes.size + RECORD_MAX > VALUES_ENTRY_MAX)
		return STATUS_FULL;
	enum status status = buf_reserve(&b->bytes, 1 + RECORD_MAX);
	if (status)
		return status;
	uint8_t *at = b->bytes.data + b->bytes.size;
	if (!b->count) {
		b->device = stream;
		b->last_ms = 0;
		*at++ = BODY_VERSION;
	}
	store_le64(at, stream);
	at += 8;
	at += varint_store(at, zigzag64((int64_t)((uint64_t)v->time_ms - (uint64_t)b->last_ms)));
	*at++ = (uint8_t)(v->type | (v->quality ? MARK_QUALITY : 0) | v->scale << MARK_SCALE_SHIFT);
	at = put_value(at, v, text);
	if (v->quality)
		*at++ = v->quality;
	b->bytes.size = (size_t)(at - b->bytes.data);
	b->last_ms = v->time_ms;
	b->count++;
	return STATUS_OK;
}

enum status values_cursor_open(struct span body, int64_t received_ms, struct values_cursor *out)
{
	*out = (struct values_cursor){.at = cursor_of(body), .received_ms = received_ms};
	return cursor_u8(&out->at) == BODY_VERSION ? STATUS_OK : STATUS_BAD_VERSION;
}

enum status values_cursor_next(struct values_cursor *c, uint64_t *stream, struct value *v, struct span *text)
{
	struct cursor *at = &c->at;
	if (!cursor_left(at))
		return STATUS_END;
	*stream = cursor_le64(at);
	c->last_ms = (int64_t)((uint64_t)c->last_ms + (uint64_t)unzigzag64(cursor_varint(at)));
	uint8_t mark = cursor_u8(at);
	*v = (struct value){.time_ms = c->last_ms, .type = mark & MARK_TYPE, .scale = mark >> MARK_SCALE_SHIFT};
	*text = (struct span){NULL, 0};
	if (v->type == VALUE_DECIMAL)
		v->bits = unzigzag64(cursor_varint(at));
	else if (v->type == VALUE_DOUBLE)
		v->bits = (int64_t)cursor_le64(at);
	else
		*text = cursor_take(at, cursor_u8(at));
	v->quality = mark & MARK_QUALITY ? cursor_u8(at) : VALUE_QUALITY_GOOD;
	if (v->type == VALUE_TEXT)
		v->bits = (int64_t)value_text_hash(*text);
	v->delay_min = value_delay(v->time_ms, c->received_ms);
	bool wrong = at->failed || v->type >= VALUE_TYPE_COUNT || v->scale > VALUE_SCALE_MAX ||
		     v->quality >= VALUE_QUALITY_COUNT || (v->scale && v->type != VALUE_DECIMAL);
	return wrong ? STATUS_CORRUPT : STATUS_OK;
}
