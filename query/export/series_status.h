/* series_status.h -- the status board of streams, and how far a kind of monitor is installed and reports.
 *
 *   status    a row a stream: its last value, how old it is, what is found open of it: alarm, fault, test
 *   coverage  a row a group and one of all: sites that have such a stream, and how many of them said anything in the
 *             span; against a target (900 electrical-fire monitors) when one is given
 *
 * Threads: any but a shard's loop. */
#ifndef ZAYTON_QUERY_EXPORT_SERIES_STATUS_H
#define ZAYTON_QUERY_EXPORT_SERIES_STATUS_H

#include "query/export/series_ask.h"

/* X(NAME, "token"), from worst to best: what open findings make of a stream */
#define STREAM_CONDITION_TABLE(X)                                                                                      \
	X(ALARM, "alarm")                                                                                              \
	X(FAULT, "fault")                                                                                              \
	X(TEST, "test")                                                                                                \
	X(NORMAL, "normal")
enum stream_condition {
#define X(NAME, token) CONDITION_##NAME,
	STREAM_CONDITION_TABLE(X)
#undef X
		CONDITION_COUNT
};

STATUS_CHECKED enum status site_status(struct engine *e, const struct series_ask *a, struct export_table *t);
STATUS_CHECKED enum status site_coverage(struct engine *e, const struct series_ask *a, struct export_table *t);

#endif
