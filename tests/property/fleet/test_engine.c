#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/core/clock.h"
#include "rig.h"

#define DEVICES 7
#define PER_DEVICE 3000

static int64_t morning(void)
{
	struct civil c = {2026, 3, 14, 22, 0, 0, 0};
	return civil_to_ms(&c);
}

static uint64_t next_random(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

/* Each device every 10 s, in order of time over all devices. */
static struct sent *make_fleet(uint64_t seed, size_t *count)
{
	struct sent *all = malloc(sizeof *all * DEVICES * PER_DEVICE);
	cr_assert_not_null(all);
	*count = 0;
	for (int i = 0; i < PER_DEVICE; i++)
		for (unsigned d = 0; d < DEVICES; d++)
			all[(*count)++] = rig_report(rig_device(d), morning() + i * 10000, next_random(&seed));
	return all;
}

static void shuffle(struct sent *all, size_t from, size_t to, uint64_t *state)
{
	for (size_t i = to; i > from + 1; i--) {
		size_t k = from + next_random(state) % (i - from);
		struct sent swap = all[i - 1];
		all[i - 1] = all[k];
		all[k] = swap;
	}
}

static void digests(struct rig *r, uint64_t out[DEVICES])
{
	for (unsigned d = 0; d < DEVICES; d++) {
		size_t count;
		out[d] = rig_digest(r, rig_device(d), &count);
		cr_assert_eq(count, PER_DEVICE, "device %u has %zu of %d", d, count, PER_DEVICE);
	}
}

static void expect_same(struct rig *r, const uint64_t expected[DEVICES])
{
	uint64_t got[DEVICES];
	digests(r, got);
	for (unsigned d = 0; d < DEVICES; d++)
		cr_assert_eq(got[d], expected[d], "device %u differs", d);
}

/* The fleet taken in, in order, by one shard: what every other way must equal. */
static void reference(uint64_t seed, uint64_t out[DEVICES])
{
	struct rig r;
	size_t count;
	struct sent *all = make_fleet(seed, &count);
	rig_init(&r);
	rig_open(&r);
	rig_submit(&r, 0, all, count);
	digests(&r, out);
	rig_close(&r);
	rig_deinit(&r);
	free(all);
}

Test(engine, any_order_and_duplicates_end_in_the_same_track, .timeout = 300)
{
	uint64_t seed = 0x5eed0001, expected[DEVICES];
	struct rig r;
	size_t count;
	printf("seed %#llx\n", (unsigned long long)seed);
	reference(seed, expected);
	struct sent *all = make_fleet(seed, &count);
	uint64_t state = seed ^ 0xffff;
	/* whole days late, then bursts, then duplicates of a third */
	shuffle(all, 0, count, &state);
	rig_init(&r);
	rig_open(&r);
	rig_submit(&r, 0, all, count);
	rig_submit(&r, 0, all + count / 3, count / 3);
	expect_same(&r, expected);
	cr_assert_eq(engine_settle(r.engine), STATUS_OK);
	expect_same(&r, expected);
	struct engine_stats stats;
	engine_stats(r.engine, &stats);
	cr_assert_gt(stats.late_blocks, 0);
	rig_close(&r);
	rig_open(&r);
	expect_same(&r, expected);
	struct store_info info;
	cr_assert_eq(store_info(engine_store(r.engine), &info), STATUS_OK);
	cr_assert_eq(info.reports, DEVICES * PER_DEVICE, "folding left %llu", (unsigned long long)info.reports);
	cr_assert_eq(info.overlap_blocks, 0);
	rig_close(&r);
	rig_deinit(&r);
	free(all);
}

Test(engine, another_number_of_shards_finds_everything, .timeout = 300)
{
	static const unsigned shards[] = {3, 1, 4, 2};
	uint64_t seed = 0x5eed0002, expected[DEVICES];
	struct rig r;
	size_t count, at = 0;
	reference(seed, expected);
	struct sent *all = make_fleet(seed, &count);
	rig_init(&r);
	for (size_t i = 0; i < 4; i++) {
		r.options.shards = shards[i];
		rig_open(&r);
		size_t end = count * (i + 1) / 4;
		rig_submit(&r, i % shards[i], all + at, end - at);
		at = end;
		rig_close(&r);
	}
	rig_open(&r);
	expect_same(&r, expected);
	rig_close(&r);
	rig_deinit(&r);
	free(all);
}

Test(engine, little_memory_seals_early_and_loses_nothing, .timeout = 300)
{
	uint64_t seed = 0x5eed0005, expected[DEVICES];
	struct rig r;
	size_t count;
	reference(seed, expected);
	struct sent *all = make_fleet(seed, &count);
	rig_init(&r);
	r.options.head_bytes_max = 100000;
	rig_open(&r);
	rig_submit(&r, 0, all, count);
	struct engine_stats stats;
	engine_stats(r.engine, &stats);
	cr_assert_leq(stats.head_bytes, 200000);
	expect_same(&r, expected);
	rig_close(&r);
	rig_deinit(&r);
	free(all);
}

Test(engine, bulk_loading_equals_taking_in_live, .timeout = 300)
{
	uint64_t seed = 0x5eed0006, expected[DEVICES];
	struct rig r;
	struct bulk *bulk;
	size_t count;
	reference(seed, expected);
	struct sent *all = make_fleet(seed, &count);
	rig_init(&r);
	cr_assert_eq(engine_open(&r.options, &r.engine), STATUS_OK);
	cr_assert_eq(bulk_open(r.engine, &bulk), STATUS_OK);
	for (size_t i = 0; i < count; i++) {
		struct report report;
		cr_assert_eq(report_from_jt808(span_of(all[i].body, all[i].size), &report), STATUS_OK);
		report.received_ms = all[i].received_ms;
		cr_assert_eq(bulk_add(bulk, all[i].device, &report), STATUS_OK);
		if (i == count / 2)
			cr_assert_eq(bulk_checkpoint(bulk, span_of_string("file"), span_of_string("half")), STATUS_OK);
	}
	cr_assert_eq(bulk_close(bulk), STATUS_OK);
	struct buf progress = buf_init(64);
	cr_assert_eq(bulk_progress(r.engine, span_of_string("file"), &progress), STATUS_OK);
	cr_assert(span_equal(buf_view(&progress), span_of_string("half")));
	expect_same(&r, expected);
	rig_close(&r);
	rig_open(&r);
	expect_same(&r, expected);
	rig_close(&r);
	buf_deinit(&progress);
	rig_deinit(&r);
	free(all);
}

Test(engine, a_clock_ahead_moves_neither_the_last_position_nor_the_track_behind_it, .timeout = 120)
{
	struct rig r;
	struct last last;
	uint64_t device = rig_device(1), seed = 99;
	int64_t now = morning();
	rig_init(&r);
	rig_open(&r);
	struct sent ordinary = rig_report(device, now, next_random(&seed));
	struct sent ahead = rig_report(device, now + 400 * MS_PER_DAY, next_random(&seed));
	ahead.received_ms = now;
	ahead.flags = REPORT_FLAG_FUTURE;
	rig_submit(&r, 0, &ahead, 1);
	cr_assert_eq(engine_last(r.engine, device, &last), STATUS_NOT_FOUND);
	rig_submit(&r, 0, &ordinary, 1);
	cr_assert_eq(engine_last(r.engine, device, &last), STATUS_OK);
	cr_assert_eq(last.report.time_ms, now);
	cr_assert_eq(engine_settle(r.engine), STATUS_OK);
	struct sent later = rig_report(device, now + 10000, next_random(&seed));
	rig_submit(&r, 0, &later, 1);
	cr_assert_eq(engine_settle(r.engine), STATUS_OK);
	struct engine_stats stats;
	engine_stats(r.engine, &stats);
	cr_assert_eq(stats.late_blocks, 0);
	size_t count;
	rig_digest(&r, device, &count);
	cr_assert_eq(count, 3);
	rig_close(&r);
	rig_deinit(&r);
}

Test(engine, positions_are_listed_by_id_and_by_box, .timeout = 120)
{
	struct rig r;
	struct last lasts[40];
	uint64_t seed = 5;
	struct sent reports[30];
	rig_init(&r);
	r.options.shards = 3;
	rig_open(&r);
	for (unsigned d = 0; d < 30; d++)
		reports[d] = rig_report(rig_device(d), morning(), next_random(&seed));
	rig_submit(&r, 1, reports, 30);
	size_t total = 0;
	uint64_t after = 0;
	for (size_t n; (n = engine_last_list(r.engine, after, lasts, 7)) > 0; after = lasts[n - 1].device) {
		for (size_t i = 0; i < n; i++)
			cr_assert_gt(lasts[i].device, i ? lasts[i - 1].device : after);
		total += n;
	}
	cr_assert_eq(total, 30);
	const struct report *one = &lasts[0].report;
	cr_assert_eq(engine_last_list(r.engine, 0, lasts, 1), 1);
	size_t here = engine_last_in_box(r.engine, one->lat_e7, one->lon_e7, one->lat_e7, one->lon_e7, 0, lasts, 40);
	cr_assert_geq(here, 1, "the border belongs to the box");
	cr_assert_eq(engine_last_in_box(r.engine, 0, 0, 1, 1, 0, lasts, 40), 0);
	rig_close(&r);
	rig_deinit(&r);
}
