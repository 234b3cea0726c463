/* allocations.h -- how often the calling thread has asked for memory. */
#ifndef ZAYTON_TESTS_ALLOCATIONS_H
#define ZAYTON_TESTS_ALLOCATIONS_H

#include <stdint.h>

/* Once, before counting. */
void allocations_watch(void);
uint64_t allocations(void);

#endif
