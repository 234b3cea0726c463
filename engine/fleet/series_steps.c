/* series_steps.c -- what values come to, step by step.
 *
 *   reader ─┬─ a block alone, within one step, in range ──> its header ─┐
 *           └─ value ── good? in range? ─────────────────────────────────────────┴─> step: count, ends, sum ──> visit
 *                          └─> held: area under the value before, for TWA; kept: for percentiles */
#include <math.h>
#include <stdlib.h>

#include "engine/fleet/series_read.h"

#define PERCENTILES_WANTED (1u << SERIES_P50 | 1u << SERIES_P90 | 1u << SERIES_P95 | 1u << SERIES_P99)
#define HOLD_INTERVALS 3

static const char *const tokens[SERIES_AGGREGATE_COUNT] = {
#define X(NAME, token) token,
	SERIES_AGGREGATE_TABLE(X)
#undef X
};

const char *series_aggregate_token(enum series_aggregate a)
{
	return tokens[a];
}

enum status series_aggregate_parse(struct span token, enum series_aggregate *out)
{
	for (unsigned i = 0; i < SERIES_AGGREGATE_COUNT; i++)
		if (span_equal(token, span_of_string(tokens[i]))) {
			*out = (enum series_aggregate)i;
			return STATUS_OK;
		}
	return STATUS_NOT_FOUND;
}

struct stepping {
	const struct series_question *q;
	struct streams *streams;
	struct stream stream; /* as it holds around the values at hand */
	bool known;
	series_step_visit *visit;
	void *context;
	int64_t until_ms, step_ms;
	struct series_step step;
	struct value_sum sum;
	/* TWA */
	bool holds;
	struct value held;
	double held_value, area; /* value x ms */
	int64_t covered_ms, hold_ms;
	/* percentiles */
	struct value *kept;
	size_t kept_count, kept_room;
};

/* --- what counts --- */

static void at_time(struct stepping *s, int64_t time_ms)
{
	if (s->known && time_ms >= s->stream.holds_from_ms && time_ms < s->stream.holds_to_ms)
		return;
	if (stream_at(s->streams, s->q->stream, time_ms, &s->stream))
		s->stream = (struct stream){.holds_from_ms = INT64_MIN, .holds_to_ms = INT64_MAX};
	s->known = true;
}

bool series_in_range(const struct stream *stream, const struct value *v)
{
	return (!stream->has_min || value_compare(v, &stream->range_min) >= 0) &&
	       (!stream->has_max || value_compare(v, &stream->range_max) <= 0);
}

bool series_value_counts(const struct stream *stream, const struct value *v)
{
	return v->quality == VALUE_QUALITY_GOOD && v->type != VALUE_TEXT && series_in_range(stream, v);
}

/* --- one step --- */

static void begin_step(struct stepping *s, int64_t from_ms)
{
	int64_t until_ms;
	if (__builtin_add_overflow(from_ms, s->step_ms, &until_ms) || until_ms > s->until_ms)
		until_ms = s->until_ms;
	s->step = (struct series_step){.from_ms = from_ms, .until_ms = until_ms, .sum = &s->sum};
	value_sum_init(&s->sum);
	s->area = 0;
	s->covered_ms = 0;
	s->kept_count = 0;
}

static void add_ends(struct stepping *s, const struct value *min, const struct value *max, const struct value *first,
		     const struct value *last)
{
	struct series_step *step = &s->step;
	if (!step->count) {
		step->min = *min;
		step->max = *max;
		step->first = *first;
	}
	if (value_compare(min, &step->min) < 0)
		step->min = *min;
	if (value_compare(max, &step->max) > 0)
		step->max = *max;
	step->last = *last;
}

/* The value held covers the time from where it was accounted up to `to_ms`, as long as it holds. */
static void hold_until(struct stepping *s, int64_t to_ms)
{
	int64_t from_ms = s->held.time_ms > s->step.from_ms ? s->held.time_ms : s->step.from_ms, end_ms;
	if (!s->holds)
		return;
	if (__builtin_add_overflow(s->held.time_ms, s->hold_ms, &end_ms) || end_ms > to_ms)
		end_ms = to_ms;
	if (end_ms <= from_ms)
		return;
	s->area += s->held_value * (double)(end_ms - from_ms);
	s->covered_ms += end_ms - from_ms;
}

static enum status keep(struct stepping *s, const struct value *v)
{
	if (s->kept_count == PERCENTILE_VALUES_MAX)
		return STATUS_FULL;
	if (s->kept_count == s->kept_room) {
		size_t room = s->kept_room ? s->kept_room * 2 : 1024;
		struct value *kept = realloc(s->kept, room * sizeof *kept);
		if (!kept)
			return STATUS_NO_MEMORY;
		s->kept = kept;
		s->kept_room = room;
	}
	s->kept[s->kept_count++] = *v;
	return STATUS_OK;
}

static int compare_void(const void *a, const void *b)
{
	return value_compare(a, b);
}

/* Nearest rank: the ceil(p * n / 100)-th. */
static void take_percentiles(struct stepping *s)
{
	static const unsigned percents[4] = {50, 90, 95, 99};
	if (!s->kept_count)
		return;
	qsort(s->kept, s->kept_count, sizeof *s->kept, compare_void);
	for (unsigned i = 0; i < 4; i++)
		s->step.percentiles[i] = s->kept[(s->kept_count * percents[i] + 99) / 100 - 1];
}

static enum status end_step(struct stepping *s)
{
	if (s->q->want & 1u << SERIES_TWA)
		hold_until(s, s->step.until_ms);
	s->step.time_weighted = s->covered_ms ? s->area / (double)s->covered_ms : NAN;
	if (s->q->want & PERCENTILES_WANTED)
		take_percentiles(s);
	return s->visit(s->context, &s->step);
}

/* Steps before the one of `time_ms` end. */
static enum status go_to(struct stepping *s, int64_t time_ms)
{
	enum status status = STATUS_OK;
	while (!status && time_ms >= s->step.until_ms && s->step.until_ms < s->until_ms) {
		status = end_step(s);
		begin_step(s, s->step.until_ms);
	}
	return status;
}

static enum status add_value(struct stepping *s, const struct value *v)
{
	enum status status = go_to(s, v->time_ms);
	at_time(s, v->time_ms);
	if (status || !series_value_counts(&s->stream, v))
		return status;
	add_ends(s, v, v, v, v);
	s->step.count++;
	value_sum_add(&s->sum, v);
	if (s->q->want & 1u << SERIES_TWA) {
		hold_until(s, v->time_ms);
		s->holds = true;
		s->held = *v;
		s->held_value = value_to_double(v);
	}
	return s->q->want & PERCENTILES_WANTED ? keep(s, v) : STATUS_OK;
}

/* --- whole blocks --- */

static struct value end_of(const struct value_block_header *h, int64_t bits, int64_t time_ms)
{
	struct value v = {.time_ms = time_ms, .type = h->type, .bits = bits};
	if (h->type == VALUE_DECIMAL)
		value_set_decimal(&v, bits, h->scale);
	return v;
}

/* Whether the header says all that is asked. */
static bool header_serves(struct stepping *s, const struct value_block_header *h)
{
	if (!h->has_sum || !h->good || h->time_first_ms < s->step.from_ms)
		return false;
	at_time(s, h->time_first_ms);
	struct value min = end_of(h, h->min, 0), max = end_of(h, h->max, 0);
	return h->time_last_ms < s->stream.holds_to_ms && series_in_range(&s->stream, &min) &&
	       series_in_range(&s->stream, &max);
}

static void add_header(struct stepping *s, const struct value_block_header *h)
{
	struct value min = end_of(h, h->min, h->time_first_ms), max = end_of(h, h->max, h->time_first_ms);
	struct value first = end_of(h, h->first, h->time_first_ms), last = end_of(h, h->last, h->time_last_ms);
	add_ends(s, &min, &max, &first, &last);
	s->step.count += h->good;
	if (h->type == VALUE_DECIMAL)
		value_sum_add_decimals(&s->sum, h->sum, h->scale);
	else
		value_sum_add_doubles(&s->sum, h->sum, h->sum_exponent);
}

/* Blocks as long as their headers serve; STATUS_NOT_FOUND when values are to be read. */
static enum status add_blocks(struct stepping *s, struct series *reader)
{
	struct value_block_header h;
	for (;;) {
		enum status status = series_next_block(reader, &h);
		if (!status)
			status = go_to(s, h.time_first_ms);
		if (status)
			return status;
		if (h.time_last_ms >= s->step.until_ms || !header_serves(s, &h)) {
			status = series_open_copy(reader);
			return status ? status : STATUS_NOT_FOUND;
		}
		add_header(s, &h);
	}
}

static enum status add_all(struct stepping *s, struct series *reader)
{
	bool by_header = !(s->q->want & (PERCENTILES_WANTED | 1u << SERIES_TWA));
	struct value v;
	enum status status = STATUS_OK;
	while (!status) {
		/* between blocks: when nothing opened is left before the next */
		if (by_header && reader->blocks_left && series_front(reader) > reader->next.header.time_last_ms)
			status = add_blocks(s, reader);
		if (status == STATUS_NOT_FOUND || !status)
			status = series_next(reader, &v);
		if (!status)
			status = add_value(s, &v);
	}
	return status == STATUS_END ? STATUS_OK : status;
}

/* --- the question --- */

static enum status prepare(struct stepping *s, const struct series_question *q)
{
	s->until_ms = q->until_ms;
	s->step_ms = q->step_ms ? q->step_ms : INT64_MAX;
	uint64_t span = (uint64_t)q->until_ms - (uint64_t)q->from_ms;
	if (q->from_ms >= q->until_ms || q->step_ms < 0 || q->hold_ms < 0)
		return STATUS_INVALID;
	if (q->step_ms && (span - 1) / (uint64_t)q->step_ms >= SERIES_STEPS_MAX)
		return STATUS_FULL;
	at_time(s, q->until_ms - 1);
	s->hold_ms = q->hold_ms              ? q->hold_ms
		     : s->stream.interval_ms ? s->stream.interval_ms * HOLD_INTERVALS
					     : INT64_MAX;
	begin_step(s, q->from_ms);
	return STATUS_OK;
}

/* The value that holds as the span begins, for TWA. */
static enum status look_before(struct stepping *s, struct engine *e)
{
	struct series *reader;
	struct value v;
	int64_t most = s->hold_ms < VALUE_SPAN_MAX_MS ? s->hold_ms : VALUE_SPAN_MAX_MS, from_ms;
	if (__builtin_sub_overflow(s->q->from_ms, most, &from_ms) || s->q->from_ms == INT64_MIN)
		return STATUS_OK;
	enum status status = series_open(e, s->q->stream, from_ms, s->q->from_ms - 1, &reader);
	if (status)
		return status;
	while (!(status = series_next(reader, &v))) {
		at_time(s, v.time_ms);
		if (!series_value_counts(&s->stream, &v))
			continue;
		s->holds = true;
		s->held = v;
		s->held_value = value_to_double(&v);
	}
	series_close(reader);
	return status == STATUS_END ? STATUS_OK : status;
}

enum status series_steps(struct engine *e, const struct series_question *q, series_step_visit *visit, void *context)
{
	struct stepping *s = calloc(1, sizeof *s);
	struct series *reader = NULL;
	if (!s)
		return STATUS_NO_MEMORY;
	s->q = q;
	s->streams = engine_streams(e);
	s->visit = visit;
	s->context = context;
	enum status status = prepare(s, q);
	if (!status && q->want & 1u << SERIES_TWA)
		status = look_before(s, e);
	if (!status)
		status = series_open(e, q->stream, q->from_ms, q->until_ms - 1, &reader);
	if (!status)
		status = add_all(s, reader);
	if (!status)
		status = go_to(s, INT64_MAX);
	if (!status)
		status = end_step(s);
	series_close(reader);
	free(s->kept);
	free(s);
	return status;
}
