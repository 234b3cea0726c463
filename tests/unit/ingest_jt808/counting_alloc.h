/* counting_alloc.h -- how often this program has asked for memory, to prove that a hot path does not. */
#ifndef ZAYTON_TESTS_COUNTING_ALLOC_H
#define ZAYTON_TESTS_COUNTING_ALLOC_H

#include <stddef.h>

size_t allocations_so_far(void);

#endif
