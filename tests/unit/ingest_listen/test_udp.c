#include <criterion/criterion.h>
#include <sys/socket.h>
#include <unistd.h>

#include "unit/ingest_listen/world.h"

TestSuite(udp, .timeout = 120);

static void join_udp(struct terminal *t, struct world *w, const char *phone)
{
	world_device(w, phone, NULL, "c0de");
	terminal_open(t, w, phone, false, true);
	terminal_log_in(t, "c0de");
}

static void frame(struct terminal *t, struct buf *out, unsigned n)
{
	cr_assert_eq(jt808_message_encode(0x0200, &t->like, location(n), JT808_BODY_MAX, &t->serial, out), STATUS_OK);
}

Test(udp, a_datagram_is_acknowledged_when_durable)
{
	struct world w;
	struct terminal t;
	struct ingest_options o = world_options();
	world_init(&w, &o, 1);
	join_udp(&t, &w, "13800000001");
	uint16_t serial = terminal_say(&t, 0x0200, location(1));
	WORLD_UNTIL(&w, w.count == 1);
	terminal_hears_nothing(&t);
	world_settle_all(&w);
	terminal_hear_ack(&t, serial, 0x0200, 0);
	terminal_close(&t);
	world_deinit(&w);
}

Test(udp, a_datagram_may_hold_several_frames_and_a_cut_one_spoils_no_other)
{
	struct world w;
	struct terminal t;
	struct buf wire = buf_init(4096);
	struct ingest_options o = world_options();
	world_init(&w, &o, 1);
	w.settles = true;
	join_udp(&t, &w, "13800000001");
	for (unsigned n = 0; n < 3; n++)
		frame(&t, &wire, n);
	terminal_send(&t, span_of(wire.data, wire.size - 10)); /* the third is cut */
	terminal_hear_ack(&t, 1, 0x0200, 0);
	terminal_hear_ack(&t, 2, 0x0200, 0);
	uint16_t serial = terminal_say(&t, 0x0200, location(9));
	terminal_hear_ack(&t, serial, 0x0200, 0);
	cr_assert_eq(w.count, 3);
	buf_deinit(&wire);
	terminal_close(&t);
	world_deinit(&w);
}

Test(udp, terminals_are_told_apart_by_their_address)
{
	struct world w;
	struct terminal a, b;
	struct ingest_options o = world_options();
	world_init(&w, &o, 1);
	w.settles = true;
	join_udp(&a, &w, "13800000001");
	join_udp(&b, &w, "13800000002");
	uint16_t of_a = terminal_say(&a, 0x0200, location(1));
	uint16_t of_b = terminal_say(&b, 0x0200, location(2));
	terminal_hear_ack(&a, of_a, 0x0200, 0);
	terminal_hear_ack(&b, of_b, 0x0200, 0);
	cr_assert_neq(w.entries[0].in.device, w.entries[1].in.device);
	terminal_close(&a);
	terminal_close(&b);
	world_deinit(&w);
}

Test(udp, a_busy_engine_leaves_datagrams_to_the_kernel_and_loses_none)
{
	struct world w;
	struct terminal t;
	struct ingest_options o = world_options();
	world_init(&w, &o, 1);
	join_udp(&t, &w, "13800000001");
	w.room = 2;
	for (unsigned n = 0; n < 10; n++)
		terminal_say(&t, 0x0200, location(n));
	WORLD_UNTIL(&w, world_counter(&w, INGEST_COUNT_PAUSES_ROOM) == 1);
	for (unsigned k = 0; k < 20; k++)
		world_turn(&w);
	/* the login, two that were taken, and the one that met the busy engine */
	cr_assert_eq(world_counter(&w, INGEST_COUNT_UDP_DATAGRAMS), 4);
	w.room = SIZE_MAX;
	world_room(&w);
	WORLD_UNTIL(&w, w.count == 10);
	world_settle_all(&w);
	for (unsigned n = 0; n < 10; n++)
		terminal_hear_ack(&t, (uint16_t)(n + 1), 0x0200, 0);
	terminal_close(&t);
	world_deinit(&w);
}

Test(udp, silent_peers_are_forgotten_and_the_table_is_bounded)
{
	struct world w;
	struct terminal t[3];
	struct ingest_options o = world_options();
	o.udp_peers_max = 2;
	o.heartbeat_ms = 100;
	world_init(&w, &o, 1);
	join_udp(&t[0], &w, "13800000001");
	join_udp(&t[1], &w, "13800000002");
	terminal_open(&t[2], &w, "13800000003", false, true);
	terminal_say(&t[2], 0x0002, (struct span){NULL, 0});
	WORLD_UNTIL(&w, world_counter(&w, INGEST_COUNT_UDP_PEERS_REFUSED) == 1);
	WORLD_UNTIL(&w, world_counter(&w, INGEST_COUNT_UDP_PEERS_CLOSED) == 2);
	world_device(&w, "13800000003", NULL, "c0de");
	terminal_log_in(&t[2], "c0de");
	for (unsigned k = 0; k < 3; k++)
		terminal_close(&t[k]);
	world_deinit(&w);
}

Test(udp, a_peer_that_registers_answers_its_later_datagrams_after_it)
{
	struct world w;
	struct terminal t;
	struct reply r;
	struct buf body = buf_init(512);
	struct ingest_options o = world_options();
	o.registration = REGISTER_OPEN;
	world_init(&w, &o, 1);
	terminal_open(&t, &w, "13800000001", false, true);
	struct jt808_register said = {.edition = JT808_2013, .plate_colour = 2, .plate = "闽C12345"};
	cr_assert_eq(jt808_register_encode(&said, &body), STATUS_OK);
	terminal_say(&t, 0x0100, buf_view(&body));
	uint16_t serial = terminal_say(&t, 0x0102, span_of_string("wrong"));
	terminal_hear(&t, &r);
	cr_assert_eq(r.header.message_id, 0x8100);
	terminal_hear_ack(&t, serial, 0x0102, 1);
	buf_deinit(&body);
	terminal_close(&t);
	world_deinit(&w);
}

Test(udp, what_the_kernel_drops_is_counted)
{
	struct world w;
	struct terminal t;
	struct ingest_stats stats;
	static uint8_t datagram[32768];
	struct ingest_options o = world_options();
	world_init(&w, &o, 1);
	terminal_open(&t, &w, "13800000001", false, true);
	/* more than any receive buffer holds, while no loop turns */
	for (unsigned k = 0; k < 2000; k++)
		(void)send(t.fd, datagram, sizeof datagram, MSG_NOSIGNAL);
	ingest_stats_read(w.ingest, &stats);
	cr_assert_gt(stats.udp_kernel_drops, 0);
	terminal_close(&t);
	world_deinit(&w);
}
