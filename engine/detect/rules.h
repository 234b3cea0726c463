/* rules.h -- rules as data: which devices, where, when, under what condition, how bad, and who must act.
 *
 *   # a comment
 *   [inputs]                        where muck trucks say load, cover and lift
 *   load       = status bits 8-9              0 empty, 1 half, 3 full (JT/T 808-2013 table 24); or of an item:
 *   cover_open = item E1 byte 1 mask 0x01
 *   lift_up    = item E1 byte 2 mask 0x01
 *
 *   [overspeed-muck]                the id (a-z 0-9 -): stays for ever, names findings
 *   kind      = overspeed
 *   title     = 渣土车超速 | Muck truck over the limit
 *   source    = ...                 law, clause; printed with every finding
 *   rows      = A9 B10              rows of the requirements that it answers
 *   sample    = yes                 its numbers are an example of policy, not the law's
 *   authority = 交警                who must act
 *   classes   = muck, truck         or: any
 *   gears     = trawl, gillnet      of fishing boats (series/boat.h), any of theirs; or: not angling; or: any
 *   sources   = ais, beidou         what the device is (subject.h); or: any
 *   where     = tag:urban           any | tag:NAME | not tag:NAME | fence:ID
 *   when      = 22:00-06:00         schedule.h
 *   loaded    = yes                 yes | no | any
 *   moving    = yes
 *   hold      = 60 s                condition must hold so long ...
 *   points    = 3                   ... and over so many reports
 *   release   = 0 s                 it ends when the condition fails for so long
 *   gap       = 300 s               two reports further apart end it
 *   live      = yes                 a live warning, or only a finding
 *   severity  = 2                   1 notice, 2 violation, 3 serious
 *   deadline  = 15 d                for handling; 0 none
 *   remind    = 您已超速, 限速{limit}    the driver is told so (commands.h); places: REMIND_PLACE_TABLE
 *   remind_after = 10 s             once it has stood for so long
 *   remind_every = 30 min           and not again within this, by this rule
 *   remind_flags = speech display   how: urgent speech display advert
 *   limit     = 50 km/h             then the parameters of the kind, each with its unit
 *
 *   [gas-high]                      a rule about streams (stage 3, stream_detect.h): which ones, instead of which
 * devices quantity  = gas gas_*           names of quantities; *: any run without a dot unit      = %LEL only
 * streams of this unit, or of none that is known sites     = TANK-*              site numbers, sectors and villages of
 * the site; without: any states    = fire alarm          of kind `state`: the texts that count, one of several joined
 * by + too
 *
 * kind, title and source are required, and those parameters that say so. Read whole: every mistake is reported with its
 * line and the file is taken only when there is none. Values without the unit of their parameter are mistakes.
 * A rulebook is immutable and counted by references; threads: any. */
#ifndef ZAYTON_DETECT_RULES_H
#define ZAYTON_DETECT_RULES_H

#include "engine/core/arena.h"
#include "engine/detect/finding.h"
#include "engine/detect/schedule.h"
#include "engine/series/device_class.h"

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
	X(24, PATROL, "patrol", 2, "巡护不足")                                                                         \
	X(25, PORT_REPORT, "port_report", 1, "进出港报告不符")                                                         \
	X(26, DEPART, "depart", 1, "冒险出海")                                                                         \
	X(27, PORT_GAP, "port_gap", 1, "港口疑似屏蔽")                                                                 \
	X(28, OVER_WIND, "over_wind", 1, "超风级")                                                                     \
	X(29, OUT_OF_AREA, "out_of_area", 1, "超航区或作业区")                                                         \
	X(30, DRAG, "drag", 1, "走锚或移位")                                                                           \
	X(31, OVER_CREW, "over_crew", 1, "超员")                                                                       \
	X(32, JUMP, "jump", 1, "位置跳变")                                                                             \
	X(33, MISSTATED, "misstated", 1, "船码不符")                                                                   \
	X(34, REBORN, "reborn", 2, "疑似换码")                                                                         \
	X(35, SOURCE_OFF, "source_off", 2, "一源失联")                                                                 \
	X(36, SOURCES_APART, "sources_apart", 2, "两源位置不符")                                                       \
	X(37, COLLISION, "collision", 2, "碰撞危险")                                                                   \
	X(38, ENCOUNTER, "encounter", 2, "海上相会")                                                                   \
	X(39, TWO_CODES, "two_codes", 2, "疑似一船多码")                                                               \
	X(40, FORMATION, "formation", 2, "脱离编队")                                                                   \
	X(41, LOITER, "loiter", 1, "异常徘徊")                                                                         \
	X(42, CREW_DIFFERS, "crew_differs", 1, "人证不符")                                                             \
	X(45, LEVEL, "level", 3, "数值越限")                                                                           \
	X(46, RATE, "rate", 3, "突变")                                                                                 \
	X(47, STUCK, "stuck", 3, "数值不变")                                                                           \
	X(48, MISSING, "missing", 3, "数据中断")                                                                       \
	X(49, OUT_OF_RANGE, "out_of_range", 3, "超出量程")                                                             \
	X(50, WINDOW_SUM, "window_sum", 3, "时段累计")                                                                 \
	X(51, STATE, "state", 3, "状态报警")                                                                           \
	X(52, NIGHT_FLOW, "night_flow", 3, "夜间最小流量")                                                             \
	X(53, DISPLACEMENT, "displacement", 3, "位移速率")                                                             \
	X(54, TANGENT, "tangent_angle", 3, "切线角")                                                                   \
	X(55, DRIFT, "drift", 3, "零点漂移")                                                                           \
	X(56, AGE, "age", 3, "超期存放")

enum rule_kind {
#define X(code, NAME, token, stage, chinese) RULE_##NAME = code,
	RULE_KIND_TABLE(X)
#undef X
		RULE_KIND_COUNT
};

/* How a parameter is written and held. */
enum param_unit {
	UNIT_SPEED,   /* "80 km/h", "80.5 km/h" -> 0.1 km/h */
	UNIT_TIME,    /* "60 s", "20 min", "4 h", "7 d" -> ms */
	UNIT_LENGTH,  /* "500 m", "2 km" -> mm */
	UNIT_PERCENT, /* "20 %" -> 20 */
	UNIT_NUMBER,  /* "3" */
	UNIT_YES,     /* yes | no -> 1, 0 */
	UNIT_OPTION,  /* the same, but `no` is not printed: what came later leaves the versions of rules as they were */
	UNIT_TAG,     /* a tag -> its number (fence_set.h) */
	UNIT_BITS,    /* "4 5 6" -> mask of bit numbers 0..31 */
	UNIT_TYPES,   /* "64:1 65:a 66:*" (hexadecimal) -> see rule_types_hold(); fills two parameters, 4 pairs each */
	UNIT_HOURS,   /* hours of the day "22:00-06:00" -> from_s << 32 | to_s, as schedule.h holds them */
	UNIT_CHOICE,  /* one of the words of the table -> its number */
	UNIT_DATE,    /* "2020-10-01" -> the first ms of that day in China; 0: no date */
	UNIT_DECIMAL, /* "-0.25", in the unit of the stream -> millionths; "own": DECIMAL_OWN, what the registry says */
};

/* K(KIND, "what it finds") begins a kind; then its parameters, in the order of struct rule's `params`:
 * X(KIND, NAME, "token", unit, min, max, default, "words of UNIT_CHOICE", "meaning"), min and max as held, default
 * PARAM_REQUIRED: must be given. engine/detect/README.md is this table as a page. */
#define PARAM_REQUIRED INT64_MIN
#define DECIMAL_OWN INT64_MAX
#define DECIMAL_MAX INT64_C(1000000000000000) /* 10^9, in millionths */
#define RULE_PARAM_TABLE(K, X)                                                                                         \
	K(OVERSPEED, "faster than the limit, until no faster than limit - margin. BAND is the highest of 10, 20, 50 "  \
		     "that was itself held for `hold` and `points` within the episode, compared exactly: (v - limit) " \
		     "* 100 >= limit * band")                                                                          \
	X(OVERSPEED, LIMIT, "limit", SPEED, 0, 3000, PARAM_REQUIRED, "",                                               \
	  "0 takes the fence's own limit; a fence without one is not judged")                                          \
	X(OVERSPEED, PERCENT, "percent", PERCENT, 1, 100, 100, "", "so much of the limit counts (80 at night)")        \
	X(OVERSPEED, AT_LEAST, "at_least", PERCENT, 0, 100, 0, "",                                                     \
	  "the condition is (v - limit) * 100 >= limit * at_least; 0: v > limit")                                      \
	X(OVERSPEED, MARGIN, "margin", SPEED, 0, 500, 30, "", "hysteresis of the end")                                 \
	X(OVERSPEED, SPEED_OF, "speed", CHOICE, 0, 2, 0, "terminal recorder position", "whose speed")                  \
	K(ZONE, "inside `where` (outside, for: not tag) during `when`, as far as positions can be judged")             \
	X(ZONE, EXEMPT, "exempt", TAG, 0, TAGS_MAX, 0, "", "inside a fence of this tag nothing is found")              \
	X(ZONE, PERMIT, "permit", YES, 0, 1, 0, "",                                                                    \
	  "a permit of kind ZONE that names the fence, within its hours, lets pass")                                   \
	X(ZONE, RELAY, "relay", YES, 0, 1, 0, "", "a permit of kind RELAY, within its hours, lets pass")               \
	X(ZONE, SEGMENT, "segment", OPTION, 0, 1, 0, "",                                                               \
	  "the straight way between two reports, neither of them inside, counts too: each fence of `where` that it "   \
	  "meets is a finding of low confidence with CODE 1 and no report inside, whatever `hold` and `points` say; "  \
	  "not over a longer time than `gap`, nor faster than 200 km/h")                                               \
	K(OFF_ROUTE, "moving outside every fence of the device's ROUTE permits valid then, for `hold` or over "        \
		     "`distance`; without such a permit nothing is said (off_hours does)")                             \
	X(OFF_ROUTE, DISTANCE, "distance", LENGTH, 0, 100000000, 0, "",                                                \
	  "found after so much driven outside although `hold` is not reached; 0: only `hold` counts")                  \
	K(OFF_HOURS, "moving outside the hours of every ROUTE permit valid then")                                      \
	X(OFF_HOURS, REQUIRE, "require", YES, 0, 1, 1, "", "without any ROUTE permit every hour is outside")           \
	K(DWELL, "standing inside `where` for `hold`; boats that do not say their speed by their positions")           \
	X(DWELL, STILL, "still", SPEED, 0, 200, 30, "", "standing is slower than this")                                \
	K(DUMPING, "outside the approved sites of `where` (as: not tag): the lift up, or load going from loaded to "   \
		   "empty, or a long stand while loaded")                                                              \
	X(DUMPING, STOP, "stop", TIME, 0, 86400000, 0, "", "a stand so long while loaded is a suspicion; 0: none is")  \
	X(DUMPING, LIFT, "lift", YES, 0, 1, 1, "", "the lift up is a suspicion")                                       \
	K(COVER, "loaded, the cover open, faster than the limit")                                                      \
	X(COVER, LIMIT, "limit", SPEED, 0, 3000, 200, "", "an open cover may creep")                                   \
	K(SECTION_SPEED,                                                                                               \
	  "into a fence of tag `entry`, out of one of tag `exit` of the same section (ids NAME-in and NAME-out), the " \
	  "entry fence's length over the time above the limit; a gap in between longer than `gap` cancels")            \
	X(SECTION_SPEED, LIMIT, "limit", SPEED, 1, 3000, PARAM_REQUIRED, "", "of the mean speed")                      \
	X(SECTION_SPEED, ENTRY, "entry", TAG, 1, TAGS_MAX, PARAM_REQUIRED, "", "where sections begin")                 \
	X(SECTION_SPEED, EXIT, "exit", TAG, 1, TAGS_MAX, PARAM_REQUIRED, "", "where they end")                         \
	X(SECTION_SPEED, STOP, "stop", TIME, 0, 86400000, 60000, "",                                                   \
	  "a stand so long in between cancels; 0: none does")                                                          \
	K(GAP, "two reports far apart in time and place (离线位移), not in a learned dead zone")                       \
	X(GAP, TIME, "time", TIME, 1000, 864000000, PARAM_REQUIRED, "", "more than this between the reports")          \
	X(GAP, DISTANCE, "distance", LENGTH, 0, 1000000000, PARAM_REQUIRED, "", "and more than this")                  \
	K(SILENT,                                                                                                      \
	  "nothing heard after a report with ACC on or moving; raised by the clock, ends with the next report")        \
	X(SILENT, TIME, "time", TIME, 1000, 864000000, PARAM_REQUIRED, "", "silent for so long")                       \
	X(SILENT, STANDING, "standing", OPTION, 0, 1, 0, "",                                                           \
	  "although it stood at its last report, or did not say: beacons")                                             \
	X(SILENT, EXEMPT, "exempt", TAG, 0, TAGS_MAX, 0, "", "not when its last position is in a fence of this tag")   \
	K(NO_FIX, "no fix for `hold` while speed or odometer says that it moves")                                      \
	K(FROZEN, "the same position, within 1e-6 degree, while the odometer grows")                                   \
	X(FROZEN, DISTANCE, "distance", LENGTH, 1, 1000000000, PARAM_REQUIRED, "", "by more than this")                \
	K(SHIELDED, "no satellites (item 31 is 0) while the radio signal (item 30) is good, for `hold`")               \
	X(SHIELDED, SIGNAL, "signal", NUMBER, 0, 255, 15, "", "good is at least this")                                 \
	K(ALARM_BITS, "bits of the alarm word; one episode however often repeated")                                    \
	X(ALARM_BITS, BITS, "bits", BITS, 1, UINT32_MAX, PARAM_REQUIRED, "",                                           \
	  "any of these bits, JT/T 808 table of alarms")                                                               \
	K(ALARM_ITEM, "alarms of driver assistance items (64 ADAS, 65 DSM, 66 TPMS, 67 BSD); one episode while "       \
		      "repeats come within `gap`")                                                                     \
	X(ALARM_ITEM, TYPES, "types", TYPES, 0, 0, PARAM_REQUIRED, "",                                                 \
	  "item:type, both hexadecimal, or item:*; up to 8")                                                           \
	X(ALARM_ITEM, TYPES_MORE, "", TYPES, 0, 0, 0, "", "")                                                          \
	X(ALARM_ITEM, LEVEL, "level", NUMBER, 0, 255, 0, "", "alarms of at least this level")                          \
	K(EXPIRED, "moving after a due date; of a boat's papers (survey, licence, nationality) moving or not")         \
	X(EXPIRED, WHAT, "what", CHOICE, 0, 6, PARAM_REQUIRED,                                                         \
	  "metrology inspection scrap business survey licence nationality",                                            \
	  "whose date; business: a permit of kind BUSINESS was once valid and none is")                                \
	K(NO_VIDEO, "moving, without smart video, and bound to have it")                                               \
	X(NO_VIDEO, SINCE, "since", DATE, 0, INT64_MAX, 0, "", "devices that joined on this day or later are bound")   \
	K(UNREGISTERED, "a device that is not registered, inside `where`")                                             \
	K(TWO_PLACES, "consecutive fixes that imply an impossible speed, back and forth (one identity at two places)") \
	X(TWO_PLACES, LIMIT, "limit", SPEED, 1, 30000, 2000, "", "impossible is faster than this")                     \
	X(TWO_PLACES, TIMES, "times", NUMBER, 1, 100, 3, "", "at least so many jumps")                                 \
	X(TWO_PLACES, TIME, "time", TIME, 1000, 86400000, 1800000, "", "within this")                                  \
	K(SPEED_MISMATCH, "the terminal's speed differs from another source's for `hold`")                             \
	X(SPEED_MISMATCH, PERCENT, "percent", PERCENT, 1, 100, 20, "", "by more than this part of the other")          \
	X(SPEED_MISMATCH, MARGIN, "margin", SPEED, 1, 1000, 100, "", "and by more than this")                          \
	X(SPEED_MISMATCH, WITH, "with", CHOICE, 0, 1, 0, "recorder position",                                          \
	  "the other: recorder (item 03), or derived from positions")                                                  \
	K(DETOUR, "out of a fence of tag `before` and into one of tag `after` without a fence of tag `station` (a "    \
		  "weigh station avoided)")                                                                            \
	X(DETOUR, BEFORE, "before", TAG, 1, TAGS_MAX, PARAM_REQUIRED, "", "where the main road is left")               \
	X(DETOUR, AFTER, "after", TAG, 1, TAGS_MAX, PARAM_REQUIRED, "", "where it is joined again")                    \
	X(DETOUR, STATION, "station", TAG, 1, TAGS_MAX, PARAM_REQUIRED, "", "what lies between")                       \
	X(DETOUR, TIME, "time", TIME, 1000, 86400000, 3600000, "", "within this")                                      \
	K(FATIGUE, "driving longer than a limit; one finding a limit, LIMIT and PEAK in ms, each further hour raises " \
		   "LEVEL; CODE 1 continuous, 2 night, 3 day, 4 week. A limit of 0 is off")                            \
	X(FATIGUE, CONTINUOUS, "continuous", TIME, 0, 86400000, 14400000, "", "driving without a valid rest")          \
	X(FATIGUE, REST, "rest", TIME, 60000, 86400000, 1200000, "", "a shorter rest does not count")                  \
	X(FATIGUE, NIGHT, "night", TIME, 0, 86400000, 0, "", "driving without a valid rest within night_hours")        \
	X(FATIGUE, NIGHT_HOURS, "night_hours", HOURS, 0, 0, INT64_C(79200) << 32 | 21600, "", "which hours are night") \
	X(FATIGUE, DAY, "day", TIME, 0, 86400000, 0, "", "driving in any 24 h")                                        \
	X(FATIGUE, WEEK, "week", TIME, 0, 604800000, 0, "", "driving in any 7 days in a row")                          \
	K(CONVOY, "two devices that pass the same fences together (a lead, no proof)")                                 \
	X(CONVOY, TAG, "tag", TAG, 1, TAGS_MAX, PARAM_REQUIRED, "", "fences that count")                               \
	X(CONVOY, TIME, "time", TIME, 1000, 86400000, 120000, "", "visits no further apart are together")              \
	X(CONVOY, TIMES, "times", NUMBER, 2, 100, 3, "", "at least so many together")                                  \
	K(PATROL, "a fence that no device of the classes has visited")                                                 \
	X(PATROL, TAG, "tag", TAG, 1, TAGS_MAX, PARAM_REQUIRED, "", "fences that must be visited")                     \
	X(PATROL, TIME, "time", TIME, 60000, INT64_C(31536000000), PARAM_REQUIRED, "", "for so long")                  \
	K(PORT_REPORT,                                                                                                 \
	  "out of the fences of `tag`, or into one, and no permit of kind LEAVE, or ENTER, covers it, CODE 1 out, 2 "  \
	  "in; or such a permit ended and no crossing came of it. A crossing counts once the boat has been on the "    \
	  "other side for `hold` and `points`; a finding goes from the last report before it to the first behind it")  \
	X(PORT_REPORT, TAG, "tag", TAG, 1, TAGS_MAX, PARAM_REQUIRED, "", "fences that are harbours")                   \
	X(PORT_REPORT, MISSING, "missing", CHOICE, 0, 1, 0, "report crossing", "which of the two is missing")          \
	X(PORT_REPORT, GRACE, "grace", TIME, 0, 86400000, 3600000, "", "a report so long after the crossing counts")   \
	K(DEPART,                                                                                                      \
	  "out of a fence of `tag` while inside `where`: a ban on sailing; from the last report in port to "           \
	  "the first at sea, once at sea for `hold` and `points`; of low confidence when the ban did not yet hold "    \
	  "at the former")                                                                                             \
	X(DEPART, TAG, "tag", TAG, 1, TAGS_MAX, PARAM_REQUIRED, "", "fences that are harbours")                        \
	K(PORT_GAP, "silent from a fence of `mouth`, outside every one of `tag`, until in either again: a beacon "     \
		    "covered on the way out and bared on the way in; not in a learned dead zone")                      \
	X(PORT_GAP, TAG, "tag", TAG, 1, TAGS_MAX, PARAM_REQUIRED, "", "fences that are harbours")                      \
	X(PORT_GAP, MOUTH, "mouth", TAG, 1, TAGS_MAX, PARAM_REQUIRED, "", "the waters before them")                    \
	X(PORT_GAP, TIME, "time", TIME, 1000, 864000000, PARAM_REQUIRED, "", "more than this between the reports")     \
	K(OVER_WIND, "inside `where`, a warning whose tags say a wind (`wind_8`, gusts `gust_10`) above the boat's "   \
		     "rating; PEAK the wind, LIMIT the rating, Beaufort")                                              \
	X(OVER_WIND, BY, "by", CHOICE, 0, 1, 0, "mean gust", "which wind")                                             \
	X(OVER_WIND, RATING, "rating", NUMBER, 0, 17, 0, "",                                                           \
	  "of boats whose rating is not known; 0: they are not judged")                                                \
	X(OVER_WIND, MARGIN, "margin", NUMBER, 0, 17, 0, "", "by more grades than this above the rating")              \
	X(OVER_WIND, EXEMPT, "exempt", TAG, 0, TAGS_MAX, 0, "", "inside a fence of this tag nothing is found")         \
	K(OUT_OF_AREA,                                                                                                 \
	  "outside every fence that its licence names (licensed_areas), or of its area of navigation: fences of tags " \
	  "nav_near, nav_coastal, nav_sheltered, each within the one before; not before there is a fence of that tag") \
	X(OUT_OF_AREA, BY, "by", CHOICE, 0, 1, PARAM_REQUIRED, "licence navigation", "whose area")                     \
	X(OUT_OF_AREA, EXEMPT, "exempt", TAG, 0, TAGS_MAX, 0, "", "inside a fence of this tag nothing is found")       \
	K(DRAG, "further than `distance` from where it was first seen anchored (AIS: at anchor or moored) or laid up " \
		"(registry); from the first report out there; PEAK and DISTANCE mm")                                   \
	X(DRAG, WHILE, "while", CHOICE, 0, 1, PARAM_REQUIRED, "anchored laid_up", "what holds it")                     \
	X(DRAG, DISTANCE, "distance", LENGTH, 1, 1000000000, PARAM_REQUIRED, "", "further than this")                  \
	K(OVER_CREW, "more people aboard (persons_aboard) than certified; PEAK, LIMIT")                                \
	X(OVER_CREW, EXEMPT, "exempt", TAG, 0, TAGS_MAX, 0, "", "inside a fence of this tag nothing is found")         \
	K(JUMP, "two fixes that imply a speed that no boat has: a mark, and no way that was made")                     \
	X(JUMP, LIMIT, "limit", SPEED, 1, 30000, PARAM_REQUIRED, "", "faster than this")                               \
	X(JUMP, DISTANCE, "distance", LENGTH, 0, 1000000000, PARAM_REQUIRED, "", "and further apart than this")        \
	K(MISSTATED,                                                                                                   \
	  "AIS static data (types 5, 19, 24) that the registry contradicts. CODE adds 1 name, 2 call sign, 4 "         \
	  "ship type (a fishing boat that does not say 30, a merchant ship that does; LEVEL the type said), "          \
	  "8 length (PEAK what is said, LIMIT what is registered, mm). Names: the registered `ais_name`, else "        \
	  "the name, else the hull number; of names in Chinese only the number in them is compared")                   \
	X(MISSTATED, LENGTH, "length", LENGTH, 0, 1000000, 3000, "", "lengths that differ by no more are the same")    \
	X(MISSTATED, EXEMPT, "exempt", TAG, 0, TAGS_MAX, 0, "", "inside a fence of this tag nothing is found")         \
	K(LOITER, "within `distance` of where it began, slower than `speed` from position to position, for `time`; "   \
		  "PEAK and DISTANCE mm, the furthest from there; LIMIT ms")                                           \
	X(LOITER, DISTANCE, "distance", LENGTH, 1, 100000000, 1000000, "", "no further from where it began")           \
	X(LOITER, TIME, "time", TIME, 60000, 864000000, 14400000, "", "for so long")                                   \
	X(LOITER, SPEED, "speed", SPEED, 1, 500, 37, "", "slower than this, by its positions")                         \
	X(LOITER, EXEMPT, "exempt", TAG, 0, TAGS_MAX, 0, "", "inside a fence of this tag nothing is found")            \
	K(CREW_DIFFERS, "people aboard (persons_aboard) are not as many as the list of crew has; PEAK, LIMIT")         \
	X(CREW_DIFFERS, EXEMPT, "exempt", TAG, 0, TAGS_MAX, 0, "", "inside a fence of this tag nothing is found")      \
	K(COLLISION, "two vessels under way that will pass closer than `cpa` within `tcpa`, both brought to every "    \
		     "half minute of "                                                                                 \
		     "event time by their courses; until they are outside both limits and `release` more. LIMIT and "  \
		     "PEAK mm, the "                                                                                   \
		     "limit and the smallest CPA; OTHER the TCPA when it was found, ms; REPORTS such half minutes. "   \
		     "Vessels below 0.5 "                                                                              \
		     "knot, at anchor, moored or without a course are passed over, and sources of one boat; DEVICE "   \
		     "is the fishing "                                                                                 \
		     "boat")                                                                                           \
	X(COLLISION, CPA, "cpa", LENGTH, 1, 10000000, PARAM_REQUIRED, "", "closer than this")                          \
	X(COLLISION, TCPA, "tcpa", TIME, 1000, 1800000, PARAM_REQUIRED, "", "and so soon")                             \
	X(COLLISION, RELEASE, "release_by", PERCENT, 1, 100, 20, "", "it ends beyond both limits and so much more")    \
	X(COLLISION, TIMES, "times", NUMBER, 1, 20, 2, "", "found at so many half minutes within the limits")          \
	X(COLLISION, FRESH, "fresh", TIME, 10000, 720000, 180000, "", "a fix counts so long")                          \
	X(COLLISION, PAIRS, "pairs", CHOICE, 0, 2, 0, "merchant_fishing any_fishing any", "whom with whom")            \
	K(ENCOUNTER, "two vessels no further apart than `distance`, both slower than `speed`, for `time`: counted in " \
		     "windows of ten minutes, all of a window or none. PEAK mm, the largest distance; LIMIT ms")       \
	X(ENCOUNTER, DISTANCE, "distance", LENGTH, 1, 5000000, 500000, "", "no further apart")                         \
	X(ENCOUNTER, TIME, "time", TIME, 600000, 864000000, 7200000, "", "for so long")                                \
	X(ENCOUNTER, SPEED, "speed", SPEED, 1, 500, 37, "", "both slower than this")                                   \
	X(ENCOUNTER, EXEMPT, "exempt", TAG, 0, TAGS_MAX, 0, "", "not inside a fence of this tag")                      \
	K(TWO_CODES,                                                                                                   \
	  "two codes that move together, neither slower than `speed`, for `time`, and are not known as one "           \
	  "boat's: counted as encounters are. PEAK mm, the largest distance; LIMIT ms")                                \
	X(TWO_CODES, DISTANCE, "distance", LENGTH, 1, 5000000, 100000, "", "no further apart")                         \
	X(TWO_CODES, TIME, "time", TIME, 600000, 864000000, 3600000, "", "for so long")                                \
	X(TWO_CODES, SPEED, "speed", SPEED, 1, 500, 37, "", "both at least so fast")                                   \
	K(REBORN,                                                                                                      \
	  "a lead, no proof: a registered boat's code falls silent, and within `time` a code that is not "             \
	  "registered and was never heard begins within `distance` of where the other would be, goes on on its "       \
	  "course, and the other stays silent until the next full ten minutes but ten. OTHER of the finding is "       \
	  "the new code; PEAK mm between them")                                                                        \
	X(REBORN, DISTANCE, "distance", LENGTH, 1, 20000000, 1000000, "", "no further apart")                          \
	X(REBORN, TIME, "time", TIME, 1000, 600000, 600000, "", "so soon")                                             \
	X(REBORN, TURN, "turn", NUMBER, 1, 180, 45, "", "degrees that its course may differ by, when both move")       \
	K(SOURCE_OFF, "one source of a boat is silent while another of it is heard at sea, for `time`, counted in "    \
		      "windows of ten minutes, the silent one unheard for twenty before each; of another window a "    \
		      "row may miss one. From its silence on; DEVICE is the silent one; LIMIT ms")                     \
	X(SOURCE_OFF, SILENT, "silent", CHOICE, 0, 2, PARAM_REQUIRED, "ais beidou nmea", "which source is silent")     \
	X(SOURCE_OFF, TIME, "time", TIME, 1800000, 864000000, PARAM_REQUIRED, "", "for so long")                       \
	X(SOURCE_OFF, WITHIN, "within", TAG, 0, TAGS_MAX, 0, "", "while the other is inside a fence of this tag")      \
	X(SOURCE_OFF, EXEMPT, "exempt", TAG, 0, TAGS_MAX, 0, "", "and not inside one of this")                         \
	K(SOURCES_APART, "two sources of one boat whose fixes, one behind the other, imply a speed that it cannot "    \
			 "have, in windows of ten minutes no more than two apart; PEAK mm, the furthest; LIMIT 0.1 "   \
			 "km/h; REPORTS such windows")                                                                 \
	X(SOURCES_APART, LIMIT, "limit", SPEED, 1, 30000, PARAM_REQUIRED, "", "faster than this")                      \
	X(SOURCES_APART, DISTANCE, "distance", LENGTH, 0, 1000000000, PARAM_REQUIRED, "", "and further than this")     \
	X(SOURCES_APART, TIMES, "times", NUMBER, 1, 100, 2, "", "at least so many windows")                            \
	K(FORMATION, "a boat of a formation (field `formation`) further than `distance` from every other boat of it "  \
		     "that is heard, for `time`, all of a window of ten minutes or none; PEAK mm, the least distance " \
		     "to the nearest; LIMIT ms")                                                                       \
	X(FORMATION, DISTANCE, "distance", LENGTH, 1, 1000000000, PARAM_REQUIRED, "", "further than this")             \
	X(FORMATION, TIME, "time", TIME, 600000, 864000000, 1800000, "", "for so long")                                \
	X(FORMATION, EXEMPT, "exempt", TAG, 0, TAGS_MAX, 0, "", "not while it is inside a fence of this tag")          \
	K(LEVEL, "a value beyond the limit, until one is back by `margin`; hysteresis begins once it is found")        \
	X(LEVEL, SIDE, "side", CHOICE, 0, 3, PARAM_REQUIRED, "above at_least below at_most", "what is beyond")         \
	X(LEVEL, LIMIT, "limit", DECIMAL, -DECIMAL_MAX, DECIMAL_MAX, DECIMAL_OWN, "",                                  \
	  "own: the stream's field `limit` (licensed, designed, permitted); streams without one are not judged")       \
	X(LEVEL, PERCENT, "percent", PERCENT, 1, 1000, 100, "", "so much of the limit counts")                         \
	X(LEVEL, MARGIN, "margin", DECIMAL, 0, DECIMAL_MAX, 0, "", "hysteresis of the end")                            \
	X(LEVEL, RANK, "rank", CHOICE, 0, 4, 0, "none LL L H HH", "LEVEL of the finding: 1 LL, 2 L, 3 H, 4 HH")        \
	K(RATE, "within `time` a change of `limit` or more, measured from the extreme of each sixtieth of `time`")     \
	X(RATE, LIMIT, "limit", DECIMAL, 1, DECIMAL_MAX, PARAM_REQUIRED, "", "at least this")                          \
	X(RATE, TIME, "time", TIME, 1000, INT64_C(2592000000), PARAM_REQUIRED, "", "within this")                      \
	X(RATE, WAY, "way", CHOICE, 0, 2, 0, "either rise fall", "which way")                                          \
	K(STUCK, "one and the same value, of `points` values, for so long")                                            \
	X(STUCK, TIME, "time", TIME, 1000, INT64_C(31536000000), PARAM_REQUIRED, "", "for so long")                    \
	X(STUCK, ZERO, "zero", YES, 0, 1, 0, "", "a value that stays 0 counts too")                                    \
	K(MISSING, "nothing of the stream for so long, raised by the clock, not before `when` holds; LIMIT in ms")     \
	X(MISSING, TIME, "time", TIME, 0, INT64_C(31536000000), 0, "",                                                 \
	  "for so long; 0: `times` sampling intervals, and streams without an interval are not judged")                \
	X(MISSING, TIMES, "times", NUMBER, 1, 1000, 3, "", "intervals")                                                \
	K(OUT_OF_RANGE, "a value outside the stream's physical range, or that its source calls over range")            \
	K(WINDOW_SUM, "the amounts of the last `time` (in steps of its 144th, and never of more) reach the limit")     \
	X(WINDOW_SUM, LIMIT, "limit", DECIMAL, 1, DECIMAL_MAX, DECIMAL_OWN, "", "at least this; own: as of `level`")   \
	X(WINDOW_SUM, TIME, "time", TIME, 60000, INT64_C(2592000000), PARAM_REQUIRED, "", "the window")                \
	X(WINDOW_SUM, OF, "of", CHOICE, 0, 1, 0, "amounts counter",                                                    \
	  "values are amounts since the one before, or a counter whose growth counts, from 0 when it falls")           \
	K(STATE,                                                                                                       \
	  "a state that lasts `hold`, by the clock: a text of `states`, a number with one of `bits`, or without "      \
	  "`bits` any number but 0")                                                                                   \
	X(STATE, BITS, "bits", BITS, 0, UINT32_MAX, 0, "", "any of these bits of a whole number")                      \
	X(STATE, TEST, "test", YES, 0, 1, 0, "", "values flagged as tests, and not the real ones")                     \
	K(NIGHT_FLOW, "the least value of a night (of `points` values) at or above the limit, for `nights` in a row")  \
	X(NIGHT_FLOW, LIMIT, "limit", DECIMAL, 1, DECIMAL_MAX, DECIMAL_OWN, "", "the base flow; own: as of `level`")   \
	X(NIGHT_FLOW, HOURS, "hours", HOURS, 0, 0, INT64_C(7200) << 32 | 14400, "", "which hours are night")           \
	X(NIGHT_FLOW, NIGHTS, "nights", NUMBER, 1, 60, 1, "", "so many in a row")                                      \
	K(DISPLACEMENT, "daily medians (of `points` values, the first of each five minutes) that move so much a day")  \
	X(DISPLACEMENT, LIMIT, "limit", DECIMAL, 1, DECIMAL_MAX, PARAM_REQUIRED, "", "at least so much a day")         \
	X(DISPLACEMENT, DAYS, "days", NUMBER, 1, 30, 1, "", "measured over so many days, or the next span known")      \
	K(TANGENT, "the improved tangent angle of daily medians (Xu, Zeng, Qian, Dong 2009): motion a day over the "   \
		   "steady rate is at least the tangent of the angle")                                                 \
	X(TANGENT, ANGLE, "angle", CHOICE, 0, 2, PARAM_REQUIRED, "45 80 85", "degrees")                                \
	X(TANGENT, BASE, "base", DECIMAL, 1, DECIMAL_MAX, DECIMAL_OWN, "",                                             \
	  "the rate of steady creep a day; own: the stream's field `base`")                                            \
	X(TANGENT, DAYS, "days", NUMBER, 1, 30, 1, "", "as of `displacement`")                                         \
	K(DRIFT, "a daily median so far from the base: the zero of a scale, the tare of a vehicle")                    \
	X(DRIFT, LIMIT, "limit", DECIMAL, 1, DECIMAL_MAX, PARAM_REQUIRED, "", "at least so far")                       \
	X(DRIFT, BASE, "base", DECIMAL, -DECIMAL_MAX, DECIMAL_MAX, DECIMAL_OWN, "", "own: the stream's field `base`")  \
	K(AGE, "more than 0 in store for so many calendar years, by the clock; LIMIT in ms")                           \
	X(AGE, YEARS, "years", NUMBER, 1, 10, 1, "", "by the clock of China")                                          \
	X(AGE, BEFORE, "before", TIME, 0, INT64_C(31536000000), 0, "", "found so long ahead, as a notice")

#define RULE_PARAMS_MAX 8

/* The place of a parameter in struct rule's `params`: PARAM_OVERSPEED_LIMIT is 0, PARAM_OVERSPEED_PERCENT 1 ... */
enum rule_param_place {
#define K(KIND, meaning) PARAMS_OF_##KIND = -1,
#define X(KIND, NAME, token, unit, min, max, initial, words, meaning) PARAM_##KIND##_##NAME,
	RULE_PARAM_TABLE(K, X)
#undef X
#undef K
};

enum rule_where_mode { WHERE_ANY, WHERE_TAG, WHERE_NOT_TAG, WHERE_FENCE };
enum tristate { EITHER, YES, NO };

#define RULE_CLASSES_ANY ((UINT32_C(1) << DEVICE_CLASS_COUNT) - 1)

struct rule {
	char id[RULE_ID_MAX + 1];
	uint8_t kind; /* enum rule_kind */
	uint8_t where_mode, loaded, moving;
	uint8_t severity; /* 1..3 */
	bool live;
	bool sample; /* `sample = yes`: numbers are an example of policy, not the law's */
	uint16_t where_tag;
	char where_fence[FENCE_ID_MAX + 1];
	uint32_t classes; /* bit per class code; RULE_CLASSES_ANY */
	uint32_t gears;   /* bit per enum boat_gear; 0: any, none too */
	uint32_t sources; /* bit per code of SUBJECT_SOURCE_TABLE; 0: any */
	struct schedule when;
	int64_t hold_ms, release_ms, gap_ms, deadline_ms;
	const char *remind; /* words for the driver with places, empty: nobody is reminded */
	int64_t remind_after_ms, remind_every_ms;
	uint8_t remind_flags; /* COMMAND_TEXT_* of series/command.h */
	uint32_t points;
	int64_t params[RULE_PARAMS_MAX];
	uint64_t version; /* XXH3 of what rule_print() says: comments, spaces and order do not matter */
	uint32_t line;    /* where it begins in the file */
	const char *title_zh, *title_en, *source;
	const char *authority, *rows; /* empty when not said; rows: words with one space between */
	/* of stage 3, empty when not said: words with one space between, `unit` as it is */
	const char *quantities, *unit, *sites, *sectors, *villages, *states;
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
	char *text;       /* as it was read, for showing and for the store; NUL-terminated */
	uint32_t references;
	struct arena words; /* what the rules' texts point into */
};

struct rule_mistake {
	uint32_t line;
	const char *text, *text_zh; /* English and Chinese (messages.h), last for the call */
};
typedef void rule_mistakes(void *context, const struct rule_mistake *mistake);

/* Mistakes go to `tell` (may be NULL), all of them, in order of lines. STATUS_MALFORMED when there was any;
 * STATUS_TOO_LONG past RULES_BYTES_MAX or RULES_MAX; STATUS_NO_MEMORY. */
STATUS_CHECKED enum status rulebook_parse(struct span text, rule_mistakes *tell, void *context, struct rulebook **out);
/* A text that was taken before, maybe by a version that refused less. */
STATUS_CHECKED enum status rulebook_parse_stored(struct span text, struct rulebook **out);
struct rulebook *rulebook_ref(struct rulebook *b);
void rulebook_unref(struct rulebook *b);
/* A rule in the normal form of the file: every key, defaults too, in one order. Parsing it gives the same rule.
 * STATUS_FULL, STATUS_NO_MEMORY. */
STATUS_CHECKED enum status rule_print(const struct rule *r, struct buf *out);
/* The inputs, then every rule. */
STATUS_CHECKED enum status rulebook_print(const struct rulebook *b, struct buf *out);
/* A line a rule, in columns: id, kind, classes, where, when, rows, title. */
STATUS_CHECKED enum status rulebook_table(const struct rulebook *b, struct buf *out);
/* NULL when there is none of that id. */
const struct rule *rulebook_find(const struct rulebook *b, const char *id);
/* The rules shipped with the program: engine/detect/default.rules, compiled in. */
struct span rules_default(void);

/* A row of RULE_PARAM_TABLE as data. */
struct rule_param {
	const char *token, *words, *meaning;
	uint8_t kind, place, unit; /* enum rule_kind, enum rule_param_place, enum param_unit */
	int64_t min, max, initial;
};
/* The parameters of a kind in order of their places; NULL and 0 for a kind that has none or is unknown. */
const struct rule_param *rule_kind_params(unsigned kind, unsigned *out_count);
/* A value of a parameter as the file writes it: "80 km/h". STATUS_FULL, STATUS_NO_MEMORY. */
STATUS_CHECKED enum status rule_param_print(const struct rule_param *p, const int64_t *params, struct buf *out);
/* Whether an alarm of `item` (0x64..0x67) and `type` is among an ALARM_ITEM rule's types. Held as 16 bits a pair,
 * item << 8 | type, lowest first, 0 for none; type 0 for any: no item numbers its alarms from 0. */
bool rule_types_hold(const struct rule *r, uint8_t item, uint8_t type);

/* X(NAME, "token", "what stands there"): what may stand between braces in the words of a reminder. */
#define REMIND_PLACE_TABLE(X)                                                                                          \
	X(PLATE, "plate", "the plate")                                                                                 \
	X(RULE, "rule", "the rule's Chinese title")                                                                    \
	X(LIMIT, "limit", "the limit, with its unit")                                                                  \
	X(PEAK, "peak", "the highest value so far, with its unit")                                                     \
	X(MINUTES, "minutes", "how long it lasts, whole minutes")                                                      \
	X(FENCE, "fence", "the fence's name")                                                                          \
	X(TIME, "time", "when it began, HH:MM in China")

enum remind_place {
#define X(NAME, token, about) REMIND_##NAME,
	REMIND_PLACE_TABLE(X)
#undef X
		REMIND_PLACE_COUNT,
	REMIND_WORDS = REMIND_PLACE_COUNT, /* words as they are */
};
/* bytes of a reminder before its places are filled: what they add stays below COMMAND_UTF8_MAX */
#define REMIND_MAX 400
/* The next piece of a reminder: words, or a place. False at the end; `*out_place` is REMIND_PLACE_COUNT + 1 for braces
 * that name no place, whose text is in `*out_words`. */
#define REMIND_NO_PLACE (REMIND_PLACE_COUNT + 1)
bool remind_next(struct span *rest, struct span *out_words, unsigned *out_place);

/* Whether a device with these gears (0: unknown), of this source, is one that the rule's `gears` and `sources` ask for.
 */
bool rule_asks_for(const struct rule *r, uint32_t gears, unsigned source);

/* Codes have gaps. What is said of a kind is static storage; "" and stage 0 for one that does not exist. */
bool rule_kind_exists(unsigned kind);
const char *rule_kind_token(unsigned kind);
const char *rule_kind_chinese(unsigned kind);
const char *rule_kind_meaning(unsigned kind);
/* 1: report by report of a device; 2: facts of a subject; 3: values of a stream. */
unsigned rule_kind_stage(unsigned kind);
#define RULE_STAGE_STREAMS 3

#endif
