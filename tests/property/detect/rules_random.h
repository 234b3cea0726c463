/* rules_random.h -- random numbers and random schedules, the latter as text and as an independent judgement. */
#ifndef ZAYTON_TESTS_RULES_RANDOM_H
#define ZAYTON_TESTS_RULES_RANDOM_H

#include <stdbool.h>
#include <stdint.h>

/* ZAYTON_SEED, or the clock; printed. */
uint64_t rules_seed(const char *test);
uint64_t rules_random(uint64_t *state);
/* Within [0, below). */
uint32_t rules_below(uint64_t *state, uint32_t below);

/* A schedule as a person would think of it, in the parts of a date on the wall. */
struct wall_range {
	int month[2], day[2], second[2]; /* from, to; month and day only of seasons */
};
struct wall_schedule {
	bool days[7]; /* Sunday first, as struct tm */
	bool days_said;
	struct wall_range hours[8], seasons[4];
	unsigned hours_count, seasons_count;
	int64_t span_s[2]; /* seconds UTC; said where not 0 */
	char text[512];
};

void wall_schedule_make(struct wall_schedule *w, uint64_t *state);
/* Slow: by gmtime_r. */
bool wall_schedule_active(const struct wall_schedule *w, int64_t time_s);

#endif
