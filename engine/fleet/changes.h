/* changes.h -- what changed that devices are judged by, remembered until all it concerns are marked to be judged again.
 *
 *   rules, fences, permit, registry ──(one batch)──> the row itself
 *                                                └─> change: device, from      ... told, every device marked ──> gone
 *
 *   family `state`   0x04 | number 8  ->  device 8 (0: all) | from 8
 *
 * A crash, or an end of the program, between the change and the marks (judge_run.h) leaves the change, and the next
 * start takes it up. Threads: any. */
#ifndef ZAYTON_FLEET_CHANGES_H
#define ZAYTON_FLEET_CHANGES_H

#include "engine/store/store.h"

/* Put a change into the batch that makes it; returns its number, which is not 0. */
uint64_t change_put(struct store_batch *b, uint64_t device, int64_t from_ms);
void change_drop(struct store_batch *b, uint64_t number);

/* Every change that is left, in the order in which they were put. */
typedef enum status change_visit(void *context, uint64_t number, uint64_t device, int64_t from_ms);
STATUS_CHECKED enum status changes_read(struct store *s, change_visit *visit, void *context);

/* Called after a change is durable, on the thread that made it: `device` 0 for all, the first instant at which it may
 * be judged differently, and the change's number (0: none was put, because no reports are before it). */
typedef void context_changed(void *context, uint64_t device, int64_t from_ms, uint64_t number);

#endif
