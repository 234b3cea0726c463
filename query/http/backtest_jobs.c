#include "query/http/backtest_jobs.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "engine/core/clock.h"
#include "engine/core/limits.h"
#include "engine/core/log.h"

/* behind every other thread of the program, which run at 0 */
#define BACKTEST_NICE 10

struct backtest {
	pthread_mutex_t *lock; /* of the jobs: guards state, status, ended_ms, references */
	unsigned references;
	uint64_t id;
	struct backtest_asked asked;
	int64_t asked_ms, ended_ms;
	enum backtest_state state;
	enum status status;
	_Atomic bool stop;
	_Atomic size_t devices_done, devices;
	struct replay_options options; /* of the thread that judges */
	struct backtest_result result; /* once done */
};

struct backtests {
	struct engine *e;
	pthread_mutex_t lock;
	pthread_cond_t news;
	pthread_t thread;
	bool started, ending;
	struct backtest *jobs[BACKTESTS_MAX]; /* oldest first */
	size_t count;
	uint64_t last_id;
};

static const struct {
	const char *token, *chinese;
} states[] = {
#define X(NAME, token, chinese) {token, chinese},
	BACKTEST_STATE_TABLE(X)
#undef X
};

const char *backtest_state_token(enum backtest_state state)
{
	return states[state].token;
}

const char *backtest_state_chinese(enum backtest_state state)
{
	return states[state].chinese;
}

static void asked_deinit(struct backtest_asked *a)
{
	rulebook_unref(a->book);
	free(a->devices);
}

static bool has_ended(const struct backtest *t)
{
	return t->state == BACKTEST_DONE || t->state == BACKTEST_FAILED;
}

static void job_free(struct backtest *t)
{
	asked_deinit(&t->asked);
	free(t->result.counts);
	free(t->result.rows);
	free(t);
}

static void unref_locked(struct backtest *t)
{
	if (!--t->references)
		job_free(t);
}

void backtest_release(struct backtest *t)
{
	pthread_mutex_t *lock = t->lock;
	pthread_mutex_lock(lock);
	unref_locked(t);
	pthread_mutex_unlock(lock);
}

/* --- judging --- */

/* One that is to stop has nothing left to read: no report is as old as this. On the thread that judges. */
static void on_progress(void *context, size_t done, size_t devices)
{
	struct backtest *t = context;
	atomic_store(&t->devices, devices);
	atomic_store(&t->devices_done, done);
	if (atomic_load(&t->stop))
		t->options.as_of_ms = 0;
}

static int by_value(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
	return (x > y) - (x < y);
}

static bool is_asked_for(const struct backtest_asked *a, uint64_t device)
{
	return bsearch(&device, a->devices, a->device_count, sizeof device, by_value) != NULL;
}

/* Of what stands only that of the devices which were judged. */
static void keep_asked_for(const struct backtest_asked *a, struct replay_result *r)
{
	size_t kept = 0;
	for (size_t i = 0; i < r->count; i++)
		if (is_asked_for(a, r->findings[i].device) || is_asked_for(a, r->findings[i].subject))
			r->findings[kept++] = r->findings[i];
	r->count = kept;
}

static void set_state(struct backtest *t, enum backtest_state state, enum status status)
{
	pthread_mutex_lock(t->lock);
	t->state = state;
	t->status = status;
	t->ended_ms = has_ended(t) ? clock_now_ms() : 0;
	pthread_mutex_unlock(t->lock);
}

static enum status judge(struct engine *e, struct backtest *t, struct replay_result *found)
{
	const struct backtest_asked *a = &t->asked;
	int64_t now_ms = clock_now_ms();
	struct judged_by *by = NULL;
	enum status status = STATUS_OK;
	if (a->book)
		status = context_with_rules(engine_context(e), a->book, &by);
	else
		by = context_take(engine_context(e));
	if (status)
		return status;
	t->options = (struct replay_options){.by = by,
					     .from_ms = a->from_ms,
					     .to_ms = a->to_ms,
					     .as_of_ms = a->to_ms < now_ms ? a->to_ms : now_ms,
					     .devices = a->devices,
					     .device_count = a->device_count,
					     .threads = 1, /* on_progress changes the options */
					     .progress = on_progress,
					     .context = t};
	status = engine_replay(e, &t->options, found);
	judged_by_release(by);
	return status;
}

static enum status compare(struct engine *e, struct backtest *t, struct replay_result *found)
{
	struct backtest_result *r = &t->result;
	struct replay_result standing = {0};
	enum status status = engine_findings_standing(e, t->asked.from_ms, t->asked.to_ms, &standing);
	if (!status && t->asked.devices)
		keep_asked_for(&t->asked, &standing);
	if (!status)
		status = replay_table(found, &standing, &r->counts, &r->count_rows);
	if (!status)
		status = replay_rows(found, &standing, BACKTEST_ROWS_MAX, &r->rows, &r->row_count, &r->row_all);
	r->reports = found->reports;
	free(standing.findings);
	return status;
}

static void run(struct engine *e, struct backtest *t)
{
	struct replay_result found = {0};
	enum status status = judge(e, t, &found);
	if (!status && atomic_load(&t->stop))
		status = STATUS_CANCELLED;
	if (!status) {
		set_state(t, BACKTEST_COMPARING, STATUS_OK);
		status = compare(e, t, &found);
	}
	free(found.findings);
	if (status && status != STATUS_CANCELLED)
		log_warn("http", "backtest: %s", status_text(status));
	set_state(t, status ? BACKTEST_FAILED : BACKTEST_DONE, status);
}

static struct backtest *next_waiting(const struct backtests *b)
{
	for (size_t i = 0; i < b->count; i++)
		if (b->jobs[i]->state == BACKTEST_WAITING)
			return b->jobs[i];
	return NULL;
}

static void *work(void *argument)
{
	struct backtests *b = argument;
	struct backtest *t;
	setpriority(PRIO_PROCESS, 0, BACKTEST_NICE); /* of this thread alone, as Linux has it */
	pthread_mutex_lock(&b->lock);
	while (!b->ending) {
		if (!(t = next_waiting(b))) {
			pthread_cond_wait(&b->news, &b->lock);
			continue;
		}
		t->state = BACKTEST_JUDGING;
		t->references++;
		pthread_mutex_unlock(&b->lock);
		run(b->e, t);
		pthread_mutex_lock(&b->lock);
		unref_locked(t);
	}
	pthread_mutex_unlock(&b->lock);
	return NULL;
}

/* --- asking --- */

enum status backtests_new(struct engine *e, struct backtests **out)
{
	struct backtests *b = calloc(1, sizeof *b);
	if (!b)
		return STATUS_NO_MEMORY;
	b->e = e;
	pthread_mutex_init(&b->lock, NULL);
	pthread_cond_init(&b->news, NULL);
	*out = b;
	return STATUS_OK;
}

static void forget_locked(struct backtests *b, size_t i)
{
	struct backtest *t = b->jobs[i];
	atomic_store(&t->stop, true);
	memmove(&b->jobs[i], &b->jobs[i + 1], (--b->count - i) * sizeof b->jobs[0]);
	unref_locked(t);
}

void backtests_free(struct backtests *b)
{
	if (!b)
		return;
	pthread_mutex_lock(&b->lock);
	b->ending = true;
	while (b->count)
		forget_locked(b, 0);
	pthread_cond_signal(&b->news);
	pthread_mutex_unlock(&b->lock);
	if (b->started)
		pthread_join(b->thread, NULL);
	pthread_cond_destroy(&b->news);
	pthread_mutex_destroy(&b->lock);
	free(b);
}

/* The thread begins with the first question: most servers are never asked one. */
static enum status make_room_locked(struct backtests *b)
{
	size_t i = 0;
	if (!b->started && pthread_create(&b->thread, NULL, work, b))
		return STATUS_NO_MEMORY;
	b->started = true;
	if (b->count < BACKTESTS_MAX)
		return STATUS_OK;
	while (i < b->count && !has_ended(b->jobs[i]))
		i++;
	if (i == b->count)
		return STATUS_BUSY;
	forget_locked(b, i);
	return STATUS_OK;
}

enum status backtest_ask(struct backtests *b, struct backtest_asked *asked, uint64_t *out_id)
{
	struct backtest *t = calloc(1, sizeof *t);
	if (!t) {
		asked_deinit(asked);
		return STATUS_NO_MEMORY;
	}
	t->lock = &b->lock;
	t->references = 1;
	t->asked = *asked;
	t->asked_ms = clock_now_ms();
	pthread_mutex_lock(&b->lock);
	enum status status = make_room_locked(b);
	if (!status) {
		/* by the clock: one asked before a restart is never taken for another */
		b->last_id = (uint64_t)t->asked_ms > b->last_id ? (uint64_t)t->asked_ms : b->last_id + 1;
		*out_id = t->id = b->last_id;
		b->jobs[b->count++] = t;
		pthread_cond_signal(&b->news);
	} else {
		job_free(t);
	}
	pthread_mutex_unlock(&b->lock);
	return status;
}

static size_t find_locked(const struct backtests *b, uint64_t id)
{
	size_t i = 0;
	while (i < b->count && b->jobs[i]->id != id)
		i++;
	return i;
}

enum status backtest_drop(struct backtests *b, uint64_t id)
{
	pthread_mutex_lock(&b->lock);
	size_t i = find_locked(b, id);
	bool found = i < b->count;
	if (found)
		forget_locked(b, i);
	pthread_mutex_unlock(&b->lock);
	return found ? STATUS_OK : STATUS_NOT_FOUND;
}

size_t backtests_list(struct backtests *b, uint64_t *out, size_t max)
{
	pthread_mutex_lock(&b->lock);
	size_t count = b->count < max ? b->count : max;
	for (size_t i = 0; i < count; i++)
		out[i] = b->jobs[i]->id;
	pthread_mutex_unlock(&b->lock);
	return count;
}

struct backtest *backtest_take(struct backtests *b, uint64_t id)
{
	struct backtest *t = NULL;
	pthread_mutex_lock(&b->lock);
	size_t i = find_locked(b, id);
	if (i < b->count) {
		t = b->jobs[i];
		t->references++;
	}
	pthread_mutex_unlock(&b->lock);
	return t;
}

void backtest_look(struct backtest *t, struct backtest_view *out)
{
	pthread_mutex_lock(t->lock);
	*out = (struct backtest_view){.id = t->id,
				      .state = t->state,
				      .status = t->status,
				      .asked_ms = t->asked_ms,
				      .ended_ms = t->ended_ms,
				      .devices_done = atomic_load(&t->devices_done),
				      .devices = atomic_load(&t->devices)};
	pthread_mutex_unlock(t->lock);
}

const struct backtest_asked *backtest_asked(const struct backtest *t)
{
	return &t->asked;
}

const struct backtest_result *backtest_result(struct backtest *t)
{
	pthread_mutex_lock(t->lock);
	bool done = t->state == BACKTEST_DONE;
	pthread_mutex_unlock(t->lock);
	return done ? &t->result : NULL;
}
