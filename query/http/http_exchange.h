/* http_exchange.h -- one request and its answer, shared by the loop and the thread that answers.
 *
 *   producer (a pool thread)                                loop thread
 *   exchange_begin: status, headers
 *   exchange_write ──> pending ──(swap under the mutex)──> sending ──> socket
 *                      └──── together at most queue_max ────┘
 *   exchange_end / exchange_abort
 *
 * A producer that finds the queue full waits until the socket took something; when the client is gone
 * every further write says STATUS_CANCELLED. An answer that is finished before the loop first looks at it
 * leaves with its Content-Length, any other is chunked (HTTP/1.1) or framed (HTTP/2).
 *
 * Threads: the request part never changes once handed over. exchange_begin..abort belong to one
 * producer, exchange_take and exchange_gone to the loop; both sides hold one reference. */
#ifndef ZAYTON_QUERY_HTTP_EXCHANGE_H
#define ZAYTON_QUERY_HTTP_EXCHANGE_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "engine/core/bytes.h"
#include "engine/core/limits.h"
#include "engine/core/status.h"

enum http_method { HTTP_GET, HTTP_HEAD, HTTP_POST, HTTP_PUT, HTTP_PATCH, HTTP_DELETE, HTTP_OPTIONS, HTTP_METHOD_COUNT };
extern const char *const http_method_names[HTTP_METHOD_COUNT];

/* Texts are NUL-terminated and "" when absent; they live as long as the exchange. */
struct http_request {
	enum http_method method;
	const char *path;  /* percent-decoded, begins with '/' */
	const char *query; /* percent-encoded, what follows '?' */
	const char *host, *origin, *accept, *authorization, *if_none_match, *if_match, *cookie;
	const char *content_type, *content_encoding, *accept_encoding;
	const char *last_event_id; /* of HTTP/1.1 alone (http_server.h) */
	const char *peer;          /* the client's address */
	bool loopback;             /* it came over a loopback address */
	struct buf body;
};

/* bytes the producer may be ahead before the loop is woken: what is smaller travels in one write */
#define EXCHANGE_FLUSH_BYTES 16384
#define EXCHANGE_HEADERS_MAX 1024

struct http_exchange {
	struct http_request request;
	void (*wake)(struct http_exchange *x); /* any thread: the loop should look */
	void *server;                          /* the loop's own */
	void *wire;                            /* loop thread only: the connection or stream, NULL when gone */
	struct http_exchange *next_woken;      /* under the server's mutex */
	bool woken;                            /* under the server's mutex */

	_Atomic unsigned references;
	pthread_mutex_t mutex; /* guards what follows */
	pthread_cond_t room;
	size_t queue_max;
	size_t queue_high; /* most that was ever queued: the tests hold it against queue_max */
	unsigned status;
	const char *content_type;           /* static */
	char headers[EXCHANGE_HEADERS_MAX]; /* "name: value\n" each */
	bool on_loop;                       /* the producer is the loop itself: it must not wait */
	bool head_only;                     /* HEAD: the body is not wanted */
	bool begun, finished, aborted, gone, waiting;
	struct buf pending;
	struct buf sending; /* bytes below `sent` have left; loop only, its size under the mutex */
	size_t sent;
};

/* `texts_bytes` of room for the request's texts come with it (at exchange_texts). NULL out of memory. */
struct http_exchange *exchange_new(size_t texts_bytes, size_t queue_max);
char *exchange_texts(struct http_exchange *x);
void exchange_ref(struct http_exchange *x);
void exchange_unref(struct http_exchange *x);

/* --- producer --- */

/* One header more; before exchange_begin. A value with a line break, or no room: STATUS_INVALID, STATUS_FULL. */
STATUS_CHECKED enum status exchange_header(struct http_exchange *x, const char *name, const char *value);
/* Once. `content_type` is static or NULL (no body). */
void exchange_begin(struct http_exchange *x, unsigned status, const char *content_type);
/* STATUS_CANCELLED: nobody wants more (the client left, or asked with HEAD). STATUS_NO_MEMORY. */
STATUS_CHECKED enum status exchange_write(struct http_exchange *x, struct span bytes);
/* The same for a producer that must not wait: all of it, and the loop is told, or STATUS_FULL and nothing. */
STATUS_CHECKED enum status exchange_post(struct http_exchange *x, struct span bytes);
void exchange_end(struct http_exchange *x);
/* The answer cannot be completed: the client sees it cut. */
void exchange_abort(struct http_exchange *x);
bool exchange_is_cancelled(struct http_exchange *x);

/* --- loop --- */

struct exchange_view {
	bool begun;
	bool last;    /* nothing follows `bytes` */
	bool aborted; /* close without an end */
	struct span bytes;
};
/* What may be sent now; lasts until exchange_sent. */
void exchange_take(struct http_exchange *x, struct exchange_view *out);
void exchange_sent(struct http_exchange *x, size_t size);
void exchange_gone(struct http_exchange *x);

#endif
