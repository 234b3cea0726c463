/* streams.h -- sites and their streams, and the values on their way in.
 *
 *   site     a device of kind SENSOR in the registry: identity = site number, fields name, company, village, sector ...
 *   stream   site x quantity, in a registry of its own (family `stream`): unit, kind, range, sampling interval,
 *            each with event-time validity and history, exactly as devices have them (registry.h)
 *
 *   values_body ── intake VALUES ──> shard_submit ──> journal ── durable ──> heads of values ──> blocks (`series`)
 *
 * A stream's id has the partition of its site: a site and its streams live in one shard.
 *
 * Intake body, version 2 (varints LEB128, signed zigzag); one shard's streams only:
 *   version 1 | group*        group  = stream 8 LE | time of its first signed, less that of the group before |
 *                                      size varint | record*, `size` bytes of them
 *                             record = mark 1 | [time signed, less the time before] |
 *                                      decimal: mantissa signed; double: 8 LE; text: size 1, bytes | [quality 1]
 *   mark: bits 0-1 type, 2 a quality follows, 3-6 scale, 7 no time follows: it lies as far behind the one before as
 *   that one behind its own; the first of a group has neither time nor bit 7
 * Version 1 has no groups: record = stream 8 LE | time signed, less the time before | mark | ... ; it is read alone.
 * The delay of a value is not in it: it follows from the entry's receipt. */
#ifndef ZAYTON_FLEET_STREAMS_H
#define ZAYTON_FLEET_STREAMS_H

#include "engine/core/limits.h"
#include "engine/fleet/engine.h"
#include "engine/series/value.h"
#include "engine/series/value_texts.h"

/* X(NAME, "token", "Chinese"): what may be asked of a stream's values. */
#define STREAM_KIND_TABLE(X)                                                                                           \
	X(GAUGE, "gauge", "瞬时量")                                                                                    \
	X(COUNTER, "counter", "累计量")                                                                                \
	X(STATE, "state", "状态量")

enum stream_kind {
#define X(NAME, token, chinese) STREAM_##NAME,
	STREAM_KIND_TABLE(X)
#undef X
		STREAM_KIND_COUNT
};
const char *stream_kind_token(enum stream_kind kind);
STATUS_CHECKED enum status stream_kind_parse(struct span text, enum stream_kind *out);

/* "10s", "500ms", "5m", "1h", "1d": at most 366 d. STATUS_MALFORMED, STATUS_OUT_OF_RANGE. */
STATUS_CHECKED enum status stream_interval_parse(struct span text, int64_t *out_ms);

struct streams;

/* bytes of a site number and of a quantity's name */
#define SITE_MAX 127
#define QUANTITY_MAX 127

uint64_t site_id(struct span site);
uint64_t stream_id(uint64_t site, struct span quantity);

/* The id of a stream by its names as people write them (spaces around, full-width letters: device_value_normalise).
 * STATUS_NOT_FOUND: nobody said that there is such a stream (`*out` is its id all the same); STATUS_INVALID: empty or
 * too long. */
STATUS_CHECKED enum status stream_find(struct streams *s, struct span site, struct span quantity, uint64_t *out);

/* What held of a stream at an instant. */
struct stream {
	uint64_t id, site;
	char site_number[SITE_MAX + 1];
	char quantity[QUANTITY_MAX + 1];
	char unit[DEVICE_VALUE_MAX + 1]; /* "" unknown */
	enum stream_kind kind;           /* GAUGE when nobody said */
	bool has_min, has_max;
	struct value range_min, range_max; /* physical; numbers */
	bool has_limit, has_base;
	struct value limit, base;           /* licensed, designed or permitted; what is usual */
	int64_t interval_ms;                /* expected between two values; 0 unknown */
	int64_t holds_from_ms, holds_to_ms; /* no field changes within [from, to) */
};

struct streams *engine_streams(struct engine *e);
/* For engine.c. */
STATUS_CHECKED enum status streams_open(struct store *s, struct registry *sites, struct streams **out);
void streams_close(struct streams *s);

/* The facts of all streams, as devices have them: history, listing, changing through stream_put alone. */
struct registry *streams_registry(struct streams *s);
struct value_texts *streams_texts(struct streams *s);
/* STATUS_NOT_FOUND. */
STATUS_CHECKED enum status stream_at(struct streams *s, uint64_t id, int64_t at_ms, struct stream *out);
/* Streams of a site, or of all (0), ascending by id from `after` (exclusive); returns how many. */
size_t streams_list(struct streams *s, uint64_t site, uint64_t after, uint64_t *out, size_t max);

/* Make site and stream when they are missing, and let `changes` (fields of streams: unit, stream_kind, range_min,
 * range_max, limit, base, interval, name, note) hold from `from_ms`. Waits for the disk unless `bulk`: then it is
 * durable after the next store_sync. STATUS_INVALID: a field that streams do not have, an empty or too long site or
 * quantity, or a range that is no number; what registry_apply says. */
STATUS_CHECKED enum status stream_put(struct streams *s, struct span site, struct span quantity,
				      const struct registry_change *changes, size_t count, int64_t from_ms,
				      const char *principal, bool bulk, uint64_t *out_id);

/* --- bodies --- */

/* A body in the making: grows to VALUES_ENTRY_MAX. */
struct values_body {
	struct buf bytes;
	uint64_t device; /* of the first record: names the shard */
	int64_t last_ms;
	uint32_t count;
};
struct values_body values_body_init(void);
void values_body_clear(struct values_body *b);
void values_body_deinit(struct values_body *b);
/* `text` only for a VALUE_TEXT. STATUS_FULL: send it and begin the next; nothing was added. STATUS_NO_MEMORY. */
STATUS_CHECKED enum status values_body_add(struct values_body *b, uint64_t stream, const struct value *v,
					   struct span text);

/* Numbers of one stream in the making, as records, ascending or not, on their way into a body: what an agent sends at
 * once of one stream costs its id once. */
#define VALUES_GROUP_BYTES 216
struct values_group {
	int64_t first_ms, last_ms, step_ms;
	uint32_t count, size;
	uint8_t records[VALUES_GROUP_BYTES];
};
static inline void values_group_clear(struct values_group *g)
{
	g->count = g->size = 0;
}
/* A number, not a text. False: no room, nothing was added. */
bool values_group_add(struct values_group *g, const struct value *v);
/* What is in it; STATUS_OK when that is nothing. STATUS_FULL: as values_body_add. STATUS_NO_MEMORY. */
STATUS_CHECKED enum status values_body_add_group(struct values_body *b, uint64_t stream, const struct values_group *g);

struct values_cursor {
	struct cursor at;
	int64_t received_ms, last_ms, first_ms, step_ms;
	uint64_t stream;
	const uint8_t *group_end; /* of the group being read; NULL before the first, and in version 1 */
	uint8_t version;
	bool begun; /* the group's first record is behind */
};
/* STATUS_BAD_VERSION. */
STATUS_CHECKED enum status values_cursor_open(struct span body, int64_t received_ms, struct values_cursor *out);
/* `text` borrows from the body. STATUS_END, STATUS_CORRUPT. */
STATUS_CHECKED enum status values_cursor_next(struct values_cursor *c, uint64_t *stream, struct value *v,
					      struct span *text);

#endif
