/* timeline.h -- the rows of one device in order of time, over the families of many months and `held`.
 *
 *   odd ───────────────┐
 *   held ──────────────┤
 *   muck.202610 ─┐     ├─ least (time, rest of key) ──> timeline_next
 *   coach.202610 ┤ one ┤
 *   muck.202611 ─┘ month at a time
 *
 * Everything is read from one snapshot. Months outside the span are never touched, and a month is opened
 * when the one before it is done, since no row of it can come earlier.
 *
 *   timeline_open(s, FAMILY_SUMMARY, device, from, to, &t);
 *   while ((status = timeline_next(t, &row)) == STATUS_OK) ...
 *   timeline_turn(t, another device), and so on
 *   timeline_close(t);
 *
 * Threads: one owner. */
#ifndef ZAYTON_STORE_TIMELINE_H
#define ZAYTON_STORE_TIMELINE_H

#include "engine/store/store_state.h"

struct timeline;

struct timeline_row {
	struct span key;     /* from the device on, without the tag of `held` */
	struct span value;   /* of `held`: the block or the message itself */
	struct family_id id; /* of the family; of `held`: kind alone is set */
	bool held;
	size_t source; /* for timeline_partner */
};

/* Rows of `kind` (FAMILY_SUMMARY, FAMILY_MESSAGE or FAMILY_SERIES, whose device is a stream) whose time lies within
 * [from_ms, to_ms]. */
STATUS_CHECKED enum status timeline_open(struct store *s, enum family_kind kind, uint64_t device, int64_t from_ms,
					 int64_t to_ms, struct timeline **out);
/* Views last until the next call. STATUS_END, STATUS_CORRUPT, STATUS_IO. */
STATUS_CHECKED enum status timeline_next(struct timeline *t, struct timeline_row *out);
/* The block that the summary row `row` speaks of, from the track family of the same month, as of the same
 * snapshot. STATUS_NOT_FOUND when it is not there. */
STATUS_CHECKED enum status timeline_partner(struct timeline *t, const struct timeline_row *row, struct span *out);
/* Begins anew with another device, over the same span: what was committed before this call is seen, as if it were
 * opened now. Iterators stay while nothing is written, so that many devices, best ascending, cost little more than
 * their rows. STATUS_CORRUPT, STATUS_IO, STATUS_NO_MEMORY: only closing is left. */
STATUS_CHECKED enum status timeline_turn(struct timeline *t, uint64_t device);
void timeline_close(struct timeline *t);

#endif
