/* Commands over real sockets: at login, when due, once at a time, again, answered, refused, over UDP, after a takeover.
 */
#include "unit/ingest_listen/world.h"

#include <criterion/criterion.h>
#include <stdio.h>

#include "engine/core/clock.h"
#include "ingest/jt808/command_jt808.h"

struct post {
	struct world world;
	struct context *context;
	struct findings *findings;
	struct commands *commands;
};

static struct command row;
static struct command_content content;

static void begin(struct post *p, uint32_t wait_ms)
{
	struct ingest_options o = world_options();
	o.command_wait_ms = wait_ms;
	o.command_tries = 2;
	o.fragment_resend_ms = 50; /* a short tick */
	world_init(&p->world, &o, 2);
	p->world.settles = true;
	cr_assert_eq(context_open(p->world.store, p->world.registry, &p->context), STATUS_OK);
	cr_assert_eq(findings_open(p->world.store, &p->findings), STATUS_OK);
	cr_assert_eq(commands_open(p->world.store, p->world.registry, p->context, p->findings, &p->commands),
		     STATUS_OK);
	cr_assert_eq(commands_start(p->commands, &(struct commands_options){false}), STATUS_OK);
	ingest_set_commands(p->world.ingest, p->commands);
}

static void end(struct post *p)
{
	commands_stop(p->commands);
	ingest_set_commands(p->world.ingest, NULL);
	commands_close(p->commands);
	findings_close(p->findings);
	context_close(p->context);
	world_deinit(&p->world);
}

static uint64_t order(struct post *p, uint64_t device)
{
	struct command_order o = {.device = device,
				  .content = &content,
				  .who = "ann",
				  .why = "",
				  .expires_ms = clock_now_ms() + MS_PER_HOUR};
	cr_assert_eq(commands_add(p->commands, &o, 1, clock_now_ms()), STATUS_OK);
	cr_assert_eq(o.status, STATUS_OK);
	return o.id;
}

static uint64_t order_text(struct post *p, uint64_t device, const char *text)
{
	memset(&content, 0, sizeof content);
	content.kind = COMMAND_TEXT;
	content.text.flags = COMMAND_TEXT_SPEECH;
	content.text.type = COMMAND_TEXT_NOTICE;
	snprintf(content.text.text, sizeof content.text.text, "%s", text);
	return order(p, device);
}

static uint64_t order_plain(struct post *p, uint64_t device, enum command_kind kind)
{
	memset(&content, 0, sizeof content);
	content.kind = (uint8_t)kind;
	return order(p, device);
}

static bool is_state(struct post *p, uint64_t id, unsigned state)
{
	cr_assert_eq(commands_get(p->commands, id, &row), STATUS_OK);
	return row.state == state;
}

/* The next thing the terminal hears is this message; returns its serial. */
static uint16_t hears(struct terminal *t, uint16_t message_id)
{
	struct reply r;
	terminal_hear(t, &r);
	cr_assert_eq(r.header.message_id, message_id, "%04x", r.header.message_id);
	return r.header.serial;
}

static void answers(struct terminal *t, uint16_t serial, uint16_t message_id, uint8_t result)
{
	struct jt808_reply r = {serial, message_id, result};
	struct buf body = buf_init(8);
	cr_assert_eq(jt808_reply_encode(&r, &body), STATUS_OK);
	terminal_say(t, 0x0001, buf_view(&body));
	buf_deinit(&body);
}

Test(session_commands, wait_for_the_login_and_go_one_by_one)
{
	struct post p;
	struct terminal t;
	begin(&p, 60000);
	uint64_t device = world_device(&p.world, "13900000041", NULL, "code41");
	uint64_t first = order_text(&p, device, "一"), second = order_text(&p, device, "二");
	terminal_open(&t, &p.world, "13900000041", false, false);
	terminal_log_in(&t, "code41");
	uint16_t serial = hears(&t, 0x8300);
	terminal_hears_nothing(&t);
	answers(&t, serial, 0x8300, 0);
	uint16_t next = hears(&t, 0x8300);
	cr_expect_neq(next, serial);
	answers(&t, next, 0x8300, 3);
	WORLD_UNTIL(&p.world, is_state(&p, first, COMMAND_STATE_ANSWERED));
	WORLD_UNTIL(&p.world, is_state(&p, second, COMMAND_STATE_REFUSED));
	cr_expect_eq(row.result, 3);
	cr_expect_eq(row.tries, 1);
	terminal_close(&t);
	end(&p);
}

Test(session_commands, one_for_a_terminal_that_is_there_goes_at_once_over_tcp_and_udp_in_every_edition)
{
	for (int udp = 0; udp < 2; udp++)
		for (int is_2019 = 0; is_2019 < 2; is_2019++) {
			struct post p;
			struct terminal t;
			begin(&p, 60000);
			uint64_t device = world_device(&p.world, "13900000042", NULL, "code42");
			terminal_open(&t, &p.world, "13900000042", is_2019, udp);
			terminal_log_in(&t, "code42");
			uint64_t id = order_text(&p, device, "慢行");
			struct reply r;
			terminal_hear(&t, &r);
			cr_assert_eq(r.header.message_id, 0x8300);
			cr_expect_eq(r.header.is_2019, is_2019);
			cr_assert_eq(jt808_command_decode(0x8300, span_of(r.body, r.size),
							  is_2019 ? JT808_2019 : JT808_2013, &content),
				     STATUS_OK);
			cr_expect_str_eq(content.text.text, "慢行");
			answers(&t, r.header.serial, 0x8300, 0);
			WORLD_UNTIL(&p.world, is_state(&p, id, COMMAND_STATE_ANSWERED));
			terminal_close(&t);
			end(&p);
		}
}

Test(session_commands, what_is_not_answered_is_sent_again_under_its_serial_and_rests_until_the_next_login)
{
	struct post p;
	struct terminal t, again;
	begin(&p, 60);
	uint64_t device = world_device(&p.world, "13900000043", NULL, "code43");
	uint64_t id = order_text(&p, device, "一");
	terminal_open(&t, &p.world, "13900000043", false, false);
	terminal_log_in(&t, "code43");
	uint16_t serial = hears(&t, 0x8300);
	cr_expect_eq(hears(&t, 0x8300), serial);
	WORLD_UNTIL(&p.world, world_counter(&p.world, INGEST_COUNT_COMMANDS_UNANSWERED) == 1);
	cr_expect_eq(world_counter(&p.world, INGEST_COUNT_COMMANDS_SENT), 2);
	/* an answer to another serial, another message: none of it */
	terminal_open(&again, &p.world, "13900000043", false, false);
	terminal_log_in(&again, "code43");
	serial = hears(&again, 0x8300);
	answers(&again, (uint16_t)(serial + 1), 0x8300, 0);
	answers(&again, serial, 0x8103, 0);
	cr_expect_eq(hears(&again, 0x8300), serial);
	cr_expect(!is_state(&p, id, COMMAND_STATE_ANSWERED));
	answers(&again, serial, 0x8300, 0);
	WORLD_UNTIL(&p.world, is_state(&p, id, COMMAND_STATE_ANSWERED));
	terminal_close(&t);
	terminal_close(&again);
	end(&p);
}

Test(session_commands, a_split_one_may_be_answered_by_its_first_or_its_last_serial)
{
	for (int last = 0; last < 2; last++) {
		struct post p;
		struct terminal t;
		struct reply r;
		begin(&p, 60000);
		uint64_t device = world_device(&p.world, "13900000044", NULL, "code44");
		memset(&content, 0, sizeof content);
		content.kind = COMMAND_TEXT;
		content.text.type = COMMAND_TEXT_NOTICE;
		memset(content.text.text, 'x', 1024);
		uint64_t id = order(&p, device);
		terminal_open(&t, &p.world, "13900000044", false, false);
		terminal_log_in(&t, "code44");
		terminal_hear(&t, &r);
		uint16_t first = r.header.serial;
		cr_expect_eq(r.header.fragment_total, 2);
		terminal_hear(&t, &r);
		cr_expect_eq(r.header.fragment_index, 2);
		answers(&t, last ? r.header.serial : first, 0x8300, 0);
		WORLD_UNTIL(&p.world, is_state(&p, id, COMMAND_STATE_ANSWERED));
		terminal_close(&t);
		end(&p);
	}
}

Test(session_commands, a_question_is_ended_by_its_own_answer_and_the_position_is_a_report_too)
{
	struct post p;
	struct terminal t;
	struct buf body = buf_init(256);
	begin(&p, 60000);
	uint64_t device = world_device(&p.world, "13900000045", NULL, "code45");
	uint64_t id = order_plain(&p, device, COMMAND_LOCATE);
	terminal_open(&t, &p.world, "13900000045", false, false);
	terminal_log_in(&t, "code45");
	uint16_t serial = hears(&t, 0x8201);
	answers(&t, serial, 0x8201, 0); /* received; the answer is to come */
	terminal_hears_nothing(&t);
	cr_expect(!is_state(&p, id, COMMAND_STATE_ANSWERED));
	cr_assert_eq(buf_append_be16(&body, serial), STATUS_OK);
	location_body(&body, 7);
	uint16_t own = terminal_say(&t, 0x0201, buf_view(&body));
	terminal_hear_ack(&t, own, 0x0201, 0);
	WORLD_UNTIL(&p.world, is_state(&p, id, COMMAND_STATE_ANSWERED));
	cr_assert(row.has_answer);
	cr_expect_eq(row.answer.kind, COMMAND_POSITION);
	cr_expect_eq(world_count(&p.world, INTAKE_REPORT), 1);
	buf_deinit(&body);
	terminal_close(&t);
	end(&p);
}

Test(session_commands, parameters_are_read_back)
{
	struct post p;
	struct terminal t;
	struct buf body = buf_init(256);
	static struct command_parameters has;
	begin(&p, 60000);
	uint64_t device = world_device(&p.world, "13900000046", NULL, "code46");
	uint64_t id = order_plain(&p, device, COMMAND_QUERY_PARAMETERS);
	terminal_open(&t, &p.world, "13900000046", true, false);
	terminal_log_in(&t, "code46");
	uint16_t serial = hears(&t, 0x8104);
	has.count = 0;
	cr_assert_eq(command_parameter_add(&has, 0x0055, PARAMETER_DWORD, 80, (struct span){NULL, 0}), STATUS_OK);
	cr_assert_eq(jt808_parameters_encode((uint16_t)(serial + 1), &has, &body), STATUS_OK);
	terminal_hear_ack(&t, terminal_say(&t, 0x0104, buf_view(&body)), 0x0104, 0);
	cr_expect(!is_state(&p, id, COMMAND_STATE_ANSWERED), "the answer to something else");
	buf_clear(&body);
	cr_assert_eq(jt808_parameters_encode(serial, &has, &body), STATUS_OK);
	terminal_hear_ack(&t, terminal_say(&t, 0x0104, buf_view(&body)), 0x0104, 0);
	WORLD_UNTIL(&p.world, is_state(&p, id, COMMAND_STATE_ANSWERED));
	cr_assert_eq(row.answer.kind, COMMAND_PARAMETERS);
	cr_expect_eq(row.answer.parameters.items[0].number, 80);
	buf_deinit(&body);
	terminal_close(&t);
	end(&p);
}

Test(session_commands, what_the_edition_cannot_say_is_refused_by_name_and_the_next_goes)
{
	struct post p;
	struct terminal t;
	begin(&p, 60000);
	uint64_t device = world_device(&p.world, "13900000047", NULL, "code47");
	memset(&content, 0, sizeof content);
	content.kind = COMMAND_QUERY_AREAS;
	content.ids.shape = AREA_CIRCLE;
	uint64_t id = order(&p, device);
	order_text(&p, device, "x");
	terminal_open(&t, &p.world, "13900000047", false, false);
	terminal_log_in(&t, "code47");
	hears(&t, 0x8300);
	WORLD_UNTIL(&p.world, is_state(&p, id, COMMAND_STATE_REFUSED));
	cr_expect_not_null(strstr(row.note, "not in JT/T 808-2013"), "%s", row.note);
	cr_expect_eq(row.result, COMMAND_NO_RESULT);
	cr_expect_eq(row.tries, 0);
	terminal_close(&t);
	end(&p);
}

Test(session_commands, one_that_is_cancelled_is_not_sent_again)
{
	struct post p;
	struct terminal t;
	begin(&p, 60);
	uint64_t device = world_device(&p.world, "13900000048", NULL, "code48");
	uint64_t id = order_text(&p, device, "x");
	terminal_open(&t, &p.world, "13900000048", false, false);
	terminal_log_in(&t, "code48");
	uint16_t serial = hears(&t, 0x8300);
	cr_assert_eq(commands_cancel(p.commands, id, "bob", "", clock_now_ms()), STATUS_OK);
	uint64_t other = order_text(&p, device, "y");
	uint16_t next = hears(&t, 0x8300);
	cr_expect_neq(next, serial);
	answers(&t, next, 0x8300, 0);
	WORLD_UNTIL(&p.world, is_state(&p, other, COMMAND_STATE_ANSWERED));
	terminal_close(&t);
	end(&p);
}

Test(session_commands, an_answer_counts_however_its_bytes_are_cut)
{
	struct post p;
	struct terminal t;
	begin(&p, 60000);
	uint64_t device = world_device(&p.world, "13900000049", NULL, "code49");
	terminal_open(&t, &p.world, "13900000049", true, false);
	terminal_log_in(&t, "code49");
	for (size_t cut = 1, size = 2; cut < size; cut++) {
		struct buf body = buf_init(8), wire = buf_init(256);
		uint64_t id = order_text(&p, device, "x");
		struct jt808_reply r = {hears(&t, 0x8300), 0x8300, 0};
		cr_assert_eq(jt808_reply_encode(&r, &body), STATUS_OK);
		cr_assert_eq(jt808_message_encode(0x0001, &t.like, buf_view(&body), JT808_BODY_MAX, &t.serial, &wire),
			     STATUS_OK);
		size = wire.size;
		terminal_send(&t, span_of(wire.data, cut));
		for (int i = 0; i < 5; i++)
			world_turn(&p.world);
		terminal_send(&t, span_of(wire.data + cut, wire.size - cut));
		WORLD_UNTIL(&p.world, is_state(&p, id, COMMAND_STATE_ANSWERED));
		buf_deinit(&body);
		buf_deinit(&wire);
	}
	terminal_close(&t);
	end(&p);
}
