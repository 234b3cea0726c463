/* gb26875.h -- GB/T 26875.3-2011 (remote fire monitoring) between bytes and meaning, both ways.
 *
 *   offset  size  field                                            little-endian
 *        0     2  40 40
 *        2     2  serial
 *        4     2  version: main, user (seen as 01 00 and as 10 00)
 *        6     6  time: second, minute, hour, day, month, year - 2000; UTC+8
 *       12     6  source address
 *       18     6  target address
 *       24     2  n, length of the application data, <= 1024
 *       26     1  command
 *       27     n  application data: type 1 | count 1 | objects
 *     27+n     1  checksum: the sum of bytes 2 .. 26+n, modulo 256
 *     28+n     2  23 23
 *
 * Application data of no byte or of one is a heartbeat when it is sent, and nothing in a confirmation. Pure: no clock,
 * no socket, no allocation but into the caller's buffers. */
#ifndef ZAYTON_INGEST_GB26875_H
#define ZAYTON_INGEST_GB26875_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/core/bytes.h"
#include "engine/core/status.h"
#include "ingest/sensors/marked_frame.h"

#define GB26875_HEAD 27u
#define GB26875_APP_MAX 1024u
#define GB26875_FRAME_EXTRA 30u
#define GB26875_FRAME_MAX (GB26875_FRAME_EXTRA + GB26875_APP_MAX)
#define GB26875_ADDRESS_MAX UINT64_C(0xffffffffffff)

enum gb26875_command {
	GB26875_CONTROL = 1,
	GB26875_SEND = 2,
	GB26875_CONFIRM = 3,
	GB26875_REQUEST = 4,
	GB26875_ANSWER = 5,
	GB26875_DENY = 6
};

/* Types of application data that hold more than a time or a text; names of all: gb26875_type_name(). */
enum gb26875_type {
	GB26875_SYSTEM_STATE = 1,
	GB26875_PART_STATE = 2,
	GB26875_ANALOG = 3,
	GB26875_SYSTEM_OPERATION = 4,
	GB26875_DEVICE_STATE = 21,
	GB26875_DEVICE_OPERATION = 24,
	GB26875_CLOCK_SYNC = 90,
	GB26875_DUTY_CHECK = 91
};

/* Bits of the state of a system (0 .. 13) and of a part (0 .. 8). Normal 0 means test. */
#define GB26875_STATE_NORMAL 0x0001u
#define GB26875_STATE_FIRE 0x0002u
#define GB26875_STATE_FAULT 0x0004u
/* Bit of a device's operation: the answer to a duty check. */
#define GB26875_OPERATION_CONFIRM 0x20u

struct gb26875_time {
	uint8_t bytes[6]; /* as on the wire */
	bool known;       /* such an instant exists */
	int64_t ms;       /* UTC; 0 when not known */
};

struct gb26875_message {
	uint16_t serial;
	uint8_t version_main, version_user;
	struct gb26875_time time;
	uint64_t source, target; /* 48 bits */
	uint8_t command;         /* enum gb26875_command, or 0, 7 .. 255 as they came */
	bool heartbeat;
	struct span app; /* borrowed; at most GB26875_APP_MAX bytes */
};

/* One object; what its type does not have is 0. */
struct gb26875_object {
	uint8_t type;
	struct span raw; /* all of it, borrowed */
	uint8_t system_type, system_address;
	uint8_t part_type;
	uint32_t part_address;
	uint16_t state; /* of a system, a part or (8 bits) a device */
	uint8_t analog_type;
	int16_t analog; /* in the unit of gb26875_analog_unit() */
	uint8_t operation, operator_number;
	uint8_t version_main, version_user;
	struct span text; /* GB 18030, padding and all; borrowed */
	bool has_time;
	struct gb26875_time time;
};

/* The objects of application data, in order. */
struct gb26875_objects {
	uint8_t type, declared;
	unsigned taken;
	struct cursor at; /* what is left */
};

/* What an analog value counts: value / 10^scale `unit`s. */
struct gb26875_analog_unit {
	const char *name, *unit;
	uint8_t scale;
};

/* Frames as marked_frame_next() tells them. STATUS_BAD_LENGTH: n > 1024; STATUS_MALFORMED: no 23 23 where it ends;
 * STATUS_BAD_CHECKSUM. */
STATUS_CHECKED enum status gb26875_frame_next(struct span input, struct marked_frame *out);

/* A whole frame that gb26875_frame_next() found. STATUS_BAD_LENGTH: it is not as long as it says. */
STATUS_CHECKED enum status gb26875_decode(struct span raw, struct gb26875_message *out);

/* STATUS_EMPTY: a heartbeat or a confirmation, no objects. */
STATUS_CHECKED enum status gb26875_objects_decode(struct span app, struct gb26875_objects *out);
/* The next object. STATUS_END: as many as declared were told; `at` holds what is over. STATUS_BAD_LENGTH: cut, `raw`
 * is what is there; STATUS_UNSUPPORTED: no layout is known for the type, `raw` is all that is left. After either: END.
 */
STATUS_CHECKED enum status gb26875_objects_next(struct gb26875_objects *objects, struct gb26875_object *out);

/* Append a frame; `time.ms` is written (2000 .. 2099), `time.bytes` and `heartbeat` are not looked at. STATUS_TOO_LONG,
 * STATUS_OUT_OF_RANGE (time, address), STATUS_FULL, STATUS_NO_MEMORY leave `out` as it was. */
STATUS_CHECKED enum status gb26875_encode(const struct gb26875_message *m, struct buf *out);
/* Append the answer to `asked` without application data: GB26875_CONFIRM or GB26875_DENY, with its serial and version,
 * back to where it came from. Errors as above; STATUS_INVALID: another command. */
STATUS_CHECKED enum status gb26875_reply_encode(const struct gb26875_message *asked, uint8_t command, int64_t now_ms,
						struct buf *out);

/* NULL when there is no such name; static storage. */
const char *gb26875_command_name(uint8_t command);
const char *gb26875_type_name(uint8_t type);
const char *gb26875_system_name(uint8_t system_type);
const char *gb26875_part_name(uint8_t part_type);
/* Of a state (types 1, 2, 21) or an operation (4, 24). */
const char *gb26875_bit_name(uint8_t type, unsigned bit);
const struct gb26875_analog_unit *gb26875_analog_unit(uint8_t analog_type);

/* Append one frame as one JSON object. Returns what the frame was refused for, or STATUS_NO_MEMORY, STATUS_FULL. */
STATUS_CHECKED enum status gb26875_explain(struct span raw, struct buf *out);

#endif
