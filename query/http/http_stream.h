/* http_stream.h -- what handlers share: naming a device, choosing a format, answering chunk by chunk.
 *
 *   stream_begin(&s, call, format);
 *   each row: export_..._row(&w, ..., &s.chunk); stream_flush(&s, false)     waits while the client is slow
 *   stream_end(&s)  or  stream_fail(&s, status)
 *
 * Nothing is sent before STREAM_CHUNK_BYTES are gathered, so an early failure is still a problem with its own
 * status; a later one cuts the answer, which the client sees (no end of chunks, a reset stream). */
#ifndef ZAYTON_QUERY_HTTP_STREAM_H
#define ZAYTON_QUERY_HTTP_STREAM_H

#include "query/export/export_format.h"
#include "query/http/http.h"

/* bytes of a mark: name, unit, time, purpose */
#define CALL_MARK_MAX 512
/* Who takes an export, when and what for, as it is printed on it. False: a machine does, or it is none. */
bool call_mark(const struct http_call *c, char out[CALL_MARK_MAX]);

#define STREAM_CHUNK_BYTES 32768
#define PAGE_ROWS_DEFAULT 1000
#define PAGE_ROWS_MAX 10000

struct http_stream {
	struct http_call *call;
	const char *media;
	struct buf chunk;
	bool begun;
};

void stream_begin(struct http_stream *s, struct http_call *c, const char *media);
/* Hand the chunk over when it is large enough, or `always`. STATUS_CANCELLED: the client left. */
STATUS_CHECKED enum status stream_flush(struct http_stream *s, bool always);
/* The last of it. */
void stream_end(struct http_stream *s);
/* A problem if nothing has left yet, otherwise the answer is cut. */
void stream_fail(struct http_stream *s, enum status status);
/* stream_end on STATUS_OK, quiet on STATUS_CANCELLED, else stream_fail. */
void stream_close(struct http_stream *s, enum status status);

/* --- naming --- */

/* "16 hex digits", "phone:NNN", "plate:COLOUR:PLATE", "site:NUMBER" as of now. False: the problem is sent. */
bool call_device(struct http_call *c, struct span text, uint64_t *out);
/* STATUS_MALFORMED, STATUS_NOT_FOUND. */
STATUS_CHECKED enum status device_reference(const struct registry *r, struct span text, int64_t at_ms, uint64_t *out);
STATUS_CHECKED enum status parse_hex64(struct span text, uint64_t *out);
/* May this principal see this device? By its company or village at `at_ms`. */
bool scope_allows(const struct registry *r, const struct principal *p, uint64_t device, int64_t at_ms);
/* Only scope "all" changes things. False: the problem is sent. */
bool call_may_write(struct http_call *c);

/* The format asked for by `value` (a CHOICE over all formats) or by Accept, among `allowed` (1u << format).
 * False: the problem is sent. */
bool call_format(struct http_call *c, const struct http_value *value, unsigned allowed, enum export_format *out);
#define FORMAT_CHOICES "json|geojson|ndjson|csv|gpx"

/* The number of a parameter, or `otherwise` when it is not given. */
int64_t value_or(const struct http_value *v, int64_t otherwise);

/* Cursor of a time-ordered list: "TIME-HASH" both in hex. STATUS_MALFORMED. */
STATUS_CHECKED enum status time_cursor_parse(struct span text, int64_t *time_ms, uint64_t *hash);
#define TIME_CURSOR_MAX 40
void time_cursor_format(int64_t time_ms, uint64_t hash, char out[TIME_CURSOR_MAX]);

STATUS_CHECKED enum status add_routes(struct http *h, const struct http_route *routes, size_t count);

#endif
