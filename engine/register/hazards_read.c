/* hazards_read.c -- one hazard, its history, the register's log; who answers; and checking all of it. */
#include <string.h>

#include "engine/register/hazards_row.h"
#include "engine/register/hazards_state.h"

static enum status get(struct store *s, struct hazards_key key, struct buf *out)
{
	return store_get(s, STORE_HAZARD, hazards_key_view(&key), out);
}

static enum status standing(struct store *s, uint64_t id, struct hazard *out)
{
	struct buf row = buf_init(HAZARD_EVENT_MAX);
	enum status status = get(s, hazards_key_number(HAZARDS_STANDING, id), &row);
	if (!status)
		status = hazard_decode(id, buf_view(&row), out);
	buf_deinit(&row);
	return status;
}

enum status hazards_get(struct hazards *r, uint64_t id, struct hazard *out)
{
	return standing(r->store, id, out);
}

enum status hazards_attachment(struct hazards *r, const uint8_t digest[HAZARD_DIGEST_SIZE], struct buf *out)
{
	return get(r->store, hazards_key_attachment(digest), out);
}

/* --- history --- */

struct history {
	hazards_event_visit *visit;
	void *context;
};

static enum status visit_event(void *context, struct span key, struct span value)
{
	struct history *h = context;
	struct hazard_change changes[HAZARD_FIELD_COUNT];
	struct hazard_event e;
	uint8_t digest[HAZARD_DIGEST_SIZE];
	if (key.size != 13)
		return STATUS_CORRUPT;
	enum status status = hazard_event_decode(value, changes, &e);
	if (!status)
		status = hazard_event_digest(value, digest);
	e.number = load_be32(key.data + 9);
	return status ? status : h->visit(h->context, load_be64(key.data + 1), &e, digest);
}

static enum status walk_history(struct store *s, uint64_t id, uint32_t after, hazards_event_visit *visit, void *context)
{
	struct history h = {visit, context};
	struct hazards_key prefix = hazards_key_number(HAZARDS_EVENT, id), start = hazards_key_event(id, after + 1);
	return store_scan_within(s, STORE_HAZARD, hazards_key_view(&prefix), hazards_key_view(&start), visit_event, &h);
}

enum status hazards_history(struct hazards *r, uint64_t id, uint32_t after, hazards_event_visit *visit, void *context)
{
	return walk_history(r->store, id, after, visit, context);
}

struct log_walk {
	struct history history;
	struct store *store;
	struct buf event;
	uint64_t sequence;
};

static enum status visit_log(void *context, struct span key, struct span value)
{
	struct log_walk *w = context;
	if (key.size != 9 || value.size != HAZARDS_LOG_VALUE_SIZE)
		return STATUS_CORRUPT;
	struct hazards_key at = hazards_key_event(load_be64(value.data), load_be32(value.data + 8));
	buf_clear(&w->event);
	enum status status = get(w->store, at, &w->event);
	if (!status)
		status = visit_event(&w->history, hazards_key_view(&at), buf_view(&w->event));
	if (!status)
		w->sequence = load_be64(key.data + 1);
	return status;
}

enum status hazards_log(struct hazards *r, uint64_t after, hazards_event_visit *visit, void *context,
			uint64_t *out_sequence)
{
	uint8_t prefix = HAZARDS_LOG;
	struct hazards_key start = hazards_key_number(HAZARDS_LOG, after + 1);
	struct log_walk w = {{visit, context}, r->store, buf_init(HAZARD_EVENT_MAX), after};
	enum status status =
		store_scan_within(r->store, STORE_HAZARD, span_of(&prefix, 1), hazards_key_view(&start), visit_log, &w);
	buf_deinit(&w.event);
	*out_sequence = w.sequence;
	return status;
}

/* --- by what it came from --- */

enum status hazards_by_reference(struct hazards *r, struct span reference, uint64_t *out)
{
	struct buf id = buf_init(8);
	enum status status = get(r->store, hazards_key_reference(reference), &id);
	if (!status && id.size == 8)
		*out = load_be64(id.data);
	else if (!status)
		status = STATUS_CORRUPT;
	buf_deinit(&id);
	return status;
}

struct cause_search {
	struct store *store;
	struct span cause;
	uint64_t open, closed;
	int64_t closed_ms;
};

static enum status visit_cause(void *context, struct span key, struct span value)
{
	struct cause_search *c = context;
	struct hazard h;
	(void)value;
	if (key.size != 17)
		return STATUS_CORRUPT;
	enum status status = standing(c->store, load_be64(key.data + 9), &h);
	if (status)
		return status;
	bool same = span_equal(hazard_value(&h, HAZARD_FIELD_CAUSE), c->cause);
	if (same && h.state < HAZARD_CLOSED)
		c->open = h.id;
	if (same && h.state == HAZARD_CLOSED && h.closed_ms >= c->closed_ms) {
		c->closed = h.id;
		c->closed_ms = h.closed_ms;
	}
	hazard_deinit(&h);
	return STATUS_OK;
}

enum status hazards_by_cause(struct hazards *r, struct span cause, uint64_t *out)
{
	struct cause_search c = {.store = r->store, .cause = cause, .closed_ms = INT64_MIN};
	struct hazards_key prefix = hazards_key_number(HAZARDS_CAUSE, hash64(cause));
	enum status status = store_scan(r->store, STORE_HAZARD, hazards_key_view(&prefix), visit_cause, &c);
	if (status)
		return status;
	*out = c.open ? c.open : c.closed;
	return *out ? STATUS_OK : STATUS_NOT_FOUND;
}

/* --- who answers --- */

struct past {
	struct hazard h;
	int64_t at_ms;
};

static enum status fold_until(void *context, uint64_t id, const struct hazard_event *e,
			      const uint8_t digest[HAZARD_DIGEST_SIZE])
{
	struct past *p = context;
	(void)id;
	return e->at_ms > p->at_ms ? STATUS_END : hazard_fold(&p->h, e, digest);
}

static void keep_party(struct hazard_liability *out, struct span party)
{
	if (party.size)
		memcpy(out->party, party.data, party.size);
	out->party[party.size] = '\0';
}

static void judge_liability(const struct hazard *h, int64_t at_ms, struct hazard_liability *out)
{
	struct span company = hazard_value(h, HAZARD_FIELD_COMPANY);
	out->deadline_day = h->deadline_day;
	if (h->state < HAZARD_ASSIGNED || h->state > HAZARD_APPLIED)
		return;
	if (hazard_day(at_ms) <= h->deadline_day) {
		out->liable = HAZARD_LIABLE_ENTERPRISE;
		keep_party(out, company.size ? company : hazard_value(h, HAZARD_FIELD_UNIT));
	} else {
		out->liable = HAZARD_LIABLE_SUPERVISOR;
		keep_party(out, hazard_value(h, HAZARD_FIELD_SUPERVISOR));
	}
}

enum status hazards_liability(struct hazards *r, uint64_t id, int64_t at_ms, struct hazard_liability *out)
{
	struct past p = {.at_ms = at_ms};
	struct hazard now;
	memset(out, 0, sizeof *out);
	out->deadline_day = HAZARD_DAY_NONE;
	enum status status = hazards_get(r, id, &now);
	if (status)
		return status;
	hazard_deinit(&now);
	hazard_init(&p.h, id);
	status = walk_history(r->store, id, 0, fold_until, &p);
	if (status == STATUS_END)
		status = STATUS_OK;
	if (!status)
		judge_liability(&p.h, at_ms, out);
	hazard_deinit(&p.h);
	return status;
}

/* --- checking --- */

struct checking {
	struct store *store;
	struct buf *out;
	uint64_t hazards, events, logged;
	bool bad;
};

static enum status complain(struct checking *c, uint64_t id, const char *what)
{
	c->bad = true;
	return buf_printf(c->out, "register: hazard %llu: %s\n", (unsigned long long)id, what);
}

static enum status fold_all(void *context, uint64_t id, const struct hazard_event *e,
			    const uint8_t digest[HAZARD_DIGEST_SIZE])
{
	(void)id;
	return hazard_fold(context, e, digest);
}

static enum status check_cause(struct checking *c, const struct hazard *h)
{
	struct buf value = buf_init(8);
	struct span cause = hazard_value(h, HAZARD_FIELD_CAUSE);
	enum status status = STATUS_OK;
	if (cause.size && get(c->store, hazards_key_cause(cause, h->id), &value))
		status = complain(c, h->id, "is not found by its cause");
	buf_deinit(&value);
	return status;
}

static enum status check_one(struct checking *c, uint64_t id, struct span row)
{
	struct hazard h;
	struct buf folded = buf_init(HAZARD_EVENT_MAX);
	hazard_init(&h, id);
	enum status status = walk_history(c->store, id, 0, fold_all, &h);
	if (!status)
		status = hazard_encode(&h, &folded);
	if (status == STATUS_CORRUPT || status == STATUS_BAD_VERSION)
		status = complain(c, id, "its history does not hold together");
	else if (!status && !span_equal(buf_view(&folded), row))
		status = complain(c, id, "what stands is not what its history says");
	if (!status)
		status = check_cause(c, &h);
	c->events += h.events;
	buf_deinit(&folded);
	hazard_deinit(&h);
	return status;
}

static enum status check_row(void *context, struct span key, struct span value)
{
	struct checking *c = context;
	uint64_t id = key.size == 9 ? load_be64(key.data + 1) : 0;
	c->hazards++;
	if (id != c->hazards)
		return complain(c, id, "has no right number");
	return check_one(c, id, value);
}

static enum status check_log(void *context, struct span key, struct span value)
{
	struct checking *c = context;
	(void)key;
	c->logged++;
	return value.size == HAZARDS_LOG_VALUE_SIZE ? STATUS_OK : complain(c, 0, "a row of the log is damaged");
}

static enum status check_reference(void *context, struct span key, struct span value)
{
	struct checking *c = context;
	uint64_t id = key.size == 9 && value.size == 8 ? load_be64(value.data) : 0;
	return id && id <= c->hazards ? STATUS_OK : complain(c, id, "is referred to and is none");
}

static enum status check_attachment(void *context, struct span key, struct span value)
{
	struct checking *c = context;
	uint8_t digest[HAZARD_DIGEST_SIZE];
	enum status status = hazard_event_digest(value, digest);
	if (!status && (key.size != 1 + sizeof digest || memcmp(key.data + 1, digest, sizeof digest) != 0))
		status = complain(c, 0, "an attachment is not what its digest says");
	return status;
}

enum status hazards_check(struct store *s, struct buf *out)
{
	struct checking c = {.store = s, .out = out};
	static const struct {
		uint8_t tag;
		store_visit *visit;
	} walks[] = {{HAZARDS_STANDING, check_row},
		     {HAZARDS_LOG, check_log},
		     {HAZARDS_ATTACHMENT, check_attachment},
		     {HAZARDS_REFERENCE, check_reference}};
	enum status status = STATUS_OK;
	for (size_t i = 0; i < sizeof walks / sizeof *walks && !status; i++)
		status = store_scan(s, STORE_HAZARD, span_of(&walks[i].tag, 1), walks[i].visit, &c);
	if (!status && c.logged != c.events)
		status = complain(&c, 0, "the log does not hold every event");
	return status ? status : c.bad ? STATUS_CORRUPT : STATUS_OK;
}
