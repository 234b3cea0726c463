#include <criterion/criterion.h>

#include "engine/core/clock.h"
#include "engine/series/device_class.h"
#include "engine/series/report.h"
#include "engine/store/keys.h"
#include "engine/store/store.h"

Test(store_keys, a_block_key_is_device_biased_time_and_seq_big_endian)
{
	static const uint8_t expected[KEY_BLOCK_SIZE] = {1, 2, 3, 4, 5, 6, 7, 8, 0x80, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 9};
	uint8_t key[KEY_BLOCK_SIZE];
	key_block(&(struct block_key){UINT64_C(0x0102030405060708), 256, 9}, key);
	cr_assert_arr_eq(key, expected, sizeof key);
}

Test(store_keys, a_held_block_key_carries_class_odd_and_hash)
{
	struct held_block_key in = {{7, -5, 3}, DEVICE_CLASS_COACH, true, 0x1122334455667788}, out;
	uint8_t key[KEY_HELD_BLOCK_SIZE];
	key_held_block(&in, HELD_BLOCK, key);
	cr_assert_eq(key[0], HELD_BLOCK);
	cr_assert_eq(key_held_block_parse(span_of(key, sizeof key), HELD_BLOCK, &out), STATUS_OK);
	cr_assert_eq(out.block.device, 7);
	cr_assert_eq(out.block.time_first_ms, -5);
	cr_assert_eq(out.block.seq, 3);
	cr_assert_eq(out.class_code, DEVICE_CLASS_COACH);
	cr_assert(out.odd);
	cr_assert_eq(out.hash, 0x1122334455667788);
	cr_assert_eq(key_held_block_parse(span_of(key, sizeof key - 1), HELD_BLOCK, &out), STATUS_CORRUPT);
	key[22] = 2;
	cr_assert_eq(key_held_block_parse(span_of(key, sizeof key), HELD_BLOCK, &out), STATUS_CORRUPT);
}

Test(store_keys, a_hold_key_gives_back_case_device_and_span)
{
	struct hold_key in = {"QZ-2026-17", 42, -1, INT64_MAX}, out;
	uint8_t key[KEY_HOLD_MAX];
	size_t size = key_hold(&in, key);
	cr_assert_eq(size, 1 + 10 + 1 + KEY_HOLD_TAIL_SIZE);
	cr_assert_eq(key_hold_parse(span_of(key, size), &out), STATUS_OK);
	cr_assert_str_eq(out.case_number, "QZ-2026-17");
	cr_assert_eq(out.device, 42);
	cr_assert_eq(out.from_ms, -1);
	cr_assert_eq(out.to_ms, INT64_MAX);
	for (size_t cut = 0; cut < size; cut++)
		cr_assert_eq(key_hold_parse(span_of(key, cut), &out), STATUS_CORRUPT);
}

Test(store_keys, a_family_is_named_by_kind_class_and_month)
{
	char name[FAMILY_NAME_MAX];
	family_name((struct family_id){FAMILY_TRACK, DEVICE_CLASS_MUCK_TRUCK, 202611}, name);
	cr_assert_str_eq(name, "track.muck.202611");
	family_name((struct family_id){FAMILY_MESSAGE, DEVICE_CLASS_FISHING_BOAT, MONTH_ODD}, name);
	cr_assert_str_eq(name, "message.fishing.odd");
}

Test(store_keys, every_family_name_parses_back)
{
	static const uint32_t months[] = {MONTH_ODD, MONTH_FIRST, 202612, MONTH_LAST};
	for (uint8_t kind = 0; kind < FAMILY_KIND_COUNT; kind++)
		for (uint8_t class_code = 0; class_code < DEVICE_CLASS_COUNT; class_code++)
			for (size_t m = 0; m < sizeof months / sizeof *months; m++) {
				struct family_id in = {kind, class_code, months[m]}, out;
				char name[FAMILY_NAME_MAX];
				family_name(in, name);
				cr_assert_eq(family_name_parse(span_of_string(name), &out), STATUS_OK, "%s", name);
				cr_assert(family_id_equal(in, out), "%s", name);
			}
}

Test(store_keys, other_names_are_no_time_families)
{
	static const char *const names[] = {"",
					    "track",
					    "track.",
					    "track.muck",
					    "track.muck.",
					    "track.muck.202613",
					    "track.muck.202600",
					    "track.muck.199912",
					    "track.muck.210001",
					    "track.muck.2026011",
					    "track.muck.20260a",
					    "track.lorry.202601",
					    "tracks.muck.202601",
					    "track..202601",
					    "meta",
					    "track.muck.odd.",
					    "."};
	struct family_id id;
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		cr_assert_eq(family_name_parse(span_of_string(names[i]), &id), STATUS_NOT_FOUND, "%s", names[i]);
}

Test(store_keys, a_drop_row_names_class_and_month)
{
	struct family_id in = {FAMILY_TRACK, DEVICE_CLASS_PERSON, 202602}, out;
	uint8_t key[KEY_DROP_SIZE];
	key_drop(in, key);
	cr_assert_eq(key_drop_parse(span_of(key, sizeof key), &out), STATUS_OK);
	cr_assert(family_id_equal(in, out));
	key[4] = DEVICE_CLASS_COUNT;
	cr_assert_eq(key_drop_parse(span_of(key, sizeof key), &out), STATUS_CORRUPT);
}

static int64_t at(int year, int month, int day)
{
	struct civil c = {.year = year, .month = (uint8_t)month, .day = (uint8_t)day};
	return civil_to_ms(&c);
}

Test(store_keys, a_month_begins_and_ends_in_utc)
{
	cr_assert_eq(month_of(at(2026, 11, 1)), 202611);
	cr_assert_eq(month_of(at(2026, 11, 1) - 1), 202610);
	cr_assert_eq(month_start(202611), at(2026, 11, 1));
	cr_assert_eq(store_month_end(at(2026, 11, 30)), at(2026, 12, 1));
	cr_assert_eq(store_month_end(at(2026, 12, 31)), at(2027, 1, 1));
	cr_assert_eq(store_month_end(at(2026, 12, 1) - 1), at(2026, 12, 1));
	cr_assert_eq(store_month_end(at(1969, 12, 31)), 0);
}

Test(store_keys, months_outside_the_calendar_of_families_are_clamped)
{
	cr_assert_eq(month_of(INT64_MIN), MONTH_FIRST);
	cr_assert_eq(month_of(INT64_MAX), MONTH_LAST);
	cr_assert_eq(month_of(at(1999, 12, 31)), MONTH_FIRST);
	cr_assert_eq(month_of(at(2100, 1, 1)), MONTH_LAST);
}

Test(store_keys, an_event_is_odd_three_years_before_or_a_day_after_its_receipt)
{
	int64_t received = at(2026, 11, 24);
	cr_assert_not(store_time_is_odd(received, received));
	cr_assert_not(store_time_is_odd(received + MS_PER_DAY, received));
	cr_assert(store_time_is_odd(received + MS_PER_DAY + 1, received));
	cr_assert_not(store_time_is_odd(received - 1096 * MS_PER_DAY, received));
	cr_assert(store_time_is_odd(received - 1096 * MS_PER_DAY - 1, received));
}

Test(store_keys, without_a_receipt_only_the_century_counts)
{
	cr_assert_not(store_time_is_odd(at(2000, 1, 1), RECEIVED_UNKNOWN));
	cr_assert(store_time_is_odd(at(2000, 1, 1) - 1, RECEIVED_UNKNOWN));
	cr_assert_not(store_time_is_odd(at(2100, 1, 1) - 1, RECEIVED_UNKNOWN));
	cr_assert(store_time_is_odd(at(2100, 1, 1), RECEIVED_UNKNOWN));
}

Test(store_keys, the_ends_of_time_are_odd_whatever_the_receipt)
{
	static const int64_t receipts[] = {RECEIVED_UNKNOWN, INT64_MIN + 1, 0, INT64_MAX};
	for (size_t i = 0; i < sizeof receipts / sizeof *receipts; i++) {
		cr_assert(store_time_is_odd(INT64_MIN, receipts[i]));
		cr_assert(store_time_is_odd(INT64_MAX, receipts[i]));
	}
	cr_assert(store_time_is_odd(at(2026, 1, 1), INT64_MAX));
	cr_assert(store_time_is_odd(at(2026, 1, 1), INT64_MIN + 1));
}
