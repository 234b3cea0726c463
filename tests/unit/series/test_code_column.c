#include <criterion/criterion.h>
#include <stdlib.h>

#include "engine/series/code_column.h"
#include "engine/series/value_column.h"

static uint64_t state;

static uint64_t next(void)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state;
}

static uint64_t values[VALUE_BLOCK_MAX], back[VALUE_BLOCK_MAX];
static uint8_t column[CODE_COLUMN_BYTES_MAX];

static size_t round_trip(size_t count)
{
	size_t size = code_column_encode(values, count, column);
	cr_assert_leq(size, CODE_COLUMN_BYTES_MAX);
	memset(back, 0xa5, sizeof back);
	cr_assert_eq(code_column_decode(span_of(column, size), count, back), STATUS_OK);
	cr_assert_eq(memcmp(values, back, count * sizeof *values), 0);
	return size;
}

Test(code_column, numbers_of_every_width_and_count_come_back)
{
	state = 88172645463325252u;
	for (int round = 0; round < 600; round++) {
		size_t count = 1 + next() % (round % 3 ? 300 : VALUE_BLOCK_MAX);
		unsigned width = (unsigned)(next() % 64), kind = (unsigned)(next() % 4);
		for (size_t i = 0; i < count; i++)
			values[i] = kind == 0   ? next() >> width
				    : kind == 1 ? next() >> next() % 64
				    : kind == 2 ? next() % 20
						: (next() % 500 ? width : next());
		round_trip(count);
	}
}

Test(code_column, a_single_number_repeated_takes_next_to_nothing)
{
	for (size_t i = 0; i < VALUE_BLOCK_MAX; i++)
		values[i] = 7;
	cr_assert_leq(round_trip(VALUE_BLOCK_MAX), 13);
}

Test(code_column, what_hardly_ever_changes_takes_less_than_a_bit)
{
	state = 5;
	for (size_t i = 0; i < VALUE_BLOCK_MAX; i++)
		values[i] = next() % 10 ? 0 : 1 + next() % 2; /* 0.569 bits each */
	cr_assert_leq(round_trip(VALUE_BLOCK_MAX), VALUE_BLOCK_MAX * 58 / 800 + 20);
}

Test(code_column, every_symbol_at_once_fits_its_table)
{
	size_t n = 0;
	for (unsigned shift = 0; shift < 64; shift++)
		for (unsigned k = 4; k < 8 && n < VALUE_BLOCK_MAX; k++)
			values[n++] = shift < 62 ? (uint64_t)k << shift : UINT64_MAX;
	round_trip(n);
	for (; n < VALUE_BLOCK_MAX; n++)
		values[n] = 3;
	round_trip(n);
}

Test(code_column, a_column_cut_short_or_changed_is_refused_or_others)
{
	state = 9;
	for (size_t i = 0; i < 500; i++)
		values[i] = next() % 100;
	size_t size = code_column_encode(values, 500, column);
	for (size_t cut = 0; cut < size; cut++)
		cr_assert_eq(code_column_decode(span_of(column, cut), 500, back), STATUS_CORRUPT, "cut at %zu", cut);
	for (int round = 0; round < 2000; round++) {
		uint8_t *copy = malloc(size); /* its own: what reads past it is seen */
		memcpy(copy, column, size);
		copy[next() % size] ^= (uint8_t)(1u << next() % 8);
		if (!code_column_decode(span_of(copy, size), 500, back))
			cr_assert_neq(memcmp(values, back, 500 * sizeof *values), 0);
		free(copy);
	}
}

Test(value_column, the_smaller_code_is_taken)
{
	struct buf out = buf_init(1u << 20);
	state = 3;
	for (size_t i = 0; i < 1000; i++)
		values[i] = next() % 10 == 0;
	cr_assert_eq(value_column_encode(values, 1000, &out), STATUS_OK);
	cr_assert_eq(out.data[0], 1);
	buf_clear(&out);
	cr_assert_eq(value_column_encode(values, 20, &out), STATUS_OK);
	cr_assert_eq(out.data[0], 0);
	buf_clear(&out);
	memset(values, 0, sizeof values);
	cr_assert_eq(value_column_encode(values, VALUE_BLOCK_MAX, &out), STATUS_OK);
	cr_assert_eq(out.size, 0);
	buf_deinit(&out);
}
