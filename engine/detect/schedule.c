/* schedule.c -- whether a schedule is in force at an instant, and when that may change.
 *
 * Local time is UTC + 8 h, counted in whole days since 1970-01-01 and seconds of the day. Every question is answered
 * from three small sets of boundaries: those of the day, those of the year, the two ends of the span. */
#include "engine/detect/schedule.h"

#define DAY_S 86400
#define LEAP_DAY_S (59 * DAY_S) /* 02-29 00:00 in a calendar that always has it */
/* 146 million years: past it the calendar stands still. */
#define FAR_MS (INT64_C(1) << 62)

const struct schedule SCHEDULE_ALWAYS = {.days = 0x7f, .from_ms = INT64_MIN, .to_ms = INT64_MAX};

/* An instant as the clock on the wall shows it. */
struct local {
	int64_t day;    /* since 1970-01-01 */
	int32_t second; /* of the day */
	int32_t year;
	int32_t season_s; /* as in struct schedule */
};

static bool is_leap(int32_t year)
{
	return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

static int64_t year_begin_ms(int32_t year)
{
	struct civil first = {.year = year, .month = 1, .day = 1};
	return civil_to_ms(&first);
}

/* Kept from the ends of int64_t, so that a few years may be added. */
static int64_t local_ms(int64_t time_ms)
{
	time_ms = time_ms > FAR_MS ? FAR_MS : time_ms < -FAR_MS ? -FAR_MS : time_ms;
	return time_ms + CHINA_OFFSET_MS;
}

static struct local local_from_ms(int64_t ms)
{
	struct civil c;
	civil_from_ms(ms, &c);
	int64_t day = ms / MS_PER_DAY - (ms % MS_PER_DAY < 0);
	int32_t second = (int32_t)((ms - day * MS_PER_DAY) / MS_PER_SECOND);
	int32_t of_year = (int32_t)((ms - year_begin_ms(c.year)) / MS_PER_SECOND);
	if (!is_leap(c.year) && of_year >= LEAP_DAY_S)
		of_year += DAY_S;
	return (struct local){day, second, c.year, of_year};
}

/* Day and second alone, which is far cheaper. */
static struct local clock_from_ms(int64_t ms)
{
	int64_t day = ms / MS_PER_DAY - (ms % MS_PER_DAY < 0);
	return (struct local){.day = day, .second = (int32_t)((ms - day * MS_PER_DAY) / MS_PER_SECOND)};
}

/* 1970-01-01 was a Thursday. */
static bool has_day(const struct schedule *s, int64_t day)
{
	int64_t weekday = (day + 3) % 7;
	return s->days >> (weekday < 0 ? weekday + 7 : weekday) & 1;
}

static bool in_season(const struct schedule *s, int32_t at_s)
{
	for (unsigned i = 0; i < s->seasons_count; i++) {
		int32_t from = s->seasons[i].from_s, to = s->seasons[i].to_s;
		if (from < to ? at_s >= from && at_s < to : at_s >= from || at_s < to)
			return true;
	}
	return s->seasons_count == 0;
}

static bool in_hours(const struct schedule *s, const struct local *at)
{
	if (s->hours_count == 0)
		return has_day(s, at->day);
	for (unsigned i = 0; i < s->hours_count; i++) {
		int32_t from = s->hours[i].from_s, to = s->hours[i].to_s;
		bool begun = at->second >= from && (from > to || at->second < to);
		bool left_over = from > to && at->second < to;
		if ((begun && has_day(s, at->day)) || (left_over && has_day(s, at->day - 1)))
			return true;
	}
	return false;
}

bool schedule_active(const struct schedule *s, int64_t time_ms)
{
	if (time_ms < s->from_ms || time_ms >= s->to_ms)
		return false;
	if (s->hours_count == 0 && s->seasons_count == 0 && s->days == 0x7f)
		return true;
	struct local at = s->seasons_count ? local_from_ms(local_ms(time_ms)) : clock_from_ms(local_ms(time_ms));
	return in_season(s, at.season_s) && in_hours(s, &at);
}

/* --- what comes next; times local until the end --- */

static int64_t earlier_after(int64_t best_ms, int64_t candidate_ms, int64_t after_ms)
{
	return candidate_ms > after_ms && candidate_ms < best_ms ? candidate_ms : best_ms;
}

static int64_t next_of_day(const struct schedule *s, const struct local *at, int64_t after_ms)
{
	int64_t best_ms = INT64_MAX;
	for (int64_t day_ms = at->day * MS_PER_DAY, end_ms = day_ms + MS_PER_DAY; day_ms <= end_ms;
	     day_ms += MS_PER_DAY) {
		if (s->hours_count == 0 && s->days != 0x7f)
			best_ms = earlier_after(best_ms, day_ms, after_ms);
		for (unsigned i = 0; i < s->hours_count; i++) {
			best_ms = earlier_after(best_ms, day_ms + s->hours[i].from_s * MS_PER_SECOND, after_ms);
			best_ms = earlier_after(best_ms, day_ms + s->hours[i].to_s * MS_PER_SECOND, after_ms);
		}
	}
	return best_ms;
}

/* When `season_s` is reached in a year. */
static int64_t season_ms(int32_t year, int32_t season_s)
{
	if (!is_leap(year) && season_s > LEAP_DAY_S)
		season_s = season_s < LEAP_DAY_S + DAY_S ? LEAP_DAY_S : season_s - DAY_S;
	return year_begin_ms(year) + season_s * MS_PER_SECOND;
}

static int64_t next_of_year(const struct schedule *s, const struct local *at, int64_t after_ms)
{
	int64_t best_ms = INT64_MAX;
	for (unsigned i = 0; i < s->seasons_count; i++)
		for (int32_t year = at->year; year <= at->year + 1; year++) {
			best_ms = earlier_after(best_ms, season_ms(year, s->seasons[i].from_s), after_ms);
			best_ms = earlier_after(best_ms, season_ms(year, s->seasons[i].to_s), after_ms);
		}
	return best_ms;
}

int64_t schedule_next(const struct schedule *s, int64_t time_ms)
{
	if (time_ms < s->from_ms)
		return s->from_ms;
	if (time_ms >= s->to_ms || time_ms >= FAR_MS)
		return INT64_MAX;
	int64_t after_ms = local_ms(time_ms);
	struct local at = local_from_ms(after_ms);
	int64_t day_ms = next_of_day(s, &at, after_ms), year_ms = next_of_year(s, &at, after_ms);
	int64_t next_ms = day_ms < year_ms ? day_ms : year_ms;
	if (next_ms != INT64_MAX)
		next_ms -= CHINA_OFFSET_MS;
	return next_ms < s->to_ms ? next_ms : s->to_ms;
}
