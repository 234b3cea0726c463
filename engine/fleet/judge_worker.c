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
#include "engine/core/log.h"
#include "engine/fleet/changes.h"
#include "engine/fleet/fleet_internal.h"
#include "engine/fleet/judge_stage2.h"
#include "engine/fleet/judge_state.h"
#include "engine/fleet/judge_streams.h"
#include "engine/fleet/sea_windows.h"
#include "engine/store/keys.h"

/* stage 2 waits so long for more facts of a subject */
#define STAGE2_GATHER_NS INT64_C(1000000000)
/* windows of pairs are judged so long after the first report that is new in one: every vessel is read */
#define WINDOWS_GATHER_NS INT64_C(10000000000)

struct judge {
	struct engine *engine;
	pthread_mutex_t lock;
	pthread_cond_t wake, idle;
	struct judge_job *first, **last;
	struct judge_job *again, **again_last; /* by due time: those due at once first, the others as they came */
	_Atomic size_t backlog;
	_Atomic uint64_t runs;
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
	struct judge_streams *streams;
	int64_t streams_due_ns;     /* 0: nothing is to be done for streams */
	_Atomic bool streams_noted; /* and that was said already */
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

uint64_t judge_runs(const struct judge *j)
{
	return j ? atomic_load_explicit(&j->runs, memory_order_relaxed) : 0;
}

/* --- streams --- */

/* how long values may gather before their streams are judged */
#define STREAMS_GATHER_NS INT64_C(300000000)

void judge_values(struct judge *j)
{
	if (!j || atomic_load_explicit(&j->streams_noted, memory_order_relaxed) ||
	    atomic_exchange(&j->streams_noted, true))
		return;
	int64_t due_ns = clock_monotonic_ns() + STREAMS_GATHER_NS;
	pthread_mutex_lock(&j->lock);
	if (!j->streams_due_ns || j->streams_due_ns > due_ns)
		j->streams_due_ns = due_ns;
	pthread_cond_signal(&j->wake);
	pthread_mutex_unlock(&j->lock);
}

/* Under the lock, which is let go meanwhile. */
static void do_streams(struct judge *j)
{
	int64_t due_ns;
	j->streams_due_ns = 0;
	atomic_store(&j->streams_noted, false);
	pthread_mutex_unlock(&j->lock);
	enum status status = judge_streams_turn(j->streams, j->batch, &due_ns);
	if (status)
		log_error("judge", "streams cannot be judged: %s", status_text(status));
	pthread_mutex_lock(&j->lock);
	if (due_ns != INT64_MAX && (!j->streams_due_ns || due_ns < j->streams_due_ns))
		j->streams_due_ns = due_ns;
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
	enum status status = told_digests(j->engine, &job->told);
	return status ? status : findings_replace(j->engine->findings, &r, touch, j);
}

static enum status do_again(struct judge *j, struct judge_job *job)
{
	atomic_fetch_add_explicit(&j->runs, 1, memory_order_relaxed);
	enum status status = judge_again(j->engine, j->windows, j->batch, job, touch, j);
	if (status)
		j->failed = status;
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
		status = judge_keep_snapshot(j->engine, j->windows, j->batch, job);
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
	if (!status)
		status = judge_streams_finish(j->streams, j->batch);
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
	if (j->streams_due_ns && j->streams_due_ns < *out_due_ns)
		*out_due_ns = j->streams_due_ns;
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
		if (!j->stopping && is_due(j, j->streams_due_ns))
			do_streams(j);
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

/* A stream's own facts: nothing but it is judged by them. */
static void on_stream(void *context, uint64_t stream, int64_t from_ms, uint64_t number)
{
	struct judge *j = context;
	judge_streams_change(j->streams, stream, from_ms);
	judge_values(j);
	if (number)
		forget_later(j, number);
}

static void on_context(void *context, uint64_t device, int64_t from_ms, uint64_t number)
{
	struct judge *j = context;
	struct engine *e = j->engine;
	judge_streams_change(j->streams, device, from_ms);
	judge_values(j);
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
	judge_streams_change(j->streams, device, from_ms);
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
		status = judge_streams_open(e, &j->streams);
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
	judge_streams_start(j->streams);
	judge_values(j);
	windows_later(j);
	if (pthread_create(&j->thread, NULL, judge_main, j))
		return STATUS_NO_MEMORY;
	j->running = true;
	context_on_change(e->context, on_context, j);
	registry_on_change(streams_registry(e->streams), on_stream, j);
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
	registry_on_change(streams_registry(j->engine->streams), NULL, NULL);
	for (unsigned i = 0; i < j->engine->shard_count; i++)
		judge_snapshot_all(&j->engine->shards[i]);
	pthread_mutex_lock(&j->lock);
	j->stopping = true;
	pthread_cond_signal(&j->wake);
	pthread_mutex_unlock(&j->lock);
	pthread_join(j->thread, NULL);
	j->running = j->stopping = false;
	if (judge_streams_stop(j->streams, j->batch))
		log_warn("judge", "states of streams are made again from earlier snapshots at the next start");
	while (j->again)
		judge_job_free(pop_again(j));
}

void judge_close(struct judge *j)
{
	if (!j)
		return;
	judge_stop(j);
	judge_streams_close(j->streams);
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

struct as_of_call {
	struct judge *j;
	int64_t as_of_ms;
	enum status status;
};

static void stage2_on_thread(void *context)
{
	struct as_of_call *call = context;
	struct judge *j = call->j;
	call->status = judge_windows(j, call->as_of_ms);
	if (!call->status)
		call->status = stage2_judge_all(j->engine, &j->touched, call->as_of_ms);
	j->stage2_due_ns = 0;
}

static void time_on_thread(void *context)
{
	struct as_of_call *call = context;
	stage2_on_thread(call);
	if (call->status)
		log_error("judge", "stage 2 failed: %s", status_text(call->status));
	free(call);
}

void judge_time(struct judge *j, int64_t now_ms)
{
	struct judge_job *job = j && j->running ? judge_job_new(JUDGE_CALL) : NULL;
	struct as_of_call *call = job ? malloc(sizeof *call) : NULL;
	if (!call) {
		free(job);
		return; /* the next time will do */
	}
	*call = (struct as_of_call){j, now_ms, STATUS_OK};
	job->call = time_on_thread;
	job->call_context = call;
	judge_push(j, job);
}

static void streams_on_thread(void *context)
{
	struct as_of_call *call = context;
	call->status = judge_streams_settle(call->j->streams, call->j->batch, call->as_of_ms);
}

static enum status settle_on_thread(struct judge *j, int64_t as_of_ms, void (*settle)(void *context))
{
	struct as_of_call call = {j, as_of_ms, STATUS_OK};
	struct judge_job *job = judge_job_new(JUDGE_CALL);
	if (!job)
		return STATUS_NO_MEMORY;
	job->call = settle;
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
		status = settle_on_thread(e->judge, as_of_ms, streams_on_thread);
	if (!status)
		status = settle_on_thread(e->judge, as_of_ms, stage2_on_thread);
	pthread_cond_destroy(&w.told);
	pthread_mutex_destroy(&w.lock);
	return status;
}
