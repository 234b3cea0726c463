/* tokens.h -- the file of HTTP bearer tokens: one a line, `SHA256-HEX NAME SCOPE [ROLE UNIT] [read]`, # comments.
 * ROLE and UNIT are those of the hazard register (hazard.h); an auditor only reads.
 * The file holds digests, never the tokens: printf %s TOKEN | sha256sum. */
#ifndef ZAYTON_QUERY_TOKENS_H
#define ZAYTON_QUERY_TOKENS_H

#include "query/http/http.h"

/* `path` empty: none. Every mistake is logged with its line. STATUS_INVALID, STATUS_IO, STATUS_NO_MEMORY. `*out` is
 * the caller's to free. */
STATUS_CHECKED enum status tokens_read(const char *path, struct http_token **out, size_t *out_count);

#endif
