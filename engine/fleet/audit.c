/* audit.c -- reads of location histories, newest first.
 *
 *   family `audit`   ~(time biased by 2^63) 8 | run 4 | ~number 4   -> entry, version 2
 *   entry = version 1 | device 8 | from 8 | to 8 | name | scope | action | case | role | unit | subject | purpose |
 * address text = size 1, bytes; entries of version 1 end behind the case
 *
 * `run` is drawn at random once a process and `number` counts within it, so that entries of one millisecond
 * never fall on one key, whatever the clock does between two runs. */
#include "engine/fleet/audit.h"

#include <limits.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>
#include <sys/random.h>

#include "engine/core/clock.h"

#define AUDIT_VERSION 2
#define AUDIT_KEY_SIZE 16
#define AUDIT_ENTRY_MAX 1024
#define EXPIRED_KEY "audit expired"
/* rows that one batch deletes */
#define EXPIRE_ROWS 4096

const struct principal principal_local = {"local", "all", "office", "local"};

bool principal_is_local(const struct principal *p)
{
	return !strcmp(p->name, principal_local.name) && !strcmp(p->scope, principal_local.scope) &&
	       !strcmp(p->role, principal_local.role) && !strcmp(p->unit, principal_local.unit);
}

static uint64_t inverted_time(int64_t ms)
{
	return ~((uint64_t)ms ^ (UINT64_C(1) << 63));
}

static int64_t time_of(uint64_t inverted)
{
	return (int64_t)(~inverted ^ (UINT64_C(1) << 63));
}

/* The number of this run, never 0. Threads that race agree on the first to be stored. */
static uint32_t run_number(void)
{
	static _Atomic uint32_t run;
	uint32_t drawn = 0, none = 0;
	if (atomic_load(&run))
		return atomic_load(&run);
	if (getrandom(&drawn, sizeof drawn, 0) != sizeof drawn || !drawn)
		drawn = 1;
	return atomic_compare_exchange_strong(&run, &none, drawn) ? drawn : none;
}

static void make_key(int64_t at_ms, uint8_t key[AUDIT_KEY_SIZE])
{
	static _Atomic uint32_t count;
	store_be64(key, inverted_time(at_ms));
	store_be32(key + 8, run_number());
	store_be32(key + 12, ~atomic_fetch_add(&count, 1));
}

static enum status put_text(struct buf *out, const char *text, size_t room)
{
	size_t size = strnlen(text, room);
	enum status status = size == room ? STATUS_INVALID : buf_append_u8(out, (uint8_t)size);
	return status ? status : buf_append(out, text, size);
}

/* The texts of an entry, in their order on disk; those of version 1 come first. */
#define TEXTS(X)                                                                                                       \
	X(who.name)                                                                                                    \
	X(who.scope)                                                                                                   \
	X(action)                                                                                                      \
	X(case_number)                                                                                                 \
	X(who.role)                                                                                                    \
	X(who.unit)                                                                                                    \
	X(subject)                                                                                                     \
	X(purpose)                                                                                                     \
	X(address)
#define TEXTS_OF_1 4

static enum status encode(const struct audit_entry *e, struct buf *out)
{
	enum status status = buf_append_u8(out, AUDIT_VERSION);
	if (!status)
		status = buf_append_be64(out, e->device);
	if (!status)
		status = buf_append_be64(out, (uint64_t)e->from_ms);
	if (!status)
		status = buf_append_be64(out, (uint64_t)e->to_ms);
#define X(text)                                                                                                        \
	if (!status)                                                                                                   \
		status = put_text(out, e->text, sizeof e->text);
	TEXTS(X)
#undef X
	return status;
}

static void take_text(struct cursor *c, char *out, size_t room)
{
	struct span text = cursor_take(c, cursor_u8(c));
	if (text.size >= room) {
		c->failed = true;
		return;
	}
	memcpy(out, text.data, text.size);
	out[text.size] = '\0';
}

static enum status decode(struct span key, struct span value, struct audit_entry *out)
{
	struct cursor c = cursor_of(value);
	*out = (struct audit_entry){0};
	if (key.size != AUDIT_KEY_SIZE)
		return STATUS_CORRUPT;
	uint8_t version = cursor_u8(&c);
	if (version != 1 && version != AUDIT_VERSION)
		return STATUS_BAD_VERSION;
	int texts = version == 1 ? TEXTS_OF_1 : INT_MAX;
	out->at_ms = time_of(load_be64(key.data));
	out->device = cursor_be64(&c);
	out->from_ms = (int64_t)cursor_be64(&c);
	out->to_ms = (int64_t)cursor_be64(&c);
#define X(text)                                                                                                        \
	if (texts-- > 0)                                                                                               \
		take_text(&c, out->text, sizeof out->text);
	TEXTS(X)
#undef X
	return c.failed || cursor_left(&c) ? STATUS_CORRUPT : STATUS_OK;
}

enum status audit_put(struct store_batch *b, const struct audit_entry *e)
{
	uint8_t key[AUDIT_KEY_SIZE];
	struct buf value = buf_init(AUDIT_ENTRY_MAX);
	enum status status = encode(e, &value);
	if (!status) {
		make_key(e->at_ms, key);
		store_batch_log(b, STORE_AUDIT, span_of(key, sizeof key), buf_view(&value));
	}
	buf_deinit(&value);
	return status;
}

enum status audit_write(struct store *s, const struct audit_entry *e)
{
	struct store_batch *batch = NULL;
	enum status status = store_batch_new(s, &batch);
	if (!status)
		status = audit_put(batch, e);
	if (!status)
		status = store_commit(s, batch, true);
	store_batch_free(batch);
	return status;
}

struct audit_walk {
	size_t left;
	audit_visit *visit;
	void *context;
	bool enough;
};

static enum status visit_entry(void *context, struct span key, struct span value)
{
	struct audit_walk *walk = context;
	struct audit_entry entry;
	if (walk->left == 0) {
		walk->enough = true;
		return STATUS_END;
	}
	walk->left--;
	enum status status = decode(key, value, &entry);
	return status ? status : walk->visit(walk->context, &entry);
}

enum status audit_read(struct store *s, int64_t before_ms, size_t max, audit_visit *visit, void *context)
{
	uint8_t start[AUDIT_KEY_SIZE] = {0};
	struct audit_walk walk = {max, visit, context, false};
	if (before_ms == INT64_MIN || max == 0)
		return STATUS_OK;
	store_be64(start, inverted_time(before_ms - 1));
	enum status status = store_scan_from(s, STORE_AUDIT, span_of(start, sizeof start), visit_entry, &walk);
	return walk.enough ? STATUS_OK : status;
}

/* --- what is too old --- */

enum status audit_expired_ms(struct store *s, int64_t *out_ms)
{
	struct buf value = buf_init(8);
	enum status status = store_get(s, STORE_META, span_of_string(EXPIRED_KEY), &value);
	*out_ms = INT64_MIN;
	if (!status && value.size == 8)
		*out_ms = (int64_t)load_be64(value.data);
	else if (!status)
		status = STATUS_CORRUPT;
	buf_deinit(&value);
	return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

struct expiring {
	struct store_batch *batch;
	uint64_t rows;
};

static enum status drop_entry(void *context, struct span key, struct span value)
{
	struct expiring *e = context;
	(void)value;
	store_batch_delete(e->batch, STORE_AUDIT, key);
	return ++e->rows % EXPIRE_ROWS ? STATUS_OK : STATUS_END;
}

/* The mark goes ahead of the rows: after a crash between them, what the mark lets go may still be there. */
static enum status put_mark(struct store *s, struct store_batch *b, int64_t before_ms)
{
	uint8_t value[8];
	int64_t marked_ms;
	enum status status = audit_expired_ms(s, &marked_ms);
	if (status || marked_ms >= before_ms)
		return status;
	store_be64(value, (uint64_t)before_ms);
	store_batch_put(b, STORE_META, span_of_string(EXPIRED_KEY), span_of(value, sizeof value));
	return store_commit(s, b, true);
}

enum status audit_expire(struct store *s, int64_t before_ms, int64_t now_ms, uint64_t *out_rows)
{
	uint8_t start[AUDIT_KEY_SIZE] = {0};
	struct expiring e = {.rows = 0};
	int64_t latest_ms = now_ms - AUDIT_MONTHS_MIN * AUDIT_DAYS_PER_MONTH * MS_PER_DAY;
	before_ms = before_ms < latest_ms ? before_ms : latest_ms;
	store_be64(start, inverted_time(before_ms - 1));
	enum status status = store_batch_new(s, &e.batch), walked = STATUS_END;
	if (!status)
		status = put_mark(s, e.batch, before_ms);
	while (!status && walked == STATUS_END) {
		walked = store_scan_from(s, STORE_AUDIT, span_of(start, sizeof start), drop_entry, &e);
		status = walked == STATUS_END ? STATUS_OK : walked;
		if (!status)
			status = store_commit(s, e.batch, false);
	}
	*out_rows = e.rows;
	store_batch_free(e.batch);
	return status;
}
