#include "engine/core/clock.h"
#include "query/export/json_out.h"
#include "query/http/http_handlers.h"
#include "query/http/http_problem.h"

static void get_health(struct http_call *c)
{
	static const char text[] = "{\"status\":\"ok\"}\n";
	http_answer(c, 200, "application/json", span_of(text, sizeof text - 1));
}

static const struct http_route routes[] = {
	{HTTP_GET, "/healthz", "getHealth", "The server answers.", "application/json", NULL, 0,
	 HTTP_ROUTE_INLINE | HTTP_ROUTE_OPEN, get_health, NULL},
};

enum status handlers_system_add(struct http *h)
{
	enum status status = STATUS_OK;
	for (size_t i = 0; i < sizeof routes / sizeof routes[0] && !status; i++)
		status = http_add_route(h, &routes[i]);
	return status;
}
