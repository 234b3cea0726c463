#include "engine/fleet/findings.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/core/crash.h"
#include "engine/fleet/findings_row.h"
#include "engine/store/keys.h"

/* a finding raised later than this after it should have been is no news: no live alarm */
#define NEWS_MS 120000
#define COUNTERS_KEY "findings"
#define COUNTERS_SIZE 16

struct findings {
	struct store *store;
	pthread_mutex_t lock; /* one change of cases at a time */
	uint64_t next_id;
	_Atomic uint64_t feed; /* the last one given */
	findings_changed *changed;
	void *changed_context;
	struct findings_stats stats;
};

/* --- names --- */

const char *case_state_token(unsigned state)
{
	static const char *const tokens[CASE_STATE_COUNT] = {
#define X(code, NAME, token, chinese) [code] = token,
		CASE_STATE_TABLE(X)
#undef X
	};
	return state < CASE_STATE_COUNT ? tokens[state] : "unknown";
}

const char *case_state_chinese(unsigned state)
{
	static const char *const names[CASE_STATE_COUNT] = {
#define X(code, NAME, token, chinese) [code] = chinese,
		CASE_STATE_TABLE(X)
#undef X
	};
	return state < CASE_STATE_COUNT ? names[state] : "";
}

enum status case_state_parse(struct span text, uint8_t *out)
{
	for (unsigned i = 0; i < CASE_STATE_COUNT; i++)
		if (span_equal(text, span_of_string(case_state_token(i))) ||
		    span_equal(text, span_of_string(case_state_chinese(i)))) {
			*out = (uint8_t)i;
			return STATUS_OK;
		}
	return STATUS_NOT_FOUND;
}

const char *case_event_token(unsigned kind)
{
	static const char *const tokens[CASE_EVENT_COUNT] = {
#define X(code, NAME, token, chinese) [code] = token,
		CASE_EVENT_TABLE(X)
#undef X
	};
	return kind < CASE_EVENT_COUNT && tokens[kind] ? tokens[kind] : "unknown";
}

const char *case_event_chinese(unsigned kind)
{
	static const char *const names[CASE_EVENT_COUNT] = {
#define X(code, NAME, token, chinese) [code] = chinese,
		CASE_EVENT_TABLE(X)
#undef X
	};
	return kind < CASE_EVENT_COUNT && names[kind] ? names[kind] : "";
}

/* --- life --- */

enum status findings_open(struct store *s, struct findings **out)
{
	struct findings *f = calloc(1, sizeof *f);
	struct buf row = buf_init(COUNTERS_SIZE);
	if (!f)
		return STATUS_NO_MEMORY;
	f->store = s;
	f->next_id = 1;
	pthread_mutex_init(&f->lock, NULL);
	enum status status = store_get(s, STORE_META, span_of_string(COUNTERS_KEY), &row);
	if (!status && row.size != COUNTERS_SIZE)
		status = STATUS_CORRUPT;
	if (!status) {
		f->next_id = load_be64(row.data);
		atomic_store(&f->feed, load_be64(row.data + 8));
	}
	buf_deinit(&row);
	if (status && status != STATUS_NOT_FOUND) {
		findings_close(f);
		return status;
	}
	*out = f;
	return STATUS_OK;
}

void findings_close(struct findings *f)
{
	if (!f)
		return;
	pthread_mutex_destroy(&f->lock);
	free(f);
}

void findings_on_change(struct findings *f, findings_changed *changed, void *context)
{
	f->changed = changed;
	f->changed_context = context;
}

const struct findings_stats *findings_stats(const struct findings *f)
{
	return &f->stats;
}

uint64_t findings_feed_last(const struct findings *f)
{
	return atomic_load(&f->feed);
}

/* --- one change of cases: a batch, and what to tell once it is committed --- */

struct notice {
	uint64_t feed;
	enum case_event_kind event;
	struct violation violation;
};

struct change {
	struct findings *f;
	struct store_batch *batch;
	struct buf row;
	int64_t now_ms;
	struct notice *notices;
	size_t notice_count, notice_capacity;
	uint64_t feed;
	uint64_t next_id;
	bool counters;
};

static enum status change_init(struct change *c, struct findings *f, struct store_batch *batch, int64_t now_ms)
{
	*c = (struct change){.f = f,
			     .batch = batch,
			     .row = buf_init(4 * FINDING_BYTES_MAX),
			     .now_ms = now_ms,
			     .feed = atomic_load(&f->feed),
			     .next_id = f->next_id};
	return batch ? STATUS_OK : store_batch_new(f->store, &c->batch);
}

static void change_deinit(struct change *c, const struct store_batch *callers)
{
	if (c->batch != callers)
		store_batch_free(c->batch);
	buf_deinit(&c->row);
	free(c->notices);
}

static enum status change_commit(struct change *c, bool sync)
{
	struct findings *f = c->f;
	uint8_t counters[COUNTERS_SIZE];
	store_be64(counters, c->next_id);
	store_be64(counters + 8, c->feed);
	if (c->counters)
		store_batch_put(c->batch, STORE_META, span_of_string(COUNTERS_KEY), span_of(counters, sizeof counters));
	crash_point("findings_commit");
	enum status status = store_commit(f->store, c->batch, sync);
	crash_point("findings_commit");
	if (status)
		return status;
	f->next_id = c->next_id;
	atomic_store(&f->feed, c->feed);
	for (size_t i = 0; i < c->notice_count; i++) {
		struct notice *n = &c->notices[i];
		_Atomic uint64_t *counter = n->event == CASE_EVENT_RAISED      ? &f->stats.raised
					    : n->event == CASE_EVENT_CLOSED    ? &f->stats.closed
					    : n->event == CASE_EVENT_AMENDED   ? &f->stats.amended
					    : n->event == CASE_EVENT_WITHDRAWN ? &f->stats.withdrawn
									       : NULL;
		if (counter)
			atomic_fetch_add_explicit(counter, 1, memory_order_relaxed);
		if (n->event == CASE_EVENT_RAISED && n->violation.late)
			atomic_fetch_add_explicit(&f->stats.late, 1, memory_order_relaxed);
		if (f->changed)
			f->changed(f->changed_context, n->feed, n->event, &n->violation);
	}
	return STATUS_OK;
}

static enum status put(struct change *c, enum store_family family, const uint8_t *key, size_t size)
{
	store_batch_put(c->batch, family, span_of(key, size), buf_view(&c->row));
	return STATUS_OK;
}

static void violation_of(const struct case_row *row, uint64_t id, const struct finding *finding, struct violation *out)
{
	*out = (struct violation){.id = id,
				  .state = row->state,
				  .late = row->late,
				  .handled = row->handled,
				  .has_confirmed = row->has_confirmed,
				  .raised_ms = row->raised_ms,
				  .events = row->events,
				  .amended = row->amended};
	out->finding = *finding;
	if (row->has_confirmed)
		out->confirmed = row->confirmed;
}

static enum status notify(struct change *c, uint64_t id, enum case_event_kind kind, const struct case_row *row,
			  const struct finding *finding)
{
	if (c->notice_count == c->notice_capacity) {
		size_t capacity = c->notice_capacity ? c->notice_capacity * 2 : 8;
		struct notice *list = realloc(c->notices, capacity * sizeof *list);
		if (!list)
			return STATUS_NO_MEMORY;
		c->notices = list;
		c->notice_capacity = capacity;
	}
	struct notice *n = &c->notices[c->notice_count++];
	n->feed = c->feed;
	n->event = kind;
	violation_of(row, id, finding, &n->violation);
	return STATUS_OK;
}

/* Add an event to the history and the feed; the case row is written with it. */
static enum status add_event(struct change *c, uint64_t id, struct case_row *row, struct case_event *e,
			     const struct finding *finding)
{
	uint8_t key[EVENT_KEY_SIZE], value[FEED_ROW_SIZE];
	e->number = ++row->events;
	e->state = row->state;
	e->at_ms = c->now_ms;
	buf_clear(&c->row);
	enum status status = event_row_encode(e, &c->row);
	if (status)
		return status;
	event_key(id, e->number, key);
	status = put(c, STORE_CASE, key, EVENT_KEY_SIZE);
	buf_clear(&c->row);
	if (!status)
		status = case_row_encode(row, &c->row);
	if (status)
		return status;
	case_key(id, key);
	status = put(c, STORE_CASE, key, CASE_KEY_SIZE);
	store_be64(value, id);
	value[8] = e->kind;
	store_be64(value + 9, (uint64_t)c->now_ms);
	feed_key(++c->feed, key);
	c->counters = true;
	store_batch_put(c->batch, STORE_CASE, span_of(key, FEED_KEY_SIZE), span_of(value, sizeof value));
	return status ? status : notify(c, id, (enum case_event_kind)e->kind, row, finding);
}

static enum status load_case(struct findings *f, uint64_t id, struct case_row *out)
{
	uint8_t key[CASE_KEY_SIZE];
	struct buf row = buf_init(4 * FINDING_BYTES_MAX);
	case_key(id, key);
	enum status status = store_get(f->store, STORE_CASE, span_of(key, sizeof key), &row);
	if (!status)
		status = case_row_decode(buf_view(&row), out);
	buf_deinit(&row);
	return status;
}

/* --- replacing: what stood before against what is told now --- */

struct old_finding {
	struct finding_row row;
	struct finding_key key;
	bool matched;
};

struct new_finding {
	const struct told_finding *told;
	struct finding_key key;
	const struct old_finding *match; /* what it was before, NULL: nothing */
};

struct replacing {
	const struct replacement *r;
	struct change change;
	struct old_finding *old;
	size_t old_count, old_capacity;
	struct new_finding *told; /* by key, the last word on each */
	size_t told_count;
};

static int compare_keys(const struct finding_key *a, const struct finding_key *b)
{
	if (a->subject != b->subject)
		return a->subject < b->subject ? -1 : 1;
	if (a->start_ms != b->start_ms)
		return a->start_ms < b->start_ms ? -1 : 1;
	if (a->rule != b->rule)
		return a->rule < b->rule ? -1 : 1;
	return a->mark == b->mark ? 0 : a->mark < b->mark ? -1 : 1;
}

static int compare_new(const void *a, const void *b)
{
	const struct new_finding *x = a, *y = b;
	int order = compare_keys(&x->key, &y->key);
	return order ? order : x->told < y->told ? -1 : x->told > y->told;
}

static int compare_old(const void *a, const void *b)
{
	const struct old_finding *x = a, *y = b;
	return compare_keys(&x->key, &y->key);
}

static enum status push_old(struct replacing *w, struct span value, const struct finding_key *key)
{
	if (w->old_count == w->old_capacity) {
		size_t capacity = w->old_capacity ? w->old_capacity * 2 : 8;
		struct old_finding *list = realloc(w->old, capacity * sizeof *list);
		if (!list)
			return STATUS_NO_MEMORY;
		w->old = list;
		w->old_capacity = capacity;
	}
	struct old_finding *o = &w->old[w->old_count];
	enum status status = finding_row_decode(value, &o->row);
	if (status)
		return status;
	o->key = *key;
	o->matched = false;
	w->old_count++;
	return STATUS_OK;
}

static bool in_scope(const struct replacement *r, const struct finding_row *row)
{
	if (rule_kind_stage(row->finding.kind) != r->stage)
		return false;
	return r->scope == REPLACE_ALL || row->finding.open || decided_compare(row->decided, r->after) > 0;
}

/* What is told under the key of one that stands is that finding, whenever that was decided. */
static bool is_told(const struct replacing *w, const struct finding_key *key)
{
	size_t low = 0, high = w->told_count;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (compare_keys(&w->told[middle].key, key) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low < w->told_count && finding_key_equal(&w->told[low].key, key);
}

static enum status collect_row(void *context, struct span key, struct span value)
{
	struct replacing *w = context;
	struct finding_key k;
	enum status status = finding_key_parse(key, &k);
	if (!status)
		status = push_old(w, value, &k);
	if (!status && !in_scope(w->r, &w->old[w->old_count - 1].row) && !is_told(w, &k))
		w->old_count--;
	return status;
}

static enum status collect_told(struct replacing *w)
{
	struct buf row = buf_init(FINDING_BYTES_MAX);
	enum status status = STATUS_OK;
	for (size_t i = 0; i < w->told_count && !status; i++) {
		uint8_t bytes[FINDING_KEY_SIZE];
		finding_key_store(&w->told[i].key, bytes);
		buf_clear(&row);
		status = store_get(w->change.f->store, STORE_FINDING, span_of(bytes, sizeof bytes), &row);
		if (!status)
			status = push_old(w, buf_view(&row), &w->told[i].key);
		else if (status == STATUS_NOT_FOUND)
			status = STATUS_OK;
	}
	buf_deinit(&row);
	return status;
}

static enum status collect_old(struct replacing *w)
{
	uint8_t prefix[9] = {0x01};
	if (w->r->scope == REPLACE_TOLD)
		return collect_told(w);
	store_be64(prefix + 1, w->r->subject);
	enum status status =
		store_scan(w->change.f->store, STORE_FINDING, span_of(prefix, sizeof prefix), collect_row, w);
	if (w->old_count)
		qsort(w->old, w->old_count, sizeof *w->old, compare_old);
	return status;
}

/* The last word on each finding, by key. */
static enum status sort_told(struct replacing *w)
{
	size_t n = w->r->finding_count, kept = 0;
	w->told = calloc(n ? n : 1, sizeof *w->told);
	if (!w->told)
		return STATUS_NO_MEMORY;
	for (size_t i = 0; i < n; i++) {
		w->told[i].told = &w->r->findings[i];
		w->told[i].key = finding_key_of(&w->r->findings[i].finding);
	}
	qsort(w->told, n, sizeof *w->told, compare_new);
	for (size_t i = 0; i < n; i++)
		if (i + 1 == n || compare_keys(&w->told[i].key, &w->told[i + 1].key) != 0)
			w->told[kept++] = w->told[i];
	w->told_count = kept;
	return STATUS_OK;
}

static int64_t overlap(const struct finding *a, const struct finding *b)
{
	int64_t from = a->start_ms > b->start_ms ? a->start_ms : b->start_ms;
	int64_t to = a->end_ms < b->end_ms ? a->end_ms : b->end_ms;
	return to - from;
}

static void match_same(struct replacing *w)
{
	for (size_t i = 0, k = 0; i < w->told_count; i++) {
		while (k < w->old_count && compare_keys(&w->old[k].key, &w->told[i].key) < 0)
			k++;
		if (k == w->old_count || compare_keys(&w->old[k].key, &w->told[i].key) != 0)
			continue;
		w->old[k].matched = true;
		w->told[i].match = &w->old[k++];
	}
}

/* The best partner of the same rule and mark for a new finding; earlier ones first among equals. */
static struct old_finding *best_old(struct replacing *w, const struct new_finding *n, int64_t *out_common)
{
	struct old_finding *best = NULL;
	for (size_t k = 0; k < w->old_count; k++) {
		struct old_finding *o = &w->old[k];
		if (o->matched || o->key.rule != n->key.rule || o->key.mark != n->key.mark ||
		    o->key.subject != n->key.subject)
			continue;
		int64_t common = overlap(&o->row.finding, &n->told->finding);
		if (common < 0 || (best && common <= *out_common))
			continue;
		best = o;
		*out_common = common;
	}
	return best;
}

/* Largest overlap first. */
static void match_overlap(struct replacing *w)
{
	for (;;) {
		struct new_finding *taker = NULL;
		struct old_finding *taken = NULL;
		int64_t most = 0;
		for (size_t i = 0; i < w->told_count; i++) {
			int64_t common = 0;
			struct old_finding *o = w->told[i].match ? NULL : best_old(w, &w->told[i], &common);
			if (!o || (taken && common <= most))
				continue;
			taker = &w->told[i];
			taken = o;
			most = common;
		}
		if (!taker)
			return;
		taken->matched = true;
		taker->match = taken;
	}
}

static enum status put_finding(struct change *c, const struct finding_row *row)
{
	uint8_t key[FINDING_KEY_SIZE];
	struct finding_key k = finding_key_of(&row->finding);
	buf_clear(&c->row);
	enum status status = finding_row_encode(row, &c->row);
	finding_key_store(&k, key);
	return status ? status : put(c, STORE_FINDING, key, sizeof key);
}

static void put_time(struct change *c, int64_t start_ms, uint64_t id)
{
	uint8_t key[FINDING_TIME_KEY_SIZE];
	finding_time_key(start_ms, id, key);
	store_batch_put(c->batch, STORE_FINDING, span_of(key, sizeof key), (struct span){NULL, 0});
}

static void delete_time(struct change *c, int64_t start_ms, uint64_t id)
{
	uint8_t key[FINDING_TIME_KEY_SIZE];
	finding_time_key(start_ms, id, key);
	store_batch_delete(c->batch, STORE_FINDING, span_of(key, sizeof key));
}

static void delete_finding(struct change *c, const struct finding_key *k)
{
	uint8_t key[FINDING_KEY_SIZE];
	finding_key_store(k, key);
	store_batch_delete(c->batch, STORE_FINDING, span_of(key, sizeof key));
}

static enum status raise(struct change *c, const struct told_finding *t)
{
	struct finding_row row = {c->next_id++, t->decided, t->finding};
	struct case_row r = {.key = finding_key_of(&t->finding),
			     .late = c->now_ms - t->finding.found_ms > NEWS_MS,
			     .raised_ms = c->now_ms};
	struct case_event raised = {.kind = CASE_EVENT_RAISED, .has_finding = true, .finding = t->finding};
	struct case_event closed = {.kind = CASE_EVENT_CLOSED, .has_finding = true, .finding = t->finding};
	enum status status = put_finding(c, &row);
	put_time(c, t->finding.start_ms, row.id);
	if (!status)
		status = add_event(c, row.id, &r, &raised, &t->finding);
	if (!status && !t->finding.open)
		status = add_event(c, row.id, &r, &closed, &t->finding);
	return status;
}

/* Whether people must be told: an open finding that grows, or one that ends, is as expected. */
static enum case_event_kind kind_of_change(const struct old_finding *old, const struct told_finding *t)
{
	const struct finding *before = &old->row.finding, *now = &t->finding;
	if (before->start_ms != now->start_ms || !before->open)
		return CASE_EVENT_AMENDED;
	return now->open ? 0 : CASE_EVENT_CLOSED;
}

/* What was confirmed and is no longer so must be looked at again; `confirmed` keeps what it was. */
static void reopen(struct case_row *row)
{
	if (row->state == CASE_CONFIRMED || row->state == CASE_TRANSFERRED)
		row->state = CASE_PENDING;
}

static bool same_bytes(const struct finding *a, const struct finding *b)
{
	struct buf one = buf_init(FINDING_BYTES_MAX), other = buf_init(FINDING_BYTES_MAX);
	bool same =
		!finding_encode(a, &one) && !finding_encode(b, &other) && span_equal(buf_view(&one), buf_view(&other));
	buf_deinit(&one);
	buf_deinit(&other);
	return same;
}

static enum status replace_one(struct change *c, const struct old_finding *old, const struct told_finding *t)
{
	struct finding_row row = {old->row.id, t->decided, t->finding};
	struct finding_key key = finding_key_of(&t->finding);
	bool same = same_bytes(&old->row.finding, &t->finding);
	if (same && decided_compare(old->row.decided, t->decided) == 0)
		return STATUS_OK;
	if (!finding_key_equal(&key, &old->key)) {
		delete_finding(c, &old->key);
		delete_time(c, old->key.start_ms, row.id);
		put_time(c, t->finding.start_ms, row.id);
	}
	enum status status = put_finding(c, &row);
	enum case_event_kind kind = same ? 0 : kind_of_change(old, t);
	if (status || !kind)
		return status;
	struct case_row r;
	struct case_event e = {.kind = (uint8_t)kind, .has_finding = true, .finding = t->finding};
	status = load_case(c->f, row.id, &r);
	if (status)
		return status;
	r.key = key;
	if (kind == CASE_EVENT_AMENDED) {
		r.amended++;
		reopen(&r);
	}
	return add_event(c, row.id, &r, &e, &t->finding);
}

static enum status withdraw(struct change *c, const struct old_finding *old)
{
	struct case_row r;
	struct case_event e = {.kind = CASE_EVENT_WITHDRAWN, .has_finding = true, .finding = old->row.finding};
	delete_finding(c, &old->key);
	enum status status = load_case(c->f, old->row.id, &r);
	if (status)
		return status;
	r.state = CASE_WITHDRAWN;
	r.has_last = true;
	r.last = old->row.finding;
	return add_event(c, old->row.id, &r, &e, &old->row.finding);
}

static enum status replace_findings(struct replacing *w)
{
	struct change *c = &w->change;
	enum status status = STATUS_OK;
	for (size_t i = 0; i < w->told_count && !status; i++)
		status = w->told[i].match ? replace_one(c, w->told[i].match, w->told[i].told)
					  : raise(c, w->told[i].told);
	for (size_t k = 0; k < w->old_count && !status; k++)
		if (!w->old[k].matched && w->r->scope != REPLACE_TOLD &&
		    w->old[k].row.finding.start_ms >= w->r->keep_before_ms)
			status = withdraw(c, &w->old[k]);
	return status;
}

/* --- facts --- */

uint64_t fact_subject(const struct fact *f)
{
	if (f->kind == FACT_VISIT)
		return f->place;
	return f->driver ? f->driver : f->device;
}

struct fact_walk {
	struct replacing *w;
	findings_subject *touched;
	void *context;
};

static bool same_fact(struct span bytes, const struct fact *f)
{
	struct buf now = buf_init(FINDING_BYTES_MAX);
	bool same = !fact_encode(f, &now) && span_equal(bytes, buf_view(&now));
	buf_deinit(&now);
	return same;
}

static const struct told_fact *told_last(const struct replacement *r, const struct fact *f)
{
	for (size_t i = r->fact_count; i-- > 0;)
		if (r->facts[i].fact.kind == f->kind && r->facts[i].fact.from_ms == f->from_ms &&
		    r->facts[i].fact.device == f->device)
			return &r->facts[i];
	return NULL;
}

/* A visit matters to the place and to the visitor. */
static void tell_touched(const struct fact_walk *walk, const struct fact *f, uint64_t subject)
{
	if (walk->touched)
		walk->touched(walk->context, subject);
	if (walk->touched && f->kind == FACT_VISIT)
		walk->touched(walk->context, f->device);
}

static void delete_fact(struct fact_walk *walk, const struct fact *f, uint64_t subject)
{
	uint8_t key[FACT_KEY_SIZE], other[FACT_SUBJECT_KEY_SIZE];
	fact_key(f, key);
	fact_subject_key(f, subject, other);
	store_batch_delete(walk->w->change.batch, STORE_FACT, span_of(key, sizeof key));
	store_batch_delete(walk->w->change.batch, STORE_FACT, span_of(other, sizeof other));
	tell_touched(walk, f, subject);
}

/* A fact that stood before: gone, or another subject's now. */
static enum status drop_old_fact(void *context, struct span key, struct span value)
{
	struct fact_walk *walk = context;
	const struct replacement *r = walk->w->r;
	struct fact f;
	if (key.size != FACT_KEY_SIZE || value.size < FACT_ROW_HEAD)
		return STATUS_CORRUPT;
	uint64_t subject = load_be64(value.data);
	struct decided decided = {(int64_t)load_be64(value.data + 8), load_be64(value.data + 16)};
	enum status status = fact_decode(span_of(value.data + FACT_ROW_HEAD, value.size - FACT_ROW_HEAD), &f);
	if (status)
		return status;
	if (r->scope == REPLACE_AFTER && !f.open && decided_compare(decided, r->after) <= 0)
		return STATUS_OK;
	const struct told_fact *now = told_last(r, &f);
	if ((!now && f.from_ms >= r->keep_before_ms) || (now && fact_subject(&now->fact) != subject))
		delete_fact(walk, &f, subject);
	return STATUS_OK;
}

static enum status put_fact(struct fact_walk *walk, const struct told_fact *t)
{
	struct change *c = &walk->w->change;
	uint8_t key[FACT_KEY_SIZE], other[FACT_SUBJECT_KEY_SIZE];
	uint64_t subject = fact_subject(&t->fact);
	fact_key(&t->fact, key);
	fact_subject_key(&t->fact, subject, other);
	buf_clear(&c->row);
	enum status status = store_get(c->f->store, STORE_FACT, span_of(key, sizeof key), &c->row);
	if (status && status != STATUS_NOT_FOUND)
		return status;
	bool same = !status && c->row.size >= FACT_ROW_HEAD && load_be64(c->row.data) == subject &&
		    same_fact(span_of(c->row.data + FACT_ROW_HEAD, c->row.size - FACT_ROW_HEAD), &t->fact);
	buf_clear(&c->row);
	status = buf_append_be64(&c->row, subject);
	if (!status)
		status = buf_append_be64(&c->row, (uint64_t)t->decided.time_ms);
	if (!status)
		status = buf_append_be64(&c->row, t->decided.hash);
	if (!status)
		status = fact_encode(&t->fact, &c->row);
	if (status)
		return status;
	store_batch_put(c->batch, STORE_FACT, span_of(key, sizeof key), buf_view(&c->row));
	store_batch_put(c->batch, STORE_FACT, span_of(other, sizeof other),
			span_of(c->row.data + FACT_ROW_HEAD, c->row.size - FACT_ROW_HEAD));
	if (!same)
		tell_touched(walk, &t->fact, subject);
	return STATUS_OK;
}

static enum status replace_facts(struct replacing *w, findings_subject *touched, void *context)
{
	struct fact_walk walk = {w, touched, context};
	uint8_t prefix[9] = {0x01};
	enum status status = STATUS_OK;
	if (w->r->stage != 1)
		return STATUS_OK;
	store_be64(prefix + 1, w->r->subject);
	if (w->r->scope != REPLACE_TOLD)
		status = store_scan(w->change.f->store, STORE_FACT, span_of(prefix, sizeof prefix), drop_old_fact,
				    &walk);
	for (size_t i = 0; i < w->r->fact_count && !status; i++)
		if (told_last(w->r, &w->r->facts[i].fact) == &w->r->facts[i])
			status = put_fact(&walk, &w->r->facts[i]);
	return status;
}

enum status findings_replace(struct findings *f, const struct replacement *r, findings_subject *touched, void *context)
{
	struct replacing w = {.r = r};
	pthread_mutex_lock(&f->lock);
	enum status status = change_init(&w.change, f, r->batch, r->now_ms);
	if (!status)
		status = sort_told(&w);
	if (!status)
		status = collect_old(&w);
	if (!status) {
		match_same(&w);
		match_overlap(&w);
		status = replace_findings(&w);
	}
	if (!status)
		status = replace_facts(&w, touched, context);
	if (!status)
		status = change_commit(&w.change, false);
	pthread_mutex_unlock(&f->lock);
	if (status && r->batch)
		store_batch_clear(r->batch);
	change_deinit(&w.change, r->batch);
	free(w.old);
	free(w.told);
	return status;
}

/* --- reading --- */

struct finding_walk {
	findings_visit *visit;
	void *context;
};

static enum status visit_finding(void *context, struct span key, struct span value)
{
	const struct finding_walk *walk = context;
	struct finding_row row;
	(void)key;
	enum status status = finding_row_decode(value, &row);
	return status ? status : walk->visit(walk->context, row.id, row.decided, &row.finding);
}

enum status findings_of(struct findings *f, uint64_t subject, findings_visit *visit, void *context)
{
	uint8_t prefix[9] = {0x01};
	struct finding_walk walk = {visit, context};
	store_be64(prefix + 1, subject);
	return store_scan(f->store, STORE_FINDING, span_of(prefix, sizeof prefix), visit_finding, &walk);
}

struct facts_walk {
	facts_visit *visit;
	void *context;
};

static enum status visit_fact(void *context, struct span key, struct span value)
{
	const struct facts_walk *walk = context;
	struct fact fact;
	(void)key;
	enum status status = fact_decode(value, &fact);
	return status ? status : walk->visit(walk->context, &fact);
}

enum status facts_of(struct findings *f, uint64_t subject, facts_visit *visit, void *context)
{
	uint8_t prefix[9] = {0x02};
	struct facts_walk walk = {visit, context};
	store_be64(prefix + 1, subject);
	return store_scan(f->store, STORE_FACT, span_of(prefix, sizeof prefix), visit_fact, &walk);
}

static enum status load_violation(struct findings *f, uint64_t id, struct case_row *row, struct violation *out)
{
	uint8_t key[FINDING_KEY_SIZE];
	struct finding_row finding;
	struct buf value = buf_init(FINDING_BYTES_MAX);
	enum status status = load_case(f, id, row);
	if (status || row->has_last) {
		if (!status)
			violation_of(row, id, &row->last, out);
		return status;
	}
	finding_key_store(&row->key, key);
	status = store_get(f->store, STORE_FINDING, span_of(key, sizeof key), &value);
	if (!status)
		status = finding_row_decode(buf_view(&value), &finding);
	if (!status)
		violation_of(row, id, &finding.finding, out);
	buf_deinit(&value);
	return status;
}

enum status violation_get(struct findings *f, uint64_t id, struct violation *out)
{
	struct case_row row;
	pthread_mutex_lock(&f->lock); /* case and finding from one moment */
	enum status status = load_violation(f, id, &row, out);
	pthread_mutex_unlock(&f->lock);
	return status;
}

struct violation_walk {
	struct findings *f;
	int64_t to_ms;
	int64_t after_start_ms;
	uint64_t after_id;
	violation_visit *visit;
	void *context;
	bool ended;
};

static enum status visit_time(void *context, struct span key, struct span value)
{
	struct violation_walk *walk = context;
	struct violation v;
	(void)value;
	if (key.size != FINDING_TIME_KEY_SIZE || key.data[0] != 0x02)
		return STATUS_CORRUPT;
	int64_t start_ms = time_unbias(load_be64(key.data + 1));
	uint64_t id = load_be64(key.data + 9);
	if (start_ms > walk->to_ms) {
		walk->ended = true;
		return STATUS_END;
	}
	if (walk->after_id && start_ms == walk->after_start_ms && id <= walk->after_id)
		return STATUS_OK;
	enum status status = violation_get(walk->f, id, &v);
	/* replaced since this snapshot was taken: its present row comes by its present start */
	if (status == STATUS_NOT_FOUND || (!status && v.finding.start_ms != start_ms))
		return STATUS_OK;
	return status ? status : walk->visit(walk->context, &v);
}

enum status violations_scan(struct findings *f, int64_t from_ms, int64_t to_ms, int64_t after_start_ms,
			    uint64_t after_id, violation_visit *visit, void *context)
{
	uint8_t start[FINDING_TIME_KEY_SIZE];
	struct violation_walk walk = {f, to_ms, after_start_ms, after_id, visit, context, false};
	finding_time_key(after_id && after_start_ms > from_ms ? after_start_ms : from_ms, 0, start);
	enum status status = store_scan_from(f->store, STORE_FINDING, span_of(start, sizeof start), visit_time, &walk);
	return walk.ended ? STATUS_OK : status;
}

struct history_walk {
	case_event_visit *visit;
	void *context;
};

static enum status visit_event(void *context, struct span key, struct span value)
{
	const struct history_walk *walk = context;
	struct case_event e;
	enum status status = event_row_decode(key, value, &e);
	return status ? status : walk->visit(walk->context, &e);
}

enum status violation_history(struct findings *f, uint64_t id, case_event_visit *visit, void *context)
{
	uint8_t prefix[9] = {0x02};
	struct history_walk walk = {visit, context};
	store_be64(prefix + 1, id);
	return store_scan(f->store, STORE_CASE, span_of(prefix, sizeof prefix), visit_event, &walk);
}

struct feed_walk {
	uint64_t after;
	feed_visit *visit;
	void *context;
};

static enum status visit_feed(void *context, struct span key, struct span value)
{
	const struct feed_walk *walk = context;
	if (key.size != FEED_KEY_SIZE || key.data[0] != 0x03)
		return STATUS_END;
	if (value.size != FEED_ROW_SIZE)
		return STATUS_CORRUPT;
	uint64_t feed = load_be64(key.data + 1);
	return feed <= walk->after ? STATUS_OK
				   : walk->visit(walk->context, feed, value.data[8], load_be64(value.data),
						 (int64_t)load_be64(value.data + 9));
}

enum status findings_feed(struct findings *f, uint64_t after, feed_visit *visit, void *context)
{
	uint8_t start[FEED_KEY_SIZE];
	struct feed_walk walk = {after, visit, context};
	feed_key(after, start);
	enum status status = store_scan_from(f->store, STORE_CASE, span_of(start, sizeof start), visit_feed, &walk);
	return status == STATUS_END ? STATUS_OK : status;
}

/* --- people --- */

static enum status check_step(const struct violation *v, const struct review *r)
{
	static const uint8_t from[CASE_STATE_COUNT] = {
		[CASE_PENDING] = 1 << CASE_CONFIRMED | 1 << CASE_REJECTED,
		[CASE_CONFIRMED] = 1 << CASE_PENDING,
		[CASE_REJECTED] = 1 << CASE_PENDING,
		[CASE_TRANSFERRED] = 1 << CASE_CONFIRMED,
	};
	if (r->state >= CASE_WITHDRAWN || !r->who || !*r->who || !r->why || !*r->why)
		return STATUS_INVALID;
	if (r->state == CASE_TRANSFERRED && (!r->document || !*r->document))
		return STATUS_INVALID;
	if (!(from[r->state] & 1 << v->state))
		return STATUS_CONFLICT;
	return v->finding.open && r->state == CASE_CONFIRMED ? STATUS_CONFLICT : STATUS_OK;
}

static enum status review(struct findings *f, struct change *c, uint64_t id, const struct review *r)
{
	struct case_row row;
	struct violation v;
	enum status status = load_violation(f, id, &row, &v);
	if (!status)
		status = check_step(&v, r);
	if (status)
		return status;
	row.state = r->state;
	if (r->state == CASE_CONFIRMED) {
		row.has_confirmed = true;
		row.confirmed = v.finding;
	}
	struct case_event e = {.kind = r->state == CASE_PENDING ? CASE_EVENT_REOPENED : CASE_EVENT_REVIEWED,
			       .who = span_of_string(r->who),
			       .text = span_of_string(r->why),
			       .document = span_of_string(r->document ? r->document : ""),
			       .has_finding = true,
			       .finding = v.finding};
	return add_event(c, id, &row, &e, &v.finding);
}

enum status violation_review(struct findings *f, uint64_t id, const struct review *r, int64_t now_ms)
{
	struct change c;
	pthread_mutex_lock(&f->lock);
	enum status status = change_init(&c, f, NULL, now_ms);
	if (!status)
		status = review(f, &c, id, r);
	if (!status)
		status = change_commit(&c, true);
	pthread_mutex_unlock(&f->lock);
	change_deinit(&c, NULL);
	return status;
}

static enum status handle(struct findings *f, struct change *c, uint64_t id, const char *who, const char *how,
			  const char *result)
{
	struct case_row row;
	struct violation v;
	char text[CASE_TEXT_MAX + 1];
	enum status status = load_violation(f, id, &row, &v);
	if (status)
		return status;
	int size = snprintf(text, sizeof text, "%s%s%s", how, *result ? ": " : "", result);
	if (size < 0 || (size_t)size >= sizeof text)
		return STATUS_TOO_LONG;
	row.handled = true;
	struct case_event e = {
		.kind = CASE_EVENT_HANDLED, .who = span_of_string(who), .text = span_of(text, (size_t)size)};
	return add_event(c, id, &row, &e, &v.finding);
}

enum status violation_handle(struct findings *f, uint64_t id, const char *who, const char *how, const char *result,
			     int64_t now_ms)
{
	struct change c;
	if (!who || !*who || !how || !*how || !result)
		return STATUS_INVALID;
	pthread_mutex_lock(&f->lock);
	enum status status = change_init(&c, f, NULL, now_ms);
	if (!status)
		status = handle(f, &c, id, who, how, result);
	if (!status)
		status = change_commit(&c, true);
	pthread_mutex_unlock(&f->lock);
	change_deinit(&c, NULL);
	return status;
}
