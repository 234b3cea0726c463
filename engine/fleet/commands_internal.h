/* commands_internal.h -- the queue's own state, for the files that make commands.h alone.
 *
 *   write    one change of rows at a time: API threads and the worker; held over the disk
 *   index    what is open, in memory (its own lock, never held over the disk)
 *   said     what sessions said and is not written, oldest first, under `lock`; the worker takes it all */
#ifndef ZAYTON_FLEET_COMMANDS_INTERNAL_H
#define ZAYTON_FLEET_COMMANDS_INTERNAL_H

#include <stdatomic.h>

#include "engine/fleet/commands_index.h"
#include "engine/fleet/commands_row.h"

/* Something a session said of a command. */
struct said {
	struct said *next;
	uint64_t device, id;
	int64_t at_ms;
	uint8_t state, result;
	char note[COMMAND_WHY_MAX + 1];
	size_t answer_size;
	uint8_t answer[];
};

/* A finding that waits for its reminder. */
struct reminder {
	uint64_t violation, feed;
	int64_t due_ms;
};

struct commands {
	struct store *store;
	struct registry *registry;
	struct context *context;
	struct findings *findings;
	struct commands_options options;

	pthread_mutex_t write;
	uint64_t next_id;   /* under `write` */
	uint64_t feed_kept; /* under `write`: in the counters' row */

	struct commands_index index;

	pthread_mutex_t lock;
	pthread_cond_t wake;
	struct said *said, **said_end;
	size_t said_count;
	_Atomic bool stopping;
	pthread_t worker;
	bool started;

	commands_due *due;
	void *due_context;

	/* the worker's own */
	uint64_t feed; /* findings were looked at up to here */
	struct reminder *reminders;
	size_t reminder_count, reminder_capacity;
	int64_t feed_kept_ms;
	bool counters_kept; /* the row is there */
	bool look_at_once;  /* what the clock brings about could not be written */

	_Atomic uint64_t added, sent, answered, refused, expired, cancelled, reminded;
};

/* As commands_add(); `batch` (may be NULL) holds rows that become durable with them. */
STATUS_CHECKED enum status commands_put(struct commands *c, struct command_order *orders, size_t count, int64_t now_ms,
					struct store_batch *batch);
/* The counters' row with `feed` in it. Under `write`. */
void commands_put_counters(struct commands *c, struct store_batch *b, uint64_t feed);
/* A row with one event more; `row` and `scratch` are the caller's. Under `write`. */
STATUS_CHECKED enum status commands_put_event(struct store_batch *b, struct command *row, int64_t at_ms,
					      const char *who, const char *text, struct buf *scratch);
STATUS_CHECKED enum status commands_load(struct commands *c, uint64_t id, struct command *out, struct buf *scratch);
/* Tell who listens that the device has something due. */
void commands_tell_due(struct commands *c, uint64_t device);

/* commands_remind.c: look at findings that are new, ask for the reminders that are due. Worker's thread. */
void commands_remind(struct commands *c, int64_t now_ms);

/* commands_worker.c */
void *commands_work(void *context);

#endif
