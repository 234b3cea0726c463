/* hj212.h -- HJ 212-2017 (pollution sources) between bytes and meaning, both ways.
 *
 *   ## | length, 4 decimal digits | segment, 0 .. 1024 bytes | CRC, 4 hex digits | CR LF
 *
 *   segment: QN=yyyymmddhhmmsszzz;ST=32;CN=2011;PW=..;MN=..;Flag=5;[PNUM=..;PNO=..;]CP=&& groups &&
 *   groups:  DataTime=20160801084000;w01018-Rtd=1.0,w01018-Flag=N;...      ';' between groups, ',' within one
 *
 * The CRC is the standard's own, which shifts the high byte alone before each byte; it is not Modbus's. A
 * frame is whole with its CRC; line ends belong to no frame. Every packet of several is decoded by itself: each has
 * whole groups. Pure: no clock, no socket, no allocation but into the caller's buffers. */
#ifndef ZAYTON_INGEST_HJ212_H
#define ZAYTON_INGEST_HJ212_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/core/bytes.h"
#include "engine/core/status.h"
#include "engine/series/value.h"
#include "ingest/sensors/marked_frame.h"

#define HJ212_HEAD 6u
#define HJ212_SEGMENT_MAX 1024u
#define HJ212_CRC_SIZE 4u
#define HJ212_FRAME_MAX (HJ212_HEAD + HJ212_SEGMENT_MAX + HJ212_CRC_SIZE + 2)

#define HJ212_ST_SYSTEM 91u

enum hj212_answer {
	HJ212_REQUEST_ANSWER = 9011, /* a request is taken */
	HJ212_RESULT = 9012,         /* and was carried out */
	HJ212_NOTICE_ANSWER = 9013,
	HJ212_DATA_ANSWER = 9014
};

/* Bits of Flag; those above tell the edition: 1 is 2017. */
#define HJ212_FLAG_ANSWER 0x01u
#define HJ212_FLAG_PACKETS 0x02u

/* Spans are borrowed from the frame; a field that is not there is empty or 0. */
struct hj212_message {
	struct span segment;
	struct span qn;
	bool qn_known; /* an instant that exists */
	int64_t qn_ms; /* UTC; 0 when not known */
	uint32_t st, cn;
	struct span pw, mn;
	bool has_flag;
	uint8_t flag;
	bool has_other;           /* the head has items that are none of these: see `segment` */
	uint32_t packets, packet; /* PNUM, PNO from 1; 0: not in packets */
	struct span cp;           /* what stands between && and && */
};

/* One `key=value` of a segment's head, or of CP. */
struct hj212_item {
	unsigned group;    /* of CP, from 0 */
	struct span code;  /* "w01018" of w01018-Rtd; empty when there is no '-' */
	struct span field; /* "Rtd", "DataTime" */
	struct span value;
};
struct hj212_items {
	struct span rest;
	unsigned group;
	struct span code; /* what a key that begins with '-' goes on with */
};

/* X(NAME, "field"): what may be told of one quantity. */
#define HJ212_FIGURE_TABLE(X)                                                                                          \
	X(RTD, "Rtd")                                                                                                  \
	X(AVG, "Avg")                                                                                                  \
	X(MIN, "Min")                                                                                                  \
	X(MAX, "Max")                                                                                                  \
	X(COU, "Cou")

enum hj212_figure {
#define X(name, field) HJ212_##name,
	HJ212_FIGURE_TABLE(X)
#undef X
		HJ212_FIGURE_COUNT
};

/* The items of one quantity in one group. */
struct hj212_reading {
	struct span code;
	bool has_time; /* a DataTime came before it */
	int64_t time_ms;
	bool has[HJ212_FIGURE_COUNT];             /* there, and a number */
	struct value figures[HJ212_FIGURE_COUNT]; /* with time and quality; exact where they are decimals */
	uint8_t flag;                             /* as it came; 0: none */
	uint8_t quality;                          /* enum value_quality; FAULT for a flag that is not known */
};
struct hj212_readings {
	struct hj212_items items;
	bool has_time;
	int64_t time_ms;
};

uint16_t hj212_crc(struct span segment);

/* Frames as marked_frame_next() tells them. STATUS_MALFORMED: the length is no number; STATUS_BAD_LENGTH: > 1024;
 * STATUS_BAD_CHECKSUM: also a CRC that is not hex (either case is taken). */
STATUS_CHECKED enum status hj212_frame_next(struct span input, struct marked_frame *out);

/* A whole frame that hj212_frame_next() found. STATUS_BAD_LENGTH: it is not as long as it says; STATUS_MALFORMED: an
 * item without '=', no CN, a number that is none, or no CP=&&...&& at the end. */
STATUS_CHECKED enum status hj212_decode(struct span raw, struct hj212_message *out);
static inline bool hj212_answer_wanted(const struct hj212_message *m)
{
	return m->flag & HJ212_FLAG_ANSWER;
}

static inline struct hj212_items hj212_items_of(struct span cp)
{
	return (struct hj212_items){.rest = cp};
}
/* STATUS_END; STATUS_MALFORMED: no '=', `value` is what there is; go on. */
STATUS_CHECKED enum status hj212_items_next(struct hj212_items *items, struct hj212_item *out);

static inline struct hj212_readings hj212_readings_of(struct span cp)
{
	return (struct hj212_readings){.items = hj212_items_of(cp)};
}
/* The next quantity; items that are of none are passed over. STATUS_END. */
STATUS_CHECKED enum status hj212_readings_next(struct hj212_readings *readings, struct hj212_reading *out);

/* yyyymmddhhmmss, with or without zzz, in UTC+8. STATUS_BAD_TIME. */
STATUS_CHECKED enum status hj212_time_parse(struct span text, int64_t *out_ms);
/* enum value_quality of a data flag; VALUE_QUALITY_FAULT when it is not known. */
uint8_t hj212_quality(uint8_t flag);

/* Append a frame around `segment`. STATUS_TOO_LONG; STATUS_FULL, STATUS_NO_MEMORY. `out` is as it was then. */
STATUS_CHECKED enum status hj212_frame_encode(struct span segment, struct buf *out);
/* Append the answer `cn` to `asked`: with its QN, password and number, ST 91, its edition, and no answer wanted.
 * `result` is QnRtn of 9011 and ExeRtn of 9012 (1: done), and nothing in the others. Errors as above. */
STATUS_CHECKED enum status hj212_answer_encode(const struct hj212_message *asked, enum hj212_answer cn, unsigned result,
					       struct buf *out);

/* NULL when there is no such name; static storage. */
const char *hj212_command_name(uint32_t cn);
const char *hj212_system_name(uint32_t st);
const char *hj212_quantity_name(struct span code);

/* Append one frame as one JSON object. Returns what the frame was refused for, or STATUS_NO_MEMORY, STATUS_FULL. */
STATUS_CHECKED enum status hj212_explain(struct span raw, struct buf *out);

#endif
