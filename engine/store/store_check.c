/* Checking reads every row of every family with RocksDB's checksums verified, and judges:
 *   track      the block is whole, begins when its key says, stays within its month, is known to `summary`
 *   summary    equals what its block says; has a block
 *   message    its key is one, its time lies in its month
 *   held       every row parses; the block is whole, begins when its key says, hashes as its key says
 *   the rest   can be read; what the rows mean is known to the rooms that own them */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "engine/core/hash.h"
#include "engine/series/value_block.h"
#include "engine/store/store_state.h"

/* further complaints are counted, not written */
#define COMPLAINTS_MAX 1000

struct check {
	struct store *store;
	struct buf *out;
	uint64_t complaints;
	char family[FAMILY_NAME_MAX]; /* being read */
	struct family_id id;
};

static void complain(struct check *c, struct span key, const char *what)
{
	char hex[2 * KEY_HELD_BLOCK_SIZE + 1];
	if (c->complaints++ >= COMPLAINTS_MAX)
		return;
	if (key.size > KEY_HELD_BLOCK_SIZE)
		key.size = KEY_HELD_BLOCK_SIZE;
	hex_encode(hex, key);
	/* a full buffer loses the text, not the count */
	(void)!buf_printf(c->out, "%s %s: %s\n", c->family, hex, what);
}

/* A whole block, and what it says of itself. */
static bool block_whole(struct check *c, struct span key, struct span block, struct block_summary *out)
{
	enum status status = block_check(block);
	if (status == STATUS_OK)
		status = block_summarise(block, out);
	if (status != STATUS_OK)
		complain(c, key, status_text(status));
	return status == STATUS_OK;
}

static void check_block(struct check *c, struct span key, struct span block, struct block_summary *summary)
{
	struct block_key parsed;
	if (key_block_parse(key, &parsed) != STATUS_OK) {
		complain(c, key, "is no key of a block");
		return;
	}
	if (!block_whole(c, key, block, summary))
		return;
	if (summary->time_first_ms != parsed.time_first_ms)
		complain(c, key, "the block begins at another time");
	if (summary->time_last_ms < summary->time_first_ms ||
	    summary->time_last_ms - summary->time_first_ms > BLOCK_SPAN_MAX_MS)
		complain(c, key, "the block spans more than blocks do");
	if (c->id.month == MONTH_ODD)
		return;
	if (summary->time_first_ms < month_start(c->id.month) ||
	    summary->time_last_ms >= store_month_end(month_start(c->id.month)))
		complain(c, key, "the block leaves its month");
}

static void check_message(struct check *c, struct span key)
{
	struct message_key parsed;
	if (key_message_parse(key, &parsed) != STATUS_OK)
		complain(c, key, "is no key of a message");
	else if (c->id.month != MONTH_ODD &&
		 (store_time_is_odd(parsed.time_ms, RECEIVED_UNKNOWN) || month_of(parsed.time_ms) != c->id.month))
		complain(c, key, "the message is of another month");
}

/* The texts of a block are its own: nothing is kept of them here. */
static void check_value_block(struct check *c, struct span key, struct span value, int64_t first_ms)
{
	struct value values[VALUE_BLOCK_MAX];
	struct value_texts *texts;
	size_t count;
	if (value_texts_new(&texts) != STATUS_OK)
		return;
	enum status status = value_block_decode(value, texts, values, &count);
	value_texts_free(texts);
	if (status != STATUS_OK)
		complain(c, key, "the value block cannot be read");
	else if (values[0].time_ms != first_ms)
		complain(c, key, "the value block begins at another time");
	else if (c->id.kind == FAMILY_SERIES && c->id.month != MONTH_ODD &&
		 (first_ms < month_start(c->id.month) ||
		  values[count - 1].time_ms >= store_month_end(month_start(c->id.month))))
		complain(c, key, "the value block leaves its month");
}

static void values_row(struct check *c, struct span key, struct span value)
{
	struct block_key parsed;
	if (key_block_parse(key, &parsed) != STATUS_OK)
		complain(c, key, "is no key of a value block");
	else
		check_value_block(c, key, value, parsed.time_first_ms);
}

static void check_held(struct check *c, struct span key, struct span value)
{
	struct hold_key hold;
	struct held_message_key message;
	struct held_block_key block;
	struct kept_key kept;
	struct block_summary summary;
	uint8_t tag = key.size ? key.data[0] : 0;
	if (tag == HELD_VALUES && key_held_block_parse(key, HELD_VALUES, &block) == STATUS_OK) {
		check_value_block(c, key, value, block.block.time_first_ms);
		if (hash64(value) != block.hash)
			complain(c, key, "the value block is not the one its key names");
	} else if (tag == HELD_BLOCK && key_held_block_parse(key, HELD_BLOCK, &block) == STATUS_OK) {
		if (!block_whole(c, key, value, &summary))
			return;
		if (summary.time_first_ms != block.block.time_first_ms)
			complain(c, key, "the block begins at another time");
		if (hash64(value) != block.hash)
			complain(c, key, "the block is not the one its key names");
	} else if (!(tag == HELD_HOLD && key_hold_parse(key, &hold) == STATUS_OK) &&
		   !(tag == HELD_MESSAGE && key_held_message_parse(key, &message) == STATUS_OK) &&
		   !(tag == HELD_KEPT && key_kept_parse(key, &kept) == STATUS_OK)) {
		complain(c, key, "is no key of a hold or a held row");
	}
}

/* --- walking --- */

/* false at the end; damage found on the way is complained of and ends the walk. */
static bool row(struct check *c, struct rocks_iter *it, struct span *key, struct span *value)
{
	enum status status = rocks_iter_row(it, key, value);
	if (status != STATUS_OK && status != STATUS_END)
		complain(c, (struct span){NULL, 0}, "cannot be read to its end");
	return status == STATUS_OK;
}

/* What a row says of hours is so of its block; it need not say any. */
static bool hours_equal(struct span block, const struct block_hours *stored)
{
	struct block_hours said;
	if (!stored->count)
		return true;
	return block_hours(block, INT64_MIN, INT64_MAX, &said) == STATUS_OK && said.first == stored->first &&
	       said.count == stored->count && memcmp(said.hours, stored->hours, said.count * sizeof *said.hours) == 0;
}

/* One of the two is NULL: the other family has no row under this key. */
struct pair {
	const struct span *block, *summary;
};

static void check_pair(struct check *c, struct span key, struct pair p)
{
	struct block_summary said, stored;
	struct block_hours hours;
	uint64_t before = c->complaints;
	if (p.block)
		check_block(c, key, *p.block, &said);
	if (!p.block)
		complain(c, key, "the summary has no block");
	else if (!p.summary)
		complain(c, key, "the block has no summary");
	else if (block_row_decode(*p.summary, &stored, &hours) != STATUS_OK)
		complain(c, key, "the summary cannot be read");
	else if (c->complaints == before && !summary_equal(&said, &stored))
		complain(c, key, "the summary differs from its block");
	else if (c->complaints == before && !hours_equal(*p.block, &hours))
		complain(c, key, "the hours of the summary differ from those of its block");
}

static int compare_keys(struct span a, struct span b)
{
	int order = memcmp(a.data, b.data, a.size < b.size ? a.size : b.size);
	return order ? order : (a.size > b.size) - (a.size < b.size);
}

/* Blocks and summaries side by side: both families are ordered by the same keys. Either may be NULL. */
static void walk_pairs(struct check *c, struct rocks_iter *blocks, struct rocks_iter *summaries)
{
	struct span block_key, block, summary_key, summary;
	bool has_block = blocks && row(c, blocks, &block_key, &block);
	bool has_summary = summaries && row(c, summaries, &summary_key, &summary);
	while (has_block || has_summary) {
		int order = !has_block ? 1 : !has_summary ? -1 : compare_keys(block_key, summary_key);
		check_pair(c, order <= 0 ? block_key : summary_key,
			   (struct pair){order <= 0 ? &block : NULL, order >= 0 ? &summary : NULL});
		if (order <= 0) {
			rocks_iter_next(blocks);
			has_block = row(c, blocks, &block_key, &block);
		}
		if (order >= 0) {
			rocks_iter_next(summaries);
			has_summary = row(c, summaries, &summary_key, &summary);
		}
	}
}

/* Iterators of both kinds over one month, from one snapshot, so that a commit in between is no complaint. */
static enum status check_month(struct check *c, struct family_id id)
{
	struct rocks *r = c->store->families.rocks;
	struct family_id summary_id = {FAMILY_SUMMARY, id.class_code, id.month};
	struct family_id track_id = {FAMILY_TRACK, id.class_code, id.month};
	struct family *summary = families_find(&c->store->families, summary_id);
	struct family *track = families_find(&c->store->families, track_id);
	struct rocks_range range = {.sweep = true, .snapshot = rocks_snapshot_take(r)};
	struct rocks_iter *blocks = NULL, *summaries = NULL;
	enum status status = STATUS_OK;
	family_name(track_id, c->family);
	c->id = track_id;
	if (track)
		status = rocks_iter_open(r, track->handle, &range, &blocks);
	if (summary && status == STATUS_OK)
		status = rocks_iter_open(r, summary->handle, &range, &summaries);
	if (status == STATUS_OK)
		walk_pairs(c, blocks, summaries);
	rocks_iter_close(blocks);
	rocks_iter_close(summaries);
	rocks_snapshot_release(r, range.snapshot);
	family_unref(track);
	family_unref(summary);
	return status;
}

typedef void check_row(struct check *c, struct span key, struct span value);

static void message_row(struct check *c, struct span key, struct span value)
{
	(void)value;
	check_message(c, key);
}

/* Rows of other rooms: that they can be read is all that is known here. */
static void foreign_row(struct check *c, struct span key, struct span value)
{
	(void)c, (void)key, (void)value;
}

/* Rows of the family that `c->family` names. */
static enum status check_rows(struct check *c, struct rocks_family *handle, check_row *judge)
{
	struct rocks_range range = {.sweep = true};
	struct rocks_iter *it;
	struct span key, value;
	enum status status = rocks_iter_open(c->store->families.rocks, handle, &range, &it);
	if (status != STATUS_OK)
		return status;
	for (; row(c, it, &key, &value); rocks_iter_next(it))
		judge(c, key, value);
	rocks_iter_close(it);
	return STATUS_OK;
}

static enum status check_lasting(struct check *c)
{
	snprintf(c->family, sizeof c->family, "default");
	enum status status = check_rows(c, c->store->families.own, foreign_row);
	for (unsigned i = 0; i < STORE_FAMILY_COUNT && status == STATUS_OK; i++) {
		struct rocks_family *handle = c->store->families.lasting[i];
		snprintf(c->family, sizeof c->family, "%s", store_family_name((enum store_family)i));
		if (handle)
			status = check_rows(c, handle, i == STORE_HELD ? check_held : foreign_row);
	}
	return status;
}

/* Each month once: by its track family, or by its summaries when that is all there is. */
static enum status check_timed(struct check *c, struct family *family)
{
	struct family_id track_id = {FAMILY_TRACK, family->id.class_code, family->id.month};
	struct family *track;
	switch (family->id.kind) {
	case FAMILY_MESSAGE:
		family_name(family->id, c->family);
		c->id = family->id;
		return check_rows(c, family->handle, message_row);
	case FAMILY_SERIES:
		family_name(family->id, c->family);
		c->id = family->id;
		return check_rows(c, family->handle, values_row);
	case FAMILY_SUMMARY:
		track = families_find(&c->store->families, track_id);
		family_unref(track);
		return track ? STATUS_OK : check_month(c, track_id);
	default:
		return check_month(c, track_id);
	}
}

enum status store_check(struct store *s, struct buf *out)
{
	struct check c = {.store = s, .out = out};
	struct family_list list;
	enum status status = families_list(&s->families, FAMILY_KIND_COUNT, MONTH_FIRST, MONTH_LAST, &list);
	if (status != STATUS_OK)
		return status;
	status = check_lasting(&c);
	for (size_t i = 0; i < list.count && status == STATUS_OK; i++)
		status = check_timed(&c, list.items[i]);
	family_list_release(&list);
	if (status == STATUS_OK && c.complaints > COMPLAINTS_MAX)
		status = buf_printf(out, "and %" PRIu64 " more\n", c.complaints - COMPLAINTS_MAX);
	if (status == STATUS_OK || status == STATUS_FULL)
		return c.complaints ? STATUS_CORRUPT : STATUS_OK;
	return status;
}
