/* sea_window_step.h -- what the parts of judging one window share: sea_window.c (risk, together) and sea_codes.c
 * (sources of one boat, codes that change, formations).
 *
 *   tracks ── boats, one each ── at an instant: the latest fix of each that is fresh ──> facts
 *
 * Lives for one call of sea_window_judge(). */
#ifndef ZAYTON_DETECT_SEA_WINDOW_STEP_H
#define ZAYTON_DETECT_SEA_WINDOW_STEP_H

#include "engine/detect/sea_window.h"
#include "engine/detect/stage2.h"

struct window {
	const struct detect_context *context;
	const struct sea_track *tracks;
	struct boat { /* of a track */
		unsigned kind;
		bool counts;
		bool registered;
		uint8_t source; /* SUBJECT_SOURCE_TABLE */
		uint64_t vehicle, formation;
		size_t next;                  /* the first fix behind the instant */
		const struct sea_fix *latest; /* at the instant, NULL: none is fresh */
		/* rules of being together, a bit each: those that its speed allows at the fix `measured`, and those
		 * that ask for another place than where it is at the last instant */
		uint64_t able, exempt;
		const struct sea_fix *measured;
		uint16_t speed;
		bool stays; /* it is there at the last instant */
	} * boats;
	size_t count;
	int64_t from_ms, to_ms, as_of_ms; /* [from, to) */
	struct approach_limits wide;      /* the widest that a rule of collisions asks */
	int64_t fresh_ms;
	bool risk, together, codes, formations;
	enum mover_pairs pairs; /* the most that a rule of collisions asks */
	int64_t distance_mm;    /* the largest that a rule of being together asks */
	struct tenure *tenures; /* of all rules but collisions */
	size_t tenure_count, tenure_capacity;
	struct fact *facts;
	size_t fact_count, fact_capacity;
};

/* Every boat at its last fix at or before the instant, which may not go back. */
void window_go_to(struct window *w, int64_t at_ms);
void window_rewind(struct window *w);
/* Adds it. STATUS_FULL, STATUS_NO_MEMORY. */
STATUS_CHECKED enum status window_add(struct window *w, const struct fact *f);

/* --- sea_codes.c --- */
/* Facts of two codes, and of boats away from their formations. */
STATUS_CHECKED enum status window_judge_codes(struct window *w);
STATUS_CHECKED enum status window_judge_formations(struct window *w);

#endif
