/* jt808.h -- JT/T 808-2011, 2013 and 2019 between bytes and meaning, both ways.
 *
 *   7E | header 12 or 17 (+4 when split) | body | xor | 7E          7E -> 7D 02, 7D -> 7D 01
 *
 * Pure: no clock, no socket, no allocation but into the caller's buffers. */
#ifndef ZAYTON_INGEST_JT808_H
#define ZAYTON_INGEST_JT808_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/core/bytes.h"
#include "engine/core/limits.h"
#include "engine/core/status.h"

enum jt808_edition { JT808_2011 = 0, JT808_2013 = 1, JT808_2019 = 2 };

/* --- frame_jt808.c: bytes to frames --- */

/* PRIVATE is no standard: some terminals of the field frame the same messages so, and one open implementation alone
 * (traccar, its decoder of this protocol) is known to read it. It is asked for, never guessed into a stream.
 *   STANDARD   7E .. 7E   7E -> 7D 02, 7D -> 7D 01
 *   PRIVATE    E7 .. E7   E7 -> E6 02, E6 -> E6 01, 3E -> 3E 01, 3D -> 3E 02 */
enum jt808_framing { JT808_FRAMING_STANDARD, JT808_FRAMING_PRIVATE };
/* The byte that opens and closes a frame. */
uint8_t jt808_flag(enum jt808_framing framing);

struct jt808_frame {
	enum jt808_framing framing;
	struct span content; /* header and body, unescaped, without the checksum */
	size_t consumed;     /* wire bytes used up, from the start of the input */
	size_t skipped;      /* of these, bytes before `raw`: garbage, empty pairs, ASCII frames "(...)" */
	struct span raw;     /* the wire bytes of this frame with both flags, for quarantine and decode */
};
/* Find the next frame in `input`; `scratch` (JT808_FRAME_MAX bytes) takes what must be unescaped.
 * STATUS_OK          one frame; `content` lies in `scratch`, or in `input` when nothing of it was escaped
 * STATUS_NEED_MORE   no end flag yet; `consumed` is what may be dropped (all that comes before a start flag)
 * STATUS_BAD_ESCAPE, STATUS_BAD_CHECKSUM, STATUS_BAD_LENGTH (shorter than a header), STATUS_TOO_LONG:
 *                    this frame is spoiled; `consumed` and `raw` cover just it, go on behind it.
 * A closing flag is used up only when another flag follows it; otherwise it may open the next frame and is
 * left in place, also at the end of the input: what remains of whole frames is then the one byte 7E. So
 * the frames are the same however the stream was cut into reads. Empty 7E 7E pairs are skipped.
 * STATUS_BAD_CHECKSUM fills `content` too, for a look at it. STATUS_TOO_LONG uses up exactly JT808_FRAME_MAX bytes. */
STATUS_CHECKED enum status jt808_frame_next(struct span input, uint8_t *scratch, struct jt808_frame *out);
/* The same in a framing that is known. */
STATUS_CHECKED enum status jt808_framed_next(enum jt808_framing framing, struct span input, uint8_t *scratch,
					     struct jt808_frame *out);
/* The same where either framing may come, as `out->framing` then tells: that of the first flag, unless it gives no
 * frame with a sound header and the other does. */
STATUS_CHECKED enum status jt808_any_frame_next(struct span input, uint8_t *scratch, struct jt808_frame *out);
/* Escape, checksum and flag `content`; appends to `out`, which must have room for 2 * content.size + 4. */
STATUS_CHECKED enum status jt808_frame_encode(struct span content, struct buf *out);
/* The same at `out`, which has that room; returns the size. */
size_t jt808_frame_write(struct span content, uint8_t *out);
/* The same two in a framing. */
STATUS_CHECKED enum status jt808_framed_encode(enum jt808_framing framing, struct span content, struct buf *out);
size_t jt808_framed_write(enum jt808_framing framing, struct span content, uint8_t *out);

/* --- header_jt808.c --- */

/* 2019, split */
#define JT808_HEADER_MAX 21

struct jt808_header {
	uint16_t message_id;
	uint16_t attributes;
	uint8_t version;    /* header byte of 2019, 0 before */
	bool is_2019;       /* attribute bit 14 */
	uint8_t encryption; /* 0 none, 1 RSA, others reserved */
	uint8_t phone[10];  /* BCD as sent; 6 bytes before 2019 */
	uint8_t phone_size; /* 6 or 10 */
	uint16_t serial;
	bool is_fragment;
	uint8_t framing; /* enum jt808_framing; not of these bytes: how what is encoded like this is framed */
	uint16_t fragment_total, fragment_index; /* index from 1 */
	struct span body;
};
/* STATUS_BAD_LENGTH when the body length field does not match what is there: the header fields are filled and
 * `body` is what is there; and when the header itself is cut: `phone_size` is 0 if the phone is. `framing` is left
 * standard: a frame tells it, not its content. */
STATUS_CHECKED enum status jt808_header_decode(struct span content, struct jt808_header *out);
/* Header for `body_size` bytes of body into `out`; fragment_total 0: not split. `attributes`, `is_fragment`
 * and `body` are not looked at. STATUS_TOO_LONG past JT808_BODY_MAX. */
STATUS_CHECKED enum status jt808_header_encode(const struct jt808_header *h, size_t body_size, struct buf *out);
/* The same at `out`, body_size <= JT808_BODY_MAX; returns the size. */
size_t jt808_header_write(const struct jt808_header *h, size_t body_size, uint8_t out[JT808_HEADER_MAX]);

/* The phone as identity: lower-case hex without leading zeros, at least one digit; NUL-terminated. */
#define JT808_PHONE_TEXT_MAX 21
void jt808_phone_text(const struct jt808_header *h, char out[JT808_PHONE_TEXT_MAX]);
/* The phone text back into a header field of `size` 6 or 10 bytes. STATUS_TOO_LONG, STATUS_MALFORMED. */
STATUS_CHECKED enum status jt808_phone_pack(struct span text, uint8_t *out, uint8_t size);

/* --- decode_session_jt808.c, encode_session_jt808.c: messages of a session. Text is GBK on the wire and UTF-8 here.
 * --- */

#define JT808_TEXT_MAX 256

struct jt808_register {
	enum jt808_edition edition;
	uint16_t province, city;
	char manufacturer[34], model[91], terminal_id[91]; /* trimmed of padding */
	uint8_t plate_colour;
	char plate[JT808_TEXT_MAX]; /* or the VIN when plate_colour is 0 */
};
/* The edition: 2019 as the header says; before it, 2013 from 37 bytes with a colour at offset 36, else 2011.
 * STATUS_BAD_LENGTH below the fixed part (25, 37 or 76 bytes). */
STATUS_CHECKED enum status jt808_register_decode(struct span body, bool is_2019, struct jt808_register *out);
/* All *_encode of this part append a body; STATUS_TOO_LONG when a text does not fit its field. */
STATUS_CHECKED enum status jt808_register_encode(const struct jt808_register *r, struct buf *out);

struct jt808_auth {
	struct span code; /* borrowed, without NUL padding; may be empty */
	char imei[16];
	char software[61];
};
/* A 2019 body that is not length, code, IMEI and software version is taken whole as the code. */
STATUS_CHECKED enum status jt808_auth_decode(struct span body, bool is_2019, struct jt808_auth *out);
STATUS_CHECKED enum status jt808_auth_encode(const struct jt808_auth *a, bool is_2019, struct buf *out);

struct jt808_attributes { /* 0x0107 */
	uint16_t type;
	char manufacturer[34], model[91], terminal_id[91], iccid[21], hardware[JT808_TEXT_MAX],
		firmware[JT808_TEXT_MAX];
	uint8_t gnss, comm;
};
/* Told apart by which layout ends where the body ends: 2013, 2019 with an 11-byte manufacturer, 2019 with 5. */
STATUS_CHECKED enum status jt808_attributes_decode(struct span body, struct jt808_attributes *out);

struct jt808_driver { /* 0x0702 */
	enum jt808_edition edition;
	bool has_time;
	uint8_t status; /* 1 on duty, 2 off duty; 0 in 2011 */
	int64_t time_ms;
	uint8_t ic_result; /* 0 read, 1 not authentic, 2 locked, 3 pulled, 4 bad data */
	char name[JT808_TEXT_MAX], licence[121], authority[JT808_TEXT_MAX], id_card[61];
	char expiry[9]; /* YYYYMMDD or empty */
};
/* 2011 begins with the length of the name; later editions with status 1 or 2 and a BCD time. What a terminal
 * leaves out at the end (off duty, card not read) stays empty, what it sends anyway is read.
 * STATUS_BAD_LENGTH when a field is cut; `out` holds the fields before it. STATUS_BAD_TIME. */
STATUS_CHECKED enum status jt808_driver_decode(struct span body, bool is_2019, struct jt808_driver *out);
STATUS_CHECKED enum status jt808_driver_encode(const struct jt808_driver *d, struct buf *out);

struct jt808_reply { /* 0x0001 and 0x8001 */
	uint16_t serial;
	uint16_t message_id;
	uint8_t result; /* 0 ok, 1 fail, 2 bad message, 3 unsupported, 4 alarm confirmed (platform only) */
};
STATUS_CHECKED enum status jt808_reply_decode(struct span body, struct jt808_reply *out);
STATUS_CHECKED enum status jt808_reply_encode(const struct jt808_reply *r, struct buf *out);

struct jt808_register_reply { /* 0x8100 */
	uint16_t serial;
	uint8_t result;   /* 0 ok, 1 vehicle registered, 2 no such vehicle, 3 terminal registered, 4 no such terminal */
	struct span code; /* borrowed, without NUL padding */
};
STATUS_CHECKED enum status jt808_register_reply_decode(struct span body, struct jt808_register_reply *out);

/* --- decode_location_jt808.c: what carries positions. The body itself is report_from_jt808 (report.h). --- */

/* Bodies inside 0x0704, 0x0201, 0x0500: `next` gives them one by one. */
struct jt808_bodies {
	struct cursor at;
	uint16_t declared; /* count field; the length fields decide */
	uint8_t type;      /* 0x0704: 0 batch, 1 blind-area backfill */
};
STATUS_CHECKED enum status jt808_batch_decode(struct span body, struct jt808_bodies *out);
/* STATUS_END after the last; STATUS_BAD_LENGTH, once, when the rest is cut: `out_body` is that rest. */
STATUS_CHECKED enum status jt808_batch_next(struct jt808_bodies *b, struct span *out_body);
/* 0x0201, 0x0500: the serial answered and the 0x0200 body behind it. */
STATUS_CHECKED enum status jt808_answered_location_decode(struct span body, uint16_t *out_serial,
							  struct span *out_body);

/* --- encode_jt808.c: what a platform says, and what a terminal says (simulator, tests) --- */

/* A whole frame: edition, version, phone and framing of `like`, body, checksum, escapes; split into packets of at most
 * `packet_max` body bytes (JT808_BODY_MAX) with consecutive serials when longer. `*serial` is advanced by the
 * packets written. Not encrypted, whatever `like` was. On failure `out` and `*serial` are as before. */
STATUS_CHECKED enum status jt808_message_encode(uint16_t message_id, const struct jt808_header *like, struct span body,
						size_t packet_max, uint16_t *serial, struct buf *out);
/* 0x8001 straight to the wire, the hot path: at most JT808_ACK_MAX bytes at `out`; returns the size. */
#define JT808_ACK_MAX (2 * (17 + 5 + 1) + 2)
size_t jt808_ack_write(const struct jt808_header *like, uint16_t own_serial, uint16_t serial, uint16_t message_id,
		       uint8_t result, uint8_t *out);
/* 0x8100 body; the code is sent with result 0 only. Many terminals cannot read an empty one. */
STATUS_CHECKED enum status jt808_register_reply_encode(uint16_t serial, uint8_t result, struct span code,
						       struct buf *out);
STATUS_CHECKED enum status jt808_time_reply_encode(int64_t now_ms, bool as_utc, struct buf *out); /* 0x8004 */
/* STATUS_TOO_LONG when `count` is above 255 (before 2019: the count is a byte) or does not fit a packet. */
STATUS_CHECKED enum status jt808_resend_encode(uint16_t first_serial, const uint16_t *indexes, size_t count,
					       bool is_2019, struct buf *out); /* 0x8003 */

/* A 0x0200 body from its parts. Latitude and longitude 1e-6 degrees, signed. */
struct jt808_location {
	uint32_t alarm, status; /* hemisphere bits are set from the signs */
	int32_t lat_e6, lon_e6;
	int16_t altitude_m;
	uint16_t speed_dkmh, course_deg;
	int64_t time_ms;
};
/* STATUS_OUT_OF_RANGE for a time outside 2000..2099. */
STATUS_CHECKED enum status jt808_location_encode(const struct jt808_location *l, struct buf *out);
STATUS_CHECKED enum status jt808_item_encode(uint8_t id, struct span value, struct buf *out);
/* A 0x0704 body. STATUS_TOO_LONG past 65535 bodies or bytes in one. */
STATUS_CHECKED enum status jt808_batch_encode(uint8_t type, const struct span *bodies, size_t count, struct buf *out);

/* --- explain_jt808.c: one frame as JSON, for `zayton decode` --- */

/* Every field of the frame by name, unknown bodies and items as hex; appends one JSON object without a line end.
 * Looks at `frame->raw` and its framing alone, so that refused frames are explained too. What a peer sent never fails:
 * a refusal of the frame, the header or the body is told inside the object ("refused") and is the status returned.
 * STATUS_NO_MEMORY, STATUS_FULL (`out`): nothing was appended. */
STATUS_CHECKED enum status jt808_explain(const struct jt808_frame *frame, struct buf *out);

#endif
