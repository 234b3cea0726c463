#include <criterion/criterion.h>

#include "engine/core/clock.h"
#include "ingest/sensors/sl651.h"
#include "wire_cases.h"

static const struct wire_protocol protocol = {"sl651", SL651_FRAME_MAX, sl651_frame_next, sl651_explain, false};

Test(sl651, goldens_print_what_is_expected)
{
	wire_check_goldens(&protocol);
}

Test(sl651, a_stream_may_be_split_anywhere)
{
	wire_check_splits(&protocol);
}

Test(sl651, a_cut_frame_costs_only_itself)
{
	wire_check_cuts(&protocol);
}

Test(sl651, a_damaged_frame_costs_only_itself)
{
	wire_check_damage(&protocol);
}

static struct sl651_message load(const char *name, struct buf *wire)
{
	struct marked_frame frame;
	struct sl651_message m;
	wire_load(&protocol, name, wire);
	cr_assert_eq(sl651_frame_next(buf_view(wire), &frame), STATUS_OK);
	cr_assert_eq(sl651_decode(frame.raw, &m), STATUS_OK);
	return m;
}

static int64_t at(const char *text)
{
	int64_t ms;
	cr_assert_eq(time_parse(span_of_string(text), 0, &ms), STATUS_OK);
	return ms;
}

Test(sl651, a_keep_alive_is_read)
{
	static const uint8_t station[] = {0x00, 0x12, 0x34, 0x56, 0x78};
	struct buf wire;
	struct sl651_message m = load("keep_alive", &wire);
	cr_expect_not(m.down);
	cr_expect_eq(m.centre, 1);
	cr_expect_arr_eq(m.station, station, 5);
	cr_expect_eq(m.password, 0x1234);
	cr_expect_eq(m.function, 0x2f);
	cr_expect_eq(m.end, SL651_ETX);
	cr_expect(m.has_serial && m.serial == 3);
	cr_expect(m.time_known);
	cr_expect_eq(m.time_ms, at("2059-10-11T15:51:11+08:00"));
	cr_expect_not(m.has_observer);
	cr_expect_eq(m.elements.size, 0);
	buf_deinit(&wire);
}

Test(sl651, rain_level_and_voltage_are_exact_and_have_their_time)
{
	static const struct {
		uint8_t id, decimals;
		int64_t mantissa;
	} expected[] = {{0x20, 1, 40}, {0x26, 1, 40}, {0x39, 3, 10490}, {0x38, 2, 1099}};
	struct buf wire;
	struct sl651_message m = load("river_report", &wire);
	struct sl651_elements elements = sl651_elements_of(m.elements);
	struct sl651_element e;
	cr_expect(m.has_observer && m.station_class == 'H');
	cr_assert_eq(sl651_elements_next(&elements, &e), STATUS_OK);
	cr_expect_eq(e.id, SL651_OBSERVED);
	for (size_t i = 0; i < 4; i++) {
		cr_assert_eq(sl651_elements_next(&elements, &e), STATUS_OK);
		cr_expect_eq(e.id, expected[i].id);
		cr_expect(e.is_number && e.mantissa == expected[i].mantissa && e.decimals == expected[i].decimals,
			  "%zu", i);
		cr_expect(e.has_time && e.time_ms == at("2017-07-18T11:00:00+08:00"));
	}
	cr_expect_eq(sl651_elements_next(&elements, &e), STATUS_END);
	buf_deinit(&wire);
}

Test(sl651, packets_after_the_first_have_no_serial)
{
	struct buf wire;
	struct sl651_message m = load("packet_first", &wire);
	cr_expect(m.packets == 0x102 && m.packet == 1 && m.has_serial && m.serial == 9 && m.end == SL651_ETB);
	buf_deinit(&wire);
	m = load("packet_last", &wire);
	cr_expect(m.packets == 0x102 && m.packet == 0x102 && !m.has_serial && m.end == SL651_ETX);
	cr_expect_eq(m.body.size, 5);
	buf_deinit(&wire);
}

Test(sl651, an_element_that_is_cut_ends_the_list)
{
	static const uint8_t bytes[] = {0x38, 0x12, 0x10, 0x99, 0x39, 0x23, 0x00};
	struct sl651_elements elements = sl651_elements_of(span_of(bytes, sizeof bytes));
	struct sl651_element e;
	cr_assert_eq(sl651_elements_next(&elements, &e), STATUS_OK);
	cr_expect_not(e.has_time);
	cr_assert_eq(sl651_elements_next(&elements, &e), STATUS_BAD_LENGTH);
	cr_expect_eq(e.data.size, 3);
	cr_expect_eq(sl651_elements_next(&elements, &e), STATUS_END);
}

Test(sl651, what_is_encoded_is_what_was_read)
{
	static const char *names[] = {"keep_alive",   "keep_alive_2", "river_report",
				      "packet_first", "packet_last",  "down_ack"};
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		struct buf wire, out = buf_init(SL651_FRAME_MAX);
		struct sl651_message m = load(names[i], &wire);
		cr_assert_eq(sl651_encode(&m, &out), STATUS_OK);
		cr_expect(span_equal(buf_view(&out), buf_view(&wire)), "%s", names[i]);
		buf_deinit(&out);
		buf_deinit(&wire);
	}
}

Test(sl651, an_answer_goes_down_with_the_serial_it_answers)
{
	struct buf wire, expected, out = buf_init(SL651_FRAME_MAX);
	struct sl651_message asked = load("keep_alive", &wire);
	wire_load(&protocol, "down_ack", &expected);
	cr_assert_eq(sl651_reply_encode(&asked, SL651_ESC, at("2022-03-03T17:15:22+08:00"), &out), STATUS_OK);
	cr_expect(span_equal(buf_view(&out), buf_view(&expected)));
	cr_expect_eq(sl651_reply_encode(&asked, SL651_ACK, 0, &out), STATUS_OUT_OF_RANGE);
	cr_expect_eq(sl651_reply_encode(&asked, (enum sl651_end)1, asked.time_ms, &out), STATUS_INVALID);
	cr_expect_eq(out.size, expected.size);
	buf_deinit(&out);
	buf_deinit(&expected);
	buf_deinit(&wire);
}

Test(sl651, what_cannot_be_sent_leaves_the_buffer_alone)
{
	static const uint8_t body[SL651_BODY_MAX + 1];
	struct buf out = buf_init(SL651_FRAME_MAX);
	struct sl651_message m = {.start = SL651_STX, .end = SL651_ETX, .body = span_of(body, sizeof body)};
	cr_expect_eq(sl651_encode(&m, &out), STATUS_TOO_LONG);
	m.body.size--;
	cr_expect_eq(sl651_encode(&m, &out), STATUS_OK);
	cr_expect_eq(out.size, SL651_FRAME_MAX);
	cr_expect_eq(sl651_encode(&m, &out), STATUS_FULL);
	cr_expect_eq(out.size, SL651_FRAME_MAX);
	buf_deinit(&out);
}
