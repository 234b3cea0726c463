/* boat.h -- what fishing boats are told apart by besides their class: gear, and the area they may navigate.
 *
 * A boat may fish with several gears: a set is a mask, bit = code. Codes are stored nowhere and may change; tokens are
 * the registry's and the rules'. Pure; threads: any. */
#ifndef ZAYTON_SERIES_BOAT_H
#define ZAYTON_SERIES_BOAT_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/core/bytes.h"
#include "engine/core/status.h"

/* X(NAME, "token", "Chinese"): kinds of gear (GB/T 5147-2003 names the nets; the summer moratorium tells them apart by
 * these). The first is what a boat has of which nothing was said. */
#define BOAT_GEAR_TABLE(X)                                                                                             \
	X(UNKNOWN, "unknown", "不明")                                                                                  \
	X(TRAWL, "trawl", "拖网")                                                                                      \
	X(TRAWL_SHRIMP, "trawl-shrimp", "桁杆拖虾")                                                                    \
	X(GILLNET, "gillnet", "刺网")                                                                                  \
	X(PURSE, "purse", "围网")                                                                                      \
	X(LIGHT_PURSE, "light-purse", "灯光围网")                                                                      \
	X(LIFT, "lift", "敷网")                                                                                        \
	X(STOW, "stow", "张网")                                                                                        \
	X(POT, "pot", "笼壶")                                                                                          \
	X(ANGLING, "angling", "钓具")                                                                                  \
	X(DIVE, "dive", "潜捕")                                                                                        \
	X(COVER, "cover", "掩罩")                                                                                      \
	X(RAKE, "rake", "耙刺")                                                                                        \
	X(AUXILIARY, "auxiliary", "捕捞辅助船")                                                                        \
	X(FARMING, "farming", "养殖")                                                                                  \
	X(TRANSPORT, "transport", "运输")                                                                              \
	X(LEISURE, "leisure", "休闲")                                                                                  \
	X(OTHER, "other", "其他")

enum boat_gear {
#define X(NAME, token, chinese) GEAR_##NAME,
	BOAT_GEAR_TABLE(X)
#undef X
		GEAR_COUNT
};
#define GEARS_ALL ((UINT32_C(1) << GEAR_COUNT) - 1)
#define GEARS_UNKNOWN (UINT32_C(1) << GEAR_UNKNOWN)

/* X(NAME, "token", "Chinese"): areas of navigation as certificates of survey have them, the widest first; each lies
 * within the one before. */
#define BOAT_AREA_TABLE(X)                                                                                             \
	X(UNKNOWN, "unknown", "不明")                                                                                  \
	X(FAR, "far", "远海")                                                                                          \
	X(NEAR, "near", "近海")                                                                                        \
	X(COASTAL, "coastal", "沿海")                                                                                  \
	X(SHELTERED, "sheltered", "遮蔽")

enum boat_area {
#define X(NAME, token, chinese) AREA_##NAME,
	BOAT_AREA_TABLE(X)
#undef X
		AREA_COUNT
};

/* Static storage; "unknown" for no code. */
const char *boat_gear_token(unsigned gear);
const char *boat_area_token(unsigned area);
/* One token or Chinese name. STATUS_NOT_FOUND. */
STATUS_CHECKED enum status boat_gear_parse(struct span text, unsigned *out);
STATUS_CHECKED enum status boat_area_parse(struct span text, unsigned *out);
/* A list, separated by commas, spaces or the enumeration comma U+3001; at least one. STATUS_NOT_FOUND: one of them is
 * no gear, or there is none. */
STATUS_CHECKED enum status boat_gears_parse(struct span text, uint32_t *out);

/* Whether a name as AIS can say it (capitals and digits of six bits) may be the registered one: of a registered name in
 * Latin letters both are compared without case, spaces and signs; of another, as 闽狮渔01234, the last numbers of both
 * (MINSHIYU 1234 is it, MINSHIYU 1235 is not). A registered name without letters or digits is any name. */
bool boat_name_may_be(struct span said, struct span registered);
/* How many names a list has, with commas, semicolons, slashes or the enumeration comma between. */
unsigned boat_names_count(struct span list);

#endif
