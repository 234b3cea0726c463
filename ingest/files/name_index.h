/* name_index.h -- the device names of a file, numbered in the order they first appear.
 *
 *   slots  [ hash, number + 1 | 0 | hash, number + 1 | ... ]   open addressing, a power of two, at most half full
 *   names  [ text of 0 | text of 1 | ... ]                     bytes as in the file, in the arena
 *   after  [ number | number | ... ]                           which name came after this one, the last time
 *
 * A fleet's file runs through its devices in the same order again and again, or holds one at a time: the same name, or
 * the one that followed last time, is tried before anything is hashed.
 *
 * One owner. */
#ifndef ZAYTON_INGEST_NAME_INDEX_H
#define ZAYTON_INGEST_NAME_INDEX_H

#include <stddef.h>
#include <stdint.h>

#include "engine/core/arena.h"
#include "engine/core/bytes.h"
#include "engine/core/status.h"

/* distinct names of one file: more is a mistaken column */
#define NAMES_MAX (4u << 20)
/* bytes of one name */
#define NAME_BYTES_MAX 64

struct name_slot {
	uint64_t hash;
	uint32_t number_plus_1;
};

struct name_index {
	struct name_slot *slots;
	size_t slot_count;
	struct span *names;
	uint32_t *after;
	size_t count, capacity;
	struct arena text;
	uint32_t last; /* taken last */
};

struct name_index name_index_init(void);
void name_index_deinit(struct name_index *n);
/* The number of `name`, a new one when it is new.
 * STATUS_EMPTY, STATUS_TOO_LONG, STATUS_FULL, STATUS_NO_MEMORY. */
STATUS_CHECKED enum status name_index_take(struct name_index *n, struct span name, uint32_t *out);

#endif
