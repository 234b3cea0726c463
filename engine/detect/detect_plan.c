/* detect_plan.c -- context to detector: rules sorted by class, fences by what rules look for. See detect_plan.h. */
#include "engine/detect/detect_plan.h"

#include <stdlib.h>

#include "engine/detect/detect_step.h"

bool schedule_is_always(const struct schedule *s)
{
	return s->days == 0x7f && s->hours_count == 0 && s->seasons_count == 0 && s->from_ms == INT64_MIN &&
	       s->to_ms == INT64_MAX;
}

static uint64_t place_bit(uint64_t place)
{
	return UINT64_C(1) << (place & 63);
}

/* The bits of places that a rule looks for; WHERE_NOT_TAG looks for absence, which no bit shows. */
static uint64_t rule_place_bits(const struct plan_rule *p)
{
	const struct rule *r = p->rule;
	const int64_t *v = r->params;
	if (r->kind == RULE_SECTION_SPEED)
		return tag_bit((uint16_t)v[PARAM_SECTION_SPEED_ENTRY]) | tag_bit((uint16_t)v[PARAM_SECTION_SPEED_EXIT]);
	if (r->kind == RULE_DETOUR)
		return tag_bit((uint16_t)v[PARAM_DETOUR_BEFORE]) | tag_bit((uint16_t)v[PARAM_DETOUR_AFTER]) |
		       tag_bit((uint16_t)v[PARAM_DETOUR_STATION]);
	uint64_t where = r->where_mode == WHERE_TAG     ? tag_bit(r->where_tag)
			 : r->where_mode == WHERE_FENCE ? place_bit(p->where_place)
							: 0;
	return r->kind == RULE_DEPART ? where | tag_bit((uint16_t)v[PARAM_DEPART_TAG]) : where;
}

uint64_t rule_more_bits(const struct rule *r)
{
	const int64_t *v = r->params;
	int64_t one = 0, two = 0;
	uint64_t bits = 0;
	switch (r->kind) {
	case RULE_ZONE:
		one = v[PARAM_ZONE_EXEMPT];
		break;
	case RULE_PORT_REPORT:
		one = v[PARAM_PORT_REPORT_TAG];
		break;
	case RULE_PORT_GAP:
		one = v[PARAM_PORT_GAP_TAG];
		two = v[PARAM_PORT_GAP_MOUTH];
		break;
	case RULE_OVER_WIND:
		one = v[PARAM_OVER_WIND_EXEMPT];
		break;
	case RULE_OUT_OF_AREA:
		one = v[PARAM_OUT_OF_AREA_EXEMPT];
		for (unsigned area = AREA_NEAR; v[PARAM_OUT_OF_AREA_BY] != OUT_OF_LICENCE && area < AREA_COUNT; area++)
			bits |= tag_bit(nav_tag(area));
		break;
	case RULE_OVER_CREW:
		one = v[PARAM_OVER_CREW_EXEMPT];
		break;
	case RULE_CREW_DIFFERS:
		one = v[PARAM_CREW_DIFFERS_EXEMPT];
		break;
	case RULE_MISSTATED:
		one = v[PARAM_MISSTATED_EXEMPT];
		break;
	case RULE_LOITER:
		one = v[PARAM_LOITER_EXEMPT];
		break;
	default:
		break;
	}
	return bits | (one ? tag_bit((uint16_t)one) : 0) | (two ? tag_bit((uint16_t)two) : 0);
}

/* The speed above which a rule of overspeed with a limit of its own can begin. */
static int32_t rule_above(const struct rule *r)
{
	const int64_t *v = r->params;
	if (r->kind == RULE_COVER)
		return (int32_t)v[PARAM_COVER_LIMIT];
	if (r->kind != RULE_OVERSPEED || v[PARAM_OVERSPEED_SPEED_OF] != 0)
		return -1;
	return (int32_t)(v[PARAM_OVERSPEED_LIMIT] * v[PARAM_OVERSPEED_PERCENT] / 100);
}

static uint32_t rule_need(const struct rule *r, const struct kind *kind, const struct rule_inputs *inputs)
{
	uint32_t need = kind->need;
	if (r->kind == RULE_COVER && inputs->cover_open.of_item)
		need |= NEED_ITEMS;
	if (r->kind == RULE_EXPIRED && expired_is_of_boat(r))
		need &= ~NEED_MOVING;
	if (r->kind == RULE_DRAG)
		need |= r->params[PARAM_DRAG_WHILE] ? NEED_LAID_UP : NEED_ITEMS;
	if (r->moving == YES)
		need |= NEED_MOVING;
	if (r->loaded == YES)
		need |= NEED_LOADED;
	if (r->where_mode != WHERE_ANY || kind->place_needed)
		need |= NEED_JUDGED;
	if (r->kind == RULE_OVERSPEED && r->params[PARAM_OVERSPEED_SPEED_OF] == 1)
		need |= NEED_ITEMS;
	if (r->kind == RULE_SPEED_MISMATCH && r->params[PARAM_SPEED_MISMATCH_WITH] == 0)
		need |= NEED_ITEMS;
	return need;
}

static void compile_rule(const struct rule *r, const struct rule_inputs *inputs, struct plan_rule *out)
{
	out->rule = r;
	out->kind = kind_of(r->kind);
	out->always = schedule_is_always(&r->when);
	out->picks = r->gears || r->sources;
	out->above_dkmh = -1;
	if (r->where_mode == WHERE_FENCE)
		out->where_place = place_number(span_of_string(r->where_fence));
	out->place_bits = rule_place_bits(out);
	if (!out->kind)
		return;
	out->segment = r->kind == RULE_ZONE && r->params[PARAM_ZONE_SEGMENT] &&
		       (r->where_mode == WHERE_TAG || r->where_mode == WHERE_FENCE);
	out->above_dkmh = rule_above(r);
	out->need = rule_need(r, out->kind, inputs);
}

static void note_visits(struct class_plan *c, uint16_t tag)
{
	c->place_bits |= tag_bit(tag);
	for (uint32_t i = 0; i < c->visit_tag_count; i++)
		if (c->visit_tags[i] == tag)
			return;
	c->visit_tags[c->visit_tag_count++] = tag;
}

static void note_min(int64_t *least, int64_t value)
{
	if (value < *least)
		*least = value;
}

static void note_stage_2(struct class_plan *c, const struct rule *r)
{
	if (r->kind == RULE_CONVOY)
		note_visits(c, (uint16_t)r->params[PARAM_CONVOY_TAG]);
	else if (r->kind == RULE_PATROL)
		note_visits(c, (uint16_t)r->params[PARAM_PATROL_TAG]);
	else if (r->kind == RULE_FATIGUE)
		note_min(&c->fact_gap_ms, r->gap_ms);
}

/* The rule that is the next of the class. */
static void note_asked(struct class_plan *c, const struct plan_rule *p)
{
	if (c->rule_count >= ASKED_MAX)
		return;
	uint64_t bit = UINT64_C(1) << c->rule_count;
	c->asked |= bit;
	for (unsigned need = 0; need < NEED_COUNT; need++)
		c->without[need] |= p->need >> need & 1 ? bit : 0;
	c->placed |= p->place_bits ? bit : 0;
	if (p->above_dkmh < 0)
		return;
	c->paced |= bit;
	if (p->above_dkmh < c->pace_dkmh)
		c->pace_dkmh = p->above_dkmh;
}

static void note_inputs(struct class_plan *c, const struct plan_rule *p, const struct rule_inputs *inputs)
{
	const int64_t *v = p->rule->params;
	if (p->rule->kind != RULE_DUMPING)
		return;
	c->tips_unseen |= v[PARAM_DUMPING_STOP] || (v[PARAM_DUMPING_LIFT] && !inputs->lift_up.of_item);
}

/* Whether the kind is judged by one report, its places and its subject alone, but for an episode that goes on. */
static bool is_of_one_report(const struct rule *r)
{
	switch (r->kind) {
	case RULE_OVERSPEED:
		return r->params[PARAM_OVERSPEED_SPEED_OF] != 2;
	case RULE_SPEED_MISMATCH:
		return r->params[PARAM_SPEED_MISMATCH_WITH] != 1;
	case RULE_ZONE:
	case RULE_OFF_HOURS:
	case RULE_DWELL:
	case RULE_COVER:
	case RULE_NO_FIX: /* and by the odometer at the report before */
	case RULE_SHIELDED:
	case RULE_ALARM_BITS:
	case RULE_ALARM_ITEM:
	case RULE_EXPIRED:
	case RULE_NO_VIDEO:
	case RULE_UNREGISTERED:
	case RULE_OVER_WIND:
	case RULE_OUT_OF_AREA:
	case RULE_OVER_CREW:
	case RULE_CREW_DIFFERS:
	case RULE_MISSTATED:
	case RULE_FATIGUE: /* by facts: a gap's are looked up */
	case RULE_CONVOY:
	case RULE_PATROL:
	case RULE_COLLISION:
	case RULE_ENCOUNTER:
	case RULE_TWO_CODES:
	case RULE_REBORN:
	case RULE_SOURCE_OFF:
	case RULE_SOURCES_APART:
	case RULE_FORMATION:
		return true;
	default:
		return false;
	}
}

static void note_rule(struct class_plan *c, const struct plan_rule *p, uint16_t number, bool of_sea)
{
	const struct rule *r = p->rule;
	/* boats that do not say their speed stand by their positions */
	c->recalls |= !is_of_one_report(r) || p->segment || (of_sea && r->kind == RULE_DWELL);
	c->reads_items |= p->need & (NEED_ITEMS | NEED_ASSIST | NEED_BLIND | NEED_TIPPED) || r->kind == RULE_NO_FIX;
	if (r->kind == RULE_PORT_REPORT)
		note_visits(c, (uint16_t)r->params[PARAM_PORT_REPORT_TAG]);
	if (r->kind == RULE_SILENT) {
		c->silent[c->silent_count++] = number;
		note_min(&c->silent_ms, r->params[PARAM_SILENT_TIME]);
		return;
	}
	if (!p->kind) {
		note_stage_2(c, r);
		return;
	}
	note_asked(c, p);
	c->rules[c->rule_count++] = number;
	c->place_bits |= p->place_bits;
	if (r->where_mode == WHERE_NOT_TAG)
		c->place_bits |= tag_bit(r->where_tag);
	uint64_t more = rule_more_bits(r);
	c->place_bits |= more;
	c->segment_bits |= p->segment ? p->place_bits | more : 0;
	c->by_permit |= r->kind == RULE_OFF_ROUTE ||
			(r->kind == RULE_OUT_OF_AREA && r->params[PARAM_OUT_OF_AREA_BY] == OUT_OF_LICENCE);
	c->anchored |= r->kind == RULE_FROZEN;
	if (r->kind == RULE_GAP)
		note_min(&c->pause_ms, r->params[PARAM_GAP_TIME]);
	if (r->kind == RULE_PORT_GAP)
		note_min(&c->pause_ms, r->params[PARAM_PORT_GAP_TIME]);
	if (r->kind == RULE_TWO_PLACES)
		note_min(&c->leap_dkmh, r->params[PARAM_TWO_PLACES_LIMIT]);
	if (r->kind == RULE_JUMP)
		note_min(&c->leap_dkmh, r->params[PARAM_JUMP_LIMIT]);
}

static void compile_class(const struct plan *plan, unsigned class_code, struct class_plan *c)
{
	uint32_t count = plan->book ? plan->book->count : 0;
	c->silent_ms = c->pause_ms = c->leap_dkmh = c->fact_gap_ms = INT64_MAX;
	c->pace_dkmh = INT32_MAX;
	c->reads_items = plan->book && plan->book->inputs.load.known && plan->book->inputs.load.of_item;
	for (uint32_t i = 0; i < count; i++)
		if (plan->rules[i].rule->classes >> class_code & 1 &&
		    rule_kind_stage(plan->rules[i].rule->kind) != RULE_STAGE_STREAMS) {
			note_inputs(c, &plan->rules[i], &plan->book->inputs);
			note_rule(c, &plan->rules[i], (uint16_t)i, class_is_of_sea(class_code));
		}
	if (c->fact_gap_ms == INT64_MAX)
		c->fact_gap_ms = FACT_GAP_DEFAULT_MS;
}

/* Three lists a class, none longer than the book. */
static size_t plan_numbers(const struct rulebook *b)
{
	return b ? (size_t)b->count * 3 * DEVICE_CLASS_COUNT : 0;
}

static enum status compile_plan(struct plan *plan, uint16_t **numbers)
{
	uint32_t count = plan->book ? plan->book->count : 0;
	plan->rules = calloc(count ? count : 1, sizeof *plan->rules);
	if (!plan->rules)
		return STATUS_NO_MEMORY;
	for (uint32_t i = 0; i < count; i++)
		compile_rule(&plan->book->rules[i], &plan->book->inputs, &plan->rules[i]);
	for (unsigned k = 0; k < DEVICE_CLASS_COUNT; k++) {
		struct class_plan *c = &plan->classes[k];
		c->rules = *numbers;
		c->silent = c->rules + count;
		c->visit_tags = c->silent + count;
		*numbers = c->visit_tags + count;
		compile_class(plan, k, c);
	}
	return STATUS_OK;
}

static enum status compile_plans(struct detector *d)
{
	size_t numbers = 0;
	uint32_t books = d->context.book_count;
	for (uint32_t i = 0; i < books; i++)
		numbers += plan_numbers(d->books[i].book);
	d->numbers = calloc(numbers ? numbers : 1, sizeof *d->numbers);
	d->plans = calloc((size_t)books + 1, sizeof *d->plans);
	if (!d->numbers || !d->plans)
		return STATUS_NO_MEMORY;
	d->plan_count = books + 1;
	uint16_t *next = d->numbers;
	for (uint32_t i = 0; i <= books; i++) {
		struct plan *plan = &d->plans[i];
		plan->from_ms = i ? d->books[i - 1].from_ms : INT64_MIN;
		plan->to_ms = i < books ? d->books[i].from_ms : INT64_MAX;
		plan->book = i ? d->books[i - 1].book : NULL;
		enum status status = compile_plan(plan, &next);
		if (status != STATUS_OK)
			return status;
	}
	return STATUS_OK;
}

static void compile_slot(const struct fence *f, struct fence_slot *out)
{
	out->fence = f;
	if (!f)
		return;
	out->place = place_number(span_of_string(f->id));
	out->always = schedule_is_always(&f->when);
	out->bits = place_bit(out->place);
	for (unsigned i = 0; i < f->tag_count; i++)
		out->bits |= tag_bit(f->tags[i]);
}

static void note_areas(struct detector *d, const struct fence *f)
{
	for (unsigned area = AREA_NEAR; f && area < AREA_COUNT; area++)
		if (nav_tag(area) && fence_has_tag(f, nav_tag(area)))
			note_min(&d->nav_from_ms[area], f->valid_from_ms);
}

static enum status compile_slots(struct detector *d)
{
	for (unsigned area = 0; area < AREA_COUNT; area++)
		d->nav_from_ms[area] = INT64_MAX;
	uint32_t count = d->context.fences ? fence_set_slots(d->context.fences) : 0;
	d->slots = calloc(count ? count : 1, sizeof *d->slots);
	if (!d->slots)
		return STATUS_NO_MEMORY;
	d->slot_count = count;
	for (uint32_t i = 0; i < count; i++) {
		compile_slot(fence_set_at(d->context.fences, i), &d->slots[i]);
		note_areas(d, d->slots[i].fence);
	}
	return STATUS_OK;
}

static enum status take_context(struct detector *d, const struct detect_context *context)
{
	d->context = *context;
	d->context.book_count = 0;
	if (context->fences)
		d->context.fences = fence_set_ref((struct fence_set *)context->fences);
	d->books = calloc(context->book_count ? context->book_count : 1, sizeof *d->books);
	if (!d->books)
		return STATUS_NO_MEMORY;
	for (uint32_t i = 0; i < context->book_count; i++) {
		d->books[i].from_ms = context->books[i].from_ms;
		d->books[i].book = rulebook_ref(context->books[i].book);
		d->context.book_count++;
	}
	d->context.books = d->books;
	return STATUS_OK;
}

/* By id, each once: entries of a state are walked beside them. */
static bool book_is_sound(const struct rulebook *b)
{
	for (uint32_t i = 1; i < b->count; i++)
		if (strcmp(b->rules[i - 1].id, b->rules[i].id) >= 0)
			return false;
	return b->count < RULE_OF_VISIT;
}

static bool context_is_sound(const struct detect_context *c)
{
	for (uint32_t i = 0; i < c->book_count; i++)
		if (!book_is_sound(c->books[i].book) || (i && c->books[i].from_ms <= c->books[i - 1].from_ms))
			return false;
	return c->subject != NULL;
}

enum status detector_new(const struct detect_context *context, struct detector **out)
{
	static atomic_uint_least64_t serials = 1;
	if (!context_is_sound(context))
		return STATUS_INVALID;
	struct detector *d = calloc(1, sizeof *d);
	if (!d)
		return STATUS_NO_MEMORY;
	atomic_init(&d->references, 1);
	d->serial = atomic_fetch_add(&serials, 1);
	enum status status = take_context(d, context);
	if (status == STATUS_OK)
		status = compile_plans(d);
	if (status == STATUS_OK)
		status = compile_slots(d);
	if (status != STATUS_OK) {
		detector_unref(d);
		return status;
	}
	*out = d;
	return STATUS_OK;
}

struct detector *detector_ref(struct detector *d)
{
	atomic_fetch_add_explicit(&d->references, 1, memory_order_relaxed);
	return d;
}

void detector_unref(struct detector *d)
{
	if (!d || atomic_fetch_sub_explicit(&d->references, 1, memory_order_acq_rel) != 1)
		return;
	for (uint32_t i = 0; i < d->plan_count; i++)
		free(d->plans[i].rules);
	free(d->plans);
	free(d->numbers);
	free(d->slots);
	for (uint32_t i = 0; i < d->context.book_count; i++)
		rulebook_unref(d->books[i].book);
	free(d->books);
	fence_set_unref((struct fence_set *)d->context.fences);
	free(d);
}

const struct plan *detector_plan(const struct detector *d, int64_t time_ms)
{
	uint32_t i = d->plan_count - 1;
	while (i > 0 && d->plans[i].from_ms > time_ms)
		i--;
	return &d->plans[i];
}

bool detector_wants_facts(const struct detector *d)
{
	for (uint32_t i = 0; i < d->plan_count; i++)
		for (uint32_t k = 0; d->plans[i].book && k < d->plans[i].book->count; k++)
			if (rule_kind_stage(d->plans[i].rules[k].rule->kind) == 2)
				return true;
	return false;
}

const struct rule *detector_rule(const struct detector *d, const char *id)
{
	for (uint32_t i = d->context.book_count; i-- > 0;) {
		const struct rule *r = rulebook_find(d->books[i].book, id);
		if (r)
			return r;
	}
	return NULL;
}
