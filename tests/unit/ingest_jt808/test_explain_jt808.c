#include <criterion/criterion.h>
#include <dirent.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "ingest/jt808/jt808.h"
#include "tests/unit/ingest_jt808/vectors_jt808.h"

/* cases in tests/golden/jt808: a lost one fails */
#define GOLDEN_COUNT 89

static json_t *explained(struct span wire, enum status *out_status)
{
	uint8_t scratch[JT808_FRAME_MAX];
	struct jt808_frame frame;
	struct buf out = buf_init(1 << 22);
	(void)!jt808_frame_next(wire, scratch, &frame);
	*out_status = jt808_explain(&frame, &out);
	json_t *json = json_loadb((const char *)out.data, out.size, 0, NULL);
	cr_assert_not_null(json, "%.*s", (int)out.size, (const char *)out.data);
	buf_deinit(&out);
	return json;
}

/* "body.areas.0.id" */
static json_t *at_path(json_t *json, const char *path)
{
	char copy[128], *rest = copy, *step;
	snprintf(copy, sizeof copy, "%s", path);
	while (json && (step = strsep(&rest, ".")))
		json = json_is_array(json) ? json_array_get(json, strtoul(step, NULL, 10))
					   : json_object_get(json, step);
	return json;
}

/* --- goldens --- */

static struct buf read_golden(const char *name, const char *ending)
{
	char path[512];
	char line[65536];
	struct buf out = buf_init(1 << 20);
	snprintf(path, sizeof path, TESTS_DIR "/golden/jt808/%s.%s", name, ending);
	FILE *f = fopen(path, "r");
	cr_assert_not_null(f, "%s", path);
	while (fgets(line, sizeof line, f))
		if (line[0] != '#')
			cr_assert_eq(buf_append(&out, line, strcspn(line, "\n")), STATUS_OK);
	fclose(f);
	return out;
}

static void check_golden(const char *name)
{
	uint8_t scratch[JT808_FRAME_MAX];
	struct jt808_frame frame;
	struct buf hex = read_golden(name, "hex"), expected = read_golden(name, "expect");
	struct buf wire = buf_init(1 << 20), out = buf_init(1 << 20);
	cr_assert_eq(hex_decode(&wire, buf_view(&hex)), STATUS_OK);
	cr_assert_eq(jt808_frame_next(buf_view(&wire), scratch, &frame), STATUS_OK);
	(void)!jt808_explain(&frame, &out);
	cr_assert(span_equal(buf_view(&out), buf_view(&expected)), "%s:\n%.*s\n%.*s", name, (int)out.size, out.data,
		  (int)expected.size, expected.data);
	buf_deinit(&hex);
	buf_deinit(&expected);
	buf_deinit(&wire);
	buf_deinit(&out);
}

Test(explain_jt808, every_golden_frame_is_told_as_before)
{
	DIR *folder = opendir(TESTS_DIR "/golden/jt808");
	struct dirent *entry;
	size_t count = 0;
	cr_assert_not_null(folder);
	while ((entry = readdir(folder))) {
		char name[256];
		const char *dot = strrchr(entry->d_name, '.');
		if (!dot || strcmp(dot, ".hex") != 0)
			continue;
		snprintf(name, sizeof name, "%.*s", (int)(dot - entry->d_name), entry->d_name);
		check_golden(name);
		count++;
	}
	closedir(folder);
	cr_assert_eq(count, GOLDEN_COUNT, "%zu", count);
}

/* --- the facts that the vectors tell of bodies, found again in the JSON --- */

enum compare { SAME, MICRO, TENTH, TIME };

static const struct mapped {
	uint16_t message;
	const char *fact, *path;
	enum compare compare;
} mapped[] = {
	{0x0100, "x.provinceId", "body.province", SAME},
	{0x0100, "x.cityId", "body.city", SAME},
	{0x0100, "x.makerId", "body.manufacturer", SAME},
	{0x0100, "x.deviceModel", "body.model", SAME},
	{0x0100, "x.deviceId", "body.terminal_id", SAME},
	{0x0100, "x.plateColor", "body.plate_colour", SAME},
	{0x0100, "x.plateNo", "body.plate", SAME},
	{0x0102, "x.token", "body.code", SAME},
	{0x0102, "x.imei", "body.imei", SAME},
	{0x0102, "x.softwareVersion", "body.software", SAME},
	{0x0104, "x.responseSerialNo", "body.serial", SAME},
	{0x0107, "x.deviceType", "body.type", SAME},
	{0x0107, "x.makerId", "body.manufacturer", SAME},
	{0x0107, "x.deviceModel", "body.model", SAME},
	{0x0107, "x.deviceId", "body.terminal_id", SAME},
	{0x0107, "x.iccid", "body.iccid", SAME},
	{0x0107, "x.hardwareVersion", "body.hardware", SAME},
	{0x0107, "x.firmwareVersion", "body.firmware", SAME},
	{0x0107, "x.gnssAttribute", "body.gnss", SAME},
	{0x0107, "x.networkAttribute", "body.comm", SAME},
	{0x0108, "x.type", "body.type", SAME},
	{0x0108, "x.result", "body.result", SAME},
	{0x0200, "alarm", "body.alarm", SAME},
	{0x0200, "status", "body.status", SAME},
	{0x0200, "lat_raw", "body.lat", MICRO},
	{0x0200, "lon_raw", "body.lon", MICRO},
	{0x0200, "altitude", "body.altitude_m", SAME},
	{0x0200, "speed_raw", "body.speed_kmh", TENTH},
	{0x0200, "course", "body.course_deg", SAME},
	{0x0200, "time", "body.time", TIME},
	{0x0200, "x.attributes.1", "body.items.0.mileage_km", TENTH},
	{0x0200, "x.attributes.2", "body.items.1.fuel_l", TENTH},
	{0x0200, "x.attributes.3", "body.items.2.vss_speed_kmh", TENTH},
	{0x0200, "x.attributes.4", "body.items.3.alarm_event", SAME},
	{0x0200, "x.attributes.6", "body.items.5.cabin_temperature_c", SAME},
	{0x0200, "x.attributes.17.areaType", "body.items.6.overspeed_area_type", SAME},
	{0x0200, "x.attributes.17.areaId", "body.items.6.area_id", SAME},
	{0x0200, "x.attributes.18.areaType", "body.items.7.in_out_area_type", SAME},
	{0x0200, "x.attributes.18.areaId", "body.items.7.area_id", SAME},
	{0x0200, "x.attributes.18.direction", "body.items.7.direction", SAME},
	{0x0200, "x.attributes.19.areaId", "body.items.8.section_id", SAME},
	{0x0200, "x.attributes.19.driveTime", "body.items.8.driving_s", SAME},
	{0x0200, "x.attributes.19.result", "body.items.8.section_result", SAME},
	{0x0200, "x.attributes.37", "body.items.9.vehicle_signals", SAME},
	{0x0200, "x.attributes.42", "body.items.10.io_status", SAME},
	{0x0200, "x.attributes.48", "body.items.12.signal_strength", SAME},
	{0x0200, "x.attributes.49", "body.items.13.satellites", SAME},
	{0x0301, "x.eventId", "body.event", SAME},
	{0x0302, "x.responseSerialNo", "body.serial", SAME},
	{0x0302, "x.answerId", "body.answer", SAME},
	{0x0303, "x.type", "body.type", SAME},
	{0x0303, "x.action", "body.action", SAME},
	{0x0702, "x.status", "body.status", SAME},
	{0x0702, "x.name", "body.name", SAME},
	{0x0702, "x.licenseNo", "body.licence", SAME},
	{0x0702, "x.institution", "body.authority", SAME},
	{0x0702, "x.licenseValidPeriod", "body.expiry", SAME},
	{0x0704, "x.total", "body.count", SAME},
	{0x0704, "x.type", "body.type", SAME},
	{0x0704, "loc1.lat_raw", "body.locations.1.lat", MICRO},
	{0x0704, "loc3.time", "body.locations.3.time", TIME},
	{0x0705, "x.total", "body.count", SAME},
	{0x0800, "x.id", "body.media_id", SAME},
	{0x0800, "x.event", "body.event", SAME},
	{0x0800, "x.channelId", "body.channel", SAME},
	{0x0801, "x.id", "body.media_id", SAME},
	{0x0801, "x.format", "body.format", SAME},
	{0x0801, "x.location.latitude", "body.location.lat", MICRO},
	{0x0801, "x.location.deviceTime", "body.location.time", TIME},
	{0x0802, "x.responseSerialNo", "body.serial", SAME},
	{0x0802, "x.items[0].id", "body.media.0.media_id", SAME},
	{0x0802, "x.items[0].location.longitude", "body.media.0.location.lon", MICRO},
	{0x0805, "x.responseSerialNo", "body.serial", SAME},
	{0x1003, "x.audioFormat", "body.audio_codec", SAME},
	{0x1003, "x.audioFrameLength", "body.audio_frame_length", SAME},
	{0x1003, "x.videoFormat", "body.video_codec", SAME},
	{0x1003, "x.maxVideoChannels", "body.video_channels_max", SAME},
	{0x1005, "x.getOnCount", "body.on", SAME},
	{0x1005, "x.getOffCount", "body.off", SAME},
	{0x1205, "x.responseSerialNo", "body.serial", SAME},
	{0x1205, "x.items[1].channelNo", "body.resources.1.channel", SAME},
	{0x1205, "x.items[1].endTime", "body.resources.1.end", TIME},
	{0x1205, "x.items[1].size", "body.resources.1.size_bytes", SAME},
	{0x1206, "x.responseSerialNo", "body.serial", SAME},
	{0x1210, "x.deviceId", "body.terminal_id", SAME},
	{0x1210, "x.platformAlarmId", "body.alarm_number", SAME},
	{0x1211, "x.name", "body.file", SAME},
	{0x1211, "x.size", "body.size_bytes", SAME},
	{0x8001, "x.responseSerialNo", "body.serial", SAME},
	{0x8001, "x.resultCode", "body.result", SAME},
	{0x8003, "x.responseSerialNo", "body.first_serial", SAME},
	{0x8100, "x.responseSerialNo", "body.serial", SAME},
	{0x8100, "x.token", "body.code", SAME},
	{0x8105, "x.command", "body.command", SAME},
	{0x8105, "x.parameter", "body.parameters", SAME},
	{0x8108, "x.version", "body.version", SAME},
	{0x8202, "x.interval", "body.interval_s", SAME},
	{0x8202, "x.validityPeriod", "body.validity_s", SAME},
	{0x8300, "x.sign", "body.flag", SAME},
	{0x8300, "x.content", "body.text", SAME},
	{0x8301, "x.events[1].content", "body.events.1.text", SAME},
	{0x8302, "x.options[1].content", "body.answers.1.text", SAME},
	{0x8303, "x.infos[8].name", "body.menu.8.name", SAME},
	{0x8304, "x.content", "body.text", SAME},
	{0x8400, "x.phoneNumber", "body.number", SAME},
	{0x8401, "x.contacts[2].name", "body.contacts.2.name", SAME},
	{0x8600, "x.action", "body.setting", SAME},
	{0x8600, "x.items[0].radius", "body.areas.0.radius_m", SAME},
	{0x8600, "x.items[0].maxSpeed", "body.areas.0.max_speed_kmh", SAME},
	{0x8600, "x.items[0].name", "body.areas.0.name", SAME},
	{0x8602, "x.items[0].latitudeUL", "body.areas.0.top_lat", MICRO},
	{0x8602, "x.items[0].longitudeLR", "body.areas.0.right_lon", MICRO},
	{0x8602, "x.items[0].duration", "body.areas.0.overspeed_s", SAME},
	{0x8604, "x.points[4].longitude", "body.vertices.4.lon", MICRO},
	{0x8604, "x.nightMaxSpeed", "body.night_max_speed_kmh", SAME},
	{0x8604, "x.name", "body.name", SAME},
	{0x8606, "x.items[3].upperLimit", "body.corners.3.too_long_s", SAME},
	{0x8606, "x.items[3].lowerLimit", "body.corners.3.too_short_s", SAME},
	{0x8606, "x.items[3].nightMaxSpeed", "body.corners.3.night_max_speed_kmh", SAME},
	{0x8606, "x.endTime", "body.end", TIME},
	{0x8608, "x.type", "body.type", SAME},
	{0x8800, "x.mediaId", "body.media_id", SAME},
	{0x8801, "x.chroma", "body.chroma", SAME},
	{0x8802, "x.startTime", "body.start", TIME},
	{0x8803, "x.delete", "body.delete", SAME},
	{0x8804, "x.time", "body.duration_s", SAME},
	{0x8805, "x.id", "body.media_id", SAME},
	{0x9101, "x.ip", "body.host", SAME},
	{0x9101, "x.udpPort", "body.udp_port", SAME},
	{0x9102, "x.closeType", "body.close", SAME},
	{0x9201, "x.playbackSpeed", "body.speed", SAME},
	{0x9206, "x.path", "body.path", SAME},
	{0x9206, "x.condition", "body.condition", SAME},
	{0x9208, "x.deviceId", "body.alarm_identifier.terminal_id", SAME},
	{0x9208, "x.platformAlarmId", "body.alarm_number", SAME},
	{0x9212, "x.name", "body.file", SAME},
};
#define MAPPED_COUNT (sizeof mapped / sizeof mapped[0])

static void check_fact(const struct vector *v, const struct mapped *m, json_t *value, const char *expected)
{
	char text[512];
	cr_assert_not_null(value, "line %d: %s", v->line, m->path);
	if (m->compare == MICRO || m->compare == TENTH) {
		double scale = m->compare == MICRO ? 1e6 : 10;
		cr_assert_eq(llround(json_number_value(value) * scale), atoll(expected), "line %d: %s", v->line,
			     m->path);
		return;
	}
	if (json_is_integer(value))
		snprintf(text, sizeof text, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
	else
		snprintf(text, sizeof text, "%s", json_string_value(value));
	if (m->compare == TIME)
		text[strlen("2020-07-07T19:23:59")] = '\0';
	cr_assert_str_eq(text, expected, "line %d: %s", v->line, m->path);
}

Test(explain_jt808, the_facts_of_the_vectors_are_found_in_what_is_told)
{
	static struct vector rows[VECTOR_COUNT];
	static bool used[MAPPED_COUNT];
	size_t facts = 0;
	cr_assert_eq(vectors_read(rows), VECTOR_COUNT);
	for (size_t i = 0; i < VECTOR_COUNT; i++) {
		enum status status;
		char expected[512], id[8];
		json_t *json = explained(buf_view(&rows[i].wire), &status);
		cr_assert_neq(status, STATUS_BAD_LENGTH, "line %d", rows[i].line);
		for (size_t k = 0; k < MAPPED_COUNT; k++) {
			snprintf(id, sizeof id, "%04x", mapped[k].message);
			if (strcmp(id, json_string_value(json_object_get(json, "message"))) != 0)
				continue;
			if (!vector_fact(&rows[i], mapped[k].fact, expected, sizeof expected))
				continue;
			check_fact(&rows[i], &mapped[k], at_path(json, mapped[k].path), expected);
			used[k] = true;
			facts++;
		}
		json_decref(json);
	}
	for (size_t k = 0; k < MAPPED_COUNT; k++)
		cr_assert(used[k], "%04x %s is no fact of any row", mapped[k].message, mapped[k].fact);
	cr_assert_eq(facts, 282, "%zu", facts);
	vectors_free(rows, VECTOR_COUNT);
}

/* --- refusals and the shapes that the vectors lack --- */

static json_t *explained_hex(const char *content_hex, enum status *out_status)
{
	struct buf content = bytes_of_hex(content_hex), wire = buf_init(1 << 16);
	cr_assert_eq(jt808_frame_encode(buf_view(&content), &wire), STATUS_OK);
	json_t *json = explained(buf_view(&wire), out_status);
	buf_deinit(&content);
	buf_deinit(&wire);
	return json;
}

static void check_text(json_t *json, const char *path, const char *expected)
{
	json_t *value = at_path(json, path);
	cr_assert_not_null(value, "%s", path);
	cr_assert_str_eq(json_string_value(value), expected, "%s", path);
}

#define PHONE "012345678901"
#define PHONE_2019 "00000000012345678901"

Test(explain_jt808, a_bad_checksum_is_told_with_both_sums_and_what_would_be_in_it)
{
	enum status status;
	struct buf wire = bytes_of_hex("7e000200000123456789010000857e");
	json_t *json = explained(buf_view(&wire), &status);
	cr_assert_eq(status, STATUS_BAD_CHECKSUM);
	check_text(json, "refused", "BAD_CHECKSUM");
	check_text(json, "message", "0002");
	check_text(json, "checksum", "85, computed 8a");
	check_text(json, "raw", "7e000200000123456789010000857e");
	json_decref(json);
	buf_deinit(&wire);
}

Test(explain_jt808, a_length_that_lies_is_told_with_the_header_and_the_body_as_hex)
{
	enum status status;
	json_t *json = explained_hex("00020005" PHONE "00070102", &status);
	cr_assert_eq(status, STATUS_BAD_LENGTH);
	check_text(json, "refused", "BAD_LENGTH");
	check_text(json, "phone", "12345678901");
	check_text(json, "body", "0102");
	json_decref(json);
}

Test(explain_jt808, fragments_encrypted_and_unknown_bodies_are_hex)
{
	enum status status;
	json_t *json = explained_hex("02002002" PHONE "0007000300020a0b", &status);
	cr_assert_eq(status, STATUS_OK);
	check_text(json, "body", "0a0b");
	cr_assert_eq(json_integer_value(at_path(json, "fragment.index")), 2);
	json_decref(json);
	json = explained_hex("02000402" PHONE "00070a0b", &status);
	check_text(json, "encryption", "rsa");
	check_text(json, "body", "0a0b");
	json_decref(json);
	json = explained_hex("0f010002" PHONE "00070a0b", &status);
	cr_assert_eq(status, STATUS_OK);
	cr_assert_null(json_object_get(json, "name"));
	check_text(json, "body", "0a0b");
	json_decref(json);
}

#define LOCATION                                                                                                       \
	"00000000"                                                                                                     \
	"00000003"                                                                                                     \
	"017c1334"                                                                                                     \
	"07117a41"                                                                                                     \
	"0010"                                                                                                         \
	"0258"                                                                                                         \
	"005a"
#define SOME_TIME "260131083000"

Test(explain_jt808, an_item_of_another_length_than_the_standard_is_hex)
{
	enum status status;
	json_t *json = explained_hex("0200002a" PHONE "0007" LOCATION SOME_TIME "17020102"
				     "17030102ff"
				     "310109"
				     "ff",
				     &status);
	cr_assert_eq(status, STATUS_BAD_LENGTH, "the length field is not what is there");
	json_decref(json);
	json = explained_hex("02000029" PHONE "0007" LOCATION SOME_TIME "17020102"
			     "17030102ff"
			     "310109"
			     "ff",
			     &status);
	cr_assert_eq(status, STATUS_OK);
	check_text(json, "body.items.0.name", "storage_fault");
	check_text(json, "body.items.1.hex", "0102ff");
	cr_assert_null(at_path(json, "body.items.1.name"));
	cr_assert_eq(json_integer_value(at_path(json, "body.items.2.satellites")), 9);
	check_text(json, "body.items.3.cut", "ff");
	json_decref(json);
}

Test(explain_jt808, a_location_without_a_time_is_told_and_refused)
{
	enum status status;
	json_t *json = explained_hex("0200001c" PHONE "0007" LOCATION "000000000000", &status);
	cr_assert_eq(status, STATUS_BAD_TIME);
	check_text(json, "refused", "BAD_TIME");
	check_text(json, "body.refused", "BAD_TIME");
	check_text(json, "body.time", "000000000000");
	json_decref(json);
}

Test(explain_jt808, load_bits_are_told_by_name)
{
	static const char *const loads[] = {"empty", "half", "reserved", "full"};
	for (unsigned i = 0; i < 4; i++) {
		enum status status;
		char hex[256];
		snprintf(hex, sizeof hex, "0200001c" PHONE "000700000000%08x017c133407117a4100100258005a" SOME_TIME,
			 2 | i << 8);
		json_t *json = explained_hex(hex, &status);
		cr_assert_eq(status, STATUS_OK);
		check_text(json, "body.load", loads[i]);
		cr_assert_eq(json_array_size(at_path(json, "body.status_bits")), 1);
		json_decref(json);
	}
}

/* 0x66 with identifiers of 16, 39 and 40 bytes and 0..3 tyres: the size follows from what is left */
Test(explain_jt808, an_alarm_identifier_of_any_size_is_found_before_its_tyres)
{
	static const size_t sizes[] = {16, 39, 40};
	for (size_t i = 0; i < 3; i++)
		for (uint8_t tyres = 0; tyres < 4; tyres++) {
			uint8_t content[12 + 28 + 2 + 255] = {0x02, 0, 0, 0, 1, 2, 3, 4, 5, 6};
			size_t size = 5 + 19 + sizes[i] + 1 + 9u * tyres;
			memcpy(content + 12 + 22, "\x26\x01\x31\x08\x30\x00", 6);
			content[40] = 0x66;
			content[41] = (uint8_t)size;
			content[42 + 24 + sizes[i]] = tyres;
			memset(content + 42 + 24, '7', 7);
			store_be16(content + 2, (uint16_t)(30 + size));
			struct buf wire = buf_init(4096);
			enum status status;
			cr_assert_eq(jt808_frame_encode(span_of(content, 42 + size), &wire), STATUS_OK);
			json_t *json = explained(buf_view(&wire), &status);
			check_text(json, "body.items.0.name", "tpms");
			check_text(json, "body.items.0.alarm_identifier.terminal_id", "7777777");
			cr_assert_eq(json_array_size(at_path(json, "body.items.0.tyres")), tyres);
			json_decref(json);
			buf_deinit(&wire);
		}
}

Test(explain_jt808, a_batch_with_a_cut_end_tells_what_it_holds)
{
	enum status status;
	json_t *json = explained_hex("07040022" PHONE "0007"
				     "000200"
				     "001c" LOCATION SOME_TIME "05",
				     &status);
	cr_assert_eq(status, STATUS_BAD_LENGTH);
	cr_assert_eq(json_array_size(at_path(json, "body.locations")), 2);
	check_text(json, "body.locations.1.hex", "05");
	json_decref(json);
}

Test(explain_jt808, a_tracking_request_that_stops_has_no_duration)
{
	enum status status;
	json_t *json = explained_hex("82020002" PHONE "00070000", &status);
	cr_assert_eq(status, STATUS_OK);
	cr_assert_eq(json_integer_value(at_path(json, "body.interval_s")), 0);
	cr_assert_null(at_path(json, "body.validity_s"));
	json_decref(json);
}

Test(explain_jt808, a_fence_has_only_the_fields_its_bits_announce)
{
	enum status status;
	json_t *json = explained_hex("8600400001" PHONE_2019 "0007", &status);
	cr_assert_eq(status, STATUS_BAD_LENGTH, "an empty body has no setting");
	json_decref(json);
	json = explained_hex("8600401a01" PHONE_2019 "0007"
			     "0101"
			     "00000007"
			     "0000"
			     "017c1334"
			     "07117a41"
			     "000001f4"
			     "0004"
			     "c8aad6dd",
			     &status);
	cr_assert_eq(status, STATUS_OK);
	check_text(json, "body.areas.0.name", "泉州");
	cr_assert_null(at_path(json, "body.areas.0.start"));
	cr_assert_null(at_path(json, "body.areas.0.max_speed_kmh"));
	json_decref(json);
}

Test(explain_jt808, a_single_control_without_a_count_is_told)
{
	enum status status;
	json_t *json = explained_hex("8500400501" PHONE_2019 "0007"
				     "0001"
				     "0001"
				     "01",
				     &status);
	cr_assert_eq(status, STATUS_OK);
	cr_assert_eq(json_integer_value(at_path(json, "body.controls.0.value")), 1);
	json_decref(json);
}

Test(explain_jt808, bytes_behind_a_body_are_kept)
{
	enum status status;
	json_t *json = explained_hex("80010007" PHONE "0007"
				     "0001020000"
				     "aabb",
				     &status);
	cr_assert_eq(status, STATUS_OK);
	check_text(json, "body.rest", "aabb");
	json_decref(json);
}

Test(explain_jt808, a_full_buffer_stays_as_it_was)
{
	struct buf wire = bytes_of_hex("7e0002000001234567890100008a7e"), out = buf_init(40);
	uint8_t scratch[JT808_FRAME_MAX];
	struct jt808_frame frame;
	cr_assert_eq(buf_append(&out, "x", 1), STATUS_OK);
	cr_assert_eq(jt808_frame_next(buf_view(&wire), scratch, &frame), STATUS_OK);
	cr_assert_eq(jt808_explain(&frame, &out), STATUS_FULL);
	cr_assert_eq(out.size, 1);
	buf_deinit(&wire);
	buf_deinit(&out);
}
