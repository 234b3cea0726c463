/* hazards.h -- the hazard register (隐患台账): hazards at rest, their histories, and lists of them.
 *
 *   family `hazard`   key                              value
 *                     0x01 | id 8                      what stands: hazard_encode()
 *                     0x02 | id 8 | number 4           one event: hazard_event_encode(); never rewritten
 *                     0x03 | cause hash 8 | id 8       empty: hazards of one cause
 *                     0x04 | digest 32                 an attachment's bytes
 *                     0x05 | reference hash 8          id 8: where a finding or alarm went (internally exactly once)
 *                     0x06 | sequence 8                id 8 | number 4: every event of the register in order
 *                     0x07 | 0 8                       sequence 8: the last one
 *
 * A step is one synced batch: the event, what stands after it, its index rows. What stands is held in memory as rows of
 * 56 bytes and their words (hazards_table.h), from which lists and counts are answered.
 *
 * Threads: any but an event loop. Steps are taken one at a time; readers see whole steps. */
#ifndef ZAYTON_REGISTER_HAZARDS_H
#define ZAYTON_REGISTER_HAZARDS_H

#include "engine/register/hazard_law.h"
#include "engine/store/store.h"

/* hazards of one register: 56 bytes of memory each */
#define REGISTER_HAZARDS_MAX 4000000
#define REGISTER_ATTACHMENT_MAX (8u << 20)

struct hazards;

/* STATUS_CORRUPT, STATUS_BAD_VERSION: a row cannot be read, the log names it. */
STATUS_CHECKED enum status hazards_open(struct store *s, const struct hazard_policy *policy, struct hazards **out);
void hazards_close(struct hazards *r);
size_t hazards_count(const struct hazards *r);

/* A step that somebody wants to take. Values are normalised here. */
struct hazard_order {
	uint8_t step;     /* enum hazard_step */
	uint64_t id;      /* 0 with HAZARD_STEP_FIND */
	uint32_t version; /* the hazard's `events` that whoever acts has seen; 0: whatever it is */
	int64_t at_ms;    /* now; taken as the last event's instant where that is later */
	struct hazard_actor actor;
	struct span note, document, link;
	struct span attachment; /* ATTACH: the file; `link` its name */
	const struct hazard_change *changes;
	size_t change_count;
};

struct hazard_outcome {
	uint64_t id;
	uint32_t version;              /* after it, or as it is when refused */
	struct hazard_refusal refusal; /* of STATUS_DENIED */
	uint8_t field;                 /* of a value that is none */
};

/* Durable when it returns STATUS_OK. STATUS_DENIED: the law refuses, `refusal` says why. STATUS_CONFLICT: `version` is
 * not what it is. STATUS_NOT_FOUND. What hazard_value_normalise says of a value, with `field`; STATUS_TOO_LONG of a
 * text, STATUS_FULL past a bound, STATUS_EXISTS: the reference of a FIND is in the register already, `id` says where.
 */
STATUS_CHECKED enum status hazards_step(struct hazards *r, const struct hazard_order *order,
					struct hazard_outcome *out);

/* Free with hazard_deinit. STATUS_NOT_FOUND, STATUS_CORRUPT. */
STATUS_CHECKED enum status hazards_get(struct hazards *r, uint64_t id, struct hazard *out);
/* Its events from `after` (exclusive; 0: all), oldest first. Views last for the call; `digest` is the event's own. */
typedef enum status hazards_event_visit(void *context, uint64_t id, const struct hazard_event *e,
					const uint8_t digest[HAZARD_DIGEST_SIZE]);
STATUS_CHECKED enum status hazards_history(struct hazards *r, uint64_t id, uint32_t after, hazards_event_visit *visit,
					   void *context);
/* Events of the whole register behind sequence `after`, in the order they were taken; `visit` may stop with a status,
 * which is returned. `out_sequence` is the last handed over. */
STATUS_CHECKED enum status hazards_log(struct hazards *r, uint64_t after, hazards_event_visit *visit, void *context,
				       uint64_t *out_sequence);
uint64_t hazards_sequence(struct hazards *r);
/* The file of that digest. STATUS_NOT_FOUND. */
STATUS_CHECKED enum status hazards_attachment(struct hazards *r, const uint8_t digest[HAZARD_DIGEST_SIZE],
					      struct buf *out);

/* Where a finding or alarm of that reference went. STATUS_NOT_FOUND. */
STATUS_CHECKED enum status hazards_by_reference(struct hazards *r, struct span reference, uint64_t *out);
/* The hazard of a cause that is neither closed nor void, or else the one closed last. STATUS_NOT_FOUND. */
STATUS_CHECKED enum status hazards_by_cause(struct hazards *r, struct span cause, uint64_t *out);

/* Who answers for an accident at `at_ms` (plan annex 15): the enterprise while the deadline that held then was not
 * over, the supervising unit afterwards. */
enum hazard_liable {
	HAZARD_LIABLE_NOBODY,     /* closed, void or not assigned then */
	HAZARD_LIABLE_ENTERPRISE, /* 企业主体责任 */
	HAZARD_LIABLE_SUPERVISOR, /* 监管责任 */
};
struct hazard_liability {
	uint8_t liable;       /* enum hazard_liable */
	int32_t deadline_day; /* that held then */
	char party[HAZARD_VALUE_MAX + 1];
};
STATUS_CHECKED enum status hazards_liability(struct hazards *r, uint64_t id, int64_t at_ms,
					     struct hazard_liability *out);

/* Every history folded again, every chain recomputed, every index row looked for; one line a complaint.
 * STATUS_CORRUPT when there was any. */
STATUS_CHECKED enum status hazards_check(struct store *s, struct buf *out);

/* --- lists --- */

/* X(code, NAME, "token", "Chinese"): the six lists (六个清单) */
#define HAZARD_LIST_TABLE(X)                                                                                           \
	X(0, SUPERVISION, "supervision", "监督清单")                                                                   \
	X(1, HAZARDS, "hazards", "隐患清单")                                                                           \
	X(2, RECTIFICATION, "rectification", "整改清单")                                                               \
	X(3, ACCEPTANCE, "acceptance", "验收销号清单")                                                                 \
	X(4, ENFORCEMENT, "enforcement", "执法清单")                                                                   \
	X(5, ACCOUNTABILITY, "accountability", "问责清单")

#define X(code, NAME, token, chinese) HAZARD_LIST_##NAME = code,
enum hazard_list { HAZARD_LIST_TABLE(X) HAZARD_LIST_COUNT };
#undef X
const char *hazard_list_token(unsigned list);
const char *hazard_list_chinese(unsigned list);
STATUS_CHECKED enum status hazard_list_parse(struct span text, uint8_t *out);

/* The fields whose words a row knows, and that lists may be filtered and counted by. */
#define HAZARD_WORD_TABLE(X) X(COMPANY) X(VILLAGE) X(SECTOR) X(CATEGORY) X(UNIT) X(SUPERVISOR) X(LEADER)
enum hazard_word {
#define X(NAME) HAZARD_WORD_##NAME,
	HAZARD_WORD_TABLE(X)
#undef X
		HAZARD_WORD_COUNT
};
/* enum hazard_field of the word */
unsigned hazard_word_field(unsigned word);

struct hazard_filter {
	uint8_t list;                      /* enum hazard_list; HAZARDS: all that are not void */
	uint16_t states;                   /* bits 1 << state; 0: any */
	uint8_t grades, sources, listings; /* bits; 0: any */
	bool overdue;                      /* past its deadline on `today`, and not accepted */
	bool open;                         /* neither closed nor void */
	bool relapsed, life_threat, exposed, escalated;
	int32_t today;
	int64_t found_from_ms, found_to_ms;   /* [from, to); both 0: any */
	struct span words[HAZARD_WORD_COUNT]; /* exact; empty: any */
	struct span scope_unit;               /* only what this enterprise or unit is responsible for; empty: all */
};

enum hazard_order_by { HAZARD_BY_DEADLINE, HAZARD_BY_FOUND_NEWEST, HAZARD_BY_ID };

/* Where the next page begins: the order value and id of the last row of this one. */
struct hazard_cursor {
	int64_t value;
	uint64_t id; /* 0: from the beginning */
};

/* rows of one page */
#define HAZARDS_PAGE_MAX 1000
/* Ids of a page in order, up to `max` (at most HAZARDS_PAGE_MAX); `cursor` moves behind the last. Returns how many. */
size_t hazards_page(struct hazards *r, const struct hazard_filter *filter, enum hazard_order_by order,
		    struct hazard_cursor *cursor, uint64_t *out, size_t max);

/* Counts of what the filter lets through. */
struct hazard_counts {
	uint64_t all, open, overdue, major_open, closed, closed_in_time, relapsed, listed;
	uint64_t by_state[HAZARD_STATE_COUNT], by_grade[HAZARD_GRADE_COUNT], by_source[HAZARD_SOURCE_COUNT];
	uint64_t ageing[4]; /* open: found up to 7, 30, 90 days before `today`, earlier */
};
/* One hazard more, as hazards_counts() counts it. */
void hazard_counts_add(struct hazard_counts *c, const struct hazard *h, int32_t today);
void hazards_counts(struct hazards *r, const struct hazard_filter *filter, struct hazard_counts *out);
/* The same for each value of a word, by the word's first use; "" where nothing is said. `visit` may stop with a status;
 * the register is locked for reading meanwhile. */
typedef enum status hazards_group_visit(void *context, struct span word, const struct hazard_counts *counts);
STATUS_CHECKED enum status hazards_groups(struct hazards *r, const struct hazard_filter *filter, enum hazard_word word,
					  hazards_group_visit *visit, void *context);

#endif
