/* track_import.h -- reports of one file into a store that no one serves.
 *
 *   reader ──> track_import_report(line, device number, report) ──> device id ──> bulk_add
 *              track_import_refused(line, field, reason)       ──> refusals
 *
 *   devices  [ id | 0 = not asked yet | ... ]     by number in `names`; a name that names no device keeps its reason
 *
 * Devices that the registry does not know are made; a checkpoint makes them durable with their reports. One owner. */
#ifndef ZAYTON_QUERY_TRACK_IMPORT_H
#define ZAYTON_QUERY_TRACK_IMPORT_H

#include "engine/fleet/engine.h"
#include "ingest/files/name_index.h"
#include "ingest/files/refusals.h"
#include "ingest/files/track_sink.h"

/* What the device text of a file is. */
#define DEVICE_BY_TABLE(X)                                                                                             \
	X(NAME, "name")   /* a name of its own, or 16 hex digits of a known device: made when missing */               \
	X(PHONE, "phone") /* a terminal's phone: made, as unregistered, when missing */                                \
	X(PLATE, "plate") /* COLOUR:PLATE of a registered vehicle */                                                   \
	X(ID, "id")       /* 16 hex digits of a known device */                                                        \
	X(MMSI, "mmsi")                                                                                                \
	X(CARD, "beidou_card")

enum device_by {
#define X(NAME, text) DEVICE_BY_##NAME,
	DEVICE_BY_TABLE(X)
#undef X
		DEVICE_BY_COUNT
};
/* STATUS_NOT_FOUND. */
STATUS_CHECKED enum status device_by_parse(struct span text, enum device_by *out);

struct import_device {
	uint64_t id; /* 0: not asked yet, or `refused` */
	enum status refused;
};

struct track_import {
	struct engine *engine;
	struct bulk *bulk;
	enum device_by by;
	const char *class_token; /* of devices that are made, NULL: none */
	struct name_index names;
	struct import_device *devices;
	size_t device_capacity;
	struct refusals refusals;
	uint64_t stored, made; /* rows handed to the engine; devices made */
};

/* Rows read. Not counted by itself: two counters side by side in the hot loop are added as one vector, whose
 * load then waits for every store before it, 12 % of an import. */
static inline uint64_t track_import_rows(const struct track_import *t)
{
	return t->stored + t->refusals.total;
}

/* STATUS_NO_MEMORY, and what bulk_open says. */
STATUS_CHECKED enum status track_import_init(struct track_import *t, struct engine *e, enum device_by by,
					     const char *class_token, size_t listed_max);
/* Frees; the bulk is closed, unless it was. */
void track_import_deinit(struct track_import *t);
/* Both are members of a track_sink. */
enum status track_import_report(void *context, uint64_t line, uint32_t device, const struct report *r);
void track_import_refused(void *context, const struct refused *refused);

#endif
