/* hazard_law.c -- the table of steps, then what each needs.
 *
 * Sources, by what they decide:
 *   five in place (责任, 措施, 资金, 时限, 预案), and for a major hazard its place, deadline, unit, person, acceptor
 * and the signed file: plan annexes 3 and 15.  Listed supervision: requested in writing by a member unit, issued and
 * released by the office: annex 15.  An enterprise applies, others accept and close: order no. 16 of 2007, art. 14-18.
 *   In danger of life put right at once (立查立改): annex 15. */
#include "engine/register/hazard_law.h"

#include <string.h>

#define ROLE(NAME) (1u << HAZARD_ROLE_##NAME)
#define STATE(NAME) (1u << HAZARD_##NAME)
#define FIELD(NAME) (UINT64_C(1) << HAZARD_FIELD_##NAME)

#define OFFICES (ROLE(CLERK) | ROLE(OFFICE) | ROLE(FISHERY))
#define RECTIFIERS (ROLE(ENTERPRISE) | ROLE(CLERK) | ROLE(FISHERY))
#define FINDERS (ROLE(SYSTEM) | ROLE(ENTERPRISE) | OFFICES | ROLE(POLICE))
#define IN_HAND (STATE(REGISTERED) | STATE(ASSIGNED) | STATE(RECTIFYING) | STATE(APPLIED) | STATE(ACCEPTED))
#define NOT_VOID (STATE(FOUND) | IN_HAND | STATE(CLOSED))

static const struct lawful {
	uint16_t roles, states;
} lawful[HAZARD_STEP_COUNT] = {
	[HAZARD_STEP_FIND] = {FINDERS, 0},
	[HAZARD_STEP_REGISTER] = {OFFICES, STATE(FOUND)},
	[HAZARD_STEP_ASSIGN] = {OFFICES, STATE(REGISTERED)},
	[HAZARD_STEP_START] = {RECTIFIERS, STATE(ASSIGNED)},
	[HAZARD_STEP_APPLY] = {RECTIFIERS, STATE(RECTIFYING)},
	[HAZARD_STEP_ACCEPT] = {OFFICES, STATE(APPLIED)},
	[HAZARD_STEP_RETURN] = {OFFICES | ROLE(ENTERPRISE), STATE(ASSIGNED) | STATE(APPLIED) | STATE(ACCEPTED)},
	[HAZARD_STEP_CLOSE] = {OFFICES, STATE(ACCEPTED)},
	[HAZARD_STEP_REQUEST_LISTING] = {OFFICES | ROLE(POLICE), IN_HAND},
	[HAZARD_STEP_LIST] = {ROLE(OFFICE), IN_HAND},
	[HAZARD_STEP_RELEASE] = {ROLE(OFFICE), STATE(ACCEPTED)},
	[HAZARD_STEP_EXTEND] = {OFFICES, STATE(ASSIGNED) | STATE(RECTIFYING) | STATE(APPLIED)},
	[HAZARD_STEP_HAND_OVER] = {OFFICES | ROLE(POLICE), IN_HAND | STATE(CLOSED)},
	[HAZARD_STEP_ACCOUNT] = {ROLE(OFFICE), IN_HAND | STATE(CLOSED)},
	[HAZARD_STEP_RECHECK] = {OFFICES | ROLE(POLICE), STATE(CLOSED)},
	[HAZARD_STEP_RELAPSE] = {OFFICES | ROLE(SYSTEM), STATE(CLOSED)},
	[HAZARD_STEP_JOIN] = {OFFICES | ROLE(SYSTEM), NOT_VOID},
	[HAZARD_STEP_DETACH] = {OFFICES | ROLE(SYSTEM), NOT_VOID | STATE(VOID)},
	[HAZARD_STEP_AMEND] = {OFFICES | ROLE(ENTERPRISE),
			       STATE(FOUND) | STATE(REGISTERED) | STATE(ASSIGNED) | STATE(RECTIFYING) | STATE(APPLIED)},
	[HAZARD_STEP_ATTACH] = {OFFICES | ROLE(ENTERPRISE) | ROLE(POLICE), NOT_VOID},
	[HAZARD_STEP_VOID] = {OFFICES | ROLE(SYSTEM),
			      STATE(FOUND) | STATE(REGISTERED) | STATE(ASSIGNED) | STATE(RECTIFYING)},
	[HAZARD_STEP_ESCALATE] = {ROLE(OFFICE), IN_HAND | STATE(CLOSED)},
};

/* Said once, when it is found. */
#define FIXED_AFTER_FIND (FIELD(SOURCE) | FIELD(REFERENCE) | FIELD(FOUND) | FIELD(CAUSE))
/* What an enterprise may say of its own hazard once that is found. */
#define ENTERPRISE_SAYS                                                                                                \
	(FIELD(MEASURES) | FIELD(FUND) | FIELD(PLAN) | FIELD(INTERNALLY_LISTED) | FIELD(REPORT_DOCUMENT))
/* The document of their own step says these (hazard_fold.c). */
#define SAID_BY_STEP (FIELD(LISTING_DOCUMENT) | FIELD(ENFORCEMENT_DOCUMENT) | FIELD(ACCOUNTABILITY_DOCUMENT))

static const char *const english[HAZARD_REFUSAL_COUNT] = {
#define X(NAME, token, english, chinese) english,
	HAZARD_REFUSAL_TABLE(X)
#undef X
};
static const char *const chinese_words[HAZARD_REFUSAL_COUNT] = {
#define X(NAME, token, english, chinese) chinese,
	HAZARD_REFUSAL_TABLE(X)
#undef X
};
static const char *const tokens[HAZARD_REFUSAL_COUNT] = {
#define X(NAME, token, english, chinese) token,
	HAZARD_REFUSAL_TABLE(X)
#undef X
};

const char *hazard_refusal_token(unsigned reason)
{
	return reason < HAZARD_REFUSAL_COUNT ? tokens[reason] : "unknown";
}

const char *hazard_refusal_english(unsigned reason)
{
	return reason < HAZARD_REFUSAL_COUNT ? english[reason] : "unknown";
}

const char *hazard_refusal_chinese(unsigned reason)
{
	return reason < HAZARD_REFUSAL_COUNT ? chinese_words[reason] : "未知";
}

struct hazard_policy hazard_policy_default(void)
{
	return (struct hazard_policy){.life_days_max = 0};
}

/* --- a case: the hazard, with what the step says laid over it --- */

struct matter {
	const struct hazard *h; /* NULL: not yet */
	const struct hazard_event *e;
	const struct hazard_actor *actor;
	const struct hazard_policy *policy;
};

static const struct hazard_refusal ALLOWED = {HAZARD_REFUSAL_NONE, 0};

static struct hazard_refusal refuse(enum hazard_refusal_reason reason, unsigned field)
{
	return (struct hazard_refusal){(uint8_t)reason, (uint8_t)field};
}

static struct span stated(const struct matter *m, unsigned field)
{
	for (size_t i = m->e->change_count; i--;)
		if (m->e->changes[i].field == field)
			return m->e->changes[i].value;
	return m->h ? hazard_value(m->h, field) : span_of(NULL, 0);
}

static bool says(const struct matter *m, unsigned field, const char *text)
{
	return span_equal(stated(m, field), span_of_string(text));
}

static struct hazard_refusal need(const struct matter *m, uint64_t fields)
{
	for (unsigned f = 1; f < HAZARD_FIELD_COUNT; f++)
		if (fields >> f & 1 && !stated(m, f).size)
			return refuse(HAZARD_REFUSAL_MISSING, f);
	return ALLOWED;
}

static struct hazard_refusal only(const struct matter *m, uint64_t fields)
{
	for (size_t i = 0; i < m->e->change_count; i++)
		if (!(fields >> m->e->changes[i].field & 1))
			return refuse(HAZARD_REFUSAL_FIXED, m->e->changes[i].field);
	return ALLOWED;
}

static int32_t deadline_said(const struct matter *m)
{
	int32_t day;
	return hazard_day_parse(stated(m, HAZARD_FIELD_DEADLINE), &day) ? HAZARD_DAY_NONE : day;
}

static bool is_unit(struct span value, const char *unit)
{
	return value.size && span_equal(value, span_of_string(unit));
}

/* --- whose it is --- */

static bool is_own(const struct hazard *h, const struct hazard_actor *a)
{
	return is_unit(hazard_value(h, HAZARD_FIELD_COMPANY), a->unit) ||
	       is_unit(hazard_value(h, HAZARD_FIELD_UNIT), a->unit);
}

/* A step of rectifying belongs to the responsible unit: an enterprise for its own, a member unit for what it owes. */
static bool owns_step(const struct hazard *h, unsigned step, const struct hazard_actor *a)
{
	bool rectifying = step == HAZARD_STEP_START || step == HAZARD_STEP_APPLY;
	if (a->role == HAZARD_ROLE_ENTERPRISE)
		return is_own(h, a);
	return !rectifying || is_unit(hazard_value(h, HAZARD_FIELD_UNIT), a->unit);
}

/* What the table leaves open: a return from ASSIGNED is the rectifier's, one from further on is not the enterprise's;
 * the system and a clerk take back only what nobody has registered. */
static bool role_fits_state(const struct hazard *h, unsigned step, unsigned role)
{
	if (step == HAZARD_STEP_RETURN && role == HAZARD_ROLE_ENTERPRISE)
		return h->state == HAZARD_ASSIGNED;
	if (step == HAZARD_STEP_RETURN && role == HAZARD_ROLE_OFFICE)
		return h->state != HAZARD_ASSIGNED;
	if (step == HAZARD_STEP_VOID && role != HAZARD_ROLE_OFFICE)
		return h->state == HAZARD_FOUND;
	return true;
}

static struct hazard_refusal may_try(const struct hazard *h, unsigned step, const struct hazard_actor *a)
{
	if (!step || step >= HAZARD_STEP_COUNT || a->role >= HAZARD_ROLE_COUNT || !(lawful[step].roles >> a->role & 1))
		return refuse(HAZARD_REFUSAL_ROLE, 0);
	if (step == HAZARD_STEP_FIND)
		return h ? refuse(HAZARD_REFUSAL_STATE, 0) : ALLOWED;
	if (!h || !(lawful[step].states >> h->state & 1) || !role_fits_state(h, step, a->role))
		return refuse(HAZARD_REFUSAL_STATE, 0);
	return owns_step(h, step, a) ? ALLOWED : refuse(HAZARD_REFUSAL_NOT_OWN, HAZARD_FIELD_UNIT);
}

uint32_t hazard_steps(const struct hazard *h, const struct hazard_actor *actor)
{
	uint32_t bits = 0;
	for (unsigned step = 1; step < HAZARD_STEP_COUNT; step++)
		if (may_try(h, step, actor).reason == HAZARD_REFUSAL_NONE)
			bits |= 1u << step;
	return bits;
}

/* --- what each step needs --- */

static struct hazard_refusal needs_find(const struct matter *m)
{
	bool automatic = says(m, HAZARD_FIELD_SOURCE, "violation") || says(m, HAZARD_FIELD_SOURCE, "sensor");
	bool own = says(m, HAZARD_FIELD_SOURCE, "self_check");
	struct hazard_refusal r = need(m, FIELD(SOURCE) | FIELD(FOUND) | FIELD(DESCRIPTION));
	if (r.reason)
		return r;
	if ((m->actor->role == HAZARD_ROLE_SYSTEM) != automatic)
		return refuse(HAZARD_REFUSAL_SOURCE, HAZARD_FIELD_SOURCE);
	if (m->actor->role != HAZARD_ROLE_ENTERPRISE)
		return ALLOWED;
	if (!own)
		return refuse(HAZARD_REFUSAL_SOURCE, HAZARD_FIELD_SOURCE);
	return is_unit(stated(m, HAZARD_FIELD_COMPANY), m->actor->unit)
		       ? ALLOWED
		       : refuse(HAZARD_REFUSAL_NOT_OWN, HAZARD_FIELD_COMPANY);
}

static struct hazard_refusal deadline_fits(const struct matter *m)
{
	int32_t day = deadline_said(m), today = hazard_day(m->e->at_ms);
	uint8_t grade;
	if (day < today)
		return refuse(HAZARD_REFUSAL_DEADLINE_PAST, HAZARD_FIELD_DEADLINE);
	if (hazard_parse(HAZARD_TABLE_GRADE, stated(m, HAZARD_FIELD_GRADE), &grade))
		grade = HAZARD_GRADE_NONE;
	unsigned days = m->policy->days_max[grade];
	if (says(m, HAZARD_FIELD_LIFE_THREAT, "yes"))
		return day - today > m->policy->life_days_max
			       ? refuse(HAZARD_REFUSAL_DEADLINE_FAR, HAZARD_FIELD_DEADLINE)
			       : ALLOWED;
	return days && day - today > (int32_t)days ? refuse(HAZARD_REFUSAL_DEADLINE_FAR, HAZARD_FIELD_DEADLINE)
						   : ALLOWED;
}

static struct hazard_refusal needs_register(const struct matter *m)
{
	struct hazard_refusal r = need(m, FIELD(SITE) | FIELD(GRADE) | FIELD(SECTOR));
	if (!r.reason && says(m, HAZARD_FIELD_GRADE, "none"))
		r = refuse(HAZARD_REFUSAL_MISSING, HAZARD_FIELD_GRADE);
	return r;
}

static struct hazard_refusal needs_assign(const struct matter *m)
{
	uint64_t fields = FIELD(SITE) | FIELD(UNIT) | FIELD(PERSON) | FIELD(SUPERVISOR) | FIELD(DEADLINE);
	if (says(m, HAZARD_FIELD_GRADE, "major"))
		fields |=
			FIELD(MEASURES) | FIELD(FUND) | FIELD(PLAN) | FIELD(ACCEPTOR) | FIELD(SIGNATURE) | FIELD(BASIS);
	struct hazard_refusal r = need(m, fields);
	return r.reason ? r : deadline_fits(m);
}

static struct hazard_refusal needs_apply(const struct matter *m)
{
	struct hazard_refusal r = only(m, ENTERPRISE_SAYS);
	if (!r.reason)
		r = need(m, FIELD(MEASURES));
	return !r.reason && !m->e->note.size ? refuse(HAZARD_REFUSAL_NOTE, 0) : r;
}

static struct hazard_refusal needs_accept(const struct matter *m)
{
	struct span acceptor = stated(m, HAZARD_FIELD_ACCEPTOR);
	const char *name = m->actor->name;
	if ((m->h->rectifier_is_known && strcmp(m->h->rectifier, name) == 0) ||
	    is_unit(hazard_value(m->h, HAZARD_FIELD_PERSON), name) ||
	    is_unit(hazard_value(m->h, HAZARD_FIELD_UNIT), m->actor->unit))
		return refuse(HAZARD_REFUSAL_SAME_HANDS, 0);
	struct hazard_refusal r = only(m, 0);
	if (r.reason)
		return r;
	if (acceptor.size && !is_unit(acceptor, name))
		return refuse(HAZARD_REFUSAL_NOT_ACCEPTOR, HAZARD_FIELD_ACCEPTOR);
	return m->e->note.size ? ALLOWED : refuse(HAZARD_REFUSAL_NOTE, 0);
}

static struct hazard_refusal needs_close(const struct matter *m)
{
	if (m->h->listing == HAZARD_LISTING_REQUESTED || m->h->listing == HAZARD_LISTING_LISTED)
		return refuse(HAZARD_REFUSAL_LISTED, 0);
	if (is_unit(hazard_value(m->h, HAZARD_FIELD_UNIT), m->actor->unit))
		return refuse(HAZARD_REFUSAL_SAME_HANDS, 0);
	return only(m, 0);
}

static struct hazard_refusal needs_listing(const struct matter *m)
{
	bool listing = m->e->step == HAZARD_STEP_LIST;
	bool release = m->e->step == HAZARD_STEP_RELEASE;
	unsigned from = release ? HAZARD_LISTING_LISTED : listing ? HAZARD_LISTING_REQUESTED : HAZARD_LISTING_NONE;
	if (m->h->grade != HAZARD_GRADE_MAJOR)
		return refuse(HAZARD_REFUSAL_GRADE, HAZARD_FIELD_GRADE);
	if (m->h->listing != from)
		return refuse(HAZARD_REFUSAL_LISTING, 0);
	if (!m->e->document.size)
		return refuse(HAZARD_REFUSAL_DOCUMENT, 0);
	struct hazard_refusal r = only(m, listing ? FIELD(LEADER) : 0);
	return r.reason || !listing ? r : need(m, FIELD(LEADER));
}

static struct hazard_refusal needs_extend(const struct matter *m)
{
	struct hazard_refusal r = only(m, FIELD(DEADLINE));
	if (r.reason)
		return r;
	if (deadline_said(m) == HAZARD_DAY_NONE)
		return refuse(HAZARD_REFUSAL_MISSING, HAZARD_FIELD_DEADLINE);
	if (deadline_said(m) <= m->h->deadline_day)
		return refuse(HAZARD_REFUSAL_DEADLINE_EARLIER, HAZARD_FIELD_DEADLINE);
	if (!m->e->note.size)
		return refuse(HAZARD_REFUSAL_NOTE, 0);
	return deadline_said(m) < hazard_day(m->e->at_ms) ? refuse(HAZARD_REFUSAL_DEADLINE_PAST, HAZARD_FIELD_DEADLINE)
							  : ALLOWED;
}

/* A step that leads to a document of its own. */
static struct hazard_refusal with_document(const struct matter *m)
{
	if (!m->e->document.size)
		return refuse(HAZARD_REFUSAL_DOCUMENT, 0);
	return only(m, 0);
}

static struct hazard_refusal needs_amend(const struct matter *m)
{
	uint64_t fixed = FIXED_AFTER_FIND | SAID_BY_STEP;
	if (!m->e->change_count)
		return refuse(HAZARD_REFUSAL_NOTHING, 0);
	if (m->actor->role == HAZARD_ROLE_ENTERPRISE)
		return only(m, ENTERPRISE_SAYS);
	if (m->h->state >= HAZARD_ASSIGNED)
		fixed |= FIELD(DEADLINE);
	if (m->h->state >= HAZARD_ASSIGNED && m->actor->role != HAZARD_ROLE_OFFICE)
		fixed |= FIELD(GRADE) | FIELD(LIFE_THREAT) | FIELD(ACCEPTOR);
	struct hazard_refusal r = only(m, ~fixed);
	if (r.reason || m->h->state < HAZARD_ASSIGNED)
		return r;
	/* what assigning needed stays said */
	uint64_t fields = FIELD(SITE) | FIELD(UNIT) | FIELD(PERSON) | FIELD(SUPERVISOR) | FIELD(GRADE);
	if (says(m, HAZARD_FIELD_GRADE, "major"))
		fields |=
			FIELD(MEASURES) | FIELD(FUND) | FIELD(PLAN) | FIELD(ACCEPTOR) | FIELD(SIGNATURE) | FIELD(BASIS);
	return need(m, fields);
}

static struct hazard_refusal with_note(const struct matter *m)
{
	if (!m->e->note.size)
		return refuse(HAZARD_REFUSAL_NOTE, 0);
	return only(m, 0);
}

static struct hazard_refusal with_link(const struct matter *m)
{
	if (!m->e->link.size)
		return refuse(HAZARD_REFUSAL_NOTHING, 0);
	return only(m, 0);
}

static struct hazard_refusal needs_attach(const struct matter *m)
{
	if (!m->e->digest || !m->e->link.size)
		return refuse(HAZARD_REFUSAL_NOTHING, 0);
	return only(m, 0);
}

/* Registering and assigning may say anything but what is fixed. */
static struct hazard_refusal open_fields(const struct matter *m)
{
	return only(m, ~(FIXED_AFTER_FIND | SAID_BY_STEP));
}

static struct hazard_refusal needs(const struct matter *m)
{
	struct hazard_refusal r = ALLOWED;
	switch ((enum hazard_step)m->e->step) {
	case HAZARD_STEP_FIND:
		return needs_find(m);
	case HAZARD_STEP_REGISTER:
		r = open_fields(m);
		return r.reason ? r : needs_register(m);
	case HAZARD_STEP_ASSIGN:
		r = open_fields(m);
		return r.reason ? r : needs_assign(m);
	case HAZARD_STEP_START:
		return only(m, ENTERPRISE_SAYS);
	case HAZARD_STEP_APPLY:
		return needs_apply(m);
	case HAZARD_STEP_ACCEPT:
		return needs_accept(m);
	case HAZARD_STEP_CLOSE:
		return needs_close(m);
	case HAZARD_STEP_REQUEST_LISTING:
	case HAZARD_STEP_LIST:
	case HAZARD_STEP_RELEASE:
		return needs_listing(m);
	case HAZARD_STEP_EXTEND:
		return needs_extend(m);
	case HAZARD_STEP_HAND_OVER:
	case HAZARD_STEP_ACCOUNT:
		return with_document(m);
	case HAZARD_STEP_JOIN:
	case HAZARD_STEP_DETACH:
		return with_link(m);
	case HAZARD_STEP_AMEND:
		return needs_amend(m);
	case HAZARD_STEP_ATTACH:
		return needs_attach(m);
	case HAZARD_STEP_RETURN:
	case HAZARD_STEP_RECHECK:
	case HAZARD_STEP_RELAPSE:
	case HAZARD_STEP_VOID:
	case HAZARD_STEP_ESCALATE:
		return with_note(m);
	case HAZARD_STEP_COUNT:
		break;
	}
	return refuse(HAZARD_REFUSAL_ROLE, 0);
}

struct hazard_refusal hazard_allows(const struct hazard *h, const struct hazard_event *e,
				    const struct hazard_actor *actor, const struct hazard_policy *policy)
{
	struct matter m = {h, e, actor, policy};
	struct hazard_refusal r = may_try(h, e->step, actor);
	return r.reason ? r : needs(&m);
}
