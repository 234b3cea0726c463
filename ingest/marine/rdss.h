/* rdss.h -- Beidou short messages (RDSS) as terminals and command receivers write them: 2.1 sentences and those of
 * BDS-3 modules; and what a fleet's beacons put into their payload.
 *
 *   $BDTXR,1,0123456,2,1530,A4...*hh      from card 0123456, mixed text, at 15:30
 *   $BDDWR,1,0123456,153012.00,2448.5000,N,11840.2000,E,...    a fix of the RDSS centre, without a date
 *   payload ── struct rdss_codec ──> positions
 *
 * The binary frames of the 4.0 protocol ("$TXXX" ...) are not read: no description of them could be confirmed.
 *
 * A card is a number of 6 to 8 digits; which boat it belongs to the device registry tells, not this file. Payloads are
 * each maker's own, so how one is read is a line of text (rdss_codec_parse). Pure. */
#ifndef ZAYTON_INGEST_RDSS_H
#define ZAYTON_INGEST_RDSS_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/core/bytes.h"
#include "engine/core/status.h"
#include "ingest/marine/sentence.h"

/* X(FORMATTER, "what it is", "names of its fields"). A name of `payload` takes all that is left. */
#define RDSS_SENTENCE_TABLE(X)                                                                                         \
	X(TXR, "message received", "kind,from,mode,time,payload")                                                      \
	X(TXA, "message to be sent", "to,comm,mode,payload")                                                           \
	X(TCI, "message received (BDS-3)", "from,to,freqpoint,time,encoding,count,payload")                            \
	X(TCQ, "message to be sent (BDS-3)", "to,freqpoint,encoding,count,payload")                                    \
	X(DWR, "fix of the centre",                                                                                    \
	  "kind,from,time,lat,ns,lon,ew,altitude,altitude_unit,separation,separation_unit,precision,urgent,"           \
	  "multiple,height")                                                                                           \
	X(DWA, "fix asked for", "from,urgent,height_mode,height,height_value,antenna,pressure,temperature,interval_s") \
	X(WAA, "periodic report", "kind,interval_s,card,time,lat,ns,lon,ew,altitude,altitude_unit")                    \
	X(WBA, "periodic report asked for", "to,height,antenna,interval_s")                                            \
	X(ICA, "card asked for", "kind,frame")                                                                         \
	X(ICI, "card", "from,serial,broadcast,class,interval_s,level,encrypted,subordinates")                          \
	X(ICP, "card (BDS-3)", "from,serial,class,interval_s,level,encrypted,broadcast,subordinates")                  \
	X(RMO, "output asked for", "sentence,switch,interval_s")                                                       \
	X(BSI, "beam levels", "response_beam,difference_beam,p1,p2,p3,p4,p5,p6,p7,p8,p9,p10")                          \
	X(PWI, "beam levels (BDS-3)", "time,count,p1,p2,p3,p4,p5,p6,p7,p8,p9,p10,p11,p12")                             \
	X(FKI, "feedback", "time,command,success,reason,wait")

enum rdss_sentence {
#define X(NAME, what, fields) RDSS_##NAME,
	RDSS_SENTENCE_TABLE(X)
#undef X
		RDSS_SENTENCE_COUNT
};
const char *rdss_sentence_name(enum rdss_sentence kind);
const char *rdss_sentence_what(enum rdss_sentence kind);
/* The names of its fields between commas. */
const char *rdss_sentence_fields(enum rdss_sentence kind);

/* bytes of a payload: BDS-3 regional messages go to 14,000 bits */
#define RDSS_PAYLOAD_MAX 1750
#define RDSS_TIME_UNKNOWN (-1)
#define RDSS_ALTITUDE_UNKNOWN INT32_MIN

struct rdss_message {
	enum rdss_sentence kind;
	uint32_t from, to;   /* cards, 0: not said */
	int32_t time_ms;     /* of the UTC day, RDSS_TIME_UNKNOWN */
	bool time_is_minute; /* hhmm: known to the minute only */
	bool has_position;
	int32_t lat_e7, lon_e7;
	int32_t altitude_dm; /* RDSS_ALTITUDE_UNKNOWN */
	bool is_text;        /* the payload is GBK text */
	uint16_t payload_size;
	uint8_t payload[RDSS_PAYLOAD_MAX];
};

/* Protocol descriptions differ here, so a station says how its terminals do it. */
struct rdss_options {
	bool time_is_local; /* hhmm and hhmmss in UTC+8, not in UTC */
	bool waa_from;      /* the card of a WAA report is the sender's; default true */
};
struct rdss_options rdss_options_default(void);

/* STATUS_UNSUPPORTED  none of the table, or not from BD or CC; STATUS_BAD_LENGTH  too few fields; STATUS_OUT_OF_RANGE a
 * card that is no number of 6 to 8 digits, a coordinate; STATUS_BAD_TIME; STATUS_MALFORMED  a payload that is not the
 * hex its mode says; STATUS_TOO_LONG. Card 0000000 ("no card") is 0. */
STATUS_CHECKED enum status rdss_parse(const struct sentence *s, const struct rdss_options *options,
				      struct rdss_message *out);

/* "0123456" or "1234567": the same card, without leading zeros as the registry keeps it. 6 to 8 digits.
 * STATUS_OUT_OF_RANGE. */
STATUS_CHECKED enum status rdss_card(struct span text, uint32_t *out);

/* --- payloads --- */

#define RDSS_POINTS_MAX 64
#define RDSS_CODEC_NAME_MAX 31

struct rdss_point {
	int64_t time_ms; /* UTC, or RDSS_POINT_AGO and `ago_s` before the message */
	int32_t ago_s;
	int32_t lat_e7, lon_e7;
	uint16_t speed_dkn;  /* RDSS_POINT_NONE: not said */
	uint16_t course_deg; /* likewise */
};
#define RDSS_POINT_AGO INT64_MIN
#define RDSS_POINT_NONE UINT16_MAX

enum rdss_codec_field {
	RDSS_CODEC_LAT,
	RDSS_CODEC_LON,
	RDSS_CODEC_SPEED,
	RDSS_CODEC_COURSE,
	RDSS_CODEC_TIME,
	RDSS_CODEC_FIELDS
};

struct rdss_codec {
	char name[RDSS_CODEC_NAME_MAX + 1];
	bool little;
	struct {
		uint16_t at;
		uint8_t size; /* 0: not there */
		uint8_t unit;
	} fields[RDSS_CODEC_FIELDS];
	uint16_t deltas_at;
	uint8_t delta_size; /* bytes of each of latitude and longitude; 0: no deltas */
	uint16_t delta_s;
	uint16_t magic_at;
	uint8_t magic_size, magic[4]; /* bytes that a payload of this codec has; size 0: any has them */
};

/* "NAME big|little [magic=OFFSET:HEX] lat=OFFSET:SIZE:UNIT lon=... [speed=...] [course=...] [time=...]
 *  [deltas=OFFSET:SIZE:SECONDS]"
 *   lat, lon   e5 e6 e7 (of a degree, signed), m4 (1/10,000 minute, signed)
 *   speed      dkn kn dkmh kmh           course  deg ddeg           time  unix (s, 4 bytes)
 *   deltas     pairs of signed numbers of SIZE bytes, latitude and longitude, in their units, to the end: each is where
 *              the boat was SECONDS before the point before it, less that point
 * All ones in speed or course is "not available". STATUS_MALFORMED: `*out_wrong` is the word that is wrong. */
STATUS_CHECKED enum status rdss_codec_parse(struct span text, struct rdss_codec *out, struct span *out_wrong);
/* The points of a payload, newest first; `out` has room for RDSS_POINTS_MAX. STATUS_BAD_LENGTH  too short;
 * STATUS_NOT_FOUND  other magic bytes; STATUS_OUT_OF_RANGE  no place on the globe, or (0, 0). */
STATUS_CHECKED enum status rdss_codec_decode(const struct rdss_codec *c, struct span payload, struct rdss_point *out,
					     size_t *out_count);

#endif
