/* judge_run.h -- stage 1 over the stored track of one device: what live, judging again and replay have in common.
 *
 *   snapshot of state ──> reports and cards after it, in order ──> detect_step / detect_driver ──> told findings, facts
 *
 * A card (who drives) at the time of a report comes after it. Future reports and cards (FUTURE_SKEW_MAX_MS ahead of
 * their receipt) are passed over. */
#ifndef ZAYTON_FLEET_JUDGE_RUN_H
#define ZAYTON_FLEET_JUDGE_RUN_H

#include "engine/fleet/context.h"
#include "engine/fleet/engine.h"
#include "engine/fleet/findings.h"

/* Findings and facts told by a device, in the order they were told. */
struct told {
	struct told_finding *findings;
	size_t finding_count, finding_capacity;
	struct told_fact *facts;
	size_t fact_count, fact_capacity;
	struct decided decided; /* of what is told next */
	enum status status;     /* the first failure to remember something */
	struct detect_sink sink;
};
void told_init(struct told *t);
void told_clear(struct told *t);
void told_deinit(struct told *t);

/* The last two snapshots of a device in memory: what comes late by minutes is judged again from there, and the store is
 * not asked. */
struct anchors {
	struct buf states[2]; /* older, newer */
	int64_t times_ms[2];  /* INT64_MIN: none */
	uint32_t steps;
};
/* reports between two anchors */
#define ANCHOR_STEPS 64
void anchors_init(struct anchors *a);
void anchors_deinit(struct anchors *a);
/* A report was stepped. */
void anchors_step(struct anchors *a, const struct detect_state *state);
/* Forget those at or after `from_ms`, and give the state of the newest left; NULL when there is none. */
struct detect_state *anchors_before(struct anchors *a, int64_t from_ms);

struct judge_run {
	struct engine *engine;
	struct judged_by *by;
	uint64_t device;
	struct detect_state *state; /* owned; where the run stands */
	struct told told;
	uint64_t steps, stepped; /* reports; those that were stepped one by one */
	struct anchors anchors;  /* taken along the way; owned */
	bool by_steps;           /* step every one of them */
	bool facts;              /* false: nobody wants them, and none is told */
	bool behind;             /* of the last report the state knows what detect_recall() completes */
	int64_t card_ms;         /* the last card stepped; INT64_MIN: none. Set it to pass over cards up to then */
	int64_t from_ms;         /* of the track that was run: where it begins, and how many reports of the device */
	uint64_t reports_total;  /* had come when it was opened: those behind from_ms are in it */
	/* After every JUDGE_SNAPSHOT_STEPS reports; may be NULL. */
	enum status (*snapshot)(void *context, const struct detect_state *state);
	void *context;
};
/* reports between two snapshots of a device's state */
#define JUDGE_SNAPSHOT_STEPS 1024

/* `by` is borrowed. `state` NULL: from nothing. Takes over `state` in any case. A run without `snapshot` is not gone on
 * with: it may leave a state that knows less of its last report, and with facts unwanted nothing of drives. */
STATUS_CHECKED enum status judge_run_init(struct judge_run *r, struct engine *e, struct judged_by *by, uint64_t device,
					  struct detect_state *state);
void judge_run_deinit(struct judge_run *r);
/* Every report and card after the state up to `to_ms`. Any thread but a shard's loop. */
STATUS_CHECKED enum status judge_run_track(struct judge_run *r, int64_t to_ms);
/* What is open as of `as_of_ms` is told too. */
STATUS_CHECKED enum status judge_run_open(struct judge_run *r, int64_t as_of_ms);

/* --- rows of snapshots and marks: family `state` ---
 *   0x01 | device 8 | time 8      -> hash 8 | detect_state_encode()
 *   0x02 | device 8 | number 8    -> dirty 8: reports from this time on must be judged again
 *   0x03 | subject 8              -> from 8: its facts changed, and stage 2 has not judged them yet; its raw reports
 *                                    from then on may be others too (INT64_MAX: they are not; empty: any may)
 *   0x04 ...                      changes.h
 *   0x05 ...                      sea_windows.h
 *   0x06 ...                      stream_run.h */
#define STATE_KEY_SIZE 17
#define MARK_KEY_SIZE 17
#define TOUCHED_KEY_SIZE 9
void state_key(uint64_t device, int64_t time_ms, uint8_t out[STATE_KEY_SIZE]);
void mark_key(uint64_t device, uint64_t number, uint8_t out[MARK_KEY_SIZE]);
/* Returns the family's prefix of such rows, one byte of `out`. */
struct span touched_key(uint64_t subject, uint8_t out[TOUCHED_KEY_SIZE]);
void put_touched(struct store_batch *batch, uint64_t subject, int64_t raw_from_ms);
/* The latest snapshot strictly before `before_ms`. STATUS_NOT_FOUND. A snapshot of another version counts as none. */
STATUS_CHECKED enum status state_before(struct store *s, uint64_t device, int64_t before_ms, struct detect_state **out);

#endif
