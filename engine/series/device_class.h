/* device_class.h -- kinds of vehicle and vessel that rules, limits and retention tell apart.
 *
 * X(code, TOKEN, "token", "Chinese", months): the code is stored and never changes; `token` names
 * families and API values; `months` is the default retention of tracks (the legal minimum is 6:
 * measures for dynamic supervision of road transport vehicles, 2022 no. 10). */
#ifndef ZAYTON_SERIES_DEVICE_CLASS_H
#define ZAYTON_SERIES_DEVICE_CLASS_H

#include <stdint.h>

#include "engine/core/bytes.h"

#define RETENTION_MONTHS_MIN 6

#define DEVICE_CLASS_TABLE(X)                                                                                          \
	X(0, OTHER, "other", "其他", 12)                                                                               \
	X(1, MUCK_TRUCK, "muck", "渣土车", 12)                                                                         \
	X(2, HAZMAT, "hazmat", "危险货物运输车", 36)                                                                   \
	X(3, COACH, "coach", "客运车辆", 12)                                                                           \
	X(4, SCHOOL_BUS, "school", "校车", 12)                                                                         \
	X(5, TRUCK, "truck", "重型货车", 12)                                                                           \
	X(6, BUS, "bus", "公交车", 12)                                                                                 \
	X(7, TAXI, "taxi", "出租汽车", 12)                                                                             \
	X(8, TRACTOR, "tractor", "拖拉机", 12)                                                                         \
	X(9, TRAILER, "trailer", "挂车", 12)                                                                           \
	X(10, FISHING_BOAT, "fishing", "渔船", 36)                                                                     \
	X(11, VESSEL, "vessel", "商船", 12)                                                                            \
	X(12, GEAR, "gear", "渔具浮标", 6)                                                                             \
	X(13, PERSON, "person", "人员", 6)                                                                             \
	X(14, FISHING_SMALL, "fishing-small", "小型渔船", 36)   /* below 12 m */                                       \
	X(15, FISHING_MEDIUM, "fishing-medium", "中型渔船", 36) /* 12 to 24 m */                                       \
	X(16, FISHING_LARGE, "fishing-large", "大型渔船", 36)   /* 24 m and more (fishery licence rules, article 4) */ \
	X(17, TOWNSHIP_BOAT, "township", "乡镇船舶", 36)                                                               \
	X(18, AID, "aid", "航标", 6)                                                                                   \
	X(19, BASE, "base", "岸台", 6)                                                                                 \
	X(20, SAR_AIRCRAFT, "sar-aircraft", "搜救航空器", 12)                                                          \
	X(21, DISTRESS, "distress", "遇险示位标", 12)                                                                  \
	X(22, SENSOR, "sensor", "监测站点", 36)

enum device_class {
#define X(code, NAME, token, chinese, months) DEVICE_CLASS_##NAME = code,
	DEVICE_CLASS_TABLE(X)
#undef X
		DEVICE_CLASS_COUNT
};

/* Static storage; "other" for an unknown code. */
const char *device_class_token(unsigned code);
const char *device_class_chinese(unsigned code);
unsigned device_class_months(unsigned code);
/* By token or Chinese name. STATUS_NOT_FOUND. */
STATUS_CHECKED enum status device_class_parse(struct span text, uint8_t *out);

#endif
