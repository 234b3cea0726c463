/* The index answers what every fence by itself answers, whatever the fences and the changes that led to it; earlier
 * snapshots stay as they were; and its tree depends on the fences alone. */
#include <criterion/criterion.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "engine/geo/fence_snapshot.h"
#include "tests/property/geo/failing_alloc.h"
#include "tests/property/geo/fence_random.h"

#define SLOTS 64
/* the model's slot k is the index's SPREAD * k: several pages */
#define SPREAD 37

struct model {
	struct fence_area *areas[SLOTS];
	struct fence_index *index;
};

static void model_deinit(struct model *m)
{
	for (int i = 0; i < SLOTS; i++)
		fence_area_unref(m->areas[i]);
	fence_index_unref(m->index);
}

static struct model model_copy(const struct model *m)
{
	struct model copy = *m;
	for (int i = 0; i < SLOTS; i++)
		if (copy.areas[i])
			fence_area_ref(copy.areas[i]);
	fence_index_ref(copy.index);
	return copy;
}

static const struct fence_area *some_area(const struct model *m, uint64_t *state)
{
	return m->areas[random_below(state, SLOTS)];
}

/* --- answers --- */

static void same(const char *what, const uint32_t *got, size_t count, const uint32_t *wanted, size_t wanted_count,
		 struct geo_point p, struct geo_point q)
{
	bool equal = count == wanted_count && !memcmp(got, wanted, count * sizeof *got);
	cr_assert(equal, "%s %d %d - %d %d: %zu fences for %zu, first %u for %u", what, p.lat_e7, p.lon_e7, q.lat_e7,
		  q.lon_e7, count, wanted_count, count ? got[0] : 0, wanted_count ? wanted[0] : 0);
}

static void check_position(const struct model *m, struct fence_cursor *cursor, struct geo_point p)
{
	uint32_t wanted[SLOTS], got[SLOTS];
	size_t count = 0;
	for (uint32_t i = 0; i < SLOTS; i++)
		if (m->areas[i] && fence_area_contains(m->areas[i], p))
			wanted[count++] = i * SPREAD;
	same("position", got, fence_index_find(m->index, NULL, p, got, SLOTS), wanted, count, p, p);
	struct fence_index *plain = m->index; /* the way of any processor */
	fence_answer *best = plain->answer;
	plain->answer = fence_answer_plain;
	same("position, plainly", got, fence_index_find(plain, NULL, p, got, SLOTS), wanted, count, p, p);
	plain->answer = best;
	same("position with a cursor", got, fence_index_find(m->index, cursor, p, got, SLOTS), wanted, count, p, p);
	if (count > 1) {
		got[1] = 12345;
		cr_assert_eq(fence_index_find(m->index, NULL, p, got, 1), count);
		cr_assert(got[0] == wanted[0] && got[1] == 12345, "an array too small");
	}
}

#define MANY 600
#define MANY_DEVICES 5

/* Many at once, of devices that jump and linger and come again within a call, with cursors and without. */
static void check_many(const struct model *m, const struct world *w, uint64_t *state)
{
	static uint32_t slots[MANY][SLOTS], found[MANY];
	struct fence_cursor devices[MANY_DEVICES] = {0}, *cursors[MANY];
	struct geo_point points[MANY], last[MANY_DEVICES] = {0};
	for (int call = 0; call < 6; call++) {
		size_t count = (size_t)random_below(state, call % 2 ? MANY + 1 : 20);
		size_t max = call < 4 ? SLOTS : 1 + (size_t)random_below(state, 20);
		for (size_t k = 0; k < count; k++) {
			int64_t device = random_below(state, MANY_DEVICES);
			if (!random_below(state, 3))
				last[device] = random_point(state, w, some_area(m, state));
			points[k] = last[device];
			cursors[k] = &devices[device];
		}
		fence_index_find_many(m->index, call % 3 ? cursors : NULL, points, count, slots[0], max, found);
		for (size_t k = 0; k < count; k++) {
			uint32_t wanted[SLOTS], *got = slots[0] + k * max;
			size_t held = fence_index_find(m->index, NULL, points[k], wanted, SLOTS),
			       told = held < max ? held : max;
			cr_assert_eq(found[k], held);
			same("one of many", got, told, wanted, told, points[k], points[k]);
		}
	}
}

static void check_segment(const struct model *m, struct geo_point p, struct geo_point q)
{
	uint32_t wanted[SLOTS], got[SLOTS];
	size_t count = 0;
	for (uint32_t i = 0; i < SLOTS; i++)
		if (m->areas[i] && fence_area_meets(m->areas[i], p, q))
			wanted[count++] = i * SPREAD;
	same("segment", got, fence_index_find_segment(m->index, p, q, got, SLOTS), wanted, count, p, q);
}

static void check_box(const struct model *m, struct geo_point p, struct geo_point q)
{
	struct box box = {p.lat_e7, p.lon_e7, q.lat_e7, q.lon_e7};
	uint32_t wanted[SLOTS], got[SLOTS];
	size_t count = 0;
	for (uint32_t i = 0; i < SLOTS; i++)
		if (m->areas[i] && box_intersects(&m->areas[i]->box, &box))
			wanted[count++] = i * SPREAD;
	same("box", got, fence_index_find_box(m->index, &box, got, SLOTS), wanted, count, p, q);
}

/* A device that jumps, drives and lingers, with one cursor all the way. */
static void check_answers(const struct model *m, const struct world *w, uint64_t *state, int positions)
{
	struct fence_cursor cursor = {0};
	check_many(m, w, state);
	for (int i = 0; i < positions; i++) {
		struct geo_point p = random_point(state, w, some_area(m, state));
		struct geo_point q = random_point(state, w, some_area(m, state));
		check_position(m, &cursor, p);
		for (int64_t step = random_below(state, 8); step > 0; step--) {
			int32_t reach = random_below(state, 3) ? 3 : 3000;
			struct geo_point near = {p.lat_e7 + (int32_t)random_below(state, 2 * reach + 1) - reach,
						 p.lon_e7 + (int32_t)random_below(state, 2 * reach + 1) - reach};
			if (llabs(near.lat_e7) <= 900000000 && llabs(near.lon_e7) <= 1800000000)
				check_position(m, &cursor, near);
		}
		check_segment(m, p, q);
		check_box(m, p, q);
	}
}

/* --- trees --- */

static void same_tree(fence_child a, fence_child b)
{
	cr_assert_eq(!a, !b);
	cr_assert_eq(fence_child_is_node(a), fence_child_is_node(b));
	if (a == b)
		return;
	if (!fence_child_is_node(a)) {
		const struct fence_leaf *x = fence_child_leaf(a), *y = fence_child_leaf(b);
		cr_assert_eq(fence_leaf_bytes(x), fence_leaf_bytes(y));
		cr_assert_eq(memcmp((const char *)x + sizeof x->refs, (const char *)y + sizeof y->refs,
				    fence_leaf_bytes(x) - sizeof x->refs),
			     0, "the leaves differ");
		return;
	}
	const struct fence_node *n = fence_child_node(a), *o = fence_child_node(b);
	cr_assert(n->edges == o->edges && n->bits == o->bits && n->covering_count == o->covering_count);
	cr_assert_eq(memcmp(n->covering, o->covering, n->covering_count * sizeof(uint32_t)), 0);
	for (size_t i = 0; i < (size_t)1 << 2 * n->bits; i++)
		same_tree(fence_node_children(n, n->bits)[i], fence_node_children(o, o->bits)[i]);
}

/* Built of the same fences at once. */
static struct fence_index *built_fresh(const struct model *m)
{
	struct fence_change changes[SLOTS];
	struct fence_index *empty, *index;
	for (uint32_t i = 0; i < SLOTS; i++)
		changes[i] = (struct fence_change){i * SPREAD, m->areas[i]};
	cr_assert_eq(fence_index_new(&empty), STATUS_OK);
	cr_assert_eq(fence_index_change(empty, changes, SLOTS, &index), STATUS_OK);
	fence_index_unref(empty);
	return index;
}

static void check_tree(const struct model *m)
{
	struct fence_index *fresh = built_fresh(m);
	same_tree(m->index->root, fresh->root);
	cr_assert_eq(fence_index_memory(m->index), fence_index_memory(fresh));
	cr_assert_eq(fence_index_memory(m->index), fence_tree_bytes(m->index->root));
	fence_index_unref(fresh);
}

/* --- changes --- */

/* `copies` of 8 changes take another fence's area. */
static size_t random_changes(struct model *m, const struct world *w, uint64_t *state, struct fence_change *changes,
			     size_t max, int copies)
{
	size_t count = (size_t)random_below(state, (int64_t)max) + 1;
	for (size_t i = 0; i < count; i++) {
		uint32_t slot = (uint32_t)random_below(state, SLOTS);
		struct fence_area *like = m->areas[random_below(state, SLOTS)], *area = NULL;
		if (random_below(state, 8) < copies && like)
			area = fence_area_ref(like); /* the same fence twice */
		else if (random_below(state, 3))
			area = random_area(state, w);
		changes[i] = (struct fence_change){slot, area};
		fence_area_unref(m->areas[slot]);
		m->areas[slot] = area ? fence_area_ref(area) : NULL;
		changes[i].slot *= SPREAD;
	}
	return count;
}

static void drop_changes(struct fence_change *changes, size_t count)
{
	for (size_t i = 0; i < count; i++)
		fence_area_unref(changes[i].area);
}

static void run_world(const struct world *w, uint64_t *state, int rounds, int positions, int copies)
{
	struct model now = {.index = NULL}, earlier = {.index = NULL};
	struct fence_change changes[20];
	struct fence_index *next;
	cr_assert_eq(fence_index_new(&now.index), STATUS_OK);
	earlier = model_copy(&now);
	for (int round = 0; round < rounds; round++) {
		size_t count = random_changes(&now, w, state, changes, round % 4 ? 3 : 20, copies);
		cr_assert_eq(fence_index_change(now.index, changes, count, &next), STATUS_OK);
		drop_changes(changes, count);
		fence_index_unref(now.index);
		now.index = next;
		check_answers(&now, w, state, positions);
		check_answers(&earlier, w, state, positions / 4);
		check_tree(&now);
		if (random_below(state, 4) == 0) {
			model_deinit(&earlier);
			earlier = model_copy(&now);
		}
	}
	model_deinit(&earlier);
	model_deinit(&now);
}

static void run(const char *test, size_t world)
{
	uint64_t state = seed_of(test) + world;
	for (int i = 0; i < 10; i++)
		run_world(&worlds[world], &state, 12, 60, 1);
}

Test(fence_index_property, among_a_few_units_it_answers_as_every_fence_does)
{
	run("among_a_few_units", 0);
}

Test(fence_index_property, within_two_metres_it_answers_as_every_fence_does)
{
	run("within_two_metres", 1);
}

Test(fence_index_property, across_the_largest_cells_it_answers_as_every_fence_does)
{
	run("across_the_largest_cells", 2);
}

Test(fence_index_property, in_quanzhou_bay_it_answers_as_every_fence_does)
{
	run("in_quanzhou_bay", 3);
}

Test(fence_index_property, along_the_antimeridian_it_answers_as_every_fence_does)
{
	run("along_the_antimeridian", 4);
}

Test(fence_index_property, at_a_pole_it_answers_as_every_fence_does)
{
	run("at_a_pole", 5);
}

Test(fence_index_property, on_the_whole_globe_it_answers_as_every_fence_does)
{
	run("on_the_whole_globe", 6);
}

Test(fence_index_property, fences_drawn_on_each_other_are_told_apart)
{
	uint64_t state = seed_of("drawn_on_each_other");
	for (size_t world = 0; world < 7; world++)
		for (int i = 0; i < 4; i++)
			run_world(&worlds[world], &state, 14, 30, 7);
}

/* Every allocation of a change fails once; the old snapshot and the areas stay as they were, nothing is lost. */
Test(fence_index_property, a_change_without_memory_changes_nothing)
{
	uint64_t state = seed_of("a_change_without_memory");
	long alive = allocations_alive();
	const struct world *w = &worlds[3];
	for (int round = 0; round < 6; round++) {
		struct model now = {.index = NULL};
		struct fence_change changes[20];
		struct fence_index *next = NULL;
		cr_assert_eq(fence_index_new(&now.index), STATUS_OK);
		for (int step = 0; step < 3; step++) {
			struct model before = model_copy(&now);
			size_t count = random_changes(&now, w, &state, changes, 20, 1);
			enum status status = STATUS_NO_MEMORY;
			for (int allowed = 0; status != STATUS_OK; allowed += 1 + allowed / 16) {
				allocations_allowed(allowed);
				status = fence_index_change(before.index, changes, count, &next);
				allocations_allowed(-1);
				cr_assert(status == STATUS_OK || status == STATUS_NO_MEMORY);
				cr_assert_eq(fence_index_memory(before.index), fence_tree_bytes(before.index->root));
			}
			check_answers(&before, w, &state, 30);
			check_tree(&before);
			drop_changes(changes, count);
			fence_index_unref(now.index);
			now.index = next;
			check_answers(&now, w, &state, 30);
			model_deinit(&before);
		}
		model_deinit(&now);
		cr_assert_eq(allocations_alive(), alive, "%ld blocks are lost", allocations_alive() - alive);
	}
}
