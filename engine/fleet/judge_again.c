/* judge_again.c -- a device taken up again by the judge's thread: snapshots of its state, and judging from one on.
 *
 *   state before what came late ──> the track from there ──> findings_replace ──> the state it ends in, to the loop
 *        live, an anchor, a snapshot        judge_run.c
 *
 * Threads: the judge's. */
#include <stdlib.h>

#include "engine/core/clock.h"
#include "engine/core/crash.h"
#include "engine/fleet/finding_reports.h"
#include "engine/fleet/fleet_internal.h"
#include "engine/fleet/judge_state.h"
#include "engine/fleet/sea_windows.h"
#include "engine/store/keys.h"

#define DAYS_OF_MONTH_MIN 28

enum status told_digests(struct engine *e, struct told *t)
{
	enum status status = STATUS_OK;
	for (size_t i = 0; i < t->finding_count && !status; i++)
		status = finding_digest(e, &t->findings[i].finding, NULL, 0);
	return status;
}

/* --- snapshots --- */

static void put_snapshot(struct store_batch *batch, uint64_t device, int64_t time_ms, struct span state)
{
	uint8_t key[STATE_KEY_SIZE];
	state_key(device, time_ms, key);
	store_batch_put(batch, STORE_STATE, span_of(key, sizeof key), state);
}

/* The last two snapshots stay, and of older ones the last of each day. */
struct thinning {
	struct store_batch *batch;
	uint64_t device;
	int64_t before[2]; /* the two seen last, oldest first; INT64_MIN: none */
};

static int64_t day_of(int64_t ms)
{
	return ms >= 0 ? ms / MS_PER_DAY : (ms + 1) / MS_PER_DAY - 1;
}

static enum status thin_row(void *context, struct span key, struct span value)
{
	struct thinning *t = context;
	uint8_t old[STATE_KEY_SIZE];
	(void)value;
	if (key.size != STATE_KEY_SIZE)
		return STATUS_CORRUPT;
	int64_t time_ms = time_unbias(load_be64(key.data + 9));
	if (t->before[0] != INT64_MIN && day_of(t->before[0]) == day_of(t->before[1])) {
		state_key(t->device, t->before[0], old);
		store_batch_delete(t->batch, STORE_STATE, span_of(old, sizeof old));
	}
	t->before[0] = t->before[1];
	t->before[1] = time_ms;
	return STATUS_OK;
}

enum status judge_keep_snapshot(struct engine *e, struct sea_windows *windows, struct store_batch *batch,
				const struct judge_job *job)
{
	uint8_t prefix[STATE_KEY_SIZE];
	struct thinning t = {batch, job->device, {INT64_MIN, INT64_MIN}};
	state_key(job->device, 0, prefix);
	enum status status = store_scan(e->store, STORE_STATE, span_of(prefix, 9), thin_row, &t);
	if (status)
		return status;
	put_snapshot(batch, job->device, job->from_ms, buf_view(&job->bytes));
	sea_windows_keep(windows, batch); /* what lies before the snapshot is not noted again */
	return store_commit(e->store, batch, false);
}

/* --- judging again --- */

struct again {
	struct engine *engine;
	struct sea_windows *windows;
	struct store_batch *batch;
	struct judge_job *job;
	findings_subject *touched;
	void *context;
	int64_t from_ms;
	bool live; /* the state is the live one, with what a card or the clock did behind its last report */
	struct judge_run run;
};

static enum status keep_run_snapshot(void *context, const struct detect_state *state)
{
	struct again *a = context;
	struct buf bytes = buf_init(JUDGE_STATE_BYTES_MAX);
	enum status status = detect_state_encode(state, &bytes);
	if (!status)
		put_snapshot(a->batch, a->job->device, detect_state_time(state), buf_view(&bytes));
	buf_deinit(&bytes);
	return status;
}

/* Marks of the device: the earliest counts, and all that were read go with the commit. */
static enum status take_mark(void *context, struct span key, struct span value)
{
	struct again *a = context;
	if (key.size != MARK_KEY_SIZE || value.size != 8)
		return STATUS_CORRUPT;
	int64_t from_ms = (int64_t)load_be64(value.data);
	if (from_ms < a->from_ms && load_be64(key.data + 9) > a->job->void_marks)
		a->from_ms = from_ms;
	store_batch_delete(a->batch, STORE_STATE, key);
	return STATUS_OK;
}

static enum status drop_snapshot(void *context, struct span key, struct span value)
{
	struct again *a = context;
	(void)value;
	if (key.size != STATE_KEY_SIZE)
		return STATUS_CORRUPT;
	store_batch_delete(a->batch, STORE_STATE, key);
	return STATUS_OK;
}

/* The state to go on from, and everything that was made after it taken back. */
static enum status begin_again(struct again *a, struct judged_by *by)
{
	struct engine *e = a->engine;
	struct judge_job *job = a->job;
	uint8_t key[MARK_KEY_SIZE];
	struct detect_state *state = job->state, *given = state;
	a->from_ms = job->from_ms;
	job->state = NULL;
	mark_key(job->device, 0, key);
	enum status status = store_scan(e->store, STORE_STATE, span_of(key, 9), take_mark, a);
	bool late = job->late || a->from_ms < job->from_ms;
	if (!status && state && a->from_ms <= detect_state_time(state)) {
		detect_state_free(state);
		state = NULL;
	}
	if (!status && !state) {
		status = state_before(e->store, job->device, a->from_ms, &state);
		if (status == STATUS_NOT_FOUND)
			status = STATUS_OK;
	}
	if (!status && late && a->from_ms != INT64_MAX) {
		state_key(job->device, a->from_ms, key);
		status = store_scan_within(e->store, STORE_STATE, span_of(key, 9), span_of(key, STATE_KEY_SIZE),
					   drop_snapshot, a);
	}
	if (status) {
		detect_state_free(state);
		return status;
	}
	bool goes_on = state && state == given;
	a->live = goes_on && !job->late;
	status = judge_run_init(&a->run, e, by, job->device, state);
	if (goes_on) {
		struct anchors none = a->run.anchors;
		a->run.card_ms = job->card_ms;
		a->run.anchors = job->anchors;
		job->anchors = none;
	}
	return status;
}

/* What was found before this cannot be found again, for its reports have expired: where the stored track begins, when
 * the report at `from_ms`, where the state stands, is no longer in it. No month is dropped that is younger than
 * RETENTION_MONTHS_MIN. */
static int64_t found_for_good(struct engine *e, uint64_t device, int64_t from_ms)
{
	struct track *track;
	struct report r;
	int64_t begins = INT64_MAX;
	if (from_ms >= clock_now_ms() - RETENTION_MONTHS_MIN * DAYS_OF_MONTH_MIN * MS_PER_DAY)
		return INT64_MIN;
	if (track_open_judged(e, device, from_ms, INT64_MAX, &track) == STATUS_OK) {
		if (track_next(track, &r) == STATUS_OK)
			begins = r.time_ms == from_ms ? INT64_MIN : r.time_ms;
		track_close(track);
	}
	return begins;
}

struct given_back {
	struct shard *shard;
	uint64_t device;
	struct judged_back back;
};

static void give_back_on_loop(void *context)
{
	struct given_back *g = context;
	judge_take_back(g->shard, g->device, &g->back);
	anchors_deinit(&g->back.anchors);
	free(g);
}

/* Takes what `back` holds; state and anchors may be none. */
static void give_back(struct judge_job *job, struct judged_back *back)
{
	struct given_back *g = malloc(sizeof *g);
	if (g) {
		*g = (struct given_back){job->shard, job->device, *back};
		if (shard_post(job->shard, give_back_on_loop, g) == STATUS_OK)
			return;
	}
	free(g);
	anchors_deinit(&back->anchors);
	detect_state_free(back->state);
}

static void give_back_run(struct judge_job *job, struct judge_run *r)
{
	struct judged_back back = {r->state, r->card_ms, r->anchors, r->from_ms, r->reports_total};
	r->state = NULL;
	anchors_init(&r->anchors);
	give_back(job, &back);
}

static void give_back_nothing(struct judge_job *job)
{
	struct judged_back back = {.card_ms = INT64_MIN, .from_ms = INT64_MAX};
	anchors_init(&back.anchors);
	give_back(job, &back);
}

static enum status commit_again(struct again *a, struct decided from)
{
	struct engine *e = a->engine;
	struct told *t = &a->run.told;
	struct replacement r = {.subject = a->job->device,
				.stage = 1,
				.scope = REPLACE_AFTER,
				.after = from,
				.keep_before_ms = found_for_good(e, a->job->device, from.time_ms),
				.findings = t->findings,
				.finding_count = t->finding_count,
				.facts = t->facts,
				.fact_count = t->fact_count,
				.batch = a->batch,
				.now_ms = clock_now_ms()};
	enum status status = told_digests(e, t);
	crash_point("judge");
	return status ? status : findings_replace(e->findings, &r, a->touched, a->context);
}

/* What is new of the device is new to its pairs. */
static enum status note_pairs(struct again *a, int64_t state_ms)
{
	int64_t from_ms = a->from_ms != INT64_MAX && a->from_ms > state_ms ? a->from_ms : state_ms;
	enum status status = sea_windows_note_track(a->windows, a->engine, a->job->device, from_ms);
	sea_windows_keep(a->windows, a->batch);
	return status;
}

static enum status run_again(struct again *a)
{
	struct engine *e = a->engine;
	struct judged_by *by = context_take(e->context);
	enum status status = begin_again(a, by);
	if (status) {
		judged_by_release(by);
		return status;
	}
	struct decided from = {detect_state_time(a->run.state),
			       a->live ? DECIDED_BEHIND : detect_state_hash(a->run.state)};
	a->run.snapshot = keep_run_snapshot;
	a->run.context = a;
	status = judge_run_track(&a->run, INT64_MAX);
	if (!status && detect_state_time(a->run.state) != INT64_MIN)
		status = judge_run_open(&a->run, INT64_MIN); /* what stays open, or it would count as gone */
	if (!status)
		status = note_pairs(a, from.time_ms);
	if (!status)
		status = commit_again(a, from);
	if (!status)
		give_back_run(a->job, &a->run);
	judge_run_deinit(&a->run);
	judged_by_release(by);
	return status;
}

enum status judge_again(struct engine *e, struct sea_windows *windows, struct store_batch *batch, struct judge_job *job,
			findings_subject *touched, void *context)
{
	struct again a = {
		.engine = e, .windows = windows, .batch = batch, .job = job, .touched = touched, .context = context};
	enum status status = job->wait_for_cards ? writer_wait(job->shard->writer) : STATUS_OK;
	if (!status)
		status = run_again(&a);
	if (status) {
		/* nothing was committed: the device stays unknown, and its next report asks again */
		store_batch_clear(batch);
		give_back_nothing(job);
	}
	return status;
}
