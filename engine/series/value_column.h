/* value_column.h -- up to VALUE_BLOCK_MAX numbers of 64 bits, by the smaller of two codes.
 *
 *   empty         all are 0
 *   0 | parts     mask 1 | (size varint)* | int_column*: 24, 24 and 16 bits from below; the mask says which are not all
 *                 zero, sizes of all but the last of them. At most BLOCK_REPORTS_MAX numbers
 *   1 | codes     code_column.h
 *
 * Pure; any thread. */
#ifndef ZAYTON_SERIES_VALUE_COLUMN_H
#define ZAYTON_SERIES_VALUE_COLUMN_H

#include "engine/core/bytes.h"
#include "engine/core/limits.h"
#include "engine/core/status.h"

/* 0 <= count <= VALUE_BLOCK_MAX. Appends. STATUS_FULL, STATUS_NO_MEMORY. */
STATUS_CHECKED enum status value_column_encode(const uint64_t *v, size_t count, struct buf *out);
/* About how many bits, to choose between predictions; count <= BLOCK_REPORTS_MAX. */
size_t value_column_cost(const uint64_t *v, size_t count);
/* `out` has room for `count`. STATUS_CORRUPT. */
STATUS_CHECKED enum status value_column_decode(struct span column, size_t count, uint64_t *out);
/* The parts alone: all that blocks of version 1 have. */
STATUS_CHECKED enum status value_parts_decode(struct span parts, size_t count, uint64_t *out);

#endif
