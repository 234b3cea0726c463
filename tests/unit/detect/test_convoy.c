#include "unit/detect/stage2_world.h"

static struct world w;
static struct told told;

static enum status try_judge(const struct fact *visits, size_t count, int64_t as_of_ms)
{
	struct detect_sink sink = {.context = &told, .finding = keep};
	told.count = 0;
	return convoy_judge(&w.context, visits, count, as_of_ms, &sink);
}

static void judge_as_of(const struct fact *visits, size_t count, int64_t as_of_ms)
{
	cr_assert_eq(try_judge(visits, count, as_of_ms), STATUS_OK);
}

#define judge(visits) judge_as_of(visits, sizeof(visits) / sizeof(visits)[0], INT64_MAX)

/* Three gates within 2 min of each other, for coaches. */
static void begin(void)
{
	world_init(&w, 1);
	w.rules[0] = rule_of("convoy", RULE_CONVOY, 1u << DEVICE_CLASS_COACH);
	w.rules[0].params[PARAM_CONVOY_TAG] = tag_param("convoy_gate");
	w.rules[0].params[PARAM_CONVOY_TIME] = 2 * MINUTE;
	w.rules[0].params[PARAM_CONVOY_TIMES] = 3;
	w.context.fences = gates_of("convoy_gate", 6, 0);
}

static void end(void)
{
	fence_set_unref((struct fence_set *)w.context.fences);
}

static struct fact pass(uint64_t device, const char *gate, int64_t minute, int64_t second)
{
	int64_t at = MONDAY + minute * MINUTE + second * 1000;
	return visit(device, gate, at, at + 20000);
}

TestSuite(convoy, .init = begin, .fini = end);

Test(convoy, two_that_pass_three_gates_together_are_one_finding)
{
	struct fact visits[] = {pass(1, "g0", 0, 0),  pass(2, "g0", 1, 0),  pass(2, "g1", 10, 0),
				pass(1, "g1", 12, 0), pass(1, "g2", 20, 0), pass(2, "g2", 20, 30)};
	judge(visits);
	cr_assert_eq(told.count, 1);
	const struct finding *f = told.findings;
	cr_assert_eq(f->subject, 1);
	cr_assert_eq(f->device, 1);
	cr_assert_eq(f->other, 2);
	cr_assert_str_eq(f->fence, "g0");
	cr_assert_eq(f->fence_version, 1);
	cr_assert_eq(f->confidence, CONFIDENCE_LOW);
	cr_assert_eq(f->start_ms, MONDAY);
	cr_assert_eq(f->end_ms, MONDAY + 20 * MINUTE + 30000);
	cr_assert_eq(f->found_ms, f->end_ms);
	cr_assert_eq(f->numbers[FINDING_LIMIT], 3);
	cr_assert_eq(f->numbers[FINDING_PEAK], 3);
	cr_assert_eq(f->numbers[FINDING_OTHER], 2 * MINUTE);
	cr_assert_eq(f->numbers[FINDING_DURATION], 20 * MINUTE + 30000);
}

Test(convoy, two_minutes_are_together_and_one_second_more_is_not)
{
	struct fact visits[] = {pass(1, "g0", 0, 0),  pass(2, "g0", 2, 1),  pass(1, "g1", 10, 0),
				pass(2, "g1", 12, 0), pass(1, "g2", 20, 0), pass(2, "g2", 22, 0)};
	judge(visits);
	cr_assert_eq(told.count, 0);
	visits[1] = pass(2, "g0", 2, 0);
	judge(visits);
	cr_assert_eq(told.count, 1);
}

Test(convoy, one_gate_three_times_is_no_journey)
{
	struct fact visits[] = {pass(1, "g0", 0, 0),  pass(2, "g0", 1, 0),  pass(1, "g0", 10, 0), pass(2, "g0", 11, 0),
				pass(1, "g0", 20, 0), pass(2, "g0", 21, 0), pass(1, "g1", 30, 0), pass(2, "g1", 31, 0)};
	judge(visits);
	cr_assert_eq(told.count, 0);
}

Test(convoy, a_gate_passed_alone_between_ends_it)
{
	struct fact visits[] = {pass(1, "g0", 0, 0),  pass(2, "g0", 1, 0),  pass(1, "g1", 10, 0), pass(2, "g1", 11, 0),
				pass(2, "g5", 15, 0), pass(1, "g2", 20, 0), pass(2, "g2", 21, 0)};
	judge(visits);
	cr_assert_eq(told.count, 0);
}

Test(convoy, a_position_that_trembles_on_the_border_is_one_visit)
{
	struct fact visits[] = {pass(1, "g0", 0, 0),   pass(1, "g0", 0, 50), pass(1, "g0", 1, 40),
				pass(2, "g0", 1, 0),   pass(1, "g1", 10, 0), pass(2, "g1", 11, 0),
				pass(2, "g1", 11, 30), pass(1, "g2", 20, 0), pass(2, "g2", 21, 0)};
	judge(visits);
	cr_assert_eq(told.count, 1);
}

Test(convoy, a_pause_of_more_than_four_hours_ends_it)
{
	struct fact visits[] = {pass(1, "g0", 0, 0),  pass(2, "g0", 0, 0),   pass(1, "g1", 10, 0),
				pass(2, "g1", 10, 0), pass(1, "g2", 250, 1), pass(2, "g2", 250, 1)};
	judge(visits);
	cr_assert_eq(told.count, 0);
	visits[4] = pass(1, "g2", 250, 0);
	judge(visits);
	cr_assert_eq(told.count, 1);
}

Test(convoy, three_together_are_three_pairs_in_order)
{
	struct fact visits[9];
	const char *gates[] = {"g0", "g1", "g2"};
	for (int i = 0; i < 9; i++)
		visits[i] = pass((uint64_t)(3 - i % 3), gates[i / 3], i / 3 * 10, i % 3);
	judge(visits);
	cr_assert_eq(told.count, 3);
	cr_assert(told.findings[0].subject == 1 && told.findings[1].subject == 1 && told.findings[2].subject == 2);
	cr_assert_eq(told.findings[2].other, 3);
}

Test(convoy, only_the_classes_of_the_rule_and_only_gates_count)
{
	struct fact visits[] = {
		pass(1, "g0", 0, 0),  pass(2, "g0", 0, 0),  pass(1, "g1", 10, 0), pass(2, "g1", 10, 0),
		pass(1, "g2", 20, 0), pass(2, "g2", 20, 0), pass(1, "no", 15, 0), drive(2, 0, MONDAY, MONDAY + HOUR)};
	judge(visits);
	cr_assert_eq(told.count, 1, "what is no gate does not come between");
	w.classes[2] = DEVICE_CLASS_TRUCK;
	judge(visits);
	cr_assert_eq(told.count, 0);
}

Test(convoy, order_and_repeats_do_not_matter)
{
	struct fact visits[] = {pass(1, "g0", 0, 0),  pass(2, "g0", 1, 0),  pass(1, "g1", 10, 0), pass(2, "g1", 11, 0),
				pass(1, "g2", 20, 0), pass(2, "g2", 21, 0), pass(1, "g3", 30, 0), pass(2, "g3", 31, 0)};
	struct fact again[16];
	judge(visits);
	cr_assert_eq(told.count, 1);
	struct finding first = told.findings[0];
	cr_assert_eq(first.numbers[FINDING_PEAK], 4);
	cr_assert_eq(first.found_ms, MONDAY + 21 * MINUTE);
	for (int i = 0; i < 16; i++)
		again[i] = visits[(i * 5 + 3) % 8];
	judge(again);
	cr_assert_eq(told.count, 1);
	struct buf a = buf_init(1024), b = buf_init(1024);
	cr_assert_eq(finding_encode(&first, &a), STATUS_OK);
	cr_assert_eq(finding_encode(&told.findings[0], &b), STATUS_OK);
	cr_assert(span_equal(buf_view(&a), buf_view(&b)));
	buf_deinit(&a);
	buf_deinit(&b);
}

Test(convoy, it_is_open_until_one_goes_alone_or_the_pause_is_over)
{
	struct fact visits[] = {pass(1, "g0", 0, 0),  pass(2, "g0", 0, 0),  pass(1, "g1", 10, 0), pass(2, "g1", 10, 0),
				pass(1, "g2", 20, 0), pass(2, "g2", 20, 0), pass(1, "g3", 30, 0)};
	judge_as_of(visits, 7, MONDAY + 19 * MINUTE);
	cr_assert_eq(told.count, 0);
	judge_as_of(visits, 7, MONDAY + 25 * MINUTE);
	cr_assert(told.count == 1 && told.findings[0].open);
	judge_as_of(visits, 7, MONDAY + 35 * MINUTE);
	cr_assert(told.count == 1 && !told.findings[0].open);
	judge_as_of(visits, 6, MONDAY + 20 * MINUTE + 4 * HOUR + 1);
	cr_assert(told.count == 1 && !told.findings[0].open);
}

Test(convoy, a_gate_is_one_only_while_its_fence_is_valid)
{
	struct fact visits[] = {pass(1, "g0", 0, 0),  pass(2, "g0", 0, 0),  pass(1, "g1", 10, 0),
				pass(2, "g1", 10, 0), pass(1, "g2", 20, 0), pass(2, "g2", 20, 0)};
	end();
	w.context.fences = gates_of("convoy_gate", 6, MONDAY + 1);
	judge(visits);
	cr_assert_eq(told.count, 0);
}
