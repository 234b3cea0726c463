#include "ingest/files/series_csv.h"

#include "ingest/files/time_text.h"

#define NONE SIZE_MAX

enum column { SITE, QUANTITY, TIME, VALUE, QUALITY, COLUMNS };
static const char *const names[COLUMNS][2] = {
	{"site", "站点编号"}, {"quantity", "监测项"}, {"time", "时间"}, {"value", "数值"}, {"quality", "质量"}};

struct reading {
	const struct series_csv_options *options;
	struct time_reader times;
	size_t places[COLUMNS]; /* NONE: not there */
	size_t fields;          /* of the header */
	struct buf header;      /* names of the columns, one after the other, a NUL behind each */
	size_t starts[CSV_FIELDS_MAX + 1];
};

static enum status take_header(struct reading *r, const struct csv_row *row)
{
	enum status status = STATUS_OK;
	r->fields = row->fields;
	for (size_t c = 0; c < COLUMNS; c++)
		r->places[c] = NONE;
	for (size_t i = 0; i < row->fields && !status; i++) {
		struct span name = csv_field(row, i);
		r->starts[i] = r->header.size;
		for (size_t c = 0; c < COLUMNS; c++)
			if (span_equal(name, span_of_string(names[c][0])) ||
			    span_equal(name, span_of_string(names[c][1])))
				r->places[c] = i;
		if (name.size)
			status = buf_append(&r->header, name.data, name.size);
	}
	r->starts[row->fields] = r->header.size;
	return status;
}

static struct span header_of(const struct reading *r, size_t i)
{
	return span_of(r->header.data + r->starts[i], r->starts[i + 1] - r->starts[i]);
}

static bool is_reserved(const struct reading *r, size_t i)
{
	for (size_t c = 0; c < COLUMNS; c++)
		if (r->places[c] == i)
			return true;
	return false;
}

static const char *missing(const struct reading *r)
{
	if (r->places[TIME] == NONE)
		return "no column `time` 缺少时间列";
	if (r->places[SITE] == NONE && !r->options->site.size)
		return "no column `site`, and no site is given 缺少站点编号列";
	if ((r->places[QUANTITY] == NONE) != (r->places[VALUE] == NONE))
		return "`quantity` and `value` go together 监测项列与数值列须同时出现";
	return NULL;
}

static struct span cell(const struct reading *r, const struct csv_row *row, enum column c)
{
	return r->places[c] == NONE || r->places[c] >= row->fields ? (struct span){NULL, 0}
								   : csv_field(row, r->places[c]);
}

static struct span trimmed(struct span s)
{
	while (s.size && (s.data[0] == ' ' || s.data[0] == '\t'))
		s = span_of(s.data + 1, s.size - 1);
	while (s.size && (s.data[s.size - 1] == ' ' || s.data[s.size - 1] == '\t'))
		s.size--;
	return s;
}

/* An empty cell is no value. */
static enum status give(struct reading *r, struct series_csv_row *out, struct span text)
{
	text = trimmed(text);
	if (!text.size)
		return STATUS_OK;
	out->text = (struct span){NULL, 0};
	if (value_parse_number(text, &out->value)) {
		if (text.size > VALUE_TEXT_MAX)
			return r->options->mistake(r->options->context, out->line, "text is too long 文本过长");
		out->value.type = VALUE_TEXT;
		out->value.scale = 0;
		out->value.bits = (int64_t)value_text_hash(text);
		out->text = text;
	}
	return r->options->row(r->options->context, out);
}

static enum status give_columns(struct reading *r, const struct csv_row *row, struct series_csv_row *out)
{
	enum status status = STATUS_OK;
	for (size_t i = 0; i < r->fields && i < row->fields && !status; i++) {
		if (is_reserved(r, i))
			continue;
		out->quantity = header_of(r, i);
		status = give(r, out, csv_field(row, i));
	}
	return status;
}

static enum status take_row(struct reading *r, const struct csv_row *row)
{
	const struct series_csv_options *o = r->options;
	struct series_csv_row out = {.line = row->line, .site = o->site, .quantity = cell(r, row, QUANTITY)};
	struct span quality = trimmed(cell(r, row, QUALITY));
	if (r->places[SITE] != NONE)
		out.site = cell(r, row, SITE);
	if (time_reader_take(&r->times, cell(r, row, TIME), &out.value.time_ms))
		return o->mistake(o->context, row->line, "not a valid time 时间无效");
	if (quality.size && value_quality_parse(quality, &out.value.quality))
		return o->mistake(o->context, row->line, "not a known quality 质量标记无效");
	if (!out.site.size || (r->places[QUANTITY] != NONE && !out.quantity.size))
		return o->mistake(o->context, row->line, "site or quantity is empty 站点或监测项为空");
	return r->places[QUANTITY] == NONE ? give_columns(r, row, &out) : give(r, &out, cell(r, row, VALUE));
}

static enum status read_rows(struct reading *r, struct csv *csv)
{
	const struct series_csv_options *o = r->options;
	struct csv_row row;
	enum status status;
	while ((status = csv_next(csv, &row)) != STATUS_END) {
		if (csv_is_fatal(status))
			return status;
		status = status ? o->mistake(o->context, row.line, "the row cannot be read 该行无法解析")
				: take_row(r, &row);
		if (status)
			return status;
	}
	return STATUS_OK;
}

enum status series_csv_read(const struct series_csv_options *options)
{
	struct reading r = {.options = options,
			    .times = time_reader_init(TIME_FORM_AUTO, options->zone_ms),
			    .header = buf_init(CSV_ROW_MAX)};
	struct csv *csv;
	struct csv_row row;
	enum status status = csv_open(options->read, options->read_context, 0, &csv);
	if (status)
		return status;
	status = csv_next(csv, &row);
	if (status == STATUS_END)
		status = STATUS_EMPTY;
	if (!status)
		status = take_header(&r, &row);
	const char *reason = status ? NULL : missing(&r);
	if (reason) {
		status = options->mistake(options->context, 1, reason);
		status = status ? status : STATUS_NOT_FOUND;
	}
	if (!status)
		status = read_rows(&r, csv);
	csv_close(csv);
	buf_deinit(&r.header);
	return status;
}
