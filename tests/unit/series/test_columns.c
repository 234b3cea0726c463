#include <criterion/criterion.h>
#include <math.h>

#include "engine/series/int_column.h"
#include "engine/series/lz4.h"
#include "engine/series/reckon.h"
#include "engine/series/run_column.h"

static uint8_t bytes[INT_COLUMN_BYTES_MAX];
static uint32_t values[INT_COLUMN_ROOM], back[INT_COLUMN_ROOM];

static size_t round_trip(size_t count)
{
	static uint8_t plain[INT_COLUMN_BYTES_MAX];
	size_t size = int_column_encode(values, count, bytes);
	cr_assert_leq(size, INT_COLUMN_BYTES_MAX);
	cr_assert_eq(int_column_encode_plain(values, count, plain), size, "with vectors of any width");
	cr_assert_eq(memcmp(plain, bytes, size), 0);
	cr_assert_eq(int_column_cost(values, count), int_column_cost_plain(values, count));
	cr_assert_eq(int_column_decode(&series_kernels_plain, span_of(bytes, size), count, back), STATUS_OK);
	cr_assert_eq(memcmp(values, back, count * sizeof *values), 0);
	return size;
}

Test(int_column, zeros_take_nothing)
{
	memset(values, 0, sizeof values);
	cr_assert_eq(round_trip(1), 0);
	cr_assert_eq(round_trip(BLOCK_REPORTS_MAX), 0);
}

Test(int_column, one_outlier_among_zeros_takes_a_few_bytes)
{
	memset(values, 0, sizeof values);
	values[700] = 1000000;
	cr_assert_leq(round_trip(BLOCK_REPORTS_MAX), 8);
}

Test(int_column, the_largest_values_everywhere_come_back_and_fit)
{
	memset(values, 0xff, sizeof values);
	for (size_t count = 1; count <= BLOCK_REPORTS_MAX; count += 31)
		round_trip(count);
	round_trip(BLOCK_REPORTS_MAX);
}

Test(int_column, every_width_comes_back)
{
	for (unsigned width = 0; width <= 32; width++) {
		for (size_t i = 0; i < BLOCK_REPORTS_MAX; i++)
			values[i] = width ? (uint32_t)(i * UINT32_C(2654435761)) >> (32 - width) : 0;
		round_trip(BLOCK_REPORTS_MAX);
		round_trip(65);
	}
}

Test(int_column, quotients_of_four_values_that_fill_a_word_come_back)
{
	/* k is 0 where most values are small; quotients up to 24 then follow one another */
	uint64_t random = 1;
	for (unsigned round = 0; round < 2000; round++) {
		size_t count = 1 + (random >> 33) % BLOCK_REPORTS_MAX;
		for (size_t i = 0; i < count; i++) {
			random = random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
			values[i] = (uint32_t)(random >> 33) % (random >> 60 ? 2 : 27) << round % 26;
		}
		round_trip(count);
	}
}

Test(int_column, a_column_cut_short_or_lengthened_is_corrupt)
{
	for (size_t i = 0; i < 100; i++)
		values[i] = (uint32_t)(i * 37 % 91);
	size_t size = int_column_encode(values, 100, bytes);
	for (size_t cut = 1; cut < size; cut++)
		cr_assert_eq(int_column_decode(&series_kernels_plain, span_of(bytes, cut), 100, back), STATUS_CORRUPT);
	bytes[size] = 1;
	cr_assert_eq(int_column_decode(&series_kernels_plain, span_of(bytes, size + 1), 100, back), STATUS_CORRUPT);
}

Test(run_column, a_constant_is_one_number_and_changes_come_back)
{
	struct buf out = buf_init(1 << 16);
	uint32_t words[100], again[100];
	for (size_t i = 0; i < 100; i++)
		words[i] = 3;
	cr_assert_eq(run_column_encode(words, 100, &out), STATUS_OK);
	cr_assert_eq(out.size, 1);
	words[40] = 0xffffffff;
	words[99] = 0;
	buf_clear(&out);
	cr_assert_eq(run_column_encode(words, 100, &out), STATUS_OK);
	cr_assert_eq(run_column_decode(buf_view(&out), 100, again), STATUS_OK);
	cr_assert_eq(memcmp(words, again, sizeof words), 0);
	cr_assert_eq(run_column_decode(buf_view(&out), 99, again), STATUS_CORRUPT);
	buf_deinit(&out);
}

Test(lz4, what_does_not_shrink_is_kept_as_it_is)
{
	struct buf out = buf_init(1 << 16);
	uint8_t same[500], again[500];
	size_t size;
	memset(same, 7, sizeof same);
	cr_assert_eq(lz4_pack(span_of("abc", 3), &out, &size), STATUS_OK);
	cr_assert_eq(size, 3);
	cr_assert_eq(lz4_pack(span_of(same, sizeof same), &out, &size), STATUS_OK);
	cr_assert_lt(size, 20);
	cr_assert_eq(lz4_unpack(span_of(out.data + 3, size), again, sizeof again), STATUS_OK);
	cr_assert_eq(memcmp(same, again, sizeof same), 0);
	cr_assert_eq(lz4_unpack(span_of(out.data + 3, size - 1), again, sizeof again), STATUS_CORRUPT);
	buf_deinit(&out);
}

Test(reckon, the_table_of_directions_is_rounded_from_the_circle)
{
	for (int d = 0; d <= 360; d++) {
		double angle = d * 3.14159265358979323846 / 180;
		cr_assert_eq(reckon_directions[d].north, lround(cos(angle) * RECKON_SCALE), "%d degrees", d);
		cr_assert_eq(reckon_directions[d].east, lround(sin(angle) * RECKON_SCALE), "%d degrees", d);
	}
	cr_assert_eq(reckon_directions[361].north, 0);
	cr_assert_eq(reckon_directions[361].east, 0);
}

Test(reckon, a_hundred_kilometres_an_hour_for_ten_seconds_is_277_metres)
{
	static uint16_t speed[INT_COLUMN_ROOM], course[INT_COLUMN_ROOM];
	static struct reckoning r;
	int64_t time[4] = {0, 10000, 20000, 90000};
	speed[0] = speed[1] = speed[2] = speed[3] = 1000;
	course[2] = course[3] = 90;
	reckon(&series_kernels_plain, time, -1, speed, course, 4, 249000000, 10, &r);
	/* 110,770 m per degree of latitude and 101,090 of longitude there */
	cr_assert_float_eq(r.north[1], 277.78 / 0.11077, 5);
	cr_assert_eq(r.east[1], 0);
	cr_assert_float_eq(r.north[2], 138.89 / 0.11077, 5);
	cr_assert_float_eq(r.east[2], 138.89 / 0.10109, 5);
	cr_assert_eq(r.east[3], 0, "a gap of 70 s steps nowhere");
}
