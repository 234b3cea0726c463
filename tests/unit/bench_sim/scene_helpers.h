/* scene_helpers.h -- one scene from a text, placed on 2026-03-10. */
#ifndef ZAYTON_TESTS_SCENE_HELPERS_H
#define ZAYTON_TESTS_SCENE_HELPERS_H

#include <criterion/criterion.h>
#include <string.h>

#include "bench/sim/scene.h"

/* 2026-03-10T00:00:00+08:00 */
#define MIDNIGHT_MS INT64_C(1773072000000)
#define CLOCK_MS(h, m, s) ((((int64_t)(h)*60 + (m)) * 60 + (s)) * 1000)

static inline struct scene_book book_of(const char *text)
{
	struct scene_book b = {0};
	char complaint[160];
	cr_assert_eq(scene_book_read(&b, text, strlen(text), complaint), STATUS_OK, "%s", complaint);
	for (size_t i = 0; i < b.count; i++)
		b.scenes[i].midnight_ms = MIDNIGHT_MS;
	return b;
}

/* The trace of the first vehicle of the first scene. */
static inline struct scene_trace trace_of(const struct scene_book *b)
{
	struct scene_trace t;
	scene_trace_make(&b->scenes[0], &b->scenes[0].vehicles[0], 1, &t);
	return t;
}

/* The report at a time of day; fails when there is none. */
static inline const struct scene_report *report_at(const struct scene_trace *t, int64_t clock_ms)
{
	for (size_t i = 0; i < t->count; i++)
		if (!t->reports[i].is_card && t->reports[i].time_ms == MIDNIGHT_MS + clock_ms)
			return &t->reports[i];
	cr_assert_fail("no report at %lld ms", (long long)clock_ms);
	return NULL;
}

#endif
