/* bench_replay.c -- a stored day judged again by engine_replay(): reports per core-second.
 *
 *   bench_replay DIR [repetitions [rulebook]]
 *
 * DIR is a folder that dataset A was imported into and nobody serves. Its devices are given plates and the classes of
 * the road in turn, which is what dataset A is, and the 500 kinds of fence_sample.h are put (once), then every device
 * is replayed by one thread: by all default rules; by `overspeed` alone, above 80 km/h for 60 s; by `fatigue` alone, 4
 * h without 20 min, and 90 min, which happens. `all-classes` is all default rules again when the same tracks are those
 * of every class in turn, boats among them: a crowd that no sea has, whose pairs are judged every half minute. CPU time
 * of the process. Limits: all columns of a block are decoded at some 100 M points a second, their reports hashed at 60
 * M; judging the four columns that overspeed needs in plain C takes 2 ns more. Prints one JSON object a rulebook.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "bench/rules/rules_world.h"
#include "engine/core/hash.h"
#include "engine/core/log.h"
#include "engine/fleet/replay.h"

#define REPETITIONS_MAX 64
#define FENCES 500

static const char overspeed_rules[] = "[overspeed]\nkind = overspeed\ntitle = 超速 | Over 80 km/h\nsource = bench\n"
				      "hold = 60 s\nlimit = 80 km/h\nmargin = 0 km/h\n";
#define FATIGUE_RULES(limit)                                                                                           \
	"[fatigue]\nkind = fatigue\ntitle = 疲劳 | Fatigue\nsource = bench\ncontinuous = " limit                       \
	"\nrest = 20 min\nnight = 0 s\nday = 0 s\nweek = 0 s\n"

static void must(enum status status, const char *what)
{
	if (status == STATUS_OK)
		return;
	fprintf(stderr, "bench_replay: %s: %s\n", what, status_text(status));
	exit(1);
}

static double cpu_seconds(void)
{
	struct timespec t;
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* --- the world --- */

static void put_devices(struct engine *e, unsigned classes)
{
	uint64_t after = 0, device;
	for (unsigned i = 0; registry_list(engine_registry(e), after, &device, 1); i++, after = device) {
		char plate[32];
		snprintf(plate, sizeof plate, "2:闽C%05u", i);
		struct registry_change changes[] = {
			{DEVICE_FIELD_CLASS, span_of_string(device_class_token(i % classes))},
			{DEVICE_FIELD_PLATE, span_of_string(plate)}};
		must(registry_apply(engine_registry(e), device, DEVICE_KIND_FILE, changes, 2, VALID_ALWAYS_FROM,
				    "bench", NULL),
		     "a device");
	}
}

static void put_fences(struct engine *e)
{
	struct rules_world w;
	struct dataset_options o = dataset_a();
	rules_world_init(&w, &o, FENCES);
	uint32_t slots = fence_set_slots(w.fences), count = 0;
	struct fence *list = calloc(slots, sizeof *list);
	must(list ? STATUS_OK : STATUS_NO_MEMORY, "fences");
	for (uint32_t i = 0; i < slots; i++)
		if (fence_set_at(w.fences, i)) {
			list[count] = *fence_set_at(w.fences, i);
			list[count++].version = 1;
		}
	must(context_put_fences(engine_context(e), list, count), "fences");
	free(list);
	rules_world_deinit(&w);
}

/* --- replays --- */

static struct judged_by *judged_by_text(struct engine *e, struct span text)
{
	struct rulebook *book;
	struct judged_by *by;
	must(rulebook_parse(text, NULL, NULL, &book), "rules");
	must(context_with_rules(engine_context(e), book, &by), "rules");
	rulebook_unref(book);
	return by;
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

static uint64_t digest_of(const struct replay_result *found)
{
	struct buf all = buf_init(SIZE_MAX / 2);
	for (size_t i = 0; i < found->count; i++)
		must(finding_encode(&found->findings[i], &all), "a finding");
	uint64_t digest = hash64(buf_view(&all));
	buf_deinit(&all);
	return digest;
}

static void measure(struct engine *e, const char *name, struct span text, unsigned repetitions)
{
	double rates[REPETITIONS_MAX] = {0};
	struct dataset_options a = dataset_a();
	struct judged_by *by = judged_by_text(e, text);
	struct replay_options o = {.by = by,
				   .from_ms = INT64_MIN,
				   .to_ms = INT64_MAX,
				   .as_of_ms = a.start_ms + 2 * MS_PER_DAY,
				   .threads = 1};
	struct replay_result found = {0};
	for (unsigned i = 0; i < repetitions; i++) {
		free(found.findings);
		double begin = cpu_seconds();
		must(engine_replay(e, &o, &found), name);
		rates[i] = (double)found.reports / (cpu_seconds() - begin) / 1e6;
	}
	qsort(rates, repetitions, sizeof rates[0], by_value);
	printf("{\"name\":\"%s\",\"value\":%.2f,\"low\":%.2f,\"high\":%.2f,\"repetitions\":%u,\"reports\":%" PRIu64
	       ",\"stepped\":%" PRIu64 ",\"findings\":%zu,\"digest\":\"%016" PRIx64 "\"}\n",
	       name, rates[repetitions / 2], rates[0], rates[repetitions - 1], repetitions, found.reports,
	       found.stepped, found.count, digest_of(&found));
	free(found.findings);
	judged_by_release(by);
}

/* codes 0 to 9: others, trucks, coaches, buses, taxis, tractors, trailers */
#define CLASSES_OF_ROAD (DEVICE_CLASS_TRAILER + 1)

/* text NULL: the default rules */
static const struct {
	const char *name, *text;
	unsigned classes;
} books[] = {{"all", NULL, CLASSES_OF_ROAD},
	     {"overspeed", overspeed_rules, CLASSES_OF_ROAD},
	     {"fatigue", FATIGUE_RULES("4 h"), CLASSES_OF_ROAD},
	     {"fatigue-90-min", FATIGUE_RULES("90 min"), CLASSES_OF_ROAD},
	     {"all-classes", NULL, DEVICE_CLASS_COUNT}};

int main(int argc, char **argv)
{
	struct engine *e;
	unsigned repetitions = argc > 2 ? (unsigned)strtoul(argv[2], NULL, 10) : 3;
	if (argc < 2 || !repetitions || repetitions > REPETITIONS_MAX)
		return 2;
	log_set_level(LOG_WARN);
	struct engine_options options = engine_options_default(argv[1]);
	options.create = false;
	must(engine_open(&options, &e), argv[1]);
	put_fences(e);
	for (size_t i = 0; i < sizeof books / sizeof books[0]; i++)
		if (argc < 4 || !strcmp(argv[3], books[i].name)) {
			put_devices(e, books[i].classes);
			measure(e, books[i].name, books[i].text ? span_of_string(books[i].text) : rules_default(),
				repetitions);
		}
	engine_close(e);
	return 0;
}
