/* judge_streams.h -- live judging of streams, on the judge's thread.
 *
 *   shard's loop                                      the judge's thread
 *   value_head_append ─> head noted from that time    take noted heads ─> state before it ─> stream_run_to(now)
 *        (once, however many values)                  ─> findings_replace(after that state) ─> state kept, head judged
 *
 * There is one way and no other: whatever came, in order, late, twice or corrected, the stream goes back to a state
 * before it and runs from there over what stands. In order that state is the last one, in memory, and the values are in
 * the head; late it is a snapshot (stream_run.h). What the clock alone brings about is told behind the last value and
 * taken back by the next run, which finds it again if it is so.
 *
 * Crash: `unjudged` in the head's row says from when on values may not be judged yet; findings and snapshots are
 * committed before it rises. Changes of rules, fences and registry are forgotten (changes.h) only when every stream
 * that they concern is judged.
 *
 * Memory: a stream has its state as bytes beside its head, up to JUDGE_STREAMS_BYTES_MAX together; past it states are
 * made again from snapshots. Threads: judge_streams_change() any; the rest the judge's. */
#ifndef ZAYTON_FLEET_JUDGE_STREAMS_H
#define ZAYTON_FLEET_JUDGE_STREAMS_H

#include "engine/fleet/engine.h"
#include "engine/store/store.h"

struct judge_streams;

STATUS_CHECKED enum status judge_streams_open(struct engine *e, struct judge_streams **out);
/* NULL is allowed. */
void judge_streams_close(struct judge_streams *js);
/* After recovery, before the loops run: every stream is looked at once. */
void judge_streams_start(struct judge_streams *js);
/* After the loops ended: states that ran on since their last snapshot become snapshots. */
STATUS_CHECKED enum status judge_streams_stop(struct judge_streams *js, struct store_batch *batch);
/* `id` a site or a stream, 0 all: may be judged differently from `from_ms` on. */
void judge_streams_change(struct judge_streams *js, uint64_t id, int64_t from_ms);

/* A slice of what is to be done. `*out_due_ns`: when the next turn is wanted, monotonic; INT64_MAX when nothing is in
 * sight. What failed is tried again later. `batch` is empty before and after. */
STATUS_CHECKED enum status judge_streams_turn(struct judge_streams *js, struct store_batch *batch, int64_t *out_due_ns);
/* Everything noted by now, to the end. */
STATUS_CHECKED enum status judge_streams_finish(struct judge_streams *js, struct store_batch *batch);
/* The same, and then what is open as of `as_of_ms` of every stream. */
STATUS_CHECKED enum status judge_streams_settle(struct judge_streams *js, struct store_batch *batch, int64_t as_of_ms);

/* What the judge keeps beside a head. */
struct stream_judged;
void stream_judged_free(struct stream_judged *j);

#endif
