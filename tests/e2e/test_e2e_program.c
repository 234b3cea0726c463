/* The program's commands and its HTTP side, as people and scripts use them. */
#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/e2e/rig.h"

TestSuite(program, .timeout = 300);

Test(program, every_mistake_of_the_settings_is_told_at_its_line)
{
	char *folder = rig_folder();
	char *file = rig_file(folder, "bad.conf", "shards = 900\n# fine\ngather = soon\nno_such = 1\n");
	struct run r = RIG_ZAYTON("settings", "--settings", file);
	cr_expect_eq(r.code, 2);
	cr_expect_not_null(strstr(r.err, "bad.conf:1: shards"), "%s", r.err);
	cr_expect_not_null(strstr(r.err, "bad.conf:3: gather"), "%s", r.err);
	cr_expect_not_null(strstr(r.err, "bad.conf:4: 'no_such'"), "%s", r.err);
	run_free(&r);
	r = RIG_ZAYTON("serve", "--prot", "1");
	cr_expect_eq(r.code, 2);
	cr_expect_not_null(strstr(r.err, "prot"));
	run_free(&r);
	free(file);
	rig_folder_remove(folder);
}

Test(program, a_flag_wins_over_the_environment_and_that_over_the_file)
{
	char *folder = rig_folder();
	char *file = rig_file(folder, "good.conf", "shards = 3\npool_threads = 5\nhttp = off\n");
	struct run r = rig_run((const char *const[]){E2E_ZAYTON, "settings", "--settings", file, "--shards", "7", NULL},
			       (const char *const[]){"ZAYTON_SHARDS=6", "ZAYTON_POOL_THREADS=9", NULL});
	cr_expect_eq(r.code, 0, "%s", r.err);
	cr_expect_not_null(strstr(r.out, "shards = 7"), "%s", r.out);
	cr_expect_not_null(strstr(r.out, "pool_threads = 9"));
	cr_expect_not_null(strstr(r.out, "http = off"));
	run_free(&r);
	free(file);
	rig_folder_remove(folder);
}

Test(program, decode_explains_good_frames_and_fails_on_bad_ones)
{
	char *folder = rig_folder();
	struct buf wire = buf_init(256);
	struct jt808_header like = {.phone_size = 6, .phone = {1, 0x39, 0, 0, 0, 1}};
	uint16_t serial = 1;
	char hex[256];
	cr_assert_eq(jt808_message_encode(0x0002, &like, span_of("", 0), JT808_BODY_MAX, &serial, &wire), STATUS_OK);
	hex_encode(hex, buf_view(&wire));
	char *whole = rig_file(folder, "good.hex", hex);
	hex[4] = hex[4] == '0' ? '1' : '0';
	char *spoiled = rig_file(folder, "bad.hex", hex);
	struct run r = RIG_ZAYTON("decode", "jt808", whole);
	cr_expect_eq(r.code, 0, "%s", r.out);
	cr_expect_eq(text_count(r.out, "\n"), 1);
	run_free(&r);
	r = RIG_ZAYTON("decode", "jt808", spoiled);
	cr_expect_eq(r.code, 1);
	cr_expect_not_null(strstr(r.out, "refused"));
	run_free(&r);
	buf_deinit(&wire);
	free(whole);
	free(spoiled);
	rig_folder_remove(folder);
}

Test(program, an_import_tells_bad_rows_doubles_nothing_and_comes_out_the_same)
{
	char *folder = rig_folder(), *first = rig_path(folder, "a"), *second = rig_path(folder, "b");
	char *rows = rig_file(folder, "rows.csv",
			      "device,time,lat,lon,speed\n"
			      "truck1,2026-03-01T08:00:00+08:00,24.87,118.67,30\n"
			      "truck1,2026-03-01T08:00:10+08:00,94.87,118.67,30\n"
			      "truck1,2026-03-01T08:00:20+08:00,24.88,118.68,31\n");
	const char *from = "2026-03-01", *to = "2026-03-02";
	for (int round = 0; round < 2; round++) {
		struct run r = RIG_ZAYTON("import", "tracks", rows, "--data", first);
		cr_expect_eq(r.code, 1, "%s%s", r.out, r.err);
		cr_expect_not_null(strstr(r.err, "3"), "%s", r.err);
		run_free(&r);
	}
	struct run one =
		RIG_ZAYTON("export", "tracks", "--data", first, "--device", "name:truck1", "--from", from, "--to", to);
	cr_expect_eq(one.code, 0, "%s", one.err);
	cr_expect_eq(text_count(one.out, "\n"), 3, "%s", one.out);
	char *again = rig_file(folder, "again.csv", one.out);
	struct run r = RIG_ZAYTON("import", "tracks", again, "--data", second, "--device", "truck1");
	cr_expect_eq(r.code, 0, "%s%s", r.out, r.err);
	run_free(&r);
	r = RIG_ZAYTON("export", "tracks", "--data", second, "--device", "name:truck1", "--from", from, "--to", to);
	cr_expect_eq(r.code, 0, "%s", r.err);
	cr_expect_str_eq(r.out, one.out);
	run_free(&r);
	free(again);
	free(rows);
	run_free(&one);
	free(first);
	free(second);
	rig_folder_remove(folder);
}

Test(program, refusals_over_http_are_problem_details)
{
	static const struct {
		const char *method, *path;
		int code;
		const char *says;
	} cases[] = {
		{"GET", "/api/v1/positions?bbox=1,2", 400, "\"bbox\""},
		{"GET", "/api/v1/positions?foo=1", 400, "\"foo\""},
		{"GET", "/api/v1/devices/phone:1/track?from=0", 404, "no-such-device"},
		{"GET", "/nothing", 404, "no-such-resource"},
		{"POST", "/api/v1/positions", 405, "method-not-allowed"},
	};
	char *folder = rig_folder();
	struct server s = server_start(folder, NULL);
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct answer a =
			http_ask(&s, cases[i].method, *cases[i].method == 'P' ? "{}" : NULL, "%s", cases[i].path);
		cr_expect_eq(a.code, cases[i].code, "%s", cases[i].path);
		cr_expect_not_null(strstr(a.body, cases[i].says), "%s: %s", cases[i].path, a.body);
		cr_expect_not_null(strcasestr(a.head, "application/problem+json"));
		if (a.code == 405)
			cr_expect_not_null(strcasestr(a.head, "\r\nallow:"), "%s", a.head);
		answer_free(&a);
	}
	struct answer a = http_ask(&s, "HEAD", NULL, "/healthz");
	cr_expect_eq(a.code, 200);
	cr_expect_str_empty(a.body);
	answer_free(&a);
	cr_expect_eq(server_stop(&s, SIGTERM), 0);
	rig_folder_remove(folder);
}

Test(program, a_look_at_a_track_is_on_record)
{
	char *folder = rig_folder();
	struct server s = server_start(folder, NULL);
	struct answer a =
		http_ask(&s, "PUT", "{\"fields\":{\"state\":\"registered\"}}", "/api/v1/devices/phone:13900000201");
	cr_assert_eq(a.code, 201, "%s", a.body);
	answer_free(&a);
	a = HTTP_GET_OF(&s, "/api/v1/devices/phone:13900000201/track?from=0&case=Q-17");
	cr_expect_eq(a.code, 200);
	answer_free(&a);
	a = HTTP_GET_OF(&s, "/api/v1/audit");
	cr_expect_not_null(strstr(a.body, "\"Q-17\""), "%s", a.body);
	cr_expect_not_null(strstr(a.body, "\"local\""));
	answer_free(&a);
	cr_expect_eq(server_stop(&s, SIGTERM), 0);
	rig_folder_remove(folder);
}

/* The protocol and code that curl sees at `url`: "2 200". */
static void seen_by_curl(const char *how, const char *url, const char *wanted)
{
	struct run r = rig_run((const char *const[]){"curl", "-sk", "--max-time", "30", how, "-o", "/dev/null", "-w",
						     "%{http_version} %{http_code}", url, NULL},
			       NULL);
	cr_expect_str_eq(r.out, wanted, "curl %s %s: exit %d", how, url, r.code);
	run_free(&r);
}

Test(program, http_2_and_1_1_are_spoken_with_and_without_tls)
{
	char *folder = rig_folder(), url[64];
	char *key = rig_path(folder, "key.pem"), *certificate = rig_path(folder, "cert.pem"),
	     *data = rig_path(folder, "d");
	struct run made =
		rig_run((const char *const[]){"openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj",
					      "/CN=localhost", "-keyout", key, "-out", certificate, NULL},
			NULL);
	cr_assert_eq(made.code, 0, "%s", made.err);
	run_free(&made);
	struct server s = server_start(folder, NULL);
	snprintf(url, sizeof url, "http://127.0.0.1:%d/healthz", s.http);
	seen_by_curl("--http1.1", url, "1.1 200");
	seen_by_curl("--http2", url, "2 200"); /* by Upgrade: h2c */
	seen_by_curl("--http2-prior-knowledge", url, "2 200");
	struct run seen = rig_run((const char *const[]){"nghttp", "-v", "-m", "20", "--no-dep", url, NULL}, NULL);
	cr_expect_eq(seen.code, 0, "%s", seen.err);
	cr_expect_eq(text_count(seen.out, ":status: 200"), 20, "%s", seen.out);
	run_free(&seen);
	cr_expect_eq(server_stop(&s, SIGTERM), 0);
	s = server_start(data, (const char *const[]){"--tls-cert", certificate, "--tls-key", key, NULL});
	snprintf(url, sizeof url, "https://127.0.0.1:%d/healthz", s.http);
	seen_by_curl("--http2", url, "2 200");
	seen_by_curl("--http1.1", url, "1.1 200");
	cr_expect_eq(server_stop(&s, SIGTERM), 0);
	free(key);
	free(certificate);
	free(data);
	rig_folder_remove(folder);
}
