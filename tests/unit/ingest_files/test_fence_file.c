#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#include "engine/core/limits.h"
#include "fence_reading.h"

#define SQUARE "[[118,24],[119,24],[119,25],[118,25],[118,24]]"
#define BOW_TIE "[[118,24],[119,25],[119,24],[118,25],[118,24]]"

static bool holds(const struct fence_record *r, double lat, double lon)
{
	return fence_area_contains(r->area, (struct geo_point){(int32_t)(lat * 1e7), (int32_t)(lon * 1e7)});
}

static void expect_words(const struct fence_refusal *r, const char *english)
{
	struct buf out = buf_init(4096);
	cr_assert(fence_refusal_print(r, false, &out) == STATUS_OK && buf_append_u8(&out, 0) == STATUS_OK);
	cr_assert_str_eq((const char *)out.data, english);
	buf_deinit(&out);
}

/* --- GeoJSON --- */

Test(fence_geojson, a_feature_gives_all_its_properties)
{
	struct reading r;
	enum status status = read_text(
		&r, "{\"type\":\"FeatureCollection\",\n\"features\":[\n"
		    "{\"type\":\"Feature\",\"id\":\"gate-7\",\"properties\":{\"name\":\"东海工地\",\"id\":\"other\","
		    "\"tags\":[\"muck\",\"night gate\"],\"limit_kmh\":39.5,\"when\":\"22:00-06:00\","
		    "\"valid_from\":\"2026-01-31\",\"valid_to\":\"2026-05-28T20:26:40+08:00\",\"length_m\":1234.5,"
		    "\"colour\":\"red\",\"nested\":{\"a\":[1]}},"
		    "\"geometry\":{\"type\":\"Polygon\",\"coordinates\":[" SQUARE "]}}]}");
	const struct fence_record *f = r.records;
	cr_assert(status == STATUS_OK && r.record_count == 1 && r.refusal_count == 0);
	cr_assert(r.result.format == FENCE_FORMAT_GEOJSON && f->feature == 1 && f->line == 3 && !f->repaired);
	cr_assert_str_eq(f->id, "gate-7");
	cr_assert_str_eq(f->name, "东海工地");
	cr_assert_str_eq(f->tags, "muck night gate");
	cr_assert_str_eq(f->schedule, "22:00-06:00");
	cr_assert(f->limit_dkmh == 395 && f->length_mm == 1234500);
	cr_assert(f->valid_from_ms == 1769788800000, "2026-01-31 00:00 in UTC+8");
	cr_assert(f->valid_to_ms == 1779971200000);
	cr_assert(f->area->point_count == 4 && f->area->box.lat_max_e7 == 250000000);
	reading_deinit(&r);
}

Test(fence_geojson, what_is_not_said_is_none)
{
	struct reading r;
	cr_assert(read_text(&r, "{\"type\":\"Polygon\",\"coordinates\":[" SQUARE "]}") == STATUS_OK);
	const struct fence_record *f = r.records;
	cr_assert(r.record_count == 1 && !*f->id && !*f->name && !*f->tags && !*f->schedule && f->limit_dkmh == 0 &&
		  f->length_mm == 0 && f->valid_from_ms == INT64_MIN && f->valid_to_ms == INT64_MAX);
	reading_deinit(&r);
}

#define FEATURE(properties, geometry)                                                                                  \
	"{\"type\":\"Feature\",\"properties\":" properties ",\"geometry\":{\"type\":" geometry "}}"

Test(fence_geojson, every_geometry_has_its_area)
{
	struct reading r;
	cr_assert(
		read_text(
			&r,
			"{\"type\":\"FeatureCollection\",\"features\":[" FEATURE(
				"null",
				"\"MultiPolygon\","
				"\"coordinates\":["
				"[" SQUARE "],[[[120,24,"
				"7],[121,24,"
				"7],[121,25,"
				"7],[120,24,"
				"7]]]]") "," FEATURE("{\"half_width_m\":500}",
						     "\"LineString\",\"coordinates\":[[118,24],[118.1,24]"
						     "]") "," FEATURE("{\"half_width_m\":\"500\"}",
								      "\"MultiLineString\","
								      "\"coordinates\":[[[118,24],[118.1,"
								      "24]],[[118,25],[118.1,25]]"
								      "]") "," FEATURE("{\"radius_m\":"
										       "500}",
										       "\"Point\","
										       "\"coordinates\":["
										       "118,24]") "," FEATURE("{\"radiu"
													      "s_"
													      "m\":"
													      "500}",
													      "\"MultiP"
													      "oint"
													      "\","
													      "\"coordi"
													      "nates"
													      "\":[["
													      "118,24],"
													      "[119,24]"
													      "]") "]"
														   "}") ==
		STATUS_OK);
	cr_assert(r.record_count == 5);
	cr_assert(r.records[0].area->ring_count == 2 && holds(&r.records[0], 24.1, 120.5));
	cr_assert(r.records[1].area->ring_count == 1 && holds(&r.records[1], 24.0044, 118.05) &&
		  !holds(&r.records[1], 24.0046, 118.05));
	cr_assert(r.records[2].area->ring_count == 2 && holds(&r.records[2], 25.0044, 118.05));
	cr_assert(r.records[3].area->ring_count == 1 && holds(&r.records[3], 24.0044, 118));
	cr_assert(r.records[4].area->ring_count == 2 && holds(&r.records[4], 24.0044, 119));
	reading_deinit(&r);
}

Test(fence_geojson, a_bad_feature_costs_only_itself)
{
	struct reading r;
	cr_assert(
		read_text(
			&r,
			"{\"type\":\"FeatureCollection\",\"features\":[\n" FEATURE(
				"{\"id\":\"a\"}",
				"\"Polygon"
				"\","
				"\"coordin"
				"ates\":"
				"[" BOW_TIE
				"]") ","
				     "\n" FEATURE(
					     "{\"id\":\"b\"}",
					     "\"LineString\",\"coordinates\":[[118,24],[119,24]"
					     "]") ",\n" FEATURE("{\"id\":\"c\"}",
								"\"Polygon\","
								"\"coordinates"
								"\":[[[118,24]"
								",[119,24],["
								"119,25]]]") ",\n" FEATURE("{\"id\":\"d\"}",
											   "\"GeometryCollection"
											   "\",\"geometries\":["
											   "]") ",\n" FEATURE("{"
													      "\"id\":"
													      "\"e\"}",
													      "\"Point"
													      "\","
													      "\"coordi"
													      "nates\":"
													      "["
													      "2"
													      "4"
													      ","
													      "1"
													      "1"
													      "8"
													      "]") ",\n"
														   "{\""
														   "typ"
														   "e\""
														   ":"
														   "\"F"
														   "eat"
														   "ure"
														   "\","
														   "\n"
														   "\"i"
														   "d\""
														   ":5,"
														   ",}"
														   ",\n"
														   "{\""
														   "typ"
														   "e\""
														   ":"
														   "\"F"
														   "eat"
														   "ure"
														   "\","
														   "\"g"
														   "eom"
														   "etr"
														   "y\""
														   ":"
														   "nul"
														   "l}"
														   ","
														   "\n" FEATURE(
															   "{\"id\":"
															   "\"h\","
															   "\"limit_"
															   "kmh\":"
															   "\"fast\""
															   "}",
															   "\"Polygon"
															   "\","
															   "\"coordin"
															   "ates\":"
															   "[" SQUARE
															   "]") ","
																"\n" FEATURE(
																	"{\"id\":\"i\",\"valid_from\":\"2026-02-"
																	"30\"}",
																	"\"Polygon\",\"coordinates\":[" SQUARE
																	"]") ",\n"
																	     "7"
																	     ",\n" FEATURE(
																		     "{\"id\":\"k\",\"radius_m\":"
																		     "0.05}",
																		     "\"Point\",\"coordinates\":["
																		     "118,24]") ",\n" FEATURE("{\""
																					      "id"
																					      "\":"
																					      "\"g"
																					      "ood"
																					      "\""
																					      "}",
																					      "\"P"
																					      "oly"
																					      "gon"
																					      "\","
																					      "\"c"
																					      "oor"
																					      "din"
																					      "ate"
																					      "s\""
																					      ":"
																					      "[" SQUARE
																					      "]") "]}") ==
		STATUS_OK);
	cr_assert(r.result.features == 12 && r.record_count == 1 && r.refusal_count == 11);
	cr_assert_str_eq(r.records[0].id, "good");
	cr_assert(r.records[0].feature == 12 && r.records[0].line == 14);
	expect_words(&r.refusals[0], "line 2: feature 1 \"a\": geometry: self-intersection at 24.5000000, 118.5000000");
	expect_words(&r.refusals[1], "line 3: feature 2 \"b\": half_width_m: a line needs it");
	expect_words(&r.refusals[2],
		     "line 4: feature 3 \"c\": geometry: a ring is not closed at 25.0000000, 119.0000000");
	expect_words(
		&r.refusals[3],
		"line 5: feature 4 \"d\": geometry: not a geometry a fence can be made of: \"GeometryCollection\"");
	expect_words(&r.refusals[4],
		     "line 6: feature 5 \"e\": geometry: no position of its coordinate system: \"24, 118\"");
	cr_assert(r.refusals[5].feature == 6 && r.refusals[5].line == 8 && r.refusals[5].field == FENCE_FIELD_FEATURE);
	expect_words(&r.refusals[6], "line 9: feature 7: geometry: no geometry");
	expect_words(&r.refusals[7], "line 10: feature 8 \"h\": limit_kmh: not a number: \"fast\"");
	expect_words(&r.refusals[8],
		     "line 11: feature 9 \"i\": valid_from: neither YYYY-MM-DD nor a time: \"2026-02-30\"");
	expect_words(&r.refusals[9], "line 12: feature 10: feature: no object: \"7\"");
	expect_words(&r.refusals[10], "line 13: feature 11 \"k\": geometry: its width, or its place, is out of range");
	reading_deinit(&r);
}

Test(fence_geojson, broken_geometry_is_repaired_only_when_asked)
{
	static const char text[] = "{\"type\":\"FeatureCollection\",\"features\":[" FEATURE(
		"{}", "\"Polygon\",\"coordinates\":[" BOW_TIE
		      "]") "," FEATURE("{}", "\"Polygon\",\"coordinates\":[[[118,24],[119,24],[119,25]]"
					     "]") "," FEATURE("{}", "\"Polygon\",\"coordinates\":[" SQUARE "]") "]}";
	struct reading r;
	cr_assert(read_fences(&r, text, strlen(text), NULL, true) == STATUS_OK);
	cr_assert(r.record_count == 3 && r.records[0].repaired && r.records[1].repaired && !r.records[2].repaired);
	cr_assert(r.records[0].area->ring_count == 2 && r.records[1].area->point_count == 3);
	cr_assert(holds(&r.records[0], 24.5, 118.1) && !holds(&r.records[0], 24.1, 118.5));
	reading_deinit(&r);
}

static const char projected[] = "{\"type\":\"FeatureCollection\",\"features\":[" FEATURE(
	"{}", "\"Polygon\",\"coordinates\":[[[378756.27,2755511.58],[398756.27,2755511.58],[398756.27,2765511.58],"
	      "[378756.27,2755511.58]]]") "],\n\"crs\":{\"type\":\"name\",\"properties\":{\"name\":";

static void with_crs(char *out, size_t size, const char *name)
{
	snprintf(out, size, "%s\"%s\"}}}", projected, name);
}

Test(fence_geojson, the_crs_of_2008_is_honoured_wherever_it_stands)
{
	char text[1024];
	struct reading r;
	with_crs(text, sizeof text, "urn:ogc:def:crs:EPSG::4549");
	cr_assert(read_text(&r, text) == STATUS_OK && r.record_count == 1);
	const struct fence_area *a = r.records[0].area;
	cr_assert(abs(a->points[0].lat_e7 - 249000000) <= 1 && abs(a->points[0].lon_e7 - 1188000000) <= 1);
	cr_assert(a->point_count > 8, "edges of kilometres that are straight there are not so here: %u",
		  a->point_count);
	reading_deinit(&r);
	cr_assert(read_fences(&r, text, strlen(text), "EPSG:4549", false) == STATUS_OK && r.record_count == 1);
	reading_deinit(&r);
}

Test(fence_geojson, an_unknown_crs_refuses_the_file_by_name)
{
	char text[1024];
	struct reading r;
	with_crs(text, sizeof text, "EPSG:99999");
	cr_assert(read_text(&r, text) == STATUS_NOT_FOUND && r.record_count == 0 && r.refusal_count == 1);
	expect_words(r.refusals, "line 2: crs: not a known coordinate system: \"EPSG:99999\"");
	with_crs(text, sizeof text, "EPSG:4610");
	cr_assert(read_text(&r, text) == STATUS_UNSUPPORTED && r.refusals[0].field == FENCE_FIELD_CRS);
	cr_assert(read_text(&r, "{\"type\":\"FeatureCollection\",\"crs\":null,\"features\":[]}") == STATUS_UNSUPPORTED);
	with_crs(text, sizeof text, "EPSG:99999");
	cr_assert(read_fences(&r, text, strlen(text), "EPSG:4549", false) == STATUS_OK, "the option goes before it");
	reading_deinit(&r);
	cr_assert(read_fences(&r, text, strlen(text), "EPSG:0", false) == STATUS_NOT_FOUND);
	expect_words(r.refusals, "crs: not a known coordinate system: \"EPSG:0\"");
}

Test(fence_geojson, drawings_on_a_shifted_map_are_taken_back)
{
	static const char text[] = "{\"type\":\"Polygon\",\"coordinates\":[" SQUARE "]}";
	struct reading r;
	cr_assert(read_fences(&r, text, strlen(text), "GCJ-02", false) == STATUS_OK && r.record_count == 1);
	const struct geo_point *p = r.records[0].area->points;
	cr_assert(p->lat_e7 > 240010000 && p->lat_e7 < 240060000 && p->lon_e7 < 1179980000 && p->lon_e7 > 1179900000,
		  "%d %d", p->lat_e7, p->lon_e7);
	reading_deinit(&r);
}

Test(fence_geojson, what_cannot_be_read_on_is_told_with_its_line)
{
	struct reading r;
	cr_assert(read_text(&r, "{\"type\":\"FeatureCollection\",\"features\":[\n" FEATURE(
					"{}", "\"Polygon\",\"coordinates\":[" SQUARE "]") "\n{}]}") ==
		  STATUS_MALFORMED);
	cr_assert(r.record_count == 1, "what came before it was read");
	expect_words(r.refusals, "line 3: file: not GeoJSON from here on");
	reading_deinit(&r);
	static const char *const broken[] = {"{",
					     "{}x",
					     "[1]",
					     "{\"features\":[}",
					     "{\"a\":\"}",
					     "{\"features\":7}",
					     "{\"features\":[1,]}",
					     "{\"features\" []}",
					     "{\"type\":1,,\"x\":2}"};
	for (size_t i = 0; i < sizeof broken / sizeof *broken; i++) {
		cr_assert(read_text(&r, broken[i]) == STATUS_MALFORMED, "%s", broken[i]);
		cr_assert(r.record_count == 0 && r.refusal_count >= 1);
	}
	cr_assert(read_text(&r, "{\"type\":\"FeatureCollection\",\"features\":[]}") == STATUS_EMPTY);
	expect_words(r.refusals, "line 1: file: no feature in it");
}

static char *repeated(const char *before, const char *item, size_t n, const char *after)
{
	size_t size = strlen(before) + n * strlen(item) + strlen(after) + 1;
	char *text = malloc(size), *at = text;
	cr_assert(text);
	at = stpcpy(at, before);
	for (size_t i = 0; i < n; i++)
		at = stpcpy(at, item);
	stpcpy(at, after);
	return text;
}

Test(fence_geojson, size_depth_and_points_are_bounded)
{
	struct reading r;
	char *text = repeated("{\"features\":[{\"type\":\"Feature\",\"properties\":{\"x\":", "[", 40, "");
	char *closing = repeated(text, "]", 40, "}}]}");
	cr_assert(read_text(&r, closing) == STATUS_OK && r.refusals[0].status == STATUS_TOO_LONG);
	free(text);
	free(closing);
	text = repeated("{\"features\":[{\"type\":\"Feature\",\"properties\":{\"x\":[0", ",1", FENCE_FEATURE_VALUES_MAX,
			"]}}]}");
	cr_assert(read_text(&r, text) == STATUS_OK && r.refusals[0].status == STATUS_TOO_LONG);
	free(text);
	text = repeated("{\"type\":\"LineString\",\"coordinates\":[[1,2]", ",[1,2]", FENCE_POINTS_MAX, "]}");
	cr_assert(read_text(&r, text) == STATUS_OK && r.refusals[0].status == STATUS_TOO_LONG);
	expect_words(r.refusals, "line 1: feature 1: geometry: more points than a fence may have");
	free(text);
}

/* --- KML --- */

#define KML(body)                                                                                                      \
	"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<kml xmlns=\"http://www.opengis.net/kml/2.2\"><Document>" body    \
	"</Document></kml>"
#define KML_SQUARE "118,24,0 119,24,0\n119,25,0 118,25,0 118,24,0"

Test(fence_kml, placemarks_become_fences)
{
	struct reading r;
	enum status status = read_text(
		&r,
		KML("<name>folder</name>\n<Placemark id=\"p1\"><name> 泉州湾 </name><ExtendedData>"
		    "<Data name=\"limit_kmh\"><displayName>v</displayName><value>40</value></Data>"
		    "<SchemaData><SimpleData name=\"tags\">port, night</SimpleData></SchemaData></ExtendedData>"
		    "<Polygon><outerBoundaryIs><LinearRing><coordinates>\n" KML_SQUARE
		    "\n</coordinates></LinearRing></outerBoundaryIs><innerBoundaryIs><LinearRing><coordinates>"
		    "118.2,24.2 118.4,24.2 118.3,24.4 118.2,24.2</coordinates></LinearRing></innerBoundaryIs>"
		    "</Polygon></Placemark>\n"
		    "<Folder><Placemark><ExtendedData><Data name=\"id\"><value>road</value></Data>"
		    "<Data name=\"half_width_m\"><value>500</value></Data></ExtendedData><MultiGeometry><LineString>"
		    "<coordinates>118,24 118.1,24</coordinates></LineString><LineString><coordinates>118,25 118.1,25"
		    "</coordinates></LineString></MultiGeometry></Placemark></Folder>\n"
		    "<Placemark><ExtendedData><Data name=\"radius_m\"><value>500</value></Data></ExtendedData>"
		    "<Point><coordinates>118,24</coordinates></Point></Placemark>"));
	cr_assert(status == STATUS_OK && r.record_count == 3 && r.refusal_count == 0);
	cr_assert(r.result.format == FENCE_FORMAT_KML);
	cr_assert_str_eq(r.records[0].id, "p1");
	cr_assert_str_eq(r.records[0].name, "泉州湾");
	cr_assert_str_eq(r.records[0].tags, "port night");
	cr_assert(r.records[0].limit_dkmh == 400 && r.records[0].line == 3);
	cr_assert(r.records[0].area->ring_count == 2 && !holds(&r.records[0], 24.25, 118.3));
	cr_assert_str_eq(r.records[1].id, "road");
	cr_assert(r.records[1].area->ring_count == 2);
	cr_assert(!*r.records[2].id && holds(&r.records[2], 24.004, 118));
	reading_deinit(&r);
}

Test(fence_kml, a_bad_placemark_costs_only_itself)
{
	struct reading r;
	cr_assert(
		read_text(&r,
			  KML("\n<Placemark id=\"a\"><Point><coordinates>118,24</coordinates></Point></Placemark>"
			      "\n<Placemark id=\"b\"/>"
			      "\n<Placemark id=\"c\"><Polygon><innerBoundaryIs><LinearRing><coordinates>" KML_SQUARE
			      "</coordinates></LinearRing></innerBoundaryIs></Polygon></Placemark>"
			      "\n<Placemark id=\"d\"><Polygon><outerBoundaryIs><LinearRing><coordinates>118;24"
			      "</coordinates></LinearRing></outerBoundaryIs></Polygon></Placemark>"
			      "\n\n<Placemark id=\"e\"><gx:Track/></Placemark>"
			      "\n<Placemark id=\"f\"><MultiGeometry><Point><coordinates>1,2</coordinates></Point>"
			      "<LineString><coordinates>1,2 3,4</coordinates></LineString></MultiGeometry></Placemark>"
			      "\n<Placemark id=\"g\"><Polygon><outerBoundaryIs><LinearRing><coordinates>" KML_SQUARE
			      "</coordinates></LinearRing></outerBoundaryIs></Polygon></Placemark>")) == STATUS_OK);
	cr_assert(r.record_count == 1 && r.refusal_count == 6 && r.records[0].feature == 7);
	expect_words(&r.refusals[0], "line 3: feature 1 \"a\": radius_m: a point needs it");
	expect_words(&r.refusals[1], "line 4: feature 2 \"b\": geometry: no geometry");
	expect_words(&r.refusals[2], "line 5: feature 3 \"c\": geometry: a hole without a polygon");
	expect_words(&r.refusals[3], "line 7: feature 4 \"d\": geometry: a position is no pair of numbers: \"118;24\"");
	expect_words(&r.refusals[4],
		     "line 9: feature 5 \"e\": geometry: not a geometry a fence can be made of: \"Track\"");
	expect_words(&r.refusals[5], "line 10: feature 6 \"f\": geometry: areas, lines and points in one feature");
	reading_deinit(&r);
}

Test(fence_kml, gbk_is_read_whatever_is_declared)
{
	static const char text[] =
		"<?xml version=\"1.0\" encoding=\"GB2312\"?><kml><Placemark><name>\xc8\xaa\xd6\xdd</name>"
		"<Polygon><outerBoundaryIs><LinearRing><coordinates>" KML_SQUARE
		"</coordinates></LinearRing></outerBoundaryIs></Polygon></Placemark></kml>";
	struct reading r;
	cr_assert(read_text(&r, text) == STATUS_OK && r.record_count == 1);
	cr_assert_str_eq(r.records[0].name, "泉州");
	reading_deinit(&r);
}

Test(fence_kml, what_cannot_be_read_on_is_told_with_its_line)
{
	struct reading r;
	char *deep;
	cr_assert(read_text(&r, "<!DOCTYPE kml [<!ENTITY a \"b\">]>\n<kml/>") == STATUS_UNSUPPORTED);
	expect_words(r.refusals, "line 1: file: a document type declaration");
	cr_assert(read_text(&r, "<kml>\n<Placemark>\n</kml>") == STATUS_MALFORMED);
	expect_words(r.refusals, "line 3: file: not XML from here on: \"mismatched tag\"");
	cr_assert(read_text(&r, "<kml/>") == STATUS_EMPTY);
	deep = repeated("", "<a>", FENCE_KML_DEPTH_MAX + 1, "");
	cr_assert(read_text(&r, deep) == STATUS_TOO_LONG && r.refusal_count == 1);
	free(deep);
}

Test(fence_kml, long_texts_are_bounded)
{
	struct reading r;
	char *name =
		repeated("<kml><Placemark id=\"a\"><name>", "n", 5000,
			 "</name><Point><coordinates>1,2</coordinates></Point></Placemark><Placemark id=\"b\"><Point>"
			 "<coordinates>");
	char *both = repeated(name, "1", 5000, ",2</coordinates></Point></Placemark></kml>");
	cr_assert(read_text(&r, both) == STATUS_OK && r.refusal_count == 2);
	cr_assert(r.refusals[0].field == FENCE_FIELD_NAME && r.refusals[0].status == STATUS_TOO_LONG);
	cr_assert(r.refusals[1].field == FENCE_FIELD_GEOMETRY && r.refusals[1].status == STATUS_MALFORMED);
	free(name);
	free(both);
}

/* --- WKT --- */

Test(fence_wkt, geometries_follow_one_another)
{
	struct reading r;
	cr_assert(
		read_text(&r,
			  "\xef\xbb\xbfPOLYGON ((118 24, 119 24,\n 119 25, 118 25, 118 24), (118.2 24.2, 118.4 24.2, "
			  "118.3 24.4, 118.2 24.2))\n\n"
			  "multipolygon z (((118 24 5, 119 24 5, 119 25 5, 118 24 5)), ((120 24 5, 121 24 5, 121 25 5, "
			  "120 24 5)))\r\n"
			  "LINESTRING(118 24, 1.181e2 24) ;half_width_m=500; name=a b\n"
			  "MULTILINESTRING((118 24,118.1 24),(118 25,118.1 25));half_width_m=500\n"
			  "POINT ZM(118 24 1 2);radius_m=500\nMULTIPOINT((118 24),119 24);radius_m=500") == STATUS_OK);
	cr_assert(r.record_count == 6 && r.refusal_count == 0 && r.result.format == FENCE_FORMAT_WKT);
	cr_assert(r.records[0].area->ring_count == 2 && r.records[1].area->ring_count == 2);
	cr_assert(r.records[2].line == 5 && holds(&r.records[2], 24.0044, 118.05));
	cr_assert_str_eq(r.records[2].name, "a b");
	cr_assert(r.records[3].area->ring_count == 2 && r.records[4].area->ring_count == 1);
	cr_assert(r.records[5].area->ring_count == 2 && r.records[5].line == 8);
	reading_deinit(&r);
}

Test(fence_wkt, lines_of_a_table_carry_id_and_name)
{
	static const char gbk[] = "Q1;\xc8\xaa\xd6\xdd;POLYGON((118 24,119 24,119 25,118 24));limit_kmh=40;tags=a  b\n"
				  ";;POLYGON((118 24,119 24,119 25,118 24))\n";
	struct reading r;
	cr_assert(read_text(&r, gbk) == STATUS_OK && r.record_count == 2);
	cr_assert_str_eq(r.records[0].id, "Q1");
	cr_assert_str_eq(r.records[0].name, "泉州");
	cr_assert_str_eq(r.records[0].tags, "a b");
	cr_assert(r.records[0].limit_dkmh == 400 && !*r.records[1].id && !*r.records[1].name);
	reading_deinit(&r);
}

Test(fence_wkt, reading_goes_on_at_the_next_record)
{
	struct reading r;
	cr_assert(read_text(&r, "a;b;POLYGON((118 24,119 24\n,119 x,\n118 24))\n"
				"hello\n"
				"POLYGON((118 24,119 24,119 25,118 24)\n"
				"c;d;POLYGON((118 24,119 24,119 25,118 24)) more\n"
				"e;f;CURVEPOLYGON((1 2))\n"
				"g;h;POLYGON EMPTY\n"
				"i;j;POLYGON((118 24,119 24,119 25))\n"
				"k;only\n"
				"l;m;POINT(1 2 3 4 5)\n"
				"TIN(((1 2)))\n"
				"z;z;POLYGON((118 24,119 24,119 25,118 24))") == STATUS_OK);
	cr_assert(r.record_count == 1 && r.records[0].line == 13);
	expect_words(&r.refusals[0], "line 2: feature 1 \"a\": geometry: not a position: \"x,\"");
	expect_words(&r.refusals[1],
		     "line 6: feature 2: geometry: ',' or ')' expected: \"c;d;POLYGON((118 24,119 24,119 2\"");
	expect_words(&r.refusals[2], "line 6: feature 3 \"c\": geometry: something behind the geometry: \"more\"");
	expect_words(&r.refusals[3],
		     "line 7: feature 4 \"e\": geometry: not a geometry a fence can be made of: \"CURVEPOLYGON\"");
	expect_words(&r.refusals[4], "line 8: feature 5 \"g\": geometry: no geometry");
	expect_words(&r.refusals[5],
		     "line 9: feature 6 \"i\": geometry: a ring is not closed at 25.0000000, 119.0000000");
	expect_words(&r.refusals[6], "line 10: feature 7 \"k\": feature: neither WKT nor id;name;WKT: \"only\"");
	expect_words(&r.refusals[7], "line 11: feature 8 \"l\": geometry: not a position: \"5)\"");
	expect_words(&r.refusals[8], "line 12: feature 9: geometry: not a geometry a fence can be made of: \"TIN\"");
	cr_assert(r.refusal_count == 9);
	reading_deinit(&r);
}

/* --- all --- */

Test(fence_file, what_is_no_file_of_fences_is_refused)
{
	struct reading r;
	cr_assert(read_text(&r, "") == STATUS_EMPTY && r.refusal_count == 1);
	cr_assert(read_text(&r, " \n\t") == STATUS_EMPTY);
	cr_assert(read_text(&r, "\xff\xff\xff") == STATUS_MALFORMED);
	expect_words(r.refusals, "file: neither UTF-8 nor GB18030");
	cr_assert(read_fences(&r, "POINT(1 2)\n\0{", 13, NULL, false) == STATUS_MALFORMED);
	r.options.format = FENCE_FORMAT_GEOJSON;
	cr_assert(fence_file_read(span_of_string("POINT(1 2)"), &r.options, &r.result) == STATUS_MALFORMED);
	cr_assert(fence_file_read(span_of("", (size_t)FENCE_FILE_BYTES_MAX + 1), &r.options, &r.result) ==
		  STATUS_TOO_LONG);
}

static enum status stops(void *context, const struct fence_record *record)
{
	(void)context, (void)record;
	return STATUS_CANCELLED;
}

static enum status stops_refused(void *context, const struct fence_refusal *refusal)
{
	(void)context, (void)refusal;
	return STATUS_UNSUPPORTED;
}

Test(fence_file, a_callback_may_end_the_reading)
{
	static const char *const files[] = {
		"{\"features\":[{\"type\":\"Polygon\",\"coordinates\":[" SQUARE "]},7]}",
		"POLYGON((118 24,119 24,119 25,118 24))\nPOINT(1 2)",
		"<k><Placemark><Polygon><outerBoundaryIs><LinearRing><coordinates>" KML_SQUARE
		"</coordinates></LinearRing></outerBoundaryIs></Polygon></Placemark><Placemark/><Placemark/></k>"};
	for (size_t i = 0; i < 3; i++) {
		struct fence_file_result result;
		struct fence_file_options options = {.record = stops};
		cr_assert(fence_file_read(span_of_string(files[i]), &options, &result) == STATUS_CANCELLED);
		cr_assert(result.features == 1);
		options = (struct fence_file_options){.refused = stops_refused};
		cr_assert(fence_file_read(span_of_string(files[i]), &options, &result) == STATUS_UNSUPPORTED);
		cr_assert(result.features == 2 && result.refused == 1);
	}
}

Test(fence_file, refusals_have_words_in_chinese)
{
	struct reading r;
	struct buf out = buf_init(4096);
	cr_assert(read_text(&r, "a1;b;POLYGON((118 24,119 25,119 24,118 25,118 24))") == STATUS_OK);
	cr_assert(fence_refusal_print(r.refusals, true, &out) == STATUS_OK && buf_append_u8(&out, 0) == STATUS_OK);
	cr_assert_str_eq((const char *)out.data,
			 "第 1 行：第 1 个要素 \"a1\"：geometry：边界自相交，位于 24.5000000, 118.5000000");
	buf_deinit(&out);
}

Test(fence_file, properties_have_their_bounds)
{
	static const struct {
		const char *properties;
		enum fence_field field;
		enum status status;
	} cases[] = {
		{"limit_kmh=6554", FENCE_FIELD_LIMIT, STATUS_OUT_OF_RANGE},
		{"limit_kmh=-1", FENCE_FIELD_LIMIT, STATUS_OUT_OF_RANGE},
		{"length_m=1e9", FENCE_FIELD_LENGTH, STATUS_OUT_OF_RANGE},
		{"valid_to=tomorrow", FENCE_FIELD_VALID_TO, STATUS_BAD_TIME},
		{"valid_from=2026-01-02;valid_to=2026-01-02", FENCE_FIELD_VALID_TO, STATUS_OUT_OF_RANGE},
		{"half_width_m=x", FENCE_FIELD_HALF_WIDTH, STATUS_MALFORMED},
		{"radius_m=1e7", FENCE_FIELD_RADIUS, STATUS_OUT_OF_RANGE},
		{"name=a\x01", FENCE_FIELD_NAME, STATUS_MALFORMED},
		{"id=0123456789012345678901234567890123456789012345678901234567890123", FENCE_FIELD_ID,
		 STATUS_TOO_LONG},
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		char text[512];
		struct reading r;
		snprintf(text, sizeof text, "POLYGON((118 24,119 24,119 25,118 24));%s", cases[i].properties);
		cr_assert(read_text(&r, text) == STATUS_OK && r.refusal_count == 1, "%s", text);
		cr_assert(r.refusals[0].field == cases[i].field && r.refusals[0].status == cases[i].status, "%s", text);
	}
}
