/* judge.h -- live detection: every durable report is stepped in order; what comes late is judged again.
 *
 *   shard's loop                                     the judge's thread
 *   head_append ─> judge_report                       told ──> digests ──> findings_replace ──> cases, feed
 *      in order     ─> detect_step ─> told  ────────>
 *      late, or not known yet: ask  ────────────────> snapshot before it ─> judge_run_track ─> findings_replace
 *                        <───── the state it ends in ──┘                     facts of a subject ─> stage 2
 *
 * The same reports judged in any order, with restarts in between, end in the same findings: a device's findings are
 * recomputed from the last snapshot before anything that came late, and replaced as a whole (findings.h). While a
 * device is judged again its reports only gather in the head; what came in meanwhile is judged from where that ended.
 *
 * Crash: snapshots and findings are rows like any other. After a restart every device is judged from its last snapshot,
 * or from its mark when something late was still waiting.
 *
 * Threads: judge_report, judge_card, judge_turn and judge_tick belong to the shard's loop (or to whoever plays its part
 * before engine_start); the rest to any thread but a loop. */
#ifndef ZAYTON_FLEET_JUDGE_H
#define ZAYTON_FLEET_JUDGE_H

#include "engine/fleet/engine.h"

struct head;
struct judge;
struct judged; /* what a head carries of it */

STATUS_CHECKED enum status judge_open(struct engine *e, struct judge **out);
/* After recovery, before the loops run: the thread starts and asks for every device. */
STATUS_CHECKED enum status judge_start(struct judge *j);
/* After the loops ended: what was told is committed, states are kept as snapshots, the thread ends. */
void judge_stop(struct judge *j);
void judge_close(struct judge *j);

void judge_report(struct shard *s, struct head *head, const struct report *r);
void judge_card(struct shard *s, struct head *head, int64_t time_ms, uint64_t driver, int64_t received_ms);
/* End of a turn of the loop: what was told goes to the judge's thread. */
void judge_turn(struct shard *s);
/* A slice of devices is asked whether the clock has something to say (silence). */
void judge_tick(struct shard *s, int64_t now_ms);
void judged_free(struct judged *j);

/* What time alone brings about in stage 2 (a place that nobody has visited) is judged as of `now_ms`, soon. */
void judge_time(struct judge *j, int64_t now_ms);

/* Values were appended: their streams are judged soon (judge_streams.h). NULL is allowed. Any thread. */
void judge_values(struct judge *j);

/* Bytes waiting for the judge's thread: past JUDGE_BACKLOG_MAX a shard takes nothing more in. */
size_t judge_backlog(const struct judge *j);
/* How often the thread took a device up again since the start. */
uint64_t judge_runs(const struct judge *j);

/* Bulk loading, which runs without the judge's thread: reports from `from_ms` on are new to the device. */
void judge_note(struct head *head, int64_t from_ms);
/* Before the loops run: a change of rules, fences, permits or registry from `from_ms` on; `device` 0: of all. */
void judge_note_change(struct engine *e, uint64_t device, int64_t from_ms);
/* Bulk loading, which runs without the judge's thread: put the marks of what was loaded into the store. */
STATUS_CHECKED enum status judge_keep_marks(struct engine *e);

#endif
