/* A closed store judged: fences put into it, findings of it recomputed, compared and tried under other rules. */
#include <criterion/criterion.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/core/hash.h"
#include "engine/fleet/engine.h"
#include "query/cli/cli.h"

/* 2026-03-14 08:00 in China, and when all is over */
#define BEGIN_MS INT64_C(1773446400000)
#define END_MS (BEGIN_MS + 3600000)
#define AS_OF "2026-03-14T09:00:00+08:00"

static char folder[64];

static int remove_one(const char *path, const struct stat *seen, int kind, struct FTW *at)
{
	(void)seen, (void)kind, (void)at;
	return remove(path);
}

static void remove_folder(void)
{
	cr_assert(chdir("/") == 0);
	nftw(folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static void write_file(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");
	cr_assert(f && fputs(text, f) >= 0 && fclose(f) == 0);
}

static void expect_in(const char *path, const char *part)
{
	static char text[1 << 16];
	FILE *f = fopen(path, "r");
	cr_assert_not_null(f);
	text[fread(text, 1, sizeof text - 1, f)] = '\0';
	fclose(f);
	cr_expect_not_null(strstr(text, part), "\"%s\" is not in %s:\n%.2000s", part, path, text);
}

/* Run a command from its words; what it prints is in the files "stdout" and "stderr". */
static int run(int (*command)(int, char **), char *words)
{
	char *argv[32];
	int argc = 0;
	cr_assert(freopen("stdout", "w", stdout) && freopen("stderr", "w", stderr));
	for (char *word = strtok(words, " "); word; word = strtok(NULL, " "))
		argv[argc++] = word;
	argv[argc] = NULL;
	int code = command(argc, argv);
	fflush(stdout);
	fflush(stderr);
	return code;
}
/* strtok writes: each call has a copy of its own */
#define RUN(command, words) run(command, (char[]){words})

/* --- a store: one truck in a zone, at 70, 50 and 70 km/h for a quarter of an hour each ---
 * so many reports that states are kept on the way, and judging goes on from there */

#define ZONE                                                                                                           \
	"{\"type\":\"FeatureCollection\",\"features\":[\n{\"type\":\"Feature\",\"properties\":{\"id\":\"zone\","       \
	"\"tags\":\"speed_zone\",\"limit_kmh\":40,\"valid_from\":\"2026-01-01\"},\"geometry\":{\"type\":\"Polygon\","  \
	"\"coordinates\":[[[118,24],[119,24],[119,25],[118,25],[118,24]]]}}\n]}\n"

#define RULES(limit)                                                                                                    \
	"[speeding]\nkind = overspeed\ntitle = 超速 | Speeding\nsource = test\nwhere = tag:speed_zone\nhold = 60 s\n" \
	"limit = " limit " km/h\n"

static void write_tracks(void)
{
	FILE *f = fopen("tracks.csv", "w");
	cr_assert(f && fputs("device,time,lat,lon,speed\n", f) >= 0);
	for (int i = 0; i < 2700; i++)
		fprintf(f, "truck,2026-03-14T08:%02d:%02d+08:00,24.5,118.5%04d,%d\n", i / 60, i % 60, i,
			i / 900 == 1 ? 50 : 70);
	cr_assert(fclose(f) == 0);
}

static void judge_store(void)
{
	struct engine *e;
	struct engine_options options = engine_options_default("data");
	cr_assert_eq(engine_open(&options, &e), STATUS_OK);
	cr_assert_eq(engine_start(e), STATUS_OK);
	cr_assert_eq(engine_judge_settle(e, END_MS), STATUS_OK);
	engine_stop(e);
	engine_close(e);
}

static void put_rules(const char *text)
{
	struct engine *e;
	struct engine_options options = engine_options_default("data");
	cr_assert_eq(engine_open(&options, &e), STATUS_OK);
	cr_assert_eq(context_put_rules(engine_context(e), span_of_string(text), BEGIN_MS - 1000, "test", NULL, NULL),
		     STATUS_OK);
	engine_close(e);
}

static void make_store(void)
{
	snprintf(folder, sizeof folder, "/tmp/zayton-judging-XXXXXX");
	cr_assert(mkdtemp(folder) && chdir(folder) == 0);
	write_tracks();
	write_file("zone.geojson", ZONE);
	cr_assert_eq(RUN(cmd_import, "import tracks tracks.csv --data data"), 0);
	put_rules(RULES("60"));
	judge_store();
	cr_assert_eq(RUN(cmd_import, "import fences zone.geojson --data data"), 0);
	expect_in("stdout", " 1\n");
}

TestSuite(cmd_judging, .init = make_store, .fini = remove_folder, .timeout = 120);

/* --- fences --- */

Test(cmd_judging, every_refused_fence_is_told_and_the_others_are_taken)
{
	write_file(
		"bad.geojson",
		"{\"type\":\"FeatureCollection\",\"features\":[\n"
		"{\"type\":\"Feature\",\"properties\":{\"id\":\"ok\",\"radius_m\":50},\"geometry\":"
		"{\"type\":\"Point\",\"coordinates\":[118.5,24.5]}},\n"
		"{\"type\":\"Feature\",\"properties\":{\"id\":\"bow\"},\"geometry\":{\"type\":\"Polygon\","
		"\"coordinates\":[[[118,24],[118.01,24.01],[118.01,24],[118,24.01],[118,24]]]}},\n"
		"{\"type\":\"Feature\",\"properties\":{\"radius_m\":50},\"geometry\":"
		"{\"type\":\"Point\",\"coordinates\":[118.5,24.5]}}\n,"
		"{\"type\":\"Feature\",\"properties\":{\"id\":\"zone\",\"radius_m\":50,\"valid_from\":\"2025-01-01\"},"
		"\"geometry\":{\"type\":\"Point\",\"coordinates\":[118.5,24.5]}}\n]}\n");
	cr_expect_eq(RUN(cmd_import, "import fences bad.geojson --data data"), 1);
	expect_in("stderr", "line 3: feature 2 \"bow\": geometry: self-intersection");
	expect_in("stderr", "line 行 4: feature 要素 3 \"\": an id");
	expect_in("stderr", "63 bytes is needed | 需要不超过 63 字节的编号\n");
	expect_in("stderr", "feature 要素 4 \"zone\": a later version of it exists | 已有更晚的版本\n");
	expect_in("stdout", "refused 拒绝        3");
	expect_in("stdout", "taken 写入          1");
	cr_expect_eq(RUN(cmd_import, "import fences bad.geojson --repair --data data"), 1);
	expect_in("stdout", "refused 拒绝        2");
	cr_expect_eq(RUN(cmd_import, "import fences zone.geojson --crs EPSG:1 --data data"), 1);
	cr_expect_eq(RUN(cmd_import, "import fences nowhere.geojson --data data"), 1);
	cr_expect_eq(RUN(cmd_import, "import fences zone.geojson"), 2);
}

/* --- replay --- */

Test(cmd_judging, what_changed_in_a_closed_store_differs_until_it_is_served)
{
	cr_expect_eq(RUN(cmd_replay, "replay --data data --compare --as-of " AS_OF), 1);
	expect_in("stdout", "standing 库内 0");
	expect_in("stderr", "\"rule\":\"speeding\"");
	judge_store();
	cr_expect_eq(RUN(cmd_replay, "replay --data data --compare --as-of " AS_OF), 0);
	expect_in("stdout", "replay 重算 2, standing 库内 2");
	cr_expect_eq(RUN(cmd_replay, "replay --data data --compare --threads 3"), 0);
	put_rules(RULES("40"));
	cr_expect_eq(RUN(cmd_replay, "replay --data data --compare --as-of " AS_OF), 1);
	expect_in("stderr", "first difference 首处不同: 1\n");
	judge_store();
	cr_expect_eq(RUN(cmd_replay, "replay --data data --compare --as-of " AS_OF), 0);
	expect_in("stdout", "replay 重算 1, standing 库内 1");
}

Test(cmd_judging, findings_are_printed_a_line_each_and_only_of_the_span_asked_for)
{
	cr_expect_eq(RUN(cmd_replay, "replay --data data --as-of " AS_OF), 0);
	expect_in("stdout", "{\"rule\":\"speeding\",\"kind\":\"overspeed\"");
	expect_in("stdout", "\"fence\":\"zone\",\"start_ms\":1773446400000,");
	cr_expect_eq(
		RUN(cmd_replay, "replay --data data --format summary --from 2026-03-14T08:10:00+08:00 --as-of " AS_OF),
		0);
	expect_in("stdout", "findings 线索 1");
	cr_expect_eq(RUN(cmd_replay, "replay --data data --format summary --as-of 2026-03-14T08:15:00+08:00"), 0);
	expect_in("stdout", "reports 报文 901, findings 线索 1");
}

Test(cmd_judging, other_rules_are_counted_against_what_stands)
{
	judge_store();
	write_file("other.rules", RULES("40"));
	cr_expect_eq(RUN(cmd_replay, "replay --data data --rules other.rules --as-of " AS_OF), 0);
	/* one long finding instead of two: it meets both */
	expect_in("stdout", "speeding                          1          2          1          0          0");
	write_file("other.rules", RULES("90"));
	cr_expect_eq(RUN(cmd_replay, "replay --data data --rules other.rules --as-of " AS_OF), 0);
	expect_in("stdout", "speeding                          0          2          0          2          0");
	write_file("other.rules", RULES("90") "nonsense = 1\n[x]\nkind = none\n");
	cr_expect_eq(RUN(cmd_replay, "replay --data data --rules other.rules"), 1);
	expect_in("stderr", "other.rules:8:");
	expect_in("stderr", "other.rules:10:");
}

Test(cmd_judging, words_that_are_wrong_are_refused)
{
	cr_expect_eq(RUN(cmd_replay, "replay"), 2);
	cr_expect_eq(RUN(cmd_replay, "replay --data data --threads 0"), 2);
	cr_expect_eq(RUN(cmd_replay, "replay --data data --from yesterday"), 2);
	cr_expect_eq(RUN(cmd_replay, "replay --data data --format xml"), 2);
	cr_expect_eq(RUN(cmd_replay, "replay --data data --compare --rules x"), 2);
	cr_expect_eq(RUN(cmd_replay, "replay --data nowhere"), 1);
}

/* --- nothing is written --- */

static uint64_t print;

/* sums, for the order of a folder is nobody's */
static int add_entry(const char *path, const struct stat *seen, int kind, struct FTW *at)
{
	struct buf text = buf_init(64u << 20);
	(void)at;
	cr_assert_eq(buf_append(&text, path, strlen(path)), STATUS_OK);
	cr_assert_eq(buf_append_be64(&text, (uint64_t)seen->st_mtim.tv_sec), STATUS_OK);
	cr_assert_eq(buf_append_be64(&text, (uint64_t)seen->st_mtim.tv_nsec), STATUS_OK);
	FILE *f = kind == FTW_F ? fopen(path, "r") : NULL;
	char piece[4096];
	for (size_t n; f && (n = fread(piece, 1, sizeof piece, f));)
		cr_assert_eq(buf_append(&text, piece, n), STATUS_OK);
	if (f)
		fclose(f);
	print += hash64(buf_view(&text));
	buf_deinit(&text);
	return 0;
}

static uint64_t print_of_store(void)
{
	print = 0;
	nftw("data", add_entry, 16, FTW_PHYS);
	return print;
}

Test(cmd_judging, a_replay_leaves_every_file_as_it_was)
{
	uint64_t before = print_of_store();
	cr_assert_eq(RUN(cmd_replay, "replay --data data --as-of " AS_OF), 0);
	cr_assert_eq(RUN(cmd_replay, "replay --data data --compare --as-of " AS_OF), 1);
	cr_expect_eq(print_of_store(), before);
	judge_store();
	cr_expect_neq(print_of_store(), before, "the print would not show a change");
}
