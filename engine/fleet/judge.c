/* judge.c -- the side of the judge that runs on the shards' loops: stepping what comes in order, asking for the rest.
 */
#include "engine/fleet/judge.h"

#include <stdlib.h>
#include <string.h>

#include "engine/core/clock.h"
#include "engine/core/log.h"
#include "engine/fleet/fleet_internal.h"
#include "engine/fleet/judge_state.h"

/* heads asked for their clock in one tick of a loop: half a millisecond */
#define TICK_SLICE 2048
/* the clock says nothing of a device that was heard so lately: one that catches up on yesterday is not silent, and what
 * the clock said of it would be taken back by its next report, judged again each time */
#define TICK_QUIET_MS 5000

/* Reports that came while the judge's thread had the device: of the last few, when they were. A run judges those that
 * came before it opened the track, and only the others are judged again. */
#define SINCE_MAX 16
struct since {
	uint64_t last;  /* number of the report that came last, as head_reports_total() counts */
	uint32_t count; /* that came without one between them */
	int64_t lowest_ms;
	int64_t times_ms[SINCE_MAX]; /* of report n at n % SINCE_MAX */
};

/* A device's judging. Loop thread only. */
struct judged {
	struct detect_state *live; /* NULL: not known here; the judge's thread has it, or will make it */
	int64_t dirty_ms;          /* reports from here on are still to be judged; INT64_MAX: none */
	int64_t card_ms;           /* the last card stepped; INT64_MIN: none */
	int64_t told_ms;           /* something may have been told and digested at this time; INT64_MIN: nothing */
	int64_t heard_ms;          /* receipt of the report that came last, or RECEIVED_UNKNOWN */
	struct anchors anchors;
	struct since since;
	uint32_t steps;      /* since the last snapshot */
	bool asked;          /* a job for the device is with the judge's thread */
	bool ticked;         /* the clock said something of `live`: a report may take it back */
	bool cards;          /* a card came since it was asked for last */
	int64_t marked_ms;   /* lowest mark in the store or on its way since it was asked for; INT64_MAX: none */
	uint64_t void_marks; /* all marks up to this number are of reports that were judged */
};

void judged_free(struct judged *j)
{
	if (!j)
		return;
	detect_state_free(j->live);
	anchors_deinit(&j->anchors);
	free(j);
}

static struct judged *need(struct head *head)
{
	if (head->judged)
		return head->judged;
	struct judged *j = calloc(1, sizeof *j);
	if (j) {
		j->dirty_ms = j->marked_ms = INT64_MAX;
		j->card_ms = j->told_ms = INT64_MIN;
		j->heard_ms = RECEIVED_UNKNOWN;
		anchors_init(&j->anchors);
		head->judged = j;
	}
	return j;
}

/* --- marks: what came late must not be forgotten by a crash --- */

/* Marks made later have higher numbers, as long as the clock is not set back. */
static uint64_t next_mark(struct shard *s)
{
	return (uint64_t)clock_now_ms() << 20 | (s->marks++ & 0xfffff);
}

static enum status push_mark(struct shard *s, uint64_t device, int64_t dirty_ms)
{
	struct job *job = job_new(JOB_ROWS, MARK_KEY_SIZE + 8);
	if (!job)
		return STATUS_NO_MEMORY;
	job->family = STORE_STATE;
	job->key_size = MARK_KEY_SIZE;
	mark_key(device, next_mark(s), job->data);
	store_be64(job->data + MARK_KEY_SIZE, (uint64_t)dirty_ms);
	writer_push(s->writer, job);
	return STATUS_OK;
}

/* --- what came meanwhile --- */

static void since_begin(struct since *n)
{
	n->count = 0;
	n->lowest_ms = INT64_MAX;
}

static void since_add(struct since *n, uint64_t number, int64_t time_ms)
{
	n->count = n->count && number == n->last + 1 ? n->count + 1 : 1;
	n->last = number;
	n->times_ms[number % SINCE_MAX] = time_ms;
	if (time_ms < n->lowest_ms)
		n->lowest_ms = time_ms;
}

/* The earliest of those that the run did not judge; INT64_MAX: none. */
static int64_t since_unjudged(const struct since *n, const struct judged_back *back)
{
	int64_t lowest = INT64_MAX;
	uint64_t left = n->last > back->reports_total ? n->last - back->reports_total : 0;
	if (!n->count || n->lowest_ms <= back->from_ms || left > n->count || left > SINCE_MAX)
		return n->lowest_ms;
	for (uint64_t i = 0; i < left; i++)
		if (n->times_ms[(n->last - i) % SINCE_MAX] < lowest)
			lowest = n->times_ms[(n->last - i) % SINCE_MAX];
	return lowest;
}

/* --- asking the judge's thread --- */

static void ask(struct shard *s, uint64_t device, struct judged *j, bool at_once)
{
	struct judge *judge = s->engine->judge;
	struct judge_job *job = judge ? judge_job_new(JUDGE_AGAIN) : NULL;
	if (!job)
		return; /* bulk loading, or no memory: the next report asks again */
	judge_turn(s);  /* what was told of the device comes first */
	job->device = device;
	job->shard = s;
	job->from_ms = j->dirty_ms;
	job->void_marks = j->void_marks;
	job->wait_for_cards = j->cards;
	job->late = !j->live || j->dirty_ms <= detect_state_time(j->live);
	job->state = job->late ? anchors_before(&j->anchors, j->dirty_ms) : j->live;
	job->anchors = j->anchors;
	anchors_init(&j->anchors);
	job->card_ms = j->card_ms;
	job->due_ns = at_once ? 0 : judge_later();
	if (job->late) {
		job->card_ms = INT64_MIN;
		detect_state_free(j->live);
	}
	j->live = NULL;
	j->dirty_ms = INT64_MAX;
	since_begin(&j->since);
	j->ticked = false;
	j->cards = false;
	j->asked = true;
	j->marked_ms = INT64_MAX;
	judge_push(judge, job);
}

static void mark(struct shard *s, uint64_t device, struct judged *j, int64_t from_ms)
{
	if (from_ms < j->marked_ms && push_mark(s, device, from_ms) == STATUS_OK)
		j->marked_ms = from_ms;
}

static void dirty(struct shard *s, struct head *head, struct judged *j, int64_t from_ms)
{
	if (from_ms < j->dirty_ms)
		j->dirty_ms = from_ms;
	if (j->asked || (j->live && from_ms <= detect_state_time(j->live)))
		mark(s, head->device, j, from_ms);
	if (!j->asked)
		ask(s, head->device, j, false);
}

/* --- in order --- */

static void keep_snapshot(struct shard *s, uint64_t device, struct judged *j)
{
	struct judge_job *job = judge_job_new(JUDGE_SNAPSHOT);
	if (!job)
		return;
	judge_turn(s);
	job->device = device;
	job->bytes = buf_init(JUDGE_STATE_BYTES_MAX);
	job->from_ms = detect_state_time(j->live);
	if (detect_state_encode(j->live, &job->bytes)) {
		judge_job_free(job);
		return;
	}
	judge_push(s->engine->judge, job);
}

/* A state that could not be stepped is thrown away: the judge makes it again from what is stored. */
static void lost(struct shard *s, struct head *head, struct judged *j, int64_t from_ms, enum status status)
{
	log_warn("judge", "a device is judged again from its snapshot: %s", status_text(status));
	detect_state_free(j->live);
	j->live = NULL;
	dirty(s, head, j, from_ms);
}

static void step(struct shard *s, struct head *head, struct judged *j, const struct report *r)
{
	size_t told = s->told.finding_count + s->told.fact_count;
	s->told.decided = (struct decided){r->time_ms, r->hash};
	enum status status = detect_step(j->live, s->judged_by->detector, r, &s->told.sink);
	if (s->told.finding_count + s->told.fact_count > told)
		j->told_ms = r->time_ms;
	if (!status)
		status = s->told.status;
	if (status) {
		lost(s, head, j, r->time_ms, status);
		return;
	}
	anchors_step(&j->anchors, j->live);
	if (++j->steps >= JUDGE_SNAPSHOT_STEPS) {
		j->steps = 0;
		keep_snapshot(s, head->device, j);
	}
}

static bool is_last(const struct detect_state *state, const struct report *r)
{
	return detect_state_time(state) == r->time_ms && detect_state_hash(state) == r->hash;
}

/* In order, and not of an instant of which something was told: that has a digest over all reports of the instant. */
static bool goes_on(const struct judged *j, const struct report *r)
{
	struct decided stood = {detect_state_time(j->live), detect_state_hash(j->live)};
	return decided_compare((struct decided){r->time_ms, r->hash}, stood) > 0 && r->time_ms > j->card_ms &&
	       r->time_ms != j->told_ms && !j->ticked;
}

/* One of which nothing was ever known: every device with a row has a head when the loops begin, and is asked for then.
 * There is nothing to read and nothing to take back. */
static void meet(struct shard *s, struct head *head, struct judged *j)
{
	if (s->judged_by && head_reports_total(head) == 1 && detect_state_new(head->device, &j->live))
		j->live = NULL; /* the judge's thread makes it */
}

void judge_report(struct shard *s, struct head *head, const struct report *r)
{
	bool known = head->judged;
	struct judged *j = need(head);
	if (j && !known && s->engine->judge && !(r->flags & REPORT_FLAG_FUTURE))
		meet(s, head, j);
	bool future = r->flags & REPORT_FLAG_FUTURE;
	if (j && j->asked)
		since_add(&j->since, head_reports_total(head), future ? INT64_MAX : r->time_ms);
	if (!j || future)
		return;
	j->heard_ms = r->received_ms;
	if (s->engine->judge && s->judged_by->pairs)
		judge_note_pairs(s->engine->judge, r->time_ms);
	if (j->asked)
		mark(s, head->device, j, r->time_ms);
	else if (j->live && goes_on(j, r))
		step(s, head, j, r);
	else if (!j->live || !is_last(j->live, r))
		dirty(s, head, j, r->time_ms);
}

void judge_card(struct shard *s, struct head *head, int64_t time_ms, uint64_t driver, int64_t received_ms)
{
	struct judged *j = need(head);
	if (!j || time_ms > received_ms + FUTURE_SKEW_MAX_MS)
		return;
	j->cards = true;
	if (!j->live || time_ms < detect_state_time(j->live) || time_ms <= j->card_ms) {
		dirty(s, head, j, time_ms);
		return;
	}
	s->told.decided = (struct decided){detect_state_time(j->live), DECIDED_BEHIND};
	enum status status = detect_driver(j->live, s->judged_by->detector, time_ms, driver, &s->told.sink);
	j->card_ms = time_ms;
	if (status)
		lost(s, head, j, time_ms, status);
}

/* --- turns and ticks --- */

void judge_turn(struct shard *s)
{
	struct told *t = &s->told;
	if (!t->finding_count && !t->fact_count)
		return;
	struct judge_job *job = judge_job_new(JUDGE_TOLD);
	if (!job) {
		log_error("judge", "no memory to hand on what was found; it is judged again at the next start");
		told_clear(t);
		return;
	}
	job->told = *t;
	told_init(t);
	judge_push(s->engine->judge, job);
}

/* What the clock says was true as far as was known: the next report, which may be of long ago, is judged with what is
 * open, and takes it back or ends it. */
static enum status tick(struct shard *s, struct judged *j, int64_t now_ms)
{
	size_t told = s->told.finding_count + s->told.fact_count;
	s->told.decided = (struct decided){detect_state_time(j->live), DECIDED_BEHIND};
	enum status status = detect_tick(j->live, s->judged_by->detector, now_ms, &s->told.sink);
	j->ticked = j->ticked || s->told.finding_count + s->told.fact_count > told;
	return status;
}

static bool is_quiet(const struct judged *j, int64_t now_ms)
{
	return j->heard_ms == RECEIVED_UNKNOWN || j->heard_ms > now_ms || now_ms - j->heard_ms >= TICK_QUIET_MS;
}

void judge_tick(struct shard *s, int64_t now_ms)
{
	uint32_t end = s->heads.count, slice = end < TICK_SLICE ? end : TICK_SLICE;
	if (!s->engine->judge || !slice)
		return;
	for (uint32_t i = 0; i < slice; i++) {
		s->next_tick = s->next_tick + 1 < end ? s->next_tick + 1 : 0;
		struct judged *j = s->heads.all[s->next_tick]->judged;
		if (!j || !j->live || !is_quiet(j, now_ms) || detect_wake(j->live, s->judged_by->detector) > now_ms)
			continue;
		enum status status = tick(s, j, now_ms);
		if (status)
			lost(s, s->heads.all[s->next_tick], j, detect_state_time(j->live), status);
	}
	judge_turn(s);
}

/* --- what the judge's thread has for the loop --- */

/* The state a device was judged to; what came meanwhile goes on from there. */
void judge_take_back(struct shard *s, uint64_t device, struct judged_back *back)
{
	struct head *head = heads_find(&s->heads, device);
	struct judged *j = head ? need(head) : NULL;
	if (!j) {
		detect_state_free(back->state);
		return;
	}
	int64_t unjudged_ms = since_unjudged(&j->since, back);
	j->asked = false;
	detect_state_free(j->live);
	j->live = back->state;
	j->card_ms = back->card_ms;
	j->told_ms = back->state ? detect_state_time(back->state) : INT64_MIN;
	struct anchors old = j->anchors;
	j->anchors = back->anchors;
	back->anchors = old;
	j->steps = 0;
	if (unjudged_ms < j->dirty_ms)
		j->dirty_ms = unjudged_ms;
	if (j->dirty_ms != INT64_MAX)
		ask(s, device, j, back->state && j->dirty_ms > detect_state_time(back->state));
	else
		j->void_marks = next_mark(s);
}

void judge_take_context(struct shard *s)
{
	struct judged_by *old = s->judged_by;
	s->judged_by = context_take(s->engine->context);
	judged_by_release(old);
}

/* What the registry said of the device is asked anew. */
static void forget_subject(struct shard *s, struct head *head, struct judged *j)
{
	struct detect_state *copy;
	enum status status = detect_state_copy(j->live, &copy);
	if (status) {
		lost(s, head, j, detect_state_time(j->live), status);
		return;
	}
	detect_state_free(j->live);
	j->live = copy;
}

void judge_context_changed(struct shard *s, uint64_t device, int64_t from_ms)
{
	judge_take_context(s);
	for (uint32_t i = 0; i < s->heads.count; i++) {
		struct head *head = s->heads.all[i];
		struct judged *j = head->judged;
		if (!j || (device && head->device != device))
			continue;
		if (!j->live || detect_state_time(j->live) >= from_ms)
			dirty(s, head, j, from_ms);
		else if (device)
			forget_subject(s, head, j);
	}
}

/* What recovery found late was late for the snapshots too: the journal may be trimmed before it is judged. */
static enum status keep_mark(struct shard *s, uint64_t device, struct judged *j)
{
	enum status status = j->dirty_ms < j->marked_ms ? push_mark(s, device, j->dirty_ms) : STATUS_OK;
	if (!status && j->dirty_ms < j->marked_ms)
		j->marked_ms = j->dirty_ms;
	return status;
}

void judge_ask_all(struct shard *s)
{
	for (uint32_t i = 0; i < s->heads.count; i++) {
		struct judged *j = need(s->heads.all[i]);
		if (!j || j->live || j->asked)
			continue;
		if (keep_mark(s, s->heads.all[i]->device, j))
			log_warn("judge", "no memory to mark what is still to be judged");
		ask(s, s->heads.all[i]->device, j, false);
	}
}

bool judge_all_known(const struct shard *s)
{
	for (uint32_t i = 0; i < s->heads.count; i++) {
		const struct judged *j = s->heads.all[i]->judged;
		if (j && (!j->live || j->asked || j->dirty_ms != INT64_MAX))
			return false;
	}
	return true;
}

/* The clock has its say first, so that a later tick does not say it over. */
void judge_tell_open(struct shard *s, int64_t as_of_ms)
{
	for (uint32_t i = 0; i < s->heads.count; i++) {
		struct judged *j = s->heads.all[i]->judged;
		if (!j || !j->live)
			continue;
		int64_t last_ms = detect_state_time(j->live);
		int64_t then_ms = as_of_ms > last_ms ? as_of_ms : last_ms;
		enum status status = tick(s, j, then_ms);
		s->told.decided.hash = DECIDED_ASKED;
		if (!status)
			status = detect_open(j->live, s->judged_by->detector, then_ms, &s->told.sink);
		if (status)
			log_error("judge", "what is open cannot be told: %s", status_text(status));
		if (s->told.finding_count + s->told.fact_count >= JUDGE_TOLD_MAX)
			judge_turn(s);
	}
	judge_turn(s);
}

void judge_snapshot_all(struct shard *s)
{
	judge_turn(s);
	for (uint32_t i = 0; i < s->heads.count; i++) {
		struct judged *j = s->heads.all[i]->judged;
		/* states with nothing behind their last report: the others are made again from an earlier one */
		if (j && j->live && j->steps && !j->ticked && j->card_ms < detect_state_time(j->live))
			keep_snapshot(s, s->heads.all[i]->device, j);
	}
}

void judge_note(struct head *head, int64_t from_ms)
{
	struct judged *j = need(head);
	if (j && from_ms < j->dirty_ms)
		j->dirty_ms = from_ms;
}

void judge_note_change(struct engine *e, uint64_t device, int64_t from_ms)
{
	struct head *head = device ? heads_find(&engine_owner(e, device)->heads, device) : NULL;
	if (head)
		judge_note(head, from_ms);
	for (unsigned i = 0; i < e->shard_count && !device; i++)
		for (uint32_t k = 0; k < e->shards[i].heads.count; k++)
			judge_note(e->shards[i].heads.all[k], from_ms);
}

/* What was loaded and still lies in the head. */
static void note_unsealed(struct head *head)
{
	const struct judged *j = head->judged;
	if (!head->dirty || (j && (j->live || j->asked)))
		return;
	for (uint32_t i = 0; i < head->run.count; i++)
		if (!j || head->run.reports[i].time_ms < j->dirty_ms) {
			judge_note(head, head->run.reports[i].time_ms);
			j = head->judged;
		}
}

enum status judge_keep_marks(struct engine *e)
{
	enum status status = STATUS_OK;
	for (unsigned i = 0; i < e->shard_count; i++) {
		struct shard *s = &e->shards[i];
		for (uint32_t k = 0; k < s->heads.count && !status; k++) {
			note_unsealed(s->heads.all[k]);
			struct judged *j = s->heads.all[k]->judged;
			if (j)
				status = keep_mark(s, s->heads.all[k]->device, j);
		}
	}
	return status;
}
