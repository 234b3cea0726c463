#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "ingest/listen/conn.h"
#include "support/allocations.h"
#include "unit/ingest_listen/world.h"

#define NO_BODY ((struct span){NULL, 0})

TestSuite(conn, .timeout = 240);

static void frame(struct terminal *t, struct buf *out, unsigned n)
{
	cr_assert_eq(jt808_message_encode(0x0200, &t->like, location(n), JT808_BODY_MAX, &t->serial, out), STATUS_OK);
}

Test(conn, a_frame_cut_at_any_byte_is_the_same_report)
{
	struct world w;
	struct terminal t;
	struct buf wire = buf_init(4096);
	struct ingest_options o = world_options();
	world_init(&w, &o, 1);
	w.settles = true;
	terminal_join(&t, &w, "13800000001", true);
	frame(&t, &wire, 0x7e7d); /* escapes in the position */
	for (size_t cut = 1; cut < wire.size; cut++) {
		uint64_t reads = world_counter(&w, INGEST_COUNT_READS);
		terminal_send(&t, span_of(wire.data, cut));
		WORLD_UNTIL(&w, world_counter(&w, INGEST_COUNT_READS) > reads);
		cr_assert_eq(w.count, cut - 1, "taken before its end, cut at %zu", cut);
		terminal_send(&t, span_of(wire.data + cut, wire.size - cut));
		terminal_hear_ack(&t, (uint16_t)(t.serial - 1), 0x0200, 0);
		cr_assert_eq(w.count, cut);
		cr_assert(span_equal(w.entries[cut - 1].in.body, location(0x7e7d)));
	}
	struct ingest_stats stats;
	ingest_stats_read(w.ingest, &stats);
	cr_assert_eq(stats.values[INGEST_COUNT_GARBAGE_BYTES], 0);
	for (unsigned k = 0; k < STATUS_COUNT; k++)
		cr_assert_eq(stats.frames_bad[k], 0);
	buf_deinit(&wire);
	terminal_close(&t);
	world_deinit(&w);
}

/* A device of the registry, logged in with frames set off by E7. */
static void join_private(struct terminal *t, struct world *w, const char *phone)
{
	world_device(w, phone, NULL, "code");
	terminal_open(t, w, phone, false, false);
	t->like.framing = JT808_FRAMING_PRIVATE;
	t->serial = 0x3de6; /* what is escaped there */
	terminal_log_in(t, "code");
}

Test(conn, a_private_frame_cut_at_any_byte_is_the_same_report_and_is_answered_alike)
{
	struct world w;
	struct terminal t;
	struct buf wire = buf_init(4096);
	struct ingest_options o = world_options();
	o.private_framing = true;
	world_init(&w, &o, 1);
	w.settles = true;
	join_private(&t, &w, "13800000001");
	frame(&t, &wire, 0x3e3d);
	cr_assert_eq(wire.data[0], 0xe7);
	for (size_t cut = 1; cut < wire.size; cut++) {
		uint64_t reads = world_counter(&w, INGEST_COUNT_READS);
		terminal_send(&t, span_of(wire.data, cut));
		WORLD_UNTIL(&w, world_counter(&w, INGEST_COUNT_READS) > reads);
		cr_assert_eq(w.count, cut - 1, "taken before its end, cut at %zu", cut);
		terminal_send(&t, span_of(wire.data + cut, wire.size - cut));
		terminal_hear_ack(&t, (uint16_t)(t.serial - 1), 0x0200, 0);
		cr_assert_eq(w.count, cut);
		cr_assert(span_equal(w.entries[cut - 1].in.body, location(0x3e3d)));
	}
	cr_assert_eq(world_counter(&w, INGEST_COUNT_GARBAGE_BYTES), 0);
	buf_deinit(&wire);
	terminal_close(&t);
	world_deinit(&w);
}

Test(conn, with_the_setting_on_standard_terminals_are_served_beside_private_ones)
{
	struct world w;
	struct terminal own, standard;
	struct ingest_options o = world_options();
	o.private_framing = true;
	world_init(&w, &o, 1);
	w.settles = true;
	join_private(&own, &w, "13800000001");
	world_device(&w, "13800000002", NULL, "code");
	terminal_open(&standard, &w, "13800000002", false, false);
	send(standard.fd, "\xe7", 1, MSG_NOSIGNAL); /* a stray flag of the other framing is garbage like any other */
	terminal_log_in(&standard, "code");
	for (unsigned n = 0xe6; n < 0xe9; n++) {
		terminal_hear_ack(&own, terminal_say(&own, 0x0200, location(n)), 0x0200, 0);
		terminal_hear_ack(&standard, terminal_say(&standard, 0x0200, location(n)), 0x0200, 0);
	}
	cr_assert_eq(world_counter(&w, INGEST_COUNT_GARBAGE_BYTES), 1);
	terminal_close(&own);
	terminal_close(&standard);
	world_deinit(&w);
}

Test(conn, with_the_setting_off_a_private_frame_is_a_spoiled_one)
{
	struct ingest_stats stats;
	struct world w;
	struct terminal t;
	struct buf wire = buf_init(4096);
	struct ingest_options o = world_options();
	world_init(&w, &o, 1);
	terminal_join(&t, &w, "13800000001", false);
	t.like.framing = JT808_FRAMING_PRIVATE;
	frame(&t, &wire, 1);
	t.like.framing = JT808_FRAMING_STANDARD;
	cr_assert_null(memchr(wire.data, 0x7e, wire.size));
	terminal_send(&t, buf_view(&wire));
	terminal_hears_nothing(&t);
	cr_assert_eq(world_count(&w, INTAKE_REPORT), 0);
	/* between the flags that end one frame and open the next; how it is spoiled depends on its escapes */
	uint64_t bad = 0;
	ingest_stats_read(w.ingest, &stats);
	for (unsigned k = 0; k < STATUS_COUNT; k++)
		bad += stats.frames_bad[k];
	cr_assert_eq(bad, 1);
	buf_deinit(&wire);
	terminal_close(&t);
	world_deinit(&w);
}

Test(conn, ascii_frames_on_the_same_port_are_skipped_and_counted)
{
	static const char padlock[] = "(P45,1,2)";
	struct world w;
	struct terminal t;
	struct ingest_options o = world_options();
	world_init(&w, &o, 1);
	w.settles = true;
	terminal_join(&t, &w, "13800000001", false);
	for (unsigned k = 1; k <= 3; k++) {
		terminal_send(&t, span_of_string(padlock));
		terminal_hear_ack(&t, terminal_say(&t, 0x0200, location(k)), 0x0200, 0);
		/* the closing flag of the frame before is skipped with it */
		cr_assert_eq(world_counter(&w, INGEST_COUNT_GARBAGE_BYTES), k * (strlen(padlock) + 1));
	}
	struct ingest_stats stats;
	ingest_stats_read(w.ingest, &stats);
	for (unsigned k = 0; k < STATUS_COUNT; k++)
		cr_assert_eq(stats.frames_bad[k], 0);
	terminal_close(&t);
	world_deinit(&w);
}

Test(conn, a_frame_sent_byte_by_byte_is_taken_once)
{
	struct world w;
	struct terminal t;
	struct buf wire = buf_init(4096);
	struct ingest_options o = world_options();
	world_init(&w, &o, 1);
	w.settles = true;
	terminal_join(&t, &w, "13800000001", false);
	frame(&t, &wire, 1);
	frame(&t, &wire, 2);
	for (size_t k = 0; k < wire.size; k++) {
		uint64_t reads = world_counter(&w, INGEST_COUNT_READS);
		terminal_send(&t, span_of(wire.data + k, 1));
		WORLD_UNTIL(&w, world_counter(&w, INGEST_COUNT_READS) > reads);
	}
	terminal_hear_ack(&t, 1, 0x0200, 0);
	terminal_hear_ack(&t, 2, 0x0200, 0);
	cr_assert_eq(w.count, 2);
	buf_deinit(&wire);
	terminal_close(&t);
	world_deinit(&w);
}

Test(conn, one_flag_may_end_a_frame_and_begin_the_next_in_another_read)
{
	struct world w;
	struct terminal t;
	struct buf wire = buf_init(4096);
	struct ingest_options o = world_options();
	world_init(&w, &o, 1);
	w.settles = true;
	terminal_join(&t, &w, "13800000001", false);
	for (unsigned n = 1; n < 6; n++) {
		buf_clear(&wire);
		frame(&t, &wire, n);
		/* the first frame after the login comes whole, the others without their opening flag */
		terminal_send(&t, span_of(wire.data + (n > 1), wire.size - (n > 1)));
		terminal_hear_ack(&t, (uint16_t)n, 0x0200, 0);
	}
	cr_assert_eq(w.count, 5);
	buf_deinit(&wire);
	terminal_close(&t);
	world_deinit(&w);
}

Test(conn, a_bad_frame_costs_only_itself_and_is_kept_for_a_look)
{
	struct world w;
	struct terminal t;
	struct buf wire = buf_init(8192);
	struct ingest_stats stats;
	struct ingest_options o = world_options();
	world_init(&w, &o, 1);
	w.settles = true;
	terminal_join(&t, &w, "13800000001", false);
	frame(&t, &wire, 1);
	size_t bad_at = wire.size;
	frame(&t, &wire, 2);
	wire.data[bad_at + 20] ^= 0x11; /* checksum */
	cr_assert_eq(buf_append(&wire, "\x7e\x01\x7d\x05\x02\x7e", 6), STATUS_OK);
	cr_assert_eq(buf_append(&wire, "\x7e\x01\x01\x7e", 4), STATUS_OK);
	frame(&t, &wire, 3);
	terminal_send(&t, buf_view(&wire));
	terminal_hear_ack(&t, 1, 0x0200, 0);
	terminal_hear_ack(&t, 3, 0x0200, 0);
	ingest_stats_read(w.ingest, &stats);
	cr_assert_eq(stats.frames_bad[STATUS_BAD_CHECKSUM], 1);
	cr_assert_eq(stats.frames_bad[STATUS_BAD_ESCAPE], 1);
	cr_assert_eq(stats.frames_bad[STATUS_BAD_LENGTH], 1);
	cr_assert_eq(world_count(&w, INTAKE_QUARANTINE), 3);
	cr_assert_eq(world_count(&w, INTAKE_REPORT), 2);
	buf_deinit(&wire);
	terminal_close(&t);
	world_deinit(&w);
}

Test(conn, a_header_that_lies_about_its_length_is_a_bad_frame)
{
	struct world w;
	struct terminal t;
	struct ingest_stats stats;
	struct buf content = buf_init(4096), wire = buf_init(4096);
	struct ingest_options o = world_options();
	world_init(&w, &o, 1);
	terminal_join(&t, &w, "13800000001", false);
	struct jt808_header h = t.like;
	h.message_id = 0x0200;
	cr_assert_eq(jt808_header_encode(&h, 40, &content), STATUS_OK);
	cr_assert_eq(buf_append(&content, location(1).data, 28), STATUS_OK);
	cr_assert_eq(jt808_frame_encode(buf_view(&content), &wire), STATUS_OK);
	terminal_send(&t, buf_view(&wire));
	terminal_hears_nothing(&t);
	ingest_stats_read(w.ingest, &stats);
	cr_assert_eq(stats.frames_bad[STATUS_BAD_LENGTH], 1);
	cr_assert_eq(world_count(&w, INTAKE_REPORT), 0);
	buf_deinit(&content);
	buf_deinit(&wire);
	terminal_close(&t);
	world_deinit(&w);
}

Test(conn, nothing_but_garbage_is_hung_up_on_and_fills_no_disk)
{
	struct world w;
	struct terminal t;
	uint8_t garbage[4096];
	struct ingest_options o = world_options();
	o.garbage_bytes_max = 20000;
	o.quarantine_per_minute = 10;
	world_init(&w, &o, 1);
	terminal_open(&t, &w, "13800000001", false, false);
	for (size_t k = 0; k < sizeof garbage; k++)
		garbage[k] = k % 16 ? (uint8_t)k : 0x7e;
	for (unsigned k = 0; k < 5; k++)
		send(t.fd, garbage, sizeof garbage, MSG_NOSIGNAL);
	WORLD_UNTIL(&w, terminal_is_closed(&t));
	cr_assert_eq(world_counter(&w, INGEST_COUNT_CLOSED_GARBAGE), 1);
	cr_assert_leq(world_count(&w, INTAKE_QUARANTINE), 11);
	cr_assert_gt(world_counter(&w, INGEST_COUNT_QUARANTINE_SKIPPED), 100);
	terminal_close(&t);
	world_deinit(&w);
}

/* --- back-pressure --- */

Test(conn, when_the_engine_is_busy_reading_stops_and_nothing_is_lost)
{
	struct world w;
	struct terminal t;
	struct buf wire = buf_init(1 << 20);
	struct ingest_options o = world_options();
	world_init(&w, &o, 1);
	terminal_join(&t, &w, "13800000001", false);
	for (unsigned n = 0; n < 500; n++)
		frame(&t, &wire, n);
	w.room = 3;
	terminal_send(&t, buf_view(&wire));
	WORLD_UNTIL(&w, world_counter(&w, INGEST_COUNT_PAUSES_ROOM) == 1);
	uint64_t reads = world_counter(&w, INGEST_COUNT_READS);
	for (unsigned k = 0; k < 50; k++)
		world_turn(&w);
	cr_assert_eq(w.count, 3);
	cr_assert_eq(world_counter(&w, INGEST_COUNT_READS), reads, "it reads on");
	while (w.count < 500) {
		w.room = 7;
		world_room(&w);
		WORLD_UNTIL(&w, w.room == 0 || w.count == 500);
	}
	w.room = 10;
	world_settle_all(&w);
	for (unsigned n = 0; n < 500; n++) {
		terminal_hear_ack(&t, (uint16_t)(n + 1), 0x0200, 0);
		cr_assert_eq(w.entries[n].report.time_ms, INT64_C(1777564800000) + n * 1000);
	}
	cr_assert_eq(w.count, 500);
	buf_deinit(&wire);
	terminal_close(&t);
	world_deinit(&w);
}

Test(conn, a_batch_interrupted_by_a_busy_engine_gives_each_report_once)
{
	struct world w;
	struct terminal t;
	struct buf body = buf_init(4096);
	struct ingest_options o = world_options();
	world_init(&w, &o, 1);
	terminal_join(&t, &w, "13800000001", false);
	cr_assert_eq(buf_append_be16(&body, 20), STATUS_OK);
	cr_assert_eq(buf_append_u8(&body, 0), STATUS_OK);
	for (unsigned k = 0; k < 20; k++) {
		cr_assert_eq(buf_append_be16(&body, 28), STATUS_OK);
		cr_assert_eq(buf_append(&body, location(k).data, 28), STATUS_OK);
	}
	w.room = 1;
	uint16_t serial = terminal_say(&t, 0x0704, buf_view(&body));
	for (unsigned k = 1; k < 20; k++) {
		WORLD_UNTIL(&w, world_counter(&w, INGEST_COUNT_PAUSES_ROOM) == k);
		cr_assert_eq(w.count, k);
		w.room = 1;
		world_room(&w);
	}
	WORLD_UNTIL(&w, w.count == 20);
	for (unsigned k = 0; k < 20; k++)
		cr_assert_eq(w.entries[k].report.time_ms, INT64_C(1777564800000) + k * 1000);
	w.room = 1;
	world_settle_all(&w);
	terminal_hear_ack(&t, serial, 0x0704, 0);
	cr_assert_eq(world_counter(&w, INGEST_COUNT_REPORTS), 20);
	buf_deinit(&body);
	terminal_close(&t);
	world_deinit(&w);
}

Test(conn, those_who_wait_for_room_are_served_in_turn)
{
	struct world w;
	struct terminal t[8];
	char phone[16];
	struct ingest_options o = world_options();
	world_init(&w, &o, 1);
	for (unsigned k = 0; k < 8; k++) {
		snprintf(phone, sizeof phone, "1380000000%u", k);
		terminal_join(&t[k], &w, phone, false);
	}
	w.room = 0;
	for (unsigned k = 0; k < 8; k++) {
		terminal_say(&t[k], 0x0200, location(k));
		terminal_say(&t[k], 0x0200, location(100 + k));
		WORLD_UNTIL(&w, world_counter(&w, INGEST_COUNT_PAUSES_ROOM) == k + 1);
	}
	for (unsigned k = 0; k < 8; k++) {
		w.room = 1;
		world_room(&w);
	}
	cr_assert_eq(w.count, 8);
	for (unsigned k = 0; k < 8; k++)
		cr_assert_eq(w.entries[k].report.time_ms, INT64_C(1777564800000) + k * 1000);
	for (unsigned k = 0; k < 8; k++)
		terminal_close(&t[k]);
	world_deinit(&w);
}

Test(conn, a_full_disk_stops_reading_until_it_has_room_again)
{
	struct world w;
	struct terminal t;
	struct ingest_options o = world_options();
	o.drain_ms = 40;
	world_init(&w, &o, 1);
	w.settles = true;
	terminal_join(&t, &w, "13800000001", false);
	w.submit_status = STATUS_NO_SPACE;
	uint16_t serial = terminal_say(&t, 0x0200, location(1));
	WORLD_UNTIL(&w, world_counter(&w, INGEST_COUNT_PAUSES_FAULT) >= 3); /* it tries again */
	cr_assert_eq(w.count, 0);
	w.submit_status = STATUS_OK;
	terminal_hear_ack(&t, serial, 0x0200, 0);
	cr_assert_eq(w.count, 1);
	terminal_close(&t);
	world_deinit(&w);
}

/* --- replies --- */

Test(conn, what_settles_together_leaves_in_one_write)
{
	struct world w;
	struct terminal t;
	struct buf wire = buf_init(1 << 16);
	struct ingest_options o = world_options();
	world_init(&w, &o, 1);
	terminal_join(&t, &w, "13800000001", false);
	for (unsigned n = 0; n < 64; n++)
		frame(&t, &wire, n);
	terminal_send(&t, buf_view(&wire));
	WORLD_UNTIL(&w, w.count == 64);
	uint64_t writes = world_counter(&w, INGEST_COUNT_WRITES);
	world_settle_all(&w);
	for (unsigned n = 0; n < 64; n++)
		terminal_hear_ack(&t, (uint16_t)(n + 1), 0x0200, 0);
	cr_assert_eq(world_counter(&w, INGEST_COUNT_WRITES), writes + 1);
	buf_deinit(&wire);
	terminal_close(&t);
	world_deinit(&w);
}

/* Frames of one terminal on their way to the engine and back, until all are acknowledged. */
static void pump(struct world *w, struct terminal *t, const struct buf *wire, size_t frames)
{
	size_t heard = 0;
	struct span rest = buf_view(wire);
	while (heard < frames) {
		ssize_t n = rest.size ? send(t->fd, rest.data, rest.size, MSG_NOSIGNAL) : 0;
		if (n > 0) {
			rest.data += n;
			rest.size -= (size_t)n;
		}
		world_turn(w);
		size_t open = w->count - w->settled;
		cr_assert_leq(open * 2 * JT808_ACK_MAX, 65536 + 2 * JT808_ACK_MAX);
		world_settle_all(w);
		for (; open != 0; open--)
			terminal_hear_ack(t, (uint16_t)(++heard), 0x0200, 0);
	}
}

Test(conn, a_flood_is_taken_no_faster_than_its_replies_can_leave)
{
	struct world w;
	struct terminal t;
	struct buf wire = buf_init(4 << 20);
	struct ingest_options o = world_options();
	world_init(&w, &o, 1);
	terminal_join(&t, &w, "13800000001", false);
	for (unsigned n = 0; n < 20000; n++)
		frame(&t, &wire, n);
	pump(&w, &t, &wire, 20000);
	cr_assert_eq(w.count, 20000);
	for (unsigned n = 0; n < 20000; n++)
		cr_assert_eq(w.entries[n].report.time_ms, INT64_C(1777564800000) + n * 1000);
	buf_deinit(&wire);
	terminal_close(&t);
	world_deinit(&w);
}

Test(conn, more_replies_than_cells_all_leave_in_order)
{
	enum { TERMINALS = 20, REPORTS = 600 };
	struct world w;
	static struct terminal t[TERMINALS];
	char phone[16];
	struct ingest_options o = world_options();
	world_init(&w, &o, 1);
	for (unsigned k = 0; k < TERMINALS; k++) {
		struct buf wire = buf_init(1 << 20);
		snprintf(phone, sizeof phone, "138000000%02u", k);
		terminal_join(&t[k], &w, phone, false);
		for (unsigned n = 0; n < REPORTS; n++)
			frame(&t[k], &wire, n);
		terminal_send(&t[k], buf_view(&wire));
		buf_deinit(&wire);
	}
	WORLD_UNTIL(&w, w.count == TERMINALS * REPORTS);
	world_settle_all(&w);
	for (unsigned k = 0; k < TERMINALS; k++) {
		for (unsigned n = 0; n < REPORTS; n++)
			terminal_hear_ack(&t[k], (uint16_t)(n + 1), 0x0200, 0);
		terminal_close(&t[k]);
	}
	world_deinit(&w);
}

/* A terminal whose receive window does not grow. */
static void join_narrow(struct terminal *t, struct world *w)
{
	int bytes = 128 << 10;
	terminal_join(t, w, "13800000001", false);
	setsockopt(t->fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes);
}

static bool stopped(struct world *w)
{
	return world_counter(w, INGEST_COUNT_PAUSES_WRITE) != 0;
}

/* Send reports and read nothing until the server stops reading. */
static void fill(struct terminal *t, struct world *w)
{
	struct buf wire = buf_init(4096);
	for (unsigned n = 0; !stopped(w); n++) {
		buf_clear(&wire);
		frame(t, &wire, n);
		for (size_t sent = 0; sent < wire.size && !stopped(w);) {
			ssize_t s = send(t->fd, wire.data + sent, wire.size - sent, MSG_NOSIGNAL);
			sent += s > 0 ? (size_t)s : 0;
			if (s < 0 || n % 64 == 0)
				world_turn(w);
		}
	}
	buf_deinit(&wire);
}

Test(conn, a_terminal_that_reads_no_replies_is_stopped_and_then_closed)
{
	struct world w;
	struct terminal t;
	struct ingest_options o = world_options();
	o.slow_ms = 200;
	world_init(&w, &o, 1);
	w.settles = true;
	join_narrow(&t, &w);
	fill(&t, &w);
	uint64_t reads = world_counter(&w, INGEST_COUNT_READS);
	WORLD_UNTIL(&w, world_counter(&w, INGEST_COUNT_CLOSED_SLOW) == 1);
	cr_assert_eq(world_counter(&w, INGEST_COUNT_READS), reads);
	terminal_close(&t);
	world_deinit(&w);
}

Test(conn, a_terminal_that_reads_late_gets_every_reply_in_order)
{
	struct world w;
	struct terminal t;
	struct ingest_options o = world_options();
	world_init(&w, &o, 1);
	w.settles = true;
	join_narrow(&t, &w);
	fill(&t, &w);
	for (size_t n = 0; n < w.count; n++)
		terminal_hear_ack(&t, (uint16_t)(n + 1), 0x0200, 0);
	cr_assert_eq(world_counter(&w, INGEST_COUNT_CLOSED_SLOW), 0);
	terminal_close(&t);
	world_deinit(&w);
}

/* --- memory --- */

Test(conn, from_the_socket_to_the_acknowledgement_nothing_is_allocated)
{
	struct world w;
	struct terminal t;
	struct buf wire = buf_init(1 << 16);
	uint8_t replies[4096];
	struct ingest_options o = world_options();
	world_init(&w, &o, 1);
	w.forgets = true;
	w.capacity = 1000;
	w.entries = calloc(w.capacity, sizeof *w.entries);
	terminal_join(&t, &w, "13800000001", false);
	for (unsigned n = 0; n < 100; n++)
		frame(&t, &wire, n);
	uint64_t before = 0;
	for (unsigned round = 0; round < 4; round++) {
		/* a partial frame, then the rest of it and more: the first round fills the pools */
		size_t cut = wire.size / 2 + 10;
		terminal_send(&t, span_of(wire.data, cut));
		world_turn(&w);
		terminal_send(&t, span_of(wire.data + cut, wire.size - cut));
		WORLD_UNTIL(&w, w.count == 100 * (round + 1));
		world_settle_all(&w);
		for (ssize_t heard = 0; heard < 100 * 15;) {
			world_turn(&w);
			ssize_t n = recv(t.fd, replies, sizeof replies, 0);
			heard += n > 0 ? n : 0;
		}
		if (round == 0)
			before = allocations();
		cr_assert_eq(allocations(), before, "%lu in round %u", (unsigned long)(allocations() - before), round);
	}
	buf_deinit(&wire);
	terminal_close(&t);
	world_deinit(&w);
}

Test(conn, an_idle_connection_takes_little_memory)
{
	/* libuv's handle is 248 bytes of it; 8 KiB are allowed with everything else of a terminal */
	cr_assert_leq(sizeof(struct conn_tcp), 512);
	cr_assert_leq(sizeof(struct conn_udp), 288);
}

/* --- ends --- */

Test(conn, a_terminal_that_shuts_its_side_still_gets_its_acknowledgement)
{
	struct world w;
	struct terminal t;
	struct ingest_options o = world_options();
	o.drain_ms = 20000;
	world_init(&w, &o, 1);
	terminal_join(&t, &w, "13800000001", false);
	uint16_t serial = terminal_say(&t, 0x0200, location(1));
	shutdown(t.fd, SHUT_WR);
	WORLD_UNTIL(&w, w.count == 1);
	for (unsigned k = 0; k < 20; k++)
		world_turn(&w);
	world_settle_all(&w);
	terminal_hear_ack(&t, serial, 0x0200, 0);
	WORLD_UNTIL(&w, terminal_is_closed(&t));
	terminal_close(&t);
	world_deinit(&w);
}

Test(conn, three_silent_heartbeats_close_a_connection_and_a_word_keeps_it)
{
	struct world w;
	struct terminal talks, silent;
	struct ingest_options o = world_options();
	o.heartbeat_ms = 100;
	world_init(&w, &o, 1);
	terminal_join(&talks, &w, "13800000001", false);
	terminal_join(&silent, &w, "13800000002", false);
	while (world_counter(&w, INGEST_COUNT_CLOSED_IDLE) == 0)
		terminal_hears_nothing(&talks);
	WORLD_UNTIL(&w, terminal_is_closed(&silent));
	terminal_hears_nothing(&talks);
	terminal_close(&talks);
	terminal_close(&silent);
	world_deinit(&w);
}

Test(conn, connections_over_the_limit_are_closed_at_once)
{
	struct world w;
	struct terminal t[3];
	struct ingest_options o = world_options();
	o.connections_max = 2;
	world_init(&w, &o, 1);
	terminal_join(&t[0], &w, "13800000001", false);
	terminal_join(&t[1], &w, "13800000002", false);
	terminal_open(&t[2], &w, "13800000003", false, false);
	WORLD_UNTIL(&w, terminal_is_closed(&t[2]));
	cr_assert_eq(world_counter(&w, INGEST_COUNT_CONNECTIONS_REFUSED), 1);
	terminal_close(&t[0]);
	WORLD_UNTIL(&w, world_counter(&w, INGEST_COUNT_CONNECTIONS_CLOSED) == 1);
	terminal_close(&t[2]);
	terminal_join(&t[2], &w, "13800000003", false);
	terminal_hears_nothing(&t[1]);
	terminal_close(&t[1]);
	terminal_close(&t[2]);
	world_deinit(&w);
}

Test(conn, stopping_waits_for_what_is_not_durable_yet)
{
	struct world w;
	struct terminal t;
	struct ingest_options o = world_options();
	o.drain_ms = 20000;
	world_init(&w, &o, 1);
	terminal_join(&t, &w, "13800000001", false);
	uint16_t serial = terminal_say(&t, 0x0200, location(1));
	WORLD_UNTIL(&w, w.count == 1);
	ingest_shard_stop(w.ingest, &w.shards[0]);
	for (unsigned k = 0; k < 20; k++)
		world_turn(&w);
	cr_assert(!terminal_is_closed(&t));
	world_settle_all(&w);
	terminal_hear_ack(&t, serial, 0x0200, 0);
	WORLD_UNTIL(&w, terminal_is_closed(&t));
	terminal_close(&t);
	world_deinit(&w);
}

Test(conn, stopping_does_not_wait_forever)
{
	struct world w;
	struct terminal t;
	struct ingest_options o = world_options();
	o.drain_ms = 100;
	world_init(&w, &o, 1);
	terminal_join(&t, &w, "13800000001", false);
	terminal_say(&t, 0x0200, location(1));
	WORLD_UNTIL(&w, w.count == 1);
	terminal_close(&t);
	world_deinit(&w); /* never settles; the loops end all the same */
}
