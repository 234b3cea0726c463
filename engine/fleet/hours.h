/* hours.h -- how fast devices went, hour by hour.
 *
 *   device ─> summary rows of its blocks ─> hours they keep: added    none, or cut by the span: time and speed decoded
 *          └> head, and what overlaps     ─> each report of the track
 *
 * An answer is that of a walk over the device's track (track_next): each report with a known speed counts once in the
 * hour of its time. Hours are those of UTC, whose borders are UTC+8's.
 *
 * Threads: any but an event loop. */
#ifndef ZAYTON_FLEET_HOURS_H
#define ZAYTON_FLEET_HOURS_H

#include "engine/fleet/engine.h"

struct hours_query {
	int64_t from_ms, to_ms;  /* both included; what lies in a part of an hour counts in that hour */
	const uint64_t *devices; /* ascending, each once; NULL: every device of the registry */
	size_t device_count;
	void *context; /* of the visit */
};

struct hour_speed {
	uint64_t device;
	int64_t from_ms;         /* the hour's first millisecond */
	uint64_t reports;        /* with a known speed, 1 or more */
	uint64_t speed_sum_dkmh; /* of them: the mean is the quotient, 0.1 km/h */
};

/* A failure it returns ends the question. */
typedef enum status hours_visit(void *context, const struct hour_speed *hour);
/* Hours that have reports, by device and time, both ascending. Memory does not grow with the devices nor with the span.
 * STATUS_INVALID: from after to; STATUS_CORRUPT, STATUS_IO, STATUS_NO_MEMORY. */
STATUS_CHECKED enum status engine_hours(struct engine *e, const struct hours_query *q, hours_visit *visit);

#endif
