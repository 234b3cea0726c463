#include "tests/property/geo/failing_alloc.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

void *__real_malloc(size_t size);
void *__real_realloc(void *p, size_t size);
void __real_free(void *p);
void *__wrap_malloc(size_t size);
void *__wrap_realloc(void *p, size_t size);
void __wrap_free(void *p);

static _Thread_local int allowed = -1;
static atomic_long alive;

static bool refused(void)
{
	if (allowed > 0)
		allowed--;
	else if (allowed == 0)
		return true;
	return false;
}

void *__wrap_malloc(size_t size)
{
	void *p = refused() ? NULL : __real_malloc(size);
	alive += p != NULL;
	return p;
}

void *__wrap_realloc(void *p, size_t size)
{
	void *q = refused() ? NULL : __real_realloc(p, size);
	alive += !p && q;
	return q;
}

void __wrap_free(void *p)
{
	alive -= p != NULL;
	__real_free(p);
}

void allocations_allowed(int count)
{
	allowed = count;
}

long allocations_alive(void)
{
	return alive;
}
