/* bench_store.c -- what the store adds to the bytes of its blocks, how often it rewrites them, how fast it opens.
 *
 *   bench_store DIR [days [devices]]
 *
 * One day of dataset A's vehicles (bench/dataset) is encoded once, in order, 1,024 reports a block, and written
 * `days` times, a day later each, in the order in which blocks fill up. Limits: a folder cannot be smaller than its
 * blocks; a block must be written at least twice, to the log and to a file; summaries add some 45 bytes and two
 * keys 40 to a block of 2,800. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "bench/dataset/dataset.h"
#include "engine/core/clock.h"
#include "engine/store/store.h"

struct sealed {
	uint32_t device;
	struct span bytes;
	struct block_summary summary;
};

struct day {
	struct sealed *blocks; /* in the order in which they filled up */
	size_t count;
	uint64_t bytes, reports;
};

static void must(enum status status, const char *what)
{
	if (status == STATUS_OK)
		return;
	fprintf(stderr, "bench_store: %s: %s\n", what, status_text(status));
	exit(1);
}

static double cpu_s(void)
{
	struct timespec t;
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static double wall_s(void)
{
	return (double)clock_monotonic_ns() / 1e9;
}

static void seal(struct day *day, uint32_t device, const struct report *reports, size_t count)
{
	struct buf out = buf_init(BLOCK_BYTES_MAX);
	struct sealed s = {.device = device};
	must(block_encode(reports, count, &out), "encoding");
	s.bytes = buf_view(&out);
	must(block_summarise(s.bytes, &s.summary), "summarising");
	if ((day->count & (day->count - 1)) == 0) {
		day->blocks = realloc(day->blocks, (day->count ? 2 * day->count : 1) * sizeof *day->blocks);
		if (!day->blocks)
			exit(1);
	}
	day->blocks[day->count++] = s;
	day->bytes += s.bytes.size;
	day->reports += count;
}

static struct day make_day(uint32_t devices)
{
	struct dataset_options options = dataset_a();
	struct dataset *d;
	struct dataset_arrival a;
	struct day day = {0};
	options.devices = devices;
	options.in_order = true;
	must(dataset_new(&options, &d), "making the data");
	struct report *heads = calloc((size_t)devices * BLOCK_REPORTS_MAX, sizeof *heads);
	size_t *counts = calloc(devices, sizeof *counts);
	if (!heads || !counts)
		exit(1);
	while (dataset_next(d, &a)) {
		struct report *head = heads + (size_t)a.device * BLOCK_REPORTS_MAX;
		head[counts[a.device]++] = a.report;
		if (counts[a.device] == BLOCK_REPORTS_MAX) {
			seal(&day, a.device, head, BLOCK_REPORTS_MAX);
			counts[a.device] = 0;
		}
	}
	for (uint32_t i = 0; i < devices; i++)
		if (counts[i])
			seal(&day, i, heads + (size_t)i * BLOCK_REPORTS_MAX, counts[i]);
	free(heads);
	free(counts);
	dataset_free(d);
	return day;
}

/* Ids are hashes: spread the vehicles over the key space. */
static uint64_t device_id_of(uint32_t device)
{
	uint64_t z = (device + 1) * UINT64_C(0x9e3779b97f4a7c15);
	return z ^ z >> 29;
}

static void write_day(struct store *s, struct store_batch *b, const struct day *day, int64_t shift_ms)
{
	for (size_t i = 0; i < day->count; i++) {
		struct block_summary summary = day->blocks[i].summary;
		struct store_block_id id = {.device = device_id_of(day->blocks[i].device), .class_code = 1};
		summary.time_first_ms += shift_ms;
		summary.time_last_ms += shift_ms;
		id.time_first_ms = summary.time_first_ms;
		id.odd = summary.time_last_ms >= store_month_end(id.time_first_ms);
		must(store_batch_block(b, &id, day->blocks[i].bytes, &summary), "adding");
		if (i % 16 == 15 || i + 1 == day->count)
			must(store_commit(s, b, false), "committing");
	}
	must(store_sync(s), "syncing");
}

static uint64_t counter(struct store *s, const char *name)
{
	struct buf text = buf_init(1 << 20);
	uint64_t value = 0;
	must(store_metrics(s, &text), "metrics");
	must(buf_append_u8(&text, 0), "metrics");
	for (char *rest = (char *)text.data, *line; (line = strsep(&rest, "\n"));)
		if (strncmp(line, name, strlen(name)) == 0 && line[strlen(name)] == ' ')
			value = strtoull(line + strlen(name), NULL, 10);
	buf_deinit(&text);
	return value;
}

static struct store *open_store(const char *dir, const char *when)
{
	struct store_options options = {.dir = dir, .create = true};
	struct store *s;
	double wall = wall_s(), cpu = cpu_s();
	must(store_open(&options, &s), "opening");
	printf("open %-18s %8.1f ms, %.1f ms CPU\n", when, (wall_s() - wall) * 1e3, (cpu_s() - cpu) * 1e3);
	return s;
}

static void print_written(struct store *s, uint64_t bytes)
{
	static const char *const names[] = {"rocksdb.wal.bytes", "rocksdb.flush.write.bytes",
					    "rocksdb.compact.write.bytes"};
	for (size_t i = 0; i < 3; i++) {
		uint64_t value = counter(s, names[i]);
		printf("%-30s %12" PRIu64 "  %.2f of the blocks\n", names[i], value, (double)value / (double)bytes);
	}
}

/* A device's day, one in the middle, for every device. */
static void print_reading(struct store *s, const struct day *day, unsigned days, uint32_t devices)
{
	if (!day->count)
		return;
	int64_t from = day->blocks[0].summary.time_first_ms / MS_PER_DAY * MS_PER_DAY + days / 2 * MS_PER_DAY;
	uint64_t blocks = 0;
	double wall = wall_s();
	for (uint32_t i = 0; i < devices; i++) {
		struct store_blocks *it;
		struct store_block b;
		must(store_blocks_open(s, device_id_of(i), from, from + MS_PER_DAY - 1, false, &it), "reading");
		while (store_blocks_next(it, &b) == STATUS_OK)
			blocks++;
		store_blocks_close(it);
	}
	wall = wall_s() - wall;
	printf("a day of a device: %.1f us, %.2f us a block\n", wall * 1e6 / devices, wall * 1e6 / (double)blocks);
}

static void print_size(struct store *s, const char *when, uint64_t bytes, uint64_t reports)
{
	struct store_info info;
	must(store_info(s, &info), "info");
	printf("%-24s %12" PRIu64 " bytes, %.3f a point, %.2f %% above the blocks\n", when, info.disk_bytes,
	       (double)info.disk_bytes / (double)reports, 100.0 * ((double)info.disk_bytes / (double)bytes - 1));
}

int main(int argc, char **argv)
{
	unsigned days = argc > 2 ? (unsigned)atoi(argv[2]) : 1;
	uint32_t devices = argc > 3 ? (uint32_t)atoi(argv[3]) : 2000;
	if (argc < 2 || !days || !devices)
		return 2;
	struct day day = make_day(devices);
	uint64_t bytes = day.bytes * days, reports = day.reports * days;
	printf("%zu blocks a day, %.3f bytes a point\n", day.count, (double)day.bytes / (double)day.reports);
	struct store *s = open_store(argv[1], "empty");
	struct store_batch *b;
	must(store_batch_new(s, &b), "batch");
	double cpu = cpu_s(), wall = wall_s();
	for (unsigned i = 0; i < days; i++)
		write_day(s, b, &day, i * MS_PER_DAY);
	printf("written in %.2f s, %.2f s CPU: %.2f us CPU a block\n", wall_s() - wall, cpu_s() - cpu,
	       (cpu_s() - cpu) * 1e6 / (double)(day.count * days));
	print_written(s, bytes);
	print_reading(s, &day, days, devices);
	store_batch_free(b);
	store_close(s);
	s = open_store(argv[1], "closed");
	print_size(s, "closed and reopened", bytes, reports);
	print_reading(s, &day, days, devices);
	cpu = cpu_s(), wall = wall_s();
	must(store_settle(s), "settling");
	printf("settled in %.2f s, %.2f s CPU\n", wall_s() - wall, cpu_s() - cpu);
	store_close(s);
	s = open_store(argv[1], "settled");
	print_size(s, "settled and reopened", bytes, reports);
	print_reading(s, &day, days, devices);
	store_close(s);
	return 0;
}
