/* Pairs of vessels: what is found does not depend on the order of arrival, on restarts or on shards, replay finds the
 * same, byte for byte, and collisions are those that testing every pair at every half minute gives. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/core/clock.h"
#include "engine/detect/sea_window.h"
#include "engine/fleet/replay.h"
#include "rig.h"

#define VESSELS 14
#define STEPS 900
#define STEP_MS 15000
#define TOGETHER 12 /* vessels 12 and 13 move as one */
/* and codes: two sources of one boat, and a boat whose code becomes another's */
#define BOAT_AIS 14
#define BOAT_BEACON 15
#define OLD_CODE 16
#define NEW_CODE 17
#define SPEAKERS 18
#define BOAT 18 /* never speaks itself */

static int64_t morning(void)
{
	struct civil c = {2026, 3, 14, 1, 3, 0, 0};
	return civil_to_ms(&c);
}

static int64_t day_after(void)
{
	return morning() + (int64_t)STEPS * STEP_MS + 3600000;
}

static uint64_t next_random(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

/* --- a bay --- */

struct life {
	uint64_t random;
	double lat, lon;
	unsigned speed_dkmh, course_deg;
	int left, silent;
};

static struct sent report_of(uint64_t device, int64_t time_ms, const struct life *l)
{
	struct sent s = {.device = device, .received_ms = time_ms + 1000, .size = 28};
	store_be32(s.body + 4, 3);
	store_be32(s.body + 8, (uint32_t)(l->lat * 1e6));
	store_be32(s.body + 12, (uint32_t)(l->lon * 1e6));
	store_be16(s.body + 18, (uint16_t)l->speed_dkmh);
	store_be16(s.body + 20, (uint16_t)l->course_deg);
	cr_assert_eq(bcd_time_encode(time_ms, s.body + 22), STATUS_OK);
	return s;
}

static void sail(struct life *l)
{
	double metres = l->speed_dkmh / 36.0 * STEP_MS / 1000;
	if (l->left-- <= 0) {
		l->left = 20 + (int)(next_random(&l->random) % 80);
		l->speed_dkmh = (unsigned[]){0, 5, 60, 110, 180, 300}[next_random(&l->random) % 6];
		l->course_deg = (unsigned)(next_random(&l->random) % 360);
		l->silent = next_random(&l->random) % 8 == 0;
	}
	l->lat += metres * cos(l->course_deg * 3.14159265358979 / 180) / 111120;
	l->lon += metres * sin(l->course_deg * 3.14159265358979 / 180) / 100800;
	if (fabs(l->lat - 24.6) > 0.05 || fabs(l->lon - 118.8) > 0.05)
		l->course_deg = (l->course_deg + 180) % 360;
}

/* What the codes do at a step; false: nothing is said. The beacon says something every ten minutes, but for an hour and
 * more, and from the 600th step on it is far off. The old code ends at the 400th, the new one begins two minutes later.
 */
static bool lives_as_code(struct life *lives, unsigned d, int i)
{
	if (d == BOAT_BEACON) {
		lives[d] = lives[BOAT_AIS];
		lives[d].lat += i >= 600 && i < 760 ? 0.05 : 0;
		return i % 40 == 0 && (i < 200 || i >= 520);
	}
	if (d == NEW_CODE)
		lives[d] = lives[OLD_CODE];
	if (d == OLD_CODE && i > 380) /* straight on */
		lives[d].speed_dkmh = 110;
	return d == BOAT_AIS || (d == OLD_CODE ? i <= 400 : i >= 408);
}

static struct sent *make_bay(uint64_t seed, size_t *count)
{
	struct sent *all = malloc(sizeof *all * SPEAKERS * STEPS);
	struct life lives[SPEAKERS];
	cr_assert_not_null(all);
	*count = 0;
	for (unsigned d = 0; d < SPEAKERS; d++) {
		lives[d] = (struct life){.random = seed * (d + 1) | 1};
		lives[d].lat = 24.56 + (double)(next_random(&lives[d].random) % 80) / 1000;
		lives[d].lon = 118.76 + (double)(next_random(&lives[d].random) % 80) / 1000;
	}
	for (int i = 0; i < STEPS; i++)
		for (unsigned d = 0; d < SPEAKERS; d++) {
			sail(&lives[d]);
			if (d == OLD_CODE && i > 300)
				lives[d].left = 1000;
			if (d >= VESSELS) {
				if (lives_as_code(lives, d, i))
					all[(*count)++] =
						report_of(rig_device(d), morning() + i * (int64_t)STEP_MS, &lives[d]);
				continue;
			}
			if (d == TOGETHER) {
				lives[d].speed_dkmh = 110;
				lives[d].silent = 0;
			}
			if (d == TOGETHER + 1) {
				lives[d] = lives[TOGETHER];
				lives[d].lat += 0.00003;
			}
			if (d == 1) { /* beside another for hours */
				lives[d] = lives[0];
				lives[d].lat += 0.001;
			}
			if (d < 2)
				lives[d].speed_dkmh = lives[d].speed_dkmh > 5 ? 5 : lives[d].speed_dkmh;
			if (!lives[d].silent)
				all[(*count)++] = report_of(rig_device(d), morning() + i * (int64_t)STEP_MS, &lives[d]);
		}
	return all;
}

static void say(struct rig *r, unsigned d, enum device_kind kind, enum device_field field, const char *value)
{
	struct registry_change change = {field, span_of_string(value)};
	cr_assert_eq(registry_apply(engine_registry(r->engine), rig_device(d), kind, &change, 1, VALID_ALWAYS_FROM,
				    "test", NULL),
		     STATUS_OK);
}

static void make_codes(struct rig *r)
{
	say(r, BOAT, DEVICE_KIND_BOAT, DEVICE_FIELD_PLATE, "boat:闽狮渔00018");
	say(r, BOAT, DEVICE_KIND_BOAT, DEVICE_FIELD_CLASS, "fishing");
	say(r, BOAT_AIS, DEVICE_KIND_AIS, DEVICE_FIELD_VEHICLE, "boat:闽狮渔00018");
	say(r, BOAT_BEACON, DEVICE_KIND_BEIDOU, DEVICE_FIELD_VEHICLE, "boat:闽狮渔00018");
	say(r, OLD_CODE, DEVICE_KIND_AIS, DEVICE_FIELD_NAME, "MINSHIYU 00016");
	say(r, OLD_CODE, DEVICE_KIND_AIS, DEVICE_FIELD_CLASS, "fishing");
	say(r, NEW_CODE, DEVICE_KIND_AIS, DEVICE_FIELD_STATE, "unregistered");
	for (unsigned d = 4; d < 10; d += 2)
		say(r, d, DEVICE_KIND_JT808, DEVICE_FIELD_FORMATION, "一组");
}

static void make_world(struct rig *r)
{
	static const char more[] = "\n[near-off]\nkind = source_off\ntitle = 关 | Off\nsource = test\n"
				   "silent = beidou\ntime = 40 min\n"
				   "[near-apart]\nkind = sources_apart\ntitle = 离 | Apart\nsource = test\n"
				   "limit = 100 km/h\ndistance = 1 km\ntimes = 2\n"
				   "[near-reborn]\nkind = reborn\ntitle = 换 | Reborn\nsource = test\n"
				   "distance = 2 km\nturn = 180\n"
				   "[near-left]\nkind = formation\ntitle = 离队 | Left\nsource = test\n"
				   "distance = 2 km\ntime = 10 min\n"
				   "[any-risk]\nkind = collision\ntitle = 近 | Near\nsource = test\n"
				   "cpa = 400 m\ntcpa = 6 min\npairs = any\nfresh = 5 min\n";
	struct buf text = buf_init(1u << 20);
	struct span shipped = rules_default();
	for (unsigned d = 0; d < VESSELS; d++) {
		struct registry_change change = {DEVICE_FIELD_CLASS, span_of_string(d % 3 ? "fishing" : "vessel")};
		cr_assert_eq(registry_apply(engine_registry(r->engine), rig_device(d), DEVICE_KIND_JT808, &change, 1,
					    VALID_ALWAYS_FROM, "test", NULL),
			     STATUS_OK);
	}
	make_codes(r);
	cr_assert_eq(buf_append(&text, shipped.data, shipped.size), STATUS_OK);
	cr_assert_eq(buf_append(&text, more, sizeof more - 1), STATUS_OK);
	cr_assert_eq(context_put_rules(engine_context(r->engine), buf_view(&text), INT64_MIN, "test", NULL, NULL),
		     STATUS_OK);
	buf_deinit(&text);
}

/* --- findings as bytes --- */

struct bytes {
	struct buf all;
	struct finding *findings;
	size_t count;
};

static struct bytes bytes_of(const struct replay_result *found)
{
	struct bytes b = {buf_init(SIZE_MAX / 2), found->findings, found->count};
	for (size_t i = 0; i < found->count; i++)
		cr_assert_eq(finding_encode(&found->findings[i], &b.all), STATUS_OK);
	return b;
}

static void bytes_deinit(struct bytes *b)
{
	buf_deinit(&b->all);
	free(b->findings);
}

static struct bytes standing(struct rig *r)
{
	struct replay_result found;
	cr_assert_eq(engine_judge_settle(r->engine, day_after()), STATUS_OK);
	cr_assert_eq(engine_findings_standing(r->engine, INT64_MIN, INT64_MAX, &found), STATUS_OK);
	return bytes_of(&found);
}

static struct bytes replayed(struct rig *r)
{
	struct replay_result found;
	struct judged_by *by = context_take(engine_context(r->engine));
	struct replay_options o = {.by = by,
				   .from_ms = INT64_MIN,
				   .to_ms = INT64_MAX,
				   .as_of_ms = day_after(),
				   .threads = 2,
				   .digests = true};
	cr_assert_eq(engine_replay(r->engine, &o, &found), STATUS_OK);
	judged_by_release(by);
	return bytes_of(&found);
}

static void print_finding(const struct finding *f)
{
	printf("  %s %llx %llx%s %lld .. %lld found %lld peak %lld digest %02x%02x\n", f->rule,
	       (unsigned long long)f->device, (unsigned long long)f->other, f->open ? " open" : "",
	       (long long)f->start_ms, (long long)f->end_ms, (long long)f->found_ms,
	       (long long)f->numbers[FINDING_PEAK], f->digest[0], f->digest[1]);
}

static void expect_same(const struct bytes *expected, struct bytes got, const char *what)
{
	bool same = span_equal(buf_view(&expected->all), buf_view(&got.all));
	for (size_t i = 0; !same && (i < expected->count || i < got.count); i++) {
		bool there = i < expected->count && i < got.count;
		if (there && finding_compare(&expected->findings[i], &got.findings[i]) == 0 &&
		    !memcmp(expected->findings[i].digest, got.findings[i].digest, 32) &&
		    expected->findings[i].end_ms == got.findings[i].end_ms)
			continue;
		if (i < expected->count)
			print_finding(&expected->findings[i]);
		if (i < got.count)
			print_finding(&got.findings[i]);
		break;
	}
	cr_expect(same, "%s: %zu findings, expected %zu", what, got.count, expected->count);
	bytes_deinit(&got);
}

static size_t count_of(const struct bytes *b, const char *rule)
{
	size_t count = 0;
	for (size_t i = 0; i < b->count; i++)
		count += strcmp(b->findings[i].rule, rule) == 0 && finding_has_digest(&b->findings[i]);
	return count;
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

/* --- by hand: every pair at every half minute --- */

static const struct sent *last_before(const struct sent *all, size_t count, uint64_t device, int64_t at_ms)
{
	const struct sent *last = NULL;
	for (size_t i = 0; i < count && all[i].received_ms - 1000 <= at_ms; i++)
		if (all[i].device == device)
			last = &all[i];
	return last;
}

static bool hand_within(const struct sent *all, size_t count, unsigned a, unsigned b, int64_t at_ms)
{
	const struct approach_limits limits = {400000, 360000};
	struct mover m[2];
	struct approach p;
	for (unsigned i = 0; i < 2; i++) {
		const struct sent *s = last_before(all, count, rig_device(i ? b : a), at_ms);
		if (!s || at_ms - (s->received_ms - 1000) > 300000 || load_be16(s->body + 18) < SEA_MOVING_DKMH)
			return false;
		cr_assert(mover_of(s->received_ms - 1000, (int32_t)load_be32(s->body + 8) * 10,
				   (int32_t)load_be32(s->body + 12) * 10, load_be16(s->body + 18),
				   load_be16(s->body + 20), &m[i]));
	}
	return approach_of(&m[0], &m[1], at_ms, &p) && approach_within(&p, &limits);
}

static bool is_found(const struct bytes *b, uint64_t one, uint64_t other, int64_t at_ms)
{
	for (size_t i = 0; i < b->count; i++)
		if (strcmp(b->findings[i].rule, "any-risk") == 0 && b->findings[i].subject == pair_number(one, other) &&
		    b->findings[i].start_ms <= at_ms && at_ms <= b->findings[i].end_ms)
			return true;
	return false;
}

/* Two half minutes in a row within the limits are a finding; one of none is within no finding's first instant. */
static void expect_by_hand(const struct bytes *b, const struct sent *all, size_t count)
{
	size_t held = 0;
	for (unsigned a = 0; a < VESSELS; a++)
		for (unsigned c = a + 1; c < VESSELS; c += 2) {
			bool before = false;
			for (int64_t at = morning() / 30000 * 30000; at < morning() + 3600000; at += 30000) {
				bool within = hand_within(all, count, a, c, at);
				held += within && before;
				if (within && before)
					cr_expect(is_found(b, rig_device(a), rig_device(c), at), "%u and %u at %lld", a,
						  c, (long long)at);
				before = within;
			}
		}
	cr_expect_gt(held, 20, "held %zu", held);
	for (size_t i = 0; i < b->count; i++)
		if (strcmp(b->findings[i].rule, "any-risk") == 0 && b->findings[i].start_ms < morning() + 3600000)
			cr_expect_geq(b->findings[i].numbers[FINDING_REPORTS], 2);
}

Test(sea_pairs, finds_what_the_vessels_did_and_replay_finds_the_same, .timeout = 600)
{
	struct rig r;
	size_t count;
	struct sent *all = make_bay(0x5ea1, &count);
	rig_init(&r);
	rig_open(&r);
	make_world(&r);
	rig_submit(&r, 0, all, count);
	struct bytes live = standing(&r);
	printf("%zu findings: %zu collision-risk, %zu any-risk, %zu encounter, %zu two codes\n", live.count,
	       count_of(&live, "collision-risk"), count_of(&live, "any-risk"), count_of(&live, "encounter-at-sea"),
	       count_of(&live, "two-codes-one-boat"));
	cr_expect_gt(count_of(&live, "collision-risk"), 5);
	cr_expect_gt(count_of(&live, "any-risk"), 5);
	cr_expect_gt(count_of(&live, "encounter-at-sea"), 0);
	cr_expect_gt(count_of(&live, "two-codes-one-boat"), 0);
	cr_expect_eq(count_of(&live, "near-off"), 1);
	cr_expect_gt(count_of(&live, "near-apart"), 0);
	cr_expect_eq(count_of(&live, "near-reborn"), 1);
	cr_expect_gt(count_of(&live, "near-left"), 0);
	expect_by_hand(&live, all, count);
	expect_same(&live, replayed(&r), "replay differs from live");
	rig_close(&r);
	rig_open(&r);
	expect_same(&live, standing(&r), "a restart changed what was found");
	rig_close(&r);
	rig_deinit(&r);
	bytes_deinit(&live);
	free(all);
}

Test(sea_pairs, any_order_late_bursts_and_restarts_give_the_same_findings, .timeout = 900)
{
	static const unsigned shards[] = {2, 1, 3};
	uint64_t seed = 0x5ea2, state = seed;
	struct rig r;
	size_t count;
	struct sent *all = make_bay(seed, &count);
	rig_init(&r);
	rig_open(&r);
	make_world(&r);
	rig_submit(&r, 0, all, count);
	struct bytes expected = standing(&r);
	rig_close(&r);
	rig_deinit(&r);

	rig_init(&r);
	for (int round = 0; round < 4; round++) {
		r.options.shards = shards[round % 3];
		rig_open(&r);
		if (round == 1)
			make_world(&r);
		for (size_t at = 0; at < count; at += 40)
			if ((int)(at / 40 % 4) == round) {
				size_t end = at + 40 < count ? at + 40 : count;
				shuffle(all, at, end, &state);
				rig_submit(&r, at % r.options.shards, all + at, end - at);
			}
		if (round == 2)
			cr_assert_eq(engine_judge_settle(r.engine, morning() + STEPS * (int64_t)STEP_MS / 2),
				     STATUS_OK);
		if (round < 3)
			rig_close(&r);
	}
	expect_same(&expected, standing(&r), "late bursts and restarts");
	expect_same(&expected, replayed(&r), "late bursts and restarts, replayed");
	rig_close(&r);
	rig_deinit(&r);
	bytes_deinit(&expected);
	free(all);
}

/* Classes and rules are said when everything has been judged already. */
Test(sea_pairs, what_is_said_later_is_judged_as_if_always_known, .timeout = 600)
{
	struct rig r;
	size_t count;
	struct sent *all = make_bay(0x5ea3, &count);
	rig_init(&r);
	rig_open(&r);
	make_world(&r);
	rig_submit(&r, 0, all, count);
	struct bytes expected = standing(&r);
	cr_expect_gt(expected.count, 10);
	rig_close(&r);
	rig_deinit(&r);

	rig_init(&r);
	rig_open(&r);
	rig_submit(&r, 0, all, count);
	cr_assert_eq(engine_judge_settle(r.engine, day_after()), STATUS_OK);
	make_world(&r);
	expect_same(&expected, standing(&r), "said later");
	rig_close(&r);
	rig_open(&r);
	expect_same(&expected, standing(&r), "said later, and restarted");
	rig_close(&r);
	rig_deinit(&r);
	bytes_deinit(&expected);
	free(all);
}
