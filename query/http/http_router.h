/* http_router.h -- the one table of what the server answers.
 *
 *   {GET, "/api/v1/devices/{id}/track", params[], handler}   ...   matched segment by segment
 *
 * The same table checks parameters, dispatches, says which methods a path allows, and prints
 * /openapi.json. Routes are added before the server starts; afterwards the table is read only, from any
 * thread. */
#ifndef ZAYTON_QUERY_HTTP_ROUTER_H
#define ZAYTON_QUERY_HTTP_ROUTER_H

#include "engine/fleet/audit.h"
#include "query/http/http_exchange.h"
#include "query/http/http_params.h"

#define HTTP_ROUTES_MAX 256
#define HTTP_PATH_ARGS_MAX 3

struct http;
struct http_call;
/* Answers the call: begins and ends the exchange, or sends a problem. */
typedef void http_handler(struct http_call *call);

enum http_route_flag {
	HTTP_ROUTE_INLINE = 1,   /* runs on the loop: short, no disk, no lock that is held long */
	HTTP_ROUTE_BODY = 2,     /* takes a JSON body */
	HTTP_ROUTE_OPEN = 4,     /* for anybody, without a principal */
	HTTP_ROUTE_TEXT = 8,     /* takes a text/plain body */
	HTTP_ROUTE_LINES = 16,   /* takes a body of any type, packed or not */
	HTTP_ROUTE_BYTES = 32,   /* takes a body of any type */
	HTTP_ROUTE_PURPOSE = 64, /* set by router_add: the last parameter says what the answer is for */
};

struct http_route {
	enum http_method method; /* GET serves HEAD too */
	unsigned flags;
	const char *path; /* "/a/{b}/c" */
	const char *id;   /* operationId */
	const char *summary;
	const char *answers; /* media types of a good answer, separated by blanks */
	const struct http_param *params;
	size_t param_count;
	http_handler *handler;
	void *context;
};

/* One question on its way through a handler. */
struct http_call {
	struct http *http;
	struct http_exchange *x;
	const struct http_route *route;
	struct principal principal;
	bool kept; /* the handler has handed the begun exchange on: somebody else ends it */
	struct span path_args[HTTP_PATH_ARGS_MAX]; /* in the order of the template */
	size_t path_arg_count;
	struct http_value values[HTTP_PARAMS_MAX]; /* by the order of route->params */
	char storage[];                            /* of decoded texts */
};

struct http_router {
	struct http_route routes[HTTP_ROUTES_MAX];
	struct http_param *with_purpose[HTTP_ROUTES_MAX]; /* parameters of routes that take one more, NULL else */
	size_t count;
};
void router_deinit(struct http_router *r);

/* Reads of what is personal or leaves as a file (http_rights.h) take `purpose` beside their own parameters.
 * STATUS_FULL; STATUS_EXISTS when method and template are taken; STATUS_INVALID for a template that is none. */
STATUS_CHECKED enum status router_add(struct http_router *r, const struct http_route *route);

struct route_match {
	const struct http_route *route; /* NULL: no such path, or not by this method */
	unsigned allowed;               /* methods of the path, 1u << enum http_method */
	struct span args[HTTP_PATH_ARGS_MAX];
	size_t arg_count;
};
void router_match(const struct http_router *r, enum http_method method, const char *path, struct route_match *out);
/* "GET, HEAD, PUT" */
void router_allow_text(unsigned allowed, char out[80]);

/* The OpenAPI 3.1 document. */
STATUS_CHECKED enum status router_openapi(const struct http_router *r, struct buf *out);

#endif
