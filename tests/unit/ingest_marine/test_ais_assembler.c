#include <criterion/criterion.h>

#include "ingest/marine/ais_assembler.h"

static struct ais_assembler *a;

static void setup(void)
{
	cr_assert_eq(ais_assembler_new(40, &a), STATUS_OK);
}
static void teardown(void)
{
	ais_assembler_free(a);
}
TestSuite(assembler, .init = setup, .fini = teardown);

/* The sentence with its sum, behind `tag` with its own. */
static enum status add(const char *tag, const char *body, uint32_t source, int64_t now, const struct ais_packet **out)
{
	uint8_t line[512];
	struct buf b = {line, 0, sizeof line, sizeof line};
	struct sentence s;
	if (tag)
		cr_assert_eq(buf_printf(&b, "\\%s*%02X\\", tag, sentence_sum(span_of_string(tag))), STATUS_OK);
	cr_assert_eq(sentence_write('!', span_of_string(body), &b), STATUS_OK);
	cr_assert_eq(sentence_parse(span_of(b.data, b.size - 2), &s), STATUS_OK);
	ais_assembler_group(a, &s, source, now);
	return ais_assembler_add(a, &s, source, now, out);
}

#define FIRST "AIVDM,2,1,7,A,53aGulD0000000c7?0918Tq<E>0<Q8U=@Tp400155P:22uG`002ShTj0,0"
#define SECOND "AIVDM,2,2,7,A,EQC`4Sm51A0C@08,2"

static const struct ais_packet *p;

static void is_prinses(const struct ais_packet *packet)
{
	struct ais_message m;
	cr_assert_eq(ais_decode(packet, &m), STATUS_OK);
	cr_assert_str_eq(m.name, "PRINSES CHRISTINA");
	cr_assert_eq(packet->parts, 2);
}

Test(assembler, parts_in_order_make_a_message)
{
	cr_assert_eq(add(NULL, FIRST, 0, 0, &p), STATUS_NEED_MORE);
	cr_assert_eq(add(NULL, "AIVDM,1,1,,B,13nUgBWP01PkHvDU7<kC4wvJ2>`<,0", 0, 1, &p), STATUS_OK);
	cr_assert_eq(add(NULL, SECOND, 0, 2, &p), STATUS_OK);
	is_prinses(p);
	cr_assert_eq(add(NULL, SECOND, 0, 3, &p), STATUS_NOT_FOUND, "it is used up");
}

Test(assembler, a_part_of_another_source_channel_or_sequence_is_a_stranger)
{
	cr_assert_eq(add(NULL, FIRST, 0, 0, &p), STATUS_NEED_MORE);
	cr_assert_eq(add(NULL, SECOND, 1, 1, &p), STATUS_NOT_FOUND);
	cr_assert_eq(add(NULL, "AIVDM,2,2,7,B,EQC`4Sm51A0C@08,2", 0, 1, &p), STATUS_NOT_FOUND);
	cr_assert_eq(add(NULL, "AIVDM,2,2,6,A,EQC`4Sm51A0C@08,2", 0, 1, &p), STATUS_NOT_FOUND);
	cr_assert_eq(ais_assembler_count(a, AIS_ASSEMBLER_ORPHANS), 3);
	cr_assert_eq(add(NULL, SECOND, 0, 2, &p), STATUS_OK);
}

Test(assembler, what_waits_too_long_is_not_joined)
{
	cr_assert_eq(add(NULL, FIRST, 0, 0, &p), STATUS_NEED_MORE);
	cr_assert_eq(add(NULL, SECOND, 0, 41, &p), STATUS_NOT_FOUND);
	cr_assert_eq(ais_assembler_count(a, AIS_ASSEMBLER_EXPIRED), 1);
	cr_assert_eq(add(NULL, FIRST, 0, 50, &p), STATUS_NEED_MORE);
	cr_assert_eq(add(NULL, SECOND, 0, 90, &p), STATUS_OK);
}

Test(assembler, a_new_first_part_replaces_the_old)
{
	cr_assert_eq(add(NULL, "AIVDM,2,1,7,A,58wt8Ui`g??r21`7S=:22058<v05Htp000000015>8OA;0sk,0", 0, 0, &p),
		     STATUS_NEED_MORE);
	cr_assert_eq(add(NULL, FIRST, 0, 1, &p), STATUS_NEED_MORE);
	cr_assert_eq(add(NULL, SECOND, 0, 2, &p), STATUS_OK);
	is_prinses(p);
	cr_assert_eq(ais_assembler_count(a, AIS_ASSEMBLER_REPLACED), 1);
}

Test(assembler, a_part_out_of_order_ends_its_message)
{
	cr_assert_eq(add(NULL, "AIVDM,3,1,4,A,5000,0", 0, 0, &p), STATUS_NEED_MORE);
	cr_assert_eq(add(NULL, "AIVDM,3,3,4,A,5000,0", 0, 1, &p), STATUS_NOT_FOUND);
	cr_assert_eq(add(NULL, "AIVDM,3,2,4,A,5000,0", 0, 2, &p), STATUS_NOT_FOUND);
	cr_assert_eq(ais_assembler_count(a, AIS_ASSEMBLER_BROKEN), 1);
}

Test(assembler, a_tag_group_comes_before_the_sequence_number)
{
	/* two messages with one sequence number and channel, told apart by their groups */
	cr_assert_eq(add("g:1-2-73,s:r1,c:1428451253", FIRST, 0, 0, &p), STATUS_NEED_MORE);
	cr_assert_eq(add("g:1-2-74,c:1428451254", "AIVDM,2,1,7,A,58wt8Ui`g??r21`7S=:22058<v05Htp000000015>8OA;0sk,0", 0,
			 1, &p),
		     STATUS_NEED_MORE);
	cr_assert_eq(add("g:2-2-73", SECOND, 0, 2, &p), STATUS_OK);
	is_prinses(p);
	cr_assert_eq(p->time_ms, INT64_C(1428451253000), "the first sentence has the time of the group");
	cr_assert(span_equal(p->station, span_of_string("r1")));
}

Test(assembler, a_group_of_other_sentences_has_the_time_of_its_first)
{
	uint8_t line[512];
	struct buf b = {line, 0, sizeof line, sizeof line};
	struct sentence s;
	const char *tag = "g:1-2-9,s:r9,c:1428451253123";
	cr_assert_eq(buf_printf(&b, "\\%s*%02X\\", tag, sentence_sum(span_of_string(tag))), STATUS_OK);
	cr_assert_eq(sentence_write('$', span_of_string("ARFSR,r9,120001,A"), &b), STATUS_OK);
	cr_assert_eq(sentence_parse(span_of(b.data, b.size - 2), &s), STATUS_OK);
	ais_assembler_group(a, &s, 0, 0);
	cr_assert_eq(add("g:2-2-9", "AIVDM,1,1,,B,13nUgBWP01PkHvDU7<kC4wvJ2>`<,0", 0, 1, &p), STATUS_OK);
	cr_assert_eq(p->time_ms, INT64_C(1428451253123));
	cr_assert_eq(add("g:2-2-10", "AIVDM,1,1,,B,13nUgBWP01PkHvDU7<kC4wvJ2>`<,0", 0, 1, &p), STATUS_OK);
	cr_assert_eq(p->time_ms, SENTENCE_TIME_NONE);
}

Test(assembler, messages_that_wait_are_bounded)
{
	for (unsigned i = 0; i < AIS_WAITING_MAX + 1; i++)
		cr_assert_eq(add(NULL, FIRST, i, i / 2, &p), STATUS_NEED_MORE);
	cr_assert_eq(ais_assembler_count(a, AIS_ASSEMBLER_CROWDED), 1);
	cr_assert_eq(add(NULL, SECOND, AIS_WAITING_MAX, 20, &p), STATUS_OK);
	cr_assert_eq(add(NULL, SECOND, 0, 20, &p), STATUS_NOT_FOUND, "the oldest had to go");
}

Test(assembler, numbers_that_make_no_sense_are_refused)
{
	static const char *const bodies[] = {"AAVDM,0,1,,A,100000,0",  "AIVDM,1,0,,A,100000,0", "AIVDM,1,2,,A,100000,0",
					     "AIVDM,10,1,,A,100000,0", "AIVDM,1,1,,A,100000,6", "AIVDM,1,1,,A,100000,"};
	for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++)
		cr_assert_eq(add(NULL, bodies[i], 0, 0, &p), STATUS_OUT_OF_RANGE, "%s", bodies[i]);
	cr_assert_eq(add(NULL, "AIVDM,1,1,,A,1000X0,0", 0, 0, &p), STATUS_MALFORMED);
	cr_assert_eq(add(NULL, "AIVDM,1,1,,B,,0", 0, 0, &p), STATUS_EMPTY);
	cr_assert_eq(add(NULL, "AIVDM,1,1,,B", 0, 0, &p), STATUS_BAD_LENGTH);
}
