/* port.c -- out of harbours and into them: port_report, depart.
 *
 *   reports     i  i  i  o  i  o  o  o  o  o        i: in a fence of `tag`, o: in none
 *   in port     ├──────────┤
 *                           ├─ hold ─┤              the first o of those that stayed is the crossing
 *
 * An entry of a rule is one of these, told apart by what stands for its fence:
 *   ""          the watch: in port or not (EPISODE_INSIDE), since when (start), the last report of that (last); while
 *               the other side is not yet sure its first report (fail) and where that was (base). Its numbers: LIMIT
 * the last crossing out, PEAK the last one in
 *   "/out" "/in"  a crossing that no report covers yet: start the crossing, OTHER the last report before it,
 *               LIMIT the harbour's hash
 *   "/leave" "/enter"  a report of port: start its beginning, LIMIT its end; EPISODE_INSIDE: it was followed or told of
 * No fence has a '/' in its id. A port_report that misses crossings remembers its reports while the registry tells of
 * them, PORT_REPORT_KEPT_MS after their end. */
#include <stdio.h>

#include "engine/detect/detect_step.h"

#define CODE_OUT 1
#define CODE_IN 2

struct crossing {
	bool out;
	int64_t from_ms, at_ms; /* last report before, first behind */
	struct geo_point from, at;
};

static bool is_watch(const struct episode *e)
{
	return e->fence_id[0] == 0;
}

static const char *crossing_id(bool out)
{
	return out ? "/out" : "/in";
}

static const char *report_id(unsigned kind)
{
	return kind == PERMIT_LEAVE ? "/leave" : "/enter";
}

/* Another entry of the rule, in its place. */
static enum status entry_add(struct step *st, const struct plan_rule *p, const char *id, int64_t start_ms,
			     struct episode *key)
{
	uint32_t at;
	snprintf(key->fence_id, sizeof key->fence_id, "%s", id);
	key->rule = (uint16_t)(p - st->plan->rules);
	key->start_ms = start_ms;
	return episode_insert(st->s, key, &at);
}

/* --- the watch --- */

/* The other side is sure: `e` is turned, and what happened is told. */
static void watch_turn(struct step *st, struct episode *e, struct crossing *out)
{
	*out = (struct crossing){.out = e->flags & EPISODE_INSIDE,
				 .from_ms = e->last_ms,
				 .at_ms = e->fail_ms,
				 .from = {e->last_lat_e7, e->last_lon_e7},
				 .at = position_unpack(e->base)};
	e->flags ^= EPISODE_INSIDE;
	e->numbers[out->out ? FINDING_LIMIT : FINDING_PEAK] = e->fail_ms;
	e->start_ms = e->fail_ms;
	e->fail_ms = TIME_NONE;
	e->base = 0;
	e->points = 0;
	e->last_ms = st->now;
	e->last_lat_e7 = st->lat_e7;
	e->last_lon_e7 = st->lon_e7;
}

/* The watch of the rule after a judged report; true with a crossing that is now sure. */
static bool watch_step(struct step *st, const struct plan_rule *p, struct episode *e, uint16_t tag,
		       struct crossing *out)
{
	bool inside = places_with_tag(&st->places, tag) != NULL;
	e->seen_ms = st->now;
	if (inside == !!(e->flags & EPISODE_INSIDE)) {
		e->last_ms = st->now;
		e->last_lat_e7 = st->lat_e7;
		e->last_lon_e7 = st->lon_e7;
		e->fail_ms = TIME_NONE;
		e->base = 0;
		e->points = 0;
		return false;
	}
	if (e->fail_ms == TIME_NONE) {
		e->fail_ms = st->now;
		e->base = position_pack(st->lat_e7, st->lon_e7);
	}
	e->points++;
	if (st->now - e->fail_ms < p->rule->hold_ms || e->points < p->rule->points)
		return false;
	watch_turn(st, e, out);
	return true;
}

static enum status watch_begin(struct step *st, const struct plan_rule *p, uint16_t tag)
{
	struct episode key;
	episode_init(&key, st, p, NULL);
	key.flags = places_with_tag(&st->places, tag) ? EPISODE_INSIDE : 0;
	return entry_add(st, p, "", st->now, &key);
}

/* The harbour of a crossing: that of the report in port. `*out` NULL when it is no longer known. */
static enum status harbour_of(struct step *st, uint16_t tag, const struct crossing *c, const struct fence **out)
{
	struct places places;
	struct geo_point at = c->out ? c->from : c->at;
	enum status status =
		places_find(st->d, &st->s->cursor, at, c->out ? c->from_ms : c->at_ms, tag_bit(tag), false, &places);
	const struct place *harbour = status == STATUS_OK ? places_with_tag(&places, tag) : NULL;
	*out = harbour ? harbour->fence : NULL;
	places_free(&places);
	return status;
}

/* A finding from the last report before a crossing to the first behind it. */
static void tell(struct step *st, const struct plan_rule *p, const struct crossing *c, const struct fence *fence,
		 const struct reading *m, int64_t found_ms)
{
	struct episode e;
	episode_init(&e, st, p, fence);
	e.start_ms = c->from_ms;
	e.start_lat_e7 = c->from.lat_e7;
	e.start_lon_e7 = c->from.lon_e7;
	e.points = 1;
	episode_grow(st, p, &e, m);
	e.last_ms = c->at_ms;
	e.last_lat_e7 = c->at.lat_e7;
	e.last_lon_e7 = c->at.lon_e7;
	e.found_ms = found_ms;
	episode_tell(st->s, &e, p->rule, false, st->sink);
}

/* Behind the last entry of the rule. */
static void skip_entries(struct step *st, const struct plan_rule *p)
{
	uint16_t number = (uint16_t)(p - st->plan->rules);
	while (st->entry < st->s->count && st->s->episodes[st->entry].rule == number)
		st->entry++;
}

static bool has_watch(const struct step *st, const struct plan_rule *p)
{
	const struct detect_state *s = st->s;
	return st->entry < s->count && s->episodes[st->entry].rule == (uint16_t)(p - st->plan->rules) &&
	       is_watch(&s->episodes[st->entry]);
}

/* --- depart --- */

static bool fence_holds(const struct fence *f, int64_t time_ms)
{
	return time_ms >= f->valid_from_ms && time_ms < f->valid_to_ms && schedule_active(&f->when, time_ms);
}

static enum status depart_find(struct step *st, const struct plan_rule *p, const struct crossing *c)
{
	const struct place *ban = NULL;
	for (uint32_t i = 0; i < st->places.count && !ban; i++)
		if (place_is_where(p, &st->places.at[i]))
			ban = &st->places.at[i];
	bool anywhere = p->rule->where_mode == WHERE_ANY || p->rule->where_mode == WHERE_NOT_TAG;
	if (rule_conditions(st, p) != HOLDS || !(anywhere ? places_meet_where(p, &st->places) : ban != NULL))
		return STATUS_OK;
	struct reading m = reading_none();
	m.code = CODE_OUT;
	/* last seen in port before the ban: it may have left before, too */
	m.confidence = ban && !fence_holds(ban->fence, c->from_ms) ? CONFIDENCE_LOW : p->kind->confidence;
	tell(st, p, c, ban ? ban->fence : NULL, &m, st->now);
	return STATUS_OK;
}

enum status depart_run(struct step *st, const struct plan_rule *p)
{
	struct crossing c;
	uint16_t tag = (uint16_t)p->rule->params[PARAM_DEPART_TAG];
	enum status status = STATUS_OK;
	if (st->judged && has_watch(st, p)) {
		if (watch_step(st, p, &st->s->episodes[st->entry], tag, &c)) {
			episode_remove(st->s, st->entry); /* at sea: until it is in port again */
			status = depart_find(st, p, &c);
		}
	} else if (st->judged && places_with_tag(&st->places, tag)) {
		status = watch_begin(st, p, tag);
	}
	skip_entries(st, p);
	return status;
}

/* --- port_report, missing = report --- */

/* A report of port that holds at some instant of [from, to]. */
static bool is_reported(const struct step *st, bool out, int64_t from_ms, int64_t to_ms)
{
	const struct subject_view *subject = &st->s->subject;
	for (unsigned i = 0; i < subject->permit_count; i++) {
		const struct permit_view *v = &subject->permits[i];
		if (v->kind == (out ? PERMIT_LEAVE : PERMIT_ENTER) && v->valid_from_ms <= to_ms &&
		    v->valid_to_ms > from_ms)
			return true;
	}
	return false;
}

static enum status crossing_keep(struct step *st, const struct plan_rule *p, const struct crossing *c)
{
	struct episode key;
	if (rule_conditions(st, p) != HOLDS || !places_meet_where(p, &st->places))
		return STATUS_OK;
	episode_init(&key, st, p, NULL);
	key.numbers[FINDING_OTHER] = c->from_ms;
	key.base = position_pack(c->from.lat_e7, c->from.lon_e7);
	key.start_lat_e7 = c->at.lat_e7;
	key.start_lon_e7 = c->at.lon_e7;
	return entry_add(st, p, crossing_id(c->out), c->at_ms, &key);
}

/* One that is kept; `*out_done` when it is over, reported or told. */
static enum status crossing_judge(struct step *st, const struct plan_rule *p, const struct episode *e, bool *out_done)
{
	int64_t grace_ms = p->rule->params[PARAM_PORT_REPORT_GRACE];
	struct crossing c = {.out = strcmp(e->fence_id, crossing_id(true)) == 0,
			     .from_ms = e->numbers[FINDING_OTHER],
			     .at_ms = e->start_ms,
			     .from = position_unpack(e->base),
			     .at = {e->start_lat_e7, e->start_lon_e7}};
	const struct fence *harbour;
	*out_done = is_reported(st, c.out, c.from_ms, c.at_ms + grace_ms);
	if (*out_done || st->now <= c.at_ms + grace_ms)
		return STATUS_OK;
	*out_done = true;
	enum status status = harbour_of(st, (uint16_t)p->rule->params[PARAM_PORT_REPORT_TAG], &c, &harbour);
	if (status != STATUS_OK)
		return status;
	struct reading m = reading_none();
	m.code = c.out ? CODE_OUT : CODE_IN;
	m.limit = grace_ms;
	m.confidence = CONFIDENCE_HIGH;
	tell(st, p, &c, harbour, &m, c.at_ms + grace_ms);
	return STATUS_OK;
}

static enum status crossings_judge(struct step *st, const struct plan_rule *p)
{
	struct detect_state *s = st->s;
	uint16_t number = (uint16_t)(p - st->plan->rules);
	enum status status = STATUS_OK;
	for (uint32_t i = st->entry + 1; i < s->count && s->episodes[i].rule == number && status == STATUS_OK;) {
		bool done;
		status = crossing_judge(st, p, &s->episodes[i], &done);
		if (done)
			episode_remove(s, i);
		else
			i++;
	}
	return status;
}

/* --- port_report, missing = crossing --- */

static bool is_of_report(const struct episode *e, const struct permit_view *v)
{
	return e->start_ms == v->valid_from_ms && strcmp(e->fence_id, report_id(v->kind)) == 0;
}

/* A report of port with an end, of times that can be told. */
static bool is_judged_report(const struct permit_view *v)
{
	return permit_is_of_port(v->kind) && v->valid_from_ms > -TIME_MAX_MS && v->valid_to_ms < TIME_MAX_MS;
}

/* Whether the last crossing of its sort that the watch knows is one that the report may be of. */
static bool is_crossed(const struct episode *watch, const struct permit_view *v, int64_t grace_ms)
{
	int64_t at_ms = watch->numbers[v->kind == PERMIT_LEAVE ? FINDING_LIMIT : FINDING_PEAK];
	return at_ms != NUMBER_UNKNOWN && at_ms >= v->valid_from_ms - grace_ms && at_ms <= v->valid_to_ms;
}

/* Reports of port that have come, `fresh`: the boat was not watched before. */
static enum status reports_take(struct step *st, const struct plan_rule *p, bool fresh)
{
	struct detect_state *s = st->s;
	const struct subject_view *subject = &s->subject;
	uint16_t number = (uint16_t)(p - st->plan->rules);
	enum status status = STATUS_OK;
	for (unsigned k = 0; k < subject->permit_count && status == STATUS_OK; k++) {
		const struct permit_view *v = &subject->permits[k];
		uint32_t i = st->entry + 1;
		if (!is_judged_report(v) || v->valid_from_ms > st->now)
			continue;
		while (i < s->count && s->episodes[i].rule == number && !is_of_report(&s->episodes[i], v))
			i++;
		if (i < s->count && s->episodes[i].rule == number)
			continue;
		struct episode key;
		episode_init(&key, st, p, NULL);
		key.numbers[FINDING_LIMIT] = v->valid_to_ms;
		bool unseen = fresh && v->valid_to_ms <= st->now;
		bool done = unseen || is_crossed(&s->episodes[st->entry], v, p->rule->params[PARAM_PORT_REPORT_GRACE]);
		key.flags = done ? EPISODE_INSIDE : 0;
		status = entry_add(st, p, report_id(v->kind), v->valid_from_ms, &key);
	}
	return status;
}

/* The reports that a crossing is of. */
static void reports_cross(struct step *st, const struct plan_rule *p, const struct crossing *c)
{
	struct detect_state *s = st->s;
	uint16_t number = (uint16_t)(p - st->plan->rules);
	int64_t grace_ms = p->rule->params[PARAM_PORT_REPORT_GRACE];
	const char *id = report_id(c->out ? PERMIT_LEAVE : PERMIT_ENTER);
	for (uint32_t i = st->entry + 1; i < s->count && s->episodes[i].rule == number; i++) {
		struct episode *e = &s->episodes[i];
		if (strcmp(e->fence_id, id) == 0 && c->at_ms >= e->start_ms - grace_ms &&
		    c->from_ms < e->numbers[FINDING_LIMIT])
			e->flags |= EPISODE_INSIDE;
	}
}

static void report_tell(struct step *st, const struct plan_rule *p, const struct episode *e)
{
	struct geo_point here = {st->lat_e7, st->lon_e7};
	struct crossing c = {.from_ms = e->start_ms, .at_ms = e->numbers[FINDING_LIMIT], .from = here, .at = here};
	struct reading m = reading_none();
	m.code = strcmp(e->fence_id, report_id(PERMIT_LEAVE)) == 0 ? CODE_OUT : CODE_IN;
	m.limit = p->rule->params[PARAM_PORT_REPORT_GRACE];
	m.confidence = p->kind->confidence;
	if (rule_conditions(st, p) == HOLDS && places_meet_where(p, &st->places))
		tell(st, p, &c, NULL, &m, c.at_ms);
}

/* Reports that are over: told when nothing came of them, forgotten when the registry forgets them. */
static void reports_end(struct step *st, const struct plan_rule *p)
{
	struct detect_state *s = st->s;
	uint16_t number = (uint16_t)(p - st->plan->rules);
	const struct episode *watch = &s->episodes[st->entry];
	/* what may be a crossing lies behind the last report before it */
	int64_t sure_ms = watch->fail_ms == TIME_NONE ? st->now : watch->last_ms;
	for (uint32_t i = st->entry + 1; i < s->count && s->episodes[i].rule == number;) {
		struct episode *e = &s->episodes[i];
		int64_t end_ms = e->numbers[FINDING_LIMIT];
		if (!(e->flags & EPISODE_INSIDE) && end_ms <= sure_ms) {
			report_tell(st, p, e);
			e->flags |= EPISODE_INSIDE;
		}
		if (e->flags & EPISODE_INSIDE && st->now - end_ms >= PORT_REPORT_KEPT_MS)
			episode_remove(s, i);
		else
			i++;
	}
}

/* --- port_report --- */

static enum status port_report_step(struct step *st, const struct plan_rule *p, bool fresh)
{
	struct crossing c;
	uint16_t tag = (uint16_t)p->rule->params[PARAM_PORT_REPORT_TAG];
	bool crossed = watch_step(st, p, &st->s->episodes[st->entry], tag, &c);
	enum status status = STATUS_OK;
	if (p->rule->params[PARAM_PORT_REPORT_MISSING]) {
		status = reports_take(st, p, fresh);
		if (crossed)
			reports_cross(st, p, &c);
		if (status == STATUS_OK)
			reports_end(st, p);
		return status;
	}
	if (crossed)
		status = crossing_keep(st, p, &c);
	return status == STATUS_OK ? crossings_judge(st, p) : status;
}

enum status port_report_run(struct step *st, const struct plan_rule *p)
{
	enum status status = STATUS_OK;
	bool fresh = !has_watch(st, p);
	if (st->judged && is_asked_for(p, &st->s->subject)) {
		if (fresh)
			status = watch_begin(st, p, (uint16_t)p->rule->params[PARAM_PORT_REPORT_TAG]);
		if (status == STATUS_OK)
			status = port_report_step(st, p, fresh);
	}
	skip_entries(st, p);
	return status;
}
