/* run_column.h -- words that seldom change, run by run: varint value XOR the value before, varint length.
 * The last run's length is not written: it lasts to the end. An empty column: every value is 0. */
#ifndef ZAYTON_SERIES_RUN_COLUMN_H
#define ZAYTON_SERIES_RUN_COLUMN_H

#include "engine/core/bytes.h"

STATUS_CHECKED enum status run_column_encode(const uint32_t *values, size_t count, struct buf *out);
/* STATUS_CORRUPT. */
STATUS_CHECKED enum status run_column_decode(struct span column, size_t count, uint32_t *out);

#endif
