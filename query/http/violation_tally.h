/* violation_tally.h -- how many violations of which sort: by one thing, or by a pair of things.
 *
 *   slots   hash of a group's keys ──> place in groups + 1    twice as many as groups, 0 empty
 *   groups  {at, size, count, handled} ...                    as they first came; tally_sort() puts them in order
 *   texts   key NUL second NUL | key NUL second NUL | ...     what `at` and `size` are of
 *
 * A finding counts once for every authority of its rule, and once for everything else; the totals count it once. Days,
 * weeks (ISO 8601, "2026-W05") and months are those of China in which it began. What a finding has not, has the key "".
 * One owner. */
#ifndef ZAYTON_QUERY_HTTP_VIOLATION_TALLY_H
#define ZAYTON_QUERY_HTTP_VIOLATION_TALLY_H

#include "query/export/export_violations.h"

/* X(NAME, "token"): the tokens in this order are the choices of a parameter; periods last */
#define TALLY_TABLE(X)                                                                                                 \
	X(RULE, "rule")                                                                                                \
	X(KIND, "kind")                                                                                                \
	X(DEVICE, "device")                                                                                            \
	X(PLATE, "plate")                                                                                              \
	X(DRIVER, "driver")                                                                                            \
	X(COMPANY, "company")                                                                                          \
	X(VILLAGE, "village")                                                                                          \
	X(FENCE, "fence")                                                                                              \
	X(AUTHORITY, "authority")                                                                                      \
	X(SEVERITY, "severity")                                                                                        \
	X(STATE, "state")                                                                                              \
	X(DAY, "day")                                                                                                  \
	X(WEEK, "week")                                                                                                \
	X(MONTH, "month")
#define TALLY_CHOICES "rule|kind|device|plate|driver|company|village|fence|authority|severity|state|day|week|month"
#define TALLY_PERIOD_CHOICES "day|week|month"
#define TALLY_TOP_CHOICES "rule|kind|device|plate|driver|company|village|fence|authority"

enum tally_by {
#define X(NAME, token) TALLY_##NAME,
	TALLY_TABLE(X)
#undef X
		TALLY_NONE
};

/* different pairs of one answer: more vehicles than a township has, and a year of days for each of a hundred */
#define TALLY_GROUPS_MAX 200000
#define TALLY_TEXT_BYTES_MAX (64u << 20)

struct tally_group {
	uint32_t at, size;
	uint64_t count, handled;
	const char *key, *second; /* set by tally_sort(); "": none */
};

struct tally {
	enum tally_by by, second; /* TALLY_NONE: by one thing */
	struct tally_group *groups;
	uint32_t *slots;
	struct buf texts;
	size_t count, capacity; /* of groups; slots are 2 * capacity */
	uint64_t total, handled;
};

struct tally tally_init(enum tally_by by, enum tally_by second);
void tally_deinit(struct tally *t);
/* A violation_filter_visit; `context` is the tally. STATUS_FULL: too many groups; STATUS_NO_MEMORY. */
STATUS_CHECKED enum status tally_add(void *context, const struct export_violation *e);
/* Sets key and second of every group and orders them: periods of `by` ascending, then most first, then by keys. */
void tally_sort(struct tally *t);
/* The same order for any two groups of `by`. */
int tally_compare(enum tally_by by, const struct tally_group *a, const struct tally_group *b);
/* What people call the key; NULL when the key says it. */
const char *tally_chinese(enum tally_by by, const char *key);

#endif
