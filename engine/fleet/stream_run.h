/* stream_run.h -- stage 3 over the stored values of one stream: what live, judging again and replay have in common.
 *
 *   snapshot of state ──> values after it that stand, in order ──> stream_step ──> told findings
 *                                                               └─ as of an instant ──> stream_open
 *
 * Values ahead of the instant by more than FUTURE_SKEW_MAX_MS wait until it has come nearer. Threads: any but a shard's
 * loop; a run has one owner. */
#ifndef ZAYTON_FLEET_STREAM_RUN_H
#define ZAYTON_FLEET_STREAM_RUN_H

#include "engine/detect/stream_detect.h"
#include "engine/fleet/judge_run.h"
#include "engine/fleet/streams.h"

struct stream_run {
	struct engine *engine;
	struct judged_by *by;
	uint64_t stream;
	struct stream_state *state; /* owned; where the run stands */
	struct told told;
	uint64_t steps;
	int64_t first_ms; /* of the first value stepped; INT64_MAX: none */
	int64_t ahead_ms; /* a value that is still ahead of the instant; INT64_MAX: none */
	/* After every STREAM_SNAPSHOT_STEPS values; may be NULL. */
	enum status (*snapshot)(void *context, const struct stream_state *state);
	void *context;
	/* what the registry says, for stream_subject */
	struct stream facts;
	char sector[DEVICE_VALUE_MAX + 1], village[DEVICE_VALUE_MAX + 1];
	struct stream_context judged;
};
/* values between two snapshots of a stream's state: those of a block */
#define STREAM_SNAPSHOT_STEPS 1024

/* `by` is borrowed. `state` NULL: from nothing. Takes over `state` in any case. STATUS_NO_MEMORY. */
STATUS_CHECKED enum status stream_run_init(struct stream_run *r, struct engine *e, struct judged_by *by,
					   uint64_t stream, struct stream_state *state);
void stream_run_deinit(struct stream_run *r);
/* Every value after the state that is not ahead of `as_of_ms`, and then what is open as of it. */
STATUS_CHECKED enum status stream_run_to(struct stream_run *r, int64_t as_of_ms);
/* Whether any rule speaks of the stream's quantity. */
bool stream_run_is_asked(struct stream_run *r);

/* --- digests --- */

/* Sets the digest of a finding of stage 3 that has ended: SHA-256 over the values that stand within the span it rests
 * on (from `start_ms` less OTHER to `end_ms`), each as time 8, type 1, scale 1, quality 1, and its bits 8, or of a
 * text size 1 and bytes; big-endian. Zero for one that is open. */
STATUS_CHECKED enum status stream_finding_digest(struct engine *e, struct finding *f);
/* The span a finding of stage 3 rests on. */
void stream_finding_span(const struct finding *f, int64_t *from_ms, int64_t *to_ms);

/* --- rows of snapshots: family `state`, 0x06 | stream 8 | time 8 -> stream_state_encode() --- */
#define STREAM_STATE_KEY_SIZE 17
void stream_state_key(uint64_t stream, int64_t time_ms, uint8_t out[STREAM_STATE_KEY_SIZE]);
/* The latest snapshot strictly before `before_ms`. STATUS_NOT_FOUND; one of another version counts as none. */
STATUS_CHECKED enum status stream_state_before(struct store *s, uint64_t stream, int64_t before_ms,
					       struct stream_state **out);

#endif
