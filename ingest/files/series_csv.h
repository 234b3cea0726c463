/* series_csv.h -- values of streams from a table, in either shape that spreadsheets have.
 *
 *   site,quantity,time,value,quality           one value a row; quality may be left out
 *   site,time,rain,level                       a column a quantity; an empty cell says nothing
 *
 * Columns also go by their Chinese names: 站点编号, 监测项, 时间, 数值, 质量. Numbers become exact decimals (value.h);
 * what is no number is a state's text. Times as time_text.h has them, without a zone in the zone given.
 *
 * One bad row costs that row. One owner. */
#ifndef ZAYTON_INGEST_SERIES_CSV_H
#define ZAYTON_INGEST_SERIES_CSV_H

#include "engine/series/value.h"
#include "ingest/files/csv.h"

struct series_csv_row {
	uint64_t line;
	struct span site, quantity;
	struct value value;
	struct span text; /* of a VALUE_TEXT */
};

struct series_csv_options {
	csv_read *read; /* the file */
	void *read_context;
	struct span site; /* of every row, where there is no such column */
	int64_t zone_ms;  /* of times that name none */
	void *context;
	/* A failure ends the reading and is returned. Views last for the call. */
	enum status (*row)(void *context, const struct series_csv_row *row);
	enum status (*mistake)(void *context, uint64_t line, const char *reason);
};

/* STATUS_EMPTY: nothing in it; STATUS_NOT_FOUND: no time column, no site, or no quantity (told as a mistake of line 1);
 * STATUS_UNSUPPORTED (UTF-16), STATUS_IO, STATUS_NO_MEMORY. */
STATUS_CHECKED enum status series_csv_read(const struct series_csv_options *options);

#endif
