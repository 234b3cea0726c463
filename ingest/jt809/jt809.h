/* jt809.h -- JT/T 809-2011 and 2019 between bytes and meaning, both ways.
 *
 *   5B | header 22 or 30 | body | CRC16 | 5D       5B -> 5A 01, 5A -> 5A 02, 5D -> 5E 01, 5E -> 5E 02
 *                          └ 1200.. and 9200..: [plate 21 | colour 1] | sub type 2 | length 4 | data
 *
 * The body may be enciphered (cipher); header and CRC never are, and the CRC is over what is transmitted.
 * Pure: no clock, no socket, no allocation but into the caller's buffers. */
#ifndef ZAYTON_INGEST_JT809_H
#define ZAYTON_INGEST_JT809_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/core/bytes.h"
#include "engine/core/charset.h"
#include "engine/core/status.h"
#include "engine/series/report.h"

enum jt809_edition { JT809_2011 = 0, JT809_2019 = 1, JT809_DETECT = 2 };

/* --- frame_jt809.c: bytes to frames --- */

/* wire bytes of one frame with both flags: the longest seen in the field (a list of video resources) has 17,660 */
#define JT809_FRAME_MAX 65536
/* flags and CRC around header and body */
#define JT809_FRAME_EXTRA 4

/* CRC-16/CCITT-FALSE: polynomial 1021, initial value ffff, not reflected, no final XOR. */
uint16_t jt809_crc(struct span bytes);

struct jt809_frame {
	struct span content; /* header and body, unescaped, still enciphered, without the CRC */
	size_t consumed;     /* wire bytes used up, from the start of the input */
	size_t skipped;      /* of these, bytes before `raw`: garbage */
	struct span raw;     /* the wire bytes of this frame with both flags */
	bool literal;        /* the peer does not escape: read as it stands */
};
/* Find the next frame in `input`; `scratch` (JT809_FRAME_MAX bytes) takes what must be unescaped.
 * STATUS_OK          one frame whose CRC is right; `content` lies in `scratch`, or in `input` when nothing was escaped.
 *                    Its length field may still be wrong: see jt809_header.
 * STATUS_NEED_MORE   no end flag yet; `consumed` is what may be dropped (all that comes before a start flag)
 * STATUS_BAD_CHECKSUM, STATUS_BAD_LENGTH (shorter than a header), STATUS_MALFORMED (another frame begins before this
 * one ends), STATUS_TOO_LONG: this frame is spoiled; `consumed` and `raw` cover just it, go on behind it.
 * 5A and 5E that no 01 or 02 follows stand for themselves; a frame whose CRC is right only when nothing is unescaped
 * is taken so, and so is one with a 5B in it. STATUS_BAD_CHECKSUM fills `content` too, for a look at it. */
STATUS_CHECKED enum status jt809_frame_next(struct span input, uint8_t *scratch, struct jt809_frame *out);

/* The constants that two platforms agree upon; all zero: not enciphered by us, and what comes enciphered is refused. */
struct jt809_cipher {
	uint32_t m1, ia1, ic1;
};
static inline bool jt809_cipher_is_set(const struct jt809_cipher *c)
{
	return c->m1 || c->ia1 || c->ic1;
}
/* Enciphers and deciphers `size` bytes in place; `key` is the one of the header. */
void jt809_cipher_apply(const struct jt809_cipher *c, uint32_t key, uint8_t *data, size_t size);

#define JT809_HEADER_2011 22
#define JT809_HEADER_2019 30

struct jt809_header {
	uint32_t declared; /* length field: the whole frame, flags included, unescaped */
	uint32_t serial;
	uint16_t id;
	uint32_t access_code; /* of the lower platform */
	uint8_t version[3];
	bool encrypted;
	uint32_t key;
	bool is_2019;
	int64_t time_ms; /* 2019; otherwise 0 */
	bool length_differs;
	struct span body; /* as transmitted */
};
/* JT809_DETECT takes a header for one of 2019 when its time lies in 2000..2099. STATUS_BAD_LENGTH. */
STATUS_CHECKED enum status jt809_header_decode(struct span content, enum jt809_edition edition,
					       struct jt809_header *out);
/* A whole frame: header, `body` enciphered with `cipher` when h->encrypted, CRC, escapes, flags; appended to `out`.
 * `declared`, `length_differs` and h->body are not looked at. STATUS_TOO_LONG past JT809_FRAME_MAX unescaped. */
STATUS_CHECKED enum status jt809_frame_encode(const struct jt809_header *h, const struct jt809_cipher *cipher,
					      struct span body, struct buf *out);

/* --- envelope_jt809.c --- */

#define JT809_PLATE 21
#define JT809_VEHICLE 22 /* plate and colour */

/* What every message of 1200..1600 and 9200..9600 is wrapped in. Views. */
struct jt809_envelope {
	struct span vehicle; /* 21 bytes GBK and the colour, or empty */
	uint16_t sub_id;
	bool answers; /* 2019: the message answered stands before the length */
	uint16_t source_id;
	uint32_t source_serial;
	struct span data;
	bool length_differs;
};
/* Whether bodies of this message have an envelope. */
bool jt809_has_envelope(uint16_t id);
/* With or without a vehicle, told apart by where sub type and length fit. STATUS_BAD_LENGTH; STATUS_MALFORMED when
 * neither place holds a sub type of `id`. */
STATUS_CHECKED enum status jt809_envelope_decode(uint16_t id, struct span body, struct jt809_envelope *out);
/* `vehicle` of JT809_VEHICLE bytes, or empty. */
STATUS_CHECKED enum status jt809_envelope_encode(const struct jt809_envelope *e, struct buf *out);

/* A text into a field of `size` <= 200 bytes: GBK, NUL padded. STATUS_TOO_LONG. */
STATUS_CHECKED enum status jt809_text_pack(const char *utf8, uint8_t *out, size_t size);
/* "2:闽C12345" as the registry has it, from an envelope's vehicle. STATUS_OUT_OF_RANGE: no plate or no colour. */
#define JT809_PLATE_TEXT_MAX (4 + CHARSET_UTF8_ROOM(JT809_PLATE))
STATUS_CHECKED enum status jt809_plate_text(struct span vehicle, char out[JT809_PLATE_TEXT_MAX]);
/* And back. STATUS_MALFORMED without a colour; STATUS_TOO_LONG. */
STATUS_CHECKED enum status jt809_plate_pack(const char *plate, uint8_t out[JT809_VEHICLE]);

/* --- position_jt809.c: the data of 0x1202, and what 0x1203 holds several of ---
 *
 *   2011    cipher 1 | day 1 | month 1 | year 2 | h m s 3 | lon 4 | lat 4 | speed 2 | recorder 2 | km 4 | course 2 |
 *           altitude 2 | state 4 | alarm 4                                                          = 36
 *   2019    cipher 1 | length 4 | 0x0200 body | 3 x (platform 11 | alarm 4)
 *
 * Both are kept as a 0x0200 body with one more item, the footer, from which the data can be rebuilt bit for bit
 * (engine/decisions/platform_links.md):
 *
 *   footer  FD | length | form 1 | cipher 1 | flags 1 | position as it came (flag RAW) | tail (flag TAIL) | size 1
 *           `size` counts the whole item, so it is found from the end. */
#define JT809_POSITION_2011 36
#define JT809_FOOTER_ITEM 0xfd
/* bytes of a kept body beyond the 0x0200 body it came with: items of mileage and recorder's speed, and the footer */
#define JT809_POSITION_EXTRA 160

/* One position's data into a 0x0200-shaped body in `room` (`room_size` bytes, `data.size` + JT809_POSITION_EXTRA is
 * always enough) and its report, which borrows from it. `edition` is a hint: 36 bytes are 2011, anything else 2019.
 * STATUS_BAD_LENGTH, STATUS_BAD_TIME, STATUS_OUT_OF_RANGE as report_from_jt808(); STATUS_TOO_LONG. */
STATUS_CHECKED enum status jt809_position_decode(struct span data, uint8_t *room, size_t room_size, struct report *out,
						 size_t *out_size);
/* The data a kept report came with. STATUS_NOT_FOUND: it did not come by 809. */
STATUS_CHECKED enum status jt809_position_rebuild(const struct report *r, struct buf *out);
/* A report of any source as 0x1202 data of an edition. What came by the same edition goes out as it came.
 * STATUS_OUT_OF_RANGE: its time cannot be said (2000..2099). */
STATUS_CHECKED enum status jt809_position_encode(const struct report *r, enum jt809_edition edition, struct buf *out);

/* The positions of 0x1203 (and 0x9203): a count, then the data one after another. */
struct jt809_positions {
	struct cursor at;
	uint8_t declared;
};
STATUS_CHECKED enum status jt809_positions_decode(struct span data, struct jt809_positions *out);
/* STATUS_END after the last; STATUS_BAD_LENGTH, once, when the rest is cut: `out` is that rest. The bytes decide, not
 * the count. */
STATUS_CHECKED enum status jt809_positions_next(struct jt809_positions *p, struct span *out);
/* positions in one 0x1203 (5.4) */
#define JT809_POSITIONS_MAX 5

/* --- layouts_jt809.c: every other message, by one table for decoding, encoding and explaining --- */

/* X(NAME, member, KIND, wire bytes, "json name"). Texts are GBK on the wire, NUL padded, and UTF-8 here. */
#define JT809_FIELD_TABLE(X)                                                                                           \
	X(USER, user, UINT, 4, "user")                                                                                 \
	X(PASSWORD, password, TEXT, 8, "password")                                                                     \
	X(ACCESS, access_code, UINT, 4, "access_code")                                                                 \
	X(IP, ip, TEXT, 32, "ip")                                                                                      \
	X(PORT, port, UINT, 2, "port")                                                                                 \
	X(RESULT, result, UINT, 1, "result")                                                                           \
	X(VERIFY, verify, UINT, 4, "verify")                                                                           \
	X(REASON, reason, UINT, 1, "reason")                                                                           \
	X(COUNT, count, UINT, 4, "count")                                                                              \
	X(TIME, time_ms, UTC, 8, "time")                                                                               \
	X(FROM, from_ms, UTC, 8, "from")                                                                               \
	X(TO, to_ms, UTC, 8, "to")                                                                                     \
	X(PLATFORM, platform, TEXT, 11, "platform")                                                                    \
	X(PRODUCER, producer, TEXT, 11, "producer")                                                                    \
	X(MODEL8, model, TEXT, 8, "model")                                                                             \
	X(MODEL20, model, TEXT, 20, "model")                                                                           \
	X(MODEL30, model, TEXT, 30, "model")                                                                           \
	X(TERMINAL7, terminal_id, TEXT, 7, "terminal_id")                                                              \
	X(TERMINAL30, terminal_id, TEXT, 30, "terminal_id")                                                            \
	X(IMEI, imei, TEXT, 15, "imei")                                                                                \
	X(SIM12, sim, TEXT, 12, "sim")                                                                                 \
	X(SIM13, sim, TEXT, 13, "sim")                                                                                 \
	X(DRIVER, person, TEXT, 16, "driver")                                                                          \
	X(ID_CARD, id_card, TEXT, 20, "id_card")                                                                       \
	X(LICENCE40, licence, TEXT, 40, "licence")                                                                     \
	X(LICENCE20, licence, TEXT, 20, "licence")                                                                     \
	X(AUTHORITY, authority, TEXT, 200, "authority")                                                                \
	X(EXPIRY, expiry_ms, UTC, 8, "expiry")                                                                         \
	X(SOURCE, source, UINT, 1, "source")                                                                           \
	X(TYPE, type, UINT, 2, "type")                                                                                 \
	X(INFO, info_id, UINT, 4, "info_id")                                                                           \
	X(PLATE, plate, TEXT, 21, "plate")                                                                             \
	X(COLOUR, colour, UINT, 1, "colour")                                                                           \
	X(TARGET, target, TEXT, 11, "target")                                                                          \
	X(LINE, line, UINT, 4, "line")                                                                                 \
	X(OBJECT_TYPE, object_type, UINT, 1, "object_type")                                                            \
	X(OBJECT12, object, TEXT, 12, "object")                                                                        \
	X(OBJECT20, object, TEXT, 20, "object")                                                                        \
	X(LIMIT, limit, UINT, 1, "limit")                                                                              \
	X(RESPONDER, person, TEXT, 16, "responder")                                                                    \
	X(TELEPHONE, telephone, TEXT, 20, "telephone")                                                                 \
	X(EMAIL, email, TEXT, 32, "email")                                                                             \
	X(LEVEL, level, UINT, 1, "level")                                                                              \
	X(SOURCE_ID, source_id, UINT, 2, "source_id")                                                                  \
	X(SOURCE_SERIAL, source_serial, UINT, 4, "source_serial")                                                      \
	X(LOST, count, UINT, 4, "lost")                                                                                \
	X(CUTS, cuts, UINT, 1, "cuts")                                                                                 \
	X(CUT_S, cut_s, UINT, 4, "cut_s")                                                                              \
	X(CONTENT, content, CONTENT, 4, "content") /* behind its length */                                             \
	X(REST, content, REST, 0, "content")       /* to the end */

/* One message, link or business: what its layout names is set, the rest is zero. Instants are UTC ms; the wire has
 * seconds, and milliseconds are understood too (peers send both). */
struct jt809_message {
	uint16_t id;     /* 0x1001 ... 0x9600 */
	uint16_t sub_id; /* of an envelope, or 0 */
	bool has_vehicle;
	char plate[CHARSET_UTF8_ROOM(21)];
	uint8_t colour;
	uint32_t user, access_code, verify, count, info_id, line, cut_s, source_serial;
	uint16_t port, type, source_id;
	uint8_t result, reason, source, object_type, limit, level, cuts;
	int64_t time_ms, from_ms, to_ms, expiry_ms;
	char password[CHARSET_UTF8_ROOM(8)], ip[CHARSET_UTF8_ROOM(32)];
	char platform[CHARSET_UTF8_ROOM(11)], producer[CHARSET_UTF8_ROOM(11)], target[CHARSET_UTF8_ROOM(11)];
	char model[CHARSET_UTF8_ROOM(30)], terminal_id[CHARSET_UTF8_ROOM(30)], imei[CHARSET_UTF8_ROOM(15)];
	char sim[CHARSET_UTF8_ROOM(13)], person[CHARSET_UTF8_ROOM(16)], id_card[CHARSET_UTF8_ROOM(20)];
	char licence[CHARSET_UTF8_ROOM(40)], authority[CHARSET_UTF8_ROOM(200)];
	char object[CHARSET_UTF8_ROOM(20)], telephone[CHARSET_UTF8_ROOM(20)], email[CHARSET_UTF8_ROOM(32)];
	struct span content; /* GBK as it is on the wire; borrowed */
	struct span data;    /* of the envelope, or the whole body; borrowed */
};
/* A deciphered body. Among the layouts of a message the one that fits the bytes is taken, those of `edition` first.
 * STATUS_UNSUPPORTED: no such message, `data` is all there is of it, the vehicle is set. STATUS_BAD_LENGTH: no layout
 * fits; what the first one could read is set. Also what jt809_envelope_decode refuses. */
STATUS_CHECKED enum status jt809_message_decode(uint16_t id, struct span body, enum jt809_edition edition,
						struct jt809_message *out);
/* The body of a message of an edition, envelope included. STATUS_UNSUPPORTED: the edition has no such message (and
 * positions are not made here); STATUS_TOO_LONG: a text does not fit its field. */
STATUS_CHECKED enum status jt809_message_encode(const struct jt809_message *m, enum jt809_edition edition,
						struct buf *out);
/* English and Chinese; NULL when the message is not known. `sub_id` 0: the message itself. */
const char *jt809_message_name(uint16_t id, uint16_t sub_id);
const char *jt809_message_name_zh(uint16_t id, uint16_t sub_id);

/* One item of the static data of a vehicle, "KEY:=value" separated by semicolons (0x1601). */
struct jt809_static {
	struct span key, value; /* GBK, trimmed; borrowed */
};
/* STATUS_END after the last. What has no ":=" is passed over. */
STATUS_CHECKED enum status jt809_static_next(struct cursor *c, struct jt809_static *out);

/* --- explain_jt809.c: one frame as JSON, for `zayton decode` --- */

struct jt809_explain_options {
	enum jt809_edition edition;
	struct jt809_cipher cipher;
};
/* As jt808_explain(): every field by name; a refusal is told inside the object and is the status returned.
 * STATUS_NO_MEMORY, STATUS_FULL (`out`): nothing was appended. */
STATUS_CHECKED enum status jt809_explain(const struct jt809_frame *frame, const struct jt809_explain_options *options,
					 struct buf *out);

#endif
