/* lines_route.h -- line protocol of HTTP and UDP into the engine: where query and ingest meet. */
#ifndef ZAYTON_QUERY_CLI_LINES_ROUTE_H
#define ZAYTON_QUERY_CLI_LINES_ROUTE_H

#include "engine/core/settings.h"
#include "query/http/http.h"

struct lines_route;
/* Reads the mapping file and opens the UDP socket, when the settings name them. Mistakes go to the log. STATUS_INVALID,
 * STATUS_IO, STATUS_NOT_FOUND (the file). */
STATUS_CHECKED enum status lines_route_new(const struct settings *s, struct engine *e, struct lines_route **out);
/* Before engine_stop, and after the server has ended; NULL is allowed. */
void lines_route_free(struct lines_route *r);
STATUS_CHECKED enum status lines_route_add(struct lines_route *r, struct http *h);
/* -1 when it is off. */
int lines_route_port_udp(const struct lines_route *r);

#endif
