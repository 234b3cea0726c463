/* judge_worker.c -- the judge's own thread.
 *
 *   jobs     TOLD, SNAPSHOT, CALL    in order
 *   again    AGAIN                   by the time they are due, after every job
 *   windows  pairs of vessels        after those (sea_windows.h)
 *   touched  subjects of stage 2     after those
 *
 * One thread for all shards, so that what belongs to a driver or a place is judged by one hand. */
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "engine/core/clock.h"
#include "engine/core/crash.h"
#include "engine/core/log.h"
#include "engine/fleet/changes.h"
#include "engine/fleet/finding_reports.h"
#include "engine/fleet/fleet_internal.h"
#include "engine/fleet/judge_stage2.h"
#include "engine/fleet/judge_state.h"
#include "engine/fleet/sea_windows.h"
#include "engine/store/keys.h"

/* stage 2 waits so long for more facts of a subject */
#define STAGE2_GATHER_NS INT64_C(1000000000)
/* windows of pairs are judged so long after the first report that is new in one: every vessel is read */
#define WINDOWS_GATHER_NS INT64_C(10000000000)
#define DAYS_OF_MONTH_MIN 28

struct judge {
	struct engine *engine;
	pthread_mutex_t lock;
	pthread_cond_t wake, idle;
	struct judge_job *first, **last;
	struct judge_job *again, **again_last; /* by due time: those due at once first, the others as they came */
	_Atomic size_t backlog;
	uint64_t pushed[2], done[2]; /* jobs in order, and those of `again` */
	enum status failed;          /* of the last device that could not be judged again */
	bool stopping, running;
	pthread_t thread;
	struct subjects touched;
	struct sea_windows *windows;
	int64_t stage2_due_ns, windows_due_ns, forget_due_ns;
	uint64_t *forget; /* numbers of changes whose devices have their marks, on their way to the store */
	size_t forget_count, forget_capacity;
	struct store_batch *batch;
};

/* --- jobs --- */

static size_t job_bytes(const struct judge_job *job)
{
	return sizeof *job + job->told.finding_capacity * sizeof(struct told_finding) +
	       job->told.fact_capacity * sizeof(struct told_fact) + job->bytes.capacity;
}

struct judge_job *judge_job_new(enum judge_job_kind kind)
{
	struct judge_job *job = calloc(1, sizeof *job);
	if (job)
		job->kind = kind;
	return job;
}

void judge_job_free(struct judge_job *job)
{
	told_deinit(&job->told);
	buf_deinit(&job->bytes);
	anchors_deinit(&job->anchors);
	detect_state_free(job->state);
	free(job);
}

int64_t judge_later(void)
{
	return clock_monotonic_ns() + JUDGE_GATHER_NS;
}

static void push_again(struct judge *j, struct judge_job *job)
{
	if (job->due_ns) {
		job->next = NULL;
		*j->again_last = job;
		j->again_last = &job->next;
		return;
	}
	job->next = j->again;
	if (!j->again)
		j->again_last = &job->next;
	j->again = job;
}

static struct judge_job *pop_again(struct judge *j)
{
	struct judge_job *job = j->again;
	j->again = job->next;
	if (!j->again)
		j->again_last = &j->again;
	return job;
}

void judge_push(struct judge *j, struct judge_job *job)
{
	atomic_fetch_add(&j->backlog, job_bytes(job));
	pthread_mutex_lock(&j->lock);
	j->pushed[job->kind == JUDGE_AGAIN]++;
	if (job->kind == JUDGE_AGAIN) {
		push_again(j, job);
	} else {
		job->next = NULL;
		*j->last = job;
		j->last = &job->next;
	}
	pthread_cond_signal(&j->wake);
	pthread_mutex_unlock(&j->lock);
}

size_t judge_backlog(const struct judge *j)
{
	return j ? atomic_load_explicit(&j->backlog, memory_order_relaxed) : 0;
}

/* --- what was told --- */

/* Returns from when on its raw reports may be others. */
static int64_t remember(struct judge *j, uint64_t subject, int64_t raw_from_ms)
{
	if (subjects_add(&j->touched, subject, raw_from_ms, &raw_from_ms))
		log_error("judge", "no memory to remember a subject of stage 2");
	if (!j->stage2_due_ns)
		j->stage2_due_ns = clock_monotonic_ns() + STAGE2_GATHER_NS;
	return raw_from_ms;
}

/* Into the batch that changes the facts: a crash before stage 2 must not forget whose they are. */
static void touch(void *context, uint64_t subject, int64_t raw_from_ms)
{
	struct judge *j = context;
	if (subject)
		put_touched(j->batch, subject, remember(j, subject, raw_from_ms));
}

static enum status touched_before(void *context, struct span key, struct span value)
{
	if (key.size != TOUCHED_KEY_SIZE || (value.size && value.size != 8))
		return STATUS_CORRUPT;
	remember(context, load_be64(key.data + 1), value.size ? (int64_t)load_be64(value.data) : INT64_MIN);
	return STATUS_OK;
}

static enum status add_digests(struct engine *e, struct told *t)
{
	enum status status = STATUS_OK;
	for (size_t i = 0; i < t->finding_count && !status; i++)
		status = finding_digest(e, &t->findings[i].finding, NULL, 0);
	return status;
}

static enum status do_told(struct judge *j, struct judge_job *job)
{
	struct replacement r = {.stage = 1,
				.scope = REPLACE_TOLD,
				.keep_before_ms = INT64_MIN,
				.findings = job->told.findings,
				.finding_count = job->told.finding_count,
				.facts = job->told.facts,
				.fact_count = job->told.fact_count,
				.batch = j->batch,
				.now_ms = clock_now_ms()};
	enum status status = add_digests(j->engine, &job->told);
	return status ? status : findings_replace(j->engine->findings, &r, touch, j);
}

/* --- snapshots --- */

static enum status put_snapshot(struct judge *j, uint64_t device, int64_t time_ms, struct span state)
{
	uint8_t key[STATE_KEY_SIZE];
	state_key(device, time_ms, key);
	store_batch_put(j->batch, STORE_STATE, span_of(key, sizeof key), state);
	return STATUS_OK;
}

/* The last two snapshots stay, and of older ones the last of each day. */
struct thinning {
	struct judge *j;
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
		store_batch_delete(t->j->batch, STORE_STATE, span_of(old, sizeof old));
	}
	t->before[0] = t->before[1];
	t->before[1] = time_ms;
	return STATUS_OK;
}

static enum status do_snapshot(struct judge *j, struct judge_job *job)
{
	uint8_t prefix[STATE_KEY_SIZE];
	struct thinning t = {j, job->device, {INT64_MIN, INT64_MIN}};
	state_key(job->device, 0, prefix);
	enum status status = store_scan(j->engine->store, STORE_STATE, span_of(prefix, 9), thin_row, &t);
	if (!status)
		status = put_snapshot(j, job->device, job->from_ms, buf_view(&job->bytes));
	sea_windows_keep(j->windows, j->batch); /* what lies before the snapshot is not noted again */
	if (!status)
		status = store_commit(j->engine->store, j->batch, false);
	return status;
}

/* --- judging again --- */

struct again {
	struct judge *j;
	struct judge_job *job;
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
		status = put_snapshot(a->j, a->job->device, detect_state_time(state), buf_view(&bytes));
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
	if (from_ms < a->from_ms)
		a->from_ms = from_ms;
	store_batch_delete(a->j->batch, STORE_STATE, key);
	return STATUS_OK;
}

static enum status drop_snapshot(void *context, struct span key, struct span value)
{
	struct again *a = context;
	(void)value;
	if (key.size != STATE_KEY_SIZE)
		return STATUS_CORRUPT;
	store_batch_delete(a->j->batch, STORE_STATE, key);
	return STATUS_OK;
}

/* The state to go on from, and everything that was made after it taken back. */
static enum status begin_again(struct again *a, struct judged_by *by)
{
	struct engine *e = a->j->engine;
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
	struct detect_state *state;
	int64_t card_ms;
	struct anchors anchors;
};

static void give_back_on_loop(void *context)
{
	struct given_back *g = context;
	judge_take_back(g->shard, g->device, g->state, g->card_ms, &g->anchors);
	anchors_deinit(&g->anchors);
	free(g);
}

/* Takes `state` and what `anchors` holds; both may be none. */
static void give_back(struct judge_job *job, struct detect_state *state, int64_t card_ms, struct anchors *anchors)
{
	struct given_back *g = malloc(sizeof *g);
	if (g) {
		*g = (struct given_back){job->shard, job->device, state, card_ms, *anchors};
		anchors_init(anchors);
		if (shard_post(job->shard, give_back_on_loop, g) == STATUS_OK)
			return;
		anchors_deinit(&g->anchors);
	}
	free(g);
	detect_state_free(state);
}

static enum status commit_again(struct again *a, struct decided from)
{
	struct engine *e = a->j->engine;
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
				.batch = a->j->batch,
				.now_ms = clock_now_ms()};
	enum status status = add_digests(e, t);
	crash_point("judge");
	return status ? status : findings_replace(e->findings, &r, touch, a->j);
}

/* What is new of the device is new to its pairs. */
static enum status note_pairs(struct again *a, int64_t state_ms)
{
	struct judge *j = a->j;
	int64_t from_ms = a->from_ms != INT64_MAX && a->from_ms > state_ms ? a->from_ms : state_ms;
	enum status status = sea_windows_note_track(j->windows, j->engine, a->job->device, from_ms);
	sea_windows_keep(j->windows, j->batch);
	return status;
}

static enum status run_again(struct again *a, struct judge_job *job)
{
	struct engine *e = a->j->engine;
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
	if (!status) {
		give_back(job, a->run.state, a->run.card_ms, &a->run.anchors);
		a->run.state = NULL;
	}
	judge_run_deinit(&a->run);
	judged_by_release(by);
	return status;
}

static enum status do_again(struct judge *j, struct judge_job *job)
{
	struct again a = {.j = j, .job = job};
	enum status status = STATUS_OK;
	if (job->wait_for_cards)
		status = writer_wait(job->shard->writer);
	if (!status)
		status = run_again(&a, job);
	if (status) {
		/* nothing was committed: the device stays unknown, and its next report asks again */
		store_batch_clear(j->batch);
		give_back(job, NULL, INT64_MIN, &job->anchors);
		j->failed = status;
	}
	return status;
}

/* --- the thread --- */

static void do_job(struct judge *j, struct judge_job *job)
{
	static const char *const names[] = {"what was told", "a snapshot", "judging again", "a call"};
	enum status status = STATUS_OK;
	switch (job->kind) {
	case JUDGE_TOLD:
		status = do_told(j, job);
		break;
	case JUDGE_SNAPSHOT:
		status = do_snapshot(j, job);
		break;
	case JUDGE_AGAIN:
		status = do_again(j, job);
		break;
	case JUDGE_CALL:
		job->call(job->call_context);
		break;
	}
	if (status) {
		log_error("judge", "%s failed: %s", names[job->kind], status_text(status));
		store_batch_clear(j->batch);
	}
}

/* --- changes whose devices are all marked --- */

/* Under the lock. Without memory it is taken up once more at the next start. */
static void add_forget(struct judge *j, uint64_t number)
{
	if (j->forget_count == j->forget_capacity) {
		size_t capacity = j->forget_capacity ? j->forget_capacity * 2 : 64;
		uint64_t *list = realloc(j->forget, capacity * sizeof *list);
		if (!list)
			return;
		j->forget = list;
		j->forget_capacity = capacity;
	}
	j->forget[j->forget_count++] = number;
}

/* Under the lock: their devices have their marks, or these are with the writers. */
static void forget_soon(struct judge *j)
{
	if (j->forget_count && !j->forget_due_ns)
		j->forget_due_ns = clock_monotonic_ns() + STAGE2_GATHER_NS;
	pthread_cond_signal(&j->wake);
}

static void forget_later(struct judge *j, uint64_t number)
{
	pthread_mutex_lock(&j->lock);
	add_forget(j, number);
	forget_soon(j);
	pthread_mutex_unlock(&j->lock);
}

/* The marks are rows of the writers: only when those are in the store may the changes go. */
static enum status do_forget(struct judge *j, const uint64_t *numbers, size_t count)
{
	struct engine *e = j->engine;
	enum status status = STATUS_OK;
	for (unsigned i = 0; i < e->shard_count && !status; i++)
		status = writer_wait(e->shards[i].writer);
	for (size_t i = 0; i < count; i++)
		change_drop(j->batch, numbers[i]);
	if (!status)
		status = store_commit(e->store, j->batch, false);
	if (status)
		store_batch_clear(j->batch);
	return status;
}

/* Under the lock, which is let go meanwhile. */
static void forget_changes(struct judge *j)
{
	uint64_t *numbers = j->forget;
	size_t count = j->forget_count;
	j->forget = NULL;
	j->forget_count = j->forget_capacity = 0;
	j->forget_due_ns = 0;
	pthread_mutex_unlock(&j->lock);
	enum status status = do_forget(j, numbers, count);
	if (status)
		log_error("judge", "changes are taken up again at the next start: %s", status_text(status));
	free(numbers);
	pthread_mutex_lock(&j->lock);
}

static enum status judge_windows(struct judge *j, int64_t as_of_ms)
{
	if (!sea_windows_dirty(j->windows))
		return STATUS_OK;
	enum status status = sea_windows_judge(j->windows, j->engine, j->batch, as_of_ms, touch, j);
	if (status) {
		log_error("judge", "pairs of vessels could not be judged: %s", status_text(status));
		store_batch_clear(j->batch);
	}
	return status;
}

static void windows_later(struct judge *j)
{
	j->windows_due_ns =
		sea_windows_dirty(j->windows) && !j->stopping ? clock_monotonic_ns() + WINDOWS_GATHER_NS : 0;
}

void judge_note_pairs(struct judge *j, int64_t time_ms)
{
	if (!sea_windows_note(j->windows, time_ms))
		return;
	pthread_mutex_lock(&j->lock);
	if (!j->windows_due_ns)
		j->windows_due_ns = clock_monotonic_ns() + WINDOWS_GATHER_NS;
	pthread_cond_signal(&j->wake);
	pthread_mutex_unlock(&j->lock);
}

static void do_stage2(struct judge *j)
{
	enum status status = stage2_judge(j->engine, &j->touched, clock_now_ms());
	j->stage2_due_ns = 0;
	if (status)
		log_error("judge", "stage 2 failed: %s", status_text(status));
}

/* Under the lock: what is to be done now, or NULL; `*out_due_ns` then says when something will be. */
static struct judge_job *next_job(struct judge *j, int64_t *out_due_ns)
{
	struct judge_job *job = j->first;
	*out_due_ns = INT64_MAX;
	if (job) {
		j->first = job->next;
		if (!j->first)
			j->last = &j->first;
		return job;
	}
	if (j->again && j->again->due_ns <= clock_monotonic_ns()) {
		return pop_again(j);
	}
	if (j->again)
		*out_due_ns = j->again->due_ns;
	if (j->windows_due_ns && j->windows_due_ns < *out_due_ns)
		*out_due_ns = j->windows_due_ns;
	if (j->stage2_due_ns && j->stage2_due_ns < *out_due_ns)
		*out_due_ns = j->stage2_due_ns;
	if (j->forget_due_ns && j->forget_due_ns < *out_due_ns)
		*out_due_ns = j->forget_due_ns;
	return NULL;
}

static void wait_until(struct judge *j, int64_t due_ns)
{
	if (due_ns == INT64_MAX) {
		pthread_cond_wait(&j->wake, &j->lock);
		return;
	}
	struct timespec until = {.tv_sec = due_ns / 1000000000, .tv_nsec = due_ns % 1000000000};
	pthread_cond_timedwait(&j->wake, &j->lock, &until);
}

static bool is_due(const struct judge *j, int64_t due_ns)
{
	return due_ns && (j->stopping || due_ns <= clock_monotonic_ns());
}

static void *judge_main(void *argument)
{
	struct judge *j = argument;
	pthread_mutex_lock(&j->lock);
	for (;;) {
		int64_t due_ns;
		if (is_due(j, j->forget_due_ns))
			forget_changes(j);
		struct judge_job *job = next_job(j, &due_ns);
		bool windows = !job && is_due(j, j->windows_due_ns);
		bool stage2 = !job && !windows && is_due(j, j->stage2_due_ns);
		if (!job && !stage2 && !windows) {
			if (j->stopping)
				break; /* who waits to be judged again has a mark, or is asked for at the next start */
			wait_until(j, due_ns);
			continue;
		}
		pthread_mutex_unlock(&j->lock);
		bool again = job && job->kind == JUDGE_AGAIN;
		if (job) {
			atomic_fetch_sub(&j->backlog, job_bytes(job));
			do_job(j, job);
			judge_job_free(job);
		} else if (stage2) {
			do_stage2(j);
		} else {
			(void)!judge_windows(j, clock_now_ms()); /* it is logged, and they stay dirty */
		}
		pthread_mutex_lock(&j->lock);
		if (windows || (!j->windows_due_ns && again))
			windows_later(j);
		if (job)
			j->done[again]++;
		pthread_cond_broadcast(&j->idle);
	}
	pthread_mutex_unlock(&j->lock);
	return NULL;
}

/* --- changes of context --- */

/* One change on its way to every loop; the last one to be done with it lets it be forgotten. */
struct change_call {
	struct judge *j;
	uint64_t devices[1 + REGISTRY_SOURCES_MAX]; /* the one that changed, and the sources of the same vehicle */
	size_t device_count;
	uint64_t number;
	int64_t from_ms;
	_Atomic unsigned left;
	_Atomic bool failed;
	struct change_part {
		struct change_call *call;
		struct shard *shard;
	} parts[SHARDS_MAX];
};

static void change_done(struct change_call *call)
{
	if (atomic_fetch_sub(&call->left, 1) > 1)
		return;
	if (atomic_load(&call->failed))
		log_warn("judge", "a change of rules, fences or registry is taken up at the next start");
	else if (call->number)
		forget_later(call->j, call->number);
	free(call);
}

static void change_on_loop(void *context)
{
	struct change_part *part = context;
	struct change_call *call = part->call;
	for (size_t i = 0; i < call->device_count; i++)
		if (!call->devices[i] || engine_owner(call->j->engine, call->devices[i]) == part->shard)
			judge_context_changed(part->shard, call->devices[i], call->from_ms);
	change_done(call);
}

/* Whom a change of `device` concerns: itself, and those it lends what is said of its vehicle. */
static size_t concerned(const struct engine *e, uint64_t device, uint64_t out[1 + REGISTRY_SOURCES_MAX])
{
	out[0] = device;
	return 1 + (device ? registry_sources(e->registry, device, out + 1, REGISTRY_SOURCES_MAX) : 0);
}

static bool concerns(const struct change_call *call, const struct shard *s)
{
	for (size_t i = 0; i < call->device_count; i++)
		if (!call->devices[i] || engine_owner(call->j->engine, call->devices[i]) == s)
			return true;
	return false;
}

static void on_context(void *context, uint64_t device, int64_t from_ms, uint64_t number)
{
	struct judge *j = context;
	struct engine *e = j->engine;
	struct change_call *call = malloc(sizeof *call);
	if (!call) {
		log_warn("judge", "a change of rules, fences or registry is taken up at the next start");
		return;
	}
	call->j = j;
	call->device_count = concerned(e, device, call->devices);
	call->number = number;
	call->from_ms = from_ms;
	atomic_init(&call->left, 1);
	atomic_init(&call->failed, false);
	for (unsigned i = 0; i < e->shard_count; i++) {
		struct shard *s = &e->shards[i];
		if (!concerns(call, s))
			continue;
		call->parts[i] = (struct change_part){call, s};
		atomic_fetch_add(&call->left, 1);
		if (shard_post(s, change_on_loop, &call->parts[i])) {
			atomic_store(&call->failed, true);
			atomic_fetch_sub(&call->left, 1);
		}
	}
	change_done(call);
}

static enum status take_up(void *context, uint64_t number, uint64_t device, int64_t from_ms)
{
	struct judge *j = context;
	uint64_t devices[1 + REGISTRY_SOURCES_MAX];
	size_t count = concerned(j->engine, device, devices);
	for (size_t i = 0; i < count; i++)
		judge_note_change(j->engine, devices[i], from_ms);
	add_forget(j, number); /* the thread does not run yet */
	return STATUS_OK;
}

/* --- life --- */

enum status judge_open(struct engine *e, struct judge **out)
{
	struct judge *j = calloc(1, sizeof *j);
	pthread_condattr_t monotonic;
	if (!j)
		return STATUS_NO_MEMORY;
	j->engine = e;
	j->last = &j->first;
	j->again_last = &j->again;
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_mutex_init(&j->lock, NULL);
	pthread_cond_init(&j->wake, &monotonic);
	pthread_cond_init(&j->idle, NULL);
	pthread_condattr_destroy(&monotonic);
	enum status status = store_batch_new(e->store, &j->batch);
	if (!status)
		status = sea_windows_open(e->store, &j->windows);
	if (status) {
		judge_close(j);
		return status;
	}
	*out = j;
	return STATUS_OK;
}

enum status judge_start(struct judge *j)
{
	struct engine *e = j->engine;
	uint8_t key[TOUCHED_KEY_SIZE];
	enum status status = store_scan(e->store, STORE_STATE, touched_key(0, key), touched_before, j);
	if (!status)
		status = changes_read(e->store, take_up, j);
	if (status)
		return status;
	windows_later(j);
	if (pthread_create(&j->thread, NULL, judge_main, j))
		return STATUS_NO_MEMORY;
	j->running = true;
	context_on_change(e->context, on_context, j);
	for (unsigned i = 0; i < e->shard_count; i++) {
		judge_take_context(&e->shards[i]);
		judge_ask_all(&e->shards[i]);
	}
	pthread_mutex_lock(&j->lock);
	forget_soon(j);
	pthread_mutex_unlock(&j->lock);
	return STATUS_OK;
}

void judge_stop(struct judge *j)
{
	if (!j || !j->running)
		return;
	context_on_change(j->engine->context, NULL, NULL);
	for (unsigned i = 0; i < j->engine->shard_count; i++)
		judge_snapshot_all(&j->engine->shards[i]);
	pthread_mutex_lock(&j->lock);
	j->stopping = true;
	pthread_cond_signal(&j->wake);
	pthread_mutex_unlock(&j->lock);
	pthread_join(j->thread, NULL);
	j->running = j->stopping = false;
	while (j->again)
		judge_job_free(pop_again(j));
}

void judge_close(struct judge *j)
{
	if (!j)
		return;
	judge_stop(j);
	store_batch_free(j->batch);
	sea_windows_close(j->windows);
	subjects_deinit(&j->touched);
	free(j->forget);
	pthread_cond_destroy(&j->idle);
	pthread_cond_destroy(&j->wake);
	pthread_mutex_destroy(&j->lock);
	free(j);
}

/* --- settling --- */

struct settling {
	struct judge *j;
	pthread_mutex_t lock;
	pthread_cond_t told;
	unsigned left;
	bool known;
	int64_t as_of_ms;
	bool open; /* tell what is open, or only ask who is known */
};
struct settling_shard {
	struct settling *settling;
	struct shard *shard;
};

static void settle_on_loop(void *context)
{
	struct settling_shard *call = context;
	struct settling *w = call->settling;
	bool known = judge_all_known(call->shard);
	if (w->open)
		judge_tell_open(call->shard, w->as_of_ms);
	else
		judge_turn(call->shard);
	pthread_mutex_lock(&w->lock);
	w->known = w->known && known;
	w->left--;
	pthread_cond_signal(&w->told);
	pthread_mutex_unlock(&w->lock);
}

static enum status on_every_loop(struct settling *w)
{
	struct engine *e = w->j->engine;
	struct settling_shard calls[SHARDS_MAX];
	enum status status = STATUS_OK;
	w->known = true;
	w->left = e->shard_count;
	for (unsigned i = 0; i < e->shard_count; i++) {
		calls[i] = (struct settling_shard){w, &e->shards[i]};
		enum status posted = shard_post(&e->shards[i], settle_on_loop, &calls[i]);
		if (posted) {
			pthread_mutex_lock(&w->lock);
			w->left--;
			pthread_mutex_unlock(&w->lock);
			status = posted;
		}
	}
	pthread_mutex_lock(&w->lock);
	while (w->left)
		pthread_cond_wait(&w->told, &w->lock);
	pthread_mutex_unlock(&w->lock);
	return status;
}

/* Until every job pushed before the call is done, and as many of `again` as were waiting, due or not. */
static enum status wait_done(struct judge *j)
{
	pthread_mutex_lock(&j->lock);
	uint64_t until[2] = {j->pushed[0], j->pushed[1]};
	for (struct judge_job *job = j->again; job; job = job->next)
		job->due_ns = 0;
	pthread_cond_signal(&j->wake);
	while (j->done[0] < until[0] || j->done[1] < until[1])
		pthread_cond_wait(&j->idle, &j->lock);
	enum status failed = j->failed;
	j->failed = STATUS_OK;
	pthread_mutex_unlock(&j->lock);
	return failed;
}

struct stage2_call {
	struct judge *j;
	int64_t as_of_ms;
	enum status status;
};

static void stage2_on_thread(void *context)
{
	struct stage2_call *call = context;
	struct judge *j = call->j;
	call->status = judge_windows(j, call->as_of_ms);
	if (!call->status)
		call->status = stage2_judge_all(j->engine, &j->touched, call->as_of_ms);
	j->stage2_due_ns = 0;
}

static void time_on_thread(void *context)
{
	struct stage2_call *call = context;
	stage2_on_thread(call);
	if (call->status)
		log_error("judge", "stage 2 failed: %s", status_text(call->status));
	free(call);
}

void judge_time(struct judge *j, int64_t now_ms)
{
	struct judge_job *job = j && j->running ? judge_job_new(JUDGE_CALL) : NULL;
	struct stage2_call *call = job ? malloc(sizeof *call) : NULL;
	if (!call) {
		free(job);
		return; /* the next time will do */
	}
	*call = (struct stage2_call){j, now_ms, STATUS_OK};
	job->call = time_on_thread;
	job->call_context = call;
	judge_push(j, job);
}

static enum status settle_stage2(struct judge *j, int64_t as_of_ms)
{
	struct stage2_call call = {j, as_of_ms, STATUS_OK};
	struct judge_job *job = judge_job_new(JUDGE_CALL);
	if (!job)
		return STATUS_NO_MEMORY;
	job->call = stage2_on_thread;
	job->call_context = &call;
	judge_push(j, job);
	enum status status = wait_done(j);
	return status ? status : call.status;
}

enum status engine_judge_settle(struct engine *e, int64_t as_of_ms)
{
	struct settling w = {.j = e->judge, .as_of_ms = as_of_ms};
	if (!e->judge || !e->judge->running)
		return STATUS_INVALID;
	pthread_mutex_init(&w.lock, NULL);
	pthread_cond_init(&w.told, NULL);
	enum status status;
	do {
		status = wait_done(e->judge);
		if (!status)
			status = on_every_loop(&w);
	} while (!status && !w.known);
	if (!status) {
		w.open = true;
		status = on_every_loop(&w);
	}
	if (!status)
		status = wait_done(e->judge);
	if (!status)
		status = settle_stage2(e->judge, as_of_ms);
	pthread_cond_destroy(&w.told);
	pthread_mutex_destroy(&w.lock);
	return status;
}
