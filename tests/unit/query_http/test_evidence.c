/* Evidence sheets: what they hold, that they escape it, and that they say when the raw reports are others. */
#include <criterion/criterion.h>
#include <stdio.h>

#include "engine/core/clock.h"
#include "engine/fleet/finding_reports.h"
#include "unit/query_http/violations_rig.h"

TestSuite(evidence, .init = violations_rig_open, .fini = violations_rig_close, .timeout = 120);

/* The page or JSON as text with a NUL; free with buf_deinit. */
static struct buf sheet(const char *path, const char *media)
{
	char request[256];
	snprintf(request, sizeof request, "GET %s", path);
	struct answer a = ask_as(NULL, request, NULL);
	cr_assert_eq(a.status, 200, "%s: %d", path, a.status);
	cr_expect_str_eq(answer_header(&a, "content-type"), media);
	cr_expect_str_eq(answer_header(&a, "content-security-policy"), "default-src 'none'; style-src 'unsafe-inline'");
	struct buf text = buf_init(SIZE_MAX / 2);
	cr_assert_eq(buf_append(&text, a.body.data, a.body.size), STATUS_OK);
	cr_assert_eq(buf_append_u8(&text, '\0'), STATUS_OK);
	answer_deinit(&a);
	return text;
}

static struct buf page(const char *path)
{
	return sheet(path, "text/html; charset=utf-8");
}

static size_t count_of(const struct buf *b, const char *part)
{
	size_t n = 0;
	for (const char *at = (const char *)b->data; (at = strstr(at, part)); at += strlen(part))
		n++;
	return n;
}

static void expect_part(const struct buf *b, const char *part)
{
	cr_expect(count_of(b, part), "no %s in %s", part, (const char *)b->data);
}

/* The track gets a report that was not there when the finding was made. */
static void add_late_report(void)
{
	struct bulk *b;
	struct report r;
	uint8_t body[28] = {[7] = 3};
	store_be32(body + 8, 24900000u);
	store_be32(body + 12, 118600000u);
	cr_assert_eq(bcd_time_encode(T0 + 95000, body + 22), STATUS_OK);
	cr_assert_eq(report_from_jt808(span_of(body, sizeof body), &r), STATUS_OK);
	cr_assert_eq(bulk_open(world.engine, &b), STATUS_OK);
	cr_assert_eq(bulk_add(b, world.truck, &r), STATUS_OK);
	cr_assert_eq(bulk_close(b), STATUS_OK);
}

Test(evidence, the_page_says_who_what_where_when_and_by_which_rule)
{
	static const char *const parts[] = {"2:闽C12345",
					    "2026-01-31T16:30:10.000+08:00",
					    "2026-01-31T16:33:20.000+08:00",
					    "24.9000000, 118.6000000",
					    "超速 overspeed",
					    "60.0 km/h",
					    "72.0 km/h",
					    "190.000 s（0:03:10）",
					    "20 %",
					    "渣土车超速",
					    "示例政策 sample policy",
					    "[overspeed-muck]",
					    "交警",
					    "0000000000abcdef",
					    "2026-12-31（当时有效 valid then）",
					    "限速 limit 60.0 km/h",
					    "待核 pending",
					    "产生 raised",
					    "一致：原始报文",
					    "制表 Made by: local"};
	struct buf html = page("/api/v1/violations/1/evidence");
	for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++)
		expect_part(&html, parts[i]);
	cr_expect_eq(count_of(&html, "<svg "), 2);
	cr_expect_eq(count_of(&html, "<td class=\"hex\">"), 20, "each raw report of the span");
	expect_part(&html, "<td class=\"hex\">0000000000000003");
	cr_expect_eq(count_of(&html, "class=\"bad\""), 0);
	buf_deinit(&html);
}

Test(evidence, numbers_are_read_by_their_kind)
{
	struct finding f = finding_of("no-video", RULE_NO_VIDEO, world.boat, T0 + MS_PER_DAY);
	f.numbers[FINDING_LIMIT] = INT64_C(1601481600000);
	tell(&f, false);
	f = finding_of("overspeed-muck", RULE_OVERSPEED, world.boat, T0 + 2 * MS_PER_DAY);
	f.numbers[FINDING_SUM] = 2159;
	f.numbers[FINDING_REPORTS] = 3;
	tell(&f, false);
	struct buf html = page("/api/v1/violations/5/evidence");
	expect_part(&html, "限值 limit</th><td>2020-10-01T00:00:00.000+08:00<");
	buf_deinit(&html);
	html = page("/api/v1/violations/6/evidence");
	expect_part(&html, "平均 mean</th><td>71.9 km/h<");
	buf_deinit(&html);
}

Test(evidence, stored_and_recomputed_digest_are_the_finding_s)
{
	json_t *v = get_json("/api/v1/violations/1");
	struct buf html = page("/api/v1/violations/1/evidence");
	cr_expect_eq(count_of(&html, json_string_value(json_object_get(v, "digest"))), 2);
	buf_deinit(&html);
	json_decref(v);
}

Test(evidence, nothing_from_outside_becomes_markup)
{
	expect_answer("POST /api/v1/violations/1/handling", "{\"how\":\"<img src=x onerror=alert(1)>\"}", 200, "");
	struct buf html = page("/api/v1/violations/1/evidence");
	expect_part(&html, "&lt;script&gt;alert('x')&lt;/script&gt;&amp;&quot;公司&quot;");
	expect_part(&html, "ZT-1&lt;b&gt;");
	expect_part(&html, "&lt;img src=x onerror=alert(1)&gt;");
	cr_expect_eq(count_of(&html, "<script"), 0);
	cr_expect_eq(count_of(&html, "<img"), 0);
	cr_expect_eq(count_of(&html, "<b>"), 0);
	buf_deinit(&html);
}

Test(evidence, the_page_fetches_and_runs_nothing)
{
	static const char *const absent[] = {"<script", "<link", "href=", "url(", "@import", "onload", "<iframe"};
	struct buf html = page("/api/v1/violations/1/evidence");
	for (size_t i = 0; i < sizeof absent / sizeof absent[0]; i++)
		cr_expect_eq(count_of(&html, absent[i]), 0, "%s", absent[i]);
	cr_expect_eq(count_of(&html, "://"), 2, "the names of SVG alone");
	cr_expect_eq(count_of(&html, "xmlns=\"http://www.w3.org/2000/svg\""), 2);
	buf_deinit(&html);
}

Test(evidence, other_raw_reports_are_said_loudly)
{
	add_late_report();
	struct buf html = page("/api/v1/violations/1/evidence");
	expect_part(&html, "<p class=\"bad\" role=\"alert\">不一致！");
	expect_part(&html, "THEY DIFFER!");
	cr_expect_eq(count_of(&html, "<td class=\"hex\">"), 21);
	buf_deinit(&html);
	json_t *v = get_json("/api/v1/violations/1/evidence?format=json"), *digest = json_object_get(v, "digest");
	cr_expect_str_eq(json_string_value(json_object_get(digest, "result")), "different");
	cr_expect_str_neq(json_string_value(json_object_get(digest, "stored")),
			  json_string_value(json_object_get(digest, "recomputed")));
	json_decref(v);
}

Test(evidence, json_holds_the_same)
{
	json_t *v = get_json("/api/v1/violations/1/evidence?format=json");
	json_t *reports = json_object_get(v, "reports"), *registry = json_object_get(v, "registry");
	cr_expect_eq(json_integer_value(json_object_get(v, "report_count")), 20);
	cr_assert_eq(json_array_size(reports), 20);
	const char *body = json_string_value(json_object_get(json_array_get(reports, 0), "body"));
	char device[17];
	snprintf(device, sizeof device, "%016llx", (unsigned long long)world.truck);
	cr_expect_str_eq(json_string_value(json_object_get(json_array_get(reports, 0), "device")), device);
	cr_expect_eq(strlen(body), 56);
	cr_expect(!strncmp(body, "0000000000000003", 16));
	cr_expect_str_eq(json_string_value(json_object_get(registry, "terminal_model")), "ZT-1<b>");
	cr_expect_str_eq(json_string_value(json_object_get(registry, "metrology_due")), "2026-12-31");
	cr_expect_not(json_object_get(registry, "auth_code"));
	cr_expect(strstr(json_string_value(json_object_get(json_object_get(v, "rule"), "text")), "limit"));
	cr_expect_str_eq(json_string_value(json_object_get(json_object_get(v, "digest"), "result")), "same");
	cr_expect_eq(json_array_size(json_object_get(v, "history")), 2);
	cr_expect_str_eq(json_string_value(json_object_get(v, "made_by")), "local");
	json_decref(v);
}

/* The boat sent nothing: what the truck sent speaks for both, and the boat's would as well. */
Test(evidence, of_a_pair_both_devices_reports_are_digested_and_listed)
{
	struct finding f = finding_of("convoy", RULE_CONVOY, world.boat, T0 + 10000);
	f.other = world.truck;
	f.end_ms = T0 + 200000;
	cr_assert_eq(finding_digest(world.engine, &f, NULL, 0), STATUS_OK);
	tell(&f, false);
	json_t *v = get_json("/api/v1/violations/5/evidence?format=json");
	cr_expect_eq(json_integer_value(json_object_get(v, "report_count")), 20);
	cr_expect_eq(json_array_size(json_object_get(v, "reports")), 20);
	cr_expect_str_eq(json_string_value(json_object_get(json_object_get(v, "digest"), "result")), "same");
	json_decref(v);
}

Test(evidence, open_ones_and_places_have_no_digest_to_compare)
{
	struct buf html = page("/api/v1/violations/3/evidence");
	expect_part(&html, "尚未结束，结束后生成摘要");
	expect_part(&html, "截至（未结束）");
	buf_deinit(&html);
	html = page("/api/v1/violations/4/evidence");
	expect_part(&html, "未存摘要");
	cr_expect_eq(count_of(&html, "<td class=\"hex\">"), 0);
	buf_deinit(&html);
	struct buf json = sheet("/api/v1/violations/2/evidence?format=json", "application/json");
	expect_part(&json, "\"report_count\":0,\"reports\":[]}");
	buf_deinit(&json);
}

Test(evidence, the_fence_is_drawn_as_it_was_then)
{
	static const struct geo_point ring[] = {
		{248990000, 1185990000}, {248990000, 1186010000}, {249010000, 1186010000}, {249010000, 1185990000}};
	static const uint32_t end = 4;
	struct fence f = {.id = "lane-1",
			  .name = "消防<通道>",
			  .valid_from_ms = T0,
			  .valid_to_ms = INT64_MAX,
			  .when = SCHEDULE_ALWAYS};
	cr_assert_eq(fence_area_new(ring, &end, 1, &f.area), STATUS_OK);
	cr_assert_eq(context_put_fences(engine_context(world.engine), &f, 1), STATUS_OK);
	fence_area_unref(f.area);
	struct buf html = page("/api/v1/violations/2/evidence");
	expect_part(&html, "消防&lt;通道&gt;");
	/* 222.4 m high, 88 % of 480 units; 201.7 m wide: its corners about the middle */
	expect_part(&html, "fill-rule=\"evenodd\"");
	expect_part(&html, "d=\"M208.4 451.2L591.6 451.2L591.6 28.8L208.4 28.8Z\"");
	buf_deinit(&html);
	json_t *v = get_json("/api/v1/violations/2/evidence?format=json");
	json_t *fence = json_object_get(v, "fence");
	cr_expect_str_eq(json_string_value(json_object_get(json_object_get(fence, "geometry"), "type")), "Polygon");
	json_decref(v);
}

Test(evidence, looking_is_audited)
{
	struct buf html = page("/api/v1/violations/1/evidence?case=A-7");
	buf_deinit(&html);
	json_t *v = get_json("/api/v1/audit"), *entry = json_array_get(json_object_get(v, "entries"), 0);
	cr_expect_str_eq(json_string_value(json_object_get(entry, "action")), "evidence");
	cr_expect_str_eq(json_string_value(json_object_get(entry, "case")), "A-7");
	cr_expect_str_eq(json_string_value(json_object_get(entry, "from")), "2026-01-31T08:30:10.000Z");
	json_decref(v);
}

Test(evidence, what_is_not_there_is_refused)
{
	expect_answer("GET /api/v1/violations/99/evidence", NULL, 404, "no-such-violation");
	expect_answer("GET /api/v1/violations/1/evidence?format=pdf", NULL, 400, "\"parameter\":\"format\"");
	expect_answer("DELETE /api/v1/violations/1/evidence", NULL, 405, "method-not-allowed");
}

static void open_with_tokens(void)
{
	violations_rig_options = with_tokens;
	violations_rig_open();
}
TestSuite(evidence_scope, .init = open_with_tokens, .fini = violations_rig_close, .timeout = 120);

Test(evidence_scope, others_see_nothing_and_are_not_in_the_audit)
{
	struct answer a = ask_as("village", "GET /api/v1/violations/1/evidence", NULL);
	cr_expect_eq(a.status, 404);
	answer_deinit(&a);
	a = ask_as("company", "GET /api/v1/violations/1/evidence", NULL);
	cr_expect_eq(a.status, 200);
	answer_deinit(&a);
	a = ask_as("all", "GET /api/v1/audit", NULL);
	cr_expect(answer_has(&a, "\"who\":\"boss\""));
	cr_expect_not(answer_has(&a, "\"who\":\"clerk\""));
	answer_deinit(&a);
}
