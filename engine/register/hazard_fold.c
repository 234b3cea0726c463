/* hazard_fold.c -- a history becomes what stands.
 *
 *   text    [ value | value | old value | value ... ]      values[field] = where, how long
 * A value that changes is appended; what is no longer named is dropped when the text is written out or full. */
#include <string.h>

#include "engine/core/clock.h"
#include "engine/register/hazard.h"

#define ROW_VERSION 1

#define FLAG_HANDED_OVER 0x01u
#define FLAG_ACCOUNTABLE 0x02u
#define FLAG_ESCALATED 0x04u
#define FLAG_RECTIFIER 0x08u

void hazard_init(struct hazard *h, uint64_t id)
{
	memset(h, 0, sizeof *h);
	h->id = id;
	h->deadline_day = HAZARD_DAY_NONE;
	h->text = buf_init(HAZARD_TEXT_MAX);
}

void hazard_deinit(struct hazard *h)
{
	buf_deinit(&h->text);
}

/* --- values --- */

static size_t values_size(const struct hazard *h)
{
	size_t size = 0;
	for (unsigned f = 1; f < HAZARD_FIELD_COUNT; f++)
		size += h->values[f].size;
	return size;
}

/* Room for `extra` bytes: a new text without what is said no longer. */
static enum status make_room(struct hazard *h, size_t extra)
{
	struct buf text = buf_init(HAZARD_TEXT_MAX);
	enum status status = buf_reserve(&text, values_size(h) + extra);
	if (status)
		return status;
	for (unsigned f = 1; f < HAZARD_FIELD_COUNT; f++) {
		struct span value = hazard_value(h, f);
		h->values[f].at = (uint32_t)text.size;
		if (value.size)
			memcpy(text.data + text.size, value.data, value.size);
		text.size += value.size;
	}
	buf_deinit(&h->text);
	h->text = text;
	return STATUS_OK;
}

static enum status reserve_changes(struct hazard *h, const struct hazard_event *e)
{
	size_t extra = e->document.size;
	for (size_t i = 0; i < e->change_count; i++)
		extra += e->changes[i].value.size;
	if (extra > HAZARD_TEXT_MAX)
		return STATUS_FULL;
	return buf_reserve(&h->text, extra) ? make_room(h, extra) : STATUS_OK;
}

/* Room was reserved. */
static void set_value(struct hazard *h, unsigned field, struct span value)
{
	h->values[field].at = (uint32_t)h->text.size;
	h->values[field].size = (uint16_t)value.size;
	if (value.size)
		memcpy(h->text.data + h->text.size, value.data, value.size);
	h->text.size += value.size;
}

static bool says_yes(const struct hazard *h, unsigned field)
{
	return span_equal(hazard_value(h, field), span_of_string("yes"));
}

/* The typed members that repeat values. */
static void derive(struct hazard *h)
{
	if (hazard_parse(HAZARD_TABLE_GRADE, hazard_value(h, HAZARD_FIELD_GRADE), &h->grade))
		h->grade = HAZARD_GRADE_NONE;
	if (hazard_parse(HAZARD_TABLE_SOURCE, hazard_value(h, HAZARD_FIELD_SOURCE), &h->source))
		h->source = HAZARD_SOURCE_NONE;
	h->life_threat = says_yes(h, HAZARD_FIELD_LIFE_THREAT);
	h->exposed = says_yes(h, HAZARD_FIELD_EXPOSED);
	h->self_found = says_yes(h, HAZARD_FIELD_SELF_FOUND);
	if (hazard_day_parse(hazard_value(h, HAZARD_FIELD_DEADLINE), &h->deadline_day))
		h->deadline_day = HAZARD_DAY_NONE;
	if (time_parse(hazard_value(h, HAZARD_FIELD_FOUND), 0, &h->found_ms))
		h->found_ms = 0;
}

/* --- steps --- */

static void step_assigned_anew(struct hazard *h)
{
	h->listing = HAZARD_LISTING_NONE;
	h->assigned_ms = h->applied_ms = h->accepted_ms = h->closed_ms = 0;
	h->rectifier_is_known = false;
	h->values[HAZARD_FIELD_DEADLINE].size = 0;
}

static void step_applied(struct hazard *h, const struct hazard_event *e)
{
	h->state = HAZARD_APPLIED;
	h->applied_ms = e->at_ms;
	h->rectifier_is_known = true;
	memset(h->rectifier, 0, sizeof h->rectifier);
	memcpy(h->rectifier, e->who.data, e->who.size);
}

static void step_returned(struct hazard *h)
{
	h->state = h->state == HAZARD_ASSIGNED ? HAZARD_REGISTERED : HAZARD_RECTIFYING;
	h->applied_ms = h->accepted_ms = 0;
	h->returns++;
}

static void take_step(struct hazard *h, const struct hazard_event *e)
{
	switch ((enum hazard_step)e->step) {
	case HAZARD_STEP_FIND:
		h->state = HAZARD_FOUND;
		h->linked = 1;
		break;
	case HAZARD_STEP_REGISTER:
		h->state = HAZARD_REGISTERED;
		h->registered_ms = e->at_ms;
		break;
	case HAZARD_STEP_ASSIGN:
		h->state = HAZARD_ASSIGNED;
		h->assigned_ms = e->at_ms;
		break;
	case HAZARD_STEP_START:
		h->state = HAZARD_RECTIFYING;
		break;
	case HAZARD_STEP_APPLY:
		step_applied(h, e);
		break;
	case HAZARD_STEP_ACCEPT:
		h->state = HAZARD_ACCEPTED;
		h->accepted_ms = e->at_ms;
		break;
	case HAZARD_STEP_RETURN:
		step_returned(h);
		break;
	case HAZARD_STEP_CLOSE:
		h->state = HAZARD_CLOSED;
		h->closed_ms = e->at_ms;
		break;
	case HAZARD_STEP_REQUEST_LISTING:
		h->listing = HAZARD_LISTING_REQUESTED;
		break;
	case HAZARD_STEP_LIST:
		h->listing = HAZARD_LISTING_LISTED;
		set_value(h, HAZARD_FIELD_LISTING_DOCUMENT, e->document);
		break;
	case HAZARD_STEP_RELEASE:
		h->listing = HAZARD_LISTING_RELEASED;
		break;
	case HAZARD_STEP_EXTEND:
		h->extensions++;
		break;
	case HAZARD_STEP_HAND_OVER:
		h->handed_over = true;
		set_value(h, HAZARD_FIELD_ENFORCEMENT_DOCUMENT, e->document);
		break;
	case HAZARD_STEP_ACCOUNT:
		h->accountable = true;
		set_value(h, HAZARD_FIELD_ACCOUNTABILITY_DOCUMENT, e->document);
		break;
	case HAZARD_STEP_RECHECK:
		h->rechecks++;
		break;
	case HAZARD_STEP_RELAPSE:
		step_assigned_anew(h);
		h->state = HAZARD_REGISTERED;
		h->registered_ms = e->at_ms;
		h->relapses++;
		h->linked += e->link.size > 0;
		break;
	case HAZARD_STEP_JOIN:
		h->linked++;
		break;
	case HAZARD_STEP_DETACH:
		h->linked -= h->linked > 0;
		break;
	case HAZARD_STEP_ATTACH:
		h->attachments++;
		break;
	case HAZARD_STEP_VOID:
		h->state = HAZARD_VOID;
		h->closed_ms = e->at_ms;
		break;
	case HAZARD_STEP_ESCALATE:
		h->escalated = true;
		break;
	case HAZARD_STEP_AMEND:
	case HAZARD_STEP_COUNT:
		break;
	}
}

enum status hazard_fold(struct hazard *h, const struct hazard_event *e, const uint8_t digest[HAZARD_DIGEST_SIZE])
{
	if (e->number != h->events + 1 || memcmp(e->before, h->chain, sizeof h->chain) != 0 ||
	    e->at_ms < h->changed_ms || (e->step == HAZARD_STEP_FIND) != (e->number == 1))
		return STATUS_CORRUPT;
	if (h->events == HAZARD_EVENTS_MAX)
		return STATUS_FULL;
	enum status status = reserve_changes(h, e);
	if (status)
		return status;
	take_step(h, e);
	for (size_t i = 0; i < e->change_count; i++)
		set_value(h, e->changes[i].field, e->changes[i].value);
	derive(h);
	h->events = e->number;
	h->changed_ms = e->at_ms;
	memcpy(h->chain, digest, sizeof h->chain);
	return STATUS_OK;
}

/* --- row ---
 * version 1 | state 1 | listing 1 | flags 1 | events linked relapses returns extensions rechecks attachments 7 x 4 |
 * registered assigned applied accepted closed changed 6 x 8 | chain 32 | rectifier: size 1, bytes |
 * per field with a value: field 1, size 2, bytes */

static uint8_t flags_of(const struct hazard *h)
{
	return (uint8_t)((h->handed_over ? FLAG_HANDED_OVER : 0) | (h->accountable ? FLAG_ACCOUNTABLE : 0) |
			 (h->escalated ? FLAG_ESCALATED : 0) | (h->rectifier_is_known ? FLAG_RECTIFIER : 0));
}

static void put_times(const struct hazard *h, uint8_t *out)
{
	const int64_t times[6] = {h->registered_ms, h->assigned_ms, h->applied_ms,
				  h->accepted_ms,   h->closed_ms,   h->changed_ms};
	for (unsigned i = 0; i < 6; i++)
		store_be64(out + (size_t)i * 8, (uint64_t)times[i]);
}

enum status hazard_encode(const struct hazard *h, struct buf *out)
{
	uint8_t head[4 + 28 + 48] = {ROW_VERSION, h->state, h->listing, flags_of(h)};
	const uint32_t counts[7] = {h->events,     h->linked,   h->relapses,   h->returns,
				    h->extensions, h->rechecks, h->attachments};
	for (unsigned i = 0; i < 7; i++)
		store_be32(head + 4 + (size_t)i * 4, counts[i]);
	put_times(h, head + 32);
	size_t size = strlen(h->rectifier);
	enum status status = buf_append(out, head, sizeof head);
	if (!status)
		status = buf_append(out, h->chain, sizeof h->chain);
	if (!status)
		status = buf_append_u8(out, (uint8_t)size);
	if (!status)
		status = buf_append(out, h->rectifier, size);
	for (unsigned f = 1; f < HAZARD_FIELD_COUNT && !status; f++) {
		struct span value = hazard_value(h, f);
		if (!value.size)
			continue;
		status = buf_append_u8(out, (uint8_t)f);
		if (!status)
			status = buf_append_be16(out, (uint16_t)value.size);
		if (!status)
			status = buf_append(out, value.data, value.size);
	}
	return status;
}

static void take_head(struct cursor *c, struct hazard *h)
{
	h->state = cursor_u8(c);
	h->listing = cursor_u8(c);
	uint8_t flags = cursor_u8(c);
	h->handed_over = flags & FLAG_HANDED_OVER;
	h->accountable = flags & FLAG_ACCOUNTABLE;
	h->escalated = flags & FLAG_ESCALATED;
	h->rectifier_is_known = flags & FLAG_RECTIFIER;
	uint32_t *counts[7] = {&h->events,     &h->linked,   &h->relapses,   &h->returns,
			       &h->extensions, &h->rechecks, &h->attachments};
	for (unsigned i = 0; i < 7; i++)
		*counts[i] = cursor_be32(c);
	int64_t *times[6] = {&h->registered_ms, &h->assigned_ms, &h->applied_ms,
			     &h->accepted_ms,   &h->closed_ms,   &h->changed_ms};
	for (unsigned i = 0; i < 6; i++)
		*times[i] = (int64_t)cursor_be64(c);
	struct span chain = cursor_take(c, HAZARD_DIGEST_SIZE);
	struct span rectifier = cursor_take(c, cursor_u8(c));
	if (!c->failed && rectifier.size <= HAZARD_NAME_MAX) {
		memcpy(h->chain, chain.data, sizeof h->chain);
		memcpy(h->rectifier, rectifier.data, rectifier.size);
	} else {
		c->failed = true;
	}
}

static enum status take_values(struct cursor *c, struct hazard *h)
{
	enum status status = buf_reserve(&h->text, cursor_left(c));
	unsigned last = 0;
	while (!status && cursor_left(c)) {
		unsigned field = cursor_u8(c);
		struct span value = cursor_take(c, cursor_be16(c));
		if (c->failed || field <= last || field >= HAZARD_FIELD_COUNT || !value.size ||
		    value.size > HAZARD_VALUE_MAX)
			return STATUS_CORRUPT;
		set_value(h, field, value);
		last = field;
	}
	return status;
}

enum status hazard_decode(uint64_t id, struct span row, struct hazard *out)
{
	struct cursor c = cursor_of(row);
	hazard_init(out, id);
	if (cursor_u8(&c) != ROW_VERSION)
		return row.size ? STATUS_BAD_VERSION : STATUS_CORRUPT;
	take_head(&c, out);
	enum status status = c.failed || out->state >= HAZARD_STATE_COUNT || out->listing >= HAZARD_LISTING_COUNT
				     ? STATUS_CORRUPT
				     : take_values(&c, out);
	if (status)
		hazard_deinit(out);
	else
		derive(out);
	return status;
}
