#include <criterion/criterion.h>

#include "ingest/marine/rdss.h"

static enum status parse_with(const char *body, const struct rdss_options *o, struct rdss_message *m)
{
	static uint8_t line[4096];
	struct buf b = {line, 0, sizeof line, sizeof line};
	static struct sentence s;
	cr_assert_eq(sentence_write('$', span_of_string(body), &b), STATUS_OK);
	cr_assert_eq(sentence_parse(span_of(b.data, b.size - 2), &s), STATUS_OK);
	return rdss_parse(&s, o, m);
}

static enum status parse(const char *body, struct rdss_message *m)
{
	struct rdss_options o = rdss_options_default();
	return parse_with(body, &o, m);
}

Test(rdss, messages_by_mode)
{
	struct rdss_message m;
	cr_assert_eq(parse("BDTXR,1,0123456,2,1530,A4B2E2CAD4", &m), STATUS_OK);
	cr_assert_eq(m.from, 123456);
	cr_assert_eq(m.time_ms, (15 * 60 + 30) * 60000);
	cr_assert(m.time_is_minute && m.is_text);
	cr_assert(span_equal(span_of(m.payload, m.payload_size), span_of("\xb2\xe2\xca\xd4", 4)));
	cr_assert_eq(parse("BDTXR,1,0123456,1,,017a9", &m), STATUS_OK);
	cr_assert_eq(m.time_ms, RDSS_TIME_UNKNOWN);
	cr_assert(!m.is_text && m.payload_size == 3 && m.payload[2] == 0x90, "an odd nibble is a high one");
	cr_assert_eq(parse("BDTXR,2,1234567,0,0001,\xb2\xe2,with a comma", &m), STATUS_OK);
	cr_assert(m.is_text && m.payload_size == 15);
	cr_assert_eq(parse("BDTXR,1,0123456,1,1530,0G", &m), STATUS_MALFORMED);
	cr_assert_eq(parse("BDTXR,1,0123456,3,1530,00", &m), STATUS_OUT_OF_RANGE);
	cr_assert_eq(parse("BDTXR,1,12345,1,1530,00", &m), STATUS_OUT_OF_RANGE);
	cr_assert_eq(parse("BDTXR,1,123456789,1,1530,00", &m), STATUS_OUT_OF_RANGE);
	cr_assert_eq(parse("BDTXR,1,0123456,1,2460,00", &m), STATUS_BAD_TIME);
	cr_assert_eq(parse("BDTXR,1,0123456,1", &m), STATUS_BAD_LENGTH);
	cr_assert_eq(parse("GPTXR,1,0123456,1,,00", &m), STATUS_UNSUPPORTED);
}

Test(rdss, fixes_with_and_without_a_point)
{
	struct rdss_message m;
	cr_assert_eq(parse("BDDWR,1,0123456,153012.25,2448.5000,N,11840.2000,E,12,M,8,M,1,V,0,L", &m), STATUS_OK);
	cr_assert(m.has_position);
	cr_assert_eq(m.lat_e7, 248083333);
	cr_assert_eq(m.lon_e7, 1186700000);
	cr_assert_eq(m.altitude_dm, 120);
	cr_assert_eq(m.time_ms, ((15 * 60 + 30) * 60 + 12) * 1000 + 250);
	cr_assert_eq(parse("BDDWR,1,0123456,153012.25,244850000,N,1184020000,E,12,M,8,M,1,V,0,L", &m), STATUS_OK);
	cr_assert_eq(m.lat_e7, 248083333);
	cr_assert_eq(m.lon_e7, 1186700000);
	cr_assert_eq(parse("BDDWR,1,0123456,153012,,,,,,,,,,,,", &m), STATUS_OK);
	cr_assert_not(m.has_position);
	cr_assert_eq(parse("BDDWR,1,0123456,153012,9148.5,N,11840.2,E,,,,,,,,", &m), STATUS_OUT_OF_RANGE);
	cr_assert_eq(parse("BDDWR,1,0123456,153012,2448.5,X,11840.2,E,,,,,,,,", &m), STATUS_OUT_OF_RANGE);
	cr_assert_eq(parse("CCWAA,1,600,0123456,153012,2448.5,S,11840.2,W,5,M", &m), STATUS_OK);
	cr_assert_eq(m.from, 123456);
	cr_assert_eq(m.lat_e7, -248083333);
}

Test(rdss, what_protocol_descriptions_differ_in_is_an_option)
{
	struct rdss_options o = {.time_is_local = true, .waa_from = false};
	struct rdss_message m;
	cr_assert_eq(parse_with("CCWAA,1,600,0123456,073012,2448.5,N,11840.2,E,5,M", &o, &m), STATUS_OK);
	cr_assert_eq(m.from, 0);
	cr_assert_eq(m.to, 123456);
	cr_assert_eq(m.time_ms, ((23 * 60 + 30) * 60 + 12) * 1000, "half past seven in China is half past 23 before");
}

Test(rdss, bds3_messages)
{
	struct rdss_message m;
	cr_assert_eq(parse("BDTCI,04207733,4207734,1,020304,2,0,25000000", &m), STATUS_OK);
	cr_assert_eq(m.from, 4207733);
	cr_assert_eq(m.to, 4207734);
	cr_assert_eq(m.payload_size, 4);
	cr_assert_eq(parse("BDTCI,04207733,4207734,1,020304,9,0,25000000", &m), STATUS_OUT_OF_RANGE);
}

static struct rdss_codec codec_of(const char *text)
{
	struct rdss_codec c;
	struct span wrong;
	cr_assert_eq(rdss_codec_parse(span_of_string(text), &c, &wrong), STATUS_OK, "%s", text);
	return c;
}

Test(rdss_codec, a_payload_read_by_its_line)
{
	struct rdss_codec c = codec_of("acme big magic=0:25 lat=1:4:e6 lon=5:4:e6 speed=9:2:dkn course=11:2:ddeg "
				       "deltas=13:1:12");
	/* 24.800000, 118.600000, 5.1 kn, 271.3 degrees, then 3 and -2, -1 and 0 millionths before */
	static const uint8_t payload[] = {0x25, 0x01, 0x7a, 0x6b, 0x00, 0x07, 0x11, 0xb1, 0x40,
					  0,    0x33, 0x0a, 0x99, 3,    0xfe, 0xff, 0,    7};
	struct rdss_point p[RDSS_POINTS_MAX];
	size_t n;
	cr_assert_eq(rdss_codec_decode(&c, span_of(payload, sizeof payload), p, &n), STATUS_OK);
	cr_assert_eq(n, 3);
	cr_assert_eq(p[0].lat_e7, 248000000);
	cr_assert_eq(p[0].lon_e7, 1186000000);
	cr_assert_eq(p[0].speed_dkn, 51);
	cr_assert_eq(p[0].course_deg, 271);
	cr_assert_eq(p[1].lat_e7 - p[0].lat_e7, 30);
	cr_assert_eq(p[1].lon_e7 - p[0].lon_e7, -20);
	cr_assert_eq(p[2].ago_s, 24);
	cr_assert_eq(p[2].speed_dkn, RDSS_POINT_NONE);
	cr_assert_eq(rdss_codec_decode(&c, span_of(payload, 12), p, &n), STATUS_BAD_LENGTH);
	cr_assert_eq(rdss_codec_decode(&c, span_of(payload + 1, sizeof payload - 1), p, &n), STATUS_NOT_FOUND);
}

Test(rdss_codec, units_order_and_not_available)
{
	struct rdss_codec c = codec_of("x little lat=0:4:m4 lon=4:4:m4 speed=8:1:kmh time=9:4:unix");
	uint8_t payload[13];
	struct rdss_point p[RDSS_POINTS_MAX];
	size_t n;
	store_le32(payload, (uint32_t)-14880000);
	store_le32(payload + 4, 71160000);
	payload[8] = 0xff;
	store_le32(payload + 9, 1767225600);
	cr_assert_eq(rdss_codec_decode(&c, span_of(payload, sizeof payload), p, &n), STATUS_OK);
	cr_assert_eq(p[0].lat_e7, -248000000);
	cr_assert_eq(p[0].lon_e7, 1186000000);
	cr_assert_eq(p[0].speed_dkn, RDSS_POINT_NONE);
	cr_assert_eq(p[0].time_ms, INT64_C(1767225600000));
	payload[8] = 100;
	cr_assert_eq(rdss_codec_decode(&c, span_of(payload, sizeof payload), p, &n), STATUS_OK);
	cr_assert_eq(p[0].speed_dkn, 540);
	memset(payload, 0, 8);
	cr_assert_eq(rdss_codec_decode(&c, span_of(payload, sizeof payload), p, &n), STATUS_OUT_OF_RANGE);
}

Test(rdss_codec, a_wrong_line_is_told_by_its_word)
{
	static const char *const lines[][2] = {
		{"a big lat=0:4:e6 lon=4:4:e9", "lon=4:4:e9"},
		{"a lat=0:5:e6 lon=4:4:e6", "lat=0:5:e6"},
		{"a lat=0:4:e6 lat=4:4:e6", "lat=4:4:e6"},
		{"a lat=0:4:kn lon=4:4:e6", "lat=0:4:kn"},
		{"a huge lat=0:4:e6 lon=4:4:e6", "huge"},
		{"a lat=0:4:e6 lon=4:4:e6 deltas=8:9:12", "deltas=8:9:12"},
	};
	for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
		struct rdss_codec c;
		struct span wrong;
		cr_assert_eq(rdss_codec_parse(span_of_string(lines[i][0]), &c, &wrong), STATUS_MALFORMED);
		cr_assert(span_equal(wrong, span_of_string(lines[i][1])), "%s: %.*s", lines[i][0], (int)wrong.size,
			  (const char *)wrong.data);
	}
}
