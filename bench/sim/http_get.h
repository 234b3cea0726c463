/* http_get.h -- the smallest HTTP/1.1 client that reads our own answers: one question, its answer line by
 * line. Blocking. */
#ifndef ZAYTON_BENCH_HTTP_GET_H
#define ZAYTON_BENCH_HTTP_GET_H

#include <stddef.h>

#include "engine/core/bytes.h"
#include "engine/core/status.h"

/* `line` is without its end, NUL-terminated, and lasts for the call. */
typedef void http_line(void *context, char *line, size_t size);

/* METHOD http://127.0.0.1:PORT/PATH with `body` of media type `type` (NULL: without one), and every line of the
 * answer's body. `*out_code` is the HTTP status. STATUS_IO when the connection fails or the answer is cut. */
STATUS_CHECKED enum status http_send(int port, const char *method, const char *path, const char *type, struct span body,
				     int *out_code, http_line *line, void *context);
/* GET. */
STATUS_CHECKED enum status http_get(int port, const char *path, int *out_code, http_line *line, void *context);

#endif
