#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#include "engine/detect/fence_set.h"

#define WORLD INT64_MIN, INT64_MAX

static struct fence_area *square_at(int32_t south, int32_t west, int32_t side)
{
	int32_t north = south + side, east = west + side;
	struct geo_point points[] = {{south, west}, {south, east}, {north, east}, {north, west}};
	uint32_t end = 4;
	struct fence_area *area = NULL;
	cr_assert_eq(fence_area_new(points, &end, 1, &area), STATUS_OK);
	return area;
}

/* A square of one degree with its corner at (lat, 118). */
static struct fence_area *square(int lat)
{
	return square_at(lat * 10000000, 1180000000, 10000000);
}

static uint16_t tag(const char *text)
{
	uint16_t number = 0;
	cr_assert_eq(tag_number(span_of_string(text), &number), STATUS_OK);
	return number;
}

static struct fence fence_of(const char *id, int64_t from_ms, int64_t to_ms, struct fence_area *area)
{
	struct fence f = {.valid_from_ms = from_ms, .valid_to_ms = to_ms, .when = SCHEDULE_ALWAYS, .area = area};
	snprintf(f.id, sizeof f.id, "%s", id);
	return f;
}

static struct fence_set *changed(struct fence_set *old, const struct fence *changes, size_t count)
{
	struct fence_set *s = NULL;
	cr_assert_eq(fence_set_change(old, changes, count, &s), STATUS_OK);
	return s;
}

static struct fence_set *empty(void)
{
	struct fence_set *s = NULL;
	cr_assert_eq(fence_set_new(&s), STATUS_OK);
	return s;
}

static const struct fence *find(const struct fence_set *s, const char *id, int64_t time_ms)
{
	return fence_set_find(s, span_of_string(id), time_ms);
}

static size_t at_point(const struct fence_set *s, int lat, uint32_t slots[8])
{
	struct fence_cursor cursor;
	memset(&cursor, 0, sizeof cursor);
	struct geo_point p = {lat * 10000000 + 5000000, 1185000000};
	return fence_index_find(fence_set_index(s), &cursor, p, slots, 8);
}

Test(fence_set, an_empty_one_holds_nothing)
{
	struct fence_set *s = empty();
	uint32_t slots[8];
	cr_assert_eq(fence_set_slots(s), 0);
	cr_assert_null(fence_set_at(s, 0));
	cr_assert_null(find(s, "a", 0));
	cr_assert_eq(at_point(s, 24, slots), 0);
	fence_set_unref(s);
	fence_set_unref(NULL);
}

/* Three thousand on one square of a degree: a few cells along its border, not every metre of it; and once they are gone
 * again but for one, what one takes. */
Test(fence_set, many_fences_on_one_border_take_little_room)
{
	enum { COUNT = 3000 };
	struct fence_area *area = square(24);
	struct fence_set *none = empty(), *all, *one, *left;
	struct fence *list = calloc(COUNT, sizeof *list);
	uint32_t slots[8];
	cr_assert_not_null(list);
	for (int i = 0; i < COUNT; i++) {
		char id[24];
		snprintf(id, sizeof id, "copy-%d", i);
		list[i] = fence_of(id, WORLD, area);
	}
	one = changed(none, list, 1);
	all = changed(none, list, COUNT);
	cr_expect_eq(at_point(all, 24, slots), COUNT);
	cr_expect_eq(at_point(all, 25, slots), 0);
	cr_expect_lt(fence_index_memory(fence_set_index(all)), COUNT * 10000u, "%zu bytes",
		     fence_index_memory(fence_set_index(all)));
	for (int i = 1; i < COUNT; i++)
		list[i].area = NULL;
	left = changed(all, list + 1, COUNT - 1);
	cr_expect_eq(at_point(left, 24, slots), 1);
	cr_expect_eq(fence_index_memory(fence_set_index(left)), fence_index_memory(fence_set_index(one)));
	free(list);
	fence_area_unref(area);
	fence_set_unref(none);
	fence_set_unref(one);
	fence_set_unref(all);
	fence_set_unref(left);
}

Test(fence_set, a_new_version_ends_the_one_before_and_the_old_snapshot_stays)
{
	struct fence_area *south = square(24), *north = square(25);
	struct fence first = fence_of("bay", 100, INT64_MAX, south), second = fence_of("bay", 200, INT64_MAX, north);
	struct fence_set *none = empty(), *one = changed(none, &first, 1), *two = changed(one, &second, 1);
	uint32_t slots[8];
	cr_assert_null(find(none, "bay", 150));
	cr_assert_null(find(one, "bay", 99));
	cr_assert_eq(find(one, "bay", 100)->version, 1);
	cr_assert_eq(find(one, "bay", 5000)->valid_to_ms, INT64_MAX);
	cr_assert_eq(find(two, "bay", 199)->version, 1);
	cr_assert_eq(find(two, "bay", 199)->valid_to_ms, 200);
	cr_assert_eq(find(two, "bay", 200)->version, 2);
	cr_assert_eq(find(two, "bay", 200)->area, north);
	/* the index knows the old version too: last month is judged by last month's fence */
	cr_assert_eq(at_point(two, 24, slots), 1);
	cr_assert_eq(fence_set_at(two, slots[0]), find(two, "bay", 199));
	cr_assert_eq(at_point(two, 25, slots), 1);
	cr_assert_eq(at_point(one, 25, slots), 0);
	fence_area_unref(south);
	fence_area_unref(north);
	fence_set_unref(none);
	fence_set_unref(two);
	cr_assert_str_eq(find(one, "bay", 150)->id, "bay");
	fence_set_unref(one);
}

Test(fence_set, the_slot_of_a_version_never_moves)
{
	struct fence_area *area = square(24);
	struct fence first[] = {fence_of("b", 0, INT64_MAX, area), fence_of("c", 0, INT64_MAX, area)};
	struct fence more[] = {fence_of("a", 0, INT64_MAX, area), fence_of("b", 10, INT64_MAX, area)};
	struct fence_set *none = empty(), *one = changed(none, first, 2), *two = changed(one, more, 2);
	for (uint32_t i = 0; i < fence_set_slots(one); i++) {
		cr_assert_str_eq(fence_set_at(one, i)->id, fence_set_at(two, i)->id);
		cr_assert_eq(fence_set_at(one, i)->version, fence_set_at(two, i)->version);
	}
	cr_assert_eq(fence_set_slots(two), 4);
	fence_area_unref(area);
	fence_set_unref(none);
	fence_set_unref(one);
	fence_set_unref(two);
}

Test(fence_set, an_area_of_null_ends_a_fence)
{
	struct fence_area *area = square(24);
	struct fence f = fence_of("a", 0, INT64_MAX, area), end = fence_of("a", 50, INT64_MAX, NULL);
	struct fence_set *none = empty(), *one = changed(none, &f, 1), *two = changed(one, &end, 1);
	struct fence_set *again = changed(two, &end, 1);
	cr_assert_not_null(find(two, "a", 49));
	cr_assert_null(find(two, "a", 50));
	cr_assert_null(find(again, "a", 50));
	struct fence back = fence_of("a", 70, INT64_MAX, area);
	struct fence_set *three = changed(again, &back, 1);
	cr_assert_null(find(three, "a", 69));
	cr_assert_eq(find(three, "a", 70)->version, 2);
	fence_area_unref(area);
	fence_set_unref(none);
	fence_set_unref(one);
	fence_set_unref(two);
	fence_set_unref(again);
	fence_set_unref(three);
}

Test(fence_set, versions_never_overlap)
{
	struct fence_area *area = square(24);
	struct fence later = fence_of("a", 100, INT64_MAX, area), before = fence_of("a", 0, 101, area);
	struct fence_set *none = empty(), *one = changed(none, &later, 1), *two = NULL;
	cr_assert_eq(fence_set_change(one, &before, 1, &two), STATUS_CONFLICT);
	before.valid_to_ms = 100;
	two = changed(one, &before, 1);
	cr_assert_eq(find(two, "a", 99)->version, 2);
	cr_assert_eq(find(two, "a", 100)->version, 1);
	fence_area_unref(area);
	fence_set_unref(none);
	fence_set_unref(one);
	fence_set_unref(two);
}

Test(fence_set, a_version_that_begins_when_another_began_replaces_it)
{
	struct fence_area *south = square(24), *north = square(25);
	struct fence wrong = fence_of("a", 10, INT64_MAX, south), right = fence_of("a", 10, INT64_MAX, north);
	struct fence_set *none = empty(), *one = changed(none, &wrong, 1), *two = changed(one, &right, 1);
	uint32_t slots[8];
	cr_assert_eq(find(two, "a", 10)->version, 2);
	cr_assert_eq(at_point(two, 24, slots), 0);
	cr_assert_eq(at_point(two, 25, slots), 1);
	fence_area_unref(south);
	fence_area_unref(north);
	fence_set_unref(none);
	fence_set_unref(one);
	fence_set_unref(two);
}

Test(fence_set, a_slot_is_used_again_only_when_no_snapshot_knows_it)
{
	struct fence_area *area = square(24);
	struct fence f = fence_of("a", 10, INT64_MAX, area);
	struct fence_set *none = empty(), *one = changed(none, &f, 1), *two = changed(one, &f, 1);
	cr_assert_null(fence_set_at(two, 0), "the first snapshot still knows slot 0");
	cr_assert_not_null(fence_set_at(two, 1));
	fence_set_unref(one);
	struct fence_set *three = changed(two, &f, 1);
	cr_assert_not_null(fence_set_at(three, 0));
	cr_assert_null(fence_set_at(three, 1));
	fence_area_unref(area);
	fence_set_unref(none);
	fence_set_unref(two);
	fence_set_unref(three);
}

Test(fence_set, a_change_that_fails_makes_nothing)
{
	struct fence_area *area = square(24);
	struct fence changes[] = {fence_of("a", 0, INT64_MAX, area), fence_of("", 0, INT64_MAX, area)};
	struct fence_set *none = empty(), *one = NULL;
	cr_assert_eq(fence_set_change(none, changes, 2, &one), STATUS_INVALID);
	cr_assert_null(one);
	one = changed(none, changes, 1);
	cr_assert_not_null(fence_set_at(one, 0), "the slot that the failed change took is free again");
	fence_area_unref(area);
	fence_set_unref(none);
	fence_set_unref(one);
}

Test(fence_set, versions_read_back_keep_their_numbers)
{
	struct fence_area *area = square(24);
	struct fence rows[] = {fence_of("a", 0, 10, area), fence_of("a", 10, INT64_MAX, area)};
	rows[0].version = 3;
	rows[1].version = 5;
	struct fence next = fence_of("a", 20, INT64_MAX, area);
	struct fence_set *none = empty(), *one = changed(none, rows, 2), *two = changed(one, &next, 1);
	cr_assert_eq(find(two, "a", 0)->version, 3);
	cr_assert_eq(find(two, "a", 10)->version, 5);
	cr_assert_eq(find(two, "a", 20)->version, 6);
	fence_area_unref(area);
	fence_set_unref(none);
	fence_set_unref(one);
	fence_set_unref(two);
}

Test(fence_set, many_fences_are_found_by_id)
{
	enum { N = 3000 };
	static struct fence fences[N];
	for (int i = 0; i < N; i++) {
		char id[16];
		snprintf(id, sizeof id, "f%d", i * 7919 % N);
		fences[i] = fence_of(id, i, INT64_MAX,
				     square_at(240000000 + i / 60 * 20000, 1180000000 + i % 60 * 20000, 10000));
		fences[i].limit_dkmh = (uint16_t)(i * 7919 % N);
	}
	struct fence_set *none = empty(), *all = changed(none, fences, N);
	for (int i = 0; i < N; i++) {
		char id[16];
		snprintf(id, sizeof id, "f%d", i);
		const struct fence *f = find(all, id, N);
		cr_assert_not_null(f);
		cr_assert_eq(f->limit_dkmh, i);
	}
	cr_assert_null(find(all, "f", N));
	cr_assert_null(find(all, "f3000", N));
	cr_assert_null(fence_set_find(all, span_of("f1\0", 3), N));
	for (int i = 0; i < N; i++)
		fence_area_unref(fences[i].area);
	fence_set_unref(none);
	fence_set_unref(all);
}

Test(fence_check, tells_what_is_malformed)
{
	struct fence good = fence_of("泉州湾-1", WORLD, NULL), f = good;
	cr_assert_eq(fence_check(&f), STATUS_OK);
	f = fence_of("a b", WORLD, NULL);
	cr_assert_eq(fence_check(&f), STATUS_INVALID);
	f = fence_of("a/b", WORLD, NULL);
	cr_assert_eq(fence_check(&f), STATUS_INVALID);
	f = fence_of("a\xff", WORLD, NULL);
	cr_assert_eq(fence_check(&f), STATUS_INVALID);
	f = good;
	memset(f.id, 'x', sizeof f.id);
	cr_assert_eq(fence_check(&f), STATUS_INVALID);
	f = good;
	f.name[0] = '\n';
	cr_assert_eq(fence_check(&f), STATUS_INVALID);
	f = good;
	f.valid_to_ms = f.valid_from_ms;
	cr_assert_eq(fence_check(&f), STATUS_INVALID);
	f = good;
	f.length_mm = -1;
	cr_assert_eq(fence_check(&f), STATUS_INVALID);
	f = good;
	f.tag_count = 1;
	cr_assert_eq(fence_check(&f), STATUS_INVALID, "0 is no tag");
	f.tag_count = 2;
	f.tags[0] = f.tags[1] = tag("twice");
	cr_assert_eq(fence_check(&f), STATUS_INVALID);
	f = good;
	f.when.hours_count = 1;
	f.when.hours[0].to_s = 86401;
	cr_assert_eq(fence_check(&f), STATUS_INVALID);
}

static struct fence full_fence(struct fence_area *area)
{
	struct fence f = fence_of("bay", -1, INT64_MAX, area);
	uint16_t a = tag("zz_last"), b = tag("aa_first");
	snprintf(f.name, sizeof f.name, "湾");
	f.version = 9;
	f.tags[0] = a < b ? a : b;
	f.tags[1] = a < b ? b : a;
	f.tag_count = 2;
	f.limit_dkmh = 0x0102;
	f.length_mm = 5;
	f.when.hours_count = 1;
	f.when.hours[0].from_s = 79200;
	f.when.hours[0].to_s = 21600;
	f.when.seasons_count = 1;
	f.when.seasons[0].to_s = 86400;
	return f;
}

Test(fence_row, bytes_are_those_of_the_layout)
{
	struct fence_area *area = square(24);
	struct fence f = full_fence(area);
	struct buf b = buf_init(1 << 16);
	char hex[1024];
	cr_assert_eq(fence_encode(&f, &b), STATUS_OK);
	cr_assert_lt(b.size, 500);
	hex_encode(hex, buf_view(&b));
	cr_assert_str_eq(hex, "01"
			      "03626179"
			      "03e6b9be"
			      "00000009"
			      "ffffffffffffffff7fffffffffffffff"
			      "7f0101"
			      "0001356000005460"
			      "0000000000015180"
			      "80000000000000007fffffffffffffff"
			      "02"
			      "0861615f6669727374"
			      "077a7a5f6c617374"
			      "0102"
			      "0000000000000005"
			      "00000001"
			      "00000004"
			      "0e4e1c0046555f00"
			      "0e4e1c0046edf580"
			      "0ee6b28046edf580"
			      "0ee6b28046555f00");
	buf_deinit(&b);
	fence_area_unref(area);
}

Test(fence_row, what_was_encoded_is_read_again)
{
	struct fence_area *area = square(24);
	struct fence f = full_fence(area), again;
	struct buf a = buf_init(1 << 16), b = buf_init(1 << 16);
	for (int i = 0; i < 2; i++, f.area = NULL) {
		buf_clear(&a);
		buf_clear(&b);
		cr_assert_eq(fence_encode(&f, &a), STATUS_OK);
		cr_assert_eq(fence_decode(buf_view(&a), &again), STATUS_OK);
		cr_assert_str_eq(again.id, f.id);
		cr_assert_str_eq(again.name, f.name);
		cr_assert(fence_has_tag(&again, tag("aa_first")) && fence_has_tag(&again, tag("zz_last")));
		cr_assert_eq(again.area == NULL, f.area == NULL);
		cr_assert_eq(fence_encode(&again, &b), STATUS_OK);
		cr_assert(span_equal(buf_view(&a), buf_view(&b)));
		fence_area_unref(again.area);
	}
	buf_deinit(&a);
	buf_deinit(&b);
	fence_area_unref(area);
}

Test(fence_row, damage_is_refused)
{
	struct fence_area *area = square(24);
	struct fence f = full_fence(area), again;
	struct buf b = buf_init(1 << 16);
	cr_assert_eq(fence_encode(&f, &b), STATUS_OK);
	for (size_t size = 0; size < b.size; size++)
		cr_assert_eq(fence_decode(span_of(b.data, size), &again), STATUS_CORRUPT, "%zu bytes", size);
	cr_assert_eq(buf_append_u8(&b, 0), STATUS_OK);
	cr_assert_eq(fence_decode(buf_view(&b), &again), STATUS_CORRUPT);
	b.size--;
	/* two points that are one: never written so */
	memcpy(b.data + b.size - 8, b.data + b.size - 16, 8);
	cr_assert_eq(fence_decode(buf_view(&b), &again), STATUS_CORRUPT);
	b.data[0] = 2;
	cr_assert_eq(fence_decode(buf_view(&b), &again), STATUS_BAD_VERSION);
	buf_deinit(&b);
	fence_area_unref(area);
}
