/* http.h -- questions over HTTP: the server, its threads, its routes and who may ask.
 *
 *   socket ─ http_server ─ whole request ─> principal, route, parameters ─> pool thread: handler
 *                  ^                                                             │ engine, store
 *                  └──────────────── bounded queue of the answer <───────────────┘
 *
 * Start: http_new → http_add_route, http_add_metrics (later rooms) → http_start → http_stop → http_free.
 * The engine must stay open between. */
#ifndef ZAYTON_QUERY_HTTP_H
#define ZAYTON_QUERY_HTTP_H

#include <stdint.h>

#include "engine/fleet/audit.h"
#include "engine/fleet/engine.h"
#include "query/http/http_accounts.h"
#include "query/http/http_router.h"
#include "query/http/http_server.h"

/* A bearer token: who it is, what it opens, and the SHA-256 of its text. */
struct http_token {
	struct principal principal;
	uint8_t sha256[32];
	bool read_only;
};

/* Who asks? `token` is what followed "Bearer", or empty when no credentials came.
 * STATUS_OK fills `out`; STATUS_DENIED: 401; STATUS_UNSUPPORTED: 403. Loop thread; must not block. */
typedef enum status http_policy(void *context, const struct http_request *request, struct span token,
				struct principal *out);

struct http_options {
	struct engine *engine;
	const char *address; /* NULL: 127.0.0.1 */
	uint16_t port;       /* 0: any free one, see http_port */
	const char *tls_certificate, *tls_key;
	unsigned pool_threads; /* readers */
	unsigned pool_queue;   /* questions waiting for one; past it 503 */
	unsigned connections_max;
	size_t answer_queue_bytes; /* of one answer, waiting for its client */
	unsigned stall_s, keepalive_s, drain_ms;
	unsigned heartbeat_ms;           /* of the live feed */
	const struct http_token *tokens; /* copied */
	size_t token_count;
	bool purpose_required; /* people say what a history of positions is for */
	http_policy *policy;   /* NULL: tokens, sessions, and loopback without credentials is `local` */
	void *policy_context;
};
struct http_options http_options_default(struct engine *e);

STATUS_CHECKED enum status http_new(const struct http_options *options, struct http **out);
/* Before http_start; `route` is copied, what it points to must outlive the server. */
STATUS_CHECKED enum status http_add_route(struct http *h, const struct http_route *route);
/* Appends lines of Prometheus text (0.0.4) to /metrics; called on a pool thread. */
typedef enum status http_metrics_writer(void *context, struct buf *out);
STATUS_CHECKED enum status http_add_metrics(struct http *h, http_metrics_writer *writer, void *context);

STATUS_CHECKED enum status http_start(struct http *h);
uint16_t http_port(const struct http *h);
/* Refuses new questions, lets answers under way finish for drain_ms, cuts the rest, joins all threads. */
void http_stop(struct http *h);
void http_free(struct http *h);

/* --- for handlers --- */

struct engine *http_engine(struct http *h);
/* NULL without an engine, as what follows. */
struct http_accounts *http_accounts(struct http *h);
struct live_feed *http_live(struct http *h);
struct backtests *http_backtests(struct http *h);
const struct http_router *http_routes(const struct http *h);
STATUS_CHECKED enum status http_write_metrics(struct http *h, struct buf *out);
/* Who asks, from where and what for. */
void call_audit_fill(const struct http_call *c, struct audit_entry *e);
/* The same, and it is written down. As audit_write. */
STATUS_CHECKED enum status call_audit(const struct http_call *c, struct audit_entry *e);
/* A whole small answer. */
void http_answer(struct http_call *c, unsigned status, const char *content_type, struct span body);
/* The same, with an ETag of the body, and 304 when the client has it. */
void http_answer_cached(struct http_call *c, const char *content_type, struct span body);

/* The default policy, for tests and for wrapping; `context` is the struct http. */
http_policy http_policy_default;

#endif
