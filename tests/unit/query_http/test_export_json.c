/* What the writers print is JSON to a parser that is not ours. */
#include <criterion/criterion.h>
#include <jansson.h>
#include <stdlib.h>

#include "query/export/export_track.h"
#include "query/export/json_out.h"

/* 2026-01-31T08:30:00Z */
#define T0 INT64_C(1769848200000)

static struct report report_at(int64_t time_ms, int32_t lat_e7, int32_t lon_e7, uint16_t speed_dkmh)
{
	struct report r = {.time_ms = time_ms, .received_ms = time_ms + 1500, .lat_e7 = lat_e7, .lon_e7 = lon_e7};
	r.status = STATUS_BIT_FIX;
	r.mileage_hm = 123456;
	r.speed_dkmh = speed_dkmh;
	r.course_deg = 90;
	r.altitude_m = -12;
	r.body = REPORT_BODY_ROW;
	r.hash = UINT64_C(0x0123456789abcdef) + (uint64_t)time_ms;
	return r;
}

static struct report unknown_at(int64_t time_ms)
{
	struct report r = {.time_ms = time_ms, .received_ms = RECEIVED_UNKNOWN};
	r.flags = REPORT_FLAG_NO_FIX | REPORT_FLAG_BACKFILL;
	r.speed_dkmh = SPEED_UNKNOWN;
	r.course_deg = COURSE_UNKNOWN;
	r.altitude_m = ALTITUDE_UNKNOWN;
	r.mileage_hm = MILEAGE_UNKNOWN;
	r.hash = 7;
	return r;
}

static char *written(const struct export_track_options *o, const struct report *reports, size_t count, const char *next)
{
	struct buf out = buf_init(1u << 24);
	struct export_track w;
	cr_assert_eq(export_track_begin(&w, o, &out), STATUS_OK);
	for (size_t i = 0; i < count; i++)
		cr_assert_eq(export_track_row(&w, &reports[i], &out), STATUS_OK);
	cr_assert_eq(export_track_end(&w, next, &out), STATUS_OK);
	cr_assert_eq(buf_append(&out, "", 1), STATUS_OK);
	export_track_deinit(&w);
	return (char *)out.data;
}

static const struct export_track_options options = {
	.device = 0xabc, .from_ms = T0, .to_ms = T0 + 60000, .title = "2:闽C\"1\""};

static struct export_track_options in(enum export_format format)
{
	struct export_track_options o = options;
	o.format = format;
	return o;
}

Test(export_json, json_text_is_escaped_and_repaired)
{
	static const char text[] = "a\"\\/\b\n\x01\x7f闽\xf0\x9f\x9a\x9b\xff\xc0\xaf\xed\xa0\x80z";
	struct buf out = buf_init(1024);
	struct json_out j = json_out_init(&out);
	jout_text(&j, span_of(text, sizeof text - 1));
	cr_assert_eq(j.status, STATUS_OK);
	json_t *v = json_loadb((char *)out.data, out.size, JSON_DECODE_ANY, NULL);
	cr_assert(v, "%.*s", (int)out.size, out.data);
	cr_expect_str_eq(json_string_value(v), "a\"\\/\b\n\x01\x7f闽\xf0\x9f\x9a\x9b�����"
					       "�z");
	json_decref(v);
	buf_deinit(&out);
}

Test(export_json, geojson_is_longitude_first_and_has_no_place_without_a_fix)
{
	struct report r[] = {report_at(T0, 249000001, 1186000002, 723), unknown_at(T0 + 1000)};
	struct export_track_options o = in(EXPORT_GEOJSON);
	char *text = written(&o, r, 2, NULL);
	json_t *v = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
	cr_assert(v, "%s", text);
	cr_expect_str_eq(json_string_value(json_object_get(v, "type")), "FeatureCollection");
	json_t *features = json_object_get(v, "features");
	cr_assert_eq(json_array_size(features), 2u);
	cr_expect(strstr(text, "\"geometry\":{\"type\":\"Point\",\"coordinates\":[118.6000002,24.9000001]}"));
	cr_expect(json_is_null(json_object_get(json_array_get(features, 1), "geometry")));
	json_decref(v);
	free(text);
}

Test(export_json, a_line_has_as_many_times_as_vertices)
{
	struct report r[5];
	for (int i = 0; i < 5; i++)
		r[i] = report_at(T0 + i * 1000, 249000000 + i, 1186000000 + i, 10);
	r[2] = unknown_at(T0 + 2000);
	struct export_track_options o = in(EXPORT_GEOJSON);
	o.line = true;
	for (size_t count = 0; count <= 5; count++) {
		char *text = written(&o, r, count, NULL);
		json_t *v = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
		cr_assert(v, "%s", text);
		size_t fixes = count > 2 ? count - 1 : count;
		json_t *geometry = json_object_get(v, "geometry");
		json_t *times = json_object_get(json_object_get(v, "properties"), "coordTimes");
		cr_expect_eq(json_array_size(times), fixes);
		if (fixes > 1)
			cr_expect_eq(json_array_size(json_object_get(geometry, "coordinates")), fixes);
		else
			cr_expect_eq(json_is_null(geometry), fixes == 0);
		json_decref(v);
		free(text);
	}
}
