#include <criterion/criterion.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "engine/fleet/cards.h"

static char dir[64];
static struct store *store;

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st, (void)type, (void)ftw;
	return remove(path);
}

static void begin(void)
{
	struct store_options options = {.dir = dir, .create = true};
	snprintf(dir, sizeof dir, "/tmp/zayton-cards-XXXXXX");
	cr_assert(mkdtemp(dir));
	cr_assert_eq(store_open(&options, &store), STATUS_OK);
}

static void end(void)
{
	store_close(store);
	nftw(dir, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

TestSuite(cards, .init = begin, .fini = end);

static void put_row(struct span key, struct span value)
{
	struct store_batch *batch;
	cr_assert_eq(store_batch_new(store, &batch), STATUS_OK);
	store_batch_put(batch, STORE_CONTEXT, key, value);
	cr_assert_eq(store_commit(store, batch, true), STATUS_OK);
	store_batch_free(batch);
}

static void put_card(uint64_t device, int64_t time_ms, uint64_t driver)
{
	uint8_t key[CARD_KEY_SIZE];
	card_key(device, time_ms, driver, key);
	put_row(span_of(key, sizeof key), span_of("\x07\x02", 2));
}

/* "time:driver ..." */
static void expect_cards(uint64_t device, int64_t from_ms, int64_t to_ms, const char *expected)
{
	char text[256] = "";
	struct card_list l = {0};
	cr_assert_eq(cards_read(store, device, from_ms, to_ms, &l), STATUS_OK);
	for (size_t i = 0; i < l.count; i++)
		sprintf(text + strlen(text), "%s%lld:%llu", i ? " " : "", (long long)l.list[i].time_ms,
			(unsigned long long)l.list[i].driver);
	cr_expect_str_eq(text, expected);
	cards_deinit(&l);
	cr_expect_eq(l.count, 0);
}

Test(cards, of_one_device_within_a_span_in_order_of_time)
{
	put_card(5, 3000, 12);
	put_card(5, 1000, 11);
	put_card(5, 2000, 0);
	put_card(5, -1000, 10);
	put_card(4, 1500, 13);
	put_card(6, 1500, 14);
	expect_cards(5, INT64_MIN, INT64_MAX, "-1000:10 1000:11 2000:0 3000:12");
	expect_cards(5, 1000, 2000, "1000:11 2000:0");
	expect_cards(5, 1001, 1999, "");
	expect_cards(6, 0, INT64_MAX, "1500:14");
	expect_cards(7, 0, INT64_MAX, "");
}

Test(cards, more_than_fit_at_first_are_all_read)
{
	struct card_list l = {0};
	for (int i = 0; i < 40; i++)
		put_card(9, 1000 + i, (uint64_t)i + 1);
	cr_assert_eq(cards_read(store, 9, INT64_MIN, INT64_MAX, &l), STATUS_OK);
	cr_assert_eq(l.count, 40);
	cr_expect_eq(l.list[39].driver, 40);
	cards_deinit(&l);
}

/* a permit lies in the same family, behind another first byte */
Test(cards, other_rows_of_the_family_are_none)
{
	put_row(span_of("\x01P-1", 4), span_of("x", 1));
	put_card(UINT64_MAX, 1000, 1);
	expect_cards(UINT64_MAX, INT64_MIN, INT64_MAX, "1000:1");
	expect_cards(0, INT64_MIN, INT64_MAX, "");
}

Test(cards, a_driver_is_found_where_he_was_named_last)
{
	uint8_t key[CARD_DRIVER_KEY_SIZE], value[16];
	uint64_t device = 0;
	int64_t at_ms = 0;
	cr_expect_eq(card_of_driver(store, 77, &device, &at_ms), STATUS_NOT_FOUND);
	card_driver_key(77, key);
	store_be64(value, 5);
	store_be64(value + 8, 4000);
	put_row(span_of(key, sizeof key), span_of(value, sizeof value));
	cr_assert_eq(card_of_driver(store, 77, &device, &at_ms), STATUS_OK);
	cr_expect_eq(device, 5);
	cr_expect_eq(at_ms, 4000);
	put_row(span_of(key, sizeof key), span_of(value, 15));
	cr_expect_eq(card_of_driver(store, 77, &device, &at_ms), STATUS_CORRUPT);
}
