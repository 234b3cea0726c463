/* gpx.h -- positions out of GPX 1.0 and 1.1, read as a stream.
 *
 *   <trk> <name>device</name> <trkseg> <trkpt lat lon> <ele/> <time/> <speed/> <course/> </trkpt> ...
 *
 * Taken from a trkpt, whatever their namespace and however deep: ele (m), time (RFC 3339, without a zone the
 * reader's), speed (m/s, as GPX 1.0 and TrackPointExtension have it), speed_kmh (km/h), course or
 * course_deg (degrees). Way-points
 * and routes are passed over. Every point is a fix, sealed, of body REPORT_BODY_ROW, with REPORT_FLAG_BACKFILL.
 * A document type declaration ends the reading: no entity is ever expanded. Memory is bounded by the parser's buffer
 * and GPX_DEPTH_MAX. One owner. */
#ifndef ZAYTON_INGEST_GPX_H
#define ZAYTON_INGEST_GPX_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/core/bytes.h"
#include "engine/core/status.h"
#include "ingest/files/csv.h"
#include "ingest/files/name_index.h"
#include "ingest/files/track_sink.h"

/* elements within elements: extensions of extensions have ten */
#define GPX_DEPTH_MAX 64
/* bytes of text within one element */
#define GPX_TEXT_MAX 128
/* bytes parsed at a step */
#define GPX_STEP_BYTES 65536

struct gpx_options {
	int64_t zone_ms;
	struct span device; /* every point is of this device; empty: the name of its trk tells */
};

struct gpx;
STATUS_CHECKED enum status gpx_open(csv_read *read, void *context, const struct gpx_options *options,
				    struct name_index *names, struct gpx **out);
/* NULL is allowed. */
void gpx_close(struct gpx *g);

/* Parse the next piece into `sink`. STATUS_OK: there may be more; STATUS_END; STATUS_MALFORMED: no XML, gpx_error
 * tells what and gpx_line where; STATUS_UNSUPPORTED: a document type declaration; STATUS_TOO_LONG: too deep;
 * STATUS_IO, STATUS_NO_MEMORY, or what the sink returned. Anything but STATUS_OK stands. */
STATUS_CHECKED enum status gpx_step(struct gpx *g, const struct track_sink *sink);
const char *gpx_error(const struct gpx *g);
uint64_t gpx_line(const struct gpx *g);
/* Bytes parsed, for a progress bar; points passed, and passing over the first `points` to go on there. */
uint64_t gpx_offset(const struct gpx *g);
uint64_t gpx_points(const struct gpx *g);
void gpx_resume(struct gpx *g, uint64_t points);

#endif
