/* live_feed.h -- what happens to findings, told to everybody who listens (server-sent events).
 *
 *   store: feed rows 1, 2, ... ──> one thread: for each client the rows after the last it was told ──> its exchange
 *
 * The feed in the store is the queue: a client is a position in it, so that going on where one left off and hearing
 * what is new are one thing, nothing is told twice or left out, and a client costs no memory but what its exchange may
 * hold (answer_queue_bytes). One that has no room is asked again a turn later and misses nothing; one that takes
 * nothing for stall_s is cut by the server, and comes back with its last id. No thread is held by a client: the handler
 * hands its exchange over and is done.
 *
 * The thread looks at the number of the last row (an atomic) every LIVE_TURN_MS while anybody listens, rather than
 * being called by the judge: nothing of this runs on the judge's thread, and its one listener stays free.
 *
 *   id: 4711                     the row's number
 *   event: raised                case_event_token()
 *   data: {"feed":4711,"event":"raised","event_zh":"产生","at_ms":...,"violation":{...}}      as it stands now
 *
 * Positions are told the same way, from the heads in memory: once a second and client the devices heard of since the
 * instant that is its position, less LIVE_OVERLAP_MS for what was received and not yet durable when it was last looked;
 * so a position may come twice, which changes nothing.
 *
 *   id: 1795633088234            the instant up to which all was told
 *   event: positions
 *   data: {"positions":[...]}    as GET /api/v1/positions has them
 *
 * A comment keeps the connection alive when there is nothing to say. Scopes are held against each event. */
#ifndef ZAYTON_QUERY_HTTP_LIVE_FEED_H
#define ZAYTON_QUERY_HTTP_LIVE_FEED_H

#include "engine/fleet/engine.h"
#include "query/http/http_accounts.h"

/* listeners at once: each costs a look at the store per event */
#define LIVE_CLIENTS_MAX 64
#define LIVE_TURN_MS 100
/* events of one client in a row, before others have their turn */
#define LIVE_BATCH 256
/* between two looks at all positions, for one client */
#define LIVE_POSITIONS_MS 1000
#define LIVE_OVERLAP_MS 1000

struct live_feed;

/* Its thread runs when it returns. `e` and `accounts` are borrowed; who came by a session hears nothing more when it is
 * over, and listening keeps it from being idle. STATUS_NO_MEMORY. */
STATUS_CHECKED enum status live_feed_start(struct engine *e, struct http_accounts *accounts, unsigned heartbeat_ms,
					   struct live_feed **out);
/* Ends every client's answer and the thread; further ones are refused. */
void live_feed_stop(struct live_feed *f);
/* After live_feed_stop, when nobody adds any more. NULL is allowed. */
void live_feed_free(struct live_feed *f);

enum live_kind { LIVE_VIOLATIONS, LIVE_POSITIONS };

/* Begin the answer of `x` and tell it what follows row `after` (violations) or was heard after that instant in ms
 * (positions); takes a reference of its own. Any thread. STATUS_FULL, STATUS_CLOSED: nothing was begun. */
STATUS_CHECKED enum status live_feed_add(struct live_feed *f, enum live_kind kind, struct http_exchange *x,
					 const struct principal *who, uint64_t after);

#endif
