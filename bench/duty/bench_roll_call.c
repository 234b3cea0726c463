/* bench_roll_call.c -- what does a roll-call cost, of now and of any past instant of a season?
 *
 *   bench_roll_call DIR [boats] [days] [questions]          defaults: 1500 boats, 92 days, 200 questions
 *
 * Makes DIR when it is not there: boats that report every ten minutes by a beacon of their own, days at sea and days in
 * one of twelve harbours, classes and villages as a county has them: 1500 * 92 * 144 = 19.9 million positions; settled.
 * Past instants are drawn from the whole season, each question another one, by one thread and by two.
 *
 * Envelope: a block or two of a boat, some 430 rows of six columns: 10 us to find and 5 us to open, so 1500 boats take
 * some 25 ms of one core. Now is read from the heads: a cache line or two a boat, and 12 fences: under 3 ms.
 * Wall time and CPU time of the process, both: a busy machine stretches the first. Prints one JSON object. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "bench/duty/season.h"
#include "engine/core/clock.h"
#include "engine/duty/roll_call.h"

#define QUESTIONS_MAX 10000

static void ok(enum status status, const char *what)
{
	if (!status)
		return;
	fprintf(stderr, "bench_roll_call: %s: %s\n", what, status_text(status));
	exit(1);
}

static void make_season(struct engine *e, unsigned boats, unsigned days)
{
	struct report *reports = malloc((size_t)days * (SEASON_DAY_REPORTS + 1) * sizeof *reports);
	struct bulk *bulk;
	ok(reports ? STATUS_OK : STATUS_NO_MEMORY, "reports");
	season_put_harbours(e);
	ok(bulk_open(e, &bulk), "bulk");
	for (unsigned b = 0; b < boats; b++) {
		uint64_t beacon = season_put_boat(e, b);
		size_t count = season_sail(b, days, reports);
		for (size_t i = 0; i < count; i++)
			ok(bulk_add(bulk, beacon, &reports[i]), "report");
	}
	ok(bulk_close(bulk), "bulk");
	ok(engine_settle(e), "settling");
	free(reports);
}

/* --- questions --- */

static int64_t cpu_ns(void)
{
	struct timespec t;
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
}

static int by_value(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
	return (x > y) - (x < y);
}

static void ask(struct engine *e, const char *name, int64_t first_ms, int64_t span_ms, unsigned threads, unsigned count)
{
	static int64_t wall[QUESTIONS_MAX], cpu[QUESTIONS_MAX];
	uint64_t states[BOAT_STATE_COUNT] = {0};
	for (unsigned i = 0; i < count; i++) {
		struct roll_question q =
			roll_question_default(first_ms + (int64_t)(season_random() % (uint64_t)span_ms));
		struct roll_call *r;
		q.threads = threads;
		int64_t wall_ns = clock_monotonic_ns(), spent_ns = cpu_ns();
		ok(roll_call(e, NULL, &q, &r), "roll-call");
		wall[i] = clock_monotonic_ns() - wall_ns;
		cpu[i] = cpu_ns() - spent_ns;
		for (unsigned s = 0; s < BOAT_STATE_COUNT; s++)
			states[s] += r->all.states[s];
		roll_call_free(r);
	}
	qsort(wall, count, sizeof *wall, by_value);
	qsort(cpu, count, sizeof *cpu, by_value);
	printf(",\"%s\":{\"wall_ms\":{\"p50\":%.2f,\"p99\":%.2f,\"max\":%.2f},\"cpu_ms\":{\"p50\":%.2f,\"p99\":%.2f},"
	       "\"in\":%" PRIu64 ",\"sea\":%" PRIu64 ",\"dark\":%" PRIu64 ",\"unknown\":%" PRIu64 "}",
	       name, wall[count / 2] / 1e6, wall[count * 99 / 100] / 1e6, wall[count - 1] / 1e6, cpu[count / 2] / 1e6,
	       cpu[count * 99 / 100] / 1e6, states[0] / count, states[1] / count, states[2] / count, states[3] / count);
}

int main(int argc, char **argv)
{
	unsigned boats = argc > 2 ? (unsigned)atoi(argv[2]) : 1500, days = argc > 3 ? (unsigned)atoi(argv[3]) : 92;
	unsigned count = argc > 4 ? (unsigned)atoi(argv[4]) : 200;
	struct engine *e;
	if (argc < 2 || !boats || !days || !count || count > QUESTIONS_MAX) {
		fprintf(stderr, "usage: bench_roll_call DIR [boats] [days] [questions]\n");
		return 2;
	}
	struct engine_options o = engine_options_default(argv[1]);
	o.create = true;
	ok(engine_open(&o, &e), argv[1]);
	if (!registry_count(engine_registry(e)))
		make_season(e, boats, days);
	struct store_info info;
	ok(store_info(engine_store(e), &info), "info");
	printf("{\"boats\":%u,\"days\":%u,\"reports\":%" PRIu64 ",\"blocks\":%" PRIu64, boats, days, info.reports,
	       info.blocks);
	int64_t season_ms = days * MS_PER_DAY;
	ask(e, "past_1_thread", SEASON_START_MS + 3 * MS_PER_DAY, season_ms - 4 * MS_PER_DAY, 1, count);
	ask(e, "past_2_threads", SEASON_START_MS + 3 * MS_PER_DAY, season_ms - 4 * MS_PER_DAY, 2, count);
	ask(e, "now", SEASON_START_MS + season_ms, MS_PER_MINUTE, 1, count);
	ask(e, "half_a_year_later", SEASON_START_MS + season_ms + 60 * MS_PER_DAY, MS_PER_DAY, 1, count);
	printf("}\n");
	engine_close(e);
	return 0;
}
