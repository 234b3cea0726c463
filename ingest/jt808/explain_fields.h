/* explain_fields.h -- message bodies as tables, and the tables as JSON.
 *
 *   static const struct field reply[] = {
 *           UINT("serial", 2), HEX("message", 2), UINT("result", 1, .names = results), FIELD_LAST};
 *
 * A field reads its bytes and sets one member of the object. Its names or bits add "<name>_name" or "<name>_bits".
 * A field with `editions` is there only in those; one with `when` only if bit `when - 1` of the last field
 * with bits in the same table was set. A list whose group is one field named "" holds plain values. */
#ifndef ZAYTON_INGEST_EXPLAIN_FIELDS_H
#define ZAYTON_INGEST_EXPLAIN_FIELDS_H

#include <jansson.h>

#include "engine/core/bytes.h"
#include "engine/core/status.h"

enum field_kind {
	KIND_LAST,
	KIND_UINT,         /* `size` 1, 2, 4; divided by 10^decimals */
	KIND_INT,          /* `size` 2; two's complement */
	KIND_TIME,         /* BCD YYMMDDhhmmss in UTC+8; the digits as they are when that is no time */
	KIND_TEXT,         /* `size` bytes of GBK, 0 for the rest */
	KIND_TEXT_COUNTED, /* behind a length of `size` bytes */
	KIND_HEX,          /* `size` bytes, 0 for the rest: identifiers, BCD digits, wide words, unknown data */
	KIND_HEX_COUNTED,  /* behind a length of `size` bytes */
	KIND_LIST,         /* of `group`, behind a count of `size` bytes; 0: to the end */
	KIND_LOCATION,     /* a 0x0200 body: `size` bytes, 0 for the rest */
	KIND_PARAMETERS,   /* items of 0x8103 and 0x0104 to the end */
	KIND_ALARM_ID,     /* T/JSATL 12 alarm identifier of 16, 39 or 40 bytes: whichever leaves `tail` bytes or
			      (`size` > 0) a count byte and that many elements of `size` bytes */
};

#define EDITION_OLD 1 /* 2011 and 2013 */
#define EDITION_2019 2

struct name {
	uint32_t value; /* or the number of a bit */
	const char *text;
};

struct field {
	const char *name;
	uint8_t kind;
	uint8_t size, decimals;
	uint8_t editions; /* 0: all */
	uint8_t when;     /* 0: always */
	uint8_t tail;
	const struct name *names, *bits;
	const struct field *group;
};

#define FIELD_LAST                                                                                                     \
	{                                                                                                              \
		.kind = KIND_LAST                                                                                      \
	}
#define FIELD(n, k, s, ...)                                                                                            \
	{                                                                                                              \
		.name = (n), .kind = (k), .size = (s), __VA_ARGS__                                                     \
	}
#define UINT(n, s, ...) FIELD(n, KIND_UINT, s, __VA_ARGS__)
#define HEX(n, s, ...) FIELD(n, KIND_HEX, s, __VA_ARGS__)
#define TIME(n, ...) FIELD(n, KIND_TIME, 6, __VA_ARGS__)
#define TEXT(n, s, ...) FIELD(n, KIND_TEXT, s, __VA_ARGS__)
#define LIST(n, s, g, ...) FIELD(n, KIND_LIST, s, .group = (g), __VA_ARGS__)

/* Read `fields` from `c` into `into`. STATUS_BAD_LENGTH when the bytes end early: what was there is set;
 * STATUS_BAD_TIME, STATUS_OUT_OF_RANGE when all was read and a location in it would be refused; STATUS_NO_MEMORY. */
STATUS_CHECKED enum status fields_explain(const struct field *fields, struct cursor *c, bool is_2019, json_t *into);

/* Set a member; a NULL value (no memory) is STATUS_NO_MEMORY. Takes `value`. */
STATUS_CHECKED enum status explain_set(json_t *into, const char *name, json_t *value);
json_t *explain_text(struct span gbk);
json_t *explain_hex(struct span bytes);
/* The array of names of the bits set in `value`, unnamed bits as "bit 17". */
json_t *explain_bits(uint32_t value, const struct name *bits);
/* NULL when there is none. */
const char *explain_name(uint32_t value, const struct name *names);

/* explain_items_jt808.c: a 0x0200 body into `into`; the status report_from_jt808() judges it with. */
STATUS_CHECKED enum status explain_location(struct span body, bool is_2019, json_t *into);
/* explain_parameters_jt808.c: {id DWORD, length BYTE, value} to the end, appended to the array `into`. */
STATUS_CHECKED enum status explain_parameters(struct cursor *c, json_t *into);

/* explain_messages_jt808.c: what a message is called and its body, when a table can tell it. */
struct message_explained {
	uint16_t id;
	const char *name, *name_zh;
	const struct field *fields; /* NULL: not by one table */
};
/* NULL when the message is not known. */
const struct message_explained *explain_find(uint16_t message_id);
/* The table for this very body; NULL when it takes code. */
const struct field *explain_fields_of(const struct message_explained *m, struct span body);

#endif
