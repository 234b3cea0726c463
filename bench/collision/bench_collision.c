/* bench_collision.c -- reports per core-second when every pair in reach is held against its limits at every report.
 *
 *   bench_collision [vessels [repetitions [kilometres]]]
 *
 * 5,000 vessels under way in one bay, 100 km by 100 km (the sea area of Quanzhou is 11,360 square kilometres), each
 * reporting every 10 s: two of three are fishing boats of 2 to 9 knots, the others merchant ships of 8 to 18; they keep
 * their course for minutes and turn at the edge. Limits 0.5 nautical miles in 12 minutes, a fifth more to let go.
 * watch: collision_watch_report() with all pairs counting, which keeps who is at risk with whom. Beside it the plain
 * way, every other vessel tested exactly.
 *
 * Back of the envelope: the cells in reach of one hold some 600 vessels (8 at a time, 30 instructions: 0.5 us), and 10
 * of them pass the screen (20 ns each: 0.2 us); around it cells, moves and who is known already, another 0.5 us. Limit:
 * 500,000 reports per core-second.
 *
 * CPU time of the process. A thousand answers are compared with the plain way's. Prints one JSON object. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "engine/detect/collision_watch.h"

#define START INT64_C(1780000000000)
#define LAT INT32_C(247000000)
#define LON INT32_C(1188000000)
#define INTERVAL_MS 10000
#define ROUNDS 20
#define REPETITIONS_MAX 64
#define NAUTICAL_MM INT64_C(1852000)
#define COMPARED 1000

struct boat {
	double north_m, east_m; /* from the corner of the bay */
	uint16_t speed_dkmh, course_deg;
	unsigned kind;
};

struct report {
	uint32_t slot;
	unsigned kind;
	struct mover mover;
};

static uint64_t state = 1;

static uint32_t below(uint32_t n)
{
	state = state * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(state >> 33) % n;
}

static void must(bool good, const char *what)
{
	if (good)
		return;
	fprintf(stderr, "bench_collision: %s\n", what);
	exit(1);
}

static double cpu_seconds(void)
{
	struct timespec t;
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

static struct boat boat_new(double side_m)
{
	struct boat b = {below((uint32_t)side_m), below((uint32_t)side_m), 0, (uint16_t)below(360), MOVER_FISHING};
	b.kind = below(3) ? MOVER_FISHING : MOVER_MERCHANT;
	b.speed_dkmh = (uint16_t)(b.kind == MOVER_FISHING ? 37 + below(130) : 148 + below(186));
	return b;
}

static void boat_move(struct boat *b, double side_m, const struct mover *m)
{
	double seconds = INTERVAL_MS / 1000.0;
	b->north_m += m->north / 4096.0 / 36 * seconds;
	b->east_m += m->east / 4096.0 / 36 * seconds;
	if (b->north_m < 0 || b->north_m > side_m || b->east_m < 0 || b->east_m > side_m || !below(60))
		b->course_deg = (uint16_t)below(360);
	b->north_m = b->north_m < 0 ? 0 : b->north_m > side_m ? side_m : b->north_m;
	b->east_m = b->east_m < 0 ? 0 : b->east_m > side_m ? side_m : b->east_m;
}

/* ROUNDS reports of every boat, in order of time. */
static struct report *make_reports(uint32_t vessels, double side_m)
{
	struct boat *boats = malloc(vessels * sizeof *boats);
	struct report *all = malloc((size_t)vessels * ROUNDS * sizeof *all);
	must(boats && all, "no memory");
	for (uint32_t i = 0; i < vessels; i++)
		boats[i] = boat_new(side_m);
	for (size_t n = 0; n < (size_t)vessels * ROUNDS; n++) {
		struct report *r = &all[n];
		struct boat *b = &boats[n % vessels];
		*r = (struct report){(uint32_t)(n % vessels), b->kind, {0}};
		int64_t at_ms =
			START + (int64_t)(n / vessels) * INTERVAL_MS + (int64_t)(n % vessels) * INTERVAL_MS / vessels;
		must(mover_of(at_ms, LAT + (int32_t)(b->north_m / 0.011112), LON + (int32_t)(b->east_m / 0.010096),
			      b->speed_dkmh, b->course_deg, &r->mover),
		     "a boat is none");
		boat_move(b, side_m, &r->mover);
	}
	free(boats);
	return all;
}

static struct collision_watch *watch_new(uint32_t vessels)
{
	struct collision_watch_options o = {.slots = vessels,
					    .narrow = {NAUTICAL_MM / 2, 720000},
					    .wide = {NAUTICAL_MM * 6 / 10, 864000},
					    .fresh_ms = 180000,
					    .pairs = PAIRS_ANY};
	struct collision_watch *w;
	must(collision_watch_new(&o, &w) == STATUS_OK, "no watch");
	return w;
}

static double run(const struct report *all, uint32_t vessels, uint64_t *at_risk)
{
	struct collision_watch *w = watch_new(vessels);
	size_t count = (size_t)vessels * ROUNDS, partners;
	for (size_t n = 0; n < vessels; n++)
		must(!collision_watch_report(w, all[n].slot, all[n].kind, &all[n].mover, all[n].mover.time_ms),
		     "no memory");
	double from = cpu_seconds();
	for (size_t n = vessels; n < count; n++)
		must(!collision_watch_report(w, all[n].slot, all[n].kind, &all[n].mover, all[n].mover.time_ms),
		     "no memory");
	double took = cpu_seconds() - from;
	*at_risk = 0;
	for (uint32_t slot = 0; slot < vessels; slot++) {
		collision_watch_partners(w, slot, &partners);
		*at_risk += partners;
	}
	must(collision_watch_crowded(w) == 0, "a vessel has more partners than are kept");
	collision_watch_free(w);
	return (double)(count - vessels) / took;
}

/* The last COMPARED reports against testing everybody; returns reports a second of the plain way. */
static double compare(const struct report *all, uint32_t vessels, double *near)
{
	struct collision_options o = {vessels, {NAUTICAL_MM * 6 / 10, 864000}, 180000, false};
	size_t count = (size_t)vessels * ROUNDS, found, told = 0;
	struct collision *c;
	const uint32_t *list;
	struct approach p;
	double plain_s = 0;
	must(!collision_new(&o, &c), "no collision");
	for (size_t n = 0; n < count; n++) {
		must(!collision_put(c, all[n].slot, &all[n].mover), "no memory");
		if (n < count - COMPARED)
			continue;
		must(!collision_near(c, all[n].slot, all[n].mover.time_ms, &list, &found), "no memory");
		size_t expected = 0;
		double from = cpu_seconds();
		for (uint32_t other = 0; other < vessels; other++)
			expected += other != all[n].slot &&
				    approach_of(&all[n].mover, collision_at(c, other), all[n].mover.time_ms, &p) &&
				    approach_within(&p, &o.limits);
		plain_s += cpu_seconds() - from;
		must(found == expected, "an answer differs from that of testing everybody");
		told += found;
	}
	collision_free(c);
	*near = (double)told / COMPARED;
	return COMPARED / plain_s;
}

int main(int argc, char **argv)
{
	uint32_t vessels = argc > 1 ? (uint32_t)strtoul(argv[1], NULL, 10) : 5000;
	unsigned repetitions = argc > 2 ? (unsigned)strtoul(argv[2], NULL, 10) : 7;
	double side_m = 1000 * (argc > 3 ? strtod(argv[3], NULL) : 100), rates[REPETITIONS_MAX], near;
	uint64_t at_risk = 0;
	must(vessels >= COMPARED && repetitions && repetitions <= REPETITIONS_MAX && side_m >= 1000, "bad arguments");
	struct report *all = make_reports(vessels, side_m);
	for (unsigned i = 0; i < repetitions; i++)
		rates[i] = run(all, vessels, &at_risk);
	qsort(rates, repetitions, sizeof *rates, by_value);
	double plain = compare(all, vessels, &near);
	printf("{\"vessels\":%u,\"kilometres\":%.0f,\"value\":%.0f,\"low\":%.0f,\"high\":%.0f,\"plain\":%.0f,\"near\":%"
	       ".1f,"
	       "\"pairs\":%" PRIu64 "}\n",
	       vessels, side_m / 1000, rates[repetitions / 2], rates[0], rates[repetitions - 1], plain, near,
	       at_risk / 2);
	free(all);
	return 0;
}
