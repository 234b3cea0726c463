/* columns_csv.h -- which column of a track file is which field, in which unit.
 *
 *   column[field]  index of a column, or COLUMN_NONE
 *   unit[field]    factor and power of ten, or the form of a time
 *
 * See tracks_csv.h for the grammar. */
#ifndef ZAYTON_INGEST_COLUMNS_CSV_H
#define ZAYTON_INGEST_COLUMNS_CSV_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/core/bytes.h"
#include "engine/core/status.h"
#include "ingest/files/csv.h"
#include "ingest/files/number.h"
#include "ingest/files/time_text.h"
#include "ingest/files/track_sink.h"

#define COLUMN_NONE UINT16_MAX
#define COLUMN_NAME_MAX 128

struct column_choice {
	bool named;                 /* said in the mapping */
	bool left_out;              /* "field=" */
	uint16_t position;          /* "#N", from 0, or COLUMN_NONE */
	char name[COLUMN_NAME_MAX]; /* of the header; the field's own when none was said */
	struct number_unit unit;
	enum time_form form;
};

struct columns {
	struct column_choice choice[TRACK_FIELD_COUNT];
	uint16_t column[TRACK_FIELD_COUNT]; /* filled by columns_bind */
	size_t count;                       /* of columns in the file, 0: not known */
};

/* Read a mapping. STATUS_INVALID and a sentence in `complaint`. */
STATUS_CHECKED enum status columns_parse(struct span mapping, struct columns *out, struct buf *complaint);
/* Find the chosen columns in the header, NULL when there is none. `device_given`: the device column is not needed.
 * STATUS_NOT_FOUND, STATUS_MALFORMED (a name twice) and a sentence in `complaint`. */
STATUS_CHECKED enum status columns_bind(struct columns *c, const struct csv_row *header, bool device_given,
					struct buf *complaint);

#endif
