/* hazard_event.c -- one step as bytes, and its link in the chain. The only user of OpenSSL in this room. */
#include <openssl/evp.h>
#include <string.h>

#include "engine/register/hazard.h"

#define EVENT_VERSION 1

static enum status put_short(struct buf *out, struct span text, size_t max)
{
	if (text.size > max)
		return STATUS_TOO_LONG;
	enum status status = buf_append_u8(out, (uint8_t)text.size);
	return status ? status : buf_append(out, text.data, text.size);
}

static enum status put_long(struct buf *out, struct span text, size_t max)
{
	if (text.size > max)
		return STATUS_TOO_LONG;
	enum status status = buf_append_be16(out, (uint16_t)text.size);
	return status ? status : buf_append(out, text.data, text.size);
}

static enum status put_head(const struct hazard_event *e, struct buf *out)
{
	uint8_t head[11] = {EVENT_VERSION, e->step, e->role};
	store_be64(head + 3, (uint64_t)e->at_ms);
	enum status status = buf_append(out, head, sizeof head);
	return status ? status : buf_append(out, e->before, sizeof e->before);
}

static enum status put_changes(const struct hazard_event *e, struct buf *out)
{
	if (e->change_count > HAZARD_FIELD_COUNT)
		return STATUS_TOO_LONG;
	enum status status = buf_append_u8(out, (uint8_t)e->change_count);
	for (size_t i = 0; i < e->change_count && !status; i++) {
		status = buf_append_u8(out, e->changes[i].field);
		if (!status)
			status = put_long(out, e->changes[i].value, HAZARD_VALUE_MAX);
	}
	return status;
}

enum status hazard_event_encode(const struct hazard_event *e, struct buf *out)
{
	size_t at = out->size;
	enum status status = put_head(e, out);
	if (!status)
		status = put_short(out, e->who, HAZARD_NAME_MAX);
	if (!status)
		status = put_short(out, e->unit, HAZARD_NAME_MAX);
	if (!status)
		status = put_long(out, e->note, HAZARD_NOTE_MAX);
	if (!status)
		status = put_short(out, e->document, HAZARD_DOCUMENT_MAX);
	if (!status)
		status = put_short(out, e->link, UINT8_MAX);
	if (!status)
		status = buf_append_u8(out, e->digest != NULL);
	if (!status && e->digest)
		status = buf_append(out, e->digest, HAZARD_DIGEST_SIZE);
	if (!status)
		status = put_changes(e, out);
	if (status)
		out->size = at;
	return status;
}

static enum status take_changes(struct cursor *c, struct hazard_change *changes, struct hazard_event *out)
{
	out->change_count = cursor_u8(c);
	out->changes = changes;
	if (c->failed || out->change_count > HAZARD_FIELD_COUNT)
		return STATUS_CORRUPT;
	for (size_t i = 0; i < out->change_count; i++) {
		changes[i].field = cursor_u8(c);
		changes[i].value = cursor_take(c, cursor_be16(c));
		if (c->failed || !changes[i].field || changes[i].field >= HAZARD_FIELD_COUNT ||
		    changes[i].value.size > HAZARD_VALUE_MAX)
			return STATUS_CORRUPT;
	}
	return STATUS_OK;
}

enum status hazard_event_decode(struct span bytes, struct hazard_change *changes, struct hazard_event *out)
{
	struct cursor c = cursor_of(bytes);
	memset(out, 0, sizeof *out);
	if (cursor_u8(&c) != EVENT_VERSION)
		return bytes.size ? STATUS_BAD_VERSION : STATUS_CORRUPT;
	out->step = cursor_u8(&c);
	out->role = cursor_u8(&c);
	out->at_ms = (int64_t)cursor_be64(&c);
	struct span before = cursor_take(&c, HAZARD_DIGEST_SIZE);
	out->who = cursor_take(&c, cursor_u8(&c));
	out->unit = cursor_take(&c, cursor_u8(&c));
	out->note = cursor_take(&c, cursor_be16(&c));
	out->document = cursor_take(&c, cursor_u8(&c));
	out->link = cursor_take(&c, cursor_u8(&c));
	uint8_t has_digest = cursor_u8(&c);
	struct span digest = cursor_take(&c, has_digest ? HAZARD_DIGEST_SIZE : 0);
	if (c.failed || has_digest > 1 || !out->step || out->step >= HAZARD_STEP_COUNT ||
	    out->role >= HAZARD_ROLE_COUNT || out->who.size > HAZARD_NAME_MAX || out->unit.size > HAZARD_NAME_MAX ||
	    out->note.size > HAZARD_NOTE_MAX || out->document.size > HAZARD_DOCUMENT_MAX)
		return STATUS_CORRUPT;
	memcpy(out->before, before.data, HAZARD_DIGEST_SIZE);
	out->digest = has_digest ? digest.data : NULL;
	enum status status = take_changes(&c, changes, out);
	return status || cursor_left(&c) ? STATUS_CORRUPT : STATUS_OK;
}

enum status hazard_event_digest(struct span bytes, uint8_t out[HAZARD_DIGEST_SIZE])
{
	unsigned size = HAZARD_DIGEST_SIZE;
	return EVP_Digest(bytes.data, bytes.size, out, &size, EVP_sha256(), NULL) == 1 ? STATUS_OK : STATUS_IO;
}
