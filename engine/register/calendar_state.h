/* calendar_state.h -- the calendar's inside, shared by the files that keep deeds and that list tasks. */
#ifndef ZAYTON_REGISTER_CALENDAR_STATE_H
#define ZAYTON_REGISTER_CALENDAR_STATE_H

#include <pthread.h>

#include "engine/register/calendar.h"
#include "engine/register/entry.h"

/* What deeds fold to. */
struct standing {
	uint64_t id;
	uint32_t deeds;
	uint16_t done, reminded, escalated;
	bool waived;
	int32_t done_day, start_day, due_day; /* start, due: as of the last deed that said them */
	char *texts[TASK_FIELD_COUNT];        /* NULL: nothing is said */
	char *who, *note, *evidence;          /* of the last DONE, WAIVE, REOPEN */
};

struct subject {
	char *name, *village, *sector;
	uint8_t risk;
	bool high_risk;
	int32_t since_day, until_day;
};

struct calendar {
	struct store *store;
	struct calendar_rules *rules;
	struct figures *figures;
	pthread_mutex_t doing;     /* one deed at a time */
	pthread_rwlock_t lock;     /* of what follows */
	struct standing *standing; /* by id */
	size_t standing_count, standing_capacity;
	struct subject *subjects; /* by name */
	size_t subject_count, subject_capacity;
	uint64_t subject_sequence;
	uint64_t notice_sequence;
};

/* NULL: nothing was said of it. */
struct standing *standing_find(const struct calendar *c, uint64_t id);
/* The rule of that id; NULL: it is gone, or there never was one. */
const struct calendar_rule *calendar_rule_named(const struct calendar *c, const char *id);
/* The rule by which `s` still comes of itself; NULL: it is a task of its own now. Under the lock. */
const struct calendar_rule *standing_rule(const struct calendar *c, const struct standing *s);
bool rule_wants_subject(const struct calendar_rule *rule, const struct subject *s, const struct calendar_due *due);
/* Whose days of reminding and escalating hold: the rule's, or those of tasks that were entered. */
const struct calendar_rule *task_steps(const struct calendar_task *t);
uint64_t task_id_of_rule(const struct calendar_rule *rule, const char *period, const char *subject);
static inline struct span text_or_empty(const char *text)
{
	return text ? span_of_string(text) : span_of(NULL, 0);
}

/* calendar_deed.c: version 1 | deed 1 | actor (entry.h) | day 4 | start 4 | due 4 | level 2 | note | evidence |
 * count 1 | (field 1 | text) ... */
STATUS_CHECKED enum status calendar_deed_encode(const struct calendar_deed *d, struct buf *out);
STATUS_CHECKED enum status calendar_deed_decode(struct span row, struct calendar_deed *out);

/* A deed's texts, copied. */
struct deed_copies {
	char *texts[TASK_FIELD_COUNT], *who, *note, *evidence;
};
void deed_copies_free(struct deed_copies *k);
/* All that folding needs, so that it cannot fail behind a commit: room for the task, and the texts. STATUS_FULL,
 * STATUS_NO_MEMORY: nothing is kept. */
STATUS_CHECKED enum status calendar_fold_prepare(struct calendar *c, uint64_t id, const struct calendar_deed *d,
						 struct deed_copies *out);
/* Into what stands, which is made when it is missing; takes the copies over. */
void calendar_fold(struct calendar *c, uint64_t id, const struct calendar_deed *d, struct deed_copies *k);

#endif
