#include "engine/geo/fence_pool.h"

#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>

#define CHUNK_BYTES ((size_t)2 << 20)
#define POOL_LINES 64

/* A piece of malloc's from the start of a line on; what malloc gave is kept in the word before it. */
static void *aligned_get(size_t bytes, size_t alignment)
{
	char *raw = malloc(bytes + alignment);
	if (!raw)
		return NULL;
	void **p = (void **)(raw + (alignment - (uintptr_t)raw % alignment));
	p[-1] = raw;
	return p;
}

static void aligned_put(void *p)
{
	free(((void **)p)[-1]);
}

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) /* they watch malloc, and nothing within a chunk */

void *fence_pool_get(size_t bytes)
{
	return aligned_get(bytes, FENCE_LINE_BYTES);
}

void fence_pool_put(void *p, size_t bytes)
{
	(void)bytes;
	aligned_put(p);
}

#else

struct free_piece {
	struct free_piece *next;
};

/* At the start of each. */
struct chunk {
	struct chunk *next;
};

static struct {
	pthread_mutex_t lock;
	struct chunk *chunks; /* the first is the one that pieces are cut from */
	size_t used;          /* bytes of it */
	size_t pieces;        /* out */
	struct free_piece *free[POOL_LINES + 1];
} pool = {.lock = PTHREAD_MUTEX_INITIALIZER};

/* Only with the lock, as all below. */
static void *cut(size_t bytes)
{
	if (!pool.chunks || pool.used + bytes > CHUNK_BYTES) {
		struct chunk *c = aligned_get(CHUNK_BYTES, CHUNK_BYTES);
		if (!c)
			return NULL;
		/* a few fences need not a huge page; a kernel without them is none the worse */
		if (pool.chunks)
			(void)madvise(c, CHUNK_BYTES, MADV_HUGEPAGE);
		c->next = pool.chunks;
		pool.chunks = c;
		pool.used = FENCE_LINE_BYTES;
	}
	void *p = (char *)pool.chunks + pool.used;
	pool.used += bytes;
	return p;
}

static void let_go(void)
{
	while (pool.chunks) {
		struct chunk *next = pool.chunks->next;
		aligned_put(pool.chunks);
		pool.chunks = next;
	}
	for (size_t i = 0; i <= POOL_LINES; i++)
		pool.free[i] = NULL;
}

void *fence_pool_get(size_t bytes)
{
	size_t lines = bytes / FENCE_LINE_BYTES;
	if (lines > POOL_LINES)
		return aligned_get(bytes, FENCE_LINE_BYTES);
	pthread_mutex_lock(&pool.lock);
	struct free_piece *p = pool.free[lines];
	if (p)
		pool.free[lines] = p->next;
	else
		p = cut(bytes);
	pool.pieces += p != NULL;
	pthread_mutex_unlock(&pool.lock);
	return p;
}

void fence_pool_put(void *piece, size_t bytes)
{
	size_t lines = bytes / FENCE_LINE_BYTES;
	struct free_piece *p = piece;
	if (lines > POOL_LINES) {
		aligned_put(piece);
		return;
	}
	pthread_mutex_lock(&pool.lock);
	p->next = pool.free[lines];
	pool.free[lines] = p;
	if (!--pool.pieces)
		let_go();
	pthread_mutex_unlock(&pool.lock);
}

#endif
