/* csv.h -- rows of a delimited text file (RFC 4180), as fast as the file can be read.
 *
 *   buffer   [ pad | row row row ... part of a row | pad ]     refilled by moving the part to the front
 *   row      base + cuts:   ,  lat  ,  lon  ,  speed  \n
 *                          cut0   cut1    cut2      cut3        field i is what lies between cut i and cut i + 1
 *
 *	struct csv_row row;
 *	while ((status = csv_next(csv, &row)) != STATUS_END)
 *		if (status == STATUS_OK)
 *			use(csv_field(&row, 0));
 *		else if (csv_is_fatal(status)) ...
 *
 * Bytes are looked at 64 at a time for delimiters, line ends and quotes; a row with a quote is taken apart
 * again by a state machine into a buffer of its own. One bad row costs that row.
 * Invariants: every field has CSV_PAD readable bytes before it; memory is CSV_BUFFER + CSV_ROW_MAX and pads
 * whatever the file holds. One owner; no allocation after csv_open. */
#ifndef ZAYTON_INGEST_CSV_H
#define ZAYTON_INGEST_CSV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "engine/core/bytes.h"
#include "engine/core/status.h"

/* bytes of one row, line end included: a track row has about a hundred */
#define CSV_ROW_MAX 65536
/* fields of one row */
#define CSV_FIELDS_MAX 256
/* bytes read at a time: large enough for the system calls to vanish, small enough for the second-level cache */
#define CSV_BUFFER (256u << 10)
/* readable bytes before each field and behind the last byte */
#define CSV_PAD 64

/* Up to `size` bytes into `into`; 0 at the end, below 0 on an error. */
typedef ssize_t csv_read(void *context, void *into, size_t size);

struct csv;
struct csv_row {
	const uint8_t *base;
	const uint32_t *cuts; /* fields + 1 offsets from `base` */
	size_t fields;
	uint64_t line;   /* where the row begins, from 1 */
	uint64_t offset; /* of its first byte in the file */
};

/* Field `i` < row->fields, unquoted; lasts until the next csv_next. */
static inline struct span csv_field(const struct csv_row *row, size_t i)
{
	return span_of(row->base + row->cuts[i] + 1, row->cuts[i + 1] - row->cuts[i] - 1);
}

/* `delimiter`: one ASCII character but '"', CR, LF; 0 takes the one of , ; tab | that the first line has most of. */
STATUS_CHECKED enum status csv_open(csv_read *read, void *context, uint8_t delimiter, struct csv **out);
/* NULL is allowed. */
void csv_close(struct csv *c);

/* The next row; blank lines are skipped, as is a UTF-8 byte order mark. On every status but the fatal ones
 * `out->line` and `out->offset` say where.
 * STATUS_MALFORMED    a quote within or behind a field, or one that is never closed
 * STATUS_TOO_LONG     more than CSV_ROW_MAX bytes or CSV_FIELDS_MAX fields
 *                     after both, reading goes on behind the first line of that row
 * STATUS_UNSUPPORTED  UTF-16 (fatal)
 * STATUS_END, STATUS_IO (fatal) */
STATUS_CHECKED enum status csv_next(struct csv *c, struct csv_row *out);
static inline bool csv_is_fatal(enum status status)
{
	return status != STATUS_OK && status != STATUS_MALFORMED && status != STATUS_TOO_LONG;
}

/* Where the next row begins. */
uint64_t csv_offset(const struct csv *c);
uint64_t csv_line(const struct csv *c);
/* Go on at `offset`, which is that of a row at `line`; the caller has moved the file there. */
void csv_resume(struct csv *c, uint64_t offset, uint64_t line);

#endif
