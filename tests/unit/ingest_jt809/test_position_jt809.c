#include <criterion/criterion.h>
#include <string.h>

#include "engine/core/clock.h"
#include "golden_jt809.h"

static struct golden cases[GOLDEN_MAX];
static size_t count;
static uint8_t scratch[JT809_FRAME_MAX], room[2048];

static void begin(void)
{
	count = golden_load(cases);
}

static void end(void)
{
	golden_free(cases, count);
}

TestSuite(position_jt809, .init = begin, .fini = end);

/* The data of the position message of that name. */
static struct span data_of(const char *name)
{
	struct jt809_frame frame;
	struct jt809_header h;
	struct jt809_envelope e;
	cr_assert_eq(jt809_frame_next(buf_view(&golden_find(cases, count, name)->wire), scratch, &frame), STATUS_OK);
	cr_assert_eq(jt809_header_decode(frame.content, JT809_DETECT, &h), STATUS_OK);
	cr_assert_eq(jt809_envelope_decode(h.id, h.body, &e), STATUS_OK);
	return e.data;
}

static struct report report_of(struct span data)
{
	struct report r;
	size_t size;
	cr_assert_eq(jt809_position_decode(data, room, sizeof room, &r, &size), STATUS_OK);
	return r;
}

static void expect_rebuilt(struct span data)
{
	struct report r = report_of(data);
	struct buf out = buf_init(1u << 16);
	cr_assert_eq(jt809_position_rebuild(&r, &out), STATUS_OK);
	cr_expect(span_equal(buf_view(&out), data));
	buf_deinit(&out);
}

Test(position_jt809, a_position_of_2011_becomes_a_report)
{
	struct report r = report_of(data_of("1202_position_2011"));
	char time[TIME_TEXT_MAX];
	time_format(r.time_ms, CHINA_OFFSET_MS, time);
	cr_expect_str_eq(time, "2026-11-20T10:05:30.000+08:00");
	cr_expect_eq(r.lat_e7, 249071230);
	cr_expect_eq(r.lon_e7, 1185894210);
	cr_expect_eq(r.speed_dkmh, 620);
	cr_expect_eq(r.mileage_hm, 1234560);
	cr_expect_eq(r.course_deg, 271);
	cr_expect_eq(r.altitude_m, 35);
	cr_expect_eq(r.flags, 0);
}

Test(position_jt809, data_is_rebuilt_bit_for_bit)
{
	static const char *const names[] = {"1202_position_2011",         "1202_position_2011_blue",
					    "1202_position_2011_shifted", "1202_position_2019",
					    "1202_position_2019_alarms",  "1202_position_2019_old_fields"};
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		expect_rebuilt(data_of(names[i]));
}

Test(position_jt809, a_shifted_position_is_kept_and_never_judged_by_a_fence)
{
	struct report r = report_of(data_of("1202_position_2011_shifted"));
	cr_expect(r.flags & REPORT_FLAG_OFFSET);
}

/* The same position, said to be shifted by its first byte alone. */
Test(position_jt809, the_cipher_byte_alone_makes_a_position_shifted)
{
	static const char *const names[] = {"1202_position_2011", "1202_position_2019",
					    "1202_position_2019_old_fields"};
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		uint8_t data[512];
		struct span came = data_of(names[i]);
		memcpy(data, came.data, came.size);
		data[0] = 1;
		cr_expect(report_of(span_of(data, came.size)).flags & REPORT_FLAG_OFFSET);
		expect_rebuilt(span_of(data, came.size));
	}
}

Test(position_jt809, positions_of_a_backfill_come_one_by_one)
{
	static const char *const names[] = {"1203_backfill_2011", "1203_backfill_2019"};
	for (size_t i = 0; i < 2; i++) {
		struct jt809_positions p;
		struct span one;
		cr_assert_eq(jt809_positions_decode(data_of(names[i]), &p), STATUS_OK);
		cr_expect_eq(p.declared, 2);
		int64_t last_ms = 0;
		for (unsigned n = 0; n < 2; n++) {
			cr_assert_eq(jt809_positions_next(&p, &one), STATUS_OK, "%s", names[i]);
			expect_rebuilt(one);
			struct report r = report_of(one);
			cr_expect(r.time_ms > last_ms);
			last_ms = r.time_ms;
		}
		cr_expect_eq(jt809_positions_next(&p, &one), STATUS_END);
	}
}

Test(position_jt809, a_backfill_that_is_cut_gives_what_is_whole)
{
	struct jt809_positions p;
	struct span one, data = data_of("1203_backfill_2019");
	cr_assert_eq(jt809_positions_decode(span_of(data.data, data.size - 60), &p), STATUS_OK);
	cr_expect_eq(jt809_positions_next(&p, &one), STATUS_OK);
	cr_expect_eq(jt809_positions_next(&p, &one), STATUS_BAD_LENGTH);
	cr_expect_eq(jt809_positions_next(&p, &one), STATUS_END);
}

Test(position_jt809, what_is_no_position_is_refused)
{
	struct report r;
	size_t size;
	uint8_t data[JT809_POSITION_2011];
	memcpy(data, data_of("1202_position_2011").data, sizeof data);
	cr_expect_eq(jt809_position_decode(span_of(data, 20), room, sizeof room, &r, &size), STATUS_BAD_LENGTH);
	data[2] = 13;
	cr_expect_eq(jt809_position_decode(span_of(data, sizeof data), room, sizeof room, &r, &size), STATUS_BAD_TIME);
	data[2] = 11;
	store_be16(data + 3, 1999);
	cr_expect_eq(jt809_position_decode(span_of(data, sizeof data), room, sizeof room, &r, &size), STATUS_BAD_TIME);
	store_be16(data + 3, 2026);
	store_be32(data + 8, 180000001);
	cr_expect_eq(jt809_position_decode(span_of(data, sizeof data), room, sizeof room, &r, &size),
		     STATUS_OUT_OF_RANGE);
	cr_expect_eq(jt809_position_decode(span_of(data, sizeof data), room, 40, &r, &size), STATUS_TOO_LONG);
}

Test(position_jt809, a_report_of_another_source_goes_out_in_either_edition)
{
	struct report r = {.time_ms = INT64_C(1795140330000),
			   .lat_e7 = -249071235,
			   .lon_e7 = 1185894217,
			   .status = STATUS_BIT_FIX | STATUS_BIT_SOUTH,
			   .speed_dkmh = 625,
			   .course_deg = COURSE_UNKNOWN,
			   .altitude_m = ALTITUDE_UNKNOWN,
			   .mileage_hm = 777};
	report_row_seal(&r);
	for (unsigned edition = JT809_2011; edition <= JT809_2019; edition++) {
		struct buf out = buf_init(4096);
		cr_assert_eq(jt809_position_encode(&r, (enum jt809_edition)edition, &out), STATUS_OK);
		struct report back = report_of(buf_view(&out));
		cr_expect_eq(back.time_ms, r.time_ms);
		cr_expect_eq(back.lat_e7, -249071230);
		cr_expect_eq(back.lon_e7, 1185894210);
		cr_expect_eq(back.speed_dkmh, edition == JT809_2011 ? 620 : 625);
		cr_expect_eq(back.mileage_hm, edition == JT809_2011 ? 770 : 777);
		buf_deinit(&out);
	}
}
