/* block_items.h -- what follows the fixed part of each body, as columns by item.
 *
 * A layout is the sequence of (id, length) of a body's items; most reports of a terminal share a few. A body that
 * does not fit (too many layouts or items, an odometer that no item tells) has layout 0, opaque, and is kept as bytes.
 *
 *   varint  layouts; each: varint 2 * items + (1: bytes follow that make no item), then id, length per item
 *   sized   runs of the layout of each report, 1 the first
 *   slots   in order of first mention, for each (id, length 1..8, how many of its like stand before it in the layout):
 *           u8 mode, sized column; longer than 4 bytes: sized column of the leading bytes, then of the last four.
 *           mode 0 z(value - value before), 1 value, 2 z(value - speed of its report); values are big-endian
 *   varint  raw bytes, varint stored bytes (fewer: LZ4), stored bytes: report by report, items longer than 8
 *           as they are, then varint length and bytes of what makes no item, or of an opaque rest
 *
 * The first item 0x01 of length 4 has no slot: it is the mileage. Empty when every report's items are. */
#ifndef ZAYTON_SERIES_BLOCK_ITEMS_H
#define ZAYTON_SERIES_BLOCK_ITEMS_H

#include "engine/series/block_layout.h"
#include "engine/series/report_list.h"

#define ITEM_LAYOUTS_MAX 64
#define ITEM_SLOTS_MAX 64
#define ITEMS_PER_LAYOUT_MAX 48
/* raw bytes of a block's items before compression: 1023-byte bodies kept whole fit four times */
#define ITEMS_RAW_MAX (4u << 20)

/* Append the section; nothing when there are no items. STATUS_FULL past ITEMS_RAW_MAX, STATUS_NO_MEMORY. */
STATUS_CHECKED enum status block_items_encode(const struct report *reports, size_t count, struct buf *out);

struct block_items;
/* Read the section of `count` reports, of which `mileage` and `speed` are columns. STATUS_CORRUPT, STATUS_NO_MEMORY. */
STATUS_CHECKED enum status block_items_open(struct span section, size_t count, const uint32_t *mileage,
					    const uint16_t *speed, struct block_items **out);
/* The items of the next report, into `out` (cleared first). STATUS_CORRUPT, STATUS_NO_MEMORY. */
STATUS_CHECKED enum status block_items_next(struct block_items *it, struct buf *out);
/* STATUS_CORRUPT when bytes are left over. */
STATUS_CHECKED enum status block_items_end(const struct block_items *it);
void block_items_free(struct block_items *it);

#endif
