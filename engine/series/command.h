/* command.h -- the canonical command: what a terminal is to be told, and what it answers, in canonical units whatever
 * its protocol and edition. It is encoded for the wire only when the terminal's edition is known.
 *
 *   bytes of a content, version 1:   version 1 | kind 1 | by kind, big-endian:
 *     TEXT                          flags 1 | type 1 | size 2 | UTF-8
 *     SET_PARAMETERS, PARAMETERS    count 1 | {id 4 | form 1 | number 4, or size 1 and bytes} ...
 *     QUERY_PARAMETERS              count 1 | {id 4} ...                       count 0: all of them
 *     LOCATE, IDENTIFY_DRIVER       nothing
 *     TRACK                         interval_s 2 | for_s 4
 *     CONFIRM_ALARM                 serial 2 | bits 4
 *     SET_AREA                      shape 1 | setting 1 | id 4 | flags 2 | time mode 1 | from 8 | to 8 | limit 2 |
 *                                   night limit 2 | over_s 1 | radius_m 4 | width_m 1 | name size 1 | name |
 *                                   points 2 | {lat_e6 4 | lon_e6 4} ...
 *     DELETE_AREAS, QUERY_AREAS     shape 1 | count 1 | {id 4} ...             count 0: all of them
 *     POSITION                      time 8 | lat_e7 4 | lon_e7 4 | alarm 4 | status 4 | speed 2 | course 2 | altitude 2
 *     RAW                           message 2 | size 2 | bytes
 *
 * Every content is bounded: it fits COMMAND_BYTES_MAX. Pure; threads: any. */
#ifndef ZAYTON_SERIES_COMMAND_H
#define ZAYTON_SERIES_COMMAND_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/core/bytes.h"
#include "engine/core/status.h"

/* X(code, NAME, "token", "Chinese"): the code is stored and never changes; from 32 on answers. */
#define COMMAND_KIND_TABLE(X)                                                                                          \
	X(1, TEXT, "text", "文本信息下发")                                                                             \
	X(2, SET_PARAMETERS, "set_parameters", "设置终端参数")                                                         \
	X(3, QUERY_PARAMETERS, "query_parameters", "查询终端参数")                                                     \
	X(4, LOCATE, "locate", "位置信息查询")                                                                         \
	X(5, TRACK, "track", "临时位置跟踪")                                                                           \
	X(6, CONFIRM_ALARM, "confirm_alarm", "人工确认报警")                                                           \
	X(7, SET_AREA, "set_fence", "设置区域或路线")                                                                  \
	X(8, DELETE_AREAS, "delete_fences", "删除区域或路线")                                                          \
	X(9, QUERY_AREAS, "query_fences", "查询区域或路线")                                                            \
	X(10, IDENTIFY_DRIVER, "identify_driver", "上报驾驶员身份请求")                                                \
	X(32, PARAMETERS, "parameters", "终端参数")                                                                    \
	X(33, POSITION, "position", "位置信息")                                                                        \
	X(34, RAW, "raw", "原文")

enum command_kind {
#define X(code, NAME, token, chinese) COMMAND_##NAME = code,
	COMMAND_KIND_TABLE(X)
#undef X
};

/* Static; "" for none. */
const char *command_kind_token(unsigned kind);
const char *command_kind_chinese(unsigned kind);
STATUS_CHECKED enum status command_kind_parse(struct span text, uint8_t *out);

/* bytes of a text in GBK (JT/T 808-2019, 8.12: at most 1024), and of the same in UTF-8 (two bytes become three) */
#define COMMAND_GBK_MAX 1024
#define COMMAND_UTF8_MAX (COMMAND_GBK_MAX / 2 * 3)
/* parameters of one message: a terminal of 2019 with video knows some 90 */
#define COMMAND_PARAMETERS_MAX 128
/* bytes of all their texts and raw values: what a terminal sends in one split answer stays below */
#define COMMAND_VALUES_MAX 8192
/* vertices of an area or corners of a route: two packets; terminals hold no more */
#define COMMAND_POINTS_MAX 200
/* areas named in one message: one packet before 2019 has room for 255, a byte counts them */
#define COMMAND_IDS_MAX 250
#define COMMAND_NAME_MAX 127
#define COMMAND_RAW_MAX 4096
/* bytes of any encoded content: parameters and their values lead */
#define COMMAND_BYTES_MAX 10240

/* --- text --- */

#define COMMAND_TEXT_URGENT 0x01u
#define COMMAND_TEXT_DISPLAY 0x02u
#define COMMAND_TEXT_SPEECH 0x04u
#define COMMAND_TEXT_ADVERT 0x08u    /* the advertising screen */
#define COMMAND_TEXT_CAN_FAULT 0x10u /* a fault code of the CAN bus, not navigation; 2013 and later */
#define COMMAND_TEXT_FLAGS 0x1fu
enum command_text_type { COMMAND_TEXT_NOTICE = 1, COMMAND_TEXT_SERVICE = 2 };

struct command_text {
	uint8_t flags, type; /* type is told to terminals of 2019 only */
	char text[COMMAND_UTF8_MAX + 1];
};

/* --- parameters --- */

enum parameter_form {
	PARAMETER_BYTE = 1,
	PARAMETER_WORD = 2,
	PARAMETER_DWORD = 4,
	PARAMETER_TEXT = 5,  /* UTF-8 here, GBK on the wire */
	PARAMETER_BYTES = 6, /* as they are */
	PARAMETER_HOURS = 7, /* hh mm hh mm, a byte each: the number holds them, first on top */
};

/* A parameter that the standard names (JT/T 808-2013 table 12, -2019 table 12, JT/T 1078). */
struct parameter_definition {
	uint32_t id;
	uint8_t form;     /* enum parameter_form */
	uint8_t since;    /* 11, 13, 19: the first edition that has it */
	const char *name; /* with its unit */
	uint32_t max;     /* of a number */
};
/* NULL when none is of that id, of that name. */
const struct parameter_definition *parameter_find(uint32_t id);
const struct parameter_definition *parameter_named(struct span name);

struct command_parameter {
	uint32_t id;
	uint8_t form;
	uint32_t number;   /* BYTE, WORD, DWORD, HOURS */
	uint16_t at, size; /* TEXT, BYTES: in `values` */
};
struct command_parameters {
	uint16_t count, values_size;
	struct command_parameter items[COMMAND_PARAMETERS_MAX];
	uint8_t values[COMMAND_VALUES_MAX];
};
/* STATUS_FULL past a bound; STATUS_TOO_LONG: a value of more than 255 bytes. */
STATUS_CHECKED enum status command_parameter_add(struct command_parameters *p, uint32_t id, uint8_t form,
						 uint32_t number, struct span value);
static inline struct span command_parameter_value(const struct command_parameters *p, const struct command_parameter *i)
{
	return span_of(p->values + i->at, i->size);
}

/* --- areas --- */

/* As items 0x11 and 0x12 number them. */
enum area_shape { AREA_CIRCLE = 1, AREA_RECTANGLE = 2, AREA_POLYGON = 3, AREA_ROUTE = 4 };
const char *area_shape_token(unsigned shape);
/* 0 when there is none of that name. */
uint8_t area_shape_parse(struct span text);
enum area_setting { AREA_UPDATE = 0, AREA_APPEND = 1, AREA_MODIFY = 2 };
enum area_time { AREA_ALWAYS = 0, AREA_DAILY = 1, AREA_SPAN = 2 };

/* Bits of the attribute word that are the sender's choice; time, speed and hemispheres follow from the content. */
#define AREA_ENTER_DRIVER (1u << 2)
#define AREA_ENTER_PLATFORM (1u << 3)
#define AREA_LEAVE_DRIVER (1u << 4)
#define AREA_LEAVE_PLATFORM (1u << 5)
#define AREA_NO_DOORS (1u << 8) /* 2013 and later; not of a route */
#define AREA_NO_COMMUNICATION (1u << 14)
#define AREA_GNSS_DETAIL (1u << 15)
#define AREA_FLAGS (0x3cu | AREA_NO_DOORS | AREA_NO_COMMUNICATION | AREA_GNSS_DETAIL)
#define AREA_ROUTE_FLAGS 0x3cu

struct command_point {
	int32_t lat_e6, lon_e6;
};

struct command_area {
	uint8_t shape, setting; /* setting: circles and rectangles */
	uint8_t time;           /* enum area_time */
	uint8_t over_s;         /* how long the speed may be above the limit */
	uint32_t id;
	uint16_t flags;
	uint16_t limit_kmh, night_limit_kmh; /* 0: none; night: 2019 */
	int64_t from, to;                    /* DAILY: seconds of the day in China, both included; SPAN: ms UTC */
	uint32_t radius_m;                   /* CIRCLE */
	uint8_t width_m;                     /* ROUTE: of the whole road */
	char name[COMMAND_NAME_MAX + 1];     /* told to terminals of 2019 */
	uint16_t point_count; /* CIRCLE: 1; RECTANGLE: 2, north-west and south-east; POLYGON: 3 on; ROUTE: 2 on */
	struct command_point points[COMMAND_POINTS_MAX];
};

struct command_ids {
	uint8_t shape;
	uint8_t count; /* 0: all */
	uint32_t ids[COMMAND_IDS_MAX];
};

/* --- the content --- */

struct command_position {
	int64_t time_ms;
	int32_t lat_e7, lon_e7;
	uint32_t alarm, status;
	uint16_t speed_dkmh, course_deg;
	int16_t altitude_m;
};

struct command_raw {
	uint16_t message_id, size;
	uint8_t bytes[COMMAND_RAW_MAX];
};

struct command_content {
	uint8_t kind; /* enum command_kind */
	union {
		struct command_text text;
		struct command_parameters parameters; /* SET, QUERY (ids alone), PARAMETERS */
		struct {
			uint16_t interval_s; /* 0 stops */
			uint32_t for_s;
		} track;
		struct {
			uint16_t serial; /* of the report with the alarm; 0: all of these kinds */
			uint32_t bits;   /* of the alarm word */
		} confirm;
		struct command_area area;
		struct command_ids ids;
		struct command_position position;
		struct command_raw raw;
	};
};

/* Why something cannot be told to a terminal, in words: what exactly, English. */
struct command_refusal {
	char text[192];
};

/* Is it a command that some terminal could take? STATUS_INVALID: it is none (kind, numbers); STATUS_TOO_LONG,
 * STATUS_OUT_OF_RANGE, STATUS_UNSUPPORTED: `why` names the character that GBK does not have, the parameter whose value
 * its form cannot hold, the point that is not on the globe ... Answers are not commands. */
STATUS_CHECKED enum status command_check(const struct command_content *c, struct command_refusal *why);

/* The same content is the same bytes. STATUS_INVALID: no such kind. */
STATUS_CHECKED enum status command_encode(const struct command_content *c, struct buf *out);
/* STATUS_CORRUPT, STATUS_BAD_VERSION. */
STATUS_CHECKED enum status command_decode(struct span bytes, struct command_content *out);

/* The bytes of a text in GBK. STATUS_OUT_OF_RANGE: `*out_bad` is the first character that GBK (GB 18030's one and two
 * byte part) does not have; STATUS_MALFORMED: it is not UTF-8, or holds a control character. */
STATUS_CHECKED enum status gbk_size(struct span utf8, size_t *out_size, struct span *out_bad);

/* The number by which terminals know a fence of ours: never 0, the same everywhere. */
uint32_t area_id_of_fence(struct span fence_id);

#endif
