#include "engine/duty/shift_log.h"

#include <pthread.h>
#include <stdlib.h>

#include "engine/duty/duty_keys.h"

#define KEY_SIZE 9

const struct record_word shift_kind_words[] = {
	{"note", "记事"}, {"handover", "交班"}, {"takeover", "接班"}, {NULL, NULL}};

static const struct record_field fields[] = {
	RECORD(1, shift_entry, number, NUMBER, 0),
	RECORD_TYPED(2, shift_entry, kind, TOKEN, 0, shift_kind_words),
	RECORD(3, shift_entry, at_ms, TIME, 0),
	RECORD(4, shift_entry, who, TEXT, 0),
	RECORD(5, shift_entry, unit, TEXT, 0),
	RECORD(6, shift_entry, to, TEXT, RECORD_GIVEN),
	RECORD(7, shift_entry, refers, NUMBER, 0),
	RECORD(8, shift_entry, text, TEXT, RECORD_GIVEN),
	RECORD(9, shift_entry, shift_from_ms, TIME, 0),
	RECORD(10, shift_entry, alarms_open, NUMBER, 0),
	RECORD(11, shift_entry, incidents_open, NUMBER, 0),
	RECORD(12, shift_entry, warnings_active, NUMBER, 0),
	RECORD(13, shift_entry, alarms_raised, NUMBER, 0),
	RECORD(14, shift_entry, alarms_acknowledged, NUMBER, 0),
	RECORD(15, shift_entry, alarms_in_time, NUMBER, 0),
	RECORD(16, shift_entry, p50_ms, SIGNED, 0),
	RECORD(17, shift_entry, p90_ms, SIGNED, 0),
	RECORD(18, shift_entry, max_ms, SIGNED, 0),
};
const struct record_kind shift_entry_kind = RECORD_KIND(shift_entry, fields);

struct shift_log {
	struct store *store;
	pthread_mutex_t lock;
	uint64_t last;    /* number given last */
	int64_t shift_ms; /* the last handover, INT64_MIN: none */
};

static void make_key(uint64_t number, uint8_t out[KEY_SIZE])
{
	out[0] = DUTY_LOG;
	store_be64(out + 1, ~number);
}

struct listing {
	shift_log_visit *visit;
	void *context;
};

static enum status list_row(void *context, struct span key, struct span value)
{
	struct listing *l = context;
	struct shift_entry e;
	(void)key;
	enum status status = record_decode(&shift_entry_kind, value, &e);
	return status ? status : l->visit(l->context, &e);
}

enum status shift_log_list(struct shift_log *l, uint64_t before, shift_log_visit *visit, void *context)
{
	struct listing listing = {visit, context};
	uint8_t start[KEY_SIZE];
	if (before == 1)
		return STATUS_OK;
	make_key(before ? before - 1 : UINT64_MAX, start);
	enum status status = store_scan_within(l->store, STORE_DUTY, span_of(start, 1), span_of(start, sizeof start),
					       list_row, &listing);
	return status == STATUS_END ? STATUS_OK : status;
}

static enum status load_entry(void *context, const struct shift_entry *e)
{
	struct shift_log *l = context;
	if (!l->last)
		l->last = e->number;
	if (e->kind != SHIFT_HANDOVER)
		return STATUS_OK;
	l->shift_ms = e->at_ms;
	return STATUS_END;
}

enum status shift_log_open(struct store *s, struct shift_log **out)
{
	struct shift_log *l = calloc(1, sizeof *l);
	if (!l)
		return STATUS_NO_MEMORY;
	l->store = s;
	l->shift_ms = INT64_MIN;
	pthread_mutex_init(&l->lock, NULL);
	enum status status = shift_log_list(l, 0, load_entry, l);
	if (status)
		shift_log_close(l);
	else
		*out = l;
	return status;
}

void shift_log_close(struct shift_log *l)
{
	if (l)
		pthread_mutex_destroy(&l->lock);
	free(l);
}

/* --- adding --- */

struct handover {
	uint64_t number;
	bool found, taken;
};

static enum status look(void *context, const struct shift_entry *e)
{
	struct handover *h = context;
	h->taken |= e->kind == SHIFT_TAKEOVER && e->refers == h->number;
	h->found |= e->kind == SHIFT_HANDOVER && e->number == h->number;
	return e->number <= h->number ? STATUS_END : STATUS_OK;
}

static enum status check(struct shift_log *l, const struct shift_entry *e)
{
	struct handover h = {.number = e->refers};
	if (!*e->who || (e->kind == SHIFT_NOTE && !*e->text) || (e->kind == SHIFT_HANDOVER && !*e->to))
		return STATUS_INVALID;
	if (e->kind != SHIFT_TAKEOVER)
		return STATUS_OK;
	enum status status = shift_log_list(l, 0, look, &h);
	if (!status && !h.found)
		status = STATUS_INVALID;
	return status ? status : h.taken ? STATUS_CONFLICT : STATUS_OK;
}

static enum status write_entry(struct shift_log *l, const struct shift_entry *e)
{
	uint8_t key[KEY_SIZE];
	struct buf value = buf_init(BOOK_ROW_MAX);
	struct store_batch *b = NULL;
	enum status status = record_encode(&shift_entry_kind, e, &value);
	if (!status)
		status = store_batch_new(l->store, &b);
	if (!status) {
		make_key(e->number, key);
		store_batch_log(b, STORE_DUTY, span_of(key, sizeof key), buf_view(&value));
		status = store_commit(l->store, b, true);
	}
	store_batch_free(b);
	buf_deinit(&value);
	return status;
}

enum status shift_log_add(struct shift_log *l, struct shift_entry *e)
{
	pthread_mutex_lock(&l->lock);
	enum status status = check(l, e);
	if (!status) {
		e->number = l->last + 1;
		e->shift_from_ms = e->kind == SHIFT_HANDOVER ? l->shift_ms : INT64_MIN;
		status = write_entry(l, e);
	}
	if (!status) {
		l->last = e->number;
		l->shift_ms = e->kind == SHIFT_HANDOVER ? e->at_ms : l->shift_ms;
	}
	pthread_mutex_unlock(&l->lock);
	return status;
}

int64_t shift_log_shift(struct shift_log *l)
{
	pthread_mutex_lock(&l->lock);
	int64_t shift_ms = l->shift_ms;
	pthread_mutex_unlock(&l->lock);
	return shift_ms;
}
