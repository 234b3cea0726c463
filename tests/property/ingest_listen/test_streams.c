/* test_streams.c -- whatever a stream is made of and however it is cut, each good frame is taken once, in order. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "unit/ingest_listen/world.h"

#define ROUNDS 30
#define PIECES 200

TestSuite(streams, .timeout = 600);

static uint64_t random_state;

static uint32_t random_u32(void)
{
	/* xorshift64*, Vigna 2016 */
	random_state ^= random_state >> 12;
	random_state ^= random_state << 25;
	random_state ^= random_state >> 27;
	return (uint32_t)(random_state * UINT64_C(2685821657736338717) >> 32);
}

static unsigned below(unsigned n)
{
	return random_u32() % n;
}

static uint64_t seed_of_this_run(void)
{
	const char *text = getenv("ZAYTON_SEED");
	uint64_t seed = text ? strtoull(text, NULL, 0) : (uint64_t)world_clock() | 1;
	printf("ZAYTON_SEED=%llu\n", (unsigned long long)seed);
	return seed;
}

struct stream {
	struct buf wire;
	unsigned good;            /* reports in good frames */
	uint16_t serials[PIECES]; /* what is acknowledged, in order */
	uint16_t messages[PIECES];
	unsigned acks;
};

static void add_report(struct stream *s, struct terminal *t)
{
	s->serials[s->acks] = t->serial;
	s->messages[s->acks++] = 0x0200;
	cr_assert_eq(jt808_message_encode(0x0200, &t->like, location(s->good++), JT808_BODY_MAX, &t->serial, &s->wire),
		     STATUS_OK);
}

static void add_batch(struct stream *s, struct terminal *t)
{
	struct buf body = buf_init(8192);
	unsigned n = 1 + below(9);
	cr_assert_eq(buf_append_be16(&body, (uint16_t)n), STATUS_OK);
	cr_assert_eq(buf_append_u8(&body, (uint8_t)below(2)), STATUS_OK);
	for (unsigned k = 0; k < n; k++) {
		cr_assert_eq(buf_append_be16(&body, 28), STATUS_OK);
		location_body(&body, s->good++);
	}
	s->serials[s->acks] = t->serial;
	s->messages[s->acks++] = 0x0704;
	cr_assert_eq(jt808_message_encode(0x0704, &t->like, buf_view(&body), JT808_BODY_MAX, &t->serial, &s->wire),
		     STATUS_OK);
	buf_deinit(&body);
}

/* A frame with one byte changed that is no flag and makes none; nobody acknowledges it. */
static void add_bad(struct stream *s, struct terminal *t)
{
	size_t from = s->wire.size;
	cr_assert_eq(jt808_message_encode(0x0200, &t->like, location(77), JT808_BODY_MAX, &t->serial, &s->wire),
		     STATUS_OK);
	size_t at = from + 3 + below((unsigned)(s->wire.size - from - 6));
	uint8_t *byte = s->wire.data + at;
	if (*byte != 0x7d && byte[-1] != 0x7d && (*byte ^ 1) != 0x7e && (*byte ^ 1) != 0x7d)
		*byte ^= 1;
	else
		s->wire.data[from + 2] ^= 0x40;
}

static void add_noise(struct stream *s)
{
	/* the frame before keeps its end */
	cr_assert_eq(buf_append_u8(&s->wire, 0x7e), STATUS_OK);
	for (unsigned n = below(30); n != 0; n--) {
		uint8_t byte = (uint8_t)random_u32();
		cr_assert_eq(buf_append_u8(&s->wire, byte == 0x7e ? 0 : byte), STATUS_OK);
	}
	cr_assert_eq(buf_append_u8(&s->wire, 0x7e), STATUS_OK);
}

static void make(struct stream *s, struct terminal *t)
{
	*s = (struct stream){.wire = buf_init(1 << 20)};
	add_report(s, t);
	for (unsigned k = 1; k < PIECES - 1; k++) {
		switch (below(8)) {
		case 0:
			add_batch(s, t);
			break;
		case 1:
			add_bad(s, t);
			break;
		case 2:
			add_noise(s);
			break;
		default:
			add_report(s, t);
		}
		/* one flag for two frames: the next brings its own */
		if (below(3) == 0 && s->wire.data[s->wire.size - 1] == 0x7e)
			s->wire.size--;
	}
	add_report(s, t);
}

/* Send in random pieces while the engine has room now and then and settles what it likes. */
static void push(struct world *w, struct terminal *t, const struct stream *s)
{
	struct span rest = buf_view(&s->wire);
	int64_t since_ns = world_clock();
	while (rest.size != 0 || w->settled < w->count || world_count(w, INTAKE_REPORT) < s->good) {
		size_t piece = 1 + below(below(4) ? 40 : 4000);
		if (piece > rest.size)
			piece = rest.size;
		ssize_t n = piece ? send(t->fd, rest.data, piece, MSG_NOSIGNAL) : 0;
		if (n > 0) {
			rest.data += n;
			rest.size -= (size_t)n;
		}
		w->room = below(8);
		world_room(w);
		world_turn(w);
		world_settle(w, below(12), STATUS_OK);
		cr_assert(!world_late(since_ns), "the stream does not end");
	}
}

Test(streams, each_good_frame_is_taken_once_in_order_and_acknowledged_once)
{
	random_state = seed_of_this_run();
	for (unsigned round = 0; round < ROUNDS; round++) {
		struct world w;
		struct terminal t;
		struct stream s;
		struct ingest_options o = world_options();
		o.quarantine_per_minute = below(2) ? 0 : 100000;
		o.connection_bytes_max = 8192 + below(60000);
		world_init(&w, &o, 1);
		terminal_join(&t, &w, "13800000001", below(2));
		make(&s, &t);
		push(&w, &t, &s);
		unsigned report = 0;
		for (size_t k = 0; k < w.count; k++) {
			if (w.entries[k].in.kind != INTAKE_REPORT)
				continue;
			cr_assert(span_equal(w.entries[k].in.body, location(report)), "report %u", report);
			report++;
		}
		cr_assert_eq(report, s.good);
		for (unsigned k = 0; k < s.acks; k++)
			terminal_hear_ack(&t, s.serials[k], s.messages[k], 0);
		w.room = 10;
		terminal_hears_nothing(&t);
		buf_deinit(&s.wire);
		terminal_close(&t);
		world_deinit(&w);
	}
}

/* Bytes that are no protocol at all, and frames of every id with bodies of chance: nothing falls, everything is
 * counted or answered, and an honest terminal beside is served. */
Test(streams, bodies_of_chance_harm_nobody)
{
	random_state = seed_of_this_run();
	struct world w;
	struct terminal honest;
	struct ingest_options o = world_options();
	o.registration = REGISTER_OPEN;
	o.auth_required = false;
	o.garbage_bytes_max = 1 << 30;
	world_init(&w, &o, 1);
	w.settles = true;
	terminal_join(&honest, &w, "13800000009", false);
	for (unsigned round = 0; round < 40; round++) {
		struct terminal t;
		struct buf wire = buf_init(1 << 20), body = buf_init(4096);
		terminal_open(&t, &w, "13800000001", below(2), below(2));
		for (unsigned k = 0; k < 100; k++) {
			static const uint16_t ids[] = {0x0001, 0x0002, 0x0003, 0x0004, 0x0005, 0x0100, 0x0102,
						       0x0107, 0x0200, 0x0201, 0x0500, 0x0702, 0x0704, 0x0705,
						       0x0800, 0x0801, 0x0900, 0x1003, 0x8001, 0xe000};
			buf_clear(&wire);
			buf_clear(&body);
			for (unsigned n = below(60); n != 0; n--)
				cr_assert_eq(buf_append_u8(&body, (uint8_t)random_u32()), STATUS_OK);
			uint16_t id = ids[below(sizeof ids / sizeof *ids)];
			size_t packet = below(4) ? JT808_BODY_MAX : 1 + below(20);
			cr_assert_eq(jt808_message_encode(id, &t.like, buf_view(&body), packet, &t.serial, &wire),
				     STATUS_OK);
			if (below(6) == 0 && wire.size)
				wire.data[below((unsigned)wire.size)] = (uint8_t)random_u32();
			(void)send(t.fd, wire.data, wire.size, MSG_NOSIGNAL);
			world_turn(&w);
		}
		terminal_hears_nothing(&honest);
		buf_deinit(&wire);
		buf_deinit(&body);
		terminal_close(&t);
	}
	uint16_t serial = terminal_say(&honest, 0x0200, location(1));
	terminal_hear_ack(&honest, serial, 0x0200, 0);
	terminal_close(&honest);
	world_deinit(&w);
}
