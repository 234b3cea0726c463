/* handlers_violations.h -- naming one violation by the path. */
#ifndef ZAYTON_QUERY_HTTP_HANDLERS_VIOLATIONS_H
#define ZAYTON_QUERY_HTTP_HANDLERS_VIOLATIONS_H

#include "engine/fleet/findings.h"
#include "query/http/http.h"

/* The violation of the path's first argument, when who asks may see it. False: the problem is sent. */
bool call_violation(struct http_call *c, struct violation *out);

#endif
