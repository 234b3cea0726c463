/* record.h -- rows of the duty room from one table each: how they lie in memory, in the store and in an answer.
 *
 *   struct incident { uint64_t id; ... char text[...]; }          a row in memory
 *   static const struct record_field incident_fields[] = {        its table
 *           RECORD(1, incident, id, NUMBER, 0), RECORD(2, incident, text, TEXT, RECORD_GIVEN), ... };
 *
 *   bytes:  version 1 | { code varint | value }...      in the order of the table; a field at its nothing is left out
 *     NUMBER, FLAG, TOKEN   varint            0 is nothing
 *     TIME, SIGNED          zigzag varint     INT64_MIN is nothing of a TIME, 0 of a SIGNED
 *     DEGREES               zigzag varint     INT32_MIN is nothing
 *     HEX                   8 bytes           0 is nothing
 *     TEXT                  varint, bytes     "" is nothing
 *
 * Codes are stored and never change. Pure. */
#ifndef ZAYTON_DUTY_RECORD_H
#define ZAYTON_DUTY_RECORD_H

#include <stdbool.h>
#include <stddef.h>

#include "engine/core/bytes.h"

enum record_type {
	RECORD_NUMBER,  /* unsigned, of 1, 2, 4 or 8 bytes */
	RECORD_SIGNED,  /* int32_t or int64_t */
	RECORD_TIME,    /* int64_t, ms UTC */
	RECORD_DEGREES, /* int32_t, 1e-7 degrees */
	RECORD_HEX,     /* uint64_t: a device */
	RECORD_FLAG,    /* bool */
	RECORD_TOKEN,   /* uint8_t, a row of `words` */
	RECORD_TEXT,    /* char[], NUL-terminated UTF-8 */
};

/* Who may say it. */
#define RECORD_GIVEN 1  /* whoever makes the record */
#define RECORD_NEEDED 3 /* and must */

struct record_word {
	const char *token, *chinese;
};
struct record_field {
	uint8_t code, type, given;
	const char *name;
	size_t offset, size;
	const struct record_word *words; /* of a TOKEN, up to one whose token is NULL */
};
struct record_kind {
	const struct record_field *fields;
	size_t count, size; /* size: of the struct */
};

#define RECORD_TYPED(code, of, member, type, given, words)                                                             \
	{                                                                                                              \
		code, RECORD_##type, given, #member, offsetof(struct of, member), sizeof(((struct of *)0)->member),    \
			words                                                                                          \
	}
#define RECORD(code, of, member, type, given) RECORD_TYPED(code, of, member, type, given, NULL)
#define RECORD_KIND(of, fields)                                                                                        \
	{                                                                                                              \
		fields, sizeof(fields) / sizeof *(fields), sizeof(struct of)                                           \
	}

/* Every field at its nothing. */
void record_clear(const struct record_kind *k, void *row);
/* Appends. STATUS_INVALID: a text without its NUL, or a token that is none; STATUS_FULL, STATUS_NO_MEMORY. */
STATUS_CHECKED enum status record_encode(const struct record_kind *k, const void *row, struct buf *out);
/* STATUS_CORRUPT; STATUS_BAD_VERSION: of a later version, or a field that is not known here. */
STATUS_CHECKED enum status record_decode(const struct record_kind *k, struct span bytes, void *row);

/* The value of a number, time, flag, token or degrees; and its setting. */
int64_t record_integer(const struct record_field *f, const void *row);
/* STATUS_OUT_OF_RANGE: it does not fit. */
STATUS_CHECKED enum status record_set_integer(const struct record_field *f, void *row, int64_t v);
/* STATUS_TOO_LONG; STATUS_MALFORMED: not printable UTF-8 (line breaks and tabs may be in it). */
STATUS_CHECKED enum status record_set_text(const struct record_field *f, void *row, struct span text);
/* Whether it says anything. */
bool record_is_nothing(const struct record_field *f, const void *row);

/* The row of `words` by token or Chinese name. STATUS_NOT_FOUND. */
STATUS_CHECKED enum status record_word_parse(const struct record_word *words, struct span text, uint8_t *out);

#endif
