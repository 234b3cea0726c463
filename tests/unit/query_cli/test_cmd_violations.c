/* Questions about violations, of a closed store and of one that is served: the same words, the same answer. */
#include <criterion/criterion.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "engine/core/log.h"
#include "engine/fleet/engine.h"
#include "query/cli/cli.h"
#include "query/cli/table_out.h"
#include "query/http/http.h"

/* 2026-03-14 08:00 in China */
#define BEGIN_MS INT64_C(1773446400000)

static char folder[64];

static int remove_one(const char *path, const struct stat *seen, int kind, struct FTW *at)
{
	(void)seen, (void)kind, (void)at;
	return remove(path);
}

static char *text_of_file(const char *path)
{
	static char text[1 << 18];
	FILE *f = fopen(path, "r");
	cr_assert_not_null(f, "%s", path);
	text[fread(text, 1, sizeof text - 1, f)] = '\0';
	fclose(f);
	return text;
}

static void expect_in(const char *path, const char *part)
{
	const char *text = text_of_file(path);
	cr_expect_not_null(strstr(text, part), "\"%s\" is not in %s:\n%.3000s", part, path, text);
}

/* What it prints is in the files "stdout" and "stderr". */
static int run(char *words)
{
	char *argv[32];
	int argc = 0;
	cr_assert(freopen("stdout", "w", stdout) && freopen("stderr", "w", stderr));
	for (char *word = strtok(words, " "); word; word = strtok(NULL, " "))
		argv[argc++] = word;
	argv[argc] = NULL;
	int code = cmd_query(argc, argv);
	fflush(stdout);
	fflush(stderr);
	return code;
}
#define RUN(words) run((char[]){"query " words})

static struct finding finding_of(uint64_t device, int i)
{
	struct finding f = {.subject = device, .device = device, .kind = RULE_DWELL, .confidence = CONFIDENCE_HIGH};
	strcpy(f.rule, "no-stop");
	snprintf(f.fence, sizeof f.fence, "lane-%d", i % 3);
	f.start_ms = BEGIN_MS + i * INT64_C(3600000);
	f.end_ms = f.found_ms = f.start_ms + 60000;
	f.start_lat_e7 = f.end_lat_e7 = 249000000 + i;
	f.start_lon_e7 = f.end_lon_e7 = 1186000000;
	for (unsigned n = 0; n < FINDING_NUMBER_COUNT; n++)
		f.numbers[n] = NUMBER_UNKNOWN;
	return f;
}

static void fill(struct engine *e)
{
	uint64_t device = device_id(DEVICE_KIND_JT808, span_of_string("13900000001"));
	struct registry_change plate = {DEVICE_FIELD_PLATE, span_of_string("2:闽C12345")};
	cr_assert_eq(
		registry_apply(engine_registry(e), device, DEVICE_KIND_JT808, &plate, 1, BEGIN_MS - 1000, "t", NULL),
		STATUS_OK);
	for (int i = 0; i < 20; i++) {
		struct told_finding told = {finding_of(device, i), {BEGIN_MS + i * INT64_C(3600000) + 60000, 1}};
		struct replacement r = {.subject = device,
					.stage = 1,
					.scope = REPLACE_TOLD,
					.keep_before_ms = INT64_MIN,
					.findings = &told,
					.finding_count = 1,
					.now_ms = told.finding.found_ms};
		cr_assert_eq(findings_replace(engine_findings(e), &r, NULL, NULL), STATUS_OK);
	}
}

static void make_store(void)
{
	struct engine *e;
	log_set_level(LOG_ERROR);
	snprintf(folder, sizeof folder, "/tmp/zayton-violations-cli-XXXXXX");
	cr_assert(mkdtemp(folder) && chdir(folder) == 0);
	struct engine_options o = engine_options_default("data");
	o.create = true;
	cr_assert_eq(engine_open(&o, &e), STATUS_OK);
	fill(e);
	engine_close(e);
}

static void remove_folder(void)
{
	cr_assert(chdir("/") == 0);
	nftw(folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

TestSuite(cmd_violations, .init = make_store, .fini = remove_folder, .timeout = 120);

Test(cmd_violations, are_listed_in_every_format)
{
	cr_expect_eq(RUN("violations --data data"), 0);
	expect_in("stdout", "1        2026-03-14 08:00:00  no-stop                2:闽C12345         lane-0");
	expect_in("stdout", "2026-03-15 03:00:00");
	cr_expect_eq(RUN("violations --data data --fence lane-2 --format ndjson"), 0);
	expect_in("stdout", "{\"id\":3,");
	cr_expect_null(strstr(text_of_file("stdout"), "{\"id\":4,"));
	cr_expect_eq(RUN("violations --data data --format json --limit 1"), 0);
	expect_in("stdout", "],\"next\":\"");
	cr_expect_eq(RUN("violations --data data --format csv --authority traffic_police"), 0);
	expect_in("stdout", "\r\n20,no-stop,");
	cr_expect_eq(RUN("violations --data data --format geojson --bbox 118,24.9,119,24.9"), 0);
	expect_in("stdout", "{\"type\":\"FeatureCollection\"");
	cr_expect_null(strstr(text_of_file("stdout"), "\"id\":2,"), "the box holds its border and no more");
}

/* A time without a zone is that of China, and a plate names the vehicle of then. */
Test(cmd_violations, times_are_of_china)
{
	cr_expect_eq(RUN("violations --data data --from 2026-03-14T10:00:00 --to 2026-03-14T11:00:00 --plate 闽C12345 "
			 "--format ndjson"),
		     0);
	expect_in("stdout", "{\"id\":3,");
	expect_in("stdout", "{\"id\":4,");
	cr_expect_null(strstr(text_of_file("stdout"), "{\"id\":5,"));
}

Test(cmd_violations, one_comes_with_what_happened)
{
	cr_expect_eq(RUN("violation 2 --data data"), 0);
	expect_in("stdout", "start_ms                    2026-03-14 09:00:00\n");
	expect_in("stdout", "history.1.event_zh          产生\n");
	cr_expect_eq(RUN("violation 2 --data data --format json"), 0);
	expect_in("stdout", "\"history\":[");
	cr_expect_eq(RUN("violation 99 --data data"), 1);
	expect_in("stderr", "no-such-violation");
}

Test(cmd_violations, are_counted_and_ranked)
{
	cr_expect_eq(RUN("counts --by state --and fence --data data"), 0);
	expect_in("stdout", "待核                           lane-0                         7           0\n");
	cr_expect_eq(RUN("counts --by day --data data --format json"), 0);
	expect_in("stdout", "{\"key\":\"2026-03-14\",\"count\":16,\"handled\":0}");
	cr_expect_eq(RUN("top --by fence --period day --first 1 --data data"), 0);
	expect_in("stdout", "2026-03-14   1          lane-0                         6           0\n");
	cr_expect_eq(RUN("top --by plate --data data --format csv"), 0);
	expect_in("stdout", ",1,2:闽C12345,,20,0\r\n");
}

Test(cmd_violations, an_evidence_sheet_is_a_whole_file_and_on_record)
{
	cr_expect_eq(RUN("evidence 1 -o sheet.html --case 泉公2026-1 --data data"), 0);
	expect_in("sheet.html", "</html>");
	cr_expect_eq(RUN("evidence 1 --output sheet.json --format json --data data"), 0);
	expect_in("sheet.json", "\"no-stop\"");
	cr_expect_eq(RUN("evidence 99 -o none.html --data data"), 1);
	cr_expect_neq(access("none.html", F_OK), 0);
	cr_expect_neq(access("none.html.part", F_OK), 0);
	cr_expect_eq(RUN("evidence 1 --data data"), 2, "no file");
}

Test(cmd_violations, a_server_answers_the_same)
{
	struct engine *e;
	struct http *h;
	char words[256], *closed;
	static const char *const questions[] = {"violations --format ndjson", "violation 3",
						"counts --by fence --and day", "top --by fence --period week",
						"violations --state confirmed"};
	for (size_t i = 0; i < sizeof questions / sizeof questions[0]; i++) {
		snprintf(words, sizeof words, "query %s --data data", questions[i]);
		cr_expect_eq(run(words), 0);
		closed = strdup(text_of_file("stdout"));
		struct engine_options o = engine_options_default("data");
		cr_assert_eq(engine_open(&o, &e), STATUS_OK);
		struct http_options options = http_options_default(e);
		cr_assert_eq(http_new(&options, &h), STATUS_OK);
		cr_assert_eq(http_start(h), STATUS_OK);
		snprintf(words, sizeof words, "query %s --server http://127.0.0.1:%u", questions[i], http_port(h));
		cr_expect_eq(run(words), 0);
		cr_expect_str_eq(text_of_file("stdout"), closed, "%s", questions[i]);
		cr_expect_eq(RUN("violations --data data"), 0, "reading beside a server is allowed");
		http_free(h);
		engine_close(e);
		free(closed);
	}
}

Test(cmd_violations, words_that_are_wrong_are_refused)
{
	cr_expect_eq(RUN("violations"), 2);
	cr_expect_eq(RUN("violations --data data --server http://x"), 2);
	cr_expect_eq(RUN("violations --data data --by rule"), 2);
	cr_expect_eq(RUN("violations --data data --format gpx"), 2);
	cr_expect_eq(RUN("violations --data data --from yesterday"), 2);
	cr_expect_eq(RUN("violations more --data data"), 2);
	cr_expect_eq(RUN("violation --data data"), 2);
	cr_expect_eq(RUN("violation 1x --data data"), 2);
	cr_expect_eq(RUN("counts --data data --by colour"), 2, "the server says so");
	expect_in("stderr", "\"parameter\":\"by\"");
	cr_expect_eq(RUN("violations --data nowhere"), 1);
}

Test(cmd_violations, chinese_is_two_columns_wide)
{
	cr_expect_eq(text_columns(span_of_string("")), 0);
	cr_expect_eq(text_columns(span_of_string("a闽C，")), 6);
	cr_expect_eq(text_columns(span_of_string("é\xff")), 2);
	cr_expect_eq(text_columns(span_of_string("𠀀")), 2);
}
