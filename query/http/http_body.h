/* http_body.h -- members of JSON bodies that several questions take. Pure. */
#ifndef ZAYTON_QUERY_HTTP_BODY_H
#define ZAYTON_QUERY_HTTP_BODY_H

#include <jansson.h>
#include <stdbool.h>

#include "engine/store/keys.h"

/* A time: RFC 3339 with its zone, or ms since 1970 UTC. */
bool body_instant(const json_t *v, int64_t *out_ms);
/* A case number (案号): 1 to CASE_NUMBER_MAX bytes of clean text without a slash; it may become part of a path. */
#define BODY_CASE_WRONG "`case` must be a text of 1 to 63 bytes without a slash"
bool body_case(const json_t *v, char out[CASE_NUMBER_MAX + 1]);

#endif
