/* Rules tried over HTTP on what is stored: the truck of the rig drove at 72 km/h for five minutes. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "engine/core/limits.h"
#include "query/http/backtest_jobs.h"
#include "unit/query_http/violations_rig.h"

TestSuite(backtest, .init = violations_rig_open, .fini = violations_rig_close, .timeout = 120);

#define SPAN "\"from\":\"2026-01-31T08:00:00Z\",\"to\":\"2026-01-31T12:00:00Z\""
/* JSON text of a rules file with one rule */
#define RULES(id, limit)                                                                                               \
	"\"rules\":\"[" id "]\\nkind = overspeed\\ntitle = 试 | Tried\\nsource = test\\nclasses = muck\\n"            \
	"hold = 60 s\\npoints = 3\\nlimit = " limit " km/h\\n\""
#define ASK(id, limit) "{" RULES(id, limit) "," SPAN "}"

static json_t *post(const char *body)
{
	struct answer a = ask_as(NULL, "POST /api/v1/backtests", body);
	json_t *v = json_loadb((char *)a.body.data, a.body.size, 0, NULL);
	cr_assert_eq(a.status, 202, "%d %.*s", a.status, (int)a.body.size, (char *)a.body.data);
	cr_expect(strstr(a.head, "location: /api/v1/backtests/"));
	answer_deinit(&a);
	return v;
}

static int64_t number_of(const json_t *v, const char *key)
{
	cr_assert(json_is_integer(json_object_get(v, key)), "%s", key);
	return json_integer_value(json_object_get(v, key));
}

static const char *text_of(const json_t *v, const char *key)
{
	const char *text = json_string_value(json_object_get(v, key));
	return text ? text : "";
}

/* The job of `asked`, once it has ended. */
static json_t *await(json_t *asked)
{
	char path[64];
	snprintf(path, sizeof path, "/api/v1/backtests/%lld", (long long)number_of(asked, "id"));
	json_decref(asked);
	for (;;) {
		json_t *v = get_json(path);
		if (!strcmp(text_of(v, "state"), "done") || !strcmp(text_of(v, "state"), "failed"))
			return v;
		json_decref(v);
		nanosleep(&(struct timespec){0, 5000000}, NULL);
	}
}

static json_t *findings(const json_t *job, const char *query)
{
	char path[128];
	snprintf(path, sizeof path, "/api/v1/backtests/%lld/findings%s", (long long)number_of(job, "id"), query);
	return get_json(path);
}

static void expect_counts(const json_t *v, int64_t found, int64_t standing, int64_t same, int64_t new, int64_t gone)
{
	cr_expect_eq(number_of(v, "found"), found);
	cr_expect_eq(number_of(v, "standing"), standing);
	cr_expect_eq(number_of(v, "same"), same);
	cr_expect_eq(number_of(v, "new"), new);
	cr_expect_eq(number_of(v, "gone"), gone);
}

Test(backtest, tells_by_rule_what_is_new_gone_and_the_same)
{
	json_t *job = await(post(ASK("overspeed-muck", "60"))), *result = json_object_get(job, "result");
	cr_assert_str_eq(text_of(job, "state"), "done", "%s", text_of(job, "error"));
	cr_expect_str_eq(text_of(job, "state_zh"), "已完成");
	cr_expect_str_eq(text_of(job, "who"), "local");
	cr_expect(json_is_false(json_object_get(job, "rules_that_held")));
	cr_expect_eq(number_of(job, "devices_done"), number_of(job, "devices"));
	cr_expect_geq(number_of(job, "devices"), 2);
	expect_counts(result, 1, 4, 1, 0, 3);
	cr_expect_eq(number_of(result, "reports"), 30);
	const json_t *rules = json_object_get(result, "rules"), *own = json_array_get(rules, 1);
	cr_assert_eq(json_array_size(rules), 4);
	cr_expect_str_eq(text_of(own, "rule"), "overspeed-muck");
	cr_expect_str_eq(text_of(json_object_get(own, "title"), "en"), "Tried");
	expect_counts(own, 1, 1, 1, 0, 0);
	expect_counts(json_array_get(rules, 0), 0, 1, 0, 0, 1);
	json_decref(job);
}

Test(backtest, changes_nothing_that_stands)
{
	json_t *before = get_json("/api/v1/violations"), *rules = get_json("/api/v1/rules?list=1");
	json_decref(await(post(ASK("quite-new", "50"))));
	json_t *after = get_json("/api/v1/violations"), *rules_after = get_json("/api/v1/rules?list=1");
	cr_expect(json_equal(before, after));
	cr_expect(json_equal(rules, rules_after));
	json_decref(before);
	json_decref(after);
	json_decref(rules);
	json_decref(rules_after);
}

Test(backtest, a_rule_that_is_tried_is_new_with_its_own_words_and_what_it_does_not_find_is_gone)
{
	json_t *job = await(post(ASK("quite-new", "50")));
	expect_counts(json_object_get(job, "result"), 1, 4, 0, 1, 4);
	json_t *list = findings(job, "?change=new");
	const json_t *row = json_array_get(json_object_get(list, "findings"), 0);
	cr_assert_eq(json_array_size(json_object_get(list, "findings")), 1);
	cr_expect_str_eq(text_of(row, "rule"), "quite-new");
	cr_expect_str_eq(text_of(row, "change"), "new");
	cr_expect_str_eq(text_of(json_object_get(row, "title"), "zh"), "试");
	cr_expect_str_eq(text_of(row, "plate"), "2:闽C12345");
	cr_expect_eq(number_of(json_object_get(row, "numbers"), "peak"), 720);
	cr_expect(!json_object_get(row, "id"), "it stands nowhere");
	json_decref(list);
	list = findings(job, "?rule=no-stop");
	row = json_array_get(json_object_get(list, "findings"), 0);
	cr_expect_str_eq(text_of(row, "change"), "gone");
	cr_expect_str_eq(text_of(row, "fence"), "lane-1");
	json_decref(list);
	json_decref(job);
}

Test(backtest, findings_come_in_pages_each_once)
{
	json_t *job = await(post(ASK("quite-new", "50")));
	char query[64] = "?limit=2";
	size_t rows = 0;
	int64_t last_ms = 0;
	for (bool more = true; more;) {
		json_t *page = findings(job, query), *list = json_object_get(page, "findings");
		for (size_t i = 0; i < json_array_size(list); i++, rows++) {
			int64_t start_ms = number_of(json_array_get(list, i), "start_ms");
			cr_expect_leq(last_ms, start_ms);
			last_ms = start_ms;
		}
		cr_expect_leq(json_array_size(list), 2);
		more = json_is_integer(json_object_get(page, "next"));
		if (more)
			snprintf(query, sizeof query, "?limit=2&cursor=%lld", (long long)number_of(page, "next"));
		json_decref(page);
	}
	cr_expect_eq(rows, 5);
	json_decref(job);
}

Test(backtest, of_some_devices_only_theirs_is_held_against_theirs)
{
	json_t *job = await(post("{" RULES("quite-new", "50") "," SPAN ",\"devices\":[\"phone:13900000002\"]}"));
	expect_counts(json_object_get(job, "result"), 0, 1, 0, 0, 1);
	cr_expect_eq(number_of(job, "devices"), 1);
	json_decref(job);
}

Test(backtest, without_rules_those_that_held_are_taken)
{
	json_t *job = await(post("{" SPAN "}"));
	cr_expect(json_is_true(json_object_get(job, "rules_that_held")));
	cr_expect_str_eq(text_of(job, "state"), "done");
	json_decref(job);
}

Test(backtest, mistakes_are_told_at_their_lines_and_nothing_runs)
{
	expect_answer("POST /api/v1/backtests", "{\"rules\":\"[a]\\nkind = nonsense\\n\"," SPAN "}", 422, "\"line\":2");
	expect_answer("POST /api/v1/backtests", "{\"rules\":\"[a]\\nkind = nonsense\\n\"," SPAN "}", 422, "text_zh");
	expect_answer("GET /api/v1/backtests", NULL, 200, "\"backtests\":[]");
}

Test(backtest, bodies_that_are_none_are_refused)
{
	static const char *const bodies[] = {
		"",
		"[]",
		"{}",
		"{\"from\":2,\"to\":1}",
		"{\"from\":0,\"to\":40000000000}",
		"{\"rules\":7," SPAN "}",
		"{\"rule\":\"x\"," SPAN "}",
		"{" SPAN ",\"devices\":[]}",
		"{" SPAN ",\"devices\":[\"phone:77\"]}",
		"{" SPAN ",\"devices\":[\"phone:13900000002\",1]}",
	};
	for (size_t i = 0; i < sizeof bodies / sizeof bodies[0]; i++)
		expect_answer("POST /api/v1/backtests", bodies[i], 400, "bad-body");
}

Test(backtest, who_asked_is_on_record)
{
	json_decref(await(post(ASK("quite-new", "50"))));
	expect_answer("GET /api/v1/audit", NULL, 200, "\"action\":\"backtest\"");
	expect_answer("GET /api/v1/audit", NULL, 200, "rules ");
}

Test(backtest, one_that_is_dropped_is_gone)
{
	char request[96];
	json_t *asked = post(ASK("quite-new", "50"));
	snprintf(request, sizeof request, "DELETE /api/v1/backtests/%lld", (long long)number_of(asked, "id"));
	struct answer a = ask_as(NULL, request, NULL);
	cr_expect_eq(a.status, 204);
	answer_deinit(&a);
	expect_answer(request, NULL, 404, "restart");
	snprintf(request, sizeof request, "GET /api/v1/backtests/%lld", (long long)number_of(asked, "id"));
	expect_answer(request, NULL, 404, "no-such-record");
	json_decref(asked);
	expect_answer("GET /api/v1/backtests/x", NULL, 404, "no-such-record");
	json_decref(await(post(ASK("quite-new", "50"))));
}

Test(backtest, only_so_many_are_kept_and_the_oldest_goes)
{
	char request[96];
	int64_t first = 0;
	for (int i = 0; i < BACKTESTS_MAX + 2; i++) {
		json_t *job = await(post(ASK("quite-new", "50")));
		first = first ? first : number_of(job, "id");
		json_decref(job);
	}
	json_t *list = get_json("/api/v1/backtests"), *jobs = json_object_get(list, "backtests");
	cr_expect_eq(json_array_size(jobs), BACKTESTS_MAX);
	cr_expect_gt(number_of(json_array_get(jobs, 0), "id"), number_of(json_array_get(jobs, 1), "id"),
		     "newest first");
	json_decref(list);
	snprintf(request, sizeof request, "GET /api/v1/backtests/%lld", (long long)first);
	expect_answer(request, NULL, 404, "no-such-record");
}

Test(backtest, what_is_narrow_sees_none_of_it)
{
	http_free(world.server);
	struct http_options o = http_options_default(world.engine);
	with_tokens(&o);
	cr_assert_eq(http_new(&o, &world.server), STATUS_OK);
	cr_assert_eq(http_start(world.server), STATUS_OK);
	struct answer a = ask_as("village", "POST /api/v1/backtests", ASK("quite-new", "50"));
	cr_expect_eq(a.status, 403);
	answer_deinit(&a);
	a = ask_as("village", "GET /api/v1/backtests", NULL);
	cr_expect_eq(a.status, 403);
	answer_deinit(&a);
	a = ask_as("all", "POST /api/v1/backtests", ASK("quite-new", "50"));
	cr_expect_eq(a.status, 202);
	answer_deinit(&a);
}

/* --- the jobs themselves --- */

static struct backtest_asked asked_of(const char *rules)
{
	struct backtest_asked a = {.from_ms = T0, .to_ms = T0 + MS_PER_HOUR};
	cr_assert_eq(rulebook_parse(span_of_string(rules), NULL, NULL, &a.book), STATUS_OK);
	return a;
}

Test(backtest, more_than_are_kept_are_refused_while_they_wait_and_all_end_when_the_server_does)
{
	struct backtests *jobs;
	uint64_t ids[BACKTESTS_MAX], id;
	unsigned busy = 0;
	cr_assert_eq(backtests_new(world.engine, &jobs), STATUS_OK);
	for (int i = 0; i < 200; i++) {
		struct backtest_asked a = asked_of("[r]\nkind = overspeed\ntitle = 试 | Tried\nsource = s\n"
						   "limit = 50 km/h\n");
		enum status status = backtest_ask(jobs, &a, &id);
		cr_assert(status == STATUS_OK || status == STATUS_BUSY);
		busy += status == STATUS_BUSY;
		cr_assert_leq(backtests_list(jobs, ids, BACKTESTS_MAX), BACKTESTS_MAX);
	}
	cr_expect_gt(busy, 0);
	backtests_free(jobs);
}
