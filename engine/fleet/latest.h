/* latest.h -- where devices were as of an instant: the last report of each, and the last that says a place.
 *
 *   head's last report ── not after the instant ──> it is the one
 *   else the blocks and the head of the last hours before the instant, then of days, then all that is asked for
 *
 * An answer is that of a walk over the device's track (track_next) which keeps the last report that counts. Reports
 * ahead of their receipt (REPORT_FLAG_FUTURE) never count; those without a fix, or whose position is shifted
 * (REPORT_FLAG_OFFSET), were heard and say no place.
 *
 * Threads: any but an event loop; the question may take threads of its own. */
#ifndef ZAYTON_FLEET_LATEST_H
#define ZAYTON_FLEET_LATEST_H

#include "engine/fleet/engine.h"
#include "engine/geo/fence.h"

struct latest_ask {
	uint64_t device;
	int64_t from_ms, to_ms; /* event time, both included */
};

struct latest {
	int64_t heard_ms;  /* of the last report; INT64_MIN: none within the span */
	int64_t placed_ms; /* of the last that says a place; INT64_MIN: none */
	struct geo_point at;
	uint16_t speed_dkmh, course_deg; /* of that report, or unknown (report.h) */
	enum status status;              /* STATUS_CORRUPT, STATUS_IO, STATUS_NO_MEMORY of this one */
};

/* out[i] answers asks[i]; `threads` 0: one, at most ARCHIVE_THREADS_MAX (limits.h). Of two reports of one instant the
 * greater by report_compare() is the last. The first failure of any is returned; STATUS_INVALID: from after to. */
STATUS_CHECKED enum status engine_latest(struct engine *e, const struct latest_ask *asks, size_t count,
					 unsigned threads, struct latest *out);

#endif
