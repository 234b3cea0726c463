/* finding_reports.h -- the raw reports that speak for a finding: which they are, their digest, keeping them.
 *
 *   stage 1   the device from start to end
 *   convoy    both devices from start to end
 *   fatigue   every drive and gap of the subject within [start, end], in whatever vehicle
 *   streams   the values of the stream from start, less OTHER, to end (stream_run.h has their digest)
 *   patrol    what the visits sent with which the span began and ended; nothing where it began or ended otherwise
 *
 * Stretches are ascending by (device, from) and apart from each other. The digest is SHA-256 over the original bodies
 * of their reports, stretch by stretch, each in order of (time, hash): the same whatever the order of arrival.
 *
 * Threads: any but an event loop. */
#ifndef ZAYTON_FLEET_FINDING_REPORTS_H
#define ZAYTON_FLEET_FINDING_REPORTS_H

#include "engine/fleet/audit.h"
#include "engine/fleet/engine.h"

/* The reports of one device within [from_ms, to_ms]. */
struct stretch {
	uint64_t device;
	int64_t from_ms, to_ms;
};
/* All zero to begin. */
struct stretches {
	struct stretch *list;
	size_t count, capacity;
};
void stretches_deinit(struct stretches *s);

/* Whether the finding is made of facts, and `facts` of its subject are needed to say which reports it rests on. */
bool finding_rests_on_facts(const struct finding *f);
/* `facts` are all of the finding's subject, in any order; NULL when it does not rest on facts. Replaces what `out`
 * holds. STATUS_NO_MEMORY. */
STATUS_CHECKED enum status stretches_of(const struct finding *f, const struct fact *facts, size_t count,
					struct stretches *out);
/* The same, with the facts as they are stored. */
STATUS_CHECKED enum status stretches_stored(struct findings *findings, const struct finding *f, struct stretches *out);

/* Sets the digest of a finding that has ended; zero for one that is open or rests on no report at all. `facts` as
 * above. */
STATUS_CHECKED enum status finding_digest(struct engine *e, struct finding *f, const struct fact *facts, size_t count);
/* The same, with the facts as they are stored. */
STATUS_CHECKED enum status finding_digest_stored(struct engine *e, struct finding *f);

/* For struct retention_policy, `context` a struct findings: the reports of every finding that stands, neither withdrawn
 * nor rejected, and of what was confirmed of it, as far as they touch [from_ms, to_ms]. As long as a finding stands,
 * which is for ever (the law asks for three years), its reports do. */
store_keep findings_keep;

/* A person's hold (证据封存) on what speaks for one finding, under a case number: every stretch as it is now, and for
 * each a row of the audit before it. Release with store_release(). STATUS_NOT_FOUND: no such finding; STATUS_EMPTY: it
 * rests on no report; STATUS_INVALID: no case number (1..CASE_NUMBER_MAX bytes). Synced when it returns. */
STATUS_CHECKED enum status findings_hold(struct engine *e, uint64_t id, const char *case_number,
					 const struct principal *who, int64_t now_ms);

#endif
