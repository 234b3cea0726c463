#include <criterion/criterion.h>

#include "engine/series/report_list.h"

static void push(struct report_list *l, int64_t time_ms, uint64_t hash, int64_t received_ms)
{
	struct report r = {.time_ms = time_ms, .hash = hash, .received_ms = received_ms};
	cr_assert_eq(report_list_push(l, &r), STATUS_OK);
}

Test(report_list, the_list_owns_the_items_it_was_given)
{
	struct report_list l = report_list_init(4, 1 << 20);
	uint8_t items[3] = {1, 2, 3};
	struct report r = {.items = items, .items_size = sizeof items};
	cr_assert_eq(report_list_push(&l, &r), STATUS_OK);
	items[0] = 9;
	cr_assert_eq(l.reports[0].items[0], 1);
	report_list_deinit(&l);
}

Test(report_list, a_bound_passed_is_told_and_changes_nothing)
{
	struct report_list l = report_list_init(2, 100);
	uint8_t items[101] = {0};
	struct report r = {.items = items, .items_size = sizeof items};
	cr_assert_eq(report_list_push(&l, &r), STATUS_FULL);
	cr_assert_eq(l.count, 0);
	push(&l, 1, 1, 0);
	push(&l, 2, 1, 0);
	r.items_size = 0;
	cr_assert_eq(report_list_push(&l, &r), STATUS_FULL);
	cr_assert_eq(l.count, 2);
	report_list_deinit(&l);
}

Test(report_list, sorting_orders_by_time_and_hash_and_folds_duplicates)
{
	struct report_list l = report_list_init(16, 1 << 20);
	push(&l, 50, 1, 100);
	push(&l, 60, 1, 100);
	push(&l, 10, 2, 100);
	push(&l, 20, 1, 100);
	push(&l, 60, 1, 90);
	push(&l, 10, 1, 100);
	push(&l, 70, 1, 100);
	cr_assert_eq(report_list_sort(&l), 1);
	static const int64_t times[] = {10, 10, 20, 50, 60, 70};
	cr_assert_eq(l.count, 6);
	for (size_t i = 0; i < l.count; i++)
		cr_assert_eq(l.reports[i].time_ms, times[i]);
	cr_assert_eq(l.reports[0].hash, 1);
	cr_assert_eq(l.reports[4].received_ms, 90);
	report_list_deinit(&l);
}

Test(report_list, an_empty_list_and_a_list_of_one_are_sorted)
{
	struct report_list l = report_list_init(2, 16);
	cr_assert_eq(report_list_sort(&l), 0);
	push(&l, 1, 1, 0);
	cr_assert_eq(report_list_sort(&l), 0);
	cr_assert_eq(l.count, 1);
	report_list_deinit(&l);
}
