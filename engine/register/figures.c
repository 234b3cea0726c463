/* figures.c -- entries as rows, and what holds on a day, folded over places. */
#include "engine/register/figures.h"

#include <pthread.h>

#include "engine/core/utf8.h"
#include "engine/register/entry.h"

#define FIGURES_VERSION 1

/* One value that somebody said; a place's are in the order they were said. */
struct said {
	int32_t day;
	uint8_t figure;
	int64_t value;
	uint64_t sequence;
};

struct place {
	char *name, *village;
	struct said *items;
	size_t count, capacity;
};

struct figures {
	struct store *store;
	pthread_mutex_t entering; /* one entry at a time */
	pthread_rwlock_t lock;    /* of what follows */
	struct place *places;
	size_t count, capacity;
	uint64_t sequence;
};

static const char *const tokens[FIGURE_COUNT] = {
#define X(code, NAME, token, chinese, of) [code] = token,
	FIGURE_TABLE(X)
#undef X
};
static const char *const words[FIGURE_COUNT] = {
#define X(code, NAME, token, chinese, of) [code] = chinese,
	FIGURE_TABLE(X)
#undef X
};
static const uint8_t wholes[FIGURE_COUNT] = {
#define X(code, NAME, token, chinese, of) [code] = of,
	FIGURE_TABLE(X)
#undef X
};

_Static_assert(FIGURE_COUNT <= 64, "a bit for each");

const char *figure_token(unsigned figure)
{
	return figure && figure < FIGURE_COUNT ? tokens[figure] : "unknown";
}

const char *figure_chinese(unsigned figure)
{
	return figure && figure < FIGURE_COUNT ? words[figure] : "未知";
}

enum status figure_parse(struct span text, uint8_t *out)
{
	for (unsigned i = 1; i < FIGURE_COUNT; i++)
		if (span_equal(text, span_of_string(tokens[i])) || span_equal(text, span_of_string(words[i]))) {
			*out = (uint8_t)i;
			return STATUS_OK;
		}
	return STATUS_NOT_FOUND;
}

/* --- entries as bytes ---
 *   version 1 | at 8 | role 1 | name | unit | day 4 | place | village | reporter | phone | reviewer | unit | count 1 |
 *   (figure 1 | value 8) ... */

static enum status encode(const struct figures_entry *e, struct buf *out)
{
	const struct span texts[] = {e->place, e->village, e->reporter, e->phone, e->reviewer, e->unit};
	enum status status = buf_append_u8(out, FIGURES_VERSION);
	if (!status)
		status = entry_put_actor(out, &e->actor, e->at_ms);
	if (!status)
		status = buf_append_be32(out, (uint32_t)e->day);
	for (size_t i = 0; i < sizeof texts / sizeof *texts && !status; i++)
		status = entry_put(out, texts[i]);
	if (!status)
		status = buf_append_u8(out, (uint8_t)e->count);
	for (size_t i = 0; i < e->count && !status; i++) {
		status = buf_append_u8(out, e->values[i].figure);
		if (!status)
			status = buf_append_be64(out, (uint64_t)e->values[i].value);
	}
	return status;
}

static enum status decode(struct span row, struct figures_entry *out)
{
	struct cursor c = cursor_of(row);
	if (cursor_u8(&c) != FIGURES_VERSION)
		return STATUS_BAD_VERSION;
	entry_take_actor(&c, &out->actor, &out->at_ms);
	out->day = (int32_t)cursor_be32(&c);
	struct span *const texts[] = {&out->place, &out->village,  &out->reporter,
				      &out->phone, &out->reviewer, &out->unit};
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
		*texts[i] = entry_take(&c);
	out->count = cursor_u8(&c);
	if (out->count >= FIGURE_COUNT)
		return STATUS_CORRUPT;
	for (size_t i = 0; i < out->count; i++) {
		out->values[i].figure = cursor_u8(&c);
		out->values[i].value = (int64_t)cursor_be64(&c);
		c.failed |= !out->values[i].figure || out->values[i].figure >= FIGURE_COUNT;
	}
	return c.failed || cursor_left(&c) ? STATUS_CORRUPT : STATUS_OK;
}

/* --- folding --- */

static struct place *place_find(struct figures *f, struct span name)
{
	for (size_t i = 0; i < f->count; i++)
		if (span_equal(span_of_string(f->places[i].name), name))
			return &f->places[i];
	return NULL;
}

static enum status place_make(struct figures *f, struct span name, struct place **out)
{
	*out = place_find(f, name);
	if (*out)
		return STATUS_OK;
	if (f->count == f->capacity) {
		size_t capacity = f->capacity ? 2 * f->capacity : 16;
		struct place *places = realloc(f->places, capacity * sizeof *places);
		if (!places)
			return STATUS_NO_MEMORY;
		f->places = places;
		f->capacity = capacity;
	}
	struct place *p = &f->places[f->count];
	*p = (struct place){.name = entry_copy(name), .village = entry_copy(span_of(NULL, 0))};
	if (!p->name || !p->village) {
		free(p->name);
		free(p->village);
		return STATUS_NO_MEMORY;
	}
	f->count++;
	*out = p;
	return STATUS_OK;
}

static enum status place_room(struct place *p, size_t extra)
{
	if (p->count + extra <= p->capacity)
		return STATUS_OK;
	size_t capacity = 2 * (p->count + extra);
	struct said *items = realloc(p->items, capacity * sizeof *items);
	if (!items)
		return STATUS_NO_MEMORY;
	p->items = items;
	p->capacity = capacity;
	return STATUS_OK;
}

/* Room for the entry, so that apply() cannot fail; the village takes its place there. */
static enum status reserve(struct figures *f, const struct figures_entry *e, struct place **out, char **out_village)
{
	*out_village = NULL;
	enum status status = place_make(f, e->place, out);
	if (!status)
		status = place_room(*out, e->count);
	if (!status && !(*out_village = entry_copy(e->village)))
		status = STATUS_NO_MEMORY;
	return status;
}

static void apply(struct figures *f, const struct figures_entry *e, struct place *p, char *village)
{
	free(p->village);
	p->village = village;
	for (size_t i = 0; i < e->count; i++)
		p->items[p->count++] = (struct said){e->day, e->values[i].figure, e->values[i].value, e->sequence};
	f->sequence = e->sequence;
}

static enum status load(void *context, struct span key, struct span value)
{
	struct figures *f = context;
	struct figures_entry e;
	if (key.size != 9 || load_be64(key.data + 1) != f->sequence + 1)
		return STATUS_CORRUPT;
	enum status status = decode(value, &e);
	struct place *p;
	char *village;
	e.sequence = f->sequence + 1;
	if (!status)
		status = reserve(f, &e, &p, &village);
	if (!status)
		apply(f, &e, p, village);
	return status;
}

enum status figures_open(struct store *s, struct figures **out)
{
	struct figures *f = calloc(1, sizeof *f);
	if (!f)
		return STATUS_NO_MEMORY;
	f->store = s;
	pthread_mutex_init(&f->entering, NULL);
	pthread_rwlock_init(&f->lock, NULL);
	enum status status = entry_walk(s, ENTRY_FIGURES, load, f);
	if (status)
		figures_close(f);
	else
		*out = f;
	return status;
}

void figures_close(struct figures *f)
{
	if (!f)
		return;
	for (size_t i = 0; i < f->count; i++) {
		free(f->places[i].name);
		free(f->places[i].village);
		free(f->places[i].items);
	}
	free(f->places);
	pthread_rwlock_destroy(&f->lock);
	pthread_mutex_destroy(&f->entering);
	free(f);
}

/* --- what holds --- */

/* The value said last for the latest day not after `day`; NULL: nobody said it. */
static const struct said *holds(const struct place *p, unsigned figure, int32_t day)
{
	const struct said *best = NULL;
	for (size_t i = 0; i < p->count; i++)
		if (p->items[i].figure == figure && p->items[i].day <= day && (!best || p->items[i].day >= best->day))
			best = &p->items[i];
	return best;
}

static void add_place(const struct place *p, int32_t day, struct figures_sum *out)
{
	bool any = false;
	for (unsigned figure = 1; figure < FIGURE_COUNT; figure++) {
		const struct said *s = holds(p, figure, day);
		if (!s)
			continue;
		any = true;
		out->values[figure] += s->value;
		out->said |= UINT64_C(1) << figure;
		out->last = s->sequence > out->last ? s->sequence : out->last;
	}
	out->places += any;
}

void figures_on(struct figures *f, struct span place, struct span village, int32_t day, struct figures_sum *out)
{
	memset(out, 0, sizeof *out);
	pthread_rwlock_rdlock(&f->lock);
	for (size_t i = 0; i < f->count; i++)
		if ((!place.size || span_equal(span_of_string(f->places[i].name), place)) &&
		    (!village.size || span_equal(span_of_string(f->places[i].village), village)))
			add_place(&f->places[i], day, out);
	pthread_rwlock_unlock(&f->lock);
}

struct entries_walk {
	figures_visit *visit;
	void *context;
};

static enum status visit_entry(void *context, struct span key, struct span value)
{
	struct entries_walk *w = context;
	struct figures_entry e;
	if (key.size != 9)
		return STATUS_CORRUPT;
	enum status status = decode(value, &e);
	e.sequence = load_be64(key.data + 1);
	return status ? status : w->visit(w->context, &e);
}

static struct span sequence_key(uint64_t sequence, uint8_t key[9])
{
	key[0] = ENTRY_FIGURES;
	store_be64(key + 1, sequence);
	return span_of(key, 9);
}

enum status figures_entries(struct figures *f, uint64_t after, figures_visit *visit, void *context)
{
	struct entries_walk w = {visit, context};
	uint8_t prefix = ENTRY_FIGURES, key[9];
	return store_scan_within(f->store, STORE_TASK, span_of(&prefix, 1), sequence_key(after + 1, key), visit_entry,
				 &w);
}

/* --- entering --- */

static enum status look_at_texts(const struct figures_entry *e)
{
	const struct span texts[] = {e->place, e->village, e->reporter, e->phone, e->reviewer, e->unit};
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
		if (texts[i].size > FIGURES_TEXT_MAX)
			return STATUS_TOO_LONG;
		if (!utf8_printable(texts[i]))
			return STATUS_MALFORMED;
	}
	return e->place.size ? STATUS_OK : STATUS_INVALID;
}

static enum status look_at_values(const struct figures_entry *e, uint8_t *out_figure)
{
	uint64_t seen = 0;
	for (size_t i = 0; i < e->count; i++) {
		uint8_t figure = e->values[i].figure;
		*out_figure = figure;
		if (!figure || figure >= FIGURE_COUNT || (seen >> figure & 1))
			return STATUS_INVALID;
		if (e->values[i].value < 0 || e->values[i].value > FIGURE_VALUE_MAX ||
		    (figure == FIGURE_PARKING_PLAN && e->values[i].value > 1))
			return STATUS_OUT_OF_RANGE;
		seen |= UINT64_C(1) << figure;
	}
	*out_figure = 0;
	return e->count ? STATUS_OK : STATUS_INVALID;
}

/* The value on `day` once `e` holds too. */
static int64_t value_then(const struct place *p, const struct figures_entry *e, unsigned figure, int32_t day)
{
	const struct said *s = p ? holds(p, figure, day) : NULL;
	if (e->day <= day && (!s || s->day <= e->day))
		for (size_t i = 0; i < e->count; i++)
			if (e->values[i].figure == figure)
				return e->values[i].value;
	return s ? s->value : 0;
}

static enum status look_at_day(const struct place *p, const struct figures_entry *e, int32_t day, uint8_t *out_figure)
{
	for (unsigned figure = 1; figure < FIGURE_COUNT; figure++)
		if (wholes[figure] && value_then(p, e, figure, day) > value_then(p, e, wholes[figure], day)) {
			*out_figure = (uint8_t)figure;
			return STATUS_CONFLICT;
		}
	return STATUS_OK;
}

/* A part stays within its whole on the entry's day and on every later one that something was said for. */
static enum status look_at_parts(struct figures *f, const struct figures_entry *e, uint8_t *out_figure)
{
	pthread_rwlock_rdlock(&f->lock);
	const struct place *p = place_find(f, e->place);
	enum status status = look_at_day(p, e, e->day, out_figure);
	for (size_t i = 0; p && i < p->count && !status; i++)
		if (p->items[i].day > e->day)
			status = look_at_day(p, e, p->items[i].day, out_figure);
	pthread_rwlock_unlock(&f->lock);
	return status;
}

static bool may_enter(unsigned role)
{
	return role == HAZARD_ROLE_CLERK || role == HAZARD_ROLE_OFFICE || role == HAZARD_ROLE_FISHERY;
}

static enum status enter(struct figures *f, struct figures_entry *e, uint8_t *out_figure)
{
	uint8_t key[9];
	struct place *p = NULL;
	char *village = NULL;
	struct buf row = buf_init(ENTRY_BYTES_MAX);
	enum status status = f->sequence >= FIGURES_ENTRIES_MAX ? STATUS_FULL : look_at_parts(f, e, out_figure);
	e->sequence = f->sequence + 1;
	if (!status)
		status = encode(e, &row);
	pthread_rwlock_wrlock(&f->lock);
	if (!status)
		status = reserve(f, e, &p, &village);
	pthread_rwlock_unlock(&f->lock);
	if (!status)
		status = entry_commit(f->store, sequence_key(e->sequence, key), buf_view(&row), NULL);
	if (!status) {
		pthread_rwlock_wrlock(&f->lock);
		apply(f, e, p, village);
		pthread_rwlock_unlock(&f->lock);
	} else {
		free(village);
	}
	buf_deinit(&row);
	return status;
}

enum status figures_enter(struct figures *f, const struct figures_entry *entry, uint8_t *out_figure)
{
	struct figures_entry e = *entry;
	enum status status = may_enter(e.actor.role) ? look_at_texts(&e) : STATUS_DENIED;
	*out_figure = 0;
	if (!status)
		status = look_at_values(&e, out_figure);
	if (status)
		return status;
	pthread_mutex_lock(&f->entering);
	status = enter(f, &e, out_figure);
	pthread_mutex_unlock(&f->entering);
	return status;
}
