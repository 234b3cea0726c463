/* The alarm queue: each live finding once, whatever is read twice; acknowledged, escalated by the clock, withdrawn. */
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine/core/clock.h"
#include "engine/duty/duty.h"
#include "support/harbour.h"

#define NOW INT64_C(1787220000000)
#define MINUTE MS_PER_MINUTE

static struct harbour_world world;
static struct duty *duty;
static uint64_t boat, truck;
static int64_t now_ms;

static const char policy_text[] = "{\"policies\": [{\"id\": \"dark\", \"kinds\": [\"silent\"], \"classes\": "
				  "[\"fishing\"], \"priority\": \"urgent\", "
				  "\"acknowledge\": \"5 min\", \"escalate\": [{\"after\": \"10 min\", \"to\": "
				  "\"值班长\"}, {\"after\": \"30 min\", "
				  "\"to\": \"乡安办\"}]}]}";

static void no_mistake(void *context, const char *path, const char *text)
{
	(void)context;
	cr_assert_fail("%s %s", path, text);
}

static void open_duty(void)
{
	struct alarm_policies *p;
	harbour_open(&world);
	cr_assert_eq(alarm_policies_parse(span_of_string(policy_text), no_mistake, NULL, &p), STATUS_OK);
	cr_assert_eq(duty_open(world.engine, p, false, &duty), STATUS_OK);
}

static void close_duty(void)
{
	duty_close(duty);
	engine_close(world.engine);
}

static void name_devices(void)
{
	boat = harbour_boat(&world, "A1", "fishing", "白奇", "houzhu");
	truck = 0x1122334455667788u;
	harbour_say(&world, truck, DEVICE_KIND_FILE, DEVICE_FIELD_CLASS, "muck", VALID_ALWAYS_FROM);
}

static void begin(void)
{
	world = (struct harbour_world){.dir = "/tmp/zayton-harbour-XXXXXX"};
	cr_assert(mkdtemp(world.dir));
	now_ms = NOW;
	open_duty();
	name_devices();
}

static void end(void)
{
	duty_close(duty);
	harbour_end(&world);
}

TestSuite(alarms, .init = begin, .fini = end, .timeout = 120);

/* --- findings --- */

static void tell(uint64_t device, int64_t start_ms, bool open, bool all)
{
	struct told_finding t = {.decided = {start_ms + 1000, 7}};
	t.finding = (struct finding){.subject = device,
				     .device = device,
				     .kind = RULE_SILENT,
				     .confidence = CONFIDENCE_HIGH,
				     .open = open,
				     .start_ms = start_ms,
				     .end_ms = start_ms + 1000,
				     .found_ms = start_ms,
				     .start_lat_e7 = 249000000,
				     .start_lon_e7 = 1187200000};
	strcpy(t.finding.rule, "boat-dark");
	for (unsigned n = 0; n < FINDING_NUMBER_COUNT; n++)
		t.finding.numbers[n] = NUMBER_UNKNOWN;
	struct replacement r = {.subject = device,
				.stage = 1,
				.scope = all ? REPLACE_ALL : REPLACE_TOLD,
				.keep_before_ms = INT64_MIN,
				.findings = &t,
				.finding_count = 1,
				.now_ms = now_ms};
	cr_assert_eq(findings_replace(engine_findings(world.engine), &r, NULL, NULL), STATUS_OK);
}

static void withdraw(uint64_t device)
{
	struct replacement r = {
		.subject = device, .stage = 1, .scope = REPLACE_ALL, .keep_before_ms = INT64_MIN, .now_ms = now_ms};
	cr_assert_eq(findings_replace(engine_findings(world.engine), &r, NULL, NULL), STATUS_OK);
}

static void run(void)
{
	cr_assert_eq(alarms_run(duty_alarms(duty), now_ms), STATUS_OK);
}

static enum status count_row(void *context, const void *row)
{
	(void)row;
	++*(unsigned *)context;
	return STATUS_OK;
}

static void expect_alarms(unsigned all, unsigned open)
{
	unsigned count = 0;
	cr_assert_eq(alarms_list(duty_alarms(duty), 0, count_row, &count), STATUS_OK);
	cr_expect_eq(count, all, "%u alarms", count);
	cr_expect_eq(alarms_open_count(duty_alarms(duty)), open);
}

static struct alarm alarm_of(uint64_t id)
{
	struct alarm a;
	cr_assert_eq(alarms_get(duty_alarms(duty), id, &a), STATUS_OK);
	return a;
}

/* --- tests --- */

Test(alarms, a_live_finding_of_a_policy_rings_once)
{
	tell(boat, NOW - MINUTE, true, false);
	tell(truck, NOW - MINUTE, true, false);
	run();
	run();
	expect_alarms(1, 1);
	struct alarm a = alarm_of(1);
	cr_expect_eq(a.device, boat);
	cr_expect_eq(a.due_ms, NOW + 5 * MINUTE);
	cr_expect_eq(a.priority, ALARM_URGENT);
	cr_expect_str_eq(a.name, "boat:A1");
	close_duty();
	open_duty();
	run();
	expect_alarms(1, 1);
}

Test(alarms, what_is_old_does_not_ring)
{
	tell(boat, NOW - ALARM_NEWS_MS - 1, true, false);
	run();
	expect_alarms(0, 0);
	withdraw(boat);
	tell(boat, NOW - ALARM_NEWS_MS, true, false);
	now_ms = NOW + ALARM_STALE_MS + 1;
	run();
	expect_alarms(0, 0);
	tell(boat, now_ms - ALARM_NEWS_MS, false, true);
	run();
	expect_alarms(1, 1);
}

Test(alarms, an_alarm_is_acknowledged_by_one)
{
	tell(boat, NOW - MINUTE, true, false);
	run();
	cr_expect_eq(alarms_acknowledge(duty_alarms(duty), 1, "", "", NOW), STATUS_INVALID);
	cr_expect_eq(alarms_acknowledge(duty_alarms(duty), 2, "王", "", NOW), STATUS_NOT_FOUND);
	cr_assert_eq(alarms_acknowledge(duty_alarms(duty), 1, "王", "已电话联系", NOW + 2 * MINUTE), STATUS_OK);
	cr_expect_eq(alarms_acknowledge(duty_alarms(duty), 1, "李", "", NOW + 3 * MINUTE), STATUS_CONFLICT);
	struct alarm a = alarm_of(1);
	cr_expect_str_eq(a.acknowledged_by, "王");
	cr_expect_eq(a.acknowledged_ms, NOW + 2 * MINUTE);
	now_ms = NOW + 2 * MS_PER_HOUR;
	run();
	cr_expect_eq(alarm_of(1).level, 0, "nobody is told of what was acknowledged");
	close_duty();
	open_duty();
	expect_alarms(1, 0);
}

Test(alarms, the_clock_escalates_what_nobody_acknowledges)
{
	tell(boat, NOW - MINUTE, true, false);
	run();
	now_ms = NOW + 10 * MINUTE - 1;
	run();
	cr_expect_eq(alarm_of(1).level, 0);
	now_ms++;
	run();
	run();
	cr_expect_eq(alarm_of(1).level, 1);
	cr_expect_str_eq(alarm_of(1).escalated_to, "值班长");
	close_duty();
	open_duty();
	now_ms = NOW + 30 * MINUTE;
	run();
	cr_expect_eq(alarm_of(1).level, 2);
	now_ms = NOW + 9 * MS_PER_HOUR;
	run();
	cr_expect_eq(alarm_of(1).level, 2);
	cr_expect_eq(alarm_of(1).row.events, 3);
}

Test(alarms, a_finding_that_goes_takes_its_alarm_along_unless_somebody_came_first)
{
	tell(boat, NOW - MINUTE, true, false);
	run();
	withdraw(boat);
	run();
	expect_alarms(1, 0);
	cr_expect_eq(alarm_of(1).state, ALARM_WITHDRAWN);
	tell(boat, NOW - 2 * MINUTE, true, false);
	run();
	expect_alarms(2, 1);
	cr_assert_eq(alarms_acknowledge(duty_alarms(duty), 2, "王", "", NOW), STATUS_OK);
	withdraw(boat);
	run();
	cr_expect_eq(alarm_of(2).state, ALARM_ACKNOWLEDGED);
	cr_expect(alarm_of(2).ended);
}

Test(alarms, handling_the_finding_acknowledges_and_its_end_is_noted)
{
	tell(boat, NOW - MINUTE, true, false);
	run();
	tell(boat, NOW - MINUTE, false, true);
	run();
	cr_expect(alarm_of(1).ended);
	cr_expect_eq(alarm_of(1).state, ALARM_OPEN);
	cr_assert_eq(violation_handle(engine_findings(world.engine), alarm_of(1).violation, "王", "电话", "", NOW),
		     STATUS_OK);
	run();
	cr_expect_eq(alarm_of(1).state, ALARM_ACKNOWLEDGED);
}

Test(alarms, a_shift_is_handed_over_with_its_figures)
{
	struct alarm_times t;
	for (int i = 0; i < 10; i++) {
		now_ms = NOW + i * MINUTE;
		tell(boat, now_ms - 5000, false, false);
		run();
	}
	for (int i = 0; i < 9; i++)
		cr_assert_eq(alarms_acknowledge(duty_alarms(duty), (uint64_t)i + 1, "王", "",
						NOW + i * MINUTE + (i + 1) * MINUTE),
			     STATUS_OK);
	cr_assert_eq(alarms_times(duty_alarms(duty), NOW, NOW + 10 * MINUTE, &t), STATUS_OK);
	cr_expect_eq(t.raised, 10);
	cr_expect_eq(t.acknowledged, 9);
	cr_expect_eq(t.in_time, 5);
	cr_expect_eq(t.open, 1);
	cr_expect_eq(t.p50_ms, 5 * MINUTE);
	cr_expect_eq(t.p90_ms, 9 * MINUTE);
	cr_expect_eq(t.max_ms, 9 * MINUTE);
	struct shift_entry e, accept;
	record_clear(&shift_entry_kind, &e);
	strcpy(e.who, "王");
	strcpy(e.to, "李");
	e.at_ms = NOW + MS_PER_HOUR;
	cr_assert_eq(duty_hand_over(duty, &e), STATUS_OK);
	cr_expect_eq(e.alarms_raised, 10);
	cr_expect_eq(e.alarms_open, 1);
	cr_expect_eq(e.alarms_in_time, 5);
	cr_expect_eq(shift_log_shift(duty_shift_log(duty)), NOW + MS_PER_HOUR);
	record_clear(&shift_entry_kind, &accept);
	strcpy(accept.who, "李");
	accept.kind = SHIFT_TAKEOVER;
	accept.refers = e.number + 1;
	cr_expect_eq(shift_log_add(duty_shift_log(duty), &accept), STATUS_INVALID);
	accept.refers = e.number;
	cr_assert_eq(shift_log_add(duty_shift_log(duty), &accept), STATUS_OK);
	cr_expect_eq(shift_log_add(duty_shift_log(duty), &accept), STATUS_CONFLICT);
	close_duty();
	open_duty();
	cr_expect_eq(shift_log_shift(duty_shift_log(duty)), NOW + MS_PER_HOUR);
}

/* --- a process that ends in between --- */

#ifdef ZAYTON_CRASH_POINTS
Test(alarms_crash, an_alarm_rings_once_after_a_crash, .timeout = 120)
{
	world = (struct harbour_world){.dir = "/tmp/zayton-harbour-XXXXXX"};
	cr_assert(mkdtemp(world.dir));
	fflush(NULL);
	pid_t child = fork(); /* no store was opened here before */
	cr_assert_neq(child, -1);
	if (child == 0) {
		setenv("ZAYTON_CRASH", "alarm_step:2", 1);
		now_ms = NOW;
		open_duty();
		name_devices();
		for (int i = 0; i < 3; i++)
			tell(boat, NOW - MINUTE + i * 5000, false, false);
		run();
		_exit(0);
	}
	int status;
	cr_assert_eq(waitpid(child, &status, 0), child);
	cr_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	now_ms = NOW;
	open_duty();
	expect_alarms(2, 2);
	run();
	expect_alarms(3, 3);
	end();
}
#endif

/* --- the policy --- */

static void count_mistake(void *context, const char *path, const char *text)
{
	(void)path, (void)text;
	++*(unsigned *)context;
}

Test(alarm_policy, every_mistake_is_told)
{
	struct alarm_policies *p;
	unsigned mistakes = 0;
	const char *text =
		"{\"policies\": [{\"id\": \"A\", \"acknowledge\": \"soon\", \"classes\": [\"ship\"], \"severity\": 4, "
		"\"colour\": 1, \"escalate\": [{\"after\": \"5 min\", \"to\": \"\"}]}]}";
	cr_assert_eq(alarm_policies_parse(span_of_string(text), count_mistake, &mistakes, &p), STATUS_MALFORMED);
	cr_expect_eq(mistakes, 6);
	cr_assert_eq(alarm_policies_parse(alarm_policies_default(), no_mistake, NULL, &p), STATUS_OK);
	cr_expect_not_null(alarm_policy_of(p, "x", "silent", DEVICE_CLASS_FISHING_BOAT, 3));
	cr_expect_null(alarm_policy_of(p, "x", "silent", DEVICE_CLASS_MUCK_TRUCK, 3));
	cr_expect_null(alarm_policy_of(p, "x", "silent", DEVICE_CLASS_FISHING_BOAT, 1));
	alarm_policies_free(p);
}
