/* random_reports.h -- seeded reports of every nature, for round trips. */
#ifndef ZAYTON_TESTS_RANDOM_REPORTS_H
#define ZAYTON_TESTS_RANDOM_REPORTS_H

#include "engine/core/limits.h"
#include "engine/series/report_list.h"

struct random {
	uint64_t state;
};

uint64_t random_next(struct random *r);
/* 0 <= result < below */
uint32_t random_below(struct random *r, uint32_t below);

/* What a device of a block may be like; the generator draws one at random. */
enum random_nature {
	NATURE_DRIVING,      /* JT/T 808, a coherent track */
	NATURE_PARKED,       /* JT/T 808, frozen */
	NATURE_BOAT,         /* rows on the 1e-7 grid, milliseconds, far south and west, across the antimeridian */
	NATURE_NOISE,        /* every field at random */
	NATURE_EXTREMES,     /* every field at one of its ends, or unknown */
	NATURE_MIXED_BODIES, /* rows and JT/T 808 side by side, rows with bytes behind them */
	NATURE_ROAD,         /* rows, a coherent track and nothing odd */
	NATURE_COUNT
};

/* `count` reports of one device, sorted and without duplicates (so there may be fewer), in `out` (cleared first). */
void random_reports(struct random *r, enum random_nature nature, size_t count, struct report_list *out);

/* The seed: ZAYTON_SEED, or from the clock; printed to standard error. */
uint64_t random_seed(const char *test);

#endif
