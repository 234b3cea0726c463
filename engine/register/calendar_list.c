/* calendar_list.c -- tasks of a span of days: what rules bring forth, and what was entered.
 *
 *   rule ─ due days ─ subjects ──> seed ─┐
 *   standing without a living rule ──────┴─> seeds by due day and id ──> struct calendar_task, filtered
 */
#include <stdio.h>

#include "engine/core/hash.h"
#include "engine/register/calendar_state.h"

/* A task before its state is looked at. */
struct seed {
	uint64_t id;
	const struct calendar_rule *rule; /* NULL: entered */
	const struct subject *subject;    /* NULL: none */
	const struct standing *standing;  /* NULL: nothing was said of it */
	struct calendar_due due;
};

struct seeds {
	const struct calendar *calendar;
	const struct calendar_filter *filter;
	uint64_t only; /* this task; 0: any */
	struct seed *items;
	size_t count, capacity;
};

uint64_t task_id_of_rule(const struct calendar_rule *rule, const char *period, const char *subject)
{
	char key[CALENDAR_ID_MAX + CALENDAR_PERIOD_MAX + CALENDAR_TEXT_MAX + 16];
	int size = snprintf(key, sizeof key, "rule\x1f%s\x1f%s\x1f%s", rule->id, period, subject);
	return hash64(span_of(key, (size_t)size));
}

const struct calendar_rule *calendar_rule_named(const struct calendar *c, const char *id)
{
	for (size_t i = 0; id && i < c->rules->count; i++)
		if (strcmp(c->rules->items[i].id, id) == 0)
			return &c->rules->items[i];
	return NULL;
}

bool rule_wants_subject(const struct calendar_rule *rule, const struct subject *s, const struct calendar_due *due)
{
	if ((rule->risks && !(rule->risks >> s->risk & 1)) || (rule->high_risk >= 0 && rule->high_risk != s->high_risk))
		return false;
	bool begun = s->since_day == HAZARD_DAY_NONE || s->since_day <= due->due_day;
	int32_t start = due->start_day != HAZARD_DAY_NONE ? due->start_day : due->due_day;
	return begun && (s->until_day == HAZARD_DAY_NONE || s->until_day >= start);
}

/* --- does a task still come of its rule? --- */

struct coming {
	const struct calendar *calendar;
	const struct standing *standing;
	bool comes;
};

static enum status is_it(void *context, const struct calendar_rule *rule, const struct calendar_due *due)
{
	struct coming *m = context;
	const struct calendar *c = m->calendar;
	struct span period = text_or_empty(m->standing->texts[TASK_FIELD_PERIOD]);
	struct span name = text_or_empty(m->standing->texts[TASK_FIELD_SUBJECT]);
	if (!span_equal(span_of_string(due->period), period))
		return STATUS_OK;
	m->comes = !rule->subjects;
	for (size_t i = 0; rule->subjects && i < c->subject_count && !m->comes; i++)
		m->comes = span_equal(span_of_string(c->subjects[i].name), name) &&
			   rule_wants_subject(rule, &c->subjects[i], due);
	return STATUS_END;
}

/* days around the due day of old in which the period's new one is looked for: twice the longest period */
#define COMING_DAYS (6 * 366)

const struct calendar_rule *standing_rule(const struct calendar *c, const struct standing *s)
{
	const struct calendar_rule *rule = calendar_rule_named(c, s->texts[TASK_FIELD_RULE]);
	struct coming m = {c, s, false};
	if (!rule)
		return NULL;
	enum status status = calendar_rule_dues(rule, s->due_day - COMING_DAYS, s->due_day + COMING_DAYS, is_it, &m);
	return (!status || status == STATUS_END) && m.comes ? rule : NULL;
}

/* --- gathering --- */

static enum status seed_add(struct seeds *s, const struct seed *seed)
{
	if (s->only && s->only != seed->id)
		return STATUS_OK;
	if (s->count == CALENDAR_TASKS_MAX)
		return STATUS_FULL;
	if (s->count == s->capacity) {
		size_t capacity = s->capacity ? 2 * s->capacity : 256;
		struct seed *items = realloc(s->items, capacity * sizeof *items);
		if (!items)
			return STATUS_NO_MEMORY;
		s->items = items;
		s->capacity = capacity;
	}
	s->items[s->count++] = *seed;
	return STATUS_OK;
}

static bool fits(struct span wanted, struct span is)
{
	return !wanted.size || span_equal(wanted, is);
}

static enum status add_due(void *context, const struct calendar_rule *rule, const struct calendar_due *due)
{
	struct seeds *s = context;
	const struct calendar *c = s->calendar;
	struct seed seed = {.rule = rule, .due = *due};
	enum status status = STATUS_OK;
	if (!rule->subjects) {
		seed.id = task_id_of_rule(rule, due->period, "");
		seed.standing = standing_find(c, seed.id);
		return fits(s->filter->subject, span_of(NULL, 0)) && fits(s->filter->village, span_of(NULL, 0))
			       ? seed_add(s, &seed)
			       : STATUS_OK;
	}
	for (size_t i = 0; i < c->subject_count && !status; i++) {
		const struct subject *subject = &c->subjects[i];
		if (!fits(s->filter->subject, span_of_string(subject->name)) ||
		    !fits(s->filter->village, span_of_string(subject->village)) ||
		    !rule_wants_subject(rule, subject, due))
			continue;
		seed.id = task_id_of_rule(rule, due->period, subject->name);
		seed.subject = subject;
		seed.standing = standing_find(c, seed.id);
		status = seed_add(s, &seed);
	}
	return status;
}

static const struct subject *subject_named(const struct calendar *c, struct span name)
{
	for (size_t i = 0; name.size && i < c->subject_count; i++)
		if (span_equal(span_of_string(c->subjects[i].name), name))
			return &c->subjects[i];
	return NULL;
}

static enum status add_standing(struct seeds *s, const struct standing *one)
{
	const struct calendar_filter *f = s->filter;
	struct span name = text_or_empty(one->texts[TASK_FIELD_SUBJECT]);
	if (one->due_day < f->from_day || one->due_day > f->to_day || !fits(f->subject, name) ||
	    standing_rule(s->calendar, one))
		return STATUS_OK;
	struct seed seed = {.id = one->id, .standing = one, .subject = subject_named(s->calendar, name)};
	if (f->village.size && (!seed.subject || !fits(f->village, span_of_string(seed.subject->village))))
		return STATUS_OK;
	seed.due.start_day = one->start_day;
	seed.due.due_day = one->due_day;
	return seed_add(s, &seed);
}

static enum status gather(struct seeds *s)
{
	const struct calendar *c = s->calendar;
	const struct calendar_filter *f = s->filter;
	enum status status = STATUS_OK;
	for (size_t i = 0; i < c->rules->count && !status; i++) {
		const struct calendar_rule *rule = &c->rules->items[i];
		if (fits(f->rule, span_of_string(rule->id)) && fits(f->unit, span_of_string(rule->unit)) &&
		    fits(f->annex, span_of_string(rule->annex)))
			status = calendar_rule_dues(rule, f->from_day, f->to_day, add_due, s);
	}
	for (size_t i = 0; i < c->standing_count && !status; i++) {
		const struct standing *one = &c->standing[i];
		if (fits(f->rule, text_or_empty(one->texts[TASK_FIELD_RULE])) &&
		    fits(f->unit, text_or_empty(one->texts[TASK_FIELD_UNIT])) &&
		    fits(f->annex, text_or_empty(one->texts[TASK_FIELD_ANNEX])))
			status = add_standing(s, one);
	}
	return status;
}

static int compare_seeds(const void *a, const void *b)
{
	const struct seed *x = a, *y = b;
	if (x->due.due_day != y->due.due_day)
		return x->due.due_day < y->due.due_day ? -1 : 1;
	return x->id < y->id ? -1 : x->id > y->id;
}

/* --- telling --- */

const struct calendar_rule *task_steps(const struct calendar_task *t)
{
	/* a sample: no rule says them */
	static const struct calendar_rule entered = {
		.remind = {14, 3}, .remind_count = 2, .escalate = {1, 7, 30}, .escalate_count = 3};
	return t->rule ? t->rule : &entered;
}

static uint8_t state_of(const struct calendar_task *t, bool waived, int32_t today)
{
	if (t->done >= t->wanted)
		return t->done_day > t->due_day ? TASK_DONE_LATE : TASK_DONE;
	if (waived)
		return TASK_WAIVED;
	if (today > t->due_day)
		return TASK_OVERDUE;
	const struct calendar_rule *steps = task_steps(t);
	if (steps->remind_count && t->due_day - today <= (int32_t)steps->remind[0])
		return TASK_DUE_SOON;
	return t->start_day != HAZARD_DAY_NONE && today < t->start_day ? TASK_UPCOMING : TASK_OPEN;
}

static unsigned level_of(const struct calendar_task *t, int32_t today)
{
	const struct calendar_rule *steps = task_steps(t);
	unsigned level = 0;
	while (t->state == TASK_OVERDUE && level < steps->escalate_count &&
	       today - t->due_day >= steps->escalate[level])
		level++;
	return level;
}

static void tell_target(const struct calendar *c, struct calendar_task *t, int32_t today)
{
	struct figures_sum sum;
	const struct calendar_target *target = &t->rule->target;
	if (!target->figure || !c->figures)
		return;
	figures_on(c->figures, span_of(NULL, 0), span_of(NULL, 0), today < t->due_day ? today : t->due_day, &sum);
	t->target.known = (sum.said >> target->figure & 1) && (!target->of || sum.values[target->of] > 0);
	t->target.actual = sum.values[target->figure];
	t->target.of = target->of ? sum.values[target->of] : 0;
}

static void texts_of_rule(const struct seed *s, struct span texts[TASK_FIELD_COUNT])
{
	const struct calendar_rule *r = s->rule;
	texts[TASK_FIELD_ANNEX] = span_of_string(r->annex);
	texts[TASK_FIELD_TITLE] = span_of_string(r->title);
	texts[TASK_FIELD_UNIT] = span_of_string(r->unit);
	texts[TASK_FIELD_BASIS] = span_of_string(r->basis);
	texts[TASK_FIELD_REMARK] = span_of_string(r->remark);
	texts[TASK_FIELD_RULE] = span_of_string(r->id);
	texts[TASK_FIELD_PERIOD] = span_of_string(s->due.period);
	if (s->subject)
		texts[TASK_FIELD_SUBJECT] = span_of_string(s->subject->name);
}

static void tell(const struct calendar *c, const struct seed *s, int32_t today, struct calendar_task *out)
{
	*out = (struct calendar_task){.id = s->id,
				      .rule = s->rule,
				      .start_day = s->due.start_day,
				      .due_day = s->due.due_day,
				      .day_count = s->rule ? s->rule->date_count : 1,
				      .wanted = s->rule ? s->rule->count : 1,
				      .done_day = HAZARD_DAY_NONE};
	memcpy(out->days, s->due.days, sizeof out->days);
	if (s->rule)
		texts_of_rule(s, out->texts);
	else
		out->days[0] = s->due.due_day;
	for (unsigned i = 1; i < TASK_FIELD_COUNT && !s->rule; i++)
		out->texts[i] = text_or_empty(s->standing->texts[i]);
	if (s->subject)
		out->village = span_of_string(s->subject->village);
	if (s->standing) {
		out->done = s->standing->done;
		out->done_day = s->standing->done_day;
		out->version = s->standing->deeds;
		out->who = text_or_empty(s->standing->who);
		out->note = text_or_empty(s->standing->note);
		out->evidence = text_or_empty(s->standing->evidence);
	}
	out->state = state_of(out, s->standing && s->standing->waived, today);
	out->level = level_of(out, today);
	if (s->rule)
		tell_target(c, out, today);
}

static enum status list(struct calendar *c, const struct calendar_filter *f, uint64_t only, calendar_visit *visit,
			void *context)
{
	struct seeds s = {.calendar = c, .filter = f, .only = only};
	struct calendar_task task;
	pthread_rwlock_rdlock(&c->lock);
	enum status status = gather(&s);
	if (!status && s.count)
		qsort(s.items, s.count, sizeof *s.items, compare_seeds);
	for (size_t i = 0; i < s.count && !status; i++) {
		tell(c, &s.items[i], f->today, &task);
		if (!f->states || f->states >> task.state & 1)
			status = visit(context, &task);
	}
	pthread_rwlock_unlock(&c->lock);
	free(s.items);
	return status;
}

enum status calendar_list(struct calendar *c, const struct calendar_filter *f, calendar_visit *visit, void *context)
{
	return list(c, f, 0, visit, context);
}

/* --- one of them --- */

struct finding_one {
	calendar_visit *visit;
	void *context;
	bool found;
};

static enum status found(void *context, const struct calendar_task *t)
{
	struct finding_one *f = context;
	f->found = true;
	return f->visit(f->context, t);
}

/* days around today in which a task of which nothing was said is looked for by its number alone */
#define FIND_DAYS (8 * 366)

enum status calendar_find(struct calendar *c, uint64_t id, int32_t today, calendar_visit *visit, void *context)
{
	struct finding_one one = {visit, context, false};
	struct calendar_filter f = {.from_day = today - FIND_DAYS, .to_day = today + FIND_DAYS, .today = today};
	pthread_rwlock_rdlock(&c->lock);
	const struct standing *s = standing_find(c, id);
	if (s) { /* where it is is known */
		f.from_day = s->due_day - COMING_DAYS;
		f.to_day = s->due_day + COMING_DAYS;
	}
	pthread_rwlock_unlock(&c->lock);
	enum status status = id ? list(c, &f, id, found, &one) : STATUS_NOT_FOUND;
	return status || one.found ? status : STATUS_NOT_FOUND;
}
