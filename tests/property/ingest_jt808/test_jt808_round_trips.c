/* What the encoder says, framed, decodes to what was meant: random messages of every edition; and random bytes never
 * do harm. The seed is printed; ZAYTON_SEED=n repeats a run. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "engine/core/clock.h"
#include "engine/series/report.h"
#include "ingest/jt808/fragments.h"
#include "ingest/jt808/jt808.h"

static uint64_t state;

static void seed_from_environment(void)
{
	const char *given = getenv("ZAYTON_SEED");
	state = given ? strtoull(given, NULL, 10) : (uint64_t)time(NULL);
	printf("seed %llu\n", (unsigned long long)state);
	fflush(stdout);
}

/* splitmix64 (Steele, Lea, Flood 2014) */
static uint64_t next(void)
{
	uint64_t z = (state += 0x9e3779b97f4a7c15u);
	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return z ^ (z >> 31);
}

static uint32_t below(uint32_t n)
{
	return (uint32_t)(next() % n);
}

/* Bytes of which many are flags and escapes. */
static void fill(uint8_t *out, size_t size)
{
	static const uint8_t special[] = {0x7e, 0x7d, 0x01, 0x02, 0x00, 0xff};
	for (size_t i = 0; i < size; i++)
		out[i] = below(3) ? (uint8_t)next() : special[below(sizeof special)];
}

static struct jt808_header random_header(void)
{
	struct jt808_header h = {.message_id = (uint16_t)next(), .serial = (uint16_t)next(), .is_2019 = below(2)};
	h.version = h.is_2019 ? (uint8_t)next() : 0;
	h.phone_size = h.is_2019 ? 10 : 6;
	h.encryption = (uint8_t)below(8);
	fill(h.phone, h.phone_size);
	if (below(2)) {
		h.fragment_total = (uint16_t)(1 + below(65535));
		h.fragment_index = (uint16_t)next();
	}
	return h;
}

Test(jt808_round_trips, any_header_and_body_survive_the_wire, .init = seed_from_environment)
{
	for (int round = 0; round < 20000; round++) {
		uint8_t body[JT808_BODY_MAX], scratch[JT808_FRAME_MAX];
		size_t size = below(4) ? below(64) : below(JT808_BODY_MAX + 1);
		struct jt808_header h = random_header(), back;
		struct buf content = buf_init(4096), wire = buf_init(4096);
		struct jt808_frame f;
		fill(body, size);
		cr_assert_eq(jt808_header_encode(&h, size, &content), STATUS_OK);
		cr_assert_eq(buf_append(&content, body, size), STATUS_OK);
		cr_assert_eq(jt808_frame_encode(buf_view(&content), &wire), STATUS_OK);
		cr_assert_leq(wire.size, JT808_FRAME_MAX);
		cr_assert_eq(jt808_frame_next(buf_view(&wire), scratch, &f), STATUS_OK);
		cr_assert_eq(f.raw.size, wire.size);
		cr_assert_eq(jt808_header_decode(f.content, &back), STATUS_OK);
		cr_assert(span_equal(back.body, span_of(body, size)));
		cr_assert_eq(back.message_id, h.message_id);
		cr_assert_eq(back.serial, h.serial);
		cr_assert_eq(back.version, h.version);
		cr_assert_eq(back.is_2019, h.is_2019);
		cr_assert_eq(back.encryption, h.encryption);
		cr_assert_eq(back.is_fragment, h.fragment_total != 0);
		cr_assert_eq(back.fragment_total, h.fragment_total);
		cr_assert_eq(back.fragment_index, h.fragment_total ? h.fragment_index : 0);
		cr_assert_arr_eq(back.phone, h.phone, h.phone_size);
		char text[JT808_PHONE_TEXT_MAX];
		uint8_t phone[10];
		jt808_phone_text(&back, text);
		cr_assert_eq(jt808_phone_pack(span_of_string(text), phone, back.phone_size), STATUS_OK);
		cr_assert_arr_eq(phone, h.phone, h.phone_size);
		buf_deinit(&content);
		buf_deinit(&wire);
	}
}

/* Everything a stream yields, as bytes: contents and refusals in order. */
static void walk(enum jt808_framing framing, struct span stream, size_t (*more)(size_t left), struct buf *out)
{
	uint8_t scratch[JT808_FRAME_MAX];
	size_t from = 0, seen = 0;
	for (;;) {
		struct jt808_frame f;
		enum status status = jt808_framed_next(framing, span_of(stream.data + from, seen - from), scratch, &f);
		cr_assert_leq(f.consumed, seen - from);
		cr_assert_leq(f.skipped, f.consumed);
		from += f.consumed;
		if (status == STATUS_NEED_MORE && seen == stream.size)
			return;
		if (status == STATUS_NEED_MORE) {
			seen += more(stream.size - seen);
			continue;
		}
		cr_assert_gt(f.consumed, 0);
		cr_assert_eq(buf_append_u8(out, (uint8_t)status), STATUS_OK);
		cr_assert_eq(buf_append_be32(out, (uint32_t)f.raw.size), STATUS_OK);
		cr_assert_eq(buf_append(out, f.raw.data, f.raw.size), STATUS_OK);
	}
}

static size_t all_of(size_t left)
{
	return left;
}

static size_t some_of(size_t left)
{
	size_t n = 1 + below(below(2) ? 4 : 3000);
	return n < left ? n : left;
}

/* Frames, shared flags, garbage, cut and endless frames in a row. */
static void random_stream(enum jt808_framing framing, struct buf *stream)
{
	for (unsigned pieces = 1 + below(12); pieces > 0; pieces--) {
		uint8_t bytes[2 * JT808_FRAME_MAX];
		size_t size = below(5) ? below(80) : below(JT808_FRAME_MAX);
		fill(bytes, size);
		switch (below(4)) {
		case 0:
			cr_assert_eq(buf_append(stream, bytes, size), STATUS_OK);
			break;
		case 1:
			for (size_t i = 0; i < sizeof bytes; i++)
				bytes[i] = 0x33;
			cr_assert_eq(buf_append(stream, bytes, sizeof bytes - below(64)), STATUS_OK);
			break;
		default: {
			size_t before = stream->size;
			cr_assert_eq(jt808_framed_encode(framing, span_of(bytes, size % 1045), stream), STATUS_OK);
			if (before && below(2)) /* share the flag */
				memmove(stream->data + before, stream->data + before + 1, --stream->size - before);
			break;
		}
		}
	}
}

Test(jt808_round_trips, a_stream_yields_the_same_however_it_is_cut, .init = seed_from_environment)
{
	struct buf stream = buf_init(1 << 20), whole = buf_init(1 << 20), cut = buf_init(1 << 20);
	for (int round = 0; round < 2000; round++) {
		enum jt808_framing framing = round % 2 ? JT808_FRAMING_PRIVATE : JT808_FRAMING_STANDARD;
		buf_clear(&stream);
		buf_clear(&whole);
		random_stream(framing, &stream);
		walk(framing, buf_view(&stream), all_of, &whole);
		for (int again = 0; again < 4; again++) {
			buf_clear(&cut);
			walk(framing, buf_view(&stream), some_of, &cut);
			cr_assert(span_equal(buf_view(&whole), buf_view(&cut)), "round %d", round);
		}
	}
	buf_deinit(&stream);
	buf_deinit(&whole);
	buf_deinit(&cut);
}

static void random_text(char *out, size_t units)
{
	static const char *const letters[] = {"泉", "州", "闽", "C", "1", "x", "-"};
	out[0] = '\0';
	for (size_t i = below((uint32_t)units + 1); i > 0; i--) {
		/* two GBK bytes at most */
		strcat(out, letters[below(sizeof letters / sizeof letters[0])]);
	}
}

Test(jt808_round_trips, sessions_of_every_edition, .init = seed_from_environment)
{
	struct buf body = buf_init(4096);
	for (int round = 0; round < 5000; round++) {
		enum jt808_edition edition = (enum jt808_edition)below(3);
		bool is_2019 = edition == JT808_2019;
		struct jt808_register r = {.edition = edition, .province = (uint16_t)next(), .city = (uint16_t)next()},
				      rb;
		random_text(r.manufacturer, 2);
		random_text(r.model, 4);
		random_text(r.terminal_id, 3);
		random_text(r.plate, 4);
		r.plate_colour = (uint8_t)(1 + below(5));
		buf_clear(&body);
		cr_assert_eq(jt808_register_encode(&r, &body), STATUS_OK);
		cr_assert_eq(jt808_register_decode(buf_view(&body), is_2019, &rb), STATUS_OK);
		cr_assert_eq(rb.edition, edition);
		cr_assert_eq(rb.city, r.city);
		cr_assert_str_eq(rb.manufacturer, r.manufacturer);
		cr_assert_str_eq(rb.model, r.model);
		cr_assert_str_eq(rb.terminal_id, r.terminal_id);
		cr_assert_str_eq(rb.plate, r.plate);
		cr_assert_eq(rb.plate_colour, r.plate_colour);

		char code[40] = "c";
		snprintf(code, sizeof code, "code%u", below(1000000));
		struct jt808_auth a = {.code = span_of_string(code), .imei = "123456789012345", .software = "v1.2"}, ab;
		buf_clear(&body);
		cr_assert_eq(jt808_auth_encode(&a, is_2019, &body), STATUS_OK);
		cr_assert_eq(jt808_auth_decode(buf_view(&body), is_2019, &ab), STATUS_OK);
		cr_assert(span_equal(ab.code, a.code));
		cr_assert_str_eq(ab.imei, is_2019 ? a.imei : "");
		cr_assert_str_eq(ab.software, is_2019 ? a.software : "");

		struct jt808_driver d = {.edition = edition}, db;
		d.status = edition == JT808_2011 ? 0 : (uint8_t)(1 + below(2));
		d.time_ms = edition == JT808_2011 ? 0 : INT64_C(1500000000000) + (int64_t)below(500000000) * 1000;
		d.ic_result = d.status == 1 ? (uint8_t)below(5) : 0;
		if (edition == JT808_2011 || (d.status == 1 && d.ic_result == 0)) {
			random_text(d.name, 20);
			strcat(d.name, "王五"); /* a 2011 name of one or two bytes would pass for a status */
			random_text(d.licence, 10);
			random_text(d.authority, 40);
			if (edition != JT808_2013)
				random_text(d.id_card, 10);
			if (edition != JT808_2011 && below(2))
				strcpy(d.expiry, "20301231");
		}
		buf_clear(&body);
		cr_assert_eq(jt808_driver_encode(&d, &body), STATUS_OK);
		cr_assert_eq(jt808_driver_decode(buf_view(&body), is_2019, &db), STATUS_OK);
		cr_assert_eq(db.edition, edition);
		cr_assert_eq(db.status, d.status);
		cr_assert_eq(db.time_ms, d.time_ms);
		cr_assert_eq(db.ic_result, d.ic_result);
		cr_assert_str_eq(db.name, d.name);
		cr_assert_str_eq(db.licence, d.licence);
		cr_assert_str_eq(db.authority, d.authority);
		cr_assert_str_eq(db.id_card, d.id_card);
		cr_assert_str_eq(db.expiry, d.expiry);

		struct jt808_reply p = {(uint16_t)next(), (uint16_t)next(), (uint8_t)below(5)}, pb;
		buf_clear(&body);
		cr_assert_eq(jt808_reply_encode(&p, &body), STATUS_OK);
		cr_assert_eq(jt808_reply_decode(buf_view(&body), &pb), STATUS_OK);
		cr_assert(pb.serial == p.serial && pb.message_id == p.message_id && pb.result == p.result);
	}
	buf_deinit(&body);
}

static struct jt808_location random_location(void)
{
	return (struct jt808_location){.alarm = (uint32_t)next(),
				       .status = (uint32_t)next(),
				       .lat_e6 = (int32_t)below(180000001) - 90000000,
				       .lon_e6 = (int32_t)below(360000001) - 180000000,
				       .altitude_m = (int16_t)next(),
				       .speed_dkmh = (uint16_t)next(),
				       .course_deg = (uint16_t)below(360),
				       .time_ms = INT64_C(1000000000000) + (int64_t)below(2000000000) * 1000};
}

static void check_location(const struct jt808_location *l, struct span body)
{
	struct report r;
	cr_assert_eq(report_from_jt808(body, &r), STATUS_OK);
	cr_assert_eq(r.alarm, l->alarm);
	cr_assert_eq(r.status & ~0xcu, l->status & ~0xcu);
	cr_assert_eq(r.lat_e7, l->lat_e6 * 10);
	cr_assert_eq(r.lon_e7, l->lon_e6 * 10);
	cr_assert_eq(r.altitude_m, l->altitude_m);
	cr_assert_eq(r.speed_dkmh, l->speed_dkmh);
	cr_assert_eq(r.course_deg, l->course_deg);
	cr_assert_eq(r.time_ms, l->time_ms);
}

Test(jt808_round_trips, locations_alone_and_in_batches, .init = seed_from_environment)
{
	struct buf body = buf_init(1 << 16), batch = buf_init(1 << 16);
	for (int round = 0; round < 3000; round++) {
		struct jt808_location locations[16];
		struct span bodies[16];
		size_t count = below(17), ends[17] = {0};
		buf_clear(&body);
		cr_assert_eq(buf_reserve(&body, 8192), STATUS_OK);
		for (size_t i = 0; i < count; i++) {
			uint8_t value[64];
			size_t size = below(sizeof value);
			locations[i] = random_location();
			fill(value, size);
			cr_assert_eq(jt808_location_encode(&locations[i], &body), STATUS_OK);
			cr_assert_eq(jt808_item_encode((uint8_t)next(), span_of(value, size), &body), STATUS_OK);
			ends[i + 1] = body.size;
			bodies[i] = span_of(body.data + ends[i], ends[i + 1] - ends[i]);
			check_location(&locations[i], bodies[i]);
		}
		struct jt808_bodies b;
		struct span one;
		size_t got = 0;
		buf_clear(&batch);
		cr_assert_eq(jt808_batch_encode((uint8_t)below(2), bodies, count, &batch), STATUS_OK);
		cr_assert_eq(jt808_batch_decode(buf_view(&batch), &b), STATUS_OK);
		cr_assert_eq(b.declared, count);
		for (; jt808_batch_next(&b, &one) == STATUS_OK; got++)
			cr_assert(span_equal(one, bodies[got]));
		cr_assert_eq(got, count);
	}
	buf_deinit(&body);
	buf_deinit(&batch);
}

/* --- split messages --- */

struct packet {
	struct jt808_header h;
	uint8_t body[JT808_BODY_MAX];
};

static size_t packets_of(struct span wire, struct packet *out, size_t max)
{
	uint8_t scratch[JT808_FRAME_MAX];
	size_t count = 0, from = 0;
	struct jt808_frame f;
	while (jt808_frame_next(span_of(wire.data + from, wire.size - from), scratch, &f) == STATUS_OK) {
		cr_assert_lt(count, max);
		struct packet *p = &out[count++];
		cr_assert_eq(jt808_header_decode(f.content, &p->h), STATUS_OK);
		memcpy(p->body, p->h.body.data, p->h.body.size);
		from += f.consumed;
	}
	for (size_t i = 0; i < count; i++)
		out[i].h.body.data = out[i].body;
	return count;
}

Test(jt808_round_trips, split_messages_in_any_order_with_repeats, .init = seed_from_environment)
{
	static struct packet packets[128];
	static uint8_t body[60000];
	const struct fragment_limits limits = {8, 1u << 20, 4, 1u << 20, 60000};
	struct buf wire = buf_init(1 << 20);
	struct fragments *f = fragments_new(&limits);
	for (int round = 0; round < 300; round++) {
		struct jt808_header like = random_header();
		size_t size = below(sizeof body), packet_max = 500 + below(JT808_BODY_MAX - 499);
		uint16_t serial = (uint16_t)next();
		fill(body, size);
		buf_clear(&wire);
		cr_assert_eq(jt808_message_encode(0x0801, &like, span_of(body, size), packet_max, &serial, &wire),
			     STATUS_OK);
		size_t count = packets_of(buf_view(&wire), packets, 128);
		if (count < 2)
			continue;
		for (size_t i = count - 1; i > 0; i--) {
			size_t k = below((uint32_t)i + 1);
			struct jt808_header swap = packets[i].h;
			packets[i].h = packets[k].h;
			packets[k].h = swap;
		}
		struct fragment_set set;
		struct span message = {0};
		for (size_t i = 0; i < count; i++) {
			enum status want = i + 1 < count ? STATUS_NEED_MORE : STATUS_OK;
			cr_assert_eq(fragments_add(f, (uint64_t)round, &packets[i].h, round * 100, &set, &message),
				     want);
			if (want == STATUS_OK)
				cr_assert(span_equal(message, span_of(body, size)));
			size_t repeat = below((uint32_t)i + 1);
			cr_assert_eq(fragments_add(f, (uint64_t)round, &packets[repeat].h, round * 100, &set, &message),
				     STATUS_EXISTS);
		}
		cr_assert_leq(fragments_bytes(f), limits.bytes_max);
	}
	while (fragments_expire(f, 1000000, &(struct fragment_set){0}) == STATUS_OK)
		;
	cr_assert_eq(fragments_bytes(f), 0);
	fragments_free(f);
	buf_deinit(&wire);
}

Test(jt808_round_trips, hostile_fragments_stay_within_the_bounds, .init = seed_from_environment)
{
	const struct fragment_limits limits = {16, 100000, 4, 30000, 1000};
	struct fragments *f = fragments_new(&limits);
	static uint8_t body[JT808_BODY_MAX];
	for (int round = 0; round < 30000; round++) {
		struct jt808_header h = {.message_id = 0x0801,
					 .serial = (uint16_t)below(8),
					 .is_fragment = true,
					 .fragment_total = (uint16_t)below(below(2) ? 6 : 65536),
					 .fragment_index = (uint16_t)below(8),
					 .body = span_of(body, below(sizeof body))};
		struct fragment_set set;
		struct span message;
		enum status status = fragments_add(f, below(12), &h, round, &set, &message);
		cr_assert(status != STATUS_OK || message.size <= MESSAGE_BYTES_MAX);
		cr_assert_leq(fragments_bytes(f), limits.bytes_max);
		uint16_t missing[8];
		cr_assert_leq(fragments_missing(f, &set, missing, 8), 8);
		if (below(50) == 0)
			while (fragments_expire(f, round, &set) == STATUS_OK)
				cr_assert_lt(set.held, set.total);
		if (below(50) == 0)
			while (fragments_ask(f, round, 10, &set) == STATUS_OK)
				cr_assert_gt(fragments_missing(f, &set, missing, 8), 0);
	}
	fragments_free(f);
}

/* --- random bytes --- */

Test(jt808_round_trips, random_bodies_of_every_message_are_explained, .init = seed_from_environment)
{
	struct buf wire = buf_init(4096), out = buf_init(4u << 20);
	for (int round = 0; round < 6000; round++) {
		static const uint8_t groups[] = {0x00, 0x01, 0x02, 0x03, 0x05, 0x07, 0x08, 0x09, 0x0a, 0x10, 0x12, 0x80,
						 0x81, 0x82, 0x83, 0x84, 0x85, 0x86, 0x88, 0x90, 0x91, 0x92, 0x93};
		uint8_t body[JT808_BODY_MAX], scratch[JT808_FRAME_MAX];
		struct jt808_header like = random_header();
		struct jt808_frame f;
		size_t size = below(4) ? below(100) : below(JT808_BODY_MAX + 1);
		uint16_t serial = 0;
		uint16_t id = (uint16_t)(groups[below(sizeof groups)] << 8 | below(9));
		fill(body, size);
		buf_clear(&wire);
		buf_clear(&out);
		cr_assert_eq(jt808_message_encode(id, &like, span_of(body, size), JT808_BODY_MAX, &serial, &wire),
			     STATUS_OK);
		cr_assert_eq(jt808_frame_next(buf_view(&wire), scratch, &f), STATUS_OK);
		enum status status = jt808_explain(&f, &out);
		cr_assert(status != STATUS_NO_MEMORY && status != STATUS_FULL, "%04x: %s", id, status_name(status));
		cr_assert_gt(out.size, 2);
	}
	buf_deinit(&wire);
	buf_deinit(&out);
}
