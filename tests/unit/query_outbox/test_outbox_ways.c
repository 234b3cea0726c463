/* The other two ways out: mail to a server in the test, MQTT over a real broker (Mosquitto). */
#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <fcntl.h>
#include <mosquitto.h>
#include <openssl/evp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine/core/log.h"
#include "query/outbox/outbox.h"
#include "query/outbox/outbox_send.h"
#include "support/register_desk.h"
#include "unit/query_outbox/receivers.h"

static struct desk d;
static struct outbox *box;

static void tell(void *context, const char *path, const char *text)
{
	(void)context;
	cr_log_error("%s %s", path, text);
}

static void open_box(const char *config)
{
	struct outbox_options o = outbox_options_default(d.store, d.register_, NULL);
	struct outbox_config *c;
	o.retry_ms = 5;
	o.timeout_ms = 3000;
	o.poll_ms = 5;
	cr_assert_eq(outbox_config_parse(span_of_string(config), tell, NULL, &c), STATUS_OK);
	cr_assert_eq(outbox_open(&o, c, &box), STATUS_OK);
	cr_assert_eq(outbox_start(box), STATUS_OK);
}

static struct outbox_state state(void)
{
	struct outbox_state s;
	outbox_state(box, 0, &s);
	return s;
}

static void await_sent(uint64_t sent)
{
	while (state().sent < sent)
		usleep(2000); /* until the row is crossed out; the test's own timeout ends one that never is */
}

/* --- mail --- */

static struct receiver post;

static void begin_mail(void)
{
	log_set_level(LOG_OFF);
	signal(SIGPIPE, SIG_IGN);
	receiver_open(&post, true);
	desk_open(&d);
}

static void end_mail(void)
{
	outbox_free(box);
	receiver_close(&post);
	desk_close(&d);
}
TestSuite(outbox_mail, .init = begin_mail, .fini = end_mail, .timeout = 60);

static void open_mail(void)
{
	char config[512];
	snprintf(config, sizeof config,
		 "{\"destinations\":[{\"name\":\"duty\",\"kind\":\"smtp\",\"url\":\"smtp://127.0.0.1:%u\",\"from\":"
		 "\"zayton@example.cn\",\"to\":[\"a@example.cn\",\"b@example.cn\"]}]}",
		 post.port);
	open_box(config);
}

/* Base64 with line breaks, as text. */
static void decode(const char *digits, size_t size, char *out, size_t room)
{
	uint8_t packed[1 << 16], bytes[1 << 16];
	size_t n = 0;
	for (size_t i = 0; i < size; i++)
		if (digits[i] != '\r' && digits[i] != '\n')
			packed[n++] = (uint8_t)digits[i];
	cr_assert_eq(n % 4, 0u);
	int got = EVP_DecodeBlock(bytes, packed, (int)n);
	cr_assert_geq(got, 0);
	for (size_t i = n; i && packed[i - 1] == '='; i--)
		got--;
	snprintf(out, room, "%.*s", got, (char *)bytes);
}

/* The encoded words of the subject, put together. */
static void subject_of(const char *mail, char *out, size_t room)
{
	const char *at = strstr(mail, "\r\nSubject:") + 10;
	size_t n = 0;
	out[0] = '\0';
	do {
		const char *begin = strstr(at, "=?UTF-8?B?") + 10, *end = strstr(begin, "?=");
		cr_expect_leq(end + 2 - (begin - 10), 75);
		decode(begin, (size_t)(end - begin), out + n, room - n);
		n = strlen(out);
		at = strstr(end, "\r\n") + 2;
	} while (*at == ' ');
}

Test(outbox_mail, is_chinese_whole_and_known_by_its_id)
{
	char text[1 << 14];
	open_mail();
	desk_find(&d, "company=海湾仓储有限公司|village=白奇|category=消防通道堵塞");
	receiver_await(&post, 1, true);
	await_sent(1);
	const char *mail = post.all[0].body;
	cr_expect_str_eq(post.all[0].id, "hazard-1-1");
	cr_expect(strstr(mail, "From: <zayton@example.cn>\r\nTo: <a@example.cn>,\r\n <b@example.cn>\r\n"), "%s", mail);
	cr_expect(strstr(mail, "\r\nMessage-ID: <hazard-1-1."));
	cr_expect(strstr(mail, "\r\nContent-Type: text/plain; charset=UTF-8\r\nContent-Transfer-Encoding: base64\r\n"));
	for (const char *c = mail; *c; c++)
		cr_assert((unsigned char)*c < 0x80, "a mail is ASCII on the wire");
	subject_of(mail, text, sizeof text);
	cr_expect_str_eq(text, "【隐患】2026-000001 排查：堆垛不规范");
	const char *body = strstr(mail, "\r\n\r\n") + 4;
	decode(body, strlen(body), text, sizeof text);
	cr_expect(strstr(text, "隐患编号：2026-000001\r\n办理步骤：排查\r\n"), "%s", text);
	cr_expect(strstr(text, "企业：海湾仓储有限公司\r\n所属村：白奇\r\n"), "%s", text);
}

static int later_never(const struct received *r, size_t count)
{
	return count == 0 ? 451 : !strcmp(r->id, "hazard-1-1") ? 550 : 250;
}

Test(outbox_mail, a_server_says_later_or_never)
{
	post.judge = later_never;
	open_mail();
	desk_find(&d, "company=甲");
	receiver_await(&post, 2, false);
	desk_find(&d, "company=乙");
	receiver_await(&post, 1, true);
	await_sent(1);
	cr_expect_eq(state().refused, 1u);
	cr_expect_gt(state().failed, 0u);
	cr_expect_str_eq(post.all[post.count - 1].id, "hazard-2-1");
}

Test(outbox_mail, a_long_subject_keeps_its_characters_whole)
{
	struct outbox_destination to = {.from = "a@b", .to = {"c@d"}, .to_count = 1};
	struct buf mail = buf_init(1 << 20), body = buf_init(1 << 20);
	char text[2048] = "";
	for (int i = 0; i < 90; i++)
		strcat(text, "码");
	cr_assert_eq(buf_printf(&body,
				"{\"hazard\":{\"code\":\"2026-000001\",\"fields\":{\"description\":\"%s\"}},"
				"\"event\":{\"step_zh\":\"交办\"}}",
				text),
		     STATUS_OK);
	struct outbox_news n = {.id = "hazard-1-2", .body = buf_view(&body)};
	cr_assert_eq(outbox_mail_write(&to, &n, 1780000000000, &mail), STATUS_OK);
	cr_assert_eq(buf_append_u8(&mail, 0), STATUS_OK);
	cr_expect(strstr((char *)mail.data, "\r\nDate: Thu, 28 May 2026 20:26:40 +0000\r\n"), "%s", (char *)mail.data);
	subject_of((char *)mail.data, text, sizeof text);
	size_t codes = 0;
	for (const char *at = text; (at = strstr(at, "码")); at += 3)
		codes++;
	cr_expect_eq(codes, 40u, "%s", text);
	cr_expect_str_eq(text + strlen(text) - 3, "码");
	buf_deinit(&mail);
	n.body = span_of_string("no json");
	cr_expect_eq(outbox_mail_write(&to, &n, 0, &mail), STATUS_MALFORMED);
	buf_deinit(&mail);
	buf_deinit(&body);
}

/* --- MQTT --- */

static pid_t broker;
static uint16_t port;
static char conf[] = "/tmp/zayton-broker-XXXXXX";

static uint16_t free_port(void)
{
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t size = sizeof at;
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	cr_assert_eq(bind(fd, (struct sockaddr *)&at, sizeof at), 0);
	getsockname(fd, (struct sockaddr *)&at, &size);
	close(fd);
	return ntohs(at.sin_port);
}

static bool listens(void)
{
	struct sockaddr_in at = {
		.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	bool up = connect(fd, (struct sockaddr *)&at, sizeof at) == 0;
	close(fd);
	return up;
}

static void start_broker(void)
{
	broker = fork();
	if (!broker) {
		int null = open("/dev/null", O_RDWR);
		dup2(null, 1);
		dup2(null, 2);
		execlp("mosquitto", "mosquitto", "-c", conf, NULL);
		execl("/usr/sbin/mosquitto", "mosquitto", "-c", conf, NULL);
		_exit(127);
	}
	while (!listens()) {
		cr_assert_eq(waitpid(broker, NULL, WNOHANG), 0, "mosquitto does not run");
		usleep(5000);
	}
}

static void stop_broker(void)
{
	kill(broker, SIGTERM);
	waitpid(broker, NULL, 0);
}

static void begin_mqtt(void)
{
	char text[128];
	log_set_level(LOG_OFF);
	signal(SIGPIPE, SIG_IGN);
	port = free_port();
	int n = snprintf(text, sizeof text, "listener %u 127.0.0.1\nallow_anonymous true\n", port);
	int fd = mkstemp(conf);
	cr_assert_eq(write(fd, text, (size_t)n), n);
	close(fd);
	start_broker();
	desk_open(&d);
}

static void end_mqtt(void)
{
	outbox_free(box);
	stop_broker();
	desk_close(&d);
	unlink(conf);
}
TestSuite(outbox_mqtt, .init = begin_mqtt, .fini = end_mqtt, .timeout = 60);

static void open_mqtt(void)
{
	char config[512];
	snprintf(config, sizeof config,
		 "{\"destinations\":[{\"name\":\"bus\",\"kind\":\"mqtt\",\"host\":\"127.0.0.1\",\"port\":%u,\"topic\":"
		 "\"zayton/hazards\"}]}",
		 port);
	open_box(config);
}

static char heard[16][64];
static size_t heard_count;
static bool subscribed;

static void on_subscribe(struct mosquitto *m, void *context, int mid, int n, const int *qos)
{
	(void)m, (void)context, (void)mid, (void)n, (void)qos;
	subscribed = true;
}

static void on_message(struct mosquitto *m, void *context, const struct mosquitto_message *message)
{
	(void)m, (void)context;
	cr_expect_str_eq(message->topic, "zayton/hazards");
	cr_expect_eq(message->qos, 1);
	cr_expect(!message->retain);
	snprintf(heard[heard_count++ % 16], 64, "%.*s", (int)(message->payloadlen < 63 ? message->payloadlen : 63),
		 (char *)message->payload);
}

static struct mosquitto *listen_to_it(void)
{
	struct mosquitto *m = mosquitto_new(NULL, true, NULL);
	mosquitto_message_callback_set(m, on_message);
	mosquitto_subscribe_callback_set(m, on_subscribe);
	cr_assert_eq(mosquitto_connect(m, "127.0.0.1", port, 60), 0);
	cr_assert_eq(mosquitto_subscribe(m, NULL, "zayton/#", 1), 0);
	subscribed = false;
	while (!subscribed)
		cr_assert_eq(mosquitto_loop(m, 50, 1), 0);
	return m;
}

Test(outbox_mqtt, news_reach_a_subscriber_in_order)
{
	mosquitto_lib_init();
	struct mosquitto *m = listen_to_it();
	open_mqtt();
	desk_find(&d, "company=甲");
	desk_bring(&d, 1, HAZARD_REGISTERED);
	while (heard_count < 2)
		cr_assert_eq(mosquitto_loop(m, 50, 1), 0);
	await_sent(2);
	cr_expect(strstr(heard[0], "{\"id\":\"hazard-1-1\""), "%s", heard[0]);
	cr_expect(strstr(heard[1], "{\"id\":\"hazard-1-2\""), "%s", heard[1]);
	mosquitto_destroy(m);
	mosquitto_lib_cleanup();
}

Test(outbox_mqtt, a_broker_that_goes_and_comes_back_gets_what_waited)
{
	open_mqtt();
	desk_find(&d, "company=甲");
	await_sent(1);
	stop_broker();
	desk_find(&d, "company=乙");
	while (!state().failed)
		usleep(2000);
	cr_expect_eq(state().sent, 1u);
	cr_expect_eq(state().pending, 1u);
	start_broker();
	await_sent(2);
	cr_expect_eq(state().pending, 0u);
}
