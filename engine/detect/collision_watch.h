/* collision_watch.h -- who is at risk with whom now, kept from report to report, with hysteresis.
 *
 *   report of A ──> collision_near(A): within the wide limits
 *                      within the narrow ones too, or already at risk with A ──> at risk
 *                      everybody else                                        ──> no longer
 *
 *   partners   A │ C F        each pair stands with both of its vessels
 *              C │ A
 *
 * A pair begins when it comes within the narrow limits and ends when it leaves the wide ones; what lies between changes
 * nothing. This is the provisional view of now; findings are made on the grid of event time (sea_window.h).
 * Memory is bounded by slots and COLLISION_PARTNERS_MAX. Threads: one owner. */
#ifndef ZAYTON_DETECT_COLLISION_WATCH_H
#define ZAYTON_DETECT_COLLISION_WATCH_H

#include "engine/detect/collision.h"

enum mover_kind { MOVER_OTHER, MOVER_MERCHANT, MOVER_FISHING };
/* Which pairs count. */
enum mover_pairs { PAIRS_MERCHANT_FISHING, PAIRS_ANY_FISHING, PAIRS_ANY };
bool mover_pair_counts(enum mover_pairs pairs, unsigned kind, unsigned other);

struct collision_watch_options {
	uint32_t slots;
	struct approach_limits narrow, wide; /* wide: no smaller in either */
	int64_t fresh_ms;
	enum mover_pairs pairs;
	bool plain;
};

struct collision_watch;
/* STATUS_OUT_OF_RANGE: limits beyond those of approach.h, or wide ones that are not; STATUS_NO_MEMORY. */
STATUS_CHECKED enum status collision_watch_new(const struct collision_watch_options *o, struct collision_watch **out);
void collision_watch_free(struct collision_watch *w);
/* The vessel of a slot is there now, and its pairs are judged as of `at_ms`. STATUS_NO_MEMORY. */
STATUS_CHECKED enum status collision_watch_report(struct collision_watch *w, uint32_t slot, unsigned kind,
						  const struct mover *m, int64_t at_ms);
/* It lies still, has no course, or is gone. */
void collision_watch_drop(struct collision_watch *w, uint32_t slot);
/* Slots at risk with this one, in no order; valid until the next change. */
const uint32_t *collision_watch_partners(const struct collision_watch *w, uint32_t slot, size_t *out_count);
const struct mover *collision_watch_at(const struct collision_watch *w, uint32_t slot);
unsigned collision_watch_kind(const struct collision_watch *w, uint32_t slot);
/* Pairs that were not taken up because one of them has COLLISION_PARTNERS_MAX already. */
uint64_t collision_watch_crowded(const struct collision_watch *w);

#endif
