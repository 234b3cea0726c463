/* site_link.c -- the sockets of listeners, on the loop of shard 0. */
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "engine/core/clock.h"
#include "engine/core/log.h"
#include "ingest/sites/sites_state.h"

#define BACKLOG 128

static void go_on(struct site_link *l, enum site_wait wait);
static void link_close(struct site_link *l);

/* --- binding --- */

static enum status status_of_errno(int error)
{
	switch (error) {
	case EADDRINUSE:
		return STATUS_EXISTS;
	case EACCES:
	case EPERM:
		return STATUS_DENIED;
	case EADDRNOTAVAIL:
	case EAFNOSUPPORT:
		return STATUS_NOT_FOUND;
	default:
		return STATUS_IO;
	}
}

enum status site_bind(struct site_listener *l)
{
	struct sockaddr_storage address = {0};
	int on = 1;
	if (uv_ip4_addr(l->config->host, l->config->port, (struct sockaddr_in *)&address) &&
	    uv_ip6_addr(l->config->host, l->config->port, (struct sockaddr_in6 *)&address))
		return STATUS_INVALID;
	socklen_t size = address.ss_family == AF_INET ? sizeof(struct sockaddr_in) : sizeof(struct sockaddr_in6);
	int fd = socket(address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return status_of_errno(errno);
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) || bind(fd, (struct sockaddr *)&address, size) ||
	    listen(fd, BACKLOG) || getsockname(fd, (struct sockaddr *)&address, &size)) {
		enum status status = status_of_errno(errno);
		close(fd);
		return status;
	}
	l->fd = fd;
	l->port = ntohs(address.ss_family == AF_INET ? ((struct sockaddr_in *)&address)->sin_port
						     : ((struct sockaddr_in6 *)&address)->sin6_port);
	return STATUS_OK;
}

/* --- life of a link --- */

static void free_when_done(struct site_link *l)
{
	if (!l->closed || l->working || l->session.pending_count)
		return;
	*l->before = l->next;
	if (l->next)
		l->next->before = l->before;
	atomic_fetch_sub(&l->listener->link_count, 1);
	site_session_deinit(&l->session);
	free(l);
}

static void on_closed(uv_handle_t *handle)
{
	struct site_link *l = handle->data;
	l->closed = true;
	free_when_done(l);
}

static void link_close(struct site_link *l)
{
	if (l->closing)
		return;
	l->closing = true;
	uv_close((uv_handle_t *)&l->tcp, on_closed);
}

/* --- to and from the session --- */

static void on_settled(struct shard *shard, const struct ticket *ticket, enum status status)
{
	struct site_link *l = (struct site_link *)(uintptr_t)ticket->words[0];
	(void)shard;
	site_session_settled(&l->session, ticket, status);
	if (l->closing)
		free_when_done(l);
	else if (l->wait == SITE_WAIT_SETTLE)
		go_on(l, site_session_run(&l->session, clock_now_ms()));
}

static enum status submit(void *context, const struct intake *in)
{
	struct site_link *l = context;
	struct intake with = *in;
	with.on_settled = on_settled;
	with.ticket.words[0] = (uint64_t)(uintptr_t)l;
	return shard_submit(l->listener->all->shard, &with);
}

struct answer {
	uv_write_t write;
	uint8_t bytes[];
};

static void on_written(uv_write_t *write, int error)
{
	(void)error;
	free(write);
}

static void reply(void *context, struct span bytes)
{
	struct site_link *l = context;
	uv_buf_t now = uv_buf_init((char *)(uintptr_t)bytes.data, (unsigned)bytes.size);
	if (l->closing)
		return;
	int written = l->tcp.write_queue_size ? 0 : uv_try_write((uv_stream_t *)&l->tcp, &now, 1);
	size_t sent = written > 0 ? (size_t)written : 0;
	if (sent == bytes.size)
		return;
	struct answer *a = l->tcp.write_queue_size > SITE_UNREAD_MAX ? NULL : malloc(sizeof *a + bytes.size);
	if (!a) {
		link_close(l);
		return;
	}
	memcpy(a->bytes, bytes.data + sent, bytes.size - sent);
	now = uv_buf_init((char *)a->bytes, (unsigned)(bytes.size - sent));
	if (uv_write(&a->write, (uv_stream_t *)&l->tcp, &now, 1, on_written)) {
		free(a);
		link_close(l);
	}
}

/* --- reading --- */

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *out)
{
	(void)suggested;
	struct site_link *l = handle->data;
	*out = uv_buf_init((char *)l->listener->all->read_buffer, SITE_READ_BYTES);
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
	struct site_link *l = stream->data;
	if (n == 0)
		return;
	if (n < 0 || site_session_put(&l->session, span_of(buf->base, (size_t)n))) {
		link_close(l);
		return;
	}
	l->heard_ms = clock_now_ms();
	go_on(l, site_session_run(&l->session, l->heard_ms));
}

static void set_reading(struct site_link *l, bool wanted)
{
	if (l->reading == wanted || l->closing)
		return;
	l->reading = wanted;
	if (wanted)
		(void)uv_read_start((uv_stream_t *)&l->tcp, on_alloc, on_read);
	else
		(void)uv_read_stop((uv_stream_t *)&l->tcp);
}

static void on_work(uv_work_t *work)
{
	struct site_link *l = work->data;
	site_session_job_run(&l->session);
}

static void on_worked(uv_work_t *work, int cancelled)
{
	struct site_link *l = work->data;
	l->working = false;
	if (l->closing) {
		free_when_done(l);
		return;
	}
	/* what the disk refused is tried again with the clock, not at once */
	bool done = !cancelled && site_session_job_done(&l->session);
	go_on(l, done ? site_session_run(&l->session, clock_now_ms()) : SITE_WAIT_ROOM);
}

/* What the session said it waits for. */
static void go_on(struct site_link *l, enum site_wait wait)
{
	l->wait = (uint8_t)wait;
	set_reading(l, wait == SITE_WAIT_NONE);
	if (wait != SITE_WAIT_JOB || l->closing)
		return;
	l->working = uv_queue_work(l->listener->all->loop, &l->work, on_work, on_worked) == 0;
	l->wait = l->working ? SITE_WAIT_JOB : SITE_WAIT_ROOM;
}

/* --- the listener --- */

static struct site_link *link_new(struct site_listener *s)
{
	struct site_link *l = atomic_load(&s->link_count) < SITE_LINKS_MAX ? calloc(1, sizeof *l) : NULL;
	if (!l)
		return NULL;
	l->listener = s;
	l->session = (struct site_session){.config = s->all->config,
					   .listener = s->index,
					   .stats = &s->stats,
					   .engine = s->all->engine,
					   .context = l,
					   .submit = submit,
					   .reply = reply};
	if (site_session_init(&l->session) || uv_tcp_init(s->all->loop, &l->tcp)) {
		site_session_deinit(&l->session);
		free(l);
		return NULL;
	}
	l->tcp.data = l->work.data = l;
	l->heard_ms = clock_now_ms();
	l->next = s->links;
	l->before = &s->links;
	if (l->next)
		l->next->before = &l->next;
	s->links = l;
	atomic_fetch_add(&s->link_count, 1);
	return l;
}

/* Taken and closed, or it would be offered again for ever. */
static void turn_away(struct site_listener *s, uv_stream_t *server)
{
	uv_tcp_t *refused = malloc(sizeof *refused);
	if (refused && uv_tcp_init(s->all->loop, refused) == 0) {
		(void)uv_accept(server, (uv_stream_t *)refused);
		uv_close((uv_handle_t *)refused, (uv_close_cb)free);
	}
	site_count(&s->stats, SITE_COUNT_TURNED_AWAY, 1);
}

static void on_connection(uv_stream_t *server, int error)
{
	struct site_listener *s = server->data;
	if (error < 0 || s->all->stopping)
		return;
	struct site_link *l = link_new(s);
	if (!l) {
		turn_away(s, server);
		return;
	}
	if (uv_accept(server, (uv_stream_t *)&l->tcp) < 0) {
		link_close(l);
		return;
	}
	(void)uv_tcp_keepalive(&l->tcp, 1, SITE_KEEPALIVE_S);
	(void)uv_tcp_nodelay(&l->tcp, 1);
	site_count(&s->stats, SITE_COUNT_CONNECTED, 1);
	set_reading(l, true);
}

void site_listen(struct site_listener *l)
{
	l->has_tcp = uv_tcp_init(l->all->loop, &l->tcp) == 0;
	l->tcp.data = l;
	if (!l->has_tcp || uv_tcp_open(&l->tcp, l->fd) < 0) {
		log_error("sites", "%s: cannot listen", l->config->name);
		return;
	}
	l->fd = -1;
	if (uv_listen((uv_stream_t *)&l->tcp, BACKLOG, on_connection) < 0)
		log_error("sites", "%s: cannot listen", l->config->name);
}

void site_close(struct site_listener *l)
{
	if (l->has_tcp)
		uv_close((uv_handle_t *)&l->tcp, NULL);
	for (struct site_link *one = l->links; one; one = one->next)
		link_close(one);
}

void site_room(struct site_listener *l)
{
	for (struct site_link *one = l->links; one; one = one->next)
		if (!one->closing && one->wait == SITE_WAIT_ROOM)
			go_on(one, site_session_run(&one->session, clock_now_ms()));
}

void site_tick(struct site_listener *l, int64_t now_ms)
{
	site_room(l);
	for (struct site_link *one = l->links; one; one = one->next)
		if (!one->closing && one->wait == SITE_WAIT_NONE && now_ms - one->heard_ms >= l->config->idle_ms) {
			site_count(&l->stats, SITE_COUNT_IDLE, 1);
			link_close(one);
		}
}
