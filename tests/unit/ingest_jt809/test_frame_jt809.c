#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "golden_jt809.h"

static struct golden cases[GOLDEN_MAX];
static size_t count;
static uint8_t scratch[JT809_FRAME_MAX];

static void begin(void)
{
	count = golden_load(cases);
	cr_assert_geq(count, 40);
}

static void end(void)
{
	golden_free(cases, count);
}

TestSuite(frame_jt809, .init = begin, .fini = end);

static struct span wire_of(const char *name)
{
	return buf_view(&golden_find(cases, count, name)->wire);
}

Test(frame_jt809, every_golden_frame_says_what_is_expected_of_it)
{
	for (size_t i = 0; i < count; i++) {
		struct jt809_frame frame;
		struct buf json = buf_init(1u << 20);
		(void)!jt809_frame_next(buf_view(&cases[i].wire), scratch, &frame);
		cr_assert_eq(frame.raw.size, cases[i].wire.size, "%s", cases[i].name);
		(void)!jt809_explain(&frame, &cases[i].options, &json);
		cr_assert_eq(buf_append_u8(&json, '\n'), STATUS_OK);
		cr_expect(span_equal(buf_view(&json), buf_view(&cases[i].expect)), "%s: %.*s", cases[i].name,
			  (int)json.size, (char *)json.data);
		buf_deinit(&json);
	}
}

/* A decoded message encoded again is the frame that came, for all that came as the standard has it. */
static void encode_again(const struct golden *g, struct buf *out)
{
	static struct jt809_message m;
	uint8_t body[1024];
	struct jt809_frame frame;
	struct jt809_header h;
	cr_assert_eq(jt809_frame_next(buf_view(&g->wire), scratch, &frame), STATUS_OK);
	cr_assert_eq(jt809_header_decode(frame.content, JT809_DETECT, &h), STATUS_OK);
	memcpy(body, h.body.data, h.body.size);
	if (h.encrypted)
		jt809_cipher_apply(&g->options.cipher, h.key, body, h.body.size);
	enum jt809_edition edition = h.is_2019 ? JT809_2019 : JT809_2011;
	struct buf again = buf_init(JT809_FRAME_MAX);
	enum status status = jt809_message_decode(h.id, span_of(body, h.body.size), edition, &m);
	if (status == STATUS_UNSUPPORTED) { /* positions: the envelope alone */
		struct jt809_envelope e;
		cr_assert_eq(jt809_envelope_decode(h.id, span_of(body, h.body.size), &e), STATUS_OK);
		cr_assert_eq(jt809_envelope_encode(&e, &again), STATUS_OK);
	} else {
		cr_assert_eq(status, STATUS_OK);
		cr_assert_eq(jt809_message_encode(&m, edition, &again), STATUS_OK);
	}
	cr_assert_eq(jt809_frame_encode(&h, &g->options.cipher, buf_view(&again), out), STATUS_OK);
	buf_deinit(&again);
}

Test(frame_jt809, what_was_decoded_is_encoded_to_the_same_bytes)
{
	static const char *const same[] = {"1001_login_2011",
					   "1001_login_2019",
					   "1001_login_enciphered",
					   "1002_login_reply",
					   "1005_heartbeat",
					   "9002_sub_reply",
					   "9101_received",
					   "1102_link_statistics_2019",
					   "1201_register_2011",
					   "1201_register_2019",
					   "1202_position_2011",
					   "1202_position_2011_blue",
					   "1202_position_2011_enciphered",
					   "1202_position_2019",
					   "1202_position_2019_old_fields",
					   "1203_backfill_2011",
					   "1203_backfill_2019",
					   "1209_backfill_request",
					   "120c_driver_2011",
					   "120c_driver_2019",
					   "120d_waybill",
					   "9201_register_reply_2019",
					   "1301_duty_reply_2011",
					   "1301_duty_reply_2019",
					   "9301_duty_check_2019",
					   "9401_supervision_2011",
					   "1401_supervision_reply_2011",
					   "1402_alarm_2011",
					   "1601_static"};
	for (size_t i = 0; i < sizeof same / sizeof *same; i++) {
		const struct golden *g = golden_find(cases, count, same[i]);
		struct buf out = buf_init(2 * JT809_FRAME_MAX);
		encode_again(g, &out);
		cr_expect(span_equal(buf_view(&out), buf_view(&g->wire)), "%s", same[i]);
		buf_deinit(&out);
	}
}

/* Frames found in `wire` when it arrives in two pieces, as their ids one after another. */
static void ids_in_pieces(struct span wire, size_t cut, char *out)
{
	struct jt809_frame frame;
	struct buf pending = buf_init(1u << 20);
	const struct span pieces[2] = {span_of(wire.data, cut), span_of(wire.data + cut, wire.size - cut)};
	*out = '\0';
	for (unsigned i = 0; i < 2; i++) {
		cr_assert_eq(buf_append(&pending, pieces[i].data, pieces[i].size), STATUS_OK);
		size_t from = 0;
		for (;;) {
			enum status status =
				jt809_frame_next(span_of(pending.data + from, pending.size - from), scratch, &frame);
			from += frame.consumed;
			if (status == STATUS_NEED_MORE)
				break;
			sprintf(out + strlen(out), "%s:%zu ", status_name(status), frame.raw.size);
		}
		if (from)
			memmove(pending.data, pending.data + from, pending.size - from);
		pending.size -= from;
	}
	buf_deinit(&pending);
}

Test(frame_jt809, frames_are_the_same_however_the_stream_is_cut)
{
	struct buf wire = buf_init(1u << 20);
	char whole[8192], pieces[8192];
	for (size_t i = 0; i < count; i++) {
		cr_assert_eq(buf_append(&wire, "garbage", i % 3), STATUS_OK);
		cr_assert_eq(buf_append(&wire, cases[i].wire.data, cases[i].wire.size - (i % 7 == 3)), STATUS_OK);
	}
	ids_in_pieces(buf_view(&wire), 0, whole);
	for (size_t cut = 1; cut < wire.size; cut++) {
		ids_in_pieces(buf_view(&wire), cut, pieces);
		cr_assert_str_eq(pieces, whole, "cut at %zu", cut);
	}
	buf_deinit(&wire);
}

Test(frame_jt809, one_frame_with_a_bad_crc_costs_that_frame)
{
	struct buf wire = buf_init(1u << 20);
	struct span good = wire_of("1202_position_2011"), bad = wire_of("1402_alarm_bad_crc");
	char found[256], expected[256];
	cr_assert_eq(buf_append(&wire, good.data, good.size), STATUS_OK);
	cr_assert_eq(buf_append(&wire, bad.data, bad.size), STATUS_OK);
	cr_assert_eq(buf_append(&wire, good.data, good.size), STATUS_OK);
	ids_in_pieces(buf_view(&wire), 0, found);
	sprintf(expected, "OK:%zu BAD_CHECKSUM:%zu OK:%zu ", good.size, bad.size, good.size);
	cr_expect_str_eq(found, expected);
	buf_deinit(&wire);
}

Test(frame_jt809, a_frame_that_was_cut_costs_itself_alone)
{
	struct buf wire = buf_init(1u << 20);
	struct span good = wire_of("1202_position_2011");
	char found[256], expected[256];
	cr_assert_eq(buf_append(&wire, good.data, 40), STATUS_OK);
	cr_assert_eq(buf_append(&wire, good.data, good.size), STATUS_OK);
	ids_in_pieces(buf_view(&wire), 0, found);
	sprintf(expected, "MALFORMED:40 OK:%zu ", good.size);
	cr_expect_str_eq(found, expected);
	buf_deinit(&wire);
}

Test(frame_jt809, what_never_ends_is_given_up_after_the_longest_frame)
{
	struct jt809_frame frame;
	uint8_t *bytes = calloc(1, JT809_FRAME_MAX + 8);
	bytes[3] = 0x5b;
	cr_expect_eq(jt809_frame_next(span_of(bytes, JT809_FRAME_MAX), scratch, &frame), STATUS_NEED_MORE);
	cr_expect_eq(frame.consumed, 3);
	cr_expect_eq(jt809_frame_next(span_of(bytes, JT809_FRAME_MAX + 8), scratch, &frame), STATUS_TOO_LONG);
	cr_expect_eq(frame.consumed, JT809_FRAME_MAX + 3);
	free(bytes);
}

Test(frame_jt809, the_cipher_gives_the_known_vector_and_takes_it_back)
{
	const struct jt809_cipher c = {.m1 = 30000000, .ia1 = 20000000, .ic1 = 20000000};
	uint8_t bytes[7] = {1, 2, 3, 4, 5, 6, 7};
	const uint8_t expected[7] = {0xd3, 0x4c, 0x70, 0x78, 0xa7, 0x3a, 0x41};
	jt809_cipher_apply(&c, 256178, bytes, sizeof bytes);
	cr_expect_arr_eq(bytes, expected, sizeof bytes);
	jt809_cipher_apply(&c, 256178, bytes, sizeof bytes);
	cr_expect_eq(bytes[6], 7);
}

Test(frame_jt809, the_crc_is_ccitt_false)
{
	/* the check value of CRC-16/CCITT-FALSE (G. Cook's catalogue) */
	cr_expect_eq(jt809_crc(span_of_string("123456789")), 0x29b1);
	uint8_t bytes[300];
	for (size_t size = 0; size < sizeof bytes; size++) {
		bytes[size] = (uint8_t)(size * 37);
		uint16_t crc = 0xffff;
		for (size_t i = 0; i <= size; i++) {
			crc ^= (uint16_t)(bytes[i] << 8);
			for (unsigned bit = 0; bit < 8; bit++)
				crc = (uint16_t)(crc & 0x8000 ? crc << 1 ^ 0x1021 : crc << 1);
		}
		cr_expect_eq(jt809_crc(span_of(bytes, size + 1)), crc);
	}
}

Test(frame_jt809, the_edition_is_the_links_or_found_out)
{
	struct jt809_frame frame;
	struct jt809_header h;
	cr_assert_eq(jt809_frame_next(wire_of("1202_position_2019"), scratch, &frame), STATUS_OK);
	cr_assert_eq(jt809_header_decode(frame.content, JT809_DETECT, &h), STATUS_OK);
	cr_expect(h.is_2019);
	cr_expect_eq(h.body.size, 115);
	cr_assert_eq(jt809_header_decode(frame.content, JT809_2011, &h), STATUS_OK);
	cr_expect_not(h.is_2019);
	cr_expect_eq(h.body.size, 123);
	cr_assert_eq(jt809_frame_next(wire_of("9101_received"), scratch, &frame), STATUS_OK);
	cr_assert_eq(jt809_header_decode(frame.content, JT809_DETECT, &h), STATUS_OK);
	cr_expect_not(h.is_2019);
}

Test(frame_jt809, plates_go_both_ways)
{
	uint8_t vehicle[JT809_VEHICLE];
	char text[JT809_PLATE_TEXT_MAX];
	cr_assert_eq(jt809_plate_pack("2:闽C12345", vehicle), STATUS_OK);
	cr_assert_eq(jt809_plate_text(span_of(vehicle, sizeof vehicle), text), STATUS_OK);
	cr_expect_str_eq(text, "2:闽C12345");
	cr_expect_eq(jt809_plate_pack("闽C12345", vehicle), STATUS_MALFORMED);
	cr_expect_eq(jt809_plate_pack("2:闽C123456789012345678901", vehicle), STATUS_TOO_LONG);
	memset(vehicle, 0, sizeof vehicle);
	cr_expect_eq(jt809_plate_text(span_of(vehicle, sizeof vehicle), text), STATUS_OUT_OF_RANGE);
}
