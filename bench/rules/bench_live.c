/* bench_live.c -- every default rule over a fleet that breaks each of them (rules_world.h): reports per core-second.
 *
 *   bench_live [fences [repetitions [devices [seconds]]]]
 *
 * Reports of a day come from memory through detect_step() alone, devices in the order in which they report; all come
 * in order, as what comes late is another question. CPU time of the process around the steps of CHUNK reports, so that
 * making them is not counted. Limit: a device's state (some 500 bytes, 2,000 of them) lies in the second-level cache
 * and its report in none: about 50 ns, 20 M a second, before any rule is asked.
 *
 * A first pass is not measured: it counts which rules were opened by how many devices, and takes the digest of
 * everything told, by which two builds can be compared. Prints one JSON object; fails when a rule of stage 1 was opened
 * by fewer than 0.1 % of the devices. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "bench/rules/rules_world.h"
#include "engine/core/hash.h"

#define REPETITIONS_MAX 64
#define CHUNK (1u << 18)

struct arrival {
	uint32_t device;
	struct report report;
};

struct live {
	struct rules_world world;
	struct detector *detector;
	struct rulebook *book;
	struct arrival *chunk;
	uint8_t *items;
	struct detect_state **states;
	uint8_t *opened; /* by rule and device */
	uint64_t digest, findings, facts;
	struct buf bytes;
};

static void must(enum status status, const char *what)
{
	if (status == STATUS_OK)
		return;
	fprintf(stderr, "bench_live: %s: %s\n", what, status_text(status));
	exit(1);
}

static double cpu_seconds(void)
{
	struct timespec t;
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void mix(struct live *l)
{
	uint8_t both[16];
	store_le64(both, l->digest);
	store_le64(both + 8, hash64(buf_view(&l->bytes)));
	l->digest = hash64(span_of(both, sizeof both));
	buf_clear(&l->bytes);
}

static void look_at_finding(void *context, const struct finding *f, const struct rule *rule)
{
	struct live *l = context;
	(void)rule;
	const struct rule *r = rulebook_find(l->book, f->rule);
	l->opened[(size_t)(r - l->book->rules) * l->world.options.devices + f->device - 1] = 1;
	must(finding_encode(f, &l->bytes), "a finding");
	mix(l);
}

static void look_at_fact(void *context, const struct fact *f)
{
	struct live *l = context;
	must(fact_encode(f, &l->bytes), "a fact");
	mix(l);
}

static void count_finding(void *context, const struct finding *f, const struct rule *rule)
{
	struct live *l = context;
	(void)f;
	(void)rule;
	l->findings++;
}

static void count_fact(void *context, const struct fact *f)
{
	struct live *l = context;
	(void)f;
	l->facts++;
}

static size_t fill(struct live *l, struct dataset *d)
{
	struct dataset_arrival a;
	size_t count = 0;
	while (count < CHUNK && dataset_next(d, &a)) {
		l->chunk[count] = (struct arrival){a.device, a.report};
		uint8_t *items = l->items + count * RULES_WORLD_ITEMS_MAX;
		count += rules_world_spoil(&l->world, a.device, &l->chunk[count].report, items);
	}
	return count;
}

static void fresh_states(struct live *l)
{
	for (uint32_t i = 0; i < l->world.options.devices; i++) {
		detect_state_free(l->states[i]);
		must(detect_state_new(i + 1, &l->states[i]), "a state");
	}
	memset(l->world.frozen, 0, l->world.options.devices * sizeof *l->world.frozen);
	l->findings = l->facts = 0;
}

/* A whole day; the rate in millions a second. */
static double pass(struct live *l, struct detect_sink *sink, uint64_t *out_reports)
{
	struct dataset *d;
	double used = 0;
	size_t count;
	must(dataset_new(&l->world.options, &d), "the dataset");
	fresh_states(l);
	*out_reports = 0;
	while ((count = fill(l, d)) > 0) {
		double begin = cpu_seconds();
		for (size_t i = 0; i < count; i++) {
			struct arrival *a = &l->chunk[i];
			must(detect_step(l->states[a->device], l->detector, &a->report, sink), "a step");
		}
		used += cpu_seconds() - begin;
		*out_reports += count;
	}
	dataset_free(d);
	return (double)*out_reports / used / 1e6;
}

static void live_init(struct live *l, const struct dataset_options *o, uint32_t fences)
{
	*l = (struct live){.bytes = buf_init(1 << 16)};
	rules_world_init(&l->world, o, fences);
	must(rulebook_parse(rules_default(), NULL, NULL, &l->book), "the default rules");
	struct rulebook_span span = {INT64_MIN, l->book};
	struct detect_context c = {.books = &span,
				   .book_count = 1,
				   .fences = l->world.fences,
				   .subject = rules_world_subject,
				   .registry = &l->world};
	must(detector_new(&c, &l->detector), "the detector");
	l->chunk = malloc(CHUNK * sizeof *l->chunk);
	l->items = malloc((size_t)(CHUNK + 1) * RULES_WORLD_ITEMS_MAX);
	l->states = calloc(o->devices, sizeof(struct detect_state *));
	l->opened = calloc((size_t)l->book->count * o->devices, 1);
	must(l->chunk && l->items && l->states && l->opened ? STATUS_OK : STATUS_NO_MEMORY, "memory");
}

static void live_deinit(struct live *l)
{
	for (uint32_t i = 0; i < l->world.options.devices; i++)
		detect_state_free(l->states[i]);
	free(l->states);
	free(l->opened);
	free(l->items);
	free(l->chunk);
	buf_deinit(&l->bytes);
	detector_unref(l->detector);
	rulebook_unref(l->book);
	rules_world_deinit(&l->world);
}

/* Of the road: this fleet has boats among its classes, but plays nothing of the sea (rows C). */
static bool is_stage_1(const struct rule *r)
{
	return rule_kind_stage(r->kind) == 1 && (!r->rows || *r->rows != 'C');
}

/* How many rules of stage 1 were opened by enough devices; tells each on standard error. */
static unsigned count_opened(const struct live *l, unsigned *out_wanted)
{
	uint32_t devices = l->world.options.devices, least = devices / 1000;
	unsigned enough = 0;
	*out_wanted = 0;
	for (uint32_t i = 0; i < l->book->count; i++) {
		uint32_t by = 0;
		if (!is_stage_1(&l->book->rules[i]))
			continue;
		for (uint32_t k = 0; k < devices; k++)
			by += l->opened[(size_t)i * devices + k];
		bool met = by >= least && by > 0;
		fprintf(stderr, "%-22s %-14s opened by %" PRIu32 "%s\n", l->book->rules[i].id,
			rule_kind_token(l->book->rules[i].kind), by, met ? "" : ": too few");
		enough += met;
		++*out_wanted;
	}
	return enough;
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

static uint32_t argument(int argc, char **argv, int which, uint32_t otherwise)
{
	return argc > which ? (uint32_t)strtoul(argv[which], NULL, 10) : otherwise;
}

int main(int argc, char **argv)
{
	static struct live l;
	double rates[REPETITIONS_MAX];
	struct dataset_options o = dataset_a();
	uint32_t fences = argument(argc, argv, 1, 20000), repetitions = argument(argc, argv, 2, 3);
	o.devices = argument(argc, argv, 3, o.devices);
	o.seconds = argument(argc, argv, 4, o.seconds);
	o.in_order = true;
	if (!repetitions || repetitions > REPETITIONS_MAX || !o.devices)
		return 2;
	live_init(&l, &o, fences);
	uint64_t reports;
	unsigned wanted;
	struct detect_sink look = {&l, look_at_finding, look_at_fact}, count = {&l, count_finding, count_fact};
	pass(&l, &look, &reports);
	unsigned opened = count_opened(&l, &wanted);
	for (uint32_t i = 0; i < repetitions; i++)
		rates[i] = pass(&l, &count, &reports);
	qsort(rates, repetitions, sizeof rates[0], by_value);
	printf("{\"value\":%.3f,\"low\":%.3f,\"high\":%.3f,\"repetitions\":%u,\"reports\":%" PRIu64
	       ",\"rules\":%u,\"opened\":%u,\"findings\":%" PRIu64 ",\"facts\":%" PRIu64 ",\"digest\":\"%016" PRIx64
	       "\"}\n",
	       rates[repetitions / 2], rates[0], rates[repetitions - 1], repetitions, reports, wanted, opened,
	       l.findings, l.facts, l.digest);
	live_deinit(&l);
	return opened == wanted ? 0 : 1;
}
