/* patrol.c -- a place that must be visited and is not (巡护不足).
 *
 *   duty     ├────────────────────────────────────────────┤   the rule holds and the fence carries its tag
 *   visits      ├──┤ ├─┤                ├──────┤              by any device of the rule's classes
 *   nobody   ├─┤   └─┘ ├───────────────┤        ├─────────┤
 *                       ──time──> found
 *
 * A span without a visit longer than `time` is a finding from its beginning to its end; it is found when it becomes too
 * long, and stays open while nobody has come. LIMIT is `time`, PEAK and DURATION the length of the span, LEVEL how
 * often `time` fits into it. It has no device; its place is the middle of the fence's box. Confidence MEDIUM: who
 * walked there with a silent device was there. Versions of a fence that follow each other without a break are one duty.
 * Of a rule's head, `classes` applies. */
#include <stdlib.h>

#include "engine/detect/stage2.h"

struct visits {
	struct fact *items; /* apart from each other, ascending */
	size_t count, capacity;
};

/* A span of one fence's duty. */
struct duty {
	int64_t from_ms, to_ms;
};

struct search {
	const struct fence_set *fences;
	struct span id;
	const struct rule *rule;
	struct visits visits;
	struct finding_list *findings;
};

static int compare_facts(const void *a, const void *b)
{
	return fact_compare(a, b);
}

/* The visits to `place` that count for the rule, joined. */
static enum status take_visits(const struct detect_context *context, const struct rule *rule, uint64_t place,
			       const struct fact *facts, size_t count, int64_t as_of_ms, struct visits *v)
{
	for (size_t i = 0; i < count; i++) {
		const struct fact *f = &facts[i];
		struct detect_subject subject;
		if (f->kind != FACT_VISIT || f->place != place || !fact_judged(f) || f->from_ms > as_of_ms)
			continue;
		context->subject(context->registry, f->device, f->from_ms, &subject);
		if (!(rule->classes >> (subject.class_code & 31) & 1))
			continue;
		if (!array_grow((void **)&v->items, &v->capacity, v->count, sizeof *v->items))
			return STATUS_NO_MEMORY;
		v->items[v->count] = *f;
		if (f->to_ms > as_of_ms)
			v->items[v->count].to_ms = as_of_ms;
		v->count++;
	}
	if (!v->count)
		return STATUS_OK;
	qsort(v->items, v->count, sizeof *v->items, compare_facts);
	size_t kept = 1;
	for (size_t i = 1; i < v->count; i++) {
		struct fact *last = &v->items[kept - 1];
		if (v->items[i].from_ms > last->to_ms)
			v->items[kept++] = v->items[i];
		else if (v->items[i].to_ms > last->to_ms)
			last->to_ms = v->items[i].to_ms;
	}
	v->count = kept;
	return STATUS_OK;
}

/* The first duty of the fence `id` that ends after `from_ms`; false when there is none any more. */
static bool duty_next(const struct fence_set *fences, struct span id, uint16_t tag, int64_t from_ms, struct duty *out)
{
	const struct fence *first = NULL;
	for (uint32_t slot = 0; slot < fence_set_slots(fences); slot++) {
		const struct fence *f = fence_set_at(fences, slot);
		if (f && f->valid_to_ms > from_ms && fence_has_tag(f, tag) && span_equal(span_of_string(f->id), id) &&
		    (!first || f->valid_from_ms < first->valid_from_ms))
			first = f;
	}
	if (!first)
		return false;
	*out = (struct duty){first->valid_from_ms, first->valid_to_ms};
	const struct fence *next;
	while (out->to_ms < INT64_MAX && (next = fence_set_find(fences, id, out->to_ms)) && fence_has_tag(next, tag))
		out->to_ms = next->valid_to_ms;
	return true;
}

/* Nobody came in [from, to). */
static enum status miss(const struct search *s, int64_t from_ms, int64_t to_ms, bool open)
{
	int64_t limit = s->rule->params[PARAM_PATROL_TIME];
	if (to_ms - from_ms <= limit)
		return STATUS_OK;
	struct finding *f = finding_list_add(s->findings, s->rule);
	if (!f)
		return STATUS_NO_MEMORY;
	const struct fence *fence = fence_set_find(s->fences, s->id, from_ms);
	const struct box *box = &fence->area->box;
	f->subject = place_number(s->id);
	memcpy(f->fence, fence->id, sizeof f->fence);
	f->fence_version = fence->version;
	f->confidence = CONFIDENCE_MEDIUM;
	f->open = open;
	f->start_ms = from_ms;
	f->end_ms = to_ms;
	f->found_ms = from_ms + limit;
	f->start_lat_e7 = f->end_lat_e7 = (int32_t)(((int64_t)box->lat_min_e7 + box->lat_max_e7) / 2);
	f->start_lon_e7 = f->end_lon_e7 = (int32_t)(((int64_t)box->lon_min_e7 + box->lon_max_e7) / 2);
	f->numbers[FINDING_LIMIT] = limit;
	f->numbers[FINDING_PEAK] = f->numbers[FINDING_DURATION] = to_ms - from_ms;
	f->numbers[FINDING_LEVEL] = (to_ms - from_ms) / limit;
	return STATUS_OK;
}

/* `duty` is cut to what is judged; it may go on behind its end. */
static enum status judge_duty(const struct search *s, const struct duty *duty, bool goes_on)
{
	const struct visits *v = &s->visits;
	int64_t since = duty->from_ms;
	enum status status = STATUS_OK;
	for (size_t i = 0; !status && i < v->count && v->items[i].from_ms < duty->to_ms; i++) {
		if (v->items[i].to_ms < since)
			continue;
		status = miss(s, since, v->items[i].from_ms, false);
		since = v->items[i].to_ms;
	}
	return status ? status : miss(s, since, duty->to_ms, goes_on);
}

/* Every duty within [from, to) under the tenure. */
static enum status judge_tenure(const struct search *s, const struct tenure *tenure, int64_t from_ms, int64_t now_ms)
{
	uint16_t tag = (uint16_t)s->rule->params[PARAM_PATROL_TAG];
	int64_t from = tenure->from_ms > from_ms ? tenure->from_ms : from_ms;
	int64_t to = tenure->to_ms < now_ms ? tenure->to_ms : now_ms;
	enum status status = STATUS_OK;
	struct duty duty;
	while (!status && from < to && duty_next(s->fences, s->id, tag, from, &duty)) {
		bool goes_on = tenure->to_ms > now_ms && duty.to_ms > now_ms;
		int64_t end = duty.to_ms;
		duty.from_ms = duty.from_ms > from ? duty.from_ms : from;
		duty.to_ms = duty.to_ms < to ? duty.to_ms : to;
		if (duty.from_ms < duty.to_ms)
			status = judge_duty(s, &duty, goes_on);
		from = end;
	}
	return status;
}

enum status patrol_judge(const struct detect_context *context, struct span id, const struct fact *visits, size_t count,
			 int64_t since_ms, int64_t as_of_ms, struct detect_sink *sink)
{
	struct finding_list findings = {0};
	struct tenure_walk walk = {0};
	enum status status = STATUS_OK;
	struct tenure tenure;
	int64_t from_ms = since_ms > 0 ? since_ms : 0;
	int64_t now_ms = as_of_ms < JUDGED_TIME_MAX_MS ? as_of_ms : JUDGED_TIME_MAX_MS;
	while (!status && tenure_next(context, RULE_PATROL, &walk, &tenure)) {
		struct search s = {.fences = context->fences, .id = id, .rule = tenure.rule, .findings = &findings};
		status = take_visits(context, tenure.rule, place_number(id), visits, count, now_ms, &s.visits);
		if (!status)
			status = judge_tenure(&s, &tenure, from_ms, now_ms);
		free(s.visits.items);
	}
	if (!status)
		finding_list_tell(&findings, sink);
	finding_list_deinit(&findings);
	return status;
}
