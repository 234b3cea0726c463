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

/* --- on the shard's loop --- */
/* Takes `state` and what `anchors` holds. */
void judge_take_back(struct shard *s, uint64_t device, struct detect_state *state, int64_t card_ms,
		     struct anchors *anchors);
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
