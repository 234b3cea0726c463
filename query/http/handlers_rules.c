/* handlers_rules.c -- what is judged by, and when it was: rules, permits, and judging up to an instant. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "engine/core/clock.h"
#include "query/export/json_out.h"
#include "query/http/handlers_rules.h"
#include "query/http/http_handlers.h"
#include "query/http/http_problem.h"
#include "query/http/http_stream.h"

/* a change may begin so long ago without being asked for expressly: what was judged since is judged again */
#define REJUDGE_FREE_MS (5 * MS_PER_MINUTE)
#define MISTAKES_JSON_MAX (4u << 20)
#define RULES_JSON_MAX (64u << 20)

static struct context *context_of(struct http_call *c)
{
	return engine_context(http_engine(c->http));
}

/* A change with effect in the past re-judges what was judged: only when it is asked for, and on record. */
static bool may_rejudge(struct http_call *c, int64_t from_ms, bool asked, const char *what)
{
	int64_t now_ms = clock_now_ms();
	struct audit_entry entry = {.at_ms = now_ms, .from_ms = from_ms, .to_ms = now_ms};
	if (from_ms >= now_ms - REJUDGE_FREE_MS)
		return true;
	if (!asked) {
		http_problem_send(c->x, HTTP_PROBLEM_CONFLICT, "from",
				  "this begins in the past: say rejudge=1 to have what was judged since judged again");
		return false;
	}
	snprintf(entry.action, sizeof entry.action, "rejudge %s", what);
	enum status status = call_audit(c, &entry);
	if (status)
		http_problem_of_status(c->x, status);
	return !status;
}

/* --- rules --- */

enum { RULES_AT, RULES_LIST };
static const struct http_param rules_params[] = {
	[RULES_AT] = {"at", HTTP_PARAM_TIME, false, 0, 0, NULL, "the rules that hold then; now when left out"},
	[RULES_LIST] = {"list", HTTP_PARAM_FLAG, false, 0, 0, NULL, "instead: every version as JSON, without its text"},
};

struct rules_answer {
	int64_t at_ms;
	bool list;
	struct buf text;
	struct json_out j;
};

static enum status take_version(void *context, int64_t from_ms, int64_t said_ms, struct span principal,
				struct span text)
{
	struct rules_answer *a = context;
	if (!a->list) {
		if (from_ms > a->at_ms)
			return STATUS_OK;
		buf_clear(&a->text);
		return buf_append(&a->text, text.data, text.size);
	}
	jout_open(&a->j, '{');
	jout_key(&a->j, "from");
	jout_time(&a->j, from_ms);
	jout_key(&a->j, "said");
	jout_time(&a->j, said_ms);
	jout_key(&a->j, "who");
	jout_text(&a->j, principal);
	jout_key(&a->j, "bytes");
	jout_integer(&a->j, (int64_t)text.size);
	jout_close(&a->j, '}');
	return a->j.status;
}

static void get_rules(struct http_call *c)
{
	struct rules_answer a = {.at_ms = value_or(&c->values[RULES_AT], clock_now_ms()),
				 .list = c->values[RULES_LIST].number,
				 .text = buf_init(RULES_JSON_MAX)};
	a.j = json_out_init(&a.text);
	if (a.list)
		jout_open(&a.j, '[');
	enum status status = context_rules(context_of(c), take_version, &a);
	if (a.list && !status) {
		jout_close(&a.j, ']');
		status = a.j.status;
	}
	if (status)
		http_problem_of_status(c->x, status);
	else
		http_answer_cached(c, a.list ? "application/json" : "text/plain; charset=utf-8", buf_view(&a.text));
	buf_deinit(&a.text);
}

enum { PUT_FROM, PUT_REJUDGE };
static const struct http_param put_params[] = {
	[PUT_FROM] = {"from", HTTP_PARAM_TIME, false, 0, 0, NULL, "event time from which they hold; now when left out"},
	[PUT_REJUDGE] = {"rejudge", HTTP_PARAM_FLAG, false, 0, 0, NULL,
			 "they may begin in the past, and what was judged since is judged again"},
};

static void add_mistake(void *context, const struct rule_mistake *mistake)
{
	struct json_out *j = context;
	jout_open(j, '{');
	jout_key(j, "line");
	jout_integer(j, mistake->line);
	jout_key(j, "text");
	jout_string(j, mistake->text);
	jout_key(j, "text_zh");
	jout_string(j, mistake->text_zh);
	jout_close(j, '}');
}

static void answer_mistakes(struct http_call *c, const struct buf *mistakes)
{
	struct buf text = buf_init(2 * MISTAKES_JSON_MAX);
	struct json_out j = json_out_init(&text);
	jout_open(&j, '{');
	jout_key(&j, "type");
	jout_string(&j, "urn:zayton:problem:rules-with-mistakes");
	jout_key(&j, "title");
	jout_string(&j, http_status_title(422));
	jout_key(&j, "status");
	jout_integer(&j, 422);
	jout_key(&j, "detail");
	jout_string(&j, "nothing of the file was taken");
	jout_key(&j, "instance");
	jout_string(&j, c->x->request.path);
	jout_key(&j, "mistakes");
	if (!j.status)
		j.status = buf_append(&text, mistakes->data, mistakes->size);
	jout_raw(&j, "}\n");
	if (j.status)
		http_problem_of_status(c->x, j.status);
	else
		http_answer(c, 422, "application/problem+json", buf_view(&text));
	buf_deinit(&text);
}

bool call_rulebook(struct http_call *c, struct span text, struct rulebook **out)
{
	struct buf mistakes = buf_init(MISTAKES_JSON_MAX);
	struct json_out j = json_out_init(&mistakes);
	jout_open(&j, '[');
	enum status status = rulebook_parse(text, add_mistake, &j, out);
	jout_close(&j, ']');
	if (status == STATUS_MALFORMED)
		answer_mistakes(c, &mistakes);
	else if (status)
		http_problem_of_status(c->x, status);
	buf_deinit(&mistakes);
	return !status;
}

static void put_rules(struct http_call *c)
{
	struct buf mistakes = buf_init(MISTAKES_JSON_MAX);
	struct json_out j = json_out_init(&mistakes);
	const struct buf *body = &c->x->request.body;
	int64_t from_ms = value_or(&c->values[PUT_FROM], clock_now_ms());
	if (!call_may_write(c) || !may_rejudge(c, from_ms, c->values[PUT_REJUDGE].number, "rules"))
		return;
	jout_open(&j, '[');
	enum status status = context_put_rules(context_of(c), span_of(body->data, body->size), from_ms,
					       c->principal.name, add_mistake, &j);
	jout_close(&j, ']');
	if (status == STATUS_MALFORMED)
		answer_mistakes(c, &mistakes);
	else if (status)
		http_problem_of_status(c->x, status);
	else
		http_answer(c, 200, "application/json", span_of_string("{}\n"));
	buf_deinit(&mistakes);
}

/* --- permits --- */

static const char *const permit_kinds[] = {
	[PERMIT_ROUTE] = "route", [PERMIT_ZONE] = "zone",   [PERMIT_BUSINESS] = "business",
	[PERMIT_RELAY] = "relay", [PERMIT_LEAVE] = "leave", [PERMIT_ENTER] = "enter"};
#define PERMIT_KINDS (sizeof permit_kinds / sizeof permit_kinds[0])

struct permit_edit {
	struct permit permit;
	const char *device;
	char detail[160];
};

static bool wrong(struct permit_edit *e, const char *what, const char *name)
{
	snprintf(e->detail, sizeof e->detail, "%s: %.80s", what, name);
	return false;
}

static bool read_kind(struct permit_edit *e, const json_t *value)
{
	const char *text = json_string_value(value);
	for (size_t i = 1; text && i < PERMIT_KINDS; i++)
		if (strcmp(text, permit_kinds[i]) == 0) {
			e->permit.kind = (uint8_t)i;
			return true;
		}
	return wrong(e, "one of route, zone, business, relay, leave, enter", "kind");
}

static bool read_time(struct permit_edit *e, const char *key, const json_t *value, int64_t *out)
{
	const char *text = json_string_value(value);
	if (json_is_integer(value))
		*out = json_integer_value(value);
	else if (!text || http_time_parse(span_of_string(text), out))
		return wrong(e, "a time as RFC 3339, or ms since 1970", key);
	return true;
}

static bool read_hours(struct permit_edit *e, const json_t *value)
{
	const char *text = json_string_value(value);
	if (text && schedule_parse(span_of_string(text), &e->permit.hours, NULL) == STATUS_OK)
		return true;
	return wrong(e, "a schedule such as 06:00-22:00", "hours");
}

static bool read_fences(struct permit_edit *e, const json_t *list)
{
	size_t i;
	json_t *id;
	if (!json_is_array(list) || json_array_size(list) > PERMIT_FENCES_MAX)
		return wrong(e, "a list of at most eight ids", "fences");
	json_array_foreach(list, i, id)
	{
		const char *text = json_string_value(id);
		if (!text || !*text || strlen(text) > FENCE_ID_MAX)
			return wrong(e, "a list of ids", "fences");
		memcpy(e->permit.fences[e->permit.fence_count++], text, strlen(text) + 1);
	}
	return true;
}

static bool read_member(struct permit_edit *e, const char *key, const json_t *value)
{
	if (!strcmp(key, "device"))
		return (e->device = json_string_value(value)) || wrong(e, "a text", key);
	if (!strcmp(key, "kind"))
		return read_kind(e, value);
	if (!strcmp(key, "hours"))
		return read_hours(e, value);
	if (!strcmp(key, "fences"))
		return read_fences(e, value);
	if (!strcmp(key, "valid_from"))
		return read_time(e, key, value, &e->permit.valid_from_ms);
	if (!strcmp(key, "valid_to"))
		return read_time(e, key, value, &e->permit.valid_to_ms);
	return wrong(e, "not known here", key);
}

static bool read_permit(struct permit_edit *e, json_t *body, struct span number)
{
	const char *key;
	json_t *value;
	e->permit.valid_from_ms = INT64_MIN;
	e->permit.valid_to_ms = INT64_MAX;
	e->permit.hours = SCHEDULE_ALWAYS;
	if (number.size > PERMIT_NUMBER_MAX)
		return wrong(e, "longer than 63 bytes", "number");
	memcpy(e->permit.number, number.data, number.size);
	if (!json_is_object(body))
		return wrong(e, "the body must be an object", "");
	json_object_foreach(body, key, value)
	{
		if (!read_member(e, key, value))
			return false;
	}
	if (!e->device || !e->permit.kind)
		return wrong(e, "missing", e->device ? "kind" : "device");
	return e->permit.valid_from_ms < e->permit.valid_to_ms || wrong(e, "before `valid_from`", "valid_to");
}

static enum status permit_object(struct json_out *j, uint64_t device, const struct permit *p)
{
	struct buf hours = buf_init(2 * SCHEDULE_TEXT_MAX);
	enum status status = schedule_print(&p->hours, &hours);
	jout_open(j, '{');
	jout_key(j, "number");
	jout_string(j, p->number);
	jout_key(j, "device");
	jout_hex64(j, device);
	jout_key(j, "kind");
	jout_string(j, p->kind < PERMIT_KINDS && p->kind ? permit_kinds[p->kind] : "unknown");
	jout_key(j, "fences");
	jout_open(j, '[');
	for (unsigned i = 0; i < p->fence_count; i++)
		jout_string(j, p->fences[i]);
	jout_close(j, ']');
	jout_key(j, "hours");
	jout_text(j, buf_view(&hours));
	jout_key(j, "valid_from");
	jout_time(j, p->valid_from_ms);
	jout_key(j, "valid_to");
	jout_time(j, p->valid_to_ms);
	jout_close(j, '}');
	buf_deinit(&hours);
	return status ? status : j->status;
}

static void answer_permit(struct http_call *c, uint64_t device, const struct permit *p)
{
	struct buf text = buf_init(1u << 16);
	struct json_out j = json_out_init(&text);
	enum status status = permit_object(&j, device, p);
	if (!status)
		status = buf_append_u8(&text, '\n');
	if (status)
		http_problem_of_status(c->x, status);
	else
		http_answer(c, 200, "application/json", buf_view(&text));
	buf_deinit(&text);
}

static void put_permit(struct http_call *c)
{
	json_error_t error;
	struct permit_edit e = {0};
	uint64_t device;
	const struct buf *text = &c->x->request.body;
	if (!call_may_write(c))
		return;
	json_t *body = json_loadb((const char *)text->data, text->size, JSON_REJECT_DUPLICATES, &error);
	if (!body) {
		http_problem_send(c->x, HTTP_PROBLEM_BAD_BODY, NULL, error.text);
	} else if (!read_permit(&e, body, c->path_args[0])) {
		http_problem_send(c->x, HTTP_PROBLEM_BAD_BODY, NULL, e.detail);
	} else if (call_device(c, span_of_string(e.device), &device)) {
		enum status status = context_put_permit(context_of(c), device, &e.permit);
		if (status)
			http_problem_of_status(c->x, status);
		else
			answer_permit(c, device, &e.permit);
	}
	json_decref(body);
}

enum { PERMITS_DEVICE, PERMITS_LIMIT, PERMITS_CURSOR };
static const struct http_param permits_params[] = {
	[PERMITS_DEVICE] = {"device", HTTP_PARAM_TEXT, false, 0, 300, NULL, "of this device"},
	[PERMITS_LIMIT] = {"limit", HTTP_PARAM_INTEGER, false, 1, PAGE_ROWS_MAX, NULL, "1000 when left out"},
	[PERMITS_CURSOR] = {"cursor", HTTP_PARAM_TEXT, false, 0, PERMIT_NUMBER_MAX, NULL,
			    "`next` of the answer before"},
};

struct permit_listing {
	struct http_stream *s;
	struct json_out j;
	uint64_t device;
	int64_t left;
	char last[PERMIT_NUMBER_MAX + 1];
	bool more;
};

static enum status list_permit(void *context, uint64_t device, const struct permit *p)
{
	struct permit_listing *l = context;
	struct http_call *c = l->s->call;
	if ((l->device && device != l->device) ||
	    !scope_allows(engine_registry(http_engine(c->http)), &c->principal, device, clock_now_ms()))
		return STATUS_OK;
	if (!l->left--) {
		l->more = true;
		return STATUS_END;
	}
	memcpy(l->last, p->number, sizeof l->last);
	enum status status = permit_object(&l->j, device, p);
	return status ? status : stream_flush(l->s, false);
}

static void get_permits(struct http_call *c)
{
	struct http_stream s;
	struct permit_listing l = {.s = &s, .left = value_or(&c->values[PERMITS_LIMIT], PAGE_ROWS_DEFAULT)};
	char after[PERMIT_NUMBER_MAX + 1] = "";
	const struct http_value *cursor = &c->values[PERMITS_CURSOR];
	if (c->values[PERMITS_DEVICE].set && !call_device(c, c->values[PERMITS_DEVICE].text, &l.device))
		return;
	if (cursor->set)
		memcpy(after, cursor->text.data, cursor->text.size);
	stream_begin(&s, c, "application/json");
	l.j = json_out_init(&s.chunk);
	jout_open(&l.j, '{');
	jout_key(&l.j, "permits");
	jout_open(&l.j, '[');
	enum status status = context_permits(context_of(c), after, list_permit, &l);
	jout_close(&l.j, ']');
	jout_key(&l.j, "next");
	if (l.more)
		jout_string(&l.j, l.last);
	else
		jout_null(&l.j);
	jout_close(&l.j, '}');
	jout_line(&l.j);
	stream_close(&s, status ? status : l.j.status);
}

/* --- judging up to an instant --- */

static const struct http_param settle_params[] = {
	{"as_of", HTTP_PARAM_TIME, false, 0, 0, NULL, "event time; now when left out"},
};

static void settle(struct http_call *c)
{
	if (strcmp(c->principal.name, principal_local.name) != 0) {
		http_problem_send(c->x, HTTP_PROBLEM_FORBIDDEN, NULL, "only from this machine itself");
		return;
	}
	enum status status = engine_judge_settle(http_engine(c->http), value_or(&c->values[0], clock_now_ms()));
	if (status)
		http_problem_of_status(c->x, status);
	else
		http_answer(c, 200, "application/json", span_of_string("{}\n"));
}

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static const struct http_route routes[] = {
	{HTTP_GET, 0, "/api/v1/rules", "getRules", "The rules file that holds, as it was put.",
	 "text/plain application/json", rules_params, COUNT(rules_params), get_rules, NULL},
	{HTTP_PUT, HTTP_ROUTE_TEXT, "/api/v1/rules", "putRules",
	 "Put a rules file; with any mistake nothing is taken, and all are told with their lines (422).",
	 "application/json", put_params, COUNT(put_params), put_rules, NULL},
	{HTTP_GET, 0, "/api/v1/permits", "listPermits", "Permits (准运证 ...) by number.", "application/json",
	 permits_params, COUNT(permits_params), get_permits, NULL},
	{HTTP_PUT, HTTP_ROUTE_BODY, "/api/v1/permits/{number}", "putPermit",
	 "Put or replace one: {\"device\", \"kind\", \"fences\":[], \"hours\", \"valid_from\", \"valid_to\"}.",
	 "application/json", NULL, 0, put_permit, NULL},
	{HTTP_POST, 0, "/api/v1/judge/settle", "settleJudging",
	 "Wait until everything received is judged as of an instant.", "application/json", settle_params,
	 COUNT(settle_params), settle, NULL},
};

enum status handlers_rules_add(struct http *h)
{
	return add_routes(h, routes, COUNT(routes));
}
