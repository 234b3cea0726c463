/* Signed days and dead zones as they are listed. */
#include <criterion/criterion.h>

#include "engine/core/clock.h"
#include "engine/fleet/day_chain.h"
#include "unit/query_http/violations_rig.h"

TestSuite(calendar, .init = violations_rig_open, .fini = violations_rig_close, .timeout = 120);

static const char *text_of(const json_t *o, const char *key)
{
	return json_string_value(json_object_get(o, key));
}

static void close_days(int64_t now_ms)
{
	struct sign_key *key;
	unsigned closed;
	cr_assert_eq(sign_key_open(world.folder, false, &key), STATUS_OK);
	cr_assert_eq(days_close(engine_store(world.engine), key, now_ms, &closed), STATUS_OK);
	cr_assert_eq(closed, 3);
	sign_key_free(key);
}

Test(calendar, signed_days_are_listed_with_what_is_needed_to_verify_them)
{
	int64_t now_ms = clock_now_ms();
	char path[64], today[TIME_TEXT_MAX];
	json_t *v = get_json("/api/v1/digests");
	cr_expect_eq(json_array_size(json_object_get(v, "digests")), 0);
	json_decref(v);
	close_days(now_ms + 3 * MS_PER_DAY);
	v = get_json("/api/v1/digests");
	const json_t *days = json_object_get(v, "digests"), *first = json_array_get(days, 0);
	cr_assert_eq(json_array_size(days), 3);
	time_format(now_ms, CHINA_OFFSET_MS, today);
	today[10] = '\0';
	cr_expect_str_eq(text_of(first, "day"), today);
	cr_expect_gt(json_integer_value(json_object_get(first, "rows")), 0);
	cr_expect_eq(strlen(text_of(first, "key")), 64);
	cr_expect_eq(strlen(text_of(first, "signature")), 128);
	cr_expect_str_eq(text_of(json_array_get(days, 1), "previous"), text_of(first, "digest"));
	json_decref(v);
	snprintf(path, sizeof path, "/api/v1/digests?from=%lld", (long long)(now_ms + MS_PER_DAY));
	v = get_json(path);
	cr_expect_eq(json_array_size(json_object_get(v, "digests")), 2);
	json_decref(v);
}

/* Midnight in China, some days from 2026-02-01 on; with a dead cell or with none. */
static void put_map(int day, bool dead)
{
	struct dead_zone_learner *l;
	struct dead_zone_map *map;
	int64_t day_ms = INT64_C(1769875200000) + day * MS_PER_DAY;
	cr_assert_eq(dead_zone_learner_new(day_ms, &l), STATUS_OK);
	for (unsigned d = 1; dead && d <= DEAD_ZONE_DEVICES_MIN; d++) {
		struct fact gap = {.kind = FACT_GAP,
				   .device = d,
				   .from_ms = day_ms - MS_PER_DAY,
				   .to_ms = day_ms - MS_PER_HOUR,
				   .from_lat_e7 = 249050000,
				   .from_lon_e7 = 1187050000};
		cr_assert_eq(dead_zone_learn_gap(l, &gap), STATUS_OK);
	}
	cr_assert_eq(dead_zone_learner_finish(l, &map), STATUS_OK);
	dead_zone_learner_free(l);
	cr_assert_eq(context_put_dead_zones(engine_context(world.engine), map), STATUS_OK);
	dead_zone_map_unref(map);
}

Test(calendar, dead_zones_are_listed_by_the_day_from_which_they_hold)
{
	json_t *v = get_json("/api/v1/dead-zones");
	cr_expect_eq(json_array_size(json_object_get(v, "maps")), 0);
	json_decref(v);
	put_map(0, true);
	put_map(2, false);
	v = get_json("/api/v1/dead-zones");
	const json_t *maps = json_object_get(v, "maps"), *first = json_array_get(maps, 0);
	cr_assert_eq(json_array_size(maps), 2);
	cr_expect_str_eq(text_of(first, "from"), "2026-01-31T16:00:00.000Z");
	const json_t *cell = json_array_get(json_object_get(first, "cells"), 0);
	cr_expect_float_eq(json_real_value(json_array_get(cell, 0)), 24.90, 1e-9);
	cr_expect_float_eq(json_real_value(json_array_get(cell, 1)), 118.70, 1e-9);
	cr_expect_eq(json_array_size(json_object_get(json_array_get(maps, 1), "cells")), 0);
	json_decref(v);
	v = get_json("/api/v1/dead-zones?at=2026-02-02T12:00:00Z");
	cr_assert_eq(json_array_size(json_object_get(v, "maps")), 1);
	cr_expect_eq(json_array_size(json_object_get(json_array_get(json_object_get(v, "maps"), 0), "cells")), 1);
	json_decref(v);
	v = get_json("/api/v1/dead-zones?at=2026-01-02T12:00:00Z");
	cr_expect_eq(json_array_size(json_object_get(v, "maps")), 0);
	json_decref(v);
}
