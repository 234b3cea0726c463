/* hazards.c -- opening, and one step: asked of the law, made an event, committed with what stands after it. */
#include "engine/register/hazards.h"

#include <stdlib.h>
#include <string.h>

#include "engine/core/crash.h"
#include "engine/core/log.h"
#include "engine/register/hazards_row.h"
#include "engine/register/hazards_state.h"

/* --- opening --- */

static enum status load_row(void *context, struct span key, struct span value)
{
	struct hazards *r = context;
	struct hazard h;
	if (key.size != 9)
		return STATUS_CORRUPT;
	enum status status = hazard_decode(load_be64(key.data + 1), value, &h);
	if (status)
		return status;
	status = h.id == r->table.count + 1 ? hazards_table_put(&r->table, &h) : STATUS_CORRUPT;
	hazard_deinit(&h);
	return status;
}

static enum status load_sequence(struct hazards *r)
{
	struct hazards_key key = hazards_key_number(HAZARDS_SEQUENCE, 0);
	struct buf value = buf_init(8);
	enum status status = store_get(r->store, STORE_HAZARD, hazards_key_view(&key), &value);
	if (!status && value.size == 8)
		r->sequence = load_be64(value.data);
	else if (!status)
		status = STATUS_CORRUPT;
	buf_deinit(&value);
	return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

enum status hazards_open(struct store *s, const struct hazard_policy *policy, struct hazards **out)
{
	uint8_t prefix = HAZARDS_STANDING;
	struct hazards *r = calloc(1, sizeof *r);
	if (!r)
		return STATUS_NO_MEMORY;
	r->store = s;
	r->policy = *policy;
	pthread_mutex_init(&r->steps, NULL);
	pthread_rwlock_init(&r->lock, NULL);
	enum status status = store_scan(s, STORE_HAZARD, span_of(&prefix, 1), load_row, r);
	if (status)
		log_error("register", "hazard %llu cannot be read: %s", (unsigned long long)r->table.count + 1,
			  status_text(status));
	else
		status = load_sequence(r);
	if (status)
		hazards_close(r);
	else
		*out = r;
	return status;
}

void hazards_close(struct hazards *r)
{
	if (!r)
		return;
	hazards_table_deinit(&r->table);
	pthread_rwlock_destroy(&r->lock);
	pthread_mutex_destroy(&r->steps);
	free(r);
}

size_t hazards_count(const struct hazards *r)
{
	struct hazards *locked = (struct hazards *)r;
	pthread_rwlock_rdlock(&locked->lock);
	size_t count = r->table.count;
	pthread_rwlock_unlock(&locked->lock);
	return count;
}

uint64_t hazards_sequence(struct hazards *r)
{
	pthread_rwlock_rdlock(&r->lock);
	uint64_t sequence = r->sequence;
	pthread_rwlock_unlock(&r->lock);
	return sequence;
}

/* --- one step --- */

struct step {
	struct hazards *r;
	const struct hazard_order *order;
	struct hazard_outcome *outcome;
	struct hazard h;
	bool is_new;
	struct hazard_event event;
	struct hazard_change changes[HAZARD_FIELD_COUNT];
	char (*texts)[HAZARD_VALUE_MAX + 1]; /* of the changes */
	uint8_t file[HAZARD_DIGEST_SIZE];
	uint8_t digest[HAZARD_DIGEST_SIZE];
	struct buf bytes, row;
};

static enum status normalise(struct step *s)
{
	const struct hazard_order *o = s->order;
	if (o->change_count >= HAZARD_FIELD_COUNT)
		return STATUS_TOO_LONG;
	s->texts = calloc(o->change_count + 1, sizeof *s->texts);
	if (!s->texts)
		return STATUS_NO_MEMORY;
	for (size_t i = 0; i < o->change_count; i++) {
		s->outcome->field = o->changes[i].field;
		enum status status = hazard_value_normalise(o->changes[i].field, o->changes[i].value, s->texts[i]);
		if (status)
			return status;
		for (size_t k = 0; k < i; k++)
			if (s->changes[k].field == o->changes[i].field)
				return STATUS_INVALID;
		s->changes[i] = (struct hazard_change){o->changes[i].field, span_of_string(s->texts[i])};
	}
	s->outcome->field = 0;
	return STATUS_OK;
}

static enum status load_standing(struct step *s)
{
	if (s->is_new) {
		hazard_init(&s->h, s->r->table.count + 1);
		return STATUS_OK;
	}
	enum status status = hazards_get(s->r, s->order->id, &s->h);
	if (status)
		return status;
	s->outcome->id = s->h.id;
	s->outcome->version = s->h.events;
	return s->order->version && s->order->version != s->h.events ? STATUS_CONFLICT : STATUS_OK;
}

static bool too_long(const struct hazard_order *o)
{
	return o->note.size > HAZARD_NOTE_MAX || o->document.size > HAZARD_DOCUMENT_MAX || o->link.size > UINT8_MAX ||
	       o->attachment.size > REGISTER_ATTACHMENT_MAX || memchr(o->actor.name, 0, sizeof o->actor.name) == NULL ||
	       memchr(o->actor.unit, 0, sizeof o->actor.unit) == NULL;
}

static enum status make_event(struct step *s)
{
	const struct hazard_order *o = s->order;
	if (too_long(o))
		return STATUS_TOO_LONG;
	enum status status = o->attachment.size ? hazard_event_digest(o->attachment, s->file) : STATUS_OK;
	s->event = (struct hazard_event){
		.number = s->h.events + 1,
		.step = o->step,
		.role = o->actor.role,
		.at_ms = o->at_ms > s->h.changed_ms ? o->at_ms : s->h.changed_ms,
		.who = span_of_string(o->actor.name),
		.unit = span_of_string(o->actor.unit),
		.note = o->note,
		.document = o->document,
		.link = o->link,
		.digest = o->attachment.size ? s->file : NULL,
		.changes = s->changes,
		.change_count = o->change_count,
	};
	memcpy(s->event.before, s->h.chain, sizeof s->event.before);
	return status;
}

/* The signed file is one of the attachments. */
static enum status ask_signature(struct step *s)
{
	struct buf digest = buf_init(HAZARD_DIGEST_SIZE), file = buf_init(REGISTER_ATTACHMENT_MAX);
	enum status status = STATUS_OK;
	for (size_t i = 0; i < s->event.change_count && !status; i++) {
		if (s->changes[i].field != HAZARD_FIELD_SIGNATURE || !s->changes[i].value.size)
			continue;
		status = hex_decode(&digest, s->changes[i].value);
		if (!status)
			status = hazards_attachment(s->r, digest.data, &file);
		if (status == STATUS_NOT_FOUND) {
			s->outcome->refusal =
				(struct hazard_refusal){HAZARD_REFUSAL_UNKNOWN_SIGNATURE, HAZARD_FIELD_SIGNATURE};
			status = STATUS_DENIED;
		}
	}
	buf_deinit(&digest);
	buf_deinit(&file);
	return status;
}

static struct span reference_of(const struct step *s)
{
	if (s->order->step == HAZARD_STEP_FIND)
		return hazard_value(&s->h, HAZARD_FIELD_REFERENCE);
	return s->order->step == HAZARD_STEP_JOIN || s->order->step == HAZARD_STEP_RELAPSE ||
			       s->order->step == HAZARD_STEP_DETACH
		       ? s->order->link
		       : span_of(NULL, 0);
}

static enum status ask_law(struct step *s)
{
	s->outcome->refusal = hazard_allows(s->is_new ? NULL : &s->h, &s->event, &s->order->actor, &s->r->policy);
	return s->outcome->refusal.reason ? STATUS_DENIED : ask_signature(s);
}

/* A finding or alarm goes into the register once, and is taken back from where it went. */
static enum status ask_reference(struct step *s)
{
	struct span reference = reference_of(s);
	uint64_t where;
	if (!reference.size)
		return STATUS_OK;
	if (s->order->step == HAZARD_STEP_DETACH) {
		enum status status = hazards_by_reference(s->r, reference, &where);
		return !status && where != s->h.id ? STATUS_NOT_FOUND : status;
	}
	enum status status = hazards_by_reference(s->r, reference, &s->outcome->id);
	if (status == STATUS_NOT_FOUND)
		return STATUS_OK;
	return status ? status : STATUS_EXISTS;
}

static enum status fold(struct step *s)
{
	enum status status = hazard_event_encode(&s->event, &s->bytes);
	if (!status)
		status = hazard_event_digest(buf_view(&s->bytes), s->digest);
	if (!status)
		status = hazard_fold(&s->h, &s->event, s->digest);
	return status ? status : hazard_encode(&s->h, &s->row);
}

static void put(struct store_batch *b, struct hazards_key key, struct span value)
{
	store_batch_put(b, STORE_HAZARD, hazards_key_view(&key), value);
}

static void put_all(struct step *s, struct store_batch *b)
{
	uint8_t id[8], place[HAZARDS_LOG_VALUE_SIZE], sequence[8];
	struct span reference = reference_of(s), cause = hazard_value(&s->h, HAZARD_FIELD_CAUSE);
	store_be64(id, s->h.id);
	store_be64(place, s->h.id);
	store_be32(place + 8, s->event.number);
	store_be64(sequence, s->r->sequence + 1);
	put(b, hazards_key_number(HAZARDS_STANDING, s->h.id), buf_view(&s->row));
	put(b, hazards_key_event(s->h.id, s->event.number), buf_view(&s->bytes));
	put(b, hazards_key_number(HAZARDS_LOG, s->r->sequence + 1), span_of(place, sizeof place));
	put(b, hazards_key_number(HAZARDS_SEQUENCE, 0), span_of(sequence, sizeof sequence));
	if (s->is_new && cause.size)
		put(b, hazards_key_cause(cause, s->h.id), span_of(NULL, 0));
	struct hazards_key at = hazards_key_reference(reference);
	if (s->order->step == HAZARD_STEP_DETACH)
		store_batch_delete(b, STORE_HAZARD, hazards_key_view(&at));
	else if (reference.size)
		put(b, at, span_of(id, sizeof id));
	if (s->event.digest)
		put(b, hazards_key_attachment(s->file), s->order->attachment);
}

/* The row is there before the commit, so that nothing can fail behind it. */
static enum status commit(struct step *s)
{
	struct store_batch *b;
	enum status status = store_batch_new(s->r->store, &b);
	if (status)
		return status;
	pthread_rwlock_wrlock(&s->r->lock);
	status = hazards_table_reserve(&s->r->table, &s->h);
	pthread_rwlock_unlock(&s->r->lock);
	put_all(s, b);
	crash_point("step_before");
	if (!status)
		status = store_commit(s->r->store, b, true);
	crash_point("step_committed");
	store_batch_free(b);
	if (status)
		return status;
	pthread_rwlock_wrlock(&s->r->lock);
	status = hazards_table_put(&s->r->table, &s->h);
	s->r->sequence++;
	pthread_rwlock_unlock(&s->r->lock);
	return status;
}

static enum status take_step(struct step *s)
{
	enum status status = normalise(s);
	if (!status)
		status = load_standing(s);
	if (!status)
		status = make_event(s);
	if (!status)
		status = ask_law(s);
	if (!status)
		status = fold(s);
	if (!status)
		status = ask_reference(s);
	if (!status)
		status = commit(s);
	if (!status) {
		s->outcome->id = s->h.id;
		s->outcome->version = s->h.events;
	}
	return status;
}

enum status hazards_step(struct hazards *r, const struct hazard_order *order, struct hazard_outcome *out)
{
	struct step s = {.r = r, .order = order, .outcome = out, .is_new = order->step == HAZARD_STEP_FIND};
	*out = (struct hazard_outcome){.id = order->id};
	if (s.is_new != (order->id == 0))
		return STATUS_INVALID;
	hazard_init(&s.h, 0);
	s.bytes = buf_init(HAZARD_EVENT_MAX);
	s.row = buf_init(HAZARD_EVENT_MAX);
	pthread_mutex_lock(&r->steps);
	enum status status = take_step(&s);
	pthread_mutex_unlock(&r->steps);
	hazard_deinit(&s.h);
	buf_deinit(&s.bytes);
	buf_deinit(&s.row);
	free(s.texts);
	return status;
}

/* --- lists --- */

size_t hazards_page(struct hazards *r, const struct hazard_filter *filter, enum hazard_order_by order,
		    struct hazard_cursor *cursor, uint64_t *out, size_t max)
{
	pthread_rwlock_rdlock(&r->lock);
	size_t n = hazards_table_page(&r->table, filter, order, cursor, out, max);
	pthread_rwlock_unlock(&r->lock);
	return n;
}

void hazards_counts(struct hazards *r, const struct hazard_filter *filter, struct hazard_counts *out)
{
	memset(out, 0, sizeof *out);
	pthread_rwlock_rdlock(&r->lock);
	hazards_table_count(&r->table, filter, HAZARD_WORD_COUNT, out);
	pthread_rwlock_unlock(&r->lock);
}

enum status hazards_groups(struct hazards *r, const struct hazard_filter *filter, enum hazard_word word,
			   hazards_group_visit *visit, void *context)
{
	enum status status = STATUS_OK;
	pthread_rwlock_rdlock(&r->lock);
	uint32_t n = r->table.words.count;
	struct hazard_counts *counts = calloc(n ? n : 1, sizeof *counts);
	if (counts)
		hazards_table_count(&r->table, filter, word, counts);
	for (uint32_t i = 0; i < n && counts && !status; i++)
		if (counts[i].all)
			status = visit(context, span_of_string(r->table.words.texts[i]), &counts[i]);
	pthread_rwlock_unlock(&r->lock);
	if (!counts)
		status = STATUS_NO_MEMORY;
	free(counts);
	return status;
}
