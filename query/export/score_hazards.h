/* score_hazards.h -- score cards of enterprises and villages: how much of what is in the register weighs on each.
 *
 *   score = open x weight + overdue x weight + relapsed x weight + major x weight       the higher, the worse
 *
 * Figures are those of hazard_counts; an overdue major hazard weighs as open, as overdue and as major. The weights are
 * the asker's; the defaults are a sample, no rule says them. Every answer says its weights and what each figure means.
 * Whole numbers only. */
#ifndef ZAYTON_QUERY_EXPORT_SCORE_HAZARDS_H
#define ZAYTON_QUERY_EXPORT_SCORE_HAZARDS_H

#include "engine/register/hazards.h"

#define SCORE_WEIGHT_MAX 1000
/* names of one card, and of one answer */
#define SCORE_NAMES_MAX 100000
#define SCORE_ROWS_MAX 10000

/* X(NAME, "token", "Chinese", member of hazard_counts, default weight, "English definition", "Chinese definition") */
#define SCORE_FIGURE_TABLE(X)                                                                                          \
	X(OPEN, "open", "未销号", open, 1, "neither closed nor void", "状态不是销号或作废")                            \
	X(OVERDUE, "overdue", "逾期", overdue, 3, "assigned, not accepted, and past the deadline today",               \
	  "已交办未验收，且今天已过整改时限")                                                                          \
	X(RELAPSED, "relapsed", "反弹", relapsed, 5,                                                                   \
	  "came back at least once after being closed, closed again or not", "销号后至少反弹过一次，不论是否再次销号") \
	X(MAJOR, "major", "重大未销号", major_open, 10, "major and neither closed nor void", "未销号的重大隐患")

enum score_figure {
#define X(NAME, token, zh_name, member, weight, english, chinese) SCORE_##NAME,
	SCORE_FIGURE_TABLE(X)
#undef X
		SCORE_FIGURE_COUNT
};
struct score_weights {
	uint32_t of[SCORE_FIGURE_COUNT]; /* 0 .. SCORE_WEIGHT_MAX */
};
struct score_weights score_weights_default(void);

/* The cards of each value of `by` (COMPANY, VILLAGE) as a JSON object, the worst first, equals by name, up to `limit`
 * (1 .. SCORE_ROWS_MAX) of them; hazards of nobody in particular are a card named "". STATUS_INVALID: a weight or limit
 * out of range. STATUS_FULL: more than SCORE_NAMES_MAX names, or no room in `out`. STATUS_NO_MEMORY. */
STATUS_CHECKED enum status score_hazards_json(struct hazards *r, const struct hazard_filter *filter,
					      enum hazard_word by, const struct score_weights *w, size_t limit,
					      struct buf *out);

#endif
