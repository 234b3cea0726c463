/* listener.h -- listening sockets: bound once for the process, opened once per shard.
 *
 * ingest_new binds every address (port 0 is settled there) and keeps the sockets as a reservation; the first shard
 * that starts takes them over, every other opens its own to the same address and port with SO_REUSEPORT, so that the
 * kernel spreads connections and datagrams over the shards.
 *
 * Threads: reserve and release at start and end; take by any shard's loop (a mutex); the rest on the loop. */
#ifndef ZAYTON_INGEST_LISTENER_H
#define ZAYTON_INGEST_LISTENER_H

#include <pthread.h>
#include <stdbool.h>
#include <uv.h>

#include "engine/core/bytes.h"
#include "engine/core/status.h"
#include "ingest/listen/ingest.h"

struct gate;

#define LISTENER_BACKLOG 1024

struct reserved {
	struct sockaddr_storage address; /* with the port */
	bool is_udp;
	int fd; /* -1: taken by a shard */
};

struct reservation {
	pthread_mutex_t mutex;
	struct reserved sockets[2 * INGEST_ADDRESSES_MAX];
	unsigned count;
	int tcp_port, udp_port;
};

/* Bind everything `options` asks for. See ingest_new for the statuses. */
STATUS_CHECKED enum status reservation_make(struct reservation *r, const struct ingest_options *options);
/* Close what no shard took. */
void reservation_release(struct reservation *r);

struct listener {
	struct gate *gate;
	bool is_udp;
	union {
		uv_handle_t any;
		uv_stream_t stream;
		uv_tcp_t tcp;
		uv_udp_t udp;
	} handle;
};

/* Open reserved socket number `index` on the gate's loop and start to take in. STATUS_IO, STATUS_NO_MEMORY. */
STATUS_CHECKED enum status listener_open(struct gate *g, struct reservation *r, unsigned index, struct listener **out);
/* Leave datagrams to the kernel for a while; nothing on TCP. */
void listener_udp_pause(struct listener *l);
void listener_udp_resume(struct listener *l);
/* Stop and close; freed by the loop. */
void listener_close(struct listener *l);

/* Datagrams the kernel dropped at our UDP ports: the column of /proc/net/udp and udp6, over all sockets bound to
 * `port`. 0 when it cannot be read. */
uint64_t listener_udp_drops(int port);

#endif
