/* Skimming reports leaves the state, and tells, what stepping each of them does. */
#include <stdio.h>

#include "step_world.h"

#define ROWS 1000

struct day {
	int64_t time_ms[ROWS];
	int32_t lat_e7[ROWS], lon_e7[ROWS];
	uint16_t speed_dkmh[ROWS], flags[ROWS];
	uint32_t alarm[ROWS], status[ROWS], mileage_hm[ROWS];
};

static uint64_t next_random(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

/* Trips and stands of random length, now and then an alarm, a jump, a report without fix, a pause or another load; on a
 * calm day alarms and unknown speeds alone. */
static void make_day(struct day *d, uint64_t seed, bool calm)
{
	int64_t now = NOON - 12 * HOUR;
	int32_t lat = 249000000, lon = 1186000000;
	uint32_t load = 0, mileage = 1000;
	bool drives = false;
	for (int i = 0; i < ROWS; i++) {
		uint64_t r = next_random(&seed), fate = r >> 32 & 255;
		fate = calm && fate != 5 && fate != 7 ? 99 : fate;
		drives = r % 23 == 0 ? !drives : drives;
		load = fate == 0 ? load ^ STATUS_LOADED : load;
		now += fate == 1 ? 20 * MINUTE : fate == 2 ? 40 * MINUTE : 10 * SECOND;
		lat += drives ? (int32_t)(r >> 8 & 4095) - 2000 : 0;
		lon += fate == 3 ? 3000000 : drives ? (int32_t)(r >> 20 & 4095) - 2000 : 0;
		mileage += drives || fate == 4;
		d->time_ms[i] = now;
		d->lat_e7[i] = lat;
		d->lon_e7[i] = lon;
		d->speed_dkmh[i] = fate == 5 ? SPEED_UNKNOWN : drives ? (uint16_t)(300 + (r >> 40) % 620) : 0;
		d->mileage_hm[i] = fate == 6 ? MILEAGE_UNKNOWN : mileage;
		d->alarm[i] = fate == 7 ? 1u << (r >> 44 & 15) : 0;
		d->status[i] = (fate == 8 ? 0 : STATUS_BIT_FIX) | STATUS_BIT_ACC | load;
		d->flags[i] = report_flags_of_status(d->status[i]);
	}
}

static void start(struct step_world *w, const char *rules, uint8_t class_code)
{
	struct fence zone = world_square("zone", "speed_zone", 2, 2, 9, 9);
	world_init(w, class_code);
	zone.limit_dkmh = 400;
	if (rules)
		world_rules(w, INT64_MIN, rules);
	world_fence(w, &zone);
	w->subject.scrap_due_ms = NOON;
	if (class_code == DEVICE_CLASS_SCHOOL_BUS)
		world_permit(w, PERMIT_ROUTE, "zone", "always");
	world_start(w);
}

static struct report row(const struct day *d, size_t i)
{
	return (struct report){.time_ms = d->time_ms[i],
			       .received_ms = RECEIVED_UNKNOWN,
			       .hash = i + 1,
			       .lat_e7 = d->lat_e7[i],
			       .lon_e7 = d->lon_e7[i],
			       .alarm = d->alarm[i],
			       .status = d->status[i],
			       .mileage_hm = d->mileage_hm[i],
			       .speed_dkmh = d->speed_dkmh[i],
			       .course_deg = COURSE_UNKNOWN,
			       .altitude_m = ALTITUDE_UNKNOWN,
			       .flags = d->flags[i],
			       .body = REPORT_BODY_ROW};
}

static void step_row(struct step_world *w, const struct day *d, size_t i)
{
	struct report r = row(d, i);
	cr_assert_eq(detect_step(w->state, w->detector, &r, &w->sink), STATUS_OK);
}

static void same_state(const struct step_world *a, const struct step_world *b, uint64_t seed, size_t at)
{
	struct buf x = buf_init(1 << 20), y = buf_init(1 << 20);
	cr_assert_eq(detect_state_encode(a->state, &x), STATUS_OK);
	cr_assert_eq(detect_state_encode(b->state, &y), STATUS_OK);
	cr_assert(span_equal(buf_view(&x), buf_view(&y)), "seed %llu: the states differ at row %zu",
		  (unsigned long long)seed, at);
	cr_assert_eq(a->finding_count, b->finding_count);
	cr_assert_eq(a->fact_count, b->fact_count);
	buf_deinit(&x);
	buf_deinit(&y);
}

/* What a block of the whole day would say of itself, as far as skimming asks. */
static void summarise(const struct day *d, struct block_summary *out, int64_t *out_longest_ms)
{
	*out = (struct block_summary){.count = ROWS, .status_and = UINT32_MAX, .time_first_ms = d->time_ms[0]};
	*out_longest_ms = 0;
	for (int i = 0; i < ROWS; i++) {
		out->alarm_or |= d->alarm[i];
		out->flags_or |= d->flags[i];
		out->status_or |= d->status[i];
		out->status_and &= d->status[i];
		out->time_last_ms = d->time_ms[i];
		if (d->speed_dkmh[i] != SPEED_UNKNOWN && d->speed_dkmh[i] > out->speed_max_dkmh)
			out->speed_max_dkmh = d->speed_dkmh[i];
		if (i && d->time_ms[i] - d->time_ms[i - 1] > *out_longest_ms)
			*out_longest_ms = d->time_ms[i] - d->time_ms[i - 1];
	}
}

/* How many rows were skimmed; states are compared after every step. */
static size_t compare(const char *rules, uint8_t class_code, uint64_t seed, bool calm)
{
	static struct day d;
	static struct step_world stepped, skimmed;
	struct block_columns c = {.count = ROWS,
				  .time_ms = d.time_ms,
				  .lat_e7 = d.lat_e7,
				  .lon_e7 = d.lon_e7,
				  .speed_dkmh = d.speed_dkmh,
				  .alarm = d.alarm,
				  .status = d.status,
				  .mileage_hm = d.mileage_hm,
				  .flags = d.flags};
	struct block_summary all;
	size_t count = 0, done = 0;
	make_day(&d, seed, calm);
	summarise(&d, &all, &c.longest_ms);
	start(&stepped, rules, class_code);
	start(&skimmed, rules, class_code);
	for (size_t i = 0; i < ROWS; i++) {
		struct detect_rows rows = {&c, &all, i, ROWS - 1, false, true};
		size_t until = detect_skim(skimmed.state, skimmed.detector, &rows);
		count += until - i;
		i = until;
		step_row(&skimmed, &d, i);
		while (done <= i)
			step_row(&stepped, &d, done++);
		same_state(&stepped, &skimmed, seed, i);
	}
	world_deinit(&stepped);
	world_deinit(&skimmed);
	return count;
}

Test(detect_skim, leaves_what_stepping_leaves)
{
	struct span text = rules_default();
	static char rules[1 << 17];
	cr_assert_lt(text.size, sizeof rules);
	memcpy(rules, text.data, text.size);
	for (uint64_t seed = 1; seed <= 20; seed++)
		for (uint8_t class_code = 0; class_code < DEVICE_CLASS_COUNT; class_code++)
			compare(rules, class_code, seed * UINT64_C(0x9e3779b97f4a7c15), seed % 4 == 0);
}

/* A way between two reports that crosses a fence is no place where nothing happens. */
Test(detect_skim, leaves_what_is_crossed_between_reports)
{
	const char *rules = "[crossed]\nkind = zone\n" RULE("where = tag:speed_zone\nsegment = yes\ngap = 40 min\n");
	size_t skimmed = 0;
	for (uint64_t seed = 1; seed <= 40; seed++)
		skimmed += compare(rules, DEVICE_CLASS_TRUCK, seed * UINT64_C(0x9e3779b97f4a7c15), seed % 4 == 0);
	cr_expect_gt(skimmed, 40 * ROWS / 2);
}
#define OVER "[over]\nkind = overspeed\n" RULE("hold = 60 s\nlimit = 80 km/h\n")

Test(detect_skim, passes_over_most_of_a_day)
{
	cr_expect_gt(compare(OVER, DEVICE_CLASS_TRUCK, 7, false), ROWS / 2);
}

Test(detect_skim, takes_calm_stretches_at_once)
{
	static const char rules[] = OVER "[fast]\nkind = overspeed\n" RULE(
		"limit = 70 km/h\nwhen = 06:00-09:00\n") "[battery]\nkind = alarm_bits\n" RULE("bits = 3 7 11\n");
	size_t skimmed = 0;
	for (uint64_t seed = 1; seed <= 40; seed++)
		skimmed += compare(rules, DEVICE_CLASS_TRUCK, seed * UINT64_C(0x9e3779b97f4a7c15), true);
	cr_expect_gt(skimmed, 40 * ROWS / 2);
}
