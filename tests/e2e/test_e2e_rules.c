/* What a fleet is judged by, as people put it: rules, fences and permits, over HTTP and from files. */
#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/e2e/rig.h"

TestSuite(rules, .timeout = 300);

#define SQUARE(id, lon)                                                                                                \
	"{\"type\":\"Feature\",\"properties\":{\"id\":\"" id "\",\"name\":\"" id "\",\"tags\":\"speed_zone\","         \
	"\"limit_kmh\":40},\"geometry\":{\"type\":\"Polygon\",\"coordinates\":[[[" lon ".00,24.00],[" lon              \
	".01,24.00],[" lon ".01,24.01],[" lon ".00,24.01],[" lon ".00,24.00]]]}}"
/* its sides cross */
#define BOWTIE                                                                                                         \
	"{\"type\":\"Feature\",\"properties\":{\"id\":\"bow\"},\"geometry\":{\"type\":\"Polygon\",\"coordinates\":"    \
	"[[[118,24],[118.01,24.01],[118.01,24],[118,24.01],[118,24]]]}}"
#define FILE_OF(features) "{\"type\":\"FeatureCollection\",\n\"features\":[\n" features "\n]}\n"

static void expect(struct answer a, int code, const char *part)
{
	cr_expect_eq(a.code, code, "%d: %.400s", a.code, a.body);
	if (part)
		cr_expect_not_null(strstr(a.body, part), "no %s in %.400s", part, a.body);
	answer_free(&a);
}

static void expect_without(struct answer a, const char *part)
{
	cr_expect_eq(a.code, 200, "%s", a.body);
	cr_expect_null(strstr(a.body, part), "%s in %.400s", part, a.body);
	answer_free(&a);
}

Test(rules, fences_go_in_one_by_one_come_out_and_end)
{
	char *folder = rig_folder();
	struct server s = server_start(folder, NULL);
	struct answer a = http_ask(&s, "POST", FILE_OF(SQUARE("a1", "118") ",\n" BOWTIE ",\n" SQUARE("a2", "119")),
				   "/api/v1/fences");
	cr_expect_eq(a.code, 200, "%s", a.body);
	cr_expect_not_null(strstr(a.body, "\"accepted\":2"), "%s", a.body);
	cr_expect_not_null(strstr(a.body, "\"feature\":2"), "%s", a.body);
	cr_expect_not_null(strstr(a.body, "self-intersection"), "%s", a.body);
	answer_free(&a);
	expect(HTTP_GET_OF(&s, "/api/v1/fences"), 200, "\"a2\"");
	expect_without(HTTP_GET_OF(&s, "/api/v1/fences?id=a1"), "\"a2\"");
	expect(http_ask(&s, "DELETE", NULL, "/api/v1/fences/a1"), 200, NULL);
	expect(http_ask(&s, "DELETE", NULL, "/api/v1/fences/nobody"), 404, NULL);
	expect_without(HTTP_GET_OF(&s, "/api/v1/fences"), "\"a1\"");
	cr_expect_eq(server_stop(&s, SIGTERM), 0);
	s = server_start(folder, NULL);
	expect_without(HTTP_GET_OF(&s, "/api/v1/fences"), "\"a1\"");
	expect(HTTP_GET_OF(&s, "/api/v1/fences"), 200, "\"a2\"");
	cr_expect_eq(server_stop(&s, SIGTERM), 0);
	rig_folder_remove(folder);
}

/* ended where it began, nothing is left of it, and a restart must not bring it back */
Test(rules, a_fence_ended_where_it_began_stays_away)
{
	char *folder = rig_folder();
	struct server s = server_start(folder, NULL);
	const char *dated = "{\"type\":\"Feature\",\"properties\":{\"id\":\"d\",\"valid_from\":\"2026-01-01\"},"
			    "\"geometry\":{\"type\":\"Polygon\",\"coordinates\":[[[118,24],[118.01,24],[118.01,24.01],"
			    "[118,24]]]}}";
	expect(http_ask(&s, "POST", dated, "/api/v1/fences"), 200, "rejudge=1");
	expect(http_ask(&s, "POST", dated, "/api/v1/fences?rejudge=1"), 200, "\"accepted\":1");
	expect(http_ask(&s, "DELETE", NULL, "/api/v1/fences/d?rejudge=1&from=2025-12-31T16:00:00Z"), 200, NULL);
	expect_without(HTTP_GET_OF(&s, "/api/v1/fences?at=2026-02-01T00:00:00Z"), "\"d\"");
	cr_expect_eq(server_stop(&s, SIGTERM), 0);
	s = server_start(folder, NULL);
	expect_without(HTTP_GET_OF(&s, "/api/v1/fences?at=2026-02-01T00:00:00Z"), "\"d\"");
	cr_expect_eq(server_stop(&s, SIGTERM), 0);
	rig_folder_remove(folder);
}

#define ONE_RULE                                                                                                         \
	"# one\n[slow-zone]\nkind = overspeed\ntitle = 限速 | Slow zone\nsource = test\nwhere = tag:speed_zone\nhold " \
	"= 60 "                                                                                                          \
	"s\n"                                                                                                            \
	"limit = 40 km/h\n"

Test(rules, every_mistake_of_a_rules_file_is_told_and_nothing_of_it_is_taken)
{
	char *folder = rig_folder();
	struct server s = server_start(folder, NULL);
	struct answer a = http_ask(&s, "PUT", ONE_RULE "nonsense = 1\n[other]\nkind = of-no-sort\n", "/api/v1/rules");
	cr_expect_eq(a.code, 422, "%s", a.body);
	cr_expect_not_null(strstr(a.body, "\"line\":9"), "%s", a.body);
	cr_expect_not_null(strstr(a.body, "\"text_zh\":\"“nonsense”: 没有这个键\""), "%s", a.body);
	cr_expect_not_null(strstr(a.body, "\"line\":11"), "%s", a.body);
	answer_free(&a);
	expect_without(HTTP_GET_OF(&s, "/api/v1/rules"), "slow-zone");
	expect(http_ask(&s, "PUT", ONE_RULE, "/api/v1/rules"), 200, NULL);
	expect(HTTP_GET_OF(&s, "/api/v1/rules"), 200, "[slow-zone]");
	expect(http_ask(&s, "PUT", ONE_RULE, "/api/v1/rules?from=0"), 409, "rejudge=1");
	cr_expect_eq(server_stop(&s, SIGTERM), 0);
	s = server_start(folder, NULL);
	expect(HTTP_GET_OF(&s, "/api/v1/rules"), 200, "[slow-zone]");
	cr_expect_eq(server_stop(&s, SIGTERM), 0);
	rig_folder_remove(folder);
}

Test(rules, a_permit_is_put_replaced_and_told)
{
	char *folder = rig_folder();
	struct server s = server_start(folder, NULL);
	expect(http_ask(&s, "PUT", "{\"fields\":{\"state\":\"registered\"}}", "/api/v1/devices/phone:13900000301"), 201,
	       NULL);
	const char *first = "{\"device\":\"phone:13900000301\",\"kind\":\"route\",\"fences\":[\"r1\",\"r2\"],"
			    "\"hours\":\"06:00-22:00\",\"valid_from\":\"2026-01-01T00:00:00Z\"}";
	expect(http_ask(&s, "PUT", first, "/api/v1/permits/P-7"), 200, "\"fences\":[\"r1\",\"r2\"]");
	expect(HTTP_GET_OF(&s, "/api/v1/permits"), 200, "06:00-22:00");
	expect(http_ask(&s, "PUT", "{\"device\":\"phone:13900000301\",\"kind\":\"relay\"}", "/api/v1/permits/P-7"), 200,
	       "\"relay\"");
	expect_without(HTTP_GET_OF(&s, "/api/v1/permits"), "\"route\"");
	expect(http_ask(&s, "PUT", "{\"device\":\"phone:13900000301\",\"kind\":\"magic\"}", "/api/v1/permits/P-8"), 400,
	       "kind");
	expect(http_ask(&s, "PUT", "{\"device\":\"phone:1\",\"kind\":\"zone\"}", "/api/v1/permits/P-8"), 404, NULL);
	cr_expect_eq(server_stop(&s, SIGTERM), 0);
	s = server_start(folder, NULL);
	struct answer a = HTTP_GET_OF(&s, "/api/v1/permits?device=phone:13900000301");
	cr_expect_eq(text_count(a.body, "\"P-7\""), 1, "%s", a.body);
	cr_expect_not_null(strstr(a.body, "\"relay\""), "%s", a.body);
	answer_free(&a);
	cr_expect_eq(server_stop(&s, SIGTERM), 0);
	rig_folder_remove(folder);
}

Test(rules, a_file_of_fences_is_taken_but_for_its_mistakes)
{
	char *folder = rig_folder(), *data = rig_path(folder, "data");
	char *bad =
		rig_file(folder, "bad.geojson", FILE_OF(SQUARE("a1", "118") ",\n" BOWTIE ",\n" SQUARE("a 2", "119")));
	char *good = rig_file(folder, "good.geojson", FILE_OF(SQUARE("a3", "118")));
	struct run r = RIG_ZAYTON("import", "fences", bad, "--data", data);
	cr_expect_eq(r.code, 1, "%s", r.out);
	cr_expect_eq(text_count(r.err, "\n"), 2, "%s", r.err);
	cr_expect_not_null(strstr(r.err, "line 4: feature 2 \"bow\": geometry: self-intersection"), "%s", r.err);
	cr_expect_not_null(strstr(r.err, "feature 要素 3 \"a 2\""), "%s", r.err);
	cr_expect_not_null(strstr(r.out, " 1\n"), "%s", r.out);
	run_free(&r);
	r = RIG_ZAYTON("import", "fences", good, "--data", data, "--crs", "EPSG:4326");
	cr_expect_eq(r.code, 0, "%s%s", r.out, r.err);
	run_free(&r);
	r = RIG_ZAYTON("import", "fences", good, "--data", data, "--crs", "EPSG:1");
	cr_expect_eq(r.code, 1);
	cr_expect_not_null(strstr(r.err, "crs"), "%s", r.err);
	run_free(&r);
	r = RIG_ZAYTON("import", "fences", good);
	cr_expect_eq(r.code, 2);
	run_free(&r);
	struct server s = server_start(data, NULL);
	expect(HTTP_GET_OF(&s, "/api/v1/fences"), 200, "\"a3\"");
	expect(HTTP_GET_OF(&s, "/api/v1/fences"), 200, "\"a1\"");
	cr_expect_eq(server_stop(&s, SIGTERM), 0);
	free(bad);
	free(good);
	free(data);
	rig_folder_remove(folder);
}
