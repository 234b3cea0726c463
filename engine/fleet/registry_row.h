/* registry_row.h -- the facts of one device as bytes: what the store holds and what memory holds.
 *
 * Layout, version 1 (numbers are LEB128, signed ones zigzag):
 *   version 1 | kind 1 | created ms, signed | changes | count | fact * count
 *   fact = field 1 | flags 1 | [from ms, signed] | changed ms, signed | size 1 | value | [size 1 | principal]
 *   flags: 1 valid from always (no `from`), 2 said by the principal of the fact before (none here)
 *
 * A fact says that from an instant on a field is a value; an empty value says that it is nothing. Facts
 * strictly ascend in (field, from), so a binding ends where the next fact of its field begins, and no two
 * bindings of a field overlap. `changes` counts all changes ever made; it numbers the history.
 * The same facts are the same bytes. Pure; a row may be read anywhere. */
#ifndef ZAYTON_FLEET_REGISTRY_ROW_H
#define ZAYTON_FLEET_REGISTRY_ROW_H

#include "engine/fleet/registry.h"

#define ROW_BYTES_MAX (4u << 20) /* DEVICE_FACTS_MAX facts at their longest take 1.4 MiB */

struct fact {
	uint8_t field;
	int64_t from_ms;
	int64_t changed_ms;
	struct span value;
	struct span principal;
};

struct row {
	uint8_t kind;
	int64_t created_ms;
	uint32_t changes;
	uint32_t count;
	struct cursor facts; /* those not read yet */
	uint32_t left;
	struct span last_principal;
};

/* The head of a row; facts follow by row_next. STATUS_CORRUPT, STATUS_BAD_VERSION. */
STATUS_CHECKED enum status row_open(struct span bytes, struct row *out);
/* Views into the row. STATUS_END; STATUS_CORRUPT. */
STATUS_CHECKED enum status row_next(struct row *r, struct fact *out);
/* Every byte and invariant. STATUS_CORRUPT, STATUS_BAD_VERSION. */
STATUS_CHECKED enum status row_check(struct span bytes);

/* The fact of `field` that holds at `at_ms`, and where it ends. STATUS_NOT_FOUND when none does or it says nothing. */
STATUS_CHECKED enum status row_at(struct span bytes, uint8_t field, int64_t at_ms, struct fact *out);
/* Whether `field` is `value` at any instant of [from_ms, to_ms). */
bool row_says(struct span bytes, uint8_t field, struct span value, int64_t from_ms, int64_t to_ms);

/* Facts in hand, for changing. */
struct facts {
	struct fact *list;
	size_t count, capacity;
};
/* Take the change of one field in. `*out_to_ms` is where the new fact ends, `*out_previous` what held before.
 * STATUS_END when it says what already holds: nothing is changed. STATUS_FULL. */
STATUS_CHECKED enum status facts_change(struct facts *f, const struct fact *change, int64_t *out_to_ms,
					struct span *out_previous);
STATUS_CHECKED enum status facts_encode(const struct facts *f, uint8_t kind, int64_t created_ms, uint32_t changes,
					struct buf *out);

#endif
