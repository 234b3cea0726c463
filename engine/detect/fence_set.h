/* fence_set.h -- every fence with its versions, as of now: what detectors ask "which fences hold this position?".
 *
 *   slot ──> one version of one fence: id, version, area, tags, schedule, validity by event time, limit
 *   index    all areas at once (geo/fence_index.h), old versions included: last month is judged by last month's fence
 *   tags     words ("water_source", "relay_point", "route") ──> small numbers, the same in all snapshots of a process
 *
 * A set is an immutable snapshot counted by references; a change makes another one. Versions of one fence do not
 * overlap in validity. A slot's version never changes once made, except that its validity may be ended; slots of
 * removed versions are used again only when no snapshot knows them. Threads: any. */
#ifndef ZAYTON_DETECT_FENCE_SET_H
#define ZAYTON_DETECT_FENCE_SET_H

#include "engine/core/bytes.h"
#include "engine/detect/schedule.h"
#include "engine/geo/fence_index.h"

#define FENCE_ID_MAX 63
#define FENCE_NAME_MAX 127
#define FENCE_TAGS_MAX 16 /* tags of one fence */
#define TAG_MAX 31        /* bytes of a tag: a-z 0-9 _ - . */
#define TAGS_MAX 4096     /* different tags of one installation */

struct fence {
	char id[FENCE_ID_MAX + 1];
	char name[FENCE_NAME_MAX + 1];      /* UTF-8 */
	uint32_t version;                   /* 1, 2, ... of this id */
	int64_t valid_from_ms, valid_to_ms; /* event time; [from, to) */
	struct schedule when;
	uint16_t tags[FENCE_TAGS_MAX]; /* ascending */
	uint8_t tag_count;
	uint16_t limit_dkmh; /* speed limit inside, 0: none */
	int64_t length_mm;   /* centre-line length of a section, 0: none */
	struct fence_area *area;
};

struct fence_set;

STATUS_CHECKED enum status fence_set_new(struct fence_set **out);
struct fence_set *fence_set_ref(struct fence_set *s);
/* NULL is allowed. */
void fence_set_unref(struct fence_set *s);
/* `old` with the changes made, in order; `old` stays as it is, and on failure nothing is made. A change (copied; its
 * area is referenced) becomes the version of its id that holds from valid_from_ms: the version that held then ends
 * there, and is gone when it began there too. `version` 0 is given the next number of the id; another is kept (rows
 * read back from the store). An area of NULL ends the fence there; nothing happens when it does not hold then.
 * STATUS_CONFLICT: a later version exists already and begins before valid_to_ms; STATUS_INVALID: id, name, tags,
 * schedule or validity malformed (fence_check()); STATUS_FULL: FENCE_SLOTS_MAX; and what fence_index_change() returns.
 */
STATUS_CHECKED enum status fence_set_change(const struct fence_set *old, const struct fence *changes, size_t count,
					    struct fence_set **out);
/* Slots ever used: 0 .. n - 1. NULL for an empty one. */
uint32_t fence_set_slots(const struct fence_set *s);
const struct fence *fence_set_at(const struct fence_set *s, uint32_t slot);
const struct fence_index *fence_set_index(const struct fence_set *s);
/* The version of `id` that holds at `time_ms`; NULL when none. */
const struct fence *fence_set_find(const struct fence_set *s, struct span id, int64_t time_ms);

/* STATUS_INVALID unless: id 1..63 bytes and name 0..127 of printable UTF-8, no space and no '/' in the id; tags
 * ascending and known; valid_from < valid_to; length not negative; the schedule's numbers within what schedule.h says.
 */
STATUS_CHECKED enum status fence_check(const struct fence *f);

/* The number of a tag, 1..TAGS_MAX (0 is no tag), made on first use; the table is the process's own. STATUS_FULL,
 * STATUS_MALFORMED. Threads: any. */
STATUS_CHECKED enum status tag_number(struct span text, uint16_t *out);
/* The text of a number given out; "" for another. Lasts as long as the process. */
const char *tag_text(uint16_t tag);

static inline bool fence_has_tag(const struct fence *f, uint16_t tag)
{
	for (unsigned i = 0; i < f->tag_count; i++)
		if (f->tags[i] == tag)
			return true;
	return false;
}

/* A fence as bytes (its area included), for the store. Version 1, documented in fence_row.c; tags are words there, so
 * that the bytes mean the same to every process. STATUS_INVALID as fence_check() says. */
STATUS_CHECKED enum status fence_encode(const struct fence *f, struct buf *out);
/* The area is the caller's reference; nothing to release on failure. STATUS_CORRUPT, STATUS_BAD_VERSION, STATUS_FULL
 * (tags), STATUS_NO_MEMORY. */
STATUS_CHECKED enum status fence_decode(struct span bytes, struct fence *out);

#endif
