#include <criterion/criterion.h>

#include "engine/core/clock.h"
#include "engine/core/hash.h"
#include "engine/core/limits.h"
#include "engine/series/report.h"

/* alarm 1, status ACC + fix, 24.9 N, 118.6 E, 31 m, 43.2 km/h, 271 degrees, 2026-01-02 08:30:15 UTC+8, odometer
 * 123456.7 km, and an item of an unknown vendor */
static const uint8_t sample[] = {0x00, 0x00, 0x00, 0x01, 0x00, 0x00, 0x00, 0x03, 0x01, 0x7b, 0xf1, 0xa0, 0x07,
				 0x11, 0xb1, 0x40, 0x00, 0x1f, 0x01, 0xb0, 0x01, 0x0f, 0x26, 0x01, 0x02, 0x08,
				 0x30, 0x15, 0x01, 0x04, 0x00, 0x12, 0xd6, 0x87, 0xeb, 0x03, 0x0a, 0x0b, 0x0c};

Test(report, a_location_body_becomes_canonical_units)
{
	struct report r;
	cr_assert_eq(report_from_jt808(span_of(sample, sizeof sample), &r), STATUS_OK);
	cr_assert_eq(r.time_ms, INT64_C(1767313815000));
	cr_assert_eq(r.received_ms, RECEIVED_UNKNOWN);
	cr_assert_eq(r.hash, hash64(span_of(sample, sizeof sample)));
	cr_assert_eq(r.lat_e7, 249000000);
	cr_assert_eq(r.lon_e7, 1186000000);
	cr_assert_eq(r.alarm, 1);
	cr_assert_eq(r.status, STATUS_BIT_ACC | STATUS_BIT_FIX);
	cr_assert_eq(r.mileage_hm, 1234567);
	cr_assert_eq(r.speed_dkmh, 432);
	cr_assert_eq(r.course_deg, 271);
	cr_assert_eq(r.altitude_m, 31);
	cr_assert_eq(r.flags, 0);
	cr_assert_eq(r.body, REPORT_BODY_JT808);
	cr_assert_eq(r.items_size, 11);
}

Test(report, hemisphere_bits_give_the_signs_and_a_missing_fix_is_flagged)
{
	struct report r;
	uint8_t body[28];
	memcpy(body, sample, sizeof body);
	body[7] = STATUS_BIT_SOUTH | STATUS_BIT_WEST | STATUS_BIT_OFFSET;
	cr_assert_eq(report_from_jt808(span_of(body, sizeof body), &r), STATUS_OK);
	cr_assert_eq(r.lat_e7, -249000000);
	cr_assert_eq(r.lon_e7, -1186000000);
	cr_assert_eq(r.flags, REPORT_FLAG_NO_FIX | REPORT_FLAG_OFFSET);
	cr_assert_eq(r.mileage_hm, MILEAGE_UNKNOWN);
}

Test(report, a_body_that_says_no_place_or_time_is_refused)
{
	struct report r;
	uint8_t body[28];
	cr_assert_eq(report_from_jt808(span_of(sample, 27), &r), STATUS_BAD_LENGTH);
	memcpy(body, sample, sizeof body);
	store_be32(body + 8, 90000001);
	cr_assert_eq(report_from_jt808(span_of(body, sizeof body), &r), STATUS_OUT_OF_RANGE);
	store_be32(body + 8, 90000000);
	cr_assert_eq(report_from_jt808(span_of(body, sizeof body), &r), STATUS_OK);
	store_be32(body + 12, 180000001);
	cr_assert_eq(report_from_jt808(span_of(body, sizeof body), &r), STATUS_OUT_OF_RANGE);
	store_be32(body + 12, 180000000);
	body[24] = 0x32;
	cr_assert_eq(report_from_jt808(span_of(body, sizeof body), &r), STATUS_BAD_TIME);
}

Test(report, the_first_odometer_item_of_four_bytes_counts_and_a_cut_list_ends_the_search)
{
	static const uint8_t two[] = {1, 2, 0, 9, 1, 4, 0, 0, 0, 7, 1, 4, 0, 0, 0, 8};
	static const uint8_t cut[] = {0x30, 9, 1, 4, 0, 0, 0, 7};
	cr_assert_eq(report_items_mileage(span_of(two, sizeof two)), 7);
	cr_assert_eq(report_items_mileage(span_of(cut, sizeof cut)), MILEAGE_UNKNOWN);
}

Test(report, a_cut_item_hands_over_all_that_is_left)
{
	static const uint8_t items[] = {0x30, 1, 20, 0x31, 3, 9};
	struct cursor c = cursor_of(span_of(items, sizeof items));
	struct report_item item;
	cr_assert_eq(report_item_next(&c, &item), STATUS_OK);
	cr_assert_eq(item.id, 0x30);
	cr_assert_eq(item.value.size, 1);
	cr_assert_eq(report_item_next(&c, &item), STATUS_BAD_LENGTH);
	cr_assert_eq(item.id, 0x31);
	cr_assert(span_equal(item.value, span_of(items + 3, 3)));
	cr_assert_eq(report_item_next(&c, &item), STATUS_END);
}

Test(report, merging_takes_the_earliest_receipt_and_the_common_arrival_flags_in_any_order)
{
	struct report a = {.received_ms = 900, .flags = REPORT_FLAG_BACKFILL | REPORT_FLAG_FROM_BATCH};
	struct report b = {.received_ms = RECEIVED_UNKNOWN, .flags = REPORT_FLAG_BACKFILL};
	struct report c = {.received_ms = 700, .flags = REPORT_FLAG_BACKFILL | REPORT_FLAG_FUTURE};
	struct report ab = a, cb = c;
	report_merge(&ab, &b);
	report_merge(&ab, &c);
	report_merge(&cb, &b);
	report_merge(&cb, &a);
	cr_assert_eq(ab.received_ms, 700);
	cr_assert_eq(cb.received_ms, 700);
	cr_assert_eq(ab.flags, REPORT_FLAG_BACKFILL);
	cr_assert_eq(cb.flags, REPORT_FLAG_BACKFILL);
}

Test(report, a_row_is_known_by_its_image_and_not_by_its_receipt)
{
	struct report a = {.time_ms = -5, .lat_e7 = 1, .lon_e7 = -1, .body = REPORT_BODY_ROW, .received_ms = 1};
	struct report b = a;
	struct buf body = buf_init(REPORT_BODY_MAX);
	b.received_ms = 2;
	b.flags = REPORT_FLAG_BACKFILL;
	report_row_seal(&a);
	report_row_seal(&b);
	cr_assert_eq(a.hash, b.hash);
	cr_assert_eq(report_body(&a, &body), STATUS_OK);
	cr_assert_eq(body.size, REPORT_FIXED_ROW);
	cr_assert_eq(hash64(buf_view(&body)), a.hash);
	b.altitude_m = 1;
	report_row_seal(&b);
	cr_assert_neq(a.hash, b.hash);
	buf_deinit(&body);
}

Test(report, a_long_row_hashes_like_its_body)
{
	static uint8_t items[60000];
	struct report r = {.body = REPORT_BODY_ROW, .items = items, .items_size = sizeof items};
	struct buf body = buf_init(REPORT_BODY_MAX);
	items[59999] = 7;
	report_row_seal(&r);
	cr_assert_eq(report_body(&r, &body), STATUS_OK);
	cr_assert_eq(hash64(buf_view(&body)), r.hash);
	buf_deinit(&body);
}

Test(report, fields_that_no_body_gives_have_no_body)
{
	struct report r;
	struct buf body = buf_init(REPORT_BODY_MAX);
	cr_assert_eq(report_from_jt808(span_of(sample, sizeof sample), &r), STATUS_OK);
	struct report off_grid = r, wrong_side = r, between = r, too_late = r;
	off_grid.lat_e7 += 1;
	wrong_side.lon_e7 = -wrong_side.lon_e7;
	between.time_ms += 1;
	too_late.time_ms = INT64_C(4102416000000);
	cr_assert_eq(report_body(&off_grid, &body), STATUS_INVALID);
	cr_assert_eq(report_body(&wrong_side, &body), STATUS_INVALID);
	cr_assert_eq(report_body(&between, &body), STATUS_INVALID);
	cr_assert_eq(report_body(&too_late, &body), STATUS_INVALID);
	cr_assert_eq(body.size, 0);
	too_late.time_ms -= 1000;
	cr_assert_eq(report_body(&too_late, &body), STATUS_OK);
	buf_deinit(&body);
}
