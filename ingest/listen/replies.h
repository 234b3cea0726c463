/* replies.h -- what goes back to terminals: gathered in cells, written once a turn, queued when it must be.
 *
 *   cells    [0][1][2] ...             64 bytes each; a connection's are chained in order of promise
 *   backlog  flying | queued           only of a connection whose peer does not read; bounded
 *
 * A short write stops reading from that connection until all of the backlog has left.
 * Threads: the gate's loop. */
#ifndef ZAYTON_INGEST_REPLIES_H
#define ZAYTON_INGEST_REPLIES_H

#include <stddef.h>
#include <stdint.h>

#include "ingest/listen/link.h"

struct gate;
struct conn;

#define CELL_NONE UINT32_MAX
/* the longest 0x8001: header 17, body 5, checksum 1, each escaped, and two flags; a resend of it never is longer */
#define CELL_BYTES 59u
#define CELL_COUNT 8192u
/* cells of one connection before they are written without waiting for the end of the turn */
#define CHAIN_MAX 256u
/* the longest chain in one write */
#define GATHER_BYTES (CHAIN_MAX * CELL_BYTES)

struct reply_cell {
	uint32_t next;
	uint8_t size;
	uint8_t bytes[CELL_BYTES];
};
_Static_assert(sizeof(struct reply_cell) == 64, "a cell fills a cache line");

struct replies {
	struct reply_cell *cells;
	uint32_t used;
	uint8_t *gather;
	struct link dirty; /* connections with cells */
};

int replies_init(struct replies *r);
void replies_deinit(struct replies *r);

/* A cell at the end of the connection's chain; the caller writes bytes and size. Flushes everything when all cells
 * are used. NULL when that closed the connection. */
struct reply_cell *replies_cell(struct conn *c);
/* Write the connection's cells now, then `size` bytes more (0 for none): for replies that fit no cell. */
void replies_send(struct conn *c, const uint8_t *bytes, size_t size);
/* Write the cells of every connection. */
void replies_flush(struct gate *g);
/* Free the backlog of a closed connection. */
void replies_drop(struct conn *c);

#endif
