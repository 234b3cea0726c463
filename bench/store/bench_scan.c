/* bench_scan.c -- how fast time, latitude, longitude and speed come out of blocks as they are stored.
 *
 *   bench_scan DIR [repetitions]
 *
 * Every block of every device of a closed store is read through the store (reading and checking its bytes is the first
 * figure), and decoded from memory (the second, which the target is about). Limit: 2.7 bytes a point once through
 * memory at 24 GB/s, 9,000 M points/s; decoding is bound by instructions, some 15 cycles a point. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "engine/series/block.h"
#include "engine/store/store.h"

#define REPETITIONS_MAX 64

struct stored {
	uint64_t *devices;
	size_t device_count;
	struct buf bytes;
	size_t *sizes;
	size_t blocks;
};

static void must(enum status status, const char *what)
{
	if (status == STATUS_OK)
		return;
	fprintf(stderr, "bench_scan: %s: %s\n", what, status_text(status));
	exit(1);
}

static double cpu_seconds(void)
{
	struct timespec t;
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static enum status add_device(void *context, struct span key, struct span value)
{
	struct stored *s = context;
	(void)value;
	if (key.size != 8)
		return STATUS_OK;
	if ((s->device_count & (s->device_count - 1)) == 0) {
		size_t room = s->device_count ? 2 * s->device_count : 1;
		s->devices = realloc(s->devices, room * sizeof *s->devices);
		if (!s->devices)
			return STATUS_NO_MEMORY;
	}
	s->devices[s->device_count++] = load_be64(key.data);
	return STATUS_OK;
}

static void add_blocks(struct store *store, struct stored *s, uint64_t device)
{
	struct store_blocks *it;
	struct store_block b;
	enum status status;
	must(store_blocks_open(store, device, INT64_MIN, INT64_MAX, false, &it), "reading");
	while ((status = store_blocks_next(it, &b)) == STATUS_OK) {
		if ((s->blocks & (s->blocks - 1)) == 0) {
			s->sizes = realloc(s->sizes, (s->blocks ? 2 * s->blocks : 1) * sizeof *s->sizes);
			must(s->sizes ? STATUS_OK : STATUS_NO_MEMORY, "reading");
		}
		must(buf_append(&s->bytes, b.bytes.data, b.bytes.size), "reading");
		s->sizes[s->blocks++] = b.bytes.size;
	}
	must(status == STATUS_END ? STATUS_OK : status, "reading");
	store_blocks_close(it);
}

static uint64_t decode_all(const struct stored *s)
{
	static int64_t time[BLOCK_REPORTS_MAX];
	static int32_t lat[BLOCK_REPORTS_MAX], lon[BLOCK_REPORTS_MAX];
	static uint16_t speed[BLOCK_REPORTS_MAX];
	uint64_t points = 0;
	size_t at = 0;
	for (size_t i = 0; i < s->blocks; at += s->sizes[i++]) {
		struct block_columns c = {.time_ms = time, .lat_e7 = lat, .lon_e7 = lon, .speed_dkmh = speed};
		must(block_columns(span_of(s->bytes.data + at, s->sizes[i]), &c), "decoding");
		points += c.count;
	}
	return points;
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

int main(int argc, char **argv)
{
	double rates[REPETITIONS_MAX];
	struct store *store;
	struct stored s = {.bytes = buf_init(SIZE_MAX)};
	size_t repetitions = argc > 2 ? strtoul(argv[2], NULL, 10) : 9;
	if (argc < 2 || !repetitions || repetitions > REPETITIONS_MAX)
		return 2;
	struct store_options options = {.dir = argv[1], .read_only = true};
	must(store_open(&options, &store), argv[1]);
	must(store_scan(store, STORE_HEAD, span_of(NULL, 0), add_device, &s), "devices");
	double start = cpu_seconds();
	for (size_t i = 0; i < s.device_count; i++)
		add_blocks(store, &s, s.devices[i]);
	double read_s = cpu_seconds() - start;
	uint64_t points = 0;
	for (size_t i = 0; i < repetitions; i++) {
		start = cpu_seconds();
		points = decode_all(&s);
		rates[i] = (double)points / (cpu_seconds() - start) / 1e6;
	}
	qsort(rates, repetitions, sizeof rates[0], by_value);
	printf("{\"value\":%.2f,\"low\":%.2f,\"high\":%.2f,\"repetitions\":%zu,\"points\":%" PRIu64
	       ",\"blocks\":%zu,\"read_m_points\":%.2f}\n",
	       rates[repetitions / 2], rates[0], rates[repetitions - 1], repetitions, points, s.blocks,
	       (double)points / read_s / 1e6);
	store_close(store);
	buf_deinit(&s.bytes);
	free(s.sizes);
	free(s.devices);
	return points ? 0 : 1;
}
