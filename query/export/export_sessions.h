/* export_sessions.h -- when a terminal was connected, row by row.
 *
 *   begin, row, row, ..., end (export_list_end)      JSON {"sessions":[...],"next":"..."}, NDJSON, CSV
 *
 * A session: device, from, until (null while it lasts), end (connections_row.h: why it ended, "open" while it lasts),
 * transport (tcp, udp), peer ("1.2.3.4:567", null when unknown), bytes_in, bytes_out, frames. Pure. */
#ifndef ZAYTON_QUERY_EXPORT_SESSIONS_H
#define ZAYTON_QUERY_EXPORT_SESSIONS_H

#include "engine/fleet/connections_row.h"
#include "query/export/export_devices.h"

#define EXPORT_SESSION_FORMATS (1u << EXPORT_JSON | 1u << EXPORT_NDJSON | 1u << EXPORT_CSV)
STATUS_CHECKED enum status export_sessions_begin(struct export_list *w, enum export_format format, struct buf *out);
STATUS_CHECKED enum status export_session_row(struct export_list *w, const struct connection *c, struct buf *out);

#endif
