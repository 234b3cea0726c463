/* The matrix of rights, cell by cell over real HTTP: every route the program has, for every column. And that who sees
 * his own sees nobody else's. */
#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <ftw.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "engine/core/clock.h"
#include "engine/core/log.h"
#include "engine/core/settings.h"
#include "engine/fleet/engine.h"
#include "query/cli/fences_route.h"
#include "query/cli/lines_route.h"
#include "query/cli/links_route.h"
#include "query/cli/outbox_route.h"
#include "query/cli/stations_route.h"
#include "query/http/handlers_hazards.h"
#include "query/http/http.h"
#include "query/http/http_rights.h"

static char folder[64], base[64];
static struct engine *engine;
static struct hazards *hazards;
static struct http *server;
static struct lines_route *lines;

static int remove_one(const char *path, const struct stat *seen, int kind, struct FTW *at)
{
	(void)seen, (void)kind, (void)at;
	return remove(path);
}

/* The token of a column is the name of its role, that of a machine "machine". LOCAL is nobody's token. */
static const char *token_of(unsigned column)
{
	return column == HTTP_COLUMN_LOCAL ? NULL : *http_column_role(column) ? http_column_role(column) : "machine";
}

static void make_token(unsigned column, const char *unit, struct http_token *out)
{
	const char *text = token_of(column);
	snprintf(out->principal.name, sizeof out->principal.name, "%s", text);
	snprintf(out->principal.scope, sizeof out->principal.scope, "all");
	snprintf(out->principal.role, sizeof out->principal.role, "%s", http_column_role(column));
	snprintf(out->principal.unit, sizeof out->principal.unit, "%s", unit);
	cr_assert(EVP_Digest(text, strlen(text), out->sha256, NULL, EVP_sha256(), NULL));
}

static void say(const char *phone, const char *company)
{
	uint64_t id = device_id(DEVICE_KIND_JT808, span_of_string(phone));
	struct registry_change said[] = {{DEVICE_FIELD_PHONE, span_of_string(phone)},
					 {DEVICE_FIELD_COMPANY, span_of_string(company)}};
	cr_assert_eq(
		registry_apply(engine_registry(engine), id, DEVICE_KIND_JT808, said, 2, VALID_ALWAYS_FROM, "t", NULL),
		STATUS_OK);
	struct finding f = {.subject = id, .device = id, .kind = RULE_DWELL, .confidence = CONFIDENCE_HIGH};
	strcpy(f.rule, "no-stop");
	f.start_ms = f.found_ms = INT64_C(1773446400000);
	f.end_ms = f.start_ms + 60000;
	for (unsigned n = 0; n < FINDING_NUMBER_COUNT; n++)
		f.numbers[n] = NUMBER_UNKNOWN;
	struct told_finding told = {.finding = f, .decided = {f.end_ms, 1}};
	struct replacement r = {.subject = id,
				.stage = (uint8_t)rule_kind_stage(f.kind),
				.scope = REPLACE_TOLD,
				.keep_before_ms = INT64_MIN,
				.findings = &told,
				.finding_count = 1,
				.now_ms = f.found_ms};
	cr_assert_eq(findings_replace(engine_findings(engine), &r, NULL, NULL), STATUS_OK);
	struct hazard_change changes[] = {{HAZARD_FIELD_SOURCE, span_of_string("inspection")},
					  {HAZARD_FIELD_FOUND, span_of_string("2026-03-01T09:00:00+08:00")},
					  {HAZARD_FIELD_DESCRIPTION, span_of_string("x")},
					  {HAZARD_FIELD_COMPANY, span_of_string(company)}};
	struct hazard_order order = {.step = HAZARD_STEP_FIND,
				     .at_ms = clock_now_ms(),
				     .actor = {HAZARD_ROLE_OFFICE, "林安", "乡安办"},
				     .changes = changes,
				     .change_count = 4};
	struct hazard_outcome outcome;
	cr_assert_eq(hazards_step(hazards, &order, &outcome), STATUS_OK);
}

static void begin(void)
{
	struct hazard_policy law = hazard_policy_default();
	struct http_token tokens[HTTP_COLUMN_COUNT - 1] = {0};
	struct settings settings;
	log_set_level(LOG_OFF);
	settings_init(&settings);
	strcpy(folder, "/tmp/zayton-rights-XXXXXX");
	cr_assert(mkdtemp(folder));
	struct engine_options o = engine_options_default(folder);
	o.create = true;
	cr_assert_eq(engine_open(&o, &engine), STATUS_OK);
	cr_assert_eq(hazards_open(engine_store(engine), &law, &hazards), STATUS_OK);
	say("13900000001", "海湾仓储");
	say("13900000002", "别家");
	for (unsigned i = HTTP_COLUMN_TOKEN; i < HTTP_COLUMN_COUNT; i++)
		make_token(i, i == HTTP_COLUMN_ENTERPRISE ? "海湾仓储" : "单位", &tokens[i - 1]);
	struct http_options h = http_options_default(engine);
	h.tokens = tokens;
	h.token_count = HTTP_COLUMN_COUNT - 1;
	cr_assert_eq(http_new(&h, &server), STATUS_OK);
	cr_assert_eq(fences_route_add(server), STATUS_OK);
	cr_assert_eq(hazards_route_add(server, hazards), STATUS_OK);
	cr_assert_eq(links_route_add(server, NULL), STATUS_OK);
	cr_assert_eq(outbox_route_add(server, NULL), STATUS_OK);
	cr_assert_eq(stations_route_add(server, NULL), STATUS_OK);
	cr_assert_eq(lines_route_new(&settings, engine, &lines), STATUS_OK);
	cr_assert_eq(lines_route_add(lines, server), STATUS_OK);
	cr_assert_eq(http_start(server), STATUS_OK);
	snprintf(base, sizeof base, "http://127.0.0.1:%u", http_port(server));
}

static void end(void)
{
	http_free(server);
	lines_route_free(lines);
	hazards_close(hazards);
	engine_close(engine);
	nftw(folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

TestSuite(rights, .init = begin, .fini = end, .timeout = 300);

/* The answer to a request of any method; the text is static. */
static int answer_to(const char *method, const char *target, const char *token, const char *type, const char *body,
		     const char **text)
{
	static char in[1 << 16];
	char out[2048];
	int n = snprintf(
		out, sizeof out,
		"%s %s HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n%s%s%s%s%s%sContent-Length: %zu\r\n\r\n%s",
		method, target, token ? "Authorization: Bearer " : "", token ? token : "", token ? "\r\n" : "",
		type ? "Content-Type: " : "", type ? type : "", type ? "\r\n" : "", strlen(body), body);
	if (!strcmp(method, "GET") || !strcmp(method, "DELETE")) { /* no length, no byte of a body */
		char *length = strstr(out, "Content-Length");
		strcpy(length, "\r\n");
		n = (int)strlen(out);
	}
	struct sockaddr_in to = {
		.sin_family = AF_INET, .sin_port = htons(http_port(server)), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_STREAM, 0), status = 0;
	cr_assert_eq(connect(fd, (struct sockaddr *)&to, sizeof to), 0);
	cr_assert_eq(write(fd, out, (size_t)n), n);
	size_t size = 0;
	ssize_t got;
	while (size < sizeof in - 1 && (got = read(fd, in + size, sizeof in - 1 - size)) > 0)
		size += (size_t)got;
	in[size] = '\0';
	close(fd);
	cr_assert_eq(sscanf(in, "HTTP/1.1 %d", &status), 1, "%s %s: %s", method, target, in);
	*text = in;
	return status;
}

/* With a body that is half an object. */
static int answer_of(const char *method, const char *target, const char *token, const char *type, const char **text)
{
	return answer_to(method, target, token, type, "{", text);
}

/* A path of the route, and a parameter that it does not take: whoever may ask is told 400 and nothing is done. */
static void target_of(const struct http_route *route, char out[512])
{
	size_t n = 0;
	for (const char *at = route->path; *at; at++) {
		if (*at == '{') {
			out[n++] = '1';
			at = strchr(at, '}');
		} else {
			out[n++] = *at;
		}
	}
	strcpy(out + n, "?no_such_parameter=1");
}

static const char *type_of(const struct http_route *route)
{
	return route->flags & HTTP_ROUTE_BODY   ? "application/json"
	       : route->flags & HTTP_ROUTE_TEXT ? "text/plain"
						: NULL;
}

Test(rights, every_route_has_a_row_and_every_cell_holds)
{
	const struct http_router *r = http_routes(server);
	char target[512];
	size_t cells = 0;
	for (size_t i = 0; i < r->count; i++) {
		const struct http_route *route = &r->routes[i];
		bool writes;
		enum http_rights_group group = http_rights_of(route->id, &writes);
		if (route->flags & HTTP_ROUTE_OPEN)
			continue;
		cr_expect_neq(group, HTTP_RIGHTS_REST, "%s has no row in http_rights.c", route->id);
		target_of(route, target);
		for (unsigned column = 0; column < HTTP_COLUMN_COUNT; column++, cells++) {
			const char *text, *word = http_rights_word(group, column);
			bool may = writes ? !strncmp(word, "write", 5) : strcmp(word, "none") != 0;
			int status = answer_of(http_method_names[route->method], target, token_of(column),
					       type_of(route), &text);
			bool refused = status == 403 && strstr(text, "your role may not ask this");
			cr_expect_eq(refused, !may, "%s %s as %s: %d, the matrix says %s",
				     http_method_names[route->method], route->path, token_of(column), status, word);
			cr_expect(refused || status == 400, "%s as %s: %d", route->path, token_of(column), status);
		}
	}
	cr_expect_gt(cells, 60u * HTTP_COLUMN_COUNT);
}

Test(rights, who_is_none_may_nothing)
{
	struct principal p = {.name = "x", .scope = "all", .role = "system", .unit = "u"};
	cr_expect(!http_rights_admit("getInfo", &p));
	strcpy(p.role, "enterprise");
	p.unit[0] = '\0';
	cr_expect(!http_rights_admit("listDevices", &p), "an enterprise without a name has nothing of its own");
	strcpy(p.unit, "u");
	cr_expect(!http_rights_admit("noSuchOperation", &p));
	cr_expect(http_rights_admit("listDevices", &p));
	cr_expect_str_eq(p.scope, "company:u");
}

static void expect_own(const char *target)
{
	const char *text;
	int status = answer_of("GET", target, "enterprise", NULL, &text);
	cr_expect_eq(status, 200, "%s: %s", target, text);
	cr_expect(!strstr(text, "别家") && !strstr(text, "13900000002"), "%s: %s", target, text);
}

Test(rights, an_enterprise_sees_its_own_only)
{
	static const char *const lists[] = {
		"/api/v1/devices",
		"/api/v1/devices?format=csv",
		"/api/v1/positions",
		"/api/v1/violations",
		"/api/v1/violations?format=csv",
		"/api/v1/violations/counts?by=company",
		"/api/v1/violations/top?by=company",
		"/api/v1/violations/handling-rate",
		"/api/v1/ledger?format=csv",
		"/api/v1/commands",
		"/api/v1/permits",
		"/api/v1/hazards",
		"/api/v1/hazards/counts?by=company",
		"/api/v1/hazards/score?by=company",
		"/api/v1/streams",
		"/api/v1/sites/board",
	};
	const char *text;
	for (size_t i = 0; i < sizeof lists / sizeof *lists; i++)
		expect_own(lists[i]);
	static const char *const others[] = {
		"/api/v1/devices/phone:13900000002",
		"/api/v1/devices/phone:13900000002/history",
		"/api/v1/devices/phone:13900000002/position",
		"/api/v1/devices/phone:13900000002/track?from=0&purpose=x",
		"/api/v1/devices/phone:13900000002/messages?from=0&purpose=x",
		"/api/v1/devices/phone:13900000002/sessions?from=0&purpose=x",
		"/api/v1/devices/phone:13900000002/commands",
		"/api/v1/violations?device=phone:13900000002",
		"/api/v1/violations/2",
		"/api/v1/hazards/2",
		"/api/v1/hazards/2/history",
		"/api/v1/hazards/2/liability?at=1",
	};
	for (size_t i = 0; i < sizeof others / sizeof *others; i++)
		cr_expect_eq(answer_of("GET", others[i], "enterprise", NULL, &text), 404, "%s: %s", others[i], text);
	cr_expect_eq(answer_of("GET", "/api/v1/violations/1", "enterprise", NULL, &text), 200, "%s", text);
	cr_expect_eq(answer_of("GET", "/api/v1/hazards/1", "enterprise", NULL, &text), 200, "%s", text);
	cr_expect_eq(answer_of("GET", "/api/v1/devices", "office", NULL, &text), 200);
	cr_expect(strstr(text, "别家"));
}

/* --- what is personal --- */

static void expect_part(const char *target, unsigned column, const char *part, const char *none)
{
	const char *text;
	int status = answer_of("GET", target, token_of(column), NULL, &text);
	cr_expect_eq(status, 200, "%s as %s: %s", target, token_of(column), text);
	cr_expect(strstr(text, part), "%s as %s: %s", target, token_of(column), text);
	cr_expect(!none || !strstr(text, none), "%s as %s: %s", target, token_of(column), text);
}

Test(rights, numbers_of_people_are_masked_for_those_who_need_none)
{
	static const char *const lists[] = {"/api/v1/devices",
					    "/api/v1/devices?format=csv",
					    "/api/v1/devices/phone:13900000001",
					    "/api/v1/devices/phone:13900000001/history",
					    "/api/v1/violations",
					    "/api/v1/violations?format=csv",
					    "/api/v1/violations/1"};
	uint64_t id = device_id(DEVICE_KIND_JT808, span_of_string("13900000001"));
	struct registry_change driver = {DEVICE_FIELD_DRIVER, span_of_string("陈某 35050219800101123X")};
	cr_assert_eq(registry_apply(engine_registry(engine), id, DEVICE_KIND_JT808, &driver, 1, VALID_ALWAYS_FROM, "t",
				    NULL),
		     STATUS_OK);
	for (size_t i = 0; i < sizeof lists / sizeof *lists; i++)
		for (unsigned column = 0; column < HTTP_COLUMN_COUNT; column++) {
			bool clear = strcmp(http_rights_word(HTTP_RIGHTS_PERSONAL, column), "none") != 0;
			expect_part(lists[i], column, clear ? "13900000001" : "139****0001",
				    clear ? "139****0001" : "13900000001");
		}
	expect_part("/api/v1/devices/phone:13900000001", HTTP_COLUMN_CLERK, "陈某 350***********123X", "19800101");
	expect_part("/api/v1/devices/phone:13900000001", HTTP_COLUMN_POLICE, "35050219800101123X", NULL);
}

Test(rights, of_fields_that_hold_people_every_number_is_masked)
{
	uint64_t id = device_id(DEVICE_KIND_JT808, span_of_string("13900000001"));
	struct registry_change owner = {DEVICE_FIELD_OWNER, span_of_string("陈某 0595-27551234")};
	cr_assert_eq(
		registry_apply(engine_registry(engine), id, DEVICE_KIND_JT808, &owner, 1, VALID_ALWAYS_FROM, "t", NULL),
		STATUS_OK);
	static const char *const lists[] = {"/api/v1/devices?format=csv", "/api/v1/devices/phone:13900000001",
					    "/api/v1/devices/phone:13900000001/history"};
	for (size_t i = 0; i < 3; i++) {
		expect_part(lists[i], HTTP_COLUMN_CLERK, "陈某 059*******234", "27551234");
		expect_part(lists[i], HTTP_COLUMN_POLICE, "陈某 0595-27551234", NULL);
	}
}

static void expect_handling(const char *token, unsigned id, int status)
{
	char target[80];
	const char *text;
	snprintf(target, sizeof target, "/api/v1/violations/%u/handling", id);
	int seen = answer_to("POST", target, token, "application/json", "{\"how\":\"电话提醒\",\"result\":\"已停车\"}",
			     &text);
	cr_expect_eq(seen, status, "%s of %u: %d %s", token, id, seen, text);
}

Test(rights, an_enterprise_enters_how_it_handled_its_own_and_reviews_nothing)
{
	const char *text;
	expect_handling("enterprise", 1, 200);
	expect_handling("enterprise", 2, 404);
	expect_handling("clerk", 1, 403);
	expect_part("/api/v1/violations/1", HTTP_COLUMN_OFFICE, "\"who\":\"enterprise\"", NULL);
	expect_part("/api/v1/violations/1", HTTP_COLUMN_OFFICE, "电话提醒", NULL);
	cr_expect_eq(answer_to("POST", "/api/v1/violations/1/review", "enterprise", "application/json",
			       "{\"state\":\"rejected\",\"why\":\"w\"}", &text),
		     403, "%s", text);
}

Test(rights, an_export_says_who_took_it_and_what_for)
{
	const char *csv = "/api/v1/violations?format=csv&purpose=%E5%B9%B4%E5%BA%A6%E6%A0%B8%E6%9F%A5";
	expect_part(csv, HTTP_COLUMN_CLERK, "\r\n# 导出 exported: clerk (单位) 20", NULL);
	expect_part(csv, HTTP_COLUMN_CLERK, "; 用途 purpose: 年度核查\r\n", NULL);
	expect_part("/api/v1/devices?format=csv", HTTP_COLUMN_OFFICE, "# 导出 exported: office (单位) 20", "purpose:");
	expect_part(csv, HTTP_COLUMN_TOKEN, "\r\n", "# 导出");
	expect_part(csv, HTTP_COLUMN_LOCAL, "\r\n", "# 导出");
	expect_part("/api/v1/violations?purpose=x", HTTP_COLUMN_CLERK, "{\"violations\"", "# 导出");
}

Test(rights, a_person_says_what_a_history_of_positions_is_for)
{
	static const char *const histories[] = {
		"/api/v1/devices/phone:13900000001/track?from=0", "/api/v1/devices/phone:13900000001/messages?from=0",
		"/api/v1/devices/phone:13900000001/sessions?from=0", "/api/v1/violations/1/evidence?format=json"};
	const char *text;
	char target[256];
	for (size_t i = 0; i < sizeof histories / sizeof *histories; i++) {
		cr_expect_eq(answer_of("GET", histories[i], "police", NULL, &text), 400, "%s: %s", histories[i], text);
		cr_expect(strstr(text, "\"parameter\":\"purpose\""), "%s", text);
		snprintf(target, sizeof target, "%s&purpose=patrol-%zu", histories[i], i);
		cr_expect_eq(answer_of("GET", target, "police", NULL, &text), 200, "%s: %s", target, text);
		snprintf(target, sizeof target, "%s&case=A-%zu", histories[i], i);
		cr_expect_eq(answer_of("GET", target, "police", NULL, &text), 200, "%s: %s", target, text);
		cr_expect_eq(answer_of("GET", histories[i], NULL, NULL, &text), 200, "a machine: %s", text);
	}
	expect_part("/api/v1/audit?who=police", HTTP_COLUMN_AUDITOR, "\"purpose\":\"patrol-0\"", "\"who\":\"local\"");
	expect_part("/api/v1/audit?action=evidence", HTTP_COLUMN_AUDITOR, "\"purpose\":\"patrol-3\"", "patrol-0");
	expect_part("/api/v1/audit?case=A-1", HTTP_COLUMN_AUDITOR, "\"case\":\"A-1\"", "A-0");
	expect_part("/api/v1/audit?role=police&format=csv", HTTP_COLUMN_AUDITOR, ",police,", ",local,");
	expect_part("/api/v1/audit?address=10.9.9.9", HTTP_COLUMN_AUDITOR, "\"entries\":[]", NULL);
	expect_part("/api/v1/audit?from=2990-01-01T00:00:00Z", HTTP_COLUMN_AUDITOR, "\"entries\":[]", NULL);
	expect_part("/api/v1/audit?limit=1", HTTP_COLUMN_AUDITOR, "\"next\":\"20", NULL);
	expect_part("/api/v1/audit?device=phone:13900000002", HTTP_COLUMN_AUDITOR, "\"entries\":[]", NULL);
}
