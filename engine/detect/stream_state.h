/* stream_state.h -- the state of a stream, for the files that step it. See stream_detect.h. */
#ifndef ZAYTON_DETECT_STREAM_STATE_H
#define ZAYTON_DETECT_STREAM_STATE_H

#include "engine/detect/stream_detect.h"

#define STREAM_NONE INT64_MIN

/* From the first value beyond to the last. */
struct stream_episode {
	bool running;
	int64_t start_ms, last_ms;
	int64_t found_ms; /* STREAM_NONE: not held for long enough yet */
	int64_t fail_ms;  /* since when it fails, within `release`; STREAM_NONE: it does not */
	uint32_t values;
	__int128 peak;
	int64_t limit; /* as the finding says it */
	int64_t other; /* ms before the start; STREAM_NONE: none */
	uint32_t code; /* bits of a state; 0 none */
};

/* A step of a window: its sum in `low`, or its extremes. A first value of five minutes, a day's median: in `low`. */
struct stream_slot {
	int64_t at;
	__int128 low, high;
};
struct stream_slots {
	struct stream_slot *list; /* ascending by `at` */
	uint32_t count, capacity;
};

/* What a stream is to one rule. */
struct stream_entry {
	char rule[RULE_ID_MAX + 1];
	uint64_t version;
	uint8_t kind, level;
	char fence[FENCE_ID_MAX + 1];
	uint32_t fence_version;
	struct stream_episode episode;
	bool has_last;
	__int128 last;   /* the value before, or the least of a night */
	int64_t last_ms; /* when anything was heard, or when the night or day had its last value */
	int64_t day;     /* the day or night that runs, and of `values` how many it had */
	int64_t day_ms;  /* its first value */
	uint32_t values; /* of that day */
	struct stream_slots slots, days;
};

struct stream_state {
	uint64_t stream;
	int64_t time_ms;
	struct stream_entry *entries; /* by rule id */
	uint32_t count;
	/* resolved for [from, to) by a context, not part of the snapshot */
	uint64_t resolved_by;
	int64_t from_ms, to_ms;
	const struct rule **rules; /* beside the entries */
	struct stream_subject subject;
	int64_t wake_ms; /* as the last stream_open() left it */
};

/* What steps share. */
struct stream_walk {
	struct stream_state *state;
	const struct stream_context *context;
	struct detect_sink *sink;
};

void stream_slots_deinit(struct stream_slots *s);
/* Forget those before `at`. */
void stream_slots_trim(struct stream_slots *s, int64_t at);
/* The slot of `at`, the last one, made when it is not there. NULL without memory. */
struct stream_slot *stream_slots_need(struct stream_slots *s, int64_t at, bool *made);

/* Tell the episode of an entry, open or ended. */
void stream_tell(const struct stream_walk *w, const struct stream_entry *e, const struct rule *rule, bool open);
/* The condition holds at `time_ms`; it is found when it has for `hold_ms` over `points` values. True when this value
 * found it. */
bool stream_episode_on(struct stream_entry *e, int64_t time_ms, __int128 number, bool larger, int64_t hold_ms,
		       uint32_t points);
/* The condition fails: ended now (true) or within `release_ms` yet. */
bool stream_episode_off(struct stream_episode *e, int64_t time_ms, int64_t release_ms);

/* One value for one entry. STATUS_NO_MEMORY. */
STATUS_CHECKED enum status stream_judge(const struct stream_walk *w, struct stream_entry *e, const struct rule *rule,
					const struct value *v);
/* stream_days.c: kinds of medians and nights, good numbers only. */
STATUS_CHECKED enum status stream_judge_day(const struct stream_walk *w, struct stream_entry *e,
					    const struct rule *rule, int64_t time_ms, __int128 number);
/* When the clock alone will find the entry's matter; INT64_MAX: never. */
int64_t stream_due(const struct stream_walk *w, const struct stream_entry *e, const struct rule *rule);
/* It is found at `due_ms`, as stream_due() said. */
void stream_find_due(const struct stream_walk *w, struct stream_entry *e, const struct rule *rule, int64_t due_ms);

/* stream_plan.c: rules and entries for a time. STATUS_NO_MEMORY. */
STATUS_CHECKED enum status stream_resolve(const struct stream_walk *w, int64_t time_ms);
/* Own limit or the rule's; false: the stream has none. */
bool stream_limit(int64_t param, bool has_own, const struct value *own, __int128 *out);

#endif
