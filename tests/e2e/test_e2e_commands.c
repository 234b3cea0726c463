/* Terminals are told something by the real program: at once, at their next login, after a kill, by rule; what they
 * answer is asked back. */
#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bench/sim/terminal_commands.h"
#include "engine/core/clock.h"
#include "engine/series/report.h"
#include "tests/e2e/rig.h"

TestSuite(commands, .timeout = 300);

#define OPEN ((const char *const[]){"--terminals", "open", "--command-wait", "500ms", NULL})

static struct terminal_memory memory;

/* Ask for a command; its number. */
static unsigned long long order(const struct server *s, const char *phone, const char *body)
{
	struct answer a = http_ask(s, "POST", body, "/api/v1/devices/phone:%s/commands", phone);
	cr_assert_eq(a.code, 201, "%s", a.body);
	unsigned long long id = strtoull(strstr(a.body, "\"id\":") + 5, NULL, 10);
	answer_free(&a);
	return id;
}

/* The next command that the terminal hears, answered as a terminal of that edition does. */
static uint16_t hear(struct client *c, bool answers)
{
	uint8_t content[JT808_FRAME_MAX];
	struct jt808_header h;
	struct buf body = buf_init(65536);
	uint16_t id = 0;
	do
		cr_assert(client_next(c, content, &h), "the connection ended");
	while (h.message_id == 0x8001 || h.message_id == 0x8100);
	terminal_answer(&memory, &h, c->edition, clock_now_ms(), &id, &body);
	if (answers && id)
		client_send(c, id, buf_view(&body));
	buf_deinit(&body);
	return h.message_id;
}

/* Until the command says `part` of itself. */
static void await_command(const struct server *s, unsigned long long id, const char *part)
{
	for (int i = 0; i < RIG_WAIT_S * 100; i++) {
		struct answer a = HTTP_GET_OF(s, "/api/v1/commands/%llu", id);
		cr_assert_eq(a.code, 200, "%s", a.body);
		bool there = strstr(a.body, part) != NULL;
		bool last = i == RIG_WAIT_S * 100 - 1;
		cr_assert(there || !last, "%s never in %s", part, a.body);
		answer_free(&a);
		if (there)
			return;
		usleep(10000);
	}
}

static void one_edition(enum jt808_edition edition, const char *phone)
{
	char *folder = rig_folder();
	struct server s = server_start(folder, OPEN);
	struct client c = client_dial(&s, edition, phone);
	memory = (struct terminal_memory){.parameter_count = 0};
	client_log_in(&c, "闽C30001");
	unsigned long long text = order(&s, phone, "{\"kind\":\"text\",\"text\":\"请减速慢行\",\"urgent\":true}");
	cr_expect_eq(hear(&c, true), 0x8300);
	await_command(&s, text, "\"state\":\"answered\"");
	/* set and read back */
	unsigned long long set = order(&s, phone,
				       "{\"kind\":\"set_parameters\",\"parameters\":{\"max_speed_kmh\":80,"
				       "\"overspeed_s\":10,\"continuous_driving_s\":14400}}");
	cr_expect_eq(hear(&c, true), 0x8103);
	await_command(&s, set, "\"state\":\"answered\"");
	unsigned long long query =
		order(&s, phone, "{\"kind\":\"query_parameters\",\"parameters\":[\"max_speed_kmh\"]}");
	hear(&c, true);
	await_command(&s, query, "\"name\":\"max_speed_kmh\",\"value\":80");
	unsigned long long where = order(&s, phone, "{\"kind\":\"locate\"}");
	cr_expect_eq(hear(&c, true), 0x8201);
	await_command(&s, where, "\"answer\":{\"kind\":\"position\"");
	/* what only 2019 has */
	unsigned long long areas = order(&s, phone, "{\"kind\":\"query_fences\",\"shape\":\"circle\"}");
	if (edition == JT808_2019) {
		cr_expect_eq(hear(&c, true), 0x8608);
		await_command(&s, areas, "\"answer\":{\"kind\":\"raw\"");
	} else {
		await_command(&s, areas, "asking for areas: not in JT/T 808-20");
	}
	client_close(&c);
	cr_expect_eq(server_stop(&s, SIGTERM), 0);
	rig_folder_remove(folder);
}

Test(commands, a_terminal_of_2011_is_told_and_answers)
{
	one_edition(JT808_2011, "13900000611");
}

Test(commands, a_terminal_of_2013_is_told_and_answers)
{
	one_edition(JT808_2013, "13900000613");
}

Test(commands, a_terminal_of_2019_is_told_and_answers)
{
	one_edition(JT808_2019, "13900000619");
}

#define CIRCLE                                                                                                          \
	"{\"type\":\"Feature\",\"properties\":{\"id\":\"port\",\"name\":\"港区\",\"radius_m\":500,\"limit_kmh\":40}," \
	"\"geometry\":{\"type\":\"Point\",\"coordinates\":[118.6,24.9]}}"
#define SQUARE                                                                                                         \
	"{\"type\":\"Feature\",\"properties\":{\"id\":\"yard\",\"name\":\"堆场\",\"when\":\"22:00-06:00\"},"         \
	"\"geometry\":{\"type\":\"Polygon\",\"coordinates\":[[[118.6,24.9],[118.7,24.9],[118.7,25],[118.6,25],"        \
	"[118.6,24.9]]]}}"

Test(commands, fences_go_to_a_terminal_and_what_it_cannot_hold_is_said)
{
	char *folder = rig_folder();
	struct server s = server_start(folder, OPEN);
	struct client c = client_dial(&s, JT808_2013, "13900000620");
	client_log_in(&c, "闽C30020");
	struct answer a = http_ask(&s, "POST", "{\"type\":\"FeatureCollection\",\"features\":[" CIRCLE "," SQUARE "]}",
				   "/api/v1/fences");
	cr_assert_eq(a.code, 200, "%s", a.body);
	cr_assert_not_null(strstr(a.body, "\"accepted\":2"), "%s", a.body);
	answer_free(&a);
	unsigned long long id = order(&s, "13900000620", "{\"kind\":\"set_fence\",\"fence\":\"port\"}");
	cr_expect_eq(hear(&c, true), 0x8600);
	await_command(&s, id, "\"state\":\"answered\"");
	await_command(&s, id, "\"radius_m\":500");
	a = http_ask(&s, "POST", "{\"kind\":\"set_fence\",\"fence\":\"yard\"}",
		     "/api/v1/devices/phone:13900000620/commands");
	cr_expect_eq(a.code, 422);
	cr_expect_not_null(strstr(a.body, "hours over midnight"), "%s", a.body);
	answer_free(&a);
	client_close(&c);
	cr_expect_eq(server_stop(&s, SIGTERM), 0);
	rig_folder_remove(folder);
}

Test(commands, one_that_is_away_is_told_at_its_next_login_though_the_program_was_killed)
{
	for (int udp = 0; udp < 2; udp++) {
		char *folder = rig_folder();
		struct server s = server_start(folder, OPEN);
		struct client c = client_dial(&s, JT808_2013, "13900000630");
		client_log_in(&c, "闽C30030");
		char code[64];
		strcpy(code, c.code);
		client_close(&c);
		unsigned long long id = order(&s, "13900000630", "{\"kind\":\"text\",\"text\":\"一\"}");
		cr_expect_eq(server_stop(&s, SIGKILL), 128 + SIGKILL);
		s = server_start(folder, OPEN);
		await_command(&s, id, "\"state\":\"queued\"");
		c = udp ? client_dial_udp(&s, JT808_2013, "13900000630") : client_dial(&s, JT808_2013, "13900000630");
		cr_assert_eq(client_auth(&c, code), 0);
		cr_expect_eq(hear(&c, false), 0x8300);
		await_command(&s, id, "\"state\":\"sent\"");
		cr_expect_eq(hear(&c, true), 0x8300, "again, as it did not answer");
		await_command(&s, id, "\"state\":\"answered\"");
		client_close(&c);
		cr_expect_eq(server_stop(&s, SIGTERM), 0);
		rig_folder_remove(folder);
	}
}

/* POST on a socket of its own: the code of the answer, 0 when the server was gone before. */
static int try_post(const struct server *s, const char *path, const char *body)
{
	char request[1024], answer[65536];
	struct client c = client_dial(&(struct server){.tcp = s->http}, JT808_2013, "1");
	int size = snprintf(request, sizeof request,
			    "POST %s HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nConnection: "
			    "close\r\nContent-Length: %zu\r\n\r\n%s",
			    path, strlen(body), body);
	ssize_t sent = send(c.fd, request, (size_t)size, MSG_NOSIGNAL);
	size_t got = 0;
	ssize_t n = 0;
	while (sent == size && got < sizeof answer - 1 && (n = read(c.fd, answer + got, sizeof answer - 1 - got)) > 0)
		got += (size_t)n;
	answer[got] = '\0';
	client_close(&c);
	return got > 12 ? (int)strtol(answer + 9, NULL, 10) : 0;
}

#ifdef ZAYTON_CRASH_POINTS
/* The process ends before or behind the commit of the n-th: what was acknowledged is there, each once. */
Test(commands, none_that_was_acknowledged_is_lost_by_a_crash_while_it_is_added)
{
	for (int n = 1; n <= 8; n += 1) {
		char *folder = rig_folder(), crash[32];
		struct server s = server_start(folder, OPEN);
		struct client c = client_dial(&s, JT808_2013, "13900000640");
		client_log_in(&c, "闽C30040");
		client_close(&c);
		cr_expect_eq(server_stop(&s, SIGTERM), 0);
		snprintf(crash, sizeof crash, "commands_add:%d", n);
		setenv("ZAYTON_CRASH", crash, 1);
		s = server_start(folder, OPEN);
		unsetenv("ZAYTON_CRASH");
		int acknowledged = 0;
		while (try_post(&s, "/api/v1/devices/phone:13900000640/commands", "{\"kind\":\"locate\"}") == 201)
			acknowledged++;
		cr_expect_eq(rig_end(s.pid, SIGKILL), 128 + SIGKILL);
		close(s.out);
		cr_expect_eq(acknowledged, (n - 1) / 2);
		s = server_start(folder, OPEN);
		struct answer a = HTTP_GET_OF(&s, "/api/v1/commands");
		size_t there = text_count(a.body, "\"queued\"");
		/* the one under way is there or not; nobody was told of it */
		cr_expect(there == (size_t)acknowledged || there == (size_t)acknowledged + 1, "%zu of %d", there,
			  acknowledged);
		cr_expect_eq(there, (size_t)n / 2);
		answer_free(&a);
		cr_expect_eq(server_stop(&s, SIGTERM), 0);
		rig_folder_remove(folder);
	}
}

/* Killed while an answer is written: the command is open, the terminal hears it again, then it is answered. */
Test(commands, an_answer_that_a_crash_ate_is_asked_for_again)
{
	char *folder = rig_folder(), code[64];
	struct server s = server_start(folder, OPEN);
	struct client c = client_dial(&s, JT808_2019, "13900000650");
	client_log_in(&c, "闽C30050");
	strcpy(code, c.code);
	client_close(&c);
	unsigned long long id = order(&s, "13900000650", "{\"kind\":\"text\",\"text\":\"一\"}");
	cr_expect_eq(server_stop(&s, SIGTERM), 0);
	setenv("ZAYTON_CRASH", "commands_said:1", 1);
	s = server_start(folder, OPEN);
	unsetenv("ZAYTON_CRASH");
	c = client_dial(&s, JT808_2019, "13900000650");
	client_auth(&c, code); /* the crash may be before its answer is read */
	cr_expect_eq(rig_end(s.pid, 0), 128 + SIGKILL);
	close(s.out);
	client_close(&c);
	s = server_start(folder, OPEN);
	c = client_dial(&s, JT808_2019, "13900000650");
	cr_assert_eq(client_auth(&c, code), 0);
	cr_expect_eq(hear(&c, true), 0x8300);
	await_command(&s, id, "\"state\":\"answered\"");
	client_close(&c);
	cr_expect_eq(server_stop(&s, SIGTERM), 0);
	rig_folder_remove(folder);
}
#endif

Test(commands, what_was_acknowledged_outlives_a_kill)
{
	char *folder = rig_folder();
	struct server s = server_start(folder, OPEN);
	struct client c = client_dial(&s, JT808_2013, "13900000660");
	client_log_in(&c, "闽C30060");
	client_close(&c);
	for (int i = 0; i < 17; i++)
		cr_assert_eq(try_post(&s, "/api/v1/devices/phone:13900000660/commands", "{\"kind\":\"locate\"}"), 201);
	cr_expect_eq(server_stop(&s, SIGKILL), 128 + SIGKILL);
	s = server_start(folder, OPEN);
	struct answer a = HTTP_GET_OF(&s, "/api/v1/commands");
	cr_expect_eq(text_count(a.body, "\"queued\""), 17);
	answer_free(&a);
	cr_expect_eq(server_stop(&s, SIGTERM), 0);
	rig_folder_remove(folder);
}

#define RULES                                                                                                          \
	"[fast]\nkind = overspeed\ntitle = 超速 | Fast\nsource = test\nlimit = 20 km/h\nhold = 20 s\npoints = 3\n"   \
	"remind = {plate}限速{limit}\nremind_every = 30 min\nremind_flags = urgent speech\n"

/* The whole way of a reminder: reports, finding, words, answer, ledger, rate. */
static void remind(bool handles)
{
	char *folder = rig_folder(), server[64];
	struct server s = server_start(folder, (const char *const[]){"--terminals", "open", "--reminders-handle",
								     handles ? "yes" : "no", NULL});
	struct client c = client_dial(&s, JT808_2019, "13900000670");
	client_log_in(&c, "闽C30070");
	struct answer a = http_ask(&s, "PUT", RULES, "/api/v1/rules");
	cr_assert_eq(a.code, 200, "%s", a.body);
	answer_free(&a);
	/* from when the rule holds on: event times run ahead of the clock a little */
	int64_t start_ms = clock_now_ms() / 1000 * 1000 + 1000;
	for (unsigned i = 0; i < 5; i++)
		client_report(&c, start_ms + i * INT64_C(10000), i);
	cr_expect_eq(hear(&c, true), 0x8300);
	await_command(&s, 1, "\"state\":\"answered\"");
	await_command(&s, 1, "\"text\":\"闽C30070限速20公里每小时\"");
	a = HTTP_GET_OF(&s, "/api/v1/ledger");
	cr_expect_not_null(strstr(a.body, "\"act\":\"reminder\",\"who\":\"fast\",\"by_rule\":true"), "%s", a.body);
	cr_expect_not_null(strstr(a.body, "\"answer\":\"answered\",\"result\":\"ok\""), "%s", a.body);
	answer_free(&a);
	if (handles)
		for (int i = 0, done = 0; i < RIG_WAIT_S * 100 && !done; i++) {
			a = HTTP_GET_OF(&s, "/api/v1/ledger");
			done = strstr(a.body, "\"act\":\"handling\",\"who\":\"rule:fast\"") != NULL;
			answer_free(&a);
			usleep(done ? 0 : 10000);
		}
	a = HTTP_GET_OF(&s, "/api/v1/violations/handling-rate");
	cr_expect_not_null(strstr(a.body, handles ? "\"handled\":1" : "\"handled\":0"), "%s", a.body);
	answer_free(&a);
	/* not again after a restart */
	cr_expect_eq(server_stop(&s, SIGKILL), 128 + SIGKILL);
	client_close(&c);
	s = server_start(folder, OPEN);
	snprintf(server, sizeof server, "http://127.0.0.1:%d", s.http);
	struct run list = RIG_ZAYTON("command", "list", "--server", server, "--state", "answered");
	cr_expect_eq(list.code, 0, "%s", list.err);
	cr_expect_eq(text_count(list.out, "\"kind_zh\""), 1, "%s", list.out);
	run_free(&list);
	cr_expect_eq(server_stop(&s, SIGTERM), 0);
	rig_folder_remove(folder);
}

Test(commands, a_rule_reminds_a_driver_and_the_ledger_knows)
{
	remind(false);
}

Test(commands, an_answered_reminder_is_handling_where_the_policy_says_so)
{
	remind(true);
}

Test(commands, by_command_line)
{
	char *folder = rig_folder(), server[64];
	struct server s = server_start(folder, OPEN);
	struct client c = client_dial(&s, JT808_2013, "13900000680");
	client_log_in(&c, "闽C30080");
	client_close(&c);
	snprintf(server, sizeof server, "http://127.0.0.1:%d", s.http);
	struct run sent = RIG_ZAYTON("command", "send", "--server", server, "--device", "phone:13900000680", "--text",
				     "慢", "--urgent", "--why", "test");
	cr_expect_eq(sent.code, 0, "%s", sent.err);
	struct run other = RIG_ZAYTON("command", "send", "--server", server, "--device", "phone:13900000680", "--json",
				      "{\"kind\":\"track\",\"interval_s\":5,\"for_s\":60}");
	cr_expect_eq(other.code, 0, "%s", other.err);
	struct run bad =
		RIG_ZAYTON("command", "send", "--server", server, "--device", "phone:13900000680", "--text", "");
	cr_expect_eq(bad.code, 1);
	cr_expect_not_null(strstr(bad.err, "nothing is said"), "%s", bad.err);
	struct run shown = RIG_ZAYTON("command", "show", "1", "--server", server);
	cr_expect_not_null(strstr(shown.out, "\"urgent\":true"), "%s", shown.out);
	struct run cancelled = RIG_ZAYTON("command", "cancel", "2", "--why", "no", "--server", server);
	cr_expect_not_null(strstr(cancelled.out, "\"state\":\"cancelled\""), "%s%s", cancelled.out, cancelled.err);
	struct run list = RIG_ZAYTON("command", "list", "--server", server, "--device", "phone:13900000680");
	cr_expect_eq(text_count(list.out, "\"kind_zh\""), 2, "%s", list.out);
	struct run usage = RIG_ZAYTON("command", "shout");
	cr_expect_eq(usage.code, 2);
	run_free(&sent);
	run_free(&other);
	run_free(&bad);
	run_free(&shown);
	run_free(&cancelled);
	run_free(&list);
	run_free(&usage);
	cr_expect_eq(server_stop(&s, SIGTERM), 0);
	rig_folder_remove(folder);
}
