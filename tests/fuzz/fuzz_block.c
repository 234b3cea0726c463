/* links: zayton_series */
/* fuzz_block.c -- a block of any bytes is read or refused: as it is, and again with version and checksum made right,
 * so that what lies behind them is reached. What decodes must encode again. */
#include <stdlib.h>

#include "engine/core/hash.h"
#include "engine/series/block.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_all(struct span block)
{
	static int64_t time[BLOCK_REPORTS_MAX], received[BLOCK_REPORTS_MAX];
	static int32_t lat[BLOCK_REPORTS_MAX], lon[BLOCK_REPORTS_MAX];
	static uint16_t speed[BLOCK_REPORTS_MAX], course[BLOCK_REPORTS_MAX], flags[BLOCK_REPORTS_MAX];
	static int16_t altitude[BLOCK_REPORTS_MAX];
	static uint32_t alarm[BLOCK_REPORTS_MAX], status[BLOCK_REPORTS_MAX], mileage[BLOCK_REPORTS_MAX];
	struct block_columns columns = {.time_ms = time,
					.received_ms = received,
					.lat_e7 = lat,
					.lon_e7 = lon,
					.speed_dkmh = speed,
					.course_deg = course,
					.altitude_m = altitude,
					.alarm = alarm,
					.status = status,
					.mileage_hm = mileage,
					.flags = flags};
	struct block_summary summary;
	struct block_hours hours;
	struct report_list list = report_list_init(BLOCK_REPORTS_MAX, 16 << 20);
	struct buf again = buf_init(BLOCK_BYTES_MAX);
	size_t parts[BLOCK_PART_COUNT];
	enum status ignored = block_summarise(block, &summary);
	ignored = block_summary_decode(block, &summary);
	ignored = block_row_decode(block, &summary, &hours);
	ignored = block_hours(block, INT64_MIN, INT64_MAX, &hours);
	ignored = block_parts(block, parts);
	ignored = block_columns(block, &columns);
	ignored = block_check(block);
	(void)ignored;
	if (block_reports(block, &list) == STATUS_OK && block_encode(list.reports, list.count, &again) != STATUS_OK)
		abort();
	report_list_deinit(&list);
	buf_deinit(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	read_all(span_of(data, size));
	if (size < 9)
		return 0;
	uint8_t *mended = malloc(size);
	if (!mended)
		return 0;
	memcpy(mended, data, size);
	mended[0] = 1;
	store_le64(mended + size - 8, hash64(span_of(mended, size - 8)));
	read_all(span_of(mended, size));
	free(mended);
	return 0;
}
