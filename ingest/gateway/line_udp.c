#include "ingest/gateway/line_udp.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "engine/core/clock.h"
#include "engine/core/log.h"

#define DATAGRAM_MAX 65536
#define RECEIVE_BUFFER (8 << 20)
/* how long the reader waits for a datagram before it looks whether it shall end */
#define POLL_MS 100

struct line_udp {
	struct line_gateway *gateway;
	int fd, port;
	struct line_udp_stats stats;
	pthread_t reader, worker;
	bool reading, working;
	_Atomic bool closing;
	pthread_mutex_t lock; /* guards what follows */
	pthread_cond_t changed;
	struct buf filling, taken;
	bool read_all;
};

/* --- taking in --- */

static void take_in(struct line_udp *u, struct span lines)
{
	struct line_result result;
	enum status status = line_gateway_write(u->gateway, lines, LINE_NS, clock_now_ms(), &result);
	if (status)
		log_error("lines", "udp: %zu bytes are lost: %s", lines.size, status_text(status));
	else if (result.refused)
		log_debug("lines", "udp: %llu lines refused: %s", (unsigned long long)result.refused,
			  result.told[0].reason);
}

static void *work(void *argument)
{
	struct line_udp *u = argument;
	pthread_mutex_lock(&u->lock);
	for (;;) {
		while (!u->filling.size && !u->read_all)
			pthread_cond_wait(&u->changed, &u->lock);
		if (!u->filling.size)
			break;
		struct buf full = u->filling;
		u->filling = u->taken;
		u->taken = full;
		pthread_cond_broadcast(&u->changed);
		pthread_mutex_unlock(&u->lock);
		take_in(u, buf_view(&u->taken));
		buf_clear(&u->taken);
		pthread_mutex_lock(&u->lock);
	}
	pthread_mutex_unlock(&u->lock);
	return NULL;
}

/* --- reading --- */

static void keep(struct line_udp *u, struct span datagram)
{
	pthread_mutex_lock(&u->lock);
	while (u->filling.size + datagram.size + 1 > UDP_BACKLOG_MAX)
		pthread_cond_wait(&u->changed, &u->lock);
	/* a datagram ends its last line */
	if (buf_append(&u->filling, datagram.data, datagram.size) || buf_append_u8(&u->filling, '\n'))
		log_error("lines", "udp: no memory for a datagram");
	pthread_cond_broadcast(&u->changed);
	pthread_mutex_unlock(&u->lock);
}

static void note_dropped(struct line_udp *u, struct msghdr *message)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(message); c; c = CMSG_NXTHDR(message, c))
		if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SO_RXQ_OVFL) {
			uint32_t dropped;
			memcpy(&dropped, CMSG_DATA(c), sizeof dropped);
			u->stats.dropped = dropped;
		}
}

static bool read_one(struct line_udp *u, uint8_t *room)
{
	_Alignas(struct cmsghdr) uint8_t control[64];
	struct iovec piece = {room, DATAGRAM_MAX};
	struct msghdr message = {
		.msg_iov = &piece, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
	ssize_t size = recvmsg(u->fd, &message, MSG_DONTWAIT);
	if (size < 0)
		return false;
	note_dropped(u, &message);
	u->stats.datagrams++;
	u->stats.bytes += (uint64_t)size;
	if (size)
		keep(u, span_of(room, (size_t)size));
	return true;
}

static void *read_all(void *argument)
{
	struct line_udp *u = argument;
	uint8_t *room = malloc(DATAGRAM_MAX);
	struct pollfd wanted = {u->fd, POLLIN, 0};
	while (room && !u->closing)
		if (poll(&wanted, 1, POLL_MS) > 0)
			while (read_one(u, room))
				;
	while (room && read_one(u, room))
		;
	free(room);
	return NULL;
}

/* --- life --- */

static enum status bind_to(struct line_udp *u, const char *host, uint16_t port)
{
	struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons(port)};
	struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
	bool is_v4 = inet_pton(AF_INET, host, &v4.sin_addr) == 1;
	int bytes = RECEIVE_BUFFER, on = 1;
	if (!is_v4 && inet_pton(AF_INET6, host, &v6.sin6_addr) != 1)
		return STATUS_INVALID;
	u->fd = socket(is_v4 ? AF_INET : AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (u->fd < 0)
		return STATUS_IO;
	setsockopt(u->fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes);
	setsockopt(u->fd, SOL_SOCKET, SO_RXQ_OVFL, &on, sizeof on);
	struct sockaddr *address = is_v4 ? (struct sockaddr *)&v4 : (struct sockaddr *)&v6;
	socklen_t size = is_v4 ? sizeof v4 : sizeof v6;
	if (bind(u->fd, address, size) || getsockname(u->fd, address, &size))
		return STATUS_IO;
	u->port = ntohs(is_v4 ? v4.sin_port : v6.sin6_port);
	return STATUS_OK;
}

enum status line_udp_new(struct line_gateway *g, const char *host, uint16_t port, struct line_udp **out)
{
	struct line_udp *u = calloc(1, sizeof *u);
	if (!u)
		return STATUS_NO_MEMORY;
	u->gateway = g;
	u->fd = -1;
	u->filling = u->taken = buf_init(UDP_BACKLOG_MAX);
	pthread_mutex_init(&u->lock, NULL);
	pthread_cond_init(&u->changed, NULL);
	enum status status = bind_to(u, host, port);
	if (!status) {
		u->working = pthread_create(&u->worker, NULL, work, u) == 0;
		u->reading = u->working && pthread_create(&u->reader, NULL, read_all, u) == 0;
		status = u->reading ? STATUS_OK : STATUS_NO_MEMORY;
	}
	if (status) {
		line_udp_free(u);
		return status;
	}
	*out = u;
	return STATUS_OK;
}

void line_udp_free(struct line_udp *u)
{
	if (!u)
		return;
	u->closing = true;
	if (u->reading)
		pthread_join(u->reader, NULL);
	pthread_mutex_lock(&u->lock);
	u->read_all = true;
	pthread_cond_broadcast(&u->changed);
	pthread_mutex_unlock(&u->lock);
	if (u->working)
		pthread_join(u->worker, NULL);
	if (u->fd >= 0)
		close(u->fd);
	buf_deinit(&u->filling);
	buf_deinit(&u->taken);
	pthread_cond_destroy(&u->changed);
	pthread_mutex_destroy(&u->lock);
	free(u);
}

int line_udp_port(const struct line_udp *u)
{
	return u ? u->port : -1;
}

const struct line_udp_stats *line_udp_stats(const struct line_udp *u)
{
	return &u->stats;
}
