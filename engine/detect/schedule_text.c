/* schedule_text.c -- schedules as people write them, and back.
 *
 *   mon-fri; 22:00-06:00; 06-01..09-01; 2026-01-01..
 *
 * A clause tells its sort by how it begins: a letter is days, "..", or four digits and '-', a span, two digits and ':'
 * hours, two digits and '-' seasons. */
#include "engine/detect/schedule.h"

#define YEAR_MIN 1970
#define YEAR_MAX 9999

static const char day_names[7][4] = {"mon", "tue", "wed", "thu", "fri", "sat", "sun"};
static const uint8_t month_days[12] = {31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};

/* What is left of the text, and what was wrong with it where it stopped. */
struct reader {
	const uint8_t *at, *end;
	enum status status;
};

static bool fail(struct reader *r, enum status status)
{
	if (!r->status)
		r->status = status;
	return false;
}

static void skip_spaces(struct reader *r)
{
	while (r->at < r->end && (*r->at == ' ' || *r->at == '\t'))
		r->at++;
}

static bool is_digit(const struct reader *r, size_t ahead)
{
	return (size_t)(r->end - r->at) > ahead && r->at[ahead] >= '0' && r->at[ahead] <= '9';
}

static bool is_next(const struct reader *r, const char *word)
{
	size_t size = strlen(word);
	return (size_t)(r->end - r->at) >= size && memcmp(r->at, word, size) == 0;
}

static bool take(struct reader *r, const char *word)
{
	if (!is_next(r, word))
		return false;
	r->at += strlen(word);
	return true;
}

static bool need(struct reader *r, const char *word)
{
	return take(r, word) || fail(r, STATUS_MALFORMED);
}

/* Exactly `digits` digits, within [min, max]. */
static bool number(struct reader *r, unsigned digits, int32_t min, int32_t max, int32_t *out)
{
	int32_t value = 0;
	for (unsigned i = 0; i < digits; i++) {
		if (!is_digit(r, i))
			return fail(r, STATUS_MALFORMED);
		value = value * 10 + (r->at[i] - '0');
	}
	if (value < min || value > max)
		return fail(r, STATUS_OUT_OF_RANGE);
	r->at += digits;
	*out = value;
	return true;
}

/* HH:MM[:SS] as seconds of the day; 24:00 only where it is an end. */
static bool time_of_day(struct reader *r, bool is_end, bool with_seconds, int32_t *out_s)
{
	const uint8_t *begin = r->at;
	int32_t hour, minute, second = 0;
	if (!number(r, 2, 0, 24, &hour) || !need(r, ":") || !number(r, 2, 0, 59, &minute))
		return false;
	if (with_seconds && take(r, ":") && !number(r, 2, 0, 59, &second))
		return false;
	*out_s = hour * 3600 + minute * 60 + second;
	if (*out_s < 86400 || (is_end && *out_s == 86400))
		return true;
	r->at = begin;
	return fail(r, STATUS_OUT_OF_RANGE);
}

/* --- clauses --- */

static bool hours_clause(struct reader *r, struct schedule *s)
{
	do {
		int32_t from_s, to_s;
		skip_spaces(r);
		const uint8_t *begin = r->at;
		if (!time_of_day(r, false, true, &from_s) || !need(r, "-") || !time_of_day(r, true, true, &to_s))
			return false;
		if (s->hours_count == SCHEDULE_HOURS_MAX || from_s == to_s) {
			r->at = begin;
			return fail(r, STATUS_OUT_OF_RANGE);
		}
		s->hours[s->hours_count].from_s = from_s;
		s->hours[s->hours_count++].to_s = to_s ? to_s : 86400;
		skip_spaces(r);
	} while (take(r, ","));
	return true;
}

static bool day_name(struct reader *r, unsigned *out)
{
	for (unsigned i = 0; i < 7; i++)
		if (take(r, day_names[i])) {
			*out = i;
			return true;
		}
	return fail(r, STATUS_MALFORMED);
}

static bool days_clause(struct reader *r, struct schedule *s)
{
	s->days = 0;
	do {
		unsigned first, last;
		skip_spaces(r);
		if (!day_name(r, &first))
			return false;
		last = first;
		if (take(r, "-") && !day_name(r, &last))
			return false;
		for (unsigned day = first;; day = (day + 1) % 7) {
			s->days |= (uint8_t)(1u << day);
			if (day == last)
				break;
		}
		skip_spaces(r);
	} while (take(r, ","));
	return true;
}

/* MM-DD[THH:MM] as seconds since 01-01 in a calendar that always has 02-29. */
static bool day_of_year(struct reader *r, bool is_end, int32_t *out_s)
{
	int32_t month, day, second = 0, days = 0;
	if (!number(r, 2, 1, 12, &month) || !need(r, "-") || !number(r, 2, 1, month_days[month - 1], &day))
		return false;
	if (take(r, "T") && !time_of_day(r, is_end, false, &second))
		return false;
	for (int32_t i = 0; i < month - 1; i++)
		days += month_days[i];
	*out_s = (days + day - 1) * 86400 + second;
	return true;
}

static bool seasons_clause(struct reader *r, struct schedule *s)
{
	do {
		int32_t from_s, to_s;
		skip_spaces(r);
		const uint8_t *begin = r->at;
		if (!day_of_year(r, false, &from_s) || !need(r, "..") || !day_of_year(r, true, &to_s))
			return false;
		if (s->seasons_count == SCHEDULE_SEASONS_MAX || from_s == to_s) {
			r->at = begin;
			return fail(r, STATUS_OUT_OF_RANGE);
		}
		s->seasons[s->seasons_count].from_s = from_s;
		s->seasons[s->seasons_count++].to_s = to_s;
		skip_spaces(r);
	} while (take(r, ","));
	return true;
}

static bool date(struct reader *r, bool is_end, int64_t *out_ms)
{
	const uint8_t *begin = r->at;
	int32_t year = 0, month = 1, day = 1, second = 0;
	if (!number(r, 4, YEAR_MIN, YEAR_MAX, &year) || !need(r, "-") || !number(r, 2, 1, 12, &month) ||
	    !need(r, "-") || !number(r, 2, 1, month_days[month - 1], &day))
		return false;
	if (take(r, "T") && !time_of_day(r, is_end, true, &second))
		return false;
	struct civil c = {.year = year, .month = (uint8_t)month, .day = (uint8_t)day}, real;
	int64_t day_ms = civil_to_ms(&c);
	civil_from_ms(day_ms + second * MS_PER_SECOND, &real);
	bool after_the_last = real.year > YEAR_MAX;
	civil_from_ms(day_ms, &real);
	if (real.day != day || after_the_last) {
		r->at = begin;
		return fail(r, STATUS_OUT_OF_RANGE);
	}
	*out_ms = day_ms + second * MS_PER_SECOND - CHINA_OFFSET_MS;
	return true;
}

static bool span_clause(struct reader *r, struct schedule *s)
{
	const uint8_t *begin = r->at;
	if (is_digit(r, 0) && !date(r, false, &s->from_ms))
		return false;
	if (!need(r, ".."))
		return false;
	if (is_digit(r, 0) && !date(r, true, &s->to_ms))
		return false;
	if (s->from_ms == INT64_MIN && s->to_ms == INT64_MAX)
		return fail(r, STATUS_MALFORMED);
	if (s->from_ms < s->to_ms)
		return true;
	r->at = begin;
	return fail(r, STATUS_OUT_OF_RANGE);
}

enum { CLAUSE_HOURS = 1, CLAUSE_DAYS = 2, CLAUSE_SEASONS = 4, CLAUSE_SPAN = 8 };

static unsigned clause_sort(const struct reader *r)
{
	bool two = is_digit(r, 0) && is_digit(r, 1), four = two && is_digit(r, 2) && is_digit(r, 3);
	size_t left = (size_t)(r->end - r->at);
	if (four || is_next(r, ".."))
		return CLAUSE_SPAN;
	if (two && left > 2 && r->at[2] == ':')
		return CLAUSE_HOURS;
	if (two)
		return CLAUSE_SEASONS;
	return CLAUSE_DAYS;
}

static bool clause(struct reader *r, struct schedule *s, unsigned *seen)
{
	skip_spaces(r);
	unsigned sort = clause_sort(r);
	if (*seen & sort)
		return fail(r, STATUS_MALFORMED);
	*seen |= sort;
	bool good = sort == CLAUSE_SPAN      ? span_clause(r, s)
		    : sort == CLAUSE_HOURS   ? hours_clause(r, s)
		    : sort == CLAUSE_SEASONS ? seasons_clause(r, s)
					     : days_clause(r, s);
	skip_spaces(r);
	return good;
}

/* Ranges by their beginnings: the same ranges in another order are the same schedule. */
static void sort_ranges(void *ranges, unsigned count)
{
	int32_t(*range)[2] = ranges;
	for (unsigned i = 1; i < count; i++)
		for (unsigned j = i; j > 0; j--) {
			int32_t *a = range[j - 1], *b = range[j], kept[2];
			if (a[0] < b[0] || (a[0] == b[0] && a[1] <= b[1]))
				break;
			memcpy(kept, a, sizeof kept);
			memcpy(a, b, sizeof kept);
			memcpy(b, kept, sizeof kept);
		}
}

enum status schedule_parse(struct span text, struct schedule *out, size_t *out_at)
{
	struct reader r = {text.data, text.size ? text.data + text.size : text.data, STATUS_OK};
	unsigned seen = 0;
	memset(out, 0, sizeof *out);
	memcpy(out, &SCHEDULE_ALWAYS, sizeof *out);
	skip_spaces(&r);
	if (text.size > SCHEDULE_TEXT_MAX) {
		fail(&r, STATUS_TOO_LONG);
	} else if (take(&r, "always")) {
		skip_spaces(&r);
	} else if (r.at < r.end) {
		while (clause(&r, out, &seen) && take(&r, ";"))
			;
	}
	if (!r.status && r.at < r.end)
		fail(&r, STATUS_MALFORMED);
	if (out_at)
		*out_at = (size_t)(r.at - text.data);
	sort_ranges(out->hours, out->hours_count);
	sort_ranges(out->seasons, out->seasons_count);
	return r.status;
}

/* --- printing --- */

static enum status put(struct buf *out, const char *text)
{
	return buf_append(out, text, strlen(text));
}

static enum status print_time_of_day(struct buf *out, int32_t at_s)
{
	if (at_s % 60)
		return buf_printf(out, "%02d:%02d:%02d", at_s / 3600, at_s / 60 % 60, at_s % 60);
	return buf_printf(out, "%02d:%02d", at_s / 3600, at_s / 60 % 60);
}

static enum status print_hours(struct buf *out, const struct schedule *s)
{
	enum status status = STATUS_OK;
	for (unsigned i = 0; i < s->hours_count && !status; i++) {
		status = put(out, i ? ", " : "");
		if (!status)
			status = print_time_of_day(out, s->hours[i].from_s);
		if (!status)
			status = put(out, "-");
		if (!status)
			status = print_time_of_day(out, s->hours[i].to_s);
	}
	return status;
}

/* Runs within one week from Monday: "mon-wed", but "sat, sun". */
static enum status print_days(struct buf *out, const struct schedule *s)
{
	enum status status = STATUS_OK;
	const char *between = "";
	for (unsigned first = 0, last; first < 7 && !status; first = last + 1) {
		last = first;
		if (!(s->days >> first & 1))
			continue;
		while (last < 6 && (s->days >> (last + 1) & 1))
			last++;
		if (last - first < 2)
			last = first;
		status = last > first ? buf_printf(out, "%s%s-%s", between, day_names[first], day_names[last])
				      : buf_printf(out, "%s%s", between, day_names[first]);
		between = ", ";
	}
	return status;
}

static enum status print_day_of_year(struct buf *out, int32_t at_s)
{
	int32_t day = at_s / 86400, second = at_s % 86400, month = 0;
	if (day == 366) { /* the end of 12-31 */
		day--;
		second = 86400;
	}
	while (day >= month_days[month])
		day -= month_days[month++];
	enum status status = buf_printf(out, "%02d-%02d", month + 1, day + 1);
	if (status || second == 0)
		return status;
	status = put(out, "T");
	return status ? status : print_time_of_day(out, second);
}

static enum status print_seasons(struct buf *out, const struct schedule *s)
{
	enum status status = STATUS_OK;
	for (unsigned i = 0; i < s->seasons_count && !status; i++) {
		status = put(out, i ? ", " : "");
		if (!status)
			status = print_day_of_year(out, s->seasons[i].from_s);
		if (!status)
			status = put(out, "..");
		if (!status)
			status = print_day_of_year(out, s->seasons[i].to_s);
	}
	return status;
}

static enum status print_date(struct buf *out, int64_t ms)
{
	struct civil c;
	civil_from_ms(ms + CHINA_OFFSET_MS, &c);
	int32_t second = c.hour * 3600 + c.minute * 60 + c.second;
	enum status status = buf_printf(out, "%04d-%02d-%02d", (int)c.year, c.month, c.day);
	if (status || second == 0)
		return status;
	status = put(out, "T");
	return status ? status : print_time_of_day(out, second);
}

static enum status print_span(struct buf *out, const struct schedule *s)
{
	enum status status = s->from_ms == INT64_MIN ? STATUS_OK : print_date(out, s->from_ms);
	if (!status)
		status = put(out, "..");
	return status || s->to_ms == INT64_MAX ? status : print_date(out, s->to_ms);
}

enum status schedule_print(const struct schedule *s, struct buf *out)
{
	const struct {
		bool said;
		enum status (*print)(struct buf *out, const struct schedule *s);
	} clauses[] = {{s->days != 0x7f, print_days},
		       {s->hours_count != 0, print_hours},
		       {s->seasons_count != 0, print_seasons},
		       {s->from_ms != INT64_MIN || s->to_ms != INT64_MAX, print_span}};
	enum status status = STATUS_OK;
	const char *between = "";
	for (size_t i = 0; i < sizeof clauses / sizeof *clauses && !status; i++) {
		if (!clauses[i].said)
			continue;
		status = put(out, between);
		if (!status)
			status = clauses[i].print(out, s);
		between = "; ";
	}
	return status || *between ? status : put(out, "always");
}
