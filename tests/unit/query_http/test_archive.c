/* Who was where, asked over HTTP: a truck with thirty reports going north-east, and what is refused. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>

#include "engine/core/clock.h"
#include "engine/geo/distance.h"
#include "unit/query_http/violations_rig.h"

#define WHO "POST /api/v1/archive/who-was"
/* around the reports 10 to 19 of the truck: 24.9 + 0.0012 i north, 118.6 + 0.0013 i east */
#define SQUARE                                                                                                         \
	"\"Polygon\",\"coordinates\":[[[118.612,24.911],[118.625,24.911],[118.625,24.9235],[118.612,24.9235],[118."    \
	"612,24.911]]]"
#define SPAN "\"from\":\"2026-01-31T08:30:00Z\",\"to\":\"2026-01-31T09:00:00Z\""
#define CASE "\"case\":\"泉公刑字〔2026〕5号\""
#define NEAR(geometry, metres) "{\"geometry\":{\"type\":" geometry "},\"within_m\":" metres "," SPAN "," CASE "}"
#define QUESTION(geometry) "{\"geometry\":{\"type\":" geometry "}," SPAN "," CASE "}"

static void open_with_tokens(void)
{
	violations_rig_options = with_tokens;
	violations_rig_open();
}
TestSuite(archive, .init = open_with_tokens, .fini = violations_rig_close, .timeout = 120);

static json_t *answer_of(const char *token, const char *body)
{
	struct answer a = ask_as(token, WHO, body);
	cr_assert_eq(a.status, 200, "%d %.*s", a.status, (int)a.body.size, (char *)a.body.data);
	json_t *v = json_loadb((char *)a.body.data, a.body.size, JSON_REJECT_DUPLICATES, NULL);
	cr_assert(v, "%.*s", (int)a.body.size, (char *)a.body.data);
	answer_deinit(&a);
	return v;
}

static size_t devices_in(const char *token, const char *body)
{
	json_t *v = answer_of(token, body);
	size_t count = json_array_size(json_object_get(v, "devices"));
	json_decref(v);
	return count;
}

static const char *text_of(const json_t *v, const char *key)
{
	const char *text = json_string_value(json_object_get(v, key));
	return text ? text : "";
}

Test(archive, a_truck_was_in_a_polygon_with_entry_and_exit)
{
	char device[17];
	json_t *v = answer_of(NULL, "{\"geometry\":{\"type\":" SQUARE "}," SPAN "," CASE ",\"crossings\":true}");
	const json_t *list = json_object_get(v, "devices"), *one = json_array_get(list, 0);
	const json_t *crossings = json_object_get(one, "crossings");
	snprintf(device, sizeof device, "%016llx", (unsigned long long)world.truck);
	cr_assert_eq(json_array_size(list), 1);
	cr_expect_str_eq(text_of(one, "device"), device);
	cr_expect_str_eq(text_of(one, "name"), "2:闽C12345");
	cr_expect_eq(json_integer_value(json_object_get(one, "reports")), 10);
	cr_expect_str_eq(text_of(json_object_get(one, "first"), "time"), "2026-01-31T08:31:40.000Z");
	cr_expect_str_eq(text_of(json_object_get(one, "last"), "time"), "2026-01-31T08:33:10.000Z");
	cr_expect_eq(json_real_value(json_object_get(json_object_get(one, "first"), "lat")), 24.912);
	cr_expect_eq(json_real_value(json_object_get(json_object_get(one, "first"), "lon")), 118.613);
	cr_assert_eq(json_array_size(crossings), 2);
	cr_expect(json_is_true(json_object_get(json_array_get(crossings, 0), "enters")));
	cr_expect_str_eq(text_of(json_array_get(crossings, 0), "time"), "2026-01-31T08:31:40.000Z");
	cr_expect(json_is_false(json_object_get(json_array_get(crossings, 1), "enters")));
	cr_expect_str_eq(text_of(json_array_get(crossings, 1), "time"), "2026-01-31T08:33:20.000Z");
	json_decref(v);
}

Test(archive, holes_many_polygons_and_points_with_a_distance_are_understood)
{
	cr_expect_eq(
		devices_in(NULL, QUESTION("\"Polygon\",\"coordinates\":[[[118,24],[119,24],[119,25],[118,25],[118,24]],"
					  "[[118.5,24.8],[118.7,24.8],[118.7,24.99],[118.5,24.99],[118.5,24.8]]]")),
		0);
	cr_expect_eq(devices_in(NULL, QUESTION("\"MultiPolygon\",\"coordinates\":[[[[1,1],[2,1],[2,2],[1,1]]],"
					       "[[[118.5,24.8],[118.7,24.8],[118.7,25.1],[118.5,24.8]]]]")),
		     1);
	cr_expect_eq(devices_in(NULL,
				"{\"geometry\":{\"type\":\"Point\",\"coordinates\":[118.6,24.9,7]},\"within_m\":0," SPAN
				"," CASE "}"),
		     1, "exactly where the first report is");
	cr_expect_eq(devices_in(NULL, "{\"geometry\":{\"type\":\"Point\",\"coordinates\":[118.59,24.9]},"
				      "\"within_m\":1000.5," SPAN "," CASE "}"),
		     0);
	cr_expect_eq(devices_in(NULL, "{\"geometry\":{\"type\":\"Point\",\"coordinates\":[118.59,24.9]},"
				      "\"within_m\":1100," SPAN "," CASE "}"),
		     1);
}

/* a degree at 24.92 N, WGS-84 */
#define METRES_NORTH 110771.0
#define METRES_EAST 101016.0

/* The reports of the truck, as the rig drove it: every 10 s, north-east. */
static void report_at(int i, double *lat, double *lon)
{
	*lat = 24.9 + i * 0.0012;
	*lon = 118.6 + i * 0.0013;
}

/* How many of the truck's reports are within `metres` of the segment a-b (degrees), in a local plane: on so short legs
 * it differs from the ellipsoid by less than half a metre, and no report is nearer than that to the line asked for. */
static int64_t reports_near(const double a[2], const double b[2], double metres)
{
	const double north = METRES_NORTH, east = METRES_EAST;
	int64_t count = 0;
	for (int i = 0; i < 30; i++) {
		double lat, lon;
		report_at(i, &lat, &lon);
		double px = (lon - a[0]) * east, py = (lat - a[1]) * north;
		double dx = (b[0] - a[0]) * east, dy = (b[1] - a[1]) * north;
		double t = fmin(1, fmax(0, (px * dx + py * dy) / (dx * dx + dy * dy)));
		double away = hypot(px - t * dx, py - t * dy);
		cr_assert(fabs(away - metres) > 1, "report %d is %f m away", i, away);
		count += away < metres;
	}
	return count;
}

static int64_t reports_of(const char *body)
{
	struct answer a = ask_as(NULL, WHO, body);
	json_t *v = json_loadb((char *)a.body.data, a.body.size, 0, NULL);
	cr_assert_eq(a.status, 200, "%s: %.*s", body, (int)a.body.size, (char *)a.body.data);
	const json_t *one = json_array_get(json_object_get(v, "devices"), 0);
	int64_t reports = one ? json_integer_value(json_object_get(one, "reports")) : 0;
	json_decref(v);
	answer_deinit(&a);
	return reports;
}

Test(archive, who_was_near_a_line_within_a_corridor_and_near_a_polygon)
{
	static const double a[2] = {118.59, 24.915}, b[2] = {118.64, 24.915};
	static const double metres[] = {50, 350, 800, 1700};
	char body[512];
	for (size_t i = 0; i < sizeof metres / sizeof metres[0]; i++) {
		int64_t wanted = reports_near(a, b, metres[i]);
		snprintf(body, sizeof body,
			 NEAR("\"LineString\",\"coordinates\":[[118.59,24.915],[118.64,24.915]]", "%g"), metres[i]);
		cr_expect_eq(reports_of(body), wanted, "%g m: %lld", metres[i], (long long)wanted);
		snprintf(body, sizeof body,
			 NEAR("\"MultiLineString\",\"coordinates\":[[[118.59,24.915],[118.62,24.915]],"
			      "[[118.62,24.915],[118.64,24.915]]]",
			      "%g,\"half_width_m\":%g"),
			 metres[i] - 40, 40.0);
		cr_expect_eq(reports_of(body), wanted, "a corridor and %g m", metres[i] - 40);
		/* a polygon north of the line: its southern side is what is near, and its inside */
		snprintf(body, sizeof body,
			 NEAR("\"Polygon\",\"coordinates\":[[[118.59,24.915],[118.64,24.915],[118.64,24.95],"
			      "[118.59,24.95],[118.59,24.915]]]",
			      "%g"),
			 metres[i]);
		int64_t inside = 0;
		for (int k = 0; k < 30; k++) {
			double lat, lon;
			report_at(k, &lat, &lon);
			inside += lat >= 24.915;
		}
		double lat, lon;
		int64_t south = 0;
		for (int k = 0; k < 30; k++) {
			report_at(k, &lat, &lon);
			south += lat < 24.915 && (24.915 - lat) * METRES_NORTH < metres[i];
		}
		cr_expect_eq(reports_of(body), inside + south, "a polygon and %g m", metres[i]);
	}
}

/* Nearer than a metre: the border of the corridor is held to its promise. */
Test(archive, the_distance_to_a_line_is_exact_to_centimetres)
{
	char body[512];
	double lat, lon;
	/* the line is so short that the geodesic does not leave its parallel by a millimetre */
	report_at(5, &lat, &lon);
	int64_t away_mm = distance_mm((int32_t)llround(lat * 1e7), (int32_t)llround(lon * 1e7), 249100000,
				      (int32_t)llround(lon * 1e7));
	for (int more = -10; more <= 10; more += 20) {
		snprintf(body, sizeof body,
			 "{\"geometry\":{\"type\":\"LineString\",\"coordinates\":[[%.7f,24.91],[%.7f,24.91]]},"
			 "\"within_m\":%.3f,\"from\":%lld,\"to\":%lld," CASE "}",
			 lon - 0.0001, lon + 0.0001, (double)away_mm / 1e3 + more / 100.0, (long long)(T0 + 50000),
			 (long long)(T0 + 50000));
		cr_expect_eq(reports_of(body), more > 0, "%s", body);
	}
}

Test(archive, devices_and_the_span_narrow_the_question)
{
	cr_expect_eq(devices_in(NULL, "{\"geometry\":{\"type\":" SQUARE "}," SPAN "," CASE
				      ",\"devices\":[\"phone:13900000002\"]}"),
		     0);
	cr_expect_eq(devices_in(NULL, "{\"geometry\":{\"type\":" SQUARE "}," SPAN "," CASE
				      ",\"devices\":[\"phone:13900000001\",\"plate:2:闽C12345\"]}"),
		     1);
	cr_expect_eq(devices_in(NULL, "{\"geometry\":{\"type\":" SQUARE "},\"from\":0,\"to\":1769848290000," CASE "}"),
		     0);
}

Test(archive, ndjson_has_a_line_for_each_device)
{
	struct answer a = ask_as(NULL, WHO "?format=ndjson", QUESTION(SQUARE));
	cr_expect_eq(a.status, 200);
	cr_expect_str_eq(answer_header(&a, "content-type"), "application/x-ndjson");
	cr_assert_gt(a.body.size, 0);
	cr_expect_eq(a.body.data[0], '{');
	cr_expect_eq(memchr(a.body.data, '\n', a.body.size), a.body.data + a.body.size - 1);
	answer_deinit(&a);
	expect_answer(WHO "?format=csv", QUESTION(SQUARE), 400, "\"parameter\":\"format\"");
}

static size_t audited(void)
{
	size_t i, count = 0;
	json_t *v = get_json("/api/v1/audit"), *one;
	json_array_foreach(json_object_get(v, "entries"), i, one)
	{
		if (strcmp(text_of(one, "action"), "who-was") != 0)
			continue;
		count++;
		cr_expect_str_eq(text_of(one, "case"), "泉公刑字〔2026〕5号");
		cr_expect_str_eq(text_of(one, "who"), "local");
		cr_expect_str_eq(text_of(one, "from"), "2026-01-31T08:30:00.000Z");
		cr_expect_str_eq(text_of(one, "to"), "2026-01-31T09:00:00.000Z");
	}
	json_decref(v);
	return count;
}

Test(archive, who_asks_is_written_down_with_the_case_and_what_is_refused_is_not_answered)
{
	cr_expect_eq(audited(), 0);
	cr_expect_eq(devices_in(NULL, QUESTION(SQUARE)), 1);
	cr_expect_eq(audited(), 1);
	expect_answer(WHO, "{\"geometry\":{\"type\":" SQUARE "}," SPAN "}", 400, "`case`");
	expect_answer(WHO, "{\"geometry\":{\"type\":" SQUARE "}," SPAN ",\"case\":\"\"}", 400, "`case`");
	cr_expect_eq(audited(), 1);
}

Test(archive, wrong_questions_are_told_what_and_where)
{
	static const char *const cases[][2] = {
		{"[]", "wanted an object"},
		{"{", "bad-body"},
		{"{\"geometry\":{\"type\":" SQUARE "}," CASE "}", "`from`"},
		{"{\"geometry\":{\"type\":" SQUARE "},\"from\":2,\"to\":1," CASE "}", "`from`"},
		{"{\"geometry\":{\"type\":" SQUARE "}," SPAN "," CASE ",\"colour\":1}", "`colour`"},
		{"{\"geometry\":{\"type\":" SQUARE "}," SPAN "," CASE ",\"crossings\":1}", "`crossings`"},
		{"{\"geometry\":{\"type\":" SQUARE "}," SPAN "," CASE ",\"devices\":[]}", "`devices`"},
		{"{\"geometry\":{\"type\":" SQUARE "}," SPAN "," CASE
		 ",\"devices\":[\"phone:13900000001\",\"phone:1\"]}",
		 "devices[1]"},
		{"{" SPAN "," CASE "}", "geometry.type"},
		{QUESTION("\"GeometryCollection\",\"geometries\":[]"), "geometry.type"},
		{QUESTION("\"LineString\",\"coordinates\":[[1,1],[2,2]]"), "within_m: a line needs"},
		{NEAR("\"LineString\",\"coordinates\":[[1,1]]", "5"), "geometry.coordinates: a line"},
		{NEAR("\"LineString\",\"coordinates\":[]", "5"), "geometry.coordinates: a line"},
		{NEAR("\"LineString\",\"coordinates\":[[1,85],[2,86]]", "5"), "geometry: "},
		{NEAR("\"MultiLineString\",\"coordinates\":[[[1,1],[2,2]],[[1,1],[\"x\",2]]]", "5"),
		 "geometry.coordinates[1][1]: "},
		{NEAR("\"MultiLineString\",\"coordinates\":[]", "5"), "no lines"},
		{NEAR(SQUARE, "0.05"), "within_m: a distance is 0.1"},
		{NEAR(SQUARE, "5,\"half_width_m\":5"), "half_width_m: goes with lines"},
		{NEAR("\"LineString\",\"coordinates\":[[1,1],[2,2]]", "600000,\"half_width_m\":600000"), "within_m: "},
		{NEAR("\"LineString\",\"coordinates\":[[1,1],[2,2]]", "5,\"half_width_m\":\"5\""), "half_width_m"},
		{QUESTION("\"Point\",\"coordinates\":[118.6,24.9]"), "within_m"},
		{QUESTION("\"Point\",\"coordinates\":[118.6]"), "geometry.coordinates"},
		{"{\"geometry\":{\"type\":\"Point\",\"coordinates\":[1,1]},\"within_m\":-1," SPAN "," CASE "}",
		 "within_m"},
		{QUESTION("\"Polygon\",\"coordinates\":7"), "geometry.coordinates"},
		{QUESTION("\"Polygon\",\"coordinates\":[[[1,1],[2,2]]]"), "geometry.coordinates[0]: a ring"},
		{QUESTION("\"Polygon\",\"coordinates\":[[[1,1],[2,1],[2,95],[1,1]]]"), "geometry.coordinates[0][2]: "},
		{QUESTION("\"MultiPolygon\",\"coordinates\":[[[[1,1],[2,1],[2,2],[1,1]]],[[[3,3],[3,null],[2,2]]]]"),
		 "geometry.coordinates[1][0][1]: "},
		{QUESTION("\"Polygon\",\"coordinates\":[[[118,24],[119,25],[119,24],[118,25],[118,24]]]"),
		 "at 118.5000000, 24.5000000"},
		{QUESTION("\"Polygon\",\"coordinates\":[[[1,1],[1,1],[1,1],[1,1]]]"), "geometry: "},
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
		expect_answer(WHO, cases[i][0], 400, cases[i][1]);
}

Test(archive, a_scope_sees_its_own_devices_only)
{
	cr_expect_eq(devices_in("all", QUESTION(SQUARE)), 1);
	cr_expect_eq(devices_in("company", QUESTION(SQUARE)), 1);
	cr_expect_eq(devices_in("village", QUESTION(SQUARE)), 0);
	struct answer a =
		ask_as("village", WHO,
		       "{\"geometry\":{\"type\":" SQUARE "}," SPAN "," CASE ",\"devices\":[\"phone:13900000001\"]}");
	cr_expect_eq(a.status, 400);
	cr_expect(answer_has(&a, "devices[0]"));
	answer_deinit(&a);
}
