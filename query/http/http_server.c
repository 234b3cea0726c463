#include "query/http/http_server.h"

#include <errno.h>
#include <libwebsockets.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <sys/socket.h>
#include <uv.h>

#include "engine/core/log.h"

#define MODULE "http"

/* one write to a socket: large enough that a stream is not all system calls, and an HTTP/2 frame must not
 * pass 16384 bytes unless the client offered more (RFC 9113 4.2) */
#define WRITE_MAX 32768
#define H2_FRAME_MAX 16384
#define HEAD_MAX 2048
/* a refused body up to this size is read and thrown away, so that the refusal arrives */
#define DISCARD_MAX (16 * (uint64_t)HTTP_BODY_MAX)

#define H2_STREAMS_MAX 32
/* While an HTTP/1.1 request is answered libwebsockets neither reads its connection nor stops polling it, so what a
 * client sends meanwhile (the next request, its FIN) would make the loop spin; and with rx flow control on, it does
 * not handle writability either. Therefore connections being answered are looked at every so often: one that
 * has input waiting is muted and served small pieces from that tick, one whose client has closed is cut. */
#define TICK_MS 20
#define MUTED_WRITE_MAX 8192
/* SETTINGS identifiers (RFC 9113 6.5.2), which are indices of lws_context_creation_info.http2_settings */
#define H2_HEADER_TABLE_SIZE 1
#define H2_MAX_CONCURRENT_STREAMS 3
#define H2_INITIAL_WINDOW_SIZE 4
#define H2_MAX_FRAME_SIZE 5
#define H2_MAX_HEADER_LIST_SIZE 6

enum server_phase { SERVER_RUNNING, SERVER_DRAINING, SERVER_ENDING };

struct http_server {
	struct http_server_options options;
	char address[64];
	uv_loop_t loop;
	uv_async_t async;
	uv_timer_t drain, tick;
	uv_thread_t thread;
	struct lws_context *lws; /* cleared by libwebsockets when the context is gone */
	uint16_t port;
	bool started;

	pthread_mutex_t mutex; /* guards the three below */
	struct http_exchange *woken;
	bool stop_asked;
	bool ended; /* nobody listens to `async` any more */

	/* loop only */
	enum server_phase phase;
	bool drained;
	unsigned exchanges;    /* with a wire */
	struct wire *answered; /* HTTP/1.1 connections being answered */
	uint8_t scratch[LWS_PRE + HEAD_MAX + WRITE_MAX + 32];

	_Atomic uint64_t accepted, refused, requests, cut, bytes_sent, open;
};

/* What libwebsockets keeps for a connection (HTTP/1.1) or a stream (HTTP/2). It frees and makes this anew between two
 * requests of a connection: after complete() a wire must not be touched. */
struct wire {
	struct http_exchange *x; /* the one being received or answered */
	uint64_t body_left;      /* announced and not yet here */
	bool handed_over;
	bool headers_sent;
	bool chunked;
	bool close_after;
	struct wire *next, **link; /* in `answered`; link is NULL outside */
	bool asked;                /* for writability */
	bool unread;               /* input was seen waiting during this answer */
	bool muted;                /* rx flow control is on: no events, the tick serves it */
	bool discard;              /* the body is refused already: `refusal` is the answer once it is through */
	unsigned refusal;
};

/* What we keep for a network connection, under every stream of it. */
struct connection {
	char peer[64]; /* the client's address, asked once; "" until then */
};

static struct http_server *server_of(struct lws *wsi)
{
	return lws_context_user(lws_get_context(wsi));
}

static bool is_h2(struct lws *wsi)
{
	return lws_get_network_wsi(wsi) != wsi;
}

/* --- request in --- */

/* Texts that an exchange keeps: where they come from and where they go. */
static const struct {
	enum lws_token_indexes token;
	size_t offset;
} kept_headers[] = {
	{WSI_TOKEN_HOST, offsetof(struct http_request, host)},
	{WSI_TOKEN_ORIGIN, offsetof(struct http_request, origin)},
	{WSI_TOKEN_HTTP_ACCEPT, offsetof(struct http_request, accept)},
	{WSI_TOKEN_HTTP_AUTHORIZATION, offsetof(struct http_request, authorization)},
	{WSI_TOKEN_HTTP_IF_NONE_MATCH, offsetof(struct http_request, if_none_match)},
	{WSI_TOKEN_HTTP_CONTENT_TYPE, offsetof(struct http_request, content_type)},
};

static bool read_method(struct lws *wsi, enum http_method *out, enum lws_token_indexes *path, size_t *path_size)
{
	static const struct {
		enum lws_token_indexes token;
		enum http_method method;
	} table[] = {
		{WSI_TOKEN_GET_URI, HTTP_GET},         {WSI_TOKEN_POST_URI, HTTP_POST},
		{WSI_TOKEN_PUT_URI, HTTP_PUT},         {WSI_TOKEN_PATCH_URI, HTTP_PATCH},
		{WSI_TOKEN_DELETE_URI, HTTP_DELETE},   {WSI_TOKEN_HEAD_URI, HTTP_HEAD},
		{WSI_TOKEN_OPTIONS_URI, HTTP_OPTIONS},
	};
	for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
		int size = lws_hdr_total_length(wsi, table[i].token);
		if (size <= 0)
			continue;
		*out = table[i].method;
		*path = table[i].token;
		*path_size = (size_t)size;
		return true;
	}
	return false;
}

/* One argument as it came, minus the encoding that libwebsockets took away: '%', '&', ';', '+' and
 * controls inside it are encoded again. */
static char *encode_argument(char *out, const char *text)
{
	for (; *text; text++) {
		unsigned char c = (unsigned char)*text;
		if (c <= 0x20 || c == 0x7f || strchr("%&;+", c))
			out += sprintf(out, "%%%02X", c);
		else
			*out++ = (char)c;
	}
	return out;
}

static char *copy_query(struct lws *wsi, char *out)
{
	char argument[HTTP_HEADER_MAX];
	for (int i = 0;; i++) {
		int size = lws_hdr_copy_fragment(wsi, argument, sizeof argument, WSI_TOKEN_HTTP_URI_ARGS, i);
		if (size < 0)
			break;
		if (i)
			*out++ = '&';
		out = encode_argument(out, argument);
	}
	*out++ = '\0';
	return out;
}

static bool address_is_loopback(const char *address)
{
	if (!strncmp(address, "::ffff:", 7))
		address += 7;
	return !strncmp(address, "127.", 4) || !strcmp(address, "::1");
}

static const char *peer_of(struct lws *wsi)
{
	struct connection *c = lws_get_opaque_parent_data(lws_get_network_wsi(wsi));
	if (!c)
		return "";
	if (!*c->peer)
		lws_get_peer_simple(wsi, c->peer, sizeof c->peer);
	return c->peer;
}

static struct http_exchange *make_exchange(struct http_server *s, struct lws *wsi, const char *peer)
{
	enum http_method method;
	enum lws_token_indexes path;
	size_t path_size;
	if (!read_method(wsi, &method, &path, &path_size))
		return NULL;
	size_t room = path_size + 1 + strlen(peer) + 1;
	room += 3 * (size_t)lws_hdr_total_length(wsi, WSI_TOKEN_HTTP_URI_ARGS) + 1;
	for (size_t i = 0; i < sizeof kept_headers / sizeof kept_headers[0]; i++)
		room += (size_t)lws_hdr_total_length(wsi, kept_headers[i].token) + 1;
	struct http_exchange *x = exchange_new(room, s->options.queue_max);
	if (!x)
		return NULL;
	struct http_request *r = &x->request;
	char *at = exchange_texts(x);
	r->method = method;
	r->path = at;
	if (lws_hdr_copy(wsi, at, (int)path_size + 1, path) < 0)
		at[0] = '\0';
	at += path_size + 1;
	r->peer = strcpy(at, peer);
	r->loopback = address_is_loopback(peer);
	at += strlen(peer) + 1;
	for (size_t i = 0; i < sizeof kept_headers / sizeof kept_headers[0]; i++) {
		int size = lws_hdr_total_length(wsi, kept_headers[i].token);
		if (lws_hdr_copy(wsi, at, size + 1, kept_headers[i].token) < 0)
			*at = '\0';
		memcpy((char *)r + kept_headers[i].offset, &at, sizeof at);
		at += size + 1;
	}
	r->query = at;
	copy_query(wsi, at);
	x->head_only = method == HTTP_HEAD;
	return x;
}

static void server_wake(struct http_exchange *x)
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

/* What the announced body says: 0, or the status it is refused with. `out` is its length. */
static unsigned judge_body(struct lws *wsi, enum http_method method, uint64_t *out)
{
	char text[24];
	*out = 0;
	if (!is_h2(wsi) && lws_hdr_total_length(wsi, WSI_TOKEN_HTTP_TRANSFER_ENCODING))
		return 411;
	int size = lws_hdr_total_length(wsi, WSI_TOKEN_HTTP_CONTENT_LENGTH);
	bool takes_body = method == HTTP_POST || method == HTTP_PUT || method == HTTP_PATCH;
	if (!size)
		return takes_body ? 411 : 0;
	if (size > 18 || lws_hdr_copy(wsi, text, sizeof text, WSI_TOKEN_HTTP_CONTENT_LENGTH) < 0)
		return 400;
	if (strspn(text, "0123456789") != (size_t)size)
		return 400;
	*out = strtoull(text, NULL, 10);
	return *out > HTTP_BODY_MAX ? 413 : 0;
}

static int send_answer(struct http_server *s, struct lws *wsi, struct wire *w);
static void on_tick(uv_timer_t *timer);

static void watch(struct http_server *s, struct lws *wsi, struct wire *w)
{
	if (w->link || is_h2(wsi))
		return;
	if (!s->answered)
		uv_timer_start(&s->tick, on_tick, TICK_MS, TICK_MS);
	w->next = s->answered;
	w->link = &s->answered;
	if (w->next)
		w->next->link = &w->next;
	s->answered = w;
}

static void unwatch(struct http_server *s, struct wire *w)
{
	if (!w->link)
		return;
	*w->link = w->next;
	if (w->next)
		w->next->link = w->link;
	w->link = NULL;
	if (!s->answered)
		uv_timer_stop(&s->tick);
}

/* Ask to be called when the socket takes bytes. */
static void ask(struct lws *wsi, struct wire *w)
{
	if (w->muted)
		return;
	w->asked = true;
	lws_callback_on_writable(wsi);
}

static int set_muted(struct lws *wsi, struct wire *w, bool muted)
{
	if (w->muted == muted)
		return 0;
	w->muted = muted;
	return lws_rx_flow_control(wsi, !muted);
}

static void let_go(struct http_server *s, struct wire *w)
{
	struct http_exchange *x = w->x;
	unwatch(s, w);
	if (!x)
		return;
	w->x = NULL;
	x->wire = NULL;
	s->exchanges--;
	exchange_gone(x);
	exchange_unref(x);
}

static void refuse(struct http_server *s, struct http_exchange *x, unsigned status)
{
	const char *title = status == 411   ? "Length Required"
			    : status == 413 ? "Content Too Large"
			    : status == 503 ? "Service Unavailable"
					    : "Bad Request";
	char text[256];
	int n = snprintf(text, sizeof text, "{\"type\":\"about:blank\",\"title\":\"%s\",\"status\":%u}\n", title,
			 status);
	s->refused++;
	exchange_begin(x, status, "application/problem+json");
	if (exchange_write(x, span_of(text, (size_t)n)))
		x->head_only = true;
	exchange_end(x);
}

/* The request is whole: answer it, now or when a producer has something. */
static int hand_over(struct http_server *s, struct lws *wsi, struct wire *w)
{
	struct http_exchange *x = w->x;
	w->handed_over = true;
	lws_set_timeout(wsi, NO_PENDING_TIMEOUT, 0);
	if (w->refusal || s->phase != SERVER_RUNNING) {
		x->on_loop = true;
		w->close_after |= s->phase != SERVER_RUNNING;
		refuse(s, x, w->refusal ? w->refusal : 503);
	} else {
		s->requests++;
		s->options.on_request(s->options.context, x);
	}
	if (x->on_loop)
		return send_answer(s, wsi, w);
	watch(s, wsi, w);
	return 0;
}

static int on_http(struct http_server *s, struct lws *wsi, struct wire *w)
{
	let_go(s, w);
	*w = (struct wire){0};
	struct http_exchange *x = make_exchange(s, wsi, peer_of(wsi));
	if (!x)
		return -1;
	x->server = s;
	x->wire = wsi;
	x->wake = server_wake;
	w->x = x;
	s->exchanges++;
	w->refusal = judge_body(wsi, x->request.method, &w->body_left);
	if (w->refusal && (w->refusal != 413 || w->body_left > DISCARD_MAX)) {
		w->close_after = true;
		return hand_over(s, wsi, w);
	}
	if (!w->body_left)
		return hand_over(s, wsi, w);
	w->discard = w->refusal != 0;
	/* libwebsockets renews an HTTP/2 window only by what it counted, and it does not count what arrived before the
	 * stream was acted on: a long body stalls. The whole announced body gets its credit at once. */
	if (is_h2(wsi) && lws_wsi_tx_credit(wsi, LWSTXCR_PEER_TO_US, (int)w->body_left))
		return -1;
	return 0;
}

static int on_body(struct http_server *s, struct lws *wsi, struct wire *w, struct span bytes)
{
	if (!w->x || w->handed_over)
		return 0;
	if (bytes.size > w->body_left)
		return -1;
	w->body_left -= bytes.size;
	if (!w->discard && buf_append(&w->x->request.body, bytes.data, bytes.size))
		return -1;
	return w->body_left ? 0 : hand_over(s, wsi, w);
}

/* --- answer out --- */

static int add_header(struct lws *wsi, const char *name, const char *value, size_t size, unsigned char **at,
		      unsigned char *end)
{
	char text[64];
	snprintf(text, sizeof text, "%s:", name);
	return lws_add_http_header_by_name(wsi, (unsigned char *)text, (const unsigned char *)value, (int)size, at,
					   end);
}

static int add_extra_headers(struct lws *wsi, const char *lines, unsigned char **at, unsigned char *end)
{
	while (*lines) {
		const char *colon = strchr(lines, ':'), *stop = strchr(lines, '\n');
		char name[48];
		snprintf(name, sizeof name, "%.*s", (int)(colon - lines), lines);
		if (add_header(wsi, name, colon + 2, (size_t)(stop - colon - 2), at, end))
			return 1;
		lines = stop + 1;
	}
	return 0;
}

/* Build the head at scratch; its size, or 0. */
static size_t build_head(struct http_server *s, struct lws *wsi, struct wire *w, const struct exchange_view *view)
{
	struct http_exchange *x = w->x;
	unsigned char *at = s->scratch + LWS_PRE, *start = at, *end = at + HEAD_MAX;
	bool bodiless = x->head_only || x->status == 204 || x->status == 304;
	char length[24];
	char version[12] = "";
	if (lws_add_http_header_status(wsi, x->status, &at, end))
		return 0;
	if (x->content_type && add_header(wsi, "content-type", x->content_type, strlen(x->content_type), &at, end))
		return 0;
	if (add_extra_headers(wsi, x->headers, &at, end))
		return 0;
	if (lws_hdr_copy(wsi, version, sizeof version, WSI_TOKEN_HTTP) < 0)
		version[0] = '\0';
	if (view->last && !view->aborted && !bodiless) {
		int n = snprintf(length, sizeof length, "%zu", view->bytes.size);
		if (add_header(wsi, "content-length", length, (size_t)n, &at, end))
			return 0;
	} else if (!bodiless && !is_h2(wsi)) {
		w->chunked = !strcmp(version, "HTTP/1.1");
		w->close_after |= !w->chunked;
		if (w->chunked && add_header(wsi, "transfer-encoding", "chunked", 7, &at, end))
			return 0;
	}
	if (w->close_after && !is_h2(wsi) && add_header(wsi, "connection", "close", 5, &at, end))
		return 0;
	if (lws_finalize_http_header(wsi, &at, end))
		return 0;
	return (size_t)(at - start);
}

/* Copy up to `max` bytes of the body, framed for HTTP/1.1, to `at`; returns the framed size. */
static size_t frame_body(const struct wire *w, const struct exchange_view *view, uint8_t *at, size_t take)
{
	size_t n = 0;
	if (w->chunked && take)
		n += (size_t)sprintf((char *)at, "%zx\r\n", take);
	if (take)
		memcpy(at + n, view->bytes.data, take);
	n += take;
	if (w->chunked && take)
		n += (size_t)sprintf((char *)at + n, "\r\n");
	if (w->chunked && view->last && take == view->bytes.size)
		n += (size_t)sprintf((char *)at + n, "0\r\n\r\n");
	return n;
}

/* The answer is out: ready for the next request, or close (-1). */
static int complete(struct http_server *s, struct lws *wsi, struct wire *w)
{
	bool close_after = w->close_after;
	let_go(s, w);
	if (close_after)
		return -1;
	if (set_muted(wsi, w, false))
		return -1;
	return lws_http_transaction_completed(wsi) ? -1 : 0;
}

static int send_head_h2(struct http_server *s, struct lws *wsi, struct wire *w, const struct exchange_view *view)
{
	size_t size = build_head(s, wsi, w, view);
	bool only = w->x->head_only || (view->last && !view->bytes.size);
	int how = LWS_WRITE_HTTP_HEADERS | (only ? LWS_WRITE_H2_STREAM_END : 0);
	if (!size || lws_write(wsi, s->scratch + LWS_PRE, size, (enum lws_write_protocol)how) < 0)
		return -1;
	w->headers_sent = true;
	if (only)
		return complete(s, wsi, w);
	ask(wsi, w);
	return 0;
}

static int send_h2(struct http_server *s, struct lws *wsi, struct wire *w, const struct exchange_view *view)
{
	if (!w->headers_sent)
		return send_head_h2(s, wsi, w, view);
	long allowance = lws_get_peer_write_allowance(wsi);
	size_t take = view->bytes.size < H2_FRAME_MAX ? view->bytes.size : H2_FRAME_MAX;
	if (take && allowance <= 0)
		return 0; /* libwebsockets calls again when the client opens the window */
	if (take > (size_t)allowance)
		take = (size_t)allowance;
	bool last = view->last && take == view->bytes.size;
	if (take)
		memcpy(s->scratch + LWS_PRE, view->bytes.data, take);
	if (lws_write(wsi, s->scratch + LWS_PRE, take, last ? LWS_WRITE_HTTP_FINAL : LWS_WRITE_HTTP) < 0)
		return -1;
	exchange_sent(w->x, take);
	s->bytes_sent += take;
	if (last)
		return complete(s, wsi, w);
	lws_set_timeout(wsi, PENDING_TIMEOUT_HTTP_CONTENT, (int)s->options.stall_s);
	ask(wsi, w);
	return 0;
}

static int send_h1(struct http_server *s, struct lws *wsi, struct wire *w, const struct exchange_view *view)
{
	size_t head = 0;
	if (!w->headers_sent) {
		head = build_head(s, wsi, w, view);
		if (!head)
			return -1;
		w->headers_sent = true;
	}
	bool wanted = !w->x->head_only;
	size_t most = w->unread ? MUTED_WRITE_MAX : WRITE_MAX;
	size_t take = !wanted ? 0 : view->bytes.size < most ? view->bytes.size : most;
	bool last = !wanted || (view->last && take == view->bytes.size);
	uint8_t *start = s->scratch + LWS_PRE;
	size_t size = head + (wanted ? frame_body(w, view, start + head, take) : 0);
	if (size && lws_write(wsi, start, size, LWS_WRITE_HTTP) < 0)
		return -1;
	exchange_sent(w->x, take);
	s->bytes_sent += size;
	if (last)
		return complete(s, wsi, w);
	lws_set_timeout(wsi, PENDING_TIMEOUT_HTTP_CONTENT, (int)s->options.stall_s);
	watch(s, wsi, w);
	if (w->unread)
		return set_muted(wsi, w, true);
	ask(wsi, w);
	return 0;
}

/* The socket would take bytes: give it what there is. */
static int send_answer(struct http_server *s, struct lws *wsi, struct wire *w)
{
	struct exchange_view view;
	if (!w->x || !w->handed_over)
		return 0;
	exchange_take(w->x, &view);
	if (!view.begun || (!view.bytes.size && !view.last && !w->x->head_only)) {
		lws_set_timeout(wsi, NO_PENDING_TIMEOUT, 0); /* it is the producer that is slow */
		return view.aborted ? -1 : 0;
	}
	if (view.aborted && view.last && !view.bytes.size)
		return -1;
	if (view.aborted)
		view.last = false;
	return is_h2(wsi) ? send_h2(s, wsi, w, &view) : send_h1(s, wsi, w, &view);
}

/* --- connections being answered --- */

static void kill_soon(struct lws *wsi)
{
	lws_set_timeout(wsi, PENDING_TIMEOUT_USER_OK, LWS_TO_KILL_ASYNC);
}

/* A muted connection that could be written to. What libwebsockets itself still holds must leave first, and
 * that, like a writability asked for before the muting, is its own business: it is let out for a turn. */
static void serve_muted(struct http_server *s, struct lws *wsi, struct wire *w)
{
	struct pollfd socket = {.fd = lws_get_socket_fd(wsi), .events = POLLOUT};
	if (poll(&socket, 1, 0) <= 0)
		return;
	if (lws_partial_buffered(wsi) || w->asked) {
		w->asked = false;
		if (set_muted(wsi, w, false))
			kill_soon(wsi);
		else
			ask(wsi, w);
	} else if (send_answer(s, wsi, w)) {
		kill_soon(wsi);
	}
}

static void look_at(struct http_server *s, struct wire *w)
{
	struct lws *wsi = w->x->wire;
	char byte;
	ssize_t n = recv(lws_get_socket_fd(wsi), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
	if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR)) {
		kill_soon(wsi);
		return;
	}
	if (w->muted) {
		serve_muted(s, wsi, w);
	} else if (n > 0) {
		w->unread = true;
		if (set_muted(wsi, w, true))
			kill_soon(wsi);
	}
}

static void on_tick(uv_timer_t *timer)
{
	struct http_server *s = timer->data;
	for (struct wire *w = s->answered, *next; w; w = next) {
		next = w->next; /* an answer that ends here leaves the list */
		look_at(s, w);
	}
}

/* --- life --- */

static int on_accept(struct http_server *s)
{
	if (s->phase != SERVER_RUNNING || s->open >= s->options.connections_max) {
		s->refused++;
		return -1;
	}
	return 0;
}

/* The data of a parent that we do not have marks network connections, so that each is counted once; streams of
 * HTTP/2 have none of their own. */
static void on_connected(struct http_server *s, struct lws *wsi)
{
	lws_set_opaque_parent_data(wsi, calloc(1, sizeof(struct connection)));
	if (!lws_get_opaque_parent_data(wsi))
		return;
	s->accepted++;
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
	case LWS_CALLBACK_FILTER_NETWORK_CONNECTION:
		return on_accept(s);
	case LWS_CALLBACK_WSI_CREATE:
		on_connected(s, wsi);
		return 0;
	case LWS_CALLBACK_WSI_DESTROY:
		on_disconnected(s, wsi);
		return 0;
	case LWS_CALLBACK_HTTP_CONFIRM_UPGRADE:
		return strcasecmp(in, "h2c") ? -1 : 0;
	case LWS_CALLBACK_HTTP:
		return on_http(s, wsi, w);
	case LWS_CALLBACK_HTTP_BODY:
		return on_body(s, wsi, w, span_of(in, size));
	case LWS_CALLBACK_HTTP_BODY_COMPLETION:
		return 0; /* on_body has seen the last byte already */
	case LWS_CALLBACK_HTTP_WRITEABLE:
		w->asked = false;
		return send_answer(s, wsi, w);
	case LWS_CALLBACK_CLOSED_HTTP:
	case LWS_CALLBACK_HTTP_DROP_PROTOCOL:
		if (w && w->x) {
			s->cut++;
			let_go(s, w);
		}
		return 0;
	default:
		return 0;
	}
}

static void end_loop(struct http_server *s)
{
	if (s->phase == SERVER_ENDING)
		return;
	s->phase = SERVER_ENDING;
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

static void on_woken(struct http_server *s, struct http_exchange *x)
{
	if (x->wire) {
		lws_set_timeout(x->wire, PENDING_TIMEOUT_HTTP_CONTENT, (int)s->options.stall_s);
		ask(x->wire, lws_wsi_user(x->wire));
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
	const struct http_server_options *o = &s->options;
	struct lws_context_creation_info info = {0};
	info.options = LWS_SERVER_OPTION_LIBUV | LWS_SERVER_OPTION_EXPLICIT_VHOSTS;
	info.foreign_loops = loops;
	info.user = s;
	info.pcontext = &s->lws;
	info.max_http_header_data2 = HTTP_HEADER_MAX;
	info.max_http_header_pool2 = o->connections_max;
	info.pt_serv_buf_size = 16384;
	if (o->tls_certificate)
		info.options |= LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT;
	lws_set_log_level(LLL_ERR | LLL_WARN, emit_log);
	s->lws = lws_create_context(&info);
	if (!s->lws)
		return STATUS_IO;
	info.port = o->port;
	info.iface = s->address;
	info.vhost_name = "zayton";
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
	if (!strchr(s->address, ':'))
		info.options |= LWS_SERVER_OPTION_DISABLE_IPV6;
	if (o->tls_certificate) {
		info.ssl_cert_filepath = o->tls_certificate;
		info.ssl_private_key_filepath = o->tls_key;
		info.ssl_options_set = SSL_OP_NO_TLSv1 | SSL_OP_NO_TLSv1_1;
		info.alpn = "h2,http/1.1";
	}
	struct lws_vhost *vhost = lws_create_vhost(s->lws, &info);
	if (!vhost)
		return STATUS_IO;
	s->port = (uint16_t)lws_get_vhost_listen_port(vhost);
	return STATUS_OK;
}

enum status http_server_start(const struct http_server_options *options, struct http_server **out)
{
	struct http_server *s = calloc(1, sizeof *s);
	if (!s)
		return STATUS_NO_MEMORY;
	s->options = *options;
	snprintf(s->address, sizeof s->address, "%s", options->address ? options->address : "127.0.0.1");
	pthread_mutex_init(&s->mutex, NULL);
	uv_loop_init(&s->loop);
	uv_async_init(&s->loop, &s->async, on_async);
	uv_timer_init(&s->loop, &s->drain);
	uv_timer_init(&s->loop, &s->tick);
	s->async.data = s->drain.data = s->tick.data = s;
	enum status status = make_context(s);
	if (!status && uv_thread_create(&s->thread, run_loop, s))
		status = STATUS_NO_MEMORY;
	s->started = !status;
	if (status) {
		log_error(MODULE, "cannot listen on %s port %u", s->address, (unsigned)options->port);
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
	*out = (struct http_server_stats){s->accepted, s->refused, s->requests, s->cut, s->bytes_sent, s->open};
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
