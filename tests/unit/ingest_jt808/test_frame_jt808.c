#include <criterion/criterion.h>

#include "ingest/jt808/jt808.h"
#include "tests/support/allocations.h"
#include "tests/unit/ingest_jt808/vectors_jt808.h"

/* a heartbeat of 2013 */
#define HEARTBEAT "7e0002000001234567890100008a7e"
static uint8_t scratch[JT808_FRAME_MAX];

struct expected {
	enum status status;
	size_t consumed, skipped, raw_size;
};

/* Walk `hex` frame by frame; every outcome must be as told, the last NEED_MORE. */
static void check_walk(const char *hex, const struct expected *expected, size_t count)
{
	struct buf wire = bytes_of_hex(hex);
	size_t from = 0;
	for (size_t i = 0; i < count; i++) {
		struct jt808_frame f;
		enum status status = jt808_frame_next(span_of(wire.data + from, wire.size - from), scratch, &f);
		cr_assert_eq(status, expected[i].status, "%zu: %s", i, status_name(status));
		cr_assert_eq(f.consumed, expected[i].consumed, "%zu: consumed %zu", i, f.consumed);
		cr_assert_eq(f.skipped, expected[i].skipped, "%zu: skipped %zu", i, f.skipped);
		cr_assert_eq(f.raw.size, expected[i].raw_size, "%zu: raw %zu", i, f.raw.size);
		from += f.consumed;
	}
	buf_deinit(&wire);
}
#define WALK(hex, ...)                                                                                                 \
	check_walk(hex, (const struct expected[]){__VA_ARGS__},                                                        \
		   sizeof((const struct expected[]){__VA_ARGS__}) / sizeof(struct expected))

static const char good[] = HEARTBEAT;

static size_t good_size(void)
{
	return strlen(good) / 2;
}

Test(frame_jt808, the_closing_flag_stays_until_something_follows)
{
	size_t n = good_size();
	WALK(HEARTBEAT, {STATUS_OK, n - 1, 0, n}, {STATUS_NEED_MORE, 0, 0, 0});
}

Test(frame_jt808, a_shared_flag_ends_one_frame_and_opens_the_next)
{
	size_t n = good_size();
	struct buf both = bytes_of_hex(HEARTBEAT), one = bytes_of_hex(HEARTBEAT);
	cr_assert_eq(buf_append(&both, one.data + 1, n - 1), STATUS_OK);
	struct jt808_frame f;
	cr_assert_eq(jt808_frame_next(buf_view(&both), scratch, &f), STATUS_OK);
	cr_assert_eq(f.consumed, n - 1);
	cr_assert_eq(jt808_frame_next(span_of(both.data + n - 1, n), scratch, &f), STATUS_OK);
	cr_assert_eq(f.raw.size, n);
	buf_deinit(&both);
	buf_deinit(&one);
}

Test(frame_jt808, doubled_flags_and_empty_pairs_are_skipped)
{
	size_t n = good_size();
	WALK(HEARTBEAT HEARTBEAT, {STATUS_OK, n, 0, n}, {STATUS_OK, n - 1, 0, n});
	WALK("7e7e7e" HEARTBEAT, {STATUS_OK, 3 + n - 1, 3, n});
	WALK("7e7e7e7e", {STATUS_NEED_MORE, 3, 3, 0});
}

Test(frame_jt808, garbage_before_the_flag_is_skipped_and_told)
{
	size_t n = good_size();
	WALK("0011223344" HEARTBEAT, {STATUS_OK, 5 + n - 1, 5, n});
	WALK("0011223344", {STATUS_NEED_MORE, 5, 5, 0});
	WALK("", {STATUS_NEED_MORE, 0, 0, 0});
}

Test(frame_jt808, an_ascii_frame_between_frames_is_skipped)
{
	size_t n = good_size();
	/* "(P45)" behind a frame, then a shared flag */
	WALK(HEARTBEAT "2850343529" HEARTBEAT, {STATUS_OK, n - 1, 0, n}, {STATUS_OK, 6 + n - 1, 6, n});
	WALK("7e2850343529"
	     "7e",
	     {STATUS_NEED_MORE, 6, 6, 0});
	WALK("2850343529" HEARTBEAT, {STATUS_OK, 5 + n - 1, 5, n});
}

Test(frame_jt808, a_good_frame_that_looks_like_ascii_is_a_frame)
{
	uint8_t content[12] = {'(', 0, 0, 0, 1}, wire[64];
	struct jt808_frame f;
	content[11] = '(' ^ 1 ^ ')';
	size_t size = jt808_frame_write(span_of(content, sizeof content), wire);
	cr_assert_eq(wire[size - 2], ')');
	cr_assert_eq(jt808_frame_next(span_of(wire, size), scratch, &f), STATUS_OK);
	cr_assert_eq(f.skipped, 0);
}

Test(frame_jt808, a_bad_escape_costs_that_frame_alone)
{
	size_t n = good_size();
	WALK("7e00020000017d0567890100008a" HEARTBEAT, {STATUS_BAD_ESCAPE, 14, 0, 15}, {STATUS_OK, n - 1, 0, n});
	WALK("7e0002000001234567890100007d" HEARTBEAT, {STATUS_BAD_ESCAPE, 14, 0, 15}, {STATUS_OK, n - 1, 0, n});
}

Test(frame_jt808, a_bad_checksum_costs_that_frame_alone_and_shows_its_content)
{
	size_t n = good_size();
	WALK("7e000200000123456789010000857e" HEARTBEAT, {STATUS_BAD_CHECKSUM, 15, 0, 15}, {STATUS_OK, n - 1, 0, n});
	struct buf wire = bytes_of_hex("7e000200000123456789010000857e");
	struct jt808_frame f;
	cr_assert_eq(jt808_frame_next(buf_view(&wire), scratch, &f), STATUS_BAD_CHECKSUM);
	cr_assert_eq(f.content.size, 12);
	buf_deinit(&wire);
}

Test(frame_jt808, less_than_a_header_is_a_bad_length)
{
	size_t n = good_size();
	WALK("7e00027e" HEARTBEAT, {STATUS_BAD_LENGTH, 4, 0, 4}, {STATUS_OK, n - 1, 0, n});
	/* 12 bytes that xor to zero: one short */
	WALK("7e0000000000000000000000007e", {STATUS_BAD_LENGTH, 13, 0, 14});
}

Test(frame_jt808, a_stray_flag_inside_a_frame_spoils_two_pieces_and_no_more)
{
	size_t n = good_size();
	WALK("7e00020000017e234567890100008a" HEARTBEAT, {STATUS_BAD_LENGTH, 6, 0, 7}, {STATUS_BAD_LENGTH, 9, 0, 10},
	     {STATUS_OK, n - 1, 0, n});
}

Test(frame_jt808, escapes_are_undone_everywhere_also_in_the_checksum)
{
	/* phone 7d7e7d7e7d7e: its escapes undone, and a checksum 7e or 7d escaped too */
	for (unsigned last = 0; last < 256; last++) {
		uint8_t content[12] = {0x00, 0x02, 0x00, 0x00, 0x7d, 0x7e, 0x7d, 0x7e, 0x7d, 0x7e, 0x00, (uint8_t)last};
		struct buf wire = buf_init(256);
		struct jt808_frame f;
		cr_assert_eq(jt808_frame_encode(span_of(content, sizeof content), &wire), STATUS_OK);
		cr_assert_null(memchr(wire.data + 1, 0x7e, wire.size - 2));
		cr_assert_eq(jt808_frame_next(buf_view(&wire), scratch, &f), STATUS_OK);
		cr_assert(span_equal(f.content, span_of(content, sizeof content)));
		buf_deinit(&wire);
	}
}

Test(frame_jt808, the_longest_frame_passes_and_one_byte_more_does_not)
{
	uint8_t content[21 + 1023];
	uint8_t wire[JT808_FRAME_MAX + 16];
	struct jt808_frame f;
	memset(content, 0x7e, sizeof content);
	/* 1044 flags xor to zero; make the checksum a flag as well */
	content[0] = 0;
	size_t size = jt808_frame_write(span_of(content, sizeof content), wire);
	cr_assert_eq(size, JT808_FRAME_MAX - 1);
	cr_assert_eq(jt808_frame_next(span_of(wire, size), scratch, &f), STATUS_OK);
	cr_assert_eq(f.content.size, sizeof content);
	memset(wire, 0x11, sizeof wire);
	wire[0] = wire[JT808_FRAME_MAX - 1] = 0x7e;
	wire[1] = 0x12;
	cr_assert_eq(jt808_frame_next(span_of(wire, JT808_FRAME_MAX), scratch, &f), STATUS_BAD_CHECKSUM);
	wire[JT808_FRAME_MAX - 1] = 0x11;
	wire[JT808_FRAME_MAX] = 0x7e;
	cr_assert_eq(jt808_frame_next(span_of(wire, JT808_FRAME_MAX - 1), scratch, &f), STATUS_NEED_MORE);
	cr_assert_eq(jt808_frame_next(span_of(wire, JT808_FRAME_MAX + 1), scratch, &f), STATUS_TOO_LONG);
	cr_assert_eq(f.consumed, JT808_FRAME_MAX);
}

Test(frame_jt808, an_endless_frame_is_dropped_the_same_however_it_arrives)
{
	uint8_t wire[3 * JT808_FRAME_MAX];
	size_t n = good_size();
	struct buf frame = bytes_of_hex(HEARTBEAT);
	memset(wire, 0x11, sizeof wire);
	wire[0] = 0x7e;
	memcpy(wire + sizeof wire - n, frame.data, n);
	for (size_t step = 1; step < sizeof wire; step += 97) {
		size_t from = 0, seen = 0, too_long = 0, good_frames = 0;
		for (;;) {
			struct jt808_frame f;
			enum status status = jt808_frame_next(span_of(wire + from, seen - from), scratch, &f);
			from += f.consumed;
			too_long += status == STATUS_TOO_LONG;
			good_frames += status == STATUS_OK;
			if (status == STATUS_NEED_MORE && seen == sizeof wire)
				break;
			if (status == STATUS_NEED_MORE)
				seen = seen + step < sizeof wire ? seen + step : sizeof wire;
			cr_assert_leq(seen - from, JT808_FRAME_MAX + step);
		}
		cr_assert_eq(too_long, 1, "step %zu", step);
		cr_assert_eq(good_frames, 1, "step %zu", step);
	}
	buf_deinit(&frame);
}

Test(frame_jt808, encoding_needs_room_for_every_escape)
{
	struct buf out = buf_init(2 * 12 + 3);
	uint8_t content[12] = {0};
	cr_assert_eq(jt808_frame_encode(span_of(content, sizeof content), &out), STATUS_FULL);
	cr_assert_eq(out.size, 0);
	buf_deinit(&out);
}

Test(frame_jt808, neither_reading_a_frame_nor_acknowledging_it_allocates)
{
	struct buf wire = bytes_of_hex(HEARTBEAT);
	struct jt808_frame f;
	struct jt808_header h;
	uint8_t ack[JT808_ACK_MAX];
	uint64_t before = allocations();
	for (int i = 0; i < 1000; i++) {
		cr_assert_eq(jt808_frame_next(buf_view(&wire), scratch, &f), STATUS_OK);
		cr_assert_eq(jt808_header_decode(f.content, &h), STATUS_OK);
		cr_assert_gt(jt808_ack_write(&h, (uint16_t)i, h.serial, h.message_id, 0, ack), 0);
	}
	cr_assert_eq(allocations(), before);
	cr_assert_eq(buf_reserve(&wire, 1000), STATUS_OK);
	cr_assert_gt(allocations(), before, "the counter counts");
	buf_deinit(&wire);
}

/* --- frames set off by E7 --- */

/* The heartbeat with phone e7e63e3d4101 and its serial 3d3e: every byte that is escaped. */
#define PRIVATE                                                                                                        \
	"e700020000e602e6013e013e02"                                                                                   \
	"41013e023e013be7"
static const uint8_t private_content[] = {0x00, 0x02, 0x00, 0x00, 0xe7, 0xe6, 0x3e, 0x3d, 0x41, 0x01, 0x3d, 0x3e};

Test(frame_jt808, private_escapes_are_undone_and_made)
{
	struct buf wire = bytes_of_hex(PRIVATE), out = buf_init(64);
	struct jt808_frame f;
	uint8_t sum = 0;
	for (size_t i = 0; i < sizeof private_content; i++)
		sum ^= private_content[i];
	wire.data[wire.size - 2] = sum;
	cr_assert_eq(jt808_framed_next(JT808_FRAMING_PRIVATE, buf_view(&wire), scratch, &f), STATUS_OK);
	cr_assert_eq(f.framing, JT808_FRAMING_PRIVATE);
	cr_assert(span_equal(f.content, span_of(private_content, sizeof private_content)));
	cr_assert_eq(jt808_framed_encode(JT808_FRAMING_PRIVATE, f.content, &out), STATUS_OK);
	cr_assert(span_equal(buf_view(&out), buf_view(&wire)));
	wire.data[6] = 0x03;
	cr_assert_eq(jt808_framed_next(JT808_FRAMING_PRIVATE, buf_view(&wire), scratch, &f), STATUS_BAD_ESCAPE);
	buf_deinit(&wire);
	buf_deinit(&out);
}

Test(frame_jt808, both_framings_give_back_every_byte_escaped_or_not)
{
	for (unsigned framing = 0; framing < 2; framing++)
		for (unsigned last = 0; last < 256; last++) {
			uint8_t content[20] = {0x3c, 0x3d, 0x3e, 0x3f, 0x7c, 0x7d, 0x7e, 0x7f, 0xe5, 0xe6,
					       0xe7, 0xe8, 0x01, 0x02, 0x00, 0xff, 0x3e, 0x02, 0xe6, (uint8_t)last};
			uint8_t wire[64], flag = jt808_flag((enum jt808_framing)framing);
			struct jt808_frame f;
			size_t size =
				jt808_framed_write((enum jt808_framing)framing, span_of(content, sizeof content), wire);
			cr_assert_null(memchr(wire + 1, flag, size - 2));
			cr_assert_eq(jt808_any_frame_next(span_of(wire, size), scratch, &f), STATUS_OK);
			cr_assert_eq(f.framing, framing);
			cr_assert(span_equal(f.content, span_of(content, sizeof content)));
		}
}

Test(frame_jt808, a_stray_flag_of_the_other_framing_costs_no_good_frame)
{
	struct jt808_frame f;
	size_t n = good_size();
	struct buf wire = bytes_of_hex("e7" HEARTBEAT "e7");
	cr_assert_eq(jt808_any_frame_next(buf_view(&wire), scratch, &f), STATUS_OK);
	cr_assert_eq(f.framing, JT808_FRAMING_STANDARD);
	cr_assert_eq(f.skipped, 1);
	cr_assert_eq(f.raw.size, n);
	buf_deinit(&wire);
}

Test(frame_jt808, a_standard_reader_takes_private_frames_for_garbage)
{
	WALK(PRIVATE, {STATUS_NEED_MORE, strlen(PRIVATE) / 2, strlen(PRIVATE) / 2, 0});
}

Test(frame_jt808, a_spoiled_frame_shows_its_content_also_after_the_other_framing_was_tried)
{
	/* an escape, so that the content lies in scratch, then a wrong checksum; and a private frame behind it that is
	 * none: it must not write over what is told */
	struct buf wire = bytes_of_hex("7e00020000017d02567890100000ff7ee7e602e602e602e602e602e602e602e602e7");
	struct jt808_frame f;
	static const uint8_t content[] = {0x00, 0x02, 0x00, 0x00, 0x01, 0x7e, 0x56, 0x78, 0x90, 0x10, 0x00, 0x00};
	cr_assert_eq(jt808_any_frame_next(buf_view(&wire), scratch, &f), STATUS_BAD_CHECKSUM);
	cr_assert(span_equal(f.content, span_of(content, sizeof content)));
	buf_deinit(&wire);
}
