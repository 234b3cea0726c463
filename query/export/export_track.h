/* export_track.h -- the reports of one device, written row by row in any format.
 *
 *   export_track_begin(&w, &options, out);
 *   while (!track_next(t, &r))  export_track_row(&w, &r, out);     the caller empties `out` whenever it likes
 *   export_track_end(&w, next_cursor_or_NULL, out);                export_track_deinit(&w);
 *
 * Fields, in JSON, NDJSON and GeoJSON properties: time, received (RFC 3339, UTC), lat, lon (degrees, WGS-84), fix,
 * speed_kmh, course_deg, altitude_m, mileage_km, alarm, status (JT/T 808 words), flags, hash; items as
 * [{"id":1,"hex":"..."}] and body as hex when asked for. What is unknown is null in JSON and empty in CSV.
 *
 * CSV is what `zayton import tracks` reads back without a mapping: device, time, received, lat, lon (degrees), speed
 * (km/h), course (degrees), altitude (m), mileage (km), alarm, status; then flags, hash and, when asked for, items
 * and body (hex).
 *
 * GeoJSON (RFC 7946, longitude first): a FeatureCollection of points, or one LineString feature with
 * properties.coordTimes; a report without a fix has a null geometry and is no vertex of the line.
 * GPX 1.1: one track; a fix an hour or more after the one before begins a new segment; reports without a fix are
 * left out, speed and course are extensions.
 *
 * Pure: no engine calls, no clock; the same reports give the same bytes. */
#ifndef ZAYTON_QUERY_EXPORT_TRACK_H
#define ZAYTON_QUERY_EXPORT_TRACK_H

#include "engine/core/limits.h"
#include "engine/series/report.h"
#include "query/export/export_format.h"

/* vertices of a LineString: their times are held back until the coordinates are through */
#define EXPORT_LINE_MAX 200000
#define EXPORT_GPX_GAP_MS (INT64_C(60) * 60000)

struct export_track_options {
	enum export_format format;
	uint64_t device;
	const char *title;      /* a name for people: plate, name; may be NULL */
	int64_t from_ms, to_ms; /* as asked, or INT64_MIN, INT64_MAX */
	bool items, body;       /* hex of the items, of the original body */
	bool line;              /* GeoJSON: a LineString */
};

struct export_track {
	struct export_track_options options;
	uint64_t rows;
	bool opened; /* a LineString's coordinates, or a GPX segment */
	struct report first;
	int64_t time_last_ms;
	struct buf times; /* of a LineString */
};

/* STATUS_FULL when `out` has no room (one row needs at most EXPORT_ROW_BYTES_MAX), or the line is too long. */
#define EXPORT_ROW_BYTES_MAX (6 * REPORT_BODY_MAX + 4096)
STATUS_CHECKED enum status export_track_begin(struct export_track *w, const struct export_track_options *options,
					      struct buf *out);
STATUS_CHECKED enum status export_track_row(struct export_track *w, const struct report *r, struct buf *out);
/* `next` (may be NULL) is the cursor that goes on from here; only JSON and GeoJSON carry it. */
STATUS_CHECKED enum status export_track_end(struct export_track *w, const char *next, struct buf *out);
void export_track_deinit(struct export_track *w);

/* --- shared with positions --- */

struct json_out;
/* The members of a report inside an open object; without lat and lon when `geometry` says them. */
void export_report_members(struct json_out *j, const struct report *r, bool geometry);
/* {"type":"Point","coordinates":[lon,lat]} or null. */
void export_point(struct json_out *j, const struct report *r);
/* "batch backfill" ...; at most 64 bytes. */
void export_flags_text(uint16_t flags, char out[64]);
/* A position to show: one that came with a fix, or at least one that is not the zero of a cold receiver. */
bool export_has_position(const struct report *r);
/* received,lat,lon,speed,course,altitude,mileage,alarm,status,flags of CSV. */
STATUS_CHECKED enum status export_report_csv(const struct report *r, struct buf *out);
#define EXPORT_REPORT_CSV_COLUMNS "received,lat,lon,speed,course,altitude,mileage,alarm,status,flags"

#endif
