/* Any set of values comes back from its block, and the header says what a plain loop over them says. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#include "engine/series/value_block.h"
#include "engine/series/value_sum.h"
#include "random_reports.h"

static struct random seed;

static uint64_t next(void)
{
	return random_next(&seed);
}

static void seeded(void)
{
	seed.state = random_seed("value_block");
}

enum shape { WALK, COUNTER, CONSTANT, REALS, FLOATS, MIXED, STATES, WILD, SHAPES };

static void make_number(enum shape shape, size_t i, struct value *v, int64_t *walk, struct value_texts *texts)
{
	char text[24];
	uint64_t hash;
	switch (shape) {
	case WALK:
		*walk += (int64_t)(next() % 7) - 3;
		value_set_decimal(v, *walk * 5, 2);
		break;
	case COUNTER:
		*walk += (int64_t)(next() % 1000);
		value_set_decimal(v, *walk, 0);
		break;
	case CONSTANT:
		value_set_decimal(v, 215, 1);
		break;
	case REALS:
		cr_assert_eq(value_set_double(v, 20 + (double)next() / 1e19), STATUS_OK);
		break;
	case FLOATS:
		cr_assert_eq(value_set_double(v, (double)(float)((double)next() / 1e19)), STATUS_OK);
		break;
	case STATES:
		snprintf(text, sizeof text, "state %u", (unsigned)(next() % 3));
		cr_assert_eq(value_texts_add(texts, span_of_string(text), &hash), STATUS_OK);
		*v = (struct value){.type = VALUE_TEXT, .bits = (int64_t)hash};
		break;
	case MIXED:
		make_number((enum shape)(i % 5 == 0 ? REALS : i % 11 == 0 ? STATES : WALK), i, v, walk, texts);
		break;
	default:
		if (next() % 2)
			value_set_decimal(v, (int64_t)next(), (unsigned)(next() % 16));
		else if (value_set_double(v, value_real((int64_t)next())))
			value_set_decimal(v, INT64_MIN, 0);
	}
}

static size_t make(enum shape shape, struct value *out, struct value_texts *texts)
{
	size_t count = 1 + next() % (next() % 2 ? VALUE_BLOCK_V1_MAX : VALUE_BLOCK_MAX);
	int64_t t = (int64_t)(next() % 2000000000000), walk = 0;
	unsigned jitter = (unsigned)(next() % 3), late = (unsigned)(next() % 3);
	int64_t first = t, received = t + 86400000;
	for (size_t i = 0; i < count; i++) {
		struct value v = {0};
		make_number(shape, i, &v, &walk, texts);
		t += next() % 50 == 0 ? (int64_t)(next() % 600000)
				      : 10000 + (jitter ? (int64_t)(next() % (jitter * 40)) : 0);
		if (next() % 60 == 0 && i)
			t = out[i - 1].time_ms;
		if (t - first > VALUE_SPAN_MAX_MS)
			t = first + VALUE_SPAN_MAX_MS;
		v.time_ms = t;
		v.delay_min = late == 0 ? 0 : late == 1 ? value_delay(t, received) : (uint32_t)(next() % 5);
		v.quality = next() % 40 ? 0 : (uint8_t)(next() % VALUE_QUALITY_COUNT);
		out[i] = v;
	}
	return values_normalise(out, count);
}

static void check_header(const struct value_block_header *h, const struct value *v, size_t count)
{
	struct value_sum sum, said;
	struct value min = {0}, max = {0};
	uint32_t good = 0;
	value_sum_init(&sum);
	value_sum_init(&said);
	for (size_t i = 0; i < count; i++) {
		if ((i + 1 < count && v[i + 1].time_ms == v[i].time_ms) || v[i].quality)
			continue;
		if (!good++)
			min = max = v[i];
		if (value_compare(&v[i], &min) < 0)
			min = v[i];
		if (value_compare(&v[i], &max) > 0)
			max = v[i];
		value_sum_add(&sum, &v[i]);
	}
	cr_assert_eq(h->good, good);
	if (!good)
		return;
	struct value low = {.type = h->type, .scale = h->scale, .bits = h->min};
	struct value high = {.type = h->type, .scale = h->scale, .bits = h->max};
	cr_assert_eq(value_compare(&low, &min), 0);
	cr_assert_eq(value_compare(&high, &max), 0);
	if (!h->has_sum)
		return;
	if (h->type == VALUE_DOUBLE)
		value_sum_add_doubles(&said, h->sum, h->sum_exponent);
	else
		value_sum_add_decimals(&said, h->sum, h->scale);
	cr_assert_eq(value_sum_double(&said), value_sum_double(&sum));
}

Test(value_block, comes_back_whole_and_its_header_is_true)
{
	static struct value in[VALUE_BLOCK_MAX], out[VALUE_BLOCK_MAX];
	struct value_texts *texts;
	seeded();
	cr_assert_eq(value_texts_new(&texts), STATUS_OK);
	for (int round = 0; round < 400; round++) {
		enum shape shape = (enum shape)(round % SHAPES);
		size_t count = make(shape, in, texts), back;
		struct buf block = buf_init(VALUE_BLOCK_BYTES_MAX), again = buf_init(VALUE_BLOCK_BYTES_MAX);
		struct value_block_header h;
		cr_assert_eq(value_block_encode(in, count, texts, &block), STATUS_OK);
		cr_assert_eq(value_block_decode(buf_view(&block), texts, out, &back), STATUS_OK, "shape %d", shape);
		cr_assert_eq(back, count);
		for (size_t i = 0; i < count; i++)
			cr_assert(value_order(&in[i], &out[i]) == 0, "shape %d: value %zu of %zu differs", shape, i,
				  count);
		cr_assert_eq(value_block_encode(out, back, texts, &again), STATUS_OK);
		cr_assert(span_equal(buf_view(&block), buf_view(&again)));
		cr_assert_eq(value_block_header(buf_view(&block), &h), STATUS_OK);
		cr_assert_eq(h.count, count);
		cr_assert_eq(h.time_last_ms, in[count - 1].time_ms);
		if (h.has_aggregate)
			check_header(&h, in, count);
		buf_deinit(&block);
		buf_deinit(&again);
	}
	value_texts_free(texts);
}

Test(value_block, the_order_of_arrival_does_not_matter)
{
	static struct value in[VALUE_BLOCK_MAX * 2], shuffled[VALUE_BLOCK_MAX * 2];
	struct value_texts *texts;
	seeded();
	cr_assert_eq(value_texts_new(&texts), STATUS_OK);
	for (int round = 0; round < 200; round++) {
		size_t count = make((enum shape)(round % SHAPES), in, texts);
		memcpy(shuffled, in, count * sizeof *in);
		for (size_t i = 0; i < count / 2; i++) { /* again, as if sent twice, some before what is known */
			shuffled[count + i] = in[next() % count];
			shuffled[count + i].delay_min = (uint32_t)(next() % (shuffled[count + i].delay_min + 1));
		}
		size_t all = count + count / 2;
		for (size_t i = all; i > 1; i--) {
			size_t k = next() % i;
			struct value swap = shuffled[i - 1];
			shuffled[i - 1] = shuffled[k];
			shuffled[k] = swap;
		}
		cr_assert_eq(values_normalise(shuffled, all), count);
		cr_assert_eq(memcmp(shuffled, in, count * sizeof *in), 0);
	}
	value_texts_free(texts);
}

Test(value_block, a_changed_byte_is_noticed)
{
	static struct value in[VALUE_BLOCK_MAX], out[VALUE_BLOCK_MAX];
	struct value_texts *texts;
	size_t back;
	seeded();
	cr_assert_eq(value_texts_new(&texts), STATUS_OK);
	for (int round = 0; round < 200; round++) {
		size_t count = make((enum shape)(round % SHAPES), in, texts);
		struct buf block = buf_init(VALUE_BLOCK_BYTES_MAX);
		cr_assert_eq(value_block_encode(in, count, texts, &block), STATUS_OK);
		block.data[next() % block.size] ^= (uint8_t)(1u << next() % 8);
		cr_assert_neq(value_block_decode(buf_view(&block), texts, out, &back), STATUS_OK);
		cr_assert_neq(value_block_decode(span_of(block.data, next() % block.size), texts, out, &back),
			      STATUS_OK);
		buf_deinit(&block);
	}
	value_texts_free(texts);
}
