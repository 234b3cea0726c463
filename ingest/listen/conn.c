#include "ingest/listen/conn.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "engine/core/clock.h"
#include "ingest/listen/gate.h"
#include "ingest/listen/listener.h"

/* what keeping one promise may send: 0x8001 and 0x8800 */
#define PROMISE_BYTES (2 * JT808_ACK_MAX)
#define HOLD_BYTES_MIN 2304u /* a partial frame always fits */
_Static_assert(HOLD_BYTES_MIN >= JT808_FRAME_MAX, "a spare hold takes any partial frame");

struct hold {
	struct hold *next; /* in the gate's list of spare ones */
	uint32_t capacity, size;
	uint8_t bytes[];
};

/* --- what is held --- */

size_t conn_held_bytes(const struct conn *c)
{
	return c->hold ? c->hold->size : c->flag_held;
}

static struct hold *hold_new(struct gate *g, size_t size)
{
	if (size <= HOLD_BYTES_MIN && g->spare_holds) {
		struct hold *h = g->spare_holds;
		g->spare_holds = h->next;
		g->spare_hold_count--;
		return h;
	}
	size_t capacity = size <= HOLD_BYTES_MIN ? HOLD_BYTES_MIN : size;
	struct hold *h = malloc(sizeof *h + capacity);
	if (h)
		*h = (struct hold){.capacity = (uint32_t)capacity};
	return h;
}

static void hold_free(struct gate *g, struct hold *h)
{
	if (!h)
		return;
	if (h->capacity != HOLD_BYTES_MIN || g->spare_hold_count == HOLDS_SPARE_MAX) {
		free(h);
		return;
	}
	h->next = g->spare_holds;
	g->spare_holds = h;
	g->spare_hold_count++;
}

void holds_free(struct gate *g)
{
	while (g->spare_holds) {
		struct hold *h = g->spare_holds;
		g->spare_holds = h->next;
		free(h);
	}
}

static uint8_t flag_of(const struct conn *c)
{
	return jt808_flag((enum jt808_framing)c->framing);
}

/* Make `rest` all that is held. It may lie in the hold itself. */
static enum status hold_set(struct conn *c, const uint8_t *rest, size_t size)
{
	struct hold *old = c->hold;
	c->flag_held = size == 1 && rest[0] == flag_of(c);
	if (size == 0 || c->flag_held) {
		c->hold = NULL;
		hold_free(c->gate, old);
		return STATUS_OK;
	}
	/* a partial frame does not keep the large hold that a pause needed */
	bool fits = old && old->capacity >= size && (old->capacity == HOLD_BYTES_MIN || size > HOLD_BYTES_MIN);
	struct hold *h = fits ? old : hold_new(c->gate, size);
	if (!h)
		return STATUS_NO_MEMORY;
	memmove(h->bytes, rest, size);
	h->size = (uint32_t)size;
	c->hold = h;
	if (old != h)
		hold_free(c->gate, old);
	return STATUS_OK;
}

enum status conn_hold_append(struct conn *c, const uint8_t *data, size_t size)
{
	size_t before = conn_held_bytes(c);
	if (before + size > c->gate->options->connection_bytes_max)
		return STATUS_FULL;
	struct hold *h = hold_new(c->gate, before + size);
	if (!h)
		return STATUS_NO_MEMORY;
	if (c->hold)
		memcpy(h->bytes, c->hold->bytes, before);
	else if (c->flag_held)
		h->bytes[0] = flag_of(c);
	memcpy(h->bytes + before, data, size);
	h->size = (uint32_t)(before + size);
	hold_free(c->gate, c->hold);
	c->hold = h;
	c->flag_held = false;
	return STATUS_OK;
}

/* --- bytes to frames --- */

/* Garbage adds up until a good frame comes. False when the connection has sent too much of it. */
static bool bear_garbage(struct conn *c, size_t size)
{
	c->garbage_bytes += (uint32_t)size;
	if (c->garbage_bytes <= c->gate->options->garbage_bytes_max)
		return true;
	conn_close(c, INGEST_COUNT_CLOSED_GARBAGE);
	return false;
}

static enum session_verdict good_frame(struct conn *c, const struct jt808_frame *frame, int64_t received_ms)
{
	c->entry_at = 0;
	enum session_verdict verdict = session_frame(c, frame, received_ms);
	if (verdict == SESSION_AGAIN)
		return verdict;
	c->entries_taken = 0;
	if (verdict == SESSION_DONE) {
		gate_count(c->gate, INGEST_COUNT_FRAMES, 1);
		c->session.connection.frames++;
	}
	return verdict;
}

/* Every promise can be kept even if the peer reads nothing: its reply has room in the backlog. */
static void limit_promises(struct conn *c)
{
	if (c->outstanding * PROMISE_BYTES > c->gate->options->reply_bytes_max && !c->closing)
		conn_pause(c, PAUSE_ACKS);
}

/* The terminal's framing is that of its first good frame. */
static enum status next_frame(struct conn *c, struct span rest, struct jt808_frame *out)
{
	struct gate *g = c->gate;
	if (c->framing_known || !g->options->private_framing)
		return jt808_framed_next((enum jt808_framing)c->framing, rest, g->scratch, out);
	enum status st = jt808_any_frame_next(rest, g->scratch, out);
	c->framing = (uint8_t)out->framing;
	c->framing_known = st == STATUS_OK;
	return st;
}

/* Use frames up to the first that must wait; returns the bytes used. */
static size_t use_frames(struct conn *c, const uint8_t *data, size_t size)
{
	struct gate *g = c->gate;
	int64_t received_ms = clock_now_ms();
	size_t used = 0;
	while (used < size && c->paused == 0 && !c->closing) {
		struct jt808_frame frame;
		enum status st = next_frame(c, span_of(data + used, size - used), &frame);
		enum session_verdict verdict = st == STATUS_OK ? good_frame(c, &frame, received_ms) : SESSION_BAD;
		if (verdict == SESSION_AGAIN)
			break;
		used += frame.consumed;
		if (frame.skipped != 0)
			gate_count(g, INGEST_COUNT_GARBAGE_BYTES, frame.skipped);
		if (frame.skipped != 0 && !bear_garbage(c, frame.skipped))
			break;
		if (st == STATUS_NEED_MORE)
			break;
		if (verdict != SESSION_BAD) {
			c->garbage_bytes = 0;
			limit_promises(c);
			continue;
		}
		session_bad_frame(c, &frame, st == STATUS_OK ? STATUS_BAD_LENGTH : st, received_ms);
		if (!bear_garbage(c, frame.raw.size))
			break;
	}
	return used;
}

static void consume(struct conn *c, const uint8_t *data, size_t size)
{
	size_t used = use_frames(c, data, size);
	if (c->closing)
		return;
	if (c->transport == CONN_UDP && c->paused == 0 && used < size) {
		/* a frame never goes on in another datagram */
		if (size - used > 1)
			gate_count(c->gate, INGEST_COUNT_GARBAGE_BYTES, size - used);
		used = size;
	}
	if (hold_set(c, data + used, size - used) != STATUS_OK)
		conn_close(c, INGEST_COUNTER_COUNT);
}

void conn_received(struct conn *c, size_t size)
{
	struct gate *g = c->gate;
	uint8_t *data = g->read_buffer + READ_HEADROOM;
	gate_count(g, INGEST_COUNT_READS, 1);
	gate_count(g, INGEST_COUNT_BYTES_READ, size);
	c->session.connection.bytes_in += size;
	g->slots[c->slot].heard_ms = gate_now_ms(g);
	if (*data == flag_of(c))
		c->flag_held = false; /* both flags were sent: one opens */
	size_t over = conn_held_bytes(c);
	assert(over <= READ_HEADROOM);
	data -= over;
	if (c->hold)
		memcpy(data, c->hold->bytes, over);
	else if (over)
		*data = flag_of(c);
	consume(c, data, over + size);
}

/* --- pausing --- */

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *out);
static void on_read(uv_stream_t *stream, ssize_t nread, const uv_buf_t *buf);

static struct link *waiting_list(struct gate *g, uint8_t why)
{
	return why == PAUSE_ROOM ? &g->waiting_room : why == PAUSE_FAULT ? &g->waiting_fault : NULL;
}

void conn_pause(struct conn *c, uint8_t why)
{
	struct link *list = waiting_list(c->gate, why);
	if (list && !(c->paused & (PAUSE_ROOM | PAUSE_FAULT)))
		link_add(list, &c->wait);
	if (c->paused == 0 && c->transport == CONN_TCP && !c->closing)
		uv_read_stop((uv_stream_t *)&conn_tcp_of(c)->handle);
	c->paused |= why;
	if (list && c->transport == CONN_UDP)
		gate_udp_pause(c->gate);
}

void conn_resume(struct conn *c, uint8_t why)
{
	if (c->closing || !(c->paused & why))
		return;
	c->paused &= (uint8_t)~why;
	if (waiting_list(c->gate, why))
		link_remove(&c->wait);
	c->gate->slots[c->slot].heard_ms = gate_now_ms(c->gate);
	if (c->paused == 0 && c->hold)
		consume(c, c->hold->bytes, c->hold->size);
	if (c->paused == 0 && !c->closing && c->transport == CONN_TCP)
		uv_read_start((uv_stream_t *)&conn_tcp_of(c)->handle, on_alloc, on_read);
}

enum status conn_submit(struct conn *c, const struct intake *in)
{
	if (c->entry_at++ < c->entries_taken)
		return STATUS_OK;
	enum status st = shard_submit(c->gate->shard, in);
	if (st != STATUS_OK)
		return st;
	c->entries_taken = c->entry_at;
	if (in->wants_settled)
		c->outstanding++;
	return STATUS_OK;
}

void conn_settled(struct conn *c)
{
	assert(c->outstanding != 0);
	c->outstanding--;
	/* not from here: the engine is in the middle of settling */
	if (c->paused & PAUSE_ACKS && c->outstanding * PROMISE_BYTES <= c->gate->options->reply_bytes_max / 2)
		link_add(&c->gate->rested, &c->rested);
	if (c->outstanding != 0 || !(c->paused & PAUSE_END))
		return;
	replies_send(c, NULL, 0);
	if (!c->backlog)
		conn_close(c, INGEST_COUNT_CLOSED_PEER);
}

/* --- TCP --- */

/* What a TCP connection may read at once: all that it may hold, should every frame have to wait. */
static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *out)
{
	(void)suggested;
	struct conn *c = handle->data;
	size_t room = c->gate->options->connection_bytes_max - conn_held_bytes(c);
	*out = uv_buf_init((char *)c->gate->read_buffer + READ_HEADROOM,
			   room < READ_BYTES ? (unsigned)room : READ_BYTES);
}

static void on_read(uv_stream_t *stream, ssize_t nread, const uv_buf_t *buf)
{
	(void)buf;
	struct conn *c = stream->data;
	if (nread > 0)
		conn_received(c, (size_t)nread);
	else if (nread == UV_EOF && c->outstanding != 0)
		conn_finish(c);
	else if (nread < 0)
		conn_close(c, INGEST_COUNT_CLOSED_PEER);
}

static void on_tcp_closed(uv_handle_t *handle)
{
	struct conn *c = handle->data;
	struct gate *g = c->gate;
	conn_deinit(c);
	free(conn_tcp_of(c));
	gate_conn_gone(g);
}

static void on_refused_closed(uv_handle_t *handle)
{
	free(handle);
}

/* A connection that nobody takes would keep the listener awake: take it and hang up. */
static void refuse(struct gate *g, uv_stream_t *server)
{
	gate_count(g, INGEST_COUNT_CONNECTIONS_REFUSED, 1);
	uv_tcp_t *handle = malloc(sizeof *handle);
	if (!handle)
		return;
	if (uv_tcp_init(g->loop, handle) < 0) {
		free(handle);
		return;
	}
	(void)uv_accept(server, (uv_stream_t *)handle);
	uv_close((uv_handle_t *)handle, on_refused_closed);
}

void conn_accept(struct gate *g, uv_stream_t *server)
{
	struct conn_tcp *t = g->tcp_count < g->options->connections_max ? calloc(1, sizeof *t) : NULL;
	if (!t || conn_init(&t->conn, g, CONN_TCP) != STATUS_OK) {
		free(t);
		refuse(g, server);
		return;
	}
	g->tcp_count++;
	gate_count(g, INGEST_COUNT_CONNECTIONS_OPENED, 1);
	uv_tcp_init(g->loop, &t->handle);
	t->handle.data = &t->conn;
	if (uv_accept(server, (uv_stream_t *)&t->handle) < 0) {
		conn_close(&t->conn, INGEST_COUNT_CLOSED_PEER);
		return;
	}
	/* a reply must not wait for the acknowledgement of the one before it */
	uv_tcp_nodelay(&t->handle, 1);
	if (uv_read_start((uv_stream_t *)&t->handle, on_alloc, on_read) < 0)
		conn_close(&t->conn, INGEST_COUNT_CLOSED_PEER);
}

/* --- life --- */

enum status conn_init(struct conn *c, struct gate *g, enum conn_transport transport)
{
	c->gate = g;
	c->transport = (uint8_t)transport;
	c->cell_first = c->cell_last = CELL_NONE;
	link_init(&c->wait);
	link_init(&c->dirty);
	link_init(&c->rested);
	session_init(&c->session);
	return gate_slot_take(g, c);
}

void conn_deinit(struct conn *c)
{
	hold_free(c->gate, c->hold);
	c->hold = NULL;
	session_deinit(&c->session);
}

static enum connection_end end_of(const struct gate *g, enum ingest_counter why)
{
	switch (why) {
	case INGEST_COUNT_CLOSED_IDLE:
		return CONNECTION_SILENT;
	case INGEST_COUNT_CLOSED_SLOW:
		return CONNECTION_SLOW;
	case INGEST_COUNT_CLOSED_GARBAGE:
		return CONNECTION_GARBAGE;
	case INGEST_COUNT_CLOSED_AUTH:
		return CONNECTION_REFUSED;
	case INGEST_COUNT_CLOSED_REPLACED:
		return CONNECTION_REPLACED;
	default:
		return g->stopping ? CONNECTION_STOPPED : CONNECTION_CLOSED;
	}
}

void conn_close(struct conn *c, enum ingest_counter why)
{
	struct gate *g = c->gate;
	if (c->closing)
		return;
	c->closing = true;
	if (why != INGEST_COUNTER_COUNT)
		gate_count(g, why, 1);
	session_end(c, end_of(g, why));
	link_remove(&c->wait);
	link_remove(&c->dirty);
	link_remove(&c->rested);
	c->cells = 0;
	c->cell_first = c->cell_last = CELL_NONE;
	replies_drop(c);
	gate_slot_release(g, c);
	if (c->transport == CONN_UDP) {
		udp_peers_forget(g, conn_udp_of(c));
		return;
	}
	g->tcp_count--;
	gate_count(g, INGEST_COUNT_CONNECTIONS_CLOSED, 1);
	uv_close((uv_handle_t *)&conn_tcp_of(c)->handle, on_tcp_closed);
}

void conn_finish(struct conn *c)
{
	if (c->closing || c->paused & PAUSE_END)
		return;
	replies_send(c, NULL, 0);
	if (c->closing)
		return;
	c->paused_ms = gate_now_ms(c->gate);
	conn_pause(c, PAUSE_END);
	if (c->outstanding == 0 && !c->backlog)
		conn_close(c, INGEST_COUNT_CLOSED_PEER);
}

void conn_check(struct conn *c, uint32_t now_ms, uint32_t silent_ms)
{
	const struct ingest_options *o = c->gate->options;
	if (c->paused & PAUSE_END) {
		if ((c->outstanding == 0 && !c->backlog) || now_ms - c->paused_ms > o->drain_ms)
			conn_close(c, INGEST_COUNT_CLOSED_PEER);
		return;
	}
	if (c->paused & PAUSE_WRITE && now_ms - c->paused_ms > o->slow_ms) {
		conn_close(c, INGEST_COUNT_CLOSED_SLOW);
		return;
	}
	if (c->paused == 0 && silent_ms > 3 * o->heartbeat_ms)
		conn_close(c, INGEST_COUNT_CLOSED_IDLE);
}
