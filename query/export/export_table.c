#include "query/export/export_table.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>

static void raw(struct export_table *t, struct span bytes)
{
	if (!t->j.status && bytes.size)
		t->j.status = buf_append(t->out, bytes.data, bytes.size);
}

static void raw_text(struct export_table *t, const char *text)
{
	raw(t, span_of_string(text));
}

enum status export_table_begin(struct export_table *t, enum export_format format, const char *const *columns,
			       size_t count, struct buf *out)
{
	*t = (struct export_table){.format = format, .columns = columns, .column_count = count, .out = out};
	t->j = json_out_init(out);
	if (format != EXPORT_JSON && format != EXPORT_NDJSON && format != EXPORT_CSV)
		return STATUS_UNSUPPORTED;
	if (format == EXPORT_JSON)
		raw_text(t, "{\"rows\":[");
	for (size_t i = 0; format == EXPORT_CSV && i < count; i++) {
		raw_text(t, i ? "," : "");
		raw_text(t, columns[i]);
	}
	raw_text(t, format == EXPORT_CSV ? "\r\n" : "");
	return t->j.status;
}

static bool is_csv(const struct export_table *t)
{
	return t->format == EXPORT_CSV;
}

static void before(struct export_table *t)
{
	if (is_csv(t)) {
		raw_text(t, t->at ? "," : "");
		return;
	}
	if (!t->at) {
		raw_text(t, t->rows && t->format == EXPORT_JSON ? "," : "");
		t->j.comma = false;
		jout_open(&t->j, '{');
	}
	jout_key(&t->j, t->columns[t->at]);
}

static void after(struct export_table *t)
{
	if (++t->at < t->column_count)
		return;
	t->at = 0;
	t->rows++;
	if (!is_csv(t))
		jout_close(&t->j, '}');
	raw_text(t, is_csv(t) ? "\r\n" : "\n");
}

void cell_span(struct export_table *t, struct span text)
{
	before(t);
	if (!is_csv(t))
		jout_text(&t->j, text);
	else if (!t->j.status)
		t->j.status = csv_append(t->out, text);
	after(t);
}

void cell_text(struct export_table *t, const char *text)
{
	cell_span(t, span_of_string(text));
}

void cell_number(struct export_table *t, const char *digits)
{
	before(t);
	raw_text(t, !*digits && !is_csv(t) ? "null" : digits);
	t->j.comma = true;
	after(t);
}

void cell_none(struct export_table *t)
{
	cell_number(t, "");
}

void cell_integer(struct export_table *t, int64_t v)
{
	char text[24];
	snprintf(text, sizeof text, "%" PRId64, v);
	cell_number(t, text);
}

void cell_double(struct export_table *t, double v)
{
	char text[32] = "";
	if (isfinite(v))
		snprintf(text, sizeof text, "%.15g", v);
	cell_number(t, text);
}

void cell_bool(struct export_table *t, bool v)
{
	cell_number(t, v ? "true" : "false");
}

void cell_time(struct export_table *t, int64_t ms)
{
	before(t);
	if (!is_csv(t))
		jout_time(&t->j, ms);
	else if (!t->j.status)
		t->j.status = time_append(t->out, ms);
	after(t);
}

void cell_hex64(struct export_table *t, uint64_t v)
{
	char text[17];
	snprintf(text, sizeof text, "%016" PRIx64, v);
	cell_text(t, text);
}

static void put_notes(struct export_table *t, const struct export_note *notes, size_t count)
{
	t->j.comma = false;
	jout_open(&t->j, '{');
	for (size_t i = 0; i < count; i++) {
		jout_key(&t->j, notes[i].name);
		jout_string(&t->j, notes[i].text);
	}
	jout_close(&t->j, '}');
}

enum status export_table_end(struct export_table *t, const struct export_note *notes, size_t count)
{
	if (is_csv(t))
		return t->j.status;
	raw_text(t, t->format == EXPORT_JSON ? "]" : "");
	if (count) {
		raw_text(t, t->format == EXPORT_JSON ? ",\"notes\":" : "{\"notes\":");
		put_notes(t, notes, count);
		raw_text(t, t->format == EXPORT_JSON ? "" : "}\n");
	}
	raw_text(t, t->format == EXPORT_JSON ? "}\n" : "");
	return t->j.status;
}
