/* bulk.c -- reports of a file into heads, without the journal.
 *
 *   bulk_add ──> batch of the shard  [ r r r ... ]  full: shard_apply_reports ──> heads
 *   meta row     "bulk" name -> progress
 *
 * A batch shares what an append costs beside the append, and asks for the lines of memory of all its heads before it
 * needs the first. */
#include <stdlib.h>

#include "engine/fleet/fleet_internal.h"
#include "engine/fleet/streams_shard.h"
#include "engine/fleet/values_writer.h"

struct batch {
	_Alignas(64) struct report reports[BULK_BATCH]; /* without items */
	uint64_t devices[BULK_BATCH];
	size_t count;
};

struct bulk {
	struct engine *engine;
	struct batch batches[]; /* one a shard */
};

enum status bulk_open(struct engine *e, struct bulk **out)
{
	if (e->started || e->options.read_only)
		return STATUS_BUSY;
	struct bulk *b = aligned_alloc(64, sizeof *b + e->shard_count * sizeof b->batches[0]);
	if (!b)
		return STATUS_NO_MEMORY;
	for (unsigned i = 0; i < e->shard_count; i++)
		b->batches[i].count = 0;
	b->engine = e;
	*out = b;
	return STATUS_OK;
}

static enum status wait_for_writer(struct shard *s)
{
	enum status status = STATUS_OK;
	while (!status && writer_backlog(s->writer) > WRITER_BACKLOG_MAX)
		status = writer_wait(s->writer);
	return status;
}

/* What is not applied stays in the batch. */
static enum status flush(struct shard *s, struct batch *batch)
{
	size_t applied = 0;
	enum status status = shard_apply_reports(s, batch->devices, batch->reports, batch->count, &applied);
	batch->count -= applied;
	memmove(batch->reports, batch->reports + applied, batch->count * sizeof batch->reports[0]);
	memmove(batch->devices, batch->devices + applied, batch->count * sizeof batch->devices[0]);
	return status ? status : wait_for_writer(s);
}

static enum status flush_all(struct bulk *b)
{
	enum status status = STATUS_OK;
	for (unsigned i = 0; !status && i < b->engine->shard_count; i++)
		status = flush(&b->engine->shards[i], &b->batches[i]);
	return status;
}

enum status bulk_add(struct bulk *b, uint64_t device, const struct report *r)
{
	struct shard *s = engine_owner(b->engine, device);
	struct batch *batch = &b->batches[s->index];
	enum status status = STATUS_OK;
	if (batch->count == BULK_BATCH || r->items_size)
		status = flush(s, batch);
	if (!status && r->items_size) {
		status = shard_apply_report(s, device, r, 0);
		return status ? status : wait_for_writer(s);
	}
	if (status)
		return status;
	batch->reports[batch->count] = *r;
	batch->devices[batch->count++] = device;
	return STATUS_OK;
}

enum status bulk_add_values(struct bulk *b, struct span body, uint64_t stream, int64_t received_ms)
{
	struct shard *s = engine_owner(b->engine, stream);
	struct intake in = {.kind = INTAKE_VALUES, .device = stream, .received_ms = received_ms, .body = body};
	enum status status = shard_apply_values(s, 0, &in);
	return status ? status : wait_for_writer(s);
}

static enum status progress_key(struct span name, struct buf *out)
{
	enum status status = buf_append(out, "bulk", 4);
	return status ? status : buf_append(out, name.data, name.size);
}

static enum status put_progress(struct engine *e, struct span name, struct span progress)
{
	struct store_batch *batch;
	struct buf key = buf_init(4096);
	enum status status = store_batch_new(e->store, &batch);
	if (status)
		return status;
	status = progress_key(name, &key);
	if (!status) {
		store_batch_put(batch, STORE_META, buf_view(&key), progress);
		status = store_commit(e->store, batch, true);
	}
	buf_deinit(&key);
	store_batch_free(batch);
	return status;
}

enum status bulk_checkpoint(struct bulk *b, struct span name, struct span progress)
{
	struct engine *e = b->engine;
	enum status status = flush_all(b);
	if (!status)
		status = judge_keep_marks(e);
	for (unsigned i = 0; !status && i < e->shard_count; i++)
		status = shard_checkpoint_now(&e->shards[i]);
	for (unsigned i = 0; !status && i < e->shard_count; i++)
		status = writer_wait(e->shards[i].writer);
	return status ? status : put_progress(e, name, progress);
}

enum status bulk_close(struct bulk *b)
{
	struct engine *e = b->engine;
	enum status status = flush_all(b);
	for (unsigned i = 0; i < e->shard_count; i++) {
		enum status one = writer_wait(e->shards[i].writer);
		status = status ? status : one;
	}
	free(b);
	return status;
}

enum status bulk_progress(struct engine *e, struct span name, struct buf *out)
{
	struct buf key = buf_init(4096);
	enum status status = progress_key(name, &key);
	if (!status)
		status = store_get(e->store, STORE_META, buf_view(&key), out);
	buf_deinit(&key);
	return status;
}
