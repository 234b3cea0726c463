/* The real program and curl: line protocol as agents send it, killed and asked again, tables in and the same rows out.
 */
#include <criterion/criterion.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "rig.h"

TestSuite(series, .timeout = 300);

static const char *const open_words[] = {"--streams", "open", NULL};

/* What a line of shell prints. */
static char *shell(const char *format, ...) __attribute__((format(printf, 1, 2)));
static char *shell(const char *format, ...)
{
	char command[4096];
	va_list list;
	va_start(list, format);
	vsnprintf(command, sizeof command, format, list);
	va_end(list);
	struct run r = rig_run((const char *const[]){"sh", "-c", command, NULL}, NULL);
	cr_assert_eq(r.code, 0, "%s: %s", command, r.err);
	char *out = strdup(r.out);
	run_free(&r);
	return out;
}

static void expect_in(char *text, const char *part)
{
	cr_assert_not_null(strstr(text, part), "'%s' is not in: %s", part, text);
	free(text);
}

static void expect_rows(const struct server *s, const char *question, size_t count)
{
	struct answer a = HTTP_GET_OF(s, "%s", question);
	cr_assert_eq(a.code, 200, "%s", a.body);
	cr_assert_eq(text_count(a.body, "\"time\""), count, "%s: %s", question, a.body);
	answer_free(&a);
}

#define CURL "curl -s -m 20 -w '\\n%%{http_code}' "

Test(series, what_was_answered_204_is_there_after_a_kill_and_a_bad_line_costs_that_line)
{
	char *folder = rig_folder();
	struct server s = server_start(folder, open_words);
	expect_in(shell(CURL "--data-binary 'rain,site=dam1 value=1.5 1764000000\nrain,site=dam1 value=2.5 1764000010' "
			     "'http://127.0.0.1:%d/write?db=x&precision=s'",
			s.http),
		  "\n204");
	char *bad = shell(CURL "--data-binary 'rain,site=dam1 value=3.5 1764000020\nrain,site=dam1\nrain value=1\n"
			       "rain,site=dam1 value=4.5 1764000030' 'http://127.0.0.1:%d/write?db=x&precision=s'",
			  s.http);
	cr_assert_not_null(
		strstr(bad, "\"error\":\"partial write: unable to parse 'rain,site=dam1': missing fields dropped=2\""));
	expect_in(bad, "\n400");
	expect_in(shell("printf 'rain,site=dam1 value=5.5 1764000040000' | gzip | " CURL
			"-H 'Content-Encoding: gzip' -H 'Authorization: Token x' --data-binary @- "
			"'http://127.0.0.1:%d/api/v2/write?org=o&bucket=b&precision=ms' || true",
			s.http),
		  "401"); /* a token that nobody gave */
	expect_in(shell("printf 'rain,site=dam1 value=5.5 1764000040000' | gzip | " CURL
			"-H 'Content-Encoding: gzip' --data-binary @- "
			"'http://127.0.0.1:%d/api/v2/write?org=o&bucket=b&precision=ms'",
			s.http),
		  "\n204");
	expect_in(shell("printf 'not gzip' | " CURL "-H 'Content-Encoding: gzip' --data-binary @- "
			"'http://127.0.0.1:%d/api/v2/write'",
			s.http),
		  "\n400");
	expect_in(shell(CURL "--data-binary 'x' 'http://127.0.0.1:%d/api/v2/write?precision=week'", s.http),
		  "precision");
	server_stop(&s, SIGKILL);
	s = server_start(folder, open_words);
	expect_rows(&s, "/api/v1/series?stream=dam1/rain&from=1764000000000", 5);
	struct answer a =
		HTTP_GET_OF(&s, "/api/v1/series?stream=dam1/rain&from=1764000000000&to=1764000039999&step=20s&"
				"aggregate=sum,count&format=csv");
	cr_assert_not_null(strstr(a.body, ",2,4\r\n"));
	cr_assert_not_null(strstr(a.body, ",2,8\r\n"));
	answer_free(&a);
	cr_assert_eq(server_stop(&s, SIGTERM), 0);
	struct run r = RIG_ZAYTON("query", "series", "--data", folder, "--stream", "dam1/rain", "--from",
				  "1764000000000", "--format", "csv");
	cr_assert_eq(r.code, 0, "%s", r.err);
	cr_assert_eq(text_count(r.out, "\r\n"), 6, "%s", r.out);
	run_free(&r);
	rig_folder_remove(folder);
}

Test(series, a_stream_that_nobody_listed_is_refused_and_said)
{
	char *folder = rig_folder();
	struct server s = server_start(folder, NULL);
	char *answer = shell(CURL "--data-binary 'rain,site=dam1 value=1' 'http://127.0.0.1:%d/write'", s.http);
	cr_assert_not_null(strstr(answer, "partial write"));
	cr_assert_not_null(strstr(answer, "not on the list"));
	expect_in(answer, "\n400");
	struct answer a = http_ask(&s, "PUT",
				   "{\"site\":\"dam1\",\"quantity\":\"rain\",\"from\":\"always\","
				   "\"fields\":{\"unit\":\"mm\",\"range_max\":\"10\",\"interval\":\"10s\"}}",
				   "/api/v1/streams");
	cr_assert_eq(a.code, 200, "%s", a.body);
	answer_free(&a);
	expect_in(shell(CURL "--data-binary 'rain,site=dam1 value=1 1000\nrain,site=dam1 value=11 11000' "
			     "'http://127.0.0.1:%d/write?precision=ms'",
			s.http),
		  "\n204");
	a = HTTP_GET_OF(&s, "/api/v1/series?site=dam1&from=0&to=20000&step=20s&aggregate=max");
	cr_assert_not_null(strstr(a.body, "\"count\":1,\"max\":1}"), "out of range is out of the aggregate: %s",
			   a.body);
	answer_free(&a);
	a = HTTP_GET_OF(&s, "/api/v1/sites/availability?from=0&to=39999");
	cr_assert_not_null(strstr(a.body, "\"intervals\":4,\"intervals_filled\":1,\"availability_percent\":25.00"),
			   "%s", a.body);
	answer_free(&a);
	server_stop(&s, SIGTERM);
	rig_folder_remove(folder);
}

static void put(struct server *s, const char *path, const char *body)
{
	struct answer a = http_ask(s, "PUT", body, "%s", path);
	cr_assert_eq(a.code / 100, 2, "%s: %s", path, a.body);
	answer_free(&a);
}

/* The answer has every one of the pieces, ended by NULL. */
static void expect_pieces(struct server *s, const char *path, const char *const *pieces)
{
	struct answer a = http_ask(s, "GET", NULL, "%s", path);
	cr_assert_eq(a.code, 200, "%s: %s", path, a.body);
	for (; *pieces; pieces++)
		cr_expect_not_null(strstr(a.body, *pieces), "%s: no %s in %s", path, *pieces, a.body);
	answer_free(&a);
}

/* Values become findings without anybody asking twice, and the board, the coverage and the command line show them. */
Test(series, the_board_shows_what_is_found_open)
{
	char *folder = rig_folder();
	struct server s = server_start(folder, NULL);
	char server[64], lines[512];
	int64_t now_ms = (int64_t)time(NULL) * 1000;
	put(&s, "/api/v1/devices/site:TANK-1",
	    "{\"from\":\"always\",\"fields\":{\"village\":\"东村\",\"sector\":\"危化品\"}}");
	put(&s, "/api/v1/devices/site:TANK-2", "{\"from\":\"always\",\"fields\":{\"village\":\"西村\"}}");
	put(&s, "/api/v1/streams",
	    "{\"site\":\"TANK-1\",\"quantity\":\"gas\",\"from\":\"always\",\"fields\":{\"unit\":\"%LEL\"}}");
	put(&s, "/api/v1/streams",
	    "{\"site\":\"TANK-1\",\"quantity\":\"fire_alarm\",\"from\":\"always\",\"fields\":{\"stream_kind\":"
	    "\"state\"}}");
	put(&s, "/api/v1/streams", "{\"site\":\"TANK-2\",\"quantity\":\"gas\",\"from\":\"always\",\"fields\":{}}");
	snprintf(lines, sizeof lines,
		 "gas,site=TANK-1 value=60 %lld\ngas,site=TANK-1 value=61 %lld\n"
		 "fire_alarm,site=TANK-1,quality=test value=\"fire\" %lld",
		 (long long)now_ms - 20000, (long long)now_ms - 10000, (long long)now_ms - 10000);
	char *file = rig_file(folder, "lines", lines);
	expect_in(shell(CURL "--data-binary @'%s' 'http://127.0.0.1:%d/write?precision=ms'", file, s.http), "\n204");
	struct answer a = http_ask(&s, "POST", "", "/api/v1/judge/settle");
	cr_assert_eq(a.code, 200, "%s", a.body);
	answer_free(&a);
	expect_pieces(&s, "/api/v1/sites/status?site=TANK-1&kind=gauge",
		      (const char *const[]){"\"village\":\"东村\"", "\"value\":61", "\"condition\":\"alarm\"",
					    "\"level\":\"HH\",\"open_findings\":2,\"rules\":\"gas-high-high gas-high\"",
					    "streams 1, open findings 2", NULL});
	expect_pieces(&s, "/api/v1/sites/status?quantity=fire*",
		      (const char *const[]){"\"quality\":\"test\"", "\"condition\":\"test\"", NULL});
	expect_pieces(&s, "/api/v1/sites/status?village=西村",
		      (const char *const[]){"\"state\":\"never\",\"condition\":\"normal\"", NULL});
	expect_pieces(&s, "/api/v1/sites/coverage?quantity=gas&from=0&target=900",
		      (const char *const[]){
			      "\"village\":\"东村\",\"installed\":1,\"reporting\":1,\"coverage_percent\":100.00",
			      "\"village\":\"西村\",\"installed\":1,\"reporting\":0,\"coverage_percent\":0.00",
			      "\"village\":\"*\",\"installed\":2,\"reporting\":1,\"coverage_percent\":50.00",
			      "2 of 900 installed, 0.22 %", NULL});
	snprintf(server, sizeof server, "http://127.0.0.1:%d", s.http);
	struct run r = RIG_ZAYTON("query", "sites", "--server", server, "--site", "TANK-1", "--format", "csv");
	cr_assert_eq(r.code, 0, "%s", r.err);
	cr_assert_not_null(strstr(r.out, "alarm,HH,2,gas-high-high gas-high"), "%s", r.out);
	run_free(&r);
	cr_assert_eq(server_stop(&s, SIGTERM), 0);
	r = RIG_ZAYTON("query", "coverage", "--data", folder, "--quantity", "gas", "--from", "2020-01-01", "--group",
		       "sector", "--format", "csv");
	cr_assert_eq(r.code, 0, "%s", r.err);
	cr_assert_not_null(strstr(r.out, "*,2,1,50.00,2,1"), "%s", r.out);
	run_free(&r);
	free(file);
	rig_folder_remove(folder);
}

Test(series, tables_go_in_once_however_often_and_bad_rows_are_told)
{
	char *folder = rig_folder();
	char *data = rig_path(folder, "data");
	char *streams =
		rig_file(folder, "streams.csv",
			 "site,quantity,unit,interval,village\ndam1,rain,mm,10s,东村\ndam1,level,m,fast,东村\n");
	char *wide = rig_file(
		folder, "wide.csv",
		"站点编号,时间,rain,state\ndam1,2025-12-01 00:00:00,1.50,open\ndam1,2025-12-01 00:00:10,,shut\n"
		"dam1,yesterday,3,open\n");
	struct run r = RIG_ZAYTON("import", "streams", streams, "--data", data, "--from", "always");
	cr_assert_eq(r.code, 1);
	cr_assert_not_null(strstr(r.err, "line 行 3: "), "%s", r.err);
	run_free(&r);
	for (int round = 0; round < 2; round++) {
		r = RIG_ZAYTON("import", "series", wide, "--data", data, "--settle");
		cr_assert_eq(r.code, 1);
		cr_assert_not_null(strstr(r.out, "taken 写入          3"), "%s", r.out);
		cr_assert_not_null(strstr(r.err, "line 行 4: not a valid time"), "%s", r.err);
		run_free(&r);
	}
	r = RIG_ZAYTON("query", "series", "--data", data, "--site", "dam1", "--from", "2025-11-30", "--to",
		       "2025-12-02", "--format", "csv");
	cr_assert_eq(text_count(r.out, "\r\n"), 4, "%s", r.out);
	cr_assert_not_null(strstr(r.out, ",rain,2025-11-30T16:00:00.000Z,1.5,good,true"), "%s", r.out);
	cr_assert_not_null(strstr(r.out, ",state,2025-11-30T16:00:10.000Z,shut,good,true"), "%s", r.out);
	run_free(&r);
	r = RIG_ZAYTON("check", data);
	cr_assert_eq(r.code, 0, "%s", r.out);
	run_free(&r);
	free(wide);
	free(streams);
	free(data);
	rig_folder_remove(folder);
}
