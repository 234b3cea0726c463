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
	findings_sources *sources;
	void *sources_context;
	struct findings_stats stats;
};

struct notice {
	uint64_t feed;
	enum case_event_kind event;
	struct violation violation;
};

struct changed_case {
	uint64_t id;
	bool gone, has_row, has_finding;
	struct case_row row;
	struct finding finding;
};

struct cases_change {
	struct findings *f;
	struct store_batch *batch;
	struct buf row;
	int64_t now_ms;
	struct notice *notices;
	size_t notice_count, notice_capacity;
	struct changed_case *cases; /* as the batch leaves them: the store has them as they were */
	size_t case_count, case_capacity;
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
/* The row with what this change did to it. STATUS_NOT_FOUND. */
STATUS_CHECKED enum status cases_load(struct cases_change *c, uint64_t id, struct case_row *out);
STATUS_CHECKED enum status cases_load_stored(struct findings *f, uint64_t id, struct case_row *out);
STATUS_CHECKED enum status cases_put_row(struct cases_change *c, uint64_t id, const struct case_row *row);
void cases_delete_row(struct cases_change *c, uint64_t id);
/* The finding of the case, with what this change did to it. */
STATUS_CHECKED enum status cases_finding(struct cases_change *c, uint64_t id, const struct case_row *row,
					 struct finding *out);
/* With the finding as it stands in the store. */
STATUS_CHECKED enum status cases_stored_finding(struct findings *f, uint64_t id, const struct case_row *row,
						struct violation *out);
STATUS_CHECKED enum status cases_remember_finding(struct cases_change *c, uint64_t id, const struct finding *f);
/* RAISED, and CLOSED when it is not open. */
STATUS_CHECKED enum status cases_raise(struct cases_change *c, uint64_t id, struct case_row *row,
				       const struct finding *f);
/* What was confirmed and is no longer so must be looked at again; `confirmed` keeps what it was. */
void cases_reopen(struct case_row *row);
STATUS_CHECKED enum status cases_put_finding(struct cases_change *c, const struct finding_row *row);
/* The row by time of the finding is another case's now. */
void cases_move_time(struct cases_change *c, int64_t start_ms, uint64_t from_id, uint64_t to_id);
/* --- findings_join.c --- */

/* The case that a finding about to be raised is to join; 0: none. */
STATUS_CHECKED enum status join_find_host(struct cases_change *c, const struct finding *f, uint64_t *out_id);
STATUS_CHECKED enum status join_as_guest(struct cases_change *c, uint64_t host, uint64_t id, struct case_row *row,
					 const struct finding *f);
STATUS_CHECKED enum status join_guest_gone(struct cases_change *c, uint64_t id, const struct case_row *row,
					   const struct finding *f);
/* `row` is the guest's and goes on with it; a guest that overlaps no more becomes a case of its own. */
STATUS_CHECKED enum status join_guest_changed(struct cases_change *c, uint64_t id, struct case_row *row,
					      const struct finding *f);
/* After a finding with a case of its own got another span. */
STATUS_CHECKED enum status join_host_changed(struct cases_change *c, uint64_t id, const struct finding *f);
/* Before a case is withdrawn: its first guest's finding is its finding from now on. */
STATUS_CHECKED enum status join_host_gone(struct cases_change *c, uint64_t id, struct case_row *row,
					  bool *out_succeeded);

void cases_violation(const struct case_row *row, uint64_t id, const struct finding *finding, struct violation *out);

#endif
