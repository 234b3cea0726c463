/* ingest_stats.h -- what the live side counts: one table, one array a shard, sums for whoever asks.
 *
 * A counter has one writer, its shard's loop; readers on any thread see a recent value (relaxed atomics). */
#ifndef ZAYTON_INGEST_STATS_H
#define ZAYTON_INGEST_STATS_H

#include <stdatomic.h>
#include <stdint.h>

#include "engine/core/bytes.h"
#include "engine/core/status.h"

/* X(NAME, "metric", "help") */
#define INGEST_COUNTER_TABLE(X)                                                                                        \
	X(CONNECTIONS_OPENED, "connections_opened_total", "TCP connections accepted")                                  \
	X(CONNECTIONS_CLOSED, "connections_closed_total", "TCP connections closed, whatever the reason")               \
	X(CONNECTIONS_REFUSED, "connections_refused_total", "TCP connections over the limit, closed at once")          \
	X(CONNECTION_EVENTS_DROPPED, "connection_events_dropped_total",                                                \
	  "beginnings and ends of sessions that are not on record: too many waited for the journal")                   \
	X(CLOSED_PEER, "closed_by_peer_total", "connections the terminal ended or the network broke")                  \
	X(CLOSED_IDLE, "closed_idle_total", "connections silent for three heartbeats")                                 \
	X(CLOSED_GARBAGE, "closed_garbage_total", "connections that sent nothing but garbage")                         \
	X(CLOSED_SLOW, "closed_slow_total", "connections that did not read their replies")                             \
	X(CLOSED_AUTH, "closed_auth_total", "connections that failed authentication too often")                        \
	X(CLOSED_REPLACED, "closed_replaced_total", "connections replaced by a new login of the same terminal")        \
	X(READS, "reads_total", "reads that gave bytes")                                                               \
	X(BYTES_READ, "read_bytes_total", "bytes read")                                                                \
	X(WRITES, "writes_total", "writes of replies")                                                                 \
	X(BYTES_WRITTEN, "written_bytes_total", "bytes of replies")                                                    \
	X(WRITES_SHORT, "writes_short_total", "writes the peer's window did not take whole")                           \
	X(FRAMES, "frames_total", "good frames")                                                                       \
	X(GARBAGE_BYTES, "garbage_bytes_total", "bytes outside any frame")                                             \
	X(REPORTS, "reports_total", "position reports handed to the engine")                                           \
	X(BATCHES, "batches_total", "0x0704 messages")                                                                 \
	X(BATCH_MISCOUNTS, "batch_miscounts_total", "0x0704 whose count or lengths do not fit their content")          \
	X(MESSAGES, "messages_total", "other messages handed to the engine")                                           \
	X(FRAGMENTS, "fragments_total", "packets of split messages handed to the engine")                              \
	X(FRAGMENTS_DOUBLE, "fragments_double_total", "packets that were held already")                                \
	X(FRAGMENTS_REFUSED, "fragments_refused_total", "packets that contradict their message or found no room")      \
	X(SPLIT_WHOLE, "split_whole_total", "split messages put together")                                             \
	X(SPLIT_EXPIRED, "split_expired_total", "split messages given up incomplete; their packets stay stored")       \
	X(RESENDS_ASKED, "resends_asked_total", "0x8003 sent")                                                         \
	X(HEARTBEATS, "heartbeats_total", "0x0002")                                                                    \
	X(TERMINAL_ACKS, "terminal_acks_total", "0x0001")                                                              \
	X(COMMANDS_SENT, "commands_sent_total", "commands given to the network, repetitions included")                 \
	X(COMMANDS_ANSWERED, "commands_answered_total", "commands that their terminal accepted or refused")            \
	X(COMMANDS_UNANSWERED, "commands_unanswered_total", "commands that rest until the terminal's next login")      \
	X(REGISTERED, "registered_total", "0x0100 answered with success")                                              \
	X(REGISTER_REFUSED, "register_refused_total", "0x0100 answered with a refusal")                                \
	X(AUTHENTICATED, "authenticated_total", "0x0102 that succeeded")                                               \
	X(AUTH_FAILED, "auth_failed_total", "0x0102 that failed")                                                      \
	X(LOGOUTS, "logouts_total", "0x0003")                                                                          \
	X(UNAUTHENTICATED, "unauthenticated_total", "messages before authentication, refused")                         \
	X(PHONE_MISMATCHES, "phone_mismatches_total", "frames of another phone than the session's, refused")           \
	X(TAKEOVERS, "takeovers_total", "logins that replaced an older connection")                                    \
	X(CLONES_REFUSED, "clones_refused_total", "logins of a phone that two terminals fight for")                    \
	X(ENCRYPTED, "encrypted_total", "messages with an encrypted body, kept raw")                                   \
	X(UNKNOWN, "unknown_messages_total", "message ids no edition knows, kept and answered as unsupported")         \
	X(ACKS, "acks_total", "acknowledgements given to the network")                                                 \
	X(ACKS_HOMELESS, "acks_homeless_total", "durable entries whose connection was gone")                           \
	X(ACKS_WITHHELD, "acks_withheld_total", "entries that cannot become durable: not acknowledged")                \
	X(PAUSES_ROOM, "pauses_room_total", "times a connection waited for room in the engine")                        \
	X(PAUSES_FAULT, "pauses_fault_total", "times a connection waited for the journal to work again")               \
	X(PAUSES_WRITE, "pauses_write_total", "times a connection waited for its peer to read")                        \
	X(QUARANTINED, "quarantined_total", "refused input kept for a look")                                           \
	X(QUARANTINE_SKIPPED, "quarantine_skipped_total", "refused input counted only, past the rate")                 \
	X(UDP_DATAGRAMS, "udp_datagrams_total", "datagrams received")                                                  \
	X(UDP_PEERS_OPENED, "udp_peers_opened_total", "UDP peers seen first or again after expiry")                    \
	X(UDP_PEERS_CLOSED, "udp_peers_closed_total", "UDP peers forgotten")                                           \
	X(UDP_PEERS_REFUSED, "udp_peers_refused_total", "datagrams of new peers while the table was full")             \
	X(UDP_DROPPED, "udp_dropped_total", "datagrams dropped: cut, or too much held for their peer")                 \
	X(UDP_REPLIES_DROPPED, "udp_replies_dropped_total", "replies the socket did not take")                         \
	X(LISTENERS_FAILED, "listeners_failed_total", "sockets a shard could not open")

enum ingest_counter {
#define X(NAME, metric, help) INGEST_COUNT_##NAME,
	INGEST_COUNTER_TABLE(X)
#undef X
		INGEST_COUNTER_COUNT
};

struct ingest_counters {
	_Atomic uint64_t values[INGEST_COUNTER_COUNT];
	_Atomic uint64_t frames_bad[STATUS_COUNT];      /* by reason */
	_Atomic uint64_t reports_refused[STATUS_COUNT]; /* by reason */
};

/* One writer: a plain add, no locked instruction. */
static inline void counter_add(_Atomic uint64_t *counter, uint64_t n)
{
	atomic_store_explicit(counter, atomic_load_explicit(counter, memory_order_relaxed) + n, memory_order_relaxed);
}

struct ingest_stats {
	uint64_t values[INGEST_COUNTER_COUNT];
	uint64_t frames_bad[STATUS_COUNT];
	uint64_t reports_refused[STATUS_COUNT];
	uint64_t sessions;         /* terminals logged in now */
	uint64_t udp_kernel_drops; /* datagrams the kernel threw away before us, from /proc/net/udp */
};

struct ingest;
/* Sums over the shards; any thread. Reads /proc, so not for an event loop. */
void ingest_stats_read(const struct ingest *i, struct ingest_stats *out);
/* The same as Prometheus text, `zayton_ingest_...`, appended to `out`. STATUS_FULL, STATUS_NO_MEMORY. */
STATUS_CHECKED enum status ingest_stats_write(const struct ingest *i, struct buf *out);

#endif
