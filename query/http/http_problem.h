/* http_problem.h -- refusals as RFC 9457 problem details (application/problem+json).
 *
 *   {"type":"urn:zayton:problem:unknown-parameter","title":"Bad Request","status":400,
 *    "detail":"...","instance":"/api/v1/devices","parameter":"foo"}
 *
 * The table is the whole list of types; the OpenAPI document prints it. */
#ifndef ZAYTON_QUERY_HTTP_PROBLEM_H
#define ZAYTON_QUERY_HTTP_PROBLEM_H

#include "query/export/json_out.h"
#include "query/http/http_exchange.h"

#define HTTP_PROBLEM_TABLE(X)                                                                                          \
	X(BAD_PARAMETER, 400, "bad-parameter")                                                                         \
	X(BAD_BODY, 400, "bad-body")                                                                                   \
	X(BAD_FRAMING, 400, "bad-framing")                                                                             \
	X(UNAUTHORIZED, 401, "unauthorized")                                                                           \
	X(WRONG_PASSWORD, 401, "wrong-name-or-password")                                                               \
	X(FORBIDDEN, 403, "forbidden")                                                                                 \
	X(NO_ROUTE, 404, "no-such-resource")                                                                           \
	X(NO_DEVICE, 404, "no-such-device")                                                                            \
	X(NO_POSITION, 404, "no-position-yet")                                                                         \
	X(NO_CASE, 404, "no-such-case")                                                                                \
	X(NO_LINK, 404, "no-such-link")                                                                                \
	X(NO_VIOLATION, 404, "no-such-violation")                                                                      \
	X(NO_HAZARD, 404, "no-such-hazard")                                                                            \
	X(NO_RECORD, 404, "no-such-record")                                                                            \
	X(BAD_METHOD, 405, "method-not-allowed")                                                                       \
	X(NOT_ACCEPTABLE, 406, "not-acceptable")                                                                       \
	X(CONFLICT, 409, "conflict")                                                                                   \
	X(STALE, 412, "changed-meanwhile")                                                                             \
	X(REFUSED_STEP, 422, "step-not-allowed")                                                                       \
	X(NO_LENGTH, 411, "length-required")                                                                           \
	X(BODY_TOO_LARGE, 413, "body-too-large")                                                                       \
	X(BAD_MEDIA, 415, "unsupported-media-type")                                                                    \
	X(UNPROCESSABLE, 422, "unprocessable")                                                                         \
	X(BAD_RULES, 422, "rules-with-mistakes")                                                                       \
	X(TOO_MANY, 429, "too-many-tries")                                                                             \
	X(INTERNAL, 500, "internal-error")                                                                             \
	X(DAMAGED, 500, "stored-data-damaged")                                                                         \
	X(BAD_CODING, 501, "transfer-coding-not-known")                                                                \
	X(BUSY, 503, "busy")                                                                                           \
	X(NO_SPACE, 507, "no-space")

enum http_problem_kind {
#define X(NAME, status, token) HTTP_PROBLEM_##NAME,
	HTTP_PROBLEM_TABLE(X)
#undef X
		HTTP_PROBLEM_COUNT
};

const char *http_problem_token(enum http_problem_kind kind);
/* What HTTP calls a status ("Not Found"); static. */
const char *http_status_title(unsigned status);

/* Answers whole. `parameter` (may be NULL) names what is wrong; nothing may have been begun before. */
void http_problem_send(struct http_exchange *x, enum http_problem_kind kind, const char *parameter, const char *detail);
/* type, title, status, detail and detail_zh into an open object, for a problem that has more to say than these. */
void http_problem_members(struct json_out *j, enum http_problem_kind kind, const char *english, const char *chinese);
/* The problem that a failing engine call is. */
void http_problem_of_status(struct http_exchange *x, enum status status);

#endif
