#include "query/http/http_listen.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "engine/core/log.h"

#define BACKLOG 512
/* accepted in one turn of the loop */
#define ACCEPTS_MAX 64
#define TICK_MS 1000
#define MAGIC "PRI"
#define MAGIC_SIZE 3

/* An accepted connection that has not said what it speaks. */
struct greeting {
	uv_poll_t poll;
	struct http_listen *listen;
	struct greeting *next, **link; /* in `waiting` */
	uint64_t deadline_ms;
	int fd;
	bool decided, h2;
};

struct http_listen {
	struct http_listen_options options;
	uv_poll_t poll;
	uv_timer_t timer; /* runs while someone waits, or while there were no descriptors left */
	int fd;
	uint16_t port;
	bool closing, paused;
	unsigned handles;                 /* not yet closed: the last one frees */
	struct greeting *waiting, **last; /* oldest first; `last` is where the next one goes */
};

static void on_poll(uv_poll_t *poll, int status, int events);
static void on_timer(uv_timer_t *timer);

static void handle_closed(struct http_listen *l)
{
	if (--l->handles == 0)
		free(l);
}

static void run_timer(struct http_listen *l)
{
	if (!uv_is_active((uv_handle_t *)&l->timer))
		uv_timer_start(&l->timer, on_timer, TICK_MS, TICK_MS);
}

/* --- one connection --- */

static void on_greeting_closed(uv_handle_t *handle)
{
	struct greeting *g = handle->data;
	struct http_listen *l = g->listen;
	--*l->options.waiting;
	if (g->decided && !l->closing)
		l->options.greeted(l->options.context, g->fd, g->h2);
	else
		close(g->fd);
	free(g);
	handle_closed(l);
}

/* What it speaks is known, or it is to be cut. The descriptor is passed on when libuv has let go of it. */
static void end_greeting(struct greeting *g)
{
	*g->link = g->next;
	if (g->next)
		g->next->link = g->link;
	else
		g->listen->last = g->link;
	uv_close((uv_handle_t *)&g->poll, on_greeting_closed);
}

static void on_first_bytes(uv_poll_t *poll, int status, int events)
{
	struct greeting *g = poll->data;
	char bytes[MAGIC_SIZE];
	int every_byte = 1;
	(void)events;
	ssize_t n = recv(g->fd, bytes, sizeof bytes, MSG_PEEK | MSG_DONTWAIT);
	if (n < 0 && (errno == EAGAIN || errno == EINTR) && !status)
		return;
	g->decided = n > 0 && !setsockopt(g->fd, SOL_SOCKET, SO_RCVLOWAT, &every_byte, sizeof every_byte);
	g->h2 = n == MAGIC_SIZE && memcmp(bytes, MAGIC, MAGIC_SIZE) == 0;
	end_greeting(g);
}

/* Readable means that MAGIC_SIZE bytes are there, or that no more will come (SO_RCVLOWAT, socket(7)): a client that
 * sends less keeps nobody busy. */
static enum status await_first_bytes(struct http_listen *l, int fd)
{
	int enough = MAGIC_SIZE;
	struct greeting *g = calloc(1, sizeof *g);
	if (!g)
		return STATUS_NO_MEMORY;
	if (setsockopt(fd, SOL_SOCKET, SO_RCVLOWAT, &enough, sizeof enough) ||
	    uv_poll_init(l->options.loop, &g->poll, fd)) {
		free(g);
		return STATUS_IO;
	}
	g->poll.data = g;
	g->listen = l;
	g->fd = fd;
	g->link = l->last;
	g->deadline_ms = uv_now(l->options.loop) + (uint64_t)l->options.silence_s * 1000;
	*l->last = g;
	l->last = &g->next;
	++*l->options.waiting;
	l->handles++;
	run_timer(l);
	if (uv_poll_start(&g->poll, UV_READABLE, on_first_bytes))
		end_greeting(g);
	return STATUS_OK;
}

/* --- accepting --- */

static void take(struct http_listen *l, int fd)
{
	int on = 1;
	if (!l->options.room(l->options.context)) {
		close(fd);
		return;
	}
	if (setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on))
		log_debug("http", "no TCP_NODELAY: %s", strerror(errno));
	if (l->options.tls)
		l->options.greeted(l->options.context, fd, false);
	else if (await_first_bytes(l, fd))
		close(fd);
}

static void on_poll(uv_poll_t *poll, int status, int events)
{
	struct http_listen *l = poll->data;
	(void)status, (void)events;
	for (int i = 0; i < ACCEPTS_MAX; i++) {
		int fd = accept4(l->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (fd >= 0) {
			take(l, fd);
			continue;
		}
		if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
			log_warn("http", "no connection can be accepted: %s", strerror(errno));
			l->paused = true;
			uv_poll_stop(poll);
			run_timer(l);
		}
		if (errno != ECONNABORTED && errno != EINTR)
			return;
	}
}

static void on_timer(uv_timer_t *timer)
{
	struct http_listen *l = timer->data;
	uint64_t now_ms = uv_now(l->options.loop);
	while (l->waiting && l->waiting->deadline_ms <= now_ms)
		end_greeting(l->waiting);
	if (l->paused)
		l->paused = uv_poll_start(&l->poll, UV_READABLE, on_poll) != 0;
	if (!l->waiting && !l->paused)
		uv_timer_stop(timer);
}

/* --- life --- */

static int bind_socket(const struct http_listen_options *o, uint16_t *out_port)
{
	struct sockaddr_storage at = {0};
	socklen_t size = sizeof at;
	int on = 1;
	if (uv_ip4_addr(o->address, o->port, (struct sockaddr_in *)&at) &&
	    uv_ip6_addr(o->address, o->port, (struct sockaddr_in6 *)&at))
		return -1;
	int fd = socket(at.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -1;
	size = at.ss_family == AF_INET ? sizeof(struct sockaddr_in) : sizeof(struct sockaddr_in6);
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) || bind(fd, (struct sockaddr *)&at, size) ||
	    listen(fd, BACKLOG) || getsockname(fd, (struct sockaddr *)&at, &size)) {
		close(fd);
		return -1;
	}
	/* the port stands at the same place in both families */
	*out_port = ntohs(((struct sockaddr_in *)&at)->sin_port);
	return fd;
}

enum status http_listen_open(const struct http_listen_options *options, struct http_listen **out)
{
	struct http_listen *l = calloc(1, sizeof *l);
	if (!l)
		return STATUS_NO_MEMORY;
	l->options = *options;
	l->last = &l->waiting;
	l->fd = bind_socket(options, &l->port);
	if (l->fd < 0 || uv_poll_init(options->loop, &l->poll, l->fd)) {
		if (l->fd >= 0)
			close(l->fd);
		free(l);
		return STATUS_IO;
	}
	uv_timer_init(options->loop, &l->timer);
	l->handles = 2;
	l->poll.data = l->timer.data = l;
	if (uv_poll_start(&l->poll, UV_READABLE, on_poll)) {
		http_listen_close(l);
		return STATUS_IO;
	}
	*out = l;
	return STATUS_OK;
}

uint16_t http_listen_port(const struct http_listen *l)
{
	return l->port;
}

static void on_closed(uv_handle_t *handle)
{
	handle_closed(handle->data);
}

void http_listen_close(struct http_listen *l)
{
	l->closing = true;
	while (l->waiting)
		end_greeting(l->waiting);
	uv_close((uv_handle_t *)&l->poll, on_closed);
	uv_close((uv_handle_t *)&l->timer, on_closed);
	close(l->fd);
}
