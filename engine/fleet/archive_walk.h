/* archive_walk.h -- one device of a question to the archive. Within this room only.
 *
 *   tally   first, last, how many, inside or not ... grows report by report
 *   walk    what a thread needs of its own: columns of a block, the copied head */
#ifndef ZAYTON_FLEET_ARCHIVE_WALK_H
#define ZAYTON_FLEET_ARCHIVE_WALK_H

#include "engine/fleet/archive.h"
#include "engine/geo/region.h"

/* What is known of a device so far. The crossings lie beside it: to go back to an earlier tally is to copy it. */
struct archive_tally {
	uint64_t reports, crossings_total;
	struct archive_sight first, last;
	uint32_t crossing_count;
	bool judged; /* there was a report to judge */
	bool inside; /* the last one of them was */
};

/* One device's answer in the making. All zero to begin; keeps its memory for the next device. */
struct archive_slot {
	uint64_t device;
	enum status status;
	struct archive_tally tally;
	struct archive_crossing *crossings;
	uint32_t capacity;
};

struct archive_walk;
STATUS_CHECKED enum status archive_walk_new(struct engine *e, const struct archive_query *q,
					    const struct region *region, struct archive_walk **out);
void archive_walk_free(struct archive_walk *w);
/* Fills slot->tally and slot->crossings for slot->device. STATUS_CORRUPT, STATUS_IO, STATUS_NO_MEMORY. */
STATUS_CHECKED enum status archive_walk_device(struct archive_walk *w, struct archive_slot *slot);

#endif
