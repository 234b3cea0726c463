/* http_wire_in.c -- a request out of what libwebsockets parsed. */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include "query/http/http_wire.h"

/* a refused body up to this size is read and thrown away, so that the refusal arrives */
#define DISCARD_MAX (16 * (uint64_t)HTTP_BODY_MAX)
/* a chunked body on the wire: room for HTTP_BODY_MAX bytes in chunks of one, and less than the 100 MiB behind which
 * libwebsockets takes it to be over */
#define CHUNKED_MAX (8 * (uint64_t)HTTP_BODY_MAX)

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
	{WSI_TOKEN_HTTP_IF_MATCH, offsetof(struct http_request, if_match)},
	{WSI_TOKEN_HTTP_COOKIE, offsetof(struct http_request, cookie)},
	{WSI_TOKEN_HTTP_CONTENT_TYPE, offsetof(struct http_request, content_type)},
	{WSI_TOKEN_HTTP_CONTENT_ENCODING, offsetof(struct http_request, content_encoding)},
	{WSI_TOKEN_HTTP_ACCEPT_ENCODING, offsetof(struct http_request, accept_encoding)},
};
static const char last_event_id[] = "last-event-id:";

/* Its size without the NUL; 0 when there is none. */
static size_t last_event_id_size(struct lws *wsi)
{
	int size = is_h2(wsi) ? 0 : lws_hdr_custom_length(wsi, last_event_id, sizeof last_event_id - 1);
	return size > 0 ? (size_t)size : 0;
}

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
	size_t event_size = last_event_id_size(wsi);
	size_t room = path_size + 1 + strlen(peer) + 1 + event_size + 1;
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
	if (event_size &&
	    lws_hdr_custom_copy(wsi, at, (int)event_size + 1, last_event_id, sizeof last_event_id - 1) > 0) {
		at[event_size] = '\0';
		r->last_event_id = at;
	}
	at += event_size + 1;
	r->query = at;
	copy_query(wsi, at);
	x->head_only = method == HTTP_HEAD;
	return x;
}

/* --- what the headers say of the body --- */

static const struct refusal no_length = {HTTP_PROBLEM_NO_LENGTH,
					 "a body needs a Content-Length, or Transfer-Encoding: chunked in HTTP/1.1"};
static const struct refusal bad_length = {HTTP_PROBLEM_BAD_FRAMING, "Content-Length is no number"};
static const struct refusal two_lengths = {HTTP_PROBLEM_BAD_FRAMING,
					   "Content-Length and Transfer-Encoding exclude each other"};
static const struct refusal bad_chunks = {HTTP_PROBLEM_BAD_FRAMING, "this is no chunked body"};
static const struct refusal no_chunks = {HTTP_PROBLEM_BAD_FRAMING, "this version or method takes no chunked body"};
static const struct refusal bad_coding = {HTTP_PROBLEM_BAD_CODING, "only the transfer coding `chunked` is known"};
static const struct refusal too_large = {HTTP_PROBLEM_BODY_TOO_LARGE, "a body has at most 8 MiB"};
static const struct refusal ending = {HTTP_PROBLEM_BUSY, "the server is ending"};
static_assert(CHUNKED_MAX < 100u << 20, "of libwebsockets");
static_assert(HTTP_BODY_MAX == 8u << 20, "too_large says so");

static bool takes_body(enum http_method method)
{
	return method == HTTP_POST || method == HTTP_PUT || method == HTTP_PATCH;
}

/* RFC 9112 6.1 and 6.3: whatever is doubtful here is how one request hides in another. */
static const struct refusal *judge_coding(struct lws *wsi, enum http_method method)
{
	char coding[16], version[12];
	if (lws_hdr_total_length(wsi, WSI_TOKEN_HTTP_CONTENT_LENGTH))
		return &two_lengths;
	if (lws_hdr_copy(wsi, coding, sizeof coding, WSI_TOKEN_HTTP_TRANSFER_ENCODING) < 0 ||
	    strcasecmp(coding, "chunked") != 0)
		return &bad_coding;
	bool is_1_1 = lws_hdr_copy(wsi, version, sizeof version, WSI_TOKEN_HTTP) > 0 && !strcmp(version, "HTTP/1.1");
	return is_1_1 && takes_body(method) ? NULL : &no_chunks;
}

static const struct refusal *judge_length(struct lws *wsi, enum http_method method, uint64_t *out)
{
	char text[24];
	int size = lws_hdr_total_length(wsi, WSI_TOKEN_HTTP_CONTENT_LENGTH);
	if (!size)
		return takes_body(method) ? &no_length : NULL;
	if (size > 18 || lws_hdr_copy(wsi, text, sizeof text, WSI_TOKEN_HTTP_CONTENT_LENGTH) < 0)
		return &bad_length;
	if (strspn(text, "0123456789") != (size_t)size)
		return &bad_length;
	*out = strtoull(text, NULL, 10);
	return *out > HTTP_BODY_MAX ? &too_large : NULL;
}

/* How the body comes, if any does, and whether it is refused already. */
static void judge_body(struct lws *wsi, struct wire *w)
{
	enum http_method method = w->x->request.method;
	if (is_h2(wsi) || !lws_hdr_total_length(wsi, WSI_TOKEN_HTTP_TRANSFER_ENCODING)) {
		w->refusal = judge_length(wsi, method, &w->body_left);
		return;
	}
	w->refusal = judge_coding(wsi, method);
	w->body_chunked = !w->refusal;
	w->body_left = w->body_chunked ? CHUNKED_MAX : 0;
	w->close_after = true; /* libwebsockets takes all that follows for body */
}

/* --- receiving --- */

static void refuse(struct http_server *s, struct http_exchange *x, const struct refusal *why)
{
	s->refused++;
	http_problem_send(x, why->kind, NULL, why->detail);
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
		refuse(s, x, w->refusal ? w->refusal : &ending);
	} else {
		s->requests++;
		s->options.on_request(s->options.context, x);
	}
	if (x->on_loop)
		return wire_send(s, wsi, w);
	wire_watch(s, wsi, w);
	return 0;
}

int wire_request(struct http_server *s, struct lws *wsi, struct wire *w)
{
	wire_let_go(s, w);
	*w = (struct wire){0};
	struct http_exchange *x = make_exchange(s, wsi, peer_of(wsi));
	if (!x)
		return -1;
	x->server = s;
	x->wire = wsi;
	x->wake = server_wake;
	w->x = x;
	s->exchanges++;
	judge_body(wsi, w);
	if (w->refusal && (w->refusal != &too_large || w->body_left > DISCARD_MAX)) {
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

static int refuse_now(struct http_server *s, struct lws *wsi, struct wire *w, const struct refusal *why)
{
	w->refusal = why;
	w->close_after = true;
	return hand_over(s, wsi, w);
}

/* A piece of content, framing taken off. Past the bound the rest is read and thrown away. */
static int keep(struct wire *w, struct span bytes)
{
	struct buf *body = &w->x->request.body;
	if (!w->discard && bytes.size > HTTP_BODY_MAX - body->size) {
		w->refusal = &too_large;
		w->discard = true;
	}
	return !w->discard && buf_append(body, bytes.data, bytes.size) ? -1 : 0;
}

static int take_chunks(struct http_server *s, struct lws *wsi, struct wire *w, struct span bytes)
{
	struct span piece;
	enum status status;
	while ((status = http_chunked_next(&w->chunks, &bytes, &piece)) == STATUS_OK)
		if (keep(w, piece))
			return -1;
	if (status == STATUS_END)
		return hand_over(s, wsi, w);
	if (status != STATUS_NEED_MORE)
		return refuse_now(s, wsi, w, &bad_chunks);
	return w->body_left ? 0 : refuse_now(s, wsi, w, &too_large);
}

int wire_body(struct http_server *s, struct lws *wsi, struct wire *w, struct span bytes)
{
	if (!w->x || w->handed_over)
		return 0;
	if (w->body_chunked) {
		w->body_left -= bytes.size < w->body_left ? bytes.size : w->body_left;
		return take_chunks(s, wsi, w, bytes);
	}
	if (bytes.size > w->body_left)
		return -1;
	w->body_left -= bytes.size;
	if (keep(w, bytes))
		return -1;
	return w->body_left ? 0 : hand_over(s, wsi, w);
}
