/* episode.c -- conditions that hold for a while, and findings of those that hold long enough.
 *
 *   reports   x x H H f H H f f f             H holds, f fails
 *   episode       [start    last]             ended by failing for `release`, told when found
 *   found            ^ first H at which (time - start >= hold) and (H so far >= points)
 *
 * Entries are kept in order of (rule, fence id, version, start): a step walks rules and entries side by side. */
#include <stdlib.h>

#include "engine/detect/detect_step.h"

const uint8_t band_percent[BANDS] = {10, 20, 50};

/* --- entries --- */

static int key_compare(const struct episode *a, const struct episode *b)
{
	if (a->rule != b->rule)
		return a->rule < b->rule ? -1 : 1;
	int c = strcmp(a->fence_id, b->fence_id);
	if (c)
		return c;
	if (a->fence_version != b->fence_version)
		return a->fence_version < b->fence_version ? -1 : 1;
	return a->start_ms == b->start_ms ? 0 : a->start_ms < b->start_ms ? -1 : 1;
}

static enum status make_room(struct detect_state *s)
{
	if (s->count < s->capacity)
		return STATUS_OK;
	if (s->count >= EPISODES_MAX)
		return STATUS_NO_MEMORY;
	uint32_t capacity = s->capacity ? s->capacity * 2 : 2;
	struct episode *more = realloc(s->episodes, capacity * sizeof *more);
	if (!more)
		return STATUS_NO_MEMORY;
	s->episodes = more;
	s->capacity = capacity;
	return STATUS_OK;
}

enum status episode_insert(struct detect_state *s, const struct episode *key, uint32_t *out_index)
{
	enum status status = make_room(s);
	if (status != STATUS_OK)
		return status;
	uint32_t i = s->count;
	while (i > 0 && key_compare(&s->episodes[i - 1], key) > 0)
		i--;
	memmove(&s->episodes[i + 1], &s->episodes[i], (s->count - i) * sizeof *s->episodes);
	s->episodes[i] = *key;
	s->count++;
	*out_index = i;
	return STATUS_OK;
}

void episode_remove(struct detect_state *s, uint32_t index)
{
	s->count--;
	memmove(&s->episodes[index], &s->episodes[index + 1], (s->count - index) * sizeof *s->episodes);
}

static void set_key(struct episode *e, const struct plan_rule *p, const struct step *st, const struct fence *fence)
{
	memset(e, 0, sizeof *e);
	e->rule = (uint16_t)(p - st->plan->rules);
	memcpy(e->rule_id, p->rule->id, sizeof e->rule_id);
	if (fence) {
		memcpy(e->fence_id, fence->id, sizeof e->fence_id);
		e->fence_version = fence->version;
	}
}

void episode_init(struct episode *e, const struct step *st, const struct plan_rule *p, const struct fence *fence)
{
	set_key(e, p, st, fence);
	e->kind = p->rule->kind;
	e->confidence = CONFIDENCE_HIGH;
	e->rule_version = p->rule->version;
	e->driver = st->s->driver ? st->s->driver : st->s->subject.driver;
	e->start_ms = e->last_ms = e->seen_ms = st->now;
	e->found_ms = e->fail_ms = TIME_NONE;
	e->start_lat_e7 = e->last_lat_e7 = st->lat_e7;
	e->start_lon_e7 = e->last_lon_e7 = st->lon_e7;
	for (unsigned i = 0; i < FINDING_NUMBER_COUNT; i++)
		e->numbers[i] = NUMBER_UNKNOWN;
	for (unsigned i = 0; i < BANDS; i++)
		e->bands[i].since_ms = TIME_NONE;
}

/* --- findings --- */

void episode_tell(const struct detect_state *s, const struct episode *e, const struct rule *rule, bool open,
		  struct detect_sink *sink)
{
	struct finding f = {0};
	f.subject = f.device = s->device;
	f.driver = e->driver;
	memcpy(f.rule, e->rule_id, sizeof f.rule);
	f.rule_version = e->rule_version;
	memcpy(f.fence, e->fence_id, sizeof f.fence);
	f.fence_version = e->fence_version;
	f.kind = e->kind;
	f.confidence = e->confidence;
	f.open = open;
	f.start_ms = e->start_ms;
	f.end_ms = e->last_ms;
	f.found_ms = e->found_ms;
	f.start_lat_e7 = e->start_lat_e7;
	f.start_lon_e7 = e->start_lon_e7;
	f.end_lat_e7 = e->last_lat_e7;
	f.end_lon_e7 = e->last_lon_e7;
	memcpy(f.numbers, e->numbers, sizeof f.numbers);
	f.numbers[FINDING_REPORTS] = e->points;
	if (f.numbers[FINDING_DURATION] == NUMBER_UNKNOWN)
		f.numbers[FINDING_DURATION] = e->last_ms - e->start_ms;
	if (e->kind == RULE_OVERSPEED) {
		f.numbers[FINDING_BAND] = 0;
		for (unsigned i = 0; i < BANDS; i++)
			if (e->band_reached >> i & 1)
				f.numbers[FINDING_BAND] = band_percent[i];
	}
	if (sink && sink->finding)
		sink->finding(sink->context, &f, rule);
}

void episode_finish(struct detect_state *s, uint32_t index, const struct rule *rule, struct detect_sink *sink)
{
	const struct episode *e = &s->episodes[index];
	if (e->flags & EPISODE_FOUND)
		episode_tell(s, e, rule, false, sink);
	episode_remove(s, index);
}

uint8_t step_confidence(const struct step *st, unsigned rule_kind, uint8_t at_most)
{
	/* that the device is a stranger is the very thing that `unregistered` says */
	if (!st->s->subject.registered && rule_kind != RULE_UNREGISTERED)
		return CONFIDENCE_LOW;
	if (st->r->flags & REPORT_FLAG_OFFSET && at_most > CONFIDENCE_MEDIUM)
		return CONFIDENCE_MEDIUM;
	return at_most;
}

bool gap_exceeded(const struct rule *rule, int64_t from_ms, int64_t to_ms)
{
	return to_ms - from_ms > rule->gap_ms;
}

/* --- one report --- */

struct reading reading_none(void)
{
	return (struct reading){.value = NUMBER_UNKNOWN,
				.limit = NUMBER_UNKNOWN,
				.code = NUMBER_UNKNOWN,
				.level = NUMBER_UNKNOWN,
				.other = NUMBER_UNKNOWN,
				.distance = NUMBER_UNKNOWN,
				.start_ms = TIME_NONE,
				.confidence = CONFIDENCE_HIGH};
}

static void fold_numbers(struct episode *e, const struct reading *m)
{
	int64_t *n = e->numbers;
	if (m->limit != NUMBER_UNKNOWN)
		n[FINDING_LIMIT] = m->limit;
	if (m->distance != NUMBER_UNKNOWN)
		n[FINDING_DISTANCE] = m->distance;
	if (n[FINDING_CODE] == NUMBER_UNKNOWN)
		n[FINDING_CODE] = m->code;
	if (m->level > n[FINDING_LEVEL])
		n[FINDING_LEVEL] = m->level;
	if (m->value == NUMBER_UNKNOWN)
		return;
	if (m->value > n[FINDING_PEAK]) {
		n[FINDING_PEAK] = m->value;
		n[FINDING_OTHER] = m->other;
	}
	n[FINDING_SUM] = n[FINDING_SUM] == NUMBER_UNKNOWN ? m->value : n[FINDING_SUM] + m->value;
}

/* A band is reached when its own condition has held for `hold` and `points` in a row. */
static void fold_bands(struct episode *e, const struct rule *rule, uint8_t bands, int64_t now)
{
	for (unsigned i = 0; i < BANDS; i++) {
		struct band *b = &e->bands[i];
		if (!(bands >> i & 1)) {
			*b = (struct band){TIME_NONE, 0};
			continue;
		}
		if (b->since_ms == TIME_NONE)
			b->since_ms = now;
		b->points++;
		if (now - b->since_ms >= rule->hold_ms && b->points >= rule->points)
			e->band_reached |= (uint8_t)(1u << i);
	}
}

void episode_grow(struct step *st, const struct plan_rule *p, struct episode *e, const struct reading *m)
{
	uint8_t confidence = step_confidence(st, p->rule->kind, m->confidence);
	if (confidence < e->confidence)
		e->confidence = confidence;
	e->rule_version = p->rule->version;
	e->last_ms = e->seen_ms = st->now;
	e->last_lat_e7 = st->lat_e7;
	e->last_lon_e7 = st->lon_e7;
	e->fail_ms = TIME_NONE;
	e->points++;
	fold_numbers(e, m);
	fold_bands(e, p->rule, m->bands, st->now);
}

void episode_found(struct step *st, const struct plan_rule *p, struct episode *e)
{
	e->flags |= EPISODE_FOUND;
	e->found_ms = st->now;
	episode_tell(st->s, e, p->rule, true, st->sink);
}

/* It holds at this report: grows, and is found when it has met its hold. */
static void hold(struct step *st, const struct plan_rule *p, struct episode *e, const struct reading *m, bool at_once)
{
	episode_grow(st, p, e, m);
	bool met = st->now - e->start_ms >= p->rule->hold_ms && e->points >= p->rule->points;
	if (!(e->flags & EPISODE_FOUND) && (at_once || met))
		episode_found(st, p, e);
}

static enum verdict tristate_meets(unsigned wanted, unsigned is)
{
	if (wanted == EITHER || wanted == is)
		return HOLDS;
	return is == EITHER ? UNTOLD : FAILS;
}

enum verdict rule_conditions(struct step *st, const struct plan_rule *p)
{
	enum verdict loaded = tristate_meets(p->rule->loaded, st->loaded);
	enum verdict moving = tristate_meets(p->rule->moving, st->moving);
	if (!is_asked_for(p, &st->s->subject))
		return FAILS;
	if (loaded == FAILS || moving == FAILS || (!p->always && !schedule_active(&p->rule->when, st->now)))
		return FAILS;
	return loaded == HOLDS && moving == HOLDS ? HOLDS : UNTOLD;
}

/* The rule's whole condition: false when any part of it is, unknown when any part of it then is. */
static enum verdict rule_judge(struct step *st, const struct plan_rule *p, const struct place *at,
			       const struct episode *e, struct reading *m)
{
	if (!st->judged && (p->rule->where_mode != WHERE_ANY || p->kind->place_needed))
		return e && rule_conditions(st, p) == FAILS ? FAILS : UNTOLD;
	if (p->rule->where_mode == WHERE_NOT_TAG && !places_meet_where(p, &st->places))
		return FAILS;
	enum verdict v = p->kind->judge(st, p, at, e, m);
	if (v == FAILS || (!e && v != HOLDS && v != HOLDS_FOUND))
		return v;
	enum verdict conditions = rule_conditions(st, p);
	return conditions == HOLDS ? v : conditions;
}

/* The condition failed at this report: whether that ends the episode. */
static bool fail(struct step *st, const struct rule *rule, struct episode *e)
{
	fold_bands(e, rule, 0, st->now);
	e->seen_ms = st->now;
	if (e->fail_ms == TIME_NONE)
		e->fail_ms = st->now;
	return st->now - e->fail_ms >= rule->release_ms;
}

static enum status begin(struct step *st, const struct plan_rule *p, const struct place *at, const struct reading *m,
			 bool at_once)
{
	struct episode key;
	uint32_t i;
	episode_init(&key, st, p, at ? at->fence : NULL);
	if (m->start_ms != TIME_NONE) {
		key.start_ms = m->start_ms;
		key.start_lat_e7 = m->start_lat_e7;
		key.start_lon_e7 = m->start_lon_e7;
	}
	key.base = m->base;
	enum status status = episode_insert(st->s, &key, &i);
	if (status != STATUS_OK)
		return status;
	hold(st, p, &st->s->episodes[i], m, at_once);
	st->s->episodes[i].flags |= EPISODE_TOUCHED;
	return STATUS_OK;
}

/* The episode of the rule at a place (or none), from st->entry on; s->count when there is none. */
static uint32_t episode_find(const struct step *st, const struct plan_rule *p, const struct place *at)
{
	const struct detect_state *s = st->s;
	uint32_t i = st->entry;
	for (; i < s->count && s->episodes[i].rule == (uint16_t)(p - st->plan->rules); i++) {
		const struct episode *e = &s->episodes[i];
		if (!at ? e->fence_id[0] == 0
			: e->fence_version == at->fence->version && strcmp(e->fence_id, at->fence->id) == 0)
			return i;
	}
	return s->count;
}

/* One rule at one place. */
static enum status advance(struct step *st, const struct plan_rule *p, const struct place *at)
{
	struct detect_state *s = st->s;
	uint32_t i = episode_find(st, p, at);
	if (i < s->count && gap_exceeded(p->rule, s->episodes[i].seen_ms, st->now)) {
		episode_finish(s, i, p->rule, st->sink);
		i = s->count;
	}
	struct episode *e = i < s->count ? &s->episodes[i] : NULL;
	struct reading m = reading_none();
	enum verdict v = rule_judge(st, p, at, e, &m);
	bool holds = v == HOLDS || v == HOLDS_FOUND;
	if (!e)
		return holds ? begin(st, p, at, &m, v == HOLDS_FOUND) : STATUS_OK;
	e->flags |= EPISODE_TOUCHED;
	if (holds) {
		hold(st, p, e, &m, v == HOLDS_FOUND);
	} else if (v == STAYS) {
		fold_bands(e, p->rule, 0, st->now);
		e->seen_ms = st->now;
		e->fail_ms = TIME_NONE;
	} else if (v == FAILS && fail(st, p->rule, e)) {
		episode_finish(s, i, p->rule, st->sink);
	}
	return STATUS_OK;
}

/* Whether the version of the fence holds no longer, so that nothing is left to be released. */
static bool fence_is_over(const struct step *st, const struct episode *e)
{
	if (!e->fence_id[0])
		return false;
	const struct fence *f = fence_set_find(st->d->context.fences, span_of_string(e->fence_id), st->now);
	return !f || f->version != e->fence_version;
}

/* An episode at a place that the report is not in, or cannot tell. True when it was ended. */
static bool leave(struct step *st, const struct plan_rule *p, uint32_t i)
{
	struct episode *e = &st->s->episodes[i];
	bool over = gap_exceeded(p->rule, e->seen_ms, st->now);
	if (!over && st->judged)
		over = fail(st, p->rule, e) || fence_is_over(st, e);
	else if (!over && rule_conditions(st, p) == FAILS)
		over = fail(st, p->rule, e);
	if (over)
		episode_finish(st->s, i, p->rule, st->sink);
	return over;
}

enum status episodes_advance(struct step *st, const struct plan_rule *p)
{
	struct detect_state *s = st->s;
	uint16_t number = (uint16_t)(p - st->plan->rules);
	enum status status = STATUS_OK;
	if (p->rule->where_mode == WHERE_ANY || p->rule->where_mode == WHERE_NOT_TAG)
		status = advance(st, p, NULL);
	else
		for (uint32_t k = 0; k < st->places.count && status == STATUS_OK; k++)
			if (place_is_where(p, &st->places.at[k]))
				status = advance(st, p, &st->places.at[k]);
	while (st->entry < s->count && s->episodes[st->entry].rule == number) {
		struct episode *e = &s->episodes[st->entry];
		if (e->flags & EPISODE_TOUCHED)
			e->flags &= (uint8_t)~EPISODE_TOUCHED;
		else if (leave(st, p, st->entry))
			continue;
		st->entry++;
	}
	return status;
}
