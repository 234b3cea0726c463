/* http_wire.h -- what the files of the HTTP server share: the server, and a connection or stream of it.
 *
 *   http_listen.c       a connection is accepted and says whether it speaks HTTP/2
 *   http_server.c       the loop, libwebsockets' callbacks, life
 *   http_wire_in.c      a request comes in      ─> on_request
 *   http_wire_out.c     its answer goes out     <─ exchange
 *   http_wire_watch.c   HTTP/1.1 connections that libwebsockets does not read while they are answered
 *
 * Loop thread only, but for what the mutex guards. Functions that return int follow libwebsockets: -1 closes. */
#ifndef ZAYTON_QUERY_HTTP_WIRE_H
#define ZAYTON_QUERY_HTTP_WIRE_H

#include <libwebsockets.h>
#include <uv.h>

#include "query/http/http_chunked.h"
#include "query/http/http_listen.h"
#include "query/http/http_problem.h"
#include "query/http/http_server.h"

/* one write to a socket: large enough that a stream is not all system calls, and an HTTP/2 frame must not
 * pass 16384 bytes unless the client offered more (RFC 9113 4.2) */
#define WRITE_MAX 32768
#define H2_FRAME_MAX 16384
#define HEAD_MAX 2048

enum server_phase { SERVER_RUNNING, SERVER_DRAINING, SERVER_ENDING };

struct http_server {
	struct http_server_options options;
	uv_loop_t loop;
	uv_async_t async;
	uv_timer_t drain, tick;
	uv_thread_t thread;
	struct lws_context *lws; /* cleared by libwebsockets when the context is gone */
	struct lws_vhost *h1;    /* HTTP/1.1, and what Upgrade: h2c or ALPN make of it */
	struct lws_vhost *h2;    /* HTTP/2 by prior knowledge; NULL under TLS */
	struct http_listen *listen;
	uint16_t port;
	bool started;

	pthread_mutex_t mutex; /* guards the three below */
	struct http_exchange *woken;
	bool stop_asked;
	bool ended; /* nobody listens to `async` any more */

	/* loop only */
	enum server_phase phase;
	unsigned exchanges;    /* with a wire */
	struct wire *answered; /* HTTP/1.1 connections being answered */
	uint8_t scratch[LWS_PRE + HEAD_MAX + WRITE_MAX + 32];

	_Atomic uint64_t accepted, refused, requests, cut, bytes_sent;
	_Atomic uint64_t open, waiting; /* connections in the hands of libwebsockets, and of http_listen */
};

/* Why a request is not handed over. */
struct refusal {
	enum http_problem_kind kind;
	const char *detail;
};

/* What libwebsockets keeps for a connection (HTTP/1.1) or a stream (HTTP/2). It frees and makes this anew between two
 * requests of a connection: after complete() a wire must not be touched. */
struct wire {
	struct http_exchange *x; /* the one being received or answered */
	uint64_t body_left;      /* announced and not yet here; of a chunked one, what may still come */
	bool body_chunked;
	struct http_chunked chunks;
	bool handed_over;
	bool headers_sent;
	bool chunked; /* the answer */
	bool close_after;
	struct wire *next, **link; /* in `answered`; link is NULL outside */
	bool asked;                /* for writability */
	bool unread;               /* input was seen waiting during this answer */
	bool muted;                /* rx flow control is on: no events, the tick serves it */
	bool discard;              /* the body is refused already: `refusal` is the answer once it is through */
	const struct refusal *refusal;
};

/* What we keep for a network connection, under every stream of it. */
struct connection {
	char peer[64]; /* the client's address, asked once; "" until then */
};

static inline struct http_server *server_of(struct lws *wsi)
{
	return lws_context_user(lws_get_context(wsi));
}

static inline bool is_h2(struct lws *wsi)
{
	return lws_get_network_wsi(wsi) != wsi;
}

/* --- http_server.c --- */

/* The loop should look at `x`; any thread. */
void server_wake(struct http_exchange *x);

/* --- http_wire_in.c --- */

/* Headers are there: a new exchange. */
int wire_request(struct http_server *s, struct lws *wsi, struct wire *w);
/* A piece of the body; the last one hands the request over. */
int wire_body(struct http_server *s, struct lws *wsi, struct wire *w, struct span bytes);

/* --- http_wire_out.c --- */

/* The socket would take bytes: give it what there is. */
int wire_send(struct http_server *s, struct lws *wsi, struct wire *w);
/* The exchange, if there is one, and its wire part. */
void wire_let_go(struct http_server *s, struct wire *w);

/* --- http_wire_watch.c --- */

/* Look at this connection at every tick until wire_unwatch; nothing for HTTP/2. */
void wire_watch(struct http_server *s, struct lws *wsi, struct wire *w);
void wire_unwatch(struct http_server *s, struct wire *w);
/* To be called when the socket takes bytes. */
void wire_ask(struct lws *wsi, struct wire *w);
/* No events of this connection: the tick serves it. */
int wire_mute(struct lws *wsi, struct wire *w, bool muted);
void wire_on_tick(uv_timer_t *timer);

#endif
