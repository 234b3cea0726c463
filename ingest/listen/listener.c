#include "ingest/listen/listener.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "engine/core/log.h"
#include "ingest/listen/conn.h"
#include "ingest/listen/gate.h"
#include "ingest/listen/udp_peers.h"

/* an ephemeral port must be free on every address: tried so often */
#define EPHEMERAL_TRIES 16
/* what the kernel keeps of datagrams while the engine has no room; it may grant less */
#define UDP_RECEIVE_BYTES (4 << 20)
/* replies are small: a peer that does not read them is noticed after so many bytes, not after megabytes that the
 * kernel would hold for each */
#define TCP_SEND_BYTES (32 << 10)

/* --- binding --- */

static enum status address_parse(const char *text, struct sockaddr_storage *out)
{
	memset(out, 0, sizeof *out);
	if (uv_ip4_addr(text, 0, (struct sockaddr_in *)out) == 0)
		return STATUS_OK;
	return uv_ip6_addr(text, 0, (struct sockaddr_in6 *)out) == 0 ? STATUS_OK : STATUS_INVALID;
}

static void port_set(struct sockaddr_storage *a, int port)
{
	if (a->ss_family == AF_INET)
		((struct sockaddr_in *)a)->sin_port = htons((uint16_t)port);
	else
		((struct sockaddr_in6 *)a)->sin6_port = htons((uint16_t)port);
}

static int port_of(const struct sockaddr_storage *a)
{
	return ntohs(a->ss_family == AF_INET ? ((const struct sockaddr_in *)a)->sin_port
					     : ((const struct sockaddr_in6 *)a)->sin6_port);
}

static socklen_t address_size(const struct sockaddr_storage *a)
{
	return a->ss_family == AF_INET ? sizeof(struct sockaddr_in) : sizeof(struct sockaddr_in6);
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
		return STATUS_NOT_FOUND;
	default:
		return STATUS_IO;
	}
}

/* A bound socket. An IPv6 socket takes IPv6 only, so that both families may have the same port. */
static enum status bind_socket(const struct sockaddr_storage *address, bool is_udp, int *out_fd)
{
	int type = (is_udp ? SOCK_DGRAM : SOCK_STREAM) | SOCK_NONBLOCK | SOCK_CLOEXEC;
	int fd = socket(address->ss_family, type, 0);
	if (fd < 0)
		return status_of_errno(errno);
	int on = 1;
	bool ok = setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on) == 0;
	/* a restart must not wait for connections of the run before */
	if (ok && !is_udp)
		ok = setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == 0;
	if (ok && address->ss_family == AF_INET6)
		ok = setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on) == 0;
	int bytes = is_udp ? UDP_RECEIVE_BYTES : TCP_SEND_BYTES;
	if (ok) /* accepted connections inherit it */
		(void)setsockopt(fd, SOL_SOCKET, is_udp ? SO_RCVBUF : SO_SNDBUF, &bytes, sizeof bytes);
	if (ok)
		ok = bind(fd, (const struct sockaddr *)address, address_size(address)) == 0;
	if (!ok) {
		enum status st = status_of_errno(errno);
		close(fd);
		return st;
	}
	*out_fd = fd;
	return STATUS_OK;
}

/* SO_REUSEPORT would let us share a port with another program of the same user: a socket without it finds out.
 * Nothing to find for port 0. */
static enum status port_is_free(const struct sockaddr_storage *address, bool is_udp)
{
	if (port_of(address) == 0)
		return STATUS_OK;
	int fd = socket(address->ss_family, (is_udp ? SOCK_DGRAM : SOCK_STREAM) | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return status_of_errno(errno);
	int on = 1;
	enum status st = STATUS_OK;
	if (!is_udp)
		(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
	if (address->ss_family == AF_INET6)
		(void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
	if (bind(fd, (const struct sockaddr *)address, address_size(address)) != 0)
		st = status_of_errno(errno);
	close(fd);
	return st;
}

static void release_from(struct reservation *r, unsigned first)
{
	for (unsigned k = first; k < r->count; k++)
		if (r->sockets[k].fd >= 0)
			close(r->sockets[k].fd);
	r->count = first;
}

static enum status reserve_one(struct reservation *r, const char *text, bool is_udp, int *port)
{
	struct reserved *s = &r->sockets[r->count];
	s->is_udp = is_udp;
	enum status st = address_parse(text, &s->address);
	if (st != STATUS_OK)
		return st;
	port_set(&s->address, *port);
	st = port_is_free(&s->address, is_udp);
	if (st == STATUS_OK)
		st = bind_socket(&s->address, is_udp, &s->fd);
	if (st != STATUS_OK)
		return st;
	socklen_t size = sizeof s->address;
	r->count++;
	/* only a port that listens is seen by another program's look: whoever connects early waits for the first shard
	 */
	if (!is_udp && listen(s->fd, LISTENER_BACKLOG) != 0)
		return status_of_errno(errno);
	if (getsockname(s->fd, (struct sockaddr *)&s->address, &size) != 0)
		return STATUS_IO;
	*port = port_of(&s->address);
	return STATUS_OK;
}

/* All addresses at one port. Addresses that this machine does not have are left out if another is there. */
static enum status reserve_all(struct reservation *r, const struct ingest_options *o, bool is_udp, int *port)
{
	unsigned before = r->count;
	for (unsigned k = 0; k < o->address_count; k++) {
		enum status st = reserve_one(r, o->addresses[k], is_udp, port);
		if (st == STATUS_NOT_FOUND && (k != 0 || o->address_count > 1)) {
			log_warn("ingest", "%s is no address of this machine: not listening there", o->addresses[k]);
			continue;
		}
		if (st != STATUS_OK)
			return st;
	}
	return r->count == before ? STATUS_INVALID : STATUS_OK;
}

static enum status reserve_protocol(struct reservation *r, const struct ingest_options *o, bool is_udp, int wanted,
				    int *out_port)
{
	unsigned first = r->count;
	*out_port = INGEST_NO_PORT;
	if (wanted == INGEST_NO_PORT)
		return STATUS_OK;
	enum status st = STATUS_OK;
	for (int tries = 0; tries < EPHEMERAL_TRIES; tries++) {
		*out_port = wanted;
		st = reserve_all(r, o, is_udp, out_port);
		if (st != STATUS_EXISTS || wanted != 0)
			break;
		release_from(r, first);
	}
	return st;
}

enum status reservation_make(struct reservation *r, const struct ingest_options *options)
{
	r->count = 0;
	enum status st = reserve_protocol(r, options, false, options->tcp_port, &r->tcp_port);
	if (st == STATUS_OK)
		st = reserve_protocol(r, options, true, options->udp_port, &r->udp_port);
	if (st != STATUS_OK) {
		release_from(r, 0);
		return st;
	}
	pthread_mutex_init(&r->mutex, NULL);
	return STATUS_OK;
}

void reservation_release(struct reservation *r)
{
	release_from(r, 0);
	pthread_mutex_destroy(&r->mutex);
}

/* The reserved socket itself for the first that asks, one like it for the others. */
static enum status take_socket(struct reservation *r, unsigned index, int *out_fd)
{
	struct reserved *s = &r->sockets[index];
	pthread_mutex_lock(&r->mutex);
	*out_fd = s->fd;
	s->fd = -1;
	pthread_mutex_unlock(&r->mutex);
	return *out_fd >= 0 ? STATUS_OK : bind_socket(&s->address, s->is_udp, out_fd);
}

/* --- on a loop --- */

static void on_connection(uv_stream_t *server, int error)
{
	struct listener *l = server->data;
	if (error == 0)
		conn_accept(l->gate, server);
}

static void on_datagram_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *out)
{
	(void)suggested;
	struct listener *l = handle->data;
	*out = uv_buf_init((char *)l->gate->read_buffer + READ_HEADROOM, READ_BYTES);
}

static int start_tcp(struct listener *l, int fd)
{
	int error = uv_tcp_init(l->gate->loop, &l->handle.tcp);
	if (error < 0)
		return error;
	l->handle.any.data = l;
	error = uv_tcp_open(&l->handle.tcp, fd);
	return error < 0 ? error : uv_listen(&l->handle.stream, LISTENER_BACKLOG, on_connection);
}

static int start_udp(struct listener *l, int fd)
{
	int error = uv_udp_init(l->gate->loop, &l->handle.udp);
	if (error < 0)
		return error;
	l->handle.any.data = l;
	error = uv_udp_open(&l->handle.udp, fd);
	return error < 0 ? error : uv_udp_recv_start(&l->handle.udp, on_datagram_alloc, udp_peers_on_datagram);
}

static void on_closed(uv_handle_t *handle)
{
	free(handle->data);
}

void listener_close(struct listener *l)
{
	uv_close(&l->handle.any, on_closed);
}

enum status listener_open(struct gate *g, struct reservation *r, unsigned index, struct listener **out)
{
	int fd;
	enum status st = take_socket(r, index, &fd);
	if (st != STATUS_OK)
		return st;
	struct listener *l = calloc(1, sizeof *l);
	if (!l) {
		close(fd);
		return STATUS_NO_MEMORY;
	}
	l->gate = g;
	l->is_udp = r->sockets[index].is_udp;
	int error = l->is_udp ? start_udp(l, fd) : start_tcp(l, fd);
	if (error == 0) {
		*out = l;
		return STATUS_OK;
	}
	log_error("ingest", "listening socket: %s", uv_strerror(error));
	uv_os_fd_t open_fd;
	bool is_owned = l->handle.any.data && uv_fileno(&l->handle.any, &open_fd) == 0;
	if (!is_owned)
		close(fd);
	if (l->handle.any.data)
		listener_close(l);
	else
		free(l);
	return STATUS_IO;
}

void listener_udp_pause(struct listener *l)
{
	if (l->is_udp)
		uv_udp_recv_stop(&l->handle.udp);
}

void listener_udp_resume(struct listener *l)
{
	if (l->is_udp)
		(void)uv_udp_recv_start(&l->handle.udp, on_datagram_alloc, udp_peers_on_datagram);
}

/* --- what the kernel dropped --- */

/* A line of /proc/net/udp: "sl: address:PORT remote:port st tx:rx tr:when retrnsmt uid timeout inode ref pointer
 * drops", port in hex, drops last (Linux Documentation/networking/proc_net_tcp and net/ipv4/udp.c). */
static uint64_t drops_of_line(const char *line, int port)
{
	unsigned slot, local;
	char address[33];
	if (sscanf(line, " %u: %32[0-9A-Fa-f]:%x", &slot, address, &local) != 3 || local != (unsigned)port)
		return 0;
	uint64_t drops = 0;
	size_t n = strcspn(line, "\n");
	while (n != 0 && line[n - 1] == ' ')
		n--;
	size_t from = n;
	while (from != 0 && line[from - 1] >= '0' && line[from - 1] <= '9')
		from--;
	(void)sscanf(line + from, "%" SCNu64, &drops);
	return drops;
}

static uint64_t drops_of_file(const char *path, int port)
{
	FILE *f = fopen(path, "re");
	if (!f)
		return 0;
	uint64_t drops = 0;
	char line[512];
	while (fgets(line, sizeof line, f))
		drops += drops_of_line(line, port);
	fclose(f);
	return drops;
}

uint64_t listener_udp_drops(int port)
{
	if (port <= 0)
		return 0;
	return drops_of_file("/proc/net/udp", port) + drops_of_file("/proc/net/udp6", port);
}
