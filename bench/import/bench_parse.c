/* bench_parse.c -- how long does a row of a track file take from bytes to a sealed report?
 *
 * The file is made in memory: DEVICES vehicles that report in turn, ten columns, about 80 bytes a row, as a day of
 * a fleet is exported. Limits beside it: finding the line ends with memchr, and cutting the rows into fields.
 * At the 10 GB/s of a memory copy a row costs 8 ns; 10 numbers of a dozen cycles each about 35 ns.
 *
 *   bench_parse [rows [repetitions]]      CPU time of one thread; best and median of the repetitions */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "ingest/files/tracks_csv.h"

#define DEVICES 2000
#define REPETITIONS_MAX 64

struct memory_file {
	const char *data;
	size_t size, at;
};

static ssize_t memory_read(void *context, void *into, size_t size)
{
	struct memory_file *f = context;
	size_t n = f->size - f->at < size ? f->size - f->at : size;
	memcpy(into, f->data + f->at, n);
	f->at += n;
	return (ssize_t)n;
}

static uint64_t random_next(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

static struct memory_file make_file(size_t rows)
{
	uint64_t seed = 88172645463325252u;
	size_t room = rows * 120 + 200;
	char *data = malloc(room);
	if (!data)
		exit(2);
	size_t at = (size_t)snprintf(data, room, "device,time,lat,lon,speed,course,altitude,alarm,status,mileage\n");
	for (size_t i = 0; i < rows; i++) {
		uint64_t r = random_next(&seed);
		unsigned device = (unsigned)(i % DEVICES), speed = r % 100 < 41 ? (unsigned)(r >> 8) % 900 : 0;
		at += (size_t)snprintf(data + at, room - at,
				       "8600000%08u,%" PRIu64 ",%u.%06u,%u.%06u,%u.%u,%u,%u,0,%u,%u.%u\n", device * 37,
				       (uint64_t)1780000000 + i / DEVICES * 10 + r % 3, 24,
				       (unsigned)(r >> 16) % 1000000, 118, (unsigned)(r >> 32) % 1000000, speed / 10,
				       speed % 10, (unsigned)(r >> 40) % 360, (unsigned)(r >> 20) % 90, speed ? 3 : 2,
				       device * 100 + (unsigned)(i / DEVICES) / 100, (unsigned)(r >> 50) % 10);
	}
	return (struct memory_file){data, at, 0};
}

static double cpu_ns(void)
{
	struct timespec t;
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static uint64_t checked; /* keeps the work from being left out, and equal from run to run */

static size_t run_lines(struct memory_file *f)
{
	size_t lines = 0;
	const char *at = f->data, *end = f->data + f->size;
	for (; (at = memchr(at, '\n', (size_t)(end - at))); at++)
		lines++;
	return lines - 1;
}

static size_t run_fields(struct memory_file *f)
{
	struct csv *csv;
	struct csv_row row;
	size_t rows = 0;
	if (csv_open(memory_read, f, ',', &csv))
		exit(2);
	for (; csv_next(csv, &row) == STATUS_OK; rows++)
		checked += row.cuts[row.fields];
	csv_close(csv);
	return rows - 1;
}

static enum status count_report(void *context, uint64_t line, uint32_t device, const struct report *r)
{
	*(size_t *)context += 1;
	checked += r->hash + device + line;
	return STATUS_OK;
}

static void count_refused(void *context, const struct refused *refused)
{
	(void)context;
	fprintf(stderr, "line %" PRIu64 ": %s\n", refused->line, status_text(refused->status));
	exit(2);
}

static size_t run_reports(struct memory_file *f)
{
	struct name_index names = name_index_init();
	struct buf complaint = buf_init(4096);
	struct tracks_csv_options options = {.zone_ms = 0};
	struct tracks_csv *t;
	size_t rows = 0;
	struct track_sink sink = {&rows, count_report, count_refused};
	if (tracks_csv_open(memory_read, f, &options, &names, &complaint, &t))
		exit(2);
	while (tracks_csv_step(t, 65536, &sink) == STATUS_OK)
		;
	tracks_csv_close(t);
	name_index_deinit(&names);
	buf_deinit(&complaint);
	return rows;
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

static void measure(const char *name, size_t (*run)(struct memory_file *), struct memory_file *f, size_t rows,
		    int repetitions)
{
	double ns[REPETITIONS_MAX] = {0};
	for (int i = 0; i < repetitions; i++) {
		f->at = 0;
		double from = cpu_ns();
		if (run(f) != rows)
			exit(2);
		ns[i] = (cpu_ns() - from) / (double)rows;
	}
	qsort(ns, (size_t)repetitions, sizeof *ns, by_value);
	printf("%-34s best %6.1f  median %6.1f ns/row\n", name, ns[0], ns[repetitions / 2]);
}

int main(int argc, char **argv)
{
	size_t rows = argc > 1 ? strtoull(argv[1], NULL, 10) : 2000000;
	int repetitions = argc > 2 ? atoi(argv[2]) : 5;
	if (!rows || repetitions < 1 || repetitions > REPETITIONS_MAX)
		return 2;
	struct memory_file f = make_file(rows);
	printf("%zu rows, %.1f bytes a row\n", rows, (double)f.size / (double)rows);
	measure("line ends by memchr", run_lines, &f, rows, repetitions);
	measure("rows cut into fields", run_fields, &f, rows, repetitions);
	measure("rows to sealed reports", run_reports, &f, rows, repetitions);
	printf("check %016" PRIx64 "\n", checked);
	free((void *)(uintptr_t)f.data);
	return 0;
}
