/* Whatever a layout can hold: encoded, written as sentences, read and decoded again it is the same; also when the
 * stream is cut at any byte. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "ingest/marine/ais_assembler.h"

static uint64_t state;

static uint32_t next(void)
{
	state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (uint32_t)(state >> 33);
}

static void seed(void)
{
	const char *given = getenv("ZAYTON_SEED");
	state = given ? strtoull(given, NULL, 10) : (uint64_t)time(NULL);
	fprintf(stderr, "seed %llu\n", (unsigned long long)state);
}

static void random_text(char *out, size_t room)
{
	size_t n = next() % room;
	for (size_t i = 0; i < n; i++)
		out[i] = (char)(next() % 2 ? 'A' + next() % 26 : '0' + next() % 10);
	out[n] = '\0';
}

static struct ais_message random_message(uint8_t type)
{
	struct ais_message m = {.type = type, .repeat = (uint8_t)(next() % 4)};
	struct ais_packet p;
	m.mmsi = next() % 8 == 0 ? 980000000 + next() % 9999999 : 200000000 + next() % 500000000;
	if (type == 24)
		ais_set(&m, AIS_PART, (int32_t)(next() % 2));
	cr_assert_eq(ais_encode(&m, &p), STATUS_OK);
	for (const struct ais_place *at = ais_layout_of(p.payload, 40)->places; at->width; at++) {
		enum ais_field field = (enum ais_field)at->field;
		size_t room;
		char *text = ais_text_room(&m, field, &room);
		int32_t value = at->width > 31 ? 0 : (int32_t)(next() & ((1u << at->width) - 1));
		if (ais_field_kind(field) == AIS_KIND_S)
			value = (int32_t)((uint32_t)value << (32 - at->width)) >> (32 - at->width);
		if (text)
			random_text(text, room);
		if (field != AIS_PART)
			ais_set(&m, field, text ? 0 : value);
	}
	if (type == 21 && strlen(m.name) < 20)
		m.extension[0] = '\0';
	return m;
}

static void is_same(const struct ais_message *a, const struct ais_message *b)
{
	cr_assert_eq(a->type, b->type);
	cr_assert_eq(a->mmsi, b->mmsi);
	cr_assert_eq(a->repeat, b->repeat);
	for (unsigned f = AIS_STATUS; f < AIS_FIELD_COUNT; f++) {
		if (!ais_has(a, (enum ais_field)f) || !ais_has(b, (enum ais_field)f))
			continue;
		if (ais_field_kind((enum ais_field)f) == AIS_KIND_T)
			cr_assert_str_eq(ais_text(a, (enum ais_field)f), ais_text(b, (enum ais_field)f), "type %u %s",
					 a->type, ais_field_json((enum ais_field)f));
		else
			cr_assert_eq(a->values[f], b->values[f], "type %u %s", a->type,
				     ais_field_json((enum ais_field)f));
	}
}

/* Lines of `stream` handed over in two pieces; the message that comes out. */
static enum status read_split(struct span stream, size_t cut, struct ais_message *out)
{
	struct ais_assembler *a;
	struct buf held = buf_init(4096);
	enum status last = STATUS_EMPTY;
	cr_assert_eq(ais_assembler_new(AIS_EXPIRE_LINES, &a), STATUS_OK);
	for (unsigned piece = 0; piece < 2; piece++) {
		struct span line, rest;
		cr_assert_eq(piece ? buf_append(&held, stream.data + cut, stream.size - cut)
				   : buf_append(&held, stream.data, cut),
			     STATUS_OK);
		rest = buf_view(&held);
		while (sentence_line_next(&rest, &line) == STATUS_OK) {
			struct sentence s;
			const struct ais_packet *p;
			cr_assert_eq(sentence_parse(line, &s), STATUS_OK);
			last = ais_assembler_add(a, &s, 0, 0, &p);
			if (!last)
				last = ais_decode(p, out);
		}
		if (rest.size)
			memmove(held.data, rest.data, rest.size);
		held.size = rest.size;
	}
	buf_deinit(&held);
	ais_assembler_free(a);
	return last;
}

Test(property_ais, what_is_written_is_read_the_same_wherever_it_is_cut)
{
	static const uint8_t types[] = {1, 2, 3, 4, 5, 9, 11, 14, 18, 19, 21, 24, 27};
	seed();
	for (unsigned round = 0; round < 40; round++)
		for (size_t t = 0; t < sizeof types; t++) {
			struct ais_message m = random_message(types[t]), back;
			struct ais_packet p;
			struct buf stream = buf_init(4096);
			cr_assert_eq(ais_encode(&m, &p), STATUS_OK);
			cr_assert_eq(ais_write(&p, "AI", next(), &stream), STATUS_OK);
			for (size_t cut = 0; cut <= stream.size; cut += round ? 1 + next() % 40 : 1) {
				cr_assert_eq(read_split(buf_view(&stream), cut, &back), STATUS_OK, "type %u", types[t]);
				is_same(&m, &back);
			}
			buf_deinit(&stream);
		}
}
