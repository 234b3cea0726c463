/* season.h -- a season of a county's fishing fleet: boats with a beacon that tells every ten minutes, days at sea and
 * days in one of twelve harbours, classes and villages as a county has them. The same order of calls gives the same
 * season. One owner; what fails ends the program. */
#ifndef ZAYTON_BENCH_SEASON_H
#define ZAYTON_BENCH_SEASON_H

#include "engine/fleet/engine.h"

/* 2026-09-16T16:00:00Z: the summer moratorium is over, and a day begins in China */
#define SEASON_START_MS INT64_C(1789574400000)
/* reports of one boat a day, at most */
#define SEASON_DAY_REPORTS 144

uint64_t season_random(void);
void season_put_harbours(struct engine *e);
/* Places that rules of the sea look for: waters where silence counts, lanes, bans, warnings of wind. */
void season_put_sea(struct engine *e);
/* The boat of that number in the registry; returns its beacon, whose reports they are. */
uint64_t season_put_boat(struct engine *e, unsigned boat);
/* Its reports in order, each with its hash, into room for SEASON_DAY_REPORTS + 1 a day; returns how many. */
size_t season_sail(unsigned boat, unsigned days, struct report *out);

#endif
