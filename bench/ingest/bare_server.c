/* bare_server.c -- the limit `ingest-tcp` is measured against: libuv reads the frames, writes the 15-byte replies,
 * and does nothing else. No check, no journal, no device: the cost of the sockets alone. Prints its port. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#define FLAG 0x7e
#define ESCAPE 0x7d

struct conn {
	uv_tcp_t tcp;
};

static char shared[65536];

static void on_close(uv_handle_t *handle)
{
	free(handle->data);
}

static void on_alloc(uv_handle_t *handle, size_t wanted, uv_buf_t *out)
{
	(void)handle;
	(void)wanted;
	*out = uv_buf_init(shared, sizeof shared);
}

/* The first `wanted` bytes behind the flag, unescaped; NULL when the frame is shorter. */
static const unsigned char *head_of(const unsigned char *at, const unsigned char *end, unsigned char *out, int wanted)
{
	for (int n = 0; n < wanted; n++) {
		if (at >= end)
			return NULL;
		out[n] = *at++;
		if (out[n] == ESCAPE && at < end)
			out[n] = *at++ == 1 ? ESCAPE : FLAG;
	}
	return out;
}

static void put(unsigned char *out, int *size, unsigned char byte)
{
	if (byte == FLAG || byte == ESCAPE) {
		out[(*size)++] = ESCAPE;
		out[(*size)++] = byte == FLAG ? 2 : 1;
	} else {
		out[(*size)++] = byte;
	}
}

/* 0x8001 for the frame whose first 12 bytes are `head`: phone, own serial, the serial and id answered, result 0. */
static void reply(uv_stream_t *stream, const unsigned char *head)
{
	unsigned char content[17] = {0x80, 0x01, 0x00, 0x05}, out[40] = {FLAG}, sum = 0;
	int size = 1;
	memcpy(content + 4, head + 4, 6);
	memcpy(content + 10, head + 10, 2);
	memcpy(content + 12, head + 10, 2);
	memcpy(content + 14, head, 2);
	for (int i = 0; i < 17; i++) {
		put(out, &size, content[i]);
		sum ^= content[i];
	}
	put(out, &size, sum);
	out[size++] = FLAG;
	uv_buf_t view = uv_buf_init((char *)out, (unsigned)size);
	if (uv_try_write(stream, &view, 1) != size)
		uv_close((uv_handle_t *)stream, on_close);
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *bytes)
{
	if (n < 0) {
		uv_close((uv_handle_t *)stream, on_close);
		return;
	}
	const unsigned char *at = (const unsigned char *)bytes->base, *end = at + n;
	while (at + 15 < end && *at == FLAG) {
		const unsigned char *close = memchr(at + 1, FLAG, (size_t)(end - at - 1));
		if (!close)
			break; /* one report a write arrives in one read on loopback */
		unsigned char head[12];
		if (head_of(at + 1, close, head, sizeof head))
			reply(stream, head);
		at = close + 1;
	}
}

static void on_connection(uv_stream_t *server, int status)
{
	struct conn *c = status ? NULL : malloc(sizeof *c);
	if (!c)
		return;
	uv_tcp_init(server->loop, &c->tcp);
	c->tcp.data = c;
	if (uv_accept(server, (uv_stream_t *)&c->tcp)) {
		uv_close((uv_handle_t *)&c->tcp, on_close);
		return;
	}
	uv_tcp_nodelay(&c->tcp, 1);
	uv_read_start((uv_stream_t *)&c->tcp, on_alloc, on_read);
}

int main(void)
{
	uv_loop_t *loop = uv_default_loop();
	uv_tcp_t server;
	struct sockaddr_in address;
	int size = sizeof address;
	uv_ip4_addr("127.0.0.1", 0, &address);
	uv_tcp_init(loop, &server);
	if (uv_tcp_bind(&server, (const struct sockaddr *)&address, 0) ||
	    uv_listen((uv_stream_t *)&server, 4096, on_connection) ||
	    uv_tcp_getsockname(&server, (struct sockaddr *)&address, &size))
		return 1;
	printf("%d\n", (address.sin_port >> 8 | address.sin_port << 8) & 0xffff);
	fflush(stdout);
	return uv_run(loop, UV_RUN_DEFAULT);
}
