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
};

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
	bool registered;           /* state is neither "unregistered" nor "revoked" and a plate or name is known */
	bool has_video;            /* 0x1003 capability, or the field `video` */
	int64_t joined_ms;         /* when the device became known */
	int64_t metrology_due_ms;  /* first instant at which the terminal's metrology has expired, or DUE_UNKNOWN */
	int64_t inspection_due_ms; /* the vehicle's yearly inspection (年检) */
	int64_t scrap_due_ms;      /* 报废 */
	uint64_t company;          /* hash of the company's name, 0 unknown */
	uint64_t driver;           /* hash of the driver bound by the registry, 0 unknown; a card wins */
	struct permit permits[SUBJECT_PERMITS_MAX]; /* by (valid_from, number) */
	uint8_t permit_count;
};

#endif
