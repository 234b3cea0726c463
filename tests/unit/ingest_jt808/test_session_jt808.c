#include <criterion/criterion.h>
#include <stdio.h>

#include "engine/core/clock.h"
#include "ingest/jt808/jt808.h"
#include "tests/unit/ingest_jt808/vectors_jt808.h"

/* --- register --- */

static enum status decode_register(const char *hex, bool is_2019, struct jt808_register *out)
{
	struct buf body = bytes_of_hex(hex);
	enum status status = jt808_register_decode(buf_view(&body), is_2019, out);
	buf_deinit(&body);
	return status;
}
#define PLACE "001f0073"
#define MAKER5 "797a680000"
#define ID7 "37363534333231"
#define MODEL8 "4142432020202020"
#define MODEL20                                                                                                        \
	"0000000000000000000000"                                                                                       \
	"42534a2d47462d3036"
#define PLATE "b2e241383838383838" /* 测A888888 */

Test(session_jt808, registers_of_2011_and_2013_are_told_apart_by_length)
{
	struct jt808_register r;
	cr_assert_eq(decode_register(PLACE MAKER5 MODEL8 ID7 "02" PLATE, false, &r), STATUS_OK);
	cr_assert_eq(r.edition, JT808_2011);
	cr_assert_str_eq(r.model, "ABC");
	cr_assert_str_eq(r.plate, "测A888888");
	cr_assert_eq(r.plate_colour, 2);
	cr_assert_eq(decode_register(PLACE MAKER5 MODEL20 ID7 "01" PLATE, false, &r), STATUS_OK);
	cr_assert_eq(r.edition, JT808_2013);
	cr_assert_str_eq(r.model, "BSJ-GF-06", "leading NULs are padding too");
	cr_assert_str_eq(r.manufacturer, "yzh");
	cr_assert_str_eq(r.terminal_id, "7654321");
	cr_assert_str_eq(r.plate, "测A888888");
}

Test(session_jt808, a_register_of_37_bytes_without_a_plate_is_2013)
{
	struct jt808_register r;
	cr_assert_eq(decode_register(PLACE MAKER5 MODEL20 ID7 "00", false, &r), STATUS_OK);
	cr_assert_eq(r.edition, JT808_2013);
	cr_assert_str_eq(r.plate, "");
}

Test(session_jt808, a_long_2011_register_has_no_colour_where_2013_has_it)
{
	struct jt808_register r;
	/* colour 0 and a VIN of 17 */
	cr_assert_eq(decode_register(PLACE MAKER5 MODEL8 ID7 "004c53473131313131313131313131313131", false, &r),
		     STATUS_OK);
	cr_assert_eq(r.edition, JT808_2011);
	cr_assert_eq(r.plate_colour, 0);
	cr_assert_str_eq(r.plate, "LSG11111111111111");
}

Test(session_jt808, a_register_shorter_than_its_fixed_part_is_refused)
{
	struct jt808_register r;
	uint8_t zeros[76] = {0};
	cr_assert_eq(jt808_register_decode(span_of(zeros, 24), false, &r), STATUS_BAD_LENGTH);
	cr_assert_eq(jt808_register_decode(span_of(zeros, 25), false, &r), STATUS_OK);
	cr_assert_eq(jt808_register_decode(span_of(zeros, 75), true, &r), STATUS_BAD_LENGTH);
	cr_assert_eq(jt808_register_decode(span_of(zeros, 76), true, &r), STATUS_OK);
	cr_assert_eq(jt808_register_decode(span_of(NULL, 0), false, &r), STATUS_BAD_LENGTH);
}

Test(session_jt808, a_plate_may_be_padded_or_ended_by_nul)
{
	struct jt808_register r;
	cr_assert_eq(decode_register(PLACE MAKER5 MODEL20 ID7 "01" PLATE "000000", false, &r), STATUS_OK);
	cr_assert_str_eq(r.plate, "测A888888");
	cr_assert_eq(decode_register(PLACE MAKER5 MODEL20 ID7 "01"
							      "2020" PLATE "2020",
				     false, &r),
		     STATUS_OK);
	cr_assert_str_eq(r.plate, "测A888888");
	cr_assert_eq(decode_register(PLACE MAKER5 MODEL20 ID7 "01" PLATE "00ff41", false, &r), STATUS_OK);
	cr_assert_str_eq(r.plate, "测A888888");
}

/* --- authenticate --- */

static const char tail_2019[] = "313233343536373839303132333435"
				"7777772e6a74743830382e636e00000000000000";

Test(session_jt808, the_code_is_the_whole_body_before_2019)
{
	struct jt808_auth a;
	struct buf body = bytes_of_hex("61626300");
	cr_assert_eq(jt808_auth_decode(buf_view(&body), false, &a), STATUS_OK);
	cr_assert(span_equal(a.code, span_of_string("abc")));
	cr_assert_str_eq(a.imei, "");
	buf_deinit(&body);
}

Test(session_jt808, in_2019_the_code_has_a_length_with_imei_and_version_behind_it)
{
	char hex[256];
	struct jt808_auth a;
	snprintf(hex, sizeof hex, "03616263%s", tail_2019);
	struct buf body = bytes_of_hex(hex);
	cr_assert_eq(jt808_auth_decode(buf_view(&body), true, &a), STATUS_OK);
	cr_assert(span_equal(a.code, span_of_string("abc")));
	cr_assert_str_eq(a.imei, "123456789012345");
	cr_assert_str_eq(a.software, "www.jtt808.cn");
	buf_deinit(&body);
}

Test(session_jt808, a_2019_body_that_is_a_bare_code_is_taken_whole)
{
	struct jt808_auth a;
	struct buf body = bytes_of_hex("3132333435");
	cr_assert_eq(jt808_auth_decode(buf_view(&body), true, &a), STATUS_OK);
	cr_assert(span_equal(a.code, span_of_string("12345")));
	struct span token = span_of_string("pmYGzGukO8K4Z5lpIOTg8dqb3eprYaHBbXSPLtdbyG8=");
	cr_assert_eq(jt808_auth_decode(token, true, &a), STATUS_OK);
	cr_assert(span_equal(a.code, token), "also when it is longer than all that should follow it");
	cr_assert_str_eq(a.imei, "");
	cr_assert_eq(jt808_auth_decode(span_of(NULL, 0), true, &a), STATUS_OK);
	cr_assert_eq(a.code.size, 0);
	buf_deinit(&body);
}

/* --- attributes --- */

Test(session_jt808, attributes_fit_one_of_three_layouts_or_are_refused)
{
	static const struct {
		size_t manufacturer, model, id;
	} layouts[] = {{5, 20, 7}, {11, 30, 30}, {5, 30, 30}};
	for (size_t i = 0; i < 3; i++) {
		uint8_t body[256] = {0, 7};
		struct jt808_attributes a;
		size_t at = 2;
		memcpy(body + at, "mk", 2);
		memcpy(body + (at += layouts[i].manufacturer), "model", 5);
		memcpy(body + (at += layouts[i].model), "id7", 3);
		at += layouts[i].id;
		memcpy(body + at, "\x89\x86\x00\x11\x22\x33\x44\x55\x66\x77", 10);
		at += 10;
		memcpy(body + at,
		       "\x02hw\x03"
		       "fw1\x03\x01",
		       9);
		at += 9;
		cr_assert_eq(jt808_attributes_decode(span_of(body, at), &a), STATUS_OK, "layout %zu", i);
		cr_assert_str_eq(a.manufacturer, "mk");
		cr_assert_str_eq(a.model, "model");
		cr_assert_str_eq(a.terminal_id, "id7");
		cr_assert_str_eq(a.iccid, "89860011223344556677");
		cr_assert_str_eq(a.hardware, "hw");
		cr_assert_str_eq(a.firmware, "fw1");
		cr_assert_eq(a.gnss, 3);
		cr_assert_eq(a.comm, 1);
		cr_assert_eq(jt808_attributes_decode(span_of(body, at - 1), &a), STATUS_BAD_LENGTH);
		cr_assert_eq(jt808_attributes_decode(span_of(body, at + 1), &a), STATUS_BAD_LENGTH);
	}
}

/* --- driver --- */

static enum status decode_driver(const char *hex, bool is_2019, struct jt808_driver *out)
{
	struct buf body = bytes_of_hex(hex);
	enum status status = jt808_driver_decode(buf_view(&body), is_2019, out);
	buf_deinit(&body);
	return status;
}
#define ON "01200721183000"
#define CARD                                                                                                           \
	"00"                                                                                                           \
	"04d5c5c8fd"                                                                                                   \
	"3132333435363738393031323300000000000000"                                                                     \
	"04d6d0b9fa"                                                                                                   \
	"20190630"

Test(session_jt808, a_driver_going_on_duty_has_a_card)
{
	struct jt808_driver d;
	cr_assert_eq(decode_driver(ON CARD, false, &d), STATUS_OK);
	cr_assert_eq(d.edition, JT808_2013);
	cr_assert_eq(d.status, 1);
	cr_assert(d.has_time);
	char text[TIME_TEXT_MAX];
	time_format(d.time_ms, CHINA_OFFSET_MS, text);
	cr_assert_str_eq(text, "2020-07-21T18:30:00.000+08:00");
	cr_assert_str_eq(d.name, "张三");
	cr_assert_str_eq(d.licence, "1234567890123");
	cr_assert_str_eq(d.authority, "中国");
	cr_assert_str_eq(d.expiry, "20190630");
	cr_assert_str_eq(d.id_card, "");
}

Test(session_jt808, the_identity_card_of_2019_is_at_the_end)
{
	struct jt808_driver d;
	cr_assert_eq(decode_driver(ON CARD "3335303530323139383030313031303031320000", true, &d), STATUS_OK);
	cr_assert_eq(d.edition, JT808_2019);
	cr_assert_str_eq(d.id_card, "350502198001010012");
	cr_assert_eq(decode_driver(ON CARD, true, &d), STATUS_OK, "and may be missing");
}

Test(session_jt808, a_driver_going_off_duty_needs_no_card_but_may_send_it)
{
	struct jt808_driver d;
	cr_assert_eq(decode_driver("02200721183000", false, &d), STATUS_OK);
	cr_assert_eq(d.status, 2);
	cr_assert_str_eq(d.name, "");
	cr_assert_eq(decode_driver("02200721183000" CARD, false, &d), STATUS_OK);
	cr_assert_str_eq(d.name, "张三");
}

Test(session_jt808, a_card_that_could_not_be_read_says_why)
{
	struct jt808_driver d;
	cr_assert_eq(decode_driver(ON "02", false, &d), STATUS_OK);
	cr_assert_eq(d.ic_result, 2);
	cr_assert_str_eq(d.name, "");
}

Test(session_jt808, a_2011_driver_begins_with_the_length_of_the_name)
{
	struct jt808_driver d;
	uint8_t body[128] = {4, 0xd5, 0xc5, 0xc8, 0xfd};
	memcpy(body + 5, "350502198001010012", 18);
	memcpy(body + 25, "licence-of-forty", 16);
	memcpy(body + 65, "\x04\xd6\xd0\xb9\xfa", 5);
	cr_assert_eq(jt808_driver_decode(span_of(body, 70), false, &d), STATUS_OK);
	cr_assert_eq(d.edition, JT808_2011);
	cr_assert_not(d.has_time);
	cr_assert_str_eq(d.name, "张三");
	cr_assert_str_eq(d.id_card, "350502198001010012");
	cr_assert_str_eq(d.licence, "licence-of-forty");
	cr_assert_str_eq(d.authority, "中国");
	cr_assert_eq(jt808_driver_decode(span_of(body, 69), false, &d), STATUS_BAD_LENGTH);
}

Test(session_jt808, a_cut_driver_is_refused_with_what_was_there)
{
	struct jt808_driver d;
	cr_assert_eq(decode_driver(ON "0004d5c5c8fd3132", false, &d), STATUS_BAD_LENGTH);
	cr_assert_str_eq(d.name, "张三");
	cr_assert_eq(decode_driver("012007", true, &d), STATUS_BAD_LENGTH);
	cr_assert_eq(decode_driver("01201321183000", true, &d), STATUS_BAD_TIME);
}

/* --- replies --- */

Test(session_jt808, a_reply_of_five_bytes_is_read)
{
	struct jt808_reply r;
	const uint8_t body[] = {0x12, 0x34, 0x02, 0x00, 0x04};
	cr_assert_eq(jt808_reply_decode(span_of(body, 5), &r), STATUS_OK);
	cr_assert_eq(r.serial, 0x1234);
	cr_assert_eq(r.message_id, 0x0200);
	cr_assert_eq(r.result, 4);
	cr_assert_eq(jt808_reply_decode(span_of(body, 4), &r), STATUS_BAD_LENGTH);
}

Test(session_jt808, a_register_reply_carries_a_code_only_when_it_went_well)
{
	struct buf out = buf_init(64);
	struct jt808_register_reply r;
	cr_assert_eq(jt808_register_reply_encode(7, 0, span_of_string("code"), &out), STATUS_OK);
	cr_assert_eq(jt808_register_reply_decode(buf_view(&out), &r), STATUS_OK);
	cr_assert_eq(r.serial, 7);
	cr_assert(span_equal(r.code, span_of_string("code")));
	buf_clear(&out);
	cr_assert_eq(jt808_register_reply_encode(7, 3, span_of_string("code"), &out), STATUS_OK);
	cr_assert_eq(out.size, 3);
	cr_assert_eq(jt808_register_reply_decode(span_of(out.data, 2), &r), STATUS_BAD_LENGTH);
	buf_deinit(&out);
}
