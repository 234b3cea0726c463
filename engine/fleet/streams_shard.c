#include "engine/fleet/streams_shard.h"

#include <stdlib.h>

#include "engine/core/log.h"
#include "engine/fleet/fleet_internal.h"

/* values decoded ahead of being appended: their heads are on the way into the cache meanwhile */
#define AHEAD 256

static struct value_head touched_end; /* of the list of heads that an entry touched */

/* --- sealing --- */

static size_t seal_bytes(const struct value_seal *seal)
{
	return sizeof *seal + seal->run.capacity * sizeof *seal->run.values;
}

static void want_fold(struct value_head *head, int64_t from_ms, int64_t until_ms)
{
	if (from_ms < head->fold_from_ms)
		head->fold_from_ms = from_ms;
	if (until_ms > head->fold_until_ms)
		head->fold_until_ms = until_ms;
}

/* Blocks of this cut that overlap earlier ones, or are so small that joining them pays. */
static void note_fold(struct value_head *head, const struct value_seal *seal)
{
	const struct value *v = seal->run.values;
	for (uint32_t i = 0; i < seal->sealed && v[i].time_ms <= seal->late_before_ms; i++)
		want_fold(head, v[i].time_ms, v[i].time_ms);
	if (seal->sealed < VALUE_SEAL / 2 && seal->late_before_ms != INT64_MIN)
		want_fold(head, seal->late_before_ms, v[seal->sealed - 1].time_ms);
}

/* The class of a stream's site, looked up once a month. */
static uint8_t class_of(struct shard *s, struct value_head *head, int64_t time_ms)
{
	struct engine *e = s->engine;
	char site[DEVICE_VALUE_MAX + 1];
	if (!head->has_class || time_ms >= head->class_until_ms) {
		head->class_code = DEVICE_CLASS_SENSOR;
		if (!registry_value(streams_registry(e->streams), head->stream, DEVICE_FIELD_SITE, INT64_MAX, site)) {
			uint8_t said = registry_class(e->registry, site_id(span_of_string(site)), time_ms);
			head->class_code = said == DEVICE_CLASS_OTHER ? DEVICE_CLASS_SENSOR : said;
		}
		head->has_class = true;
		head->class_until_ms = store_month_end(time_ms);
	}
	return head->class_code;
}

static enum status cut(struct shard *s, struct value_head *head, bool everything)
{
	struct value_seal *seal;
	uint64_t duplicates = 0;
	struct job *job = job_new(JOB_VALUES, 0); /* first: a seal without a job would never reach the store */
	if (!job)
		return STATUS_NO_MEMORY;
	enum status status = value_head_cut(&s->values, head, everything, &seal, &duplicates);
	atomic_fetch_add_explicit(&s->counters.duplicates, duplicates, memory_order_relaxed);
	if (status || !seal) {
		free(job);
		return status;
	}
	note_fold(head, seal);
	seal->class_code = class_of(s, head, seal->run.values[0].time_ms);
	job->values = seal;
	job->bytes += seal_bytes(seal);
	writer_push(s->writer, job);
	return STATUS_OK;
}

/* Past half of what reports may take, heads are sealed one after the other, small as they are. */
static enum status shed(struct shard *s)
{
	struct value_heads *h = &s->values;
	size_t bound = s->engine->options.head_bytes_max / s->engine->shard_count / 2;
	enum status status = STATUS_OK;
	for (uint32_t tried = 0; !status && h->bytes > bound && tried < h->count; tried++) {
		h->next_shed = h->next_shed + 1 < h->count ? h->next_shed + 1 : 0;
		status = cut(s, h->all[h->next_shed], true);
	}
	return status;
}

enum status shard_values_settle(struct shard *s)
{
	enum status status = STATUS_OK;
	for (uint32_t i = 0; !status && i < s->values.count; i++)
		status = cut(s, s->values.all[i], true);
	return status;
}

/* --- applying --- */

/* Values of one stream, one behind the other: values[first, first + count). */
struct run {
	struct shard *shard;
	struct value_head *head;
	uint64_t stream;
	size_t first, count;
};

struct applying {
	struct engine *e;
	struct shard *shard; /* which counts */
	uint64_t position;
	int64_t received_ms;
	struct value_head *touched;
	struct run runs[AHEAD];
	size_t run_count;
	struct value values[AHEAD];
	size_t count;
};

static enum status append(struct applying *a, const struct run *r)
{
	struct value_head *head = r->head;
	if (a->position <= head->row_position && head->row_epoch == a->e->epoch)
		return STATUS_OK; /* recovery: in a block or in the row already */
	enum status status = value_head_append(&r->shard->values, head, a->values + r->first, r->count, a->received_ms);
	if (!status && !head->next_touched) {
		head->next_touched = a->touched;
		a->touched = head;
	}
	return status;
}

/* Streams of one shard, as they are but while another number of shards is taken up, share one taking of its lock. */
static enum status append_ahead(struct applying *a)
{
	enum status status = STATUS_OK;
	for (size_t i = 0; i < a->run_count; i++) {
		a->runs[i].head = value_heads_need(&a->runs[i].shard->values, a->runs[i].stream);
		if (!a->runs[i].head)
			return STATUS_NO_MEMORY;
		value_head_prefetch(a->runs[i].head);
	}
	for (size_t i = 0; i < a->run_count; i++)
		value_head_prefetch_run(a->runs[i].head);
	for (size_t i = 0; i < a->run_count && !status;) {
		struct shard *shard = a->runs[i].shard;
		pthread_mutex_lock(&shard->values.lock);
		for (; i < a->run_count && a->runs[i].shard == shard && !status; i++)
			status = append(a, &a->runs[i]);
		pthread_mutex_unlock(&shard->values.lock);
	}
	if (!status) {
		atomic_fetch_add_explicit(&a->shard->counters.values, a->count, memory_order_relaxed);
		a->count = a->run_count = 0;
	}
	return status;
}

static enum status take_text(struct applying *a, const struct value *v, struct span text)
{
	uint64_t hash;
	return v->type == VALUE_TEXT ? value_texts_add(streams_texts(a->e->streams), text, &hash) : STATUS_OK;
}

/* The value at `count` belongs to the last run, or begins one. */
static void put_run(struct applying *a, uint64_t stream)
{
	if (a->run_count && a->runs[a->run_count - 1].stream == stream) {
		a->runs[a->run_count - 1].count++;
		return;
	}
	struct shard *shard = engine_owner(a->e, stream);
	value_heads_prefetch(&shard->values, stream);
	a->runs[a->run_count++] = (struct run){shard, NULL, stream, a->count, 1};
}

static enum status append_all(struct applying *a, struct span body)
{
	struct values_cursor c;
	struct span text;
	enum status status = values_cursor_open(body, a->received_ms, &c);
	while (!status) {
		struct value *v = &a->values[a->count];
		uint64_t stream;
		status = values_cursor_next(&c, &stream, v, &text);
		if (status)
			break;
		status = take_text(a, v, text);
		if (status)
			break;
		put_run(a, stream);
		if (++a->count == AHEAD)
			status = append_ahead(a);
	}
	return status == STATUS_END ? append_ahead(a) : status;
}

/* The entry is in, when it is `whole`: positions rise, and what is full is cut. Otherwise it comes again. */
static enum status finish(struct applying *a, bool whole)
{
	enum status status = STATUS_OK;
	for (struct value_head *head = a->touched, *next; head != &touched_end; head = next) {
		struct shard *owner = engine_owner(a->e, head->stream);
		next = head->next_touched;
		head->next_touched = NULL;
		if (!whole)
			continue;
		if (a->position) {
			head->state.position = a->position;
			head->state.epoch = a->e->epoch;
		}
		if (!status && head->run.count >= HEAD_VALUES_MAX)
			status = cut(owner, head, false);
	}
	return status;
}

enum status shard_apply_values(struct shard *s, uint64_t position, const struct intake *in)
{
	struct applying a = {.e = s->engine,
			     .shard = s,
			     .position = position,
			     .received_ms = in->received_ms,
			     .touched = &touched_end};
	enum status status = append_all(&a, in->body);
	judge_values(s->engine->judge);
	enum status finished = finish(&a, !status);
	if (!status)
		status = finished;
	return status ? status : shed(s);
}

/* --- checkpoints --- */

static enum status push_row(struct shard *s, struct value_head *head, size_t *bytes)
{
	struct job *job = job_new(JOB_VALUES_ROW, 0);
	if (!job)
		return STATUS_NO_MEMORY;
	pthread_mutex_lock(&s->values.lock); /* the judge says what it has judged */
	enum status status = value_head_snapshot(head, &job->values);
	pthread_mutex_unlock(&s->values.lock);
	if (status) {
		free(job);
		return status;
	}
	job->bytes += seal_bytes(job->values);
	*bytes += job->bytes;
	writer_push(s->writer, job);
	return STATUS_OK;
}

/* Enough for a whole block. */
static void want_join(struct value_head *head)
{
	if (head->state.joinable < VALUE_BLOCK_MAX)
		return;
	want_fold(head, head->state.join_from_ms, head->state.sealed_until_ms);
	head->state.joinable = 0;
}

static enum status push_fold(struct shard *s, struct value_head *head)
{
	struct job *job = job_new(JOB_VALUES_FOLD, 0);
	if (!job)
		return STATUS_NO_MEMORY;
	job->device = head->stream;
	job->time_ms = head->fold_from_ms;
	job->until_ms = head->fold_until_ms;
	head->fold_from_ms = INT64_MAX;
	head->fold_until_ms = INT64_MIN;
	writer_push(s->writer, job);
	return STATUS_OK;
}

enum status shard_values_rows(struct shard *s, uint32_t *next, size_t *bytes, size_t bytes_max)
{
	enum status status = STATUS_OK;
	for (; !status && *bytes < bytes_max && *next < s->values.count; ++*next) {
		struct value_head *head = s->values.all[*next];
		want_join(head);
		if (head->dirty)
			status = push_row(s, head, bytes);
		if (!status && head->fold_from_ms <= head->fold_until_ms)
			status = push_fold(s, head);
	}
	return status;
}

/* --- opening --- */

enum status shard_values_load(struct engine *e, struct span key, struct span value, bool *unfinished)
{
	struct value_head_state state;
	struct value *values;
	uint32_t count;
	uint64_t stream = load_be64(key.data);
	enum status status = value_head_row_decode(value, streams_texts(e->streams), &state, &values, &count);
	if (status) {
		log_error("recover", "row of stream %016llx: %s", (unsigned long long)stream, status_text(status));
		return status;
	}
	struct value_heads *heads = &engine_owner(e, stream)->values;
	struct value_head *head = value_heads_need(heads, stream);
	if (state.epoch > e->epoch) {
		*unfinished = true;
		state.epoch = e->epoch;
		state.position = UINT64_MAX;
	}
	status = head ? STATUS_OK : STATUS_NO_MEMORY;
	if (count && !status)
		status = value_head_append(heads, head, values, count, INT64_MAX);
	free(values);
	if (status)
		return status;
	head->state = state;
	head->judge_from_ms = state.unjudged_ms;
	head->row_position = state.position;
	head->row_epoch = state.epoch;
	head->dirty = false;
	return STATUS_OK;
}
