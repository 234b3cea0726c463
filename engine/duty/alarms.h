/* alarms.h -- the queue of alarms of the duty room (值班报警队列): each live finding that rings is there once, until
 * somebody acknowledges it.
 *
 *   case feed (findings.h) ── cursor ──> raised, live, of a policy ──> alarm: open ── acknowledged
 *                                        closed, withdrawn, handled ──> noted        withdrawn before anybody did
 *   clock ── past `escalate` of its policy, still open ──> level 1, 2, ...
 *
 * Exactly once: alarm, its place by case and the cursor behind it are one synced batch; and a case that has an alarm
 * gets no other. What was found more than ALARM_NEWS_MS before it was raised (data that came late), and what nobody
 * read for ALARM_STALE_MS (an old store opened for the first time), does not ring.
 *
 * Threads: alarms_run() one at a time; the rest any but an event loop. */
#ifndef ZAYTON_DUTY_ALARMS_H
#define ZAYTON_DUTY_ALARMS_H

#include "engine/duty/alarm_policy.h"
#include "engine/duty/book.h"
#include "engine/fleet/engine.h"

/* Beacons report every ten minutes and satellites lag: an hour late is news at sea, as it is not on the road. */
#define ALARM_NEWS_MS (INT64_C(60) * 60000)
#define ALARM_STALE_MS (INT64_C(12) * 3600000)

enum alarm_state { ALARM_OPEN, ALARM_ACKNOWLEDGED, ALARM_WITHDRAWN };
extern const struct record_word alarm_state_words[];

struct alarm {
	struct book_row row;
	uint64_t violation; /* the case */
	uint64_t device, other;
	uint8_t state; /* enum alarm_state */
	uint8_t priority, severity;
	uint8_t level;               /* how often it was escalated */
	bool ended;                  /* what was found is over */
	int64_t raised_ms, began_ms; /* wall clock of the case; event time of the finding */
	int64_t due_ms;              /* to be acknowledged by then */
	int64_t acknowledged_ms, escalated_ms;
	char kind[RULE_ID_MAX + 1], kind_zh[64], rule[RULE_ID_MAX + 1], policy[RULE_ID_MAX + 1];
	char name[DEVICE_VALUE_MAX + 1], village[DEVICE_VALUE_MAX + 1], fence[FENCE_ID_MAX + 1];
	int32_t lat_e7, lon_e7; /* where it began */
	char escalated_to[ALARM_UNIT_MAX + 1], acknowledged_by[BOOK_WHO_MAX + 1], note[BOOK_TEXT_MAX + 1];
};
extern const struct record_kind alarm_kind;

struct alarms;
/* Borrows the engine, owns `policies` from now on. */
STATUS_CHECKED enum status alarms_open(struct engine *e, struct alarm_policies *policies, struct alarms **out);
/* NULL is allowed. */
void alarms_close(struct alarms *a);

/* Take in all that the feed has, and escalate what is due at `now_ms` (wall clock). */
STATUS_CHECKED enum status alarms_run(struct alarms *a, int64_t now_ms);

/* Synced when it returns. STATUS_CONFLICT: it is not open any more; STATUS_INVALID: nobody; STATUS_NOT_FOUND. */
STATUS_CHECKED enum status alarms_acknowledge(struct alarms *a, uint64_t id, const char *who, const char *note,
					      int64_t now_ms);
STATUS_CHECKED enum status alarms_get(struct alarms *a, uint64_t id, struct alarm *out);
/* Newest first, as book_list(). */
STATUS_CHECKED enum status alarms_list(struct alarms *a, uint64_t before, book_visit *visit, void *context);
/* "raised", "escalated", "acknowledged", "ended", "withdrawn". */
STATUS_CHECKED enum status alarms_history(struct alarms *a, uint64_t id, book_event_visit *visit, void *context);
size_t alarms_open_count(struct alarms *a);

/* How fast alarms raised within [from_ms, to_ms) were acknowledged. */
struct alarm_times {
	uint64_t raised, acknowledged, in_time, open, withdrawn, escalated;
	int64_t p50_ms, p90_ms, p99_ms, max_ms; /* from raised to acknowledged; INT64_MIN: none was */
};
/* STATUS_FULL: more than ALARM_TIMES_MAX. */
#define ALARM_TIMES_MAX 200000
STATUS_CHECKED enum status alarms_times(struct alarms *a, int64_t from_ms, int64_t to_ms, struct alarm_times *out);

struct alarms_stats {
	_Atomic uint64_t taken, raised, escalated, acknowledged, failed;
};
const struct alarms_stats *alarms_stats(const struct alarms *a);

#endif
