/* Workbooks of the register, read back: every total against an oracle over the pages, dates, panes, bounds; score
 * cards. */
#include <criterion/criterion.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "engine/core/clock.h"
#include "query/export/book_hazards.h"
#include "query/export/score_hazards.h"
#include "support/register_desk.h"
#include "support/workbook_reader.h"

#define OFFICE HAZARD_ROLE_OFFICE, "林安", "乡安办"

static struct desk desk;
static char path[100];
static int32_t today;

static void begin(void)
{
	desk_open(&desk);
	snprintf(path, sizeof path, "%s/book.xlsx", desk.dir);
	cr_assert_eq(hazard_day_parse(span_of_string("2026-04-20"), &today), STATUS_OK);
}

static void end(void)
{
	desk_close(&desk);
}

TestSuite(book_hazards, .init = begin, .fini = end, .timeout = 120);

static void must(enum status status)
{
	cr_assert_eq(status, STATUS_OK, "%s, %s", status_text(status),
		     hazard_refusal_english(desk.outcome.refusal.reason));
}

static uint64_t find(unsigned i)
{
	static const char *const villages[] = {"village=白奇", "village=里春", "grid=一"};
	static const char *const companies[] = {"company=海湾仓储", "company=宏达<运输>&公司"};
	char fields[400];
	snprintf(fields, sizeof fields, "source=%s|found=2026-%02u-%02uT23:30:00+08:00|description==1+1 不是算式|%s|%s",
		 i % 4 ? "inspection" : "tip", i % 5 ? 3 : 1, 1 + i % 28, villages[i % 3], companies[i % 2]);
	must(desk_step(&desk, 0, HAZARD_STEP_FIND, OFFICE, NULL, fields));
	return desk.outcome.id;
}

static void assign(uint64_t id, unsigned i)
{
	char fields[500];
	bool major = i % 7 == 0;
	snprintf(fields, sizeof fields, "site=一号仓库|grade=%s|sector=%s",
		 major   ? "major"
		 : i % 3 ? "general"
			 : "larger",
		 i % 2 ? "消防" : "道路运输");
	must(desk_step(&desk, id, HAZARD_STEP_REGISTER, OFFICE, NULL, fields));
	if (i % 11 == 1)
		return;
	uint8_t digest[HAZARD_DIGEST_SIZE];
	char signature[2 * HAZARD_DIGEST_SIZE + 1];
	must(hazard_event_digest(span_of_string("签"), digest));
	hex_encode(signature, span_of(digest, sizeof digest));
	if (major)
		must(desk_step_more(&desk, id, HAZARD_STEP_ATTACH, OFFICE, NULL, NULL,
				    (struct desk_more){.link = "sign.pdf", .file = "签"}));
	snprintf(fields, sizeof fields,
		 "unit=海湾仓储|person=陈责|supervisor=企业服务中心|deadline=2026-03-%02u|measures=码放|fund=1万元|"
		 "plan=预案|"
		 "basis=标准|acceptor=王验%s%s",
		 5 + i % 20, major ? "|signature=" : "", major ? signature : "");
	must(desk_step(&desk, id, HAZARD_STEP_ASSIGN, OFFICE, NULL, fields));
	desk.now_ms += (int64_t)(i % 13) * MS_PER_DAY;
}

/* One that is found, and taken on as its number says. */
static void populate_one(unsigned i)
{
	static const uint8_t goals[] = {HAZARD_ASSIGNED, HAZARD_RECTIFYING, HAZARD_APPLIED, HAZARD_ACCEPTED,
					HAZARD_CLOSED};
	int64_t began_ms = desk.now_ms;
	uint64_t id = find(i);
	if (i % 10 == 9) {
		if (i % 20 == 19)
			must(desk_step(&desk, id, HAZARD_STEP_VOID, HAZARD_ROLE_CLERK, "王验", "企业服务中心", "重复",
				       NULL));
		return;
	}
	assign(id, i);
	if (desk_state(&desk, id) == HAZARD_ASSIGNED)
		desk_bring(&desk, id, goals[i % 5]);
	if (i % 6 == 2)
		must(desk_step_more(&desk, id, HAZARD_STEP_HAND_OVER, OFFICE, "移交", NULL,
				    (struct desk_more){.document = "执〔2026〕1号"}));
	if (i % 8 == 3)
		must(desk_step_more(&desk, id, HAZARD_STEP_ACCOUNT, OFFICE, "约谈", NULL,
				    (struct desk_more){.document = "问〔2026〕2号"}));
	if (i % 25 == 4)
		must(desk_step(&desk, id, HAZARD_STEP_RELAPSE, OFFICE, "又堆放", NULL));
	desk.now_ms = began_ms;
}

static void populate(void)
{
	for (unsigned i = 0; i < 60; i++)
		populate_one(i);
}

static struct book_request request(unsigned kind, const char *name)
{
	struct book_request q = {.kind = (uint8_t)kind, .rows_max = 1000, .made_ms = desk.now_ms, .maker = "林安"};
	q.filter.today = today;
	if (name)
		q.filter.words[book_kind_word(kind)] = span_of_string(name);
	return q;
}

/* --- the oracle: from what stands, by the words of the definitions --- */

static unsigned age_band(const struct hazard *h)
{
	int32_t age = today - hazard_day(h->found_ms);
	return age <= 7 ? 0 : age <= 30 ? 1 : age <= 90 ? 2 : 3;
}

static bool counts_in(const struct hazard *h, const char *group, const char *name)
{
	static const char *const bands[] = {"7天以内", "8至30天", "31至90天", "90天以上"};
	bool open = h->state != HAZARD_CLOSED && h->state != HAZARD_VOID;
	bool in_hand = h->state == HAZARD_ASSIGNED || h->state == HAZARD_RECTIFYING || h->state == HAZARD_APPLIED;
	if (!strcmp(group, "状态"))
		return !strcmp(name, hazard_chinese(HAZARD_TABLE_STATE, h->state));
	if (!strcmp(group, "隐患等级"))
		return !strcmp(name, hazard_chinese(HAZARD_TABLE_GRADE, h->grade));
	if (!strcmp(group, "来源"))
		return !strcmp(name, hazard_chinese(HAZARD_TABLE_SOURCE, h->source));
	if (!strcmp(group, "账龄"))
		return open && !strcmp(name, bands[age_band(h)]);
	return !strcmp(name, "全部") || (!strcmp(name, "未销号") && open) ||
	       (!strcmp(name, "逾期") && in_hand && h->deadline_day < today) ||
	       (!strcmp(name, "重大未销号") && open && h->grade == HAZARD_GRADE_MAJOR) ||
	       (!strcmp(name, "已销号") && h->state == HAZARD_CLOSED) ||
	       (!strcmp(name, "按期销号") && h->state == HAZARD_CLOSED &&
		hazard_day(h->applied_ms) <= h->deadline_day) ||
	       (!strcmp(name, "反弹") && h->relapses) ||
	       (!strcmp(name, "挂牌督办") && h->listing == HAZARD_LISTING_LISTED);
}

static unsigned oracle(const struct hazard_filter *filter, const char *group, const char *name)
{
	struct hazard_cursor cursor = {0};
	uint64_t ids[7];
	unsigned count = 0;
	size_t n;
	while ((n = hazards_page(desk.register_, filter, HAZARD_BY_DEADLINE, &cursor, ids, 7)))
		for (size_t i = 0; i < n; i++) {
			struct hazard h;
			cr_assert_eq(hazards_get(desk.register_, ids[i], &h), STATUS_OK);
			count += counts_in(&h, group, name);
			hazard_deinit(&h);
		}
	return count;
}

/* Every figure of one column; returns how many there were that are not 0. */
static unsigned hold_column(const struct reader_sheet *s, unsigned column, const struct hazard_filter *filter)
{
	unsigned live = 0;
	for (unsigned row = 1; row < s->rows && *cell_text_at(s, row, 0); row++) {
		const char *group = cell_text_at(s, row, 0), *name = cell_text_at(s, row, 1);
		unsigned want = oracle(filter, group, name);
		live += want != 0;
		cr_assert_eq((unsigned)atoi(cell_text_at(s, row, column)), want, "column %u, %s %s: %s, not %u", column,
			     group, name, cell_text_at(s, row, column), want);
		cr_assert(cell_at(s, row, column) && !cell_at(s, row, column)->is_text);
	}
	return live;
}

static void hold_sheet(const struct reader_sheet *s)
{
	char last[16];
	cr_assert_str_eq(s->frozen, "B2", "%s", s->name);
	cr_assert_eq(strncmp(s->filter, "A1:", 3), 0, "%s: %s", s->name, s->filter);
	snprintf(last, sizeof last, "%u", s->rows);
	if (strcmp(s->name, "汇总") != 0)
		cr_assert(strstr(s->filter + 3, last), "%s: %s of %u rows", s->name, s->filter, s->rows);
	unsigned headings = 0;
	while (cell_at(s, 0, headings))
		headings++;
	cr_assert_eq(s->columns_wide, headings);
}

Test(book_hazards, totals_of_the_six_lists_are_those_of_an_oracle_over_the_pages)
{
	struct book_request q = request(BOOK_LISTS, NULL);
	struct workbook w;
	populate();
	must(book_hazards_write(desk.register_, &q, path));
	workbook_open(&w, path);
	cr_assert_eq(w.count, 1 + HAZARD_LIST_COUNT);
	const struct reader_sheet *summary = &w.sheets[0];
	cr_assert_str_eq(summary->name, "汇总");
	for (unsigned list = 0; list < HAZARD_LIST_COUNT; list++) {
		const struct reader_sheet *s = workbook_sheet(&w, hazard_list_chinese(list));
		struct hazard_counts counts;
		q.filter.list = (uint8_t)list;
		unsigned column = column_of(summary, hazard_list_chinese(list));
		unsigned live = hold_column(summary, column, &q.filter);
		cr_assert_geq(live, list == HAZARD_LIST_HAZARDS ? 20 : 6, "%s: %u", s->name, live);
		hazards_counts(desk.register_, &q.filter, &counts);
		cr_assert_eq(s->rows - 1, counts.all);
		cr_assert_eq((unsigned)atoi(cell_text_at(summary, 1, column)), counts.all);
	}
	for (size_t i = 0; i < w.count; i++)
		hold_sheet(&w.sheets[i]);
	workbook_shut(&w);
}

/* Days since 1899-12-30: the serial of 2026-03-01 is 46082 (ECMA-376 part 1, 18.17.4.1). */
Test(book_hazards, instants_and_days_are_dates_as_the_clock_in_china_shows_them)
{
	struct book_request q = request(BOOK_LISTS, NULL);
	struct workbook w;
	desk_bring(&desk, desk_find(&desk, "company=海湾仓储"), HAZARD_CLOSED);
	must(book_hazards_write(desk.register_, &q, path));
	workbook_open(&w, path);
	const struct reader_sheet *s = workbook_sheet(&w, "隐患清单");
	const struct reader_cell *found = cell_at(s, 1, column_of(s, "发现时间"));
	cr_assert(found && !found->is_text);
	cr_assert_str_eq(found->text, "46082.375"); /* 09:00 */
	cr_assert_str_eq(found->format, "yyyy-mm-dd hh:mm:ss");
	const struct reader_cell *deadline = cell_at(s, 1, column_of(s, "整改时限"));
	cr_assert(deadline && !deadline->is_text);
	cr_assert_str_eq(deadline->text, "46091"); /* 2026-03-10 */
	cr_assert_str_eq(deadline->format, "yyyy-mm-dd");
	cr_assert_str_eq(cell_text_at(s, 1, column_of(s, "销号时间")), "46083.5");
	cr_assert_str_eq(cell_text_at(s, 1, column_of(s, "编号")), "2026-000001");
	cr_assert_str_eq(cell_text_at(s, 1, column_of(s, "状态")), "销号");
	cr_assert_str_eq(cell_text_at(s, 1, column_of(s, "隐患等级")), "一般");
	workbook_shut(&w);
}

Test(book_hazards, a_book_has_the_hazards_of_its_name_and_how_they_were_handled)
{
	static const struct {
		uint8_t kind;
		const char *name;
	} books[] = {{BOOK_VILLAGE, "白奇"}, {BOOK_SECTOR, "消防"}, {BOOK_ENTERPRISE, "宏达<运输>&公司"}};
	populate();
	for (size_t i = 0; i < 3; i++) {
		struct book_request q = request(books[i].kind, books[i].name);
		struct workbook w;
		must(book_hazards_write(desk.register_, &q, path));
		workbook_open(&w, path);
		cr_assert_eq(w.count, 3);
		const struct reader_sheet *rows = workbook_sheet(&w, "隐患台账"), *summary = &w.sheets[0];
		q.filter.list = HAZARD_LIST_HAZARDS;
		cr_assert_geq(hold_column(summary, column_of(summary, "隐患台账"), &q.filter), 12);
		cr_assert_gt(rows->rows, 10);
		unsigned column = column_of(
			rows, hazard_chinese(HAZARD_TABLE_FIELD, hazard_word_field(book_kind_word(books[i].kind))));
		for (unsigned row = 1; row < rows->rows; row++)
			cr_assert_str_eq(cell_text_at(rows, row, column), books[i].name);
		cr_assert_str_eq(cell_text_at(rows, 1, column_of(rows, "隐患描述")), "=1+1 不是算式");
		cr_assert(cell_at(rows, 1, column_of(rows, "隐患描述"))->is_text);
		for (size_t k = 0; k < w.count; k++)
			hold_sheet(&w.sheets[k]);
		workbook_shut(&w);
	}
}

Test(book_hazards, the_steps_of_a_book_are_the_history_without_corrections)
{
	static const char *const want[] = {"排查", "登记", "交办", "开始整改", "申请验收", "验收通过", "销号"};
	struct book_request q = request(BOOK_ENTERPRISE, "海湾仓储");
	struct workbook w;
	uint64_t id = desk_find(&desk, "company=海湾仓储");
	must(desk_step(&desk, id, HAZARD_STEP_AMEND, OFFICE, NULL, "grid=二"));
	desk_bring(&desk, id, HAZARD_CLOSED);
	desk_bring(&desk, desk_find(&desk, "company=别家"), HAZARD_ASSIGNED);
	must(book_hazards_write(desk.register_, &q, path));
	workbook_open(&w, path);
	const struct reader_sheet *s = workbook_sheet(&w, "办理过程");
	cr_assert_eq(s->rows, 8);
	for (unsigned i = 0; i < 7; i++) {
		cr_assert_str_eq(cell_text_at(s, 1 + i, column_of(s, "步骤")), want[i]);
		cr_assert_str_eq(cell_text_at(s, 1 + i, column_of(s, "编号")), "2026-000001");
	}
	cr_assert_str_eq(cell_text_at(s, 5, column_of(s, "说明")), "已整改");
	cr_assert_str_eq(cell_text_at(s, 6, column_of(s, "办理人")), "王验");
	cr_assert_str_eq(cell_text_at(s, 6, column_of(s, "时间")), "46083.5");
	workbook_shut(&w);
}

Test(book_hazards, past_a_bound_there_is_no_book_and_at_it_there_is)
{
	struct book_request q = request(BOOK_LISTS, NULL);
	for (int i = 0; i < 5; i++)
		desk_find(&desk, "village=白奇");
	q.rows_max = 5;
	must(book_hazards_write(desk.register_, &q, path));
	q.rows_max = 4;
	cr_assert_eq(book_hazards_write(desk.register_, &q, path), STATUS_FULL);
	q.filter.words[HAZARD_WORD_VILLAGE] = span_of_string("里春");
	must(book_hazards_write(desk.register_, &q, path));
	/* one hazard, eleven steps, ten of them allowed */
	struct book_request steps = request(BOOK_ENTERPRISE, "单");
	uint64_t id = desk_find(&desk, "company=单");
	steps.rows_max = 1;
	desk_bring(&desk, id, HAZARD_APPLIED);
	for (int i = 0; i < 2; i++) {
		must(desk_step(&desk, id, HAZARD_STEP_RETURN, HAZARD_ROLE_CLERK, "王验", "企业服务中心", "不合格",
			       NULL));
		desk_bring(&desk, id, HAZARD_APPLIED);
	}
	must(desk_step(&desk, id, HAZARD_STEP_ACCEPT, HAZARD_ROLE_CLERK, "王验", "企业服务中心", "合格", NULL));
	must(book_hazards_write(desk.register_, &steps, path));
	must(desk_step(&desk, id, HAZARD_STEP_CLOSE, OFFICE, NULL, NULL));
	cr_assert_eq(book_hazards_write(desk.register_, &steps, path), STATUS_FULL);
}

Test(book_hazards, what_makes_no_book_is_refused)
{
	struct book_request q = request(BOOK_VILLAGE, NULL);
	cr_assert_eq(book_hazards_write(desk.register_, &q, path), STATUS_INVALID);
	q = request(BOOK_KIND_COUNT, NULL);
	cr_assert_eq(book_hazards_write(desk.register_, &q, path), STATUS_INVALID);
	q = request(BOOK_LISTS, NULL);
	q.rows_max = BOOK_ROWS_MAX + 1;
	cr_assert_eq(book_hazards_write(desk.register_, &q, path), STATUS_INVALID);
	q.rows_max = 1;
	cr_assert_eq(book_hazards_write(desk.register_, &q, "/nowhere/book.xlsx"), STATUS_IO);
	must(book_hazards_write(desk.register_, &q, path)); /* of an empty register: zeros */
}

/* --- score cards --- */

static void hold_card(json_t *card, const struct score_weights *w)
{
	static const char *const names[] = {"未销号", "逾期", "反弹", "重大未销号"};
	static const char *const tokens[] = {"open", "overdue", "relapsed", "major"};
	struct hazard_filter f = {.list = HAZARD_LIST_HAZARDS, .today = today};
	uint64_t score = 0;
	f.words[HAZARD_WORD_COMPANY] = span_of_string(json_string_value(json_object_get(card, "name")));
	for (unsigned i = 0; i < 4; i++) {
		unsigned want = oracle(&f, "总体", names[i]);
		cr_assert_eq(json_integer_value(json_object_get(card, tokens[i])), want, "%s", tokens[i]);
		score += (uint64_t)want * w->of[i];
	}
	cr_assert_eq((uint64_t)json_integer_value(json_object_get(card, "score")), score);
}

Test(book_hazards, a_score_is_what_the_weights_say_and_the_worst_is_first)
{
	struct hazard_filter f = {.list = HAZARD_LIST_HAZARDS, .today = today};
	struct score_weights w = {{2, 7, 100, 31}};
	struct buf out = buf_init(1 << 20);
	json_int_t last = INT64_MAX;
	size_t i;
	populate();
	must(score_hazards_json(desk.register_, &f, HAZARD_WORD_COMPANY, &w, 10, &out));
	json_t *v = json_loadb((char *)out.data, out.size, 0, NULL), *card;
	cr_assert(v);
	cr_assert_eq(json_array_size(json_object_get(v, "cards")), 2);
	json_array_foreach(json_object_get(v, "cards"), i, card)
	{
		hold_card(card, &w);
		cr_assert_leq(json_integer_value(json_object_get(card, "score")), last);
		last = json_integer_value(json_object_get(card, "score"));
	}
	json_t *about = json_object_get(json_object_get(v, "definitions"), "relapsed");
	cr_assert_eq(json_integer_value(json_object_get(about, "weight")), 100);
	cr_assert(json_string_value(json_object_get(about, "means_zh")));
	json_decref(v);
	w.of[0] = SCORE_WEIGHT_MAX + 1;
	cr_assert_eq(score_hazards_json(desk.register_, &f, HAZARD_WORD_COMPANY, &w, 10, &out), STATUS_INVALID);
	buf_deinit(&out);
}

Test(book_hazards, the_lists_of_other_annexes_have_their_sheets_and_the_registers_rows)
{
	static const struct {
		unsigned kind;
		const char *sheets[6], *heading;
		unsigned list[5];
	} books[] = {
		{BOOK_TWO, {"问题隐患清单", "制度措施清单"}, "整改措施", {HAZARD_LIST_HAZARDS, HAZARD_LIST_HAZARDS}},
		{BOOK_THREE,
		 {"问题清单", "整改清单", "销号清单"},
		 "验收人",
		 {HAZARD_LIST_HAZARDS, HAZARD_LIST_RECTIFICATION, HAZARD_LIST_ACCEPTANCE}},
		{BOOK_FIVE,
		 {"基础信息清单", "防控责任清单", "监测监控清单", "防范措施清单", "应急处置清单"},
		 "应急预案",
		 {HAZARD_LIST_HAZARDS, HAZARD_LIST_HAZARDS, HAZARD_LIST_HAZARDS, HAZARD_LIST_HAZARDS,
		  HAZARD_LIST_HAZARDS}},
	};
	populate();
	for (size_t i = 0; i < sizeof books / sizeof *books; i++) {
		struct book_request q = request(books[i].kind, NULL);
		struct workbook w;
		size_t n = 0;
		must(book_hazards_write(desk.register_, &q, path));
		workbook_open(&w, path);
		const struct reader_sheet *summary = workbook_sheet(&w, "汇总");
		for (; books[i].sheets[n]; n++) {
			const struct reader_sheet *s = workbook_sheet(&w, books[i].sheets[n]);
			struct hazard_filter f = {.list = (uint8_t)books[i].list[n], .today = today};
			hold_sheet(s);
			cr_assert_eq(s->rows - 1, oracle(&f, "总体", "全部"), "%s", s->name);
			hold_column(summary, column_of(summary, s->name), &f);
		}
		cr_assert_eq(w.count, n + 1);
		column_of(workbook_sheet(&w, books[i].sheets[n - 1]), books[i].heading);
		workbook_shut(&w);
	}
}
