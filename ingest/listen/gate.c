#include "ingest/listen/gate.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "engine/core/log.h"
#include "ingest/listen/ingest_state.h"
#include "ingest/listen/listener.h"
#include "ingest/listen/session_commands_jt808.h"

/* every connection is looked at about this often, and four times within the shortest of its timeouts */
#define SCAN_PERIOD_MS 10000u
#define TICK_MS_MAX 250u
#define TICK_MS_MIN 5u
/* split messages of one shard at once, and the bytes of their parts */
#define FRAGMENT_SETS_MAX 65536u
#define FRAGMENT_BYTES_MAX (64u << 20)
/* split messages that one terminal sends at once: photographs of all channels and a batch between them */
#define FRAGMENT_TERMINAL_SETS_MAX 8u

/* --- slots --- */

static enum status slots_grow(struct gate *g)
{
	uint32_t capacity = g->slot_capacity ? g->slot_capacity * 2 : 64;
	struct slot *slots = realloc(g->slots, capacity * sizeof *slots);
	if (!slots)
		return STATUS_NO_MEMORY;
	g->slots = slots;
	g->slot_capacity = capacity;
	return STATUS_OK;
}

enum status gate_slot_take(struct gate *g, struct conn *c)
{
	uint32_t at = g->slot_free;
	if (at != SLOT_NONE) {
		g->slot_free = g->slots[at].heard_ms;
	} else {
		if (g->slot_count == g->slot_capacity && slots_grow(g) != STATUS_OK)
			return STATUS_NO_MEMORY;
		at = g->slot_count++;
		g->slots[at].generation = 1;
	}
	g->slots[at].conn = c;
	g->slots[at].heard_ms = gate_now_ms(g);
	c->slot = at;
	c->generation = g->slots[at].generation;
	return STATUS_OK;
}

void gate_slot_release(struct gate *g, struct conn *c)
{
	struct slot *s = &g->slots[c->slot];
	assert(s->conn == c && s->generation == c->generation);
	s->conn = NULL;
	s->generation++;
	s->heard_ms = g->slot_free;
	g->slot_free = c->slot;
}

/* --- the tick --- */

static uint32_t min_u32(uint32_t a, uint32_t b)
{
	return a < b ? a : b;
}

static uint32_t scan_period_ms(const struct ingest_options *o)
{
	uint32_t shortest = min_u32(min_u32(3 * o->heartbeat_ms, o->slow_ms),
				    min_u32(min_u32(o->fragment_resend_ms, o->fragment_expire_ms), o->drain_ms));
	return min_u32(SCAN_PERIOD_MS, shortest / 4);
}

/* Look at the next part of the slots, so that all are seen once in a scan period. */
static void scan(struct gate *g, bool all)
{
	uint32_t now_ms = gate_now_ms(g);
	uint32_t ticks = scan_period_ms(g->options) / g->tick_ms + 1;
	uint32_t n = g->slot_count / ticks + 1;
	if (n < TICK_SCAN_MIN)
		n = TICK_SCAN_MIN;
	if (all || n > g->slot_count)
		n = g->slot_count;
	while (n-- != 0) {
		if (g->slot_scan >= g->slot_count)
			g->slot_scan = 0;
		struct slot *s = &g->slots[g->slot_scan++];
		if (s->conn)
			conn_check(s->conn, now_ms, now_ms - s->heard_ms);
	}
}

static void close_own_handles(struct gate *g)
{
	if (g->closing || g->tcp_count != 0)
		return;
	g->closing = true;
	uv_close((uv_handle_t *)&g->tick, NULL);
	uv_close((uv_handle_t *)&g->flush, NULL);
}

static void on_tick(uv_timer_t *timer)
{
	struct gate *g = timer->data;
	scan(g, g->stopping);
	connection_log_retry(g);
	gate_release(g, &g->waiting_fault, PAUSE_FAULT);
	session_split_tick(g);
	session_command_tick(g);
}

static void on_prepare(uv_prepare_t *prepare)
{
	struct gate *g = prepare->data;
	while (!link_empty(&g->rested)) {
		struct conn *c = LINK_OWNER(g->rested.next, struct conn, rested);
		link_remove(&c->rested);
		conn_resume(c, PAUSE_ACKS);
	}
	replies_flush(g);
	udp_peers_bury(g);
}

bool gate_may_quarantine(struct gate *g)
{
	int64_t per_minute = g->options->quarantine_per_minute;
	uint32_t now_ms = gate_now_ms(g);
	/* per_minute / 60000 a millisecond, in sixty-thousandths */
	g->quarantine_tokens += per_minute * (uint32_t)(now_ms - g->quarantine_at_ms);
	g->quarantine_at_ms = now_ms;
	if (g->quarantine_tokens > per_minute * 60000)
		g->quarantine_tokens = per_minute * 60000;
	if (g->quarantine_tokens < 60000)
		return false;
	g->quarantine_tokens -= 60000;
	return true;
}

/* --- waiting --- */

static bool udp_in(const struct link *list)
{
	for (const struct link *l = list->next; l != list; l = l->next)
		if (LINK_OWNER(l, const struct conn, wait)->transport == CONN_UDP)
			return true;
	return false;
}

void gate_udp_pause(struct gate *g)
{
	if (g->udp_paused)
		return;
	g->udp_paused = true;
	for (unsigned k = 0; k < g->listener_count; k++)
		listener_udp_pause(g->listeners[k]);
}

void gate_release(struct gate *g, struct link *list, uint8_t why)
{
	struct link now;
	link_init(&now);
	link_move_all(&now, list);
	while (!link_empty(&now) && link_empty(list)) {
		struct conn *c = LINK_OWNER(now.next, struct conn, wait);
		link_remove(&c->wait);
		conn_resume(c, why);
	}
	link_move_all(list, &now);
	if (g->udp_paused && !g->stopping && !udp_in(&g->waiting_room) && !udp_in(&g->waiting_fault)) {
		g->udp_paused = false;
		for (unsigned k = 0; k < g->listener_count; k++)
			listener_udp_resume(g->listeners[k]);
	}
}

/* --- life --- */

static bool make_fragments(struct gate *g)
{
	struct fragment_limits limits = {
		.sets_max = FRAGMENT_SETS_MAX,
		.bytes_max = FRAGMENT_BYTES_MAX,
		.terminal_sets_max = FRAGMENT_TERMINAL_SETS_MAX,
		.terminal_bytes_max = g->options->fragment_bytes_max,
		.expiry_ms = g->options->fragment_expire_ms,
	};
	g->fragments = fragments_new(&limits);
	return g->fragments != NULL;
}

enum status gate_new(struct ingest *i, struct shard *shard, struct gate **out)
{
	struct gate *g = calloc(1, sizeof *g);
	if (!g)
		return STATUS_NO_MEMORY;
	g->ingest = i;
	g->options = &i->options;
	g->registry = i->registry;
	g->sessions = i->sessions;
	g->shard = shard;
	g->loop = shard_loop(shard);
	g->slot_free = SLOT_NONE;
	link_init(&g->waiting_room);
	link_init(&g->waiting_fault);
	link_init(&g->rested);
	link_init(&g->commands_waiting);
	g->read_buffer = malloc(READ_HEADROOM + READ_BYTES);
	if (!g->read_buffer || replies_init(&g->replies) != 0 ||
	    udp_peers_init(&g->peers, g->options->udp_peers_max) != STATUS_OK || !make_fragments(g)) {
		gate_free(g);
		return STATUS_NO_MEMORY;
	}
	*out = g;
	return STATUS_OK;
}

void gate_free(struct gate *g)
{
	if (!g)
		return;
	assert(g->tcp_count == 0 && g->peers.count == 0);
	holds_free(g);
	fragments_free(g->fragments);
	connection_log_deinit(&g->connections);
	replies_deinit(&g->replies);
	udp_peers_deinit(&g->peers);
	free(g->read_buffer);
	free(g->slots);
	free(g);
}

static void open_listeners(struct gate *g)
{
	struct reservation *r = &g->ingest->reservation;
	for (unsigned k = 0; k < r->count; k++) {
		enum status st = listener_open(g, r, k, &g->listeners[g->listener_count]);
		if (st == STATUS_OK) {
			g->listener_count++;
			continue;
		}
		gate_count(g, INGEST_COUNT_LISTENERS_FAILED, 1);
		log_error("ingest", "shard %u cannot listen: %s", shard_index(g->shard), status_text(st));
	}
}

void gate_start(struct gate *g)
{
	uint32_t tick_ms = scan_period_ms(g->options) / 4;
	g->tick_ms = tick_ms < TICK_MS_MIN ? TICK_MS_MIN : min_u32(tick_ms, TICK_MS_MAX);
	uv_update_time(g->loop);
	g->quarantine_at_ms = gate_now_ms(g);
	g->quarantine_tokens = (int64_t)g->options->quarantine_per_minute * 60000;
	uv_timer_init(g->loop, &g->tick);
	uv_prepare_init(g->loop, &g->flush);
	g->tick.data = g->flush.data = g;
	uv_timer_start(&g->tick, on_tick, g->tick_ms, g->tick_ms);
	uv_prepare_start(&g->flush, on_prepare);
	open_listeners(g);
}

void gate_conn_gone(struct gate *g)
{
	if (g->stopping)
		close_own_handles(g);
}

void gate_stop(struct gate *g)
{
	if (g->stopping)
		return;
	g->stopping = true;
	for (unsigned k = 0; k < g->listener_count; k++)
		listener_close(g->listeners[k]);
	for (uint32_t k = 0; k < g->slot_count; k++) {
		struct conn *c = g->slots[k].conn;
		if (c) /* now: the engine may be done with everything else before the last reply has left */
			connection_log_ended(c, CONNECTION_STOPPED);
		if (c && c->transport == CONN_UDP)
			conn_close(c, INGEST_COUNTER_COUNT);
		else if (c)
			conn_finish(c);
	}
	udp_peers_bury(g);
	close_own_handles(g);
}

void gate_close_place(struct gate *g, struct session_place place)
{
	struct conn *c = gate_conn(g, place.slot, place.generation);
	if (!c)
		return;
	replies_send(c, NULL, 0);
	conn_close(c, INGEST_COUNT_CLOSED_REPLACED);
}
