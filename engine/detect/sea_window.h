/* sea_window.h -- what vessels are to each other, on a grid of event time: facts of pairs, window by window.
 *
 *   event time  ├────────── window w, ten minutes ──────────┼────────── w + 1 ──
 *   risk        |  |  |  |  |  |  |  |  |  |  |  |  |  |  |  |    every 30 s: CPA and TCPA of every pair in reach
 *   together    |           |           |           |            every 2 min: how far apart, how fast
 *                  ^ every vessel is brought here from its last fix at or before, if that is fresh
 *
 * The facts of a window are a pure function of the fixes within SEA_BACK_MS before it and in it, of rules, fences
 * and registry, and of `as_of`: whoever gets a report judges the windows it touches again, whole, and the order of
 * arrival makes no difference. Nothing is carried from one window to the next; pairs_judge() joins facts to findings.
 *
 * Threads: pure. */
#ifndef ZAYTON_DETECT_SEA_WINDOW_H
#define ZAYTON_DETECT_SEA_WINDOW_H

#include "engine/detect/approach.h"
#include "engine/detect/collision_watch.h"
#include "engine/detect/detect.h"

#define SEA_WINDOW_MS INT64_C(600000)
#define SEA_GRID_MS INT64_C(30000)
#define SEA_TOGETHER_MS INT64_C(120000)
/* A fix is of use so long: a beacon that reports every ten minutes, and a little. */
#define SEA_FRESH_MAX_MS INT64_C(720000)
/* Fixes of two windows before are looked at too: a source that said nothing in them and in the window is silent. */
#define SEA_BACK_MS (2 * SEA_WINDOW_MS)
/* Below it, 0.5 knot, courses are random: nobody is on collision course. 0.1 km/h. */
#define SEA_MOVING_DKMH 10

/* A fix of a vessel. */
struct sea_fix {
	struct mover mover;  /* without speed when it has none or lies still */
	bool moving;         /* it has a course and a speed that mean something */
	uint16_t course_deg; /* when it moves */
};
/* False: it has no position. */
bool sea_fix_of(const struct report *r, struct sea_fix *out);

/* What the registry says of a vessel, for [from, to) of event time; nothing yet when that is empty. */
struct sea_subject {
	int64_t from_ms, to_ms;
	uint64_t vehicle, formation;
	unsigned kind;
	bool counts, registered;
	uint8_t source; /* SUBJECT_SOURCE_TABLE */
};

struct sea_track {
	uint64_t device;
	struct sea_subject *subject; /* kept by the caller from window to window; NULL: asked for each */
	const struct sea_fix *fixes; /* ascending by time */
	size_t count;
	int64_t born_ms; /* when it was first heard at all, if that was at its first fix here; INT64_MIN: not known */
};
#define SEA_NOT_BORN INT64_MIN

/* Which window an instant lies in, and the number under which its facts stand (the `device` of its facts). */
int64_t sea_window_of(int64_t time_ms);
uint64_t sea_window_number(int64_t window);
/* Whether a device of the class is a vessel that is paired, and as what. */
bool sea_kind_of(unsigned class_code, unsigned *out_kind);
/* Whether a device of the class and source is a code that may be anybody's: AIS, of no class yet. */
bool sea_is_stranger(unsigned class_code, unsigned source);
/* Whether a rule asks when codes were born. */
bool sea_wants_births(const struct detect_context *context);
/* Whether any rulebook has a rule that is judged from windows. */
bool sea_wants_pairs(const struct detect_context *context);

/* The facts of one window, as far as `as_of_ms`. Tracks by device, each with its fixes from SEA_BACK_MS before the
 * window on. STATUS_FULL: more facts than SEA_WINDOW_FACTS_MAX, or vessels than COLLISION_SLOTS_MAX; STATUS_NO_MEMORY.
 */
STATUS_CHECKED enum status sea_window_judge(const struct detect_context *context, const struct sea_track *tracks,
					    size_t count, int64_t window, int64_t as_of_ms, struct detect_sink *sink);

/* Stage 2: what the facts of one pair, all of them, in any order, show by every rule that held: told in order of
 * finding_compare(). STATUS_NO_MEMORY. */
STATUS_CHECKED enum status pairs_judge(const struct detect_context *context, const struct fact *facts, size_t count,
				       int64_t as_of_ms, struct detect_sink *sink);
/* Whether the fact begins, in place and time, in a fence of the tag; 0: in none. */
bool fact_begins_in(const struct detect_context *context, uint16_t tag, const struct fact *f);
/* Whether two codes (FACT_CODES) are to each other as the rule of kind REBORN, SOURCE_OFF or SOURCES_APART asks;
 * `silent_source` is what the silent one of SOURCE_OFF is (SUBJECT_SOURCE_TABLE). */
bool codes_count(const struct detect_context *context, const struct rule *rule, const struct fact *f,
		 unsigned silent_source);
/* The same of a boat away from its formation (FACT_LEFT). */
bool left_counts(const struct detect_context *context, const struct rule *rule, const struct fact *f);
/* Whether being together in this way (FACT_TOGETHER) is what a rule of kind ENCOUNTER or TWO_CODES asks for. */
bool pair_is_together(const struct detect_context *context, const struct rule *rule, const struct fact *f);
/* Parts of that, for one vessel of two: whether the rule asks for its speed (0.1 km/h), and whether it asks for nobody
 * at the fact's place. */
bool pair_speed_fits(const struct rule *rule, uint16_t speed_dkmh);
bool pair_is_exempt(const struct detect_context *context, const struct rule *rule, const struct fact *f);

#endif
