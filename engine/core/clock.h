/* clock.h -- the only source of "now", and the calendar.
 *
 * Inside the engine a time is `int64_t` milliseconds since 1970-01-01T00:00:00Z (UTC, no leap
 * seconds). UTC+8 exists only at the edges: terminals' BCD fields, rules, exports, the page. */
#ifndef ZAYTON_CORE_CLOCK_H
#define ZAYTON_CORE_CLOCK_H

#include <stdint.h>

#include "engine/core/bytes.h"
#include "engine/core/status.h"

#define MS_PER_SECOND INT64_C(1000)
#define MS_PER_MINUTE INT64_C(60000)
#define MS_PER_HOUR INT64_C(3600000)
#define MS_PER_DAY INT64_C(86400000)
#define CHINA_OFFSET_MS (8 * MS_PER_HOUR)

/* Wall clock, ms UTC. Detectors never call it. */
int64_t clock_now_ms(void);
/* Monotonic, ns from an arbitrary start: durations only. */
int64_t clock_monotonic_ns(void);

struct civil {
	int32_t year;
	uint8_t month;  /* 1..12 */
	uint8_t day;    /* 1..31 */
	uint8_t hour;   /* 0..23 */
	uint8_t minute; /* 0..59 */
	uint8_t second; /* 0..59 */
	uint16_t milli; /* 0..999 */
};

/* Proleptic Gregorian calendar (H. Hinnant's days_from_civil, 2013). */
int64_t civil_to_ms(const struct civil *c);
void civil_from_ms(int64_t ms, struct civil *out);

/* Six BCD bytes YYMMDDhhmmss in UTC+8, year 2000 + YY (JT/T 808). STATUS_BAD_TIME when a nibble
 * is no digit or the date does not exist; the all-zero field is STATUS_BAD_TIME too. */
STATUS_CHECKED enum status bcd_time_decode(const uint8_t bcd[6], int64_t *out_ms);
/* The inverse; ms within 2000..2099, sub-second part dropped. STATUS_OUT_OF_RANGE otherwise. */
STATUS_CHECKED enum status bcd_time_encode(int64_t ms, uint8_t out[6]);

/* RFC 3339: "2026-01-31T08:30:00.000Z" or with "+08:00"; the fraction is optional, 1-9 digits (past
 * the millisecond dropped); "T" may be a space; without a zone the time is taken as `default_offset_ms`
 * east of UTC. STATUS_BAD_TIME. */
STATUS_CHECKED enum status time_parse(struct span text, int64_t default_offset_ms, int64_t *out_ms);
/* Room for TIME_TEXT_MAX bytes, NUL-terminated; offset 0 prints "Z". Years 0..9999. */
#define TIME_TEXT_MAX 32
void time_format(int64_t ms, int64_t offset_ms, char out[TIME_TEXT_MAX]);

#endif
