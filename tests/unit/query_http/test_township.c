/* Calendar, figures and tables over a real server: who sees and does what, what is refused by which name. */
#include <criterion/criterion.h>
#include <ftw.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/core/clock.h"
#include "engine/core/log.h"
#include "query/http/handlers_township.h"
#include "query/http/http.h"
#include "support/workbook_reader.h"
#include "unit/query_http/http_client.h"

static char folder[64], path[100];
static struct engine *engine;
static struct township township;
static struct http *server;

static const struct {
	const char *token;
	struct principal who;
} people[] = {
	{"office", {"林安", "all", "office", "乡安办"}},
	{"firm", {"陈责", "company:海湾仓储", "enterprise", "海湾仓储"}},
	{"other", {"李", "company:宏达", "enterprise", "宏达"}},
	{"village", {"村", "village:白奇", "clerk", "白奇村委会"}},
	{"police", {"警", "all", "police", "区交警大队"}},
	{"auditor", {"审", "all", "auditor", "纪检监察"}},
};
#define PEOPLE (sizeof people / sizeof *people)

static void no_mistake(void *context, const char *at, const char *text)
{
	(void)context;
	cr_assert_fail("%s %s", at, text);
}

static void begin(void)
{
	struct http_token tokens[PEOPLE] = {0};
	struct hazard_policy law = hazard_policy_default();
	struct calendar_rules *rules;
	log_set_level(LOG_ERROR);
	strcpy(folder, "/tmp/zayton-town-XXXXXX");
	cr_assert(mkdtemp(folder));
	snprintf(path, sizeof path, "%s/answer.xlsx", folder);
	struct engine_options o = engine_options_default(folder);
	o.create = true;
	cr_assert_eq(engine_open(&o, &engine), STATUS_OK);
	cr_assert_eq(hazards_open(engine_store(engine), &law, &township.hazards), STATUS_OK);
	cr_assert_eq(figures_open(engine_store(engine), &township.figures), STATUS_OK);
	cr_assert_eq(blacklist_open(engine_store(engine), &township.blacklist), STATUS_OK);
	cr_assert_eq(calendar_rules_parse(calendar_rules_default(), no_mistake, NULL, &rules), STATUS_OK);
	cr_assert_eq(calendar_open(engine_store(engine), rules, township.figures, &township.calendar), STATUS_OK);
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
	cr_assert_eq(hazards_route_add(server, township.hazards), STATUS_OK);
	cr_assert_eq(township_route_add(server, &township), STATUS_OK);
	cr_assert_eq(http_start(server), STATUS_OK);
}

static int remove_entry(const char *at, const struct stat *seen, int kind, struct FTW *walk)
{
	(void)seen, (void)kind, (void)walk;
	return remove(at);
}

static void end(void)
{
	http_free(server);
	calendar_close(township.calendar);
	blacklist_close(township.blacklist);
	figures_close(township.figures);
	hazards_close(township.hazards);
	engine_close(engine);
	nftw(folder, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

TestSuite(township_http, .init = begin, .fini = end, .timeout = 120);

static struct answer as(const char *token, const char *question, const char *more, const char *body)
{
	char headers[300], request[500];
	snprintf(headers, sizeof headers, "Authorization: Bearer %s\r\n%s%s", token,
		 body ? "Content-Type: application/json\r\n" : "", more);
	snprintf(request, sizeof request, "%s /api/v1/%s", body ? "POST" : "GET", question);
	return ask(http_port(server), request, headers, body);
}

static void expect(const char *token, const char *question, const char *body, int status, const char *part)
{
	struct answer a = as(token, question, "", body);
	cr_assert_eq(a.status, status, "%s: %d %.*s", question, a.status, (int)a.body.size, (char *)a.body.data);
	cr_assert(answer_has(&a, part), "%s: no %s in %.*s", question, part, (int)a.body.size, (char *)a.body.data);
	answer_deinit(&a);
}

/* The id of the first task of a list, as 16 hex digits. */
static void first_id(const char *token, const char *question, char out[17])
{
	struct answer a = as(token, question, "", NULL);
	cr_assert_eq(buf_append_u8(&a.body, 0), STATUS_OK);
	const char *at = strstr((const char *)a.body.data, "\"id\":\"");
	cr_assert(at, "%s", (const char *)a.body.data);
	snprintf(out, 17, "%.16s", at + 6);
	answer_deinit(&a);
}

#define FIRM "{\"name\":\"海湾仓储\",\"village\":\"白奇\",\"risk\":\"red\",\"since\":\"2026-01-01\"}"
#define SPRING "from=2026-03-01&to=2026-03-31"

Test(township_http, each_sees_the_tasks_of_his_scope)
{
	expect("office", "tasks/subjects", FIRM, 201, "{}");
	expect("firm", "tasks/subjects", FIRM, 403, "enters no enterprises");
	expect("office", "tasks?rule=self-check&" SPRING, NULL, 200, "\"subject\":\"海湾仓储\"");
	expect("firm", "tasks?" SPRING, NULL, 200, "\"all\":2,"); /* self-check, inspection */
	expect("other", "tasks?" SPRING, NULL, 200, "\"all\":0,");
	expect("village", "tasks?" SPRING, NULL, 200, "\"all\":2,");
	expect("firm", "tasks?subject=%E5%AE%8F%E8%BE%BE", NULL, 403, "scope");
	expect("office", "tasks?from=2026-13-01", NULL, 400, "\"parameter\":\"from\"");
	expect("office", "tasks?from=2026-03-02&to=2026-03-01", NULL, 400, "\"parameter\":\"to\"");
	expect("office", "tasks?state=done,gone", NULL, 400, "\"parameter\":\"state\"");
	expect("office", "tasks?rule=annex6-quarter&" SPRING, NULL, 200,
	       "\"dates\":[{\"due\":\"2026-03-24\",\"source\":\"附件6 正文\",\"met\":null},{\"due\":\"2026-03-25\"");
	expect("firm", "tasks/subjects", NULL, 200, "\"risk\":\"red\"");
	expect("other", "tasks/subjects", NULL, 200, "[]");
}

Test(township_http, a_task_is_done_by_whom_it_is_of_and_once)
{
	char id[17], question[64];
	expect("office", "tasks/subjects", FIRM, 201, "{}");
	first_id("firm", "tasks?rule=self-check&" SPRING, id);
	snprintf(question, sizeof question, "tasks/%s/done", id);
	expect("other", question, "{}", 404, "no such task");
	expect("auditor", question, "{}", 403, "role");
	expect("village", question, "{}", 422, "\"reason\":\"not_own\"");
	expect("firm", question, "{\"day\":\"2099-01-01\"}", 422, "\"reason\":\"day\"");
	expect("firm", question, "{\"evidence\":\"自查表\",\"words\":1}", 400, "\"parameter\":\"words\"");
	expect("firm", question, "{\"evidence\":\"自查表\",\"day\":\"2026-03-31\"}", 200, "\"state\":\"done\"");
	expect("firm", question, "{}", 422, "\"reason\":\"state\"");
	snprintf(question, sizeof question, "tasks/%s/reopen", id);
	expect("firm", question, "{\"note\":\"再查\"}", 422, "\"reason\":\"role\"");
	expect("office", question, "{}", 422, "\"reason\":\"note\"");
	expect("office", question, "{\"note\":\"再查\"}", 200, "\"version\":2");
	snprintf(question, sizeof question, "tasks/%s/history", id);
	expect("firm", question, NULL, 200, "\"deed\":\"done\"");
	expect("other", question, NULL, 404, "no such task");
	expect("office", "tasks/0000000000000000", NULL, 404, "no such task");
	expect("office", "tasks/xyz", NULL, 404, "no such task");
}

Test(township_http, of_two_clerks_the_later_is_told_to_read_again)
{
	char id[17], question[64];
	first_id("office", "tasks?rule=annex6-month&" SPRING, id);
	snprintf(question, sizeof question, "tasks/%s/note", id);
	struct answer first = as("office", question, "", "{\"note\":\"催办\"}");
	cr_assert_str_eq(answer_header(&first, "etag"), "\"1\"");
	answer_deinit(&first);
	first = as("office", question, "If-Match: \"1\"\r\n", "{\"note\":\"再催\"}");
	cr_assert_eq(first.status, 200);
	answer_deinit(&first);
	first = as("office", question, "If-Match: \"1\"\r\n", "{\"note\":\"三催\"}");
	cr_assert_eq(first.status, 412);
	answer_deinit(&first);
}

Test(township_http, a_task_of_its_own_is_added_amended_and_found)
{
	const char *task = "{\"annex\":\"2\",\"number\":\"7\",\"title\":\"建立一村一册\",\"unit\":\"各村委会\",\"due\":"
			   "\"2026-06-30\"}";
	char id[17], question[64];
	expect("firm", "tasks", task, 422, "\"reason\":\"role\"");
	expect("office", "tasks", "{\"title\":\"x\",\"unit\":\"y\"}", 422, "\"reason\":\"missing\"");
	expect("office", "tasks", task, 201, "\"title\":\"建立一村一册\"");
	expect("office", "tasks", task, 409, "already");
	first_id("office", "tasks?annex=2", id);
	snprintf(question, sizeof question, "tasks/%s/amend", id);
	expect("office", question, "{\"due\":\"2026-07-31\",\"person\":\"王\"}", 200, "\"due\":\"2026-07-31\"");
	expect("office", question, "{\"start\":\"2026-08-31\"}", 422, "\"reason\":\"day\"");
	first_id("office", "tasks?rule=annex6-month", id);
	snprintf(question, sizeof question, "tasks/%s/amend", id);
	expect("office", question, "{\"due\":\"2026-07-31\"}", 422, "\"reason\":\"of_rule\"");
}

/* --- figures and tables --- */

#define FIGURES                                                                                                               \
	"{\"place\":\"东园小区\",\"village\":\"白奇\",\"day\":\"2026-03-01\",\"reporter\":\"陈填\",\"phone\":\"0595-" \
	"1\","                                                                                                                \
	"\"reviewer\":\"林审\",\"unit\":\"白奇村委会\",\"figures\":{\"old_estate_total\":3,\"old_estate_marked\":1,"   \
	"\"parking_plan_started\":1}}"

static void save(struct answer *a)
{
	FILE *file = fopen(path, "wb");
	cr_assert(file && fwrite(a->body.data, 1, a->body.size, file) == a->body.size);
	fclose(file);
}

Test(township_http, the_fire_lanes_table_has_its_columns_in_order_and_its_figures)
{
	static const char *const heads[] = {"方案制定", "划线管理", "公共停车设施建设", "填报单位", "填报人",
					    "联系电话", "审核人"};
	static const unsigned columns[] = {0, 3, 24, 32, 33, 34, 35};
	struct workbook w;
	expect("village", "figures", FIGURES, 201, "{}");
	expect("auditor", "figures", FIGURES, 403, "role");
	expect("village", "figures",
	       "{\"place\":\"x\",\"village\":\"里春\",\"day\":\"2026-03-01\",\"figures\":{\"old_estate_total\":3}}",
	       403, "scope");
	expect("office", "figures",
	       "{\"place\":\"东园小区\",\"day\":\"2026-03-02\",\"figures\":{\"old_estate_marked\":4}}", 422,
	       "\"parameter\":\"old_estate_marked\"");
	expect("office", "figures", "{\"place\":\"x\",\"day\":\"2026-03-02\",\"figures\":{\"words\":4}}", 400,
	       "\"parameter\":\"words\"");
	expect("office", "tables/fire-lanes?quarter=2026Q1", NULL, 200,
	       "\"old_total\":3,\"old_marked\":1,\"old_unmarked\":2,\"old_share\":33.33,");
	expect("office", "tables/fire-lanes?quarter=2025Q4", NULL, 200, "\"old_total\":null");
	expect("office", "tables/fire-lanes?quarter=2026Q5", NULL, 400, "\"parameter\":\"quarter\"");
	expect("firm", "tables/fire-lanes?quarter=2026Q1", NULL, 403, "scope");
	expect("office", "tables/fire-lanes?quarter=2026Q1&format=html", NULL, 200,
	       "<th colspan=\"4\" rowspan=\"1\">老旧小区</th>");
	expect("office", "tables/fire-lanes?quarter=2026Q1&format=csv", NULL, 200,
	       "划线管理/居住建筑/老旧小区/现有数量");
	struct answer a = as("office", "tables/fire-lanes?quarter=2026Q1&format=xlsx", "", NULL);
	cr_assert_eq(a.status, 200);
	save(&a);
	answer_deinit(&a);
	workbook_open(&w, path);
	const struct reader_sheet *s = workbook_sheet(&w, "统计表");
	cr_assert_str_eq(cell_text_at(s, 0, 0), "打通消防生命通道工作统计表");
	for (size_t i = 0; i < 7; i++)
		cr_assert_str_eq(cell_text_at(s, 1, columns[i]), heads[i]);
	cr_assert_str_eq(s->frozen, "B7");
	cr_assert_str_eq(cell_text_at(s, 6, 7), "3");
	cr_assert_str_eq(cell_at(s, 6, 10)->format, "0.00%");
	cr_assert_str_eq(cell_text_at(s, 6, 31), "是");
	cr_assert_str_eq(cell_text_at(s, 6, 35), "林审");
	workbook_shut(&w);
}

/* Does any cell of the book have it? */
static bool sheet_has(const char *token, const char *question, const char *part)
{
	struct workbook w;
	struct answer a = as(token, question, "", NULL);
	bool found = false;
	cr_assert_eq(a.status, 200);
	save(&a);
	answer_deinit(&a);
	workbook_open(&w, path);
	for (size_t k = 0; k < w.count; k++)
		for (size_t i = 0; i < w.sheets[k].count; i++)
			found |= strstr(w.sheets[k].cells[i].text, part) != NULL;
	workbook_shut(&w);
	return found;
}

Test(township_http, a_paper_says_who_took_it_and_shows_clerks_no_numbers_of_people)
{
	static const char *const forms[] = {"json", "csv", "html", "xlsx"};
	expect("village", "figures", FIGURES, 201, "{}");
	for (size_t i = 0; i < 4; i++) {
		char question[120];
		bool marked = i > 0, book = i == 3;
		snprintf(question, sizeof question, "tables/fire-lanes?quarter=2026Q1&purpose=report&format=%s",
			 forms[i]);
		if (book) {
			cr_expect(sheet_has("village", question, "0****1") &&
				  !sheet_has("village", question, "0595-1"));
			cr_expect(sheet_has("office", question, "0595-1"));
			cr_expect(sheet_has("office", question, "林安 (乡安办) 20"));
			continue;
		}
		expect("village", question, NULL, 200, "0****1");
		expect("office", question, NULL, 200, "0595-1");
		struct answer a = as("office", question, "", NULL);
		cr_expect_eq(answer_has(&a, "林安 (乡安办) 20"), marked, "%s", forms[i]);
		cr_expect_eq(answer_has(&a, "用途 purpose: report"), marked, "%s", forms[i]);
		answer_deinit(&a);
	}
}

static void find_hazard(const char *site, const char *found)
{
	struct hazard_change changes[] = {
		{HAZARD_FIELD_SOURCE, span_of_string("inspection")}, {HAZARD_FIELD_FOUND, span_of_string(found)},
		{HAZARD_FIELD_DESCRIPTION, span_of_string("堆垛")},  {HAZARD_FIELD_SITE, span_of_string(site)},
		{HAZARD_FIELD_COMPANY, span_of_string("海湾仓储")},  {HAZARD_FIELD_SECTOR, span_of_string("消防")},
	};
	int64_t at;
	cr_assert_eq(time_parse(span_of_string(found), 0, &at), STATUS_OK);
	struct hazard_order order = {.step = HAZARD_STEP_FIND,
				     .at_ms = at,
				     .actor = {HAZARD_ROLE_OFFICE, "林安", "乡安办"},
				     .changes = changes,
				     .change_count = sizeof changes / sizeof *changes};
	struct hazard_outcome outcome;
	cr_assert_eq(hazards_step(township.hazards, &order, &outcome), STATUS_OK);
}

Test(township_http, the_table_of_sites_has_what_stood_in_the_month)
{
	find_hazard("一号仓库", "2026-03-31T23:59:59+08:00");
	find_hazard("二号仓库", "2026-04-01T00:00:00+08:00");
	expect("office", "tables/fire-sites?month=2026-03", NULL, 200, "\"rows\":[{\"number\":1,\"site\":\"一号仓库\"");
	expect("office", "tables/fire-sites?month=2026-03&format=csv", NULL, 200, "一号仓库,,堆垛,,,,排查,2026-000001");
	expect("office", "tables/fire-sites?month=2026-02", NULL, 200, "\"rows\":[]");
	expect("office", "tables/fire-sites?month=2026-04", NULL, 200, "\"number\":2,\"site\":\"二号仓库\"");
	expect("other", "tables/fire-sites?month=2026-04", NULL, 200, "\"rows\":[]");
	expect("firm", "tables/fire-sites?month=2026-04", NULL, 200, "二号仓库");
	expect("office", "tables/fire-sites?month=2026-4x", NULL, 400, "\"parameter\":\"month\"");
}

/* --- rates --- */

#define T0 INT64_C(1772323200000) /* 2026-03-01T00:00:00Z */

static uint64_t vehicle(const char *phone, const char *plate, const char *company)
{
	uint64_t id = device_id(DEVICE_KIND_JT808, span_of_string(phone)), other;
	const struct registry_change changes[] = {{DEVICE_FIELD_PHONE, span_of_string(phone)},
						  {DEVICE_FIELD_PLATE, span_of_string(plate)},
						  {DEVICE_FIELD_COMPANY, span_of_string(company)}};
	cr_assert_eq(registry_apply(engine_registry(engine), id, DEVICE_KIND_JT808, changes, 3, 0, "test", &other),
		     STATUS_OK);
	return id;
}

/* A fix every `every_s` seconds, each `step` millionths of a degree further north. */
static void drive(uint64_t device, int64_t from_ms, int count, int every_s, unsigned step)
{
	struct bulk *b;
	struct report r;
	uint8_t body[28] = {0};
	cr_assert_eq(bulk_open(engine, &b), STATUS_OK);
	for (int i = 0; i < count; i++) {
		body[7] = 3;
		store_be32(body + 8, 24900000u + (unsigned)i * step);
		store_be32(body + 12, 118600000u);
		cr_assert_eq(bcd_time_encode(from_ms + i * every_s * MS_PER_SECOND, body + 22), STATUS_OK);
		cr_assert_eq(report_from_jt808(span_of(body, sizeof body), &r), STATUS_OK);
		r.received_ms = r.time_ms + 700;
		cr_assert_eq(bulk_add(b, device, &r), STATUS_OK);
	}
	cr_assert_eq(bulk_close(b), STATUS_OK);
}

Test(township_http, rates_of_a_fleet_are_those_of_its_tracks_and_say_what_they_mean)
{
	uint64_t good = vehicle("13800000001", "2:闽C00001", "甲运输"),
		 broken = vehicle("13800000002", "2:闽C00002", "甲运输");
	uint64_t earlier = vehicle("13800000003", "2:闽C00003", "甲运输"),
		 jumping = vehicle("13800000004", "2:闽C00004", "乙运输");
	vehicle("13800000005", "2:闽C00005", "乙运输"); /* never heard of */
	drive(good, T0, 11, 60, 5000);                  /* ten legs of 554 m in a minute */
	drive(broken, T0, 3, 301, 5000);                /* two legs of 554 m, a second too late */
	drive(earlier, T0 - MS_PER_DAY, 1, 60, 5000);
	drive(jumping, T0, 2, 10, 5000); /* 554 m in ten seconds: 199 km/h */
	const char *march = "kpi?from=2026-03-01T00:00:00Z&to=2026-03-31T23:59:59Z";
	char question[200];
	snprintf(question, sizeof question, "%s&by=company", march);
	expect("office", question, NULL, 200,
	       "\"name\":\"甲运输\",\"registered\":3,\"installed\":3,\"installed_rate\":100.00,\"joined\":3,"
	       "\"joined_rate\":100.00,\"online\":2,\"online_rate\":66.67,");
	expect("office", question, NULL, 200, "\"track_rate\":83.33,\"drifting\":0,\"drift_rate\":0.00}");
	expect("office", question, NULL, 200,
	       "\"name\":\"乙运输\",\"registered\":2,\"installed\":2,\"installed_rate\":100.00,\"joined\":1,"
	       "\"joined_rate\":50.00,\"online\":1,\"online_rate\":100.00,");
	expect("office", question, NULL, 200, "\"drifting\":1,\"drift_rate\":100.00}");
	expect("office", question, NULL, 200, "不超过 2000 米且间隔不超过 300 秒");
	snprintf(question, sizeof question, "%s&gap_s=301&drift_kmh=200", march);
	expect("office", question, NULL, 200, "\"track_rate\":100.00,\"drifting\":0,");
	snprintf(question, sizeof question, "%s&by=company&order=joined", march);
	expect("office", question, NULL, 200, "\"rank\":1,\"name\":\"乙运输\"");
	snprintf(question, sizeof question, "%s&rates_only=1", march);
	expect("office", question, NULL, 200, "\"registered\":5,");
	expect("office", question, NULL, 200, "\"mileage_m\":null");
	expect("firm", march, NULL, 200, "\"rows\":[]");
	expect("office", "kpi?from=2026-03-02T00:00:00Z&to=2026-03-01T00:00:00Z", NULL, 400, "\"parameter\":\"to\"");
}

/* --- scores --- */

static void speeds(uint64_t device, int64_t start_ms, const char *rule)
{
	struct told_finding t = {.decided = {start_ms + 1000, 7}};
	t.finding = (struct finding){.subject = device,
				     .device = device,
				     .kind = RULE_OVERSPEED,
				     .confidence = CONFIDENCE_HIGH,
				     .start_ms = start_ms,
				     .end_ms = start_ms + 1000,
				     .found_ms = start_ms,
				     .start_lat_e7 = 249000000,
				     .start_lon_e7 = 1187200001};
	snprintf(t.finding.rule, sizeof t.finding.rule, "%s", rule);
	for (unsigned n = 0; n < FINDING_NUMBER_COUNT; n++)
		t.finding.numbers[n] = NUMBER_UNKNOWN;
	struct replacement r = {.subject = device,
				.stage = 1,
				.scope = REPLACE_TOLD,
				.keep_before_ms = INT64_MIN,
				.findings = &t,
				.finding_count = 1,
				.now_ms = start_ms};
	cr_assert_eq(findings_replace(engine_findings(engine), &r, NULL, NULL), STATUS_OK);
}

Test(township_http, whoever_passes_the_line_is_a_candidate_until_somebody_with_the_right_decides)
{
	uint64_t worse = vehicle("13800000001", "2:闽C00001", "甲运输"),
		 better = vehicle("13800000002", "2:闽C00002", "乙运输");
	struct review rejected = {CASE_REJECTED, "李", "误报", ""};
	for (int i = 0; i < 4; i++)
		speeds(worse, T0 + i * MS_PER_DAY, "speed-muck-80");
	speeds(better, T0, "speed-muck-80");
	speeds(better, T0 + 60 * MS_PER_DAY, "speed-muck-80"); /* of the next quarter */
	const char *score = "blacklist/score?by=company&quarter=2026Q1&w1=2&w2=2&w3=2&star_step=3&line=8";
	expect("office", score, NULL, 200, "\"name\":\"甲运输\"");
	expect("office", score, NULL, 200, "\"score\":8,\"stars\":3,\"candidate\":\"是\",\"decision\":\"未认定\"}");
	expect("office", score, NULL, 200, "\"score\":2,\"stars\":5,\"candidate\":\"否\"");
	cr_assert_eq(violation_review(engine_findings(engine), 1, &rejected, T0 + 90 * MS_PER_DAY), STATUS_OK);
	expect("office", score, NULL, 200, "\"score\":6,\"stars\":3,\"candidate\":\"否\"");
	expect("office", "blacklist/score?by=company&quarter=2026", NULL, 400, "\"parameter\":\"quarter\"");
	const char *confirm = "{\"kind\":\"company\",\"name\":\"甲运输\",\"quarter\":\"2026Q1\",\"decision\":"
			      "\"confirm\",\"document\":\"安办〔2026〕9号\"}";
	expect("police", "blacklist", confirm, 403, "does not decide");
	expect("firm", "blacklist", confirm, 403, "role");
	expect("office", "blacklist",
	       "{\"kind\":\"company\",\"name\":\"甲运输\",\"quarter\":\"2026Q1\",\"decision\":\"confirm\"}", 400,
	       "\"parameter\":\"document\"");
	expect("office", "blacklist",
	       "{\"kind\":\"company\",\"name\":\"甲运输\",\"quarter\":\"2026Q1\",\"decision\":\"lift\",\"note\":\"x\"}",
	       409, "nothing is listed");
	expect("office", "blacklist", confirm, 201, "{}");
	expect("office", "blacklist", confirm, 409, "stands so already");
	expect("office", score, NULL, 200, "\"decision\":\"列入\"");
	expect("auditor", "blacklist", NULL, 200, "\"document\":\"安办〔2026〕9号\"");
	expect("office", "blacklist",
	       "{\"kind\":\"driver\",\"name\":\"350502800101123\",\"quarter\":\"2026Q1\",\"decision\":\"confirm\","
	       "\"document\":\"安办〔2026〕9号\"}",
	       201, "{}");
	expect("auditor", "blacklist", NULL, 200, "\"name\":\"350*********123\"");
	expect("office", "blacklist", NULL, 200, "\"name\":\"350502800101123\"");
	expect("firm", "blacklist", NULL, 403, "role");
}
