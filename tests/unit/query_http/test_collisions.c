/* GET /api/v1/collisions over a real engine and real sockets. */
#include <criterion/criterion.h>
#include <ftw.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "engine/core/clock.h"
#include "engine/core/log.h"
#include "query/http/http.h"
#include "unit/query_http/http_client.h"

#define VESSELS 4

static char folder[64];
static struct engine *engine;
static struct http *server;
static uint64_t vessels[VESSELS];

static int remove_entry(const char *path, const struct stat *seen, int kind, struct FTW *walk)
{
	(void)seen;
	(void)kind;
	(void)walk;
	return remove(path);
}

/* A vessel by its one fix, half a minute ago. */
static void put(struct bulk *b, unsigned i, const char *class_token, const char *village, double lat, double lon,
		uint16_t speed_dkmh, uint16_t course_deg)
{
	char phone[32];
	snprintf(phone, sizeof phone, "4130000%02u", i);
	vessels[i] = device_id(DEVICE_KIND_AIS, span_of_string(phone));
	struct registry_change said[] = {{DEVICE_FIELD_MMSI, span_of_string(phone)},
					 {DEVICE_FIELD_CLASS, span_of_string(class_token)},
					 {DEVICE_FIELD_VILLAGE, span_of_string(village)}};
	cr_assert_eq(registry_apply(engine_registry(engine), vessels[i], DEVICE_KIND_AIS, said, 3, VALID_ALWAYS_FROM,
				    "test", NULL),
		     STATUS_OK);
	struct report r = {.time_ms = clock_now_ms() - 30000,
			   .received_ms = clock_now_ms() - 29000,
			   .lat_e7 = (int32_t)(lat * 1e7),
			   .lon_e7 = (int32_t)(lon * 1e7),
			   .mileage_hm = MILEAGE_UNKNOWN,
			   .speed_dkmh = speed_dkmh,
			   .course_deg = course_deg,
			   .altitude_m = ALTITUDE_UNKNOWN,
			   .body = REPORT_BODY_ROW};
	report_row_seal(&r);
	cr_assert_eq(bulk_add(b, vessels[i], &r), STATUS_OK);
}

static void open_all(void)
{
	struct bulk *b;
	log_set_level(LOG_ERROR);
	strcpy(folder, "/tmp/zayton-collisions-XXXXXX");
	cr_assert(mkdtemp(folder));
	struct engine_options o = engine_options_default(folder);
	o.create = true;
	cr_assert_eq(engine_open(&o, &engine), STATUS_OK);
	cr_assert_eq(bulk_open(engine, &b), STATUS_OK);
	/* two miles apart, head on at 10 knots each: 6 minutes; 200 m aside */
	put(b, 0, "fishing", "东村", 24.600, 118.800, 185, 0);
	put(b, 1, "vessel", "", 24.634, 118.802, 185, 180);
	/* the same, but both fish: not what the shipped rule asks for */
	put(b, 2, "fishing", "西村", 24.700, 118.800, 185, 0);
	put(b, 3, "fishing", "西村", 24.734, 118.802, 185, 180);
	cr_assert_eq(bulk_close(b), STATUS_OK);
	struct http_options h = http_options_default(engine);
	h.pool_threads = 2;
	cr_assert_eq(http_new(&h, &server), STATUS_OK);
	cr_assert_eq(http_start(server), STATUS_OK);
}

static void close_all(void)
{
	http_free(server);
	engine_close(engine);
	nftw(folder, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

TestSuite(collisions, .init = open_all, .fini = close_all, .timeout = 60);

static json_t *get_json(const char *path)
{
	char request[256];
	snprintf(request, sizeof request, "GET %s", path);
	struct answer a = ask(http_port(server), request, "", NULL);
	json_t *v = json_loadb((char *)a.body.data, a.body.size, JSON_REJECT_DUPLICATES, NULL);
	cr_assert_eq(a.status, 200, "%d %.*s", a.status, (int)a.body.size, (char *)a.body.data);
	cr_assert_not_null(v);
	answer_deinit(&a);
	return v;
}

Test(collisions, tells_who_will_meet_whom_how_close_and_when)
{
	json_t *v = get_json("/api/v1/collisions"), *pair = json_array_get(json_object_get(v, "collisions"), 0);
	cr_assert_eq(json_integer_value(json_object_get(v, "total")), 1);
	cr_assert_str_eq(json_string_value(json_object_get(v, "rule")), "collision-risk");
	cr_assert(json_is_true(json_object_get(pair, "merchant_and_fishing")));
	cr_expect_float_eq(json_real_value(json_object_get(pair, "cpa_m")), 202, 3);
	/* 3,778 m apart half a minute ago, 10.3 m/s towards each other */
	cr_expect_float_eq(json_real_value(json_object_get(pair, "tcpa_s")), 337, 8);
	json_t *first = json_array_get(json_object_get(pair, "vessels"), 0);
	char id[17];
	snprintf(id, sizeof id, "%016llx", (unsigned long long)vessels[0]);
	cr_expect_str_eq(json_string_value(json_object_get(first, "device")), id, "the fishing boat comes first");
	cr_expect_str_eq(json_string_value(json_object_get(first, "class")), "fishing");
	/* brought to now: half a minute at 5.14 m/s is 154 m */
	cr_expect_float_eq(json_real_value(json_object_get(first, "lat")), 24.600 + 154 / 111120.0, 0.0003);
	json_decref(v);
	v = get_json("/api/v1/collisions?limit=1");
	cr_expect_eq(json_array_size(json_object_get(v, "collisions")), 1);
	json_decref(v);
}
