/* bench_queries.c -- the questions an operator asks of a settled store of dataset A, each as one call.
 *
 *   bench_queries DIR POLYGON_OUT [repetitions]
 *
 *   q1  the last position of every vehicle                      heads alone: some MB of memory once, under 1 ms
 *   q2  one vehicle's track, all of it (mean of 100 vehicles)   8,640 reports, six columns decoded: 0.1 ms
 *   whole  the same, every report with its hash                 all columns, an image hashed for each report
 *   q3  reports in a polygon of 200 vertices, by vehicle        summaries; blocks that meet it decoded, positions asked
 *   q4  entries and exits of 500 fences by all, in an hour      three blocks a vehicle decoded, 360 positions asked
 *   walk  q3 where nobody is                                    summaries alone
 *   q7  hourly mean speed by vehicle                            summaries alone: their rows keep sums by the hour
 *
 * The polygon is drawn about the middle of the vehicles and written to POLYGON_OUT as [[lat_e7,lon_e7],...] for the
 * peer (duckdb_queries.mjs), which must give the same checks: what was found, summed up. q4 has no peer: the pairs of a
 * position and a fence that holds it are compared with every fence by itself for one vehicle in fifty.
 * CPU time of the process, all threads, warm, median: a busy machine stretches wall time, of the peer's threads too.
 * Prints one JSON object. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "bench/fences/fence_sample.h"
#include "engine/fleet/archive.h"
#include "engine/fleet/hours.h"
#include "engine/geo/fence_index.h"

#define REPETITIONS_MAX 64
#define DEVICES_MAX 65536
#define TRACKS 100
#define VERTICES 200
#define FENCES 500
#define HOUR_MS INT64_C(3600000)

struct bench {
	struct engine *engine;
	uint64_t devices[DEVICES_MAX];
	size_t device_count;
	int64_t first_ms, last_ms;
	struct fence_area *polygon;
	struct fence_sample set;
	struct fence_index *index;
	struct store_blocks *blocks; /* of the question being asked */
	uint64_t check[4];           /* of the question asked last */
};

static void must(bool good, const char *what)
{
	if (good)
		return;
	fprintf(stderr, "bench_queries: %s\n", what);
	exit(1);
}

static void ok(enum status status, const char *what)
{
	if (status)
		fprintf(stderr, "bench_queries: %s\n", status_text(status));
	must(!status, what);
}

/* --- blocks one after another --- */

struct columns {
	int64_t time_ms[BLOCK_REPORTS_MAX];
	int32_t lat_e7[BLOCK_REPORTS_MAX], lon_e7[BLOCK_REPORTS_MAX];
	uint16_t speed_dkmh[BLOCK_REPORTS_MAX];
};

/* Calls `each` with the blocks of a device; a settled store has none that overlap. What is in the head is a piece of
 * its own at the end. */
static void each_block(struct bench *b, uint64_t device, int64_t from_ms, int64_t to_ms,
		       const struct block_columns *wanted, void (*each)(void *context, const struct block_columns *c),
		       void *context)
{
	struct store_block block;
	int64_t until = INT64_MIN;
	enum status status;
	if (b->blocks)
		ok(store_blocks_turn(b->blocks, device), "reading");
	else
		ok(store_blocks_open(engine_store(b->engine), device, from_ms, to_ms, false, &b->blocks), "reading");
	while (!(status = store_blocks_next(b->blocks, &block))) {
		struct block_columns c = *wanted;
		must(block.summary.time_first_ms > until, "blocks overlap: the store is not settled");
		until = block.summary.time_last_ms;
		ok(block_columns(block.bytes, &c), "decoding");
		each(context, &c);
	}
	must(status == STATUS_END, "reading");
}

static void end_blocks(struct bench *b)
{
	store_blocks_close(b->blocks);
	b->blocks = NULL;
}

/* --- the questions --- */

static void q1(struct bench *b)
{
	static struct last last[DEVICES_MAX];
	size_t count = engine_last_list(b->engine, 0, last, DEVICES_MAX);
	b->check[0] = count;
	for (size_t i = 0; i < count; i++) {
		b->check[1] += (uint64_t)last[i].report.time_ms / 1000;
		b->check[2] += (uint64_t)last[i].report.lat_e7;
		b->check[3] += (uint64_t)last[i].report.lon_e7;
	}
}

static struct track *track_of(struct bench *b, unsigned i)
{
	char name[16];
	struct track *t;
	snprintf(name, sizeof name, "860000%06u", i);
	uint64_t device = device_id(DEVICE_KIND_FILE, span_of_string(name));
	ok(track_open(b->engine, device, INT64_MIN, INT64_MAX, &t), "a track");
	return t;
}

static void q2(struct bench *b)
{
	for (unsigned i = 0; i < TRACKS; i++) {
		struct track *t = track_of(b, i);
		struct track_points p;
		enum status status;
		while (!(status = track_points(t, &p))) {
			b->check[0] += p.count;
			for (size_t k = 0; k < p.count; k++) {
				b->check[1] += (uint64_t)p.time_ms[k] / 1000;
				b->check[2] += (uint64_t)p.lat_e7[k];
				b->check[3] += (uint64_t)p.lon_e7[k];
			}
		}
		must(status == STATUS_END, "a track");
		track_close(t);
	}
}

static void whole(struct bench *b)
{
	for (unsigned i = 0; i < TRACKS; i++) {
		struct track *t = track_of(b, i);
		struct report r;
		enum status status;
		while (!(status = track_next(t, &r))) {
			b->check[0]++;
			b->check[1] += (uint64_t)r.time_ms / 1000;
			b->check[2] += (uint64_t)r.lat_e7;
			b->check[3] += (uint64_t)r.lon_e7;
		}
		must(status == STATUS_END, "a track");
		track_close(t);
	}
}

static enum status count_inside(void *context, const struct archive_answer *a)
{
	struct bench *b = context;
	b->check[0]++;
	b->check[1] += a->reports;
	b->check[2] += a->reports * a->reports;
	b->check[3] += (uint64_t)(a->last.time_ms - a->first.time_ms) / 1000;
	return STATUS_OK;
}

static void q3(struct bench *b)
{
	long processors = sysconf(_SC_NPROCESSORS_ONLN);
	struct archive_query q = {.area = b->polygon,
				  .from_ms = b->first_ms,
				  .to_ms = b->last_ms,
				  .threads = processors > 0 ? (unsigned)processors : 1,
				  .context = b};
	ok(engine_archive(b->engine, &q, count_inside), "the archive");
}

/* Where nobody is: what the summaries of all blocks cost by themselves. */
static void walk(struct bench *b)
{
	struct archive_query q = {.within_mm = 1000, .from_ms = b->first_ms, .to_ms = b->last_ms, .context = b};
	ok(engine_archive(b->engine, &q, count_inside), "the archive");
}

/* Which fences held the vehicle's position before, and the changes. */
struct passing {
	struct bench *b;
	int64_t from_ms, to_ms;
	struct fence_cursor cursor;
	uint32_t slots[2][FENCES];
	size_t count;
	unsigned now;
	bool begun;
	bool plain; /* compare with every fence by itself */
};

/* How many of a are not in b; both ascend. */
static size_t missing(const uint32_t *a, size_t n, const uint32_t *b, size_t m)
{
	size_t count = 0, k = 0;
	for (size_t i = 0; i < n; i++) {
		while (k < m && b[k] < a[i])
			k++;
		count += k == m || b[k] != a[i];
	}
	return count;
}

static void compare_plain(const struct passing *p, struct geo_point at, size_t count)
{
	size_t held = 0;
	for (uint32_t i = 0; i < FENCES; i++)
		held += fence_area_contains(p->b->set.areas[i], at);
	must(held == count, "the index of fences disagrees with every fence by itself");
}

static void pass(void *context, const struct block_columns *c)
{
	struct passing *p = context;
	for (size_t i = 0; i < c->count; i++) {
		struct geo_point at = {c->lat_e7[i], c->lon_e7[i]};
		if (c->time_ms[i] < p->from_ms || c->time_ms[i] > p->to_ms)
			continue;
		uint32_t *now = p->slots[p->now], *before = p->slots[!p->now];
		size_t count = fence_index_find(p->b->index, &p->cursor, at, now, FENCES);
		if (p->plain)
			compare_plain(p, at, count);
		p->b->check[0]++;
		p->b->check[1] += count;
		if (p->begun && (count != p->count || memcmp(now, before, count * sizeof *now) != 0)) {
			p->b->check[2] += missing(now, count, before, p->count);
			p->b->check[3] += missing(before, p->count, now, count);
		}
		p->begun = true;
		p->count = count;
		p->now = !p->now;
	}
}

static void fences_passed(struct bench *b, size_t step, bool plain)
{
	static struct columns room;
	struct block_columns wanted = {.time_ms = room.time_ms, .lat_e7 = room.lat_e7, .lon_e7 = room.lon_e7};
	for (size_t i = 0; i < b->device_count; i += step) {
		struct passing p = {.b = b, .plain = plain};
		p.from_ms = b->first_ms + 8 * HOUR_MS;
		p.to_ms = p.from_ms + HOUR_MS - 1;
		each_block(b, b->devices[i], p.from_ms, p.to_ms, &wanted, pass, &p);
	}
	end_blocks(b);
}

static void q4(struct bench *b)
{
	fences_passed(b, 1, false);
}

static enum status add_hour(void *context, const struct hour_speed *h)
{
	struct bench *b = context;
	b->check[0]++;
	b->check[1] += h->reports;
	b->check[2] += h->speed_sum_dkmh;
	b->check[3] += h->speed_sum_dkmh * 1000 / h->reports; /* the mean, 0.0001 km/h */
	return STATUS_OK;
}

static void q7(struct bench *b)
{
	struct hours_query q = {.from_ms = INT64_MIN, .to_ms = INT64_MAX, .context = b};
	ok(engine_hours(b->engine, &q, add_hour), "hours");
}

/* --- what they need --- */

static void span_of_time(struct bench *b)
{
	struct store_info info;
	ok(store_info(engine_store(b->engine), &info), "the span");
	b->first_ms = info.time_first_ms;
	b->last_ms = info.time_last_ms;
}

static struct geo_point middle(struct bench *b)
{
	static struct last last[DEVICES_MAX];
	size_t count = engine_last_list(b->engine, 0, last, DEVICES_MAX);
	int64_t lat = 0, lon = 0;
	must(count > 0, "no vehicles");
	for (size_t i = 0; i < count; i++) {
		lat += last[i].report.lat_e7;
		lon += last[i].report.lon_e7;
	}
	return (struct geo_point){(int32_t)(lat / (int64_t)count), (int32_t)(lon / (int64_t)count)};
}

/* A star of 200 vertices, 2 to 5 km from its middle, none of them where a report can be: those are whole
 * micro-degrees. Were a report on an edge all the same, the peer's check would differ. */
static void draw_polygon(struct bench *b, const char *path)
{
	struct geo_point p[VERTICES], centre = middle(b);
	uint32_t end = VERTICES;
	uint64_t state = 1;
	FILE *f = fopen(path, "w");
	must(f, path);
	for (int i = 0; i < VERTICES; i++) {
		double angle = 2 * M_PI * i / VERTICES, reach = 180000 + 270000 * set_unit(&state);
		p[i].lat_e7 = (int32_t)(centre.lat_e7 + reach * sin(angle)) | 1;
		p[i].lon_e7 = (int32_t)(centre.lon_e7 + reach * cos(angle)) | 1;
		fprintf(f, "%s[%d,%d]", i ? "," : "[", p[i].lat_e7, p[i].lon_e7);
	}
	must(fprintf(f, "]\n") > 0 && fclose(f) == 0, path);
	ok(fence_area_new(p, &end, 1, &b->polygon), "the polygon");
}

static void index_fences(struct bench *b)
{
	struct fence_change changes[FENCES];
	struct fence_index *empty;
	b->set = fence_sample_new(1, FENCES);
	for (uint32_t i = 0; i < FENCES; i++)
		changes[i] = (struct fence_change){i, b->set.areas[i]};
	ok(fence_index_new(&empty), "fences");
	ok(fence_index_change(empty, changes, FENCES, &b->index), "fences");
	fence_index_unref(empty);
}

static void open_bench(struct bench *b, const char *dir, const char *polygon)
{
	struct engine_options options = engine_options_default(dir);
	options.create = false;
	options.read_only = true;
	options.cache_bytes = (size_t)512 << 20;
	ok(engine_open(&options, &b->engine), dir);
	b->device_count = registry_list(engine_registry(b->engine), 0, b->devices, DEVICES_MAX);
	must(b->device_count > TRACKS, "too few vehicles");
	span_of_time(b);
	draw_polygon(b, polygon);
	index_fences(b);
}

/* --- measuring --- */

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

static double cpu_ms(void)
{
	struct timespec t;
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

/* `parts`: how many questions one call asks. */
static void measure(struct bench *b, const char *name, void (*ask)(struct bench *b), size_t repetitions, double parts)
{
	double ms[REPETITIONS_MAX] = {0};
	memset(b->check, 0, sizeof b->check);
	ask(b); /* warm */
	for (size_t i = 0; i < repetitions; i++) {
		memset(b->check, 0, sizeof b->check);
		double start = cpu_ms();
		ask(b);
		ms[i] = (cpu_ms() - start) / parts;
	}
	qsort(ms, repetitions, sizeof ms[0], by_value);
	printf("\"%s_ms\":%.4f,\"%s_low\":%.4f,\"%s_high\":%.4f,\"%s_check\":\"%" PRIu64 "/%" PRIu64 "/%" PRIu64
	       "/%" PRIu64 "\",",
	       name, ms[repetitions / 2], name, ms[0], name, ms[repetitions - 1], name, b->check[0], b->check[1],
	       b->check[2], b->check[3]);
}

int main(int argc, char **argv)
{
	static struct bench b;
	size_t repetitions = argc > 3 ? strtoul(argv[3], NULL, 10) : 7;
	if (argc < 3 || !repetitions || repetitions > REPETITIONS_MAX)
		return 2;
	open_bench(&b, argv[1], argv[2]);
	fences_passed(&b, 50, true);
	printf("{");
	measure(&b, "q1", q1, repetitions, 1);
	measure(&b, "q2", q2, repetitions, TRACKS);
	measure(&b, "whole", whole, repetitions, TRACKS);
	measure(&b, "q3", q3, repetitions, 1);
	measure(&b, "walk", walk, repetitions, 1);
	measure(&b, "q4", q4, repetitions, 1);
	measure(&b, "q7", q7, repetitions, 1);
	printf("\"devices\":%zu,\"repetitions\":%zu}\n", b.device_count, repetitions);
	fence_index_unref(b.index);
	fence_sample_free(&b.set);
	fence_area_unref(b.polygon);
	engine_close(b.engine);
	return 0;
}
