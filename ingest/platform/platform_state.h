/* platform_state.h -- the links at work, for the files of this room.
 *
 *   struct platform ──< link ── main peer, sub peer ── frames ──> upper.c (the other side is below us)
 *        │                │                                └────> lower.c (the other side is above us)
 *        │                ├── vehicles: plate and colour -> device          └── forwarder: a thread of its own
 *        └── asks: what was asked and is not answered
 *
 * All links live on the loop of shard 0. A peer is named in tickets by its slot and generation.
 * Threads: the loop, but for `lock`: state that questions read, asks, and what the forwarders hand over. */
#ifndef ZAYTON_INGEST_PLATFORM_STATE_H
#define ZAYTON_INGEST_PLATFORM_STATE_H

#include <pthread.h>
#include <stdatomic.h>
#include <uv.h>

#include "ingest/platform/link_store.h"
#include "ingest/platform/platform.h"

/* connections of all links, those that have not logged in included */
#define PEERS_MAX 256
/* bytes read and not used of one connection: a whole frame and what comes behind it */
#define PEER_BYTES (JT809_FRAME_MAX + 65536)
/* positions of one connection on their way to the disk: what a turn of the loop takes from a platform stays below a
 * millisecond of work, so that terminals beside it are answered; a commit each millisecond makes it 200,000 a second */
#define PEER_WINDOW 256
/* bytes waiting for a socket: past it nothing is forwarded; past twice of it the peer is given up */
#define PEER_QUEUE_MAX (4u << 20)
/* asks without an answer */
#define ASKS_OPEN_MAX 4096
/* vehicles of one link */
#define LINK_VEHICLES_MAX 500000

enum peer_kind { PEER_UNKNOWN, PEER_MAIN, PEER_SUB };

#define PEER_PAUSE_ROOM 1u    /* the engine is busy, or the journal fails: until room, or the next tick */
#define PEER_PAUSE_WORK 2u    /* the registry is being written for a vehicle */
#define PEER_PAUSE_WINDOW 4u  /* PEER_WINDOW entries are not durable: until half are */
#define PEER_PAUSE_BARRIER 8u /* a heartbeat is answered when everything before it is durable */

struct peer {
	uv_tcp_t handle;
	struct platform *platform;
	struct link *link; /* NULL before login */
	enum peer_kind kind;
	bool outgoing, connected, closing, ending; /* ending: closed when what was said has left */
	uint8_t paused;
	uint32_t slot, generation;
	bool busy; /* frames are being taken: no second loop over them */
	uint8_t *in;
	size_t in_size;
	size_t queued;              /* bytes the socket has not taken */
	uint16_t entry_at;          /* entries of the frame at hand: the next to submit, */
	uint16_t entries_taken;     /* and how many the engine has already */
	uint32_t outstanding;       /* entries not settled */
	uint16_t barrier;           /* the message that answers the heartbeat, 0: none is owed */
	bool broken;                /* takes nothing: closed at the end of the turn */
	bool verified;              /* a sub link that said the code we were given */
	uint8_t wake;               /* pauses that are over, undone in the loop's next turn */
	struct buf out;             /* frames of this turn, one write */
	uint64_t heard_ms, said_ms; /* loop time */
	char address[64];
};

/* X(NAME, "metric", "help") of one link. */
#define LINK_COUNTER_TABLE(X)                                                                                          \
	X(POSITIONS, "positions", "positions taken in live (0x1202)")                                                  \
	X(BACKFILLED, "backfilled", "positions taken in as backfill (0x1203)")                                         \
	X(DURABLE, "durable", "positions durable")                                                                     \
	X(REFUSED, "refused", "positions that are none")                                                               \
	X(UNKNOWN_VEHICLES, "unknown_vehicles", "messages of vehicles that are not admitted")                          \
	X(MESSAGES, "messages", "other messages kept")                                                                 \
	X(UNSUPPORTED, "unsupported", "messages not known, kept raw where they name a vehicle")                        \
	X(BAD_FRAMES, "bad_frames", "frames with a wrong checksum, length or form")                                    \
	X(ENCRYPTED, "encrypted", "enciphered messages without constants")                                             \
	X(FAILED, "failed", "entries that could not be made durable")                                                  \
	X(LOGINS, "logins", "logins")                                                                                  \
	X(LOGIN_REFUSALS, "login_refusals", "logins refused")                                                          \
	X(CUTS, "cuts", "main links lost")                                                                             \
	X(SUB_CUTS, "sub_cuts", "sub links lost")                                                                      \
	X(FORWARDED, "forwarded", "positions forwarded live")                                                          \
	X(CAUGHT_UP, "caught_up", "positions forwarded as backfill")                                                   \
	X(ALARMS, "alarms", "findings forwarded as alarms")                                                            \
	X(CONFIRMED, "confirmed", "positions the platform above said to have received (0x9101)")

enum link_counter {
#define X(NAME, ...) LINK_COUNT_##NAME,
	LINK_COUNTER_TABLE(X)
#undef X
		LINK_COUNTER_COUNT
};
extern const char *const link_counter_names[LINK_COUNTER_COUNT];

struct vehicle_slot {
	uint64_t device; /* 0: free */
	uint8_t key[JT809_VEHICLE];
};

struct link {
	struct platform *platform;
	const struct link_config *config;
	struct peer *main, *sub;
	enum jt809_edition edition; /* in force: the file's, or as the login had it */
	bool logged_in;
	uint32_t verify;
	uint32_t serial;
	char sub_ip[64];
	uint16_t sub_port; /* LOWER: as it told us; UPPER: bound */
	uint64_t dial_at_ms, sub_dial_at_ms;
	uint32_t backoff_ms, sub_backoff_ms;
	struct vehicle_slot *vehicles;
	size_t vehicle_count, vehicle_size;
	uint64_t forgot_ms; /* when they were looked up again, loop time */
	_Atomic uint64_t counters[LINK_COUNTER_COUNT];
	struct link_session session; /* start_ms 0: not up; with `shown` under the platform's lock */
	struct link_status shown;    /* what questions see of it, renewed each tick */
	uint64_t session_base[LINK_COUNTER_COUNT];
	uint64_t session_put_ms;
	uint32_t since_count; /* durable since the last 9101 */
	int64_t since_ms;
	/* UPPER */
	uv_tcp_t sub_listener;
	int sub_fd;
	bool sub_listening;
	struct forwarder *forwarder;
	uint64_t heartbeats_said, heartbeats_answered; /* of the main link as it is now */
};

struct platform {
	struct engine *engine;
	struct registry *registry;
	struct store *store;
	const struct link_book *book;
	struct link *links;
	size_t link_count;
	struct shard *shard; /* 0; NULL before it starts */
	uv_loop_t *loop;
	uv_tcp_t listener;
	int listen_fd, listen_port;
	bool listening, started, stopping;
	uv_timer_t tick;
	uv_idle_t waking; /* runs while a peer is to be resumed: submitted before the poll, committed behind it */
	uv_prepare_t flush;
	bool has_dirty;
	struct peer *peers[PEERS_MAX];
	uint32_t generations[PEERS_MAX];
	unsigned peer_count;
	uint8_t *scratch, *plain, *room;
	int64_t quarantine_tokens; /* thousandths of a kept refusal */
	uint64_t quarantine_at_ms;
	pthread_mutex_t lock;
	pthread_mutex_t work_lock;
	struct platform_task *tasks; /* for the pool, one after another */
	bool working;
	struct link_ask *asks; /* open ones, in no order */
	size_t ask_count;
	uint32_t ask_last;
	_Atomic uint64_t refused_peers;
};

static inline void link_count(struct link *l, enum link_counter counter, uint64_t n)
{
	if (l && n)
		atomic_fetch_add_explicit(&l->counters[counter], n, memory_order_relaxed);
}
static inline uint64_t link_counted(const struct link *l, enum link_counter counter)
{
	return atomic_load_explicit(&l->counters[counter], memory_order_relaxed);
}

/* --- peer.c --- */

/* Take the connection that waits at `server`, for `link` (NULL: who it is the login tells). */
void peer_accept(struct platform *p, uv_stream_t *server, struct link *link, enum peer_kind kind);
/* Dial; NULL when there is no memory or no slot. The connection tells of itself: upper_connected, lower_connected. */
struct peer *peer_dial(struct platform *p, struct link *link, enum peer_kind kind, const char *host, uint16_t port);
/* Twice is allowed. What points to it is told first: upper_closed, lower_closed. */
void peer_close(struct peer *peer);
/* Close when what was said has left. */
void peer_end(struct peer *peer);
/* Queue a frame; nothing is closed before the end of the turn, a peer that takes nothing then. */
void peer_send(struct peer *peer, uint16_t id, struct span body);
void peer_pause(struct peer *peer, uint8_t why);
/* In the loop's next turn. */
void peer_resume(struct peer *peer, uint8_t why);
/* What wakes and writes: callbacks of the platform's handles. */
void peers_wake(uv_idle_t *idle);
void peers_flush(uv_prepare_t *prepare);
struct peer *peer_of(struct platform *p, uint32_t slot, uint32_t generation);
/* Settled, one way or the other: an entry less. */
void peer_settled(struct peer *peer, enum status status, bool is_position);
/* Answer a heartbeat once everything that came before it is durable. */
void peer_answer_heartbeat(struct peer *peer, uint16_t answer);

enum peer_verdict { PEER_TAKEN, PEER_AGAIN }; /* AGAIN: the same frame once more when nothing pauses the peer */

/* --- upper.c, lower.c: a deciphered message --- */
enum peer_verdict upper_frame(struct peer *peer, const struct jt809_header *h, struct span body);
void upper_connected(struct peer *peer);
void upper_closed(struct peer *peer);
void upper_tick(struct link *l, uint64_t now_ms);
enum peer_verdict lower_frame(struct peer *peer, const struct jt809_header *h, struct span body);
void lower_connected(struct peer *peer);
void lower_closed(struct peer *peer);
void lower_tick(struct link *l, uint64_t now_ms);

/* --- platform.c --- */
struct ticket platform_ticket(const struct peer *peer, bool is_position);

/* --- link.c: what both roles share --- */

/* By the preferred link, or the other when that one is down. False when neither is there. */
bool link_send(struct link *l, enum peer_kind preferred, uint16_t id, struct span body);
/* The same for a message of the tables; a message that cannot be said is logged. `*out_serial` may be NULL. */
bool link_say(struct link *l, enum peer_kind preferred, const struct jt809_message *m, uint32_t *out_serial);
void link_up(struct link *l);
void link_down(struct link *l);
/* The session as it is now; any thread. */
struct link_session link_session_now(struct link *l);
/* Every second or so: the row of the session that is up. */
void link_session_tick(struct link *l, uint64_t now_ms);
/* Run `work` on a thread of the pool, after all before it; `context` is freed by it. */
void platform_work(struct platform *p, void (*work)(struct platform *p, void *context), void *context);

/* --- vehicles.c --- */

/* The device of a vehicle (JT809_VEHICLE bytes). STATUS_DENIED: not admitted; STATUS_OUT_OF_RANGE: no plate;
 * STATUS_NEED_MORE: it is being made, the peer is paused for it. */
STATUS_CHECKED enum status vehicle_device(struct peer *peer, struct span vehicle, uint64_t *out);
/* Look all of them up again: the registry may have changed. */
void vehicles_forget(struct link *l);
void vehicles_free(struct link *l);

/* --- intake_jt809.c: what has an envelope --- */

enum peer_verdict intake_frame(struct peer *peer, const struct jt809_header *h, struct span body);
/* A sample of what is refused, bounded in time. */
void intake_quarantine(struct peer *peer, uint16_t id, enum status reason, struct span raw);

/* --- asks.c --- */

/* Send what waits for this link, after its login. */
void asks_send(struct link *l);
/* An answer of the platform below. */
void asks_answered(struct link *l, const struct jt809_header *h, const struct jt809_message *m);
/* The platform above asks; kept until somebody answers. */
void asks_incoming(struct link *l, const struct jt809_header *h, const struct jt809_message *m);

/* --- forward.c --- */

STATUS_CHECKED enum status forwarder_start(struct link *l);
void forwarder_stop(struct link *l);
/* The link is logged in, or not any more. */
void forwarder_link(struct link *l, bool up);
/* Everything said before the last heartbeat has arrived. */
void forwarder_confirmed(struct link *l);
/* What was handed over goes to the socket as far as that takes it. */
void forwarder_drain(struct link *l);
/* Send a vehicle's positions of a span again. */
void forwarder_again(struct link *l, uint64_t device, int64_t from_ms, int64_t to_ms);

#endif
