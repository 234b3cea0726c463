/* int_column.h -- up to BLOCK_REPORTS_MAX small non-negative numbers as Rice codes in frames of 32.
 *
 *   runs | exceptions | low bits | quotients            an empty column: every value is 0
 *
 *   runs        one byte a run of frames: kind (bits 0-4) and length (bits 5-7, index into 1 2 3 4 6 8 16 32).
 *               kind 0: every value of the frame is 0; kind k+1: Rice parameter k, 0 <= k <= 25
 *   exceptions  varint count, then for each: varint places skipped since the last, varint quotient. For a
 *               value whose quotient is above 24, and for one that is not 0 in a frame of kind 0 (k = 0)
 *   low bits    for each frame of kind k+1: its values mod 2^k, k bits each, low bits first, padded to a byte
 *   quotients   of every value in the frames of kinds above 0: (value >> k) zero bits, then a one bit;
 *               an exception has none; low bits first, to the end of the column
 *
 * Rice codes (Rice 1979) come within 0.1 bit of the entropy of noise, where plain packing to the widest value
 * loses half a bit; keeping low bits and quotients apart lets both be read many at a time.
 * Signed residuals are zigzagged by the caller. */
#ifndef ZAYTON_SERIES_INT_COLUMN_H
#define ZAYTON_SERIES_INT_COLUMN_H

#include "engine/core/bytes.h"
#include "engine/core/limits.h"
#include "engine/series/kernels.h"

#define INT_COLUMN_FRAME 32
#define INT_COLUMN_K_MAX 25
#define INT_COLUMN_QUOTIENT_MAX 24
/* Entries an array given to int_column_decode() must have. */
#define INT_COLUMN_ROOM (BLOCK_REPORTS_MAX + INT_COLUMN_FRAME)
/* Bytes of any encoded column: runs, and per value 25 low bits, 25 quotient bits, or an exception of 2 + 5 bytes. */
#define INT_COLUMN_BYTES_MAX (64 + BLOCK_REPORTS_MAX * 14 + 8)

/* `out` has room for INT_COLUMN_BYTES_MAX; returns the bytes written. 1 <= count <= BLOCK_REPORTS_MAX. */
size_t int_column_encode(const uint32_t *values, size_t count, uint8_t *out);
/* About how many bits that would take: to choose between predictions. */
size_t int_column_cost(const uint32_t *values, size_t count);
/* The same without the wider vectors of this machine. */
size_t int_column_encode_plain(const uint32_t *values, size_t count, uint8_t *out);
size_t int_column_cost_plain(const uint32_t *values, size_t count);
/* `out` has room for INT_COLUMN_ROOM; what lies past `count` is undefined. STATUS_CORRUPT. */
STATUS_CHECKED enum status int_column_decode(const struct series_kernels *kernels, struct span column, size_t count,
					     uint32_t *out);

#endif
