/* time_text.h -- the forms in which files write an instant, to ms UTC.
 *
 *   epoch_s   1780000000   1780000000.250          seconds since 1970, fraction rounded to the ms
 *   epoch_ms  1780000000250
 *   text      2026-05-28T20:26:40.250+08:00        RFC 3339; without a zone the reader's
 *             2026-05-28 20:26:40   2026/5/28 20:26
 *   compact   20260528202640                       YYYYMMDDhhmmss in the reader's zone
 *   auto      by its shape: with '-' or '/' inside text, 14 digits compact, below 10^11 s, else ms
 *
 * Years 1 to 9999. A reader remembers the last date it converted, which nearly every row repeats. One owner. */
#ifndef ZAYTON_INGEST_TIME_TEXT_H
#define ZAYTON_INGEST_TIME_TEXT_H

#include <stdint.h>

#include "engine/core/bytes.h"
#include "engine/core/status.h"
#include "ingest/files/number_fast.h"

#define TIME_FORM_TABLE(X)                                                                                             \
	X(AUTO, "auto")                                                                                                \
	X(EPOCH_S, "epoch_s")                                                                                          \
	X(EPOCH_MS, "epoch_ms")                                                                                        \
	X(TEXT, "text")                                                                                                \
	X(COMPACT, "compact")

enum time_form {
#define X(NAME, text) TIME_FORM_##NAME,
	TIME_FORM_TABLE(X)
#undef X
		TIME_FORM_COUNT
};

/* STATUS_NOT_FOUND. */
STATUS_CHECKED enum status time_form_parse(struct span text, enum time_form *out);

struct time_reader {
	enum time_form form;
	int64_t zone_ms; /* east of UTC, of times that name no zone */
	struct number_scale seconds, whole_ones;
	uint8_t date[10];  /* "2026-05-28", the date converted last */
	int64_t date_ms;   /* its midnight, as if UTC */
	uint8_t whole[20]; /* the text converted last, when it had 1 to 20 bytes */
	uint8_t whole_size;
	int64_t whole_ms;
};

struct time_reader time_reader_init(enum time_form form, int64_t zone_ms);
/* `text` has NUMBER_PAD readable bytes before it. STATUS_EMPTY, STATUS_BAD_TIME. */
STATUS_CHECKED enum status time_reader_take(struct time_reader *t, struct span text, int64_t *out_ms);

/* "+08:00", "-03:30", "+0800", "+08", "Z", "UTC". STATUS_MALFORMED. */
STATUS_CHECKED enum status zone_parse(struct span text, int64_t *out_ms);

#endif
