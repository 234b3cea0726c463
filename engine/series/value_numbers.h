/* value_numbers.h -- up to VALUE_BLOCK_MAX 64-bit numbers as columns: whatever of five forms costs least.
 *
 *   form 1 | [base signed] | unit varint | [first varint] | [rise signed] | column (value_column.h)
 *
 *   form 0  k itself; 1 k less the one before; 2 the same of that; 3 k XOR the one before (doubles alone);
 *           4 as 1, less the least such step (`rise`), which counters and noise without a centre have (decimals alone)
 *   k = (number - least) / unit as it is for decimals, bits >> unit for doubles (unit: zeros that all end with)
 *   column: the result, zigzagged in forms 1 and 2; in blocks of version 1 the parts of value_column.h without the byte
 *           before them
 *
 * Pure. */
#ifndef ZAYTON_SERIES_VALUE_NUMBERS_H
#define ZAYTON_SERIES_VALUE_NUMBERS_H

#include "engine/core/bytes.h"

/* 1 <= count <= VALUE_BLOCK_MAX. STATUS_FULL, STATUS_NO_MEMORY. */
STATUS_CHECKED enum status value_numbers_encode(const int64_t *numbers, size_t count, bool doubles, struct buf *out);
/* `out` has room for VALUE_BLOCK_MAX. STATUS_CORRUPT. */
STATUS_CHECKED enum status value_numbers_decode(struct span bytes, size_t count, bool doubles, bool parts_alone,
						int64_t *out);

#endif
