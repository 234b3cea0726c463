/* The writers, byte for byte, and thinning against its promises. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#include "engine/core/clock.h"
#include "query/export/export_devices.h"
#include "query/export/export_track.h"
#include "query/export/json_out.h"
#include "query/export/thin.h"
#include "support/written_track.h"

Test(export, fixed_point_is_printed_without_floating_point)
{
	static const struct {
		int64_t v;
		unsigned decimals;
		const char *text;
	} cases[] = {
		{0, 0, "0"},
		{0, 7, "0.0000000"},
		{1, 7, "0.0000001"},
		{-1, 7, "-0.0000001"},
		{-5, 1, "-0.5"},
		{1800000000, 7, "180.0000000"},
		{-1800000000, 7, "-180.0000000"},
		{1186085000, 7, "118.6085000"},
		{65534, 1, "6553.4"},
		{INT64_MIN, 0, "-9223372036854775808"},
		{INT64_MAX, 9, "9223372036.854775807"},
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct buf out = buf_init(64);
		cr_assert_eq(fixed_append(&out, cases[i].v, cases[i].decimals), STATUS_OK);
		cr_expect_eq(out.size, strlen(cases[i].text));
		cr_expect(!memcmp(out.data, cases[i].text, out.size), "%s became %.*s", cases[i].text, (int)out.size,
			  out.data);
		buf_deinit(&out);
	}
}

Test(export, a_full_buffer_sticks)
{
	struct buf out = buf_init(8);
	struct json_out j = json_out_init(&out);
	jout_string(&j, "longer than eight");
	jout_null(&j);
	cr_expect_eq(j.status, STATUS_FULL);
	buf_deinit(&out);
}

Test(export, a_track_as_json)
{
	struct report r[] = {report_at(T0, 249000001, -1186000002, 723), unknown_at(T0 + 1000)};
	struct export_track_options o = in(EXPORT_JSON);
	char *text = written(&o, r, 2, "cursor");
	cr_expect_str_eq(
		text,
		"{\"device\":\"0000000000000abc\",\"title\":\"2:闽C\\\"1\\\"\",\"from\":\"2026-01-31T08:30:00.000Z\","
		"\"to\":\"2026-01-31T08:31:00.000Z\",\"reports\":["
		"{\"time\":\"2026-01-31T08:30:00.000Z\",\"received\":\"2026-01-31T08:30:01.500Z\",\"lat\":24.9000001,"
		"\"lon\":-118.6000002,\"fix\":true,\"speed_kmh\":72.3,\"course_deg\":90,\"altitude_m\":-12,"
		"\"mileage_km\":12345.6,\"alarm\":0,\"status\":2,\"flags\":[],\"hash\":\"0123456789abcdef\"},"
		"{\"time\":\"2026-01-31T08:30:01.000Z\",\"received\":null,\"lat\":null,\"lon\":null,\"fix\":false,"
		"\"speed_kmh\":null,\"course_deg\":null,\"altitude_m\":null,\"mileage_km\":null,\"alarm\":0,\"status\":"
		"0,"
		"\"flags\":[\"no_fix\",\"backfill\"],\"hash\":\"0000000000000007\"}],\"next\":\"cursor\"}\n");
	free(text);
}

Test(export, items_and_body_are_readable_again)
{
	/* 28 fixed bytes of a 0x0200 body and two items, one of them unknown */
	static const uint8_t fixed[28] = {0,    0, 0, 0,  0, 0, 0, 2,  1,    0x7b, 0x96, 0,    7,    0x11,
					  0xd0, 0, 0, 10, 2, 0, 0, 90, 0x26, 1,    0x31, 0x16, 0x30, 0};
	static const uint8_t items[] = {0x01, 4, 0, 1, 0xe2, 0x40, 0xe5, 2, 0xde, 0xad};
	uint8_t body[sizeof fixed + sizeof items];
	char hex[2 * sizeof body + 1];
	memcpy(body, fixed, sizeof fixed);
	memcpy(body + sizeof fixed, items, sizeof items);
	struct report r;
	cr_assert_eq(report_from_jt808(span_of(body, sizeof body), &r), STATUS_OK);
	struct export_track_options o = in(EXPORT_NDJSON);
	o.items = o.body = true;
	char *text = written(&o, &r, 1, NULL);
	cr_expect(strstr(text, "\"items\":[{\"id\":1,\"hex\":\"0001e240\"},{\"id\":229,\"hex\":\"dead\"}]"), "%s",
		  text);
	hex_encode(hex, span_of(body, sizeof body));
	cr_expect(strstr(text, hex), "%s", text);
	free(text);
	o.format = EXPORT_CSV;
	text = written(&o, &r, 1, NULL);
	cr_expect(strstr(text, ",hash,items,body\r\n"), "%s", text);
	cr_expect(strstr(text, hex), "%s", text);
	free(text);
}

Test(export, csv_has_the_names_an_import_looks_for)
{
	struct report r[] = {report_at(T0, 249000001, 1186000002, 723), unknown_at(T0 + 1000)};
	struct export_track_options o = in(EXPORT_CSV);
	char *text = written(&o, r, 2, NULL);
	cr_expect_str_eq(
		text, "device,time,received,lat,lon,speed,course,altitude,mileage,alarm,status,flags,hash\r\n"
		      "0000000000000abc,2026-01-31T08:30:00.000Z,2026-01-31T08:30:01.500Z,24.9000001,118.6000002,72.3,"
		      "90,-12,12345.6,0,2,,0123456789abcdef\r\n"
		      "0000000000000abc,2026-01-31T08:30:01.000Z,,,,,,,,0,0,no_fix backfill,0000000000000007\r\n");
	free(text);
}

Test(export, csv_fields_are_quoted_when_they_must)
{
	struct buf out = buf_init(256);
	cr_assert_eq(csv_append(&out, span_of_string("plain 闽")), STATUS_OK);
	cr_assert_eq(csv_append(&out, span_of_string("a,\"b\"\r\n")), STATUS_OK);
	cr_assert_eq(buf_append(&out, "", 1), STATUS_OK);
	cr_expect_str_eq((char *)out.data, "plain 闽\"a,\"\"b\"\"\r\n\"");
	buf_deinit(&out);
}

Test(export, gpx_has_segments_where_time_is_missing)
{
	struct report r[] = {report_at(T0, 249000001, 1186000002, 5), report_at(T0 + 1000, -1, -2, SPEED_UNKNOWN),
			     unknown_at(T0 + 2000), report_at(T0 + EXPORT_GPX_GAP_MS + 1000, 3, 4, 10)};
	struct export_track_options o = in(EXPORT_GPX);
	o.title = "<闽C&1>";
	char *text = written(&o, r, 4, NULL);
	cr_expect(strstr(text, "<name>&lt;闽C&amp;1&gt;</name>"), "%s", text);
	cr_expect(strstr(text, "<trkpt lat=\"24.9000001\" lon=\"118.6000002\"><ele>-12</ele>"
			       "<time>2026-01-31T08:30:00.000Z</time><extensions><z:speed_kmh>0.5</z:speed_kmh>"
			       "<z:course_deg>90</z:course_deg></extensions></trkpt>"),
		  "%s", text);
	cr_expect(strstr(text, "lat=\"-0.0000001\" lon=\"-0.0000002\""), "%s", text);
	cr_expect(strstr(text, "</trkseg>\n<trkseg>\n<trkpt lat=\"0.0000003\""), "%s", text);
	cr_expect(strstr(text, "</trkseg></trk>\n</gpx>\n"), "%s", text);
	free(text);
	text = written(&o, r, 0, NULL);
	cr_expect_null(strstr(text, "trkseg"));
	free(text);
}

Test(export, a_row_that_does_not_fit_leaves_the_buffer_as_it_was)
{
	struct report r = report_at(T0, 1, 2, 3);
	for (unsigned f = 0; f < EXPORT_FORMAT_COUNT; f++) {
		struct export_track_options o = in((enum export_format)f);
		struct export_track w;
		struct buf out = buf_init(600);
		cr_assert_eq(export_track_begin(&w, &o, &out), STATUS_OK);
		size_t size;
		enum status status = STATUS_OK;
		for (int i = 0; i < 20 && !status; i++) {
			size = out.size;
			status = export_track_row(&w, &r, &out);
		}
		cr_expect_eq(status, STATUS_FULL, "%s", export_format_token((enum export_format)f));
		cr_expect_eq(out.size, size);
		export_track_deinit(&w);
		buf_deinit(&out);
	}
}

Test(export, devices_show_what_holds_and_no_secrets)
{
	struct binding b[] = {
		{DEVICE_FIELD_PLATE, INT64_MIN, T0, 1, "2:闽C00001", "local"},
		{DEVICE_FIELD_PLATE, T0, INT64_MAX, 2, "2:闽C00002", "local"},
		{DEVICE_FIELD_COMPANY, INT64_MIN, INT64_MAX, 3, "Muck, \"Ltd\"", "local"},
		{DEVICE_FIELD_AUTH_CODE, INT64_MIN, INT64_MAX, 3, "topsecret", "local"},
	};
	struct device d = {
		.id = 0xfeed, .kind = DEVICE_KIND_JT808, .created_ms = T0, .bindings = b, .binding_count = 4};
	static const enum export_format formats[] = {EXPORT_JSON, EXPORT_NDJSON, EXPORT_CSV};
	for (size_t i = 0; i < 3; i++) {
		struct buf out = buf_init(8192);
		struct export_list w;
		cr_assert_eq(export_devices_begin(&w, formats[i], &out), STATUS_OK);
		cr_assert_eq(export_device_row(&w, &d, T0, &out), STATUS_OK);
		cr_assert_eq(export_list_end(&w, NULL, &out), STATUS_OK);
		cr_assert_eq(buf_append(&out, "", 1), STATUS_OK);
		const char *text = (char *)out.data;
		cr_expect(strstr(text, "2:闽C00002"));
		cr_expect_null(strstr(text, "2:闽C00001"));
		cr_expect_null(strstr(text, "topsecret"));
		cr_expect_null(strstr(text, "auth_code"));
		cr_expect(strstr(text, formats[i] == EXPORT_CSV ? "\"Muck, \"\"Ltd\"\"\"" : "\"Muck, \\\"Ltd\\\"\""),
			  "%s", text);
		buf_deinit(&out);
	}
}

/* --- thinning --- */

static uint64_t random_state;

static uint32_t next_random(void)
{
	random_state = random_state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (uint32_t)(random_state >> 33);
}

static struct report *random_walk(size_t count)
{
	struct report *r = calloc(count ? count : 1, sizeof *r);
	int32_t lat = 249000000, lon = 1186000000;
	cr_assert(r);
	for (size_t i = 0; i < count; i++) {
		lat += (int32_t)(next_random() % 2001) - 1000;
		lon += (int32_t)(next_random() % 2001) - 1000;
		r[i] = report_at(T0 + (int64_t)i * 1000, lat, lon, (uint16_t)(next_random() % 1200));
		if (next_random() % 50 == 0)
			r[i] = unknown_at(T0 + (int64_t)i * 1000);
	}
	return r;
}

struct extremes {
	int32_t lat_min, lat_max, lon_min, lon_max;
	int32_t speed; /* wide, so that the struct has no padding */
};

static struct extremes extremes_of(const struct report *r, size_t count)
{
	struct extremes e = {INT32_MAX, INT32_MIN, INT32_MAX, INT32_MIN, 0};
	for (size_t i = 0; i < count; i++) {
		if (r[i].flags & REPORT_FLAG_NO_FIX)
			continue;
		e.lat_min = r[i].lat_e7 < e.lat_min ? r[i].lat_e7 : e.lat_min;
		e.lat_max = r[i].lat_e7 > e.lat_max ? r[i].lat_e7 : e.lat_max;
		e.lon_min = r[i].lon_e7 < e.lon_min ? r[i].lon_e7 : e.lon_min;
		e.lon_max = r[i].lon_e7 > e.lon_max ? r[i].lon_e7 : e.lon_max;
		e.speed = r[i].speed_dkmh > e.speed ? r[i].speed_dkmh : e.speed;
	}
	return e;
}

Test(thin, keeps_the_ends_the_extremes_and_the_bound)
{
	static const size_t points[] = {12, 13, 50, 100, 777}, counts[] = {0, 1, 2, 11, 12, 13, 100, 1000, 12345};
	random_state = 20260131;
	for (size_t i = 0; i < sizeof points / sizeof points[0]; i++) {
		for (size_t k = 0; k < sizeof counts / sizeof counts[0]; k++) {
			struct report *r = random_walk(counts[k]);
			struct thin t;
			const struct report *kept;
			size_t count;
			cr_assert_eq(thin_init(&t, points[i]), STATUS_OK);
			for (size_t n = 0; n < counts[k]; n++)
				thin_add(&t, &r[n]);
			thin_finish(&t, &kept, &count);
			cr_expect_leq(count, points[i]);
			if (counts[k] <= points[i])
				cr_expect_eq(count, counts[k]);
			else
				cr_expect_geq(count + 5, points[i] / 2, "%zu of %zu from %zu", count, points[i],
					      counts[k]);
			for (size_t n = 1; n < count; n++)
				cr_assert_lt(report_compare(&kept[n - 1], &kept[n]), 0);
			struct extremes a = extremes_of(r, counts[k]), b = extremes_of(kept, count);
			cr_expect(!memcmp(&a, &b, sizeof a), "%zu points of %zu", points[i], counts[k]);
			if (counts[k]) {
				cr_expect_eq(kept[0].time_ms, r[0].time_ms);
				cr_expect_eq(kept[count - 1].time_ms, r[counts[k] - 1].time_ms);
			}
			thin_deinit(&t);
			free(r);
		}
	}
}

Test(thin, few_points_are_the_ends_and_the_fastest)
{
	struct report r[100];
	for (int i = 0; i < 100; i++)
		r[i] = report_at(T0 + i, 249000000 + i, 1186000000, (uint16_t)(i == 42 ? 999 : 10));
	for (size_t points = 2; points < THIN_POINTS_MIN; points++) {
		struct thin t;
		const struct report *kept;
		size_t count;
		bool fastest = false;
		cr_assert_eq(thin_init(&t, points), STATUS_OK);
		for (int i = 0; i < 100; i++)
			thin_add(&t, &r[i]);
		thin_finish(&t, &kept, &count);
		cr_expect_leq(count, points);
		cr_expect_eq(kept[0].time_ms, T0);
		cr_expect_eq(kept[count - 1].time_ms, T0 + 99);
		for (size_t i = 0; i < count; i++)
			fastest |= kept[i].speed_dkmh == 999;
		cr_expect_eq(fastest, points > 2);
		thin_deinit(&t);
	}
}

Test(thin, a_stretch_without_a_fix_stays_visible)
{
	struct thin t;
	const struct report *kept;
	size_t count, blind = 0;
	cr_assert_eq(thin_init(&t, 100), STATUS_OK);
	for (int i = 0; i < 1000; i++) {
		struct report r = i < 600 ? report_at(T0 + i, 1000 + i, 1000, 10) : unknown_at(T0 + i);
		thin_add(&t, &r);
	}
	thin_finish(&t, &kept, &count);
	for (size_t i = 0; i < count; i++)
		blind += (kept[i].flags & REPORT_FLAG_NO_FIX) != 0;
	cr_expect_gt(blind, 5u);
	thin_deinit(&t);
}
