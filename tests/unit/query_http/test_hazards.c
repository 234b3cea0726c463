/* The register over a real server: who may do what by his token, what is refused and why, pages, files, scope. */
#include <criterion/criterion.h>
#include <ftw.h>
#include <jansson.h>
#include <openssl/evp.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/core/log.h"
#include "query/http/handlers_hazards.h"
#include "query/http/http.h"
#include "unit/query_http/http_client.h"

static char folder[64];
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
	{"rival", {"李四", "company:别家", "enterprise", "别家"}},
	{"clerk", {"王验", "all", "clerk", "企业服务中心"}},
	{"police", {"赵警", "all", "police", "交警大队"}},
	{"village", {"村", "village:白奇", "clerk", "白奇村委会"}},
	{"auditor", {"审", "all", "auditor", "纪检"}},
	{"reader", {"读", "all", "", ""}},
};
#define PEOPLE (sizeof people / sizeof *people)

static int remove_entry(const char *path, const struct stat *seen, int kind, struct FTW *walk)
{
	(void)seen, (void)kind, (void)walk;
	return remove(path);
}

static void begin(void)
{
	struct http_token tokens[PEOPLE] = {0};
	struct hazard_policy law = hazard_policy_default();
	log_set_level(LOG_ERROR);
	strcpy(folder, "/tmp/zayton-hazards-XXXXXX");
	cr_assert(mkdtemp(folder));
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
}

static void end(void)
{
	http_free(server);
	hazards_close(hazards);
	engine_close(engine);
	nftw(folder, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

TestSuite(hazards_http, .init = begin, .fini = end, .timeout = 120);

static struct answer as(const char *token, const char *request, const char *more, const char *body)
{
	char headers[400];
	snprintf(headers, sizeof headers, "Authorization: Bearer %s\r\n%s%s", token,
		 body ? "Content-Type: application/json\r\n" : "", more);
	return ask(http_port(server), request, headers, body);
}

static void expect(const char *token, const char *request, const char *body, int status, const char *part)
{
	struct answer a = as(token, request, "", body);
	cr_assert_eq(a.status, status, "%s %s: %d %.*s", request, body ? body : "", a.status, (int)a.body.size,
		     (char *)a.body.data);
	cr_assert(answer_has(&a, part), "%s: no %s in %.*s", request, part, (int)a.body.size, (char *)a.body.data);
	answer_deinit(&a);
}

static void find(void)
{
	expect("office", "POST /api/v1/hazards",
	       "{\"fields\": {\"source\": \"检查\", \"found\": \"2026-03-01T09:00:00+08:00\", \"description\": "
	       "\"堆垛不规范\", \"company\": \"海湾仓储\", \"village\": \"白奇\"}}",
	       201, "\"state\":\"found\",\"state_zh\":\"排查\"");
}

static void step(const char *token, const char *body, int status, const char *part)
{
	expect(token, "POST /api/v1/hazards/1/steps", body, status, part);
}

static void bring_to_assigned(void)
{
	find();
	step("office",
	     "{\"step\": \"register\", \"fields\": {\"site\": \"一号仓库\", \"grade\": \"一般\", \"sector\": "
	     "\"消防\"}}",
	     200, "\"state\":\"registered\"");
	step("office",
	     "{\"step\": \"交办\", \"fields\": {\"unit\": \"海湾仓储\", \"person\": \"陈责\", \"supervisor\": "
	     "\"企业服务中心\", \"deadline\": \"2099-03-10\"}}",
	     200, "\"state\":\"assigned\"");
}

Test(hazards_http, a_hazard_goes_its_way_by_those_who_may)
{
	bring_to_assigned();
	step("firm", "{\"step\": \"start\"}", 200, "\"allowed\":[\"apply\",\"amend\",\"attach\"]");
	step("firm", "{\"step\": \"close\"}", 422, "\"reason\":\"role\"");
	step("firm", "{\"step\": \"apply\", \"note\": \"已整改\", \"fields\": {\"measures\": \"重新码放\"}}", 200,
	     "applied");
	step("firm", "{\"step\": \"accept\", \"note\": \"合格\"}", 422, "该角色无权办理此步骤");
	step("clerk", "{\"step\": \"accept\", \"note\": \"合格\"}", 200, "\"state\":\"accepted\"");
	step("police", "{\"step\": \"close\"}", 422, "\"reason\":\"role\"");
	step("office", "{\"step\": \"close\"}", 200, "\"state\":\"closed\"");
	expect("auditor", "GET /api/v1/hazards/1/history", NULL, 200, "\"step\":\"accept\"");
	expect("auditor", "GET /api/v1/hazards/1/liability?at=2026-03-01T00:00:00Z", NULL, 200,
	       "\"liable\":\"nobody\"");
}

Test(hazards_http, a_refusal_names_the_field_in_both_tongues)
{
	find();
	step("office",
	     "{\"step\": \"register\", \"fields\": {\"site\": \"一号仓库\", \"grade\": \"major\", \"sector\": "
	     "\"消防\"}}",
	     200, "registered");
	step("office",
	     "{\"step\": \"assign\", \"fields\": {\"unit\": \"a\", \"person\": \"b\", \"supervisor\": \"c\", "
	     "\"deadline\": "
	     "\"2099-03-10\", \"measures\": \"d\", \"fund\": \"e\", \"plan\": \"f\", \"basis\": \"g\"}}",
	     422, "\"parameter\":\"acceptor\",\"field_zh\":\"验收人\"");
}

Test(hazards_http, of_two_who_edit_at_once_the_second_is_told)
{
	find();
	struct answer a = as("clerk", "GET /api/v1/hazards/1", "", NULL);
	cr_assert_str_eq(answer_header(&a, "etag"), "\"1\"");
	answer_deinit(&a);
	a = as("clerk", "POST /api/v1/hazards/1/steps", "If-Match: \"1\"\r\n",
	       "{\"step\": \"amend\", \"fields\": {\"grid\": \"一\"}}");
	cr_assert_eq(a.status, 200);
	answer_deinit(&a);
	a = as("office", "POST /api/v1/hazards/1/steps", "If-Match: \"1\"\r\n",
	       "{\"step\": \"amend\", \"fields\": {\"grid\": \"二\"}}");
	cr_assert_eq(a.status, 412);
	cr_assert(answer_has(&a, "changed-meanwhile"));
	answer_deinit(&a);
	expect("office", "GET /api/v1/hazards/1", NULL, 200, "\"grid\":\"一\"");
}

/* --- two at once --- */

#define ROUNDS 120

/* A clerk on a connection of his own who amends what he saw, at the same instant as the other. */
struct clerk {
	const char *token;
	unsigned number;
	pthread_barrier_t *start, *end;
	struct answer answers[ROUNDS];
};

static void *amend_always(void *context)
{
	struct clerk *k = context;
	struct client c = client_open(http_port(server));
	for (unsigned round = 0; round < ROUNDS; round++) {
		char body[100], request[500];
		int size = snprintf(body, sizeof body, "{\"step\": \"amend\", \"fields\": {\"grid\": \"%u-%u\"}}",
				    k->number, round);
		snprintf(request, sizeof request,
			 "POST /api/v1/hazards/1/steps HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\n"
			 "Content-Type: application/json\r\nIf-Match: \"%u\"\r\nContent-Length: %d\r\n\r\n%s",
			 k->token, round + 1, size, body);
		pthread_barrier_wait(k->start);
		client_send(&c, request);
		if (!client_answer(&c, &k->answers[round], false))
			k->answers[round].status = 0;
		pthread_barrier_wait(k->end);
	}
	client_close(&c);
	return NULL;
}

/* The winner's grid of a round is what the loser is told, and what the history has. */
static void expect_one_winner(struct clerk clerks[2], unsigned round, const json_t *history)
{
	char wanted[40];
	unsigned winner = clerks[0].answers[round].status == 200 ? 0 : 1;
	const struct answer *lost = &clerks[!winner].answers[round];
	cr_assert_eq(clerks[winner].answers[round].status, 200, "round %u: nobody won", round);
	cr_assert_eq(lost->status, 412, "round %u: %d", round, lost->status);
	json_t *problem = json_loadb((char *)lost->body.data, lost->body.size, 0, NULL);
	const json_t *changed = json_object_get(problem, "changed");
	snprintf(wanted, sizeof wanted, "%u-%u", winner, round);
	cr_assert_str_eq(json_string_value(json_object_get(problem, "type")), "urn:zayton:problem:changed-meanwhile");
	cr_assert_eq(json_array_size(changed), 1u);
	const json_t *told[] = {json_array_get(changed, 0), json_array_get(history, round + 1)};
	for (size_t i = 0; i < 2; i++) {
		const json_t *grid = json_object_get(json_object_get(told[i], "changes"), "grid");
		cr_assert_eq(json_integer_value(json_object_get(told[i], "number")), round + 2);
		cr_assert_str_eq(json_string_value(grid), wanted);
	}
	json_decref(problem);
}

Test(hazards_http, of_two_at_once_one_wins_each_time_and_the_other_is_told_what_changed)
{
	pthread_barrier_t start, end_;
	pthread_t threads[2];
	static struct clerk clerks[2];
	find();
	cr_assert_eq(pthread_barrier_init(&start, NULL, 2), 0);
	cr_assert_eq(pthread_barrier_init(&end_, NULL, 2), 0);
	for (unsigned i = 0; i < 2; i++) {
		clerks[i] = (struct clerk){i ? "office" : "clerk", i, &start, &end_, {{0}}};
		cr_assert_eq(pthread_create(&threads[i], NULL, amend_always, &clerks[i]), 0);
	}
	for (unsigned i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	struct answer a = as("auditor", "GET /api/v1/hazards/1/history", "", NULL);
	json_t *whole = json_loadb((char *)a.body.data, a.body.size, 0, NULL);
	const json_t *history = json_is_array(whole) ? whole : json_object_get(whole, "history");
	cr_assert_eq(json_array_size(history), ROUNDS + 1u);
	for (unsigned round = 0; round < ROUNDS; round++)
		expect_one_winner(clerks, round, history);
	for (unsigned i = 0; i < 2 * ROUNDS; i++)
		answer_deinit(&clerks[i % 2].answers[i / 2]);
	json_decref(whole);
	answer_deinit(&a);
	pthread_barrier_destroy(&start);
	pthread_barrier_destroy(&end_);
}

Test(hazards_http, an_enterprise_sees_its_own_and_no_other)
{
	bring_to_assigned();
	expect("firm", "GET /api/v1/hazards", NULL, 200, "\"code\":\"2026-000001\"");
	expect("rival", "GET /api/v1/hazards", NULL, 200, "{\"hazards\":[],\"next\":null}");
	expect("rival", "GET /api/v1/hazards/1", NULL, 404, "no-such-hazard");
	expect("rival", "POST /api/v1/hazards/1/steps", "{\"step\": \"start\"}", 404, "no-such-hazard");
	expect("rival", "GET /api/v1/hazards/counts", NULL, 200, "\"all\":0");
	expect("village", "GET /api/v1/hazards", NULL, 200, "2026-000001");
	expect("village", "GET /api/v1/hazards?village=%E9%87%8C%E6%98%A5", NULL, 403, "scope");
	expect("reader", "POST /api/v1/hazards/1/steps", "{\"step\": \"start\"}", 403, "no role");
}

Test(hazards_http, pages_go_on_where_they_ended)
{
	for (int i = 0; i < 5; i++)
		find();
	char path[128] = "GET /api/v1/hazards?order=id&limit=2";
	unsigned seen = 0;
	for (;;) {
		struct answer a = as("office", path, "", NULL);
		json_t *v = json_loadb((char *)a.body.data, a.body.size, 0, NULL), *row;
		size_t i;
		json_array_foreach(json_object_get(v, "hazards"), i, row)
			cr_assert_eq(json_integer_value(json_object_get(row, "id")), ++seen);
		const char *next = json_string_value(json_object_get(v, "next"));
		if (next)
			snprintf(path, sizeof path, "GET /api/v1/hazards?order=id&limit=2&cursor=%s", next);
		json_decref(v);
		answer_deinit(&a);
		if (!next)
			break;
	}
	cr_assert_eq(seen, 5);
	expect("office", "GET /api/v1/hazards/counts?by=village", NULL, 200,
	       "\"groups\":[{\"value\":\"白奇\",\"all\":5");
	expect("office", "GET /api/v1/hazards?list=rectification", NULL, 200, "\"hazards\":[]");
	expect("office", "GET /api/v1/hazards?format=csv", NULL, 200, "\xef\xbb\xbf编号,状态,是否逾期,来源");
	expect("office", "GET /api/v1/hazards?format=csv", NULL, 200,
	       "2026-000005,排查,否,检查,2026-03-01T09:00:00.000+08:00");
}

Test(hazards_http, a_file_comes_back_through_its_hazard_alone)
{
	char path[200], digest[65];
	uint8_t bytes[32];
	find();
	find();
	char headers[] = "Authorization: Bearer office\r\nContent-Type: image/jpeg\r\n";
	struct answer a =
		ask(http_port(server), "POST /api/v1/hazards/1/attachments?name=photo.jpg", headers, "JPEG bytes");
	cr_assert_eq(a.status, 200, "%.*s", (int)a.body.size, (char *)a.body.data);
	answer_deinit(&a);
	cr_assert(EVP_Digest("JPEG bytes", 10, bytes, NULL, EVP_sha256(), NULL));
	hex_encode(digest, span_of(bytes, 32));
	snprintf(path, sizeof path, "GET /api/v1/hazards/1/attachments/%s", digest);
	expect("auditor", path, NULL, 200, "JPEG bytes");
	expect("rival", path, NULL, 404, "no-such-hazard");
	snprintf(path, sizeof path, "GET /api/v1/hazards/2/attachments/%s", digest);
	expect("auditor", path, NULL, 404, "no-such-resource");
}

Test(hazards_http, wrong_questions_are_told_what_is_wrong)
{
	find();
	expect("office", "GET /api/v1/hazards?list=seventh", NULL, 400, "\"parameter\":\"list\"");
	expect("office", "GET /api/v1/hazards?state=closed,lost", NULL, 400, "\"parameter\":\"state\"");
	expect("office", "GET /api/v1/hazards?cursor=x", NULL, 400, "\"parameter\":\"cursor\"");
	expect("office", "GET /api/v1/hazards/99", NULL, 404, "no-such-hazard");
	expect("office", "GET /api/v1/hazards/x", NULL, 404, "no-such-hazard");
	step("office", "{\"step\": \"vanish\"}", 400, "\"parameter\":\"step\"");
	step("office", "{\"step\": \"find\"}", 400, "\"parameter\":\"step\"");
	step("office", "{\"step\": \"amend\", \"fields\": {\"colour\": \"red\"}}", 400, "\"parameter\":\"colour\"");
	step("office", "{\"step\": \"amend\", \"fields\": {\"grade\": \"huge\"}}", 400, "\"parameter\":\"grade\"");
	step("office", "{\"step\": \"amend\", \"when\": 1}", 400, "\"parameter\":\"when\"");
	step("office", "[]", 400, "must be an object");
	step("office", "{", 400, "bad-body");
}
