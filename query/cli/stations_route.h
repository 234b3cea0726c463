/* stations_route.h -- receivers over HTTP: GET /api/v1/stations, and their counters in /metrics. */
#ifndef ZAYTON_QUERY_STATIONS_ROUTE_H
#define ZAYTON_QUERY_STATIONS_ROUTE_H

#include "ingest/stations/stations.h"
#include "query/http/http.h"

/* Before http_start; `s` may be NULL (no stations) and outlives the server. */
STATUS_CHECKED enum status stations_route_add(struct http *h, struct stations *s);

#endif
