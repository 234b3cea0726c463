/* fact.h -- what stage 1 tells stage 2: what a vehicle did, said once, in a few words.
 *
 * Stage 1 sees one source device; what belongs to a driver, a plate or a pair is found by stage 2 from facts. A fact is
 * known by (kind, device, from_ms, place); telling it again with a later `to_ms` extends it. Facts, like findings, are
 * a pure function of reports and context. */
#ifndef ZAYTON_DETECT_FACT_H
#define ZAYTON_DETECT_FACT_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/core/bytes.h"

enum fact_kind {
	/* Driving: from the first moving report to the last before the vehicle stood for FACT_STAND_MS or the
	 * driver changed. `driver` 0: nobody's card. */
	FACT_DRIVE = 1,
	/* Not known: between two reports further apart than the rule's gap, over which position or odometer changed, or
	 * cannot be compared: neither driving nor rest. `value` mm of displacement. */
	FACT_GAP = 2,
	/* Inside a fence of interest (one that a stage-2 rule names by tag): `place` is the hash of its id. */
	FACT_VISIT = 3,
	/* Two vessels at risk at one half minute of the grid (sea_window.h), as wide as any rule asks: `device` is the
	 * window's number, `driver` and `value` the two vessels, the lower first, `place` the pair; from_* where the
	 * first was, to_lat_e7 the CPA in mm, to_lon_e7 the TCPA in ms. */
	FACT_RISK = 7,
	/* Two vessels close to each other during a whole window: as above, but to_lat_e7 is the largest distance in mm
	 * and to_lon_e7 the higher speed << 16 | the lower, 0.1 km/h. */
	FACT_TOGETHER = 8,
	/* Two codes in one window: `device`, `driver`, `value` and `place` as above, to_lon_e7 is enum codes_are.
	 * Silent: from_* where the other was first heard in the window. Apart: from one fix to the next, of the other;
	 * from_* where that was, to_lat_e7 mm between them. Reborn: from the last fix of the one that vanished to the
	 * first of the one that was born; from_* where the former was, to_lat_e7 mm between them then. */
	FACT_CODES = 9,
	/* A boat away from its formation during a whole window: `driver` the boat, `value` the formation, `place` the
	 * pair of them; from_* where it was, to_lat_e7 the least distance to the nearest other, mm. */
	FACT_LEFT = 10,
};

enum codes_are {
	CODES_FIRST_SILENT = 1,
	CODES_SECOND_SILENT = 2,
	CODES_APART = 3,
	CODES_FIRST_REBORN = 4, /* the first vanished, the second was born */
	CODES_SECOND_REBORN = 5,
};
#define CODES_ARE_MASK 0xff
#define CODES_TURN_SHIFT                                                                                               \
	8 /* above it, of the reborn: by how many degrees the courses differ, 0 when one lies still                    \
	   */

struct fact {
	uint8_t kind;
	bool open; /* still going on as of the last report */
	uint64_t device;
	uint64_t driver; /* 0 unknown */
	uint64_t place;
	int64_t from_ms, to_ms;
	int64_t value;
	int32_t from_lat_e7, from_lon_e7, to_lat_e7, to_lon_e7;
};

/* The number of a driver: a hash of the qualification certificate's number (0x0702) or of the registry's name, seeded
 * apart from devices' ids; never 0. */
uint64_t driver_number(struct span code);
/* The number of a place: a hash of the fence's id. */
uint64_t place_number(struct span fence_id);
/* The number of a pair of devices, in either order. */
uint64_t pair_number(uint64_t device, uint64_t other);
static inline bool fact_is_of_pair(const struct fact *f)
{
	return f->kind >= FACT_RISK && f->kind <= FACT_LEFT;
}

/* Order: (from, kind, device, to, driver, place, and the rest): facts that compare equal are equal. */
int fact_compare(const struct fact *a, const struct fact *b);
/* Version 1, documented in fact.c; FACT_BYTES long. The same fact is the same bytes. */
#define FACT_BYTES 67
STATUS_CHECKED enum status fact_encode(const struct fact *f, struct buf *out);
/* STATUS_CORRUPT, STATUS_BAD_VERSION. */
STATUS_CHECKED enum status fact_decode(struct span bytes, struct fact *out);

#endif
