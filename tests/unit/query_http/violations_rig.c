#include "unit/query_http/violations_rig.h"

#include <criterion/criterion.h>
#include <ftw.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>

#include "engine/core/clock.h"
#include "engine/core/log.h"
#include "engine/fleet/finding_reports.h"

struct violations_rig world;
void (*violations_rig_options)(struct http_options *o);

static int remove_entry(const char *path, const struct stat *seen, int kind, struct FTW *walk)
{
	(void)seen;
	(void)kind;
	(void)walk;
	return remove(path);
}

static void say(uint64_t device, enum device_field field, const char *value)
{
	struct registry_change one = {(uint8_t)field, span_of_string(value)};
	cr_assert_eq(registry_apply(engine_registry(world.engine), device, DEVICE_KIND_JT808, &one, 1, T0 - MS_PER_DAY,
				    "test", NULL),
		     STATUS_OK, "%s", value);
}

/* Every 10 s, moving north-east at 72.0 km/h. */
static void fill_track(void)
{
	struct bulk *b;
	struct report r;
	uint8_t body[28] = {0};
	cr_assert_eq(bulk_open(world.engine, &b), STATUS_OK);
	for (int i = 0; i < 30; i++) {
		body[7] = 3;
		store_be32(body + 8, 24900000u + (unsigned)i * 1200);
		store_be32(body + 12, 118600000u + (unsigned)i * 1300);
		store_be16(body + 18, 720);
		cr_assert_eq(bcd_time_encode(T0 + i * INT64_C(10000), body + 22), STATUS_OK);
		cr_assert_eq(report_from_jt808(span_of(body, sizeof body), &r), STATUS_OK);
		r.received_ms = r.time_ms + 700;
		cr_assert_eq(bulk_add(b, world.truck, &r), STATUS_OK);
	}
	cr_assert_eq(bulk_close(b), STATUS_OK);
}

struct finding finding_of(const char *rule, unsigned kind, uint64_t device, int64_t start_ms)
{
	struct finding f = {.subject = device, .device = device, .kind = (uint8_t)kind, .confidence = CONFIDENCE_HIGH};
	snprintf(f.rule, sizeof f.rule, "%s", rule);
	f.start_ms = start_ms;
	f.end_ms = start_ms + 60000;
	f.found_ms = start_ms + 30000;
	f.start_lat_e7 = f.end_lat_e7 = 249000000;
	f.start_lon_e7 = f.end_lon_e7 = 1186000000;
	for (unsigned n = 0; n < FINDING_NUMBER_COUNT; n++)
		f.numbers[n] = NUMBER_UNKNOWN;
	return f;
}

void tell(const struct finding *f, bool all)
{
	struct told_finding told = {.finding = *f, .decided = {f->end_ms, 1}};
	struct replacement r = {.subject = f->subject,
				.stage = (uint8_t)rule_kind_stage(f->kind),
				.scope = all ? REPLACE_ALL : REPLACE_TOLD,
				.keep_before_ms = INT64_MIN,
				.findings = &told,
				.finding_count = 1,
				.now_ms = f->found_ms + 1000};
	cr_assert_eq(findings_replace(engine_findings(world.engine), &r, NULL, NULL), STATUS_OK);
}

static void fill_findings(void)
{
	struct finding f = finding_of("overspeed-muck", RULE_OVERSPEED, world.truck, T0 + 10000);
	f.end_ms = T0 + 200000;
	f.driver = 0xabcdef;
	f.numbers[FINDING_LIMIT] = 600;
	f.numbers[FINDING_PEAK] = 720;
	f.numbers[FINDING_BAND] = 20;
	f.numbers[FINDING_DURATION] = 190000;
	cr_assert_eq(finding_digest(world.engine, &f, NULL, 0), STATUS_OK);
	tell(&f, false);
	f = finding_of("no-stop", RULE_DWELL, world.boat, T0 + 100000);
	strcpy(f.fence, "lane-1");
	tell(&f, false);
	f = finding_of("silent", RULE_SILENT, world.truck, T0 + MS_PER_HOUR);
	f.open = true;
	tell(&f, false);
	f = finding_of("patrol", RULE_PATROL, 77, T0 + 2 * MS_PER_HOUR);
	f.device = 0;
	tell(&f, false);
}

void violations_rig_open(void)
{
	log_set_level(LOG_ERROR);
	strcpy(world.folder, "/tmp/zayton-violations-XXXXXX");
	cr_assert(mkdtemp(world.folder));
	struct engine_options o = engine_options_default(world.folder);
	o.create = true;
	cr_assert_eq(engine_open(&o, &world.engine), STATUS_OK);
	world.truck = device_id(DEVICE_KIND_JT808, span_of_string("13900000001"));
	world.boat = device_id(DEVICE_KIND_JT808, span_of_string("13900000002"));
	say(world.truck, DEVICE_FIELD_PHONE, "13900000001");
	say(world.truck, DEVICE_FIELD_PLATE, "2:闽C12345");
	say(world.truck, DEVICE_FIELD_CLASS, "muck");
	say(world.truck, DEVICE_FIELD_COMPANY, EVIL_COMPANY);
	say(world.truck, DEVICE_FIELD_TERMINAL_MODEL, "ZT-1<b>");
	say(world.truck, DEVICE_FIELD_METROLOGY_DUE, "2026-12-31");
	say(world.boat, DEVICE_FIELD_PHONE, "13900000002");
	say(world.boat, DEVICE_FIELD_VILLAGE, "东村");
	fill_track();
	fill_findings();
	struct http_options h = http_options_default(world.engine);
	h.pool_threads = 2;
	if (violations_rig_options)
		violations_rig_options(&h);
	cr_assert_eq(http_new(&h, &world.server), STATUS_OK);
	cr_assert_eq(http_start(world.server), STATUS_OK);
}

void violations_rig_close(void)
{
	http_free(world.server);
	engine_close(world.engine);
	nftw(world.folder, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

/* --- asking --- */

void with_tokens(struct http_options *o)
{
	static struct http_token tokens[3] = {{.principal = {"clerk", "village:东村"}},
					      {.principal = {"boss", "company:" EVIL_COMPANY}},
					      {.principal = {"officer", "all"}}};
	static const char *const texts[3] = {"village", "company", "all"};
	for (int i = 0; i < 3; i++)
		cr_assert(EVP_Digest(texts[i], strlen(texts[i]), tokens[i].sha256, NULL, EVP_sha256(), NULL));
	o->tokens = tokens;
	o->token_count = 3;
}

struct answer ask_as(const char *token, const char *request, const char *body)
{
	char headers[256] = "";
	if (token)
		snprintf(headers, sizeof headers, "Authorization: Bearer %s\r\n", token);
	if (body)
		strcat(headers, "Content-Type: application/json\r\n");
	return ask(http_port(world.server), request, headers, body);
}

json_t *get_json(const char *path)
{
	char request[2048];
	snprintf(request, sizeof request, "GET %s", path);
	struct answer a = ask_as(NULL, request, NULL);
	json_t *v = json_loadb((char *)a.body.data, a.body.size, JSON_REJECT_DUPLICATES, NULL);
	cr_assert_eq(a.status, 200, "%s: %d", path, a.status);
	cr_assert(v, "%s: %.*s", path, (int)a.body.size, (char *)a.body.data);
	answer_deinit(&a);
	return v;
}

void expect_answer(const char *request, const char *body, int status, const char *part)
{
	struct answer a = ask_as(NULL, request, body);
	cr_expect_eq(a.status, status, "%s %s: %d %.*s", request, body ? body : "", a.status, (int)a.body.size,
		     (char *)a.body.data);
	cr_expect(answer_has(&a, part), "%s: no %s in %.*s", request, part, (int)a.body.size, (char *)a.body.data);
	answer_deinit(&a);
}
