/* http_wire_watch.c -- connections being answered.
 *
 * While an HTTP/1.1 request is answered libwebsockets neither reads its connection nor stops polling it, so what a
 * client sends meanwhile (the next request, its FIN) would make the loop spin; and with rx flow control on, it does
 * not handle writability either. Therefore connections being answered are looked at every so often: one that
 * has input waiting is muted and served small pieces from that tick, one whose client has closed is cut. */
#include <errno.h>
#include <poll.h>
#include <sys/socket.h>

#include "query/http/http_wire.h"

#define TICK_MS 20

void wire_watch(struct http_server *s, struct lws *wsi, struct wire *w)
{
	if (w->link || is_h2(wsi))
		return;
	if (!s->answered)
		uv_timer_start(&s->tick, wire_on_tick, TICK_MS, TICK_MS);
	w->next = s->answered;
	w->link = &s->answered;
	if (w->next)
		w->next->link = &w->next;
	s->answered = w;
}

void wire_unwatch(struct http_server *s, struct wire *w)
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

void wire_ask(struct lws *wsi, struct wire *w)
{
	if (w->muted)
		return;
	w->asked = true;
	lws_callback_on_writable(wsi);
}

int wire_mute(struct lws *wsi, struct wire *w, bool muted)
{
	if (w->muted == muted)
		return 0;
	w->muted = muted;
	return lws_rx_flow_control(wsi, !muted);
}

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
		if (wire_mute(wsi, w, false))
			kill_soon(wsi);
		else
			wire_ask(wsi, w);
	} else if (wire_send(s, wsi, w)) {
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
		if (wire_mute(wsi, w, true))
			kill_soon(wsi);
	}
}

void wire_on_tick(uv_timer_t *timer)
{
	struct http_server *s = timer->data;
	for (struct wire *w = s->answered, *next; w; w = next) {
		next = w->next; /* an answer that ends here leaves the list */
		look_at(s, w);
	}
}
