/* bench_fences.c -- all fences that contain a position, of 20,000 (fence_sample.h): positions per core-second.
 *
 *   bench_fences [fences [repetitions]]
 *
 * moving: an hour of dataset A's 2,000 vehicles in the order of arrival, each with its cursor. random: positions
 * anywhere in the bay, no cursor. Both come 256 at a time (fence_index_find_many). Limits: a random position touches
 * some 12 lines of memory that no cache holds, 150 to 200 ns each here; 20 of them under way at once give 10 M. A
 * moving one whose cursor answers touches three lines of the second-level cache, 30 ns at most. Beside both the plain
 * way: the boxes of all fences, then ray crossing. change: one fence moved by up to 100 m, the old snapshot released;
 * the median and the longest of 1,000. segment: from one report of a vehicle to its next.
 *
 * CPU time of the process. A thousand answers of each kind are compared with the plain
 * way's. Prints one JSON object. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "bench/dataset/dataset.h"
#include "bench/fences/fence_sample.h"
#include "engine/geo/fence_index.h"

#define REPETITIONS_MAX 64
#define ANSWER_MAX 1024
#define BATCH 256
#define BATCH_SLOTS 32
#define CHANGES 1000
#define RANDOM_POINTS 2000000
#define SEED 1

struct positions {
	struct geo_point *points;
	uint32_t *devices; /* NULL: no cursors */
	size_t count, room;
	struct fence_cursor *cursors;
	uint32_t device_count;
};

struct rate {
	double median, low, high; /* million a second */
};

static void must(bool good, const char *what)
{
	if (good)
		return;
	fprintf(stderr, "bench_fences: %s\n", what);
	exit(1);
}

static double seconds(clockid_t clock)
{
	struct timespec t;
	clock_gettime(clock, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

static struct positions moving_positions(void)
{
	struct dataset_options options = dataset_a();
	struct dataset *d;
	struct dataset_arrival a;
	struct positions p = {.device_count = options.devices};
	options.seconds = 3600;
	p.room = (size_t)options.devices * (options.seconds / options.interval_s + 2);
	p.points = malloc(p.room * sizeof *p.points);
	p.devices = malloc(p.room * sizeof *p.devices);
	p.cursors = calloc(options.devices, sizeof *p.cursors);
	must(p.points && p.devices && p.cursors && dataset_new(&options, &d) == STATUS_OK, "making the tracks failed");
	while (p.count < p.room && dataset_next(d, &a)) {
		p.points[p.count] = (struct geo_point){a.report.lat_e7, a.report.lon_e7};
		p.devices[p.count++] = a.device;
	}
	dataset_free(d);
	return p;
}

static struct positions random_positions(void)
{
	uint64_t seed = SEED;
	struct positions p = {.count = RANDOM_POINTS, .points = malloc(RANDOM_POINTS * sizeof *p.points)};
	must(p.points, "no memory");
	for (size_t i = 0; i < p.count; i++)
		p.points[i] = (struct geo_point){247000000 + (int32_t)(4000000 * set_unit(&seed)),
						 1185000000 + (int32_t)(6000000 * set_unit(&seed))};
	return p;
}

static void positions_free(struct positions *p)
{
	free(p->points);
	free(p->devices);
	free(p->cursors);
}

/* Returns how many fences were found in all. */
static uint64_t find_all(const struct fence_index *index, const struct positions *p)
{
	static uint32_t slots[BATCH * BATCH_SLOTS], found[BATCH];
	struct fence_cursor *cursors[BATCH];
	uint64_t sum = 0;
	for (size_t at = 0, n; at < p->count; at += n) {
		n = p->count - at < BATCH ? p->count - at : BATCH;
		for (size_t k = 0; p->devices && k < n; k++)
			cursors[k] = &p->cursors[p->devices[at + k]];
		fence_index_find_many(index, p->devices ? cursors : NULL, p->points + at, n, slots, BATCH_SLOTS, found);
		for (size_t k = 0; k < n; k++)
			sum += found[k];
	}
	return sum;
}

static struct rate rate_of(const struct fence_index *index, struct positions *p, size_t repetitions, uint64_t *found)
{
	double rates[REPETITIONS_MAX] = {0};
	for (size_t i = 0; i < repetitions; i++) {
		if (p->cursors)
			memset(p->cursors, 0, p->device_count * sizeof *p->cursors);
		double start = seconds(CLOCK_PROCESS_CPUTIME_ID);
		*found = find_all(index, p);
		rates[i] = (double)p->count / (seconds(CLOCK_PROCESS_CPUTIME_ID) - start) / 1e6;
	}
	qsort(rates, repetitions, sizeof rates[0], by_value);
	return (struct rate){rates[repetitions / 2], rates[0], rates[repetitions - 1]};
}

static double segment_rate(const struct fence_index *index, const struct positions *p)
{
	uint32_t slots[ANSWER_MAX];
	struct geo_point *last = calloc(p->device_count, sizeof *last);
	size_t asked = 0;
	must(last, "no memory");
	double start = seconds(CLOCK_PROCESS_CPUTIME_ID);
	for (size_t i = 0; i < p->count; i++) {
		struct geo_point *before = &last[p->devices[i]];
		if (before->lat_e7)
			asked +=
				fence_index_find_segment(index, *before, p->points[i], slots, ANSWER_MAX) <= ANSWER_MAX;
		*before = p->points[i];
	}
	free(last);
	return (double)asked / (seconds(CLOCK_PROCESS_CPUTIME_ID) - start) / 1e6;
}

/* The plain way, over every so many positions; its answers are compared with the index's. */
static double plain_rate(const struct fence_sample *set, const struct fence_index *index, const struct positions *p,
			 size_t sample)
{
	static uint32_t plain[ANSWER_MAX], slots[ANSWER_MAX];
	double spent = 0;
	for (size_t k = 0; k < sample; k++) {
		struct geo_point point = p->points[p->count / sample * k];
		size_t count = 0;
		double start = seconds(CLOCK_PROCESS_CPUTIME_ID);
		for (uint32_t i = 0; i < set->count; i++)
			if (box_contains(&set->areas[i]->box, point.lat_e7, point.lon_e7) &&
			    fence_area_contains(set->areas[i], point))
				plain[count++] = i;
		spent += seconds(CLOCK_PROCESS_CPUTIME_ID) - start;
		must(fence_index_find(index, NULL, point, slots, ANSWER_MAX) == count &&
			     !memcmp(plain, slots, count * sizeof *slots),
		     "an answer is wrong");
	}
	return (double)sample / spent / 1e6;
}

/* Milliseconds of CHANGES changes of one fence, ascending. */
static void change_times(const struct fence_sample *set, struct fence_index **index, double *ms)
{
	uint64_t seed = SEED;
	for (size_t i = 0; i < CHANGES; i++) {
		uint32_t slot = (uint32_t)(set_random(&seed) % set->count);
		struct fence_area *moved =
			fence_sample_moved(set->areas[slot], (int32_t)(set_random(&seed) % 20001) - 10000,
					   (int32_t)(set_random(&seed) % 20001) - 10000);
		struct fence_index *next;
		double start = seconds(CLOCK_PROCESS_CPUTIME_ID);
		must(fence_index_change(*index, &(struct fence_change){slot, moved}, 1, &next) == STATUS_OK,
		     "a change failed");
		fence_index_unref(*index);
		ms[i] = (seconds(CLOCK_PROCESS_CPUTIME_ID) - start) * 1e3;
		*index = next;
		fence_area_unref(moved);
	}
	qsort(ms, CHANGES, sizeof *ms, by_value);
}

static struct fence_index *index_of(const struct fence_sample *set)
{
	struct fence_change *changes = calloc(set->count, sizeof *changes);
	struct fence_index *empty, *index;
	must(changes, "no memory");
	for (uint32_t i = 0; i < set->count; i++)
		changes[i] = (struct fence_change){i, set->areas[i]};
	must(fence_index_new(&empty) == STATUS_OK &&
		     fence_index_change(empty, changes, set->count, &index) == STATUS_OK,
	     "building failed");
	fence_index_unref(empty);
	free(changes);
	return index;
}

int main(int argc, char **argv)
{
	uint32_t fences = argc > 1 ? (uint32_t)strtoul(argv[1], NULL, 10) : 20000;
	size_t repetitions = argc > 2 ? strtoul(argv[2], NULL, 10) : 7;
	static double changes_ms[CHANGES];
	uint64_t found;
	if (!fences || fences > 1000000 || !repetitions || repetitions > REPETITIONS_MAX)
		return 2;
	struct fence_sample set = fence_sample_new(SEED, fences);
	double start = seconds(CLOCK_PROCESS_CPUTIME_ID);
	struct fence_index *index = index_of(&set);
	double build_s = seconds(CLOCK_PROCESS_CPUTIME_ID) - start;
	size_t bytes = fence_index_memory(index);
	struct positions moving = moving_positions(), random = random_positions();
	struct rate m = rate_of(index, &moving, repetitions, &found);
	double moving_found = (double)found / (double)moving.count;
	struct rate r = rate_of(index, &random, repetitions, &found);
	double segments = segment_rate(index, &moving);
	double plain_moving = plain_rate(&set, index, &moving, 1000),
	       plain_random = plain_rate(&set, index, &random, 1000);
	change_times(&set, &index, changes_ms);
	printf("{\"moving\":%.2f,\"moving_low\":%.2f,\"moving_high\":%.2f,\"random\":%.2f,\"random_low\":%.2f,"
	       "\"random_high\":%.2f,\"plain_moving\":%.5f,\"plain_random\":%.5f,\"segments\":%.2f,"
	       "\"change_ms\":%.3f,\"change_p99_ms\":%.3f,\"change_max_ms\":%.3f,\"build_s\":%.2f,\"mib\":%.1f,"
	       "\"fences\":%u,\"vertices\":%" PRIu64 ",\"moving_found\":%.2f,\"random_found\":%.2f,\"seed\":%d}\n",
	       m.median, m.low, m.high, r.median, r.low, r.high, plain_moving, plain_random, segments,
	       changes_ms[CHANGES / 2], changes_ms[CHANGES * 99 / 100], changes_ms[CHANGES - 1], build_s,
	       (double)bytes / (1 << 20), fences, set.vertices, moving_found, (double)found / (double)random.count,
	       SEED);
	fence_index_unref(index);
	positions_free(&moving);
	positions_free(&random);
	fence_sample_free(&set);
	return 0;
}
