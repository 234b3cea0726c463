/* keys.h -- every key of the store, and how time families are named.
 *
 * Keys are big-endian and compare as bytes. A time is stored biased by 2^63, so that times before 1970
 * come first. A device id leads every key of its rows: its top 16 bits are the partition, so both a
 * device and a partition are one range of keys.
 *
 *   family   key                                                                  bytes  value
 *   track    device 8 | time_first 8 | seq 4                                         20  a block
 *   summary  device 8 | time_first 8 | seq 4                                         20  its summary
 *   message  device 8 | time 8 | hash 8                                              24  the message
 *   series   stream 8 | time_first 8 | seq 4                                         20  a value block
 *   held     0x01 | case number | 0x00 | device 8 | from 8 | to 8           26..26+N  empty: a legal hold
 *            0x02 | device 8 | time_first 8 | seq 4 | class 1 | odd 1 | hash 8       31  copy of a block
 *            0x03 | device 8 | time 8 | hash 8 | class 1                             26  copy of a message
 *            0x04 | device 8 | from 8 | to 8                                         25  empty: kept without a case
 *            0x05 | as 0x02, the stream for the device                               31  copy of a value block
 *   default  "format"                                                                    version, 4 bytes LE
 *            "drop" | class 1 | month 4                                               9  empty: being dropped
 * The hash of a held block is that of its bytes: a block that comes to an expired month later may take the
 * same seq, and must not replace what is held. Other lasting families hold keys of the rooms that own them.
 *
 * Time families are named "kind.class.yyyymm" or "kind.class.odd", the month being that of the event in UTC. */
#ifndef ZAYTON_STORE_KEYS_H
#define ZAYTON_STORE_KEYS_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/core/bytes.h"
#include "engine/core/status.h"

#define KEY_BLOCK_SIZE 20
#define KEY_MESSAGE_SIZE 24
#define KEY_HELD_BLOCK_SIZE 31
#define KEY_HELD_MESSAGE_SIZE 26
#define KEY_KEPT_SIZE 25
#define KEY_HOLD_TAIL_SIZE 24
#define KEY_DROP_SIZE 9
#define KEY_DEVICE_SIZE 8
/* bytes of a case number, without a NUL inside */
#define CASE_NUMBER_MAX 63
#define KEY_HOLD_MAX (2 + CASE_NUMBER_MAX + KEY_HOLD_TAIL_SIZE)

enum held_tag { HELD_HOLD = 1, HELD_BLOCK = 2, HELD_MESSAGE = 3, HELD_KEPT = 4, HELD_VALUES = 5 };

static inline uint64_t time_bias(int64_t ms)
{
	return (uint64_t)ms ^ (UINT64_C(1) << 63);
}
static inline int64_t time_unbias(uint64_t biased)
{
	return (int64_t)(biased ^ (UINT64_C(1) << 63));
}

struct block_key {
	uint64_t device;
	int64_t time_first_ms;
	uint32_t seq;
};
struct message_key {
	uint64_t device;
	int64_t time_ms;
	uint64_t hash;
};
struct held_block_key {
	struct block_key block;
	uint8_t class_code;
	bool odd;
	uint64_t hash;
};
struct held_message_key {
	struct message_key message;
	uint8_t class_code;
};
struct hold_key {
	char case_number[CASE_NUMBER_MAX + 1];
	uint64_t device;
	int64_t from_ms, to_ms;
};

/* Reports of a device within [from_ms, to_ms] whose copies stay, whatever case is released. */
struct kept_key {
	uint64_t device;
	int64_t from_ms, to_ms;
};

void key_block(const struct block_key *k, uint8_t out[KEY_BLOCK_SIZE]);
void key_message(const struct message_key *k, uint8_t out[KEY_MESSAGE_SIZE]);
/* `tag`: HELD_BLOCK or HELD_VALUES. */
void key_held_block(const struct held_block_key *k, enum held_tag tag, uint8_t out[KEY_HELD_BLOCK_SIZE]);
void key_held_message(const struct held_message_key *k, uint8_t out[KEY_HELD_MESSAGE_SIZE]);
void key_kept(const struct kept_key *k, uint8_t out[KEY_KEPT_SIZE]);
/* Returns the size. `case_number` has 1..CASE_NUMBER_MAX bytes. */
size_t key_hold(const struct hold_key *k, uint8_t out[KEY_HOLD_MAX]);

/* The inverses: STATUS_CORRUPT unless the key is exactly what the function above writes. */
STATUS_CHECKED enum status key_block_parse(struct span key, struct block_key *out);
STATUS_CHECKED enum status key_message_parse(struct span key, struct message_key *out);
STATUS_CHECKED enum status key_held_block_parse(struct span key, enum held_tag tag, struct held_block_key *out);
STATUS_CHECKED enum status key_held_message_parse(struct span key, struct held_message_key *out);
STATUS_CHECKED enum status key_kept_parse(struct span key, struct kept_key *out);
STATUS_CHECKED enum status key_hold_parse(struct span key, struct hold_key *out);

/* --- time families --- */

enum family_kind { FAMILY_TRACK, FAMILY_SUMMARY, FAMILY_MESSAGE, FAMILY_SERIES, FAMILY_KIND_COUNT };

#define MONTH_ODD 0
#define MONTH_FIRST 200001
#define MONTH_LAST 209912
#define FAMILY_NAME_MAX 32

struct family_id {
	uint8_t kind; /* enum family_kind */
	uint8_t class_code;
	uint32_t month; /* yyyymm within MONTH_FIRST..MONTH_LAST, or MONTH_ODD */
};

/* yyyymm of the UTC month; clamped to MONTH_FIRST and MONTH_LAST. */
uint32_t month_of(int64_t time_ms);
/* Months since year 0: for arithmetic on yyyymm. */
static inline uint32_t month_index(uint32_t month)
{
	return month / 100 * 12 + month % 100 - 1;
}
/* First millisecond of the month. */
int64_t month_start(uint32_t month);

static inline bool family_id_equal(struct family_id a, struct family_id b)
{
	return a.kind == b.kind && a.class_code == b.class_code && a.month == b.month;
}
void family_name(struct family_id id, char out[FAMILY_NAME_MAX]);
/* STATUS_NOT_FOUND when `name` is not that of a time family. */
STATUS_CHECKED enum status family_name_parse(struct span name, struct family_id *out);

void key_drop(struct family_id id, uint8_t out[KEY_DROP_SIZE]);
/* `out->kind` is FAMILY_TRACK: the row speaks of all kinds. */
STATUS_CHECKED enum status key_drop_parse(struct span key, struct family_id *out);

#endif
