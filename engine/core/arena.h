/* arena.h -- chunked bump allocator: many small things that die together.
 *
 *   arena ── chunk ── chunk ── chunk       pointers stay valid until reset or deinit
 *
 * Bounded by `max` bytes over all chunks. Not thread-safe. */
#ifndef ZAYTON_CORE_ARENA_H
#define ZAYTON_CORE_ARENA_H

#include <stddef.h>
#include <stdint.h>

struct arena_chunk;

struct arena {
	struct arena_chunk *chunks; /* newest first */
	size_t used;                /* in the newest chunk */
	size_t total;               /* bytes in all chunks */
	size_t max;
};

static inline struct arena arena_init(size_t max)
{
	return (struct arena){NULL, 0, 0, max};
}
void arena_deinit(struct arena *a);
/* Forget everything, keep the newest chunk for reuse. */
void arena_reset(struct arena *a);
/* `size` bytes aligned to 8, or NULL past `max` or out of memory. */
void *arena_alloc(struct arena *a, size_t size);
/* A copy of `size` bytes, unaligned; NULL as above. */
void *arena_copy(struct arena *a, const void *data, size_t size);

#endif
