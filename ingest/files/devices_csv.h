/* devices_csv.h -- a table of devices, as spreadsheets save it, row by row into changes of the registry.
 *
 *   终端手机号,车牌颜色,车牌号,车辆类别,所属企业,valid_from        header: tokens or Chinese names of device fields
 *   13900000001,黄,闽C12345,渣土车,泉运,2026-01-01             -> device, from, { phone, plate, class, company }
 *
 * `phone` is the identity: the device is that of a JT/T 808 terminal. A row without one is a boat by its hull_number
 * (船号), with its AIS (mmsi) and its Beidou card (beidou_card) as sources that belong to it: up to three devices, of
 * which the boat has the rest of the row; or, without a hull number, the source alone. Besides the fields of the
 * registry there are `valid_from` (生效时间: a date or an RFC 3339 time, UTC+8 unless it says otherwise) and
 * `plate_colour` (车牌颜色), which stands before a plate that has no colour of its own. An empty cell says nothing.
 *
 * Encoding: UTF-8 with or without a byte order mark, or GB18030 (GBK, GB 2312 within it). Unless told, a text is
 * GB18030 when it is no UTF-8, judged over all of it: a short GBK name may look like UTF-8.
 *
 * Every mistake is told by line and column and reading goes on; a row with a mistake is not given. Whether anything
 * is changed is the caller's matter. Pure but for the file; one owner. */
#ifndef ZAYTON_INGEST_DEVICES_CSV_H
#define ZAYTON_INGEST_DEVICES_CSV_H

#include "engine/core/bytes.h"
#include "engine/core/status.h"
#include "engine/fleet/registry.h"

/* bytes of a file, held whole: a million devices with every field set */
#define DEVICES_CSV_BYTES_MAX (256u << 20)

enum devices_csv_encoding { DEVICES_CSV_DETECT, DEVICES_CSV_UTF8, DEVICES_CSV_GBK };

struct devices_row {
	uint64_t line; /* from 1 */
	uint64_t device;
	enum device_kind kind;
	int64_t from_ms;
	const struct registry_change *changes; /* normalised; until the callback returns */
	size_t change_count;
};

struct devices_mistake {
	uint64_t line;
	size_t column;      /* from 1; 0: the row as a whole */
	struct span header; /* of the column, UTF-8; empty for 0 */
	struct span cell;   /* as it stands there, UTF-8 where that could be made */
	enum status status;
	const char *english, *chinese; /* the reason; static storage */
};

struct devices_csv_options {
	enum devices_csv_encoding encoding;
	uint8_t delimiter; /* 0: the one of , ; tab | that the header has most of */
	int64_t from_ms;   /* where a row does not say */
	void *context;
	/* Either may end the reading with a status, which is returned. */
	enum status (*row)(void *context, const struct devices_row *row);
	enum status (*mistake)(void *context, const struct devices_mistake *mistake);
};

struct devices_csv_result {
	uint64_t rows, mistakes; /* devices given; told */
	bool is_gbk;
};

/* STATUS_OK when there was something to read, mistakes or not; STATUS_EMPTY without a header; STATUS_NOT_FOUND
 * without a column that identifies (told as a mistake too); STATUS_UNSUPPORTED for UTF-16; STATUS_NO_MEMORY. */
STATUS_CHECKED enum status devices_csv_read(struct span text, const struct devices_csv_options *options,
					    struct devices_csv_result *out);

/* The whole file into `out` (made with DEVICES_CSV_BYTES_MAX). STATUS_NOT_FOUND, STATUS_TOO_LONG, STATUS_IO. */
STATUS_CHECKED enum status devices_csv_load(const char *path, struct buf *out);

#endif
