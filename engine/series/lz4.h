/* lz4.h -- the one user of LZ4 in series: raw remainders of blocks. */
#ifndef ZAYTON_SERIES_LZ4_H
#define ZAYTON_SERIES_LZ4_H

#include "engine/core/bytes.h"

/* Append `raw` compressed, only if that is smaller; `*out_size` is the bytes appended, raw.size when it was
 * appended as it is. STATUS_FULL, STATUS_NO_MEMORY. */
STATUS_CHECKED enum status lz4_pack(struct span raw, struct buf *out, size_t *out_size);
/* Fill all of `raw_size` bytes at `out` from `packed`. STATUS_CORRUPT. */
STATUS_CHECKED enum status lz4_unpack(struct span packed, uint8_t *out, size_t raw_size);

#endif
