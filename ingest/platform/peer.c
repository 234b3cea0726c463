/* peer.c -- one connection of a link: bytes in, frames to its role, frames out, one write a turn of the loop. */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/core/clock.h"
#include "engine/core/log.h"
#include "ingest/platform/platform_state.h"

/* --- slots --- */

struct peer *peer_of(struct platform *p, uint32_t slot, uint32_t generation)
{
	return slot < PEERS_MAX && p->generations[slot] == generation ? p->peers[slot] : NULL;
}

static struct peer *peer_new(struct platform *p, struct link *link, enum peer_kind kind)
{
	uint32_t slot = 0;
	while (slot < PEERS_MAX && p->peers[slot])
		slot++;
	struct peer *peer = slot < PEERS_MAX ? calloc(1, sizeof *peer) : NULL;
	uint8_t *in = peer ? malloc(PEER_BYTES) : NULL;
	if (!in || uv_tcp_init(p->loop, &peer->handle)) {
		free(in);
		free(peer);
		return NULL;
	}
	peer->handle.data = peer;
	peer->platform = p;
	peer->link = link;
	peer->kind = kind;
	peer->in = in;
	peer->out = buf_init(2 * PEER_QUEUE_MAX);
	peer->slot = slot;
	peer->generation = ++p->generations[slot];
	peer->heard_ms = peer->said_ms = uv_now(p->loop);
	p->peers[slot] = peer;
	p->peer_count++;
	return peer;
}

static void on_closed(uv_handle_t *handle)
{
	struct peer *peer = handle->data;
	peer->platform->peers[peer->slot] = NULL;
	peer->platform->generations[peer->slot]++;
	peer->platform->peer_count--;
	buf_deinit(&peer->out);
	free(peer->in);
	free(peer);
}

void peer_close(struct peer *peer)
{
	if (peer->closing)
		return;
	peer->closing = true;
	if (peer->link)
		(peer->link->config->role == LINK_LOWER ? upper_closed : lower_closed)(peer);
	uv_close((uv_handle_t *)&peer->handle, on_closed);
}

/* --- out --- */

struct outgoing {
	uv_write_t request;
	struct peer *peer;
	size_t size;
	uint8_t *bytes;
};

static void on_written(uv_write_t *request, int error)
{
	struct outgoing *o = request->data;
	struct peer *peer = o->peer;
	peer->queued -= o->size;
	free(o->bytes);
	free(o);
	if (peer->closing)
		return;
	if (error < 0 || (peer->ending && !peer->queued && !peer->out.size))
		peer_close(peer);
	else if (peer->link && peer->link->forwarder && peer->queued < PEER_QUEUE_MAX / 2)
		forwarder_drain(peer->link);
}

static void flush(struct peer *peer)
{
	struct outgoing *o = malloc(sizeof *o);
	if (!o) {
		peer_close(peer);
		return;
	}
	*o = (struct outgoing){.peer = peer, .size = peer->out.size, .bytes = peer->out.data};
	o->request.data = o;
	peer->out = buf_init(2 * PEER_QUEUE_MAX);
	peer->queued += o->size;
	uv_buf_t buf = uv_buf_init((char *)o->bytes, (unsigned)o->size);
	if (uv_write(&o->request, (uv_stream_t *)&peer->handle, &buf, 1, on_written) < 0) {
		peer->queued -= o->size;
		free(o->bytes);
		free(o);
		peer_close(peer);
	}
}

void peers_flush(uv_prepare_t *prepare)
{
	struct platform *p = prepare->data;
	if (!p->has_dirty)
		return;
	p->has_dirty = false;
	for (unsigned i = 0; i < PEERS_MAX; i++) {
		struct peer *peer = p->peers[i];
		if (peer && peer->broken)
			peer_close(peer);
		else if (peer && !peer->closing && peer->out.size)
			flush(peer);
	}
}

void peer_send(struct peer *peer, uint16_t id, struct span body)
{
	struct link *l = peer->link;
	struct platform *p = peer->platform;
	if (peer->closing || peer->ending)
		return;
	static const struct jt809_cipher none;
	/* who is refused before it is known gets the plainest header there is */
	struct jt809_header h = {.id = id, .version = {1, 0, 0}, .time_ms = clock_now_ms()};
	if (l) {
		h.serial = l->serial++;
		h.access_code = l->config->access_code;
		h.is_2019 = l->edition == JT809_2019;
		h.version[2] = h.is_2019;
		h.encrypted = l->config->encrypt && body.size;
	}
	if (h.encrypted)
		h.key = h.serial * 2654435761u; /* anything: it is on the wire (5.2) */
	enum status status = jt809_frame_encode(&h, l ? &l->config->cipher : &none, body, &peer->out);
	if (status || peer->queued + peer->out.size > 2 * PEER_QUEUE_MAX) {
		log_warn("platform", "%s: %s takes nothing", l ? l->config->name : "?", peer->address);
		peer->ending = peer->broken = true;
	}
	peer->said_ms = uv_now(p->loop);
	p->has_dirty = true;
}

void peer_end(struct peer *peer)
{
	if (peer->closing)
		return;
	peer->ending = true;
	if (!peer->queued && !peer->out.size)
		peer_close(peer);
}

/* --- in --- */

static enum peer_verdict take_message(struct peer *peer, struct jt809_header *h)
{
	struct platform *p = peer->platform;
	if (!h->encrypted)
		return (peer->link && peer->link->config->role == LINK_UPPER ? lower_frame : upper_frame)(peer, h,
													  h->body);
	const struct link_config *c = peer->link ? peer->link->config : NULL;
	for (size_t i = 0; !c && i < p->link_count; i++) /* a login may be enciphered: the header names the link */
		if (p->links[i].config->role == LINK_LOWER && p->links[i].config->access_code == h->access_code)
			c = p->links[i].config;
	if (!c || !jt809_cipher_is_set(&c->cipher)) {
		link_count(peer->link, LINK_COUNT_ENCRYPTED, 1);
		intake_quarantine(peer, h->id, STATUS_ENCRYPTED, h->body);
		return PEER_TAKEN;
	}
	if (h->body.size)
		memcpy(p->plain, h->body.data, h->body.size);
	jt809_cipher_apply(&c->cipher, h->key, p->plain, h->body.size);
	struct span body = span_of(p->plain, h->body.size);
	return (c->role == LINK_UPPER ? lower_frame : upper_frame)(peer, h, body);
}

static void refuse(struct peer *peer, enum status why, struct span raw)
{
	link_count(peer->link, LINK_COUNT_BAD_FRAMES, 1);
	intake_quarantine(peer, 0, why, raw);
	if (!peer->link) /* who does not begin with a login speaks something else */
		peer_close(peer);
}

static enum peer_verdict take_frame(struct peer *peer, const struct jt809_frame *frame)
{
	struct jt809_header h;
	enum jt809_edition edition = JT809_DETECT;
	if (peer->link && peer->link->config->edition != JT809_DETECT)
		edition = peer->link->config->edition;
	enum status status = jt809_header_decode(frame->content, edition, &h);
	if (status) {
		refuse(peer, status, frame->raw);
		return PEER_TAKEN;
	}
	peer->entry_at = 0;
	return take_message(peer, &h);
}

static void take_frames(struct peer *peer)
{
	size_t from = 0;
	struct jt809_frame frame;
	if (peer->busy)
		return;
	peer->busy = true;
	while (!peer->paused && !peer->closing && !peer->ending) {
		struct span rest = span_of(peer->in + from, peer->in_size - from);
		enum status status = jt809_frame_next(rest, peer->platform->scratch, &frame);
		if (status == STATUS_NEED_MORE) {
			from += frame.consumed;
			break;
		}
		if (status)
			refuse(peer, status, frame.raw);
		else if (take_frame(peer, &frame) == PEER_AGAIN)
			break;
		peer->entries_taken = 0;
		from += frame.consumed;
	}
	peer->busy = false;
	if (from)
		memmove(peer->in, peer->in + from, peer->in_size - from);
	peer->in_size -= from;
}

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *out)
{
	struct peer *peer = handle->data;
	(void)suggested;
	*out = uv_buf_init((char *)peer->in + peer->in_size, (unsigned)(PEER_BYTES - peer->in_size));
}

static void on_read(uv_stream_t *stream, ssize_t size, const uv_buf_t *buf)
{
	struct peer *peer = stream->data;
	(void)buf;
	if (size < 0) {
		peer_close(peer);
		return;
	}
	peer->in_size += (size_t)size;
	if (size)
		peer->heard_ms = uv_now(peer->platform->loop);
	take_frames(peer);
}

static void read_on(struct peer *peer)
{
	if (uv_read_start((uv_stream_t *)&peer->handle, on_alloc, on_read) < 0)
		peer_close(peer);
}

/* --- pausing --- */

void peer_pause(struct peer *peer, uint8_t why)
{
	if (!peer->paused && !peer->closing)
		uv_read_stop((uv_stream_t *)&peer->handle);
	peer->paused |= why;
}

void peer_resume(struct peer *peer, uint8_t why)
{
	struct platform *p = peer->platform;
	if (peer->closing || !(peer->paused & why))
		return;
	peer->wake |= why;
	if (!uv_is_active((uv_handle_t *)&p->waking))
		uv_idle_start(&p->waking, peers_wake);
}

static bool wake(struct peer *peer)
{
	uint8_t before = peer->paused;
	peer->paused &= (uint8_t)~peer->wake;
	peer->wake = 0;
	if (!before || peer->paused)
		return false;
	take_frames(peer);
	if (!peer->paused && !peer->closing && !peer->ending)
		read_on(peer);
	return true;
}

void peers_wake(uv_idle_t *idle)
{
	struct platform *p = idle->data;
	bool any = false;
	for (unsigned i = 0; i < PEERS_MAX; i++)
		if (p->peers[i] && !p->peers[i]->closing && p->peers[i]->wake)
			any |= wake(p->peers[i]);
	if (!any)
		uv_idle_stop(idle);
}

void peer_settled(struct peer *peer, enum status status, bool is_position)
{
	struct link *l = peer->link;
	peer->outstanding--;
	if (status) { /* not durable: nothing that covers it may be said */
		link_count(l, LINK_COUNT_FAILED, 1);
		peer_close(peer);
		return;
	}
	if (is_position && l) {
		link_count(l, LINK_COUNT_DURABLE, 1);
		l->since_count++;
	}
	if (peer->outstanding <= PEER_WINDOW / 2)
		peer_resume(peer, PEER_PAUSE_WINDOW);
	if (peer->outstanding == 0 && peer->barrier) {
		peer_send(peer, peer->barrier, (struct span){NULL, 0});
		peer->barrier = 0;
		peer_resume(peer, PEER_PAUSE_BARRIER);
	}
}

void peer_answer_heartbeat(struct peer *peer, uint16_t answer)
{
	if (!peer->outstanding) {
		peer_send(peer, answer, (struct span){NULL, 0});
		return;
	}
	peer->barrier = answer;
	peer_pause(peer, PEER_PAUSE_BARRIER);
}

/* --- connections --- */

static void learn_address(struct peer *peer)
{
	struct sockaddr_storage a;
	int size = sizeof a;
	if (uv_tcp_getpeername(&peer->handle, (struct sockaddr *)&a, &size) < 0)
		return;
	if (a.ss_family == AF_INET6)
		uv_ip6_name((struct sockaddr_in6 *)&a, peer->address, sizeof peer->address);
	else
		uv_ip4_name((struct sockaddr_in *)&a, peer->address, sizeof peer->address);
}

static void begin(struct peer *peer)
{
	peer->connected = true;
	peer->heard_ms = peer->said_ms = uv_now(peer->platform->loop);
	uv_tcp_nodelay(&peer->handle, 1);
	learn_address(peer);
	read_on(peer);
}

static void on_refused(uv_handle_t *handle)
{
	free(handle);
}

/* No slot: taken and closed, or the listener would tell of it without end. */
static void refuse_connection(struct platform *p, uv_stream_t *server)
{
	uv_tcp_t *handle = malloc(sizeof *handle);
	atomic_fetch_add(&p->refused_peers, 1);
	if (!handle || uv_tcp_init(p->loop, handle)) {
		free(handle);
		return;
	}
	(void)uv_accept(server, (uv_stream_t *)handle);
	uv_close((uv_handle_t *)handle, on_refused);
}

void peer_accept(struct platform *p, uv_stream_t *server, struct link *link, enum peer_kind kind)
{
	struct peer *peer = peer_new(p, NULL, kind);
	if (!peer) {
		refuse_connection(p, server);
		return;
	}
	if (uv_accept(server, (uv_stream_t *)&peer->handle) < 0) {
		peer_close(peer);
		return;
	}
	begin(peer);
	if (!peer->closing)
		peer->link = link;
}

static void on_connected(uv_connect_t *request, int error)
{
	struct peer *peer = request->data;
	free(request);
	if (peer->closing)
		return;
	if (error < 0) {
		peer_close(peer);
		return;
	}
	begin(peer);
	if (!peer->closing)
		(peer->link->config->role == LINK_LOWER ? upper_connected : lower_connected)(peer);
}

struct peer *peer_dial(struct platform *p, struct link *link, enum peer_kind kind, const char *host, uint16_t port)
{
	struct sockaddr_storage address;
	if (uv_ip4_addr(host, port, (struct sockaddr_in *)&address) &&
	    uv_ip6_addr(host, port, (struct sockaddr_in6 *)&address))
		return NULL;
	uv_connect_t *request = malloc(sizeof *request);
	struct peer *peer = request ? peer_new(p, link, kind) : NULL;
	if (!peer) {
		free(request);
		return NULL;
	}
	snprintf(peer->address, sizeof peer->address, "%s", host);
	peer->outgoing = true;
	request->data = peer;
	if (uv_tcp_connect(request, &peer->handle, (struct sockaddr *)&address, on_connected) < 0) {
		free(request);
		peer->link = NULL;
		peer_close(peer);
		return NULL;
	}
	return peer;
}
