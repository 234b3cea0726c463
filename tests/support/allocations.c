#include "support/allocations.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

static _Thread_local uint64_t count;

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)

int __sanitizer_install_malloc_and_free_hooks(void (*on_malloc)(const volatile void *, size_t),
					      void (*on_free)(const volatile void *));

static void on_malloc(const volatile void *p, size_t size)
{
	(void)p;
	(void)size;
	count++;
}

static void on_free(const volatile void *p)
{
	(void)p;
}

uint64_t allocations(void)
{
	static atomic_bool watched;
	if (!atomic_exchange(&watched, true))
		(void)__sanitizer_install_malloc_and_free_hooks(on_malloc, on_free);
	return count;
}

#else

/* the allocator of glibc under its own names */
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *p, size_t size);
void *malloc(size_t size);
void *calloc(size_t n, size_t size);
void *realloc(void *p, size_t size);

void *malloc(size_t size)
{
	count++;
	return __libc_malloc(size);
}

void *calloc(size_t n, size_t size)
{
	count++;
	return __libc_calloc(n, size);
}

void *realloc(void *p, size_t size)
{
	count++;
	return __libc_realloc(p, size);
}

uint64_t allocations(void)
{
	return count;
}

#endif
