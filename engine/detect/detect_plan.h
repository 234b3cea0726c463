/* detect_plan.h -- a context made ready for stepping: what each class of device must be asked, in the order of rules.
 *
 *   detector ── plan of each span of a rulebook ──┬── rule 0 ── kind, what a report must have for it, where
 *            │                                    ├── rule 1 ...
 *            │                                    └── class 0..22 ── numbers of its rules, ascending; its shortest
 * times └── slot of each fence ── hash of its id, bits of its tags
 *
 * A tag is one of 64 bits here (its number modulo 64): bits say quickly that a fence cannot matter, the tag itself then
 * says whether it does. Immutable once made; threads: any. */
#ifndef ZAYTON_DETECT_PLAN_H
#define ZAYTON_DETECT_PLAN_H

#include <stdatomic.h>

#include "engine/detect/detect.h"
#include "engine/series/boat.h"

/* What a report must have for a rule without an episode to be worth asking. */
#define NEED_MOVING 0x001u
#define NEED_LOADED 0x002u /* loaded, or only its items can tell */
#define NEED_ITEMS 0x004u
#define NEED_ALARM 0x008u
#define NEED_NO_FIX 0x010u
#define NEED_JUDGED 0x020u /* a position that may be judged by fences */
#define NEED_STRANGER 0x040u
#define NEED_PAUSE 0x080u  /* further from the last report than the shortest `time` of the class's gap rules */
#define NEED_LEAP 0x100u   /* perhaps faster from the last fix than the lowest limit of the class's two_places rules */
#define NEED_ANCHOR 0x200u /* where it was, within 1e-6 degree, with more on the odometer */
#define NEED_DUE 0x400u    /* one of its dates, or of its permits to trade, has passed */
#define NEED_NO_VIDEO 0x800u    /* the device has none */
#define NEED_ROUTE 0x1000u      /* a permit that names a route, valid or not */
#define NEED_TIPPED 0x2000u     /* the load gone since the last report, or what else may say so */
#define NEED_ASSIST 0x4000u     /* an item 64..67 */
#define NEED_BLIND 0x8000u      /* an item 31 that says no satellite */
#define NEED_LAID_UP 0x10000u   /* a boat laid up */
#define NEED_CROWD 0x20000u     /* a boat with more people aboard than certified */
#define NEED_MISSTATED 0x40000u /* a boat whose static data may differ from the registry */
#define NEED_CREW 0x80000u      /* a boat with other people aboard than its list has */
#define NEED_COUNT 20
/* rules of a class beyond these are asked one by one (class_plan.asked) */
#define ASKED_MAX 64

/* FACT_GAP where no rule of fatigue of the class says another: the default `gap` of a rule. */
#define FACT_GAP_DEFAULT_MS 300000

struct kind;

struct plan_rule {
	const struct rule *rule;
	const struct kind *kind;
	uint64_t place_bits;  /* of the tags or the fence it looks for; 0: does not depend on being inside one */
	uint64_t where_place; /* place_number() of where_fence */
	uint32_t need;        /* NEED_* */
	int32_t above_dkmh;   /* only a terminal's speed above this can begin it; -1: any */
	bool always;          /* `when` is always */
	bool segment;         /* what is crossed between two reports counts */
	bool picks;           /* it asks for gears or sources */
};

struct class_plan {
	uint16_t *rules; /* of stage 1 but silent: numbers in plan->rules, ascending */
	uint16_t *silent;
	uint16_t *visit_tags; /* tags whose fences are told as FACT_VISIT */
	uint32_t rule_count, silent_count, visit_tag_count;
	uint64_t place_bits;   /* of fences that any of them looks for, visits included */
	uint64_t segment_bits; /* of fences that any of them looks for between reports */
	bool by_permit;        /* a rule looks for fences of permits, or of a boat's licence */
	bool anchored;         /* a rule of kind frozen */
	bool tips_unseen;      /* a rule of dumping that neither the load nor an item need tell */
	bool reads_items;      /* a rule may look at them, or the load is told by one */
	bool recalls;          /* a rule is judged by more of the past than the report before and its fix */
	/* Bit k is rules[k]: those that are idle, while they have no episode, when the report lacks a need (by its
	 * bit), is in no place that counts, or is no faster than `pace_dkmh`. */
	uint64_t asked, without[NEED_COUNT], placed, paced;
	int32_t pace_dkmh;   /* lowest `above_dkmh` of `paced` */
	int64_t silent_ms;   /* shortest `time` of silent rules; INT64_MAX without */
	int64_t pause_ms;    /* of gap rules */
	int64_t leap_dkmh;   /* lowest limit of two_places rules; INT64_MAX without */
	int64_t fact_gap_ms; /* FACT_GAP */
};

struct plan {
	int64_t from_ms, to_ms; /* [from, to) of event time */
	const struct rulebook *book;
	struct plan_rule *rules; /* as in the book */
	struct class_plan classes[DEVICE_CLASS_COUNT];
};

struct fence_slot {
	const struct fence *fence; /* NULL: an empty slot */
	uint64_t place;            /* place_number() of its id */
	uint64_t bits;
	bool always; /* its own schedule is always */
};

struct detector {
	atomic_uint references;
	uint64_t serial; /* no two detectors of a process have the same */
	struct detect_context context;
	struct rulebook_span *books;
	struct plan *plans; /* plans[0] holds before the first book and has no rules; plans[i + 1] is of books[i] */
	uint32_t plan_count;
	struct fence_slot *slots;
	uint32_t slot_count;
	int64_t nav_from_ms[AREA_COUNT]; /* since when there is a fence of the area of navigation; INT64_MAX: none */
	uint16_t *numbers;               /* room of the class plans' lists */
};

/* The plan that holds at the time; never NULL. */
const struct plan *detector_plan(const struct detector *d, int64_t time_ms);
/* The rule of that id in any of the books, newest first; NULL when none has it. */
const struct rule *detector_rule(const struct detector *d, const char *id);

static inline uint64_t tag_bit(uint16_t tag)
{
	return UINT64_C(1) << (tag & 63);
}
/* The tag of an area of navigation, and of a wind of `grade` (1..17, Beaufort), mean or in gusts: made once, on the
 * first detector. 0: there is none. */
uint16_t nav_tag(unsigned area);
uint16_t wind_tag(bool gust, unsigned grade);
#define WIND_GRADE_MAX 17
/* Bits of the tags that a rule looks for besides `where`. */
uint64_t rule_more_bits(const struct rule *r);
bool schedule_is_always(const struct schedule *s);

#endif
