#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "query/export/replay_table.h"

static struct finding finding_of(const char *rule, uint64_t subject, int64_t start_ms, int64_t end_ms)
{
	struct finding f = {.subject = subject,
			    .kind = RULE_ZONE,
			    .confidence = CONFIDENCE_HIGH,
			    .start_ms = start_ms,
			    .end_ms = end_ms};
	snprintf(f.rule, sizeof f.rule, "%s", rule);
	for (unsigned n = 0; n < FINDING_NUMBER_COUNT; n++)
		f.numbers[n] = NUMBER_UNKNOWN;
	return f;
}

#define RESULT(list) ((struct replay_result){.findings = list, .count = sizeof list / sizeof *list})

/* Rows as "rule found/standing both before now | ". */
static void expect_table(struct replay_result found, struct replay_result standing, const char *expected)
{
	char text[1024] = "";
	struct replay_count *rows;
	size_t count;
	cr_assert_eq(replay_table(&found, &standing, &rows, &count), STATUS_OK);
	for (size_t i = 0; i < count; i++)
		sprintf(text + strlen(text), "%s %zu/%zu %zu %zu %zu | ", rows[i].rule, rows[i].found, rows[i].standing,
			rows[i].both, rows[i].only_before, rows[i].only_now);
	cr_expect_str_eq(text, expected);
	free(rows);
}

Test(replay_table, nothing_on_either_side_is_no_row)
{
	expect_table((struct replay_result){0}, (struct replay_result){0}, "");
}

/* the drawing in replay_table.h */
Test(replay_table, findings_meet_by_rule_subject_and_time)
{
	struct finding standing[] = {finding_of("r", 1, 0, 10), finding_of("r", 1, 20, 40), finding_of("r", 1, 60, 70)};
	struct finding found[] = {finding_of("r", 1, 80, 90), finding_of("r", 1, 5, 12), finding_of("r", 1, 18, 22),
				  finding_of("r", 1, 30, 35)};
	expect_table(RESULT(found), RESULT(standing), "r 4/3 3 1 1 | ");
}

Test(replay_table, one_instant_is_enough_and_none_is_not)
{
	struct finding standing[] = {finding_of("r", 1, 10, 20)};
	struct finding touching[] = {finding_of("r", 1, 20, 30)}, behind[] = {finding_of("r", 1, 21, 30)};
	expect_table(RESULT(touching), RESULT(standing), "r 1/1 1 0 0 | ");
	expect_table(RESULT(behind), RESULT(standing), "r 1/1 0 1 1 | ");
}

Test(replay_table, a_long_one_behind_short_ones_is_seen)
{
	struct finding standing[] = {finding_of("r", 1, 0, 1000), finding_of("r", 1, 10, 20),
				     finding_of("r", 1, 30, 40)};
	struct finding found[] = {finding_of("r", 1, 900, 950)};
	expect_table(RESULT(found), RESULT(standing), "r 1/3 1 2 0 | ");
}

Test(replay_table, others_rules_and_subjects_do_not_count)
{
	struct finding standing[] = {finding_of("b", 1, 0, 10), finding_of("a", 2, 0, 10)};
	struct finding found[] = {finding_of("a", 1, 0, 10), finding_of("c", 1, 0, 10)};
	expect_table(RESULT(found), RESULT(standing), "a 1/1 0 1 1 | b 0/1 0 1 0 | c 1/0 0 0 1 | ");
}

/* Rows as "rule@start change | ". */
static void expect_rows(struct replay_result found, struct replay_result standing, size_t most, const char *expected,
			size_t expected_all)
{
	char text[1024] = "";
	struct replay_row *rows;
	size_t count, all;
	cr_assert_eq(replay_rows(&found, &standing, most, &rows, &count, &all), STATUS_OK);
	for (size_t i = 0; i < count; i++)
		sprintf(text + strlen(text), "%s@%lld %s | ", rows[i].finding.rule, (long long)rows[i].finding.start_ms,
			replay_change_token(rows[i].change));
	cr_expect_str_eq(text, expected);
	cr_expect_eq(all, expected_all);
	free(rows);
}

Test(replay_table, rows_come_by_start_each_with_what_became_of_it)
{
	struct finding standing[] = {finding_of("r", 1, 0, 10), finding_of("r", 1, 20, 40), finding_of("r", 1, 60, 70)};
	struct finding found[] = {finding_of("r", 1, 80, 90), finding_of("r", 1, 5, 12), finding_of("q", 1, 60, 70)};
	expect_rows(RESULT(found), RESULT(standing), 100, "r@5 same | r@20 gone | q@60 new | r@60 gone | r@80 new | ",
		    5);
}

Test(replay_table, rows_past_the_bound_are_counted_and_left_out)
{
	struct finding found[] = {finding_of("r", 1, 80, 90), finding_of("r", 1, 5, 12), finding_of("r", 1, 30, 31)};
	expect_rows(RESULT(found), ((struct replay_result){0}), 2, "r@5 new | r@30 new | ", 3);
	expect_rows((struct replay_result){0}, (struct replay_result){0}, 2, "", 0);
}

static void expect_difference(struct replay_result a, struct replay_result b, bool same, size_t at)
{
	bool seen_same;
	size_t seen_at;
	cr_assert_eq(replay_first_difference(&a, &b, &seen_same, &seen_at), STATUS_OK);
	cr_expect_eq(seen_same, same);
	cr_expect_eq(seen_at, at);
}

Test(replay_table, the_first_differing_byte_is_found)
{
	struct finding a[] = {finding_of("r", 1, 0, 10), finding_of("r", 1, 20, 30)};
	struct finding b[] = {finding_of("r", 1, 0, 10), finding_of("r", 1, 20, 30)};
	expect_difference(RESULT(a), RESULT(b), true, 2);
	expect_difference(RESULT(a), (struct replay_result){.findings = b, .count = 1}, false, 1);
	b[1].digest[31] = 1;
	expect_difference(RESULT(a), RESULT(b), false, 1);
	b[0].numbers[FINDING_CODE] = 3;
	expect_difference(RESULT(a), RESULT(b), false, 0);
}
