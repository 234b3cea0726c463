/* hazard_feed_state.h -- the feed's inside: one finding against one policy, and what is proposed of it. */
#ifndef ZAYTON_REGISTER_HAZARD_FEED_STATE_H
#define ZAYTON_REGISTER_HAZARD_FEED_STATE_H

#include <pthread.h>

#include "engine/register/hazard_feed.h"

#define FEED_REFERENCE_MAX (RULE_ID_MAX + 32)
#define FEED_CAUSE_MAX (RULE_ID_MAX + DEVICE_VALUE_MAX + 2)

struct hazard_feed {
	struct engine *engine;
	struct hazards *hazards;
	struct feed_policies *policies;
	struct hazard_feed_stats stats;
	uint64_t cursor;
	pthread_t thread;
	pthread_mutex_t mutex;
	pthread_cond_t changed;
	bool running, stopping;
};

/* A finding against one policy. */
struct feed_matter {
	struct hazard_feed *feed;
	const struct feed_policy *policy;
	const struct violation *v;
	int64_t now_ms;
	char per[DEVICE_VALUE_MAX + 1];
	char plate[DEVICE_VALUE_MAX + 1], company[DEVICE_VALUE_MAX + 1], village[DEVICE_VALUE_MAX + 1];
};

void feed_reference(const struct feed_policy *p, uint64_t id, char out[FEED_REFERENCE_MAX]);
void feed_cause(const struct feed_matter *m, char out[FEED_CAUSE_MAX]);

struct feed_words {
	char text[HAZARD_VALUE_MAX + 1];
	size_t size;
};
struct feed_proposal {
	struct hazard_change changes[HAZARD_FIELD_COUNT];
	size_t count;
	struct feed_words words[HAZARD_FIELD_COUNT];
};
/* The fields of a new hazard, `count` findings strong; the changes borrow from `p`. */
void feed_propose(struct feed_proposal *p, const struct feed_matter *m, size_t count);

#endif
