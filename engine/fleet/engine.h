/* engine.h -- the engine as ingest and query see it: shards that take reports in, and reading.
 *
 *   ingest (loop of shard s) ── shard_submit ──> owner shard: journal ── durable ──> head, ack
 *                                                                          │ full head
 *                                                                          └─> writer: block ─> store
 *   query (its own threads)  ── engine_last, track_open ──> heads + store, merged
 *
 * Start: engine_open (recovers) → engine_start (threads and loops run) → engine_stop (drains) → engine_close. */
#ifndef ZAYTON_FLEET_ENGINE_H
#define ZAYTON_FLEET_ENGINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/core/bytes.h"
#include "engine/core/status.h"
#include "engine/fleet/commands.h"
#include "engine/fleet/context.h"
#include "engine/fleet/findings.h"
#include "engine/fleet/registry.h"
#include "engine/series/report.h"
#include "engine/series/report_list.h"
#include "engine/store/journal.h"
#include "engine/store/store.h"

struct uv_loop_s;
struct engine;
struct shard;

/* What a connection wants to be told about one submission: carried untouched from shard_submit to the
 * `settled` callback. */
struct ticket {
	uint64_t words[3];
};

struct engine_callbacks {
	void *context;
	/* On the shard's loop thread, before its loop runs and after it was asked to stop. Listeners are made
	 * and closed here (close handles; the loop runs until every handle is closed). */
	void (*shard_start)(void *context, struct shard *shard);
	void (*shard_stop)(void *context, struct shard *shard);
	/* On the loop thread of the shard that submitted: the entry is durable (STATUS_OK) or can never be
	 * (STATUS_IO, STATUS_NO_SPACE ...). In order of submission per owner shard. */
	void (*settled)(void *context, struct shard *shard, const struct ticket *ticket, enum status status);
	/* On the loop thread of the shard that submitted: after shard_submit said STATUS_BUSY there is room again. */
	void (*room)(void *context, struct shard *shard);
};

struct engine_options {
	const char *dir;
	bool create;
	bool read_only;  /* query a closed store: no shards, the journal is read but not written */
	unsigned shards; /* 1..SHARDS_MAX */
	enum journal_durability durability;
	uint32_t durability_interval_ms;
	uint32_t gather_us;
	size_t head_bytes_max;    /* all heads together; past it the oldest are sealed early */
	size_t journal_bytes_max; /* per shard; a checkpoint is taken before it is reached */
	uint32_t checkpoint_ms;   /* at least this often while anything changes */
	size_t cache_bytes;
	struct retention_policy retention;
	unsigned audit_months; /* the record of who looked is kept; never below AUDIT_MONTHS_MIN */
	struct commands_options commands;
	struct engine_callbacks callbacks;
};
/* Defaults as the settings table has them. */
struct engine_options engine_options_default(const char *dir);

STATUS_CHECKED enum status engine_open(const struct engine_options *options, struct engine **out);
/* Before engine_start; replaces the callbacks given to engine_open (what they need may need the engine). */
void engine_set_callbacks(struct engine *e, const struct engine_callbacks *callbacks);
STATUS_CHECKED enum status engine_start(struct engine *e);
/* Drains: everything submitted is settled, loops end, threads are joined. */
void engine_stop(struct engine *e);
/* Seals nothing that need not be; checkpoints. NULL is allowed. */
void engine_close(struct engine *e);

struct store *engine_store(struct engine *e);
struct registry *engine_registry(struct engine *e);
struct context *engine_context(struct engine *e);
struct findings *engine_findings(struct engine *e);
struct commands *engine_commands(struct engine *e);
struct collisions *engine_collisions(struct engine *e);
unsigned engine_shards(const struct engine *e);

/* --- taking in: on the loop thread of `s` only --- */

struct uv_loop_s *shard_loop(struct shard *s);
struct engine *shard_engine(struct shard *s);
unsigned shard_index(const struct shard *s);
/* A slot for the caller's own per-shard state. */
void shard_set_user(struct shard *s, void *user);
void *shard_user(const struct shard *s);

/* On the loop thread of the shard that submitted, as engine_callbacks.settled is called. */
typedef void intake_settled(struct shard *shard, const struct ticket *ticket, enum status status);

enum intake_kind {
	INTAKE_REPORT = 1,     /* `body` is the report's original body, `report` its decoded form */
	INTAKE_MESSAGE = 2,    /* any other message to be kept as it came */
	INTAKE_QUARANTINE = 3, /* refused, kept for a look; `reason` says why */
	INTAKE_FRAGMENT = 4,   /* one packet of a split message, kept until the message is whole */
	INTAKE_CARD = 5,       /* a message that says who drives: kept as it came, and known to the judge */
	INTAKE_CONNECTION = 7, /* a terminal was logged in, or is no longer: `body` is connection_encode() of it */
	INTAKE_VALUES = 6, /* values of streams of one shard: `body` as streams.h has it, `device` one of the streams */
};

struct intake {
	enum intake_kind kind;
	uint64_t device; /* 0 allowed for QUARANTINE */
	int64_t received_ms;
	const struct report *report; /* REPORT: with received_ms and arrival flags set; items borrow from `body` */
	uint16_t message_id;         /* all but REPORT, CONNECTION: 0x0702 ... */
	uint8_t protocol; /* MESSAGE, CARD, FRAGMENT: protocol edition byte of the header, as the session judged it */
	int64_t time_ms;  /* MESSAGE, CARD: event time, or received_ms when it has none */
	uint16_t serial;  /* FRAGMENT: header serial */
	uint16_t fragment_total, fragment_index;
	enum status reason; /* QUARANTINE */
	uint64_t driver;    /* CARD: his number (detect/fact.h), 0 when the card was drawn */
	struct span body;   /* copied before shard_submit returns */
	bool wants_settled; /* call `on_settled`, or `settled` when that is NULL, with `ticket` */
	intake_settled *on_settled;
	struct ticket ticket;
};

/* Hand one entry to the shard that owns the device. STATUS_BUSY: nothing was taken, stop reading until
 * `room`; STATUS_IO, STATUS_NO_SPACE: the journal cannot take it now. */
STATUS_CHECKED enum status shard_submit(struct shard *s, const struct intake *in);

/* Run `work` on the shard's loop thread soon; any thread. STATUS_CLOSED when stopping. */
STATUS_CHECKED enum status shard_post(struct shard *s, void (*work)(void *context), void *context);
struct shard *engine_shard(struct engine *e, unsigned index);

/* --- asking: any thread but a shard's loop --- */

struct last {
	uint64_t device;
	struct report report; /* items NULL */
	int64_t seen_ms;      /* latest receipt of anything durable from the device */
	uint64_t reports;     /* taken in since the device is known, duplicates included */
};
/* The report latest in event time that is not FUTURE. STATUS_NOT_FOUND. */
STATUS_CHECKED enum status engine_last(struct engine *e, uint64_t device, struct last *out);
/* Devices that have one, by ascending id from `after` (exclusive), up to `max`; returns how many. */
size_t engine_last_list(struct engine *e, uint64_t after, struct last *out, size_t max);
/* Devices whose last position lies in the box (borders included; lon_min > lon_max crosses the antimeridian). */
size_t engine_last_in_box(struct engine *e, int32_t lat_min_e7, int32_t lon_min_e7, int32_t lat_max_e7,
			  int32_t lon_max_e7, uint64_t after, struct last *out, size_t max);

/* Reports of a device within [from_ms, to_ms], ascending, each once, sealed and head alike. */
struct track;
STATUS_CHECKED enum status track_open(struct engine *e, uint64_t device, int64_t from_ms, int64_t to_ms,
				      struct track **out);
/* `out->items` lasts until the next call. STATUS_END, STATUS_CORRUPT, STATUS_IO. */
STATUS_CHECKED enum status track_next(struct track *t, struct report *out);
/* What comes next of the same reports as far as most questions need it, many at a time and far cheaper: columns of
 * `count` reports (1 .. BLOCK_REPORTS_MAX), ascending, borrowed until the track is asked again. Hashes, items, receipt
 * and bodies stay where they are. Calls of both kinds may alternate. STATUS_END, STATUS_CORRUPT, STATUS_IO. */
struct track_points {
	size_t count;
	const int64_t *time_ms;
	const int32_t *lat_e7, *lon_e7;
	const uint16_t *speed_dkmh, *course_deg, *flags;
};
STATUS_CHECKED enum status track_points(struct track *t, struct track_points *out);
void track_close(struct track *t);

/* --- bulk: reports of a file, in any order, without the journal; one importer at a time --- */

struct bulk;
STATUS_CHECKED enum status bulk_open(struct engine *e, struct bulk **out);
/* The report and its items are copied. The device must be known to the registry. Up to BULK_BATCH reports are not seen
 * by readers before bulk_checkpoint or bulk_close; a failure may be that of an earlier one. */
STATUS_CHECKED enum status bulk_add(struct bulk *b, uint64_t device, const struct report *r);
/* Make all added so far durable together with `progress` under `name` (for resuming). */
STATUS_CHECKED enum status bulk_checkpoint(struct bulk *b, struct span name, struct span progress);
STATUS_CHECKED enum status bulk_close(struct bulk *b);
/* The progress last stored under `name`. STATUS_NOT_FOUND. */
STATUS_CHECKED enum status bulk_progress(struct engine *e, struct span name, struct buf *out);

/* --- judging (judge.h) --- */

/* Until every durable report is judged and every finding stands as of `as_of_ms` (event time; clocks of devices ahead
 * of it count by their last report). Not on an event loop; the engine is started. */
STATUS_CHECKED enum status engine_judge_settle(struct engine *e, int64_t as_of_ms);

/* --- looking after --- */

struct engine_stats {
	uint64_t submitted, durable, reports, duplicates_in_head, messages, quarantined, fragments, values;
	uint64_t sealed_value_blocks, sealed_values, sealed_value_bytes, late_value_blocks, value_head_bytes,
		streams_active;
	uint64_t sealed_blocks, sealed_reports, sealed_bytes, late_blocks, folds, checkpoints, trims;
	uint64_t head_bytes, head_reports, devices_active, registry_bytes, busy_refusals;
	uint64_t journal_bytes, journal_syncs, journal_batches, journal_pending_bytes;
	uint64_t judge_runs, judge_backlog_bytes; /* devices judged again; what waits for the judge's thread */
	int64_t commit_p50_us, commit_p99_us, commit_max_us; /* submit to settled, last minute */
};
void engine_stats(struct engine *e, struct engine_stats *out);

/* Now, and waiting for it: seal every head, fold overlaps, checkpoint, trim. */
STATUS_CHECKED enum status engine_settle(struct engine *e);
/* Families past their months, after the raw reports of every finding that stands were copied, and what is kept for a
 * look or for a while only: quarantine beyond RETENTION_MONTHS_MIN, packets of split messages beyond a day, connections
 * beyond the months of their class, the audit beyond `audit_months`. */
STATUS_CHECKED enum status engine_expire(struct engine *e, int64_t now_ms, struct retention_result *out);

/* What the calendar asks for, every minute or so, with the wall clock (or any that a test has): days that are over are
 * signed (day_chain.h); in the evening the dead zones of tomorrow are learned; places that nobody has visited are
 * judged. Parts that fail are logged and done the next time. Any thread but a loop; one at a time; the engine is
 * started. */
void engine_tend(struct engine *e, int64_t now_ms);

/* Packets of split messages that the store holds and that do not make up a whole message, in order of their message;
 * for putting on with them after a restart. Reads the disk. `in->kind` is INTAKE_FRAGMENT. */
typedef enum status engine_fragment_visit(void *context, const struct intake *in);
STATUS_CHECKED enum status engine_fragments(struct engine *e, engine_fragment_visit *visit, void *context);

#endif
