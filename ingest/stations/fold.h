/* fold.h -- the same message heard by several stations, or again from a repeater, is one.
 *
 *   slots   [ key | when | stations ] * FOLD_SLOTS      eight after a hash are looked at
 *
 * A message is known by its sender and its bits without the repeat indicator. The first that comes goes on; those that
 * are dated within the window of it are counted to their stations and end here. When eight slots are taken the oldest
 * is forgotten: what it would have held back goes on, and the engine, which knows reports by time and bits, merges
 * what has a second. One owner. */
#ifndef ZAYTON_INGEST_FOLD_H
#define ZAYTON_INGEST_FOLD_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/core/status.h"

/* A busy coast: 200 messages a second for 30 s is 6,000; static data for a day of 5,000 ships 15,000. 32 bytes each. */
#define FOLD_SLOTS (1u << 16)
#define FOLD_STATIONS_MAX 64
/* stations of one coast differ by seconds, satellite links by half a minute */
#define FOLD_WINDOW_MS 30000
/* static data that stays the same is kept once a day and station's start */
#define FOLD_STATIC_MS 86400000

struct fold;
STATUS_CHECKED enum status fold_new(struct fold **out);
void fold_free(struct fold *f);
/* True when the message was here, `window_ms` before or after `at_ms` at most: `station` (its low six bits) is noted,
 * `*out_new_station` tells whether it is the first time that it brings this one. Otherwise it is remembered. `at_ms` is
 * when its receiver says that it was heard, so that a file read fast folds as it would have live. `key` is a hash. */
bool fold_seen(struct fold *f, uint64_t key, unsigned station, int64_t at_ms, int64_t window_ms, bool *out_new_station);

#endif
