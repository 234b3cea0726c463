/* A session over a real engine that is not started; the engine's side is a list that settles when it is told to. */
#include <criterion/criterion.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

#include "engine/core/clock.h"
#include "ingest/sensors/gb26875.h"
#include "ingest/sensors/hj212.h"
#include "ingest/sensors/sl651.h"
#include "ingest/sites/site_session.h"
#include "sites_world.h"

#define NOW INT64_C(1767225612000) /* 2026-01-01 00:00:12 UTC */
#define ENTRIES 512

static const char *const protocols[] = {"gb26875", "hj212", "sl651"};

struct desk {
	struct world world;
	struct site_session session;
	struct site_stats stats;
	struct ticket tickets[ENTRIES];
	size_t waiting, room;
	unsigned jobs;
	struct buf entries; /* kind, reason and body of each, as text */
	struct buf said;    /* to the other side */
};

static enum status take(void *context, const struct intake *in)
{
	struct desk *d = context;
	if (d->waiting == d->room)
		return STATUS_BUSY;
	cr_assert_eq(buf_printf(&d->entries, "%d %d %zu:", in->kind, in->reason, in->body.size), STATUS_OK);
	cr_assert_eq(buf_append(&d->entries, in->body.data, in->body.size), STATUS_OK);
	if (in->wants_settled)
		d->tickets[d->waiting++] = in->ticket;
	return STATUS_OK;
}

static void hear(void *context, struct span bytes)
{
	struct desk *d = context;
	cr_assert_eq(buf_append(&d->said, bytes.data, bytes.size), STATUS_OK);
}

static void session_open(struct desk *d, unsigned listener)
{
	d->session = (struct site_session){.config = d->world.config,
					   .listener = listener,
					   .stats = &d->stats,
					   .engine = d->world.engine,
					   .context = d,
					   .submit = take,
					   .reply = hear};
	cr_assert_eq(site_session_init(&d->session), STATUS_OK);
}

static struct desk *desk_open(const char *text, unsigned listener)
{
	struct desk *d = calloc(1, sizeof *d);
	world_open(&d->world, text, false);
	d->room = ENTRIES;
	d->entries = buf_init(4u << 20);
	d->said = buf_init(1u << 20);
	session_open(d, listener);
	return d;
}

static void desk_close(struct desk *d)
{
	site_session_deinit(&d->session);
	world_close(&d->world);
	buf_deinit(&d->entries);
	buf_deinit(&d->said);
	free(d);
}

static void settle(struct desk *d, enum status status)
{
	for (size_t i = 0; i < d->waiting; i++)
		site_session_settled(&d->session, &d->tickets[i], status);
	d->waiting = 0;
}

/* As a link does: jobs are run; stops where it waits for the engine. */
static enum site_wait run(struct desk *d)
{
	enum site_wait wait;
	while ((wait = site_session_run(&d->session, NOW)) == SITE_WAIT_JOB) {
		d->jobs++;
		site_session_job_run(&d->session);
		cr_assert(site_session_job_done(&d->session));
	}
	return wait;
}

static enum site_wait feed(struct desk *d, struct span bytes)
{
	cr_assert_eq(site_session_put(&d->session, bytes), STATUS_OK);
	return run(d);
}

static uint64_t counted(const struct desk *d, enum site_counter which)
{
	return d->stats.values[which];
}

static struct span whole(const struct buf *b)
{
	return buf_view(b);
}

/* --- acknowledged is durable --- */

static const struct {
	unsigned listener;
	const char *name;
} data_frames[] = {{0, "system_state"}, {0, "analog_two"}, {1, "realtime_data"}, {2, "river_report"}};

Test(site_session, nothing_is_confirmed_before_it_is_durable)
{
	for (size_t i = 0; i < sizeof data_frames / sizeof *data_frames; i++) {
		struct desk *d = desk_open(SITES_TEXT, data_frames[i].listener);
		struct buf wire = wire_of(protocols[data_frames[i].listener], data_frames[i].name);
		cr_expect_eq(feed(d, whole(&wire)), SITE_WAIT_NONE);
		cr_expect_eq(d->waiting, 1, "%s", data_frames[i].name);
		cr_expect_eq(d->said.size, 0, "said before the sync");
		settle(d, STATUS_OK);
		cr_expect_gt(d->said.size, 0, "%s is confirmed", data_frames[i].name);
		cr_expect_eq(counted(d, SITE_COUNT_ANSWERED), 1);
		buf_deinit(&wire);
		desk_close(d);
	}
}

Test(site_session, what_cannot_be_made_durable_is_never_confirmed)
{
	for (size_t i = 0; i < sizeof data_frames / sizeof *data_frames; i++) {
		struct desk *d = desk_open(SITES_TEXT, data_frames[i].listener);
		struct buf wire = wire_of(protocols[data_frames[i].listener], data_frames[i].name);
		feed(d, whole(&wire));
		settle(d, STATUS_IO);
		cr_expect_eq(d->said.size, 0);
		cr_expect_eq(counted(d, SITE_COUNT_FAILED), 1);
		buf_deinit(&wire);
		desk_close(d);
	}
}

Test(site_session, a_full_engine_holds_the_frame_back)
{
	struct desk *d = desk_open(SITES_TEXT, 0);
	struct buf wire = wire_of("gb26875", "system_state");
	d->room = 0;
	cr_assert_eq(feed(d, whole(&wire)), SITE_WAIT_ROOM);
	cr_assert_eq(run(d), SITE_WAIT_ROOM);
	d->room = ENTRIES;
	cr_assert_eq(run(d), SITE_WAIT_NONE);
	cr_expect_eq(d->waiting, 1);
	cr_expect_eq(counted(d, SITE_COUNT_FRAMES), 1, "one frame, however often it was tried");
	settle(d, STATUS_OK);
	cr_expect_gt(d->said.size, 0);
	buf_deinit(&wire);
	desk_close(d);
}

Test(site_session, no_more_frames_are_under_way_than_may_be)
{
	struct desk *d = desk_open(SITES_TEXT, 0);
	struct buf wire = wire_of("gb26875", "system_state");
	enum site_wait wait = SITE_WAIT_NONE;
	for (int i = 0; i < SITE_PENDING_MAX + 5; i++)
		wait = feed(d, whole(&wire));
	cr_assert_eq(wait, SITE_WAIT_SETTLE);
	cr_expect_eq(d->waiting, SITE_PENDING_MAX);
	settle(d, STATUS_OK);
	cr_assert_eq(run(d), SITE_WAIT_NONE);
	cr_expect_eq(d->waiting, 5);
	settle(d, STATUS_OK);
	cr_expect_eq(counted(d, SITE_COUNT_ANSWERED), SITE_PENDING_MAX + 5);
	cr_expect_eq(counted(d, SITE_COUNT_REPEATED), SITE_PENDING_MAX + 4);
	buf_deinit(&wire);
	desk_close(d);
}

/* --- any split --- */

/* Entries and answers of all goldens of a protocol in one stream, cut after `at` bytes; 0: after every byte. */
static void play(unsigned listener, struct span stream, size_t at, struct desk *d)
{
	session_open(d, listener);
	memset(&d->stats, 0, sizeof d->stats);
	d->stats.quarantine_at_ms = NOW;
	d->stats.quarantine_left = ENTRIES;
	buf_clear(&d->entries);
	buf_clear(&d->said);
	for (size_t from = 0, to = at; from < stream.size; from = to, to = at ? stream.size : to + 1) {
		to = at || to ? to : 1;
		feed(d, span_of(stream.data + from, to - from));
		settle(d, STATUS_OK);
	}
	site_session_deinit(&d->session);
}

Test(site_session, a_stream_of_all_vectors_may_be_split_anywhere)
{
	for (unsigned listener = 0; listener < 3; listener++) {
		struct desk *d = desk_open(SITES_TEXT, listener);
		struct buf stream = buf_init(1u << 20), entries = buf_init(4u << 20), said = buf_init(1u << 20);
		char path[512];
		snprintf(path, sizeof path, TESTS_DIR "/golden/%s", protocols[listener]);
		DIR *folder = opendir(path);
		for (struct dirent *e; (e = readdir(folder));) {
			char *dot = strrchr(e->d_name, '.');
			if (!dot || strcmp(dot, ".hex") != 0)
				continue;
			*dot = '\0';
			struct buf wire = wire_of(protocols[listener], e->d_name);
			cr_assert_eq(buf_append(&stream, wire.data, wire.size), STATUS_OK);
			buf_deinit(&wire);
		}
		closedir(folder);
		site_session_deinit(&d->session);
		play(listener, whole(&stream), stream.size, d);
		cr_assert_eq(buf_append(&entries, d->entries.data, d->entries.size), STATUS_OK);
		cr_assert_eq(buf_append(&said, d->said.data, d->said.size), STATUS_OK);
		cr_assert_gt(entries.size, 0);
		cr_assert_gt(said.size, 0);
		for (size_t at = 0; at < stream.size; at++) {
			play(listener, whole(&stream), at, d);
			cr_assert(span_equal(whole(&d->entries), whole(&entries)), "%s cut at %zu", protocols[listener],
				  at);
			/* what is not waited for is said at once: the order may differ, not what is said */
			cr_assert_eq(d->said.size, said.size, "%s cut at %zu", protocols[listener], at);
		}
		session_open(d, listener);
		buf_deinit(&stream), buf_deinit(&entries), buf_deinit(&said);
		desk_close(d);
	}
}

/* --- who may send --- */

static const char *first_answer(struct desk *d)
{
	static char text[2048];
	snprintf(text, sizeof text, "%.*s", (int)d->said.size, (const char *)d->said.data);
	return text;
}

Test(site_session, who_is_not_listed_is_told_so_and_kept_for_a_look)
{
	struct desk *d = desk_open("fire gb26875 127.0.0.1:0\nwater hj212 127.0.0.1:0\n", 0);
	struct buf wire = wire_of("gb26875", "system_state"), hj = wire_of("hj212", "realtime_data");
	struct marked_frame frame;
	struct gb26875_message m;
	feed(d, whole(&wire));
	cr_assert_eq(gb26875_frame_next(whole(&d->said), &frame), STATUS_OK);
	cr_assert_eq(gb26875_decode(frame.raw, &m), STATUS_OK);
	cr_expect_eq(m.command, GB26875_DENY);
	cr_expect_eq(counted(d, SITE_COUNT_UNKNOWN), 1);
	cr_expect_eq(counted(d, SITE_COUNT_QUARANTINED), 1);
	cr_expect_eq(counted(d, SITE_COUNT_VALUES), 0);
	site_session_deinit(&d->session);
	buf_clear(&d->said);
	session_open(d, 1);
	feed(d, whole(&hj));
	cr_expect_not_null(strstr(first_answer(d), "CN=9011"), "%s", first_answer(d));
	cr_expect_not_null(strstr(first_answer(d), "QnRtn=4"));
	buf_deinit(&wire), buf_deinit(&hj);
	desk_close(d);
}

Test(site_session, a_wrong_password_is_refused)
{
	struct desk *d = desk_open("water hj212 127.0.0.1:0\nrain sl651 127.0.0.1:0 centre=5\n"
				   "device water 010000A8900016F000169DC0 OUTFALL pw=123456\n"
				   "device rain 0011223344 RIVER pw=0000\n",
				   0);
	struct buf hj = wire_of("hj212", "realtime_data"), sl = wire_of("sl651", "river_report");
	struct marked_frame frame;
	struct sl651_message m;
	feed(d, whole(&hj));
	cr_expect_not_null(strstr(first_answer(d), "QnRtn=3"), "%s", first_answer(d));
	site_session_deinit(&d->session);
	buf_clear(&d->said);
	session_open(d, 1);
	feed(d, whole(&sl));
	cr_assert_eq(sl651_frame_next(whole(&d->said), &frame), STATUS_OK);
	cr_assert_eq(sl651_decode(frame.raw, &m), STATUS_OK);
	cr_expect_eq(m.end, SL651_NAK);
	cr_expect_eq(counted(d, SITE_COUNT_DENIED), 2);
	cr_expect_eq(d->waiting, 0);
	buf_deinit(&hj), buf_deinit(&sl);
	desk_close(d);
}

Test(site_session, unknown_ones_may_be_kept_as_not_registered)
{
	struct desk *d = desk_open("fire gb26875 127.0.0.1:0 unknown=keep\n", 0);
	struct buf wire = wire_of("gb26875", "system_state");
	char state[DEVICE_VALUE_MAX + 1];
	feed(d, whole(&wire));
	cr_assert_eq(d->waiting, 1);
	cr_assert_eq(registry_value(engine_registry(d->world.engine), site_id(span_of_string("2712847316")),
				    DEVICE_FIELD_STATE, NOW, state),
		     STATUS_OK);
	cr_expect_str_eq(state, "unregistered");
	settle(d, STATUS_OK);
	cr_expect_gt(d->said.size, 0);
	buf_deinit(&wire);
	desk_close(d);
}

/* --- SL 651 in packets --- */

/* Packet `n` of `total` of one station's report; elements go on across packets. */
static void send_packet(struct desk *d, uint16_t n, uint16_t total, const char *hex)
{
	static const uint8_t station[5] = {0x00, 0x12, 0x34, 0x56, 0x78};
	struct buf body = buf_init(1024), wire = buf_init(2048);
	if (n == 1)
		cr_assert_eq(hex_decode(&body, span_of_string("0009220303171522f1f1001234567848")), STATUS_OK);
	cr_assert_eq(hex_decode(&body, span_of_string(hex)), STATUS_OK);
	struct sl651_message m = {.centre = 1,
				  .function = 0x32,
				  .start = SL651_SYN,
				  .end = n == total ? SL651_ETX : SL651_ETB,
				  .packets = total,
				  .packet = n,
				  .body = whole(&body)};
	memcpy(m.station, station, 5);
	cr_assert_eq(sl651_encode(&m, &wire), STATUS_OK);
	feed(d, whole(&wire));
	buf_deinit(&body), buf_deinit(&wire);
}

static uint8_t end_of_last_answer(struct desk *d)
{
	return d->said.size < 3 ? 0 : d->said.data[d->said.size - 3];
}

Test(site_session, a_message_in_packets_is_one_message)
{
	struct desk *d = desk_open(SITES_TEXT, 2);
	send_packet(d, 1, 3, "f0f02203031700392300");
	send_packet(d, 1, 3, "f0f02203031700392300");
	send_packet(d, 2, 3, "0104");
	cr_expect_eq(d->said.size, 0, "packets in the middle are not answered");
	send_packet(d, 2, 3, "0104");
	cr_expect_eq(d->waiting, 0);
	send_packet(d, 3, 3, "9038121099");
	cr_assert_eq(d->waiting, 1);
	cr_expect_eq(counted(d, SITE_COUNT_VALUES), 2);
	cr_expect_eq(d->said.size, 0);
	settle(d, STATUS_OK);
	cr_expect_eq(end_of_last_answer(d), SL651_ESC);
	desk_close(d);
}

Test(site_session, a_missing_packet_is_asked_for_again)
{
	struct desk *d = desk_open(SITES_TEXT, 2);
	send_packet(d, 1, 3, "f0f02203031700392300");
	send_packet(d, 3, 3, "9038121099");
	cr_expect_eq(end_of_last_answer(d), SL651_NAK);
	cr_expect_eq(d->waiting, 0);
	send_packet(d, 1, 3, "f0f02203031700392300");
	send_packet(d, 2, 3, "0104");
	send_packet(d, 3, 3, "9038121099");
	cr_expect_eq(d->waiting, 1);
	settle(d, STATUS_OK);
	cr_expect_eq(end_of_last_answer(d), SL651_ESC);
	desk_close(d);
}
