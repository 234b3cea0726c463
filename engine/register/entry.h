/* entry.h -- rows of the family `task`: what people say of tasks, enterprises, figures and the blacklist.
 *
 *   tag 1 | ... | number      -> entry       tag: enum entry_tag; an entry is never rewritten and is in the store's log
 *   text in an entry: size 2 | bytes         big-endian
 *
 * What stands is folded from the entries when the store is opened; there is no second row that could differ. */
#ifndef ZAYTON_REGISTER_ENTRY_H
#define ZAYTON_REGISTER_ENTRY_H

#include <stdlib.h>

#include "engine/core/crash.h"
#include "engine/register/hazard_law.h"
#include "engine/store/store.h"

enum entry_tag {
	ENTRY_TASK = 1,    /* task 8 | number 4 */
	ENTRY_SUBJECT = 2, /* sequence 8 */
	ENTRY_FIGURES = 3, /* sequence 8 */
	ENTRY_LISTED = 4,  /* sequence 8 */
	ENTRY_NOTICE = 5,  /* sequence 8 -> task 8 | number 4: the reminders and delays, in the order of being told */
};

/* bytes of one entry */
#define ENTRY_BYTES_MAX 16384

static inline enum status entry_put(struct buf *out, struct span text)
{
	if (text.size > UINT16_MAX)
		return STATUS_TOO_LONG;
	enum status status = buf_append_be16(out, (uint16_t)text.size);
	return status || !text.size ? status : buf_append(out, text.data, text.size);
}

static inline enum status entry_put_string(struct buf *out, const char *text)
{
	return entry_put(out, span_of_string(text));
}

static inline struct span entry_take(struct cursor *c)
{
	return cursor_take(c, cursor_be16(c));
}

/* A copy, NUL-terminated; NULL without memory. */
static inline char *entry_copy(struct span text)
{
	char *copy = malloc(text.size + 1);
	if (!copy)
		return NULL;
	if (text.size)
		memcpy(copy, text.data, text.size);
	copy[text.size] = '\0';
	return copy;
}

/* Where an entry is found again, written with it. */
struct entry_index {
	struct span key, value;
};

/* `index` may be NULL. */
static inline enum status entry_commit(struct store *s, struct span key, struct span value,
				       const struct entry_index *index)
{
	struct store_batch *b;
	enum status status = store_batch_new(s, &b);
	if (status)
		return status;
	store_batch_log(b, STORE_TASK, key, value);
	if (index)
		store_batch_put(b, STORE_TASK, index->key, index->value);
	crash_point("entry_before");
	status = store_commit(s, b, true);
	crash_point("entry_committed");
	store_batch_free(b);
	return status;
}

/* Every entry of `tag`, in the order of its keys. */
static inline enum status entry_walk(struct store *s, enum entry_tag tag, store_visit *visit, void *context)
{
	uint8_t prefix = (uint8_t)tag;
	return store_scan(s, STORE_TASK, span_of(&prefix, 1), visit, context);
}

/* Who said it, and when: at 8 | role 1 | name | unit */
static inline enum status entry_put_actor(struct buf *out, const struct hazard_actor *a, int64_t at_ms)
{
	enum status status = buf_append_be64(out, (uint64_t)at_ms);
	if (!status)
		status = buf_append_u8(out, a->role);
	if (!status)
		status = entry_put_string(out, a->name);
	return status ? status : entry_put_string(out, a->unit);
}

static inline void entry_take_actor(struct cursor *c, struct hazard_actor *out, int64_t *at_ms)
{
	*at_ms = (int64_t)cursor_be64(c);
	out->role = cursor_u8(c);
	struct span name = entry_take(c), unit = entry_take(c);
	c->failed |= name.size > HAZARD_NAME_MAX || unit.size > HAZARD_NAME_MAX || out->role >= HAZARD_ROLE_COUNT;
	memset(out->name, 0, sizeof out->name);
	memset(out->unit, 0, sizeof out->unit);
	if (!c->failed && name.size)
		memcpy(out->name, name.data, name.size);
	if (!c->failed && unit.size)
		memcpy(out->unit, unit.data, unit.size);
}

#endif
