/* sites_state.h -- struct sites for the files of this folder. */
#ifndef ZAYTON_INGEST_SITES_STATE_H
#define ZAYTON_INGEST_SITES_STATE_H

#include <uv.h>

#include "ingest/sites/mqtt_link.h"
#include "ingest/sites/site_session.h"
#include "ingest/sites/sites.h"

#define SITE_TICK_MS 1000u
#define SITE_KEEPALIVE_S 60u
/* bytes of answers that a connection has not read: past it the connection ends */
#define SITE_UNREAD_MAX (64u << 10)

struct site_listener;

/* A connection. Freed when its handle is closed, no worker has it and nothing of it is under way. */
struct site_link {
	struct site_listener *listener;
	struct site_link *next, **before;
	uv_tcp_t tcp;
	uv_work_t work;
	struct site_session session;
	int64_t heard_ms;
	uint8_t wait; /* enum site_wait: not NONE means that it is not read from */
	bool reading, working, closing, closed;
};

struct site_listener {
	struct sites *all;
	const struct site_listener_config *config;
	unsigned index;
	struct site_stats stats;
	int fd; /* bound ahead, -1: given to its handle */
	int port;
	uv_tcp_t tcp;
	bool has_tcp;
	struct site_link *links;
	_Atomic unsigned link_count;
};

struct sites {
	struct sites_config *config;
	struct engine *engine;
	struct shard *shard;
	uv_loop_t *loop;
	uv_timer_t tick;
	bool started, stopping;
	struct mqtt_links *brokers;
	uint8_t *read_buffer; /* SITE_READ_BYTES */
	struct site_listener listeners[SITES_LISTENERS_MAX];
};

/* --- site_link.c --- */

/* A socket bound to the listener's address. */
STATUS_CHECKED enum status site_bind(struct site_listener *l);
void site_listen(struct site_listener *l);
/* Close everything; what closes later frees itself. */
void site_close(struct site_listener *l);
/* Links that wait try again; links that say nothing are let go. */
void site_tick(struct site_listener *l, int64_t now_ms);
void site_room(struct site_listener *l);

#endif
