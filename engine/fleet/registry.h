/* registry.h -- who is who: devices, the names they go by, and what was true of them when.
 *
 * A source device has an immutable 64-bit id, a hash of its kind and first identity, so that every
 * installation gives the same terminal the same id. Its top 16 bits are the partition. What is said of a
 * device (plate, company, class, SIM ...) is a *binding*: field, value, valid_from, valid_to; a change
 * closes one binding and opens the next, who changed what when is kept, nothing is overwritten.
 *
 *   device ──< binding (field, value, from, to)       names ──> device: phone, plate+colour, SIM, second plate
 *
 * A change is a *fact*: from this instant on the field is this (or nothing). What holds at an instant is the
 * fact with the latest beginning not after it, so:
 *   - a change valid from T ends the binding that was open at T, there;
 *   - a change in the past holds only until the next fact of its field, which stays as it was;
 *   - a change from the very instant of an earlier fact corrects it: the last one said stands;
 *   - saying what already holds at T is no change, and nothing is written.
 * Changes of different instants may thus come in any order. The history keeps each as it was said.
 *
 * A vehicle may be seen by several sources: by its own terminal, and by each platform that forwards it. The device
 * whose PLATE is a source's VEHICLE lends it what is said of the vehicle where the source has nothing said itself:
 * registry_value(), registry_class() and the judge's subject (context.c) see it so, at every instant.
 *
 *   source ── VEHICLE "2:闽C12345" ──> the device with that PLATE then ── CLASS, COMPANY, VILLAGE, DRIVER ...
 *
 * All of it is in memory; changes are synced to the store before they return (never call a changing
 * function on an event loop). Threads: any; readers never wait for the disk.
 *
 *   family `device`  device 8                    -> its facts (registry_row.h)
 *   family `log`     device 8 | 0x01 | number 4  -> one change, numbered from 1 per device; never rewritten
 * The registry of streams (streams.h) is the same over the family `stream`, its history under 0x02. */
#ifndef ZAYTON_FLEET_REGISTRY_H
#define ZAYTON_FLEET_REGISTRY_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/core/bytes.h"
#include "engine/core/status.h"
#include "engine/fleet/changes.h"
#include "engine/series/device_class.h"
#include "engine/store/store.h"

#define VALID_ALWAYS_FROM INT64_MIN
#define VALID_FOREVER INT64_MAX

enum device_kind {
	DEVICE_KIND_JT808 = 1,
	DEVICE_KIND_FILE = 2,
	DEVICE_KIND_AIS = 3,
	DEVICE_KIND_BEIDOU = 4,
	DEVICE_KIND_JT809 = 5,  /* a vehicle as another platform forwards it: "ACCESS CODE/COLOUR:PLATE" */
	DEVICE_KIND_SENSOR = 6, /* a site with sensors: its number (streams.h) */
	DEVICE_KIND_STREAM = 7, /* one quantity of a site; never among devices, in the registry of streams */
	DEVICE_KIND_NMEA = 8,   /* a boat by its own receiver: its name as the stations file has it */
	DEVICE_KIND_BOAT = 9,   /* the boat itself: "boat:HULL NUMBER"; what its sources send are tracks of theirs */
};

/* X(code, NAME, "token", "Chinese", unique): `unique` fields name at most one device at any instant. */
#define DEVICE_FIELD_TABLE(X)                                                                                          \
	X(1, PHONE, "phone", "终端手机号", 1)                                                                          \
	X(2, PLATE, "plate", "车牌号", 1) /* "colour:plate", e.g. "2:闽C12345" */                                     \
	X(3, SECOND_PLATE, "second_plate", "泉工号牌", 1)                                                              \
	X(4, TRAILER, "trailer", "挂车号牌", 0)                                                                        \
	X(5, CLASS, "class", "车辆类别", 0)                                                                            \
	X(6, COMPANY, "company", "所属企业", 0)                                                                        \
	X(7, VILLAGE, "village", "所属村", 0)                                                                          \
	X(8, SIM, "sim", "SIM卡号", 1)                                                                                 \
	X(9, TERMINAL_MODEL, "terminal_model", "终端型号", 0)                                                          \
	X(10, TERMINAL_ID, "terminal_id", "终端ID", 0)                                                                 \
	X(11, MANUFACTURER, "manufacturer", "制造商", 0)                                                               \
	X(12, METROLOGY_DUE, "metrology_due", "检定有效期", 0)                                                         \
	X(13, DRIVER, "driver", "驾驶员", 0)                                                                           \
	X(14, PERMIT, "permit", "许可证", 0)                                                                           \
	X(15, VIDEO, "video", "智能视频", 0) /* attributes of 0x1003, hex */                                           \
	X(16, AUTH_CODE, "auth_code", "鉴权码", 0)                                                                     \
	X(17, STATE, "state", "备案状态", 0) /* "registered", "unregistered", "revoked" */                             \
	X(18, VIN, "vin", "车架号", 1)                                                                                 \
	X(19, NAME, "name", "名称", 0)                                                                                 \
	X(20, NOTE, "note", "备注", 0)                                                                                 \
	X(21, INSPECTION_DUE, "inspection_due", "年检有效期", 0)                                                       \
	X(22, SCRAP_DUE, "scrap_due", "报废日期", 0)                                                                   \
	X(23, VEHICLE, "vehicle", "所属车辆", 0)               /* plate of the vehicle that this source speaks of */   \
	X(24, PERSONS_ABOARD, "persons_aboard", "在船人数", 0) /* as its last port report says */                      \
	X(25, LAID_UP, "laid_up", "停航", 0)                                                                           \
	X(26, CALLSIGN, "callsign", "呼号", 0)                                                                         \
	X(27, AIS_NAME, "ais_name", "AIS核准船名", 0) /* the name its AIS card was issued with */                      \
	X(30, MMSI, "mmsi", "MMSI", 1)                                                                                 \
	X(31, BEIDOU_CARD, "beidou_card", "北斗卡号", 1)                                                               \
	X(32, AIS_CARD, "ais_card", "AIS身份卡号", 1)                                                                  \
	X(33, LICENCE, "fishing_licence", "捕捞许可证号", 0)                                                           \
	X(34, GEAR, "gear", "作业类型", 0)                                                                             \
	X(35, LENGTH, "length_m", "船长", 0)                                                                           \
	X(36, HOME_PORT, "home_port", "船籍港", 0)                                                                     \
	X(37, WIND_RATING, "wind_rating", "抗风等级", 0)                                                               \
	X(38, LICENSED_AREAS, "licensed_areas", "核准作业区域", 0)                                                     \
	X(39, NAVIGATION_AREA, "navigation_area", "核准航区", 0)                                                       \
	X(40, CERTIFIED_PERSONS, "certified_persons", "核定人数", 0)                                                   \
	X(41, SAFETY_MAN, "safety_man", "安全员", 0)                                                                   \
	X(42, OWNER, "owner", "船舶所有人", 0)                                                                         \
	X(43, SUPERVISOR, "supervisor", "责任监管单位", 0)                                                             \
	X(44, LICENCE_DUE, "fishing_licence_due", "捕捞许可证有效期", 0)                                               \
	X(45, SURVEY_DUE, "survey_due", "检验证书有效期", 0)                                                           \
	X(46, NATIONALITY_DUE, "nationality_due", "国籍证书有效期", 0)                                                 \
	X(47, CREW, "crew", "船员", 0)                                                                                 \
	X(48, SAID_NAME, "said_name", "AIS自报船名", 0) /* 48..52: what a source says of itself */                     \
	X(49, SAID_CALLSIGN, "said_callsign", "AIS自报呼号", 0)                                                        \
	X(50, SAID_TYPE, "said_type", "AIS自报船型", 0)                                                                \
	X(51, SAID_SIZE, "said_size", "AIS自报尺寸", 0) /* bow,stern,port,starboard in metres */                       \
	X(52, SAID_IMO, "said_imo", "AIS自报IMO", 0)                                                                   \
	X(53, TONNAGE, "tonnage", "总吨位", 0)                                                                         \
	X(54, POWER, "power_kw", "主机功率", 0)                                                                        \
	X(55, FORMATION, "formation", "编队", 0)                                                                       \
	X(60, SITE, "site", "站点编号", 0)                                                                             \
	X(61, SECTOR, "sector", "行业领域", 0)                                                                         \
	X(62, POSITION, "position", "位置", 0) /* "lon,lat" in degrees, WGS-84 */                                      \
	X(63, QUANTITY, "quantity", "监测项", 0)                                                                       \
	X(64, UNIT, "unit", "单位", 0)                                                                                 \
	X(65, STREAM_KIND, "stream_kind", "数据类型", 0)                                                               \
	X(66, RANGE_MIN, "range_min", "量程下限", 0)                                                                   \
	X(67, RANGE_MAX, "range_max", "量程上限", 0)                                                                   \
	X(68, INTERVAL, "interval", "采样间隔", 0)                                                                     \
	X(69, LIMIT, "limit", "限值", 0) /* licensed, designed or permitted */                                         \
	X(70, BASE, "base", "基准值", 0) /* what is usual: steady creep a day, the tare of a scale */

enum device_field {
#define X(code, NAME, token, chinese, unique) DEVICE_FIELD_##NAME = code,
	DEVICE_FIELD_TABLE(X)
#undef X
		DEVICE_FIELD_COUNT
};

/* from here on the fields of streams, which devices do not have */
#define DEVICE_FIELD_STREAMS DEVICE_FIELD_QUANTITY

const char *device_field_token(unsigned field);
const char *device_field_chinese(unsigned field);
/* Whether `field` is one: codes have gaps. */
bool device_field_exists(unsigned field);
STATUS_CHECKED enum status device_field_parse(struct span text, uint8_t *out);

/* bytes of a value, and of the name of who said it */
#define DEVICE_VALUE_MAX 255
#define DEVICE_PRINCIPAL_MAX 63
/* facts of one device: a change a day for ten years */
#define DEVICE_FACTS_MAX 4096
/* devices of one registry: about 1 KiB of memory each with every field set, and open registration must end somewhere */
#define REGISTRY_DEVICES_MAX 4000000

/* A value as the registry keeps it, NUL-terminated. Spaces around it and full-width Latin go. Then, by field:
 *   PLATE, VEHICLE  COLOUR:PLATE, the colour a code of JT/T 697.7 or its Chinese name: "黄:闽c·12345" -> "2:闽C12345"
 *   SECOND_PLATE, TRAILER   a plate without colour; upper case, without spaces, dots and hyphens
 *                   and of a boat "boat:HULL NUMBER": "船:闽狮渔 01234" -> "boat:闽狮渔01234"
 *   MMSI            nine digits, zeros in front added
 *   BEIDOU_CARD     six to eight digits, leading zeros dropped
 *   AIS_CARD, LICENCE, CALLSIGN, AIS_NAME  upper case
 *   GEAR            tokens or Chinese names (series/boat.h), kept as tokens with a comma between
 *   NAVIGATION_AREA far, near, coastal, sheltered or 远海, 近海, 沿海, 遮蔽, kept as token
 *   LENGTH, TONNAGE, POWER  a decimal number
 *   WIND_RATING, CERTIFIED_PERSONS, PERSONS_ABOARD  whole numbers, 1..17 (Beaufort) and 1..999
 *   LAID_UP         yes, no or 是, 否, kept as yes, no
 *   LICENSED_AREAS  ids of fences, commas or spaces between
 *   PHONE           hex digits, lower case, leading zeros dropped, at most 20
 *   SIM, VIN        upper case
 *   CLASS, STATE    a token or its Chinese name, kept as token
 *   POSITION     two numbers, longitude first, in degrees
 *   STREAM_KIND  a token or its Chinese name, kept as token; RANGE_MIN, RANGE_MAX, LIMIT, BASE   a number (value.h)
 *   INTERVAL     a whole number of ms, s, m, h or d: "10s", "1h"
 *   METROLOGY_DUE, INSPECTION_DUE, SCRAP_DUE, LICENCE_DUE, SURVEY_DUE, NATIONALITY_DUE
 *                a date YYYY-MM-DD: the last day on which it is valid
 *
 * An empty value stays empty. STATUS_TOO_LONG; STATUS_MALFORMED when it is no printable UTF-8;
 * STATUS_OUT_OF_RANGE when it is none of the above; STATUS_INVALID for no field. */
STATUS_CHECKED enum status device_value_normalise(unsigned field, struct span value, char out[DEVICE_VALUE_MAX + 1]);

/* registry_boat.c: the values of a boat's fields; STATUS_OK for fields of others. */
STATUS_CHECKED enum status device_value_normalise_boat(unsigned field, char text[DEVICE_VALUE_MAX + 1]);

struct binding {
	uint8_t field;
	int64_t valid_from_ms; /* VALID_ALWAYS_FROM */
	int64_t valid_to_ms;   /* exclusive, VALID_FOREVER */
	int64_t changed_ms;    /* when it was said */
	char *value;           /* UTF-8, NUL-terminated, at most DEVICE_VALUE_MAX bytes */
	char *principal;       /* who said it */
};

/* A copy of a device, owned by the caller. */
struct device {
	uint64_t id;
	uint8_t kind;
	int64_t created_ms;
	struct binding *bindings; /* by field, then valid_from; what ended a binding is not one */
	size_t binding_count;
};

/* The id a device of `kind` and `identity` has: for JT/T 808 the header phone in hex without leading zeros. */
uint64_t device_id(enum device_kind kind, struct span identity);
/* The identity of a vehicle as the platform with this access code forwards it; `plate` as the registry keeps it
 * ("2:闽C12345"). */
uint64_t device_id_jt809(uint32_t access_code, const char *plate);
static inline uint16_t device_partition(uint64_t device)
{
	return (uint16_t)(device >> 48);
}

struct registry;
/* STATUS_CORRUPT, STATUS_BAD_VERSION: a row cannot be read; the log names the device. */
STATUS_CHECKED enum status registry_open(struct store *s, struct registry **out);
/* The same over another family of rows (`stream`); its history is told apart from that of devices. */
STATUS_CHECKED enum status registry_open_streams(struct store *s, struct registry **out);
void registry_close(struct registry *r);

/* Set before others use the registry; one only. */
void registry_on_change(struct registry *r, context_changed *changed, void *context);

size_t registry_count(const struct registry *r);
bool registry_has(const struct registry *r, uint64_t device);
/* enum device_kind; 0: not known. */
uint8_t registry_kind(const struct registry *r, uint64_t device);
/* Whether a source has this field from its vehicle when it has none itself: what is true of the vehicle, not of the
 * terminal or the connection. */
bool device_field_is_lent(unsigned field);
/* What was true at `at_ms`; the class is OTHER when none was said. */
uint8_t registry_class(const struct registry *r, uint64_t device, int64_t at_ms);
/* Copies the value valid at `at_ms` into `out` (DEVICE_VALUE_MAX + 1 bytes): the device's own, or what its vehicle
 * lends it; a source without a plate has its VEHICLE for it. STATUS_NOT_FOUND. */
STATUS_CHECKED enum status registry_value(const struct registry *r, uint64_t device, enum device_field field,
					  int64_t at_ms, char *out);
/* The device that a unique field's value names at `at_ms`. STATUS_NOT_FOUND. */
STATUS_CHECKED enum status registry_find(const struct registry *r, enum device_field field, struct span value,
					 int64_t at_ms, uint64_t *out);
/* Spans of time in which the unique `field` is `value` (normalised), of whichever device, in no order: up to `max`;
 * returns how many. */
struct registry_span {
	uint64_t device;
	int64_t from_ms, to_ms; /* [from, to) */
};
size_t registry_spans(const struct registry *r, enum device_field field, struct span value, struct registry_span *out,
		      size_t max);
/* sources of one vehicle that changes are told of: its terminals, and the platforms that forward it */
#define REGISTRY_SOURCES_MAX 32
/* Devices whose VEHICLE was at any time a plate that `device` had at any time, or was a source of; up to `max`, returns
 * how many. */
size_t registry_sources(const struct registry *r, uint64_t device, uint64_t *out, size_t max);
/* Own bindings, nothing lent. Whole copy; free with device_deinit. STATUS_NOT_FOUND, STATUS_NO_MEMORY. */
STATUS_CHECKED enum status registry_device(const struct registry *r, uint64_t device, struct device *out);
void device_deinit(struct device *d);
/* Ids in ascending order from `after` (exclusive; 0 for the first): up to `max`; returns how many. */
size_t registry_list(const struct registry *r, uint64_t after, uint64_t *out, size_t max);

struct registry_change {
	uint8_t field;
	struct span value; /* empty: the binding ends and none follows */
};
/* Make the device when it is missing, and apply all changes valid from `from_ms`, atomically and durably.
 * STATUS_CONFLICT when a unique value belongs to another device at any instant the new binding would hold
 * (`out_conflict` tells whose, may be NULL); what device_value_normalise refuses; STATUS_INVALID (no such field,
 * no principal, device 0, another kind than it has); STATUS_FULL past a bound; STATUS_NO_MEMORY, STATUS_IO,
 * STATUS_NO_SPACE: nothing is changed. */
STATUS_CHECKED enum status registry_apply(struct registry *r, uint64_t device, enum device_kind kind,
					  const struct registry_change *changes, size_t count, int64_t from_ms,
					  const char *principal, uint64_t *out_conflict);
/* The same for the devices of a bulk load, durable with its next checkpoint: no reports of theirs are before. Thousands
 * of devices cost one sync instead of one each. */
STATUS_CHECKED enum status registry_apply_bulk(struct registry *r, uint64_t device, enum device_kind kind,
					       const struct registry_change *changes, size_t count, int64_t from_ms,
					       const char *principal);

/* One change as it was said. */
struct registry_event {
	uint32_t number; /* 1, 2, ... per device */
	uint8_t field;
	int64_t from_ms;
	int64_t changed_ms;
	struct span value;    /* empty: ended */
	struct span previous; /* what held at from_ms before */
	struct span principal;
};
/* Every change of a device, oldest first; `visit` may stop with a status, which is returned. STATUS_CORRUPT,
 * STATUS_IO. Any thread but an event loop. */
typedef enum status registry_history_visit(void *context, const struct registry_event *e);
STATUS_CHECKED enum status registry_history(const struct registry *r, uint64_t device, registry_history_visit *visit,
					    void *context);

/* Bytes of memory all of it takes. */
size_t registry_memory(const struct registry *r);

#endif
