/* ais.h -- AIS messages (ITU-R M.1371-5) between sentences and meaning, both ways.
 *
 *   sentence ── ais_part_of ──> part ── assembler (ais_assembler.h) ──> packet ── ais_decode ──> message
 *      "!AIVDM,2,1,7,A,53aG...,0*05"                     bits of one radio message       values by field
 *
 * One table of layouts (ais_layout.c) says where each field of each type lies; decoding, encoding, JSON and the way to
 * reports all read it. Values are those of the wire; "not available" is a value of its own (ais_field_na), never zero
 * by accident: ask by the functions below, which say false. Bits count from 0, most significant first. Pure. */
#ifndef ZAYTON_INGEST_AIS_H
#define ZAYTON_INGEST_AIS_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/core/bytes.h"
#include "engine/core/status.h"
#include "ingest/marine/sentence.h"

/* bits of one message: five slots hold 1,064 (type 26); sentences number up to nine parts */
#define AIS_BITS_MAX 3072
#define AIS_BYTES_MAX (AIS_BITS_MAX / 8)
/* behind the bits of a packet there are so many zero bytes: fields are read eight bytes at a time */
#define AIS_PAD 8
#define AIS_TEXT_MAX 161
#define AIS_PARTS_MAX 9

/* Fields. X(NAME, "json", kind, value that means "not available"): kind U unsigned, S signed, T text, F one bit. */
#define AIS_NONE INT32_MIN /* every value is one */
#define AIS_FIELD_TABLE(X)                                                                                             \
	X(TYPE, "type", U, AIS_NONE)                                                                                   \
	X(REPEAT, "repeat", U, AIS_NONE)                                                                               \
	X(MMSI, "mmsi", U, AIS_NONE)                                                                                   \
	X(STATUS, "status", U, 15)                                                                                     \
	X(ROT, "turn", S, -128)                                                                                        \
	X(SOG, "speed", U, 1023)                                                                                       \
	X(ACCURACY, "accuracy", F, AIS_NONE)                                                                           \
	X(LON, "lon", S, 108600000)                                                                                    \
	X(LAT, "lat", S, 54600000)                                                                                     \
	X(COG, "course", U, 3600)                                                                                      \
	X(HEADING, "heading", U, 511)                                                                                  \
	X(SECOND, "second", U, 60)                                                                                     \
	X(MANOEUVRE, "manoeuvre", U, 0)                                                                                \
	X(RAIM, "raim", F, AIS_NONE)                                                                                   \
	X(RADIO, "radio", U, AIS_NONE)                                                                                 \
	X(YEAR, "year", U, 0)                                                                                          \
	X(MONTH, "month", U, 0)                                                                                        \
	X(DAY, "day", U, 0)                                                                                            \
	X(HOUR, "hour", U, 24)                                                                                         \
	X(MINUTE, "minute", U, 60)                                                                                     \
	X(EPFD, "epfd", U, 0)                                                                                          \
	X(VERSION, "ais_version", U, AIS_NONE)                                                                         \
	X(IMO, "imo", U, 0)                                                                                            \
	X(CALLSIGN, "callsign", T, AIS_NONE)                                                                           \
	X(NAME, "name", T, AIS_NONE)                                                                                   \
	X(SHIPTYPE, "shiptype", U, 0)                                                                                  \
	X(BOW, "to_bow", U, AIS_NONE)                                                                                  \
	X(STERN, "to_stern", U, AIS_NONE)                                                                              \
	X(PORT, "to_port", U, AIS_NONE)                                                                                \
	X(STARBOARD, "to_starboard", U, AIS_NONE)                                                                      \
	X(DRAUGHT, "draught", U, 0)                                                                                    \
	X(DESTINATION, "destination", T, AIS_NONE)                                                                     \
	X(DTE, "dte", F, AIS_NONE)                                                                                     \
	X(ALTITUDE, "altitude", U, 4095)                                                                               \
	X(REGIONAL, "regional", U, AIS_NONE)                                                                           \
	X(RESERVED, "reserved", U, AIS_NONE)                                                                           \
	X(ASSIGNED, "assigned", F, AIS_NONE)                                                                           \
	X(CS, "cs", F, AIS_NONE)                                                                                       \
	X(DISPLAY, "display", F, AIS_NONE)                                                                             \
	X(DSC, "dsc", F, AIS_NONE)                                                                                     \
	X(BAND, "band", F, AIS_NONE)                                                                                   \
	X(MSG22, "msg22", F, AIS_NONE)                                                                                 \
	X(AID, "aid_type", U, 0)                                                                                       \
	X(OFF_POSITION, "off_position", F, AIS_NONE)                                                                   \
	X(VIRTUAL, "virtual_aid", F, AIS_NONE)                                                                         \
	X(EXTENSION, "name_extension", T, AIS_NONE)                                                                    \
	X(PART, "partno", U, AIS_NONE)                                                                                 \
	X(VENDOR, "vendor", T, AIS_NONE)                                                                               \
	X(MODEL, "model", U, AIS_NONE)                                                                                 \
	X(SERIAL, "serial", U, AIS_NONE)                                                                               \
	X(MOTHERSHIP, "mothership_mmsi", U, AIS_NONE)                                                                  \
	X(GNSS, "gnss", F, AIS_NONE)                                                                                   \
	X(TEXT, "text", T, AIS_NONE)                                                                                   \
	X(SPARE, "spare", U, AIS_NONE)

enum ais_field {
#define X(NAME, json, kind, na) AIS_##NAME,
	AIS_FIELD_TABLE(X)
#undef X
		AIS_FIELD_COUNT
};
_Static_assert(AIS_FIELD_COUNT <= 64, "the fields a message has are a 64-bit set");

enum ais_kind { AIS_KIND_U, AIS_KIND_S, AIS_KIND_T, AIS_KIND_F };
const char *ais_field_json(enum ais_field field);
enum ais_kind ais_field_kind(enum ais_field field);
/* The value that says "not available" in a message of `type`; AIS_NONE when none does. */
int32_t ais_field_na(uint8_t type, enum ais_field field);

/* A field in a layout. */
struct ais_place {
	uint8_t field;
	uint16_t from, width; /* bits */
};
/* How messages of one type (or part, or kind of sender) are laid out. `places` ends with a width of 0. */
struct ais_layout {
	uint16_t bits_min, bits_max, bits; /* accepted, and written by the encoder */
	const struct ais_place *places;
};
/* The layout that `payload` has by its type, part and MMSI. NULL: kept raw. `bits` >= 38. */
const struct ais_layout *ais_layout_of(const uint8_t *payload, uint16_t bits);

/* Bits [from, from + width) of a payload with AIS_PAD zero bytes behind; width 1..32. */
static inline uint32_t ais_bits(const uint8_t *payload, unsigned from, unsigned width)
{
	uint64_t word = load_be64(payload + from / 8);
	return (uint32_t)(word << (from % 8) >> (64 - width));
}
/* The inverse; the bits were zero. `payload` has AIS_PAD bytes behind. */
void ais_bits_put(uint8_t *payload, unsigned from, unsigned width, uint32_t value);

/* --- sentences --- */

/* A VDM or VDO sentence. */
struct ais_part {
	struct span payload; /* armoured, all characters legal; may be empty */
	uint8_t total, number, fill;
	uint8_t sequence; /* AIS_SEQUENCE_NONE: none */
	uint8_t channel;  /* as it stands, 0: none */
	bool own;         /* VDO: the station's own ship, never a target */
};
#define AIS_SEQUENCE_NONE 0xff

/* STATUS_UNSUPPORTED  no VDM or VDO; STATUS_BAD_LENGTH  too few fields; STATUS_OUT_OF_RANGE  part numbers that make no
 * sense, fill above 5; STATUS_MALFORMED  a character that is no armour. */
STATUS_CHECKED enum status ais_part_of(const struct sentence *s, struct ais_part *out);

/* A radio message, whole. */
struct ais_packet {
	uint16_t bits;
	uint8_t parts;
	uint8_t channel;
	bool own;
	uint8_t time_by; /* enum sentence_time */
	int64_t time_ms; /* of the tag block or tail of its first sentence; SENTENCE_TIME_NONE */
	struct span station;
	uint8_t payload[AIS_BYTES_MAX + AIS_PAD];
};

/* Take the armour off `text` into `out->payload` and set `out->bits`; `fill` low bits at the end are dropped.
 * STATUS_MALFORMED, STATUS_TOO_LONG, STATUS_EMPTY when no bit is left. */
STATUS_CHECKED enum status ais_unarmour(struct span text, unsigned fill, struct ais_packet *out);
/* Whether every character is armour. */
bool ais_is_armour(struct span text);

/* --- messages --- */

struct ais_message {
	uint8_t type, repeat;
	uint16_t bits;
	uint32_t mmsi;
	bool known;                      /* it has a layout; otherwise only the above is set */
	uint64_t has;                    /* bit f: field f is in this message */
	int32_t values[AIS_FIELD_COUNT]; /* of all kinds but text */
	char name[21], callsign[8], destination[21], extension[15], vendor[4], text[AIS_TEXT_MAX + 1];
};

/* STATUS_BAD_LENGTH  shorter than 38 bits, or not as long as its type is; STATUS_UNSUPPORTED  type 0 or above 27: no
 * such message. Types without a layout are STATUS_OK and not `known`. */
STATUS_CHECKED enum status ais_decode(const struct ais_packet *packet, struct ais_message *out);
/* The fields of `m->type` (part, MMSI) into a packet; what `m->has` lacks is written as not available, or zero.
 * STATUS_UNSUPPORTED  the type has no layout. Text beyond what the field holds is cut; letters are raised, what six
 * bits cannot say becomes '?'. */
STATUS_CHECKED enum status ais_encode(const struct ais_message *m, struct ais_packet *out);
/* The sentences of a packet, each with CR LF: `talker` of two letters, `sequence` 0..9 for messages of several
 * sentences (of at most 56 characters of payload). STATUS_FULL, STATUS_NO_MEMORY. */
STATUS_CHECKED enum status ais_write(const struct ais_packet *packet, const char *talker, unsigned sequence,
				     struct buf *out);

static inline bool ais_has(const struct ais_message *m, enum ais_field field)
{
	return m->has >> field & 1;
}
static inline void ais_set(struct ais_message *m, enum ais_field field, int32_t value)
{
	m->has |= UINT64_C(1) << field;
	m->values[field] = value;
}
/* The text of a T field; "" when it is not there. */
const char *ais_text(const struct ais_message *m, enum ais_field field);
/* Likewise to be written; NULL for no T field. `*out_room` gets its bytes, NUL included. */
char *ais_text_room(struct ais_message *m, enum ais_field field, size_t *out_room);

/* Each false when the message does not say, or says "not available". */
/* A place on the globe that is not (0, 0): 1e-7 degrees, rounded to the nearest. */
bool ais_position(const struct ais_message *m, int32_t *out_lat_e7, int32_t *out_lon_e7);
/* Over ground, 0.1 knot; 102.2 and more is 1022. Types 9 and 27 say whole knots. */
bool ais_sog_dkn(const struct ais_message *m, uint16_t *out);
/* Over ground, 0.1 degree, 0..3599. */
bool ais_cog_ddeg(const struct ais_message *m, uint16_t *out);
/* True heading, 0..359 degrees. */
bool ais_heading_deg(const struct ais_message *m, uint16_t *out);
/* Rate of turn, 0.1 degree a minute, right positive: (v / 4.733)^2 (M.1371-5 table 48); `*out_limit` when it only says
 * "more than 5 degrees in 30 s". */
bool ais_turn_ddeg_min(const struct ais_message *m, int16_t *out, bool *out_limit);
/* Second of the UTC minute, 0..59. */
bool ais_second(const struct ais_message *m, uint8_t *out);
/* Time stamp 61..63: entered by hand, dead reckoning, or the positioning system does not work. */
bool ais_position_untrusted(const struct ais_message *m);
/* Of type 4 and 11: UTC ms. */
bool ais_utc_ms(const struct ais_message *m, int64_t *out);
/* Ship's name; of an aid with its extension. Nothing when it is empty. `out` takes 35 bytes. */
bool ais_name(const struct ais_message *m, char *out);
/* Metres; false when both parts are zero. */
bool ais_length_m(const struct ais_message *m, uint16_t *out);
bool ais_beam_m(const struct ais_message *m, uint16_t *out);

/* Names of codes, English; NULL for codes that have none. Static storage. */
const char *ais_status_name(unsigned code);
const char *ais_shiptype_name(unsigned code);
const char *ais_epfd_name(unsigned code);
const char *ais_aid_name(unsigned code);

/* --- who is it: the form of an MMSI (ITU-R M.585) --- */

#define MMSI_FORM_TABLE(X)                                                                                             \
	X(INVALID, "invalid", "无效")                                                                                  \
	X(SHIP, "ship", "船舶")                                                                                        \
	X(GROUP, "group", "船组")                                                                                      \
	X(COAST, "coast", "岸台")                                                                                      \
	X(SAR_AIRCRAFT, "sar-aircraft", "搜救航空器")                                                                  \
	X(HANDHELD, "handheld", "手持台")                                                                              \
	X(SART, "sart", "搜救应答器")                                                                                  \
	X(MOB, "mob", "落水报警器")                                                                                    \
	X(EPIRB, "epirb", "应急示位标")                                                                                \
	X(AMRD, "amrd-b", "自主海上无线电设备")                                                                        \
	X(CRAFT, "craft", "母船附属艇")                                                                                \
	X(AID, "aid", "航标")

enum mmsi_form {
#define X(NAME, token, chinese) MMSI_FORM_##NAME,
	MMSI_FORM_TABLE(X)
#undef X
		MMSI_FORM_COUNT
};
enum mmsi_form mmsi_form(uint32_t mmsi);
const char *mmsi_form_token(enum mmsi_form form);
/* Three digits of the country, 201..775; 0 when the form has none. */
unsigned mmsi_country(uint32_t mmsi);
/* Numbers typed in by those who have none: 0, 111111111, 123456789, 412000000 ... */
bool mmsi_is_junk(uint32_t mmsi);

#endif
