/* bench_series.c -- how many bytes a point takes in a block, and how fast blocks are written and scanned.
 *
 *   bench_series [devices [seconds [rounds [frozen]]]]
 *
 * Tracks are those of dataset A (bench/dataset), in order, 1,024 reports a block. Limits: a block read at all costs
 * its bytes once through memory, 2.7 bytes at 24 GB/s, 9,000 M points/s: decoding is bound by instructions, some
 * 15 cycles a point. Encoding reads 64 bytes a report: 380 M points/s. Prints the median and the spread of the rounds.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "bench/dataset/dataset.h"
#include "engine/series/block.h"
#include "engine/series/block_layout.h"

struct tracks {
	struct report *reports; /* device by device */
	size_t devices, per_device;
};

struct blocks {
	struct buf bytes;
	struct span *list;
	size_t count;
};

static void fail(const char *what)
{
	fprintf(stderr, "bench_series: %s failed\n", what);
	exit(1);
}

static struct tracks make_tracks(const struct dataset_options *options)
{
	struct dataset *d;
	struct dataset_arrival a;
	struct tracks t = {NULL, options->devices, options->seconds / options->interval_s};
	size_t *counts = calloc(t.devices, sizeof *counts);
	t.reports = malloc(t.devices * t.per_device * sizeof *t.reports);
	if (!counts || !t.reports || dataset_new(options, &d))
		fail("making the data");
	while (dataset_next(d, &a))
		if (counts[a.device] < t.per_device)
			t.reports[a.device * t.per_device + counts[a.device]++] = a.report;
	dataset_free(d);
	free(counts);
	return t;
}

static void describe(const struct tracks *t)
{
	size_t n = t->devices * t->per_device, moving = 0, fast = 0;
	for (size_t i = 0; i < n; i++) {
		moving += t->reports[i].speed_dkmh > 0;
		fast += t->reports[i].speed_dkmh > 800;
	}
	printf("%zu points, %.1f %% moving, %.2f %% above 80 km/h\n", n, 100.0 * (double)moving / (double)n,
	       100.0 * (double)fast / (double)n);
}

static void encode_all(const struct tracks *t, struct blocks *out)
{
	struct buf block = buf_init(BLOCK_BYTES_MAX);
	size_t per_block = BLOCK_REPORTS_MAX, offset = 0;
	out->count = 0;
	buf_clear(&out->bytes);
	for (size_t d = 0; d < t->devices; d++)
		for (size_t at = 0; at < t->per_device; at += per_block) {
			size_t n = t->per_device - at < per_block ? t->per_device - at : per_block;
			buf_clear(&block);
			if (block_encode(t->reports + d * t->per_device + at, n, &block) ||
			    buf_append(&out->bytes, block.data, block.size))
				fail("block_encode");
			out->list[out->count++] = span_of(NULL, block.size);
		}
	for (size_t b = 0; b < out->count; b++) {
		out->list[b].data = out->bytes.data + offset;
		offset += out->list[b].size;
	}
	buf_deinit(&block);
}

static uint64_t scan_all(const struct blocks *b, const struct series_kernels *kernels)
{
	static int64_t time[BLOCK_REPORTS_MAX];
	static int32_t lat[BLOCK_REPORTS_MAX], lon[BLOCK_REPORTS_MAX];
	static uint16_t speed[BLOCK_REPORTS_MAX];
	uint64_t sum = 0;
	for (size_t i = 0; i < b->count; i++) {
		struct block_columns c = {.time_ms = time, .lat_e7 = lat, .lon_e7 = lon, .speed_dkmh = speed};
		struct block_view v;
		if (block_open(b->list[i], &v) || block_view_columns(&v, kernels, &c))
			fail("block_columns");
		sum += (uint64_t)time[c.count - 1] + (uint32_t)lat[c.count - 1] + speed[c.count / 2];
	}
	return sum;
}

static uint64_t reports_all(const struct blocks *b)
{
	struct report_list list = report_list_init(BLOCK_REPORTS_MAX, 1 << 20);
	uint64_t sum = 0;
	for (size_t i = 0; i < b->count; i++) {
		report_list_clear(&list);
		if (block_reports(b->list[i], &list))
			fail("block_reports");
		sum += list.reports[list.count - 1].hash;
	}
	report_list_deinit(&list);
	return sum;
}

/* CPU seconds of this process: other work on the machine takes wall time, and some of the rest too. */
static double cpu_seconds(void)
{
	struct timespec t;
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* Seconds of one dependent addition, one cycle of the core as it runs now: what a shared machine gives varies. */
static double cycle_seconds(void)
{
	double start = cpu_seconds();
	uint64_t x = 0;
	for (int i = 0; i < 500000; i++) {
		x += 1;
		__asm__ volatile("" : "+r"(x)); /* not to be folded */
	}
	return (cpu_seconds() - start) / 500000;
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return x < y ? -1 : x > y;
}

enum question { ENCODE, SCAN, SCAN_PLAIN, REPORTS, QUESTIONS };
static const char *const question_names[QUESTIONS] = {"encode", "scan", "scan, plain kernels", "whole reports"};

struct rounds {
	size_t count;
	double *seconds[QUESTIONS], *cycles[QUESTIONS];
};

static void print_rate(const struct rounds *r, enum question q, size_t points)
{
	qsort(r->seconds[q], r->count, sizeof(double), by_value);
	qsort(r->cycles[q], r->count, sizeof(double), by_value);
	double m = (double)points / 1e6, n = (double)points;
	printf("%-20s %7.1f M points/core-s (%.1f .. %.1f), %6.1f cycles/point (%.1f .. %.1f)\n", question_names[q],
	       m / r->seconds[q][r->count / 2], m / r->seconds[q][r->count - 1], m / r->seconds[q][0],
	       r->cycles[q][r->count / 2] / n, r->cycles[q][0] / n, r->cycles[q][r->count - 1] / n);
}

static void print_parts(const struct blocks *b, size_t points)
{
	size_t total[BLOCK_PART_COUNT] = {0}, parts[BLOCK_PART_COUNT];
	for (size_t i = 0; i < b->count; i++) {
		if (block_parts(b->list[i], parts))
			fail("block_parts");
		for (int p = 0; p < BLOCK_PART_COUNT; p++)
			total[p] += parts[p];
	}
	printf("%-12s %.4f bytes/point\n", "all", (double)b->bytes.size / (double)points);
	for (int p = 0; p < BLOCK_PART_COUNT; p++)
		printf("  %-10s %.4f\n", block_part_names[p], (double)total[p] / (double)points);
}

static uint64_t ask(enum question q, const struct tracks *t, struct blocks *b)
{
	switch (q) {
	case ENCODE:
		encode_all(t, b);
		return 0;
	case SCAN:
		return scan_all(b, series_kernels_best());
	case SCAN_PLAIN:
		return scan_all(b, &series_kernels_plain);
	default:
		return reports_all(b);
	}
}

static uint64_t run(struct rounds *r, const struct tracks *t, struct blocks *b)
{
	uint64_t sum = 0;
	for (int q = 0; q < QUESTIONS; q++) {
		r->seconds[q] = calloc(r->count, sizeof(double));
		r->cycles[q] = calloc(r->count, sizeof(double));
		if (!r->seconds[q] || !r->cycles[q])
			fail("allocation");
	}
	for (size_t round = 0; round < r->count; round++)
		for (int q = 0; q < QUESTIONS; q++) {
			double cycle = cycle_seconds(), start = cpu_seconds();
			sum += ask((enum question)q, t, b);
			r->seconds[q][round] = cpu_seconds() - start;
			r->cycles[q][round] = r->seconds[q][round] / ((cycle + cycle_seconds()) / 2);
		}
	return sum;
}

static size_t argument(int argc, char **argv, int at, size_t otherwise)
{
	return argc > at ? strtoul(argv[at], NULL, 10) : otherwise;
}

int main(int argc, char **argv)
{
	struct dataset_options options = dataset_a();
	options.devices = (uint32_t)argument(argc, argv, 1, 200);
	options.seconds = (uint32_t)argument(argc, argv, 2, 86400);
	options.frozen = argc > 4 ? strtod(argv[4], NULL) : options.frozen;
	options.in_order = true;
	struct rounds rounds = {.count = argument(argc, argv, 3, 9)};
	struct tracks t = make_tracks(&options);
	size_t points = t.devices * t.per_device;
	struct blocks b = {buf_init(SIZE_MAX), calloc(points, sizeof(struct span)), 0};
	if (!b.list || !rounds.count)
		fail("allocation");
	describe(&t);
	uint64_t sum = run(&rounds, &t, &b);
	print_parts(&b, points);
	for (int q = 0; q < QUESTIONS; q++)
		print_rate(&rounds, (enum question)q, points);
	printf("seed %llu, %zu rounds, check %016llx\n", (unsigned long long)options.seed, rounds.count,
	       (unsigned long long)sum);
	for (int q = 0; q < QUESTIONS; q++) {
		free(rounds.seconds[q]);
		free(rounds.cycles[q]);
	}
	free(b.list);
	buf_deinit(&b.bytes);
	free(t.reports);
	return 0;
}
