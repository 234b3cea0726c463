/* block.h -- an immutable run of reports of one device, column by column.
 *
 * Invariants: 1 <= count <= BLOCK_REPORTS_MAX; reports strictly ascend in (time_ms, hash); the span of
 * time is at most BLOCK_SPAN_MAX_MS; decode(encode(x)) == x for every field, item and body byte; the
 * same reports encode to the same bytes on every machine (but for the summary's distance, see distance.h). The bytes
 * are drawn in block_layout.h.
 * Threads: functions here are pure; a block may be read anywhere. */
#ifndef ZAYTON_SERIES_BLOCK_H
#define ZAYTON_SERIES_BLOCK_H

#include <stddef.h>
#include <stdint.h>

#include "engine/core/bytes.h"
#include "engine/core/limits.h"
#include "engine/series/report.h"
#include "engine/series/report_list.h"

/* What a block says of itself without being opened: enough to skip it or to answer from it. */
struct block_summary {
	uint32_t count;
	uint32_t fixes; /* reports with a valid fix */
	int64_t time_first_ms;
	int64_t time_last_ms;
	int32_t lat_min_e7, lat_max_e7, lon_min_e7, lon_max_e7; /* of the fixes; min > max when fixes == 0 */
	uint32_t alarm_or;
	uint32_t status_or, status_and;
	uint32_t mileage_first_hm, mileage_last_hm; /* first and last known, MILEAGE_UNKNOWN if none */
	uint16_t speed_max_dkmh;                    /* largest known, SPEED_UNKNOWN if none */
	uint16_t flags_or;
	uint64_t distance_mm; /* sum of legs between consecutive fixes, each rounded to a millimetre */
};

/* Columns by themselves. Each pointer is NULL (not wanted) or has room for BLOCK_REPORTS_MAX. */
struct block_columns {
	size_t count; /* out */
	int64_t *time_ms;
	int64_t *received_ms;
	int32_t *lat_e7;
	int32_t *lon_e7;
	uint16_t *speed_dkmh;
	uint16_t *course_deg;
	int16_t *altitude_m;
	uint32_t *alarm;
	uint32_t *status;
	uint32_t *mileage_hm;
	uint16_t *flags;
	/* out, when the time was decoded: the longest there is between two neighbours, 0 for one report */
	int64_t longest_ms;
};

/* Bytes a part of a block takes; for `info`. */
enum block_part {
	BLOCK_PART_HEADER,
	BLOCK_PART_TIME,
	BLOCK_PART_RECEIVED,
	BLOCK_PART_POSITION,
	BLOCK_PART_SPEED,
	BLOCK_PART_COURSE,
	BLOCK_PART_ALTITUDE,
	BLOCK_PART_ALARM,
	BLOCK_PART_STATUS,
	BLOCK_PART_MILEAGE,
	BLOCK_PART_FLAGS,
	BLOCK_PART_ITEMS,
	BLOCK_PART_COUNT
};
extern const char *const block_part_names[BLOCK_PART_COUNT];

/* Encode `count` reports, strictly ascending, and append to `out`, which needs room for 16 KiB more than the block
 * takes in the end. `out` is unchanged on failure. Each hash must be that of its body: it is not stored.
 * STATUS_EMPTY count is 0; STATUS_INVALID not ascending, too many, too long a span, or a report that is not
 * report_is_whole(); STATUS_FULL no room in `out`, or more than BLOCK_BYTES_MAX; STATUS_NO_MEMORY. */
STATUS_CHECKED enum status block_encode(const struct report *reports, size_t count, struct buf *out);

/* Read the summary; verifies the header only. STATUS_CORRUPT, STATUS_BAD_VERSION. */
STATUS_CHECKED enum status block_summarise(struct span block, struct block_summary *out);

/* The summary alone, as rows of `summary` before hours stored it (without the columns), and back. */
STATUS_CHECKED enum status block_summary_encode(const struct block_summary *s, struct buf *out);
STATUS_CHECKED enum status block_summary_decode(struct span bytes, struct block_summary *out);

/* The known speeds of a block by the hour of UTC, whose hours are UTC+8's. An hour of 74 is not reached: the span. */
#define BLOCK_HOURS_MAX 74
struct block_hour {
	uint32_t count, sum_dkmh;
};
struct block_hours {
	int64_t first;  /* hours since 1970 of the first report */
	uint32_t count; /* until that of the last report; 0: not kept */
	struct block_hour hours[BLOCK_HOURS_MAX];
};
/* Hours since 1970, downwards. */
int64_t block_hour_of(int64_t time_ms);
/* Those of the reports within [from_ms, to_ms]. STATUS_CORRUPT, STATUS_BAD_VERSION. */
STATUS_CHECKED enum status block_hours(struct span block, int64_t from_ms, int64_t to_ms, struct block_hours *out);
/* A row of `summary`: version 1 is block_summary_encode()'s; version 2 has for each hour from the first on varint
 * count, varint sum behind it, and is written when there are many reports to an hour. */
STATUS_CHECKED enum status block_row_encode(const struct block_summary *s, struct span block, struct buf *out);
/* Both versions. STATUS_CORRUPT, STATUS_BAD_VERSION. */
STATUS_CHECKED enum status block_row_decode(struct span row, struct block_summary *out, struct block_hours *hours);

/* Decode the wanted columns. Every byte of a column that is read is bounds-checked; the checksum of
 * the whole block is verified by block_check() and by block_reports(). STATUS_CORRUPT. */
STATUS_CHECKED enum status block_columns(struct span block, struct block_columns *out);

/* Append all reports, with items, hashes and every field, to `out` (which owns its copies).
 * STATUS_CORRUPT, STATUS_FULL, STATUS_NO_MEMORY. */
STATUS_CHECKED enum status block_reports(struct span block, struct report_list *out);

/* A block opened, for readers who seldom want a whole report of it. */
struct block_rows {
	struct block_summary summary;
	size_t count;
	bool plain; /* no report is FUTURE, no two have one time */
	bool items; /* some report has items: only block_reports() gives whole ones */
	bool whole; /* every column is there */
	bool mileage_known;
	int64_t longest_ms;
	int64_t time[BLOCK_REPORTS_MAX], received[BLOCK_REPORTS_MAX];
	int32_t lat[BLOCK_REPORTS_MAX], lon[BLOCK_REPORTS_MAX];
	uint16_t speed[BLOCK_REPORTS_MAX], course[BLOCK_REPORTS_MAX], flags[BLOCK_REPORTS_MAX], body[BLOCK_REPORTS_MAX];
	int16_t altitude[BLOCK_REPORTS_MAX];
	uint32_t alarm[BLOCK_REPORTS_MAX], status[BLOCK_REPORTS_MAX], mileage[BLOCK_REPORTS_MAX];
};
enum block_want {
	BLOCK_WANT_JUDGED,  /* all but what nothing is judged by: received, altitude, body; and mileage */
	BLOCK_WANT_MILEAGE, /* the same and mileage */
	BLOCK_WANT_WHOLE,
};
/* Decode a block whose checksum is right, as far as wanted. When it is `plain`, its times ascend, its positions are on
 * the globe and, when it is `whole`, its reports are whole. STATUS_CORRUPT, STATUS_BAD_VERSION. */
STATUS_CHECKED enum status block_rows_open(struct span block, enum block_want want, struct block_rows *out);
/* Decode what is missing of the same block, which has no items. STATUS_CORRUPT. */
STATUS_CHECKED enum status block_rows_complete(struct span block, struct block_rows *b);
/* The i-th report of a plain block that is whole and without items, as block_reports() gives it. */
struct report block_rows_report(const struct block_rows *b, size_t i);
/* The same columns under their names; borrowed. What is not there has none: NULL. */
struct block_columns block_rows_columns(struct block_rows *b);

/* Verify the checksum, every column, and the invariants above. STATUS_CORRUPT, STATUS_BAD_VERSION. */
STATUS_CHECKED enum status block_check(struct span block);

/* Bytes by part. STATUS_CORRUPT. */
STATUS_CHECKED enum status block_parts(struct span block, size_t bytes[BLOCK_PART_COUNT]);

#endif
