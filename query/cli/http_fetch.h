/* http_fetch.h -- one GET or POST over HTTP/1.1, the body streamed as it comes.
 *
 *   http://HOST[:PORT] + target  ──>  status line | headers | body (whole length, chunks, or until the end)
 *
 * Plain text only: a server with TLS is asked with another client. No redirects. */
#ifndef ZAYTON_QUERY_HTTP_FETCH_H
#define ZAYTON_QUERY_HTTP_FETCH_H

#include <stdio.h>

#include "engine/core/bytes.h"
#include "engine/core/status.h"

/* bytes of "http://host:port" */
#define HTTP_BASE_MAX 512

struct http_fetch {
	const char *base;     /* "http://127.0.0.1:8080", a slash behind it is allowed */
	const char *target;   /* "/api/v1/positions?format=ndjson", percent-encoded */
	const char *token;    /* bearer, or NULL */
	FILE *body, *problem; /* where a body of 2xx goes, and one of any other status */
	const char *posted;   /* JSON to POST; NULL: GET */
};

/* `*code` is the status of the answer, 0 when there was none.
 * STATUS_INVALID   base is no http URL
 * STATUS_NOT_FOUND the host has no address; STATUS_CLOSED nobody listens there, or the answer was cut
 * STATUS_MALFORMED no HTTP; STATUS_IO */
STATUS_CHECKED enum status http_fetch(const struct http_fetch *f, int *code);

/* Append `text` percent-encoded: all but letters, digits and -._~ */
STATUS_CHECKED enum status url_append(struct buf *out, struct span text);

#endif
