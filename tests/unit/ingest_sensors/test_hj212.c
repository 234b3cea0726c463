#include <criterion/criterion.h>

#include "engine/core/clock.h"
#include "ingest/sensors/hj212.h"
#include "wire_cases.h"

static const struct wire_protocol protocol = {"hj212", HJ212_FRAME_MAX, hj212_frame_next, hj212_explain, true};

Test(hj212, goldens_print_what_is_expected)
{
	wire_check_goldens(&protocol);
}

Test(hj212, a_stream_may_be_split_anywhere)
{
	wire_check_splits(&protocol);
}

Test(hj212, a_cut_frame_costs_only_itself)
{
	wire_check_cuts(&protocol);
}

Test(hj212, a_damaged_frame_costs_only_itself)
{
	wire_check_damage(&protocol);
}

static struct hj212_message load(const char *name, struct buf *wire)
{
	struct marked_frame frame;
	struct hj212_message m;
	wire_load(&protocol, name, wire);
	cr_assert_eq(hj212_frame_next(buf_view(wire), &frame), STATUS_OK);
	cr_assert_eq(hj212_decode(frame.raw, &m), STATUS_OK);
	return m;
}

static bool is(struct span s, const char *text)
{
	return span_equal(s, span_of_string(text));
}

/* The standard's example. */
Test(hj212, the_checksum_is_that_of_the_standard)
{
	struct span s =
		span_of_string("QN=20160801085857223;ST=32;CN=1062;PW=100000;MN=010000A8900016F000169DC0;Flag=5;"
			       "CP=&&RtdInterval=30&&");
	struct buf out = buf_init(HJ212_FRAME_MAX), wire;
	cr_expect_eq(s.size, 101);
	cr_expect_eq(hj212_crc(s), 0x1c80);
	cr_assert_eq(hj212_frame_encode(s, &out), STATUS_OK);
	wire_load(&protocol, "set_interval", &wire);
	cr_expect(span_equal(buf_view(&out), buf_view(&wire)));
	buf_deinit(&wire);
	buf_deinit(&out);
}

Test(hj212, every_item_of_the_head_is_read)
{
	struct buf wire;
	struct hj212_message m = load("set_interval", &wire);
	int64_t ms;
	cr_assert_eq(time_parse(span_of_string("2016-08-01T08:58:57.223+08:00"), 0, &ms), STATUS_OK);
	cr_expect(m.qn_known);
	cr_expect_eq(m.qn_ms, ms);
	cr_expect_eq(m.st, 32);
	cr_expect_eq(m.cn, 1062);
	cr_expect(is(m.pw, "100000"));
	cr_expect(is(m.mn, "010000A8900016F000169DC0"));
	cr_expect(m.has_flag && m.flag == 5 && hj212_answer_wanted(&m));
	cr_expect_eq(m.packets, 0);
	cr_expect_not(m.has_other);
	cr_expect(is(m.cp, "RtdInterval=30"));
	buf_deinit(&wire);
	m = load("packets", &wire);
	cr_expect_eq(m.packets, 3);
	cr_expect_eq(m.packet, 2);
	cr_expect(m.flag & HJ212_FLAG_PACKETS);
	buf_deinit(&wire);
}

Test(hj212, readings_have_their_figures_time_and_quality)
{
	struct buf wire;
	struct hj212_message m = load("minute_data", &wire);
	struct hj212_readings readings = hj212_readings_of(m.cp);
	struct hj212_reading r;
	int64_t ms;
	cr_assert_eq(hj212_time_parse(span_of_string("20160801084000"), &ms), STATUS_OK);
	cr_assert_eq(hj212_readings_next(&readings, &r), STATUS_OK);
	cr_expect(is(r.code, "w01018"));
	cr_expect(r.has_time && r.time_ms == ms);
	cr_expect(r.has[HJ212_COU] && r.has[HJ212_MIN] && r.has[HJ212_AVG] && r.has[HJ212_MAX] && !r.has[HJ212_RTD]);
	cr_expect_eq(r.figures[HJ212_AVG].type, VALUE_DECIMAL);
	cr_expect_eq(r.figures[HJ212_AVG].bits, 1234);
	cr_expect_eq(r.figures[HJ212_AVG].scale, 2);
	cr_expect_eq(r.figures[HJ212_AVG].time_ms, ms);
	cr_expect_eq(r.quality, VALUE_QUALITY_GOOD);
	cr_assert_eq(hj212_readings_next(&readings, &r), STATUS_OK);
	cr_expect(is(r.code, "w21003"));
	cr_expect_eq(r.flag, 'D');
	cr_expect_eq(r.figures[HJ212_AVG].quality, VALUE_QUALITY_FAULT);
	cr_expect_not(r.has[HJ212_AVG]); /* "--" is no number */
	cr_assert_eq(hj212_readings_next(&readings, &r), STATUS_OK);
	cr_expect(is(r.code, "w00000"));
	cr_expect(r.has[HJ212_COU] && r.has[HJ212_AVG]);
	cr_expect_eq(hj212_readings_next(&readings, &r), STATUS_END);
	buf_deinit(&wire);
}

Test(hj212, flags_are_told_apart)
{
	static const char flags[] = "NFMSDCTB?";
	static const uint8_t qualities[] = {VALUE_QUALITY_GOOD,       VALUE_QUALITY_STOPPED, VALUE_QUALITY_MAINTENANCE,
					    VALUE_QUALITY_MANUAL,     VALUE_QUALITY_FAULT,   VALUE_QUALITY_CALIBRATION,
					    VALUE_QUALITY_OVER_RANGE, VALUE_QUALITY_LINK,    VALUE_QUALITY_FAULT};
	for (size_t i = 0; flags[i]; i++)
		cr_expect_eq(hj212_quality((uint8_t)flags[i]), qualities[i], "%c", flags[i]);
}

Test(hj212, a_key_may_leave_out_what_the_one_before_said)
{
	struct hj212_items items = hj212_items_of(span_of_string("w01018-Rtd=1,-Flag=N;-Avg=2"));
	struct hj212_item item;
	cr_assert_eq(hj212_items_next(&items, &item), STATUS_OK);
	cr_assert_eq(hj212_items_next(&items, &item), STATUS_OK);
	cr_expect(is(item.code, "w01018") && is(item.field, "Flag") && item.group == 0);
	cr_assert_eq(hj212_items_next(&items, &item), STATUS_OK);
	cr_expect(item.code.size == 0 && is(item.field, "Avg") && item.group == 1);
	cr_expect_eq(hj212_items_next(&items, &item), STATUS_END);
}

Test(hj212, what_is_no_segment_is_refused)
{
	static const char *segments[] = {"",
					 "CN=2011",
					 "CN=2011;",
					 "CN=2011;CP=&&",
					 "CN=2011;CP=&&&",
					 "CN=2011;CP=&&a=1",
					 "CN=x;CP=&&&&",
					 "CN=12345678901;CP=&&&&",
					 "ST=32;CP=&&&&",
					 "CN=2011;Flag=256;CP=&&&&",
					 "CN=2011;PNO=;CP=&&&&",
					 "CN=2011;;CP=&&&&",
					 "CN=2011;what;CP=&&&&"};
	for (size_t i = 0; i < sizeof segments / sizeof *segments; i++) {
		struct buf wire = buf_init(HJ212_FRAME_MAX);
		struct marked_frame frame;
		struct hj212_message m;
		cr_assert_eq(hj212_frame_encode(span_of_string(segments[i]), &wire), STATUS_OK);
		cr_assert_eq(hj212_frame_next(buf_view(&wire), &frame), STATUS_OK);
		cr_expect_eq(hj212_decode(frame.raw, &m), STATUS_MALFORMED, "%s", segments[i]);
		buf_deinit(&wire);
	}
}

Test(hj212, times_that_do_not_exist_are_none)
{
	static const char *texts[] = {"",
				      "2016080108400",
				      "20160801084060",
				      "20160801086000",
				      "20160801240000",
				      "20160230000000",
				      "20161301000000",
				      "20160001000000",
				      "2016080108400a",
				      "20160801085857 23"};
	int64_t ms;
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
		cr_expect_eq(hj212_time_parse(span_of_string(texts[i]), &ms), STATUS_BAD_TIME, "%s", texts[i]);
}

/* The public sample of a data answer, byte for byte. */
Test(hj212, an_answer_has_the_number_of_what_it_answers)
{
	struct hj212_message asked = {.qn = span_of_string("20160801085000001"),
				      .pw = span_of_string("123456"),
				      .mn = span_of_string("010000A8900016F000169DC0"),
				      .flag = 7};
	struct buf out = buf_init(4096), wire;
	struct marked_frame frame;
	struct hj212_message m;
	wire_load(&protocol, "data_answer", &wire);
	cr_assert_eq(hj212_answer_encode(&asked, HJ212_DATA_ANSWER, 1, &out), STATUS_OK);
	cr_expect(span_equal(buf_view(&out), buf_view(&wire)));
	buf_clear(&out);
	cr_assert_eq(hj212_answer_encode(&asked, HJ212_RESULT, 1, &out), STATUS_OK);
	cr_assert_eq(hj212_frame_next(buf_view(&out), &frame), STATUS_OK);
	cr_assert_eq(hj212_decode(frame.raw, &m), STATUS_OK);
	cr_expect_eq(m.cn, 9012);
	cr_expect_eq(m.st, 91);
	cr_expect(is(m.cp, "ExeRtn=1"));
	cr_expect_not(hj212_answer_wanted(&m));
	buf_deinit(&wire);
	buf_deinit(&out);
}

Test(hj212, what_cannot_be_sent_leaves_the_buffer_alone)
{
	static char text[HJ212_SEGMENT_MAX + 1];
	struct buf out = buf_init(HJ212_FRAME_MAX);
	memset(text, 'a', sizeof text);
	const struct hj212_message asked = {.qn = span_of(text, sizeof text)};
	cr_expect_eq(hj212_frame_encode(span_of(text, sizeof text), &out), STATUS_TOO_LONG);
	cr_expect_eq(hj212_answer_encode(&asked, HJ212_DATA_ANSWER, 0, &out), STATUS_TOO_LONG);
	cr_expect_eq(out.size, 0);
	cr_expect_eq(hj212_frame_encode(span_of(text, sizeof text - 1), &out), STATUS_OK);
	cr_expect_eq(out.size, HJ212_FRAME_MAX);
	cr_expect_eq(hj212_frame_encode(span_of(text, 1), &out), STATUS_FULL);
	cr_expect_eq(out.size, HJ212_FRAME_MAX);
	buf_deinit(&out);
}
