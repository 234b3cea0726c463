#include <criterion/criterion.h>

#include "ingest/jt808/fragments.h"
#include "tests/unit/ingest_jt808/vectors_jt808.h"

static const struct fragment_limits wide = {.sets_max = 64,
					    .bytes_max = 4u << 20,
					    .terminal_sets_max = 8,
					    .terminal_bytes_max = 2u << 20,
					    .expiry_ms = 60000};
static struct fragment_set set;
static struct span message;

/* Part `index` of `total`, whose first part has serial `base`. */
static enum status add(struct fragments *f, uint64_t terminal, uint16_t base, uint16_t index, uint16_t total,
		       const char *body, int64_t now_ms)
{
	struct jt808_header h = {.message_id = 0x0801,
				 .serial = (uint16_t)(base + index - 1),
				 .is_fragment = true,
				 .fragment_total = total,
				 .fragment_index = index,
				 .body = span_of_string(body)};
	return fragments_add(f, terminal, &h, now_ms, &set, &message);
}

Test(fragments, parts_in_any_order_give_the_message)
{
	static const uint8_t orders[6][3] = {{1, 2, 3}, {1, 3, 2}, {2, 1, 3}, {2, 3, 1}, {3, 1, 2}, {3, 2, 1}};
	static const char *const parts[] = {"", "one ", "two ", "three"};
	for (size_t i = 0; i < 6; i++) {
		struct fragments *f = fragments_new(&wide);
		for (size_t k = 0; k < 2; k++)
			cr_assert_eq(add(f, 1, 100, orders[i][k], 3, parts[orders[i][k]], 0), STATUS_NEED_MORE);
		cr_assert_eq(add(f, 1, 100, orders[i][2], 3, parts[orders[i][2]], 0), STATUS_OK);
		cr_assert(span_equal(message, span_of_string("one two three")));
		cr_assert_eq(set.first_serial, 100);
		cr_assert_eq(set.held, 3);
		fragments_free(f);
	}
}

Test(fragments, serials_wrap_inside_a_message)
{
	struct fragments *f = fragments_new(&wide);
	cr_assert_eq(add(f, 1, 65535, 2, 3, "b", 0), STATUS_NEED_MORE);
	cr_assert_eq(add(f, 1, 65535, 1, 3, "a", 0), STATUS_NEED_MORE);
	cr_assert_eq(add(f, 1, 65535, 3, 3, "c", 0), STATUS_OK);
	cr_assert(span_equal(message, span_of_string("abc")));
	cr_assert_eq(set.first_serial, 65535);
	fragments_free(f);
}

Test(fragments, a_part_that_comes_twice_is_told_and_counts_once)
{
	struct fragments *f = fragments_new(&wide);
	cr_assert_eq(add(f, 1, 5, 1, 2, "a", 0), STATUS_NEED_MORE);
	cr_assert_eq(add(f, 1, 5, 1, 2, "a", 0), STATUS_EXISTS);
	cr_assert_eq(set.held, 1);
	cr_assert_eq(add(f, 1, 5, 2, 2, "b", 0), STATUS_OK);
	cr_assert(span_equal(message, span_of_string("ab")));
	fragments_free(f);
}

Test(fragments, a_part_repeated_after_the_end_does_not_open_a_set_that_never_fills)
{
	struct fragments *f = fragments_new(&wide);
	cr_assert_eq(add(f, 1, 5, 1, 2, "a", 0), STATUS_NEED_MORE);
	cr_assert_eq(add(f, 1, 5, 2, 2, "b", 0), STATUS_OK);
	cr_assert_eq(add(f, 1, 5, 2, 2, "b", 1000), STATUS_EXISTS);
	cr_assert_eq(fragments_ask(f, 50000, 1000, &set), STATUS_END);
	cr_assert_eq(fragments_expire(f, 100000, &set), STATUS_END, "nothing was lost");
	cr_assert_eq(fragments_bytes(f), 0);
	fragments_free(f);
}

Test(fragments, a_repeat_with_other_bytes_begins_the_message_anew)
{
	struct fragments *f = fragments_new(&wide);
	cr_assert_eq(add(f, 1, 5, 1, 2, "a", 0), STATUS_NEED_MORE);
	cr_assert_eq(add(f, 1, 5, 2, 2, "b", 0), STATUS_OK);
	/* the terminal restarted: serials from the beginning, another picture */
	cr_assert_eq(add(f, 1, 5, 1, 2, "A", 10), STATUS_NEED_MORE);
	cr_assert_eq(add(f, 1, 5, 2, 2, "B", 10), STATUS_OK);
	cr_assert(span_equal(message, span_of_string("AB")));
	fragments_free(f);
}

Test(fragments, terminals_messages_and_totals_do_not_mix)
{
	struct fragments *f = fragments_new(&wide);
	cr_assert_eq(add(f, 1, 5, 1, 2, "a", 0), STATUS_NEED_MORE);
	cr_assert_eq(add(f, 2, 5, 2, 2, "b", 0), STATUS_NEED_MORE);
	cr_assert_eq(add(f, 1, 6, 2, 2, "c", 0), STATUS_NEED_MORE);
	cr_assert_eq(add(f, 1, 5, 2, 3, "d", 0), STATUS_NEED_MORE);
	cr_assert_eq(add(f, 1, 5, 2, 2, "e", 0), STATUS_OK);
	cr_assert(span_equal(message, span_of_string("ae")));
	fragments_free(f);
}

Test(fragments, an_index_outside_of_the_message_is_refused)
{
	struct fragments *f = fragments_new(&wide);
	cr_assert_eq(add(f, 1, 5, 0, 2, "a", 0), STATUS_OUT_OF_RANGE);
	cr_assert_eq(add(f, 1, 5, 3, 2, "a", 0), STATUS_OUT_OF_RANGE);
	cr_assert_eq(add(f, 1, 5, 1, 0, "a", 0), STATUS_OUT_OF_RANGE);
	cr_assert_eq(add(f, 1, 5, 1, FRAGMENTS_PARTS_MAX + 1, "a", 0), STATUS_OUT_OF_RANGE);
	cr_assert_eq(fragments_bytes(f), 0);
	fragments_free(f);
}

Test(fragments, a_message_of_one_part_is_complete_at_once)
{
	struct fragments *f = fragments_new(&wide);
	cr_assert_eq(add(f, 1, 5, 1, 1, "alone", 0), STATUS_OK);
	cr_assert(span_equal(message, span_of_string("alone")));
	fragments_free(f);
}

Test(fragments, an_incomplete_set_expires_once_and_leaves_nothing)
{
	struct fragments *f = fragments_new(&wide);
	cr_assert_eq(add(f, 7, 5, 1, 3, "a", 1000), STATUS_NEED_MORE);
	cr_assert_eq(add(f, 7, 5, 2, 3, "b", 31000), STATUS_NEED_MORE);
	cr_assert_eq(fragments_expire(f, 90999, &set), STATUS_END, "a new part begins the time again");
	cr_assert_eq(fragments_expire(f, 91000, &set), STATUS_OK);
	cr_assert_eq(set.terminal, 7);
	cr_assert_eq(set.message_id, 0x0801);
	cr_assert_eq(set.first_serial, 5);
	cr_assert_eq(set.total, 3);
	cr_assert_eq(set.held, 2);
	cr_assert_eq(fragments_expire(f, 91000, &set), STATUS_END);
	cr_assert_eq(fragments_bytes(f), 0);
	fragments_free(f);
}

Test(fragments, what_is_missing_is_listed_and_asked_for_after_a_silence)
{
	struct fragments *f = fragments_new(&wide);
	uint16_t missing[8];
	cr_assert_eq(add(f, 1, 5, 2, 5, "b", 0), STATUS_NEED_MORE);
	cr_assert_eq(add(f, 1, 5, 5, 5, "e", 0), STATUS_NEED_MORE);
	cr_assert_eq(fragments_missing(f, &set, missing, 8), 3);
	cr_assert_eq(missing[0], 1);
	cr_assert_eq(missing[1], 3);
	cr_assert_eq(missing[2], 4);
	cr_assert_eq(fragments_missing(f, &set, missing, 2), 2);
	cr_assert_eq(fragments_ask(f, 4999, 5000, &set), STATUS_END);
	cr_assert_eq(fragments_ask(f, 5000, 5000, &set), STATUS_OK);
	cr_assert_eq(set.first_serial, 5);
	cr_assert_eq(fragments_ask(f, 5000, 5000, &set), STATUS_END, "asked for once");
	cr_assert_eq(fragments_ask(f, 10000, 5000, &set), STATUS_OK, "and again after the same silence");
	fragments_free(f);
}

Test(fragments, a_terminal_has_its_own_bounds)
{
	struct fragment_limits l = wide;
	l.terminal_bytes_max = 2000;
	l.terminal_sets_max = 2;
	struct fragments *f = fragments_new(&l);
	static char big[1001];
	memset(big, 'x', 1000);
	cr_assert_eq(add(f, 1, 5, 1, 3, big, 0), STATUS_NEED_MORE);
	cr_assert_eq(add(f, 1, 5, 2, 3, big, 0), STATUS_TOO_LONG, "and the set is dropped");
	cr_assert_eq(fragments_bytes(f), 0);
	cr_assert_eq(add(f, 1, 10, 1, 2, "a", 0), STATUS_NEED_MORE);
	cr_assert_eq(add(f, 1, 20, 1, 2, "a", 0), STATUS_NEED_MORE);
	cr_assert_eq(add(f, 1, 30, 1, 2, "a", 0), STATUS_FULL);
	cr_assert_eq(add(f, 2, 30, 1, 2, "a", 0), STATUS_NEED_MORE, "another has room");
	cr_assert_eq(add(f, 1, 10, 2, 2, "b", 0), STATUS_OK);
	cr_assert_eq(add(f, 1, 30, 1, 2, "a", 0), STATUS_NEED_MORE, "a finished set makes way");
	fragments_free(f);
}

Test(fragments, all_terminals_together_have_a_bound_and_the_part_can_come_again)
{
	struct fragment_limits l = wide;
	l.sets_max = 3;
	struct fragments *f = fragments_new(&l);
	for (uint64_t t = 0; t < 3; t++)
		cr_assert_eq(add(f, t, 5, 1, 2, "a", 0), STATUS_NEED_MORE);
	cr_assert_eq(add(f, 9, 5, 1, 2, "a", 0), STATUS_FULL);
	cr_assert_eq(add(f, 0, 5, 2, 2, "b", 0), STATUS_OK);
	cr_assert_eq(add(f, 9, 5, 1, 2, "a", 0), STATUS_NEED_MORE);
	l.bytes_max = 700;
	fragments_free(f);
	f = fragments_new(&l);
	static char big[1001];
	memset(big, 'x', 1000);
	cr_assert_eq(add(f, 1, 5, 1, 2, big, 0), STATUS_FULL);
	cr_assert_eq(fragments_bytes(f), 0, "a set without a part is not kept");
	fragments_free(f);
}

Test(fragments, a_message_longer_than_any_is_dropped)
{
	struct fragments *f = fragments_new(&wide);
	static char big[1024];
	memset(big, 'x', 1023);
	enum status status = STATUS_NEED_MORE;
	uint16_t index = 0;
	while (status == STATUS_NEED_MORE)
		status = add(f, 1, 5, ++index, FRAGMENTS_PARTS_MAX, big, 0);
	cr_assert_eq(status, STATUS_TOO_LONG);
	cr_assert_eq(index, MESSAGE_BYTES_MAX / 1023 + 1);
	cr_assert_eq(fragments_bytes(f), 0);
	fragments_free(f);
}

Test(fragments, a_terminal_can_be_forgotten)
{
	struct fragments *f = fragments_new(&wide);
	cr_assert_eq(add(f, 1, 5, 1, 2, "a", 0), STATUS_NEED_MORE);
	cr_assert_eq(add(f, 1, 9, 1, 2, "a", 0), STATUS_NEED_MORE);
	cr_assert_eq(add(f, 2, 5, 1, 2, "a", 0), STATUS_NEED_MORE);
	fragments_forget(f, 1);
	cr_assert_eq(add(f, 1, 5, 2, 2, "b", 0), STATUS_NEED_MORE, "its first part is gone");
	cr_assert_eq(add(f, 2, 5, 2, 2, "b", 0), STATUS_OK);
	fragments_free(f);
}

/* the recorded 0x1205 list of 18 parts and the 0x0104 of two */
Test(fragments, the_split_messages_of_the_vectors_come_together)
{
	static struct vector rows[VECTOR_COUNT];
	struct fragments *f = fragments_new(&wide);
	size_t complete = 0;
	cr_assert_eq(vectors_read(rows), VECTOR_COUNT);
	for (size_t i = VECTOR_COUNT; i-- > 0;) { /* backwards */
		uint8_t scratch[JT808_FRAME_MAX];
		struct jt808_frame frame;
		struct jt808_header h;
		cr_assert_eq(jt808_frame_next(buf_view(&rows[i].wire), scratch, &frame), STATUS_OK);
		cr_assert_eq(jt808_header_decode(frame.content, &h), STATUS_OK);
		if (!h.is_fragment)
			continue;
		enum status status = fragments_add(f, load_be32(h.phone), &h, 0, &set, &message);
		if (status == STATUS_NEED_MORE)
			continue;
		cr_assert_eq(status, STATUS_OK);
		complete++;
		if (h.message_id == 0x1205) {
			cr_assert_eq(message.size, 2 + 4 + 28 * load_be32(message.data + 2));
			cr_assert_eq(load_be32(message.data + 2), 0xb4);
		} else {
			cr_assert_eq(message.size, 1169);
		}
	}
	cr_assert_eq(complete, 2);
	fragments_free(f);
	vectors_free(rows, VECTOR_COUNT);
}
