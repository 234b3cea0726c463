#include "query/http/http.h"

#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include "engine/core/hash.h"
#include "engine/core/log.h"
#include "query/export/mask.h"
#include "query/http/backtest_jobs.h"
#include "query/http/http_handlers.h"
#include "query/http/http_policy.h"
#include "query/http/http_pool.h"
#include "query/http/http_problem.h"
#include "query/http/http_rights.h"
#include "query/http/live_feed.h"

#define METRICS_WRITERS_MAX 16

struct http {
	struct http_options options;
	struct http_token *tokens;
	struct http_router router;
	struct http_pool *pool;
	struct http_server *server;
	struct live_feed *live;
	struct http_accounts *accounts;
	struct backtests *backtests;
	uint16_t port;
	struct {
		http_metrics_writer *write;
		void *context;
	} metrics[METRICS_WRITERS_MAX];
	size_t metrics_count;
	_Atomic uint64_t pool_refusals;
};

struct http_options http_options_default(struct engine *e)
{
	return (struct http_options){
		.engine = e,
		.pool_threads = 4,
		.pool_queue = 256,
		.connections_max = 1024,
		.answer_queue_bytes = 256 * 1024,
		.stall_s = 30,
		.keepalive_s = 60,
		.drain_ms = 5000,
		.heartbeat_ms = 15000,
		.purpose_required = true,
	};
}

static enum status add_own_routes(struct http *h)
{
	static enum status (*const adders[])(struct http *) = {
		handlers_system_add,   handlers_devices_add,    handlers_positions_add,  handlers_tracks_add,
		handlers_records_add,  handlers_holds_add,      handlers_rules_add,      handlers_violation_counts_add,
		handlers_live_add,     handlers_violations_add, handlers_evidence_add,   handlers_archive_add,
		handlers_commands_add, handlers_ledger_add,     handlers_calendar_add,   handlers_series_add,
		handlers_session_add,  handlers_weighings_add,  handlers_collisions_add, handlers_backtest_add};
	for (size_t i = 0; i < sizeof adders / sizeof adders[0]; i++) {
		enum status status = adders[i](h);
		if (status)
			return status;
	}
	return STATUS_OK;
}

enum status http_new(const struct http_options *options, struct http **out)
{
	struct http *h = calloc(1, sizeof *h);
	if (!h)
		return STATUS_NO_MEMORY;
	h->options = *options;
	enum status status = STATUS_NO_MEMORY;
	if (options->token_count) {
		h->tokens = calloc(options->token_count, sizeof *h->tokens);
		if (!h->tokens)
			goto fail;
		memcpy(h->tokens, options->tokens, options->token_count * sizeof *h->tokens);
	}
	h->options.tokens = h->tokens;
	status = add_own_routes(h);
	if (!status && options->engine)
		status = accounts_new(engine_store(options->engine), options->tls_certificate != NULL, &h->accounts);
	if (status)
		goto fail;
	*out = h;
	return STATUS_OK;
fail:
	http_free(h);
	return status;
}

void http_free(struct http *h)
{
	if (!h)
		return;
	http_stop(h);
	accounts_free(h->accounts);
	free(h->tokens);
	router_deinit(&h->router);
	free(h);
}

enum status http_add_route(struct http *h, const struct http_route *route)
{
	return h->server ? STATUS_INVALID : router_add(&h->router, route);
}

enum status http_add_metrics(struct http *h, http_metrics_writer *writer, void *context)
{
	if (h->metrics_count == METRICS_WRITERS_MAX)
		return STATUS_FULL;
	h->metrics[h->metrics_count].write = writer;
	h->metrics[h->metrics_count++].context = context;
	return STATUS_OK;
}

struct engine *http_engine(struct http *h)
{
	return h->options.engine;
}

struct http_accounts *http_accounts(struct http *h)
{
	return h->accounts;
}

struct live_feed *http_live(struct http *h)
{
	return h->live;
}

struct backtests *http_backtests(struct http *h)
{
	return h->backtests;
}

const struct http_router *http_routes(const struct http *h)
{
	return &h->router;
}

uint16_t http_port(const struct http *h)
{
	return h->port;
}

/* --- one question --- */

static void run_handler(struct http_call *c)
{
	struct http_exchange *x = c->x;
	bool masked = mask_set(!http_rights_reads(&c->principal, HTTP_RIGHTS_PERSONAL));
	c->route->handler(c);
	mask_set(masked);
	if (!x->begun)
		http_problem_send(x, HTTP_PROBLEM_INTERNAL, NULL, "the question was not answered");
	else if (!c->kept && !x->finished)
		exchange_abort(x);
	free(c);
	exchange_unref(x);
}

static void run_pooled(void *job)
{
	run_handler(job);
}

static void refuse_method(struct http_exchange *x, unsigned allowed)
{
	char allow[80];
	router_allow_text(allowed, allow);
	if (exchange_header(x, "allow", allow))
		log_warn("http", "no room for a header");
	if (x->request.method == HTTP_OPTIONS) {
		exchange_begin(x, 204, NULL);
		exchange_end(x);
	} else {
		http_problem_send(x, HTTP_PROBLEM_BAD_METHOD, NULL, "this path does not take this method");
	}
}

/* Who asks; false when the exchange is answered already. */
static bool admit(struct http *h, struct http_exchange *x, const struct http_route *route, struct principal *out)
{
	const char *credentials = x->request.authorization;
	struct span token = {NULL, 0};
	if (route->flags & HTTP_ROUTE_OPEN)
		return true;
	enum status status = STATUS_OK;
	if (!strncasecmp(credentials, "Bearer ", 7))
		token = span_of_string(credentials + 7);
	else if (!strncasecmp(credentials, "Token ", 6)) /* as agents of InfluxDB 2 say it */
		token = span_of_string(credentials + 6);
	else if (*credentials)
		status = STATUS_DENIED;
	http_policy *policy = h->options.policy ? h->options.policy : http_policy_default;
	void *context = h->options.policy ? h->options.policy_context : h;
	if (!status)
		status = policy(context, &x->request, token, out);
	if (!status && http_rights_admit(route->id, out))
		return true;
	if (!status) {
		http_problem_send(x, HTTP_PROBLEM_FORBIDDEN, NULL, "your role may not ask this 您的角色无权进行此操作");
		return false;
	}
	bool unknown = status == STATUS_DENIED;
	if (unknown && exchange_header(x, "www-authenticate", "Bearer realm=\"zayton\""))
		log_warn("http", "no room for a header");
	http_problem_send(x, unknown ? HTTP_PROBLEM_UNAUTHORIZED : HTTP_PROBLEM_FORBIDDEN, NULL,
			  unknown ? "log in, or send a valid bearer token 请先登录" : "this is not permitted");
	return false;
}

/* GeoJSON (RFC 7946) is JSON. */
static bool is_json(const struct http_exchange *x)
{
	return !strncasecmp(x->request.content_type, "application/json", 16) ||
	       !strncasecmp(x->request.content_type, "application/geo+json", 20);
}

static bool is_text(const struct http_exchange *x)
{
	return !strncasecmp(x->request.content_type, "text/plain", 10);
}

static struct http_call *make_call(struct http *h, struct http_exchange *x, const struct route_match *match)
{
	struct http_call *c = calloc(1, sizeof *c + strlen(x->request.query) + 1);
	if (!c)
		return NULL;
	c->http = h;
	c->x = x;
	c->route = match->route;
	c->path_arg_count = match->arg_count;
	memcpy(c->path_args, match->args, sizeof c->path_args);
	return c;
}

static void answer_or_queue(struct http *h, struct http_call *c)
{
	struct http_exchange *x = c->x;
	exchange_ref(x);
	if (c->route->flags & HTTP_ROUTE_INLINE) {
		run_handler(c);
		return;
	}
	x->on_loop = false;
	if (!pool_submit(h->pool, run_pooled, c))
		return;
	x->on_loop = true;
	h->pool_refusals++;
	if (exchange_header(x, "retry-after", "1"))
		log_warn("http", "no room for a header");
	http_problem_send(x, HTTP_PROBLEM_BUSY, NULL, "all readers are busy and the queue is full");
	free(c);
	exchange_unref(x);
}

static bool says(const struct http_call *c, const char *parameter)
{
	for (size_t i = 0; i < c->route->param_count; i++)
		if (!strcmp(c->route->params[i].name, parameter) && c->values[i].set && c->values[i].text.size)
			return true;
	return false;
}

/* A person that asks for a history of positions says what for. */
static bool lacks_purpose(const struct http_call *c)
{
	bool writes;
	return http_is_person(&c->principal) && http_rights_is_history(http_rights_of(c->route->id, &writes)) &&
	       !says(c, "purpose") && !says(c, "case");
}

static void on_request(void *context, struct http_exchange *x)
{
	struct http *h = context;
	struct route_match match;
	struct principal principal = {.name = ""};
	struct http_params_error error;
	x->on_loop = true;
	router_match(&h->router, x->request.method, x->request.path, &match);
	if (!match.allowed) {
		http_problem_send(x, HTTP_PROBLEM_NO_ROUTE, NULL, "there is nothing at this path");
		return;
	}
	if (!match.route) {
		refuse_method(x, match.allowed);
		return;
	}
	if (!admit(h, x, match.route, &principal))
		return;
	if ((match.route->flags & HTTP_ROUTE_BODY) && !is_json(x)) {
		http_problem_send(x, HTTP_PROBLEM_BAD_MEDIA, NULL, "the body must be application/json");
		return;
	}
	if ((match.route->flags & HTTP_ROUTE_TEXT) && !is_text(x)) {
		http_problem_send(x, HTTP_PROBLEM_BAD_MEDIA, NULL, "the body must be text/plain");
		return;
	}
	struct http_call *c = make_call(h, x, &match);
	if (!c) {
		http_problem_send(x, HTTP_PROBLEM_INTERNAL, NULL, "out of memory");
		return;
	}
	c->principal = principal;
	if (http_params_parse(c->route->params, c->route->param_count, x->request.query, c->storage, c->values,
			      &error)) {
		http_problem_send(x, HTTP_PROBLEM_BAD_PARAMETER, error.name, error.detail);
		free(c);
		return;
	}
	if (h->options.purpose_required && lacks_purpose(c)) {
		http_problem_send(x, HTTP_PROBLEM_BAD_PARAMETER, "purpose",
				  "a history of positions is told for a purpose, or a case 须说明查询用途或案件编号");
		free(c);
		return;
	}
	answer_or_queue(h, c);
}

/* --- life --- */

/* What was started before the server could not be. */
static void end_threads(struct http *h)
{
	if (h->live)
		live_feed_stop(h->live);
	live_feed_free(h->live);
	pool_free(h->pool);
	backtests_free(h->backtests);
	h->live = NULL;
	h->pool = NULL;
	h->backtests = NULL;
}

enum status http_start(struct http *h)
{
	const struct http_options *o = &h->options;
	struct http_server_options server = {
		.address = o->address,
		.port = o->port,
		.tls_certificate = o->tls_certificate,
		.tls_key = o->tls_key,
		.connections_max = o->connections_max,
		.queue_max = o->answer_queue_bytes,
		.stall_s = o->stall_s,
		.keepalive_s = o->keepalive_s,
		.drain_ms = o->drain_ms,
		.on_request = on_request,
		.context = h,
	};
	enum status status = pool_new(o->pool_threads, o->pool_queue, &h->pool);
	if (!status && o->engine)
		status = backtests_new(o->engine, &h->backtests);
	if (!status && o->engine)
		status = live_feed_start(o->engine, h->accounts, o->heartbeat_ms, &h->live);
	if (!status)
		status = http_server_start(&server, &h->server);
	if (!status)
		h->port = http_server_port(h->server);
	else
		end_threads(h);
	return status;
}

void http_stop(struct http *h)
{
	if (!h->server)
		return;
	if (h->live)
		live_feed_stop(h->live);
	http_server_stop(h->server);
	pool_free(h->pool);
	backtests_free(h->backtests);
	live_feed_free(h->live);
	http_server_free(h->server);
	h->pool = NULL;
	h->backtests = NULL;
	h->live = NULL;
	h->server = NULL;
}

/* --- for handlers --- */

void call_audit_fill(const struct http_call *c, struct audit_entry *e)
{
	e->who = c->principal;
	snprintf(e->address, sizeof e->address, "%.47s", c->x->request.peer);
	if (!(c->route->flags & HTTP_ROUTE_PURPOSE))
		return;
	const struct http_value *purpose = &c->values[c->route->param_count - 1];
	if (purpose->set)
		snprintf(e->purpose, sizeof e->purpose, "%s", (const char *)purpose->text.data);
}

enum status call_audit(const struct http_call *c, struct audit_entry *e)
{
	call_audit_fill(c, e);
	return audit_write(engine_store(http_engine(c->http)), e);
}

void http_answer(struct http_call *c, unsigned status, const char *content_type, struct span body)
{
	exchange_begin(c->x, status, content_type);
	if (exchange_write(c->x, body) == STATUS_NO_MEMORY)
		exchange_abort(c->x);
	else
		exchange_end(c->x);
}

void http_answer_cached(struct http_call *c, const char *content_type, struct span body)
{
	char etag[24];
	snprintf(etag, sizeof etag, "\"%016llx\"", (unsigned long long)hash64(body));
	if (exchange_header(c->x, "etag", etag))
		log_warn("http", "no room for a header");
	if (strstr(c->x->request.if_none_match, etag)) {
		exchange_begin(c->x, 304, NULL);
		exchange_end(c->x);
		return;
	}
	http_answer(c, 200, content_type, body);
}

static enum status write_own_metrics(struct http *h, struct buf *out)
{
	struct http_server_stats s;
	http_server_stats(h->server, &s);
	return buf_printf(out,
			  "# HELP zayton_http_connections Connections open now.\n"
			  "# TYPE zayton_http_connections gauge\nzayton_http_connections %llu\n"
			  "# HELP zayton_http_accepted_total Connections accepted.\n"
			  "# TYPE zayton_http_accepted_total counter\nzayton_http_accepted_total %llu\n"
			  "# HELP zayton_http_requests_total Requests handed to a route.\n"
			  "# TYPE zayton_http_requests_total counter\nzayton_http_requests_total %llu\n"
			  "# HELP zayton_http_refused_total Connections and requests refused before a route.\n"
			  "# TYPE zayton_http_refused_total counter\nzayton_http_refused_total %llu\n"
			  "# HELP zayton_http_busy_total Requests refused because every reader was busy.\n"
			  "# TYPE zayton_http_busy_total counter\nzayton_http_busy_total %llu\n"
			  "# HELP zayton_http_cut_total Answers cut because the client left or stalled.\n"
			  "# TYPE zayton_http_cut_total counter\nzayton_http_cut_total %llu\n"
			  "# HELP zayton_http_sent_bytes_total Bytes of answers.\n"
			  "# TYPE zayton_http_sent_bytes_total counter\nzayton_http_sent_bytes_total %llu\n"
			  "# HELP zayton_http_pool_queue Questions waiting for a reader.\n"
			  "# TYPE zayton_http_pool_queue gauge\nzayton_http_pool_queue %zu\n",
			  (unsigned long long)s.open, (unsigned long long)s.accepted, (unsigned long long)s.requests,
			  (unsigned long long)s.refused, (unsigned long long)h->pool_refusals,
			  (unsigned long long)s.cut, (unsigned long long)s.bytes_sent, pool_queued(h->pool));
}

enum status http_write_metrics(struct http *h, struct buf *out)
{
	enum status status = write_own_metrics(h, out);
	if (!status && h->accounts)
		status = accounts_metrics(h->accounts, out);
	for (size_t i = 0; i < h->metrics_count && !status; i++)
		status = h->metrics[i].write(h->metrics[i].context, out);
	return status;
}

/* --- who asks --- */

enum status http_policy_default(void *context, const struct http_request *request, struct span token,
				struct principal *out)
{
	const struct http *h = context;
	if (token.size)
		return policy_of_token(h->tokens, h->options.token_count, request, token, out);
	enum status status = h->accounts ? accounts_admit(h->accounts, request, out) : STATUS_EMPTY;
	return status == STATUS_EMPTY ? policy_of_loopback(request, out) : status;
}
