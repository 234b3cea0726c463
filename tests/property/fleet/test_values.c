/* Values through a real engine: whatever the order, the batches, the restarts and the number of shards, what is read is
 * the set that was sent; steps are what a plain loop over it says. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "engine/core/clock.h"
#include "engine/fleet/series.h"
#include "engine/fleet/values_writer.h"
#include "rig.h"

#define STREAMS 5u
#define VALUES 6000u
#define FIRST_MS INT64_C(1764000000000) /* 2025-11-24; blocks cross into December */

static uint64_t state;

static uint64_t next(void)
{
	state ^= state << 13;
	state ^= state >> 7;
	return state ^= state << 17;
}

static void seeded(const char *test)
{
	const char *given = getenv("ZAYTON_SEED");
	state = given ? strtoull(given, NULL, 0) : (uint64_t)clock_now_ms() * 2654435761u;
	fprintf(stderr, "%s: ZAYTON_SEED=%llu\n", test, (unsigned long long)state);
	state |= 1;
}

struct item {
	unsigned stream;
	int64_t received_ms;
	struct value v;
	char text[16];
};

static struct item items[VALUES];
static struct value model[STREAMS][VALUES];
static size_t model_count[STREAMS];

static void make_items(void)
{
	for (size_t i = 0; i < VALUES; i++) {
		struct item *it = &items[i];
		*it = (struct item){.stream = (unsigned)(next() % STREAMS)};
		if (i > 10 && next() % 10 == 0) { /* sent again, or corrected, later or at once */
			*it = items[next() % i];
			if (next() % 2)
				value_set_decimal(&it->v, (int64_t)(next() % 900), 1);
			if (next() % 3)
				it->received_ms += (int64_t)(next() % 7200000);
		} else {
			it->v.time_ms = FIRST_MS + (int64_t)(i * 5 + next() % 20) * 20000;
			it->received_ms = it->v.time_ms + (int64_t)(next() % 8 ? next() % 5000 : next() % 86400000);
			if (it->stream == 4) {
				snprintf(it->text, sizeof it->text, "state %u", (unsigned)(next() % 3));
				it->v.type = VALUE_TEXT;
			} else if (it->stream == 3) {
				cr_assert_eq(value_set_double(&it->v, (double)next() / 1e18), STATUS_OK);
			} else {
				value_set_decimal(&it->v, (int64_t)(next() % 1000) - 200, it->stream);
			}
			it->v.quality = next() % 30 ? 0 : VALUE_QUALITY_FAULT;
		}
		if (it->v.type == VALUE_TEXT)
			it->v.bits = (int64_t)value_text_hash(span_of_string(it->text));
	}
	for (unsigned s = 0; s < STREAMS; s++) {
		size_t n = 0;
		for (size_t i = 0; i < VALUES; i++)
			if (items[i].stream == s) {
				model[s][n] = items[i].v;
				model[s][n++].delay_min = value_delay(items[i].v.time_ms, items[i].received_ms);
			}
		model_count[s] = values_normalise(model[s], n);
	}
}

/* Each item moves by less than `reach`. */
static void shuffle(size_t reach)
{
	for (size_t i = VALUES; i > 1; i--) {
		size_t k = i - 1 - next() % (i < reach ? i : reach);
		struct item swap = items[i - 1];
		items[i - 1] = items[k];
		items[k] = swap;
	}
}

/* Quantities that no shipped rule asks for: findings would keep values that expire. */
static uint64_t id_of(unsigned stream)
{
	char site[16];
	snprintf(site, sizeof site, "site %u", stream / 2);
	return stream_id(site_id(span_of_string(site)), span_of_string(stream % 2 ? "depth" : "amount"));
}

static void define(struct engine *e)
{
	for (unsigned s = 0; s < STREAMS; s++) {
		char site[16];
		uint64_t id;
		struct registry_change changes[2] = {{DEVICE_FIELD_INTERVAL, span_of_string("100s")},
						     {DEVICE_FIELD_RANGE_MIN, span_of_string("-10")}};
		snprintf(site, sizeof site, "site %u", s / 2);
		cr_assert_eq(stream_put(engine_streams(e), span_of_string(site),
					span_of_string(s % 2 ? "depth" : "amount"), changes, s == 1 ? 2 : 1,
					VALID_ALWAYS_FROM, "test", false, &id),
			     STATUS_OK);
		cr_assert_eq(id, id_of(s));
	}
}

static void send_range(struct engine *e, size_t from, size_t to)
{
	struct values_writer *w;
	cr_assert_eq(values_writer_new(e, &w), STATUS_OK);
	for (size_t i = from; i < to; i++) {
		cr_assert_eq(values_writer_begin(w, items[i].received_ms), STATUS_OK);
		cr_assert_eq(values_writer_add(w, id_of(items[i].stream), &items[i].v, span_of_string(items[i].text)),
			     STATUS_OK);
		if (next() % 500 == 0)
			cr_assert_eq(values_writer_flush(w), STATUS_OK);
	}
	cr_assert_eq(values_writer_flush(w), STATUS_OK);
	values_writer_free(w);
}

static void expect_all(struct engine *e)
{
	for (unsigned s = 0; s < STREAMS; s++) {
		struct series *reader;
		struct value v;
		bool stands;
		size_t n = 0;
		enum status status;
		cr_assert_eq(series_open(e, id_of(s), INT64_MIN, INT64_MAX, &reader), STATUS_OK);
		while (!(status = series_next_any(reader, &v, &stands))) {
			cr_assert_lt(n, model_count[s], "stream %u: more than was sent", s);
			cr_assert_eq(value_order(&v, &model[s][n]), 0, "stream %u: value %zu", s, n);
			bool last = n + 1 == model_count[s] || model[s][n + 1].time_ms != v.time_ms;
			cr_assert_eq(stands, last);
			n++;
		}
		cr_assert_eq(status, STATUS_END);
		cr_assert_eq(n, model_count[s], "stream %u: %zu of %zu", s, n, model_count[s]);
		series_close(reader);
	}
}

static void one_round(unsigned shards, size_t head_bytes)
{
	struct rig r;
	struct buf complaints = buf_init(1u << 20);
	rig_init(&r);
	r.options.shards = shards;
	r.options.checkpoint_ms = 20;
	r.options.head_bytes_max = head_bytes;
	rig_open(&r);
	define(r.engine);
	shuffle(VALUES);
	for (size_t at = 0; at < VALUES;) {
		size_t n = 1 + next() % (VALUES / 3);
		n = n < VALUES - at ? n : VALUES - at;
		send_range(r.engine, at, at + n);
		at += n;
		if (next() % 3 == 0)
			cr_assert_eq(engine_settle(r.engine), STATUS_OK);
		if (next() % 3 == 0) {
			rig_close(&r);
			r.options.shards = 1 + (unsigned)(next() % 3);
			rig_open(&r);
		}
	}
	expect_all(r.engine);
	cr_assert_eq(engine_settle(r.engine), STATUS_OK);
	expect_all(r.engine);
	rig_close(&r);
	rig_open(&r);
	expect_all(r.engine);
	cr_assert_eq(store_check(engine_store(r.engine), &complaints), STATUS_OK, "%.*s", (int)complaints.size,
		     (const char *)complaints.data);
	buf_deinit(&complaints);
	rig_close(&r);
	rig_deinit(&r);
}

Test(values, what_is_read_is_the_set_that_was_sent)
{
	seeded("values");
	make_items();
	one_round(1, (size_t)64 << 20);
	one_round(3, (size_t)64 << 20);
	one_round(2, 200000); /* heads are shed all the time */
}

/* --- steps --- */

struct walk {
	const struct value *values;
	size_t count, at;
	const struct stream *stream;
	const struct series_question *q;
	size_t steps;
	uint64_t total;
};

static int by_number(const void *a, const void *b)
{
	return value_compare(a, b);
}

static enum status check_step(void *context, const struct series_step *step)
{
	struct walk *w = context;
	static struct value in[VALUES];
	struct value_sum sum;
	size_t n = 0;
	value_sum_init(&sum);
	cr_assert_eq(step->from_ms, w->q->from_ms + (int64_t)w->steps * w->q->step_ms);
	for (size_t i = 0; i < w->count; i++) {
		const struct value *v = &w->values[i];
		bool stands = i + 1 == w->count || v[1].time_ms != v->time_ms;
		if (stands && v->time_ms >= step->from_ms && v->time_ms < step->until_ms &&
		    series_value_counts(w->stream, v)) {
			in[n++] = *v;
			value_sum_add(&sum, v);
		}
	}
	w->steps++;
	w->total += n;
	cr_assert_eq(step->count, n, "step %zu: %llu, not %zu", w->steps, (unsigned long long)step->count, n);
	if (!n)
		return STATUS_OK;
	cr_assert_eq(value_compare(&step->first, &in[0]), 0);
	cr_assert_eq(value_compare(&step->last, &in[n - 1]), 0);
	cr_assert_eq(value_sum_double(step->sum), value_sum_double(&sum));
	qsort(in, n, sizeof *in, by_number);
	cr_assert_eq(value_compare(&step->min, &in[0]), 0);
	cr_assert_eq(value_compare(&step->max, &in[n - 1]), 0);
	if (w->q->want & 1u << SERIES_P90)
		cr_assert_eq(value_compare(&step->percentiles[1], &in[(n * 90 + 99) / 100 - 1]), 0);
	return STATUS_OK;
}

Test(values, steps_are_what_a_loop_says_by_headers_and_by_values)
{
	struct rig r;
	seeded("steps");
	make_items();
	shuffle(400);
	rig_init(&r);
	r.options.head_bytes_max = 2000; /* heads are shed into small blocks that overlap, until they are settled */
	rig_open(&r);
	define(r.engine);
	send_range(r.engine, 0, VALUES);
	for (int settled = 0; settled < 2; settled++) {
		for (int round = 0; round < 40; round++) {
			unsigned s = (unsigned)(next() % 4);
			struct stream stream;
			int64_t span = (int64_t)VALUES * 100000;
			struct series_question q = {.stream = id_of(s),
						    .from_ms = FIRST_MS + (int64_t)(next() % (uint64_t)span)};
			q.until_ms = q.from_ms + 1 + (int64_t)(next() % (uint64_t)span);
			if (round % 2) { /* all of it: blocks lie within steps */
				q.from_ms = FIRST_MS - span / 7;
				q.until_ms = FIRST_MS + 2 * span;
			}
			q.step_ms = (q.until_ms - q.from_ms) / (1 + (int64_t)(next() % 2 ? next() % 30 : 0)) + 1;
			q.want = next() % 2 ? 1u << SERIES_P90 : 1u << SERIES_SUM;
			cr_assert_eq(stream_at(engine_streams(r.engine), q.stream, q.from_ms, &stream), STATUS_OK);
			struct walk w = {.values = model[s], .count = model_count[s], .stream = &stream, .q = &q};
			cr_assert_eq(series_steps(r.engine, &q, check_step, &w), STATUS_OK);
			cr_assert_eq(w.steps, (size_t)((q.until_ms - q.from_ms - 1) / q.step_ms + 1));
		}
		cr_assert_eq(engine_settle(r.engine), STATUS_OK);
	}
	rig_close(&r);
	rig_deinit(&r);
}

static enum status take_twa(void *context, const struct series_step *step)
{
	double *out = context;
	*out = step->time_weighted;
	return STATUS_OK;
}

Test(values, a_value_holds_until_the_next_but_not_for_ever)
{
	struct rig r;
	struct values_writer *w;
	double twa;
	static const struct {
		int64_t at_s, v;
	} said[] = {{-60, 4}, {0, 10}, {60, 20}, {100, 30}};
	rig_init(&r);
	rig_open(&r);
	define(r.engine);
	cr_assert_eq(values_writer_new(r.engine, &w), STATUS_OK);
	for (size_t i = 0; i < 4; i++) {
		struct value v = {.time_ms = FIRST_MS + said[i].at_s * 1000};
		value_set_decimal(&v, said[i].v, 0);
		cr_assert_eq(values_writer_add(w, id_of(0), &v, (struct span){NULL, 0}), STATUS_OK);
	}
	cr_assert_eq(values_writer_flush(w), STATUS_OK);
	values_writer_free(w);
	struct series_question q = {.stream = id_of(0),
				    .from_ms = FIRST_MS - 30000,
				    .until_ms = FIRST_MS + 1000000,
				    .hold_ms = 100000,
				    .want = 1u << SERIES_TWA};
	cr_assert_eq(series_steps(r.engine, &q, take_twa, &twa), STATUS_OK);
	/* 4 for 30 s, 10 for 60 s, 20 for 40 s, 30 for 100 s */
	cr_assert_float_eq(twa, (4.0 * 30 + 10.0 * 60 + 20.0 * 40 + 30.0 * 100) / 230, 1e-12);
	rig_close(&r);
	rig_deinit(&r);
}

static size_t count_of(struct engine *e, unsigned stream)
{
	struct series *s;
	struct value v;
	size_t n = 0;
	cr_assert_eq(series_open(e, id_of(stream), INT64_MIN, INT64_MAX, &s), STATUS_OK);
	while (!series_next(s, &v))
		n++;
	series_close(s);
	return n;
}

Test(values, what_has_had_its_months_goes_and_what_is_held_stays)
{
	struct rig r;
	struct values_writer *w;
	struct retention_result result;
	struct buf complaints = buf_init(1u << 16);
	const int64_t old_ms = FIRST_MS - 40 * 31 * MS_PER_DAY;
	rig_init(&r);
	rig_open(&r);
	define(r.engine);
	cr_assert_eq(values_writer_new(r.engine, &w), STATUS_OK);
	for (int i = 0; i < 3000; i++) {
		struct value v = {.time_ms = (i % 2 ? old_ms : FIRST_MS) + i * 1000};
		value_set_decimal(&v, i, 1);
		cr_assert_eq(values_writer_begin(w, v.time_ms + 500), STATUS_OK);
		cr_assert_eq(values_writer_add(w, id_of((unsigned)i / 2 % 2), &v, (struct span){NULL, 0}), STATUS_OK);
	}
	cr_assert_eq(values_writer_flush(w), STATUS_OK);
	values_writer_free(w);
	cr_assert_eq(engine_settle(r.engine), STATUS_OK);
	cr_assert_eq(store_hold(engine_store(r.engine), id_of(1), old_ms, FIRST_MS, "case-1"), STATUS_OK);
	cr_assert_eq(engine_expire(r.engine, FIRST_MS, &result), STATUS_OK);
	cr_assert_gt(result.families_dropped, 0);
	cr_assert_eq(count_of(r.engine, 0), 750, "the old half is gone");
	cr_assert_eq(count_of(r.engine, 1), 1500, "held");
	cr_assert_eq(store_check(engine_store(r.engine), &complaints), STATUS_OK, "%.*s", (int)complaints.size,
		     (const char *)complaints.data);
	cr_assert_eq(store_release(engine_store(r.engine), "case-1"), STATUS_OK);
	cr_assert_eq(count_of(r.engine, 1), 750);
	buf_deinit(&complaints);
	rig_close(&r);
	rig_deinit(&r);
}
