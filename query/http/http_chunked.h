/* http_chunked.h -- a request body with Transfer-Encoding: chunked (RFC 9112 7.1), as it arrives.
 *
 *   "5;x=1\r\n" "hello" "\r\n" "0\r\n" ["Name: value\r\n" ...] "\r\n"
 *    SIZE  EXTENSION  DATA   DATA_END    TRAILER                END
 *
 * Strict where leniency is how requests are smuggled: lines end in CR LF, a size is 1 to 8 hex digits, no controls
 * inside a line. Extensions and trailers are passed over, together at most HTTP_CHUNK_LINES_MAX bytes of them. */
#ifndef ZAYTON_QUERY_HTTP_CHUNKED_H
#define ZAYTON_QUERY_HTTP_CHUNKED_H

#include <stdint.h>

#include "engine/core/bytes.h"
#include "engine/core/status.h"

#define HTTP_CHUNK_LINES_MAX 16384

struct http_chunked {
	uint8_t state;
	uint8_t digits; /* of the size so far */
	uint32_t left;  /* of the size, then of its data */
	uint32_t lines; /* bytes of extensions and trailers */
};
/* All zeros is the beginning of a body. */

/* The next piece of content out of `in`, which loses what was read.
 * STATUS_OK         `piece` is a view into `in`, not empty
 * STATUS_NEED_MORE  `in` is used up
 * STATUS_END        the body is whole; `in` is what follows it
 * STATUS_MALFORMED  it is no chunked body; STATUS_TOO_LONG: too many extensions or trailers. Both are final. */
STATUS_CHECKED enum status http_chunked_next(struct http_chunked *c, struct span *in, struct span *piece);

#endif
