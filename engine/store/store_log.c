/* store_log.c -- the log: a number and a time for every row that is never changed again.
 *
 *   commit: row, and  number -> at, whose row it is          one atomic batch, under the gate like every commit
 *   close:  the gate is shut and opened: every number given is committed, or never will be */
#include <string.h>

#include "engine/core/clock.h"
#include "engine/store/store_state.h"

#define LOG_TAG 0x01

const char *store_family_name(enum store_family family)
{
	static const char *const names[STORE_FAMILY_COUNT] = {
#define X(NAME, text) [STORE_##NAME] = text,
		STORE_FAMILIES(X)
#undef X
	};
	return names[family];
}

void log_key(uint64_t number, uint8_t out[LOG_KEY_SIZE])
{
	out[0] = LOG_TAG;
	store_be64(out + 1, number);
}

uint64_t store_log_next(struct store *s, int64_t *out_at_ms)
{
	int64_t now_ms = clock_now_ms();
	pthread_mutex_lock(&s->log_lock);
	if (now_ms > s->log_at_ms)
		s->log_at_ms = now_ms;
	*out_at_ms = s->log_at_ms;
	uint64_t number = ++s->log_number;
	pthread_mutex_unlock(&s->log_lock);
	return number;
}

uint64_t store_log_last(struct store *s)
{
	pthread_mutex_lock(&s->log_lock);
	uint64_t number = s->log_number;
	pthread_mutex_unlock(&s->log_lock);
	return number;
}

void store_log_close(struct store *s, int64_t end_ms)
{
	pthread_mutex_lock(&s->log_lock);
	if (s->log_at_ms < end_ms)
		s->log_at_ms = end_ms;
	pthread_mutex_unlock(&s->log_lock);
	pthread_rwlock_wrlock(&s->gate);
	pthread_rwlock_unlock(&s->gate);
}

/* --- reading --- */

/* Views into key and value. */
static enum status parse(struct span key, struct span value, struct log_row *out)
{
	struct cursor c = cursor_of(value);
	if (key.size != LOG_KEY_SIZE || key.data[0] != LOG_TAG)
		return STATUS_CORRUPT;
	*out = (struct log_row){.number = load_be64(key.data + 1)};
	out->at_ms = (int64_t)cursor_be64(&c);
	out->family = cursor_take(&c, cursor_u8(&c));
	out->key = cursor_take(&c, cursor_left(&c));
	return c.failed ? STATUS_CORRUPT : STATUS_OK;
}

/* The family of a name; STORE_FAMILY_COUNT when it is none. */
static unsigned family_of(struct span name)
{
	unsigned i = 0;
	while (i < STORE_FAMILY_COUNT && !span_equal(name, span_of_string(store_family_name((enum store_family)i))))
		i++;
	return i;
}

struct log_walk {
	struct store *store;
	uint64_t after;
	store_log_visit *visit;
	void *context;
	struct buf value;
};

static enum status visit_row(void *context, struct span key, struct span value)
{
	struct log_walk *w = context;
	struct log_row row;
	enum status status = parse(key, value, &row);
	if (status != STATUS_OK || row.number <= w->after)
		return status;
	unsigned family = family_of(row.family);
	buf_clear(&w->value);
	status = family == STORE_FAMILY_COUNT ? STATUS_NOT_FOUND
					      : store_get(w->store, (enum store_family)family, row.key, &w->value);
	row.missing = status == STATUS_NOT_FOUND;
	if (status != STATUS_OK && !row.missing)
		return status;
	row.value = row.missing ? (struct span){NULL, 0} : buf_view(&w->value);
	return w->visit(w->context, &row);
}

enum status store_log_read(struct store *s, uint64_t after, store_log_visit *visit, void *context)
{
	static const uint8_t tag = LOG_TAG;
	uint8_t start[LOG_KEY_SIZE];
	struct log_walk w = {s, after, visit, context, buf_init(STORE_BATCH_MAX)};
	log_key(after, start);
	enum status status =
		store_scan_within(s, STORE_DIGEST, span_of(&tag, 1), span_of(start, sizeof start), visit_row, &w);
	buf_deinit(&w.value);
	return status == STATUS_END ? STATUS_OK : status;
}

/* --- opening --- */

/* The first row at or behind `number`. STATUS_END: none. */
static enum status seek(struct rocks_iter *it, uint64_t number, struct log_row *out)
{
	uint8_t key[LOG_KEY_SIZE];
	struct span found, value;
	log_key(number, key);
	rocks_iter_seek(it, span_of(key, sizeof key));
	enum status status = rocks_iter_row(it, &found, &value);
	return status == STATUS_OK ? parse(found, value, out) : status;
}

/* The greatest number with a row at or behind it is the last row's: bit by bit. */
enum status store_log_open(struct store *s)
{
	static const uint8_t tag = LOG_TAG, after = LOG_TAG + 1;
	struct rocks_range range = {.lower = span_of(&tag, 1), .upper = span_of(&after, 1)};
	struct rocks_iter *it;
	struct log_row row;
	if (!s->families.lasting[STORE_DIGEST])
		return STATUS_OK;
	enum status status = rocks_iter_open(s->families.rocks, s->families.lasting[STORE_DIGEST], &range, &it);
	if (status != STATUS_OK)
		return status;
	for (int bit = 63; bit >= 0 && (status == STATUS_OK || status == STATUS_END); bit--) {
		status = seek(it, s->log_number | UINT64_C(1) << bit, &row);
		if (status == STATUS_OK) {
			s->log_number |= UINT64_C(1) << bit;
			s->log_at_ms = row.at_ms;
		}
	}
	rocks_iter_close(it);
	return status == STATUS_END ? STATUS_OK : status;
}
