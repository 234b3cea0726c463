/* conn.h -- one terminal's connection: bytes in, frames to the session, replies out.
 *
 *   socket ─> the gate's read buffer ─> frames ─> session ─> shard_submit
 *                    │ what is left over                         │ durable
 *                    └─> hold (only while there is some)         └─> reply cells ─> one write
 *
 * A TCP connection has a handle of its own; a UDP peer shares its listener's socket and lives in the gate's
 * peer table. Both are `struct conn` to everything else. An idle connection owns its struct and nothing more.
 *
 * Reading stands still while any PAUSE_* bit is set; what was read and not used waits in `hold`, bounded by
 * connection_bytes_max. A slot and its generation name a connection in tickets; both are given back at the
 * start of closing, so that what settles later finds nobody.
 *
 * Threads: the gate's loop. */
#ifndef ZAYTON_INGEST_CONN_H
#define ZAYTON_INGEST_CONN_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

#include "engine/core/bytes.h"
#include "engine/core/status.h"
#include "engine/fleet/engine.h"
#include "ingest/listen/ingest_stats.h"
#include "ingest/listen/link.h"
#include "ingest/listen/session_jt808.h"

struct gate;
struct listener;
struct backlog;
struct hold;

enum conn_transport { CONN_TCP, CONN_UDP };

#define PAUSE_ROOM 0x01u  /* the engine is busy: until its `room` */
#define PAUSE_FAULT 0x02u /* the journal fails: tried again every tick */
#define PAUSE_WRITE 0x04u /* the peer does not read its replies: until it has */
#define PAUSE_WORK 0x08u  /* the registry is being written for this session */
#define PAUSE_ACKS 0x20u  /* so many promises are open that their replies might not fit: until half are kept */
#define PAUSE_END 0x10u   /* nothing more will be read: closed once all promised replies have left */

struct conn {
	struct gate *gate;
	struct hold *hold;              /* bytes read and not used, NULL when none */
	struct backlog *backlog;        /* replies the socket did not take, NULL when none */
	struct link wait;               /* in the gate's list of those waiting for room or for the journal */
	struct link rested;             /* in the gate's list of those whose PAUSE_ACKS is over */
	struct link dirty;              /* in the gate's list of those with reply cells */
	uint16_t cells;                 /* in the chain of: */
	uint32_t cell_first, cell_last; /* reply cells not written yet, CELL_NONE when none */
	uint32_t slot, generation;
	uint32_t outstanding;   /* tickets not settled */
	uint32_t garbage_bytes; /* since the last good frame */
	uint32_t paused_ms;     /* when PAUSE_WRITE or PAUSE_END began, loop time */
	uint16_t entry_at;      /* entries of the frame at hand: the next to submit, */
	uint16_t entries_taken; /* and how many the engine has already */
	uint8_t transport;      /* enum conn_transport */
	uint8_t paused;         /* PAUSE_* */
	uint8_t framing;        /* enum jt808_framing, of what was read last */
	bool framing_known;     /* a good frame has told it; it stays */
	bool flag_held;         /* one flag is over: the end of the last frame, perhaps the start of the next */
	bool closing;
	struct session session;
};

struct conn_tcp {
	struct conn conn;
	uv_tcp_t handle;
};

struct conn_udp {
	struct conn conn;
	struct listener *via;
	struct conn_udp *chain; /* next in the peer table's bucket, or in the list of the dead */
	union {
		struct sockaddr any;
		struct sockaddr_in v4;
		struct sockaddr_in6 v6;
	} address;
};

/* Take the connection that waits at `server`. Over the limit it is closed at once. */
void conn_accept(struct gate *g, uv_stream_t *server);
/* Fill in a connection of any transport and give it a slot. STATUS_NO_MEMORY. */
STATUS_CHECKED enum status conn_init(struct conn *c, struct gate *g, enum conn_transport transport);
/* Begin to close; counted under `why` unless that is INGEST_COUNTER_COUNT. Twice is allowed. `c` lives until the
 * loop's next turn. */
void conn_close(struct conn *c, enum ingest_counter why);
/* Read nothing more; close once every promised reply has left, or drain_ms is over. */
void conn_finish(struct conn *c);
/* Release what a connection owns but its own memory. */
void conn_deinit(struct conn *c);
/* A promise was kept or broken: one ticket less. Closes a finished connection with its last. */
void conn_settled(struct conn *c);

/* `size` bytes came and lie in the gate's read buffer at its READ_HEADROOM: put what was over before them, use
 * all, keep the rest. */
void conn_received(struct conn *c, size_t size);
/* Append to what is held, for a UDP peer that is paused. STATUS_FULL, STATUS_NO_MEMORY. */
STATUS_CHECKED enum status conn_hold_append(struct conn *c, const uint8_t *data, size_t size);
size_t conn_held_bytes(const struct conn *c);
/* Free the gate's spare holds. */
void holds_free(struct gate *g);

void conn_pause(struct conn *c, uint8_t why);
/* Undo one reason; with the last one gone, what is held is used and reading goes on. */
void conn_resume(struct conn *c, uint8_t why);

/* Give the frame's next entry to the engine, unless an earlier reading of the same frame already has. */
STATUS_CHECKED enum status conn_submit(struct conn *c, const struct intake *in);

/* Close idle, slow and drained connections: called by the gate's tick with the time since it was heard. */
void conn_check(struct conn *c, uint32_t now_ms, uint32_t silent_ms);

static inline struct conn_tcp *conn_tcp_of(struct conn *c)
{
	return (struct conn_tcp *)((char *)c - offsetof(struct conn_tcp, conn));
}
static inline struct conn_udp *conn_udp_of(struct conn *c)
{
	return (struct conn_udp *)((char *)c - offsetof(struct conn_udp, conn));
}

#endif
