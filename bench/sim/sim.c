/* sim.c -- a fleet of JT/T 808 terminals against a real server.
 *
 *   zayton_sim demo --zayton PROGRAM --data DIR   starts the server, drives the fleet, plays the scenarios (scenes.h),
 *                                                 shows what happens
 *   zayton_sim run  --port N --http N             drives the fleet against a server that runs already
 *   zayton_sim scenes ...                         plays the scenarios alone, compares and exits
 *
 * Ends on Ctrl-C or after --for seconds, asks every acknowledged report back, and says with its exit status
 * whether all of them were there. */
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "bench/sim/drive_source.h"
#include "bench/sim/fleet.h"
#include "bench/sim/http_get.h"
#include "bench/sim/scene_play.h"
#include "bench/sim/scenes.h"
#include "bench/sim/sea_drive.h"
#include "bench/sim/sensors.h"
#include "bench/sim/server.h"
#include "engine/core/clock.h"

struct options {
	const char *zayton, *data, *broker;
	int port, http;
	unsigned terminals;
	int seconds, interval_s;
	uint64_t seed;
	bool demo, from_now, no_scenes, no_sensors;
};

struct sim {
	struct options options;
	struct server server;
	struct fleet fleet;
	struct drive_source *drives;
	struct scene_play play;
	struct sensors sensors;
	struct sea_drive sea;
	uint64_t boat_reports;
	bool with_scenes, fresh; /* fresh: the demo's store did not exist before */
	int64_t begin_ms, shown_ms;
	uint64_t shown_acknowledged;
};

/* --- what is shown --- */

struct facts {
	double reports, blocks, sealed_reports, sealed_bytes, p50_us, p99_us, findings;
};

static void take_metric(void *context, char *line, size_t size)
{
	struct facts *f = context;
	static const char *const names[] = {"zayton_reports_total ",        "zayton_sealed_blocks_total ",
					    "zayton_sealed_reports_total ", "zayton_sealed_bytes_total ",
					    "zayton_commit_p50_us ",        "zayton_commit_p99_us ",
					    "zayton_findings_raised_total "};
	double *values[] = {&f->reports, &f->blocks, &f->sealed_reports, &f->sealed_bytes,
			    &f->p50_us,  &f->p99_us, &f->findings};
	(void)size;
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (!strncmp(line, names[i], strlen(names[i])))
			*values[i] = strtod(line + strlen(names[i]), NULL);
}

static struct facts server_facts(struct sim *s)
{
	struct facts f = {0};
	int code;
	if (http_get(s->options.http, "/metrics", &code, take_metric, &f))
		f.reports = 0;
	return f;
}

static double behind_minutes(const struct sim *s, int64_t now_ms)
{
	double sum = 0;
	for (unsigned i = 0; i < s->options.terminals; i++)
		sum += (double)(now_ms - s->drives[i].next_ms);
	double minutes = sum / s->options.terminals / 60000;
	return minutes > 0 ? minutes : 0;
}

static void show(void *context)
{
	struct sim *s = context;
	const struct sim_counters *c = &s->fleet.counters;
	int64_t now_ms = clock_now_ms();
	s->boat_reports += sea_drive_until(&s->sea, now_ms);
	struct facts f = server_facts(s);
	double seconds = (double)(now_ms - s->shown_ms) / 1000;
	double rate = seconds > 0 ? (double)(c->acknowledged - s->shown_acknowledged) / seconds : 0;
	s->shown_ms = now_ms;
	s->shown_acknowledged = c->acknowledged;
	printf("connected 在线 %llu | reports/s 上报 %.0f | acknowledged 已应答 %llu | stored 已入库 %.0f | "
	       "boats 船舶上报 %llu | bytes/point "
	       "字节/点 %.2f | violations 疑似违法 %.0f | ack p50/p99 %.1f/%.1f ms | behind now 追补 %.0f min\n",
	       (unsigned long long)c->connected, rate, (unsigned long long)c->acknowledged, f.reports,
	       (unsigned long long)s->boat_reports, f.sealed_reports > 0 ? f.sealed_bytes / f.sealed_reports : 0,
	       f.findings, f.p50_us / 1000, f.p99_us / 1000, behind_minutes(s, now_ms));
	fflush(stdout);
}

/* --- driving --- */

/* This morning, 06:00 in Quanzhou; the morning before when that is not six hours ago: there shall be blocks to see. */
static int64_t this_morning(int64_t now_ms)
{
	int64_t local = now_ms + CHINA_OFFSET_MS;
	int64_t morning = local - local % MS_PER_DAY + 6 * MS_PER_HOUR;
	if (morning > local - 6 * MS_PER_HOUR)
		morning -= MS_PER_DAY;
	return morning - CHINA_OFFSET_MS;
}

static void make_drives(struct sim *s)
{
	const struct options *o = &s->options;
	s->drives = calloc(o->terminals, sizeof *s->drives);
	if (!s->drives)
		abort();
	for (unsigned i = 0; i < o->terminals; i++) {
		struct terminal_identity identity;
		drive_source_init(&s->drives[i], i, o->seed, s->begin_ms, INT64_MAX, o->interval_s);
		drive_source_identity(&s->drives[i], &identity);
		terminal_init(&s->fleet.terminals[i], &identity,
			      (struct terminal_source){drive_source_next, &s->drives[i]}, &s->fleet.options,
			      &s->fleet.counters);
	}
}

/* Boats of the demo, from an hour and a half ago on: Beidou beacons have then a track to see. */
#define SEA_BEGINS_MS (90 * MS_PER_MINUTE)

static void begin_sea(struct sim *s)
{
	s->sea.fd = -1;
	if (s->options.demo &&
	    sea_drive_begin(&s->sea, s->options.http, s->options.seed, (clock_now_ms() - SEA_BEGINS_MS) / 1000 * 1000))
		printf("without boats 无船舶\n");
}

static void drive_fleet(struct sim *s)
{
	const struct options *o = &s->options;
	int64_t now_ms = s->shown_ms = clock_now_ms();
	s->begin_ms = o->from_now ? now_ms / 1000 * 1000 : this_morning(now_ms);
	fleet_init(&s->fleet, o->terminals + (s->with_scenes ? scene_play_terminal_count(&s->play) : 0), o->port,
		   o->http);
	s->fleet.ends_ms = o->seconds ? now_ms + (int64_t)o->seconds * 1000 : 0;
	s->fleet.show = show;
	s->fleet.context = s;
	make_drives(s);
	if (o->demo && !o->no_sensors)
		(void)sensors_begin(&s->sensors, o->http, s->begin_ms, o->seed, o->broker);
	if (s->with_scenes)
		scene_play_terminals(&s->play, &s->fleet, o->terminals);
	fleet_run(&s->fleet);
}

/* --- scenarios besides --- */

/* A store that goes on from an earlier demo has that demo's scenes: they are played as they were then, and every
 * report of them is one it knows. FOLDER.scenes remembers the instant and the seed; `fresh`: there is no such store. */
static void recall_scenes(const struct options *o, bool fresh, int64_t *now_ms, uint64_t *seed)
{
	char path[4096];
	long long then_ms;
	unsigned long long then_seed;
	snprintf(path, sizeof path, "%s.scenes", o->data);
	FILE *f = fresh ? NULL : fopen(path, "r");
	bool known = f && fscanf(f, "%lld %llu", &then_ms, &then_seed) == 2;
	if (f)
		fclose(f);
	*now_ms = known ? then_ms : clock_now_ms();
	*seed = known ? then_seed : o->seed;
	if (known || !(f = fopen(path, "w")))
		return;
	fprintf(f, "%lld %llu\n", (long long)*now_ms, (unsigned long long)*seed);
	fclose(f);
}

/* Without them when the server does not take them in: the drives are shown all the same. */
static void begin_scenes(struct sim *s)
{
	int64_t now_ms;
	uint64_t seed;
	if (!s->options.demo || s->options.no_scenes)
		return;
	recall_scenes(&s->options, s->fresh, &now_ms, &seed);
	s->with_scenes = scene_play_open(&s->play, scenes_folder(), now_ms, 0, seed) == 0 &&
			 scene_play_tell(&s->play, s->options.http, scenes_fences(), NULL) == 0 &&
			 scene_play_boats(&s->play, s->options.http) == 0 &&
			 scene_play_streams(&s->play, s->options.http, seed) == 0;
	if (s->with_scenes && s->fresh && !s->options.no_sensors &&
	    sensors_register(scene_book_add(&s->play.book, SENSORS_SCENE), s->options.http))
		s->with_scenes = false;
	if (!s->with_scenes)
		printf("without scenarios 无情景\n");
}

/* The sensors' scene is the last one. 0: all that was played to its end was found, and nothing else. */
static int end_scenes(struct sim *s)
{
	struct truth_totals totals = {0};
	if (s->with_scenes && s->fresh && s->sensors.running)
		sensors_truth(&s->sensors, &s->play.book.scenes[s->play.book.count - 1]);
	if (s->with_scenes && !scene_play_is_done(&s->play))
		printf("the scenarios were not played to their end 情景未播完\n");
	else if (s->with_scenes && !scene_play_judge(&s->play, s->options.http, s->fresh, &totals))
		printf("scenarios 情景: %zu truths, found 检出 %zu, missed 漏报 %zu, false 误报 %zu\n", totals.truths,
		       totals.found, totals.missed, totals.wrong);
	scene_play_close(&s->play);
	return totals.missed || totals.wrong ? 1 : 0;
}

/* --- main --- */

static int usage(void)
{
	fprintf(stderr, "usage: zayton_sim demo --zayton PROGRAM --data DIR [options]\n"
			"       zayton_sim run --port N --http N [options]\n"
			"       zayton_sim scenes ...\n"
			"  --terminals N    how many (600)\n"
			"  --for SECONDS    end by itself; without it, on Ctrl-C\n"
			"  --interval S     seconds between reports (10)\n"
			"  --seed N         the same seed drives the same fleet (1)\n"
			"  --from-now       begin now instead of this morning\n"
			"  --no-scenes      drives alone\n"
			"  --no-sensors     no fire monitors, water, rain\n"
			"  --broker H:P     an MQTT broker: a charger publishes there\n");
	return 2;
}

static int parse(int argc, char **argv, struct options *o)
{
	static const struct option longs[] = {
		{"zayton", 1, NULL, 'z'},    {"data", 1, NULL, 'd'},       {"port", 1, NULL, 'p'},
		{"http", 1, NULL, 'h'},      {"terminals", 1, NULL, 't'},  {"for", 1, NULL, 'f'},
		{"interval", 1, NULL, 'i'},  {"seed", 1, NULL, 's'},       {"from-now", 0, NULL, 'n'},
		{"no-scenes", 0, NULL, 'S'}, {"no-sensors", 0, NULL, 'N'}, {"broker", 1, NULL, 'b'},
		{NULL, 0, NULL, 0},
	};
	*o = (struct options){.terminals = 600, .interval_s = 10, .seed = 1};
	if (argc < 2 || (strcmp(argv[1], "demo") && strcmp(argv[1], "run")))
		return 0;
	o->demo = !strcmp(argv[1], "demo");
	for (int c; (c = getopt_long(argc - 1, argv + 1, "", longs, NULL)) != -1;) {
		switch (c) {
		case 'z':
			o->zayton = optarg;
			break;
		case 'd':
			o->data = optarg;
			break;
		case 'p':
			o->port = atoi(optarg);
			break;
		case 'h':
			o->http = atoi(optarg);
			break;
		case 't':
			o->terminals = (unsigned)atoi(optarg);
			break;
		case 'f':
			o->seconds = atoi(optarg);
			break;
		case 'i':
			o->interval_s = atoi(optarg);
			break;
		case 's':
			o->seed = strtoull(optarg, NULL, 10);
			break;
		case 'n':
			o->from_now = true;
			break;
		case 'S':
			o->no_scenes = true;
			break;
		case 'N':
			o->no_sensors = true;
			break;
		case 'b':
			o->broker = optarg;
			break;
		default:
			return 0;
		}
	}
	bool server = o->demo ? o->zayton && o->data : o->port > 0 && o->http > 0;
	return server && o->terminals > 0 && o->interval_s > 0 && o->seconds >= 0;
}

static bool begin_demo(struct sim *s)
{
	struct options *o = &s->options;
	if (!o->demo)
		return true;
	scenes_make_parents(o->data);
	s->fresh = access(o->data, F_OK) != 0;
	char sites[4096] = "";
	if (!o->no_sensors && !sensors_write_file(o->data, o->broker))
		snprintf(sites, sizeof sites, "%s.sites", o->data);
	if (server_start(&s->server, o->zayton, o->data, sites))
		return false;
	o->port = s->server.jt808_port;
	o->http = s->server.http_port;
	printf("zayton 演示数据 demo data | terminals 终端接入 127.0.0.1:%d | open 打开 "
	       "http://127.0.0.1:%d/\n",
	       o->port, o->http);
	return true;
}

static void raise_file_limit(void)
{
	struct rlimit files;
	if (getrlimit(RLIMIT_NOFILE, &files))
		return;
	files.rlim_cur = files.rlim_max;
	setrlimit(RLIMIT_NOFILE, &files);
}

int main(int argc, char **argv)
{
	struct sim s = {0};
	signal(SIGPIPE, SIG_IGN);
	raise_file_limit();
	if (argc > 1 && !strcmp(argv[1], "scenes"))
		return scenes_main(argc - 1, argv + 1);
	if (!parse(argc, argv, &s.options))
		return usage();
	if (!begin_demo(&s))
		return 1;
	begin_scenes(&s);
	begin_sea(&s);
	drive_fleet(&s);
	int64_t from_ms = s.with_scenes && s.play.from_ms < s.begin_ms ? s.play.from_ms : s.begin_ms;
	int result = fleet_read_back(&s.fleet, from_ms - MS_PER_DAY, clock_now_ms() + MS_PER_DAY);
	if (s.options.demo && !s.options.no_sensors)
		result |= sensors_end(&s.sensors);
	result |= end_scenes(&s);
	sea_drive_end(&s.sea);
	if (s.options.demo && server_stop(&s.server))
		result = 1;
	fleet_deinit(&s.fleet);
	free(s.drives);
	return result;
}
