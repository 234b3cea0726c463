/* calendar_rules.h -- what the programme wants again and again, by when: a JSON file, read whole, every mistake by its
 * path.
 *
 *   {"rules": [{
 *      "id": "self-check",                    a-z 0-9 -: stays for ever, names tasks
 *      "annex": "15", "title": "企业每季度全面排查", "unit": "乡安办", "basis": "...", "remark": "...",
 *      "sample": true,                        a date or number of it is an example, not the plan's
 *      "every": "quarter",                    once | month | quarter | half_year | year | 2 years | 3 years
 *      "from": "2020-01-01", "until": "2022-12-31",      of its due days; until missing: for ever
 *      "dates": [{"on": "3-24", "source": "..."}, {"on": "3-25", "source": "..."}],
 *      "start": "1-1",                        not before; missing: the first day of its period, of once: any time
 *      "subjects": "enterprise",              one task for each; missing: one for the township
 *      "high_risk": true, "risks": ["red"],   only these of them
 *      "count": 2,                            so often within the period; missing: once
 *      "remind_days": [14, 3], "escalate_days": [1, 7], "escalate_to": "乡安委会",
 *      "target": {"figure": "old_estate_marked", "of": "old_estate_total", "percent": 70}
 *   }]}                                                    or {"figure": "...", "count": 900}
 *
 *   period   |1 ........ 2 ........ 3 .24 25|    "3-24": day 24 of the third month of the period; "24" where it is a
 *                                   due             month; a day past the month's end is its last. once: YYYY-MM-DD.
 *
 * Where sources contradict each other both dates are kept, each with its source; the earliest is the one that reminders
 * and delays are counted from. Periods of months, quarters, half-years and years are those of the calendar; of several
 * years they begin with the year of `from`. Pure; immutable once parsed; any thread. */
#ifndef ZAYTON_REGISTER_CALENDAR_RULES_H
#define ZAYTON_REGISTER_CALENDAR_RULES_H

#include "engine/register/figures.h"
#include "engine/register/hazard.h"

#define CALENDAR_BYTES_MAX (1u << 20)
#define CALENDAR_RULES_MAX 512
#define CALENDAR_ID_MAX 48
#define CALENDAR_DATES_MAX 4
#define CALENDAR_STEPS_MAX 8
/* bytes of a text: title, unit, source ... */
#define CALENDAR_TEXT_MAX 600
#define CALENDAR_DAYS_MAX 3650

/* X(code, NAME, "token", "Chinese"): classes of risk (红橙黄蓝) */
#define CALENDAR_RISK_TABLE(X)                                                                                         \
	X(0, NONE, "none", "未定级")                                                                                   \
	X(1, BLUE, "blue", "蓝")                                                                                       \
	X(2, YELLOW, "yellow", "黄")                                                                                   \
	X(3, ORANGE, "orange", "橙")                                                                                   \
	X(4, RED, "red", "红")

#define X(code, NAME, token, chinese) CALENDAR_RISK_##NAME = code,
enum calendar_risk { CALENDAR_RISK_TABLE(X) CALENDAR_RISK_COUNT };
#undef X
const char *calendar_risk_token(unsigned risk);
/* A token or its Chinese word. STATUS_NOT_FOUND. */
STATUS_CHECKED enum status calendar_risk_parse(struct span text, uint8_t *out);

/* A day within a period: of its `month`-th month; of ONCE the day itself. */
struct calendar_date {
	uint16_t month; /* 1 .. months of the period */
	uint8_t day;    /* 1 .. 31 */
	int32_t once;   /* hazard_day() */
	char *source;   /* may be empty */
};

enum calendar_subjects { CALENDAR_OF_TOWNSHIP, CALENDAR_OF_ENTERPRISES };

struct calendar_target {
	uint8_t figure, of; /* enum figure; `figure` 0: there is none, `of` 0: a count */
	int64_t wanted;     /* percent, or count */
};

struct calendar_rule {
	char id[CALENDAR_ID_MAX + 1];
	char *title, *unit, *annex, *basis, *remark, *escalate_to; /* never NULL */
	bool sample;
	uint16_t months; /* of a period; 0: once */
	uint16_t count;  /* deeds that make it done */
	int32_t from_day, until_day;
	struct calendar_date dates[CALENDAR_DATES_MAX], start;
	unsigned date_count;
	bool has_start;
	uint8_t subjects;                                                  /* enum calendar_subjects */
	uint8_t risks;                                                     /* bits 1 << enum calendar_risk; 0: any */
	int8_t high_risk;                                                  /* 1: only those, 0: only others, -1: any */
	uint16_t remind[CALENDAR_STEPS_MAX], escalate[CALENDAR_STEPS_MAX]; /* descending; ascending */
	unsigned remind_count, escalate_count;
	struct calendar_target target;
};

struct calendar_rules {
	struct calendar_rule *items;
	size_t count;
};

/* `mistake` is called for each: path like "rules[2].every", and what is wrong. STATUS_MALFORMED when there was any,
 * STATUS_TOO_LONG, STATUS_NO_MEMORY. */
typedef void calendar_mistake(void *context, const char *path, const char *text);
STATUS_CHECKED enum status calendar_rules_parse(struct span text, calendar_mistake *mistake, void *context,
						struct calendar_rules **out);
/* NULL is allowed. */
void calendar_rules_free(struct calendar_rules *r);
/* The file shipped with the program. */
struct span calendar_rules_default(void);

/* One time that a rule is due. */
#define CALENDAR_PERIOD_MAX 32
struct calendar_due {
	char period[CALENDAR_PERIOD_MAX]; /* "2026", "2026H1", "2026Q3", "2026-03", "2026-2028", "once" */
	int32_t start_day, due_day;       /* start: HAZARD_DAY_NONE of ONCE without one; due: the earliest of `days` */
	int32_t days[CALENDAR_DATES_MAX]; /* by the rule's dates */
};
/* Every time that `rule` is due within [from_day, to_day], ascending. `visit` may stop with a status, which is
 * returned. */
typedef enum status calendar_due_visit(void *context, const struct calendar_rule *rule, const struct calendar_due *due);
STATUS_CHECKED enum status calendar_rule_dues(const struct calendar_rule *rule, int32_t from_day, int32_t to_day,
					      calendar_due_visit *visit, void *context);

#endif
