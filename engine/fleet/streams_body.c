/* streams_body.c -- values on their way through the journal; the layout is drawn in streams.h. */
#include "engine/fleet/streams.h"

#define BODY_VERSION_RECORDS 1 /* without groups: journals of before */
#define BODY_VERSION 2
#define MARK_TYPE 3u
#define MARK_QUALITY 4u
#define MARK_SCALE_SHIFT 3
#define MARK_SCALE 15u
_Static_assert(MARK_SCALE == VALUE_SCALE_MAX, "every scale fits, and no other");
#define MARK_REGULAR 0x80u
/* mark, time, the longest number, quality; and of a text */
#define NUMBER_MAX (1 + 10 + 10 + 1)
#define RECORD_MAX (NUMBER_MAX + VALUE_TEXT_MAX)
/* stream, time, size */
#define GROUP_HEAD_MAX (8 + 10 + 2)

_Static_assert(RECORD_MAX < 1 << 14 && VALUES_GROUP_BYTES < 1 << 14, "two bytes hold a group's size");
_Static_assert(VALUES_ENTRY_MAX > 1 + GROUP_HEAD_MAX + RECORD_MAX, "one group fits a body");

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

static uint64_t less(int64_t a, int64_t b)
{
	return zigzag64((int64_t)((uint64_t)a - (uint64_t)b));
}

static uint8_t mark_of(const struct value *v)
{
	return (uint8_t)(v->type | (v->quality ? MARK_QUALITY : 0) | v->scale << MARK_SCALE_SHIFT);
}

static uint8_t *put_value(uint8_t *at, const struct value *v, struct span text)
{
	switch (v->type) {
	case VALUE_DECIMAL:
		at += varint_store(at, zigzag64(v->bits));
		break;
	case VALUE_DOUBLE:
		store_le64(at, (uint64_t)v->bits);
		at += 8;
		break;
	default:
		*at++ = (uint8_t)text.size;
		if (text.size)
			memcpy(at, text.data, text.size);
		at += text.size;
	}
	if (v->quality)
		*at++ = v->quality;
	return at;
}

bool values_group_add(struct values_group *g, const struct value *v)
{
	uint8_t *at = g->records + g->size;
	if (g->size + NUMBER_MAX > VALUES_GROUP_BYTES)
		return false;
	int64_t step_ms = g->count ? (int64_t)((uint64_t)v->time_ms - (uint64_t)g->last_ms) : 0;
	if (!g->count) {
		g->first_ms = v->time_ms;
		g->step_ms = 0;
		*at++ = mark_of(v);
	} else if (step_ms == g->step_ms) {
		*at++ = mark_of(v) | MARK_REGULAR;
	} else {
		g->step_ms = step_ms;
		*at++ = mark_of(v);
		at += varint_store(at, zigzag64(step_ms));
	}
	at = put_value(at, v, (struct span){NULL, 0});
	g->last_ms = v->time_ms;
	g->size = (uint32_t)(at - g->records);
	g->count++;
	return true;
}

/* Room for a group of `size` bytes and its head; `*at` is where its records go. */
static enum status begin_group(struct values_body *b, uint64_t stream, int64_t first_ms, size_t size, uint8_t **at)
{
	if (b->bytes.size + 1 + GROUP_HEAD_MAX + size > VALUES_ENTRY_MAX)
		return STATUS_FULL;
	enum status status = buf_reserve(&b->bytes, 1 + GROUP_HEAD_MAX + size);
	if (status)
		return status;
	*at = b->bytes.data + b->bytes.size;
	if (!b->count) {
		b->device = stream;
		b->last_ms = 0;
		*(*at)++ = BODY_VERSION;
	}
	store_le64(*at, stream);
	*at += 8;
	*at += varint_store(*at, less(first_ms, b->last_ms));
	*at += varint_store(*at, size);
	b->last_ms = first_ms;
	return STATUS_OK;
}

enum status values_body_add_group(struct values_body *b, uint64_t stream, const struct values_group *g)
{
	uint8_t *at;
	if (!g->count)
		return STATUS_OK;
	enum status status = begin_group(b, stream, g->first_ms, g->size, &at);
	if (status)
		return status;
	memcpy(at, g->records, g->size);
	b->bytes.size = (size_t)(at + g->size - b->bytes.data);
	b->count += g->count;
	return STATUS_OK;
}

enum status values_body_add(struct values_body *b, uint64_t stream, const struct value *v, struct span text)
{
	uint8_t record[RECORD_MAX], *at;
	if (text.size > VALUE_TEXT_MAX)
		return STATUS_INVALID;
	record[0] = mark_of(v);
	size_t size = (size_t)(put_value(record + 1, v, text) - record);
	enum status status = begin_group(b, stream, v->time_ms, size, &at);
	if (status)
		return status;
	memcpy(at, record, size);
	b->bytes.size = (size_t)(at + size - b->bytes.data);
	b->count++;
	return STATUS_OK;
}

enum status values_cursor_open(struct span body, int64_t received_ms, struct values_cursor *out)
{
	*out = (struct values_cursor){.at = cursor_of(body), .received_ms = received_ms};
	out->version = cursor_u8(&out->at);
	return out->version == BODY_VERSION || out->version == BODY_VERSION_RECORDS ? STATUS_OK : STATUS_BAD_VERSION;
}

/* --- reading --- */

static bool take_group(struct values_cursor *c)
{
	c->stream = cursor_le64(&c->at);
	c->first_ms = (int64_t)((uint64_t)c->first_ms + (uint64_t)unzigzag64(cursor_varint(&c->at)));
	uint64_t size = cursor_varint(&c->at);
	if (c->at.failed || !size || size > cursor_left(&c->at))
		return false;
	c->group_end = c->at.at + size;
	c->begun = false;
	return true;
}

static void take_time(struct values_cursor *c, uint8_t mark)
{
	if (!c->begun) {
		c->last_ms = c->first_ms;
		c->step_ms = 0;
		c->begun = true;
		c->at.failed |= (mark & MARK_REGULAR) != 0;
		return;
	}
	if (!(mark & MARK_REGULAR))
		c->step_ms = unzigzag64(cursor_varint(&c->at));
	c->last_ms = (int64_t)((uint64_t)c->last_ms + (uint64_t)c->step_ms);
}

static uint8_t take_mark(struct values_cursor *c)
{
	uint8_t mark;
	if (c->version == BODY_VERSION) {
		mark = cursor_u8(&c->at);
		take_time(c, mark);
		return mark;
	}
	c->stream = cursor_le64(&c->at);
	c->last_ms = (int64_t)((uint64_t)c->last_ms + (uint64_t)unzigzag64(cursor_varint(&c->at)));
	mark = cursor_u8(&c->at);
	c->at.failed |= (mark & MARK_REGULAR) != 0;
	return mark;
}

enum status values_cursor_next(struct values_cursor *c, uint64_t *stream, struct value *v, struct span *text)
{
	struct cursor *at = &c->at;
	if (!cursor_left(at))
		return STATUS_END;
	if (c->version == BODY_VERSION && c->at.at >= c->group_end && !take_group(c))
		return STATUS_CORRUPT;
	uint8_t mark = take_mark(c);
	*stream = c->stream;
	*v = (struct value){
		.time_ms = c->last_ms, .type = mark & MARK_TYPE, .scale = mark >> MARK_SCALE_SHIFT & MARK_SCALE};
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
	bool wrong = at->failed || v->type >= VALUE_TYPE_COUNT || v->quality >= VALUE_QUALITY_COUNT ||
		     (v->scale && v->type != VALUE_DECIMAL) || (c->group_end && at->at > c->group_end);
	return wrong ? STATUS_CORRUPT : STATUS_OK;
}
