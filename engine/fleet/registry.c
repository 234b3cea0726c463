/* registry.c -- the devices in memory, and the one way they change.
 *
 *   readers   read lock: ids -> row, names -> devices -> rows
 *   a change  writer's mutex: new row made beside the old ── synced batch (row, history) ── write lock: swapped in
 *
 * The mutex keeps writers apart while one waits for the disk; the write lock is held for the swap alone. What
 * only a writer changes, a writer may read without the read lock. */
#include "engine/fleet/registry.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdlib.h>

#include "engine/core/clock.h"
#include "engine/core/log.h"
#include "engine/core/utf8.h"
#include "engine/fleet/registry_index.h"
#include "engine/fleet/registry_row.h"

#define HISTORY_VERSION 1
/* of the rows of the family `log` that are the registry's */
#define HISTORY_DEVICES 1
#define HISTORY_STREAMS 2
#define HISTORY_BYTES_MAX 1024
#define CHANGES_MAX 72 /* of one registry_apply: every field thrice */

struct registry {
	struct store *store;
	enum store_family family;
	uint8_t history;
	pthread_mutex_t writer;
	pthread_rwlock_t readers;
	struct ids ids;
	struct names names;
	size_t row_bytes;
	context_changed *changed;
	void *changed_context;
};

/* The lock is no part of what a const registry says. */
static void read_lock(const struct registry *r)
{
	pthread_rwlock_rdlock((pthread_rwlock_t *)&r->readers);
}
static void read_unlock(const struct registry *r)
{
	pthread_rwlock_unlock((pthread_rwlock_t *)&r->readers);
}

static bool is_unique(uint8_t field)
{
	static const bool unique[DEVICE_FIELD_COUNT] = {
#define X(code, NAME, token, chinese, is) [code] = is,
		DEVICE_FIELD_TABLE(X)
#undef X
	};
	return unique[field];
}

/* In the map of names: what devices are found by. */
static bool is_named(uint8_t field)
{
	return is_unique(field) || field == DEVICE_FIELD_VEHICLE;
}

static struct span row_bytes(const struct id_slot *slot)
{
	return slot ? span_of(slot->row->bytes, slot->row->size) : (struct span){NULL, 0};
}

static struct stored_row *row_new(struct span bytes)
{
	struct stored_row *row = malloc(sizeof *row + bytes.size);
	if (row) {
		row->size = (uint32_t)bytes.size;
		memcpy(row->bytes, bytes.data, bytes.size);
	}
	return row;
}

/* --- opening --- */

static enum status reserve_names(struct registry *r, size_t extra)
{
	struct names grown;
	if (names_has_room(&r->names, extra))
		return STATUS_OK;
	enum status status = names_grow(&r->names, extra, &grown);
	if (status)
		return status;
	struct names old = r->names;
	pthread_rwlock_wrlock(&r->readers);
	r->names = grown;
	pthread_rwlock_unlock(&r->readers);
	names_deinit(&old);
	return STATUS_OK;
}

/* How many values that are names a row ever held. */
static size_t count_names(struct span bytes)
{
	struct row row;
	struct fact fact;
	size_t count = 0;
	enum status status = row_open(bytes, &row);
	while (!status && !(status = row_next(&row, &fact)))
		count += is_named(fact.field) && fact.value.size;
	return count;
}

/* Names on their way into the map: asked for a while before they are put, because each falls on another page. */
struct name_queue {
	struct names *names;
	struct name_slot waiting[32];
	size_t count;
};

static void flush_names(struct name_queue *q)
{
	for (size_t i = 0; i < q->count; i++)
		names_put(q->names, q->waiting[i].hash, q->waiting[i].device);
	q->count = 0;
}

/* Put what count_names() counted; there is room for all. */
static void name_row(struct name_queue *q, uint64_t device, struct span bytes)
{
	struct row row;
	struct fact fact;
	enum status status = row_open(bytes, &row);
	while (!status && !(status = row_next(&row, &fact))) {
		if (!is_named(fact.field) || !fact.value.size)
			continue;
		uint64_t hash = names_hash(fact.field, fact.value);
		names_prefetch(q->names, hash);
		q->waiting[q->count++] = (struct name_slot){hash, device};
		if (q->count == sizeof q->waiting / sizeof *q->waiting)
			flush_names(q);
	}
}

/* The store's rows as they come, ids ascending. */
struct reading {
	struct registry *registry;
	struct id_slot *slots;
	size_t count, capacity;
	size_t names; /* of all rows */
};

static enum status reserve_slot(struct reading *in)
{
	if (in->count < in->capacity)
		return STATUS_OK;
	if (in->count >= REGISTRY_DEVICES_MAX)
		return STATUS_FULL;
	size_t capacity = in->capacity ? in->capacity * 2 : 1024;
	struct id_slot *slots = realloc(in->slots, capacity * sizeof *slots);
	if (!slots)
		return STATUS_NO_MEMORY;
	in->slots = slots;
	in->capacity = capacity;
	return STATUS_OK;
}

static enum status take_row(struct reading *in, uint64_t device, struct span value)
{
	enum status status = row_check(value);
	if (!status)
		status = reserve_slot(in);
	struct stored_row *stored = status ? NULL : row_new(value);
	if (!stored)
		return status ? status : STATUS_NO_MEMORY;
	in->slots[in->count++] = (struct id_slot){device, stored};
	in->names += count_names(value);
	in->registry->row_bytes += value.size;
	return STATUS_OK;
}

static enum status visit_row(void *context, struct span key, struct span value)
{
	uint64_t device = key.size == 8 ? load_be64(key.data) : 0;
	enum status status = device ? take_row(context, device, value) : STATUS_CORRUPT;
	if (status)
		log_error("registry", "device %016" PRIx64 ": %s", device, status_text(status));
	return status;
}

static enum status read_rows(struct registry *r)
{
	struct reading in = {.registry = r};
	enum status status = store_scan(r->store, r->family, (struct span){NULL, 0}, visit_row, &in);
	if (!status)
		status = reserve_names(r, in.names);
	if (!status)
		status = ids_build(in.slots, in.count, &r->ids);
	struct name_queue queue = {.names = &r->names};
	for (size_t i = 0; !status && i < in.count; i++)
		name_row(&queue, in.slots[i].id, row_bytes(&in.slots[i]));
	flush_names(&queue);
	for (size_t i = 0; status && i < in.count; i++)
		free(in.slots[i].row);
	free(in.slots);
	return status;
}

static enum status open_rows(struct store *s, enum store_family family, uint8_t history, struct registry **out)
{
	struct registry *r = calloc(1, sizeof *r);
	if (!r)
		return STATUS_NO_MEMORY;
	r->store = s;
	r->family = family;
	r->history = history;
	pthread_mutex_init(&r->writer, NULL);
	/* readers come without end; a writer that has waited is let in next */
	pthread_rwlockattr_t attributes;
	pthread_rwlockattr_init(&attributes);
	pthread_rwlockattr_setkind_np(&attributes, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP);
	pthread_rwlock_init(&r->readers, &attributes);
	pthread_rwlockattr_destroy(&attributes);
	enum status status = names_init(&r->names);
	if (!status)
		status = read_rows(r);
	if (status) {
		registry_close(r);
		return status;
	}
	*out = r;
	return STATUS_OK;
}

enum status registry_open(struct store *s, struct registry **out)
{
	return open_rows(s, STORE_DEVICE, HISTORY_DEVICES, out);
}

enum status registry_open_streams(struct store *s, struct registry **out)
{
	return open_rows(s, STORE_STREAM, HISTORY_STREAMS, out);
}

void registry_close(struct registry *r)
{
	if (!r)
		return;
	ids_deinit(&r->ids);
	names_deinit(&r->names);
	pthread_rwlock_destroy(&r->readers);
	pthread_mutex_destroy(&r->writer);
	free(r);
}

/* --- reading --- */

size_t registry_count(const struct registry *r)
{
	read_lock(r);
	size_t count = r->ids.count;
	read_unlock(r);
	return count;
}

bool registry_has(const struct registry *r, uint64_t device)
{
	read_lock(r);
	bool has = ids_find(&r->ids, device) != NULL;
	read_unlock(r);
	return has;
}

/* A device other than `but` of which `field` is `value` at any instant of [from_ms, to_ms), 0 when none. */
static uint64_t holder(const struct registry *r, uint8_t field, struct span value, int64_t from_ms, int64_t to_ms,
		       uint64_t but)
{
	uint64_t hash = names_hash(field, value), device;
	size_t at = 0;
	while ((device = names_next(&r->names, hash, &at)) != 0)
		if (device != but && row_says(row_bytes(ids_find(&r->ids, device)), field, value, from_ms, to_ms))
			return device;
	return 0;
}

/* What the vehicle of `row` says at `at_ms`; a source that has no plate is called by its vehicle's. */
static enum status lent(const struct registry *r, struct span row, uint8_t field, int64_t at_ms, struct fact *out)
{
	struct fact vehicle;
	if ((field != DEVICE_FIELD_PLATE && !device_field_is_lent(field)) || at_ms == VALID_FOREVER ||
	    row_at(row, DEVICE_FIELD_VEHICLE, at_ms, &vehicle))
		return STATUS_NOT_FOUND;
	*out = vehicle;
	if (field == DEVICE_FIELD_PLATE)
		return STATUS_OK;
	uint64_t device = holder(r, DEVICE_FIELD_PLATE, vehicle.value, at_ms, at_ms + 1, 0);
	return device ? row_at(row_bytes(ids_find(&r->ids, device)), field, at_ms, out) : STATUS_NOT_FOUND;
}

enum status registry_value(const struct registry *r, uint64_t device, enum device_field field, int64_t at_ms, char *out)
{
	struct fact fact;
	read_lock(r);
	struct span row = row_bytes(ids_find(&r->ids, device));
	enum status status = row.size ? row_at(row, (uint8_t)field, at_ms, &fact) : STATUS_NOT_FOUND;
	if (status == STATUS_NOT_FOUND && row.size)
		status = lent(r, row, (uint8_t)field, at_ms, &fact);
	if (!status) {
		memcpy(out, fact.value.data, fact.value.size);
		out[fact.value.size] = '\0';
	}
	read_unlock(r);
	return status;
}

/* Append where `field` of the row is `value`. */
static size_t row_spans(struct span bytes, uint64_t device, uint8_t field, struct span value, struct registry_span *out,
			size_t count, size_t max)
{
	struct row row;
	struct fact fact;
	bool open = false;
	enum status status = row_open(bytes, &row);
	while (!status && !(status = row_next(&row, &fact))) {
		if (open)
			out[count - 1].to_ms = fact.field == field ? fact.from_ms : VALID_FOREVER;
		open = fact.field == field && span_equal(fact.value, value) && count < max;
		if (open)
			out[count++] = (struct registry_span){device, fact.from_ms, VALID_FOREVER};
	}
	return count;
}

size_t registry_spans(const struct registry *r, enum device_field field, struct span value, struct registry_span *out,
		      size_t max)
{
	uint64_t hash = names_hash((uint8_t)field, value), device;
	size_t at = 0, count = 0;
	read_lock(r);
	while ((device = names_next(&r->names, hash, &at)) != 0)
		count = row_spans(row_bytes(ids_find(&r->ids, device)), device, (uint8_t)field, value, out, count, max);
	read_unlock(r);
	return count;
}

/* Add those whose VEHICLE was ever `plate`, each once. */
static size_t add_sources(const struct registry *r, uint64_t device, struct span plate, uint64_t *out, size_t count,
			  size_t max)
{
	uint64_t hash = names_hash(DEVICE_FIELD_VEHICLE, plate), source;
	size_t at = 0;
	while ((source = names_next(&r->names, hash, &at)) != 0 && count < max) {
		size_t i = 0;
		while (i < count && out[i] != source)
			i++;
		if (i == count && source != device &&
		    row_says(row_bytes(ids_find(&r->ids, source)), DEVICE_FIELD_VEHICLE, plate, VALID_ALWAYS_FROM,
			     VALID_FOREVER))
			out[count++] = source;
	}
	return count;
}

size_t registry_sources(const struct registry *r, uint64_t device, uint64_t *out, size_t max)
{
	struct row row;
	struct fact fact;
	size_t count = 0;
	read_lock(r);
	struct span bytes = row_bytes(ids_find(&r->ids, device));
	enum status status = bytes.size ? row_open(bytes, &row) : STATUS_NOT_FOUND;
	while (!status && !(status = row_next(&row, &fact)))
		if ((fact.field == DEVICE_FIELD_PLATE || fact.field == DEVICE_FIELD_VEHICLE) && fact.value.size)
			count = add_sources(r, device, fact.value, out, count, max);
	read_unlock(r);
	return count;
}

uint8_t registry_kind(const struct registry *r, uint64_t device)
{
	struct row row = {0};
	read_lock(r);
	struct span bytes = row_bytes(ids_find(&r->ids, device));
	bool known = bytes.size && row_open(bytes, &row) == STATUS_OK;
	read_unlock(r);
	return known ? row.kind : 0;
}

uint8_t registry_class(const struct registry *r, uint64_t device, int64_t at_ms)
{
	char token[DEVICE_VALUE_MAX + 1];
	uint8_t class_code;
	if (registry_value(r, device, DEVICE_FIELD_CLASS, at_ms, token) ||
	    device_class_parse(span_of_string(token), &class_code))
		return DEVICE_CLASS_OTHER;
	return class_code;
}

enum status registry_find(const struct registry *r, enum device_field field, struct span value, int64_t at_ms,
			  uint64_t *out)
{
	char text[DEVICE_VALUE_MAX + 1];
	if (device_value_normalise(field, value, text) || !*text || !is_unique((uint8_t)field) ||
	    at_ms == VALID_FOREVER)
		return STATUS_NOT_FOUND;
	read_lock(r);
	uint64_t device = holder(r, (uint8_t)field, span_of_string(text), at_ms, at_ms + 1, 0);
	read_unlock(r);
	if (!device)
		return STATUS_NOT_FOUND;
	*out = device;
	return STATUS_OK;
}

size_t registry_list(const struct registry *r, uint64_t after, uint64_t *out, size_t max)
{
	size_t count = 0;
	read_lock(r);
	const struct id_slot *end = r->ids.slots + r->ids.size;
	for (const struct id_slot *slot = ids_after(&r->ids, after); slot && slot < end && count < max; slot++)
		if (slot->row)
			out[count++] = slot->id;
	read_unlock(r);
	return count;
}

size_t registry_memory(const struct registry *r)
{
	read_lock(r);
	size_t bytes = sizeof *r + r->ids.size * sizeof *r->ids.slots + r->names.size * sizeof *r->names.slots +
		       r->row_bytes + r->ids.count * (sizeof(struct stored_row) + 2 * sizeof(size_t));
	read_unlock(r);
	return bytes;
}

/* --- a whole copy --- */

static char *text_copy(struct span text)
{
	char *copy = malloc(text.size + 1);
	if (copy) {
		if (text.size)
			memcpy(copy, text.data, text.size);
		copy[text.size] = '\0';
	}
	return copy;
}

static enum status push_binding(struct device *d, const struct fact *fact)
{
	struct binding *b = &d->bindings[d->binding_count++];
	*b = (struct binding){fact->field,      fact->from_ms,          VALID_FOREVER,
			      fact->changed_ms, text_copy(fact->value), text_copy(fact->principal)};
	return b->value && b->principal ? STATUS_OK : STATUS_NO_MEMORY;
}

static enum status fill_device(struct device *out, struct span bytes)
{
	struct row row;
	struct fact fact;
	struct binding *open = NULL;
	enum status status = row_open(bytes, &row);
	if (status)
		return status;
	out->kind = row.kind;
	out->created_ms = row.created_ms;
	out->bindings = calloc(row.count ? row.count : 1, sizeof *out->bindings);
	if (!out->bindings)
		return STATUS_NO_MEMORY;
	while (!(status = row_next(&row, &fact))) {
		if (open && open->field == fact.field)
			open->valid_to_ms = fact.from_ms;
		open = NULL;
		if (!fact.value.size)
			continue;
		status = push_binding(out, &fact);
		if (status)
			return status;
		open = &out->bindings[out->binding_count - 1];
	}
	return status == STATUS_END ? STATUS_OK : status;
}

enum status registry_device(const struct registry *r, uint64_t device, struct device *out)
{
	*out = (struct device){.id = device};
	read_lock(r);
	const struct id_slot *slot = ids_find(&r->ids, device);
	enum status status = slot ? fill_device(out, row_bytes(slot)) : STATUS_NOT_FOUND;
	read_unlock(r);
	if (status)
		device_deinit(out);
	return status;
}

void device_deinit(struct device *d)
{
	for (size_t i = 0; i < d->binding_count; i++) {
		free(d->bindings[i].value);
		free(d->bindings[i].principal);
	}
	free(d->bindings);
	d->bindings = NULL;
	d->binding_count = 0;
}

/* --- changing --- */

/* What one registry_apply has in hand. */
struct work {
	struct registry *registry;
	uint64_t device;
	struct id_slot *slot; /* NULL: the device is new */
	struct facts facts;
	uint32_t changes;
	int64_t from_ms, now_ms;
	struct span principal;
	struct store_batch *batch;
	char values[CHANGES_MAX][DEVICE_VALUE_MAX + 1]; /* normalised; facts borrow from here */
	struct fact said[CHANGES_MAX];                  /* the changes that change something */
	size_t said_count;
	struct buf row;
	bool sync;       /* before it is seen */
	uint64_t number; /* of the change (changes.h) */
	/* sources of a plate that was taken back: nothing in the row leads to them any more */
	uint64_t orphans[REGISTRY_SOURCES_MAX], orphan_numbers[REGISTRY_SOURCES_MAX];
	size_t orphan_count;
};

static enum status load_facts(struct work *w, struct span bytes, enum device_kind kind, size_t extra)
{
	struct row row = {.created_ms = w->now_ms, .kind = (uint8_t)kind};
	enum status status = bytes.size ? row_open(bytes, &row) : STATUS_OK;
	if (status)
		return status;
	if (row.kind != kind)
		return STATUS_INVALID;
	w->changes = row.changes;
	w->facts = (struct facts){calloc(row.count + extra + 1, sizeof(struct fact)), 0, row.count + extra};
	if (!w->facts.list)
		return STATUS_NO_MEMORY;
	for (; w->facts.count < row.count; w->facts.count++)
		if ((status = row_next(&row, &w->facts.list[w->facts.count])) != STATUS_OK)
			return status;
	return STATUS_OK;
}

static enum status put_history(struct work *w, const struct fact *said, struct span previous)
{
	uint8_t key[13];
	struct buf value = buf_init(HISTORY_BYTES_MAX);
	const struct span texts[3] = {said->value, previous, said->principal};
	store_be64(key, w->device);
	key[8] = w->registry->history;
	store_be32(key + 9, w->changes);
	enum status status = buf_append_u8(&value, HISTORY_VERSION);
	if (!status)
		status = buf_append_u8(&value, said->field);
	if (!status)
		status = buf_append_be64(&value, (uint64_t)said->from_ms);
	if (!status)
		status = buf_append_be64(&value, (uint64_t)said->changed_ms);
	for (size_t i = 0; i < 3 && !status; i++) {
		status = buf_append_u8(&value, (uint8_t)texts[i].size);
		if (!status)
			status = buf_append(&value, texts[i].data, texts[i].size);
	}
	if (!status)
		store_batch_log(w->batch, STORE_LOG, span_of(key, sizeof key), span_of(value.data, value.size));
	buf_deinit(&value);
	return status;
}

static enum status change_field(struct work *w, const struct registry_change *change, uint64_t *out_conflict)
{
	char *text = w->values[w->said_count];
	int64_t to_ms;
	struct span previous;
	enum status status = device_value_normalise(change->field, change->value, text);
	if (status)
		return status;
	struct fact said = {change->field, w->from_ms, w->now_ms, span_of_string(text), w->principal};
	status = facts_change(&w->facts, &said, &to_ms, &previous);
	if (status)
		return status == STATUS_END ? STATUS_OK : status;
	if (is_unique(said.field) && said.value.size) {
		*out_conflict = holder(w->registry, said.field, said.value, said.from_ms, to_ms, w->device);
		if (*out_conflict)
			return STATUS_CONFLICT;
	}
	if (said.field == DEVICE_FIELD_PLATE && previous.size)
		w->orphan_count = add_sources(w->registry, w->device, previous, w->orphans, w->orphan_count,
					      REGISTRY_SOURCES_MAX);
	w->said[w->said_count++] = said;
	if (w->changes == UINT32_MAX)
		return STATUS_FULL;
	w->changes++;
	return put_history(w, &said, previous);
}

static enum status reserve_id(struct registry *r, uint64_t device)
{
	struct ids grown;
	if (ids_has_room(&r->ids, device))
		return STATUS_OK;
	if (r->ids.count >= REGISTRY_DEVICES_MAX)
		return STATUS_FULL;
	enum status status = ids_grow(&r->ids, device, &grown);
	if (status)
		return status;
	struct id_slot *old = r->ids.slots;
	pthread_rwlock_wrlock(&r->readers);
	r->ids = grown;
	pthread_rwlock_unlock(&r->readers);
	free(old);
	return STATUS_OK;
}

static enum status commit_row(struct work *w, enum device_kind kind, int64_t created_ms)
{
	uint8_t key[8];
	enum status status = facts_encode(&w->facts, (uint8_t)kind, created_ms, w->changes, &w->row);
	if (!status)
		status = reserve_names(w->registry, w->said_count);
	if (!status && !w->slot)
		status = reserve_id(w->registry, w->device);
	if (status)
		return status;
	store_be64(key, w->device);
	store_batch_put(w->batch, w->registry->family, span_of(key, sizeof key), span_of(w->row.data, w->row.size));
	return STATUS_OK;
}

/* Nothing here can fail: the store has the change already. Returns the row that is no longer needed. */
static struct stored_row *publish(struct work *w, struct stored_row *row)
{
	struct registry *r = w->registry;
	struct stored_row *old = NULL;
	pthread_rwlock_wrlock(&r->readers);
	struct id_slot *slot = ids_find(&r->ids, w->device);
	r->row_bytes += row->size;
	if (slot) {
		old = slot->row;
		r->row_bytes -= old->size;
		slot->row = row;
	} else {
		ids_put(&r->ids, w->device, row);
	}
	for (size_t i = 0; i < w->said_count; i++)
		if (is_named(w->said[i].field) && w->said[i].value.size)
			names_put(&r->names, names_hash(w->said[i].field, w->said[i].value), w->device);
	pthread_rwlock_unlock(&r->readers);
	return old;
}

static enum status store_and_publish(struct work *w, enum device_kind kind, int64_t created_ms)
{
	enum status status = commit_row(w, kind, created_ms);
	if (status)
		return status;
	struct stored_row *row = row_new(span_of(w->row.data, w->row.size));
	if (!row)
		return STATUS_NO_MEMORY;
	if (w->sync) /* of a bulk load no reports are before */
		w->number = change_put(w->batch, w->device, w->from_ms);
	for (size_t i = 0; w->sync && i < w->orphan_count; i++)
		w->orphan_numbers[i] = change_put(w->batch, w->orphans[i], w->from_ms);
	status = store_commit(w->registry->store, w->batch, w->sync);
	free(status ? row : publish(w, row));
	return status;
}

static enum status apply(struct work *w, enum device_kind kind, const struct registry_change *changes, size_t count,
			 uint64_t *out_conflict)
{
	struct row old = {.created_ms = w->now_ms};
	w->slot = ids_find(&w->registry->ids, w->device);
	struct span bytes = row_bytes(w->slot);
	enum status status = load_facts(w, bytes, kind, count);
	if (!status && bytes.size)
		status = row_open(bytes, &old);
	if (!status)
		status = store_batch_new(w->registry->store, &w->batch);
	for (size_t i = 0; i < count && !status; i++)
		status = change_field(w, &changes[i], out_conflict);
	if (status || (w->slot && w->said_count == 0))
		return status;
	return store_and_publish(w, kind, old.created_ms);
}

static enum status check_and_apply(struct registry *r, uint64_t device, enum device_kind kind,
				   const struct registry_change *changes, size_t count, int64_t from_ms,
				   const char *principal, bool sync, uint64_t *out_conflict)
{
	uint64_t conflict = 0;
	size_t principal_size = principal ? strnlen(principal, DEVICE_PRINCIPAL_MAX + 1) : 0;
	if (!device || count > CHANGES_MAX || principal_size == 0 || from_ms == VALID_FOREVER || kind == 0 ||
	    principal_size > DEVICE_PRINCIPAL_MAX || !utf8_printable(span_of(principal, principal_size)))
		return STATUS_INVALID;
	struct work *w = calloc(1, sizeof *w);
	if (!w)
		return STATUS_NO_MEMORY;
	w->registry = r;
	w->device = device;
	w->from_ms = from_ms;
	w->now_ms = clock_now_ms();
	w->principal = span_of(principal, principal_size);
	w->row = buf_init(ROW_BYTES_MAX);
	w->sync = sync;
	pthread_mutex_lock(&r->writer);
	enum status status = apply(w, kind, changes, count, &conflict);
	pthread_mutex_unlock(&r->writer);
	if (!status && w->said_count && r->changed) {
		r->changed(r->changed_context, device, from_ms, w->number);
		for (size_t i = 0; i < w->orphan_count; i++)
			r->changed(r->changed_context, w->orphans[i], from_ms, w->orphan_numbers[i]);
	}
	if (out_conflict)
		*out_conflict = conflict;
	store_batch_free(w->batch);
	free(w->facts.list);
	buf_deinit(&w->row);
	free(w);
	return status;
}

void registry_on_change(struct registry *r, context_changed *changed, void *context)
{
	r->changed = changed;
	r->changed_context = context;
}

enum status registry_apply(struct registry *r, uint64_t device, enum device_kind kind,
			   const struct registry_change *changes, size_t count, int64_t from_ms, const char *principal,
			   uint64_t *out_conflict)
{
	return check_and_apply(r, device, kind, changes, count, from_ms, principal, true, out_conflict);
}

enum status registry_apply_bulk(struct registry *r, uint64_t device, enum device_kind kind,
				const struct registry_change *changes, size_t count, int64_t from_ms,
				const char *principal)
{
	return check_and_apply(r, device, kind, changes, count, from_ms, principal, false, NULL);
}

/* --- history --- */

struct history_walk {
	registry_history_visit *visit;
	void *context;
};

static enum status visit_history(void *context, struct span key, struct span value)
{
	const struct history_walk *walk = context;
	struct cursor c = cursor_of(value);
	struct span texts[3];
	if (key.size != 13 || cursor_u8(&c) != HISTORY_VERSION)
		return STATUS_CORRUPT;
	struct registry_event e = {.number = load_be32(key.data + 9), .field = cursor_u8(&c)};
	e.from_ms = (int64_t)cursor_be64(&c);
	e.changed_ms = (int64_t)cursor_be64(&c);
	for (size_t i = 0; i < 3; i++)
		texts[i] = cursor_take(&c, cursor_u8(&c));
	if (c.failed || cursor_left(&c))
		return STATUS_CORRUPT;
	e.value = texts[0];
	e.previous = texts[1];
	e.principal = texts[2];
	return walk->visit(walk->context, &e);
}

enum status registry_history(const struct registry *r, uint64_t device, registry_history_visit *visit, void *context)
{
	struct history_walk walk = {visit, context};
	uint8_t prefix[9];
	store_be64(prefix, device);
	prefix[8] = r->history;
	return store_scan(r->store, STORE_LOG, span_of(prefix, sizeof prefix), visit_history, &walk);
}
