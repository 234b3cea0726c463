/* The live feed: what is new is told, what was missed is told again, and nobody waits for anybody. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#include "engine/core/clock.h"
#include "query/http/live_feed.h"
#include "unit/query_http/violations_rig.h"

/* room for a dozen events or so: a turn's batch fills it */
#define QUEUE_BYTES 16384

static void with_few_threads(struct http_options *o)
{
	o->pool_threads = 1;
	o->pool_queue = 1;
	o->heartbeat_ms = 20;
	o->answer_queue_bytes = QUEUE_BYTES;
}

static void open_world(void)
{
	violations_rig_options = with_few_threads;
	violations_rig_open();
}
TestSuite(live, .init = open_world, .fini = violations_rig_close, .timeout = 120);

/* Listen without chunks (HTTP/1.0), until the answer has begun. */
static struct client listen_with(const char *query, const char *headers)
{
	char request[512];
	struct client c = client_open(http_port(world.server));
	snprintf(request, sizeof request, "GET /api/v1/violations/live%s HTTP/1.0\r\n%s\r\n", query, headers);
	client_send(&c, request);
	return c;
}

static const char *text_of(struct client *c)
{
	cr_assert_eq(buf_append_u8(&c->in, '\0'), STATUS_OK);
	c->in.size--;
	return (const char *)c->in.data;
}

static void await(struct client *c, const char *part)
{
	while (!c->in.size || !strstr(text_of(c), part))
		cr_assert(client_receive(c), "ended before %s", part);
}

static size_t count_of(struct client *c, const char *part)
{
	size_t n = 0;
	for (const char *at = text_of(c); (at = strstr(at, part)); at += strlen(part))
		n++;
	return n;
}

static struct client listener(const char *query, const char *headers)
{
	struct client c = listen_with(query, headers);
	await(&c, "\r\n\r\n:\n\n");
	cr_assert(strstr(text_of(&c), " 200 "), "%s", text_of(&c));
	return c;
}

static uint64_t last_row(void)
{
	return findings_feed_last(engine_findings(world.engine));
}

static void tell_one(int number)
{
	struct finding f = finding_of("no-stop", RULE_DWELL, world.boat, T0 + MS_PER_DAY + number * INT64_C(100000));
	snprintf(f.fence, sizeof f.fence, "live-%d", number);
	tell(&f, false);
}

/* The numbers after "\nid: ", which must be `from`, `from` + 1, ... up to `to`, each once. */
static void expect_rows(struct client *c, uint64_t from, uint64_t to)
{
	char end[32];
	snprintf(end, sizeof end, "\nid: %llu\n", (unsigned long long)to);
	await(c, end);
	await(c, "\n\n");
	const char *at = text_of(c);
	for (uint64_t want = from; want <= to; want++) {
		at = strstr(at, "\nid: ");
		cr_assert(at && strtoull(at + 5, NULL, 10) == want, "row %llu: %.40s", (unsigned long long)want,
			  at ? at : "");
		at += 5;
	}
}

Test(live, tells_what_is_new_and_nothing_else)
{
	struct client c = listener("", "");
	cr_expect(strstr(text_of(&c), "text/event-stream"));
	uint64_t before = last_row();
	tell_one(1);
	expect_rows(&c, before + 1, last_row());
	await(&c, "\"fence\":\"live-1\"");
	cr_expect(strstr(text_of(&c), "\nevent: raised\ndata: {\"feed\":"));
	cr_expect(strstr(text_of(&c), "\"event_zh\":\"产生\""));
	cr_expect_not(strstr(text_of(&c), "overspeed-muck"));
	client_close(&c);
}

Test(live, reviews_are_told)
{
	struct client c = listener("", "");
	expect_answer("POST /api/v1/violations/1/review", "{\"state\":\"confirmed\",\"why\":\"w\"}", 200, "");
	await(&c, "event: reviewed\n");
	await(&c, "\"state\":\"confirmed\"");
	client_close(&c);
}

Test(live, goes_on_after_the_id_it_is_given)
{
	struct client all = listener("?after=0", ""), rest = listener("?after=0", "Last-Event-ID: 3\r\n"),
		      ahead = listener("?after=999999", "");
	expect_rows(&all, 1, last_row());
	expect_rows(&rest, 4, last_row());
	uint64_t before = last_row();
	tell_one(1);
	expect_rows(&all, 1, last_row());
	expect_rows(&rest, 4, last_row());
	expect_rows(&ahead, before + 1, last_row());
	client_close(&all);
	client_close(&rest);
	client_close(&ahead);
	struct answer a = ask(http_port(world.server), "GET /api/v1/violations/live", "Last-Event-ID: x\r\n", NULL);
	cr_expect_eq(a.status, 400);
	answer_deinit(&a);
	expect_answer("GET /api/v1/violations/live?after=-1", NULL, 400, "\"parameter\":\"after\"");
}

Test(live, stays_awake_when_nothing_happens)
{
	struct client c = listener("", "");
	while (count_of(&c, ":\n\n") < 4)
		cr_assert(client_receive(&c));
	client_close(&c);
}

Test(live, holds_no_thread_and_ends_at_a_bound)
{
	struct client clients[LIVE_CLIENTS_MAX];
	for (size_t i = 0; i < LIVE_CLIENTS_MAX; i++)
		clients[i] = listener("", "");
	struct client late = listen_with("", "");
	await(&late, " 503 ");
	client_close(&late);
	json_decref(get_json("/api/v1/violations"));
	tell_one(1);
	for (size_t i = 0; i < LIVE_CLIENTS_MAX; i++) {
		await(&clients[i], "live-1");
		client_close(&clients[i]);
	}
	/* their places are free again once the server has seen them leave */
	for (bool free_again = false; !free_again;) {
		late = listen_with("", "");
		await(&late, "\r\n\r\n");
		free_again = strstr(text_of(&late), " 200 ") != NULL;
		client_close(&late);
	}
}

/* A batch of events is many times what a client's queue holds, so that each has to wait for room again and again. */
Test(live, a_slow_client_holds_up_nobody_and_misses_nothing)
{
	struct client slow = listener("", ""), quick = listener("", "");
	uint64_t before = last_row();
	for (int i = 0; i < 300; i++)
		tell_one(i);
	expect_rows(&quick, before + 1, last_row());
	expect_rows(&slow, before + 1, last_row());
	client_close(&slow);
	client_close(&quick);
}

Test(live, ends_whole_when_the_server_does)
{
	struct client c = client_open(http_port(world.server));
	client_send(&c, "GET /api/v1/violations/live HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n");
	await(&c, ":\n\n");
	http_stop(world.server);
	while (client_receive(&c))
		;
	cr_expect(c.in.size > 5 && !memcmp(c.in.data + c.in.size - 5, "0\r\n\r\n", 5));
	client_close(&c);
}

Test(live, head_asks_for_no_events)
{
	struct client c = client_open(http_port(world.server));
	struct answer a;
	client_send(&c, "HEAD /api/v1/violations/live HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n");
	cr_assert(client_answer(&c, &a, true));
	cr_expect_eq(a.status, 200);
	answer_deinit(&a);
	client_close(&c);
}

static void open_with_tokens(void)
{
	violations_rig_options = with_tokens;
	violations_rig_open();
}
TestSuite(live_scope, .init = open_with_tokens, .fini = violations_rig_close, .timeout = 120);

Test(live_scope, everybody_hears_of_their_own)
{
	struct client village = listener("?after=0", "Authorization: Bearer village\r\n");
	await(&village, "no-stop");
	struct finding f = finding_of("silent", RULE_SILENT, world.truck, T0 + 3 * MS_PER_HOUR);
	tell(&f, false);
	tell_one(1);
	await(&village, "live-1");
	cr_expect_not(strstr(text_of(&village), "overspeed-muck"));
	cr_expect_not(strstr(text_of(&village), "silent"));
	client_close(&village);
}

/* --- positions --- */

static struct client position_listener(const char *query)
{
	char request[256];
	struct client c = client_open(http_port(world.server));
	snprintf(request, sizeof request, "GET /api/v1/positions/live%s HTTP/1.0\r\n\r\n", query);
	client_send(&c, request);
	await(&c, "\nevent: told\n");
	return c;
}

Test(live, positions_heard_of_since_then_are_told_and_the_id_goes_on)
{
	struct client all = position_listener("?after=0");
	cr_expect(strstr(text_of(&all), "text/event-stream"));
	cr_expect(strstr(text_of(&all), "\nevent: positions\ndata: {\"positions\":[{\"device\":\""), "%s",
		  text_of(&all));
	const char *id = strstr(text_of(&all), "\nid: ");
	cr_assert(id);
	long long at = atoll(id + 5);
	cr_expect(llabs(at - clock_now_ms()) < 60000);
	client_close(&all);
	struct client none = position_listener(""); /* what the world's devices said came before */
	cr_expect_not(strstr(text_of(&none), "event: positions"), "%s", text_of(&none));
	client_close(&none);
}
