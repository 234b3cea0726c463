/* backtest_jobs.h -- what would these rules have found? Judged in the background, one question at a time.
 *
 *   backtest_ask ──> waiting ──> judging ──> comparing ──> done | failed
 *                       └───────────┴── backtest_drop: stopped, and forgotten
 *
 *   job: what was asked | how far it is | counts by rule | rows, at most BACKTEST_ROWS_MAX, once it is done
 *
 * At most BACKTESTS_MAX jobs are kept; a new one takes the place of the oldest that has ended. They live in memory: a
 * restart forgets them. The one thread that judges runs at a lower priority than what comes in; what stands in the
 * store is read and never changed.
 *
 * Threads: any but an event loop. A job that is taken stays whole until it is released, dropped or not. */
#ifndef ZAYTON_QUERY_HTTP_BACKTEST_JOBS_H
#define ZAYTON_QUERY_HTTP_BACKTEST_JOBS_H

#include "query/export/replay_table.h"

#define BACKTEST_STATE_TABLE(X)                                                                                        \
	X(WAITING, "waiting", "排队")                                                                                  \
	X(JUDGING, "judging", "试算中")                                                                                \
	X(COMPARING, "comparing", "比对中")                                                                            \
	X(DONE, "done", "已完成")                                                                                      \
	X(FAILED, "failed", "失败")

enum backtest_state {
#define X(NAME, token, chinese) BACKTEST_##NAME,
	BACKTEST_STATE_TABLE(X)
#undef X
		BACKTEST_STATE_COUNT
};
const char *backtest_state_token(enum backtest_state state);
const char *backtest_state_chinese(enum backtest_state state);

struct backtest_asked {
	struct rulebook *book; /* NULL: the rules that held, which should find what stands */
	int64_t from_ms, to_ms;
	uint64_t *devices; /* ascending; NULL: all */
	size_t device_count;
	char who[64];
};

struct backtest_result {
	uint64_t reports;
	struct replay_count *counts; /* by rule */
	size_t count_rows;
	struct replay_row *rows; /* ascending by start */
	size_t row_count, row_all;
};

struct backtest_view {
	uint64_t id;
	enum backtest_state state;
	enum status status; /* why it failed */
	int64_t asked_ms, ended_ms;
	size_t devices_done, devices; /* streams too; 0 of 0 before it began */
};

struct backtests;
struct backtest;

STATUS_CHECKED enum status backtests_new(struct engine *e, struct backtests **out);
/* Stops what runs, within the time that one device takes, and forgets everything. NULL is fine. */
void backtests_free(struct backtests *b);

/* Takes the book and the devices, also when it refuses. STATUS_BUSY: BACKTESTS_MAX wait or run already.
 * STATUS_NO_MEMORY. */
STATUS_CHECKED enum status backtest_ask(struct backtests *b, struct backtest_asked *asked, uint64_t *out_id);
/* STATUS_NOT_FOUND: never asked, forgotten, or asked before a restart. */
STATUS_CHECKED enum status backtest_drop(struct backtests *b, uint64_t id);
/* Ids of all that are kept, oldest first; as many as fit. */
size_t backtests_list(struct backtests *b, uint64_t *out, size_t max);

/* NULL: as STATUS_NOT_FOUND above. */
struct backtest *backtest_take(struct backtests *b, uint64_t id);
void backtest_release(struct backtest *t);
void backtest_look(struct backtest *t, struct backtest_view *out);
const struct backtest_asked *backtest_asked(const struct backtest *t);
/* NULL before it is done; then it no longer changes. */
const struct backtest_result *backtest_result(struct backtest *t);

#endif
