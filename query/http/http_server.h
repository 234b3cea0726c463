/* http_server.h -- sockets, TLS, HTTP/1.1 and HTTP/2: the only user of libwebsockets.
 *
 *   loop thread (libuv): libwebsockets ── whole request ──> on_request(x)
 *                        pending bytes <── wake (uv_async) ── producer, any thread
 *
 * A request is handed over once its body is whole. While it is being answered an HTTP/1.1 connection is
 * not read, so pipelined requests wait in the kernel; HTTP/2 streams go on beside each other.
 * Quirks of libwebsockets 4.1 that are settled here and nowhere else:
 *   - it decodes the path and splits the query at '&' and ';' itself: the query is put together again;
 *   - POST without a length is taken for 100 MiB: a chunked body comes as it is on the wire, http_chunked.h takes it
 *     apart, and its connection is closed after the answer; one with neither gets 411. In HTTP/2 that is every body
 *     without a length: it tells nobody when a stream ends, nor is there a way to ask;
 *   - headers past HTTP_HEADER_MAX close the connection without an answer;
 *   - a vhost takes a clear-text port for HTTP/1.1 or for HTTP/2: http_listen.h looks first, so that HTTP/2 is
 *     reached by prior knowledge, by Upgrade: h2c and, under TLS, by ALPN;
 *   - a header that it does not know itself is kept by it in HTTP/1.1 alone: Last-Event-ID;
 *   - a header value that the client repeats is joined by commas. */
#ifndef ZAYTON_QUERY_HTTP_SERVER_H
#define ZAYTON_QUERY_HTTP_SERVER_H

#include <stdint.h>

#include "query/http/http_exchange.h"

struct http_server;

struct http_server_options {
	const char *address; /* an IP address; NULL: 127.0.0.1 */
	uint16_t port;       /* 0: any free one */
	const char *tls_certificate, *tls_key;
	unsigned connections_max; /* connections and HTTP/2 streams together */
	size_t queue_max;         /* bytes of one answer waiting for its client */
	unsigned stall_s;         /* a client that takes or sends nothing for so long is let go */
	unsigned keepalive_s;     /* an idle connection is closed after */
	unsigned drain_ms;        /* how long stopping waits for answers under way */
	void (*on_request)(void *context, struct http_exchange *x); /* loop thread; must not block */
	void *context;
};

struct http_server_stats {
	uint64_t accepted, refused, requests, cut, bytes_sent;
	uint64_t open; /* connections and streams now */
};

/* Runs when it returns. STATUS_IO (address in use, bad certificate), STATUS_NO_MEMORY. */
STATUS_CHECKED enum status http_server_start(const struct http_server_options *options, struct http_server **out);
uint16_t http_server_port(const struct http_server *s);
void http_server_stats(struct http_server *s, struct http_server_stats *out);
/* No new requests; answers under way get drain_ms, the rest is cut; the loop has ended when it returns.
 * Exchanges held by producers stay valid and are cancelled. */
void http_server_stop(struct http_server *s);
void http_server_free(struct http_server *s);

#endif
