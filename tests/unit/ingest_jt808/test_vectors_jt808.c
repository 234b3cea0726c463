#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#include "ingest/jt808/jt808.h"
#include "tests/unit/ingest_jt808/vectors_jt808.h"

static struct vector rows[VECTOR_COUNT];

static long note_number(const struct vector *v, const char *key, int base)
{
	char text[64];
	return vector_note(v, key, text, sizeof text) ? strtol(text, NULL, base) : -1;
}

Test(vectors_jt808, every_row_frames_with_a_true_checksum)
{
	size_t checked = 0;
	cr_assert_eq(vectors_read(rows), VECTOR_COUNT);
	for (size_t i = 0; i < VECTOR_COUNT; i++) {
		uint8_t scratch[JT808_FRAME_MAX];
		struct jt808_frame frame;
		cr_assert_eq(jt808_frame_next(buf_view(&rows[i].wire), scratch, &frame), STATUS_OK, "line %d",
			     rows[i].line);
		cr_assert(span_equal(frame.raw, buf_view(&rows[i].wire)));
		cr_assert_eq(frame.consumed, rows[i].wire.size - 1);
		cr_assert_eq(frame.skipped, 0);
		checked += strstr(rows[i].notes, "xor=ok") != NULL;
	}
	cr_assert_eq(checked, VECTOR_COUNT);
	vectors_free(rows, VECTOR_COUNT);
}

Test(vectors_jt808, every_row_has_the_header_it_should_have)
{
	size_t checked = 0, fragments = 0;
	cr_assert_eq(vectors_read(rows), VECTOR_COUNT);
	for (size_t i = 0; i < VECTOR_COUNT; i++) {
		const struct vector *v = &rows[i];
		uint8_t scratch[JT808_FRAME_MAX];
		struct jt808_frame frame;
		struct jt808_header h;
		char phone[64], sent[64];
		cr_assert_eq(jt808_frame_next(buf_view(&v->wire), scratch, &frame), STATUS_OK);
		cr_assert_eq(jt808_header_decode(frame.content, &h), STATUS_OK, "line %d", v->line);
		cr_assert_eq(h.message_id, note_number(v, "msgid", 16), "line %d", v->line);
		cr_assert_eq(h.body.size, (size_t)note_number(v, "len", 10), "line %d", v->line);
		cr_assert_eq(h.encryption, note_number(v, "enc", 10), "line %d", v->line);
		cr_assert_eq(h.is_2019, note_number(v, "v19", 10), "line %d", v->line);
		cr_assert_eq(h.version, h.is_2019 ? note_number(v, "ver", 10) : 0, "line %d", v->line);
		cr_assert_eq(h.serial, note_number(v, "sn", 10), "line %d", v->line);
		cr_assert(vector_note(v, "phone", phone, sizeof phone));
		hex_encode(sent, span_of(h.phone, h.phone_size));
		cr_assert_str_eq(sent, phone, "line %d", v->line);
		cr_assert_eq(h.is_fragment, note_number(v, "frag", 10), "line %d", v->line);
		if (h.is_fragment) {
			cr_assert_eq(h.fragment_total, note_number(v, "total", 10), "line %d", v->line);
			cr_assert_eq(h.fragment_index, note_number(v, "idx", 10), "line %d", v->line);
			fragments++;
		}
		char text[64];
		if (vector_fact(v, "msgid", text, sizeof text))
			cr_assert_eq(h.message_id, strtol(text, NULL, 16), "line %d", v->line);
		if (vector_fact(v, "sn", text, sizeof text))
			cr_assert_eq(h.serial, strtol(text, NULL, 10), "line %d", v->line);
		checked++;
	}
	cr_assert_eq(checked, VECTOR_COUNT);
	cr_assert_eq(fragments, 20);
	vectors_free(rows, VECTOR_COUNT);
}

Test(vectors_jt808, every_row_encodes_back_to_the_same_bytes)
{
	cr_assert_eq(vectors_read(rows), VECTOR_COUNT);
	for (size_t i = 0; i < VECTOR_COUNT; i++) {
		uint8_t scratch[JT808_FRAME_MAX];
		struct jt808_frame frame;
		struct jt808_header h;
		struct buf content = buf_init(4096), wire = buf_init(4096);
		cr_assert_eq(jt808_frame_next(buf_view(&rows[i].wire), scratch, &frame), STATUS_OK);
		cr_assert_eq(jt808_header_decode(frame.content, &h), STATUS_OK);
		cr_assert_eq(jt808_header_encode(&h, h.body.size, &content), STATUS_OK);
		cr_assert_eq(buf_append(&content, h.body.data, h.body.size), STATUS_OK);
		cr_assert(span_equal(buf_view(&content), frame.content), "line %d", rows[i].line);
		cr_assert_eq(jt808_frame_encode(buf_view(&content), &wire), STATUS_OK);
		cr_assert(span_equal(buf_view(&wire), buf_view(&rows[i].wire)), "line %d", rows[i].line);
		buf_deinit(&content);
		buf_deinit(&wire);
	}
	vectors_free(rows, VECTOR_COUNT);
}

/* Feed `stream` in pieces that end at `cut` and at every `step` bytes behind it; what a connection does. */
static size_t frames_of(struct span stream, size_t cut, size_t step, struct buf *contents)
{
	uint8_t scratch[JT808_FRAME_MAX];
	size_t from = 0, seen = cut, frames = 0;
	for (;;) {
		struct jt808_frame frame;
		enum status status = jt808_frame_next(span_of(stream.data + from, seen - from), scratch, &frame);
		from += frame.consumed;
		if (status == STATUS_OK) {
			frames++;
			cr_assert_eq(buf_append_u8(contents, 0xff), STATUS_OK);
			cr_assert_eq(buf_append(contents, frame.content.data, frame.content.size), STATUS_OK);
		} else if (status != STATUS_NEED_MORE) {
			cr_assert_eq(buf_append_u8(contents, (uint8_t)status), STATUS_OK);
		} else if (seen == stream.size) {
			return frames;
		} else {
			seen = seen + step < stream.size ? seen + step : stream.size;
		}
	}
}

static void check_every_cut(struct span stream, size_t frames, size_t upto)
{
	struct buf whole = buf_init(1 << 20), cut = buf_init(1 << 20);
	cr_assert_eq(frames_of(stream, stream.size, 1, &whole), frames);
	for (size_t at = 0; at <= upto; at++) {
		buf_clear(&cut);
		frames_of(stream, at, stream.size, &cut);
		cr_assert(span_equal(buf_view(&whole), buf_view(&cut)), "cut at %zu", at);
	}
	buf_clear(&cut);
	frames_of(stream, 0, 1, &cut);
	cr_assert(span_equal(buf_view(&whole), buf_view(&cut)), "byte by byte");
	buf_deinit(&whole);
	buf_deinit(&cut);
}

Test(vectors_jt808, every_row_gives_the_same_frame_wherever_it_is_cut)
{
	cr_assert_eq(vectors_read(rows), VECTOR_COUNT);
	for (size_t i = 0; i < VECTOR_COUNT; i++)
		check_every_cut(buf_view(&rows[i].wire), 1, rows[i].wire.size);
	vectors_free(rows, VECTOR_COUNT);
}

/* all rows in one stream, flags doubled or shared in turn, cut around every frame border and byte by byte */
Test(vectors_jt808, all_rows_in_one_stream_are_found_with_shared_and_doubled_flags)
{
	cr_assert_eq(vectors_read(rows), VECTOR_COUNT);
	struct buf stream = buf_init(1 << 20);
	for (size_t i = 0; i < VECTOR_COUNT; i++) {
		size_t shared = i % 2; /* drop the opening flag: the one before serves */
		cr_assert_eq(buf_append(&stream, rows[i].wire.data + shared, rows[i].wire.size - shared), STATUS_OK);
	}
	check_every_cut(buf_view(&stream), VECTOR_COUNT, 3000);
	buf_deinit(&stream);
	vectors_free(rows, VECTOR_COUNT);
}
