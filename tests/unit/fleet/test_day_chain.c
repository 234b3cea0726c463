/* Signed days: what was written down for ever cannot be changed, taken away or added without a day that says so. */
#include <criterion/criterion.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/core/clock.h"
#include "engine/fleet/audit.h"
#include "engine/fleet/day_chain.h"
#include "engine/fleet/registry.h"

static char dir[64];
static struct store *store;
static struct sign_key *key;
static int64_t now_ms;

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st, (void)type, (void)ftw;
	return remove(path);
}

static void begin(void)
{
	struct store_options options = {.dir = dir, .create = true};
	snprintf(dir, sizeof dir, "/tmp/zayton-days-XXXXXX");
	cr_assert(mkdtemp(dir));
	cr_assert_eq(store_open(&options, &store), STATUS_OK);
	cr_assert_eq(sign_key_open(dir, true, &key), STATUS_OK);
	now_ms = clock_now_ms();
}

static void end(void)
{
	sign_key_free(key);
	store_close(store);
	nftw(dir, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

TestSuite(day_chain, .init = begin, .fini = end);

static void look(const char *who)
{
	struct audit_entry e = {.at_ms = now_ms, .action = "track", .device = 7};
	snprintf(e.who.name, sizeof e.who.name, "%s", who);
	cr_assert_eq(audit_write(store, &e), STATUS_OK);
}

static unsigned close_until(int days_from_now)
{
	unsigned closed;
	cr_assert_eq(days_close(store, key, now_ms + days_from_now * MS_PER_DAY, &closed), STATUS_OK);
	return closed;
}

static void reopen(void)
{
	struct store_options options = {.dir = dir};
	store_close(store);
	cr_assert_eq(store_open(&options, &store), STATUS_OK);
}

static int32_t today(void)
{
	return (int32_t)((now_ms + CHINA_OFFSET_MS) / MS_PER_DAY);
}

/* `day` INT32_MIN: everything holds. */
static void expect_bad(int32_t day, const char *why)
{
	struct days_checked checked;
	struct buf out = buf_init(65536);
	char expected[128] = "", text[DAY_TEXT_MAX];
	enum status status = days_check(store, key, &out, &checked);
	if (day != INT32_MIN) {
		day_text(day, text);
		snprintf(expected, sizeof expected, "day %s does not hold: %s\n", text, why);
	}
	cr_expect_eq(status, day == INT32_MIN ? STATUS_OK : STATUS_CORRUPT);
	cr_expect_eq(checked.broken, day != INT32_MIN);
	cr_assert_eq(buf_append_u8(&out, '\0'), STATUS_OK);
	cr_expect_str_eq((const char *)out.data, expected);
	buf_deinit(&out);
}

struct rows {
	struct {
		uint8_t key[64], value[256];
		size_t key_size, value_size;
	} list[16];
	size_t count;
};

static enum status take_row(void *context, struct span k, struct span v)
{
	struct rows *r = context;
	cr_assert_lt(r->count, 16);
	memcpy(r->list[r->count].key, k.data, k.size);
	memcpy(r->list[r->count].value, v.data, v.size);
	r->list[r->count].key_size = k.size;
	r->list[r->count++].value_size = v.size;
	return STATUS_OK;
}

static struct rows rows_of(enum store_family family)
{
	struct rows r = {.count = 0};
	cr_assert_eq(store_scan(store, family, (struct span){NULL, 0}, take_row, &r), STATUS_OK);
	return r;
}

static void put(enum store_family family, struct span k, struct span v)
{
	struct store_batch *b;
	cr_assert_eq(store_batch_new(store, &b), STATUS_OK);
	if (v.data)
		store_batch_put(b, family, k, v);
	else
		store_batch_delete(b, family, k);
	cr_assert_eq(store_commit(store, b, true), STATUS_OK);
	store_batch_free(b);
}

Test(day_chain, every_day_that_is_over_has_a_record_and_the_one_under_way_has_none)
{
	cr_assert_eq(days_open(store), STATUS_OK);
	look("li");
	cr_expect_eq(close_until(0), 0);
	cr_expect_eq(close_until(3), 3);
	cr_expect_eq(close_until(3), 0);
	look("wang"); /* on the third day from now, for the clock of the log never goes back */
	look("chen");
	reopen();
	cr_assert_eq(days_open(store), STATUS_OK);
	look("lin");
	cr_expect_eq(close_until(5), 2);
	expect_bad(INT32_MIN, "");
	struct rows days = rows_of(STORE_DIGEST);
	cr_expect_eq(days.count, 4 + 5, "a number each, and the days");
}

static enum status sum_rows(void *context, const struct day_record *d)
{
	uint64_t *rows = context;
	rows[d->day - today()] = d->rows;
	return STATUS_OK;
}

Test(day_chain, what_comes_after_a_day_was_closed_is_of_the_day_on_which_it_came)
{
	uint64_t rows[8] = {0};
	struct registry *registry;
	struct registry_change plate = {DEVICE_FIELD_PLATE, span_of_string("2:闽C12345")};
	cr_assert_eq(registry_open(store, &registry), STATUS_OK);
	look("li");
	close_until(1);
	/* about long ago */
	cr_assert_eq(registry_apply(registry, 7, DEVICE_KIND_JT808, &plate, 1, 1000, "li", NULL), STATUS_OK);
	look("li");
	close_until(2);
	registry_close(registry);
	cr_assert_eq(days_read(store, INT32_MIN, sum_rows, rows), STATUS_OK);
	cr_expect_eq(rows[0], 1);
	cr_expect_eq(rows[1], 2);
	expect_bad(INT32_MIN, "");
}

Test(day_chain, a_row_that_was_changed_names_its_day)
{
	look("li");
	close_until(2);
	look("wang");
	close_until(4);
	struct rows looks = rows_of(STORE_AUDIT); /* newest first */
	looks.list[1].value[looks.list[1].value_size - 1] ^= 1;
	put(STORE_AUDIT, span_of(looks.list[1].key, looks.list[1].key_size),
	    span_of(looks.list[1].value, looks.list[1].value_size));
	expect_bad(today(), "its rows are not those that were signed");
}

Test(day_chain, a_row_that_is_gone_names_its_day)
{
	look("li");
	close_until(1);
	struct rows looks = rows_of(STORE_AUDIT);
	put(STORE_AUDIT, span_of(looks.list[0].key, looks.list[0].key_size), (struct span){NULL, 0});
	expect_bad(today(), "a row is gone");
}

Test(day_chain, a_row_taken_out_of_the_log_too_names_its_day)
{
	look("li");
	look("wang");
	close_until(1);
	struct rows looks = rows_of(STORE_AUDIT), log = rows_of(STORE_DIGEST);
	put(STORE_DIGEST, span_of(log.list[0].key, log.list[0].key_size), (struct span){NULL, 0});
	for (size_t i = 0; i < looks.count; i++)
		if (memcmp(log.list[0].value + 9 + strlen("audit"), looks.list[i].key, looks.list[i].key_size) == 0)
			put(STORE_AUDIT, span_of(looks.list[i].key, looks.list[i].key_size), (struct span){NULL, 0});
	cr_assert_eq(rows_of(STORE_AUDIT).count, 1);
	expect_bad(today(), "its rows are not those that were signed");
}

Test(day_chain, a_row_of_no_day_is_told)
{
	struct days_checked checked;
	struct buf out = buf_init(65536);
	look("li");
	close_until(1);
	put(STORE_AUDIT, span_of_string("0123456789abcdef"), span_of_string("x"));
	cr_expect_eq(days_check(store, key, &out, &checked), STATUS_CORRUPT);
	cr_expect(strstr((const char *)out.data, "1 rows of the audit"));
	buf_deinit(&out);
}

/* The record of the last day made again, as one would who changed its rows. */
static void sign_again(const struct sign_key *with, int32_t day)
{
	struct rows all = rows_of(STORE_DIGEST);
	uint8_t *v = all.list[all.count - 1].value;
	v[29] ^= 1;
	memcpy(v + 101, sign_key_public(with), SIGN_PUBLIC_SIZE);
	cr_assert_eq(sign_key_sign(with, span_of(v, 133), v + 133), STATUS_OK);
	put(STORE_DIGEST, span_of(all.list[all.count - 1].key, all.list[all.count - 1].key_size),
	    span_of(v, DAY_RECORD_SIZE));
	cr_assert_eq((int32_t)load_be32(v + 1), day);
}

Test(day_chain, another_key_and_another_past_name_their_day)
{
	char other_dir[] = "/tmp/zayton-days-key-XXXXXX", path[64];
	struct sign_key *other;
	cr_assert(mkdtemp(other_dir));
	cr_assert_eq(sign_key_open(other_dir, true, &other), STATUS_OK);
	look("li");
	close_until(1);
	sign_again(other, today());
	expect_bad(today(), "it is signed with another key");
	sign_again(key, today());
	expect_bad(INT32_MIN, "");
	close_until(3);
	struct rows all = rows_of(STORE_DIGEST);
	uint8_t *v = all.list[1].value; /* the first day, signed well, but not the one that the second knows */
	v[36] ^= 1;
	cr_assert_eq(sign_key_sign(key, span_of(v, 133), v + 133), STATUS_OK);
	put(STORE_DIGEST, span_of(all.list[1].key, all.list[1].key_size), span_of(v, DAY_RECORD_SIZE));
	expect_bad(today() + 1, "it does not follow the day before");
	v[29] ^= 1;
	put(STORE_DIGEST, span_of(all.list[1].key, all.list[1].key_size), span_of(v, DAY_RECORD_SIZE));
	expect_bad(today(), "its signature does not hold");
	put(STORE_DIGEST, span_of(all.list[1].key, all.list[1].key_size), (struct span){NULL, 0});
	expect_bad(today() + 1, "it does not follow the day before");
	sign_key_free(other);
	snprintf(path, sizeof path, "%s/digest.key", other_dir);
	cr_assert_eq(unlink(path), 0);
	rmdir(other_dir);
}

Test(day_chain, what_was_written_before_there_was_a_log_is_put_into_it_once)
{
	put(STORE_AUDIT, span_of_string("0123456789abcdef"), span_of_string("x"));
	put(STORE_CASE, span_of_string("\x02 event"), span_of_string("x"));
	put(STORE_CASE, span_of_string("\x01 case"), span_of_string("x"));
	for (int i = 0; i < 2; i++) {
		cr_assert_eq(days_open(store), STATUS_OK);
		cr_expect_eq(rows_of(STORE_DIGEST).count, 2);
	}
	close_until(1);
	expect_bad(INT32_MIN, "");
}

Test(day_chain, the_key_is_the_owner_s_alone_and_stays)
{
	struct stat seen;
	char path[96];
	struct sign_key *again;
	snprintf(path, sizeof path, "%s/digest.key", dir);
	cr_assert_eq(stat(path, &seen), 0);
	cr_expect_eq(seen.st_mode & 0777, 0600);
	cr_assert_eq(sign_key_open(dir, true, &again), STATUS_OK);
	cr_expect_arr_eq(sign_key_public(again), sign_key_public(key), SIGN_PUBLIC_SIZE);
	sign_key_free(again);
	cr_assert_eq(truncate(path, 10), 0);
	cr_expect_eq(sign_key_open(dir, true, &again), STATUS_CORRUPT, "never another one in its place");
	cr_assert_eq(unlink(path), 0);
	cr_expect_eq(sign_key_open(dir, false, &again), STATUS_NOT_FOUND);
}

/* --- what of the audit is older than it must be kept --- */

Test(day_chain, rows_of_the_audit_that_expired_are_not_missed, .timeout = 120)
{
	uint64_t gone;
	look("li");
	look("wang");
	cr_assert_gt(close_until(AUDIT_MONTHS_MIN * AUDIT_DAYS_PER_MONTH + 40), 1000u);
	int64_t later_ms = now_ms + (AUDIT_MONTHS_MIN * AUDIT_DAYS_PER_MONTH + 40) * MS_PER_DAY;
	cr_assert_eq(audit_expire(store, now_ms + MS_PER_DAY, later_ms, &gone), STATUS_OK);
	cr_expect_eq(gone, 2u);
	expect_bad(INT32_MIN, "");
	cr_assert_eq(audit_expire(store, now_ms + MS_PER_DAY, later_ms, &gone), STATUS_OK);
	cr_expect_eq(gone, 0u);
}

Test(day_chain, the_minimum_cannot_be_undercut)
{
	uint64_t gone;
	look("li");
	close_until(3);
	cr_assert_eq(audit_expire(store, now_ms + MS_PER_DAY, now_ms + 3 * MS_PER_DAY, &gone), STATUS_OK);
	cr_expect_eq(gone, 0u);
	expect_bad(INT32_MIN, "");
	/* a mark that somebody wrote himself excuses nothing */
	uint8_t mark[8];
	struct rows looks = rows_of(STORE_AUDIT);
	store_be64(mark, (uint64_t)(now_ms + MS_PER_DAY));
	put(STORE_META, span_of_string("audit expired"), span_of(mark, sizeof mark));
	put(STORE_AUDIT, span_of(looks.list[0].key, looks.list[0].key_size), (struct span){NULL, 0});
	expect_bad(today(), "a row is gone");
}
