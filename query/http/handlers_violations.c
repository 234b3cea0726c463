/* handlers_violations.c -- suspected violations (疑似违法线索): listing, one with its history, review and handling. */
#include <stdio.h>

#include <jansson.h>

#include "engine/core/clock.h"
#include "engine/fleet/finding_reports.h"
#include "query/export/json_out.h"
#include "query/http/handlers_violations.h"
#include "query/http/http_body.h"
#include "query/http/http_handlers.h"
#include "query/http/http_problem.h"
#include "query/http/http_rights.h"
#include "query/http/violation_filter.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define VIOLATION_JSON_MAX (8u << 20)

/* --- listing --- */

enum { LIMIT = VIOLATION_OWN, CURSOR, FORMAT };

static const struct http_param list_params[] = {
	VIOLATION_FILTER_PARAMS,
	[LIMIT] = {"limit", HTTP_PARAM_INTEGER, false, 1, PAGE_ROWS_MAX, NULL,
		   "violations of one answer (JSON and GeoJSON: 1000 when left out; others: all)"},
	[CURSOR] = {"cursor", HTTP_PARAM_CURSOR, false, 0, TIME_CURSOR_MAX, NULL, "`next` of the answer before"},
	[FORMAT] = {"format", HTTP_PARAM_CHOICE, false, 0, 0, FORMAT_CHOICES, "instead of Accept"},
};

struct violation_listing {
	struct http_stream *s;
	struct export_list w;
	uint64_t limit;
	char next[TIME_CURSOR_MAX];
	bool more;
};

static enum status put_violation(void *context, const struct export_violation *e)
{
	struct violation_listing *l = context;
	const struct violation *v = e->violation;
	l->more = l->w.rows == l->limit;
	if (l->more)
		return STATUS_END;
	enum status status = export_violation_row(&l->w, e, &l->s->chunk);
	if (status)
		return status;
	time_cursor_format(v->finding.start_ms, v->id, l->next);
	return stream_flush(l->s, false);
}

static enum status write_violations(struct violation_listing *l, struct violation_filter *f, int64_t after_ms,
				    uint64_t after_id)
{
	enum status status = export_violations_begin(&l->w, l->w.format, &l->s->chunk);
	if (!status)
		status = violation_filter_scan(f, after_ms, after_id, put_violation, l);
	if (status && !(status == STATUS_END && l->more))
		return status;
	return export_list_end(&l->w, l->more ? l->next : NULL, &l->s->chunk);
}

static void get_violations(struct http_call *c)
{
	const struct http_value *v = c->values;
	struct violation_filter f;
	struct http_stream s;
	struct violation_listing l = {.s = &s};
	int64_t after_ms = 0;
	uint64_t after_id = 0;
	if (v[CURSOR].set && time_cursor_parse(v[CURSOR].text, &after_ms, &after_id)) {
		http_problem_send(c->x, HTTP_PROBLEM_BAD_PARAMETER, "cursor", "this is no cursor of ours");
		return;
	}
	if (!call_format(c, &v[FORMAT],
			 1u << EXPORT_JSON | 1u << EXPORT_GEOJSON | 1u << EXPORT_NDJSON | 1u << EXPORT_CSV,
			 &l.w.format) ||
	    !violation_filter_read(&f, c))
		return;
	bool paged = l.w.format == EXPORT_JSON || l.w.format == EXPORT_GEOJSON;
	l.limit = (uint64_t)value_or(&v[LIMIT], paged ? PAGE_ROWS_DEFAULT : INT64_MAX);
	stream_begin(&s, c, export_format_media(l.w.format));
	stream_close(&s, write_violations(&l, &f, after_ms, after_id));
	violation_filter_deinit(&f);
}

/* --- one --- */

bool call_violation(struct http_call *c, struct violation *out)
{
	int64_t id;
	if (http_integer_parse(c->path_args[0], 1, INT64_MAX, &id)) {
		http_problem_send(c->x, HTTP_PROBLEM_BAD_PARAMETER, "violation", "a violation is a number from 1 on");
		return false;
	}
	enum status status = violation_get(engine_findings(http_engine(c->http)), (uint64_t)id, out);
	if (!status && violation_in_scope(c, &out->finding, clock_now_ms()))
		return true;
	if (status && status != STATUS_NOT_FOUND)
		http_problem_of_status(c->x, status);
	else
		http_problem_send(c->x, HTTP_PROBLEM_NO_VIOLATION, NULL, "no such violation, or outside your scope");
	return false;
}

static enum status put_event(void *context, const struct case_event *e)
{
	struct json_out *j = context;
	export_case_event(j, e);
	return j->status;
}

static enum status write_violation(struct http_call *c, const struct violation *v, struct buf *out)
{
	struct engine *e = http_engine(c->http);
	struct judged_by *by = context_take(engine_context(e));
	struct export_violation row;
	struct json_out j = json_out_init(out);
	export_violation_describe(&row, engine_registry(e), &by->context, v);
	jout_open(&j, '{');
	export_violation_members(&j, &row);
	jout_key(&j, "source");
	if (row.rule)
		jout_string(&j, row.rule->source);
	else
		jout_null(&j);
	judged_by_release(by);
	jout_key(&j, "history");
	jout_open(&j, '[');
	enum status status = violation_history(engine_findings(e), v->id, put_event, &j);
	jout_close(&j, ']');
	jout_close(&j, '}');
	if (!status)
		status = j.status;
	return status ? status : buf_append_u8(out, '\n');
}

static void answer_violation(struct http_call *c, const struct violation *v)
{
	struct buf text = buf_init(VIOLATION_JSON_MAX);
	enum status status = write_violation(c, v, &text);
	if (status)
		http_problem_of_status(c->x, status);
	else if (c->x->request.method == HTTP_POST)
		http_answer(c, 200, "application/json", buf_view(&text));
	else
		http_answer_cached(c, "application/json", buf_view(&text));
	buf_deinit(&text);
}

static void get_violation(struct http_call *c)
{
	struct violation v;
	if (call_violation(c, &v))
		answer_violation(c, &v);
}

/* --- what people make of it --- */

/* A member that is a clean text of at most CASE_TEXT_MAX bytes, or "" when it is missing; NULL when it is neither. */
static const char *read_text(const json_t *body, const char *key)
{
	const json_t *value = json_object_get(body, key);
	if (!value)
		return "";
	struct span text = span_of(json_string_value(value), json_string_length(value));
	return json_is_string(value) && text.size <= CASE_TEXT_MAX && http_text_is_clean(text) ? (const char *)text.data
											       : NULL;
}

/* Texts of the body by key; what has another key is refused. The texts live as long as the body, which the caller
 * releases; NULL: the problem is sent. */
static json_t *read_texts(struct http_call *c, const char *const keys[], size_t count, const char *out[])
{
	json_error_t error;
	char detail[128] = "the body must be an object";
	const char *key;
	json_t *value, *body = json_loadb((const char *)c->x->request.body.data, c->x->request.body.size,
					  JSON_REJECT_DUPLICATES, &error);
	bool good = json_is_object(body);
	size_t known = 0;
	for (size_t i = 0; i < count && good; i++) {
		known += json_object_get(body, keys[i]) != NULL;
		out[i] = read_text(body, keys[i]);
		good = out[i] != NULL;
		if (!good)
			snprintf(detail, sizeof detail, "a text of at most %d bytes without controls: %s",
				 CASE_TEXT_MAX, keys[i]);
	}
	if (good && json_object_size(body) != known) {
		good = false;
		json_object_foreach(body, key, value)
		{
			size_t i = 0;
			while (i < count && strcmp(key, keys[i]))
				i++;
			if (i == count)
				snprintf(detail, sizeof detail, "not known here: %.80s", key);
		}
	}
	if (good)
		return body;
	http_problem_send(c->x, HTTP_PROBLEM_BAD_BODY, NULL, body ? detail : error.text);
	json_decref(body);
	return NULL;
}

/* Reviews and the ledger are changes: for the scope "all". */
static bool call_may_judge(struct http_call *c, struct violation *out)
{
	return call_may_write(c) && call_violation(c, out);
}

/* The ledger is also for the enterprise whose violation it is: it reminds its own drivers. */
static bool call_may_handle(struct http_call *c, struct violation *out)
{
	return http_column_of(&c->principal) == HTTP_COLUMN_ENTERPRISE ? call_violation(c, out)
								       : call_may_judge(c, out);
}

/* The answer of a step that was taken or not; `invalid` says what it would have needed. */
static void answer_step(struct http_call *c, uint64_t id, enum status status, const char *conflict, const char *invalid)
{
	struct violation v;
	if (!status)
		status = violation_get(engine_findings(http_engine(c->http)), id, &v);
	if (status == STATUS_CONFLICT)
		http_problem_send(c->x, HTTP_PROBLEM_CONFLICT, NULL, conflict);
	else if (status == STATUS_INVALID || status == STATUS_TOO_LONG)
		http_problem_send(c->x, HTTP_PROBLEM_UNPROCESSABLE, NULL, invalid);
	else if (status)
		http_problem_of_status(c->x, status);
	else
		answer_violation(c, &v);
}

static void post_review(struct http_call *c)
{
	static const char *const keys[] = {"state", "why", "document"};
	const char *texts[COUNT(keys)];
	struct violation v;
	struct review r = {.who = c->principal.name};
	if (!call_may_judge(c, &v))
		return;
	json_t *body = read_texts(c, keys, COUNT(keys), texts);
	if (!body)
		return;
	r.why = texts[1];
	r.document = texts[2];
	if (case_state_parse(span_of_string(texts[0]), &r.state))
		http_problem_send(c->x, HTTP_PROBLEM_UNPROCESSABLE, "state",
				  "confirmed, rejected, transferred, or pending to open it again");
	else
		answer_step(c, v.id, violation_review(engine_findings(http_engine(c->http)), v.id, &r, clock_now_ms()),
			    "not a step from where it stands: pending is confirmed or rejected, confirmed transferred, "
			    "either re-opened; what is open or withdrawn is not confirmed",
			    "a review needs `why`, a transfer `document` too, and nobody withdraws by hand");
	json_decref(body);
}

static void post_handling(struct http_call *c)
{
	static const char *const keys[] = {"how", "result"};
	const char *texts[COUNT(keys)];
	struct violation v;
	if (!call_may_handle(c, &v))
		return;
	json_t *body = read_texts(c, keys, COUNT(keys), texts);
	if (!body)
		return;
	answer_step(c, v.id,
		    violation_handle(engine_findings(http_engine(c->http)), v.id, c->principal.name, texts[0], texts[1],
				     clock_now_ms()),
		    "", "the ledger needs `how`, and both texts together fit into 1000 bytes");
	json_decref(body);
}

/* 证据封存: what speaks for it is kept from retention until the case is released (DELETE /api/v1/holds/{case}). */
static void post_hold(struct http_call *c)
{
	static const char *const keys[] = {"case"};
	const char *texts[COUNT(keys)];
	char number[CASE_NUMBER_MAX + 1];
	struct violation v;
	if (!call_may_judge(c, &v))
		return;
	json_t *body = read_texts(c, keys, COUNT(keys), texts);
	if (!body)
		return;
	if (!body_case(json_object_get(body, "case"), number)) {
		http_problem_send(c->x, HTTP_PROBLEM_UNPROCESSABLE, "case", BODY_CASE_WRONG);
	} else {
		enum status status = findings_hold(http_engine(c->http), v.id, number, &c->principal, clock_now_ms());
		answer_step(c, v.id, status == STATUS_EMPTY ? STATUS_INVALID : status, "",
			    "it rests on no report: there is nothing to keep");
	}
	json_decref(body);
}

/* The violation's routes come last: "counts" and "handling-rate" are no numbers of theirs. */
static const struct http_route routes[] = {
	{HTTP_GET, 0, "/api/v1/violations", "listViolations",
	 "Suspected violations by ascending start, filtered; companies and villages see their own.",
	 "application/json application/geo+json application/x-ndjson text/csv", list_params, COUNT(list_params),
	 get_violations, NULL},
	{HTTP_GET, 0, "/api/v1/violations/{violation}", "getViolation", "One, with its history.", "application/json",
	 NULL, 0, get_violation, NULL},
	{HTTP_POST, HTTP_ROUTE_BODY, "/api/v1/violations/{violation}/review", "reviewViolation",
	 "Confirm, reject, transfer or re-open: {\"state\":..., \"why\":..., \"document\":...}.", "application/json",
	 NULL, 0, post_review, NULL},
	{HTTP_POST, HTTP_ROUTE_BODY, "/api/v1/violations/{violation}/handling", "handleViolation",
	 "Into the ledger of handled alarms: {\"how\":..., \"result\":...}.", "application/json", NULL, 0,
	 post_handling, NULL},
	{HTTP_POST, HTTP_ROUTE_BODY, "/api/v1/violations/{violation}/hold", "holdViolation",
	 "Keep the reports that speak for it, for a case, whatever retention says: {\"case\":...}; on record. "
	 "DELETE /api/v1/holds/{case} releases them.",
	 "application/json", NULL, 0, post_hold, NULL},
};

enum status handlers_violations_add(struct http *h)
{
	return add_routes(h, routes, COUNT(routes));
}
