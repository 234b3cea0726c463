/* record_body.h -- records of the duty room (engine/duty/record.h) as JSON, by their tables.
 *
 *   name_ms of a TIME   "name": RFC 3339       name_e7 of DEGREES  "name": degrees
 *   TOKEN               "name": token, "name_zh": Chinese
 *   HEX                 "name": 16 hex digits, left out when it is 0; other fields at their nothing are null */
#ifndef ZAYTON_QUERY_HTTP_RECORD_BODY_H
#define ZAYTON_QUERY_HTTP_RECORD_BODY_H

#include <jansson.h>

#include "engine/duty/book.h"
#include "query/export/json_out.h"
#include "query/http/http.h"

/* The members of an open object. */
void record_members(struct json_out *j, const struct record_kind *k, const void *row);
/* The key of a field in JSON. */
#define RECORD_KEY_MAX 40
void record_key(const struct record_field *f, char out[RECORD_KEY_MAX]);

/* The body of a call as an object; false: the problem is sent. The caller decrefs. */
bool call_json(struct http_call *c, json_t **out);
/* Fields of `row` that the body may say (RECORD_GIVEN) and must (RECORD_NEEDED), the rest left as it is. Members of the
 * body that are no such fields and none of `others` (up to a NULL) are mistakes. False: the problem is sent. */
bool call_record(struct http_call *c, const json_t *body, const struct record_kind *k, const char *const *others,
		 void *row);
/* A text member of at most `max` bytes, NULL when it is missing; `*good` becomes false and the problem is sent when it
 * is none. */
const char *call_text(struct http_call *c, const json_t *body, const char *key, size_t max, bool *good);

#endif
