/* http_listen.h -- the listening socket, and what a connection speaks, told by its first bytes.
 *
 *   accept ─┬─ TLS ───────────────────────────────────────────> greeted
 *           └─ clear: waits for 3 bytes ─ "PRI": HTTP/2 ──────> greeted
 *                  silent too long: cut └─ else: HTTP/1.1 ────> greeted
 *
 * A vhost of libwebsockets 4.1 takes every clear-text connection for HTTP/1.1 or every one for HTTP/2 by prior
 * knowledge (RFC 9113 3.3); who wants both on one port has to look before it is asked. The bytes are looked at and
 * stay in the socket. "PRI" is enough: no method of HTTP/1.1 is called so, nor ever will (RFC 9113 3.4, 11.6).
 *
 * Loop thread only. */
#ifndef ZAYTON_QUERY_HTTP_LISTEN_H
#define ZAYTON_QUERY_HTTP_LISTEN_H

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "engine/core/status.h"

struct http_listen;

struct http_listen_options {
	uv_loop_t *loop;
	const char *address;       /* an IP address */
	uint16_t port;             /* 0: any free one */
	bool tls;                  /* the client's first bytes say nothing */
	unsigned silence_s;        /* who has said less than 3 bytes by then is cut */
	_Atomic uint64_t *waiting; /* accepted and not yet greeted: counted here */
	/* Is there room for one connection more? False: it is closed. */
	bool (*room)(void *context);
	/* `fd` is the callee's now; non-blocking. */
	void (*greeted)(void *context, int fd, bool h2);
	void *context;
};

/* STATUS_IO: the address cannot be listened on. STATUS_NO_MEMORY. Nothing is left behind but handles that close in the
 * next turn of the loop. */
STATUS_CHECKED enum status http_listen_open(const struct http_listen_options *options, struct http_listen **out);
uint16_t http_listen_port(const struct http_listen *l);
/* Accepts no more and cuts who was not greeted yet; frees itself in the next turns of the loop. */
void http_listen_close(struct http_listen *l);

#endif
