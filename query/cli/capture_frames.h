/* capture_frames.h -- reports out of recorded JT/T 808 frames: a reader of track files as the others are.
 *
 *   capture ── bytes ──> frames ── 0x0200, 0x0704, 0x0201, 0x0500 ──> reports of the terminal's phone
 *                                └─ split messages put together, all others counted
 *
 * Reports of a capture without times of receipt are flagged as backfill. Numbers of refusals are lines of a hex
 * capture, frames of a raw one. */
#ifndef ZAYTON_QUERY_CAPTURE_FRAMES_H
#define ZAYTON_QUERY_CAPTURE_FRAMES_H

#include "ingest/files/capture.h"
#include "ingest/files/name_index.h"
#include "ingest/files/track_sink.h"

struct capture_frames;

/* STATUS_NO_MEMORY. */
STATUS_CHECKED enum status capture_frames_open(csv_read *read, void *context, int64_t zone_ms, struct name_index *names,
					       struct capture_frames **out);
/* NULL is allowed. */
void capture_frames_close(struct capture_frames *c);

/* One run into `sink`. STATUS_OK, STATUS_END, STATUS_IO, STATUS_NO_MEMORY, or what the sink returned. */
STATUS_CHECKED enum status capture_frames_step(struct capture_frames *c, const struct track_sink *sink);
/* Where to go on; nothing before it is needed again, unless a split message was open. */
uint64_t capture_frames_offset(const struct capture_frames *c);
uint64_t capture_frames_line(const struct capture_frames *c);
void capture_frames_resume(struct capture_frames *c, uint64_t offset, uint64_t line);
/* Frames that carry no position. */
uint64_t capture_frames_others(const struct capture_frames *c);

#endif
