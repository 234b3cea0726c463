/* The questions about commands and the ledger over a real queue; a session's part is played by the test. */
#include <criterion/criterion.h>
#include <stdio.h>

#include "engine/core/clock.h"
#include "unit/query_http/violations_rig.h"

TestSuite(commands_http, .init = violations_rig_open, .fini = violations_rig_close, .timeout = 120);

static struct commands *queue(void)
{
	return engine_commands(world.engine);
}

static const char *text_of(const json_t *v, const char *key)
{
	const char *text = json_string_value(json_object_get(v, key));
	return text ? text : "";
}

static void post(const char *path, const char *body, int status, const char *part)
{
	char request[128];
	snprintf(request, sizeof request, "POST %s", path);
	expect_answer(request, body, status, part);
}

#define TRUCK "/api/v1/devices/phone:13900000001/commands"

static struct command_next next;

/* The terminal of the truck takes its oldest command and answers. */
static uint64_t answer_oldest(uint8_t result)
{
	int64_t now_ms = clock_now_ms();
	cr_assert_eq(commands_next(queue(), world.truck, now_ms, &next), STATUS_OK);
	cr_assert_eq(commands_sent(queue(), world.truck, next.id, now_ms), STATUS_OK);
	cr_assert_eq(commands_ended(queue(), world.truck, next.id,
				    result ? COMMAND_STATE_REFUSED : COMMAND_STATE_ANSWERED, result, NULL, NULL,
				    now_ms),
		     STATUS_OK);
	cr_assert_eq(commands_start(queue(), &(struct commands_options){false}), STATUS_OK);
	commands_stop(queue());
	return next.id;
}

Test(commands_http, a_text_is_queued_shown_answered_and_in_its_history)
{
	post(TRUCK, "{\"kind\":\"text\",\"text\":\"请减速\",\"urgent\":true,\"why\":\"too fast\"}", 201,
	     "\"state\":\"queued\"");
	answer_oldest(0);
	json_t *v = get_json("/api/v1/commands/1");
	cr_expect_str_eq(text_of(v, "state"), "answered");
	cr_expect_str_eq(text_of(v, "result"), "ok");
	cr_expect_str_eq(text_of(v, "who"), "local");
	cr_expect_str_eq(text_of(v, "why"), "too fast");
	cr_expect_str_eq(text_of(json_object_get(v, "content"), "text"), "请减速");
	cr_expect(json_is_true(json_object_get(json_object_get(v, "content"), "speech")));
	cr_expect_eq(json_array_size(json_object_get(v, "history")), 3);
	json_decref(v);
	expect_answer("GET /api/v1/audit", NULL, 200, "\"command\"");
	post("/api/v1/commands/1/cancel", "{}", 409, "ended already");
}

Test(commands_http, what_is_wrong_is_named)
{
	static const struct {
		const char *body, *part;
		int status;
	} wrong[] = {
		{"{}", "`kind` must be one of", 400},
		{"{\"kind\":\"raw\"}", "an answer's", 400},
		{"{\"kind\":\"text\",\"text\":\"x\",\"colour\":1}", "not known here: colour", 400},
		{"{\"kind\":\"text\",\"text\":\"\"}", "nothing is said", 422},
		{"{\"kind\":\"text\",\"text\":\"\xf0\x9f\x9a\x9b\"}", "is not in GBK", 422},
		{"{\"kind\":\"text\",\"text\":\"x\",\"type\":\"joke\"}", "notice or service", 400},
		{"{\"kind\":\"text\",\"text\":\"x\",\"violation\":99}", "no such violation", 404},
		{"{\"kind\":\"text\",\"text\":\"x\",\"expires\":\"2020-01-01T00:00:00Z\"}", "after now", 400},
		{"{\"kind\":\"set_parameters\",\"parameters\":{\"warp\":1}}", "'warp' is no parameter", 400},
		{"{\"kind\":\"set_parameters\",\"parameters\":{\"overspeed_warning_dkmh\":70000}}", "0 to 65535", 400},
		{"{\"kind\":\"set_parameters\",\"parameters\":{\"forbidden_driving\":\"25:00-01:00\"}}", "no hours",
		 422},
		{"{\"kind\":\"track\",\"interval_s\":5}", "no time", 422},
		{"{\"kind\":\"set_fence\",\"fence\":\"nowhere\"}", "a fence that holds now", 400},
		{"{\"kind\":\"set_fence\",\"route\":{\"id\":\"r\",\"width_m\":300,\"line\":[[118,24],[119,24]]}}",
		 "at most 255 m wide", 422},
		{"{\"kind\":\"set_fence\",\"route\":{\"id\":\"r\",\"width_m\":30,\"line\":[[118,24],[119,94]]}}",
		 "[longitude, latitude]", 400},
		{"{\"kind\":\"delete_fences\",\"shape\":\"star\"}", "circle, rectangle", 400},
	};
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
		post(TRUCK, wrong[i].body, wrong[i].status, wrong[i].part);
	post("/api/v1/devices/phone:nobody/commands", "{\"kind\":\"locate\"}", 404, "{");
	struct commands_stats stats;
	commands_stats_read(queue(), &stats);
	cr_expect_eq(stats.open, 0);
}

Test(commands_http, every_kind_is_taken)
{
	static const char *const good[] = {
		"{\"kind\":\"set_parameters\",\"parameters\":{\"max_speed_kmh\":80,\"server\":\"1.2.3.4\","
		"\"forbidden_driving\":\"22:50-10:30\",\"f364\":\"00ff\"}}",
		"{\"kind\":\"query_parameters\",\"parameters\":[\"max_speed_kmh\",\"f364\"]}",
		"{\"kind\":\"query_parameters\"}",
		"{\"kind\":\"locate\"}",
		"{\"kind\":\"identify_driver\"}",
		"{\"kind\":\"track\",\"interval_s\":5,\"for_s\":600}",
		"{\"kind\":\"confirm_alarm\",\"bits\":[0,3]}",
		"{\"kind\":\"delete_fences\",\"shape\":\"circle\",\"fences\":[\"a\"]}",
		"{\"kind\":\"query_fences\",\"shape\":\"route\"}",
		"{\"kind\":\"set_fence\",\"route\":{\"id\":\"r\",\"width_m\":30,\"limit_kmh\":60,"
		"\"line\":[[118.5,24.5],[118.6,24.6]]},\"flags\":[\"leave_driver\"]}"};
	for (size_t i = 0; i < sizeof good / sizeof *good; i++)
		post(TRUCK, good[i], 201, "\"queued\"");
	json_t *v = get_json("/api/v1/commands?limit=3");
	const json_t *list = json_object_get(v, "commands");
	cr_expect_eq(json_array_size(list), 3);
	cr_expect_str_eq(text_of(json_array_get(list, 0), "kind"), "set_fence");
	cr_expect_str_eq(text_of(v, "next"), "8");
	json_decref(v);
	v = get_json("/api/v1/commands?limit=100&cursor=3");
	cr_expect_eq(json_array_size(json_object_get(v, "commands")), 2);
	json_decref(v);
	v = get_json(TRUCK "?state=queued&kind=locate");
	cr_expect_eq(json_array_size(json_object_get(v, "commands")), 1);
	json_decref(v);
	v = get_json("/api/v1/commands?to=2020-01-01T00:00:00Z");
	cr_expect_eq(json_array_size(json_object_get(v, "commands")), 0);
	json_decref(v);
}

Test(commands_http, many_are_told_by_list_and_by_filter_and_who_cannot_is_named)
{
	post("/api/v1/commands", "{\"devices\":{\"list\":[\"phone:13900000001\"]},\"command\":{\"kind\":\"locate\"}}",
	     201, "\"accepted\":1");
	post("/api/v1/commands", "{\"devices\":{\"class\":\"muck\"},\"command\":{\"kind\":\"locate\"}}", 201,
	     "\"accepted\":1");
	post("/api/v1/commands", "{\"devices\":{\"class\":\"gear\"},\"command\":{\"kind\":\"locate\"}}", 200,
	     "\"accepted\":0");
	post("/api/v1/commands", "{\"devices\":{\"class\":\"no\"},\"command\":{\"kind\":\"locate\"}}", 400, "class");
	post("/api/v1/commands", "{\"devices\":{},\"command\":{\"kind\":\"locate\"}}", 400, "box");
	post("/api/v1/commands", "{\"devices\":{\"list\":[\"phone:1\"]},\"command\":{\"kind\":\"locate\"}}", 400,
	     "known devices");
	post("/api/v1/commands", "{\"command\":{\"kind\":\"locate\"}}", 400, "devices");
}

Test(commands_http, one_is_cancelled)
{
	post(TRUCK, "{\"kind\":\"locate\"}", 201, "{");
	post("/api/v1/commands/1/cancel", "{\"why\":\"a mistake\"}", 200, "\"cancelled\"");
	post("/api/v1/commands/7/cancel", "{}", 404, "{");
	post("/api/v1/commands/1/cancel", "{\"because\":1}", 400, "{");
	cr_expect_eq(commands_next(queue(), world.truck, clock_now_ms(), &next), STATUS_NOT_FOUND);
}

Test(commands_http, the_ledger_joins_reminders_answers_and_handlings)
{
	post(TRUCK, "{\"kind\":\"text\",\"text\":\"慢, 慢\",\"violation\":1}", 201, "{");
	post("/api/v1/violations/2/handling", "{\"how\":\"called\",\"result\":\"left\"}", 200, "{");
	expect_answer("GET /api/v1/violations/handling-rate", NULL, 200, "\"handled\":1");
	answer_oldest(0);
	/* a person's reminder, answered: the finding is handled */
	expect_answer("GET /api/v1/violations/handling-rate", NULL, 200, "\"handled\":2");
	json_t *v = get_json("/api/v1/ledger");
	const json_t *list = json_object_get(v, "ledger"), *reminder = json_array_get(list, 0);
	cr_assert_eq(json_array_size(list), 5, "%zu rows", json_array_size(list));
	cr_expect_str_eq(text_of(reminder, "act"), "reminder");
	cr_expect_str_eq(text_of(reminder, "words"), "慢, 慢");
	cr_expect_str_eq(text_of(reminder, "answer"), "answered");
	cr_expect_str_eq(text_of(reminder, "result"), "ok");
	cr_expect_str_eq(text_of(reminder, "who"), "local");
	cr_expect(json_is_true(json_object_get(reminder, "handled")));
	cr_expect_str_eq(text_of(json_array_get(list, 1), "act"), "handling");
	cr_expect_str_eq(text_of(json_array_get(list, 2), "words"), "called: left");
	cr_expect_str_eq(text_of(json_array_get(list, 3), "act"), "none");
	json_decref(v);
	expect_answer("GET /api/v1/ledger?format=csv&rule=overspeed-muck", NULL, 200, ",reminder,local,no,");
	expect_answer("GET /api/v1/ledger?format=csv", NULL, 200, ",\"慢, 慢\",answered,0,");
	v = get_json("/api/v1/ledger?limit=1");
	cr_expect_eq(json_array_size(json_object_get(v, "ledger")), 2, "all acts of one violation");
	char path[128];
	snprintf(path, sizeof path, "/api/v1/ledger?cursor=%s", text_of(v, "next"));
	json_decref(v);
	v = get_json(path);
	cr_expect_eq(json_array_size(json_object_get(v, "ledger")), 3);
	json_decref(v);
}

static void open_with_tokens(void)
{
	violations_rig_options = with_tokens;
	violations_rig_open();
}

Test(commands_http_scope, only_all_may_tell_and_others_see_their_own, .init = open_with_tokens,
     .fini = violations_rig_close)
{
	struct answer a = ask_as("company", "POST " TRUCK, "{\"kind\":\"locate\"}");
	cr_expect_eq(a.status, 403);
	answer_deinit(&a);
	a = ask_as("all", "POST " TRUCK, "{\"kind\":\"locate\"}");
	cr_expect_eq(a.status, 201);
	answer_deinit(&a);
	a = ask_as("company", "GET /api/v1/commands", NULL);
	cr_expect(answer_has(&a, "locate"));
	answer_deinit(&a);
	a = ask_as("village", "GET /api/v1/commands", NULL);
	cr_expect_eq(a.status, 200);
	cr_expect(!answer_has(&a, "locate"));
	answer_deinit(&a);
	a = ask_as("village", "GET /api/v1/commands/1", NULL);
	cr_expect_eq(a.status, 404);
	answer_deinit(&a);
	a = ask_as("company", "POST /api/v1/commands/1/cancel", "{}");
	cr_expect_eq(a.status, 403);
	answer_deinit(&a);
}
