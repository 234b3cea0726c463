#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "engine/fleet/ring.h"

struct record {
	uint32_t size;
	uint32_t number;
	uint8_t fill[];
};

static struct record *push(struct ring *r, uint32_t number, size_t extra)
{
	struct record *record = ring_push(r, sizeof *record + extra);
	if (record) {
		record->number = number;
		memset(record->fill, (int)(number & 0xff), extra);
	}
	return record;
}

Test(ring, gives_records_back_in_order_through_growth_and_wrapping)
{
	struct ring r = ring_init(1u << 20);
	unsigned seed = 7;
	uint32_t pushed = 0, popped = 0;
	for (int round = 0; round < 20000; round++) {
		unsigned choice = rand_r(&seed);
		if (choice % 3 && push(&r, pushed, choice / 3 % 600))
			pushed++;
		struct record *first = ring_first(&r);
		if (choice % 5 == 0 && first) {
			cr_assert_eq(first->number, popped);
			for (size_t i = 0; i + sizeof *first + 8 < first->size; i++)
				cr_assert_eq(first->fill[i], popped & 0xff);
			ring_pop(&r);
			popped++;
		}
	}
	uint32_t expected = popped;
	for (struct record *at = ring_first(&r); at; at = ring_next(&r, at))
		cr_assert_eq(at->number, expected++);
	cr_assert_eq(expected, pushed);
	cr_assert_eq(r.count, pushed - popped);
	ring_deinit(&r);
}

Test(ring, refuses_what_would_pass_its_bound_and_keeps_the_rest)
{
	struct ring r = ring_init(1u << 17);
	uint32_t pushed = 0;
	while (push(&r, pushed, 1000))
		pushed++;
	cr_assert_gt(pushed, 100u);
	cr_assert_leq(r.capacity, 1u << 17);
	for (uint32_t i = 0; i < pushed; i++) {
		cr_assert_eq(((struct record *)ring_first(&r))->number, i);
		ring_pop(&r);
	}
	cr_assert_null(ring_first(&r));
	ring_deinit(&r);
}

Test(ring, takes_the_last_record_back_even_after_wrapping)
{
	struct ring r = ring_init(65536);
	uint32_t pushed = 0;
	while (push(&r, pushed, 5000))
		pushed++;
	ring_pop(&r);
	ring_pop(&r);
	cr_assert_not_null(push(&r, pushed, 5000)); /* at the start of the memory */
	ring_drop_last(&r);
	uint32_t expected = 2;
	for (struct record *at = ring_first(&r); at; at = ring_next(&r, at))
		cr_assert_eq(at->number, expected++);
	cr_assert_eq(expected, pushed);
	ring_deinit(&r);
}
