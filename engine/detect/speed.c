/* speed.c -- overspeed, cover, section_speed, speed_mismatch: speeds against limits, compared exactly.
 *
 * Speeds are whole 0.1 km/h and limits whole percents of whole 0.1 km/h: both sides are multiplied out, nothing is
 * divided. 20 % over 40 km/h is 48.0 km/h and belongs to the band. A mean speed of L mm in t ms is L * 36 / t in
 * 0.1 km/h. */
#include "engine/detect/detect_step.h"

/* `over` and `limit` in the same unit: beyond the limit by at least so many percent; by anything for 0. */
static bool over_by(int64_t over, int64_t limit, int64_t percent)
{
	return percent ? over * 100 >= limit * percent : over > 0;
}

static uint8_t bands_of(int64_t over, int64_t limit)
{
	uint8_t bands = 0;
	for (unsigned i = 0; i < BANDS; i++)
		if (over_by(over, limit, band_percent[i]))
			bands |= (uint8_t)(1u << i);
	return bands;
}

enum verdict overspeed_judge(struct step *st, const struct plan_rule *p, const struct place *at,
			     const struct episode *e, struct reading *out)
{
	const int64_t *v = p->rule->params;
	int64_t limit_dkmh = v[PARAM_OVERSPEED_LIMIT];
	if (!limit_dkmh)
		limit_dkmh = at ? at->fence->limit_dkmh : 0;
	if (!limit_dkmh)
		return FAILS;
	int64_t speed_dkmh = step_speed(st, (unsigned)v[PARAM_OVERSPEED_SPEED_OF]);
	if (speed_dkmh < 0)
		return UNTOLD;
	int64_t limit = limit_dkmh * v[PARAM_OVERSPEED_PERCENT]; /* in 0.001 km/h, as `over` */
	int64_t over = speed_dkmh * 100 - limit;
	if (over_by(over, limit, v[PARAM_OVERSPEED_AT_LEAST])) {
		out->value = speed_dkmh;
		out->limit = limit / 100;
		out->bands = bands_of(over, limit);
		bool one_source = v[PARAM_OVERSPEED_SPEED_OF] == 2 || !st->judged;
		out->confidence = one_source ? CONFIDENCE_MEDIUM : CONFIDENCE_HIGH;
		return HOLDS;
	}
	/* hysteresis: not over the limit, and not far enough below it to end the episode */
	int64_t nearly = over + v[PARAM_OVERSPEED_MARGIN] * 100;
	return e && over_by(nearly, limit, v[PARAM_OVERSPEED_AT_LEAST]) ? STAYS : FAILS;
}

enum verdict cover_judge(struct step *st, const struct plan_rule *p, const struct place *at, const struct episode *e,
			 struct reading *out)
{
	(void)at;
	(void)e;
	int64_t limit_dkmh = p->rule->params[PARAM_COVER_LIMIT];
	int32_t speed_dkmh = step_speed(st, 0);
	if (st->loaded == NO || (speed_dkmh >= 0 && speed_dkmh <= limit_dkmh))
		return FAILS;
	enum tristate open = step_input(st, &st->plan->book->inputs.cover_open);
	if (open == NO)
		return FAILS;
	if (open == EITHER || st->loaded == EITHER || speed_dkmh < 0)
		return UNTOLD;
	out->value = speed_dkmh;
	out->limit = limit_dkmh;
	return HOLDS;
}

enum verdict speed_mismatch_judge(struct step *st, const struct plan_rule *p, const struct place *at,
				  const struct episode *e, struct reading *out)
{
	(void)at;
	(void)e;
	const int64_t *v = p->rule->params;
	bool by_position = v[PARAM_SPEED_MISMATCH_WITH] == 1;
	int64_t own = step_speed(st, 0), other = step_speed(st, by_position ? 2 : 1);
	if (own < 0 || other < 0)
		return UNTOLD;
	if (by_position) { /* the position's is a mean over the leg, so the terminal's is taken at both its ends */
		if (st->s->fix.speed_dkmh == SPEED_UNKNOWN)
			return UNTOLD;
		own = (own + st->s->fix.speed_dkmh) / 2;
		out->confidence = CONFIDENCE_MEDIUM;
	}
	int64_t difference = own > other ? own - other : other - own;
	out->value = difference;
	out->other = other;
	out->limit = v[PARAM_SPEED_MISMATCH_MARGIN];
	bool apart = difference > v[PARAM_SPEED_MISMATCH_MARGIN] &&
		     difference * 100 > other * v[PARAM_SPEED_MISMATCH_PERCENT];
	return apart ? HOLDS : FAILS;
}

/* --- sections: an entry is a passage going on, begun at the first report inside its entry fence --- */

/* Whether the ids are NAME-in and NAME-out. */
static bool same_section(const char *in, const char *out)
{
	size_t a = strlen(in), b = strlen(out);
	return a > 3 && b == a + 1 && strcmp(in + a - 3, "-in") == 0 && strcmp(out + b - 4, "-out") == 0 &&
	       memcmp(in, out, a - 3) == 0;
}

static void section_judge(struct step *st, const struct plan_rule *p, const struct episode *passage)
{
	struct episode e = *passage;
	int64_t limit_dkmh = p->rule->params[PARAM_SECTION_SPEED_LIMIT];
	int64_t t_ms = st->now - e.start_ms, way = e.base * 36, allowed = limit_dkmh * t_ms;
	if (t_ms <= 0 || way <= allowed || rule_conditions(st, p) != HOLDS)
		return;
	struct reading m = reading_none();
	m.value = way / t_ms;
	m.limit = limit_dkmh;
	m.distance = e.base;
	m.confidence = p->kind->confidence;
	episode_grow(st, p, &e, &m);
	e.numbers[FINDING_BAND] = 0;
	for (unsigned i = 0; i < BANDS; i++)
		if (over_by(way - allowed, allowed, band_percent[i]))
			e.numbers[FINDING_BAND] = band_percent[i];
	e.found_ms = st->now;
	episode_tell(st->s, &e, p->rule, false, st->sink);
}

/* A passage that a stand or a gap has spoilt. */
static bool passage_is_over(const struct step *st, const struct plan_rule *p, const struct episode *e)
{
	int64_t stop_ms = p->rule->params[PARAM_SECTION_SPEED_STOP];
	const struct detect_state *s = st->s;
	bool stood = stop_ms > 0 && st->moving == NO && s->stand_ms != TIME_NONE && st->now - s->stand_ms >= stop_ms;
	return stood || gap_exceeded(p->rule, e->seen_ms, st->now);
}

/* One passage at a judged report; true when it is over. */
static bool passage_step(struct step *st, const struct plan_rule *p, struct episode *e)
{
	uint16_t exit_tag = (uint16_t)p->rule->params[PARAM_SECTION_SPEED_EXIT];
	bool inside = false, at_exit = false;
	for (uint32_t i = 0; i < st->places.count; i++) {
		const struct fence *f = st->places.at[i].fence;
		inside |= f->version == e->fence_version && strcmp(f->id, e->fence_id) == 0;
		at_exit |= fence_has_tag(f, exit_tag) && same_section(e->fence_id, f->id);
	}
	if (inside && !(e->flags & EPISODE_INSIDE))
		return true; /* into the entry again: another passage */
	if (!at_exit && e->flags & EPISODE_EXIT) {
		section_judge(st, p, e);
		return true;
	}
	e->flags = (uint8_t)((inside ? EPISODE_INSIDE : 0) | (at_exit ? EPISODE_EXIT : 0));
	return false;
}

static enum status passages_begin(struct step *st, const struct plan_rule *p, uint32_t end)
{
	uint16_t entry_tag = (uint16_t)p->rule->params[PARAM_SECTION_SPEED_ENTRY];
	struct detect_state *s = st->s;
	for (uint32_t i = 0; i < st->places.count; i++) {
		const struct fence *f = st->places.at[i].fence;
		bool known = f->length_mm <= 0 || f->length_mm > SECTION_LENGTH_MAX_MM || !fence_has_tag(f, entry_tag);
		for (uint32_t k = st->entry; k < end && !known; k++)
			known = s->episodes[k].fence_version == f->version &&
				strcmp(s->episodes[k].fence_id, f->id) == 0;
		if (known)
			continue;
		struct episode key;
		uint32_t at;
		episode_init(&key, st, p, f);
		key.flags = EPISODE_INSIDE;
		key.base = f->length_mm;
		key.points = 1;
		enum status status = episode_insert(s, &key, &at);
		if (status != STATUS_OK)
			return status;
		end++;
	}
	st->entry = end;
	return STATUS_OK;
}

enum status section_run(struct step *st, const struct plan_rule *p)
{
	struct detect_state *s = st->s;
	uint16_t number = (uint16_t)(p - st->plan->rules);
	uint32_t i = st->entry;
	while (i < s->count && s->episodes[i].rule == number) {
		struct episode *e = &s->episodes[i];
		if (passage_is_over(st, p, e) || (st->judged && passage_step(st, p, e))) {
			episode_remove(s, i);
			continue;
		}
		e->seen_ms = st->now;
		i++;
	}
	if (st->judged)
		return passages_begin(st, p, i);
	st->entry = i;
	return STATUS_OK;
}
