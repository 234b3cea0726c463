/* The routes over a real engine in a temporary folder: two trucks with a track, a refused frame, a kept message. */
#include <criterion/criterion.h>
#include <ctype.h>
#include <ftw.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "engine/core/clock.h"
#include "engine/core/log.h"
#include "engine/fleet/connections.h"
#include "query/http/http.h"
#include "unit/query_http/http_client.h"

/* 2026-01-31T08:30:00Z */
#define T0 INT64_C(1769848200000)
#define REPORTS 3000

static char folder[64];
static struct engine *engine;
static struct http *server;
static uint64_t truck, boat;

static int remove_entry(const char *path, const struct stat *seen, int kind, struct FTW *walk)
{
	(void)seen;
	(void)kind;
	(void)walk;
	return remove(path);
}

static void change(uint64_t device, enum device_field field, const char *value)
{
	struct registry_change one = {(uint8_t)field, span_of_string(value)};
	cr_assert_eq(registry_apply(engine_registry(engine), device, DEVICE_KIND_JT808, &one, 1, T0 - MS_PER_DAY,
				    "test", NULL),
		     STATUS_OK, "%s", value);
}

/* A 0x0200 body: every 10 s, moving north-east, 36.0 km/h and 90.0 once. */
static void body_of(int i, uint8_t out[34])
{
	memset(out, 0, 34);
	out[7] = 2; /* fix */
	store_be32(out + 8, 24900000u + (unsigned)i);
	store_be32(out + 12, 118600000u + (unsigned)i);
	store_be16(out + 16, 10);
	store_be16(out + 18, i == 1234 ? 900 : 360);
	store_be16(out + 20, 45);
	cr_assert_eq(bcd_time_encode(T0 + (int64_t)i * 10000, out + 22), STATUS_OK);
	out[28] = 0x01;
	out[29] = 4;
	store_be32(out + 30, 1000u + (unsigned)i);
}

static void fill_tracks(void)
{
	struct bulk *b;
	uint8_t body[34];
	struct report r;
	cr_assert_eq(bulk_open(engine, &b), STATUS_OK);
	for (int i = 0; i < REPORTS; i++) {
		body_of(i, body);
		cr_assert_eq(report_from_jt808(span_of(body, sizeof body), &r), STATUS_OK);
		r.received_ms = r.time_ms + 700;
		cr_assert_eq(bulk_add(b, truck, &r), STATUS_OK);
		if (i < 10)
			cr_assert_eq(bulk_add(b, boat, &r), STATUS_OK);
	}
	cr_assert_eq(bulk_checkpoint(b, span_of_string("t"), span_of_string("1")), STATUS_OK);
	cr_assert_eq(bulk_close(b), STATUS_OK);
}

/* Rows as engine/fleet writes them (connections.h): two sessions that ended, one that lasts. */
static void fill_sessions(struct store_batch *batch)
{
	for (unsigned i = 0; i < 3; i++) {
		struct connection c = {.device = truck,
				       .from_ms = T0 + i * 3600000,
				       .until_ms = T0 + i * 3600000 + (i < 2 ? 60000 : 0),
				       .number = i,
				       .end = i == 0   ? CONNECTION_SILENT
					      : i == 1 ? CONNECTION_LOST
						       : CONNECTION_OPEN,
				       .transport = i == 1 ? CONNECTION_UDP : CONNECTION_TCP,
				       .peer = {[10] = 0xff, [11] = 0xff, [12] = 10, [15] = (uint8_t)i},
				       .port = 4000,
				       .bytes_in = 100 * i};
		uint8_t key[20], value[CONNECTION_BYTES + 4] = {0};
		store_be64(key, truck);
		store_be64(key + 8, (uint64_t)c.from_ms ^ UINT64_C(1) << 63);
		store_be32(key + 16, i);
		connection_encode(&c, value);
		store_batch_put(batch, STORE_SESSION, span_of(key, sizeof key), span_of(value, sizeof value));
	}
}

/* Rows as engine/fleet writes them (apply.c). */
static void fill_rows(void)
{
	struct store_batch *batch;
	uint8_t key[16], value[14] = {1};
	cr_assert_eq(store_batch_new(engine_store(engine), &batch), STATUS_OK);
	for (int i = 0; i < 5; i++) {
		store_be64(key, (uint64_t)(T0 + i) ^ UINT64_C(1) << 63);
		store_be64(key + 8, (uint64_t)i);
		store_le64(value + 1, truck);
		store_le16(value + 9, 0x0200);
		value[11] = STATUS_BAD_CHECKSUM;
		value[12] = 0x7e;
		value[13] = (uint8_t)i;
		store_batch_put(batch, STORE_QUARANTINE, span_of(key, sizeof key), span_of(value, sizeof value));
	}
	store_le16(value + 1, 0x0702);
	value[3] = 1;
	store_le64(value + 4, (uint64_t)T0 + 5);
	value[12] = 0xca;
	value[13] = 0xfe;
	for (int i = 0; i < 3; i++)
		cr_assert_eq(store_batch_message(batch, truck, DEVICE_CLASS_MUCK_TRUCK, false, T0 + i, 7,
						 span_of(value, 14)),
			     STATUS_OK);
	fill_sessions(batch);
	cr_assert_eq(store_commit(engine_store(engine), batch, true), STATUS_OK);
	store_batch_free(batch);
}

static void open_all(void)
{
	log_set_level(LOG_ERROR);
	strcpy(folder, "/tmp/zayton-handlers-XXXXXX");
	cr_assert(mkdtemp(folder));
	struct engine_options o = engine_options_default(folder);
	o.create = true;
	cr_assert_eq(engine_open(&o, &engine), STATUS_OK);
	truck = device_id(DEVICE_KIND_JT808, span_of_string("13900000001"));
	boat = device_id(DEVICE_KIND_JT808, span_of_string("13900000002"));
	change(truck, DEVICE_FIELD_PHONE, "13900000001");
	change(truck, DEVICE_FIELD_PLATE, "2:闽C12345");
	change(truck, DEVICE_FIELD_CLASS, "muck");
	change(truck, DEVICE_FIELD_COMPANY, "渣土公司");
	change(truck, DEVICE_FIELD_STATE, "registered");
	change(boat, DEVICE_FIELD_PHONE, "13900000002");
	change(boat, DEVICE_FIELD_CLASS, "fishing");
	change(boat, DEVICE_FIELD_VILLAGE, "东村");
	fill_tracks();
	fill_rows();
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

TestSuite(handlers, .init = open_all, .fini = close_all, .timeout = 120);

static struct answer get(const char *path)
{
	char request[2048];
	snprintf(request, sizeof request, "GET %s", path);
	return ask(http_port(server), request, "", NULL);
}

/* The answer as JSON, which must be 200. */
static json_t *get_json(const char *path)
{
	struct answer a = get(path);
	json_t *v = json_loadb((char *)a.body.data, a.body.size, JSON_REJECT_DUPLICATES, NULL);
	cr_assert_eq(a.status, 200, "%s: %s", path, (char *)a.body.data);
	cr_assert(v, "%s: %s", path, (char *)a.body.data);
	answer_deinit(&a);
	return v;
}

static const char *text_of(const json_t *v, const char *key)
{
	const char *text = json_string_value(json_object_get(v, key));
	return text ? text : "";
}

static size_t rows_of(const json_t *v, const char *key)
{
	return json_array_size(json_object_get(v, key));
}

static void expect_problem(const char *path, int status, const char *part)
{
	struct answer a = get(path);
	cr_expect_eq(a.status, status, "%s: %d %s", path, a.status, (char *)a.body.data);
	cr_expect(answer_has(&a, part), "%s: %s", path, (char *)a.body.data);
	cr_expect_str_eq(answer_header(&a, "content-type"), "application/problem+json");
	answer_deinit(&a);
}

Test(handlers, a_device_goes_by_id_phone_and_plate)
{
	char path[128], id[17];
	snprintf(id, sizeof id, "%016llx", (unsigned long long)truck);
	snprintf(path, sizeof path, "/api/v1/devices/%s", id);
	const char *const paths[] = {path, "/api/v1/devices/phone:013900000001",
				     "/api/v1/devices/plate:2:%E9%97%BDC12345"};
	for (int i = 0; i < 3; i++) {
		json_t *v = get_json(paths[i]);
		cr_expect_str_eq(text_of(v, "id"), id);
		cr_expect_str_eq(text_of(v, "plate"), "2:闽C12345");
		json_decref(v);
	}
	expect_problem("/api/v1/devices/phone:4711", 404, "no-such-device");
	expect_problem("/api/v1/devices/4711", 400, "\"parameter\":\"id\"");
	expect_problem("/api/v1/devices/0000000000000001/track?from=0", 404, "no-such-device");
}

Test(handlers, devices_are_listed_filtered_and_paged)
{
	static const struct {
		const char *query;
		size_t rows;
	} cases[] = {{"", 2},
		     {"?class=muck", 1},
		     {"?class=coach", 0},
		     {"?q=C12", 1},
		     {"?q=1390000000", 2},
		     {"?village=%E4%B8%9C%E6%9D%91", 1},
		     {"?state=registered&class=muck", 1}};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		char path[128];
		snprintf(path, sizeof path, "/api/v1/devices%s", cases[i].query);
		json_t *v = get_json(path);
		cr_expect_eq(rows_of(v, "devices"), cases[i].rows, "%s", path);
		json_decref(v);
	}
	json_t *first = get_json("/api/v1/devices?limit=1"), *second;
	char path[128];
	snprintf(path, sizeof path, "/api/v1/devices?limit=1&cursor=%s", text_of(first, "next"));
	second = get_json(path);
	cr_expect_eq(rows_of(second, "devices"), 1u);
	cr_expect(json_is_null(json_object_get(second, "next")));
	cr_expect_not(json_equal(json_object_get(first, "devices"), json_object_get(second, "devices")));
	json_decref(first);
	json_decref(second);
	expect_problem("/api/v1/devices?class=tank", 400, "\"parameter\":\"class\"");
	expect_problem("/api/v1/devices?cursor=zz", 400, "\"parameter\":\"cursor\"");
	expect_problem("/api/v1/devices?format=gpx", 400, "\"parameter\":\"format\"");
}

Test(handlers, a_position_is_cached_by_its_tag)
{
	struct answer a = get("/api/v1/devices/phone:13900000001/position");
	char header[128];
	cr_expect_eq(a.status, 200);
	cr_expect(answer_has(&a, "\"time\":\"2026-01-31T16:49:50.000Z\""), "%s", (char *)a.body.data);
	cr_expect(answer_has(&a, "\"speed_kmh\":36.0"));
	cr_expect(answer_has(&a, "\"lat\":24.9029990"));
	snprintf(header, sizeof header, "If-None-Match: %s\r\n", answer_header(&a, "etag"));
	answer_deinit(&a);
	a = ask(http_port(server), "GET /api/v1/devices/phone:13900000001/position", header, NULL);
	cr_expect_eq(a.status, 304);
	answer_deinit(&a);
}

Test(handlers, positions_of_all_of_some_and_of_a_box)
{
	static const struct {
		const char *query;
		size_t rows;
	} cases[] = {{"", 2},
		     {"?device=phone:13900000001", 1},
		     {"?device=phone:13900000001,phone:13900000002,phone:1", 2},
		     {"?bbox=118.6,24.9,118.6001,24.9001", 1},
		     {"?bbox=118.6029990,24.9029990,118.6029990,24.9029990", 1}, /* the border belongs to the box */
		     {"?bbox=0,0,1,1", 0},
		     {"?bbox=170,20,119,30", 2}}; /* across the antimeridian */
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		char path[256];
		snprintf(path, sizeof path, "/api/v1/positions%s", cases[i].query);
		json_t *v = get_json(path);
		cr_expect_eq(rows_of(v, "positions"), cases[i].rows, "%s", path);
		json_decref(v);
	}
	json_t *v = get_json("/api/v1/positions?format=geojson&limit=1");
	cr_expect_eq(rows_of(v, "features"), 1u);
	cr_expect_str_neq(text_of(v, "next"), "");
	json_decref(v);
	expect_problem("/api/v1/positions?bbox=1,2,3", 400, "\"parameter\":\"bbox\"");
	expect_problem("/api/v1/positions?bbox=1,91,3,92", 400, "\"parameter\":\"bbox\"");
	struct answer a = ask(http_port(server), "GET /api/v1/positions",
			      "Accept: text/csv;q=0.9, application/json;q=0.1\r\n", NULL);
	cr_expect(answer_has(&a, "device,plate,name,class"), "%s", (char *)a.body.data);
	answer_deinit(&a);
	a = ask(http_port(server), "GET /api/v1/positions", "Accept: image/png\r\n", NULL);
	cr_expect_eq(a.status, 406);
	answer_deinit(&a);
}

#define TRACK "/api/v1/devices/phone:13900000001/track?from=2026-01-31T16:30:00+08:00&to=2026-02-02T00:00:00Z"

static size_t count_of(const struct answer *a, const char *part)
{
	size_t n = 0;
	for (const char *at = (char *)a->body.data; (at = strstr(at, part)); at++)
		n++;
	return n;
}

Test(handlers, a_track_comes_whole_in_every_format)
{
	static const struct {
		const char *format, *row;
		size_t extra;
	} cases[] = {{"json", "\"time\":", 0},
		     {"geojson", "\"Feature\"", 0},
		     {"ndjson", "\n", 0},
		     {"csv", "\r\n", 1},
		     {"gpx", "<trkpt ", 0}};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		char path[256];
		snprintf(path, sizeof path, TRACK "&format=%s", cases[i].format);
		struct answer a = get(path);
		cr_expect_eq(a.status, 200);
		cr_expect(a.whole);
		cr_expect_eq(count_of(&a, cases[i].row), REPORTS + cases[i].extra, "%s", cases[i].format);
		answer_deinit(&a);
	}
}

Test(handlers, a_track_is_paged_without_loss_or_repetition)
{
	char path[512], hash[17] = "";
	size_t rows = 0, pages = 0;
	snprintf(path, sizeof path, TRACK "&limit=700");
	while (*path) {
		json_t *v = get_json(path);
		size_t count = rows_of(v, "reports");
		for (size_t i = 0; i < count; i++) {
			const char *one = text_of(json_array_get(json_object_get(v, "reports"), i), "hash");
			cr_expect_str_neq(one, hash);
			snprintf(hash, sizeof hash, "%s", one);
		}
		rows += count;
		pages++;
		if (json_is_null(json_object_get(v, "next")))
			path[0] = '\0';
		else
			snprintf(path, sizeof path, TRACK "&limit=700&cursor=%s", text_of(v, "next"));
		json_decref(v);
	}
	cr_expect_eq(rows, (size_t)REPORTS);
	cr_expect_eq(pages, 5u);
}

Test(handlers, a_thinned_track_keeps_the_fastest)
{
	struct answer a = get(TRACK "&points=100&format=ndjson");
	cr_expect_leq(count_of(&a, "\n"), 100u);
	cr_expect_geq(count_of(&a, "\n"), 20u); /* a straight way needs few */
	cr_expect(answer_has(&a, "\"speed_kmh\":90.0"));
	answer_deinit(&a);
	expect_problem(TRACK "&points=100&items=1", 400, "\"parameter\":\"points\"");
	expect_problem(TRACK "&points=1", 400, "\"parameter\":\"points\"");
}

Test(handlers, the_original_body_comes_back)
{
	uint8_t body[34];
	char hex[69];
	body_of(17, body);
	hex_encode(hex, span_of(body, sizeof body));
	struct answer a =
		get("/api/v1/devices/phone:13900000001/track?from=1769848370000&to=1769848370000&items=1&body=1");
	cr_expect(answer_has(&a, hex), "%s", (char *)a.body.data);
	cr_expect(answer_has(&a, "\"items\":[{\"id\":1,\"hex\":\"000003f9\"}]"), "%s", (char *)a.body.data);
	answer_deinit(&a);
}

Test(handlers, reading_a_history_is_on_record_before_its_first_byte)
{
	struct answer a = get(TRACK "&format=csv&case=%E6%A1%88-1");
	answer_deinit(&a);
	a = get("/api/v1/devices/phone:13900000001/messages?from=0");
	answer_deinit(&a);
	a = ask(http_port(server), "HEAD /api/v1/devices/phone:13900000002/track?from=0", "", NULL);
	answer_deinit(&a);
	json_t *v = get_json("/api/v1/audit");
	json_t *entries = json_object_get(v, "entries");
	cr_assert_eq(json_array_size(entries), 3u);
	cr_expect_str_eq(text_of(json_array_get(entries, 2), "action"), "track");
	cr_expect_str_eq(text_of(json_array_get(entries, 2), "case"), "案-1");
	cr_expect_str_eq(text_of(json_array_get(entries, 2), "who"), "local");
	cr_expect_str_eq(text_of(json_array_get(entries, 2), "from"), "2026-01-31T08:30:00.000Z");
	cr_expect_str_eq(text_of(json_array_get(entries, 1), "action"), "messages");
	cr_expect_str_eq(text_of(json_array_get(entries, 0), "action"), "track");
	json_decref(v);
}

#define SESSIONS "/api/v1/devices/phone:13900000001/sessions?from=1769848200000"

Test(handlers, sessions_tell_when_from_where_and_why_they_ended)
{
	json_t *v = get_json(SESSIONS);
	json_t *list = json_object_get(v, "sessions");
	cr_assert_eq(json_array_size(list), 3u);
	json_t *first = json_array_get(list, 0), *second = json_array_get(list, 1), *third = json_array_get(list, 2);
	cr_expect_str_eq(text_of(first, "from"), "2026-01-31T08:30:00.000Z");
	cr_expect_str_eq(text_of(first, "until"), "2026-01-31T08:31:00.000Z");
	cr_expect_str_eq(text_of(first, "end"), "silent");
	cr_expect_str_eq(text_of(first, "peer"), "10.0.0.0:4000");
	cr_expect_str_eq(text_of(second, "end"), "lost");
	cr_expect_str_eq(text_of(second, "transport"), "udp");
	cr_expect_eq(json_integer_value(json_object_get(second, "bytes_in")), 100);
	cr_expect_str_eq(text_of(third, "end"), "open");
	cr_expect(json_is_null(json_object_get(third, "until")));
	json_decref(v);
	struct answer a = get(SESSIONS "&format=csv");
	cr_expect(answer_has(&a, ",2026-01-31T10:30:00.000Z,,open,tcp,10.0.0.2:4000,200,0,0\r\n"), "%s",
		  (char *)a.body.data);
	answer_deinit(&a);
	expect_problem(SESSIONS "&format=gpx", 400, "no such format");
	expect_problem("/api/v1/devices/phone:13900000001/sessions", 400, "\"parameter\":\"from\"");
	expect_problem("/api/v1/devices/phone:1/sessions?from=0", 404, "");
	v = get_json("/api/v1/audit");
	cr_expect_str_eq(text_of(json_array_get(json_object_get(v, "entries"), 0), "action"), "sessions");
	json_decref(v);
}

Test(handlers, sessions_are_paged_and_cut_by_time)
{
	char path[256];
	json_t *v = get_json(SESSIONS "&limit=2");
	cr_assert_eq(rows_of(v, "sessions"), 2u);
	snprintf(path, sizeof path, SESSIONS "&limit=2&cursor=%s", text_of(v, "next"));
	json_decref(v);
	v = get_json(path);
	cr_assert_eq(rows_of(v, "sessions"), 1u);
	cr_expect(json_is_null(json_object_get(v, "next")));
	json_decref(v);
	/* between the first and the second, up to the second's beginning */
	v = get_json("/api/v1/devices/phone:13900000001/sessions?from=1769848260001&to=1769851800000");
	cr_assert_eq(rows_of(v, "sessions"), 1u);
	json_decref(v);
	v = get_json("/api/v1/devices/phone:13900000002/sessions?from=0");
	cr_assert_eq(rows_of(v, "sessions"), 0u);
	json_decref(v);
}

Test(handlers, bad_spans_are_problems)
{
	expect_problem("/api/v1/devices/phone:13900000001/track", 400, "\"parameter\":\"from\"");
	expect_problem("/api/v1/devices/phone:13900000001/track?from=5&to=4", 400, "`from` is after `to`");
	expect_problem("/api/v1/devices/phone:13900000001/track?from=2026-01-31T08:30:00", 400, "with its zone");
	expect_problem("/api/v1/devices/phone:13900000001/track?from=0&cursor=abc", 400, "\"parameter\":\"cursor\"");
}

Test(handlers, kept_messages_are_paged)
{
	json_t *v = get_json("/api/v1/devices/phone:13900000001/messages?from=0&limit=2");
	cr_assert_eq(rows_of(v, "messages"), 2u);
	cr_expect_str_eq(text_of(json_array_get(json_object_get(v, "messages"), 0), "message"), "0x0702");
	cr_expect_str_eq(text_of(json_array_get(json_object_get(v, "messages"), 0), "body"), "cafe");
	char path[256];
	snprintf(path, sizeof path, "/api/v1/devices/phone:13900000001/messages?from=0&limit=2&cursor=%s",
		 text_of(v, "next"));
	json_decref(v);
	v = get_json(path);
	cr_expect_eq(rows_of(v, "messages"), 1u);
	cr_expect(json_is_null(json_object_get(v, "next")));
	json_decref(v);
}

Test(handlers, refused_frames_come_newest_first)
{
	json_t *v = get_json("/api/v1/quarantine?limit=2");
	cr_assert_eq(rows_of(v, "refused"), 2u);
	cr_expect_str_eq(text_of(json_array_get(json_object_get(v, "refused"), 0), "bytes"), "7e04");
	cr_expect_str_eq(text_of(json_array_get(json_object_get(v, "refused"), 1), "bytes"), "7e03");
	char path[128];
	snprintf(path, sizeof path, "/api/v1/quarantine?before=%s", text_of(v, "next"));
	json_decref(v);
	v = get_json(path);
	cr_expect_eq(rows_of(v, "refused"), 3u);
	cr_expect(json_is_null(json_object_get(v, "next")));
	json_decref(v);
}

/* --- changes --- */

static struct answer send_json(const char *request, const char *body)
{
	return ask(http_port(server), request, "Content-Type: application/json\r\n", body);
}

static void expect_sent(const char *request, const char *body, int status, const char *part)
{
	struct answer a = send_json(request, body);
	cr_expect_eq(a.status, status, "%s %s: %d %s", request, body, a.status, (char *)a.body.data);
	cr_expect(answer_has(&a, part), "%s %s: %s", request, body, (char *)a.body.data);
	answer_deinit(&a);
}

Test(handlers, a_device_is_made_changed_and_its_history_kept)
{
	expect_sent("PUT /api/v1/devices/phone:013911112222",
		    "{\"fields\":{\"plate\":\"2:闽C99999\",\"class\":\"coach\"}}", 201, "\"plate\":\"2:闽C99999\"");
	expect_sent("PATCH /api/v1/devices/phone:13911112222", "{\"fields\":{\"company\":\"客运\"}}", 200,
		    "\"plate\":\"2:闽C99999\"");
	expect_sent("PUT /api/v1/devices/phone:13911112222", "{\"fields\":{\"company\":\"客运二\"}}", 200,
		    "\"plate\":null");
	struct answer a = get("/api/v1/devices/phone:13911112222/history");
	cr_expect(answer_has(&a, "\"value\":\"2:闽C99999\""), "%s", (char *)a.body.data);
	cr_expect(answer_has(&a, "\"by\":\"local\""), "%s", (char *)a.body.data);
	answer_deinit(&a);
}

Test(handlers, wrong_changes_are_refused_and_change_nothing)
{
	expect_sent("PATCH /api/v1/devices/phone:13900000002", "{\"fields\":{\"plate\":\"2:闽C12345\"}}", 409,
		    "belongs to");
	expect_sent("PATCH /api/v1/devices/phone:13900000002", "{\"fields\":{\"class\":\"tank\"}}", 400, "bad-body");
	expect_sent("PATCH /api/v1/devices/phone:13900000002", "{\"fields\":{\"colour\":\"red\"}}", 400,
		    "no such field");
	expect_sent("PATCH /api/v1/devices/phone:13900000002", "{\"fields\":{\"auth_code\":\"x\"}}", 400,
		    "not set from here");
	expect_sent("PATCH /api/v1/devices/phone:13900000002", "{\"fields\":{},\"x\":1}", 400, "not known here");
	expect_sent("PATCH /api/v1/devices/phone:13900000002", "{\"fields\":{},\"from\":\"soon\"}", 400, "from");
	expect_sent("PATCH /api/v1/devices/phone:13900000002", "[1]", 400, "bad-body");
	expect_sent("PATCH /api/v1/devices/phone:13900000002", "{", 400, "bad-body");
	expect_sent("PATCH /api/v1/devices/phone:4711", "{\"fields\":{}}", 404, "no-such-device");
	json_t *v = get_json("/api/v1/devices/phone:13900000002");
	cr_expect_str_eq(text_of(v, "class"), "fishing");
	cr_expect(json_is_null(json_object_get(v, "plate")));
	json_decref(v);
}

Test(handlers, a_hold_is_set_and_released)
{
	expect_sent(
		"POST /api/v1/holds",
		"{\"case\":\"2026-1\",\"devices\":[\"phone:13900000001\"],\"from\":0,\"to\":\"2026-02-01T00:00:00Z\"}",
		201, "\"devices\":1");
	expect_sent("POST /api/v1/holds", "{\"case\":\"\",\"devices\":[\"phone:13900000001\"],\"from\":0,\"to\":1}",
		    400, "`case`");
	expect_sent("POST /api/v1/holds", "{\"case\":\"a\",\"devices\":[],\"from\":0,\"to\":1}", 400, "`devices`");
	expect_sent("POST /api/v1/holds", "{\"case\":\"a\",\"devices\":[\"phone:1\"],\"from\":0,\"to\":1}", 400,
		    "`devices`");
	expect_sent("POST /api/v1/holds", "{\"case\":\"a\",\"devices\":[\"phone:13900000001\"],\"from\":2,\"to\":1}",
		    400, "`from`");
	struct answer a = ask(http_port(server), "DELETE /api/v1/holds/2026-1", "", NULL);
	cr_expect_eq(a.status, 204);
	answer_deinit(&a);
	a = ask(http_port(server), "DELETE /api/v1/holds/2026-1", "", NULL);
	cr_expect_eq(a.status, 404);
	answer_deinit(&a);
}

/* The holds of all pages of `limit`, as "case device from to;" each. */
static void list_holds(const char *filter, int limit, char *out, size_t size)
{
	char path[512], cursor[300] = "";
	json_t *one;
	size_t used = 0, i;
	out[0] = '\0';
	do {
		snprintf(path, sizeof path, "/api/v1/holds?limit=%d%s%s", limit, filter, cursor);
		json_t *v = get_json(path), *holds = json_object_get(v, "holds");
		cr_expect_leq(json_array_size(holds), (size_t)limit);
		json_array_foreach(holds, i, one) used +=
			(size_t)snprintf(out + used, size - used, "%s %s %.10s %.10s;", text_of(one, "case"),
					 text_of(one, "device"), text_of(one, "from"), text_of(one, "to"));
		cursor[0] = '\0';
		if (json_is_string(json_object_get(v, "next")))
			snprintf(cursor, sizeof cursor, "&cursor=%s", text_of(v, "next"));
		json_decref(v);
	} while (*cursor);
}

Test(handlers, holds_are_listed_by_case_and_device_page_by_page)
{
	static const int64_t day = MS_PER_DAY;
	struct store *s = engine_store(engine);
	char wanted[1024], one_case[256], seen[1024];
	uint64_t first = truck < boat ? truck : boat, second = truck < boat ? boat : truck;
	cr_assert_eq(store_hold(s, second, 0, day, "案 2"), STATUS_OK);
	cr_assert_eq(store_hold(s, first, 0, day, "案 2"), STATUS_OK);
	cr_assert_eq(store_hold(s, first, day, 2 * day, "案 2"), STATUS_OK);
	cr_assert_eq(store_hold(s, second, 0, 0, "A"), STATUS_OK);
	cr_assert_eq(store_hold(s, first, 0, 0, "AB"), STATUS_OK);
	snprintf(one_case, sizeof one_case,
		 "案 2 %016llx 1970-01-01 1970-01-02;案 2 %016llx 1970-01-02 1970-01-03;"
		 "案 2 %016llx 1970-01-01 1970-01-02;",
		 (unsigned long long)first, (unsigned long long)first, (unsigned long long)second);
	snprintf(wanted, sizeof wanted, "A %016llx 1970-01-01 1970-01-01;AB %016llx 1970-01-01 1970-01-01;%s",
		 (unsigned long long)second, (unsigned long long)first, one_case);
	for (int limit = 1; limit <= 6; limit++) {
		list_holds("", limit, seen, sizeof seen);
		cr_expect_str_eq(seen, wanted, "by %d: %s", limit, seen);
		list_holds("&case=%E6%A1%88%202", limit, seen, sizeof seen);
		cr_expect_str_eq(seen, one_case, "by %d: %s", limit, seen);
	}
	list_holds("&case=none", 5, seen, sizeof seen);
	cr_expect_str_eq(seen, "");
	expect_problem("/api/v1/holds?cursor=00", 400, "\"parameter\":\"cursor\"");
	expect_problem("/api/v1/holds?cursor=x", 400, "\"parameter\":\"cursor\"");
	cr_assert_eq(store_release(s, "案 2"), STATUS_OK);
	list_holds("&case=%E6%A1%88%202", 5, seen, sizeof seen);
	cr_expect_str_eq(seen, "", "released");
	json_t *v = get_json("/api/v1/audit?limit=1"), *entry = json_array_get(json_object_get(v, "entries"), 0);
	cr_expect_str_eq(text_of(entry, "action"), "holds");
	cr_expect_str_eq(text_of(entry, "case"), "案 2");
	json_decref(v);
}

/* --- the server about itself --- */

static enum status more_metrics(void *context, struct buf *out)
{
	return buf_printf(out, "zayton_test_metric %d\n", *(int *)context);
}

Test(handlers, metrics_are_prometheus_text)
{
	int value = 42;
	cr_assert_eq(http_add_metrics(server, more_metrics, &value), STATUS_OK);
	struct answer a = get("/metrics");
	cr_expect_eq(a.status, 200);
	cr_expect_str_eq(answer_header(&a, "content-type"), "text/plain; version=0.0.4; charset=utf-8");
	cr_expect(answer_has(&a, "\n# TYPE zayton_reports_total counter\nzayton_reports_total "), "%s",
		  (char *)a.body.data);
	cr_expect(answer_has(&a, "\nzayton_http_requests_total "));
	cr_expect(answer_has(&a, "\nzayton_store_"));
	cr_expect(answer_has(&a, "\nzayton_test_metric 42\n"));
	char registry[64];
	snprintf(registry, sizeof registry, "\nzayton_registry_bytes %zu\n", registry_memory(engine_registry(engine)));
	cr_expect(answer_has(&a, registry), "%s", registry);
	char *line, *rest = (char *)a.body.data;
	while ((line = strsep(&rest, "\n")) && *line)
		cr_expect(*line == '#' || (strchr(line, ' ') && strspn(strrchr(line, ' ') + 1, "0123456789.-+e") > 0),
			  "%s", line);
	answer_deinit(&a);
}

/* Every operation of the document is answered by the server, and by no other method of its path. */
Test(handlers, the_openapi_document_and_the_server_agree)
{
	json_t *v = get_json("/openapi.json"), *operations, *operation;
	const char *path, *method;
	size_t count = 0;
	cr_expect_str_eq(text_of(v, "openapi"), "3.1.0");
	json_object_foreach(json_object_get(v, "paths"), path, operations)
	{
		char concrete[256] = "", allow[128] = "", request[300];
		for (const char *at = path; *at; at++) {
			if (*at == '{') {
				strcat(concrete, "phone:13900000001");
				at = strchr(at, '}');
			} else {
				strncat(concrete, at, 1);
			}
		}
		json_object_foreach(operations, method, operation)
		{
			count++;
			cr_expect_str_neq(text_of(operation, "operationId"), "");
			snprintf(allow + strlen(allow), sizeof allow - strlen(allow), "%s%s", *allow ? ", " : "",
				 method);
			if (!strcmp(method, "get"))
				strcat(allow, ", head");
		}
		snprintf(request, sizeof request, "OPTIONS %s", concrete);
		struct answer a = ask(http_port(server), request, "", NULL);
		cr_expect_eq(a.status, 204, "%s", request);
		cr_expect_str_eq(answer_header(&a, "allow"), allow, "%s", path);
		answer_deinit(&a);
		json_t *get_operation = json_object_get(operations, "get"), *parameter;
		size_t i;
		json_array_foreach(json_object_get(get_operation, "parameters"), i, parameter)
		{
			bool in_query = !strcmp(text_of(parameter, "in"), "query");
			snprintf(request, sizeof request, "%s?%s=%%01", concrete, text_of(parameter, "name"));
			if (in_query)
				expect_problem(request, 400, text_of(parameter, "name"));
		}
		if (get_operation) {
			snprintf(request, sizeof request, "%s?no_such_parameter=1", concrete);
			expect_problem(request, 400, "no_such_parameter");
		}
	}
	cr_expect_eq(count, http_routes(server)->count);
	json_decref(v);
}

/* --- what every operation of the document does with what it does not take --- */

struct operation {
	const json_t *document;
	char method[8], path[256];
	const char *body, *headers;
};

static struct operation operation_of(const json_t *document, const char *path, const char *method)
{
	struct operation o = {.document = document};
	size_t n = 0;
	for (const char *at = path; *at; at++) {
		if (*at == '{') {
			n += (size_t)snprintf(o.path + n, sizeof o.path - n, "phone:13900000001");
			at = strchr(at, '}');
		} else {
			o.path[n++] = *at;
		}
	}
	for (size_t i = 0; method[i]; i++)
		o.method[i] = (char)toupper((unsigned char)method[i]);
	const json_t *operation = json_object_get(json_object_get(json_object_get(document, "paths"), path), method);
	const json_t *content = json_object_get(json_object_get(operation, "requestBody"), "content");
	bool posts = strcmp(method, "get") != 0 && strcmp(method, "delete") != 0;
	o.body = content ? "{" : posts ? "" : NULL;
	o.headers = json_object_get(content, "text/plain") ? "Content-Type: text/plain\r\n"
		    : content                              ? "Content-Type: application/json\r\n"
							   : "";
	return o;
}

static bool is_known_type(const json_t *document, const char *type)
{
	static const char *const steps[] = {
		"components", "responses",  "problem", "content", "application/problem+json",
		"schema",     "properties", "type",    "enum"};
	const json_t *v = document, *one;
	size_t i;
	for (i = 0; i < sizeof steps / sizeof steps[0]; i++)
		v = json_object_get(v, steps[i]);
	json_array_foreach(v, i, one) if (!strcmp(json_string_value(one), type)) return true;
	return false;
}

/* RFC 9457, members as the document has them. `parameter` NULL: any refusal. */
static void expect_refusal(const struct operation *o, const char *query, const char *parameter)
{
	static char request[16384];
	snprintf(request, sizeof request, "%s %s%s%s", o->method, o->path, *query ? "?" : "", query);
	struct answer a = ask(http_port(server), request, o->headers, o->body);
	json_t *v = json_loadb((char *)a.body.data, a.body.size, JSON_REJECT_DUPLICATES, NULL);
	cr_expect(parameter ? a.status == 400 : a.status / 100 == 4, "%.200s: %d %.*s", request, a.status,
		  (int)a.body.size, (char *)a.body.data);
	cr_expect_str_eq(answer_header(&a, "content-type"), "application/problem+json", "%.200s", request);
	cr_expect(is_known_type(o->document, text_of(v, "type")), "%.200s: %s", request, text_of(v, "type"));
	cr_expect_eq(json_integer_value(json_object_get(v, "status")), a.status, "%.200s", request);
	cr_expect(*text_of(v, "title") && *text_of(v, "detail"), "%.200s", request);
	cr_expect_str_eq(text_of(v, "instance"), o->path);
	if (parameter)
		cr_expect_str_eq(text_of(v, "parameter"), parameter, "%.200s", request);
	json_decref(v);
	answer_deinit(&a);
}

static void expect_value_refused(const struct operation *o, const char *name, const char *value)
{
	static char query[8192];
	snprintf(query, sizeof query, "%s=%s", name, value);
	expect_refusal(o, query, name);
}

/* What its schema does not allow: other types, past either end, too long, none of the choices, twice. */
static void expect_schema_held(const struct operation *o, const json_t *parameter)
{
	static char text[6000];
	const char *name = text_of(parameter, "name");
	const json_t *schema = json_object_get(parameter, "schema"), *most = json_object_get(schema, "maxLength");
	bool integer = !strcmp(text_of(schema, "type"), "integer");
	expect_value_refused(o, name, "%01");
	expect_value_refused(o, name, "%e0"); /* no UTF-8 */
	if (integer) {
		int64_t min = json_integer_value(json_object_get(schema, "minimum"));
		int64_t max = json_integer_value(json_object_get(schema, "maximum"));
		expect_value_refused(o, name, "x");
		expect_value_refused(o, name, "");
		expect_value_refused(o, name, "99999999999999999999");
		snprintf(text, sizeof text, "%lld", (long long)(min - 1));
		expect_value_refused(o, name, text);
		snprintf(text, sizeof text, "%lld", (long long)(max + (max < INT64_MAX)));
		if (max < INT64_MAX)
			expect_value_refused(o, name, text);
	}
	if (json_object_get(schema, "enum"))
		expect_value_refused(o, name, "no-such-choice");
	if (most) {
		size_t size = (size_t)json_integer_value(most) + 1;
		cr_assert_lt(size, sizeof text);
		memset(text, 'a', size);
		text[size] = '\0';
		expect_value_refused(o, name, text);
	}
	if (json_is_true(json_object_get(parameter, "required")))
		expect_refusal(o, "", name);
}

Test(handlers, every_operation_refuses_what_the_document_does_not_allow)
{
	json_t *v = get_json("/openapi.json"), *operations, *operation, *parameter;
	const char *path, *method;
	size_t i, held = 0;
	json_object_foreach(json_object_get(v, "paths"), path, operations)
	{
		json_object_foreach(operations, method, operation)
		{
			struct operation o = operation_of(v, path, method);
			expect_refusal(&o, "no_such_parameter=1", "no_such_parameter");
			expect_refusal(&o, "no_such_parameter", "no_such_parameter");
			json_array_foreach(json_object_get(operation, "parameters"), i, parameter)
			{
				if (strcmp(text_of(parameter, "in"), "query") != 0)
					continue;
				expect_schema_held(&o, parameter);
				held++;
			}
			if (!o.body || !*o.body)
				continue;
			expect_refusal(&o, "", NULL);
			o.headers = "Content-Type: text/html\r\n";
			expect_refusal(&o, "", NULL);
		}
	}
	cr_expect_gt(held, 60);
	json_decref(v);
}

Test(handlers, a_scope_hides_what_is_outside)
{
	/* a second server, on whose policy everybody is the clerk of one village */
	struct http_options o = http_options_default(engine);
	struct http *h;
	static struct http_token token = {.principal = {"clerk", "village:东村"}};
	static const uint8_t sha256_of_abc[32] = {0xba, 0x78, 0x16, 0xbf, 0x8f, 0x01, 0xcf, 0xea, 0x41, 0x41, 0x40,
						  0xde, 0x5d, 0xae, 0x22, 0x23, 0xb0, 0x03, 0x61, 0xa3, 0x96, 0x17,
						  0x7a, 0x9c, 0xb4, 0x10, 0xff, 0x61, 0xf2, 0x00, 0x15, 0xad};
	memcpy(token.sha256, sha256_of_abc, 32);
	o.tokens = &token;
	o.token_count = 1;
	o.pool_threads = 1;
	cr_assert_eq(http_new(&o, &h), STATUS_OK);
	cr_assert_eq(http_start(h), STATUS_OK);
	static const struct {
		const char *request;
		int status;
		const char *part;
	} cases[] = {
		{"GET /api/v1/devices", 200, "东村"},
		{"GET /api/v1/positions", 200, "fishing"},
		{"GET /api/v1/devices/phone:13900000001", 404, "no-such-device"},
		{"GET /api/v1/devices/phone:13900000001/track?from=0", 404, "no-such-device"},
		{"GET /api/v1/devices/phone:13900000002/track?from=0", 200, "reports"},
		{"GET /api/v1/quarantine", 403, "forbidden"},
		{"GET /api/v1/audit", 403, "forbidden"},
		{"DELETE /api/v1/holds/x", 403, "forbidden"},
		{"GET /api/v1/holds", 403, "forbidden"},
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct answer a = ask(http_port(h), cases[i].request, "Authorization: Bearer abc\r\n", NULL);
		cr_expect_eq(a.status, cases[i].status, "%s: %d", cases[i].request, a.status);
		cr_expect(answer_has(&a, cases[i].part), "%s: %s", cases[i].request, (char *)a.body.data);
		cr_expect_not(answer_has(&a, "闽C12345"), "%s", cases[i].request);
		answer_deinit(&a);
	}
	http_free(h);
}
