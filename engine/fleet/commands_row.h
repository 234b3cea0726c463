/* commands_row.h -- commands and their events as bytes. Keys: commands.h. Pure.
 *
 *   command, version 1:  version 1 | device 8 | state 1 | result 1 | flags 1 | violation 8 | created 8 | not before 8 |
 *                        expires 8 | sent 8 | ended 8 | tries 4 | events 4 | who: size 1, bytes | why | note |
 *                        content: size 2, bytes | [answer: size 2, bytes]          flags 1 by rule, 2 has an answer
 *   event, version 1:    version 1 | state 1 | result 1 | at 8 | who: size 1, bytes | text: size 1, bytes */
#ifndef ZAYTON_FLEET_COMMANDS_ROW_H
#define ZAYTON_FLEET_COMMANDS_ROW_H

#include "engine/fleet/commands.h"

#define COMMAND_ROW_MAX (2 * COMMAND_BYTES_MAX + 1024)
#define COMMAND_KEY_MAX 17

enum command_key { KEY_COUNTERS, KEY_COMMAND, KEY_OF_DEVICE, KEY_EVENT, KEY_OF_CASE, KEY_OPEN, KEY_REMINDED };

/* A key of up to two numbers, the second in `second_size` bytes (0, 4, 8); `first` is left out of KEY_COUNTERS. */
struct command_key_bytes {
	uint8_t bytes[COMMAND_KEY_MAX];
	size_t size;
};
struct command_key_bytes command_key(enum command_key kind, uint64_t first, uint64_t second, size_t second_size);
static inline struct span command_key_view(const struct command_key_bytes *k)
{
	return span_of(k->bytes, k->size);
}

STATUS_CHECKED enum status command_row_encode(const struct command *c, struct buf *out);
/* `out->id` is the caller's. STATUS_CORRUPT, STATUS_BAD_VERSION. */
STATUS_CHECKED enum status command_row_decode(struct span value, struct command *out);
STATUS_CHECKED enum status command_event_encode(const struct command_event *e, struct buf *out);
/* Texts are views into `value`. */
STATUS_CHECKED enum status command_event_decode(struct span key, struct span value, struct command_event *out);

#endif
