/* handlers_township.h -- calendar, figures and tables of the township over HTTP; registered by whoever opened them. */
#ifndef ZAYTON_QUERY_HTTP_HANDLERS_TOWNSHIP_H
#define ZAYTON_QUERY_HTTP_HANDLERS_TOWNSHIP_H

#include <jansson.h>

#include "engine/register/blacklist.h"
#include "engine/register/calendar.h"
#include "query/export/paper.h"
#include "query/http/handlers_hazards.h"

struct township {
	struct hazards *hazards;
	struct figures *figures;
	struct calendar *calendar;
	struct blacklist *blacklist;
};

/* Tasks, enterprises, figures, tables, rates. `t` and what it names outlive the server. */
STATUS_CHECKED enum status township_route_add(struct http *h, const struct township *t);

/* --- between the files of these handlers --- */

static inline const struct township *township_of(const struct http_call *c)
{
	return c->route->context;
}
/* A date YYYY-MM-DD of a parameter, `otherwise` when it is not given. False: the problem is sent. */
bool call_day(struct http_call *c, unsigned param, int32_t otherwise, int32_t *out);
/* Answers with the paper as `form`, and frees it; `status` is what making it said, `name` the file's. */
void answer_paper(struct http_call *c, struct paper *p, enum status status, unsigned form, const char *name);
/* The JSON object of the body, which the caller gives back; NULL: the problem is sent. */
json_t *call_object(struct http_call *c, const char *const *keys, size_t count);
/* A text of it, empty when it is not there. False: the problem is sent. */
bool body_text(struct http_call *c, const json_t *body, const char *key, size_t max, struct span *out);
bool body_day(struct http_call *c, const json_t *body, const char *key, int32_t *out);
/* Who asks, as the register's law knows him. False: the problem is sent. */
bool call_actor(struct http_call *c, struct hazard_actor *out);
/* If-Match: "7" as 7, 0 without one. False: the problem is sent. */
bool call_version(struct http_call *c, uint32_t *out);

STATUS_CHECKED enum status tasks_route_add(struct http *h, const struct township *t);
STATUS_CHECKED enum status blacklist_route_add(struct http *h, const struct township *t);
STATUS_CHECKED enum status tables_route_add(struct http *h, const struct township *t);

#endif
