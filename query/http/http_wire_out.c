/* http_wire_out.c -- an answer onto the socket, as HTTP/1.1 or as frames of HTTP/2. */
#include <stdio.h>

#include "query/http/http_wire.h"

/* one write to a muted connection, whose socket is known to take something, not how much */
#define MUTED_WRITE_MAX 8192

void wire_let_go(struct http_server *s, struct wire *w)
{
	struct http_exchange *x = w->x;
	wire_unwatch(s, w);
	if (!x)
		return;
	w->x = NULL;
	x->wire = NULL;
	s->exchanges--;
	exchange_gone(x);
	exchange_unref(x);
}

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
	wire_let_go(s, w);
	if (close_after)
		return -1;
	if (wire_mute(wsi, w, false))
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
	wire_ask(wsi, w);
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
	wire_ask(wsi, w);
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
	wire_watch(s, wsi, w);
	if (w->unread)
		return wire_mute(wsi, w, true);
	wire_ask(wsi, w);
	return 0;
}

int wire_send(struct http_server *s, struct lws *wsi, struct wire *w)
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
