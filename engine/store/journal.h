/* journal.h -- what was received, in order, before anything else is done with it.
 *
 *   DIR/00000001.journal, DIR/00000002.journal, ...      segments, append-only, trimmed by unlink
 *   segment = header, batch, batch, ...                  byte by byte in journal_segment.h
 *   batch   = length, checksum, first position, entries as they are or as LZ4
 *   entry   = kind, length, payload                      position = number of the entry since the beginning, from 1
 *
 * A batch is what gathered while the batch before it was being synced (group commit). A torn or
 * damaged batch ends the journal at the batch before it when it is the last in the last segment;
 * damage anywhere else is STATUS_CORRUPT.
 *
 * Threads: journal_add, journal_commit and journal_trim belong to one owner thread, and none of them
 * touches the disk. The committer is a thread of the journal's own: it writes and syncs, then raises
 * `durable` and calls `on_durable`; it also unlinks what was trimmed. */
#ifndef ZAYTON_STORE_JOURNAL_H
#define ZAYTON_STORE_JOURNAL_H

#include <stddef.h>
#include <stdint.h>

#include "engine/core/bytes.h"
#include "engine/core/status.h"

enum journal_durability {
	JOURNAL_SYNC,     /* fdatasync before `durable` rises (default) */
	JOURNAL_INTERVAL, /* written at once, synced every interval_ms; `durable` rises after the write */
	JOURNAL_OS,       /* written; `durable` rises after the write; synced only when a segment is full or closed */
};

struct journal_options {
	const char *dir;
	enum journal_durability durability;
	uint32_t interval_ms;   /* for JOURNAL_INTERVAL */
	uint32_t gather_us;     /* shortest time between two writes: what arrives meanwhile shares one sync */
	uint64_t segment_bytes; /* a new segment is begun past this size; 0: 64 MiB, at most 512 MiB */
	size_t pending_max;     /* bytes not yet durable before journal_add says STATUS_BUSY; 0: 8 MiB */
	size_t compress_min;    /* batches from this size on are stored as LZ4 where that is smaller; 0: never */
	void (*on_durable)(void *context); /* committer thread, after `durable` rose or the journal failed; cheap */
	void *context;
};

struct journal;

/* Opens or creates; positions continue. What is there afterwards is durable. STATUS_BUSY (open elsewhere), STATUS_IO,
 * STATUS_NO_SPACE, STATUS_CORRUPT, STATUS_BAD_VERSION. */
STATUS_CHECKED enum status journal_open(const struct journal_options *options, struct journal **out);
/* Drains, syncs, joins the committer, frees. NULL is allowed. A journal without room for what is pending
 * gives it up: it was never acknowledged. */
void journal_close(struct journal *j);

/* Hand every entry with position >= from to `visit`, in order; before the first journal_add and
 * journal_trim. A status other than OK from `visit` ends the walk and is returned. STATUS_CORRUPT, STATUS_IO. */
typedef enum status journal_visit(void *context, uint64_t position, uint8_t kind, struct span payload);
STATUS_CHECKED enum status journal_replay(struct journal *j, uint64_t from, journal_visit *visit, void *context);

/* Before the first journal_add: every position up to `position` counts as used, and the next entry comes
 * after it. For a store that is ahead of its journal, as it may be after a power cut under a policy looser
 * than JOURNAL_SYNC: an entry given an old position would be taken for applied. STATUS_IO, STATUS_NO_SPACE. */
STATUS_CHECKED enum status journal_skip(struct journal *j, uint64_t position);

/* Append one entry made of `parts` (concatenated) to the pending batch; no system call, no allocation in
 * the steady state. STATUS_BUSY when pending_max would be passed (nothing added; an entry larger than
 * pending_max is taken when nothing else is pending), STATUS_TOO_LONG past JOURNAL_ENTRY_MAX, the journal's
 * health once it has failed. */
STATUS_CHECKED enum status journal_add(struct journal *j, uint8_t kind, const struct span *parts, size_t part_count,
				       uint64_t *out_position);
/* Let the committer have what is pending; call once per turn of the loop. */
void journal_commit(struct journal *j);

/* Any thread. The last position that is durable, and why the journal stopped (STATUS_OK while it works).
 * After STATUS_NO_SPACE or STATUS_NO_MEMORY the committer keeps retrying and recovers by itself once there
 * is room: what was added is neither lost nor doubled. STATUS_IO is for good. */
uint64_t journal_durable(const struct journal *j);
enum status journal_health(const struct journal *j);
/* Owner thread: the last position handed out, 0 when none. */
uint64_t journal_last(const struct journal *j);

/* Have the committer unlink the segments in which every position is below `position`; the newest stays. */
STATUS_CHECKED enum status journal_trim(struct journal *j, uint64_t position);

struct journal_stats {
	uint64_t bytes_on_disk, segments;                 /* now; room written ahead is not counted */
	uint64_t first_position;                          /* of the oldest segment */
	uint64_t batches, syncs, raw_bytes, stored_bytes; /* since it was opened */
	size_t pending_bytes;                             /* added and not yet durable */
};
/* Owner thread. */
void journal_stats(const struct journal *j, struct journal_stats *out);

/* Read-only walk of a folder that no one has open, for `check`: verifies every checksum. Complaints are one
 * a line, with file and offset. STATUS_CORRUPT when there was any, STATUS_NOT_FOUND, STATUS_IO. */
STATUS_CHECKED enum status journal_verify(const char *dir, uint64_t *out_entries, struct buf *out_complaints);

#endif
