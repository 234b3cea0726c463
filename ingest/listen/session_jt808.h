/* session_jt808.h -- what a JT/T 808 terminal may say next, and what it is answered.
 *
 *            0x0100 ok                0x0102 ok                       0x0003
 *   NEW ───────────────> REGISTERED ───────────> OPEN ────────────────────────> NEW
 *    └───────────────────────── 0x0102 ok ─────────┘   (a reconnecting terminal begins here)
 *
 * While NEW or REGISTERED everything but 0x0100, 0x0102, 0x0001 is answered with result 1, unless the policy
 * does not ask for authentication: then the first other frame of a terminal that may come opens the session.
 * OPEN: frames of another phone are refused. An acknowledgement is promised with a ticket and leaves when the
 * engine says that the entry is durable; a refused report is durable in quarantine before it is answered.
 *
 * A frame may need several entries (batches, split messages). When the engine has no room in the middle of one,
 * the frame is read again later; entries that were taken are not given twice (conn_submit counts them).
 *
 * Threads: the loop of the connection's shard. */
#ifndef ZAYTON_INGEST_SESSION_JT808_H
#define ZAYTON_INGEST_SESSION_JT808_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/core/status.h"
#include "engine/fleet/engine.h"
#include "ingest/jt808/jt808.h"
#include "ingest/listen/connection_log.h"

struct conn;
struct gate;
struct session_split;
struct session_work;
struct session_command;

enum session_state { SESSION_NEW, SESSION_REGISTERED, SESSION_OPEN };

/* `edition` while nothing has told 2011 from 2013 */
#define SESSION_EDITION_UNKNOWN 0xffu

struct session {
	uint64_t device;    /* 0: not known yet */
	uint8_t phone[10];  /* of the header, as sent */
	uint8_t phone_size; /* 0: no frame yet */
	uint8_t version;    /* header byte of 2019 */
	uint8_t framing;    /* enum jt808_framing, of the last frame: replies go in the same */
	uint8_t state;      /* enum session_state */
	uint8_t edition;    /* enum jt808_edition, or SESSION_EDITION_UNKNOWN */
	uint8_t epoch;      /* changes with the phone: tickets of another epoch are not answered */
	uint8_t auth_failures;
	bool failed; /* an entry of the frame `failed_serial` cannot become durable */
	uint16_t failed_serial;
	uint16_t serial;                 /* of our next message */
	bool not_admitted;               /* this phone may not come without authentication */
	bool commands_asked;             /* since it logged in */
	struct connection connection;    /* as told to the engine, and counted since; device 0 when none is */
	struct session_command *command; /* under way to the terminal, NULL mostly */
	struct session_split *split;     /* a whole message that waits for the engine, NULL mostly */
};

enum session_verdict {
	SESSION_DONE,  /* the frame is used up */
	SESSION_AGAIN, /* it is not; the connection is paused and the frame comes again */
	SESSION_BAD,   /* it is none: treat it as a spoiled one */
	SESSION_GONE,  /* the connection is being closed */
};

void session_init(struct session *s);
void session_deinit(struct session *s);
/* One good frame. */
enum session_verdict session_frame(struct conn *c, const struct jt808_frame *frame, int64_t received_ms);
/* A frame spoiled for `reason`: counted, a sample is kept, never answered. */
void session_bad_frame(struct conn *c, const struct jt808_frame *frame, enum status reason, int64_t received_ms);
/* An entry submitted with a ticket of this connection is durable, or never will be. */
void session_settled(struct conn *c, const struct ticket *ticket, enum status status);
/* Registry work that the session asked for is done; the connection is resumed behind it. */
void session_work_done(struct conn *c, struct session_work *work);
/* The terminal is no longer logged in here. */
void session_end(struct conn *c, enum connection_end why);

/* --- between the files of the session --- */

/* What happens once an entry is durable. */
enum ticket_kind {
	TICKET_ACK,         /* 0x8001 */
	TICKET_PART,        /* nothing: one entry of several; a failure withholds the acknowledgement */
	TICKET_MEDIA,       /* 0x8800, media id in `extra` */
	TICKET_MEDIA_SPLIT, /* 0x8001 for the last packet, then 0x8800 */
};

struct promise {
	enum ticket_kind kind;
	uint8_t result;
	uint16_t serial, message_id;
	uint32_t extra;
};
struct ticket session_ticket(const struct conn *c, const struct promise *p);

/* A header as the terminal's own, for replies. */
struct jt808_header session_header(const struct session *s);
/* 0x8001 now: for what needs no durability. */
void session_ack(struct conn *c, uint16_t serial, uint16_t message_id, uint8_t result);
/* A reply of any kind whose body is built already; splits are never needed. */
void session_reply(struct conn *c, uint16_t message_id, struct span body);

/* What a message carries once it is whole: one packet, or put together from its parts. */
struct message {
	const struct jt808_header *header; /* `header->body` is the packet's own body */
	struct span body;                  /* the whole body */
	int64_t received_ms;
	bool was_split; /* `header` is that of the packet that came last */
};

/* session_data_jt808.c: give a message of an open session to the engine. */
enum session_verdict session_take(struct conn *c, const struct message *m);
/* Keep refused input for a look if the rate allows; nothing waits for it. */
void session_quarantine_sample(struct conn *c, uint16_t message_id, enum status reason, struct span bytes,
			       int64_t received_ms);
/* What the engine said to an entry, as what becomes of the frame. */
enum session_verdict session_submitted(struct conn *c, enum status st);

/* session_split_jt808.c: a packet of a split message. */
enum session_verdict session_take_fragment(struct conn *c, const struct message *m);
void session_split_free(struct session_split *s);
/* Every tick of the gate: ask for packets that are missing, give up messages that stay incomplete. */
void session_split_tick(struct gate *g);

#endif
