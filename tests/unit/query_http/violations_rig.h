/* violations_rig.h -- an engine in a temporary folder whose store holds findings, and a server over it.
 *
 *   id  rule            device  start        notes
 *    1  overspeed-muck  truck   T0 + 10 s    ended; numbers, digest over 20 raw reports
 *    2  dwell no-stop   boat    T0 + 100 s   ended, fence "lane-1"
 *    3  silent          truck   T0 + 1 h     open
 *    4  patrol          none    T0 + 2 h     of a place: no device
 *
 * The truck belongs to a company whose name is a piece of HTML, the boat to 东村. */
#ifndef ZAYTON_TESTS_VIOLATIONS_RIG_H
#define ZAYTON_TESTS_VIOLATIONS_RIG_H

#include <jansson.h>

#include "query/http/http.h"
#include "unit/query_http/http_client.h"

/* 2026-01-31T08:30:00Z */
#define T0 INT64_C(1769848200000)
#define EVIL_COMPANY "<script>alert('x')</script>&\"公司\""

struct violations_rig {
	char folder[64];
	struct engine *engine;
	struct http *server;
	uint64_t truck, boat;
};
extern struct violations_rig world;

void violations_rig_open(void);
void violations_rig_close(void);

/* A finding with everything unknown but what is given; ended after a minute. */
struct finding finding_of(const char *rule, unsigned kind, uint64_t device, int64_t start_ms);
/* As the judge hands them over: what the subject had is replaced by this one when `all`, else it is added. */
void tell(const struct finding *f, bool all);

/* `request` is "GET /x"; the token, or NULL for none. */
struct answer ask_as(const char *token, const char *request, const char *body);
/* The answer to "GET `path`" as JSON, which must be 200. */
json_t *get_json(const char *path);
/* The status of an answer, and whether its body has `part`. */
void expect_answer(const char *request, const char *body, int status, const char *part);
/* Changes options of the server that violations_rig_open makes; NULL: none. */
extern void (*violations_rig_options)(struct http_options *o);
/* Tokens "village" (scope village:东村), "company" (the truck's) and "all". */
void with_tokens(struct http_options *o);

#endif
