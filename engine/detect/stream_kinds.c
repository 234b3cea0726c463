/* stream_kinds.c -- what each kind of rule makes of a value; what the clock does. Days and nights: stream_days.c. */
#include "engine/detect/stream_number.h"
#include "engine/detect/stream_state.h"

/* `missing` is not found before its hours: so far ahead they are looked for */
#define HOURS_AHEAD_MS (INT64_C(400) * MS_PER_DAY)

/* --- shared --- */

static void on(const struct stream_walk *w, struct stream_entry *e, const struct rule *rule, int64_t time_ms,
	       __int128 number, bool larger)
{
	if (stream_episode_on(e, time_ms, number, larger, rule->hold_ms, rule->points))
		stream_tell(w, e, rule, true);
}

static void off(const struct stream_walk *w, struct stream_entry *e, const struct rule *rule, int64_t time_ms)
{
	if (stream_episode_off(&e->episode, time_ms, rule->release_ms))
		stream_tell(w, e, rule, false);
}

bool stream_limit(int64_t param, bool has_own, const struct value *own, __int128 *out)
{
	if (param == DECIMAL_OWN)
		return has_own && stream_number_of(own, out);
	*out = stream_number_of_millionths(param);
	return true;
}

/* -1 below the physical range, 1 above it, 0 within. */
static int beside_range(const struct stream_subject *s, __int128 number)
{
	__int128 edge;
	if (s->has_min && stream_number_of(&s->range_min, &edge) && number < edge)
		return -1;
	return s->has_max && stream_number_of(&s->range_max, &edge) && number > edge;
}

static bool is_judged(const struct stream_subject *s, const struct value *v, __int128 *out)
{
	return v->quality == VALUE_QUALITY_GOOD && stream_number_of(v, out) && beside_range(s, *out) == 0;
}

static int64_t floor_div(int64_t a, int64_t b)
{
	return a / b - (a % b < 0);
}

/* --- level --- */

static bool is_beyond(int64_t side, __int128 number, __int128 limit)
{
	switch (side) {
	case 0:
		return number > limit;
	case 1:
		return number >= limit;
	case 2:
		return number < limit;
	default:
		return number <= limit;
	}
}

static void level(const struct stream_walk *w, struct stream_entry *e, const struct rule *rule, int64_t time_ms,
		  __int128 number)
{
	const struct stream_subject *s = &w->state->subject;
	const int64_t *p = rule->params;
	bool upward = p[PARAM_LEVEL_SIDE] <= 1;
	__int128 limit, margin = stream_number_of_millionths(p[PARAM_LEVEL_MARGIN]);
	if (!stream_limit(p[PARAM_LEVEL_LIMIT], s->has_limit, &s->limit, &limit))
		return;
	/* in hundredths: so much of the limit counts */
	__int128 bound = limit * p[PARAM_LEVEL_PERCENT];
	if (e->episode.running && e->episode.found_ms != STREAM_NONE)
		bound += (upward ? -margin : margin) * 100;
	bool holds = is_beyond(p[PARAM_LEVEL_SIDE], number * 100, bound) && schedule_active(&rule->when, time_ms);
	if (!holds) {
		off(w, e, rule, time_ms);
		return;
	}
	if (!e->episode.running)
		e->episode.limit = stream_number_millionths(limit * p[PARAM_LEVEL_PERCENT] / 100);
	on(w, e, rule, time_ms, number, upward);
}

/* --- windows --- */

static __int128 change_of(int64_t way, const struct stream_slots *slots, __int128 number)
{
	__int128 rise = 0, fall = 0;
	for (uint32_t i = 0; i < slots->count; i++) {
		if (number - slots->list[i].low > rise)
			rise = number - slots->list[i].low;
		if (slots->list[i].high - number > fall)
			fall = slots->list[i].high - number;
	}
	if (way == 1)
		return rise;
	return way == 2 || fall > rise ? fall : rise;
}

static enum status rate(const struct stream_walk *w, struct stream_entry *e, const struct rule *rule, int64_t time_ms,
			__int128 number)
{
	bool made;
	int64_t at = floor_div(time_ms, rule->params[PARAM_RATE_TIME] / STREAM_RATE_SLOTS);
	stream_slots_trim(&e->slots, at - STREAM_RATE_SLOTS + 1);
	struct stream_slot *slot = stream_slots_need(&e->slots, at, &made);
	if (!slot)
		return STATUS_NO_MEMORY;
	if (made || number < slot->low)
		slot->low = number;
	if (made || number > slot->high)
		slot->high = number;
	__int128 change = change_of(rule->params[PARAM_RATE_WAY], &e->slots, number);
	e->episode.limit = rule->params[PARAM_RATE_LIMIT];
	e->episode.other = rule->params[PARAM_RATE_TIME];
	if (change >= stream_number_of_millionths(e->episode.limit) && schedule_active(&rule->when, time_ms))
		on(w, e, rule, time_ms, change, true);
	else
		off(w, e, rule, time_ms);
	return STATUS_OK;
}

/* What a value adds: an amount, or how much the counter grew. */
static __int128 amount_of(struct stream_entry *e, const struct rule *rule, __int128 number)
{
	bool counter = rule->params[PARAM_WINDOW_SUM_OF] == 1, had = e->has_last;
	__int128 before = e->last;
	e->has_last = true;
	e->last = number;
	if (!counter)
		return number;
	if (!had)
		return 0;
	return number >= before ? number - before : number;
}

static enum status window_sum(const struct stream_walk *w, struct stream_entry *e, const struct rule *rule,
			      int64_t time_ms, __int128 number)
{
	const struct stream_subject *s = &w->state->subject;
	bool made;
	__int128 limit, sum = 0;
	int64_t at = floor_div(time_ms, rule->params[PARAM_WINDOW_SUM_TIME] / STREAM_WINDOW_SLOTS);
	if (!stream_limit(rule->params[PARAM_WINDOW_SUM_LIMIT], s->has_limit, &s->limit, &limit))
		return STATUS_OK;
	stream_slots_trim(&e->slots, at - STREAM_WINDOW_SLOTS + 1);
	struct stream_slot *slot = stream_slots_need(&e->slots, at, &made);
	if (!slot)
		return STATUS_NO_MEMORY;
	slot->low += amount_of(e, rule, number);
	for (uint32_t i = 0; i < e->slots.count; i++)
		sum += e->slots.list[i].low;
	e->episode.limit = stream_number_millionths(limit);
	e->episode.other = rule->params[PARAM_WINDOW_SUM_TIME];
	if (sum >= limit && schedule_active(&rule->when, time_ms))
		on(w, e, rule, time_ms, sum, true);
	else
		off(w, e, rule, time_ms);
	return STATUS_OK;
}

/* --- the same for too long; outside the range --- */

static void stuck(const struct stream_walk *w, struct stream_entry *e, const struct rule *rule, int64_t time_ms,
		  __int128 number)
{
	bool same = e->has_last && number == e->last;
	e->has_last = true;
	e->last = number;
	if (!same && stream_episode_off(&e->episode, time_ms, 0))
		stream_tell(w, e, rule, false);
	if ((number == 0 && !rule->params[PARAM_STUCK_ZERO]) || !schedule_active(&rule->when, time_ms)) {
		if (stream_episode_off(&e->episode, time_ms, 0))
			stream_tell(w, e, rule, false);
		return;
	}
	if (stream_episode_on(e, time_ms, number, true, rule->params[PARAM_STUCK_TIME], rule->points))
		stream_tell(w, e, rule, true);
}

static void out_of_range(const struct stream_walk *w, struct stream_entry *e, const struct rule *rule,
			 const struct value *v)
{
	const struct stream_subject *s = &w->state->subject;
	__int128 number = 0, edge = 0;
	bool said = v->quality == VALUE_QUALITY_OVER_RANGE;
	if ((!said && v->quality != VALUE_QUALITY_GOOD) || !stream_number_of(v, &number))
		return;
	int beside = beside_range(s, number);
	if ((!beside && !said) || !schedule_active(&rule->when, v->time_ms)) {
		off(w, e, rule, v->time_ms);
		return;
	}
	bool low = beside < 0;
	if (!e->episode.running && stream_number_of(low ? &s->range_min : &s->range_max, &edge))
		e->episode.limit = stream_number_millionths(edge);
	on(w, e, rule, v->time_ms, number, !low);
}

/* --- what lasts until it is said to be over, by the clock --- */

/* The next piece of `*rest` up to `mark`; false at the end. */
static bool next_piece(struct span *rest, uint8_t mark, struct span *out)
{
	if (!rest->size)
		return false;
	const uint8_t *end = memchr(rest->data, mark, rest->size);
	size_t size = end ? (size_t)(end - rest->data) : rest->size;
	*out = span_of(rest->data, size);
	size += end != NULL;
	*rest = span_of(rest->data + size, rest->size - size);
	return true;
}

/* A text may name several states, "fire+fault": one of them is enough. */
static bool text_is_alarm(const char *states, struct span text)
{
	struct span word, part;
	while (next_piece(&text, '+', &part))
		for (struct span rest = span_of_string(states); next_piece(&rest, ' ', &word);)
			if (span_equal(word, part))
				return true;
	return false;
}

static bool is_alarm(const struct stream_walk *w, const struct rule *rule, const struct value *v, uint32_t *code)
{
	uint32_t bits = (uint32_t)rule->params[PARAM_STATE_BITS];
	*code = 0;
	if (v->type == VALUE_TEXT)
		return text_is_alarm(rule->states, w->context->text(w->context->registry, (uint64_t)v->bits));
	if (bits)
		*code = v->type == VALUE_DECIMAL && v->scale == 0 ? (uint32_t)v->bits & bits : 0;
	return bits ? *code != 0 : v->bits != 0;
}

/* It is over at `time_ms`, or was when it failed first. */
static void over(const struct stream_walk *w, struct stream_entry *e, const struct rule *rule, int64_t time_ms)
{
	struct stream_episode *p = &e->episode;
	if (!stream_episode_off(p, time_ms, rule->release_ms))
		return;
	p->last_ms = p->fail_ms;
	stream_tell(w, e, rule, false);
}

static void state_alarm(const struct stream_walk *w, struct stream_entry *e, const struct rule *rule,
			const struct value *v)
{
	uint32_t code;
	bool test = rule->params[PARAM_STATE_TEST];
	if (v->quality != VALUE_QUALITY_GOOD && (!test || v->quality != VALUE_QUALITY_TEST))
		return;
	/* what is no test ends a test; a test says nothing of what is real */
	if ((test && v->quality == VALUE_QUALITY_GOOD) || !is_alarm(w, rule, v, &code) ||
	    !schedule_active(&rule->when, v->time_ms)) {
		over(w, e, rule, v->time_ms);
		return;
	}
	if (!e->episode.running)
		e->episode.code = code; /* as it began: findings are known by it */
	stream_episode_on(e, v->time_ms, 0, true, INT64_MAX, 1);
}

static int64_t years_after(int64_t ms, int64_t years)
{
	struct civil c;
	civil_from_ms(ms + CHINA_OFFSET_MS, &c);
	bool leap_day = c.month == 2 && c.day == 29;
	c.year += (int32_t)years;
	if (leap_day)
		c.day = 28;
	return civil_to_ms(&c) - CHINA_OFFSET_MS;
}

static int64_t age_due(const struct stream_entry *e, const struct rule *rule)
{
	return years_after(e->episode.start_ms, rule->params[PARAM_AGE_YEARS]) - rule->params[PARAM_AGE_BEFORE];
}

static void age(const struct stream_walk *w, struct stream_entry *e, const struct rule *rule, int64_t time_ms,
		__int128 number)
{
	if (number <= 0) {
		over(w, e, rule, time_ms);
		return;
	}
	stream_episode_on(e, time_ms, number, true, INT64_MAX, 1);
	e->episode.limit = age_due(e, rule) - e->episode.start_ms;
}

static int64_t missing_ms(const struct stream_walk *w, const struct rule *rule)
{
	int64_t time_ms = rule->params[PARAM_MISSING_TIME];
	return time_ms ? time_ms : w->state->subject.interval_ms * rule->params[PARAM_MISSING_TIMES];
}

static void heard(const struct stream_walk *w, struct stream_entry *e, const struct rule *rule, int64_t time_ms)
{
	struct stream_episode *p = &e->episode;
	if (p->running && p->found_ms != STREAM_NONE) {
		p->last_ms = time_ms;
		stream_tell(w, e, rule, false);
	}
	*p = (struct stream_episode){.running = true,
				     .start_ms = time_ms,
				     .last_ms = time_ms,
				     .found_ms = STREAM_NONE,
				     .fail_ms = STREAM_NONE,
				     .values = 1,
				     .other = STREAM_NONE};
}

/* The first instant from `ms` on at which the schedule holds. */
static int64_t first_active(const struct schedule *when, int64_t ms)
{
	int64_t end_ms = ms > INT64_MAX - HOURS_AHEAD_MS ? INT64_MAX : ms + HOURS_AHEAD_MS;
	while (ms < end_ms && !schedule_active(when, ms))
		ms = schedule_next(when, ms);
	return ms < end_ms ? ms : INT64_MAX;
}

int64_t stream_due(const struct stream_walk *w, const struct stream_entry *e, const struct rule *rule)
{
	const struct stream_episode *p = &e->episode;
	if (!p->running || p->found_ms != STREAM_NONE)
		return INT64_MAX;
	switch (rule->kind) {
	case RULE_STATE:
		return p->start_ms + rule->hold_ms;
	case RULE_AGE:
		return age_due(e, rule);
	case RULE_MISSING:
		return missing_ms(w, rule) ? first_active(&rule->when, p->start_ms + missing_ms(w, rule)) : INT64_MAX;
	default:
		return INT64_MAX;
	}
}

void stream_find_due(const struct stream_walk *w, struct stream_entry *e, const struct rule *rule, int64_t due_ms)
{
	e->episode.found_ms = due_ms;
	if (rule->kind == RULE_MISSING)
		e->episode.limit = missing_ms(w, rule);
}

/* --- one value --- */

static enum status judge_number(const struct stream_walk *w, struct stream_entry *e, const struct rule *rule,
				int64_t time_ms, __int128 number)
{
	switch (rule->kind) {
	case RULE_LEVEL:
		level(w, e, rule, time_ms, number);
		return STATUS_OK;
	case RULE_RATE:
		return rate(w, e, rule, time_ms, number);
	case RULE_WINDOW_SUM:
		return window_sum(w, e, rule, time_ms, number);
	case RULE_STUCK:
		stuck(w, e, rule, time_ms, number);
		return STATUS_OK;
	case RULE_AGE:
		age(w, e, rule, time_ms, number);
		return STATUS_OK;
	default:
		return stream_judge_day(w, e, rule, time_ms, number);
	}
}

enum status stream_judge(const struct stream_walk *w, struct stream_entry *e, const struct rule *rule,
			 const struct value *v)
{
	__int128 number;
	switch (rule->kind) {
	case RULE_MISSING:
		heard(w, e, rule, v->time_ms);
		return STATUS_OK;
	case RULE_STATE:
		state_alarm(w, e, rule, v);
		return STATUS_OK;
	case RULE_OUT_OF_RANGE:
		out_of_range(w, e, rule, v);
		return STATUS_OK;
	default:
		return is_judged(&w->state->subject, v, &number) ? judge_number(w, e, rule, v->time_ms, number)
								 : STATUS_OK;
	}
}
