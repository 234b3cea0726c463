/* Keys compare as bytes as their fields compare, and parse back. */
#include <criterion/criterion.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "engine/core/clock.h"
#include "engine/core/hash.h"
#include "engine/store/keys.h"

#define ROUNDS 200000

static uint64_t seed;

static uint64_t draw(void)
{
	return hash64(span_of(&seed, sizeof seed)) + ++seed;
}

/* Often extreme, often near one another. */
static uint64_t draw_wild(void)
{
	static const uint64_t edges[] = {0, 1, UINT64_C(0x7fffffffffffffff), UINT64_C(0x8000000000000000), UINT64_MAX};
	return draw() % 3 ? edges[draw() % 5] + draw() % 3 : draw();
}

static void seed_init(void)
{
	const char *given = getenv("ZAYTON_SEED");
	seed = given ? strtoull(given, NULL, 10) : (uint64_t)clock_monotonic_ns();
	fprintf(stderr, "ZAYTON_SEED=%" PRIu64 "\n", seed);
}

static int sign(int order)
{
	return (order > 0) - (order < 0);
}

#define COMPARE(a, b) (((a) > (b)) - ((a) < (b)))

Test(store_keys_property, block_keys_order_by_device_time_and_seq, .init = seed_init)
{
	for (int i = 0; i < ROUNDS; i++) {
		struct block_key a = {draw_wild(), (int64_t)draw_wild(), (uint32_t)draw_wild()};
		struct block_key b = {draw_wild(), (int64_t)draw_wild(), (uint32_t)draw_wild()}, back;
		uint8_t x[KEY_BLOCK_SIZE], y[KEY_BLOCK_SIZE];
		int order = COMPARE(a.device, b.device);
		order = order ? order : COMPARE(a.time_first_ms, b.time_first_ms);
		order = order ? order : COMPARE(a.seq, b.seq);
		key_block(&a, x);
		key_block(&b, y);
		cr_assert_eq(sign(memcmp(x, y, sizeof x)), order);
		cr_assert_eq(key_block_parse(span_of(x, sizeof x), &back), STATUS_OK);
		cr_assert(back.device == a.device && back.time_first_ms == a.time_first_ms && back.seq == a.seq);
	}
}

Test(store_keys_property, message_keys_order_by_device_time_and_hash, .init = seed_init)
{
	for (int i = 0; i < ROUNDS; i++) {
		struct message_key a = {draw_wild(), (int64_t)draw_wild(), draw_wild()};
		struct message_key b = {draw_wild(), (int64_t)draw_wild(), draw_wild()}, back;
		uint8_t x[KEY_MESSAGE_SIZE], y[KEY_MESSAGE_SIZE];
		int order = COMPARE(a.device, b.device);
		order = order ? order : COMPARE(a.time_ms, b.time_ms);
		order = order ? order : COMPARE(a.hash, b.hash);
		key_message(&a, x);
		key_message(&b, y);
		cr_assert_eq(sign(memcmp(x, y, sizeof x)), order);
		cr_assert_eq(key_message_parse(span_of(x, sizeof x), &back), STATUS_OK);
		cr_assert(back.device == a.device && back.time_ms == a.time_ms && back.hash == a.hash);
	}
}
