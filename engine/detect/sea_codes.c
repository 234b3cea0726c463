/* sea_codes.c -- in one window: sources of one boat, codes that vanish where others are born, boats away from their
 * formations.
 *
 *   silent   ──── . . . . [  window  ]          no fix in two windows before and in this one, while the other has one
 *   apart    A ── B                             one fix of each, further apart than anybody goes in between
 *   reborn   old ─ ─ x                          x: the last fix; in the window before this one the other is born there,
 *                    n ── n ─[─ n ── n ]        and the old one is not heard until this one ends
 *   left     at every two minutes further from every other boat of the formation than a rule allows */
#include <stdlib.h>
#include <string.h>

#include "engine/core/clock.h"
#include "engine/detect/sea_window_step.h"
#include "engine/geo/distance.h"

/* sources of one boat that are looked at */
#define SOURCES_MAX 8

/* --- which facts a rule asks for --- */

static bool silent_counts(const struct detect_context *context, const struct rule *rule, const struct fact *f,
			  unsigned silent_source)
{
	static const unsigned sources[] = {SOURCE_AIS, SOURCE_BEIDOU, SOURCE_NMEA};
	const int64_t *v = rule->params;
	return silent_source == sources[v[PARAM_SOURCE_OFF_SILENT]] &&
	       (!v[PARAM_SOURCE_OFF_WITHIN] || fact_begins_in(context, v[PARAM_SOURCE_OFF_WITHIN], f)) &&
	       !fact_begins_in(context, v[PARAM_SOURCE_OFF_EXEMPT], f);
}

static bool apart_counts(const int64_t *v, const struct fact *f)
{
	int64_t dt_ms = f->to_ms - f->from_ms < MS_PER_SECOND ? MS_PER_SECOND : f->to_ms - f->from_ms;
	return f->to_lat_e7 > v[PARAM_SOURCES_APART_DISTANCE] &&
	       (int64_t)f->to_lat_e7 * 36 > v[PARAM_SOURCES_APART_LIMIT] * dt_ms;
}

bool codes_count(const struct detect_context *context, const struct rule *rule, const struct fact *f,
		 unsigned silent_source)
{
	switch (f->to_lon_e7 & CODES_ARE_MASK) {
	case CODES_FIRST_SILENT:
	case CODES_SECOND_SILENT:
		return rule->kind == RULE_SOURCE_OFF && silent_counts(context, rule, f, silent_source);
	case CODES_APART:
		return rule->kind == RULE_SOURCES_APART && apart_counts(rule->params, f);
	default:
		return rule->kind == RULE_REBORN && f->to_lat_e7 <= rule->params[PARAM_REBORN_DISTANCE] &&
		       f->to_ms - f->from_ms <= rule->params[PARAM_REBORN_TIME] &&
		       f->to_lon_e7 >> CODES_TURN_SHIFT <= rule->params[PARAM_REBORN_TURN];
	}
}

bool left_counts(const struct detect_context *context, const struct rule *rule, const struct fact *f)
{
	return f->to_lat_e7 > rule->params[PARAM_FORMATION_DISTANCE] &&
	       !fact_begins_in(context, rule->params[PARAM_FORMATION_EXEMPT], f);
}

/* --- facts --- */

static int32_t mm_of(int64_t mm)
{
	return mm > INT32_MAX ? INT32_MAX : (int32_t)mm;
}

static struct fact pair_fact(const struct window *w, uint64_t a, uint64_t b)
{
	return (struct fact){.kind = FACT_CODES,
			     .device = sea_window_number(sea_window_of(w->from_ms)),
			     .driver = a < b ? a : b,
			     .place = pair_number(a, b),
			     .value = (int64_t)(a < b ? b : a)};
}

static bool is_asked(const struct window *w, const struct fact *f, unsigned silent_source)
{
	for (size_t i = 0; i < w->tenure_count; i++)
		if (codes_count(w->context, w->tenures[i].rule, f, silent_source))
			return true;
	return false;
}

static size_t fixes_before(const struct sea_track *t, int64_t time_ms)
{
	size_t low = 0, high = t->count;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (t->fixes[middle].mover.time_ms < time_ms)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* --- one silent --- */

static bool is_heard(const struct window *w, uint64_t device)
{
	for (size_t i = 0; i < w->count; i++)
		if (w->tracks[i].device == device)
			return true;
	return false;
}

/* `fix` is the first of `heard` in the window, of the other source nothing is there. */
static enum status add_silent(struct window *w, uint64_t heard, const struct sea_fix *fix, uint64_t silent)
{
	struct detect_subject subject;
	struct fact f = pair_fact(w, heard, silent);
	w->context->subject(w->context->registry, silent, w->from_ms, &subject);
	f.from_ms = w->from_ms;
	f.to_ms = w->to_ms <= w->as_of_ms ? w->to_ms : w->as_of_ms;
	f.from_lat_e7 = fix->mover.lat_e7;
	f.from_lon_e7 = fix->mover.lon_e7;
	f.to_lon_e7 = silent < heard ? CODES_FIRST_SILENT : CODES_SECOND_SILENT;
	return is_asked(w, &f, subject.source) ? window_add(w, &f) : STATUS_OK;
}

static enum status judge_silent(struct window *w)
{
	uint64_t others[SOURCES_MAX];
	enum status status = STATUS_OK;
	for (size_t i = 0; i < w->count && w->context->sources && !status; i++) {
		const struct sea_track *t = &w->tracks[i];
		size_t at = fixes_before(t, w->from_ms);
		if (!w->boats[i].counts || w->boats[i].vehicle == t->device || at == t->count)
			continue;
		size_t n = w->context->sources(w->context->registry, t->device, w->from_ms, others, SOURCES_MAX);
		for (size_t k = 0; k < n && !status; k++)
			if (!is_heard(w, others[k]))
				status = add_silent(w, t->device, &t->fixes[at], others[k]);
	}
	return status;
}

/* --- apart --- */

/* Whether the way from the one to the other is one that a rule asks for, and longer than that of `f`. */
static void look_apart(const struct window *w, const struct sea_fix *one, const struct sea_fix *other, struct fact *f)
{
	struct fact found = *f;
	found.from_ms = one->mover.time_ms;
	found.to_ms = other->mover.time_ms;
	found.from_lat_e7 = other->mover.lat_e7;
	found.from_lon_e7 = other->mover.lon_e7;
	found.to_lat_e7 =
		mm_of(distance_mm(one->mover.lat_e7, one->mover.lon_e7, other->mover.lat_e7, other->mover.lon_e7));
	found.to_lon_e7 = CODES_APART;
	if (found.to_lat_e7 > f->to_lat_e7 && is_asked(w, &found, 0))
		*f = found;
}

/* Both tracks beside each other in order of time; of the ways that end in the window the longest. */
static enum status judge_two(struct window *w, const struct sea_track *a, const struct sea_track *b)
{
	struct fact f = pair_fact(w, a->device, b->device);
	size_t i = 0, k = 0;
	const struct sea_fix *last = NULL;
	bool last_of_a = false;
	while (i < a->count || k < b->count) {
		bool of_a = k == b->count || (i < a->count && a->fixes[i].mover.time_ms <= b->fixes[k].mover.time_ms);
		const struct sea_fix *now = of_a ? &a->fixes[i++] : &b->fixes[k++];
		if (now->mover.time_ms > w->as_of_ms)
			break;
		if (last && of_a != last_of_a && now->mover.time_ms >= w->from_ms)
			look_apart(w, last, now, &f);
		last = now;
		last_of_a = of_a;
	}
	return f.to_lat_e7 ? window_add(w, &f) : STATUS_OK;
}

struct member {
	uint64_t of; /* the boat */
	size_t track;
};

static int compare_members(const void *a, const void *b)
{
	const struct member *x = a, *y = b;
	if (x->of != y->of)
		return x->of < y->of ? -1 : 1;
	return (x->track > y->track) - (x->track < y->track);
}

static enum status judge_apart(struct window *w)
{
	struct member *list = malloc(w->count * sizeof *list);
	enum status status = list ? STATUS_OK : STATUS_NO_MEMORY;
	size_t count = 0;
	for (size_t i = 0; i < w->count && list; i++)
		if (w->boats[i].counts && w->boats[i].vehicle && w->boats[i].vehicle != w->tracks[i].device)
			list[count++] = (struct member){w->boats[i].vehicle, i};
	if (count)
		qsort(list, count, sizeof *list, compare_members);
	for (size_t i = 0; i < count; i++)
		for (size_t k = i + 1; k < count && list[k].of == list[i].of && !status; k++)
			status = judge_two(w, &w->tracks[list[i].track], &w->tracks[list[k].track]);
	free(list);
	return status;
}

/* --- reborn --- */

static bool is_newborn(const struct window *w, size_t i)
{
	const struct sea_track *t = &w->tracks[i];
	return !w->boats[i].registered && w->boats[i].source == SOURCE_AIS && t->born_ms != SEA_NOT_BORN &&
	       t->born_ms >= w->from_ms - SEA_WINDOW_MS && t->born_ms < w->from_ms &&
	       t->fixes[t->count - 1].mover.time_ms >= w->from_ms;
}

/* Degrees between both courses; 0 when one of them lies still. */
static int turn_between(const struct sea_fix *one, const struct sea_fix *other)
{
	int turn = abs((int)one->course_deg - other->course_deg) % 360;
	return !one->moving || !other->moving ? 0 : turn > 180 ? 360 - turn : turn;
}

static enum status look_reborn(struct window *w, const struct sea_track *young, size_t i)
{
	const struct sea_track *old = &w->tracks[i];
	const struct sea_fix *last = &old->fixes[old->count - 1], *first = &young->fixes[0];
	struct fact f = pair_fact(w, old->device, young->device);
	int32_t lat_e7, lon_e7;
	f.from_ms = last->mover.time_ms;
	f.to_ms = first->mover.time_ms;
	if (!w->boats[i].counts || !w->boats[i].registered || w->boats[i].source != SOURCE_AIS || f.from_ms >= f.to_ms)
		return STATUS_OK;
	mover_position(&last->mover, f.to_ms, &lat_e7, &lon_e7);
	f.from_lat_e7 = last->mover.lat_e7;
	f.from_lon_e7 = last->mover.lon_e7;
	f.to_lat_e7 = mm_of(distance_mm(lat_e7, lon_e7, first->mover.lat_e7, first->mover.lon_e7));
	f.to_lon_e7 = old->device < young->device ? CODES_FIRST_REBORN : CODES_SECOND_REBORN;
	f.to_lon_e7 |= turn_between(last, &young->fixes[young->count - 1]) << CODES_TURN_SHIFT;
	return is_asked(w, &f, 0) ? window_add(w, &f) : STATUS_OK;
}

static enum status judge_reborn(struct window *w)
{
	enum status status = STATUS_OK;
	for (size_t i = 0; i < w->count; i++)
		for (size_t k = 0; k < w->count && is_newborn(w, i) && !status; k++)
			status = k == i ? STATUS_OK : look_reborn(w, &w->tracks[i], k);
	return status;
}

enum status window_judge_codes(struct window *w)
{
	enum status status = judge_silent(w);
	if (!status)
		status = judge_apart(w);
	return status ? status : judge_reborn(w);
}

/* --- formations --- */

struct straggler {
	int64_t nearest_mm; /* the least so far; -1: not away, or not known to be */
	int32_t lat_e7, lon_e7;
	bool seen;
};

/* To the nearest other boat of the same formation at the instant; -1: none is heard. */
static int64_t nearest(const struct window *w, const struct member *list, size_t count, size_t i, int64_t at_ms)
{
	const struct boat *one = &w->boats[list[i].track];
	int64_t least_mm = -1;
	int32_t lat_e7, lon_e7, other_lat_e7, other_lon_e7;
	mover_position(&one->latest->mover, at_ms, &lat_e7, &lon_e7);
	while (i && list[i - 1].of == one->formation)
		i--;
	for (; i < count && list[i].of == one->formation; i++) {
		const struct boat *other = &w->boats[list[i].track];
		if (!other->latest || other->vehicle == one->vehicle)
			continue;
		mover_position(&other->latest->mover, at_ms, &other_lat_e7, &other_lon_e7);
		int64_t mm = distance_mm(lat_e7, lon_e7, other_lat_e7, other_lon_e7);
		least_mm = least_mm < 0 || mm < least_mm ? mm : least_mm;
	}
	return least_mm;
}

static void look_left(const struct window *w, const struct member *list, size_t count, int64_t at_ms,
		      struct straggler *found)
{
	for (size_t i = 0; i < count; i++) {
		struct straggler *s = &found[i];
		const struct boat *b = &w->boats[list[i].track];
		if (!b->latest || (s->seen && s->nearest_mm < 0))
			continue;
		int64_t mm = nearest(w, list, count, i, at_ms);
		if (!s->seen)
			mover_position(&b->latest->mover, at_ms, &s->lat_e7, &s->lon_e7);
		s->nearest_mm = !s->seen || mm < s->nearest_mm ? mm : s->nearest_mm;
		s->seen = true;
	}
}

static enum status add_left(struct window *w, const struct member *m, const struct straggler *s, int64_t last_ms)
{
	uint64_t device = w->tracks[m->track].device;
	struct fact f = {.kind = FACT_LEFT,
			 .device = sea_window_number(sea_window_of(w->from_ms)),
			 .driver = device,
			 .place = pair_number(device, m->of),
			 .value = (int64_t)m->of,
			 .from_ms = w->from_ms,
			 .to_ms = last_ms,
			 .from_lat_e7 = s->lat_e7,
			 .from_lon_e7 = s->lon_e7,
			 .to_lat_e7 = mm_of(s->nearest_mm)};
	for (size_t i = 0; i < w->tenure_count && s->seen && s->nearest_mm >= 0; i++)
		if (w->tenures[i].rule->kind == RULE_FORMATION && left_counts(w->context, w->tenures[i].rule, &f))
			return window_add(w, &f);
	return STATUS_OK;
}

enum status window_judge_formations(struct window *w)
{
	struct member *list = malloc(w->count * sizeof *list);
	struct straggler *found = calloc(w->count, sizeof *found);
	enum status status = list && found ? STATUS_OK : STATUS_NO_MEMORY;
	size_t count = 0;
	int64_t last_ms = w->from_ms;
	for (size_t i = 0; i < w->count && !status; i++)
		if (w->boats[i].counts && w->boats[i].formation)
			list[count++] = (struct member){w->boats[i].formation, i};
	if (count > 1)
		qsort(list, count, sizeof *list, compare_members);
	window_rewind(w);
	for (int64_t at = w->from_ms; at < w->to_ms && at <= w->as_of_ms && count > 1; at += SEA_TOGETHER_MS) {
		window_go_to(w, at);
		look_left(w, list, count, at, found);
		last_ms = at;
	}
	for (size_t i = 0; i < count && count > 1 && !status; i++)
		status = add_left(w, &list[i], &found[i], last_ms);
	free(list);
	free(found);
	return status;
}
