#include <criterion/criterion.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/core/clock.h"
#include "ingest/platform/link_store.h"

static char dir[64];
static struct store *store;

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st, (void)type, (void)ftw;
	return remove(path);
}

static void begin(void)
{
	snprintf(dir, sizeof dir, "/tmp/zayton-links-XXXXXX");
	cr_assert(mkdtemp(dir));
	struct store_options options = {.dir = dir, .create = true};
	cr_assert_eq(store_open(&options, &store), STATUS_OK);
}

static void end(void)
{
	store_close(store);
	nftw(dir, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

TestSuite(link_store, .init = begin, .fini = end);

#define MINUTE 60000

static void up(const char *link, int64_t from_min, int64_t to_min)
{
	struct link_session s = {from_min * MINUTE, to_min * MINUTE, 10, 1, 0, 0};
	cr_assert_eq(link_session_put(store, link, &s), STATUS_OK);
}

/* A month of 31 days has 44,640 minutes; 44,193.6 of them are 99 %. */
Test(link_store, connectivity_is_online_minutes_of_all_minutes)
{
	struct link_rate r;
	up("bus", 0, 40000);
	up("bus", 40446, 44640);
	up("bus-2", 0, 10);
	cr_assert_eq(link_rate_of(store, "bus", 0, INT64_C(44640) * MINUTE, &r), STATUS_OK);
	cr_expect_eq(r.online_minutes, 44194);
	cr_expect_eq(r.total_minutes, 44640);
	cr_expect_eq(r.rate_e4, 9900);
	cr_expect_eq(r.sessions, 2);
	cr_expect_eq(r.positions, 20);
	cr_assert_eq(link_rate_of(store, "bus-2", 0, 20 * MINUTE, &r), STATUS_OK);
	cr_expect_eq(r.rate_e4, 5000);
}

Test(link_store, a_span_cuts_sessions_and_overlaps_count_once)
{
	struct link_rate r;
	up("bus", 0, 100);
	up("bus", 50, 150); /* its end was not known when the next began */
	cr_assert_eq(link_rate_of(store, "bus", 25 * MINUTE, 225 * MINUTE, &r), STATUS_OK);
	cr_expect_eq(r.online_minutes, 125);
	cr_expect_eq(r.rate_e4, 6250);
	up("bus", 50, 160); /* the same session, later */
	cr_assert_eq(link_rate_of(store, "bus", 0, 200 * MINUTE, &r), STATUS_OK);
	cr_expect_eq(r.online_minutes, 160);
	cr_expect_eq(link_rate_of(store, "bus", 5, 5, &r), STATUS_INVALID);
}

static enum status collect(void *context, const struct link_ask *a)
{
	*(struct link_ask *)context = *a;
	return STATUS_OK;
}

Test(link_store, asks_come_back_as_they_were_put)
{
	static struct link_ask a, back;
	a = (struct link_ask){.id = 7,
			      .kind = LINK_ASK_SUPERVISION,
			      .incoming = true,
			      .object_type = 2,
			      .level = 1,
			      .limit_min = 10,
			      .alarm_type = 0xa001,
			      .serial = UINT32_MAX,
			      .their_id = 99,
			      .asked_ms = 1,
			      .due_ms = 2,
			      .sent_ms = 3,
			      .answered_ms = 4,
			      .from_ms = 5,
			      .to_ms = 6,
			      .result = -1,
			      .link = "bus",
			      .plate = "2:闽C12345",
			      .object = "350500",
			      .who = "local",
			      .text = "在岗吗",
			      .answer = "在岗",
			      .answerer = "王"};
	cr_assert_eq(link_ask_put(store, &a), STATUS_OK);
	cr_assert_eq(link_asks(store, 6, collect, &back), STATUS_OK);
	cr_expect_eq(memcmp(&a, &back, sizeof a), 0);
	back.id = 0;
	cr_assert_eq(link_asks(store, 7, collect, &back), STATUS_OK);
	cr_expect_eq(back.id, 0);
}

static enum status add_mark(void *context, const struct link_mark *m)
{
	*(int64_t *)context += m->time_ms * 100 + m->received_ms + (int64_t)m->device + (int64_t)m->hash;
	return STATUS_OK;
}

Test(link_store, marks_of_one_link_are_not_those_of_another)
{
	const struct link_mark marks[2] = {{1, 10, 5, 100}, {2, 20, 6, 200}};
	int64_t sum = 0;
	uint64_t feed;
	cr_assert_eq(link_marks_put(store, "up", marks, 2, 42), STATUS_OK);
	cr_assert_eq(link_marks_put(store, "up-2", marks, 1, 43), STATUS_OK);
	cr_assert_eq(link_marks(store, "up", add_mark, &sum), STATUS_OK);
	cr_expect_eq(sum, 3000 + 300 + 3 + 11);
	cr_assert_eq(link_feed_get(store, "up", &feed), STATUS_OK);
	cr_expect_eq(feed, 42);
	cr_assert_eq(link_feed_get(store, "none", &feed), STATUS_OK);
	cr_expect_eq(feed, 0);
}
