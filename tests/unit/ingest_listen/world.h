/* world.h -- a small world for the live side: real sockets, loops, registry and store; an engine that is told
 * what to say.
 *
 *   terminal (socket of the test) <── loopback ──> struct ingest on the loops of 1..4 shards ──> entries[]
 *
 * The functions of engine.h that ingest calls are defined in world.c: shard_submit writes down what it is given and
 * answers as `submit_status` and `room` say; entries settle when the test says so. Everything runs on the test's
 * thread, one turn of every loop at a time; what is waited for is a condition, bounded by WAIT_S. */
#ifndef ZAYTON_TESTS_WORLD_H
#define ZAYTON_TESTS_WORLD_H

#include <stdbool.h>
#include <uv.h>

#include "engine/fleet/engine.h"
#include "ingest/jt808/jt808.h"
#include "ingest/listen/ingest.h"
#include "ingest/listen/ingest_stats.h"

#define WORLD_SHARDS_MAX 4
#define WAIT_S 30

struct world;

struct shard {
	struct world *world;
	unsigned index;
	uv_loop_t loop;
	void *user;
	bool running;
};

/* What ingest handed over. */
struct entry {
	struct intake in; /* body and report point to the copies */
	struct report report;
	uint8_t *body;
	unsigned shard;
	bool settled;
};

struct world {
	char dir[64];
	struct store *store;
	struct registry *registry;
	struct ingest *ingest;
	unsigned shard_count;
	struct shard shards[WORLD_SHARDS_MAX];
	struct entry *entries;
	size_t count, capacity;
	size_t settled; /* entries before this one are settled */
	bool settles;   /* every entry settles in the turn after its submission */
	enum status submit_status;
	size_t room;                    /* submissions until STATUS_BUSY */
	size_t tries;                   /* calls of shard_submit */
	struct connection *connections; /* INTAKE_CONNECTION, kept apart: not among `entries` */
	size_t connection_count;
	bool connections_busy; /* they get STATUS_BUSY */
	bool forgets;          /* keep the tickets of entries, not their bodies: allocates nothing */
};

/* Loopback, ephemeral ports, open registration; nothing settles by itself. */
struct ingest_options world_options(void);
/* packets that the store holds from before a restart; looked at by world_init */
extern const struct intake *world_before;
extern size_t world_before_count;
void world_init(struct world *w, const struct ingest_options *options, unsigned shards);
void world_deinit(struct world *w);
/* One turn of every loop. */
void world_turn(struct world *w);
/* Settle the oldest `n` entries that are not settled, with `status`. */
void world_settle(struct world *w, size_t n, enum status status);
void world_settle_all(struct world *w);
/* Tell every shard that there is room again. */
void world_room(struct world *w);
/* Entries of one kind. */
size_t world_count(const struct world *w, enum intake_kind kind);
uint64_t world_counter(const struct world *w, enum ingest_counter counter);
/* A device with this phone, registered, with a plate and a code unless NULL. */
uint64_t world_device(struct world *w, const char *phone, const char *plate, const char *code);

bool world_late(int64_t since_ns);
int64_t world_clock(void);
#define WORLD_UNTIL(w, condition)                                                                                      \
	do {                                                                                                           \
		int64_t since_ns_ = world_clock();                                                                     \
		while (!(condition)) {                                                                                 \
			world_turn(w);                                                                                 \
			cr_assert(!world_late(since_ns_), "never: %s", #condition);                                    \
		}                                                                                                      \
	} while (0)

/* --- terminals --- */

struct terminal {
	struct world *world;
	int fd;
	struct jt808_header like; /* phone and edition */
	uint16_t serial;          /* of the next message */
	struct buf received;
};

struct reply {
	struct jt808_header header;
	uint8_t body[JT808_BODY_MAX];
	size_t size;
};

void terminal_open(struct terminal *t, struct world *w, const char *phone, bool is_2019, bool udp);
void terminal_close(struct terminal *t);
void terminal_send(struct terminal *t, struct span bytes);
/* Encode and send; returns the serial of the first packet. */
uint16_t terminal_say(struct terminal *t, uint16_t message_id, struct span body);
/* The next reply, waited for. */
void terminal_hear(struct terminal *t, struct reply *out);
/* The next reply is this 0x8001 (0x8100). */
void terminal_hear_ack(struct terminal *t, uint16_t serial, uint16_t message_id, uint8_t result);
/* The server has closed; what came before is dropped. */
bool terminal_is_closed(struct terminal *t);
/* Nothing is on its way to the terminal: a heartbeat is answered before anything else. */
void terminal_hears_nothing(struct terminal *t);
/* Authenticate with `code`, expect success. */
void terminal_log_in(struct terminal *t, const char *code);
/* A device of the registry, logged in with its code. */
void terminal_join(struct terminal *t, struct world *w, const char *phone, bool is_2019);

/* A 0x0200 body of second `n` of a day. */
void location_body(struct buf *out, unsigned n);
struct span location(unsigned n); /* the same in a static buffer */

#endif
