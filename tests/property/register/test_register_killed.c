/* Killed before and behind the commit of every step: what was committed is there, what was not is not, and every list
 * is what the histories say. */
#include <criterion/criterion.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine/core/clock.h"
#include "engine/register/calendar.h"
#include "engine/register/hazards.h"

#ifdef ZAYTON_CRASH_POINTS

/* 2026-03-02 12:00 in China */
#define NOON INT64_C(1772424000000)

static char dir[64];
static struct store *store;
static struct hazards *hazards;
static struct figures *figures;
static struct calendar *calendar;

/* A child's complaint: Criterion's asserts belong to the parent. */
static void must(bool good, const char *what)
{
	if (good)
		return;
	fprintf(stderr, "child: %s\n", what);
	_exit(3);
}

static void mistake(void *context, const char *path, const char *text)
{
	(void)context, (void)path, (void)text;
}

static void open_all(void)
{
	struct store_options options = {.dir = dir, .create = true};
	struct hazard_policy law = hazard_policy_default();
	struct calendar_rules *rules;
	must(!store_open(&options, &store), "store");
	must(!hazards_open(store, &law, &hazards), "register");
	must(!figures_open(store, &figures), "figures");
	must(!calendar_rules_parse(calendar_rules_default(), mistake, NULL, &rules), "rules");
	must(!calendar_open(store, rules, figures, &calendar), "calendar");
}

static void close_all(void)
{
	calendar_close(calendar);
	figures_close(figures);
	hazards_close(hazards);
	store_close(store);
}

/* --- the steps of one hazard, from being found to coming back --- */

#define OFFICE HAZARD_ROLE_OFFICE, "林安", "乡安办"
#define FIRM HAZARD_ROLE_ENTERPRISE, "陈责", "海湾仓储"
#define CLERK HAZARD_ROLE_CLERK, "王验", "企业服务中心"

static const struct {
	uint8_t step, role;
	const char *name, *unit, *document, *file;
	struct {
		uint8_t field;
		const char *value;
	} says[6];
} script[] = {
	{HAZARD_STEP_FIND,
	 OFFICE,
	 NULL,
	 NULL,
	 {{HAZARD_FIELD_SOURCE, "inspection"},
	  {HAZARD_FIELD_FOUND, "2026-03-01T09:00:00+08:00"},
	  {HAZARD_FIELD_DESCRIPTION, "堆垛不规范"},
	  {HAZARD_FIELD_COMPANY, "海湾仓储"}}},
	{HAZARD_STEP_ATTACH, OFFICE, NULL, "照片", {{0, NULL}}},
	{HAZARD_STEP_REGISTER,
	 OFFICE,
	 NULL,
	 NULL,
	 {{HAZARD_FIELD_SITE, "一号仓库"}, {HAZARD_FIELD_GRADE, "general"}, {HAZARD_FIELD_SECTOR, "消防"}}},
	{HAZARD_STEP_ASSIGN,
	 OFFICE,
	 NULL,
	 NULL,
	 {{HAZARD_FIELD_UNIT, "海湾仓储"},
	  {HAZARD_FIELD_PERSON, "陈责"},
	  {HAZARD_FIELD_SUPERVISOR, "企业服务中心"},
	  {HAZARD_FIELD_DEADLINE, "2026-03-10"}}},
	{HAZARD_STEP_START, FIRM, NULL, NULL, {{0, NULL}}},
	{HAZARD_STEP_EXTEND, OFFICE, NULL, NULL, {{HAZARD_FIELD_DEADLINE, "2026-03-12"}}},
	{HAZARD_STEP_APPLY, FIRM, NULL, NULL, {{HAZARD_FIELD_MEASURES, "重新码放"}}},
	{HAZARD_STEP_RETURN, CLERK, NULL, NULL, {{0, NULL}}},
	{HAZARD_STEP_APPLY, FIRM, NULL, NULL, {{HAZARD_FIELD_MEASURES, "搬走"}}},
	{HAZARD_STEP_ACCEPT, CLERK, NULL, NULL, {{0, NULL}}},
	{HAZARD_STEP_HAND_OVER, OFFICE, "执1号", NULL, {{0, NULL}}},
	{HAZARD_STEP_ACCOUNT, OFFICE, "问1号", NULL, {{0, NULL}}},
	{HAZARD_STEP_CLOSE, OFFICE, NULL, NULL, {{0, NULL}}},
	{HAZARD_STEP_RECHECK, OFFICE, NULL, NULL, {{0, NULL}}},
	{HAZARD_STEP_RELAPSE, OFFICE, NULL, NULL, {{0, NULL}}},
};
#define STEPS (sizeof script / sizeof *script)

/* The next step that is not there yet. */
static void take_next(void)
{
	size_t at = (size_t)hazards_sequence(hazards);
	struct hazard_change changes[6];
	struct hazard_outcome out;
	struct hazard_order o = {.step = script[at].step,
				 .id = at > 0,
				 .at_ms = NOON + (int64_t)at * MS_PER_HOUR,
				 .actor = {.role = script[at].role},
				 .note = span_of_string("说明"),
				 .changes = changes};
	snprintf(o.actor.name, sizeof o.actor.name, "%s", script[at].name);
	snprintf(o.actor.unit, sizeof o.actor.unit, "%s", script[at].unit);
	for (; o.change_count < 6 && script[at].says[o.change_count].field; o.change_count++)
		changes[o.change_count] = (struct hazard_change){script[at].says[o.change_count].field,
								 span_of_string(script[at].says[o.change_count].value)};
	if (script[at].document)
		o.document = span_of_string(script[at].document);
	if (script[at].file) {
		o.attachment = span_of_string(script[at].file);
		o.link = span_of_string("照片.jpg");
	}
	must(!hazards_step(hazards, &o, &out), "a step was refused");
}

/* --- held against the history --- */

static enum status fold(void *context, uint64_t id, const struct hazard_event *e,
			const uint8_t digest[HAZARD_DIGEST_SIZE])
{
	(void)id;
	return hazard_fold(context, e, digest);
}

static bool in_list(const struct hazard *h, unsigned list)
{
	switch (list) {
	case HAZARD_LIST_SUPERVISION:
		return h->state != HAZARD_FOUND && h->state != HAZARD_CLOSED;
	case HAZARD_LIST_HAZARDS:
		return true;
	case HAZARD_LIST_RECTIFICATION:
		return h->state >= HAZARD_ASSIGNED && h->state <= HAZARD_APPLIED;
	case HAZARD_LIST_ACCEPTANCE:
		return h->state == HAZARD_ACCEPTED || h->state == HAZARD_CLOSED;
	case HAZARD_LIST_ENFORCEMENT:
		return h->handed_over;
	default:
		return h->accountable;
	}
}

static size_t expected; /* steps, or deeds */

static void hold(void)
{
	struct buf complaints = buf_init(4096);
	struct hazard h;
	must(hazards_sequence(hazards) == expected, "another number of steps");
	must(!hazards_check(store, &complaints), "the check complains");
	hazard_init(&h, 1);
	must(!hazards_history(hazards, 1, 0, fold, &h), "the history does not fold");
	must(h.events == expected, "another number of events");
	for (unsigned list = 0; list < HAZARD_LIST_COUNT && expected; list++) {
		struct hazard_filter f = {.list = (uint8_t)list, .today = hazard_day(NOON)};
		struct hazard_cursor cursor = {0};
		uint64_t id;
		must(hazards_page(hazards, &f, HAZARD_BY_ID, &cursor, &id, 1) == in_list(&h, list),
		     hazard_list_token(list));
	}
	hazard_deinit(&h);
	buf_deinit(&complaints);
}

static void hold_and_take(void)
{
	hold();
	take_next();
}

/* RocksDB's threads do not come along to a child: the parent opens no store at all. */
static int in_child(void (*work)(void), const char *crash)
{
	int state;
	pid_t child = fork();
	cr_assert_geq(child, 0);
	if (child == 0) {
		if (crash)
			setenv("ZAYTON_CRASH", crash, 1);
		open_all();
		work();
		close_all();
		_exit(0);
	}
	cr_assert_eq(waitpid(child, &state, 0), child);
	return state;
}

static void killed(void (*work)(void), const char *crash)
{
	int state = in_child(work, crash);
	cr_assert(WIFSIGNALED(state) && WTERMSIG(state) == SIGKILL, "%s at %zu: state %d", crash, expected, state);
}

static int remove_entry(const char *at, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st, (void)type, (void)ftw;
	return remove(at);
}

static void begin(void)
{
	strcpy(dir, "/tmp/zayton-killed-XXXXXX");
	cr_assert(mkdtemp(dir));
	expected = 0;
}

static void end(void)
{
	nftw(dir, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

TestSuite(register_killed, .init = begin, .fini = end, .timeout = 300);

Test(register_killed, before_and_behind_every_step_the_lists_are_the_history)
{
	for (; expected < STEPS; expected++) {
		killed(hold_and_take, "step_before:1");
		killed(hold_and_take, "step_committed:1");
	}
	cr_assert_eq(in_child(hold, NULL), 0);
}

/* --- the calendar --- */

static uint64_t task;
static unsigned state, deeds;

static enum status note_task(void *context, const struct calendar_task *t)
{
	(void)context;
	task = t->id;
	state = t->state;
	deeds = t->version;
	return STATUS_OK;
}

/* The report of the month; as many deeds as expected, and the state that they make. */
static void hold_task(void)
{
	static const uint8_t states[] = {TASK_OPEN, TASK_DONE, TASK_OPEN, TASK_WAIVED};
	int32_t today = hazard_day(NOON);
	struct calendar_filter f = {
		.from_day = today, .to_day = today + 28, .today = today, .rule = span_of_string("annex6-month")};
	must(!calendar_list(calendar, &f, note_task, NULL), "the list");
	must(deeds == expected && state == states[expected], "another state");
}

static void hold_and_do(void)
{
	static const uint8_t script_of_task[] = {TASK_DEED_DONE, TASK_DEED_REOPEN, TASK_DEED_WAIVE};
	struct calendar_outcome out;
	hold_task();
	struct calendar_order o = {.deed = script_of_task[expected],
				   .id = task,
				   .at_ms = NOON,
				   .actor = {HAZARD_ROLE_OFFICE, "林安", "乡安办"},
				   .note = span_of_string("说明"),
				   .day = HAZARD_DAY_NONE,
				   .start_day = HAZARD_DAY_NONE,
				   .due_day = HAZARD_DAY_NONE};
	must(!calendar_do(calendar, &o, &out), "a deed was refused");
}

Test(register_killed, before_and_behind_every_deed_a_task_stands_as_its_deeds_say)
{
	for (; expected < 3; expected++) {
		killed(hold_and_do, "entry_before:1");
		killed(hold_and_do, "entry_committed:1");
	}
	cr_assert_eq(in_child(hold_task, NULL), 0);
}
#endif
