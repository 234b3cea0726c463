#include "ingest/listen/ingest.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "engine/core/log.h"
#include "ingest/jt808/fragments.h"
#include "ingest/listen/gate.h"
#include "ingest/listen/ingest_state.h"
#include "ingest/listen/session_jt808.h"

struct ingest_options ingest_options_default(void)
{
	return (struct ingest_options){
		.addresses = {"127.0.0.1", "::1"},
		.address_count = 2,
		.tcp_port = 6808,
		.udp_port = 6808,
		.registration = REGISTER_ALLOW_LIST,
		.auth_required = true,
		.time_as_utc = true,
		.auth_failures_max = 3,
		.connections_max = 100000,
		.udp_peers_max = 100000,
		.connection_bytes_max = 65536,
		.reply_bytes_max = 65536,
		.garbage_bytes_max = 65536,
		.fragment_bytes_max = 2 * MESSAGE_BYTES_MAX,
		.quarantine_per_minute = 600,
		.heartbeat_ms = 60000,
		.slow_ms = 30000,
		.fragment_resend_ms = 5000,
		.fragment_expire_ms = 60000,
		.drain_ms = 2000,
		.takeover_period_ms = 60000,
		.takeovers_max = 4,
		.command_wait_ms = 10000,
		.command_tries = 3,
	};
}

static bool options_valid(const struct ingest_options *o)
{
	if (o->address_count > INGEST_ADDRESSES_MAX || (unsigned)o->registration >= REGISTER_POLICY_COUNT)
		return false;
	if (o->tcp_port < INGEST_NO_PORT || o->tcp_port > 65535 || o->udp_port < INGEST_NO_PORT || o->udp_port > 65535)
		return false;
	if (o->refused_reply != 0 && o->refused_reply != 2)
		return false;
	if (o->connection_bytes_max < 2 * READ_HEADROOM || o->reply_bytes_max < 4096 || o->garbage_bytes_max < 1024)
		return false;
	if (o->connections_max == 0 || o->udp_peers_max == 0 || o->auth_failures_max == 0)
		return false;
	/* 3 * heartbeat must stay in 32 bits */
	return o->heartbeat_ms != 0 && o->heartbeat_ms <= 86400000 && o->slow_ms != 0 && o->drain_ms != 0 &&
	       o->command_wait_ms != 0 && o->command_tries != 0 && o->fragment_resend_ms != 0 &&
	       o->fragment_expire_ms != 0;
}

static enum status options_copy(struct ingest *i, const struct ingest_options *o)
{
	if (!options_valid(o))
		return STATUS_INVALID;
	i->options = *o;
	for (unsigned k = 0; k < o->address_count; k++) {
		if (!o->addresses[k] || strlen(o->addresses[k]) >= ADDRESS_TEXT_MAX)
			return STATUS_INVALID;
		strcpy(i->addresses[k], o->addresses[k]);
		i->options.addresses[k] = i->addresses[k];
	}
	return STATUS_OK;
}

enum status ingest_new(const struct ingest_options *options, struct registry *registry, struct ingest **out)
{
	struct ingest *i = calloc(1, sizeof *i);
	if (!i)
		return STATUS_NO_MEMORY;
	i->registry = registry;
	enum status st = options_copy(i, options);
	if (st == STATUS_OK)
		st = sessions_new(options->takeover_period_ms, options->takeovers_max, &i->sessions);
	if (st == STATUS_OK)
		st = reservation_make(&i->reservation, &i->options);
	if (st != STATUS_OK) {
		sessions_free(i->sessions);
		free(i);
		return st;
	}
	*out = i;
	return STATUS_OK;
}

void ingest_free(struct ingest *i)
{
	if (!i)
		return;
	for (unsigned k = 0; k < SHARDS_MAX; k++)
		gate_free(ingest_gate(i, k));
	reservation_release(&i->reservation);
	sessions_free(i->sessions);
	free(i);
}

int ingest_port_tcp(const struct ingest *i)
{
	return i->reservation.tcp_port;
}

int ingest_port_udp(const struct ingest *i)
{
	return i->reservation.udp_port;
}

struct gate *ingest_gate(const struct ingest *i, unsigned index)
{
	return index < SHARDS_MAX ? atomic_load_explicit(&i->gates[index], memory_order_acquire) : NULL;
}

/* --- hooks --- */

/* A packet that was acknowledged before the restart: its message goes on where it was. A terminal may connect to
 * any shard, so each holds them all; those never asked for expire. */
static enum status take_up_packet(void *context, const struct intake *in)
{
	struct gate *g = context;
	struct fragment_set set;
	struct span whole;
	struct jt808_header h = {.message_id = in->message_id,
				 .is_2019 = in->protocol == JT808_2019,
				 .serial = in->serial,
				 .is_fragment = true,
				 .fragment_total = in->fragment_total,
				 .fragment_index = in->fragment_index,
				 .body = in->body};
	enum status st = fragments_add(g->fragments, in->device, &h, (int64_t)uv_now(g->loop), &set, &whole);
	return st == STATUS_NO_MEMORY ? st : STATUS_OK; /* no room: the terminal is asked for it again */
}

void ingest_shard_start(void *context, struct shard *shard)
{
	struct ingest *i = context;
	struct gate *g;
	enum status st = gate_new(i, shard, &g);
	if (st != STATUS_OK) {
		log_error("ingest", "shard %u takes nothing in: %s", shard_index(shard), status_text(st));
		return;
	}
	shard_set_user(shard, g);
	atomic_store_explicit(&i->gates[shard_index(shard)], g, memory_order_release);
	st = engine_fragments(shard_engine(shard), take_up_packet, g);
	if (st != STATUS_OK)
		log_warn("ingest", "packets of split messages from before: %s", status_text(st));
	gate_start(g);
}

void ingest_shard_stop(void *context, struct shard *shard)
{
	(void)context;
	struct gate *g = shard_user(shard);
	if (g)
		gate_stop(g);
}

void ingest_settled(void *context, struct shard *shard, const struct ticket *ticket, enum status status)
{
	(void)context;
	struct gate *g = shard_user(shard);
	struct conn *c = gate_conn(g, (uint32_t)ticket->words[0], (uint32_t)(ticket->words[0] >> 32));
	if (!c) {
		gate_count(g, INGEST_COUNT_ACKS_HOMELESS, 1);
		return;
	}
	session_settled(c, ticket, status);
	conn_settled(c);
}

void ingest_room(void *context, struct shard *shard)
{
	(void)context;
	struct gate *g = shard_user(shard);
	if (!g)
		return;
	connection_log_retry(g);
	gate_release(g, &g->waiting_room, PAUSE_ROOM);
}

/* --- a terminal logs in elsewhere --- */

struct eviction {
	struct gate *gate;
	struct session_place place;
};

static void evict(void *context)
{
	struct eviction *e = context;
	gate_close_place(e->gate, e->place);
	free(e);
}

void ingest_close_place(struct gate *from, struct session_place place)
{
	struct gate *g = ingest_gate(from->ingest, place.shard);
	assert(g);
	if (g == from) {
		gate_close_place(g, place);
		return;
	}
	struct eviction *e = malloc(sizeof *e);
	if (!e)
		return;
	*e = (struct eviction){g, place};
	if (shard_post(engine_shard(shard_engine(from->shard), place.shard), evict, e) != STATUS_OK)
		free(e);
}
