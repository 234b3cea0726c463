/* export_table.h -- rows of named cells as JSON, NDJSON or CSV, written straight into a buffer.
 *
 *   export_table_begin(&t, format, columns, count, out)
 *   each row: one cell function per column, in order; the last one ends the row
 *   export_table_end(&t, notes)          JSON {"rows":[...],"notes":{...}}, NDJSON a last {"notes":{...}}, CSV none
 *
 * The first failure sticks in `status`. One owner. */
#ifndef ZAYTON_QUERY_EXPORT_TABLE_H
#define ZAYTON_QUERY_EXPORT_TABLE_H

#include "query/export/export_format.h"
#include "query/export/json_out.h"

/* of a note, and of a column's name */
struct export_note {
	const char *name, *text;
};

struct export_table {
	enum export_format format;
	const char *const *columns;
	size_t column_count, at; /* cell that comes next */
	uint64_t rows;
	struct buf *out;
	struct json_out j;
};

/* `columns` outlives the table. STATUS_UNSUPPORTED: another format. */
STATUS_CHECKED enum status export_table_begin(struct export_table *t, enum export_format format,
					      const char *const *columns, size_t count, struct buf *out);
void cell_text(struct export_table *t, const char *text);
void cell_span(struct export_table *t, struct span text);
/* A number as its digits stand; "" is none. */
void cell_number(struct export_table *t, const char *digits);
void cell_integer(struct export_table *t, int64_t v);
void cell_double(struct export_table *t, double v); /* none when it is not finite */
void cell_bool(struct export_table *t, bool v);
void cell_time(struct export_table *t, int64_t ms);
void cell_hex64(struct export_table *t, uint64_t v);
void cell_none(struct export_table *t);
STATUS_CHECKED enum status export_table_end(struct export_table *t, const struct export_note *notes, size_t count);
static inline enum status export_table_status(const struct export_table *t)
{
	return t->j.status;
}

#endif
