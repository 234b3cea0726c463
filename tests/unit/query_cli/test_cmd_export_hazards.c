/* `export hazards` as the program runs it, on a store in a temporary folder: the file, the audit, what is refused. */
#include <criterion/criterion.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/core/clock.h"
#include "engine/core/log.h"
#include "engine/fleet/audit.h"
#include "engine/fleet/engine.h"
#include "engine/register/hazards.h"
#include "query/cli/cli.h"
#include "support/workbook_reader.h"

static char folder[64];

static struct engine *open_engine(void)
{
	struct engine_options o = engine_options_default("data");
	struct engine *e;
	o.create = true;
	cr_assert_eq(engine_open(&o, &e), STATUS_OK);
	return e;
}

static void find(struct hazards *r, const char *village)
{
	struct hazard_change changes[] = {
		{HAZARD_FIELD_SOURCE, span_of_string("inspection")},
		{HAZARD_FIELD_FOUND, span_of_string("2026-03-01T09:00:00+08:00")},
		{HAZARD_FIELD_DESCRIPTION, span_of_string("堆垛不规范")},
		{HAZARD_FIELD_VILLAGE, span_of_string(village)},
	};
	struct hazard_order order = {.step = HAZARD_STEP_FIND,
				     .at_ms = clock_now_ms(),
				     .actor = {HAZARD_ROLE_OFFICE, "林安", "乡安办"},
				     .changes = changes,
				     .change_count = sizeof changes / sizeof *changes};
	struct hazard_outcome outcome;
	cr_assert_eq(hazards_step(r, &order, &outcome), STATUS_OK);
}

static void begin(void)
{
	struct hazard_policy law = hazard_policy_default();
	struct hazards *r;
	log_set_level(LOG_ERROR);
	snprintf(folder, sizeof folder, "/tmp/zayton-books-XXXXXX");
	cr_assert(mkdtemp(folder) != NULL);
	cr_assert(chdir(folder) == 0);
	struct engine *e = open_engine();
	cr_assert_eq(hazards_open(engine_store(e), &law, &r), STATUS_OK);
	find(r, "白奇");
	find(r, "里春");
	find(r, "白奇");
	hazards_close(r);
	engine_close(e);
}

static int remove_one(const char *path, const struct stat *seen, int kind, struct FTW *at)
{
	(void)seen, (void)kind, (void)at;
	return remove(path);
}

static void end(void)
{
	cr_assert(chdir("/") == 0);
	nftw(folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

TestSuite(cmd_export_hazards, .init = begin, .fini = end, .timeout = 120);

static int run(const char *line)
{
	char words[400], *argv[32];
	int argc = 0;
	snprintf(words, sizeof words, "%s", line);
	for (char *word = strtok(words, " "); word; word = strtok(NULL, " "))
		argv[argc++] = word;
	argv[argc] = NULL;
	return cmd_export(argc, argv);
}

static unsigned rows_of(const char *path, const char *sheet)
{
	struct workbook w;
	workbook_open(&w, path);
	unsigned rows = workbook_sheet(&w, sheet)->rows - 1;
	workbook_shut(&w);
	return rows;
}

static enum status keep_entry(void *context, const struct audit_entry *e)
{
	*(struct audit_entry *)context = *e;
	return STATUS_OK;
}

Test(cmd_export_hazards, a_book_is_written_whole_and_is_on_record)
{
	struct audit_entry entry = {0};
	cr_assert_eq(run("export hazards --data data --kind lists -o lists.xlsx"), 0);
	cr_assert_eq(rows_of("lists.xlsx", "隐患清单"), 3);
	cr_assert_eq(run("export hazards --data data --kind village --name 白奇 -o village.xlsx"), 0);
	cr_assert_eq(rows_of("village.xlsx", "隐患台账"), 2);
	cr_assert_eq(access("village.xlsx.part", F_OK), -1);
	struct engine *e = open_engine();
	cr_assert_eq(audit_read(engine_store(e), INT64_MAX, 1, keep_entry, &entry), STATUS_OK);
	engine_close(e);
	cr_assert_str_eq(entry.action, "hazard book village");
	cr_assert_str_eq(entry.case_number, "白奇");
}

Test(cmd_export_hazards, what_cannot_be_is_said_and_leaves_no_file)
{
	cr_assert_eq(run("export hazards --data data --kind lists"), 2);
	cr_assert_eq(run("export hazards --data data --kind village -o a.xlsx"), 2);
	cr_assert_eq(run("export hazards --data data --kind lists --name 白奇 -o a.xlsx"), 2);
	cr_assert_eq(run("export hazards --data data --kind island -o a.xlsx"), 2);
	cr_assert_eq(run("export hazards --data data --kind lists --from 2026-03-02 --to 2026-03-01 -o a.xlsx"), 2);
	cr_assert_eq(run("export hazards --data nowhere --kind lists -o a.xlsx"), 1);
	cr_assert_eq(run("export hazards --data data --kind lists -o nowhere/a.xlsx"), 1);
	cr_assert_eq(access("a.xlsx", F_OK), -1);
	cr_assert_eq(run("export hazards --data data --kind lists --from 2026-03-02 -o a.xlsx"), 0);
	cr_assert_eq(rows_of("a.xlsx", "隐患清单"), 0);
}
