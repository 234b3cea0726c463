/* command_jt808.h -- canonical commands (series/command.h) on the wire of each edition, both ways, and their answers.
 *
 *   TEXT 8300 · SET_PARAMETERS 8103 · QUERY_PARAMETERS 8104, 8106 · LOCATE 8201 · TRACK 8202 · CONFIRM_ALARM 8203
 *   SET_AREA 8600 8602 8604 8606 · DELETE_AREAS 8601 8603 8605 8607 · QUERY_AREAS 8608 · IDENTIFY_DRIVER 8702
 *
 * What an edition has no means for is refused by name, never left out: 8106 (8104 asks for all), 8203, 8702, the flags
 * of doors and communication came with 2013, 8608, night limits and names of areas with 2019 (names are left out
 * before: they decide nothing). Layouts: JT/T 808-2013 tables 20..77, -2019. Pure. */
#ifndef ZAYTON_INGEST_COMMAND_JT808_H
#define ZAYTON_INGEST_COMMAND_JT808_H

#include "engine/series/command.h"
#include "ingest/jt808/jt808.h"

/* bytes of a body at most: every parameter with its head, or every point of a route with limits */
#define JT808_COMMAND_BODY_MAX 16384

/* Append the body; `*out_id` is its message. What command_check() refuses, and STATUS_UNSUPPORTED, STATUS_OUT_OF_RANGE
 * for what the edition cannot say: `why` names it and `out` is as before. */
STATUS_CHECKED enum status jt808_command_encode(const struct command_content *c, enum jt808_edition edition,
						uint16_t *out_id, struct buf *out, struct command_refusal *why);
/* The terminal's side. Of several circles or rectangles in one message the first. STATUS_UNSUPPORTED: no command;
 * STATUS_BAD_LENGTH; STATUS_BAD_TIME; STATUS_FULL: more points or parameters than a content holds. */
STATUS_CHECKED enum status jt808_command_decode(uint16_t message_id, struct span body, enum jt808_edition edition,
						struct command_content *out);

/* The message that ends such a command besides a refusing 0x0001; 0x0001 itself when it has none of its own. */
uint16_t jt808_command_answer(unsigned kind);

struct jt808_answer {
	bool has_serial; /* 0x0104 and 0x0201 name the command's; 0x0608 and 0x0702 do not */
	uint16_t serial;
	struct command_content content;
};
/* 0x0104, 0x0201, 0x0608, 0x0702 as what they say. Of 0x0104 what is cut at the end is left out, its count is not
 * believed; what does not fit the form of its parameter is kept as bytes. STATUS_UNSUPPORTED: no such answer;
 * STATUS_BAD_LENGTH; what report_from_jt808() says of a position. */
STATUS_CHECKED enum status jt808_answer_decode(uint16_t message_id, struct span body, struct jt808_answer *out);
/* The terminal's side: a 0x0104 body. */
STATUS_CHECKED enum status jt808_parameters_encode(uint16_t serial, const struct command_parameters *p,
						   struct buf *out);

#endif
