#include "engine/register/hazards_table.h"

#include <stdlib.h>

#include "engine/core/hash.h"

#define ROW_LIFE 0x01u
#define ROW_HANDED_OVER 0x02u
#define ROW_ACCOUNTABLE 0x04u
#define ROW_ESCALATED 0x08u
#define ROW_EXPOSED 0x10u
#define ROW_RELAPSED 0x20u

#define WORD_UNKNOWN UINT32_MAX

static const uint8_t word_fields[HAZARD_WORD_COUNT] = {
#define X(NAME) HAZARD_FIELD_##NAME,
	HAZARD_WORD_TABLE(X)
#undef X
};

unsigned hazard_word_field(unsigned word)
{
	return word < HAZARD_WORD_COUNT ? word_fields[word] : 0;
}

static const char *const list_tokens[HAZARD_LIST_COUNT] = {
#define X(code, NAME, token, chinese) token,
	HAZARD_LIST_TABLE(X)
#undef X
};
static const char *const list_words[HAZARD_LIST_COUNT] = {
#define X(code, NAME, token, chinese) chinese,
	HAZARD_LIST_TABLE(X)
#undef X
};

const char *hazard_list_token(unsigned list)
{
	return list < HAZARD_LIST_COUNT ? list_tokens[list] : "unknown";
}

const char *hazard_list_chinese(unsigned list)
{
	return list < HAZARD_LIST_COUNT ? list_words[list] : "未知";
}

enum status hazard_list_parse(struct span text, uint8_t *out)
{
	for (unsigned i = 0; i < HAZARD_LIST_COUNT; i++)
		if (span_equal(text, span_of_string(list_tokens[i])) ||
		    span_equal(text, span_of_string(list_words[i]))) {
			*out = (uint8_t)i;
			return STATUS_OK;
		}
	return STATUS_NOT_FOUND;
}

/* --- words --- */

static uint32_t *word_slot(const struct hazard_words *w, struct span text)
{
	uint32_t at = (uint32_t)hash64(text) & (w->slot_count - 1);
	while (w->slots[at] && !span_equal(span_of_string(w->texts[w->slots[at] - 1]), text))
		at = (at + 1) & (w->slot_count - 1);
	return &w->slots[at];
}

/* WORD_UNKNOWN when no hazard ever had it. */
static uint32_t word_find(const struct hazard_words *w, struct span text)
{
	if (!w->slot_count)
		return text.size ? WORD_UNKNOWN : 0;
	return *word_slot(w, text) - 1; /* a free slot holds 0: WORD_UNKNOWN */
}

static enum status words_rehash(struct hazard_words *w, uint32_t slot_count)
{
	uint32_t *slots = calloc(slot_count, sizeof *slots), *old = w->slots;
	if (!slots)
		return STATUS_NO_MEMORY;
	w->slots = slots;
	w->slot_count = slot_count;
	for (uint32_t i = 0; i < w->count; i++)
		*word_slot(w, span_of_string(w->texts[i])) = i + 1;
	free(old);
	return STATUS_OK;
}

static enum status words_room(struct hazard_words *w)
{
	if (w->count == w->capacity) {
		uint32_t capacity = w->capacity ? w->capacity * 2 : 64;
		char **texts = realloc(w->texts, capacity * sizeof *texts);
		if (!texts)
			return STATUS_NO_MEMORY;
		w->texts = texts;
		w->capacity = capacity;
	}
	return w->count * 2 < w->slot_count ? STATUS_OK : words_rehash(w, w->slot_count ? w->slot_count * 2 : 128);
}

static enum status word_add(struct hazard_words *w, struct span text)
{
	enum status status = words_room(w);
	if (status)
		return status;
	uint32_t *slot = word_slot(w, text);
	if (*slot)
		return STATUS_OK;
	char *copy = malloc(text.size + 1);
	if (!copy)
		return STATUS_NO_MEMORY;
	if (text.size)
		memcpy(copy, text.data, text.size);
	copy[text.size] = '\0';
	w->texts[w->count++] = copy;
	*slot = w->count;
	return STATUS_OK;
}

/* --- rows --- */

void hazards_table_deinit(struct hazards_table *t)
{
	for (uint32_t i = 0; i < t->words.count; i++)
		free(t->words.texts[i]);
	free(t->words.texts);
	free(t->words.slots);
	free(t->rows);
	memset(t, 0, sizeof *t);
}

static enum status rows_room(struct hazards_table *t, uint64_t id)
{
	if (id <= t->capacity)
		return STATUS_OK;
	if (id > REGISTER_HAZARDS_MAX)
		return STATUS_FULL;
	size_t capacity = t->capacity ? t->capacity * 2 : 256;
	struct hazard_row *rows = realloc(t->rows, capacity * sizeof *rows);
	if (!rows)
		return STATUS_NO_MEMORY;
	t->rows = rows;
	t->capacity = capacity;
	return STATUS_OK;
}

enum status hazards_table_reserve(struct hazards_table *t, const struct hazard *h)
{
	enum status status = h->id > t->count + 1 ? STATUS_CORRUPT : rows_room(t, h->id);
	if (!status)
		status = word_add(&t->words, span_of(NULL, 0));
	for (unsigned i = 0; i < HAZARD_WORD_COUNT && !status; i++)
		status = word_add(&t->words, hazard_value(h, word_fields[i]));
	return status;
}

static int32_t day_of(int64_t time_ms)
{
	return time_ms ? hazard_day(time_ms) : HAZARD_DAY_NONE;
}

/* Without its words, which only the table knows. */
static struct hazard_row row_of(const struct hazard *h)
{
	return (struct hazard_row){
		.found_ms = h->found_ms,
		.deadline_day = h->deadline_day,
		.rectified_day = day_of(h->applied_ms),
		.closed_day = day_of(h->closed_ms),
		.state = h->state,
		.grade = h->grade,
		.source = h->source,
		.listing = h->listing,
		.flags = (uint8_t)((h->life_threat ? ROW_LIFE : 0) | (h->handed_over ? ROW_HANDED_OVER : 0) |
				   (h->accountable ? ROW_ACCOUNTABLE : 0) | (h->escalated ? ROW_ESCALATED : 0) |
				   (h->exposed ? ROW_EXPOSED : 0) | (h->relapses ? ROW_RELAPSED : 0)),
	};
}

enum status hazards_table_put(struct hazards_table *t, const struct hazard *h)
{
	enum status status = hazards_table_reserve(t, h);
	if (status)
		return status;
	struct hazard_row *row = &t->rows[h->id - 1];
	*row = row_of(h);
	for (unsigned i = 0; i < HAZARD_WORD_COUNT; i++)
		row->words[i] = word_find(&t->words, hazard_value(h, word_fields[i]));
	if (h->id > t->count)
		t->count = h->id;
	return STATUS_OK;
}

/* --- filters --- */

/* A filter with its words as numbers. */
struct sieve {
	const struct hazard_filter *f;
	uint16_t states;
	uint8_t flags; /* all of these */
	uint32_t words[HAZARD_WORD_COUNT];
	bool by_word[HAZARD_WORD_COUNT];
	bool scoped, nothing;
	uint32_t scope;
};

#define STATES_ALL ((1u << HAZARD_STATE_COUNT) - 1)
#define STATES_OPEN (STATES_ALL & ~(1u << HAZARD_CLOSED | 1u << HAZARD_VOID))
#define STATES_IN_HAND (1u << HAZARD_ASSIGNED | 1u << HAZARD_RECTIFYING | 1u << HAZARD_APPLIED)

static unsigned list_states(unsigned list)
{
	switch ((enum hazard_list)list) {
	case HAZARD_LIST_SUPERVISION:
		return STATES_OPEN & ~(1u << HAZARD_FOUND);
	case HAZARD_LIST_RECTIFICATION:
		return STATES_IN_HAND;
	case HAZARD_LIST_ACCEPTANCE:
		return 1u << HAZARD_ACCEPTED | 1u << HAZARD_CLOSED;
	case HAZARD_LIST_HAZARDS:
	case HAZARD_LIST_ENFORCEMENT:
	case HAZARD_LIST_ACCOUNTABILITY:
	case HAZARD_LIST_COUNT:
		break;
	}
	return STATES_ALL & ~(1u << HAZARD_VOID);
}

static struct sieve sieve_of(const struct hazards_table *t, const struct hazard_filter *f)
{
	struct sieve s = {.f = f};
	bool names_void = f->list == HAZARD_LIST_HAZARDS && f->states >> HAZARD_VOID & 1;
	s.states = (uint16_t)(names_void ? STATES_ALL : list_states(f->list));
	s.states &= f->states ? f->states : (uint16_t)STATES_ALL;
	s.states &= f->open ? (uint16_t)STATES_OPEN : (uint16_t)STATES_ALL;
	s.states &= f->overdue ? (uint16_t)STATES_IN_HAND : (uint16_t)STATES_ALL;
	s.flags = (uint8_t)((f->relapsed ? ROW_RELAPSED : 0) | (f->life_threat ? ROW_LIFE : 0) |
			    (f->exposed ? ROW_EXPOSED : 0) | (f->escalated ? ROW_ESCALATED : 0) |
			    (f->list == HAZARD_LIST_ENFORCEMENT ? ROW_HANDED_OVER : 0) |
			    (f->list == HAZARD_LIST_ACCOUNTABILITY ? ROW_ACCOUNTABLE : 0));
	for (unsigned i = 0; i < HAZARD_WORD_COUNT; i++) {
		s.by_word[i] = f->words[i].size > 0;
		s.words[i] = s.by_word[i] ? word_find(&t->words, f->words[i]) : 0;
		s.nothing |= s.words[i] == WORD_UNKNOWN;
	}
	s.scoped = f->scope_unit.size > 0;
	s.scope = s.scoped ? word_find(&t->words, f->scope_unit) : 0;
	s.nothing |= s.scope == WORD_UNKNOWN;
	return s;
}

static bool in_set(unsigned bits, unsigned code)
{
	return !bits || bits >> code & 1;
}

static bool passes(const struct sieve *s, const struct hazard_row *r)
{
	const struct hazard_filter *f = s->f;
	if (!(s->states >> r->state & 1) || (r->flags & s->flags) != s->flags)
		return false;
	if (!in_set(f->grades, r->grade) || !in_set(f->sources, r->source) || !in_set(f->listings, r->listing))
		return false;
	if (f->overdue && r->deadline_day >= f->today)
		return false;
	if ((f->found_from_ms || f->found_to_ms) && (r->found_ms < f->found_from_ms || r->found_ms >= f->found_to_ms))
		return false;
	for (unsigned i = 0; i < HAZARD_WORD_COUNT; i++)
		if (s->by_word[i] && r->words[i] != s->words[i])
			return false;
	return !s->scoped || r->words[HAZARD_WORD_COMPANY] == s->scope || r->words[HAZARD_WORD_UNIT] == s->scope;
}

/* --- pages --- */

/* The best rows so far: a heap with the worst on top. */
struct best {
	struct hazard_cursor items[HAZARDS_PAGE_MAX];
	size_t count, max;
};

static bool before(struct hazard_cursor a, struct hazard_cursor b)
{
	return a.value != b.value ? a.value < b.value : a.id < b.id;
}

static void sift_down(struct best *b)
{
	size_t at = 0;
	for (;;) {
		size_t child = 2 * at + 1;
		if (child >= b->count)
			return;
		if (child + 1 < b->count && before(b->items[child], b->items[child + 1]))
			child++;
		if (!before(b->items[at], b->items[child]))
			return;
		struct hazard_cursor swap = b->items[at];
		b->items[at] = b->items[child];
		b->items[child] = swap;
		at = child;
	}
}

static void sift_up(struct best *b)
{
	size_t at = b->count - 1;
	while (at && before(b->items[(at - 1) / 2], b->items[at])) {
		struct hazard_cursor swap = b->items[at];
		b->items[at] = b->items[(at - 1) / 2];
		b->items[(at - 1) / 2] = swap;
		at = (at - 1) / 2;
	}
}

static void best_offer(struct best *b, struct hazard_cursor item)
{
	if (b->count < b->max) {
		b->items[b->count++] = item;
		sift_up(b);
	} else if (before(item, b->items[0])) {
		b->items[0] = item;
		sift_down(b);
	}
}

static int64_t order_value(const struct hazard_row *r, enum hazard_order_by order)
{
	switch (order) {
	case HAZARD_BY_DEADLINE:
		return r->deadline_day;
	case HAZARD_BY_FOUND_NEWEST:
		return -r->found_ms;
	case HAZARD_BY_ID:
		break;
	}
	return 0;
}

static int compare_items(const void *a, const void *b)
{
	const struct hazard_cursor *x = a, *y = b;
	return before(*x, *y) ? -1 : before(*y, *x);
}

size_t hazards_table_page(const struct hazards_table *t, const struct hazard_filter *filter, enum hazard_order_by order,
			  struct hazard_cursor *cursor, uint64_t *out, size_t max)
{
	struct sieve sieve = sieve_of(t, filter);
	struct best best = {.count = 0, .max = max < HAZARDS_PAGE_MAX ? max : HAZARDS_PAGE_MAX};
	if (sieve.nothing || !best.max)
		return 0;
	for (size_t i = 0; i < t->count; i++) {
		struct hazard_cursor item = {order_value(&t->rows[i], order), i + 1};
		if ((!cursor->id || before(*cursor, item)) && passes(&sieve, &t->rows[i]))
			best_offer(&best, item);
	}
	qsort(best.items, best.count, sizeof *best.items, compare_items);
	for (size_t i = 0; i < best.count; i++)
		out[i] = best.items[i].id;
	if (best.count)
		*cursor = best.items[best.count - 1];
	return best.count;
}

/* --- counts --- */

static void count_open(struct hazard_counts *c, const struct hazard_row *r, int32_t today)
{
	int32_t age = today - hazard_day(r->found_ms);
	c->open++;
	c->major_open += r->grade == HAZARD_GRADE_MAJOR;
	c->overdue += (STATES_IN_HAND >> r->state & 1) && r->deadline_day < today;
	c->ageing[age <= 7 ? 0 : age <= 30 ? 1 : age <= 90 ? 2 : 3]++;
}

static void count_row(struct hazard_counts *c, const struct hazard_row *r, int32_t today)
{
	c->all++;
	c->by_state[r->state]++;
	c->by_grade[r->grade]++;
	c->by_source[r->source]++;
	c->relapsed += (r->flags & ROW_RELAPSED) != 0;
	c->listed += r->listing == HAZARD_LISTING_LISTED;
	if (STATES_OPEN >> r->state & 1)
		count_open(c, r, today);
	if (r->state == HAZARD_CLOSED) {
		c->closed++;
		c->closed_in_time += r->rectified_day <= r->deadline_day;
	}
}

void hazard_counts_add(struct hazard_counts *c, const struct hazard *h, int32_t today)
{
	struct hazard_row row = row_of(h);
	count_row(c, &row, today);
}

void hazards_table_count(const struct hazards_table *t, const struct hazard_filter *filter, unsigned word,
			 struct hazard_counts *counts)
{
	struct sieve sieve = sieve_of(t, filter);
	if (sieve.nothing)
		return;
	for (size_t i = 0; i < t->count; i++)
		if (passes(&sieve, &t->rows[i]))
			count_row(&counts[word < HAZARD_WORD_COUNT ? t->rows[i].words[word] : 0], &t->rows[i],
				  filter->today);
}
