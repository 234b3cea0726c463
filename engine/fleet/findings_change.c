#include "engine/fleet/findings_change.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "engine/core/crash.h"
#include "engine/store/keys.h"

#define COUNTERS_KEY "findings"
#define COUNTERS_SIZE 16

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

void findings_on_sources(struct findings *f, findings_sources *sources, void *context)
{
	f->sources = sources;
	f->sources_context = context;
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

enum status cases_begin(struct cases_change *c, struct findings *f, struct store_batch *batch, int64_t now_ms)
{
	*c = (struct cases_change){.f = f,
				   .batch = batch,
				   .row = buf_init(4 * FINDING_BYTES_MAX),
				   .now_ms = now_ms,
				   .feed = atomic_load(&f->feed),
				   .next_id = f->next_id};
	return batch ? STATUS_OK : store_batch_new(f->store, &c->batch);
}

void cases_end(struct cases_change *c, const struct store_batch *callers)
{
	if (c->batch != callers)
		store_batch_free(c->batch);
	buf_deinit(&c->row);
	free(c->notices);
	free(c->cases);
}

enum status cases_commit(struct cases_change *c, bool sync)
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

enum status cases_put(struct cases_change *c, enum store_family family, const uint8_t *key, size_t size)
{
	store_batch_put(c->batch, family, span_of(key, size), buf_view(&c->row));
	return STATUS_OK;
}

void cases_violation(const struct case_row *row, uint64_t id, const struct finding *finding, struct violation *out)
{
	*out = (struct violation){.id = id,
				  .state = row->state,
				  .late = row->late,
				  .handled = row->handled,
				  .has_confirmed = row->has_confirmed,
				  .raised_ms = row->raised_ms,
				  .events = row->events,
				  .amended = row->amended,
				  .joined = row->joined};
	out->finding = *finding;
	if (row->has_confirmed)
		out->confirmed = row->confirmed;
}

static enum status notify(struct cases_change *c, uint64_t id, enum case_event_kind kind, const struct case_row *row,
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
	cases_violation(row, id, finding, &n->violation);
	return STATUS_OK;
}

/* --- case rows, as the batch leaves them --- */

static struct changed_case *changed(const struct cases_change *c, uint64_t id)
{
	for (size_t i = c->case_count; i-- > 0;)
		if (c->cases[i].id == id)
			return &c->cases[i];
	return NULL;
}

/* The entry of the case, made when there is none; NULL without memory. */
static struct changed_case *entry(struct cases_change *c, uint64_t id)
{
	struct changed_case *known = changed(c, id);
	if (known)
		return known;
	if (c->case_count == c->case_capacity) {
		size_t capacity = c->case_capacity ? c->case_capacity * 2 : 8;
		struct changed_case *list = realloc(c->cases, capacity * sizeof *list);
		if (!list)
			return NULL;
		c->cases = list;
		c->case_capacity = capacity;
	}
	known = &c->cases[c->case_count++];
	known->id = id;
	known->gone = known->has_row = known->has_finding = false;
	return known;
}

enum status cases_remember_finding(struct cases_change *c, uint64_t id, const struct finding *f)
{
	struct changed_case *known = entry(c, id);
	if (!known)
		return STATUS_NO_MEMORY;
	known->finding = *f;
	known->has_finding = true;
	return STATUS_OK;
}

static enum status remember_row(struct cases_change *c, uint64_t id, const struct case_row *row)
{
	struct changed_case *known = entry(c, id);
	if (!known)
		return STATUS_NO_MEMORY;
	known->row = *row;
	known->has_row = true;
	known->gone = false;
	return STATUS_OK;
}

enum status cases_put_row(struct cases_change *c, uint64_t id, const struct case_row *row)
{
	uint8_t key[CASE_KEY_SIZE];
	case_key(id, key);
	buf_clear(&c->row);
	enum status status = case_row_encode(row, &c->row);
	if (!status)
		status = cases_put(c, STORE_CASE, key, CASE_KEY_SIZE);
	return status ? status : remember_row(c, id, row);
}

void cases_delete_row(struct cases_change *c, uint64_t id)
{
	uint8_t key[CASE_KEY_SIZE];
	case_key(id, key);
	store_batch_delete(c->batch, STORE_CASE, span_of(key, sizeof key));
	struct changed_case *known = changed(c, id);
	if (known)
		known->gone = true;
}

/* Add an event to the history and the feed; the case row is written with it. */
enum status cases_add_event(struct cases_change *c, uint64_t id, struct case_row *row, struct case_event *e,
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
	store_batch_log(c->batch, STORE_CASE, span_of(key, EVENT_KEY_SIZE), buf_view(&c->row));
	if (!status)
		status = cases_put_row(c, id, row);
	if (status)
		return status;
	store_be64(value, id);
	value[8] = e->kind;
	store_be64(value + 9, (uint64_t)c->now_ms);
	feed_key(++c->feed, key);
	c->counters = true;
	store_batch_put(c->batch, STORE_CASE, span_of(key, FEED_KEY_SIZE), span_of(value, sizeof value));
	return status ? status : notify(c, id, (enum case_event_kind)e->kind, row, finding);
}

enum status cases_load_stored(struct findings *f, uint64_t id, struct case_row *out)
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

enum status cases_load(struct cases_change *c, uint64_t id, struct case_row *out)
{
	const struct changed_case *known = changed(c, id);
	if (known && known->gone)
		return STATUS_NOT_FOUND;
	if (!known || !known->has_row)
		return cases_load_stored(c->f, id, out);
	*out = known->row;
	return STATUS_OK;
}

enum status cases_raise(struct cases_change *c, uint64_t id, struct case_row *row, const struct finding *f)
{
	struct case_event raised = {.kind = CASE_EVENT_RAISED, .has_finding = true, .finding = *f};
	struct case_event closed = {.kind = CASE_EVENT_CLOSED, .has_finding = true, .finding = *f};
	enum status status = cases_add_event(c, id, row, &raised, f);
	return status || f->open ? status : cases_add_event(c, id, row, &closed, f);
}

void cases_reopen(struct case_row *row)
{
	if (row->state == CASE_CONFIRMED || row->state == CASE_TRANSFERRED)
		row->state = CASE_PENDING;
}

enum status cases_finding(struct cases_change *c, uint64_t id, const struct case_row *row, struct finding *out)
{
	const struct changed_case *known = changed(c, id);
	struct violation v;
	if (known && known->has_finding) {
		*out = known->finding;
		return STATUS_OK;
	}
	enum status status = cases_stored_finding(c->f, id, row, &v);
	*out = v.finding;
	return status;
}
