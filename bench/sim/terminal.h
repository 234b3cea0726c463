/* terminal.h -- one simulated JT/T 808 terminal over a real TCP connection.
 *
 *   source ── next message ──> terminal: connect -> 0x0100 -> 0x0102, then what the source has, as long as it is due,
 *                              with up to TERMINAL_WINDOW messages unanswered
 *
 * Sources: random drives (drive_source.h), written scenarios (scene_source.h). Every acknowledged report is remembered
 * by time and hash, so that it can be asked back. A terminal that loses its connection comes back after a while,
 * authenticates with its code and sends again what was not answered. */
#ifndef ZAYTON_BENCH_TERMINAL_H
#define ZAYTON_BENCH_TERMINAL_H

#include <uv.h>

#include "bench/sim/terminal_commands.h"
#include "ingest/jt808/jt808.h"

#define TERMINAL_WINDOW 32
/* reports in a 0x0704: enough that the larger ones are split into packets */
#define TERMINAL_BATCH_MAX 30

struct sim_counters {
	uint64_t connected, registered, sent, acknowledged, refused, reconnects, bytes_sent;
};

struct terminal_options {
	struct sockaddr_in address;
	int64_t (*now_ms)(void);
};

/* Who it says it is. */
struct terminal_identity {
	char phone[JT808_PHONE_TEXT_MAX];
	enum jt808_edition edition;
	char plate[24]; /* UTF-8; colour 2 */
	uint32_t number;
};

struct terminal_message {
	uint16_t id;
	struct buf body; /* the terminal's own, empty on the way in */
	bool breaks_connection;
	/* the reports in it */
	uint8_t count;
	int64_t time_ms[TERMINAL_BATCH_MAX];
	uint64_t hash[TERMINAL_BATCH_MAX];
};

/* Where messages come from: the next one that is due by `now_ms`, or false. */
struct terminal_source {
	bool (*next)(void *context, enum jt808_edition edition, int64_t now_ms, struct terminal_message *out);
	void *context;
};
/* Adds a report's body to the list of `m`. */
void terminal_message_note(struct terminal_message *m, int64_t time_ms, struct span body);

/* A message on its way: the reports in it become acknowledged together. */
struct in_flight {
	uint16_t serial, last_serial; /* of its packets */
	uint16_t message_id;
	uint8_t count;
	bool waiting;
	int64_t time_ms[TERMINAL_BATCH_MAX];
	uint64_t hash[TERMINAL_BATCH_MAX];
	struct buf wire; /* for sending again */
};

struct acknowledged {
	int64_t time_ms;
	uint64_t hash;
};

enum terminal_state { TERMINAL_DOWN, TERMINAL_CONNECTING, TERMINAL_REGISTERING, TERMINAL_AUTHENTICATING, TERMINAL_UP };

struct terminal {
	const struct terminal_options *options;
	struct sim_counters *counters;
	struct terminal_identity identity;
	struct terminal_source source;
	struct jt808_header like;
	char code[64];
	enum terminal_state state;
	uv_tcp_t tcp;
	uv_connect_t connecting;
	bool open, stopped, writing;
	bool hanging_up; /* once what was sent is written */
	struct buf in;
	struct buf out[2]; /* one is being written, the other fills */
	int filling;
	uv_write_t write;
	uint16_t serial;
	int64_t retry_at_ms, heartbeat_at_ms;
	struct in_flight window[TERMINAL_WINDOW];
	uint32_t waiting;
	struct acknowledged *acked;
	size_t acked_count, acked_capacity;
	struct terminal_memory memory;
};

void terminal_init(struct terminal *t, const struct terminal_identity *identity, struct terminal_source source,
		   const struct terminal_options *options, struct sim_counters *counters);
/* Call often: connects when due, fills the window, sends. */
void terminal_poll(struct terminal *t, uv_loop_t *loop);
/* No more reports; what is on its way may still be answered. */
void terminal_stop(struct terminal *t);
void terminal_close(struct terminal *t);
void terminal_deinit(struct terminal *t);

#endif
