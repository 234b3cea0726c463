/* station_state.h -- struct stations for the files of this folder. */
#ifndef ZAYTON_INGEST_STATION_STATE_H
#define ZAYTON_INGEST_STATION_STATE_H

#include <sys/socket.h>
#include <uv.h>

#include "ingest/stations/feed.h"
#include "ingest/stations/stations.h"

#define STATION_BACKOFF_MIN_MS 1000u
#define STATION_BACKOFF_MAX_MS 60000u
#define STATION_TICK_MS 1000u
#define STATION_KEEPALIVE_S 60u

#define STATION_STATE_TABLE(X)                                                                                         \
	X(STOPPED, "stopped")                                                                                          \
	X(CONNECTING, "connecting")                                                                                    \
	X(WAITING, "waiting") /* before it connects again */                                                           \
	X(LISTENING, "listening")                                                                                      \
	X(RECEIVING, "receiving")                                                                                      \
	X(DONE, "done") /* a file that was read */                                                                     \
	X(FAILED, "failed")

enum station_state {
#define X(NAME, token) STATION_STATE_##NAME,
	STATION_STATE_TABLE(X)
#undef X
		STATION_STATE_COUNT
};

struct station;

/* A socket or file that bytes come from. */
struct station_link {
	struct station *station;
	struct station_link *next;
	union {
		uv_handle_t any;
		uv_stream_t stream;
		uv_tcp_t tcp;
		uv_udp_t udp;
	} handle;
	uv_connect_t connect;
	uv_work_t work;
	uv_fs_t fs;
	int file; /* -1: none */
	int64_t file_at;
	struct feed feed;
	uint8_t wait; /* enum feed_wait: not idle means that it is not read from */
	bool has_handle, working, reading, ended, closing, closed;
};

/* A line of the file. */
struct station {
	struct stations *all;
	const struct station_config *config;
	unsigned index;
	struct station_stats stats;
	_Atomic uint8_t state; /* enum station_state */
	int fd;                /* bound ahead, -1: none or given to its handle */
	int port;
	struct station_link *links;
	unsigned link_count;
	uv_tcp_t listener;
	uv_timer_t retry;
	bool has_listener, has_retry;
	unsigned backoff_ms;
	uint32_t kernel_drops; /* last seen */
};

struct stations {
	struct stations_config config;
	struct registry *registry;
	struct shard *shard;
	uv_loop_t *loop;
	struct fold *fold;
	uv_timer_t tick;
	bool started, stopping;
	uint8_t *read_buffer; /* FEED_READ_BYTES */
	struct station list[STATIONS_MAX];
};

static inline void station_say(struct station *s, enum station_state state)
{
	atomic_store_explicit(&s->state, (uint8_t)state, memory_order_relaxed);
}

/* --- station_link.c --- */

/* Begin, as the transport has it. */
void station_begin(struct station *s);
/* Close everything; what closes later frees itself. */
void station_stop(struct station *s);
/* Once a second: epochs that are complete, entries that wait, what the kernel dropped. */
void station_tick(struct station *s);
/* Links that wait for room try again. */
void station_room(struct station *s);
/* A socket bound to the station's address: UDP in its group. */
STATUS_CHECKED enum status station_bind(struct station *s);

#endif
