/* connection_log.h -- what a gate tells the engine of its connections: that a terminal logged in, that it is gone.
 *
 *   session opens, ends ──> shard_submit ── STATUS_BUSY ──> waiting [ oldest ... newest ] ── room, tick ──>
 * shard_submit
 *
 * Nobody waits for these entries and none of them stops a connection: ten thousand that break at once are ten thousand
 * entries in memory, which the journal takes as it can. In order, so that an end never passes its opening. At most
 * CONNECTION_LOG_MAX wait; what comes then is counted and left out: the engine ends such a connection with the next.
 *
 * Threads: the gate's loop. */
#ifndef ZAYTON_INGEST_CONNECTION_LOG_H
#define ZAYTON_INGEST_CONNECTION_LOG_H

#include <stddef.h>
#include <stdint.h>

#include "engine/fleet/connections_row.h"

/* 10,000 terminals may come and go three times while a journal stands still; 96 bytes each, allocated when needed */
#define CONNECTION_LOG_MAX 65536u

struct conn;
struct gate;

/* A ring. All zero to begin. */
struct connection_log {
	struct connection *waiting;
	size_t first, count, capacity;
	uint32_t next_number;
};
void connection_log_deinit(struct connection_log *l);

/* The session of `c` is open for its device from now on: counting begins anew. */
void connection_log_opened(struct conn *c);
/* It is over; nothing when it was not open, or has been told. */
void connection_log_ended(struct conn *c, enum connection_end why);
/* Those that wait, as many as the engine takes. */
void connection_log_retry(struct gate *g);

#endif
