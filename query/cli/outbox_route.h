/* outbox_route.h -- what leaves for other systems over HTTP: here, because it joins query/outbox and query/http. */
#ifndef ZAYTON_QUERY_OUTBOX_ROUTE_H
#define ZAYTON_QUERY_OUTBOX_ROUTE_H

#include "query/http/http.h"
#include "query/outbox/outbox.h"

/* Reads the file of destinations, `path` "" for none: then `*out` is NULL. `give_up_h`: behind so
 * many hours what is not taken is parked. Mistakes go to standard error.
 * STATUS_MALFORMED, STATUS_IO, and what outbox_open says. */
STATUS_CHECKED enum status outbox_route_open(const char *path, unsigned give_up_h, struct engine *e, struct hazards *r,
					     struct calendar *calendar, struct outbox **out);
/* Before http_start; `o` may be NULL (nothing leaves) and outlives the server. */
STATUS_CHECKED enum status outbox_route_add(struct http *h, struct outbox *o);

#endif
