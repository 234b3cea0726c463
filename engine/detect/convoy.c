/* convoy.c -- two devices that pass the same fences together: one may be leading the other past the controls
 * (车托带路).
 *
 *   A   ──g1──────g2────────g3───────g4──
 *   B   ───g1──────g2────────g3──────────      together at g1, g2, g3: a run of three; at g4 A is alone: the run ends
 *
 * Gates are the fences that carry the rule's tag when they are visited. Visits of one device to one gate no further
 * apart than `time` are one (a position that trembles on the border). Two devices are together at a gate when their
 * visits begin no further apart than `time`. A run goes on from one gate where both are together to the next; it ends
 * when either passes a gate without the other, or after CONVOY_PAUSE_MS without a gate. A run over `times` different
 * gates is a finding: LIMIT is `times`, PEAK the different gates, OTHER the longest time between the two at one of
 * them, ms; it begins and ends with the first and last passing, and is a lead, no proof: confidence LOW. Both devices
 * are of the rule's classes at every gate. Of a rule's head, `classes` applies. */
#include <stdlib.h>

#include "engine/core/clock.h"
#include "engine/core/limits.h"
#include "engine/detect/stage2.h"

/* A journey: what two do together before and after a long pause is not one convoy. The maximum of driving without a
 * rest that the law allows anybody (implementing regulations of the road traffic safety law, art. 62(7)). */
#define CONVOY_PAUSE_MS (4 * MS_PER_HOUR)

struct gate {
	uint64_t place;
	const struct fence *fence;
};

struct passing {
	uint64_t device, place;
	int64_t from_ms, to_ms;
	int32_t lat_e7, lon_e7;
	const struct fence *fence;
};

struct crowd {
	const struct detect_context *context;
	struct tenure tenure;
	int64_t as_of_ms, time_ms, times;
	struct gate *gates; /* by place */
	size_t gate_count, gate_capacity;
	struct passing *passings; /* by (device, from, place) */
	size_t count, capacity;
	size_t *by_place; /* passings by (place, from, device) */
	uint64_t *met;    /* devices, once a meeting */
	size_t met_count, met_capacity;
	struct finding_list *findings;
};

/* --- gates and passings --- */

static int compare_gates(const void *a, const void *b)
{
	const struct gate *x = a, *y = b;
	if (x->place != y->place)
		return x->place < y->place ? -1 : 1;
	return (x->fence->valid_from_ms > y->fence->valid_from_ms) -
	       (x->fence->valid_from_ms < y->fence->valid_from_ms);
}

static enum status find_gates(struct crowd *c)
{
	const struct fence_set *fences = c->context->fences;
	uint16_t tag = (uint16_t)c->tenure.rule->params[PARAM_CONVOY_TAG];
	for (uint32_t slot = 0; slot < fence_set_slots(fences); slot++) {
		const struct fence *f = fence_set_at(fences, slot);
		if (!f || !fence_has_tag(f, tag))
			continue;
		if (!array_grow((void **)&c->gates, &c->gate_capacity, c->gate_count, sizeof *c->gates))
			return STATUS_NO_MEMORY;
		c->gates[c->gate_count++] = (struct gate){place_number(span_of_string(f->id)), f};
	}
	if (c->gate_count)
		qsort(c->gates, c->gate_count, sizeof *c->gates, compare_gates);
	return STATUS_OK;
}

/* The gate at `place` as it is at `time_ms`; NULL when there is none. */
static const struct fence *gate_at(const struct crowd *c, uint64_t place, int64_t time_ms)
{
	size_t low = 0, high = c->gate_count;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (c->gates[middle].place < place)
			low = middle + 1;
		else
			high = middle;
	}
	for (; low < c->gate_count && c->gates[low].place == place; low++) {
		const struct fence *f = c->gates[low].fence;
		if (time_ms >= f->valid_from_ms && time_ms < f->valid_to_ms)
			return f;
	}
	return NULL;
}

static bool is_bound(const struct crowd *c, const struct fact *f)
{
	struct detect_subject subject;
	if (f->from_ms < c->tenure.from_ms || f->from_ms >= c->tenure.to_ms || f->from_ms > c->as_of_ms)
		return false;
	c->context->subject(c->context->registry, f->device, f->from_ms, &subject);
	return c->tenure.rule->classes >> (subject.class_code & 31) & 1;
}

static int compare_passings(const void *a, const void *b)
{
	const struct passing *x = a, *y = b;
	if (x->device != y->device)
		return x->device < y->device ? -1 : 1;
	if (x->from_ms != y->from_ms)
		return x->from_ms < y->from_ms ? -1 : 1;
	if (x->place != y->place)
		return x->place < y->place ? -1 : 1;
	if (x->to_ms != y->to_ms)
		return x->to_ms < y->to_ms ? -1 : 1;
	if (x->lat_e7 != y->lat_e7)
		return x->lat_e7 < y->lat_e7 ? -1 : 1;
	return (x->lon_e7 > y->lon_e7) - (x->lon_e7 < y->lon_e7);
}

/* Visits of one device to one gate that follow each other within `time` become one. */
static void join_passings(struct crowd *c)
{
	size_t kept = 0;
	for (size_t i = 0; i < c->count; i++) {
		const struct passing *p = &c->passings[i];
		struct passing *last = kept ? &c->passings[kept - 1] : NULL;
		if (last && last->device == p->device && last->place == p->place &&
		    p->from_ms - last->to_ms <= c->time_ms) {
			if (p->to_ms > last->to_ms)
				last->to_ms = p->to_ms;
		} else {
			c->passings[kept++] = *p;
		}
	}
	c->count = kept;
}

static int compare_places(const void *a, const void *b, void *passings)
{
	const struct passing *x = (const struct passing *)passings + *(const size_t *)a;
	const struct passing *y = (const struct passing *)passings + *(const size_t *)b;
	if (x->place != y->place)
		return x->place < y->place ? -1 : 1;
	if (x->from_ms != y->from_ms)
		return x->from_ms < y->from_ms ? -1 : 1;
	return (x->device > y->device) - (x->device < y->device);
}

static enum status take_visits(struct crowd *c, const struct fact *visits, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		const struct fact *f = &visits[i];
		if (f->kind != FACT_VISIT || !fact_judged(f))
			continue;
		const struct fence *gate = gate_at(c, f->place, f->from_ms);
		if (!gate || !is_bound(c, f))
			continue;
		if (!array_grow((void **)&c->passings, &c->capacity, c->count, sizeof *c->passings))
			return STATUS_NO_MEMORY;
		int64_t to = f->to_ms < c->as_of_ms ? f->to_ms : c->as_of_ms;
		c->passings[c->count++] =
			(struct passing){f->device, f->place, f->from_ms, to, f->from_lat_e7, f->from_lon_e7, gate};
	}
	if (!c->count)
		return STATUS_OK;
	qsort(c->passings, c->count, sizeof *c->passings, compare_passings);
	join_passings(c);
	c->by_place = malloc(c->count * sizeof *c->by_place);
	if (!c->by_place)
		return STATUS_NO_MEMORY;
	for (size_t i = 0; i < c->count; i++)
		c->by_place[i] = i;
	qsort_r(c->by_place, c->count, sizeof *c->by_place, compare_places, c->passings);
	return STATUS_OK;
}

/* --- one pair --- */

struct run {
	const struct passing *first, *last; /* of the lower device */
	int64_t start_ms, end_ms, found_ms, apart_ms;
	int64_t gates; /* different ones */
};

static int64_t early(const struct passing *a, const struct passing *b)
{
	return a->from_ms < b->from_ms ? a->from_ms : b->from_ms;
}

static int64_t late(const struct passing *a, const struct passing *b)
{
	return a->from_ms > b->from_ms ? a->from_ms : b->from_ms;
}

static enum status run_end(struct crowd *c, struct run *r, uint64_t other, bool open)
{
	struct finding *f = NULL;
	if (r->gates >= c->times) {
		f = finding_list_add(c->findings, c->tenure.rule);
		if (!f)
			return STATUS_NO_MEMORY;
		f->subject = f->device = r->first->device;
		f->other = other;
		memcpy(f->fence, r->first->fence->id, sizeof f->fence);
		f->fence_version = r->first->fence->version;
		f->confidence = CONFIDENCE_LOW;
		f->open = open && c->as_of_ms - r->end_ms <= CONVOY_PAUSE_MS && c->as_of_ms < c->tenure.to_ms;
		f->start_ms = r->start_ms;
		f->end_ms = r->end_ms;
		f->found_ms = r->found_ms;
		f->start_lat_e7 = r->first->lat_e7;
		f->start_lon_e7 = r->first->lon_e7;
		f->end_lat_e7 = r->last->lat_e7;
		f->end_lon_e7 = r->last->lon_e7;
		f->numbers[FINDING_LIMIT] = c->times;
		f->numbers[FINDING_PEAK] = r->gates;
		f->numbers[FINDING_DURATION] = r->end_ms - r->start_ms;
		f->numbers[FINDING_OTHER] = r->apart_ms;
	}
	r->gates = 0;
	return STATUS_OK;
}

/* `a` and `b` are together at a gate. All gates of a run follow each other in the lower device's passings. */
static void run_on(const struct crowd *c, struct run *r, const struct passing *a, const struct passing *b)
{
	int64_t apart = late(a, b) - early(a, b);
	if (!r->gates)
		*r = (struct run){.first = a, .start_ms = early(a, b)};
	bool again = false;
	for (const struct passing *p = r->first; p < a; p++)
		again |= p->place == a->place;
	r->gates += !again;
	if (r->gates == c->times && !again)
		r->found_ms = late(a, b);
	r->last = a;
	r->end_ms = late(a, b);
	if (apart > r->apart_ms)
		r->apart_ms = apart;
}

static enum status judge_pair(struct crowd *c, const struct passing *a, const struct passing *a_end,
			      const struct passing *b, const struct passing *b_end)
{
	uint64_t other = b->device;
	struct run r = {0};
	enum status status = STATUS_OK;
	while (!status && a < a_end && b < b_end) {
		bool together = a->place == b->place && late(a, b) - early(a, b) <= c->time_ms;
		if (r.gates && (!together || early(a, b) - r.end_ms > CONVOY_PAUSE_MS))
			status = run_end(c, &r, other, false);
		if (together)
			run_on(c, &r, a++, b++);
		else if (a->from_ms < b->from_ms || (a->from_ms == b->from_ms && a->place < b->place))
			a++;
		else
			b++;
	}
	if (status || !r.gates)
		return status;
	bool alone = a < a_end || b < b_end; /* one has passed a gate since */
	return run_end(c, &r, other, !alone);
}

/* --- everybody --- */

static int compare_devices(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
	return (x > y) - (x < y);
}

/* Every device above its own that is at the gate of `p` when it is. */
static enum status meet(struct crowd *c, const struct passing *p)
{
	size_t low = 0, high = c->count;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		const struct passing *q = &c->passings[c->by_place[middle]];
		if (q->place < p->place || (q->place == p->place && p->from_ms - q->from_ms > c->time_ms))
			low = middle + 1;
		else
			high = middle;
	}
	for (; low < c->count; low++) {
		const struct passing *q = &c->passings[c->by_place[low]];
		if (q->place != p->place || q->from_ms - p->from_ms > c->time_ms)
			break;
		if (q->device <= p->device)
			continue;
		if (c->met_count == CONVOY_MEETINGS_MAX)
			return STATUS_FULL;
		if (!array_grow((void **)&c->met, &c->met_capacity, c->met_count, sizeof *c->met))
			return STATUS_NO_MEMORY;
		c->met[c->met_count++] = q->device;
	}
	return STATUS_OK;
}

/* The first passing at or behind `from` of another device than `device` or a lower one. */
static size_t end_of(const struct crowd *c, size_t from, uint64_t device)
{
	size_t low = from, high = c->count;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (c->passings[middle].device <= device)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* The device whose passings are [begin, end), with every higher one it has met often enough. */
static enum status judge_device(struct crowd *c, size_t begin, size_t end)
{
	enum status status = STATUS_OK;
	c->met_count = 0;
	for (size_t i = begin; !status && i < end; i++)
		status = meet(c, &c->passings[i]);
	if (status || !c->met_count)
		return status;
	qsort(c->met, c->met_count, sizeof *c->met, compare_devices);
	for (size_t i = 0, k; !status && i < c->met_count; i = k) {
		for (k = i; k < c->met_count && c->met[k] == c->met[i];)
			k++;
		if ((int64_t)(k - i) < c->times)
			continue;
		size_t other = end_of(c, end, c->met[i] - 1), other_end = end_of(c, other, c->met[i]);
		status = judge_pair(c, c->passings + begin, c->passings + end, c->passings + other,
				    c->passings + other_end);
	}
	return status;
}

static enum status judge_tenure(struct crowd *c, const struct fact *visits, size_t count)
{
	c->time_ms = c->tenure.rule->params[PARAM_CONVOY_TIME];
	c->times = c->tenure.rule->params[PARAM_CONVOY_TIMES];
	enum status status = find_gates(c);
	if (!status)
		status = take_visits(c, visits, count);
	for (size_t begin = 0, end; !status && begin < c->count; begin = end) {
		end = end_of(c, begin, c->passings[begin].device);
		status = judge_device(c, begin, end);
	}
	free(c->gates);
	free(c->passings);
	free(c->by_place);
	free(c->met);
	return status;
}

enum status convoy_judge(const struct detect_context *context, const struct fact *visits, size_t count,
			 int64_t as_of_ms, struct detect_sink *sink)
{
	struct finding_list findings = {0};
	struct tenure_walk walk = {0};
	enum status status = STATUS_OK;
	struct tenure tenure;
	while (!status && tenure_next(context, RULE_CONVOY, &walk, &tenure)) {
		struct crowd c = {.context = context, .tenure = tenure, .as_of_ms = as_of_ms, .findings = &findings};
		status = judge_tenure(&c, visits, count);
	}
	if (!status)
		finding_list_tell(&findings, sink);
	finding_list_deinit(&findings);
	return status;
}
