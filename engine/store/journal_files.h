/* journal_files.h -- the folder of a journal's segments; internal to the journal.
 *
 *   DIR/00000007.journal ... DIR/00000009.journal      numbers follow one another; only the ends move
 *   DIR/00000010.new                                   a segment being made: header synced, then renamed
 *
 * A name that ends in ".journal" therefore always has a whole header. */
#ifndef ZAYTON_STORE_JOURNAL_FILES_H
#define ZAYTON_STORE_JOURNAL_FILES_H

#include <stddef.h>
#include <stdint.h>

#include "engine/core/bytes.h"
#include "engine/core/status.h"
#include "engine/store/journal.h"
#include "engine/store/journal_segment.h"

struct journal_segment_ref {
	struct journal_segment_header header;
	uint64_t bytes;
};

struct journal_folder {
	const char *dir; /* for messages; borrowed */
	int fd;
	struct journal_segment_ref *segments; /* oldest first */
	size_t count, capacity;
};

/* What errno of a failed write or sync means. Full disk, full quota and a file-size limit are one case. */
enum status journal_errno_status(int error);

/* Opens the folder and lists its segments. To write: makes it when missing, takes its lock (STATUS_BUSY),
 * removes unfinished segments. To read: STATUS_NOT_FOUND when missing, and nothing is changed. */
STATUS_CHECKED enum status journal_folder_open(struct journal_folder *f, const char *dir, bool writing,
					       struct buf *complaints);
void journal_folder_close(struct journal_folder *f);

/* Make segment `h`, durable under its name before this returns; `*out_fd` is open for writing. */
STATUS_CHECKED enum status journal_folder_make(const struct journal_folder *f, const struct journal_segment_header *h,
					       int *out_fd);
/* Appends to the list. STATUS_NO_MEMORY. */
STATUS_CHECKED enum status journal_folder_list(struct journal_folder *f, const struct journal_segment_ref *ref);
STATUS_CHECKED enum status journal_folder_reopen_last(struct journal_folder *f, int *out_fd);
/* Removes the file of segment `number`; the list is the caller's to shorten. */
STATUS_CHECKED enum status journal_folder_unlink(struct journal_folder *f, uint64_t number);

struct journal_walk {
	uint64_t from;
	journal_visit *visit; /* NULL: only verify */
	void *context;
	struct buf *complaints; /* NULL: to the log only */
	uint64_t entries;       /* out: seen, whether visited or not */
	uint64_t next_position; /* out: after the last whole batch */
	uint64_t end_offset;    /* out: where batches end in the last segment */
};
/* Walk segments[first..] in order, each checksum verified. A torn write may end the last one. */
STATUS_CHECKED enum status journal_folder_walk(const struct journal_folder *f, size_t first, struct journal_walk *w);

#endif
