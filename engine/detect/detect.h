/* detect.h -- stage 1: one source device, report by report in order of (time, hash), to findings and facts.
 *
 *   report ─┐
 *   driver ─┼─> detect_step ──> state' , findings opened/closed, facts          the very code of live and replay
 *   tick   ─┘
 *
 * State is small and serialisable; a device on which no rule has anything open costs its last report and little more.
 * Nothing here looks at a clock, a socket or a disk; integers only. Reports must come in order, each once; what comes
 * late is judged again from a snapshot by the caller (fleet/judge.h).
 *
 * Not judged by any fence: a report without fix (REPORT_FLAG_NO_FIX), with the offset bit (REPORT_FLAG_OFFSET), or in
 * the future (REPORT_FLAG_FUTURE; it is skipped altogether). Threads: a state has one owner; a context is shared. */
#ifndef ZAYTON_DETECT_DETECT_H
#define ZAYTON_DETECT_DETECT_H

#include "engine/detect/fact.h"
#include "engine/detect/finding.h"
#include "engine/detect/rules.h"
#include "engine/detect/subject.h"
#include "engine/series/block.h"
#include "engine/series/report.h"

/* Standing so long ends a FACT_DRIVE. */
#define FACT_STAND_MS 60000
/* An open FACT_DRIVE is told again each time it has grown by this. */
#define FACT_DRIVE_STEP_MS 600000
/* Moving: speed at or above this (rules.md section 1: 3-5 km/h). */
#define MOVING_DKMH 50

/* One span of event time during which one rulebook holds. */
struct rulebook_span {
	int64_t from_ms; /* until the next one's */
	struct rulebook *book;
};

/* A snapshot of everything that is judged by. Immutable, counted by references. */
struct detect_context {
	const struct rulebook_span *books; /* ascending; nothing holds before the first */
	uint32_t book_count;
	const struct fence_set *fences;
	/* What the registry says of `device` around `time_ms`; never fails (an unknown device is an unregistered
	 * OTHER). */
	void (*subject)(const void *registry, uint64_t device, int64_t time_ms, struct detect_subject *out);
	const void *registry;
	/* The other sources of the boat that `device` is a source of at `time_ms`, up to `max`; returns how many. NULL:
	 * nobody has another. */
	size_t (*sources)(const void *registry, uint64_t device, int64_t time_ms, uint64_t *out, size_t max);
	/* Whether a learned dead zone (盲区) covers the position at the time; may be NULL. */
	bool (*dead_zone)(const void *zones, int64_t time_ms, int32_t lat_e7, int32_t lon_e7);
	const void *zones;
};

struct detect_sink {
	void *context;
	/* A finding met its hold time (f->open) or ended (!f->open; one that never met its hold time is not told; one
	 * without duration is told once, ended). `rule` is NULL when the finding ends because no book has its rule
	 * any more. */
	void (*finding)(void *context, const struct finding *f, const struct rule *rule);
	void (*fact)(void *context, const struct fact *f);
};

struct detect_state;

/* `compiled` contexts: rules sorted by what they need, per class. Made once per context snapshot and shared. Books and
 * fences are referenced; registry and zones must outlive the detector. STATUS_INVALID: no `subject`, books not
 * ascending, or a book whose rules are not by id; STATUS_NO_MEMORY. */
struct detector;
STATUS_CHECKED enum status detector_new(const struct detect_context *context, struct detector **out);
struct detector *detector_ref(struct detector *d);
void detector_unref(struct detector *d);

STATUS_CHECKED enum status detect_state_new(uint64_t device, struct detect_state **out);
STATUS_CHECKED enum status detect_state_copy(const struct detect_state *s, struct detect_state **out);
void detect_state_free(struct detect_state *s);
size_t detect_state_memory(const struct detect_state *s);
/* (time, hash) of the last report stepped; INT64_MIN before the first. */
int64_t detect_state_time(const struct detect_state *s);
uint64_t detect_state_hash(const struct detect_state *s);

/* The next report. STATUS_INVALID when it is not after the last one, or further than 2^46 ms from 1970;
 * STATUS_NO_MEMORY (the state is then to be thrown away). Another detector than last time is taken up with its rules:
 * episodes of rules that it has, by id, go on. */
STATUS_CHECKED enum status detect_step(struct detect_state *s, struct detector *d, const struct report *r,
				       struct detect_sink *sink);
/* Rows [from, until) of columns in order of time, of a block of that summary: none of them FUTURE. Every column is
 * there but received, course and altitude; mileage only when detect_needs_mileage(). */
struct detect_rows {
	const struct block_columns *columns;
	const struct block_summary *block;
	size_t from, until;
	bool items; /* the reports may have items, which the columns leave out */
	bool facts; /* whether facts are wanted: else a drive need not be told, and the state's drive is not to be used
		     */
};
/* Takes them in as detect_step() would, up to the first at which anything might be told or begin: returns its number,
 * which is then stepped. The state's last report is then known but for its hash, and its mileage where the column is
 * missing; detect_recall() completes it. */
size_t detect_skim(struct detect_state *s, const struct detector *d, const struct detect_rows *rows);
/* Whether stepping the device's reports up to that time asks for their mileage, other than of one that
 * detect_looks_back(). */
bool detect_needs_mileage(const struct detect_state *s, const struct detector *d, int64_t time_ms);
/* Whether stepping the device's reports up to that time takes no notice of their items. */
bool detect_ignores_items(const struct detect_state *s, const struct detector *d, int64_t time_ms);
/* Takes in a whole block after the last report, if no report of it can make anything be told or begin, or matter to
 * what comes later, facts aside. Of the last report only the time is then known, until detect_recall(). */
bool detect_pass(struct detect_state *s, const struct detector *d, const struct block_summary *block);
/* Whether a step of a report of that time and flags asks more of the last report than its time. */
bool detect_looks_back(const struct detect_state *s, const struct detector *d, int64_t time_ms, uint16_t flags);
/* `r` is the last report that was taken in, whole. */
void detect_recall(struct detect_state *s, const struct report *r);
/* Whether a rule of any book is judged from facts. */
bool detector_wants_facts(const struct detector *d);
/* A driver's card was put in (`driver`) or drawn (0) at `time_ms`, at or after the last report. */
STATUS_CHECKED enum status detect_driver(struct detect_state *s, struct detector *d, int64_t time_ms, uint64_t driver,
					 struct detect_sink *sink);
/* It is `time_ms` and nothing has come since: raises what the clock raises (silent). Does not close anything else. */
STATUS_CHECKED enum status detect_tick(struct detect_state *s, struct detector *d, int64_t time_ms,
				       struct detect_sink *sink);
/* The first instant at which detect_tick() would say something if nothing came; INT64_MAX for never. */
int64_t detect_wake(const struct detect_state *s, struct detector *d);
/* Everything still open as of `as_of_ms` (at or after the last report), findings and facts, as if asked then; the
 * state stays as it is. */
STATUS_CHECKED enum status detect_open(const struct detect_state *s, struct detector *d, int64_t as_of_ms,
				       struct detect_sink *sink);

/* Snapshot; rules and fences by id, so that it outlives contexts. Version 1. The same state is the same bytes.
 * STATUS_CORRUPT, STATUS_BAD_VERSION. */
STATUS_CHECKED enum status detect_state_encode(const struct detect_state *s, struct buf *out);
STATUS_CHECKED enum status detect_state_decode(struct span bytes, struct detect_state **out);

/* --- stage 2: pure functions over facts, in any order and with any repeats; findings are told in order of
 * finding_compare(). STATUS_NO_MEMORY, STATUS_FULL (convoy_judge()), and then
 * nothing was told. --- */

/* Fatigue of one driver, or of one vehicle driven without a card: of `facts`, the FACT_DRIVE and FACT_GAP that are
 * `subject`'s (its driver number, or its device and no driver) count, over all vehicles. A finding's CODE is the limit:
 * 1 continuous, 2 night, 3 day, 4 week (fatigue.c says how each is measured).
 * STATUS_INVALID: subject 0. */
STATUS_CHECKED enum status fatigue_judge(const struct detect_context *context, uint64_t subject,
					 const struct fact *facts, size_t count, int64_t as_of_ms,
					 struct detect_sink *sink);
/* Convoys among the FACT_VISITs of all devices at all fences: findings about pairs, subject the lower device, `other`
 * the higher (convoy.c). STATUS_FULL: one device met others CONVOY_MEETINGS_MAX times. */
STATUS_CHECKED enum status convoy_judge(const struct detect_context *context, const struct fact *visits, size_t count,
					int64_t as_of_ms, struct detect_sink *sink);
/* Spans in which nobody came to the fence `id` although a rule wants it visited, from the FACT_VISITs there (others
 * are skipped): subject is its place_number(), device 0 (patrol.c). Visits are known since `since_ms`, which must not
 * move from one judgement to the next: nobody is missed before. */
STATUS_CHECKED enum status patrol_judge(const struct detect_context *context, struct span id, const struct fact *visits,
					size_t count, int64_t since_ms, int64_t as_of_ms, struct detect_sink *sink);

#endif
