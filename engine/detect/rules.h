/* rules.h -- rules as data: which devices, where, when, under what condition, how bad, and who must act.
 *
 *   # a comment
 *   [inputs]                                   where muck trucks say load, cover and lift
 *   load  = status bits 8-9                    0 empty, 1 half, 3 full (JT/T 808-2013 table 24); or: item E1 byte 0
 * mask 0x03 cover_open = item E1 byte 1 mask 0x01 lift_up = item E1 byte 2 mask 0x01
 *
 *   [overspeed-muck]                           the id: stays for ever, names findings
 *   kind      = overspeed
 *   title     = 渣土车超速 | Muck truck over the limit
 *   source    = ...                            law, clause; printed with every finding; required
 *   classes   = muck, truck                    or: any
 *   where     = tag:urban                      any | tag:NAME | not tag:NAME | fence:ID
 *   when      = 22:00-06:00                    schedule.h
 *   loaded    = yes                            yes | no | any
 *   moving    = yes
 *   hold      = 60 s                           condition must hold so long ...
 *   points    = 3                              ... and over so many reports
 *   release   = 0 s                            it ends when the condition fails for so long
 *   gap       = 300 s                          two reports further apart end it
 *   live      = yes                            a live warning, or only a finding
 *   severity  = 2                              1 notice, 2 violation, 3 serious
 *   authority = 交警                           who must act
 *   deadline  = 15 d                           for handling
 *   limit     = 50 km/h                        then the parameters of the kind, each with its unit
 *
 * Read whole: every mistake is reported with its line and the file is taken only when there is none. Values without
 * the unit of their parameter are mistakes. A rulebook is immutable and counted by references; threads: any. */
#ifndef ZAYTON_DETECT_RULES_H
#define ZAYTON_DETECT_RULES_H

#include "engine/detect/finding.h"
#include "engine/detect/schedule.h"

/* X(code, NAME, "token", stage, "Chinese"): the code is stored and never changes. */
#define RULE_KIND_TABLE(X)                                                                                             \
	X(1, OVERSPEED, "overspeed", 1, "超速")                                                                        \
	X(2, ZONE, "zone", 1, "禁行区域/时段")                                                                         \
	X(3, OFF_ROUTE, "off_route", 1, "不按规定线路")                                                                \
	X(4, OFF_HOURS, "off_hours", 1, "不按规定时间")                                                                \
	X(5, DWELL, "dwell", 1, "违规停留")                                                                            \
	X(6, DUMPING, "dumping", 1, "疑似偷倒")                                                                        \
	X(7, COVER, "cover", 1, "未密闭行驶")                                                                          \
	X(8, SECTION_SPEED, "section_speed", 1, "区间超速")                                                            \
	X(9, GAP, "gap", 1, "离线位移")                                                                                \
	X(10, SILENT, "silent", 1, "失联")                                                                             \
	X(11, NO_FIX, "no_fix", 1, "无定位行驶")                                                                       \
	X(12, FROZEN, "frozen", 1, "位置冻结")                                                                         \
	X(13, SHIELDED, "shielded", 1, "疑似屏蔽")                                                                     \
	X(14, ALARM_BITS, "alarm_bits", 1, "终端报警")                                                                 \
	X(15, ALARM_ITEM, "alarm_item", 1, "智能视频报警")                                                             \
	X(16, EXPIRED, "expired", 1, "证照过期行驶")                                                                   \
	X(17, NO_VIDEO, "no_video", 1, "未装智能视频终端")                                                             \
	X(18, UNREGISTERED, "unregistered", 1, "未备案/非平台车辆")                                                    \
	X(19, TWO_PLACES, "two_places", 1, "一牌两地")                                                                 \
	X(20, SPEED_MISMATCH, "speed_mismatch", 1, "速度偏差")                                                         \
	X(21, DETOUR, "detour", 1, "避站绕行")                                                                         \
	X(22, FATIGUE, "fatigue", 2, "疲劳驾驶")                                                                       \
	X(23, CONVOY, "convoy", 2, "车托带路")                                                                         \
	X(24, PATROL, "patrol", 2, "巡护不足")

enum rule_kind {
#define X(code, NAME, token, stage, chinese) RULE_##NAME = code,
	RULE_KIND_TABLE(X)
#undef X
		RULE_KIND_COUNT
};

/* How a parameter is written and held. */
enum param_unit {
	UNIT_SPEED,   /* "80 km/h" -> 0.1 km/h; one decimal allowed */
	UNIT_TIME,    /* "60 s", "20 min", "4 h", "7 d" -> ms */
	UNIT_LENGTH,  /* "500 m", "2 km" -> mm */
	UNIT_PERCENT, /* "20 %" -> 1 */
	UNIT_NUMBER,  /* "3" */
	UNIT_YES,     /* yes | no -> 1, 0 */
	UNIT_TAG,     /* a tag -> its number */
	UNIT_BITS,    /* "4 5 6 8" -> mask of bit numbers */
	UNIT_TYPES,   /* "64:1 64:2 65:3" -> up to 8 item id:type pairs, 16 bits each, in two parameters' room */
	UNIT_HOURS,   /* hours of the day "22:00-06:00" -> from_s << 32 | to_s */
	UNIT_CHOICE,  /* one of the words of the table, -> its number */
};

/* X(KIND, NAME, "token", unit, min, max, default, "words for UNIT_CHOICE"); default PARAM_REQUIRED: must be given.
 *
 * overspeed: v > limit. `limit` 0 takes the fence's own limit (no limit, no condition); `percent` of it counts (80 at
 * night). Holds until v <= limit - margin. `at_least` 10, 20 or 50: the condition is (v - limit) * 100 >= limit *
 * at_least. BAND: the highest of 10, 20, 50 that was itself held for `hold` and `points` within the episode. zone:
 * inside `where` (or outside: not tag) during `when`; `exempt` a tag whose fences do not count; `permit` yes: a permit
 * of kind ZONE naming the fence lets pass. Needs a judged position. off_route: moving outside every fence of the
 * device's ROUTE permits valid then, for `hold` or `distance`; without any such permit nothing is said (off_hours
 * does). off_hours: moving outside the hours of every ROUTE permit; `require` yes: also when there is no permit. dwell:
 * standing (below `still`) inside `where` for `hold`. dumping: outside `where`'s fences (approved sites): the lift up,
 * or load going from loaded to empty, or with `stop` > 0 standing that long while loaded. cover: loaded, cover open,
 * faster than `limit`. section_speed: into a fence of tag `entry`, out of one of tag `exit` of the same section (ids
 * NAME-in and NAME-out), length from the entry fence's length_mm: length / time > limit; a stand of `stop` or more
 * between, or a longer gap than `gap`, cancels. gap: two reports more than `time` apart and more than `distance` from
 * each other; not in a learned dead zone. silent: nothing for `time` after a report with ACC on or moving; raised by
 * the clock, ends with the next report. no_fix: no fix for `hold` while speed or odometer says it moves. frozen: the
 * same position (within 1 e-6 degree) while the odometer grows by more than `distance`. shielded: satellites (item
 * 0x31) 0 while signal strength (0x30) >= `signal`, for `hold`. alarm_bits: any of the alarm word's `bits`; one episode
 * however often repeated. alarm_item: items 0x64..0x67 of the `types` given, `level` at least; one episode while
 * repeats come within `gap`. expired: moving after the `what` due date.      no_video: moving, class bound, joined
 * after `since_days` ... without video. unregistered: a device not registered inside `where`. two_places: consecutive
 * fixes implying more than `limit`, back and forth at least `times` times within `time`. speed_mismatch: |terminal -
 * recorder (item 0x03)| or |terminal - position derived| above `percent` and `margin` for `hold`. detour: out of a
 * fence of tag `before`, into one of tag `after` within `time`, without a fence of tag `station`. fatigue (stage 2):
 * driving more than `continuous` without a rest of `rest`; with `night` > 0 the limit inside `night_hours`; `day` in
 * any 24 h; `week` in any 7 days; 0 switches a limit off. One finding per limit, LIMIT and PEAK in ms; each further
 * hour raises LEVEL. CODE: 1 continuous, 2 night, 3 day, 4 week. convoy (stage 2, a lead): two devices within
 * `distance` of each other at visits of `times` fences of tag `tag` within `time`. patrol (stage 2): a fence of tag
 * `tag` not visited for `time` by any device of the classes. */
#define PARAM_REQUIRED INT64_MIN
#define RULE_PARAM_TABLE(X)                                                                                            \
	X(OVERSPEED, LIMIT, "limit", SPEED, 0, 3000, PARAM_REQUIRED, "")                                               \
	X(OVERSPEED, PERCENT, "percent", PERCENT, 1, 100, 100, "")                                                     \
	X(OVERSPEED, AT_LEAST, "at_least", PERCENT, 0, 100, 0, "")                                                     \
	X(OVERSPEED, MARGIN, "margin", SPEED, 0, 500, 30, "")                                                          \
	X(OVERSPEED, SPEED_OF, "speed", CHOICE, 0, 2, 0, "terminal recorder position")                                 \
	X(ZONE, EXEMPT, "exempt", TAG, 0, TAGS_MAX, 0, "")                                                             \
	X(ZONE, PERMIT, "permit", YES, 0, 1, 0, "")                                                                    \
	X(OFF_ROUTE, DISTANCE, "distance", LENGTH, 0, 100000000, 0, "")                                                \
	X(OFF_HOURS, REQUIRE, "require", YES, 0, 1, 1, "")                                                             \
	X(DWELL, STILL, "still", SPEED, 0, 200, 30, "")                                                                \
	X(DUMPING, STOP, "stop", TIME, 0, 86400000, 0, "")                                                             \
	X(DUMPING, LIFT, "lift", YES, 0, 1, 1, "")                                                                     \
	X(COVER, LIMIT, "limit", SPEED, 0, 3000, 200, "")                                                              \
	X(SECTION_SPEED, LIMIT, "limit", SPEED, 1, 3000, PARAM_REQUIRED, "")                                           \
	X(SECTION_SPEED, ENTRY, "entry", TAG, 1, TAGS_MAX, PARAM_REQUIRED, "")                                         \
	X(SECTION_SPEED, EXIT, "exit", TAG, 1, TAGS_MAX, PARAM_REQUIRED, "")                                           \
	X(SECTION_SPEED, STOP, "stop", TIME, 0, 86400000, 60000, "")                                                   \
	X(GAP, TIME, "time", TIME, 1000, 864000000, PARAM_REQUIRED, "")                                                \
	X(GAP, DISTANCE, "distance", LENGTH, 0, 1000000000, PARAM_REQUIRED, "")                                        \
	X(SILENT, TIME, "time", TIME, 1000, 864000000, PARAM_REQUIRED, "")                                             \
	X(FROZEN, DISTANCE, "distance", LENGTH, 1, 1000000000, PARAM_REQUIRED, "")                                     \
	X(SHIELDED, SIGNAL, "signal", NUMBER, 0, 255, 15, "")                                                          \
	X(ALARM_BITS, BITS, "bits", BITS, 1, UINT32_MAX, PARAM_REQUIRED, "")                                           \
	X(ALARM_ITEM, TYPES, "types", TYPES, 0, 0, PARAM_REQUIRED, "")                                                 \
	X(ALARM_ITEM, TYPES_MORE, "", TYPES, 0, 0, 0, "")                                                              \
	X(ALARM_ITEM, LEVEL, "level", NUMBER, 0, 255, 0, "")                                                           \
	X(EXPIRED, WHAT, "what", CHOICE, 0, 3, PARAM_REQUIRED, "metrology inspection scrap business")                  \
	X(NO_VIDEO, SINCE, "since", NUMBER, 0, 99991231, 0, "") /* yyyymmdd, UTC+8 */                                  \
	X(TWO_PLACES, LIMIT, "limit", SPEED, 1, 30000, 2000, "")                                                       \
	X(TWO_PLACES, TIMES, "times", NUMBER, 1, 100, 3, "")                                                           \
	X(TWO_PLACES, TIME, "time", TIME, 1000, 86400000, 1800000, "")                                                 \
	X(SPEED_MISMATCH, PERCENT, "percent", PERCENT, 1, 100, 20, "")                                                 \
	X(SPEED_MISMATCH, MARGIN, "margin", SPEED, 1, 1000, 100, "")                                                   \
	X(SPEED_MISMATCH, WITH, "with", CHOICE, 0, 1, 0, "recorder position")                                          \
	X(DETOUR, BEFORE, "before", TAG, 1, TAGS_MAX, PARAM_REQUIRED, "")                                              \
	X(DETOUR, AFTER, "after", TAG, 1, TAGS_MAX, PARAM_REQUIRED, "")                                                \
	X(DETOUR, STATION, "station", TAG, 1, TAGS_MAX, PARAM_REQUIRED, "")                                            \
	X(DETOUR, TIME, "time", TIME, 1000, 86400000, 3600000, "")                                                     \
	X(FATIGUE, CONTINUOUS, "continuous", TIME, 0, 86400000, 14400000, "")                                          \
	X(FATIGUE, REST, "rest", TIME, 60000, 86400000, 1200000, "")                                                   \
	X(FATIGUE, NIGHT, "night", TIME, 0, 86400000, 0, "")                                                           \
	X(FATIGUE, NIGHT_HOURS, "night_hours", HOURS, 0, 0, INT64_C(79200) << 32 | 21600, "")                          \
	X(FATIGUE, DAY, "day", TIME, 0, 86400000, 0, "")                                                               \
	X(FATIGUE, WEEK, "week", TIME, 0, 604800000, 0, "")                                                            \
	X(CONVOY, TAG, "tag", TAG, 1, TAGS_MAX, PARAM_REQUIRED, "")                                                    \
	X(CONVOY, TIME, "time", TIME, 1000, 86400000, 120000, "")                                                      \
	X(CONVOY, TIMES, "times", NUMBER, 2, 100, 3, "")                                                               \
	X(PATROL, TAG, "tag", TAG, 1, TAGS_MAX, PARAM_REQUIRED, "")                                                    \
	X(PATROL, TIME, "time", TIME, 60000, 31536000000, PARAM_REQUIRED, "")

#define RULE_PARAMS_MAX 8
/* position of a parameter within its kind: PARAM_OVERSPEED_LIMIT is 0, PARAM_OVERSPEED_PERCENT 1 ... (rules.c) */
enum rule_where_mode { WHERE_ANY, WHERE_TAG, WHERE_NOT_TAG, WHERE_FENCE };
enum tristate { EITHER, YES, NO };

struct rule {
	char id[RULE_ID_MAX + 1];
	uint8_t kind; /* enum rule_kind */
	uint8_t where_mode, loaded, moving;
	uint8_t severity; /* 1..3 */
	bool live;
	bool sample; /* `sample = yes`: numbers are an example of policy, not the law's */
	uint16_t where_tag;
	char where_fence[FENCE_ID_MAX + 1];
	uint32_t classes; /* bit per class code */
	struct schedule when;
	int64_t hold_ms, release_ms, gap_ms, deadline_ms;
	uint32_t points;
	int64_t params[RULE_PARAMS_MAX];
	uint64_t version; /* XXH3 of the rule's normalised lines */
	uint32_t line;    /* where it begins in the file */
	const char *title_zh, *title_en, *source, *authority;
};

/* Where a muck truck's load, cover and lift are read from. */
struct rule_input {
	bool known, of_item;
	uint8_t item, byte, mask;    /* item E1 byte 0 mask 0x03: (value & mask) != 0 */
	uint8_t bit_first, bit_last; /* of the status word */
};
struct rule_inputs {
	struct rule_input load, cover_open, lift_up;
};

struct rulebook {
	struct rule *rules; /* by id */
	uint32_t count;
	struct rule_inputs inputs;
	uint64_t version; /* of the whole text */
	char *text;       /* as it was read, for showing and for the store */
	uint32_t references;
};

struct rule_mistake {
	uint32_t line;
	const char *text; /* English, lasts for the call */
};
typedef void rule_mistakes(void *context, const struct rule_mistake *mistake);

/* Mistakes go to `tell` (may be NULL), all of them, in order of lines. STATUS_MALFORMED when there was any;
 * STATUS_TOO_LONG past RULES_BYTES_MAX or RULES_MAX; STATUS_NO_MEMORY. */
STATUS_CHECKED enum status rulebook_parse(struct span text, rule_mistakes *tell, void *context, struct rulebook **out);
struct rulebook *rulebook_ref(struct rulebook *b);
void rulebook_unref(struct rulebook *b);
/* NULL when there is none of that id. */
const struct rule *rulebook_find(const struct rulebook *b, const char *id);
/* The rules shipped with the program: engine/detect/default.rules, compiled in. */
struct span rules_default(void);

const char *rule_kind_token(unsigned kind);
const char *rule_kind_chinese(unsigned kind);
unsigned rule_kind_stage(unsigned kind);

#endif
