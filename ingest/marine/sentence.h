/* sentence.h -- a line of NMEA 0183 taken apart: tag blocks, checksum, fields, the vendor's tail.
 *
 *   \g:1-2-73,s:r003669945,c:1428451253*hh\!AIVDM,1,1,,A,15NNDKgP00Ic:00EB7v1JgwT0<0f,0*29,r003669946,1428451253
 *    └──────────── tag block ────────────┘ └──────────────── sentence ─────────────────┘└── tail, not summed ──┘
 *
 * A sentence begins with `$` or `!`, is an address (talker and three letters; proprietary ones begin with P), fields
 * between commas and `*hh`, the XOR of all between start and star (NMEA 0183, 5.3). Nothing is copied; an empty field
 * is "not available". A tag block (NMEA 0183 4.x, IEC 61162-450 7.2) whose own sum is wrong, or that is not closed, is
 * dropped and the sentence stays. The datagram header "UdPbC\0" of IEC 61162-450 is passed over. Pure; any thread. */
#ifndef ZAYTON_INGEST_SENTENCE_H
#define ZAYTON_INGEST_SENTENCE_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/core/bytes.h"
#include "engine/core/status.h"

/* bytes of a line without its end: the standard says 82, tag blocks and long VDM go to some hundreds */
#define SENTENCE_LINE_MAX 1024
/* fields behind the address: GSV of several signals has 20, proprietary ones up to 40 */
#define SENTENCE_FIELDS_MAX 64
#define SENTENCE_TIME_NONE INT64_MIN

enum sentence_time { SENTENCE_TIME_BY_NOBODY, SENTENCE_TIME_BY_TAIL, SENTENCE_TIME_BY_TAG };

struct sentence {
	struct span text;                 /* from the start character to the second digit of the sum */
	struct span address;              /* "AIVDM" */
	struct span formatter;            /* its last three letters, or all of it when it is shorter */
	uint8_t start;                    /* '$' or '!' */
	uint8_t count;                    /* of `fields` */
	bool tag_refused;                 /* a tag block was there and none could be used */
	uint8_t time_by;                  /* enum sentence_time */
	int64_t time_ms;                  /* UTC: tag c before the tail's epoch; SENTENCE_TIME_NONE */
	struct span station;              /* tag s, or the tail's r..., b...; empty: not said */
	uint32_t group_id;                /* tag g: sentences that belong together */
	uint16_t group_part, group_total; /* from 1; 0: no group */
	struct span fields[SENTENCE_FIELDS_MAX];
};

/* Take the next line out of `bytes` (advanced): without CR, LF, and a datagram header before it. STATUS_NEED_MORE when
 * no line ends in `bytes`: nothing is taken. STATUS_TOO_LONG: the line is passed over; `*out` has its beginning. */
STATUS_CHECKED enum status sentence_line_next(struct span *bytes, struct span *out);

/* One line. STATUS_EMPTY  nothing but blanks; STATUS_MALFORMED  no sentence in it, or no sum;
 * STATUS_BAD_CHECKSUM; STATUS_TOO_LONG  past a bound above. */
STATUS_CHECKED enum status sentence_parse(struct span line, struct sentence *out);

/* Whether the last three letters of the address are these. */
static inline bool sentence_is(const struct sentence *s, const char formatter[4])
{
	return s->formatter.size == 3 && memcmp(s->formatter.data, formatter, 3) == 0;
}
/* Field `index` from 0 behind the address; empty when there is none. */
static inline struct span sentence_field(const struct sentence *s, unsigned index)
{
	return index < s->count ? s->fields[index] : span_of("", 0);
}

/* XOR of all bytes. */
uint8_t sentence_sum(struct span bytes);
/* Append start, body, star and sum, CR LF; `body` has neither start nor sum. STATUS_FULL, STATUS_NO_MEMORY. */
STATUS_CHECKED enum status sentence_write(char start, struct span body, struct buf *out);

/* --- fields as numbers, without floating point --- */

/* Digits alone, at most 9 of them. STATUS_EMPTY, STATUS_MALFORMED. */
STATUS_CHECKED enum status sentence_digits(struct span field, uint32_t *out);
/* A decimal number with a sign perhaps, times 10^decimals, rounded half away from zero. STATUS_EMPTY;
 * STATUS_MALFORMED; STATUS_OUT_OF_RANGE beyond +-2^53. */
STATUS_CHECKED enum status sentence_decimal(struct span field, unsigned decimals, int64_t *out);

#endif
