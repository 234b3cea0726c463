/* Who may do what, cell by cell, against a table written down a second time; then what each step asks for. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "engine/register/hazard_law.h"
#include "support/register_desk.h"

/* For each step: roles by letter, states by digit. e enterprise, c clerk, o office, p police, f fishery, s system,
 * a auditor, d administrator. Cells with a `!` follow: letters and digits that are nevertheless refused. */
static const struct {
	unsigned step;
	const char *roles, *states, *but;
} matrix[] = {
	{HAZARD_STEP_FIND, "secopf", "", ""},
	{HAZARD_STEP_REGISTER, "cof", "0", ""},
	{HAZARD_STEP_ASSIGN, "cof", "1", ""},
	{HAZARD_STEP_START, "ecf", "2", ""},
	{HAZARD_STEP_APPLY, "ecf", "3", ""},
	{HAZARD_STEP_ACCEPT, "cof", "4", ""},
	{HAZARD_STEP_RETURN, "ecof", "245", "e4 e5 o2"},
	{HAZARD_STEP_CLOSE, "cof", "5", ""},
	{HAZARD_STEP_REQUEST_LISTING, "cofp", "12345", ""},
	{HAZARD_STEP_LIST, "o", "12345", ""},
	{HAZARD_STEP_RELEASE, "o", "5", ""},
	{HAZARD_STEP_EXTEND, "cof", "234", ""},
	{HAZARD_STEP_HAND_OVER, "cofp", "123456", ""},
	{HAZARD_STEP_ACCOUNT, "o", "123456", ""},
	{HAZARD_STEP_RECHECK, "cofp", "6", ""},
	{HAZARD_STEP_RELAPSE, "scof", "6", ""},
	{HAZARD_STEP_JOIN, "scof", "0123456", ""},
	{HAZARD_STEP_DETACH, "scof", "01234567", ""},
	{HAZARD_STEP_AMEND, "ecof", "01234", ""},
	{HAZARD_STEP_ATTACH, "ecofp", "0123456", ""},
	{HAZARD_STEP_VOID, "scof", "0123", "s1 s2 s3 c1 c2 c3 f1 f2 f3"},
	{HAZARD_STEP_ESCALATE, "o", "123456", ""},
};
static const char role_letters[HAZARD_ROLE_COUNT + 1] = "secopfad";

static bool expected(unsigned row, unsigned role, unsigned state)
{
	char cell[3] = {role_letters[role], (char)('0' + state), '\0'};
	return strchr(matrix[row].roles, cell[0]) && strchr(matrix[row].states, cell[1]) &&
	       !strstr(matrix[row].but, cell);
}

Test(hazard_law, the_matrix_of_rights_holds_in_every_cell)
{
	unsigned cells = 0;
	cr_assert_eq(sizeof matrix / sizeof *matrix, HAZARD_STEP_COUNT - 1);
	struct hazard h;
	hazard_init(&h, 1);
	cr_assert_eq(buf_append(&h.text, "海湾仓储", strlen("海湾仓储")), STATUS_OK);
	h.values[HAZARD_FIELD_UNIT].size = (uint16_t)h.text.size;
	for (unsigned role = 0; role < HAZARD_ROLE_COUNT; role++) {
		struct hazard_actor actor = {.role = (uint8_t)role, .name = "甲", .unit = "海湾仓储"};
		for (h.state = 0; h.state < HAZARD_STATE_COUNT; h.state++)
			for (unsigned row = 0; row < HAZARD_STEP_COUNT - 1; row++, cells++)
				cr_assert_eq(hazard_steps(&h, &actor) >> matrix[row].step & 1,
					     expected(row, role, h.state), "%s by %s in %s",
					     hazard_token(HAZARD_TABLE_STEP, matrix[row].step),
					     hazard_token(HAZARD_TABLE_ROLE, role),
					     hazard_token(HAZARD_TABLE_STATE, h.state));
		bool finds = strchr(matrix[0].roles, role_letters[role]) != NULL;
		cr_assert_eq(hazard_steps(NULL, &actor), finds ? 1u << HAZARD_STEP_FIND : 0u);
	}
	cr_assert_eq(cells, HAZARD_ROLE_COUNT * HAZARD_STATE_COUNT * (HAZARD_STEP_COUNT - 1));
	hazard_deinit(&h);
}

static struct desk d;

static void begin(void)
{
	desk_open(&d);
}

static void end(void)
{
	desk_close(&d);
}

TestSuite(hazard_law_steps, .init = begin, .fini = end);

static void denied(enum status status, enum hazard_refusal_reason reason, unsigned field)
{
	cr_assert_eq(status, STATUS_DENIED, "%s", status_text(status));
	cr_assert_eq(d.outcome.refusal.reason, reason, "%s", hazard_refusal_english(d.outcome.refusal.reason));
	cr_assert_eq(d.outcome.refusal.field, field, "%s", hazard_token(HAZARD_TABLE_FIELD, d.outcome.refusal.field));
}

static enum status office(uint64_t id, unsigned step, const char *note, const char *fields)
{
	return desk_step(&d, id, step, HAZARD_ROLE_OFFICE, "林安", "乡安办", note, fields);
}

static enum status enterprise(uint64_t id, unsigned step, const char *note, const char *fields)
{
	return desk_step(&d, id, step, HAZARD_ROLE_ENTERPRISE, "陈责", "海湾仓储", note, fields);
}

static uint64_t major(void)
{
	uint64_t id = desk_find(&d, "company=海湾仓储");
	cr_assert_eq(office(id, HAZARD_STEP_REGISTER, NULL, "site=一号仓库|grade=重大|sector=消防"), STATUS_OK);
	return id;
}

#define MAJOR_BUT_ACCEPTOR                                                                                                     \
	"unit=海湾仓储|person=陈责|supervisor=企业服务中心|deadline=2026-03-10|measures=拆除|fund=5万元|plan=" \
	"疏散预案|basis="                                                                                                  \
	"消防法第十六条"

static void sign(uint64_t id, char digest[2 * HAZARD_DIGEST_SIZE + 1])
{
	uint8_t bytes[HAZARD_DIGEST_SIZE];
	cr_assert_eq(hazard_event_digest(span_of_string("签字页"), bytes), STATUS_OK);
	hex_encode(digest, span_of(bytes, sizeof bytes));
	cr_assert_eq(desk_step_more(&d, id, HAZARD_STEP_ATTACH, HAZARD_ROLE_OFFICE, "林安", "乡安办", NULL, NULL,
				    (struct desk_more){.link = "签字.pdf", .file = "签字页"}),
		     STATUS_OK);
}

static uint64_t major_assigned(void)
{
	char digest[2 * HAZARD_DIGEST_SIZE + 1], fields[1000];
	uint64_t id = major();
	sign(id, digest);
	snprintf(fields, sizeof fields, "%s|acceptor=王验|signature=%s", MAJOR_BUT_ACCEPTOR, digest);
	cr_assert_eq(office(id, HAZARD_STEP_ASSIGN, NULL, fields), STATUS_OK, "%s",
		     hazard_refusal_english(d.outcome.refusal.reason));
	return id;
}

Test(hazard_law_steps, a_major_hazard_without_an_acceptor_is_refused_by_that_name)
{
	uint64_t id = major();
	denied(office(id, HAZARD_STEP_ASSIGN, NULL, MAJOR_BUT_ACCEPTOR), HAZARD_REFUSAL_MISSING, HAZARD_FIELD_ACCEPTOR);
	cr_assert_str_eq(hazard_chinese(HAZARD_TABLE_FIELD, d.outcome.refusal.field), "验收人");
	cr_assert_eq(desk_state(&d, id), HAZARD_REGISTERED);
}

Test(hazard_law_steps, five_in_place_are_asked_one_by_one)
{
	static const char *const parts[] = {"unit=海湾仓储", "person=陈责",   "supervisor=企业服务中心",
					    "measures=拆除", "fund=5万元",    "plan=疏散预案",
					    "basis=消防法",  "acceptor=王验", "deadline=2026-03-10"};
	static const unsigned fields[] = {HAZARD_FIELD_UNIT,     HAZARD_FIELD_PERSON,   HAZARD_FIELD_SUPERVISOR,
					  HAZARD_FIELD_MEASURES, HAZARD_FIELD_FUND,     HAZARD_FIELD_PLAN,
					  HAZARD_FIELD_BASIS,    HAZARD_FIELD_ACCEPTOR, HAZARD_FIELD_DEADLINE};
	char digest[2 * HAZARD_DIGEST_SIZE + 1];
	uint64_t id = major();
	sign(id, digest);
	for (unsigned left_out = 0; left_out < 9; left_out++) {
		char text[1000] = "signature=";
		strcat(text, digest);
		for (unsigned i = 0; i < 9; i++)
			if (i != left_out)
				strcat(strcat(text, "|"), parts[i]);
		denied(office(id, HAZARD_STEP_ASSIGN, NULL, text), HAZARD_REFUSAL_MISSING, fields[left_out]);
	}
}

Test(hazard_law_steps, a_signature_that_nobody_filed_is_refused)
{
	char fields[1000];
	uint64_t id = major();
	snprintf(fields, sizeof fields, "%s|acceptor=王验|signature=%064d", MAJOR_BUT_ACCEPTOR, 7);
	denied(office(id, HAZARD_STEP_ASSIGN, NULL, fields), HAZARD_REFUSAL_UNKNOWN_SIGNATURE, HAZARD_FIELD_SIGNATURE);
}

Test(hazard_law_steps, an_enterprise_may_apply_but_not_close)
{
	uint64_t id = desk_find(&d, "company=海湾仓储");
	desk_bring(&d, id, HAZARD_RECTIFYING);
	denied(desk_step(&d, id, HAZARD_STEP_APPLY, HAZARD_ROLE_ENTERPRISE, "李四", "别家", "已整改", "measures=无"),
	       HAZARD_REFUSAL_NOT_OWN, HAZARD_FIELD_UNIT);
	denied(enterprise(id, HAZARD_STEP_APPLY, NULL, "measures=重新码放"), HAZARD_REFUSAL_NOTE, 0);
	denied(enterprise(id, HAZARD_STEP_APPLY, "已整改", "grade=general|measures=重新码放"), HAZARD_REFUSAL_FIXED,
	       HAZARD_FIELD_GRADE);
	desk_bring(&d, id, HAZARD_ACCEPTED);
	denied(enterprise(id, HAZARD_STEP_CLOSE, NULL, NULL), HAZARD_REFUSAL_ROLE, 0);
	denied(desk_step(&d, id, HAZARD_STEP_CLOSE, HAZARD_ROLE_POLICE, "赵警", "交警大队", NULL, NULL),
	       HAZARD_REFUSAL_ROLE, 0);
	desk_bring(&d, id, HAZARD_CLOSED);
}

Test(hazard_law_steps, who_rectified_does_not_accept)
{
	uint64_t id = desk_find(&d, "company=海湾仓储");
	desk_bring(&d, id, HAZARD_APPLIED);
	denied(desk_step(&d, id, HAZARD_STEP_ACCEPT, HAZARD_ROLE_CLERK, "陈责", "企业服务中心", "合格", NULL),
	       HAZARD_REFUSAL_SAME_HANDS, 0);
	denied(desk_step(&d, id, HAZARD_STEP_ACCEPT, HAZARD_ROLE_CLERK, "王验", "海湾仓储", "合格", NULL),
	       HAZARD_REFUSAL_SAME_HANDS, 0);
	denied(desk_step(&d, id, HAZARD_STEP_ACCEPT, HAZARD_ROLE_CLERK, "王验", "企业服务中心", NULL, NULL),
	       HAZARD_REFUSAL_NOTE, 0);
	desk_bring(&d, id, HAZARD_ACCEPTED);
}

Test(hazard_law_steps, only_the_named_acceptor_accepts)
{
	uint64_t id = major_assigned();
	cr_assert_eq(enterprise(id, HAZARD_STEP_START, NULL, NULL), STATUS_OK);
	cr_assert_eq(enterprise(id, HAZARD_STEP_APPLY, "已整改", NULL), STATUS_OK);
	denied(office(id, HAZARD_STEP_ACCEPT, "合格", NULL), HAZARD_REFUSAL_NOT_ACCEPTOR, HAZARD_FIELD_ACCEPTOR);
	cr_assert_eq(desk_step(&d, id, HAZARD_STEP_ACCEPT, HAZARD_ROLE_CLERK, "王验", "企业服务中心", "合格", NULL),
		     STATUS_OK);
}

static enum status listing(uint64_t id, unsigned step, unsigned role, const char *document, const char *fields)
{
	return desk_step_more(&d, id, step, role, "林安", "乡安办", NULL, fields,
			      (struct desk_more){.document = document});
}

Test(hazard_law_steps, listed_supervision_is_requested_issued_and_released)
{
	uint64_t id = major_assigned(), general = desk_find(&d, "");
	desk_bring(&d, general, HAZARD_ASSIGNED);
	denied(listing(general, HAZARD_STEP_REQUEST_LISTING, HAZARD_ROLE_CLERK, "提请1号", NULL), HAZARD_REFUSAL_GRADE,
	       HAZARD_FIELD_GRADE);
	denied(listing(id, HAZARD_STEP_LIST, HAZARD_ROLE_OFFICE, "挂1号", "leader=乡长"), HAZARD_REFUSAL_LISTING, 0);
	denied(listing(id, HAZARD_STEP_REQUEST_LISTING, HAZARD_ROLE_CLERK, NULL, NULL), HAZARD_REFUSAL_DOCUMENT, 0);
	cr_assert_eq(listing(id, HAZARD_STEP_REQUEST_LISTING, HAZARD_ROLE_CLERK, "提请1号", NULL), STATUS_OK);
	denied(listing(id, HAZARD_STEP_LIST, HAZARD_ROLE_CLERK, "挂1号", NULL), HAZARD_REFUSAL_ROLE, 0);
	denied(listing(id, HAZARD_STEP_LIST, HAZARD_ROLE_OFFICE, "挂1号", NULL), HAZARD_REFUSAL_MISSING,
	       HAZARD_FIELD_LEADER);
	cr_assert_eq(listing(id, HAZARD_STEP_LIST, HAZARD_ROLE_OFFICE, "挂1号", "leader=乡长"), STATUS_OK);
	cr_assert_eq(enterprise(id, HAZARD_STEP_START, NULL, NULL), STATUS_OK);
	cr_assert_eq(enterprise(id, HAZARD_STEP_APPLY, "已整改", NULL), STATUS_OK);
	cr_assert_eq(desk_step(&d, id, HAZARD_STEP_ACCEPT, HAZARD_ROLE_CLERK, "王验", "企业服务中心", "合格", NULL),
		     STATUS_OK);
	denied(office(id, HAZARD_STEP_CLOSE, NULL, NULL), HAZARD_REFUSAL_LISTED, 0);
	cr_assert_eq(listing(id, HAZARD_STEP_RELEASE, HAZARD_ROLE_OFFICE, "解1号", NULL), STATUS_OK);
	cr_assert_eq(office(id, HAZARD_STEP_CLOSE, NULL, NULL), STATUS_OK);
	struct hazard h;
	cr_assert_eq(hazards_get(d.register_, id, &h), STATUS_OK);
	cr_assert(span_equal(hazard_value(&h, HAZARD_FIELD_LISTING_DOCUMENT), span_of_string("挂1号")));
	hazard_deinit(&h);
}

Test(hazard_law_steps, deadlines_are_no_wish)
{
	uint64_t id = desk_find(&d, "company=海湾仓储"), life = desk_find(&d, "life_threat=yes");
	desk_bring(&d, id, HAZARD_REGISTERED);
	denied(office(id, HAZARD_STEP_ASSIGN, NULL, "unit=甲|person=乙|supervisor=丙|deadline=2026-03-01"),
	       HAZARD_REFUSAL_DEADLINE_PAST, HAZARD_FIELD_DEADLINE);
	desk_bring(&d, id, HAZARD_ASSIGNED);
	denied(office(id, HAZARD_STEP_AMEND, NULL, "deadline=2026-05-01"), HAZARD_REFUSAL_FIXED, HAZARD_FIELD_DEADLINE);
	denied(office(id, HAZARD_STEP_EXTEND, "雨季", "deadline=2026-03-10"), HAZARD_REFUSAL_DEADLINE_EARLIER,
	       HAZARD_FIELD_DEADLINE);
	denied(office(id, HAZARD_STEP_EXTEND, NULL, "deadline=2026-03-20"), HAZARD_REFUSAL_NOTE, 0);
	cr_assert_eq(office(id, HAZARD_STEP_EXTEND, "雨季", "deadline=2026-03-20"), STATUS_OK);
	desk_bring(&d, life, HAZARD_REGISTERED);
	denied(office(life, HAZARD_STEP_ASSIGN, NULL, "unit=甲|person=乙|supervisor=丙|deadline=2026-03-03"),
	       HAZARD_REFUSAL_DEADLINE_FAR, HAZARD_FIELD_DEADLINE);
	cr_assert_eq(office(life, HAZARD_STEP_ASSIGN, NULL, "unit=甲|person=乙|supervisor=丙|deadline=2026-03-02"),
		     STATUS_OK);
}

Test(hazard_law_steps, a_source_belongs_to_who_finds)
{
	denied(desk_step(&d, 0, HAZARD_STEP_FIND, HAZARD_ROLE_OFFICE, "林安", "乡安办", NULL,
			 "source=violation|found=2026-03-01 09:00:00|description=超速"),
	       HAZARD_REFUSAL_SOURCE, HAZARD_FIELD_SOURCE);
	denied(desk_step(&d, 0, HAZARD_STEP_FIND, HAZARD_ROLE_ENTERPRISE, "陈责", "海湾仓储", NULL,
			 "source=inspection|found=2026-03-01 09:00:00|description=自查|company=海湾仓储"),
	       HAZARD_REFUSAL_SOURCE, HAZARD_FIELD_SOURCE);
	denied(desk_step(&d, 0, HAZARD_STEP_FIND, HAZARD_ROLE_ENTERPRISE, "陈责", "海湾仓储", NULL,
			 "source=self_check|found=2026-03-01 09:00:00|description=自查|company=别家"),
	       HAZARD_REFUSAL_NOT_OWN, HAZARD_FIELD_COMPANY);
	denied(desk_step(&d, 0, HAZARD_STEP_FIND, HAZARD_ROLE_AUDITOR, "审", "审计", NULL, "source=tip"),
	       HAZARD_REFUSAL_ROLE, 0);
}

Test(hazard_law_steps, what_assigning_needed_stays_said)
{
	uint64_t id = major_assigned();
	denied(office(id, HAZARD_STEP_AMEND, NULL, "acceptor="), HAZARD_REFUSAL_MISSING, HAZARD_FIELD_ACCEPTOR);
	denied(office(id, HAZARD_STEP_AMEND, NULL, "source=tip"), HAZARD_REFUSAL_FIXED, HAZARD_FIELD_SOURCE);
	denied(desk_step(&d, id, HAZARD_STEP_AMEND, HAZARD_ROLE_CLERK, "王", "企业服务中心", NULL, "grade=general"),
	       HAZARD_REFUSAL_FIXED, HAZARD_FIELD_GRADE);
	denied(office(id, HAZARD_STEP_AMEND, NULL, NULL), HAZARD_REFUSAL_NOTHING, 0);
}
