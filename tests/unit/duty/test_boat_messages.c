/* Words to boats: queued for good, one at a time a card, delivered, answered, given up; and accidents reported. */
#include "engine/core/clock.h"
#include "engine/duty/duty.h"
#include "support/harbour.h"

#define NOW INT64_C(1787220000000)
#define SECOND MS_PER_SECOND

static struct harbour_world world;
static struct boat_messages *queue;

static void open_queue(void)
{
	cr_assert_eq(boat_messages_open(engine_store(world.engine), &queue), STATUS_OK);
}

static void begin(void)
{
	harbour_begin(&world);
	open_queue();
}

static void end(void)
{
	boat_messages_close(queue);
	harbour_end(&world);
}

TestSuite(boat_messages, .init = begin, .fini = end, .timeout = 120);

static uint64_t add(uint32_t card, const char *text)
{
	struct boat_message m;
	record_clear(&boat_message_kind, &m);
	m.card = card;
	m.expires_ms = NOW + MS_PER_HOUR;
	strcpy(m.text, text);
	strcpy(m.who, "值班");
	cr_assert_eq(boat_messages_add(queue, &m, NOW), STATUS_OK);
	return m.row.id;
}

static uint64_t next_at(int64_t now_ms)
{
	struct boat_message_next n;
	enum status status = boat_messages_next(queue, now_ms, &n);
	cr_assert(!status || status == STATUS_NOT_FOUND);
	return status ? 0 : n.id;
}

static struct boat_message get(uint64_t id)
{
	struct boat_message m;
	cr_assert_eq(boat_messages_get(queue, id, &m), STATUS_OK);
	return m;
}

Test(boat_messages, a_card_hears_one_at_a_time_and_not_too_often)
{
	uint64_t a = add(204567, "回港"), b = add(204567, "快"), c = add(204568, "回港");
	struct boat_message_next n;
	cr_assert_eq(boat_messages_next(queue, NOW, &n), STATUS_OK);
	cr_expect_eq(n.id, a);
	cr_expect_str_eq(n.text, "回港#1");
	cr_assert_eq(boat_messages_sent(queue, a, NOW), STATUS_OK);
	cr_expect_eq(next_at(NOW), c, "the other card is free");
	cr_assert_eq(boat_messages_feedback(queue, a, true, "", 0, NOW + SECOND), STATUS_OK);
	cr_assert_eq(boat_messages_sent(queue, c, NOW), STATUS_OK);
	cr_expect_eq(next_at(NOW + CARD_INTERVAL_MS - 1), 0);
	cr_expect_eq(next_at(NOW + CARD_INTERVAL_MS), b);
	cr_expect_eq(get(a).state, BOAT_MESSAGE_DELIVERED);
}

Test(boat_messages, answers_find_their_message)
{
	uint64_t a = add(204567, "回港"), id = 0;
	cr_assert_eq(boat_messages_sent(queue, a, NOW), STATUS_OK);
	cr_expect_eq(boat_messages_answer(queue, 204568, "#1", NOW, &id), STATUS_NOT_FOUND, "another card");
	cr_expect_eq(boat_messages_answer(queue, 204567, "#2", NOW, &id), STATUS_NOT_FOUND);
	cr_expect_eq(boat_messages_answer(queue, 204567, "大风", NOW, &id), STATUS_NOT_FOUND);
	cr_assert_eq(boat_messages_answer(queue, 204567, "知道了 #1", NOW + 5, &id), STATUS_OK);
	cr_expect_eq(id, a);
	cr_expect_eq(get(a).state, BOAT_MESSAGE_ACKNOWLEDGED);
	cr_expect_eq(get(a).acknowledged_ms, NOW + 5);
	cr_expect_eq(boat_messages_open_count(queue), 0);
	a = add(204567, "快");
	uint64_t b = add(204567, "再快");
	cr_expect_eq(boat_messages_answer(queue, 204567, "收到", NOW, &id), STATUS_NOT_FOUND, "nothing was sent");
	cr_assert_eq(boat_messages_sent(queue, a, NOW), STATUS_OK);
	cr_assert_eq(boat_messages_sent(queue, b, NOW + SECOND), STATUS_OK);
	cr_assert_eq(boat_messages_answer(queue, 204567, "收到", NOW, &id), STATUS_OK);
	cr_expect_eq(id, b, "the one sent last");
	cr_assert_eq(boat_messages_answer(queue, 204567, "2", NOW, &id), STATUS_OK);
	cr_expect_eq(id, a);
}

Test(boat_messages, what_the_station_refuses_is_tried_again_and_then_fails)
{
	uint64_t a = add(204567, "回港");
	int64_t now_ms = NOW;
	for (unsigned i = 0; i < BOAT_TRIES_MAX; i++) {
		cr_assert_eq(next_at(now_ms), a, "try %u", i);
		cr_assert_eq(boat_messages_sent(queue, a, now_ms), STATUS_OK);
		cr_assert_eq(boat_messages_feedback(queue, a, false, "feedback 1", now_ms + CARD_INTERVAL_MS, now_ms),
			     STATUS_OK);
		cr_expect_eq(next_at(now_ms + CARD_INTERVAL_MS - 1), 0);
		now_ms += CARD_INTERVAL_MS;
	}
	cr_expect_eq(next_at(now_ms), 0);
	cr_expect_eq(get(a).state, BOAT_MESSAGE_FAILED);
	cr_expect_str_eq(get(a).reason, "feedback 1");
}

Test(boat_messages, a_silent_station_is_given_up_and_time_runs_out)
{
	uint64_t a = add(204567, "回港");
	cr_assert_eq(boat_messages_sent(queue, a, NOW), STATUS_OK);
	cr_assert_eq(boat_messages_run(queue, NOW + BOAT_FEEDBACK_MS - 1), STATUS_OK);
	cr_expect_eq(next_at(NOW + BOAT_FEEDBACK_MS), 0);
	cr_assert_eq(boat_messages_run(queue, NOW + BOAT_FEEDBACK_MS), STATUS_OK);
	cr_expect_eq(next_at(NOW + BOAT_FEEDBACK_MS), a);
	cr_assert_eq(boat_messages_run(queue, NOW + MS_PER_HOUR), STATUS_OK);
	cr_expect_eq(get(a).state, BOAT_MESSAGE_EXPIRED);
	uint64_t b = add(204567, "快");
	cr_assert_eq(boat_messages_sent(queue, b, NOW), STATUS_OK);
	cr_assert_eq(boat_messages_feedback(queue, b, true, "", 0, NOW), STATUS_OK);
	cr_assert_eq(boat_messages_run(queue, NOW + MS_PER_HOUR), STATUS_OK);
	cr_expect_eq(get(b).state, BOAT_MESSAGE_DELIVERED, "delivered is delivered");
	cr_expect(get(b).ended);
	cr_expect_eq(boat_messages_open_count(queue), 0);
}

Test(boat_messages, the_queue_survives_and_what_was_under_way_goes_again)
{
	uint64_t a = add(204567, "回港"), b = add(204568, "回港"), c = add(204569, "回港");
	cr_assert_eq(boat_messages_sent(queue, a, NOW), STATUS_OK);
	cr_assert_eq(boat_messages_sent(queue, b, NOW), STATUS_OK);
	cr_assert_eq(boat_messages_feedback(queue, b, true, "", 0, NOW), STATUS_OK);
	cr_assert_eq(boat_messages_cancel(queue, c, "值班", NOW), STATUS_OK);
	cr_expect_eq(boat_messages_cancel(queue, c, "值班", NOW), STATUS_CONFLICT);
	boat_messages_close(queue);
	engine_close(world.engine);
	harbour_open(&world);
	open_queue();
	cr_expect_eq(boat_messages_open_count(queue), 2);
	cr_expect_eq(next_at(NOW + CARD_INTERVAL_MS), a);
	cr_expect_eq(add(204569, "快"), c + 1);
}

Test(boat_messages, what_no_card_can_take_is_refused)
{
	struct boat_message m;
	record_clear(&boat_message_kind, &m);
	strcpy(m.who, "值班");
	strcpy(m.text, "回港");
	m.expires_ms = NOW + 1;
	cr_expect_eq(boat_messages_add(queue, &m, NOW), STATUS_INVALID, "no card");
	m.card = 204567;
	m.expires_ms = NOW;
	cr_expect_eq(boat_messages_add(queue, &m, NOW), STATUS_INVALID);
	m.expires_ms = NOW + 1;
	*m.text = '\0';
	for (unsigned i = 0; i < 36; i++)
		strcat(m.text, "风");
	cr_expect_eq(boat_messages_add(queue, &m, NOW), STATUS_OK, "72 bytes of GBK");
	m.row = (struct book_row){0, 0};
	strcat(m.text, "a");
	cr_expect_eq(boat_messages_add(queue, &m, NOW), STATUS_TOO_LONG);
}

/* --- accidents --- */

Test(boat_messages, an_accident_keeps_its_first_report_and_goes_onwards)
{
	struct incidents *all;
	struct incident in, out;
	struct incident_follow f = {INCIDENT_VERIFIED, "已核实, 派救助船", "王", 2, -1, 1};
	uint32_t open;
	cr_assert_eq(incidents_open(engine_store(world.engine), &all), STATUS_OK);
	record_clear(&incident_kind, &in);
	in.kind = INCIDENT_COLLISION;
	in.occurred_ms = NOW - 20 * MS_PER_MINUTE;
	in.first_report_ms = NOW - 15 * MS_PER_MINUTE;
	strcpy(in.by, "王");
	cr_expect_eq(incidents_report(all, &in, NOW), STATUS_INVALID, "nothing is said");
	strcpy(in.text, "商渔船碰撞");
	in.first_report_ms = NOW + 1;
	cr_expect_eq(incidents_report(all, &in, NOW), STATUS_INVALID, "reported in the future");
	in.first_report_ms = NOW - 15 * MS_PER_MINUTE;
	cr_assert_eq(incidents_report(all, &in, NOW), STATUS_OK);
	cr_assert_eq(incidents_follow(all, in.row.id, &f, NOW + 1), STATUS_OK);
	f.state = INCIDENT_REPORTED;
	cr_expect_eq(incidents_follow(all, in.row.id, &f, NOW + 2), STATUS_CONFLICT, "not backwards");
	cr_assert_eq(incidents_count_open(all, &open), STATUS_OK);
	cr_expect_eq(open, 1);
	f.state = INCIDENT_CLOSED;
	cr_assert_eq(incidents_follow(all, in.row.id, &f, NOW + 3), STATUS_OK);
	f.state = INCIDENT_VOID;
	cr_expect_eq(incidents_follow(all, in.row.id, &f, NOW + 4), STATUS_CONFLICT);
	cr_assert_eq(incidents_get(all, in.row.id, &out), STATUS_OK);
	cr_expect_eq(out.first_report_ms, NOW - 15 * MS_PER_MINUTE);
	cr_expect_eq(out.missing, 2);
	cr_expect_eq(out.row.events, 3);
	cr_assert_eq(incidents_count_open(all, &open), STATUS_OK);
	cr_expect_eq(open, 0);
	incidents_close(all);
}
