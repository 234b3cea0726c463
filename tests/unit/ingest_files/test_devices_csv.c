#include <criterion/criterion.h>
#include <ctype.h>
#include <iconv.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "engine/core/clock.h"
#include "ingest/files/devices_csv.h"

/* What was read, as one line a row or mistake. */
static char said[8192];
static struct devices_csv_result result;

static void note(const char *format, ...) __attribute__((format(printf, 1, 2)));
static void note(const char *format, ...)
{
	va_list args;
	size_t at = strlen(said);
	va_start(args, format);
	vsnprintf(said + at, sizeof said - at, format, args);
	va_end(args);
}

static enum status note_row(void *context, const struct devices_row *row)
{
	char from[TIME_TEXT_MAX] = "default";
	(void)context;
	if (row->from_ms != 42)
		time_format(row->from_ms, CHINA_OFFSET_MS, from);
	note("%d from %s:", (int)row->line, from);
	static const char *const kinds[] = {[DEVICE_KIND_JT808] = "",
					    [DEVICE_KIND_AIS] = " ais",
					    [DEVICE_KIND_BEIDOU] = " beidou",
					    [DEVICE_KIND_BOAT] = " boat"};
	note("%s", kinds[row->kind]);
	for (size_t i = 0; i < row->change_count; i++) {
		note(" %s=%.*s", device_field_token(row->changes[i].field), (int)row->changes[i].value.size,
		     row->changes[i].value.data);
		if (row->changes[i].field == DEVICE_FIELD_PHONE)
			cr_assert_eq(row->device, device_id(DEVICE_KIND_JT808, row->changes[i].value));
	}
	note("\n");
	return STATUS_OK;
}

static enum status note_mistake(void *context, const struct devices_mistake *m)
{
	(void)context;
	cr_assert(m->english[0] && m->chinese[0]);
	char reason[64] = "";
	for (size_t i = 0; i < sizeof reason - 1 && status_name(m->status)[i]; i++)
		reason[i] = (char)tolower((unsigned char)status_name(m->status)[i]);
	note("%d/%zu %.*s '%.*s': %s\n", (int)m->line, m->column, (int)m->header.size, m->header.data,
	     (int)m->cell.size, m->cell.data, reason);
	return STATUS_OK;
}

static enum status read_as(enum devices_csv_encoding encoding, struct span text)
{
	struct devices_csv_options options = {
		.encoding = encoding, .from_ms = 42, .row = note_row, .mistake = note_mistake};
	said[0] = '\0';
	return devices_csv_read(text, &options, &result);
}

static enum status read_text(const char *text)
{
	return read_as(DEVICES_CSV_DETECT, span_of_string(text));
}

static struct span in_gbk(const char *text, char *room, size_t size)
{
	char *from = (char *)(uintptr_t)text, *to = room;
	size_t left = strlen(text), free_bytes = size;
	iconv_t gb = iconv_open("GBK", "UTF-8");
	cr_assert_eq(iconv(gb, &from, &left, &to, &free_bytes), 0);
	iconv_close(gb);
	return span_of(room, size - free_bytes);
}

static const char *const table = "终端手机号,车牌颜色,车牌号,车辆类别,所属企业,生效时间\r\n"
				 "013900000001,黄,闽C·12345,渣土车,泉运,2026-01-31\r\n"
				 "13900000002,,,,\"泉州, 渣土 \"\"一\"\" 队\",\r\n";
static const char *const table_said =
	"2 from 2026-01-31T00:00:00.000+08:00: phone=13900000001 plate=2:闽C12345 class=muck company=泉运\n"
	"3 from default: phone=13900000002 company=泉州, 渣土 \"一\" 队\n";

Test(devices_csv, rows_become_changes_of_terminals)
{
	cr_assert_eq(read_text(table), STATUS_OK);
	cr_assert_str_eq(said, table_said);
	cr_assert_eq(result.rows, 2);
	cr_assert_eq(result.mistakes, 0);
	cr_assert_not(result.is_gbk);
}

Test(devices_csv, gbk_and_byte_order_marks_are_known)
{
	char room[1024], marked[1024];
	struct span gbk = in_gbk(table, room, sizeof room);
	cr_assert_eq(read_as(DEVICES_CSV_DETECT, gbk), STATUS_OK);
	cr_assert_str_eq(said, table_said);
	cr_assert(result.is_gbk);
	cr_assert_eq(read_as(DEVICES_CSV_GBK, gbk), STATUS_OK);
	cr_assert_str_eq(said, table_said);
	snprintf(marked, sizeof marked, "\xef\xbb\xbf%s", table);
	cr_assert_eq(read_text(marked), STATUS_OK);
	cr_assert_str_eq(said, table_said);
	cr_assert_eq(read_as(DEVICES_CSV_DETECT, span_of("\xff\xfe"
							 "p\0",
							 4)),
		     STATUS_UNSUPPORTED);
}

Test(devices_csv, a_gbk_text_that_looks_like_utf8_can_be_told)
{
	/* the two bytes pairs of this company's name in GBK are valid UTF-8 */
	static const char text[] = "phone,company\n1,\xc1\xaa\xcd\xa8\n";
	cr_assert_eq(read_as(DEVICES_CSV_GBK, span_of(text, sizeof text - 1)), STATUS_OK);
	cr_assert_str_eq(said, "2 from default: phone=1 company=联通\n");
}

Test(devices_csv, headers_are_tokens_or_chinese_in_any_case_and_order)
{
	cr_assert_eq(read_text("Plate;VALID_FROM ; phone;sim\n1:闽A1;2026-01-31T08:00:00Z;1;8986a\n"), STATUS_OK);
	cr_assert_str_eq(said, "2 from 2026-01-31T16:00:00.000+08:00: plate=1:闽A1 phone=1 sim=8986A\n");
}

Test(devices_csv, every_mistake_is_told_by_line_and_column_and_the_good_rows_are_given)
{
	cr_assert_eq(read_text("phone,plate,class,metrology_due,valid_from,wheels,class\n"
			       "x1,闽C1,hovercraft,2026-02-30,soon,6,\n"
			       "1,2:闽C2,muck,2026-12-31,,,\n"
			       ",2:闽C3,,,,,\n"
			       "\n"
			       ",,,,,,\n"
			       "2,,,,,,,extra\n"
			       "3,\"2:闽C4\"x,,,,,\n"
			       "4,a\x01,,,,,\n"
			       "5\n"),
		     STATUS_OK);
	cr_assert_str_eq(said, "1/6 wheels 'wheels': not_found\n"
			       "1/7 class 'class': exists\n"
			       "2/1 phone 'x1': out_of_range\n"
			       "2/2 plate '闽C1': out_of_range\n"
			       "2/3 class 'hovercraft': out_of_range\n"
			       "2/4 metrology_due '2026-02-30': out_of_range\n"
			       "2/5 valid_from 'soon': out_of_range\n"
			       "3 from default: phone=1 plate=2:闽C2 class=muck metrology_due=2026-12-31\n"
			       "4/1 phone '': empty\n"
			       "7/8  'extra': bad_length\n"
			       "8/0  '': malformed\n"
			       "9/2 plate 'a\x01': malformed\n"
			       "10 from default: phone=5\n");
	cr_assert_eq(result.rows, 2);
	cr_assert_eq(result.mistakes, 11);
}

Test(devices_csv, damaged_bytes_cost_their_row)
{
	static const char utf8[] = "终端手机号,所属企业,备注\n1,泉运渣土,\xff\n2,通港,好\n";
	cr_assert_eq(read_as(DEVICES_CSV_DETECT, span_of(utf8, sizeof utf8 - 1)), STATUS_OK);
	cr_assert_not(result.is_gbk, "one bad byte does not make it GBK");
	cr_assert_eq(result.rows, 1);
	cr_assert_eq(result.mistakes, 1);
	static const char gbk[] = "phone,company\n1,\xc8\xaa\xff\xff\n2,\xc8\xaa\xd6\xdd\n";
	cr_assert_eq(read_as(DEVICES_CSV_DETECT, span_of(gbk, sizeof gbk - 1)), STATUS_OK);
	cr_assert(result.is_gbk);
	cr_assert_eq(result.mistakes, 1);
	cr_assert(strstr(said, "3 from default: phone=2 company=泉州\n"), "%s", said);
}

Test(devices_csv, a_plate_takes_its_colour_from_its_own_column_or_itself)
{
	cr_assert_eq(
		read_text(
			"phone,plate,plate_colour\n1,闽C1,蓝\n2,2:闽C2,蓝\n3,闽C3,\n4,,蓝\n5,闽C5,粉\n6,黄：闽C6,1\n"),
		STATUS_OK);
	cr_assert_str_eq(said, "2 from default: phone=1 plate=1:闽C1\n"
			       "3 from default: phone=2 plate=2:闽C2\n"
			       "4/2 plate '闽C3': out_of_range\n"
			       "5 from default: phone=4\n"
			       "6/2 plate '闽C5': out_of_range\n"
			       "7 from default: phone=6 plate=2:闽C6\n");
}

Test(devices_csv, without_phones_there_is_nothing_to_read)
{
	cr_assert_eq(read_text("plate\n1:闽C1\n"), STATUS_NOT_FOUND);
	cr_assert_str_eq(said, "1/0  '': not_found\n");
	cr_assert_eq(read_text(""), STATUS_EMPTY);
	cr_assert_eq(read_text("\n\n"), STATUS_EMPTY);
}

static enum status refuse(void *context, const struct devices_row *row)
{
	(void)context, (void)row;
	return STATUS_CANCELLED;
}

Test(devices_csv, a_row_with_a_hull_number_is_a_boat_and_its_sources)
{
	cr_assert_eq(read_text("船号,MMSI,北斗卡号,作业类型,船长,抗风等级,核定人数,检验证书有效期\n"
			       "闽狮渔 01234,412345678,0204567,拖网,23.5,7,9,2026-12-31\n"
			       "闽狮渔01235,,,刺网,11,6,3,\n"
			       ",413000123,,,,,,\n"
			       "闽狮渔01236,41234567x,123,网,x,18,0,2026\n"),
		     STATUS_OK);
	cr_assert_str_eq(said, "2 from default: boat plate=boat:闽狮渔01234 gear=trawl length_m=23.5 wind_rating=7 "
			       "certified_persons=9 survey_due=2026-12-31\n"
			       "2 from default: ais mmsi=412345678 vehicle=boat:闽狮渔01234\n"
			       "2 from default: beidou beidou_card=204567 vehicle=boat:闽狮渔01234\n"
			       "3 from default: boat plate=boat:闽狮渔01235 gear=gillnet length_m=11 wind_rating=6 "
			       "certified_persons=3\n"
			       "4 from default: ais mmsi=413000123\n"
			       "5/2 mmsi '41234567x': out_of_range\n5/3 北斗卡号 '123': out_of_range\n"
			       "5/4 作业类型 '网': out_of_range\n5/5 船长 'x': out_of_range\n"
			       "5/6 抗风等级 '18': out_of_range\n5/7 核定人数 '0': out_of_range\n"
			       "5/8 检验证书有效期 '2026': out_of_range\n");
}

Test(devices_csv, a_callback_may_end_the_reading)
{
	struct devices_csv_options options = {.row = refuse};
	cr_assert_eq(devices_csv_read(span_of_string("phone,class\nx,y\n1,\n2,\n"), &options, &result),
		     STATUS_CANCELLED);
	cr_assert_eq(result.rows, 1);
	cr_assert_eq(result.mistakes, 2);
}

Test(devices_csv, a_file_is_loaded_whole)
{
	char path[] = "/tmp/zayton-devices-XXXXXX";
	struct buf text = buf_init(100);
	int file = mkstemp(path);
	cr_assert(file >= 0 && write(file, "phone\n1\n", 8) == 8);
	close(file);
	cr_assert_eq(devices_csv_load(path, &text), STATUS_TOO_LONG, "room for a chunk is reserved ahead");
	text.max = DEVICES_CSV_BYTES_MAX;
	cr_assert_eq(devices_csv_load(path, &text), STATUS_OK);
	cr_assert(span_equal(span_of(text.data, text.size), span_of_string("phone\n1\n")));
	cr_assert_eq(devices_csv_load("/nowhere/devices.csv", &text), STATUS_NOT_FOUND);
	buf_deinit(&text);
	unlink(path);
}
