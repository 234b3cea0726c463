/* allocations.h -- how often the calling thread has asked for memory, to prove that a hot path does not. */
#ifndef ZAYTON_TESTS_ALLOCATIONS_H
#define ZAYTON_TESTS_ALLOCATIONS_H

#include <stdint.h>

/* Since its first call, or earlier. */
uint64_t allocations(void);

#endif
