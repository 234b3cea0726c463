#include "property/detect/rules_random.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define OFFSET_S (8 * 3600)

uint64_t rules_seed(const char *test)
{
	const char *given = getenv("ZAYTON_SEED");
	uint64_t seed = given ? strtoull(given, NULL, 0) : (uint64_t)time(NULL);
	fprintf(stderr, "%s: ZAYTON_SEED=%llu\n", test, (unsigned long long)seed);
	return seed;
}

uint64_t rules_random(uint64_t *state)
{
	uint64_t z = (*state += UINT64_C(0x9e3779b97f4a7c15)); /* splitmix64 (Steele, Lea, Flood 2014) */
	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

uint32_t rules_below(uint64_t *state, uint32_t below)
{
	return (uint32_t)((rules_random(state) >> 32) * below >> 32);
}

/* --- texts --- */

static const char day_names[7][4] = {"sun", "mon", "tue", "wed", "thu", "fri", "sat"};
static const int month_days[12] = {31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};

static int random_second(uint64_t *state)
{
	static const int steps[] = {3600, 1800, 60, 1};
	int step = steps[rules_below(state, 4)];
	return (int)rules_below(state, (uint32_t)(86400 / step)) * step;
}

static int print_second(char *at, size_t room, int second, bool with_seconds)
{
	if (with_seconds && second % 60)
		return snprintf(at, room, "%02d:%02d:%02d", second / 3600, second / 60 % 60, second % 60);
	return snprintf(at, room, "%02d:%02d", second / 3600, second / 60 % 60);
}

static int put_hours(struct wall_schedule *w, char *at, size_t room, uint64_t *state)
{
	int n = 0;
	w->hours_count = 1 + rules_below(state, 4);
	for (unsigned i = 0; i < w->hours_count; i++) {
		int from = random_second(state), to = random_second(state);
		if (to == from)
			to = from ? 0 : 86400;
		w->hours[i].second[0] = from;
		w->hours[i].second[1] = to ? to : 86400;
		n += snprintf(at + n, room - (size_t)n, "%s", i ? "," : "");
		n += print_second(at + n, room - (size_t)n, from, true);
		n += snprintf(at + n, room - (size_t)n, "-");
		n += print_second(at + n, room - (size_t)n, to, true);
	}
	return n;
}

static int put_days(struct wall_schedule *w, char *at, size_t room, uint64_t *state)
{
	int n = 0;
	w->days_said = true;
	for (unsigned i = 0, words = 1 + rules_below(state, 3); i < words; i++) {
		unsigned first = rules_below(state, 7), last = rules_below(state, 2) ? first : rules_below(state, 7);
		n += snprintf(at + n, room - (size_t)n, "%s%s", i ? "," : "", day_names[first]);
		if (last != first)
			n += snprintf(at + n, room - (size_t)n, "-%s", day_names[last]);
		for (unsigned day = first;; day = (day + 1) % 7) {
			w->days[day] = true;
			if (day == last)
				break;
		}
	}
	return n;
}

/* Often at the ends of February and of the year. */
static void random_date(uint64_t *state, int *month, int *day)
{
	static const int often[][2] = {{2, 28}, {2, 29}, {3, 1}, {12, 31}, {1, 1}};
	if (rules_below(state, 2)) {
		unsigned i = rules_below(state, 5);
		*month = often[i][0];
		*day = often[i][1];
		return;
	}
	*month = 1 + (int)rules_below(state, 12);
	*day = 1 + (int)rules_below(state, (uint32_t)month_days[*month - 1]);
}

static int put_seasons(struct wall_schedule *w, char *at, size_t room, uint64_t *state)
{
	int n = 0;
	w->seasons_count = 1 + rules_below(state, 4);
	for (unsigned i = 0; i < w->seasons_count; i++) {
		struct wall_range *r = &w->seasons[i];
		do {
			for (int end = 0; end < 2; end++) {
				random_date(state, &r->month[end], &r->day[end]);
				r->second[end] = rules_below(state, 2) ? 0 : random_second(state) / 60 * 60;
			}
		} while (r->month[0] == r->month[1] && r->day[0] == r->day[1] && r->second[0] == r->second[1]);
		for (int end = 0; end < 2; end++) {
			n += snprintf(at + n, room - (size_t)n, "%s%02d-%02d",
				      end ? ".."
				      : i ? ", "
					  : "",
				      r->month[end], r->day[end]);
			if (r->second[end]) {
				n += snprintf(at + n, room - (size_t)n, "T");
				n += print_second(at + n, room - (size_t)n, r->second[end], false);
			}
		}
	}
	return n;
}

static int print_instant(char *at, size_t room, int64_t time_s)
{
	struct tm t;
	time_t shifted = (time_t)(time_s + OFFSET_S);
	gmtime_r(&shifted, &t);
	return (int)strftime(at, room, "%Y-%m-%dT%H:%M:%S", &t);
}

static int put_span(struct wall_schedule *w, char *at, size_t room, uint64_t *state)
{
	unsigned ends = 1 + rules_below(state, 3);
	int n = 0;
	w->span_s[0] = 1000000000 + (int64_t)rules_below(state, UINT32_MAX) / 2;
	w->span_s[1] = w->span_s[0] + 1 + rules_below(state, 400 * 86400);
	if (ends & 1)
		n += print_instant(at, room, w->span_s[0]);
	n += snprintf(at + n, room - (size_t)n, "..");
	if (ends & 2)
		n += print_instant(at + n, room - (size_t)n, w->span_s[1]);
	w->span_s[0] = ends & 1 ? w->span_s[0] : 0;
	w->span_s[1] = ends & 2 ? w->span_s[1] : 0;
	return n;
}

void wall_schedule_make(struct wall_schedule *w, uint64_t *state)
{
	int (*const put[4])(struct wall_schedule *, char *, size_t, uint64_t *) = {put_hours, put_days, put_seasons,
										   put_span};
	int n = 0;
	unsigned first = rules_below(state, 4), sorts = rules_below(state, 16);
	*w = (struct wall_schedule){.text = ""};
	for (unsigned i = 0; i < 4; i++) {
		unsigned sort = (first + i) % 4;
		if (!(sorts >> sort & 1))
			continue;
		n += snprintf(w->text + n, sizeof w->text - (size_t)n, "%s", n ? "; " : "");
		n += put[sort](w, w->text + n, sizeof w->text - (size_t)n, state);
	}
}

/* --- judgement --- */

static bool day_counts(const struct wall_schedule *w, int weekday)
{
	return !w->days_said || w->days[(weekday + 7) % 7];
}

static bool hours_hold(const struct wall_schedule *w, const struct tm *t)
{
	int second = t->tm_hour * 3600 + t->tm_min * 60 + t->tm_sec;
	if (!w->hours_count)
		return day_counts(w, t->tm_wday);
	for (unsigned i = 0; i < w->hours_count; i++) {
		int from = w->hours[i].second[0], to = w->hours[i].second[1];
		/* as a range that begins today, and as one that began yesterday, 24 h to the left */
		int today_to = to > from ? to : to + 86400;
		if (second >= from && second < today_to && day_counts(w, t->tm_wday))
			return true;
		if (second + 86400 >= from && second + 86400 < today_to && day_counts(w, t->tm_wday - 1))
			return true;
	}
	return false;
}

/* Dates compare as the words they are written in. */
static int64_t date_word(int month, int day, int second)
{
	return ((int64_t)month * 100 + day) * 100000 + second;
}

static bool seasons_hold(const struct wall_schedule *w, const struct tm *t)
{
	int64_t now = date_word(t->tm_mon + 1, t->tm_mday, t->tm_hour * 3600 + t->tm_min * 60 + t->tm_sec);
	for (unsigned i = 0; i < w->seasons_count; i++) {
		const struct wall_range *r = &w->seasons[i];
		int64_t from = date_word(r->month[0], r->day[0], r->second[0]);
		int64_t to = date_word(r->month[1], r->day[1], r->second[1]);
		if (from < to ? now >= from && now < to : !(now >= to && now < from))
			return true;
	}
	return !w->seasons_count;
}

bool wall_schedule_active(const struct wall_schedule *w, int64_t time_s)
{
	struct tm t;
	time_t shifted = (time_t)(time_s + OFFSET_S);
	if ((w->span_s[0] && time_s < w->span_s[0]) || (w->span_s[1] && time_s >= w->span_s[1]))
		return false;
	gmtime_r(&shifted, &t);
	return hours_hold(w, &t) && seasons_hold(w, &t);
}
