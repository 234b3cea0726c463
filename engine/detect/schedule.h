/* schedule.h -- when a rule or a fence is in force: hours of the day, days of the week, seasons, a span.
 *
 *   schedule = "always" | clause ( ";" clause )*       in force when every clause is; each sort of clause once
 *   clause   = hours | days | seasons | span
 *   hours    = HH:MM[:SS]-HH:MM[:SS] ("," ...)*        [from, to), any of them; from > to runs over midnight
 *   days     = mon-fri | sat,sun | ...                 of the day on which the hours began
 *   seasons  = MM-DD[THH:MM]..MM-DD[THH:MM] ("," ...)* every year, [from, to), any of them; may run over the new year
 *   span     = DATE..DATE | DATE.. | ..DATE            [from, to); DATE is YYYY-MM-DD[THH:MM[:SS]]
 *
 * Bare dates mean 00:00; 24:00 may be written as an end. Nothing written is "always". 02-29 is, in a year without it,
 * the beginning of 03-01. The clock is that of China, UTC+8, without summer time; inside everything is UTC ms.
 * Pure; threads: any. */
#ifndef ZAYTON_DETECT_SCHEDULE_H
#define ZAYTON_DETECT_SCHEDULE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/core/bytes.h"
#include "engine/core/clock.h"
#include "engine/core/status.h"

#define SCHEDULE_HOURS_MAX 8
#define SCHEDULE_SEASONS_MAX 4
/* bytes; the longest normal form has 314 */
#define SCHEDULE_TEXT_MAX 511

struct schedule {
	uint8_t days; /* bit 0 Monday; 0x7f every day */
	uint8_t hours_count, seasons_count;
	struct {
		int32_t from_s, to_s; /* seconds of the day, 0..86399 and 1..86400; from > to over midnight */
	} hours[SCHEDULE_HOURS_MAX];  /* ascending */
	struct {
		int32_t from_s, to_s;    /* seconds since 01-01 00:00 in a calendar that always has 02-29 */
	} seasons[SCHEDULE_SEASONS_MAX]; /* ascending */
	int64_t from_ms, to_ms;          /* the span, UTC; INT64_MIN and INT64_MAX open */
};

extern const struct schedule SCHEDULE_ALWAYS;

/* `*out_at` (may be NULL) is the byte at which the text stops making sense. STATUS_MALFORMED; STATUS_OUT_OF_RANGE: no
 * such time, an empty range, too many of them; STATUS_TOO_LONG past SCHEDULE_TEXT_MAX. `*out` is whole only on success
 * and then holds no stray bytes: the same schedule is the same bytes. */
STATUS_CHECKED enum status schedule_parse(struct span text, struct schedule *out, size_t *out_at);
/* The text again, in one normal form: schedule_parse() of it gives the same schedule. STATUS_FULL, STATUS_NO_MEMORY. */
STATUS_CHECKED enum status schedule_print(const struct schedule *s, struct buf *out);
bool schedule_active(const struct schedule *s, int64_t time_ms);
/* The first instant after `time_ms` at which schedule_active() may differ; INT64_MAX when never again. From there it is
 * asked again: an instant may be named at which nothing changes, none is left out. */
int64_t schedule_next(const struct schedule *s, int64_t time_ms);

#endif
