/* code_column.h -- up to VALUE_BLOCK_MAX numbers by how often each comes: asymmetric numeral systems.
 *
 *   log 1 | used varint | first symbol varint | codes | state 4 | state 4 | words | bits
 *
 *   symbol   of a number below 32 itself; of another its length in bits and the two bits below its highest one: 64
 *            bits of numbers are 268 symbols. What is below those bits lies in `bits`, low bits first
 *   codes    one byte a symbol from the first on until `used` have come: how often of 2^log; 0 and a byte: so many
 *            symbols and one do not come; 255 (once): all that is left. A code below 32 is the frequency itself,
 * another (16 + code % 16) << (code / 16 - 1) states   two of 32 bits, numbers take them in turn; words of 16 bits
 * refill them (rANS, Duda 2013); both end at 2^16
 *
 * A Rice code (int_column.h) is for noise of one width; here a value that hardly ever changes takes a tenth of a bit,
 * and a width between two powers of two what it takes. All in whole numbers: the same numbers give the same bytes.
 *
 * Pure; any thread. */
#ifndef ZAYTON_SERIES_CODE_COLUMN_H
#define ZAYTON_SERIES_CODE_COLUMN_H

#include "engine/core/bytes.h"
#include "engine/core/limits.h"
#include "engine/core/status.h"

/* bytes of any column: a table, and per number a word and 61 bits */
#define CODE_COLUMN_BYTES_MAX (1024 + VALUE_BLOCK_MAX * 10)

/* `out` has room for CODE_COLUMN_BYTES_MAX; returns the bytes written. 1 <= count <= VALUE_BLOCK_MAX. */
size_t code_column_encode(const uint64_t *values, size_t count, uint8_t *out);
/* `out` has room for `count`. STATUS_CORRUPT. */
STATUS_CHECKED enum status code_column_decode(struct span column, size_t count, uint64_t *out);

#endif
