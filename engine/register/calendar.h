/* calendar.h -- the calendar of the programme (日历): what is to be done by when, by whom, and what became of it.
 *
 *   rules x periods x subjects ──> tasks that come of themselves ─┐
 *   entered, imported ──────────> tasks of their own ─────────────┴─> + deeds (who, when, note, evidence) = state
 *
 *                  remind days      due          escalate days
 *   upcoming │ open     │ due_soon   │ overdue     │ level 1   │ level 2 ...
 *            start                        done | done_late | waived
 *
 *   family `task`   0x01 | task 8 | number 4 -> a deed (entry.h); 0x02 | sequence 8 -> an enterprise as it was entered
 *                   0x05 | sequence 8 -> task 8 | number 4: a deed that tells people something
 *
 * A task is the hash of its rule, period and subject, or of its annex, number, title and subject: it needs no row until
 * something is said of it. Deeds are never rewritten and all state is folded from them on opening, so that list and
 * history cannot part. A deed keeps what its task was then; when a rule goes, the task stays as it was.
 *
 * Threads: any but an event loop. Deeds are done one at a time; readers see whole ones. */
#ifndef ZAYTON_REGISTER_CALENDAR_H
#define ZAYTON_REGISTER_CALENDAR_H

#include "engine/register/calendar_rules.h"

/* tasks of one answer and of which something was said, deeds of one task, enterprises */
#define CALENDAR_TASKS_MAX 200000
#define CALENDAR_DEEDS_MAX 4096
#define CALENDAR_SUBJECTS_MAX 20000
/* reminders written in one tick; the rest follow in the next */
#define CALENDAR_NOTICES_MAX 2000

/* X(code, NAME, "token", "Chinese") */
#define TASK_STATE_TABLE(X)                                                                                            \
	X(0, UPCOMING, "upcoming", "未到期")                                                                           \
	X(1, OPEN, "open", "进行中")                                                                                   \
	X(2, DUE_SOON, "due_soon", "临期")                                                                             \
	X(3, OVERDUE, "overdue", "逾期")                                                                               \
	X(4, DONE, "done", "已完成")                                                                                   \
	X(5, DONE_LATE, "done_late", "逾期完成")                                                                       \
	X(6, WAIVED, "waived", "免除")

#define TASK_DEED_TABLE(X)                                                                                             \
	X(1, ADD, "add", "新增")                                                                                       \
	X(2, AMEND, "amend", "更正")                                                                                   \
	X(3, DONE, "done", "办结")                                                                                     \
	X(4, WAIVE, "waive", "免除")                                                                                   \
	X(5, REOPEN, "reopen", "重开")                                                                                 \
	X(6, NOTE, "note", "备注")                                                                                     \
	X(7, REMIND, "remind", "提醒")                                                                                 \
	X(8, ESCALATE, "escalate", "逾期上报")

/* X(code, NAME, "token", "Chinese"): texts of a task */
#define TASK_FIELD_TABLE(X)                                                                                            \
	X(1, ANNEX, "annex", "附件")                                                                                   \
	X(2, NUMBER, "number", "序号")                                                                                 \
	X(3, TITLE, "title", "任务")                                                                                   \
	X(4, UNIT, "unit", "责任单位")                                                                                 \
	X(5, PARTNERS, "partners", "配合单位")                                                                         \
	X(6, PERSON, "person", "责任人")                                                                               \
	X(7, SUBJECT, "subject", "对象")                                                                               \
	X(8, BASIS, "basis", "依据")                                                                                   \
	X(9, REMARK, "remark", "备注")                                                                                 \
	X(10, RULE, "rule", "规则")                                                                                    \
	X(11, PERIOD, "period", "期间")

/* X(NAME, "token", "English", "Chinese"): why a deed is refused */
#define TASK_REFUSAL_TABLE(X)                                                                                          \
	X(NONE, "none", "allowed", "可以")                                                                             \
	X(ROLE, "role", "this role may not do this", "该角色无权办理")                                                 \
	X(NOT_OWN, "not_own", "only the unit or enterprise it is of, or the safety office",                            \
	  "只能由责任单位、本企业或安办办理")                                                                          \
	X(STATE, "state", "the task does not stand so", "任务状态不符")                                                \
	X(OF_RULE, "of_rule", "the rule says what it is", "此任务由规则生成，不能更正")                                \
	X(NOTE, "note", "this needs a note", "须填写说明")                                                             \
	X(MISSING, "missing", "title, unit and due day are needed", "须有任务、责任单位和期限")                        \
	X(DAY, "day", "the day is in the future, or the dates are out of order", "日期在将来或前后颠倒")

#define X(code, NAME, token, chinese) TASK_##NAME = code,
enum task_state { TASK_STATE_TABLE(X) TASK_STATE_COUNT };
#undef X
#define X(code, NAME, token, chinese) TASK_DEED_##NAME = code,
enum task_deed { TASK_DEED_TABLE(X) TASK_DEED_COUNT };
#undef X
#define X(code, NAME, token, chinese) TASK_FIELD_##NAME = code,
enum task_field { TASK_FIELD_TABLE(X) TASK_FIELD_COUNT };
#undef X
#define X(NAME, token, english, chinese) TASK_REFUSAL_##NAME,
enum task_refusal { TASK_REFUSAL_TABLE(X) TASK_REFUSAL_COUNT };
#undef X

/* Words of the tables; "unknown" for a code outside; static storage. */
const char *task_state_token(unsigned state);
const char *task_state_chinese(unsigned state);
const char *task_deed_token(unsigned deed);
const char *task_deed_chinese(unsigned deed);
const char *task_field_token(unsigned field);
const char *task_field_chinese(unsigned field);
const char *task_refusal_token(unsigned refusal);
const char *task_refusal_english(unsigned refusal);
const char *task_refusal_chinese(unsigned refusal);
/* A token or its Chinese word. STATUS_NOT_FOUND. */
STATUS_CHECKED enum status task_state_parse(struct span text, uint8_t *out);
STATUS_CHECKED enum status task_deed_parse(struct span text, uint8_t *out);
STATUS_CHECKED enum status task_field_parse(struct span text, uint8_t *out);

/* An enterprise that the calendar asks. */
struct calendar_subject {
	struct span name, village, sector;
	uint8_t risk; /* enum calendar_risk */
	bool high_risk;
	int32_t since_day, until_day; /* tasks due within; HAZARD_DAY_NONE: for ever */
};

/* One task as it stands on a day. Views last as long as the visit. */
struct calendar_task {
	uint64_t id;
	const struct calendar_rule *rule; /* NULL: entered, or its rule is gone */
	struct span texts[TASK_FIELD_COUNT];
	struct span village;              /* of the subject */
	int32_t start_day, due_day;       /* the earliest date that any source names */
	int32_t days[CALENDAR_DATES_MAX]; /* by the rule's dates */
	unsigned day_count;
	uint8_t state; /* enum task_state */
	uint16_t done, wanted;
	int32_t done_day;                /* of the last deed; HAZARD_DAY_NONE */
	unsigned level;                  /* escalate days that are over */
	uint32_t version;                /* deeds so far */
	struct span who, note, evidence; /* of the last DONE, WAIVE or REOPEN */
	struct {                         /* of the rule's target, today */
		bool known;
		int64_t actual, of;
	} target;
};

struct calendar;
/* Takes `rules` over, also on failure. `figures` may be NULL: targets are unknown. STATUS_CORRUPT, STATUS_BAD_VERSION.
 */
STATUS_CHECKED enum status calendar_open(struct store *s, struct calendar_rules *rules, struct figures *figures,
					 struct calendar **out);
void calendar_close(struct calendar *c);

struct calendar_filter {
	int32_t from_day, to_day; /* due within, both included; at most some ten years apart */
	int32_t today;
	uint8_t states;                                  /* bits; 0: any */
	struct span unit, subject, annex, rule, village; /* exact; empty: any */
};

/* Every task that the filter lets through by due day and id. `visit` may stop with a status, which is returned; the
 * calendar is locked for reading meanwhile. STATUS_FULL: more than CALENDAR_TASKS_MAX. */
typedef enum status calendar_visit(void *context, const struct calendar_task *t);
STATUS_CHECKED enum status calendar_list(struct calendar *c, const struct calendar_filter *f, calendar_visit *visit,
					 void *context);
/* One task. STATUS_NOT_FOUND. */
STATUS_CHECKED enum status calendar_find(struct calendar *c, uint64_t id, int32_t today, calendar_visit *visit,
					 void *context);

/* A deed that somebody wants to do. */
struct calendar_order {
	uint8_t deed;     /* enum task_deed: ADD, AMEND, DONE, WAIVE, REOPEN, NOTE */
	uint64_t id;      /* ADD: 0 */
	uint32_t version; /* what whoever acts has seen; 0: whatever it is */
	int64_t at_ms;
	struct hazard_actor actor;
	struct span note,
		evidence; /* evidence: a document number, a digest, an address; at most HAZARD_NOTE_MAX, 255 */
	int32_t day;      /* DONE: when it was; HAZARD_DAY_NONE: today */
	struct span texts[TASK_FIELD_COUNT]; /* ADD, AMEND: up to REMARK; AMEND: what is given replaces */
	int32_t start_day, due_day;          /* ADD, AMEND; HAZARD_DAY_NONE: not given */
};
struct calendar_outcome {
	uint64_t id;
	uint32_t version;
	uint8_t refusal; /* enum task_refusal, of STATUS_DENIED */
};
/* Durable when it returns STATUS_OK. STATUS_DENIED with the reason; STATUS_CONFLICT: `version` is not what it is;
 * STATUS_NOT_FOUND; STATUS_EXISTS: an ADD of what is there, `id` says where; STATUS_TOO_LONG, STATUS_MALFORMED of a
 * text; STATUS_FULL past a bound. */
STATUS_CHECKED enum status calendar_do(struct calendar *c, const struct calendar_order *o,
				       struct calendar_outcome *out);

/* One deed of a history. Views last for the call. */
struct calendar_deed {
	uint32_t number; /* 1, 2, ... */
	uint8_t deed;
	struct hazard_actor actor;
	int64_t at_ms;
	int32_t day, start_day, due_day;
	uint16_t level; /* REMIND, ESCALATE: which of the days, from 1 */
	struct span note, evidence;
	struct span texts[TASK_FIELD_COUNT];
};
typedef enum status calendar_deed_visit(void *context, uint64_t id, const struct calendar_deed *d);
STATUS_CHECKED enum status calendar_history(struct calendar *c, uint64_t id, calendar_deed_visit *visit, void *context);

/* An enterprise as it is from now on; the last entry of a name counts. STATUS_DENIED: this role enters none;
 * STATUS_INVALID, STATUS_TOO_LONG, STATUS_MALFORMED, STATUS_OUT_OF_RANGE; STATUS_FULL past CALENDAR_SUBJECTS_MAX. */
STATUS_CHECKED enum status calendar_subject_set(struct calendar *c, const struct calendar_subject *s,
						const struct hazard_actor *actor, int64_t at_ms);
typedef enum status calendar_subject_visit(void *context, const struct calendar_subject *s);
/* By name; locked for reading meanwhile. */
STATUS_CHECKED enum status calendar_subjects(struct calendar *c, calendar_subject_visit *visit, void *context);

/* Write down the reminders and delays that are due now, each once: `system` reminds and escalates. Returns how many
 * through `out`, at most CALENDAR_NOTICES_MAX. */
STATUS_CHECKED enum status calendar_tick(struct calendar *c, int64_t now_ms, size_t *out);

/* Reminders and delays behind `after` in the order in which they were written, for those who pass them on;
 * `*out_sequence` is the last that `visit` took with STATUS_OK (`after` when none). */
STATUS_CHECKED enum status calendar_notices(struct calendar *c, uint64_t after, calendar_deed_visit *visit,
					    void *context, uint64_t *out_sequence);
/* Of the last notice; 0: none was ever written. */
uint64_t calendar_notices_last(struct calendar *c);

#endif
