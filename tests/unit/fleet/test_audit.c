#include <criterion/criterion.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "engine/fleet/audit.h"

static char dir[64];
static struct store *store;

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st, (void)type, (void)ftw;
	return remove(path);
}

static void open_store(void)
{
	struct store_options options = {.dir = dir, .create = true};
	cr_assert_eq(store_open(&options, &store), STATUS_OK);
}

static void begin(void)
{
	snprintf(dir, sizeof dir, "/tmp/zayton-audit-XXXXXX");
	cr_assert(mkdtemp(dir));
	open_store();
}

static void end(void)
{
	store_close(store);
	nftw(dir, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

TestSuite(audit, .init = begin, .fini = end);

struct seen {
	int64_t at_ms[32];
	uint64_t device[32];
	struct audit_entry last;
	size_t count;
};

static enum status note(void *context, const struct audit_entry *e)
{
	struct seen *s = context;
	s->at_ms[s->count] = e->at_ms;
	s->device[s->count++] = e->device;
	s->last = *e;
	return STATUS_OK;
}

static void look(int64_t at_ms, uint64_t device)
{
	struct audit_entry e = {.at_ms = at_ms, .who = principal_local, .action = "track", .device = device};
	cr_assert_eq(audit_write(store, &e), STATUS_OK);
}

Test(audit, an_entry_is_read_as_it_was_written)
{
	struct audit_entry e = {.at_ms = 1780000000123,
				.who = {"交警·李", "company:泉运"},
				.action = "export",
				.device = UINT64_MAX,
				.from_ms = INT64_MIN,
				.to_ms = INT64_MAX,
				.case_number = "闽公交 2026-1"};
	struct seen s = {.count = 0};
	cr_assert_eq(audit_write(store, &e), STATUS_OK);
	store_close(store);
	open_store();
	cr_assert_eq(audit_read(store, INT64_MAX, 10, note, &s), STATUS_OK);
	cr_assert_eq(s.count, 1);
	cr_assert_eq(s.last.at_ms, e.at_ms);
	cr_assert_eq(s.last.device, e.device);
	cr_assert_eq(s.last.from_ms, e.from_ms);
	cr_assert_eq(s.last.to_ms, e.to_ms);
	cr_assert_str_eq(s.last.who.name, e.who.name);
	cr_assert_str_eq(s.last.who.scope, e.who.scope);
	cr_assert_str_eq(s.last.action, e.action);
	cr_assert_str_eq(s.last.case_number, e.case_number);
}

Test(audit, the_newest_comes_first_up_to_a_number_before_a_time)
{
	static const int64_t times[] = {3000, -5, 1000, 2000, INT64_C(1) << 60};
	for (size_t i = 0; i < 5; i++)
		look(times[i], i);
	struct seen s = {.count = 0};
	cr_assert_eq(audit_read(store, INT64_MAX, 10, note, &s), STATUS_OK);
	cr_assert_eq(s.count, 5);
	for (size_t i = 1; i < 5; i++)
		cr_assert(s.at_ms[i] < s.at_ms[i - 1]);
	s.count = 0;
	cr_assert_eq(audit_read(store, 3000, 2, note, &s), STATUS_OK);
	cr_assert_eq(s.count, 2);
	cr_assert_eq(s.at_ms[0], 2000);
	cr_assert_eq(s.at_ms[1], 1000);
	s.count = 0;
	cr_assert_eq(audit_read(store, INT64_MIN, 2, note, &s), STATUS_OK);
	cr_assert_eq(audit_read(store, INT64_MAX, 0, note, &s), STATUS_OK);
	cr_assert_eq(s.count, 0);
}

Test(audit, looks_of_one_millisecond_are_all_kept_latest_first)
{
	for (uint64_t i = 0; i < 20; i++)
		look(7, i);
	struct seen s = {.count = 0};
	cr_assert_eq(audit_read(store, 8, 32, note, &s), STATUS_OK);
	cr_assert_eq(s.count, 20);
	for (size_t i = 0; i < 20; i++)
		cr_assert_eq(s.device[i], 19 - i);
}

static enum status refuse(void *context, const struct audit_entry *e)
{
	(void)context, (void)e;
	return STATUS_CANCELLED;
}

Test(audit, a_visitor_may_stop_the_walk)
{
	look(1, 1);
	cr_assert_eq(audit_read(store, 8, 32, refuse, NULL), STATUS_CANCELLED);
}

Test(audit, text_without_an_end_is_refused)
{
	struct audit_entry e = {.at_ms = 1, .who = principal_local};
	memset(e.action, 'x', sizeof e.action);
	cr_assert_eq(audit_write(store, &e), STATUS_INVALID);
}

Test(audit, a_damaged_entry_is_told)
{
	struct store_batch *batch;
	struct seen s = {.count = 0};
	uint8_t key[16] = {1}, value[] = {1, 2, 3};
	cr_assert_eq(store_batch_new(store, &batch), STATUS_OK);
	store_batch_put(batch, STORE_AUDIT, span_of(key, sizeof key), span_of(value, sizeof value));
	cr_assert_eq(store_commit(store, batch, true), STATUS_OK);
	store_batch_free(batch);
	cr_assert_eq(audit_read(store, INT64_MAX, 32, note, &s), STATUS_CORRUPT);
	cr_assert_eq(s.count, 0);
}

Test(audit, an_entry_of_version_1_is_still_read)
{
	/* version, device, from, to, "li", "all", "track", "case-7" */
	static const uint8_t row[] = "\x01\0\0\0\0\0\0\0\x07\0\0\0\0\0\0\0\x01\0\0\0\0\0\0\0\x02"
				     "\x02li\x03"
				     "all\x05track\x06"
				     "case-7";
	uint8_t key[16] = {0x80};
	struct seen s = {0};
	struct store_batch *b;
	cr_assert_eq(store_batch_new(store, &b), STATUS_OK);
	store_batch_put(b, STORE_AUDIT, span_of(key, sizeof key), span_of(row, sizeof row - 1));
	cr_assert_eq(store_commit(store, b, true), STATUS_OK);
	store_batch_free(b);
	cr_assert_eq(audit_read(store, INT64_MAX, 1, note, &s), STATUS_OK);
	cr_expect_str_eq(s.last.who.name, "li");
	cr_expect_str_eq(s.last.case_number, "case-7");
	cr_expect_eq(s.last.device, 7u);
	cr_expect_eq(s.last.to_ms, 2);
	cr_expect_str_eq(s.last.who.role, "");
}
