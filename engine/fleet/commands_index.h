/* commands_index.h -- the open commands in memory: what sessions ask, without the disk.
 *
 *   buckets   device ──> open command ──> open command ...       oldest first; COMMAND_BUCKETS of them
 *
 * What a command says is held as its canonical bytes. Bounded: COMMANDS_DEVICE_MAX, COMMANDS_OPEN_MAX,
 * COMMANDS_BYTES_MAX. Threads: any; one lock, held for a lookup, or for a slice of the buckets. */
#ifndef ZAYTON_FLEET_COMMANDS_INDEX_H
#define ZAYTON_FLEET_COMMANDS_INDEX_H

#include <pthread.h>

#include "engine/fleet/commands.h"

#define COMMAND_BUCKETS 65536u

struct open_command {
	struct open_command *next;
	uint64_t id, device;
	int64_t not_before_ms, expires_ms;
	bool resting; /* until the terminal's next login */
	bool told;    /* the listener knows that it is due */
	bool hidden;  /* not durable yet */
	uint16_t size;
	uint8_t bytes[];
};

struct commands_index {
	pthread_mutex_t lock;
	struct open_command **buckets;
	uint64_t count, bytes;
	int64_t next_ms; /* nothing becomes due or expires before it */
};

STATUS_CHECKED enum status commands_index_init(struct commands_index *x);
void commands_index_deinit(struct commands_index *x);

/* Room for it and what says it: hidden until shown. STATUS_FULL (`*out_of_device` when it is the device that has too
 * many), STATUS_NO_MEMORY. */
STATUS_CHECKED enum status commands_index_add(struct commands_index *x, const struct open_command *like,
					      struct span content, bool *out_of_device);
void commands_index_show(struct commands_index *x, uint64_t device, uint64_t id);
/* False when it is not there. */
bool commands_index_remove(struct commands_index *x, uint64_t device, uint64_t id);
bool commands_index_has(struct commands_index *x, uint64_t device, uint64_t id);
/* The oldest that may be sent, or that of this id (0: any, as long as it does not rest). STATUS_NOT_FOUND;
 * STATUS_CORRUPT. */
STATUS_CHECKED enum status commands_index_next(struct commands_index *x, uint64_t device, uint64_t id, int64_t now_ms,
					       struct command_next *out);
/* id 0: every command of the device. */
void commands_index_rest(struct commands_index *x, uint64_t device, uint64_t id, bool resting);

/* What the clock brings about: those that expired, and those that became due and were not told yet (they are now).
 * Walks a slice of the buckets at a time from `bucket` on; up to `max` of each; false when all were seen. */
struct command_ref {
	uint64_t device, id;
};
struct commands_tick {
	uint32_t bucket;
	int64_t next_ms; /* over the slices so far; INT64_MAX to begin with */
	struct command_ref *expired;
	uint64_t *due; /* devices */
	size_t max, expired_count, due_count;
};
bool commands_index_tick(struct commands_index *x, struct commands_tick *t, int64_t now_ms);

#endif
