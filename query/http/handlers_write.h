/* handlers_write.h -- line protocol over HTTP, answered as agents of InfluxDB 1 and 2 expect it.
 *
 *   POST /write          204; 400 {"error":"partial write: unable to parse 'LINE': REASON dropped=N"}
 *   POST /api/v2/write   204; 400 {"code":"invalid","message":"...","line":N}
 *   GET  /ping           204, X-Influxdb-Version
 *   POST /query          200 to CREATE DATABASE, which Telegraf says before it writes
 *
 * Good lines of a write are taken though others are refused; 204 and 400 alike say that they are durable. 413, 429 and
 * 5xx mean that nothing is promised, and agents send again.
 * Who takes the lines is not known here: a sink. */
#ifndef ZAYTON_QUERY_HTTP_HANDLERS_WRITE_H
#define ZAYTON_QUERY_HTTP_HANDLERS_WRITE_H

#include "query/http/http.h"

struct lines_answer {
	uint64_t taken, refused;
	uint64_t first_line; /* refused first, from 1 */
	char detail[512];    /* "unable to parse 'LINE': REASON"; "" when none was refused */
};
struct lines_sink {
	void *context;
	/* Any thread but a loop; waits until the lines are durable. `precision` is what the client said, "" when
	 * nothing. STATUS_NOT_FOUND: no such precision; other failures: nothing is promised. */
	enum status (*write)(void *context, struct span text, const char *precision, struct lines_answer *out);
};

/* `sink` outlives the server. */
STATUS_CHECKED enum status handlers_write_add(struct http *h, const struct lines_sink *sink);

#endif
