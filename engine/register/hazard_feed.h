/* hazard_feed.h -- findings flow into the register as the policy says.
 *
 *   case feed (findings.h) ── cursor ──> for each policy that the finding is of:
 *        counts ──> its row; enough of them within the span ──> FIND, JOIN or RELAPSE of the hazard of that cause
 *        counts no more (rejected, withdrawn) ──> its row goes; DETACH; a hazard nobody registered yet is VOID
 *        unanswered: a row under the instant it falls due, looked at by the clock
 *
 *   family `hazard`   0x08 | policy 8 | value of `per` 8 | start 8 | case 8    empty: a finding that counts
 *                     0x09 | due 8 | policy 8 | case 8                         empty: waits to be handled
 *                     0x0a | 0 8                                               the last feed row taken in, 8
 *                     0x0b | case 8 | policy 8                                 value of `per` 8 | start 8 | due 8
 *
 * Exactly once: every step carries the reference "POLICY/violation:CASE", which the register takes once, and rows are
 * put before the steps they lead to; whatever is taken in twice after a crash changes nothing. The cursor follows.
 *
 * Threads: one of its own, polling; the rest anywhere but an event loop. */
#ifndef ZAYTON_REGISTER_HAZARD_FEED_H
#define ZAYTON_REGISTER_HAZARD_FEED_H

#include "engine/fleet/engine.h"
#include "engine/register/feed_policy.h"
#include "engine/register/hazards.h"

struct hazard_feed;

/* Borrows engine and register, owns `policies` from now on. */
STATUS_CHECKED enum status hazard_feed_new(struct engine *e, struct hazards *r, struct feed_policies *policies,
					   struct hazard_feed **out);
/* Take in everything up to the last feed row, and what is due at `now_ms` (wall clock). */
STATUS_CHECKED enum status hazard_feed_run(struct hazard_feed *f, int64_t now_ms);
/* A thread that does so whenever there is news, and at least once a second. */
STATUS_CHECKED enum status hazard_feed_start(struct hazard_feed *f);
/* Ends the thread if there is one. NULL is allowed. */
void hazard_feed_free(struct hazard_feed *f);

struct hazard_feed_stats {
	_Atomic uint64_t taken, found, joined, relapsed, detached, failed;
};
const struct hazard_feed_stats *hazard_feed_stats(const struct hazard_feed *f);

#endif
