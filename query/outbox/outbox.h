/* outbox.h -- what changes in the register, and the findings that are asked for, on their way to other systems.
 *
 *   hazards_log, findings feed,
 *   calendar's notices ── one thread ──> rows                    position and rows: one synced batch
 *                                                 │
 *        a thread per destination <───────────────┘   sent, then its row goes
 *
 *   family `outbox`   0x01 | item 8                 version 1 | at 8 | id (size 1, bytes) | JSON
 *                     0x02 | destination 8 | item 8 subject 8: it waits
 *                     0x03 | 0 8                    last item 8 | sequence of the register 8 | last feed row 8 |
 *                                                   last notice of the calendar 8
 *                     0x04 | destination 8 | item 8 why it was parked
 *
 * `destination` is the hash of its name. Inside, nothing is lost or doubled; outside it is at least once: what was sent
 * and not yet crossed out when the power went is sent again under the same id. News of one subject (hazard, case, task)
 * arrive in their order: while one of them waits for another try, the later ones wait behind it, those of others do
 * not. Tries wait from retry_ms up to OUTBOX_RETRY_LONGEST_MS, doubling.
 *
 *   waiting ── 2xx ──> gone        waiting ── refused for good, or not now for give_up_ms ──> parked ── by hand ──>
 * waiting
 *
 * Bounded: at `pending_max` items that wait anywhere nothing more is taken in; the register itself keeps its events and
 * is never held up. Parked are at most OUTBOX_PARKED_MAX of a destination: of those refused for good the oldest make
 * room, which is counted and logged; what was only not taken in time goes on waiting instead.
 * Destinations that the file no longer names lose what waits for them. News begin with the first start.
 *
 * Threads: any but an event loop. */
#ifndef ZAYTON_QUERY_OUTBOX_H
#define ZAYTON_QUERY_OUTBOX_H

#include "engine/fleet/engine.h"
#include "engine/register/calendar.h"
#include "engine/register/hazards.h"
#include "query/outbox/outbox_config.h"

#define OUTBOX_PENDING_MAX 100000
#define OUTBOX_PARKED_MAX 1000
/* a week: a receiver that is ill over holidays still gets all of it by itself */
#define OUTBOX_GIVE_UP_MS (7 * INT64_C(86400000))
#define OUTBOX_RETRY_LONGEST_MS (5 * INT64_C(60000))

struct outbox_options {
	struct store *store;
	struct hazards *hazards;
	struct engine *engine;     /* NULL: no findings */
	struct calendar *calendar; /* NULL: no reminders */
	size_t pending_max;
	int64_t retry_ms, timeout_ms, poll_ms;
	/* what a receiver that answers would not take for so long since it was taken in is parked, ms */
	int64_t give_up_ms;
};
/* Without a calendar. */
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
	uint64_t pending, kept; /* rows that wait, that are parked */
	uint64_t sent, failed, refused,
		parked;            /* since the start; failed: tries; refused: for good; parked: given up */
	uint64_t dropped;          /* parked ones that made room, since the start */
	int64_t sent_ms, retry_ms; /* wall clock; 0: never, and no try waits */
	char error[192];           /* of the last try that failed; "" after one that did not */
};
size_t outbox_destinations(const struct outbox *o);
void outbox_state(struct outbox *o, size_t i, struct outbox_state *out);
/* What is parked for a destination, from item `after` on, oldest first; views last for the call. STATUS_NOT_FOUND: no
 * such destination. `visit` may stop with a status, which is returned. */
struct outbox_parked {
	uint64_t item;
	int64_t at_ms; /* taken in */
	const char *id;
	struct span why, body; /* body: JSON */
};
typedef enum status outbox_parked_visit(void *context, const struct outbox_parked *p);
STATUS_CHECKED enum status outbox_parked_list(struct outbox *o, const char *destination, uint64_t after,
					      outbox_parked_visit *visit, void *context);
/* To be sent again, by hand: `item`, or all of them when 0. They keep id and body, and go before
 * what still waits of their subject; later news of it may have arrived already. `*out` of them. STATUS_NOT_FOUND: no
 * such destination or item; STATUS_FULL. */
STATUS_CHECKED enum status outbox_send_again(struct outbox *o, const char *destination, uint64_t item, size_t *out);
/* Is nothing more taken in for lack of room? */
bool outbox_is_full(struct outbox *o);
STATUS_CHECKED enum status outbox_metrics(struct outbox *o, struct buf *out);

#endif
