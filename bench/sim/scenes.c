/* scenes.c -- plays the written scenarios and says what was found, missed and false.
 *
 *   zayton_sim scenes --zayton PROGRAM            a server of its own over a temporary folder
 *   zayton_sim scenes --dump DIR | --table | --truth FILE    without a server */
#include "bench/sim/scenes.h"

#include <ftw.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bench/sim/drive_source.h"
#include "bench/sim/scene_play.h"
#include "bench/sim/scene_table.h"
#include "bench/sim/server.h"
#include "engine/core/clock.h"

/* days before today on which scenes that name no day are played */
#define FLOATING_DAY (-2)
/* What drives besides and must not be found: for so long, on that day, from noon. */
#define BACKGROUND_HOURS 2
#define BACKGROUND_INTERVAL_S 10

struct options {
	const char *zayton, *folder, *fences, *rules, *truth, *dump;
	uint64_t seed;
	unsigned background;
	bool table, play_only;
};

const char *scenes_folder(void)
{
	const char *said = getenv("ZAYTON_SCENES");
	return said ? said : SCENES_DIR "/scenarios";
}

const char *scenes_fences(void)
{
	return SCENES_DIR "/fences.geojson";
}

void scenes_make_parents(const char *path)
{
	char copy[4096];
	snprintf(copy, sizeof copy, "%s", path);
	for (char *at = copy + 1; *at; at++)
		if (*at == '/') {
			*at = '\0';
			mkdir(copy, 0755);
			*at = '/';
		}
}

/* --- without a server --- */

static int dump(const struct scene_play *p, const char *folder)
{
	char path[4096];
	size_t source = 0;
	snprintf(path, sizeof path, "%s/", folder);
	scenes_make_parents(path);
	for (size_t i = 0; i < p->book.count; i++) {
		const struct scene *s = &p->book.scenes[i];
		for (unsigned k = 0; k < s->vehicle_count; k++) {
			snprintf(path, sizeof path, "%s/%s-%s.csv", folder, s->name, s->vehicles[k].key);
			FILE *out = fopen(path, "wb");
			if (!out) {
				perror(path);
				return 1;
			}
			scene_trace_print(&p->sources[source++].trace, out);
			fclose(out);
		}
	}
	printf("%zu vehicles of %zu scenes in %s\n", p->count, p->book.count, folder);
	return 0;
}

static int write_truth(const struct scene_play *p, const char *path)
{
	struct truth_list truths;
	FILE *out = fopen(path, "wb");
	if (!out) {
		perror(path);
		return 1;
	}
	truth_list_make(&p->book, &truths);
	truth_list_write(&truths, out);
	truth_list_deinit(&truths);
	return fclose(out) ? 1 : 0;
}

/* The rules as text: a file, or what the program ships. */
static FILE *open_rules(const struct options *o)
{
	char command[4200];
	if (o->rules)
		return fopen(o->rules, "rb");
	snprintf(command, sizeof command, "'%s' rules show --default", o->zayton ? o->zayton : "zayton");
	return popen(command, "re");
}

static int print_table(const struct scene_play *p, const struct options *o)
{
	char *text = NULL, bytes[65536];
	size_t size = 0;
	FILE *from = open_rules(o), *to = open_memstream(&text, &size);
	for (size_t n; from && to && (n = fread(bytes, 1, sizeof bytes, from));)
		fwrite(bytes, 1, n, to);
	if (to)
		fclose(to);
	if (from && o->rules)
		fclose(from);
	else if (from)
		pclose(from);
	if (!size)
		fprintf(stderr, "no rules: --rules FILE, or --zayton PROGRAM\n");
	size_t wrong = size ? scene_table_print(&p->book, text, size, stdout) : 1;
	free(text);
	return wrong ? 1 : 0;
}

/* --- with one --- */

struct stage {
	const struct options *options;
	struct scene_play play;
	struct server server;
	struct fleet fleet;
	struct drive_source *background;
	int64_t background_ms; /* when it ends */
	char folder[4096];
};

static int remove_one(const char *path, const struct stat *stat, int type, struct FTW *at)
{
	(void)stat;
	(void)type;
	(void)at;
	return remove(path);
}

static void make_background(struct stage *s, size_t at)
{
	int64_t local = s->play.now_ms + CHINA_OFFSET_MS;
	int64_t noon = local - local % MS_PER_DAY + FLOATING_DAY * MS_PER_DAY + 12 * MS_PER_HOUR - CHINA_OFFSET_MS;
	s->background_ms = noon + BACKGROUND_HOURS * MS_PER_HOUR;
	s->background = calloc(s->options->background + 1, sizeof *s->background);
	if (!s->background)
		abort();
	for (unsigned i = 0; i < s->options->background; i++) {
		struct terminal_identity identity;
		drive_source_init(&s->background[i], i, s->options->seed, noon, s->background_ms,
				  BACKGROUND_INTERVAL_S);
		drive_source_identity(&s->background[i], &identity);
		terminal_init(&s->fleet.terminals[at + i], &identity,
			      (struct terminal_source){drive_source_next, &s->background[i]}, &s->fleet.options,
			      &s->fleet.counters);
	}
}

static bool is_done(void *context)
{
	const struct stage *s = context;
	for (unsigned i = 0; i < s->options->background; i++)
		if (s->background[i].next_ms < s->background_ms)
			return false;
	return scene_play_is_done(&s->play);
}

/* Plays; 0 when every acknowledged report is there and all was played. */
static int play(struct stage *s)
{
	size_t scenes = scene_play_terminal_count(&s->play);
	if (scene_play_boats(&s->play, s->server.http_port))
		return 1;
	fleet_init(&s->fleet, scenes + s->options->background, s->server.jt808_port, s->server.http_port);
	s->fleet.is_done = is_done;
	s->fleet.context = s;
	scene_play_terminals(&s->play, &s->fleet, 0);
	make_background(s, scenes);
	int64_t begun_ns = clock_monotonic_ns();
	fleet_run(&s->fleet);
	const struct sim_counters *c = &s->fleet.counters;
	printf("%zu scenes, %zu vehicles and %u besides: %llu reports sent, %llu acknowledged, %llu refused, %.1f s\n",
	       s->play.book.count, s->play.count, s->options->background, (unsigned long long)c->sent,
	       (unsigned long long)c->acknowledged, (unsigned long long)c->refused,
	       (double)(clock_monotonic_ns() - begun_ns) / 1e9);
	int result = fleet_read_back(&s->fleet, s->play.from_ms - MS_PER_DAY, s->play.now_ms);
	if (!is_done(s)) {
		fprintf(stderr, "not everything was played\n");
		result = 1;
	}
	fleet_deinit(&s->fleet);
	free(s->background);
	return result || c->refused ? 1 : 0;
}

static int judge(struct stage *s)
{
	struct truth_totals totals;
	if (scene_play_judge(&s->play, s->server.http_port, true, &totals))
		return 1;
	return totals.missed || totals.wrong ? 1 : 0;
}

static int with_server(struct stage *s)
{
	const struct options *o = s->options;
	int result = o->play_only ? 0 : scene_play_tell(&s->play, s->server.http_port, o->fences, o->rules) != 0;
	if (!result && !o->play_only)
		result = scene_play_streams(&s->play, s->server.http_port, o->seed) ? 1 : 0;
	if (!result)
		result = play(s);
	if (!result && !o->play_only)
		result = judge(s);
	return server_stop(&s->server) ? 1 : result;
}

static int play_and_judge(struct stage *s)
{
	const char *tmp = getenv("TMPDIR");
	snprintf(s->folder, sizeof s->folder, "%s/zayton-scenes-XXXXXX", tmp ? tmp : "/tmp");
	if (!mkdtemp(s->folder)) {
		perror(s->folder);
		return 1;
	}
	int result = server_start(&s->server, s->options->zayton, s->folder, "") ? 1 : with_server(s);
	nftw(s->folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	char stations[4200];
	snprintf(stations, sizeof stations, "%s.stations", s->folder);
	remove(stations);
	return result;
}

/* --- main --- */

static int usage(void)
{
	fprintf(stderr, "usage: zayton_sim scenes --zayton PROGRAM [options]    play them to a server of their own\n"
			"       zayton_sim scenes --table | --dump DIR | --truth FILE\n"
			"  --seed N          noise and order of arrival (1)\n"
			"  --background N    vehicles besides that break nothing (12)\n"
			"  --rules FILE      these rules instead of the shipped ones\n"
			"  --folder DIR      other scenes\n"
			"  --fences FILE     other fences\n"
			"  --truth FILE      write what should be found, a JSON object a line\n"
			"  --dump DIR        write every vehicle's reports as CSV\n"
			"  --table           row, rule, scenes; 1 when a rule has no breaking or no keeping one\n"
			"  --play-only       no judging: acknowledgements, and every report asked back\n");
	return 2;
}

static bool parse(int argc, char **argv, struct options *o)
{
	static const struct option longs[] = {
		{"zayton", 1, NULL, 'z'},    {"seed", 1, NULL, 's'},   {"background", 1, NULL, 'b'},
		{"rules", 1, NULL, 'r'},     {"folder", 1, NULL, 'f'}, {"fences", 1, NULL, 'g'},
		{"truth", 1, NULL, 't'},     {"dump", 1, NULL, 'd'},   {"table", 0, NULL, 'T'},
		{"play-only", 0, NULL, 'p'}, {NULL, 0, NULL, 0},
	};
	*o = (struct options){.folder = scenes_folder(), .fences = scenes_fences(), .seed = 1, .background = 12};
	for (int c; (c = getopt_long(argc, argv, "", longs, NULL)) != -1;) {
		switch (c) {
		case 'z':
			o->zayton = optarg;
			break;
		case 's':
			o->seed = strtoull(optarg, NULL, 10);
			break;
		case 'b':
			o->background = (unsigned)atoi(optarg);
			break;
		case 'r':
			o->rules = optarg;
			break;
		case 'f':
			o->folder = optarg;
			break;
		case 'g':
			o->fences = optarg;
			break;
		case 't':
			o->truth = optarg;
			break;
		case 'd':
			o->dump = optarg;
			break;
		case 'T':
			o->table = true;
			break;
		case 'p':
			o->play_only = true;
			break;
		default:
			return false;
		}
	}
	return o->zayton || o->table || o->dump || o->truth;
}

int scenes_main(int argc, char **argv)
{
	struct options o;
	struct stage s = {.options = &o};
	if (!parse(argc, argv, &o))
		return usage();
	int result = scene_play_open(&s.play, o.folder, clock_now_ms(), FLOATING_DAY, o.seed) ? 1 : 0;
	if (!result && o.dump)
		result = dump(&s.play, o.dump);
	if (!result && o.truth)
		result = write_truth(&s.play, o.truth);
	if (!result && o.table)
		result = print_table(&s.play, &o);
	else if (!result && o.zayton)
		result = play_and_judge(&s);
	scene_play_close(&s.play);
	return result;
}
