/* families.h -- which column families there are, and who is using them.
 *
 *   families ── lasting[STORE_FAMILY_COUNT], own       open as long as the store
 *            └─ timed: family, family, ...             ordered by (month, kind, class); made on demand
 *
 * A time family is counted: the table holds one reference, every reader and writer one more. A dropped family
 * leaves the table at once; its handle, and with it RocksDB's files, go with the last reference.
 * Threads: any; the table has a lock of its own, held while RocksDB makes or drops a family. */
#ifndef ZAYTON_STORE_FAMILIES_H
#define ZAYTON_STORE_FAMILIES_H

#include <pthread.h>
#include <stdatomic.h>

#include "engine/store/keys.h"
#include "engine/store/rocks.h"
#include "engine/store/store.h"

struct family {
	struct family_id id;
	struct rocks_family *handle;
	atomic_uint references;
};

struct families {
	struct rocks *rocks;
	bool read_only;
	struct rocks_family *own;                         /* RocksDB's `default`: rows of the store itself */
	struct rocks_family *lasting[STORE_FAMILY_COUNT]; /* NULL: not there, and the store is read-only */
	pthread_mutex_t lock;
	struct family **timed;
	size_t count;
};

/* Opens the folder with all its families. STATUS_BAD_VERSION: it has families this program does not know. */
STATUS_CHECKED enum status families_open(struct families *f, const struct rocks_options *options, bool exists);
/* Every reference has been given back. */
void families_close(struct families *f);

/* A reference to the family. STATUS_FULL past FAMILIES_MAX; STATUS_DENIED when it is missing and the store is
 * read-only. */
STATUS_CHECKED enum status families_ensure(struct families *f, struct family_id id, struct family **out);
/* A reference, or NULL. */
struct family *families_find(struct families *f, struct family_id id);
void family_unref(struct family *family);

/* References to the families of `kind` (FAMILY_KIND_COUNT: of every kind) whose month lies within
 * [month_first, month_last], and of the odd ones, ordered by (month, kind, class): the odd come first. */
struct family_list {
	struct family **items;
	size_t count;
};
STATUS_CHECKED enum status families_list(struct families *f, unsigned kind, uint32_t month_first, uint32_t month_last,
					 struct family_list *out);
void family_list_release(struct family_list *list);

/* Drop it from disk and table; from the table alone when the store is read-only. Takes over the caller's reference,
 * also on failure. */
STATUS_CHECKED enum status families_drop(struct families *f, struct family *family);

#endif
