#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "engine/core/clock.h"
#include "ingest/listen/connection_log.h"
#include "ingest/listen/gate.h"
#include "ingest/listen/ingest_state.h"
#include "unit/ingest_listen/world.h"

TestSuite(connection_log, .timeout = 240);

#define PHONE "13800000001"

static const struct connection *last(const struct world *w)
{
	cr_assert_gt(w->connection_count, 0);
	return &w->connections[w->connection_count - 1];
}

/* The last two entries are the beginning and the end of one connection. */
static void check_pair(const struct world *w, enum connection_end end)
{
	cr_assert_geq(w->connection_count, 2);
	const struct connection *opened = last(w) - 1, *ended = last(w);
	cr_assert_eq(opened->end, CONNECTION_OPEN);
	cr_assert_eq(opened->until_ms, opened->from_ms);
	cr_assert_eq(ended->end, end, "%s, not %s", connection_end_token(ended->end), connection_end_token(end));
	cr_assert_eq(ended->device, opened->device);
	cr_assert_eq(ended->from_ms, opened->from_ms);
	cr_assert_eq(ended->number, opened->number);
	cr_assert_geq(ended->until_ms, ended->from_ms);
	cr_assert_arr_eq(ended->peer, opened->peer, sizeof ended->peer);
	cr_assert_eq(ended->port, opened->port);
}

Test(connection_log, a_login_and_a_hang_up_are_a_beginning_and_an_end_with_what_was_said)
{
	struct world w;
	struct terminal t;
	struct sockaddr_in own;
	socklen_t own_size = sizeof own;
	char expected[64], peer[CONNECTION_PEER_MAX];
	struct ingest_options o = world_options();
	world_init(&w, &o, 1);
	w.settles = true;
	int64_t before_ms = clock_now_ms();
	terminal_join(&t, &w, PHONE, false);
	cr_assert_eq(w.connection_count, 1, "told with the login");
	uint64_t read = world_counter(&w, INGEST_COUNT_BYTES_READ);
	for (unsigned n = 0; n < 5; n++)
		terminal_hear_ack(&t, terminal_say(&t, 0x0200, location(n)), 0x0200, 0);
	read = world_counter(&w, INGEST_COUNT_BYTES_READ) - read;
	cr_assert_eq(getsockname(t.fd, (struct sockaddr *)&own, &own_size), 0);
	snprintf(expected, sizeof expected, "127.0.0.1:%u", ntohs(own.sin_port));
	terminal_close(&t);
	WORLD_UNTIL(&w, w.connection_count == 2);
	check_pair(&w, CONNECTION_CLOSED);
	connection_peer_text(last(&w), peer);
	cr_assert_str_eq(peer, expected);
	cr_assert_eq(last(&w)->transport, CONNECTION_TCP);
	cr_assert_eq(last(&w)->bytes_in, read);
	/* what logged it in is the first of them */
	cr_assert_eq(last(&w)->frames, 6);
	cr_assert_eq(last(&w)->bytes_out, world_counter(&w, INGEST_COUNT_BYTES_WRITTEN));
	cr_assert_geq(last(&w)->from_ms, before_ms);
	cr_assert_leq(last(&w)->until_ms, clock_now_ms());
	world_deinit(&w);
}

Test(connection_log, a_terminal_that_never_logs_in_leaves_nothing)
{
	struct world w;
	struct terminal t;
	struct ingest_options o = world_options();
	world_init(&w, &o, 1);
	world_device(&w, PHONE, NULL, "code");
	terminal_open(&t, &w, PHONE, false, false);
	terminal_hear_ack(&t, terminal_say(&t, 0x0102, span_of_string("wrong")), 0x0102, 1);
	terminal_close(&t);
	WORLD_UNTIL(&w, world_counter(&w, INGEST_COUNT_CLOSED_PEER) == 1);
	cr_assert_eq(w.connection_count, 0);
	world_deinit(&w);
}

Test(connection_log, every_way_to_end_has_its_word)
{
	struct world w;
	struct terminal t, again;
	uint8_t garbage[4096];
	struct ingest_options o = world_options();
	o.garbage_bytes_max = 1024;
	world_init(&w, &o, 1);
	w.settles = true;
	terminal_join(&t, &w, PHONE, false);
	terminal_hear_ack(&t, terminal_say(&t, 0x0003, (struct span){NULL, 0}), 0x0003, 0);
	check_pair(&w, CONNECTION_LOGOUT);
	terminal_log_in(&t, "c0de"); /* the same connection, another session of it */
	cr_assert_eq(w.connection_count, 3);
	terminal_hear_ack(&t, terminal_say(&t, 0x0102, span_of_string("wrong")), 0x0102, 1);
	check_pair(&w, CONNECTION_REFUSED);
	terminal_log_in(&t, "c0de");
	memset(garbage, 0x11, sizeof garbage);
	send(t.fd, garbage, sizeof garbage, MSG_NOSIGNAL);
	WORLD_UNTIL(&w, w.connection_count == 6);
	check_pair(&w, CONNECTION_GARBAGE);
	terminal_close(&t);
	terminal_open(&t, &w, PHONE, false, false);
	terminal_log_in(&t, "c0de");
	terminal_open(&again, &w, PHONE, false, false);
	terminal_log_in(&again, "c0de");
	/* the new one begins before the old one is closed */
	cr_assert_eq(w.connection_count, 9);
	cr_assert_eq(w.connections[7].end, CONNECTION_OPEN);
	cr_assert_eq(w.connections[8].end, CONNECTION_REPLACED);
	cr_assert_eq(w.connections[8].number, w.connections[6].number);
	terminal_close(&t);
	ingest_shard_stop(w.ingest, &w.shards[0]);
	cr_assert_eq(last(&w)->end, CONNECTION_STOPPED);
	cr_assert_eq(last(&w)->number, w.connections[7].number);
	terminal_close(&again);
	world_deinit(&w);
}

Test(connection_log, silence_ends_a_connection_over_udp_too)
{
	struct world w;
	struct terminal t;
	struct ingest_options o = world_options();
	o.heartbeat_ms = 100;
	world_init(&w, &o, 1);
	world_device(&w, PHONE, NULL, "code");
	terminal_open(&t, &w, PHONE, true, true);
	terminal_log_in(&t, "code");
	cr_assert_eq(last(&w)->transport, CONNECTION_UDP);
	cr_assert_neq(last(&w)->port, 0);
	WORLD_UNTIL(&w, w.connection_count == 2);
	check_pair(&w, CONNECTION_SILENT);
	terminal_close(&t);
	world_deinit(&w);
}

Test(connection_log, a_storm_while_the_engine_is_busy_stops_nobody_and_is_told_in_order)
{
	enum { TERMINALS = 150 };
	static struct terminal t[TERMINALS];
	struct world w;
	char phone[16];
	struct ingest_options o = world_options();
	world_init(&w, &o, 1);
	w.settles = true;
	w.connections_busy = true;
	for (unsigned k = 0; k < TERMINALS; k++) {
		snprintf(phone, sizeof phone, "139%08u", k);
		terminal_join(&t[k], &w, phone, false);
		terminal_hear_ack(&t[k], terminal_say(&t[k], 0x0200, location(k)), 0x0200, 0);
	}
	for (unsigned k = 0; k < TERMINALS; k++)
		terminal_close(&t[k]);
	WORLD_UNTIL(&w, world_counter(&w, INGEST_COUNT_CONNECTIONS_CLOSED) == TERMINALS);
	cr_assert_eq(w.connection_count, 0);
	w.connections_busy = false;
	world_room(&w);
	cr_assert_eq(w.connection_count, 2 * TERMINALS);
	cr_assert_eq(world_counter(&w, INGEST_COUNT_CONNECTION_EVENTS_DROPPED), 0);
	for (unsigned k = 0; k < TERMINALS; k++) {
		const struct connection *opened = &w.connections[k];
		unsigned ends = 0;
		cr_assert_eq(opened->end, CONNECTION_OPEN);
		for (unsigned i = TERMINALS; i < 2 * TERMINALS; i++)
			ends += w.connections[i].number == opened->number &&
				w.connections[i].device == opened->device && w.connections[i].end == CONNECTION_CLOSED;
		cr_assert_eq(ends, 1);
	}
	world_deinit(&w);
}

Test(connection_log, what_no_longer_fits_is_counted)
{
	struct world w;
	struct terminal t;
	struct ingest_options o = world_options();
	world_init(&w, &o, 1);
	w.connections_busy = true;
	terminal_join(&t, &w, PHONE, false);
	struct gate *g = ingest_gate(w.ingest, 0);
	struct conn *c = g->slots[0].conn;
	cr_assert_not_null(c);
	while (g->counters.values[INGEST_COUNT_CONNECTION_EVENTS_DROPPED] == 0) {
		connection_log_ended(c, CONNECTION_LOGOUT);
		connection_log_opened(c);
	}
	connection_log_ended(c, CONNECTION_LOGOUT);
	cr_assert_eq(world_counter(&w, INGEST_COUNT_CONNECTION_EVENTS_DROPPED), 2);
	w.connections_busy = false;
	world_room(&w);
	cr_assert_eq(w.connection_count, CONNECTION_LOG_MAX);
	terminal_close(&t);
	world_deinit(&w);
}
