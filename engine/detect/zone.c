/* zone.c -- where and when one may be: zone, off_route, off_hours, dwell, unregistered, expired, no_video, detour. */
#include "engine/detect/detect_step.h"
#include "engine/geo/distance.h"

/* --- permits --- */

static bool permit_is_valid(const struct permit_view *v, int64_t time_ms)
{
	return time_ms >= v->valid_from_ms && time_ms < v->valid_to_ms;
}

static bool permit_names(const struct permit_view *v, uint64_t place)
{
	for (unsigned i = 0; i < v->fence_count; i++)
		if (v->places[i] == place)
			return true;
	return false;
}

/* A permit of the kind, valid and within its hours now; that names the place when there is one. */
static bool permitted(const struct step *st, unsigned kind, const struct place *at)
{
	const struct subject_view *subject = &st->s->subject;
	for (unsigned i = 0; i < subject->permit_count; i++) {
		const struct permit_view *v = &subject->permits[i];
		if (v->kind == kind && permit_is_valid(v, st->now) && (!at || permit_names(v, at->number)) &&
		    schedule_active(&v->hours, st->now))
			return true;
	}
	return false;
}

enum verdict zone_judge(struct step *st, const struct plan_rule *p, const struct place *at, const struct episode *e,
			struct reading *out)
{
	(void)e;
	const int64_t *v = p->rule->params;
	out->confidence = p->kind->confidence;
	if (v[PARAM_ZONE_EXEMPT] && places_with_tag(&st->places, (uint16_t)v[PARAM_ZONE_EXEMPT]))
		return FAILS;
	if (v[PARAM_ZONE_PERMIT] && at && permitted(st, PERMIT_ZONE, at))
		return FAILS;
	if (v[PARAM_ZONE_RELAY] && permitted(st, PERMIT_RELAY, NULL))
		return FAILS;
	return HOLDS;
}

/* --- between two reports: crossed, and neither of them inside --- */

/* Whether what happened between the last fix and now can count for the rule at all. */
static bool may_cross(struct step *st, const struct plan_rule *p)
{
	const struct fix *from = &st->s->fix;
	int64_t dt_ms = st->now - from->time_ms;
	uint16_t exempt = (uint16_t)p->rule->params[PARAM_ZONE_EXEMPT];
	int64_t fastest_dkmh = class_is_of_sea(st->s->subject.class_code) ? CROSSING_SEA_DKMH_MAX : CROSSING_DKMH_MAX;
	return !gap_exceeded(p->rule, from->time_ms, st->now) && from->time_ms >= st->plan->from_ms &&
	       (p->always || schedule_active(&p->rule->when, from->time_ms)) && rule_conditions(st, p) == HOLDS &&
	       !(exempt && places_with_tag(&st->crossed, exempt)) &&
	       !(p->rule->params[PARAM_ZONE_RELAY] && permitted(st, PERMIT_RELAY, NULL)) &&
	       step_leg(st) * 36 <= fastest_dkmh * dt_ms;
}

static bool is_seen_inside(const struct step *st, const struct fence *f)
{
	for (uint32_t i = 0; i < st->places.count; i++)
		if (st->places.at[i].fence == f)
			return true;
	return fence_area_contains(f->area, (struct geo_point){st->s->fix.lat_e7, st->s->fix.lon_e7});
}

static void tell_crossing(struct step *st, const struct plan_rule *p, const struct fence *f)
{
	struct episode e;
	struct reading m = reading_none();
	m.confidence = CONFIDENCE_LOW;
	m.code = CODE_CROSSED;
	m.distance = step_leg(st);
	episode_init(&e, st, p, f);
	e.start_ms = st->s->fix.time_ms;
	e.start_lat_e7 = st->s->fix.lat_e7;
	e.start_lon_e7 = st->s->fix.lon_e7;
	episode_grow(st, p, &e, &m);
	e.points = 0; /* no report is inside */
	e.found_ms = st->now;
	episode_tell(st->s, &e, p->rule, false, st->sink);
}

void crossings_tell(struct step *st, const struct plan_rule *p)
{
	if (!may_cross(st, p))
		return;
	for (uint32_t i = 0; i < st->crossed.count; i++) {
		const struct place *at = &st->crossed.at[i];
		if (!place_is_where(p, at) || is_seen_inside(st, at->fence) ||
		    (p->rule->params[PARAM_ZONE_PERMIT] && permitted(st, PERMIT_ZONE, at)))
			continue;
		tell_crossing(st, p, at->fence);
	}
}

/* Whether a ROUTE permit with a route holds now, and whether the report is on any such route. */
static void look_for_route(const struct step *st, bool *out_any, bool *out_on)
{
	const struct subject_view *subject = &st->s->subject;
	for (unsigned i = 0; i < subject->permit_count; i++) {
		const struct permit_view *v = &subject->permits[i];
		if (v->kind != PERMIT_ROUTE || !v->fence_count || !permit_is_valid(v, st->now))
			continue;
		*out_any = true;
		for (uint32_t k = 0; k < st->places.count; k++)
			*out_on |= permit_names(v, st->places.at[k].number);
	}
}

enum verdict off_route_judge(struct step *st, const struct plan_rule *p, const struct place *at,
			     const struct episode *e, struct reading *out)
{
	(void)at;
	bool any = false, on = false;
	if (st->moving == NO)
		return FAILS;
	look_for_route(st, &any, &on);
	if (!any || on)
		return FAILS;
	if (st->moving == EITHER)
		return UNTOLD;
	int64_t limit_mm = p->rule->params[PARAM_OFF_ROUTE_DISTANCE];
	int64_t before_mm = e ? e->numbers[FINDING_DISTANCE] : 0;
	int64_t leg_mm = e ? distance_mm(e->last_lat_e7, e->last_lon_e7, st->lat_e7, st->lon_e7) : 0;
	out->distance = before_mm + leg_mm;
	if (limit_mm)
		out->limit = limit_mm;
	return limit_mm && out->distance >= limit_mm ? HOLDS_FOUND : HOLDS;
}

enum verdict off_hours_judge(struct step *st, const struct plan_rule *p, const struct place *at,
			     const struct episode *e, struct reading *out)
{
	(void)at;
	(void)e;
	(void)out;
	const struct subject_view *subject = &st->s->subject;
	bool any = false;
	if (st->moving == NO)
		return FAILS;
	for (unsigned i = 0; i < subject->permit_count; i++)
		any |= subject->permits[i].kind == PERMIT_ROUTE && permit_is_valid(&subject->permits[i], st->now);
	if (any ? permitted(st, PERMIT_ROUTE, NULL) : !p->rule->params[PARAM_OFF_HOURS_REQUIRE])
		return FAILS;
	return st->moving == EITHER ? UNTOLD : HOLDS;
}

/* By the way from the fix before, 0.1 km/h; -1: none within the rule's gap. */
static int32_t leg_speed(struct step *st, const struct rule *r)
{
	const struct fix *f = &st->s->fix;
	if (!st->judged || f->time_ms == TIME_NONE || st->now - f->time_ms < MS_PER_SECOND ||
	    gap_exceeded(r, f->time_ms, st->now))
		return -1;
	int64_t dkmh = step_leg(st) * 36 / (st->now - f->time_ms);
	return dkmh > INT32_MAX ? INT32_MAX : (int32_t)dkmh;
}

enum verdict dwell_judge(struct step *st, const struct plan_rule *p, const struct place *at, const struct episode *e,
			 struct reading *out)
{
	(void)at;
	(void)e;
	(void)out;
	int32_t speed_dkmh = step_speed(st, 0);
	if (speed_dkmh < 0 && class_is_of_sea(st->s->subject.class_code))
		speed_dkmh = leg_speed(st, p->rule); /* beacons do not say */
	if (speed_dkmh < 0)
		return UNTOLD;
	return speed_dkmh < p->rule->params[PARAM_DWELL_STILL] ? HOLDS : FAILS;
}

enum verdict unregistered_judge(struct step *st, const struct plan_rule *p, const struct place *at,
				const struct episode *e, struct reading *out)
{
	(void)p;
	(void)at;
	(void)e;
	(void)out;
	return st->s->subject.registered ? FAILS : HOLDS;
}

static enum verdict when_moving(const struct step *st, bool condition)
{
	if (!condition || st->moving == NO)
		return FAILS;
	return st->moving == EITHER ? UNTOLD : HOLDS;
}

/* The instant since which no BUSINESS permit is valid although one has been; DUE_UNKNOWN when one is, or none was. */
static int64_t business_due_ms(const struct step *st)
{
	const struct subject_view *subject = &st->s->subject;
	int64_t due_ms = INT64_MIN;
	for (unsigned i = 0; i < subject->permit_count; i++) {
		const struct permit_view *v = &subject->permits[i];
		if (v->kind != PERMIT_BUSINESS || v->valid_from_ms > st->now)
			continue;
		if (v->valid_to_ms > due_ms)
			due_ms = v->valid_to_ms;
	}
	return due_ms == INT64_MIN ? DUE_UNKNOWN : due_ms;
}

enum verdict expired_judge(struct step *st, const struct plan_rule *p, const struct place *at, const struct episode *e,
			   struct reading *out)
{
	(void)at;
	(void)e;
	int64_t what = p->rule->params[PARAM_EXPIRED_WHAT];
	int64_t due_ms = what == EXPIRED_BUSINESS ? business_due_ms(st)
						  : st->s->subject.due_ms[what < EXPIRED_BUSINESS ? what : what - 1];
	bool over = due_ms != DUE_UNKNOWN && st->now >= due_ms;
	out->code = what;
	out->limit = due_ms;
	if (expired_is_of_boat(p->rule)) /* at sea is enough: a beacon does not say how fast */
		return over ? HOLDS : FAILS;
	return when_moving(st, over);
}

enum verdict no_video_judge(struct step *st, const struct plan_rule *p, const struct place *at, const struct episode *e,
			    struct reading *out)
{
	(void)at;
	(void)e;
	const struct subject_view *subject = &st->s->subject;
	out->limit = p->rule->params[PARAM_NO_VIDEO_SINCE];
	return when_moving(st, !subject->has_video && subject->joined_ms >= p->rule->params[PARAM_NO_VIDEO_SINCE]);
}

/* --- detour: an entry is a fence of tag `before`, `last` the last report inside it --- */

static void detour_find(struct step *st, const struct plan_rule *p, const struct episode *left)
{
	struct episode e = *left;
	if (rule_conditions(st, p) != HOLDS || !places_meet_where(p, &st->places))
		return;
	struct reading m = reading_none();
	m.limit = p->rule->params[PARAM_DETOUR_TIME];
	m.confidence = p->kind->confidence;
	e.start_ms = left->last_ms;
	e.start_lat_e7 = left->last_lat_e7;
	e.start_lon_e7 = left->last_lon_e7;
	episode_grow(st, p, &e, &m);
	e.found_ms = st->now;
	episode_tell(st->s, &e, p->rule, false, st->sink);
}

static const struct place *place_of_episode(const struct step *st, const struct episode *e)
{
	for (uint32_t i = 0; i < st->places.count; i++) {
		const struct fence *f = st->places.at[i].fence;
		if (f->version == e->fence_version && strcmp(f->id, e->fence_id) == 0)
			return &st->places.at[i];
	}
	return NULL;
}

/* One fence that was visited; true when it no longer counts. */
static bool detour_step(struct step *st, const struct plan_rule *p, struct episode *e)
{
	const int64_t *v = p->rule->params;
	if (places_with_tag(&st->places, (uint16_t)v[PARAM_DETOUR_STATION]))
		return true;
	if (place_of_episode(st, e)) {
		e->last_ms = e->seen_ms = st->now;
		e->last_lat_e7 = st->lat_e7;
		e->last_lon_e7 = st->lon_e7;
		return false;
	}
	if (st->now - e->last_ms > v[PARAM_DETOUR_TIME])
		return true;
	if (!places_with_tag(&st->places, (uint16_t)v[PARAM_DETOUR_AFTER]))
		return false;
	detour_find(st, p, e);
	return true;
}

static enum status detour_begin(struct step *st, const struct plan_rule *p, uint32_t end)
{
	const int64_t *v = p->rule->params;
	struct detect_state *s = st->s;
	uint32_t first = st->entry;
	st->entry = end;
	if (places_with_tag(&st->places, (uint16_t)v[PARAM_DETOUR_STATION]))
		return STATUS_OK;
	for (uint32_t i = 0; i < st->places.count; i++) {
		const struct fence *f = st->places.at[i].fence;
		bool known = !fence_has_tag(f, (uint16_t)v[PARAM_DETOUR_BEFORE]);
		for (uint32_t k = first; k < st->entry && !known; k++)
			known = place_of_episode(st, &s->episodes[k]) == &st->places.at[i];
		if (known)
			continue;
		struct episode key;
		uint32_t at;
		episode_init(&key, st, p, f);
		key.points = 1;
		enum status status = episode_insert(s, &key, &at);
		if (status != STATUS_OK)
			return status;
		st->entry++;
	}
	return STATUS_OK;
}

enum status detour_run(struct step *st, const struct plan_rule *p)
{
	struct detect_state *s = st->s;
	uint16_t number = (uint16_t)(p - st->plan->rules);
	uint32_t i = st->entry;
	while (i < s->count && s->episodes[i].rule == number) {
		if (st->judged && detour_step(st, p, &s->episodes[i]))
			episode_remove(s, i);
		else
			i++;
	}
	if (st->judged)
		return detour_begin(st, p, i);
	st->entry = i;
	return STATUS_OK;
}
