/* line_gateway.h -- line protocol into streams, from whichever socket it came.
 *
 *   text ─ line_next ─> key ──(known)──> [field -> stream]* ─> values_writer ─> durable ─> result
 *                        └─(new)─> line_map_names ─> stream_find | stream_put
 *
 * A key (measurement and tags as they stand) is taken apart once; what came of it is remembered, by each writer for
 * itself. A line is taken whole or refused whole, with its reason. Threads: any but a shard's loop; writers are lent
 * out, one to a call. */
#ifndef ZAYTON_INGEST_LINE_GATEWAY_H
#define ZAYTON_INGEST_LINE_GATEWAY_H

#include "engine/fleet/streams.h"
#include "ingest/sensors/line_map.h"
#include "ingest/sensors/line_protocol.h"

struct line_gateway_options {
	struct engine *engine;
	const struct line_map *map; /* outlives the gateway */
	bool open;                  /* unknown streams are made; otherwise their lines are refused */
};

struct line_gateway;
STATUS_CHECKED enum status line_gateway_new(const struct line_gateway_options *options, struct line_gateway **out);
/* NULL is allowed. No call is under way. */
void line_gateway_free(struct line_gateway *g);

/* One refused line. */
struct line_refusal {
	uint64_t line;    /* from 1 */
	struct span text; /* into the text that was given */
	const char *reason;
};
struct line_result {
	uint64_t lines, values, refused;
	struct line_refusal told[LINES_REFUSED_TOLD]; /* the first of them */
	size_t told_count;
};
/* Take in what can be, and wait until it is durable. STATUS_OK though lines were refused: see `out`. What
 * values_writer_flush says: then it should be sent again. */
STATUS_CHECKED enum status line_gateway_write(struct line_gateway *g, struct span text, enum line_precision precision,
					      int64_t received_ms, struct line_result *out);

/* Prometheus text. */
STATUS_CHECKED enum status line_gateway_metrics(struct line_gateway *g, struct buf *out);

#endif
