/* silence.c -- what is missing or cannot be: gap, port_gap, silent, no_fix, frozen, shielded, two_places. */
#include "engine/detect/detect_step.h"
#include "engine/geo/distance.h"

/* --- gap: told once, by the report that ends it --- */

static bool gap_is_of_dead_zone(const struct step *st)
{
	const struct detect_context *c = &st->d->context;
	const struct fix *f = &st->s->fix;
	return c->dead_zone && c->dead_zone(c->zones, f->time_ms, f->lat_e7, f->lon_e7);
}

enum status gap_run(struct step *st, const struct plan_rule *p)
{
	const struct detect_state *s = st->s;
	const int64_t *v = p->rule->params;
	if (!st->judged || s->fix.time_ms == TIME_NONE || st->now - s->last.time_ms <= v[PARAM_GAP_TIME] ||
	    step_leg(st) <= v[PARAM_GAP_DISTANCE])
		return STATUS_OK;
	if (rule_conditions(st, p) != HOLDS || !places_meet_where(p, &st->places) || gap_is_of_dead_zone(st))
		return STATUS_OK;
	struct episode e;
	struct reading m = reading_none();
	m.limit = v[PARAM_GAP_DISTANCE];
	m.distance = step_leg(st);
	/* without a fix at the last report the way may have been made before the silence */
	m.confidence = s->fix.time_ms == s->last.time_ms ? CONFIDENCE_HIGH : CONFIDENCE_MEDIUM;
	episode_init(&e, st, p, NULL);
	e.start_ms = s->last.time_ms;
	e.start_lat_e7 = s->fix.lat_e7;
	e.start_lon_e7 = s->fix.lon_e7;
	e.points = 1;
	episode_grow(st, p, &e, &m);
	e.found_ms = st->now;
	episode_tell(s, &e, p->rule, false, st->sink);
	return STATUS_OK;
}

/* --- port_gap: a gap that begins in the waters before a harbour and ends there or in port --- */

/* The fence of tag `mouth` that held the last fix, in no harbour then; `*out` NULL for none. */
static enum status mouth_of(struct step *st, const struct plan_rule *p, const struct fence **out)
{
	struct places places;
	struct detect_state *s = st->s;
	uint16_t tag = (uint16_t)p->rule->params[PARAM_PORT_GAP_TAG];
	uint16_t mouth = (uint16_t)p->rule->params[PARAM_PORT_GAP_MOUTH];
	struct geo_point at = {s->fix.lat_e7, s->fix.lon_e7};
	*out = NULL;
	enum status status =
		places_find(st->d, &s->cursor, at, s->fix.time_ms, tag_bit(tag) | tag_bit(mouth), false, &places);
	if (status == STATUS_OK && !places_with_tag(&places, tag)) {
		const struct place *before = places_with_tag(&places, mouth);
		*out = before ? before->fence : NULL;
	}
	places_free(&places);
	return status;
}

enum status port_gap_run(struct step *st, const struct plan_rule *p)
{
	const struct detect_state *s = st->s;
	const int64_t *v = p->rule->params;
	const struct fence *mouth;
	if (!st->judged || s->fix.time_ms == TIME_NONE || st->now - s->last.time_ms <= v[PARAM_PORT_GAP_TIME])
		return STATUS_OK;
	if (!places_with_tag(&st->places, (uint16_t)v[PARAM_PORT_GAP_TAG]) &&
	    !places_with_tag(&st->places, (uint16_t)v[PARAM_PORT_GAP_MOUTH]))
		return STATUS_OK;
	if (rule_conditions(st, p) != HOLDS || !places_meet_where(p, &st->places) || gap_is_of_dead_zone(st))
		return STATUS_OK;
	enum status status = mouth_of(st, p, &mouth);
	if (status != STATUS_OK || !mouth)
		return status;
	struct episode e;
	struct reading m = reading_none();
	m.limit = v[PARAM_PORT_GAP_TIME];
	m.value = st->now - s->last.time_ms;
	m.distance = step_leg(st);
	m.confidence = p->kind->confidence;
	episode_init(&e, st, p, mouth);
	e.start_ms = s->last.time_ms;
	e.start_lat_e7 = s->fix.lat_e7;
	e.start_lon_e7 = s->fix.lon_e7;
	e.points = 1;
	episode_grow(st, p, &e, &m);
	e.found_ms = st->now;
	episode_tell(s, &e, p->rule, false, st->sink);
	return STATUS_OK;
}

/* --- silent: no entry; the last report says all --- */

static bool was_under_way(const struct last_report *last)
{
	return last->status & STATUS_BIT_ACC || moving_of(last->speed_dkmh) == YES;
}

static bool condition_met(unsigned wanted, unsigned is)
{
	return wanted == EITHER || wanted == is;
}

/* Of fences that say where the rule is silent about. */
static uint64_t silent_bits(const struct plan_rule *p)
{
	const struct rule *r = p->rule;
	uint16_t exempt = (uint16_t)r->params[PARAM_SILENT_EXEMPT];
	uint64_t where = r->where_mode == WHERE_NOT_TAG ? tag_bit(r->where_tag) : p->place_bits;
	return where | (exempt ? tag_bit(exempt) : 0);
}

static enum status silent_where(struct detect_state *s, const struct detector *d, const struct plan_rule *p,
				bool *out_met)
{
	struct places places;
	uint16_t exempt = (uint16_t)p->rule->params[PARAM_SILENT_EXEMPT];
	*out_met = p->rule->where_mode == WHERE_ANY;
	if ((*out_met && !exempt) || s->fix.time_ms != s->last.time_ms)
		return STATUS_OK;
	uint64_t bits = silent_bits(p);
	struct geo_point at = {s->fix.lat_e7, s->fix.lon_e7};
	enum status status = places_find(d, &s->cursor, at, s->fix.time_ms, bits, false, &places);
	if (status == STATUS_OK)
		*out_met = places_meet_where(p, &places) && !(exempt && places_with_tag(&places, exempt));
	places_free(&places);
	return status;
}

enum status silent_due(struct detect_state *s, const struct detector *d, const struct plan_rule *p, int64_t *out_due_ms)
{
	const struct rule *r = p->rule;
	int64_t due_ms = s->last.time_ms + r->params[PARAM_SILENT_TIME];
	bool met = false;
	*out_due_ms = INT64_MAX;
	if (!is_asked_for(p, &s->subject))
		return STATUS_OK;
	if ((!r->params[PARAM_SILENT_STANDING] && !was_under_way(&s->last)) ||
	    !condition_met(r->moving, moving_of(s->last.speed_dkmh)) || !condition_met(r->loaded, s->last.loaded) ||
	    (!p->always && !schedule_active(&r->when, due_ms)))
		return STATUS_OK;
	enum status status = silent_where(s, d, p, &met);
	if (status == STATUS_OK && met)
		*out_due_ms = due_ms;
	return status;
}

static void silent_episode(const struct detect_state *s, const struct plan_rule *p, int64_t due_ms, struct episode *e)
{
	bool fixed = s->fix.time_ms != TIME_NONE;
	memset(e, 0, sizeof *e);
	memcpy(e->rule_id, p->rule->id, sizeof e->rule_id);
	e->kind = p->rule->kind;
	e->rule_version = p->rule->version;
	e->driver = s->driver ? s->driver : s->subject.driver;
	e->confidence = s->subject.registered ? CONFIDENCE_HIGH : CONFIDENCE_LOW;
	e->points = 1;
	e->start_ms = e->last_ms = s->last.time_ms;
	e->found_ms = due_ms;
	e->start_lat_e7 = e->last_lat_e7 = fixed ? s->fix.lat_e7 : s->last.lat_e7;
	e->start_lon_e7 = e->last_lon_e7 = fixed ? s->fix.lon_e7 : s->last.lon_e7;
	for (unsigned i = 0; i < FINDING_NUMBER_COUNT; i++)
		e->numbers[i] = NUMBER_UNKNOWN;
	e->numbers[FINDING_LIMIT] = p->rule->params[PARAM_SILENT_TIME];
}

enum status silent_tell(struct detect_state *s, const struct detector *d, int64_t after_ms, int64_t to_ms,
			const struct report *ended_by, struct detect_sink *sink)
{
	const struct class_plan *c = &s->plan->classes[s->subject.class_code];
	for (uint32_t k = 0; k < c->silent_count; k++) {
		const struct plan_rule *p = &s->plan->rules[c->silent[k]];
		struct episode e;
		int64_t due_ms;
		enum status status = silent_due(s, d, p, &due_ms);
		if (status != STATUS_OK)
			return status;
		if (due_ms == INT64_MAX || due_ms <= after_ms || due_ms > to_ms)
			continue;
		silent_episode(s, p, due_ms, &e);
		e.numbers[FINDING_DURATION] = to_ms - s->last.time_ms;
		if (ended_by) {
			e.points = 2;
			e.last_ms = ended_by->time_ms;
			if (!(ended_by->flags & REPORT_FLAG_NO_FIX)) {
				e.last_lat_e7 = ended_by->lat_e7;
				e.last_lon_e7 = ended_by->lon_e7;
			}
		}
		episode_tell(s, &e, p->rule, !ended_by, sink);
	}
	return STATUS_OK;
}

/* --- no_fix, frozen, shielded --- */

enum verdict no_fix_judge(struct step *st, const struct plan_rule *p, const struct place *at, const struct episode *e,
			  struct reading *out)
{
	(void)at;
	const struct report *r = st->r;
	uint32_t before_hm = st->s->last.time_ms == TIME_NONE ? MILEAGE_UNKNOWN : st->s->last.mileage_hm;
	if (!(r->flags & REPORT_FLAG_NO_FIX))
		return FAILS;
	bool grown = r->mileage_hm != MILEAGE_UNKNOWN && before_hm != MILEAGE_UNKNOWN && r->mileage_hm > before_hm;
	bool rolls = st->moving == YES || (r->items_size && step_items(st)->recorder_dkmh >= MOVING_DKMH);
	if (!grown && !rolls)
		return STAYS; /* an odometer counts 100 m: between two counts nothing is said */
	out->base = before_hm == MILEAGE_UNKNOWN ? -1 : (int64_t)before_hm;
	int64_t base_hm = e ? e->base : out->base;
	if (base_hm >= 0 && r->mileage_hm != MILEAGE_UNKNOWN && r->mileage_hm >= base_hm)
		out->distance = ((int64_t)r->mileage_hm - base_hm) * 100000;
	out->confidence = p->kind->confidence;
	return HOLDS;
}

enum verdict frozen_judge(struct step *st, const struct plan_rule *p, const struct place *at, const struct episode *e,
			  struct reading *out)
{
	(void)at;
	(void)e;
	const struct report *r = st->r;
	const struct anchor *a = &st->s->anchor;
	if (r->flags & REPORT_FLAG_NO_FIX || r->mileage_hm == MILEAGE_UNKNOWN)
		return UNTOLD;
	if (!at_anchor(a, r))
		return FAILS;
	int64_t grown_mm = ((int64_t)r->mileage_hm - a->mileage_hm) * 100000;
	if (grown_mm <= p->rule->params[PARAM_FROZEN_DISTANCE])
		return FAILS;
	out->distance = grown_mm;
	out->limit = p->rule->params[PARAM_FROZEN_DISTANCE];
	out->start_ms = a->time_ms;
	out->start_lat_e7 = a->lat_e7;
	out->start_lon_e7 = a->lon_e7;
	out->confidence = p->kind->confidence;
	return HOLDS;
}

enum verdict shielded_judge(struct step *st, const struct plan_rule *p, const struct place *at, const struct episode *e,
			    struct reading *out)
{
	(void)at;
	(void)e;
	const struct step_items *items = step_items(st);
	int64_t signal = p->rule->params[PARAM_SHIELDED_SIGNAL];
	if (items->satellites > 0 || (items->signal >= 0 && items->signal < signal))
		return FAILS;
	if (items->satellites < 0 || items->signal < 0)
		return UNTOLD;
	out->value = items->signal;
	out->limit = signal;
	out->confidence = p->kind->confidence;
	return HOLDS;
}

/* --- two_places: an entry for each jump from which `times` may still be counted ---
 *
 *   A ══> B ══> A ══> B       jumps back and forth; `base` is where the last one began
 *     [ entry 1: 3 jumps ]
 *            [ entry 2: 2 ]   the first entry with `times` jumps within `time` is found, the others go */

/* Whether this fix is nearer to where the last jump began than to where it ended: it goes back. */
static bool jumps_back(struct step *st, int64_t base)
{
	struct geo_point from = position_unpack(base);
	return distance_mm(from.lat_e7, from.lon_e7, st->r->lat_e7, st->r->lon_e7) < step_leg(st);
}

static bool is_jump(struct step *st, const struct plan_rule *p, struct reading *m)
{
	const struct fix *f = &st->s->fix;
	if (!st->judged || f->time_ms == TIME_NONE)
		return false;
	int64_t dt_ms = st->now - f->time_ms;
	if (dt_ms < MS_PER_SECOND) /* terminals tell whole seconds */
		dt_ms = MS_PER_SECOND;
	m->limit = p->rule->params[PARAM_TWO_PLACES_LIMIT];
	if (step_leg(st) * 36 / dt_ms < m->limit || step_leg(st) * 36 <= m->limit * dt_ms)
		return false;
	m->value = step_leg(st) * 36 / dt_ms;
	m->confidence = p->kind->confidence;
	return rule_conditions(st, p) == HOLDS && places_meet_where(p, &st->places);
}

/* What can no longer reach `times` within `time`, or has ended. */
static void jumps_expire(struct step *st, const struct plan_rule *p, bool jump)
{
	struct detect_state *s = st->s;
	uint16_t number = (uint16_t)(p - st->plan->rules);
	int64_t time_ms = p->rule->params[PARAM_TWO_PLACES_TIME];
	uint32_t i = st->entry;
	while (i < s->count && s->episodes[i].rule == number) {
		const struct episode *e = &s->episodes[i];
		int64_t since_ms = e->flags & EPISODE_FOUND ? e->last_ms : e->start_ms;
		if (st->now - since_ms > time_ms || (jump && !jumps_back(st, e->base)))
			episode_finish(s, i, p->rule, st->sink);
		else
			i++;
	}
}

static enum status jump_begin(struct step *st, const struct plan_rule *p)
{
	struct episode key;
	uint32_t at;
	episode_init(&key, st, p, NULL);
	key.start_ms = st->s->fix.time_ms;
	key.start_lat_e7 = st->s->fix.lat_e7;
	key.start_lon_e7 = st->s->fix.lon_e7;
	return episode_insert(st->s, &key, &at);
}

/* The jump counts for every entry; the first that has enough is found and stands alone. */
static void jumps_count(struct step *st, const struct plan_rule *p, const struct reading *m)
{
	struct detect_state *s = st->s;
	uint16_t number = (uint16_t)(p - st->plan->rules);
	bool found = false;
	for (uint32_t i = st->entry; i < s->count && s->episodes[i].rule == number;) {
		struct episode *e = &s->episodes[i];
		if (found) {
			episode_remove(s, i);
			continue;
		}
		episode_grow(st, p, e, m);
		e->base = position_pack(s->fix.lat_e7, s->fix.lon_e7);
		if (step_leg(st) > e->numbers[FINDING_DISTANCE])
			e->numbers[FINDING_DISTANCE] = step_leg(st);
		if (!(e->flags & EPISODE_FOUND) && e->points >= p->rule->params[PARAM_TWO_PLACES_TIMES])
			episode_found(st, p, e);
		found = e->flags & EPISODE_FOUND;
		i++;
	}
}

enum status two_places_run(struct step *st, const struct plan_rule *p)
{
	struct detect_state *s = st->s;
	uint16_t number = (uint16_t)(p - st->plan->rules);
	struct reading m = reading_none();
	enum status status = STATUS_OK;
	bool jump = is_jump(st, p, &m);
	jumps_expire(st, p, jump);
	if (jump) {
		bool found = st->entry < s->count && s->episodes[st->entry].rule == number &&
			     s->episodes[st->entry].flags & EPISODE_FOUND;
		if (!found)
			status = jump_begin(st, p);
		if (status == STATUS_OK)
			jumps_count(st, p, &m);
	}
	while (st->entry < s->count && s->episodes[st->entry].rule == number)
		st->entry++;
	return status;
}
