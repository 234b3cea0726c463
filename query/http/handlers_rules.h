/* handlers_rules.h -- rules that come in a question, read as PUT /api/v1/rules reads them. */
#ifndef ZAYTON_QUERY_HTTP_HANDLERS_RULES_H
#define ZAYTON_QUERY_HTTP_HANDLERS_RULES_H

#include "engine/detect/rules.h"
#include "query/http/http.h"

/* A book of its own for the caller. False: the problem is sent, with every mistake at its line (422). */
bool call_rulebook(struct http_call *c, struct span text, struct rulebook **out);

#endif
