/* Gateways of sensors from outside: the real program, killed while frames and messages come. */
#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <jansson.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "engine/core/clock.h"
#include "ingest/sensors/gb26875.h"
#include "rig.h"
#include "support/mqtt_broker.h"

#define SOURCE 4886718345u
#define START_MS INT64_C(1767225600000)

static int gateway_port(const struct server *s)
{
	struct answer a = HTTP_GET_OF(s, "/api/v1/gateways");
	json_t *all = json_loads(a.body, 0, NULL);
	int port =
		(int)json_integer_value(json_object_get(json_array_get(json_object_get(all, "listeners"), 0), "port"));
	json_decref(all);
	answer_free(&a);
	return port;
}

static int dial(int port)
{
	struct sockaddr_in to = {
		.sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	cr_assert_eq(connect(fd, (struct sockaddr *)&to, sizeof to), 0);
	return fd;
}

/* Temperature number `n`, its serial that number. */
static void send_frame(int fd, unsigned n)
{
	uint8_t app[18] = {3, 1, 1, 1, 18, 5, 0, 0, 0, 3};
	struct buf wire = buf_init(256);
	struct gb26875_message m = {
		.serial = (uint16_t)n, .source = SOURCE, .command = GB26875_SEND, .app = {app, sizeof app}};
	struct civil c;
	int64_t ms = START_MS + (int64_t)n * 1000;
	m.time.ms = ms;
	civil_from_ms(ms + CHINA_OFFSET_MS, &c);
	store_le16(app + 10, (uint16_t)(n % 1000));
	const uint8_t time[6] = {c.second, c.minute, c.hour, c.day, c.month, (uint8_t)(c.year - 2000)};
	memcpy(app + 12, time, sizeof time);
	cr_assert_eq(gb26875_encode(&m, &wire), STATUS_OK);
	(void)!send(fd, wire.data, wire.size, MSG_NOSIGNAL);
	buf_deinit(&wire);
}

/* Confirmations that have come, by serial. Returns how many. */
static unsigned hear(int fd, struct buf *in, bool *confirmed)
{
	uint8_t bytes[4096];
	struct marked_frame frame;
	struct gb26875_message m;
	struct pollfd p = {fd, POLLIN, 0};
	unsigned n = 0;
	ssize_t size;
	while (poll(&p, 1, 20) > 0 && (size = recv(fd, bytes, sizeof bytes, MSG_DONTWAIT)) > 0)
		cr_assert_eq(buf_append(in, bytes, (size_t)size), STATUS_OK);
	size_t from = 0;
	while (gb26875_frame_next(span_of(in->data + from, in->size - from), &frame) == STATUS_OK) {
		cr_assert_eq(gb26875_decode(frame.raw, &m), STATUS_OK);
		cr_assert_eq(m.command, GB26875_CONFIRM);
		confirmed[m.serial] = true;
		from += frame.consumed;
		n++;
	}
	if (from)
		memmove(in->data, in->data + from, in->size - from);
	in->size -= from;
	return n;
}

static size_t rows_of(const struct server *s, const char *site, const char *quantity, char **body)
{
	struct answer a = HTTP_GET_OF(s,
				      "/api/v1/series?stream=%s/%s&from=2026-01-01T00:00:00Z&to="
				      "2026-02-01T00:00:00Z&corrections=1&format=ndjson",
				      site, quantity);
	cr_assert_eq(a.code, 200, "%s", a.body);
	size_t n = text_count(a.body, "\n");
	*body = strdup(a.body);
	answer_free(&a);
	return n;
}

Test(e2e_sites, what_was_confirmed_is_there_once_after_every_kill)
{
	char *folder = rig_folder(), *data = rig_path(folder, "data");
	char *file = rig_file(folder, "sites.txt", "fire gb26875 127.0.0.1:0\ndevice fire 4886718345 HOSPITAL-1\n");
	const char *extra[] = {"--sites-file", file, NULL};
	static bool confirmed[4096];
	unsigned sent = 0, heard = 0;
	for (int kills = 0; kills < 4; kills++) {
		struct server s = server_start(data, extra);
		struct buf in = buf_init(1u << 20);
		int fd = dial(gateway_port(&s));
		for (unsigned before = heard; heard < before + 40u + (unsigned)kills * 13;) {
			for (int i = 0; i < 10; i++)
				send_frame(fd, sent++);
			heard += hear(fd, &in, confirmed);
			cr_assert_lt(sent, 4000);
		}
		for (int i = 0; i < 10; i++)
			send_frame(fd, sent++);
		cr_assert_eq(server_stop(&s, SIGKILL), 128 + SIGKILL);
		heard += hear(fd, &in, confirmed);
		close(fd);
		buf_deinit(&in);
	}
	struct server s = server_start(data, extra);
	char *body, when[64], text[TIME_TEXT_MAX];
	rows_of(&s, "HOSPITAL-1", "part.1.1.18.5.temperature", &body);
	for (unsigned n = 0; n < sent; n++) {
		time_format(START_MS + (int64_t)n * 1000, 0, text);
		snprintf(when, sizeof when, "\"%s\"", text);
		size_t times = text_count(body, when);
		cr_expect_leq(times, 1, "%u is doubled", n);
		cr_expect(!confirmed[n] || times == 1, "%u was confirmed and is gone", n);
	}
	free(body);
	cr_assert_eq(server_stop(&s, SIGTERM), 0);
	free(data), free(file);
	rig_folder_remove(folder);
}

Test(e2e_sites, mqtt_loses_and_doubles_nothing_while_program_and_broker_are_killed)
{
	struct broker broker;
	char *folder = rig_folder(), *data = rig_path(folder, "data"), text[512];
	broker_start(&broker, false);
	snprintf(text, sizeof text,
		 "broker iot 127.0.0.1:%d unknown=keep client=zayton-e2e\ntopic iot tele/+ {2} time=$.t v=$.v\n",
		 broker.port);
	char *file = rig_file(folder, "sites.txt", text), *body;
	const char *extra[] = {"--sites-file", file, NULL};
	unsigned said = 0;
	for (int round = 0; round < 5; round++) {
		struct server s = server_start(data, extra);
		for (time_t end = time(NULL) + RIG_WAIT_S;
		     metric_of(&s, "zayton_mqtt_connected_total{broker=\"iot\"}") < 1;) {
			cr_assert_lt(time(NULL), end);
			usleep(20000);
		}
		/* what is said before the first subscription nobody has asked for */
		usleep(round ? 0 : 500000);
		struct mosquitto *p = publisher_open(&broker);
		for (int i = 0; i < 60; i++) {
			snprintf(text, sizeof text, "{\"t\":%lld,\"v\":%u}", (long long)START_MS + said * 1000LL, said);
			publisher_say(p, "tele/pile", text);
			said++;
		}
		publisher_close(p);
		if (round % 2)
			broker_again(&broker, SIGTERM);
		cr_assert_eq(server_stop(&s, SIGKILL), 128 + SIGKILL);
	}
	struct server s = server_start(data, extra);
	size_t n = 0;
	for (time_t end = time(NULL) + RIG_WAIT_S; n < said && time(NULL) < end; usleep(100000)) {
		n = rows_of(&s, "pile", "v", &body);
		free(body);
	}
	cr_expect_eq(n, said, "every message is one value");
	cr_assert_eq(server_stop(&s, SIGTERM), 0);
	broker_stop(&broker);
	free(data), free(file);
	rig_folder_remove(folder);
}

static json_t *json_of(const struct server *s, const char *path)
{
	struct answer a = HTTP_GET_OF(s, "%s", path);
	cr_assert_eq(a.code, 200, "%s: %s", path, a.body);
	json_t *j = json_loads(a.body, 0, NULL);
	answer_free(&a);
	return j;
}

static void expect_posted(const struct server *s, const char *body, int code, const char *part)
{
	struct answer a = http_ask(s, "POST", body, "/api/v1/weighings");
	cr_expect_eq(a.code, code, "%s: %s", body, a.body);
	cr_expect_not_null(strstr(a.body, part), "%s: %s", body, a.body);
	answer_free(&a);
}

static long long number_of(const json_t *j, const char *name)
{
	return json_integer_value(json_object_get(j, name));
}

Test(e2e_sites, weighings_are_taken_once_listed_and_counted)
{
	static const char three[] =
		"{\"weighings\":[{\"site\":\"QUARRY\",\"ticket\":\"a\",\"time\":\"2026-01-01T00:00:00Z\",\"plate\":"
		"\"2:闽C00001\",\"axles\":2,\"gross_kg\":24000,\"driver\":\"Chen\"},{\"site\":\"QUARRY\",\"ticket\":"
		"\"b\","
		"\"time\":\"2026-01-02T00:00:00Z\",\"plate\":\"2:闽C00001\",\"axles\":2,\"gross_kg\":9000},{\"site\":"
		"\"QUARRY\",\"ticket\":\"c\",\"time\":\"2026-01-02T00:00:00Z\",\"plate\":\"2:闽C00001\",\"axles\":1,"
		"\"gross_kg\":9000}]}";
	char *folder = rig_folder(), *data = rig_path(folder, "data"), path[300], *body;
	struct server s = server_start(data, NULL);
	expect_posted(&s, three, 200, "{\"taken\":2,\"repeated\":0,\"refused\":[{\"index\":2,");
	expect_posted(&s, three, 200, "{\"taken\":0,\"repeated\":2,");
	expect_posted(&s, "{\"site\":\"QUARRY\"}", 400, "ticket");
	expect_posted(&s, "{\"weighings\":[]}", 400, "1000");
	cr_assert_eq(server_stop(&s, SIGKILL), 128 + SIGKILL);
	s = server_start(data, NULL);
	json_t *j = json_of(&s, "/api/v1/weighings?from=2026-01-01T00:00:00Z&to=2026-01-03T00:00:00Z&limit=1");
	const json_t *one = json_array_get(json_object_get(j, "weighings"), 0);
	cr_expect_eq(number_of(one, "over_kg"), 6000);
	cr_expect_eq(number_of(one, "points"), 3);
	snprintf(path, sizeof path, "/api/v1/weighings?from=2026-01-01T00:00:00Z&to=2026-01-03T00:00:00Z&cursor=%s",
		 json_string_value(json_object_get(j, "next")));
	json_decref(j);
	j = json_of(&s, path);
	cr_expect_eq(json_array_size(json_object_get(j, "weighings")), 1);
	cr_expect(json_is_null(json_object_get(j, "next")));
	json_decref(j);
	j = json_of(&s, "/api/v1/weighings/overloads?as_of=2026-06-01T00:00:00Z");
	cr_expect_eq(number_of(j, "weighings"), 2);
	cr_expect_eq(number_of(j, "overloads"), 1);
	cr_expect_eq(json_array_size(json_object_get(j, "subjects")), 3, "vehicle, driver, source");
	json_decref(j);
	j = json_of(&s, "/api/v1/weighings/overloads?as_of=2027-01-01T00:00:00Z");
	cr_expect_eq(number_of(j, "overloads"), 0, "a year later");
	json_decref(j);
	cr_expect_eq(rows_of(&s, "QUARRY", "weighing.gross", &body), 2, "%s", body);
	free(body);
	cr_assert_eq(server_stop(&s, SIGTERM), 0);
	free(data);
	rig_folder_remove(folder);
}
