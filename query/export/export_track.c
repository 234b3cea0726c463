#include "query/export/export_track.h"

#include <stdio.h>

#include "engine/core/clock.h"
#include "query/export/json_out.h"

#define LINE_TIMES_MAX (EXPORT_LINE_MAX * 28)

bool export_has_position(const struct report *r)
{
	return !(r->flags & REPORT_FLAG_NO_FIX) || r->lat_e7 || r->lon_e7;
}

static bool is_fix(const struct report *r)
{
	return !(r->flags & REPORT_FLAG_NO_FIX);
}

static const struct {
	uint16_t bit;
	const char *token;
} flag_tokens[] = {
	{REPORT_FLAG_NO_FIX, "no_fix"},     {REPORT_FLAG_OFFSET, "offset"}, {REPORT_FLAG_FROM_BATCH, "batch"},
	{REPORT_FLAG_BACKFILL, "backfill"}, {REPORT_FLAG_FUTURE, "future"},
};

void export_flags_text(uint16_t flags, char out[64])
{
	size_t used = 0;
	out[0] = '\0';
	for (size_t i = 0; i < sizeof flag_tokens / sizeof flag_tokens[0]; i++)
		if (flags & flag_tokens[i].bit)
			used += (size_t)snprintf(out + used, 64 - used, "%s%s", used ? " " : "", flag_tokens[i].token);
}

/* --- JSON --- */

static void member_fixed(struct json_out *j, const char *key, bool known, int64_t v, unsigned decimals)
{
	jout_key(j, key);
	if (known)
		jout_fixed(j, v, decimals);
	else
		jout_null(j);
}

static void members_flags(struct json_out *j, uint16_t flags)
{
	jout_key(j, "flags");
	jout_open(j, '[');
	for (size_t i = 0; i < sizeof flag_tokens / sizeof flag_tokens[0]; i++)
		if (flags & flag_tokens[i].bit)
			jout_string(j, flag_tokens[i].token);
	jout_close(j, ']');
}

void export_report_members(struct json_out *j, const struct report *r, bool geometry)
{
	jout_key(j, "time");
	jout_time(j, r->time_ms);
	jout_key(j, "received");
	jout_time(j, r->received_ms);
	if (!geometry) {
		member_fixed(j, "lat", export_has_position(r), r->lat_e7, 7);
		member_fixed(j, "lon", export_has_position(r), r->lon_e7, 7);
	}
	jout_key(j, "fix");
	jout_bool(j, is_fix(r));
	member_fixed(j, "speed_kmh", r->speed_dkmh != SPEED_UNKNOWN, r->speed_dkmh, 1);
	member_fixed(j, "course_deg", r->course_deg != COURSE_UNKNOWN, r->course_deg, 0);
	member_fixed(j, "altitude_m", r->altitude_m != ALTITUDE_UNKNOWN, r->altitude_m, 0);
	member_fixed(j, "mileage_km", r->mileage_hm != MILEAGE_UNKNOWN, r->mileage_hm, 1);
	jout_key(j, "alarm");
	jout_unsigned(j, r->alarm);
	jout_key(j, "status");
	jout_unsigned(j, r->status);
	members_flags(j, r->flags);
	jout_key(j, "hash");
	jout_hex64(j, r->hash);
}

static void members_items(struct json_out *j, const struct report *r)
{
	struct cursor c = cursor_of(span_of(r->items, r->items_size));
	struct report_item item;
	enum status status;
	jout_key(j, "items");
	jout_open(j, '[');
	while (r->body == REPORT_BODY_JT808 && r->items_size && (status = report_item_next(&c, &item)) != STATUS_END) {
		jout_open(j, '{');
		jout_key(j, "id");
		jout_unsigned(j, item.id);
		jout_key(j, "hex");
		jout_hex(j, item.value);
		if (status) {
			jout_key(j, "cut");
			jout_bool(j, true);
		}
		jout_close(j, '}');
		if (status)
			break;
	}
	jout_close(j, ']');
}

static enum status member_body(struct json_out *j, const struct report *r)
{
	struct buf body = buf_init(REPORT_BODY_MAX + 64);
	enum status status = report_body(r, &body);
	jout_key(j, "body");
	if (!status)
		jout_hex(j, buf_view(&body));
	buf_deinit(&body);
	return status ? status : j->status;
}

static enum status report_object(const struct export_track *w, struct json_out *j, const struct report *r,
				 bool geometry)
{
	enum status status = STATUS_OK;
	jout_open(j, '{');
	export_report_members(j, r, geometry);
	if (w->options.items)
		members_items(j, r);
	if (w->options.body)
		status = member_body(j, r);
	jout_close(j, '}');
	return status ? status : j->status;
}

static void members_asked(const struct export_track *w, struct json_out *j)
{
	jout_key(j, "device");
	jout_hex64(j, w->options.device);
	jout_key(j, "title");
	if (w->options.title)
		jout_string(j, w->options.title);
	else
		jout_null(j);
	jout_key(j, "from");
	jout_time(j, w->options.from_ms);
	jout_key(j, "to");
	jout_time(j, w->options.to_ms);
}

static void member_next(struct json_out *j, const char *next)
{
	jout_key(j, "next");
	if (next)
		jout_string(j, next);
	else
		jout_null(j);
}

static enum status json_begin(struct export_track *w, struct buf *out)
{
	struct json_out j = json_out_init(out);
	jout_open(&j, '{');
	members_asked(w, &j);
	jout_key(&j, "reports");
	jout_open(&j, '[');
	return j.status;
}

static enum status json_row(struct export_track *w, const struct report *r, struct buf *out)
{
	struct json_out j = json_out_init(out);
	j.comma = w->rows > 0 && w->options.format == EXPORT_JSON;
	enum status status = report_object(w, &j, r, false);
	if (!status && w->options.format == EXPORT_NDJSON)
		status = buf_append_u8(out, '\n');
	return status;
}

static enum status json_end(struct export_track *w, const char *next, struct buf *out)
{
	(void)w;
	struct json_out j = json_out_init(out);
	jout_close(&j, ']');
	member_next(&j, next);
	jout_close(&j, '}');
	return j.status ? j.status : buf_append_u8(out, '\n');
}

/* --- GeoJSON --- */

static void coordinates(struct json_out *j, const struct report *r)
{
	jout_open(j, '[');
	jout_fixed(j, r->lon_e7, 7);
	jout_fixed(j, r->lat_e7, 7);
	jout_close(j, ']');
}

void export_point(struct json_out *j, const struct report *r)
{
	if (!is_fix(r)) {
		jout_null(j);
		return;
	}
	jout_open(j, '{');
	jout_key(j, "type");
	jout_string(j, "Point");
	jout_key(j, "coordinates");
	coordinates(j, r);
	jout_close(j, '}');
}

static enum status geojson_begin(struct export_track *w, struct buf *out)
{
	struct json_out j = json_out_init(out);
	jout_open(&j, '{');
	jout_key(&j, "type");
	jout_string(&j, w->options.line ? "Feature" : "FeatureCollection");
	if (!w->options.line) {
		members_asked(w, &j);
		jout_key(&j, "features");
		jout_open(&j, '[');
	}
	return j.status;
}

static enum status feature_row(struct export_track *w, const struct report *r, struct buf *out)
{
	struct json_out j = json_out_init(out);
	j.comma = w->rows > 0;
	jout_open(&j, '{');
	jout_key(&j, "type");
	jout_string(&j, "Feature");
	jout_key(&j, "geometry");
	export_point(&j, r);
	jout_key(&j, "properties");
	enum status status = report_object(w, &j, r, true);
	jout_close(&j, '}');
	return status ? status : j.status;
}

static enum status line_time(struct export_track *w, const struct report *r)
{
	struct json_out times = json_out_init(&w->times);
	times.comma = w->times.size > 0;
	jout_time(&times, r->time_ms);
	return times.status;
}

/* The first vertex waits for a second: a line of one is no line. `rows` counts vertices. */
static enum status line_row(struct export_track *w, const struct report *r, struct buf *out)
{
	struct json_out j = json_out_init(out);
	if (w->rows == EXPORT_LINE_MAX)
		return STATUS_FULL;
	if (w->rows == 0) {
		w->first = *r;
		return line_time(w, r);
	}
	if (w->rows == 1) {
		j.comma = true;
		jout_key(&j, "geometry");
		jout_open(&j, '{');
		jout_key(&j, "type");
		jout_string(&j, "LineString");
		jout_key(&j, "coordinates");
		jout_open(&j, '[');
		coordinates(&j, &w->first);
	}
	j.comma = true;
	coordinates(&j, r);
	return j.status ? j.status : line_time(w, r);
}

static enum status line_end(struct export_track *w, const char *next, struct buf *out)
{
	struct json_out j = json_out_init(out);
	j.comma = true;
	if (w->rows > 1) {
		jout_close(&j, ']');
		jout_close(&j, '}');
	} else {
		jout_key(&j, "geometry");
		if (w->rows)
			export_point(&j, &w->first);
		else
			jout_null(&j);
	}
	jout_key(&j, "properties");
	jout_open(&j, '{');
	members_asked(w, &j);
	jout_key(&j, "coordTimes");
	jout_open(&j, '[');
	if (!j.status)
		j.status = buf_append(out, w->times.data, w->times.size);
	jout_close(&j, ']');
	jout_close(&j, '}');
	member_next(&j, next);
	jout_close(&j, '}');
	return j.status ? j.status : buf_append_u8(out, '\n');
}

/* --- CSV --- */

static enum status csv_fixed(struct buf *out, bool known, int64_t v, unsigned decimals)
{
	enum status status = buf_append_u8(out, ',');
	return status || !known ? status : fixed_append(out, v, decimals);
}

enum status export_report_csv(const struct report *r, struct buf *out)
{
	char flags[64];
	enum status status = time_append(out, r->received_ms);
	const struct {
		int64_t v;
		unsigned decimals;
		bool known;
	} fields[] = {
		{r->lat_e7, 7, export_has_position(r)},
		{r->lon_e7, 7, export_has_position(r)},
		{r->speed_dkmh, 1, r->speed_dkmh != SPEED_UNKNOWN},
		{r->course_deg, 0, r->course_deg != COURSE_UNKNOWN},
		{r->altitude_m, 0, r->altitude_m != ALTITUDE_UNKNOWN},
		{r->mileage_hm, 1, r->mileage_hm != MILEAGE_UNKNOWN},
		{r->alarm, 0, true},
		{r->status, 0, true},
	};
	for (size_t i = 0; i < sizeof fields / sizeof fields[0] && !status; i++)
		status = csv_fixed(out, fields[i].known, fields[i].v, fields[i].decimals);
	export_flags_text(r->flags, flags);
	return status ? status : buf_printf(out, ",%s", flags);
}

static enum status csv_begin(struct export_track *w, struct buf *out)
{
	return buf_printf(out, "device,time," EXPORT_REPORT_CSV_COLUMNS ",hash%s%s\r\n",
			  w->options.items ? ",items" : "", w->options.body ? ",body" : "");
}

static enum status csv_hex(struct buf *out, struct span bytes)
{
	enum status status = buf_reserve(out, 2 * bytes.size + 2);
	if (status)
		return status;
	out->data[out->size++] = ',';
	hex_encode((char *)out->data + out->size, bytes);
	out->size += 2 * bytes.size;
	return STATUS_OK;
}

static enum status csv_body(const struct report *r, struct buf *out)
{
	struct buf body = buf_init(REPORT_BODY_MAX + 64);
	enum status status = report_body(r, &body);
	if (!status)
		status = csv_hex(out, buf_view(&body));
	buf_deinit(&body);
	return status;
}

static enum status csv_row(struct export_track *w, const struct report *r, struct buf *out)
{
	enum status status = buf_printf(out, "%016llx,", (unsigned long long)w->options.device);
	if (!status)
		status = time_append(out, r->time_ms);
	if (!status)
		status = buf_append_u8(out, ',');
	if (!status)
		status = export_report_csv(r, out);
	if (!status)
		status = buf_printf(out, ",%016llx", (unsigned long long)r->hash);
	if (!status && w->options.items)
		status = csv_hex(out, span_of(r->items, r->items_size));
	if (!status && w->options.body)
		status = csv_body(r, out);
	return status ? status : buf_append(out, "\r\n", 2);
}

/* --- GPX --- */

static enum status gpx_begin(struct export_track *w, struct buf *out)
{
	char id[17];
	const char *title = w->options.title;
	snprintf(id, sizeof id, "%016llx", (unsigned long long)w->options.device);
	enum status status = buf_printf(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
					     "<gpx version=\"1.1\" creator=\"Zayton\" "
					     "xmlns=\"http://www.topografix.com/GPX/1/1\" xmlns:z=\"urn:zayton:gpx\">\n"
					     "<trk><name>");
	if (!status)
		status = xml_append(out, span_of_string(title ? title : id));
	return status ? status : buf_printf(out, "</name><src>%s</src>\n", id);
}

static enum status gpx_extensions(const struct report *r, struct buf *out)
{
	bool speed = r->speed_dkmh != SPEED_UNKNOWN, course = r->course_deg != COURSE_UNKNOWN;
	if (!speed && !course)
		return STATUS_OK;
	enum status status = buf_printf(out, "<extensions>");
	if (!status && speed)
		status = buf_printf(out, "<z:speed_kmh>%u.%u</z:speed_kmh>", r->speed_dkmh / 10u, r->speed_dkmh % 10u);
	if (!status && course)
		status = buf_printf(out, "<z:course_deg>%u</z:course_deg>", r->course_deg);
	return status ? status : buf_printf(out, "</extensions>");
}

static enum status gpx_segment(struct export_track *w, const struct report *r, struct buf *out)
{
	bool gap = w->opened && r->time_ms - w->time_last_ms >= EXPORT_GPX_GAP_MS;
	w->time_last_ms = r->time_ms;
	if (w->opened && !gap)
		return STATUS_OK;
	w->opened = true;
	return buf_printf(out, "%s<trkseg>\n", gap ? "</trkseg>\n" : "");
}

static enum status gpx_row(struct export_track *w, const struct report *r, struct buf *out)
{
	enum status status = gpx_segment(w, r, out);
	if (!status)
		status = buf_printf(out, "<trkpt lat=\"");
	if (!status)
		status = fixed_append(out, r->lat_e7, 7);
	if (!status)
		status = buf_printf(out, "\" lon=\"");
	if (!status)
		status = fixed_append(out, r->lon_e7, 7);
	if (!status)
		status = buf_printf(out, "\">");
	if (!status && r->altitude_m != ALTITUDE_UNKNOWN)
		status = buf_printf(out, "<ele>%d</ele>", r->altitude_m);
	if (!status)
		status = buf_printf(out, "<time>");
	if (!status)
		status = time_append(out, r->time_ms);
	if (!status)
		status = buf_printf(out, "</time>");
	if (!status)
		status = gpx_extensions(r, out);
	return status ? status : buf_printf(out, "</trkpt>\n");
}

static enum status gpx_end(struct export_track *w, struct buf *out)
{
	return buf_printf(out, "%s</trk>\n</gpx>\n", w->opened ? "</trkseg>" : "");
}

/* --- any --- */

enum status export_track_begin(struct export_track *w, const struct export_track_options *options, struct buf *out)
{
	*w = (struct export_track){.options = *options, .times = buf_init(LINE_TIMES_MAX)};
	switch (options->format) {
	case EXPORT_JSON:
		return json_begin(w, out);
	case EXPORT_GEOJSON:
		return geojson_begin(w, out);
	case EXPORT_CSV:
		return csv_begin(w, out);
	case EXPORT_GPX:
		return gpx_begin(w, out);
	default:
		return STATUS_OK;
	}
}

enum status export_track_row(struct export_track *w, const struct report *r, struct buf *out)
{
	size_t size = out->size;
	bool only_fixes = w->options.format == EXPORT_GPX || (w->options.format == EXPORT_GEOJSON && w->options.line);
	enum status status;
	if (only_fixes && !is_fix(r))
		return STATUS_OK;
	if (w->options.format == EXPORT_CSV)
		status = csv_row(w, r, out);
	else if (w->options.format == EXPORT_GPX)
		status = gpx_row(w, r, out);
	else if (w->options.format != EXPORT_GEOJSON)
		status = json_row(w, r, out);
	else
		status = w->options.line ? line_row(w, r, out) : feature_row(w, r, out);
	if (status)
		out->size = size;
	else
		w->rows++;
	return status;
}

enum status export_track_end(struct export_track *w, const char *next, struct buf *out)
{
	switch (w->options.format) {
	case EXPORT_JSON:
		return json_end(w, next, out);
	case EXPORT_GEOJSON:
		return w->options.line ? line_end(w, next, out) : json_end(w, next, out);
	case EXPORT_GPX:
		return gpx_end(w, out);
	default:
		return STATUS_OK;
	}
}

void export_track_deinit(struct export_track *w)
{
	buf_deinit(&w->times);
}
