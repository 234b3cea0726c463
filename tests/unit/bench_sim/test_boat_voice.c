/* test_boat_voice.c -- what boats of scenes say is what ships and beacons say, and comes back as it was meant. */
#include "bench/sim/boat_voice.h"
#include "ingest/marine/ais.h"
#include "ingest/marine/rdss.h"
#include "scene_helpers.h"

static const struct scene_report here = {.time_ms = MIDNIGHT_MS + CLOCK_MS(10, 20, 59),
					 .lat_e6 = 24499999,
					 .lon_e6 = 118750001,
					 .speed_dkmh = 202,
					 .course_deg = 271,
					 .nav_status = 1};

/* The only sentence of `text`, which must be whole. */
static struct sentence sentence_of(const struct buf *text)
{
	struct sentence s;
	cr_assert_eq(memcmp(text->data + text->size - 2, "\r\n", 2), 0);
	cr_assert_eq(sentence_parse(span_of(text->data, text->size - 2), &s), STATUS_OK);
	cr_expect_not(s.tag_refused);
	return s;
}

static void expect_ais(enum scene_voice voice, unsigned type)
{
	struct buf text = buf_init(1024);
	struct ais_packet packet;
	struct ais_part part;
	struct ais_message m;
	int32_t lat_e7, lon_e7;
	uint16_t dkn;
	uint8_t second;
	boat_voice_put(&text, voice, 412990007, &here);
	struct sentence s = sentence_of(&text);
	cr_expect_eq(s.time_ms, here.time_ms);
	cr_assert_eq(ais_part_of(&s, &part), STATUS_OK);
	memset(&packet, 0, sizeof packet);
	cr_assert_eq(ais_unarmour(part.payload, part.fill, &packet), STATUS_OK);
	cr_assert_eq(ais_decode(&packet, &m), STATUS_OK);
	cr_expect_eq(m.type, type);
	cr_expect_eq(m.mmsi, 412990007);
	cr_assert(ais_position(&m, &lat_e7, &lon_e7));
	cr_expect_lt(abs(lat_e7 - 244999990), 10); /* 1/10,000 minute */
	cr_expect_lt(abs(lon_e7 - 1187500010), 10);
	cr_assert(ais_sog_dkn(&m, &dkn));
	cr_expect_eq(dkn, 109);
	cr_assert(ais_second(&m, &second));
	cr_expect_eq(second, 59);
	if (type == 1)
		cr_expect_eq(m.values[AIS_STATUS], 1);
	buf_deinit(&text);
}

Test(boat_voice, class_a_and_class_b_say_where_how_fast_and_when)
{
	expect_ais(VOICE_AIS_B, 18);
	expect_ais(VOICE_AIS_A, 1);
}

Test(boat_voice, a_beacon_says_where_and_the_time_of_day_by_its_card)
{
	struct buf text = buf_init(1024);
	static struct rdss_message m;
	struct rdss_options options = rdss_options_default();
	boat_voice_put(&text, VOICE_BEIDOU, 600007, &here);
	struct sentence s = sentence_of(&text);
	cr_assert_eq(rdss_parse(&s, &options, &m), STATUS_OK);
	cr_expect_eq(m.from, 600007);
	cr_assert(m.has_position);
	cr_expect_lt(abs(m.lat_e7 - 244999990), 10);
	cr_expect_lt(abs(m.lon_e7 - 1187500010), 10);
	cr_expect_eq(m.time_ms, CLOCK_MS(2, 20, 59)); /* UTC */
	buf_deinit(&text);
}
