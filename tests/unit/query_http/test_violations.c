/* The questions about violations over a real store of findings. */
#include <criterion/criterion.h>
#include <stdio.h>

#include "engine/core/clock.h"
#include "unit/query_http/violations_rig.h"

TestSuite(violations, .init = violations_rig_open, .fini = violations_rig_close, .timeout = 120);

static const char *text_of(const json_t *v, const char *key)
{
	const char *text = json_string_value(json_object_get(v, key));
	return text ? text : "";
}

static int64_t number_of(const json_t *v, const char *key)
{
	cr_assert(json_is_integer(json_object_get(v, key)), "%s", key);
	return json_integer_value(json_object_get(v, key));
}

static const json_t *row(const json_t *list, size_t i)
{
	return json_array_get(json_object_get(list, "violations"), i);
}

Test(violations, a_row_says_who_what_where_and_when)
{
	char device[17];
	json_t *v = get_json("/api/v1/violations"), *numbers;
	const json_t *first = row(v, 0);
	snprintf(device, sizeof device, "%016llx", (unsigned long long)world.truck);
	cr_assert_eq(json_array_size(json_object_get(v, "violations")), 4);
	cr_expect(json_is_null(json_object_get(v, "next")));
	cr_expect_eq(number_of(first, "id"), 1);
	cr_expect_str_eq(text_of(first, "rule"), "overspeed-muck");
	cr_expect_str_eq(text_of(json_object_get(first, "title"), "zh"), "渣土车超速");
	cr_expect_str_eq(text_of(json_object_get(first, "title"), "en"), "Muck truck over the limit");
	cr_expect_str_eq(text_of(first, "kind"), "overspeed");
	cr_expect_str_eq(text_of(first, "kind_zh"), "超速");
	cr_expect_str_eq(text_of(first, "device"), device);
	cr_expect_str_eq(text_of(first, "phone"), "13900000001");
	cr_expect_str_eq(text_of(first, "plate"), "2:闽C12345");
	cr_expect_str_eq(text_of(first, "driver"), "0000000000abcdef");
	cr_expect_str_eq(text_of(first, "company"), EVIL_COMPANY);
	cr_expect(json_is_null(json_object_get(first, "village")));
	cr_expect(json_is_null(json_object_get(first, "fence")));
	cr_expect_eq(number_of(first, "start_ms"), T0 + 10000);
	cr_expect_eq(number_of(first, "end_ms"), T0 + 200000);
	cr_expect_eq(number_of(first, "found_ms"), T0 + 40000);
	cr_expect_eq(number_of(first, "raised_ms"), T0 + 41000);
	cr_expect(json_is_false(json_object_get(first, "open")));
	cr_expect(json_is_false(json_object_get(first, "late")));
	cr_expect_eq(number_of(first, "confidence"), 3);
	cr_expect_eq(number_of(first, "severity"), 2);
	cr_expect_str_eq(text_of(first, "authority"), "交警");
	numbers = json_object_get(first, "numbers");
	cr_expect_eq(json_object_size(numbers), 4, "unknown numbers are left out");
	cr_expect_eq(number_of(numbers, "peak"), 720);
	cr_expect_eq(json_real_value(json_object_get(json_object_get(first, "start"), "lat")), 24.9);
	cr_expect_eq(strlen(text_of(first, "digest")), 64);
	cr_expect_str_eq(text_of(first, "state_zh"), "待核");
	cr_expect(json_is_true(json_object_get(row(v, 2), "open")));
	cr_expect(json_is_null(json_object_get(row(v, 2), "digest")), "open: not settled");
	cr_expect(json_is_null(json_object_get(row(v, 3), "device")), "of a place");
	json_decref(v);
}

Test(violations, are_filtered)
{
	static const struct {
		const char *query;
		size_t rows;
	} cases[] = {
		{"", 4},
		{"?rule=no-stop", 1},
		{"?rule=none", 0},
		{"?kind=overspeed", 1},
		{"?kind=zone", 0},
		{"?device=phone:13900000001", 2},
		{"?device=plate:2:%E9%97%BDC12345&kind=silent", 1},
		{"?plate=%E9%97%BDC12345", 2},
		{"?plate=%E9%BB%84:%E9%97%BDC12345", 2},
		{"?plate=1:%E9%97%BDC12345", 0},
		{"?village=%E4%B8%9C%E6%9D%91", 1},
		{"?company=nobody", 0},
		{"?fence=lane-1", 1},
		{"?severity=2", 4},
		{"?severity=3", 0},
		{"?state=pending", 4},
		{"?state=%E5%BE%85%E6%A0%B8", 4},
		{"?state=confirmed", 0},
		{"?from=2026-01-31T08:31:40Z", 3},
		{"?from=2026-01-31T08:31:40.001Z", 2},
		{"?to=2026-01-31T08:31:39.999Z", 1},
		{"?to=2026-01-31T08:31:40Z", 2},
		{"?as_of=2026-01-31T08:32:10Z", 2},
		{"?as_of=2026-01-31T08:32:09.999Z", 1},
		{"?driver=0000000000abcdef", 1},
		{"?driver=0000000000abcdee", 0},
		{"?authority=traffic_police", 2},
		{"?authority=%E4%BA%A4%E8%AD%A6", 2},
		{"?authority=forestry", 1},
		{"?authority=maritime", 0},
		{"?bbox=118.6,24.9,118.6,24.9", 4},
		{"?bbox=118.6000001,24.8,119,25", 0},
		{"?bbox=118,24,119,24.8999999", 0},
		{"?bbox=118,24.8,-170,25", 4},
		{"?bbox=170,24.8,-170,25", 0},
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		char path[256];
		snprintf(path, sizeof path, "/api/v1/violations%s", cases[i].query);
		json_t *v = get_json(path);
		cr_expect_eq(json_array_size(json_object_get(v, "violations")), cases[i].rows, "%s", path);
		json_decref(v);
	}
}

Test(violations, wrong_parameters_are_named)
{
	static const struct {
		const char *query, *parameter;
		int status;
	} cases[] = {
		{"kind=nonsense", "kind", 400},
		{"state=nonsense", "state", 400},
		{"severity=4", "severity", 400},
		{"device=12", "device", 400},
		{"device=phone:99", "device", 404},
		{"from=2&to=1", "from", 400},
		{"cursor=12", "cursor", 400},
		{"format=gpx", "format", 400},
		{"limit=0", "limit", 400},
		{"plate=9x:%E9%97%BD", "plate", 400},
		{"who=me", "who", 400},
		{"driver=abc", "driver", 400},
		{"driver=0000000000000000", "driver", 400},
		{"bbox=118,25,119,24", "bbox", 400},
		{"bbox=118,24,119", "bbox", 400},
		{"bbox=118,24,181,25", "bbox", 400},
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		char request[256], part[64];
		snprintf(request, sizeof request, "GET /api/v1/violations?%s", cases[i].query);
		snprintf(part, sizeof part, "\"parameter\":\"%s\"", cases[i].parameter);
		expect_answer(request, NULL, cases[i].status, part);
	}
}

Test(violations, pages_follow_each_other)
{
	json_t *v = get_json("/api/v1/violations?limit=3");
	char path[128];
	cr_assert_eq(json_array_size(json_object_get(v, "violations")), 3);
	snprintf(path, sizeof path, "/api/v1/violations?limit=3&cursor=%s", text_of(v, "next"));
	json_decref(v);
	v = get_json(path);
	cr_expect_eq(json_array_size(json_object_get(v, "violations")), 1);
	cr_expect_eq(number_of(row(v, 0), "id"), 4);
	cr_expect(json_is_null(json_object_get(v, "next")));
	json_decref(v);
	v = get_json("/api/v1/violations?limit=4");
	cr_expect(json_is_null(json_object_get(v, "next")), "a full page that is the last");
	json_decref(v);
}

static unsigned lines_of(const struct answer *a)
{
	unsigned n = 0;
	for (size_t i = 0; i < a->body.size; i++)
		n += a->body.data[i] == '\n';
	return n;
}

Test(violations, come_as_ndjson_geojson_and_csv)
{
	struct answer a = ask_as(NULL, "GET /api/v1/violations?format=ndjson", NULL);
	cr_expect_str_eq(answer_header(&a, "content-type"), "application/x-ndjson");
	cr_expect_eq(lines_of(&a), 4);
	answer_deinit(&a);
	a = ask_as(NULL, "GET /api/v1/violations?format=csv&limit=2", NULL);
	cr_expect_eq(lines_of(&a), 3, "a header and two rows");
	cr_expect(answer_has(&a, "\"<script>alert('x')</script>&\"\"公司\"\"\""));
	answer_deinit(&a);
	json_t *v = get_json("/api/v1/violations?format=geojson");
	json_t *feature = json_array_get(json_object_get(v, "features"), 0);
	json_t *place = json_object_get(json_object_get(feature, "geometry"), "coordinates");
	cr_expect_eq(json_real_value(json_array_get(place, 0)), 118.6, "longitude first");
	cr_expect_str_eq(text_of(json_object_get(feature, "properties"), "rule"), "overspeed-muck");
	json_decref(v);
}

Test(violations, one_comes_with_its_history)
{
	json_t *v = get_json("/api/v1/violations/1");
	json_t *event = json_array_get(json_object_get(v, "history"), 0);
	cr_expect_str_eq(text_of(v, "rule"), "overspeed-muck");
	cr_expect(strstr(text_of(v, "source"), "示例政策"));
	cr_expect_str_eq(text_of(event, "event"), "raised");
	cr_expect_str_eq(text_of(event, "event_zh"), "产生");
	cr_expect_eq(number_of(json_object_get(event, "finding"), "end_ms"), T0 + 200000);
	json_decref(v);
	expect_answer("GET /api/v1/violations/99", NULL, 404, "no-such-violation");
	expect_answer("GET /api/v1/violations/x", NULL, 400, "\"parameter\":\"violation\"");
	expect_answer("GET /api/v1/violations/0", NULL, 400, "\"parameter\":\"violation\"");
}

#define REVIEW(id) "POST /api/v1/violations/" id "/review"
#define HANDLING(id) "POST /api/v1/violations/" id "/handling"

Test(violations, are_reviewed_step_by_step)
{
	expect_answer(REVIEW("1"), "{\"state\":\"transferred\",\"why\":\"w\",\"document\":\"d\"}", 409, "conflict");
	expect_answer(REVIEW("1"), "{\"state\":\"confirmed\"}", 422, "why");
	expect_answer(REVIEW("3"), "{\"state\":\"confirmed\",\"why\":\"w\"}", 409, "conflict");
	expect_answer(REVIEW("1"), "{\"state\":\"withdrawn\",\"why\":\"w\"}", 422, "unprocessable");
	expect_answer(REVIEW("1"), "{\"state\":\"guilty\",\"why\":\"w\"}", 422, "\"parameter\":\"state\"");
	expect_answer(REVIEW("1"), "{\"state\":\"confirmed\",\"why\":\"看过\"}", 200, "\"state\":\"confirmed\"");
	expect_answer(REVIEW("1"), "{\"state\":\"transferred\",\"why\":\"w\"}", 422, "document");
	expect_answer(REVIEW("1"), "{\"state\":\"移交\",\"why\":\"w\",\"document\":\"泉公〔2026〕1号\"}", 200,
		      "\"document\":\"泉公〔2026〕1号\"");
	expect_answer(REVIEW("99"), "{\"state\":\"confirmed\",\"why\":\"w\"}", 404, "no-such-violation");
	json_t *v = get_json("/api/v1/violations/1");
	json_t *history = json_object_get(v, "history");
	cr_expect_eq(json_array_size(history), 4, "raised, closed, confirmed, transferred");
	cr_expect_str_eq(text_of(json_array_get(history, 2), "text"), "看过");
	cr_expect_str_eq(text_of(json_array_get(history, 2), "who"), "local");
	cr_expect_str_eq(text_of(json_array_get(history, 3), "state_zh"), "移交");
	json_decref(v);
}

Test(violations, bad_bodies_change_nothing)
{
	static const char *const bodies[] = {"",
					     "[]",
					     "{",
					     "{\"state\":1,\"why\":\"w\"}",
					     "{\"state\":\"confirmed\",\"why\":\"w\",\"by\":\"me\"}",
					     "{\"state\":\"confirmed\",\"why\":\"a\\u0007b\"}",
					     "{\"state\":\"confirmed\",\"why\":\"a\",\"why\":\"b\"}"};
	for (size_t i = 0; i < sizeof bodies / sizeof bodies[0]; i++)
		expect_answer(REVIEW("1"), bodies[i], 400, "bad-body");
	char longer[1200];
	int n = snprintf(longer, sizeof longer, "{\"how\":\"");
	memset(longer + n, 'x', 1001);
	strcpy(longer + n + 1001, "\"}");
	expect_answer(HANDLING("1"), longer, 400, "how");
	expect_answer(HANDLING("1"), "{\"result\":\"r\"}", 422, "how");
	json_t *v = get_json("/api/v1/violations/1");
	cr_expect_eq(json_array_size(json_object_get(v, "history")), 2, "raised and closed");
	json_decref(v);
}

Test(violations, handling_goes_into_the_ledger)
{
	expect_answer(HANDLING("1"), "{\"how\":\"电话提醒\",\"result\":\"已减速\"}", 200, "\"handled\":true");
	json_t *v = get_json("/api/v1/violations/1");
	json_t *event = json_array_get(json_object_get(v, "history"), 2);
	cr_expect_str_eq(text_of(event, "event_zh"), "处置");
	cr_expect_str_eq(text_of(event, "text"), "电话提醒: 已减速");
	cr_expect_str_eq(text_of(v, "state"), "pending", "handling is not reviewing");
	json_decref(v);
}

#define HOLD(id) "POST /api/v1/violations/" id "/hold"

Test(violations, are_held_for_a_case_and_on_record)
{
	char device[64];
	expect_answer(HOLD("1"), "{}", 422, "\"parameter\":\"case\"");
	expect_answer(HOLD("1"), "{\"case\":\"a/b\"}", 422, "\"parameter\":\"case\"");
	expect_answer(HOLD("1"), "{\"case\":\"x\",\"why\":\"y\"}", 400, "bad-body");
	expect_answer(HOLD("99"), "{\"case\":\"x\"}", 404, "no-such-violation");
	expect_answer(HOLD("4"), "{\"case\":\"x\"}", 422, "rests on no report");
	expect_answer("GET /api/v1/holds", NULL, 200, "\"holds\":[]");
	expect_answer(HOLD("1"), "{\"case\":\"泉公2026-7\"}", 200, "\"id\":1,");
	snprintf(device, sizeof device, "\"case\":\"泉公2026-7\",\"device\":\"%016llx\"",
		 (unsigned long long)world.truck);
	expect_answer("GET /api/v1/holds", NULL, 200, device);
	expect_answer("GET /api/v1/holds", NULL, 200,
		      "\"from\":\"2026-01-31T08:30:10.000Z\",\"to\":\"2026-01-31T08:33:20.000Z\"");
	expect_answer("GET /api/v1/audit", NULL, 200, "\"action\":\"hold\"");
	expect_answer(HOLD("1"), "{\"case\":\"泉公2026-7\"}", 200, "\"id\":1,");
	struct answer a = ask_as(NULL, "DELETE /api/v1/holds/%E6%B3%89%E5%85%AC2026-7", NULL);
	cr_expect_eq(a.status, 204);
	answer_deinit(&a);
	expect_answer("GET /api/v1/holds", NULL, 200, "\"holds\":[]");
}

static const json_t *group(const json_t *v, size_t i)
{
	return json_array_get(json_object_get(v, "groups"), i);
}

Test(violations, are_counted_by_anything)
{
	static const struct {
		const char *by, *first;
		size_t groups;
		int64_t count;
	} cases[] = {{"rule", "no-stop", 4, 1}, {"kind", "dwell", 4, 1},    {"device", NULL, 3, 2},
		     {"company", "", 2, 2},     {"village", "", 2, 3},      {"fence", "", 2, 3},
		     {"severity", "2", 1, 4},   {"state", "pending", 1, 4}, {"day", "2026-01-31", 1, 4}};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		char path[128];
		snprintf(path, sizeof path, "/api/v1/violations/counts?by=%s", cases[i].by);
		json_t *v = get_json(path);
		cr_expect_eq(number_of(v, "total"), 4);
		cr_expect_eq(json_array_size(json_object_get(v, "groups")), cases[i].groups, "%s", path);
		if (cases[i].first)
			cr_expect_str_eq(text_of(group(v, 0), "key"), cases[i].first, "%s", path);
		cr_expect_eq(number_of(group(v, 0), "count"), cases[i].count, "%s", path);
		json_decref(v);
	}
	json_t *v = get_json("/api/v1/violations/counts?by=kind&device=phone:13900000002");
	cr_expect_str_eq(text_of(group(v, 0), "key_zh"), "违规停留");
	cr_expect_eq(number_of(v, "total"), 1);
	json_decref(v);
	expect_answer("GET /api/v1/violations/counts", NULL, 400, "\"parameter\":\"by\"");
	expect_answer("GET /api/v1/violations/counts?by=colour", NULL, 400, "\"parameter\":\"by\"");
}

static const json_t *member(const json_t *list, size_t i)
{
	return json_array_get(list, i);
}

Test(violations, are_counted_by_pairs_by_period_and_by_authority)
{
	static const struct {
		const char *query, *key, *and;
		size_t groups;
		int64_t count;
	} cases[] = {{"by=plate", "", "", 2, 2},
		     {"by=driver", "", "", 2, 3},
		     {"by=authority", "交警", "", 3, 2},
		     {"by=week", "2026-W05", "", 1, 4},
		     {"by=month", "2026-01", "", 1, 4},
		     {"by=month&and=device", "2026-01", NULL, 3, 2},
		     {"by=state&and=week", "pending", "2026-W05", 1, 4},
		     {"by=village&and=kind&fence=lane-1", "东村", "dwell", 1, 1},
		     {"by=village&bbox=0,0,1,1", NULL, NULL, 0, 0}};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		char path[128];
		snprintf(path, sizeof path, "/api/v1/violations/counts?%s", cases[i].query);
		json_t *v = get_json(path);
		cr_expect_eq(json_array_size(json_object_get(v, "groups")), cases[i].groups, "%s", path);
		if (cases[i].key)
			cr_expect_str_eq(text_of(group(v, 0), "key"), cases[i].key, "%s", path);
		if (cases[i].and)
			cr_expect_str_eq(text_of(group(v, 0), "and"), cases[i].and, "%s", path);
		if (cases[i].count)
			cr_expect_eq(number_of(group(v, 0), "count"), cases[i].count, "%s", path);
		json_decref(v);
	}
	expect_answer("GET /api/v1/violations/counts?by=day&and=day", NULL, 400, "\"parameter\":\"and\"");
	expect_answer("GET /api/v1/violations/counts?by=state&and=kind&fence=lane-1&format=csv", NULL, 200,
		      "key,key_zh,and,and_zh,count,handled\r\npending,待核,dwell,违规停留,1,0\r\n");
}

/* A finding that two authorities must act on is one of each, and one of all. */
Test(violations, of_two_authorities_are_counted_for_both)
{
	struct finding f = finding_of("uncovered", RULE_COVER, world.boat, T0);
	tell(&f, false);
	json_t *v = get_json("/api/v1/violations/counts?by=authority&rule=uncovered");
	cr_expect_eq(json_array_size(json_object_get(v, "groups")), 2);
	cr_expect_eq(number_of(v, "total"), 1);
	json_decref(v);
	expect_answer("GET /api/v1/violations?authority=urban_management&format=ndjson", NULL, 200,
		      "\"authority_codes\":[\"muck_office\",\"urban_management\"]");
}

/* The clock of China; ISO 8601 weeks across the turn of the year: Friday 2027-01-01 is of the 53rd week of 2026. */
Test(violations, weeks_belong_to_the_year_of_their_thursday)
{
	static const struct {
		const char *china, *week;
	} cases[] = {{"2025-12-28T23:59:59+08:00", "2025-W52"}, {"2025-12-29T00:00:00+08:00", "2026-W01"},
		     {"2026-12-31T00:00:00+08:00", "2026-W53"}, {"2027-01-03T23:59:59+08:00", "2026-W53"},
		     {"2027-01-04T00:00:00+08:00", "2027-W01"}, {"1969-12-29T00:00:00+08:00", "1970-W01"},
		     {"1969-12-28T23:59:59+08:00", "1969-W52"}};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		int64_t at_ms;
		char path[128];
		cr_assert_eq(time_parse(span_of_string(cases[i].china), 0, &at_ms), STATUS_OK);
		struct finding f = finding_of("no-stop", RULE_DWELL, world.boat, at_ms);
		snprintf(f.fence, sizeof f.fence, "week-%zu", i);
		tell(&f, false);
		snprintf(path, sizeof path, "/api/v1/violations/counts?by=week&fence=week-%zu", i);
		json_t *v = get_json(path);
		cr_expect_str_eq(text_of(group(v, 0), "key"), cases[i].week, "%s", cases[i].china);
		json_decref(v);
	}
}

/* Ten days; on day d the fences a..c have d + 1, d + 1 and 1 findings each. */
static void tell_ten_days(void)
{
	for (int day = 0; day < 10; day++)
		for (int fence = 0; fence < 3; fence++)
			for (int i = 0; i < (fence < 2 ? day + 1 : 1); i++) {
				struct finding f =
					finding_of("no-stop", RULE_DWELL, world.boat,
						   T0 + (day + 30) * MS_PER_DAY + fence * INT64_C(100000) + i);
				snprintf(f.fence, sizeof f.fence, "top-%c", 'a' + fence);
				tell(&f, false);
			}
}

#define TOP "/api/v1/violations/top?by=fence&from=2026-02-20T00:00:00Z"

Test(violations, lead_in_lists_by_period)
{
	tell_ten_days();
	json_t *v = get_json(TOP), *list = json_object_get(v, "top");
	cr_assert_eq(json_array_size(list), 3);
	cr_expect(json_is_null(json_object_get(member(list, 0), "period")));
	cr_expect_eq(number_of(member(list, 0), "rank"), 1);
	cr_expect_str_eq(text_of(member(list, 0), "key"), "top-a", "of equal counts the lesser key");
	cr_expect_eq(number_of(member(list, 1), "count"), 55);
	cr_expect_eq(number_of(member(list, 2), "count"), 10);
	json_decref(v);
	v = get_json(TOP "&period=day&first=2");
	list = json_object_get(v, "top");
	cr_assert_eq(json_array_size(list), 20);
	cr_expect_str_eq(text_of(member(list, 2), "period"), "2026-03-03");
	cr_expect_eq(number_of(member(list, 3), "rank"), 2);
	cr_expect_eq(number_of(member(list, 19), "count"), 10);
	json_decref(v);
	expect_answer("GET " TOP "&period=week&first=1&format=csv", NULL, 200,
		      "period,rank,key,key_zh,count,handled\r\n2026-W10,1,top-a,,28,0\r\n2026-W11,1,top-a,,27,0\r\n");
	expect_answer("GET " TOP "&by=fence", NULL, 400, "\"parameter\":\"by\"");
	expect_answer("GET /api/v1/violations/top?by=state", NULL, 400, "\"parameter\":\"by\"");
	expect_answer("GET " TOP "&cursor=abc", NULL, 400, "\"parameter\":\"cursor\"");
	expect_answer("GET " TOP "&cursor=6100", NULL, 400, "\"parameter\":\"cursor\"");
	expect_answer("GET " TOP "&first=0", NULL, 400, "\"parameter\":\"first\"");
}

Test(violations, pages_of_a_top_list_are_the_whole_list)
{
	tell_ten_days();
	json_t *whole = get_json(TOP "&period=day"), *expected = json_object_get(whole, "top");
	char path[1400] = TOP "&period=day&limit=7";
	size_t at = 0, pages = 0;
	for (bool more = true; more; pages++) {
		json_t *v = get_json(path), *list = json_object_get(v, "top");
		for (size_t i = 0; i < json_array_size(list); i++, at++)
			cr_expect(json_equal(member(list, i), member(expected, at)), "row %zu", at);
		more = !json_is_null(json_object_get(v, "next"));
		snprintf(path, sizeof path, TOP "&period=day&limit=7&cursor=%s", text_of(v, "next"));
		json_decref(v);
		cr_assert(pages < 10);
	}
	cr_expect_eq(at, 30);
	cr_expect_eq(pages, 5);
	json_decref(whole);
}

/* 500 fences, more groups than the table first has room for, each met again when it has grown */
Test(violations, a_day_in_china_begins_at_sixteen_hours_utc_and_groups_grow)
{
	for (int i = 0; i < 1000; i++) {
		struct finding f = finding_of("no-stop", RULE_DWELL, world.boat, T0 + 7 * MS_PER_HOUR + 1800000 - 1);
		snprintf(f.fence, sizeof f.fence, "f%d", i % 500);
		f.start_ms += i / 500;
		tell(&f, false);
	}
	json_t *v = get_json("/api/v1/violations/counts?by=day");
	cr_expect_str_eq(text_of(group(v, 0), "key"), "2026-01-31");
	cr_expect_eq(number_of(group(v, 0), "count"), 504);
	cr_expect_str_eq(text_of(group(v, 1), "key"), "2026-02-01");
	cr_expect_eq(number_of(group(v, 1), "count"), 500);
	json_decref(v);
	v = get_json("/api/v1/violations/counts?by=fence");
	cr_expect_eq(json_array_size(json_object_get(v, "groups")), 502);
	for (size_t i = 1; i <= 500; i++)
		cr_expect_eq(number_of(group(v, i), "count"), 2);
	json_decref(v);
}

static void expect_rate(int64_t raised, int64_t handled, int64_t percent, bool enough)
{
	json_t *v = get_json("/api/v1/violations/handling-rate?fence=rated");
	cr_expect_eq(number_of(v, "raised"), raised);
	cr_expect_eq(number_of(v, "handled"), handled);
	cr_expect_eq(number_of(v, "percent"), percent);
	cr_expect_eq(json_is_true(json_object_get(v, "enough")), enough);
	json_decref(v);
}

Test(violations, ninety_of_a_hundred_reach_the_line_and_eighty_nine_do_not)
{
	for (int i = 0; i < 100; i++) {
		struct finding f = finding_of("no-stop", RULE_DWELL, world.boat, T0 + MS_PER_DAY + i * INT64_C(100000));
		strcpy(f.fence, "rated");
		tell(&f, false);
	}
	for (uint64_t id = 5; id < 5 + 89; id++)
		cr_assert_eq(violation_handle(engine_findings(world.engine), id, "t", "call", "", T0), STATUS_OK);
	expect_rate(100, 89, 89, false);
	expect_answer(HANDLING("94"), "{\"how\":\"call\"}", 200, "\"handled\":true");
	expect_rate(100, 90, 90, true);
	expect_answer("GET /api/v1/violations/handling-rate?fence=none", NULL, 200,
		      "\"percent\":null,\"line_percent\":90,\"enough\":true");
}

Test(violations, what_was_withdrawn_is_kept_and_not_in_the_rate)
{
	struct finding other = finding_of("no-stop", RULE_DWELL, world.boat, T0 + MS_PER_DAY);
	strcpy(other.fence, "lane-2");
	tell(&other, true);
	expect_answer("GET /api/v1/violations/2", NULL, 200, "\"state\":\"withdrawn\"");
	expect_answer("GET /api/v1/violations/handling-rate", NULL, 200, "{\"raised\":4,");
	expect_answer("GET /api/v1/violations/counts?by=state", NULL, 200, "\"key\":\"withdrawn\"");
	expect_answer(REVIEW("2"), "{\"state\":\"confirmed\",\"why\":\"w\"}", 409, "conflict");
}

Test(violations, are_in_the_metrics)
{
	expect_answer("GET /metrics", NULL, 200, "\nzayton_findings_raised_total 4\n");
	expect_answer("GET /metrics", NULL, 200, "\nzayton_findings_late_total 0\n");
}

/* --- scopes --- */

static void open_with_tokens(void)
{
	violations_rig_options = with_tokens;
	violations_rig_open();
}
TestSuite(violations_scope, .init = open_with_tokens, .fini = violations_rig_close, .timeout = 120);

static void expect_as(const char *token, const char *request, const char *body, int status, const char *part)
{
	struct answer a = ask_as(token, request, body);
	cr_expect_eq(a.status, status, "%s %s: %d", token, request, a.status);
	cr_expect(answer_has(&a, part), "%s %s: %.*s", token, request, (int)a.body.size, (char *)a.body.data);
	answer_deinit(&a);
}

Test(violations_scope, everybody_sees_their_own)
{
	struct answer a = ask_as("village", "GET /api/v1/violations?format=ndjson", NULL);
	cr_expect_eq(lines_of(&a), 1);
	cr_expect(answer_has(&a, "\"id\":2,"));
	answer_deinit(&a);
	a = ask_as("company", "GET /api/v1/violations?format=ndjson", NULL);
	cr_expect_eq(lines_of(&a), 2);
	answer_deinit(&a);
	expect_as("village", "GET /api/v1/violations/counts?by=rule", NULL, 200, "\"total\":1");
	expect_as("company", "GET /api/v1/violations/handling-rate", NULL, 200, "\"raised\":2");
	expect_as("all", "GET /api/v1/violations/counts?by=rule", NULL, 200, "\"total\":4");
	expect_as("village", "GET /api/v1/violations/1", NULL, 404, "no-such-violation");
	expect_as("village", "GET /api/v1/violations/2", NULL, 200, "\"id\":2,");
	expect_as("village", "GET /api/v1/violations/4", NULL, 404, "no-such-violation");
	expect_as("village", "GET /api/v1/violations?device=phone:13900000001", NULL, 404, "no-such-device");
}

Test(violations_scope, only_the_whole_scope_reviews_and_handles)
{
	expect_as("village", REVIEW("2"), "{\"state\":\"confirmed\",\"why\":\"w\"}", 403, "forbidden");
	expect_as("company", HANDLING("1"), "{\"how\":\"h\"}", 403, "forbidden");
	expect_as("company", HOLD("1"), "{\"case\":\"x\"}", 403, "forbidden");
	expect_as("all", REVIEW("2"), "{\"state\":\"confirmed\",\"why\":\"w\"}", 200, "\"who\":\"officer\"");
}
