/* stream_detect.h -- stage 3: one stream, value by value in order of time, to findings.
 *
 *   value ─> stream_step ──> state', findings opened and ended        the very code of live and replay
 *            stream_open ──> what is open as of an instant, and what the clock alone brings about; no state changes
 *
 * A value is judged by the rules of the book that holds at its time, as far as they are about the stream: by quantity
 * and unit, by number, sector, village and position of its site, as the registry says for that time. What no rule looks
 * at costs nothing.
 *
 *   state ── entry for each rule: an episode that runs ── slots of a window or a day ── medians of days
 *
 * Only good values within the physical range are numbers to judge; `state` takes texts too, `missing` whatever comes,
 * and `out_of_range` what the others leave out. A value holds until the next one. A double is judged by its nearest
 * multiple of 10^-15 (stream_number.h), everything else exactly.
 *
 * What the numbers of a finding are, in millionths of the stream's unit unless said: LIMIT; PEAK the extreme, the
 * largest change, sum or rate; REPORTS values (of daily kinds: days); DURATION ms; LEVEL the rank of `level`; CODE of
 * `state` the bits as it began, or 0; OTHER ms before the start on which it rests too (a window, the days it is
 * measured over).
 *
 * Nothing here looks at a clock, a registry or a disk. Values must come in order of time, of each instant the one that
 * stands; what comes late is judged again from an earlier state (fleet/judge_streams.h). Threads: a state has one
 * owner. */
#ifndef ZAYTON_DETECT_STREAM_DETECT_H
#define ZAYTON_DETECT_STREAM_DETECT_H

#include "engine/detect/detect.h"
#include "engine/series/value.h"

/* steps of a window, and first values of five minutes of a day */
#define STREAM_WINDOW_SLOTS 144
#define STREAM_RATE_SLOTS 60
#define STREAM_DAY_SLOTS 288
/* daily medians kept: twice the longest span */
#define STREAM_DAYS_MAX 64

/* What the registry says of a stream and its site; texts borrowed until the next question. */
struct stream_subject {
	uint64_t stream, site;
	const char *site_number, *quantity, *unit, *sector, *village;
	bool has_min, has_max, has_limit, has_base, has_place;
	struct value range_min, range_max; /* physical */
	struct value limit, base;          /* licensed, designed or permitted; what is usual */
	int64_t interval_ms;               /* 0 unknown */
	int32_t lat_e7, lon_e7;
	int64_t from_ms, to_ms; /* nothing of it changes within [from, to) */
};

struct stream_context {
	const struct rulebook_span *books; /* ascending; nothing holds before the first */
	uint32_t book_count;
	const struct fence_set *fences; /* may be NULL */
	/* Never fails: of a stream that nobody knows the texts are empty. */
	void (*subject)(void *registry, uint64_t stream, int64_t time_ms, struct stream_subject *out);
	/* The text of a state by its hash; empty when it is not known. */
	struct span (*text)(void *registry, uint64_t hash);
	void *registry;
	uint64_t number; /* of the snapshot, not 0: another one is taken up with its rules */
};

struct stream_state;

STATUS_CHECKED enum status stream_state_new(uint64_t stream, struct stream_state **out);
void stream_state_free(struct stream_state *s);
/* Of the last value stepped; INT64_MIN before the first. */
int64_t stream_state_time(const struct stream_state *s);
/* Snapshot; rules by id, so that it outlives contexts. Version 1, documented in stream_codec.c; the same state is the
 * same bytes. STATUS_CORRUPT, STATUS_BAD_VERSION. */
STATUS_CHECKED enum status stream_state_encode(const struct stream_state *s, struct buf *out);
STATUS_CHECKED enum status stream_state_decode(struct span bytes, struct stream_state **out);

/* The next value. STATUS_INVALID when it is not after the last one; STATUS_NO_MEMORY (the state is then to be thrown
 * away). A finding is told when it is found, open, and when it ends. */
STATUS_CHECKED enum status stream_step(struct stream_state *s, const struct stream_context *c, const struct value *v,
				       struct detect_sink *sink);
/* Everything open as of `as_of_ms`, and what the clock has found by then. STATUS_NO_MEMORY. */
STATUS_CHECKED enum status stream_open(struct stream_state *s, const struct stream_context *c, int64_t as_of_ms,
				       struct detect_sink *sink);
/* The first instant after `as_of_ms` at which stream_open() might say more if nothing came; INT64_MAX: never. After a
 * stream_open(). */
int64_t stream_wake(const struct stream_state *s, int64_t as_of_ms);
/* Whether a rule of any book speaks of this quantity at all: false, and no value of such a stream makes a finding. */
bool stream_is_asked(const struct stream_context *c, const char *quantity);

#endif
