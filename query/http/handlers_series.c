/* handlers_series.c -- sites and streams: what they are, their values, who reports. Values of a span are audited before
 * their first byte, as tracks are. */
#include <jansson.h>
#include <stdio.h>

#include "engine/core/clock.h"
#include "query/export/json_out.h"
#include "query/export/series_ask.h"
#include "query/http/http_handlers.h"
#include "query/http/http_problem.h"
#include "query/http/http_stream.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define FORMATS (1u << EXPORT_JSON | 1u << EXPORT_NDJSON | 1u << EXPORT_CSV)
#define MEDIA "application/json application/x-ndjson text/csv"
#define ANSWER_MAX (1u << 20)

/* --- which, in every question --- */

enum { STREAM, SITE, QUANTITY, VILLAGE, SECTOR, COMPANY, FORMAT, WHICH };
#define WHICH_PARAMS                                                                                                   \
	[STREAM] = {"stream",                                                                                          \
		    HTTP_PARAM_TEXT,                                                                                   \
		    false,                                                                                             \
		    0,                                                                                                 \
		    HTTP_TEXT_MAX,                                                                                     \
		    NULL,                                                                                              \
		    "16 hex digits or SITE/QUANTITY, several separated by commas"},                                    \
	[SITE] = {"site", HTTP_PARAM_TEXT, false, 0, SITE_MAX, NULL, "of this site"},                                  \
	[QUANTITY] = {"quantity",                                                                                      \
		      HTTP_PARAM_TEXT,                                                                                 \
		      false,                                                                                           \
		      0,                                                                                               \
		      QUANTITY_MAX,                                                                                    \
		      NULL,                                                                                            \
		      "of this quantity; a * at its end: any that begins so"},                                         \
	[VILLAGE] = {"village", HTTP_PARAM_TEXT, false, 0, DEVICE_VALUE_MAX, NULL, "of sites of this village"},        \
	[SECTOR] = {"sector", HTTP_PARAM_TEXT, false, 0, DEVICE_VALUE_MAX, NULL, "of sites of this sector"},           \
	[COMPANY] = {"company", HTTP_PARAM_TEXT, false, 0, DEVICE_VALUE_MAX, NULL, "of sites of this company"},        \
	[FORMAT] = {                                                                                                   \
		"format", HTTP_PARAM_CHOICE, false, 0, 0, FORMAT_CHOICES, "json, ndjson or csv, instead of Accept"}

static const struct http_param which_params[] = {WHICH_PARAMS};

enum { FROM = WHICH, TO, STEP, AGGREGATE, POINTS, HOLD, CORRECTIONS, CASE };
static const struct http_param series_params[] = {
	WHICH_PARAMS,
	[FROM] = {"from", HTTP_PARAM_TIME, true, 0, 0, NULL, "first instant, included"},
	[TO] = {"to", HTTP_PARAM_TIME, false, 0, 0, NULL, "last instant, included; now when left out"},
	[STEP] = {"step", HTTP_PARAM_TEXT, false, 0, 16, NULL,
		  "such as 10m: aggregates of each step instead of values; a step without values is a gap"},
	[AGGREGATE] = {"aggregate", HTTP_PARAM_TEXT, false, 0, 128, NULL,
		       "of steps: count,min,max,sum,mean,first,last,time_weighted,p50,p90,p95,p99; mean when left out"},
	[POINTS] = {"points", HTTP_PARAM_INTEGER, false, 1, SERIES_STEPS_MAX, NULL,
		    "so many pixels, each with count, min, max, first and last"},
	[HOLD] = {"hold", HTTP_PARAM_TEXT, false, 0, 16, NULL,
		  "how long a value counts in time_weighted; three sampling intervals when left out"},
	[CORRECTIONS] = {"corrections", HTTP_PARAM_FLAG, false, 0, 0, NULL, "with values that were corrected later"},
	[CASE] = {"case", HTTP_PARAM_TEXT, false, 0, 63, NULL, "case number, for the audit"},
};

enum { BOARD_GROUP = WHICH };
static const struct http_param board_params[] = {
	WHICH_PARAMS,
	[BOARD_GROUP] = {"group", HTTP_PARAM_CHOICE, false, 0, 0, SERIES_GROUP_CHOICES,
			 "a row each; site when left out"},
};

enum { RATE_FROM = WHICH, RATE_TO, RATE_GROUP };
static const struct http_param rate_params[] = {
	WHICH_PARAMS,
	[RATE_FROM] = {"from", HTTP_PARAM_TIME, true, 0, 0, NULL, "first instant, included"},
	[RATE_TO] = {"to", HTTP_PARAM_TIME, false, 0, 0, NULL, "last instant, included; now when left out"},
	[RATE_GROUP] = {"group", HTTP_PARAM_CHOICE, false, 0, 0, SERIES_GROUP_CHOICES,
			"a row each; site when left out"},
};

enum { STATUS_KIND = WHICH };
static const struct http_param status_params[] = {
	WHICH_PARAMS,
	[STATUS_KIND] = {"kind", HTTP_PARAM_CHOICE, false, 0, 0, "gauge|counter|state", "streams of this kind"},
};

enum { COVER_FROM = WHICH, COVER_TO, COVER_GROUP, COVER_TARGET };
static const struct http_param coverage_params[] = {
	WHICH_PARAMS,
	[COVER_FROM] = {"from", HTTP_PARAM_TIME, true, 0, 0, NULL, "first instant, included"},
	[COVER_TO] = {"to", HTTP_PARAM_TIME, false, 0, 0, NULL, "last instant, included; now when left out"},
	[COVER_GROUP] = {"group", HTTP_PARAM_CHOICE, false, 0, 0, SERIES_GROUP_CHOICES,
			 "a row each; village when left out"},
	[COVER_TARGET] = {"target", HTTP_PARAM_INTEGER, false, 1, 1000000, NULL, "so many are to be installed"},
};

/* --- asking --- */

struct asking {
	struct series_ask ask;
	struct http_call *call;
	struct http_stream stream;
};

static bool allows(void *context, uint64_t site)
{
	struct asking *a = context;
	return scope_allows(engine_registry(http_engine(a->call->http)), &a->call->principal, site, a->ask.now_ms);
}

static enum status flush(void *context)
{
	struct asking *a = context;
	return stream_flush(&a->stream, false);
}

static bool begin(struct http_call *c, enum series_ask_kind kind, struct asking *a)
{
	const struct http_value *v = c->values;
	*a = (struct asking){.call = c};
	a->ask = (struct series_ask){.kind = kind,
				     .streams = v[STREAM].text,
				     .site = v[SITE].text,
				     .quantity = v[QUANTITY].text,
				     .village = v[VILLAGE].text,
				     .sector = v[SECTOR].text,
				     .company = v[COMPANY].text,
				     .now_ms = clock_now_ms(),
				     .allows = allows,
				     .flush = flush,
				     .context = a};
	return call_format(c, &v[FORMAT], FORMATS, &a->ask.format);
}

static void answer(struct asking *a)
{
	struct http_exchange *x = a->call->x;
	stream_begin(&a->stream, a->call, export_format_media(a->ask.format));
	enum status status = series_answer(http_engine(a->call->http), &a->ask, &a->stream.chunk);
	if (!a->stream.begun && status == STATUS_NOT_FOUND)
		http_problem_send(x, HTTP_PROBLEM_NO_DEVICE, "stream", "no such stream, or outside your scope");
	else if (!a->stream.begun && status == STATUS_MALFORMED)
		http_problem_send(x, HTTP_PROBLEM_BAD_PARAMETER, "stream",
				  "a stream is 16 hex digits or SITE/QUANTITY");
	else if (!a->stream.begun && status == STATUS_INVALID)
		http_problem_send(x, HTTP_PROBLEM_BAD_PARAMETER, "from", "`from` is after `to`, or too far from it");
	else if (!a->stream.begun && status == STATUS_FULL)
		http_problem_send(x, HTTP_PROBLEM_UNPROCESSABLE, NULL,
				  "too many streams, steps, or values of one step: ask for less at once");
	else {
		stream_close(&a->stream, status);
		return;
	}
	buf_deinit(&a->stream.chunk);
}

static bool audit(struct asking *a, const char *action, const struct http_value *case_number)
{
	struct audit_entry entry = {.at_ms = a->ask.now_ms,
				    .device = a->ask.site.size ? site_id(a->ask.site) : 0,
				    .from_ms = a->ask.from_ms,
				    .to_ms = a->ask.to_ms};
	snprintf(entry.action, sizeof entry.action, "%s", action);
	if (case_number && case_number->set)
		snprintf(entry.case_number, sizeof entry.case_number, "%.*s", (int)case_number->text.size,
			 (const char *)case_number->text.data);
	enum status status = call_audit(a->call, &entry);
	if (status)
		http_problem_of_status(a->call->x, status);
	return !status;
}

static void get_streams(struct http_call *c)
{
	struct asking a;
	if (begin(c, ASK_STREAMS, &a))
		answer(&a);
}

static void get_last(struct http_call *c)
{
	struct asking a;
	if (begin(c, ASK_LAST, &a))
		answer(&a);
}

static bool take_interval(struct http_call *c, const struct http_value *v, const char *name, int64_t *out)
{
	if (!v->set || !stream_interval_parse(v->text, out))
		return true;
	http_problem_send(c->x, HTTP_PROBLEM_BAD_PARAMETER, name,
			  "wanted a span of time such as 500ms, 10s, 5m, 1h, 1d");
	return false;
}

static bool take_steps(struct http_call *c, struct series_ask *ask)
{
	const struct http_value *v = c->values;
	ask->points = (uint64_t)value_or(&v[POINTS], 0);
	ask->corrections = v[CORRECTIONS].number;
	ask->want = 1u << SERIES_MEAN;
	if (!take_interval(c, &v[STEP], "step", &ask->step_ms) || !take_interval(c, &v[HOLD], "hold", &ask->hold_ms))
		return false;
	if (v[AGGREGATE].set && (series_want_parse(v[AGGREGATE].text, &ask->want) || !ask->step_ms)) {
		http_problem_send(c->x, HTTP_PROBLEM_BAD_PARAMETER, "aggregate",
				  ask->step_ms ? "not known: see the list in /openapi.json" : "aggregates need `step`");
		return false;
	}
	if (ask->points && (ask->step_ms || ask->corrections)) {
		http_problem_send(c->x, HTTP_PROBLEM_BAD_PARAMETER, "points", "points go without step and corrections");
		return false;
	}
	return true;
}

static void get_series(struct http_call *c)
{
	struct asking a;
	if (!begin(c, ASK_SERIES, &a) || !take_steps(c, &a.ask))
		return;
	a.ask.from_ms = value_or(&c->values[FROM], 0);
	a.ask.to_ms = value_or(&c->values[TO], a.ask.now_ms);
	if (audit(&a, "series", &c->values[CASE]))
		answer(&a);
}

static void get_board(struct http_call *c)
{
	struct asking a;
	if (!begin(c, ASK_BOARD, &a))
		return;
	a.ask.group = (enum series_group)value_or(&c->values[BOARD_GROUP], GROUP_SITE);
	answer(&a);
}

static void get_availability(struct http_call *c)
{
	struct asking a;
	if (!begin(c, ASK_AVAILABILITY, &a))
		return;
	a.ask.group = (enum series_group)value_or(&c->values[RATE_GROUP], GROUP_SITE);
	a.ask.from_ms = value_or(&c->values[RATE_FROM], 0);
	a.ask.to_ms = value_or(&c->values[RATE_TO], a.ask.now_ms);
	answer(&a);
}

static void get_status(struct http_call *c)
{
	struct asking a;
	if (!begin(c, ASK_STATUS, &a))
		return;
	a.ask.stream_kind_asked = c->values[STATUS_KIND].set;
	a.ask.stream_kind = (enum stream_kind)value_or(&c->values[STATUS_KIND], STREAM_GAUGE);
	answer(&a);
}

static void get_coverage(struct http_call *c)
{
	struct asking a;
	if (!begin(c, ASK_COVERAGE, &a))
		return;
	a.ask.group = (enum series_group)value_or(&c->values[COVER_GROUP], GROUP_VILLAGE);
	a.ask.target = (uint64_t)value_or(&c->values[COVER_TARGET], 0);
	a.ask.from_ms = value_or(&c->values[COVER_FROM], 0);
	a.ask.to_ms = value_or(&c->values[COVER_TO], a.ask.now_ms);
	answer(&a);
}

/* --- changing a stream --- */

struct edit {
	struct span site, quantity;
	int64_t from_ms;
	struct registry_change changes[DEVICE_FIELD_COUNT];
	size_t count;
	char detail[160];
};

static bool wrong(struct edit *e, const char *what, const char *name)
{
	snprintf(e->detail, sizeof e->detail, "%s: %.80s", what, name);
	return false;
}

static bool take_text(struct edit *e, const char *key, const json_t *value, struct span *out)
{
	if (!json_is_string(value) || !json_string_length(value))
		return wrong(e, "a text is wanted", key);
	*out = span_of(json_string_value(value), json_string_length(value));
	return true;
}

static bool take_field(struct edit *e, const char *key, const json_t *value)
{
	struct registry_change *change = &e->changes[e->count];
	if (e->count == DEVICE_FIELD_COUNT || device_field_parse(span_of_string(key), &change->field))
		return wrong(e, "no such field", key);
	change->value = span_of("", 0);
	if (!json_is_null(value) && !take_text(e, key, value, &change->value))
		return false;
	e->count++;
	return true;
}

static bool take_body(struct edit *e, json_t *body)
{
	const char *key;
	json_t *value, *from = json_object_get(body, "from");
	if (!take_text(e, "site", json_object_get(body, "site"), &e->site) ||
	    !take_text(e, "quantity", json_object_get(body, "quantity"), &e->quantity))
		return false;
	if (json_is_integer(from))
		e->from_ms = json_integer_value(from);
	else if (from && json_is_string(from) && !strcmp(json_string_value(from), "always"))
		e->from_ms = VALID_ALWAYS_FROM;
	else if (from &&
		 (!json_is_string(from) || http_time_parse(span_of_string(json_string_value(from)), &e->from_ms)))
		return wrong(e, "a time as RFC 3339, ms since 1970, or \"always\"", "from");
	json_object_foreach(json_object_get(body, "fields"), key, value)
	{
		if (!take_field(e, key, value))
			return false;
	}
	return true;
}

static void put_edit(struct http_call *c, const struct edit *e)
{
	uint64_t id;
	enum status status = stream_put(engine_streams(http_engine(c->http)), e->site, e->quantity, e->changes,
					e->count, e->from_ms, c->principal.name, false, &id);
	if (status == STATUS_OUT_OF_RANGE || status == STATUS_TOO_LONG || status == STATUS_INVALID ||
	    status == STATUS_MALFORMED) {
		http_problem_send(c->x, HTTP_PROBLEM_BAD_BODY, NULL,
				  "streams have unit, stream_kind, range_min, range_max, limit, base, interval, name, "
				  "note, each a "
				  "text of its kind");
	} else if (status) {
		http_problem_of_status(c->x, status);
	} else {
		char text[48];
		int size = snprintf(text, sizeof text, "{\"stream\":\"%016llx\"}\n", (unsigned long long)id);
		http_answer(c, 200, "application/json", span_of(text, (size_t)size));
	}
}

static void put_stream(struct http_call *c)
{
	json_error_t error;
	struct edit e = {.from_ms = clock_now_ms()};
	const struct buf *text = &c->x->request.body;
	if (!call_may_write(c))
		return;
	json_t *body = json_loadb((const char *)text->data, text->size, JSON_REJECT_DUPLICATES, &error);
	if (!body)
		http_problem_send(c->x, HTTP_PROBLEM_BAD_BODY, NULL, error.text);
	else if (!take_body(&e, body))
		http_problem_send(c->x, HTTP_PROBLEM_BAD_BODY, NULL, e.detail);
	else
		put_edit(c, &e);
	json_decref(body);
}

/* --- history --- */

static enum status put_event(void *context, const struct registry_event *e)
{
	struct json_out *j = context;
	jout_open(j, '{');
	jout_key(j, "number");
	jout_unsigned(j, e->number);
	jout_key(j, "field");
	jout_string(j, device_field_token(e->field));
	jout_key(j, "from");
	jout_time(j, e->from_ms);
	jout_key(j, "value");
	jout_text(j, e->value);
	jout_key(j, "previous");
	jout_text(j, e->previous);
	jout_key(j, "by");
	jout_text(j, e->principal);
	jout_key(j, "at");
	jout_time(j, e->changed_ms);
	jout_close(j, '}');
	return j->status;
}

static void get_stream_history(struct http_call *c)
{
	struct engine *e = http_engine(c->http);
	struct stream s;
	uint64_t id;
	if (parse_hex64(c->path_args[0], &id) || stream_at(engine_streams(e), id, clock_now_ms(), &s) ||
	    !scope_allows(engine_registry(e), &c->principal, s.site, clock_now_ms())) {
		http_problem_send(c->x, HTTP_PROBLEM_NO_DEVICE, NULL, "no such stream, or outside your scope");
		return;
	}
	struct buf text = buf_init(ANSWER_MAX);
	struct json_out j = json_out_init(&text);
	jout_open(&j, '[');
	enum status status = registry_history(streams_registry(engine_streams(e)), id, put_event, &j);
	jout_close(&j, ']');
	if (status || j.status)
		http_problem_of_status(c->x, status ? status : j.status);
	else
		http_answer(c, 200, "application/json", buf_view(&text));
	buf_deinit(&text);
}

static const struct http_route routes[] = {
	{HTTP_GET, 0, "/api/v1/streams", "listStreams", "Streams, by site and quantity.", MEDIA, which_params,
	 COUNT(which_params), get_streams, NULL},
	{HTTP_PUT, HTTP_ROUTE_BODY, "/api/v1/streams", "putStream",
	 "Make a stream, or say something of it from an instant on: {\"site\":..,\"quantity\":..,\"from\":..,"
	 "\"fields\":{..}}.",
	 "application/json", NULL, 0, put_stream, NULL},
	{HTTP_GET, 0, "/api/v1/streams/{stream}/history", "getStreamHistory",
	 "Everything that was ever said of a stream.", "application/json", NULL, 0, get_stream_history, NULL},
	{HTTP_GET, 0, "/api/v1/series", "getSeries",
	 "Values of streams in a span of time, or what they come to step by step or pixel by pixel; audited.", MEDIA,
	 series_params, COUNT(series_params), get_series, NULL},
	{HTTP_GET, 0, "/api/v1/series/last", "getLastValues", "The value of each stream that stands now.", MEDIA,
	 which_params, COUNT(which_params), get_last, NULL},
	{HTTP_GET, 0, "/api/v1/sites/board", "getSiteBoard", "Who reports: by site, village, sector or company.", MEDIA,
	 board_params, COUNT(board_params), get_board, NULL},
	{HTTP_GET, 0, "/api/v1/sites/status", "getSiteStatus",
	 "The last value of each stream, its age, and what is found open of it: alarms, faults, levels.", MEDIA,
	 status_params, COUNT(status_params), get_status, NULL},
	{HTTP_GET, 0, "/api/v1/sites/coverage", "getSiteCoverage",
	 "How many sites have such a monitor, and how many of them reported in a span of time.", MEDIA, coverage_params,
	 COUNT(coverage_params), get_coverage, NULL},
	{HTTP_GET, 0, "/api/v1/sites/availability", "getAvailability",
	 "Coverage and availability over a span of time, with what they mean.", MEDIA, rate_params, COUNT(rate_params),
	 get_availability, NULL},
};

enum status handlers_series_add(struct http *h)
{
	return add_routes(h, routes, COUNT(routes));
}
