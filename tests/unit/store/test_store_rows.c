/* Opening, batches, lasting families. */
#include <glob.h>

#include "engine/store/families.h"
#include "unit/store/store_fixture.h"

static enum status try_open(const char *dir, bool create, bool read_only, struct store **out)
{
	struct store_options options = {.dir = dir, .create = create, .read_only = read_only};
	return store_open(&options, out);
}

Test(store, a_missing_folder_is_not_found_unless_it_may_be_made)
{
	struct store *s;
	cr_assert_eq(try_open("/tmp/zayton-store-none", false, false, &s), STATUS_NOT_FOUND);
	cr_assert_eq(try_open("/tmp/zayton-store-none", true, true, &s), STATUS_NOT_FOUND);
	cr_assert_neq(access("/tmp/zayton-store-none", F_OK), 0);
}

Test(store, one_process_at_a_time_may_write)
{
	struct fixture f = fixture_new();
	struct store *second;
	cr_assert_eq(try_open(f.dir, false, false, &second), STATUS_BUSY);
	fixture_remove(&f);
}

Test(store, rows_outlive_the_process_that_wrote_them)
{
	struct fixture f = fixture_new();
	struct buf value = buf_init(64);
	put_row(f.store, STORE_META, "key", "value");
	fixture_reopen(&f, false);
	ok(store_get(f.store, STORE_META, span_of_string("key"), &value));
	cr_assert(span_equal(buf_view(&value), span_of_string("value")));
	cr_assert_eq(store_get(f.store, STORE_HEAD, span_of_string("key"), &value), STATUS_NOT_FOUND);
	buf_deinit(&value);
	fixture_remove(&f);
}

Test(store, a_read_only_store_reads_and_refuses_to_write)
{
	struct fixture f = fixture_new();
	struct buf value = buf_init(64);
	struct store_batch *b;
	put_row(f.store, STORE_META, "key", "value");
	put_block(f.store, (struct store_block_id){.device = 1, .time_first_ms = at(2026, 3, 1, 0)}, 1);
	fixture_reopen(&f, true);
	ok(store_get(f.store, STORE_META, span_of_string("key"), &value));
	cr_assert_eq(count_blocks(f.store, 1, at(2026, 3, 1, 0), at(2026, 3, 2, 0)), 1);
	ok(store_batch_new(f.store, &b));
	store_batch_put(b, STORE_META, span_of_string("key"), span_of_string("other"));
	cr_assert_eq(store_commit(f.store, b, false), STATUS_DENIED);
	cr_assert_eq(store_hold(f.store, 1, 0, 1, "case"), STATUS_DENIED);
	cr_assert_eq(store_settle(f.store), STATUS_DENIED);
	store_batch_free(b);
	buf_deinit(&value);
	fixture_remove(&f);
}

/* Change the closed folder behind the store's back. */
static void tamper(struct fixture *f, const char *make_family, uint32_t format)
{
	struct families families;
	char path[128];
	snprintf(path, sizeof path, "%s/db", f->dir);
	struct rocks_options options = {.path = path, .cache_bytes = 1 << 20, .write_buffer_bytes = 1 << 20};
	ok(families_open(&families, &options, true));
	if (make_family) {
		struct rocks_family *handle;
		ok(rocks_family_create(families.rocks, &(struct rocks_family_spec){make_family, ROCKS_ROWS}, &handle));
		rocks_family_release(handle);
	}
	uint8_t version[4];
	store_le32(version, format);
	struct rocks_batch *b = rocks_batch_new();
	rocks_batch_put(b, families.own, span_of_string("format"), span_of(version, 4));
	ok(rocks_write(families.rocks, b, true));
	rocks_batch_free(b);
	families_close(&families);
}

Test(store, a_later_format_is_refused)
{
	struct fixture f = fixture_new();
	store_close(f.store);
	f.store = NULL;
	tamper(&f, NULL, 2);
	struct store *s;
	cr_assert_eq(try_open(f.dir, false, false, &s), STATUS_BAD_VERSION);
	cr_assert_eq(try_open(f.dir, false, true, &s), STATUS_BAD_VERSION);
	fixture_remove(&f);
}

Test(store, a_family_of_a_later_version_is_refused)
{
	struct fixture f = fixture_new();
	store_close(f.store);
	f.store = NULL;
	tamper(&f, "orbit.muck.202611", 1);
	struct store *s;
	cr_assert_eq(try_open(f.dir, false, false, &s), STATUS_BAD_VERSION);
	fixture_remove(&f);
}

Test(store, a_batch_is_applied_in_order_and_empty_afterwards)
{
	struct fixture f = fixture_new();
	struct store_batch *b;
	struct buf value = buf_init(64);
	ok(store_batch_new(f.store, &b));
	store_batch_put(b, STORE_HEAD, span_of_string("a"), span_of_string("1"));
	store_batch_delete(b, STORE_HEAD, span_of_string("a"));
	store_batch_put(b, STORE_LOG, span_of_string("b"), span_of_string("2"));
	store_batch_put(b, STORE_LOG, span_of_string("b"), span_of_string("3"));
	ok(store_commit(f.store, b, false));
	cr_assert_eq(store_get(f.store, STORE_HEAD, span_of_string("a"), &value), STATUS_NOT_FOUND);
	ok(store_get(f.store, STORE_LOG, span_of_string("b"), &value));
	cr_assert(span_equal(buf_view(&value), span_of_string("3")));
	put_row(f.store, STORE_LOG, "b", "4");
	ok(store_commit(f.store, b, false));
	ok(store_get(f.store, STORE_LOG, span_of_string("b"), &value));
	cr_assert(span_equal(buf_view(&value), span_of_string("4")));
	store_batch_free(b);
	buf_deinit(&value);
	fixture_remove(&f);
}

Test(store, a_cleared_batch_changes_nothing)
{
	struct fixture f = fixture_new();
	struct store_batch *b;
	struct buf value = buf_init(64);
	ok(store_batch_new(f.store, &b));
	store_batch_put(b, STORE_HEAD, span_of_string("a"), span_of_string("1"));
	store_batch_clear(b);
	ok(store_commit(f.store, b, false));
	cr_assert_eq(store_get(f.store, STORE_HEAD, span_of_string("a"), &value), STATUS_NOT_FOUND);
	store_batch_free(b);
	fixture_remove(&f);
}

Test(store, a_put_past_the_bound_fails_the_whole_commit)
{
	struct fixture f = fixture_new();
	struct store_batch *b;
	struct buf value = buf_init(64);
	uint8_t *large = calloc(1, STORE_BATCH_MAX);
	ok(store_batch_new(f.store, &b));
	store_batch_put(b, STORE_HEAD, span_of_string("a"), span_of_string("1"));
	store_batch_put(b, STORE_HEAD, span_of_string("b"), span_of(large, STORE_BATCH_MAX));
	cr_assert_eq(store_commit(f.store, b, false), STATUS_FULL);
	cr_assert_eq(store_get(f.store, STORE_HEAD, span_of_string("a"), &value), STATUS_NOT_FOUND);
	store_batch_clear(b);
	store_batch_put(b, STORE_HEAD, span_of_string("a"), span_of_string("1"));
	ok(store_commit(f.store, b, false));
	store_batch_free(b);
	free(large);
	fixture_remove(&f);
}

struct seen {
	char keys[16][8];
	size_t count;
	size_t stop_at;
	enum status stop_with;
};

static enum status see(void *context, struct span key, struct span value)
{
	struct seen *seen = context;
	(void)value;
	if (seen->stop_with && seen->count == seen->stop_at)
		return seen->stop_with;
	memcpy(seen->keys[seen->count++], key.data, key.size);
	return STATUS_OK;
}

Test(store, a_scan_visits_the_prefix_in_order)
{
	struct fixture f = fixture_new();
	static const char *const keys[] = {"b", "a", "ab", "a\xff", "a\xff\xff", "aa", "\xff", "\xff\xff"};
	for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
		put_row(f.store, STORE_META, keys[i], "");
	struct seen seen = {0};
	ok(store_scan(f.store, STORE_META, span_of_string("a"), see, &seen));
	cr_assert_eq(seen.count, 5);
	cr_assert_str_eq(seen.keys[0], "a");
	cr_assert_str_eq(seen.keys[1], "aa");
	cr_assert_str_eq(seen.keys[4], "a\xff\xff");
	seen = (struct seen){0};
	ok(store_scan(f.store, STORE_META, span_of_string("a\xff"), see, &seen));
	cr_assert_eq(seen.count, 2);
	seen = (struct seen){0};
	ok(store_scan(f.store, STORE_META, span_of_string("\xff"), see, &seen));
	cr_assert_eq(seen.count, 2);
	seen = (struct seen){0};
	ok(store_scan(f.store, STORE_META, (struct span){NULL, 0}, see, &seen));
	cr_assert_eq(seen.count, 8);
	seen = (struct seen){0};
	ok(store_scan_from(f.store, STORE_META, span_of_string("ab"), see, &seen));
	cr_assert_eq(seen.count, 6);
	cr_assert_str_eq(seen.keys[0], "ab");
	fixture_remove(&f);
}

Test(store, a_visitor_may_stop_with_any_status)
{
	struct fixture f = fixture_new();
	put_row(f.store, STORE_META, "a", "");
	put_row(f.store, STORE_META, "b", "");
	struct seen seen = {.stop_at = 1, .stop_with = STATUS_END};
	cr_assert_eq(store_scan(f.store, STORE_META, (struct span){NULL, 0}, see, &seen), STATUS_END);
	cr_assert_eq(seen.count, 1);
	seen = (struct seen){.stop_at = 0, .stop_with = STATUS_CANCELLED};
	cr_assert_eq(store_scan(f.store, STORE_META, (struct span){NULL, 0}, see, &seen), STATUS_CANCELLED);
	fixture_remove(&f);
}

Test(store, a_sync_reaches_the_disk_and_a_plain_commit_does_not)
{
	struct fixture f = fixture_new();
	uint64_t before = metric(f.store, "rocksdb.wal.synced");
	put_row(f.store, STORE_META, "a", "1");
	cr_assert_eq(metric(f.store, "rocksdb.wal.synced"), before);
	ok(store_sync(f.store));
	cr_assert_eq(metric(f.store, "rocksdb.wal.synced"), before + 1);
	fixture_remove(&f);
}

static uint64_t log_bytes(const struct fixture *f)
{
	char pattern[128];
	glob_t found;
	uint64_t bytes = 0;
	snprintf(pattern, sizeof pattern, "%s/db/*.log", f->dir);
	if (glob(pattern, 0, NULL, &found) == 0) {
		for (size_t i = 0; i < found.gl_pathc; i++) {
			struct stat about;
			cr_assert_eq(stat(found.gl_pathv[i], &about), 0);
			bytes += (uint64_t)about.st_blocks * 512;
		}
		globfree(&found);
	}
	return bytes;
}

Test(store, a_closed_store_has_nothing_to_replay_and_little_beside_its_rows)
{
	struct fixture f = fixture_new();
	put_row(f.store, STORE_META, "a", "1");
	put_block(f.store, (struct store_block_id){.device = 1, .time_first_ms = at(2026, 3, 1, 0)}, 1);
	cr_assert_gt(log_bytes(&f), 0);
	store_close(f.store);
	cr_assert_eq(log_bytes(&f), 0);
	fixture_open(&f, true);
	cr_assert_lt(disk_bytes(f.store), 512 << 10);
	fixture_remove(&f);
}

#define COMMITS 20

static void row_key(unsigned i, char key[16])
{
	snprintf(key, 16, "%02u", i);
}

/* Rows in two lasting families and a block, in each batch; then death without closing. */
static void write_and_die(struct store *s)
{
	for (unsigned i = 0; i < COMMITS; i++) {
		struct store_batch *b;
		char key[16];
		row_key(i, key);
		ok(store_batch_new(s, &b));
		store_batch_put(b, STORE_META, span_of_string(key), span_of_string("meta"));
		batch_add(b, (struct store_block_id){.device = 1, .time_first_ms = at(2026, 3, 1, (int)i)}, 10,
			  MS_PER_MINUTE, 7);
		store_batch_put(b, STORE_HEAD, span_of_string(key), span_of_string("head"));
		ok(store_commit(s, b, false));
		store_batch_free(b);
	}
	raise(SIGKILL);
}

/* Rows are a prefix of those written; how long it is. */
static size_t rows_in(struct store *s, enum store_family family)
{
	struct buf value = buf_init(64);
	size_t count = 0;
	for (unsigned i = 0; i < COMMITS; i++) {
		char key[16];
		row_key(i, key);
		if (store_get(s, family, span_of_string(key), &value) != STATUS_OK)
			continue;
		cr_assert_eq(count, i, "a row before %u is missing", i);
		count++;
	}
	buf_deinit(&value);
	return count;
}

Test(store, a_killed_process_loses_no_commit)
{
	struct fixture f = fixture_folder();
	fixture_killed(&f, write_and_die);
	fixture_open(&f, false);
	cr_assert_eq(rows_in(f.store, STORE_META), COMMITS);
	cr_assert_eq(rows_in(f.store, STORE_HEAD), COMMITS);
	cr_assert_eq(count_blocks(f.store, 1, at(2026, 3, 1, 0), at(2026, 3, 2, 0)), COMMITS);
	assert_sound(f.store);
	fixture_remove(&f);
}

/* A copy of the folder whose last log is cut to `keep` of `parts`. */
static struct fixture cut_copy(const struct fixture *f, unsigned keep, unsigned parts)
{
	struct fixture copy = fixture_folder();
	char text[256];
	glob_t found;
	struct stat about;
	snprintf(text, sizeof text, "cp -r %s/db %s/", f->dir, copy.dir);
	cr_assert_eq(system(text), 0);
	snprintf(text, sizeof text, "%s/db/*.log", copy.dir);
	cr_assert_eq(glob(text, 0, NULL, &found), 0);
	const char *last = found.gl_pathv[found.gl_pathc - 1];
	cr_assert_eq(stat(last, &about), 0);
	cr_assert_eq(truncate(last, about.st_size * keep / parts), 0);
	globfree(&found);
	fixture_open(&copy, false);
	return copy;
}

/* What a power cut leaves of an unsynced log: a part of it. */
Test(store, a_log_cut_anywhere_keeps_a_prefix_of_whole_batches)
{
	const unsigned parts = 16;
	struct fixture f = fixture_folder();
	fixture_killed(&f, write_and_die);
	size_t before = 0, some = 0;
	for (unsigned keep = 0; keep <= parts; keep++) {
		struct fixture copy = cut_copy(&f, keep, parts);
		size_t survivors = rows_in(copy.store, STORE_META);
		cr_assert_eq(rows_in(copy.store, STORE_HEAD), survivors);
		cr_assert_eq(count_blocks(copy.store, 1, at(2026, 3, 1, 0), at(2026, 3, 2, 0)), survivors);
		cr_assert_geq(survivors, before);
		some += survivors > 0 && survivors < COMMITS;
		assert_sound(copy.store);
		before = survivors;
		fixture_remove(&copy);
	}
	cr_assert_eq(before, COMMITS);
	cr_assert_gt(some, 0, "no cut fell between two batches");
	fixture_remove(&f);
}

Test(store, a_backup_is_a_store_of_its_own)
{
	struct fixture f = fixture_new(), copy = fixture_folder();
	struct buf value = buf_init(64);
	put_row(f.store, STORE_META, "a", "1");
	put_block(f.store, (struct store_block_id){.device = 1, .time_first_ms = at(2026, 3, 1, 0)}, 1);
	ok(store_backup(f.store, copy.dir));
	cr_assert_eq(store_backup(f.store, copy.dir), STATUS_EXISTS);
	put_row(f.store, STORE_META, "a", "2");
	fixture_open(&copy, false);
	ok(store_get(copy.store, STORE_META, span_of_string("a"), &value));
	cr_assert(span_equal(buf_view(&value), span_of_string("1")));
	put_row(copy.store, STORE_META, "a", "3");
	cr_assert_eq(count_blocks(copy.store, 1, INT64_MIN, INT64_MAX), 1);
	assert_sound(copy.store);
	ok(store_get(f.store, STORE_META, span_of_string("a"), &value));
	cr_assert(span_equal(buf_view(&value), span_of_string("2")));
	buf_deinit(&value);
	fixture_remove(&copy);
	fixture_remove(&f);
}
