/* Workbooks and score cards over a real server: what is in them by who asks, what is refused, what is on record. */
#include <criterion/criterion.h>
#include <ftw.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/core/clock.h"
#include "engine/core/log.h"
#include "query/http/handlers_hazards.h"
#include "query/http/http.h"
#include "support/workbook_reader.h"
#include "unit/query_http/http_client.h"

static char folder[64], path[100];
static struct engine *engine;
static struct hazards *hazards;
static struct http *server;

/* token, principal */
static const struct {
	const char *token;
	struct principal who;
} people[] = {
	{"office", {"林安", "all", "office", "乡安办"}},
	{"firm", {"陈责", "company:海湾仓储", "enterprise", "海湾仓储"}},
	{"village", {"村", "village:白奇", "clerk", "白奇村委会"}},
	{"stranger", {"谁", "island:x", "clerk", "外"}},
	{"auditor", {"审", "all", "auditor", "纪检"}},
};
#define PEOPLE (sizeof people / sizeof *people)

static void find(const char *company, const char *village, const char *grade)
{
	struct hazard_change changes[] = {
		{HAZARD_FIELD_SOURCE, span_of_string("inspection")},
		{HAZARD_FIELD_FOUND, span_of_string("2026-03-01T09:00:00+08:00")},
		{HAZARD_FIELD_DESCRIPTION, span_of_string("堆垛不规范")},
		{HAZARD_FIELD_COMPANY, span_of_string(company)},
		{HAZARD_FIELD_VILLAGE, span_of_string(village)},
		{HAZARD_FIELD_SECTOR, span_of_string("消防")},
		{HAZARD_FIELD_GRADE, span_of_string(grade)},
	};
	struct hazard_order order = {.step = HAZARD_STEP_FIND,
				     .at_ms = clock_now_ms(),
				     .actor = {HAZARD_ROLE_OFFICE, "林安", "乡安办"},
				     .changes = changes,
				     .change_count = sizeof changes / sizeof *changes};
	struct hazard_outcome outcome;
	cr_assert_eq(hazards_step(hazards, &order, &outcome), STATUS_OK);
}

static void begin(void)
{
	struct http_token tokens[PEOPLE] = {0};
	struct hazard_policy law = hazard_policy_default();
	log_set_level(LOG_ERROR);
	strcpy(folder, "/tmp/zayton-books-XXXXXX");
	cr_assert(mkdtemp(folder));
	snprintf(path, sizeof path, "%s/answer.xlsx", folder);
	struct engine_options o = engine_options_default(folder);
	o.create = true;
	cr_assert_eq(engine_open(&o, &engine), STATUS_OK);
	cr_assert_eq(hazards_open(engine_store(engine), &law, &hazards), STATUS_OK);
	for (size_t i = 0; i < PEOPLE; i++) {
		tokens[i].principal = people[i].who;
		cr_assert(EVP_Digest(people[i].token, strlen(people[i].token), tokens[i].sha256, NULL, EVP_sha256(),
				     NULL));
	}
	struct http_options h = http_options_default(engine);
	h.pool_threads = 2;
	h.tokens = tokens;
	h.token_count = PEOPLE;
	cr_assert_eq(http_new(&h, &server), STATUS_OK);
	cr_assert_eq(hazards_route_add(server, hazards), STATUS_OK);
	cr_assert_eq(http_start(server), STATUS_OK);
	find("海湾仓储", "白奇", "general");
	find("海湾仓储", "里春", "major");
	find("宏达", "白奇", "major");
	find("宏达", "白奇", "major");
}

static int remove_entry(const char *at, const struct stat *seen, int kind, struct FTW *walk)
{
	(void)seen, (void)kind, (void)walk;
	return remove(at);
}

static void end(void)
{
	http_free(server);
	hazards_close(hazards);
	engine_close(engine);
	nftw(folder, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

TestSuite(hazard_books_http, .init = begin, .fini = end, .timeout = 120);

static struct answer as(const char *token, const char *question)
{
	char headers[100], request[400];
	snprintf(headers, sizeof headers, "Authorization: Bearer %s\r\n", token);
	snprintf(request, sizeof request, "GET /api/v1/%s", question);
	return ask(http_port(server), request, headers, NULL);
}

static void expect(const char *token, const char *question, int status, const char *part)
{
	struct answer a = as(token, question);
	cr_assert_eq(a.status, status, "%s: %d %.*s", question, a.status, (int)a.body.size, (char *)a.body.data);
	cr_assert(answer_has(&a, part), "%s: no %s in %.*s", question, part, (int)a.body.size, (char *)a.body.data);
	answer_deinit(&a);
}

/* The codes of a sheet, and the total that the summary says of it. */
static void expect_book(const char *token, const char *question, const char *sheet, const char *codes)
{
	struct workbook w;
	struct answer a = as(token, question);
	char seen[200] = "";
	cr_assert_eq(a.status, 200, "%s: %d %.*s", question, a.status, (int)a.body.size, (char *)a.body.data);
	cr_assert_str_eq(answer_header(&a, "content-type"),
			 "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet");
	cr_assert(strstr(answer_header(&a, "content-disposition"), ".xlsx"));
	cr_assert(a.whole);
	FILE *file = fopen(path, "wb");
	cr_assert(file && fwrite(a.body.data, 1, a.body.size, file) == a.body.size);
	fclose(file);
	answer_deinit(&a);
	workbook_open(&w, path);
	const struct reader_sheet *s = workbook_sheet(&w, sheet), *summary = workbook_sheet(&w, "汇总");
	for (unsigned row = 1; row < s->rows; row++)
		strcat(strcat(seen, row > 1 ? " " : ""), cell_text_at(s, row, 0) + 8);
	cr_assert_str_eq(seen, codes, "%s %s: %s", token, question, seen);
	cr_assert_eq((unsigned)atoi(cell_text_at(summary, 1, column_of(summary, sheet))), s->rows - 1);
	workbook_shut(&w);
}

Test(hazard_books_http, a_book_has_what_the_asker_may_see)
{
	expect_book("office", "hazards/book?kind=lists", "隐患清单", "001 002 003 004");
	expect_book("office", "hazards/book?kind=lists", "监督清单", "");
	expect_book("firm", "hazards/book?kind=lists", "隐患清单", "001 002");
	expect_book("village", "hazards/book?kind=lists", "隐患清单", "001 003 004");
	expect_book("office", "hazards/book?kind=village&name=%E9%87%8C%E6%98%A5", "隐患台账", "002");
	expect_book("village", "hazards/book?kind=village&name=%E7%99%BD%E5%A5%87", "隐患台账", "001 003 004");
	expect_book("village", "hazards/book?kind=sector&name=%E6%B6%88%E9%98%B2", "隐患台账", "001 003 004");
	expect_book("village", "hazards/book?kind=enterprise&name=%E6%B5%B7%E6%B9%BE%E4%BB%93%E5%82%A8", "隐患台账",
		    "001");
	expect_book("firm", "hazards/book?kind=enterprise&name=%E5%AE%8F%E8%BE%BE", "隐患台账", "");
	expect_book("office", "hazards/book?kind=lists&from=2026-03-01T01:00:00Z", "隐患清单", "001 002 003 004");
	expect_book("office", "hazards/book?kind=lists&to=2026-03-01T01:00:00Z", "隐患清单", "");
}

/* Does any cell of the list have it? */
static bool list_has(const char *token, const char *part)
{
	struct workbook w;
	struct answer a = as(token, "hazards/book?kind=lists");
	bool found = false;
	FILE *file = fopen(path, "wb");
	cr_assert(file && fwrite(a.body.data, 1, a.body.size, file) == a.body.size);
	fclose(file);
	answer_deinit(&a);
	workbook_open(&w, path);
	const struct reader_sheet *s = workbook_sheet(&w, "隐患清单");
	for (size_t i = 0; i < s->count; i++)
		found |= strstr(s->cells[i].text, part) != NULL;
	workbook_shut(&w);
	return found;
}

Test(hazard_books_http, a_book_shows_clerks_no_numbers_of_people)
{
	struct hazard_change said[] = {{HAZARD_FIELD_DESCRIPTION, span_of_string("致电 13912345678")},
				       {HAZARD_FIELD_FINDER, span_of_string("李某 0595-27551234")}};
	struct hazard_order o = {.step = HAZARD_STEP_AMEND,
				 .id = 1,
				 .at_ms = INT64_C(1772424000000),
				 .actor = {HAZARD_ROLE_OFFICE, "林安", "乡安办"},
				 .changes = said,
				 .change_count = 2};
	struct hazard_outcome out;
	cr_assert_eq(hazards_step(hazards, &o, &out), STATUS_OK);
	cr_expect(list_has("office", "13912345678") && list_has("office", "0595-27551234"));
	cr_expect(list_has("village", "139****5678") && !list_has("village", "13912345678"));
	cr_expect(list_has("village", "李某 059*******234") && !list_has("village", "0595-27551234"));
}

Test(hazard_books_http, what_is_no_question_for_a_book_is_refused)
{
	expect("office", "hazards/book", 400, "\"parameter\":\"kind\"");
	expect("office", "hazards/book?kind=island", 400, "\"parameter\":\"kind\"");
	expect("office", "hazards/book?kind=village", 400, "\"parameter\":\"name\"");
	expect("office", "hazards/book?kind=village&name=", 400, "\"parameter\":\"name\"");
	expect("office", "hazards/book?kind=lists&name=x", 400, "\"parameter\":\"name\"");
	expect("office", "hazards/book?kind=lists&from=2026-03-02T00:00:00Z&to=2026-03-01T00:00:00Z", 400,
	       "\"parameter\":\"to\"");
	expect("village", "hazards/book?kind=village&name=%E9%87%8C%E6%98%A5", 403, "scope");
	expect("stranger", "hazards/book?kind=lists", 403, "scope");
	expect("stranger", "hazards/score?by=company", 403, "scope");
	expect("office", "hazards/score", 400, "\"parameter\":\"by\"");
	expect("office", "hazards/score?by=company&open=1001", 400, "\"parameter\":\"open\"");
}

Test(hazard_books_http, a_book_is_on_record_with_its_kind_and_name)
{
	expect("auditor", "audit", 200, "[]");
	expect("stranger", "hazards/book?kind=lists", 403, "scope");
	expect("auditor", "audit", 200, "[]");
	expect_book("office", "hazards/book?kind=village&name=%E9%87%8C%E6%98%A5", "隐患台账", "002");
	expect("auditor", "audit", 200, "hazard book village");
	expect("auditor", "audit", 200, "里春");
	/* a letter and 22 characters of three bytes: of the 63 bytes that fit, 61 are whole */
	char name[400] = "hazards/book?kind=enterprise&name=a";
	for (int i = 0; i < 22; i++)
		strcat(name, "%E9%87%8C");
	expect_book("office", name, "隐患台账", "");
	expect("auditor", "audit", 200, "\"a里里里里里里里里里里里里里里里里里里里里\"");
}

Test(hazard_books_http, score_cards_weigh_and_say_what_they_weigh)
{
	expect("office", "hazards/score?by=company", 200, "\"names\":2,\"cards\":[{\"name\":\"宏达\",\"score\":22,");
	expect("office", "hazards/score?by=company&major=0&open=7", 200,
	       "{\"name\":\"宏达\",\"score\":14,\"all\":2,\"open\":2,\"overdue\":0,\"relapsed\":0,\"major\":2}");
	expect("office", "hazards/score?by=company&major=0&open=7", 200,
	       "\"open\":{\"weight\":7,\"name_zh\":\"未销号\"");
	expect("office", "hazards/score?by=village&limit=1", 200,
	       "\"names\":2,\"cards\":[{\"name\":\"白奇\",\"score\":23,\"all\":3,\"open\":3,\"overdue\":0,"
	       "\"relapsed\":0,\"major\":2}]}");
	expect("firm", "hazards/score?by=village", 200, "\"names\":2,\"cards\":[{\"name\":\"里春\",\"score\":11,");
	expect("village", "hazards/score?by=village", 200, "\"names\":1,");
	expect("office", "hazards/score?by=company", 200, "不论是否再次销号");
}
