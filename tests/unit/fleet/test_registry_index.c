#include <criterion/criterion.h>
#include <stdlib.h>

#include "engine/fleet/registry_index.h"

static uint64_t mixed(uint64_t i)
{
	i = (i ^ (i >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	i = (i ^ (i >> 27)) * UINT64_C(0x94d049bb133111eb);
	return i ^ (i >> 31);
}

static void put(struct ids *t, uint64_t id)
{
	if (!ids_has_room(t, id)) {
		struct ids grown;
		cr_assert_eq(ids_grow(t, id, &grown), STATUS_OK);
		free(t->slots);
		*t = grown;
	}
	ids_put(t, id, calloc(1, sizeof(struct stored_row)));
}

static void assert_in_order(const struct ids *t, size_t count)
{
	uint64_t after = 0;
	size_t seen = 0;
	for (const struct id_slot *slot; (slot = ids_after(t, after)) != NULL; seen++) {
		cr_assert(slot->id > after);
		cr_assert_eq(ids_find(t, slot->id), slot);
		after = slot->id;
	}
	cr_assert_eq(seen, count);
}

Test(registry_index, ids_are_found_and_walked_in_order)
{
	struct ids t;
	cr_assert_eq(ids_init(&t), STATUS_OK);
	for (uint64_t i = 1; i <= 20000; i++)
		put(&t, mixed(i));
	assert_in_order(&t, 20000);
	cr_assert_null(ids_find(&t, mixed(20001)));
	ids_deinit(&t);
}

/* A hash spreads ids; but whoever chooses phone numbers may choose ids that crowd, at the end of the table too. */
Test(registry_index, crowded_ids_are_found_too)
{
	struct ids t;
	cr_assert_eq(ids_init(&t), STATUS_OK);
	for (uint64_t i = 0; i < 400; i++) {
		put(&t, UINT64_MAX - i * 3);
		put(&t, 1 + (399 - i) * 3);
		put(&t, UINT64_C(0x8000000000000000) + mixed(i) % 100000);
	}
	assert_in_order(&t, 1200);
	cr_assert_null(ids_find(&t, UINT64_MAX - 1));
	cr_assert_null(ids_after(&t, UINT64_MAX));
	ids_deinit(&t);
}

Test(registry_index, is_built_from_ids_in_order)
{
	struct ids one, built;
	struct id_slot sorted[3000];
	size_t count = 0;
	cr_assert_eq(ids_init(&one), STATUS_OK);
	for (uint64_t i = 0; i < 1000; i++) {
		put(&one, mixed(i + 1));
		put(&one, UINT64_MAX - i);
		put(&one, i + 1);
	}
	for (const struct id_slot *slot; (slot = ids_after(&one, count ? sorted[count - 1].id : 0)) != NULL;)
		sorted[count++] = *slot;
	cr_assert_eq(count, 3000);
	cr_assert_eq(ids_build(sorted, count, &built), STATUS_OK);
	assert_in_order(&built, count);
	free(one.slots);
	put(&built, UINT64_MAX / 2);
	assert_in_order(&built, count + 1);
	ids_deinit(&built);
}

Test(registry_index, a_name_leads_to_every_device_that_had_it)
{
	struct names t;
	cr_assert_eq(names_init(&t), STATUS_OK);
	for (uint64_t i = 1; i <= 5000; i++) {
		if (!names_has_room(&t, 1)) {
			struct names grown;
			cr_assert_eq(names_grow(&t, 1, &grown), STATUS_OK);
			names_deinit(&t);
			t = grown;
		}
		names_put(&t, i % 1000, i);
		names_put(&t, i % 1000, i);
	}
	cr_assert_eq(t.count, 5000, "the same pair is put once");
	for (uint64_t hash = 0; hash < 1000; hash++) {
		size_t at = 0, devices = 0;
		for (uint64_t device; (device = names_next(&t, hash, &at)) != 0; devices++)
			cr_assert_eq(device % 1000, hash);
		cr_assert_eq(devices, 5);
	}
	names_deinit(&t);
}
