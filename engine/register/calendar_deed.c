/* calendar_deed.c -- deeds as bytes, and what they fold to. */
#include "engine/register/calendar_state.h"

#define DEED_VERSION 1

enum status calendar_deed_encode(const struct calendar_deed *d, struct buf *out)
{
	unsigned count = 0;
	for (unsigned i = 1; i < TASK_FIELD_COUNT; i++)
		count += d->texts[i].data != NULL;
	enum status status = buf_append_u8(out, DEED_VERSION);
	if (!status)
		status = buf_append_u8(out, d->deed);
	if (!status)
		status = entry_put_actor(out, &d->actor, d->at_ms);
	const int32_t days[] = {d->day, d->start_day, d->due_day};
	for (size_t i = 0; i < 3 && !status; i++)
		status = buf_append_be32(out, (uint32_t)days[i]);
	if (!status)
		status = buf_append_be16(out, d->level);
	if (!status)
		status = entry_put(out, d->note);
	if (!status)
		status = entry_put(out, d->evidence);
	if (!status)
		status = buf_append_u8(out, (uint8_t)count);
	for (unsigned i = 1; i < TASK_FIELD_COUNT && !status; i++) {
		if (!d->texts[i].data)
			continue;
		status = buf_append_u8(out, (uint8_t)i);
		if (!status)
			status = entry_put(out, d->texts[i]);
	}
	return status;
}

enum status calendar_deed_decode(struct span row, struct calendar_deed *out)
{
	struct cursor c = cursor_of(row);
	memset(out, 0, sizeof *out);
	if (cursor_u8(&c) != DEED_VERSION)
		return STATUS_BAD_VERSION;
	out->deed = cursor_u8(&c);
	entry_take_actor(&c, &out->actor, &out->at_ms);
	out->day = (int32_t)cursor_be32(&c);
	out->start_day = (int32_t)cursor_be32(&c);
	out->due_day = (int32_t)cursor_be32(&c);
	out->level = cursor_be16(&c);
	out->note = entry_take(&c);
	out->evidence = entry_take(&c);
	unsigned count = cursor_u8(&c), last = 0;
	for (unsigned i = 0; i < count && !c.failed; i++) {
		unsigned field = cursor_u8(&c);
		if (field <= last || field >= TASK_FIELD_COUNT)
			return STATUS_CORRUPT;
		out->texts[field] = entry_take(&c);
		last = field;
	}
	bool known = out->deed && out->deed < TASK_DEED_COUNT;
	return c.failed || cursor_left(&c) || !known ? STATUS_CORRUPT : STATUS_OK;
}

/* --- what stands --- */

static size_t lower_bound(const struct calendar *c, uint64_t id)
{
	size_t from = 0, to = c->standing_count;
	while (from < to) {
		size_t middle = from + (to - from) / 2;
		if (c->standing[middle].id < id)
			from = middle + 1;
		else
			to = middle;
	}
	return from;
}

struct standing *standing_find(const struct calendar *c, uint64_t id)
{
	size_t at = lower_bound(c, id);
	return at < c->standing_count && c->standing[at].id == id ? &c->standing[at] : NULL;
}

static enum status standing_room(struct calendar *c, uint64_t id)
{
	if (standing_find(c, id) || c->standing_count < c->standing_capacity)
		return STATUS_OK;
	if (c->standing_count == CALENDAR_TASKS_MAX)
		return STATUS_FULL;
	size_t capacity = c->standing_capacity ? 2 * c->standing_capacity : 64;
	struct standing *items = realloc(c->standing, capacity * sizeof *items);
	if (!items)
		return STATUS_NO_MEMORY;
	c->standing = items;
	c->standing_capacity = capacity;
	return STATUS_OK;
}

/* There is room. */
static struct standing *standing_make(struct calendar *c, uint64_t id)
{
	size_t at = lower_bound(c, id);
	if (at < c->standing_count && c->standing[at].id == id)
		return &c->standing[at];
	memmove(c->standing + at + 1, c->standing + at, (c->standing_count - at) * sizeof *c->standing);
	c->standing[at] = (struct standing){
		.id = id, .done_day = HAZARD_DAY_NONE, .start_day = HAZARD_DAY_NONE, .due_day = HAZARD_DAY_NONE};
	c->standing_count++;
	return &c->standing[at];
}

static bool ends_or_reopens(unsigned deed)
{
	return deed == TASK_DEED_DONE || deed == TASK_DEED_WAIVE || deed == TASK_DEED_REOPEN;
}

void deed_copies_free(struct deed_copies *k)
{
	for (unsigned i = 0; i < TASK_FIELD_COUNT; i++)
		free(k->texts[i]);
	free(k->who);
	free(k->note);
	free(k->evidence);
}

static enum status copy_all(const struct calendar_deed *d, struct deed_copies *out)
{
	bool whole = true;
	memset(out, 0, sizeof *out);
	for (unsigned i = 1; i < TASK_FIELD_COUNT; i++)
		if (d->texts[i].data)
			whole &= (out->texts[i] = entry_copy(d->texts[i])) != NULL;
	if (ends_or_reopens(d->deed)) {
		out->who = entry_copy(span_of_string(d->actor.name));
		out->note = entry_copy(d->note);
		out->evidence = entry_copy(d->evidence);
		whole &= out->who && out->note && out->evidence;
	}
	if (!whole)
		deed_copies_free(out);
	return whole ? STATUS_OK : STATUS_NO_MEMORY;
}

static void take(char **kept, char *copy)
{
	if (!copy)
		return;
	free(*kept);
	*kept = copy;
}

static void fold_state(struct standing *s, const struct calendar_deed *d)
{
	switch ((enum task_deed)d->deed) {
	case TASK_DEED_DONE:
		s->done++;
		s->done_day = d->day;
		break;
	case TASK_DEED_WAIVE:
		s->waived = true;
		break;
	case TASK_DEED_REOPEN:
		s->waived = false;
		s->done = 0;
		s->done_day = HAZARD_DAY_NONE;
		break;
	case TASK_DEED_REMIND:
		s->reminded = d->level;
		break;
	case TASK_DEED_ESCALATE:
		s->escalated = d->level;
		break;
	case TASK_DEED_ADD:
	case TASK_DEED_AMEND:
		s->reminded = s->escalated = 0; /* of the dates before */
		break;
	case TASK_DEED_NOTE:
	case TASK_DEED_COUNT:
		break;
	}
}

enum status calendar_fold_prepare(struct calendar *c, uint64_t id, const struct calendar_deed *d,
				  struct deed_copies *out)
{
	enum status status = standing_room(c, id);
	return status ? status : copy_all(d, out);
}

void calendar_fold(struct calendar *c, uint64_t id, const struct calendar_deed *d, struct deed_copies *k)
{
	struct standing *s = standing_make(c, id);
	for (unsigned i = 1; i < TASK_FIELD_COUNT; i++)
		take(&s->texts[i], k->texts[i]);
	take(&s->who, k->who);
	take(&s->note, k->note);
	take(&s->evidence, k->evidence);
	s->start_day = d->start_day != HAZARD_DAY_NONE ? d->start_day : s->start_day;
	s->due_day = d->due_day != HAZARD_DAY_NONE ? d->due_day : s->due_day;
	s->deeds = d->number;
	fold_state(s, d);
}
