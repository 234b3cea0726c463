#include <criterion/criterion.h>

#include "engine/geo/box.h"

static const struct box bay = {245000000, 1184000000, 251000000, 1190000000};
static const struct box pacific = {-100000000, 1790000000, 100000000, -1790000000};

Test(box, holds_its_inside_and_its_borders)
{
	cr_assert(box_contains(&bay, 248000000, 1186000000));
	cr_assert(box_contains(&bay, 245000000, 1184000000));
	cr_assert(box_contains(&bay, 251000000, 1190000000));
	cr_assert_not(box_contains(&bay, 244999999, 1186000000));
	cr_assert_not(box_contains(&bay, 251000001, 1186000000));
	cr_assert_not(box_contains(&bay, 248000000, 1183999999));
	cr_assert_not(box_contains(&bay, 248000000, 1190000001));
}

Test(box, may_cross_the_antimeridian)
{
	cr_assert(box_contains(&pacific, 0, 1790000000));
	cr_assert(box_contains(&pacific, 0, -1790000000));
	cr_assert(box_contains(&pacific, 0, 1800000000));
	cr_assert(box_contains(&pacific, 0, -1800000000));
	cr_assert_not(box_contains(&pacific, 0, 1789999999));
	cr_assert_not(box_contains(&pacific, 0, -1789999999));
	cr_assert_not(box_contains(&pacific, 0, 0));
}

Test(box, takes_both_names_of_the_antimeridian)
{
	struct box east = {0, 1700000000, 10, 1800000000}, west = {0, -1800000000, 10, -1700000000};
	cr_assert(box_contains(&east, 5, -1800000000));
	cr_assert(box_contains(&west, 5, 1800000000));
	cr_assert_not(box_contains(&east, 5, -1799999999));
}

Test(box, of_no_latitudes_is_empty)
{
	struct box none = {10, 0, 9, 100};
	cr_assert(box_is_empty(&none));
	cr_assert_not(box_contains(&none, 9, 50));
	cr_assert_not(box_contains(&none, 10, 50));
	cr_assert_not(box_intersects(&none, &none));
}

Test(box, meets_what_shares_a_point_with_it)
{
	struct box inside = {246000000, 1185000000, 247000000, 1186000000};
	struct box touching = {251000000, 1190000000, 252000000, 1191000000};
	struct box cross = {200000000, 1186000000, 300000000, 1187000000};
	struct box apart = {245000000, 1190000001, 251000000, 1191000000};
	struct box fiji = {0, 1795000000, 10, 1796000000}, samoa = {0, -1796000000, 10, -1790000001};
	cr_assert(box_intersects(&bay, &inside) && box_intersects(&inside, &bay));
	cr_assert(box_intersects(&bay, &touching) && box_intersects(&touching, &bay));
	cr_assert(box_intersects(&bay, &cross) && box_intersects(&cross, &bay));
	cr_assert_not(box_intersects(&bay, &apart) || box_intersects(&apart, &bay));
	cr_assert(box_intersects(&pacific, &fiji) && box_intersects(&fiji, &pacific));
	cr_assert(box_intersects(&pacific, &samoa) && box_intersects(&samoa, &pacific));
	cr_assert_not(box_intersects(&pacific, &bay));
	cr_assert(box_intersects(&pacific, &pacific));
}
