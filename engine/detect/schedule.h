/* schedule.h -- when a rule or a fence is in force: hours of the day, days of the week, seasons, a span.
 *
 *   schedule = clause ( ";" clause )*          in force when every clause is
 *   clause   = hours | days | season | span
 *   hours    = HH:MM[:SS]-HH:MM[:SS] ("," ...)*      [from, to); from > to runs over midnight; 24:00 is allowed as an
 * end days     = mon-fri | sat,sun | ...               of the day on which the hours began season   =
 * MM-DD[THH:MM]..MM-DD[THH:MM]          every year, [from, to); may run over the new year; bare dates mean 00:00 span
 * = YYYY-MM-DD[THH:MM[:SS]]..YYYY-MM-DD[THH:MM[:SS]]    [from, to), either end may be missing "always" or nothing:
 * always
 *
 * The clock is that of China, UTC+8, without summer time; inside everything is UTC ms. Pure; threads: any. */
#ifndef ZAYTON_DETECT_SCHEDULE_H
#define ZAYTON_DETECT_SCHEDULE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/core/bytes.h"
#include "engine/core/status.h"

#define SCHEDULE_HOURS_MAX 8
#define SCHEDULE_SEASONS_MAX 4
#define SCHEDULE_TEXT_MAX 255

struct schedule {
	uint8_t days; /* bit 0 Monday; 0x7f every day */
	uint8_t hours_count, seasons_count;
	struct {
		int32_t from_s, to_s; /* seconds of the day; from > to over midnight */
	} hours[SCHEDULE_HOURS_MAX];
	struct {
		int32_t from_s, to_s; /* seconds since 01-01 00:00 of a leap year's table */
	} seasons[SCHEDULE_SEASONS_MAX];
	int64_t from_ms, to_ms; /* the span, UTC; INT64_MIN and INT64_MAX open */
};

extern const struct schedule SCHEDULE_ALWAYS;

/* `*out_at` (may be NULL) is the byte at which the text stops making sense. STATUS_MALFORMED, STATUS_OUT_OF_RANGE. */
STATUS_CHECKED enum status schedule_parse(struct span text, struct schedule *out, size_t *out_at);
/* The text again, in one normal form: schedule_parse() of it gives the same schedule. */
STATUS_CHECKED enum status schedule_print(const struct schedule *s, struct buf *out);
bool schedule_active(const struct schedule *s, int64_t time_ms);
/* The first instant after `time_ms` at which schedule_active() may differ; INT64_MAX when never again. */
int64_t schedule_next(const struct schedule *s, int64_t time_ms);

#endif
