/* bench_restart.c -- how long opening a store takes until questions can be asked, and what of it is what.
 *
 *   bench_restart DIR
 *
 * The folder may have been left by a program that was killed. Opened twice: the first time replays the journal, the
 * second, after a clean close, finds nothing to replay. Between them the store is opened alone. So
 *   store   RocksDB and its families
 *   heads   the second opening less the store: registry, `head` rows, last positions
 *   journal the first opening less the second
 * Wall time of one run, for the caller to repeat on a fresh copy. Prints one JSON object. Limit: reading the head rows
 * once at 24 GB/s is nothing; opening costs RocksDB its manifest and the index of each file. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "engine/core/clock.h"
#include "engine/fleet/engine.h"

static void must(enum status status, const char *what)
{
	if (status == STATUS_OK)
		return;
	fprintf(stderr, "bench_restart: %s: %s\n", what, status_text(status));
	exit(1);
}

static double since_ms(int64_t start_ns)
{
	return (double)(clock_monotonic_ns() - start_ns) / 1e6;
}

static double open_engine(const char *dir)
{
	struct engine_options options = engine_options_default(dir);
	struct engine *e;
	options.create = false;
	options.shards = 1;
	int64_t start = clock_monotonic_ns();
	must(engine_open(&options, &e), dir);
	double ms = since_ms(start);
	engine_close(e);
	return ms;
}

static double open_store(const char *dir, uint64_t *points)
{
	struct store_options options = {.dir = dir};
	struct store_info info;
	struct store *s;
	int64_t start = clock_monotonic_ns();
	must(store_open(&options, &s), dir);
	double ms = since_ms(start);
	must(store_info(s, &info), dir);
	*points = info.reports;
	store_close(s);
	return ms;
}

int main(int argc, char **argv)
{
	uint64_t points;
	if (argc != 2) {
		fprintf(stderr, "usage: bench_restart DIR\n");
		return 2;
	}
	double first = open_engine(argv[1]), store = open_store(argv[1], &points), second = open_engine(argv[1]);
	printf("{\"points\":%" PRIu64 ",\"value\":%.2f,\"store_ms\":%.2f,\"heads_ms\":%.2f,\"journal_ms\":%.2f}\n",
	       points, second, store, second - store, first - second);
	return 0;
}
