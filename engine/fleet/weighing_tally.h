/* weighing_tally.h -- one overload, four subjects (一超四罚): vehicle, driver, haulier, source, counted over a year.
 *
 *   records of a year, in any order ── weighing_tally_add ──> subjects: (kind, name) -> overloads
 *                                                             trucks:   (haulier, plate) -> overloaded or not
 *
 * A pure function of the records added: the counts do not depend on their order. A vehicle and a driver are over when
 * they have more than 3 in a year, a haulier when more than 10 per cent of its trucks were overloaded
 * (公路安全保护条例, article 66); the haulier's trucks are those on its books, or those that were weighed when they are
 * more. One owner. */
#ifndef ZAYTON_FLEET_WEIGHING_TALLY_H
#define ZAYTON_FLEET_WEIGHING_TALLY_H

#include "engine/fleet/weighings.h"

#define WEIGHING_YEAR_TIMES_MAX 3u /* more are too many */
#define WEIGHING_HAULIER_PERCENT_MAX 10u
/* subjects and trucks together: a county's trucks and their drivers */
#define WEIGHING_SUBJECTS_MAX (1u << 20)

/* X(NAME, "token"): which text of a record names it */
#define WEIGHING_SUBJECT_TABLE(X)                                                                                      \
	X(VEHICLE, "vehicle", WEIGHING_PLATE)                                                                          \
	X(DRIVER_OF, "driver", WEIGHING_DRIVER)                                                                        \
	X(HAULIER_OF, "haulier", WEIGHING_HAULIER)                                                                     \
	X(SOURCE_OF, "source", WEIGHING_SOURCE)

enum weighing_subject_kind {
#define X(NAME, token, text) WEIGHING_SUBJECT_##NAME,
	WEIGHING_SUBJECT_TABLE(X)
#undef X
		WEIGHING_SUBJECT_KINDS
};
const char *weighing_subject_token(enum weighing_subject_kind kind);

struct weighing_subject {
	uint8_t kind; /* enum weighing_subject_kind */
	char name[WEIGHING_TEXT_MAX + 1];
	uint32_t overloads;
	uint64_t over_kg; /* the sum */
	int64_t last_ms;
	uint32_t trucks, trucks_over; /* of a haulier: weighed, and overloaded once at least */
};

struct weighing_tally;
STATUS_CHECKED enum status weighing_tally_new(struct weighing_tally **out);
/* NULL is allowed. */
void weighing_tally_free(struct weighing_tally *t);
/* A record with driver and haulier as they were then. STATUS_FULL past WEIGHING_SUBJECTS_MAX, STATUS_NO_MEMORY. */
STATUS_CHECKED enum status weighing_tally_add(struct weighing_tally *t, const struct weighing *w);
/* Subjects with at least one overload, by kind, most overloads first, then by name; valid until the next add. */
size_t weighing_tally_subjects(struct weighing_tally *t, const struct weighing_subject *const **out);
/* Whether it has too many; `registered`: trucks on the books of a haulier, 0 for the others. */
bool weighing_subject_is_over(const struct weighing_subject *s, uint32_t registered);
/* The instant a calendar year before, in UTC+8. */
int64_t weighing_year_before(int64_t as_of_ms);

#endif
