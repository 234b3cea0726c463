/* terminal_commands.h -- what a simulated terminal does with what it is told: it does it, remembers it and answers.
 *
 *   8300 8202 8203 860x -> 0001      8103 -> kept, 0001      8104 8106 -> 0104 of what is kept
 *   8201 -> 0201, its last position  8608 -> 0608, nothing   8702 -> 0702, nobody's card      unknown -> 0001, result 3
 */
#ifndef ZAYTON_BENCH_TERMINAL_COMMANDS_H
#define ZAYTON_BENCH_TERMINAL_COMMANDS_H

#include "ingest/jt808/command_jt808.h"

/* parameters with numbers that a terminal keeps */
#define TERMINAL_PARAMETERS_MAX 16

struct terminal_memory {
	struct {
		uint32_t id, number;
		uint8_t form;
	} parameters[TERMINAL_PARAMETERS_MAX];
	unsigned parameter_count;
	uint8_t position[28]; /* the fixed part of its last report */
	bool has_position;
	uint64_t heard; /* commands, each sending of one */
};

/* The answer to a command as a message; `out_id` 0: none is due (a packet of a split one that is not its last). */
void terminal_answer(struct terminal_memory *m, const struct jt808_header *h, enum jt808_edition edition,
		     int64_t now_ms, uint16_t *out_id, struct buf *out_body);

#endif
