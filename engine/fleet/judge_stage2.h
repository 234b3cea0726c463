/* judge_stage2.h -- stage 2: what belongs to a driver, a vehicle without cards, a place or a pair, from stored facts.
 *
 * A subject whose facts changed is judged again from all of them, and what was found of it is replaced as a whole. On
 * the judge's thread only. */
#ifndef ZAYTON_FLEET_JUDGE_STAGE2_H
#define ZAYTON_FLEET_JUDGE_STAGE2_H

#include "engine/fleet/engine.h"
#include "engine/fleet/judge_run.h"

/* Subjects to be judged again, and from when on their raw reports may be others than those digested (INT64_MAX: they
 * are the same): open addressing, 0 is empty. All zero to begin. */
struct subjects {
	struct touched_subject {
		uint64_t subject;
		int64_t raw_from_ms;
	} * slots;
	size_t count, mask;
};
/* The earlier `raw_from_ms` stands; `*out` (may be NULL) is the one that does. */
STATUS_CHECKED enum status subjects_add(struct subjects *s, uint64_t subject, int64_t raw_from_ms, int64_t *out);
void subjects_deinit(struct subjects *s);

/* Judge what was touched, and forget that it was; where something is open it stays touched, for time may end it. */
STATUS_CHECKED enum status stage2_judge(struct engine *e, struct subjects *touched, int64_t as_of_ms);
/* The same, and every place that a rule watches and every pair: what time alone changes is brought up to `as_of_ms`. */
STATUS_CHECKED enum status stage2_judge_all(struct engine *e, struct subjects *touched, int64_t as_of_ms);

/* Stage 2 over facts in hand, in any order: what it finds goes to `out`, with digests of reports of `digests`'s engine
 * (NULL: without). For replay. */
STATUS_CHECKED enum status stage2_replay(struct judged_by *by, const struct told_fact *facts, size_t count,
					 int64_t as_of_ms, struct engine *digests, struct told *out);

#endif
