#include "engine/register/blacklist.h"

#include <pthread.h>

#include "engine/core/utf8.h"
#include "engine/register/entry.h"

#define LISTED_VERSION 1

/* What stands: the last decision of each. */
struct listed {
	uint8_t kind, decision;
	char *name, *quarter;
};

struct blacklist {
	struct store *store;
	pthread_mutex_t lock;
	struct listed *items;
	size_t count, capacity;
	uint64_t sequence;
};

static const char *const kinds[BLACKLIST_KIND_COUNT][2] = {
#define X(code, NAME, token, chinese) {token, chinese},
	BLACKLIST_KIND_TABLE(X)
#undef X
};
static const char *const decisions[BLACKLIST_DECISION_COUNT][2] = {
#define X(code, NAME, token, chinese) {token, chinese},
	BLACKLIST_DECISION_TABLE(X)
#undef X
};

const char *blacklist_kind_token(unsigned kind)
{
	return kind < BLACKLIST_KIND_COUNT ? kinds[kind][0] : "unknown";
}

const char *blacklist_kind_chinese(unsigned kind)
{
	return kind < BLACKLIST_KIND_COUNT ? kinds[kind][1] : "未知";
}

const char *blacklist_decision_token(unsigned decision)
{
	return decision < BLACKLIST_DECISION_COUNT ? decisions[decision][0] : "unknown";
}

const char *blacklist_decision_chinese(unsigned decision)
{
	return decision < BLACKLIST_DECISION_COUNT ? decisions[decision][1] : "未知";
}

static enum status parse(const char *const (*words)[2], uint8_t count, struct span text, uint8_t *out)
{
	for (uint8_t i = 0; i < count; i++)
		if (span_equal(text, span_of_string(words[i][0])) || span_equal(text, span_of_string(words[i][1]))) {
			*out = i;
			return STATUS_OK;
		}
	return STATUS_NOT_FOUND;
}

enum status blacklist_kind_parse(struct span text, uint8_t *out)
{
	return parse(kinds, BLACKLIST_KIND_COUNT, text, out);
}

enum status blacklist_decision_parse(struct span text, uint8_t *out)
{
	return parse(decisions, BLACKLIST_DECISION_COUNT, text, out);
}

/* --- entries: version 1 | actor (entry.h) | kind 1 | decision 1 | quarter | name | note | document --- */

static enum status encode(const struct blacklist_entry *e, struct buf *out)
{
	const struct span texts[] = {e->quarter, e->name, e->note, e->document};
	enum status status = buf_append_u8(out, LISTED_VERSION);
	if (!status)
		status = entry_put_actor(out, &e->actor, e->at_ms);
	if (!status)
		status = buf_append_u8(out, e->kind);
	if (!status)
		status = buf_append_u8(out, e->decision);
	for (size_t i = 0; i < 4 && !status; i++)
		status = entry_put(out, texts[i]);
	return status;
}

static enum status decode(struct span row, struct blacklist_entry *out)
{
	struct cursor c = cursor_of(row);
	if (cursor_u8(&c) != LISTED_VERSION)
		return STATUS_BAD_VERSION;
	entry_take_actor(&c, &out->actor, &out->at_ms);
	out->kind = cursor_u8(&c);
	out->decision = cursor_u8(&c);
	out->quarter = entry_take(&c);
	out->name = entry_take(&c);
	out->note = entry_take(&c);
	out->document = entry_take(&c);
	bool known = out->kind < BLACKLIST_KIND_COUNT && out->decision && out->decision < BLACKLIST_DECISION_COUNT;
	return c.failed || cursor_left(&c) || !known ? STATUS_CORRUPT : STATUS_OK;
}

/* --- what stands --- */

static struct listed *find(const struct blacklist *b, unsigned kind, struct span name, struct span quarter)
{
	for (size_t i = 0; i < b->count; i++) {
		struct listed *l = &b->items[i];
		if (l->kind == kind && span_equal(span_of_string(l->name), name) &&
		    span_equal(span_of_string(l->quarter), quarter))
			return l;
	}
	return NULL;
}

/* A place for it, undecided: harmless when the decision is not committed after all. */
static enum status reserve(struct blacklist *b, const struct blacklist_entry *e, struct listed **out)
{
	*out = find(b, e->kind, e->name, e->quarter);
	if (*out)
		return STATUS_OK;
	if (b->count == b->capacity) {
		size_t capacity = b->capacity ? 2 * b->capacity : 32;
		struct listed *items = realloc(b->items, capacity * sizeof *items);
		if (!items)
			return STATUS_NO_MEMORY;
		b->items = items;
		b->capacity = capacity;
	}
	struct listed l = {.kind = e->kind, .name = entry_copy(e->name), .quarter = entry_copy(e->quarter)};
	if (!l.name || !l.quarter) {
		free(l.name);
		free(l.quarter);
		return STATUS_NO_MEMORY;
	}
	b->items[b->count] = l;
	*out = &b->items[b->count++];
	return STATUS_OK;
}

static enum status load(void *context, struct span key, struct span value)
{
	struct blacklist *b = context;
	struct blacklist_entry e;
	struct listed *l;
	if (key.size != 9 || load_be64(key.data + 1) != b->sequence + 1)
		return STATUS_CORRUPT;
	enum status status = decode(value, &e);
	if (!status)
		status = reserve(b, &e, &l);
	if (!status) {
		l->decision = e.decision;
		b->sequence++;
	}
	return status;
}

enum status blacklist_open(struct store *s, struct blacklist **out)
{
	struct blacklist *b = calloc(1, sizeof *b);
	if (!b)
		return STATUS_NO_MEMORY;
	b->store = s;
	pthread_mutex_init(&b->lock, NULL);
	enum status status = entry_walk(s, ENTRY_LISTED, load, b);
	if (status)
		blacklist_close(b);
	else
		*out = b;
	return status;
}

void blacklist_close(struct blacklist *b)
{
	if (!b)
		return;
	for (size_t i = 0; i < b->count; i++) {
		free(b->items[i].name);
		free(b->items[i].quarter);
	}
	free(b->items);
	pthread_mutex_destroy(&b->lock);
	free(b);
}

uint8_t blacklist_stands(struct blacklist *b, unsigned kind, struct span name, struct span quarter)
{
	pthread_mutex_lock(&b->lock);
	const struct listed *l = find(b, kind, name, quarter);
	uint8_t decision = l ? l->decision : BLACKLIST_NONE;
	pthread_mutex_unlock(&b->lock);
	return decision;
}

/* --- deciding --- */

static bool may_decide(const struct blacklist_entry *e)
{
	return e->actor.role == HAZARD_ROLE_OFFICE ||
	       (e->actor.role == HAZARD_ROLE_POLICE && e->kind != BLACKLIST_COMPANY);
}

static enum status look_at(const struct blacklist_entry *e)
{
	const struct span texts[] = {e->quarter, e->name, e->note, e->document};
	static const size_t most[] = {16, BLACKLIST_NAME_MAX, HAZARD_NOTE_MAX, HAZARD_DOCUMENT_MAX};
	if (e->kind >= BLACKLIST_KIND_COUNT || !e->decision || e->decision >= BLACKLIST_DECISION_COUNT ||
	    !e->name.size || !e->quarter.size)
		return STATUS_INVALID;
	for (size_t i = 0; i < 4; i++)
		if (texts[i].size > most[i] || !utf8_printable(texts[i]))
			return texts[i].size > most[i] ? STATUS_TOO_LONG : STATUS_MALFORMED;
	if (!may_decide(e))
		return STATUS_DENIED;
	return (e->decision == BLACKLIST_CONFIRM ? e->document.size : e->note.size) ? STATUS_OK : STATUS_EMPTY;
}

static enum status decide(struct blacklist *b, const struct blacklist_entry *e, struct buf *row)
{
	struct listed *l;
	uint8_t key[9] = {ENTRY_LISTED};
	enum status status = b->sequence >= BLACKLIST_ENTRIES_MAX ? STATUS_FULL : reserve(b, e, &l);
	if (!status &&
	    (l->decision == e->decision || (e->decision == BLACKLIST_LIFT && l->decision != BLACKLIST_CONFIRM)))
		status = STATUS_CONFLICT;
	if (!status)
		status = encode(e, row);
	store_be64(key + 1, b->sequence + 1);
	if (!status)
		status = entry_commit(b->store, span_of(key, sizeof key), buf_view(row), NULL);
	if (!status) {
		l->decision = e->decision;
		b->sequence++;
	}
	return status;
}

enum status blacklist_decide(struct blacklist *b, const struct blacklist_entry *e)
{
	struct buf row = buf_init(ENTRY_BYTES_MAX);
	enum status status = look_at(e);
	if (status)
		return status;
	pthread_mutex_lock(&b->lock);
	status = decide(b, e, &row);
	pthread_mutex_unlock(&b->lock);
	buf_deinit(&row);
	return status;
}

struct walk {
	blacklist_visit *visit;
	void *context;
};

static enum status visit_row(void *context, struct span key, struct span value)
{
	struct walk *w = context;
	struct blacklist_entry e;
	enum status status = key.size == 9 ? decode(value, &e) : STATUS_CORRUPT;
	if (!status)
		e.sequence = load_be64(key.data + 1);
	return status ? status : w->visit(w->context, &e);
}

enum status blacklist_entries(struct blacklist *b, blacklist_visit *visit, void *context)
{
	struct walk w = {visit, context};
	return entry_walk(b->store, ENTRY_LISTED, visit_row, &w);
}
