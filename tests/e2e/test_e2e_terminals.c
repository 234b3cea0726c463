/* What terminals send over real sockets, and what can be asked back of it. */
#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/core/clock.h"
#include "tests/e2e/rig.h"

TestSuite(terminals, .timeout = 300);

static int64_t whole_second_now(void)
{
	return clock_now_ms() / 1000 * 1000;
}

static char *hex_of(const struct buf *b)
{
	char *text = malloc(2 * b->size + 1);
	hex_encode(text, buf_view(b));
	return text;
}

/* The reports a device has from `from_ms` on, as the server counts them. */
static size_t reports_of(const struct server *s, const char *phone, int64_t from_ms)
{
	struct answer a = HTTP_GET_OF(s, "/api/v1/devices/phone:%s/track?from=%lld&to=%lld&format=ndjson", phone,
				      (long long)from_ms, (long long)(clock_now_ms() + 10 * MS_PER_DAY));
	cr_assert_eq(a.code, 200, "%s", a.body);
	size_t n = text_count(a.body, "\n");
	answer_free(&a);
	return n;
}

static void one_edition(enum jt808_edition edition, const char *phone, const char *plate)
{
	char *folder = rig_folder(), from[32], server[64], device[40];
	struct server s = server_start(folder, (const char *const[]){"--terminals", "open", NULL});
	struct client c = client_dial(&s, edition, phone);
	int64_t start_ms = whole_second_now() - 60000;
	struct buf body = buf_init(1024);
	client_log_in(&c, plate);
	for (unsigned i = 0; i < 5; i++)
		client_report(&c, start_ms + i * 10000, i);
	body_make(start_ms + 20000, 2, &body);
	char *hex = hex_of(&body);

	static const struct {
		const char *format, *mark;
		size_t times;
	} formats[] = {{"json", "\"hash\"", 5},
		       {"ndjson", "\n", 5},
		       {"csv", "\n", 6},
		       {"geojson", "\"Point\"", 5},
		       {"gpx", "<trkpt", 5}};
	for (size_t i = 0; i < sizeof formats / sizeof *formats; i++) {
		struct answer a = HTTP_GET_OF(&s, "/api/v1/devices/phone:%s/track?from=%lld&format=%s", phone,
					      (long long)start_ms, formats[i].format);
		cr_assert_eq(a.code, 200);
		cr_expect_eq(text_count(a.body, formats[i].mark), formats[i].times, "%s: %s", formats[i].format,
			     a.body);
		answer_free(&a);
	}
	struct answer a = HTTP_GET_OF(&s, "/api/v1/devices/phone:%s/track?from=%lld&to=%lld&body=1&format=ndjson",
				      phone, (long long)start_ms, (long long)(start_ms + 60000));
	cr_expect_not_null(strstr(a.body, hex), "the original body comes back bit for bit");
	struct answer p = HTTP_GET_OF(&s, "/api/v1/positions?bbox=118.6,24.8,118.7,24.9");
	cr_expect_eq(text_count(p.body, "118.6702800"), 1, "%s", p.body);
	answer_free(&p);
	p = HTTP_GET_OF(&s, "/api/v1/positions?bbox=10,10,11,11");
	cr_expect_eq(text_count(p.body, "118.67"), 0);
	answer_free(&p);
	p = HTTP_GET_OF(&s, "/api/v1/devices");
	cr_expect_not_null(strstr(p.body, plate));
	answer_free(&p);

	snprintf(from, sizeof from, "%lld", (long long)start_ms);
	char to[32];
	snprintf(to, sizeof to, "%lld", (long long)(start_ms + 60000));
	snprintf(server, sizeof server, "http://127.0.0.1:%d", s.http);
	snprintf(device, sizeof device, "phone:%s", phone);
	struct run live = RIG_ZAYTON("query", "track", "--device", device, "--from", from, "--to", to, "--body",
				     "--server", server);
	cr_expect_eq(live.code, 0, "%s", live.err);
	cr_expect_str_eq(live.out, a.body);
	client_close(&c);
	cr_expect_eq(server_stop(&s, SIGTERM), 0);
	struct run closed = RIG_ZAYTON("query", "track", "--device", device, "--from", from, "--to", to, "--body",
				       "--data", folder);
	cr_expect_eq(closed.code, 0, "%s", closed.err);
	cr_expect_str_eq(closed.out, a.body);
	struct run check = RIG_ZAYTON("check", folder), info = RIG_ZAYTON("info", folder);
	cr_expect_eq(check.code, 0, "%s%s", check.out, check.err);
	cr_expect_not_null(strstr(check.out, "sound"));
	cr_expect_eq(info.code, 0, "%s", info.err);
	run_free(&live);
	run_free(&closed);
	run_free(&check);
	run_free(&info);
	answer_free(&a);
	free(hex);
	buf_deinit(&body);
	rig_folder_remove(folder);
}

Test(terminals, one_of_2011_reports_and_is_asked_back)
{
	one_edition(JT808_2011, "13900000011", "闽C20110");
}

Test(terminals, one_of_2013_reports_and_is_asked_back)
{
	one_edition(JT808_2013, "13900000013", "闽C20130");
}

Test(terminals, one_of_2019_reports_and_is_asked_back)
{
	one_edition(JT808_2019, "13900000019", "闽C20190");
}

Test(terminals, a_frame_cut_at_every_byte_is_the_same_frame)
{
	char *folder = rig_folder();
	struct server s = server_start(folder, (const char *const[]){"--terminals", "open", NULL});
	struct client c = client_dial(&s, JT808_2019, "13900000021");
	int64_t start_ms = whole_second_now() - 3600000;
	struct buf body = buf_init(1024), wire = buf_init(1024);
	size_t cut = 1, sent = 0;
	client_log_in(&c, "闽C00021");
	do {
		buf_clear(&body);
		buf_clear(&wire);
		body_make(start_ms + (int64_t)cut * 1000, (unsigned)cut, &body);
		uint16_t serial = c.serial;
		cr_assert_eq(jt808_message_encode(0x0200, &c.like, buf_view(&body), JT808_BODY_MAX, &c.serial, &wire),
			     STATUS_OK);
		/* an answered message between the two pieces would end the frame: only a read of its own separates them
		 */
		long long reads = metric_of(&s, "zayton_ingest_reads_total");
		client_write(&c, span_of(wire.data, cut));
		while (metric_of(&s, "zayton_ingest_reads_total") == reads)
			;
		client_write(&c, span_of(wire.data + cut, wire.size - cut));
		cr_assert_eq(client_acked(&c, 0x0200, serial), 0, "cut behind byte %zu", cut);
		sent++;
	} while (++cut < wire.size);
	cr_expect_eq(reports_of(&s, c.phone, start_ms), sent);
	cr_expect_eq(metric_of(&s, "zayton_ingest_garbage_bytes_total"), 0);
	buf_deinit(&body);
	buf_deinit(&wire);
	client_close(&c);
	cr_expect_eq(server_stop(&s, SIGTERM), 0);
	rig_folder_remove(folder);
}

Test(terminals, a_bad_frame_costs_that_frame)
{
	static const uint8_t checksum[] = {0x7e, 2, 0, 0, 0, 1, 0x39, 0, 0, 0, 0, 0, 1, 0xee, 0x7e};
	static const uint8_t escape[] = {0x7e, 2, 0, 0x7d, 0x09, 1, 0x39, 0, 0, 0, 0, 0, 1, 0xee, 0x7e};
	static const uint8_t cut[] = {0x7e, 2, 0, 2, 0x7e};
	const struct span bad[] = {{checksum, sizeof checksum}, {escape, sizeof escape}, {cut, sizeof cut}};
	char *folder = rig_folder();
	struct server s = server_start(folder, (const char *const[]){"--terminals", "open", NULL});
	struct client c = client_dial(&s, JT808_2013, "13900000031");
	int64_t start_ms = whole_second_now() - 60000;
	client_log_in(&c, "闽C00031");
	for (unsigned i = 0; i < 3; i++) {
		client_write(&c, bad[i]);
		client_report(&c, start_ms + i * 1000, i);
	}
	uint16_t serial = client_send(&c, 0x0abc, span_of("x", 1));
	cr_expect_eq(client_acked(&c, 0x0abc, serial), 3, "an unknown message is unsupported");
	serial = client_send(&c, 0x0200, span_of("short", 5));
	cr_expect_neq(client_acked(&c, 0x0200, serial), -1, "a refused report is answered");
	client_report(&c, start_ms + 9000, 9);
	cr_expect_eq(reports_of(&s, c.phone, start_ms), 4);
	struct answer m = HTTP_GET_OF(&s, "/metrics"), q = HTTP_GET_OF(&s, "/api/v1/quarantine");
	cr_expect_geq(text_count(m.body, "\nzayton_ingest_frames_bad_total{"), 2, "%s", m.body);
	cr_expect_eq(text_count(m.body, "\nzayton_ingest_reports_refused_total{"), 1);
	cr_expect_eq(q.code, 200);
	cr_expect_not_null(strstr(q.body, "\"0x0200\""), "%s", q.body);
	cr_expect_geq(text_count(q.body, "\"reason\""), 4, "%s", q.body);
	answer_free(&m);
	answer_free(&q);
	client_close(&c);
	cr_expect_eq(server_stop(&s, SIGTERM), 0);
	rig_folder_remove(folder);
}

Test(terminals, order_and_repetition_do_not_matter)
{
	char *folder = rig_folder();
	struct server s = server_start(folder, (const char *const[]){"--terminals", "open", NULL});
	int64_t now_ms = whole_second_now();
	struct client c = client_dial(&s, JT808_2019, "13900000041");
	client_log_in(&c, "闽C00041");
	client_report(&c, now_ms, 7);
	client_report(&c, now_ms, 7);
	client_report(&c, now_ms - MS_PER_DAY, 2);
	client_report(&c, now_ms - 40 * MS_PER_DAY, 1);
	client_report(&c, now_ms + MS_PER_DAY, 900);
	struct client again = client_dial(&s, JT808_2019, "13900000041");
	cr_assert_eq(client_auth(&again, c.code), 0);
	uint8_t content[JT808_FRAME_MAX];
	struct jt808_header h;
	cr_expect_not(client_next(&c, content, &h), "a second login closes the first connection");
	client_report(&again, now_ms, 7);
	cr_expect_eq(reports_of(&s, c.phone, now_ms - 41 * MS_PER_DAY), 4);
	struct answer p = HTTP_GET_OF(&s, "/api/v1/devices/phone:%s/position", c.phone);
	cr_expect_not_null(strstr(p.body, "118.6704900"), "a report of tomorrow does not move the last position: %s",
			   p.body);
	answer_free(&p);
	p = HTTP_GET_OF(&s, "/api/v1/devices/phone:%s/track?from=%lld&to=%lld", c.phone, (long long)now_ms + 1,
			(long long)(now_ms + 2 * MS_PER_DAY));
	cr_expect_eq(text_count(p.body, "\"future\""), 1);
	answer_free(&p);
	client_close(&c);
	client_close(&again);
	cr_expect_eq(server_stop(&s, SIGTERM), 0);
	rig_folder_remove(folder);
}

Test(terminals, a_batch_whose_count_lies_is_stored_by_its_lengths)
{
	char *folder = rig_folder();
	struct server s = server_start(folder, (const char *const[]){"--terminals", "open", NULL});
	struct client c = client_dial(&s, JT808_2013, "13900000051");
	int64_t start_ms = whole_second_now() - 60000;
	struct buf one = buf_init(1024), two = buf_init(1024), batch = buf_init(4096);
	client_log_in(&c, "闽C00051");
	body_make(start_ms, 1, &one);
	body_make(start_ms + 1000, 2, &two);
	cr_assert_eq(jt808_batch_encode(1, (struct span[]){buf_view(&one), buf_view(&two)}, 2, &batch), STATUS_OK);
	store_be16(batch.data, 9);
	uint16_t serial = client_send(&c, 0x0704, buf_view(&batch));
	cr_expect_eq(client_acked(&c, 0x0704, serial), 0);
	cr_expect_eq(reports_of(&s, c.phone, start_ms), 2);
	serial = client_send(&c, 0x0704, span_of(batch.data, batch.size - 3));
	cr_expect_neq(client_acked(&c, 0x0704, serial), -1, "a cut batch is answered");
	cr_expect_eq(reports_of(&s, c.phone, start_ms), 2);
	cr_expect_eq(metric_of(&s, "zayton_ingest_batch_miscounts_total"), 2);
	buf_deinit(&one);
	buf_deinit(&two);
	buf_deinit(&batch);
	client_close(&c);
	cr_expect_eq(server_stop(&s, SIGTERM), 0);
	rig_folder_remove(folder);
}

Test(terminals, a_missing_packet_is_asked_for)
{
	char *folder = rig_folder();
	struct server s = server_start(folder, (const char *const[]){"--terminals", "open", NULL});
	struct client c = client_dial(&s, JT808_2019, "13900000061");
	int64_t start_ms = whole_second_now() - 60000;
	struct buf bodies[3], batch = buf_init(4096);
	struct span views[3], packets[3];
	struct buf wires[3];
	client_log_in(&c, "闽C00061");
	for (unsigned i = 0; i < 3; i++) {
		bodies[i] = buf_init(1024);
		body_make(start_ms + i * 1000, i, &bodies[i]);
		views[i] = buf_view(&bodies[i]);
	}
	cr_assert_eq(jt808_batch_encode(0, views, 3, &batch), STATUS_OK);
	size_t part = (batch.size + 2) / 3;
	uint16_t first = c.serial;
	struct buf all = buf_init(8192);
	cr_assert_eq(jt808_message_encode(0x0704, &c.like, buf_view(&batch), part, &c.serial, &all), STATUS_OK);
	uint8_t scratch[JT808_FRAME_MAX];
	size_t at = 0;
	for (unsigned i = 0; i < 3; i++) {
		struct jt808_frame frame;
		cr_assert_eq(jt808_frame_next(span_of(all.data + at, all.size - at), scratch, &frame), STATUS_OK);
		wires[i] = buf_init(4096);
		cr_assert_eq(buf_append(&wires[i], frame.raw.data, frame.raw.size), STATUS_OK);
		packets[i] = buf_view(&wires[i]);
		at += frame.consumed;
	}
	client_write(&c, packets[2]);
	client_write(&c, packets[0]);
	struct jt808_header h;
	do
		cr_assert(client_next(&c, scratch, &h), "the connection ended before 0x8003");
	while (h.message_id != 0x8003);
	cr_assert_eq(h.body.size, 6);
	cr_expect_eq(load_be16(h.body.data), first);
	cr_expect_eq(load_be16(h.body.data + 4), 2, "the second packet is missing");
	client_write(&c, packets[1]);
	cr_expect_eq(client_acked(&c, 0x0704, (uint16_t)(first + 1)), 0);
	cr_expect_eq(reports_of(&s, c.phone, start_ms), 3);
	for (unsigned i = 0; i < 3; i++) {
		buf_deinit(&bodies[i]);
		buf_deinit(&wires[i]);
	}
	buf_deinit(&batch);
	buf_deinit(&all);
	client_close(&c);
	cr_expect_eq(server_stop(&s, SIGTERM), 0);
	rig_folder_remove(folder);
}

Test(terminals, the_list_admits_whom_it_names)
{
	char *folder = rig_folder();
	struct server s = server_start(folder, NULL);
	struct client c = client_dial(&s, JT808_2013, "13900000071");
	cr_expect_gt(client_register(&c, "闽C00071"), 0, "an unknown terminal is refused");
	struct answer a = http_ask(&s, "PUT", "{\"fields\":{\"plate\":\"黄:闽C00071\",\"state\":\"registered\"}}",
				   "/api/v1/devices/phone:13900000071");
	cr_assert_eq(a.code, 201, "%s", a.body);
	answer_free(&a);
	client_log_in(&c, "闽C00071");
	client_report(&c, whole_second_now(), 1);
	struct client liar = client_dial(&s, JT808_2013, "13900000071");
	cr_expect_eq(client_auth(&liar, "0123456789abcdef"), 1, "a wrong code is refused");
	client_close(&liar);
	client_close(&c);
	cr_expect_eq(server_stop(&s, SIGTERM), 0);
	rig_folder_remove(folder);
}

Test(terminals, over_udp_too)
{
	char *folder = rig_folder();
	struct server s = server_start(folder, (const char *const[]){"--terminals", "open", NULL});
	struct client c = client_dial_udp(&s, JT808_2013, "13900000081");
	int64_t start_ms = whole_second_now() - 60000;
	client_log_in(&c, "闽C00081");
	for (unsigned i = 0; i < 5; i++)
		client_report(&c, start_ms + i * 1000, i);
	cr_expect_eq(reports_of(&s, c.phone, start_ms), 5);
	client_close(&c);
	cr_expect_eq(server_stop(&s, SIGTERM), 0);
	rig_folder_remove(folder);
}

/* Reports are sent ahead of their answers; the server dies while some are on their way. */
static size_t load_and_kill(struct server *s, struct client *c, int64_t start_ms, unsigned *next, unsigned answers,
			    bool *is_acked)
{
	uint8_t content[JT808_FRAME_MAX];
	struct jt808_header h;
	struct jt808_reply r;
	unsigned first = *next;
	uint16_t serial = c->serial;
	size_t acked = 0;
	struct buf body = buf_init(1024);
	for (unsigned i = 0; i < answers + 50; i++, (*next)++) {
		buf_clear(&body);
		body_make(start_ms + *next * INT64_C(1000), *next, &body);
		client_send(c, 0x0200, buf_view(&body));
	}
	bool killed = false;
	/* what was answered before the end may still be in the socket */
	while (client_next(c, content, &h)) {
		if (h.message_id != 0x8001)
			continue;
		cr_assert_eq(jt808_reply_decode(h.body, &r), STATUS_OK);
		cr_assert_eq(r.result, 0);
		is_acked[first + (uint16_t)(r.serial - serial)] = true;
		if (++acked < answers || killed)
			continue;
		killed = true;
		cr_expect_eq(server_stop(s, SIGKILL), 128 + SIGKILL);
	}
	cr_assert(killed);
	buf_deinit(&body);
	return acked;
}

Test(terminals, what_was_acknowledged_survives_a_kill)
{
	char *folder = rig_folder(), code[64] = "";
	int64_t start_ms = whole_second_now() - 3600000;
	size_t acked = 0, stored;
	unsigned next = 0;
	bool is_acked[2000] = {false};
	struct buf body = buf_init(1024);
	for (unsigned round = 0; round < 3; round++) {
		struct server s = server_start(folder, (const char *const[]){"--terminals", "open", NULL});
		struct client c = client_dial(&s, JT808_2019, "13900000091");
		if (round == 0)
			client_log_in(&c, "闽C00091");
		else
			cr_assert_eq(client_auth(&c, code), 0);
		if (round == 0)
			snprintf(code, sizeof code, "%s", c.code);
		acked += load_and_kill(&s, &c, start_ms, &next, 100 + 70 * round, is_acked);
		client_close(&c);
	}
	struct server s = server_start(folder, NULL);
	struct answer a = HTTP_GET_OF(&s, "/api/v1/devices/phone:13900000091/track?from=%lld&format=ndjson&body=1",
				      (long long)start_ms);
	stored = text_count(a.body, "\n");
	cr_expect_geq(stored, acked);
	cr_expect_leq(stored, next);
	for (unsigned n = 0; n < next; n++) {
		buf_clear(&body);
		body_make(start_ms + n * INT64_C(1000), n, &body);
		char *hex = hex_of(&body);
		size_t times = text_count(a.body, hex);
		cr_expect(times == 1 || (times == 0 && !is_acked[n]), "report %u is there %zu times", n, times);
		free(hex);
	}
	buf_deinit(&body);
	answer_free(&a);
	cr_expect_eq(server_stop(&s, SIGTERM), 0);
	struct run check = RIG_ZAYTON("check", folder);
	cr_expect_eq(check.code, 0, "%s", check.out);
	run_free(&check);
	rig_folder_remove(folder);
}

Test(terminals, ending_drains_what_was_sent)
{
	char *folder = rig_folder();
	struct server s = server_start(folder, (const char *const[]){"--terminals", "open", NULL});
	struct client c = client_dial(&s, JT808_2019, "13900000101");
	int64_t start_ms = whole_second_now() - 3600000;
	uint8_t content[JT808_FRAME_MAX];
	struct jt808_header h;
	struct buf body = buf_init(1024);
	size_t acked = 0;
	client_log_in(&c, "闽C00101");
	for (unsigned i = 0; i < 300; i++) {
		buf_clear(&body);
		body_make(start_ms + i * 1000, i, &body);
		client_send(&c, 0x0200, buf_view(&body));
	}
	cr_expect_eq(server_stop(&s, SIGTERM), 0);
	while (client_next(&c, content, &h))
		acked += h.message_id == 0x8001;
	char from[32];
	snprintf(from, sizeof from, "%lld", (long long)start_ms);
	struct run r = RIG_ZAYTON("query", "track", "--device", "phone:13900000101", "--from", from, "--data", folder);
	cr_expect_geq(text_count(r.out, "\n"), acked);
	run_free(&r);
	buf_deinit(&body);
	client_close(&c);
	rig_folder_remove(folder);
}

Test(terminals, private_frames_are_answered_in_private_where_the_setting_says_so)
{
	char *folder = rig_folder();
	struct server s =
		server_start(folder, (const char *const[]){"--terminals", "open", "--private-framing", "yes", NULL});
	struct client c = client_dial(&s, JT808_2013, "13900000061"),
		      usual = client_dial(&s, JT808_2019, "13900000062");
	int64_t start_ms = whole_second_now() - 60000;
	c.like.framing = JT808_FRAMING_PRIVATE;
	client_log_in(&c, "闽C00061");
	client_log_in(&usual, "闽C00062");
	for (unsigned i = 0; i < 20; i++) {
		client_report(&c, start_ms + i * 1000, i);
		client_report(&usual, start_ms + i * 1000, i);
	}
	cr_expect_eq(reports_of(&s, "13900000061", start_ms), 20);
	cr_expect_eq(reports_of(&s, "13900000062", start_ms), 20);
	client_close(&c);
	client_close(&usual);
	cr_expect_eq(server_stop(&s, SIGTERM), 0);
	rig_folder_remove(folder);
}

/* The sessions of a phone as NDJSON, once one of them has ended as `end` says. */
static struct answer sessions_until(const struct server *s, const char *phone, const char *end)
{
	int64_t since_ns = clock_monotonic_ns();
	for (;;) {
		struct answer a = HTTP_GET_OF(s, "/api/v1/devices/phone:%s/sessions?from=0&format=ndjson", phone);
		cr_assert_eq(a.code, 200, "%s", a.body);
		if (strstr(a.body, end))
			return a;
		cr_assert_lt(clock_monotonic_ns() - since_ns, RIG_WAIT_S * INT64_C(1000000000), "never %s: %s", end,
			     a.body);
		answer_free(&a);
	}
}

Test(terminals, sessions_are_on_record_and_a_kill_leaves_one_lost)
{
	char *folder = rig_folder(), code[64];
	struct server s = server_start(folder, (const char *const[]){"--terminals", "open", NULL});
	struct client c = client_dial(&s, JT808_2013, "13900000071");
	client_log_in(&c, "闽C00071");
	snprintf(code, sizeof code, "%s", c.code);
	client_close(&c);
	struct answer a = sessions_until(&s, "13900000071", "\"end\":\"closed\"");
	cr_expect_eq(text_count(a.body, "\n"), 1, "%s", a.body);
	cr_expect_not_null(strstr(a.body, "\"peer\":\"127.0.0.1:"), "%s", a.body);
	answer_free(&a);
	c = client_dial(&s, JT808_2013, "13900000071");
	cr_assert_eq(client_auth(&c, code), 0);
	/* the report is acknowledged behind the entry that tells of the session */
	client_report(&c, whole_second_now(), 1);
	a = sessions_until(&s, "13900000071", "\"end\":\"open\"");
	cr_expect_not_null(strstr(a.body, "\"until\":null"), "%s", a.body);
	answer_free(&a);
	cr_expect_eq(server_stop(&s, SIGKILL), 128 + SIGKILL);
	client_close(&c);
	for (unsigned i = 0; i < 2; i++) { /* it stays what it is */
		struct run r = RIG_ZAYTON("query", "sessions", "--data", folder, "--device", "phone:13900000071",
					  "--from", "2020-01-01", "--format", "csv");
		cr_expect_eq(r.code, 0, "%s", r.err);
		cr_expect_eq(text_count(r.out, ",closed,tcp,"), 1, "%s", r.out);
		cr_expect_eq(text_count(r.out, ",lost,tcp,"), 1, "%s", r.out);
		cr_expect_eq(text_count(r.out, "\n"), 3, "%s", r.out);
		run_free(&r);
	}
	/* a program that is ended tells it itself */
	s = server_start(folder, (const char *const[]){"--terminals", "open", NULL});
	c = client_dial(&s, JT808_2013, "13900000071");
	cr_assert_eq(client_auth(&c, code), 0);
	client_report(&c, whole_second_now(), 2);
	cr_expect_eq(server_stop(&s, SIGTERM), 0);
	client_close(&c);
	struct run r = RIG_ZAYTON("query", "sessions", "--data", folder, "--device", "phone:13900000071", "--from",
				  "2020-01-01");
	cr_expect_eq(text_count(r.out, "\"end\":\"stopped\""), 1, "%s", r.out);
	run_free(&r);
	rig_folder_remove(folder);
}
