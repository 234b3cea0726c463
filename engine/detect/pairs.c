/* pairs.c -- stage 2 of two vessels, or of one and its formation: facts of their windows to findings.
 *
 *   risk       n n w n w w . . n n           n: within the limits, w: within a fifth more, .: outside
 *              [ finding ]     [ another     begins with n, goes on while n or w follows within PAIR_GAP_MS
 *   together   |window|window|window|  |window|      windows that follow each other are one
 *
 *   silent     |window|      |window|window|        one window may be missing; from two windows before the first
 *   apart      |window|      |window|              likewise; enough of them are one
 *   reborn     old ── x  n ── new                  each fact is one
 *
 * A finding's subject is the pair (pair_number()), so that all of one pair is judged and replaced at once. Of the head
 * of a rule `classes` applies: both vessels are of them. */
#include <stdlib.h>
#include <string.h>

#include "engine/detect/sea_window.h"
#include "engine/detect/stage2.h"

/* one half minute may be missing */
#define PAIR_GAP_MS (2 * SEA_GRID_MS)
#define SLOTS_MAX 64

/* --- the two --- */

struct couple {
	const struct detect_context *context;
	const struct fact *facts; /* ascending, each once */
	size_t count;
	int64_t as_of_ms;
	uint64_t devices[2];
	struct detect_subject subjects[2]; /* as of the last fact looked at */
	struct finding_list findings;
};

static const struct detect_subject *subject_at(struct couple *c, unsigned i, int64_t time_ms)
{
	struct detect_subject *s = &c->subjects[i];
	if (s->device != c->devices[i] || time_ms < s->from_ms || time_ms >= s->to_ms)
		c->context->subject(c->context->registry, c->devices[i], time_ms, s);
	return s;
}

static bool are_bound(struct couple *c, const struct tenure *t, const struct fact *f)
{
	if (f->from_ms < t->from_ms || f->from_ms >= t->to_ms || f->from_ms > c->as_of_ms)
		return false;
	for (unsigned i = 0; i < 2; i++)
		if (!(t->rule->classes >> (subject_at(c, i, f->from_ms)->class_code & 31) & 1))
			return false;
	return true;
}

static unsigned kind_of(struct couple *c, unsigned i, int64_t time_ms)
{
	unsigned kind = MOVER_OTHER;
	sea_kind_of(subject_at(c, i, time_ms)->class_code, &kind);
	return kind;
}

/* The findings of the pair begin with this fact; the fishing boat comes first. NULL without memory. */
static struct finding *begin(struct couple *c, const struct tenure *t, const struct fact *first,
			     const struct fact *last)
{
	struct finding *f = finding_list_add(&c->findings, t->rule);
	if (!f)
		return NULL;
	bool second = kind_of(c, 1, first->from_ms) == MOVER_FISHING && kind_of(c, 0, first->from_ms) != MOVER_FISHING;
	f->subject = pair_number(c->devices[0], c->devices[1]);
	f->device = c->devices[second];
	f->other = c->devices[!second];
	f->start_ms = first->from_ms;
	f->end_ms = last->to_ms;
	f->start_lat_e7 = first->from_lat_e7;
	f->start_lon_e7 = first->from_lon_e7;
	f->end_lat_e7 = last->from_lat_e7;
	f->end_lon_e7 = last->from_lon_e7;
	f->numbers[FINDING_DURATION] = f->end_ms - f->start_ms;
	return f;
}

/* --- collision --- */

struct risk_run {
	const struct fact *first, *last, *found; /* `found` NULL: not often enough yet */
	int64_t narrow, cpa_mm;
};

static bool is_within(const struct fact *f, int64_t cpa_mm, int64_t tcpa_ms)
{
	return f->to_lat_e7 <= cpa_mm && f->to_lon_e7 <= tcpa_ms;
}

static enum status risk_end(struct couple *c, const struct tenure *t, struct risk_run *r, bool open)
{
	enum status status = STATUS_OK;
	if (r->found) {
		struct finding *f = begin(c, t, r->first, r->last);
		if (f) {
			f->open = open && c->as_of_ms - r->last->to_ms <= PAIR_GAP_MS && c->as_of_ms < t->to_ms;
			f->found_ms = r->found->from_ms;
			f->numbers[FINDING_LIMIT] = t->rule->params[PARAM_COLLISION_CPA];
			f->numbers[FINDING_PEAK] = r->cpa_mm;
			f->numbers[FINDING_REPORTS] = r->narrow;
			f->numbers[FINDING_OTHER] = r->found->to_lon_e7;
		}
		status = f ? STATUS_OK : STATUS_NO_MEMORY;
	}
	*r = (struct risk_run){0};
	return status;
}

static void risk_on(struct risk_run *r, const struct rule *rule, const struct fact *f, bool narrow)
{
	if (!r->first)
		*r = (struct risk_run){.first = f, .cpa_mm = f->to_lat_e7};
	r->last = f;
	r->cpa_mm = f->to_lat_e7 < r->cpa_mm ? f->to_lat_e7 : r->cpa_mm;
	r->narrow += narrow;
	if (narrow && !r->found && r->narrow >= rule->params[PARAM_COLLISION_TIMES])
		r->found = f;
}

static enum status judge_collision(struct couple *c, const struct tenure *t)
{
	const int64_t *v = t->rule->params;
	int64_t percent = 100 + v[PARAM_COLLISION_RELEASE];
	struct risk_run r = {0};
	enum status status = STATUS_OK;
	for (size_t i = 0; i < c->count && !status; i++) {
		const struct fact *f = &c->facts[i];
		if (f->kind != FACT_RISK || !are_bound(c, t, f) ||
		    !is_within(f, v[PARAM_COLLISION_CPA] * percent / 100, v[PARAM_COLLISION_TCPA] * percent / 100) ||
		    !mover_pair_counts((enum mover_pairs)v[PARAM_COLLISION_PAIRS], kind_of(c, 0, f->from_ms),
				       kind_of(c, 1, f->from_ms)))
			continue;
		bool narrow = is_within(f, v[PARAM_COLLISION_CPA], v[PARAM_COLLISION_TCPA]);
		if (r.first && f->from_ms - r.last->to_ms > PAIR_GAP_MS)
			status = risk_end(c, t, &r, false);
		if (r.first || narrow)
			risk_on(&r, t->rule, f, narrow);
	}
	return status ? status : risk_end(c, t, &r, true);
}

/* --- together --- */

bool fact_begins_in(const struct detect_context *context, uint16_t tag, const struct fact *f)
{
	uint32_t slots[SLOTS_MAX];
	if (!tag || !context->fences)
		return false;
	size_t count = fence_index_find(fence_set_index(context->fences), NULL,
					(struct geo_point){f->from_lat_e7, f->from_lon_e7}, slots, SLOTS_MAX);
	for (size_t i = 0; i < count && i < SLOTS_MAX; i++) {
		const struct fence *fence = fence_set_at(context->fences, slots[i]);
		if (fence && fence_has_tag(fence, tag) && fence->valid_from_ms <= f->from_ms &&
		    f->from_ms < fence->valid_to_ms)
			return true;
	}
	return false;
}

bool pair_speed_fits(const struct rule *rule, uint16_t speed_dkmh)
{
	return rule->kind == RULE_TWO_CODES ? speed_dkmh >= rule->params[PARAM_TWO_CODES_SPEED]
					    : speed_dkmh < rule->params[PARAM_ENCOUNTER_SPEED];
}

bool pair_is_exempt(const struct detect_context *context, const struct rule *rule, const struct fact *f)
{
	return rule->kind == RULE_ENCOUNTER &&
	       fact_begins_in(context, (uint16_t)rule->params[PARAM_ENCOUNTER_EXEMPT], f);
}

bool pair_is_together(const struct detect_context *context, const struct rule *rule, const struct fact *f)
{
	uint16_t faster = (uint16_t)(f->to_lon_e7 >> 16), slower = (uint16_t)(f->to_lon_e7 & 0xffff);
	return f->to_lat_e7 <= rule->params[PARAM_ENCOUNTER_DISTANCE] &&
	       pair_speed_fits(rule, rule->kind == RULE_TWO_CODES ? slower : faster) &&
	       !pair_is_exempt(context, rule, f);
}

static enum status together_end(struct couple *c, const struct tenure *t, const struct fact *first,
				const struct fact *last, int64_t distance_mm, bool open)
{
	int64_t time_ms = t->rule->params[PARAM_ENCOUNTER_TIME];
	if (!first || last->to_ms - first->from_ms < time_ms)
		return STATUS_OK;
	struct finding *f = begin(c, t, first, last);
	if (!f)
		return STATUS_NO_MEMORY;
	f->open = open && c->as_of_ms - last->to_ms <= SEA_WINDOW_MS && c->as_of_ms < t->to_ms;
	f->found_ms = first->from_ms + time_ms;
	f->confidence = CONFIDENCE_MEDIUM;
	f->numbers[FINDING_LIMIT] = time_ms;
	f->numbers[FINDING_PEAK] = distance_mm;
	return STATUS_OK;
}

static enum status judge_together(struct couple *c, const struct tenure *t)
{
	const struct fact *first = NULL, *last = NULL;
	int64_t distance_mm = 0;
	enum status status = STATUS_OK;
	for (size_t i = 0; i < c->count && !status; i++) {
		const struct fact *f = &c->facts[i];
		if (f->kind != FACT_TOGETHER || !are_bound(c, t, f) || !pair_is_together(c->context, t->rule, f))
			continue;
		if (first && f->from_ms - last->from_ms != SEA_WINDOW_MS) {
			status = together_end(c, t, first, last, distance_mm, false);
			first = NULL;
		}
		distance_mm = !first || f->to_lat_e7 > distance_mm ? f->to_lat_e7 : distance_mm;
		first = first ? first : f;
		last = f;
	}
	return status ? status : together_end(c, t, first, last, distance_mm, true);
}

/* --- two codes --- */

/* A run of windows of one rule. */
struct code_run {
	const struct fact *first, *last;
	int64_t peak_mm, windows;
};

static unsigned codes_of(const struct fact *f)
{
	return (unsigned)f->to_lon_e7 & CODES_ARE_MASK;
}

/* Which of the two is silent, or vanished. */
static unsigned silent_of(const struct fact *f)
{
	return codes_of(f) == CODES_SECOND_SILENT || codes_of(f) == CODES_SECOND_REBORN;
}

static bool code_counts(struct couple *c, const struct tenure *t, const struct fact *f)
{
	if (f->kind != FACT_CODES || f->from_ms < t->from_ms || f->from_ms >= t->to_ms || f->from_ms > c->as_of_ms)
		return false;
	unsigned silent = silent_of(f);
	const struct detect_subject *subject = subject_at(c, silent, f->from_ms);
	return t->rule->classes >> (subject->class_code & 31) & 1 &&
	       codes_count(c->context, t->rule, f, subject->source);
}

/* About the silent one, or the lower. NULL without memory. */
static struct finding *begin_codes(struct couple *c, const struct tenure *t, const struct code_run *r)
{
	struct finding *f = begin(c, t, r->first, r->last);
	if (!f)
		return NULL;
	f->device = c->devices[silent_of(r->first)];
	f->other = c->devices[!silent_of(r->first)];
	f->numbers[FINDING_REPORTS] = r->windows;
	f->confidence = CONFIDENCE_MEDIUM;
	return f;
}

static bool is_open(const struct couple *c, const struct tenure *t, const struct fact *last)
{
	return c->as_of_ms - last->to_ms <= 2 * SEA_WINDOW_MS && c->as_of_ms < t->to_ms;
}

static enum status silent_end(struct couple *c, const struct tenure *t, const struct code_run *r, bool last)
{
	int64_t time_ms = t->rule->params[PARAM_SOURCE_OFF_TIME], start_ms = r->first->from_ms - SEA_BACK_MS;
	if (r->last->to_ms - start_ms < time_ms)
		return STATUS_OK;
	struct finding *f = begin_codes(c, t, r);
	if (!f)
		return STATUS_NO_MEMORY;
	f->start_ms = start_ms;
	f->open = last && is_open(c, t, r->last);
	f->found_ms = start_ms + time_ms;
	f->numbers[FINDING_DURATION] = f->end_ms - f->start_ms;
	f->numbers[FINDING_LIMIT] = time_ms;
	return STATUS_OK;
}

static enum status apart_end(struct couple *c, const struct tenure *t, const struct code_run *r, bool last)
{
	if (r->windows < t->rule->params[PARAM_SOURCES_APART_TIMES])
		return STATUS_OK;
	struct finding *f = begin_codes(c, t, r);
	if (!f)
		return STATUS_NO_MEMORY;
	f->open = last && is_open(c, t, r->last);
	f->found_ms = f->end_ms;
	f->numbers[FINDING_LIMIT] = t->rule->params[PARAM_SOURCES_APART_LIMIT];
	f->numbers[FINDING_PEAK] = f->numbers[FINDING_DISTANCE] = r->peak_mm;
	return STATUS_OK;
}

static enum status reborn_end(struct couple *c, const struct tenure *t, const struct code_run *r)
{
	struct finding *f = begin_codes(c, t, r);
	if (!f)
		return STATUS_NO_MEMORY;
	f->confidence = CONFIDENCE_LOW;
	f->found_ms = (sea_window_of(f->end_ms) + 2) * SEA_WINDOW_MS;
	f->numbers[FINDING_LIMIT] = t->rule->params[PARAM_REBORN_DISTANCE];
	f->numbers[FINDING_PEAK] = r->peak_mm;
	return STATUS_OK;
}

static enum status run_end(struct couple *c, const struct tenure *t, struct code_run *r, bool last)
{
	enum status status = STATUS_OK;
	if (r->first)
		status = t->rule->kind == RULE_SOURCE_OFF      ? silent_end(c, t, r, last)
			 : t->rule->kind == RULE_SOURCES_APART ? apart_end(c, t, r, last)
							       : reborn_end(c, t, r);
	*r = (struct code_run){0};
	return status;
}

/* Whether the fact goes on with the run: of the same sense, and with one window missing at most. */
static bool goes_on(const struct tenure *t, const struct code_run *r, const struct fact *f)
{
	return t->rule->kind != RULE_REBORN && codes_of(f) == codes_of(r->first) &&
	       sea_window_of(f->to_ms) - sea_window_of(r->last->to_ms) <= 2;
}

static enum status judge_codes(struct couple *c, const struct tenure *t)
{
	struct code_run r = {0};
	enum status status = STATUS_OK;
	for (size_t i = 0; i < c->count && !status; i++) {
		const struct fact *f = &c->facts[i];
		if (!code_counts(c, t, f))
			continue;
		if (r.first && !goes_on(t, &r, f))
			status = run_end(c, t, &r, false);
		if (!r.first)
			r.first = f;
		r.last = f;
		r.windows++;
		r.peak_mm = f->to_lat_e7 > r.peak_mm ? f->to_lat_e7 : r.peak_mm;
	}
	return status ? status : run_end(c, t, &r, true);
}

/* --- formations --- */

static enum status left_end(struct couple *c, const struct tenure *t, const struct fact *first, const struct fact *last,
			    int64_t nearest_mm, bool open)
{
	int64_t time_ms = t->rule->params[PARAM_FORMATION_TIME];
	if (!first || last->to_ms - first->from_ms < time_ms)
		return STATUS_OK;
	struct finding *f = begin(c, t, first, last);
	if (!f)
		return STATUS_NO_MEMORY;
	f->device = c->devices[0];
	f->other = 0;
	f->open = open && is_open(c, t, last);
	f->found_ms = first->from_ms + time_ms;
	f->confidence = CONFIDENCE_MEDIUM;
	f->numbers[FINDING_LIMIT] = time_ms;
	f->numbers[FINDING_PEAK] = nearest_mm;
	return STATUS_OK;
}

static enum status judge_formation(struct couple *c, const struct tenure *t)
{
	const struct fact *first = NULL, *last = NULL;
	int64_t nearest_mm = 0;
	enum status status = STATUS_OK;
	for (size_t i = 0; i < c->count && !status; i++) {
		const struct fact *f = &c->facts[i];
		bool counts = f->kind == FACT_LEFT && f->from_ms >= t->from_ms && f->from_ms < t->to_ms &&
			      f->from_ms <= c->as_of_ms &&
			      t->rule->classes >> (subject_at(c, 0, f->from_ms)->class_code & 31) & 1 &&
			      left_counts(c->context, t->rule, f);
		if (!counts)
			continue;
		if (first && f->from_ms - last->from_ms != SEA_WINDOW_MS) {
			status = left_end(c, t, first, last, nearest_mm, false);
			first = NULL;
		}
		nearest_mm = !first || f->to_lat_e7 < nearest_mm ? f->to_lat_e7 : nearest_mm;
		first = first ? first : f;
		last = f;
	}
	return status ? status : left_end(c, t, first, last, nearest_mm, true);
}

static enum status judge_kind(struct couple *c, const struct tenure *t)
{
	switch (t->rule->kind) {
	case RULE_COLLISION:
		return judge_collision(c, t);
	case RULE_ENCOUNTER:
	case RULE_TWO_CODES:
		return judge_together(c, t);
	case RULE_FORMATION:
		return judge_formation(c, t);
	default:
		return judge_codes(c, t);
	}
}

static int compare_facts(const void *a, const void *b)
{
	return fact_compare(a, b);
}

/* Ascending, each once. */
static struct fact *in_order(const struct fact *facts, size_t *count)
{
	struct fact *list = malloc(*count * sizeof *list);
	size_t kept = 0;
	if (!list)
		return NULL;
	memcpy(list, facts, *count * sizeof *list);
	qsort(list, *count, sizeof *list, compare_facts);
	for (size_t i = 0; i < *count; i++)
		if (!kept || fact_compare(&list[kept - 1], &list[i]) != 0)
			list[kept++] = list[i];
	*count = kept;
	return list;
}

enum status pairs_judge(const struct detect_context *context, const struct fact *facts, size_t count, int64_t as_of_ms,
			struct detect_sink *sink)
{
	static const enum rule_kind kinds[] = {RULE_COLLISION,  RULE_ENCOUNTER,     RULE_TWO_CODES, RULE_REBORN,
					       RULE_SOURCE_OFF, RULE_SOURCES_APART, RULE_FORMATION};
	struct couple c = {.context = context, .as_of_ms = as_of_ms, .count = count};
	if (!count)
		return STATUS_OK;
	struct fact *list = in_order(facts, &c.count);
	enum status status = list ? STATUS_OK : STATUS_NO_MEMORY;
	c.facts = list;
	if (list) {
		c.devices[0] = list[0].driver;
		c.devices[1] = (uint64_t)list[0].value;
	}
	for (size_t i = 0; i < sizeof kinds / sizeof *kinds && !status; i++) {
		struct tenure_walk walk = {0};
		struct tenure t;
		while (!status && tenure_next(context, kinds[i], &walk, &t))
			status = judge_kind(&c, &t);
	}
	if (!status)
		finding_list_tell(&c.findings, sink);
	finding_list_deinit(&c.findings);
	free(list);
	return status;
}
