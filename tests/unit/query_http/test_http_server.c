/* The server's own behaviour, over real sockets: keep-alive, pipelining, bodies, back-pressure, limits, TLS, stop. */
#include <criterion/criterion.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/evp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "query/http/http.h"
#include "unit/query_http/http_client.h"
#include "unit/query_http/http_rig.h"

#define STREAM_BYTES ((size_t)24 << 20)

TestSuite(http_server, .timeout = 120);

Test(http_server, health_is_answered_with_a_length)
{
	struct http *h = rig_start(NULL);
	struct answer a = ask(http_port(h), "GET /healthz", "", NULL);
	cr_expect_eq(a.status, 200);
	cr_expect_str_eq(answer_header(&a, "content-type"), "application/json");
	cr_expect_str_eq(answer_header(&a, "content-length"), "16");
	cr_expect_str_eq((char *)a.body.data, "{\"status\":\"ok\"}\n");
	answer_deinit(&a);
	rig_finish(h);
}

Test(http_server, pipelined_requests_are_answered_in_order)
{
	struct http *h = rig_start(NULL);
	struct client c = client_open(http_port(h));
	struct answer a;
	rig_open_gate(true);
	for (int i = 0; i < 20; i++)
		client_send(&c, i % 2 ? "GET /t/who/x HTTP/1.1\r\nHost: localhost\r\n\r\n"
				      : "GET /t/gate HTTP/1.1\r\nHost: localhost\r\n\r\n");
	for (int i = 0; i < 20; i++) {
		cr_assert(client_answer(&c, &a, false), "answer %d is missing", i);
		cr_expect_str_eq((char *)a.body.data, i % 2 ? "local|all|/t/who/x|x" : "through\n");
		answer_deinit(&a);
	}
	client_close(&c);
	rig_finish(h);
}

Test(http_server, a_request_split_at_every_byte_is_whole)
{
	static const char text[] = "POST /t/echo HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
				   "Content-Length: 9\r\n\r\n{\"a\":[1]}";
	struct http *h = rig_start(NULL);
	for (size_t cut = 1; cut < sizeof text - 1; cut++) {
		struct client c = client_open(http_port(h));
		struct answer a;
		int one = 1;
		setsockopt(c.fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
		client_send_bytes(&c, text, cut);
		rig_turn(h);
		client_send_bytes(&c, text + cut, sizeof text - 1 - cut);
		cr_assert(client_answer(&c, &a, false), "cut at %zu", cut);
		cr_expect_str_eq((char *)a.body.data, "{\"a\":[1]}", "cut at %zu", cut);
		answer_deinit(&a);
		client_close(&c);
	}
	rig_finish(h);
}

Test(http_server, a_long_answer_is_chunked_and_whole)
{
	struct http *h = rig_start(NULL);
	struct answer a = ask(http_port(h), "GET /t/stream?bytes=3000000", "", NULL);
	cr_expect_eq(a.status, 200);
	cr_expect_str_eq(answer_header(&a, "transfer-encoding"), "chunked");
	cr_assert_eq(a.body.size, 3000000u);
	cr_expect(a.whole);
	for (size_t i = 0; i < a.body.size; i++)
		cr_assert_eq(a.body.data[i], 'a' + i % 23, "byte %zu", i);
	answer_deinit(&a);
	rig_finish(h);
}

Test(http_server, http_1_0_gets_an_unframed_answer_and_the_close)
{
	struct http *h = rig_start(NULL);
	struct client c = client_open(http_port(h));
	struct answer a;
	client_send(&c, "GET /t/stream?bytes=500000 HTTP/1.0\r\n\r\n");
	cr_assert(client_answer(&c, &a, false));
	cr_expect_str_eq(answer_header(&a, "transfer-encoding"), "");
	cr_expect_eq(a.body.size, 500000u);
	answer_deinit(&a);
	client_close(&c);
	rig_finish(h);
}

Test(http_server, a_slow_reader_holds_the_producer_within_its_bound)
{
	struct http *h = rig_start(NULL);
	struct client c = client_open(http_port(h));
	struct answer a;
	int small = 65536;
	setsockopt(c.fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
	client_send(&c, "GET /t/stream?bytes=25165824 HTTP/1.1\r\nHost: localhost\r\n\r\n");
	cr_assert(client_answer(&c, &a, false));
	cr_expect_eq(a.body.size, STREAM_BYTES);
	cr_expect(a.whole);
	cr_expect_eq(rig_await_stream_end(), STATUS_OK);
	cr_expect_leq(rig_queue_high(), (size_t)RIG_QUEUE_BYTES);
	cr_expect_gt(rig_queue_high(), (size_t)RIG_QUEUE_BYTES / 2,
		     "the bound was never reached: the test shows nothing");
	answer_deinit(&a);
	client_close(&c);
	rig_finish(h);
}

Test(http_server, a_client_that_leaves_stops_its_producer)
{
	struct http *h = rig_start(NULL);
	struct client c = client_open(http_port(h));
	client_send(&c, "GET /t/stream?bytes=9000000000000 HTTP/1.1\r\nHost: localhost\r\n\r\n");
	cr_assert(client_receive(&c));
	client_close(&c);
	cr_expect_eq(rig_await_stream_end(), STATUS_CANCELLED);
	struct answer a = ask(http_port(h), "GET /healthz", "", NULL);
	cr_expect_eq(a.status, 200);
	answer_deinit(&a);
	rig_finish(h);
}

static void short_stall(struct http_options *o)
{
	o->stall_s = 1;
}

Test(http_server, a_client_that_stops_reading_is_let_go)
{
	struct http *h = rig_start(short_stall);
	struct client c = client_open(http_port(h));
	client_send(&c, "GET /t/stream?bytes=9000000000000 HTTP/1.1\r\nHost: localhost\r\n\r\n");
	cr_assert(client_receive(&c));
	cr_expect_eq(rig_await_stream_end(), STATUS_CANCELLED); /* without another read */
	client_close(&c);
	rig_finish(h);
}

Test(http_server, a_client_that_never_ends_its_headers_is_let_go)
{
	struct http *h = rig_start(short_stall);
	struct client c = client_open(http_port(h));
	client_send(&c, "GET /healthz HTTP/1.1\r\nX-Slow: ");
	cr_expect_not(client_receive(&c));
	client_close(&c);
	rig_finish(h);
}

/* Nothing, the beginning of what might be HTTP/2, and a beginning that ends there. */
Test(http_server, a_client_that_does_not_say_what_it_speaks_is_let_go)
{
	struct http *h = rig_start(short_stall);
	struct client silent = client_open(http_port(h)), begun = client_open(http_port(h)), ended;
	client_send(&begun, "PR");
	rig_turn(h);
	cr_expect_not(client_receive(&silent));
	cr_expect_not(client_receive(&begun));
	ended = client_open(http_port(h));
	client_send(&ended, "PR");
	shutdown(ended.fd, SHUT_WR);
	cr_expect_not(client_receive(&ended));
	client_close(&silent);
	client_close(&begun);
	client_close(&ended);
	rig_finish(h);
}

Test(http_server, a_connection_waits_while_no_descriptor_is_left)
{
	struct http *h = rig_start(NULL);
	struct rlimit before, few;
	struct answer a;
	int next = dup(0);
	cr_assert(next >= 0 && !close(next) && !getrlimit(RLIMIT_NOFILE, &before));
	few = before;
	few.rlim_cur = (rlim_t)next + 1; /* the client's own is the last */
	cr_assert_eq(setrlimit(RLIMIT_NOFILE, &few), 0);
	struct client c = client_open(http_port(h));
	client_send(&c, "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n");
	struct pollfd answered = {.fd = c.fd, .events = POLLIN};
	cr_expect_eq(poll(&answered, 1, 100), 0);
	cr_assert_eq(setrlimit(RLIMIT_NOFILE, &before), 0);
	cr_assert(client_answer(&c, &a, false));
	cr_expect_eq(a.status, 200);
	answer_deinit(&a);
	client_close(&c);
	rig_finish(h);
}

Test(http_server, an_answer_that_breaks_is_seen_cut)
{
	struct http *h = rig_start(NULL);
	struct answer a = ask(http_port(h), "GET /t/broken", "", NULL);
	cr_expect_eq(a.status, 200);
	cr_expect_not(a.whole);
	answer_deinit(&a);
	rig_finish(h);
}

Test(http_server, a_handler_that_forgets_to_answer_is_an_internal_error)
{
	struct http *h = rig_start(NULL);
	struct answer a = ask(http_port(h), "GET /t/nothing", "", NULL);
	cr_expect_eq(a.status, 500);
	answer_deinit(&a);
	rig_finish(h);
}

Test(http_server, a_full_pool_says_503_and_when_to_come_again)
{
	struct http *h = rig_start(NULL);
	struct client held[4];
	struct answer a;
	rig_open_gate(false);
	for (int i = 0; i < 4; i++) { /* two run, two wait */
		held[i] = client_open(http_port(h));
		client_send(&held[i], "GET /t/gate HTTP/1.1\r\nHost: localhost\r\n\r\n");
		if (i < 2)
			rig_await_waiting((unsigned)i + 1);
	}
	rig_turn(h); /* the fourth has reached the queue */
	a = ask(http_port(h), "GET /t/gate", "Connection: close\r\n", NULL);
	cr_expect_eq(a.status, 503);
	cr_expect_str_eq(answer_header(&a, "retry-after"), "1");
	cr_expect_str_eq(answer_header(&a, "content-type"), "application/problem+json");
	answer_deinit(&a);
	a = ask(http_port(h), "GET /healthz", "", NULL);
	cr_expect_eq(a.status, 200, "the loop answers while every reader is busy");
	answer_deinit(&a);
	rig_open_gate(true);
	for (int i = 0; i < 4; i++) {
		cr_expect(client_answer(&held[i], &a, false));
		answer_deinit(&a);
		client_close(&held[i]);
	}
	rig_finish(h);
}

Test(http_server, head_has_the_head_alone)
{
	struct http *h = rig_start(NULL);
	struct client c = client_open(http_port(h));
	struct answer a;
	client_send(&c, "HEAD /t/stream?bytes=100000000 HTTP/1.1\r\nHost: localhost\r\n\r\n"
			"GET /t/who/y HTTP/1.1\r\nHost: localhost\r\n\r\n");
	cr_assert(client_answer(&c, &a, true));
	cr_expect_eq(a.status, 200);
	answer_deinit(&a);
	cr_assert(client_answer(&c, &a, false));
	cr_expect_str_eq((char *)a.body.data, "local|all|/t/who/y|y");
	answer_deinit(&a);
	client_close(&c);
	rig_finish(h);
}

Test(http_server, unknown_paths_and_methods_are_problems)
{
	struct http *h = rig_start(NULL);
	struct answer a = ask(http_port(h), "GET /nowhere", "", NULL);
	cr_expect_eq(a.status, 404);
	cr_expect(answer_has(&a, "\"instance\":\"/nowhere\""));
	cr_expect(answer_has(&a, "urn:zayton:problem:no-such-resource"));
	answer_deinit(&a);
	a = ask(http_port(h), "DELETE /healthz", "", NULL);
	cr_expect_eq(a.status, 405);
	cr_expect_str_eq(answer_header(&a, "allow"), "get, head");
	answer_deinit(&a);
	a = ask(http_port(h), "OPTIONS /healthz", "", NULL);
	cr_expect_eq(a.status, 204);
	cr_expect_str_eq(answer_header(&a, "allow"), "get, head");
	answer_deinit(&a);
	rig_finish(h);
}

Test(http_server, bad_parameters_are_named)
{
	struct http *h = rig_start(NULL);
	static const struct {
		const char *request, *parameter;
	} cases[] = {
		{"GET /t/stream?bytes=1&foo=2", "\"parameter\":\"foo\""},
		{"GET /t/stream", "\"parameter\":\"bytes\""},
		{"GET /t/stream?bytes=1&bytes=1", "\"parameter\":\"bytes\""},
		{"GET /t/stream?bytes=-1", "\"parameter\":\"bytes\""},
		{"GET /t/stream?bytes=1x", "\"parameter\":\"bytes\""},
		{"GET /t/stream?bytes", "\"parameter\":\"bytes\""},
		{"GET /healthz?verbose=1", "\"parameter\":\"verbose\""},
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct answer a = ask(http_port(h), cases[i].request, "", NULL);
		cr_expect_eq(a.status, 400, "%s", cases[i].request);
		cr_expect(answer_has(&a, cases[i].parameter), "%s: %s", cases[i].request, (char *)a.body.data);
		answer_deinit(&a);
	}
	rig_finish(h);
}

Test(http_server, a_body_must_be_json)
{
	struct http *h = rig_start(NULL);
	struct answer a = ask(http_port(h), "POST /t/echo", "Content-Type: application/json\r\n", "[1,2]");
	cr_expect_eq(a.status, 200);
	cr_expect_str_eq((char *)a.body.data, "[1,2]");
	answer_deinit(&a);
	a = ask(http_port(h), "POST /t/echo", "Content-Type: text/plain\r\n", "[1,2]");
	cr_expect_eq(a.status, 415);
	answer_deinit(&a);
	rig_finish(h);
}

Test(http_server, refusals_of_a_body_are_problems_of_our_own)
{
	struct http *h = rig_start(NULL);
	static const struct {
		const char *request, *headers;
		int status;
		const char *type;
	} cases[] = {
		{"POST /t/echo", "", 411, "length-required"},
		{"POST /t/echo", "Content-Length: 99999999999999999\r\n", 413, "body-too-large"},
		{"POST /t/echo", "Content-Length: 1x\r\n", 400, "bad-framing"},
		{"POST /t/echo", "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n", 400, "bad-framing"},
		{"GET /healthz", "Transfer-Encoding: chunked\r\n", 400, "bad-framing"},
		{"POST /t/echo", "Transfer-Encoding: gzip, chunked\r\n", 501, "transfer-coding-not-known"},
		{"POST /t/echo", "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", 501,
		 "transfer-coding-not-known"},
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct answer a = ask(http_port(h), cases[i].request, cases[i].headers, NULL);
		char type[80];
		snprintf(type, sizeof type, "\"type\":\"urn:zayton:problem:%s\"", cases[i].type);
		cr_expect_eq(a.status, cases[i].status, "case %zu: %d", i, a.status);
		cr_expect(answer_has(&a, type), "case %zu: %s", i, (char *)a.body.data);
		cr_expect_str_eq(answer_header(&a, "content-type"), "application/problem+json");
		cr_expect_str_eq(answer_header(&a, "connection"), "close");
		answer_deinit(&a);
	}
	struct client c = client_open(http_port(h));
	struct answer a;
	client_send(&c, "POST /t/echo HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n");
	cr_assert(client_answer(&c, &a, false));
	cr_expect_eq(a.status, 400, "HTTP/1.0 knows no chunks");
	answer_deinit(&a);
	client_close(&c);
	rig_finish(h);
}

#define CHUNKED_HEAD                                                                                                   \
	"POST /t/echo HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nTransfer-Encoding: "            \
	"Chunked\r\n\r\n"

Test(http_server, a_chunked_body_split_at_every_byte_is_whole)
{
	static const char text[] = CHUNKED_HEAD "4;x=y\r\n{\"a\"\r\n5\r\n:[1]}\r\n0\r\nT: t\r\n\r\n";
	struct http *h = rig_start(NULL);
	for (size_t cut = 1; cut < sizeof text - 1; cut++) {
		struct client c = client_open(http_port(h));
		struct answer a;
		client_send(&c,
			    "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"); /* not the first of its connection */
		cr_assert(client_answer(&c, &a, false));
		answer_deinit(&a);
		client_send_bytes(&c, text, cut);
		rig_turn(h);
		client_send_bytes(&c, text + cut, sizeof text - 1 - cut);
		cr_assert(client_answer(&c, &a, false), "cut at %zu", cut);
		cr_expect_eq(a.status, 200);
		cr_expect_str_eq((char *)a.body.data, "{\"a\":[1]}", "cut at %zu", cut);
		cr_expect_str_eq(answer_header(&a, "connection"), "close");
		answer_deinit(&a);
		cr_expect_not(client_receive(&c), "closed");
		client_close(&c);
	}
	rig_finish(h);
}

Test(http_server, what_is_no_chunked_body_is_refused)
{
	struct http *h = rig_start(NULL);
	static const char *const bad[] = {"5\nhello\r\n0\r\n\r\n", "x\r\n", "3\r\nabcd\r\n0\r\n\r\n",
					  "GET / HTTP/1.1\r\n\r\n"};
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		struct client c = client_open(http_port(h));
		struct answer a;
		client_send(&c, CHUNKED_HEAD);
		client_send(&c, bad[i]);
		cr_assert(client_answer(&c, &a, false), "case %zu", i);
		cr_expect_eq(a.status, 400, "case %zu", i);
		cr_expect(answer_has(&a, "urn:zayton:problem:bad-framing"));
		answer_deinit(&a);
		cr_expect_not(client_receive(&c), "closed");
		client_close(&c);
	}
	rig_finish(h);
}

/* A body of `size` bytes in chunks of 60000, without its end. */
static void send_chunks(struct client *c, size_t size)
{
	static char chunk[60016];
	while (size) {
		size_t n = size < 60000 ? size : 60000;
		int head = snprintf(chunk, sizeof chunk, "%zx\r\n", n);
		memset(chunk + head, '7', n);
		memcpy(chunk + (size_t)head + n, "\r\n", 2);
		client_send_bytes(c, chunk, (size_t)head + n + 2);
		size -= n;
	}
}

Test(http_server, a_chunked_body_is_bounded_as_any_other)
{
	struct http *h = rig_start(NULL);
	for (size_t over = 0; over < 2; over++) {
		struct client c = client_open(http_port(h));
		struct answer a;
		client_send(&c, CHUNKED_HEAD);
		send_chunks(&c, HTTP_BODY_MAX + over);
		client_send(&c, "0\r\n\r\n");
		cr_assert(client_answer(&c, &a, false));
		cr_expect_eq(a.status, over ? 413 : 200);
		cr_expect(over ? answer_has(&a, "urn:zayton:problem:body-too-large") : a.body.size == HTTP_BODY_MAX);
		answer_deinit(&a);
		client_close(&c);
	}
	struct client c = client_open(http_port(h));
	client_send(&c, CHUNKED_HEAD);
	send_chunks(&c, (size_t)HTTP_BODY_MAX * 9); /* and does not end: it is cut */
	while (client_receive(&c))
		;
	client_close(&c);
	rig_turn(h);
	rig_finish(h);
}

Test(http_server, a_body_past_the_bound_is_read_and_refused)
{
	struct http *h = rig_start(NULL);
	struct client c = client_open(http_port(h));
	struct answer a;
	size_t size = HTTP_BODY_MAX + 1;
	char *body = calloc(1, size), head[128];
	cr_assert(body);
	snprintf(head, sizeof head, "POST /t/echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: %zu\r\n\r\n", size);
	client_send(&c, head);
	client_send_bytes(&c, body, size);
	client_send(&c, "GET /t/who/after HTTP/1.1\r\nHost: localhost\r\n\r\n");
	cr_assert(client_answer(&c, &a, false));
	cr_expect_eq(a.status, 413);
	answer_deinit(&a);
	cr_assert(client_answer(&c, &a, false), "the connection goes on");
	cr_expect_eq(a.status, 200);
	answer_deinit(&a);
	client_close(&c);
	free(body);
	rig_finish(h);
}

Test(http_server, headers_past_the_bound_end_the_connection)
{
	struct http *h = rig_start(NULL);
	struct client c = client_open(http_port(h));
	char line[1024];
	client_send(&c, "GET /healthz HTTP/1.1\r\n");
	memset(line, 'x', sizeof line);
	memcpy(line, "X-A: ", 5);
	memcpy(line + sizeof line - 2, "\r\n", 2);
	for (int i = 0; i < 64; i++)
		client_send_bytes(&c, line, sizeof line);
	client_send(&c, "\r\n");
	cr_expect_not(client_receive(&c));
	client_close(&c);
	struct answer a = ask(http_port(h), "GET /healthz", "", NULL);
	cr_expect_eq(a.status, 200);
	answer_deinit(&a);
	rig_finish(h);
}

Test(http_server, garbage_costs_its_connection_alone)
{
	struct http *h = rig_start(NULL);
	static const char *const garbage[] = {"\x16\x03\x01\x02",
					      "\r\n\r\n\r\n",
					      "FOO /x HTTP/1.1\r\n\r\n",
					      "GET\r\n\r\n",
					      "GET /%zz HTTP/1.1\r\n\r\n",
					      "GET /%00 HTTP/1.1\r\n\r\n",
					      "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"};
	for (size_t i = 0; i < sizeof garbage / sizeof garbage[0]; i++) {
		struct client c = client_open(http_port(h));
		client_send(&c, garbage[i]);
		shutdown(c.fd, SHUT_WR);
		while (client_receive(&c))
			;
		client_close(&c);
	}
	struct answer a = ask(http_port(h), "GET /healthz", "", NULL);
	cr_expect_eq(a.status, 200);
	answer_deinit(&a);
	rig_finish(h);
}

Test(http_server, a_path_is_decoded_once)
{
	struct http *h = rig_start(NULL);
	struct answer a = ask(http_port(h), "GET /t/who/plate:2:%E9%97%BDC1%2525", "", NULL);
	cr_expect_str_eq((char *)a.body.data, "local|all|/t/who/plate:2:闽C1%25|plate:2:闽C1%25");
	answer_deinit(&a);
	rig_finish(h);
}

static void few_connections(struct http_options *o)
{
	o->connections_max = 4;
}

Test(http_server, connections_past_the_bound_are_refused)
{
	struct http *h = rig_start(few_connections);
	struct client held[4], extra;
	struct answer a;
	for (int i = 0; i < 4; i++) {
		held[i] = client_open(http_port(h));
		client_send(&held[i], "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n");
		cr_assert(client_answer(&held[i], &a, false));
		answer_deinit(&a);
	}
	extra = client_open(http_port(h));
	client_send(&extra, "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n");
	cr_expect_not(client_receive(&extra));
	client_close(&extra);
	for (int i = 0; i < 4; i++)
		client_close(&held[i]);
	bool answered = false;
	while (!answered) { /* the closes are seen in their own time */
		extra = client_open(http_port(h));
		client_send(&extra, "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n");
		answered = client_answer(&extra, &a, false);
		answer_deinit(&a);
		client_close(&extra);
	}
	rig_finish(h);
}

Test(http_server, silent_connections_count_and_do_not_hold_up_the_stop)
{
	struct http *h = rig_start(few_connections);
	struct client held[5];
	for (int i = 0; i < 5; i++)
		held[i] = client_open(http_port(h));
	cr_expect_not(client_receive(&held[4]), "the fifth is refused");
	http_stop(h);
	for (int i = 0; i < 5; i++) {
		cr_expect_not(client_receive(&held[i]));
		client_close(&held[i]);
	}
	http_free(h);
}

Test(http_server, stopping_lets_an_answer_under_way_finish)
{
	struct http *h = rig_start(NULL);
	struct client c = client_open(http_port(h));
	struct answer a;
	rig_open_gate(false);
	client_send(&c, "GET /t/gate HTTP/1.1\r\nHost: localhost\r\n\r\n");
	rig_await_waiting(1);
	rig_open_gate(true);
	http_stop(h);
	cr_assert(client_answer(&c, &a, false));
	cr_expect_str_eq((char *)a.body.data, "through\n");
	answer_deinit(&a);
	client_close(&c);
	http_free(h);
}

static void no_patience(struct http_options *o)
{
	o->drain_ms = 1;
}

Test(http_server, stopping_cuts_what_does_not_finish)
{
	struct http *h = rig_start(no_patience);
	struct client c = client_open(http_port(h));
	client_send(&c, "GET /t/stream?bytes=9000000000000 HTTP/1.1\r\nHost: localhost\r\n\r\n");
	cr_assert(client_receive(&c));
	http_stop(h);
	cr_expect_eq(rig_await_stream_end(), STATUS_CANCELLED);
	client_close(&c);
	http_free(h);
}

/* --- who asks --- */

static struct http_token tokens[2];

static void with_tokens(struct http_options *o)
{
	static const char *const texts[] = {"secret-of-the-writer", "secret-of-the-reader"};
	for (int i = 0; i < 2; i++) {
		EVP_Digest(texts[i], strlen(texts[i]), tokens[i].sha256, NULL, EVP_sha256(), NULL);
		snprintf(tokens[i].principal.name, sizeof tokens[i].principal.name, "%s", i ? "reader" : "writer");
		snprintf(tokens[i].principal.scope, sizeof tokens[i].principal.scope, "%s", i ? "village:东村" : "all");
		tokens[i].read_only = i;
	}
	o->tokens = tokens;
	o->token_count = 2;
}

Test(http_server, a_token_says_who_asks)
{
	struct http *h = rig_start(with_tokens);
	uint16_t port = http_port(h);
	struct answer a = ask(port, "GET /t/who/z", "Authorization: Bearer secret-of-the-reader\r\n", NULL);
	cr_expect_str_eq((char *)a.body.data, "reader|village:东村|/t/who/z|z");
	answer_deinit(&a);
	a = ask(port, "GET /t/who/z", "Authorization: Bearer secret-of-nobody\r\n", NULL);
	cr_expect_eq(a.status, 401);
	cr_expect_str_eq(answer_header(&a, "www-authenticate"), "bearer realm=\"zayton\"");
	answer_deinit(&a);
	a = ask(port, "GET /t/who/z", "Authorization: Basic Zm9vOmJhcg==\r\n", NULL);
	cr_expect_eq(a.status, 401);
	answer_deinit(&a);
	a = ask(port, "POST /t/echo",
		"Authorization: Bearer secret-of-the-reader\r\nContent-Type: application/json\r\n", "1");
	cr_expect_eq(a.status, 403);
	answer_deinit(&a);
	a = ask(port, "POST /t/echo",
		"Authorization: Bearer secret-of-the-writer\r\nContent-Type: application/json\r\n", "1");
	cr_expect_eq(a.status, 200);
	answer_deinit(&a);
	rig_finish(h);
}

Test(http_server, a_foreign_page_in_a_local_browser_is_not_local)
{
	struct http *h = rig_start(NULL);
	struct client c = client_open(http_port(h));
	struct answer a;
	client_send(&c, "GET /t/who/z HTTP/1.1\r\nHost: rebound.example:80\r\n\r\n");
	cr_assert(client_answer(&c, &a, false));
	cr_expect_eq(a.status, 403);
	answer_deinit(&a);
	client_close(&c);
	a = ask(http_port(h), "GET /t/who/z", "Origin: https://elsewhere.example\r\n", NULL);
	cr_expect_eq(a.status, 403);
	answer_deinit(&a);
	char own[64];
	snprintf(own, sizeof own, "Origin: http://127.0.0.1:%u\r\n", (unsigned)http_port(h));
	a = ask(http_port(h), "GET /t/who/z", own, NULL);
	cr_expect_eq(a.status, 200);
	answer_deinit(&a);
	rig_finish(h);
}

/* --- TLS --- */

Test(http_server, tls_carries_a_long_answer, .init = rig_make_certificate, .fini = rig_remove_certificate)
{
	struct http *h = rig_start(rig_with_tls);
	struct client c = client_open_tls(http_port(h), "http/1.1");
	struct answer a;
	client_send(&c, "GET /t/stream?bytes=2000000 HTTP/1.1\r\nHost: localhost\r\n\r\n");
	cr_assert(client_answer(&c, &a, false));
	cr_expect_eq(a.body.size, 2000000u);
	cr_expect(a.whole);
	answer_deinit(&a);
	client_close(&c);
	rig_finish(h);
}

Test(http_server, a_bad_certificate_is_said_at_start)
{
	struct http_options o = http_options_default(NULL);
	struct http *h;
	o.tls_certificate = o.tls_key = "/nowhere/cert.pem";
	cr_assert_eq(http_new(&o, &h), STATUS_OK);
	cr_expect_eq(http_start(h), STATUS_IO);
	http_free(h);
}

Test(http_server, a_taken_port_is_said_at_start)
{
	struct http *h = rig_start(NULL), *other;
	struct http_options o = http_options_default(NULL);
	o.port = http_port(h);
	cr_assert_eq(http_new(&o, &other), STATUS_OK);
	cr_expect_eq(http_start(other), STATUS_IO);
	http_free(other);
	rig_finish(h);
}
