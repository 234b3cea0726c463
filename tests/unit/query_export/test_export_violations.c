/* Rows of violations byte for byte, and the drawings of an evidence sheet. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "engine/detect/authority.h"
#include "query/export/evidence.h"
#include "query/export/json_out.h"

/* 2026-01-31T08:30:00Z */
#define T0 INT64_C(1769848200000)

static struct violation violation_of(void)
{
	struct violation v = {.id = 7, .state = CASE_CONFIRMED, .handled = true, .raised_ms = T0 + 9, .amended = 2};
	struct finding *f = &v.finding;
	f->subject = f->device = 0xabc;
	strcpy(f->rule, "r-1");
	strcpy(f->fence, "a,b");
	f->kind = RULE_OVERSPEED;
	f->confidence = CONFIDENCE_MEDIUM;
	f->start_ms = T0;
	f->end_ms = T0 + 5000;
	f->found_ms = T0 + 4000;
	f->start_lat_e7 = 249000001;
	f->start_lon_e7 = -1186000002;
	for (unsigned n = 0; n < FINDING_NUMBER_COUNT; n++)
		f->numbers[n] = NUMBER_UNKNOWN;
	f->numbers[FINDING_LIMIT] = 600;
	f->numbers[FINDING_PEAK] = 723;
	f->digest[0] = 0xfe;
	return v;
}

static struct rule rule_of(void)
{
	struct rule r = {
		.severity = 3, .title_zh = "超速", .title_en = "Too \"fast\"", .source = "s", .authority = "交警"};
	strcpy(r.id, "r-1");
	return r;
}

static char *written(enum export_format format, const struct export_violation *e, const char *next)
{
	struct buf out = buf_init(1 << 16);
	struct export_list w;
	cr_assert_eq(export_violations_begin(&w, format, &out), STATUS_OK);
	cr_assert_eq(export_violation_row(&w, e, &out), STATUS_OK);
	cr_assert_eq(export_list_end(&w, next, &out), STATUS_OK);
	cr_assert_eq(buf_append_u8(&out, '\0'), STATUS_OK);
	return (char *)out.data;
}

#define MEMBERS                                                                                                        \
	"\"id\":7,\"rule\":\"r-1\",\"title\":{\"zh\":\"超速\",\"en\":\"Too \\\"fast\\\"\"},\"kind\":\"overspeed\","  \
	"\"kind_zh\":\"超速\",\"device\":\"0000000000000abc\",\"phone\":null,\"plate\":\"2:闽C1\",\"driver\":null," \
	"\"other\":null,\"company\":\"a<b\",\"village\":null,\"fence\":\"a,b\",\"start_ms\":1769848200000,"            \
	"\"end_ms\":1769848205000,\"found_ms\":1769848204000,\"open\":false,\"late\":false,\"confidence\":2,"          \
	"\"severity\":3,\"authority\":\"交警\",\"authority_codes\":[\"traffic_police\"],\"numbers\":{\"limit\":600," \
	"\"peak\":723},"                                                                                               \
	"\"start\":{\"lat\":24.9000001,\"lon\":-118.6000002},\"end\":{\"lat\":0.0000000,\"lon\":0.0000000},"           \
	"\"digest\":\"fe00000000000000000000000000000000000000000000000000000000000000\",\"state\":\"confirmed\","     \
	"\"state_zh\":\"属实\",\"handled\":true,\"amended\":2,\"raised_ms\":1769848200009,\"schema\":1"

Test(export_violations, a_row_in_every_format)
{
	struct violation v = violation_of();
	struct rule rule = rule_of();
	struct export_violation e = {.violation = &v, .rule = &rule, .plate = "2:闽C1", .company = "a<b"};
	char *text = written(EXPORT_JSON, &e, "c");
	cr_expect_str_eq(text, "{\"violations\":[{" MEMBERS "}],\"next\":\"c\"}\n");
	free(text);
	text = written(EXPORT_NDJSON, &e, NULL);
	cr_expect_str_eq(text, "{" MEMBERS "}\n");
	free(text);
	text = written(EXPORT_GEOJSON, &e, NULL);
	cr_expect_str_eq(text,
			 "{\"type\":\"FeatureCollection\",\"features\":[{\"type\":\"Feature\",\"id\":7,\"geometry\":{"
			 "\"type\":\"Point\",\"coordinates\":[-118.6000002,24.9000001]},\"properties\":{" MEMBERS
			 "}}],\"next\":null}\n");
	free(text);
	text = written(EXPORT_CSV, &e, NULL);
	cr_expect_str_eq(
		text,
		"id,rule,title_zh,title_en,kind,kind_zh,device,phone,plate,driver,other,company,village,fence,start,"
		"end,"
		"start_ms,end_ms,found_ms,open,late,confidence,severity,authority,limit,peak,sum,reports,duration,"
		"distance,band,code,level,other,start_lat,start_lon,end_lat,end_lon,digest,state,state_zh,handled,"
		"amended,raised_ms,authority_codes,schema\r\n"
		"7,r-1,超速,\"Too \"\"fast\"\"\",overspeed,超速,0000000000000abc,,2:闽C1,,,a<b,,\"a,b\","
		"2026-01-31T08:30:00.000Z,2026-01-31T08:30:05.000Z,1769848200000,1769848205000,1769848204000,0,0,2,3,"
		"交警,"
		"600,723,,,,,,,,,24.9000001,-118.6000002,0.0000000,0.0000000,"
		"fe00000000000000000000000000000000000000000000000000000000000000,confirmed,属实,1,2,"
		"1769848200009,traffic_police,1\r\n");
	free(text);
}

Test(export_violations, without_its_rule_a_row_says_nothing_of_it)
{
	struct violation v = violation_of();
	struct export_violation e = {.violation = &v};
	char *text = written(EXPORT_NDJSON, &e, NULL);
	cr_expect(strstr(text, "\"title\":null"));
	cr_expect(strstr(text, "\"severity\":null,\"authority\":null,\"authority_codes\":[]"));
	free(text);
}

/* Several, one of them in no table: its name is shown, and it has no code. */
Test(export_violations, authorities_of_the_table_have_codes)
{
	struct violation v = violation_of();
	struct rule rule = rule_of();
	struct export_violation e = {.violation = &v, .rule = &rule};
	rule.authority = "渣土办, 某某局, 城管";
	char *text = written(EXPORT_NDJSON, &e, NULL);
	cr_expect(strstr(
		text,
		"\"authority\":\"渣土办, 某某局, 城管\",\"authority_codes\":[\"muck_office\",\"urban_management\"],"));
	free(text);
	text = written(EXPORT_CSV, &e, NULL);
	cr_expect(strstr(text, ",1769848200009,muck_office urban_management,1\r\n"), "%s", text);
	free(text);
	rule.authority = "某某局";
	text = written(EXPORT_CSV, &e, NULL);
	cr_expect(strstr(text, ",1769848200009,,1\r\n"), "%s", text);
	free(text);
}

static void expect_on_page(const char *page, const char *format, const char *a, const char *b, const char *c)
{
	char line[256];
	snprintf(line, sizeof line, "%s%s%s%s%s%s%s", *b ? "| `" : "`", a, *b ? "` | " : "`", b, *b ? " | " : "", c,
		 format);
	cr_expect(strstr(page, line), "not in query/export/README.md: %s", line);
}

/* The page that other systems are given names every member and every authority. */
Test(export_violations, the_page_of_the_schema_names_every_member)
{
	static char page[1 << 16];
	FILE *f = fopen(TESTS_DIR "/../query/export/README.md", "r");
	struct violation v = violation_of();
	struct rule rule = rule_of();
	struct export_violation e = {.violation = &v, .rule = &rule};
	cr_assert_not_null(f);
	page[fread(page, 1, sizeof page - 1, f)] = '\0';
	fclose(f);
	char *text = written(EXPORT_NDJSON, &e, NULL), *key = text;
	while ((key = strchr(key, '"'))) {
		char *end = strchr(key + 1, '"');
		bool is_key = end[1] == ':';
		*end = '\0';
		if (is_key)
			expect_on_page(page, "", key + 1, "", "");
		key = end + 1;
	}
	free(text);
#define X(NAME, token, chinese, english) expect_on_page(page, " |\n", token, chinese, english);
	AUTHORITY_TABLE(X)
#undef X
	cr_expect(strstr(page, "**Schema 1**"));
	cr_expect_eq(EXPORT_VIOLATION_SCHEMA, 1);
}

Test(export_violations, a_row_that_does_not_fit_leaves_nothing_behind)
{
	struct violation v = violation_of();
	struct export_violation e = {.violation = &v};
	struct buf out = buf_init(200);
	struct export_list w;
	cr_assert_eq(export_violations_begin(&w, EXPORT_NDJSON, &out), STATUS_OK);
	cr_expect_eq(export_violation_row(&w, &e, &out), STATUS_FULL);
	cr_expect_eq(out.size, 0);
	cr_expect_eq(w.rows, 0);
	buf_deinit(&out);
}

/* Each rulebook holds from its instant on, the first one's included. */
Test(export_violations, the_rule_is_that_of_the_book_that_held_then)
{
	struct rule rules[2] = {rule_of(), rule_of()};
	struct rulebook books[2] = {{.rules = &rules[0], .count = 1}, {.rules = &rules[1], .count = 1}};
	struct rulebook_span spans[2] = {{T0, &books[0]}, {T0 + 10, &books[1]}};
	struct detect_context by = {.books = spans, .book_count = 2};
	cr_expect_eq(export_rule_at(&by, "r-1", T0 - 1), NULL);
	cr_expect_eq(export_rule_at(&by, "r-1", T0), &rules[0]);
	cr_expect_eq(export_rule_at(&by, "r-1", T0 + 9), &rules[0]);
	cr_expect_eq(export_rule_at(&by, "r-1", T0 + 10), &rules[1]);
	cr_expect_eq(export_rule_at(&by, "r-2", T0 + 10), NULL);
}

/* --- drawings --- */

static char *drawn(enum status (*draw)(const struct evidence *, struct buf *), const struct evidence *e)
{
	struct buf out = buf_init(1 << 20);
	cr_assert_eq(draw(e, &out), STATUS_OK);
	cr_assert_eq(buf_append_u8(&out, '\0'), STATUS_OK);
	return (char *)out.data;
}

static struct report report_at(int64_t time_ms, int32_t lat_e7, int32_t lon_e7, uint16_t speed_dkmh)
{
	return (struct report){.time_ms = time_ms,
			       .lat_e7 = lat_e7,
			       .lon_e7 = lon_e7,
			       .speed_dkmh = speed_dkmh,
			       .status = STATUS_BIT_FIX};
}

Test(evidence_svg, north_is_up_and_east_is_right)
{
	struct violation v = violation_of();
	/* a tenth of a degree each way about the middle of the start, on the equator: as long both ways */
	struct report points[] = {report_at(T0, -1000000, -1000000, 0), report_at(T0 + 5000, 1000000, 1000000, 0)};
	struct evidence e = {.row = {.violation = &v}, .points = points, .point_count = 2};
	v.finding.start_lat_e7 = v.finding.start_lon_e7 = -1000000;
	v.finding.end_lat_e7 = v.finding.end_lon_e7 = 1000000;
	char *text = drawn(evidence_map, &e);
	/* 88 % of 480 units high and as wide, in the middle of 800 by 480 */
	cr_expect(strstr(text, "d=\"M188.8 451.2L611.2 28.8\""), "%s", text);
	/* 22,239 m are 422.4 units: a quarter of the width takes 10 km, 189.9 units */
	cr_expect(strstr(text, "h189.9v-6"), "%s", text);
	cr_expect(strstr(text, ">10 km<"), "%s", text);
	free(text);
}

Test(evidence_svg, one_place_is_no_division_by_zero)
{
	struct violation v = violation_of();
	struct evidence e = {.row = {.violation = &v}};
	v.finding.end_lat_e7 = v.finding.start_lat_e7;
	v.finding.end_lon_e7 = v.finding.start_lon_e7;
	v.finding.end_ms = v.finding.start_ms;
	struct report one = report_at(T0, v.finding.start_lat_e7, v.finding.start_lon_e7, 500);
	e.points = &one;
	e.point_count = 1;
	char *map = drawn(evidence_map, &e), *profile = drawn(evidence_profile, &e);
	cr_expect_not(strstr(map, "nan") || strstr(map, "inf") || strstr(profile, "nan") || strstr(profile, "inf"));
	cr_expect(strstr(map, "M400.0 240.0"), "%s", map);
	free(map);
	free(profile);
}

Test(evidence_svg, the_profile_breaks_where_no_speed_is_known_and_shows_the_limit)
{
	struct violation v = violation_of();
	struct report points[] = {report_at(T0, 0, 0, 0), report_at(T0 + 1000, 0, 0, 1200),
				  report_at(T0 + 2000, 0, 0, SPEED_UNKNOWN), report_at(T0 + 5000, 0, 0, 600)};
	struct evidence e = {.row = {.violation = &v}, .points = points, .point_count = 4};
	char *text = drawn(evidence_profile, &e);
	/* 40 units of edge about 720 by 140: 120.0 km/h at the top, 60.0 half-way */
	cr_expect(strstr(text, "d=\"M0 0M40.0 180.0L184.0 40.0M760.0 110.0\""), "%s", text);
	cr_expect(strstr(text, "d=\"M40 110.0H760\""), "%s", text);
	cr_expect(strstr(text, "limit 60.0 km/h"));
	free(text);
	v.finding.kind = RULE_FATIGUE;
	text = drawn(evidence_profile, &e);
	cr_expect_not(strstr(text, "limit "), "a limit in hours is none of speed");
	free(text);
}
