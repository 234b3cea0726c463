/* findings_change.h -- one change of cases: rows gathered in a batch, and what to tell once it is committed. For the
 * files that make findings.h alone.
 *
 *   cases_begin ─> cases_put, cases_add_event ... ─> cases_commit ─> cases_end        under findings.lock all along */
#ifndef ZAYTON_FLEET_FINDINGS_CHANGE_H
#define ZAYTON_FLEET_FINDINGS_CHANGE_H

#include <pthread.h>

#include "engine/fleet/findings.h"
#include "engine/fleet/findings_row.h"

struct findings {
	struct store *store;
	pthread_mutex_t lock; /* one change of cases at a time */
	uint64_t next_id;
	_Atomic uint64_t feed; /* the last one given */
	findings_changed *changed;
	void *changed_context;
	struct findings_stats stats;
};

struct notice {
	uint64_t feed;
	enum case_event_kind event;
	struct violation violation;
};

struct cases_change {
	struct findings *f;
	struct store_batch *batch;
	struct buf row;
	int64_t now_ms;
	struct notice *notices;
	size_t notice_count, notice_capacity;
	uint64_t feed;
	uint64_t next_id;
	bool counters;
};

/* `batch` NULL: one of its own. */
STATUS_CHECKED enum status cases_begin(struct cases_change *c, struct findings *f, struct store_batch *batch,
				       int64_t now_ms);
/* `callers` is the batch given to cases_begin(). */
void cases_end(struct cases_change *c, const struct store_batch *callers);
/* Counters go with it; then everybody is told. */
STATUS_CHECKED enum status cases_commit(struct cases_change *c, bool sync);
/* c->row under the key. */
STATUS_CHECKED enum status cases_put(struct cases_change *c, enum store_family family, const uint8_t *key, size_t size);
/* An event to the history and the feed; the case row is written with it. */
STATUS_CHECKED enum status cases_add_event(struct cases_change *c, uint64_t id, struct case_row *row,
					   struct case_event *e, const struct finding *finding);
STATUS_CHECKED enum status cases_load(struct findings *f, uint64_t id, struct case_row *out);
void cases_violation(const struct case_row *row, uint64_t id, const struct finding *finding, struct violation *out);

#endif
