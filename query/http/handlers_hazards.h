/* handlers_hazards.h -- the hazard register over HTTP; registered by whoever opened it. */
#ifndef ZAYTON_QUERY_HTTP_HANDLERS_HAZARDS_H
#define ZAYTON_QUERY_HTTP_HANDLERS_HAZARDS_H

#include "engine/register/hazards.h"
#include "query/http/http.h"

/* Lists, one hazard, its history, counts, liability; and steps. `r` outlives the server. */
STATUS_CHECKED enum status hazards_route_add(struct http *h, struct hazards *r);

/* --- between the files of the register's handlers --- */

/* Who asks, as the register's law knows him. STATUS_DENIED: no role of the register. */
STATUS_CHECKED enum status hazard_actor_of(const struct principal *p, struct hazard_actor *out);
/* The hazard named by the path, if the principal may see it. False: the problem is sent. */
bool call_hazard(struct http_call *c, struct hazard *out);
/* Scope narrows what is listed; one that is none of the known kinds sees nothing. False: the problem is sent. */
bool call_hazard_scope(struct http_call *c, struct hazard_filter *f);
/* The answer of one hazard with its ETag; `status` 200 or 201. */
void answer_hazard(struct http_call *c, unsigned status, uint64_t id);
STATUS_CHECKED enum status hazards_steps_route_add(struct http *h, struct hazards *r);
STATUS_CHECKED enum status hazards_books_route_add(struct http *h, struct hazards *r);

#endif
