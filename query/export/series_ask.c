#include "query/export/series_ask.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "query/export/series_sites.h"
#include "query/export/series_status.h"

#define LIST_BATCH 1024
#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* --- which streams --- */

static bool fits_text(struct span wanted, const char *text)
{
	return !wanted.size || span_equal(wanted, span_of_string(text));
}

static bool fits_quantity(struct span wanted, const char *text)
{
	bool open = wanted.size && wanted.data[wanted.size - 1] == '*';
	if (!open)
		return fits_text(wanted, text);
	return strlen(text) >= wanted.size - 1 && memcmp(text, wanted.data, wanted.size - 1) == 0;
}

static bool fits_site(struct engine *e, const struct series_ask *a, uint64_t site)
{
	const struct {
		struct span wanted;
		enum device_field field;
	} fields[] = {{a->village, DEVICE_FIELD_VILLAGE},
		      {a->sector, DEVICE_FIELD_SECTOR},
		      {a->company, DEVICE_FIELD_COMPANY}};
	char value[DEVICE_VALUE_MAX + 1];
	for (size_t i = 0; i < COUNT(fields); i++) {
		if (!fields[i].wanted.size)
			continue;
		if (registry_value(engine_registry(e), site, fields[i].field, a->now_ms, value) ||
		    !fits_text(fields[i].wanted, value))
			return false;
	}
	return !a->allows || a->allows(a->context, site);
}

struct list {
	struct stream *items;
	size_t count, capacity;
};

static enum status add(struct list *l, const struct stream *s)
{
	if (l->count == SERIES_STREAMS_MAX)
		return STATUS_FULL;
	if (l->count == l->capacity) {
		size_t capacity = l->capacity ? l->capacity * 2 : 16;
		struct stream *items = realloc(l->items, capacity * sizeof *items);
		if (!items)
			return STATUS_NO_MEMORY;
		l->items = items;
		l->capacity = capacity;
	}
	l->items[l->count++] = *s;
	return STATUS_OK;
}

static enum status add_if_fits(struct engine *e, const struct series_ask *a, uint64_t id, struct list *l, bool *fitted)
{
	struct stream s;
	*fitted = false;
	enum status status = stream_at(engine_streams(e), id, a->now_ms, &s);
	if (status)
		return status;
	*fitted =
		fits_text(a->site, s.site_number) && fits_quantity(a->quantity, s.quantity) && fits_site(e, a, s.site);
	return *fitted ? add(l, &s) : STATUS_OK;
}

static enum status id_of(struct engine *e, struct span text, uint64_t *out)
{
	char *end, digits[17];
	const uint8_t *slash = memrchr(text.data, '/', text.size);
	if (slash)
		return stream_find(engine_streams(e), span_of(text.data, (size_t)(slash - text.data)),
				   span_of(slash + 1, text.size - (size_t)(slash - text.data) - 1), out);
	if (text.size != 16)
		return STATUS_MALFORMED;
	memcpy(digits, text.data, 16);
	digits[16] = '\0';
	*out = strtoull(digits, &end, 16);
	return *end ? STATUS_MALFORMED : STATUS_OK;
}

static enum status add_named(struct engine *e, const struct series_ask *a, struct list *l)
{
	struct span rest = a->streams;
	while (rest.size) {
		const uint8_t *comma = memchr(rest.data, ',', rest.size);
		size_t size = comma ? (size_t)(comma - rest.data) : rest.size;
		uint64_t id;
		bool fitted = false;
		enum status status = id_of(e, span_of(rest.data, size), &id);
		if (!status)
			status = add_if_fits(e, a, id, l, &fitted);
		if (status || !fitted)
			return status ? status : STATUS_NOT_FOUND;
		size += comma != NULL;
		rest = span_of(rest.data + size, rest.size - size);
	}
	return STATUS_OK;
}

static enum status add_listed(struct engine *e, const struct series_ask *a, struct list *l)
{
	uint64_t ids[LIST_BATCH], after = 0, site = a->site.size ? site_id(a->site) : 0;
	size_t n;
	enum status status = STATUS_OK;
	while (!status && (n = streams_list(engine_streams(e), site, after, ids, LIST_BATCH))) {
		for (size_t i = 0; i < n && !status; i++) {
			bool fitted;
			status = add_if_fits(e, a, ids[i], l, &fitted);
		}
		after = ids[n - 1];
	}
	return status;
}

static int by_names(const void *a, const void *b)
{
	const struct stream *x = a, *y = b;
	int order = strcmp(x->site_number, y->site_number);
	return order ? order : strcmp(x->quantity, y->quantity);
}

enum status series_ask_streams(struct engine *e, const struct series_ask *a, struct stream **out, size_t *out_count)
{
	struct list l = {NULL, 0, 0};
	enum status status = a->streams.size ? add_named(e, a, &l) : add_listed(e, a, &l);
	if (status) {
		free(l.items);
		return status;
	}
	if (l.count)
		qsort(l.items, l.count, sizeof *l.items, by_names);
	*out = l.items;
	*out_count = l.count;
	return STATUS_OK;
}

enum status series_want_parse(struct span text, unsigned *out)
{
	*out = 0;
	while (text.size) {
		const uint8_t *comma = memchr(text.data, ',', text.size);
		size_t size = comma ? (size_t)(comma - text.data) : text.size;
		enum series_aggregate one;
		if (series_aggregate_parse(span_of(text.data, size), &one))
			return STATUS_NOT_FOUND;
		*out |= 1u << one;
		size += comma != NULL;
		text = span_of(text.data + size, text.size - size);
	}
	return STATUS_OK;
}

/* --- cells --- */

void series_cell_value(struct export_table *t, struct engine *e, const struct value *v)
{
	char digits[VALUE_PRINT_MAX + 1];
	struct span text;
	if (v->type == VALUE_TEXT) {
		if (value_texts_find(streams_texts(engine_streams(e)), (uint64_t)v->bits, &text))
			cell_none(t);
		else
			cell_span(t, text);
		return;
	}
	value_print(v, digits);
	cell_number(t, digits);
}

static void cell_bound(struct export_table *t, bool has, const struct value *v)
{
	char digits[VALUE_PRINT_MAX + 1] = "";
	if (has)
		value_print(v, digits);
	cell_number(t, digits);
}

static void cells_of(struct export_table *t, const struct stream *s)
{
	cell_hex64(t, s->id);
	cell_text(t, s->site_number);
	cell_text(t, s->quantity);
}

static enum status row_done(struct export_table *t, const struct series_ask *a)
{
	enum status status = export_table_status(t);
	return status ? status : a->flush(a->context);
}

/* --- streams, last values --- */

static enum status put_streams(struct export_table *t, struct engine *e, const struct series_ask *a,
			       const struct stream *s, size_t count)
{
	static const char *const columns[] = {"stream",    "site",      "quantity",    "unit", "kind",
					      "range_min", "range_max", "interval_ms", "name"};
	char name[DEVICE_VALUE_MAX + 1];
	enum status status = export_table_begin(t, a->format, columns, COUNT(columns), t->out);
	for (size_t i = 0; i < count && !status; i++) {
		cells_of(t, &s[i]);
		cell_text(t, s[i].unit);
		cell_text(t, stream_kind_token(s[i].kind));
		cell_bound(t, s[i].has_min, &s[i].range_min);
		cell_bound(t, s[i].has_max, &s[i].range_max);
		if (s[i].interval_ms)
			cell_integer(t, s[i].interval_ms);
		else
			cell_none(t);
		bool named = !registry_value(engine_registry(e), s[i].site, DEVICE_FIELD_NAME, a->now_ms, name);
		cell_text(t, named ? name : "");
		status = row_done(t, a);
	}
	return status ? status : export_table_end(t, NULL, 0);
}

static enum status put_last(struct export_table *t, struct engine *e, const struct series_ask *a,
			    const struct stream *s, size_t count)
{
	static const char *const columns[] = {"stream",  "site",     "quantity", "unit", "time", "value",
					      "quality", "in_range", "age_s",    "seen", "state"};
	enum status status = export_table_begin(t, a->format, columns, COUNT(columns), t->out);
	for (size_t i = 0; i < count && !status; i++) {
		struct value v = {.time_ms = INT64_MIN};
		int64_t seen_ms;
		enum status found = series_last(e, s[i].id, a->now_ms, &v, &seen_ms);
		if (found && found != STATUS_NOT_FOUND)
			return found;
		cells_of(t, &s[i]);
		cell_text(t, s[i].unit);
		cell_time(t, v.time_ms);
		if (found) {
			cell_none(t);
			cell_none(t);
			cell_none(t);
			cell_none(t);
		} else {
			series_cell_value(t, e, &v);
			cell_text(t, value_quality_token(v.quality));
			cell_bool(t, v.type == VALUE_TEXT || series_in_range(&s[i], &v));
			cell_integer(t, (a->now_ms - v.time_ms) / 1000);
		}
		cell_time(t, seen_ms);
		cell_text(t, site_state_token(site_state_of(&s[i], found ? INT64_MIN : v.time_ms, a->now_ms)));
		status = row_done(t, a);
	}
	return status ? status : export_table_end(t, site_notes, SITE_NOTES);
}

/* --- values --- */

static enum status put_value(struct export_table *t, struct engine *e, const struct series_ask *a, struct stream *s,
			     const struct value *v, bool stands)
{
	struct stream then;
	/* the range is that of the value's time */
	if ((v->time_ms < s->holds_from_ms || v->time_ms >= s->holds_to_ms) &&
	    stream_at(engine_streams(e), s->id, v->time_ms, &then) == STATUS_OK)
		*s = then;
	cells_of(t, s);
	cell_time(t, v->time_ms);
	series_cell_value(t, e, v);
	cell_text(t, value_quality_token(v->quality));
	cell_bool(t, v->type == VALUE_TEXT || series_in_range(s, v));
	if (a->corrections) {
		cell_bool(t, stands);
		cell_integer(t, v->delay_min);
	}
	return row_done(t, a);
}

static enum status put_values_of(struct export_table *t, struct engine *e, const struct series_ask *a,
				 const struct stream *stream)
{
	struct stream s = *stream;
	struct series *reader;
	struct value v;
	bool stands = true;
	enum status status = series_open(e, s.id, a->from_ms, a->to_ms, &reader);
	if (status)
		return status;
	while (!(status = a->corrections ? series_next_any(reader, &v, &stands) : series_next(reader, &v)))
		if ((status = put_value(t, e, a, &s, &v, stands)))
			break;
	series_close(reader);
	return status == STATUS_END ? STATUS_OK : status;
}

static enum status put_values(struct export_table *t, struct engine *e, const struct series_ask *a,
			      const struct stream *s, size_t count)
{
	static const char *const columns[] = {"stream",  "site",     "quantity", "time",     "value",
					      "quality", "in_range", "stands",   "delay_min"};
	enum status status =
		export_table_begin(t, a->format, columns, COUNT(columns) - (a->corrections ? 0 : 2), t->out);
	for (size_t i = 0; i < count && !status; i++)
		status = put_values_of(t, e, a, &s[i]);
	return status ? status : export_table_end(t, NULL, 0);
}

/* --- steps --- */

struct step_rows {
	struct export_table *t;
	struct engine *e;
	const struct series_ask *a;
	const struct stream *s;
	unsigned want;
};

static void cell_sum(struct export_table *t, const struct value_sum *sum)
{
	char text[64];
	value_sum_print(sum, text);
	cell_number(t, text);
}

static void cell_aggregate(struct step_rows *r, const struct series_step *step, enum series_aggregate what)
{
	if (what == SERIES_COUNT) {
		cell_integer(r->t, (int64_t)step->count);
		return;
	}
	if (what == SERIES_TWA) {
		cell_double(r->t, step->time_weighted);
		return;
	}
	if (!step->count) {
		cell_none(r->t);
		return;
	}
	switch (what) {
	case SERIES_MIN:
		series_cell_value(r->t, r->e, &step->min);
		break;
	case SERIES_MAX:
		series_cell_value(r->t, r->e, &step->max);
		break;
	case SERIES_FIRST:
		series_cell_value(r->t, r->e, &step->first);
		break;
	case SERIES_LAST:
		series_cell_value(r->t, r->e, &step->last);
		break;
	case SERIES_SUM:
		cell_sum(r->t, step->sum);
		break;
	case SERIES_MEAN:
		cell_double(r->t, value_sum_double(step->sum) / (double)step->count);
		break;
	default:
		series_cell_value(r->t, r->e, &step->percentiles[what - SERIES_P50]);
	}
}

static enum status put_step(void *context, const struct series_step *step)
{
	struct step_rows *r = context;
	cells_of(r->t, r->s);
	cell_time(r->t, step->from_ms);
	cell_time(r->t, step->until_ms);
	for (unsigned i = 0; i < SERIES_AGGREGATE_COUNT; i++)
		if (r->want & 1u << i)
			cell_aggregate(r, step, (enum series_aggregate)i);
	return row_done(r->t, r->a);
}

static enum status put_steps(struct export_table *t, struct engine *e, const struct series_ask *a,
			     const struct stream *s, size_t count)
{
	const char *columns[5 + SERIES_AGGREGATE_COUNT] = {"stream", "site", "quantity", "from", "until"};
	const unsigned pixel = 1u << SERIES_MIN | 1u << SERIES_MAX | 1u << SERIES_FIRST | 1u << SERIES_LAST;
	unsigned want = 1u << SERIES_COUNT | (a->points ? pixel : a->want);
	size_t n = 5;
	for (unsigned i = 0; i < SERIES_AGGREGATE_COUNT; i++)
		if (want & 1u << i)
			columns[n++] = series_aggregate_token((enum series_aggregate)i);
	int64_t until_ms = a->to_ms == INT64_MAX ? INT64_MAX : a->to_ms + 1, span_ms;
	if (__builtin_sub_overflow(until_ms, a->from_ms, &span_ms))
		return STATUS_INVALID;
	struct series_question q = {.from_ms = a->from_ms,
				    .until_ms = until_ms,
				    .step_ms = a->points ? (span_ms - 1) / (int64_t)a->points + 1 : a->step_ms,
				    .hold_ms = a->hold_ms,
				    .want = want};
	enum status status = export_table_begin(t, a->format, columns, n, t->out);
	for (size_t i = 0; i < count && !status; i++) {
		struct step_rows r = {t, e, a, &s[i], want};
		q.stream = s[i].id;
		status = series_steps(e, &q, put_step, &r);
	}
	return status ? status : export_table_end(t, NULL, 0);
}

/* --- all of them --- */

enum status series_answer(struct engine *e, const struct series_ask *a, struct buf *out)
{
	struct stream *streams = NULL;
	size_t count = 0;
	struct export_table t = {.out = out};
	if (a->kind == ASK_BOARD)
		return site_board(e, a, &t);
	if (a->kind == ASK_STATUS)
		return site_status(e, a, &t);
	if (a->from_ms > a->to_ms)
		return STATUS_INVALID;
	if (a->kind == ASK_COVERAGE)
		return site_coverage(e, a, &t);
	if (a->kind == ASK_AVAILABILITY)
		return site_availability(e, a, &t);
	enum status status = series_ask_streams(e, a, &streams, &count);
	if (status)
		return status;
	if (a->kind == ASK_STREAMS)
		status = put_streams(&t, e, a, streams, count);
	else if (a->kind == ASK_LAST)
		status = put_last(&t, e, a, streams, count);
	else if (a->step_ms || a->points)
		status = put_steps(&t, e, a, streams, count);
	else
		status = put_values(&t, e, a, streams, count);
	free(streams);
	return status;
}
