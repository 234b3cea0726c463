#include "engine/fleet/judge_stage2.h"

#include <stdlib.h>
#include <string.h>

#include "engine/core/clock.h"
#include "engine/detect/sea_window.h"
#include "engine/detect/stage2.h"
#include "engine/fleet/finding_reports.h"
#include "engine/fleet/findings_row.h"
#include "engine/fleet/fleet_internal.h"
#include "engine/fleet/judge_run.h"

/* --- sets of subjects --- */

static struct touched_subject *slot_of(const struct subjects *s, uint64_t subject)
{
	size_t at = subject * UINT64_C(0x9e3779b97f4a7c15) >> 20 & s->mask;
	while (s->slots[at].subject && s->slots[at].subject != subject)
		at = (at + 1) & s->mask;
	return &s->slots[at];
}

static enum status subjects_grow(struct subjects *s)
{
	struct subjects grown = {.count = s->count, .mask = s->slots ? s->mask * 2 + 1 : 63};
	grown.slots = calloc(grown.mask + 1, sizeof *grown.slots);
	if (!grown.slots)
		return STATUS_NO_MEMORY;
	for (size_t i = 0; s->slots && i <= s->mask; i++)
		if (s->slots[i].subject)
			*slot_of(&grown, s->slots[i].subject) = s->slots[i];
	free(s->slots);
	*s = grown;
	return STATUS_OK;
}

enum status subjects_add(struct subjects *s, uint64_t subject, int64_t raw_from_ms, int64_t *out)
{
	if (!subject)
		return STATUS_OK;
	enum status status = !s->slots || s->count * 2 > s->mask ? subjects_grow(s) : STATUS_OK;
	if (status)
		return status;
	struct touched_subject *slot = slot_of(s, subject);
	s->count += slot->subject == 0;
	if (!slot->subject || raw_from_ms < slot->raw_from_ms)
		*slot = (struct touched_subject){subject, raw_from_ms};
	if (out)
		*out = slot->raw_from_ms;
	return STATUS_OK;
}

static int64_t raw_from(const struct subjects *s, uint64_t subject)
{
	const struct touched_subject *slot = subject && s->slots ? slot_of(s, subject) : NULL;
	return slot && slot->subject ? slot->raw_from_ms : INT64_MAX;
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
	struct subjects *touched;  /* what is judged */
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
				status = subjects_add(&places, place_number(span_of_string(f->id)), INT64_MAX, NULL);
		}
	for (size_t i = 0; places.slots && i <= places.mask && !status; i++)
		if (places.slots[i].subject)
			status = facts_of(p->e->findings, places.slots[i].subject, add_fact, out);
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
	if (!open) {
		store_batch_delete(p->batch, STORE_STATE, span_of(bytes, sizeof bytes));
		return STATUS_OK;
	}
	put_touched(p->batch, subject, INT64_MAX);
	return subjects_add(&p->open, subject, INT64_MAX, NULL);
}

/* --- digests: those of reports that have not changed are not made again --- */

/* Findings of stage 2 that stand and have one. */
static enum status take_known(void *context, uint64_t id, struct decided decided, const struct finding *f)
{
	struct told *known = context;
	(void)id;
	(void)decided;
	if (rule_kind_stage(f->kind) == 2 && finding_has_digest(f))
		known->sink.finding(known->sink.context, f, NULL);
	return known->status;
}

/* The same but for its digest. */
static bool is_known(const struct finding *f, const struct finding *known)
{
	struct buf now = buf_init(FINDING_BYTES_MAX), before = buf_init(FINDING_BYTES_MAX);
	struct finding bare = *known;
	if (known->start_ms != f->start_ms || known->kind != f->kind)
		return false;
	memset(bare.digest, 0, sizeof bare.digest);
	bool same = !finding_encode(f, &now) && !finding_encode(&bare, &before) &&
		    span_equal(buf_view(&now), buf_view(&before));
	buf_deinit(&now);
	buf_deinit(&before);
	return same;
}

static enum status add_digest(struct pass *p, struct finding *f, const struct fact_array *facts,
			      const struct told *known)
{
	int64_t one = raw_from(p->touched, f->subject), other = raw_from(p->touched, f->other);
	for (size_t i = 0; i < known->finding_count && f->end_ms < one && f->end_ms < other; i++)
		if (is_known(f, &known->findings[i].finding)) {
			memcpy(f->digest, known->findings[i].finding.digest, sizeof f->digest);
			return STATUS_OK;
		}
	return finding_digest(p->e, f, facts->list, facts->count);
}

static enum status add_digests(struct pass *p, uint64_t subject, struct told *told, const struct fact_array *facts)
{
	struct told known;
	told_init(&known);
	enum status status = told->finding_count ? findings_of(p->e->findings, subject, take_known, &known) : STATUS_OK;
	for (size_t i = 0; i < told->finding_count && !status; i++)
		if (!told->findings[i].finding.open)
			status = add_digest(p, &told->findings[i].finding, facts, &known);
	told_deinit(&known);
	return status;
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
	} else if (!status && facts.count && fact_is_of_pair(&facts.list[0])) {
		status = pairs_judge(&p->by->context, facts.list, facts.count, p->as_of_ms, &told.sink);
	} else if (!status) {
		status = fatigue_judge(&p->by->context, subject, facts.list, facts.count, p->as_of_ms, &told.sink);
	}
	if (!status)
		status = tell_pairs(p, subject, &told);
	if (!status)
		status = add_digests(p, subject, &told, &facts);
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

/* Who is in a pair with somebody touched. */
struct partners {
	struct subjects all;
	int64_t raw_from_ms;
};

static enum status add_partner(void *context, uint64_t subject)
{
	struct partners *q = context;
	return subjects_add(&q->all, subject, q->raw_from_ms, NULL);
}

static enum status gather_partners(struct pass *p, struct partners *q)
{
	const struct subjects *t = p->touched;
	enum status status = STATUS_OK;
	for (size_t i = 0; t->slots && i <= t->mask && !status; i++) {
		q->raw_from_ms = t->slots[i].raw_from_ms;
		if (t->slots[i].subject)
			status = findings_partners(p->e->findings, t->slots[i].subject, add_partner, q);
	}
	return status;
}

/* Who is judged because of others must be as well known after a crash, for those are then no longer touched: pairs that
 * stand, which may be over, and pairs that there are now, whose reports may be others. */
static enum status touch_pairs(struct pass *p)
{
	struct partners q = {.raw_from_ms = 0};
	enum status status = gather_partners(p, &q);
	for (size_t i = 0; q.all.slots && i <= q.all.mask && !status; i++) {
		int64_t from_ms = q.all.slots[i].raw_from_ms;
		if (!q.all.slots[i].subject)
			continue;
		status = subjects_add(p->touched, q.all.slots[i].subject, from_ms, &from_ms);
		put_touched(p->batch, q.all.slots[i].subject, from_ms);
	}
	subjects_deinit(&q.all);
	for (size_t i = 0; i < p->pairs.finding_count && !status; i++) {
		const struct finding *f = &p->pairs.findings[i].finding;
		int64_t from_ms = raw_from(p->touched, f->other);
		status = subjects_add(p->touched, f->subject, from_ms, &from_ms);
		if (!status && from_ms < INT64_MAX)
			put_touched(p->batch, f->subject, from_ms);
	}
	return status ? status : store_commit(p->e->store, p->batch, false);
}

static enum status run_pass(struct engine *e, struct subjects *touched, int64_t as_of_ms)
{
	struct pass p = {.e = e, .by = context_take(e->context), .as_of_ms = as_of_ms, .touched = touched};
	told_init(&p.pairs);
	enum status status = store_batch_new(e->store, &p.batch);
	if (!status)
		status = judge_pairs(&p);
	if (!status)
		status = touch_pairs(&p);
	for (size_t i = 0; touched->slots && i <= touched->mask && !status; i++)
		if (touched->slots[i].subject)
			status = judge_subject(&p, touched->slots[i].subject);
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
				status = subjects_add(touched, place_number(span_of_string(f->id)), INT64_MAX, NULL);
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
	if (fact_is_of_pair(&facts[0]))
		return pairs_judge(&by->context, facts, count, as_of_ms, &out->sink);
	return fatigue_judge(&by->context, fact_subject(&facts[0]), facts, count, as_of_ms, &out->sink);
}

static size_t run_of_subject(const struct fact *facts, size_t at, size_t count)
{
	size_t end = at + 1;
	while (end < count && fact_subject(&facts[end]) == fact_subject(&facts[at]))
		end++;
	return end;
}

/* The facts of a subject among all, sorted by subject. */
static const struct fact *facts_of_subject(const struct fact *facts, size_t count, uint64_t subject, size_t *out_count)
{
	size_t low = 0, high = count;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (fact_subject(&facts[middle]) < subject)
			low = middle + 1;
		else
			high = middle;
	}
	*out_count = low < count && fact_subject(&facts[low]) == subject ? run_of_subject(facts, low, count) - low : 0;
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
		status = subjects_add(&seen, place, INT64_MAX, NULL);
		if (status || seen.count == before)
			continue;
		const struct fact *there = facts_of_subject(facts, count, place, &visits);
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

static enum status replay_digests(struct engine *e, const struct fact *facts, size_t count, struct told *out)
{
	enum status status = STATUS_OK;
	for (size_t i = 0; i < out->finding_count && !status; i++) {
		size_t of_subject;
		struct finding *f = &out->findings[i].finding;
		const struct fact *first = facts_of_subject(facts, count, f->subject, &of_subject);
		status = finding_digest(e, f, first, of_subject);
	}
	return status;
}

enum status stage2_replay(struct judged_by *by, const struct told_fact *told, size_t count, int64_t as_of_ms,
			  struct engine *digests, struct told *out)
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
	if (!status)
		status = out->status;
	if (!status && digests)
		status = replay_digests(digests, facts, count, out);
	free(facts);
	return status;
}
