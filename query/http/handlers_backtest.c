/* handlers_backtest.c -- rules tried on what is stored: asked, looked after, stopped (backtest_jobs.h). */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "engine/core/clock.h"
#include "engine/core/hash.h"
#include "engine/core/limits.h"
#include "query/export/export_violations.h"
#include "query/export/json_out.h"
#include "query/http/backtest_jobs.h"
#include "query/http/handlers_rules.h"
#include "query/http/http_body.h"
#include "query/http/http_handlers.h"
#include "query/http/http_problem.h"
#include "query/http/violation_filter.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define DEVICES_MAX 1000
/* a job: RULES_MAX rules of two books at 400 bytes each; the list: BACKTESTS_MAX of them without */
#define JOB_JSON_MAX (1u << 20)

/* --- asking --- */

static bool wrong(struct http_call *c, const char *detail)
{
	http_problem_send(c->x, HTTP_PROBLEM_BAD_BODY, NULL, detail);
	return false;
}

static bool members_known(struct http_call *c, json_t *body)
{
	static const char *const known[] = {"rules", "from", "to", "devices"};
	const char *key;
	json_t *value;
	if (!json_is_object(body))
		return wrong(c, "wanted an object");
	json_object_foreach(body, key, value)
	{
		size_t i = 0;
		while (i < COUNT(known) && strcmp(known[i], key) != 0)
			i++;
		if (i == COUNT(known))
			return wrong(c, "only `rules`, `from`, `to` and `devices` are known here");
	}
	return true;
}

static bool read_span(struct http_call *c, const json_t *body, struct backtest_asked *a)
{
	const json_t *to = json_object_get(body, "to");
	a->to_ms = clock_now_ms();
	if (!body_instant(json_object_get(body, "from"), &a->from_ms) || (to && !body_instant(to, &a->to_ms)) ||
	    a->from_ms > a->to_ms)
		return wrong(c, "`from` and `to` must be times, `from` not after `to`; `to` is now when left out");
	return (uint64_t)a->to_ms - (uint64_t)a->from_ms <= BACKTEST_SPAN_MAX_MS ||
	       wrong(c, "`from` and `to` may be a year apart, no more");
}

static int by_value(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
	return (x > y) - (x < y);
}

static bool read_devices(struct http_call *c, const json_t *list, struct backtest_asked *a)
{
	const struct registry *r = engine_registry(http_engine(c->http));
	size_t count = json_array_size(list);
	if (!list)
		return true;
	if (!count || count > DEVICES_MAX || !(a->devices = calloc(count, sizeof *a->devices)))
		return wrong(c, "`devices` must name 1 to 1000 devices, or be left out");
	for (size_t i = 0; i < count; i++) {
		const char *text = json_string_value(json_array_get(list, i));
		if (!text || device_reference(r, span_of_string(text), clock_now_ms(), &a->devices[i]))
			return wrong(c, "`devices` names one that is not known");
	}
	qsort(a->devices, count, sizeof *a->devices, by_value);
	for (size_t i = 0; i < count; i++)
		if (!a->device_count || a->devices[i] != a->devices[a->device_count - 1])
			a->devices[a->device_count++] = a->devices[i];
	return true;
}

static bool read_rules(struct http_call *c, const json_t *rules, struct backtest_asked *a)
{
	const char *text = json_string_value(rules);
	if (!rules)
		return true;
	return text ? call_rulebook(c, span_of(text, json_string_length(rules)), &a->book)
		    : wrong(c, "`rules` must be the text of a rules file, or be left out for the rules that held");
}

/* What was tried is known again by the hash of its text. */
static enum status audit_backtest(struct http_call *c, const struct backtest_asked *a)
{
	struct audit_entry entry = {.at_ms = clock_now_ms(),
				    .action = "backtest",
				    .device = a->device_count == 1 ? a->devices[0] : 0,
				    .from_ms = a->from_ms,
				    .to_ms = a->to_ms};
	if (a->book)
		snprintf(entry.subject, sizeof entry.subject, "rules %016" PRIx64, a->book->version);
	else
		snprintf(entry.subject, sizeof entry.subject, "rules that held");
	return call_audit(c, &entry);
}

static void answer_job(struct http_call *c, unsigned status, struct backtest *t);

static void begin(struct http_call *c, struct backtest_asked *a)
{
	struct backtests *jobs = http_backtests(c->http);
	char location[64];
	uint64_t id = 0;
	snprintf(a->who, sizeof a->who, "%s", c->principal.name);
	enum status status = audit_backtest(c, a);
	if (status) {
		rulebook_unref(a->book);
		free(a->devices);
	} else {
		status = backtest_ask(jobs, a, &id);
	}
	struct backtest *t = status ? NULL : backtest_take(jobs, id);
	snprintf(location, sizeof location, "/api/v1/backtests/%" PRIu64, id);
	if (!status && t)
		status = exchange_header(c->x, "location", location);
	if (status == STATUS_BUSY)
		http_problem_send(c->x, HTTP_PROBLEM_BUSY, NULL,
				  "as many backtests as are kept wait or run already: stop one, or try again later "
				  "试算任务已满,请先停止其中一个或稍后再试");
	else if (status || !t)
		http_problem_of_status(c->x, status ? status : STATUS_BUSY);
	else
		answer_job(c, 202, t);
	if (t)
		backtest_release(t);
}

static void post_backtest(struct http_call *c)
{
	json_error_t error;
	struct backtest_asked a = {0};
	const struct buf *text = &c->x->request.body;
	if (!call_may_write(c))
		return;
	json_t *body = json_loadb((const char *)text->data, text->size, JSON_REJECT_DUPLICATES, &error);
	if (!body) {
		wrong(c, error.text);
	} else if (members_known(c, body) && read_span(c, body, &a) &&
		   read_devices(c, json_object_get(body, "devices"), &a) &&
		   read_rules(c, json_object_get(body, "rules"), &a)) {
		begin(c, &a);
	} else {
		free(a.devices);
	}
	json_decref(body);
}

/* --- a job --- */

static void member_size(struct json_out *j, const char *key, size_t v)
{
	jout_key(j, key);
	jout_unsigned(j, v);
}

static void member_text(struct json_out *j, const char *key, const char *text)
{
	jout_key(j, key);
	jout_string(j, text);
}

static void member_time(struct json_out *j, const char *key, int64_t ms)
{
	jout_key(j, key);
	if (ms)
		jout_time(j, ms);
	else
		jout_null(j);
}

/* The rule that a row is of: of the rules tried, or of those that held. */
static const struct rule *rule_of(const struct backtest_asked *a, const struct judged_by *by, const char *id,
				  int64_t at_ms, bool stands)
{
	const struct rule *tried = a->book && !stands ? rulebook_find(a->book, id) : NULL;
	return tried ? tried : export_rule_at(&by->context, id, at_ms);
}

static void put_count(struct json_out *j, const struct replay_count *n, const struct rule *rule)
{
	jout_open(j, '{');
	member_text(j, "rule", n->rule);
	jout_key(j, "title");
	if (rule) {
		jout_open(j, '{');
		member_text(j, "zh", rule->title_zh);
		member_text(j, "en", rule->title_en);
		jout_close(j, '}');
	} else {
		jout_null(j);
	}
	member_size(j, "found", n->found);
	member_size(j, "standing", n->standing);
	member_size(j, "same", n->both);
	member_size(j, "new", n->only_now);
	member_size(j, "gone", n->only_before);
	jout_close(j, '}');
}

static void put_result(struct http_call *c, struct json_out *j, const struct backtest_asked *a,
		       const struct backtest_result *r)
{
	struct judged_by *by = context_take(engine_context(http_engine(c->http)));
	struct replay_count sum = {0};
	jout_key(j, "rules");
	jout_open(j, '[');
	for (size_t i = 0; i < r->count_rows; i++) {
		const struct replay_count *n = &r->counts[i];
		put_count(j, n, rule_of(a, by, n->rule, a->to_ms, false));
		sum.found += n->found;
		sum.standing += n->standing;
		sum.both += n->both;
		sum.only_now += n->only_now;
		sum.only_before += n->only_before;
	}
	jout_close(j, ']');
	member_size(j, "found", sum.found);
	member_size(j, "standing", sum.standing);
	member_size(j, "same", sum.both);
	member_size(j, "new", sum.only_now);
	member_size(j, "gone", sum.only_before);
	member_size(j, "reports", r->reports);
	member_size(j, "rows", r->row_all);
	member_size(j, "rows_kept", r->row_count);
	judged_by_release(by);
}

static void put_job(struct http_call *c, struct json_out *j, struct backtest *t, bool with_result)
{
	const struct backtest_asked *a = backtest_asked(t);
	const struct backtest_result *r = with_result ? backtest_result(t) : NULL;
	struct backtest_view v;
	backtest_look(t, &v);
	jout_open(j, '{');
	member_size(j, "id", v.id);
	member_text(j, "state", backtest_state_token(v.state));
	member_text(j, "state_zh", backtest_state_chinese(v.state));
	member_text(j, "who", a->who);
	member_time(j, "asked", v.asked_ms);
	member_time(j, "ended", v.ended_ms);
	jout_key(j, "from");
	jout_time(j, a->from_ms);
	jout_key(j, "to");
	jout_time(j, a->to_ms);
	jout_key(j, "rules_that_held");
	jout_bool(j, !a->book);
	member_size(j, "devices_done", v.devices_done);
	member_size(j, "devices", v.devices);
	jout_key(j, "error");
	if (v.state == BACKTEST_FAILED)
		jout_string(j, status_text(v.status));
	else
		jout_null(j);
	if (r) {
		jout_key(j, "result");
		jout_open(j, '{');
		put_result(c, j, a, r);
		jout_close(j, '}');
	}
	jout_close(j, '}');
}

static void answer_job(struct http_call *c, unsigned status, struct backtest *t)
{
	struct buf text = buf_init(JOB_JSON_MAX);
	struct json_out j = json_out_init(&text);
	put_job(c, &j, t, true);
	jout_line(&j);
	if (j.status)
		http_problem_of_status(c->x, j.status);
	else
		http_answer(c, status, "application/json", buf_view(&text));
	buf_deinit(&text);
}

/* What a job found goes over all devices. */
static bool may_look(struct http_call *c)
{
	if (!strcmp(c->principal.scope, "all"))
		return true;
	http_problem_send(c->x, HTTP_PROBLEM_FORBIDDEN, NULL, "only for the scope \"all\" 仅限全部范围的账号");
	return false;
}

static void refuse_unknown(struct http_call *c)
{
	http_problem_send(c->x, HTTP_PROBLEM_NO_RECORD, NULL,
			  "there is no such backtest; they are not kept over a restart "
			  "没有此试算任务;服务器重启后试算结果不再保留");
}

static uint64_t number_of(struct http_call *c)
{
	int64_t id;
	return http_integer_parse(c->path_args[0], 1, INT64_MAX, &id) ? 0 : (uint64_t)id;
}

static struct backtest *job_of(struct http_call *c)
{
	if (!may_look(c))
		return NULL;
	struct backtest *t = backtest_take(http_backtests(c->http), number_of(c));
	if (!t)
		refuse_unknown(c);
	return t;
}

static void get_backtest(struct http_call *c)
{
	struct backtest *t = job_of(c);
	if (!t)
		return;
	answer_job(c, 200, t);
	backtest_release(t);
}

static void get_backtests(struct http_call *c)
{
	uint64_t ids[BACKTESTS_MAX];
	struct buf text = buf_init(JOB_JSON_MAX);
	struct json_out j = json_out_init(&text);
	if (!may_look(c))
		return;
	jout_open(&j, '{');
	jout_key(&j, "backtests");
	jout_open(&j, '[');
	for (size_t i = backtests_list(http_backtests(c->http), ids, BACKTESTS_MAX); i > 0; i--) {
		struct backtest *t = backtest_take(http_backtests(c->http), ids[i - 1]);
		if (!t)
			continue; /* dropped meanwhile */
		put_job(c, &j, t, false);
		backtest_release(t);
	}
	jout_close(&j, ']');
	jout_close(&j, '}');
	jout_line(&j);
	if (j.status)
		http_problem_of_status(c->x, j.status);
	else
		http_answer(c, 200, "application/json", buf_view(&text));
	buf_deinit(&text);
}

static void drop_backtest(struct http_call *c)
{
	struct audit_entry entry = {.at_ms = clock_now_ms(), .action = "backtest-drop"};
	if (!call_may_write(c))
		return;
	if (backtest_drop(http_backtests(c->http), number_of(c))) {
		refuse_unknown(c);
		return;
	}
	enum status status = call_audit(c, &entry);
	if (status) {
		http_problem_of_status(c->x, status);
		return;
	}
	exchange_begin(c->x, 204, NULL);
	exchange_end(c->x);
}

/* --- what it found --- */

enum { FINDINGS_RULE, FINDINGS_CHANGE, FINDINGS_LIMIT, FINDINGS_CURSOR };
static const struct http_param findings_params[] = {
	[FINDINGS_RULE] = {"rule", HTTP_PARAM_TEXT, false, 0, RULE_ID_MAX, NULL, "id of a rule"},
	[FINDINGS_CHANGE] = {"change", HTTP_PARAM_CHOICE, false, 0, 0, "same|new|gone",
			     "found and stands; found now only; stands and was not found"},
	[FINDINGS_LIMIT] = {"limit", HTTP_PARAM_INTEGER, false, 1, PAGE_ROWS_MAX, NULL, "1000 when left out"},
	[FINDINGS_CURSOR] = {"cursor", HTTP_PARAM_INTEGER, false, 0, BACKTEST_ROWS_MAX, NULL,
			     "`next` of the answer before"},
};

static bool row_fits(const struct http_call *c, const struct replay_row *row)
{
	const struct http_value *rule = &c->values[FINDINGS_RULE], *change = &c->values[FINDINGS_CHANGE];
	return (!rule->set || span_equal(rule->text, span_of_string(row->finding.rule))) &&
	       (!change->set || (enum replay_change)change->number == row->change);
}

static void put_row(struct http_call *c, struct json_out *j, const struct backtest_asked *a, const struct judged_by *by,
		    const struct replay_row *row)
{
	struct violation v = {.finding = row->finding};
	struct export_violation e;
	export_violation_describe(&e, engine_registry(http_engine(c->http)), &by->context, &v);
	e.rule = rule_of(a, by, row->finding.rule, row->finding.start_ms, row->change == REPLAY_GONE);
	jout_open(j, '{');
	member_text(j, "change", replay_change_token(row->change));
	export_finding_members(j, &e);
	jout_close(j, '}');
}

static void answer_findings(struct http_call *c, const struct backtest_asked *a, const struct backtest_result *r)
{
	struct http_stream s;
	size_t at = (size_t)value_or(&c->values[FINDINGS_CURSOR], 0);
	int64_t left = value_or(&c->values[FINDINGS_LIMIT], PAGE_ROWS_DEFAULT);
	struct judged_by *by = context_take(engine_context(http_engine(c->http)));
	enum status status = STATUS_OK;
	stream_begin(&s, c, "application/json");
	struct json_out j = json_out_init(&s.chunk);
	jout_open(&j, '{');
	jout_key(&j, "findings");
	jout_open(&j, '[');
	for (; at < r->row_count && !status && !j.status; at++) {
		if (!row_fits(c, &r->rows[at]))
			continue;
		if (!left--)
			break;
		put_row(c, &j, a, by, &r->rows[at]);
		status = j.status ? j.status : stream_flush(&s, false);
	}
	jout_close(&j, ']');
	jout_key(&j, "next");
	if (at < r->row_count)
		jout_unsigned(&j, at);
	else
		jout_null(&j);
	jout_close(&j, '}');
	jout_line(&j);
	judged_by_release(by);
	stream_close(&s, status ? status : j.status);
}

static void get_findings(struct http_call *c)
{
	struct backtest *t = job_of(c);
	if (!t)
		return;
	const struct backtest_result *r = backtest_result(t);
	if (r)
		answer_findings(c, backtest_asked(t), r);
	else
		http_problem_send(c->x, HTTP_PROBLEM_CONFLICT, NULL, "it is not done yet, or failed 尚未完成或已失败");
	backtest_release(t);
}

static const struct http_route routes[] = {
	{HTTP_GET, 0, "/api/v1/backtests", "listBacktests",
	 "Those that are kept, newest first, without their results; a restart forgets them.", "application/json", NULL,
	 0, get_backtests, NULL},
	{HTTP_POST, HTTP_ROUTE_BODY, "/api/v1/backtests", "postBacktest",
	 "Try rules on what is stored, in the background (202): {\"rules\":text of a rules file, left out for those "
	 "that "
	 "held, \"from\":..., \"to\":..., \"devices\":[...]}; mistakes of the rules are told with their lines (422). "
	 "Audited.",
	 "application/json", NULL, 0, post_backtest, NULL},
	{HTTP_GET, 0, "/api/v1/backtests/{number}", "getBacktest",
	 "How far it is; once done, by rule: found, standing, same (found that overlap one that stands), new, gone.",
	 "application/json", NULL, 0, get_backtest, NULL},
	{HTTP_DELETE, 0, "/api/v1/backtests/{number}", "dropBacktest", "Stop it if it runs, and forget it.", "", NULL,
	 0, drop_backtest, NULL},
	{HTTP_GET, 0, "/api/v1/backtests/{number}/findings", "listBacktestFindings",
	 "What it found and what it did not find again, ascending by start.", "application/json", findings_params,
	 COUNT(findings_params), get_findings, NULL},
};

enum status handlers_backtest_add(struct http *h)
{
	return add_routes(h, routes, COUNT(routes));
}
