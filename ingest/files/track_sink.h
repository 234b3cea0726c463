/* track_sink.h -- where the readers of track files put what they read, and what they refuse.
 *
 *   file ── reader (tracks_csv, gpx, capture) ──> report(device number, report)
 *                                            └──> refused(line, field, reason, excerpt)
 *
 * A reader has a step function that reads a bounded piece of the file and returns at a place where reading may be
 * taken up again later; the sink is called from within it, on the same thread. */
#ifndef ZAYTON_INGEST_TRACK_SINK_H
#define ZAYTON_INGEST_TRACK_SINK_H

#include <stdint.h>

#include "engine/core/bytes.h"
#include "engine/core/status.h"
#include "engine/series/report.h"

/* What a refusal is about. The first two are no columns. */
#define TRACK_FIELD_TABLE(X)                                                                                           \
	X(ROW, "row")                                                                                                  \
	X(FRAME, "frame")                                                                                              \
	X(DEVICE, "device")                                                                                            \
	X(TIME, "time")                                                                                                \
	X(LAT, "lat")                                                                                                  \
	X(LON, "lon")                                                                                                  \
	X(SPEED, "speed")                                                                                              \
	X(COURSE, "course")                                                                                            \
	X(ALTITUDE, "altitude")                                                                                        \
	X(ALARM, "alarm")                                                                                              \
	X(STATUS, "status")                                                                                            \
	X(MILEAGE, "mileage")                                                                                          \
	X(RECEIVED, "received")

enum track_field {
#define X(NAME, text) TRACK_FIELD_##NAME,
	TRACK_FIELD_TABLE(X)
#undef X
		TRACK_FIELD_COUNT
};

/* Static storage. */
const char *track_field_name(enum track_field field);

struct refused {
	uint64_t line; /* from 1; of a raw capture the frame's number */
	enum track_field field;
	enum status status;
	struct span text; /* what was refused, as it stands in the file; borrowed, may be empty */
};

struct track_sink {
	void *context;
	/* `device` is the number of its name in the reader's name_index. Anything but STATUS_OK ends the step,
	 * which returns it. Items of `r` are borrowed for the call. */
	enum status (*report)(void *context, uint64_t line, uint32_t device, const struct report *r);
	void (*refused)(void *context, const struct refused *refused);
};

#endif
