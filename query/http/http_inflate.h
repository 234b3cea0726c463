/* http_inflate.h -- packed bodies (RFC 9110 8.4.1.3); the one user of zlib. Pure. */
#ifndef ZAYTON_QUERY_HTTP_INFLATE_H
#define ZAYTON_QUERY_HTTP_INFLATE_H

#include "engine/core/bytes.h"

/* Append what `packed` (gzip, all its members) holds to `out`, up to out->max. STATUS_MALFORMED, STATUS_TOO_LONG,
 * STATUS_NO_MEMORY; `out` then has some of it. */
STATUS_CHECKED enum status http_gunzip(struct span packed, struct buf *out);

#endif
