/* subject.h -- what the registry says of a device during one span of event time, as detectors need it.
 *
 *   ... ──[ from ── subject ── to )──[ next subject ... )──        nothing here changes inside the span
 *
 * Made by the fleet from registry and permits; valid while the context it came with is held. */
#ifndef ZAYTON_DETECT_SUBJECT_H
#define ZAYTON_DETECT_SUBJECT_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/detect/fence_set.h"

#define PERMIT_NUMBER_MAX 63
#define PERMIT_FENCES_MAX 8
/* permits of one device that touch one instant */
#define SUBJECT_PERMITS_MAX 16

/* A permit (准运证, 通行证, 接驳许可 ...): what it lets one vehicle do, where and when. */
enum permit_kind {
	PERMIT_ROUTE = 1,    /* carry along its fences (corridors), within its hours */
	PERMIT_ZONE = 2,     /* be inside its fences although a rule closes them */
	PERMIT_BUSINESS = 3, /* carry on the trade at all: 道路运输证 */
	PERMIT_RELAY = 4,    /* run at night with relay of drivers */
	PERMIT_LEAVE = 5,    /* the report that a boat leaves port (出港报告), and how long it holds for that */
	PERMIT_ENTER = 6,    /* that it comes in (进港报告) */
};
/* The last there is. */
#define PERMIT_KIND_LAST PERMIT_ENTER
/* Reports of port are told of a boat for so long after they ended, ms: whether it went is seen by what it says then.
 * 示例, two days: a setting of the platform, nowhere laid down. */
#define PORT_REPORT_KEPT_MS INT64_C(172800000)

static inline bool permit_is_of_port(unsigned kind)
{
	return kind == PERMIT_LEAVE || kind == PERMIT_ENTER;
}

/* X(code, "token"): what a source device is; codes are those of enum device_kind (registry.h). */
#define SUBJECT_SOURCE_TABLE(X)                                                                                        \
	X(1, "jt808")                                                                                                  \
	X(2, "file")                                                                                                   \
	X(3, "ais")                                                                                                    \
	X(4, "beidou")                                                                                                 \
	X(5, "jt809")                                                                                                  \
	X(8, "nmea")
/* Those that rules tell apart. */
#define SOURCE_AIS 3
#define SOURCE_BEIDOU 4
#define SOURCE_NMEA 8
/* What of a boat's AIS static data (types 5 and 24) may differ from the registry: CODE of rules of kind MISSTATED. The
 * length differs by more than the rule allows, or does not. */
#define MISSTATED_NAME 1u
#define MISSTATED_CALLSIGN 2u
#define MISSTATED_TYPE 4u
#define MISSTATED_LENGTH 8u
/* fences that one boat's licence names */
#define SUBJECT_AREAS_MAX 8

struct permit {
	char number[PERMIT_NUMBER_MAX + 1];
	uint8_t kind; /* enum permit_kind */
	int64_t valid_from_ms, valid_to_ms;
	struct schedule hours;
	char fences[PERMIT_FENCES_MAX][FENCE_ID_MAX + 1];
	uint8_t fence_count;
};

#define DUE_UNKNOWN INT64_MAX

struct detect_subject {
	uint64_t device;
	int64_t from_ms, to_ms; /* [from, to) */
	uint8_t class_code;
	uint8_t source;            /* SUBJECT_SOURCE_TABLE, 0: another */
	bool registered;           /* state is neither "unregistered" nor "revoked" and a plate or name is known */
	bool has_video;            /* 0x1003 capability, or the field `video` */
	int64_t joined_ms;         /* when the device became known */
	int64_t metrology_due_ms;  /* first instant at which the terminal's metrology has expired, or DUE_UNKNOWN */
	int64_t inspection_due_ms; /* the vehicle's yearly inspection (年检) */
	int64_t scrap_due_ms;      /* 报废 */
	int64_t survey_due_ms;     /* a boat's certificates: survey, fishing licence, nationality */
	int64_t licence_due_ms;
	int64_t nationality_due_ms;
	uint32_t gears;                                  /* series/boat.h; 0 is taken for GEARS_UNKNOWN */
	uint8_t navigation;                              /* enum boat_area */
	uint8_t wind_rating;                             /* Beaufort, 0 unknown */
	bool laid_up;                                    /* 停航 */
	uint16_t certified_persons, persons_aboard;      /* 0 unknown */
	uint16_t crew_count;                             /* names on its list of crew, 0 unknown */
	uint8_t misstated;                               /* MISSTATED_*: what its AIS says and the registry does not */
	uint8_t said_type;                               /* AIS ship type, 0 not said */
	uint16_t said_length_m, length_dm;               /* by AIS, and registered; 0 unknown */
	uint64_t formation;                              /* hash of its formation's name (编队), 0 of none */
	char areas[SUBJECT_AREAS_MAX][FENCE_ID_MAX + 1]; /* fences of its licence; the others are not looked at */
	uint8_t area_count;
	uint64_t vehicle; /* device of the boat or vehicle that it is a source of; itself when of none */
	uint64_t company; /* hash of the company's name, 0 unknown */
	uint64_t driver;  /* hash of the driver bound by the registry, 0 unknown; a card wins */
	struct permit permits[SUBJECT_PERMITS_MAX]; /* by (valid_from, number) */
	uint8_t permit_count;
};

#endif
