/* findings_cases.c -- reading, and what people do with a case: review, handling. */
#include "engine/fleet/findings_change.h"

#include <stdio.h>
#include <string.h>

#include "engine/store/keys.h"

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

struct partners_walk {
	partner_visit *visit;
	void *context;
};

static enum status visit_partner(void *context, struct span key, struct span value)
{
	const struct partners_walk *walk = context;
	(void)value;
	return key.size == FINDING_PAIR_KEY_SIZE ? walk->visit(walk->context, load_be64(key.data + 9)) : STATUS_CORRUPT;
}

enum status findings_partners(struct findings *f, uint64_t other, partner_visit *visit, void *context)
{
	uint8_t prefix[9] = {0x03};
	struct partners_walk walk = {visit, context};
	store_be64(prefix + 1, other);
	return store_scan(f->store, STORE_FINDING, span_of(prefix, sizeof prefix), visit_partner, &walk);
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

static enum status visit_told_fact(void *context, struct span key, struct span value)
{
	if (value.size < FACT_ROW_HEAD)
		return STATUS_CORRUPT;
	return visit_fact(context, key, span_of(value.data + FACT_ROW_HEAD, value.size - FACT_ROW_HEAD));
}

enum status facts_since(struct findings *f, uint64_t device, int64_t from_ms, facts_visit *visit, void *context)
{
	uint8_t start[FACT_KEY_SIZE];
	struct fact first = {.device = device, .from_ms = from_ms};
	struct facts_walk walk = {visit, context};
	fact_key(&first, start);
	return store_scan_within(f->store, STORE_FACT, span_of(start, 9), span_of(start, sizeof start), visit_told_fact,
				 &walk);
}

enum status cases_stored_finding(struct findings *f, uint64_t id, const struct case_row *row, struct violation *out)
{
	uint8_t key[FINDING_KEY_SIZE];
	struct finding_row finding;
	struct buf value = buf_init(FINDING_BYTES_MAX);
	if (row->has_last) {
		cases_violation(row, id, &row->last, out);
		return STATUS_OK;
	}
	finding_key_store(&row->key, key);
	enum status status = store_get(f->store, STORE_FINDING, span_of(key, sizeof key), &value);
	if (!status)
		status = finding_row_decode(buf_view(&value), &finding);
	if (!status)
		cases_violation(row, id, &finding.finding, out);
	buf_deinit(&value);
	return status;
}

static enum status load_violation(struct findings *f, uint64_t id, struct case_row *row, struct violation *out)
{
	enum status status = cases_load_stored(f, id, row);
	return status ? status : cases_stored_finding(f, id, row, out);
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
	bool guests; /* visited too */
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
	if (!status && v.joined && !walk->guests)
		return STATUS_OK;
	return status ? status : walk->visit(walk->context, &v);
}

static enum status scan_by_time(struct violation_walk *walk, int64_t from_ms)
{
	uint8_t start[FINDING_TIME_KEY_SIZE];
	finding_time_key(walk->after_id && walk->after_start_ms > from_ms ? walk->after_start_ms : from_ms, 0, start);
	enum status status = store_scan_within(walk->f->store, STORE_FINDING, span_of(start, 1),
					       span_of(start, sizeof start), visit_time, walk);
	return walk->ended ? STATUS_OK : status;
}

enum status violations_scan(struct findings *f, int64_t from_ms, int64_t to_ms, int64_t after_start_ms,
			    uint64_t after_id, violation_visit *visit, void *context)
{
	struct violation_walk walk = {f, to_ms, after_start_ms, after_id, visit, context, false, false};
	return scan_by_time(&walk, from_ms);
}

enum status violations_scan_all(struct findings *f, int64_t from_ms, int64_t to_ms, violation_visit *visit,
				void *context)
{
	struct violation_walk walk = {f, to_ms, 0, 0, visit, context, true, false};
	return scan_by_time(&walk, from_ms);
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
	if (v->joined || !(from[r->state] & 1 << v->state))
		return STATUS_CONFLICT;
	return v->finding.open && r->state == CASE_CONFIRMED ? STATUS_CONFLICT : STATUS_OK;
}

static enum status review(struct findings *f, struct cases_change *c, uint64_t id, const struct review *r)
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
	return cases_add_event(c, id, &row, &e, &v.finding);
}

enum status violation_review(struct findings *f, uint64_t id, const struct review *r, int64_t now_ms)
{
	struct cases_change c;
	pthread_mutex_lock(&f->lock);
	enum status status = cases_begin(&c, f, NULL, now_ms);
	if (!status)
		status = review(f, &c, id, r);
	if (!status)
		status = cases_commit(&c, true);
	pthread_mutex_unlock(&f->lock);
	cases_end(&c, NULL);
	return status;
}

static enum status handle(struct findings *f, struct cases_change *c, uint64_t id, const char *who, const char *how,
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
	return cases_add_event(c, id, &row, &e, &v.finding);
}

enum status violation_handle(struct findings *f, uint64_t id, const char *who, const char *how, const char *result,
			     int64_t now_ms)
{
	struct cases_change c;
	if (!who || !*who || !how || !*how || !result)
		return STATUS_INVALID;
	pthread_mutex_lock(&f->lock);
	enum status status = cases_begin(&c, f, NULL, now_ms);
	if (!status)
		status = handle(f, &c, id, who, how, result);
	if (!status)
		status = cases_commit(&c, true);
	pthread_mutex_unlock(&f->lock);
	cases_end(&c, NULL);
	return status;
}
