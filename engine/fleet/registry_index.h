/* registry_index.h -- the two maps of the registry, both flat arrays of 16-byte slots.
 *
 *   ids     [ . 03 07 . . 31 3f 40 . . . a2 . . fe . . ]    by device: ascending, with gaps
 *            home = id >> shift, so the array is sorted as a whole and still found at its home or a few behind
 *   names   [ (hash, device) . (hash, device) (hash, device) . ]    by unique value: open addressing, linear probing
 *            one slot for each device that ever had the value; which one has it *then* its row says
 *
 * Device ids are hashes, so they spread evenly over the homes. Room is reserved ahead (ids_reserve,
 * names_reserve: a copy is grown aside and swapped in), so that putting cannot fail.
 * Threads: one writer; the caller keeps readers out while it puts or swaps. */
#ifndef ZAYTON_FLEET_REGISTRY_INDEX_H
#define ZAYTON_FLEET_REGISTRY_INDEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/core/bytes.h"
#include "engine/core/status.h"

/* The facts of a device (registry_row.h) with their size. */
struct stored_row {
	uint32_t size;
	uint8_t bytes[];
};

struct id_slot {
	uint64_t id;
	struct stored_row *row; /* NULL: a gap */
};

struct ids {
	struct id_slot *slots;
	size_t count;
	size_t size; /* slots in all, homes and the tail behind them */
	unsigned bits;
};

STATUS_CHECKED enum status ids_init(struct ids *t);
/* From `count` slots that ascend strictly, whose rows it takes over. Putting them one by one would crowd the first
 * homes: the ids of a half-read registry are all small. STATUS_NO_MEMORY: nothing is taken. */
STATUS_CHECKED enum status ids_build(const struct id_slot *sorted, size_t count, struct ids *out);
void ids_deinit(struct ids *t); /* frees the rows too */
/* The slot of `id`, or NULL. */
struct id_slot *ids_find(const struct ids *t, uint64_t id);
/* The first slot with an id greater than `id`, or NULL. */
const struct id_slot *ids_after(const struct ids *t, uint64_t id);
/* Whether `id`, which is not in it, can be put. */
bool ids_has_room(const struct ids *t, uint64_t id);
/* A copy of `t` in which there is room for `id`; it shares the rows. */
STATUS_CHECKED enum status ids_grow(const struct ids *t, uint64_t id, struct ids *out);
/* Put an id that is not in it and for which there is room. */
void ids_put(struct ids *t, uint64_t id, struct stored_row *row);

struct name_slot {
	uint64_t hash;
	uint64_t device; /* 0: free */
};

struct names {
	struct name_slot *slots;
	size_t count;
	size_t size; /* a power of two */
};

STATUS_CHECKED enum status names_init(struct names *t);
void names_deinit(struct names *t);
uint64_t names_hash(uint8_t field, struct span value);
/* Devices under `hash`, one after another; begin with *at = 0. Returns 0 after the last. */
uint64_t names_next(const struct names *t, uint64_t hash, size_t *at);
bool names_has_room(const struct names *t, size_t extra);
STATUS_CHECKED enum status names_grow(const struct names *t, size_t extra, struct names *out);
static inline void names_prefetch(const struct names *t, uint64_t hash)
{
	__builtin_prefetch(&t->slots[hash & (t->size - 1)], 1);
}
/* Put once; there must be room. */
void names_put(struct names *t, uint64_t hash, uint64_t device);

#endif
