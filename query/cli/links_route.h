/* links_route.h -- links with other platforms over HTTP: here, because it joins ingest/platform and query/http. */
#ifndef ZAYTON_QUERY_LINKS_ROUTE_H
#define ZAYTON_QUERY_LINKS_ROUTE_H

#include "query/http/http.h"

struct platform;
/* `p` NULL: there are no links, and the answers say so. */
STATUS_CHECKED enum status links_route_add(struct http *h, struct platform *p);

#endif
