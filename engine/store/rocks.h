/* rocks.h -- RocksDB as the store uses it: the only place that knows its C API.
 *
 * Error strings become statuses here; the text goes to the log, once for a run of the same text.
 *   "IO error: No space left ..."  STATUS_NO_SPACE      "Corruption: ..."  STATUS_CORRUPT
 *   "... lock hold ..."            STATUS_BUSY          anything else      STATUS_IO
 *
 * One write-ahead log for all families, recovered to a point in time. One cache for all families, one
 * budget for all memtables. Settings that concern files are chosen so that a closed folder holds rows and
 * little else: no preallocation, a terse info log, no dumps of statistics.
 *
 * Threads: as RocksDB, everything from any thread but that an iterator or a batch has one owner. */
#ifndef ZAYTON_STORE_ROCKS_H
#define ZAYTON_STORE_ROCKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/core/bytes.h"
#include "engine/core/status.h"

struct rocks;
struct rocks_family;
struct rocks_batch;
struct rocks_snapshot;
struct rocks_iter;

/* What rows of a family are like; decides how RocksDB keeps them. */
enum rocks_profile {
	ROCKS_ROWS,      /* small, found by whole key or prefix */
	ROCKS_OVERWRITE, /* written again and again under the same keys */
	ROCKS_BLOCKS,    /* a few KiB, already packed, read by device and time */
	ROCKS_TIMED,     /* small, read by device and time */
	ROCKS_PROFILE_COUNT
};

struct rocks_family_spec {
	const char *name;
	enum rocks_profile profile;
};

struct rocks_options {
	const char *path;
	bool create;
	bool read_only;
	size_t cache_bytes;
	size_t write_buffer_bytes;
};

/* Names of the families of a closed folder, `default` among them; free with rocks_names_free. */
STATUS_CHECKED enum status rocks_names(const char *path, char ***out, size_t *out_count);
void rocks_names_free(char **names, size_t count);

/* `specs` are all families of the folder and, unless read_only, those to be made; handles go to `out_families`. */
STATUS_CHECKED enum status rocks_open(const struct rocks_options *options, const struct rocks_family_spec *specs,
				      size_t count, struct rocks_family **out_families, struct rocks **out);
/* Every handle, iterator and snapshot has been released before. */
void rocks_close(struct rocks *r);

STATUS_CHECKED enum status rocks_family_create(struct rocks *r, const struct rocks_family_spec *spec,
					       struct rocks_family **out);
/* The rows are gone for new readers; files go when the last handle and iterator do. */
STATUS_CHECKED enum status rocks_family_drop(struct rocks *r, struct rocks_family *f);
void rocks_family_release(struct rocks_family *f);

struct rocks_batch *rocks_batch_new(void);
void rocks_batch_free(struct rocks_batch *b);
void rocks_batch_clear(struct rocks_batch *b);
void rocks_batch_put(struct rocks_batch *b, struct rocks_family *f, struct span key, struct span value);
void rocks_batch_delete(struct rocks_batch *b, struct rocks_family *f, struct span key);
STATUS_CHECKED enum status rocks_write(struct rocks *r, struct rocks_batch *b, bool sync);
/* fdatasync of the write-ahead log. */
STATUS_CHECKED enum status rocks_sync(struct rocks *r);

/* Replaces what `out` holds. STATUS_NOT_FOUND. */
STATUS_CHECKED enum status rocks_get(struct rocks *r, struct rocks_family *f, struct span key, struct buf *out);

/* Grows with every write: while it stays, so does all that can be read. */
uint64_t rocks_writes(struct rocks *r);
const struct rocks_snapshot *rocks_snapshot_take(struct rocks *r);
void rocks_snapshot_release(struct rocks *r, const struct rocks_snapshot *snapshot);

struct rocks_range {
	struct span lower, upper; /* [lower, upper); an empty span is no bound; copied */
	const struct rocks_snapshot *snapshot;
	bool one_device; /* both bounds share their first 8 bytes, those of a device: files without it are skipped */
	bool sweep;      /* reads much once: leaves the cache alone, reads ahead */
	bool open_ended; /* stands on the first row from `lower` on, but goes anywhere: the bounds bind nobody */
};
/* Stands on the first row of the range. */
STATUS_CHECKED enum status rocks_iter_open(struct rocks *r, struct rocks_family *f, const struct rocks_range *range,
					   struct rocks_iter **out);
void rocks_iter_close(struct rocks_iter *it);
/* STATUS_OK: `key` and `value` borrow until the iterator moves. STATUS_END, STATUS_CORRUPT, STATUS_IO. */
STATUS_CHECKED enum status rocks_iter_row(struct rocks_iter *it, struct span *key, struct span *value);
/* At the end it stays there. */
void rocks_iter_next(struct rocks_iter *it);
void rocks_iter_seek(struct rocks_iter *it, struct span key);

/* Memtable to file. */
STATUS_CHECKED enum status rocks_flush(struct rocks *r, struct rocks_family *f);
/* All files of the family into one run at the last level. */
void rocks_compact(struct rocks *r, struct rocks_family *f);
/* Hard links of a consistent state in a folder that does not exist yet. */
STATUS_CHECKED enum status rocks_checkpoint(struct rocks *r, const char *path);

/* false when RocksDB does not know `name`; `f` NULL asks about the whole. */
bool rocks_property(struct rocks *r, struct rocks_family *f, const char *name, uint64_t *out);
/* RocksDB's table of counters, "name COUNT : value" a line; free() it. */
char *rocks_counters(struct rocks *r);

#endif
