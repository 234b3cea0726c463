/* handlers_console.h -- the console: its files, and what it is told of this server.
 *
 *   GET /                   the page; asked for again each time (no-cache), by its ETag
 *   GET /assets/{name}      what it is made of: names hold a hash of the content, so that they may be kept for ever
 *   GET /api/v1/console     {"demo": ..., "tiles": {"url", "gcj02", "approval"} or null}
 *
 * Files are held packed (gzip) and sent as they are to whoever takes that, unpacked to others; the two have ETags of
 * their own (RFC 9110 8.8.3). The page is held to a strict Content-Security-Policy: scripts, styles and workers from
 * here alone, nothing inline; pictures and questions from here and from the tile server that the operator named. */
#ifndef ZAYTON_QUERY_HTTP_HANDLERS_CONSOLE_H
#define ZAYTON_QUERY_HTTP_HANDLERS_CONSOLE_H

#include "query/http/http.h"

struct console_asset {
	const char *path; /* "/" or "/assets/NAME" */
	const char *type;
	const char *hash;    /* of the content, without quotes */
	const uint8_t *gzip; /* the whole file, packed */
	size_t gzip_size;
	size_t size; /* unpacked */
};

/* What is drawn on, and whether it is all a demonstration; texts "" when there is none. */
struct console_options {
	const struct console_asset *assets;
	size_t asset_count;
	bool demo;
	const char *tiles_url; /* {z} {x} {y}, {s} for 0 to 7 */
	bool tiles_gcj02;
	const char *map_approval;
};

/* `o` and what it points to must outlive the server. STATUS_INVALID: tiles_url is no http(s) URL. */
STATUS_CHECKED enum status handlers_console_add(struct http *h, const struct console_options *o);

#endif
