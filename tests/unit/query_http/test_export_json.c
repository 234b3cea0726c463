/* What the writers print is JSON to a parser that is not ours. */
#include <criterion/criterion.h>
#include <jansson.h>
#include <stdlib.h>

#include "query/export/export_track.h"
#include "query/export/json_out.h"
#include "support/written_track.h"

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
