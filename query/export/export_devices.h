/* export_devices.h -- lists of devices and of last positions, row by row.
 *
 *   begin, row, row, ..., end      JSON {"devices":[...],"next":"..."}, NDJSON, CSV; positions GeoJSON too
 *
 * A device: id, kind, created, and one member per registry field that holds at `at_ms` (fields.h tokens; absent is
 * null in JSON, empty in CSV), with its history under "bindings" when asked for. Secrets (AUTH_CODE) are left out.
 * A position: device, its plate, name, class, company and village now, the report's fields as in export_track.h,
 * seen (latest receipt of anything) and reports (taken in). Pure. */
#ifndef ZAYTON_QUERY_EXPORT_DEVICES_H
#define ZAYTON_QUERY_EXPORT_DEVICES_H

#include "engine/fleet/engine.h"
#include "engine/fleet/registry.h"
#include "query/export/export_format.h"

struct json_out;

struct export_list {
	enum export_format format;
	const char *member; /* "devices", "positions" */
	const char *header; /* CSV, NULL: none */
	uint64_t rows;
};

STATUS_CHECKED enum status export_devices_begin(struct export_list *w, enum export_format format, struct buf *out);
STATUS_CHECKED enum status export_device_row(struct export_list *w, const struct device *d, int64_t at_ms,
					     struct buf *out);

/* What a position is shown with; texts may be NULL. */
struct export_position {
	struct last last;
	const char *plate, *name, *company, *village;
	uint8_t class_code;
	char room[4][DEVICE_VALUE_MAX + 1]; /* of the texts: it is not copied */
};
/* What the registry says of the device of `last` at `at_ms`. */
void export_position_describe(struct export_position *p, const struct registry *r, const struct last *last,
			      int64_t at_ms);
/* The plate, else the name, that a device has at `at_ms`; NULL when it has none. `room` has DEVICE_VALUE_MAX + 1 bytes.
 */
const char *export_title(const struct registry *r, uint64_t device, int64_t at_ms, char *room);
STATUS_CHECKED enum status export_positions_begin(struct export_list *w, enum export_format format, struct buf *out);
STATUS_CHECKED enum status export_position_row(struct export_list *w, const struct export_position *p, struct buf *out);

/* For writers of other lists: the opening of `w` (rows 0 afterwards); and after a row was written from `size` on, which
 * goes again when it failed. */
STATUS_CHECKED enum status export_list_begin(struct export_list *w, struct buf *out);
STATUS_CHECKED enum status export_list_row_end(struct export_list *w, const struct json_out *j, struct buf *out,
					       size_t size);
/* `next` (may be NULL) is the cursor that goes on from here. */
STATUS_CHECKED enum status export_list_end(struct export_list *w, const char *next, struct buf *out);

/* One object, for answers about one. */
void export_device_object(struct json_out *j, const struct device *d, int64_t at_ms, bool bindings);
void export_position_object(struct json_out *j, const struct export_position *p);
/* The value of a field at an instant, NULL when there is none. */
const char *export_device_value(const struct device *d, uint8_t field, int64_t at_ms);

#endif
