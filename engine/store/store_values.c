#include <stdlib.h>

#include "engine/store/timeline.h"

struct store_values {
	struct timeline *timeline;
	int64_t from_ms;
	enum status ended; /* what every further call returns */
	bool has_last;
	struct value_block_row last; /* handed out before; its bytes are gone */
	uint32_t last_checksum;
};

enum status store_values_open(struct store *s, uint64_t stream, int64_t from_ms, int64_t to_ms,
			      struct store_values **out)
{
	if (from_ms > to_ms)
		return STATUS_INVALID;
	struct store_values *it = calloc(1, sizeof *it);
	if (!it)
		return STATUS_NO_MEMORY;
	int64_t earliest = from_ms < INT64_MIN + VALUE_SPAN_MAX_MS ? INT64_MIN : from_ms - VALUE_SPAN_MAX_MS;
	it->from_ms = from_ms;
	enum status status = timeline_open(s, FAMILY_SERIES, stream, earliest, to_ms, &it->timeline);
	if (status != STATUS_OK) {
		free(it);
		return status;
	}
	*out = it;
	return STATUS_OK;
}

void store_values_close(struct store_values *it)
{
	if (!it)
		return;
	timeline_close(it->timeline);
	free(it);
}

static enum status read_row(const struct timeline_row *row, struct value_block_row *out)
{
	struct block_key key;
	bool held = row->held;
	if (row->key.size != (held ? KEY_HELD_BLOCK_SIZE - 1 : KEY_BLOCK_SIZE))
		return STATUS_CORRUPT;
	enum status status = key_block_parse(span_of(row->key.data, KEY_BLOCK_SIZE), &key);
	if (status != STATUS_OK)
		return status;
	out->id = (struct store_block_id){key.device, key.time_first_ms, key.seq,
					  held ? row->key.data[KEY_BLOCK_SIZE] : row->id.class_code,
					  held ? row->key.data[KEY_BLOCK_SIZE + 1] != 0 : row->id.month == MONTH_ODD};
	out->held = held;
	out->bytes = row->value;
	return value_block_header(row->value, &out->header);
}

static uint32_t checksum_of(struct span block)
{
	return block.size < 4 ? 0 : load_le32(block.data + block.size - 4);
}

/* As of blocks of reports: a crash while a month is copied to `held` leaves both. */
static bool is_copy_of_last(const struct store_values *it, const struct value_block_row *b)
{
	const struct store_block_id *x = &it->last.id, *y = &b->id;
	return it->has_last && !it->last.held && b->held && x->time_first_ms == y->time_first_ms && x->seq == y->seq &&
	       x->class_code == y->class_code && x->odd == y->odd && it->last.bytes.size == b->bytes.size &&
	       it->last_checksum == checksum_of(b->bytes);
}

static enum status next(struct store_values *it, struct value_block_row *out)
{
	struct timeline_row row;
	for (;;) {
		enum status status = timeline_next(it->timeline, &row);
		if (status == STATUS_OK)
			status = read_row(&row, out);
		if (status != STATUS_OK)
			return status;
		if (out->header.time_last_ms < it->from_ms || is_copy_of_last(it, out))
			continue;
		it->last = *out;
		it->last_checksum = checksum_of(out->bytes);
		it->has_last = true;
		return STATUS_OK;
	}
}

enum status store_values_next(struct store_values *it, struct value_block_row *out)
{
	if (it->ended == STATUS_OK)
		it->ended = next(it, out);
	return it->ended;
}
