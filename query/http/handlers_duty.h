/* handlers_duty.h -- the duty room over HTTP; registered by whoever opened it. */
#ifndef ZAYTON_QUERY_HTTP_HANDLERS_DUTY_H
#define ZAYTON_QUERY_HTTP_HANDLERS_DUTY_H

#include "engine/duty/duty.h"
#include "query/http/http_stream.h"
#include "query/http/record_body.h"

/* Every route of the duty room. `d` outlives the server. */
STATUS_CHECKED enum status duty_route_add(struct http *h, struct duty *d);

/* --- between the files of the duty room's handlers (duty_call.c) --- */

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
STATUS_CHECKED enum status alarms_route_add(struct http *h, struct duty *d);
STATUS_CHECKED enum status warnings_route_add(struct http *h, struct duty *d);
STATUS_CHECKED enum status incidents_route_add(struct http *h, struct duty *d);
STATUS_CHECKED enum status boat_messages_route_add(struct http *h, struct duty *d);

/* The number of the path. False: the problem is sent. */
bool call_number(struct http_call *c, uint64_t *out);
/* Nothing more is to be said on STATUS_OK: false. Else the problem of a step of the duty room. */
bool duty_refused(struct http_call *c, enum status status);
/* {"id": N} with 201. */
void answer_id(struct http_call *c, uint64_t id);

/* Lists of a book, newest first:
 *   PAGE_PARAMS(STATE) first of the route's parameters: state (a TOKEN field `state`), limit, before */
enum { PAGE_STATE, PAGE_LIMIT, PAGE_BEFORE, PAGE_PARAM_COUNT };
#define DUTY_PAGE_MAX 1000
#define PAGE_PARAMS(states)                                                                                            \
	[PAGE_STATE] = {"state", HTTP_PARAM_CHOICE, false, 0, 0, states, "only those that stand so"},                  \
	[PAGE_LIMIT] = {"limit", HTTP_PARAM_INTEGER, false, 1, DUTY_PAGE_MAX, NULL, "100 when left out"},              \
	[PAGE_BEFORE] = {"before", HTTP_PARAM_INTEGER, false, 1, INT64_MAX, NULL, "`next` of the answer before"}

struct duty_page {
	struct http_call *call;
	const struct record_kind *kind;
	const char *list; /* member of the answer */
	/* May be NULL: all that have the state; and further members of a row, may be NULL. */
	bool (*wanted)(struct http_call *c, const void *row);
	void (*more)(struct http_call *c, struct json_out *j, const void *row);
	enum status (*read)(struct duty *d, uint64_t before, book_visit *visit, void *context);
};
void answer_page(const struct duty_page *p);

/* An event of a history as an object; the context is a struct json_out. */
book_event_visit write_event;

#endif
