/* series.h -- asking for values: last ones, all of a span, and what they come to step by step.
 *
 *   head copy ─┐
 *   block     ─┼─ one order, the same merged, of one instant the one that stands ──> series_next
 *   block     ─┘
 *
 * Answers are a function of the set of values. Aggregates take good values within the physical range that held at their
 * time; a block that lies within one step, overlaps no other and whose good values are in range is taken by its header.
 * Threads: any but a shard's loop; a reader has one owner. */
#ifndef ZAYTON_FLEET_SERIES_H
#define ZAYTON_FLEET_SERIES_H

#include "engine/fleet/streams.h"
#include "engine/series/value_sum.h"

/* Whether a number is within the physical range of `stream` as it held then. */
bool series_in_range(const struct stream *stream, const struct value *v);
/* Whether a value takes part in aggregates: good, a number, within the range of `stream` as it held then. */
bool series_value_counts(const struct stream *stream, const struct value *v);

struct series;
/* Values within [from_ms, to_ms]. STATUS_INVALID when from is after to. */
STATUS_CHECKED enum status series_open(struct engine *e, uint64_t stream, int64_t from_ms, int64_t to_ms,
				       struct series **out);
/* Ascending by time, the one that stands of each instant. STATUS_END, STATUS_CORRUPT, STATUS_IO. */
STATUS_CHECKED enum status series_next(struct series *s, struct value *out);
/* The same with every value that was corrected before the one that stands; `*stands` tells. */
STATUS_CHECKED enum status series_next_any(struct series *s, struct value *out, bool *stands);
void series_close(struct series *s);

/* The latest value, standing, not ahead of `now_ms` by more than FUTURE_SKEW_MAX_MS; `*seen_ms` the latest receipt of
 * anything of the stream. STATUS_NOT_FOUND. */
STATUS_CHECKED enum status series_last(struct engine *e, uint64_t stream, int64_t now_ms, struct value *out,
				       int64_t *seen_ms);

/* X(NAME, "token") */
#define SERIES_AGGREGATE_TABLE(X)                                                                                      \
	X(COUNT, "count")                                                                                              \
	X(MIN, "min")                                                                                                  \
	X(MAX, "max")                                                                                                  \
	X(SUM, "sum")                                                                                                  \
	X(MEAN, "mean")                                                                                                \
	X(FIRST, "first")                                                                                              \
	X(LAST, "last")                                                                                                \
	X(TWA, "time_weighted") /* each value holds until the next, but no longer than `hold_ms` */                    \
	X(P50, "p50")                                                                                                  \
	X(P90, "p90")                                                                                                  \
	X(P95, "p95")                                                                                                  \
	X(P99, "p99") /* the smallest value that at least so many of a hundred do not exceed (nearest rank) */

enum series_aggregate {
#define X(NAME, token) SERIES_##NAME,
	SERIES_AGGREGATE_TABLE(X)
#undef X
		SERIES_AGGREGATE_COUNT
};
const char *series_aggregate_token(enum series_aggregate a);
STATUS_CHECKED enum status series_aggregate_parse(struct span token, enum series_aggregate *out);

/* One step of a stream: [from_ms, until_ms). */
struct series_step {
	int64_t from_ms, until_ms;
	uint64_t count; /* good, in range, standing; 0: a gap */
	struct value min, max, first, last;
	const struct value_sum *sum;
	double time_weighted;        /* NAN when nothing holds in it */
	struct value percentiles[4]; /* p50 p90 p95 p99 */
};

struct series_question {
	uint64_t stream;
	int64_t from_ms, until_ms; /* [from, until) */
	int64_t step_ms;           /* steps begin at from + i * step; 0: one step */
	int64_t hold_ms;           /* for TWA; 0: three intervals of the stream, or without end when none is known */
	unsigned want;             /* 1u << enum series_aggregate */
};
/* Every step in order, gaps too (count 0). STATUS_FULL: more than SERIES_STEPS_MAX steps, or than PERCENTILE_VALUES_MAX
 * values in a step; STATUS_INVALID; what `visit` says. */
typedef enum status series_step_visit(void *context, const struct series_step *step);
STATUS_CHECKED enum status series_steps(struct engine *e, const struct series_question *q, series_step_visit *visit,
					void *context);

#endif
