/* http_pool.h -- a few threads that answer questions, and a bounded queue before them.
 *
 *   loop ── pool_submit ──> [ job | job | ... | limit ] ──> threads
 *
 * Threads: pool_submit from any; pool_free from the owner, once nobody submits. */
#ifndef ZAYTON_QUERY_HTTP_POOL_H
#define ZAYTON_QUERY_HTTP_POOL_H

#include <stddef.h>

#include "engine/core/status.h"

struct http_pool;
typedef void pool_work(void *job);

STATUS_CHECKED enum status pool_new(unsigned threads, size_t queue_max, struct http_pool **out);
/* STATUS_BUSY when the queue is full. */
STATUS_CHECKED enum status pool_submit(struct http_pool *p, pool_work *work, void *job);
/* Runs what is queued, joins. NULL is allowed. */
void pool_free(struct http_pool *p);
size_t pool_queued(struct http_pool *p);

#endif
