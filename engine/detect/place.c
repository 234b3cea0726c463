/* place.c -- the fences that count at a position and a time, and what `where` makes of them. */
#include <stdlib.h>

#include "engine/detect/detect_step.h"

static bool slot_counts(const struct fence_slot *slot, int64_t time_ms, uint64_t bits, bool all)
{
	const struct fence *f = slot->fence;
	return f && (all || slot->bits & bits) && time_ms >= f->valid_from_ms && time_ms < f->valid_to_ms &&
	       (slot->always || schedule_active(&f->when, time_ms));
}

static void places_take(const struct detector *d, const uint32_t *slots, size_t count, int64_t time_ms, uint64_t bits,
			bool all, struct places *out)
{
	for (size_t i = 0; i < count; i++) {
		if (slots[i] >= d->slot_count)
			continue;
		const struct fence_slot *slot = &d->slots[slots[i]];
		if (!slot_counts(slot, time_ms, bits, all))
			continue;
		out->at[out->count++] = (struct place){slot->fence, slot->place, slot->bits};
		out->bits |= slot->bits;
	}
}

void places_none(struct places *out)
{
	out->at = out->inline_;
	out->count = 0;
	out->bits = 0;
}

/* Room for more fences than the step has; the slots are the caller's to free. */
static enum status places_widen(size_t count, struct places *out, uint32_t **out_slots)
{
	uint32_t *slots = malloc(count * sizeof *slots);
	struct place *at = malloc(count * sizeof *at);
	if (!slots || !at) {
		free(slots);
		free(at);
		return STATUS_NO_MEMORY;
	}
	out->at = at;
	*out_slots = slots;
	return STATUS_OK;
}

/* A position in more fences than the step has room for. */
static enum status places_find_many(const struct detector *d, struct fence_cursor *cursor, struct geo_point p,
				    int64_t time_ms, uint64_t bits, bool all, size_t count, struct places *out)
{
	const struct fence_index *index = fence_set_index(d->context.fences);
	uint32_t *slots;
	enum status status = places_widen(count, out, &slots);
	if (status != STATUS_OK)
		return status;
	places_take(d, slots, fence_index_find(index, cursor, p, slots, count), time_ms, bits, all, out);
	free(slots);
	return STATUS_OK;
}

enum status places_find(const struct detector *d, struct fence_cursor *cursor, struct geo_point p, int64_t time_ms,
			uint64_t bits, bool all, struct places *out)
{
	uint32_t slots[PLACES_INLINE];
	places_none(out);
	if (!d->slot_count || (!bits && !all))
		return STATUS_OK;
	size_t count = fence_index_find(fence_set_index(d->context.fences), cursor, p, slots, PLACES_INLINE);
	if (count > PLACES_INLINE)
		return places_find_many(d, cursor, p, time_ms, bits, all, count, out);
	places_take(d, slots, count, time_ms, bits, all, out);
	return STATUS_OK;
}

/* Slots that count at both times, moved to the front. */
static size_t slots_at_both(const struct detector *d, uint32_t *slots, size_t count, int64_t before_ms, uint64_t bits)
{
	size_t kept = 0;
	for (size_t i = 0; i < count; i++)
		if (slots[i] < d->slot_count && slot_counts(&d->slots[slots[i]], before_ms, bits, false))
			slots[kept++] = slots[i];
	return kept;
}

enum status places_crossed(const struct detector *d, const struct fence_cursor *cursor, const struct fix *from,
			   struct geo_point p, int64_t time_ms, uint64_t bits, struct places *out)
{
	const struct geo_point before = {from->lat_e7, from->lon_e7};
	uint32_t few[PLACES_INLINE], *slots = few;
	places_none(out);
	if (!d->slot_count || !bits || from->time_ms == TIME_NONE)
		return STATUS_OK;
	const struct fence_index *index = fence_set_index(d->context.fences);
	if (fence_cursor_covers(index, cursor, before, p))
		return STATUS_OK;
	size_t count = fence_index_find_segment(index, before, p, slots, PLACES_INLINE);
	if (count > PLACES_INLINE) {
		enum status status = places_widen(count, out, &slots);
		if (status != STATUS_OK)
			return status;
		count = fence_index_find_segment(index, before, p, slots, count);
	}
	count = slots_at_both(d, slots, count, from->time_ms, bits);
	places_take(d, slots, count, time_ms, bits, false, out);
	if (slots != few)
		free(slots);
	return STATUS_OK;
}

void places_free(struct places *p)
{
	if (p->at != p->inline_)
		free(p->at);
	p->at = p->inline_;
	p->count = 0;
}

bool place_is_where(const struct plan_rule *p, const struct place *at)
{
	if (!(at->bits & p->place_bits))
		return false;
	if (p->rule->where_mode == WHERE_FENCE)
		return at->number == p->where_place && strcmp(at->fence->id, p->rule->where_fence) == 0;
	return fence_has_tag(at->fence, p->rule->where_tag);
}

const struct place *places_with_tag(const struct places *p, uint16_t tag)
{
	if (!(p->bits & tag_bit(tag)))
		return NULL;
	for (uint32_t i = 0; i < p->count; i++)
		if (fence_has_tag(p->at[i].fence, tag))
			return &p->at[i];
	return NULL;
}

bool places_meet_where(const struct plan_rule *p, const struct places *places)
{
	if (p->rule->where_mode == WHERE_ANY)
		return true;
	if (p->rule->where_mode == WHERE_NOT_TAG)
		return !places_with_tag(places, p->rule->where_tag);
	for (uint32_t i = 0; i < places->count; i++)
		if (place_is_where(p, &places->at[i]))
			return true;
	return false;
}
