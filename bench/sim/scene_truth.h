/* scene_truth.h -- what should have been found beside what was found.
 *
 *   truths of all scenes ─┐
 *                         ├─> found: a truth and a finding of one rule, vehicle and fence, both ends within tolerance
 *   findings of a server ─┘   missed: a truth without; false: a finding without. One finding serves one truth. */
#ifndef ZAYTON_BENCH_SCENE_TRUTH_H
#define ZAYTON_BENCH_SCENE_TRUTH_H

#include "bench/sim/scene.h"

struct found {
	char rule[SCENE_NAME_MAX + 1], fence[SCENE_NAME_MAX + 1], phone[24], device[24];
	int64_t start_ms, end_ms;
	bool matched;
};

struct found_list {
	struct found *list;
	size_t count, capacity;
};

/* A new one at the end, all zero. */
struct found *found_list_add(struct found_list *l);
/* Only those about a vehicle or a site of the book stay. */
void found_list_keep(struct found_list *l, const struct scene_book *b);
void found_list_deinit(struct found_list *l);

struct truth {
	const struct scene *scene;
	const struct scene_truth *said;
	bool matched;
};

struct truth_list {
	struct truth *list;
	size_t count;
};

/* Every truth of every scene; the book must outlive it. */
void truth_list_make(const struct scene_book *b, struct truth_list *out);
void truth_list_deinit(struct truth_list *l);
/* One JSON object a line. */
void truth_list_write(const struct truth_list *l, FILE *out);

struct truth_totals {
	size_t truths, found, missed, wrong;
};
/* Marks what matches. */
struct truth_totals truth_match(struct truth_list *truths, struct found_list *findings);
/* A table by rule, and under it each miss and each false finding with the scene (of `b`) it belongs to. Call
 * truth_match() before. */
void truth_print(const struct scene_book *b, const struct truth_list *truths, const struct found_list *findings,
		 FILE *out);

#endif
