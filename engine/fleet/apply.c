/* apply.c -- durable entries into heads and the store, sealing, checkpoints: the part of a shard that recovery
 * and bulk loading share with the live loop. No loop is needed here. */
#include <stdlib.h>
#include <string.h>

#include "engine/core/clock.h"
#include "engine/core/hash.h"
#include "engine/core/log.h"
#include "engine/fleet/cards.h"
#include "engine/fleet/fleet_internal.h"
#include "engine/fleet/streams_shard.h"

static void account(struct engine *e, size_t added, size_t removed)
{
	if (added)
		atomic_fetch_add_explicit(&e->head_bytes, added, memory_order_relaxed);
	if (removed)
		atomic_fetch_sub_explicit(&e->head_bytes, removed, memory_order_relaxed);
}

static size_t seal_bytes(const struct seal *seal)
{
	return sizeof *seal + seal->run.capacity * sizeof *seal->run.reports + seal->run.items_capacity;
}

static void want_fold(struct head *head, int64_t from_ms, int64_t until_ms)
{
	if (from_ms < head->fold_from_ms)
		head->fold_from_ms = from_ms;
	if (until_ms > head->fold_until_ms)
		head->fold_until_ms = until_ms;
}

/* Blocks of this cut that overlap earlier ones, or are so small that joining them pays. */
static void note_fold(struct head *head, const struct seal *seal)
{
	const struct report *r = seal->run.reports;
	for (uint32_t i = 0; i < seal->sealed; i++)
		if (r[i].time_ms <= seal->late_before_ms)
			want_fold(head, r[i].time_ms, r[i].time_ms);
	if (seal->sealed < BLOCK_REPORTS_MAX / 2 && seal->late_before_ms != INT64_MIN)
		want_fold(head, seal->late_before_ms, r[seal->sealed - 1].time_ms);
}

static enum status cut(struct shard *s, struct head *head, bool everything)
{
	struct seal *seal;
	uint64_t duplicates = 0;
	size_t freed;
	struct job *job = job_new(JOB_SEAL, 0); /* first: a seal without a job would never reach the store */
	if (!job)
		return STATUS_NO_MEMORY;
	enum status status = head_cut(&s->heads, head, everything, &seal, &duplicates, &freed);
	if (status || !seal) {
		free(job);
		return status;
	}
	account(s->engine, 0, freed);
	atomic_fetch_add_explicit(&s->counters.duplicates, duplicates, memory_order_relaxed);
	note_fold(head, seal);
	if (!s->engine->judge)
		judge_note(head, seal->run.reports[0].time_ms);
	seal->class_code = registry_class(s->engine->registry, head->device, seal->run.reports[0].time_ms);
	job->seal = seal;
	job->bytes += seal_bytes(seal);
	writer_push(s->writer, job);
	return STATUS_OK;
}

/* Past the memory bound the heads that have waited longest are sealed, small as they are. */
static enum status shed(struct shard *s)
{
	struct engine *e = s->engine;
	enum status status = STATUS_OK;
	while (!status && s->heads.oldest &&
	       atomic_load_explicit(&e->head_bytes, memory_order_relaxed) > e->options.head_bytes_max)
		status = cut(s, s->heads.all[s->heads.oldest - 1], true);
	return status;
}

enum status shard_apply_report(struct shard *s, uint64_t device, const struct report *r, uint64_t position)
{
	struct head *head = heads_need(&s->heads, device);
	if (!head)
		return STATUS_NO_MEMORY;
	if (position && position <= head->position && head->epoch == s->engine->epoch)
		return STATUS_OK; /* recovery: already in a block or in the row */
	size_t grown = 0;
	pthread_mutex_lock(&s->heads.lock);
	enum status status = head_append(&s->heads, head, r, &grown);
	if (!status && position) {
		head->position = position;
		head->epoch = s->engine->epoch;
	}
	pthread_mutex_unlock(&s->heads.lock);
	if (status)
		return status;
	account(s->engine, grown, 0);
	judge_report(s, head, r);
	if (head->run.count >= HEAD_REPORTS_MAX)
		status = cut(s, head, false);
	return status ? status : shed(s);
}

/* Up to `count` reports to the heads they belong to, under one lock; ends behind a head that is full. */
static enum status append_until_full(struct shard *s, struct head *const *heads, const struct report *reports,
				     size_t count, size_t *appended)
{
	size_t grown = 0, i = 0;
	enum status status = STATUS_OK;
	bool full = false;
	pthread_mutex_lock(&s->heads.lock);
	for (; i < count && !full && !status; i += !status) {
		status = head_append(&s->heads, heads[i], &reports[i], &grown);
		full = heads[i]->run.count >= HEAD_REPORTS_MAX;
	}
	pthread_mutex_unlock(&s->heads.lock);
	account(s->engine, grown, 0);
	*appended = i;
	return status;
}

enum status shard_apply_reports(struct shard *s, const uint64_t *devices, const struct report *reports, size_t count,
				size_t *applied)
{
	struct head *heads[BULK_BATCH];
	*applied = 0;
	enum status status = heads_need_many(&s->heads, devices, count, heads);
	for (size_t at = 0, n; !status && at < count; at += n) {
		status = append_until_full(s, heads + at, reports + at, count - at, &n);
		*applied += n;
		if (!status && heads[at + n - 1]->run.count >= HEAD_REPORTS_MAX)
			status = cut(s, heads[at + n - 1], false);
	}
	return status ? status : shed(s);
}

/* --- what is kept as it came --- */

/* value of a message row: version 1, message id u16, protocol u8, received i64, body */
static enum status apply_message(struct shard *s, const struct intake *in)
{
	struct job *job = job_new(JOB_MESSAGE, 12 + in->body.size);
	if (!job)
		return STATUS_NO_MEMORY;
	job->data[0] = 1;
	store_le16(job->data + 1, in->message_id);
	job->data[3] = in->protocol;
	store_le64(job->data + 4, (uint64_t)in->received_ms);
	memcpy(job->data + 12, in->body.data, in->body.size);
	job->device = in->device;
	job->class_code = registry_class(s->engine->registry, in->device, in->time_ms);
	job->odd = store_time_is_odd(in->time_ms, in->received_ms);
	job->time_ms = in->time_ms;
	/* the receipt is not part of the identity: a message sent twice is one message */
	job->position = hash64_seeded(in->body, in->message_id);
	writer_push(s->writer, job);
	atomic_fetch_add_explicit(&s->counters.messages, 1, memory_order_relaxed);
	return STATUS_OK;
}

/* Rows of lasting families whose key is a time and a hash.
 * quarantine: received u64 (biased) | hash -> version 1, device u64, message id u16, reason u8, raw
 * fragment:   device u64 | message id u16 | first serial u16 | total u16 | index u16 -> version 1, protocol u8,
 *             received i64, body */
enum status shard_push_row(struct shard *s, enum store_family family, struct span key, struct span head,
			   struct span body)
{
	struct job *job = job_new(JOB_ROWS, key.size + head.size + body.size);
	if (!job)
		return STATUS_NO_MEMORY;
	job->family = family;
	job->key_size = (uint32_t)key.size;
	memcpy(job->data, key.data, key.size);
	memcpy(job->data + key.size, head.data, head.size);
	if (body.size)
		memcpy(job->data + key.size + head.size, body.data, body.size);
	writer_push(s->writer, job);
	return STATUS_OK;
}

static enum status apply_quarantine(struct shard *s, const struct intake *in)
{
	uint8_t key[16], head[12];
	store_be64(key, (uint64_t)in->received_ms ^ UINT64_C(1) << 63);
	store_be64(key + 8, hash64_seeded(in->body, in->device));
	head[0] = 1;
	store_le64(head + 1, in->device);
	store_le16(head + 9, in->message_id);
	head[11] = (uint8_t)in->reason;
	atomic_fetch_add_explicit(&s->counters.quarantined, 1, memory_order_relaxed);
	return shard_push_row(s, STORE_QUARANTINE, span_of(key, sizeof key), span_of(head, sizeof head), in->body);
}

static enum status apply_fragment(struct shard *s, const struct intake *in)
{
	uint8_t key[16], head[10];
	store_be64(key, in->device);
	store_be16(key + 8, in->message_id);
	store_be16(key + 10, (uint16_t)(in->serial - (in->fragment_index - 1)));
	store_be16(key + 12, in->fragment_total);
	store_be16(key + 14, in->fragment_index);
	head[0] = 1;
	head[1] = in->protocol;
	store_le64(head + 2, (uint64_t)in->received_ms);
	atomic_fetch_add_explicit(&s->counters.fragments, 1, memory_order_relaxed);
	return shard_push_row(s, STORE_FRAGMENT, span_of(key, sizeof key), span_of(head, sizeof head), in->body);
}

/* Who drives, for the judge: a row that outlives the message, and where he is named. */
static enum status apply_card(struct shard *s, const struct intake *in)
{
	uint8_t key[CARD_KEY_SIZE], named[16], id[2];
	store_be16(id, in->message_id);
	card_key(in->device, in->time_ms, in->driver, key);
	enum status status = apply_message(s, in);
	if (!status && in->time_ms <= in->received_ms + FUTURE_SKEW_MAX_MS)
		status = shard_push_row(s, STORE_CONTEXT, span_of(key, sizeof key), span_of(id, sizeof id),
					(struct span){NULL, 0});
	if (status || !in->driver)
		return status;
	store_be64(named, in->device);
	store_be64(named + 8, (uint64_t)in->time_ms);
	card_driver_key(in->driver, key);
	return shard_push_row(s, STORE_CONTEXT, span_of(key, CARD_DRIVER_KEY_SIZE), span_of(named, sizeof named),
			      (struct span){NULL, 0});
}

static enum status apply_connection(struct shard *s, const struct intake *in)
{
	struct connection c;
	enum status status = connection_decode(in->device, in->body, &c);
	return status ? status : connections_apply(s, &c);
}

static void note_seen(struct shard *s, const struct intake *in, uint64_t position)
{
	struct head *head = in->device ? heads_need(&s->heads, in->device) : NULL;
	if (!head)
		return;
	pthread_mutex_lock(&s->heads.lock);
	head_seen(head, in->received_ms);
	if (position) {
		head->position = position;
		head->epoch = s->engine->epoch;
	}
	pthread_mutex_unlock(&s->heads.lock);
}

static void tell_card(struct shard *s, const struct intake *in)
{
	struct head *head = heads_find(&s->heads, in->device);
	if (head)
		judge_card(s, head, in->time_ms, in->driver, in->received_ms);
}

enum status shard_apply(struct shard *s, uint64_t position, const struct intake *in)
{
	enum status status = STATUS_INVALID;
	switch (in->kind) {
	case INTAKE_REPORT:
		status = shard_apply_report(s, in->device, in->report, position);
		if (!status)
			atomic_fetch_add_explicit(&s->counters.reports, 1, memory_order_relaxed);
		return status;
	case INTAKE_MESSAGE:
		status = apply_message(s, in);
		break;
	case INTAKE_CARD:
		status = apply_card(s, in);
		break;
	case INTAKE_QUARANTINE:
		return apply_quarantine(s, in);
	case INTAKE_VALUES:
		return shard_apply_values(s, position, in);
	case INTAKE_FRAGMENT:
		status = apply_fragment(s, in);
		break;
	case INTAKE_CONNECTION:
		return apply_connection(s, in);
	}
	if (!status)
		note_seen(s, in, position);
	if (!status && in->kind == INTAKE_CARD)
		tell_card(s, in);
	return status;
}

/* --- checkpoints --- */

static enum status push_row_of(struct shard *s, struct head *head, size_t *bytes)
{
	struct seal *seal;
	struct job *job = job_new(JOB_ROW, 0); /* first: a snapshot counts as written */
	if (!job)
		return STATUS_NO_MEMORY;
	enum status status = head_snapshot(head, &seal);
	if (status) {
		free(job);
		return status;
	}
	job->seal = seal;
	job->bytes += seal_bytes(seal);
	*bytes += job->bytes;
	writer_push(s->writer, job);
	return STATUS_OK;
}

static enum status push_fold(struct shard *s, struct head *head)
{
	struct job *job = job_new(JOB_FOLD, 0);
	if (!job)
		return STATUS_NO_MEMORY;
	job->device = head->device;
	job->time_ms = head->fold_from_ms;
	job->until_ms = head->fold_until_ms;
	head->fold_from_ms = INT64_MAX;
	head->fold_until_ms = INT64_MIN;
	writer_push(s->writer, job);
	return STATUS_OK;
}

enum status shard_checkpoint_step(struct shard *s, size_t bytes_max)
{
	size_t bytes = 0;
	enum status status = STATUS_OK;
	struct checkpoint *c = &s->checkpoint;
	for (; !status && bytes < bytes_max && c->next_head < s->heads.count; c->next_head++) {
		struct head *head = s->heads.all[c->next_head];
		if (head->dirty)
			status = push_row_of(s, head, &bytes);
		if (!status && head->fold_from_ms <= head->fold_until_ms)
			status = push_fold(s, head);
	}
	if (!status && c->next_head == s->heads.count)
		status = shard_values_rows(s, &c->next_value_head, &bytes, bytes_max);
	if (status || c->next_head < s->heads.count || c->next_value_head < s->values.count)
		return status;
	struct job *job = job_new(JOB_CHECKPOINT, 0);
	if (!job)
		return STATUS_NO_MEMORY;
	job->position = c->position;
	job->epoch = s->engine->epoch;
	writer_push(s->writer, job);
	c->running = false;
	c->taken = c->position;
	return STATUS_OK;
}

void shard_checkpoint_begin(struct shard *s, uint64_t applied)
{
	s->checkpoint.running = true;
	s->checkpoint.position = applied;
	s->checkpoint.next_head = s->checkpoint.next_value_head = 0;
}

enum status shard_checkpoint_now(struct shard *s)
{
	shard_checkpoint_begin(s, s->applied);
	return shard_checkpoint_step(s, SIZE_MAX);
}

enum status shard_settle(struct shard *s)
{
	enum status status = STATUS_OK;
	for (uint32_t i = 0; !status && i < s->heads.count; i++)
		if (s->heads.all[i]->run.count)
			status = cut(s, s->heads.all[i], true);
	if (!status)
		status = shard_values_settle(s);
	return status ? status : shard_checkpoint_now(s);
}
