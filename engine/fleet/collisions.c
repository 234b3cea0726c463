#include "engine/fleet/collisions.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "engine/core/limits.h"
#include "engine/detect/sea_window.h"
#include "engine/detect/stage2.h"
#include "engine/fleet/fleet_internal.h"

#define REFRESH_MS 1000
#define SLOTS_FIRST 1024
#define BATCH 512

struct slot {
	uint64_t device, vehicle;
	struct report last; /* without items */
	uint8_t class_code;
	bool seen; /* in this round */
};

struct collisions {
	struct engine *engine;
	pthread_mutex_t lock;
	struct collision_watch *watch; /* NULL: no rule */
	char rule[RULE_ID_MAX + 1];
	uint64_t rule_version;
	struct slot *slots; /* `count` of `capacity`; a vessel keeps its own */
	uint32_t count, capacity;
	uint32_t *table; /* slots by device: open addressing, number + 1 */
	int64_t refreshed_ms;
};

/* --- slots --- */

static uint32_t *entry_of(const struct collisions *c, uint64_t device)
{
	uint32_t mask = 4 * c->capacity - 1, at = (uint32_t)(device * UINT64_C(0x9e3779b97f4a7c15) >> 32) & mask;
	while (c->table[at] && c->slots[c->table[at] - 1].device != device)
		at = (at + 1) & mask;
	return &c->table[at];
}

/* All anew: who is at risk is found again by the next reports. */
static enum status set_capacity(struct collisions *c, uint32_t capacity, const struct rule *rule)
{
	int64_t percent = 100 + rule->params[PARAM_COLLISION_RELEASE];
	int64_t cpa = rule->params[PARAM_COLLISION_CPA], tcpa = rule->params[PARAM_COLLISION_TCPA];
	struct collision_watch_options o = {.slots = capacity,
					    .narrow = {cpa, tcpa},
					    .wide = {cpa * percent / 100, tcpa * percent / 100},
					    .fresh_ms = rule->params[PARAM_COLLISION_FRESH],
					    .pairs = (enum mover_pairs)rule->params[PARAM_COLLISION_PAIRS]};
	struct collision_watch *watch;
	enum status status = collision_watch_new(&o, &watch);
	if (status)
		return status;
	struct slot *slots = calloc((size_t)capacity + 1, sizeof *slots);
	uint32_t *table = calloc(4 * (size_t)capacity + 1, sizeof *table);
	if (!slots || !table) {
		collision_watch_free(watch);
		free(slots);
		free(table);
		return STATUS_NO_MEMORY;
	}
	collision_watch_free(c->watch);
	free(c->slots);
	free(c->table);
	c->watch = watch;
	c->slots = slots;
	c->table = table;
	c->count = 0;
	c->capacity = capacity;
	memcpy(c->rule, rule->id, sizeof c->rule);
	c->rule_version = rule->version;
	return STATUS_OK;
}

/* --- a round --- */

static enum status take(struct collisions *c, const struct judged_by *by, const struct rule *rule,
			const struct last *last, int64_t now_ms)
{
	struct detect_subject subject;
	unsigned kind;
	by->context.subject(by->context.registry, last->device, now_ms, &subject);
	if (!sea_kind_of(subject.class_code, &kind) || !(rule->classes >> (subject.class_code & 31) & 1))
		return STATUS_OK;
	uint32_t *entry = entry_of(c, last->device);
	if (!*entry) {
		if (c->count == c->capacity)
			return STATUS_FULL;
		*entry = ++c->count;
	}
	struct slot *s = &c->slots[*entry - 1];
	*s = (struct slot){last->device, subject.vehicle, last->report, subject.class_code, true};
	return STATUS_OK;
}

static enum status take_all(struct collisions *c, const struct judged_by *by, const struct rule *rule, int64_t now_ms)
{
	struct last *batch = malloc(BATCH * sizeof *batch);
	enum status status = batch ? STATUS_OK : STATUS_NO_MEMORY;
	uint64_t after = 0;
	size_t count;
	for (uint32_t i = 0; i < c->count; i++)
		c->slots[i].seen = false;
	while (!status && (count = engine_last_list(c->engine, after, batch, BATCH)) > 0) {
		for (size_t i = 0; i < count && !status; i++)
			status = take(c, by, rule, &batch[i], now_ms);
		after = batch[count - 1].device;
	}
	free(batch);
	return status;
}

static enum status watch_all(struct collisions *c, int64_t now_ms)
{
	enum status status = STATUS_OK;
	for (uint32_t i = 0; i < c->count && !status; i++) {
		const struct slot *s = &c->slots[i];
		struct sea_fix fix;
		unsigned kind = MOVER_OTHER;
		if (!s->seen || !sea_fix_of(&s->last, &fix) || !fix.moving || !sea_kind_of(s->class_code, &kind))
			collision_watch_drop(c->watch, i);
		else
			status = collision_watch_report(c->watch, i, kind, &fix.mover, now_ms);
	}
	return status;
}

static const struct rule *rule_now(const struct judged_by *by, int64_t now_ms)
{
	const struct rulebook *book = NULL;
	for (uint32_t i = 0; i < by->context.book_count && by->context.books[i].from_ms <= now_ms; i++)
		book = by->context.books[i].book;
	for (uint32_t i = 0; book && i < book->count; i++)
		if (book->rules[i].kind == RULE_COLLISION)
			return &book->rules[i];
	return NULL;
}

/* A round that finds no room begins again with twice as much. */
static enum status refresh(struct collisions *c, const struct judged_by *by, int64_t now_ms)
{
	const struct rule *rule = rule_now(by, now_ms);
	if (!rule) {
		collision_watch_free(c->watch);
		c->watch = NULL;
		c->count = 0;
		c->rule[0] = '\0';
		return STATUS_OK;
	}
	enum status status = STATUS_OK;
	if (!c->watch || strcmp(c->rule, rule->id) != 0 || c->rule_version != rule->version)
		status = set_capacity(c, c->capacity ? c->capacity : SLOTS_FIRST, rule);
	if (!status)
		status = take_all(c, by, rule, now_ms);
	while (status == STATUS_FULL && c->capacity * 2 <= COLLISION_SLOTS_MAX) {
		status = set_capacity(c, c->capacity * 2, rule);
		if (!status)
			status = take_all(c, by, rule, now_ms);
	}
	return status ? status : watch_all(c, now_ms);
}

/* --- the list --- */

static int compare_pairs(const void *a, const void *b)
{
	const struct collision_pair *x = a, *y = b;
	if (x->merchant_and_fishing != y->merchant_and_fishing)
		return x->merchant_and_fishing ? -1 : 1;
	if (x->numbers.tcpa_ms != y->numbers.tcpa_ms)
		return x->numbers.tcpa_ms < y->numbers.tcpa_ms ? -1 : 1;
	if (x->numbers.cpa_mm != y->numbers.cpa_mm)
		return x->numbers.cpa_mm < y->numbers.cpa_mm ? -1 : 1;
	for (int i = 0; i < 2; i++)
		if (x->vessels[i].device != y->vessels[i].device)
			return x->vessels[i].device < y->vessels[i].device ? -1 : 1;
	return 0;
}

static void describe(const struct collisions *c, uint32_t slot, int64_t now_ms, struct collision_pair *out, unsigned i)
{
	const struct slot *s = &c->slots[slot];
	out->vessels[i].device = s->device;
	out->vessels[i].class_code = s->class_code;
	out->vessels[i].time_ms = s->last.time_ms;
	out->vessels[i].speed_dkmh = s->last.speed_dkmh;
	out->vessels[i].course_deg = s->last.course_deg;
	mover_position(collision_watch_at(c->watch, slot), now_ms, &out->vessels[i].lat_e7, &out->vessels[i].lon_e7);
}

static bool pair_of(const struct collisions *c, uint32_t slot, uint32_t other, int64_t now_ms,
		    struct collision_pair *out)
{
	struct approach p;
	unsigned kind = collision_watch_kind(c->watch, slot), others = collision_watch_kind(c->watch, other);
	bool swap = others == MOVER_FISHING && kind != MOVER_FISHING;
	if (kind == others || (kind != MOVER_FISHING && others != MOVER_FISHING))
		swap = c->slots[other].device < c->slots[slot].device;
	if (c->slots[slot].vehicle == c->slots[other].vehicle ||
	    !approach_of(collision_watch_at(c->watch, slot), collision_watch_at(c->watch, other), now_ms, &p))
		return false;
	describe(c, swap ? other : slot, now_ms, out, 0);
	describe(c, swap ? slot : other, now_ms, out, 1);
	out->merchant_and_fishing = mover_pair_counts(PAIRS_MERCHANT_FISHING, kind, others);
	out->numbers = approach_numbers(&p);
	return true;
}

static enum status list_all(const struct collisions *c, int64_t now_ms, struct collision_pair **out, size_t *out_count)
{
	size_t capacity = 0, partners;
	for (uint32_t i = 0; c->watch && i < c->count; i++) {
		const uint32_t *others = collision_watch_partners(c->watch, i, &partners);
		for (size_t k = 0; k < partners; k++) {
			if (others[k] < i)
				continue;
			if (!array_grow((void **)out, &capacity, *out_count, sizeof **out))
				return STATUS_NO_MEMORY;
			*out_count += pair_of(c, i, others[k], now_ms, &(*out)[*out_count]);
		}
	}
	if (*out_count)
		qsort(*out, *out_count, sizeof **out, compare_pairs);
	return STATUS_OK;
}

enum status collisions_now(struct collisions *c, int64_t now_ms, struct collision_pair **out, size_t *out_count,
			   char *rule)
{
	struct judged_by *by = context_take(c->engine->context);
	enum status status = STATUS_OK;
	*out = NULL;
	*out_count = 0;
	pthread_mutex_lock(&c->lock);
	if (now_ms - c->refreshed_ms >= REFRESH_MS || now_ms < c->refreshed_ms) {
		status = refresh(c, by, now_ms);
		c->refreshed_ms = status ? INT64_MIN / 2 : now_ms;
	}
	if (!status)
		status = list_all(c, now_ms, out, out_count);
	memcpy(rule, c->rule, sizeof c->rule);
	pthread_mutex_unlock(&c->lock);
	judged_by_release(by);
	if (status) {
		free(*out);
		*out = NULL;
		*out_count = 0;
	}
	return status;
}

enum status collisions_open(struct engine *e, struct collisions **out)
{
	struct collisions *c = calloc(1, sizeof *c);
	if (!c)
		return STATUS_NO_MEMORY;
	c->engine = e;
	c->refreshed_ms = INT64_MIN / 2;
	pthread_mutex_init(&c->lock, NULL);
	*out = c;
	return STATUS_OK;
}

void collisions_close(struct collisions *c)
{
	if (!c)
		return;
	collision_watch_free(c->watch);
	free(c->slots);
	free(c->table);
	pthread_mutex_destroy(&c->lock);
	free(c);
}
