/* sessions.h -- which connection speaks for a terminal, over all shards.
 *
 *   device id -> place (shard, slot, generation), and how often it moved lately
 *
 * Open addressing, linear probing, at most half full. A terminal that reconnects leaves a dead connection behind:
 * the new login takes over and the old place is closed. Two terminals with one phone would throw each other out
 * forever: past `takeovers_max` moves in `period_ms` the newcomer is refused until the period is over.
 *
 * Threads: any; a mutex, taken at login and logout only. */
#ifndef ZAYTON_INGEST_SESSIONS_H
#define ZAYTON_INGEST_SESSIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/core/status.h"

struct session_place {
	uint32_t shard, slot, generation;
};

enum login_verdict { LOGIN_NEW, LOGIN_AGAIN, LOGIN_TAKEOVER, LOGIN_CLONE };

struct login {
	enum login_verdict verdict;
	struct session_place old; /* TAKEOVER: the place to close */
	bool first_of_period;     /* CLONE: not yet told in this period */
};

struct sessions;
STATUS_CHECKED enum status sessions_new(uint32_t period_ms, unsigned takeovers_max, struct sessions **out);
void sessions_free(struct sessions *s);
/* `device` is not 0; `now_ms` is any clock that does not go back. STATUS_NO_MEMORY. */
STATUS_CHECKED enum status sessions_login(struct sessions *s, uint64_t device, struct session_place place,
					  int64_t now_ms, struct login *out);
/* Nothing when another place speaks for the device by now. */
void sessions_logout(struct sessions *s, uint64_t device, struct session_place place);
/* Where a device is logged in. STATUS_NOT_FOUND. */
STATUS_CHECKED enum status sessions_find(struct sessions *s, uint64_t device, struct session_place *out);
size_t sessions_count(struct sessions *s);

#endif
