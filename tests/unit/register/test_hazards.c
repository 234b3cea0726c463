#include <criterion/criterion.h>
#include <pthread.h>
#include <stdio.h>

#include "engine/core/clock.h"
#include "engine/register/hazards.h"
#include "engine/store/store.h"
#include "support/register_desk.h"

static struct desk d;

static void begin(void)
{
	desk_open(&d);
}

static void end(void)
{
	desk_close(&d);
}

TestSuite(hazards, .init = begin, .fini = end);

struct seen {
	uint32_t count;
	unsigned steps[64];
	uint64_t ids[64];
	uint8_t last[HAZARD_DIGEST_SIZE];
	bool chained;
};

static enum status note_event(void *context, uint64_t id, const struct hazard_event *e,
			      const uint8_t digest[HAZARD_DIGEST_SIZE])
{
	struct seen *s = context;
	s->chained = memcmp(e->before, s->last, sizeof s->last) == 0;
	memcpy(s->last, digest, sizeof s->last);
	s->ids[s->count] = id;
	s->steps[s->count++] = e->step;
	return STATUS_OK;
}

Test(hazards, a_history_stays_across_a_restart_and_is_chained)
{
	uint64_t id = desk_find(&d, "company=海湾仓储|village=白奇");
	desk_bring(&d, id, HAZARD_CLOSED);
	desk_reopen(&d);
	struct seen s = {0};
	cr_assert_eq(hazards_history(d.register_, id, 0, note_event, &s), STATUS_OK);
	cr_assert_eq(s.count, 7);
	cr_assert(s.chained);
	cr_assert_eq(s.steps[0], HAZARD_STEP_FIND);
	cr_assert_eq(s.steps[6], HAZARD_STEP_CLOSE);
	struct hazard h;
	cr_assert_eq(hazards_get(d.register_, id, &h), STATUS_OK);
	cr_assert_arr_eq(h.chain, s.last, sizeof s.last);
	cr_assert_eq(h.events, 7);
	cr_assert(span_equal(hazard_value(&h, HAZARD_FIELD_VILLAGE), span_of_string("白奇")));
	hazard_deinit(&h);
	struct buf complaints = buf_init(4096);
	cr_assert_eq(hazards_check(d.store, &complaints), STATUS_OK);
	buf_deinit(&complaints);
}

static enum status spoil(uint8_t tag, const char *from, const char *to)
{
	struct store_batch *b;
	struct buf value = buf_init(HAZARD_EVENT_MAX);
	uint8_t key[13] = {tag, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 3};
	struct span k = span_of(key, tag == 2 ? 13 : 9);
	enum status status = store_get(d.store, STORE_HAZARD, k, &value);
	uint8_t *at = status ? NULL : memmem(value.data, value.size, from, strlen(from));
	cr_assert(at, "%s", status_text(status));
	memcpy(at, to, strlen(to));
	cr_assert_eq(store_batch_new(d.store, &b), STATUS_OK);
	store_batch_put(b, STORE_HAZARD, k, buf_view(&value));
	status = store_commit(d.store, b, true);
	store_batch_free(b);
	buf_deinit(&value);
	return status;
}

static void check_complains(const char *what)
{
	struct buf complaints = buf_init(4096);
	cr_assert_eq(hazards_check(d.store, &complaints), STATUS_CORRUPT);
	cr_assert(memmem(complaints.data, complaints.size, what, strlen(what)));
	buf_deinit(&complaints);
}

Test(hazards, a_history_that_was_touched_is_found_out)
{
	desk_bring(&d, desk_find(&d, ""), HAZARD_APPLIED);
	cr_assert_eq(spoil(2, "2026-03-10", "2026-03-30"), STATUS_OK);
	check_complains("hazard 1: its history does not hold together");
}

Test(hazards, a_standing_row_that_was_touched_is_found_out)
{
	desk_bring(&d, desk_find(&d, ""), HAZARD_APPLIED);
	cr_assert_eq(spoil(1, "2026-03-10", "2026-03-30"), STATUS_OK);
	check_complains("hazard 1: what stands is not what its history says");
}

Test(hazards, of_two_clerks_the_second_is_told_that_it_changed)
{
	uint64_t id = desk_find(&d, "");
	struct desk_more seen = {.version = 1};
	cr_assert_eq(desk_step_more(&d, id, HAZARD_STEP_AMEND, HAZARD_ROLE_CLERK, "甲", "水产站", NULL, "village=白奇",
				    seen),
		     STATUS_OK);
	cr_assert_eq(d.outcome.version, 2);
	cr_assert_eq(desk_step_more(&d, id, HAZARD_STEP_AMEND, HAZARD_ROLE_CLERK, "乙", "水产站", NULL, "village=里春",
				    seen),
		     STATUS_CONFLICT);
	cr_assert_eq(d.outcome.version, 2);
}

struct racer {
	uint64_t id;
	unsigned done, conflicts;
};

static void *race(void *context)
{
	struct racer *r = context;
	while (r->done < 25) {
		struct hazard h;
		struct hazard_outcome out;
		cr_assert_eq(hazards_get(d.register_, r->id, &h), STATUS_OK);
		struct hazard_change change = {HAZARD_FIELD_GRID, span_of_string(h.events % 2 ? "一" : "二")};
		struct hazard_order order = {.step = HAZARD_STEP_AMEND,
					     .id = r->id,
					     .version = h.events,
					     .at_ms = d.now_ms,
					     .actor = {HAZARD_ROLE_CLERK, "甲", "水产站"},
					     .changes = &change,
					     .change_count = 1};
		hazard_deinit(&h);
		enum status status = hazards_step(d.register_, &order, &out);
		cr_assert(status == STATUS_OK || status == STATUS_CONFLICT);
		r->done += status == STATUS_OK;
		r->conflicts += status == STATUS_CONFLICT;
	}
	return NULL;
}

Test(hazards, clerks_who_write_at_once_lose_nothing)
{
	pthread_t threads[4];
	struct racer racers[4];
	uint64_t id = desk_find(&d, "");
	for (unsigned i = 0; i < 4; i++) {
		racers[i] = (struct racer){.id = id};
		cr_assert_eq(pthread_create(&threads[i], NULL, race, &racers[i]), 0);
	}
	for (unsigned i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	struct hazard h;
	cr_assert_eq(hazards_get(d.register_, id, &h), STATUS_OK);
	cr_assert_eq(h.events, 101);
	hazard_deinit(&h);
}

static int64_t china(int day, int hour, int minute)
{
	struct civil c = {2026, 3, (uint8_t)day, (uint8_t)hour, (uint8_t)minute, 0, 0};
	return civil_to_ms(&c) - CHINA_OFFSET_MS;
}

static void liable(uint64_t id, int64_t at_ms, unsigned who, const char *party)
{
	struct hazard_liability l;
	cr_assert_eq(hazards_liability(d.register_, id, at_ms, &l), STATUS_OK);
	cr_assert_eq(l.liable, who);
	cr_assert_str_eq(l.party, party);
}

Test(hazards, an_accident_on_the_deadlines_day_is_the_enterprises_on_the_next_the_supervisors)
{
	uint64_t id = desk_find(&d, "company=海湾仓储");
	desk_bring(&d, id, HAZARD_RECTIFYING); /* by 2026-03-10 */
	liable(id, china(1, 0, 0), HAZARD_LIABLE_NOBODY, "");
	liable(id, china(10, 0, 0), HAZARD_LIABLE_ENTERPRISE, "海湾仓储");
	liable(id, china(10, 23, 59), HAZARD_LIABLE_ENTERPRISE, "海湾仓储");
	liable(id, china(11, 0, 0), HAZARD_LIABLE_SUPERVISOR, "企业服务中心");
	/* an extension granted on the 12th does not change whose the 11th was */
	d.now_ms = china(12, 9, 0);
	cr_assert_eq(desk_step(&d, id, HAZARD_STEP_EXTEND, HAZARD_ROLE_OFFICE, "林安", "乡安办", "雨季",
			       "deadline=2026-03-20"),
		     STATUS_OK);
	liable(id, china(11, 12, 0), HAZARD_LIABLE_SUPERVISOR, "企业服务中心");
	liable(id, china(13, 12, 0), HAZARD_LIABLE_ENTERPRISE, "海湾仓储");
	desk_bring(&d, id, HAZARD_CLOSED);
	liable(id, china(25, 12, 0), HAZARD_LIABLE_NOBODY, "");
}

static enum status feed(unsigned step, uint64_t id, const char *reference, const char *fields)
{
	return desk_step_more(&d, id, step, HAZARD_ROLE_SYSTEM, "feed", "", "又一次", fields,
			      (struct desk_more){.link = step == HAZARD_STEP_FIND ? NULL : reference});
}

Test(hazards, one_open_hazard_per_cause_counts_what_joins_it)
{
	uint64_t open, id;
	cr_assert_eq(
		feed(HAZARD_STEP_FIND, 0, NULL,
		     "source=violation|reference=v1|cause=overspeed/闽C1|found=2026-03-01 09:00:00|description=超速"),
		STATUS_OK);
	id = d.outcome.id;
	cr_assert_eq(
		feed(HAZARD_STEP_FIND, 0, NULL,
		     "source=violation|reference=v1|cause=overspeed/闽C1|found=2026-03-01 09:00:00|description=超速"),
		STATUS_EXISTS);
	cr_assert_eq(d.outcome.id, id);
	cr_assert_eq(hazards_by_cause(d.register_, span_of_string("overspeed/闽C1"), &open), STATUS_OK);
	cr_assert_eq(open, id);
	cr_assert_eq(feed(HAZARD_STEP_JOIN, id, "v2", NULL), STATUS_OK);
	cr_assert_eq(feed(HAZARD_STEP_JOIN, id, "v2", NULL), STATUS_EXISTS);
	cr_assert_eq(feed(HAZARD_STEP_DETACH, id, "v1", NULL), STATUS_OK);
	struct hazard h;
	cr_assert_eq(hazards_get(d.register_, id, &h), STATUS_OK);
	cr_assert_eq(h.linked, 1);
	hazard_deinit(&h);
	desk_bring(&d, id, HAZARD_CLOSED);
	cr_assert_eq(hazards_by_cause(d.register_, span_of_string("overspeed/闽C1"), &open), STATUS_OK);
	cr_assert_eq(feed(HAZARD_STEP_RELAPSE, open, "v3", NULL), STATUS_OK);
	cr_assert_eq(desk_state(&d, id), HAZARD_REGISTERED);
	cr_assert_eq(hazards_by_cause(d.register_, span_of_string("overspeed/闽C2"), &open), STATUS_NOT_FOUND);
	cr_assert_eq(hazards_by_reference(d.register_, span_of_string("v3"), &open), STATUS_OK);
	cr_assert_eq(open, id);
}

Test(hazards, the_log_has_every_event_in_order_from_anywhere)
{
	uint64_t a = desk_find(&d, ""), b = desk_find(&d, ""), last;
	desk_bring(&d, a, HAZARD_REGISTERED);
	desk_bring(&d, b, HAZARD_REGISTERED);
	desk_reopen(&d);
	struct seen s = {0};
	cr_assert_eq(hazards_sequence(d.register_), 4);
	cr_assert_eq(hazards_log(d.register_, 1, note_event, &s, &last), STATUS_OK);
	cr_assert_eq(s.count, 3);
	cr_assert(s.ids[0] == b && s.ids[1] == a && s.ids[2] == b);
	cr_assert_eq(last, 4);
	desk_find(&d, "");
	cr_assert_eq(hazards_sequence(d.register_), 5);
}

Test(hazards, a_bad_value_is_named_and_changes_nothing)
{
	uint64_t id = desk_find(&d, "");
	cr_assert_eq(desk_step(&d, id, HAZARD_STEP_AMEND, HAZARD_ROLE_OFFICE, "林安", "乡安办", NULL,
			       "village=白奇|grade=huge"),
		     STATUS_OUT_OF_RANGE);
	cr_assert_eq(d.outcome.field, HAZARD_FIELD_GRADE);
	cr_assert_eq(desk_step(&d, id, HAZARD_STEP_AMEND, HAZARD_ROLE_OFFICE, "林安", "乡安办", NULL,
			       "village=白奇|village=里春"),
		     STATUS_INVALID);
	cr_assert_eq(desk_step(&d, 99, HAZARD_STEP_REGISTER, HAZARD_ROLE_OFFICE, "林安", "乡安办", NULL, NULL),
		     STATUS_NOT_FOUND);
	cr_assert_eq(hazards_sequence(d.register_), 1);
}

Test(hazards, an_attachment_comes_back_as_it_was)
{
	uint64_t id = desk_find(&d, "");
	uint8_t digest[HAZARD_DIGEST_SIZE];
	struct buf file = buf_init(REGISTER_ATTACHMENT_MAX);
	cr_assert_eq(desk_step_more(&d, id, HAZARD_STEP_ATTACH, HAZARD_ROLE_POLICE, "赵警", "交警大队", NULL, NULL,
				    (struct desk_more){.link = "照片.jpg", .file = "\xff\xd8photo"}),
		     STATUS_OK);
	cr_assert_eq(hazard_event_digest(span_of_string("\xff\xd8photo"), digest), STATUS_OK);
	cr_assert_eq(hazards_attachment(d.register_, digest, &file), STATUS_OK);
	cr_assert(span_equal(buf_view(&file), span_of_string("\xff\xd8photo")));
	buf_deinit(&file);
}
