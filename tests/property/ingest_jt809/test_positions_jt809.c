/* Positions with random fields, forwarded and rebuilt: what is taken in can be given back bit for bit. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "ingest/jt809/jt809.h"

static uint64_t state;

static uint32_t next_random(void)
{
	state = state * UINT64_C(6364136223846793005) + 1442695040888963407u;
	return (uint32_t)(state >> 32);
}

static void seed(void)
{
	const char *given = getenv("ZAYTON_SEED");
	state = given ? strtoull(given, NULL, 10) : (uint64_t)time(NULL);
	printf("seed %llu (ZAYTON_SEED)\n", (unsigned long long)state);
}

/* Random fields that are a time and a place more often than not. */
static void old_fields(uint8_t *f)
{
	for (unsigned i = 0; i < 35; i++)
		f[i] = (uint8_t)next_random();
	if (next_random() % 8 == 0)
		return;
	f[0] = (uint8_t)(1 + next_random() % 28);
	f[1] = (uint8_t)(1 + next_random() % 12);
	store_be16(f + 2, (uint16_t)(2000 + next_random() % 100));
	f[4] = (uint8_t)(next_random() % 24);
	f[5] = (uint8_t)(next_random() % 60);
	f[6] = (uint8_t)(next_random() % 60);
	store_be32(f + 7, next_random() % 180000001);
	store_be32(f + 11, next_random() % 90000001);
}

static void check(struct span data, unsigned *taken)
{
	uint8_t room[1024];
	struct report r;
	size_t size;
	struct buf out = buf_init(1u << 16);
	if (jt809_position_decode(data, room, sizeof room, &r, &size) == STATUS_OK) {
		++*taken;
		cr_assert(report_is_whole(&r));
		cr_assert_eq(jt809_position_rebuild(&r, &out), STATUS_OK);
		cr_assert(span_equal(buf_view(&out), data));
		buf_clear(&out);
		/* and from the body the engine rebuilds */
		cr_assert_eq(report_body(&r, &out), STATUS_OK);
		cr_assert(span_equal(buf_view(&out), span_of(room, size)));
	}
	buf_deinit(&out);
}

Test(positions_jt809, what_is_taken_in_is_rebuilt_bit_for_bit)
{
	uint8_t data[512];
	unsigned taken = 0;
	seed();
	for (unsigned i = 0; i < 200000; i++) {
		size_t size = JT809_POSITION_2011;
		data[0] = (uint8_t)(next_random() % 4 == 0 ? next_random() : 0);
		if (i % 3 == 0) {
			old_fields(data + 1);
		} else {
			size_t body = i % 3 == 1 ? 35 : 28 + next_random() % 60, tail = next_random() % 3 * 45 / 2;
			store_be32(data + 1, (uint32_t)body);
			for (size_t k = 5; k < 5 + body + tail; k++)
				data[k] = (uint8_t)(k < 5 + body ? next_random() : next_random() % 2);
			if (i % 3 == 1)
				old_fields(data + 5);
			else
				memcpy(data + 5 + 22, (uint8_t[]){0x26, 0x11, 0x20, 0x10, 0x05, 0x30}, 6);
			if (i % 3 == 2) {
				store_be32(data + 5 + 8, next_random() % 90000001);
				store_be32(data + 5 + 12, next_random() % 180000001);
			}
			size = 5 + body + tail;
		}
		check(span_of(data, size), &taken);
	}
	cr_expect_gt(taken, 100000);
}
