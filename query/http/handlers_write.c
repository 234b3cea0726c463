#include "query/http/handlers_write.h"

#include <inttypes.h>
#include <stdio.h>
#include <strings.h>

#include "engine/core/log.h"
#include "query/export/json_out.h"
#include "query/http/http_inflate.h"
#include "query/http/http_problem.h"
#include "query/http/http_stream.h"

/* Agents look at the first number alone. */
#define INFLUX_VERSION "1.8-zayton-" ZAYTON_VERSION
#define ANSWER_MAX 4096
#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static void add_header(struct http_call *c, const char *name, const char *value)
{
	if (exchange_header(c->x, name, value))
		log_warn("http", "no room for a header");
}

/* --- what both versions share --- */

/* {"error":"..."} of version 1, {"code":"...","message":"...","line":N} of version 2. */
static void answer_error(struct http_call *c, bool v2, unsigned status, const char *text, uint64_t line)
{
	struct buf body = buf_init(ANSWER_MAX);
	struct json_out j = json_out_init(&body);
	jout_open(&j, '{');
	if (v2) {
		jout_key(&j, "code");
		jout_string(&j, status == 413 ? "request too large" : "invalid");
	}
	jout_key(&j, v2 ? "message" : "error");
	jout_string(&j, text);
	if (v2 && line) {
		jout_key(&j, "line");
		jout_unsigned(&j, line);
	}
	jout_close(&j, '}');
	if (!v2)
		add_header(c, "x-influxdb-error", status == 413 ? "request too large" : "partial write");
	http_answer(c, status, "application/json", buf_view(&body));
	buf_deinit(&body);
}

/* The body as lines: itself, or unpacked into `room`. False: answered. */
static bool take_body(struct http_call *c, bool v2, struct buf *room, struct span *out)
{
	const struct http_request *r = &c->x->request;
	*out = buf_view(&r->body);
	if (!*r->content_encoding || !strcasecmp(r->content_encoding, "identity"))
		return true;
	if (strcasecmp(r->content_encoding, "gzip") != 0) {
		answer_error(c, v2, 415, "only the content coding gzip is known", 0);
		return false;
	}
	enum status status = http_gunzip(*out, room);
	*out = buf_view(room);
	if (status == STATUS_NO_MEMORY)
		http_problem_of_status(c->x, status);
	else if (status)
		answer_error(c, v2, status == STATUS_TOO_LONG ? 413 : 400,
			     status == STATUS_TOO_LONG ? "the unpacked body is too large" : "gzip: invalid body", 0);
	return !status;
}

static void answer_refused(struct http_call *c, bool v2, const struct lines_answer *a)
{
	char text[sizeof a->detail + 96];
	/* agents of version 1 look for "partial write" to tell lines that will never be taken from those to send again
	 */
	snprintf(text, sizeof text, "partial write: %s dropped=%" PRIu64, a->detail, a->refused);
	answer_error(c, v2, 400, text, a->first_line);
}

static void write_lines(struct http_call *c, bool v2, const struct http_value *precision)
{
	const struct lines_sink *sink = c->route->context;
	struct buf room = buf_init(LINES_BODY_MAX);
	struct span text;
	struct lines_answer a = {.taken = 0};
	if (!call_may_write(c))
		return;
	if (take_body(c, v2, &room, &text)) {
		enum status status =
			sink->write(sink->context, text, precision->set ? (const char *)precision->text.data : "", &a);
		if (status == STATUS_NOT_FOUND) {
			answer_error(c, v2, 400, "invalid precision: use ns, us, ms or s (n, u, m, h)", 0);
		} else if (status) {
			if (status == STATUS_BUSY)
				add_header(c, "retry-after", "1");
			http_problem_of_status(c->x, status);
		} else if (a.refused) {
			answer_refused(c, v2, &a);
		} else {
			add_header(c, "x-influxdb-version", INFLUX_VERSION);
			exchange_begin(c->x, 204, NULL);
			exchange_end(c->x);
		}
	}
	buf_deinit(&room);
}

/* --- version 1 --- */

enum { V1_PRECISION, V1_DB, V1_RP, V1_CONSISTENCY, V1_USER, V1_PASSWORD };
static const struct http_param v1_params[] = {
	[V1_PRECISION] = {"precision", HTTP_PARAM_TEXT, false, 0, 8, NULL,
			  "of timestamps: n (ns), u (us), ms, s, m, h; nanoseconds when left out"},
	[V1_DB] = {"db", HTTP_PARAM_TEXT, false, 0, 255, NULL, "ignored: there is one store"},
	[V1_RP] = {"rp", HTTP_PARAM_TEXT, false, 0, 255, NULL, "ignored: retention is by class"},
	[V1_CONSISTENCY] = {"consistency", HTTP_PARAM_TEXT, false, 0, 32, NULL, "ignored"},
	[V1_USER] = {"u", HTTP_PARAM_TEXT, false, 0, 255, NULL, "ignored: say a bearer token"},
	[V1_PASSWORD] = {"p", HTTP_PARAM_TEXT, false, 0, 255, NULL, "ignored: say a bearer token"},
};

static void post_write(struct http_call *c)
{
	write_lines(c, false, &c->values[V1_PRECISION]);
}

static void get_ping(struct http_call *c)
{
	add_header(c, "x-influxdb-version", INFLUX_VERSION);
	exchange_begin(c->x, 204, NULL);
	exchange_end(c->x);
}

enum { QUERY_Q };
static const struct http_param query_params[] = {
	[QUERY_Q] = {"q", HTTP_PARAM_TEXT, false, 0, HTTP_TEXT_MAX, NULL, "CREATE DATABASE, which is taken as done"},
	{"db", HTTP_PARAM_TEXT, false, 0, 255, NULL, "ignored"},
	{"epoch", HTTP_PARAM_TEXT, false, 0, 8, NULL, "ignored"},
	{"u", HTTP_PARAM_TEXT, false, 0, 255, NULL, "ignored: say a bearer token"},
	{"p", HTTP_PARAM_TEXT, false, 0, 255, NULL, "ignored: say a bearer token"},
};

static bool creates_database(struct span text)
{
	static const char *const forms[] = {"CREATE DATABASE", "CREATE+DATABASE", "CREATE%20DATABASE"};
	for (size_t i = 0; i < COUNT(forms); i++)
		if (text.size >= strlen(forms[i]) && !strncasecmp((const char *)text.data, forms[i], strlen(forms[i])))
			return true;
	return false;
}

static void post_query(struct http_call *c)
{
	struct span body = buf_view(&c->x->request.body);
	struct span q = c->values[QUERY_Q].set ? c->values[QUERY_Q].text : body;
	if (!c->values[QUERY_Q].set && body.size > 2 && !memcmp(body.data, "q=", 2))
		q = span_of(body.data + 2, body.size - 2);
	if (creates_database(q))
		http_answer(c, 200, "application/json", span_of_string("{\"results\":[{\"statement_id\":0}]}\n"));
	else
		answer_error(c, false, 400, "InfluxQL is not answered here: ask /api/v1/series", 0);
}

/* --- version 2 --- */

enum { V2_PRECISION, V2_ORG, V2_ORG_ID, V2_BUCKET };
static const struct http_param v2_params[] = {
	[V2_PRECISION] = {"precision", HTTP_PARAM_TEXT, false, 0, 8, NULL,
			  "of timestamps: ns, us, ms, s; nanoseconds when left out"},
	[V2_ORG] = {"org", HTTP_PARAM_TEXT, false, 0, 255, NULL, "ignored"},
	[V2_ORG_ID] = {"orgID", HTTP_PARAM_TEXT, false, 0, 255, NULL, "ignored"},
	[V2_BUCKET] = {"bucket", HTTP_PARAM_TEXT, false, 0, 255, NULL, "ignored: there is one store"},
};

static void post_write_v2(struct http_call *c)
{
	write_lines(c, true, &c->values[V2_PRECISION]);
}

enum status handlers_write_add(struct http *h, const struct lines_sink *sink)
{
	void *context = (void *)(uintptr_t)sink;
	const struct http_route routes[] = {
		{HTTP_POST, HTTP_ROUTE_LINES, "/write", "writeLines",
		 "Values as line protocol; 204 when they are durable, 400 tells of lines refused while the others are.",
		 "", v1_params, COUNT(v1_params), post_write, context},
		{HTTP_POST, HTTP_ROUTE_LINES, "/api/v2/write", "writeLinesV2",
		 "The same as agents of InfluxDB 2 send it.", "", v2_params, COUNT(v2_params), post_write_v2, context},
		{HTTP_GET, HTTP_ROUTE_OPEN | HTTP_ROUTE_INLINE, "/ping", "ping", "That line protocol is taken here.",
		 "", NULL, 0, get_ping, NULL},
		{HTTP_POST, HTTP_ROUTE_LINES, "/query", "queryInflux",
		 "CREATE DATABASE of agents is taken as done; nothing else is answered.", "application/json",
		 query_params, COUNT(query_params), post_query, NULL},
	};
	return add_routes(h, routes, COUNT(routes));
}
