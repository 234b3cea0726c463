/* collision.h -- who of many vessels is about to pass too close to whom (商渔船防碰撞): every pair in reach, at any
 * instant.
 *
 *   vessels by slot ──> cells of 0.05 degrees, each with its vessels in two columns, brought to one epoch:
 *
 *     cell   x y │ x y │ x y ...     16 bits each: 4.096 m from the middle of the cell
 *            u v │ u v │ u v ...     0.1 km/h
 *     near(slot) ── cells in reach ── screen: 8 vessels at a time ── approach_within: exactly ──> partners
 *
 * Reach: two vessels further apart than CPA + both speeds * TCPA cannot be within the limits. The screen never leaves
 * out a pair that the exact test would keep (its bounds are at screen_of()); what is answered is what testing every
 * pair would answer, byte for byte.
 *
 * Whoever has an unknown course or speed, lies at anchor or drifts has no place here: collision_put() is for movers.
 * Memory is bounded by the slots given at the beginning. Threads: one owner. */
#ifndef ZAYTON_DETECT_COLLISION_H
#define ZAYTON_DETECT_COLLISION_H

#include <stddef.h>

#include "engine/core/status.h"
#include "engine/detect/approach.h"

struct collision_options {
	uint32_t slots;                /* 1..COLLISION_SLOTS_MAX */
	struct approach_limits limits; /* the widest that will be asked for */
	int64_t fresh_ms;              /* a fix counts so long before and after its time */
	bool plain;                    /* without this machine's wider vectors: the same answers */
};

struct collision;
/* STATUS_OUT_OF_RANGE: limits beyond those of approach.h; STATUS_NO_MEMORY. */
STATUS_CHECKED enum status collision_new(const struct collision_options *o, struct collision **out);
void collision_free(struct collision *c);
/* The vessel of a slot is there now; its fix before is forgotten. STATUS_NO_MEMORY: it is in no cell. */
STATUS_CHECKED enum status collision_put(struct collision *c, uint32_t slot, const struct mover *m);
void collision_drop(struct collision *c, uint32_t slot);
/* NULL when the slot is empty. */
const struct mover *collision_at(const struct collision *c, uint32_t slot);
/* Everybody whose approach to the vessel of `slot` is within the limits at `at_ms`, in no order. The list is valid
 * until the next call. STATUS_NO_MEMORY. */
STATUS_CHECKED enum status collision_near(struct collision *c, uint32_t slot, int64_t at_ms, const uint32_t **out,
					  size_t *out_count);

#endif
