/* track_legs.h -- the legs of a track added up: how far, how far without gaps, and whether one was impossibly fast.
 *
 *   valid positions  a ─── b ─── c ───────── d      a leg lies between neighbours in time
 *                     whole  whole    gap          longer than gap_mm or gap_ms: mileage, but not complete
 *
 * The same as over track_next(), but what blocks hold is read in columns: a stretch of which every leg is short by a
 * bound in degrees is added up at once, and one that is a whole block by its summary. */
#ifndef ZAYTON_FLEET_TRACK_LEGS_H
#define ZAYTON_FLEET_TRACK_LEGS_H

#include "engine/fleet/engine.h"

struct track_legs_limits {
	int64_t gap_mm, gap_ms; /* a leg of more is broken; above 0 */
	int64_t drift_kmh;      /* faster than this nothing drives; above 0 */
};

struct track_legs {
	uint64_t positions; /* valid: with a fix, without map offset, not of the future */
	uint64_t mileage_mm, complete_mm;
	bool drifts;
};

/* Of the positions within [from_ms, to_ms]. STATUS_CORRUPT, STATUS_IO, STATUS_NO_MEMORY. Any thread but an event loop.
 */
STATUS_CHECKED enum status track_legs(struct engine *e, uint64_t device, int64_t from_ms, int64_t to_ms,
				      const struct track_legs_limits *limits, struct track_legs *out);
/* Is there a valid position within? Stops at the first. */
STATUS_CHECKED enum status track_has_position(struct engine *e, uint64_t device, int64_t from_ms, int64_t to_ms,
					      bool *out);

#endif
