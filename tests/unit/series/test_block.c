#include <criterion/criterion.h>

#include "engine/core/hash.h"
#include "engine/geo/distance.h"
#include "engine/series/block.h"

static struct report reports[BLOCK_REPORTS_MAX + 1];

/* A parked vehicle, every 10 s. */
static void park(size_t count)
{
	for (size_t i = 0; i < count; i++) {
		reports[i] = (struct report){.time_ms = INT64_C(1767313815000) + (int64_t)i * 10000,
					     .received_ms = RECEIVED_UNKNOWN,
					     .lat_e7 = 249000000,
					     .lon_e7 = 1186000000,
					     .status = STATUS_BIT_FIX,
					     .mileage_hm = 5,
					     .body = REPORT_BODY_ROW};
		report_row_seal(&reports[i]);
	}
}

static size_t encoded_size(size_t count)
{
	struct buf out = buf_init(BLOCK_BYTES_MAX);
	cr_assert_eq(block_encode(reports, count, &out), STATUS_OK);
	size_t size = out.size;
	buf_deinit(&out);
	return size;
}

Test(block, a_parked_and_frozen_receiver_costs_next_to_nothing)
{
	park(1024);
	size_t few = (park(2), encoded_size(2)), many = (park(1024), encoded_size(1024));
	cr_assert_leq(many, few + 3, "1,022 more reports took %zu bytes", many - few);
}

Test(block, what_is_no_run_of_reports_is_refused_and_leaves_the_buffer)
{
	struct buf out = buf_init(BLOCK_BYTES_MAX);
	cr_assert_eq(buf_append(&out, "abc", 3), STATUS_OK);
	park(BLOCK_REPORTS_MAX + 1);
	cr_assert_eq(block_encode(reports, 0, &out), STATUS_EMPTY);
	cr_assert_eq(block_encode(reports, BLOCK_REPORTS_MAX + 1, &out), STATUS_INVALID);
	reports[1] = reports[0];
	cr_assert_eq(block_encode(reports, 2, &out), STATUS_INVALID, "the same report twice");
	reports[1].time_ms = reports[0].time_ms + BLOCK_SPAN_MAX_MS + 1;
	cr_assert_eq(block_encode(reports, 2, &out), STATUS_INVALID, "too long a span");
	reports[1].time_ms--;
	cr_assert_eq(block_encode(reports, 2, &out), STATUS_OK);
	out.size = 3;
	reports[0].lat_e7 = LAT_E7_MAX + 1;
	cr_assert_eq(block_encode(reports, 1, &out), STATUS_INVALID);
	cr_assert_eq(out.size, 3);
	buf_deinit(&out);
}

Test(block, a_buffer_without_room_is_left_as_it_was)
{
	struct buf out = buf_init(100);
	park(1024);
	cr_assert_eq(buf_append(&out, "abc", 3), STATUS_OK);
	cr_assert_eq(block_encode(reports, 1024, &out), STATUS_FULL);
	cr_assert_eq(out.size, 3);
	buf_deinit(&out);
}

static struct block_summary summary_of(size_t count)
{
	struct block_summary s;
	struct buf out = buf_init(BLOCK_BYTES_MAX);
	for (size_t i = 0; i < count; i++)
		report_row_seal(&reports[i]);
	cr_assert_eq(block_encode(reports, count, &out), STATUS_OK);
	cr_assert_eq(block_summarise(buf_view(&out), &s), STATUS_OK);
	buf_deinit(&out);
	return s;
}

Test(block, the_summary_tells_what_the_reports_hold)
{
	park(5);
	reports[0].mileage_hm = MILEAGE_UNKNOWN;
	reports[1].lat_e7 += 1000;
	reports[1].speed_dkmh = 300;
	reports[1].alarm = 2;
	reports[2].speed_dkmh = SPEED_UNKNOWN;
	reports[2].lat_e7 = 0; /* no fix: not in the box, no leg */
	reports[2].lon_e7 = 0;
	reports[2].status = 0;
	reports[2].flags = REPORT_FLAG_NO_FIX | REPORT_FLAG_BACKFILL;
	reports[3].lon_e7 += 2000;
	reports[4].alarm = 4;
	reports[4].mileage_hm = 9;
	struct block_summary s = summary_of(5);
	cr_assert_eq(s.count, 5);
	cr_assert_eq(s.fixes, 4);
	cr_assert_eq(s.time_first_ms, reports[0].time_ms);
	cr_assert_eq(s.time_last_ms, reports[4].time_ms);
	cr_assert_eq(s.lat_min_e7, 249000000);
	cr_assert_eq(s.lat_max_e7, 249001000);
	cr_assert_eq(s.lon_min_e7, 1186000000);
	cr_assert_eq(s.lon_max_e7, 1186002000);
	cr_assert_eq(s.alarm_or, 6);
	cr_assert_eq(s.status_or, STATUS_BIT_FIX);
	cr_assert_eq(s.status_and, 0);
	cr_assert_eq(s.mileage_first_hm, 5);
	cr_assert_eq(s.mileage_last_hm, 9);
	cr_assert_eq(s.speed_max_dkmh, 300);
	cr_assert_eq(s.flags_or, REPORT_FLAG_NO_FIX | REPORT_FLAG_BACKFILL);
	int64_t legs = distance_mm(249000000, 1186000000, 249001000, 1186000000) +
		       distance_mm(249001000, 1186000000, 249000000, 1186002000) +
		       distance_mm(249000000, 1186002000, 249000000, 1186000000);
	cr_assert_eq(s.distance_mm, (uint64_t)legs);
}

Test(block, a_summary_of_unknowns_says_unknown)
{
	park(3);
	for (size_t i = 0; i < 3; i++) {
		reports[i].status = 0;
		reports[i].flags = REPORT_FLAG_NO_FIX;
		reports[i].speed_dkmh = SPEED_UNKNOWN;
		reports[i].mileage_hm = MILEAGE_UNKNOWN;
	}
	struct block_summary s = summary_of(3);
	cr_assert_eq(s.fixes, 0);
	cr_assert_gt(s.lat_min_e7, s.lat_max_e7);
	cr_assert_gt(s.lon_min_e7, s.lon_max_e7);
	cr_assert_eq(s.speed_max_dkmh, SPEED_UNKNOWN);
	cr_assert_eq(s.mileage_first_hm, MILEAGE_UNKNOWN);
	cr_assert_eq(s.mileage_last_hm, MILEAGE_UNKNOWN);
	cr_assert_eq(s.distance_mm, 0);
}

Test(block, a_summary_row_comes_back_and_a_cut_one_is_corrupt)
{
	park(7);
	struct block_summary s = summary_of(7), again;
	struct buf out = buf_init(1 << 10);
	cr_assert_eq(block_summary_encode(&s, &out), STATUS_OK);
	memset(&again, 0, sizeof again);
	cr_assert_eq(block_summary_decode(buf_view(&out), &again), STATUS_OK);
	cr_assert_eq(again.distance_mm, s.distance_mm);
	cr_assert_eq(again.time_last_ms, s.time_last_ms);
	cr_assert_eq(again.lon_max_e7, s.lon_max_e7);
	for (size_t cut = 0; cut < out.size; cut++)
		cr_assert_eq(block_summary_decode(span_of(out.data, cut), &again), STATUS_CORRUPT);
	out.data[0]++;
	cr_assert_eq(block_summary_decode(buf_view(&out), &again), STATUS_BAD_VERSION);
	buf_deinit(&out);
}

/* 300 reports, ten seconds apart, from half past: 180 of the first hour and 120 of the second */
Test(block, a_row_keeps_the_speeds_of_each_hour_and_a_cut_one_is_corrupt)
{
	struct block_summary s, again;
	struct block_hours hours;
	struct buf block = buf_init(BLOCK_BYTES_MAX), row = buf_init(1 << 10);
	park(300);
	for (size_t i = 0; i < 300; i++) {
		reports[i].time_ms = INT64_C(1767196800000) + 1800000 + (int64_t)i * 10000;
		reports[i].speed_dkmh = i == 7 ? SPEED_UNKNOWN : i < 180 ? 2 : 5;
		report_row_seal(&reports[i]);
	}
	cr_assert_eq(block_encode(reports, 300, &block), STATUS_OK);
	cr_assert_eq(block_summarise(buf_view(&block), &s), STATUS_OK);
	cr_assert_eq(block_row_encode(&s, buf_view(&block), &row), STATUS_OK);
	cr_assert_eq(block_row_decode(buf_view(&row), &again, &hours), STATUS_OK);
	cr_assert_eq(again.distance_mm, s.distance_mm);
	cr_assert_eq(hours.first, 1767196800000 / 3600000);
	cr_assert_eq(hours.count, 2);
	cr_assert_eq(hours.hours[0].count, 179);
	cr_assert_eq(hours.hours[0].sum_dkmh, 358);
	cr_assert_eq(hours.hours[1].count, 120);
	cr_assert_eq(hours.hours[1].sum_dkmh, 600);
	for (size_t cut = 0; cut < row.size; cut++)
		cr_assert_eq(block_row_decode(span_of(row.data, cut), &again, &hours), STATUS_CORRUPT);
	row.data[0]++;
	cr_assert_eq(block_row_decode(buf_view(&row), &again, &hours), STATUS_BAD_VERSION);
	/* a row of before */
	buf_clear(&row);
	cr_assert_eq(block_summary_encode(&s, &row), STATUS_OK);
	cr_assert_eq(block_row_decode(buf_view(&row), &again, &hours), STATUS_OK);
	cr_assert_eq(hours.count, 0);
	/* part of it: the 180th is the first of the second hour */
	cr_assert_eq(block_hours(buf_view(&block), reports[178].time_ms, reports[180].time_ms, &hours), STATUS_OK);
	cr_assert_eq(hours.hours[0].count, 2);
	cr_assert_eq(hours.hours[1].count, 1);
	cr_assert_eq(block_hour_of(-1), -1);
	cr_assert_eq(block_hour_of(-3600000), -1);
	cr_assert_eq(block_hour_of(-3600001), -2);
	buf_deinit(&block);
	buf_deinit(&row);
}

Test(block, the_parts_add_up_to_the_block_and_have_names)
{
	struct buf out = buf_init(BLOCK_BYTES_MAX);
	size_t parts[BLOCK_PART_COUNT], sum = 0;
	park(100);
	cr_assert_eq(block_encode(reports, 100, &out), STATUS_OK);
	cr_assert_eq(block_parts(buf_view(&out), parts), STATUS_OK);
	for (int p = 0; p < BLOCK_PART_COUNT; p++) {
		sum += parts[p];
		cr_assert_not_null(block_part_names[p]);
	}
	cr_assert_eq(sum, out.size);
	buf_deinit(&out);
}

Test(block, a_later_version_is_told_apart_from_damage)
{
	struct buf out = buf_init(BLOCK_BYTES_MAX);
	struct block_summary s;
	struct report_list l = report_list_init(2000, 1 << 20);
	park(10);
	cr_assert_eq(block_encode(reports, 10, &out), STATUS_OK);
	out.data[0] = 2;
	cr_assert_eq(block_summarise(buf_view(&out), &s), STATUS_BAD_VERSION);
	cr_assert_eq(block_reports(buf_view(&out), &l), STATUS_BAD_VERSION);
	cr_assert_eq(block_check(buf_view(&out)), STATUS_BAD_VERSION);
	buf_deinit(&out);
	report_list_deinit(&l);
}

Test(block, a_header_that_contradicts_its_reports_fails_the_check)
{
	struct buf out = buf_init(BLOCK_BYTES_MAX);
	park(10);
	cr_assert_eq(block_encode(reports, 10, &out), STATUS_OK);
	cr_assert_eq(block_check(buf_view(&out)), STATUS_OK);
	out.data[2]++; /* one fix fewer; the checksum made right again */
	uint64_t checksum = hash64(span_of(out.data, out.size - 8));
	store_le64(out.data + out.size - 8, checksum);
	cr_assert_eq(block_check(buf_view(&out)), STATUS_CORRUPT);
	buf_deinit(&out);
}

Test(block, a_list_that_cannot_take_all_reports_keeps_what_it_had)
{
	struct buf out = buf_init(BLOCK_BYTES_MAX);
	struct report_list l = report_list_init(12, 1 << 20);
	park(10);
	cr_assert_eq(block_encode(reports, 10, &out), STATUS_OK);
	cr_assert_eq(block_reports(buf_view(&out), &l), STATUS_OK);
	cr_assert_eq(block_reports(buf_view(&out), &l), STATUS_FULL);
	cr_assert_eq(l.count, 10);
	buf_deinit(&out);
	report_list_deinit(&l);
}
