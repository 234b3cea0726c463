#include <criterion/criterion.h>

#include <sys/socket.h>

#include "engine/core/clock.h"
#include "unit/ingest_listen/world.h"

#define NO_BODY ((struct span){NULL, 0})

TestSuite(session_jt808, .timeout = 120);

/* --- reports and acknowledgements --- */

Test(session_jt808, a_report_is_acknowledged_only_when_its_entry_is_durable)
{
	struct world w;
	struct terminal t;
	struct ingest_options o = world_options();
	world_init(&w, &o, 1);
	terminal_join(&t, &w, "13800000001", false);
	uint16_t serial = terminal_say(&t, 0x0200, location(7));
	WORLD_UNTIL(&w, w.count == 1);
	terminal_hears_nothing(&t);
	cr_assert_eq(w.entries[0].in.kind, INTAKE_REPORT);
	cr_assert_eq(w.entries[0].in.device, device_id(DEVICE_KIND_JT808, span_of_string("13800000001")));
	cr_assert_eq(w.entries[0].report.time_ms, INT64_C(1777564807000));
	cr_assert_eq(w.entries[0].report.lat_e7, 248740070);
	cr_assert_eq(w.entries[0].report.received_ms, w.entries[0].in.received_ms);
	cr_assert(span_equal(w.entries[0].in.body, location(7)));
	world_settle_all(&w);
	terminal_hear_ack(&t, serial, 0x0200, 0);
	terminal_close(&t);
	world_deinit(&w);
}

Test(session_jt808, an_entry_that_cannot_become_durable_is_not_acknowledged)
{
	struct world w;
	struct terminal t;
	struct ingest_options o = world_options();
	o.drain_ms = 40; /* the tick is a sixteenth */
	world_init(&w, &o, 1);
	terminal_join(&t, &w, "13800000001", false);
	uint16_t lost = terminal_say(&t, 0x0200, location(1));
	WORLD_UNTIL(&w, w.count == 1);
	world_settle(&w, 1, STATUS_IO);
	/* the terminal sends again, as terminals do; reading has stopped and goes on by itself */
	t.serial = lost;
	terminal_say(&t, 0x0200, location(1));
	WORLD_UNTIL(&w, w.count == 2);
	world_settle_all(&w);
	terminal_hear_ack(&t, lost, 0x0200, 0);
	terminal_hears_nothing(&t);
	cr_assert_eq(world_counter(&w, INGEST_COUNT_ACKS_WITHHELD), 1);
	terminal_close(&t);
	world_deinit(&w);
}

Test(session_jt808, each_edition_is_answered_in_its_own_form)
{
	struct world w;
	struct terminal old, new;
	struct ingest_options o = world_options();
	world_init(&w, &o, 1);
	w.settles = true;
	terminal_join(&old, &w, "13800000001", false);
	terminal_join(&new, &w, "13800000002", true);
	uint16_t a = terminal_say(&old, 0x0200, location(1));
	uint16_t b = terminal_say(&new, 0x0200, location(1));
	terminal_hear_ack(&old, a, 0x0200, 0);
	terminal_hear_ack(&new, b, 0x0200, 0);
	cr_assert_eq(w.entries[0].in.device != w.entries[1].in.device, 1);
	terminal_close(&old);
	terminal_close(&new);
	world_deinit(&w);
}

Test(session_jt808, our_serials_count_up_over_all_replies)
{
	struct world w;
	struct terminal t;
	struct reply r;
	struct ingest_options o = world_options();
	world_init(&w, &o, 1);
	w.settles = true;
	terminal_join(&t, &w, "13800000001", false); /* our serial 0 */
	for (unsigned k = 1; k < 5; k++) {
		terminal_say(&t, 0x0200, location(k));
		terminal_hear(&t, &r);
		cr_assert_eq(r.header.serial, k);
	}
	terminal_close(&t);
	world_deinit(&w);
}

Test(session_jt808, a_refused_report_is_durable_in_quarantine_before_it_is_answered)
{
	struct world w;
	struct terminal t;
	uint8_t body[28];
	struct ingest_options o = world_options();
	o.refused_reply = 2;
	world_init(&w, &o, 1);
	terminal_join(&t, &w, "13800000001", false);
	memcpy(body, location(1).data, 28);
	body[22] = 0xff; /* a year that is no number */
	uint16_t serial = terminal_say(&t, 0x0200, span_of(body, 28));
	WORLD_UNTIL(&w, w.count == 1);
	terminal_hears_nothing(&t);
	cr_assert_eq(w.entries[0].in.kind, INTAKE_QUARANTINE);
	cr_assert_eq(w.entries[0].in.reason, STATUS_BAD_TIME);
	cr_assert_eq(w.entries[0].in.message_id, 0x0200);
	cr_assert(span_equal(w.entries[0].in.body, span_of(body, 28)));
	world_settle_all(&w);
	terminal_hear_ack(&t, serial, 0x0200, 2);
	terminal_close(&t);
	world_deinit(&w);
}

Test(session_jt808, a_report_ahead_of_the_clock_is_taken_and_flagged)
{
	struct world w;
	struct terminal t;
	struct ingest_options o = world_options();
	struct buf body = buf_init(256);
	world_init(&w, &o, 1);
	terminal_join(&t, &w, "13800000001", false);
	struct jt808_location l = {.status = STATUS_BIT_FIX, .time_ms = clock_now_ms() + MS_PER_HOUR};
	cr_assert_eq(jt808_location_encode(&l, &body), STATUS_OK);
	terminal_say(&t, 0x0200, buf_view(&body));
	WORLD_UNTIL(&w, w.count == 1);
	cr_assert_eq(w.entries[0].in.kind, INTAKE_REPORT);
	cr_assert(w.entries[0].report.flags & REPORT_FLAG_FUTURE);
	buf_deinit(&body);
	terminal_close(&t);
	world_deinit(&w);
}

/* --- batches --- */

static struct span batch(struct buf *out, uint16_t count, uint8_t type, unsigned bodies)
{
	cr_assert_eq(buf_append_be16(out, count), STATUS_OK);
	cr_assert_eq(buf_append_u8(out, type), STATUS_OK);
	for (unsigned k = 0; k < bodies; k++) {
		cr_assert_eq(buf_append_be16(out, 28), STATUS_OK);
		cr_assert_eq(buf_append(out, location(k).data, 28), STATUS_OK);
	}
	return buf_view(out);
}

Test(session_jt808, a_batch_is_acknowledged_once_with_the_last_of_its_reports)
{
	struct world w;
	struct terminal t;
	struct buf body = buf_init(1024);
	struct ingest_options o = world_options();
	world_init(&w, &o, 1);
	terminal_join(&t, &w, "13800000001", false);
	uint16_t serial = terminal_say(&t, 0x0704, batch(&body, 5, 1, 5));
	WORLD_UNTIL(&w, w.count == 5);
	for (unsigned k = 0; k < 5; k++) {
		terminal_hears_nothing(&t);
		cr_assert_eq(w.entries[k].report.flags & REPORT_FLAGS_ARRIVAL,
			     REPORT_FLAG_FROM_BATCH | REPORT_FLAG_BACKFILL);
		world_settle(&w, 1, STATUS_OK);
	}
	terminal_hear_ack(&t, serial, 0x0704, 0);
	terminal_hears_nothing(&t);
	buf_deinit(&body);
	terminal_close(&t);
	world_deinit(&w);
}

Test(session_jt808, a_batch_with_one_lost_report_is_not_acknowledged)
{
	struct world w;
	struct terminal t;
	struct buf body = buf_init(1024);
	struct ingest_options o = world_options();
	o.drain_ms = 40;
	world_init(&w, &o, 1);
	terminal_join(&t, &w, "13800000001", false);
	terminal_say(&t, 0x0704, batch(&body, 3, 0, 3));
	WORLD_UNTIL(&w, w.count == 3);
	world_settle(&w, 1, STATUS_OK);
	world_settle(&w, 1, STATUS_IO);
	world_settle(&w, 1, STATUS_OK);
	terminal_hears_nothing(&t);
	/* the next message is none the worse for it */
	uint16_t serial = terminal_say(&t, 0x0704, buf_view(&body));
	WORLD_UNTIL(&w, w.count == 6);
	world_settle_all(&w);
	terminal_hear_ack(&t, serial, 0x0704, 0);
	buf_deinit(&body);
	terminal_close(&t);
	world_deinit(&w);
}

Test(session_jt808, the_lengths_of_a_batch_decide_over_its_count)
{
	struct world w;
	struct terminal t;
	struct buf body = buf_init(1024);
	struct ingest_options o = world_options();
	world_init(&w, &o, 1);
	w.settles = true;
	terminal_join(&t, &w, "13800000001", false);
	uint16_t serial = terminal_say(&t, 0x0704, batch(&body, 9, 0, 2));
	terminal_hear_ack(&t, serial, 0x0704, 0);
	cr_assert_eq(world_count(&w, INTAKE_REPORT), 2);
	cr_assert_eq(w.entries[0].report.flags & REPORT_FLAGS_ARRIVAL, REPORT_FLAG_FROM_BATCH);
	cr_assert_eq(world_counter(&w, INGEST_COUNT_BATCH_MISCOUNTS), 1);
	buf_deinit(&body);
	terminal_close(&t);
	world_deinit(&w);
}

Test(session_jt808, a_batch_cut_at_its_end_keeps_what_is_whole_and_quarantines_the_message)
{
	struct world w;
	struct terminal t;
	struct buf body = buf_init(1024);
	struct ingest_options o = world_options();
	world_init(&w, &o, 1);
	terminal_join(&t, &w, "13800000001", false);
	struct span whole = batch(&body, 3, 0, 3);
	uint16_t serial = terminal_say(&t, 0x0704, span_of(whole.data, whole.size - 5));
	WORLD_UNTIL(&w, w.count == 3);
	cr_assert_eq(world_count(&w, INTAKE_REPORT), 2);
	cr_assert_eq(w.entries[2].in.kind, INTAKE_QUARANTINE);
	cr_assert_eq(w.entries[2].in.reason, STATUS_BAD_LENGTH);
	world_settle(&w, 2, STATUS_OK);
	terminal_hears_nothing(&t);
	world_settle_all(&w);
	terminal_hear_ack(&t, serial, 0x0704, 0);
	buf_deinit(&body);
	terminal_close(&t);
	world_deinit(&w);
}

/* --- other messages --- */

Test(session_jt808, other_messages_are_kept_raw_and_acknowledged_when_durable)
{
	static const uint16_t ids[] = {0x0702, 0x0705, 0x0800, 0x0900, 0x0104, 0x0f01, 0xe123};
	struct world w;
	struct terminal t;
	struct ingest_options o = world_options();
	world_init(&w, &o, 1);
	terminal_join(&t, &w, "13800000001", true);
	for (unsigned k = 0; k < sizeof ids / sizeof *ids; k++) {
		uint16_t serial = terminal_say(&t, ids[k], span_of_string("whatever it says"));
		WORLD_UNTIL(&w, w.count == k + 1);
		terminal_hears_nothing(&t);
		cr_assert_eq(w.entries[k].in.kind, INTAKE_MESSAGE);
		cr_assert_eq(w.entries[k].in.message_id, ids[k]);
		cr_assert_eq(w.entries[k].in.protocol, JT808_2019);
		cr_assert(span_equal(w.entries[k].in.body, span_of_string("whatever it says")));
		world_settle_all(&w);
		terminal_hear_ack(&t, serial, ids[k], 0);
	}
	terminal_close(&t);
	world_deinit(&w);
}

Test(session_jt808, an_id_no_edition_knows_is_kept_and_answered_as_unsupported)
{
	struct world w;
	struct terminal t;
	struct ingest_options o = world_options();
	world_init(&w, &o, 1);
	w.settles = true;
	terminal_join(&t, &w, "13800000001", false);
	uint16_t serial = terminal_say(&t, 0x5555, span_of_string("?"));
	terminal_hear_ack(&t, serial, 0x5555, 3);
	cr_assert_eq(world_count(&w, INTAKE_MESSAGE), 1);
	terminal_close(&t);
	world_deinit(&w);
}

Test(session_jt808, an_encrypted_report_is_kept_raw_and_acknowledged)
{
	struct world w;
	struct terminal t;
	struct buf wire = buf_init(4096), content = buf_init(4096);
	struct ingest_options o = world_options();
	world_init(&w, &o, 1);
	w.settles = true;
	terminal_join(&t, &w, "13800000001", false);
	struct jt808_header h = t.like;
	h.message_id = 0x0200;
	h.serial = 77;
	h.encryption = 1;
	cr_assert_eq(jt808_header_encode(&h, 28, &content), STATUS_OK);
	cr_assert_eq(buf_append(&content, location(1).data, 28), STATUS_OK);
	cr_assert_eq(jt808_frame_encode(buf_view(&content), &wire), STATUS_OK);
	terminal_send(&t, buf_view(&wire));
	terminal_hear_ack(&t, 77, 0x0200, 0);
	cr_assert_eq(world_count(&w, INTAKE_REPORT), 0);
	cr_assert_eq(world_count(&w, INTAKE_MESSAGE), 1);
	cr_assert_eq(world_counter(&w, INGEST_COUNT_ENCRYPTED), 1);
	buf_deinit(&wire);
	buf_deinit(&content);
	terminal_close(&t);
	world_deinit(&w);
}

Test(session_jt808, an_answered_location_is_both_a_message_and_a_report)
{
	struct world w;
	struct terminal t;
	struct buf body = buf_init(256);
	struct ingest_options o = world_options();
	world_init(&w, &o, 1);
	terminal_join(&t, &w, "13800000001", false);
	cr_assert_eq(buf_append_be16(&body, 4711), STATUS_OK);
	location_body(&body, 3);
	uint16_t serial = terminal_say(&t, 0x0201, buf_view(&body));
	WORLD_UNTIL(&w, w.count == 2);
	cr_assert_eq(w.entries[0].in.kind, INTAKE_MESSAGE);
	cr_assert_eq(w.entries[1].in.kind, INTAKE_REPORT);
	cr_assert(span_equal(w.entries[1].in.body, location(3)));
	world_settle(&w, 1, STATUS_OK);
	terminal_hears_nothing(&t);
	world_settle_all(&w);
	terminal_hear_ack(&t, serial, 0x0201, 0);
	buf_deinit(&body);
	terminal_close(&t);
	world_deinit(&w);
}

Test(session_jt808, the_time_is_told_in_utc_or_in_china_as_set)
{
	for (int as_utc = 0; as_utc < 2; as_utc++) {
		struct world w;
		struct terminal t;
		struct reply r;
		struct ingest_options o = world_options();
		o.time_as_utc = as_utc;
		world_init(&w, &o, 1);
		terminal_join(&t, &w, "13800000001", true);
		int64_t before_ms = clock_now_ms(), told_ms;
		terminal_say(&t, 0x0004, NO_BODY);
		terminal_hear(&t, &r);
		int64_t after_ms = clock_now_ms();
		cr_assert_eq(r.header.message_id, 0x8004);
		cr_assert_eq(r.size, 6);
		cr_assert_eq(bcd_time_decode(r.body, &told_ms), STATUS_OK); /* reads it as UTC+8 */
		told_ms += as_utc ? CHINA_OFFSET_MS : 0;
		cr_assert(told_ms >= before_ms - 1000 && told_ms <= after_ms);
		terminal_close(&t);
		world_deinit(&w);
	}
}

Test(session_jt808, what_a_terminal_says_of_its_video_is_put_into_the_registry)
{
	static const uint8_t video[] = {0x13, 0x01, 0x00, 0x01, 0x40, 0x01, 0x62, 0x08, 0x08, 0x00};
	struct world w;
	struct terminal t;
	char value[DEVICE_VALUE_MAX + 1];
	struct ingest_options o = world_options();
	world_init(&w, &o, 1);
	w.settles = true;
	terminal_join(&t, &w, "13800000001", true);
	uint16_t serial = terminal_say(&t, 0x1003, span_of(video, sizeof video));
	terminal_hear_ack(&t, serial, 0x1003, 0);
	uint64_t device = w.entries[0].in.device;
	WORLD_UNTIL(&w, registry_value(w.registry, device, DEVICE_FIELD_VIDEO, clock_now_ms(), value) == STATUS_OK);
	cr_assert_str_eq(value, "13010001400162080800");
	terminal_hears_nothing(&t);
	terminal_close(&t);
	world_deinit(&w);
}

/* --- who may say something --- */

Test(session_jt808, before_authentication_reports_are_refused_and_not_taken)
{
	struct world w;
	struct terminal t;
	struct ingest_options o = world_options();
	o.quarantine_per_minute = 0;
	world_init(&w, &o, 1);
	world_device(&w, "13800000001", NULL, "c0de");
	terminal_open(&t, &w, "13800000001", false, false);
	uint16_t serial = terminal_say(&t, 0x0200, location(1));
	terminal_hear_ack(&t, serial, 0x0200, 1);
	serial = terminal_say(&t, 0x0002, NO_BODY);
	terminal_hear_ack(&t, serial, 0x0002, 1);
	cr_assert_eq(w.count, 0);
	cr_assert_eq(world_counter(&w, INGEST_COUNT_UNAUTHENTICATED), 2);
	terminal_close(&t);
	world_deinit(&w);
}

Test(session_jt808, a_wrong_code_is_refused_and_the_last_wrong_one_hangs_up)
{
	struct world w;
	struct terminal t;
	struct ingest_options o = world_options();
	o.auth_failures_max = 3;
	world_init(&w, &o, 1);
	world_device(&w, "13800000001", NULL, "c0de");
	terminal_open(&t, &w, "13800000001", false, false);
	for (unsigned k = 0; k < 3; k++) {
		uint16_t serial = terminal_say(&t, 0x0102, span_of_string(k ? "c0dE" : "c0de1"));
		terminal_hear_ack(&t, serial, 0x0102, 1);
	}
	WORLD_UNTIL(&w, terminal_is_closed(&t));
	cr_assert_eq(world_counter(&w, INGEST_COUNT_AUTHENTICATED), 0);
	cr_assert_eq(world_counter(&w, INGEST_COUNT_CLOSED_AUTH), 1);
	terminal_close(&t);
	world_deinit(&w);
}

Test(session_jt808, an_open_session_refuses_frames_of_another_phone)
{
	struct world w;
	struct terminal t;
	struct ingest_options o = world_options();
	o.quarantine_per_minute = 0;
	world_init(&w, &o, 1);
	terminal_join(&t, &w, "13800000001", false);
	struct jt808_header own = t.like;
	cr_assert_eq(jt808_phone_pack(span_of_string("13800000009"), t.like.phone, 6), STATUS_OK);
	uint16_t serial = terminal_say(&t, 0x0200, location(1));
	terminal_hear_ack(&t, serial, 0x0200, 1);
	cr_assert_eq(w.count, 0);
	cr_assert_eq(world_counter(&w, INGEST_COUNT_PHONE_MISMATCHES), 1);
	t.like = own;
	terminal_hears_nothing(&t);
	terminal_close(&t);
	world_deinit(&w);
}

Test(session_jt808, the_same_phone_in_the_longer_field_is_the_same_terminal)
{
	struct world w;
	struct terminal t;
	struct ingest_options o = world_options();
	world_init(&w, &o, 1);
	w.settles = true;
	terminal_join(&t, &w, "13800000001", false);
	t.like.is_2019 = true;
	t.like.version = 1;
	t.like.phone_size = 10;
	cr_assert_eq(jt808_phone_pack(span_of_string("13800000001"), t.like.phone, 10), STATUS_OK);
	uint16_t serial = terminal_say(&t, 0x0200, location(1));
	terminal_hear_ack(&t, serial, 0x0200, 0);
	cr_assert_eq(w.entries[0].in.protocol, JT808_2019);
	terminal_close(&t);
	world_deinit(&w);
}

Test(session_jt808, without_required_authentication_a_registered_terminal_may_report_at_once)
{
	struct world w;
	struct terminal t, stranger;
	struct ingest_options o = world_options();
	o.auth_required = false;
	o.quarantine_per_minute = 0;
	world_init(&w, &o, 1);
	w.settles = true;
	world_device(&w, "13800000001", NULL, NULL);
	terminal_open(&t, &w, "13800000001", false, false);
	uint16_t serial = terminal_say(&t, 0x0200, location(1));
	terminal_hear_ack(&t, serial, 0x0200, 0);
	terminal_open(&stranger, &w, "13800000002", false, false);
	serial = terminal_say(&stranger, 0x0200, location(1));
	terminal_hear_ack(&stranger, serial, 0x0200, 1);
	cr_assert_eq(w.count, 1);
	terminal_close(&t);
	terminal_close(&stranger);
	world_deinit(&w);
}

Test(session_jt808, without_required_authentication_an_open_door_makes_strangers_devices)
{
	struct world w;
	struct terminal t;
	char value[DEVICE_VALUE_MAX + 1];
	struct ingest_options o = world_options();
	o.auth_required = false;
	o.registration = REGISTER_KEEP;
	world_init(&w, &o, 1);
	w.settles = true;
	terminal_open(&t, &w, "13800000002", false, false);
	uint16_t first = terminal_say(&t, 0x0200, location(1));
	uint16_t second = terminal_say(&t, 0x0200, location(2));
	terminal_hear_ack(&t, first, 0x0200, 0);
	terminal_hear_ack(&t, second, 0x0200, 0);
	uint64_t device = w.entries[0].in.device;
	cr_assert_eq(registry_value(w.registry, device, DEVICE_FIELD_STATE, clock_now_ms(), value), STATUS_OK);
	cr_assert_str_eq(value, "unregistered");
	cr_assert_eq(registry_value(w.registry, device, DEVICE_FIELD_NOTE, clock_now_ms(), value), STATUS_OK);
	cr_assert_str_eq(value, "未备案终端");
	cr_assert_eq(w.count, 2);
	terminal_close(&t);
	world_deinit(&w);
}

Test(session_jt808, after_logging_out_a_terminal_must_authenticate_again)
{
	struct world w;
	struct terminal t;
	struct ingest_stats stats;
	struct ingest_options o = world_options();
	o.quarantine_per_minute = 0;
	world_init(&w, &o, 1);
	terminal_join(&t, &w, "13800000001", false);
	uint16_t serial = terminal_say(&t, 0x0003, NO_BODY);
	terminal_hear_ack(&t, serial, 0x0003, 0);
	ingest_stats_read(w.ingest, &stats);
	cr_assert_eq(stats.sessions, 0);
	serial = terminal_say(&t, 0x0200, location(1));
	terminal_hear_ack(&t, serial, 0x0200, 1);
	terminal_log_in(&t, "c0de");
	terminal_hears_nothing(&t);
	terminal_close(&t);
	world_deinit(&w);
}

/* --- registering --- */

static struct reply register_as(struct terminal *t, enum jt808_edition edition, const char *plate)
{
	struct jt808_register said = {.edition = edition, .province = 35, .city = 521, .plate_colour = 2};
	struct buf body = buf_init(512);
	struct reply r;
	strcpy(said.manufacturer, "ZT001");
	strcpy(said.model, "M1");
	strcpy(said.terminal_id, "T000001");
	strcpy(said.plate, plate);
	cr_assert_eq(jt808_register_encode(&said, &body), STATUS_OK);
	terminal_say(t, 0x0100, buf_view(&body));
	terminal_hear(t, &r);
	cr_assert_eq(r.header.message_id, 0x8100);
	buf_deinit(&body);
	return r;
}

Test(session_jt808, a_terminal_registers_authenticates_and_reports_in_every_edition)
{
	struct world w;
	struct ingest_options o = world_options();
	o.registration = REGISTER_OPEN;
	world_init(&w, &o, 1);
	w.settles = true;
	for (int edition = JT808_2011; edition <= JT808_2019; edition++) {
		struct terminal t;
		struct jt808_register_reply granted;
		char phone[16], plate[32], code[64];
		snprintf(phone, sizeof phone, "1380000010%d", edition);
		snprintf(plate, sizeof plate, "闽C1234%d", edition);
		terminal_open(&t, &w, phone, edition == JT808_2019, false);
		struct reply r = register_as(&t, (enum jt808_edition)edition, plate);
		cr_assert_eq(jt808_register_reply_decode(span_of(r.body, r.size), &granted), STATUS_OK);
		cr_assert_eq(granted.result, 0);
		cr_assert_geq(granted.code.size, 16);
		memcpy(code, granted.code.data, granted.code.size);
		code[granted.code.size] = 0;
		terminal_log_in(&t, code);
		uint16_t serial = terminal_say(&t, 0x0900, span_of_string("x"));
		terminal_hear_ack(&t, serial, 0x0900, 0);
		cr_assert_eq(w.entries[edition].in.protocol, edition);
		terminal_close(&t);
	}
	world_deinit(&w);
}

Test(session_jt808, registering_again_gives_the_same_code)
{
	struct world w;
	struct terminal t;
	struct ingest_options o = world_options();
	o.registration = REGISTER_OPEN;
	world_init(&w, &o, 1);
	terminal_open(&t, &w, "13800000001", false, false);
	struct reply a = register_as(&t, JT808_2013, "闽C12345");
	struct reply b = register_as(&t, JT808_2013, "闽C12345");
	cr_assert_eq(a.size, b.size);
	cr_assert_eq(memcmp(a.body + 2, b.body + 2, a.size - 2), 0);
	terminal_close(&t);
	world_deinit(&w);
}

Test(session_jt808, frames_behind_a_registration_wait_for_its_answer)
{
	struct world w;
	struct terminal t;
	struct reply r;
	struct buf body = buf_init(512), wire = buf_init(4096);
	struct ingest_options o = world_options();
	o.registration = REGISTER_OPEN;
	world_init(&w, &o, 1);
	terminal_open(&t, &w, "13800000001", false, false);
	struct jt808_register said = {.edition = JT808_2013, .plate_colour = 2, .plate = "闽C12345"};
	cr_assert_eq(jt808_register_encode(&said, &body), STATUS_OK);
	cr_assert_eq(jt808_message_encode(0x0100, &t.like, buf_view(&body), JT808_BODY_MAX, &t.serial, &wire),
		     STATUS_OK);
	cr_assert_eq(jt808_message_encode(0x0102, &t.like, span_of_string("wrong"), JT808_BODY_MAX, &t.serial, &wire),
		     STATUS_OK);
	terminal_send(&t, buf_view(&wire));
	terminal_hear(&t, &r);
	cr_assert_eq(r.header.message_id, 0x8100);
	terminal_hear_ack(&t, 1, 0x0102, 1);
	buf_deinit(&body);
	buf_deinit(&wire);
	terminal_close(&t);
	world_deinit(&w);
}

/* --- one terminal, two connections --- */

Test(session_jt808, a_new_login_closes_the_old_connection_on_any_shard)
{
	struct world w;
	struct ingest_stats stats;
	struct ingest_options o = world_options();
	o.takeovers_max = 100;
	world_init(&w, &o, 2);
	world_device(&w, "13800000001", NULL, "c0de");
	struct terminal old;
	terminal_open(&old, &w, "13800000001", false, false);
	terminal_log_in(&old, "c0de");
	for (unsigned k = 0; k < 12; k++) { /* the kernel spreads connections over both shards */
		struct terminal new;
		terminal_open(&new, &w, "13800000001", false, false);
		terminal_log_in(&new, "c0de");
		WORLD_UNTIL(&w, terminal_is_closed(&old));
		terminal_hears_nothing(&new);
		terminal_close(&old);
		old = new;
	}
	ingest_stats_read(w.ingest, &stats);
	cr_assert_eq(stats.sessions, 1);
	cr_assert_eq(stats.values[INGEST_COUNT_TAKEOVERS], 12);
	terminal_close(&old);
	WORLD_UNTIL(&w, (ingest_stats_read(w.ingest, &stats), stats.sessions == 0));
	world_deinit(&w);
}

Test(session_jt808, two_terminals_with_one_phone_do_not_throw_each_other_out_forever)
{
	struct world w;
	struct terminal t[4];
	struct ingest_options o = world_options();
	o.takeovers_max = 2;
	world_init(&w, &o, 1);
	world_device(&w, "13800000001", NULL, "c0de");
	for (unsigned k = 0; k < 3; k++) {
		terminal_open(&t[k], &w, "13800000001", false, false);
		terminal_log_in(&t[k], "c0de");
	}
	terminal_open(&t[3], &w, "13800000001", false, false);
	uint16_t serial = terminal_say(&t[3], 0x0102, span_of_string("c0de"));
	terminal_hear_ack(&t[3], serial, 0x0102, 1);
	terminal_hears_nothing(&t[2]);
	cr_assert_eq(world_counter(&w, INGEST_COUNT_CLONES_REFUSED), 1);
	for (unsigned k = 0; k < 4; k++)
		terminal_close(&t[k]);
	world_deinit(&w);
}

Test(session_jt808, what_settles_after_its_connection_is_gone_touches_nobody)
{
	struct world w;
	struct terminal a, b;
	struct ingest_options o = world_options();
	world_init(&w, &o, 1);
	terminal_join(&a, &w, "13800000001", false);
	terminal_say(&a, 0x0200, location(1));
	WORLD_UNTIL(&w, w.count == 1);
	/* an abortive close, so that the server sees an error and does not wait for the reply */
	struct linger abort_now = {1, 0};
	setsockopt(a.fd, SOL_SOCKET, SO_LINGER, &abort_now, sizeof abort_now);
	terminal_close(&a);
	WORLD_UNTIL(&w, world_counter(&w, INGEST_COUNT_CONNECTIONS_CLOSED) == 1);
	terminal_join(&b, &w, "13800000002", false); /* in the same slot */
	world_settle_all(&w);
	terminal_hears_nothing(&b);
	cr_assert_eq(world_counter(&w, INGEST_COUNT_ACKS_HOMELESS), 1);
	terminal_close(&b);
	world_deinit(&w);
}
