/* handlers_live.c -- the live feeds of violations and positions as server-sent events. */
#include "engine/core/clock.h"
#include "engine/core/log.h"
#include "query/http/http_handlers.h"
#include "query/http/http_problem.h"
#include "query/http/http_stream.h"
#include "query/http/live_feed.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static const struct http_param params[] = {
	{"after", HTTP_PARAM_INTEGER, false, 0, INT64_MAX, NULL,
	 "go on after this id; what comes from now on when left out; Last-Event-ID wins (HTTP/1.1)"},
};

static const struct http_param position_params[] = {
	{"after", HTTP_PARAM_INTEGER, false, 0, INT64_MAX, NULL,
	 "devices heard of after this instant, ms since 1970 UTC; from now on when left out; Last-Event-ID wins "
	 "(HTTP/1.1)"},
};

/* Where to go on: never past `last`, what there is. */
static bool read_after(struct http_call *c, uint64_t last, uint64_t *out)
{
	const char *id = c->x->request.last_event_id;
	int64_t after = value_or(&c->values[0], INT64_MAX);
	if (*id && http_integer_parse(span_of_string(id), 0, INT64_MAX, &after)) {
		http_problem_send(c->x, HTTP_PROBLEM_BAD_PARAMETER, "Last-Event-ID", "an id is a number");
		return false;
	}
	*out = (uint64_t)after < last ? (uint64_t)after : last;
	return true;
}

static void begin(struct http_call *c, enum live_kind kind, uint64_t last)
{
	uint64_t after;
	if (!read_after(c, last, &after))
		return;
	if (exchange_header(c->x, "cache-control", "no-store") || exchange_header(c->x, "x-accel-buffering", "no"))
		log_warn("http", "no room for a header");
	enum status status = live_feed_add(http_live(c->http), kind, c->x, &c->principal, after);
	c->kept = !status;
	if (status)
		http_problem_send(c->x, HTTP_PROBLEM_BUSY, NULL,
				  status == STATUS_FULL ? "too many listen already" : "the server is ending");
}

static void get_violations_live(struct http_call *c)
{
	begin(c, LIVE_VIOLATIONS, findings_feed_last(engine_findings(http_engine(c->http))));
}

static void get_positions_live(struct http_call *c)
{
	begin(c, LIVE_POSITIONS, (uint64_t)clock_now_ms());
}

static const struct http_route routes[] = {
	{HTTP_GET, 0, "/api/v1/violations/live", "listenToViolations",
	 "What happens to violations as server-sent events, each with the violation as it stands; `id` goes on.",
	 "text/event-stream", params, COUNT(params), get_violations_live, NULL},
	{HTTP_GET, 0, "/api/v1/positions/live", "listenToPositions",
	 "Positions as they come, as server-sent events; `id` goes on, a position may come twice.", "text/event-stream",
	 position_params, COUNT(position_params), get_positions_live, NULL},
};

enum status handlers_live_add(struct http *h)
{
	return add_routes(h, routes, COUNT(routes));
}
