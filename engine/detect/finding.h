/* finding.h -- what a detector found (疑似违法线索): integers only, the same whatever the order of arrival.
 *
 * Known by (subject, rule, fence, start, CODE): `start_ms` is the event time of the first report of the episode; CODE
 * tells the limits of one rule of fatigue apart, which can begin at one instant. Everything else follows from reports,
 * context and `as_of`. Who reviewed it, when it was raised and what was amended is
 * not part of it: that is the log. */
#ifndef ZAYTON_DETECT_FINDING_H
#define ZAYTON_DETECT_FINDING_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/core/bytes.h"
#include "engine/detect/fence_set.h"

#define RULE_ID_MAX 47
#define NUMBER_UNKNOWN INT64_MIN

/* X(NAME, "token", "unit", "Chinese"): the numbers that prove a finding; each kind of rule says which it fills. */
#define FINDING_NUMBER_TABLE(X)                                                                                        \
	X(LIMIT, "limit", "", "限值") /* in the unit of the kind: 0.1 km/h, ms, mm */                                  \
	X(PEAK, "peak", "", "最大值")                                                                                  \
	X(SUM, "sum", "", "合计") /* with REPORTS a mean as an exact rational */                                       \
	X(REPORTS, "reports", "1", "报文数")                                                                           \
	X(DURATION, "duration", "ms", "持续时间")                                                                      \
	X(DISTANCE, "distance", "mm", "距离")                                                                          \
	X(BAND, "band", "%", "档次") /* 10, 20, 50: sustained; 0 below 10 */                                           \
	X(CODE, "code", "",                                                                                            \
	  "代码") /* terminal alarm bit or item type; permit or capability; 1: crossed, not seen inside */             \
	X(LEVEL, "level", "", "级别")                                                                                  \
	X(OTHER, "other", "", "另一侧数值") /* the value compared with: recorder speed, odometer, second device */

enum finding_number {
#define X(NAME, token, unit, chinese) FINDING_##NAME,
	FINDING_NUMBER_TABLE(X)
#undef X
		FINDING_NUMBER_COUNT
};

enum finding_confidence { CONFIDENCE_LOW = 1, CONFIDENCE_MEDIUM = 2, CONFIDENCE_HIGH = 3 };

struct finding {
	uint64_t subject; /* the device; for findings about a driver the driver's number (fact.h) */
	uint64_t device;  /* of the vehicle at the start */
	uint64_t driver;  /* 0 unknown */
	uint64_t other;   /* the second device of a pair, 0 none */
	char rule[RULE_ID_MAX + 1];
	uint64_t rule_version;        /* hash of the rule's text */
	char fence[FENCE_ID_MAX + 1]; /* empty: none */
	uint32_t fence_version;
	uint8_t kind;             /* enum rule_kind */
	uint8_t confidence;       /* enum finding_confidence */
	bool open;                /* has not ended as of `as_of` */
	int64_t start_ms, end_ms; /* first and last report of the episode */
	int64_t found_ms;         /* event time at which it first met its hold time: when a live warning was due */
	int32_t start_lat_e7, start_lon_e7, end_lat_e7, end_lon_e7;
	int64_t numbers[FINDING_NUMBER_COUNT]; /* NUMBER_UNKNOWN where the kind has none */
	uint8_t digest[32]; /* SHA-256 over the original bodies of the reports it rests on; zero until it has ended */
};

bool finding_has_digest(const struct finding *f);

const char *finding_number_token(unsigned number);
const char *finding_number_chinese(unsigned number);

/* Order of findings: subject, start, rule, fence, CODE (unknown first). */
int finding_compare(const struct finding *a, const struct finding *b);
/* The same findings are the same bytes. Version 1, documented in finding.c; numbers that are unknown take no room.
 * STATUS_INVALID: an id without its NUL, or a kind or confidence that is none. */
STATUS_CHECKED enum status finding_encode(const struct finding *f, struct buf *out);
/* STATUS_CORRUPT, STATUS_BAD_VERSION. */
STATUS_CHECKED enum status finding_decode(struct span bytes, struct finding *out);

#endif
