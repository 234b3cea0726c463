#include <criterion/criterion.h>
#include <stdlib.h>

#include "engine/core/arena.h"
#include "engine/core/bytes.h"
#include "engine/core/histogram.h"
#include "engine/core/status.h"

Test(bytes, a_cursor_never_reads_past_its_end_and_stays_failed)
{
	uint8_t data[3] = {1, 2, 3};
	struct cursor c = cursor_of(span_of(data, 3));
	cr_assert_eq(cursor_be16(&c), 0x0102);
	cr_assert_eq(cursor_be16(&c), 0);
	cr_assert(c.failed);
	cr_assert_eq(cursor_u8(&c), 0, "one byte is left, but the cursor has failed");
	cr_assert_eq(cursor_take(&c, 0).size, 0);
}

Test(bytes, varints_come_back_and_overlong_ones_fail)
{
	static const uint64_t values[] = {0, 1, 127, 128, 16383, 16384, UINT32_MAX, UINT64_MAX >> 1, UINT64_MAX};
	for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
		uint8_t out[10];
		size_t size = varint_store(out, values[i]);
		struct cursor c = cursor_of(span_of(out, size));
		cr_assert_eq(cursor_varint(&c), values[i]);
		cr_assert(!c.failed && !cursor_left(&c));
		for (size_t cut = 0; cut < size; cut++) {
			struct cursor short_one = cursor_of(span_of(out, cut));
			cursor_varint(&short_one);
			cr_assert(short_one.failed);
		}
	}
	uint8_t overlong[11] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x02, 0};
	struct cursor c = cursor_of(span_of(overlong, sizeof overlong));
	cursor_varint(&c);
	cr_assert(c.failed);
}

Test(bytes, zigzag_keeps_every_extreme)
{
	static const int64_t values[] = {0, -1, 1, INT32_MIN, INT32_MAX, INT64_MIN, INT64_MAX};
	for (size_t i = 0; i < sizeof values / sizeof *values; i++)
		cr_assert_eq(unzigzag64(zigzag64(values[i])), values[i]);
	cr_assert_eq(unzigzag32(zigzag32(INT32_MIN)), INT32_MIN);
	cr_assert_eq(zigzag32(-1), 1u);
	cr_assert_eq(zigzag64(1), 2u);
}

Test(bytes, a_buffer_holds_its_maximum_and_not_a_byte_more)
{
	struct buf b = buf_init(100);
	for (int i = 0; i < 100; i++)
		cr_assert_eq(buf_append_u8(&b, (uint8_t)i), STATUS_OK);
	cr_assert_eq(buf_append_u8(&b, 0), STATUS_FULL);
	cr_assert_eq(b.size, 100);
	cr_assert_eq(buf_reserve(&b, SIZE_MAX), STATUS_FULL, "no overflow");
	buf_deinit(&b);
	cr_assert_eq(buf_printf(&b, "%d-%s", 42, "x"), STATUS_OK);
	cr_assert(span_equal(buf_view(&b), span_of_string("42-x")));
	buf_deinit(&b);
}

Test(bytes, hex_comes_back_and_bad_hex_changes_nothing)
{
	struct buf b = buf_init(64);
	char text[9];
	cr_assert_eq(hex_decode(&b, span_of_string("00fFa5C3")), STATUS_OK);
	hex_encode(text, buf_view(&b));
	cr_assert_str_eq(text, "00ffa5c3");
	cr_assert_eq(hex_decode(&b, span_of_string("0g")), STATUS_MALFORMED);
	cr_assert_eq(hex_decode(&b, span_of_string("012")), STATUS_MALFORMED);
	cr_assert_eq(b.size, 4);
	buf_deinit(&b);
}

Test(arena, memory_is_aligned_stays_valid_and_is_bounded)
{
	struct arena a = arena_init(1u << 20);
	uint64_t *first = arena_alloc(&a, 8);
	cr_assert_not_null(first);
	*first = 42;
	char *odd = arena_copy(&a, "abc", 3);
	uint64_t *second = arena_alloc(&a, 8);
	cr_assert_eq((uintptr_t)second % 8, 0);
	cr_assert_eq(memcmp(odd, "abc", 3), 0);
	size_t more = 0;
	while (arena_alloc(&a, 5000))
		more++;
	cr_assert_gt(more, 180);
	cr_assert_leq(a.total, 1u << 20);
	cr_assert_eq(*first, 42);
	arena_reset(&a);
	cr_assert_not_null(arena_alloc(&a, 5000));
	arena_deinit(&a);
}

Test(histogram, quantiles_are_within_a_sixteenth)
{
	static struct histogram h;
	for (uint64_t v = 1; v <= 100000; v++)
		histogram_add(&h, v, 1);
	static const double parts[] = {0.01, 0.5, 0.9, 0.99, 1.0};
	for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
		double got = (double)histogram_quantile(&h, parts[i]), exact = parts[i] * 100000;
		cr_assert(got >= exact * 0.99 && got <= exact * 1.07, "%g: %g for %g", parts[i], got, exact);
	}
	cr_assert_eq(h.max, 100000);
	histogram_add(&h, UINT64_MAX, 1);
	cr_assert_eq(h.max, UINT64_MAX);
	static struct histogram empty;
	cr_assert_eq(histogram_quantile(&empty, 0.5), 0);
}

Test(status, every_status_has_a_name_a_text_and_a_class)
{
	for (int s = 0; s < STATUS_COUNT; s++) {
		cr_assert_gt(strlen(status_name((enum status)s)), 0);
		cr_assert_gt(strlen(status_text((enum status)s)), 0);
		for (int t = 0; t < s; t++)
			cr_assert_str_neq(status_name((enum status)s), status_name((enum status)t));
	}
	cr_assert_eq(status_class(STATUS_BAD_CHECKSUM), STATUS_CLASS_peer);
	cr_assert_eq(status_class(STATUS_INVALID), STATUS_CLASS_caller);
	cr_assert_eq(status_class(STATUS_IO), STATUS_CLASS_system);
	cr_assert_str_eq(status_name((enum status)9999), "UNKNOWN");
}
