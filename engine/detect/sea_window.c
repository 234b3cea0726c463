#include "engine/detect/sea_window.h"

#include <limits.h>
#include <stdlib.h>

#include "engine/core/hash.h"
#include "engine/core/limits.h"
#include "engine/detect/sea_window_step.h"

/* a seed that no other kind of identity has; stored with the facts */
#define SEED_WINDOW UINT64_C(0x77696e646f7701)
/* AIS status at anchor, moored and aground (M.1371-5 table 47), in the first four bits of item a2 of positions of class
 * A (types 1 to 3), whose type is in item a0 */
#define ITEM_AIS_HEAD 0xa0
#define ITEM_AIS_BITS 0xa2

/* --- fixes --- */

static bool lies_still(const struct report *r)
{
	struct cursor c = cursor_of(span_of(r->items, r->items_size));
	struct report_item item;
	unsigned type = 0, status = 15;
	while (r->body == REPORT_BODY_ROW && r->items && report_item_next(&c, &item) == STATUS_OK) {
		if (item.id == ITEM_AIS_HEAD && item.value.size)
			type = item.value.data[0] >> 2;
		else if (item.id == ITEM_AIS_BITS && item.value.size)
			status = item.value.data[0] >> 4;
	}
	return type >= 1 && type <= 3 && (status == 1 || status == 5 || status == 6);
}

bool sea_fix_of(const struct report *r, struct sea_fix *out)
{
	if (r->flags & (REPORT_FLAG_NO_FIX | REPORT_FLAG_OFFSET | REPORT_FLAG_FUTURE))
		return false;
	out->moving = r->speed_dkmh >= SEA_MOVING_DKMH && r->speed_dkmh <= MOVER_SPEED_MAX && r->course_deg <= 360 &&
		      !lies_still(r);
	out->course_deg = r->course_deg;
	return mover_of(r->time_ms, r->lat_e7, r->lon_e7, out->moving ? r->speed_dkmh : 0,
			out->moving ? r->course_deg : 0, &out->mover);
}

int64_t sea_window_of(int64_t time_ms)
{
	return time_ms >= 0 ? time_ms / SEA_WINDOW_MS : -((SEA_WINDOW_MS - 1 - time_ms) / SEA_WINDOW_MS);
}

uint64_t sea_window_number(int64_t window)
{
	uint8_t bytes[8];
	store_be64(bytes, (uint64_t)window);
	uint64_t number = hash64_seeded(span_of(bytes, sizeof bytes), SEED_WINDOW);
	return number ? number : 1;
}

bool sea_kind_of(unsigned class_code, unsigned *out_kind)
{
	switch (class_code) {
	case DEVICE_CLASS_FISHING_BOAT:
	case DEVICE_CLASS_FISHING_SMALL:
	case DEVICE_CLASS_FISHING_MEDIUM:
	case DEVICE_CLASS_FISHING_LARGE:
	case DEVICE_CLASS_TOWNSHIP_BOAT:
		*out_kind = MOVER_FISHING;
		return true;
	case DEVICE_CLASS_VESSEL:
		*out_kind = MOVER_MERCHANT;
		return true;
	default:
		return false;
	}
}

bool sea_is_stranger(unsigned class_code, unsigned source)
{
	return class_code == DEVICE_CLASS_OTHER && source == SOURCE_AIS;
}

bool sea_wants_births(const struct detect_context *context)
{
	for (uint32_t i = 0; i < context->book_count; i++)
		for (uint32_t k = 0; k < context->books[i].book->count; k++)
			if (context->books[i].book->rules[k].kind == RULE_REBORN)
				return true;
	return false;
}

bool sea_wants_pairs(const struct detect_context *context)
{
	for (uint32_t i = 0; i < context->book_count; i++)
		for (uint32_t k = 0; k < context->books[i].book->count; k++)
			if (context->books[i].book->rules[k].kind >= RULE_REBORN &&
			    context->books[i].book->rules[k].kind <= RULE_FORMATION)
				return true;
	return false;
}

/* --- what the rules ask of a window --- */

static struct approach_limits wide_of(const struct rule *r)
{
	int64_t percent = 100 + r->params[PARAM_COLLISION_RELEASE];
	return (struct approach_limits){r->params[PARAM_COLLISION_CPA] * percent / 100,
					r->params[PARAM_COLLISION_TCPA] * percent / 100};
}

static void widen(int64_t *most, int64_t value)
{
	*most = value > *most ? value : *most;
}

static void want_risk(struct window *w, const struct rule *r)
{
	struct approach_limits wide = wide_of(r);
	w->risk = true;
	widen(&w->wide.cpa_mm, wide.cpa_mm);
	widen(&w->wide.tcpa_ms, wide.tcpa_ms);
	widen(&w->fresh_ms, r->params[PARAM_COLLISION_FRESH]);
	w->pairs = r->params[PARAM_COLLISION_PAIRS] > w->pairs ? (enum mover_pairs)r->params[PARAM_COLLISION_PAIRS]
							       : w->pairs;
}

static enum status want_other(struct window *w, const struct tenure *t)
{
	if (!array_grow((void **)&w->tenures, &w->tenure_capacity, w->tenure_count, sizeof *w->tenures))
		return STATUS_NO_MEMORY;
	w->tenures[w->tenure_count++] = *t;
	if (t->rule->kind == RULE_FORMATION) {
		w->formations = true;
	} else if (t->rule->kind < RULE_COLLISION) {
		w->codes = true;
	} else {
		w->together = true;
		widen(&w->distance_mm, t->rule->params[PARAM_ENCOUNTER_DISTANCE]);
	}
	return STATUS_OK;
}

_Static_assert((int)PARAM_ENCOUNTER_DISTANCE == (int)PARAM_TWO_CODES_DISTANCE &&
		       (int)PARAM_ENCOUNTER_TIME == (int)PARAM_TWO_CODES_TIME &&
		       (int)PARAM_ENCOUNTER_SPEED == (int)PARAM_TWO_CODES_SPEED,
	       "both are read by one name");

static enum status read_rules(struct window *w)
{
	static const enum rule_kind kinds[] = {RULE_COLLISION,  RULE_ENCOUNTER,     RULE_TWO_CODES, RULE_REBORN,
					       RULE_SOURCE_OFF, RULE_SOURCES_APART, RULE_FORMATION};
	enum status status = STATUS_OK;
	for (size_t i = 0; i < sizeof kinds / sizeof *kinds && !status; i++) {
		struct tenure_walk walk = {0};
		struct tenure t;
		while (!status && tenure_next(w->context, kinds[i], &walk, &t))
			if (t.from_ms < w->to_ms && t.to_ms > w->from_ms) {
				if (kinds[i] == RULE_COLLISION)
					want_risk(w, t.rule);
				else
					status = want_other(w, &t);
			}
	}
	return status;
}

/* The subject is looked up once while it holds. */
static void read_boat(const struct window *w, const struct sea_track *t, struct boat *b)
{
	struct sea_subject own = {0}, *known = t->subject ? t->subject : &own;
	if (w->from_ms < known->from_ms || w->from_ms >= known->to_ms) {
		struct detect_subject subject;
		w->context->subject(w->context->registry, t->device, w->from_ms, &subject);
		known->from_ms = subject.from_ms;
		known->to_ms = subject.to_ms;
		known->vehicle = subject.vehicle;
		known->counts = sea_kind_of(subject.class_code, &known->kind);
		known->registered = subject.registered;
		known->source = subject.source;
		known->formation = subject.formation;
	}
	b->counts = known->counts;
	b->kind = known->kind;
	b->vehicle = known->vehicle;
	b->registered = known->registered;
	b->source = known->source;
	b->formation = known->formation;
}

static void read_boats(struct window *w)
{
	for (size_t i = 0; i < w->count; i++)
		read_boat(w, &w->tracks[i], &w->boats[i]);
}

/* --- instants --- */

void window_go_to(struct window *w, int64_t at_ms)
{
	for (size_t i = 0; i < w->count; i++) {
		struct boat *b = &w->boats[i];
		const struct sea_track *t = &w->tracks[i];
		while (b->next < t->count && t->fixes[b->next].mover.time_ms <= at_ms)
			b->next++;
		const struct sea_fix *last = b->next ? &t->fixes[b->next - 1] : NULL;
		b->latest = last && b->counts && at_ms - last->mover.time_ms <= SEA_FRESH_MAX_MS ? last : NULL;
	}
}

static bool are_paired(const struct window *w, size_t a, size_t b)
{
	return w->boats[a].vehicle != w->boats[b].vehicle || !w->boats[a].vehicle;
}

void window_rewind(struct window *w)
{
	for (size_t i = 0; i < w->count; i++)
		w->boats[i].next = 0;
}

/* `a` is the lower device. NULL without memory; STATUS_FULL shows in the count. */
static struct fact *add_fact(struct window *w, uint8_t kind, size_t a, size_t b, int64_t at_ms)
{
	if (w->fact_count == SEA_WINDOW_FACTS_MAX ||
	    !array_grow((void **)&w->facts, &w->fact_capacity, w->fact_count, sizeof *w->facts))
		return NULL;
	struct fact *f = &w->facts[w->fact_count++];
	uint64_t one = w->tracks[a].device, other = w->tracks[b].device;
	*f = (struct fact){.kind = kind,
			   .device = sea_window_number(sea_window_of(w->from_ms)),
			   .driver = one,
			   .place = pair_number(one, other),
			   .value = (int64_t)other,
			   .from_ms = at_ms,
			   .to_ms = at_ms};
	mover_position(&w->boats[a].latest->mover, at_ms, &f->from_lat_e7, &f->from_lon_e7);
	return f;
}

enum status window_add(struct window *w, const struct fact *f)
{
	if (w->fact_count == SEA_WINDOW_FACTS_MAX)
		return STATUS_FULL;
	if (!array_grow((void **)&w->facts, &w->fact_capacity, w->fact_count, sizeof *w->facts))
		return STATUS_NO_MEMORY;
	w->facts[w->fact_count++] = *f;
	return STATUS_OK;
}

static enum status full_or_no_memory(const struct window *w)
{
	return w->fact_count == SEA_WINDOW_FACTS_MAX ? STATUS_FULL : STATUS_NO_MEMORY;
}

/* --- risk --- */

static enum status add_risk(struct window *w, size_t a, size_t b, int64_t at_ms)
{
	struct approach p;
	struct fact *f = add_fact(w, FACT_RISK, a, b, at_ms);
	if (!f)
		return full_or_no_memory(w);
	if (!approach_of(&w->boats[a].latest->mover, &w->boats[b].latest->mover, at_ms, &p))
		return STATUS_OK;
	struct approach_numbers n = approach_numbers(&p);
	f->to_lat_e7 = (int32_t)n.cpa_mm;
	f->to_lon_e7 = (int32_t)n.tcpa_ms;
	return STATUS_OK;
}

static enum status put_movers(struct window *w, struct collision *c)
{
	enum status status = STATUS_OK;
	for (uint32_t i = 0; i < w->count && !status; i++) {
		const struct sea_fix *latest = w->boats[i].latest;
		const struct mover *before = collision_at(c, i);
		if (!latest || !latest->moving) {
			if (before)
				collision_drop(c, i);
		} else if (!before || before->time_ms != latest->mover.time_ms) {
			status = collision_put(c, i, &latest->mover);
		}
	}
	return status;
}

/* Whose kind must be asked for each pair to be found: of one kind with another the kind that fewer are of. A bit each;
 * 0: there is no pair. */
static unsigned kinds_to_ask(const struct window *w)
{
	size_t of[MOVER_FISHING + 1] = {0};
	for (size_t i = 0; i < w->count; i++)
		if (w->boats[i].latest && w->boats[i].latest->moving)
			of[w->boats[i].kind]++;
	if (w->pairs == PAIRS_ANY)
		return UINT_MAX;
	if (w->pairs == PAIRS_ANY_FISHING)
		return of[MOVER_FISHING] ? 1u << MOVER_FISHING : 0;
	if (!of[MOVER_FISHING] || !of[MOVER_MERCHANT])
		return 0;
	return 1u << (of[MOVER_FISHING] < of[MOVER_MERCHANT] ? MOVER_FISHING : MOVER_MERCHANT);
}

/* Those at risk with one who is asked; who are asked too are told by the lower of both. */
static enum status ask_one(struct window *w, struct collision *c, uint32_t i, unsigned asked, int64_t at_ms)
{
	const uint32_t *near;
	size_t count;
	enum status status = collision_near(c, i, at_ms, &near, &count);
	for (size_t k = 0; k < count && !status; k++) {
		uint32_t other = near[k];
		bool twice = asked >> w->boats[other].kind & 1 && other < i;
		if (!twice && are_paired(w, i, other) &&
		    mover_pair_counts(w->pairs, w->boats[i].kind, w->boats[other].kind))
			status = add_risk(w, i < other ? i : other, i < other ? other : i, at_ms);
	}
	return status;
}

static enum status judge_instant(struct window *w, struct collision *c, int64_t at_ms)
{
	window_go_to(w, at_ms);
	unsigned asked = kinds_to_ask(w);
	enum status status = asked ? put_movers(w, c) : STATUS_OK;
	for (uint32_t i = 0; asked && i < w->count && !status; i++)
		if (asked >> w->boats[i].kind & 1 && collision_at(c, i))
			status = ask_one(w, c, i, asked, at_ms);
	return status;
}

/* Whether there are vessels of kinds that any rule pairs. */
static bool has_pairs(const struct window *w)
{
	size_t of[MOVER_FISHING + 1] = {0};
	for (size_t i = 0; i < w->count; i++)
		of[w->boats[i].kind] += w->boats[i].counts;
	return w->pairs == PAIRS_ANY || (of[MOVER_FISHING] && (w->pairs == PAIRS_ANY_FISHING || of[MOVER_MERCHANT]));
}

static enum status judge_risk(struct window *w)
{
	struct collision_options o = {(uint32_t)w->count, w->wide, w->fresh_ms, false};
	struct collision *c;
	if (!has_pairs(w))
		return w->count > COLLISION_SLOTS_MAX ? STATUS_FULL : STATUS_OK;
	enum status status = collision_new(&o, &c);
	if (status)
		return status == STATUS_OUT_OF_RANGE ? STATUS_FULL : status;
	for (int64_t at = w->from_ms; at < w->to_ms && at <= w->as_of_ms && !status; at += SEA_GRID_MS)
		status = judge_instant(w, c, at);
	collision_free(c);
	return status;
}

/* --- together --- */

/* A pair that was close at every instant so far. */
struct close_pair {
	uint32_t a, b; /* a < b */
	int64_t distance_mm;
	uint16_t speed_max, speed_min;
};
struct close_list {
	struct close_pair *list;
	size_t count, capacity;
};

static int compare_pairs(const void *a, const void *b)
{
	const struct close_pair *x = a, *y = b;
	if (x->a != y->a)
		return x->a < y->a ? -1 : 1;
	return (x->b > y->b) - (x->b < y->b);
}

/* rules whose bits are kept apart; with more of them every boat is able to all */
#define TENURE_BITS 64

struct by_lat {
	uint32_t boat;
	int32_t lat_e7;
};

static int compare_lats(const void *a, const void *b)
{
	const struct by_lat *x = a, *y = b;
	if (x->lat_e7 != y->lat_e7)
		return x->lat_e7 < y->lat_e7 ? -1 : 1;
	return (x->boat > y->boat) - (x->boat < y->boat);
}

static uint16_t speed_of(const struct mover *m)
{
	int64_t square = (int64_t)m->north * m->north + (int64_t)m->east * m->east;
	struct approach p = {m->north, m->east, 0, 0};
	return square ? (uint16_t)((approach_numbers(&p).range_mm + 2048) / 4096) : 0;
}

static bool is_of_together(const struct rule *r)
{
	return r->kind == RULE_ENCOUNTER || r->kind == RULE_TWO_CODES;
}

static uint64_t able_of(const struct window *w, uint16_t speed)
{
	uint64_t able = w->tenure_count > TENURE_BITS ? UINT64_MAX : 0;
	for (size_t i = 0; i < w->tenure_count && i < TENURE_BITS; i++)
		if (is_of_together(w->tenures[i].rule) && pair_speed_fits(w->tenures[i].rule, speed))
			able |= UINT64_C(1) << i;
	return able;
}

static uint64_t exempt_of(const struct window *w, const struct mover *m, int64_t at_ms)
{
	uint64_t exempt = 0;
	struct fact f = {.from_ms = w->from_ms};
	mover_position(m, at_ms, &f.from_lat_e7, &f.from_lon_e7);
	for (size_t i = 0; i < w->tenure_count && w->tenure_count <= TENURE_BITS; i++)
		if (is_of_together(w->tenures[i].rule) && pair_is_exempt(w->context, w->tenures[i].rule, &f))
			exempt |= UINT64_C(1) << i;
	return exempt;
}

/* What the last instant says ahead: who is not there then was not together all the time, and where the lower device of
 * a pair is then, the pair is. */
static void look_ahead(struct window *w, int64_t last_ms)
{
	window_rewind(w);
	window_go_to(w, last_ms);
	for (size_t i = 0; i < w->count; i++) {
		struct boat *b = &w->boats[i];
		b->next = 0;
		b->stays = b->latest != NULL;
		b->exempt = b->stays ? exempt_of(w, &b->latest->mover, last_ms) : 0;
	}
}

/* The rules that two may be together by, by their speeds at the instant and the place of the lower. */
static inline uint64_t able_both(const struct window *w, uint32_t a, uint32_t b)
{
	const struct boat *one = &w->boats[a], *other = &w->boats[b];
	return one->able & other->able & ~(a < b ? one : other)->exempt;
}

/* Whether one of the rules allows the distance, given squared: rounded down it is no more than so many mm. */
static bool is_close(const struct window *w, uint64_t able, __int128 square)
{
	if (w->tenure_count > TENURE_BITS)
		return square < approach_squared(w->distance_mm + 1);
	for (; able; able &= able - 1) {
		const struct rule *r = w->tenures[__builtin_ctzll(able)].rule;
		if (square < approach_squared(r->params[PARAM_ENCOUNTER_DISTANCE] + 1))
			return true;
	}
	return false;
}

/* The pair at the instant, who both have a fix and were measured; false: no rule has them together. */
static bool pair_at(const struct window *w, uint32_t a, uint32_t b, int64_t at_ms, struct close_pair *out)
{
	const struct boat *one = &w->boats[a], *other = &w->boats[b];
	uint64_t able = able_both(w, a, b);
	struct approach p;
	if (!able || !are_paired(w, a, b) || !approach_of(&one->latest->mover, &other->latest->mover, at_ms, &p) ||
	    !is_close(w, able, approach_squared(p.north_mm) + approach_squared(p.east_mm)))
		return false;
	out->a = a < b ? a : b;
	out->b = a < b ? b : a;
	out->distance_mm = approach_numbers(&p).range_mm;
	out->speed_max = one->speed > other->speed ? one->speed : other->speed;
	out->speed_min = one->speed > other->speed ? other->speed : one->speed;
	return true;
}

static enum status note_pair(struct window *w, struct close_list *out, uint32_t a, uint32_t b)
{
	struct close_pair p;
	if (!pair_at(w, a, b, w->from_ms, &p))
		return STATUS_OK;
	if (!array_grow((void **)&out->list, &out->capacity, out->count, sizeof *out->list))
		return STATUS_NO_MEMORY;
	out->list[out->count++] = p;
	return STATUS_OK;
}

static void measure(const struct window *w, struct boat *b)
{
	if (b->measured == b->latest)
		return;
	b->measured = b->latest;
	b->speed = speed_of(&b->latest->mover);
	b->able = able_of(w, b->speed);
}

/* Those who may be together with anybody at the first instant, by latitude. */
static size_t list_able(struct window *w, struct by_lat *order)
{
	size_t count = 0;
	int32_t lon_e7;
	window_go_to(w, w->from_ms);
	for (uint32_t i = 0; i < w->count; i++) {
		struct boat *b = &w->boats[i];
		if (!b->latest || !b->stays)
			continue;
		measure(w, b);
		if (!b->able)
			continue;
		order[count].boat = i;
		mover_position(&b->latest->mover, w->from_ms, &order[count++].lat_e7, &lon_e7);
	}
	qsort(order, count, sizeof *order, compare_lats);
	return count;
}

/* Who are close at the first instant: each against those around it within the distance. Most are where no rule asks (in
 * harbour, hundreds side by side) and are met by the others only. */
static enum status meet_all(struct window *w, struct by_lat *order, struct close_list *out)
{
	int64_t span_e7 = w->distance_mm * 1000 / APPROACH_UM_PER_E7 + 1000;
	size_t count = list_able(w, order);
	enum status status = STATUS_OK;
	for (size_t i = 0; i < count && !status; i++) {
		const struct boat *b = &w->boats[order[i].boat];
		int64_t lat_e7 = order[i].lat_e7;
		if (!(b->able & ~b->exempt))
			continue;
		for (size_t k = i + 1; k < count && !status && order[k].lat_e7 - lat_e7 <= span_e7; k++)
			status = note_pair(w, out, order[i].boat, order[k].boat);
		for (size_t k = i; k-- > 0 && !status && lat_e7 - order[k].lat_e7 <= span_e7;) {
			const struct boat *other = &w->boats[order[k].boat];
			if (!(other->able & ~other->exempt)) /* the others have met this one */
				status = note_pair(w, out, order[i].boat, order[k].boat);
		}
	}
	return status;
}

/* Those who are close at a later instant too, with the largest distance and both ends of the speeds. */
static void keep_close(struct window *w, struct close_list *all, int64_t at_ms)
{
	size_t kept = 0;
	window_go_to(w, at_ms);
	for (size_t i = 0; i < all->count; i++) {
		struct close_pair p = all->list[i], n;
		struct boat *one = &w->boats[p.a], *other = &w->boats[p.b];
		if (!one->latest || !other->latest)
			continue;
		measure(w, one);
		measure(w, other);
		if (!pair_at(w, p.a, p.b, at_ms, &n))
			continue;
		p.distance_mm = n.distance_mm > p.distance_mm ? n.distance_mm : p.distance_mm;
		p.speed_max = n.speed_max > p.speed_max ? n.speed_max : p.speed_max;
		p.speed_min = n.speed_min < p.speed_min ? n.speed_min : p.speed_min;
		all->list[kept++] = p;
	}
	all->count = kept;
}

static enum status add_together(struct window *w, const struct close_pair *p, int64_t last_ms)
{
	struct fact *f = add_fact(w, FACT_TOGETHER, p->a, p->b, last_ms);
	if (!f)
		return full_or_no_memory(w);
	f->from_ms = w->from_ms;
	f->to_lat_e7 = (int32_t)p->distance_mm;
	f->to_lon_e7 = (int32_t)p->speed_max << 16 | p->speed_min;
	for (size_t i = 0; i < w->tenure_count; i++)
		if (is_of_together(w->tenures[i].rule) && pair_is_together(w->context, w->tenures[i].rule, f))
			return STATUS_OK;
	w->fact_count--;
	return STATUS_OK;
}

static enum status judge_together(struct window *w)
{
	struct close_list all = {0};
	struct by_lat *order = malloc(w->count * sizeof *order);
	int64_t end_ms = w->as_of_ms < w->to_ms - 1 ? w->as_of_ms : w->to_ms - 1;
	int64_t last_ms = w->from_ms + (end_ms - w->from_ms) / SEA_TOGETHER_MS * SEA_TOGETHER_MS;
	look_ahead(w, last_ms);
	enum status status = order ? meet_all(w, order, &all) : STATUS_NO_MEMORY;
	for (int64_t at = w->from_ms + SEA_TOGETHER_MS; at <= last_ms && all.count && !status; at += SEA_TOGETHER_MS)
		keep_close(w, &all, at);
	if (all.count)
		qsort(all.list, all.count, sizeof *all.list, compare_pairs);
	for (size_t i = 0; i < all.count && !status; i++)
		status = add_together(w, &all.list[i], last_ms);
	free(all.list);
	free(order);
	return status;
}

enum status sea_window_judge(const struct detect_context *context, const struct sea_track *tracks, size_t count,
			     int64_t window, int64_t as_of_ms, struct detect_sink *sink)
{
	struct window w = {.context = context,
			   .tracks = tracks,
			   .count = count,
			   .from_ms = window * SEA_WINDOW_MS,
			   .to_ms = (window + 1) * SEA_WINDOW_MS,
			   .as_of_ms = as_of_ms};
	enum status status = read_rules(&w);
	if (!status && count && (w.risk || w.together || w.codes || w.formations) && w.from_ms <= as_of_ms) {
		w.boats = calloc(count, sizeof *w.boats);
		status = w.boats ? STATUS_OK : STATUS_NO_MEMORY;
		if (!status)
			read_boats(&w);
		if (!status && count > 1 && w.risk)
			status = judge_risk(&w);
		if (!status && count > 1 && w.together)
			status = judge_together(&w);
		if (!status && w.codes)
			status = window_judge_codes(&w);
		if (!status && w.formations)
			status = window_judge_formations(&w);
	}
	for (size_t i = 0; i < w.fact_count && !status; i++)
		sink->fact(sink->context, &w.facts[i]);
	free(w.boats);
	free(w.tenures);
	free(w.facts);
	return status;
}
