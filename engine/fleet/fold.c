#include "engine/fleet/fold.h"

#include "engine/core/crash.h"
#include "engine/fleet/head.h"
#include "engine/series/block.h"
#include "engine/series/report_list.h"

/* The blocks of one pass that share a family, and their reports. */
struct fold {
	struct store_block_id ids[FOLD_BLOCKS_MAX];
	uint32_t count;
	bool overlap;
	int64_t last_ms;
	struct report_list reports;
};

static bool same_family(const struct store_block_id *a, const struct store_block_id *b)
{
	return a->class_code == b->class_code && a->odd == b->odd &&
	       store_month_end(a->time_first_ms) == store_month_end(b->time_first_ms);
}

static enum status take(struct fold *f, const struct store_block *block)
{
	if (f->count && block->summary.time_first_ms <= f->last_ms)
		f->overlap = true;
	if (!f->count || block->summary.time_last_ms > f->last_ms)
		f->last_ms = block->summary.time_last_ms;
	f->ids[f->count++] = block->id;
	return block_reports(block->bytes, &f->reports);
}

/* Blocks of the first family met, up to the bound; the others wait for the next pass. */
static enum status collect(struct store *s, uint64_t device, int64_t from_ms, int64_t to_ms, struct fold *f,
			   int64_t *again)
{
	struct store_blocks *it;
	struct store_block block;
	enum status status = store_blocks_open(s, device, from_ms, to_ms, false, &it);
	if (status)
		return status;
	while (!(status = store_blocks_next(it, &block))) {
		if (block.held)
			continue;
		if (f->count == FOLD_BLOCKS_MAX || (f->count && !same_family(&f->ids[0], &block.id))) {
			if (block.summary.time_first_ms > from_ms && *again == INT64_MIN)
				*again = block.summary.time_first_ms;
			if (f->count == FOLD_BLOCKS_MAX)
				break;
			continue;
		}
		status = take(f, &block);
		if (status)
			break;
	}
	store_blocks_close(it);
	return status == STATUS_END ? STATUS_OK : status;
}

static bool worth_it(const struct fold *f)
{
	uint32_t least = (uint32_t)((f->reports.count + BLOCK_REPORTS_MAX - 1) / BLOCK_REPORTS_MAX);
	return f->overlap || f->count > least + 1;
}

static enum status put_folded(struct store_batch *batch, const struct fold *f, uint32_t *seq, struct buf *bytes)
{
	enum status status = STATUS_OK;
	uint32_t end = (uint32_t)f->reports.count;
	for (uint32_t at = 0; !status && at < end;) {
		uint32_t n = head_slice(f->reports.reports, at, end);
		struct block_summary summary;
		struct store_block_id id = f->ids[0];
		id.time_first_ms = f->reports.reports[at].time_ms;
		id.seq = 1u << 31 | (*seq)++;
		buf_clear(bytes);
		status = block_encode(f->reports.reports + at, n, bytes);
		if (!status)
			status = block_summarise(buf_view(bytes), &summary);
		if (!status)
			status = store_batch_block(batch, &id, buf_view(bytes), &summary);
		at += n;
	}
	return status;
}

static enum status rewrite(struct store *s, struct fold *f, uint32_t *seq)
{
	struct store_batch *batch;
	struct buf bytes = buf_init(BLOCK_BYTES_MAX * 64u);
	enum status status = store_batch_new(s, &batch);
	if (status)
		return status;
	report_list_sort(&f->reports);
	for (uint32_t i = 0; !status && i < f->count; i++)
		status = store_batch_block_delete(batch, &f->ids[i]);
	if (!status)
		status = put_folded(batch, f, seq, &bytes);
	crash_point("fold");
	if (!status)
		status = store_commit(s, batch, false);
	buf_deinit(&bytes);
	store_batch_free(batch);
	return status;
}

enum status fold_device(struct store *s, uint64_t device, int64_t from_ms, int64_t to_ms, uint32_t *seq,
			int64_t *out_again_from_ms)
{
	struct fold f = {.reports =
				 report_list_init(FOLD_BLOCKS_MAX * BLOCK_REPORTS_MAX, (size_t)FOLD_BLOCKS_MAX << 20)};
	*out_again_from_ms = INT64_MIN;
	enum status status = collect(s, device, from_ms, to_ms, &f, out_again_from_ms);
	if (!status && worth_it(&f))
		status = rewrite(s, &f, seq);
	report_list_deinit(&f.reports);
	return status;
}
