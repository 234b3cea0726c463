/* fold.h -- merging blocks that overlap, and runs of small ones, into full blocks. */
#ifndef ZAYTON_FLEET_FOLD_H
#define ZAYTON_FLEET_FOLD_H

#include "engine/store/store.h"

/* blocks read in one pass: 64 Ki reports, some megabytes */
#define FOLD_BLOCKS_MAX 64

/* Rewrite the blocks of a device that touch [from_ms, to_ms] so that none overlap, duplicates are gone and small
 * ones are joined; what is read afterwards is the same. `*seq` numbers the new blocks (the top bit is set on it).
 * `*out_again_from_ms` is INT64_MIN when the span is done, else where to go on. Commits by itself. Only the
 * device's writer may call it. */
STATUS_CHECKED enum status fold_device(struct store *s, uint64_t device, int64_t from_ms, int64_t to_ms, uint32_t *seq,
				       int64_t *out_again_from_ms);

#endif
