#include <criterion/criterion.h>
#include <stdio.h>

#include "engine/core/clock.h"
#include "ingest/files/refusals.h"
#include "ingest/files/tracks_csv.h"
#include "memory_source.h"

#define ROWS_MAX 16

struct collected {
	struct report reports[ROWS_MAX];
	uint32_t devices[ROWS_MAX];
	size_t count;
	struct refusals refusals;
	struct name_index names;
	struct buf complaint;
	bool no_header;
	size_t stop_at; /* the sink refuses the row with this number; 0: none */
};

static enum status on_report(void *context, uint64_t line, uint32_t device, const struct report *r)
{
	struct collected *c = context;
	if (c->stop_at && c->count + 1 == c->stop_at)
		return STATUS_NO_SPACE;
	cr_assert(line >= 2 - (uint64_t)c->no_header && c->count < ROWS_MAX);
	c->devices[c->count] = device;
	c->reports[c->count++] = *r;
	return STATUS_OK;
}

static void on_refused(void *context, const struct refused *refused)
{
	refusals_add(&((struct collected *)context)->refusals, refused);
}

static void collected_init(struct collected *c)
{
	*c = (struct collected){.names = name_index_init(), .complaint = buf_init(1024)};
	cr_assert(refusals_init(&c->refusals, 8) == STATUS_OK);
}

static void collected_deinit(struct collected *c)
{
	refusals_deinit(&c->refusals);
	name_index_deinit(&c->names);
	buf_deinit(&c->complaint);
}

static enum status read_all(struct collected *c, const char *data, const char *columns, size_t piece)
{
	struct memory_source source = memory_source_of(data, strlen(data), piece);
	struct tracks_csv_options options = {.columns = span_of_string(columns), .zone_ms = CHINA_OFFSET_MS};
	struct track_sink sink = {c, on_report, on_refused};
	struct tracks_csv *t;
	enum status status = tracks_csv_open(memory_source_read, &source, &options, &c->names, &c->complaint, &t);
	if (status)
		return status;
	while ((status = tracks_csv_step(t, 2, &sink)) == STATUS_OK)
		;
	tracks_csv_close(t);
	return status;
}

static bool name_of(const struct collected *c, size_t row, const char *wanted)
{
	return span_equal(c->names.names[c->devices[row]], span_of_string(wanted));
}

Test(tracks_csv, columns_named_as_the_fields_need_no_mapping)
{
	struct collected c;
	collected_init(&c);
	cr_assert(read_all(&c,
			   "device,time,lat,lon,speed,course,altitude,alarm,status,mileage,received,note\n"
			   "a1,1779971200,24.912345,118.652345,45.6,359,12,0x10,3,1234.5,1779971201.5,x\n"
			   "b2,2026-05-28 20:26:50,-24.5,-118.5,,,,,,,,\n",
			   "", 0) == STATUS_END);
	cr_assert(c.count == 2 && c.refusals.total == 0);
	const struct report *r = &c.reports[0];
	cr_assert(r->time_ms == 1779971200000 && r->received_ms == 1779971201500);
	cr_assert(r->lat_e7 == 249123450 && r->lon_e7 == 1186523450);
	cr_assert(r->speed_dkmh == 456 && r->course_deg == 359 && r->altitude_m == 12);
	cr_assert(r->alarm == 0x10 && r->status == 3 && r->mileage_hm == 12345);
	cr_assert(r->body == REPORT_BODY_ROW && r->flags == REPORT_FLAG_BACKFILL && r->hash != 0);
	r = &c.reports[1];
	cr_assert(r->time_ms == 1779971210000 && r->received_ms == RECEIVED_UNKNOWN);
	cr_assert(r->speed_dkmh == SPEED_UNKNOWN && r->course_deg == COURSE_UNKNOWN);
	cr_assert(r->altitude_m == ALTITUDE_UNKNOWN && r->mileage_hm == MILEAGE_UNKNOWN);
	cr_assert(name_of(&c, 0, "a1") && name_of(&c, 1, "b2"));
	collected_deinit(&c);
}

Test(tracks_csv, a_mapping_gives_columns_and_units)
{
	struct collected c;
	collected_init(&c);
	cr_assert(read_all(&c,
			   "ts;imei;y;x;v;km;alarm\n"
			   "1779971200250;860000000123456;24912345;118652345;10;123456;nonsense\n",
			   "device=imei,time=ts:epoch_ms,lat=y:e6,lon=#4:e6,speed=v:knots,mileage=km:m,alarm=", 0) ==
		  STATUS_END);
	cr_assert(c.count == 1, "%.*s", (int)c.complaint.size, (const char *)c.complaint.data);
	const struct report *r = &c.reports[0];
	cr_assert(r->time_ms == 1779971200250 && r->lat_e7 == 249123450 && r->lon_e7 == 1186523450);
	cr_assert(r->speed_dkmh == 185 && r->mileage_hm == 1235 && r->alarm == 0);
	collected_deinit(&c);
}

Test(tracks_csv, without_a_status_column_a_row_is_a_fix_with_the_signs_of_its_hemispheres)
{
	struct collected c;
	collected_init(&c);
	cr_assert(read_all(&c, "device,time,lat,lon\na,0,24.5,118.5\na,1,-24.5,-118.5\n", "", 0) == STATUS_END);
	cr_assert(c.count == 2);
	cr_assert(c.reports[0].status == STATUS_BIT_FIX);
	cr_assert(c.reports[1].status == (STATUS_BIT_FIX | STATUS_BIT_SOUTH | STATUS_BIT_WEST));
	collected_deinit(&c);
}

Test(tracks_csv, a_row_whose_status_says_no_fix_or_shifted_is_flagged)
{
	struct collected c;
	collected_init(&c);
	cr_assert(read_all(&c, "device,time,lat,lon,status\na,0,0,0,1\na,1,24,118,34\n", "", 0) == STATUS_END);
	cr_assert(c.count == 2);
	cr_assert(c.reports[0].flags == (REPORT_FLAG_BACKFILL | REPORT_FLAG_NO_FIX));
	cr_assert(c.reports[1].flags == (REPORT_FLAG_BACKFILL | REPORT_FLAG_OFFSET));
	collected_deinit(&c);
}

Test(tracks_csv, every_refused_row_is_told_by_line_field_and_reason)
{
	static const struct {
		const char *row;
		enum track_field field;
		enum status status;
	} cases[] = {
		{",0,24,118,0,0,0,0,3,0", TRACK_FIELD_DEVICE, STATUS_EMPTY},
		{"  ,0,24,118,0,0,0,0,3,0", TRACK_FIELD_DEVICE, STATUS_EMPTY},
		{"a,,24,118,0,0,0,0,3,0", TRACK_FIELD_TIME, STATUS_EMPTY},
		{"a,2026-02-30 00:00:00,24,118,0,0,0,0,3,0", TRACK_FIELD_TIME, STATUS_BAD_TIME},
		{"a,0,,118,0,0,0,0,3,0", TRACK_FIELD_LAT, STATUS_EMPTY},
		{"a,0,90.00000005,118,0,0,0,0,3,0", TRACK_FIELD_LAT, STATUS_OUT_OF_RANGE},
		{"a,0,24N,118,0,0,0,0,3,0", TRACK_FIELD_LAT, STATUS_MALFORMED},
		{"a,0,24,-180.1,0,0,0,0,3,0", TRACK_FIELD_LON, STATUS_OUT_OF_RANGE},
		{"a,0,24,118,-0.1,0,0,0,3,0", TRACK_FIELD_SPEED, STATUS_OUT_OF_RANGE},
		{"a,0,24,118,6553.5,0,0,0,3,0", TRACK_FIELD_SPEED, STATUS_OUT_OF_RANGE},
		{"a,0,24,118,fast,0,0,0,3,0", TRACK_FIELD_SPEED, STATUS_MALFORMED},
		{"a,0,24,118,0,-1,0,0,3,0", TRACK_FIELD_COURSE, STATUS_OUT_OF_RANGE},
		{"a,0,24,118,0,0,40000,0,3,0", TRACK_FIELD_ALTITUDE, STATUS_OUT_OF_RANGE},
		{"a,0,24,118,0,0,0,4294967296,3,0", TRACK_FIELD_ALARM, STATUS_OUT_OF_RANGE},
		{"a,0,24,118,0,0,0,0,three,0", TRACK_FIELD_STATUS, STATUS_MALFORMED},
		{"a,0,24,118,0,0,0,0,3,-1", TRACK_FIELD_MILEAGE, STATUS_OUT_OF_RANGE},
		{"a,0,24,118", TRACK_FIELD_ROW, STATUS_BAD_LENGTH},
		{"a,0,24,118,0,0,0,0,3,0,0", TRACK_FIELD_ROW, STATUS_BAD_LENGTH},
		{"a,0,24,1\"18,0,0,0,0,3,0", TRACK_FIELD_ROW, STATUS_MALFORMED},
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct collected c;
		char data[512];
		collected_init(&c);
		snprintf(data, sizeof data,
			 "device,time,lat,lon,speed,course,altitude,alarm,status,mileage\n"
			 "a,0,24,118,0,0,0,0,3,0\n%s\na,1,24,118,0,0,0,0,3,0\n",
			 cases[i].row);
		cr_assert(read_all(&c, data, "", i % 5) == STATUS_END);
		cr_assert(c.count == 2 && c.refusals.total == 1, "%s", cases[i].row);
		cr_assert(c.refusals.first[0].line == 3);
		cr_assert(c.refusals.first[0].field == cases[i].field, "%s: %s", cases[i].row,
			  track_field_name(c.refusals.first[0].field));
		cr_assert(c.refusals.first[0].status == cases[i].status, "%s: %s", cases[i].row,
			  status_text(c.refusals.first[0].status));
		cr_assert(c.refusals.counts[cases[i].field][cases[i].status] == 1);
		collected_deinit(&c);
	}
}

Test(tracks_csv, a_course_that_rounds_up_to_a_full_circle_is_north)
{
	struct collected c;
	collected_init(&c);
	cr_assert(read_all(&c, "device,time,lat,lon,course\na,0,24,118,359.6\na,1,24,118,360\na,2,24,118,359.4\n", "",
			   0) == STATUS_END);
	cr_assert(c.reports[0].course_deg == 0 && c.reports[1].course_deg == 360 && c.reports[2].course_deg == 359);
	collected_deinit(&c);
}

static void expect_complaint(const char *header, const char *columns, enum status wanted, const char *word)
{
	struct collected c;
	collected_init(&c);
	enum status status = read_all(&c, header, columns, 0);
	cr_assert(status == wanted, "%s: %s", columns, status_text(status));
	cr_assert(memmem(c.complaint.data, c.complaint.size, word, strlen(word)) != NULL, "%.*s", (int)c.complaint.size,
		  (const char *)c.complaint.data);
	collected_deinit(&c);
}

Test(tracks_csv, mistakes_of_the_mapping_and_the_header_are_named)
{
	expect_complaint("device,time,lat\n", "", STATUS_NOT_FOUND, "\"lon\"");
	expect_complaint("time,lat,lon\n", "", STATUS_NOT_FOUND, "\"device\"");
	expect_complaint("device,time,lat,lon\n", "speed=v", STATUS_NOT_FOUND, "\"v\"");
	expect_complaint("device,time,lat,lon\n", "speed=#9", STATUS_NOT_FOUND, "#9");
	expect_complaint("device,time,lat,lon\n", "lat=", STATUS_NOT_FOUND, "lat");
	expect_complaint("device,time,lat,lon,lat\n", "", STATUS_MALFORMED, "twice");
	expect_complaint("device,time,lat,lon\n", "speed=v:mph", STATUS_INVALID, "mph");
	expect_complaint("device,time,lat,lon\n", "colour=c", STATUS_INVALID, "colour");
	expect_complaint("device,time,lat,lon\n", "lat=a,lat=b", STATUS_INVALID, "twice");
	expect_complaint("device,time,lat,lon\n", "lat=#0", STATUS_INVALID, "#0");
}

Test(tracks_csv, header_and_names_may_be_gbk)
{
	struct collected c;
	collected_init(&c);
	/* 车牌,时间,lat,lon / 闽C12345 in GBK; the mapping is UTF-8 */
	cr_assert(read_all(&c,
			   "\xb3\xb5\xc5\xc6,\xca\xb1\xbc\xe4,lat,lon\n\xc3\xf6"
			   "C12345,0,24,118\n",
			   "device=车牌,time=时间", 0) == STATUS_END);
	cr_assert(c.count == 1, "%.*s", (int)c.complaint.size, (const char *)c.complaint.data);
	cr_assert(name_of(&c, 0,
			  "\xc3\xf6"
			  "C12345"),
		  "names stay as the file has them");
	collected_deinit(&c);
}

Test(tracks_csv, a_file_may_have_no_header_and_one_device)
{
	static const char data[] = "0,24,118\n1,25,119\n";
	struct memory_source source = memory_source_of(data, sizeof data - 1, 0);
	struct tracks_csv_options options = {.columns = span_of_string("time=#1,lat=#2,lon=#3"),
					     .no_header = true,
					     .device = span_of_string("truck 7")};
	struct collected c;
	struct tracks_csv *t;
	collected_init(&c);
	c.no_header = true;
	struct track_sink sink = {&c, on_report, on_refused};
	cr_assert(tracks_csv_open(memory_source_read, &source, &options, &c.names, &c.complaint, &t) == STATUS_OK);
	cr_assert(tracks_csv_step(t, 100, &sink) == STATUS_END);
	tracks_csv_close(t);
	cr_assert(c.count == 2 && c.reports[1].lat_e7 == 250000000);
	cr_assert(name_of(&c, 1, "truck 7"));
	collected_deinit(&c);
}

Test(tracks_csv, a_row_the_sink_cannot_take_is_not_passed_and_reading_goes_on_there)
{
	static const char data[] = "device,time,lat,lon\na,0,24,118\nb,1,24,118\nc,2,24,118\n";
	struct memory_source source = memory_source_of(data, sizeof data - 1, 0);
	struct tracks_csv_options options = {.zone_ms = 0};
	struct collected c;
	struct tracks_csv *t;
	collected_init(&c);
	c.stop_at = 2;
	struct track_sink sink = {&c, on_report, on_refused};
	cr_assert(tracks_csv_open(memory_source_read, &source, &options, &c.names, &c.complaint, &t) == STATUS_OK);
	cr_assert(tracks_csv_step(t, 100, &sink) == STATUS_NO_SPACE);
	cr_assert(c.count == 1 && tracks_csv_offset(t) == 31 && tracks_csv_line(t) == 3);
	c.stop_at = 0;
	source.at = 31;
	tracks_csv_resume(t, 31, 3);
	cr_assert(tracks_csv_step(t, 100, &sink) == STATUS_END);
	cr_assert(c.count == 3 && c.reports[1].time_ms == 1000 && name_of(&c, 2, "c"));
	tracks_csv_close(t);
	collected_deinit(&c);
}

Test(tracks_csv, equal_rows_are_one_report_and_others_are_not)
{
	struct collected c;
	collected_init(&c);
	cr_assert(read_all(&c,
			   "device,time,lat,lon,speed\na,0,24.1,118,1\na,1970-01-01 08:00:00,24.10,118.0,1.0\n"
			   "a,0,24.1,118,1.1\n",
			   "", 0) == STATUS_END);
	cr_assert(report_compare(&c.reports[0], &c.reports[1]) == 0);
	cr_assert(report_compare(&c.reports[0], &c.reports[2]) != 0);
	collected_deinit(&c);
}

Test(refusals, an_excerpt_is_printable_and_cut_at_a_character)
{
	struct refusals r;
	struct buf text = buf_init(1024);
	cr_assert(refusals_init(&r, 2) == STATUS_OK);
	refusals_add(&r, &(struct refused){7, TRACK_FIELD_SPEED, STATUS_MALFORMED, span_of("a\x1b[31m\n", 7)});
	char chinese[90];
	for (int i = 0; i < 30; i++)
		memcpy(chinese + 3 * i, "闽", 3);
	refusals_add(&r, &(struct refused){8, TRACK_FIELD_DEVICE, STATUS_TOO_LONG, span_of(chinese, 90)});
	refusals_add(&r, &(struct refused){9, TRACK_FIELD_DEVICE, STATUS_TOO_LONG, span_of("x", 1)});
	cr_assert(r.total == 3 && r.listed == 2 && r.counts[TRACK_FIELD_DEVICE][STATUS_TOO_LONG] == 2);
	cr_assert(strlen(r.first[1].excerpt) == 63, "21 whole characters");
	cr_assert(refusal_print(&r.first[0], &text) == STATUS_OK);
	cr_assert(span_equal(buf_view(&text), span_of_string("line 7: speed: malformed: \"a?[31m?\"")), "%.*s",
		  (int)text.size, (const char *)text.data);
	refusals_deinit(&r);
	buf_deinit(&text);
}
