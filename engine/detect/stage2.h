/* stage2.h -- what the judges of stage 2 share: which version of a rule holds when, and findings gathered to be told.
 *
 *   books     ├──── book 1 ────┼──── book 2 ────┼── book 3 ...
 *   rule r    ├────── version a ───────┼─ gone ─┼─ version b ...       a tenure is one of these spans
 *
 * Threads: a list has one owner. */
#ifndef ZAYTON_DETECT_STAGE2_H
#define ZAYTON_DETECT_STAGE2_H

#include "engine/detect/detect.h"

/* Facts outside 1970..9999, or that end before they begin, are not judged: differences of times cannot overflow. */
#define JUDGED_TIME_MAX_MS INT64_C(253402300800000)
static inline bool fact_judged(const struct fact *f)
{
	return f->from_ms >= 0 && f->from_ms <= f->to_ms && f->to_ms <= JUDGED_TIME_MAX_MS;
}

/* The span [from, to) in which one version of a rule holds: books that follow each other and do not change it are one.
 * INT64_MAX: until further notice. */
struct tenure {
	const struct rule *rule;
	int64_t from_ms, to_ms;
};

/* Walks the tenures of all rules of a kind; all zero to begin. */
struct tenure_walk {
	uint32_t book, rule;
};
bool tenure_next(const struct detect_context *context, enum rule_kind kind, struct tenure_walk *walk,
		 struct tenure *out);

/* Findings until all of them are known. All zero to begin. */
struct finding_list {
	struct {
		struct finding finding;
		const struct rule *rule;
	} * items;
	size_t count, capacity;
};
/* A finding of `rule` with everything unknown but rule, kind and confidence; valid until the next call.
 * NULL without memory. */
struct finding *finding_list_add(struct finding_list *list, const struct rule *rule);
/* Tells them in order of finding_compare(). */
void finding_list_tell(struct finding_list *list, struct detect_sink *sink);
void finding_list_deinit(struct finding_list *list);

/* `*items` with room for `count` + 1 items of `size` bytes; false without memory, and then nothing has changed. */
bool array_grow(void **items, size_t *capacity, size_t count, size_t size);

#endif
