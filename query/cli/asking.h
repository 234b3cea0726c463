/* asking.h -- what the commands that ask questions of a store share: devices, times, opening, writing out. */
#ifndef ZAYTON_QUERY_ASKING_H
#define ZAYTON_QUERY_ASKING_H

#include <stdio.h>

#include "engine/fleet/engine.h"
#include "query/export/export_format.h"

/* devices named on one command line */
#define ASKED_DEVICES_MAX 1000

/* RFC 3339 or one of the forms of time_text.h; without a zone UTC+8; a date is its midnight. STATUS_BAD_TIME. */
STATUS_CHECKED enum status asked_time(const char *text, int64_t *out_ms);
/* "name:TEXT" of a device made by an import becomes its 16 hex digits at `out` (17 bytes), which a server
 * understands too; anything else is copied (`size` bytes of room). STATUS_TOO_LONG. */
STATUS_CHECKED enum status asked_reference(struct span text, char *out, size_t size);
/* 16 hex digits, phone:N, plate:COLOUR:PLATE or name:TEXT, as of now. STATUS_MALFORMED, STATUS_NOT_FOUND. */
STATUS_CHECKED enum status asked_device(const struct registry *r, struct span text, uint64_t *out);
/* The part of a list before the first comma; `*rest` is what follows it. */
struct span asked_first(struct span list, struct span *rest);

/* A store that exists and that no one serves. `writable` for what must be audited. Complains on standard error. */
STATUS_CHECKED enum status asked_open(const char *command, const char *dir, bool writable, struct engine **out);
/* One row of the audit, before the answer. */
STATUS_CHECKED enum status asked_audit(struct engine *e, const char *action, uint64_t device, int64_t from_ms,
				       int64_t to_ms, const char *case_number);
/* Write `b` to `f` and empty it. STATUS_IO, STATUS_NO_SPACE. */
STATUS_CHECKED enum status asked_flush(struct buf *b, FILE *f);

#endif
