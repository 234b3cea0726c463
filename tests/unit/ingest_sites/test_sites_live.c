/* Listeners over real sockets, into a real engine. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <unistd.h>

#include "engine/core/clock.h"
#include "ingest/sensors/gb26875.h"
#include "sites_world.h"

#define GB_CONFIRM_SIZE GB26875_FRAME_EXTRA

static void hear_confirm(int fd, uint16_t serial)
{
	uint8_t answer[GB_CONFIRM_SIZE];
	struct gb26875_message m;
	cr_assert(receive(fd, answer, sizeof answer));
	cr_assert_eq(gb26875_decode(span_of(answer, sizeof answer), &m), STATUS_OK);
	cr_expect_eq(m.command, GB26875_CONFIRM);
	cr_expect_eq(m.serial, serial);
}

/* Everything that comes until there are `frames` line ends, or `size` bytes. */
static void hear_lines(int fd, size_t frames, char *out, size_t room)
{
	size_t n = 0;
	while (frames && n + 1 < room && receive(fd, out + n, 1))
		frames -= out[n++] == '\n';
	out[n] = '\0';
}

Test(sites_live, states_of_a_fire_alarm_are_kept_as_they_were_said)
{
	struct world w;
	uint8_t quality;
	int64_t ms;
	world_open(&w, SITES_TEXT, true);
	struct buf system = wire_of("gb26875", "system_state"), part = wire_of("gb26875", "part_state"),
		   analog = wire_of("gb26875", "analog_two");
	int fd = dial(&w, "fire");
	send_all(fd, buf_view(&system));
	hear_confirm(fd, 7);
	send_all(fd, buf_view(&part));
	hear_confirm(fd, 7);
	send_all(fd, buf_view(&analog));
	hear_confirm(fd, 7);
	cr_expect_str_eq(last_of(&w, "HOSPITAL", "system.1.3", &quality, &ms), "fault+main power fault+reset");
	cr_expect_eq(quality, VALUE_QUALITY_GOOD);
	cr_expect_str_eq(last_of(&w, "HOSPITAL", "part.1.3.17.16909060", &quality, NULL), "fire");
	cr_expect_str_eq(last_of(&w, "HOSPITAL", "part.18.1.18.5.temperature", NULL, NULL), "-12.5");
	char note[DEVICE_VALUE_MAX + 1];
	uint64_t part_id = stream_id(site_id(span_of_string("HOSPITAL")), span_of_string("part.1.3.17.16909060"));
	cr_assert_eq(registry_value(streams_registry(engine_streams(w.engine)), part_id, DEVICE_FIELD_NOTE, 0, note),
		     STATUS_OK);
	cr_expect_str_eq(note, "配电室3号回路");
	close(fd);
	buf_deinit(&system), buf_deinit(&part), buf_deinit(&analog);
	world_close(&w);
}

Test(sites_live, a_state_without_its_normal_bit_is_a_test)
{
	struct world w;
	uint8_t quality;
	world_open(&w, SITES_TEXT "fire2 gb26875 127.0.0.1:0\ndevice fire2 2712847316 WARD test=never\n", true);
	static const uint8_t app[] = {1, 1, 1, 3, 0x02, 0x00, 22, 15, 17, 3, 3, 22};
	struct buf wire = buf_init(256);
	struct gb26875_message m = {.serial = 9, .source = 2712847316, .command = GB26875_SEND, .app = {app, 12}};
	m.time.ms = 1767225612000;
	cr_assert_eq(gb26875_encode(&m, &wire), STATUS_OK);
	int fd = dial(&w, "fire"), fd2 = dial(&w, "fire2");
	send_all(fd, buf_view(&wire));
	hear_confirm(fd, 9);
	send_all(fd2, buf_view(&wire));
	hear_confirm(fd2, 9);
	cr_expect_str_eq(last_of(&w, "HOSPITAL", "system.1.3", &quality, NULL), "fire");
	cr_expect_eq(quality, VALUE_QUALITY_TEST);
	cr_expect_str_eq(last_of(&w, "WARD", "system.1.3", &quality, NULL), "fire");
	cr_expect_eq(quality, VALUE_QUALITY_GOOD, "its bit is not looked at");
	close(fd), close(fd2);
	buf_deinit(&wire);
	world_close(&w);
}

Test(sites_live, the_same_frame_twice_and_over_two_connections_is_one_value)
{
	struct world w;
	world_open(&w, SITES_TEXT, true);
	struct buf wire = wire_of("gb26875", "analog_two");
	int a = dial(&w, "fire"), b = dial(&w, "fire");
	for (int i = 0; i < 3; i++) {
		send_all(a, buf_view(&wire));
		send_all(b, buf_view(&wire));
		hear_confirm(a, 7);
		hear_confirm(b, 7);
	}
	cr_expect_eq(values_of(&w, "HOSPITAL", "part.18.1.18.5.temperature"), 1);
	close(a), close(b);
	buf_deinit(&wire);
	world_close(&w);
}

Test(sites_live, water_quality_is_answered_and_kept_with_its_flags)
{
	struct world w;
	uint8_t quality;
	char answer[1200];
	world_open(&w, SITES_TEXT, true);
	struct buf wire = wire_of("hj212", "realtime_data"), packets = wire_of("hj212", "packets");
	int fd = dial(&w, "water");
	send_all(fd, buf_view(&wire));
	hear_lines(fd, 1, answer, sizeof answer);
	cr_expect_not_null(strstr(answer, "CN=9014"), "%s", answer);
	cr_expect_not_null(strstr(answer, "QN=20160801085857223"));
	send_all(fd, buf_view(&packets));
	hear_lines(fd, 1, answer, sizeof answer);
	cr_expect_str_eq(last_of(&w, "OUTFALL", "cod", &quality, NULL), "35.2");
	cr_expect_eq(quality, VALUE_QUALITY_GOOD);
	cr_expect_str_eq(last_of(&w, "OUTFALL", "w01001", &quality, NULL), "7.31");
	cr_expect_eq(quality, VALUE_QUALITY_OVER_RANGE);
	cr_expect_str_eq(last_of(&w, "OUTFALL", "w21011.hour.avg", &quality, NULL), "0.21");
	cr_expect_eq(quality, VALUE_QUALITY_MAINTENANCE);
	close(fd);
	buf_deinit(&wire), buf_deinit(&packets);
	world_close(&w);
}

Test(sites_live, a_river_report_split_at_every_byte_is_answered_each_time)
{
	struct world w;
	uint8_t answer[25];
	int64_t ms, expected;
	world_open(&w, SITES_TEXT, true);
	struct buf wire = wire_of("sl651", "river_report");
	int fd = dial(&w, "rain");
	for (size_t at = 1; at <= wire.size; at++) {
		send_all(fd, span_of(wire.data, at));
		send_all(fd, span_of(wire.data + at, wire.size - at));
		cr_assert(receive(fd, answer, sizeof answer));
		cr_assert_eq(answer[sizeof answer - 3], 0x1b);
	}
	cr_expect_eq(values_of(&w, "RIVER", "river_level"), 1);
	cr_expect_str_eq(last_of(&w, "RIVER", "river_level", NULL, &ms), "10.49");
	cr_assert_eq(time_parse(span_of_string("2017-07-18T11:00:00+08:00"), 0, &expected), STATUS_OK);
	cr_expect_eq(ms, expected);
	cr_expect_str_eq(last_of(&w, "RIVER", "rain_total", NULL, NULL), "4");
	close(fd);
	buf_deinit(&wire);
	world_close(&w);
}

Test(sites_live, an_hour_comes_as_twelve_values)
{
	struct world w;
	uint8_t answer[25];
	world_open(&w, SITES_TEXT, true);
	struct buf wire = wire_of("sl651", "hour_report");
	int fd = dial(&w, "rain");
	send_all(fd, buf_view(&wire));
	cr_assert(receive(fd, answer, sizeof answer));
	cr_expect_eq(values_of(&w, "BRIDGE", "rain_5min"), 12);
	cr_expect_str_eq(last_of(&w, "BRIDGE", "rain_5min", NULL, NULL), "1.1");
	cr_expect_str_eq(last_of(&w, "BRIDGE", "level_5min", NULL, NULL), "1.11");
	struct buf manual = wire_of("sl651", "manual_text");
	send_all(fd, buf_view(&manual));
	cr_assert(receive(fd, answer, sizeof answer));
	cr_expect_str_eq(last_of(&w, "BRIDGE", "text", NULL, NULL), "OK 12.3");
	buf_deinit(&manual);
	close(fd);
	buf_deinit(&wire);
	world_close(&w);
}

Test(sites_live, who_says_nothing_is_let_go)
{
	struct world w;
	struct buf metrics = buf_init(1u << 20);
	world_open(&w, "fire gb26875 127.0.0.1:0 idle=1s\n", true);
	int fd = dial(&w, "fire");
	send_all(fd, span_of("\x40\x40", 2));
	cr_assert(ended(fd));
	cr_assert_eq(sites_metrics(w.sites, &metrics), STATUS_OK);
	cr_assert_eq(buf_append_u8(&metrics, 0), STATUS_OK);
	cr_expect_not_null(strstr((char *)metrics.data, "zayton_site_idle_total{listener=\"fire\"} 1"));
	buf_deinit(&metrics);
	close(fd);
	world_close(&w);
}
