#include "engine/core/clock.h"

#include <stdio.h>
#include <time.h>

int64_t clock_now_ms(void)
{
	struct timespec now;
	clock_gettime(CLOCK_REALTIME, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int64_t clock_monotonic_ns(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static int64_t floor_div(int64_t a, int64_t b)
{
	return a / b - (a % b < 0);
}

static int64_t days_from_civil(int64_t year, int64_t month, int64_t day)
{
	year -= month <= 2;
	int64_t era = floor_div(year, 400);
	int64_t year_of_era = year - era * 400;
	int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
	int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
	return era * 146097 + day_of_era - 719468;
}

int64_t civil_to_ms(const struct civil *c)
{
	int64_t days = days_from_civil(c->year, c->month, c->day);
	int64_t seconds = days * 86400 + c->hour * 3600 + c->minute * 60 + c->second;
	return seconds * 1000 + c->milli;
}

void civil_from_ms(int64_t ms, struct civil *out)
{
	int64_t days = floor_div(ms, MS_PER_DAY);
	int64_t rest = ms - days * MS_PER_DAY;
	days += 719468;
	int64_t era = floor_div(days, 146097);
	int64_t doe = days - era * 146097;
	int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
	int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
	int64_t mp = (5 * doy + 2) / 153;
	out->day = (uint8_t)(doy - (153 * mp + 2) / 5 + 1);
	out->month = (uint8_t)(mp < 10 ? mp + 3 : mp - 9);
	out->year = (int32_t)(yoe + era * 400 + (out->month <= 2));
	out->hour = (uint8_t)(rest / MS_PER_HOUR);
	out->minute = (uint8_t)(rest / MS_PER_MINUTE % 60);
	out->second = (uint8_t)(rest / MS_PER_SECOND % 60);
	out->milli = (uint16_t)(rest % 1000);
}

static int days_in_month(int year, int month)
{
	static const uint8_t days[12] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	int leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
	return days[month - 1] + (month == 2 && leap);
}

static int civil_exists(int year, int month, int day, int hour, int minute, int second)
{
	return month >= 1 && month <= 12 && day >= 1 && day <= days_in_month(year, month) && hour <= 23 &&
	       minute <= 59 && second <= 59;
}

static int bcd_byte(uint8_t byte)
{
	int high = byte >> 4, low = byte & 15;
	return high > 9 || low > 9 ? 100 : high * 10 + low; /* 100 is out of every range */
}

/* Days since 1970 of a BCD date, or INT64_MIN. */
static int64_t bcd_days(const uint8_t bcd[3])
{
	int year = bcd_byte(bcd[0]), month = bcd_byte(bcd[1]), day = bcd_byte(bcd[2]);
	if (year > 99 || !civil_exists(2000 + year, month, day, 0, 0, 0))
		return INT64_MIN;
	return days_from_civil(2000 + year, month, day);
}

enum status bcd_time_decode(const uint8_t bcd[6], int64_t *out_ms)
{
	/* nearly every report is of the day of the one before it; the calendar was a fifth of decoding one */
	static _Thread_local uint32_t known_date = UINT32_MAX;
	static _Thread_local int64_t known_days;
	uint32_t date = (uint32_t)bcd[0] << 16 | (uint32_t)bcd[1] << 8 | bcd[2];
	if (date != known_date) {
		int64_t days = bcd_days(bcd);
		if (days == INT64_MIN)
			return STATUS_BAD_TIME;
		known_date = date;
		known_days = days;
	}
	int hour = bcd_byte(bcd[3]), minute = bcd_byte(bcd[4]), second = bcd_byte(bcd[5]);
	if (hour > 23 || minute > 59 || second > 59)
		return STATUS_BAD_TIME;
	*out_ms = (known_days * 86400 + hour * 3600 + minute * 60 + second) * 1000 - CHINA_OFFSET_MS;
	return STATUS_OK;
}

enum status bcd_time_encode(int64_t ms, uint8_t out[6])
{
	struct civil c;
	civil_from_ms(ms + CHINA_OFFSET_MS, &c);
	if (c.year < 2000 || c.year > 2099)
		return STATUS_OUT_OF_RANGE;
	int part[6] = {c.year - 2000, c.month, c.day, c.hour, c.minute, c.second};
	for (int i = 0; i < 6; i++)
		out[i] = (uint8_t)(part[i] / 10 << 4 | part[i] % 10);
	return STATUS_OK;
}

/* `count` digits at *at; advances. */
static int take_digits(const uint8_t **at, const uint8_t *end, int count, int *out)
{
	int v = 0;
	if (end - *at < count)
		return 0;
	for (int i = 0; i < count; i++) {
		uint8_t c = (*at)[i];
		if (c < '0' || c > '9')
			return 0;
		v = v * 10 + (c - '0');
	}
	*at += count;
	*out = v;
	return 1;
}

static int take_char(const uint8_t **at, const uint8_t *end, char wanted)
{
	if (*at == end || **at != (uint8_t)wanted)
		return 0;
	++*at;
	return 1;
}

static int take_fraction(const uint8_t **at, const uint8_t *end, int *out_milli)
{
	int scale = 100, digits = 0;
	*out_milli = 0;
	if (!take_char(at, end, '.'))
		return 1;
	for (; *at < end && **at >= '0' && **at <= '9'; ++*at, digits++, scale /= 10)
		*out_milli += (**at - '0') * scale;
	return digits >= 1 && digits <= 9;
}

static int take_zone(const uint8_t **at, const uint8_t *end, int64_t default_offset_ms, int64_t *out)
{
	*out = default_offset_ms;
	if (*at == end)
		return 1;
	if (take_char(at, end, 'Z')) {
		*out = 0;
		return *at == end;
	}
	int sign = **at == '-' ? -1 : 1, hour, minute;
	if (**at != '+' && **at != '-')
		return 0;
	++*at;
	if (!take_digits(at, end, 2, &hour))
		return 0;
	take_char(at, end, ':');
	if (!take_digits(at, end, 2, &minute) || hour > 23 || minute > 59 || *at != end)
		return 0;
	*out = sign * (hour * MS_PER_HOUR + minute * MS_PER_MINUTE);
	return 1;
}

enum status time_parse(struct span text, int64_t default_offset_ms, int64_t *out_ms)
{
	const uint8_t *at = text.data, *end = text.data + text.size;
	int year, month, day, hour, minute, second, milli;
	int64_t offset;
	if (!take_digits(&at, end, 4, &year) || !take_char(&at, end, '-') || !take_digits(&at, end, 2, &month) ||
	    !take_char(&at, end, '-') || !take_digits(&at, end, 2, &day))
		return STATUS_BAD_TIME;
	if (!take_char(&at, end, 'T') && !take_char(&at, end, ' '))
		return STATUS_BAD_TIME;
	if (!take_digits(&at, end, 2, &hour) || !take_char(&at, end, ':') || !take_digits(&at, end, 2, &minute) ||
	    !take_char(&at, end, ':') || !take_digits(&at, end, 2, &second) || !take_fraction(&at, end, &milli) ||
	    !take_zone(&at, end, default_offset_ms, &offset) || !civil_exists(year, month, day, hour, minute, second))
		return STATUS_BAD_TIME;
	struct civil c = {year,           (uint8_t)month, (uint8_t)day, (uint8_t)hour, (uint8_t)minute, (uint8_t)second,
			  (uint16_t)milli};
	*out_ms = civil_to_ms(&c) - offset;
	return STATUS_OK;
}

void time_format(int64_t ms, int64_t offset_ms, char out[TIME_TEXT_MAX])
{
	struct civil c;
	civil_from_ms(ms + offset_ms, &c);
	int n = snprintf(out, TIME_TEXT_MAX, "%04d-%02u-%02uT%02u:%02u:%02u.%03u", (int)(c.year % 10000), c.month,
			 c.day, c.hour, c.minute, c.second, c.milli);
	if (n < 0 || n > TIME_TEXT_MAX - 7)
		return;
	if (offset_ms == 0) {
		out[n] = 'Z';
		out[n + 1] = '\0';
		return;
	}
	unsigned minutes = (unsigned)((offset_ms < 0 ? -offset_ms : offset_ms) / MS_PER_MINUTE);
	snprintf(out + n, 7, "%c%02u:%02u", offset_ms < 0 ? '-' : '+', minutes / 60 % 24, minutes % 60);
}
