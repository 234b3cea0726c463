/* detect.c -- the step: one report through every rule of its device's class. */
#include "engine/detect/detect.h"

#include <stdlib.h>

#include "engine/detect/detect_step.h"

static const struct kind kinds[RULE_KIND_COUNT] = {
	[RULE_OVERSPEED] = {overspeed_judge, NULL, 0, CONFIDENCE_HIGH, false},
	[RULE_ZONE] = {zone_judge, NULL, 0, CONFIDENCE_HIGH, true},
	[RULE_OFF_ROUTE] = {off_route_judge, NULL, NEED_MOVING | NEED_ROUTE, CONFIDENCE_HIGH, true},
	[RULE_OFF_HOURS] = {off_hours_judge, NULL, NEED_MOVING, CONFIDENCE_HIGH, false},
	[RULE_DWELL] = {dwell_judge, NULL, 0, CONFIDENCE_HIGH, true},
	[RULE_DUMPING] = {dumping_judge, NULL, NEED_TIPPED, CONFIDENCE_MEDIUM, true},
	[RULE_COVER] = {cover_judge, NULL, NEED_LOADED, CONFIDENCE_HIGH, false},
	[RULE_SECTION_SPEED] = {NULL, section_run, NEED_JUDGED, CONFIDENCE_HIGH, true},
	[RULE_GAP] = {NULL, gap_run, NEED_PAUSE | NEED_JUDGED, CONFIDENCE_HIGH, true},
	[RULE_NO_FIX] = {no_fix_judge, NULL, NEED_NO_FIX, CONFIDENCE_MEDIUM, false},
	[RULE_FROZEN] = {frozen_judge, NULL, NEED_ANCHOR, CONFIDENCE_MEDIUM, false},
	[RULE_SHIELDED] = {shielded_judge, NULL, NEED_BLIND, CONFIDENCE_MEDIUM, false},
	[RULE_ALARM_BITS] = {alarm_bits_judge, NULL, NEED_ALARM, CONFIDENCE_HIGH, false},
	[RULE_ALARM_ITEM] = {alarm_item_judge, NULL, NEED_ASSIST, CONFIDENCE_HIGH, false},
	[RULE_EXPIRED] = {expired_judge, NULL, NEED_MOVING | NEED_DUE, CONFIDENCE_HIGH, false},
	[RULE_NO_VIDEO] = {no_video_judge, NULL, NEED_MOVING | NEED_NO_VIDEO, CONFIDENCE_HIGH, false},
	[RULE_UNREGISTERED] = {unregistered_judge, NULL, NEED_STRANGER, CONFIDENCE_HIGH, false},
	[RULE_TWO_PLACES] = {NULL, two_places_run, NEED_LEAP, CONFIDENCE_MEDIUM, true},
	[RULE_SPEED_MISMATCH] = {speed_mismatch_judge, NULL, 0, CONFIDENCE_HIGH, false},
	[RULE_DETOUR] = {NULL, detour_run, NEED_JUDGED, CONFIDENCE_MEDIUM, true},
	[RULE_PORT_REPORT] = {NULL, port_report_run, NEED_JUDGED, CONFIDENCE_MEDIUM, true},
	[RULE_DEPART] = {NULL, depart_run, NEED_JUDGED, CONFIDENCE_HIGH, true},
	[RULE_PORT_GAP] = {NULL, port_gap_run, NEED_PAUSE | NEED_JUDGED, CONFIDENCE_MEDIUM, true},
	[RULE_OVER_WIND] = {over_wind_judge, NULL, 0, CONFIDENCE_HIGH, true},
	[RULE_OUT_OF_AREA] = {out_of_area_judge, NULL, 0, CONFIDENCE_HIGH, true},
	[RULE_DRAG] = {NULL, drag_run, NEED_JUDGED, CONFIDENCE_HIGH, true},
	[RULE_OVER_CREW] = {over_crew_judge, NULL, NEED_CROWD, CONFIDENCE_MEDIUM, true},
	[RULE_CREW_DIFFERS] = {crew_differs_judge, NULL, NEED_CREW, CONFIDENCE_MEDIUM, true},
	[RULE_MISSTATED] = {misstated_judge, NULL, NEED_MISSTATED, CONFIDENCE_MEDIUM, true},
	[RULE_LOITER] = {NULL, loiter_run, NEED_JUDGED, CONFIDENCE_MEDIUM, true},
	[RULE_JUMP] = {NULL, jump_run, NEED_LEAP, CONFIDENCE_MEDIUM, true},
};

const struct kind *kind_of(unsigned rule_kind)
{
	if (rule_kind >= RULE_KIND_COUNT)
		return NULL;
	const struct kind *k = &kinds[rule_kind];
	return k->judge || k->run ? k : NULL;
}

/* Whether the rule has nothing to say of a report while it has no episode. */
static inline bool rule_is_idle(const struct step *st, const struct plan_rule *p)
{
	uint64_t places = st->places.bits | (p->segment ? st->crossed.bits : 0);
	return p->need & ~st->have || (p->place_bits && !(p->place_bits & places)) ||
	       (int32_t)st->r->speed_dkmh <= p->above_dkmh || !is_asked_for(p, &st->s->subject);
}

static enum status run_rule(struct step *st, const struct plan_rule *p)
{
	enum status status = p->kind->run ? p->kind->run(st, p) : episodes_advance(st, p);
	if (status == STATUS_OK && p->segment && st->crossed.count)
		crossings_tell(st, p);
	return status;
}

uint64_t rules_asked(const struct class_plan *c, uint32_t have, bool placed, uint16_t speed_dkmh)
{
	uint64_t asked = c->asked;
	for (uint32_t lacks = ~have & ((1u << NEED_COUNT) - 1); lacks; lacks &= lacks - 1)
		asked &= ~c->without[__builtin_ctz(lacks)];
	if (!placed)
		asked &= ~c->placed;
	if ((int32_t)speed_dkmh <= c->pace_dkmh)
		asked &= ~c->paced;
	return asked;
}

/* While no rule has an entry: only those that may have something to say. */
static enum status run_asked(struct step *st, uint64_t asked)
{
	for (; asked; asked &= asked - 1) {
		const struct plan_rule *p = &st->plan->rules[st->cls->rules[__builtin_ctzll(asked)]];
		enum status status = rule_is_idle(st, p) ? STATUS_OK : run_rule(st, p);
		if (status != STATUS_OK)
			return status;
	}
	return STATUS_OK;
}

/* Rules in order beside entries in order: an entry whose rule is not the class's (any more) ends. */
static enum status run_rules(struct step *st)
{
	struct detect_state *s = st->s;
	const struct class_plan *c = st->cls;
	uint64_t asked =
		rules_asked(c, st->have, (st->places.bits | st->crossed.bits) & c->place_bits, st->r->speed_dkmh);
	bool none = !s->count || s->episodes[0].rule == RULE_OF_VISIT;
	if (none && c->rule_count <= ASKED_MAX)
		return run_asked(st, asked);
	for (uint32_t k = 0; k < c->rule_count; k++) {
		uint16_t number = c->rules[k];
		const struct plan_rule *p = &st->plan->rules[number];
		while (st->entry < s->count && s->episodes[st->entry].rule < number)
			episode_finish(s, st->entry, st->plan->rules[s->episodes[st->entry].rule].rule, st->sink);
		bool idle = st->entry >= s->count || s->episodes[st->entry].rule != number;
		if (idle && ((k < ASKED_MAX && !(asked >> k & 1)) || rule_is_idle(st, p)))
			continue;
		enum status status = run_rule(st, p);
		if (status != STATUS_OK)
			return status;
	}
	while (st->entry < s->count && s->episodes[st->entry].rule != RULE_OF_VISIT)
		episode_finish(s, st->entry, st->plan->rules[s->episodes[st->entry].rule].rule, st->sink);
	return STATUS_OK;
}

void state_remember(struct detect_state *s, const struct report *r, bool anchored, enum tristate moving,
		    enum tristate loaded)
{
	anchor_step(&s->anchor, anchored, r);
	if (report_is_judged(r->flags))
		s->fix = (struct fix){r->time_ms, r->lat_e7, r->lon_e7, r->speed_dkmh};
	if (moving == YES)
		s->stand_ms = TIME_NONE;
	else if (moving == NO && s->stand_ms == TIME_NONE)
		s->stand_ms = r->time_ms;
	s->last = (struct last_report){r->time_ms,    r->hash,       r->lat_e7,         r->lon_e7,      r->status,
				       r->mileage_hm, r->speed_dkmh, (uint8_t)r->flags, (uint8_t)loaded};
	s->ticked_ms = TIME_NONE;
}

static enum status step_over(struct detect_state *s, const struct detector *d, const struct report *r,
			     struct detect_sink *sink)
{
	struct step st;
	enum status status = step_begin(&st, s, d, r, sink);
	if (status == STATUS_OK) {
		facts_step(&st);
		status = run_rules(&st);
	}
	if (status == STATUS_OK)
		status = visits_step(&st);
	if (status == STATUS_OK)
		state_remember(s, r, st.cls->anchored, st.moving, st.loaded);
	step_end(&st);
	return status;
}

static bool taken_up(const struct detect_state *s, const struct detector *d, int64_t time_ms)
{
	return s->serial == d->serial && time_ms >= s->plan->from_ms && time_ms < s->plan->to_ms &&
	       time_ms >= s->subject.from_ms && time_ms < s->subject.to_ms;
}

/* Silence before this report is judged by what held at the last one. */
static enum status end_silence(struct detect_state *s, struct detector *d, const struct report *r,
			       struct detect_sink *sink)
{
	if (s->last.time_ms == TIME_NONE)
		return STATUS_OK;
	if (s->serial != d->serial) {
		enum status status = state_take_up(s, d, s->last.time_ms, sink);
		if (status != STATUS_OK)
			return status;
	}
	if (r->time_ms - s->last.time_ms < s->plan->classes[s->subject.class_code].silent_ms)
		return STATUS_OK;
	return silent_tell(s, d, TIME_NONE, r->time_ms, r, sink);
}

enum status detect_step(struct detect_state *s, struct detector *d, const struct report *r, struct detect_sink *sink)
{
	if (r->flags & REPORT_FLAG_FUTURE)
		return STATUS_OK;
	if (s->last.time_ms != TIME_NONE &&
	    (r->time_ms < s->last.time_ms || (r->time_ms == s->last.time_ms && r->hash <= s->last.hash)))
		return STATUS_INVALID;
	if (r->time_ms < -TIME_MAX_MS || r->time_ms > TIME_MAX_MS)
		return STATUS_INVALID;
	enum status status = end_silence(s, d, r, sink);
	if (status == STATUS_OK && !taken_up(s, d, r->time_ms))
		status = state_take_up(s, d, r->time_ms, sink);
	if (status != STATUS_OK)
		return status;
	return step_over(s, d, r, sink);
}

enum status detect_driver(struct detect_state *s, struct detector *d, int64_t time_ms, uint64_t driver,
			  struct detect_sink *sink)
{
	(void)d;
	if (s->last.time_ms != TIME_NONE && time_ms < s->last.time_ms)
		return STATUS_INVALID;
	if (driver == s->driver)
		return STATUS_OK;
	drive_close(s, sink);
	s->driver = driver;
	return STATUS_OK;
}

/* The state as of its last report under `d`, for questions that change nothing else. */
static enum status take_up_last(struct detect_state *s, const struct detector *d, struct detect_sink *sink)
{
	return taken_up(s, d, s->last.time_ms) ? STATUS_OK : state_take_up(s, d, s->last.time_ms, sink);
}

enum status detect_tick(struct detect_state *s, struct detector *d, int64_t time_ms, struct detect_sink *sink)
{
	if (s->last.time_ms == TIME_NONE)
		return STATUS_OK;
	if (time_ms < s->last.time_ms)
		return STATUS_INVALID;
	if (time_ms <= s->ticked_ms)
		return STATUS_OK;
	enum status status = take_up_last(s, d, sink);
	if (status == STATUS_OK)
		status = silent_tell(s, d, s->ticked_ms, time_ms, NULL, sink);
	if (status == STATUS_OK)
		s->ticked_ms = time_ms;
	return status;
}

static int64_t wake_of(struct detect_state *s, const struct detector *d)
{
	const struct class_plan *c = &s->plan->classes[s->subject.class_code];
	int64_t wake = INT64_MAX;
	for (uint32_t k = 0; k < c->silent_count; k++) {
		int64_t due;
		/* when memory is short, asking too often is the harmless mistake */
		if (silent_due(s, d, &s->plan->rules[c->silent[k]], &due) != STATUS_OK)
			due = s->last.time_ms + s->plan->rules[c->silent[k]].rule->params[PARAM_SILENT_TIME];
		if (due > s->ticked_ms && due < wake)
			wake = due;
	}
	return wake;
}

int64_t detect_wake(const struct detect_state *s, struct detector *d)
{
	struct detect_state view = *s;
	if (s->last.time_ms == TIME_NONE)
		return INT64_MAX;
	/* only what is taken up changes in the view, and nothing of it is the state's */
	view.episodes = NULL;
	view.count = view.capacity = 0;
	bool own = taken_up(s, d, s->last.time_ms);
	if (!own) {
		view.serial = 0;
		view.subject = (struct subject_view){0};
		if (state_take_up(&view, d, s->last.time_ms, NULL) != STATUS_OK)
			return s->last.time_ms;
	}
	int64_t wake = wake_of(&view, d);
	if (!own)
		free(view.subject.permits);
	return wake;
}

static void tell_open(const struct detect_state *s, int64_t as_of_ms, struct detect_sink *sink)
{
	for (uint32_t i = 0; i < s->count; i++) {
		const struct episode *e = &s->episodes[i];
		if (!e->kind || !(e->flags & EPISODE_FOUND))
			continue;
		const struct rule *rule = s->plan->rules[e->rule].rule;
		episode_tell(s, e, rule, !gap_exceeded(rule, e->seen_ms, as_of_ms), sink);
	}
}

enum status detect_open(const struct detect_state *s, struct detector *d, int64_t as_of_ms, struct detect_sink *sink)
{
	struct detect_state *copy;
	if (s->last.time_ms == TIME_NONE)
		return STATUS_OK;
	if (as_of_ms < s->last.time_ms)
		return STATUS_INVALID;
	enum status status = detect_state_copy(s, &copy);
	if (status != STATUS_OK)
		return status;
	status = take_up_last(copy, d, sink);
	if (status == STATUS_OK) {
		tell_open(copy, as_of_ms, sink);
		status = silent_tell(copy, d, TIME_NONE, as_of_ms, NULL, sink);
	}
	if (status == STATUS_OK)
		facts_open(copy, sink);
	detect_state_free(copy);
	return status;
}
