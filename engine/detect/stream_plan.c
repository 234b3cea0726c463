/* stream_plan.c -- which rules look at a stream at a time, and the entries of a state beside them.
 *
 *   book of that time ─< rule of stage 3 ── quantity, unit, site, sector, village, where ──> entry, by id
 *   an entry whose rule is gone or was changed ends; a rule that is new begins with nothing */
#include <stdlib.h>

#include "engine/detect/stream_state.h"

/* fences at one position that are looked at */
#define PLACES_MAX 64

/* --- which rules --- */

/* `*` stands for any run without a dot: names have their parts between dots. */
static bool word_fits(struct span word, const char *text)
{
	size_t star = SIZE_MAX, i = 0;
	const char *from = NULL;
	while (*text || i < word.size) {
		if (i < word.size && word.data[i] == '*') {
			star = i++;
			from = text;
		} else if (*text && i < word.size && (uint8_t)*text == word.data[i]) {
			text++;
			i++;
		} else if (from && *from && *from != '.') {
			text = ++from;
			i = star + 1;
		} else {
			return false;
		}
	}
	return true;
}

/* Words with one space between; none: whatever it is. */
static bool list_fits(const char *list, const char *text)
{
	struct span rest = span_of_string(list);
	if (!rest.size)
		return true;
	while (rest.size) {
		const uint8_t *space = memchr(rest.data, ' ', rest.size);
		size_t size = space ? (size_t)(space - rest.data) : rest.size;
		if (word_fits(span_of(rest.data, size), text))
			return true;
		size += space != NULL;
		rest = span_of(rest.data + size, rest.size - size);
	}
	return false;
}

static bool is_about(const struct rule *r, const struct stream_subject *s)
{
	return rule_kind_stage(r->kind) == RULE_STAGE_STREAMS && *s->quantity &&
	       list_fits(r->quantities, s->quantity) && (!*r->unit || !*s->unit || strcmp(r->unit, s->unit) == 0) &&
	       list_fits(r->sites, s->site_number) && list_fits(r->sectors, s->sector) &&
	       list_fits(r->villages, s->village);
}

bool stream_is_asked(const struct stream_context *c, const char *quantity)
{
	for (uint32_t i = 0; i < c->book_count; i++)
		for (uint32_t k = 0; k < c->books[i].book->count; k++) {
			const struct rule *r = &c->books[i].book->rules[k];
			if (rule_kind_stage(r->kind) == RULE_STAGE_STREAMS && *quantity &&
			    list_fits(r->quantities, quantity))
				return true;
		}
	return false;
}

/* --- where the site is --- */

struct resolving {
	const struct stream_walk *w;
	int64_t time_ms, from_ms, to_ms;
	struct stream_subject subject;
	const struct fence *places[PLACES_MAX];
	size_t place_count;
};

static void narrow(struct resolving *r, int64_t edge_ms)
{
	if (edge_ms <= r->time_ms && edge_ms > r->from_ms)
		r->from_ms = edge_ms;
	if (edge_ms > r->time_ms && edge_ms < r->to_ms)
		r->to_ms = edge_ms;
}

static void find_places(struct resolving *r)
{
	uint32_t slots[PLACES_MAX];
	const struct fence_set *fences = r->w->context->fences;
	if (!fences || !r->subject.has_place)
		return;
	struct geo_point at = {r->subject.lat_e7, r->subject.lon_e7};
	size_t count = fence_index_find(fence_set_index(fences), NULL, at, slots, PLACES_MAX);
	for (size_t i = 0; i < count && i < PLACES_MAX; i++) {
		const struct fence *f = fence_set_at(fences, slots[i]);
		narrow(r, f->valid_from_ms);
		narrow(r, f->valid_to_ms);
		if (r->time_ms < f->valid_from_ms || r->time_ms >= f->valid_to_ms)
			continue;
		narrow(r, schedule_next(&f->when, r->time_ms));
		if (schedule_active(&f->when, r->time_ms))
			r->places[r->place_count++] = f;
	}
}

/* `*out` is the fence that `where` names; NULL for a rule that holds anywhere, or outside. */
static bool is_where(const struct resolving *r, const struct rule *rule, const struct fence **out)
{
	*out = NULL;
	if (rule->where_mode == WHERE_ANY)
		return true;
	for (size_t i = 0; i < r->place_count && !*out; i++) {
		const struct fence *f = r->places[i];
		bool same = rule->where_mode == WHERE_FENCE ? strcmp(f->id, rule->where_fence) == 0
							    : fence_has_tag(f, rule->where_tag);
		*out = same ? f : NULL;
	}
	if (rule->where_mode != WHERE_NOT_TAG)
		return *out != NULL;
	bool outside = !*out && r->subject.has_place;
	*out = NULL;
	return outside;
}

/* --- entries --- */

static void entry_deinit(struct stream_entry *e)
{
	stream_slots_deinit(&e->slots);
	stream_slots_deinit(&e->days);
}

static void begin_entry(const struct stream_state *s, const struct rule *rule, struct stream_entry *out)
{
	memset(out, 0, sizeof *out);
	memcpy(out->rule, rule->id, sizeof out->rule);
	out->version = rule->version;
	out->kind = rule->kind;
	out->episode.found_ms = out->episode.fail_ms = out->episode.other = STREAM_NONE;
	out->last_ms = out->day = out->day_ms = STREAM_NONE;
	if (rule->kind == RULE_LEVEL)
		out->level = (uint8_t)rule->params[PARAM_LEVEL_RANK];
	if (rule->kind == RULE_MISSING && s->time_ms != STREAM_NONE) {
		out->episode.running = true;
		out->episode.start_ms = out->episode.last_ms = s->time_ms;
		out->episode.values = 1;
	}
}

static void end_entry(const struct stream_walk *w, struct stream_entry *e)
{
	if (e->episode.running && e->episode.found_ms != STREAM_NONE)
		stream_tell(w, e, NULL, false);
	entry_deinit(e);
}

struct beside {
	struct stream_entry *entries;
	const struct rule **rules;
	uint32_t count;
};

/* Old and new entries are both by id. */
static void take_rule(struct resolving *r, const struct rule *rule, uint32_t *old, struct beside *out)
{
	struct stream_state *s = r->w->state;
	const struct fence *where;
	if (!is_about(rule, &r->subject) || !is_where(r, rule, &where))
		return;
	while (*old < s->count && strcmp(s->entries[*old].rule, rule->id) < 0)
		end_entry(r->w, &s->entries[(*old)++]);
	struct stream_entry *e = &out->entries[out->count];
	if (*old < s->count && strcmp(s->entries[*old].rule, rule->id) == 0 &&
	    s->entries[*old].version == rule->version)
		*e = s->entries[(*old)++];
	else
		begin_entry(s, rule, e);
	memset(e->fence, 0, sizeof e->fence);
	if (where)
		memcpy(e->fence, where->id, sizeof e->fence);
	e->fence_version = where ? where->version : 0;
	out->rules[out->count++] = rule;
}

static enum status make_entries(struct resolving *r, const struct rulebook *book)
{
	struct stream_state *s = r->w->state;
	uint32_t room = book ? book->count : 0, old = 0;
	struct beside beside = {calloc(room + 1u, sizeof *beside.entries), calloc(room + 1u, sizeof *beside.rules), 0};
	if (!beside.entries || !beside.rules) {
		free(beside.entries);
		free(beside.rules);
		return STATUS_NO_MEMORY;
	}
	for (uint32_t i = 0; i < room; i++)
		take_rule(r, &book->rules[i], &old, &beside);
	while (old < s->count)
		end_entry(r->w, &s->entries[old++]);
	free(s->entries);
	free(s->rules);
	s->entries = beside.entries;
	s->rules = beside.rules;
	s->count = beside.count;
	return STATUS_OK;
}

enum status stream_resolve(const struct stream_walk *w, int64_t time_ms)
{
	struct stream_state *s = w->state;
	const struct stream_context *c = w->context;
	const struct rulebook *book = NULL;
	if (s->resolved_by == c->number && time_ms >= s->from_ms && time_ms < s->to_ms)
		return STATUS_OK;
	struct resolving r = {.w = w, .time_ms = time_ms};
	c->subject(c->registry, s->stream, time_ms, &r.subject);
	r.from_ms = r.subject.from_ms;
	r.to_ms = r.subject.to_ms;
	for (uint32_t i = 0; i < c->book_count; i++) {
		narrow(&r, c->books[i].from_ms);
		if (c->books[i].from_ms <= time_ms)
			book = c->books[i].book;
	}
	find_places(&r);
	s->subject = r.subject; /* what ends is told of it */
	enum status status = make_entries(&r, book);
	if (status)
		return status;
	s->from_ms = r.from_ms;
	s->to_ms = r.to_ms;
	s->resolved_by = c->number;
	return STATUS_OK;
}
