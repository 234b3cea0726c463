/* json_out.h -- JSON written straight into a buffer: commas, escapes and fixed-point numbers.
 *
 *   jout_open(&j, '{'); jout_key(&j, "speed_kmh"); jout_fixed(&j, 723, 1); jout_close(&j, '}');   {"speed_kmh":72.3}
 *
 * The first failure (the buffer is full, no memory) sticks in `status`; what follows is dropped. Text that is not
 * UTF-8 has its wrong bytes replaced by U+FFFD. Numbers never pass through floating point. */
#ifndef ZAYTON_QUERY_EXPORT_JSON_OUT_H
#define ZAYTON_QUERY_EXPORT_JSON_OUT_H

#include <stdint.h>

#include "engine/core/bytes.h"

struct json_out {
	struct buf *out;
	enum status status;
	bool comma; /* the next value in this container follows another */
};

static inline struct json_out json_out_init(struct buf *out)
{
	return (struct json_out){out, STATUS_OK, false};
}
/* '{' or '[', and back. */
void jout_open(struct json_out *j, char bracket);
void jout_close(struct json_out *j, char bracket);
void jout_key(struct json_out *j, const char *key);
void jout_key_text(struct json_out *j, struct span key);
void jout_text(struct json_out *j, struct span text);
void jout_string(struct json_out *j, const char *text);
void jout_integer(struct json_out *j, int64_t v);
void jout_unsigned(struct json_out *j, uint64_t v);
/* v / 10^decimals with exactly `decimals` digits (0..9) after the point. */
void jout_fixed(struct json_out *j, int64_t v, unsigned decimals);
void jout_bool(struct json_out *j, bool v);
void jout_null(struct json_out *j);
/* RFC 3339 in UTC, or null when it is one of the "unknown" ends of time. */
void jout_time(struct json_out *j, int64_t ms);
/* 16 hex digits. */
void jout_hex64(struct json_out *j, uint64_t v);
void jout_hex(struct json_out *j, struct span bytes);
/* The line break behind the last value. */
void jout_line(struct json_out *j);
/* Bytes as they are, as a value. */
void jout_raw(struct json_out *j, const char *text);
void jout_raw_text(struct json_out *j, struct span text);

/* Append v / 10^decimals to `out`. Shared with the other formats. */
STATUS_CHECKED enum status fixed_append(struct buf *out, int64_t v, unsigned decimals);
#endif
