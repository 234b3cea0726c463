#include "ingest/listen/udp_peers.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "engine/core/hash.h"
#include "ingest/listen/conn.h"
#include "ingest/listen/gate.h"
#include "ingest/listen/listener.h"

enum status udp_peers_init(struct udp_peers *p, uint32_t peers_max)
{
	uint32_t count = 64;
	while (count < peers_max && count < (1u << 16))
		count *= 2;
	p->buckets = calloc(count, sizeof *p->buckets);
	if (!p->buckets)
		return STATUS_NO_MEMORY;
	p->bucket_count = count;
	/* a sender chooses its port: without a secret it could choose its bucket too */
	if (getrandom(&p->seed, sizeof p->seed, 0) != sizeof p->seed)
		p->seed = (uint64_t)(uintptr_t)p;
	return STATUS_OK;
}

void udp_peers_deinit(struct udp_peers *p)
{
	free(p->buckets);
	p->buckets = NULL;
}

/* What tells peers apart: family, address, port; an IPv6 scope too. */
static size_t address_key(const struct sockaddr *a, uint8_t out[24])
{
	if (a->sa_family == AF_INET) {
		const struct sockaddr_in *v4 = (const struct sockaddr_in *)a;
		memcpy(out, &v4->sin_addr, 4);
		memcpy(out + 4, &v4->sin_port, 2);
		return 6;
	}
	const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)a;
	memcpy(out, &v6->sin6_addr, 16);
	memcpy(out + 16, &v6->sin6_port, 2);
	memcpy(out + 18, &v6->sin6_scope_id, 4);
	return 22;
}

static struct conn_udp **bucket_of(struct udp_peers *p, struct span key)
{
	return &p->buckets[hash64_seeded(key, p->seed) & (p->bucket_count - 1)];
}

static bool has_key(const struct conn_udp *peer, struct span key)
{
	uint8_t own[24];
	return span_equal(span_of(own, address_key(&peer->address.any, own)), key);
}

static struct conn_udp *find(struct udp_peers *p, struct span key)
{
	struct conn_udp *peer = *bucket_of(p, key);
	while (peer && !has_key(peer, key))
		peer = peer->chain;
	return peer;
}

static struct conn_udp *add(struct listener *l, const struct sockaddr *address, struct span key)
{
	struct gate *g = l->gate;
	struct udp_peers *p = &g->peers;
	struct conn_udp *peer = p->count < g->options->udp_peers_max ? calloc(1, sizeof *peer) : NULL;
	if (!peer || conn_init(&peer->conn, g, CONN_UDP) != STATUS_OK) {
		gate_count(g, INGEST_COUNT_UDP_PEERS_REFUSED, 1);
		free(peer);
		return NULL;
	}
	peer->via = l;
	if (address->sa_family == AF_INET)
		memcpy(&peer->address.v4, address, sizeof peer->address.v4);
	else
		memcpy(&peer->address.v6, address, sizeof peer->address.v6);
	struct conn_udp **bucket = bucket_of(p, key);
	peer->chain = *bucket;
	*bucket = peer;
	p->count++;
	gate_count(g, INGEST_COUNT_UDP_PEERS_OPENED, 1);
	return peer;
}

void udp_peers_on_datagram(uv_udp_t *handle, ssize_t nread, const uv_buf_t *buf, const struct sockaddr *address,
			   unsigned flags)
{
	struct listener *l = handle->data;
	struct gate *g = l->gate;
	if (nread <= 0 || !address)
		return;
	gate_count(g, INGEST_COUNT_UDP_DATAGRAMS, 1);
	if (flags & UV_UDP_PARTIAL) {
		gate_count(g, INGEST_COUNT_UDP_DROPPED, 1);
		return;
	}
	uint8_t bytes[24];
	struct span key = span_of(bytes, address_key(address, bytes));
	struct conn_udp *peer = find(&g->peers, key);
	if (!peer)
		peer = add(l, address, key);
	if (!peer)
		return;
	if (peer->conn.paused == 0) {
		conn_received(&peer->conn, (size_t)nread);
		return;
	}
	if (conn_hold_append(&peer->conn, (const uint8_t *)buf->base, (size_t)nread) != STATUS_OK)
		gate_count(g, INGEST_COUNT_UDP_DROPPED, 1);
}

void udp_peers_forget(struct gate *g, struct conn_udp *peer)
{
	struct udp_peers *p = &g->peers;
	uint8_t bytes[24];
	struct conn_udp **at = bucket_of(p, span_of(bytes, address_key(&peer->address.any, bytes)));
	while (*at != peer) {
		assert(*at);
		at = &(*at)->chain;
	}
	*at = peer->chain;
	p->count--;
	peer->chain = p->dead;
	p->dead = peer;
	gate_count(g, INGEST_COUNT_UDP_PEERS_CLOSED, 1);
}

void udp_peers_bury(struct gate *g)
{
	while (g->peers.dead) {
		struct conn_udp *peer = g->peers.dead;
		g->peers.dead = peer->chain;
		conn_deinit(&peer->conn);
		free(peer);
	}
}
