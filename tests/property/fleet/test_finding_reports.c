/* What speaks for a finding: which raw reports, their digest whatever came when, and that it outlives its month. */
#include <criterion/criterion.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <string.h>

#include "engine/core/clock.h"
#include "engine/fleet/finding_reports.h"
#include "engine/fleet/replay.h"
#include "engine/store/keys.h"
#include "rig.h"

#define CAR rig_device(1)
#define VAN rig_device(2)
#define HEAD(id, kind) "[" id "]\nkind = " kind "\ntitle = 试 | Test\nsource = test\n"

static const char rules[] = HEAD("fast", "overspeed") "limit = 60 km/h\n" HEAD(
	"tired", "fatigue") "continuous = 1 h\n" HEAD("lost", "gap") "time = 10 h\ndistance = 1 m\n";

static int64_t noon(int month)
{
	struct civil c = {2025, month, 14, 4, 0, 0, 0};
	return civil_to_ms(&c);
}

static struct sent at(uint64_t device, int64_t time_ms, unsigned speed_kmh, unsigned course)
{
	struct sent s = {.device = device, .received_ms = time_ms + 1000, .size = 28};
	store_be32(s.body + 4, 3);
	store_be32(s.body + 8, 24900000u + (uint32_t)(time_ms / 1000 % 100000));
	store_be32(s.body + 12, 118700000u);
	store_be16(s.body + 18, (uint16_t)(speed_kmh * 10));
	store_be16(s.body + 20, (uint16_t)course);
	cr_assert_eq(bcd_time_encode(time_ms, s.body + 22), STATUS_OK);
	return s;
}

static void say(struct rig *r, uint64_t device, uint8_t field, const char *value)
{
	struct registry_change change = {field, span_of_string(value)};
	cr_assert_eq(registry_apply(engine_registry(r->engine), device, DEVICE_KIND_JT808, &change, 1,
				    VALID_ALWAYS_FROM, "test", NULL),
		     STATUS_OK);
}

static void begin(struct rig *r)
{
	rig_init(r);
	rig_open(r);
	cr_assert_eq(context_put_rules(engine_context(r->engine), span_of_string(rules), INT64_MIN, "test", NULL, NULL),
		     STATUS_OK);
	say(r, CAR, DEVICE_FIELD_PLATE, "2:闽C10001");
	say(r, VAN, DEVICE_FIELD_PLATE, "2:闽C10002");
}

static void end(struct rig *r)
{
	rig_close(r);
	rig_deinit(r);
}

/* Every minute from `from_ms` on, `count` times. */
static void drive(struct rig *r, uint64_t device, int64_t from_ms, int count, unsigned speed_kmh)
{
	for (int i = 0; i < count; i++) {
		struct sent s = at(device, from_ms + i * MS_PER_MINUTE, speed_kmh, 0);
		rig_submit(r, 0, &s, 1);
	}
}

struct search {
	const char *rule;
	struct violation found;
	unsigned count;
};

static enum status take(void *context, const struct violation *v)
{
	struct search *s = context;
	if (v->state == CASE_WITHDRAWN || strcmp(v->finding.rule, s->rule) != 0)
		return STATUS_OK;
	s->found = *v;
	s->count++;
	return STATUS_OK;
}

static struct violation only(struct rig *r, const char *rule)
{
	struct search s = {.rule = rule};
	cr_assert_eq(violations_scan(engine_findings(r->engine), INT64_MIN, INT64_MAX, 0, 0, take, &s), STATUS_OK);
	cr_assert_eq(s.count, 1, "%u findings of %s", s.count, rule);
	return s.found;
}

static void settle(struct rig *r, int64_t as_of_ms)
{
	cr_assert_eq(engine_judge_settle(r->engine, as_of_ms), STATUS_OK);
}

/* As the definition has it, from the bodies that were sent. */
static void expect_digest(const struct finding *f, const struct sent *sent, size_t count)
{
	uint8_t digest[32];
	SHA256_CTX sha;
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"
	SHA256_Init(&sha);
	for (size_t i = 0; i < count; i++)
		SHA256_Update(&sha, sent[i].body, sent[i].size);
	SHA256_Final(digest, &sha);
#pragma GCC diagnostic pop
	cr_expect_arr_eq(digest, f->digest, 32);
}

/* --- findings made of facts --- */

struct card_given {
	struct shard *shard;
	struct intake in;
};

static void submit_card(void *context)
{
	const struct card_given *g = context;
	cr_assert_eq(shard_submit(g->shard, &g->in), STATUS_OK);
}

/* Wang's card is put in. */
static void put_card(struct rig *r, uint64_t device, int64_t time_ms)
{
	static const uint8_t body[] = {1};
	struct card_given g = {engine_shard(r->engine, 0),
			       {.kind = INTAKE_CARD,
				.device = device,
				.received_ms = time_ms,
				.time_ms = time_ms,
				.message_id = 0x0702,
				.driver = driver_number(span_of_string("wang")),
				.body = span_of(body, sizeof body),
				.wants_settled = true}};
	pthread_mutex_lock(&r->lock);
	uint64_t until = r->settled + 1;
	pthread_mutex_unlock(&r->lock);
	cr_assert_eq(shard_post(g.shard, submit_card, &g), STATUS_OK);
	pthread_mutex_lock(&r->lock);
	while (r->settled < until)
		pthread_cond_wait(&r->changed, &r->lock);
	pthread_mutex_unlock(&r->lock);
}

/* One driver: an hour and a half in the car, at once another in the van, then both stand. */
static int64_t drive_tired(struct rig *r)
{
	int64_t t = noon(3);
	put_card(r, CAR, t - MS_PER_MINUTE);
	drive(r, CAR, t, 60, 50);
	drive(r, CAR, t + 60 * MS_PER_MINUTE, 3, 0);
	put_card(r, VAN, t + 61 * MS_PER_MINUTE);
	drive(r, VAN, t + 62 * MS_PER_MINUTE, 60, 50);
	drive(r, VAN, t + 122 * MS_PER_MINUTE, 30, 0);
	settle(r, t + 152 * MS_PER_MINUTE);
	return t;
}

Test(finding_reports, of_a_tired_driver_are_those_of_every_vehicle_he_drove, .timeout = 120)
{
	struct rig r;
	struct sent sent[120];
	begin(&r);
	int64_t t = drive_tired(&r);
	struct violation v = only(&r, "tired");
	cr_assert_not(v.finding.open);
	cr_assert_eq(v.finding.start_ms, t);
	for (int i = 0; i < 60; i++) {
		sent[i] = at(CAR, t + i * MS_PER_MINUTE, 50, 0);
		sent[60 + i] = at(VAN, t + (62 + i) * MS_PER_MINUTE, 50, 0);
	}
	if (VAN < CAR)
		for (int i = 0; i < 60; i++) {
			struct sent swap = sent[i];
			sent[i] = sent[60 + i];
			sent[60 + i] = swap;
		}
	expect_digest(&v.finding, sent, 120);
	/* late, and no fact of his changes by it */
	struct sent late = at(CAR, t + 30 * MS_PER_MINUTE + 7000, 50, 0);
	rig_submit(&r, 0, &late, 1);
	settle(&r, t + 152 * MS_PER_MINUTE);
	struct finding again = only(&r, "tired").finding;
	cr_expect(memcmp(again.digest, v.finding.digest, 32) != 0, "the digest is of the reports as they are now");
	cr_assert_eq(finding_digest_stored(r.engine, &again), STATUS_OK);
	struct finding now = only(&r, "tired").finding;
	cr_expect_arr_eq(again.digest, now.digest, 32);
	end(&r);
}

struct holds {
	struct hold_key list[8];
	size_t count;
};

static enum status take_hold(void *context, const struct hold_key *hold)
{
	struct holds *h = context;
	cr_assert_lt(h->count, 8);
	h->list[h->count++] = *hold;
	return STATUS_OK;
}

static enum status count_holds(void *context, const struct audit_entry *e)
{
	*(unsigned *)context +=
		!strcmp(e->action, "hold") && !strcmp(e->case_number, "QZ-7") && !strcmp(e->who.name, "li");
	return STATUS_OK;
}

Test(finding_reports, a_person_holds_what_speaks_for_a_finding, .timeout = 120)
{
	struct rig r;
	struct holds holds = {.count = 0};
	struct principal li = {.name = "li", .scope = "all"};
	unsigned audited = 0;
	begin(&r);
	int64_t t = drive_tired(&r);
	uint64_t id = only(&r, "tired").id;
	cr_expect_eq(findings_hold(r.engine, id + 100, "QZ-7", &li, t), STATUS_NOT_FOUND);
	cr_expect_eq(findings_hold(r.engine, id, "", &li, t), STATUS_INVALID);
	cr_assert_eq(findings_hold(r.engine, id, "QZ-7", &li, t), STATUS_OK);
	cr_assert_eq(store_holds(engine_store(r.engine), NULL, take_hold, &holds), STATUS_OK);
	cr_assert_eq(holds.count, 2);
	for (size_t i = 0; i < 2; i++) {
		const struct hold_key *h = &holds.list[i];
		cr_expect_str_eq(h->case_number, "QZ-7");
		cr_expect_eq(h->from_ms, h->device == CAR ? t : t + 62 * MS_PER_MINUTE);
		cr_expect_eq(h->to_ms, h->device == CAR ? t + 59 * MS_PER_MINUTE : t + 121 * MS_PER_MINUTE);
	}
	cr_assert_eq(audit_read(engine_store(r.engine), INT64_MAX, 100, count_holds, &audited), STATUS_OK);
	cr_expect_eq(audited, 2);
	end(&r);
}

/* --- instants --- */

static struct bytes {
	uint8_t digest[32];
} digest_of(const struct finding *f)
{
	struct bytes b;
	memcpy(b.digest, f->digest, 32);
	return b;
}

static struct finding replayed(struct rig *r, int64_t as_of_ms)
{
	struct replay_result found;
	struct judged_by *by = context_take(engine_context(r->engine));
	struct replay_options o = {
		.by = by, .from_ms = INT64_MIN, .to_ms = INT64_MAX, .as_of_ms = as_of_ms, .digests = true};
	cr_assert_eq(engine_replay(r->engine, &o, &found), STATUS_OK);
	judged_by_release(by);
	struct finding f = {0};
	for (size_t i = 0; i < found.count; i++)
		if (!strcmp(found.findings[i].rule, "fast"))
			f = found.findings[i];
	free(found.findings);
	return f;
}

static uint64_t hash_of(const struct sent *s)
{
	struct report report;
	cr_assert_eq(report_from_jt808(span_of(s->body, s->size), &report), STATUS_OK);
	return report.hash;
}

/* The last report of an episode, and after its finding was told another of the same second. */
Test(finding_reports, of_one_instant_are_all_of_it_whenever_they_come, .timeout = 120)
{
	struct rig r;
	int64_t t = noon(3), last = t + 5 * MS_PER_MINUTE;
	begin(&r);
	drive(&r, CAR, t, 5, 90);
	struct sent first = at(CAR, last, 90, 0), slow = at(CAR, last, 10, 0), third;
	for (unsigned course = 1; hash_of(&slow) < hash_of(&first); course++)
		slow = at(CAR, last, 10, course);
	third = slow;
	for (unsigned course = 1; hash_of(&third) <= hash_of(&slow); course++)
		third = at(CAR, last, 11, course);
	rig_submit(&r, 0, &first, 1);
	rig_submit(&r, 0, &slow, 1);
	settle(&r, last);
	struct bytes before = digest_of(&(struct finding){0});
	struct finding f = only(&r, "fast").finding;
	before = digest_of(&f);
	cr_assert_eq(f.end_ms, last);
	cr_assert_not(f.open);
	rig_submit(&r, 0, &third, 1);
	settle(&r, last);
	f = only(&r, "fast").finding;
	cr_expect(memcmp(before.digest, f.digest, 32) != 0);
	struct finding expected = replayed(&r, last);
	cr_expect_arr_eq(expected.digest, f.digest, 32);
	end(&r);
}

/* --- two sources of one vehicle --- */

static enum status count_all(void *context, const struct violation *v)
{
	*(size_t *)context += v->state != CASE_WITHDRAWN;
	return STATUS_OK;
}

Test(finding_reports, of_two_sources_are_two_findings_and_one_case, .timeout = 120)
{
	struct rig r;
	struct replay_result standing;
	size_t cases = 0, withdrawn;
	begin(&r);
	say(&r, VAN, DEVICE_FIELD_PLATE, "");
	say(&r, VAN, DEVICE_FIELD_VEHICLE, "2:闽C10001");
	drive(&r, CAR, noon(3), 5, 90);
	drive(&r, VAN, noon(3) + 30000, 5, 90);
	drive(&r, CAR, noon(3) + 5 * MS_PER_MINUTE, 1, 10);
	drive(&r, VAN, noon(3) + 6 * MS_PER_MINUTE, 1, 10);
	settle(&r, noon(4));
	cr_assert_eq(violations_scan(engine_findings(r.engine), INT64_MIN, INT64_MAX, 0, 0, count_all, &cases),
		     STATUS_OK);
	cr_expect_eq(cases, 1);
	cr_assert_eq(engine_findings_standing(r.engine, INT64_MIN, INT64_MAX, &standing), STATUS_OK);
	cr_expect_eq(standing.count, 2);
	free(standing.findings);
	rig_close(&r);
	rig_open(&r);
	settle(&r, noon(4));
	cases = 0;
	cr_assert_eq(violations_scan(engine_findings(r.engine), INT64_MIN, INT64_MAX, 0, 0, count_all, &cases),
		     STATUS_OK);
	cr_expect_eq(cases, 1, "a restart changes nothing");
	withdrawn = findings_stats(engine_findings(r.engine))->withdrawn;
	cr_expect_eq(withdrawn, 0);
	end(&r);
}

/* --- retention --- */

static size_t reports_of(struct rig *r, uint64_t device)
{
	size_t count;
	rig_digest(r, device, &count);
	return count;
}

static void expire(struct rig *r)
{
	struct retention_result result;
	struct civil later = {2035, 1, 1, 0, 0, 0, 0};
	cr_assert_eq(engine_settle(r->engine), STATUS_OK);
	cr_assert_eq(engine_expire(r->engine, civil_to_ms(&later), &result), STATUS_OK);
	cr_assert_gt(result.families_dropped, 0);
}

static struct findings *reviewed;

static enum status reject_van(void *context, const struct violation *v)
{
	return v->finding.device == VAN ? violation_review(reviewed, v->id, context, noon(5)) : STATUS_OK;
}

Test(finding_reports, outlive_their_month_as_long_as_the_finding_stands, .timeout = 120)
{
	struct rig r;
	struct principal li = {.name = "li", .scope = "all"};
	begin(&r);
	drive(&r, CAR, noon(3), 5, 90);
	for (int64_t t = noon(3) + 5 * MS_PER_MINUTE; t < noon(4); t += 6 * MS_PER_HOUR)
		drive(&r, CAR, t, 1, 10);
	drive(&r, CAR, noon(4), 5, 90);
	drive(&r, CAR, noon(4) + 5 * MS_PER_MINUTE, 5, 10);
	drive(&r, VAN, noon(4), 5, 90);
	drive(&r, VAN, noon(4) + 5 * MS_PER_MINUTE, 5, 10);
	settle(&r, noon(5));
	reviewed = engine_findings(r.engine);
	struct review no = {.state = CASE_REJECTED, .who = "li", .why = "not he"};
	cr_assert_eq(violations_scan(engine_findings(r.engine), noon(4), noon(5), 0, 0, reject_van, &no), STATUS_OK);
	struct search of_car = {.rule = "fast"};
	cr_assert_eq(violations_scan(engine_findings(r.engine), noon(3), noon(4) - 1, 0, 0, take, &of_car), STATUS_OK);
	/* a case that held the same is released: what a finding rests on stays */
	cr_assert_eq(findings_hold(r.engine, of_car.found.id, "QZ-8", &li, noon(5)), STATUS_OK);
	expire(&r);
	cr_assert_eq(store_release(engine_store(r.engine), "QZ-8"), STATUS_OK);
	size_t left = reports_of(&r, CAR);
	cr_expect(left >= 10 && left < 120, "%zu", left);
	cr_expect_eq(reports_of(&r, VAN), 0, "what was rejected keeps nothing");
	struct finding f = of_car.found.finding;
	cr_assert_eq(finding_digest_stored(r.engine, &f), STATUS_OK);
	cr_expect_arr_eq(f.digest, of_car.found.finding.digest, 32);
	/* judged again from nothing: what stands is not touched by what alone is left */
	say(&r, CAR, DEVICE_FIELD_CLASS, "muck");
	settle(&r, noon(5));
	struct search after = {.rule = "fast"}, lost = {.rule = "lost"};
	cr_assert_eq(violations_scan(engine_findings(r.engine), INT64_MIN, INT64_MAX, 0, 0, take, &after), STATUS_OK);
	cr_assert_eq(violations_scan(engine_findings(r.engine), INT64_MIN, INT64_MAX, 0, 0, take, &lost), STATUS_OK);
	cr_expect_eq(after.count, 3);
	cr_expect_eq(lost.count, 0, "holes in what is left are no silence");
	struct buf complaints = buf_init(1u << 20);
	cr_expect_eq(store_check(engine_store(r.engine), &complaints), STATUS_OK, "%.*s", (int)complaints.size,
		     (const char *)complaints.data);
	buf_deinit(&complaints);
	end(&r);
}
