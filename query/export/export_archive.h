/* export_archive.h -- who was where, row by row: JSON {"devices":[...],"next":null} or NDJSON.
 *
 *   {"device":"16 hex digits","name":plate, else name, or null,"reports":N,
 *    "first":{"time":...,"lon":...,"lat":...},"last":{...},
 *    "crossings":[{"time":...,"lon":...,"lat":...,"enters":true}, ...],"crossings_total":N}
 *
 * The last two only when crossings were asked for; a total above what is listed says that the list was cut. Pure. */
#ifndef ZAYTON_QUERY_EXPORT_ARCHIVE_H
#define ZAYTON_QUERY_EXPORT_ARCHIVE_H

#include "engine/fleet/archive.h"
#include "query/export/export_devices.h"

/* EXPORT_JSON or EXPORT_NDJSON; ends with export_list_end(). */
STATUS_CHECKED enum status export_archive_begin(struct export_list *w, enum export_format format, struct buf *out);
/* `name` may be NULL. A row takes at most EXPORT_ROW_BYTES_MAX (export_track.h). STATUS_FULL, STATUS_NO_MEMORY: `out`
 * is as it was. */
STATUS_CHECKED enum status export_archive_row(struct export_list *w, const struct archive_answer *a, const char *name,
					      bool crossings, struct buf *out);

#endif
