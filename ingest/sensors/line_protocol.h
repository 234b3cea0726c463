/* line_protocol.h -- InfluxDB line protocol, line by line, without a copy.
 *
 *   weather,site=dam1,kind=auto temp=23.5,rain=12i,open=t,state="dry" 1735689600000000000
 *   ─────── ──────────────────  ─────────────────────────────────── ──────────────────
 *   measurement    tags            fields                             timestamp, in the precision asked for
 *
 *	line_reader_init(&r, text, precision, now_ms);
 *	while ((status = line_next(&r, &line)) != STATUS_END)
 *		if (!status)
 *			while (!(status = line_field_next(&line, &field))) use(field.key, &field.value);
 *
 * `line_next` finds the parts; fields are taken apart one by one; a line is good when every field of it is. Escapes
 * (backslash before comma, blank, equals, and in strings before quote and backslash) stay in the views; line_unescape
 * takes them out. Blank lines and comments (#) are passed over. One bad line costs that line.
 *
 * Numbers become exact decimals or doubles (value.h), `i` and `u` whole numbers, booleans decimals 0 and 1, strings
 * texts. Times are rounded down to the millisecond.
 * Pure; one owner. */
#ifndef ZAYTON_INGEST_LINE_PROTOCOL_H
#define ZAYTON_INGEST_LINE_PROTOCOL_H

#include "engine/core/limits.h"
#include "engine/series/value.h"

/* X(NAME, "token of v1", "token of v2", multiplier, divisor): to milliseconds; what stands first is the default */
#define LINE_PRECISION_TABLE(X)                                                                                        \
	X(NS, "n", "ns", 1, 1000000)                                                                                   \
	X(US, "u", "us", 1, 1000)                                                                                      \
	X(MS, "ms", "ms", 1, 1)                                                                                        \
	X(S, "s", "s", 1000, 1)                                                                                        \
	X(M, "m", "m", 60000, 1)                                                                                       \
	X(H, "h", "h", 3600000, 1)

enum line_precision {
#define X(NAME, v1, v2, multiplier, divisor) LINE_##NAME,
	LINE_PRECISION_TABLE(X)
#undef X
		LINE_PRECISION_COUNT
};
/* Either token. STATUS_NOT_FOUND. */
STATUS_CHECKED enum status line_precision_parse(struct span text, enum line_precision *out);

struct line_reader {
	const uint8_t *at, *end;
	int64_t now_ms; /* the time of lines that have none */
	enum line_precision precision;
	uint64_t line; /* number of the one given last, from 1 */
};

struct line {
	struct span text; /* the whole line, for messages */
	struct span key;  /* measurement and tags as they stand: "weather,site=dam1" */
	struct span measurement;
	struct span fields; /* what is left of them */
	int64_t time_ms;
	const char *reason; /* of a line refused; static */
};

struct line_field {
	struct span key; /* escaped */
	struct value value;
	struct span text; /* of a string, escaped, without quotes */
};

void line_reader_init(struct line_reader *r, struct span text, enum line_precision precision, int64_t now_ms);
/* STATUS_END; STATUS_MALFORMED, STATUS_BAD_TIME, STATUS_TOO_LONG: this line, `out->text` and `out->reason` say what;
 * reading goes on behind it. */
STATUS_CHECKED enum status line_next(struct line_reader *r, struct line *out);
/* STATUS_END behind the last; STATUS_MALFORMED, STATUS_OUT_OF_RANGE, STATUS_TOO_LONG (a string): `line->reason` says.
 */
STATUS_CHECKED enum status line_field_next(struct line *line, struct line_field *out);

/* The plain forms that nearly all lines have, in one pass; what is false here is read by line_next() and
 * line_field_next(), which know every form and say what is wrong with the others; what is true is what they make of it.
 *
 * A number, [-]digits[.digits] or [-]digits`i`, of at most VALUE_DIGITS_MAX digits: type, scale and bits of `out`, and
 * `*at` behind it. Something follows it before `end`. */
bool line_number_plain(const uint8_t **at, const uint8_t *end, struct value *out);
/* The timestamp of the line that ends at `stop` (its line feed, or the end of the text), in the reader's precision. */
bool line_time_plain(const struct line_reader *r, const uint8_t *at, const uint8_t *stop, int64_t *out_ms);

/* One tag off `key`, which begins as line.key less the measurement (",a=b,c=d"). STATUS_END, STATUS_MALFORMED. */
STATUS_CHECKED enum status line_tag_next(struct span *tags, struct span *key, struct span *value);
/* `out` has in.size bytes; returns how many it took. */
size_t line_unescape(struct span in, bool is_string, uint8_t *out);

#endif
