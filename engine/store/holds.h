/* holds.h -- legal holds and the copies they keep in the family `held`.
 *
 * A hold is a row alone while its months live. When retention drops a month, what overlaps a hold is copied, and so is
 * what the policy says is to be kept, which leaves a row of its own; copying twice writes the same keys. Releasing a
 * case deletes its rows and those copies that no other hold, and nothing kept, covers. All functions here are called
 * with the gate closed. */
#ifndef ZAYTON_STORE_HOLDS_H
#define ZAYTON_STORE_HOLDS_H

#include "engine/store/store_state.h"

struct hold_list {
	struct hold_key *items; /* by device */
	size_t count;
};

STATUS_CHECKED enum status hold_list_load(struct store *s, struct hold_list *out);
void hold_list_free(struct hold_list *list);

/* `kept` holds struct store_range. Copy every block and message of the month of `id` that a hold or one of them covers,
 * with a row for each of them, and sync it unless nothing was copied. */
STATUS_CHECKED enum status hold_copy_month(struct store *s, const struct hold_list *holds, struct span kept,
					   struct family_id id, uint64_t *out_blocks);

#endif
