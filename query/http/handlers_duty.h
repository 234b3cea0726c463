/* handlers_duty.h -- the duty room over HTTP; registered by whoever opened it. */
#ifndef ZAYTON_QUERY_HTTP_HANDLERS_DUTY_H
#define ZAYTON_QUERY_HTTP_HANDLERS_DUTY_H

#include "engine/duty/duty.h"
#include "query/http/http.h"

/* Every route of the duty room. `d` outlives the server. */
STATUS_CHECKED enum status duty_route_add(struct http *h, struct duty *d);

/* --- between the files of the duty room's handlers --- */

static inline struct duty *duty_of(struct http_call *c)
{
	return c->route->context;
}
/* Who may sit in the duty room: scope "all", and the role fishery, office or administrator; to look also police and
 * auditor. False: the problem is sent. */
bool call_on_duty(struct http_call *c);
bool call_sees_duty(struct http_call *c);
/* A row of the audit, before the answer. */
STATUS_CHECKED enum status duty_audit(struct http_call *c, const char *action, uint64_t device, int64_t from_ms,
				      int64_t to_ms);
STATUS_CHECKED enum status duty_routes(struct http *h, struct duty *d, const struct http_route *routes, size_t count);
STATUS_CHECKED enum status roll_call_route_add(struct http *h, struct duty *d);

#endif
