/* ring.h -- a first-in first-out queue of records of different sizes in one block of memory.
 *
 *   [ ....... | rec | rec | rec | ... ]     a record never wraps: the end is skipped when one does not fit
 *
 * Each record begins with its size (uint32_t, a multiple of 8). Grows by doubling up to `max`. One owner. */
#ifndef ZAYTON_FLEET_RING_H
#define ZAYTON_FLEET_RING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ring {
	uint8_t *bytes;
	size_t capacity, max;
	size_t read, write; /* offsets; equal and count == 0 when empty */
	size_t before;      /* `write` before the last push */
	size_t count;       /* records */
};

static inline struct ring ring_init(size_t max)
{
	return (struct ring){.max = max};
}
void ring_deinit(struct ring *r);
/* Room for a record of `size` bytes at the end (its first 4 bytes are set), or NULL when it would pass `max`
 * or memory is out. It is in the ring at once; ring_drop_last, right after, takes it back. */
void *ring_push(struct ring *r, size_t size);
void ring_drop_last(struct ring *r);
/* The oldest record, NULL when empty. */
void *ring_first(struct ring *r);
/* The record after `record`, NULL behind the last. */
void *ring_next(struct ring *r, void *record);
/* Remove the oldest. */
void ring_pop(struct ring *r);

#endif
