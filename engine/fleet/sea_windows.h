/* sea_windows.h -- pairs of vessels from stored tracks: which windows of event time are to be judged again, and judging
 * them.
 *
 *   report, live or late ─> note its window and the next ─> dirty
 *   dirty, run by run ─> tracks of all vessels in it (a slab) ─> sea_window_judge ─> facts of the window, replaced
 * whole └─> stage 2 of each pair
 *
 * A window is judged as often as something of it is new, a few seconds later, and once more when its time is over; so
 * what stands at last is what judging it once would give, whatever came when (detect/sea_window.h).
 *
 * Crash: a window is noted in memory. Whoever commits a snapshot of a device's state puts rows of the windows that are
 * dirty then into the same batch; what is behind the last snapshot is noted again when the device is judged from there.
 *
 *   family `state`   0x05 | window 8, biased  ->  empty
 *
 * Threads: noting and counting any; the rest belongs to the judge's. */
#ifndef ZAYTON_FLEET_SEA_WINDOWS_H
#define ZAYTON_FLEET_SEA_WINDOWS_H

#include "engine/detect/sea_window.h"
#include "engine/fleet/engine.h"

struct sea_windows;
/* Windows that were left are read from the store. STATUS_NO_MEMORY, STATUS_IO, STATUS_CORRUPT. */
STATUS_CHECKED enum status sea_windows_open(struct store *s, struct sea_windows **out);
void sea_windows_close(struct sea_windows *w);
/* A report of that time is new. True when nothing was dirty before. */
bool sea_windows_note(struct sea_windows *w, int64_t time_ms);
/* Every report of the device from `from_ms` on, if it may be a vessel. */
STATUS_CHECKED enum status sea_windows_note_track(struct sea_windows *w, struct engine *e, uint64_t device,
						  int64_t from_ms);
size_t sea_windows_dirty(struct sea_windows *w);
/* Rows of what is dirty, into the batch that is committed next. */
void sea_windows_keep(struct sea_windows *w, struct store_batch *batch);
/* Judges every dirty window that has begun by `as_of_ms`. `touched` is told of the pairs. What could not be judged
 * stays dirty. `batch` is committed and emptied. */
STATUS_CHECKED enum status sea_windows_judge(struct sea_windows *w, struct engine *e, struct store_batch *batch,
					     int64_t as_of_ms, findings_subject *touched, void *context);
/* The facts of every window in which one of `devices` has reports, up to `as_of_ms`; nothing is stored. */
STATUS_CHECKED enum status sea_windows_replay(struct engine *e, const struct detect_context *by,
					      const uint64_t *devices, size_t count, int64_t as_of_ms,
					      struct detect_sink *sink);

#endif
