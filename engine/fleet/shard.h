/* shard.h -- one event loop and the devices it owns: from submission to durable to head.
 *
 *   shard_submit ─┬─ own device ──> journal + pending ring ── durable ──> head, settled()
 *                 └─ other's ─────> its inbox ...................................┘ (settled travels back by our inbox)
 *
 *   pending   a ring of bytes: entries handed to the journal, in order of position, until they are durable
 *   inbox     what other threads have for this loop: submissions, settlements, work; drained once a turn
 *
 * Threads: everything but the inbox and the heads' lock belongs to the loop thread. Before engine_start and
 * after engine_stop the opening thread plays its part. */
#ifndef ZAYTON_FLEET_SHARD_H
#define ZAYTON_FLEET_SHARD_H

#include <uv.h>

#include "engine/core/histogram.h"
#include "engine/fleet/connections.h"
#include "engine/fleet/engine.h"
#include "engine/fleet/head.h"
#include "engine/fleet/judge_run.h"
#include "engine/fleet/ring.h"
#include "engine/fleet/streams_head.h"
#include "engine/fleet/writer.h"

struct shard_counters {
	_Atomic uint64_t submitted, durable, reports, duplicates, messages, quarantined, fragments, busy, trims, values;
};

struct inbox {
	pthread_mutex_t lock;
	struct buf filling, draining;
};

struct checkpoint {
	bool running;
	uint64_t position; /* everything up to here will be in the store */
	uint32_t next_head, next_value_head;
	int64_t due_ns;
	uint64_t taken; /* position of the last one asked for */
};

struct shard {
	struct engine *engine;
	unsigned index;
	uv_loop_t loop;
	uv_async_t wake;
	uv_check_t after_poll;
	uv_timer_t tick;
	pthread_t thread;
	bool running, told_to_stop, closing;
	_Atomic bool stopping, quiet;
	void *user;

	struct journal *journal;
	struct writer *writer;
	struct heads heads;
	struct connections connections;
	struct value_heads values;
	struct ring pending;
	struct inbox inbox;
	struct checkpoint checkpoint;
	bool wants_room;
	_Atomic uint64_t durable_checkpoint;
	uint64_t applied; /* everything up to this position is in heads or with the writer */
	uint64_t trimmed;
	struct shard_counters counters;
	struct histogram commit_us;
	struct judged_by *judged_by; /* what reports are judged by now */
	struct told told;            /* since the last turn */
	uint32_t next_tick;          /* head that is asked next for its clock */
	uint32_t marks;
	uint64_t signals; /* bit i: shard i has something new in its inbox from us */
};

STATUS_CHECKED enum status shard_init(struct shard *s, struct engine *e, unsigned index);
void shard_deinit(struct shard *s);
STATUS_CHECKED enum status shard_open_journal(struct shard *s, const char *dir);
STATUS_CHECKED enum status shard_start_thread(struct shard *s);
void shard_ask_to_stop(struct shard *s);
void shard_join(struct shard *s);
/* Loop thread or no loop at all: seal every head, fold, checkpoint; then the caller waits for the writer. */
STATUS_CHECKED enum status shard_settle(struct shard *s);
/* Snapshot every dirty head and checkpoint; the caller waits for the writer. For closing. */
STATUS_CHECKED enum status shard_checkpoint_now(struct shard *s);
/* A checkpoint in steps: begin, then step until `checkpoint.running` is false. `applied`: every entry up to there
 * has been applied. */
void shard_checkpoint_begin(struct shard *s, uint64_t applied);
STATUS_CHECKED enum status shard_checkpoint_step(struct shard *s, size_t bytes_max);
/* Put a durable entry where it belongs: the head, or the writer. The part that live and recovery share. */
STATUS_CHECKED enum status shard_apply(struct shard *s, uint64_t position, const struct intake *in);
/* A put of `head` and `body`, one after the other, into a lasting family. STATUS_NO_MEMORY. */
STATUS_CHECKED enum status shard_push_row(struct shard *s, enum store_family family, struct span key, struct span head,
					  struct span body);
/* Bulk: like shard_apply for a report without a position. */
STATUS_CHECKED enum status shard_apply_report(struct shard *s, uint64_t device, const struct report *r,
					      uint64_t position);
/* The same for `count` <= BULK_BATCH reports without items; `*applied` gets how many were. Cheaper than one by one. */
STATUS_CHECKED enum status shard_apply_reports(struct shard *s, const uint64_t *devices, const struct report *reports,
					       size_t count, size_t *applied);
/* Journal payload of an entry, and back. */
size_t intake_encode(const struct intake *in, uint8_t prefix[64]);
STATUS_CHECKED enum status intake_decode(uint8_t kind, struct span payload, struct intake *out, struct report *report);

#endif
