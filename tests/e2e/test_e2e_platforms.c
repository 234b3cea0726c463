/* Links with other platforms (JT/T 809): a platform below played by the test, and two real programs one above the
 * other. */
#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/core/clock.h"
#include "tests/e2e/lower.h"

TestSuite(platforms, .timeout = 300);

#define YELLOW "2:闽C12345"
#define BLUE "1:闽C12345"
#define UPPER_LINKS                                                                                                    \
	"[links]\nlisten = 127.0.0.1:%d\nheartbeat = 500 ms\nstatistics_every = 100\n"                                 \
	"[lower bus]\naccess_code = 1001\nuser = 1001\npassword = secret\nvehicles = open\n"                           \
	"addresses = 127.0.0.0/8\n"                                                                                    \
	"[lower strict]\naccess_code = 1002\nuser = 1002\npassword = secret\naddresses = 10.0.0.0/8\n"                 \
	"[lower closed]\naccess_code = 1003\nuser = 1003\npassword = secret\nvehicles = allow\n"

static struct server upper_start(const char *folder, int port)
{
	char text[1024];
	snprintf(text, sizeof text, UPPER_LINKS, port);
	char *links = rig_file(folder, "links", text), *data = rig_path(folder, "data");
	/* syncs a tenth of a second apart: what is not durable when it dies is lost */
	const char *const extra[] = {"--links-file", links, "--gather", "100ms", NULL};
	struct server s = server_start(data, extra);
	free(links);
	free(data);
	return s;
}

static void expect(struct answer a, int code, const char *part)
{
	cr_expect_eq(a.code, code, "%d: %.600s", a.code, a.body);
	if (part)
		cr_expect_not_null(strstr(a.body, part), "no %s in %.600s", part, a.body);
	answer_free(&a);
}

/* The id of the device that has this member, as "vehicle":"2:...". */
static void device_with(const struct server *s, const char *member, char id[17])
{
	struct answer a = HTTP_GET_OF(s, "/api/v1/devices?format=ndjson");
	char *line = a.body;
	*id = '\0';
	for (char *next; line && *line; line = next) {
		next = strchr(line, '\n');
		if (next)
			*next++ = '\0';
		char *at = strstr(line, "\"id\":\"");
		if (strstr(line, member) && at)
			snprintf(id, 17, "%s", at + 6);
	}
	cr_expect(*id, "no device with %s", member);
	answer_free(&a);
}

static size_t track_count(const struct server *s, const char *id)
{
	struct answer a = HTTP_GET_OF(
		s, "/api/v1/devices/%s/track?from=2020-01-01T00:00:00Z&to=2035-01-01T00:00:00Z&limit=10000", id);
	cr_assert_eq(a.code, 200, "%s", a.body);
	size_t n = text_count(a.body, "\"time\":");
	answer_free(&a);
	return n;
}

static long long counter_of(const struct server *s, const char *link, const char *counter)
{
	char name[128];
	snprintf(name, sizeof name, "zayton_link_%s_total{link=\"%s\"}", counter, link);
	return metric_of(s, name);
}

Test(platforms, who_logs_in_is_checked)
{
	char *folder = rig_folder();
	struct server s = upper_start(folder, 0);
	static const struct {
		uint32_t code;
		const char *password;
		int result;
	} cases[] = {{1001, "wrong", 4}, {9999, "secret", 2}, {1002, "secret", 1}, {1001, "secret", 0}};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct lower l = lower_dial(&s, cases[i].code, JT809_2011);
		uint16_t id;
		struct span body;
		cr_expect_eq(lower_log_in(&l, cases[i].password), cases[i].result);
		if (cases[i].result)
			cr_expect_not(lower_next(&l, false, &id, &body), "a refused link stays open");
		else
			lower_settle(&l);
		lower_close(&l);
	}
	struct lower early = lower_dial(&s, 1001, JT809_2011);
	uint16_t id;
	struct span body;
	lower_position(&early, YELLOW, clock_now_ms(), 0, 60, 0);
	cr_expect_not(lower_next(&early, false, &id, &body), "heard before a login");
	lower_close(&early);
	cr_expect_eq(server_stop(&s, SIGTERM), 0);
	rig_folder_remove(folder);
}

Test(platforms, the_same_plate_in_yellow_and_in_blue_is_two_vehicles)
{
	char *folder = rig_folder(), yellow[17], blue[17];
	struct server s = upper_start(folder, 0);
	int64_t now_ms = clock_now_ms() / 1000 * 1000;
	for (unsigned edition = JT809_2011; edition <= JT809_2019; edition++) {
		struct lower l = lower_dial(&s, 1001, (enum jt809_edition)edition);
		cr_assert_eq(lower_log_in(&l, "secret"), 0);
		lower_position(&l, YELLOW, now_ms - 60000 + edition * 1000, 0, 60, 0);
		lower_position(&l, BLUE, now_ms - 60000 + edition * 1000, 0, 60, 0);
		lower_position(&l, BLUE, now_ms - 50000 + edition * 1000, 1, 60, 0);
		lower_settle(&l);
		lower_close(&l);
	}
	device_with(&s, "\"vehicle\":\"" YELLOW "\"", yellow);
	device_with(&s, "\"vehicle\":\"" BLUE "\"", blue);
	cr_expect_str_neq(yellow, blue);
	cr_expect_eq(track_count(&s, yellow), 2);
	cr_expect_eq(track_count(&s, blue), 4);
	cr_expect_eq(server_stop(&s, SIGTERM), 0);
	rig_folder_remove(folder);
}

Test(platforms, a_plate_that_nobody_knows_is_refused_under_the_allow_list)
{
	char *folder = rig_folder(), id[17];
	struct server s = upper_start(folder, 0);
	struct lower l = lower_dial(&s, 1003, JT809_2011);
	int64_t now_ms = clock_now_ms() / 1000 * 1000;
	cr_assert_eq(lower_log_in(&l, "secret"), 0);
	lower_position(&l, YELLOW, now_ms, 0, 60, 0);
	lower_settle(&l);
	cr_expect_eq(counter_of(&s, "closed", "unknown_vehicles"), 1);
	expect(http_ask(&s, "PUT",
			"{\"from\":\"always\",\"fields\":{\"plate\":\"" YELLOW
			"\",\"class\":\"coach\",\"company\":\"甲公司\"}}",
			"/api/v1/devices/phone:13800000001"),
	       201, "coach");
	lower_position(&l, YELLOW, now_ms, 0, 60, 0);
	lower_settle(&l);
	device_with(&s, "\"vehicle\":\"" YELLOW "\"", id);
	cr_expect_eq(track_count(&s, id), 1);
	/* a second source of one vehicle: what is said of the vehicle holds for it */
	struct answer a = HTTP_GET_OF(&s, "/api/v1/positions");
	cr_expect_not_null(strstr(a.body, "\"company\":\"甲公司\""), "%s", a.body);
	cr_expect_not_null(strstr(a.body, "\"class\":\"coach\""), "%s", a.body);
	answer_free(&a);
	lower_close(&l);
	cr_expect_eq(server_stop(&s, SIGTERM), 0);
	rig_folder_remove(folder);
}

Test(platforms, one_frame_with_a_bad_crc_costs_that_frame)
{
	char *folder = rig_folder(), id[17];
	struct server s = upper_start(folder, 0);
	struct lower l = lower_dial(&s, 1001, JT809_2011);
	int64_t now_ms = clock_now_ms() / 1000 * 1000;
	cr_assert_eq(lower_log_in(&l, "secret"), 0);
	lower_position(&l, YELLOW, now_ms - 20000, 0, 60, 0);
	struct buf bad = buf_init(1024);
	const uint8_t body[40] = {1, 2, 3};
	lower_frame(&l, 0x1200, span_of(body, sizeof body), &bad);
	bad.data[bad.size - 10] ^= 1;
	lower_write(&l, buf_view(&bad));
	buf_deinit(&bad);
	lower_position(&l, YELLOW, now_ms - 10000, 1, 60, 0);
	lower_settle(&l);
	device_with(&s, "\"vehicle\":\"" YELLOW "\"", id);
	cr_expect_eq(track_count(&s, id), 2);
	cr_expect_eq(counter_of(&s, "bus", "bad_frames"), 1);
	cr_expect_eq(counter_of(&s, "bus", "positions"), 2);
	lower_close(&l);
	cr_expect_eq(server_stop(&s, SIGTERM), 0);
	rig_folder_remove(folder);
}

Test(platforms, bytes_may_arrive_one_by_one)
{
	char *folder = rig_folder(), id[17];
	struct server s = upper_start(folder, 0);
	struct lower l = lower_dial(&s, 1001, JT809_2011);
	int64_t now_ms = clock_now_ms() / 1000 * 1000;
	cr_assert_eq(lower_log_in(&l, "secret"), 0);
	struct buf wire = buf_init(4096), data = buf_init(256), body = buf_init(512);
	uint8_t vehicle[JT809_VEHICLE];
	struct report r = {.time_ms = now_ms, .lat_e7 = 249000000, .lon_e7 = 1185000000, .status = 3};
	report_row_seal(&r);
	cr_assert_eq(jt809_plate_pack(YELLOW, vehicle), STATUS_OK);
	cr_assert_eq(jt809_position_encode(&r, JT809_2011, &data), STATUS_OK);
	struct jt809_envelope e = {
		.vehicle = span_of(vehicle, sizeof vehicle), .sub_id = 0x1202, .data = buf_view(&data)};
	cr_assert_eq(jt809_envelope_encode(&e, &body), STATUS_OK);
	lower_frame(&l, 0x1200, buf_view(&body), &wire);
	for (size_t i = 0; i < wire.size; i++) {
		lower_write(&l, span_of(wire.data + i, 1));
		usleep(200); /* a segment each */
	}
	lower_settle(&l);
	device_with(&s, "\"vehicle\":\"" YELLOW "\"", id);
	cr_expect_eq(track_count(&s, id), 1);
	buf_deinit(&wire);
	buf_deinit(&data);
	buf_deinit(&body);
	lower_close(&l);
	cr_expect_eq(server_stop(&s, SIGTERM), 0);
	rig_folder_remove(folder);
}

#define SPEED_RULE "[coach-80]\nkind = overspeed\ntitle = 限速 | Limit\nsource = test\nhold = 60 s\nlimit = 80 km/h\n"

/* Ten minutes every 10 s at 60 km/h; the half hour that is missing goes at 100 for ten of its minutes; ten minutes
 * more. */
static void play_gap(struct lower *l, int64_t from_ms)
{
	for (unsigned n = 0; n < 180; n += 5)
		lower_position(l, YELLOW, from_ms + n * 10000, 60 + n, n >= 60 && n < 120 ? 100 : 60, 5);
}

Test(platforms, a_cut_is_filled_by_0x1203_twice_without_a_live_alarm)
{
	char *folder = rig_folder(), id[17];
	struct server s = upper_start(folder, 0);
	int64_t ten_ms = clock_now_ms() / 1000 * 1000 - 50 * 60000; /* 10:00 */
	struct lower l = lower_dial(&s, 1001, JT809_2011);
	expect(http_ask(&s, "PUT", SPEED_RULE, "/api/v1/rules?from=0&rejudge=1"), 200, NULL);
	cr_assert_eq(lower_log_in(&l, "secret"), 0);
	for (unsigned n = 0; n < 60; n++)
		lower_position(&l, YELLOW, ten_ms - 600000 + n * 10000, n, 60, 0);
	lower_settle(&l);
	lower_close(&l); /* 10:00: the link is cut */
	l = lower_dial(&s, 1001, JT809_2011);
	cr_assert_eq(lower_log_in(&l, "secret"), 0); /* 10:30 */
	for (unsigned n = 0; n < 60; n++)
		lower_position(&l, YELLOW, ten_ms + 1800000 + n * 10000, 240 + n, 60, 0);
	play_gap(&l, ten_ms);
	play_gap(&l, ten_ms);
	lower_settle(&l);
	device_with(&s, "\"vehicle\":\"" YELLOW "\"", id);
	cr_expect_eq(track_count(&s, id), 300);
	expect(http_ask(&s, "POST", "", "/api/v1/judge/settle"), 200, NULL);
	struct answer a = HTTP_GET_OF(&s, "/api/v1/violations?rule=coach-80");
	cr_expect_eq(text_count(a.body, "\"rule\":\"coach-80\""), 1, "%s", a.body);
	cr_expect_eq(text_count(a.body, "\"late\":true"), 1, "%s", a.body);
	answer_free(&a);
	cr_expect_eq(counter_of(&s, "bus", "backfilled"), 360);
	expect(HTTP_GET_OF(&s, "/api/v1/links/bus/connectivity"), 200, "\"sessions\":2");
	lower_close(&l);
	cr_expect_eq(server_stop(&s, SIGTERM), 0);
	rig_folder_remove(folder);
}

Test(platforms, what_a_heartbeat_answered_survives_a_kill)
{
	char *folder = rig_folder(), id[17];
	struct server s = upper_start(folder, 0);
	int64_t from_ms = clock_now_ms() / 1000 * 1000 - 7200000;
	struct lower l = lower_dial(&s, 1001, JT809_2019);
	cr_assert_eq(lower_log_in(&l, "secret"), 0);
	for (unsigned n = 0; n < 500; n++)
		lower_position(&l, YELLOW, from_ms + n * 1000, n, 60, 0);
	lower_settle(&l);
	cr_expect_eq(server_stop(&s, SIGKILL), 128 + SIGKILL);
	lower_close(&l);
	s = upper_start(folder, 0);
	device_with(&s, "\"vehicle\":\"" YELLOW "\"", id);
	cr_expect_eq(track_count(&s, id), 500);
	cr_expect_eq(server_stop(&s, SIGTERM), 0);
	rig_folder_remove(folder);
}

static void wait_for(const struct server *s, const char *part, const char *path)
{
	int64_t until_ms = clock_now_ms() + RIG_WAIT_S * 1000;
	for (;;) {
		struct answer a = HTTP_GET_OF(s, "%s", path);
		bool there = strstr(a.body, part) != NULL;
		if (!there)
			cr_assert_lt(clock_now_ms(), until_ms, "no %s in %s", part, a.body);
		answer_free(&a);
		if (there)
			return;
		usleep(20000);
	}
}

Test(platforms, a_duty_check_is_sent_answered_and_kept)
{
	char *folder = rig_folder();
	struct server s = upper_start(folder, 0);
	struct lower l = lower_dial(&s, 1001, JT809_2011);
	static struct jt809_message m;
	uint16_t id = 0;
	struct span body;
	/* asked while the link is down: it leaves with the login */
	expect(http_ask(&s, "POST",
			"{\"kind\":\"duty-check\",\"text\":\"在岗吗\",\"object\":\"350500\",\"within_s\":60}",
			"/api/v1/links/bus/asks"),
	       201, "\"state\":\"queued\"");
	expect(http_ask(&s, "POST", "{\"kind\":\"supervision\",\"plate\":\"" YELLOW "\",\"within_s\":0}",
			"/api/v1/links/bus/asks"),
	       201, NULL);
	expect(http_ask(&s, "POST", "{\"kind\":\"backfill\"}", "/api/v1/links/bus/asks"), 400, NULL);
	cr_assert_eq(lower_log_in(&l, "secret"), 0);
	/* the sub link is not there yet when they leave: over the main link */
	while (id != 0x9300)
		cr_assert(lower_next(&l, false, &id, &body));
	cr_assert_eq(jt809_message_decode(id, body, JT809_2011, &m), STATUS_OK);
	struct jt809_message answer = {.id = 0x1300,
				       .sub_id = 0x1301,
				       .object_type = 1,
				       .info_id = m.info_id,
				       .content = span_of("\xd4\xda\xb8\xda", 4)};
	lower_say(&l, &answer);
	wait_for(&s, "\"answer\":\"在岗\"", "/api/v1/links/bus/asks");
	wait_for(&s, "\"overdue\"", "/api/v1/links/bus/asks?open=1");
	lower_close(&l);
	cr_expect_eq(server_stop(&s, SIGKILL), 128 + SIGKILL);
	s = upper_start(folder, 0);
	expect(HTTP_GET_OF(&s, "/api/v1/links/bus/asks"), 200, "\"answer\":\"在岗\"");
	cr_expect_eq(server_stop(&s, SIGTERM), 0);
	rig_folder_remove(folder);
}

/* --- two programs --- */

static struct server lower_start(const char *folder, int port, const char *edition)
{
	char text[1024];
	snprintf(text, sizeof text,
		 "[links]\nheartbeat = 500 ms\n[upper up]\naddress = 127.0.0.1:%d\nsub_listen = 127.0.0.1:0\n"
		 "sub_address = 127.0.0.1\naccess_code = 1001\nuser = 1001\npassword = secret\nedition = %s\n"
		 "classes = coach\n",
		 port, edition);
	char *links = rig_file(folder, "links", text), *data = rig_path(folder, "data");
	const char *const extra[] = {"--links-file", links, "--auth-required", "no", "--terminals", "open", NULL};
	struct server s = server_start(data, extra);
	free(links);
	free(data);
	return s;
}

static void wait_for_track(const struct server *s, const char *member, size_t count)
{
	int64_t until_ms = clock_now_ms() + RIG_WAIT_S * 1000;
	char id[17];
	wait_for(s, member, "/api/v1/devices?format=ndjson");
	device_with(s, member, id);
	while (track_count(s, id) != count) {
		cr_assert_lt(clock_now_ms(), until_ms, "%zu of %zu", track_count(s, id), count);
		usleep(50000);
	}
}

static void wait_for_counter(const struct server *s, const char *link, const char *counter, long long at_least)
{
	int64_t until_ms = clock_now_ms() + RIG_WAIT_S * 1000;
	while (counter_of(s, link, counter) < at_least) {
		cr_assert_lt(clock_now_ms(), until_ms, "%s of %s stays at %lld", counter, link,
			     counter_of(s, link, counter));
		usleep(20000);
	}
}

static void forward(const char *edition)
{
	char *above = rig_folder(), *below = rig_folder();
	const char *member = "\"vehicle\":\"" YELLOW "\"";
	struct server up = upper_start(above, 0);
	int port = up.jt809;
	struct server low = lower_start(below, port, edition);
	int64_t from_ms = clock_now_ms() / 1000 * 1000 - 3600000;
	expect(http_ask(&low, "PUT", "{\"from\":\"always\",\"fields\":{\"plate\":\"" YELLOW "\",\"class\":\"coach\"}}",
			"/api/v1/devices/phone:13800000001"),
	       201, NULL);
	struct client c = client_dial(&low, JT808_2013, "13800000001");
	unsigned n = 0;
	for (; n < 40; n++)
		client_report(&c, from_ms + n * 1000, n);
	wait_for_track(&up, member, 40);
	/* late: before what was forwarded */
	client_report(&c, from_ms - 600000, 7);
	wait_for_track(&up, member, 41);
	/* the one above dies with what it was sent and never read; that and what comes meanwhile is caught up */
	long long said = counter_of(&low, "up", "caught_up");
	kill(up.pid, SIGSTOP);
	for (; n < 100; n++)
		client_report(&c, from_ms + n * 1000, n);
	wait_for_counter(&low, "up", "caught_up", said + 60);
	cr_expect_eq(server_stop(&up, SIGKILL), 128 + SIGKILL);
	for (; n < 300; n++)
		client_report(&c, from_ms + n * 1000, n);
	up = upper_start(above, port);
	wait_for_track(&up, member, 301);
	/* the one below dies: it goes on where it was confirmed */
	client_close(&c);
	cr_expect_eq(server_stop(&low, SIGKILL), 128 + SIGKILL);
	low = lower_start(below, port, edition);
	c = client_dial(&low, JT808_2013, "13800000001");
	for (; n < 320; n++)
		client_report(&c, from_ms + n * 1000, n);
	wait_for_track(&up, member, 321);
	/* asked from above, answered below */
	expect(http_ask(&up, "POST", "{\"kind\":\"duty-check\",\"text\":\"在岗吗\",\"object\":\"1\"}",
			"/api/v1/links/bus/asks"),
	       201, NULL);
	wait_for(&low, "在岗吗", "/api/v1/links/up/asks?open=1");
	expect(http_ask(&low, "POST", "{\"text\":\"在岗\",\"by\":\"王\"}", "/api/v1/links/up/asks/1/answer"), 204,
	       NULL);
	wait_for(&up, "\"answer\":\"在岗\"", "/api/v1/links/bus/asks");
	client_close(&c);
	cr_expect_eq(server_stop(&low, SIGTERM), 0);
	cr_expect_eq(server_stop(&up, SIGTERM), 0);
	rig_folder_remove(above);
	rig_folder_remove(below);
}

Test(platforms, a_vehicle_is_forwarded_through_cuts_and_restarts_2011)
{
	forward("2011");
}

Test(platforms, a_vehicle_is_forwarded_through_cuts_and_restarts_2019)
{
	forward("2019");
}
