/* The two hard promises for streams: findings do not depend on the order in which values come, and live equals replay,
 * byte for byte; rules, limits and places that are said later are judged as if always known. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/core/clock.h"
#include "engine/fleet/replay.h"
#include "engine/fleet/streams.h"
#include "engine/fleet/values_writer.h"
#include "rig.h"

#define SITES 3u
#define STREAMS (SITES * QUANTITIES)
#define STEP_MS 300000
#define DAYS 9u
#define PER_STREAM (DAYS * 288u)

static const char *const quantities[] = {"level", "rain", "state", "move", "flow", "batch"};
#define QUANTITIES 6u

static uint64_t state;

static uint64_t next(void)
{
	state ^= state << 13;
	state ^= state >> 7;
	return state ^= state << 17;
}

static void seeded(const char *test, uint64_t otherwise)
{
	const char *given = getenv("ZAYTON_SEED");
	state = given ? strtoull(given, NULL, 0) : otherwise;
	printf("%s: ZAYTON_SEED=%llu\n", test, (unsigned long long)state);
	state |= 1;
}

static int64_t first_ms(void)
{
	struct civil c = {2026, 2, 25, 16, 0, 0, 0}; /* midnight in China; blocks cross into March */
	return civil_to_ms(&c);
}

static int64_t as_of(void)
{
	return first_ms() + (int64_t)(DAYS + 400) * MS_PER_DAY;
}

/* --- what the sensors say --- */

struct item {
	unsigned stream;
	int64_t received_ms;
	struct value v;
	char text[16];
};

static void set_text(struct item *it, const char *text)
{
	snprintf(it->text, sizeof it->text, "%s", text);
	it->v.type = VALUE_TEXT;
	it->v.bits = (int64_t)value_text_hash(span_of_string(text));
}

/* A life with moods: a while of this, a while of that. */
static void make_value(struct item *it, unsigned quantity, int mood, unsigned i)
{
	static const double days[DAYS] = {0, 1, 2, 3, 4, 5, 5, 0, 0};
	static const char *const states[] = {"normal", "fire", "fault", "fire+fault", "normal"};
	switch (quantity) {
	case 0:
		if (mood == 4)
			value_set_decimal(&it->v, 777, 1);
		else
			value_set_decimal(&it->v, mood * 200 + (int64_t)(next() % 100), 1);
		break;
	case 1:
		value_set_decimal(&it->v, mood == 1 ? (int64_t)(next() % 40) : 0, 1);
		break;
	case 2:
		set_text(it, states[mood]);
		it->v.quality = next() % 5 ? VALUE_QUALITY_GOOD : VALUE_QUALITY_TEST;
		break;
	case 3:
		/* a double: of no short decimal */
		cr_assert_eq(value_set_double(&it->v, days[i / 288] * (1 + it->stream % 5) * 1.7 +
							      (double)(next() % 1000) / 997 + (next() % 40 ? 0 : 500)),
			     STATUS_OK);
		break;
	case 4:
		value_set_decimal(&it->v, 20 + (int64_t)(next() % 50) + mood * 5, 1);
		break;
	default:
		value_set_decimal(&it->v, i < PER_STREAM - 20 * (it->stream % 3) ? 5 : 0, 0);
	}
}

static struct item *make_items(size_t *out_count)
{
	struct item *all = calloc((size_t)STREAMS * PER_STREAM * 2, sizeof *all);
	size_t count = 0;
	cr_assert_not_null(all);
	for (unsigned s = 0; s < STREAMS; s++) {
		int mood = 0, left = 0;
		for (unsigned i = 0; i < PER_STREAM; i++) {
			if (left-- <= 0) {
				mood = (int)(next() % 5);
				left = 3 + (int)(next() % 60);
				if (next() % 12 == 0)
					i += 40; /* silent */
			}
			struct item *it = &all[count];
			*it = (struct item){.stream = s};
			it->v.time_ms = first_ms() + (int64_t)i * STEP_MS + (int64_t)(next() % 1000);
			it->received_ms = it->v.time_ms + 1000;
			make_value(it, s % QUANTITIES, mood, i);
			if (next() % 50 == 0)
				it->v.quality = VALUE_QUALITY_OVER_RANGE;
			count++;
			/* corrected an hour later, or sent again */
			if (next() % 60 == 0) {
				all[count] = *it;
				if (it->v.type == VALUE_DECIMAL)
					value_set_decimal(&all[count].v, it->v.bits + 37, it->v.scale);
				all[count++].received_ms += 3600000 + (int64_t)(next() % 3600000);
			}
		}
	}
	*out_count = count;
	return all;
}

static uint64_t id_of(unsigned stream)
{
	char site[16];
	snprintf(site, sizeof site, "site %u", stream / QUANTITIES);
	return stream_id(site_id(span_of_string(site)), span_of_string(quantities[stream % QUANTITIES]));
}

static void send_range(struct rig *r, const struct item *items, size_t from, size_t to)
{
	struct values_writer *w;
	cr_assert_eq(values_writer_new(r->engine, &w), STATUS_OK);
	for (size_t i = from; i < to; i++) {
		cr_assert_eq(values_writer_begin(w, items[i].received_ms), STATUS_OK);
		cr_assert_eq(values_writer_add(w, id_of(items[i].stream), &items[i].v, span_of_string(items[i].text)),
			     STATUS_OK);
	}
	cr_assert_eq(values_writer_flush(w), STATUS_OK);
	values_writer_free(w);
}

/* --- what they are judged by --- */

static void say_site(struct rig *r, unsigned site, uint8_t field, const char *value)
{
	char number[16];
	struct registry_change change = {field, span_of_string(value)};
	snprintf(number, sizeof number, "site %u", site);
	cr_assert_eq(registry_apply(engine_registry(r->engine), site_id(span_of_string(number)), DEVICE_KIND_SENSOR,
				    &change, 1, VALID_ALWAYS_FROM, "test", NULL),
		     STATUS_OK);
}

static void say_stream(struct rig *r, unsigned stream, uint8_t field, const char *value, int64_t from_ms)
{
	char number[16];
	uint64_t id;
	struct registry_change change = {field, span_of_string(value)};
	snprintf(number, sizeof number, "site %u", stream / QUANTITIES);
	cr_assert_eq(stream_put(engine_streams(r->engine), span_of_string(number),
				span_of_string(quantities[stream % QUANTITIES]), &change, 1, from_ms, "test", false,
				&id),
		     STATUS_OK);
	cr_assert_eq(id, id_of(stream));
}

static void name_streams(struct rig *r)
{
	for (unsigned s = 0; s < STREAMS; s++)
		say_stream(r, s, DEVICE_FIELD_INTERVAL, "5m", VALID_ALWAYS_FROM);
}

static void say_facts(struct rig *r)
{
	for (unsigned i = 0; i < SITES; i++) {
		say_site(r, i, DEVICE_FIELD_SECTOR, i == 1 ? "供水" : "污水");
		say_site(r, i, DEVICE_FIELD_VILLAGE, "东村");
		say_site(r, i, DEVICE_FIELD_POSITION, i == 2 ? "118.9,24.9" : "118.7,24.9");
	}
	for (unsigned s = 0; s < STREAMS; s += QUANTITIES) {
		say_stream(r, s, DEVICE_FIELD_RANGE_MAX, "85", VALID_ALWAYS_FROM);
		say_stream(r, s, DEVICE_FIELD_LIMIT, "60", VALID_ALWAYS_FROM);
		say_stream(r, s, DEVICE_FIELD_LIMIT, "44.4", first_ms() + 3 * MS_PER_DAY);
		say_stream(r, s + 3, DEVICE_FIELD_BASE, "0.9", VALID_ALWAYS_FROM);
		say_stream(r, s + 4, DEVICE_FIELD_LIMIT, "2.1", VALID_ALWAYS_FROM);
	}
}

static void put_fence(struct rig *r)
{
	struct geo_point ring[4] = {
		{248000000, 1186000000}, {250000000, 1186000000}, {250000000, 1188000000}, {248000000, 1188000000}};
	uint32_t end = 4;
	struct fence f = {.id = "flood", .valid_from_ms = INT64_MIN, .valid_to_ms = INT64_MAX, .when = SCHEDULE_ALWAYS};
	f.valid_from_ms = first_ms() + 2 * MS_PER_DAY;
	cr_assert_eq(tag_number(span_of_string("flash_flood"), &f.tags[0]), STATUS_OK);
	f.tag_count = 1;
	cr_assert_eq(fence_area_new(ring, &end, 1, &f.area), STATUS_OK);
	cr_assert_eq(context_put_fences(engine_context(r->engine), &f, 1), STATUS_OK);
	fence_area_unref(f.area);
}

#define RULE(id, kind, quantity) "[" id "]\nkind = " kind "\ntitle = 题 | t\nsource = test\nquantity = " quantity "\n"
static const char
	rules
		[] =
			RULE("high", "level", "level") "side = above\nhold = 10 min\npoints = 2\nmargin = 3\n" RULE(
				"water", "level", "level") "side = below\nlimit = 5\nsectors = 供水\nwhen = "
							   "08:00-20:00\nrelease = 10 min\n" RULE("jump", "rate", "level") "limit = 35.5\ntime = 20 min\n" RULE("same",
																				"stuck",
																				"level") "time = 1 h\n" RULE("out",
																							     "out_of_range", "lev*") "points = 2\n" RULE("rain",
																													 "window_sum", "rain") "limit = 20\ntime = 3 h\n" RULE("zone", "window_sum", "rain") "limit = 12\ntime = 1 h\nwhere = tag:flash_flood\n" RULE("quiet", "missing", "*") "times = 3\n" RULE("fire",
																																																				  "state", "state") "states = fire\nhold = 10 min\n" RULE("test",
																																																											  "state", "state") "states = fire\ntest = yes\n" RULE("slide",
																																																																	       "displacement",
																																																																	       "move") "limit = 5\npoints = 12\ndays = 2\n" RULE("angle",
																																																																								 "tangent_angle", "move") "angle = 80\npoints = 12\n" RULE("drift", "drift", "move") "limit = 4\nbase = 1\npoints = 12\n" RULE("leak",
																																																																																							       "night_flow",
																																																																																							       "flow") "nights = 2\npoints = 4\n" RULE("old",
																																																																																												       "age",
																																																																																												       "batch") "before = 361 d\n";

/* The rules come in force one by one: half of the book for the first day. */
static void put_rules(struct rig *r)
{
	struct span half = span_of(rules, (size_t)(strstr(rules, "[rain]") - rules));
	cr_assert_eq(context_put_rules(engine_context(r->engine), half, INT64_MIN, "test", NULL, NULL), STATUS_OK);
	cr_assert_eq(context_put_rules(engine_context(r->engine), span_of_string(rules), first_ms() + MS_PER_DAY,
				       "test", NULL, NULL),
		     STATUS_OK);
}

static void make_world(struct rig *r)
{
	name_streams(r);
	say_facts(r);
	put_fence(r);
	put_rules(r);
}

/* --- findings as bytes --- */

struct bytes {
	struct buf all;
	struct finding *findings;
	size_t count;
};

static struct bytes bytes_of(const struct replay_result *found)
{
	struct bytes b = {.all = buf_init(SIZE_MAX / 2), .findings = found->findings, .count = found->count};
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
	cr_assert_eq(engine_judge_settle(r->engine, as_of()), STATUS_OK);
	cr_assert_eq(engine_findings_standing(r->engine, INT64_MIN, INT64_MAX, &found), STATUS_OK);
	return bytes_of(&found);
}

static struct bytes replayed(struct rig *r)
{
	struct replay_result found;
	struct judged_by *by = context_take(engine_context(r->engine));
	struct replay_options o = {
		.by = by, .from_ms = INT64_MIN, .to_ms = INT64_MAX, .as_of_ms = as_of(), .threads = 2, .digests = true};
	cr_assert_eq(engine_replay(r->engine, &o, &found), STATUS_OK);
	judged_by_release(by);
	return bytes_of(&found);
}

static void print_finding(const struct finding *f)
{
	printf("  %016llx %s %s%s %+lld .. %+lld found %+lld digest %02x%02x:", (unsigned long long)f->subject, f->rule,
	       f->fence, f->open ? " open" : "", (long long)(f->start_ms - first_ms()),
	       (long long)(f->end_ms - first_ms()), (long long)(f->found_ms - first_ms()), f->digest[0], f->digest[1]);
	for (unsigned n = 0; n < FINDING_NUMBER_COUNT; n++)
		if (f->numbers[n] != NUMBER_UNKNOWN)
			printf(" %s %lld", finding_number_token(n), (long long)f->numbers[n]);
	printf("\n");
}

static bool is_same(const struct finding *a, const struct finding *b)
{
	struct buf x = buf_init(4096), y = buf_init(4096);
	cr_assert_eq(finding_encode(a, &x), STATUS_OK);
	cr_assert_eq(finding_encode(b, &y), STATUS_OK);
	bool same = span_equal(buf_view(&x), buf_view(&y));
	buf_deinit(&x);
	buf_deinit(&y);
	return same;
}

static void expect_same(const struct bytes *expected, struct bytes got, const char *what)
{
	bool same = span_equal(buf_view(&expected->all), buf_view(&got.all));
	size_t i = 0;
	while (!same && i < expected->count && i < got.count && is_same(&expected->findings[i], &got.findings[i]))
		i++;
	if (!same) {
		printf("%s: %zu findings, %zu findings\n", what, expected->count, got.count);
		if (i < expected->count)
			print_finding(&expected->findings[i]);
		if (i < got.count)
			print_finding(&got.findings[i]);
	}
	cr_expect(same, "%s", what);
	bytes_deinit(&got);
}

static struct bytes reference(const struct item *items, size_t count)
{
	struct rig r;
	rig_init(&r);
	rig_open(&r);
	make_world(&r);
	send_range(&r, items, 0, count);
	struct bytes b = standing(&r);
	rig_close(&r);
	rig_deinit(&r);
	return b;
}

static void shuffle(struct item *items, size_t from, size_t to)
{
	for (size_t i = to; i > from + 1; i--) {
		size_t k = from + next() % (i - from);
		struct item swap = items[i - 1];
		items[i - 1] = items[k];
		items[k] = swap;
	}
}

Test(judge_streams, finds_something_of_every_kind_and_replay_finds_the_same, .timeout = 600)
{
	seeded("kinds", 0x57e0001);
	struct rig r;
	size_t count;
	bool found[RULE_KIND_COUNT] = {false}, ended[RULE_KIND_COUNT] = {false};
	struct item *items = make_items(&count);
	rig_init(&r);
	rig_open(&r);
	make_world(&r);
	send_range(&r, items, 0, count);
	struct bytes live = standing(&r);
	printf("%zu values, %zu findings\n", count, live.count);
	for (size_t i = 0; i < live.count; i++) {
		const struct finding *f = &live.findings[i];
		found[f->kind] = true;
		ended[f->kind] |= !f->open;
		cr_expect_eq(finding_has_digest(f), !f->open, "%s", f->rule);
	}
	for (unsigned kind = 1; kind < RULE_KIND_COUNT; kind++)
		if (rule_kind_stage(kind) == RULE_STAGE_STREAMS)
			cr_expect(found[kind] && ended[kind], "no finding of kind %s, or none that ended",
				  rule_kind_token(kind));
	expect_same(&live, replayed(&r), "replay differs from live");
	rig_close(&r);
	rig_open(&r);
	expect_same(&live, standing(&r), "a restart changed what was found");
	rig_close(&r);
	rig_deinit(&r);
	bytes_deinit(&live);
	free(items);
}

Test(judge_streams, any_order_duplicates_restarts_and_shards_give_the_same, .timeout = 900)
{
	static const unsigned shards[] = {2, 1, 3};
	seeded("order", 0x57e0002);
	struct rig r;
	size_t count;
	struct item *items = make_items(&count);
	struct bytes expected = reference(items, count);
	shuffle(items, 0, count);
	rig_init(&r);
	for (int round = 0; round < 4; round++) {
		size_t from = count / 4 * (size_t)round, to = round == 3 ? count : from + count / 4;
		r.options.shards = shards[round % 3];
		r.options.checkpoint_ms = round % 2 ? 20 : 60000;
		rig_open(&r);
		if (round == 0)
			make_world(&r);
		send_range(&r, items, from, from + (to - from) / 2);
		/* judged in between, so that most of the next comes late */
		if (round % 2)
			cr_assert_eq(engine_judge_settle(r.engine, as_of()), STATUS_OK);
		send_range(&r, items, from + (to - from) / 2, to);
		send_range(&r, items, from, from + 500);
		rig_close(&r); /* the last values have not been judged by now */
	}
	rig_open(&r);
	expect_same(&expected, standing(&r), "shuffled");
	expect_same(&expected, replayed(&r), "shuffled, replayed");
	rig_close(&r);
	rig_deinit(&r);
	bytes_deinit(&expected);
	free(items);
}

/* In order, each value judged as it comes, and a few late. */
Test(judge_streams, live_as_it_comes_gives_the_same, .timeout = 900)
{
	seeded("live", 0x57e0003);
	struct rig r;
	size_t count;
	struct item *items = make_items(&count);
	struct bytes expected = reference(items, count);
	for (size_t at = 0; at + 40 < count; at += 40)
		shuffle(items, at, at + 40);
	rig_init(&r);
	rig_open(&r);
	make_world(&r);
	for (size_t at = 0; at < count; at += 700) {
		send_range(&r, items, at, at + 700 < count ? at + 700 : count);
		if (at / 700 % 4 == 0)
			cr_assert_eq(engine_judge_settle(r.engine, items[at].v.time_ms), STATUS_OK);
	}
	expect_same(&expected, standing(&r), "as it comes");
	rig_close(&r);
	rig_deinit(&r);
	bytes_deinit(&expected);
	free(items);
}

Test(judge_streams, what_is_said_later_is_judged_as_if_always_known, .timeout = 900)
{
	seeded("later", 0x57e0004);
	struct rig r;
	size_t count;
	struct item *items = make_items(&count);
	struct bytes expected = reference(items, count);
	rig_init(&r);
	rig_open(&r);
	name_streams(&r);
	send_range(&r, items, 0, count / 3);
	cr_assert_eq(engine_judge_settle(r.engine, as_of()), STATUS_OK);
	put_rules(&r);
	cr_assert_eq(engine_judge_settle(r.engine, as_of()), STATUS_OK);
	send_range(&r, items, count / 3, count / 2);
	put_fence(&r);
	rig_close(&r);
	rig_open(&r);
	send_range(&r, items, count / 2, count);
	say_facts(&r);
	expect_same(&expected, standing(&r), "said later");
	rig_close(&r);
	rig_open(&r);
	expect_same(&expected, standing(&r), "said later, and restarted");
	rig_close(&r);
	rig_deinit(&r);
	bytes_deinit(&expected);
	free(items);
}

/* A snapshot that something late came before must not be gone on from, even when memory has forgotten it. */
Test(judge_streams, late_before_a_snapshot_and_then_late_after_it, .timeout = 900)
{
	seeded("snapshots", 0x57e0005);
	struct rig r;
	size_t count;
	struct item *items = make_items(&count);
	struct item *early = &items[count++], *last = &items[count++];
	*early = (struct item){.stream = 5};
	early->v.time_ms = first_ms() + 2 * MS_PER_DAY + 17;
	early->received_ms = first_ms() + 8 * MS_PER_DAY;
	*last = *early;
	value_set_decimal(&last->v, 4, 0);
	last->v.time_ms = first_ms() + 8 * MS_PER_DAY;
	struct bytes expected = reference(items, count);
	rig_init(&r);
	rig_open(&r);
	make_world(&r);
	send_range(&r, items, 0, count - 2);
	cr_assert_eq(engine_judge_settle(r.engine, as_of()), STATUS_OK);
	for (size_t at = count - 2; at < count; at++) {
		rig_close(&r);
		rig_open(&r);
		send_range(&r, items, at, at + 1);
		cr_assert_eq(engine_judge_settle(r.engine, as_of()), STATUS_OK);
	}
	expect_same(&expected, standing(&r), "late before a snapshot");
	rig_close(&r);
	rig_deinit(&r);
	bytes_deinit(&expected);
	free(items);
}
