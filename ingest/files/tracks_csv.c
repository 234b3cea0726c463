#include "ingest/files/tracks_csv.h"

#include <stdlib.h>

#include "ingest/files/columns_csv.h"
#include "ingest/files/number_fast.h"

_Static_assert(CSV_PAD >= NUMBER_PAD, "numbers are read with the bytes before them");

#define TRACKS_BATCH 64

struct plan_step {
	uint16_t column;
	uint8_t field; /* enum track_field */
	struct number_scale scale;
};

/* Rows read but not handed on yet. A core that reads a report which it has just written field by field waits until
 * all it wrote before has reached the cache; a batch later there is nothing left to wait for. */
struct gathered {
	_Alignas(64) struct report reports[TRACKS_BATCH];
	uint32_t devices[TRACKS_BATCH];
	uint64_t lines[TRACKS_BATCH];
	uint64_t next_offsets[TRACKS_BATCH], next_lines[TRACKS_BATCH]; /* of the row behind */
	size_t count;
};

struct tracks_csv {
	struct csv *csv;
	struct name_index *names;
	struct columns columns;
	struct plan_step plan[TRACK_FIELD_COUNT]; /* the columns that are read, in the order of fields */
	size_t plan_size;
	size_t columns_needed; /* fields a row must have when there is no header to say */
	bool has_status;
	struct report blank; /* what a row that says nothing has */
	uint32_t device;     /* of rows that name none */
	struct time_reader time, received;
	uint64_t offset, line; /* of the first row not passed */
	struct gathered gathered;
};

static inline enum status ranged(struct span text, const struct number_scale *scale, int64_t min, int64_t max,
				 int64_t *out)
{
	enum status status = number_scaled(text, scale, out);
	return status ? status : *out < min || *out > max ? STATUS_OUT_OF_RANGE : STATUS_OK;
}

/* One digit is what nearly every row has: 0, 2 or 3. */
static inline enum status take_word(struct span text, uint32_t *out)
{
	unsigned digit = text.size == 1 ? text.data[0] - (unsigned)'0' : 10;
	if (digit > 9)
		return number_word(text, out);
	*out = digit;
	return STATUS_OK;
}

static enum status take_course(struct span text, const struct number_scale *scale, struct report *r)
{
	int64_t v;
	enum status status = ranged(text, scale, 0, COURSE_UNKNOWN - 1, &v);
	if (!status) /* 359.7 is north, a 360 that was written stays */
		r->course_deg = (uint16_t)(v == 360 && memchr(text.data, '.', text.size) ? 0 : v);
	return status;
}

static inline struct span trimmed(struct span text)
{
	while (text.size && text.data[0] == ' ')
		text = span_of(text.data + 1, text.size - 1);
	while (text.size && text.data[text.size - 1] == ' ')
		text.size--;
	return text;
}

/* One field of a row. STATUS_EMPTY when there is nothing in it. */
static inline enum status take_field(struct tracks_csv *t, const struct plan_step *step, struct span text,
				     struct report *r, uint32_t *device)
{
	int64_t v = 0;
	enum status status;
	switch (step->field) {
	case TRACK_FIELD_DEVICE:
		return name_index_take(t->names, trimmed(text), device);
	case TRACK_FIELD_TIME:
		return time_reader_take(&t->time, text, &r->time_ms);
	case TRACK_FIELD_LAT:
		status = ranged(text, &step->scale, -LAT_E7_MAX, LAT_E7_MAX, &v);
		r->lat_e7 = (int32_t)v;
		return status;
	case TRACK_FIELD_LON:
		status = ranged(text, &step->scale, -LON_E7_MAX, LON_E7_MAX, &v);
		r->lon_e7 = (int32_t)v;
		return status;
	case TRACK_FIELD_SPEED:
		status = ranged(text, &step->scale, 0, SPEED_UNKNOWN - 1, &v);
		r->speed_dkmh = status ? SPEED_UNKNOWN : (uint16_t)v;
		return status;
	case TRACK_FIELD_COURSE:
		return take_course(text, &step->scale, r);
	case TRACK_FIELD_ALTITUDE:
		status = ranged(text, &step->scale, ALTITUDE_UNKNOWN + 1, INT16_MAX, &v);
		r->altitude_m = status ? ALTITUDE_UNKNOWN : (int16_t)v;
		return status;
	case TRACK_FIELD_ALARM:
		return take_word(text, &r->alarm);
	case TRACK_FIELD_STATUS:
		return take_word(text, &r->status);
	case TRACK_FIELD_MILEAGE:
		status = ranged(text, &step->scale, 0, MILEAGE_UNKNOWN - 1, &v);
		r->mileage_hm = status ? MILEAGE_UNKNOWN : (uint32_t)v;
		return status;
	default:
		return time_reader_take(&t->received, text, &r->received_ms);
	}
}

static bool may_be_empty(enum track_field field)
{
	return field >= TRACK_FIELD_SPEED;
}

static void finish(const struct tracks_csv *t, struct report *r)
{
	if (!t->has_status)
		r->status =
			STATUS_BIT_FIX | (r->lat_e7 < 0 ? STATUS_BIT_SOUTH : 0) | (r->lon_e7 < 0 ? STATUS_BIT_WEST : 0);
	r->flags |= (uint16_t)((r->status & STATUS_BIT_FIX ? 0 : REPORT_FLAG_NO_FIX) |
			       (r->status & STATUS_BIT_OFFSET ? REPORT_FLAG_OFFSET : 0));
}

static void passed(struct tracks_csv *t)
{
	t->offset = csv_offset(t->csv);
	t->line = csv_line(t->csv);
}

static enum status hand_on(struct tracks_csv *t, const struct track_sink *sink)
{
	struct gathered *g = &t->gathered;
	enum status status = STATUS_OK;
	report_rows_seal(g->reports, g->count);
	for (size_t i = 0; i < g->count && !status; i++) {
		status = sink->report(sink->context, g->lines[i], g->devices[i], &g->reports[i]);
		if (status)
			break;
		t->offset = g->next_offsets[i];
		t->line = g->next_lines[i];
	}
	g->count = 0;
	return status;
}

/* The rows before it are handed on first, so that the sink sees the order of the file. */
static enum status refuse(struct tracks_csv *t, const struct track_sink *sink, const struct csv_row *row,
			  enum track_field field, enum status reason, struct span text)
{
	enum status status = hand_on(t, sink);
	if (status)
		return status;
	sink->refused(sink->context, &(struct refused){row->line, field, reason, text});
	passed(t);
	return STATUS_OK;
}

/* A whole row into what is gathered; STATUS_OK when it was refused, too. */
static enum status take_row(struct tracks_csv *t, const struct csv_row *row, const struct track_sink *sink)
{
	struct gathered *g = &t->gathered;
	struct report *r = &g->reports[g->count];
	uint32_t device = t->device;
	if (t->columns.count ? row->fields != t->columns.count : row->fields < t->columns_needed)
		return refuse(t, sink, row, TRACK_FIELD_ROW, STATUS_BAD_LENGTH, csv_field(row, 0));
	*r = t->blank;
	for (size_t i = 0; i < t->plan_size; i++) {
		const struct plan_step *step = &t->plan[i];
		struct span text = csv_field(row, step->column);
		enum status status = take_field(t, step, text, r, &device);
		if (__builtin_expect(status == STATUS_OK, 1) || (status == STATUS_EMPTY && may_be_empty(step->field)))
			continue;
		if (status == STATUS_NO_MEMORY)
			return status;
		return refuse(t, sink, row, (enum track_field)step->field, status, text);
	}
	finish(t, r);
	g->devices[g->count] = device;
	g->lines[g->count] = row->line;
	g->next_offsets[g->count] = csv_offset(t->csv);
	g->next_lines[g->count] = csv_line(t->csv);
	return ++g->count == TRACKS_BATCH ? hand_on(t, sink) : STATUS_OK;
}

enum status tracks_csv_step(struct tracks_csv *t, size_t rows_max, const struct track_sink *sink)
{
	struct csv_row row;
	enum status status = STATUS_OK;
	for (size_t i = 0; i < rows_max && !status; i++) {
		status = csv_next(t->csv, &row);
		if (csv_is_fatal(status))
			break;
		if (status)
			status = refuse(t, sink, &row, TRACK_FIELD_ROW, status, span_of(NULL, 0));
		else
			status = take_row(t, &row, sink);
	}
	enum status handed = hand_on(t, sink);
	return handed ? handed : status;
}

static void plan(struct tracks_csv *t)
{
	for (unsigned i = TRACK_FIELD_DEVICE; i < TRACK_FIELD_COUNT; i++) {
		uint16_t column = t->columns.column[i];
		if (column == COLUMN_NONE)
			continue;
		t->plan[t->plan_size++] =
			(struct plan_step){column, (uint8_t)i, number_scale_of(t->columns.choice[i].unit)};
		t->columns_needed = column + 1u > t->columns_needed ? column + 1u : t->columns_needed;
	}
	t->has_status = t->columns.column[TRACK_FIELD_STATUS] != COLUMN_NONE;
}

static enum status read_header(struct tracks_csv *t, bool no_header, bool device_given, struct buf *complaint)
{
	struct csv_row header;
	if (no_header)
		return columns_bind(&t->columns, NULL, device_given, complaint);
	enum status status = csv_next(t->csv, &header);
	if (status == STATUS_END)
		return STATUS_EMPTY;
	return status ? status : columns_bind(&t->columns, &header, device_given, complaint);
}

enum status tracks_csv_open(csv_read *read, void *context, const struct tracks_csv_options *options,
			    struct name_index *names, struct buf *complaint, struct tracks_csv **out)
{
	struct tracks_csv *t = aligned_alloc(_Alignof(struct tracks_csv), sizeof *t);
	if (!t)
		return STATUS_NO_MEMORY;
	memset(t, 0, sizeof *t);
	bool device_given = options->device.size != 0;
	t->names = names;
	t->blank = (struct report){.received_ms = RECEIVED_UNKNOWN,
				   .mileage_hm = MILEAGE_UNKNOWN,
				   .speed_dkmh = SPEED_UNKNOWN,
				   .course_deg = COURSE_UNKNOWN,
				   .altitude_m = ALTITUDE_UNKNOWN,
				   .flags = REPORT_FLAG_BACKFILL,
				   .body = REPORT_BODY_ROW};
	enum status status = columns_parse(options->columns, &t->columns, complaint);
	if (!status)
		status = csv_open(read, context, options->delimiter, &t->csv);
	if (!status && device_given)
		status = name_index_take(names, options->device, &t->device);
	if (!status)
		status = read_header(t, options->no_header, device_given, complaint);
	if (status) {
		tracks_csv_close(t);
		return status;
	}
	plan(t);
	t->time = time_reader_init(t->columns.choice[TRACK_FIELD_TIME].form, options->zone_ms);
	t->received = time_reader_init(t->columns.choice[TRACK_FIELD_RECEIVED].form, options->zone_ms);
	t->offset = csv_offset(t->csv);
	t->line = csv_line(t->csv);
	*out = t;
	return STATUS_OK;
}

void tracks_csv_close(struct tracks_csv *t)
{
	if (t)
		csv_close(t->csv);
	free(t);
}

uint64_t tracks_csv_offset(const struct tracks_csv *t)
{
	return t->offset;
}

uint64_t tracks_csv_line(const struct tracks_csv *t)
{
	return t->line;
}

void tracks_csv_resume(struct tracks_csv *t, uint64_t offset, uint64_t line)
{
	csv_resume(t->csv, offset, line);
	t->offset = offset;
	t->line = line;
}
