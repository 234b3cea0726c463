#include <stdlib.h>
#include <string.h>

#include "engine/store/timeline.h"

struct store_blocks {
	struct timeline *timeline;
	int64_t from_ms;
	bool summaries_only;
	enum status ended; /* what every further call returns */
	bool has_last;
	struct store_block last;  /* handed out before */
	struct timeline_row row;  /* of `last` */
	struct block_hours hours; /* of `last`, unless it is held */
};

enum status store_blocks_open(struct store *s, uint64_t device, int64_t from_ms, int64_t to_ms, bool summaries_only,
			      struct store_blocks **out)
{
	if (from_ms > to_ms)
		return STATUS_INVALID;
	struct store_blocks *it = calloc(1, sizeof *it);
	if (!it)
		return STATUS_NO_MEMORY;
	int64_t earliest = from_ms < INT64_MIN + BLOCK_SPAN_MAX_MS ? INT64_MIN : from_ms - BLOCK_SPAN_MAX_MS;
	it->from_ms = from_ms;
	it->summaries_only = summaries_only;
	enum status status = timeline_open(s, FAMILY_SUMMARY, device, earliest, to_ms, &it->timeline);
	if (status != STATUS_OK) {
		free(it);
		return status;
	}
	*out = it;
	return STATUS_OK;
}

enum status store_blocks_turn(struct store_blocks *it, uint64_t device)
{
	it->has_last = false;
	it->ended = timeline_turn(it->timeline, device);
	return it->ended;
}

void store_blocks_close(struct store_blocks *it)
{
	if (!it)
		return;
	timeline_close(it->timeline);
	free(it);
}

static enum status held_row(const struct timeline_row *row, struct store_block *out)
{
	struct block_key key;
	if (row->key.size != KEY_HELD_BLOCK_SIZE - 1)
		return STATUS_CORRUPT;
	enum status status = key_block_parse(span_of(row->key.data, KEY_BLOCK_SIZE), &key);
	if (status != STATUS_OK)
		return status;
	out->id = (struct store_block_id){key.device, key.time_first_ms, key.seq, row->key.data[KEY_BLOCK_SIZE],
					  row->key.data[KEY_BLOCK_SIZE + 1] != 0};
	out->held = true;
	out->bytes = row->value;
	return block_summarise(row->value, &out->summary);
}

static enum status family_row(const struct timeline_row *row, struct store_block *out, struct block_hours *hours)
{
	struct block_key key;
	enum status status = key_block_parse(row->key, &key);
	if (status != STATUS_OK)
		return status;
	out->id = (struct store_block_id){key.device, key.time_first_ms, key.seq, row->id.class_code,
					  row->id.month == MONTH_ODD};
	out->held = false;
	return block_row_decode(row->value, &out->summary, hours);
}

bool summary_equal(const struct block_summary *a, const struct block_summary *b)
{
	return a->count == b->count && a->fixes == b->fixes && a->time_first_ms == b->time_first_ms &&
	       a->time_last_ms == b->time_last_ms && a->lat_min_e7 == b->lat_min_e7 && a->lat_max_e7 == b->lat_max_e7 &&
	       a->lon_min_e7 == b->lon_min_e7 && a->lon_max_e7 == b->lon_max_e7 && a->alarm_or == b->alarm_or &&
	       a->status_or == b->status_or && a->status_and == b->status_and &&
	       a->mileage_first_hm == b->mileage_first_hm && a->mileage_last_hm == b->mileage_last_hm &&
	       a->speed_max_dkmh == b->speed_max_dkmh && a->flags_or == b->flags_or && a->distance_mm == b->distance_mm;
}

/* A crash between copying to `held` and dropping the month leaves both until the next retention. The bytes of
 * the block before are still there: its iterator moves only when the next block is fetched from it. */
static bool is_copy_of_last(const struct store_blocks *it, const struct store_block *b)
{
	const struct store_block_id *x = &it->last.id, *y = &b->id;
	if (!it->has_last || it->last.held || !b->held || x->time_first_ms != y->time_first_ms || x->seq != y->seq ||
	    x->class_code != y->class_code || x->odd != y->odd)
		return false;
	if (it->summaries_only)
		return summary_equal(&it->last.summary, &b->summary);
	return span_equal(it->last.bytes, b->bytes);
}

static enum status next(struct store_blocks *it, struct store_block *out)
{
	struct timeline_row row;
	for (;;) {
		enum status status = timeline_next(it->timeline, &row);
		if (status != STATUS_OK)
			return status;
		memset(out, 0, sizeof *out);
		status = row.held ? held_row(&row, out) : family_row(&row, out, &it->hours);
		if (status != STATUS_OK)
			return status;
		if (out->summary.time_last_ms < it->from_ms || is_copy_of_last(it, out))
			continue;
		if (it->summaries_only)
			out->bytes = (struct span){NULL, 0};
		else if (!row.held)
			status = timeline_partner(it->timeline, &row, &out->bytes);
		it->last = *out;
		it->row = row;
		it->has_last = true;
		return status == STATUS_NOT_FOUND ? STATUS_CORRUPT : status;
	}
}

enum status store_blocks_next(struct store_blocks *it, struct store_block *out)
{
	if (it->ended == STATUS_OK)
		it->ended = next(it, out);
	return it->ended;
}

enum status store_blocks_hours(const struct store_blocks *it, const struct block_hours **out)
{
	*out = &it->hours;
	return it->row.held || !it->hours.count ? STATUS_NOT_FOUND : STATUS_OK;
}

enum status store_blocks_bytes(struct store_blocks *it, struct span *out)
{
	if (it->row.held) {
		*out = it->row.value;
		return STATUS_OK;
	}
	enum status status = timeline_partner(it->timeline, &it->row, out);
	return status == STATUS_NOT_FOUND ? STATUS_CORRUPT : status;
}
