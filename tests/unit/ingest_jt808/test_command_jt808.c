/* Commands on the wire: the collected vectors (tests/golden/jt808/vectors.tsv says where each is from), and what an
 * edition cannot say, by name. */
#include "ingest/jt808/command_jt808.h"

#include <criterion/criterion.h>
#include <stdio.h>

#include "engine/core/clock.h"
#include "tests/unit/ingest_jt808/vectors_jt808.h"

static struct command_content content, again;

/* --- vectors --- */

struct seen {
	unsigned decoded, same;
};

/* Bytes of the first circle or rectangle of a vector that has five of them alike, its count made one. */
static struct span first_of_five(struct span body, uint8_t out[256])
{
	size_t size = 2 + (body.size - 2) / 5;
	memcpy(out, body.data, size);
	out[1] = 1;
	return span_of(out, size);
}

static void try_vector(const struct vector *v, struct seen seen[16])
{
	uint8_t scratch[JT808_FRAME_MAX], one[256];
	struct jt808_frame frame;
	struct jt808_header h;
	struct command_refusal why;
	struct buf out = buf_init(JT808_COMMAND_BODY_MAX);
	uint16_t id = 0;
	if (jt808_frame_next(buf_view(&v->wire), scratch, &frame) || jt808_header_decode(frame.content, &h) ||
	    h.is_fragment)
		return;
	enum jt808_edition e = h.is_2019 ? JT808_2019 : JT808_2013;
	struct span body = h.body;
	if (jt808_command_decode(h.message_id, body, e, &content))
		return;
	unsigned at = content.kind == COMMAND_SET_AREA ? 10 + content.area.shape : content.kind;
	seen[at].decoded++;
	if (h.message_id == 0x8600 || h.message_id == 0x8602)
		body = first_of_five(body, one);
	if (jt808_command_encode(&content, e, &id, &out, &why) == STATUS_OK && id == h.message_id &&
	    span_equal(buf_view(&out), body))
		seen[at].same++;
	buf_deinit(&out);
}

Test(command_jt808, vectors_decode_and_encode_again)
{
	static struct vector v[VECTOR_COUNT];
	struct seen seen[16] = {{0, 0}};
	size_t count = vectors_read(v);
	cr_assert_eq(count, VECTOR_COUNT);
	for (size_t i = 0; i < count; i++)
		try_vector(&v[i], seen);
	/* Not the same: texts with bits that are reserved; hours of two 0x8103 that are none; what 0x8203 confirms
	 * there is not confirmed by hand; 0x8608 of no shape; rectangles of one point; polygons of no time; routes
	 * whose sections are numbered alike. */
	static const struct seen expected[16] = {
		[COMMAND_TEXT] = {4, 1},        [COMMAND_SET_PARAMETERS] = {4, 2}, [COMMAND_QUERY_PARAMETERS] = {4, 4},
		[COMMAND_TRACK] = {4, 4},       [COMMAND_CONFIRM_ALARM] = {4, 0},  [COMMAND_DELETE_AREAS] = {4, 4},
		[COMMAND_QUERY_AREAS] = {2, 0}, [10 + AREA_CIRCLE] = {4, 4},       [10 + AREA_RECTANGLE] = {3, 0},
		[10 + AREA_POLYGON] = {4, 2},   [10 + AREA_ROUTE] = {3, 0},
	};
	for (unsigned i = 0; i < 16; i++) {
		cr_expect_eq(seen[i].decoded, expected[i].decoded, "kind %u: %u decoded", i, seen[i].decoded);
		cr_expect_eq(seen[i].same, expected[i].same, "kind %u: %u the same", i, seen[i].same);
	}
	vectors_free(v, count);
}

/* yezhihao/jt808-server, 单元测试记录.txt: 0x8606 of 2019 */
Test(command_jt808, a_route_of_2019_reads_as_its_author_says)
{
	struct buf body = bytes_of_hex("0000e80500012007260000002007262323590004000000010000000101dc9a070739e487090300"
				       "010002000304000500000002000000010"
				       "1dc9a070739e4870903000100020003040005000000030000000101dc9a070739e4870903000100"
				       "02000304000500000004000000010"
				       "1dc9a070739e48709030001000200030400050008b2e2cad4c7f8d3f2");
	cr_assert_eq(jt808_command_decode(0x8606, buf_view(&body), JT808_2019, &content), STATUS_OK);
	const struct command_area *a = &content.area;
	cr_expect_eq(a->id, 59397);
	cr_expect_eq(a->point_count, 4);
	cr_expect_eq(a->points[3].lat_e6, 31234567);
	cr_expect_eq(a->points[3].lon_e6, 121234567);
	cr_expect_eq(a->width_m, 9);
	cr_expect_eq(a->limit_kmh, 3);
	cr_expect_eq(a->over_s, 4);
	cr_expect_eq(a->night_limit_kmh, 5);
	cr_expect_str_eq(a->name, "测试区域");
	struct civil from;
	civil_from_ms(a->from + CHINA_OFFSET_MS, &from);
	cr_expect_eq(from.year, 2020);
	cr_expect_eq(from.hour, 0);
	buf_deinit(&body);
}

/* --- what is said, what is refused --- */

static void set_text(const char *text, uint8_t flags)
{
	memset(&content, 0, sizeof content);
	content.kind = COMMAND_TEXT;
	content.text.flags = flags;
	content.text.type = COMMAND_TEXT_NOTICE;
	snprintf(content.text.text, sizeof content.text.text, "%s", text);
}

static void expect_bytes(enum jt808_edition e, uint16_t wanted_id, const char *hex)
{
	struct command_refusal why = {""};
	struct buf out = buf_init(JT808_COMMAND_BODY_MAX);
	char got[512];
	uint16_t id = 0;
	cr_expect_eq(jt808_command_encode(&content, e, &id, &out, &why), STATUS_OK, "%s", why.text);
	cr_expect_eq(id, wanted_id);
	hex_encode(got, buf_view(&out));
	cr_expect_str_eq(got, hex);
	buf_deinit(&out);
}

static void expect_refused(enum jt808_edition e, const char *part)
{
	struct command_refusal why = {""};
	struct buf out = buf_init(JT808_COMMAND_BODY_MAX);
	uint16_t id = 0;
	cr_expect_neq(jt808_command_encode(&content, e, &id, &out, &why), STATUS_OK, "wanted a refusal: %s", part);
	cr_expect_not_null(strstr(why.text, part), "'%s' does not say '%s'", why.text, part);
	cr_expect_eq(out.size, 0);
	buf_deinit(&out);
}

Test(command_jt808, a_text_by_edition)
{
	set_text("超速", COMMAND_TEXT_URGENT | COMMAND_TEXT_DISPLAY | COMMAND_TEXT_SPEECH);
	expect_bytes(JT808_2011, 0x8300, "0db3accbd9");
	expect_bytes(JT808_2013, 0x8300, "0db3accbd9");
	expect_bytes(JT808_2019, 0x8300, "0e01b3accbd9");
	content.text.flags = COMMAND_TEXT_SPEECH;
	content.text.type = COMMAND_TEXT_SERVICE;
	expect_bytes(JT808_2019, 0x8300, "0902b3accbd9");
	content.text.type = COMMAND_TEXT_NOTICE;
	expect_bytes(JT808_2019, 0x8300, "0b01b3accbd9");
}

Test(command_jt808, what_a_text_cannot_say_is_named)
{
	set_text("小心\xf0\x9f\x9a\x9b", 0);
	expect_refused(JT808_2013, "'\xf0\x9f\x9a\x9b' is not in GBK");
	set_text("a\x01", 0);
	expect_refused(JT808_2013, "control character");
	set_text("", 0);
	expect_refused(JT808_2013, "nothing is said");
	set_text("x", COMMAND_TEXT_ADVERT);
	expect_refused(JT808_2019, "advertising screen");
	set_text("x", COMMAND_TEXT_CAN_FAULT);
	expect_refused(JT808_2011, "JT/T 808-2011");
}

Test(command_jt808, a_text_ends_at_1024_bytes_of_gbk)
{
	set_text("", 0);
	for (int i = 0; i < 512; i++)
		memcpy(content.text.text + 3 * i, "慢", 3);
	struct command_refusal why;
	cr_expect_eq(command_check(&content, &why), STATUS_OK, "%s", why.text);
	/* ASCII is shorter in UTF-8 for the same GBK: one byte more passes the buffer, not the limit */
	memset(content.text.text, 'x', 1025);
	content.text.text[1025] = '\0';
	cr_expect_eq(command_check(&content, &why), STATUS_TOO_LONG);
	cr_expect_not_null(strstr(why.text, "1025 bytes in GBK"), "%s", why.text);
}

Test(command_jt808, parameters_by_their_form_and_edition)
{
	memset(&content, 0, sizeof content);
	content.kind = COMMAND_SET_PARAMETERS;
	struct command_parameters *p = &content.parameters;
	const struct span none = {NULL, 0};
	cr_assert_eq(command_parameter_add(p, 0x0055, PARAMETER_DWORD, 80, none), STATUS_OK);
	cr_assert_eq(command_parameter_add(p, 0x005b, PARAMETER_WORD, 50, none), STATUS_OK);
	expect_bytes(JT808_2013, 0x8103,
		     "02000000550400000050"
		     "0000005b020032");
	expect_refused(JT808_2011, "overspeed_warning_dkmh (005B): not in JT/T 808-2011");
	p->items[1].number = 70000;
	expect_refused(JT808_2013, "70000 is out of range");
	p->items[1] = (struct command_parameter){0x0032, PARAMETER_HOURS, 0x16320A1E, 0, 0};
	expect_bytes(JT808_2019, 0x8103,
		     "02000000550400000050000000320416320a1e"); /* 22:50-10:30, the standard's own */
	expect_refused(JT808_2013, "not in JT/T 808-2013");
	content.kind = COMMAND_QUERY_PARAMETERS;
	expect_bytes(JT808_2013, 0x8106, "020000005500000032");
	expect_bytes(JT808_2011, 0x8104, "");
	p->count = 0;
	expect_bytes(JT808_2019, 0x8104, "");
}

static struct command_area *set_area(uint8_t shape)
{
	memset(&content, 0, sizeof content);
	content.kind = COMMAND_SET_AREA;
	content.area =
		(struct command_area){.shape = shape, .setting = AREA_APPEND, .id = 7, .width_m = 30, .radius_m = 500};
	content.area.points[0] = (struct command_point){24900000, 118600000};
	content.area.points[1] = (struct command_point){24800000, 118700000};
	content.area.point_count = shape == AREA_CIRCLE ? 1 : 2;
	return &content.area;
}

Test(command_jt808, a_circle_of_2013_and_of_2019)
{
	struct command_area *a = set_area(AREA_CIRCLE);
	a->flags = AREA_ENTER_DRIVER | AREA_LEAVE_PLATFORM;
	a->limit_kmh = 40;
	a->over_s = 10;
	a->time = AREA_DAILY;
	a->from = 22 * 3600;
	a->to = 23 * 3600 + 59 * 60 + 59;
	strcpy(a->name, "港区");
	expect_bytes(JT808_2013, 0x8600,
		     "0101000000070027017bf1a0"
		     "0711b140000001f4"
		     "000000220000000000235959"
		     "00280a");
	expect_bytes(JT808_2019, 0x8600,
		     "0101000000070027017bf1a0"
		     "0711b140000001f4"
		     "000000220000000000235959"
		     "00280a00280004b8dbc7f8");
	a->night_limit_kmh = 30;
	expect_refused(JT808_2013, "a speed limit for the night: not in JT/T 808-2013");
	a->flags = AREA_NO_DOORS;
	a->night_limit_kmh = 0;
	expect_refused(JT808_2011, "JT/T 808-2011");
}

Test(command_jt808, a_rectangle_is_its_north_west_and_its_south_east)
{
	struct command_area *a = set_area(AREA_RECTANGLE);
	a->time = AREA_SPAN;
	a->from = INT64_C(1595692800000); /* 2020-07-26T00:00 in China */
	a->to = a->from + 3599000;
	expect_bytes(JT808_2013, 0x8602,
		     "010100000007000101"
		     "7bf1a00711b140"
		     "017a6b00071337e0"
		     "200726000000200726005959");
}

Test(command_jt808, areas_that_no_terminal_knows_are_named)
{
	struct command_area *a = set_area(AREA_RECTANGLE);
	a->points[1].lat_e6 = -1;
	expect_refused(JT808_2013, "equator");
	a = set_area(AREA_POLYGON);
	expect_refused(JT808_2013, "2 points: a polygon has 3 to 200");
	a = set_area(AREA_ROUTE);
	a->flags = AREA_NO_DOORS;
	expect_refused(JT808_2019, "a route has no such flag");
	a = set_area(AREA_ROUTE);
	a->width_m = 0;
	expect_refused(JT808_2019, "no width");
	a = set_area(AREA_RECTANGLE);
	a->points[1].lat_e6 = a->points[0].lat_e6 + 1;
	expect_refused(JT808_2019, "north-west");
}

Test(command_jt808, a_route_across_the_equator_has_a_hemisphere_for_each_section)
{
	struct command_area *a = set_area(AREA_ROUTE);
	a->points[1].lat_e6 = -1000000;
	expect_bytes(JT808_2013, 0x8606,
		     "0000000700000002"
		     "0000000100000001017bf1a00711b1401e00"
		     "0000000200000002000f4240071337e01e04");
}

Test(command_jt808, small_ones)
{
	memset(&content, 0, sizeof content);
	content.kind = COMMAND_TRACK;
	content.track.interval_s = 5;
	content.track.for_s = 600;
	expect_bytes(JT808_2013, 0x8202, "000500000258");
	content.track.interval_s = 0;
	expect_bytes(JT808_2013, 0x8202, "0000");
	content.kind = COMMAND_CONFIRM_ALARM;
	content.confirm.serial = 1;
	content.confirm.bits = 9;
	expect_bytes(JT808_2013, 0x8203, "000100000009");
	expect_refused(JT808_2011, "JT/T 808-2011");
	content.confirm.bits = 2;
	expect_refused(JT808_2013, "not confirmed by hand");
	memset(&content, 0, sizeof content);
	content.kind = COMMAND_DELETE_AREAS;
	content.ids.shape = AREA_ROUTE;
	expect_bytes(JT808_2011, 0x8607, "00");
	content.kind = COMMAND_QUERY_AREAS;
	expect_bytes(JT808_2019, 0x8608, "0400000000");
	expect_refused(JT808_2013, "asking for areas");
	content.kind = COMMAND_RAW;
	expect_refused(JT808_2013, "no command");
}

/* --- answers --- */

static struct jt808_answer answer;

Test(command_jt808, an_answer_of_parameters_keeps_what_it_can)
{
	/* count says nine; a number of the wrong size stays as bytes; an unknown id; the last is cut */
	struct buf body = bytes_of_hex("0007"
				       "09"
				       "000000550400000050"
				       "000000560200ff"
				       "0000f36401aa"
				       "0000001304b1b1b6b7"
				       "00000057040000");
	cr_assert_eq(jt808_answer_decode(0x0104, buf_view(&body), &answer), STATUS_OK);
	const struct command_parameters *p = &answer.content.parameters;
	cr_expect_eq(answer.serial, 7);
	cr_assert_eq(p->count, 4);
	cr_expect_eq(p->items[0].number, 80);
	cr_expect_eq(p->items[1].form, PARAMETER_BYTES);
	cr_expect_eq(p->items[2].form, PARAMETER_BYTES);
	cr_expect(span_equal(command_parameter_value(p, &p->items[3]), span_of_string("北斗")));
	buf_deinit(&body);
	cr_expect_eq(jt808_answer_decode(0x0104, (struct span){NULL, 0}, &answer), STATUS_BAD_LENGTH);
	cr_expect_eq(jt808_answer_decode(0x0200, (struct span){NULL, 0}, &answer), STATUS_UNSUPPORTED);
}

/* yezhihao/jt808-server, 单元测试记录.txt */
Test(command_jt808, an_answer_with_a_position)
{
	struct buf body = bytes_of_hex("686200002a5a000074280000a3e50000db4fbc732711012c200707192359");
	cr_assert_eq(jt808_answer_decode(0x0201, buf_view(&body), &answer), STATUS_OK);
	cr_expect_eq(answer.serial, 26722);
	cr_expect_eq(answer.content.kind, COMMAND_POSITION);
	cr_expect_eq(answer.content.position.course_deg, 300);
	buf_deinit(&body);
}

Test(command_jt808, the_canonical_bytes_are_versioned_and_whole)
{
	struct buf out = buf_init(COMMAND_BYTES_MAX);
	set_area(AREA_RECTANGLE);
	cr_assert_eq(command_encode(&content, &out), STATUS_OK);
	cr_expect_eq(command_decode(buf_view(&out), &again), STATUS_OK);
	cr_expect_eq(memcmp(&content, &again, sizeof content), 0);
	for (size_t cut = 1; cut < out.size; cut++)
		cr_expect_eq(command_decode(span_of(out.data, cut), &again), STATUS_CORRUPT, "%zu", cut);
	out.data[0] = 9;
	cr_expect_eq(command_decode(buf_view(&out), &again), STATUS_BAD_VERSION);
	buf_deinit(&out);
}
