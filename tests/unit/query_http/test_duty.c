/* The duty room over a real server: who may do what, the roll-call, alarms, warnings in both forms, incidents,
 * messages. */
#include <jansson.h>
#include <openssl/evp.h>
#include <string.h>

#include "engine/core/clock.h"
#include "engine/core/log.h"
#include "query/http/handlers_duty.h"
#include "support/harbour.h"
#include "unit/query_http/http_client.h"

static struct harbour_world world;
static struct duty *duty;
static struct http *server;
static uint64_t boat;
static int64_t now_ms;

static const struct {
	const char *token;
	struct principal who;
} people[] = {
	{"fishery", {"陈渔", "all", "fishery", "水产站"}},
	{"auditor", {"审", "all", "auditor", "纪检"}},
	{"village", {"村", "village:白奇", "clerk", "白奇村委会"}},
	{"other", {"村二", "village:下埭", "clerk", "下埭村委会"}},
	{"reader", {"读", "all", "", ""}},
};
#define PEOPLE (sizeof people / sizeof *people)

static void begin(void)
{
	struct http_token tokens[PEOPLE] = {0};
	log_set_level(LOG_ERROR);
	harbour_begin(&world);
	now_ms = clock_now_ms();
	boat = harbour_boat(&world, "闽狮渔00001", "fishing-medium", "白奇", "houzhu");
	harbour_say(&world, boat, DEVICE_KIND_BOAT, DEVICE_FIELD_BEIDOU_CARD, "204567", VALID_ALWAYS_FROM);
	harbour_boat(&world, "闽狮渔00002", "township", "下埭", "houzhu");
	harbour_fence(&world, "houzhu", (const char *const[]){"harbour", "capacity-2", NULL}, 248500000, 1187300000,
		      200000, INT64_MIN, INT64_MAX);
	harbour_report(&world, boat, now_ms - 5 * MS_PER_MINUTE, 248000000, 1188000000, 0);
	harbour_flush(&world);
	cr_assert_eq(duty_open(world.engine, NULL, false, &duty), STATUS_OK);
	for (size_t i = 0; i < PEOPLE; i++) {
		tokens[i].principal = people[i].who;
		cr_assert(EVP_Digest(people[i].token, strlen(people[i].token), tokens[i].sha256, NULL, EVP_sha256(),
				     NULL));
	}
	struct http_options h = http_options_default(world.engine);
	h.pool_threads = 2;
	h.tokens = tokens;
	h.token_count = PEOPLE;
	cr_assert_eq(http_new(&h, &server), STATUS_OK);
	cr_assert_eq(duty_route_add(server, duty), STATUS_OK);
	cr_assert_eq(http_start(server), STATUS_OK);
}

static void end(void)
{
	http_free(server);
	duty_close(duty);
	harbour_end(&world);
}

TestSuite(duty_http, .init = begin, .fini = end, .timeout = 120);

static void expect(const char *token, const char *request, const char *body, int status, const char *part)
{
	char headers[400];
	snprintf(headers, sizeof headers, "Authorization: Bearer %s\r\n%s", token,
		 !body          ? ""
		 : *body == '<' ? "Content-Type: application/xml\r\n"
				: "Content-Type: application/json\r\n");
	struct answer a = ask(http_port(server), request, headers, body);
	cr_assert_eq(a.status, status, "%s %s: %d %.*s", request, body ? body : "", a.status, (int)a.body.size,
		     (char *)a.body.data);
	cr_assert(!*part || answer_has(&a, part), "%s: no %s in %.*s", request, part, (int)a.body.size,
		  (char *)a.body.data);
	if (a.body.size && strstr(answer_header(&a, "content-type"), "json")) {
		json_t *parsed = json_loadb((const char *)a.body.data, a.body.size, 0, NULL);
		cr_assert_not_null(parsed, "%s: no JSON: %.*s", request, (int)a.body.size, (char *)a.body.data);
		json_decref(parsed);
	}
	answer_deinit(&a);
}

Test(duty_http, the_roll_call_is_told_within_the_scope)
{
	expect("fishery", "GET /api/v1/roll-call", NULL, 200,
	       "\"counts\":{\"boats\":2,\"in\":0,\"sea\":1,\"dark\":0,\"unknown\":1");
	expect("village", "GET /api/v1/roll-call", NULL, 200, "\"counts\":{\"boats\":1,\"in\":0,\"sea\":1");
	expect("fishery", "GET /api/v1/roll-call?boats=none&class=township", NULL, 200, "\"boats\":[]}");
	expect("fishery", "GET /api/v1/roll-call?class=muck", NULL, 400, "\"parameter\":\"class\"");
	expect("fishery", "GET /api/v1/roll-call?due=2026-01-01T00:00:00Z", NULL, 200, "\"in_by_deadline\":0");
	expect("auditor", "GET /api/v1/audit", NULL, 200, "roll-call");
}

Test(duty_http, headcounts_are_said_of_boats_and_rafts)
{
	expect("village", "POST /api/v1/headcounts", "{\"boat\": \"plate:boat:闽狮渔00001\", \"aboard\": 5}", 201,
	       "said");
	expect("other", "POST /api/v1/headcounts", "{\"boat\": \"plate:boat:闽狮渔00001\", \"aboard\": 5}", 404,
	       "scope");
	expect("village", "POST /api/v1/headcounts", "{\"raft\": \"r\", \"evacuated\": 5}", 403, "scope");
	expect("fishery", "POST /api/v1/headcounts", "{\"aboard\": 5}", 400, "one of them");
	expect("fishery", "POST /api/v1/headcounts", "{\"boat\": \"plate:boat:闽狮渔00001\", \"crew\": 5}", 400,
	       "crew");
	expect("fishery", "POST /api/v1/headcounts", "{\"raft\": \"r\", \"evacuated\": 50000}", 422, "range");
	expect("fishery", "GET /api/v1/roll-call", NULL, 200, "\"aboard_not_in\":5");
}

static void raise_alarm(void)
{
	struct told_finding t = {.decided = {now_ms, 7}};
	t.finding = (struct finding){.subject = boat,
				     .device = boat,
				     .kind = RULE_SILENT,
				     .confidence = CONFIDENCE_HIGH,
				     .start_ms = now_ms - 1000,
				     .end_ms = now_ms,
				     .found_ms = now_ms};
	strcpy(t.finding.rule, "emergency");
	struct replacement r = {.subject = boat,
				.stage = 1,
				.scope = REPLACE_TOLD,
				.keep_before_ms = INT64_MIN,
				.findings = &t,
				.finding_count = 1,
				.now_ms = now_ms};
	cr_assert_eq(findings_replace(engine_findings(world.engine), &r, NULL, NULL), STATUS_OK);
	cr_assert_eq(alarms_run(duty_alarms(duty), now_ms), STATUS_OK);
}

Test(duty_http, an_alarm_is_acknowledged_by_those_on_duty)
{
	raise_alarm();
	expect("auditor", "GET /api/v1/alarms?state=open", NULL, 200, "\"id\":1");
	expect("village", "GET /api/v1/alarms", NULL, 403, "role");
	expect("reader", "GET /api/v1/alarms", NULL, 403, "duty room");
	expect("auditor", "POST /api/v1/alarms/1/acknowledge", "{}", 403, "role");
	expect("fishery", "POST /api/v1/alarms/2/acknowledge", "{}", 404, "no-such-record");
	expect("fishery", "POST /api/v1/alarms/x/acknowledge", "{}", 404, "no-such-record");
	expect("fishery", "POST /api/v1/alarms/1/acknowledge", "{\"note\": 5}", 400, "note");
	expect("fishery", "POST /api/v1/alarms/1/acknowledge", "{\"note\": \"已联系\"}", 201, "1");
	expect("fishery", "POST /api/v1/alarms/1/acknowledge", "{}", 409, "conflict");
	expect("fishery", "GET /api/v1/alarms/1", NULL, 200, "\"acknowledged_by\":\"陈渔\"");
	expect("fishery", "GET /api/v1/alarms?state=open", NULL, 200, "\"alarms\":[],\"next\":null");
	expect("fishery", "GET /api/v1/alarm-times", NULL, 200, "\"acknowledged\":1");
}

Test(duty_http, a_shift_is_logged_and_handed_over)
{
	expect("fishery", "POST /api/v1/shift-log", "{\"text\": \"接防台通知\"}", 201, "\"kind\":\"note\"");
	expect("fishery", "POST /api/v1/shift-log", "{}", 422, "invalid");
	expect("auditor", "POST /api/v1/shift-log", "{\"text\": \"x\"}", 403, "role");
	expect("fishery", "POST /api/v1/handovers", "{\"to\": \"李\", \"text\": \"一船未归\"}", 201, "\"number\":2");
	expect("fishery", "POST /api/v1/handovers", "{\"accept\": 2}", 201, "\"kind_zh\":\"接班\"");
	expect("fishery", "POST /api/v1/handovers", "{\"accept\": 2}", 409, "conflict");
	expect("fishery", "GET /api/v1/shift-log?limit=1", NULL, 200, "\"next\":3");
	expect("fishery", "GET /api/v1/shift-log?before=3", NULL, 200, "\"to\":\"李\"");
}

#define AREA "\"areas\": [{\"circle\": [118.8, 24.8], \"radius_m\": 5000}]"

static void post_gale(void)
{
	char body[512], until[TIME_TEXT_MAX], sent[TIME_TEXT_MAX];
	time_format(now_ms - MS_PER_MINUTE, 0, sent);
	time_format(now_ms + MS_PER_HOUR, 0, until);
	snprintf(body, sizeof body,
		 "{\"identifier\": \"W1\", \"sender\": \"qzmo\", \"sent\": \"%s\", \"kind\": \"大风\", \"level\": "
		 "\"red\", "
		 "\"until\": \"%s\", \"units\": [\"白奇村委会\"], " AREA "}",
		 sent, until);
	expect("fishery", "POST /api/v1/warnings", body, 201, "{\"ids\":[1]}");
	expect("fishery", "POST /api/v1/warnings", body, 200, "{\"ids\":[1]}");
}

Test(duty_http, a_warning_is_taken_in_and_reaches_boats_and_units)
{
	post_gale();
	expect("fishery", "POST /api/v1/warnings", "{}", 400, "kind: is missing");
	expect("fishery", "POST /api/v1/warnings", "<alert></alert>", 400, "info block");
	expect("reader", "POST /api/v1/warnings", "{}", 403, "duty room");
	expect("village", "GET /api/v1/warnings?kind=gale", NULL, 200, "\"tag\":\"warning-gale-red\"");
	expect("village", "GET /api/v1/warnings?kind=hail", NULL, 400, "kind");
	expect("fishery", "GET /api/v1/roll-call", NULL, 200, "\"warned\":\"red\"");
	expect("other", "POST /api/v1/warnings/1/acknowledgements", "{\"unit\": \"白奇村委会\"}", 403, "duty room");
	expect("fishery", "GET /api/v1/warnings/1", NULL, 200, "\"unit\":\"白奇村委会\",\"acknowledged\":null");
	expect("village", "POST /api/v1/warnings/1/acknowledgements", "{}", 201, "1");
	expect("fishery", "GET /api/v1/warnings/1", NULL, 200, "\"who\":\"村\"");
	expect("fishery", "POST /api/v1/boat-messages",
	       "{\"text\": \"大风红色预警, 请回港\", \"warning\": 1, \"in_area\": true}", 201,
	       "\"hull\":\"boat:闽狮渔00001\",\"id\":1");
	expect("fishery", "GET /api/v1/warnings/1", NULL, 200, "\"reach\":{\"messages\":{\"queued\":1");
}

Test(duty_http, messages_are_queued_refused_and_cancelled)
{
	expect("fishery", "POST /api/v1/boat-messages", "{\"text\": \"回港\"}", 400, "in_area");
	expect("fishery", "POST /api/v1/boat-messages", "{\"text\": \"回港\", \"boat\": \"plate:boat:闽狮渔00002\"}",
	       422, "invalid");
	expect("fishery", "POST /api/v1/boat-messages",
	       "{\"text\": \"回港\", \"boats\": [\"plate:boat:闽狮渔00001\", \"plate:boat:闽狮渔00002\"]}", 201,
	       "no Beidou card");
	expect("auditor", "POST /api/v1/boat-messages", "{\"text\": \"回港\", \"boat\": \"plate:boat:闽狮渔00001\"}",
	       403, "role");
	expect("fishery", "GET /api/v1/boat-messages?state=queued", NULL, 200, "\"card\":204567");
	expect("fishery", "DELETE /api/v1/boat-messages/1", NULL, 204, "");
	expect("fishery", "DELETE /api/v1/boat-messages/1", NULL, 409, "conflict");
	expect("fishery", "GET /api/v1/boat-messages/1", NULL, 200, "\"state\":\"cancelled\"");
}

Test(duty_http, an_accident_is_reported_by_anybody_with_a_role_and_followed_by_the_duty_room)
{
	const char *report =
		"{\"kind\": \"碰撞\", \"occurred\": \"2026-08-20T03:00:00+08:00\", \"first_report\": "
		"\"2026-08-20T03:10:00+08:00\", \"text\": \"商渔船碰撞\", \"boat\": \"plate:boat:闽狮渔00001\", "
		"\"lon\": 118.8, \"lat\": 24.8}";
	expect("reader", "POST /api/v1/incidents", report, 403, "role");
	expect("village", "POST /api/v1/incidents", "{\"kind\": \"theft\", \"text\": \"x\"}", 400, "kind");
	expect("village", "POST /api/v1/incidents", "{\"kind\": \"fire\"}", 400, "missing");
	expect("village", "POST /api/v1/incidents", report, 201, "1");
	expect("village", "GET /api/v1/incidents", NULL, 403, "duty room");
	expect("fishery", "GET /api/v1/incidents/1", NULL, 200, "\"reported_after_s\":600");
	expect("fishery", "POST /api/v1/incidents/1/follow-ups",
	       "{\"state\": \"responding\", \"text\": \"派救助船\", \"missing\": 1}", 201, "1");
	expect("fishery", "POST /api/v1/incidents/1/follow-ups", "{\"state\": \"verified\", \"text\": \"x\"}", 409,
	       "conflict");
	expect("fishery", "POST /api/v1/incidents/1/follow-ups", "{\"text\": \"x\", \"dead\": -1}", 400, "dead");
	expect("fishery", "GET /api/v1/incidents?state=responding", NULL, 200, "\"missing\":1");
}
