/* sl651.h -- SL 651-2014 (hydrology, HEX/BCD encoding) between bytes and meaning, both ways.
 *
 *   up    7E 7E | centre 1  | station 5 BCD | password 2 | function 1 | 0 and length, 4 + 12 bits | start | body | end
 * | CRC 2 down  7E 7E | station 5 BCD | centre 1  | password 2 | function 1 | 8 and length              | start | body
 * | end | CRC 2
 *
 *   start 02: body = serial 2 | send time 6 BCD | [F1 F1 station 5 | class 1] | elements
 *   start 16: body = total and number of packets, 12 + 12 bits | the same in the first, what goes on in the others
 *   element:  id 1, or FF and 1 more | descriptor 1: 5 bits of bytes, 3 bits of decimal places | BCD
 *             F0 F0 | observation time 5 BCD YYMMDDhhmm      F2 F2, F3 F3 | text or picture, all that is left
 *
 * All numbers are big-endian; length counts the body; the CRC is Modbus's over everything before it, high byte first.
 * The encoding in ASCII that the standard has beside this one is not read. Pure: no clock, no socket, no allocation but
 * into the caller's buffers. */
#ifndef ZAYTON_INGEST_SL651_H
#define ZAYTON_INGEST_SL651_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/core/bytes.h"
#include "engine/core/status.h"
#include "ingest/sensors/marked_frame.h"

#define SL651_HEAD 14u
#define SL651_BODY_MAX 4095u
#define SL651_FRAME_EXTRA (SL651_HEAD + 3)
#define SL651_FRAME_MAX (SL651_FRAME_EXTRA + SL651_BODY_MAX)

enum sl651_start { SL651_STX = 0x02, SL651_SYN = 0x16 };

enum sl651_end {
	SL651_ETX = 0x03, /* the last, or the only one */
	SL651_EOT = 0x04, /* go offline */
	SL651_ENQ = 0x05,
	SL651_ACK = 0x06,
	SL651_NAK = 0x15,
	SL651_ETB = 0x17, /* more packets come */
	SL651_ESC = 0x1b  /* done, stay online */
};

/* Spans are borrowed from the frame; what is not there is 0 or empty. */
struct sl651_message {
	bool down;
	uint8_t centre;
	uint8_t station[5]; /* BCD, or two bytes of region and more in hex */
	uint16_t password;
	uint8_t function;
	uint8_t start, end;       /* enum sl651_start, enum sl651_end */
	uint16_t packets, packet; /* from 1; 0: not in packets */
	struct span body;         /* behind the numbers of packets */
	bool has_serial;          /* all but packets after the first */
	uint16_t serial;
	bool time_known; /* the send time exists */
	int64_t time_ms; /* UTC; 0 when not known */
	bool has_observer;
	uint8_t observer[5];   /* station of F1 F1 */
	uint8_t station_class; /* 48 'H': river */
	struct span elements;
};

struct sl651_element {
	uint8_t id;
	uint8_t extended; /* the id behind FF; 0: none */
	struct span data; /* BCD, times, text, picture */
	uint8_t decimals;
	bool is_number; /* `data` is 1 .. 9 bytes of BCD: mantissa / 10^decimals */
	int64_t mantissa;
	bool has_time;   /* an observation time that exists came before it, or is it */
	int64_t time_ms; /* UTC */
};
struct sl651_elements {
	struct cursor at;
	bool has_time;
	int64_t time_ms;
};

#define SL651_OBSERVED 0xf0
#define SL651_STATION 0xf1
#define SL651_TEXT 0xf2
#define SL651_PICTURE 0xf3
#define SL651_EXTENDED 0xff

uint16_t sl651_crc(struct span bytes);

/* Frames as marked_frame_next() tells them. STATUS_MALFORMED: neither up nor down, no such start or end;
 * STATUS_BAD_CHECKSUM. */
STATUS_CHECKED enum status sl651_frame_next(struct span input, struct marked_frame *out);

/* A whole frame that sl651_frame_next() found. STATUS_BAD_LENGTH: it is not as long as it says, or its body is too
 * short for what it must hold. */
STATUS_CHECKED enum status sl651_decode(struct span raw, struct sl651_message *out);

static inline struct sl651_elements sl651_elements_of(struct span elements)
{
	return (struct sl651_elements){.at = cursor_of(elements)};
}
/* STATUS_END; STATUS_BAD_LENGTH: cut, `data` is what is left and nothing follows. */
STATUS_CHECKED enum status sl651_elements_next(struct sl651_elements *elements, struct sl651_element *out);

/* Append a frame with `m->body` (and the numbers of packets when `start` is SL651_SYN); serial, times and what is
 * behind them are taken from the body alone. STATUS_TOO_LONG; STATUS_INVALID: no such start or end; STATUS_FULL,
 * STATUS_NO_MEMORY. `out` is as it was then. */
STATUS_CHECKED enum status sl651_encode(const struct sl651_message *m, struct buf *out);
/* Append the answer to `asked`, the other way: its function and serial, `now_ms` as time, closed by `end`.
 * STATUS_OUT_OF_RANGE: now is not in 2000 .. 2099; others as above. */
STATUS_CHECKED enum status sl651_reply_encode(const struct sl651_message *asked, enum sl651_end end, int64_t now_ms,
					      struct buf *out);

/* NULL when there is no such name; static storage. */
const char *sl651_function_name(uint8_t function);
const char *sl651_element_name(uint8_t id);

/* Append one frame as one JSON object. Returns what the frame was refused for, or STATUS_NO_MEMORY, STATUS_FULL. */
STATUS_CHECKED enum status sl651_explain(struct span raw, struct buf *out);

#endif
