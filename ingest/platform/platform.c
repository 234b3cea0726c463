#include "ingest/platform/platform.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "engine/core/clock.h"
#include "engine/core/log.h"
#include "ingest/platform/platform_state.h"

/* in the high half of a ticket's third word, which terminals leave zero */
#define TICKET_MARK UINT64_C(0x3830392d)
#define BACKLOG 16
#define TICK_MS_MAX 1000
#define TICK_MS_MIN 10

const char *const link_counter_names[LINK_COUNTER_COUNT] = {
#define X(NAME, name, ...) [LINK_COUNT_##NAME] = name,
	LINK_COUNTER_TABLE(X)
#undef X
};

/* --- sockets: bound before anything runs, so that ports are known --- */

static enum status status_of(int error)
{
	switch (error) {
	case EADDRINUSE:
		return STATUS_EXISTS;
	case EACCES:
	case EPERM:
		return STATUS_DENIED;
	case EADDRNOTAVAIL:
		return STATUS_NOT_FOUND;
	default:
		return STATUS_IO;
	}
}

static enum status bind_at(const char *host, uint16_t port, int *out_fd, int *out_port)
{
	union {
		struct sockaddr any;
		struct sockaddr_in v4;
		struct sockaddr_in6 v6;
	} a;
	int on = 1;
	memset(&a, 0, sizeof a);
	if (uv_ip4_addr(host, port, &a.v4) && uv_ip6_addr(host, port, &a.v6))
		return STATUS_INVALID;
	socklen_t size = a.any.sa_family == AF_INET ? sizeof a.v4 : sizeof a.v6;
	int fd = socket(a.any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return status_of(errno);
	/* listens from the first moment: whoever dials before the loop runs waits for it */
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) || bind(fd, &a.any, size) || listen(fd, BACKLOG) ||
	    getsockname(fd, &a.any, &size)) {
		enum status status = status_of(errno);
		close(fd);
		return status;
	}
	*out_fd = fd;
	*out_port = ntohs(a.any.sa_family == AF_INET ? a.v4.sin_port : a.v6.sin6_port);
	return STATUS_OK;
}

static enum status bind_all(struct platform *p)
{
	enum status status = STATUS_OK;
	if (*p->book->listen_host)
		status = bind_at(p->book->listen_host, p->book->listen_port, &p->listen_fd, &p->listen_port);
	for (size_t i = 0; i < p->link_count && !status; i++) {
		struct link *l = &p->links[i];
		int port;
		if (l->config->role != LINK_UPPER)
			continue;
		status = bind_at(l->config->sub_host, l->config->sub_port, &l->sub_fd, &port);
		if (!status)
			l->sub_port = (uint16_t)port;
	}
	return status;
}

/* --- life --- */

static enum status take_ask(void *context, const struct link_ask *a)
{
	struct platform *p = context;
	p->ask_last = a->id;
	if (!a->answered_ms && p->ask_count < ASKS_OPEN_MAX)
		p->asks[p->ask_count++] = *a;
	return STATUS_OK;
}

static enum status fill(struct platform *p, const struct link_book *book)
{
	p->links = calloc(book->count ? book->count : 1, sizeof *p->links);
	p->asks = calloc(ASKS_OPEN_MAX, sizeof *p->asks);
	p->scratch = malloc(JT809_FRAME_MAX);
	p->plain = malloc(JT809_FRAME_MAX);
	p->room = malloc(JT809_FRAME_MAX + JT809_POSITION_EXTRA);
	if (!p->links || !p->asks || !p->scratch || !p->plain || !p->room)
		return STATUS_NO_MEMORY;
	for (p->link_count = 0; p->link_count < book->count; p->link_count++) {
		struct link *l = &p->links[p->link_count];
		l->platform = p;
		l->config = &book->links[p->link_count];
		l->edition = l->config->edition;
		l->sub_fd = -1;
	}
	enum status status = link_asks(p->store, 0, take_ask, p);
	return status ? status : bind_all(p);
}

enum status platform_new(struct engine *e, const struct link_book *book, struct platform **out)
{
	struct platform *p = calloc(1, sizeof *p);
	if (!p)
		return STATUS_NO_MEMORY;
	p->engine = e;
	p->registry = engine_registry(e);
	p->store = engine_store(e);
	p->book = book;
	p->listen_fd = p->listen_port = -1;
	pthread_mutex_init(&p->lock, NULL);
	pthread_mutex_init(&p->work_lock, NULL);
	enum status status = fill(p, book);
	if (status) {
		platform_free(p);
		return status;
	}
	*out = p;
	return STATUS_OK;
}

void platform_free(struct platform *p)
{
	if (!p)
		return;
	if (p->listen_fd >= 0)
		close(p->listen_fd);
	for (size_t i = 0; i < p->link_count; i++) {
		if (p->links[i].sub_fd >= 0)
			close(p->links[i].sub_fd);
		vehicles_free(&p->links[i]);
	}
	pthread_mutex_destroy(&p->lock);
	pthread_mutex_destroy(&p->work_lock);
	free(p->links);
	free(p->asks);
	free(p->scratch);
	free(p->plain);
	free(p->room);
	free(p);
}

int platform_port(const struct platform *p)
{
	return p->listen_port;
}

int platform_sub_port(const struct platform *p, const char *link)
{
	size_t at;
	if (platform_find(p, link, &at) || p->links[at].config->role != LINK_UPPER)
		return -1;
	return p->links[at].sub_port;
}

/* --- on the loop --- */

static void on_main(uv_stream_t *server, int error)
{
	if (error == 0)
		peer_accept(server->data, server, NULL, PEER_UNKNOWN);
}

static void on_sub(uv_stream_t *server, int error)
{
	struct link *l = server->data;
	if (error == 0)
		peer_accept(l->platform, server, l, PEER_SUB);
}

/* Takes the socket over. */
static bool listen_on(struct platform *p, uv_tcp_t *handle, int *fd, void *data, uv_connection_cb on_connection)
{
	if (uv_tcp_init(p->loop, handle))
		return false;
	handle->data = data;
	int error = uv_tcp_open(handle, *fd);
	if (!error) {
		*fd = -1;
		error = uv_listen((uv_stream_t *)handle, BACKLOG, on_connection);
	}
	if (error) {
		log_error("platform", "cannot listen: %s", uv_strerror(error));
		uv_close((uv_handle_t *)handle, NULL);
	}
	return !error;
}

/* What questions see of a link. */
static void show(struct link *l)
{
	struct link_status s = {.config = l->config, .vehicles = l->vehicle_count, .edition = l->edition};
	s.main_up = l->main && l->main->connected && !l->main->closing;
	s.sub_up = l->sub && l->sub->connected && !l->sub->closing;
	if (s.main_up)
		memcpy(s.main_address, l->main->address, sizeof s.main_address);
	if (s.sub_up)
		memcpy(s.sub_address, l->sub->address, sizeof s.sub_address);
	pthread_mutex_lock(&l->platform->lock);
	l->shown = s;
	pthread_mutex_unlock(&l->platform->lock);
}

static void on_tick(uv_timer_t *timer)
{
	struct platform *p = timer->data;
	uint64_t now_ms = uv_now(p->loop);
	for (unsigned i = 0; i < PEERS_MAX; i++) {
		struct peer *peer = p->peers[i];
		if (!peer || peer->closing)
			continue;
		peer_resume(peer, PEER_PAUSE_ROOM);
		/* who does not log in or say the code, and who does not read what it is told before it is closed */
		bool stranger = !peer->link || (peer->kind == PEER_SUB && !peer->outgoing && !peer->verified);
		if ((stranger || peer->ending) && now_ms - peer->heard_ms > 3 * (uint64_t)p->book->heartbeat_ms)
			peer_close(peer);
	}
	for (size_t i = 0; i < p->link_count; i++) {
		struct link *l = &p->links[i];
		(l->config->role == LINK_LOWER ? upper_tick : lower_tick)(l, now_ms);
		link_session_tick(l, now_ms);
		show(l);
	}
}

void platform_shard_start(struct platform *p, struct shard *shard)
{
	if (shard_index(shard) != 0)
		return;
	uint32_t tick_ms = p->book->heartbeat_ms / 8;
	tick_ms = tick_ms > TICK_MS_MAX ? TICK_MS_MAX : tick_ms < TICK_MS_MIN ? TICK_MS_MIN : tick_ms;
	p->shard = shard;
	p->loop = shard_loop(shard);
	uv_timer_init(p->loop, &p->tick);
	uv_idle_init(p->loop, &p->waking);
	uv_prepare_init(p->loop, &p->flush);
	p->tick.data = p->waking.data = p->flush.data = p;
	uv_timer_start(&p->tick, on_tick, 0, tick_ms);
	uv_prepare_start(&p->flush, peers_flush);
	if (p->listen_fd >= 0)
		p->listening = listen_on(p, &p->listener, &p->listen_fd, p, on_main);
	for (size_t i = 0; i < p->link_count; i++) {
		struct link *l = &p->links[i];
		if (l->config->role != LINK_UPPER)
			continue;
		l->sub_listening = listen_on(p, &l->sub_listener, &l->sub_fd, l, on_sub);
		enum status status = forwarder_start(l);
		if (status)
			log_error("platform", "%s: nothing is forwarded: %s", l->config->name, status_text(status));
	}
	p->started = true;
}

void platform_shard_stop(struct platform *p, struct shard *shard)
{
	if (shard_index(shard) != 0 || !p->started || p->stopping)
		return;
	p->stopping = true;
	for (size_t i = 0; i < p->link_count; i++)
		forwarder_stop(&p->links[i]);
	for (unsigned i = 0; i < PEERS_MAX; i++)
		if (p->peers[i])
			peer_close(p->peers[i]);
	if (p->listening)
		uv_close((uv_handle_t *)&p->listener, NULL);
	for (size_t i = 0; i < p->link_count; i++)
		if (p->links[i].sub_listening)
			uv_close((uv_handle_t *)&p->links[i].sub_listener, NULL);
	uv_close((uv_handle_t *)&p->tick, NULL);
	uv_close((uv_handle_t *)&p->waking, NULL);
	uv_close((uv_handle_t *)&p->flush, NULL);
}

bool platform_owns(const struct ticket *ticket)
{
	return ticket->words[2] >> 32 == TICKET_MARK;
}

struct ticket platform_ticket(const struct peer *peer, bool is_position)
{
	return (struct ticket){{(uint64_t)peer->generation << 32 | peer->slot, is_position, TICKET_MARK << 32}};
}

void platform_settled(struct platform *p, const struct ticket *ticket, enum status status)
{
	struct peer *peer = peer_of(p, (uint32_t)ticket->words[0], (uint32_t)(ticket->words[0] >> 32));
	if (peer && !peer->closing)
		peer_settled(peer, status, ticket->words[1] != 0);
}

void platform_room(struct platform *p, struct shard *shard)
{
	if (shard != p->shard)
		return;
	for (unsigned i = 0; i < PEERS_MAX; i++)
		if (p->peers[i] && !p->peers[i]->closing)
			peer_resume(p->peers[i], PEER_PAUSE_ROOM);
}

/* --- asking --- */

size_t platform_links(const struct platform *p)
{
	return p->link_count;
}

enum status platform_find(const struct platform *p, const char *name, size_t *out)
{
	for (*out = 0; *out < p->link_count; ++*out)
		if (strcmp(p->links[*out].config->name, name) == 0)
			return STATUS_OK;
	return STATUS_NOT_FOUND;
}

enum status platform_link(struct platform *p, size_t index, struct link_status *out)
{
	if (index >= p->link_count)
		return STATUS_NOT_FOUND;
	const struct link *l = &p->links[index];
	pthread_mutex_lock(&p->lock);
	*out = l->shown;
	out->config = l->config;
	out->up_since_ms = l->session.start_ms;
	for (size_t i = 0; i < p->ask_count; i++)
		out->asks_open += strcmp(p->asks[i].link, l->config->name) == 0;
	pthread_mutex_unlock(&p->lock);
	return STATUS_OK;
}

enum status platform_counter(struct platform *p, size_t link, size_t counter, const char **name, uint64_t *value)
{
	if (link >= p->link_count || counter >= LINK_COUNTER_COUNT)
		return STATUS_END;
	*name = link_counter_names[counter];
	*value = link_counted(&p->links[link], (enum link_counter)counter);
	return STATUS_OK;
}

enum status platform_rate(struct platform *p, const char *link, int64_t from_ms, int64_t to_ms, struct link_rate *out)
{
	size_t at;
	enum status status = platform_find(p, link, &at);
	if (status)
		return status;
	struct link_session now = link_session_now(&p->links[at]);
	if (now.start_ms) /* its row is up to half a minute behind */
		status = link_session_put(p->store, link, &now);
	return status ? status : link_rate_of(p->store, link, from_ms, to_ms, out);
}

/* --- metrics --- */

static const char *const counter_help[LINK_COUNTER_COUNT] = {
#define X(NAME, name, help) [LINK_COUNT_##NAME] = help,
	LINK_COUNTER_TABLE(X)
#undef X
};

enum status platform_metrics(struct platform *p, struct buf *out)
{
	enum status status = buf_printf(out, "# HELP zayton_link_up whether a link is logged in\n"
					     "# TYPE zayton_link_up gauge\n");
	for (size_t i = 0; i < p->link_count && !status; i++) {
		struct link_status s;
		status = platform_link(p, i, &s);
		if (!status)
			status = buf_printf(out,
					    "zayton_link_up{link=\"%s\",kind=\"main\"} %d\n"
					    "zayton_link_up{link=\"%s\",kind=\"sub\"} %d\n",
					    s.config->name, s.up_since_ms != 0, s.config->name, s.sub_up);
	}
	for (unsigned c = 0; c < LINK_COUNTER_COUNT && !status; c++) {
		status = buf_printf(out, "# HELP zayton_link_%s_total %s\n# TYPE zayton_link_%s_total counter\n",
				    link_counter_names[c], counter_help[c], link_counter_names[c]);
		for (size_t i = 0; i < p->link_count && !status; i++)
			status = buf_printf(out, "zayton_link_%s_total{link=\"%s\"} %llu\n", link_counter_names[c],
					    p->links[i].config->name,
					    (unsigned long long)link_counted(&p->links[i], (enum link_counter)c));
	}
	return status;
}
