#include <criterion/criterion.h>
#include <stdio.h>

#include "engine/core/clock.h"
#include "ingest/files/gpx.h"
#include "memory_source.h"

struct points {
	struct report reports[8];
	uint32_t devices[8];
	size_t count, refused_count;
	struct refused refused;
	struct name_index names;
};

static enum status on_report(void *context, uint64_t line, uint32_t device, const struct report *r)
{
	struct points *p = context;
	cr_assert(line > 0 && p->count < 8);
	p->devices[p->count] = device;
	p->reports[p->count++] = *r;
	return STATUS_OK;
}

static void on_refused(void *context, const struct refused *refused)
{
	struct points *p = context;
	p->refused = *refused;
	p->refused.text = span_of(NULL, 0);
	p->refused_count++;
}

static enum status read_gpx(struct points *p, const char *data, const char *device, size_t piece, uint64_t skip)
{
	struct memory_source source = memory_source_of(data, strlen(data), piece);
	struct gpx_options options = {.zone_ms = CHINA_OFFSET_MS, .device = span_of_string(device)};
	struct track_sink sink = {p, on_report, on_refused};
	struct gpx *g;
	enum status status;
	*p = (struct points){.names = name_index_init()};
	cr_assert(gpx_open(memory_source_read, &source, &options, &p->names, &g) == STATUS_OK);
	gpx_resume(g, skip);
	while ((status = gpx_step(g, &sink)) == STATUS_OK)
		;
	cr_assert(gpx_step(g, &sink) == status, "what ended the reading stands");
	gpx_close(g);
	return status;
}

static const char two_tracks[] =
	"<?xml version=\"1.0\"?>\n<gpx version=\"1.1\" xmlns=\"http://www.topografix.com/GPX/1/1\""
	" xmlns:x=\"urn:x\"><metadata><name>not a device</name></metadata><wpt lat=\"1\" lon=\"2\"/>\n"
	"<trk><name> truck 1 </name><trkseg>\n"
	"<trkpt lat=\"24.5\" lon=\"-118.25\"><ele>12.6</ele><time>2026-05-28T12:26:40Z</time>"
	"<extensions><x:TrackPointExtension><x:speed>10</x:speed><x:course>359.9</x:course>"
	"</x:TrackPointExtension></extensions></trkpt>\n"
	"<trkpt lat=\"24.6\" lon=\"118.35\"><time>2026-05-28 20:26:50</time><speed_kmh>45.6</speed_kmh></trkpt>\n"
	"</trkseg></trk><trk><name>truck &lt;2&gt;</name><trkseg><trkpt lat=\"0\" lon=\"0\">"
	"<time>2026-05-28T12:26:40Z</time></trkpt></trkseg></trk></gpx>\n";

Test(gpx, points_become_reports_of_the_device_their_track_is_named_after)
{
	struct points p;
	for (size_t piece = 0; piece < 4; piece++) {
		cr_assert(read_gpx(&p, two_tracks, "", piece, 0) == STATUS_END);
		cr_assert(p.count == 3 && p.refused_count == 0);
		cr_assert(p.reports[0].lat_e7 == 245000000 && p.reports[0].lon_e7 == -1182500000);
		cr_assert(p.reports[0].time_ms == 1779971200000 && p.reports[0].altitude_m == 13);
		cr_assert(p.reports[0].speed_dkmh == 360 && p.reports[0].course_deg == 0);
		cr_assert(p.reports[0].status == (STATUS_BIT_FIX | STATUS_BIT_WEST));
		cr_assert(p.reports[1].time_ms == 1779971210000 && p.reports[1].speed_dkmh == 456);
		cr_assert(p.reports[1].altitude_m == ALTITUDE_UNKNOWN);
		cr_assert(span_equal(p.names.names[p.devices[1]], span_of_string("truck 1")));
		cr_assert(span_equal(p.names.names[p.devices[2]], span_of_string("truck <2>")));
		name_index_deinit(&p.names);
	}
}

Test(gpx, a_given_device_goes_before_names)
{
	struct points p;
	cr_assert(read_gpx(&p, two_tracks, "boat", 0, 0) == STATUS_END);
	cr_assert(p.count == 3 && p.names.count == 1);
	name_index_deinit(&p.names);
}

Test(gpx, reading_goes_on_behind_the_points_that_were_passed)
{
	struct points p;
	cr_assert(read_gpx(&p, two_tracks, "", 7, 2) == STATUS_END);
	cr_assert(p.count == 1 && p.reports[0].lat_e7 == 0);
	name_index_deinit(&p.names);
}

static void expect_refused(const char *point, const char *name, enum track_field field, enum status status)
{
	char data[1024];
	struct points p;
	snprintf(data, sizeof data, "<gpx>\n<trk>%s<trkseg>\n%s\n</trkseg></trk></gpx>", name, point);
	cr_assert(read_gpx(&p, data, "", 3, 0) == STATUS_END);
	cr_assert(p.count == 0 && p.refused_count == 1 && p.refused.line == 3, "%s", point);
	cr_assert(p.refused.field == field && p.refused.status == status, "%s: %s", point,
		  status_text(p.refused.status));
	name_index_deinit(&p.names);
}

Test(gpx, a_wrong_point_is_refused_by_line_field_and_reason)
{
	static const char good[] = "<time>2026-05-28T12:26:40Z</time>";
	char point[256];
	expect_refused("<trkpt lat=\"1\" lon=\"2\"/>", "<name>a</name>", TRACK_FIELD_TIME, STATUS_EMPTY);
	expect_refused("<trkpt lat=\"1\" lon=\"2\"><time>noon</time></trkpt>", "<name>a</name>", TRACK_FIELD_TIME,
		       STATUS_BAD_TIME);
	snprintf(point, sizeof point, "<trkpt lat=\"91\" lon=\"2\">%s</trkpt>", good);
	expect_refused(point, "<name>a</name>", TRACK_FIELD_LAT, STATUS_OUT_OF_RANGE);
	snprintf(point, sizeof point, "<trkpt lat=\"1\">%s</trkpt>", good);
	expect_refused(point, "<name>a</name>", TRACK_FIELD_LON, STATUS_EMPTY);
	snprintf(point, sizeof point, "<trkpt lat=\"1\" lon=\"2\">%s<speed>x</speed></trkpt>", good);
	expect_refused(point, "<name>a</name>", TRACK_FIELD_SPEED, STATUS_MALFORMED);
	snprintf(point, sizeof point, "<trkpt lat=\"1\" lon=\"2\">%s</trkpt>", good);
	expect_refused(point, "", TRACK_FIELD_DEVICE, STATUS_EMPTY);
	expect_refused(point, "<name> </name>", TRACK_FIELD_DEVICE, STATUS_EMPTY);
}

Test(gpx, what_is_no_xml_ends_the_reading)
{
	struct points p;
	cr_assert(read_gpx(&p, "<gpx><trk></gpx>", "", 0, 0) == STATUS_MALFORMED);
	name_index_deinit(&p.names);
	cr_assert(read_gpx(&p, "", "", 0, 0) == STATUS_MALFORMED);
	name_index_deinit(&p.names);
	cr_assert(read_gpx(&p, "<gpx><trk>", "", 0, 0) == STATUS_MALFORMED);
	name_index_deinit(&p.names);
}

Test(gpx, a_document_type_declaration_ends_the_reading_before_any_entity)
{
	struct points p;
	cr_assert(read_gpx(&p, "<!DOCTYPE g [<!ENTITY a \"aaaa\"><!ENTITY b \"&a;&a;\">]><gpx>&b;</gpx>", "", 0, 0) ==
		  STATUS_UNSUPPORTED);
	name_index_deinit(&p.names);
}

Test(gpx, elements_may_be_64_deep_and_no_deeper)
{
	for (int depth = GPX_DEPTH_MAX; depth <= GPX_DEPTH_MAX + 1; depth++) {
		char data[1024] = "";
		struct points p;
		for (int i = 0; i < depth; i++)
			strcat(data, "<a>");
		for (int i = 0; i < depth; i++)
			strcat(data, "</a>");
		cr_assert(read_gpx(&p, data, "", 0, 0) == (depth > GPX_DEPTH_MAX ? STATUS_TOO_LONG : STATUS_END));
		name_index_deinit(&p.names);
	}
}
