#include "engine/fleet/engine.h"

#include <stdlib.h>
#include <string.h>

#include "engine/core/log.h"
#include "engine/fleet/collisions.h"
#include "engine/fleet/day_chain.h"
#include "engine/fleet/fleet_internal.h"
#include "engine/fleet/vehicle.h"

struct engine_options engine_options_default(const char *dir)
{
	return (struct engine_options){
		.dir = dir,
		.create = true,
		.shards = 1,
		.durability = JOURNAL_SYNC,
		.durability_interval_ms = 1000,
		.gather_us = 1000,
		.head_bytes_max = (size_t)2 << 30,
		.journal_bytes_max = (size_t)1 << 30,
		.checkpoint_ms = 300000,
		.cache_bytes = (size_t)64 << 20,
	};
}

/* --- opening and closing --- */

static size_t sources_of_vehicle(void *registry, uint64_t device, int64_t at_ms, uint64_t *out, size_t max)
{
	return vehicle_sources(registry, device, at_ms, out, max);
}

static enum status open_store(struct engine *e)
{
	struct store_options options = {
		.dir = e->options.dir,
		.create = e->options.create,
		.read_only = e->options.read_only,
		.cache_bytes = e->options.cache_bytes,
	};
	enum status status = store_open(&options, &e->store);
	if (!status)
		status = registry_open(e->store, &e->registry);
	if (!status)
		status = streams_open(e->store, e->registry, &e->streams);
	if (!status)
		status = context_open(e->store, e->registry, &e->context);
	if (!status)
		status = findings_open(e->store, &e->findings);
	if (!status)
		status = commands_open(e->store, e->registry, e->context, e->findings, &e->commands);
	if (!status)
		findings_on_sources(e->findings, sources_of_vehicle, e->registry);
	if (!status && !e->options.read_only)
		status = sign_key_open(e->options.dir, true, &e->sign_key);
	return status || e->options.read_only ? status : days_open(e->store);
}

static enum status open_shards(struct engine *e)
{
	e->shards = calloc(e->options.shards, sizeof *e->shards);
	if (!e->shards)
		return STATUS_NO_MEMORY;
	for (unsigned i = 0; i < e->options.shards; i++) {
		enum status status = shard_init(&e->shards[i], e, i);
		e->shard_count = i + 1;
		if (status)
			return status;
	}
	return STATUS_OK;
}

static void release(struct engine *e)
{
	for (unsigned i = 0; i < e->shard_count; i++)
		shard_deinit(&e->shards[i]);
	free(e->shards);
	collisions_close(e->collisions);
	sign_key_free(e->sign_key);
	commands_close(e->commands);
	findings_close(e->findings);
	context_close(e->context);
	streams_close(e->streams);
	registry_close(e->registry);
	store_close(e->store);
	free((char *)e->options.dir);
	free(e);
}

enum status engine_open(const struct engine_options *options, struct engine **out)
{
	if (options->shards < 1 || options->shards > SHARDS_MAX)
		return STATUS_INVALID;
	struct engine *e = calloc(1, sizeof *e);
	if (!e)
		return STATUS_NO_MEMORY;
	e->options = *options;
	e->options.dir = strdup(options->dir);
	if (options->read_only)
		e->options.shards = 1;
	enum status status = e->options.dir ? open_store(e) : STATUS_NO_MEMORY;
	if (!status)
		status = open_shards(e);
	if (!status)
		status = collisions_open(e, &e->collisions);
	if (!status)
		status = options->read_only ? engine_recover_read_only(e) : engine_recover(e);
	if (status) {
		release(e);
		return status;
	}
	*out = e;
	return STATUS_OK;
}

void engine_set_callbacks(struct engine *e, const struct engine_callbacks *callbacks)
{
	e->options.callbacks = *callbacks;
}

enum status engine_start(struct engine *e)
{
	if (e->started || e->options.read_only)
		return STATUS_INVALID;
	enum status judging = judge_open(e, &e->judge);
	if (!judging)
		judging = judge_start(e->judge);
	if (!judging)
		judging = commands_start(e->commands, &e->options.commands);
	if (judging)
		return judging;
	e->started = true;
	for (unsigned i = 0; i < e->shard_count; i++) {
		enum status status = shard_start_thread(&e->shards[i]);
		if (status) {
			engine_stop(e);
			return status;
		}
	}
	return STATUS_OK;
}

void engine_stop(struct engine *e)
{
	if (!e->started)
		return;
	for (unsigned i = 0; i < e->shard_count; i++)
		shard_ask_to_stop(&e->shards[i]);
	for (unsigned i = 0; i < e->shard_count; i++)
		shard_join(&e->shards[i]);
	judge_close(e->judge);
	commands_stop(e->commands);
	e->judge = NULL;
	e->started = false;
}

static enum status checkpoint_all(struct engine *e)
{
	enum status status = judge_keep_marks(e);
	for (unsigned i = 0; !status && i < e->shard_count; i++)
		status = shard_checkpoint_now(&e->shards[i]);
	for (unsigned i = 0; !status && i < e->shard_count; i++)
		status = writer_wait(e->shards[i].writer);
	for (unsigned i = 0; !status && i < e->shard_count; i++)
		if (e->shards[i].journal)
			status = journal_trim(e->shards[i].journal, e->shards[i].applied + 1);
	return status;
}

void engine_close(struct engine *e)
{
	if (!e)
		return;
	engine_stop(e);
	if (!e->options.read_only) {
		enum status status = checkpoint_all(e);
		if (status)
			log_warn("engine", "closing without a checkpoint: %s; the journal has everything",
				 status_text(status));
	}
	release(e);
}

struct store *engine_store(struct engine *e)
{
	return e->store;
}

struct registry *engine_registry(struct engine *e)
{
	return e->registry;
}

struct streams *engine_streams(struct engine *e)
{
	return e->streams;
}

struct context *engine_context(struct engine *e)
{
	return e->context;
}

struct findings *engine_findings(struct engine *e)
{
	return e->findings;
}

struct collisions *engine_collisions(struct engine *e)
{
	return e->collisions;
}

struct commands *engine_commands(struct engine *e)
{
	return e->commands;
}

unsigned engine_shards(const struct engine *e)
{
	return e->shard_count;
}

struct shard *engine_shard(struct engine *e, unsigned index)
{
	return index < e->shard_count ? &e->shards[index] : NULL;
}

/* --- looking after --- */

struct settle_call {
	struct shard *shard;
	pthread_mutex_t *lock;
	pthread_cond_t *done;
	unsigned *left;
	enum status status;
};

static void settle_on_loop(void *context)
{
	struct settle_call *call = context;
	enum status status = shard_settle(call->shard);
	pthread_mutex_lock(call->lock);
	call->status = status;
	--*call->left;
	pthread_cond_signal(call->done);
	pthread_mutex_unlock(call->lock);
}

static enum status settle_running(struct engine *e)
{
	struct settle_call calls[SHARDS_MAX];
	pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
	pthread_cond_t done = PTHREAD_COND_INITIALIZER;
	unsigned left = 0;
	enum status status = STATUS_OK;
	for (unsigned i = 0; i < e->shard_count; i++) {
		calls[i] = (struct settle_call){&e->shards[i], &lock, &done, &left, STATUS_OK};
		pthread_mutex_lock(&lock);
		left++;
		pthread_mutex_unlock(&lock);
		enum status posted = shard_post(&e->shards[i], settle_on_loop, &calls[i]);
		if (posted) {
			pthread_mutex_lock(&lock);
			left--;
			pthread_mutex_unlock(&lock);
			status = posted;
		}
	}
	pthread_mutex_lock(&lock);
	while (left)
		pthread_cond_wait(&done, &lock);
	pthread_mutex_unlock(&lock);
	for (unsigned i = 0; i < e->shard_count && !status; i++)
		status = calls[i].status;
	return status;
}

static enum status settle_idle(struct engine *e)
{
	enum status status = STATUS_OK;
	for (unsigned i = 0; i < e->shard_count && !status; i++)
		status = shard_settle(&e->shards[i]);
	return status;
}

enum status engine_settle(struct engine *e)
{
	/* twice: the folds asked for by the first round are done before the second one's checkpoint */
	enum status status = STATUS_OK;
	for (int round = 0; round < 2 && !status; round++) {
		status = e->started ? settle_running(e) : settle_idle(e);
		for (unsigned i = 0; i < e->shard_count && !status; i++)
			status = writer_wait(e->shards[i].writer);
	}
	if (!status && !e->started)
		status = checkpoint_all(e);
	return status ? status : store_settle(e->store);
}

static void add_journal(const struct shard *s, struct engine_stats *out)
{
	struct journal_stats j;
	if (!s->journal)
		return;
	journal_stats(s->journal, &j);
	out->journal_bytes += j.bytes_on_disk;
	out->journal_syncs += j.syncs;
	out->journal_batches += j.batches;
	out->journal_pending_bytes += j.pending_bytes;
}

static void add_latency(const struct shard *s, struct engine_stats *out)
{
	int64_t p50 = (int64_t)histogram_quantile(&s->commit_us, 0.5);
	int64_t p99 = (int64_t)histogram_quantile(&s->commit_us, 0.99);
	int64_t max = (int64_t)atomic_load_explicit(&s->commit_us.max, memory_order_relaxed);
	out->commit_p50_us = p50 > out->commit_p50_us ? p50 : out->commit_p50_us;
	out->commit_p99_us = p99 > out->commit_p99_us ? p99 : out->commit_p99_us;
	out->commit_max_us = max > out->commit_max_us ? max : out->commit_max_us;
}

/* heads counted under one hold of a lock */
#define BITE 1024u

static void add_heads(struct shard *s, struct engine_stats *out)
{
	for (uint32_t at = 0, end = 1; at < end; at += BITE) {
		pthread_mutex_lock(&s->heads.lock);
		end = s->heads.count;
		for (uint32_t i = at; i < end && i < at + BITE; i++)
			out->head_reports += s->heads.all[i]->run.count;
		pthread_mutex_unlock(&s->heads.lock);
		if (at + BITE >= end)
			out->devices_active += end;
	}
}

#define GET(counter) atomic_load_explicit(&(counter), memory_order_relaxed)

void engine_stats(struct engine *e, struct engine_stats *out)
{
	memset(out, 0, sizeof *out);
	out->head_bytes = GET(e->head_bytes);
	out->registry_bytes = registry_memory(e->registry);
	out->judge_runs = judge_runs(e->judge);
	out->judge_backlog_bytes = judge_backlog(e->judge);
	for (unsigned i = 0; i < e->shard_count; i++) {
		struct shard *s = &e->shards[i];
		const struct writer_stats *w = writer_stats(s->writer);
		out->submitted += GET(s->counters.submitted);
		out->durable += GET(s->counters.durable);
		out->reports += GET(s->counters.reports);
		out->duplicates_in_head += GET(s->counters.duplicates);
		out->messages += GET(s->counters.messages);
		out->quarantined += GET(s->counters.quarantined);
		out->fragments += GET(s->counters.fragments);
		out->busy_refusals += GET(s->counters.busy);
		out->trims += GET(s->counters.trims);
		out->values += GET(s->counters.values);
		out->sealed_value_blocks += GET(w->sealed_value_blocks);
		out->sealed_values += GET(w->sealed_values);
		out->sealed_value_bytes += GET(w->sealed_value_bytes);
		out->late_value_blocks += GET(w->late_value_blocks);
		pthread_mutex_lock(&s->values.lock);
		out->value_head_bytes += s->values.bytes;
		out->streams_active += s->values.count;
		pthread_mutex_unlock(&s->values.lock);
		out->sealed_blocks += GET(w->sealed_blocks);
		out->sealed_reports += GET(w->sealed_reports);
		out->sealed_bytes += GET(w->sealed_bytes);
		out->late_blocks += GET(w->late_blocks);
		out->folds += GET(w->folds);
		out->checkpoints += GET(w->checkpoints);
		add_journal(s, out);
		add_latency(s, out);
		add_heads(s, out);
	}
}
