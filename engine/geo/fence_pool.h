/* fence_pool.h -- memory for the cells of all indexes: whole cache lines out of huge pages.
 *
 *   chunk   [ cell | cell ... | cell | free .......... ]     2 MiB each, asked to be one page of the processor's tables
 *   free    [ 1 line | 2 lines | ... | POOL_LINES ]          what was given back, by size
 *
 * A question reads a few cells anywhere in a hundred megabytes: with pages of 4 KiB each would cost a walk of the page
 * tables too. Larger pieces are malloc's. What is given back is kept for the next of its size, and all of it is let go
 * with the last cell, so that at most the sum of each size's peak is held. Threads: any. */
#ifndef ZAYTON_GEO_FENCE_POOL_H
#define ZAYTON_GEO_FENCE_POOL_H

#include <stddef.h>

#define FENCE_LINE_BYTES 64

/* `bytes`, a multiple of FENCE_LINE_BYTES above 0, from the start of a line on; NULL when there is no memory. */
void *fence_pool_get(size_t bytes);
/* `bytes` as they were asked for. */
void fence_pool_put(void *p, size_t bytes);

#endif
