#include <criterion/criterion.h>
#include <stdlib.h>

#include "engine/fleet/streams.h"

#define RECEIVED INT64_C(1764547200000)

static uint64_t state = 42;

static uint64_t next(void)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state;
}

static struct value random_number(int64_t time_ms)
{
	struct value v = {.time_ms = time_ms};
	if (next() % 3)
		value_set_decimal(&v, (int64_t)next() >> next() % 64, (unsigned)(next() % 16));
	else if (value_set_double(&v, (double)(next() >> 9) / 3e9))
		abort();
	v.quality = next() % 5 ? 0 : (uint8_t)(next() % VALUE_QUALITY_COUNT);
	return v;
}

Test(values_body, groups_and_single_values_come_back_in_order)
{
	for (int round = 0; round < 200; round++) {
		static struct value in[4000];
		static uint64_t of[4000];
		struct values_body body = values_body_init();
		size_t count = 0;
		int64_t time_ms = (int64_t)(next() >> 1) - (INT64_MAX / 2);
		for (unsigned g = 0; g < 1 + next() % 30; g++) {
			struct values_group group;
			uint64_t stream = next();
			values_group_clear(&group);
			for (unsigned i = 0; i < next() % 100; i++) {
				time_ms += next() % 4 ? 10000 : (int64_t)next() % 100000;
				in[count] = random_number(time_ms);
				if (!values_group_add(&group, &in[count]))
					break;
				of[count++] = stream;
			}
			cr_assert_eq(values_body_add_group(&body, stream, &group), STATUS_OK);
			in[count] = random_number(time_ms);
			of[count] = next();
			cr_assert_eq(values_body_add(&body, of[count], &in[count], (struct span){NULL, 0}), STATUS_OK);
			count++;
		}
		struct values_cursor c;
		struct value v;
		struct span text;
		uint64_t stream;
		cr_assert_eq(values_cursor_open(buf_view(&body.bytes), RECEIVED, &c), STATUS_OK);
		for (size_t i = 0; i < count; i++) {
			cr_assert_eq(values_cursor_next(&c, &stream, &v, &text), STATUS_OK, "%zu of %zu", i, count);
			cr_assert_eq(stream, of[i]);
			cr_assert(value_same(&v, &in[i]), "%zu of %zu", i, count);
			cr_assert_eq(v.delay_min, value_delay(v.time_ms, RECEIVED));
		}
		cr_assert_eq(values_cursor_next(&c, &stream, &v, &text), STATUS_END);
		cr_assert_eq(body.count, count);
		values_body_deinit(&body);
	}
}

Test(values_body, a_group_of_regular_times_takes_three_bytes_a_value)
{
	struct values_body body = values_body_init();
	struct values_group group;
	struct value v = {.time_ms = RECEIVED};
	values_group_clear(&group);
	for (int i = 0; i < 40; i++, v.time_ms += 10000) {
		value_set_decimal(&v, 2350 + i * 3 + 1, 2);
		cr_assert(values_group_add(&group, &v));
	}
	cr_assert_eq(values_body_add_group(&body, 7, &group), STATUS_OK);
	cr_assert_leq(body.bytes.size, 1 + 8 + 6 + 1 + 40 * 3 + 3);
	values_body_deinit(&body);
}

/* 7: 23.5 then 24.0 ten seconds later, quality 8; as bodies were before there were groups. */
Test(values_body, bodies_of_version_1_are_read)
{
	static const uint8_t body[] = {1,    7, 0, 0, 0, 0, 0, 0, 0, 0x80, 0x90, 0xcc, 0xbe, 0xda, 0x66, 0x08,
				       0xd6, 3, 7, 0, 0, 0, 0, 0, 0, 0,    0xa0, 0x9c, 0x01, 0x04, 48,   8};
	struct values_cursor c;
	struct value v;
	struct span text;
	uint64_t stream;
	cr_assert_eq(values_cursor_open(span_of(body, sizeof body), RECEIVED, &c), STATUS_OK);
	cr_assert_eq(values_cursor_next(&c, &stream, &v, &text), STATUS_OK);
	cr_assert(stream == 7 && v.bits == 235 && v.scale == 1 && !v.quality);
	int64_t first_ms = v.time_ms;
	cr_assert_eq(values_cursor_next(&c, &stream, &v, &text), STATUS_OK);
	cr_assert(stream == 7 && v.bits == 24 && v.scale == 0 && v.quality == 8);
	cr_assert_eq(v.time_ms, first_ms + 10000);
	cr_assert_eq(values_cursor_next(&c, &stream, &v, &text), STATUS_END);
}
