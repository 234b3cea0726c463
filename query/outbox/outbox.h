/* outbox.h -- what changes in the register, and the findings that are asked for, on their way to other systems.
 *
 *   hazards_log, findings feed ── one thread ──> rows            position and rows: one synced batch
 *                                                 │
 *        a thread per destination <───────────────┘   sent, then its row goes
 *
 *   family `outbox`   0x01 | item 8                 version 1 | at 8 | id (size 1, bytes) | JSON
 *                     0x02 | destination 8 | item 8 subject 8: it waits
 *                     0x03 | 0 8                    last item 8 | sequence of the register 8 | last feed row 8
 *                     0x04 | destination 8 | item 8 why it was refused for good
 *
 * `destination` is the hash of its name. Inside, nothing is lost or doubled; outside it is at least once: what was sent
 * and not yet crossed out when the power went is sent again under the same id. News of one hazard arrive in their
 * order: while one of them waits for another try, the later ones of that hazard wait behind it, those of others do not.
 * Tries wait from retry_ms up to OUTBOX_RETRY_LONGEST_MS, doubling.
 *
 * Bounded: at `pending_max` items that wait anywhere nothing more is taken in; the register itself keeps its events and
 * is never held up. What a receiver refuses for good is kept for a look, the newest OUTBOX_REFUSED_MAX of each.
 * Destinations that the file no longer names lose what waits for them. News begin with the first start.
 *
 * Threads: any but an event loop. */
#ifndef ZAYTON_QUERY_OUTBOX_H
#define ZAYTON_QUERY_OUTBOX_H

#include "engine/fleet/engine.h"
#include "engine/register/hazards.h"
#include "query/outbox/outbox_config.h"

#define OUTBOX_PENDING_MAX 100000
#define OUTBOX_REFUSED_MAX 1000
#define OUTBOX_RETRY_LONGEST_MS (5 * INT64_C(60000))

struct outbox_options {
	struct store *store;
	struct hazards *hazards;
	struct engine *engine; /* NULL: no findings */
	size_t pending_max;
	int64_t retry_ms, timeout_ms, poll_ms;
};
struct outbox_options outbox_options_default(struct store *s, struct hazards *r, struct engine *e);

struct outbox;
/* Owns `config` from now on. STATUS_CORRUPT, STATUS_BAD_VERSION, STATUS_IO, STATUS_NO_MEMORY. */
STATUS_CHECKED enum status outbox_open(const struct outbox_options *options, struct outbox_config *config,
				       struct outbox **out);
/* The threads. */
STATUS_CHECKED enum status outbox_start(struct outbox *o);
/* Ends the threads, waits for what is being sent no longer than it takes to break off. NULL is allowed. */
void outbox_free(struct outbox *o);

/* Takes in what is new. STATUS_FULL: no room, the rest waits where it is. By the thread, or by a test without one. */
STATUS_CHECKED enum status outbox_take(struct outbox *o);

struct outbox_state {
	const char *name, *kind;
	uint64_t pending, sent, failed, refused; /* failed: tries; refused: for good, since the start */
	int64_t sent_ms, retry_ms;               /* wall clock; 0: never, and no try waits */
	char error[192];                         /* of the last try that failed; "" after one that did not */
};
size_t outbox_destinations(const struct outbox *o);
void outbox_state(struct outbox *o, size_t i, struct outbox_state *out);
/* Is nothing more taken in for lack of room? */
bool outbox_is_full(struct outbox *o);
STATUS_CHECKED enum status outbox_metrics(struct outbox *o, struct buf *out);

#endif
