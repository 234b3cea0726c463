/* hazards_state.h -- the register's inside, shared by the files that take steps and read. */
#ifndef ZAYTON_REGISTER_HAZARDS_STATE_H
#define ZAYTON_REGISTER_HAZARDS_STATE_H

#include <pthread.h>

#include "engine/register/hazards_table.h"

struct hazards {
	struct store *store;
	struct hazard_policy policy;
	pthread_mutex_t steps; /* one step at a time */
	pthread_rwlock_t lock; /* of the two below */
	struct hazards_table table;
	uint64_t sequence;
};

#endif
