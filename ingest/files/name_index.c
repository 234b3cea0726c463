#include "ingest/files/name_index.h"

#include <stdbool.h>
#include <stdlib.h>

#include "engine/core/hash.h"

struct name_index name_index_init(void)
{
	return (struct name_index){.text = arena_init((size_t)NAMES_MAX * NAME_BYTES_MAX)};
}

void name_index_deinit(struct name_index *n)
{
	free(n->slots);
	free(n->names);
	free(n->after);
	arena_deinit(&n->text);
	*n = name_index_init();
}

static struct name_slot *slot_of(const struct name_index *n, uint64_t hash, struct span name)
{
	size_t mask = n->slot_count - 1;
	for (size_t i = hash & mask;; i = (i + 1) & mask) {
		struct name_slot *slot = &n->slots[i];
		if (!slot->number_plus_1 || (slot->hash == hash && span_equal(n->names[slot->number_plus_1 - 1], name)))
			return slot;
	}
}

static enum status grow(struct name_index *n)
{
	size_t slot_count = n->slot_count ? n->slot_count * 2 : 4096;
	struct span *names = realloc(n->names, slot_count / 2 * sizeof *names);
	if (!names)
		return STATUS_NO_MEMORY;
	n->names = names;
	uint32_t *after = realloc(n->after, slot_count / 2 * sizeof *after);
	if (!after)
		return STATUS_NO_MEMORY;
	n->after = after;
	struct name_slot *slots = calloc(slot_count, sizeof *slots), *old = n->slots;
	if (!slots)
		return STATUS_NO_MEMORY;
	for (size_t i = 0; i < n->slot_count; i++) {
		size_t at = old[i].hash & (slot_count - 1);
		while (old[i].number_plus_1 && slots[at].number_plus_1)
			at = (at + 1) & (slot_count - 1);
		if (old[i].number_plus_1)
			slots[at] = old[i];
	}
	free(old);
	n->slots = slots;
	n->slot_count = slot_count;
	n->capacity = slot_count / 2;
	return STATUS_OK;
}

static enum status add(struct name_index *n, uint64_t hash, struct span name)
{
	if (name.size > NAME_BYTES_MAX)
		return STATUS_TOO_LONG;
	if (n->count == NAMES_MAX)
		return STATUS_FULL;
	enum status status = n->count == n->capacity ? grow(n) : STATUS_OK;
	if (status)
		return status;
	uint8_t *copy = arena_copy(&n->text, name.data, name.size);
	if (!copy)
		return STATUS_NO_MEMORY;
	n->names[n->count] = span_of(copy, name.size);
	n->after[n->count] = (uint32_t)n->count;
	*slot_of(n, hash, name) = (struct name_slot){hash, (uint32_t)++n->count};
	return STATUS_OK;
}

/* As span_equal, for short names without a call: whole words, the last two overlapping. */
static inline bool name_is(struct span a, struct span b)
{
	if (a.size != b.size || a.size < 8 || a.size > 16)
		return span_equal(a, b);
	return load_le64(a.data) == load_le64(b.data) &&
	       load_le64(a.data + a.size - 8) == load_le64(b.data + b.size - 8);
}

static enum status take_hashed(struct name_index *n, struct span name, uint32_t *out)
{
	uint64_t hash = hash64(name);
	struct name_slot *slot = n->count ? slot_of(n, hash, name) : NULL;
	if (!slot || !slot->number_plus_1) {
		enum status status = add(n, hash, name);
		if (status)
			return status;
		slot = slot_of(n, hash, name);
	}
	*out = slot->number_plus_1 - 1;
	n->after[n->last] = *out;
	n->last = *out;
	return STATUS_OK;
}

enum status name_index_take(struct name_index *n, struct span name, uint32_t *out)
{
	if (!name.size)
		return STATUS_EMPTY;
	if (n->count) {
		uint32_t guess = n->after[n->last];
		if (!name_is(n->names[guess], name))
			guess = n->last;
		if (guess != n->last || name_is(n->names[guess], name)) {
			*out = n->last = guess;
			return STATUS_OK;
		}
	}
	return take_hashed(n, name, out);
}
