/* headcounts.h -- how many people are where, as somebody said it: of a boat when it sails, of a raft before a storm.
 *
 *   subject ──> ... | said at 08:00: 6 aboard, back by 18:00 | said at 17:40: 0 aboard, 6 ashore | ...
 *
 * What is said holds from its instant until the next that is said of the same subject; nothing is rewritten, and what
 * is said later of an earlier instant holds there. Of two of one instant the one said last holds.
 *
 * Threads: any but an event loop. */
#ifndef ZAYTON_DUTY_HEADCOUNTS_H
#define ZAYTON_DUTY_HEADCOUNTS_H

#include "engine/core/hash.h"
#include "engine/detect/fence_set.h"
#include "engine/duty/book.h"

#define PERSONS_UNKNOWN (-1)
#define PERSONS_MAX 9999

struct headcount {
	uint64_t device;                   /* the boat; 0: a raft */
	char fence[FENCE_ID_MAX + 1];      /* the raft (养殖渔排): a fence of tag `raft`; "": a boat */
	int64_t at_ms;                     /* from when on it holds, event time */
	int32_t aboard, ashore, evacuated; /* PERSONS_UNKNOWN: not said; aboard: of a raft, on it */
	int64_t due_ms;                    /* when the boat is due back, INT64_MIN: not said */
	char note[BOOK_TEXT_MAX / 4 + 1];
	char who[BOOK_WHO_MAX + 1];
	int64_t said_ms; /* wall clock */
};
extern const struct record_kind headcount_kind;
/* Nothing is said. */
void headcount_clear(struct headcount *h);

struct headcounts;
STATUS_CHECKED enum status headcounts_open(struct store *s, struct headcounts **out);
/* NULL is allowed. */
void headcounts_close(struct headcounts *h);

/* Synced when it returns. STATUS_INVALID: neither or both of boat and raft, or nobody said it; STATUS_OUT_OF_RANGE: a
 * number past PERSONS_MAX. */
STATUS_CHECKED enum status headcounts_say(struct headcounts *h, const struct headcount *said);
/* What holds of the boat, or with device 0 of the raft, at `at_ms`. STATUS_NOT_FOUND: nothing was said before. */
STATUS_CHECKED enum status headcounts_at(struct headcounts *h, uint64_t device, const char *fence, int64_t at_ms,
					 struct headcount *out);

#endif
