/* station_link.c -- the sockets and files of stations, on the loop of shard 0.
 *
 *   begin ─┬ tcp:        connect ── read ... lost ── timer 1, 2, 4 .. 60 s ─┐
 *          │                ^──────────────────────────────────────────────┘
 *          ├ tcp-listen: listen ──< accepted link ── read ... closed
 *          ├ udp:        receive
 *          └ file:       open, read a piece, feed it, read the next ... done
 *
 * A link is freed when its handle is closed and no worker has it. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <unistd.h>

#include "engine/core/clock.h"
#include "engine/core/hash.h"
#include "engine/core/log.h"
#include "ingest/stations/station_state.h"

#define BACKLOG 64
/* what the kernel keeps of datagrams while the engine has no room; it may grant less */
#define UDP_RECEIVE_BYTES (4 << 20)

static void link_go_on(struct station_link *l, enum feed_wait wait);
static void link_close(struct station_link *l);

/* --- binding --- */

static enum status address_of(const char *host, int port, struct sockaddr_storage *out)
{
	memset(out, 0, sizeof *out);
	if (uv_ip4_addr(host, port, (struct sockaddr_in *)out) == 0)
		return STATUS_OK;
	return uv_ip6_addr(host, port, (struct sockaddr_in6 *)out) == 0 ? STATUS_OK : STATUS_INVALID;
}

static socklen_t address_size(const struct sockaddr_storage *a)
{
	return a->ss_family == AF_INET ? sizeof(struct sockaddr_in) : sizeof(struct sockaddr_in6);
}

static bool is_multicast(const struct sockaddr_storage *a)
{
	if (a->ss_family == AF_INET)
		return IN_MULTICAST(ntohl(((const struct sockaddr_in *)a)->sin_addr.s_addr));
	return IN6_IS_ADDR_MULTICAST(&((const struct sockaddr_in6 *)a)->sin6_addr);
}

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
	case ENODEV:
		return STATUS_NOT_FOUND;
	default:
		return STATUS_IO;
	}
}

static bool join_group(int fd, const struct sockaddr_storage *group, const char *interface)
{
	if (group->ss_family == AF_INET) {
		struct ip_mreq request = {.imr_multiaddr = ((const struct sockaddr_in *)group)->sin_addr};
		if (*interface && inet_pton(AF_INET, interface, &request.imr_interface) != 1)
			return false;
		return setsockopt(fd, IPPROTO_IP, IP_ADD_MEMBERSHIP, &request, sizeof request) == 0;
	}
	struct ipv6_mreq request = {.ipv6mr_multiaddr = ((const struct sockaddr_in6 *)group)->sin6_addr};
	return setsockopt(fd, IPPROTO_IPV6, IPV6_JOIN_GROUP, &request, sizeof request) == 0;
}

static bool prepare(int fd, const struct sockaddr_storage *address, bool is_udp, const char *interface)
{
	int on = 1, bytes = UDP_RECEIVE_BYTES;
	bool group = is_udp && is_multicast(address);
	/* several programs of one machine may listen to a group; a restart must not wait for old connections */
	if ((!is_udp || group) && setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0)
		return false;
	if (is_udp)
		(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes);
	return bind(fd, (const struct sockaddr *)address, address_size(address)) == 0 &&
	       (!group || join_group(fd, address, interface));
}

enum status station_bind(struct station *s)
{
	struct sockaddr_storage address;
	bool is_udp = s->config->transport == STATION_UDP;
	socklen_t size = sizeof address;
	enum status status = address_of(s->config->host, s->config->port, &address);
	if (status)
		return status;
	int fd = socket(address.ss_family, (is_udp ? SOCK_DGRAM : SOCK_STREAM) | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return status_of_errno(errno);
	if (!prepare(fd, &address, is_udp, s->config->interface) || (!is_udp && listen(fd, BACKLOG) != 0) ||
	    getsockname(fd, (struct sockaddr *)&address, &size) != 0) {
		status = status_of_errno(errno);
		close(fd);
		return status;
	}
	s->fd = fd;
	s->port = ntohs(address.ss_family == AF_INET ? ((struct sockaddr_in *)&address)->sin_port
						     : ((struct sockaddr_in6 *)&address)->sin6_port);
	return STATUS_OK;
}

/* --- links --- */

static enum status submit(void *context, const struct intake *in)
{
	struct stations *all = context;
	return shard_submit(all->shard, in);
}

static struct station_link *link_new(struct station *s)
{
	struct stations *all = s->all;
	struct station_link *l = s->link_count < STATION_LINKS_MAX ? calloc(1, sizeof *l) : NULL;
	if (!l)
		return NULL;
	l->station = s;
	l->file = -1;
	l->feed.config = s->config;
	l->feed.codec = s->config->codec >= 0 ? &all->config.codecs[s->config->codec] : NULL;
	l->feed.station = s->index;
	l->feed.stats = &s->stats;
	l->feed.registry = all->registry;
	l->feed.fold = all->fold;
	l->feed.context = all;
	l->feed.submit = submit;
	l->connect.data = l->work.data = l->fs.data = l;
	if (feed_init(&l->feed)) {
		feed_deinit(&l->feed);
		free(l);
		return NULL;
	}
	l->next = s->links;
	s->links = l;
	s->link_count++;
	return l;
}

static void link_free_when_done(struct station_link *l)
{
	if (!l->closed || l->working)
		return;
	struct station_link **at = &l->station->links;
	while (*at != l)
		at = &(*at)->next;
	*at = l->next;
	l->station->link_count--;
	if (l->file >= 0)
		close(l->file);
	feed_deinit(&l->feed);
	free(l);
}

static void on_closed(uv_handle_t *handle)
{
	struct station_link *l = handle->data;
	l->closed = true;
	link_free_when_done(l);
}

static void link_close(struct station_link *l)
{
	if (l->closing)
		return;
	l->closing = true;
	if (l->has_handle) {
		uv_close(&l->handle.any, on_closed);
		return;
	}
	l->closed = true;
	link_free_when_done(l);
}

/* --- reading --- */

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *out)
{
	(void)suggested;
	struct station_link *l = handle->data;
	*out = uv_buf_init((char *)l->station->all->read_buffer, FEED_READ_BYTES);
}

static void lost(struct station *s);

/* The peer ended, or an error: what is held is given, then the link goes. */
static void link_ended(struct station_link *l)
{
	if (l->ended || l->closing)
		return;
	l->ended = true;
	if (l->handle.any.type == UV_TCP)
		(void)uv_read_stop(&l->handle.stream);
	l->reading = false;
	link_go_on(l, feed_end(&l->feed, clock_now_ms()));
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
	struct station_link *l = stream->data;
	struct station *s = l->station;
	if (n == 0)
		return;
	if (n < 0) {
		link_ended(l);
		return;
	}
	s->backoff_ms = STATION_BACKOFF_MIN_MS;
	if (feed_put(&l->feed, span_of(buf->base, (size_t)n), 0)) {
		link_ended(l);
		return;
	}
	link_go_on(l, feed_run(&l->feed, clock_now_ms()));
}

static uint32_t sender_of(const struct sockaddr *address)
{
	if (address->sa_family == AF_INET) {
		const struct sockaddr_in *a = (const struct sockaddr_in *)address;
		return (uint32_t)hash64(span_of(&a->sin_addr, sizeof a->sin_addr)) ^ a->sin_port;
	}
	const struct sockaddr_in6 *a = (const struct sockaddr_in6 *)address;
	return (uint32_t)hash64(span_of(&a->sin6_addr, sizeof a->sin6_addr)) ^ a->sin6_port;
}

/* A datagram is whole lines; the last may lack its end. */
static void on_datagram(uv_udp_t *udp, ssize_t n, const uv_buf_t *buf, const struct sockaddr *address, unsigned flags)
{
	struct station_link *l = udp->data;
	if (n <= 0 || !address)
		return;
	station_count(&l->station->stats, STATION_COUNT_DATAGRAMS, 1);
	if (flags & UV_UDP_PARTIAL) {
		station_count(&l->station->stats, STATION_COUNT_DATAGRAMS_LOST, 1);
		return;
	}
	uint32_t sender = sender_of(address);
	bool ends = buf->base[n - 1] == '\n';
	if (feed_put(&l->feed, span_of(buf->base, (size_t)n), sender) ||
	    (!ends && feed_put(&l->feed, span_of("\n", 1), sender)))
		return;
	link_go_on(l, feed_run(&l->feed, clock_now_ms()));
}

static void read_piece(struct station_link *l);

static void resume_reading(struct station_link *l)
{
	if (l->reading || l->ended || l->closing)
		return;
	l->reading = true;
	switch (l->station->config->transport) {
	case STATION_UDP:
		(void)uv_udp_recv_start(&l->handle.udp, on_alloc, on_datagram);
		return;
	case STATION_FILE:
		read_piece(l);
		return;
	default:
		(void)uv_read_start(&l->handle.stream, on_alloc, on_read);
	}
}

static void stop_reading(struct station_link *l)
{
	if (!l->reading || l->closing)
		return;
	l->reading = false;
	if (l->station->config->transport == STATION_UDP)
		(void)uv_udp_recv_stop(&l->handle.udp);
	else if (l->station->config->transport != STATION_FILE)
		(void)uv_read_stop(&l->handle.stream);
}

/* --- waiting --- */

static void on_work(uv_work_t *work)
{
	struct station_link *l = work->data;
	feed_job_run(&l->feed);
}

static void on_worked(uv_work_t *work, int cancelled)
{
	struct station_link *l = work->data;
	l->working = false;
	if (l->closing) {
		link_free_when_done(l);
		return;
	}
	if (cancelled)
		l->feed.job.status = STATUS_CANCELLED;
	feed_job_done(&l->feed);
	/* what the disk refused is tried again with the clock, not at once */
	bool later = l->feed.job.status == STATUS_IO || l->feed.job.status == STATUS_NO_SPACE;
	link_go_on(l, later ? FEED_ROOM : feed_run(&l->feed, clock_now_ms()));
}

/* What the feed said it waits for. */
static void link_go_on(struct station_link *l, enum feed_wait wait)
{
	l->wait = (uint8_t)wait;
	if (wait != FEED_IDLE)
		stop_reading(l);
	if (wait == FEED_JOB) {
		l->working = uv_queue_work(l->station->all->loop, &l->work, on_work, on_worked) == 0;
		l->wait = l->working ? FEED_JOB : FEED_ROOM;
		return;
	}
	if (wait == FEED_IDLE && l->ended) {
		struct station *s = l->station;
		link_close(l);
		lost(s);
		return;
	}
	if (wait == FEED_IDLE)
		resume_reading(l);
}

/* --- TCP client --- */

static void connect_now(struct station *s);

static void on_retry(uv_timer_t *timer)
{
	connect_now(timer->data);
}

/* A link is gone: a client connects again. */
static void lost(struct station *s)
{
	switch (s->config->transport) {
	case STATION_TCP:
		break;
	case STATION_FILE:
		station_say(s, STATION_STATE_DONE);
		return;
	default:
		return;
	}
	station_count(&s->stats, STATION_COUNT_FAILED, 1);
	if (s->all->stopping)
		return;
	station_say(s, STATION_STATE_WAITING);
	(void)uv_timer_start(&s->retry, on_retry, s->backoff_ms, 0);
	s->backoff_ms = s->backoff_ms * 2 < STATION_BACKOFF_MAX_MS ? s->backoff_ms * 2 : STATION_BACKOFF_MAX_MS;
}

static void on_connected(uv_connect_t *request, int error)
{
	struct station_link *l = request->data;
	struct station *s = l->station;
	if (l->closing)
		return;
	if (error < 0) {
		log_info("stations", "%s: %s", s->config->name, uv_strerror(error));
		link_close(l);
		lost(s);
		return;
	}
	(void)uv_tcp_keepalive(&l->handle.tcp, 1, STATION_KEEPALIVE_S);
	station_count(&s->stats, STATION_COUNT_CONNECTED, 1);
	station_say(s, STATION_STATE_RECEIVING);
	resume_reading(l);
}

static void connect_now(struct station *s)
{
	struct sockaddr_storage address;
	struct station_link *l = s->all->stopping ? NULL : link_new(s);
	if (!l)
		return;
	station_say(s, STATION_STATE_CONNECTING);
	l->has_handle = uv_tcp_init(s->all->loop, &l->handle.tcp) == 0;
	l->handle.any.data = l;
	if (!l->has_handle || address_of(s->config->host, s->config->port, &address) ||
	    uv_tcp_connect(&l->connect, &l->handle.tcp, (const struct sockaddr *)&address, on_connected) < 0) {
		link_close(l);
		lost(s);
	}
}

/* --- TCP server, UDP --- */

static void on_connection(uv_stream_t *server, int error)
{
	struct station *s = server->data;
	if (error < 0 || s->all->stopping)
		return;
	struct station_link *l = link_new(s);
	if (!l) { /* too many: taken and closed, or it would be offered again for ever */
		uv_tcp_t *refused = malloc(sizeof *refused);
		if (refused && uv_tcp_init(s->all->loop, refused) == 0) {
			(void)uv_accept(server, (uv_stream_t *)refused);
			uv_close((uv_handle_t *)refused, (uv_close_cb)free);
		}
		station_count(&s->stats, STATION_COUNT_FAILED, 1);
		return;
	}
	l->has_handle = uv_tcp_init(s->all->loop, &l->handle.tcp) == 0;
	l->handle.any.data = l;
	if (!l->has_handle || uv_accept(server, &l->handle.stream) < 0) {
		link_close(l);
		return;
	}
	(void)uv_tcp_keepalive(&l->handle.tcp, 1, STATION_KEEPALIVE_S);
	station_count(&s->stats, STATION_COUNT_CONNECTED, 1);
	resume_reading(l);
}

static bool listen_now(struct station *s)
{
	s->has_listener = uv_tcp_init(s->all->loop, &s->listener) == 0;
	s->listener.data = s;
	if (!s->has_listener || uv_tcp_open(&s->listener, s->fd) < 0)
		return false;
	s->fd = -1;
	return uv_listen((uv_stream_t *)&s->listener, BACKLOG, on_connection) == 0;
}

static bool receive_now(struct station *s)
{
	struct station_link *l = link_new(s);
	if (!l)
		return false;
	l->has_handle = uv_udp_init(s->all->loop, &l->handle.udp) == 0;
	l->handle.any.data = l;
	if (!l->has_handle || uv_udp_open(&l->handle.udp, s->fd) < 0) {
		link_close(l);
		return false;
	}
	s->fd = -1;
	resume_reading(l);
	return true;
}

/* --- files --- */

static void on_piece(uv_fs_t *fs)
{
	struct station_link *l = fs->data;
	ssize_t n = fs->result;
	uv_fs_req_cleanup(fs);
	l->working = l->reading = false;
	if (l->closing) {
		link_free_when_done(l);
		return;
	}
	if (n <= 0) {
		if (n < 0)
			log_warn("stations", "%s: %s", l->station->config->host, uv_strerror((int)n));
		link_ended(l);
		return;
	}
	l->file_at += n;
	l->feed.bytes.size += (size_t)n;
	station_count(&l->station->stats, STATION_COUNT_BYTES, (uint64_t)n);
	link_go_on(l, feed_run(&l->feed, clock_now_ms()));
}

/* Straight to where the feed has its bytes. */
static void read_piece(struct station_link *l)
{
	if (feed_put(&l->feed, span_of("", 0), 0) || buf_reserve(&l->feed.bytes, FEED_READ_BYTES)) {
		l->reading = false;
		link_ended(l);
		return;
	}
	uv_buf_t room = uv_buf_init((char *)l->feed.bytes.data + l->feed.bytes.size, FEED_READ_BYTES);
	l->working = uv_fs_read(l->station->all->loop, &l->fs, l->file, &room, 1, l->file_at, on_piece) == 0;
	l->reading = l->working;
}

static bool open_now(struct station *s)
{
	struct station_link *l = link_new(s);
	if (!l)
		return false;
	/* opened on the loop, once: reading is not */
	l->file = open(s->config->host, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (l->file < 0) {
		log_error("stations", "%s: %s", s->config->host, uv_strerror(uv_translate_sys_error(errno)));
		link_close(l);
		return false;
	}
	resume_reading(l);
	return true;
}

/* --- life --- */

void station_begin(struct station *s)
{
	bool good = true;
	s->backoff_ms = STATION_BACKOFF_MIN_MS;
	s->has_retry = uv_timer_init(s->all->loop, &s->retry) == 0;
	s->retry.data = s;
	switch (s->config->transport) {
	case STATION_TCP:
		connect_now(s);
		return;
	case STATION_TCP_LISTEN:
		good = listen_now(s);
		break;
	case STATION_UDP:
		good = receive_now(s);
		break;
	default:
		good = open_now(s);
		break;
	}
	station_say(s, !good                                        ? STATION_STATE_FAILED
		       : s->config->transport == STATION_TCP_LISTEN ? STATION_STATE_LISTENING
								    : STATION_STATE_RECEIVING);
	if (!good)
		station_count(&s->stats, STATION_COUNT_FAILED, 1);
}

void station_stop(struct station *s)
{
	station_say(s, STATION_STATE_STOPPED);
	if (s->has_retry)
		uv_close((uv_handle_t *)&s->retry, NULL);
	if (s->has_listener)
		uv_close((uv_handle_t *)&s->listener, NULL);
	for (struct station_link *l = s->links, *next; l; l = next) {
		next = l->next;
		link_close(l);
	}
}

/* The kernel's own count of a UDP socket, since it was opened. */
static void count_drops(struct station *s)
{
	uint32_t info[SK_MEMINFO_VARS] = {0};
	socklen_t size = sizeof info;
	uv_os_fd_t fd;
	if (!s->links || !s->links->has_handle || uv_fileno(&s->links->handle.any, &fd) < 0 ||
	    getsockopt(fd, SOL_SOCKET, SO_MEMINFO, info, &size) != 0)
		return;
	station_count(&s->stats, STATION_COUNT_DATAGRAMS_LOST, info[SK_MEMINFO_DROPS] - s->kernel_drops);
	s->kernel_drops = info[SK_MEMINFO_DROPS];
}

void station_room(struct station *s)
{
	for (struct station_link *l = s->links, *next; l; l = next) {
		next = l->next;
		if (!l->closing && !l->working && l->wait == FEED_ROOM)
			link_go_on(l, feed_run(&l->feed, clock_now_ms()));
	}
}

void station_tick(struct station *s)
{
	station_room(s);
	for (struct station_link *l = s->links, *next; l; l = next) {
		next = l->next;
		if (!l->closing && !l->working && !l->ended && l->wait == FEED_IDLE)
			link_go_on(l, feed_tick(&l->feed, clock_now_ms()));
	}
	if (s->config->transport == STATION_UDP)
		count_drops(s);
}
