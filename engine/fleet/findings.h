/* findings.h -- findings as they stand, the cases people make of them, and what happened in which order.
 *
 *   family    key                                            value
 *   finding   0x01 | subject 8 | start 8 | rule 8 | mark 8   id 8 | decided 8 | its hash 8 | finding_encode()
 *             0x02 | start 8 | id 8                          empty: by time
 *             0x03 | other 8 | subject 8 | start 8 | rule 8 | mark 8   empty: of pairs, by the second device
 *   case      0x01 | id 8                                    the case row (findings_row.h)
 *             0x02 | id 8 | number 4                         one event of its history, never rewritten
 *             0x03 | feed 8                                  id 8 | event 1 | at 8: the live feed
 *             0x04 | host 8 | guest 8                        empty: cases of one vehicle's other sources (below)
 *   fact      0x01 | device 8 | from 8 | kind 1 | place 8    subject 8 | decided 8 | its hash 8 | fact_encode()
 *             0x02 | subject 8 | from 8 | device 8 | kind 1  fact_encode()
 *
 * `rule` is the hash of its id, `mark` one of what else tells findings apart (fence, CODE, the other of a pair); times
 * are biased; all big-endian.
 *
 * Findings are a pure function of reports, context and `as_of`; they are replaced, never edited: whoever judged a
 * stretch again hands over everything decided in it, and what differs from before becomes the log (amended, withdrawn,
 * raised late). A finding that changed its start keeps its id: it is matched by rule, subject and largest overlap.
 * A case (id) is for ever; amending or withdrawing what was confirmed re-opens its review and keeps what was confirmed.
 *
 * What several sources of one vehicle show by one rule at one time is one case: the first one's, and the others' are
 * its guests (findings_join.c), which nobody is told of but by the history of their host.
 *
 * Threads: findings_replace() belongs to the judge's thread; reviews and reading to any thread but an event loop. */
#ifndef ZAYTON_FLEET_FINDINGS_H
#define ZAYTON_FLEET_FINDINGS_H

#include "engine/detect/fact.h"
#include "engine/detect/finding.h"
#include "engine/detect/rules.h"
#include "engine/fleet/audit.h"
#include "engine/store/store.h"

/* X(code, NAME, "token", "Chinese") */
#define CASE_STATE_TABLE(X)                                                                                            \
	X(0, PENDING, "pending", "待核")                                                                               \
	X(1, CONFIRMED, "confirmed", "属实")                                                                           \
	X(2, REJECTED, "rejected", "误报")                                                                             \
	X(3, TRANSFERRED, "transferred", "移交")                                                                       \
	X(4, WITHDRAWN, "withdrawn", "已撤回") /* late data took it away */

enum case_state {
#define X(code, NAME, token, chinese) CASE_##NAME = code,
	CASE_STATE_TABLE(X)
#undef X
		CASE_STATE_COUNT
};
const char *case_state_token(unsigned state);
const char *case_state_chinese(unsigned state);
STATUS_CHECKED enum status case_state_parse(struct span text, uint8_t *out);

#define CASE_EVENT_TABLE(X)                                                                                            \
	X(1, RAISED, "raised", "产生")                                                                                 \
	X(2, CLOSED, "closed", "结束")                                                                                 \
	X(3, AMENDED, "amended", "修订")                                                                               \
	X(4, WITHDRAWN, "withdrawn", "撤回")                                                                           \
	X(5, REVIEWED, "reviewed", "核查")                                                                             \
	X(6, HANDLED, "handled", "处置")                                                                               \
	X(7, REOPENED, "reopened", "重新待核")                                                                         \
	X(8, JOINED, "joined", "并案") /* another source of the vehicle shows the same */                              \
	X(9, PARTED, "parted", "分案") /* and no longer does, or has a case of its own */

enum case_event_kind {
#define X(code, NAME, token, chinese) CASE_EVENT_##NAME = code,
	CASE_EVENT_TABLE(X)
#undef X
		CASE_EVENT_COUNT
};
const char *case_event_token(unsigned kind);
const char *case_event_chinese(unsigned kind);

#define CASE_TEXT_MAX 1000

/* A finding and what people made of it. */
struct violation {
	uint64_t id;
	struct finding finding;
	uint8_t state;      /* enum case_state */
	bool late;          /* came to light from data too late for a live alarm */
	bool handled;       /* somebody dealt with the alarm (处置) */
	bool has_confirmed; /* `confirmed` is what was confirmed, before it was amended */
	int64_t raised_ms;  /* wall clock */
	uint32_t events;    /* of its history */
	uint32_t amended;   /* how often */
	uint64_t joined;    /* the case it is a guest of, 0: its own */
	struct finding confirmed;
};

struct case_event {
	uint32_t number;                 /* 1, 2, ... */
	uint8_t kind;                    /* enum case_event_kind */
	uint8_t state;                   /* after it */
	int64_t at_ms;                   /* wall clock */
	struct span who, text, document; /* principal; why, or how it was handled; document number */
	bool has_finding;
	struct finding finding; /* as it was then: RAISED, CLOSED, AMENDED, WITHDRAWN */
};

struct findings;
STATUS_CHECKED enum status findings_open(struct store *s, struct findings **out);
void findings_close(struct findings *f);

/* --- the judge's side --- */

/* Where a subject's state stood when something was told: (time, hash) of the report. What a card or the clock made it
 * tell behind that report has DECIDED_BEHIND for its hash: whoever goes on from the report alone tells it again. What
 * was told only because somebody asked has DECIDED_ASKED: the state still has it, even if it was told as ended because
 * by then too much time had gone by, and whoever goes on from the state tells it again too. */
struct decided {
	int64_t time_ms;
	uint64_t hash;
};
#define DECIDED_BEHIND (UINT64_MAX - 1)
#define DECIDED_ASKED UINT64_MAX
static inline int decided_compare(struct decided a, struct decided b)
{
	if (a.time_ms != b.time_ms)
		return a.time_ms < b.time_ms ? -1 : 1;
	return a.hash == b.hash ? 0 : a.hash < b.hash ? -1 : 1;
}

struct told_finding {
	struct finding finding;
	struct decided decided;
};
struct told_fact {
	struct fact fact;
	struct decided decided;
};

enum replace_scope {
	REPLACE_TOLD,  /* only what is told: the live stream going on */
	REPLACE_AFTER, /* everything of the subject's stage decided after `after`, or open */
	REPLACE_ALL,   /* everything of the subject's stage */
};

struct replacement {
	uint64_t subject;
	uint8_t stage; /* 1 or 2: findings of the other stage are left alone */
	enum replace_scope scope;
	struct decided after;
	int64_t keep_before_ms; /* what began before is never withdrawn: its reports may have expired. INT64_MIN: none
				 */
	const struct told_finding *findings;
	size_t finding_count;
	const struct told_fact *facts; /* stage 1 */
	size_t fact_count;
	/* A snapshot of state to keep with it, or NULL: committed in the same batch under `state`. */
	struct store_batch *batch; /* may hold rows of the caller's; committed and emptied */
	int64_t now_ms;            /* wall clock */
};

/* What changed, for whoever feeds on it. */
typedef void findings_changed(void *context, uint64_t feed, enum case_event_kind event, const struct violation *v);
void findings_on_change(struct findings *f, findings_changed *changed, void *context);
/* A fact of this subject appeared, changed or vanished, or its device was judged again: its raw reports from
 * `raw_from_ms` on may be others than before (INT64_MAX: they are the same). */
typedef void findings_subject(void *context, uint64_t subject, int64_t raw_from_ms);

/* Other devices that speak at `at_ms` of the vehicle that `device` speaks of: up to `max`; returns how many. Set before
 * the judge runs; without it nothing is joined. */
typedef size_t findings_sources(void *context, uint64_t device, int64_t at_ms, uint64_t *out, size_t max);
void findings_on_sources(struct findings *f, findings_sources *sources, void *context);

/* Atomic and, with what the judge can make again from reports, without a sync. `touched` may be NULL. */
STATUS_CHECKED enum status findings_replace(struct findings *f, const struct replacement *r, findings_subject *touched,
					    void *context);

/* Findings of a subject as they stand, ascending; facts of a subject or of a device, ascending. */
typedef enum status findings_visit(void *context, uint64_t id, struct decided decided, const struct finding *f);
STATUS_CHECKED enum status findings_of(struct findings *f, uint64_t subject, findings_visit *visit, void *context);
/* Subjects of findings about pairs whose second device is `other`; one may come more than once. */
typedef enum status partner_visit(void *context, uint64_t subject);
STATUS_CHECKED enum status findings_partners(struct findings *f, uint64_t other, partner_visit *visit, void *context);
typedef enum status facts_visit(void *context, const struct fact *f);
STATUS_CHECKED enum status facts_of(struct findings *f, uint64_t subject, facts_visit *visit, void *context);
/* Facts of one device that began at or after `from_ms`, ascending. */
STATUS_CHECKED enum status facts_since(struct findings *f, uint64_t device, int64_t from_ms, facts_visit *visit,
				       void *context);
/* Who a fact belongs to: its driver, or for a visit its place, or else the device. */
uint64_t fact_subject(const struct fact *f);

/* --- people's side --- */

STATUS_CHECKED enum status violation_get(struct findings *f, uint64_t id, struct violation *out);
typedef enum status violation_visit(void *context, const struct violation *v);
/* By start within [from_ms, to_ms], ascending by (start, id), from `after` (exclusive: its start and id; 0, 0 for the
 * first); guests are left out. `visit` may stop with a status, which is returned. */
STATUS_CHECKED enum status violations_scan(struct findings *f, int64_t from_ms, int64_t to_ms, int64_t after_start_ms,
					   uint64_t after_id, violation_visit *visit, void *context);
/* All of them, guests too: a finding each. */
STATUS_CHECKED enum status violations_scan_all(struct findings *f, int64_t from_ms, int64_t to_ms,
					       violation_visit *visit, void *context);
typedef enum status case_event_visit(void *context, const struct case_event *e);
STATUS_CHECKED enum status violation_history(struct findings *f, uint64_t id, case_event_visit *visit, void *context);

struct review {
	uint8_t state; /* CONFIRMED, REJECTED, TRANSFERRED, or PENDING to open it again */
	const char *who, *why, *document;
};
/* Synced when it returns. STATUS_CONFLICT: not a step that is allowed from where it stands (only confirmed findings are
 * transferred, an open or withdrawn one is not confirmed, and a guest is reviewed with its host); STATUS_INVALID: no
 * reason given, or a transfer without a document number; STATUS_NOT_FOUND. */
STATUS_CHECKED enum status violation_review(struct findings *f, uint64_t id, const struct review *r, int64_t now_ms);
/* Put into the ledger (报警处置台账) who dealt with it and how. */
STATUS_CHECKED enum status violation_handle(struct findings *f, uint64_t id, const char *who, const char *how,
					    const char *result, int64_t now_ms);

/* Feed rows after `after`, ascending; for resuming. `STATUS_END` from `visit` stops. */
typedef enum status feed_visit(void *context, uint64_t feed, uint8_t event, uint64_t id, int64_t at_ms);
STATUS_CHECKED enum status findings_feed(struct findings *f, uint64_t after, feed_visit *visit, void *context);
uint64_t findings_feed_last(const struct findings *f);

struct findings_stats {
	_Atomic uint64_t raised, closed, amended, withdrawn, late;
};
const struct findings_stats *findings_stats(const struct findings *f);

#endif
