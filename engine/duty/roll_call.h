/* roll_call.h -- the roll-call of boats (在港在海清点): who is in, who is out, who is silent, as of any instant.
 *
 *   registry ── boats as of the instant ─┬─ sources bound to each, and when ── latest.h ──> last place, last heard
 *   fences of tag harbour, shelter, raft ┴──────────────────────────────────────────────> state ──> counts
 *   headcounts ── people aboard, ashore, evacuated
 *
 * A pure function of tracks, registry, fences and headcounts as they are now about the instant `at_ms`: asked later of
 * the same instant it answers the same, unless something about that instant has come since.
 *
 * A boat is a device of class fishing*, or township, that speaks for no other device: its own reports and those of
 * every device whose VEHICLE was its PLATE when they were made (beacons, AIS, NMEA) are one track. A source whose boat
 * nobody registered stands for it.
 *
 *   in       the last place lies in a harbour or a shelter, and it was heard within `port_silence_ms`
 *   sea      the last place lies outside, and it was heard within `dark_ms`
 *   dark     the last place lies outside, and nothing was heard for `dark_ms` and longer (失联)
 *   unknown  no place within `lookback_ms`, or silent in port for longer than `port_silence_ms`
 *
 * Fences count by the version that holds at `at_ms`. The capacity of a harbour or shelter is its tag `capacity-N`.
 *
 * Threads: any but an event loop. */
#ifndef ZAYTON_DUTY_ROLL_CALL_H
#define ZAYTON_DUTY_ROLL_CALL_H

#include "engine/duty/headcounts.h"
#include "engine/fleet/engine.h"
#include "engine/geo/fence.h"

#define HARBOUR_TAG "harbour"
#define SHELTER_TAG "shelter"
#define RAFT_TAG "raft"
#define CAPACITY_TAG "capacity-"
/* tags of active warnings (warnings.h): "warning", "warning-KIND", "warning-KIND-LEVEL" */
#define WARNING_TAG "warning"

/* X(code, NAME, "token", "Chinese") */
#define BOAT_STATE_TABLE(X)                                                                                            \
	X(0, IN, "in", "在港")                                                                                         \
	X(1, SEA, "sea", "在海")                                                                                       \
	X(2, DARK, "dark", "失联")                                                                                     \
	X(3, UNKNOWN, "unknown", "不明")

enum boat_state {
#define X(code, NAME, token, chinese) BOAT_##NAME = code,
	BOAT_STATE_TABLE(X)
#undef X
		BOAT_STATE_COUNT
};
const char *boat_state_token(unsigned state);
const char *boat_state_chinese(unsigned state);

/* Defaults: silence at sea of 2 h is an alarm and 60 h in port a fault, as the levels for beacons of ten minutes go. */
#define ROLL_DARK_MS (2 * INT64_C(3600000))
#define ROLL_PORT_SILENCE_MS (60 * INT64_C(3600000))
#define ROLL_LOOKBACK_MS (90 * INT64_C(86400000))

/* boats of one answer, some 1.3 KiB each: ten times a county's fleet */
#define ROLL_BOATS_MAX 20000
/* harbours, shelters and rafts of one answer */
#define ROLL_PLACES_MAX 2000

struct roll_question {
	int64_t at_ms;
	int64_t due_ms; /* all are to be back by then; INT64_MIN: nothing is asked of it */
	int64_t dark_ms, port_silence_ms, lookback_ms;
	struct span
		harbour; /* boats that lie in the fence of this id, or whose home port is it (id or name); empty: all */
	struct span village; /* exactly; empty: all */
	uint32_t classes;    /* bits 1 << enum device_class; 0: all classes of boats */
	unsigned threads;    /* of latest.h */
	/* May be NULL: all. Which boats whoever asks may see. */
	bool (*allowed)(void *context, uint64_t device, int64_t at_ms);
	void *context;
};
struct roll_question roll_question_default(int64_t at_ms);

struct roll_boat {
	uint64_t device; /* the boat, or the source that stands for it */
	uint64_t source; /* whose place it is; 0: none */
	uint8_t class_code;
	uint8_t state;               /* enum boat_state */
	uint8_t state_at_due;        /* of `due_ms`, when that is before `at_ms`; else `state` */
	uint8_t warned;              /* level of the highest warning it lies in: 0 none, 1 blue .. 4 red */
	bool shelter;                /* the place it lies in is a shelter */
	bool overdue;                /* what was said last of it has it back before `at_ms`, and it is not in */
	int64_t heard_ms, placed_ms; /* INT64_MIN: never */
	struct geo_point at;
	uint16_t speed_dkmh, course_deg;
	int32_t place;          /* index in `places`, -1: in none */
	int32_t aboard, ashore; /* as said last, PERSONS_UNKNOWN */
	int32_t certified;      /* certified number of people, 0: not known */
	int64_t due_ms;         /* as said last, INT64_MIN */
	char hull[DEVICE_VALUE_MAX + 1], name[DEVICE_VALUE_MAX + 1];
	char village[DEVICE_VALUE_MAX + 1], home_port[DEVICE_VALUE_MAX + 1];
};

struct roll_counts {
	uint32_t boats, states[BOAT_STATE_COUNT];
	uint32_t overdue, warned;
	uint64_t aboard, ashore;   /* people, as said */
	uint32_t aboard_at_sea;    /* people on boats that are not in */
	uint32_t unsaid;           /* boats not in of which nobody said how many are aboard ... */
	uint32_t unsaid_certified; /* ... and how many may be at most, where that is known */
};

/* A harbour, a shelter or a raft. */
struct roll_place {
	char id[FENCE_ID_MAX + 1], name[FENCE_NAME_MAX + 1];
	bool harbour, shelter, raft;
	uint32_t capacity;         /* 0: not said */
	uint32_t present;          /* boats of the whole fleet that lie in it, whatever is asked for */
	struct roll_counts home;   /* boats of the answer whose home port it is */
	int32_t aboard, evacuated; /* of a raft, as said last; PERSONS_UNKNOWN */
	uint32_t slot;
};

struct roll_group {
	char name[DEVICE_VALUE_MAX + 1]; /* a village or the token of a class; "": not said */
	struct roll_counts counts;
};

struct roll_call {
	struct roll_question question; /* its texts are not to be used */
	struct roll_boat *boats;       /* ascending by hull, then device */
	size_t boat_count;
	struct roll_place *places; /* ascending by id */
	size_t place_count;
	struct roll_group *villages, *classes; /* in order of their names */
	size_t village_count, class_count;
	struct roll_counts all;
	uint32_t in_at_due, late;     /* in by the deadline; in since */
	uint64_t on_rafts, off_rafts; /* people, as said: still there, evacuated */
};

/* `headcounts` may be NULL. Free with roll_call_free. STATUS_INVALID: a span that is not positive; STATUS_FULL: past a
 * bound; STATUS_CORRUPT, STATUS_IO, STATUS_NO_MEMORY. */
STATUS_CHECKED enum status roll_call(struct engine *e, struct headcounts *headcounts, const struct roll_question *q,
				     struct roll_call **out);
/* NULL is allowed. */
void roll_call_free(struct roll_call *r);

/* Classes of boats, as bits. */
uint32_t boat_classes(void);
/* 1 blue .. 4 red by the tags of a warning's fence; 0: it is none. */
uint8_t warning_level_of(const struct fence *f);

#endif
