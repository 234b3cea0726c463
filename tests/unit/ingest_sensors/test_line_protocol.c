#include <criterion/criterion.h>
#include <stdio.h>

#include "ingest/sensors/line_map.h"
#include "ingest/sensors/line_protocol.h"

#define NOW_MS INT64_C(1764000000123)

static struct line_reader reader(const char *text, enum line_precision precision)
{
	struct line_reader r;
	line_reader_init(&r, span_of_string(text), precision, NOW_MS);
	return r;
}

static void is(struct span s, const char *text)
{
	cr_assert(span_equal(s, span_of_string(text)), "'%.*s', not '%s'", (int)s.size, (const char *)s.data, text);
}

Test(line_protocol, a_line_falls_into_its_parts)
{
	struct line_reader r = reader("weather,site=dam1,kind=auto temp=23.50,rain=12i,open=t,state=\"dry, cold\" "
				      "1735689600123999999\n",
				      LINE_NS);
	struct line l;
	struct line_field f;
	cr_assert_eq(line_next(&r, &l), STATUS_OK);
	is(l.key, "weather,site=dam1,kind=auto");
	is(l.measurement, "weather");
	cr_assert_eq(l.time_ms, INT64_C(1735689600123));
	cr_assert_eq(line_field_next(&l, &f), STATUS_OK);
	is(f.key, "temp");
	cr_assert(f.value.type == VALUE_DECIMAL && f.value.bits == 235 && f.value.scale == 1);
	cr_assert_eq(f.value.time_ms, l.time_ms);
	cr_assert_eq(line_field_next(&l, &f), STATUS_OK);
	cr_assert_eq(f.value.bits, 12);
	cr_assert_eq(line_field_next(&l, &f), STATUS_OK);
	cr_assert_eq(f.value.bits, 1);
	cr_assert_eq(line_field_next(&l, &f), STATUS_OK);
	cr_assert_eq(f.value.type, VALUE_TEXT);
	is(f.text, "dry, cold");
	cr_assert_eq(line_field_next(&l, &f), STATUS_END);
	cr_assert_eq(line_next(&r, &l), STATUS_END);
}

Test(line_protocol, escapes_and_line_ends_in_strings_stay_inside)
{
	struct line_reader r = reader("my\\ station,a\\,b=c\\ d fie\\=ld=\"one\\\"\ntwo\\\\\" 5\r\nx v=1", LINE_S);
	struct line l;
	struct line_field f;
	struct span tags, key, value;
	uint8_t room[64];
	cr_assert_eq(line_next(&r, &l), STATUS_OK);
	cr_assert_eq(l.time_ms, 5000);
	tags = span_of(l.key.data + l.measurement.size, l.key.size - l.measurement.size);
	cr_assert_eq(line_tag_next(&tags, &key, &value), STATUS_OK);
	is(span_of(room, line_unescape(key, false, room)), "a,b");
	is(span_of(room, line_unescape(value, false, room)), "c d");
	cr_assert_eq(line_tag_next(&tags, &key, &value), STATUS_END);
	cr_assert_eq(line_field_next(&l, &f), STATUS_OK);
	is(span_of(room, line_unescape(f.key, false, room)), "fie=ld");
	is(span_of(room, line_unescape(f.text, true, room)), "one\"\ntwo\\");
	cr_assert_eq(line_next(&r, &l), STATUS_OK);
	cr_assert_eq(l.time_ms, NOW_MS, "a line without a time is of now");
}

Test(line_protocol, every_precision_rounds_down_to_the_millisecond)
{
	static const struct {
		const char *text;
		enum line_precision precision;
		int64_t ms;
	} cases[] = {{"a v=1 1999999", LINE_NS, 1}, {"a v=1 -1", LINE_NS, -1}, {"a v=1 1999", LINE_US, 1},
		     {"a v=1 7", LINE_MS, 7},       {"a v=1 7", LINE_S, 7000}, {"a v=1 2", LINE_M, 120000},
		     {"a v=1 1", LINE_H, 3600000}};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct line_reader r = reader(cases[i].text, cases[i].precision);
		struct line l;
		cr_assert_eq(line_next(&r, &l), STATUS_OK);
		cr_assert_eq(l.time_ms, cases[i].ms, "%s", cases[i].text);
	}
}

Test(line_protocol, one_bad_line_costs_that_line)
{
	static const char *const bad[] = {"weather",
					  "weather,site=a",
					  "weather 1735689600",
					  ",site=a v=1",
					  "weather v=",
					  "weather =1",
					  "weather v=1 12x",
					  "weather v=1 99999999999999999999",
					  "weather v=1,",
					  "weather v=1,,w=2",
					  "weather v=\"abc",
					  "weather v=abc",
					  "weather v=1i2",
					  "weather v=9223372036854775808i",
					  "weather v=-1u",
					  "weather v"};
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		char text[128];
		struct line l;
		struct line_field f;
		snprintf(text, sizeof text, "%s\n# a remark\n\ngood v=2 3\n", bad[i]);
		struct line_reader r = reader(text, LINE_MS);
		enum status status = line_next(&r, &l);
		while (!status)
			status = line_field_next(&l, &f);
		cr_assert(status != STATUS_END, "'%s' was taken", bad[i]);
		cr_assert_not_null(l.reason, "'%s'", bad[i]);
		cr_assert_eq(line_next(&r, &l), STATUS_OK, "behind '%s'", bad[i]);
		is(l.measurement, "good");
		cr_assert_eq(r.line, 4);
		cr_assert_eq(line_next(&r, &l), STATUS_END);
	}
}

/* --- names --- */

static void expect(const char *rules, const char *key, const char *field, const char *site, const char *quantity)
{
	struct buf mistakes = buf_init(4096);
	struct line_map *m;
	char a[LINE_NAME_MAX + 1], b[LINE_NAME_MAX + 1];
	cr_assert_eq(line_map_new(span_of_string(rules), "site,host", &m, &mistakes), STATUS_OK);
	struct span whole = span_of_string(key);
	size_t size = strcspn(key, ",");
	enum status status = line_map_names(m, whole, span_of(key, size), span_of_string(field), a, b);
	if (!site) {
		cr_assert_eq(status, STATUS_NOT_FOUND);
	} else {
		cr_assert_eq(status, STATUS_OK);
		cr_assert_str_eq(a, site);
		cr_assert_str_eq(b, quantity);
	}
	line_map_free(m);
	buf_deinit(&mistakes);
}

Test(line_map, without_rules_tags_say_it)
{
	expect("", "rain,site=dam\\ 1", "value", "dam 1", "rain");
	expect("", "cpu,host=a,cpu=0", "usage", "a", "cpu.usage;cpu=0");
	expect("", "cpu,zone=z,cpu=0,host=a", "usage", "a", "cpu.usage;cpu=0;zone=z");
	expect("", "cpu,host=a,site=b", "usage", "b", "cpu.usage;host=a");
	expect("", "cpu,cpu=0", "usage", NULL, NULL);
}

Test(line_map, the_first_rule_that_fits_is_taken)
{
	const char *rules = "# stations\nweather temp {station} air_temperature\nweather * {station} {field}\n"
			    "* * {gone} x\ncpu * pc-{host} {measurement}.{field}\n";
	expect(rules, "weather,station=s1", "temp", "s1", "air_temperature");
	expect(rules, "weather,station=s1", "wind", "s1", "wind");
	expect(rules, "cpu,host=h", "idle", "pc-h", "cpu.idle");
	expect(rules, "disk,host=h", "free", "h", "disk.free");
}

Test(line_map, mistakes_are_told_by_line)
{
	struct buf mistakes = buf_init(4096);
	struct line_map *m;
	cr_assert_eq(line_map_new(span_of_string("a b c\n\na b {c d\n"), "", &m, &mistakes), STATUS_INVALID);
	cr_assert_eq(buf_append_u8(&mistakes, 0), STATUS_OK);
	cr_assert_not_null(strstr((char *)mistakes.data, "line 1: "));
	cr_assert_not_null(strstr((char *)mistakes.data, "line 3: "));
	buf_deinit(&mistakes);
}
