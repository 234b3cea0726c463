/* step_world.h -- one device, a rules file, some fences and what the registry says, for tests of stage 1.
 *
 *   world_rules(w, text), world_fence(w, ...) -> world_start(w) -> world_send(w, report) ... -> w->told
 *
 * Fences are rectangles on a grid of 0.001 degree around (24.9, 118.6): cell (x, y) is some 100 m wide. */
#ifndef TESTS_STEP_WORLD_H
#define TESTS_STEP_WORLD_H

#include <criterion/criterion.h>

#include "engine/core/clock.h"
#include "engine/detect/detect.h"

#define SECOND MS_PER_SECOND
#define MINUTE MS_PER_MINUTE
#define HOUR MS_PER_HOUR
/* 2026-03-02 12:00 in China, a Monday */
#define NOON INT64_C(1772424000000)
#define DEVICE UINT64_C(0x00a1000000000007)
#define CELL_E7 10000
#define STATUS_LOADED (3u << 8)
#define TOLD_MAX 512

struct told_finding {
	struct finding f;
	bool ruled; /* a rule came with it */
};

struct step_world {
	struct rulebook *books[4];
	struct rulebook_span spans[4];
	uint32_t book_count;
	struct fence_set *fences;
	struct detect_subject subject, later; /* `later` from later_ms on */
	int64_t later_ms;
	bool dead;
	struct detector *detector;
	struct detect_state *state;
	struct detect_sink sink;
	struct told_finding findings[TOLD_MAX];
	struct fact facts[TOLD_MAX];
	size_t finding_count, fact_count;
	uint64_t hash;
};

void world_init(struct step_world *w, uint8_t class_code);
void world_deinit(struct step_world *w);
/* A book of these rules from `from_ms` on; `title` and `source` are put in for those that have none. */
void world_rules(struct step_world *w, int64_t from_ms, const char *text);
/* Cells [x0, x1] x [y0, y1], borders included, from the beginning of time. */
struct fence world_square(const char *id, const char *tag, int x0, int y0, int x1, int y1);
/* Adds it; its area stays the world's. */
void world_fence(struct step_world *w, const struct fence *f);
void world_permit(struct step_world *w, uint8_t kind, const char *fence, const char *hours);
/* The detector of what was said so far, and a state if there is none. Again after more was said. */
void world_start(struct step_world *w);

/* Where a cell's middle is: x east, y north. */
struct report report_at(int64_t time_ms, int x, int y, int speed_dkmh);
/* Steps it; gives it a hash in order. */
void world_send(struct step_world *w, struct report r);
/* The state through its bytes. */
void world_restart(struct step_world *w);
void world_forget(struct step_world *w);

/* Findings of a rule that have ended, and those that were told open. */
size_t ended(const struct step_world *w, const char *rule);
size_t opened(const struct step_world *w, const char *rule);
/* The n-th ended finding of the rule; fails the test when there is none. */
const struct finding *ended_at(const struct step_world *w, const char *rule, size_t n);
size_t facts_of(const struct step_world *w, unsigned kind, bool open);
const struct fact *fact_at(const struct step_world *w, unsigned kind, bool open, size_t n);

#define RULE(text) "title = 规则 | rule\nsource = test\n" text

#endif
