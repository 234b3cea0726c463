/* replay.h -- judge what is stored again, by today's rules or by others, and change nothing.
 *
 *   every stream ─> stream_run_to ───> findings ────────────┐
 *   every device ─> judge_run_track ─> findings, facts ─┐   │
 *                                     facts by subject ─> stage 2 ─> findings, ascending
 *
 * The very code of the live judge, from the first stored report on, so that the same rules give the same findings, byte
 * for byte. Another rulebook is a backtest: what would these rules have found.
 *
 * Threads: any but an event loop; `threads` of its own share the devices. */
#ifndef ZAYTON_FLEET_REPLAY_H
#define ZAYTON_FLEET_REPLAY_H

#include "engine/fleet/context.h"
#include "engine/fleet/engine.h"

/* facts kept for stage 2: 96 bytes each */
#define REPLAY_FACTS_MAX 20000000

struct replay_options {
	struct judged_by *by;   /* borrowed */
	int64_t from_ms, to_ms; /* findings that began within */
	int64_t as_of_ms;       /* reports up to then; what is open is told as of then */
	const uint64_t
		*devices; /* NULL: every device of the registry and every stream; a site stands for its streams */
	size_t device_count;
	unsigned threads; /* 0: one */
	bool by_steps;    /* every report by itself, none passed over in columns: slow, and the same findings */
	bool digests;     /* compute them: reads every finding's reports once more */
	void (*progress)(void *context, size_t devices_done, size_t devices); /* streams too; may be NULL; any thread */
	void *context;
};
struct replay_result {
	struct finding *findings; /* ascending by finding_compare(); free() */
	size_t count;
	uint64_t reports, stepped; /* judged, values too; those of them that were stepped one by one */
};
/* STATUS_FULL past REPLAY_FACTS_MAX; STATUS_IO, STATUS_CORRUPT, STATUS_NO_MEMORY. */
STATUS_CHECKED enum status engine_replay(struct engine *e, const struct replay_options *o, struct replay_result *out);

/* Every finding that stands in the store and began within [from_ms, to_ms], ascending the same way: what a replay by
 * the rules that held must equal. */
STATUS_CHECKED enum status engine_findings_standing(struct engine *e, int64_t from_ms, int64_t to_ms,
						    struct replay_result *out);

#endif
