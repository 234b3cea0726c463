/* hazard_feed.c -- one case against every policy. Rows as hazard_feed.h draws them. */
#include "engine/register/hazard_feed_state.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "engine/core/clock.h"
#include "engine/core/crash.h"
#include "engine/core/log.h"
#include "engine/register/hazards_row.h"
#include "engine/store/keys.h"

#define TAG_COUNTED 0x08
#define TAG_DUE 0x09
#define TAG_CURSOR 0x0a
#define TAG_CASE 0x0b

#define COUNTED_KEY_SIZE 33
#define DUE_KEY_SIZE 25
#define CASE_VALUE_SIZE 24
#define DUE_NEVER INT64_MAX

/* What was written of a case under a policy before. */
struct counted {
	uint64_t value;
	int64_t start_ms, due_ms;
};

static struct store *store_of(const struct feed_matter *m)
{
	return engine_store(m->feed->engine);
}

/* --- rows --- */

static uint64_t policy_hash(const struct feed_policy *p)
{
	return hash64(span_of_string(p->id));
}

static void counted_key(const struct feed_policy *p, const struct counted *c, uint64_t id,
			uint8_t out[COUNTED_KEY_SIZE])
{
	out[0] = TAG_COUNTED;
	store_be64(out + 1, policy_hash(p));
	store_be64(out + 9, c->value);
	store_be64(out + 17, time_bias(c->start_ms));
	store_be64(out + 25, id);
}

static void due_key(int64_t due_ms, const struct feed_policy *p, uint64_t id, uint8_t out[DUE_KEY_SIZE])
{
	out[0] = TAG_DUE;
	store_be64(out + 1, time_bias(due_ms));
	store_be64(out + 9, policy_hash(p));
	store_be64(out + 17, id);
}

static void case_key_of(const struct feed_policy *p, uint64_t id, uint8_t out[17])
{
	out[0] = TAG_CASE;
	store_be64(out + 1, id);
	store_be64(out + 9, policy_hash(p));
}

static enum status load_counted(const struct feed_matter *m, struct counted *out)
{
	uint8_t key[17];
	struct buf value = buf_init(CASE_VALUE_SIZE);
	case_key_of(m->policy, m->v->id, key);
	enum status status = store_get(store_of(m), STORE_HAZARD, span_of(key, sizeof key), &value);
	if (!status && value.size == CASE_VALUE_SIZE)
		*out = (struct counted){load_be64(value.data), time_unbias(load_be64(value.data + 8)),
					time_unbias(load_be64(value.data + 16))};
	else if (!status)
		status = STATUS_CORRUPT;
	buf_deinit(&value);
	return status;
}

static void drop_rows(struct store_batch *b, const struct feed_matter *m, const struct counted *c)
{
	uint8_t counted[COUNTED_KEY_SIZE], due[DUE_KEY_SIZE], key[17];
	counted_key(m->policy, c, m->v->id, counted);
	due_key(c->due_ms, m->policy, m->v->id, due);
	case_key_of(m->policy, m->v->id, key);
	store_batch_delete(b, STORE_HAZARD, span_of(counted, sizeof counted));
	store_batch_delete(b, STORE_HAZARD, span_of(due, sizeof due));
	store_batch_delete(b, STORE_HAZARD, span_of(key, sizeof key));
}

static void put_rows(struct store_batch *b, const struct feed_matter *m, const struct counted *c)
{
	uint8_t row[COUNTED_KEY_SIZE], key[17], value[CASE_VALUE_SIZE];
	case_key_of(m->policy, m->v->id, key);
	store_be64(value, c->value);
	store_be64(value + 8, time_bias(c->start_ms));
	store_be64(value + 16, time_bias(c->due_ms));
	store_batch_put(b, STORE_HAZARD, span_of(key, sizeof key), span_of(value, sizeof value));
	if (c->due_ms == DUE_NEVER) {
		counted_key(m->policy, c, m->v->id, row);
		store_batch_put(b, STORE_HAZARD, span_of(row, COUNTED_KEY_SIZE), span_of(NULL, 0));
	} else {
		due_key(c->due_ms, m->policy, m->v->id, row);
		store_batch_put(b, STORE_HAZARD, span_of(row, DUE_KEY_SIZE), span_of(NULL, 0));
	}
}

/* `old` and `new` may be NULL. The register's steps behind it are synced; an older row that a power cut takes away is
 * written again, since the cursor behind it is gone too. */
static enum status change_rows(const struct feed_matter *m, const struct counted *old, const struct counted *new)
{
	struct store_batch *b;
	enum status status = store_batch_new(store_of(m), &b);
	if (status)
		return status;
	if (old)
		drop_rows(b, m, old);
	if (new)
		put_rows(b, m, new);
	status = store_commit(store_of(m), b, false);
	store_batch_free(b);
	return status;
}

/* --- what a finding is --- */

static void registry_text(const struct feed_matter *m, enum device_field field, char *out)
{
	const struct finding *f = &m->v->finding;
	*out = '\0';
	if (f->device && registry_value(engine_registry(m->feed->engine), f->device, field, f->start_ms, out))
		*out = '\0';
}

/* Whose hazard it would be; empty when that is not known: then it cannot be counted. */
static void describe(struct feed_matter *m)
{
	const struct finding *f = &m->v->finding;
	registry_text(m, DEVICE_FIELD_PLATE, m->plate);
	registry_text(m, DEVICE_FIELD_COMPANY, m->company);
	registry_text(m, DEVICE_FIELD_VILLAGE, m->village);
	*m->per = '\0';
	switch ((enum feed_per)m->policy->per) {
	case FEED_PER_COMPANY:
		memcpy(m->per, m->company, sizeof m->per);
		break;
	case FEED_PER_PLATE:
		memcpy(m->per, m->plate, sizeof m->per);
		break;
	case FEED_PER_DRIVER:
		if (f->driver)
			snprintf(m->per, sizeof m->per, "%016llx", (unsigned long long)f->driver);
		break;
	case FEED_PER_DEVICE:
		snprintf(m->per, sizeof m->per, "%016llx", (unsigned long long)f->device);
		break;
	case FEED_PER_FENCE:
		snprintf(m->per, sizeof m->per, "%s", f->fence);
		break;
	case FEED_PER_COUNT:
		break;
	}
}

static bool is_of(const struct feed_matter *m)
{
	const struct feed_policy *p = m->policy;
	const struct finding *f = &m->v->finding;
	bool named = p->kinds >> f->kind & 1;
	for (unsigned i = 0; i < p->rule_count && !named; i++)
		named = strcmp(p->rules[i], f->rule) == 0;
	if (!named)
		return false;
	return !p->classes ||
	       p->classes >> registry_class(engine_registry(m->feed->engine), f->device, f->start_ms) & 1;
}

static bool counts(const struct feed_matter *m)
{
	return *m->per && (m->policy->states >> m->v->state & 1);
}

/* --- steps --- */

static enum status step(const struct feed_matter *m, struct hazard_order *o, struct hazard_outcome *out)
{
	o->at_ms = m->now_ms;
	o->actor.role = HAZARD_ROLE_SYSTEM;
	snprintf(o->actor.name, sizeof o->actor.name, "policy");
	enum status status = hazards_step(m->feed->hazards, o, out);
	crash_point("feed_step");
	return status;
}

static enum status find_hazard(const struct feed_matter *m, size_t count)
{
	struct hazard_outcome out;
	struct feed_proposal *p = calloc(1, sizeof *p);
	if (!p)
		return STATUS_NO_MEMORY;
	feed_propose(p, m, count);
	struct hazard_order o = {.step = HAZARD_STEP_FIND, .changes = p->changes, .change_count = p->count};
	enum status status = step(m, &o, &out);
	free(p);
	m->feed->stats.found += status == STATUS_OK;
	return status == STATUS_EXISTS ? STATUS_OK : status;
}

static enum status link_step(const struct feed_matter *m, unsigned kind, uint64_t hazard, uint64_t id)
{
	char reference[FEED_REFERENCE_MAX];
	struct hazard_outcome out;
	feed_reference(m->policy, id, reference);
	struct hazard_order o = {.step = (uint8_t)kind, .id = hazard, .link = span_of_string(reference)};
	if (kind == HAZARD_STEP_RELAPSE)
		o.note = span_of_string("同一成因再次出现");
	enum status status = step(m, &o, &out);
	return status == STATUS_EXISTS ? STATUS_OK : status;
}

/* One more finding for the hazard of this cause: a new one, the open one, or a closed one that comes back. */
static enum status give(const struct feed_matter *m, const char *cause, uint64_t id, int64_t start_ms, size_t count)
{
	char reference[FEED_REFERENCE_MAX];
	uint64_t hazard;
	struct hazard h;
	feed_reference(m->policy, id, reference);
	enum status status = hazards_by_reference(m->feed->hazards, span_of_string(reference), &hazard);
	if (status != STATUS_NOT_FOUND)
		return status;
	status = hazards_by_cause(m->feed->hazards, span_of_string(cause), &hazard);
	if (status == STATUS_NOT_FOUND)
		return find_hazard(m, count);
	if (!status)
		status = hazards_get(m->feed->hazards, hazard, &h);
	if (status)
		return status;
	bool again = h.state == HAZARD_CLOSED && start_ms > h.closed_ms;
	hazard_deinit(&h);
	status = link_step(m, again ? HAZARD_STEP_RELAPSE : HAZARD_STEP_JOIN, hazard, id);
	m->feed->stats.relapsed += !status && again;
	m->feed->stats.joined += !status && !again;
	return status;
}

/* --- counting --- */

struct window {
	int64_t *starts;
	uint64_t *ids;
	size_t count, capacity;
};

static enum status add_counted(void *context, struct span key, struct span value)
{
	struct window *w = context;
	(void)value;
	if (key.size != COUNTED_KEY_SIZE)
		return STATUS_CORRUPT;
	if (w->count == w->capacity)
		return STATUS_END;
	w->starts[w->count] = time_unbias(load_be64(key.data + 17));
	w->ids[w->count++] = load_be64(key.data + 25);
	return STATUS_OK;
}

/* Findings begun within the span before and after this one, ascending. */
static enum status load_window(const struct feed_matter *m, const struct counted *c, struct window *w)
{
	uint8_t start[COUNTED_KEY_SIZE];
	struct counted from = *c;
	from.start_ms = c->start_ms - m->policy->within_ms;
	counted_key(m->policy, &from, 0, start);
	enum status status = store_scan_within(store_of(m), STORE_HAZARD, span_of(start, 17),
					       span_of(start, sizeof start), add_counted, w);
	while (w->count && w->starts[w->count - 1] > c->start_ms + m->policy->within_ms)
		w->count--;
	return status == STATUS_END ? STATUS_OK : status;
}

/* Every stretch of at least `count` findings no longer than the span, this one among them, belongs to the hazard. */
static enum status give_window(const struct feed_matter *m, const struct counted *c, const struct window *w)
{
	char cause[FEED_CAUSE_MAX];
	enum status status = STATUS_OK;
	feed_cause(m, cause);
	for (size_t i = 0, given = 0; i < w->count && !status; i++) {
		size_t end = i;
		while (end < w->count && w->starts[end] - w->starts[i] <= m->policy->within_ms)
			end++;
		if (w->starts[i] > c->start_ms || w->starts[end - 1] < c->start_ms || end - i < m->policy->count)
			continue;
		for (size_t k = i > given ? i : given; k < end && !status; k++)
			status = give(m, cause, w->ids[k], w->starts[k], end - i);
		given = end;
	}
	return status;
}

static enum status consider(const struct feed_matter *m, const struct counted *c)
{
	char cause[FEED_CAUSE_MAX];
	feed_cause(m, cause);
	if (m->policy->count <= 1)
		return give(m, cause, m->v->id, c->start_ms, 1);
	struct window w = {.capacity = 4 * FEED_COUNT_MAX};
	w.starts = calloc(w.capacity, sizeof *w.starts);
	w.ids = calloc(w.capacity, sizeof *w.ids);
	enum status status = w.starts && w.ids ? load_window(m, c, &w) : STATUS_NO_MEMORY;
	if (!status)
		status = give_window(m, c, &w);
	free(w.starts);
	free(w.ids);
	return status;
}

/* It counts no more: what it was given to loses it. */
static enum status take_back(const struct feed_matter *m)
{
	char reference[FEED_REFERENCE_MAX];
	uint64_t hazard;
	struct hazard h;
	struct hazard_outcome out;
	feed_reference(m->policy, m->v->id, reference);
	enum status status = hazards_by_reference(m->feed->hazards, span_of_string(reference), &hazard);
	if (status)
		return status == STATUS_NOT_FOUND ? STATUS_OK : status;
	status = link_step(m, HAZARD_STEP_DETACH, hazard, m->v->id);
	if (!status)
		status = hazards_get(m->feed->hazards, hazard, &h);
	if (status)
		return status;
	m->feed->stats.detached++;
	bool empty = h.state == HAZARD_FOUND && !h.linked;
	hazard_deinit(&h);
	if (!empty)
		return STATUS_OK;
	struct hazard_order o = {
		.step = HAZARD_STEP_VOID, .id = hazard, .note = span_of_string("线索均已撤回或认定误报")};
	return step(m, &o, &out);
}

/* --- one case, one policy --- */

static struct counted count_of(const struct feed_matter *m)
{
	struct counted c = {hash64(span_of_string(m->per)), m->v->finding.start_ms, DUE_NEVER};
	if (m->policy->unanswered_ms && !m->v->handled)
		c.due_ms = m->v->raised_ms + m->policy->unanswered_ms;
	return c;
}

static bool same(const struct counted *a, const struct counted *b)
{
	return a->value == b->value && a->start_ms == b->start_ms && a->due_ms == b->due_ms;
}

static enum status take_in(struct feed_matter *m)
{
	struct counted old, new;
	enum status status = load_counted(m, &old);
	bool known = status == STATUS_OK;
	if (status && status != STATUS_NOT_FOUND)
		return status;
	describe(m);
	if (!is_of(m) || !counts(m) || (m->policy->unanswered_ms && m->v->handled && known && old.due_ms > m->now_ms)) {
		status = known ? take_back(m) : STATUS_OK;
		return status || !known ? status : change_rows(m, &old, NULL);
	}
	if (m->policy->unanswered_ms && m->v->handled && !known)
		return STATUS_OK;
	new = count_of(m);
	if (known && old.due_ms == DUE_NEVER)
		new.due_ms = DUE_NEVER;
	if (!known || !same(&old, &new))
		status = change_rows(m, known ? &old : NULL, &new);
	crash_point("feed_rows");
	return status || new.due_ms != DUE_NEVER ? status : consider(m, &new);
}

/* --- the case feed --- */

struct turn {
	struct hazard_feed *feed;
	int64_t now_ms;
};

static enum status take_case(struct hazard_feed *f, uint64_t id, int64_t now_ms)
{
	struct violation v;
	enum status status = violation_get(engine_findings(f->engine), id, &v);
	if (status)
		return status == STATUS_NOT_FOUND ? STATUS_OK : status;
	for (size_t i = 0; i < f->policies->count && !status; i++) {
		struct feed_matter m = {.feed = f, .policy = &f->policies->items[i], .v = &v, .now_ms = now_ms};
		status = take_in(&m);
	}
	f->stats.taken++;
	return status;
}

static enum status take_row(void *context, uint64_t feed, uint8_t event, uint64_t id, int64_t at_ms)
{
	struct turn *t = context;
	(void)event, (void)at_ms;
	enum status status = take_case(t->feed, id, t->now_ms);
	if (!status)
		t->feed->cursor = feed;
	return status;
}

static enum status save_cursor(struct hazard_feed *f)
{
	uint8_t key[9] = {TAG_CURSOR}, value[8];
	struct store_batch *b;
	enum status status = store_batch_new(engine_store(f->engine), &b);
	if (status)
		return status;
	store_be64(value, f->cursor);
	store_batch_put(b, STORE_HAZARD, span_of(key, sizeof key), span_of(value, sizeof value));
	status = store_commit(engine_store(f->engine), b, false);
	store_batch_free(b);
	return status;
}

static enum status load_cursor(struct hazard_feed *f)
{
	uint8_t key[9] = {TAG_CURSOR};
	struct buf value = buf_init(8);
	enum status status = store_get(engine_store(f->engine), STORE_HAZARD, span_of(key, sizeof key), &value);
	if (!status && value.size == 8)
		f->cursor = load_be64(value.data);
	else if (!status)
		status = STATUS_CORRUPT;
	buf_deinit(&value);
	return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

/* --- what falls due --- */

#define DUE_BATCH 256

struct due {
	int64_t now_ms;
	size_t count;
	struct {
		int64_t due_ms;
		uint64_t policy, id;
	} items[DUE_BATCH];
};

static enum status note_due(void *context, struct span key, struct span value)
{
	struct due *d = context;
	(void)value;
	if (key.size != DUE_KEY_SIZE)
		return STATUS_CORRUPT;
	int64_t due_ms = time_unbias(load_be64(key.data + 1));
	if (due_ms > d->now_ms || d->count == DUE_BATCH)
		return STATUS_END;
	d->items[d->count].due_ms = due_ms;
	d->items[d->count].policy = load_be64(key.data + 9);
	d->items[d->count++].id = load_be64(key.data + 17);
	return STATUS_OK;
}

/* Nobody handled it in time: from now on it counts like any other. */
static enum status fall_due(struct hazard_feed *f, const struct feed_policy *p, uint64_t id, int64_t now_ms)
{
	struct violation v;
	struct counted old;
	struct feed_matter m = {.feed = f, .policy = p, .v = &v, .now_ms = now_ms};
	enum status status = violation_get(engine_findings(f->engine), id, &v);
	if (!status)
		status = load_counted(&m, &old);
	if (status)
		return status;
	describe(&m);
	struct counted new = {hash64(span_of_string(m.per)), v.finding.start_ms, DUE_NEVER};
	bool stands = counts(&m) && !v.handled;
	status = change_rows(&m, &old, stands ? &new : NULL);
	return status || !stands ? status : consider(&m, &new);
}

static const struct feed_policy *policy_of(const struct hazard_feed *f, uint64_t hash)
{
	for (size_t i = 0; i < f->policies->count; i++)
		if (policy_hash(&f->policies->items[i]) == hash)
			return &f->policies->items[i];
	return NULL;
}

/* A row of a policy that is no more. */
static enum status drop_due(struct hazard_feed *f, int64_t due_ms, uint64_t policy, uint64_t id)
{
	uint8_t key[DUE_KEY_SIZE] = {TAG_DUE};
	struct store_batch *b;
	enum status status = store_batch_new(engine_store(f->engine), &b);
	if (status)
		return status;
	store_be64(key + 1, time_bias(due_ms));
	store_be64(key + 9, policy);
	store_be64(key + 17, id);
	store_batch_delete(b, STORE_HAZARD, span_of(key, sizeof key));
	status = store_commit(engine_store(f->engine), b, false);
	store_batch_free(b);
	return status;
}

static enum status run_due(struct hazard_feed *f, int64_t now_ms)
{
	uint8_t tag = TAG_DUE;
	struct due d;
	enum status status;
	do {
		d = (struct due){.now_ms = now_ms};
		status = store_scan(engine_store(f->engine), STORE_HAZARD, span_of(&tag, 1), note_due, &d);
		if (status == STATUS_END)
			status = STATUS_OK;
		for (size_t i = 0; i < d.count && !status; i++) {
			const struct feed_policy *p = policy_of(f, d.items[i].policy);
			status = p ? fall_due(f, p, d.items[i].id, now_ms) : STATUS_NOT_FOUND;
			if (status == STATUS_NOT_FOUND)
				status = drop_due(f, d.items[i].due_ms, d.items[i].policy, d.items[i].id);
		}
	} while (!status && d.count == DUE_BATCH);
	return status;
}

enum status hazard_feed_run(struct hazard_feed *f, int64_t now_ms)
{
	struct turn t = {f, now_ms};
	uint64_t before = f->cursor;
	enum status status = findings_feed(engine_findings(f->engine), f->cursor, take_row, &t);
	crash_point("feed_cursor");
	if (f->cursor != before) {
		enum status saved = save_cursor(f);
		status = status ? status : saved;
	}
	if (!status)
		status = run_due(f, now_ms);
	f->stats.failed += status != STATUS_OK;
	return status;
}

/* --- life --- */

static void *run(void *context)
{
	struct hazard_feed *f = context;
	enum status last = STATUS_OK;
	pthread_mutex_lock(&f->mutex);
	while (!f->stopping) {
		struct timespec until;
		pthread_mutex_unlock(&f->mutex);
		enum status status = hazard_feed_run(f, clock_now_ms());
		if (status && status != last)
			log_error("register", "findings do not reach the register: %s", status_text(status));
		last = status;
		clock_gettime(CLOCK_MONOTONIC, &until);
		until.tv_sec++;
		pthread_mutex_lock(&f->mutex);
		while (!f->stopping && !pthread_cond_timedwait(&f->changed, &f->mutex, &until))
			;
	}
	pthread_mutex_unlock(&f->mutex);
	return NULL;
}

enum status hazard_feed_new(struct engine *e, struct hazards *r, struct feed_policies *policies,
			    struct hazard_feed **out)
{
	pthread_condattr_t monotonic;
	struct hazard_feed *f = calloc(1, sizeof *f);
	if (!f) {
		feed_policies_free(policies);
		return STATUS_NO_MEMORY;
	}
	f->engine = e;
	f->hazards = r;
	f->policies = policies;
	pthread_mutex_init(&f->mutex, NULL);
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(&f->changed, &monotonic);
	pthread_condattr_destroy(&monotonic);
	enum status status = load_cursor(f);
	if (status)
		hazard_feed_free(f);
	else
		*out = f;
	return status;
}

enum status hazard_feed_start(struct hazard_feed *f)
{
	f->running = pthread_create(&f->thread, NULL, run, f) == 0;
	return f->running ? STATUS_OK : STATUS_NO_MEMORY;
}

void hazard_feed_free(struct hazard_feed *f)
{
	if (!f)
		return;
	pthread_mutex_lock(&f->mutex);
	f->stopping = true;
	pthread_cond_signal(&f->changed);
	pthread_mutex_unlock(&f->mutex);
	if (f->running)
		pthread_join(f->thread, NULL);
	feed_policies_free(f->policies);
	pthread_cond_destroy(&f->changed);
	pthread_mutex_destroy(&f->mutex);
	free(f);
}

const struct hazard_feed_stats *hazard_feed_stats(const struct hazard_feed *f)
{
	return &f->stats;
}
