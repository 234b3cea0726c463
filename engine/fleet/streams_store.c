#include "engine/fleet/streams_store.h"

#include <stdlib.h>

#include "engine/core/crash.h"

static enum status put_block(struct store_batch *batch, const struct value_seal *seal, uint32_t at, uint32_t n,
			     uint32_t seq, const struct value_texts *texts, struct buf *room)
{
	const struct value *first = &seal->run.values[at];
	buf_clear(room);
	enum status status = value_block_encode(first, n, texts, room);
	if (status)
		return status;
	struct store_block_id id = {seal->stream, first->time_ms, seq, seal->class_code, value_is_odd(first)};
	return store_batch_values(batch, &id, buf_view(room));
}

/* Late values and others never share a block, so that a few late ones do not stretch an ordinary one over days. */
static uint32_t slice_end(const struct value_seal *seal, uint32_t at, bool *late)
{
	const struct value *values = seal->run.values;
	uint32_t end = at + value_slice(values, at, seal->sealed);
	*late = values[at].time_ms <= seal->late_before_ms;
	for (uint32_t i = at + 1; i < end; i++)
		if ((values[i].time_ms <= seal->late_before_ms) != *late)
			return i;
	return end;
}

enum status value_seal_put(struct store_batch *batch, const struct value_seal *seal, const struct value_texts *texts,
			   struct buf *room, struct values_written *out)
{
	uint8_t key[VALUE_HEAD_KEY_SIZE];
	uint32_t seq = seal->first_seq;
	enum status status = STATUS_OK;
	for (uint32_t at = 0, end; at < seal->sealed && !status; at = end) {
		bool late;
		end = slice_end(seal, at, &late);
		status = put_block(batch, seal, at, end - at, seq++, texts, room);
		out->blocks++;
		out->late_blocks += late;
		out->values += end - at;
		out->bytes += room->size;
	}
	if (status)
		return status;
	buf_clear(room);
	status = value_head_row_encode(&seal->state, seal->run.values + seal->sealed, seal->run.count - seal->sealed,
				       texts, room);
	value_head_key(seal->stream, key);
	if (!status)
		store_batch_put(batch, STORE_HEAD, span_of(key, sizeof key), buf_view(room));
	return status;
}

/* --- folding --- */

struct fold {
	struct store_block_id ids[VALUE_FOLD_BLOCKS_MAX];
	uint32_t count;
	bool overlap;
	int64_t last_ms;
	struct value *values; /* room for all blocks at their fullest */
	size_t value_count;
};

static bool same_family(const struct store_block_id *a, const struct store_block_id *b)
{
	return a->class_code == b->class_code && a->odd == b->odd &&
	       store_month_end(a->time_first_ms) == store_month_end(b->time_first_ms);
}

static enum status take(struct fold *f, struct value_texts *texts, const struct value_block_row *row)
{
	size_t n;
	if (f->count && row->header.time_first_ms <= f->last_ms)
		f->overlap = true;
	if (!f->count || row->header.time_last_ms > f->last_ms)
		f->last_ms = row->header.time_last_ms;
	f->ids[f->count++] = row->id;
	enum status status = value_block_decode(row->bytes, texts, f->values + f->value_count, &n);
	f->value_count += status ? 0 : n;
	return status;
}

/* Blocks of the first family met, up to the bound; the others wait for the next pass. */
static enum status collect(struct store *s, struct value_texts *texts, uint64_t stream, int64_t from_ms, int64_t to_ms,
			   struct fold *f, int64_t *again)
{
	struct store_values *it;
	struct value_block_row row;
	enum status status = store_values_open(s, stream, from_ms, to_ms, &it);
	if (status)
		return status;
	while (!(status = store_values_next(it, &row))) {
		if (row.held)
			continue;
		if (f->count == VALUE_FOLD_BLOCKS_MAX || (f->count && !same_family(&f->ids[0], &row.id))) {
			if (row.header.time_first_ms > from_ms && *again == INT64_MIN)
				*again = row.header.time_first_ms;
			if (f->count == VALUE_FOLD_BLOCKS_MAX)
				break;
			continue;
		}
		status = take(f, texts, &row);
		if (status)
			break;
	}
	store_values_close(it);
	return status == STATUS_END ? STATUS_OK : status;
}

static enum status rewrite(struct store *s, const struct value_texts *texts, struct fold *f, uint32_t *seq)
{
	struct store_batch *batch;
	struct buf room = buf_init(VALUE_BLOCK_BYTES_MAX);
	enum status status = store_batch_new(s, &batch);
	if (status)
		return status;
	uint32_t count = (uint32_t)values_normalise(f->values, f->value_count);
	for (uint32_t i = 0; !status && i < f->count; i++)
		status = store_batch_values_delete(batch, &f->ids[i]);
	for (uint32_t at = 0, n; !status && at < count; at += n) {
		struct store_block_id id = f->ids[0];
		n = value_slice(f->values, at, count);
		id.time_first_ms = f->values[at].time_ms;
		id.odd = value_is_odd(&f->values[at]);
		id.seq = 1u << 31 | (*seq)++;
		buf_clear(&room);
		status = value_block_encode(f->values + at, n, texts, &room);
		if (!status)
			status = store_batch_values(batch, &id, buf_view(&room));
	}
	crash_point("fold");
	if (!status)
		status = store_commit(s, batch, false);
	buf_deinit(&room);
	store_batch_free(batch);
	return status;
}

enum status values_fold(struct store *s, struct value_texts *texts, uint64_t stream, int64_t from_ms, int64_t to_ms,
			uint32_t *seq, int64_t *out_again_from_ms)
{
	struct fold f = {.values = malloc(sizeof(struct value) * VALUE_FOLD_BLOCKS_MAX * VALUE_BLOCK_MAX)};
	*out_again_from_ms = INT64_MIN;
	if (!f.values)
		return STATUS_NO_MEMORY;
	enum status status = collect(s, texts, stream, from_ms, to_ms, &f, out_again_from_ms);
	size_t least = (f.value_count + VALUE_BLOCK_MAX - 1) / VALUE_BLOCK_MAX;
	if (!status && (f.overlap || f.count > least + 1))
		status = rewrite(s, texts, &f, seq);
	free(f.values);
	return status;
}
