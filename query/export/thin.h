/* thin.h -- a track of any length to at most N reports, in one pass and bounded memory.
 *
 *   reports ──> buckets of 2^k consecutive reports; when there are more than N's worth, neighbours merge and k grows
 *   bucket  =   { fastest, northmost, southmost, eastmost, westmost }        (the first of equals)
 *
 * The result is the first and the last report and what the buckets kept, in order. It follows from the sequence and
 * N alone. What it promises, because the extremes of a union are among the extremes of its parts:
 *   - every report with a fix lies inside the bounding box of the kept reports of its bucket, so the thinned track has
 *     the bounding box and the top speed of the whole, and so has every stretch of whole buckets;
 *   - a bucket without a fix keeps its first report, so that a blind stretch longer than two stays visible;
 *   - at most N reports come out, all of them when at most N go in; straight and steady stretches give fewer, because
 *     one report is several extremes at once.
 * For fewer than THIN_POINTS_MIN: first, last, fastest, then the extremes of place, as far as N goes.
 * Items of reports are not kept. */
#ifndef ZAYTON_QUERY_EXPORT_THIN_H
#define ZAYTON_QUERY_EXPORT_THIN_H

#include "engine/series/report.h"

#define THIN_POINTS_MAX 100000
#define THIN_POINTS_MIN 12
#define THIN_KEPT 5

struct thin_bucket;

struct thin {
	size_t points; /* N */
	size_t bucket_max, bucket_count;
	uint64_t width, in_last; /* reports of a full bucket, of the last one */
	uint64_t count;
	struct report first, last;
	struct report *early; /* the first N, for the case that no more come */
	struct thin_bucket *buckets;
};

/* 2 <= points <= THIN_POINTS_MAX. STATUS_NO_MEMORY. */
STATUS_CHECKED enum status thin_init(struct thin *t, size_t points);
void thin_deinit(struct thin *t);
/* Reports in ascending order. */
void thin_add(struct thin *t, const struct report *r);
/* The result, ascending; `*out` belongs to the thinner until thin_deinit. No thin_add afterwards. */
void thin_finish(struct thin *t, const struct report **out, size_t *count);

#endif
