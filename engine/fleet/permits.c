#include "engine/fleet/permits.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define PERMIT_TAG 0x01
#define PERMIT_VERSION 1
#define PERMIT_ROW_MAX 2048

struct entry {
	uint64_t device;
	struct permit permit;
};

/* Sorted by (device, valid_from, number). */
struct permits {
	struct store *store;
	pthread_mutex_t writer;
	pthread_rwlock_t readers;
	struct entry *list;
	size_t count, capacity;
};

static int compare(const struct entry *a, uint64_t device, int64_t from_ms, const char *number)
{
	if (a->device != device)
		return a->device < device ? -1 : 1;
	if (a->permit.valid_from_ms != from_ms)
		return a->permit.valid_from_ms < from_ms ? -1 : 1;
	return strcmp(a->permit.number, number);
}

static size_t lower_bound(const struct permits *p, uint64_t device, int64_t from_ms, const char *number)
{
	size_t low = 0, high = p->count;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (compare(&p->list[middle], device, from_ms, number) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* --- rows --- */

static enum status encode(const struct entry *e, struct buf *out)
{
	const struct permit *p = &e->permit;
	enum status status = buf_append_u8(out, PERMIT_VERSION);
	if (!status)
		status = buf_append_be64(out, e->device);
	if (!status)
		status = buf_append_u8(out, p->kind);
	if (!status)
		status = buf_append_be64(out, (uint64_t)p->valid_from_ms);
	if (!status)
		status = buf_append_be64(out, (uint64_t)p->valid_to_ms);
	if (!status)
		status = buf_append_u8(out, p->fence_count);
	for (unsigned i = 0; i < p->fence_count && !status; i++) {
		size_t size = strlen(p->fences[i]);
		status = buf_append_u8(out, (uint8_t)size);
		if (!status)
			status = buf_append(out, p->fences[i], size);
	}
	return status ? status : schedule_print(&p->hours, out);
}

static enum status decode(struct span key, struct span value, struct entry *out)
{
	struct cursor c = cursor_of(value);
	struct permit *p = &out->permit;
	memset(out, 0, sizeof *out);
	if (key.size < 2 || key.size - 1 > PERMIT_NUMBER_MAX)
		return STATUS_CORRUPT;
	memcpy(p->number, key.data + 1, key.size - 1);
	if (cursor_u8(&c) != PERMIT_VERSION)
		return STATUS_BAD_VERSION;
	out->device = cursor_be64(&c);
	p->kind = cursor_u8(&c);
	p->valid_from_ms = (int64_t)cursor_be64(&c);
	p->valid_to_ms = (int64_t)cursor_be64(&c);
	p->fence_count = cursor_u8(&c);
	if (p->fence_count > PERMIT_FENCES_MAX)
		return STATUS_CORRUPT;
	for (unsigned i = 0; i < p->fence_count; i++) {
		struct span id = cursor_take(&c, cursor_u8(&c));
		if (id.size > FENCE_ID_MAX)
			return STATUS_CORRUPT;
		memcpy(p->fences[i], id.data, id.size);
	}
	struct span hours = cursor_take(&c, cursor_left(&c));
	if (c.failed || schedule_parse(hours, &p->hours, NULL))
		return STATUS_CORRUPT;
	return STATUS_OK;
}

static struct span row_key(const char *number, uint8_t key[1 + PERMIT_NUMBER_MAX])
{
	size_t size = strlen(number);
	key[0] = PERMIT_TAG;
	memcpy(key + 1, number, size);
	return span_of(key, 1 + size);
}

/* --- memory --- */

static enum status reserve(struct permits *p)
{
	if (p->count < p->capacity)
		return STATUS_OK;
	size_t capacity = p->capacity ? p->capacity * 2 : 64;
	if (p->count >= PERMITS_MAX)
		return STATUS_FULL;
	struct entry *list = realloc(p->list, capacity * sizeof *list);
	if (!list)
		return STATUS_NO_MEMORY;
	p->list = list;
	p->capacity = capacity;
	return STATUS_OK;
}

static void insert(struct permits *p, const struct entry *e)
{
	size_t at = lower_bound(p, e->device, e->permit.valid_from_ms, e->permit.number);
	memmove(&p->list[at + 1], &p->list[at], (p->count - at) * sizeof *p->list);
	p->list[at] = *e;
	p->count++;
}

static void drop(struct permits *p, const struct entry *e)
{
	size_t at = lower_bound(p, e->device, e->permit.valid_from_ms, e->permit.number);
	memmove(&p->list[at], &p->list[at + 1], (p->count - at - 1) * sizeof *p->list);
	p->count--;
}

static enum status load_row(void *context, struct span key, struct span value)
{
	struct permits *p = context;
	struct entry e;
	enum status status = decode(key, value, &e);
	if (!status)
		status = reserve(p);
	if (!status)
		insert(p, &e);
	return status;
}

enum status permits_open(struct store *s, struct permits **out)
{
	static const uint8_t prefix[1] = {PERMIT_TAG};
	struct permits *p = calloc(1, sizeof *p);
	if (!p)
		return STATUS_NO_MEMORY;
	p->store = s;
	pthread_mutex_init(&p->writer, NULL);
	pthread_rwlock_init(&p->readers, NULL);
	enum status status = store_scan(s, STORE_CONTEXT, span_of(prefix, 1), load_row, p);
	if (status)
		permits_close(p);
	else
		*out = p;
	return status;
}

void permits_close(struct permits *p)
{
	if (!p)
		return;
	pthread_rwlock_destroy(&p->readers);
	pthread_mutex_destroy(&p->writer);
	free(p->list);
	free(p);
}

/* --- changing --- */

/* The permit that has the number so far. STATUS_NOT_FOUND. */
static enum status stored(struct permits *p, const char *number, struct entry *out)
{
	uint8_t key_bytes[1 + PERMIT_NUMBER_MAX];
	struct span key = row_key(number, key_bytes);
	struct buf row = buf_init(PERMIT_ROW_MAX);
	enum status status = store_get(p->store, STORE_CONTEXT, key, &row);
	if (!status)
		status = decode(key, buf_view(&row), out);
	buf_deinit(&row);
	return status;
}

static enum status commit(struct permits *p, const struct entry *e, struct permit_change *change)
{
	uint8_t key_bytes[1 + PERMIT_NUMBER_MAX];
	struct span key = row_key(e->permit.number, key_bytes);
	struct buf row = buf_init(PERMIT_ROW_MAX);
	struct store_batch *batch = NULL;
	enum status status = encode(e, &row);
	if (!status)
		status = store_batch_new(p->store, &batch);
	if (!status) {
		store_batch_put(batch, STORE_CONTEXT, key, span_of(row.data, row.size));
		change->number = change_put(batch, e->device, change->from_ms);
		change->other_number = change->other ? change_put(batch, change->other, change->from_ms) : 0;
		status = store_commit(p->store, batch, true);
	}
	store_batch_free(batch);
	buf_deinit(&row);
	return status;
}

static enum status put(struct permits *p, const struct entry *e, struct permit_change *out)
{
	struct entry old;
	pthread_rwlock_wrlock(&p->readers);
	enum status status = reserve(p);
	pthread_rwlock_unlock(&p->readers);
	if (status)
		return status;
	enum status before = stored(p, e->permit.number, &old);
	if (before && before != STATUS_NOT_FOUND)
		return before;
	*out = (struct permit_change){.from_ms = e->permit.valid_from_ms};
	if (!before && old.permit.valid_from_ms < out->from_ms)
		out->from_ms = old.permit.valid_from_ms;
	if (!before && old.device != e->device)
		out->other = old.device;
	status = commit(p, e, out);
	if (status)
		return status;
	pthread_rwlock_wrlock(&p->readers);
	if (!before)
		drop(p, &old);
	insert(p, e);
	pthread_rwlock_unlock(&p->readers);
	return STATUS_OK;
}

enum status permits_put(struct permits *p, uint64_t device, const struct permit *permit, struct permit_change *out)
{
	struct entry e = {device, *permit};
	if (!device || !*permit->number || permit->kind < PERMIT_ROUTE || permit->kind > PERMIT_KIND_LAST ||
	    permit->valid_from_ms >= permit->valid_to_ms)
		return STATUS_INVALID;
	pthread_mutex_lock(&p->writer);
	enum status status = put(p, &e, out);
	pthread_mutex_unlock(&p->writer);
	return status;
}

/* --- reading --- */

/* Until when it is told of its device. */
static int64_t counts_to(const struct permit *p)
{
	if (p->kind == PERMIT_BUSINESS ||
	    (permit_is_of_port(p->kind) && p->valid_to_ms > INT64_MAX - PORT_REPORT_KEPT_MS))
		return INT64_MAX;
	return permit_is_of_port(p->kind) ? p->valid_to_ms + PORT_REPORT_KEPT_MS : p->valid_to_ms;
}

/* The span around `time_ms` ends, or begins, at `edge_ms` at the latest. */
static void narrow(int64_t edge_ms, int64_t time_ms, struct detect_subject *out)
{
	if (edge_ms <= time_ms && edge_ms > out->from_ms)
		out->from_ms = edge_ms;
	if (edge_ms > time_ms && edge_ms < out->to_ms)
		out->to_ms = edge_ms;
}

void permits_of(const struct permits *p, uint64_t device, int64_t time_ms, struct detect_subject *out)
{
	pthread_rwlock_rdlock((pthread_rwlock_t *)&p->readers);
	for (size_t i = lower_bound(p, device, INT64_MIN, ""); i < p->count && p->list[i].device == device; i++) {
		const struct permit *one = &p->list[i].permit;
		bool counts = one->valid_from_ms <= time_ms && time_ms < counts_to(one);
		if (counts && out->permit_count < SUBJECT_PERMITS_MAX)
			out->permits[out->permit_count++] = *one;
		narrow(one->valid_from_ms, time_ms, out);
		narrow(one->valid_to_ms, time_ms, out);
		if (permit_is_of_port(one->kind))
			narrow(counts_to(one), time_ms, out);
	}
	pthread_rwlock_unlock((pthread_rwlock_t *)&p->readers);
}

struct walk {
	context_permit_visit *visit;
	void *context;
	const char *after;
};

static enum status visit_row(void *context, struct span key, struct span value)
{
	const struct walk *walk = context;
	struct entry e;
	if (!key.size || key.data[0] != PERMIT_TAG)
		return STATUS_END;
	enum status status = decode(key, value, &e);
	if (status || strcmp(e.permit.number, walk->after) == 0)
		return status;
	return walk->visit(walk->context, e.device, &e.permit);
}

enum status permits_visit(struct permits *p, const char *after, context_permit_visit *visit, void *context)
{
	uint8_t key[1 + PERMIT_NUMBER_MAX];
	struct walk walk = {visit, context, after};
	if (strlen(after) > PERMIT_NUMBER_MAX)
		return STATUS_INVALID;
	enum status status = store_scan_from(p->store, STORE_CONTEXT, row_key(after, key), visit_row, &walk);
	return status == STATUS_END ? STATUS_OK : status;
}
