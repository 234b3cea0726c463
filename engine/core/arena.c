#include "engine/core/arena.h"

#include <stdlib.h>
#include <string.h>

#define CHUNK_BYTES 65536u

struct arena_chunk {
	struct arena_chunk *next;
	size_t capacity;
	uint8_t bytes[];
};

void arena_deinit(struct arena *a)
{
	while (a->chunks) {
		struct arena_chunk *next = a->chunks->next;
		free(a->chunks);
		a->chunks = next;
	}
	*a = arena_init(a->max);
}

void arena_reset(struct arena *a)
{
	if (!a->chunks)
		return;
	struct arena_chunk *keep = a->chunks;
	a->chunks = keep->next;
	size_t max = a->max;
	arena_deinit(a);
	keep->next = NULL;
	*a = (struct arena){keep, 0, keep->capacity, max};
}

static int add_chunk(struct arena *a, size_t size)
{
	size_t capacity = size > CHUNK_BYTES ? size : CHUNK_BYTES;
	if (capacity > a->max - a->total) {
		capacity = size;
		if (capacity > a->max - a->total)
			return 0;
	}
	struct arena_chunk *chunk = malloc(sizeof *chunk + capacity);
	if (!chunk)
		return 0;
	chunk->next = a->chunks;
	chunk->capacity = capacity;
	a->chunks = chunk;
	a->used = 0;
	a->total += capacity;
	return 1;
}

static void *take(struct arena *a, size_t size, size_t align)
{
	size_t at = (a->used + align - 1) & ~(align - 1);
	if (!a->chunks || at > a->chunks->capacity || size > a->chunks->capacity - at) {
		if (!add_chunk(a, size))
			return NULL;
		at = 0;
	}
	a->used = at + size;
	return a->chunks->bytes + at;
}

void *arena_alloc(struct arena *a, size_t size)
{
	return take(a, size, 8);
}

void *arena_copy(struct arena *a, const void *data, size_t size)
{
	void *p = take(a, size, 1);
	if (p && size)
		memcpy(p, data, size);
	return p;
}
