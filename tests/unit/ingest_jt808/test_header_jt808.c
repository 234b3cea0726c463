#include <criterion/criterion.h>

#include "ingest/jt808/jt808.h"
#include "tests/unit/ingest_jt808/vectors_jt808.h"

static struct jt808_header decode(const char *hex, enum status expected, struct buf *content)
{
	struct jt808_header h;
	*content = bytes_of_hex(hex);
	enum status status = jt808_header_decode(buf_view(content), &h);
	cr_assert_eq(status, expected, "%s: %s", hex, status_name(status));
	return h;
}

Test(header_jt808, a_header_cut_anywhere_is_a_bad_length)
{
	static const char *const whole[] = {"000200000123456789010000",
					    "0002400001"
					    "00000000012345678901"
					    "0000",
					    "00022000012345678901000000020001"};
	for (size_t i = 0; i < 3; i++) {
		struct buf content;
		decode(whole[i], STATUS_OK, &content);
		for (size_t cut = 0; cut < content.size; cut++) {
			struct jt808_header h;
			cr_assert_eq(jt808_header_decode(span_of(content.data, cut), &h), STATUS_BAD_LENGTH);
		}
		buf_deinit(&content);
	}
}

Test(header_jt808, a_body_length_that_lies_fills_the_fields_all_the_same)
{
	struct buf content;
	struct jt808_header h = decode("0002000501234567890100070102", STATUS_BAD_LENGTH, &content);
	cr_assert_eq(h.message_id, 2);
	cr_assert_eq(h.serial, 7);
	cr_assert_eq(h.phone_size, 6);
	cr_assert_eq(h.body.size, 2);
	buf_deinit(&content);
}

Test(header_jt808, the_body_length_leaves_out_the_four_bytes_of_a_fragment)
{
	struct buf content;
	struct jt808_header h = decode("080120020123456789010007000300020a0b", STATUS_OK, &content);
	cr_assert(h.is_fragment);
	cr_assert_eq(h.fragment_total, 3);
	cr_assert_eq(h.fragment_index, 2);
	cr_assert_eq(h.body.size, 2);
	buf_deinit(&content);
}

Test(header_jt808, encryption_bits_are_kept_apart_from_the_length)
{
	struct buf content;
	cr_assert_eq(decode("0200040101234567890100070a", STATUS_OK, &content).encryption, 1);
	buf_deinit(&content);
	cr_assert_eq(decode("02001c0101234567890100070a", STATUS_OK, &content).encryption, 7);
	buf_deinit(&content);
}

Test(header_jt808, a_reserved_bit_15_does_not_disturb)
{
	struct buf content;
	cr_assert_not(decode("000280000123456789010000", STATUS_OK, &content).is_2019);
	buf_deinit(&content);
}

static void check_phone(const char *bcd, const char *text)
{
	struct buf bytes = bytes_of_hex(bcd);
	struct jt808_header h = {.phone_size = (uint8_t)bytes.size};
	char out[JT808_PHONE_TEXT_MAX];
	uint8_t back[10];
	memcpy(h.phone, bytes.data, bytes.size);
	jt808_phone_text(&h, out);
	cr_assert_str_eq(out, text);
	cr_assert_eq(jt808_phone_pack(span_of_string(out), back, h.phone_size), STATUS_OK);
	cr_assert_arr_eq(back, h.phone, h.phone_size);
	buf_deinit(&bytes);
}

Test(header_jt808, a_phone_is_hex_without_leading_zeros_and_goes_back)
{
	check_phone("013812345678", "13812345678");
	check_phone("00000000013812345678", "13812345678");
	check_phone("12345678901234567890", "12345678901234567890");
	check_phone("4eb6fb4af2c1", "4eb6fb4af2c1"); /* an IMEI packed as hex, seen in the field */
	check_phone("000000000000", "0");
	check_phone("00000000000000000000", "0");
}

Test(header_jt808, a_phone_of_both_editions_is_the_same_identity)
{
	struct jt808_header old = {.phone = {0x01, 0x38, 0x12, 0x34, 0x56, 0x78}, .phone_size = 6};
	struct jt808_header new = {.phone = {0, 0, 0, 0, 0x01, 0x38, 0x12, 0x34, 0x56, 0x78}, .phone_size = 10};
	char a[JT808_PHONE_TEXT_MAX], b[JT808_PHONE_TEXT_MAX];
	jt808_phone_text(&old, a);
	jt808_phone_text(&new, b);
	cr_assert_str_eq(a, b);
}

Test(header_jt808, a_phone_that_is_none_is_refused)
{
	uint8_t out[10];
	cr_assert_eq(jt808_phone_pack(span_of_string(""), out, 6), STATUS_MALFORMED);
	cr_assert_eq(jt808_phone_pack(span_of_string("1381234567x"), out, 6), STATUS_MALFORMED);
	cr_assert_eq(jt808_phone_pack(span_of_string("1234567890123"), out, 6), STATUS_TOO_LONG);
	cr_assert_eq(jt808_phone_pack(span_of_string("0000123456789012"), out, 6), STATUS_OK);
}

Test(header_jt808, a_body_past_ten_bits_of_length_is_refused)
{
	struct jt808_header h = {.phone_size = 6};
	struct buf out = buf_init(64);
	cr_assert_eq(jt808_header_encode(&h, JT808_BODY_MAX + 1, &out), STATUS_TOO_LONG);
	cr_assert_eq(jt808_header_encode(&h, JT808_BODY_MAX, &out), STATUS_OK);
	buf_deinit(&out);
}
