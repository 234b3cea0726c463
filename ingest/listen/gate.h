/* gate.h -- one shard's side of ingest: its sockets, its connections, its buffers, its clock tick.
 *
 *   slots   [ conn | generation | heard ] ...        free ones chained; never shrinks
 *   read    [ headroom: what a connection had over | what the socket gives ]   one for all connections
 *   cells   [ reply ][ reply ] ...                   replies of one turn of the loop, chained per connection
 *
 * Replies are gathered until the loop is about to wait (a prepare handle), so that all that settled in one turn
 * leaves a connection in one write.
 *
 * Threads: the loop of the shard; `counters` may be read anywhere. */
#ifndef ZAYTON_INGEST_GATE_H
#define ZAYTON_INGEST_GATE_H

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "engine/core/limits.h"
#include "engine/fleet/engine.h"
#include "ingest/jt808/fragments.h"
#include "ingest/listen/conn.h"
#include "ingest/listen/connection_log.h"
#include "ingest/listen/ingest.h"
#include "ingest/listen/ingest_stats.h"
#include "ingest/listen/link.h"
#include "ingest/listen/replies.h"
#include "ingest/listen/sessions.h"
#include "ingest/listen/udp_peers.h"

/* a whole UDP datagram, and enough TCP bytes that a busy sender needs few reads */
#define READ_BYTES 65536u
/* what a connection has over never passes one frame, or it is no frame */
#define READ_HEADROOM 4096u
_Static_assert(READ_HEADROOM >= JT808_FRAME_MAX, "a partial frame fits before the bytes that end it");
/* holds kept for the next partial frame instead of being freed */
#define HOLDS_SPARE_MAX 256u
/* connections looked at in one tick, at least */
#define TICK_SCAN_MIN 256u

#define SLOT_NONE UINT32_MAX

struct slot {
	struct conn *conn; /* NULL: free */
	uint32_t generation;
	uint32_t heard_ms; /* loop time of the last bytes, low 32 bits; when free: the next free slot */
};

struct gate {
	struct ingest *ingest;
	const struct ingest_options *options;
	struct registry *registry;
	struct sessions *sessions;
	struct shard *shard;
	uv_loop_t *loop;

	struct slot *slots;
	uint32_t slot_count, slot_capacity, slot_free, slot_scan;
	uint32_t tcp_count; /* open TCP connections */

	uint8_t *read_buffer; /* READ_HEADROOM + READ_BYTES */
	uint8_t scratch[JT808_FRAME_MAX];
	struct hold *spare_holds;
	unsigned spare_hold_count;
	struct replies replies;
	struct udp_peers peers;
	struct fragments *fragments; /* of all terminals of the shard: a reconnect goes on where it was */

	struct connection_log connections;

	struct link waiting_room;     /* PAUSE_ROOM, first come first served */
	struct link waiting_fault;    /* PAUSE_FAULT */
	struct link rested;           /* PAUSE_ACKS, over */
	struct link commands_waiting; /* sessions whose terminal is to answer a command */

	struct listener *listeners[2 * INGEST_ADDRESSES_MAX];
	unsigned listener_count;

	uv_timer_t tick;
	uv_prepare_t flush;
	uint32_t tick_ms;
	int64_t quarantine_tokens; /* thousandths of a kept bad frame */
	uint32_t quarantine_at_ms;
	bool udp_paused, stopping, closing;

	struct ingest_counters counters;
};

STATUS_CHECKED enum status gate_new(struct ingest *i, struct shard *shard, struct gate **out);
void gate_free(struct gate *g);
/* Make handles and listeners on the shard's loop. */
void gate_start(struct gate *g);
/* Close listeners now, connections when their promised replies have left, then the gate's own handles. */
void gate_stop(struct gate *g);

/* A slot for `c`, whose slot and generation are filled in. STATUS_NO_MEMORY. */
STATUS_CHECKED enum status gate_slot_take(struct gate *g, struct conn *c);
void gate_slot_release(struct gate *g, struct conn *c);
/* The connection a slot and generation name, or NULL. */
static inline struct conn *gate_conn(struct gate *g, uint32_t slot, uint32_t generation)
{
	if (slot >= g->slot_count || g->slots[slot].generation != generation)
		return NULL;
	return g->slots[slot].conn;
}
/* Loop time, ms, low 32 bits: compare by difference. */
static inline uint32_t gate_now_ms(const struct gate *g)
{
	/* a gate outlives what asks it. NOLINTNEXTLINE(clang-analyzer-core.NullDereference) */
	return (uint32_t)uv_now(g->loop);
}
static inline void gate_count(struct gate *g, enum ingest_counter counter, uint64_t n)
{
	counter_add(&g->counters.values[counter], n);
}
/* True while bad frames may be kept: quarantine_per_minute, in bursts of as many. */
bool gate_may_quarantine(struct gate *g);
/* Let those who wait in `list` for `why` try again, until one has to wait again. */
void gate_release(struct gate *g, struct link *list, uint8_t why);
/* A UDP peer waits for room: leave the datagrams to the kernel until nobody does. */
void gate_udp_pause(struct gate *g);
/* A connection is gone: a gate that is stopping may be done. */
void gate_conn_gone(struct gate *g);
/* Close the connection at `place`, wherever it lives. */
void gate_close_place(struct gate *g, struct session_place place);

#endif
