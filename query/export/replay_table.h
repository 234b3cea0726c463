/* replay_table.h -- findings of one judgement against those of another, counted rule by rule.
 *
 *   standing   [--a--]     [--b--]            [--c--]        one rule, one subject
 *   found         [--x--]     [y] [z]                  [w]
 *              both: x y z (found that overlap one that stands)   only before: c   only now: w
 *
 * Pure. */
#ifndef ZAYTON_QUERY_EXPORT_REPLAY_TABLE_H
#define ZAYTON_QUERY_EXPORT_REPLAY_TABLE_H

#include "engine/fleet/replay.h"

struct replay_count {
	char rule[RULE_ID_MAX + 1];
	size_t found, standing;
	size_t both;        /* of the found, those of one subject and overlapping in time with one that stands */
	size_t only_before; /* of the standing, those that overlap none found */
	size_t only_now;    /* found - both */
	size_t open;        /* of the found */
};

/* One row for each rule that has findings on either side, ascending by id; free() `*out`. Puts both lists into another
 * order. STATUS_NO_MEMORY. */
STATUS_CHECKED enum status replay_table(struct replay_result *found, struct replay_result *standing,
					struct replay_count **out, size_t *out_count);

enum replay_change { REPLAY_SAME, REPLAY_NEW, REPLAY_GONE };
/* "same", "new", "gone"; static. */
const char *replay_change_token(enum replay_change change);

struct replay_row {
	struct finding finding;
	enum replay_change change;
};

/* Everything found, with whether it meets one that stands, and what stands and meets none found, ascending by start,
 * then rule and subject. The first `most` of them as `*out_count` rows; free() `*out`; `*out_all`: how many there are.
 * Puts both lists into another order. STATUS_NO_MEMORY. */
STATUS_CHECKED enum status replay_rows(struct replay_result *found, struct replay_result *standing, size_t most,
				       struct replay_row **out, size_t *out_count, size_t *out_all);

/* The first place at which two lists, each ascending by finding_compare(), differ in a byte; both counts when they do
 * not. Lists of different length differ at the end of the shorter at the latest. STATUS_NO_MEMORY. */
STATUS_CHECKED enum status replay_first_difference(const struct replay_result *a, const struct replay_result *b,
						   bool *out_same, size_t *out_at);

#endif
