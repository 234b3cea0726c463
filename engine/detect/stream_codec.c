/* stream_codec.c -- the state of a stream as bytes.
 *
 *   version 1 | stream 8 | time 8 | entries varint | entry*          fixed numbers big-endian, varints LEB128
 *   entry: rule id: size 1, bytes | version 8 | kind 1 | level 1 | fence id: size 1, bytes | fence version 4 |
 *          flags 1 (0 running, 1 a value before) | start 8 | last 8 | found 8 | fail 8 | values 4 | peak 16 | limit 8 |
 *          other 8 | code 4 | value before 16 | heard 8 | day 8 | its first 8 | its values 4 |
 *          slots: varint, (at 8, low 16, high 16)* | days: varint, (at 8, low 16)*
 * Texts and rules that the registry and the book say are not in it. */
#include <stdlib.h>

#include "engine/detect/stream_state.h"

#define VERSION 1
#define FLAG_RUNNING 1u
#define FLAG_LAST 2u

static enum status put_number(struct buf *out, __int128 n)
{
	uint8_t bytes[16];
	store_be64(bytes, (uint64_t)(n >> 64));
	store_be64(bytes + 8, (uint64_t)n);
	return buf_append(out, bytes, sizeof bytes);
}

static __int128 take_number(struct cursor *c)
{
	uint64_t high = cursor_be64(c), low = cursor_be64(c);
	return (__int128)((unsigned __int128)high << 64 | low);
}

static enum status put_text(struct buf *out, const char *text)
{
	size_t size = strlen(text);
	enum status status = buf_append_u8(out, (uint8_t)size);
	return status ? status : buf_append(out, text, size);
}

static void take_text(struct cursor *c, char *out, size_t max)
{
	size_t size = cursor_u8(c);
	struct span text = cursor_take(c, size <= max ? size : SIZE_MAX);
	if (text.size && memchr(text.data, 0, text.size))
		c->failed = true;
	if (text.size)
		memcpy(out, text.data, text.size);
	out[text.size] = '\0';
}

static enum status put_slots(struct buf *out, const struct stream_slots *s, bool both)
{
	enum status status = buf_append_varint(out, s->count);
	for (uint32_t i = 0; i < s->count && !status; i++) {
		status = buf_append_be64(out, (uint64_t)s->list[i].at);
		if (!status)
			status = put_number(out, s->list[i].low);
		if (!status && both)
			status = put_number(out, s->list[i].high);
	}
	return status;
}

static enum status take_slots(struct cursor *c, struct stream_slots *s, bool both, uint32_t max)
{
	uint64_t count = cursor_varint(c);
	bool made;
	if (c->failed || count > max)
		return STATUS_CORRUPT;
	for (uint64_t i = 0; i < count && !c->failed; i++) {
		struct stream_slot *slot = stream_slots_need(s, (int64_t)cursor_be64(c), &made);
		if (!slot)
			return STATUS_NO_MEMORY;
		if (!made)
			return STATUS_CORRUPT;
		slot->low = take_number(c);
		slot->high = both ? take_number(c) : 0;
	}
	return c->failed ? STATUS_CORRUPT : STATUS_OK;
}

static enum status put_all(struct buf *out, const uint64_t *numbers, size_t count)
{
	enum status status = STATUS_OK;
	for (size_t i = 0; i < count && !status; i++)
		status = buf_append_be64(out, numbers[i]);
	return status;
}

static enum status put_episode(struct buf *out, const struct stream_episode *p)
{
	const uint64_t times[] = {(uint64_t)p->start_ms, (uint64_t)p->last_ms, (uint64_t)p->found_ms,
				  (uint64_t)p->fail_ms};
	const uint64_t rest[] = {(uint64_t)p->limit, (uint64_t)p->other};
	enum status status = put_all(out, times, 4);
	if (!status)
		status = buf_append_be32(out, p->values);
	if (!status)
		status = put_number(out, p->peak);
	if (!status)
		status = put_all(out, rest, 2);
	return status ? status : buf_append_be32(out, p->code);
}

static void take_episode(struct cursor *c, struct stream_episode *p)
{
	p->start_ms = (int64_t)cursor_be64(c);
	p->last_ms = (int64_t)cursor_be64(c);
	p->found_ms = (int64_t)cursor_be64(c);
	p->fail_ms = (int64_t)cursor_be64(c);
	p->values = cursor_be32(c);
	p->peak = take_number(c);
	p->limit = (int64_t)cursor_be64(c);
	p->other = (int64_t)cursor_be64(c);
	p->code = cursor_be32(c);
}

static enum status put_entry(struct buf *out, const struct stream_entry *e)
{
	const uint64_t days[] = {(uint64_t)e->last_ms, (uint64_t)e->day, (uint64_t)e->day_ms};
	const uint8_t kind[2] = {e->kind, e->level};
	enum status status = put_text(out, e->rule);
	if (!status)
		status = buf_append_be64(out, e->version);
	if (!status)
		status = buf_append(out, kind, sizeof kind);
	if (!status)
		status = put_text(out, e->fence);
	if (!status)
		status = buf_append_be32(out, e->fence_version);
	if (!status)
		status = buf_append_u8(
			out, (uint8_t)((e->episode.running ? FLAG_RUNNING : 0) | (e->has_last ? FLAG_LAST : 0)));
	if (!status)
		status = put_episode(out, &e->episode);
	if (!status)
		status = put_number(out, e->last);
	if (!status)
		status = put_all(out, days, 3);
	if (!status)
		status = buf_append_be32(out, e->values);
	if (!status)
		status = put_slots(out, &e->slots, true);
	return status ? status : put_slots(out, &e->days, false);
}

static enum status take_entry(struct cursor *c, struct stream_entry *e)
{
	take_text(c, e->rule, RULE_ID_MAX);
	e->version = cursor_be64(c);
	e->kind = cursor_u8(c);
	e->level = cursor_u8(c);
	take_text(c, e->fence, FENCE_ID_MAX);
	e->fence_version = cursor_be32(c);
	unsigned flags = cursor_u8(c);
	e->episode.running = flags & FLAG_RUNNING;
	e->has_last = flags & FLAG_LAST;
	take_episode(c, &e->episode);
	e->last = take_number(c);
	e->last_ms = (int64_t)cursor_be64(c);
	e->day = (int64_t)cursor_be64(c);
	e->day_ms = (int64_t)cursor_be64(c);
	e->values = cursor_be32(c);
	if (c->failed || flags > (FLAG_RUNNING | FLAG_LAST) || !e->rule[0] ||
	    rule_kind_stage(e->kind) != RULE_STAGE_STREAMS)
		return STATUS_CORRUPT;
	enum status status = take_slots(c, &e->slots, true, STREAM_DAY_SLOTS);
	return status ? status : take_slots(c, &e->days, false, STREAM_DAYS_MAX);
}

enum status stream_state_encode(const struct stream_state *s, struct buf *out)
{
	size_t before = out->size;
	enum status status = buf_append_u8(out, VERSION);
	if (!status)
		status = buf_append_be64(out, s->stream);
	if (!status)
		status = buf_append_be64(out, (uint64_t)s->time_ms);
	if (!status)
		status = buf_append_varint(out, s->count);
	for (uint32_t i = 0; i < s->count && !status; i++)
		status = put_entry(out, &s->entries[i]);
	if (status)
		out->size = before;
	return status;
}

static enum status take_entries(struct cursor *c, struct stream_state *s, uint64_t count)
{
	enum status status = STATUS_OK;
	s->entries = calloc(count + 1, sizeof *s->entries);
	if (!s->entries)
		return STATUS_NO_MEMORY;
	for (; s->count < count && !status; s->count++) {
		status = take_entry(c, &s->entries[s->count]);
		if (!status && s->count && strcmp(s->entries[s->count - 1].rule, s->entries[s->count].rule) >= 0)
			status = STATUS_CORRUPT;
	}
	return status;
}

enum status stream_state_decode(struct span bytes, struct stream_state **out)
{
	struct cursor c = cursor_of(bytes);
	unsigned version = cursor_u8(&c);
	if (!c.failed && version != VERSION)
		return STATUS_BAD_VERSION;
	struct stream_state *s;
	enum status status = stream_state_new(cursor_be64(&c), &s);
	if (status)
		return status;
	s->time_ms = (int64_t)cursor_be64(&c);
	uint64_t count = cursor_varint(&c);
	/* no entry takes less than its fixed part */
	status = c.failed || count > cursor_left(&c) / 64 ? STATUS_CORRUPT : take_entries(&c, s, count);
	if (!status && cursor_left(&c))
		status = STATUS_CORRUPT;
	if (status)
		stream_state_free(s);
	else
		*out = s;
	return status;
}
