/* The real program and curl: line protocol as agents send it, killed and asked again, tables in and the same rows out.
 */
#include <criterion/criterion.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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
