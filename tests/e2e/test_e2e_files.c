/* Files into a store and out of it, by the program's own commands: tracks as GPX and as recorded frames, an import that
 * is cut off and gone on with, tables of devices. */
#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/core/clock.h"
#include "tests/e2e/rig.h"

TestSuite(files, .timeout = 300);

/* 2026-03-01T00:00:00Z */
#define T0 INT64_C(1772323200000)
#define SPAN "--from", "2026-01-01", "--to", "2027-01-01"

static size_t lines_of(const char *text)
{
	size_t n = 0;
	for (const char *at = text; (at = strchr(at, '\n')); at++)
		n++;
	return n;
}

/* What `export tracks` of all devices of a store prints, "" when it fails. */
static char *exported(const char *data, const char *format)
{
	struct run r = RIG_ZAYTON("export", "tracks", "--data", data, "--device", "all", "--format", format, SPAN);
	cr_expect_eq(r.code, 0, "%s", r.err);
	free(r.err);
	return r.out;
}

/* --- GPX --- */

static const char gpx[] =
	"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<gpx version=\"1.1\" creator=\"t\" "
	"xmlns=\"http://www.topografix.com/GPX/1/1\">\n<trk><name>闽狮渔 08001</name><trkseg>\n"
	"<trkpt lat=\"24.7000001\" lon=\"118.9\"><ele>3</ele><time>2026-03-01T00:00:00Z</time></trkpt>\n"
	"<trkpt lat=\"24.71\" lon=\"181\"><time>2026-03-01T00:00:10Z</time></trkpt>\n"
	"<trkpt lat=\"24.72\" lon=\"118.92\"></trkpt>\n"
	"<trkpt lat=\"24.73\" lon=\"118.93\"><time>2026-03-01T08:00:30+08:00</time></trkpt>\n"
	"</trkseg></trk></gpx>\n";

Test(files, gpx_is_taken_but_for_its_mistakes_and_comes_out_again)
{
	char *folder = rig_folder(), *first = rig_path(folder, "a"), *second = rig_path(folder, "b");
	char *in = rig_file(folder, "boat.gpx", gpx);
	for (int round = 0; round < 2; round++) {
		struct run r = RIG_ZAYTON("import", "tracks", in, "--data", first, "--class", "fishing");
		cr_expect_eq(r.code, 1, "two points are refused: %s", r.err);
		cr_expect_not_null(strstr(r.err, "line 5: lon"), "%s", r.err);
		cr_expect_not_null(strstr(r.err, "line 6: time"), "%s", r.err);
		run_free(&r);
	}
	char *rows = exported(first, "csv");
	cr_expect_eq(text_count(rows, "\n"), 3, "a header and two points: %s", rows);
	cr_expect_not_null(strstr(rows, "24.7000001,118.9"), "%s", rows);
	cr_expect_not_null(strstr(rows, "2026-03-01T00:00:30"), "%s", rows);
	struct run out = RIG_ZAYTON("export", "tracks", "--data", first, "--device", "name:闽狮渔 08001", "--format",
				    "gpx", SPAN);
	cr_expect_eq(out.code, 0, "%s", out.err);
	char *again = rig_file(folder, "again.gpx", out.out);
	struct run r = RIG_ZAYTON("import", "tracks", again, "--data", second, "--class", "fishing");
	cr_expect_eq(r.code, 0, "%s", r.err);
	char *twice = exported(second, "csv");
	cr_expect_str_eq(twice, rows);
	run_free(&out);
	run_free(&r);
	free(twice);
	free(rows);
	free(again);
	free(in);
	free(first);
	free(second);
	rig_folder_remove(folder);
}

/* --- recorded frames --- */

#define PHONE_2013 "013900000301"
#define PHONE_2019 "00000000013900000302"

static struct jt808_header header_of(const char *phone)
{
	struct jt808_header like = {.phone_size = (uint8_t)(strlen(phone) / 2)};
	like.is_2019 = like.phone_size == 10;
	like.version = like.is_2019;
	cr_assert_eq(jt808_phone_pack(span_of_string(phone), like.phone, like.phone_size), STATUS_OK);
	return like;
}

static void put_report(struct buf *capture, const struct jt808_header *like, int n, uint16_t *serial)
{
	struct buf body = buf_init(1024);
	body_make(T0 + n * 1000, (unsigned)n, &body);
	cr_assert_eq(jt808_message_encode(0x0200, like, buf_view(&body), JT808_BODY_MAX, serial, capture), STATUS_OK);
	buf_deinit(&body);
}

/* The bodies of all 0x0200 in lines of hex, as hex, a line each. */
static struct buf bodies_of(const char *lines)
{
	struct buf bytes = buf_init(64u << 20), out = buf_init(64u << 20);
	uint8_t content[JT808_FRAME_MAX];
	for (const char *line = lines; *line; line += strcspn(line, "\n") + 1) {
		struct jt808_frame frame;
		struct jt808_header h;
		char hex[2 * JT808_FRAME_MAX + 1];
		buf_clear(&bytes);
		cr_assert_eq(hex_decode(&bytes, span_of(line, strcspn(line, "\n"))), STATUS_OK);
		cr_assert_eq(jt808_frame_next(buf_view(&bytes), content, &frame), STATUS_OK);
		cr_assert_geq(frame.consumed + 1, bytes.size,
			      "one frame a line"); /* the closing flag may open another */
		cr_assert_eq(jt808_header_decode(frame.content, &h), STATUS_OK);
		hex_encode(hex, h.body);
		cr_assert_eq(buf_printf(&out, "%04x %s\n", h.message_id, hex), STATUS_OK);
	}
	cr_assert_eq(buf_append_u8(&out, 0), STATUS_OK);
	buf_deinit(&bytes);
	return out;
}

#define FRAMES 2000

Test(files, a_raw_capture_comes_out_as_the_bodies_that_went_in)
{
	static const char *const phones[] = {PHONE_2013, PHONE_2019};
	char *folder = rig_folder(), *first = rig_path(folder, "a"), *second = rig_path(folder, "b");
	struct buf capture = buf_init(4u << 20), body = buf_init(1024);
	struct jt808_header like[2] = {header_of(PHONE_2013), header_of(PHONE_2019)};
	uint16_t serial[2] = {0, 0};
	for (int n = 0; n < FRAMES; n++) {
		put_report(&capture, &like[n % 2], n, &serial[n % 2]);
		if (n % 10 == 0) /* a heartbeat between, and some noise */
			cr_assert_eq(jt808_message_encode(0x0002, &like[0], span_of("", 0), JT808_BODY_MAX, &serial[0],
							  &capture),
				     STATUS_OK);
	}
	char *in = rig_file_of(folder, "capture.bin", buf_view(&capture));
	struct run r = RIG_ZAYTON("import", "tracks", in, "--data", first, "--format", "jt808");
	cr_expect_eq(r.code, 0, "%s", r.err);
	run_free(&r);
	for (int k = 0; k < 2; k++) {
		char device[64], wanted[512];
		snprintf(device, sizeof device, "phone:%s", phones[k] + strspn(phones[k], "0"));
		r = RIG_ZAYTON("export", "tracks", "--data", first, "--device", device, "--format", "jt808", SPAN);
		cr_assert_eq(r.code, 0, "%s", r.err);
		struct buf seen = bodies_of(r.out);
		const char *at = (const char *)seen.data;
		for (int n = k; n < FRAMES; n += 2) {
			buf_clear(&body);
			body_make(T0 + n * 1000, (unsigned)n, &body);
			size_t size = (size_t)snprintf(wanted, sizeof wanted, "0200 ");
			hex_encode(wanted + size, buf_view(&body));
			strcat(wanted, "\n");
			cr_assert_eq(strncmp(at, wanted, strlen(wanted)), 0, "%.200s\n%s", at, wanted);
			at += strlen(wanted);
		}
		cr_expect_str_empty(at);
		buf_deinit(&seen);
		run_free(&r);
	}
	char *frames = exported(first, "jt808");
	char *again = rig_file(folder, "again.hex", frames);
	r = RIG_ZAYTON("import", "tracks", again, "--data", second, "--format", "jt808");
	cr_expect_eq(r.code, 0, "%s", r.err);
	run_free(&r);
	char *twice = exported(second, "jt808");
	cr_expect_str_eq(twice, frames);
	free(twice);
	free(frames);
	free(again);
	free(in);
	buf_deinit(&capture);
	buf_deinit(&body);
	free(first);
	free(second);
	rig_folder_remove(folder);
}

/* --- cut off --- */

#define ROWS 300000
#define TRUCKS 7

static struct buf csv_rows(void)
{
	struct buf b = buf_init(64u << 20);
	cr_assert_eq(buf_printf(&b, "device,time,lat,lon,speed,course\n"), STATUS_OK);
	for (int i = 0; i < ROWS; i++)
		cr_assert_eq(buf_printf(&b, "truck %d,%lld,24.%06d,118.%06d,%d.%d,%d\n", i % TRUCKS,
					(long long)(T0 / 1000 + i), i % 500000, i * 3 % 500000, i % 80, i % 10,
					i % 360),
			     STATUS_OK);
	return b;
}

static struct buf raw_frames(void)
{
	struct buf b = buf_init(64u << 20);
	struct jt808_header like = header_of(PHONE_2013);
	uint16_t serial = 0;
	for (int i = 0; i < ROWS; i++)
		put_report(&b, &like, i, &serial);
	return b;
}

/* An import that is asked to end, gone on with, killed, and gone on with again, beside one in one go. */
static void expect_every_row_once(const char *name, struct buf content)
{
	char *folder = rig_folder(), *whole = rig_path(folder, "whole"), *cut = rig_path(folder, "cut");
	char *in = rig_file_of(folder, name, buf_view(&content));
	const char *const words[] = {E2E_ZAYTON, "import", "tracks", in, "--data", cut, "--resume", NULL};
	unsigned long long part = content.size / 4;
	struct run r = RIG_ZAYTON("import", "tracks", in, "--data", whole);
	cr_assert_eq(r.code, 0, "%s", r.err);
	run_free(&r);
	cr_expect_eq(rig_end(rig_run_until_read(words, part), SIGTERM), 1, "interrupted");
	cr_expect_eq(rig_end(rig_run_until_read(words, part), SIGKILL), 128 + SIGKILL);
	r = rig_run(words, NULL);
	cr_expect_eq(r.code, 0, "%s", r.err);
	const char *before = strstr(r.out, "before 此前已读");
	cr_assert_not_null(before, "nothing was gone on with: %s", r.out);
	unsigned long long rows_before = strtoull(before + strlen("before 此前已读"), NULL, 10);
	cr_expect(rows_before > 0 && rows_before < ROWS, "%s", r.out);
	run_free(&r);
	char *wanted = exported(whole, "csv"), *seen = exported(cut, "csv");
	cr_expect_eq(lines_of(wanted), ROWS + 1);
	cr_expect_eq(lines_of(seen), ROWS + 1);
	cr_expect(strcmp(seen, wanted) == 0, "the tracks differ");
	free(wanted);
	free(seen);
	free(in);
	buf_deinit(&content);
	free(whole);
	free(cut);
	rig_folder_remove(folder);
}

Test(files, an_import_of_rows_that_is_killed_and_gone_on_with_has_every_row_once)
{
	expect_every_row_once("rows.csv", csv_rows());
}

Test(files, an_import_of_frames_that_is_killed_and_gone_on_with_has_every_frame_once)
{
	expect_every_row_once("frames.jt808", raw_frames());
}

/* --- tables of devices --- */

Test(files, a_table_of_devices_lets_its_terminals_in)
{
	char *folder = rig_folder(), *data = rig_path(folder, "d");
	char *in = rig_file(folder, "devices.csv",
			    "终端手机号,车牌颜色,车牌号,车辆类别,所属企业,state\n"
			    "13900000311,黄,闽C00311,渣土车,泉运,registered\n"
			    "13900000312,黄,闽C00312,渣土车,泉运,registered\n");
	struct run r = RIG_ZAYTON("import", "devices", in, "--data", data, "--from", "always");
	cr_expect_eq(r.code, 0, "%s%s", r.out, r.err);
	cr_expect_str_empty(r.err);
	run_free(&r);
	struct server s = server_start(data, NULL);
	struct answer a = HTTP_GET_OF(&s, "/api/v1/devices?class=muck");
	cr_expect_eq(text_count(a.body, "\"泉运\""), 2, "%s", a.body);
	answer_free(&a);
	struct client known = client_dial(&s, JT808_2013, "13900000312");
	client_log_in(&known, "闽C00312");
	client_report(&known, T0, 1);
	client_close(&known);
	struct client unknown = client_dial(&s, JT808_2013, "13900000313");
	cr_expect_neq(client_register(&unknown, "闽C00313"), 0);
	client_close(&unknown);
	cr_expect_eq(server_stop(&s, SIGTERM), 0);
	free(in);
	free(data);
	rig_folder_remove(folder);
}

Test(files, mistakes_of_a_table_are_told_at_their_lines_and_the_rest_is_taken)
{
	char *folder = rig_folder(), *data = rig_path(folder, "d");
	char *in = rig_file(folder, "devices.csv",
			    "phone,plate_colour,plate,class,valid_from\n"
			    "13900000321,黄,闽C00321,muck,2026-01-01\n"
			    "139000003x2,黄,闽C00322,muck,2026-01-01\n"
			    "13900000323,紫,闽C00323,muck,2026-01-01\n"
			    "\n"
			    "13900000324,黄,闽C00324,tank,2026-13-01\n"
			    ",黄,闽C00325,muck,2026-01-01\n"
			    "13900000326,黄,闽C00321,muck,2026-01-01\n"
			    "13900000327,黄,闽C00327,muck,2026-01-01\n");
	static const char *const told[] = {
		"行 3, column 列 1 phone",      "行 4, column 列 3 plate", "行 6, column 列 4 class",
		"行 6, column 列 5 valid_from", "行 7, column 列 1 phone", "行 8: a value that names one device only",
	};
	struct run checked = RIG_ZAYTON("import", "devices", in, "--check");
	cr_expect_eq(checked.code, 1);
	cr_expect_null(strstr(checked.err, "行 8"), "only the store knows of line 8: %s", checked.err);
	struct run r = RIG_ZAYTON("import", "devices", in, "--data", data);
	cr_expect_eq(r.code, 1);
	for (size_t i = 0; i < sizeof told / sizeof *told; i++) {
		cr_expect_not_null(strstr(r.err, told[i]), "%s: %s", told[i], r.err);
		if (i < 5)
			cr_expect_not_null(strstr(checked.err, told[i]), "%s: %s", told[i], checked.err);
	}
	cr_expect_eq(text_count(r.err, "\n"), 6, "and nothing else: %s", r.err);
	run_free(&checked);
	run_free(&r);
	r = RIG_ZAYTON("query", "devices", "--data", data, "--format", "csv");
	cr_expect_eq(text_count(r.out, "\n"), 3, "a header and two devices: %s", r.out);
	cr_expect_not_null(strstr(r.out, "13900000321"));
	cr_expect_not_null(strstr(r.out, "13900000327"));
	run_free(&r);
	free(in);
	free(data);
	rig_folder_remove(folder);
}
