#include "engine/fleet/writer.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "engine/core/clock.h"
#include "engine/core/crash.h"
#include "engine/core/log.h"
#include "engine/fleet/fold.h"
#include "engine/fleet/streams_store.h"
#include "engine/series/block.h"

/* bytes of blocks gathered into one commit: large enough that RocksDB's cost per batch vanishes */
#define COMMIT_BYTES (1u << 20)
#define RETRY_MS 100

struct writer {
	struct writer_options options;
	struct writer_stats stats;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t work, done;
	struct job *first, **last;
	uint64_t pushed, finished; /* jobs */
	bool closing;
	_Atomic size_t backlog;
	_Atomic int health; /* enum status of the commit being retried */
	struct store_batch *batch;
	struct buf block, row;
	uint32_t fold_seq; /* folds number their blocks apart from seals, which a head numbers from 0 */
};

struct job *job_new(enum job_kind kind, size_t data_size)
{
	struct job *job = calloc(1, sizeof *job + data_size);
	if (job) {
		job->kind = kind;
		job->bytes = sizeof *job + data_size;
		job->size = (uint32_t)data_size;
	}
	return job;
}

void checkpoint_key(uint32_t epoch, uint16_t shard, uint8_t out[CHECKPOINT_KEY_SIZE])
{
	memcpy(out, "cp", 2);
	store_be32(out + 2, epoch);
	store_be16(out + 6, shard);
}

/* --- one job into the batch --- */

static enum status put_block(struct writer *w, const struct seal *seal, const struct report *reports, uint32_t count,
			     uint32_t seq, bool late)
{
	struct block_summary summary;
	buf_clear(&w->block);
	enum status status = block_encode(reports, count, &w->block);
	if (!status)
		status = block_summarise(buf_view(&w->block), &summary);
	if (status)
		return status;
	struct store_block_id id = {seal->device, reports[0].time_ms, seq, seal->class_code,
				    store_time_is_odd(reports[0].time_ms, reports[0].received_ms)};
	status = store_batch_block(w->batch, &id, buf_view(&w->block), &summary);
	atomic_fetch_add(&w->stats.sealed_blocks, 1);
	atomic_fetch_add(&w->stats.sealed_reports, count);
	atomic_fetch_add(&w->stats.sealed_bytes, w->block.size);
	if (late)
		atomic_fetch_add(&w->stats.late_blocks, 1);
	return status;
}

/* End of the slice that begins at `at`: late reports and others never share a block, so that a few late ones
 * do not stretch an ordinary block over days. */
static uint32_t slice_end(const struct seal *seal, uint32_t at, bool *late)
{
	uint32_t end = at + head_slice(seal->run.reports, at, seal->sealed);
	*late = seal->run.reports[at].time_ms <= seal->late_before_ms;
	for (uint32_t i = at + 1; i < end; i++)
		if ((seal->run.reports[i].time_ms <= seal->late_before_ms) != *late)
			return i;
	return end;
}

static enum status put_row(struct writer *w, const struct seal *seal)
{
	uint8_t key[8];
	store_be64(key, seal->device);
	buf_clear(&w->row);
	enum status status = head_row_encode(&seal->state, &seal->run, seal->row_from, &w->row);
	if (!status)
		store_batch_put(w->batch, STORE_HEAD, span_of(key, sizeof key), buf_view(&w->row));
	return status;
}

/* The reports [at, end) with their items as pointers, copied to `room` only if they have any. */
static const struct report *slice_of(const struct head_run *run, uint32_t at, uint32_t end, struct report *room)
{
	if (!run->items_size)
		return run->reports + at;
	for (uint32_t i = at; i < end; i++)
		room[i - at] = head_run_report(run, i);
	return room;
}

static enum status put_seal(struct writer *w, const struct seal *seal)
{
	struct report room[BLOCK_REPORTS_MAX];
	uint32_t seq = seal->first_seq;
	for (uint32_t at = 0, end; at < seal->sealed; at = end) {
		bool late;
		end = slice_end(seal, at, &late);
		const struct report *reports = slice_of(&seal->run, at, end, room);
		enum status status = put_block(w, seal, reports, end - at, seq++, late);
		if (status)
			return status;
	}
	return put_row(w, seal);
}

static enum status put_values(struct writer *w, const struct value_seal *seal)
{
	struct values_written written = {0};
	enum status status = value_seal_put(w->batch, seal, w->options.texts, &w->block, &written);
	atomic_fetch_add(&w->stats.sealed_value_blocks, written.blocks);
	atomic_fetch_add(&w->stats.sealed_values, written.values);
	atomic_fetch_add(&w->stats.sealed_value_bytes, written.bytes);
	atomic_fetch_add(&w->stats.late_value_blocks, written.late_blocks);
	return status;
}

static enum status put_checkpoint(struct writer *w, const struct job *job)
{
	uint8_t key[CHECKPOINT_KEY_SIZE], value[8];
	checkpoint_key(job->epoch, w->options.shard, key);
	store_le64(value, job->position);
	store_batch_put(w->batch, STORE_META, span_of(key, sizeof key), span_of(value, sizeof value));
	return STATUS_OK;
}

static enum status put_job(struct writer *w, const struct job *job)
{
	switch (job->kind) {
	case JOB_SEAL:
		return put_seal(w, job->seal);
	case JOB_ROW:
		return put_row(w, job->seal);
	case JOB_MESSAGE:
		return store_batch_message(w->batch, job->device, job->class_code, job->odd, job->time_ms,
					   job->position, span_of(job->data, job->size));
	case JOB_ROWS:
		store_batch_put(w->batch, job->family, span_of(job->data, job->key_size),
				span_of(job->data + job->key_size, job->size - job->key_size));
		return STATUS_OK;
	case JOB_CHECKPOINT:
		return put_checkpoint(w, job);
	case JOB_VALUES:
	case JOB_VALUES_ROW:
		return put_values(w, job->values);
	case JOB_FOLD:
	case JOB_VALUES_FOLD:
		break;
	}
	return STATUS_OK;
}

/* --- after the commit --- */

static void fold(struct writer *w, const struct job *job)
{
	int64_t from = job->time_ms;
	for (;;) {
		int64_t again = INT64_MIN;
		enum status status =
			job->kind == JOB_FOLD
				? fold_device(w->options.store, job->device, from, job->until_ms, &w->fold_seq, &again)
				: values_fold(w->options.store, w->options.texts, job->device, from, job->until_ms,
					      &w->fold_seq, &again);
		if (status)
			log_warn("writer", "fold of %016llx: %s", (unsigned long long)job->device, status_text(status));
		if (status || again == INT64_MIN || again <= from)
			break;
		from = again;
	}
	atomic_fetch_add(&w->stats.folds, 1);
}

static void finish_job(struct writer *w, struct job *job)
{
	switch (job->kind) {
	case JOB_SEAL:
		head_sealed(w->options.heads, job->seal);
		break;
	case JOB_ROW:
		seal_free(job->seal);
		break;
	case JOB_FOLD:
	case JOB_VALUES_FOLD:
		fold(w, job);
		break;
	case JOB_VALUES:
		value_head_sealed(w->options.values, job->values);
		break;
	case JOB_VALUES_ROW:
		value_seal_free(job->values);
		break;
	case JOB_CHECKPOINT:
		crash_point("checkpoint");
		if (store_sync(w->options.store) == STATUS_OK) {
			atomic_fetch_add(&w->stats.checkpoints, 1);
			if (w->options.checkpointed)
				w->options.checkpointed(w->options.context, job->position);
		}
		break;
	case JOB_MESSAGE:
	case JOB_ROWS:
		break;
	}
	atomic_fetch_sub(&w->backlog, job->bytes);
	free(job);
}

/* Put jobs until the batch is large, or one must be alone behind a commit; returns the first not taken. */
static struct job *gather(struct writer *w, struct job *jobs, size_t *count, enum status *status)
{
	size_t bytes = 0;
	*count = 0;
	*status = STATUS_OK;
	while (jobs && bytes < COMMIT_BYTES) {
		*status = put_job(w, jobs);
		if (*status)
			return jobs;
		bytes += jobs->kind == JOB_SEAL ? w->block.size + w->row.size : jobs->bytes;
		++*count;
		enum job_kind kind = jobs->kind;
		jobs = jobs->next;
		if (kind == JOB_CHECKPOINT || kind == JOB_FOLD || kind == JOB_VALUES_FOLD)
			break;
	}
	return jobs;
}

/* A failing writer tells those who wait, and ends when it is asked to: the journal still holds what it could
 * not commit. */
static bool give_up(struct writer *w)
{
	pthread_mutex_lock(&w->lock);
	bool closing = w->closing;
	pthread_cond_broadcast(&w->done);
	pthread_mutex_unlock(&w->lock);
	return closing;
}

static void drop_jobs(struct writer *w, struct job *jobs)
{
	while (jobs) {
		struct job *next = jobs->next;
		if (jobs->kind == JOB_SEAL)
			head_sealed(w->options.heads, jobs->seal);
		else if (jobs->kind == JOB_ROW)
			seal_free(jobs->seal);
		else if (jobs->kind == JOB_VALUES)
			value_head_sealed(w->options.values, jobs->values);
		else if (jobs->kind == JOB_VALUES_ROW)
			value_seal_free(jobs->values);
		free(jobs);
		jobs = next;
	}
}

static void pause_before_retry(void)
{
	nanosleep(&(struct timespec){0, RETRY_MS * 1000000L}, NULL);
}

/* Commit `jobs` (a whole list) in as many batches as it takes. What cannot be put (a defect or memory) is
 * retried like a failed commit: nothing durable may be lost. */
static void run_jobs(struct writer *w, struct job *jobs)
{
	while (jobs) {
		size_t count;
		enum status status;
		struct job *rest = gather(w, jobs, &count, &status);
		crash_point("seal");
		if (!status)
			status = store_commit(w->options.store, w->batch, false);
		int before = atomic_exchange(&w->health, (int)status);
		if (status) {
			if (before != (int)status)
				log_error("writer", "shard %u: commit: %s; trying again", w->options.shard,
					  status_text(status));
			store_batch_clear(w->batch);
			if (give_up(w))
				break;
			pause_before_retry();
			continue;
		}
		crash_point("sealed");
		atomic_fetch_add(&w->stats.commits, 1);
		while (count--) {
			struct job *next = jobs->next;
			finish_job(w, jobs);
			jobs = next;
			pthread_mutex_lock(&w->lock);
			w->finished++;
			pthread_cond_broadcast(&w->done);
			pthread_mutex_unlock(&w->lock);
		}
		jobs = rest;
	}
	drop_jobs(w, jobs);
}

static void *writer_main(void *argument)
{
	struct writer *w = argument;
	pthread_mutex_lock(&w->lock);
	for (;;) {
		while (!w->first && !w->closing)
			pthread_cond_wait(&w->work, &w->lock);
		if (!w->first)
			break;
		struct job *jobs = w->first;
		w->first = NULL;
		w->last = &w->first;
		pthread_mutex_unlock(&w->lock);
		run_jobs(w, jobs);
		pthread_mutex_lock(&w->lock);
	}
	pthread_mutex_unlock(&w->lock);
	return NULL;
}

/* --- life --- */

enum status writer_open(const struct writer_options *options, struct writer **out)
{
	struct writer *w = calloc(1, sizeof *w);
	if (!w)
		return STATUS_NO_MEMORY;
	w->options = *options;
	w->last = &w->first;
	w->fold_seq = (uint32_t)clock_now_ms();
	w->block = buf_init(BLOCK_BYTES_MAX * 64u);
	w->row = buf_init(BLOCK_BYTES_MAX * 64u);
	pthread_mutex_init(&w->lock, NULL);
	pthread_cond_init(&w->work, NULL);
	pthread_cond_init(&w->done, NULL);
	enum status status = store_batch_new(options->store, &w->batch);
	if (!status && pthread_create(&w->thread, NULL, writer_main, w))
		status = STATUS_NO_MEMORY;
	if (status) {
		store_batch_free(w->batch);
		free(w);
		return status;
	}
	*out = w;
	return STATUS_OK;
}

void writer_close(struct writer *w)
{
	if (!w)
		return;
	pthread_mutex_lock(&w->lock);
	w->closing = true;
	pthread_cond_signal(&w->work);
	pthread_mutex_unlock(&w->lock);
	pthread_join(w->thread, NULL);
	store_batch_free(w->batch);
	buf_deinit(&w->block);
	buf_deinit(&w->row);
	pthread_cond_destroy(&w->work);
	pthread_cond_destroy(&w->done);
	pthread_mutex_destroy(&w->lock);
	free(w);
}

void writer_push(struct writer *w, struct job *job)
{
	atomic_fetch_add(&w->backlog, job->bytes);
	pthread_mutex_lock(&w->lock);
	*w->last = job;
	w->last = &job->next;
	w->pushed++;
	pthread_cond_signal(&w->work);
	pthread_mutex_unlock(&w->lock);
}

size_t writer_backlog(const struct writer *w)
{
	return atomic_load(&w->backlog);
}

enum status writer_wait(struct writer *w)
{
	pthread_mutex_lock(&w->lock);
	uint64_t until = w->pushed;
	while (w->finished < until && !atomic_load(&w->health))
		pthread_cond_wait(&w->done, &w->lock);
	enum status status = w->finished < until ? (enum status)atomic_load(&w->health) : STATUS_OK;
	pthread_mutex_unlock(&w->lock);
	return status;
}

const struct writer_stats *writer_stats(const struct writer *w)
{
	return &w->stats;
}
