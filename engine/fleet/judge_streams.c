#include "engine/fleet/judge_streams.h"

#include <stdlib.h>

#include "engine/core/clock.h"
#include "engine/core/crash.h"
#include "engine/core/log.h"
#include "engine/fleet/fleet_internal.h"
#include "engine/fleet/stream_run.h"
#include "engine/fleet/streams_head.h"
#include "engine/store/keys.h"

/* streams of one turn: between two the thread looks at its other work */
#define TURN_STREAMS 256
/* how long values may gather before their stream is judged, and how often the clock is looked at */
#define GATHER_NS INT64_C(300000000)
#define CLOCK_MS 1000
/* after a failure */
#define RETRY_NS INT64_C(1000000000)
#define STATE_BYTES_MAX (16u << 20)
#define DAYS_OF_MONTH_MIN 28

struct stream_judged {
	struct buf state; /* encoded; empty: made again from a snapshot */
	int64_t time_ms;  /* the last value judged; INT64_MIN: none */
	int64_t wake_ms;  /* the clock may say something then; INT64_MAX: never */
	uint64_t seen_by; /* the snapshot of rules that `idle` is of; 0: none */
	bool idle;        /* no rule asks for the stream */
	bool said;        /* the last run told something: it is held against what stands */
	uint32_t unsaved; /* values since the last snapshot */
};

struct work {
	struct value_head *head;
	int64_t from_ms; /* INT64_MAX: nothing came, only the clock */
};

struct change {
	uint64_t id;
	int64_t from_ms;
};

struct judge_streams {
	struct engine *engine;
	struct work *work; /* taken and not done yet: [next, count) */
	size_t next, count, capacity;
	struct value_head **known; /* every head that has been judged: they never move */
	size_t known_count, known_capacity;
	int64_t clock_ms; /* the earliest wake, or earlier; INT64_MAX: none */
	size_t bytes;     /* of states in memory */
	pthread_mutex_t lock;
	struct change *changes; /* under the lock */
	size_t change_count, change_capacity;
	bool change_all; /* no memory to remember one: everything may have changed */
};

void stream_judged_free(struct stream_judged *j)
{
	if (j)
		buf_deinit(&j->state);
	free(j);
}

/* --- life --- */

enum status judge_streams_open(struct engine *e, struct judge_streams **out)
{
	struct judge_streams *js = calloc(1, sizeof *js);
	if (!js)
		return STATUS_NO_MEMORY;
	js->engine = e;
	js->clock_ms = INT64_MAX;
	pthread_mutex_init(&js->lock, NULL);
	*out = js;
	return STATUS_OK;
}

void judge_streams_close(struct judge_streams *js)
{
	if (!js)
		return;
	pthread_mutex_destroy(&js->lock);
	free(js->changes);
	free(js->work);
	free(js->known);
	free(js);
}

/* --- what is to be done --- */

typedef void each_head(void *context, struct value_heads *h, struct value_head *head);

/* Under the lock of its heads, each. */
static void every_head(struct judge_streams *js, each_head *each, void *context)
{
	for (unsigned i = 0; i < js->engine->shard_count; i++) {
		struct value_heads *h = &js->engine->shards[i].values;
		pthread_mutex_lock(&h->lock);
		for (uint32_t k = 0; k < h->count; k++)
			each(context, h, h->all[k]);
		pthread_mutex_unlock(&h->lock);
	}
}

static void note(void *context, struct value_heads *h, struct value_head *head)
{
	(void)context;
	value_head_note(h, head, head->judge_from_ms);
}

void judge_streams_start(struct judge_streams *js)
{
	every_head(js, note, NULL);
}

void judge_streams_change(struct judge_streams *js, uint64_t id, int64_t from_ms)
{
	pthread_mutex_lock(&js->lock);
	if (js->change_count == js->change_capacity) {
		size_t capacity = js->change_capacity ? js->change_capacity * 2 : 16;
		struct change *list = realloc(js->changes, capacity * sizeof *list);
		js->change_all |= !list;
		if (list) {
			js->changes = list;
			js->change_capacity = capacity;
		}
	}
	if (js->change_count < js->change_capacity)
		js->changes[js->change_count++] = (struct change){id, from_ms};
	pthread_mutex_unlock(&js->lock);
}

struct changing {
	struct judge_streams *js;
	const struct change *changes;
	size_t count;
};

static bool concerns(struct judge_streams *js, uint64_t id, uint64_t stream)
{
	char site[DEVICE_VALUE_MAX + 1];
	if (!id || id == stream)
		return true;
	return device_partition(id) == device_partition(stream) &&
	       !registry_value(streams_registry(js->engine->streams), stream, DEVICE_FIELD_SITE, INT64_MAX, site) &&
	       site_id(span_of_string(site)) == id;
}

static void note_changed(void *context, struct value_heads *h, struct value_head *head)
{
	const struct changing *c = context;
	for (size_t i = 0; i < c->count; i++)
		if (concerns(c->js, c->changes[i].id, head->stream))
			value_head_note(h, head, c->changes[i].from_ms);
}

static void take_changes(struct judge_streams *js)
{
	static const struct change everything = {0, INT64_MIN};
	pthread_mutex_lock(&js->lock);
	struct change *list = js->changes;
	struct changing c = {js, list, js->change_count};
	if (js->change_all)
		c = (struct changing){js, &everything, 1};
	js->changes = NULL;
	js->change_count = js->change_capacity = 0;
	js->change_all = false;
	pthread_mutex_unlock(&js->lock);
	if (c.count)
		every_head(js, note_changed, &c);
	free(list);
}

static bool add_work(struct judge_streams *js, struct value_head *head, int64_t from_ms)
{
	if (js->count == js->capacity) {
		size_t capacity = js->capacity ? js->capacity * 2 : 256;
		struct work *list = realloc(js->work, capacity * sizeof *list);
		if (!list)
			return false;
		js->work = list;
		js->capacity = capacity;
	}
	js->work[js->count++] = (struct work){head, from_ms};
	return true;
}

/* Of one shard; without memory the rest stays noted. */
static void take_noted(struct judge_streams *js, struct value_heads *h)
{
	pthread_mutex_lock(&h->lock);
	while (h->noted && add_work(js, h->noted, h->noted->judge_from_ms)) {
		struct value_head *head = h->noted;
		h->noted = head->next_noted;
		head->next_noted = NULL;
		head->noted = false;
		head->judge_from_ms = INT64_MAX;
	}
	pthread_mutex_unlock(&h->lock);
}

/* Whose clock has come; the earliest of the others is when to look again. Without memory they are found then. */
static void take_woken(struct judge_streams *js)
{
	int64_t now_ms = clock_now_ms(), next_ms = INT64_MAX;
	for (size_t i = 0; i < js->known_count; i++) {
		int64_t wake_ms = js->known[i]->judged->wake_ms;
		if ((wake_ms > now_ms || !add_work(js, js->known[i], INT64_MAX)) && wake_ms < next_ms)
			next_ms = wake_ms;
	}
	js->clock_ms = next_ms;
}

static void take_work(struct judge_streams *js)
{
	js->next = js->count = 0;
	take_changes(js);
	for (unsigned i = 0; i < js->engine->shard_count; i++)
		take_noted(js, &js->engine->shards[i].values);
	if (js->clock_ms <= clock_now_ms())
		take_woken(js);
}

/* --- one stream --- */

struct judging {
	struct judge_streams *js;
	struct judged_by *by;
	struct store_batch *batch;
	struct value_head *head;
	struct stream_judged *judged;
	int64_t from_ms, as_of_ms;
	struct stream_run run;
	bool rows, saved; /* rows are in the batch, a snapshot among them */
};

static enum status put_snapshot(void *context, const struct stream_state *state)
{
	struct judging *g = context;
	uint8_t key[STREAM_STATE_KEY_SIZE];
	struct buf bytes = buf_init(STATE_BYTES_MAX);
	stream_state_key(g->head->stream, stream_state_time(state), key);
	enum status status = stream_state_encode(state, &bytes);
	if (!status)
		store_batch_put(g->batch, STORE_STATE, span_of(key, sizeof key), buf_view(&bytes));
	g->rows = g->saved = true;
	buf_deinit(&bytes);
	return status;
}

static enum status drop_row(void *context, struct span key, struct span value)
{
	struct judging *g = context;
	(void)value;
	store_batch_delete(g->batch, STORE_STATE, key);
	g->rows = true;
	return STATUS_OK;
}

/* Snapshots at or after what came late. */
static enum status drop_after(struct judging *g)
{
	uint8_t from[STREAM_STATE_KEY_SIZE];
	if (g->from_ms == INT64_MAX || (g->judged->time_ms != INT64_MIN && g->from_ms > g->judged->time_ms))
		return STATUS_OK;
	stream_state_key(g->head->stream, g->from_ms, from);
	return store_scan_within(g->js->engine->store, STORE_STATE, span_of(from, 9), span_of(from, sizeof from),
				 drop_row, g);
}

/* The last two snapshots stay, and of older ones the last of each day. */
struct thinning {
	struct judging *g;
	uint8_t before[2][STREAM_STATE_KEY_SIZE]; /* the two seen last, oldest first */
	unsigned seen;
};

static int64_t day_of(const uint8_t key[STREAM_STATE_KEY_SIZE])
{
	int64_t ms = time_unbias(load_be64(key + 9));
	return ms / MS_PER_DAY - (ms % MS_PER_DAY < 0);
}

static enum status thin_row(void *context, struct span key, struct span value)
{
	struct thinning *t = context;
	(void)value;
	if (key.size != STREAM_STATE_KEY_SIZE)
		return STATUS_CORRUPT;
	if (t->seen >= 2 && day_of(t->before[0]) == day_of(t->before[1]))
		store_batch_delete(t->g->batch, STORE_STATE, span_of(t->before[0], STREAM_STATE_KEY_SIZE));
	memcpy(t->before[0], t->before[1], STREAM_STATE_KEY_SIZE);
	memcpy(t->before[1], key.data, STREAM_STATE_KEY_SIZE);
	t->seen++;
	return STATUS_OK;
}

static enum status thin(struct judging *g)
{
	struct thinning t = {.g = g};
	uint8_t prefix[STREAM_STATE_KEY_SIZE];
	stream_state_key(g->head->stream, 0, prefix);
	return store_scan(g->js->engine->store, STORE_STATE, span_of(prefix, 9), thin_row, &t);
}

/* The state to go on from: the one in memory, or the last snapshot before what came. */
static enum status state_of(struct judging *g, struct stream_state **out)
{
	struct stream_judged *j = g->judged;
	*out = NULL;
	if (j->state.size && j->time_ms < g->from_ms)
		return stream_state_decode(buf_view(&j->state), out);
	enum status status = stream_state_before(g->js->engine->store, g->head->stream, g->from_ms, out);
	return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

static void forget_state(struct judge_streams *js, struct stream_judged *j)
{
	js->bytes -= j->state.capacity;
	buf_deinit(&j->state);
	j->state = buf_init(STATE_BYTES_MAX);
}

static enum status keep_state(struct judging *g)
{
	struct stream_judged *j = g->judged;
	forget_state(g->js, j);
	j->time_ms = stream_state_time(g->run.state);
	if (g->js->bytes > JUDGE_STREAMS_BYTES_MAX)
		return STATUS_OK;
	enum status status = stream_state_encode(g->run.state, &j->state);
	g->js->bytes += j->state.capacity;
	return status;
}

/* What was found before this cannot be found again, for its values have expired: where the stored ones begin. No month
 * is dropped that is younger than RETENTION_MONTHS_MIN. */
static int64_t found_for_good(const struct judging *g, int64_t after_ms)
{
	int64_t young_ms = clock_now_ms() - RETENTION_MONTHS_MIN * DAYS_OF_MONTH_MIN * MS_PER_DAY;
	return after_ms == INT64_MIN && g->run.first_ms < young_ms ? g->run.first_ms : INT64_MIN;
}

static enum status add_digests(struct judging *g)
{
	struct told *t = &g->run.told;
	enum status status = STATUS_OK;
	for (size_t i = 0; i < t->finding_count && !status; i++)
		status = stream_finding_digest(g->js->engine, &t->findings[i].finding);
	return status;
}

static enum status commit(struct judging *g, int64_t after_ms)
{
	struct engine *e = g->js->engine;
	struct told *t = &g->run.told;
	bool goes_on = g->from_ms > g->judged->time_ms && g->judged->time_ms != INT64_MIN && !g->judged->said;
	struct replacement r = {.subject = g->head->stream,
				.stage = RULE_STAGE_STREAMS,
				.scope = after_ms == INT64_MIN ? REPLACE_ALL : REPLACE_AFTER,
				.after = {after_ms, 0},
				.keep_before_ms = found_for_good(g, after_ms),
				.findings = t->findings,
				.finding_count = t->finding_count,
				.batch = g->batch,
				.now_ms = clock_now_ms()};
	if (goes_on && !t->finding_count)
		return g->rows ? store_commit(e->store, g->batch, false) : STATUS_OK;
	enum status status = add_digests(g);
	crash_point("judge_streams");
	return status ? status : findings_replace(e->findings, &r, NULL, NULL);
}

/* Nobody asks for the stream, and what was found of it is gone. */
static bool is_idle(struct judging *g)
{
	struct stream_judged *j = g->judged;
	if (j->seen_by == g->by->number)
		return j->idle;
	j->seen_by = g->by->number;
	j->idle = !stream_run_is_asked(&g->run);
	return false;
}

/* A state that has run on for long enough becomes a snapshot. */
static enum status save(struct judging *g)
{
	struct stream_judged *j = g->judged;
	j->unsaved = g->saved ? (uint32_t)(g->run.steps % STREAM_SNAPSHOT_STEPS) : j->unsaved + (uint32_t)g->run.steps;
	if (j->unsaved < STREAM_SNAPSHOT_STEPS)
		return STATUS_OK;
	j->unsaved = 0;
	enum status status = thin(g);
	return status ? status : put_snapshot(g, g->run.state);
}

static void set_clock(struct judging *g)
{
	struct stream_judged *j = g->judged;
	j->wake_ms = j->idle ? INT64_MAX : stream_wake(g->run.state, g->as_of_ms);
	if (g->run.ahead_ms != INT64_MAX && g->run.ahead_ms - FUTURE_SKEW_MAX_MS < j->wake_ms)
		j->wake_ms = g->run.ahead_ms - FUTURE_SKEW_MAX_MS;
	if (j->wake_ms < g->js->clock_ms)
		g->js->clock_ms = j->wake_ms;
}

static enum status run(struct judging *g)
{
	struct stream_judged *j = g->judged;
	int64_t after_ms = stream_state_time(g->run.state);
	g->run.snapshot = put_snapshot;
	g->run.context = g;
	enum status status = drop_after(g);
	if (!status && !j->idle)
		status = stream_run_to(&g->run, g->as_of_ms);
	if (!status)
		status = save(g);
	if (!status)
		status = commit(g, j->idle ? INT64_MIN : after_ms);
	if (!status)
		status = keep_state(g);
	j->said = g->run.told.finding_count > 0;
	set_clock(g);
	return status;
}

/* What the judge keeps beside the head. */
static enum status need_judged(struct judge_streams *js, struct value_head *head)
{
	if (head->judged)
		return STATUS_OK;
	if (js->known_count == js->known_capacity) {
		size_t capacity = js->known_capacity ? js->known_capacity * 2 : 256;
		struct value_head **list = realloc(js->known, capacity * sizeof *list);
		if (!list)
			return STATUS_NO_MEMORY;
		js->known = list;
		js->known_capacity = capacity;
	}
	struct stream_judged *j = calloc(1, sizeof *j);
	if (!j)
		return STATUS_NO_MEMORY;
	*j = (struct stream_judged){
		.state = buf_init(STATE_BYTES_MAX), .time_ms = INT64_MIN, .wake_ms = INT64_MAX, .said = true};
	head->judged = j;
	js->known[js->known_count++] = head;
	return STATUS_OK;
}

static enum status judge_one(struct judging *g)
{
	struct stream_state *state;
	enum status status = need_judged(g->js, g->head);
	if (status)
		return status;
	g->judged = g->head->judged;
	status = state_of(g, &state);
	if (status)
		return status;
	status = stream_run_init(&g->run, g->js->engine, g->by, g->head->stream, state);
	if (!status && !is_idle(g))
		status = run(g);
	stream_run_deinit(&g->run);
	return status;
}

/* A failure leaves the stream to be judged again. */
static enum status judge_stream(struct judge_streams *js, struct judged_by *by, struct store_batch *batch,
				const struct work *work, int64_t as_of_ms)
{
	struct judging g = {
		.js = js, .by = by, .batch = batch, .head = work->head, .from_ms = work->from_ms, .as_of_ms = as_of_ms};
	struct value_heads *h = &engine_owner(js->engine, work->head->stream)->values;
	enum status status = judge_one(&g);
	if (status) {
		store_batch_clear(batch);
		if (g.judged) {
			forget_state(js, g.judged);
			g.judged->seen_by = 0;
		}
	}
	pthread_mutex_lock(&h->lock);
	if (status)
		value_head_note(h, work->head, work->from_ms);
	else
		value_head_judged(work->head);
	pthread_mutex_unlock(&h->lock);
	return status;
}

/* --- turns --- */

static enum status do_work(struct judge_streams *js, struct store_batch *batch, size_t most)
{
	struct judged_by *by = context_take(js->engine->context);
	enum status status = STATUS_OK;
	for (size_t i = 0; i < most && js->next < js->count; i++) {
		enum status one = judge_stream(js, by, batch, &js->work[js->next++], clock_now_ms());
		status = status ? status : one;
	}
	judged_by_release(by);
	return status;
}

enum status judge_streams_turn(struct judge_streams *js, struct store_batch *batch, int64_t *out_due_ns)
{
	int64_t now_ns = clock_monotonic_ns();
	if (js->next == js->count)
		take_work(js);
	enum status status = do_work(js, batch, TURN_STREAMS);
	if (status)
		*out_due_ns = now_ns + RETRY_NS;
	else if (js->next < js->count)
		*out_due_ns = now_ns;
	else
		*out_due_ns = js->clock_ms == INT64_MAX ? INT64_MAX : now_ns + CLOCK_MS * INT64_C(1000000);
	return status;
}

enum status judge_streams_finish(struct judge_streams *js, struct store_batch *batch)
{
	enum status status = do_work(js, batch, SIZE_MAX);
	while (!status) {
		take_work(js);
		if (!js->count)
			break;
		status = do_work(js, batch, SIZE_MAX);
	}
	return status;
}

enum status judge_streams_settle(struct judge_streams *js, struct store_batch *batch, int64_t as_of_ms)
{
	enum status status = judge_streams_finish(js, batch);
	if (status)
		return status;
	struct judged_by *by = context_take(js->engine->context);
	for (size_t i = 0; i < js->known_count && !status; i++) {
		const struct work work = {js->known[i], INT64_MAX};
		if (!js->known[i]->judged->idle)
			status = judge_stream(js, by, batch, &work, as_of_ms);
	}
	judged_by_release(by);
	return status;
}

enum status judge_streams_stop(struct judge_streams *js, struct store_batch *batch)
{
	enum status status = STATUS_OK;
	for (size_t i = 0; i < js->known_count && !status; i++) {
		struct stream_judged *j = js->known[i]->judged;
		struct judging g = {.js = js, .batch = batch, .head = js->known[i]};
		uint8_t key[STREAM_STATE_KEY_SIZE];
		if (!j->unsaved || !j->state.size)
			continue;
		stream_state_key(g.head->stream, j->time_ms, key);
		status = thin(&g);
		store_batch_put(batch, STORE_STATE, span_of(key, sizeof key), buf_view(&j->state));
		if (!status)
			status = store_commit(js->engine->store, batch, false);
	}
	store_batch_clear(batch);
	return status;
}
