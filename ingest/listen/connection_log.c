#include "ingest/listen/connection_log.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "engine/core/clock.h"
#include "ingest/listen/conn.h"
#include "ingest/listen/gate.h"

void connection_log_deinit(struct connection_log *l)
{
	free(l->waiting);
	*l = (struct connection_log){0};
}

/* --- waiting --- */

static bool grow(struct connection_log *l)
{
	size_t capacity = l->capacity ? 2 * l->capacity : 64;
	if (l->capacity == CONNECTION_LOG_MAX)
		return false;
	struct connection *waiting = malloc(capacity * sizeof *waiting);
	if (!waiting)
		return false;
	for (size_t i = 0; i < l->count; i++)
		waiting[i] = l->waiting[(l->first + i) % l->capacity];
	free(l->waiting);
	l->waiting = waiting;
	l->first = 0;
	l->capacity = capacity;
	return true;
}

static void wait_for_room(struct gate *g, const struct connection *c)
{
	struct connection_log *l = &g->connections;
	if (l->count == l->capacity && !grow(l)) {
		gate_count(g, INGEST_COUNT_CONNECTION_EVENTS_DROPPED, 1);
		return;
	}
	l->waiting[(l->first + l->count++) % l->capacity] = *c;
}

static enum status submit(struct gate *g, const struct connection *c)
{
	uint8_t bytes[CONNECTION_BYTES];
	connection_encode(c, bytes);
	struct intake in = {.kind = INTAKE_CONNECTION,
			    .device = c->device,
			    .received_ms = c->until_ms,
			    .body = span_of(bytes, sizeof bytes)};
	return shard_submit(g->shard, &in);
}

void connection_log_retry(struct gate *g)
{
	struct connection_log *l = &g->connections;
	while (l->count && submit(g, &l->waiting[l->first]) == STATUS_OK) {
		l->first = (l->first + 1) % l->capacity;
		l->count--;
	}
	if (!l->count && l->capacity) { /* a storm is rare: its room is given back */
		uint32_t number = l->next_number;
		connection_log_deinit(l);
		l->next_number = number;
	}
}

static void tell(struct gate *g, const struct connection *c)
{
	if (g->connections.count || submit(g, c) != STATUS_OK)
		wait_for_room(g, c);
}

/* --- a session --- */

static void put_peer(struct connection *out, const struct sockaddr *a)
{
	if (a->sa_family == AF_INET) {
		const struct sockaddr_in *v4 = (const struct sockaddr_in *)a;
		out->peer[10] = out->peer[11] = 0xff;
		memcpy(out->peer + 12, &v4->sin_addr, 4);
		out->port = ntohs(v4->sin_port);
	} else if (a->sa_family == AF_INET6) {
		const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)a;
		memcpy(out->peer, &v6->sin6_addr, 16);
		out->port = ntohs(v6->sin6_port);
	}
}

void connection_log_opened(struct conn *c)
{
	struct gate *g = c->gate;
	struct sockaddr_storage address = {0};
	int size = sizeof address;
	int64_t now_ms = clock_now_ms();
	struct connection *now = &c->session.connection;
	*now = (struct connection){.device = c->session.device, .from_ms = now_ms, .until_ms = now_ms};
	/* the shard's number leads, so that no two gates give one number */
	now->number = shard_index(g->shard) << 24 | (g->connections.next_number++ & 0xffffff);
	now->transport = c->transport == CONN_UDP ? CONNECTION_UDP : CONNECTION_TCP;
	if (c->transport == CONN_UDP)
		put_peer(now, &conn_udp_of(c)->address.any);
	else if (uv_tcp_getpeername(&conn_tcp_of(c)->handle, (struct sockaddr *)&address, &size) == 0)
		put_peer(now, (struct sockaddr *)&address);
	tell(g, now);
}

void connection_log_ended(struct conn *c, enum connection_end why)
{
	struct connection *over = &c->session.connection;
	int64_t now_ms = clock_now_ms();
	if (!over->device)
		return;
	over->until_ms = now_ms > over->from_ms ? now_ms : over->from_ms; /* the wall clock may go back */
	over->end = (uint8_t)why;
	tell(c->gate, over);
	over->device = 0;
}
