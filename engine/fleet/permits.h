/* permits.h -- which permits (准运证 ...) a device has, in memory and in the store.
 *
 *   family `context`  0x01 | number  ->  version 1 | device 8 | kind 1 | from 8 | to 8 | fences 1 | (size 1 | id)* |
 * hours text memory            device -> its permits, by (valid_from, number)
 *
 * Threads: any; readers never wait for the disk. */
#ifndef ZAYTON_FLEET_PERMITS_H
#define ZAYTON_FLEET_PERMITS_H

#include "engine/detect/subject.h"
#include "engine/fleet/context.h"
#include "engine/store/store.h"

struct permits;
STATUS_CHECKED enum status permits_open(struct store *s, struct permits **out);
void permits_close(struct permits *p);
struct permit_change {
	int64_t from_ms; /* from when on it may change a judgement, the replaced permit's beginning included */
	uint64_t other;  /* the device that had the number before, or 0 */
	uint64_t number, other_number; /* changes.h */
};
/* Durable when it returns. */
STATUS_CHECKED enum status permits_put(struct permits *p, uint64_t device, const struct permit *permit,
				       struct permit_change *out);
/* Adds to out->permits those valid at `time_ms` and narrows out->from_ms and out->to_ms to where that stays so.
 * Past SUBJECT_PERMITS_MAX the earliest are kept. A BUSINESS permit that is over stays in the list: that one existed
 * is what `expired` asks; reports of port stay for PORT_REPORT_KEPT_MS. */
void permits_of(const struct permits *p, uint64_t device, int64_t time_ms, struct detect_subject *out);
STATUS_CHECKED enum status permits_visit(struct permits *p, const char *after, context_permit_visit *visit,
					 void *context);

#endif
