#include "query/http/handlers_console.h"

#include <stdio.h>

#include "query/export/json_out.h"
#include "query/http/http_handlers.h"
#include "query/http/http_inflate.h"
#include "query/http/http_problem.h"
#include "query/http/http_stream.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define ETAG_MAX 80
#define POLICY_MAX 700
#define ORIGIN_MAX 128

/* --- headers --- */

/* "https://host:port" of a tile URL, {s} as a wildcard; false when it is none, or holds what would end a source of the
 * policy. */
static bool tiles_origin(const char *url, char out[ORIGIN_MAX])
{
	const char *host = !strncmp(url, "https://", 8) ? url + 8 : !strncmp(url, "http://", 7) ? url + 7 : NULL;
	size_t size = host ? strcspn(host, "/") : 0;
	if (!size || (size_t)(host - url) + size >= ORIGIN_MAX)
		return false;
	const char *any = memchr(host, '{', size), *dot = any ? memchr(any, '.', size - (size_t)(any - host)) : NULL;
	if (any && !dot)
		return false;
	if (any)
		size -= (size_t)(dot - host);
	const char *rest = any ? dot : host;
	if (strcspn(rest, " ;,'\"{}\r\n\t") < size)
		return false;
	snprintf(out, ORIGIN_MAX, "%.*s%s%.*s", (int)(host - url), url, any ? "*" : "", (int)size, rest);
	return true;
}

static enum status add_policy(struct http_exchange *x, const struct console_options *o)
{
	char policy[POLICY_MAX], origin[ORIGIN_MAX] = "";
	if (*o->tiles_url && !tiles_origin(o->tiles_url, origin))
		return STATUS_INVALID;
	snprintf(policy, sizeof policy,
		 "default-src 'none'; script-src 'self'; style-src 'self'; worker-src 'self'; font-src 'self'; "
		 "img-src 'self' data: blob: %s; connect-src 'self' %s; form-action 'self'; base-uri 'none'; "
		 "frame-ancestors 'none'",
		 origin, origin);
	return exchange_header(x, "content-security-policy", policy);
}

static enum status add_headers(struct http_exchange *x, const struct console_options *o, const struct console_asset *a,
			       const char *etag, bool packed)
{
	bool page = !strcmp(a->path, "/");
	enum status status = exchange_header(x, "etag", etag);
	if (!status)
		status = exchange_header(x, "cache-control", page ? "no-cache" : "public, max-age=31536000, immutable");
	if (!status)
		status = exchange_header(x, "vary", "Accept-Encoding");
	if (!status && packed)
		status = exchange_header(x, "content-encoding", "gzip");
	if (!status)
		status = exchange_header(x, "x-content-type-options", "nosniff");
	if (!status)
		status = exchange_header(x, "referrer-policy", "no-referrer");
	return status ? status : add_policy(x, o); /* of a worker, too, its own answer's policy holds */
}

/* Does the client take gzip (RFC 9110 12.5.3)? A weight of nought says that it does not. */
static bool takes_gzip(const char *accept)
{
	const char *at = strstr(accept, "gzip");
	if (!at)
		return false;
	const char *weight = at + strspn(at + 4, " \t") + 4;
	if (*weight != ';')
		return true;
	weight += 1 + strspn(weight + 1, " \t");
	return strncmp(weight, "q=0", 3) != 0 || strspn(weight + 3, ".0") < strcspn(weight + 3, ", \t");
}

/* --- files --- */

static void send_asset(struct http_call *c, const struct console_asset *a)
{
	struct http_exchange *x = c->x;
	struct buf plain = buf_init(a->size + (1u << 17)); /* http_gunzip unpacks in steps that need their room */
	struct span body = span_of(a->gzip, a->gzip_size);
	char etag[ETAG_MAX];
	bool packed = takes_gzip(x->request.accept_encoding);
	snprintf(etag, sizeof etag, "\"%s%s\"", a->hash, packed ? "-gzip" : "");
	bool known = strstr(x->request.if_none_match, etag) != NULL;
	enum status status = add_headers(x, c->route->context, a, etag, packed);
	if (!status && !packed && !known) {
		status = http_gunzip(body, &plain);
		body = buf_view(&plain);
	}
	if (status) {
		http_problem_of_status(x, status);
	} else if (known) {
		exchange_begin(x, 304, NULL);
		exchange_end(x);
	} else {
		http_answer(c, 200, a->type, body);
	}
	buf_deinit(&plain);
}

static void get_asset(struct http_call *c)
{
	const struct console_options *o = c->route->context;
	for (size_t i = 0; i < o->asset_count; i++)
		if (!strcmp(o->assets[i].path, c->x->request.path)) {
			send_asset(c, &o->assets[i]);
			return;
		}
	http_problem_send(c->x, HTTP_PROBLEM_NO_ROUTE, NULL, "there is nothing at this path");
}

/* --- what it is told --- */

static void get_console(struct http_call *c)
{
	const struct console_options *o = c->route->context;
	struct buf text = buf_init(4096);
	struct json_out j = json_out_init(&text);
	jout_open(&j, '{');
	jout_key(&j, "demo");
	jout_bool(&j, o->demo);
	jout_key(&j, "tiles");
	if (*o->tiles_url) {
		jout_open(&j, '{');
		jout_key(&j, "url");
		jout_string(&j, o->tiles_url);
		jout_key(&j, "gcj02");
		jout_bool(&j, o->tiles_gcj02);
		jout_key(&j, "approval");
		jout_string(&j, o->map_approval);
		jout_close(&j, '}');
	} else {
		jout_null(&j);
	}
	jout_close(&j, '}');
	if (j.status)
		http_problem_of_status(c->x, j.status);
	else
		http_answer_cached(c, "application/json", buf_view(&text));
	buf_deinit(&text);
}

enum status handlers_console_add(struct http *h, const struct console_options *o)
{
	char origin[ORIGIN_MAX];
	void *context = (void *)(uintptr_t)o;
	const struct http_route routes[] = {
		{HTTP_GET, HTTP_ROUTE_OPEN, "/", "getPage", "The console.", "text/html", NULL, 0, get_asset, context},
		{HTTP_GET, HTTP_ROUTE_OPEN, "/assets/{name}", "getAsset", "A file of the console.",
		 "text/javascript text/css image/svg+xml application/json", NULL, 0, get_asset, context},
		{HTTP_GET, 0, "/api/v1/console", "getConsole",
		 "What the console is told of this server: whether its data are a demonstration, the base map.",
		 "application/json", NULL, 0, get_console, context},
	};
	if (*o->tiles_url && !tiles_origin(o->tiles_url, origin))
		return STATUS_INVALID;
	return add_routes(h, routes, COUNT(routes));
}
