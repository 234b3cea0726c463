/* test_sea_codes.c -- windows of codes by hand: sources of one boat, codes that are born where others vanish,
 * formations; from fixes to facts to findings. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "engine/core/clock.h"
#include "engine/detect/sea_window.h"

#define MINUTE MS_PER_MINUTE
#define HOUR MS_PER_HOUR
#define START (INT64_C(1772380800000) + 8 * HOUR) /* a full ten minutes */
#define BOAT 90
#define AIS 11
#define BEACON 12
#define OTHER 13
#define STRANGER 20
#define TRACKS 6
#define FIXES 400

static struct {
	struct rule rules[5];
	struct rulebook book;
	struct rulebook_span span;
	struct detect_context context;
	struct sea_fix fixes[TRACKS][FIXES];
	struct sea_track tracks[TRACKS];
	size_t count;
	struct fact facts[2000];
	size_t fact_count;
	struct finding findings[50];
	size_t finding_count;
	uint64_t formation[30]; /* by device */
} w;

static void subject_of(const void *registry, uint64_t device, int64_t time_ms, struct detect_subject *out)
{
	(void)registry;
	(void)time_ms;
	memset(out, 0, sizeof *out);
	out->device = device;
	out->from_ms = INT64_MIN;
	out->to_ms = INT64_MAX;
	out->class_code = device == STRANGER ? DEVICE_CLASS_OTHER : DEVICE_CLASS_FISHING_MEDIUM;
	out->source = device == BEACON ? SOURCE_BEIDOU : device == BOAT ? 9 : SOURCE_AIS;
	out->registered = device != STRANGER;
	out->vehicle = device == AIS || device == BEACON ? BOAT : device;
	out->formation = device < 30 ? w.formation[device] : 0;
}

static size_t sources_of(const void *registry, uint64_t device, int64_t time_ms, uint64_t *out, size_t max)
{
	(void)registry;
	(void)time_ms;
	cr_assert_geq(max, 2);
	if (device != AIS && device != BEACON)
		return 0;
	out[0] = BOAT;
	out[1] = device == AIS ? BEACON : AIS;
	return 2;
}

static struct rule rule_of(const char *id, unsigned kind)
{
	struct rule r = {.kind = (uint8_t)kind, .classes = 1u << DEVICE_CLASS_FISHING_MEDIUM, .version = 1};
	snprintf(r.id, sizeof r.id, "%s", id);
	return r;
}

static void begin(void)
{
	memset(&w, 0, sizeof w);
	w.rules[0] = rule_of("apart", RULE_SOURCES_APART);
	w.rules[0].params[PARAM_SOURCES_APART_LIMIT] = 1110;
	w.rules[0].params[PARAM_SOURCES_APART_DISTANCE] = 2000000;
	w.rules[0].params[PARAM_SOURCES_APART_TIMES] = 2;
	w.rules[1] = rule_of("left", RULE_FORMATION);
	w.rules[1].params[PARAM_FORMATION_DISTANCE] = 5000000;
	w.rules[1].params[PARAM_FORMATION_TIME] = 20 * MINUTE;
	w.rules[2] = rule_of("off", RULE_SOURCE_OFF);
	w.rules[2].params[PARAM_SOURCE_OFF_SILENT] = 1;
	w.rules[2].params[PARAM_SOURCE_OFF_TIME] = 40 * MINUTE;
	w.rules[3] = rule_of("reborn", RULE_REBORN);
	w.rules[3].params[PARAM_REBORN_DISTANCE] = 1000000;
	w.rules[3].params[PARAM_REBORN_TIME] = 5 * MINUTE;
	w.rules[3].params[PARAM_REBORN_TURN] = 45;
	w.book = (struct rulebook){.rules = w.rules, .count = 4, .references = 1};
	w.span = (struct rulebook_span){INT64_MIN, &w.book};
	w.context = (struct detect_context){
		.books = &w.span, .book_count = 1, .subject = subject_of, .registry = &w, .sources = sources_of};
}

TestSuite(sea_codes, .init = begin);

/* One more track, to be told in order of devices. */
static struct sea_track *track(uint64_t device)
{
	struct sea_track *t = &w.tracks[w.count];
	*t = (struct sea_track){device, NULL, w.fixes[w.count], 0, SEA_NOT_BORN};
	w.count++;
	return t;
}

/* A fix `minute` minutes from START, x hundredths of a minute of latitude (18.52 m) north of 24.5 N. */
static void fix(struct sea_track *t, double minute, int x, unsigned speed_dkmh, unsigned course_deg)
{
	struct sea_fix *f = &w.fixes[t - w.tracks][t->count++];
	struct report r = {.time_ms = START + (int64_t)(minute * MINUTE),
			   .lat_e7 = 245000000 + (int32_t)((int64_t)x * 10000000 / 6000),
			   .lon_e7 = 1190000000,
			   .speed_dkmh = (uint16_t)speed_dkmh,
			   .course_deg = (uint16_t)course_deg};
	cr_assert_lt(t->count, FIXES);
	cr_assert(sea_fix_of(&r, f));
}

static void speak(struct sea_track *t, double from, double to, double every, int x)
{
	for (double at = from; at < to; at += every)
		fix(t, at, x, 0, 0);
}

static void take_fact(void *context, const struct fact *f)
{
	(void)context;
	cr_assert_lt(w.fact_count, sizeof w.facts / sizeof *w.facts);
	w.facts[w.fact_count++] = *f;
}

static void take_finding(void *context, const struct finding *f, const struct rule *rule)
{
	(void)context;
	cr_assert_str_eq(f->rule, rule->id);
	w.findings[w.finding_count++] = *f;
}

/* The tracks cut as windows get them. */
static void judge_window(int64_t window, int64_t as_of_ms)
{
	static struct sea_track cut[TRACKS];
	struct detect_sink sink = {.fact = take_fact};
	int64_t from_ms = window * SEA_WINDOW_MS - SEA_BACK_MS, to_ms = (window + 1) * SEA_WINDOW_MS;
	size_t count = 0;
	for (size_t i = 0; i < w.count; i++) {
		const struct sea_track *t = &w.tracks[i];
		size_t first = 0, end;
		while (first < t->count && t->fixes[first].mover.time_ms < from_ms)
			first++;
		for (end = first;
		     end < t->count && t->fixes[end].mover.time_ms < to_ms && t->fixes[end].mover.time_ms <= as_of_ms;)
			end++;
		if (end > first)
			cut[count++] = (struct sea_track){t->device, NULL, t->fixes + first, end - first,
							  first ? SEA_NOT_BORN : t->born_ms};
	}
	cr_assert_eq(sea_window_judge(&w.context, cut, count, window, as_of_ms, &sink), STATUS_OK);
}

/* Windows over `minutes` minutes, then what is found of each pair. */
static void judge(int minutes, int64_t as_of_ms)
{
	struct detect_sink sink = {.finding = take_finding};
	w.fact_count = w.finding_count = 0;
	for (int64_t k = 0; k < minutes / 10; k++)
		judge_window(sea_window_of(START) + k, as_of_ms);
	bool done[2000] = {false};
	for (size_t i = 0; i < w.fact_count; i++) {
		struct fact of[2000];
		size_t count = 0;
		for (size_t k = i; k < w.fact_count && !done[i]; k++)
			if (w.facts[k].place == w.facts[i].place) {
				of[count++] = w.facts[k];
				done[k] = k != i;
			}
		if (count)
			cr_assert_eq(pairs_judge(&w.context, of, count, as_of_ms, &sink), STATUS_OK);
	}
}

static size_t found(const char *rule)
{
	size_t count = 0;
	for (size_t i = 0; i < w.finding_count; i++)
		count += strcmp(w.findings[i].rule, rule) == 0;
	return count;
}

static const struct finding *the(const char *rule)
{
	size_t i = 0;
	while (i < w.finding_count && strcmp(w.findings[i].rule, rule) != 0)
		i++;
	cr_assert_lt(i, w.finding_count, "no finding of %s", rule);
	return &w.findings[i];
}

#define LATER (START + 1000 * HOUR)

/* --- one source silent --- */

Test(sea_codes, a_beacon_silent_while_ais_is_heard_is_found_from_twenty_minutes_before_the_first_window)
{
	speak(track(AIS), 0, 120, 3, 0);
	struct sea_track *beacon = track(BEACON);
	speak(beacon, 0, 21, 10, 0); /* last at 20 */
	speak(beacon, 90, 120, 10, 0);
	judge(120, LATER);
	cr_assert_eq(found("off"), 1);
	const struct finding *f = the("off");
	cr_expect_eq(f->device, BEACON);
	cr_expect_eq(f->other, AIS);
	cr_expect_eq(f->start_ms, START + 30 * MINUTE, "nothing since 20 min; windows from 50 on");
	cr_expect_eq(f->end_ms, START + 90 * MINUTE);
	cr_expect_eq(f->found_ms, START + 70 * MINUTE);
	cr_expect(!f->open);
}

Test(sea_codes, for_less_than_the_time_it_is_not_and_one_window_unheard_does_not_end_it)
{
	struct sea_track *ais = track(AIS), *beacon = track(BEACON);
	speak(ais, 0, 62, 3, 0);
	speak(beacon, 0, 21, 10, 0);
	speak(beacon, 62, 120, 10, 0); /* windows 50 alone: 30 minutes */
	judge(120, LATER);
	cr_expect_eq(found("off"), 0);
	ais->count = beacon->count = 0;
	speak(beacon, 0, 21, 10, 0);
	speak(ais, 0, 59, 3, 0);
	speak(ais, 71, 79, 3, 0); /* the window 60 is missed by AIS */
	judge(120, LATER);
	cr_assert_eq(found("off"), 1);
	cr_expect_eq(the("off")->end_ms, START + 80 * MINUTE);
}

Test(sea_codes, a_beacon_that_misses_one_report_is_not_silent_and_ais_silence_is_another_rule)
{
	struct sea_track *ais = track(AIS), *beacon = track(BEACON);
	speak(ais, 0, 240, 3, 0);
	speak(beacon, 0, 240, 20, 0);
	judge(240, LATER);
	cr_expect_eq(found("off"), 0);
	ais->count = 1;
	judge(240, LATER);
	cr_expect_eq(found("off"), 0);
	w.rules[2].params[PARAM_SOURCE_OFF_SILENT] = 0;
	judge(240, LATER);
	cr_assert_eq(found("off"), 1);
	cr_expect_eq(the("off")->device, AIS);
}

Test(sea_codes, a_silence_that_goes_on_is_open_as_of_then_and_not_later)
{
	speak(track(AIS), 0, 120, 3, 0);
	judge(120, START + 119 * MINUTE);
	cr_assert_eq(found("off"), 1);
	cr_expect(the("off")->open);
	judge(120, START + 200 * MINUTE);
	cr_expect(!the("off")->open);
}

/* --- apart --- */

Test(sea_codes, sources_further_apart_than_anybody_goes_are_found_in_two_windows_and_not_in_one)
{
	struct sea_track *ais = track(AIS), *beacon = track(BEACON);
	speak(ais, 0, 60, 3, 0);
	speak(beacon, 1, 60, 10, 300); /* 5556 m away, a minute later: 333 km/h */
	judge(60, LATER);
	cr_assert_eq(found("apart"), 1);
	cr_expect_lt(llabs(the("apart")->numbers[FINDING_PEAK] - 5540000), 30000);
	cr_expect_eq(the("apart")->numbers[FINDING_REPORTS], 6);
	beacon->count = 1;
	judge(60, LATER);
	cr_expect_eq(found("apart"), 0);
	beacon->count = 0;
	speak(beacon, 1, 60, 10, 90); /* 1667 m: less than asked */
	judge(60, LATER);
	cr_expect_eq(found("apart"), 0);
}

Test(sea_codes, of_two_boats_the_distance_says_nothing)
{
	speak(track(AIS), 0, 60, 3, 0);
	speak(track(OTHER), 1, 60, 10, 300);
	judge(60, LATER);
	cr_expect_eq(found("apart"), 0);
}

/* --- reborn --- */

/* OTHER sails north at 37 km/h (33 hundredths a minute) until minute 12, and is not heard again. */
static struct sea_track *sail_on(double until)
{
	struct sea_track *old = track(OTHER);
	for (int i = 0; i <= until; i++)
		fix(old, i, i * 333 / 10, 370, 0);
	return old;
}

static struct sea_track *be_born(double at, int x, unsigned course_deg)
{
	struct sea_track *young = track(STRANGER);
	young->born_ms = START + (int64_t)(at * MINUTE);
	for (int i = 0; i < 30; i++)
		fix(young, at + i, x + i * 333 / 10, 370, course_deg);
	return young;
}

Test(sea_codes, a_stranger_born_where_a_boat_falls_silent_is_a_lead_with_both_codes)
{
	sail_on(12);
	be_born(14, 466 + 27, 20); /* 500 m ahead of where it would be */
	judge(60, LATER);
	cr_assert_eq(found("reborn"), 1);
	const struct finding *f = the("reborn");
	cr_expect_eq(f->device, OTHER);
	cr_expect_eq(f->other, STRANGER);
	cr_expect_eq(f->start_ms, START + 12 * MINUTE);
	cr_expect_eq(f->end_ms, START + 14 * MINUTE);
	cr_expect_eq(f->confidence, CONFIDENCE_LOW);
	cr_expect_lt(llabs(f->numbers[FINDING_PEAK] - 500000), 30000, "%lld", (long long)f->numbers[FINDING_PEAK]);
}

Test(sea_codes, who_is_still_heard_has_not_vanished)
{
	struct sea_track *old = sail_on(12);
	be_born(14, 466, 0);
	fix(old, 29, 900, 370, 0); /* before the window after the birth is over */
	judge(60, LATER);
	cr_expect_eq(found("reborn"), 0);
}

Test(sea_codes, too_far_too_late_on_another_course_or_heard_before_is_no_birth)
{
	static const struct {
		double at;
		int x;
		unsigned course_deg;
		bool born;
	} cases[] = {{14, 466 + 60, 0, true}, {17.5, 583, 0, true}, {14, 466, 46, true}, {14, 466, 0, false}};
	for (size_t i = 0; i < 4; i++) {
		w.count = 0;
		sail_on(12);
		struct sea_track *young = be_born(cases[i].at, cases[i].x, cases[i].course_deg);
		young->born_ms = cases[i].born ? young->born_ms : SEA_NOT_BORN;
		judge(60, LATER);
		cr_expect_eq(found("reborn"), 0, "case %zu", i);
	}
}

/* --- formations --- */

Test(sea_codes, a_boat_away_from_every_other_of_its_formation_is_found_and_with_one_beside_it_is_not)
{
	struct sea_track *a = track(AIS), *b = track(OTHER), *c = track(STRANGER - 1);
	w.formation[AIS] = w.formation[OTHER] = w.formation[STRANGER - 1] = 77;
	speak(a, 0, 60, 3, 0);
	speak(b, 0, 60, 3, 250);
	speak(c, 0, 60, 3, 600); /* 6482 m from b */
	judge(60, LATER);
	cr_assert_eq(found("left"), 1);
	cr_expect_eq(the("left")->device, STRANGER - 1);
	cr_expect_eq(the("left")->other, 0);
	cr_expect_lt(llabs(the("left")->numbers[FINDING_PEAK] - 6465000), 30000);
	w.formation[OTHER] = 78; /* alone in its own, and the others without it */
	judge(60, LATER);
	cr_assert_eq(found("left"), 2);
	w.formation[STRANGER - 1] = 0;
	judge(60, LATER);
	cr_expect_eq(found("left"), 0);
}

Test(sea_codes, at_one_instant_near_it_is_not_away_in_that_window)
{
	struct sea_track *b = track(AIS), *c = track(OTHER);
	w.formation[AIS] = w.formation[OTHER] = 77;
	speak(b, 0, 20, 1, 600);
	fix(b, 20, 200, 0, 0);
	speak(b, 23, 40, 1, 600);
	speak(c, 0, 60, 3, 0);
	judge(40, LATER);
	cr_expect_eq(found("left"), 0, "two windows, one, one");
	size_t facts = 0;
	for (size_t i = 0; i < w.fact_count; i++)
		facts += w.facts[i].kind == FACT_LEFT;
	cr_expect_eq(facts, 6);
}
