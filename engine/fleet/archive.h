/* archive.h -- who was where, when: devices that were within a region during a span of time.
 *
 *   device ─> summaries of its blocks ─> outside: skipped    inside, and wholly in the span: counted as it stands
 *          └> head                       else: time and position of each report
 *
 * An answer is that of a walk over the device's track (track_next): each report once, sealed, late and head alike.
 * Reports without a fix, and those whose position is shifted (REPORT_FLAG_OFFSET), are not judged: they are neither
 * inside nor outside. decisions/archive.md tells why there is no index of places.
 *
 * Threads: any but an event loop; the question may take threads of its own. */
#ifndef ZAYTON_FLEET_ARCHIVE_H
#define ZAYTON_FLEET_ARCHIVE_H

#include "engine/fleet/engine.h"
#include "engine/geo/fence.h"

struct archive_query {
	struct fence_area *area; /* borrowed; NULL: everything within `within_mm` of `centre` */
	struct geo_point centre;
	int64_t within_mm;       /* 0 .. REGION_RADIUS_MAX_MM (geo/region.h), by distance_mm() */
	int64_t from_ms, to_ms;  /* both included */
	const uint64_t *devices; /* ascending, each once; NULL: every device of the registry */
	size_t device_count;
	bool crossings;   /* tell them */
	unsigned threads; /* 0: one; at most ARCHIVE_THREADS_MAX (limits.h) are taken */
	/* Asked of every device before it is looked at, on the caller's thread; may be NULL: all. STATUS_NOT_FOUND: not
	 * this one; another failure ends the question and is returned. */
	enum status (*wanted)(void *context, uint64_t device);
	void *context; /* of `wanted` and of the visit */
};

struct archive_sight {
	int64_t time_ms;
	struct geo_point at;
};

/* A judged report on the other side than the one before it, both in the span. */
struct archive_crossing {
	struct archive_sight sight; /* of the later report: inside when it enters, else outside */
	bool enters;
};

struct archive_answer {
	uint64_t device;
	uint64_t reports;                         /* judged ones inside, 1 or more */
	struct archive_sight first, last;         /* of them */
	const struct archive_crossing *crossings; /* in order, the first ARCHIVE_CROSSINGS_MAX (limits.h) */
	uint32_t crossing_count;
	uint64_t crossings_total; /* what is above the count is not listed */
};

/* `answer` lasts until the visit returns; a failure it returns ends the question. */
typedef enum status archive_visit(void *context, const struct archive_answer *answer);
/* Devices that were inside, ascending; the visits come on the caller's thread. Memory does not grow with the devices
 * nor with the span. STATUS_INVALID: from after to; STATUS_OUT_OF_RANGE: no such distance or centre; STATUS_FULL: the
 * area has too many cells; STATUS_CORRUPT, STATUS_IO, STATUS_NO_MEMORY. */
STATUS_CHECKED enum status engine_archive(struct engine *e, const struct archive_query *q, archive_visit *visit);

#endif
