/* The outbox over HTTP and by the command: what is parked is seen with its reason, and sent again by hand. The receiver
 * is a server that does not have the path: refused for good. */
#include <criterion/criterion.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/core/log.h"
#include "query/cli/cli.h"
#include "query/cli/http_fetch.h"
#include "query/cli/outbox_route.h"
#include "query/http/http.h"

static char folder[64], base[64], file_path[100], key_path[100];
static struct engine *engine;
static struct hazards *hazards;
static struct http *server, *receiver;
static struct outbox *outbox;

static void write_file(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");
	cr_assert(f && fputs(text, f) >= 0 && !fclose(f));
}

static void begin(void)
{
	struct hazard_policy law = hazard_policy_default();
	char text[1024];
	log_set_level(LOG_OFF);
	strcpy(folder, "/tmp/zayton-outbox-XXXXXX");
	cr_assert(mkdtemp(folder));
	snprintf(file_path, sizeof file_path, "%s/outbox.json", folder);
	snprintf(key_path, sizeof key_path, "%s/key", folder);
	write_file(key_path, "0123456789abcdef");
	struct engine_options o = engine_options_default(folder);
	o.create = true;
	cr_assert_eq(engine_open(&o, &engine), STATUS_OK);
	cr_assert_eq(hazards_open(engine_store(engine), &law, &hazards), STATUS_OK);
	struct http_options h = http_options_default(engine);
	cr_assert_eq(http_new(&h, &receiver), STATUS_OK);
	cr_assert_eq(http_start(receiver), STATUS_OK);
	snprintf(text, sizeof text,
		 "{\"destinations\":[{\"name\":\"city\",\"kind\":\"webhook\",\"url\":\"http://127.0.0.1:%u/"
		 "nowhere\",\"secret_file\":\"%s\"}]}",
		 http_port(receiver), key_path);
	write_file(file_path, text);
	cr_assert_eq(outbox_route_open(file_path, 1, engine, hazards, NULL, &outbox), STATUS_OK);
	cr_assert_eq(http_new(&h, &server), STATUS_OK);
	cr_assert_eq(outbox_route_add(server, outbox), STATUS_OK);
	cr_assert_eq(http_start(server), STATUS_OK);
	snprintf(base, sizeof base, "http://127.0.0.1:%u", http_port(server));
}

static int remove_one(const char *path, const struct stat *seen, int kind, struct FTW *at)
{
	(void)seen, (void)kind, (void)at;
	return remove(path);
}

static void end(void)
{
	http_stop(server);
	outbox_free(outbox);
	http_free(server);
	http_free(receiver);
	hazards_close(hazards);
	engine_close(engine);
	nftw(folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

TestSuite(outbox_route, .init = begin, .fini = end, .timeout = 120);

static void find_one(void)
{
	struct hazard_change changes[] = {{HAZARD_FIELD_SOURCE, span_of_string("inspection")},
					  {HAZARD_FIELD_FOUND, span_of_string("2026-03-01T09:00:00+08:00")},
					  {HAZARD_FIELD_DESCRIPTION, span_of_string("堆垛")}};
	struct hazard_order order = {.step = HAZARD_STEP_FIND,
				     .at_ms = INT64_C(1772424000000),
				     .actor = {HAZARD_ROLE_OFFICE, "林安", "乡安办"},
				     .changes = changes,
				     .change_count = 3};
	struct hazard_outcome outcome;
	cr_assert_eq(hazards_step(hazards, &order, &outcome), STATUS_OK);
}

static int fetch(const char *target, const char *posted, char *out, size_t room)
{
	int code = 0;
	FILE *body = fmemopen(out, room, "w");
	struct http_fetch f = {base, target, NULL, body, body, posted};
	cr_assert_eq(http_fetch(&f, &code), STATUS_OK);
	fclose(body);
	return code;
}

static void await_refused(uint64_t count)
{
	struct outbox_state s;
	do {
		usleep(2000); /* until the answer came */
		outbox_state(outbox, 0, &s);
	} while (s.refused < count);
}

Test(outbox_route, what_is_parked_is_seen_and_goes_out_again_by_hand)
{
	char text[8192];
	find_one();
	cr_assert_eq(outbox_start(outbox), STATUS_OK);
	await_refused(1);
	cr_expect_eq(fetch("/api/v1/outbox/parked?destination=city", NULL, text, sizeof text), 200);
	cr_expect(strstr(text, "{\"parked\":[{\"item\":1,\"id\":\"hazard-1-1\""), "%s", text);
	cr_expect(strstr(text, "\"why\":\"HTTP 40") && strstr(text, "\"news\":{\"id\":\"hazard-1-1\""), "%s", text);
	cr_expect(strstr(text, "],\"next\":null}"), "%s", text);
	cr_expect_eq(fetch("/api/v1/outbox/again", "{\"destination\":\"city\",\"item\":1}", text, sizeof text), 200);
	cr_expect(strstr(text, "{\"sent_again\":1}"), "%s", text);
	await_refused(2);
	/* all of them, once each, though they are parked again at once */
	cr_expect_eq(fetch("/api/v1/outbox/again", "{\"destination\":\"city\"}", text, sizeof text), 200);
	cr_expect(strstr(text, "{\"sent_again\":1}"), "%s", text);
	await_refused(3);
	char *argv[] = {"outbox", "again", "city", base, NULL};
	cr_expect_eq(cmd_outbox(4, argv), 0);
	await_refused(4);
	cr_expect_eq(fetch("/api/v1/outbox", NULL, text, sizeof text), 200);
	cr_expect(strstr(text, "\"pending\":0,\"parked\":1,"), "%s", text);
}

Test(outbox_route, what_is_not_there_is_said)
{
	char text[8192];
	cr_expect_eq(fetch("/api/v1/outbox/parked?destination=village", NULL, text, sizeof text), 422);
	cr_expect_eq(fetch("/api/v1/outbox/parked", NULL, text, sizeof text), 400);
	cr_expect_eq(fetch("/api/v1/outbox/again", "{\"destination\":\"city\",\"item\":7}", text, sizeof text), 422);
	cr_expect_eq(fetch("/api/v1/outbox/again", "{\"destination\":\"city\",\"item\":\"x\"}", text, sizeof text),
		     400);
	cr_expect_eq(fetch("/api/v1/outbox/again", "{}", text, sizeof text), 400);
	cr_expect_eq(fetch("/api/v1/outbox/again", "{\"destination\":\"city\"}", text, sizeof text), 200);
	cr_expect(strstr(text, "{\"sent_again\":0}"), "%s", text);
	char *none[] = {"outbox", "parked", "city", NULL}, *zero[] = {"outbox", "again", "city", "0", base, NULL};
	cr_expect_eq(cmd_outbox(3, none), 2);
	cr_expect_eq(cmd_outbox(5, zero), 2);
}
