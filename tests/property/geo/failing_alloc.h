/* failing_alloc.h -- malloc and realloc that fail on demand (the linker's --wrap puts them before the real ones). */
#ifndef ZAYTON_TESTS_FAILING_ALLOC_H
#define ZAYTON_TESTS_FAILING_ALLOC_H

/* After `count` more allocations of this thread every one fails; -1: none does. */
void allocations_allowed(int count);
/* Blocks of this program's own code that are not freed yet. */
long allocations_alive(void);

#endif
