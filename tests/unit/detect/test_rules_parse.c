/* Files of rules: what is taken, and every mistake at its line. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#include "engine/core/limits.h"
#include "unit/detect/rules_rig.h"

#define HEAD "[a]\nkind = overspeed\ntitle = 超速 | Too fast\nsource = law\n"
#define GOOD HEAD "limit = 80 km/h\n"

static void expect_mistakes(const char *text, const char *mistakes)
{
	struct rules_read r = rules_read(span_of_string(text));
	cr_expect_str_eq((char *)r.mistakes.data, mistakes, "of\n%s\ncame\n%s", text, (char *)r.mistakes.data);
	cr_expect_eq(r.status, *mistakes ? STATUS_MALFORMED : STATUS_OK);
	cr_expect_eq(r.book == NULL, *mistakes != '\0');
	rules_read_deinit(&r);
}

Test(rules_parse, every_mistake_is_told_at_its_line)
{
	static const char *const cases[][2] = {
		{GOOD, ""},
		{"", ""},
		{"# nothing\n\n", ""},
		{"limit = 3\n" GOOD, "1: 'limit = 3' stands before the first [section]\n"},
		{GOOD "colour = red\n", "6: 'colour': no such key\n"},
		{GOOD "entry = gate\n", "6: 'entry' is a parameter of section_speed, not of overspeed\n"},
		{GOOD "limit = 70 km/h\n", "6: limit: said already in line 5\n"},
		{GOOD "kind = zone\n", "6: kind: said already in line 2\n"},
		{GOOD "margin\n", "6: 'margin' is not key = value\n"},
		{GOOD "margin =\n", "6: margin: nothing is said\n"},
		{GOOD "margin = 3\n", "6: margin: '3' has no unit (km/h)\n"},
		{GOOD "margin = 3 m\n", "6: margin: 'm' is not a unit of speed (km/h)\n"},
		{GOOD "margin = fast\n", "6: margin: 'fast' is not a speed in km/h\n"},
		{GOOD "margin = -3 km/h\n", "6: margin: '-3 km/h' is not a speed in km/h\n"},
		{GOOD "margin = 3.25 km/h\n", "6: margin: '3.25 km/h' has more than one decimal\n"},
		{GOOD "margin = 3. km/h\n", "6: margin: '3. km/h' has more than one decimal\n"},
		{GOOD "margin = 50.1 km/h\n", "6: margin: '50.1 km/h' is not within 0 km/h .. 50 km/h\n"},
		{GOOD "margin = 999999999999999 km/h\n",
		 "6: margin: '999999999999999 km/h' is not within 0 km/h .. 50 km/h\n"},
		{GOOD "margin = 9999999999999999 km/h\n",
		 "6: margin: '9999999999999999 km/h' is not a speed in km/h\n"},
		{GOOD "hold = 60\n", "6: hold: '60' has no unit (d, h, min, s)\n"},
		{GOOD "hold = 60 sec\n", "6: hold: 'sec' is not a unit of time (d, h, min, s)\n"},
		{GOOD "hold = 1.5 h\n", "6: hold: '.5 h' is not a unit of time (d, h, min, s)\n"},
		{GOOD "hold = 25 h\n", "6: hold: '25 h' is not within 0 s .. 1 d\n"},
		{GOOD "hold = 999999999999 d\n", "6: hold: '999999999999 d' is not within 0 s .. 1 d\n"},
		{GOOD "points = 0\n", "6: points: '0' is not within 1 .. 1000\n"},
		{GOOD "points = 3 s\n", "6: points: '3 s' is not a whole number without a unit\n"},
		{GOOD "points = many\n", "6: points: 'many' is not a number\n"},
		{GOOD "severity = 4\n", "6: severity: '4' is not within 1 .. 3\n"},
		{GOOD "percent = 80\n", "6: percent: '80' has no unit (%)\n"},
		{GOOD "percent = 101 %\n", "6: percent: '101 %' is not within 1 % .. 100 %\n"},
		{GOOD "live = maybe\n", "6: live: 'maybe' is neither yes nor no\n"},
		{GOOD "loaded = half\n", "6: loaded: 'half' is none of: any yes no\n"},
		{GOOD "speed = radar\n", "6: speed: 'radar' is none of: terminal recorder position\n"},
		{GOOD "classes = muck, boat\n", "6: classes: 'boat' is not a class of devices\n"},
		{GOOD "classes = ,\n", "6: classes: no class is named\n"},
		{GOOD "where = somewhere\n",
		 "6: where: 'somewhere' is none of: any, tag:NAME, not tag:NAME, fence:ID\n"},
		{GOOD "where = not fence:a\n",
		 "6: where: 'not fence:a' is none of: any, tag:NAME, not tag:NAME, fence:ID\n"},
		{GOOD "where = tag:Zone\n", "6: where: 'Zone' is not a tag (at most 31 of a-z 0-9 _ - .)\n"},
		{GOOD "where = fence:\n", "6: where: '' is not the id of a fence\n"},
		{GOOD "where = fence:a b\n", "6: where: 'a b' is not the id of a fence\n"},
		{GOOD "when = 22:00-6:00\n", "6: when: '22:00-6:00' is not a schedule, from '6:00' on\n"},
		{GOOD "when = 25:00-06:00\n",
		 "6: when: '25:00-06:00': no such time, an empty range, or too many, at '25:00-06:00'\n"},
		{"[a]\nkind = overspeed\nsource = law\nlimit = 80 km/h\n", "1: [a] has no title\n"},
		{"[a]\nkind = overspeed\ntitle = 超速 | Too fast\nlimit = 80 km/h\n", "1: [a] has no source\n"},
		{"[a]\nkind = overspeed\ntitle = 超速\nsource = law\nlimit = 80 km/h\n",
		 "3: title: '超速' is not Chinese | English\n"},
		{"[a]\nkind = overspeed\ntitle = 超速 |\nsource = law\nlimit = 80 km/h\n",
		 "3: title: '超速 |' lacks one of Chinese | English\n"},
		{HEAD, "1: [a] has no limit, which overspeed needs\n"},
		{"[a]\nkind = speeding\ntitle = 超速 | Too fast\nsource = law\nlimit = 80 km/h\n",
		 "2: kind: 'speeding' is not a kind of rule\n"},
		{"[a]\ntitle = 超速 | Too fast\nsource = law\nlimit = 80 km/h\ncolour = red\n",
		 "1: [a] has no kind\n5: 'colour': no such key\n"},
		{GOOD "\n" GOOD, "7: [a] is there already, in line 1\n"},
		{"[A]\nkind = unregistered\ntitle = 车 | Car\nsource = law\n",
		 "1: 'A' is not an id (at most 47 of a-z 0-9 - _ .)\n"},
		{"[]\nkind = unregistered\ntitle = 车 | Car\nsource = law\n",
		 "1: '' is not an id (at most 47 of a-z 0-9 - _ .)\n"},
		{"[a\nkind = unregistered\ntitle = 车 | Car\nsource = law\n", "1: '[a' is not closed by ]\n"},
		{"[a]\nkind = unregistered\ntitle = 车 | Car\nsource = \xff\n",
		 "4: not UTF-8 text, or a control character in it\n"},
		{GOOD "# \x01\n", "6: not UTF-8 text, or a control character in it\n"},
		{"[a]\nkind = alarm_bits\ntitle = 车 | Car\nsource = law\nbits = 4, 32\n",
		 "5: bits: '32' is not a bit, 0 .. 31\n"},
		{"[a]\nkind = alarm_item\ntitle = 车 | Car\nsource = law\ntypes = 65:2 63:1\n",
		 "5: types: '63:1' is not item:type, such as 65:2 or 66:* (items 64 .. 67)\n"},
		{"[a]\nkind = alarm_item\ntitle = 车 | Car\nsource = law\ntypes = 65:0\n",
		 "5: types: '65:0' is not item:type, such as 65:2 or 66:* (items 64 .. 67)\n"},
		{"[a]\nkind = alarm_item\ntitle = 车 | Car\nsource = law\n"
		 "types = 65:1 65:2 65:3 65:4 65:5 65:6 65:7 65:8 65:9\n",
		 "5: types: more than 8 types\n"},
		{"[a]\nkind = fatigue\ntitle = 车 | Car\nsource = law\nnight_hours = mon\n",
		 "5: night_hours: 'mon' is not hours of the day, such as 22:00-06:00\n"},
		{"[a]\nkind = fatigue\ntitle = 车 | Car\nsource = law\nwhere = tag:zone\nwhen = 22:00-06:00\ngap = 6 "
		 "min\n"
		 "hold = 1 s\npoints = 2\nrelease = 1 s\nloaded = yes\nmoving = yes\nclasses = muck\n",
		 "5: where: fatigue does not heed it\n6: when: fatigue does not heed it\n8: hold: fatigue does not "
		 "heed it\n"
		 "9: points: fatigue does not heed it\n10: release: fatigue does not heed it\n"
		 "11: loaded: fatigue does not heed it\n12: moving: fatigue does not heed it\n"},
		{"[a]\nwhen = 22:00-06:00\nkind = convoy\ntitle = 车 | Car\nsource = law\ntag = gate\ngap = 6 min\n",
		 "2: when: convoy does not heed it\n7: gap: convoy does not heed it\n"},
		{"[a]\nkind = patrol\ntitle = 车 | Car\nsource = law\ntag = cell\ntime = 1 h\nhold = 1 min\n",
		 "7: hold: patrol does not heed it\n"},
		{"[a]\nkind = no_video\ntitle = 车 | Car\nsource = law\nsince = 20201001\n",
		 "5: since: '20201001' is not a date, such as 2020-10-01\n"},
		{"[a]\nkind = no_video\ntitle = 车 | Car\nsource = law\nsince = 2021-02-29\n",
		 "5: since: '2021-02-29' is not a date, such as 2020-10-01\n"},
		{"[inputs]\nload = status bits 9-8\n",
		 "2: load: 'status bits 9-8' is neither 'status bits 8-9' nor 'item E1 byte 0 mask 0x01'\n"},
		{"[inputs]\nload = item E1 byte 0 mask 0x00\n",
		 "2: load: 'item E1 byte 0 mask 0x00' is neither 'status bits 8-9' nor 'item E1 byte 0 mask 0x01'\n"},
		{"[inputs]\nlift = status bit 3\n", "2: 'lift': no such key in [inputs]\n"},
		{"[inputs]\nload = status bit 3\nload = status bit 4\n", "3: load: said already\n"},
		{"[inputs]\n[inputs]\n", "2: [inputs] is there already, in line 1\n"},
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		expect_mistakes(cases[i][0], cases[i][1]);
}

Test(rules_parse, what_is_not_heeded_may_be_said_as_if_it_were_not_and_stands_where_it_was_stored)
{
	static const char plain[] =
		"[a]\nkind = convoy\ntitle = 车 | Car\nsource = law\ntag = gate\nwhere = any\nwhen = always\n"
		"hold = 0 s\ngap = 5 min\n";
	static const char odd[] =
		"[a]\nkind = convoy\ntitle = 车 | Car\nsource = law\ntag = gate\nwhen = 22:00-06:00\n";
	struct rulebook *b;
	cr_assert_eq(rulebook_parse(span_of_string(plain), NULL, NULL, &b), STATUS_OK);
	rulebook_unref(b);
	cr_expect_eq(rulebook_parse(span_of_string(odd), NULL, NULL, &b), STATUS_MALFORMED);
	cr_assert_eq(rulebook_parse_stored(span_of_string(odd), &b), STATUS_OK);
	rulebook_unref(b);
}

Test(rules_parse, all_mistakes_come_in_one_pass_in_order_of_lines)
{
	expect_mistakes("stray\n"
			"[one]\n"
			"source = law\n"
			"kind = overspeed\n"
			"hold = 60\n"
			"entry = gate\n"
			"\n"
			"[two]\n"
			"kind = nothing\n"
			"title = 二 | Two\n"
			"source = law\n"
			"[one]\n"
			"kind = unregistered\n"
			"title = 一 | One\n"
			"source = law\n"
			"classes = cars\n",
			"1: 'stray' stands before the first [section]\n"
			"2: [one] has no title\n"
			"2: [one] has no limit, which overspeed needs\n"
			"5: hold: '60' has no unit (d, h, min, s)\n"
			"6: 'entry' is a parameter of section_speed, not of overspeed\n"
			"9: kind: 'nothing' is not a kind of rule\n"
			"12: [one] is there already, in line 2\n"
			"16: classes: 'cars' is not a class of devices\n");
}

Test(rules_parse, values_are_integers_of_their_units)
{
	struct rules_read r =
		rules_read(span_of_string("[s]\nkind=overspeed\ntitle=a|b\nsource=law\nlimit=80.5 km/h\n"
					  "hold=2 min\nrelease=4 h\ngap=7 d\ndeadline=15d\npercent=80%\n"
					  "[g]\nkind=gap\ntitle=a|b\nsource=law\ntime=10 s\ndistance=2 km\n"
					  "[v]\nkind=no_video\ntitle=a|b\nsource=law\nsince=2020-10-01\n"
					  "[b]\nkind=alarm_bits\ntitle=a|b\nsource=law\nbits=0 4,31\n"
					  "[f]\nkind=fatigue\ntitle=a|b\nsource=law\nnight_hours=23:00-05:00\n"));
	cr_assert_eq(r.status, STATUS_OK, "%s", (char *)r.mistakes.data);
	const struct rule *s = rulebook_find(r.book, "s"), *g = rulebook_find(r.book, "g");
	cr_expect_eq(s->params[PARAM_OVERSPEED_LIMIT], 805);
	cr_expect_eq(s->params[PARAM_OVERSPEED_PERCENT], 80);
	cr_expect_eq(s->params[PARAM_OVERSPEED_MARGIN], 30);
	cr_expect_eq(s->hold_ms, 120000);
	cr_expect_eq(s->release_ms, 4 * 3600000);
	cr_expect_eq(s->gap_ms, 7 * 86400000);
	cr_expect_eq(s->deadline_ms, 15 * INT64_C(86400000));
	cr_expect_eq(g->params[PARAM_GAP_TIME], 10000);
	cr_expect_eq(g->params[PARAM_GAP_DISTANCE], 2000000);
	cr_expect_eq(rulebook_find(r.book, "v")->params[PARAM_NO_VIDEO_SINCE], INT64_C(1601481600000)); /* date -u */
	cr_expect_eq(rulebook_find(r.book, "b")->params[PARAM_ALARM_BITS_BITS], 0x80000011);
	cr_expect_eq(rulebook_find(r.book, "f")->params[PARAM_FATIGUE_NIGHT_HOURS], INT64_C(82800) << 32 | 18000);
	rules_read_deinit(&r);
}

Test(rules_parse, what_is_not_said_has_its_default)
{
	struct rules_read r = rules_read(span_of_string(GOOD));
	cr_assert_eq(r.status, STATUS_OK);
	const struct rule *a = rulebook_find(r.book, "a");
	cr_expect_eq(a->classes, RULE_CLASSES_ANY);
	cr_expect_eq(a->where_mode, WHERE_ANY);
	cr_expect(schedule_active(&a->when, 0));
	cr_expect(a->loaded == EITHER && a->moving == EITHER && !a->live && !a->sample);
	cr_expect(a->hold_ms == 0 && a->points == 1 && a->release_ms == 0 && a->gap_ms == 300000);
	cr_expect(a->severity == 2 && a->deadline_ms == 0 && a->line == 1);
	cr_expect_str_eq(a->authority, "");
	cr_expect_str_eq(a->rows, "");
	rules_read_deinit(&r);
}

Test(rules_parse, places_classes_and_texts_are_taken)
{
	struct rules_read r =
		rules_read(span_of_string(GOOD "where = not tag:dump_site\nclasses = 渣土车 hazmat\n"
					       "rows = A9,  B10\nauthority = 渣土办, 城管\n"
					       "loaded = no\nmoving = yes\n"
					       "[f]\nkind=dwell\ntitle=a|b|c\nsource=x\nwhere=fence:E-1/水\n"
					       "[t]\nkind=dwell\ntitle=a|b\nsource=x\nwhere=tag:dump_site\n"));
	cr_assert_eq(r.status, STATUS_OK, "%s", (char *)r.mistakes.data);
	const struct rule *a = rulebook_find(r.book, "a"), *f = rulebook_find(r.book, "f");
	const struct rule *t = rulebook_find(r.book, "t");
	cr_expect_eq(a->where_mode, WHERE_NOT_TAG);
	cr_expect_str_eq(tag_text(a->where_tag), "dump_site");
	cr_expect_eq(a->where_tag, t->where_tag);
	cr_expect_eq(a->classes, 1u << DEVICE_CLASS_MUCK_TRUCK | 1u << DEVICE_CLASS_HAZMAT);
	cr_expect_str_eq(a->rows, "A9 B10");
	cr_expect_str_eq(a->authority, "渣土办, 城管");
	cr_expect(a->loaded == NO && a->moving == YES);
	cr_expect_eq(f->where_mode, WHERE_FENCE);
	cr_expect_str_eq(f->where_fence, "E-1/水");
	cr_expect_str_eq(f->title_zh, "a");
	cr_expect_str_eq(f->title_en, "b|c");
	cr_expect_null(rulebook_find(r.book, "b"));
	rules_read_deinit(&r);
}

Test(rules_parse, alarm_types_are_held_as_pairs)
{
	struct rules_read r = rules_read(span_of_string("[a]\nkind=alarm_item\ntitle=a|b\nsource=law\n"
							"types=64:1 64:2 64:3 64:4 65:a 66:* 67:1F\n"));
	cr_assert_eq(r.status, STATUS_OK, "%s", (char *)r.mistakes.data);
	const struct rule *a = rulebook_find(r.book, "a");
	cr_expect(rule_types_hold(a, 0x64, 1) && rule_types_hold(a, 0x64, 4) && rule_types_hold(a, 0x65, 10));
	cr_expect(rule_types_hold(a, 0x66, 1) && rule_types_hold(a, 0x66, 255) && rule_types_hold(a, 0x67, 0x1f));
	cr_expect_not(rule_types_hold(a, 0x64, 5));
	cr_expect_not(rule_types_hold(a, 0x65, 1));
	cr_expect_not(rule_types_hold(a, 0, 0));
	rules_read_deinit(&r);
}

Test(rules_parse, inputs_name_bits_or_bytes)
{
	struct rules_read r = rules_read(span_of_string("[inputs]\nload = status bits 8-9 # table 24\n"
							"cover_open = item e1 byte 1 mask 0x80\n"));
	cr_assert_eq(r.status, STATUS_OK, "%s", (char *)r.mistakes.data);
	const struct rule_inputs *in = &r.book->inputs;
	cr_expect(in->load.known && !in->load.of_item && in->load.bit_first == 8 && in->load.bit_last == 9);
	cr_expect(in->cover_open.known && in->cover_open.of_item && in->cover_open.item == 0xe1);
	cr_expect(in->cover_open.byte == 1 && in->cover_open.mask == 0x80);
	cr_expect_not(in->lift_up.known);
	rules_read_deinit(&r);
}

static uint64_t version_of(const char *text)
{
	struct rules_read r = rules_read(span_of_string(text));
	cr_assert_eq(r.status, STATUS_OK, "%s", (char *)r.mistakes.data);
	uint64_t version = rulebook_find(r.book, "a")->version;
	rules_read_deinit(&r);
	return version;
}

Test(rules_parse, the_version_follows_what_a_rule_says_and_nothing_else)
{
	uint64_t version = version_of(GOOD "hold = 60 s\nwhen = 22:00-06:00;mon\n");
	cr_expect_eq(version, version_of("\xef\xbb\xbf# why\r\n\r\n[ a ]\r\n  kind=overspeed # x\r\nsource =\tlaw\r\n"
					 "when = mon ; 22:00-06:00\r\nlimit = 80km/h\r\nhold = 1 min\r\n"
					 "title=超速|Too fast\r\n\r\n[b]\nkind=unregistered\ntitle=a|b\nsource=x"));
	cr_expect_neq(version, version_of(GOOD "hold = 61 s\nwhen = 22:00-06:00;mon\n"));
	cr_expect_neq(version, version_of(GOOD "hold = 60 s\nwhen = 22:00-06:00\n"));
	cr_expect_neq(version, version_of(GOOD "hold = 60 s\nwhen = 22:00-06:00;mon\nlive = yes\n"));
	cr_expect_neq(version, version_of(GOOD "hold = 60 s\nwhen = 22:00-06:00;mon\nspeed = recorder\n"));
}

Test(rules_parse, files_and_counts_past_their_bounds_are_refused)
{
	struct buf text = buf_init(RULES_BYTES_MAX + 1);
	cr_assert_eq(buf_reserve(&text, RULES_BYTES_MAX + 1), STATUS_OK);
	memset(text.data, '\n', RULES_BYTES_MAX + 1);
	struct rules_read r = rules_read(span_of(text.data, RULES_BYTES_MAX + 1));
	cr_expect_eq(r.status, STATUS_TOO_LONG);
	cr_expect_str_eq((char *)r.mistakes.data, "1: the file is longer than 1048576 bytes\n");
	rules_read_deinit(&r);
	r = rules_read(span_of(text.data, RULES_BYTES_MAX));
	cr_expect_eq(r.status, STATUS_OK);
	rules_read_deinit(&r);
	for (int i = 0; i <= RULES_MAX; i++)
		cr_assert_eq(buf_printf(&text, "[r%d]\nkind=unregistered\ntitle=a|b\nsource=x\n", i), STATUS_OK);
	r = rules_read(buf_view(&text));
	cr_expect_eq(r.status, STATUS_TOO_LONG);
	cr_expect_str_eq((char *)r.mistakes.data, "4097: [r1024] is one rule more than 1024\n");
	rules_read_deinit(&r);
	buf_clear(&text);
	for (int i = 0; i < RULES_MISTAKES_MAX + 10; i++)
		cr_assert_eq(buf_printf(&text, "stray\n"), STATUS_OK);
	r = rules_read(buf_view(&text));
	cr_expect_eq(r.status, STATUS_MALFORMED);
	size_t told = 0;
	for (size_t i = 0; i < r.mistakes.size; i++)
		told += r.mistakes.data[i] == '\n';
	cr_expect_eq(told, RULES_MISTAKES_MAX);
	rules_read_deinit(&r);
	buf_deinit(&text);
}

Test(rules_parse, texts_past_their_bound_are_refused_and_long_values_are_cut_in_the_telling)
{
	char text[1200];
	int head = snprintf(text, sizeof text, "[a]\nkind = unregistered\ntitle = a | b\nsource = ");
	memset(text + head, 'x', 512);
	text[head + 512] = '\0';
	expect_mistakes(text,
			"4: source: 'xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx...' is longer than 511 bytes\n");
	text[head + 511] = '\0';
	expect_mistakes(text, "");
	expect_mistakes("[a]\nkind = 一二三四五六七八九十一二三四五六七八九十\ntitle = a | b\nsource = x\n",
			"2: kind: '一二三四五六七八九十一二三四五六...' is not a kind of rule\n");
}

Test(rules_parse, a_book_lives_as_long_as_someone_holds_it)
{
	struct rules_read r = rules_read(span_of_string(GOOD));
	struct rulebook *second = rulebook_ref(r.book);
	rules_read_deinit(&r);
	cr_assert_str_eq(rulebook_find(second, "a")->title_en, "Too fast");
	cr_assert_str_eq(second->text, GOOD);
	rulebook_unref(second);
	rulebook_unref(NULL);
}

static void first_mistake(void *context, const struct rule_mistake *m)
{
	char *text = context;
	if (!*text)
		snprintf(text, 200, "%u %s", m->line, m->text);
}

static void expect_remind_mistake(const char *lines, const char *wanted)
{
	char text[512], mistake[200] = "";
	struct rulebook *book = NULL;
	snprintf(text, sizeof text, "[r]\nkind = overspeed\ntitle = 超速 | Fast\nsource = test\nlimit = 60 km/h\n%s\n",
		 lines);
	enum status status = rulebook_parse(span_of_string(text), first_mistake, mistake, &book);
	cr_expect_eq(status, *wanted ? STATUS_MALFORMED : STATUS_OK, "%s", mistake);
	cr_expect_not_null(strstr(mistake, wanted), "'%s' does not say '%s'", mistake, wanted);
	if (!status)
		rulebook_unref(book);
}

Test(rules_parse, words_of_a_reminder_are_looked_at_in_their_line)
{
	expect_remind_mistake("remind = {plate}慢行, 限速{limit}\nremind_flags = urgent, speech", "");
	expect_remind_mistake("remind = {speed}慢行", "6 remind: '{speed}' is not filled in here");
	expect_remind_mistake("remind = 慢行 }", "'}' is not filled in");
	expect_remind_mistake("remind = 慢行\xf0\x9f\x9a\x9b", "6 remind: '\xf0\x9f\x9a\x9b' is not in GBK");
	expect_remind_mistake("remind = x\nremind_flags = loud", "7 remind_flags: 'loud'");
	expect_remind_mistake("remind_every = 5 min", "6 remind_every, but there is no remind");
}

Test(rules_parse, a_rule_that_reminds_nobody_keeps_its_version)
{
	struct rulebook *plain, *reminding;
	const char *text = "[r]\nkind = overspeed\ntitle = 超速 | Fast\nsource = test\nlimit = 60 km/h\n";
	char with[256];
	struct buf printed = buf_init(4096);
	snprintf(with, sizeof with, "%sremind = 慢行\n", text);
	cr_assert_eq(rulebook_parse(span_of_string(text), NULL, NULL, &plain), STATUS_OK);
	cr_assert_eq(rulebook_parse(span_of_string(with), NULL, NULL, &reminding), STATUS_OK);
	cr_assert_eq(rule_print(&plain->rules[0], &printed), STATUS_OK);
	cr_expect_null(memmem(printed.data, printed.size, "remind", 6));
	cr_expect_neq(plain->rules[0].version, reminding->rules[0].version);
	cr_expect_eq(reminding->rules[0].remind_every_ms, 1800000);
	buf_deinit(&printed);
	rulebook_unref(plain);
	rulebook_unref(reminding);
}
