/* Blocks and messages of a device over months, classes, odd times. */
#include "unit/store/store_fixture.h"

#define DEVICE UINT64_C(0x0102030405060708)

static struct store_block_id block_at(int64_t time_ms, uint32_t seq, uint8_t class_code)
{
	return (struct store_block_id){
		.device = DEVICE, .time_first_ms = time_ms, .seq = seq, .class_code = class_code};
}

/* The ids a reader hands out, in its order. */
struct found {
	struct store_block_id ids[32];
	uint32_t salts[32];
	size_t count;
};

static struct found find(struct store *s, int64_t from_ms, int64_t to_ms, bool summaries_only)
{
	struct found found = {.count = 0};
	struct store_blocks *it;
	struct store_block b;
	enum status status;
	ok(store_blocks_open(s, DEVICE, from_ms, to_ms, summaries_only, &it));
	while ((status = store_blocks_next(it, &b)) == STATUS_OK) {
		cr_assert_lt(found.count, 32);
		if (summaries_only && !b.held)
			cr_assert_eq(b.bytes.size, 0);
		if (!summaries_only)
			ok(block_check(b.bytes));
		cr_assert_eq(b.summary.time_first_ms, b.id.time_first_ms);
		found.salts[found.count] = b.summary.alarm_or;
		found.ids[found.count++] = b.id;
	}
	cr_assert_eq(status, STATUS_END);
	cr_assert_eq(store_blocks_next(it, &b), STATUS_END);
	store_blocks_close(it);
	return found;
}

Test(store_blocks, blocks_of_all_classes_and_months_come_in_order_of_time_and_seq)
{
	struct fixture f = fixture_new();
	put_block(f.store, block_at(at(2026, 3, 31, 20), 0, DEVICE_CLASS_MUCK_TRUCK), 4);
	put_block(f.store, block_at(at(2026, 3, 31, 12), 1, DEVICE_CLASS_COACH), 2);
	put_block(f.store, block_at(at(2026, 4, 1, 0), 0, DEVICE_CLASS_COACH), 6);
	put_block(f.store, block_at(at(2026, 3, 31, 12), 0, DEVICE_CLASS_MUCK_TRUCK), 1);
	struct store_block_id odd = block_at(at(2026, 3, 31, 21), 0, DEVICE_CLASS_COACH);
	odd.odd = true;
	put_block(f.store, odd, 5);
	put_block(f.store, block_at(at(2026, 3, 31, 12), 2, DEVICE_CLASS_OTHER), 3);
	for (int summaries = 0; summaries < 2; summaries++) {
		struct found found = find(f.store, at(2026, 3, 31, 0), at(2026, 4, 2, 0), summaries);
		cr_assert_eq(found.count, 6);
		for (uint32_t i = 0; i < 6; i++)
			cr_assert_eq(found.salts[i], i + 1);
		cr_assert_eq(found.ids[0].class_code, DEVICE_CLASS_MUCK_TRUCK);
		cr_assert_eq(found.ids[1].class_code, DEVICE_CLASS_COACH);
		cr_assert_not(found.ids[0].odd);
		cr_assert(found.ids[4].odd);
	}
	assert_sound(f.store);
	fixture_remove(&f);
}

Test(store_blocks, a_reader_looks_back_for_blocks_that_began_earlier)
{
	struct fixture f = fixture_new();
	struct store_batch *b;
	int64_t first = at(2026, 3, 10, 0);
	ok(store_batch_new(f.store, &b));
	/* ten reports, 8 hours apart: until three days later */
	batch_add(b, block_at(first, 0, 1), 10, 8 * MS_PER_HOUR, 1);
	batch_add(b, block_at(first + 1, 0, 1), 10, MS_PER_MINUTE, 2);
	ok(store_commit(f.store, b, false));
	store_batch_free(b);
	int64_t last = first + BLOCK_SPAN_MAX_MS;
	cr_assert_eq(find(f.store, last, last, false).count, 1);
	cr_assert_eq(find(f.store, last + 1, last + MS_PER_DAY, false).count, 0);
	cr_assert_eq(find(f.store, first - MS_PER_DAY, first - 1, false).count, 0);
	cr_assert_eq(find(f.store, first - MS_PER_DAY, first, false).count, 1);
	cr_assert_eq(find(f.store, first, first + 1, false).count, 2);
	cr_assert_eq(find(f.store, INT64_MIN, INT64_MAX, false).count, 2);
	fixture_remove(&f);
}

Test(store_blocks, other_devices_are_not_read)
{
	struct fixture f = fixture_new();
	struct store_block_id id = block_at(at(2026, 3, 10, 0), 0, 1);
	put_block(f.store, id, 1);
	id.device++;
	put_block(f.store, id, 2);
	id.device = UINT64_MAX;
	put_block(f.store, id, 3);
	cr_assert_eq(find(f.store, INT64_MIN, INT64_MAX, false).count, 1);
	cr_assert_eq(count_blocks(f.store, UINT64_MAX, INT64_MIN, INT64_MAX), 1);
	cr_assert_eq(count_blocks(f.store, DEVICE - 1, INT64_MIN, INT64_MAX), 0);
	fixture_remove(&f);
}

Test(store_blocks, a_reader_sees_the_store_as_it_was_when_opened)
{
	struct fixture f = fixture_new();
	struct store_blocks *it;
	struct store_block b;
	struct store_batch *batch;
	struct store_block_id first = block_at(at(2026, 3, 10, 0), 0, 1);
	put_block(f.store, first, 1);
	put_block(f.store, block_at(at(2026, 3, 10, 2), 0, 1), 2);
	ok(store_blocks_open(f.store, DEVICE, INT64_MIN, INT64_MAX, false, &it));
	put_block(f.store, block_at(at(2026, 3, 10, 1), 0, 1), 3);
	put_block(f.store, block_at(at(2026, 5, 10, 1), 0, 1), 4);
	ok(store_batch_new(f.store, &batch));
	ok(store_batch_block_delete(batch, &first));
	ok(store_commit(f.store, batch, false));
	ok(store_blocks_next(it, &b));
	cr_assert_eq(b.summary.alarm_or, 1);
	ok(store_blocks_next(it, &b));
	cr_assert_eq(b.summary.alarm_or, 2);
	cr_assert_eq(store_blocks_next(it, &b), STATUS_END);
	store_blocks_close(it);
	store_batch_free(batch);
	cr_assert_eq(find(f.store, INT64_MIN, INT64_MAX, false).count, 3);
	fixture_remove(&f);
}

Test(store_blocks, a_fold_replaces_blocks_in_one_batch)
{
	struct fixture f = fixture_new();
	struct store_batch *b;
	struct store_block_id first = block_at(at(2026, 3, 10, 0), 0, 1), late = block_at(at(2026, 3, 10, 0), 1, 1);
	put_block(f.store, first, 1);
	put_block(f.store, late, 2);
	ok(store_batch_new(f.store, &b));
	ok(store_batch_block_delete(b, &first));
	ok(store_batch_block_delete(b, &late));
	batch_add(b, first, 20, MS_PER_MINUTE, 3);
	ok(store_commit(f.store, b, false));
	store_batch_free(b);
	struct found found = find(f.store, INT64_MIN, INT64_MAX, false);
	cr_assert_eq(found.count, 1);
	cr_assert_eq(found.salts[0], 3);
	assert_sound(f.store);
	fixture_remove(&f);
}

Test(store_blocks, months_outside_the_span_are_not_touched)
{
	struct fixture f = fixture_new();
	for (int month = 1; month <= 12; month++)
		put_block(f.store, block_at(at(2026, month, 10, 0), 0, 1), (uint32_t)month);
	fixture_reopen(&f, false);
	uint64_t before = metric(f.store, "rocksdb.number.db.seek");
	cr_assert_eq(find(f.store, at(2026, 6, 10, 0), at(2026, 6, 11, 0), false).count, 1);
	/* one seek each in held, summary.muck.202606 and its track */
	cr_assert_eq(metric(f.store, "rocksdb.number.db.seek") - before, 3);
	fixture_remove(&f);
}

Test(store_blocks, what_cannot_be_a_block_of_its_month_is_refused)
{
	struct fixture f = fixture_new();
	struct store_batch *b;
	struct buf block = buf_init(BLOCK_BYTES_MAX);
	struct block_summary summary;
	int64_t end = at(2026, 4, 1, 0);
	ok(store_batch_new(f.store, &b));
	block_make(end - MS_PER_MINUTE, 2, MS_PER_MINUTE, 1, &block, &summary);
	struct store_block_id id = block_at(end - MS_PER_MINUTE, 0, 1);
	cr_assert_eq(store_batch_block(b, &id, buf_view(&block), &summary), STATUS_INVALID);
	id.odd = true;
	ok(store_batch_block(b, &id, buf_view(&block), &summary));
	id.time_first_ms++;
	cr_assert_eq(store_batch_block(b, &id, buf_view(&block), &summary), STATUS_INVALID);
	id = block_at(end - MS_PER_MINUTE, 0, DEVICE_CLASS_COUNT);
	id.odd = true;
	cr_assert_eq(store_batch_block(b, &id, buf_view(&block), &summary), STATUS_INVALID);
	block_make(0, 2, MS_PER_MINUTE, 1, &block, &summary);
	id = block_at(0, 0, 1);
	cr_assert_eq(store_batch_block(b, &id, buf_view(&block), &summary), STATUS_INVALID);
	struct store_blocks *it;
	cr_assert_eq(store_blocks_open(f.store, DEVICE, 1, 0, false, &it), STATUS_INVALID);
	store_batch_free(b);
	buf_deinit(&block);
	fixture_remove(&f);
}

/* --- messages --- */

struct messages {
	int64_t times[16];
	uint64_t hashes[16];
	size_t count;
};

static enum status see_message(void *context, int64_t time_ms, uint64_t hash, struct span value)
{
	struct messages *seen = context;
	cr_assert_eq(value.size, 3);
	seen->times[seen->count] = time_ms;
	seen->hashes[seen->count++] = hash;
	return seen->count == 16 ? STATUS_END : STATUS_OK;
}

static void put_message(struct store *s, uint8_t class_code, bool odd, int64_t time_ms, uint64_t hash)
{
	struct store_batch *b;
	ok(store_batch_new(s, &b));
	ok(store_batch_message(b, DEVICE, class_code, odd, time_ms, hash, span_of_string("ic!")));
	ok(store_commit(s, b, false));
	store_batch_free(b);
}

Test(store_blocks, messages_come_in_order_of_time_and_hash)
{
	struct fixture f = fixture_new();
	int64_t t = at(2026, 3, 31, 23);
	put_message(f.store, 1, false, t, 5);
	put_message(f.store, 2, false, t, UINT64_MAX);
	put_message(f.store, 1, true, t, 3);
	put_message(f.store, 1, false, at(2026, 4, 1, 0), 1);
	put_message(f.store, 1, false, t - 1, 9);
	struct messages seen = {.count = 0};
	ok(store_messages(f.store, DEVICE, t, at(2026, 4, 1, 0), see_message, &seen));
	cr_assert_eq(seen.count, 4);
	cr_assert_eq(seen.hashes[0], 3);
	cr_assert_eq(seen.hashes[1], 5);
	cr_assert_eq(seen.hashes[2], UINT64_MAX);
	cr_assert_eq(seen.times[3], at(2026, 4, 1, 0));
	seen.count = 0;
	ok(store_messages(f.store, DEVICE, t, t, see_message, &seen));
	cr_assert_eq(seen.count, 3);
	seen.count = 15;
	cr_assert_eq(store_messages(f.store, DEVICE, t - 1, t - 1, see_message, &seen), STATUS_END);
	assert_sound(f.store);
	fixture_remove(&f);
}
