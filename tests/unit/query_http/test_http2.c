/* HTTP/2 over TLS and by prior knowledge, by a client that speaks frames by hand (RFC 9113): windows, streams beside
 * each other, a reset. */
#include <criterion/criterion.h>
#include <stdio.h>

#include "query/http/http.h"
#include "unit/query_http/http_client.h"
#include "unit/query_http/http_rig.h"

enum { FRAME_DATA = 0, FRAME_HEADERS = 1, FRAME_RST = 3, FRAME_SETTINGS = 4, FRAME_PING = 6, FRAME_WINDOW = 8 };
#define FLAG_END_STREAM 1
#define FLAG_END_HEADERS 4

struct frame {
	uint8_t type, flags;
	uint32_t stream;
	size_t size;
	uint8_t *payload;
};

static void send_frame(struct client *c, uint8_t type, uint8_t flags, uint32_t stream, const void *data, size_t size)
{
	uint8_t head[9] = {(uint8_t)(size >> 16), (uint8_t)(size >> 8), (uint8_t)size, type, flags};
	store_be32(head + 5, stream);
	client_send_bytes(c, head, sizeof head);
	client_send_bytes(c, data, size);
}

static void send_window(struct client *c, uint32_t stream, uint32_t more)
{
	uint8_t be[4];
	store_be32(be, more);
	send_frame(c, FRAME_WINDOW, 0, stream, be, sizeof be);
}

static uint8_t *put_header(uint8_t *at, const char *name, const char *value)
{
	size_t n = strlen(name), v = strlen(value);
	cr_assert(n < 127 && v < 127);
	*at++ = 0; /* literal, new name, not indexed (RFC 7541 6.2.2) */
	*at++ = (uint8_t)n;
	memcpy(at, name, n);
	at += n;
	*at++ = (uint8_t)v;
	memcpy(at, value, v);
	return at + v;
}

static void send_get(struct client *c, uint32_t stream, const char *path)
{
	uint8_t block[512], *at = block;
	at = put_header(at, ":method", "GET");
	at = put_header(at, ":scheme", c->tls ? "https" : "http");
	at = put_header(at, ":authority", "localhost");
	at = put_header(at, ":path", path);
	send_frame(c, FRAME_HEADERS, FLAG_END_HEADERS | FLAG_END_STREAM, stream, block, (size_t)(at - block));
}

/* The next frame, whose payload lasts until the next call. */
static bool next_frame(struct client *c, struct frame *out)
{
	static struct buf last;
	while (c->in.size < 9)
		if (!client_receive(c))
			return false;
	out->size = (size_t)c->in.data[0] << 16 | (size_t)c->in.data[1] << 8 | c->in.data[2];
	out->type = c->in.data[3];
	out->flags = c->in.data[4];
	out->stream = load_be32(c->in.data + 5) & 0x7fffffff;
	while (c->in.size < 9 + out->size)
		if (!client_receive(c))
			return false;
	last.max = 1u << 24;
	buf_clear(&last);
	cr_assert_eq(buf_append(&last, c->in.data + 9, out->size), STATUS_OK);
	out->payload = last.data;
	memmove(c->in.data, c->in.data + 9 + out->size, c->in.size - 9 - out->size);
	c->in.size -= 9 + out->size;
	if (out->type == FRAME_SETTINGS && !(out->flags & 1))
		send_frame(c, FRAME_SETTINGS, 1, 0, NULL, 0);
	return true;
}

static void send_preface(struct client *c)
{
	client_send(c, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
	send_frame(c, FRAME_SETTINGS, 0, 0, NULL, 0);
}

static struct client open_h2(uint16_t port)
{
	struct client c = client_open_tls(port, "h2");
	const unsigned char *chosen;
	unsigned size;
	SSL_get0_alpn_selected(c.tls, &chosen, &size);
	cr_assert(size == 2 && !memcmp(chosen, "h2", 2));
	send_preface(&c);
	return c;
}

TestSuite(http2, .init = rig_make_certificate, .fini = rig_remove_certificate, .timeout = 120);

/* Two long answers and a short one at once on this connection, which it closes. */
static void expect_streams(struct client c)
{
	size_t bytes[8] = {0};
	bool ended[8] = {false};
	struct frame f;
	send_get(&c, 1, "/t/stream?bytes=1000000");
	send_get(&c, 3, "/healthz");
	send_get(&c, 5, "/t/stream?bytes=1000000");
	while (!(ended[1] && ended[3] && ended[5])) {
		cr_assert(next_frame(&c, &f));
		cr_assert_neq(f.type, FRAME_RST);
		cr_assert_lt(f.stream, 8u);
		if (f.type == FRAME_DATA) {
			for (size_t i = 0; i < f.size && f.stream != 3; i++)
				cr_assert_eq(f.payload[i], 'a' + (bytes[f.stream] + i) % 23);
			bytes[f.stream] += f.size;
			if (f.size) {
				send_window(&c, 0, (uint32_t)f.size);
				send_window(&c, f.stream, (uint32_t)f.size);
			}
		}
		if (f.type == FRAME_DATA || f.type == FRAME_HEADERS)
			ended[f.stream] |= f.flags & FLAG_END_STREAM;
	}
	cr_expect_eq(bytes[1], 1000000u);
	cr_expect_eq(bytes[3], 16u);
	cr_expect_eq(bytes[5], 1000000u);
	client_close(&c);
}

Test(http2, streams_go_on_beside_each_other)
{
	struct http *h = rig_start(rig_with_tls);
	expect_streams(open_h2(http_port(h)));
	rig_finish(h);
}

Test(http2, prior_knowledge_opens_the_same_on_a_clear_port_beside_http_1)
{
	struct http *h = rig_start(NULL);
	struct client c = client_open(http_port(h)), idle = client_open(http_port(h));
	send_preface(&c);
	expect_streams(c);
	struct answer a = ask(http_port(h), "GET /healthz", "", NULL);
	cr_expect_eq(a.status, 200);
	answer_deinit(&a);
	client_close(&idle);
	rig_finish(h);
}

/* The bytes of a preface, SETTINGS and a request for /healthz. */
static struct buf whole_request(void)
{
	uint8_t block[512], *at = block,
			    head[9] = {0, 0, 0, FRAME_HEADERS, FLAG_END_HEADERS | FLAG_END_STREAM, 0, 0, 0, 1};
	struct buf b = buf_init(1024);
	at = put_header(at, ":method", "GET");
	at = put_header(at, ":scheme", "http");
	at = put_header(at, ":authority", "localhost");
	at = put_header(at, ":path", "/healthz");
	head[2] = (uint8_t)(at - block);
	cr_assert_eq(buf_append(&b, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0", 24 + 9), STATUS_OK);
	cr_assert_eq(buf_append(&b, head, sizeof head), STATUS_OK);
	cr_assert_eq(buf_append(&b, block, (size_t)(at - block)), STATUS_OK);
	return b;
}

Test(http2, prior_knowledge_split_at_every_byte_is_understood)
{
	struct http *h = rig_start(NULL);
	struct buf bytes = whole_request();
	for (size_t cut = 1; cut < bytes.size; cut++) {
		struct client c = client_open(http_port(h));
		struct frame f;
		client_send_bytes(&c, bytes.data, cut);
		rig_turn(h);
		client_send_bytes(&c, bytes.data + cut, bytes.size - cut);
		do
			cr_assert(next_frame(&c, &f), "cut at %zu", cut);
		while (f.type != FRAME_DATA || !f.size);
		cr_expect(f.size == 16 && !memcmp(f.payload, "{\"status\":\"ok\"}\n", 16), "cut at %zu", cut);
		client_close(&c);
	}
	buf_deinit(&bytes);
	rig_finish(h);
}

Test(http2, a_closed_window_holds_the_producer_within_its_bound)
{
	struct http *h = rig_start(rig_with_tls);
	struct client c = open_h2(http_port(h));
	struct frame f;
	size_t bytes = 0;
	bool ended = false;
	send_get(&c, 1, "/t/stream?bytes=400000");
	while (bytes < 65535) { /* the initial window (RFC 9113 6.9.2), and not a byte more */
		cr_assert(next_frame(&c, &f));
		bytes += f.type == FRAME_DATA ? f.size : 0;
	}
	send_frame(&c, FRAME_PING, 0, 0, "12345678", 8);
	do { /* the answer to a ping passes what is held back */
		cr_assert(next_frame(&c, &f));
		bytes += f.type == FRAME_DATA ? f.size : 0;
	} while (f.type != FRAME_PING);
	cr_expect_eq(bytes, 65535u);
	send_window(&c, 0, 1000000);
	send_window(&c, 1, 1000000);
	while (!ended) {
		cr_assert(next_frame(&c, &f));
		bytes += f.type == FRAME_DATA ? f.size : 0;
		ended = f.type == FRAME_DATA && f.flags & FLAG_END_STREAM;
	}
	cr_expect_eq(bytes, 400000u);
	cr_expect_eq(rig_await_stream_end(), STATUS_OK);
	cr_expect_leq(rig_queue_high(), (size_t)RIG_QUEUE_BYTES);
	client_close(&c);
	rig_finish(h);
}

Test(http2, a_connection_that_leaves_stops_its_producers)
{
	struct http *h = rig_start(rig_with_tls);
	struct client c = open_h2(http_port(h));
	struct frame f;
	send_get(&c, 1, "/t/stream?bytes=9000000000000");
	do {
		cr_assert(next_frame(&c, &f));
	} while (f.type != FRAME_DATA);
	client_close(&c);
	cr_expect_eq(rig_await_stream_end(), STATUS_CANCELLED);
	rig_finish(h);
}

static void short_stall(struct http_options *o)
{
	rig_with_tls(o);
	o->stall_s = 1;
}

Test(http2, a_stream_that_takes_nothing_is_let_go)
{
	struct http *h = rig_start(short_stall);
	struct client c = open_h2(http_port(h));
	struct frame f;
	send_get(&c, 1, "/t/stream?bytes=9000000000000");
	do {
		cr_assert(next_frame(&c, &f));
	} while (f.type != FRAME_DATA);
	cr_expect_eq(rig_await_stream_end(), STATUS_CANCELLED); /* its window is never opened */
	client_close(&c);
	rig_finish(h);
}
