/* findings.c -- replacing: what stood before against what is told now. */
#include "engine/fleet/findings_change.h"

#include <stdlib.h>
#include <string.h>

#include "engine/store/keys.h"

/* a finding raised later than this after it should have been is no news: no live alarm */
#define NEWS_MS 120000

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
	struct cases_change change;
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

/* What is told under the key of one that stands is that finding, whenever that was decided: two episodes of one second
 * have one key, and the last word on it stands. */
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

enum status cases_put_finding(struct cases_change *c, const struct finding_row *row)
{
	uint8_t key[FINDING_KEY_SIZE], pair[FINDING_PAIR_KEY_SIZE];
	struct finding_key k = finding_key_of(&row->finding);
	finding_pair_key(row->finding.other, &k, pair);
	if (row->finding.other)
		store_batch_put(c->batch, STORE_FINDING, span_of(pair, sizeof pair), (struct span){NULL, 0});
	buf_clear(&c->row);
	enum status status = finding_row_encode(row, &c->row);
	finding_key_store(&k, key);
	if (!status)
		status = cases_put(c, STORE_FINDING, key, sizeof key);
	return status ? status : cases_remember_finding(c, row->id, &row->finding);
}

static void put_time(struct cases_change *c, int64_t start_ms, uint64_t id)
{
	uint8_t key[FINDING_TIME_KEY_SIZE];
	finding_time_key(start_ms, id, key);
	store_batch_put(c->batch, STORE_FINDING, span_of(key, sizeof key), (struct span){NULL, 0});
}

static void delete_time(struct cases_change *c, int64_t start_ms, uint64_t id)
{
	uint8_t key[FINDING_TIME_KEY_SIZE];
	finding_time_key(start_ms, id, key);
	store_batch_delete(c->batch, STORE_FINDING, span_of(key, sizeof key));
}

static void delete_finding(struct cases_change *c, const struct old_finding *old)
{
	uint8_t key[FINDING_KEY_SIZE], pair[FINDING_PAIR_KEY_SIZE];
	finding_key_store(&old->key, key);
	finding_pair_key(old->row.finding.other, &old->key, pair);
	store_batch_delete(c->batch, STORE_FINDING, span_of(key, sizeof key));
	if (old->row.finding.other)
		store_batch_delete(c->batch, STORE_FINDING, span_of(pair, sizeof pair));
}

void cases_move_time(struct cases_change *c, int64_t start_ms, uint64_t from_id, uint64_t to_id)
{
	delete_time(c, start_ms, from_id);
	put_time(c, start_ms, to_id);
}

static enum status raise(struct cases_change *c, const struct told_finding *t)
{
	struct finding_row row = {c->next_id++, t->decided, t->finding};
	struct case_row r = {.key = finding_key_of(&t->finding),
			     .late = c->now_ms - t->finding.found_ms > NEWS_MS,
			     .raised_ms = c->now_ms};
	uint64_t host;
	enum status status = cases_put_finding(c, &row);
	put_time(c, t->finding.start_ms, row.id);
	c->counters = true;
	if (!status)
		status = join_find_host(c, &t->finding, &host);
	if (status)
		return status;
	return host ? join_as_guest(c, host, row.id, &r, &t->finding) : cases_raise(c, row.id, &r, &t->finding);
}

/* Whether people must be told: an open finding that grows, or one that ends, is as expected. */
static enum case_event_kind kind_of_change(const struct old_finding *old, const struct told_finding *t)
{
	const struct finding *before = &old->row.finding, *now = &t->finding;
	if (before->start_ms != now->start_ms || !before->open)
		return CASE_EVENT_AMENDED;
	return now->open ? 0 : CASE_EVENT_CLOSED;
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

/* The case of a finding that is another now; `key` is its new one. */
static enum status amend(struct cases_change *c, const struct old_finding *old, const struct told_finding *t,
			 const struct finding_key *key)
{
	enum case_event_kind kind = kind_of_change(old, t);
	struct case_event e = {.kind = (uint8_t)kind, .has_finding = true, .finding = t->finding};
	bool moved = old->row.finding.start_ms != t->finding.start_ms || old->row.finding.end_ms != t->finding.end_ms;
	struct case_row r;
	enum status status = cases_load(c, old->row.id, &r);
	if (status)
		return status;
	r.key = *key;
	if (r.joined)
		return join_guest_changed(c, old->row.id, &r, &t->finding);
	if (kind == CASE_EVENT_AMENDED) {
		r.amended++;
		cases_reopen(&r);
	}
	if (kind)
		status = cases_add_event(c, old->row.id, &r, &e, &t->finding);
	return status || !moved ? status : join_host_changed(c, old->row.id, &t->finding);
}

static enum status replace_one(struct cases_change *c, const struct old_finding *old, const struct told_finding *t)
{
	struct finding_row row = {old->row.id, t->decided, t->finding};
	struct finding_key key = finding_key_of(&t->finding);
	bool same = same_bytes(&old->row.finding, &t->finding);
	if (same && decided_compare(old->row.decided, t->decided) == 0)
		return STATUS_OK;
	if (!finding_key_equal(&key, &old->key)) {
		delete_finding(c, old);
		delete_time(c, old->key.start_ms, row.id);
		put_time(c, t->finding.start_ms, row.id);
	}
	enum status status = cases_put_finding(c, &row);
	return status || same ? status : amend(c, old, t, &key);
}

static enum status withdraw(struct cases_change *c, const struct old_finding *old)
{
	struct case_row r;
	struct case_event e = {.kind = CASE_EVENT_WITHDRAWN, .has_finding = true, .finding = old->row.finding};
	bool succeeded = false;
	delete_finding(c, old);
	enum status status = cases_load(c, old->row.id, &r);
	if (!status && r.joined) {
		delete_time(c, old->key.start_ms, old->row.id);
		return join_guest_gone(c, old->row.id, &r, &old->row.finding);
	}
	if (!status)
		status = join_host_gone(c, old->row.id, &r, &succeeded);
	if (succeeded && !status && r.key.start_ms != old->key.start_ms)
		delete_time(c, old->key.start_ms, old->row.id);
	if (status || succeeded)
		return status;
	r.state = CASE_WITHDRAWN;
	r.has_last = true;
	r.last = old->row.finding;
	return cases_add_event(c, old->row.id, &r, &e, &old->row.finding);
}

static enum status replace_findings(struct replacing *w)
{
	struct cases_change *c = &w->change;
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
	if (f->kind == FACT_VISIT || fact_is_of_pair(f))
		return f->place;
	return f->driver ? f->driver : f->device;
}

struct fact_walk {
	struct replacing *w;
	findings_subject *touched;
	void *context;
	int64_t raw_from_ms; /* the reports from then on were judged again */
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
		    r->facts[i].fact.device == f->device && r->facts[i].fact.place == f->place)
			return &r->facts[i];
	return NULL;
}

/* A visit matters to the place and to the visitor. */
static void tell_touched(const struct fact_walk *walk, const struct fact *f, uint64_t subject)
{
	if (walk->touched)
		walk->touched(walk->context, subject, walk->raw_from_ms);
	if (walk->touched && f->kind == FACT_VISIT)
		walk->touched(walk->context, f->device, walk->raw_from_ms);
}

static void delete_fact(struct fact_walk *walk, struct span key, const struct fact *f, uint64_t subject)
{
	uint8_t other[FACT_SUBJECT_KEY_SIZE];
	fact_subject_key(f, subject, other);
	store_batch_delete(walk->w->change.batch, STORE_FACT, key);
	store_batch_delete(walk->w->change.batch, STORE_FACT, span_of(other, sizeof other));
	tell_touched(walk, f, subject);
}

/* A fact that stood before: gone, or another subject's now. */
static enum status drop_old_fact(void *context, struct span key, struct span value)
{
	struct fact_walk *walk = context;
	const struct replacement *r = walk->w->r;
	struct fact f;
	if ((key.size != FACT_KEY_SIZE && key.size != FACT_KEY_SIZE_0) || value.size < FACT_ROW_HEAD)
		return STATUS_CORRUPT;
	uint64_t subject = load_be64(value.data);
	struct decided decided = {(int64_t)load_be64(value.data + 8), load_be64(value.data + 16)};
	enum status status = fact_decode(span_of(value.data + FACT_ROW_HEAD, value.size - FACT_ROW_HEAD), &f);
	if (status)
		return status;
	if (r->scope == REPLACE_AFTER && !f.open && decided_compare(decided, r->after) <= 0)
		return STATUS_OK;
	const struct told_fact *now = told_last(r, &f);
	if ((!now && f.from_ms >= r->keep_before_ms) || (now && fact_subject(&now->fact) != subject) ||
	    (now && key.size == FACT_KEY_SIZE_0))
		delete_fact(walk, key, &f, subject);
	return STATUS_OK;
}

static enum status put_fact(struct fact_walk *walk, const struct told_fact *t)
{
	struct cases_change *c = &walk->w->change;
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
	if (!same || walk->raw_from_ms != INT64_MAX)
		tell_touched(walk, &t->fact, subject);
	return STATUS_OK;
}

static enum status replace_facts(struct replacing *w, findings_subject *touched, void *context)
{
	struct fact_walk walk = {w, touched, context, INT64_MAX};
	uint8_t prefix[9] = {0x01};
	enum status status = STATUS_OK;
	if (w->r->stage != 1)
		return STATUS_OK;
	store_be64(prefix + 1, w->r->subject);
	if (w->r->scope != REPLACE_TOLD)
		walk.raw_from_ms = w->r->scope == REPLACE_ALL ? INT64_MIN : w->r->after.time_ms;
	if (w->r->scope != REPLACE_TOLD && touched) /* of a pair it is one */
		touched(context, w->r->subject, walk.raw_from_ms);
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
	enum status status = cases_begin(&w.change, f, r->batch, r->now_ms);
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
		status = cases_commit(&w.change, false);
	pthread_mutex_unlock(&f->lock);
	if (status && r->batch)
		store_batch_clear(r->batch);
	cases_end(&w.change, r->batch);
	free(w.old);
	free(w.told);
	return status;
}
