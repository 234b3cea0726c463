/* bench_season.c -- what does a season of a fishing fleet cost: taken in, and judged by every rule of the sea?
 *
 *   bench_season DIR [boats [days [repetitions]]]              defaults: 1500 boats, 92 days, 1
 *
 * DIR must not be there. The season of season.h, 1500 * 92 * 144 = 19.9 million positions, goes in as every import does
 * (bulk_add(), then settled); making it is not counted, nor is reading a file's lines, which `import-csv` asks. Then
 * engine_replay() judges it by the shipped rules of the sea, pairs of vessels among them, by one thread.
 *
 * Envelope: a report costs some 100 ns to order, encode and write; a step some 100 ns, decoding 15. Pairs are looked
 * for at every instant at which somebody's fix is fresh, 92 * 720 times 1500 boats: 10 ns each, one second.
 *
 * CPU time of the process, which compaction is part of. Prints one JSON object. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "bench/duty/season.h"
#include "engine/core/clock.h"
#include "engine/core/hash.h"
#include "engine/core/log.h"
#include "engine/fleet/replay.h"

#define REPETITIONS_MAX 16

static void ok(enum status status, const char *what)
{
	if (!status)
		return;
	fprintf(stderr, "bench_season: %s: %s\n", what, status_text(status));
	exit(1);
}

static double cpu_seconds(void)
{
	struct timespec t;
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* Returns CPU seconds. */
static double import(struct engine *e, unsigned boats, unsigned days, uint64_t *out_reports)
{
	struct report *reports = malloc((size_t)days * (SEASON_DAY_REPORTS + 1) * sizeof *reports);
	struct bulk *bulk;
	double used = 0, begin;
	ok(reports ? STATUS_OK : STATUS_NO_MEMORY, "reports");
	ok(bulk_open(e, &bulk), "bulk");
	*out_reports = 0;
	for (unsigned b = 0; b < boats; b++) {
		uint64_t beacon = season_put_boat(e, b);
		size_t count = season_sail(b, days, reports);
		begin = cpu_seconds();
		for (size_t i = 0; i < count; i++)
			ok(bulk_add(bulk, beacon, &reports[i]), "report");
		used += cpu_seconds() - begin;
		*out_reports += count;
	}
	begin = cpu_seconds();
	ok(bulk_close(bulk), "bulk");
	ok(engine_settle(e), "settling");
	used += cpu_seconds() - begin;
	free(reports);
	return used;
}

/* The shipped rules that answer a row C of the catalogue, and the inputs. */
static struct judged_by *rules_of_sea(struct engine *e, unsigned *out_count)
{
	struct rulebook *all, *sea;
	struct judged_by *by;
	struct buf text = buf_init(1 << 20);
	ok(rulebook_parse(rules_default(), NULL, NULL, &all), "the shipped rules");
	*out_count = 0;
	for (uint32_t i = 0; i < all->count; i++)
		if (all->rules[i].rows[0] == 'C') {
			ok(rule_print(&all->rules[i], &text), "a rule");
			++*out_count;
		}
	ok(rulebook_parse(buf_view(&text), NULL, NULL, &sea), "rules of the sea");
	ok(context_with_rules(engine_context(e), sea, &by), "rules of the sea");
	rulebook_unref(all);
	rulebook_unref(sea);
	buf_deinit(&text);
	return by;
}

static uint64_t digest_of(const struct replay_result *found)
{
	struct buf all = buf_init(SIZE_MAX / 2);
	for (size_t i = 0; i < found->count; i++)
		ok(finding_encode(&found->findings[i], &all), "a finding");
	uint64_t digest = hash64(buf_view(&all));
	buf_deinit(&all);
	return digest;
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

static void judge(struct engine *e, unsigned days, unsigned repetitions)
{
	double rates[REPETITIONS_MAX];
	struct replay_result found = {0};
	unsigned rules;
	struct judged_by *by = rules_of_sea(e, &rules);
	struct replay_options o = {.by = by,
				   .from_ms = INT64_MIN,
				   .to_ms = INT64_MAX,
				   .as_of_ms = SEASON_START_MS + (int64_t)days * MS_PER_DAY,
				   .threads = 1};
	for (unsigned i = 0; i < repetitions; i++) {
		free(found.findings);
		double begin = cpu_seconds();
		ok(engine_replay(e, &o, &found), "replay");
		rates[i] = (double)found.reports / (cpu_seconds() - begin) / 1e6;
	}
	qsort(rates, repetitions, sizeof rates[0], by_value);
	printf("\"rules\":%u,\"replay\":%.3f,\"low\":%.3f,\"high\":%.3f,\"judged\":%" PRIu64 ",\"stepped\":%" PRIu64
	       ",\"findings\":%zu,\"digest\":\"%016" PRIx64 "\"}\n",
	       rules, rates[repetitions / 2], rates[0], rates[repetitions - 1], found.reports, found.stepped,
	       found.count, digest_of(&found));
	free(found.findings);
	judged_by_release(by);
}

int main(int argc, char **argv)
{
	unsigned boats = argc > 2 ? (unsigned)atoi(argv[2]) : 1500, days = argc > 3 ? (unsigned)atoi(argv[3]) : 92;
	unsigned repetitions = argc > 4 ? (unsigned)atoi(argv[4]) : 1;
	struct engine *e;
	uint64_t reports;
	if (argc < 2 || !boats || !days || !repetitions || repetitions > REPETITIONS_MAX) {
		fprintf(stderr, "usage: bench_season DIR [boats [days [repetitions]]]\n");
		return 2;
	}
	log_set_level(LOG_WARN);
	struct engine_options o = engine_options_default(argv[1]);
	o.create = true;
	ok(engine_open(&o, &e), argv[1]);
	if (registry_count(engine_registry(e))) {
		fprintf(stderr, "bench_season: %s is not empty\n", argv[1]);
		return 2;
	}
	season_put_harbours(e);
	season_put_sea(e);
	double used = import(e, boats, days, &reports);
	printf("{\"boats\":%u,\"days\":%u,\"reports\":%" PRIu64 ",\"import\":%.3f,", boats, days, reports,
	       (double)reports / used / 1e6);
	judge(e, days, repetitions);
	engine_close(e);
	return 0;
}
