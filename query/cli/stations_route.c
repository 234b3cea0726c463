#include "query/cli/stations_route.h"

#include "query/http/http_handlers.h"
#include "query/http/http_problem.h"

/* 256 stations of some 25 counters */
#define ANSWER_MAX (1u << 20)

static void get_stations(struct http_call *c)
{
	struct buf answer = buf_init(ANSWER_MAX);
	enum status status = stations_json(c->route->context, &answer);
	if (status)
		http_problem_of_status(c->x, status);
	else
		http_answer(c, 200, "application/json", buf_view(&answer));
	buf_deinit(&answer);
}

static enum status write_metrics(void *context, struct buf *out)
{
	return stations_metrics(context, out);
}

enum status stations_route_add(struct http *h, struct stations *s)
{
	const struct http_route route = {HTTP_GET,
					 0,
					 "/api/v1/stations",
					 "listStations",
					 "Receivers of AIS, NMEA 0183 and Beidou: their state and what they heard.",
					 "application/json",
					 NULL,
					 0,
					 get_stations,
					 s};
	enum status status = http_add_route(h, &route);
	return status ? status : http_add_metrics(h, write_metrics, s);
}
