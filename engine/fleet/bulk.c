#include <stdlib.h>

#include "engine/fleet/fleet_internal.h"

/* meta row "bulk" name -> progress */

struct bulk {
	struct engine *engine;
};

enum status bulk_open(struct engine *e, struct bulk **out)
{
	if (e->started || e->options.read_only)
		return STATUS_BUSY;
	struct bulk *b = calloc(1, sizeof *b);
	if (!b)
		return STATUS_NO_MEMORY;
	b->engine = e;
	*out = b;
	return STATUS_OK;
}

enum status bulk_add(struct bulk *b, uint64_t device, const struct report *r)
{
	struct shard *s = engine_owner(b->engine, device);
	enum status status = shard_apply_report(s, device, r, 0);
	while (!status && writer_backlog(s->writer) > WRITER_BACKLOG_MAX)
		status = writer_wait(s->writer);
	return status;
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
	enum status status = judge_keep_marks(e);
	for (unsigned i = 0; !status && i < e->shard_count; i++)
		status = shard_checkpoint_now(&e->shards[i]);
	for (unsigned i = 0; !status && i < e->shard_count; i++)
		status = writer_wait(e->shards[i].writer);
	return status ? status : put_progress(e, name, progress);
}

enum status bulk_close(struct bulk *b)
{
	struct engine *e = b->engine;
	enum status status = STATUS_OK;
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
