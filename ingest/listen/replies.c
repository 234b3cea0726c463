#include "ingest/listen/replies.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "ingest/listen/conn.h"
#include "ingest/listen/gate.h"
#include "ingest/listen/listener.h"

/* Replies of a connection whose socket took less than it was given. */
struct backlog {
	uv_write_t request;
	struct conn *conn; /* NULL once the connection is gone and only the request is awaited */
	struct buf flying; /* lent to libuv */
	struct buf queued;
};

int replies_init(struct replies *r)
{
	link_init(&r->dirty);
	r->used = 0;
	r->cells = malloc(CELL_COUNT * sizeof *r->cells);
	r->gather = malloc(GATHER_BYTES);
	return r->cells && r->gather ? 0 : -1;
}

void replies_deinit(struct replies *r)
{
	free(r->cells);
	free(r->gather);
	r->cells = NULL;
	r->gather = NULL;
}

static void backlog_free(struct backlog *b)
{
	buf_deinit(&b->flying);
	buf_deinit(&b->queued);
	free(b);
}

/* libuv still owns what flies: the backlog outlives its connection until the request ends. */
void replies_drop(struct conn *c)
{
	if (c->backlog)
		c->backlog->conn = NULL;
	c->backlog = NULL;
}

static void fly(struct backlog *b);

static void on_written(uv_write_t *request, int error)
{
	struct backlog *b = request->data;
	struct conn *c = b->conn;
	if (!c) {
		backlog_free(b);
		return;
	}
	if (error < 0) {
		b->flying.size = 0;
		c->backlog = NULL;
		backlog_free(b);
		conn_close(c, INGEST_COUNT_CLOSED_PEER);
		return;
	}
	struct buf done = b->flying;
	b->flying = b->queued;
	buf_clear(&done);
	b->queued = done;
	c->paused_ms = gate_now_ms(c->gate);
	if (b->flying.size != 0) {
		fly(b);
		return;
	}
	c->backlog = NULL;
	backlog_free(b);
	conn_resume(c, PAUSE_WRITE);
}

static void fly(struct backlog *b)
{
	uv_buf_t part = uv_buf_init((char *)b->flying.data, (unsigned)b->flying.size);
	b->request.data = b;
	int error = uv_write(&b->request, (uv_stream_t *)&conn_tcp_of(b->conn)->handle, &part, 1, on_written);
	if (error < 0)
		on_written(&b->request, error);
}

/* Keep what the socket did not take. A connection whose queue would pass its bound is closed: by then it has been
 * given no new work, so it reads nothing at all. */
static void enqueue(struct conn *c, const uint8_t *bytes, size_t size)
{
	struct gate *g = c->gate;
	struct backlog *b = c->backlog;
	bool is_new = !b;
	if (is_new) {
		b = calloc(1, sizeof *b);
		if (!b) {
			conn_close(c, INGEST_COUNT_CLOSED_SLOW);
			return;
		}
		b->conn = c;
		b->flying = buf_init(g->options->reply_bytes_max);
		b->queued = buf_init(g->options->reply_bytes_max);
		c->backlog = b;
	}
	if (buf_append(is_new ? &b->flying : &b->queued, bytes, size) != STATUS_OK) {
		if (is_new) {
			c->backlog = NULL;
			backlog_free(b);
		}
		conn_close(c, INGEST_COUNT_CLOSED_SLOW);
		return;
	}
	if (!is_new)
		return;
	gate_count(g, INGEST_COUNT_PAUSES_WRITE, 1);
	c->paused_ms = gate_now_ms(g);
	conn_pause(c, PAUSE_WRITE);
	fly(b);
}

static void write_tcp(struct conn *c, const uint8_t *bytes, size_t size)
{
	if (c->backlog) {
		enqueue(c, bytes, size);
		return;
	}
	uv_buf_t part = uv_buf_init((char *)bytes, (unsigned)size);
	int taken = uv_try_write((uv_stream_t *)&conn_tcp_of(c)->handle, &part, 1);
	if (taken < 0 && taken != UV_EAGAIN) {
		conn_close(c, INGEST_COUNT_CLOSED_PEER);
		return;
	}
	size_t done = taken < 0 ? 0 : (size_t)taken;
	if (done == size)
		return;
	gate_count(c->gate, INGEST_COUNT_WRITES_SHORT, 1);
	enqueue(c, bytes + done, size - done);
}

/* A datagram's replies need no queue: a terminal that misses one sends again. */
static void write_udp(struct conn *c, const uint8_t *bytes, size_t size)
{
	struct conn_udp *peer = conn_udp_of(c);
	uv_buf_t part = uv_buf_init((char *)bytes, (unsigned)size);
	if (uv_udp_try_send(&peer->via->handle.udp, &part, 1, &peer->address.any) < 0)
		gate_count(c->gate, INGEST_COUNT_UDP_REPLIES_DROPPED, 1);
}

static void write_now(struct conn *c, const uint8_t *bytes, size_t size)
{
	if (c->closing || size == 0)
		return;
	gate_count(c->gate, INGEST_COUNT_WRITES, 1);
	gate_count(c->gate, INGEST_COUNT_BYTES_WRITTEN, size);
	c->session.connection.bytes_out += size;
	if (c->transport == CONN_TCP)
		write_tcp(c, bytes, size);
	else
		write_udp(c, bytes, size);
}

/* Write one connection's cells at once. */
static void flush_conn(struct conn *c)
{
	struct replies *r = &c->gate->replies;
	uint32_t at = c->cell_first;
	c->cells = 0;
	c->cell_first = c->cell_last = CELL_NONE;
	link_remove(&c->dirty);
	if (at == CELL_NONE)
		return;
	if (r->cells[at].next == CELL_NONE) {
		write_now(c, r->cells[at].bytes, r->cells[at].size);
		return;
	}
	size_t size = 0;
	for (; at != CELL_NONE; at = r->cells[at].next) {
		memcpy(r->gather + size, r->cells[at].bytes, r->cells[at].size);
		size += r->cells[at].size;
	}
	write_now(c, r->gather, size);
}

void replies_flush(struct gate *g)
{
	struct replies *r = &g->replies;
	while (!link_empty(&r->dirty))
		flush_conn(LINK_OWNER(r->dirty.next, struct conn, dirty));
	r->used = 0;
}

struct reply_cell *replies_cell(struct conn *c)
{
	struct replies *r = &c->gate->replies;
	if (r->used == CELL_COUNT)
		replies_flush(c->gate);
	else if (c->cells == CHAIN_MAX)
		flush_conn(c);
	if (c->closing)
		return NULL;
	uint32_t at = r->used++;
	c->cells++;
	struct reply_cell *cell = &r->cells[at];
	cell->next = CELL_NONE;
	cell->size = 0;
	if (c->cell_first == CELL_NONE)
		c->cell_first = at;
	else
		r->cells[c->cell_last].next = at;
	c->cell_last = at;
	link_add(&r->dirty, &c->dirty);
	return cell;
}

void replies_send(struct conn *c, const uint8_t *bytes, size_t size)
{
	flush_conn(c);
	write_now(c, bytes, size);
}
