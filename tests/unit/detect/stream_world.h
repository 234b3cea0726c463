/* stream_world.h -- one stream, a rules file and what the registry says, for tests of stage 3.
 *
 *   stream_world_begin(), stream_rules(text) ─> stream_send(ms, "12.5") ... ─> sw.told */
#ifndef TESTS_STREAM_WORLD_H
#define TESTS_STREAM_WORLD_H

#include <criterion/criterion.h>

#include "engine/core/clock.h"
#include "engine/detect/stream_detect.h"
#include "engine/series/value_texts.h"

/* 2026-03-02 00:00 in China, a Monday */
#define MIDNIGHT INT64_C(1772380800000)
#define S MS_PER_SECOND
#define MIN MS_PER_MINUTE
#define H MS_PER_HOUR
#define DAY MS_PER_DAY
#define STREAM UINT64_C(0x00a1000000000009)
#define SITE UINT64_C(0x00a1000000000007)
#define TOLD_MAX 512

struct stream_world {
	struct rulebook *books[4];
	struct rulebook_span spans[4];
	struct stream_context context;
	struct stream_subject subject, later; /* `later` from later_ms on */
	int64_t later_ms;
	struct value_texts *texts;
	struct stream_state *state;
	struct detect_sink sink;
	struct finding told[TOLD_MAX]; /* the last word of each, in the order in which they were first told */
	size_t count, said;
};
extern struct stream_world sw;

void stream_world_begin(void);
void stream_world_end(void);
/* A book from `from_ms` on; title, source and quantity are put in. */
void stream_rules_from(int64_t from_ms, const char *text);
void stream_rules(const char *text);
/* A number or, when it is none, a state. */
void stream_send(int64_t time_ms, const char *text);
void stream_send_as(int64_t time_ms, const char *text, uint8_t quality);
/* Every `step_ms` in [from, to). */
void stream_send_each(int64_t from_ms, int64_t to_ms, int64_t step_ms, const char *text);
void stream_as_of(int64_t time_ms);
/* Goes through a snapshot. */
void stream_snapshot(void);

#endif
