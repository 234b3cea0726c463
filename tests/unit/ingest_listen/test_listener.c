#include <criterion/criterion.h>

#include "engine/core/log.h"
#include "unit/ingest_listen/world.h"

static enum status try_options(const struct ingest_options *o)
{
	struct ingest *i = NULL;
	log_set_level(LOG_OFF);
	enum status st = ingest_new(o, NULL, &i);
	ingest_free(i);
	return st;
}

Test(listener, a_free_port_is_found_before_any_shard_starts)
{
	struct ingest_options o = world_options();
	struct ingest *i;
	cr_assert_eq(ingest_new(&o, NULL, &i), STATUS_OK);
	cr_assert_gt(ingest_port_tcp(i), 0);
	cr_assert_gt(ingest_port_udp(i), 0);
	ingest_free(i);
	o.udp_port = INGEST_NO_PORT;
	cr_assert_eq(ingest_new(&o, NULL, &i), STATUS_OK);
	cr_assert_eq(ingest_port_udp(i), INGEST_NO_PORT);
	ingest_free(i);
}

Test(listener, a_port_in_use_is_refused)
{
	struct ingest_options o = world_options();
	struct ingest *i;
	cr_assert_eq(ingest_new(&o, NULL, &i), STATUS_OK);
	struct ingest_options second = o;
	second.tcp_port = ingest_port_tcp(i);
	cr_assert_eq(try_options(&second), STATUS_EXISTS);
	second.tcp_port = INGEST_NO_PORT;
	second.udp_port = ingest_port_udp(i);
	cr_assert_eq(try_options(&second), STATUS_EXISTS);
	ingest_free(i);
}

Test(listener, options_that_make_no_sense_are_refused)
{
	struct ingest_options o = world_options();
	o.addresses[0] = "localhost";
	cr_assert_eq(try_options(&o), STATUS_INVALID);
	o = world_options();
	o.addresses[0] = "192.0.2.1"; /* RFC 5737: nobody has it */
	cr_assert_eq(try_options(&o), STATUS_NOT_FOUND);
	o = world_options();
	o.connection_bytes_max = 100;
	cr_assert_eq(try_options(&o), STATUS_INVALID);
	o = world_options();
	o.tcp_port = 65536;
	cr_assert_eq(try_options(&o), STATUS_INVALID);
	o = world_options();
	o.refused_reply = 1;
	cr_assert_eq(try_options(&o), STATUS_INVALID);
}

Test(listener, every_shard_takes_connections_and_datagrams_of_one_port, .timeout = 120)
{
	enum { N = 32 };
	struct world w;
	struct terminal tcp[N], udp[N];
	char phone[16];
	struct ingest_options o = world_options();
	world_init(&w, &o, 3);
	w.settles = true;
	for (unsigned k = 0; k < N; k++) {
		snprintf(phone, sizeof phone, "138000001%02u", k);
		terminal_join(&tcp[k], &w, phone, false);
		terminal_say(&tcp[k], 0x0200, location(k));
		snprintf(phone, sizeof phone, "138000002%02u", k);
		world_device(&w, phone, NULL, "c0de");
		terminal_open(&udp[k], &w, phone, false, true);
		terminal_log_in(&udp[k], "c0de");
		terminal_say(&udp[k], 0x0200, location(k));
	}
	WORLD_UNTIL(&w, w.count == 2 * N);
	unsigned of_shard[3] = {0};
	for (unsigned k = 0; k < w.count; k++)
		of_shard[w.entries[k].shard]++;
	for (unsigned s = 0; s < 3; s++)
		cr_assert_gt(of_shard[s], 0, "shard %u got nothing", s);
	for (unsigned k = 0; k < N; k++) {
		terminal_close(&tcp[k]);
		terminal_close(&udp[k]);
	}
	world_deinit(&w);
}

Test(listener, what_is_counted_is_written_as_metrics, .timeout = 60)
{
	struct world w;
	struct terminal t;
	struct buf text = buf_init(1 << 20);
	struct ingest_options o = world_options();
	world_init(&w, &o, 1);
	terminal_join(&t, &w, "13800000001", false);
	terminal_send(&t, span_of_string("\x7eno frame\x7e"));
	terminal_hears_nothing(&t);
	cr_assert_eq(ingest_stats_write(w.ingest, &text), STATUS_OK);
	cr_assert_eq(buf_append_u8(&text, 0), STATUS_OK);
	const char *lines[] = {"zayton_ingest_connections 1\n", "zayton_ingest_sessions 1\n",
			       "zayton_ingest_heartbeats_total 1\n",
			       "zayton_ingest_frames_bad_total{reason=\"bad_length\"} 1\n",
			       "# TYPE zayton_ingest_frames_total counter\n"};
	for (unsigned k = 0; k < sizeof lines / sizeof *lines; k++)
		cr_assert_not_null(strcasestr((char *)text.data, lines[k]), "missing: %s in %s", lines[k],
				   (char *)text.data);
	buf_deinit(&text);
	terminal_close(&t);
	world_deinit(&w);
}
