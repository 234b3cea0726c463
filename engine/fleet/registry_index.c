#include "engine/fleet/registry_index.h"

#include <stdlib.h>

#include "engine/core/hash.h"

#define IDS_BITS_MIN 10
#define IDS_BITS_MAX 40
#define NAMES_SIZE_MIN 1024
#define NAMES_SEED UINT64_C(0x6e616d65) /* apart from those of device ids */

/* Homes, and behind them room for what the last homes push on. */
static size_t ids_size(unsigned bits)
{
	return ((size_t)1 << bits) + ((size_t)1 << bits) / 16 + 64;
}

static size_t home(const struct ids *t, uint64_t id)
{
	return (size_t)(id >> (64 - t->bits));
}

static enum status ids_alloc(struct ids *t, unsigned bits)
{
	*t = (struct ids){calloc(ids_size(bits), sizeof *t->slots), 0, ids_size(bits), bits};
	return t->slots ? STATUS_OK : STATUS_NO_MEMORY;
}

enum status ids_init(struct ids *t)
{
	return ids_alloc(t, IDS_BITS_MIN);
}

void ids_deinit(struct ids *t)
{
	for (size_t i = 0; i < t->size && t->slots; i++)
		free(t->slots[i].row);
	free(t->slots);
	*t = (struct ids){0};
}

/* The first slot from the home of `id` on that is a gap or holds `id` or a greater one. */
static size_t ids_seek(const struct ids *t, uint64_t id)
{
	size_t at = home(t, id);
	while (at < t->size && t->slots[at].row && t->slots[at].id < id)
		at++;
	return at;
}

struct id_slot *ids_find(const struct ids *t, uint64_t id)
{
	size_t at = ids_seek(t, id);
	return at < t->size && t->slots[at].row && t->slots[at].id == id ? &t->slots[at] : NULL;
}

const struct id_slot *ids_after(const struct ids *t, uint64_t id)
{
	size_t at = ids_seek(t, id);
	while (at < t->size && (!t->slots[at].row || t->slots[at].id <= id))
		at++;
	return at < t->size ? &t->slots[at] : NULL;
}

bool ids_has_room(const struct ids *t, uint64_t id)
{
	if (t->count >= ((size_t)3 << t->bits) / 4)
		return false;
	size_t at = ids_seek(t, id);
	while (at < t->size && t->slots[at].row)
		at++;
	return at < t->size;
}

void ids_put(struct ids *t, uint64_t id, struct stored_row *row)
{
	size_t at = ids_seek(t, id), gap = at;
	while (t->slots[gap].row)
		gap++;
	memmove(&t->slots[at + 1], &t->slots[at], (gap - at) * sizeof *t->slots);
	t->slots[at] = (struct id_slot){id, row};
	t->count++;
}

/* Into `to`, in order; false when the tail ran over. */
static bool ids_spread(const struct ids *from, struct ids *to)
{
	size_t next = 0;
	for (size_t i = 0; i < from->size; i++) {
		const struct id_slot *slot = &from->slots[i];
		if (!slot->row)
			continue;
		size_t at = home(to, slot->id) > next ? home(to, slot->id) : next;
		if (at >= to->size)
			return false;
		to->slots[at] = *slot;
		next = at + 1;
	}
	to->count = from->count;
	return true;
}

enum status ids_build(const struct id_slot *sorted, size_t count, struct ids *out)
{
	const struct ids from = {(struct id_slot *)sorted, count, count, 0};
	unsigned bits = IDS_BITS_MIN;
	while (((size_t)3 << bits) / 4 <= count)
		bits++;
	for (; bits < IDS_BITS_MAX; bits++) {
		enum status status = ids_alloc(out, bits);
		if (status)
			return status;
		if (ids_spread(&from, out))
			return STATUS_OK;
		free(out->slots);
	}
	return STATUS_NO_MEMORY;
}

enum status ids_grow(const struct ids *t, uint64_t id, struct ids *out)
{
	for (unsigned bits = t->bits + 1; bits < IDS_BITS_MAX; bits++) {
		enum status status = ids_alloc(out, bits);
		if (status)
			return status;
		if (ids_spread(t, out) && ids_has_room(out, id))
			return STATUS_OK;
		free(out->slots);
	}
	return STATUS_NO_MEMORY;
}

/* --- names --- */

static enum status names_alloc(struct names *t, size_t size)
{
	*t = (struct names){calloc(size, sizeof *t->slots), 0, size};
	return t->slots ? STATUS_OK : STATUS_NO_MEMORY;
}

enum status names_init(struct names *t)
{
	return names_alloc(t, NAMES_SIZE_MIN);
}

void names_deinit(struct names *t)
{
	free(t->slots);
	*t = (struct names){0};
}

uint64_t names_hash(uint8_t field, struct span value)
{
	return hash64_seeded(value, NAMES_SEED + field);
}

uint64_t names_next(const struct names *t, uint64_t hash, size_t *at)
{
	for (;;) {
		const struct name_slot *slot = &t->slots[(hash + *at) & (t->size - 1)];
		if (!slot->device)
			return 0;
		++*at;
		if (slot->hash == hash)
			return slot->device;
	}
}

bool names_has_room(const struct names *t, size_t extra)
{
	return t->count + extra <= t->size / 4 * 3;
}

void names_put(struct names *t, uint64_t hash, uint64_t device)
{
	for (size_t at = hash & (t->size - 1);; at = (at + 1) & (t->size - 1)) {
		struct name_slot *slot = &t->slots[at];
		if (slot->hash == hash && slot->device == device)
			return;
		if (!slot->device) {
			*slot = (struct name_slot){hash, device};
			t->count++;
			return;
		}
	}
}

enum status names_grow(const struct names *t, size_t extra, struct names *out)
{
	size_t size = t->size * 2;
	while (t->count + extra > size / 4 * 3)
		size *= 2;
	enum status status = names_alloc(out, size);
	for (size_t i = 0; i < t->size && !status; i++)
		if (t->slots[i].device)
			names_put(out, t->slots[i].hash, t->slots[i].device);
	return status;
}
