/* detect_step.h -- the state of a device, one step over it, and what kinds of rules are made of.
 *
 *   state ── last report, last judged fix, stand, drive, anchor          what every device costs
 *         └─ episodes, by (rule id, fence id, version, start)            what is going on, mostly nothing
 *
 *   step  = state + report + plan of its class + subject + places        lives for one call
 *
 * A kind of rule is a predicate over a step (struct kind, `judge`): does the condition hold at this report? The episode
 * machine (episode.c) makes findings of the answers. The few kinds that are no condition (section_speed, gap,
 * two_places, detour) have a `run` of their own over the same episodes.
 *
 *          HOLDS            FAILS for `release`, or more than `gap` between reports that could tell
 *   nothing ──> episode ──> (held `hold`, `points`: found) ──> ended, at the last report at which it held */
#ifndef ZAYTON_DETECT_STEP_H
#define ZAYTON_DETECT_STEP_H

#include <stdlib.h>

#include "engine/detect/detect_plan.h"

#define TIME_NONE INT64_MIN
/* no report is further from 1970 than this, ms: differences of times, by 36 and by the fastest limit, cannot overflow
 */
#define TIME_MAX_MS (INT64_C(1) << 46)
/* longest section of section_speed: a quarter of a meridian */
#define SECTION_LENGTH_MAX_MM INT64_C(10000000000)
#define BANDS 3
/* entries of one device: more are refused as STATUS_NO_MEMORY. Some tens of rules over some overlapping fences. */
#define EPISODES_MAX 65535
/* a place in `episodes` of entries that are visits, after those of all rules */
#define RULE_OF_VISIT UINT16_MAX

/* Further apart than this, two odometer-still reports are no rest but a displacement: what a parked receiver drifts. */
#define FACT_GAP_STILL_MM 100000
/* "The same position" of frozen: 1e-6 degree, the resolution of a terminal. */
#define FROZEN_E7 10
/* No position on the ellipsoid is further away than this many mm per 1e-7 degree of latitude and of longitude together:
 * a meridian's degree is longest at the poles (111.694 km), a parallel's at the equator (111.320 km), WGS-84. */
#define MM_PER_E7_MAX 12

enum verdict {
	FAILS,
	HOLDS,
	HOLDS_FOUND, /* holds, and needs neither `hold` nor `points` to be found */
	STAYS,       /* neither: an episode goes on, and this report is none of it (hysteresis) */
	UNTOLD,      /* this report cannot tell: as if it had not come */
};

/* What one report says for one episode. Numbers are NUMBER_UNKNOWN unless the kind fills them. */
struct reading {
	int64_t value; /* PEAK and SUM */
	int64_t limit, code, level, other, distance;
	int64_t start_ms; /* when it began, if not at this report */
	int32_t start_lat_e7, start_lon_e7;
	int64_t base;       /* the kind's own, kept from the first report of the episode */
	uint8_t bands;      /* bit per band of 10, 20, 50 that this report reaches */
	uint8_t confidence; /* at most */
};

#define EPISODE_FOUND 0x01u
#define EPISODE_INSIDE 0x02u /* section_speed, detour: the last judged report was inside its fence */
#define EPISODE_EXIT 0x04u   /* section_speed: inside the exit */
#define EPISODE_KEPT 0x07u   /* what is serialised */
#define EPISODE_TOUCHED 0x80u

/* 10, 20, 50 (measures for points, 2022 no. 163) */
extern const uint8_t band_percent[BANDS];

struct band {
	int64_t since_ms; /* TIME_NONE: not held now */
	uint32_t points;
};

struct episode {
	uint16_t rule; /* number in the plan; not serialised */
	uint8_t kind;  /* enum rule_kind; 0: a visit */
	uint8_t flags, confidence, band_reached;
	uint32_t points;
	uint32_t fence_version;
	uint64_t rule_version, driver;
	int64_t start_ms, last_ms; /* first and last report at which it held */
	int64_t seen_ms;           /* last report that could tell */
	int64_t found_ms, fail_ms; /* fail_ms: since when it has failed; both TIME_NONE */
	int64_t base;
	int32_t start_lat_e7, start_lon_e7, last_lat_e7, last_lon_e7;
	int64_t numbers[FINDING_NUMBER_COUNT];
	struct band bands[BANDS];
	char rule_id[RULE_ID_MAX + 1], fence_id[FENCE_ID_MAX + 1];
};

struct fix {
	int64_t time_ms; /* TIME_NONE: none yet */
	int32_t lat_e7, lon_e7;
	uint16_t speed_dkmh;
};

/* Dates of a subject in order of expired's `what`, but for business, which has none. */
enum due { DUE_METROLOGY, DUE_INSPECTION, DUE_SCRAP, DUE_SURVEY, DUE_LICENCE, DUE_NATIONALITY, DUE_COUNT };
/* What is kept of a subject: small, and no longer than its span. */
struct permit_view {
	uint8_t kind, fence_count;
	int64_t valid_from_ms, valid_to_ms;
	struct schedule hours;
	uint64_t places[PERMIT_FENCES_MAX];
};
struct subject_view {
	int64_t from_ms, to_ms;
	uint8_t class_code;
	bool registered, has_video;
	uint8_t permit_count;
	int64_t joined_ms, due_ms[DUE_COUNT];
	uint32_t gears;
	uint16_t certified_persons, persons_aboard, crew_count, said_length_m, length_dm;
	uint8_t misstated, said_type;
	uint8_t source, navigation, wind_rating, area_count;
	bool laid_up;
	uint64_t areas[SUBJECT_AREAS_MAX]; /* place_number() of the licence's fences */
	uint64_t driver;
	struct permit_view *permits;
	uint32_t have;        /* of NEED_*, what holds whatever is reported */
	int64_t due_first_ms; /* before it none of its dates has passed, nor has a permit to trade ended */
};

struct last_report {
	int64_t time_ms; /* TIME_NONE: before the first */
	uint64_t hash;
	int32_t lat_e7, lon_e7;
	uint32_t status, mileage_hm;
	uint16_t speed_dkmh;
	uint8_t flags;  /* low byte of the report's */
	uint8_t loaded; /* enum tristate */
};

struct drive {
	int64_t from_ms, last_ms, told_ms; /* from TIME_NONE: not driving */
	uint64_t driver;
	int32_t from_lat_e7, from_lon_e7, last_lat_e7, last_lon_e7;
};

struct anchor {
	int64_t time_ms; /* TIME_NONE: none */
	int32_t lat_e7, lon_e7;
	uint32_t mileage_hm;
};

struct detect_state {
	uint64_t device, driver;
	struct last_report last;
	struct fix fix;
	int64_t stand_ms;  /* first report of the stand that goes on, or TIME_NONE */
	int64_t ticked_ms; /* up to when silence was raised, or TIME_NONE */
	struct drive drive;
	struct anchor anchor;
	struct episode *episodes;
	uint32_t count, capacity;
	/* taken up from the context, never serialised */
	uint64_t serial;
	const struct plan *plan;
	struct subject_view subject;
	struct fence_cursor cursor;
};

/* A fence that holds the position, valid and in force at the report's time. */
struct place {
	const struct fence *fence;
	uint64_t number, bits;
};
#define PLACES_INLINE 24
struct places {
	struct place inline_[PLACES_INLINE];
	struct place *at; /* inline_, or allocated when a position lies in more */
	uint32_t count;
	uint64_t bits; /* of all of them */
};

#define STEP_ALARMS_MAX 16
struct step_items {
	bool read;
	int16_t recorder_dkmh, signal, satellites; /* -1: not said */
	int16_t ais_type, nav_status;              /* the status of types 1-3 and 27 (M.1371-5 table 47); -1 */
	struct {
		uint8_t item, flag, type, level;
	} alarms[STEP_ALARMS_MAX];
	uint8_t alarm_count;
};

struct step {
	struct detect_state *s;
	const struct detector *d;
	const struct plan *plan;
	const struct class_plan *cls;
	const struct report *r;
	struct detect_sink *sink;
	int64_t now;
	int32_t lat_e7, lon_e7; /* of the report; without a fix, of the last fix when there is one */
	bool judged;            /* by fences */
	uint8_t moving, loaded; /* enum tristate, EITHER: not known */
	uint32_t have;          /* NEED_* */
	uint32_t entry;         /* the first episode of the rule being asked */
	struct places places;
	struct places crossed; /* fences that the way from the last fix meets, those at its ends included */
	struct step_items items;
	int64_t leg_mm; /* from the last fix; -1: not yet worked out */
};

struct kind {
	/* `at` is the place the rule is asked for, NULL for rules not bound to one; `e` its episode, or NULL. */
	enum verdict (*judge)(struct step *st, const struct plan_rule *p, const struct place *at,
			      const struct episode *e, struct reading *out);
	/* Instead of judge: the whole rule. Leaves st->entry behind its last episode. */
	enum status (*run)(struct step *st, const struct plan_rule *p);
	uint32_t need;
	uint8_t confidence; /* at most */
	bool place_needed;  /* reports that may not be judged by fences cannot tell, even where any */
};
/* NULL for a kind that is none of stage 1's. */
const struct kind *kind_of(unsigned rule_kind);

/* --- step.c: what a step knows --- */
/* A step of `r` over `s`, which has taken `d` up for its time; places are found when the class looks for any. */
STATUS_CHECKED enum status step_begin(struct step *st, struct detect_state *s, const struct detector *d,
				      const struct report *r, struct detect_sink *sink);
void step_end(struct step *st);
const struct step_items *step_items(struct step *st);
enum tristate step_input(struct step *st, const struct rule_input *input);
/* Of an input that is known and of the status word. */
static inline enum tristate input_of_status(const struct rule_input *input, uint32_t status)
{
	unsigned width = input->bit_last - input->bit_first + 1u;
	uint32_t mask = width >= 32 ? UINT32_MAX : (UINT32_C(1) << width) - 1;
	return status >> input->bit_first & mask ? YES : NO;
}
/* mm from the last fix to this one; the step must be judged and a fix be there. */
int64_t step_leg(struct step *st);
/* Of the terminal, its recorder or from positions (PARAM_OVERSPEED_SPEED_OF), 0.1 km/h; -1 unknown. */
int32_t step_speed(struct step *st, unsigned speed_of);
bool report_is_judged(uint16_t flags);
/* Whether there is an anchor and the report's position is the same. */
static inline bool at_anchor(const struct anchor *a, const struct report *r)
{
	int64_t lat = (int64_t)r->lat_e7 - a->lat_e7, lon = (int64_t)r->lon_e7 - a->lon_e7;
	return a->time_ms != TIME_NONE && lat >= -FROZEN_E7 && lat <= FROZEN_E7 && lon >= -FROZEN_E7 &&
	       lon <= FROZEN_E7;
}
/* Whether the report may say that it drove without moving. */
static inline bool anchor_may_be_frozen(const struct anchor *a, const struct report *r)
{
	return at_anchor(a, r) && r->mileage_hm != MILEAGE_UNKNOWN && r->mileage_hm > a->mileage_hm;
}
/* Whether the way from the fix may have been faster than the limit: an upper bound of it was. */
static inline bool fix_may_leap(const struct fix *f, int32_t lat_e7, int32_t lon_e7, int64_t time_ms,
				int64_t limit_dkmh)
{
	if (f->time_ms == TIME_NONE || limit_dkmh == INT64_MAX)
		return false;
	int64_t lat = llabs((int64_t)f->lat_e7 - lat_e7), lon = llabs((int64_t)f->lon_e7 - lon_e7);
	int64_t dt_ms = time_ms - f->time_ms;
	if (lon > LON_E7_MAX)
		lon = 2 * (int64_t)LON_E7_MAX - lon;
	if (dt_ms < MS_PER_SECOND)
		dt_ms = MS_PER_SECOND;
	return dt_ms < INT64_C(1) << 40 && (lat + lon) * MM_PER_E7_MAX * 36 > limit_dkmh * dt_ms;
}
static inline enum tristate moving_of(uint16_t speed_dkmh)
{
	if (speed_dkmh == SPEED_UNKNOWN)
		return EITHER;
	return speed_dkmh >= MOVING_DKMH ? YES : NO;
}

/* --- place.c --- */
/* Fences that hold the position at the time, of those with any of `bits`, or all with `all`. `cursor` may be
 * NULL. places_free() after. */
STATUS_CHECKED enum status places_find(const struct detector *d, struct fence_cursor *cursor, struct geo_point p,
				       int64_t time_ms, uint64_t bits, bool all, struct places *out);
void places_none(struct places *p);
void places_free(struct places *p);
/* Whether places are looked for whatever their bits: those of its permits or its licence. */
static inline bool looks_everywhere(const struct class_plan *c, const struct subject_view *s)
{
	return c->by_permit && (s->permit_count || s->area_count);
}
/* Fences that the straight way from `from` to p meets, that hold at both times, of those with any of `bits`.
 * places_free() after. */
STATUS_CHECKED enum status places_crossed(const struct detector *d, const struct fence_cursor *cursor,
					  const struct fix *from, struct geo_point p, int64_t time_ms, uint64_t bits,
					  struct places *out);
/* Whether the place is one that `where` names (tag or fence). */
bool place_is_where(const struct plan_rule *p, const struct place *at);
const struct place *places_with_tag(const struct places *p, uint16_t tag);
/* `where` over the places: inside one that it names, outside all of its tag, or any. */
bool places_meet_where(const struct plan_rule *p, const struct places *places);

/* Whether the rule is about devices as this one. */
static inline bool is_asked_for(const struct plan_rule *p, const struct subject_view *s)
{
	return !p->picks || rule_asks_for(p->rule, s->gears, s->source);
}

/* A position as one number, and back. */
static inline int64_t position_pack(int32_t lat_e7, int32_t lon_e7)
{
	return (int64_t)((uint64_t)(uint32_t)lat_e7 << 32 | (uint32_t)lon_e7);
}
static inline struct geo_point position_unpack(int64_t packed)
{
	return (struct geo_point){(int32_t)(uint32_t)((uint64_t)packed >> 32), (int32_t)(uint32_t)packed};
}

/* --- episode.c --- */
/* The rule's episodes after the report. st->entry: in its first episode, out behind its last. */
STATUS_CHECKED enum status episodes_advance(struct step *st, const struct plan_rule *p);
/* `gears`, `sources`, `when`, `loaded` and `moving` of the rule: HOLDS, FAILS or UNTOLD. */
enum verdict rule_conditions(struct step *st, const struct plan_rule *p);
struct reading reading_none(void);
/* Another entry, zeroed but for its key, in its place. STATUS_NO_MEMORY. */
STATUS_CHECKED enum status episode_insert(struct detect_state *s, const struct episode *key, uint32_t *out_index);
/* Begins `e` at this report: its key, times, positions and empty numbers. */
void episode_init(struct episode *e, const struct step *st, const struct plan_rule *p, const struct fence *fence);
/* This report is one of it: last, numbers, bands. */
void episode_grow(struct step *st, const struct plan_rule *p, struct episode *e, const struct reading *reading);
/* It has met what makes it a finding: told as open. */
void episode_found(struct step *st, const struct plan_rule *p, struct episode *e);
/* Told when it was found, and removed. `rule` may be NULL: gone from the books. */
void episode_finish(struct detect_state *s, uint32_t index, const struct rule *rule, struct detect_sink *sink);
void episode_remove(struct detect_state *s, uint32_t index);
void episode_tell(const struct detect_state *s, const struct episode *e, const struct rule *rule, bool open,
		  struct detect_sink *sink);
bool gap_exceeded(const struct rule *rule, int64_t from_ms, int64_t to_ms);
uint8_t step_confidence(const struct step *st, unsigned rule_kind, uint8_t at_most);
/* Of the class's first ASKED_MAX rules those that may have something to say, without an episode, of a report that has
 * `have`: `placed` when it is in a place that counts. */
uint64_t rules_asked(const struct class_plan *c, uint32_t have, bool placed, uint16_t speed_dkmh);
/* Where the device stands still, as it says, with the odometer it had when it came there; after rules were asked. */
static inline void anchor_step(struct anchor *a, bool anchored, const struct report *r)
{
	/* what moves unseen may come back to the same place */
	if (!anchored || r->flags & REPORT_FLAG_NO_FIX)
		a->time_ms = TIME_NONE;
	if (!anchored || r->flags & REPORT_FLAG_NO_FIX || r->mileage_hm == MILEAGE_UNKNOWN)
		return;
	if (!at_anchor(a, r) || r->mileage_hm < a->mileage_hm)
		*a = (struct anchor){r->time_ms, r->lat_e7, r->lon_e7, r->mileage_hm};
}
/* The end of a step: the report is the last one now. */
void state_remember(struct detect_state *s, const struct report *r, bool anchored, enum tristate moving,
		    enum tristate loaded);

/* --- drive.c: facts --- */
/* Before the state takes the report in. */
void facts_step(struct step *st);
STATUS_CHECKED enum status visits_step(struct step *st);
/* Moving at this report: the drive begins or goes on; it is not told. */
static inline void drive_grow(struct detect_state *s, int64_t time_ms, int32_t lat_e7, int32_t lon_e7)
{
	struct drive *v = &s->drive;
	if (v->from_ms == TIME_NONE) {
		v->from_ms = v->told_ms = time_ms;
		v->driver = s->driver;
		v->from_lat_e7 = lat_e7;
		v->from_lon_e7 = lon_e7;
	}
	v->last_ms = time_ms;
	v->last_lat_e7 = lat_e7;
	v->last_lon_e7 = lon_e7;
}
void drive_close(struct detect_state *s, struct detect_sink *sink);
void facts_open(const struct detect_state *s, struct detect_sink *sink);

/* --- silence.c --- */
/* When a silent rule of the class is due after the last report; INT64_MAX: not at all. The state must be taken up. */
STATUS_CHECKED enum status silent_due(struct detect_state *s, const struct detector *d, const struct plan_rule *p,
				      int64_t *out_due_ms);
/* Tells silences due in (after, to], as open ones at `now`; `closed`: ended by the report at `now` at `st`. */
STATUS_CHECKED enum status silent_tell(struct detect_state *s, const struct detector *d, int64_t after_ms,
				       int64_t to_ms, const struct report *ended_by, struct detect_sink *sink);

/* --- zone.c --- */
/* Longer ways in their time are no drive: the default limit of two_places, 0.1 km/h. */
#define CROSSING_DKMH_MAX 2000
/* Of boats: 60 knots, faster than any ferry of high speed. */
#define CROSSING_SEA_DKMH_MAX 1111
/* CODE of a zone that was crossed between two reports */
#define CODE_CROSSED 1
/* Tells what a zone rule with `segment` finds between the last fix and this report. */
void crossings_tell(struct step *st, const struct plan_rule *p);

/* --- boat.c --- */
/* PARAM_OUT_OF_AREA_BY, PARAM_EXPIRED_WHAT */
#define OUT_OF_LICENCE 0
#define EXPIRED_BUSINESS 3
static inline bool expired_is_of_boat(const struct rule *r)
{
	return r->params[PARAM_EXPIRED_WHAT] > EXPIRED_BUSINESS;
}
/* A boat, or what floats. */
bool class_is_of_sea(unsigned class_code);

/* --- the kinds --- */
#define KIND_JUDGE(name)                                                                                               \
	enum verdict name(struct step *st, const struct plan_rule *p, const struct place *at, const struct episode *e, \
			  struct reading *out)
KIND_JUDGE(overspeed_judge);
KIND_JUDGE(cover_judge);
KIND_JUDGE(speed_mismatch_judge);
KIND_JUDGE(zone_judge);
KIND_JUDGE(off_route_judge);
KIND_JUDGE(off_hours_judge);
KIND_JUDGE(dwell_judge);
KIND_JUDGE(dumping_judge);
KIND_JUDGE(unregistered_judge);
KIND_JUDGE(expired_judge);
KIND_JUDGE(no_video_judge);
KIND_JUDGE(no_fix_judge);
KIND_JUDGE(frozen_judge);
KIND_JUDGE(shielded_judge);
KIND_JUDGE(alarm_bits_judge);
KIND_JUDGE(alarm_item_judge);
KIND_JUDGE(over_wind_judge);
KIND_JUDGE(out_of_area_judge);
KIND_JUDGE(over_crew_judge);
KIND_JUDGE(crew_differs_judge);
KIND_JUDGE(misstated_judge);
STATUS_CHECKED enum status section_run(struct step *st, const struct plan_rule *p);
STATUS_CHECKED enum status detour_run(struct step *st, const struct plan_rule *p);
STATUS_CHECKED enum status gap_run(struct step *st, const struct plan_rule *p);
STATUS_CHECKED enum status two_places_run(struct step *st, const struct plan_rule *p);
STATUS_CHECKED enum status port_gap_run(struct step *st, const struct plan_rule *p);
STATUS_CHECKED enum status port_report_run(struct step *st, const struct plan_rule *p);
STATUS_CHECKED enum status depart_run(struct step *st, const struct plan_rule *p);
STATUS_CHECKED enum status drag_run(struct step *st, const struct plan_rule *p);
STATUS_CHECKED enum status loiter_run(struct step *st, const struct plan_rule *p);
STATUS_CHECKED enum status jump_run(struct step *st, const struct plan_rule *p);

/* --- state.c --- */
/* The subject and the plan for the time; episodes of rules that are gone end (told). */
STATUS_CHECKED enum status state_take_up(struct detect_state *s, const struct detector *d, int64_t time_ms,
					 struct detect_sink *sink);

#endif
