#include <criterion/criterion.h>

#include "engine/core/clock.h"
#include "ingest/sensors/gb26875.h"
#include "wire_cases.h"

static const struct wire_protocol protocol = {"gb26875", GB26875_FRAME_MAX, gb26875_frame_next, gb26875_explain, false};

Test(gb26875, goldens_print_what_is_expected)
{
	wire_check_goldens(&protocol);
}

Test(gb26875, a_stream_may_be_split_anywhere)
{
	wire_check_splits(&protocol);
}

Test(gb26875, a_cut_frame_costs_only_itself)
{
	wire_check_cuts(&protocol);
}

Test(gb26875, a_damaged_frame_costs_only_itself)
{
	wire_check_damage(&protocol);
}

/* The frame of a golden case, decoded; `wire` keeps its bytes. */
static struct gb26875_message load(const char *name, struct buf *wire)
{
	struct marked_frame frame;
	struct gb26875_message m;
	wire_load(&protocol, name, wire);
	cr_assert_eq(gb26875_frame_next(buf_view(wire), &frame), STATUS_OK);
	cr_assert_eq(gb26875_decode(frame.raw, &m), STATUS_OK);
	return m;
}

static struct gb26875_object first_object(const struct gb26875_message *m)
{
	struct gb26875_objects objects;
	struct gb26875_object o;
	cr_assert_eq(gb26875_objects_decode(m->app, &objects), STATUS_OK);
	cr_assert_eq(gb26875_objects_next(&objects, &o), STATUS_OK);
	return o;
}

Test(gb26875, one_byte_of_data_is_a_heartbeat)
{
	struct buf wire;
	struct gb26875_message m = load("heartbeat", &wire);
	int64_t ms;
	cr_assert_eq(time_parse(span_of_string("2021-06-03T14:17:10+08:00"), 0, &ms), STATUS_OK);
	cr_expect_eq(m.serial, 0x69);
	cr_expect_eq(m.version_main, 0x10);
	cr_expect_eq(m.command, GB26875_SEND);
	cr_expect(m.time.known);
	cr_expect_eq(m.time.ms, ms);
	cr_expect_eq(m.source, 0);
	cr_expect_eq(m.target, UINT64_C(0x1d6dd53c10ac));
	cr_expect(m.heartbeat);
	buf_deinit(&wire);
}

Test(gb26875, an_operation_of_a_device_is_read)
{
	struct buf wire;
	struct gb26875_message m = load("device_operation", &wire);
	struct gb26875_object o = first_object(&m);
	cr_expect_eq(m.serial, 0x1331);
	cr_expect_not(m.heartbeat);
	cr_expect_eq(o.type, GB26875_DEVICE_OPERATION);
	cr_expect_eq(o.operation, 0x02);
	cr_expect_eq(o.operator_number, 0);
	cr_expect(o.has_time && o.time.known);
	cr_expect_eq(o.time.ms, m.time.ms);
	buf_deinit(&wire);
}

Test(gb26875, a_part_and_an_analog_value_are_read)
{
	struct buf wire;
	struct gb26875_message m = load("part_state", &wire);
	struct gb26875_object o = first_object(&m);
	cr_expect_eq(o.system_type, 1);
	cr_expect_eq(o.system_address, 3);
	cr_expect_eq(o.part_type, 17);
	cr_expect_eq(o.part_address, 0x01020304);
	cr_expect_eq(o.state, GB26875_STATE_NORMAL | GB26875_STATE_FIRE);
	cr_expect_eq(o.text.size, 31);
	buf_deinit(&wire);
	m = load("analog_two", &wire);
	o = first_object(&m);
	cr_expect_eq(o.analog_type, 3);
	cr_expect_eq(o.analog, -125);
	cr_expect_str_eq(gb26875_analog_unit(o.analog_type)->unit, "Cel");
	buf_deinit(&wire);
}

Test(gb26875, objects_end_where_they_are_cut)
{
	static const uint8_t app[] = {21, 3, 1, 10, 14, 17, 3, 6, 21, 2, 10, 14};
	struct gb26875_objects objects;
	struct gb26875_object o;
	cr_assert_eq(gb26875_objects_decode(span_of(app, sizeof app), &objects), STATUS_OK);
	cr_assert_eq(gb26875_objects_next(&objects, &o), STATUS_OK);
	cr_expect_eq(o.raw.size, 7);
	cr_assert_eq(gb26875_objects_next(&objects, &o), STATUS_BAD_LENGTH);
	cr_expect_eq(o.raw.size, 3);
	cr_expect_eq(gb26875_objects_next(&objects, &o), STATUS_END);
}

Test(gb26875, a_type_without_layout_is_kept_as_bytes)
{
	static const uint8_t app[] = {200, 2, 9, 8, 7};
	struct gb26875_objects objects;
	struct gb26875_object o;
	cr_assert_eq(gb26875_objects_decode(span_of(app, sizeof app), &objects), STATUS_OK);
	cr_assert_eq(gb26875_objects_next(&objects, &o), STATUS_UNSUPPORTED);
	cr_expect(span_equal(o.raw, span_of(app + 2, 3)));
	cr_expect_eq(gb26875_objects_next(&objects, &o), STATUS_END);
}

Test(gb26875, a_time_that_does_not_exist_is_not_known)
{
	struct buf wire = buf_init(4096);
	struct gb26875_message m;
	const struct gb26875_message none = {.command = GB26875_SEND};
	cr_assert_eq(gb26875_encode(&none, &wire), STATUS_OUT_OF_RANGE); /* 1970 */
	const struct gb26875_message some = {.time.ms = INT64_C(1614729600000), .command = GB26875_SEND};
	cr_assert_eq(gb26875_encode(&some, &wire), STATUS_OK);
	static const uint8_t wrong[][6] = {{60, 0, 0, 1, 1, 21}, {0, 60, 0, 1, 1, 21}, {0, 0, 24, 1, 1, 21},
					   {0, 0, 0, 29, 2, 21}, {0, 0, 0, 0, 1, 21},  {0, 0, 0, 1, 13, 21},
					   {0, 0, 0, 0, 0, 0},   {0, 0, 0, 1, 1, 100}, {0, 0, 0, 31, 4, 21}};
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
		memcpy(wire.data + 6, wrong[i], 6);
		cr_assert_eq(gb26875_decode(buf_view(&wire), &m), STATUS_OK);
		cr_expect_not(m.time.known, "%zu", i);
		cr_expect_eq(m.time.ms, 0);
	}
	buf_deinit(&wire);
}

/* The public samples, encoded again from what was read, are the same bytes. */
Test(gb26875, what_is_encoded_is_what_was_read)
{
	static const char *names[] = {"heartbeat", "device_operation", "part_state"};
	for (size_t i = 0; i < 3; i++) {
		struct buf wire, out = buf_init(4096);
		struct gb26875_message m = load(names[i], &wire);
		cr_assert_eq(gb26875_encode(&m, &out), STATUS_OK);
		cr_expect(span_equal(buf_view(&out), buf_view(&wire)), "%s", names[i]);
		buf_deinit(&out);
		buf_deinit(&wire);
	}
}

Test(gb26875, a_confirmation_goes_back_with_the_serial_it_confirms)
{
	struct buf wire, out = buf_init(GB26875_FRAME_MAX);
	struct gb26875_message asked = load("device_operation", &wire), m;
	struct marked_frame frame;
	cr_assert_eq(gb26875_reply_encode(&asked, GB26875_SEND, asked.time.ms, &out), STATUS_INVALID);
	cr_assert_eq(gb26875_reply_encode(&asked, GB26875_CONFIRM, asked.time.ms + 1000, &out), STATUS_OK);
	cr_assert_eq(gb26875_frame_next(buf_view(&out), &frame), STATUS_OK);
	cr_assert_eq(gb26875_decode(frame.raw, &m), STATUS_OK);
	cr_expect_eq(m.command, GB26875_CONFIRM);
	cr_expect_eq(m.serial, asked.serial);
	cr_expect_eq(m.source, asked.target);
	cr_expect_eq(m.target, asked.source);
	cr_expect_eq(m.time.ms, asked.time.ms + 1000);
	cr_expect_eq(m.app.size, 0);
	cr_expect_not(m.heartbeat);
	buf_deinit(&out);
	buf_deinit(&wire);
}

Test(gb26875, what_cannot_be_sent_leaves_the_buffer_alone)
{
	static const uint8_t app[GB26875_APP_MAX + 1];
	struct buf out = buf_init(GB26875_FRAME_MAX);
	struct gb26875_message m = {.time.ms = INT64_C(1614729600000), .app = span_of(app, sizeof app)};
	cr_expect_eq(gb26875_encode(&m, &out), STATUS_TOO_LONG);
	m.app.size--;
	m.source = GB26875_ADDRESS_MAX + 1;
	cr_expect_eq(gb26875_encode(&m, &out), STATUS_OUT_OF_RANGE);
	m.source--;
	cr_expect_eq(gb26875_encode(&m, &out), STATUS_OK);
	cr_expect_eq(out.size, GB26875_FRAME_MAX);
	cr_expect_eq(gb26875_encode(&m, &out), STATUS_FULL);
	cr_expect_eq(out.size, GB26875_FRAME_MAX);
	buf_deinit(&out);
}
