/* store.h -- one folder of RocksDB: families, atomic batches, reading by device and time.
 *
 * Time families, one per kind, class and UTC month of the event ("track.muck.202611"), made on first
 * use, dropped whole by retention:
 *   track    device | time_first | seq  -> a block                (block.h)
 *   summary  device | time_first | seq  -> its summary            (block_row_encode)
 *   message  device | time | hash       -> a message kept as it came (driver card, CAN, pass-through ...)
 *   series   stream | time_first | seq  -> a value block          (value_block.h)
 * Events more than three years before or a day after their receipt go to the month "odd".
 * Lasting families: device head held quarantine session fragment audit log meta, and those of judging: fence rule
 * context finding case fact state (fleet/context.h, findings.h, judge.h), command stream hazard task weighing user
 * outbox digest (the log below). Keys are big-endian; a device id's top 16 bits are its partition, so a partition is a
 * key range.
 *
 * Durability. Batches of data that the journal still holds are committed without a sync; RocksDB's one
 * write-ahead log keeps them atomic over families and recovers a prefix of them. store_sync() makes
 * everything committed so far durable, after which the journal may be trimmed. Small lasting changes
 * (registry, audit, holds) are committed with `sync`.
 *
 * Threads: everything here may be called from any thread; a batch or an iterator has one owner. */
#ifndef ZAYTON_STORE_STORE_H
#define ZAYTON_STORE_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/core/bytes.h"
#include "engine/core/status.h"
#include "engine/series/block.h"
#include "engine/series/device_class.h"
#include "engine/series/value_block.h"

struct store;

struct store_options {
	const char *dir;    /* the store's folder; RocksDB lives in DIR/db */
	bool create;        /* make it when missing; otherwise STATUS_NOT_FOUND */
	bool read_only;     /* nothing is written, not even a lock: for `check`, `info`, `query` on a closed store */
	size_t cache_bytes; /* block cache, 0: 64 MiB */
	size_t write_buffer_bytes; /* all memtables together, 0: 128 MiB */
};

/* STATUS_NOT_FOUND, STATUS_BUSY (another process has it open), STATUS_BAD_VERSION, STATUS_CORRUPT, STATUS_IO. */
STATUS_CHECKED enum status store_open(const struct store_options *options, struct store **out);
/* Flushes what has no other home and frees; NULL is allowed. */
void store_close(struct store *s);

#define STORE_FAMILIES(X)                                                                                              \
	X(DEVICE, "device")                                                                                            \
	X(HEAD, "head")                                                                                                \
	X(HELD, "held")                                                                                                \
	X(QUARANTINE, "quarantine")                                                                                    \
	X(SESSION, "session")                                                                                          \
	X(AUDIT, "audit")                                                                                              \
	X(LOG, "log")                                                                                                  \
	X(META, "meta")                                                                                                \
	X(FENCE, "fence")                                                                                              \
	X(RULE, "rule")                                                                                                \
	X(CONTEXT, "context")                                                                                          \
	X(FINDING, "finding")                                                                                          \
	X(CASE, "case")                                                                                                \
	X(FACT, "fact")                                                                                                \
	X(STATE, "state")                                                                                              \
	X(COMMAND, "command")                                                                                          \
	X(STREAM, "stream")                                                                                            \
	X(HAZARD, "hazard")                                                                                            \
	X(DIGEST, "digest")                                                                                            \
	X(FRAGMENT, "fragment")                                                                                        \
	X(DUTY, "duty")                                                                                                \
	X(TASK, "task")                                                                                                \
	X(USER, "user")                                                                                                \
	X(OUTBOX, "outbox")                                                                                            \
	X(WEIGHING, "weighing")

enum store_family {
#define X(NAME, text) STORE_##NAME,
	STORE_FAMILIES(X)
#undef X
		STORE_FAMILY_COUNT
};

const char *store_family_name(enum store_family family);

/* --- writing --- */

/* bytes of one batch, keys and values together */
#define STORE_BATCH_MAX (256u << 20)

struct store_block_id {
	uint64_t device;
	int64_t time_first_ms;
	uint32_t seq; /* tells blocks of a device that begin at the same instant apart */
	uint8_t class_code;
	bool odd; /* lives in the "odd" month */
};

struct store_batch;
STATUS_CHECKED enum status store_batch_new(struct store *s, struct store_batch **out);
void store_batch_free(struct store_batch *b);
void store_batch_clear(struct store_batch *b);
/* Each makes its time family when it is missing. STATUS_NO_MEMORY, STATUS_IO; STATUS_FULL (too many families, or
 * STORE_BATCH_MAX is passed); STATUS_INVALID: the summary is not of this block, it crosses the end of its month, its
 * time is outside 2000..2099 and it is not odd, or the class is none; STATUS_TOO_LONG past BLOCK_BYTES_MAX;
 * STATUS_DENIED when the store is read-only. A failed call leaves the batch as it was. */
STATUS_CHECKED enum status store_batch_block(struct store_batch *b, const struct store_block_id *id, struct span block,
					     const struct block_summary *summary);
STATUS_CHECKED enum status store_batch_block_delete(struct store_batch *b, const struct store_block_id *id);
STATUS_CHECKED enum status store_batch_message(struct store_batch *b, uint64_t device, uint8_t class_code, bool odd,
					       int64_t time_ms, uint64_t hash, struct span value);
/* A value block (value_block.h), `id->device` being its stream. As above; STATUS_CORRUPT: it is no value block. */
STATUS_CHECKED enum status store_batch_values(struct store_batch *b, const struct store_block_id *id,
					      struct span block);
STATUS_CHECKED enum status store_batch_values_delete(struct store_batch *b, const struct store_block_id *id);
/* A failure of these two (STATUS_FULL, STATUS_NO_MEMORY) is returned by the commit. */
void store_batch_put(struct store_batch *b, enum store_family family, struct span key, struct span value);
void store_batch_delete(struct store_batch *b, enum store_family family, struct span key);
/* A row that is never changed again (who looked, who said, what became of a case): the commit numbers it in the log. */
void store_batch_log(struct store_batch *b, enum store_family family, struct span key, struct span value);
/* Atomic. The batch is empty afterwards on success, unchanged on failure. STATUS_NO_SPACE, STATUS_IO, STATUS_DENIED
 * (read-only). */
STATUS_CHECKED enum status store_commit(struct store *s, struct store_batch *b, bool sync);
/* Everything committed before the call is durable after it. */
STATUS_CHECKED enum status store_sync(struct store *s);

/* Which month family an event belongs to: true when it goes to "odd". `received_ms` may be RECEIVED_UNKNOWN: then,
 * as always, times outside 2000..2099 are odd. */
bool store_time_is_odd(int64_t time_ms, int64_t received_ms);
/* First millisecond of the UTC month after `time_ms`: a block never crosses it. */
int64_t store_month_end(int64_t time_ms);

/* --- reading --- */

/* Copies the value. STATUS_NOT_FOUND. */
STATUS_CHECKED enum status store_get(struct store *s, enum store_family family, struct span key, struct buf *out);
/* Every row whose key begins with `prefix`, in key order; `visit` may stop with a status, which is returned. */
typedef enum status store_visit(void *context, struct span key, struct span value);
STATUS_CHECKED enum status store_scan(struct store *s, enum store_family family, struct span prefix, store_visit *visit,
				      void *context);
/* The same from `start` (inclusive) on; for cursors. */
STATUS_CHECKED enum status store_scan_from(struct store *s, enum store_family family, struct span start,
					   store_visit *visit, void *context);
/* From `start` on, as long as the key begins with `prefix`: what was deleted behind it is not walked over. */
STATUS_CHECKED enum status store_scan_within(struct store *s, enum store_family family, struct span prefix,
					     struct span start, store_visit *visit, void *context);

struct store_block {
	struct store_block_id id;
	struct span bytes; /* the block; empty when only summaries were asked for */
	struct block_summary summary;
	bool held; /* a copy kept for a case after its family expired: never rewritten */
};

/* Blocks of a device that may hold a report within [from_ms, to_ms], over all families and `held`, in order
 * of (time_first_ms, seq), from one snapshot. `summaries_only` leaves the blocks on disk. */
struct store_blocks;
STATUS_CHECKED enum status store_blocks_open(struct store *s, uint64_t device, int64_t from_ms, int64_t to_ms,
					     bool summaries_only, struct store_blocks **out);
/* Views last until the next call. STATUS_END, STATUS_CORRUPT, STATUS_IO. */
STATUS_CHECKED enum status store_blocks_next(struct store_blocks *it, struct store_block *out);
/* With `summaries_only`: the block handed out last after all, as of the same snapshot; the view lasts until the next
 * call. Only after a store_blocks_next that said STATUS_OK. STATUS_CORRUPT, STATUS_IO. */
STATUS_CHECKED enum status store_blocks_bytes(struct store_blocks *it, struct span *out);
/* The speeds of the block handed out last by the hour, when its row has them; they last until the next call. Only after
 * a store_blocks_next that said STATUS_OK. STATUS_NOT_FOUND: only the block itself tells. */
STATUS_CHECKED enum status store_blocks_hours(const struct store_blocks *it, const struct block_hours **out);
/* Begins anew with another device: what was committed before this call is seen, as if it were opened now. Cheaper than
 * that for many devices, best asked in ascending order. STATUS_CORRUPT, STATUS_IO, STATUS_NO_MEMORY. */
STATUS_CHECKED enum status store_blocks_turn(struct store_blocks *it, uint64_t device);
void store_blocks_close(struct store_blocks *it);

/* Value blocks of a stream that may hold a value within [from_ms, to_ms], as store_blocks_open does it for reports. */
struct value_block_row {
	struct store_block_id id;
	struct span bytes;
	struct value_block_header header;
	bool held;
};
struct store_values;
STATUS_CHECKED enum status store_values_open(struct store *s, uint64_t stream, int64_t from_ms, int64_t to_ms,
					     struct store_values **out);
/* Views last until the next call. STATUS_END, STATUS_CORRUPT, STATUS_IO. */
STATUS_CHECKED enum status store_values_next(struct store_values *it, struct value_block_row *out);
void store_values_close(struct store_values *it);

/* Messages of a device within [from_ms, to_ms], in order of (time, hash). */
typedef enum status store_message_visit(void *context, int64_t time_ms, uint64_t hash, struct span value);
STATUS_CHECKED enum status store_messages(struct store *s, uint64_t device, int64_t from_ms, int64_t to_ms,
					  store_message_visit *visit, void *context);

/* --- the log: rows of store_batch_log() in the order in which they were committed ---
 *
 *   family `digest`   0x01 | number 8   -> at 8 | size of the name 1 | name of the family | key
 *                     0x02 ...             fleet/day_chain.h
 *
 * Numbers ascend; a commit that failed leaves a gap. `at` is the wall clock of the commit and never falls. */
struct log_row {
	uint64_t number;
	int64_t at_ms;
	struct span family, key; /* its name */
	struct span value;
	bool missing; /* the row itself is gone; `value` is empty */
};
/* Rows behind number `after`, ascending. `visit` may stop with a status, which is returned; STATUS_END is then
 * STATUS_OK. */
typedef enum status store_log_visit(void *context, const struct log_row *row);
STATUS_CHECKED enum status store_log_read(struct store *s, uint64_t after, store_log_visit *visit, void *context);
/* The number given last; 0: none. */
uint64_t store_log_last(struct store *s);
/* When it returns, all rows before `end_ms` are committed, and none will be any more. */
void store_log_close(struct store *s, int64_t end_ms);

/* --- keeping --- */

/* Reports of a device within [from_ms, to_ms]. */
struct store_range {
	uint64_t device;
	int64_t from_ms, to_ms;
};
/* Appends to `out`, as struct store_range, all that must outlive [from_ms, to_ms], a month that is about to be dropped;
 * ranges may go beyond it and overlap. Called before the month's commits are held up. A failure keeps the month. */
typedef enum status store_keep(void *context, int64_t from_ms, int64_t to_ms, struct buf *out);
struct retention_policy {
	unsigned months[DEVICE_CLASS_COUNT]; /* 0: the default of the class; never below RETENTION_MONTHS_MIN */
	store_keep *keep;                    /* besides the holds; may be NULL */
	void *keep_context;
};
/* The months that a class is kept; `policy` NULL: the defaults. */
unsigned store_months(const struct retention_policy *policy, uint8_t class_code);
struct retention_result {
	uint64_t families_dropped, bytes_freed, blocks_held;
};
/* Drop every time family that ended its class's months or more before `now_ms`, after copying what is
 * under a hold, or to be kept, to `held`; the odd month has no end and stays. `policy` NULL: the defaults. Nothing is
 * rewritten: files go with their family, or with its last reader. After a crash at any step the next open, or the next
 * run, ends it. */
STATUS_CHECKED enum status store_expire(struct store *s, const struct retention_policy *policy, int64_t now_ms,
					struct retention_result *out);

/* A legal hold (证据封存) over a device's reports within [from_ms, to_ms], under a case number. */
STATUS_CHECKED enum status store_hold(struct store *s, uint64_t device, int64_t from_ms, int64_t to_ms,
				      const char *case_number);
STATUS_CHECKED enum status store_release(struct store *s, const char *case_number);
/* Every hold behind `after` (keys.h; NULL: from the first), in order of (case number, device, from, to). `visit` ends
 * it early with STATUS_END; another status of it is returned. STATUS_CORRUPT, STATUS_IO. */
struct hold_key;
typedef enum status store_hold_visit(void *context, const struct hold_key *hold);
STATUS_CHECKED enum status store_holds(struct store *s, const struct hold_key *after, store_hold_visit *visit,
				       void *context);

/* Verify every checksum and invariant of the store's families; complaints, one a line, go to `out`.
 * STATUS_CORRUPT when there was any. */
STATUS_CHECKED enum status store_check(struct store *s, struct buf *out);

struct store_info {
	uint64_t devices, blocks, reports, messages, quarantined;
	int64_t time_first_ms, time_last_ms;
	uint64_t part_bytes[BLOCK_PART_COUNT]; /* over all blocks */
	uint64_t block_bytes, disk_bytes;      /* sum of blocks; files of the folder */
	uint64_t overlap_blocks;
	uint64_t value_blocks, values, value_bytes; /* of streams */
	uint32_t families;
};
STATUS_CHECKED enum status store_info(struct store *s, struct store_info *out);

/* Compact everything now: for settling after a bulk load and for tests. */
STATUS_CHECKED enum status store_settle(struct store *s);

/* A consistent copy of everything committed, in TO_DIR/db, which store_open(TO_DIR) opens; files are hard links where
 * the file system is the same. STATUS_EXISTS: TO_DIR/db is there already; STATUS_DENIED when read-only. */
STATUS_CHECKED enum status store_backup(struct store *s, const char *to_dir);

/* RocksDB's own counters as text lines "name value", for /metrics and info. */
STATUS_CHECKED enum status store_metrics(struct store *s, struct buf *out);

#endif
