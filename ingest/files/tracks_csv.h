/* tracks_csv.h -- positions out of a delimited text file: one row, one report.
 *
 *   "device=imei,time=ts:epoch_s,lat=y:deg,lon=x:deg,speed=v:mps,mileage=:m,alarm="
 *     field = column of the header [: unit]          "#3" is the third column, whatever its name
 *     field = [: unit]                               the column called as the field; no unit, no name: leave it out
 *   a field not named is read from the column of its own name, when there is one.
 *
 *   field      units (the first is taken when none is named)
 *   device     -                            required, unless every row is of one device
 *   time       auto epoch_s epoch_ms text compact (time_text.h)            required
 *   lat, lon   deg e6 e7                                                   required
 *   speed      kmh dkmh mps knots
 *   course     deg
 *   altitude   m
 *   alarm      - (JT/T 808 word, decimal or 0x)
 *   status     - (JT/T 808 word; without it a row is a fix, hemisphere bits from the signs)
 *   mileage    km hm m
 *   received   as time
 * An empty optional field is unknown. Coordinates are WGS-84. A number that falls between two of ours is rounded
 * to the nearest. Reports are of body REPORT_BODY_ROW, sealed, with REPORT_FLAG_BACKFILL. One owner. */
#ifndef ZAYTON_INGEST_TRACKS_CSV_H
#define ZAYTON_INGEST_TRACKS_CSV_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/core/bytes.h"
#include "engine/core/status.h"
#include "ingest/files/csv.h"
#include "ingest/files/name_index.h"
#include "ingest/files/track_sink.h"

struct tracks_csv_options {
	struct span columns; /* as above, may be empty */
	uint8_t delimiter;   /* 0: found out from the first line */
	bool no_header;      /* the first line is a row; every field is mapped by "#N" */
	int64_t zone_ms;     /* of times that name none */
	struct span device;  /* every row is of this device; empty: a column tells */
};

struct tracks_csv;

/* Reads the header. `names` takes the devices' names and outlives the reader. What is wrong with the mapping
 * or the header goes to `complaint` as one sentence.
 * STATUS_INVALID the mapping; STATUS_NOT_FOUND a column; STATUS_EMPTY no header; STATUS_UNSUPPORTED UTF-16;
 * STATUS_MALFORMED the header; STATUS_IO, STATUS_NO_MEMORY. */
STATUS_CHECKED enum status tracks_csv_open(csv_read *read, void *context, const struct tracks_csv_options *options,
					   struct name_index *names, struct buf *complaint, struct tracks_csv **out);
/* NULL is allowed. */
void tracks_csv_close(struct tracks_csv *t);

/* Up to `rows_max` rows into `sink`. STATUS_OK: there may be more; STATUS_END; STATUS_IO, STATUS_NO_MEMORY, or what
 * the sink returned: the row it refused to take is not passed. */
STATUS_CHECKED enum status tracks_csv_step(struct tracks_csv *t, size_t rows_max, const struct track_sink *sink);

/* Where the next row begins, and going on there; the caller has moved the file to `offset`. */
uint64_t tracks_csv_offset(const struct tracks_csv *t);
uint64_t tracks_csv_line(const struct tracks_csv *t);
void tracks_csv_resume(struct tracks_csv *t, uint64_t offset, uint64_t line);

#endif
