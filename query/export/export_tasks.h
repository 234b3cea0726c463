/* export_tasks.h -- tasks of the calendar as JSON objects and as a table. */
#ifndef ZAYTON_QUERY_EXPORT_TASKS_H
#define ZAYTON_QUERY_EXPORT_TASKS_H

#include "engine/register/calendar.h"
#include "query/export/json_out.h"
#include "query/export/paper.h"

/* bytes of one task, or of one deed, as JSON: every text escaped */
#define EXPORT_TASK_BYTES_MAX (96u << 10)

/* "2026-03-31", or null. */
void jout_day(struct json_out *j, int32_t day);
/* The object of one task. */
void export_task(struct json_out *j, const struct calendar_task *t);
/* The object of one deed. */
void export_task_deed(struct json_out *j, const struct calendar_deed *d);
/* The object of one enterprise. */
void export_task_subject(struct json_out *j, const struct calendar_subject *s);

/* An empty table of tasks, and a row of it. */
struct paper export_tasks_paper(void);
void export_task_row(struct paper *p, const struct calendar_task *t);

#endif
