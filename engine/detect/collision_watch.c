#include "engine/detect/collision_watch.h"

#include <stdlib.h>

#include "engine/core/limits.h"

struct partners {
	uint32_t count;
	uint32_t slots[COLLISION_PARTNERS_MAX];
};

struct collision_watch {
	struct collision_watch_options options;
	struct collision *collision;
	struct partners *partners; /* by slot */
	uint8_t *kinds;
	uint32_t *stamps; /* by slot: `stamp` when it was at risk with whom is judged */
	uint32_t stamp;
	uint64_t crowded;
};

bool mover_pair_counts(enum mover_pairs pairs, unsigned kind, unsigned other)
{
	if (pairs == PAIRS_ANY)
		return true;
	if (pairs == PAIRS_ANY_FISHING)
		return kind == MOVER_FISHING || other == MOVER_FISHING;
	return (kind == MOVER_FISHING && other == MOVER_MERCHANT) || (kind == MOVER_MERCHANT && other == MOVER_FISHING);
}

enum status collision_watch_new(const struct collision_watch_options *o, struct collision_watch **out)
{
	struct collision_options options = {o->slots, o->wide, o->fresh_ms, o->plain};
	if (o->narrow.cpa_mm > o->wide.cpa_mm || o->narrow.tcpa_ms > o->wide.tcpa_ms)
		return STATUS_OUT_OF_RANGE;
	struct collision_watch *w = calloc(1, sizeof *w);
	if (!w)
		return STATUS_NO_MEMORY;
	w->options = *o;
	enum status status = collision_new(&options, &w->collision);
	if (!status) {
		w->partners = calloc(o->slots, sizeof *w->partners);
		w->kinds = calloc(o->slots, sizeof *w->kinds);
		w->stamps = calloc(o->slots, sizeof *w->stamps);
		if (!w->partners || !w->kinds || !w->stamps)
			status = STATUS_NO_MEMORY;
	}
	if (status) {
		collision_watch_free(w);
		return status;
	}
	*out = w;
	return STATUS_OK;
}

void collision_watch_free(struct collision_watch *w)
{
	if (!w)
		return;
	collision_free(w->collision);
	free(w->partners);
	free(w->kinds);
	free(w->stamps);
	free(w);
}

static void part(struct partners *p, uint32_t slot)
{
	for (uint32_t i = 0; i < p->count; i++)
		if (p->slots[i] == slot) {
			p->slots[i] = p->slots[--p->count];
			return;
		}
}

static void part_all(struct collision_watch *w, uint32_t slot)
{
	for (uint32_t i = 0; i < w->partners[slot].count; i++)
		part(&w->partners[w->partners[slot].slots[i]], slot);
	w->partners[slot].count = 0;
}

/* Those of `slot` who are still within the wide limits keep their stamp; the others part. */
static void keep(struct collision_watch *w, uint32_t slot, const uint32_t *near, size_t count)
{
	struct partners *mine = &w->partners[slot];
	uint32_t kept = 0;
	if (!mine->count)
		return;
	w->stamp += 2;
	for (size_t i = 0; i < count; i++)
		w->stamps[near[i]] = w->stamp - 1;
	for (uint32_t i = 0; i < mine->count; i++) {
		uint32_t other = mine->slots[i];
		if (w->stamps[other] != w->stamp - 1) {
			part(&w->partners[other], slot);
			continue;
		}
		w->stamps[other] = w->stamp;
		mine->slots[kept++] = other;
	}
	mine->count = kept;
}

static bool is_narrow(const struct collision_watch *w, uint32_t slot, uint32_t other, int64_t at_ms)
{
	struct approach p;
	return approach_of(collision_at(w->collision, slot), collision_at(w->collision, other), at_ms, &p) &&
	       approach_within(&p, &w->options.narrow);
}

static void meet(struct collision_watch *w, uint32_t slot, uint32_t other)
{
	struct partners *mine = &w->partners[slot], *theirs = &w->partners[other];
	if (mine->count == COLLISION_PARTNERS_MAX || theirs->count == COLLISION_PARTNERS_MAX) {
		w->crowded++;
		return;
	}
	mine->slots[mine->count++] = other;
	theirs->slots[theirs->count++] = slot;
}

enum status collision_watch_report(struct collision_watch *w, uint32_t slot, unsigned kind, const struct mover *m,
				   int64_t at_ms)
{
	const uint32_t *near;
	size_t count;
	if (w->kinds[slot] != kind)
		part_all(w, slot);
	w->kinds[slot] = (uint8_t)kind;
	enum status status = collision_put(w->collision, slot, m);
	if (!status)
		status = collision_near(w->collision, slot, at_ms, &near, &count);
	if (status)
		return status;
	bool had = w->partners[slot].count > 0;
	keep(w, slot, near, count);
	for (size_t i = 0; i < count; i++) {
		bool known = had && w->stamps[near[i]] == w->stamp;
		if (!known && mover_pair_counts(w->options.pairs, kind, w->kinds[near[i]]) &&
		    is_narrow(w, slot, near[i], at_ms))
			meet(w, slot, near[i]);
	}
	return STATUS_OK;
}

void collision_watch_drop(struct collision_watch *w, uint32_t slot)
{
	part_all(w, slot);
	collision_drop(w->collision, slot);
}

const uint32_t *collision_watch_partners(const struct collision_watch *w, uint32_t slot, size_t *out_count)
{
	*out_count = w->partners[slot].count;
	return w->partners[slot].slots;
}

const struct mover *collision_watch_at(const struct collision_watch *w, uint32_t slot)
{
	return collision_at(w->collision, slot);
}

unsigned collision_watch_kind(const struct collision_watch *w, uint32_t slot)
{
	return w->kinds[slot];
}

uint64_t collision_watch_crowded(const struct collision_watch *w)
{
	return w->crowded;
}
