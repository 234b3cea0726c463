#include "engine/fleet/head.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "engine/series/block.h"

#define HEADS_FIRST 64u
#define RUN_FIRST 16u

/* --- the table --- */

static uint32_t slot_of(const struct heads *h, uint64_t device)
{
	/* ids are hashes already; the top 16 bits are the partition, so mix the rest in */
	return (uint32_t)(device ^ device >> 32) & h->slot_mask;
}

static struct head_slot *slots_new(uint32_t count)
{
	size_t size = count * sizeof(struct head_slot);
	struct head_slot *slots = aligned_alloc(64, size);
	return slots ? memset(slots, 0, size) : NULL;
}

enum status heads_init(struct heads *h)
{
	memset(h, 0, sizeof *h);
	h->slots = slots_new(HEADS_FIRST * 2);
	if (!h->slots)
		return STATUS_NO_MEMORY;
	h->slot_mask = HEADS_FIRST * 2 - 1;
	return pthread_mutex_init(&h->lock, NULL) ? STATUS_NO_MEMORY : STATUS_OK;
}

static void run_deinit(struct head_run *run)
{
	free(run->reports);
	free(run->items);
	memset(run, 0, sizeof *run);
}

void heads_deinit(struct heads *h)
{
	for (uint32_t i = 0; i < h->count; i++) {
		while (h->all[i]->sealing) {
			struct seal *next = h->all[i]->sealing->next;
			seal_free(h->all[i]->sealing);
			h->all[i]->sealing = next;
		}
		run_deinit(&h->all[i]->run);
		free(h->all[i]);
	}
	free(h->all);
	free(h->slots);
	pthread_mutex_destroy(&h->lock);
}

struct head *heads_find(const struct heads *h, uint64_t device)
{
	uint32_t slot = slot_of(h, device);
	while (h->slots[slot].head && h->slots[slot].device != device)
		slot = (slot + 1) & h->slot_mask;
	return h->slots[slot].head;
}

static void slot_put(struct heads *h, struct head *head)
{
	uint32_t slot = slot_of(h, head->device);
	while (h->slots[slot].head)
		slot = (slot + 1) & h->slot_mask;
	h->slots[slot] = (struct head_slot){head->device, head};
}

static enum status grow_table(struct heads *h)
{
	uint32_t capacity = h->capacity ? h->capacity * 2 : HEADS_FIRST;
	struct head **all = realloc(h->all, capacity * sizeof(struct head *));
	if (!all)
		return STATUS_NO_MEMORY;
	h->all = all;
	struct head_slot *slots = slots_new(capacity * 2);
	if (!slots)
		return STATUS_NO_MEMORY;
	free(h->slots);
	h->slots = slots;
	h->slot_mask = capacity * 2 - 1;
	h->capacity = capacity;
	for (uint32_t i = 0; i < h->count; i++)
		slot_put(h, h->all[i]);
	return STATUS_OK;
}

static struct head *head_new(uint64_t device)
{
	struct head *head = aligned_alloc(_Alignof(struct head), sizeof *head);
	if (!head)
		return NULL;
	memset(head, 0, sizeof *head);
	head->device = device;
	head->last_ms = head->seen_ms = INT64_MIN;
	head->sealed.sealed_until_ms = head->sealed.seen_ms = INT64_MIN;
	head->row_until_ms = INT64_MIN;
	head->fold_from_ms = INT64_MAX;
	head->fold_until_ms = INT64_MIN;
	return head;
}

struct head *heads_need(struct heads *h, uint64_t device)
{
	struct head *head = heads_find(h, device);
	if (head)
		return head;
	head = head_new(device);
	if (!head)
		return NULL;
	pthread_mutex_lock(&h->lock);
	if (h->count == h->capacity && grow_table(h)) {
		pthread_mutex_unlock(&h->lock);
		free(head);
		return NULL;
	}
	head->index = h->count;
	h->all[h->count++] = head;
	slot_put(h, head);
	pthread_mutex_unlock(&h->lock);
	return head;
}

enum status heads_need_many(struct heads *h, const uint64_t *devices, size_t count, struct head **out)
{
	for (size_t i = 0; i < count; i++)
		__builtin_prefetch(&h->slots[slot_of(h, devices[i])]);
	for (size_t i = 0; i < count; i++) {
		out[i] = heads_need(h, devices[i]);
		if (!out[i])
			return STATUS_NO_MEMORY;
		__builtin_prefetch(out[i], 1);
	}
	for (size_t i = 0; i < count; i++) {
		const struct head_run *run = &out[i]->run;
		__builtin_prefetch(run->reports + run->count, 1);
		__builtin_prefetch(run->items + run->items_size, 1);
	}
	return STATUS_OK;
}

/* --- the list by age --- */

static void list_remove(struct heads *h, struct head *head)
{
	if (head->older)
		h->all[head->older - 1]->newer = head->newer;
	else
		h->oldest = head->newer;
	if (head->newer)
		h->all[head->newer - 1]->older = head->older;
	else
		h->newest = head->older;
	head->older = head->newer = 0;
}

static void list_append(struct heads *h, struct head *head)
{
	uint32_t self = head->index + 1;
	head->older = h->newest;
	head->newer = 0;
	if (h->newest)
		h->all[h->newest - 1]->newer = self;
	else
		h->oldest = self;
	h->newest = self;
}

/* --- runs --- */

/* A report a line of the cache: half of two would wait for both. */
static enum status reports_reserve(struct head_run *run, uint32_t capacity, size_t *grown)
{
	struct report *reports = aligned_alloc(sizeof *reports, capacity * sizeof *reports);
	if (!reports)
		return STATUS_NO_MEMORY;
	if (run->count)
		memcpy(reports, run->reports, run->count * sizeof *reports);
	free(run->reports);
	*grown += (capacity - run->capacity) * sizeof *reports;
	run->reports = reports;
	run->capacity = capacity;
	return STATUS_OK;
}

static enum status items_reserve(struct head_run *run, uint32_t capacity, size_t *grown)
{
	uint8_t *bytes = realloc(run->items, capacity);
	if (!bytes)
		return STATUS_NO_MEMORY;
	*grown += capacity - run->items_capacity;
	run->items = bytes;
	run->items_capacity = capacity;
	return STATUS_OK;
}

/* Twice as much, but what a full head takes when that is less. */
static uint32_t reports_more(uint32_t capacity)
{
	uint32_t more = capacity ? capacity * 2 : RUN_FIRST;
	return capacity < HEAD_REPORTS_MAX && more > HEAD_REPORTS_MAX ? HEAD_REPORTS_MAX : more;
}

static __attribute__((noinline)) enum status run_grow(struct head_run *run, size_t items, size_t *grown)
{
	enum status status = STATUS_OK;
	if (run->count == run->capacity)
		status = reports_reserve(run, reports_more(run->capacity), grown);
	if (!status && items > run->items_capacity - run->items_size) {
		size_t capacity = run->items_capacity ? (size_t)run->items_capacity * 2 : 256;
		while (capacity < run->items_size + items)
			capacity *= 2;
		status = items_reserve(run, (uint32_t)capacity, grown);
	}
	return status;
}

static enum status run_append(struct head_run *run, const struct report *r, size_t *grown)
{
	if (run->count == run->capacity || r->items_size > run->items_capacity - run->items_size) {
		enum status status = run_grow(run, r->items_size, grown);
		if (status)
			return status;
	}
	struct report *into = &run->reports[run->count++];
	*into = *r;
	into->items = (const uint8_t *)(uintptr_t)run->items_size;
	if (r->items_size)
		memcpy(run->items + run->items_size, r->items, r->items_size);
	run->items_size += r->items_size;
	/* the line of this device's next report, needed after one of every other device has come: without it each
	 * append waits for memory, and stores retire in order */
	__builtin_prefetch(into + 1, 1);
	return STATUS_OK;
}

static size_t run_bytes(const struct head_run *run)
{
	return run->capacity * sizeof *run->reports + run->items_capacity;
}

static int compare(const void *a, const void *b)
{
	return report_compare(a, b);
}

/* Sort and merge duplicates; returns how many merged away. Nearly sorted runs (a few late reports) are the
 * rule, so insertion is tried as long as it stays cheap. */
static uint32_t run_sort(struct head_run *run)
{
	uint32_t moves = 0, budget = run->count * 8;
	for (uint32_t i = 1; i < run->count && moves <= budget; i++) {
		if (report_compare(&run->reports[i - 1], &run->reports[i]) <= 0)
			continue;
		struct report r = run->reports[i];
		uint32_t at = i;
		while (at > 0 && report_compare(&run->reports[at - 1], &r) > 0) {
			run->reports[at] = run->reports[at - 1];
			at--;
			moves++;
		}
		run->reports[at] = r;
	}
	if (moves > budget)
		qsort(run->reports, run->count, sizeof *run->reports, compare);
	uint32_t kept = run->count ? 1 : 0;
	for (uint32_t i = 1; i < run->count; i++) {
		if (report_compare(&run->reports[kept - 1], &run->reports[i]) == 0)
			report_merge(&run->reports[kept - 1], &run->reports[i]);
		else
			run->reports[kept++] = run->reports[i];
	}
	uint32_t merged = run->count - kept;
	run->count = kept;
	return merged;
}

/* --- appending --- */

static void note_last(struct head *head, const struct report *r)
{
	if (r->flags & REPORT_FLAG_FUTURE || r->time_ms < head->last_ms)
		return;
	const struct report *last = r->time_ms == head->last_ms ? head_last(head) : NULL;
	if (last && report_compare(r, last) <= 0)
		return;
	head->last_ms = r->time_ms;
	head->last_at = head->run.count & INT32_MAX;
}

void head_seen(struct head *head, int64_t received_ms)
{
	if (received_ms > head->seen_ms)
		head->seen_ms = received_ms;
	head->dirty = true;
}

enum status head_append(struct heads *h, struct head *head, const struct report *r, size_t *grown)
{
	enum status status = run_append(&head->run, r, grown);
	if (status)
		return status;
	if (head->run.count == 1)
		list_append(h, head);
	note_last(head, r);
	head_seen(head, r->received_ms);
	return STATUS_OK;
}

/* --- state --- */

static void last_take(struct head_state *state, const struct report *r)
{
	if (state->has_last && report_compare(r, &state->last) <= 0)
		return;
	state->last = *r;
	state->last.items = NULL;
	state->last.items_size = 0;
	state->has_last = true;
}

void head_state_of(const struct head *head, struct head_state *out)
{
	const struct report *last = head_last(head);
	*out = head->sealed;
	out->epoch = head->epoch;
	out->position = head->position;
	out->reports_total = head_reports_total(head);
	out->seen_ms = head->seen_ms;
	if (last)
		last_take(out, last);
}

static void row_written(struct head *head, int64_t until_ms)
{
	head->row_epoch = head->epoch;
	head->row_position = head->position;
	head->row_until_ms = until_ms;
	head->dirty = false;
}

void head_state_set(struct head *head, const struct head_state *state)
{
	int64_t until_ms = INT64_MIN;
	for (uint32_t i = 0; i < head->run.count; i++)
		if (head->run.reports[i].time_ms > until_ms)
			until_ms = head->run.reports[i].time_ms;
	head->sealed = *state;
	head->sealed.reports_total -= head->run.count;
	head->epoch = state->epoch;
	head->position = state->position;
	head->seen_ms = state->seen_ms;
	head->last_at = 0;
	head->last_ms = state->has_last ? state->last.time_ms : INT64_MIN;
	row_written(head, until_ms);
}

/* The latest of reports in order that was not ahead of its receipt: its index + 1, 0 when there is none. */
static uint32_t latest(const struct report *sorted, uint32_t count)
{
	while (count && sorted[count - 1].flags & REPORT_FLAG_FUTURE)
		count--;
	return count;
}

/* Fill `last_at` and `last_ms` of a head whose run is sorted. */
static void find_last(struct head *head)
{
	const struct head_run *run = &head->run;
	uint32_t last = latest(run->reports, run->count);
	if (last && head->sealed.has_last && report_compare(&run->reports[last - 1], &head->sealed.last) <= 0)
		last = 0;
	head->last_at = last & INT32_MAX;
	head->last_ms = head_last(head) ? head_last(head)->time_ms : INT64_MIN;
}

/* `count` reports in order leave the run. */
static void state_seal(struct head_state *state, const struct report *sorted, uint32_t count)
{
	uint32_t last = latest(sorted, count);
	for (uint32_t i = 0; i < count; i++)
		if (sorted[i].received_ms > state->seen_ms)
			state->seen_ms = sorted[i].received_ms;
	state->reports_total += count;
	if (last)
		last_take(state, &sorted[last - 1]);
}

/* --- cutting --- */

/* Future reports first, then the others; both stay sorted. A clock that runs ahead must not fill the window
 * that is kept for late reports, nor move `sealed_until_ms`. */
static uint32_t futures_first(struct head_run *run)
{
	uint32_t futures = 0;
	for (uint32_t i = 0; i < run->count; i++)
		futures += (run->reports[i].flags & REPORT_FLAG_FUTURE) != 0;
	if (!futures)
		return 0;
	struct report *ordered = malloc(run->count * sizeof *ordered);
	if (!ordered)
		return 0; /* they are then sealed as ordinary reports: correct, only less tidy */
	uint32_t at_future = 0, at_other = futures;
	for (uint32_t i = 0; i < run->count; i++) {
		bool future = run->reports[i].flags & REPORT_FLAG_FUTURE;
		ordered[future ? at_future++ : at_other++] = run->reports[i];
	}
	memcpy(run->reports, ordered, run->count * sizeof *ordered);
	free(ordered);
	return futures;
}

/* The reports [from, count) of `old` into `out`. What is left of a full head will be full again: it gets the room at
 * once, no more than `old` has. */
static enum status keep_rest(const struct head_run *old, uint32_t from, struct head_run *out, size_t *grown)
{
	*out = (struct head_run){0};
	if (from == old->count)
		return STATUS_OK;
	enum status status = reports_reserve(out, old->capacity, grown);
	if (!status && old->items_capacity)
		status = items_reserve(out, old->items_capacity, grown);
	for (uint32_t i = from; i < old->count && !status; i++) {
		struct report r = head_run_report(old, i);
		status = run_append(out, &r, grown);
	}
	if (status)
		run_deinit(out);
	return status;
}

/* Fill what the row beside this cut holds. The rest may stay out of it when the journal, or the row before, does not
 * count on it being there; see the top of head.h. */
static void plan_row(struct head *head, struct seal *seal)
{
	bool advanced = head->sealed.sealed_until_ms > seal->late_before_ms;
	bool bulk = head->position == head->row_position && head->epoch == head->row_epoch;
	if (bulk && advanced && head->row_until_ms < head->sealed.sealed_until_ms && head->run.count) {
		seal->row_from = seal->run.count;
		seal->state = head->sealed;
		seal->state.epoch = head->epoch;
		seal->state.position = head->position;
		head->row_until_ms = INT64_MIN;
		head->dirty = true;
		return;
	}
	seal->row_from = seal->sealed;
	head_state_of(head, &seal->state);
	row_written(head, head->run.count ? head->run.reports[head->run.count - 1].time_ms : INT64_MIN);
}

enum status head_cut(struct heads *h, struct head *head, bool everything, struct seal **out, uint64_t *duplicates,
		     size_t *freed)
{
	*out = NULL;
	*freed = 0;
	if (!head->run.count)
		return STATUS_OK;
	struct seal *seal = calloc(1, sizeof *seal);
	if (!seal)
		return STATUS_NO_MEMORY;
	pthread_mutex_lock(&h->lock);
	uint32_t merged = run_sort(&head->run), futures = futures_first(&head->run);
	uint32_t sealed = head->run.count;
	*duplicates += merged;
	head->sealed.reports_total += merged;
	find_last(head);
	if (!everything && sealed > futures + BLOCK_REPORTS_MAX)
		sealed = futures + BLOCK_REPORTS_MAX;
	struct head_run old = head->run, rest;
	size_t grown = 0;
	enum status status = keep_rest(&old, sealed, &rest, &grown);
	if (status) {
		pthread_mutex_unlock(&h->lock);
		free(seal);
		return status;
	}
	head->run = rest;
	seal->device = head->device;
	seal->run = old;
	seal->sealed = sealed;
	seal->late_before_ms = head->sealed.sealed_until_ms;
	seal->first_seq = head->sealed.next_seq;
	head->sealed.next_seq += sealed; /* no more blocks than reports */
	if (sealed > futures && old.reports[sealed - 1].time_ms > head->sealed.sealed_until_ms)
		head->sealed.sealed_until_ms = old.reports[sealed - 1].time_ms;
	state_seal(&head->sealed, old.reports, sealed);
	find_last(head);
	plan_row(head, seal);
	seal->next = head->sealing;
	head->sealing = seal;
	list_remove(h, head);
	if (head->run.count)
		list_append(h, head);
	pthread_mutex_unlock(&h->lock);
	*freed = run_bytes(&old) - grown;
	*out = seal;
	return STATUS_OK;
}

enum status head_snapshot(struct head *head, struct seal **out)
{
	struct seal *seal = calloc(1, sizeof *seal);
	if (!seal)
		return STATUS_NO_MEMORY;
	size_t grown = 0;
	for (uint32_t i = 0; i < head->run.count; i++) {
		struct report r = head_run_report(&head->run, i);
		enum status status = run_append(&seal->run, &r, &grown);
		if (status) {
			seal_free(seal);
			return status;
		}
	}
	run_sort(&seal->run);
	seal->device = head->device;
	head_state_of(head, &seal->state);
	row_written(head, seal->run.count ? seal->run.reports[seal->run.count - 1].time_ms : INT64_MIN);
	*out = seal;
	return STATUS_OK;
}

void seal_free(struct seal *seal)
{
	run_deinit(&seal->run);
	free(seal);
}

void head_sealed(struct heads *h, struct seal *seal)
{
	pthread_mutex_lock(&h->lock);
	struct head *head = heads_find(h, seal->device);
	struct seal **at = &head->sealing;
	while (*at && *at != seal)
		at = &(*at)->next;
	if (*at)
		*at = seal->next;
	pthread_mutex_unlock(&h->lock);
	seal_free(seal);
}

/* --- reading --- */

static enum status copy_run(const struct head_run *run, uint32_t count, int64_t from_ms, int64_t to_ms,
			    struct report_list *out)
{
	for (uint32_t i = 0; i < count; i++) {
		struct report r = head_run_report(run, i);
		if (r.time_ms < from_ms || r.time_ms > to_ms)
			continue;
		enum status status = report_list_push(out, &r);
		if (status)
			return status;
	}
	return STATUS_OK;
}

enum status head_copy(struct heads *h, uint64_t device, int64_t from_ms, int64_t to_ms, struct report_list *out,
		      struct head_stand *at)
{
	enum status status = STATUS_OK;
	*at = (struct head_stand){INT64_MAX, 0};
	pthread_mutex_lock(&h->lock);
	struct head *head = heads_find(h, device);
	if (head) {
		*at = (struct head_stand){head->sealed.sealed_until_ms, head_reports_total(head)};
		status = copy_run(&head->run, head->run.count, from_ms, to_ms, out);
		for (struct seal *s = head->sealing; s && !status; s = s->next)
			status = copy_run(&s->run, s->sealed, from_ms, to_ms, out);
	}
	pthread_mutex_unlock(&h->lock);
	if (!status)
		report_list_sort(out);
	return status;
}

uint32_t head_slice(const struct report *reports, uint32_t from, uint32_t to)
{
	int64_t first = reports[from].time_ms;
	int64_t end = store_month_end(first);
	bool odd = store_time_is_odd(first, reports[from].received_ms);
	if (first > INT64_MAX - BLOCK_SPAN_MAX_MS)
		return 1;
	uint32_t n = 1;
	while (from + n < to && n < BLOCK_REPORTS_MAX) {
		const struct report *r = &reports[from + n];
		if (r->time_ms >= end || r->time_ms < first || r->time_ms - first > BLOCK_SPAN_MAX_MS ||
		    store_time_is_odd(r->time_ms, r->received_ms) != odd)
			break;
		n++;
	}
	return n;
}

/* --- the row ---
 * version 1, little-endian: u8 version, u32 epoch, u64 position, i64 sealed_until, u64 reports_total,
 * i64 seen, u32 next_seq, u8 has_last, [last: fixed fields of struct report in order, 54 bytes],
 * then blocks, each with a u32 length before it. */

#define ROW_VERSION 1
#define LAST_BYTES 54

static void last_encode(const struct report *r, uint8_t out[LAST_BYTES])
{
	store_le64(out, (uint64_t)r->time_ms);
	store_le64(out + 8, (uint64_t)r->received_ms);
	store_le64(out + 16, r->hash);
	store_le32(out + 24, (uint32_t)r->lat_e7);
	store_le32(out + 28, (uint32_t)r->lon_e7);
	store_le32(out + 32, r->alarm);
	store_le32(out + 36, r->status);
	store_le32(out + 40, r->mileage_hm);
	store_le16(out + 44, r->speed_dkmh);
	store_le16(out + 46, r->course_deg);
	store_le16(out + 48, (uint16_t)r->altitude_m);
	store_le16(out + 50, r->flags);
	store_le16(out + 52, r->body);
}

static void last_decode(const uint8_t *in, struct report *out)
{
	memset(out, 0, sizeof *out);
	out->time_ms = (int64_t)load_le64(in);
	out->received_ms = (int64_t)load_le64(in + 8);
	out->hash = load_le64(in + 16);
	out->lat_e7 = (int32_t)load_le32(in + 24);
	out->lon_e7 = (int32_t)load_le32(in + 28);
	out->alarm = load_le32(in + 32);
	out->status = load_le32(in + 36);
	out->mileage_hm = load_le32(in + 40);
	out->speed_dkmh = load_le16(in + 44);
	out->course_deg = load_le16(in + 46);
	out->altitude_m = (int16_t)load_le16(in + 48);
	out->flags = load_le16(in + 50);
	out->body = load_le16(in + 52);
}

static enum status row_block(struct report *reports, uint32_t count, struct buf *out)
{
	size_t at = out->size;
	enum status status = buf_append(out, "\0\0\0\0", 4);
	if (!status)
		status = block_encode(reports, count, out);
	if (status)
		out->size = at;
	else
		store_le32(out->data + at, (uint32_t)(out->size - at - 4));
	return status;
}

enum status head_row_encode(const struct head_state *state, const struct head_run *run, uint32_t from, struct buf *out)
{
	uint8_t fixed[42], last[LAST_BYTES];
	fixed[0] = ROW_VERSION;
	store_le32(fixed + 1, state->epoch);
	store_le64(fixed + 5, state->position);
	store_le64(fixed + 13, (uint64_t)state->sealed_until_ms);
	store_le64(fixed + 21, state->reports_total);
	store_le64(fixed + 29, (uint64_t)state->seen_ms);
	store_le32(fixed + 37, state->next_seq);
	fixed[41] = state->has_last;
	enum status status = buf_append(out, fixed, sizeof fixed);
	if (!status && state->has_last) {
		last_encode(&state->last, last);
		status = buf_append(out, last, sizeof last);
	}
	struct report slice[BLOCK_REPORTS_MAX];
	for (uint32_t at = from; !status && at < run->count;) {
		uint32_t n = head_slice(run->reports, at, run->count);
		for (uint32_t i = 0; i < n; i++)
			slice[i] = head_run_report(run, at + i);
		status = row_block(slice, n, out);
		at += n;
	}
	return status;
}

enum status head_row_decode(struct span row, struct head_state *state, struct report_list *out)
{
	struct cursor c = cursor_of(row);
	memset(state, 0, sizeof *state);
	if (cursor_u8(&c) != ROW_VERSION)
		return c.failed ? STATUS_CORRUPT : STATUS_BAD_VERSION;
	state->epoch = cursor_le32(&c);
	state->position = cursor_le64(&c);
	state->sealed_until_ms = (int64_t)cursor_le64(&c);
	state->reports_total = cursor_le64(&c);
	state->seen_ms = (int64_t)cursor_le64(&c);
	state->next_seq = cursor_le32(&c);
	state->has_last = cursor_u8(&c);
	if (state->has_last) {
		struct span last = cursor_take(&c, LAST_BYTES);
		if (c.failed)
			return STATUS_CORRUPT;
		last_decode(last.data, &state->last);
	}
	while (!c.failed && cursor_left(&c)) {
		struct span block = cursor_take(&c, cursor_le32(&c));
		enum status status = c.failed ? STATUS_CORRUPT : block_reports(block, out);
		if (status)
			return status;
	}
	return c.failed ? STATUS_CORRUPT : STATUS_OK;
}
