#include <criterion/criterion.h>

#include "ingest/marine/sentence.h"

#define AIS "!AIVDM,1,1,,A,15NNDKgP00Ic:00EB7v1JgwT0<0f,0*29"

static enum status parse(const char *line, struct sentence *s)
{
	return sentence_parse(span_of_string(line), s);
}

Test(sentence, address_fields_and_sum)
{
	struct sentence s;
	cr_assert_eq(parse("$CCICA,0,00*7B", &s), STATUS_OK);
	cr_assert(sentence_is(&s, "ICA"));
	cr_assert_eq(s.count, 2);
	cr_assert(span_equal(s.fields[1], span_of_string("00")));
	cr_assert_eq(parse("$CCICA,0,00*7b", &s), STATUS_OK, "lower case is a sum too");
	cr_assert_eq(parse("$CCICA,0,00*7C", &s), STATUS_BAD_CHECKSUM);
	cr_assert_eq(parse("$CCICA,0,01*7B", &s), STATUS_BAD_CHECKSUM);
	cr_assert_eq(parse("$CCICA,0,00", &s), STATUS_MALFORMED);
	cr_assert_eq(parse("$CCICA,0,00*7", &s), STATUS_MALFORMED);
	cr_assert_eq(parse("", &s), STATUS_EMPTY);
	cr_assert_eq(parse("hello", &s), STATUS_MALFORMED);
}

Test(sentence, tag_blocks_whole_and_broken)
{
	static const struct {
		const char *line;
		int64_t time_ms;
		bool refused;
	} cases[] = {
		{"\\n:3140,s:rZKYSAL1,c:1428451253*1C\\" AIS, INT64_C(1428451253000), false},
		{"\\n:3140,s:rZKYSAL1,c:1428451253*1D\\" AIS, SENTENCE_TIME_NONE, true}, /* its sum */
		{"\\n:3140,s:rZKYSAL1,c:1428451253*1C" AIS, SENTENCE_TIME_NONE, true},   /* not closed */
		{"\\c1509*6E\\" AIS, SENTENCE_TIME_NONE, false},
		{"\\g:1-2-5*6B\\\\n:3140,s:rZKYSAL1,c:1428451253*1C\\" AIS, INT64_C(1428451253000), false},
		{"\\\\n:3140,s:rZKYSAL1,c:1428451253*1C\\\\" AIS, INT64_C(1428451253000), false},
		{AIS ",r003669946,1325394060", INT64_C(1325394060000), false},
		{AIS, SENTENCE_TIME_NONE, false},
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct sentence s;
		cr_assert_eq(parse(cases[i].line, &s), STATUS_OK, "%s", cases[i].line);
		cr_assert(sentence_is(&s, "VDM"), "%s", cases[i].line);
		cr_assert_eq(s.time_ms, cases[i].time_ms, "%s", cases[i].line);
		cr_assert_eq(s.tag_refused, cases[i].refused, "%s", cases[i].line);
	}
}

Test(sentence, the_tag_comes_before_the_tail)
{
	struct sentence s;
	cr_assert_eq(parse("\\n:3140,s:rZKYSAL1,c:1428451253*1C\\" AIS ",r003669946,1325394060", &s), STATUS_OK);
	cr_assert_eq(s.time_ms, INT64_C(1428451253000));
	cr_assert_eq(s.time_by, SENTENCE_TIME_BY_TAG);
	cr_assert(span_equal(s.station, span_of_string("rZKYSAL1")));
}

Test(sentence, groups_in_both_forms)
{
	struct sentence s;
	cr_assert_eq(parse("\\g:1-2-1234*5A\\" AIS, &s), STATUS_OK);
	cr_assert(!s.tag_refused);
	cr_assert_eq(s.group_id, 1234);
	cr_assert_eq(s.group_total, 2);
	cr_assert_eq(parse("\\1G2:77*7E\\" AIS, &s), STATUS_OK);
	cr_assert(!s.tag_refused);
	cr_assert_eq(s.group_id, 77);
	cr_assert_eq(s.group_part, 1);
}

Test(sentence, lines_out_of_a_stream_and_a_datagram)
{
	static const char datagram[] = "UdPbC\0\\s:II0001*48\\!AIVDM\r\nnext\npartial";
	struct span rest = span_of(datagram, sizeof datagram - 1), line;
	cr_assert_eq(sentence_line_next(&rest, &line), STATUS_OK);
	cr_assert(span_equal(line, span_of_string("\\s:II0001*48\\!AIVDM")));
	cr_assert_eq(sentence_line_next(&rest, &line), STATUS_OK);
	cr_assert(span_equal(line, span_of_string("next")));
	cr_assert_eq(sentence_line_next(&rest, &line), STATUS_NEED_MORE);
	cr_assert(span_equal(rest, span_of_string("partial")));
}

Test(sentence, decimals_without_floating_point)
{
	static const struct {
		const char *text;
		unsigned decimals;
		enum status status;
		int64_t value;
	} cases[] = {
		{"12.34", 2, STATUS_OK, 1234},     {"12.345", 2, STATUS_OK, 1235},
		{"-0.5", 0, STATUS_OK, -1},        {"+3", 1, STATUS_OK, 30},
		{".5", 1, STATUS_OK, 5},           {"5.", 1, STATUS_OK, 50},
		{"", 0, STATUS_EMPTY, 0},          {".", 0, STATUS_MALFORMED, 0},
		{"1.2.3", 1, STATUS_MALFORMED, 0}, {"1e3", 0, STATUS_MALFORMED, 0},
		{"-", 0, STATUS_MALFORMED, 0},     {"99999999999999999999", 0, STATUS_OUT_OF_RANGE, 0},
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		int64_t v = 0;
		cr_assert_eq(sentence_decimal(span_of_string(cases[i].text), cases[i].decimals, &v), cases[i].status,
			     "%s", cases[i].text);
		if (!cases[i].status)
			cr_assert_eq(v, cases[i].value, "%s", cases[i].text);
	}
}
