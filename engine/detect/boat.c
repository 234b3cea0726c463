/* boat.c -- what one boat may not: over_wind, out_of_area, over_crew, drag, jump.
 *
 * Tags with a meaning of their own, which operators give to fences:
 *   wind_1 .. wind_17     a warning of that mean wind, Beaufort; of several the strongest     gust_1 .. gust_17
 *   nav_near ⊃ nav_coastal ⊃ nav_sheltered      areas of navigation, drawn from the coast; far has no border */
#include <pthread.h>
#include <stdio.h>

#include "engine/detect/detect_step.h"
#include "engine/geo/distance.h"

/* --- tags --- */

static uint16_t nav_tags[AREA_COUNT], wind_tags[2][WIND_GRADE_MAX + 1];
static pthread_once_t tags_made = PTHREAD_ONCE_INIT;

/* 0 when the table of tags is full: then no fence has it. */
static uint16_t tag_of(const char *prefix, const char *name)
{
	char text[TAG_MAX + 1];
	uint16_t tag = 0;
	snprintf(text, sizeof text, "%s_%s", prefix, name);
	return tag_number(span_of_string(text), &tag) ? 0 : tag;
}

static void make_tags(void)
{
	char grade[4];
	for (unsigned area = AREA_NEAR; area < AREA_COUNT; area++)
		nav_tags[area] = tag_of("nav", boat_area_token(area));
	for (unsigned i = 1; i <= WIND_GRADE_MAX; i++) {
		snprintf(grade, sizeof grade, "%u", i);
		wind_tags[0][i] = tag_of("wind", grade);
		wind_tags[1][i] = tag_of("gust", grade);
	}
}

uint16_t nav_tag(unsigned area)
{
	pthread_once(&tags_made, make_tags);
	return nav_tags[area];
}

uint16_t wind_tag(bool gust, unsigned grade)
{
	pthread_once(&tags_made, make_tags);
	return wind_tags[gust][grade];
}

bool class_is_of_sea(unsigned class_code)
{
	switch (class_code) {
	case DEVICE_CLASS_FISHING_BOAT:
	case DEVICE_CLASS_VESSEL:
	case DEVICE_CLASS_GEAR:
	case DEVICE_CLASS_FISHING_SMALL:
	case DEVICE_CLASS_FISHING_MEDIUM:
	case DEVICE_CLASS_FISHING_LARGE:
	case DEVICE_CLASS_TOWNSHIP_BOAT:
	case DEVICE_CLASS_AID:
	case DEVICE_CLASS_DISTRESS:
		return true;
	default:
		return false;
	}
}

static bool is_exempt(const struct step *st, int64_t tag)
{
	return tag && places_with_tag(&st->places, (uint16_t)tag);
}

/* --- over_wind, out_of_area, over_crew --- */

/* The strongest wind that the fence's tags say; 0 for none. */
static unsigned wind_of(const struct fence *f, bool gust)
{
	unsigned grade = WIND_GRADE_MAX;
	while (grade && !(wind_tag(gust, grade) && fence_has_tag(f, wind_tag(gust, grade))))
		grade--;
	return grade;
}

enum verdict over_wind_judge(struct step *st, const struct plan_rule *p, const struct place *at,
			     const struct episode *e, struct reading *out)
{
	(void)e;
	const int64_t *v = p->rule->params;
	int64_t rating = st->s->subject.wind_rating ? st->s->subject.wind_rating : v[PARAM_OVER_WIND_RATING];
	int64_t wind = at ? wind_of(at->fence, v[PARAM_OVER_WIND_BY]) : 0;
	if (!rating || wind <= rating + v[PARAM_OVER_WIND_MARGIN] || is_exempt(st, v[PARAM_OVER_WIND_EXEMPT]))
		return FAILS;
	out->value = wind;
	out->limit = rating;
	out->confidence = p->kind->confidence;
	return HOLDS;
}

static bool is_within_licence(const struct step *st)
{
	const struct subject_view *subject = &st->s->subject;
	for (uint32_t k = 0; k < st->places.count; k++)
		for (unsigned i = 0; i < subject->area_count; i++)
			if (st->places.at[k].number == subject->areas[i])
				return true;
	return false;
}

/* In an area that its own holds. */
static bool is_within_navigation(const struct step *st)
{
	for (unsigned area = st->s->subject.navigation; area < AREA_COUNT; area++)
		if (nav_tag(area) && places_with_tag(&st->places, nav_tag(area)))
			return true;
	return false;
}

enum verdict out_of_area_judge(struct step *st, const struct plan_rule *p, const struct place *at,
			       const struct episode *e, struct reading *out)
{
	(void)at;
	(void)e;
	const struct subject_view *subject = &st->s->subject;
	const int64_t *v = p->rule->params;
	bool by_licence = v[PARAM_OUT_OF_AREA_BY] == OUT_OF_LICENCE;
	bool bound = by_licence
			     ? subject->area_count > 0
			     : subject->navigation >= AREA_NEAR && st->now >= st->d->nav_from_ms[subject->navigation];
	if (!bound || is_exempt(st, v[PARAM_OUT_OF_AREA_EXEMPT]) ||
	    (by_licence ? is_within_licence(st) : is_within_navigation(st)))
		return FAILS;
	out->code = v[PARAM_OUT_OF_AREA_BY];
	out->confidence = p->kind->confidence;
	return HOLDS;
}

enum verdict over_crew_judge(struct step *st, const struct plan_rule *p, const struct place *at,
			     const struct episode *e, struct reading *out)
{
	(void)at;
	(void)e;
	const struct subject_view *subject = &st->s->subject;
	bool over = subject->certified_persons && subject->persons_aboard > subject->certified_persons;
	if (!over || is_exempt(st, p->rule->params[PARAM_OVER_CREW_EXEMPT]))
		return FAILS;
	out->value = subject->persons_aboard;
	out->limit = subject->certified_persons;
	out->confidence = p->kind->confidence;
	return HOLDS;
}

enum verdict crew_differs_judge(struct step *st, const struct plan_rule *p, const struct place *at,
				const struct episode *e, struct reading *out)
{
	(void)at;
	(void)e;
	const struct subject_view *subject = &st->s->subject;
	bool differs = subject->crew_count && subject->persons_aboard && subject->persons_aboard != subject->crew_count;
	if (!differs || is_exempt(st, p->rule->params[PARAM_CREW_DIFFERS_EXEMPT]))
		return FAILS;
	out->value = subject->persons_aboard;
	out->limit = subject->crew_count;
	out->confidence = p->kind->confidence;
	return HOLDS;
}

enum verdict misstated_judge(struct step *st, const struct plan_rule *p, const struct place *at,
			     const struct episode *e, struct reading *out)
{
	(void)at;
	const struct subject_view *subject = &st->s->subject;
	const int64_t *v = p->rule->params;
	int64_t said = (int64_t)subject->said_length_m * 1000, length = (int64_t)subject->length_dm * 100;
	int64_t differs = subject->misstated;
	if (said && length && llabs(said - length) > v[PARAM_MISSTATED_LENGTH])
		differs |= MISSTATED_LENGTH;
	bool other = e && e->numbers[FINDING_CODE] != differs; /* something else differs: another finding */
	if (!differs || other || is_exempt(st, v[PARAM_MISSTATED_EXEMPT]))
		return FAILS;
	out->code = differs;
	if (differs & MISSTATED_LENGTH) {
		out->value = said;
		out->limit = length;
	}
	if (differs & MISSTATED_TYPE)
		out->level = subject->said_type;
	out->confidence = p->kind->confidence;
	return HOLDS;
}

/* --- drag: one entry while something holds the boat; `base` is where it was first seen held ---
 *
 *   held      ├──────────────────────────────┤
 *   distance   . . . . > > > > . . .              >: further than `distance`; `points` counts them, none: at its place
 *                      [finding]              */

/* AIS status at anchor and moored (M.1371-5 table 47) */
#define NAV_ANCHORED 1
#define NAV_MOORED 5

static enum tristate is_held(struct step *st, const struct plan_rule *p)
{
	if (p->rule->params[PARAM_DRAG_WHILE])
		return st->s->subject.laid_up ? YES : NO;
	int16_t status = step_items(st)->nav_status;
	if (status < 0)
		return EITHER;
	return status == NAV_ANCHORED || status == NAV_MOORED ? YES : NO;
}

static enum status hold_begin(struct step *st, const struct plan_rule *p, int64_t base)
{
	struct episode key;
	uint32_t at;
	episode_init(&key, st, p, NULL);
	key.base = base;
	return episode_insert(st->s, &key, &at);
}

/* At `distance_mm` from its place, further than it may. */
static void drag_on(struct step *st, const struct plan_rule *p, struct episode *e, int64_t distance)
{
	struct reading m = reading_none();
	m.value = m.distance = distance;
	m.limit = p->rule->params[PARAM_DRAG_DISTANCE];
	m.confidence = p->kind->confidence;
	if (!e->points) {
		e->start_ms = st->now;
		e->start_lat_e7 = st->lat_e7;
		e->start_lon_e7 = st->lon_e7;
	}
	episode_grow(st, p, e, &m);
	if (!(e->flags & EPISODE_FOUND) && st->now - e->start_ms >= p->rule->hold_ms && e->points >= p->rule->points)
		episode_found(st, p, e);
}

/* The entry, if there is one, after a report at which the boat is held. */
static enum status drag_step(struct step *st, const struct plan_rule *p, struct episode *e)
{
	if (!e)
		return hold_begin(st, p, position_pack(st->lat_e7, st->lon_e7));
	struct geo_point from = position_unpack(e->base);
	int64_t distance = distance_mm(from.lat_e7, from.lon_e7, st->lat_e7, st->lon_e7);
	if (distance > p->rule->params[PARAM_DRAG_DISTANCE] && rule_conditions(st, p) == HOLDS &&
	    places_meet_where(p, &st->places)) {
		drag_on(st, p, e, distance);
		return STATUS_OK;
	}
	int64_t base = e->base;
	episode_finish(st->s, st->entry, p->rule, st->sink);
	return hold_begin(st, p, base);
}

enum status drag_run(struct step *st, const struct plan_rule *p)
{
	struct detect_state *s = st->s;
	uint16_t number = (uint16_t)(p - st->plan->rules);
	bool there = st->entry < s->count && s->episodes[st->entry].rule == number;
	enum tristate held = st->judged ? is_held(st, p) : EITHER;
	enum status status = STATUS_OK;
	/* who was silent at anchor may have weighed it; who is laid up has not been told to go */
	bool lost = there && !p->rule->params[PARAM_DRAG_WHILE] && held != EITHER &&
		    gap_exceeded(p->rule, s->episodes[st->entry].seen_ms, st->now);
	if (there && (held == NO || lost)) {
		episode_finish(s, st->entry, p->rule, st->sink);
		there = false;
	}
	if (held == YES && is_asked_for(p, &s->subject))
		status = drag_step(st, p, there ? &s->episodes[st->entry] : NULL);
	st->entry += st->entry < s->count && s->episodes[st->entry].rule == number;
	return status;
}

/* --- loiter: one entry from each report at sea on; `base` is where it began ---
 *
 *   distance   . . . . . . . . . . . | .        |: further from there than `distance`, or too fast: it begins anew
 *              [ after `time` found ]                                                                              */

static bool loiters(struct step *st, const struct plan_rule *p, const struct episode *e, int64_t *out_mm)
{
	const int64_t *v = p->rule->params;
	struct geo_point from = position_unpack(e->base);
	int64_t dt_ms = st->now - st->s->fix.time_ms;
	*out_mm = distance_mm(from.lat_e7, from.lon_e7, st->lat_e7, st->lon_e7);
	return *out_mm <= v[PARAM_LOITER_DISTANCE] && step_leg(st) * 36 < v[PARAM_LOITER_SPEED] * dt_ms &&
	       !gap_exceeded(p->rule, e->seen_ms, st->now);
}

static void loiter_on(struct step *st, const struct plan_rule *p, struct episode *e, int64_t distance)
{
	struct reading m = reading_none();
	m.value = m.distance = distance;
	m.limit = p->rule->params[PARAM_LOITER_TIME];
	m.confidence = p->kind->confidence;
	if (e->numbers[FINDING_DISTANCE] > distance)
		m.distance = e->numbers[FINDING_DISTANCE];
	episode_grow(st, p, e, &m);
	if (!(e->flags & EPISODE_FOUND) && st->now - e->start_ms >= p->rule->params[PARAM_LOITER_TIME] &&
	    e->points >= p->rule->points)
		episode_found(st, p, e);
}

enum status loiter_run(struct step *st, const struct plan_rule *p)
{
	struct detect_state *s = st->s;
	uint16_t number = (uint16_t)(p - st->plan->rules);
	bool there = st->entry < s->count && s->episodes[st->entry].rule == number;
	bool here = st->judged && is_asked_for(p, &s->subject) && rule_conditions(st, p) == HOLDS &&
		    places_meet_where(p, &st->places) && !is_exempt(st, p->rule->params[PARAM_LOITER_EXEMPT]);
	int64_t distance = 0;
	enum status status = STATUS_OK;
	if (there && st->judged && !(here && loiters(st, p, &s->episodes[st->entry], &distance))) {
		episode_finish(s, st->entry, p->rule, st->sink);
		there = false;
	}
	if (here && !there) {
		status = hold_begin(st, p, position_pack(st->lat_e7, st->lon_e7));
		distance = 0;
	}
	if (here && !status)
		loiter_on(st, p, &s->episodes[st->entry], distance);
	st->entry += st->entry < s->count && s->episodes[st->entry].rule == number;
	return status;
}

/* --- jump: told once --- */

enum status jump_run(struct step *st, const struct plan_rule *p)
{
	const struct fix *f = &st->s->fix;
	const int64_t *v = p->rule->params;
	if (!st->judged || f->time_ms == TIME_NONE)
		return STATUS_OK;
	int64_t dt_ms = st->now - f->time_ms;
	if (dt_ms < MS_PER_SECOND) /* whole seconds are told */
		dt_ms = MS_PER_SECOND;
	if (step_leg(st) <= v[PARAM_JUMP_DISTANCE] || step_leg(st) * 36 <= v[PARAM_JUMP_LIMIT] * dt_ms ||
	    rule_conditions(st, p) != HOLDS || !places_meet_where(p, &st->places))
		return STATUS_OK;
	struct episode e;
	struct reading m = reading_none();
	m.value = step_leg(st) * 36 / dt_ms;
	m.limit = v[PARAM_JUMP_LIMIT];
	m.distance = step_leg(st);
	m.confidence = p->kind->confidence;
	episode_init(&e, st, p, NULL);
	e.start_ms = f->time_ms;
	e.start_lat_e7 = f->lat_e7;
	e.start_lon_e7 = f->lon_e7;
	e.points = 1;
	episode_grow(st, p, &e, &m);
	e.found_ms = st->now;
	episode_tell(st->s, &e, p->rule, false, st->sink);
	return STATUS_OK;
}
