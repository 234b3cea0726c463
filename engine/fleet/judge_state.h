/* judge_state.h -- what the judge's two sides share: jobs to its thread, and what comes back to the loops. */
#ifndef ZAYTON_FLEET_JUDGE_STATE_H
#define ZAYTON_FLEET_JUDGE_STATE_H

#include <pthread.h>

#include "engine/fleet/judge.h"
#include "engine/fleet/judge_run.h"

/* told items after which a job of its own is made of them */
#define JUDGE_TOLD_MAX 256
#define JUDGE_STATE_BYTES_MAX (1u << 20)
/* how long what came late may gather before its device is judged again */
#define JUDGE_GATHER_NS INT64_C(300000000)

enum judge_job_kind {
	JUDGE_TOLD,     /* live: `told` */
	JUDGE_SNAPSHOT, /* `bytes` is the state of `device` at `from_ms` */
	JUDGE_AGAIN,    /* judge `device` from `from_ms` on, or go on from `state` */
	JUDGE_CALL,     /* `call(call_context)` on the judge's thread */
};

struct judge_job {
	struct judge_job *next;
	enum judge_job_kind kind;
	int64_t due_ns; /* AGAIN: not before; monotonic */
	uint64_t device;
	struct shard *shard;
	int64_t from_ms;
	uint64_t void_marks; /* AGAIN: marks up to this number say nothing any more */
	bool wait_for_cards; /* AGAIN: cards are still with the writer */
	struct detect_state *state;
	bool late; /* AGAIN: what was judged from `from_ms` on is to be taken back */
	struct anchors anchors;
	int64_t card_ms; /* AGAIN, with `state`: the last card it was stepped with */
	struct told told;
	struct buf bytes;
	void (*call)(void *context);
	void *call_context;
};

struct judge_job *judge_job_new(enum judge_job_kind kind);
void judge_job_free(struct judge_job *job);
/* Takes the job. */
void judge_push(struct judge *j, struct judge_job *job);
/* A report of that time, in order, of a device that may be a vessel: its pairs are judged soon. Any thread. */
void judge_note_pairs(struct judge *j, int64_t time_ms);
/* now + JUDGE_GATHER_NS */
int64_t judge_later(void);

struct sea_windows;

/* --- judge_again.c: on the judge's thread --- */
/* Digests of what was told and has ended. */
STATUS_CHECKED enum status told_digests(struct engine *e, struct told *t);
/* The job's state becomes a row, and older ones are thinned out. */
STATUS_CHECKED enum status judge_keep_snapshot(struct engine *e, struct sea_windows *windows, struct store_batch *batch,
					       const struct judge_job *job);
/* Judges the job's device and gives it back to its loop, whatever becomes of it. `touched` is told the subjects whose
 * facts changed. On failure nothing was committed and `batch` is empty. */
STATUS_CHECKED enum status judge_again(struct engine *e, struct sea_windows *windows, struct store_batch *batch,
				       struct judge_job *job, findings_subject *touched, void *context);

/* --- on the shard's loop --- */
/* What a run leaves the loop to go on with. */
struct judged_back {
	struct detect_state *state; /* NULL: it failed */
	int64_t card_ms;
	struct anchors anchors;
	int64_t from_ms;        /* judged were all reports behind this among the first */
	uint64_t reports_total; /* so many that came; 0: none */
};
/* Takes `state` and what `anchors` holds. */
void judge_take_back(struct shard *s, uint64_t device, struct judged_back *back);
void judge_take_context(struct shard *s);
void judge_context_changed(struct shard *s, uint64_t device, int64_t from_ms);
void judge_ask_all(struct shard *s);
/* Every device's state is known and nothing is waiting to be judged. */
bool judge_all_known(const struct shard *s);
/* Tell everything that is open as of then. */
void judge_tell_open(struct shard *s, int64_t as_of_ms);
/* After the loops: keep every state. */
void judge_snapshot_all(struct shard *s);

#endif
