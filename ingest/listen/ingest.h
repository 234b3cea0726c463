/* ingest.h -- the live side of ingest as the program sees it: terminals connect, the engine takes in.
 *
 *   struct ingest ──< gate (one per shard, on its loop) ──< listener     TCP and UDP, SO_REUSEPORT
 *        │                                               └─< conn ── session of a JT/T 808 terminal
 *        └── sessions: which connection, on which shard, speaks for a terminal
 *
 * Order: engine_open → ingest_new (binds, so the ports are known) → engine_start with the four hooks in its
 * callbacks, their context the struct ingest → engine_stop → ingest_free.
 *
 * The process ignores SIGPIPE: a terminal may be gone when its reply is written.
 *
 * Threads: ingest_new, ingest_free, ports and stats from any thread; the hooks are called by the engine on the
 * loop thread of the shard they name. */
#ifndef ZAYTON_INGEST_INGEST_H
#define ZAYTON_INGEST_INGEST_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/core/bytes.h"
#include "engine/core/status.h"
#include "engine/fleet/engine.h"
#include "engine/fleet/registry.h"

/* Who may register. The code, the word in settings, what it means. */
#define REGISTER_POLICY_TABLE(X)                                                                                       \
	X(ALLOW_LIST, "allow-list", "only terminals or vehicles the device registry knows")                            \
	X(OPEN, "open", "an unknown terminal becomes an unregistered device")                                          \
	X(KEEP, "keep", "as open, and the device is noted as 未备案终端")

enum register_policy {
#define X(NAME, token, text) REGISTER_##NAME,
	REGISTER_POLICY_TABLE(X)
#undef X
		REGISTER_POLICY_COUNT
};

#define INGEST_ADDRESSES_MAX 8
#define INGEST_NO_PORT (-1)

struct ingest_options {
	/* Numeric IPv4 or IPv6; the default is the loopback of both (::1 is left out where there is none). */
	const char *addresses[INGEST_ADDRESSES_MAX];
	unsigned address_count;
	int tcp_port, udp_port; /* 0: any free one, the same on every address; INGEST_NO_PORT: none */

	enum register_policy registration;
	bool auth_required;    /* nothing but 0x0100, 0x0102 before 0x0102 succeeded; default true */
	bool renew_code;       /* a terminal that registers again gets a new code */
	bool private_framing;  /* frames set off by E7 are understood too (jt808.h), and answered so; default false */
	bool time_as_utc;      /* 0x8004 in UTC (default) or in UTC+8 */
	uint8_t refused_reply; /* 0x8001 result for a report that is refused and kept: 0 (default) or 2 */
	unsigned auth_failures_max;

	uint32_t connections_max;       /* per shard, TCP */
	uint32_t udp_peers_max;         /* per shard */
	uint32_t connection_bytes_max;  /* unparsed bytes held for one connection */
	uint32_t reply_bytes_max;       /* replies waiting for one connection that does not read */
	uint32_t garbage_bytes_max;     /* bytes without one good frame before a connection is closed */
	uint32_t fragment_bytes_max;    /* parts of split messages held for one connection */
	uint32_t quarantine_per_minute; /* bad frames kept for a look, per shard; all are counted */

	uint32_t heartbeat_ms; /* what terminals are set to; silent for three of it: closed */
	uint32_t slow_ms;      /* a client that reads no replies for so long is closed */
	uint32_t fragment_resend_ms, fragment_expire_ms;
	uint32_t drain_ms;           /* shutdown and half-closed connections wait so long for what is not durable yet */
	uint32_t takeover_period_ms; /* a phone may move to a new connection `takeovers_max` times in it; */
	uint32_t command_wait_ms;    /* for the answer to a command sent once; twice that the second time, 6 times the
					third */
	unsigned command_tries;      /* on one connection */
	unsigned takeovers_max;      /* beyond that two terminals share it: the newcomer is refused */
};
struct ingest_options ingest_options_default(void);

struct ingest;
/* Copies `options`, binds the ports. STATUS_INVALID (an address is none, a limit is out of its range),
 * STATUS_EXISTS (a port is taken), STATUS_NOT_FOUND (no such address here), STATUS_DENIED, STATUS_IO, STATUS_NO_MEMORY.
 */
STATUS_CHECKED enum status ingest_new(const struct ingest_options *options, struct registry *registry,
				      struct ingest **out);
/* Where commands to terminals come from; before engine_start. NULL, or none: terminals are
 * told nothing. */
void ingest_set_commands(struct ingest *i, struct commands *commands);
/* After the engine stopped. NULL is allowed. */
void ingest_free(struct ingest *i);

/* The ports really bound; INGEST_NO_PORT when there is none. */
int ingest_port_tcp(const struct ingest *i);
int ingest_port_udp(const struct ingest *i);

/* For struct engine_callbacks; `context` is the struct ingest. */
void ingest_shard_start(void *context, struct shard *shard);
void ingest_shard_stop(void *context, struct shard *shard);
void ingest_settled(void *context, struct shard *shard, const struct ticket *ticket, enum status status);
void ingest_room(void *context, struct shard *shard);

#endif
