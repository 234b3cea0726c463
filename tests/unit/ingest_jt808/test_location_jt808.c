#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#include "engine/core/clock.h"
#include "engine/series/report.h"
#include "ingest/jt808/jt808.h"
#include "tests/unit/ingest_jt808/vectors_jt808.h"

Test(location_jt808, a_batch_is_walked_by_its_lengths_and_not_by_its_count)
{
	/* 5 told, two there: 3 bytes and 1 byte */
	struct buf body = bytes_of_hex("0005"
				       "01"
				       "0003aabbcc"
				       "0001dd");
	struct jt808_bodies b;
	struct span one;
	cr_assert_eq(jt808_batch_decode(buf_view(&body), &b), STATUS_OK);
	cr_assert_eq(b.declared, 5);
	cr_assert_eq(b.type, 1);
	cr_assert_eq(jt808_batch_next(&b, &one), STATUS_OK);
	cr_assert_eq(one.size, 3);
	cr_assert_eq(jt808_batch_next(&b, &one), STATUS_OK);
	cr_assert_eq(one.size, 1);
	cr_assert_eq(one.data[0], 0xdd);
	cr_assert_eq(jt808_batch_next(&b, &one), STATUS_END);
	buf_deinit(&body);
}

Test(location_jt808, a_batch_of_more_than_it_tells_is_walked_to_its_end)
{
	struct buf body = bytes_of_hex("0001"
				       "00"
				       "0001aa"
				       "0001bb"
				       "0001cc");
	struct jt808_bodies b;
	struct span one;
	size_t count = 0;
	cr_assert_eq(jt808_batch_decode(buf_view(&body), &b), STATUS_OK);
	while (jt808_batch_next(&b, &one) == STATUS_OK)
		count++;
	cr_assert_eq(count, 3);
	buf_deinit(&body);
}

Test(location_jt808, a_cut_batch_gives_its_rest_once)
{
	static const char *const cuts[] = {"0001000003aabb", "000100"
							     "00"};
	for (size_t i = 0; i < 2; i++) {
		struct buf body = bytes_of_hex(cuts[i]);
		struct jt808_bodies b;
		struct span rest;
		cr_assert_eq(jt808_batch_decode(buf_view(&body), &b), STATUS_OK);
		cr_assert_eq(jt808_batch_next(&b, &rest), STATUS_BAD_LENGTH);
		cr_assert_eq(rest.size, body.size - 3);
		cr_assert_eq(jt808_batch_next(&b, &rest), STATUS_END);
		buf_deinit(&body);
	}
	struct jt808_bodies b;
	cr_assert_eq(jt808_batch_decode(span_of("\0\1", 2), &b), STATUS_BAD_LENGTH);
}

Test(location_jt808, an_answered_location_is_a_serial_and_a_body)
{
	struct span body;
	uint16_t serial;
	cr_assert_eq(jt808_answered_location_decode(span_of("\x12\x34zz", 4), &serial, &body), STATUS_OK);
	cr_assert_eq(serial, 0x1234);
	cr_assert_eq(body.size, 2);
	cr_assert_eq(jt808_answered_location_decode(span_of("\x12", 1), &serial, &body), STATUS_BAD_LENGTH);
}

static struct report report_of(const struct jt808_location *l, struct buf *body)
{
	struct report r;
	*body = buf_init(1024);
	cr_assert_eq(jt808_location_encode(l, body), STATUS_OK);
	cr_assert_eq(jt808_item_encode(0x01, span_of("\0\0\x30\x39", 4), body), STATUS_OK);
	cr_assert_eq(report_from_jt808(buf_view(body), &r), STATUS_OK);
	return r;
}

Test(location_jt808, hemispheres_follow_the_signs)
{
	static const int32_t signs[4][2] = {{1, 1}, {-1, 1}, {1, -1}, {-1, -1}};
	for (size_t i = 0; i < 4; i++) {
		struct jt808_location l = {.status = 0x0000000f, /* the bits given do not matter */
					   .lat_e6 = signs[i][0] * 24908123,
					   .lon_e6 = signs[i][1] * 118584321,
					   .altitude_m = -12,
					   .speed_dkmh = 603,
					   .course_deg = 359,
					   .time_ms = INT64_C(1780000000000)};
		struct buf body;
		struct report r = report_of(&l, &body);
		cr_assert_eq(r.lat_e7, l.lat_e6 * 10);
		cr_assert_eq(r.lon_e7, l.lon_e6 * 10);
		cr_assert_eq(!!(r.status & STATUS_BIT_SOUTH), l.lat_e6 < 0);
		cr_assert_eq(!!(r.status & STATUS_BIT_WEST), l.lon_e6 < 0);
		cr_assert_eq(r.altitude_m, -12);
		cr_assert_eq(r.speed_dkmh, 603);
		cr_assert_eq(r.course_deg, 359);
		cr_assert_eq(r.time_ms, l.time_ms);
		cr_assert_eq(r.mileage_hm, 12345);
		buf_deinit(&body);
	}
}

Test(location_jt808, a_time_that_bcd_cannot_hold_is_refused)
{
	struct jt808_location l = {.time_ms = 0};
	struct buf body = buf_init(64);
	cr_assert_eq(jt808_location_encode(&l, &body), STATUS_OUT_OF_RANGE);
	cr_assert_eq(body.size, 0);
	buf_deinit(&body);
}

/* Facts of a location of the vectors: `prefix` is "" or "loc0." and so on. */
static size_t check_facts(const struct vector *v, const char *prefix, struct span body)
{
	static const struct {
		const char *name;
		int base, offset, size;
	} facts[] = {{"alarm", 16, 0, 4},     {"status", 16, 4, 4},     {"lat_raw", 10, 8, 4}, {"lon_raw", 10, 12, 4},
		     {"altitude", 10, 16, 2}, {"speed_raw", 10, 18, 2}, {"course", 10, 20, 2}};
	char key[32], text[64];
	size_t found = 0;
	for (size_t i = 0; i < sizeof facts / sizeof facts[0]; i++) {
		snprintf(key, sizeof key, "%s%s", prefix, facts[i].name);
		if (!vector_fact(v, key, text, sizeof text))
			continue;
		const uint8_t *at = body.data + facts[i].offset;
		cr_assert_eq(facts[i].size == 4 ? load_be32(at) : load_be16(at), strtoul(text, NULL, facts[i].base),
			     "line %d %s", v->line, key);
		found++;
	}
	snprintf(key, sizeof key, "%stime", prefix);
	if (vector_fact(v, key, text, sizeof text)) {
		int64_t expected, ms;
		cr_assert_eq(time_parse(span_of_string(text), CHINA_OFFSET_MS, &expected), STATUS_OK);
		cr_assert_eq(bcd_time_decode(body.data + 22, &ms), STATUS_OK);
		cr_assert_eq(ms, expected, "line %d", v->line);
		found++;
	}
	return found;
}

/* What report_from_jt808 must make of a body: the suite's own positions lie beyond the pole and are refused. */
static void check_report(const struct vector *v, struct span body, size_t *good, size_t *beyond)
{
	struct report r;
	enum status status = report_from_jt808(body, &r);
	if (load_be32(body.data + 8) > 90000000) {
		cr_assert_eq(status, STATUS_OUT_OF_RANGE, "line %d", v->line);
		++*beyond;
		return;
	}
	cr_assert_eq(status, STATUS_OK, "line %d: %s", v->line, status_name(status));
	cr_assert_eq(r.alarm, load_be32(body.data));
	cr_assert_eq(r.status, load_be32(body.data + 4));
	cr_assert_eq(r.items_size, body.size - 28);
	++*good;
}

Test(location_jt808, every_location_of_the_vectors_has_the_facts_told_of_it)
{
	static struct vector rows[VECTOR_COUNT];
	size_t bodies = 0, facts = 0, good = 0, beyond = 0;
	cr_assert_eq(vectors_read(rows), VECTOR_COUNT);
	for (size_t i = 0; i < VECTOR_COUNT; i++) {
		const struct vector *v = &rows[i];
		uint8_t scratch[JT808_FRAME_MAX];
		struct jt808_frame frame;
		struct jt808_header h;
		cr_assert_eq(jt808_frame_next(buf_view(&v->wire), scratch, &frame), STATUS_OK);
		cr_assert_eq(jt808_header_decode(frame.content, &h), STATUS_OK);
		struct jt808_bodies batch;
		struct span body = h.body;
		uint16_t serial;
		if (h.message_id == 0x0704) {
			char prefix[16];
			unsigned n = 0;
			cr_assert_eq(jt808_batch_decode(h.body, &batch), STATUS_OK);
			for (; jt808_batch_next(&batch, &body) == STATUS_OK; n++, bodies++) {
				snprintf(prefix, sizeof prefix, "loc%u.", n);
				facts += check_facts(v, prefix, body);
				check_report(v, body, &good, &beyond);
			}
			cr_assert_eq(n, batch.declared, "line %d", v->line);
			continue;
		}
		if (h.message_id == 0x0201 || h.message_id == 0x0500)
			cr_assert_eq(jt808_answered_location_decode(h.body, &serial, &body), STATUS_OK);
		else if (h.message_id != 0x0200)
			continue;
		facts += check_facts(v, "", body);
		check_report(v, body, &good, &beyond);
		bodies++;
	}
	cr_assert_eq(bodies, 25, "%zu bodies", bodies);
	cr_assert_eq(facts, 112, "%zu facts", facts);
	cr_assert_eq(good + beyond, bodies);
	cr_assert_gt(good, 0);
	vectors_free(rows, VECTOR_COUNT);
}
