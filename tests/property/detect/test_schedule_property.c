/* Random schedules against a slow judge of every second: in force or not, and nothing changes between one
 * schedule_next() and the following. */
#include <criterion/criterion.h>
#include <time.h>

#include "engine/detect/schedule.h"
#include "property/detect/rules_random.h"

static struct schedule parse(const struct wall_schedule *w)
{
	struct schedule s;
	size_t at;
	cr_assert_eq(schedule_parse(span_of_string(w->text), &s, &at), STATUS_OK, "'%s' stops at %zu", w->text, at);
	return s;
}

/* Every second of [from_s, from_s + seconds). */
static void compare(const struct wall_schedule *w, const struct schedule *s, int64_t from_s, int64_t seconds)
{
	bool before = wall_schedule_active(w, from_s - 1);
	int64_t next_ms = schedule_next(s, (from_s - 1) * 1000);
	for (int64_t t = from_s; t < from_s + seconds; t++) {
		bool now = wall_schedule_active(w, t);
		cr_assert_eq(schedule_active(s, t * 1000), now, "'%s' at %lld s", w->text, (long long)t);
		cr_assert_eq(schedule_active(s, t * 1000 + 999), now, "'%s' at %lld.999 s", w->text, (long long)t);
		cr_assert_geq(next_ms, t * 1000, "'%s': next is behind %lld s", w->text, (long long)t);
		if (next_ms == t * 1000)
			next_ms = schedule_next(s, t * 1000);
		else
			cr_assert_eq(now, before, "'%s' changed at %lld s unannounced", w->text, (long long)t);
		before = now;
	}
}

static int64_t utc_s(int year, int month, int day)
{
	struct tm t = {.tm_year = year - 1900, .tm_mon = month - 1, .tm_mday = day};
	return (int64_t)timegm(&t);
}

Test(schedule_property, every_second_is_judged_as_the_slow_judge_does)
{
	/* the ends of leap and common years and Februaries, 2100 not being a leap year */
	const int64_t places[] = {utc_s(2027, 12, 31), utc_s(2028, 2, 28), utc_s(2028, 2, 29), utc_s(2027, 2, 28),
				  utc_s(2100, 2, 28),  utc_s(2000, 2, 29), utc_s(2028, 12, 31)};
	uint64_t state = rules_seed("schedule_property");
	for (int i = 0; i < 300; i++) {
		struct wall_schedule w;
		wall_schedule_make(&w, &state);
		struct schedule s = parse(&w);
		int64_t place = places[rules_below(&state, 7)];
		compare(&w, &s, place + rules_below(&state, 7200), 30 * 3600);
		if (w.span_s[0])
			compare(&w, &s, w.span_s[0] - 1000, 2000);
		if (w.span_s[1])
			compare(&w, &s, w.span_s[1] - 1000, 2000);
	}
}

Test(schedule_property, years_are_walked_from_change_to_change)
{
	uint64_t state = rules_seed("schedule_walk");
	const int64_t end_ms = utc_s(2105, 1, 1) * 1000;
	for (int i = 0; i < 40; i++) {
		struct wall_schedule w;
		wall_schedule_make(&w, &state);
		struct schedule s = parse(&w);
		int64_t from_ms = utc_s(2095, 1, 1) * 1000;
		for (int step = 0; from_ms < end_ms && step < 20000; step++) {
			int64_t next_ms = schedule_next(&s, from_ms);
			int64_t to_ms = next_ms < end_ms ? next_ms : end_ms;
			bool active = wall_schedule_active(&w, from_ms / 1000);
			int64_t inside_s =
				from_ms / 1000 + (int64_t)(rules_random(&state) >> 1) % ((to_ms - from_ms) / 1000);
			cr_assert_gt(next_ms, from_ms);
			cr_assert_eq(wall_schedule_active(&w, inside_s), active, "'%s' changes before %lld s", w.text,
				     (long long)(next_ms / 1000));
			cr_assert_eq(wall_schedule_active(&w, to_ms / 1000 - 1), active, "'%s' changes before %lld s",
				     w.text, (long long)(next_ms / 1000));
			cr_assert_eq(schedule_active(&s, from_ms), active, "'%s' at %lld s", w.text,
				     (long long)(from_ms / 1000));
			from_ms = next_ms;
		}
	}
}

Test(schedule_property, what_is_printed_is_read_as_the_same)
{
	uint64_t state = rules_seed("schedule_print");
	for (int i = 0; i < 20000; i++) {
		struct wall_schedule w;
		struct schedule again;
		struct buf first = buf_init(SCHEDULE_TEXT_MAX + 1), second = buf_init(SCHEDULE_TEXT_MAX + 1);
		wall_schedule_make(&w, &state);
		struct schedule s = parse(&w);
		cr_assert_eq(schedule_print(&s, &first), STATUS_OK);
		cr_assert_eq(schedule_parse(buf_view(&first), &again, NULL), STATUS_OK, "'%s' prints '%.*s'", w.text,
			     (int)first.size, (char *)first.data);
		cr_assert_eq(memcmp(&s, &again, sizeof s), 0, "'%s' prints '%.*s'", w.text, (int)first.size,
			     (char *)first.data);
		cr_assert_eq(schedule_print(&again, &second), STATUS_OK);
		cr_assert(span_equal(buf_view(&first), buf_view(&second)));
		buf_deinit(&first);
		buf_deinit(&second);
	}
}
