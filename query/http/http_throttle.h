/* http_throttle.h -- who tries passwords is slowed: by the name tried and by the address it comes from.
 *
 *   sets[256] x 4 ways:  key (seeded hash of kind and text) | failures | last, blocked until
 *
 * Behind THROTTLE_FREE failures each one more doubles the time in which nothing is tried, from a second up to a quarter
 * of an hour; a quarter of an hour without a failure halves the count. The table is bounded: in a full set the entry
 * that failed longest ago gives way. Times are monotonic milliseconds, told by the caller. Threads: any. */
#ifndef ZAYTON_QUERY_HTTP_THROTTLE_H
#define ZAYTON_QUERY_HTTP_THROTTLE_H

#include <pthread.h>
#include <stdint.h>

#include "engine/core/status.h"

#define THROTTLE_SETS 256
#define THROTTLE_WAYS 4
/* of an address that many people share (one office behind one router), and of a name */
#define THROTTLE_FREE_ADDRESS 20
#define THROTTLE_FREE_NAME 5
#define THROTTLE_LONGEST_MS (15 * INT64_C(60000))

enum throttle_kind { THROTTLE_NAME, THROTTLE_ADDRESS };

struct throttle {
	pthread_mutex_t lock;
	uint64_t seed;
	struct throttle_entry {
		uint64_t key; /* 0: free */
		uint32_t failures;
		int64_t last_ms, until_ms;
	} sets[THROTTLE_SETS][THROTTLE_WAYS];
};

/* STATUS_IO: no randomness. */
STATUS_CHECKED enum status throttle_init(struct throttle *t);
void throttle_deinit(struct throttle *t);
/* How long, ms, until the next try; 0: now. */
int64_t throttle_wait_ms(struct throttle *t, enum throttle_kind kind, const char *text, int64_t now_ms);
void throttle_failed(struct throttle *t, enum throttle_kind kind, const char *text, int64_t now_ms);
/* The right password for a name: its failures are forgotten. */
void throttle_forget(struct throttle *t, enum throttle_kind kind, const char *text);

#endif
