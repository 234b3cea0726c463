#include <criterion/criterion.h>

#include "engine/core/clock.h"
#include "ingest/jt808/jt808.h"
#include "tests/unit/ingest_jt808/vectors_jt808.h"

static const struct jt808_header old_terminal = {.phone = {0x01, 0x23, 0x45, 0x67, 0x89, 0x01}, .phone_size = 6};
static const struct jt808_header new_terminal = {
	.phone = {0, 0, 0, 0, 0x01, 0x23, 0x45, 0x67, 0x89, 0x01}, .phone_size = 10, .is_2019 = true, .version = 1};

static struct jt808_header frame_header(struct span wire, uint8_t *scratch, size_t *consumed)
{
	struct jt808_frame f;
	struct jt808_header h;
	cr_assert_eq(jt808_frame_next(wire, scratch, &f), STATUS_OK);
	cr_assert_eq(jt808_header_decode(f.content, &h), STATUS_OK);
	*consumed = f.consumed;
	return h;
}

static void check_ack(const struct jt808_header *like, const char *hex)
{
	struct buf expected = bytes_of_hex(hex);
	uint8_t ack[JT808_ACK_MAX];
	size_t size = jt808_ack_write(like, 9, 0x1234, 0x0200, 0, ack);
	cr_assert(span_equal(span_of(ack, size), buf_view(&expected)));
	buf_deinit(&expected);
}

Test(encode_jt808, an_acknowledgement_has_the_edition_of_the_terminal)
{
	check_ack(&old_terminal, "7e8001000501234567890100091234020000217e");
	check_ack(&new_terminal, "7e80014005010000000001234567890100091234020000607e");
}

Test(encode_jt808, an_acknowledgement_is_escaped_within_its_bound)
{
	struct jt808_header like = {.phone_size = 10, .is_2019 = true, .version = 0x7e};
	uint8_t ack[JT808_ACK_MAX], scratch[JT808_FRAME_MAX];
	size_t consumed;
	memset(like.phone, 0x7e, sizeof like.phone);
	size_t size = jt808_ack_write(&like, 0x7e7e, 0x7e7d, 0x7d7e, 0x7e, ack);
	cr_assert_leq(size, sizeof ack);
	struct jt808_header h = frame_header(span_of(ack, size), scratch, &consumed);
	struct jt808_reply r;
	cr_assert_eq(jt808_reply_decode(h.body, &r), STATUS_OK);
	cr_assert_eq(r.serial, 0x7e7d);
	cr_assert_eq(r.message_id, 0x7d7e);
	cr_assert_eq(r.result, 0x7e);
}

Test(encode_jt808, a_reply_to_an_encrypted_message_is_not_encrypted)
{
	struct jt808_header like = old_terminal;
	uint8_t ack[JT808_ACK_MAX], scratch[JT808_FRAME_MAX];
	size_t consumed;
	like.encryption = 1;
	size_t size = jt808_ack_write(&like, 0, 0, 0x0200, 0, ack);
	cr_assert_eq(frame_header(span_of(ack, size), scratch, &consumed).encryption, 0);
}

Test(encode_jt808, a_long_message_is_split_with_consecutive_serials)
{
	uint8_t body[2500], scratch[JT808_FRAME_MAX], joined[2500];
	struct buf wire = buf_init(1 << 16);
	uint16_t serial = 65534;
	for (size_t i = 0; i < sizeof body; i++)
		body[i] = (uint8_t)i;
	cr_assert_eq(jt808_message_encode(0x8801, &new_terminal, span_of(body, sizeof body), 1000, &serial, &wire),
		     STATUS_OK);
	cr_assert_eq(serial, 1);
	size_t from = 0, at = 0;
	for (uint16_t i = 1; i <= 3; i++) {
		size_t consumed;
		struct jt808_header h = frame_header(span_of(wire.data + from, wire.size - from), scratch, &consumed);
		from += consumed;
		cr_assert_eq(h.fragment_total, 3);
		cr_assert_eq(h.fragment_index, i);
		cr_assert_eq(h.serial, (uint16_t)(65533 + i));
		memcpy(joined + at, h.body.data, h.body.size);
		at += h.body.size;
	}
	cr_assert_eq(at, sizeof body);
	cr_assert_arr_eq(joined, body, sizeof body);
	buf_deinit(&wire);
}

Test(encode_jt808, a_message_that_fits_is_not_split)
{
	uint8_t body[JT808_BODY_MAX] = {0}, scratch[JT808_FRAME_MAX];
	struct buf wire = buf_init(1 << 16);
	uint16_t serial = 7;
	size_t consumed;
	cr_assert_eq(
		jt808_message_encode(0x0801, &old_terminal, span_of(body, sizeof body), JT808_BODY_MAX, &serial, &wire),
		STATUS_OK);
	cr_assert_not(frame_header(buf_view(&wire), scratch, &consumed).is_fragment);
	cr_assert_eq(serial, 8);
	buf_deinit(&wire);
}

Test(encode_jt808, a_message_that_does_not_fit_the_buffer_leaves_it_and_the_serial)
{
	uint8_t body[2000] = {0};
	struct buf wire = buf_init(2200);
	uint16_t serial = 7;
	cr_assert_eq(jt808_message_encode(0x0801, &old_terminal, span_of(body, sizeof body), 900, &serial, &wire),
		     STATUS_FULL);
	cr_assert_eq(wire.size, 0);
	cr_assert_eq(serial, 7);
	cr_assert_eq(jt808_message_encode(1, &old_terminal, span_of(body, 1), 0, &serial, &wire), STATUS_INVALID);
	cr_assert_eq(jt808_message_encode(1, &old_terminal, span_of(body, 1), 1024, &serial, &wire), STATUS_INVALID);
	buf_deinit(&wire);
}

Test(encode_jt808, more_packets_than_a_word_counts_are_refused)
{
	static uint8_t body[65536];
	struct buf wire = buf_init(4u << 20);
	uint16_t serial = 0;
	cr_assert_eq(jt808_message_encode(0x0801, &old_terminal, span_of(body, 65536), 1, &serial, &wire),
		     STATUS_TOO_LONG);
	buf_deinit(&wire);
}

Test(encode_jt808, a_resend_request_counts_in_a_byte_before_2019_and_in_a_word_since)
{
	static const uint16_t indexes[300] = {2, 5};
	static const uint8_t old[] = {0x12, 0x34, 2, 0, 2, 0, 5}, new[] = {0x12, 0x34, 0, 2, 0, 2, 0, 5};
	struct buf out = buf_init(4096);
	cr_assert_eq(jt808_resend_encode(0x1234, indexes, 2, false, &out), STATUS_OK);
	cr_assert(span_equal(buf_view(&out), span_of(old, sizeof old)));
	buf_clear(&out);
	cr_assert_eq(jt808_resend_encode(0x1234, indexes, 2, true, &out), STATUS_OK);
	cr_assert(span_equal(buf_view(&out), span_of(new, sizeof new)));
	buf_clear(&out);
	cr_assert_eq(jt808_resend_encode(0x1234, indexes, 256, false, &out), STATUS_TOO_LONG);
	cr_assert_eq(jt808_resend_encode(0x1234, indexes, 256, true, &out), STATUS_OK);
	cr_assert_eq(jt808_resend_encode(0x1234, indexes, 510, true, &out), STATUS_TOO_LONG);
	buf_deinit(&out);
}

Test(encode_jt808, the_server_time_is_utc_or_utc_plus_8)
{
	static const uint8_t utc[] = {0x26, 0x01, 0x31, 0x20, 0x30, 0x00},
			     china[] = {0x26, 0x02, 0x01, 0x04, 0x30, 0x00};
	struct buf out = buf_init(64);
	int64_t ms;
	cr_assert_eq(time_parse(span_of_string("2026-01-31T20:30:00Z"), 0, &ms), STATUS_OK);
	cr_assert_eq(jt808_time_reply_encode(ms, true, &out), STATUS_OK);
	cr_assert(span_equal(buf_view(&out), span_of(utc, 6)));
	buf_clear(&out);
	cr_assert_eq(jt808_time_reply_encode(ms, false, &out), STATUS_OK);
	cr_assert(span_equal(buf_view(&out), span_of(china, 6)));
	buf_deinit(&out);
}

Test(encode_jt808, a_text_longer_than_its_field_is_refused_and_nothing_is_written)
{
	struct jt808_register r = {.edition = JT808_2013, .manufacturer = "sixsix"};
	struct jt808_driver d = {.edition = JT808_2013, .status = 1, .time_ms = INT64_C(1780000000000)};
	struct buf out = buf_init(4096);
	cr_assert_eq(jt808_register_encode(&r, &out), STATUS_TOO_LONG);
	strcpy(d.licence, "123456789012345678901");
	cr_assert_eq(jt808_driver_encode(&d, &out), STATUS_TOO_LONG);
	cr_assert_eq(jt808_item_encode(1, span_of(&r, 256), &out), STATUS_TOO_LONG);
	cr_assert_eq(out.size, 0);
	buf_deinit(&out);
}
