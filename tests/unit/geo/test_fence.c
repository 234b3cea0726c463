/* Areas and their index, in facts one can check by hand. */
#include <criterion/criterion.h>

#include "engine/core/limits.h"
#include "engine/geo/fence_index.h"

static struct fence_area *area(const struct geo_point *points, uint32_t count)
{
	struct fence_area *a;
	cr_assert_eq(fence_area_new(points, &count, 1, &a), STATUS_OK);
	return a;
}

static struct fence_area *square(int32_t lat, int32_t lon, int32_t side)
{
	struct geo_point p[] = {{lat, lon}, {lat, lon + side}, {lat + side, lon + side}, {lat + side, lon}};
	return area(p, 4);
}

static bool holds(const struct fence_area *a, int32_t lat, int32_t lon)
{
	return fence_area_contains(a, (struct geo_point){lat, lon});
}

/* The old one is released. */
static struct fence_index *with(struct fence_index *old, uint32_t slot, struct fence_area *a)
{
	struct fence_index *next;
	cr_assert_eq(fence_index_change(old, &(struct fence_change){slot, a}, 1, &next), STATUS_OK);
	fence_index_unref(old);
	return next;
}

static struct fence_index *empty_index(void)
{
	struct fence_index *i;
	cr_assert_eq(fence_index_new(&i), STATUS_OK);
	return i;
}

Test(fence, vertices_and_edges_belong_to_it_and_one_unit_off_does_not)
{
	struct fence_area *a = square(100, 100, 10);
	cr_assert(holds(a, 100, 100) && holds(a, 110, 110) && holds(a, 100, 105) && holds(a, 105, 110));
	cr_assert(holds(a, 105, 105));
	cr_assert(!holds(a, 99, 105) && !holds(a, 111, 105) && !holds(a, 105, 99) && !holds(a, 105, 111));
	fence_area_unref(a);
}

Test(fence, the_border_of_a_hole_belongs_to_it_and_the_hole_does_not)
{
	struct geo_point p[] = {{0, 0}, {0, 9}, {9, 9}, {9, 0}, {3, 3}, {3, 6}, {6, 6}, {6, 3}};
	uint32_t ends[] = {4, 8};
	struct fence_area *a;
	cr_assert_eq(fence_area_new(p, ends, 2, &a), STATUS_OK);
	cr_assert(holds(a, 3, 3) && holds(a, 3, 4) && holds(a, 6, 5) && holds(a, 2, 4));
	cr_assert(!holds(a, 4, 4) && !holds(a, 5, 5));
	fence_area_unref(a);
}

Test(fence, two_rings_that_overlap_cancel_there)
{
	struct geo_point p[] = {{0, 0}, {0, 9}, {9, 9}, {9, 0}, {4, 4}, {4, 20}, {20, 20}, {20, 4}};
	uint32_t ends[] = {4, 8};
	struct fence_area *a;
	cr_assert_eq(fence_area_new(p, ends, 2, &a), STATUS_OK);
	cr_assert(holds(a, 2, 2) && !holds(a, 6, 6) && holds(a, 15, 15));
	fence_area_unref(a);
}

Test(fence, plus_and_minus_180_degrees_are_one_meridian)
{
	struct fence_area *east = square(0, -1800000000, 10), *west = square(0, 1799999990, 10);
	cr_assert(holds(east, 5, 1800000000) && holds(east, 5, -1800000000));
	cr_assert(holds(west, 5, 1800000000) && holds(west, 5, -1800000000));
	cr_assert(!holds(east, 5, 1799999999) && !holds(west, 5, -1799999999) && !holds(east, 11, 1800000000));
	fence_area_unref(east);
	fence_area_unref(west);
}

Test(fence, a_pole_is_a_border_of_the_map)
{
	struct fence_area *a = square(899999990, 0, 10);
	cr_assert(holds(a, 900000000, 5) && !holds(a, 900000000, 11) && !holds(a, 900000001, 5));
	fence_area_unref(a);
}

Test(fence, an_edge_across_the_globe_is_exact_to_the_unit)
{
	struct geo_point p[] = {{-900000000, -1800000000}, {900000000, 1800000000}, {-900000000, 1800000000}};
	struct fence_area *a = area(p, 3);
	cr_assert(holds(a, 0, 0) && holds(a, 450000000, 900000000));
	cr_assert(!holds(a, 1, 1) && holds(a, 1, 2) && !holds(a, 450000000, 899999999));
	fence_area_unref(a);
}

Test(fence, a_sliver_has_its_border_and_no_more)
{
	struct geo_point p[] = {{0, 0}, {1, 1000}, {2, 2000}};
	struct fence_area *a = area(p, 3);
	cr_assert(holds(a, 0, 0) && holds(a, 1, 1000) && holds(a, 2, 2000));
	cr_assert(!holds(a, 1, 999) && !holds(a, 1, 1001) && !holds(a, 0, 1));
	fence_area_unref(a);
}

Test(fence, repeated_points_are_dropped_and_what_is_left_must_be_a_ring)
{
	struct geo_point p[] = {{0, 0}, {0, 0}, {0, 5}, {5, 5}, {5, 5}, {0, 0}};
	struct geo_point two[] = {{0, 0}, {0, 5}, {0, 0}, {0, 5}}, off[] = {{0, 0}, {0, 5}, {900000001, 5}};
	uint32_t four = 4, three = 3, backwards[] = {4, 3};
	struct fence_area *a = area(p, 6), *none;
	cr_assert_eq(a->point_count, 3);
	cr_assert_eq(fence_area_new(two, &four, 1, &none), STATUS_INVALID);
	cr_assert_eq(fence_area_new(off, &three, 1, &none), STATUS_INVALID);
	cr_assert_eq(fence_area_new(p, backwards, 2, &none), STATUS_INVALID);
	cr_assert_eq(fence_area_new(p, &four, 0, &none), STATUS_INVALID);
	fence_area_unref(a);
}

Test(fence, a_segment_that_crosses_and_leaves_meets_it)
{
	struct fence_area *a = square(100, 100, 10);
	cr_assert(fence_area_meets(a, (struct geo_point){105, 0}, (struct geo_point){105, 200}));
	cr_assert(fence_area_meets(a, (struct geo_point){90, 100}, (struct geo_point){110, 80}) == false);
	cr_assert(fence_area_meets(a, (struct geo_point){90, 110}, (struct geo_point){110, 90}), "through a corner");
	cr_assert(fence_area_meets(a, (struct geo_point){104, 104}, (struct geo_point){105, 105}), "wholly inside");
	fence_area_unref(a);
}

Test(fence, a_segment_goes_the_short_way_over_the_antimeridian)
{
	struct fence_area *there = square(0, -1799999900, 10), *home = square(0, 0, 10);
	struct geo_point p = {5, 1799999900}, q = {5, -1799999800};
	cr_assert(fence_area_meets(there, p, q) && fence_area_meets(there, q, p));
	cr_assert(!fence_area_meets(home, p, q));
	fence_area_unref(there);
	fence_area_unref(home);
}

Test(fence_index, neighbours_share_their_border_and_slots_ascend)
{
	struct fence_area *a = square(0, 0, 10), *b = square(0, 10, 10);
	struct fence_index *i = with(with(empty_index(), 9, a), 4, b);
	uint32_t slots[2];
	cr_assert_eq(fence_index_find(i, NULL, (struct geo_point){5, 10}, slots, 2), 2);
	cr_assert(slots[0] == 4 && slots[1] == 9);
	cr_assert_eq(fence_index_find(i, NULL, (struct geo_point){5, 9}, slots, 2), 1);
	cr_assert_eq(slots[0], 9);
	fence_area_unref(a);
	fence_area_unref(b);
	fence_index_unref(i);
}

Test(fence_index, an_older_snapshot_stays_as_it_was_and_its_cursor_is_not_used_for_another)
{
	struct fence_area *a = square(0, 0, 100000);
	struct fence_index *old = with(empty_index(), 0, a), *now = with(fence_index_ref(old), 0, NULL);
	struct fence_cursor cursor = {0};
	struct geo_point p = {50000, 50000};
	uint32_t slot;
	for (int i = 0; i < 3; i++) {
		cr_assert_eq(fence_index_find(old, &cursor, p, &slot, 1), 1);
		cr_assert_eq(fence_index_find(old, &cursor, p, &slot, 1), 1);
		cr_assert_eq(fence_index_find(now, &cursor, p, &slot, 1), 0);
	}
	fence_area_unref(a);
	fence_index_unref(old);
	fence_index_unref(now);
}

Test(fence_index, the_last_change_of_a_slot_holds_and_a_slot_past_the_bound_is_refused)
{
	struct fence_area *a = square(0, 0, 10), *b = square(100, 0, 10);
	struct fence_change both[] = {{3, a}, {3, b}}, past = {FENCE_SLOTS_MAX, a};
	struct fence_index *empty = empty_index(), *i, *none;
	uint32_t slot;
	cr_assert_eq(fence_index_change(empty, both, 2, &i), STATUS_OK);
	cr_assert_eq(fence_index_find(i, NULL, (struct geo_point){5, 5}, &slot, 1), 0);
	cr_assert_eq(fence_index_find(i, NULL, (struct geo_point){105, 5}, &slot, 1), 1);
	cr_assert_eq(fence_index_change(empty, &past, 1, &none), STATUS_INVALID);
	fence_index_unref(empty);
	fence_index_unref(i);
	fence_area_unref(a);
	fence_area_unref(b);
}

Test(fence_index, a_thousand_fences_on_one_another_are_all_found)
{
	struct fence_index *empty = empty_index(), *i;
	struct fence_area *a = square(0, 0, 5000);
	static struct fence_change changes[1000];
	static uint32_t slots[1000];
	for (uint32_t k = 0; k < 1000; k++)
		changes[k] = (struct fence_change){k, a};
	cr_assert_eq(fence_index_change(empty, changes, 1000, &i), STATUS_OK);
	cr_assert_eq(fence_index_find(i, NULL, (struct geo_point){5000, 2500}, slots, 1000), 1000);
	cr_assert_eq(slots[999], 999);
	cr_assert_eq(fence_index_find(i, NULL, (struct geo_point){5001, 2500}, slots, 1000), 0);
	cr_assert_eq(fence_index_find_segment(i, (struct geo_point){-9, 7}, (struct geo_point){6000, 9}, slots, 5),
		     1000);
	cr_assert_eq(slots[4], 4);
	fence_index_unref(empty);
	fence_index_unref(i);
	fence_area_unref(a);
}
