/* What check finds and what info counts. */
#include <glob.h>
#include <pthread.h>

#include "engine/store/store_state.h"
#include "unit/store/store_fixture.h"

static const struct family_id track = {FAMILY_TRACK, DEVICE_CLASS_MUCK_TRUCK, 202603};
static const struct family_id summary = {FAMILY_SUMMARY, DEVICE_CLASS_MUCK_TRUCK, 202603};
static const struct family_id message = {FAMILY_MESSAGE, DEVICE_CLASS_MUCK_TRUCK, 202603};

static struct store_block_id block_id(uint64_t device)
{
	return (struct store_block_id){
		.device = device, .time_first_ms = at(2026, 3, 10, 0), .class_code = DEVICE_CLASS_MUCK_TRUCK};
}

/* Put or delete a row behind the interface. */
static void force(struct store *s, struct rocks_family *handle, struct span key, const struct span *value)
{
	struct rocks_batch *b = rocks_batch_new();
	if (value)
		rocks_batch_put(b, handle, key, *value);
	else
		rocks_batch_delete(b, handle, key);
	ok(rocks_write(s->families.rocks, b, false));
	rocks_batch_free(b);
}

static void force_timed(struct store *s, struct family_id id, struct span key, const struct span *value)
{
	struct family *family;
	ok(families_ensure(&s->families, id, &family));
	force(s, family->handle, key, value);
	family_unref(family);
}

static void expect_complaint(struct store *s, const char *text)
{
	struct buf complaints = buf_init(1 << 16);
	cr_assert_eq(store_check(s, &complaints), STATUS_CORRUPT);
	ok(buf_append_u8(&complaints, 0));
	cr_assert_not_null(strstr((char *)complaints.data, text), "\"%s\" is not in:\n%s", text,
			   (char *)complaints.data);
	buf_deinit(&complaints);
}

static struct span key_of(uint64_t device, int64_t time_ms, uint8_t out[KEY_BLOCK_SIZE])
{
	key_block(&(struct block_key){device, time_ms, 0}, out);
	return span_of(out, KEY_BLOCK_SIZE);
}

/* A store with two good blocks; `device` 1 is the one to be harmed. */
static struct fixture two_blocks(void)
{
	struct fixture f = fixture_new();
	put_block(f.store, block_id(1), 1);
	put_block(f.store, block_id(2), 2);
	assert_sound(f.store);
	return f;
}

Test(store_check, a_block_with_a_changed_byte_is_found)
{
	struct fixture f = two_blocks();
	struct buf block = buf_init(BLOCK_BYTES_MAX);
	struct block_summary said;
	uint8_t key[KEY_BLOCK_SIZE];
	block_make(at(2026, 3, 10, 0), 10, MS_PER_MINUTE, 1, &block, &said);
	block.data[block.size / 2] ^= 1;
	struct span value = buf_view(&block);
	force_timed(f.store, track, key_of(1, at(2026, 3, 10, 0), key), &value);
	expect_complaint(f.store, "track.muck.202603 0000000000000001");
	buf_deinit(&block);
	fixture_remove(&f);
}

Test(store_check, a_block_without_its_summary_is_found)
{
	struct fixture f = two_blocks();
	uint8_t key[KEY_BLOCK_SIZE];
	force_timed(f.store, summary, key_of(1, at(2026, 3, 10, 0), key), NULL);
	expect_complaint(f.store, "the block has no summary");
	fixture_remove(&f);
}

Test(store_check, a_summary_without_its_block_is_found_and_not_read_past)
{
	struct fixture f = two_blocks();
	struct store_blocks *it;
	struct store_block b;
	uint8_t key[KEY_BLOCK_SIZE];
	force_timed(f.store, track, key_of(1, at(2026, 3, 10, 0), key), NULL);
	expect_complaint(f.store, "the summary has no block");
	ok(store_blocks_open(f.store, 1, INT64_MIN, INT64_MAX, false, &it));
	cr_assert_eq(store_blocks_next(it, &b), STATUS_CORRUPT);
	cr_assert_eq(store_blocks_next(it, &b), STATUS_CORRUPT);
	store_blocks_close(it);
	fixture_remove(&f);
}

Test(store_check, a_summary_that_differs_from_its_block_is_found)
{
	struct fixture f = two_blocks();
	struct buf block = buf_init(BLOCK_BYTES_MAX), row = buf_init(1024);
	struct block_summary said;
	uint8_t key[KEY_BLOCK_SIZE];
	block_make(at(2026, 3, 10, 0), 10, MS_PER_MINUTE, 1, &block, &said);
	said.distance_mm++;
	ok(block_summary_encode(&said, &row));
	struct span value = buf_view(&row);
	force_timed(f.store, summary, key_of(1, at(2026, 3, 10, 0), key), &value);
	expect_complaint(f.store, "the summary differs from its block");
	buf_deinit(&block);
	buf_deinit(&row);
	fixture_remove(&f);
}

Test(store_check, hours_that_differ_from_those_of_the_block_are_found)
{
	struct fixture f = fixture_new();
	struct store_block_id id = {.device = 1, .time_first_ms = at(2026, 3, 10, 0), .class_code = 1};
	struct buf block = buf_init(BLOCK_BYTES_MAX), row = buf_init(1024);
	struct store_batch *b;
	struct block_summary said;
	uint8_t key[KEY_BLOCK_SIZE];
	ok(store_batch_new(f.store, &b));
	batch_add(b, id, 100, 10000, 1);
	ok(store_commit(f.store, b, false));
	store_batch_free(b);
	assert_sound(f.store);
	block_make(id.time_first_ms, 100, 10000, 1, &block, &said);
	ok(block_row_encode(&said, buf_view(&block), &row));
	row.data[row.size - 1] ^= 1; /* of the last hour's sum */
	struct span value = buf_view(&row);
	force_timed(f.store, summary, key_of(1, id.time_first_ms, key), &value);
	expect_complaint(f.store, "the hours of the summary differ from those of its block");
	buf_deinit(&block);
	buf_deinit(&row);
	fixture_remove(&f);
}

Test(store_check, a_block_under_another_time_or_in_another_month_is_found)
{
	struct fixture f = two_blocks();
	struct buf block = buf_init(BLOCK_BYTES_MAX);
	struct block_summary said;
	uint8_t key[KEY_BLOCK_SIZE];
	block_make(at(2026, 4, 10, 0), 10, MS_PER_MINUTE, 1, &block, &said);
	struct span value = buf_view(&block);
	force_timed(f.store, track, key_of(1, at(2026, 3, 10, 0), key), &value);
	expect_complaint(f.store, "the block begins at another time");
	expect_complaint(f.store, "the block leaves its month");
	buf_deinit(&block);
	fixture_remove(&f);
}

Test(store_check, foreign_keys_are_found_in_every_kind_of_family)
{
	struct fixture f = two_blocks();
	struct span key = span_of_string("0123456789abcdef"), value = span_of_string("x");
	force_timed(f.store, track, key, &value);
	expect_complaint(f.store, "is no key of a block");
	force_timed(f.store, message, key, &value);
	expect_complaint(f.store, "is no key of a message");
	force(f.store, f.store->families.lasting[STORE_HELD], key, &value);
	expect_complaint(f.store, "is no key of a hold");
	fixture_remove(&f);
}

Test(store_check, a_message_of_another_month_is_found)
{
	struct fixture f = two_blocks();
	uint8_t key[KEY_MESSAGE_SIZE];
	struct span value = span_of_string("x");
	key_message(&(struct message_key){1, at(2026, 4, 1, 0), 5}, key);
	force_timed(f.store, message, span_of(key, sizeof key), &value);
	expect_complaint(f.store, "the message is of another month");
	fixture_remove(&f);
}

Test(store_check, a_held_block_that_is_another_is_found)
{
	struct fixture f = two_blocks();
	struct buf block = buf_init(BLOCK_BYTES_MAX);
	struct block_summary said;
	uint8_t key[KEY_HELD_BLOCK_SIZE];
	block_make(at(2026, 3, 10, 0), 10, MS_PER_MINUTE, 1, &block, &said);
	key_held_block(&(struct held_block_key){{1, at(2026, 3, 10, 0), 0}, 1, false, 12345}, HELD_BLOCK, key);
	struct span value = buf_view(&block);
	force(f.store, f.store->families.lasting[STORE_HELD], span_of(key, sizeof key), &value);
	expect_complaint(f.store, "the block is not the one its key names");
	buf_deinit(&block);
	fixture_remove(&f);
}

Test(store_check, a_changed_byte_in_a_file_is_found)
{
	struct fixture f = two_blocks();
	char pattern[128];
	glob_t found;
	for (uint64_t device = 3; device < 200; device++)
		put_block(f.store, block_id(device), (uint32_t)device);
	ok(store_settle(f.store));
	fixture_reopen(&f, false);
	snprintf(pattern, sizeof pattern, "%s/db/*.sst", f.dir);
	cr_assert_eq(glob(pattern, 0, NULL, &found), 0);
	size_t harmed = 0;
	for (size_t i = 0; i < found.gl_pathc; i++) {
		FILE *file = fopen(found.gl_pathv[i], "r+b");
		cr_assert_not_null(file);
		if (fseek(file, 0, SEEK_END) == 0 && ftell(file) > 10000) {
			fseek(file, 5000, SEEK_SET);
			int byte = fgetc(file);
			fseek(file, 5000, SEEK_SET);
			fputc(byte ^ 0x40, file);
			harmed++;
		}
		fclose(file);
	}
	globfree(&found);
	cr_assert_gt(harmed, 0);
	expect_complaint(f.store, "cannot be read to its end");
	fixture_remove(&f);
}

Test(store_info, info_counts_devices_blocks_reports_and_their_span)
{
	struct fixture f = fixture_new();
	struct store_info info;
	struct store_batch *b;
	struct store_block_id id = block_id(1);
	put_block(f.store, id, 1);
	id.seq = 1;
	put_block(f.store, id, 2);
	id = block_id(2);
	id.class_code = DEVICE_CLASS_COACH;
	put_block(f.store, id, 3);
	id.device = 1;
	id.time_first_ms = at(2025, 3, 10, 0);
	put_block(f.store, id, 4);
	ok(store_hold(f.store, 1, at(2025, 3, 10, 0), at(2025, 3, 11, 0), "QZ-1"));
	struct retention_result expired;
	ok(store_expire(f.store, NULL, at(2026, 11, 24, 0), &expired));
	ok(store_batch_new(f.store, &b));
	ok(store_batch_message(b, 1, 1, false, at(2026, 3, 1, 0), 7, span_of_string("x")));
	store_batch_put(b, STORE_QUARANTINE, span_of_string("q"), span_of_string("bad"));
	ok(store_commit(f.store, b, false));
	store_batch_free(b);
	ok(store_info(f.store, &info));
	cr_assert_eq(info.devices, 2);
	cr_assert_eq(info.blocks, 4);
	cr_assert_eq(info.reports, 40);
	cr_assert_eq(info.overlap_blocks, 1);
	cr_assert_eq(info.messages, 1);
	cr_assert_eq(info.quarantined, 1);
	cr_assert_eq(info.time_first_ms, at(2025, 3, 10, 0));
	cr_assert_eq(info.time_last_ms, at(2026, 3, 10, 0) + 9 * MS_PER_MINUTE);
	cr_assert_eq(info.families, 5);
	uint64_t parts = 0;
	for (size_t i = 0; i < BLOCK_PART_COUNT; i++)
		parts += info.part_bytes[i];
	cr_assert_eq(parts, info.block_bytes);
	cr_assert_gt(info.block_bytes, 0);
	cr_assert_gt(info.disk_bytes, 0);
	fixture_remove(&f);
}

/* --- readers, a writer and retention at once --- */

struct crowd {
	struct store *store;
	_Atomic bool done;
	_Atomic unsigned written, expired;
};

static const int64_t old_month = INT64_C(1741564800000); /* 2025-03-10 */

static void *write_blocks(void *context)
{
	struct crowd *c = context;
	for (uint32_t i = 0; i < 400; i++) {
		struct store_batch *b;
		struct store_block_id now = block_id(1), old = block_id(1);
		now.seq = old.seq = i;
		old.time_first_ms = old_month;
		ok(store_batch_new(c->store, &b));
		batch_add(b, now, 2, MS_PER_MINUTE, i);
		batch_add(b, old, 2, MS_PER_MINUTE, i);
		ok(store_commit(c->store, b, i % 64 == 0));
		store_batch_free(b);
		c->written = i + 1;
	}
	c->done = true;
	return NULL;
}

static void *read_blocks(void *context)
{
	struct crowd *c = context;
	do {
		unsigned least = c->written;
		size_t recent = count_blocks(c->store, 1, at(2026, 3, 1, 0), at(2026, 4, 1, 0) - 1);
		cr_assert_geq(recent, least);
		/* all are held: a reader finds each block in its month or among the copies, never in neither */
		cr_assert_geq(count_blocks(c->store, 1, old_month - MS_PER_DAY, old_month + MS_PER_DAY), least);
	} while (!c->done);
	return NULL;
}

static void *expire_all_the_time(void *context)
{
	struct crowd *c = context;
	do {
		struct retention_result result;
		ok(store_expire(c->store, NULL, at(2026, 11, 24, 0), &result));
		c->expired += result.families_dropped > 0;
	} while (!c->done);
	return NULL;
}

Test(store_threads, readers_lose_nothing_while_a_writer_writes_and_months_are_dropped)
{
	struct fixture f = fixture_new();
	struct crowd c = {.store = f.store};
	pthread_t threads[4];
	ok(store_hold(f.store, 1, INT64_MIN, INT64_MAX, "QZ-1"));
	pthread_create(&threads[0], NULL, write_blocks, &c);
	pthread_create(&threads[1], NULL, read_blocks, &c);
	pthread_create(&threads[2], NULL, read_blocks, &c);
	pthread_create(&threads[3], NULL, expire_all_the_time, &c);
	for (size_t i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	cr_assert_gt(c.expired, 1);
	cr_assert_eq(count_blocks(f.store, 1, old_month, old_month), 400);
	assert_sound(f.store);
	fixture_remove(&f);
}
