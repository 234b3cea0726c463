/* Blocks as they were written once stay readable, and the same values still make the same bytes of today's version.
 * tests/golden/value_block/v1_*.hex were written by the encoder of version 1, v2_*.hex by this one
 * (ZAYTON_GOLDEN_WRITE=1 writes them anew; a change of bytes under the same version is a defect). */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#include "engine/series/value_block.h"

#define FIRST_MS INT64_C(1764547200000)

static struct value values[300];

static size_t make(const char *kind, struct value_texts *texts)
{
	size_t count = 0;
	for (int i = 0; i < 250; i++) {
		struct value v = {.time_ms = FIRST_MS + i * 10000 + (i == 100 ? 250 : 0),
				  .delay_min = i < 40 ? 70u : 0};
		if (!strcmp(kind, "decimals"))
			value_set_decimal(&v, 1000 + (i * 7919) % 13 - 6, 2);
		else if (!strcmp(kind, "counters"))
			value_set_decimal(&v, i * 10 + (i * 7919) % 17, 0);
		else if (!strcmp(kind, "doubles") && value_set_double(&v, 1.0 / (3 + i)))
			abort();
		v.quality = i == 17 ? VALUE_QUALITY_CALIBRATION : VALUE_QUALITY_GOOD;
		values[count++] = v;
		if (i % 60 == 5) { /* corrected two minutes later */
			v.delay_min += 2;
			value_set_decimal(&v, i, 0);
			values[count++] = v;
		}
	}
	if (!strcmp(kind, "states"))
		for (size_t i = 0; i < count; i++) {
			char text[40];
			uint64_t hash;
			snprintf(text, sizeof text, "state %zu", i / 90);
			cr_assert_eq(value_texts_add(texts, span_of_string(text), &hash), STATUS_OK);
			if (i % 50 == 49)
				continue; /* a number among texts */
			values[i].type = VALUE_TEXT;
			values[i].scale = 0;
			values[i].bits = (int64_t)hash;
		}
	return values_normalise(values, count);
}

static void read_hex(const char *path, struct buf *out)
{
	static char text[1 << 16];
	FILE *f = fopen(path, "r");
	cr_assert_not_null(f, "%s", path);
	size_t size = fread(text, 1, sizeof text, f);
	fclose(f);
	while (size && text[size - 1] == '\n')
		size--;
	cr_assert_eq(hex_decode(out, span_of(text, size)), STATUS_OK);
}

static void write_hex(const char *path, struct span bytes)
{
	char *hex = malloc(2 * bytes.size + 1);
	FILE *f = fopen(path, "w");
	cr_assert(hex && f);
	hex_encode(hex, bytes);
	fprintf(f, "%s\n", hex);
	fclose(f);
	free(hex);
}

static void check_values(struct span block, size_t count, struct value_texts *texts, const char *kind)
{
	static struct value back[VALUE_BLOCK_MAX];
	size_t read;
	cr_assert_eq(value_block_decode(block, texts, back, &read), STATUS_OK);
	cr_assert_eq(read, count);
	for (size_t i = 0; i < count; i++)
		cr_assert_eq(value_order(&values[i], &back[i]), 0, "%s: value %zu", kind, i);
}

Test(value_block, golden_blocks_stay_what_they_were)
{
	static const char *const kinds[] = {"decimals", "counters", "doubles", "states"};
	struct value_texts *texts;
	cr_assert_eq(value_texts_new(&texts), STATUS_OK);
	for (size_t k = 0; k < 4; k++) {
		char path[512];
		size_t count = make(kinds[k], texts);
		struct buf block = buf_init(VALUE_BLOCK_BYTES_MAX), golden = buf_init(VALUE_BLOCK_BYTES_MAX);
		snprintf(path, sizeof path, TESTS_DIR "/golden/value_block/v2_%s.hex", kinds[k]);
		cr_assert_eq(value_block_encode(values, count, texts, &block), STATUS_OK);
		if (getenv("ZAYTON_GOLDEN_WRITE"))
			write_hex(path, buf_view(&block));
		read_hex(path, &golden);
		cr_assert(span_equal(buf_view(&block), buf_view(&golden)), "%s", kinds[k]);
		check_values(buf_view(&golden), count, texts, kinds[k]);
		buf_clear(&golden);
		snprintf(path, sizeof path, TESTS_DIR "/golden/value_block/v1_%s.hex", kinds[k]);
		read_hex(path, &golden);
		check_values(buf_view(&golden), count, texts, kinds[k]);
		buf_deinit(&block);
		buf_deinit(&golden);
	}
	value_texts_free(texts);
}
