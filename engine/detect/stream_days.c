/* stream_days.c -- kinds that look at whole days and nights, by the clock of China.
 *
 *   values of a day ── the first of each five minutes ──> slots ── the day is over ──> median ──> days ──> condition
 *   values of a night ── least ─────────────────────────────── the night is over ──────────────────────> condition
 *
 * A day is over when a value of a later one comes: what is decided then is decided at that value. One epoch of a
 * receiver is noise (2.5-5 mm horizontal, 5-10 mm vertical), so a single value never decides; of a median of an even
 * number of values the lower of the two in the middle is taken, so that it is a value that was measured. */
#include <stdlib.h>

#include "engine/detect/stream_number.h"
#include "engine/detect/stream_state.h"

#define SLOT_MS (MS_PER_DAY / STREAM_DAY_SLOTS)
#define MS_PER_S 1000

static int64_t day_of(int64_t time_ms)
{
	int64_t local_ms = time_ms + CHINA_OFFSET_MS;
	return local_ms / MS_PER_DAY - (local_ms % MS_PER_DAY < 0);
}

static int64_t midnight_of(int64_t day)
{
	return day * MS_PER_DAY - CHINA_OFFSET_MS;
}

/* The condition of the day that is over holds, or does not. */
static void decide(const struct stream_walk *w, struct stream_entry *e, const struct rule *rule, bool holds,
		   __int128 peak, int64_t start_ms, uint32_t in_a_row)
{
	struct stream_episode *p = &e->episode;
	if (!holds) {
		if (stream_episode_off(p, e->last_ms, 0))
			stream_tell(w, e, rule, false);
		return;
	}
	bool begins = !p->running;
	bool found = stream_episode_on(e, begins ? start_ms : e->last_ms, peak, true, 0, in_a_row);
	p->last_ms = e->last_ms;
	if (found)
		p->found_ms = e->last_ms;
	if (found)
		stream_tell(w, e, rule, true);
}

/* --- nights --- */

static bool night_of(const struct rule *rule, int64_t time_ms, int64_t *out_night)
{
	int64_t from_s = rule->params[PARAM_NIGHT_FLOW_HOURS] >> 32;
	int64_t to_s = rule->params[PARAM_NIGHT_FLOW_HOURS] & 0x7fffffff;
	int64_t since_ms = time_ms - from_s * MS_PER_S;
	*out_night = day_of(since_ms);
	int64_t length_s = to_s > from_s ? to_s - from_s : to_s - from_s + MS_PER_DAY / MS_PER_S;
	return since_ms - midnight_of(*out_night) < length_s * MS_PER_S;
}

static void end_night(const struct stream_walk *w, struct stream_entry *e, const struct rule *rule)
{
	const struct stream_subject *s = &w->state->subject;
	__int128 limit;
	if (!stream_limit(rule->params[PARAM_NIGHT_FLOW_LIMIT], s->has_limit, &s->limit, &limit) ||
	    e->values < rule->points)
		return;
	e->episode.limit = stream_number_millionths(limit);
	decide(w, e, rule, e->last >= limit && schedule_active(&rule->when, e->day_ms), e->last, e->day_ms,
	       (uint32_t)rule->params[PARAM_NIGHT_FLOW_NIGHTS]);
}

static void night_flow(const struct stream_walk *w, struct stream_entry *e, const struct rule *rule, int64_t time_ms,
		       __int128 number)
{
	int64_t night;
	bool inside = night_of(rule, time_ms, &night);
	if (e->values && (!inside || night != e->day)) {
		end_night(w, e, rule);
		e->values = 0;
	}
	if (!inside)
		return;
	if (!e->values) {
		/* a night without values in between: not in a row */
		if (e->day != STREAM_NONE && night > e->day + 1)
			decide(w, e, rule, false, 0, 0, 0);
		e->day = night;
		e->day_ms = time_ms;
		e->last = number;
	}
	e->last = number < e->last ? number : e->last;
	e->last_ms = time_ms;
	e->values++;
}

/* --- medians --- */

static int by_number(const void *a, const void *b)
{
	const struct stream_slot *x = a, *y = b;
	return (x->low > y->low) - (x->low < y->low);
}

static __int128 magnitude(__int128 n)
{
	return n < 0 ? -n : n;
}

/* The day to measure from: the latest median at least so many days before the last one; NULL when there is none. */
static const struct stream_slot *reference(const struct stream_slots *days, int64_t span)
{
	const struct stream_slot *last = &days->list[days->count - 1], *found = NULL;
	for (uint32_t i = 0; i + 1 < days->count && days->list[i].at <= last->at - span; i++)
		found = &days->list[i];
	return found;
}

static int64_t span_of_rule(const struct rule *rule)
{
	if (rule->kind == RULE_DISPLACEMENT)
		return rule->params[PARAM_DISPLACEMENT_DAYS];
	return rule->kind == RULE_TANGENT ? rule->params[PARAM_TANGENT_DAYS] : 0;
}

/* tan of 45, 80 and 85 degrees, in millionths (rounded up: the angle is reached, not nearly) */
static const int64_t tangents[] = {1000000, 5671282, 11430053};

/* How far the median moved in `days` against what the rule allows, and what the finding says of it. */
static bool moved_too_far(const struct stream_walk *w, struct stream_entry *e, const struct rule *rule, __int128 moved,
			  int64_t days, __int128 *out_peak)
{
	const struct stream_subject *s = &w->state->subject;
	const int64_t *p = rule->params;
	__int128 base;
	*out_peak = moved / days;
	if (rule->kind == RULE_DISPLACEMENT) {
		e->episode.limit = p[PARAM_DISPLACEMENT_LIMIT];
		return moved >= stream_number_of_millionths(e->episode.limit) * days;
	}
	if (!stream_limit(p[PARAM_TANGENT_BASE], s->has_base, &s->base, &base) || base <= 0)
		return false;
	/* in millionths of a unit: both sides of moved / days >= tangent * base stay within 128 bits */
	__int128 wanted = base / STREAM_NUMBER_MILLIONTH * tangents[p[PARAM_TANGENT_ANGLE]] * days;
	e->episode.limit = (int64_t)(wanted / days / 1000000);
	return moved / STREAM_NUMBER_MILLIONTH * 1000000 >= wanted;
}

static void judge_median(const struct stream_walk *w, struct stream_entry *e, const struct rule *rule)
{
	const struct stream_subject *s = &w->state->subject;
	const struct stream_slot *last = &e->days.list[e->days.count - 1], *from;
	int64_t start_ms = midnight_of(last->at);
	bool counts = schedule_active(&rule->when, e->day_ms);
	__int128 peak = 0, base;
	if (rule->kind == RULE_DRIFT) {
		if (!stream_limit(rule->params[PARAM_DRIFT_BASE], s->has_base, &s->base, &base))
			return;
		peak = magnitude(last->low - base);
		e->episode.limit = rule->params[PARAM_DRIFT_LIMIT];
		decide(w, e, rule, counts && peak >= stream_number_of_millionths(e->episode.limit), peak, start_ms, 1);
		return;
	}
	from = reference(&e->days, span_of_rule(rule));
	if (!from)
		return;
	int64_t days = last->at - from->at;
	bool far = moved_too_far(w, e, rule, magnitude(last->low - from->low), days, &peak);
	if (!e->episode.running)
		e->episode.other = days * MS_PER_DAY;
	decide(w, e, rule, counts && far, peak, start_ms, 1);
}

static enum status end_day(const struct stream_walk *w, struct stream_entry *e, const struct rule *rule)
{
	bool made;
	uint32_t count = e->slots.count;
	e->slots.count = 0;
	if (!count || e->values < rule->points)
		return STATUS_OK;
	qsort(e->slots.list, count, sizeof *e->slots.list, by_number);
	stream_slots_trim(&e->days, e->day - 2 * span_of_rule(rule));
	struct stream_slot *day = stream_slots_need(&e->days, e->day, &made);
	if (!day)
		return STATUS_NO_MEMORY;
	day->low = e->slots.list[(count - 1) / 2].low;
	judge_median(w, e, rule);
	return STATUS_OK;
}

static enum status take_median(const struct stream_walk *w, struct stream_entry *e, const struct rule *rule,
			       int64_t time_ms, __int128 number)
{
	int64_t day = day_of(time_ms);
	bool made;
	enum status status = e->day != STREAM_NONE && e->day != day ? end_day(w, e, rule) : STATUS_OK;
	if (status)
		return status;
	if (e->day != day) {
		e->day = day;
		e->day_ms = time_ms;
		e->values = 0;
	}
	struct stream_slot *slot = stream_slots_need(&e->slots, (time_ms - midnight_of(day)) / SLOT_MS, &made);
	if (!slot)
		return STATUS_NO_MEMORY;
	if (made)
		slot->low = number;
	e->values++;
	e->last_ms = time_ms;
	return STATUS_OK;
}

enum status stream_judge_day(const struct stream_walk *w, struct stream_entry *e, const struct rule *rule,
			     int64_t time_ms, __int128 number)
{
	if (rule->kind != RULE_NIGHT_FLOW)
		return take_median(w, e, rule, time_ms, number);
	night_flow(w, e, rule, time_ms, number);
	return STATUS_OK;
}
