#include "engine/fleet/findings_row.h"

#include <string.h>

#include "engine/core/hash.h"
#include "engine/store/keys.h"

#define ROW_VERSION 1
#define FLAG_LATE 1
#define FLAG_HANDLED 2
#define FLAG_CONFIRMED 4
#define FLAG_LAST 8
#define FLAG_JOINED 16

/* --- keys --- */

static uint64_t text_hash(const char *text)
{
	return *text ? hash64(span_of_string(text)) : 0;
}

/* What else tells findings of one rule and start apart: the fence, the code, the other of a pair. */
static uint64_t mark_of(const struct finding *f)
{
	uint8_t rest[16];
	store_be64(rest, (uint64_t)f->numbers[FINDING_CODE]);
	store_be64(rest + 8, f->other);
	return hash64_seeded(span_of(rest, sizeof rest), text_hash(f->fence));
}

struct finding_key finding_key_of(const struct finding *f)
{
	return (struct finding_key){
		.subject = f->subject,
		.rule = text_hash(f->rule),
		.mark = mark_of(f),
		.start_ms = f->start_ms,
	};
}

void finding_key_store(const struct finding_key *k, uint8_t out[FINDING_KEY_SIZE])
{
	out[0] = 0x01;
	store_be64(out + 1, k->subject);
	store_be64(out + 9, time_bias(k->start_ms));
	store_be64(out + 17, k->rule);
	store_be64(out + 25, k->mark);
}

enum status finding_key_parse(struct span key, struct finding_key *out)
{
	if (key.size != FINDING_KEY_SIZE || key.data[0] != 0x01)
		return STATUS_CORRUPT;
	out->subject = load_be64(key.data + 1);
	out->start_ms = time_unbias(load_be64(key.data + 9));
	out->rule = load_be64(key.data + 17);
	out->mark = load_be64(key.data + 25);
	return STATUS_OK;
}

void finding_time_key(int64_t start_ms, uint64_t id, uint8_t out[FINDING_TIME_KEY_SIZE])
{
	out[0] = 0x02;
	store_be64(out + 1, time_bias(start_ms));
	store_be64(out + 9, id);
}

void finding_pair_key(uint64_t other, const struct finding_key *k, uint8_t out[FINDING_PAIR_KEY_SIZE])
{
	finding_key_store(k, out + 8); /* its tag gives way to what is written next */
	out[0] = 0x03;
	store_be64(out + 1, other);
}

void case_key(uint64_t id, uint8_t out[CASE_KEY_SIZE])
{
	out[0] = 0x01;
	store_be64(out + 1, id);
}

void event_key(uint64_t id, uint32_t number, uint8_t out[EVENT_KEY_SIZE])
{
	out[0] = 0x02;
	store_be64(out + 1, id);
	store_be32(out + 9, number);
}

void feed_key(uint64_t feed, uint8_t out[FEED_KEY_SIZE])
{
	out[0] = 0x03;
	store_be64(out + 1, feed);
}

void fact_key(const struct fact *f, uint8_t out[FACT_KEY_SIZE])
{
	out[0] = 0x01;
	store_be64(out + 1, f->device);
	store_be64(out + 9, time_bias(f->from_ms));
	out[17] = f->kind;
	store_be64(out + 18, f->place);
}

void fact_subject_key(const struct fact *f, uint64_t subject, uint8_t out[FACT_SUBJECT_KEY_SIZE])
{
	out[0] = 0x02;
	store_be64(out + 1, subject);
	store_be64(out + 9, time_bias(f->from_ms));
	store_be64(out + 17, f->device);
	out[25] = f->kind;
}

/* --- findings --- */

enum status finding_row_encode(const struct finding_row *r, struct buf *out)
{
	enum status status = buf_append_be64(out, r->id);
	if (!status)
		status = buf_append_be64(out, (uint64_t)r->decided.time_ms);
	if (!status)
		status = buf_append_be64(out, r->decided.hash);
	return status ? status : finding_encode(&r->finding, out);
}

enum status finding_row_decode(struct span value, struct finding_row *out)
{
	if (value.size < FINDING_ROW_HEAD)
		return STATUS_CORRUPT;
	out->id = load_be64(value.data);
	out->decided.time_ms = (int64_t)load_be64(value.data + 8);
	out->decided.hash = load_be64(value.data + 16);
	return finding_decode(span_of(value.data + FINDING_ROW_HEAD, value.size - FINDING_ROW_HEAD), &out->finding);
}

/* --- cases --- */

static enum status put_sized(const struct finding *f, struct buf *out)
{
	size_t at = out->size;
	enum status status = buf_append_be32(out, 0);
	if (!status)
		status = finding_encode(f, out);
	if (!status)
		store_be32(out->data + at, (uint32_t)(out->size - at - 4));
	return status;
}

static enum status take_sized(struct cursor *c, struct finding *out)
{
	struct span bytes = cursor_take(c, cursor_be32(c));
	return c->failed ? STATUS_CORRUPT : finding_decode(bytes, out);
}

enum status case_row_encode(const struct case_row *r, struct buf *out)
{
	uint8_t head[1 + 32 + 2 + 8 + 8];
	head[0] = ROW_VERSION;
	store_be64(head + 1, r->key.subject);
	store_be64(head + 9, (uint64_t)r->key.start_ms);
	store_be64(head + 17, r->key.rule);
	store_be64(head + 25, r->key.mark);
	head[33] = r->state;
	head[34] = (uint8_t)((r->late ? FLAG_LATE : 0) | (r->handled ? FLAG_HANDLED : 0) |
			     (r->has_confirmed ? FLAG_CONFIRMED : 0) | (r->has_last ? FLAG_LAST : 0) |
			     (r->joined ? FLAG_JOINED : 0));
	store_be64(head + 35, (uint64_t)r->raised_ms);
	store_be32(head + 43, r->events);
	store_be32(head + 47, r->amended);
	enum status status = buf_append(out, head, sizeof head);
	if (!status && r->has_confirmed)
		status = put_sized(&r->confirmed, out);
	if (!status && r->has_last)
		status = put_sized(&r->last, out);
	return !status && r->joined ? buf_append_be64(out, r->joined) : status;
}

enum status case_row_decode(struct span value, struct case_row *out)
{
	struct cursor c = cursor_of(value);
	memset(out, 0, sizeof *out);
	if (cursor_u8(&c) != ROW_VERSION)
		return value.size ? STATUS_BAD_VERSION : STATUS_CORRUPT;
	out->key.subject = cursor_be64(&c);
	out->key.start_ms = (int64_t)cursor_be64(&c);
	out->key.rule = cursor_be64(&c);
	out->key.mark = cursor_be64(&c);
	out->state = cursor_u8(&c);
	uint8_t flags = cursor_u8(&c);
	out->late = flags & FLAG_LATE;
	out->handled = flags & FLAG_HANDLED;
	out->has_confirmed = flags & FLAG_CONFIRMED;
	out->has_last = flags & FLAG_LAST;
	out->raised_ms = (int64_t)cursor_be64(&c);
	out->events = cursor_be32(&c);
	out->amended = cursor_be32(&c);
	enum status status = c.failed || out->state >= CASE_STATE_COUNT ? STATUS_CORRUPT : STATUS_OK;
	if (!status && out->has_confirmed)
		status = take_sized(&c, &out->confirmed);
	if (!status && out->has_last)
		status = take_sized(&c, &out->last);
	if (!status && flags & FLAG_JOINED) {
		out->joined = cursor_be64(&c);
		status = c.failed || !out->joined ? STATUS_CORRUPT : STATUS_OK;
	}
	return !status && cursor_left(&c) ? STATUS_CORRUPT : status;
}

/* --- events --- */

enum status event_row_encode(const struct case_event *e, struct buf *out)
{
	uint8_t head[11] = {ROW_VERSION, e->kind, e->state};
	if (e->who.size > UINT8_MAX || e->text.size > CASE_TEXT_MAX || e->document.size > UINT8_MAX)
		return STATUS_TOO_LONG;
	store_be64(head + 3, (uint64_t)e->at_ms);
	enum status status = buf_append(out, head, sizeof head);
	if (!status)
		status = buf_append_u8(out, (uint8_t)e->who.size);
	if (!status)
		status = buf_append(out, e->who.data, e->who.size);
	if (!status)
		status = buf_append_be16(out, (uint16_t)e->text.size);
	if (!status)
		status = buf_append(out, e->text.data, e->text.size);
	if (!status)
		status = buf_append_u8(out, (uint8_t)e->document.size);
	if (!status)
		status = buf_append(out, e->document.data, e->document.size);
	return !status && e->has_finding ? finding_encode(&e->finding, out) : status;
}

enum status event_row_decode(struct span key, struct span value, struct case_event *out)
{
	struct cursor c = cursor_of(value);
	memset(out, 0, sizeof *out);
	if (key.size != EVENT_KEY_SIZE)
		return STATUS_CORRUPT;
	if (cursor_u8(&c) != ROW_VERSION)
		return STATUS_BAD_VERSION;
	out->number = load_be32(key.data + 9);
	out->kind = cursor_u8(&c);
	out->state = cursor_u8(&c);
	out->at_ms = (int64_t)cursor_be64(&c);
	out->who = cursor_take(&c, cursor_u8(&c));
	out->text = cursor_take(&c, cursor_be16(&c));
	out->document = cursor_take(&c, cursor_u8(&c));
	if (c.failed)
		return STATUS_CORRUPT;
	struct span rest = cursor_take(&c, cursor_left(&c));
	out->has_finding = rest.size > 0;
	return out->has_finding ? finding_decode(rest, &out->finding) : STATUS_OK;
}
