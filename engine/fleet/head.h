/* head.h -- the newest reports of each device, in memory, until they are sealed into blocks.
 *
 *   heads   device -> head                       open addressing over 64-bit ids
 *   head    reports [ r r r r ... ]              in arrival order; `items` of a report is an offset here
 *           items   ( bytes )
 *           sealing -> seal -> seal              cut off, on their way to the store, still readable
 *
 * A head is cut when it is full, when memory runs short or when everything is settled: its reports are sorted,
 * the oldest BLOCK_REPORTS_MAX leave as a `seal`, the rest stays and is written beside the blocks as the
 * device's `head` row, so that one position says what of the journal the store already holds. When nothing of the
 * rest came by the journal since the row before, and what that row held is sealed, the row goes without reports: the
 * rest is a bulk load's, which promises nothing before its next checkpoint.
 *
 * Reports of thousands of devices come in turn, so an append finds nothing in the nearest cache: what it touches of a
 * head is one line, and what follows from the run (the latest report, how many there were) is read from the run.
 *
 * Threads: a head belongs to its shard's loop thread; `lock` guards what others read. */
#ifndef ZAYTON_FLEET_HEAD_H
#define ZAYTON_FLEET_HEAD_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/core/limits.h"
#include "engine/fleet/engine.h"
#include "engine/series/report.h"
#include "engine/series/report_list.h"

/* A run of reports whose items are offsets into `items`. */
struct head_run {
	struct report *reports;
	uint8_t *items;
	uint32_t count, capacity;
	uint32_t items_size, items_capacity;
};

/* What a `head` row holds besides reports. */
struct head_state {
	uint32_t epoch;          /* of the journals that `position` counts in */
	uint64_t position;       /* everything of the device up to here is in the row or in blocks */
	int64_t sealed_until_ms; /* latest time of an ordinary sealed report; INT64_MIN when none */
	uint64_t reports_total;
	int64_t seen_ms;
	uint32_t next_seq; /* for store_block_id.seq */
	bool has_last;
	struct report last; /* items NULL */
};

/* Reports cut off a head. Owned by the writer; linked from the head until the store has them. */
struct seal {
	struct seal *next;
	uint64_t device;
	uint8_t class_code;
	struct head_run run; /* sorted, unique: [0, sealed) go to blocks, the rest to the head row */
	uint32_t sealed;
	uint32_t row_from;       /* the row holds the reports [row_from, run.count) */
	uint32_t first_seq;      /* blocks take first_seq, first_seq + 1, ... */
	int64_t late_before_ms;  /* sealed reports at or before this are late: they get blocks of their own */
	struct head_state state; /* of the row */
};

struct judged;

struct head {
	/* the line of an append */
	_Alignas(64) struct head_run run; /* not empty: the head is in the list by age */
	uint64_t position;                /* as in struct head_state */
	uint32_t epoch;
	uint32_t last_at : 31; /* the latest report is run.reports[last_at - 1]; 0: `sealed.last` */
	uint32_t dirty : 1;    /* changed since its row was last written */
	int64_t last_ms;       /* time of the latest report; INT64_MIN when none */
	int64_t seen_ms;       /* latest receipt of anything */

	/* the rest */
	uint64_t device;
	struct head_state sealed; /* what the reports that left the run make; position and epoch are above */
	struct seal *sealing;
	int64_t fold_from_ms, fold_until_ms; /* where blocks overlap or are small; nowhere when from > until */
	uint32_t index;                      /* in heads.all */
	uint32_t older, newer;               /* the shard's list by age of the oldest unsealed report; index + 1 */
	struct judged *judged;               /* judge.c; NULL: not judged yet */
	uint32_t row_epoch;                  /* of the last row handed to the writer, as is row_position */
	uint64_t row_position;
	int64_t row_until_ms; /* latest report in that row; INT64_MIN when it holds none */
};

_Static_assert(offsetof(struct head, device) == 64, "an append touches one line of a head");

struct head_slot {
	uint64_t device;
	struct head *head; /* NULL: empty */
};

struct heads {
	struct head **all; /* in order of arrival; pointers never move */
	uint32_t count, capacity;
	struct head_slot *slots;
	uint32_t slot_mask;
	uint32_t oldest, newest; /* list of non-empty heads; index + 1 */
	pthread_mutex_t lock;
};

STATUS_CHECKED enum status heads_init(struct heads *h);
void heads_deinit(struct heads *h);
/* NULL when the device has none. */
struct head *heads_find(const struct heads *h, uint64_t device);
/* Finds or makes; takes the lock only to make. NULL without memory. */
struct head *heads_need(struct heads *h, uint64_t device);
/* The same for `count` devices, which may repeat; what appends to them will touch is on its way into the cache.
 * STATUS_NO_MEMORY. */
STATUS_CHECKED enum status heads_need_many(struct heads *h, const uint64_t *devices, size_t count, struct head **out);

/* The latest report that was not ahead of its receipt, NULL when there is none; `items` of it must not be followed. */
static inline const struct report *head_last(const struct head *head)
{
	if (head->last_at)
		return &head->run.reports[head->last_at - 1];
	return head->sealed.has_last ? &head->sealed.last : NULL;
}
/* How many reports came, duplicates included. */
static inline uint64_t head_reports_total(const struct head *head)
{
	return head->sealed.reports_total + head->run.count;
}
/* Everything about `head` as its row would say it. */
void head_state_of(const struct head *head, struct head_state *out);
/* Make `head`, to which the reports of its row were appended, what `state` of that row says. */
void head_state_set(struct head *head, const struct head_state *state);

/* Append a report and its items. STATUS_NO_MEMORY leaves the head as it was; `*grown` gets the bytes of
 * memory added. */
STATUS_CHECKED enum status head_append(struct heads *h, struct head *head, const struct report *r, size_t *grown);
/* Note a receipt that is not a report. */
void head_seen(struct head *head, int64_t received_ms);

/* Cut `head`: everything, or what exceeds the window for late reports. Gives a seal with run, sealed, state filled
 * (class_code is the caller's) and links it; NULL in `out` when there is nothing to cut. `duplicates` is raised by
 * what merged away, `freed` gets the bytes of memory that left the head. */
STATUS_CHECKED enum status head_cut(struct heads *h, struct head *head, bool everything, struct seal **out,
				    uint64_t *duplicates, size_t *freed);
/* A seal that seals nothing: the head's reports copied, for writing its row (not linked). The head counts as
 * written: the caller hands the row to the writer. */
STATUS_CHECKED enum status head_snapshot(struct head *head, struct seal **out);
/* The store has it: unlink and free. */
void head_sealed(struct heads *h, struct seal *seal);
void seal_free(struct seal *seal);

/* Where a copy of a head stands. */
struct head_stand {
	int64_t sealed_until_ms; /* what the store holds beside it is not after this, except future reports; INT64_MAX:
				    the device has no head */
	uint64_t reports_total;  /* how many reports had come */
};
/* Copy the reports of the head and of its seals within [from_ms, to_ms] to `out`; under the lock. */
STATUS_CHECKED enum status head_copy(struct heads *h, uint64_t device, int64_t from_ms, int64_t to_ms,
				     struct report_list *out, struct head_stand *at);

/* How many of run.reports[from, to) make the next block: bounded by count, span and month. */
uint32_t head_slice(const struct report *reports, uint32_t from, uint32_t to);

/* The `head` row: state and the reports [from, count) of a run, as blocks. */
STATUS_CHECKED enum status head_row_encode(const struct head_state *state, const struct head_run *run, uint32_t from,
					   struct buf *out);
STATUS_CHECKED enum status head_row_decode(struct span row, struct head_state *state, struct report_list *out);

/* Items of run->reports[i] as a pointer. */
static inline struct report head_run_report(const struct head_run *run, uint32_t i)
{
	struct report r = run->reports[i];
	r.items = r.items_size ? run->items + (uintptr_t)r.items : NULL;
	return r;
}

#endif
