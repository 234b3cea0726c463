/* hazard_law.h -- who may take which step when, and what is missing. One table, then conditions; pure.
 *
 *   step             who                                from                        to
 *   find             system enterprise clerk office     -                           found
 *                    police fishery
 *   register         clerk office fishery               found                       registered
 *   assign           clerk office fishery               registered                  assigned
 *   start            enterprise clerk fishery           assigned                    rectifying
 *   apply            enterprise clerk fishery           rectifying                  applied
 *   accept           clerk office fishery               applied                     accepted
 *   return           enterprise clerk fishery           assigned                    registered
 *                    clerk office fishery               applied, accepted           rectifying
 *   close            clerk office fishery               accepted                    closed
 *   request_listing  clerk office police fishery        registered .. accepted      (listing: requested)
 *   list             office                             registered .. accepted      (listing: listed)
 *   release          office                             accepted                    (listing: released)
 *   extend           clerk office fishery               assigned .. applied         (later deadline)
 *   hand_over        clerk office police fishery        registered .. closed
 *   account          office                             registered .. closed
 *   recheck          clerk office police fishery        closed
 *   relapse          system clerk office fishery        closed                      registered
 *   join, detach     system clerk office fishery        any but void; detach: any
 *   amend            clerk office fishery enterprise    found .. applied
 *   attach           all but system, auditor, admin     any but void
 *   void             system clerk office fishery        found (system, clerk), .. rectifying (office)
 *   escalate         office                             registered .. closed
 *
 * An enterprise only rectifies and applies; the one who rectified never accepts; the office issues and releases listed
 * supervision; police never accept or close. Source: rules of the township's hazard governance (annex 15 of its plan;
 * the work-safety commission's order no. 16 of 2007, art. 14-18). */
#ifndef ZAYTON_REGISTER_HAZARD_LAW_H
#define ZAYTON_REGISTER_HAZARD_LAW_H

#include "engine/register/hazard.h"

/* Who acts: `name` is the person, `unit` the one he belongs to (an enterprise's name for ENTERPRISE). */
struct hazard_actor {
	uint8_t role; /* enum hazard_role */
	char name[HAZARD_NAME_MAX + 1];
	char unit[HAZARD_NAME_MAX + 1];
};

/* X(NAME, "token", "English", "Chinese"): why a step is refused; `field` of the refusal says which, where it is one. */
#define HAZARD_REFUSAL_TABLE(X)                                                                                        \
	X(NONE, "none", "allowed", "可以")                                                                             \
	X(ROLE, "role", "this role may not take this step", "该角色无权办理此步骤")                                    \
	X(STATE, "state", "the hazard is not in a state for this step", "当前状态不能办理此步骤")                      \
	X(NOT_OWN, "not_own", "an enterprise acts on its own hazards only", "企业只能办理本企业的隐患")                \
	X(MISSING, "missing", "a field that this step needs is missing", "缺少必填项")                                 \
	X(FIXED, "fixed", "this field may not be changed by this step", "此步骤不得修改该项")                          \
	X(SAME_HANDS, "same_hands", "who rectified may not accept", "整改人不得自行验收")                              \
	X(NOT_ACCEPTOR, "not_acceptor", "only the named acceptor may accept", "只能由指定验收人验收")                  \
	X(NOTE, "note", "this step needs a note", "须填写说明")                                                        \
	X(DOCUMENT, "document", "this step needs a document number", "须填写文号")                                     \
	X(GRADE, "grade", "only a major hazard is listed", "只有重大隐患可以挂牌")                                     \
	X(LISTING, "listing", "listed supervision does not stand so", "挂牌督办状态不符")                              \
	X(LISTED, "listed", "listed supervision is not released yet", "挂牌督办尚未解除")                              \
	X(DEADLINE_PAST, "deadline_past", "the deadline is already over", "整改时限已过")                              \
	X(DEADLINE_EARLIER, "deadline_earlier", "an extension ends later than before", "延期后的时限须晚于原时限")     \
	X(DEADLINE_FAR, "deadline_far", "the deadline is further than the grade allows", "整改时限超过该等级的期限")   \
	X(NOTHING, "nothing", "the step says nothing", "没有任何内容")                                                 \
	X(SOURCE, "source", "this role does not find hazards from this source", "该角色不能以此来源上报")              \
	X(UNKNOWN_SIGNATURE, "unknown_signature", "the signed file is not among the attachments", "签字文件不在附件中")

#define X(NAME, token, english, chinese) HAZARD_REFUSAL_##NAME,
enum hazard_refusal_reason { HAZARD_REFUSAL_TABLE(X) HAZARD_REFUSAL_COUNT };
#undef X
const char *hazard_refusal_token(unsigned reason);
const char *hazard_refusal_english(unsigned reason);
const char *hazard_refusal_chinese(unsigned reason);

struct hazard_refusal {
	uint8_t reason; /* enum hazard_refusal_reason */
	uint8_t field;  /* enum hazard_field, 0: none in particular */
};

/* What is asked beyond the law; data, with the shipped sample as default. */
struct hazard_policy {
	uint16_t days_max[HAZARD_GRADE_COUNT]; /* from the day of assignment to the deadline; 0: no limit */
	uint16_t life_days_max;                /* where life is in danger (立查立改); 0: the same day */
};
struct hazard_policy hazard_policy_default(void);

/* May `actor` take the step of `e` on `h` (NULL: it does not exist yet)? `e->at_ms` is the instant; its changes are
 * normalised and counted as said when the conditions are looked at. Of several obstacles the first of the table's
 * order: role, state, whose it is, fields, conditions. */
struct hazard_refusal hazard_allows(const struct hazard *h, const struct hazard_event *e,
				    const struct hazard_actor *actor, const struct hazard_policy *policy);

/* The steps `actor` may try now, as bits 1 << step: role, state and ownership; fields are not looked at. */
uint32_t hazard_steps(const struct hazard *h, const struct hazard_actor *actor);

#endif
