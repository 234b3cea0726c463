/* block_layout.h -- the bytes of a block, version 1, shared by what writes and what reads them.
 *
 *   u8      version, 1
 *   ...     summary                     block_summary_put(): varints, about 45 bytes
 *   varint  size of each section        in the order of enum block_part from TIME on
 *   ...     sections
 *   u64 LE  XXH3-64 of everything before
 *
 * z(x) is x zigzagged, column is an int_column.h, runs a run_column.h, `sized` puts a varint of the size before.
 * i counts reports from 0; what is said of i - 1 is 0 at i = 0. 32-bit residuals wrap.
 *
 *   TIME      u8: bit 0 unit is 1 s, not 1 ms; bit 1 second differences. varint interval, column of
 *             z(d[i] - interval), or with bit 1 z(d[i] - d[i-1]) where d[0] = d[1] - second residual is interval;
 *             d[i] = t[i] - t[i-1] in units. t[0] is the summary's.
 *   RECEIVED  empty: all unknown. u8 mode, sized runs (1 known, 0 unknown), then of the known ones, lag = received -
 * time: mode 1 varint z(least lag), column of lag - least; 2 varint z(first lag), column of z(lag - lag before); 3 the
 * same, column of z(received - received before); 4 i64 LE each SPEED     varint first, column of z(speed[i] -
 * speed[i-1]) COURSE    u8: 1 when every course is below 360. varint first, column of z(course[i] - course[i-1]), then
 *             within -180..179
 *   POSITION  u8: bit 0 set when steps are reckoned (reckon.h), else they are 0; bits 4-5 unit 10^n * 1e-7
 *             degrees. varint z(lat[0] - lat_min), varint z(lon[0] - lon_min), sized column of
 *             z(lat[i] - lat[i-1] - step[i]) in units, column of the longitudes
 *   ALTITUDE  u8 index into block_altitude_shifts. varint first (16 bit), column of z(altitude[i] - mean[i-1]), mean a
 *             running mean in sixteenths that takes 1 / 2^s of each difference, s by whether speed[i] is 0
 *   ALARM     runs
 *   STATUS    runs
 *   MILEAGE   u8: 1 travelled. varint first, column of z(mileage[i] - mileage[i-1] - hm travelled), see
 * block_travel_next() FLAGS     sized runs of flags XOR those that follow from status, runs of body ITEMS block_items.h
 *
 * A section of one report only has its first values and empty columns. */
#ifndef ZAYTON_SERIES_BLOCK_LAYOUT_H
#define ZAYTON_SERIES_BLOCK_LAYOUT_H

#include "engine/series/block.h"
#include "engine/series/int_column.h"
#include "engine/series/reckon.h"

#define BLOCK_VERSION 1
#define BLOCK_CHECKSUM_BYTES 8
/* version, 17 varints of a summary and one per section never take more */
#define BLOCK_HEADER_MAX 256

/* Times further from 1970 are no times; the bound keeps every sum of a time and a span within 64 bits. */
#define BLOCK_TIME_MAX_MS (INT64_C(1) << 60)
#define BLOCK_TIME_SECONDS 1
#define BLOCK_TIME_SECOND_DIFFERENCES 2
enum block_received { BLOCK_RECEIVED_LAG = 1, BLOCK_RECEIVED_LAG_STEP, BLOCK_RECEIVED_STEP, BLOCK_RECEIVED_RAW };
#define BLOCK_POSITION_RECKONED 1
#define BLOCK_UNITS 4
#define BLOCK_ALTITUDE_CHOICES 4

static const uint32_t block_units[BLOCK_UNITS] = {1, 10, 100, 1000};
/* how slowly the mean altitude follows when moving, and when parked */
static const uint8_t block_altitude_shifts[BLOCK_ALTITUDE_CHOICES][2] = {{0, 0}, {0, 3}, {1, 3}, {2, 3}};

_Static_assert(BLOCK_SPAN_MAX_MS < INT64_C(1) << 29, "differences of times within a block fit zigzagged 32 bits");

/* --- block_summary.c --- */

STATUS_CHECKED enum status block_summary_put(const struct block_summary *s, struct buf *out);
/* STATUS_CORRUPT when it cannot be a summary. */
STATUS_CHECKED enum status block_summary_take(struct cursor *c, struct block_summary *out);
/* 1 <= count <= BLOCK_REPORTS_MAX */
void block_summary_of(const struct report *reports, size_t count, struct block_summary *out);

/* --- block_encode.c --- */

STATUS_CHECKED enum status block_put_column(const uint32_t *values, size_t count, struct buf *out);
STATUS_CHECKED enum status block_put_sized_column(const uint32_t *values, size_t count, struct buf *out);
STATUS_CHECKED enum status block_put_sized_runs(const uint32_t *values, size_t count, struct buf *out);
/* Which of the alternatives takes the fewest bits; the first of equals. */
unsigned block_cheapest(const uint32_t (*residuals)[INT_COLUMN_ROOM], unsigned alternatives, size_t count);

/* --- block_decode.c --- */

/* The span behind a varint of its size; empty, and `c` failed, when it is not there. */
struct span block_take_sized(struct cursor *c);

struct block_view {
	struct block_summary summary;
	struct span sections[BLOCK_PART_COUNT]; /* HEADER: everything before the sections */
};
/* Finds the sections; does not verify the checksum. STATUS_CORRUPT, STATUS_BAD_VERSION. */
STATUS_CHECKED enum status block_open(struct span block, struct block_view *out);

/* Columns by the named kernels; `out` as for block_columns(). */
STATUS_CHECKED enum status block_view_columns(const struct block_view *v, const struct series_kernels *kernels,
					      struct block_columns *out);

/* Every column of `out`, and the kind of each body. */
STATUS_CHECKED enum status block_all_columns(const struct block_view *v, struct block_columns *out, uint16_t *body);

/* --- predictions that both sides run --- */

/* Odometer: whole hectometres, and how far into the next, in 65536ths, the speeds say it is. */
struct block_travel {
	uint32_t mileage_hm;
	uint32_t part;
};

/* 65536ths of a hectometre between two reports: mean speed times time. */
static inline uint32_t block_travel_step(uint16_t speed_a, uint16_t speed_b, int64_t ms)
{
	if (ms <= 0 || ms >= RECKON_GAP_MS || speed_a > RECKON_SPEED_MAX || speed_b > RECKON_SPEED_MAX)
		return 0;
	/* (a + b) / 2 * 0.1 km/h * ms = (a + b) * ms / 7.2e6 hm; 152710 / 2^24 = 65536 / 7.2e6 */
	uint64_t product = ((uint64_t)speed_a + speed_b) * (uint64_t)ms;
	return (uint32_t)((product * 152710) >> 24);
}

/* What the odometer should show after `step`; keeps the part. */
static inline uint32_t block_travel_next(struct block_travel *t, uint32_t step)
{
	t->part += step;
	uint32_t expected = t->mileage_hm + (t->part >> 16);
	t->part &= 0xffff;
	return expected;
}

/* What it did show: off by some, it must have just passed a mark, or be just short of one. */
static inline void block_travel_correct(struct block_travel *t, uint32_t expected, uint32_t shown)
{
	int32_t error = (int32_t)(shown - expected);
	if (error)
		t->part = error > 0 ? 0 : 0xffff;
	t->mileage_hm = shown;
}

/* Running mean of altitudes in sixteenths of a metre: a parked receiver's is constant but for noise, a moving
 * one's changes with the road. */
static inline unsigned block_altitude_shift(unsigned choice, uint16_t speed_dkmh)
{
	return block_altitude_shifts[choice][speed_dkmh == 0];
}

static inline int32_t block_altitude_expected(int32_t mean16)
{
	return (mean16 + 8) >> 4;
}
static inline int32_t block_altitude_next(int32_t mean16, int32_t altitude_m, unsigned shift)
{
	return mean16 + ((altitude_m * 16 - mean16) >> shift);
}

#endif
