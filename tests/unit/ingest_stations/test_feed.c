/* A feed over a real registry; the engine's side is a list that may have no room. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#include "engine/core/limits.h"
#include "ingest/stations/feed.h"

#define NOW INT64_C(1767225612000) /* 2026-01-01 00:00:12 UTC */
#define ITEMS 4096

struct taken {
	struct intake in;
	struct report report;
	struct buf body;
};
struct world {
	char dir[64];
	struct engine *engine;
	struct fold *fold;
	struct station_config config;
	struct station_stats stats[2];
	struct taken list[ITEMS];
	size_t count, room;
	unsigned jobs;
};
static struct world *w;

static enum status take(void *context, const struct intake *in)
{
	(void)context;
	if (w->count == w->room)
		return STATUS_BUSY;
	struct taken *t = &w->list[w->count++];
	t->in = *in;
	t->body = buf_init(1u << 16);
	cr_assert_eq(buf_append(&t->body, in->body.data, in->body.size), STATUS_OK);
	if (in->kind == INTAKE_REPORT)
		cr_assert_eq(report_from_row(buf_view(&t->body), &t->report), STATUS_OK);
	return STATUS_OK;
}

static void setup(void)
{
	w = calloc(1, sizeof *w);
	snprintf(w->dir, sizeof w->dir, "/tmp/zayton-feed-XXXXXX");
	cr_assert_not_null(mkdtemp(w->dir));
	struct engine_options o = engine_options_default(w->dir);
	o.create = true;
	o.shards = 1;
	cr_assert_eq(engine_open(&o, &w->engine), STATUS_OK);
	cr_assert_eq(fold_new(&w->fold), STATUS_OK);
	w->config = (struct station_config){.name = "mast", .codec = -1, .rdss = rdss_options_default()};
	w->room = ITEMS;
}

static void teardown(void)
{
	char command[128];
	for (size_t i = 0; i < w->count; i++)
		buf_deinit(&w->list[i].body);
	engine_close(w->engine);
	fold_free(w->fold);
	snprintf(command, sizeof command, "rm -rf %s", w->dir);
	cr_assert_eq(system(command), 0);
	free(w);
}
TestSuite(feed, .init = setup, .fini = teardown);

static void feed_open(struct feed *f, unsigned station)
{
	*f = (struct feed){.config = &w->config,
			   .station = station,
			   .stats = &w->stats[station],
			   .registry = engine_registry(w->engine),
			   .fold = w->fold,
			   .submit = take};
	cr_assert_eq(feed_init(f), STATUS_OK);
}

/* As a link does: jobs are run, until the feed is idle or has no room. */
static enum feed_wait go_on(struct feed *f, enum feed_wait wait, int64_t now_ms)
{
	while (wait == FEED_JOB) {
		w->jobs++;
		feed_job_run(f);
		feed_job_done(f);
		wait = feed_run(f, now_ms);
	}
	return wait;
}

static enum feed_wait put(struct feed *f, const char *bytes, size_t size, int64_t now_ms)
{
	cr_assert_eq(feed_put(f, span_of(bytes, size), 0), STATUS_OK);
	return go_on(f, feed_run(f, now_ms), now_ms);
}

static enum feed_wait put_text(struct feed *f, const char *text, int64_t now_ms)
{
	return put(f, text, strlen(text), now_ms);
}

static uint64_t count(unsigned station, enum station_counter which)
{
	return atomic_load(&w->stats[station].values[which]);
}

/* A class A report of the second `second`, as sentences. */
static struct buf position(uint32_t mmsi, unsigned repeat, int32_t second)
{
	struct ais_message m = {.type = 1, .repeat = (uint8_t)repeat, .mmsi = mmsi};
	struct ais_packet p;
	struct buf text = buf_init(512);
	ais_set(&m, AIS_LAT, 14880000);
	ais_set(&m, AIS_LON, 71160000);
	ais_set(&m, AIS_SOG, 51);
	ais_set(&m, AIS_COG, 2713);
	ais_set(&m, AIS_SECOND, second);
	cr_assert_eq(ais_encode(&m, &p), STATUS_OK);
	cr_assert_eq(ais_write(&p, "AI", 0, &text), STATUS_OK);
	return text;
}

Test(feed, a_sender_is_made_and_its_report_given)
{
	struct feed f;
	char value[DEVICE_VALUE_MAX + 1];
	uint64_t device;
	struct buf text = position(412345678, 0, 10);
	feed_open(&f, 0);
	cr_assert_eq(put(&f, (char *)text.data, text.size, NOW), FEED_IDLE);
	cr_assert_eq(w->count, 1);
	cr_assert_eq(w->list[0].report.time_ms, NOW - 2000, "the second it said");
	cr_assert_eq(w->list[0].report.lat_e7, 248000000);
	cr_assert_eq(registry_find(f.registry, DEVICE_FIELD_MMSI, span_of_string("412345678"), NOW, &device),
		     STATUS_OK);
	cr_assert_eq(device, w->list[0].in.device);
	cr_assert_eq(registry_value(f.registry, device, DEVICE_FIELD_STATE, NOW, value), STATUS_OK);
	cr_assert_str_eq(value, "unregistered");
	buf_deinit(&text);
	feed_deinit(&f);
}

Test(feed, what_two_stations_and_a_repeater_bring_is_one)
{
	struct feed a, b;
	struct buf direct = position(412345678, 0, 10), repeated = position(412345678, 2, 10);
	feed_open(&a, 0);
	feed_open(&b, 1);
	cr_assert_eq(put(&a, (char *)direct.data, direct.size, NOW), FEED_IDLE);
	cr_assert_eq(put(&b, (char *)direct.data, direct.size, NOW + 700), FEED_IDLE);
	cr_assert_eq(put(&b, (char *)repeated.data, repeated.size, NOW + 1500), FEED_IDLE);
	cr_assert_eq(w->count, 1);
	cr_assert_eq(count(0, STATION_COUNT_FOLDED), 0);
	cr_assert_eq(count(1, STATION_COUNT_FOLDED), 2);
	cr_assert_eq(count(1, STATION_COUNT_SHARED), 1);
	/* after the window, as after a restart: time and bits make it the same report */
	cr_assert_eq(put(&b, (char *)repeated.data, repeated.size, NOW + FOLD_WINDOW_MS - 1000), FEED_IDLE);
	cr_assert_eq(fold_new(&b.fold), STATUS_OK);
	cr_assert_eq(put(&b, (char *)repeated.data, repeated.size, NOW + 3000), FEED_IDLE);
	cr_assert_eq(w->count, 2);
	cr_assert_eq(w->list[0].report.hash, w->list[1].report.hash);
	cr_assert_eq(w->list[0].report.time_ms, w->list[1].report.time_ms);
	fold_free(b.fold);
	buf_deinit(&direct);
	buf_deinit(&repeated);
	feed_deinit(&a);
	feed_deinit(&b);
}

Test(feed, without_room_nothing_is_lost_and_nothing_twice_wherever_the_stream_is_cut)
{
	struct feed f;
	struct buf stream = buf_init(1u << 16);
	for (unsigned i = 0; i < 20; i++) {
		struct buf text = position(412345000 + i % 3, 0, (int32_t)i);
		cr_assert_eq(buf_append(&stream, text.data, text.size), STATUS_OK);
		buf_deinit(&text);
	}
	feed_open(&f, 0);
	w->room = 0;
	size_t cut = 7, at = 0;
	enum feed_wait wait = FEED_IDLE;
	while (at < stream.size || wait == FEED_ROOM) {
		if (wait == FEED_ROOM) {
			w->room++;
			wait = go_on(&f, feed_run(&f, NOW), NOW);
			continue;
		}
		size_t n = stream.size - at < cut ? stream.size - at : cut;
		wait = put(&f, (char *)stream.data + at, n, NOW);
		at += n;
		cut = cut % 31 + 1;
	}
	cr_assert_eq(w->count, 20);
	for (unsigned i = 0; i < 20; i++)
		cr_assert_eq(w->list[i].report.time_ms / 1000 % 60, i);
	cr_assert_gt(count(0, STATION_COUNT_PAUSES), 10);
	buf_deinit(&stream);
	feed_deinit(&f);
}

Test(feed, static_data_is_a_message_and_stands_in_the_registry)
{
	struct feed f;
	char value[DEVICE_VALUE_MAX + 1];
	static const char text[] = "!AIVDM,2,1,7,A,53aGulD0000000c7?0918Tq<E>0<Q8U=@Tp400155P:22uG`002ShTj0,0*05\r\n"
				   "!AIVDM,2,2,7,A,EQC`4Sm51A0C@08,2*50\r\n";
	feed_open(&f, 0);
	cr_assert_eq(put_text(&f, text, NOW), FEED_IDLE);
	cr_assert_eq(put_text(&f, text, NOW + 360000), FEED_IDLE);
	cr_assert_eq(w->count, 1, "the same six minutes later is folded");
	cr_assert_eq(w->jobs, 2, "one that makes the ship, one that notes what it says");
	cr_assert_eq(put_text(&f, text, NOW + 2 * FOLD_STATIC_MS), FEED_IDLE);
	cr_assert_eq(w->count, 2);
	cr_assert_eq(w->jobs, 2, "what stands there is not written again");
	cr_assert_eq(w->list[0].in.kind, INTAKE_MESSAGE);
	cr_assert_eq(w->list[0].in.message_id, MARINE_MESSAGE_AIS | 5);
	uint64_t device = w->list[0].in.device;
	cr_assert_eq(registry_value(f.registry, device, DEVICE_FIELD_SAID_NAME, NOW, value), STATUS_OK);
	cr_assert_str_eq(value, "PRINSES CHRISTINA");
	cr_assert_eq(registry_value(f.registry, device, DEVICE_FIELD_SAID_SIZE, NOW, value), STATUS_OK);
	cr_assert_str_eq(value, "44,10,2,2");
	cr_assert_eq(registry_class(f.registry, device, NOW), DEVICE_CLASS_VESSEL);
	feed_deinit(&f);
}

Test(feed, senders_are_told_apart_by_number_and_message)
{
	static const struct {
		uint32_t mmsi;
		uint8_t type, class_code;
		const char *name;
	} cases[] = {
		{994123456, 21, DEVICE_CLASS_AID, "BUOY 1"},        {4121234, 4, DEVICE_CLASS_BASE, NULL},
		{111412123, 9, DEVICE_CLASS_SAR_AIRCRAFT, NULL},    {972123456, 1, DEVICE_CLASS_DISTRESS, NULL},
		{412999001, 19, DEVICE_CLASS_GEAR, "NET 7-83%"},    {979123456, 18, DEVICE_CLASS_GEAR, NULL},
		{412999002, 18, DEVICE_CLASS_OTHER, NULL},          {412999003, 19, DEVICE_CLASS_GEAR, "MINLIANYU 12V"},
		{412999004, 19, DEVICE_CLASS_OTHER, "BLUE PLANET"},
	};
	struct feed f;
	feed_open(&f, 0);
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct ais_message m = {.type = cases[i].type, .mmsi = cases[i].mmsi};
		struct ais_packet p;
		struct buf text = buf_init(1024);
		ais_set(&m, AIS_LAT, 14880000);
		ais_set(&m, AIS_LON, 71160000);
		ais_set(&m, AIS_SECOND, 10);
		if (cases[i].name) {
			ais_set(&m, AIS_NAME, 0);
			snprintf(m.name, sizeof m.name, "%s", cases[i].name);
		}
		cr_assert_eq(ais_encode(&m, &p), STATUS_OK);
		cr_assert_eq(ais_write(&p, "AI", (unsigned)i, &text), STATUS_OK);
		cr_assert_eq(put(&f, (char *)text.data, text.size, NOW), FEED_IDLE);
		cr_assert_eq(registry_class(f.registry, w->list[w->count - 1].in.device, NOW), cases[i].class_code,
			     "case %zu", i);
		buf_deinit(&text);
	}
	feed_deinit(&f);
}

Test(feed, an_allow_list_passes_strangers_over)
{
	struct feed f;
	struct buf text = position(412345678, 0, 10);
	w->config.allow_only = true;
	feed_open(&f, 0);
	cr_assert_eq(put(&f, (char *)text.data, text.size, NOW), FEED_IDLE);
	cr_assert_eq(w->count, 0);
	cr_assert_eq(count(0, STATION_COUNT_UNKNOWN), 1);
	cr_assert_eq(registry_count(f.registry), 0);
	buf_deinit(&text);
	feed_deinit(&f);
}

Test(feed, refused_lines_are_counted_and_some_kept)
{
	struct feed f;
	char line[1200];
	feed_open(&f, 0);
	for (unsigned i = 0; i < FEED_QUARANTINE_PER_MINUTE + 10; i++)
		cr_assert_eq(put_text(&f, "!AIVDM,1,1,,A,nonsense,0*00\r\n", NOW), FEED_IDLE);
	cr_assert_eq(count(0, STATION_COUNT_REFUSED), FEED_QUARANTINE_PER_MINUTE + 10);
	cr_assert_eq(w->count, FEED_QUARANTINE_PER_MINUTE);
	cr_assert_eq(w->list[0].in.kind, INTAKE_QUARANTINE);
	memset(line, 'x', sizeof line);
	cr_assert_eq(put(&f, line, sizeof line, NOW + 60000), FEED_IDLE);
	cr_assert_eq(put_text(&f, "still the same line\n", NOW + 60000), FEED_IDLE);
	cr_assert_eq(count(0, STATION_COUNT_REFUSED), FEED_QUARANTINE_PER_MINUTE + 11);
	cr_assert_eq(w->list[w->count - 1].in.reason, STATUS_TOO_LONG);
	struct buf text = position(412345678, 0, 10);
	cr_assert_eq(put(&f, (char *)text.data, text.size, NOW), FEED_IDLE);
	cr_assert_eq(w->list[w->count - 1].in.kind, INTAKE_REPORT, "one bad line costs that line");
	buf_deinit(&text);
	feed_deinit(&f);
}

static void beidou(struct feed *f, const char *body)
{
	struct buf line = buf_init(512);
	cr_assert_eq(sentence_write('$', span_of_string(body), &line), STATUS_OK);
	cr_assert_eq(put(f, (char *)line.data, line.size, NOW), FEED_IDLE);
	buf_deinit(&line);
}

Test(feed, beidou_positions_payloads_and_texts)
{
	struct feed f;
	struct rdss_codec codec;
	struct span wrong;
	struct buf back = buf_init(1024);
	cr_assert_eq(rdss_codec_parse(span_of_string("acme big lat=0:4:e6 lon=4:4:e6 deltas=8:1:12"), &codec, &wrong),
		     STATUS_OK);
	feed_open(&f, 0);
	f.codec = &codec;
	beidou(&f, "BDDWR,1,0204567,235950.00,2448.0000,N,11836.0000,E,12,M,8,M,1,V,0,L");
	cr_assert_eq(w->list[0].report.time_ms, NOW - 22000, "the time of day nearest to the receipt");
	cr_assert_eq(w->list[0].report.lat_e7, 248000000);
	cr_assert_eq(marine_original(&w->list[0].report, &back), STATUS_OK);
	cr_assert_eq(memcmp(back.data, "$BDDWR,1,0204567,235950.00,", 27), 0);
	beidou(&f, "BDTXR,1,0204567,1,0000,017A6B000711B14003FE");
	cr_assert_eq(w->count, 3);
	cr_assert_eq(w->list[2].report.time_ms, NOW - 12000 - 12000, "a delta is twelve seconds before");
	cr_assert_eq(w->list[2].report.lat_e7 - w->list[1].report.lat_e7, 30);
	beidou(&f, "BDTXR,1,0204567,2,0000,A4B2E2CAD4");
	cr_assert_eq(w->count, 4);
	cr_assert_eq(w->list[3].in.kind, INTAKE_MESSAGE);
	cr_assert_eq(w->list[3].in.device, w->list[0].in.device);
	beidou(&f, "BDFKI,000000,TXA,Y,0,0000");
	cr_assert_eq(w->count, 4);
	buf_deinit(&back);
	feed_deinit(&f);
}

Test(feed, nmea_is_a_boats_only_when_the_station_says_whose)
{
	struct feed f;
	static const char epoch[] = "GNRMC,000010.00,A,2448.0000,N,11836.0000,E,5.1,271.3,010126,,,A";
	feed_open(&f, 0);
	beidou(&f, epoch);
	cr_assert_eq(go_on(&f, feed_tick(&f, NOW + 5000), NOW), FEED_IDLE);
	cr_assert_eq(w->count, 0);
	feed_deinit(&f);
	snprintf(w->config.own, sizeof w->config.own, "boat7");
	feed_open(&f, 0);
	beidou(&f, epoch);
	cr_assert_eq(go_on(&f, feed_tick(&f, NOW + 500), NOW), FEED_IDLE);
	cr_assert_eq(w->count, 0, "more of the epoch may come");
	cr_assert_eq(go_on(&f, feed_tick(&f, NOW + 1000), NOW), FEED_IDLE);
	cr_assert_eq(w->count, 1);
	cr_assert_eq(w->list[0].report.speed_dkmh, 94);
	cr_assert_eq(w->list[0].in.device, device_id(DEVICE_KIND_NMEA, span_of_string("boat7")));
	feed_deinit(&f);
}
