/* journal.h -- what was received, in order, before anything else is done with it.
 *
 *   DIR/00000001.journal, DIR/00000002.journal, ...      segments, append-only, trimmed by unlink
 *   segment = header, batch, batch, ...                  batch = length, checksum, first position, LZ4(entries)
 *   entry   = kind, length, payload                      position = number of the entry since the beginning, from 1
 *
 * A batch is what gathered while the batch before it was being synced (group commit). A torn or
 * damaged batch ends the journal at the batch before it when it is the last in the last segment;
 * damage anywhere else is STATUS_CORRUPT.
 *
 * Threads: journal_add, journal_commit and journal_trim belong to one owner thread. The committer is a
 * thread of the journal's own: it writes and syncs, then raises `durable` and calls `on_durable`. */
#ifndef ZAYTON_STORE_JOURNAL_H
#define ZAYTON_STORE_JOURNAL_H

#include <stddef.h>
#include <stdint.h>

#include "engine/core/bytes.h"
#include "engine/core/status.h"

enum journal_durability {
	JOURNAL_SYNC,     /* fdatasync before `durable` rises (default) */
	JOURNAL_INTERVAL, /* written at once, synced every interval_ms; `durable` rises after the write */
	JOURNAL_OS,       /* written, never synced by us */
};

struct journal_options {
	const char *dir;
	enum journal_durability durability;
	uint32_t interval_ms;              /* for JOURNAL_INTERVAL */
	uint32_t gather_us;                /* shortest time between two syncs: what arrives meanwhile shares one */
	uint64_t segment_bytes;            /* a new segment is begun past this size */
	size_t pending_max;                /* bytes waiting for the committer before journal_add says STATUS_BUSY */
	void (*on_durable)(void *context); /* committer thread, after `durable` rose or the journal failed; cheap */
	void *context;
};

struct journal;

/* Opens or creates; positions continue. STATUS_IO, STATUS_NO_SPACE, STATUS_CORRUPT, STATUS_BAD_VERSION. */
STATUS_CHECKED enum status journal_open(const struct journal_options *options, struct journal **out);
/* Drains, syncs, joins the committer, frees. NULL is allowed. */
void journal_close(struct journal *j);

/* Hand every entry with position >= from to `visit`, in order; before the first journal_add. A status
 * other than OK from `visit` ends the walk and is returned. */
typedef enum status journal_visit(void *context, uint64_t position, uint8_t kind, struct span payload);
STATUS_CHECKED enum status journal_replay(struct journal *j, uint64_t from, journal_visit *visit, void *context);

/* Append one entry made of `parts` (concatenated) to the pending batch; no system call, no allocation in
 * the steady state. STATUS_BUSY when pending_max would be passed (nothing added), STATUS_TOO_LONG past
 * JOURNAL_ENTRY_MAX, STATUS_IO / STATUS_NO_SPACE once the journal has failed. */
STATUS_CHECKED enum status journal_add(struct journal *j, uint8_t kind, const struct span *parts, size_t part_count,
				       uint64_t *out_position);
/* Let the committer have what is pending; call once per turn of the loop. */
void journal_commit(struct journal *j);

/* Any thread. The last position that is durable, and why the journal stopped (STATUS_OK while it works).
 * After STATUS_NO_SPACE the committer keeps retrying and recovers by itself once there is room. */
uint64_t journal_durable(const struct journal *j);
enum status journal_health(const struct journal *j);
/* Owner thread: the last position handed out, 0 when none. */
uint64_t journal_last(const struct journal *j);

/* Unlink the segments in which every position is below `position`. */
STATUS_CHECKED enum status journal_trim(struct journal *j, uint64_t position);

struct journal_stats {
	uint64_t bytes_on_disk, segments, batches, syncs, raw_bytes, stored_bytes, first_position;
	size_t pending_bytes;
};
void journal_stats(const struct journal *j, struct journal_stats *out);

/* Read-only walk of a folder that no one has open, for `check`: verifies every checksum. */
STATUS_CHECKED enum status journal_verify(const char *dir, uint64_t *out_entries, struct buf *out_complaints);

#endif
