#include <criterion/criterion.h>

#include "unit/ingest_listen/world.h"

#define PARTS 5
#define PART_BYTES 40

TestSuite(split_jt808, .timeout = 120);

/* A message of PARTS packets, each a frame of its own. */
struct split {
	uint8_t body[PARTS * PART_BYTES];
	struct buf frames[PARTS];
	uint16_t first_serial;
};

static void split_make(struct split *s, struct terminal *t, uint16_t message_id)
{
	s->first_serial = t->serial;
	for (unsigned k = 0; k < PARTS; k++) {
		struct buf content = buf_init(4096);
		struct jt808_header h = t->like;
		h.message_id = message_id;
		h.serial = t->serial++;
		h.is_fragment = true;
		h.fragment_total = PARTS;
		h.fragment_index = (uint16_t)(k + 1);
		s->frames[k] = buf_init(4096);
		cr_assert_eq(jt808_header_encode(&h, PART_BYTES, &content), STATUS_OK);
		cr_assert_eq(buf_append(&content, s->body + k * PART_BYTES, PART_BYTES), STATUS_OK);
		cr_assert_eq(jt808_frame_encode(buf_view(&content), &s->frames[k]), STATUS_OK);
		buf_deinit(&content);
	}
}

static void split_free(struct split *s)
{
	for (unsigned k = 0; k < PARTS; k++)
		buf_deinit(&s->frames[k]);
}

static void fill_body(struct split *s)
{
	for (unsigned k = 0; k < sizeof s->body; k++)
		s->body[k] = (uint8_t)(k * 7);
}

Test(split_jt808, packets_in_any_order_make_the_message_whole)
{
	static const unsigned order[PARTS] = {3, 0, 4, 2, 1};
	struct world w;
	struct terminal t;
	struct split s;
	struct ingest_options o = world_options();
	world_init(&w, &o, 1);
	terminal_join(&t, &w, "13800000001", false);
	fill_body(&s);
	split_make(&s, &t, 0x0900);
	for (unsigned k = 0; k < PARTS - 1; k++) {
		terminal_send(&t, buf_view(&s.frames[order[k]]));
		WORLD_UNTIL(&w, w.count == k + 1);
		terminal_hears_nothing(&t);
		cr_assert_eq(w.entries[k].in.kind, INTAKE_FRAGMENT);
		cr_assert_eq(w.entries[k].in.fragment_index, order[k] + 1);
		cr_assert_eq(w.entries[k].in.fragment_total, PARTS);
		world_settle_all(&w);
		terminal_hear_ack(&t, (uint16_t)(s.first_serial + order[k]), 0x0900, 0);
	}
	/* the last packet is acknowledged with the whole message, not before */
	terminal_send(&t, buf_view(&s.frames[order[PARTS - 1]]));
	WORLD_UNTIL(&w, w.count == PARTS + 1);
	cr_assert_eq(w.entries[PARTS - 1].in.kind, INTAKE_FRAGMENT);
	cr_assert_eq(w.entries[PARTS].in.kind, INTAKE_MESSAGE);
	cr_assert(span_equal(w.entries[PARTS].in.body, span_of(s.body, sizeof s.body)));
	world_settle(&w, 1, STATUS_OK);
	terminal_hears_nothing(&t);
	world_settle_all(&w);
	terminal_hear_ack(&t, (uint16_t)(s.first_serial + order[PARTS - 1]), 0x0900, 0);
	cr_assert_eq(world_counter(&w, INGEST_COUNT_SPLIT_WHOLE), 1);
	split_free(&s);
	terminal_close(&t);
	world_deinit(&w);
}

Test(split_jt808, a_split_batch_gives_its_reports_even_when_the_engine_is_busy_in_the_middle)
{
	struct world w;
	struct terminal t;
	struct split s;
	struct ingest_options o = world_options();
	world_init(&w, &o, 1);
	terminal_join(&t, &w, "13800000001", false);
	memset(s.body, 0, sizeof s.body);
	store_be16(s.body, 6);
	for (unsigned k = 0; k < 6; k++) {
		store_be16(s.body + 3 + k * 30, 28);
		memcpy(s.body + 5 + k * 30, location(k).data, 28);
	}
	/* the rest, 17 bytes of zeros, are empty bodies: refused one by one */
	split_make(&s, &t, 0x0704);
	for (unsigned k = 0; k < PARTS - 1; k++) {
		terminal_send(&t, buf_view(&s.frames[k]));
		WORLD_UNTIL(&w, w.count == k + 1);
		world_settle_all(&w);
		terminal_hear_ack(&t, (uint16_t)(s.first_serial + k), 0x0704, 0);
	}
	w.room = 1;
	terminal_send(&t, buf_view(&s.frames[PARTS - 1]));
	for (unsigned k = 1; world_counter(&w, INGEST_COUNT_SPLIT_WHOLE) == 0; k++) {
		WORLD_UNTIL(&w, world_counter(&w, INGEST_COUNT_PAUSES_ROOM) == k ||
					world_counter(&w, INGEST_COUNT_SPLIT_WHOLE) == 1);
		w.room = 1;
		world_room(&w);
	}
	cr_assert_eq(world_count(&w, INTAKE_FRAGMENT), PARTS);
	cr_assert_eq(world_count(&w, INTAKE_REPORT), 6);
	world_settle(&w, w.count - w.settled - 1, STATUS_OK);
	w.room = SIZE_MAX;
	terminal_hears_nothing(&t);
	world_settle_all(&w);
	terminal_hear_ack(&t, (uint16_t)(s.first_serial + PARTS - 1), 0x0704, 0);
	split_free(&s);
	terminal_close(&t);
	world_deinit(&w);
}

Test(split_jt808, multimedia_is_acknowledged_packet_by_packet_and_once_at_the_end)
{
	struct world w;
	struct terminal t;
	struct split s;
	struct reply r;
	struct ingest_options o = world_options();
	world_init(&w, &o, 1);
	w.settles = true;
	terminal_join(&t, &w, "13800000001", true);
	fill_body(&s);
	store_be32(s.body, 0xcafe);
	split_make(&s, &t, 0x0801);
	for (unsigned k = 0; k < PARTS; k++) {
		terminal_send(&t, buf_view(&s.frames[k]));
		terminal_hear_ack(&t, (uint16_t)(s.first_serial + k), 0x0801, 0);
	}
	terminal_hear(&t, &r);
	cr_assert_eq(r.header.message_id, 0x8800);
	cr_assert_eq(r.size, 4);
	cr_assert_eq(load_be32(r.body), 0xcafe);
	terminal_hears_nothing(&t);
	split_free(&s);
	terminal_close(&t);
	world_deinit(&w);
}

Test(split_jt808, multimedia_in_one_packet_is_answered_with_8800_alone)
{
	struct world w;
	struct terminal t;
	struct reply r;
	struct ingest_options o = world_options();
	world_init(&w, &o, 1);
	w.settles = true;
	terminal_join(&t, &w, "13800000001", false);
	terminal_say(&t, 0x0801, span_of("\0\0\0\x2a picture", 12));
	terminal_hear(&t, &r);
	cr_assert_eq(r.header.message_id, 0x8800);
	cr_assert_eq(load_be32(r.body), 42);
	terminal_hears_nothing(&t);
	terminal_close(&t);
	world_deinit(&w);
}

Test(split_jt808, missing_packets_are_asked_for_and_end_the_message)
{
	for (int is_2019 = 0; is_2019 < 2; is_2019++) {
		struct world w;
		struct terminal t;
		struct split s;
		struct reply r;
		struct ingest_options o = world_options();
		o.fragment_resend_ms = 50;
		world_init(&w, &o, 1);
		w.settles = true;
		terminal_join(&t, &w, "13800000001", is_2019);
		fill_body(&s);
		split_make(&s, &t, 0x0900);
		for (unsigned k = 0; k < PARTS; k += 2) { /* 1, 3, 5 */
			terminal_send(&t, buf_view(&s.frames[k]));
			terminal_hear_ack(&t, (uint16_t)(s.first_serial + k), 0x0900, 0);
		}
		terminal_hear(&t, &r);
		cr_assert_eq(r.header.message_id, 0x8003);
		size_t ids = is_2019 ? 4 : 3;
		cr_assert_eq(load_be16(r.body), s.first_serial);
		cr_assert_eq(is_2019 ? load_be16(r.body + 2) : r.body[2], 2);
		cr_assert_eq(load_be16(r.body + ids), 2);
		cr_assert_eq(load_be16(r.body + ids + 2), 4);
		for (unsigned k = 1; k < PARTS; k += 2)
			terminal_send(&t, buf_view(&s.frames[k]));
		WORLD_UNTIL(&w, world_count(&w, INTAKE_MESSAGE) == 1);
		cr_assert(span_equal(w.entries[w.count - 1].in.body, span_of(s.body, sizeof s.body)));
		split_free(&s);
		terminal_close(&t);
		world_deinit(&w);
	}
}

Test(split_jt808, a_message_that_stays_incomplete_is_given_up)
{
	struct world w;
	struct terminal t;
	struct split s;
	struct ingest_options o = world_options();
	o.fragment_expire_ms = 60;
	world_init(&w, &o, 1);
	w.settles = true;
	terminal_join(&t, &w, "13800000001", false);
	fill_body(&s);
	split_make(&s, &t, 0x0900);
	terminal_send(&t, buf_view(&s.frames[0]));
	terminal_hear_ack(&t, s.first_serial, 0x0900, 0);
	WORLD_UNTIL(&w, world_counter(&w, INGEST_COUNT_SPLIT_EXPIRED) == 1);
	cr_assert_eq(world_count(&w, INTAKE_FRAGMENT), 1); /* what came is kept */
	split_free(&s);
	terminal_close(&t);
	world_deinit(&w);
}

Test(split_jt808, a_packet_sent_again_is_acknowledged_again_and_makes_no_second_message)
{
	struct world w;
	struct terminal t;
	struct split s;
	struct ingest_options o = world_options();
	world_init(&w, &o, 1);
	w.settles = true;
	terminal_join(&t, &w, "13800000001", false);
	fill_body(&s);
	split_make(&s, &t, 0x0900);
	for (unsigned round = 0; round < 2; round++)
		for (unsigned k = 0; k < PARTS; k++) {
			terminal_send(&t, buf_view(&s.frames[k]));
			terminal_hear_ack(&t, (uint16_t)(s.first_serial + k), 0x0900, 0);
		}
	cr_assert_eq(world_count(&w, INTAKE_MESSAGE), 1);
	cr_assert_eq(world_counter(&w, INGEST_COUNT_FRAGMENTS_DOUBLE), PARTS);
	split_free(&s);
	terminal_close(&t);
	world_deinit(&w);
}

Test(split_jt808, a_packet_whose_index_is_none_is_refused_and_kept_for_a_look)
{
	struct world w;
	struct terminal t;
	struct buf content = buf_init(256), wire = buf_init(256);
	struct ingest_options o = world_options();
	world_init(&w, &o, 1);
	terminal_join(&t, &w, "13800000001", false);
	struct jt808_header h = t.like;
	h.message_id = 0x0900;
	h.serial = 9;
	h.fragment_total = 3;
	h.fragment_index = 4;
	cr_assert_eq(jt808_header_encode(&h, 1, &content), STATUS_OK);
	cr_assert_eq(buf_append_u8(&content, 'x'), STATUS_OK);
	cr_assert_eq(jt808_frame_encode(buf_view(&content), &wire), STATUS_OK);
	terminal_send(&t, buf_view(&wire));
	terminal_hear_ack(&t, 9, 0x0900, 1);
	cr_assert_eq(w.entries[0].in.kind, INTAKE_QUARANTINE);
	cr_assert_eq(w.entries[0].in.reason, STATUS_OUT_OF_RANGE);
	buf_deinit(&content);
	buf_deinit(&wire);
	terminal_close(&t);
	world_deinit(&w);
}

Test(split_jt808, a_message_begun_before_a_restart_is_made_whole_after_it)
{
	struct world w;
	struct terminal t;
	struct split s;
	struct intake kept[3];
	struct ingest_options o = world_options();
	world_init(&w, &o, 1);
	terminal_join(&t, &w, "13800000001", false);
	fill_body(&s);
	split_make(&s, &t, 0x0900);
	uint64_t device = device_id(DEVICE_KIND_JT808, span_of_string("13800000001"));
	terminal_close(&t);
	world_deinit(&w);
	for (uint16_t k = 0; k < 3; k++)
		kept[k] = (struct intake){.kind = INTAKE_FRAGMENT,
					  .device = device,
					  .message_id = 0x0900,
					  .serial = (uint16_t)(s.first_serial + k),
					  .fragment_total = PARTS,
					  .fragment_index = (uint16_t)(k + 1),
					  .body = span_of(s.body + k * PART_BYTES, PART_BYTES)};
	world_before = kept;
	world_before_count = 3;
	world_init(&w, &o, 1);
	world_before_count = 0;
	terminal_join(&t, &w, "13800000001", false);
	for (unsigned k = 3; k < PARTS; k++)
		terminal_send(&t, buf_view(&s.frames[k]));
	WORLD_UNTIL(&w, w.count == 3);
	cr_assert_eq(w.entries[2].in.kind, INTAKE_MESSAGE);
	cr_assert(span_equal(w.entries[2].in.body, span_of(s.body, sizeof s.body)));
	split_free(&s);
	terminal_close(&t);
	world_deinit(&w);
}
