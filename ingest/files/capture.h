/* capture.h -- recorded bytes of terminals: raw, or hex a line each, with the time of receipt if it is known.
 *
 *   raw   7e 02 00 ... 7e 7e 02 ...                        any length; given out in pieces that overlap as asked
 *   hex   1780000000250 7E0200...7E                        [time] hex, with blanks or without
 *         2026-05-28T20:26:40.250+08:00	7E 02 00 ... 7E     epoch ms or RFC 3339, then blanks
 *         # a comment
 *
 * A line of hex holds whole frames. The form is told by the first piece: hex when it holds nothing but the characters
 * of such lines. Decoding is the caller's.
 *
 *	while (!(status = capture_next(c, unused, &run)))    unused = the bytes at the end of the last run, raw only
 *		unused = decode(run.bytes);
 *
 * One owner; memory is CAPTURE_LINE_MAX * 3/2. */
#ifndef ZAYTON_INGEST_CAPTURE_H
#define ZAYTON_INGEST_CAPTURE_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/core/bytes.h"
#include "engine/core/status.h"
#include "ingest/files/csv.h"

/* bytes of a line, and of a raw piece: a hundred frames of hex */
#define CAPTURE_LINE_MAX (1u << 18)

enum capture_form { CAPTURE_DETECT, CAPTURE_RAW, CAPTURE_HEX };

struct capture_run {
	struct span bytes;   /* until the next call */
	int64_t received_ms; /* RECEIVED_UNKNOWN when the file does not say */
	uint64_t line;       /* of hex, from 1; 0 of raw */
	uint64_t offset;     /* in the file, of the line or of bytes.data[0] */
	bool last;           /* raw: nothing follows */
};

struct capture;
/* STATUS_NO_MEMORY. */
STATUS_CHECKED enum status capture_open(csv_read *read, void *context, enum capture_form form, int64_t zone_ms,
					struct capture **out);
/* NULL is allowed. */
void capture_close(struct capture *c);

/* The next run. STATUS_MALFORMED, STATUS_BAD_TIME, STATUS_TOO_LONG: this line is passed, `run` tells which, with its
 * text in `bytes`; STATUS_INVALID: `unused` is all of a whole piece; STATUS_END, STATUS_IO. */
STATUS_CHECKED enum status capture_next(struct capture *c, size_t unused, struct capture_run *run);

/* Where the next run begins when nothing of the last one is unused, and going on there; the caller has moved the file.
 */
uint64_t capture_offset(const struct capture *c);
uint64_t capture_line(const struct capture *c);
enum capture_form capture_form(const struct capture *c);
void capture_resume(struct capture *c, uint64_t offset, uint64_t line);

#endif
