/* Expiry, holds, and both across crashes. */
#include "engine/store/families.h"
#include "unit/store/store_fixture.h"

#define NOW at(2026, 11, 24, 0)

static struct store_block_id block_at(uint64_t device, int64_t time_ms, uint8_t class_code)
{
	return (struct store_block_id){.device = device, .time_first_ms = time_ms, .class_code = class_code};
}

static void put_message(struct store *s, uint64_t device, uint8_t class_code, int64_t time_ms)
{
	struct store_batch *b;
	ok(store_batch_new(s, &b));
	ok(store_batch_message(b, device, class_code, false, time_ms, 77, span_of_string("card")));
	ok(store_commit(s, b, false));
	store_batch_free(b);
}

static enum status count_message(void *context, int64_t time_ms, uint64_t hash, struct span value)
{
	(void)time_ms;
	cr_assert_eq(hash, 77);
	cr_assert(span_equal(value, span_of_string("card")));
	++*(size_t *)context;
	return STATUS_OK;
}

static size_t count_messages(struct store *s, uint64_t device)
{
	size_t count = 0;
	ok(store_messages(s, device, INT64_MIN, INT64_MAX, count_message, &count));
	return count;
}

static size_t blocks_of(struct store *s, uint64_t device)
{
	return count_blocks(s, device, INT64_MIN, INT64_MAX);
}

static struct retention_result expire(struct store *s, const struct retention_policy *policy, int64_t now_ms)
{
	struct retention_result result;
	ok(store_expire(s, policy, now_ms, &result));
	return result;
}

Test(store_retention, a_month_goes_when_it_ended_its_classs_months_ago)
{
	struct fixture f = fixture_new();
	put_block(f.store, block_at(1, at(2025, 10, 31, 12), DEVICE_CLASS_MUCK_TRUCK), 1);
	put_block(f.store, block_at(1, at(2025, 11, 1, 0), DEVICE_CLASS_MUCK_TRUCK), 2);
	put_block(f.store, block_at(1, at(2025, 10, 31, 13), DEVICE_CLASS_HAZMAT), 3);
	put_message(f.store, 1, DEVICE_CLASS_MUCK_TRUCK, at(2025, 10, 3, 0));
	cr_assert_eq(expire(f.store, NULL, at(2026, 11, 1, 0) - 1).families_dropped, 0);
	cr_assert_eq(expire(f.store, NULL, at(2026, 11, 1, 0)).families_dropped, 3);
	cr_assert_eq(blocks_of(f.store, 1), 2);
	cr_assert_eq(count_messages(f.store, 1), 0);
	cr_assert_eq(expire(f.store, NULL, at(2028, 10, 31, 0)).families_dropped, 2);
	cr_assert_eq(expire(f.store, NULL, at(2028, 11, 1, 0)).families_dropped, 2);
	assert_sound(f.store);
	fixture_remove(&f);
}

Test(store_retention, no_policy_goes_below_the_legal_minimum)
{
	struct fixture f = fixture_new();
	struct retention_policy policy = {.months = {[DEVICE_CLASS_MUCK_TRUCK] = 1, [DEVICE_CLASS_COACH] = 7}};
	put_block(f.store, block_at(1, at(2026, 4, 30, 0), DEVICE_CLASS_MUCK_TRUCK), 1);
	put_block(f.store, block_at(1, at(2026, 5, 1, 0), DEVICE_CLASS_MUCK_TRUCK), 2);
	put_block(f.store, block_at(1, at(2026, 4, 30, 1), DEVICE_CLASS_COACH), 3);
	expire(f.store, &policy, NOW);
	cr_assert_eq(blocks_of(f.store, 1), 2);
	fixture_remove(&f);
}

Test(store_retention, odd_months_stay)
{
	struct fixture f = fixture_new();
	struct store_block_id id = block_at(1, at(2001, 1, 1, 0), DEVICE_CLASS_MUCK_TRUCK);
	id.odd = true;
	put_block(f.store, id, 1);
	cr_assert_eq(expire(f.store, NULL, NOW).families_dropped, 0);
	cr_assert_eq(blocks_of(f.store, 1), 1);
	fixture_remove(&f);
}

Test(store_retention, what_is_held_outlives_its_month)
{
	struct fixture f = fixture_new();
	int64_t t = at(2025, 3, 10, 0);
	for (int hour = 0; hour < 5; hour++) {
		put_block(f.store, block_at(1, t + hour * MS_PER_HOUR, DEVICE_CLASS_MUCK_TRUCK), 1);
		put_block(f.store, block_at(2, t + hour * MS_PER_HOUR, DEVICE_CLASS_MUCK_TRUCK), 2);
	}
	put_message(f.store, 1, DEVICE_CLASS_MUCK_TRUCK, t + MS_PER_HOUR);
	put_message(f.store, 2, DEVICE_CLASS_MUCK_TRUCK, t + MS_PER_HOUR);
	/* touches the last report of the block of hour 1, all of hour 2, the first report of hour 3 */
	ok(store_hold(f.store, 1, t + MS_PER_HOUR + 9 * MS_PER_MINUTE, t + 3 * MS_PER_HOUR, "QZ-1"));
	ok(store_hold(f.store, 1, t + MS_PER_HOUR, t + MS_PER_HOUR, "QZ-2"));
	struct retention_result result = expire(f.store, NULL, NOW);
	cr_assert_eq(result.blocks_held, 3);
	cr_assert_eq(result.families_dropped, 3);
	cr_assert_eq(blocks_of(f.store, 1), 3);
	cr_assert_eq(blocks_of(f.store, 2), 0);
	cr_assert_eq(count_messages(f.store, 1), 1);
	cr_assert_eq(count_messages(f.store, 2), 0);
	fixture_reopen(&f, false);
	cr_assert_eq(blocks_of(f.store, 1), 3);
	cr_assert_eq(count_blocks(f.store, 1, t + 2 * MS_PER_HOUR, t + 2 * MS_PER_HOUR), 1);
	assert_sound(f.store);
	fixture_remove(&f);
}

/* Of device 1 the second hour, whatever the month; a failure of its own when `context` says so. */
static enum status keep_an_hour(void *context, int64_t from_ms, int64_t to_ms, struct buf *out)
{
	const enum status *failure = context;
	struct store_range range = {1, at(2025, 3, 10, 1), at(2025, 3, 10, 1)};
	cr_assert_leq(from_ms, range.from_ms);
	cr_assert_geq(to_ms, range.to_ms);
	return *failure ? *failure : buf_append(out, &range, sizeof range);
}

Test(store_retention, what_the_policy_keeps_outlives_its_month_and_every_case)
{
	struct fixture f = fixture_new();
	enum status failure = STATUS_IO;
	struct retention_policy policy = {.keep = keep_an_hour, .keep_context = &failure};
	struct retention_result result;
	int64_t t = at(2025, 3, 10, 0);
	for (int hour = 0; hour < 5; hour++)
		put_block(f.store, block_at(1, t + hour * MS_PER_HOUR, DEVICE_CLASS_MUCK_TRUCK), 1);
	put_block(f.store, block_at(2, t + MS_PER_HOUR, DEVICE_CLASS_MUCK_TRUCK), 1);
	ok(store_hold(f.store, 1, t, t + 2 * MS_PER_HOUR, "QZ-1"));
	cr_assert_eq(store_expire(f.store, &policy, NOW, &result), STATUS_IO);
	cr_assert_eq(blocks_of(f.store, 1), 5, "a month goes only when it is known what to keep of it");
	failure = STATUS_OK;
	cr_assert_eq(expire(f.store, &policy, NOW).blocks_held, 3);
	ok(store_release(f.store, "QZ-1"));
	cr_assert_eq(blocks_of(f.store, 1), 1);
	cr_assert_eq(blocks_of(f.store, 2), 0);
	assert_sound(f.store);
	fixture_remove(&f);
}

Test(store_retention, a_held_block_says_so_and_keeps_its_id)
{
	struct fixture f = fixture_new();
	struct store_blocks *it;
	struct store_block b;
	struct store_block_id id = block_at(1, at(2025, 3, 10, 0), DEVICE_CLASS_MUCK_TRUCK);
	id.seq = 5;
	put_block(f.store, id, 9);
	ok(store_hold(f.store, 1, INT64_MIN, INT64_MAX, "QZ-1"));
	expire(f.store, NULL, NOW);
	for (int summaries_only = 0; summaries_only < 2; summaries_only++) {
		ok(store_blocks_open(f.store, 1, INT64_MIN, INT64_MAX, summaries_only, &it));
		ok(store_blocks_next(it, &b));
		cr_assert(b.held);
		cr_assert_eq(b.id.seq, 5);
		cr_assert_eq(b.id.class_code, DEVICE_CLASS_MUCK_TRUCK);
		cr_assert_eq(b.summary.alarm_or, 9);
		cr_assert_eq(b.bytes.size == 0, summaries_only);
		store_blocks_close(it);
	}
	fixture_remove(&f);
}

Test(store_retention, a_release_takes_what_no_other_case_holds)
{
	struct fixture f = fixture_new();
	int64_t t = at(2025, 3, 10, 0);
	for (int hour = 0; hour < 3; hour++)
		put_block(f.store, block_at(1, t + hour * MS_PER_HOUR, DEVICE_CLASS_MUCK_TRUCK), 1);
	put_message(f.store, 1, DEVICE_CLASS_MUCK_TRUCK, t);
	ok(store_hold(f.store, 1, t, t + 2 * MS_PER_HOUR, "QZ-1"));
	ok(store_hold(f.store, 1, t + 2 * MS_PER_HOUR, t + 2 * MS_PER_HOUR, "QZ-2"));
	expire(f.store, NULL, NOW);
	cr_assert_eq(blocks_of(f.store, 1), 3);
	ok(store_release(f.store, "QZ-1"));
	cr_assert_eq(blocks_of(f.store, 1), 1);
	cr_assert_eq(count_messages(f.store, 1), 0);
	cr_assert_eq(store_release(f.store, "QZ-1"), STATUS_NOT_FOUND);
	ok(store_release(f.store, "QZ-2"));
	cr_assert_eq(blocks_of(f.store, 1), 0);
	fixture_remove(&f);
}

Test(store_retention, a_case_number_and_a_span_must_be_ones)
{
	struct fixture f = fixture_new();
	char longest[CASE_NUMBER_MAX + 2];
	memset(longest, 'x', sizeof longest);
	longest[CASE_NUMBER_MAX + 1] = 0;
	cr_assert_eq(store_hold(f.store, 1, 0, 1, ""), STATUS_INVALID);
	cr_assert_eq(store_hold(f.store, 1, 0, 1, longest), STATUS_INVALID);
	cr_assert_eq(store_hold(f.store, 1, 1, 0, "case"), STATUS_INVALID);
	longest[CASE_NUMBER_MAX] = 0;
	ok(store_hold(f.store, 1, 0, 1, longest));
	ok(store_release(f.store, longest));
	fixture_remove(&f);
}

Test(store_retention, data_that_comes_after_its_month_went_is_stored_and_goes_with_the_next_run)
{
	struct fixture f = fixture_new();
	struct store_batch *before;
	int64_t t = at(2025, 3, 10, 0);
	put_block(f.store, block_at(1, t, DEVICE_CLASS_MUCK_TRUCK), 1);
	ok(store_hold(f.store, 1, t, t, "QZ-1"));
	/* the batch was made while the family was there and is committed when it is gone */
	ok(store_batch_new(f.store, &before));
	batch_add(before, block_at(1, t, DEVICE_CLASS_MUCK_TRUCK), 10, MS_PER_MINUTE, 2);
	expire(f.store, NULL, NOW);
	ok(store_commit(f.store, before, false));
	store_batch_free(before);
	cr_assert_eq(blocks_of(f.store, 1), 2);
	cr_assert_eq(expire(f.store, NULL, NOW).blocks_held, 1);
	cr_assert_eq(blocks_of(f.store, 1), 2);
	assert_sound(f.store);
	fixture_remove(&f);
}

Test(store_retention, a_reader_keeps_the_month_it_is_reading)
{
	struct fixture f = fixture_new();
	struct store_blocks *it;
	struct store_block b;
	for (int hour = 0; hour < 20; hour++)
		put_block(f.store, block_at(1, at(2025, 3, 10, hour), DEVICE_CLASS_MUCK_TRUCK), 1);
	ok(store_settle(f.store));
	ok(store_blocks_open(f.store, 1, INT64_MIN, INT64_MAX, false, &it));
	ok(store_blocks_next(it, &b));
	cr_assert_eq(expire(f.store, NULL, NOW).families_dropped, 2);
	for (int hour = 1; hour < 20; hour++) {
		ok(store_blocks_next(it, &b));
		ok(block_check(b.bytes));
	}
	cr_assert_eq(store_blocks_next(it, &b), STATUS_END);
	store_blocks_close(it);
	cr_assert_eq(blocks_of(f.store, 1), 0);
	fixture_remove(&f);
}

/* Messages with bytes that do not compress: large enough for files to count. */
static void fill_month(struct store *s, int year, int month, uint8_t class_code)
{
	struct store_batch *b;
	uint64_t noise[512];
	uint64_t seed = (uint64_t)(year * 100 + month);
	ok(store_batch_new(s, &b));
	for (uint64_t i = 0; i < 256; i++) {
		for (size_t j = 0; j < 512; j++)
			noise[j] = seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
		ok(store_batch_message(b, i, class_code, false, at(year, month, 2, 0), i,
				       span_of(noise, sizeof noise)));
	}
	ok(store_commit(s, b, false));
	store_batch_free(b);
	put_block(s, block_at(1, at(year, month, 2, 0), class_code), 1);
}

Test(store_retention, expiry_frees_the_disk_at_once_without_rewriting)
{
	struct fixture f = fixture_new();
	for (int month = 1; month <= 10; month++)
		fill_month(f.store, 2025, month, DEVICE_CLASS_MUCK_TRUCK);
	fill_month(f.store, 2026, 10, DEVICE_CLASS_MUCK_TRUCK);
	ok(store_settle(f.store));
	uint64_t disk = disk_bytes(f.store), written = metric(f.store, "rocksdb.compact.write.bytes") +
						       metric(f.store, "rocksdb.flush.write.bytes");
	struct retention_result result = expire(f.store, NULL, NOW);
	cr_assert_eq(result.families_dropped, 30);
	cr_assert_gt(result.bytes_freed, 10u << 20);
	cr_assert_lt(disk_bytes(f.store), disk - (10u << 20));
	uint64_t rewritten =
		metric(f.store, "rocksdb.compact.write.bytes") + metric(f.store, "rocksdb.flush.write.bytes") - written;
	cr_assert_leq(rewritten, result.bytes_freed / 100);
	cr_assert_eq(blocks_of(f.store, 1), 1);
	assert_sound(f.store);
	fixture_remove(&f);
}

/* --- crashes: in builds that have the points --- */
#ifdef ZAYTON_CRASH_POINTS

static void fill_and_expire(struct store *s)
{
	struct retention_result result;
	int64_t t = at(2025, 3, 10, 0);
	for (int hour = 0; hour < 10; hour++) {
		put_block(s, block_at(1, t + hour * MS_PER_HOUR, DEVICE_CLASS_MUCK_TRUCK), 1);
		put_block(s, block_at(1, at(2025, 4, 10, hour), DEVICE_CLASS_COACH), 3);
		put_block(s, block_at(1, at(2026, 11, 10, hour), DEVICE_CLASS_MUCK_TRUCK), 2);
	}
	put_message(s, 1, DEVICE_CLASS_MUCK_TRUCK, t);
	ok(store_hold(s, 1, t, t + MS_PER_HOUR, "QZ-1"));
	(void)!store_expire(s, NULL, NOW, &result);
}

/* Whatever the instant of death: what is held is there once, what must stay is whole, and the next run ends it. */
static void expect_sound_after(const char *point)
{
	struct fixture f = fixture_folder();
	setenv("ZAYTON_CRASH", point, 1);
	fixture_killed(&f, fill_and_expire);
	unsetenv("ZAYTON_CRASH");
	fixture_open(&f, true);
	cr_assert_geq(blocks_of(f.store, 1), 12);
	assert_sound(f.store);
	fixture_reopen(&f, false);
	assert_sound(f.store);
	cr_assert_eq(count_blocks(f.store, 1, at(2026, 11, 1, 0), INT64_MAX), 10);
	/* held twice over a crash or not: every block is handed out once */
	size_t muck = count_blocks(f.store, 1, at(2025, 3, 1, 0), at(2025, 3, 31, 0));
	cr_assert(muck == 2 || muck == 10, "%zu blocks", muck);
	cr_assert_eq(count_messages(f.store, 1), 1);
	expire(f.store, NULL, NOW);
	cr_assert_eq(blocks_of(f.store, 1), 12);
	cr_assert_eq(count_messages(f.store, 1), 1);
	fixture_reopen(&f, false);
	cr_assert_eq(blocks_of(f.store, 1), 12);
	assert_sound(f.store);
	fixture_remove(&f);
}

Test(store_crash, after_the_copy_of_the_first_month)
{
	expect_sound_after("expire_copy:1");
}
Test(store_crash, after_the_copy_of_the_second_month)
{
	expect_sound_after("expire_copy:2");
}
Test(store_crash, after_the_intent_is_written)
{
	expect_sound_after("expire_intent:1");
}
Test(store_crash, after_the_summaries_are_dropped)
{
	expect_sound_after("expire_drop:1");
}
Test(store_crash, after_the_blocks_are_dropped)
{
	expect_sound_after("expire_drop:2");
}
Test(store_crash, after_the_messages_are_dropped)
{
	expect_sound_after("expire_drop:3");
}
Test(store_crash, in_the_drop_of_the_second_month)
{
	expect_sound_after("expire_drop:4");
}
#endif
