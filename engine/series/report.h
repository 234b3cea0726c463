/* report.h -- the canonical report: what one position means, whoever sent it.
 *
 * A report is known by (source device, time_ms, hash): `hash` is XXH3-64 of the original body, so the
 * same bytes are the same report however often and by whichever way they arrive. Reports of a
 * device are ordered by (time_ms, hash). Everything else follows from the body, except `received_ms`
 * and the arrival flags; duplicates merge to the smallest `received_ms` and the AND of the
 * arrival flags, so that the merged report does not depend on the order of arrival.
 *
 * Bodies. REPORT_BODY_JT808: a 0x0200 body, 28 fixed bytes and its items. REPORT_BODY_ROW: a row of
 * a file, or what came at sea; its body is the canonical little-endian image that report_row_seal() hashes. For both,
 * `items` is what follows the fixed part, and report_body() gives the original bytes back. Items of rows are written
 * as those of JT/T 808 are, so that blocks keep them by column (block_items.h). */
#ifndef ZAYTON_SERIES_REPORT_H
#define ZAYTON_SERIES_REPORT_H

#include <stdint.h>

#include "engine/core/bytes.h"
#include "engine/core/status.h"

#define E7_PER_DEGREE 10000000
#define LAT_E7_MAX 900000000
#define LON_E7_MAX 1800000000

/* "not available" is never zero */
#define SPEED_UNKNOWN UINT16_MAX
#define COURSE_UNKNOWN UINT16_MAX
#define ALTITUDE_UNKNOWN INT16_MIN
#define MILEAGE_UNKNOWN UINT32_MAX
#define RECEIVED_UNKNOWN INT64_MIN

enum report_body { REPORT_BODY_JT808 = 0, REPORT_BODY_ROW = 1 };

/* bytes of the fixed part: alarm, status, latitude, longitude, altitude, speed, course, BCD time (JT/T 808-2019
 * table 23); and of a row's image: time_ms 8, lat_e7 4, lon_e7 4, alarm 4, status 4, mileage_hm 4, speed 2,
 * course 2, altitude 2 */
#define REPORT_FIXED_JT808 28
#define REPORT_FIXED_ROW 34

/* flags: what admission noticed. The low byte is a function of the body and travels with it; the
 * arrival flags (ARRIVAL mask) depend on how it came and merge by AND. */
#define REPORT_FLAG_NO_FIX 0x0001u     /* status bit 1 clear: position is last known or zero */
#define REPORT_FLAG_OFFSET 0x0002u     /* status bit 5: position shifted by a map plug-in, never fenced */
#define REPORT_FLAG_FROM_BATCH 0x0100u /* came in 0x0704 */
#define REPORT_FLAG_BACKFILL 0x0200u   /* came as blind-area backfill (0x0704 type 1, files) */
#define REPORT_FLAG_FUTURE 0x0400u     /* was ahead of its receipt by more than FUTURE_SKEW_MAX_MS */
#define REPORT_FLAGS_ARRIVAL 0xff00u

/* JT/T 808 status word bits used by the engine (JT/T 808-2019 table 24) */
#define STATUS_BIT_ACC (1u << 0)
#define STATUS_BIT_FIX (1u << 1)
#define STATUS_BIT_SOUTH (1u << 2)
#define STATUS_BIT_WEST (1u << 3)
#define STATUS_BIT_OFFSET (1u << 5)

struct report {
	int64_t time_ms;      /* event time, UTC */
	int64_t received_ms;  /* receipt, UTC, or RECEIVED_UNKNOWN */
	uint64_t hash;        /* of the original body */
	int32_t lat_e7;       /* WGS-84, 1e-7 degrees, north positive, +-LAT_E7_MAX */
	int32_t lon_e7;       /* east positive, +-LON_E7_MAX */
	uint32_t alarm;       /* JT/T 808 alarm word */
	uint32_t status;      /* JT/T 808 status word */
	uint32_t mileage_hm;  /* odometer, 0.1 km (item 0x01), or MILEAGE_UNKNOWN */
	uint16_t speed_dkmh;  /* 0.1 km/h, or SPEED_UNKNOWN */
	uint16_t course_deg;  /* 0..359 from true north as sent (larger values are kept), or COURSE_UNKNOWN */
	int16_t altitude_m;   /* or ALTITUDE_UNKNOWN */
	uint16_t flags;       /* REPORT_FLAG_* */
	uint16_t body;        /* enum report_body */
	uint16_t items_size;  /* bytes at `items` */
	const uint8_t *items; /* borrowed: what follows the fixed part of the body, may be NULL when empty */
};

_Static_assert(sizeof(struct report) == 64, "a report fills one cache line");

/* Order of reports of one device: negative, 0 (the same report) or positive. */
static inline int report_compare(const struct report *a, const struct report *b)
{
	if (a->time_ms != b->time_ms)
		return a->time_ms < b->time_ms ? -1 : 1;
	return a->hash == b->hash ? 0 : a->hash < b->hash ? -1 : 1;
}

/* Fold a duplicate into `into` (report_compare() == 0). A known `received_ms` wins over an unknown one. */
void report_merge(struct report *into, const struct report *duplicate);

/* Decode a 0x0200 body (28 fixed bytes + items): the one place that maps the wire to a report.
 * Sets everything but `received_ms` (RECEIVED_UNKNOWN) and the arrival flags (0); `items` borrows from
 * `body`. Mileage is taken from the first item 0x01 of length 4.
 * STATUS_BAD_LENGTH  shorter than 28 bytes or longer than REPORT_BODY_MAX
 * STATUS_BAD_TIME    the BCD time is no time
 * STATUS_OUT_OF_RANGE  latitude above 90 or longitude above 180 degrees */
STATUS_CHECKED enum status report_from_jt808(struct span body, struct report *out);

/* The inverse of report_body() for ROW, received_ms and arrival flags as above; `items` borrows from `body`.
 * STATUS_BAD_LENGTH, STATUS_OUT_OF_RANGE: no position on the globe. */
STATUS_CHECKED enum status report_from_row(struct span body, struct report *out);

/* Fill `hash` of a ROW report from its canonical image (all fields above except received_ms and flags,
 * and the items). */
void report_row_seal(struct report *r);
/* The same for `count` reports without items. Faster than one by one: no image is hashed while its bytes are still on
 * their way to the cache. */
void report_rows_seal(struct report *reports, size_t count);

/* The flags that follow from the status word: the low byte of `flags`. */
static inline uint16_t report_flags_of_status(uint32_t status)
{
	uint16_t no_fix = status & STATUS_BIT_FIX ? 0 : REPORT_FLAG_NO_FIX;
	return no_fix | (status & STATUS_BIT_OFFSET ? REPORT_FLAG_OFFSET : 0);
}
/* Whether these fields and items make a body: a position on the globe and at most REPORT_BODY_MAX bytes; for JT808
 * also a position on the 1e-6 grid, in agreement with the hemisphere bits, and a whole second of 2000..2099. */
bool report_is_whole(const struct report *r);

/* Append the original body: for JT808 the bytes that came, for ROW the canonical image.
 * STATUS_INVALID unless report_is_whole(); STATUS_FULL, STATUS_NO_MEMORY. */
STATUS_CHECKED enum status report_body(const struct report *r, struct buf *out);
/* Fill `hash` from the fields and items, as the original body gave it. STATUS_INVALID as above. */
STATUS_CHECKED enum status report_rehash(struct report *r);
/* REPORT_FIXED_JT808 or REPORT_FIXED_ROW. */
size_t report_fixed_size(uint16_t body);
/* The first item 0x01 of length 4 in a JT/T 808 item list, or MILEAGE_UNKNOWN. */
uint32_t report_items_mileage(struct span items);

/* One item of a JT/T 808 item list. */
struct report_item {
	uint8_t id;
	struct span value;
};
/* Next item from `c`: STATUS_OK, STATUS_END at the end, STATUS_BAD_LENGTH when the last item is cut
 * (all bytes from its id on are in `out->value`, and the next call says STATUS_END). */
STATUS_CHECKED enum status report_item_next(struct cursor *c, struct report_item *out);

#endif
