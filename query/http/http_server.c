#include "query/http/http_server.h"

#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include "engine/core/log.h"
#include "query/http/http_wire.h"

#define MODULE "http"

#define H2_STREAMS_MAX 32
/* SETTINGS identifiers (RFC 9113 6.5.2), which are indices of lws_context_creation_info.http2_settings */
#define H2_HEADER_TABLE_SIZE 1
#define H2_MAX_CONCURRENT_STREAMS 3
#define H2_INITIAL_WINDOW_SIZE 4
#define H2_MAX_FRAME_SIZE 5
#define H2_MAX_HEADER_LIST_SIZE 6

/* --- connections --- */

static bool on_accept(void *context)
{
	struct http_server *s = context;
	bool room = s->open + s->waiting < s->options.connections_max;
	if (room)
		s->accepted++;
	else
		s->refused++;
	return room;
}

static void on_greeted(void *context, int fd, bool h2)
{
	struct http_server *s = context;
	lws_sock_file_fd_type socket = {.sockfd = fd};
	int type = LWS_ADOPT_SOCKET | LWS_ADOPT_HTTP | (s->options.tls_certificate ? LWS_ADOPT_ALLOW_SSL : 0);
	/* which closes the socket when it fails */
	if (!lws_adopt_descriptor_vhost(h2 ? s->h2 : s->h1, (lws_adoption_type)type, socket, NULL, NULL))
		s->refused++;
}

/* The data of a parent that we do not have marks network connections, so that each is counted once; streams of
 * HTTP/2 have none of their own. */
static void on_connected(struct http_server *s, struct lws *wsi)
{
	lws_set_opaque_parent_data(wsi, calloc(1, sizeof(struct connection)));
	if (!lws_get_opaque_parent_data(wsi))
		return;
	s->open++;
}

static void on_disconnected(struct http_server *s, struct lws *wsi)
{
	struct connection *c = lws_get_opaque_parent_data(wsi);
	if (!c)
		return;
	s->open--;
	free(c);
	lws_set_opaque_parent_data(wsi, NULL);
}

static int on_lws(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in, size_t size)
{
	struct http_server *s = server_of(wsi);
	struct wire *w = user;
	switch (reason) {
	case LWS_CALLBACK_WSI_CREATE:
		on_connected(s, wsi);
		return 0;
	case LWS_CALLBACK_WSI_DESTROY:
		on_disconnected(s, wsi);
		return 0;
	case LWS_CALLBACK_HTTP_CONFIRM_UPGRADE:
		return strcasecmp(in, "h2c") ? -1 : 0;
	case LWS_CALLBACK_HTTP:
		return wire_request(s, wsi, w);
	case LWS_CALLBACK_HTTP_BODY:
		return wire_body(s, wsi, w, span_of(in, size));
	case LWS_CALLBACK_HTTP_BODY_COMPLETION:
		return 0; /* wire_body has seen the last byte already */
	case LWS_CALLBACK_HTTP_WRITEABLE:
		w->asked = false;
		return wire_send(s, wsi, w);
	case LWS_CALLBACK_CLOSED_HTTP:
	case LWS_CALLBACK_HTTP_DROP_PROTOCOL:
		if (w && w->x) {
			s->cut++;
			wire_let_go(s, w);
		}
		return 0;
	default:
		return 0;
	}
}

static void stop_listening(struct http_server *s)
{
	if (s->listen)
		http_listen_close(s->listen);
	s->listen = NULL;
}

static void end_loop(struct http_server *s)
{
	if (s->phase == SERVER_ENDING)
		return;
	s->phase = SERVER_ENDING;
	stop_listening(s);
	pthread_mutex_lock(&s->mutex);
	s->ended = true;
	pthread_mutex_unlock(&s->mutex);
	uv_close((uv_handle_t *)&s->drain, NULL);
	uv_close((uv_handle_t *)&s->tick, NULL);
	lws_context_destroy(s->lws);
	uv_close((uv_handle_t *)&s->async, NULL);
}

static void on_drain_over(uv_timer_t *timer)
{
	end_loop(timer->data);
}

void server_wake(struct http_exchange *x)
{
	struct http_server *s = x->server;
	pthread_mutex_lock(&s->mutex);
	bool first = !s->woken && !s->ended;
	if (!x->woken && !s->ended) {
		x->woken = true;
		x->next_woken = s->woken;
		s->woken = x;
		exchange_ref(x);
	}
	pthread_mutex_unlock(&s->mutex);
	if (first)
		uv_async_send(&s->async);
}

static void on_woken(struct http_server *s, struct http_exchange *x)
{
	if (x->wire) {
		lws_set_timeout(x->wire, PENDING_TIMEOUT_HTTP_CONTENT, (int)s->options.stall_s);
		wire_ask(x->wire, lws_wsi_user(x->wire));
	}
	exchange_unref(x);
}

static void on_async(uv_async_t *async)
{
	struct http_server *s = async->data;
	pthread_mutex_lock(&s->mutex);
	struct http_exchange *x;
	bool stop = s->stop_asked;
	while ((x = s->woken)) {
		s->woken = x->next_woken;
		x->woken = false; /* from here on a producer may put it into the list again */
		pthread_mutex_unlock(&s->mutex);
		on_woken(s, x);
		pthread_mutex_lock(&s->mutex);
	}
	pthread_mutex_unlock(&s->mutex);
	if (stop && s->phase == SERVER_RUNNING) {
		s->phase = SERVER_DRAINING;
		stop_listening(s);
		uv_timer_start(&s->drain, on_drain_over, s->options.drain_ms, 0);
	}
}

/* After every turn of the loop: the last answer may just have left. */
static void run_loop(void *context)
{
	struct http_server *s = context;
	bool more = true;
	while (more) {
		more = uv_run(&s->loop, UV_RUN_ONCE) != 0;
		if (s->phase == SERVER_DRAINING && !s->exchanges)
			end_loop(s);
	}
	if (s->lws)
		lws_context_destroy(s->lws);
}

static void emit_log(int level, const char *line)
{
	log_write(level & LLL_ERR ? LOG_WARN : LOG_DEBUG, "libwebsockets", "%s", line);
}

static const struct lws_protocols protocols[] = {
	{.name = "http",
	 .callback = on_lws,
	 .per_session_data_size = sizeof(struct wire),
	 .rx_buffer_size = 16384,
	 .tx_packet_size = HEAD_MAX + WRITE_MAX + 64},
	{0},
};

static enum status make_context(struct http_server *s)
{
	void *loops[1] = {&s->loop};
	struct lws_context_creation_info info = {0};
	info.options = LWS_SERVER_OPTION_LIBUV | LWS_SERVER_OPTION_EXPLICIT_VHOSTS;
	info.foreign_loops = loops;
	info.user = s;
	info.pcontext = &s->lws;
	info.max_http_header_data2 = HTTP_HEADER_MAX;
	info.max_http_header_pool2 = s->options.connections_max;
	info.pt_serv_buf_size = 16384;
	if (s->options.tls_certificate)
		info.options |= LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT;
	lws_set_log_level(LLL_ERR | LLL_WARN, emit_log);
	s->lws = lws_create_context(&info);
	return s->lws ? STATUS_OK : STATUS_IO;
}

/* A vhost that listens nowhere: http_listen hands it its connections. */
static struct lws_vhost *make_vhost(struct http_server *s, const char *name, uint64_t options)
{
	const struct http_server_options *o = &s->options;
	struct lws_context_creation_info info = {0};
	info.options = options;
	info.port = CONTEXT_PORT_NO_LISTEN_SERVER;
	info.vhost_name = name;
	info.protocols = protocols;
	info.timeout_secs = o->stall_s;
	info.keepalive_timeout = (int)o->keepalive_s;
	info.server_string = "";
	/* With its own initial window left at 0, libwebsockets gives the stream that Upgrade: h2c makes no credit to
	 * send with (it takes its own setting for the peer's); 65535 is what RFC 9113 6.9.2 has every peer begin with.
	 */
	info.http2_settings[0] = 1;
	info.http2_settings[H2_HEADER_TABLE_SIZE] = 4096;
	info.http2_settings[H2_MAX_CONCURRENT_STREAMS] = H2_STREAMS_MAX;
	info.http2_settings[H2_INITIAL_WINDOW_SIZE] = 65535;
	info.http2_settings[H2_MAX_FRAME_SIZE] = H2_FRAME_MAX;
	info.http2_settings[H2_MAX_HEADER_LIST_SIZE] = HTTP_HEADER_MAX;
	if (o->tls_certificate) {
		info.options |= LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT; /* it asks for it here as well */
		info.ssl_cert_filepath = o->tls_certificate;
		info.ssl_private_key_filepath = o->tls_key;
		info.ssl_options_set = SSL_OP_NO_TLSv1 | SSL_OP_NO_TLSv1_1;
		info.alpn = "h2,http/1.1";
	}
	return lws_create_vhost(s->lws, &info);
}

static enum status start_listening(struct http_server *s)
{
	const struct http_server_options *o = &s->options;
	struct http_listen_options listen = {
		.loop = &s->loop,
		.address = o->address,
		.port = o->port,
		.tls = o->tls_certificate != NULL,
		.silence_s = o->stall_s,
		.waiting = &s->waiting,
		.room = on_accept,
		.greeted = on_greeted,
		.context = s,
	};
	enum status status = make_context(s);
	if (status)
		return status;
	s->h1 = make_vhost(s, "zayton", 0);
	if (!listen.tls)
		s->h2 = make_vhost(s, "zayton-h2", LWS_SERVER_OPTION_H2_PRIOR_KNOWLEDGE);
	if (!s->h1 || (!listen.tls && !s->h2))
		return STATUS_IO;
	status = http_listen_open(&listen, &s->listen);
	if (!status)
		s->port = http_listen_port(s->listen);
	return status;
}

enum status http_server_start(const struct http_server_options *options, struct http_server **out)
{
	struct http_server *s = calloc(1, sizeof *s);
	if (!s)
		return STATUS_NO_MEMORY;
	s->options = *options;
	if (!options->address)
		s->options.address = "127.0.0.1";
	pthread_mutex_init(&s->mutex, NULL);
	uv_loop_init(&s->loop);
	uv_async_init(&s->loop, &s->async, on_async);
	uv_timer_init(&s->loop, &s->drain);
	uv_timer_init(&s->loop, &s->tick);
	s->async.data = s->drain.data = s->tick.data = s;
	enum status status = start_listening(s);
	if (!status && uv_thread_create(&s->thread, run_loop, s))
		status = STATUS_NO_MEMORY;
	s->started = !status;
	if (status) {
		log_error(MODULE, "cannot listen on %s port %u", s->options.address, (unsigned)options->port);
		if (s->lws)
			end_loop(s);
		else {
			uv_close((uv_handle_t *)&s->drain, NULL);
			uv_close((uv_handle_t *)&s->tick, NULL);
			uv_close((uv_handle_t *)&s->async, NULL);
		}
		run_loop(s);
		http_server_free(s);
		return status;
	}
	*out = s;
	return STATUS_OK;
}

uint16_t http_server_port(const struct http_server *s)
{
	return s->port;
}

void http_server_stats(struct http_server *s, struct http_server_stats *out)
{
	*out = (struct http_server_stats){s->accepted, s->refused,    s->requests,
					  s->cut,      s->bytes_sent, s->open + s->waiting};
}

void http_server_stop(struct http_server *s)
{
	if (!s->started)
		return;
	pthread_mutex_lock(&s->mutex);
	s->stop_asked = true;
	pthread_mutex_unlock(&s->mutex);
	uv_async_send(&s->async);
	uv_thread_join(&s->thread);
	s->started = false;
}

void http_server_free(struct http_server *s)
{
	while (s->woken) {
		struct http_exchange *x = s->woken;
		s->woken = x->next_woken;
		exchange_unref(x);
	}
	uv_loop_close(&s->loop);
	pthread_mutex_destroy(&s->mutex);
	free(s);
}
