/* Replay passes over reports in columns, and over blocks by their summaries: over random fleets and random rules that
 * gives, byte for byte, what stepping every report gives. */
#include <criterion/criterion.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/core/clock.h"
#include "engine/fleet/cards.h"
#include "engine/fleet/replay.h"
#include "engine/store/families.h"
#include "rig.h"

#define DEVICES 10
#define REPORTS 5000
#define START INT64_C(1767196800000)

static uint64_t next(uint64_t *state)
{
	uint64_t z = (*state += UINT64_C(0x9e3779b97f4a7c15)); /* splitmix64 (Steele, Lea, Flood 2014) */
	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

/* --- tracks --- */

/* How a device lives: most days are quiet, some have everything that makes a report be looked at. */
struct life {
	struct report now;
	bool drives, jitters, items;
	uint32_t trouble; /* one report in so many */
	uint16_t top_dkmh;
};

static void change_words(struct report *r, uint64_t fate)
{
	r->alarm = fate == 0 ? 1u << (next(&fate) & 31) : 0;
	r->status ^= fate == 1 ? 3u << 8 : 0;
	r->status ^= fate == 2 ? STATUS_BIT_FIX : 0;
	r->status ^= fate == 3 ? STATUS_BIT_OFFSET : 0;
	r->mileage_hm = fate == 4 ? MILEAGE_UNKNOWN : r->mileage_hm == MILEAGE_UNKNOWN ? 100 : r->mileage_hm;
	r->mileage_hm += fate == 5 ? 30 : 0;
	r->lat_e7 += fate == 6 ? 3000000 : fate == 7 ? -3000000 : 0;
	r->time_ms += fate == 8 ? 400 * MS_PER_SECOND : fate == 9 ? 3000 * MS_PER_SECOND : 0;
	r->flags = report_flags_of_status(r->status) | (fate == 10 ? REPORT_FLAG_FUTURE : 0);
}

static struct report advance(struct life *l, uint64_t *state)
{
	struct report *r = &l->now;
	uint64_t dice = next(state);
	l->drives = dice % 37 ? l->drives : !l->drives;
	r->time_ms += (l->jitters ? 1 + (int64_t)(dice >> 8 & 15) : 10) * MS_PER_SECOND;
	r->speed_dkmh = l->drives ? (uint16_t)(60 + (dice >> 16) % l->top_dkmh) : (uint16_t)(dice >> 16 & 15);
	r->lat_e7 += l->drives ? (int32_t)(dice >> 32 & 8191) - 4096 : (int32_t)(dice >> 32 & 3) - 1;
	r->lon_e7 += l->drives ? (int32_t)(dice >> 48 & 8191) - 4096 : 0;
	if (r->lat_e7 > 860000000 || r->lat_e7 < -860000000)
		r->lat_e7 = 249000000;
	if (l->drives && r->mileage_hm != MILEAGE_UNKNOWN)
		r->mileage_hm++;
	if (next(state) % l->trouble == 0) {
		change_words(r, next(state) % 12);
		struct report told = *r;
		told.speed_dkmh = next(state) % 4 ? told.speed_dkmh : SPEED_UNKNOWN;
		return told;
	}
	change_words(r, 99);
	return *r;
}

static struct life make_life(uint64_t *state)
{
	static const uint32_t troubles[] = {20, 300, 2000, UINT32_MAX};
	static const uint16_t tops[] = {300, 700, 760, 1200};
	return (struct life){.now = {.time_ms = START,
				     .received_ms = RECEIVED_UNKNOWN,
				     .lat_e7 = 249000000 + (int32_t)(next(state) % 200000),
				     .lon_e7 = 1186000000 + (int32_t)(next(state) % 200000),
				     .status = STATUS_BIT_FIX | STATUS_BIT_ACC,
				     .mileage_hm = 1000,
				     .course_deg = 90,
				     .altitude_m = 12,
				     .body = REPORT_BODY_ROW},
			     .jitters = next(state) % 3 == 0,
			     .items = next(state) % 3 == 0,
			     .trouble = troubles[next(state) % 4],
			     .top_dkmh = tops[next(state) % 4]};
}

/* Satellites, the recorder's speed, the input that may tell the load. */
static void add(struct bulk *b, uint64_t device, struct report r, bool items)
{
	uint64_t dice = (uint64_t)r.time_ms / 1000;
	uint8_t list[] = {0x30, 1, 20, 0x31, 1, (uint8_t)(next(&dice) % 50 ? 9 : 0), 0x03,
			  2,    0, 60, 0xe1, 1, (uint8_t)(next(&dice) % 40 == 0)};
	if (items) {
		r.items = list;
		r.items_size = sizeof list;
	}
	cr_assert_eq(report_rehash(&r), STATUS_OK);
	cr_assert_eq(bulk_add(b, device, &r), STATUS_OK);
}

/* Some reports come again, some late, some share their time with another. */
static void add_track(struct bulk *b, uint64_t device, uint64_t *state)
{
	struct life l = make_life(state);
	static struct report late[REPORTS];
	size_t late_count = 0, late_one_in = next(state) % 3 ? 1000000 : 50;
	bool twins = next(state) % 4 == 0;
	for (unsigned i = 0; i < REPORTS; i++) {
		struct report r = advance(&l, state);
		uint64_t dice = next(state);
		if (dice % late_one_in == 0)
			late[late_count++] = r;
		else
			add(b, device, r, l.items);
		if (!twins || dice >> 8 & 511)
			continue;
		r.altitude_m++;
		late[late_count++] = r;
	}
	for (size_t i = 0; i < late_count; i++)
		add(b, device, late[i], l.items);
}

static void put_card(struct rig *r, uint64_t device, int64_t time_ms, uint64_t driver)
{
	uint8_t key[CARD_KEY_SIZE], message[2] = {7, 2};
	struct store_batch *batch;
	card_key(device, time_ms, driver, key);
	cr_assert_eq(store_batch_new(engine_store(r->engine), &batch), STATUS_OK);
	store_batch_put(batch, STORE_CONTEXT, span_of(key, sizeof key), span_of(message, 2));
	cr_assert_eq(store_commit(engine_store(r->engine), batch, true), STATUS_OK);
	store_batch_free(batch);
}

static void make_fleet(struct rig *r, uint64_t *state)
{
	for (unsigned d = 0; d < DEVICES; d++) {
		struct registry_change change = {DEVICE_FIELD_CLASS,
						 span_of_string(device_class_token(next(state) % DEVICE_CLASS_COUNT))};
		cr_assert_eq(registry_apply(engine_registry(r->engine), rig_device(d), DEVICE_KIND_JT808, &change, 1,
					    VALID_ALWAYS_FROM, "test", NULL),
			     STATUS_OK);
	}
	struct bulk *b;
	cr_assert_eq(bulk_open(r->engine, &b), STATUS_OK);
	for (unsigned d = 0; d < DEVICES; d++)
		add_track(b, rig_device(d), state);
	cr_assert_eq(bulk_checkpoint(b, span_of_string("f"), span_of_string("1")), STATUS_OK);
	cr_assert_eq(bulk_close(b), STATUS_OK);
	if (next(state) % 2) /* nothing is left in heads, and late blocks are folded in */
		cr_assert_eq(engine_settle(r->engine), STATUS_OK);
	for (unsigned i = 0; i < 20; i++)
		put_card(r, rig_device(next(state) % DEVICES),
			 START + (int64_t)(next(state) % 3000) * 10 * MS_PER_SECOND, next(state) % 3);
}

/* --- what they are judged by --- */

static void put_fence(struct rig *r, unsigned i, uint64_t *state)
{
	static const char *const tags[] = {"speed_zone", "closed_road", "home_region", "dump_site",
					   "fire_lane",  "section_in",  "section_out", "gate"};
	int32_t lat = 249000000 + (int32_t)(next(state) % 300000) - 150000,
		lon = 1186000000 + (int32_t)(next(state) % 300000) - 150000,
		side = 2000 + (int32_t)(next(state) % (i % 4 == 2 ? 900000 : 90000));
	struct geo_point points[] = {{lat, lon}, {lat, lon + side}, {lat + side, lon + side}, {lat + side, lon}};
	uint32_t end = 4;
	struct fence f = {.valid_from_ms = next(state) % 4 ? INT64_MIN : START + 9000 * MS_PER_SECOND,
			  .valid_to_ms = INT64_MAX,
			  .when = SCHEDULE_ALWAYS,
			  .tag_count = 1,
			  .version = 1};
	snprintf(f.id, sizeof f.id, "f%u-%s", i, i % 8 == 6 ? "out" : "in");
	f.limit_dkmh = (uint16_t)(next(state) % 3 ? 300 + next(state) % 500 : 0);
	f.length_mm = (int64_t)(next(state) % 3000000);
	cr_assert_eq(tag_number(span_of_string(tags[i % 8]), &f.tags[0]), STATUS_OK);
	cr_assert_eq(fence_area_new(points, &end, 1, &f.area), STATUS_OK);
	cr_assert_eq(context_put_fences(engine_context(r->engine), &f, 1), STATUS_OK);
	fence_area_unref(f.area);
}

#define HEAD "title = a | b\nsource = c\n"
static const char *const rules[] = {
	"kind = overspeed\n" HEAD "hold = 60 s\nlimit = 80 km/h\n",
	"kind = overspeed\n" HEAD "points = 2\nlimit = 70 km/h\nmargin = 10 km/h\nrelease = 30 s\n",
	"kind = overspeed\n" HEAD "limit = 60 km/h\nwhen = 22:00-06:00\n",
	"kind = overspeed\n" HEAD "limit = 0 km/h\nwhere = tag:speed_zone\n",
	"kind = overspeed\n" HEAD "limit = 40 km/h\nspeed = position\n",
	"kind = zone\n" HEAD "where = tag:closed_road\nhold = 20 s\n",
	"kind = zone\n" HEAD "where = not tag:home_region\nmoving = yes\npoints = 3\n",
	"kind = zone\n" HEAD "when = 02:00-05:00\nmoving = yes\n",
	"kind = dwell\n" HEAD "where = tag:fire_lane\nhold = 3 min\n",
	"kind = dumping\n" HEAD "where = not tag:dump_site\nstop = 2 min\n",
	"kind = cover\n" HEAD "limit = 20 km/h\n",
	"kind = section_speed\n" HEAD "limit = 20 km/h\nentry = section_in\nexit = section_out\n",
	"kind = gap\n" HEAD "time = 5 min\ndistance = 100 m\n",
	"kind = silent\n" HEAD "time = 30 min\n",
	"kind = no_fix\n" HEAD "hold = 10 s\n",
	"kind = frozen\n" HEAD "distance = 1 km\n",
	"kind = alarm_bits\n" HEAD "bits = 0 4 5 6 7 8\n",
	"kind = two_places\n" HEAD "limit = 200 km/h\ntimes = 2\n",
	"kind = unregistered\n" HEAD,
	"kind = off_hours\n" HEAD "require = yes\nwhen = 22:00-06:00\n",
	"kind = no_video\n" HEAD,
	"kind = shielded\n" HEAD "hold = 10 s\nsignal = 15\n",
	"kind = speed_mismatch\n" HEAD "percent = 20 %\nmargin = 10 km/h\nwith = recorder\n",
	"kind = overspeed\n" HEAD "limit = 60 km/h\nloaded = yes\n",
	"kind = fatigue\n" HEAD "continuous = 20 min\nrest = 5 min\nnight = 0 s\nday = 0 s\nweek = 0 s\n",
	"kind = convoy\n" HEAD "tag = gate\ntimes = 2\ntime = 2 min\n",
};
#define RULES (sizeof rules / sizeof rules[0])
/* those that are judged by one report, so that whole blocks are passed over, and what came before is looked up */
static const uint8_t light[] = {0, 1, 14, 14, 16, 24, 24};

/* One to four rules, or every one; or the shipped ones. */
static struct judged_by *random_rules(struct rig *r, uint64_t *state)
{
	struct rulebook *book;
	struct judged_by *by;
	struct buf text = buf_init(1 << 20);
	uint64_t dice = next(state) % 12;
	if (next(state) % 2)
		cr_assert_eq(buf_printf(&text, next(state) % 4 ? "[inputs]\nload = status bits 8-9\n"
							       : "[inputs]\nload = item E1 byte 0 mask 0x01\n"),
			     STATUS_OK);
	for (size_t i = 0, left = dice < 4 ? 1 : 1 + next(state) % 3; i < (dice ? left : RULES); i++)
		cr_assert_eq(buf_printf(&text, "[r%zu]\n%s", i,
					rules[!dice      ? i
					      : dice < 6 ? light[next(state) % sizeof light]
							 : next(state) % RULES]),
			     STATUS_OK);
	enum status status = rulebook_parse(dice == 1 ? rules_default() : buf_view(&text), NULL, NULL, &book);
	cr_assert_eq(status, STATUS_OK, "%.*s", (int)text.size, (const char *)text.data);
	cr_assert_eq(context_with_rules(engine_context(r->engine), book, &by), STATUS_OK);
	rulebook_unref(book);
	buf_deinit(&text);
	return by;
}

/* --- the comparison --- */

static struct buf replay(struct rig *r, struct judged_by *by, int64_t as_of_ms, bool by_steps,
			 struct replay_result *found)
{
	struct replay_options o = {.by = by,
				   .from_ms = INT64_MIN,
				   .to_ms = INT64_MAX,
				   .as_of_ms = as_of_ms,
				   .threads = 1,
				   .by_steps = by_steps};
	struct buf all = buf_init(SIZE_MAX / 2);
	cr_assert_eq(engine_replay(r->engine, &o, found), STATUS_OK);
	for (size_t i = 0; i < found->count; i++)
		cr_assert_eq(finding_encode(&found->findings[i], &all), STATUS_OK);
	free(found->findings);
	return all;
}

struct tally {
	uint64_t reports, stepped, findings;
	unsigned quick; /* comparisons in which most were passed over */
};

static void compare(struct rig *r, uint64_t *state, uint64_t seed, struct tally *tally)
{
	struct judged_by *by = random_rules(r, state);
	struct replay_result stepped, skimmed;
	int64_t as_of_ms = START + (int64_t)(20000 + next(state) % 40000) * MS_PER_SECOND;
	struct buf a = replay(r, by, as_of_ms, true, &stepped), b = replay(r, by, as_of_ms, false, &skimmed);
	cr_assert_eq(stepped.reports, skimmed.reports, "seed %" PRIu64, seed);
	cr_assert_eq(stepped.count, skimmed.count, "seed %" PRIu64, seed);
	cr_assert(span_equal(buf_view(&a), buf_view(&b)), "seed %" PRIu64 ": other findings", seed);
	cr_assert_eq(stepped.stepped, stepped.reports);
	tally->reports += skimmed.reports;
	tally->stepped += skimmed.stepped;
	tally->quick += skimmed.stepped < skimmed.reports / 2;
	tally->findings += skimmed.count;
	buf_deinit(&a);
	buf_deinit(&b);
	judged_by_release(by);
}

Test(replay, passes_over_what_makes_no_difference, .timeout = 600)
{
	const char *given = getenv("ZAYTON_SEED");
	uint64_t first = given ? strtoull(given, NULL, 0) : 1;
	struct tally tally = {0};
	for (uint64_t seed = first; seed < first + (given ? 1 : 3); seed++) {
		uint64_t state = seed;
		struct rig r;
		printf("ZAYTON_SEED=%" PRIu64 "\n", seed);
		rig_init(&r);
		cr_assert_eq(engine_open(&r.options, &r.engine), STATUS_OK);
		make_fleet(&r, &state);
		for (unsigned i = 0; i < 24; i++)
			put_fence(&r, i, &state);
		for (unsigned i = 0; i < 30; i++)
			compare(&r, &state, seed, &tally);
		engine_close(r.engine);
		rig_deinit(&r);
	}
	printf("%" PRIu64 " reports, %" PRIu64 " stepped, %" PRIu64 " findings; most were passed over %u times\n",
	       tally.reports, tally.stepped, tally.findings, tally.quick);
	cr_assert(given || tally.findings > 1000);
	cr_assert(given || tally.quick >= 10);
}
