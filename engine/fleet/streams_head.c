#include "engine/fleet/streams_head.h"

#include <stdlib.h>
#include <string.h>

#include "engine/fleet/judge_streams.h"
#include "engine/series/value_block.h"

#define HEADS_FIRST 64u
#define RUN_FIRST 8u
#define ROW_VERSION 3
#define ROW_VERSION_UNJUDGED 2 /* from then on the row says what is not judged yet */
#define ROW_VERSION_JOINABLE 3 /* and what is to be joined */
#define ROW_TAG 1
#define ROW_HEAD_SIZE 61

/* --- the table --- */

static uint32_t slot_of(const struct value_heads *h, uint64_t stream)
{
	return (uint32_t)(stream ^ stream >> 32) & h->slot_mask;
}

enum status value_heads_init(struct value_heads *h)
{
	memset(h, 0, sizeof *h);
	h->slots = calloc(HEADS_FIRST * 2, sizeof *h->slots);
	if (!h->slots)
		return STATUS_NO_MEMORY;
	h->slot_mask = HEADS_FIRST * 2 - 1;
	return pthread_mutex_init(&h->lock, NULL) ? STATUS_NO_MEMORY : STATUS_OK;
}

void value_heads_deinit(struct value_heads *h)
{
	if (!h->slots)
		return;
	for (uint32_t i = 0; i < h->count; i++) {
		for (struct value_seal *seal = h->all[i]->sealing, *next; seal; seal = next) {
			next = seal->next;
			value_seal_free(seal);
		}
		free(h->all[i]->run.values);
		stream_judged_free(h->all[i]->judged);
		free(h->all[i]);
	}
	free(h->all);
	free(h->slots);
	pthread_mutex_destroy(&h->lock);
}

struct value_head *value_heads_find(const struct value_heads *h, uint64_t stream)
{
	uint32_t slot = slot_of(h, stream);
	while (h->slots[slot].head && h->slots[slot].stream != stream)
		slot = (slot + 1) & h->slot_mask;
	return h->slots[slot].head;
}

void value_heads_prefetch(const struct value_heads *h, uint64_t stream)
{
	__builtin_prefetch(&h->slots[slot_of(h, stream)]);
}

static void slot_put(struct value_heads *h, struct value_head *head)
{
	uint32_t slot = slot_of(h, head->stream);
	while (h->slots[slot].head)
		slot = (slot + 1) & h->slot_mask;
	h->slots[slot] = (struct value_head_slot){head->stream, head};
}

static enum status grow_table(struct value_heads *h)
{
	uint32_t capacity = h->capacity ? h->capacity * 2 : HEADS_FIRST;
	struct value_head **all = realloc(h->all, capacity * sizeof(struct value_head *));
	if (!all)
		return STATUS_NO_MEMORY;
	h->all = all;
	struct value_head_slot *slots = calloc((size_t)capacity * 2, sizeof *slots);
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

static struct value_head *head_new(uint64_t stream)
{
	struct value_head *head = aligned_alloc(_Alignof(struct value_head), sizeof *head);
	if (!head)
		return NULL;
	memset(head, 0, sizeof *head);
	head->stream = stream;
	head->state.sealed_until_ms = head->state.seen_ms = INT64_MIN;
	head->state.unjudged_ms = head->judge_from_ms = head->fold_from_ms = INT64_MAX;
	head->fold_until_ms = INT64_MIN;
	return head;
}

struct value_head *value_heads_need(struct value_heads *h, uint64_t stream)
{
	struct value_head *head = value_heads_find(h, stream);
	if (head)
		return head;
	head = head_new(stream);
	if (!head)
		return NULL;
	pthread_mutex_lock(&h->lock);
	if (h->count == h->capacity && grow_table(h)) {
		pthread_mutex_unlock(&h->lock);
		free(head);
		return NULL;
	}
	h->all[h->count++] = head;
	slot_put(h, head);
	pthread_mutex_unlock(&h->lock);
	return head;
}

/* --- taking in --- */

static enum status grow_run(struct value_heads *h, struct value_run *run, size_t count)
{
	uint32_t capacity = run->capacity ? run->capacity * 2 : RUN_FIRST;
	while (capacity < run->count + count)
		capacity *= 2;
	if (run->count + count <= HEAD_VALUES_MAX && capacity > HEAD_VALUES_MAX)
		capacity = HEAD_VALUES_MAX;
	struct value *values = realloc(run->values, capacity * sizeof *values);
	if (!values)
		return STATUS_NO_MEMORY;
	h->bytes += (capacity - run->capacity) * sizeof *values;
	run->values = values;
	run->capacity = capacity;
	return STATUS_OK;
}

static bool is_ahead(const struct value *v, int64_t received_ms)
{
	return v->time_ms > received_ms && v->time_ms - FUTURE_SKEW_MAX_MS > received_ms;
}

enum status value_head_append(struct value_heads *h, struct value_head *head, const struct value *values, size_t count,
			      int64_t received_ms)
{
	struct value_run *run = &head->run;
	if (run->capacity - run->count < count && grow_run(h, run, count))
		return STATUS_NO_MEMORY;
	memcpy(run->values + run->count, values, count * sizeof *values);
	run->count += (uint32_t)count;
	struct value_head_state *s = &head->state;
	s->total += count;
	if (received_ms > s->seen_ms)
		s->seen_ms = received_ms;
	const struct value *last = s->has_last ? &s->last : NULL;
	int64_t least_ms = values[0].time_ms;
	for (const struct value *v = values; v < values + count; v++) {
		if (v->time_ms < least_ms)
			least_ms = v->time_ms;
		if ((!last || v->time_ms > last->time_ms || value_order(last, v) < 0) && !is_ahead(v, received_ms))
			last = v;
	}
	if (last && last != &s->last) {
		s->has_last = true;
		s->last = *last;
	}
	head->dirty = true;
	if (least_ms < s->unjudged_ms)
		s->unjudged_ms = least_ms;
	value_head_note(h, head, least_ms);
	return STATUS_OK;
}

void value_head_note(struct value_heads *h, struct value_head *head, int64_t from_ms)
{
	if (from_ms < head->judge_from_ms)
		head->judge_from_ms = from_ms;
	if (head->noted)
		return;
	head->noted = true;
	head->next_noted = h->noted;
	h->noted = head;
}

void value_head_judged(struct value_head *head)
{
	head->state.unjudged_ms = head->judge_from_ms;
}

/* --- cutting --- */

void value_seal_free(struct value_seal *seal)
{
	if (seal)
		free(seal->run.values);
	free(seal);
}

bool value_is_odd(const struct value *v)
{
	int64_t received_ms;
	if (!v->delay_min || __builtin_add_overflow(v->time_ms, (int64_t)v->delay_min * 60000, &received_ms))
		received_ms = RECEIVED_UNKNOWN;
	return store_time_is_odd(v->time_ms, received_ms);
}

uint32_t value_slice(const struct value *values, uint32_t from, uint32_t to)
{
	const struct value *first = &values[from];
	bool odd = value_is_odd(first);
	int64_t month_end = odd ? INT64_MAX : store_month_end(first->time_ms);
	uint32_t n = 1;
	while (from + n < to && n < VALUE_BLOCK_MAX) {
		const struct value *v = &values[from + n];
		if (v->time_ms >= month_end ||
		    (uint64_t)v->time_ms - (uint64_t)first->time_ms > (uint64_t)VALUE_SPAN_MAX_MS ||
		    value_is_odd(v) != odd)
			break;
		n++;
	}
	return n;
}

static uint32_t count_slices(const struct value *values, uint32_t count)
{
	uint32_t n = 0;
	for (uint32_t at = 0; at < count; at += value_slice(values, at, count))
		n++;
	return n;
}

/* The head keeps a copy of what stays; the seal has all, so that its row is written from it. */
static enum status keep_rest(struct value_heads *h, struct value_head *head, uint32_t sealed)
{
	uint32_t rest = head->run.count - sealed;
	struct value_run kept = {NULL, rest, rest};
	if (rest) {
		kept.values = malloc(rest * sizeof *kept.values);
		if (!kept.values)
			return STATUS_NO_MEMORY;
		memcpy(kept.values, head->run.values + sealed, rest * sizeof *kept.values);
	}
	h->bytes += rest * sizeof *kept.values;
	h->bytes -= head->run.capacity * sizeof *kept.values;
	head->run = kept;
	return STATUS_OK;
}

/* Seals are smaller than blocks can be: what came in order waits for enough to make one. */
static void note_joinable(struct value_head *head, const struct value_seal *seal)
{
	struct value_head_state *s = &head->state;
	int64_t first_ms = seal->run.values[0].time_ms;
	if (first_ms <= seal->late_before_ms || seal->sealed >= VALUE_BLOCK_MAX) {
		s->joinable = 0;
		return;
	}
	if (!s->joinable)
		s->join_from_ms = first_ms;
	s->joinable += seal->sealed;
}

enum status value_head_cut(struct value_heads *h, struct value_head *head, bool everything, struct value_seal **out,
			   uint64_t *duplicates)
{
	*out = NULL;
	if (!head->run.count)
		return STATUS_OK;
	struct value_seal *seal = calloc(1, sizeof *seal);
	if (!seal)
		return STATUS_NO_MEMORY;
	pthread_mutex_lock(&h->lock);
	uint32_t count = (uint32_t)values_normalise(head->run.values, head->run.count);
	*duplicates += head->run.count - count;
	head->run.count = count;
	uint32_t window = HEAD_VALUES_MAX - VALUE_SEAL;
	uint32_t sealed = everything ? count : count > window ? (count - window) / VALUE_SEAL * VALUE_SEAL : 0;
	struct value_run all = head->run;
	if (!sealed || keep_rest(h, head, sealed)) {
		enum status status = sealed ? STATUS_NO_MEMORY : STATUS_OK;
		pthread_mutex_unlock(&h->lock);
		free(seal);
		return status;
	}
	seal->stream = head->stream;
	seal->run = all;
	seal->sealed = sealed;
	seal->first_seq = head->state.next_seq;
	seal->late_before_ms = head->state.sealed_until_ms;
	/* a late value may split a slice: at most one piece more each way */
	head->state.next_seq += 2 * count_slices(all.values, sealed) + 1;
	if (all.values[sealed - 1].time_ms > head->state.sealed_until_ms)
		head->state.sealed_until_ms = all.values[sealed - 1].time_ms;
	note_joinable(head, seal);
	seal->state = head->state;
	seal->next = head->sealing;
	head->sealing = seal;
	head->dirty = false;
	pthread_mutex_unlock(&h->lock);
	*out = seal;
	return STATUS_OK;
}

enum status value_head_snapshot(struct value_head *head, struct value_seal **out)
{
	struct value_seal *seal = calloc(1, sizeof *seal);
	size_t bytes = head->run.count * sizeof *head->run.values;
	if (!seal)
		return STATUS_NO_MEMORY;
	if (bytes) {
		seal->run.values = malloc(bytes);
		if (!seal->run.values) {
			free(seal);
			return STATUS_NO_MEMORY;
		}
		memcpy(seal->run.values, head->run.values, bytes);
	}
	seal->stream = head->stream;
	seal->run.count = seal->run.capacity = head->run.count;
	seal->state = head->state;
	head->dirty = false;
	*out = seal;
	return STATUS_OK;
}

void value_head_sealed(struct value_heads *h, struct value_seal *seal)
{
	pthread_mutex_lock(&h->lock);
	struct value_head *head = value_heads_find(h, seal->stream);
	struct value_seal **at = &head->sealing;
	while (*at != seal)
		at = &(*at)->next;
	*at = seal->next;
	pthread_mutex_unlock(&h->lock);
	value_seal_free(seal);
}

/* --- reading --- */

static void copy_within(const struct value *values, uint32_t count, int64_t from_ms, int64_t to_ms, struct value *out,
			size_t *at)
{
	for (uint32_t i = 0; i < count; i++)
		if (values[i].time_ms >= from_ms && values[i].time_ms <= to_ms)
			out[(*at)++] = values[i];
}

enum status value_head_copy(struct value_heads *h, uint64_t stream, int64_t from_ms, int64_t to_ms, struct value **out,
			    size_t *out_count, bool *whole)
{
	size_t room = 0, count = 0;
	enum status status = STATUS_OK;
	*out = NULL;
	*out_count = 0;
	pthread_mutex_lock(&h->lock);
	const struct value_head *head = value_heads_find(h, stream);
	*whole = head && from_ms > head->state.sealed_until_ms;
	if (head) {
		room = head->run.count;
		for (const struct value_seal *seal = head->sealing; seal; seal = seal->next)
			room += seal->sealed;
	}
	if (room && !(*out = malloc(room * sizeof **out)))
		status = STATUS_NO_MEMORY;
	if (room && !status) {
		copy_within(head->run.values, head->run.count, from_ms, to_ms, *out, &count);
		for (const struct value_seal *seal = head->sealing; seal; seal = seal->next)
			copy_within(seal->run.values, seal->sealed, from_ms, to_ms, *out, &count);
	}
	pthread_mutex_unlock(&h->lock);
	if (count)
		*out_count = values_normalise(*out, count);
	return status;
}

/* --- the row --- */

void value_head_key(uint64_t stream, uint8_t out[VALUE_HEAD_KEY_SIZE])
{
	store_be64(out, stream);
	out[8] = ROW_TAG;
}

static enum status put_block(const struct value *values, uint32_t count, const struct value_texts *texts,
			     struct buf *out)
{
	size_t at = out->size;
	enum status status = buf_append_be32(out, 0);
	if (!status && count)
		status = value_block_encode(values, count, texts, out);
	if (!status)
		store_le32(out->data + at, (uint32_t)(out->size - at - 4));
	return status;
}

enum status value_head_row_encode(const struct value_head_state *state, const struct value *values, uint32_t count,
				  const struct value_texts *texts, struct buf *out)
{
	uint8_t head[ROW_HEAD_SIZE] = {ROW_VERSION};
	store_le32(head + 1, state->epoch);
	store_le64(head + 5, state->position);
	store_le64(head + 13, (uint64_t)state->sealed_until_ms);
	store_le64(head + 21, state->total);
	store_le64(head + 29, (uint64_t)state->seen_ms);
	store_le32(head + 37, state->next_seq);
	store_le64(head + 41, (uint64_t)state->unjudged_ms);
	store_le32(head + 49, state->joinable);
	store_le64(head + 53, (uint64_t)state->join_from_ms);
	enum status status = buf_append(out, head, sizeof head);
	if (!status)
		status = put_block(&state->last, state->has_last, texts, out);
	if (status || !count)
		return status;
	struct value *ordered = malloc(count * sizeof *ordered);
	if (!ordered)
		return STATUS_NO_MEMORY;
	memcpy(ordered, values, count * sizeof *ordered);
	count = (uint32_t)values_normalise(ordered, count);
	for (uint32_t at = 0, n; at < count && !status; at += n) {
		n = value_slice(ordered, at, count);
		status = put_block(ordered + at, n, texts, out);
	}
	free(ordered);
	return status;
}

static enum status take_block(struct cursor *c, struct value_texts *texts, struct value *out, size_t *count)
{
	struct span block = cursor_take(c, cursor_le32(c));
	*count = 0;
	if (c->failed)
		return STATUS_CORRUPT;
	return block.size ? value_block_decode(block, texts, out, count) : STATUS_OK;
}

enum status value_head_row_decode(struct span row, struct value_texts *texts, struct value_head_state *state,
				  struct value **values, uint32_t *count)
{
	struct cursor c = cursor_of(row);
	struct value block[VALUE_BLOCK_MAX];
	size_t n;
	*values = NULL;
	*count = 0;
	*state = (struct value_head_state){0};
	unsigned version = cursor_u8(&c);
	if (!version || version > ROW_VERSION)
		return c.failed ? STATUS_CORRUPT : STATUS_BAD_VERSION;
	state->epoch = cursor_le32(&c);
	state->position = cursor_le64(&c);
	state->sealed_until_ms = (int64_t)cursor_le64(&c);
	state->total = cursor_le64(&c);
	state->seen_ms = (int64_t)cursor_le64(&c);
	state->next_seq = cursor_le32(&c);
	state->unjudged_ms = version < ROW_VERSION_UNJUDGED ? INT64_MIN : (int64_t)cursor_le64(&c);
	if (version >= ROW_VERSION_JOINABLE) {
		state->joinable = cursor_le32(&c);
		state->join_from_ms = (int64_t)cursor_le64(&c);
	}
	enum status status = take_block(&c, texts, block, &n);
	if (status || n > 1)
		return status ? status : STATUS_CORRUPT;
	state->has_last = n;
	if (n)
		state->last = block[0];
	while (!status && cursor_left(&c)) {
		status = take_block(&c, texts, block, &n);
		struct value *grown = status ? NULL : realloc(*values, (*count + n + 1) * sizeof *grown);
		if (!grown) {
			status = status ? status : STATUS_NO_MEMORY;
			break;
		}
		memcpy(grown + *count, block, n * sizeof *grown);
		*values = grown;
		*count += (uint32_t)n;
	}
	if (status) {
		free(*values);
		*values = NULL;
		*count = 0;
	}
	return status;
}
