#include "engine/fleet/judge_stage2.h"

#include <stdlib.h>
#include <string.h>

#include "engine/core/clock.h"
#include "engine/detect/stage2.h"
#include "engine/fleet/fleet_internal.h"
#include "engine/fleet/judge_run.h"

/* --- sets of subjects --- */

static void put_subject(struct subjects *s, uint64_t subject)
{
	size_t at = subject * UINT64_C(0x9e3779b97f4a7c15) >> 20 & s->mask;
	while (s->slots[at] && s->slots[at] != subject)
		at = (at + 1) & s->mask;
	s->count += s->slots[at] == 0;
	s->slots[at] = subject;
}

enum status subjects_add(struct subjects *s, uint64_t subject)
{
	if (!subject)
		return STATUS_OK;
	if (!s->slots || s->count * 2 > s->mask) {
		struct subjects grown = {.mask = s->slots ? s->mask * 2 + 1 : 63};
		grown.slots = calloc(grown.mask + 1, sizeof *grown.slots);
		if (!grown.slots)
			return STATUS_NO_MEMORY;
		for (size_t i = 0; s->slots && i <= s->mask; i++)
			if (s->slots[i])
				put_subject(&grown, s->slots[i]);
		free(s->slots);
		*s = grown;
	}
	put_subject(s, subject);
	return STATUS_OK;
}

void subjects_deinit(struct subjects *s)
{
	free(s->slots);
	*s = (struct subjects){0};
}

/* --- facts in hand --- */

struct fact_array {
	struct fact *list;
	size_t count, capacity;
};

static enum status add_fact(void *context, const struct fact *f)
{
	struct fact_array *a = context;
	if (a->count == a->capacity) {
		size_t capacity = a->capacity ? a->capacity * 2 : 64;
		struct fact *list = realloc(a->list, capacity * sizeof *list);
		if (!list)
			return STATUS_NO_MEMORY;
		a->list = list;
		a->capacity = capacity;
	}
	a->list[a->count++] = *f;
	return STATUS_OK;
}

/* What one pass of stage 2 works with. */
struct pass {
	struct engine *e;
	struct judged_by *by;
	int64_t as_of_ms;
	struct told pairs;         /* convoys, whoever's */
	struct store_batch *batch; /* of the subject being judged */
	struct subjects open;      /* what stands of them ends by time alone */
};

/* Visits of the places that convoy rules name. */
static enum status gather_visits(struct pass *p, struct fact_array *out)
{
	const struct fence_set *fences = p->by->fences;
	struct tenure tenure;
	struct tenure_walk walk = {0};
	struct subjects places = {0};
	enum status status = STATUS_OK;
	while (!status && tenure_next(&p->by->context, RULE_CONVOY, &walk, &tenure))
		for (uint32_t slot = 0; slot < fence_set_slots(fences) && !status; slot++) {
			const struct fence *f = fence_set_at(fences, slot);
			if (f && fence_has_tag(f, (uint16_t)tenure.rule->params[PARAM_CONVOY_TAG]))
				status = subjects_add(&places, place_number(span_of_string(f->id)));
		}
	for (size_t i = 0; places.slots && i <= places.mask && !status; i++)
		if (places.slots[i])
			status = facts_of(p->e->findings, places.slots[i], add_fact, out);
	subjects_deinit(&places);
	return status;
}

static enum status judge_pairs(struct pass *p)
{
	struct fact_array visits = {0};
	enum status status = gather_visits(p, &visits);
	p->pairs.decided = (struct decided){p->as_of_ms, 0};
	if (!status && visits.count)
		status = convoy_judge(&p->by->context, visits.list, visits.count, p->as_of_ms, &p->pairs.sink);
	free(visits.list);
	return status ? status : p->pairs.status;
}

/* The fence that a place is, if a patrol rule may watch it. */
static const struct fence *fence_of_place(const struct fence_set *fences, uint64_t place)
{
	for (uint32_t slot = 0; slot < fence_set_slots(fences); slot++) {
		const struct fence *f = fence_set_at(fences, slot);
		if (f && place_number(span_of_string(f->id)) == place)
			return f;
	}
	return NULL;
}

/* Nobody is missed before the fence was there; of one that always was, not before its first visit. Facts ascend. */
static int64_t watched_since(const struct fence_set *fences, const struct fence *fence, const struct fact *visits,
			     size_t count)
{
	int64_t since_ms = fence->valid_from_ms;
	for (uint32_t slot = 0; slot < fence_set_slots(fences); slot++) {
		const struct fence *f = fence_set_at(fences, slot);
		if (f && strcmp(f->id, fence->id) == 0 && f->valid_from_ms < since_ms)
			since_ms = f->valid_from_ms;
	}
	if (since_ms == INT64_MIN)
		return count ? visits[0].from_ms : INT64_MAX;
	return since_ms;
}

static enum status tell_pairs(struct pass *p, uint64_t subject, struct told *out)
{
	for (size_t i = 0; i < p->pairs.finding_count; i++)
		if (p->pairs.findings[i].finding.subject == subject)
			out->sink.finding(out->sink.context, &p->pairs.findings[i].finding, NULL);
	return out->status;
}

static bool has_open(const struct told *told)
{
	size_t i = 0;
	while (i < told->finding_count && !told->findings[i].finding.open)
		i++;
	return i < told->finding_count;
}

/* A subject of which something is open stays touched: it may end without another fact. */
static enum status leave_touched(struct pass *p, uint64_t subject, bool open)
{
	uint8_t bytes[TOUCHED_KEY_SIZE];
	touched_key(subject, bytes);
	struct span key = span_of(bytes, sizeof bytes);
	if (!open) {
		store_batch_delete(p->batch, STORE_STATE, key);
		return STATUS_OK;
	}
	store_batch_put(p->batch, STORE_STATE, key, (struct span){NULL, 0});
	return subjects_add(&p->open, subject);
}

/* All that stage 2 says of one subject, whatever it is. */
static enum status judge_subject(struct pass *p, uint64_t subject)
{
	struct fact_array facts = {0};
	struct told told;
	told_init(&told);
	/* stage 2 is always replaced as a whole: when it was decided says nothing */
	told.decided = (struct decided){0, 0};
	enum status status = facts_of(p->e->findings, subject, add_fact, &facts);
	bool place = facts.count && facts.list[0].kind == FACT_VISIT;
	const struct fence *fence = fence_of_place(p->by->fences, subject);
	if (!status && (place || fence)) {
		if (fence)
			status = patrol_judge(&p->by->context, span_of_string(fence->id), facts.list, facts.count,
					      watched_since(p->by->fences, fence, facts.list, facts.count), p->as_of_ms,
					      &told.sink);
	} else if (!status) {
		status = fatigue_judge(&p->by->context, subject, facts.list, facts.count, p->as_of_ms, &told.sink);
	}
	if (!status)
		status = tell_pairs(p, subject, &told);
	struct replacement r = {.subject = subject,
				.stage = 2,
				.scope = REPLACE_ALL,
				.keep_before_ms = INT64_MIN,
				.findings = told.findings,
				.finding_count = told.finding_count,
				.batch = p->batch,
				.now_ms = clock_now_ms()};
	if (!status)
		status = leave_touched(p, subject, has_open(&told));
	if (!status)
		status = told.status ? told.status : findings_replace(p->e->findings, &r, NULL, NULL);
	told_deinit(&told);
	free(facts.list);
	return status;
}

static enum status run_pass(struct engine *e, struct subjects *touched, int64_t as_of_ms)
{
	struct pass p = {.e = e, .by = context_take(e->context), .as_of_ms = as_of_ms};
	told_init(&p.pairs);
	enum status status = store_batch_new(e->store, &p.batch);
	if (!status)
		status = judge_pairs(&p);
	for (size_t i = 0; i < p.pairs.finding_count && !status; i++)
		status = subjects_add(touched, p.pairs.findings[i].finding.subject);
	for (size_t i = 0; touched->slots && i <= touched->mask && !status; i++)
		if (touched->slots[i])
			status = judge_subject(&p, touched->slots[i]);
	if (!status) {
		subjects_deinit(touched);
		*touched = p.open;
	} else {
		subjects_deinit(&p.open);
	}
	store_batch_free(p.batch);
	told_deinit(&p.pairs);
	judged_by_release(p.by);
	return status;
}

enum status stage2_judge(struct engine *e, struct subjects *touched, int64_t as_of_ms)
{
	return touched->count ? run_pass(e, touched, as_of_ms) : STATUS_OK;
}

/* Every place that a patrol rule watches. */
static enum status touch_patrols(struct engine *e, struct subjects *touched)
{
	struct judged_by *by = context_take(e->context);
	struct tenure tenure;
	struct tenure_walk walk = {0};
	enum status status = STATUS_OK;
	while (!status && tenure_next(&by->context, RULE_PATROL, &walk, &tenure))
		for (uint32_t slot = 0; slot < fence_set_slots(by->fences) && !status; slot++) {
			const struct fence *f = fence_set_at(by->fences, slot);
			if (f && fence_has_tag(f, (uint16_t)tenure.rule->params[PARAM_PATROL_TAG]))
				status = subjects_add(touched, place_number(span_of_string(f->id)));
		}
	judged_by_release(by);
	return status;
}

enum status stage2_judge_all(struct engine *e, struct subjects *touched, int64_t as_of_ms)
{
	enum status status = touch_patrols(e, touched);
	return status ? status : run_pass(e, touched, as_of_ms);
}

/* --- replay --- */

static int by_subject(const void *a, const void *b)
{
	const struct fact *x = a, *y = b;
	uint64_t one = fact_subject(x), other = fact_subject(y);
	if (one != other)
		return one < other ? -1 : 1;
	return fact_compare(x, y);
}

static enum status replay_subject(struct judged_by *by, const struct fact *facts, size_t count, int64_t as_of_ms,
				  struct told *out)
{
	if (facts[0].kind == FACT_VISIT)
		return STATUS_OK; /* places are judged by their fences, visited or not */
	return fatigue_judge(&by->context, fact_subject(&facts[0]), facts, count, as_of_ms, &out->sink);
}

static size_t run_of_subject(const struct fact *facts, size_t at, size_t count)
{
	size_t end = at + 1;
	while (end < count && fact_subject(&facts[end]) == fact_subject(&facts[at]))
		end++;
	return end;
}

/* The facts of a place among all, sorted by subject. */
static const struct fact *facts_of_place(const struct fact *facts, size_t count, uint64_t place, size_t *out_count)
{
	size_t low = 0, high = count;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (fact_subject(&facts[middle]) < place)
			low = middle + 1;
		else
			high = middle;
	}
	*out_count = low < count && fact_subject(&facts[low]) == place ? run_of_subject(facts, low, count) - low : 0;
	return facts + low;
}

static enum status replay_patrols(struct judged_by *by, const struct fact *facts, size_t count, int64_t as_of_ms,
				  struct told *out)
{
	struct subjects seen = {0};
	enum status status = STATUS_OK;
	for (uint32_t slot = 0; slot < fence_set_slots(by->fences) && !status; slot++) {
		const struct fence *f = fence_set_at(by->fences, slot);
		uint64_t place = f ? place_number(span_of_string(f->id)) : 0;
		size_t before = seen.count, visits;
		if (!f)
			continue;
		status = subjects_add(&seen, place);
		if (status || seen.count == before)
			continue;
		const struct fact *there = facts_of_place(facts, count, place, &visits);
		int64_t since_ms = watched_since(by->fences, f, there, visits);
		status = patrol_judge(&by->context, span_of_string(f->id), there, visits, since_ms, as_of_ms,
				      &out->sink);
	}
	subjects_deinit(&seen);
	return status;
}

static enum status replay_convoys(struct judged_by *by, const struct fact *facts, size_t count, int64_t as_of_ms,
				  struct told *out)
{
	struct fact_array visits = {0};
	enum status status = STATUS_OK;
	for (size_t i = 0; i < count && !status; i++)
		if (facts[i].kind == FACT_VISIT)
			status = add_fact(&visits, &facts[i]);
	if (!status && visits.count)
		status = convoy_judge(&by->context, visits.list, visits.count, as_of_ms, &out->sink);
	free(visits.list);
	return status;
}

enum status stage2_replay(struct judged_by *by, struct told_fact *told, size_t count, int64_t as_of_ms,
			  struct told *out)
{
	struct fact *facts = malloc((count ? count : 1) * sizeof *facts);
	enum status status = facts ? STATUS_OK : STATUS_NO_MEMORY;
	for (size_t i = 0; i < count && facts; i++)
		facts[i] = told[i].fact;
	if (facts)
		qsort(facts, count, sizeof *facts, by_subject);
	for (size_t at = 0, end; at < count && !status; at = end) {
		end = run_of_subject(facts, at, count);
		status = replay_subject(by, facts + at, end - at, as_of_ms, out);
	}
	if (!status)
		status = replay_patrols(by, facts, count, as_of_ms, out);
	if (!status)
		status = replay_convoys(by, facts, count, as_of_ms, out);
	free(facts);
	return status ? status : out->status;
}
