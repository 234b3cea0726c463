/* streams_head.h -- the newest values of each stream, in memory, until they are sealed into blocks.
 *
 *   value_heads   stream -> head                    open addressing over 64-bit ids, as heads of reports (head.h)
 *   value_head    run [ v v v v ... ]               in order of arrival
 *                 sealing -> seal -> seal           cut off, on their way to the store, still readable
 *
 * Everything head.h says of cutting, rows and positions holds here, with one difference: one journal entry may hold
 * many values of one stream, so a head is cut only between entries, and its position rises when the whole entry is in.
 *
 *   family `head`   stream 8 | 0x01  ->  version 3 | epoch 4 | position 8 | sealed_until 8 | total 8 | seen 8 |
 *                                        next_seq 4 | unjudged 8 | joinable 4 | join_from 8 |
 *                                        last: size 4, value block of one, or size 0 |
 *                                        (size 4, value block)*                        (little-endian)
 * A row of version 1 has no `unjudged`: everything of its stream is judged again; one of version 2 nothing to join.
 *
 * Threads: a head belongs to its shard's loop thread; `lock` guards what others read. */
#ifndef ZAYTON_FLEET_STREAMS_HEAD_H
#define ZAYTON_FLEET_STREAMS_HEAD_H

#include <pthread.h>

#include "engine/fleet/streams.h"

#define VALUE_HEAD_KEY_SIZE 9
void value_head_key(uint64_t stream, uint8_t out[VALUE_HEAD_KEY_SIZE]);

struct value_run {
	struct value *values;
	uint32_t count, capacity;
};

/* What a row holds besides values. */
struct value_head_state {
	uint32_t epoch;
	uint64_t position;       /* everything of the stream up to here is in the row or in blocks */
	int64_t sealed_until_ms; /* latest time of a sealed value; INT64_MIN when none */
	uint64_t total;          /* values taken in, duplicates included */
	int64_t seen_ms;         /* latest receipt */
	uint32_t next_seq;
	int64_t unjudged_ms;  /* values from here on may not be judged yet (judge_streams.h); INT64_MAX: all are */
	uint32_t joinable;    /* values in order, sealed since the last that make a whole block were joined */
	int64_t join_from_ms; /* the first of them */
	bool has_last;
	struct value last; /* the one that stands last of those not ahead of their receipt */
};

/* Values cut off a head. Owned by the writer; linked from the head until the store has them. */
struct value_seal {
	struct value_seal *next;
	uint64_t stream;
	uint8_t class_code;
	struct value_run run; /* in order, unique: [0, sealed) go to blocks, the rest to the row */
	uint32_t sealed;
	uint32_t first_seq;
	int64_t late_before_ms; /* sealed values at or before this get blocks of their own */
	struct value_head_state state;
};

struct value_head {
	/* what an append touches: two lines */
	_Alignas(64) struct value_run run;
	struct value_head *next_touched; /* by the entry that is being applied */
	uint64_t row_position;           /* of the row read on opening, under row_epoch: entries up to there are in */
	uint32_t row_epoch;
	bool dirty, has_class;
	struct value_head_state state;

	/* the rest */
	uint64_t stream;
	struct value_head *next_noted; /* of those that the judge has not taken yet; `noted`: it is among them */
	int64_t judge_from_ms;         /* values from here on came since the judge took it; INT64_MAX: none */
	bool noted;
	struct stream_judged *judged; /* the judge's own (judge_streams.c) */
	struct value_seal *sealing;
	uint8_t class_code;
	int64_t class_until_ms;
	int64_t fold_from_ms, fold_until_ms; /* nowhere when from > until */
};

struct value_head_slot {
	uint64_t stream;
	struct value_head *head; /* NULL: empty */
};

struct value_heads {
	struct value_head **all; /* in order of arrival; pointers never move */
	uint32_t count, capacity;
	struct value_head_slot *slots;
	uint32_t slot_mask;
	uint32_t next_shed;       /* head that is sealed next when memory is short */
	size_t bytes;             /* of all runs */
	struct value_head *noted; /* for the judge, newest first */
	pthread_mutex_t lock;
};

STATUS_CHECKED enum status value_heads_init(struct value_heads *h);
void value_heads_deinit(struct value_heads *h);
struct value_head *value_heads_find(const struct value_heads *h, uint64_t stream);
/* Finds or makes; takes the lock only to make. NULL without memory. */
struct value_head *value_heads_need(struct value_heads *h, uint64_t stream);
void value_heads_prefetch(const struct value_heads *h, uint64_t stream);
/* The lines of a head, and behind them where its next value goes: two steps, the second when the first has come. */
static inline void value_head_prefetch(const struct value_head *head)
{
	__builtin_prefetch(head, 1);
	__builtin_prefetch((const char *)head + 64, 1);
}
static inline void value_head_prefetch_run(const struct value_head *head)
{
	__builtin_prefetch(head->run.values + head->run.count, 1);
}

/* Under the lock: `count` values at least one, in any order. STATUS_NO_MEMORY leaves the head as it was. */
STATUS_CHECKED enum status value_head_append(struct value_heads *h, struct value_head *head, const struct value *values,
					     size_t count, int64_t received_ms);
/* Under the lock: the judge is to look at values from `from_ms` on (INT64_MAX: at none, but at the clock). */
void value_head_note(struct value_heads *h, struct value_head *head, int64_t from_ms);
/* Under the lock: the judge has judged the stream up to what it found when it took the head. */
void value_head_judged(struct value_head *head);
/* Cut everything, or what exceeds the window; NULL in `out` when there is nothing to cut. */
STATUS_CHECKED enum status value_head_cut(struct value_heads *h, struct value_head *head, bool everything,
					  struct value_seal **out, uint64_t *duplicates);
/* A seal that seals nothing: the values copied, for writing the row (not linked). The head counts as written. */
STATUS_CHECKED enum status value_head_snapshot(struct value_head *head, struct value_seal **out);
/* The store has it: unlink and free. */
void value_head_sealed(struct value_heads *h, struct value_seal *seal);
void value_seal_free(struct value_seal *seal);

/* Copies of the values of head and seals within [from_ms, to_ms], in order, unique; the caller frees `*out`. `*whole`:
 * no block of the stream reaches as far as from_ms. */
STATUS_CHECKED enum status value_head_copy(struct value_heads *h, uint64_t stream, int64_t from_ms, int64_t to_ms,
					   struct value **out, size_t *out_count, bool *whole);

/* How many of values[from, to) make the next block: bounded by count, span, month, and lateness. */
uint32_t value_slice(const struct value *values, uint32_t from, uint32_t to);
bool value_is_odd(const struct value *v);

STATUS_CHECKED enum status value_head_row_encode(const struct value_head_state *state, const struct value *values,
						 uint32_t count, const struct value_texts *texts, struct buf *out);
/* `*values` is allocated, the caller's. STATUS_CORRUPT, STATUS_BAD_VERSION, STATUS_NO_MEMORY. */
STATUS_CHECKED enum status value_head_row_decode(struct span row, struct value_texts *texts,
						 struct value_head_state *state, struct value **values,
						 uint32_t *count);

#endif
