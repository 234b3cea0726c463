/* findings_join.c -- one vehicle, several sources: what a second source shows of what a first one showed is no second
 * case.
 *
 *   first source    finding ────> case 7      host: raised, reviewed, told
 *   second source   finding ────> case 9      guest of 7: not told; 7's history has it (joined, parted)
 *
 * Findings stay what they are, each a function of its own reports; who joined whom is part of the log, and depends,
 * like it, on what came first. A guest joins when it is raised. When the host's finding goes, its first guest's finding
 * takes its place in the case (amended); when a guest goes, or no longer overlaps the host, it parts: gone, or as a
 * case of its own. Two cases that were opened apart are never made one.
 *
 * Everything happens in the batch of one replacement: what it has changed so far is with it (findings_change.h), the
 * rest in the store. Taking back changes one subject's findings alone; hosts and guests of its cases are others'. */
#include <string.h>

#include "engine/core/clock.h"
#include "engine/fleet/findings_change.h"
#include "engine/store/keys.h"

/* sources of one vehicle that are looked at */
#define SOURCES_MAX 16
/* a finding that began longer ago is of another occasion */
#define JOIN_BACK_MS (10 * MS_PER_DAY)

/* One that is open goes on: its end is where it was told last. */
static int64_t end_of(const struct finding *f)
{
	return f->open ? INT64_MAX : f->end_ms;
}

static bool overlaps(const struct finding *a, const struct finding *b)
{
	return a->start_ms <= end_of(b) && b->start_ms <= end_of(a);
}

/* Of one device alone: what two sources can both show. */
static bool may_join(const struct finding *f)
{
	return f->device && f->subject == f->device && !f->other;
}

static void guest_key(uint64_t host, uint64_t guest, uint8_t out[GUEST_KEY_SIZE])
{
	out[0] = 0x04;
	store_be64(out + 1, host);
	store_be64(out + 9, guest);
}

static void put_guest(struct cases_change *c, uint64_t host, uint64_t guest, bool put)
{
	uint8_t key[GUEST_KEY_SIZE];
	guest_key(host, guest, key);
	if (put)
		store_batch_put(c->batch, STORE_CASE, span_of(key, sizeof key), (struct span){NULL, 0});
	else
		store_batch_delete(c->batch, STORE_CASE, span_of(key, sizeof key));
}

/* --- finding a host --- */

struct host_search {
	const struct finding *finding;
	struct finding_key key;
	uint64_t id; /* 0: none yet */
};

static enum status try_host(void *context, struct span key, struct span value)
{
	struct host_search *s = context;
	struct finding_key k;
	struct finding_row row;
	enum status status = finding_key_parse(key, &k);
	if (status || k.start_ms > end_of(s->finding))
		return status ? status : STATUS_END;
	if (k.rule != s->key.rule || k.mark != s->key.mark)
		return STATUS_OK;
	status = finding_row_decode(value, &row);
	if (status || !overlaps(&row.finding, s->finding))
		return status;
	s->id = row.id;
	return STATUS_END;
}

/* What `source` was found to show of it in this very change. */
static void search_change(const struct cases_change *c, uint64_t source, struct host_search *s)
{
	for (size_t i = 0; i < c->case_count && !s->id; i++) {
		const struct changed_case *other = &c->cases[i];
		if (!other->has_finding || other->gone || other->finding.subject != source)
			continue;
		struct finding_key k = finding_key_of(&other->finding);
		if (k.rule == s->key.rule && k.mark == s->key.mark && overlaps(&other->finding, s->finding))
			s->id = other->id;
	}
}

/* What `source` shows of it. */
static enum status search_source(struct cases_change *c, uint64_t source, struct host_search *s)
{
	uint8_t start[FINDING_KEY_SIZE];
	struct finding_key from = {.subject = source, .start_ms = s->finding->start_ms - JOIN_BACK_MS};
	finding_key_store(&from, start);
	enum status status = store_scan_within(c->f->store, STORE_FINDING, span_of(start, 9),
					       span_of(start, sizeof start), try_host, s);
	return status == STATUS_END ? STATUS_OK : status;
}

/* A guest's host is the host, if it overlaps too. What is the subject's own takes nobody in. */
static enum status settle_host(struct cases_change *c, const struct finding *f, uint64_t id, uint64_t *out_id)
{
	struct case_row row;
	struct finding host;
	enum status status = cases_load(c, id, &row);
	if (!status && row.joined) {
		id = row.joined;
		status = cases_load(c, id, &row);
	}
	if (!status)
		status = cases_finding(c, id, &row, &host);
	if (!status && row.key.subject != f->subject && overlaps(&host, f))
		*out_id = id;
	return status;
}

enum status join_find_host(struct cases_change *c, const struct finding *f, uint64_t *out_id)
{
	uint64_t sources[SOURCES_MAX];
	struct host_search s = {.finding = f, .key = finding_key_of(f)};
	enum status status = STATUS_OK;
	*out_id = 0;
	if (!c->f->sources || !may_join(f))
		return STATUS_OK;
	size_t count = c->f->sources(c->f->sources_context, f->device, f->start_ms, sources, SOURCES_MAX);
	for (size_t i = 0; i < count && !*out_id && !status; i++) {
		s.id = 0;
		search_change(c, sources[i], &s);
		if (!s.id)
			status = search_source(c, sources[i], &s);
		if (!status && s.id)
			status = settle_host(c, f, s.id, out_id);
	}
	return status;
}

/* --- joining and parting --- */

static enum status add_to_host(struct cases_change *c, uint64_t host, enum case_event_kind kind,
			       const struct finding *guest)
{
	struct case_row row;
	struct finding finding;
	struct case_event e = {.kind = (uint8_t)kind, .has_finding = true, .finding = *guest};
	enum status status = cases_load(c, host, &row);
	if (!status)
		status = cases_finding(c, host, &row, &finding);
	return status ? status : cases_add_event(c, host, &row, &e, &finding);
}

enum status join_as_guest(struct cases_change *c, uint64_t host, uint64_t id, struct case_row *row,
			  const struct finding *f)
{
	row->joined = host;
	put_guest(c, host, id, true);
	enum status status = cases_put_row(c, id, row);
	return status ? status : add_to_host(c, host, CASE_EVENT_JOINED, f);
}

enum status join_guest_gone(struct cases_change *c, uint64_t id, const struct case_row *row, const struct finding *f)
{
	put_guest(c, row->joined, id, false);
	cases_delete_row(c, id);
	return add_to_host(c, row->joined, CASE_EVENT_PARTED, f);
}

/* From now on a case of its own. */
static enum status part(struct cases_change *c, uint64_t id, struct case_row *row, const struct finding *f)
{
	enum status status = add_to_host(c, row->joined, CASE_EVENT_PARTED, f);
	put_guest(c, row->joined, id, false);
	row->joined = 0;
	return status ? status : cases_raise(c, id, row, f);
}

/* --- guests of a case --- */

struct guests {
	uint64_t ids[SOURCES_MAX];
	size_t count;
};

static enum status take_guest(void *context, struct span key, struct span value)
{
	struct guests *g = context;
	(void)value;
	if (key.size != GUEST_KEY_SIZE)
		return STATUS_CORRUPT;
	if (g->count == SOURCES_MAX)
		return STATUS_END;
	g->ids[g->count++] = load_be64(key.data + 9);
	return STATUS_OK;
}

static enum status guests_of(struct cases_change *c, uint64_t host, struct guests *out)
{
	uint8_t prefix[GUEST_KEY_SIZE];
	guest_key(host, 0, prefix);
	out->count = 0;
	enum status status = store_scan(c->f->store, STORE_CASE, span_of(prefix, 9), take_guest, out);
	return status == STATUS_END ? STATUS_OK : status;
}

/* With what this change did to it. */
static enum status load_guest(struct cases_change *c, uint64_t id, struct case_row *row, struct finding_row *out)
{
	uint8_t key[FINDING_KEY_SIZE];
	struct buf value = buf_init(FINDING_BYTES_MAX);
	enum status status = cases_load(c, id, row);
	finding_key_store(&row->key, key);
	if (!status)
		status = store_get(c->f->store, STORE_FINDING, span_of(key, sizeof key), &value);
	if (!status)
		status = finding_row_decode(buf_view(&value), out);
	buf_deinit(&value);
	return status ? status : cases_finding(c, id, row, &out->finding);
}

enum status join_guest_changed(struct cases_change *c, uint64_t id, struct case_row *row, const struct finding *f)
{
	struct case_row host;
	struct finding finding;
	enum status status = cases_load(c, row->joined, &host);
	if (!status)
		status = cases_finding(c, row->joined, &host, &finding);
	if (status)
		return status;
	return overlaps(&finding, f) ? cases_put_row(c, id, row) : part(c, id, row, f);
}

enum status join_host_changed(struct cases_change *c, uint64_t id, const struct finding *f)
{
	struct guests guests;
	enum status status = guests_of(c, id, &guests);
	for (size_t i = 0; i < guests.count && !status; i++) {
		struct case_row row;
		struct finding_row guest;
		status = load_guest(c, guests.ids[i], &row, &guest);
		if (!status && !overlaps(&guest.finding, f))
			status = part(c, guests.ids[i], &row, &guest.finding);
	}
	return status;
}

/* The guest's finding is the case's from now on, and its own case is gone. */
static enum status succeed(struct cases_change *c, uint64_t id, struct case_row *row, uint64_t guest_id,
			   struct finding_row *guest)
{
	struct case_event e = {.kind = CASE_EVENT_AMENDED, .has_finding = true, .finding = guest->finding};
	put_guest(c, id, guest_id, false);
	cases_delete_row(c, guest_id);
	guest->id = id;
	row->key = finding_key_of(&guest->finding);
	row->amended++;
	cases_reopen(row);
	enum status status = cases_put_finding(c, guest);
	cases_move_time(c, guest->finding.start_ms, guest_id, id);
	return status ? status : cases_add_event(c, id, row, &e, &guest->finding);
}

enum status join_host_gone(struct cases_change *c, uint64_t id, struct case_row *row, bool *out_succeeded)
{
	struct guests guests;
	struct case_row first_row, other_row;
	struct finding_row first, other;
	enum status status = guests_of(c, id, &guests);
	*out_succeeded = !status && guests.count > 0;
	if (status || !guests.count)
		return status;
	status = load_guest(c, guests.ids[0], &first_row, &first);
	if (!status)
		status = succeed(c, id, row, guests.ids[0], &first);
	for (size_t i = 1; i < guests.count && !status; i++) {
		status = load_guest(c, guests.ids[i], &other_row, &other);
		if (!status && !overlaps(&first.finding, &other.finding))
			status = part(c, guests.ids[i], &other_row, &other.finding);
	}
	return status;
}
