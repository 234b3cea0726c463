/* bare_http.c -- the limit `http` is measured against: libwebsockets on libuv reads a request and writes one fixed
 * answer, as long as that of a last position, and does nothing else. Prints its port.
 *
 *   bare_http BYTES */
#include <libwebsockets.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#define BODY_MAX 4000

static char body[LWS_PRE + BODY_MAX];
static size_t body_size;

static int answer_head(struct lws *wsi)
{
	unsigned char bytes[LWS_PRE + 512], *start = bytes + LWS_PRE, *p = start, *end = bytes + sizeof bytes;
	if (lws_add_http_common_headers(wsi, HTTP_STATUS_OK, "application/json", body_size, &p, end) ||
	    lws_finalize_write_http_header(wsi, start, &p, end))
		return -1;
	lws_callback_on_writable(wsi);
	return 0;
}

static int on_lws(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in, size_t size)
{
	(void)user;
	(void)in;
	(void)size;
	switch (reason) {
	case LWS_CALLBACK_HTTP:
		return answer_head(wsi);
	case LWS_CALLBACK_HTTP_WRITEABLE:
		if (lws_write(wsi, (unsigned char *)body + LWS_PRE, body_size, LWS_WRITE_HTTP_FINAL) < 0)
			return -1;
		return lws_http_transaction_completed(wsi) ? -1 : 0;
	default:
		return 0;
	}
}

static const struct lws_protocols protocols[] = {
	{.name = "http", .callback = on_lws, .rx_buffer_size = 16384},
	{0},
};

int main(int argc, char **argv)
{
	body_size = argc == 2 ? strtoul(argv[1], NULL, 10) : 0;
	if (!body_size || body_size > BODY_MAX) {
		fprintf(stderr, "usage: bare_http BYTES (1..%d)\n", BODY_MAX);
		return 2;
	}
	memset(body + LWS_PRE, ' ', body_size);
	uv_loop_t *loop = uv_default_loop();
	void *loops[1] = {loop};
	struct lws_context_creation_info info = {0};
	info.options = LWS_SERVER_OPTION_LIBUV | LWS_SERVER_OPTION_EXPLICIT_VHOSTS;
	info.foreign_loops = loops;
	info.protocols = protocols;
	info.port = CONTEXT_PORT_NO_LISTEN_SERVER;
	info.keepalive_timeout = 60;
	lws_set_log_level(LLL_ERR, NULL);
	struct lws_context *context = lws_create_context(&info);
	info.port = 0;
	info.iface = "127.0.0.1";
	struct lws_vhost *vhost = context ? lws_create_vhost(context, &info) : NULL;
	if (!vhost)
		return 1;
	printf("%d\n", lws_get_vhost_listen_port(vhost));
	fflush(stdout);
	return uv_run(loop, UV_RUN_DEFAULT);
}
