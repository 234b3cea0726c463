#include "ingest/files/gpx.h"

#include <expat.h>
#include <stdlib.h>

#include "ingest/files/number.h"
#include "ingest/files/time_text.h"

struct gpx {
	csv_read *read;
	void *context;
	XML_Parser parser;
	struct name_index *names;
	const struct track_sink *sink; /* while a step runs */
	struct time_reader time;
	bool device_given;
	enum status ended; /* anything but OK: the reading is over */

	unsigned depth, trk_depth, point_depth; /* 0: not within one */
	uint32_t device;
	bool has_device;
	uint64_t points, skip;

	/* the point being read */
	struct report report;
	bool has_time;
	struct refused refused; /* status OK: nothing wrong yet */
	char refused_text[GPX_TEXT_MAX];

	char text[NUMBER_PAD + GPX_TEXT_MAX]; /* of the element being read, behind a pad */
	size_t text_size;
	bool text_cut;
};

static void stop(struct gpx *g, enum status status)
{
	if (g->ended == STATUS_OK)
		g->ended = status;
	XML_StopParser(g->parser, XML_FALSE);
}

static const char *local_name(const char *name)
{
	const char *colon = strrchr(name, ':');
	return colon ? colon + 1 : name;
}

static struct span text_of(const struct gpx *g)
{
	const char *text = g->text + NUMBER_PAD;
	size_t size = g->text_size;
	while (size && strchr(" \t\r\n", text[0])) {
		text++;
		size--;
	}
	while (size && strchr(" \t\r\n", text[size - 1]))
		size--;
	return span_of(text, size);
}

/* The first mistake of a point is the one told. */
static void point_wrong(struct gpx *g, enum track_field field, enum status status, struct span text)
{
	if (g->refused.status)
		return;
	size_t size = text.size < sizeof g->refused_text ? text.size : sizeof g->refused_text;
	if (size)
		memcpy(g->refused_text, text.data, size);
	g->refused = (struct refused){gpx_line(g), field, status, span_of(g->refused_text, size)};
}

static int64_t point_number(struct gpx *g, enum track_field field, struct span text, struct number_unit unit,
			    int64_t min, int64_t max)
{
	int64_t v = 0;
	enum status status = number_fixed(text, unit, &v);
	if (!status && (v < min || v > max))
		status = STATUS_OUT_OF_RANGE;
	if (status)
		point_wrong(g, field, status, text);
	return status ? 0 : v;
}

static void point_begin(struct gpx *g, const char **attributes)
{
	struct span lat = span_of("", 0), lon = lat;
	for (; attributes[0]; attributes += 2) {
		if (strcmp(attributes[0], "lat") == 0)
			lat = span_of_string(attributes[1]);
		else if (strcmp(attributes[0], "lon") == 0)
			lon = span_of_string(attributes[1]);
	}
	g->point_depth = g->depth;
	g->has_time = false;
	g->refused.status = STATUS_OK;
	g->report = (struct report){.received_ms = RECEIVED_UNKNOWN,
				    .mileage_hm = MILEAGE_UNKNOWN,
				    .speed_dkmh = SPEED_UNKNOWN,
				    .course_deg = COURSE_UNKNOWN,
				    .altitude_m = ALTITUDE_UNKNOWN,
				    .flags = REPORT_FLAG_BACKFILL,
				    .body = REPORT_BODY_ROW};
	g->report.lat_e7 = (int32_t)point_number(g, TRACK_FIELD_LAT, lat, NUMBER_DEGREES, -LAT_E7_MAX, LAT_E7_MAX);
	g->report.lon_e7 = (int32_t)point_number(g, TRACK_FIELD_LON, lon, NUMBER_DEGREES, -LON_E7_MAX, LON_E7_MAX);
}

static void point_time(struct gpx *g, struct span text)
{
	enum status status = time_reader_take(&g->time, text, &g->report.time_ms);
	if (status)
		point_wrong(g, TRACK_FIELD_TIME, status, text);
	else
		g->has_time = true;
}

/* An element within a point has ended. */
static void point_part(struct gpx *g, const char *name)
{
	struct span text = text_of(g);
	struct report *r = &g->report;
	const int64_t speed_max = SPEED_UNKNOWN - 1;
	if (!text.size)
		return;
	if (strcmp(name, "time") == 0)
		point_time(g, text);
	else if (strcmp(name, "ele") == 0)
		r->altitude_m = (int16_t)point_number(g, TRACK_FIELD_ALTITUDE, text, NUMBER_AS_IS, ALTITUDE_UNKNOWN + 1,
						      INT16_MAX);
	else if (strcmp(name, "speed") == 0)
		r->speed_dkmh = (uint16_t)point_number(g, TRACK_FIELD_SPEED, text, NUMBER_MPS, 0, speed_max);
	else if (strcmp(name, "speed_kmh") == 0)
		r->speed_dkmh = (uint16_t)point_number(g, TRACK_FIELD_SPEED, text, NUMBER_TENTHS, 0, speed_max);
	else if (strcmp(name, "course") == 0 || strcmp(name, "course_deg") == 0)
		r->course_deg = (uint16_t)(point_number(g, TRACK_FIELD_COURSE, text, NUMBER_AS_IS, 0, 360) % 360);
}

static void point_end(struct gpx *g)
{
	struct report *r = &g->report;
	g->point_depth = 0;
	if (!g->has_time)
		point_wrong(g, TRACK_FIELD_TIME, STATUS_EMPTY, span_of(NULL, 0));
	if (!g->has_device)
		point_wrong(g, TRACK_FIELD_DEVICE, STATUS_EMPTY, span_of(NULL, 0));
	if (g->points < g->skip) {
		g->points++;
		return;
	}
	if (g->refused.status) {
		g->sink->refused(g->sink->context, &g->refused);
		g->points++;
		return;
	}
	r->status = STATUS_BIT_FIX | (r->lat_e7 < 0 ? STATUS_BIT_SOUTH : 0) | (r->lon_e7 < 0 ? STATUS_BIT_WEST : 0);
	report_row_seal(r);
	enum status status = g->sink->report(g->sink->context, gpx_line(g), g->device, r);
	if (status)
		stop(g, status);
	else
		g->points++;
}

static void trk_name(struct gpx *g)
{
	uint32_t device;
	enum status status = name_index_take(g->names, text_of(g), &device);
	if (status == STATUS_NO_MEMORY)
		stop(g, status);
	if (status)
		return; /* its points are refused for want of a device */
	g->device = device;
	g->has_device = true;
}

static void XMLCALL on_start(void *context, const char *name, const char **attributes)
{
	struct gpx *g = context;
	const char *local = local_name(name);
	g->text_size = 0;
	g->text_cut = false;
	if (++g->depth > GPX_DEPTH_MAX) {
		stop(g, STATUS_TOO_LONG);
	} else if (!g->trk_depth && strcmp(local, "trk") == 0) {
		g->trk_depth = g->depth;
		g->has_device = g->device_given;
	} else if (g->trk_depth && !g->point_depth && strcmp(local, "trkpt") == 0) {
		point_begin(g, attributes);
	}
}

static void XMLCALL on_end(void *context, const char *name)
{
	struct gpx *g = context;
	const char *local = local_name(name);
	if (g->point_depth == g->depth)
		point_end(g);
	else if (g->point_depth && !g->text_cut)
		point_part(g, local);
	else if (g->trk_depth == g->depth)
		g->trk_depth = 0;
	else if (g->trk_depth && g->depth == g->trk_depth + 1 && !g->device_given && !g->text_cut &&
		 strcmp(local, "name") == 0)
		trk_name(g);
	g->depth--;
	g->text_size = 0;
}

static void XMLCALL on_text(void *context, const char *text, int size)
{
	struct gpx *g = context;
	size_t room = GPX_TEXT_MAX - g->text_size, n = (size_t)size < room ? (size_t)size : room;
	memcpy(g->text + NUMBER_PAD + g->text_size, text, n);
	g->text_size += n;
	g->text_cut |= n < (size_t)size;
}

static void XMLCALL on_doctype(void *context, const char *name, const char *system_id, const char *public_id,
			       int has_internal_subset)
{
	(void)name, (void)system_id, (void)public_id, (void)has_internal_subset;
	stop(context, STATUS_UNSUPPORTED);
}

enum status gpx_open(csv_read *read, void *context, const struct gpx_options *options, struct name_index *names,
		     struct gpx **out)
{
	struct gpx *g = calloc(1, sizeof *g);
	if (!g)
		return STATUS_NO_MEMORY;
	g->read = read;
	g->context = context;
	g->names = names;
	g->time = time_reader_init(TIME_FORM_TEXT, options->zone_ms);
	g->device_given = options->device.size != 0;
	enum status status = g->device_given ? name_index_take(names, options->device, &g->device) : STATUS_OK;
	g->parser = XML_ParserCreate(NULL);
	if (status || !g->parser) {
		gpx_close(g);
		return status ? status : STATUS_NO_MEMORY;
	}
	XML_SetUserData(g->parser, g);
	XML_SetElementHandler(g->parser, on_start, on_end);
	XML_SetCharacterDataHandler(g->parser, on_text);
	XML_SetStartDoctypeDeclHandler(g->parser, on_doctype);
	*out = g;
	return STATUS_OK;
}

void gpx_close(struct gpx *g)
{
	if (!g)
		return;
	if (g->parser)
		XML_ParserFree(g->parser);
	free(g);
}

static enum status parse_piece(struct gpx *g)
{
	void *room = XML_GetBuffer(g->parser, GPX_STEP_BYTES);
	if (!room)
		return STATUS_NO_MEMORY;
	ssize_t got = g->read(g->context, room, GPX_STEP_BYTES);
	if (got < 0)
		return STATUS_IO;
	enum XML_Status parsed = XML_ParseBuffer(g->parser, (int)got, got == 0);
	if (parsed != XML_STATUS_OK && !g->ended)
		return XML_GetErrorCode(g->parser) == XML_ERROR_NO_MEMORY ? STATUS_NO_MEMORY : STATUS_MALFORMED;
	return g->ended || got ? g->ended : STATUS_END;
}

enum status gpx_step(struct gpx *g, const struct track_sink *sink)
{
	if (g->ended)
		return g->ended;
	g->sink = sink;
	enum status status = parse_piece(g);
	g->ended = status;
	return status;
}

const char *gpx_error(const struct gpx *g)
{
	return XML_ErrorString(XML_GetErrorCode(g->parser));
}

uint64_t gpx_line(const struct gpx *g)
{
	return XML_GetCurrentLineNumber(g->parser);
}

uint64_t gpx_offset(const struct gpx *g)
{
	XML_Index at = XML_GetCurrentByteIndex(g->parser);
	return at < 0 ? 0 : (uint64_t)at;
}

uint64_t gpx_points(const struct gpx *g)
{
	return g->points;
}

void gpx_resume(struct gpx *g, uint64_t points)
{
	g->skip = points;
}
