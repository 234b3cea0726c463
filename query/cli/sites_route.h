/* sites_route.h -- gateways of sensors over HTTP: GET /api/v1/gateways, and their counters in /metrics. */
#ifndef ZAYTON_QUERY_SITES_ROUTE_H
#define ZAYTON_QUERY_SITES_ROUTE_H

#include "ingest/sites/sites.h"
#include "query/http/http.h"

/* Before http_start; `s` may be NULL (no sites file) and outlives the server. */
STATUS_CHECKED enum status sites_route_add(struct http *h, struct sites *s);

#endif
