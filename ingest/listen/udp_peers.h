/* udp_peers.h -- the UDP terminals of one gate: address and port to pseudo connection.
 *
 *   buckets [ peer -> peer -> 0 ] ...      chained; as many buckets as peers may be
 *
 * A peer is made by its first datagram and forgotten after three silent heartbeats. While any peer waits for room
 * in the engine the sockets are not read: the kernel's queue holds back and counts what it must drop.
 * Threads: the gate's loop. */
#ifndef ZAYTON_INGEST_UDP_PEERS_H
#define ZAYTON_INGEST_UDP_PEERS_H

#include <stdint.h>

#include <uv.h>

#include "engine/core/status.h"

struct conn;
struct conn_udp;
struct gate;
struct listener;

struct udp_peers {
	struct conn_udp **buckets;
	uint32_t bucket_count; /* a power of two */
	uint32_t count;
	uint64_t seed;
	struct conn_udp *dead; /* closed in this turn of the loop, freed at its end */
};

STATUS_CHECKED enum status udp_peers_init(struct udp_peers *p, uint32_t peers_max);
void udp_peers_deinit(struct udp_peers *p);
/* uv_udp_recv_cb of every UDP listener; `handle->data` is the listener. */
void udp_peers_on_datagram(uv_udp_t *handle, ssize_t nread, const uv_buf_t *buf, const struct sockaddr *address,
			   unsigned flags);
/* Take a peer out of the table; it is freed by udp_peers_bury. */
void udp_peers_forget(struct gate *g, struct conn_udp *peer);
void udp_peers_bury(struct gate *g);

#endif
