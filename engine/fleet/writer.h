/* writer.h -- the thread that turns cut heads into blocks and commits them; one a shard.
 *
 *   shard loop ── jobs, first in first out ──> writer ── one atomic batch for what has gathered ──> store
 *
 * Blocks of a device are made, merged and deleted by its shard's writer only. A commit that fails for want of
 * room is tried again until it succeeds: meanwhile jobs gather, `writer_backlog` grows and the shard says BUSY.
 *
 * Threads: writer_push and writer_backlog from the owner (or before it starts), writer_wait from anywhere. */
#ifndef ZAYTON_FLEET_WRITER_H
#define ZAYTON_FLEET_WRITER_H

#include <stdatomic.h>

#include "engine/fleet/head.h"
#include "engine/fleet/streams_head.h"

enum job_kind {
	JOB_SEAL,        /* blocks and the device's row; the seal is linked from its head */
	JOB_ROW,         /* the device's row alone, from a snapshot */
	JOB_MESSAGE,     /* a message kept as it came */
	JOB_ROWS,        /* a put into a lasting family */
	JOB_CHECKPOINT,  /* every job before it is in: note the position, sync the store, tell the shard */
	JOB_FOLD,        /* merge the overlapping blocks of a device */
	JOB_VALUES,      /* as SEAL, of a stream */
	JOB_VALUES_ROW,  /* as ROW */
	JOB_VALUES_FOLD, /* as FOLD */
};

struct job {
	struct job *next;
	enum job_kind kind;
	size_t bytes;              /* memory it stands for, counted into the backlog */
	struct seal *seal;         /* SEAL, ROW */
	struct value_seal *values; /* VALUES, VALUES_ROW */
	uint64_t device;           /* MESSAGE, FOLD; VALUES_FOLD: the stream */
	uint8_t class_code;        /* MESSAGE */
	bool odd;                  /* MESSAGE */
	int64_t time_ms;           /* MESSAGE; FOLD: from here ... */
	int64_t until_ms;          /* ... to here */
	uint64_t position;         /* MESSAGE: hash; CHECKPOINT: the position */
	uint32_t epoch;            /* CHECKPOINT: of the journals */
	enum store_family family;  /* ROWS */
	uint32_t key_size;         /* ROWS: bytes of `data` that are the key */
	uint32_t size;
	uint8_t data[]; /* MESSAGE: the value; ROWS: key, value */
};

/* NULL without memory. */
struct job *job_new(enum job_kind kind, size_t data_size);

struct writer_stats {
	_Atomic uint64_t sealed_blocks, sealed_reports, sealed_bytes, late_blocks, folds, checkpoints, commits;
	_Atomic uint64_t sealed_value_blocks, sealed_values, sealed_value_bytes, late_value_blocks;
};

struct writer;
struct writer_options {
	struct store *store;
	struct heads *heads;
	struct value_heads *values;
	struct value_texts *texts; /* of the values */
	uint16_t shard;
	/* writer thread: the checkpoint at `position` is durable */
	void (*checkpointed)(void *context, uint64_t position);
	void *context;
};
STATUS_CHECKED enum status writer_open(const struct writer_options *options, struct writer **out);
/* Finishes every job, joins, frees. */
void writer_close(struct writer *w);
/* Takes the job. */
void writer_push(struct writer *w, struct job *job);
/* Bytes waiting. */
size_t writer_backlog(const struct writer *w);
/* Until every job pushed before the call is committed; the status of the last failed commit that was not
 * made good, STATUS_OK otherwise. */
STATUS_CHECKED enum status writer_wait(struct writer *w);
const struct writer_stats *writer_stats(const struct writer *w);

/* meta row of a shard's checkpoint: its key, and its position. */
#define CHECKPOINT_KEY_SIZE 8
void checkpoint_key(uint32_t epoch, uint16_t shard, uint8_t out[CHECKPOINT_KEY_SIZE]);

#endif
