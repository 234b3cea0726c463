/* http_policy.h -- who may ask: tokens, and what comes from this machine itself.
 *
 * Loopback without credentials is the principal `local`, scope "all" -- but a browser on this machine also
 * comes from loopback, on behalf of any page it shows. Therefore the Host must be an IP address or
 * "localhost" (a page that re-binds its own name to 127.0.0.1 sends that name), and a request with an Origin
 * other than the server's own is refused. */
#ifndef ZAYTON_QUERY_HTTP_POLICY_H
#define ZAYTON_QUERY_HTTP_POLICY_H

#include "query/http/http.h"

/* STATUS_DENIED: no such token. STATUS_UNSUPPORTED: it may only read. The time taken does not depend on
 * which token nearly fits. */
STATUS_CHECKED enum status policy_of_token(const struct http_token *tokens, size_t count,
					   const struct http_request *request, struct span token,
					   struct principal *out);
/* STATUS_DENIED: not loopback. STATUS_UNSUPPORTED: a foreign page's request. */
STATUS_CHECKED enum status policy_of_loopback(const struct http_request *request, struct principal *out);

#endif
