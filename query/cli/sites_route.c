#include "query/cli/sites_route.h"

#include "query/http/http_handlers.h"
#include "query/http/http_problem.h"

/* 48 listeners and brokers of some 20 counters */
#define ANSWER_MAX (1u << 20)

static void get_gateways(struct http_call *c)
{
	struct buf answer = buf_init(ANSWER_MAX);
	enum status status = sites_json(c->route->context, &answer);
	if (status)
		http_problem_of_status(c->x, status);
	else
		http_answer(c, 200, "application/json", buf_view(&answer));
	buf_deinit(&answer);
}

static enum status write_metrics(void *context, struct buf *out)
{
	return sites_metrics(context, out);
}

enum status sites_route_add(struct http *h, struct sites *s)
{
	const struct http_route route = {
		HTTP_GET,
		0,
		"/api/v1/gateways",
		"listGateways",
		"Listeners for sensors and brokers of MQTT: their connections and what they took and refused.",
		"application/json",
		NULL,
		0,
		get_gateways,
		s};
	enum status status = http_add_route(h, &route);
	return status ? status : http_add_metrics(h, write_metrics, s);
}
