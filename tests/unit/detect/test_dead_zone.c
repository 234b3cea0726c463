#include <criterion/criterion.h>

#include "engine/core/clock.h"
#include "engine/detect/dead_zone.h"

/* 2026-03-02 00:00 in China */
#define MONDAY INT64_C(1772380800000)
#define LAT 249012345
#define LON 1186098765

static struct dead_zone_learner *learner;
static struct fact facts[64];
static size_t count;

static void gap_at(uint64_t device, int64_t from_ms, int64_t to_ms, int32_t lat_e7, int32_t lon_e7)
{
	facts[count++] = (struct fact){.kind = FACT_GAP,
				       .device = device,
				       .from_ms = from_ms,
				       .to_ms = to_ms,
				       .from_lat_e7 = lat_e7,
				       .from_lon_e7 = lon_e7,
				       .to_lat_e7 = lat_e7 + 1000000,
				       .to_lon_e7 = lon_e7};
}

static void drive_to(uint64_t device, int64_t to_ms, int32_t lat_e7, int32_t lon_e7)
{
	facts[count++] = (struct fact){.kind = FACT_DRIVE,
				       .device = device,
				       .from_ms = to_ms - 1000,
				       .to_ms = to_ms,
				       .from_lat_e7 = lat_e7 - 1000000,
				       .from_lon_e7 = lon_e7,
				       .to_lat_e7 = lat_e7,
				       .to_lon_e7 = lon_e7};
}

static struct dead_zone_map *learn(int64_t day_ms)
{
	struct dead_zone_map *m = NULL;
	cr_assert_eq(dead_zone_learner_new(day_ms, &learner), STATUS_OK);
	for (size_t i = 0; i < count; i++)
		cr_assert_eq(dead_zone_learn_gap(learner, &facts[i]), STATUS_OK);
	for (size_t i = count; i > 0; i--)
		cr_assert_eq(dead_zone_learn_seen(learner, &facts[i - 1]), STATUS_OK);
	cr_assert_eq(dead_zone_learner_finish(learner, &m), STATUS_OK);
	dead_zone_learner_free(learner);
	return m;
}

static bool dead(int64_t day_ms)
{
	struct dead_zone_map *m = learn(day_ms);
	bool covered = dead_zone_map_covers(m, LAT, LON);
	cr_assert_eq(dead_zone_map_count(m), covered);
	dead_zone_map_unref(m);
	return covered;
}

static void five_gaps(void)
{
	count = 0;
	for (uint64_t i = 1; i <= 5; i++)
		gap_at(i, MONDAY - (int64_t)i * MS_PER_HOUR, MONDAY - (int64_t)i * MS_PER_HOUR + 1000, LAT, LON);
}

TestSuite(dead_zone, .init = five_gaps);

Test(dead_zone, five_devices_make_one_and_four_do_not)
{
	cr_assert(dead(MONDAY));
	facts[4].device = 1;
	cr_assert(!dead(MONDAY));
}

Test(dead_zone, one_device_a_hundred_times_makes_none)
{
	for (size_t i = 0; i < 60; i++) {
		facts[i] = facts[0];
		facts[i].from_ms -= (int64_t)i;
	}
	count = 60;
	cr_assert(!dead(MONDAY));
}

Test(dead_zone, half_of_those_seen_must_have_lost_contact)
{
	for (uint64_t i = 11; i <= 15; i++)
		drive_to(i, MONDAY - 5, LAT, LON);
	drive_to(1, MONDAY - 5, LAT, LON); /* seen already */
	cr_assert(dead(MONDAY));
	drive_to(16, MONDAY - 5, LAT, LON);
	cr_assert(!dead(MONDAY));
}

Test(dead_zone, it_is_learned_for_the_next_day_and_forgotten_after_seven)
{
	cr_assert(!dead(MONDAY - MS_PER_DAY));
	cr_assert(dead(MONDAY));
	cr_assert(dead(MONDAY + 6 * MS_PER_DAY));
	cr_assert(!dead(MONDAY + 7 * MS_PER_DAY));
}

Test(dead_zone, a_gap_that_goes_on_when_the_day_begins_is_not_known_yet)
{
	facts[0].to_ms = MONDAY;
	cr_assert(!dead(MONDAY));
	cr_assert(dead(MONDAY + MS_PER_DAY));
}

Test(dead_zone, cells_are_a_hundredth_of_a_degree_and_zeros_are_nowhere)
{
	struct dead_zone_map *m = learn(MONDAY);
	int32_t lat, lon;
	dead_zone_map_cell(m, 0, &lat, &lon);
	cr_assert(lat == 249000000 && lon == 1186000000);
	cr_assert(dead_zone_map_covers(m, 249000000, 1186000000));
	cr_assert(dead_zone_map_covers(m, 249099999, 1186099999));
	cr_assert(!dead_zone_map_covers(m, 248999999, 1186000000));
	cr_assert(!dead_zone_map_covers(m, 249100000, 1186000000));
	cr_assert(!dead_zone_map_covers(m, 249000000, 1186100000));
	cr_assert_eq(dead_zone_map_day_ms(m), MONDAY);
	dead_zone_map_unref(m);
	for (size_t i = 0; i < count; i++)
		facts[i].from_lat_e7 = facts[i].from_lon_e7 = 0;
	m = learn(MONDAY);
	cr_assert_eq(dead_zone_map_count(m), 0);
	dead_zone_map_unref(m);
}

Test(dead_zone, the_corners_of_the_world_are_cells_too)
{
	count = 0;
	for (uint64_t i = 1; i <= 5; i++) {
		gap_at(i, MONDAY - 9, MONDAY - 8, -900000000, -1800000000);
		gap_at(i, MONDAY - 7, MONDAY - 6, 900000000, 1800000000);
	}
	struct dead_zone_map *m = learn(MONDAY), *again = NULL;
	struct buf b = buf_init(64);
	cr_assert_eq(dead_zone_map_count(m), 2);
	cr_assert_eq(dead_zone_map_encode(m, &b), STATUS_OK);
	cr_assert_eq(dead_zone_map_decode(buf_view(&b), &again), STATUS_OK);
	cr_assert(dead_zone_map_covers(again, 900000000, 1800000000));
	cr_assert(dead_zone_map_covers(again, -900000000, -1800000000));
	buf_deinit(&b);
	dead_zone_map_unref(m);
	dead_zone_map_unref(again);
}

Test(dead_zone, a_learner_keeps_its_order_and_its_day)
{
	cr_assert_eq(dead_zone_learner_new(MONDAY + 1, &learner), STATUS_INVALID);
	cr_assert_eq(dead_zone_learner_new(MONDAY, &learner), STATUS_OK);
	cr_assert_eq(dead_zone_learn_seen(learner, &facts[0]), STATUS_OK);
	cr_assert_eq(dead_zone_learn_gap(learner, &facts[0]), STATUS_INVALID);
	dead_zone_learner_free(learner);
	dead_zone_learner_free(NULL);
}

Test(dead_zone, bytes_are_those_of_the_layout)
{
	for (uint64_t i = 1; i <= 5; i++)
		gap_at(i, MONDAY - 5, MONDAY - 4, LAT, LON + 300000);
	struct dead_zone_map *m = learn(MONDAY);
	struct buf b = buf_init(64);
	char hex[129];
	cr_assert_eq(dead_zone_map_encode(m, &b), STATUS_OK);
	hex_encode(hex, buf_view(&b));
	/* cell 11490 * 36001 + 29860 = 413681350, then 3 further on */
	cr_assert_str_eq(hex, "01"
			      "0000019caa20c400"
			      "00000002"
			      "c68da1c501"
			      "02");
	buf_deinit(&b);
	dead_zone_map_unref(m);
}

Test(dead_zone, damage_is_refused)
{
	struct dead_zone_map *m = learn(MONDAY), *again = NULL;
	struct buf b = buf_init(64);
	cr_assert_eq(dead_zone_map_encode(m, &b), STATUS_OK);
	for (size_t size = 0; size < b.size; size++)
		cr_assert_eq(dead_zone_map_decode(span_of(b.data, size), &again), STATUS_CORRUPT);
	cr_assert_eq(buf_append_u8(&b, 0), STATUS_OK);
	cr_assert_eq(dead_zone_map_decode(buf_view(&b), &again), STATUS_CORRUPT);
	b.size--;
	b.data[8] ^= 1; /* no beginning of a day */
	cr_assert_eq(dead_zone_map_decode(buf_view(&b), &again), STATUS_CORRUPT);
	b.data[8] ^= 1;
	b.data[b.size - 1] = 0x7f; /* off the globe */
	cr_assert_eq(dead_zone_map_decode(buf_view(&b), &again), STATUS_CORRUPT);
	b.data[0] = 2;
	cr_assert_eq(dead_zone_map_decode(buf_view(&b), &again), STATUS_BAD_VERSION);
	buf_deinit(&b);
	dead_zone_map_unref(m);
}

Test(dead_zone, each_time_is_asked_of_the_newest_map_that_has_begun)
{
	struct dead_zones *z = NULL, *more = NULL, *mended = NULL, *later = NULL;
	struct dead_zone_map *monday = learn(MONDAY);
	count = 0;
	struct dead_zone_map *tuesday = learn(MONDAY + MS_PER_DAY), *quiet = learn(MONDAY);
	cr_assert_eq(dead_zones_with(NULL, tuesday, INT64_MIN, &z), STATUS_OK);
	cr_assert_eq(dead_zones_with(z, monday, INT64_MIN, &more), STATUS_OK);
	cr_assert(!dead_zones_cover(NULL, MONDAY, LAT, LON));
	cr_assert(!dead_zones_cover(z, MONDAY, LAT, LON));
	cr_assert(!dead_zones_cover(more, MONDAY - 1, LAT, LON));
	cr_assert(dead_zones_cover(more, MONDAY, LAT, LON));
	cr_assert(dead_zones_cover(more, MONDAY + MS_PER_DAY - 1, LAT, LON));
	cr_assert(!dead_zones_cover(more, MONDAY + MS_PER_DAY, LAT, LON));
	cr_assert_eq(dead_zones_with(more, quiet, INT64_MIN, &mended), STATUS_OK);
	cr_assert(!dead_zones_cover(mended, MONDAY, LAT, LON), "a map takes the place of its day's");
	cr_assert_eq(dead_zones_with(more, monday, MONDAY + 5, &later), STATUS_OK);
	cr_assert(dead_zones_cover(later, MONDAY + 5, LAT, LON), "the map that holds then is kept");
	dead_zones_unref(later);
	cr_assert_eq(dead_zones_with(more, monday, MONDAY + MS_PER_DAY, &later), STATUS_OK);
	cr_assert(!dead_zones_cover(later, MONDAY + 5, LAT, LON));
	dead_zones_unref(dead_zones_ref(z));
	dead_zones_unref(z);
	dead_zones_unref(more);
	dead_zones_unref(mended);
	dead_zones_unref(later);
	dead_zones_unref(NULL);
	dead_zone_map_unref(monday);
	dead_zone_map_unref(tuesday);
	dead_zone_map_unref(quiet);
}
