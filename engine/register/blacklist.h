/* blacklist.h -- who was put on the red or black list (红黑名单), for which quarter, by whom.
 *
 *   candidate (counted from violations, never kept) ── confirm ──> listed ── lift ──> lifted
 *                                                  └─ reject ───> rejected
 *
 * Whoever's score passes the line is a candidate and nothing more until somebody with the right decides. Decisions are
 * entries (entry.h): never rewritten; the last of (kind, name, quarter) counts. Threads: any but an event loop. */
#ifndef ZAYTON_REGISTER_BLACKLIST_H
#define ZAYTON_REGISTER_BLACKLIST_H

#include "engine/register/hazard_law.h"
#include "engine/store/store.h"

/* X(code, NAME, "token", "Chinese") */
#define BLACKLIST_KIND_TABLE(X)                                                                                        \
	X(0, DRIVER, "driver", "驾驶人")                                                                               \
	X(1, PLATE, "plate", "车辆")                                                                                   \
	X(2, COMPANY, "company", "企业")
#define BLACKLIST_KIND_CHOICES "driver|plate|company"
#define BLACKLIST_DECISION_TABLE(X)                                                                                    \
	X(0, NONE, "none", "未认定")                                                                                   \
	X(1, CONFIRM, "confirm", "列入")                                                                               \
	X(2, REJECT, "reject", "不予列入")                                                                             \
	X(3, LIFT, "lift", "移出")

#define X(code, NAME, token, chinese) BLACKLIST_##NAME = code,
enum blacklist_kind { BLACKLIST_KIND_TABLE(X) BLACKLIST_KIND_COUNT };
enum blacklist_decision { BLACKLIST_DECISION_TABLE(X) BLACKLIST_DECISION_COUNT };
#undef X
const char *blacklist_kind_token(unsigned kind);
const char *blacklist_kind_chinese(unsigned kind);
const char *blacklist_decision_token(unsigned decision);
const char *blacklist_decision_chinese(unsigned decision);
/* A token or its Chinese word. STATUS_NOT_FOUND. */
STATUS_CHECKED enum status blacklist_kind_parse(struct span text, uint8_t *out);
STATUS_CHECKED enum status blacklist_decision_parse(struct span text, uint8_t *out);

#define BLACKLIST_NAME_MAX 255
/* decisions of one installation */
#define BLACKLIST_ENTRIES_MAX 100000

struct blacklist_entry {
	uint8_t kind, decision;
	struct span quarter; /* "2026Q1" */
	struct span name, note, document;
	struct hazard_actor actor;
	int64_t at_ms;
	uint64_t sequence; /* out */
};

struct blacklist;
STATUS_CHECKED enum status blacklist_open(struct store *s, struct blacklist **out);
void blacklist_close(struct blacklist *b);

/* Durable when it returns. The office decides; the traffic police on drivers and vehicles: STATUS_DENIED. A
 * confirmation needs a document and a rejection or lifting a note: STATUS_EMPTY. STATUS_CONFLICT: lifted is only what
 * is listed, and the same is not decided twice. STATUS_INVALID, STATUS_TOO_LONG, STATUS_MALFORMED; STATUS_FULL. */
STATUS_CHECKED enum status blacklist_decide(struct blacklist *b, const struct blacklist_entry *e);
/* The decision that counts; NONE when nobody decided. */
uint8_t blacklist_stands(struct blacklist *b, unsigned kind, struct span name, struct span quarter);
/* Every decision, oldest first; views last for the call. */
typedef enum status blacklist_visit(void *context, const struct blacklist_entry *e);
STATUS_CHECKED enum status blacklist_entries(struct blacklist *b, blacklist_visit *visit, void *context);

#endif
