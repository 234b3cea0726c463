/* load.c -- dumping: where a load is tipped, left or lost outside the approved sites. */
#include "engine/detect/detect_step.h"

#define DUMPING_BY_LIFT 1
#define DUMPING_BY_LOAD 2
#define DUMPING_BY_STAND 3

/* Loaded at the last report, empty now: and `where` was met there too, so that what was left inside an approved site
 * between two reports is not taken for dumping. */
static bool load_is_gone(struct step *st, const struct plan_rule *p)
{
	struct detect_state *s = st->s;
	struct places before;
	if (s->last.loaded != YES || st->loaded != NO || s->fix.time_ms != s->last.time_ms)
		return false;
	if (p->rule->where_mode == WHERE_ANY)
		return true;
	uint64_t bits = p->rule->where_mode == WHERE_NOT_TAG ? tag_bit(p->rule->where_tag) : p->place_bits;
	struct geo_point at = {s->fix.lat_e7, s->fix.lon_e7};
	if (places_find(st->d, NULL, at, s->fix.time_ms, bits, false, &before) != STATUS_OK)
		return false;
	bool met = places_meet_where(p, &before);
	places_free(&before);
	return met;
}

enum verdict dumping_judge(struct step *st, const struct plan_rule *p, const struct place *at, const struct episode *e,
			   struct reading *out)
{
	(void)at;
	(void)e;
	const int64_t *v = p->rule->params;
	const struct detect_state *s = st->s;
	out->confidence = p->kind->confidence;
	if (load_is_gone(st, p)) {
		out->code = DUMPING_BY_LOAD;
		if (gap_exceeded(p->rule, s->last.time_ms, st->now))
			out->confidence = CONFIDENCE_LOW;
		return HOLDS_FOUND;
	}
	if (v[PARAM_DUMPING_LIFT] && step_input(st, &st->plan->book->inputs.lift_up) == YES) {
		out->code = DUMPING_BY_LIFT;
		return HOLDS;
	}
	int64_t stop_ms = v[PARAM_DUMPING_STOP];
	if (!stop_ms || st->moving != NO || st->loaded != YES || s->stand_ms == TIME_NONE ||
	    st->now - s->stand_ms < stop_ms)
		return FAILS;
	out->code = DUMPING_BY_STAND;
	out->limit = stop_ms;
	out->start_ms = s->stand_ms;
	out->start_lat_e7 = st->lat_e7;
	out->start_lon_e7 = st->lon_e7;
	return HOLDS_FOUND;
}
