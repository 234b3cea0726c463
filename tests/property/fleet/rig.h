/* rig.h -- a real engine in a temporary folder, fed as a listener would feed it, and read back. */
#ifndef ZAYTON_TESTS_FLEET_RIG_H
#define ZAYTON_TESTS_FLEET_RIG_H

#include <pthread.h>

#include "engine/fleet/engine.h"

struct rig {
	char dir[64];
	struct engine_options options;
	struct engine *engine;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	uint64_t settled, failed, submitted;
};

/* A report as a listener has it: its device and its 0x0200 body. */
struct sent {
	uint64_t device;
	int64_t received_ms;
	uint16_t flags;
	uint16_t size;
	uint8_t body[60];
};

void rig_init(struct rig *r);
/* Removes the folder. */
void rig_deinit(struct rig *r);
void rig_open(struct rig *r);
/* Stop and close as a clean shutdown does. */
void rig_close(struct rig *r);
uint64_t rig_device(unsigned number);
/* A body at `time_ms` (whole seconds) that depends on `random` for everything else. */
struct sent rig_report(uint64_t device, int64_t time_ms, uint64_t random);
/* Hand them to shard `index` and wait until all are settled. */
void rig_submit(struct rig *r, unsigned index, const struct sent *reports, size_t count);
/* Everything of a device, as one hash over (time, hash, body) in order, and the count. */
uint64_t rig_digest(struct rig *r, uint64_t device, size_t *out_count);

#endif
