/* series_sites.h -- sites as a whole: who reports, since when, and how much of what was due came. */
#ifndef ZAYTON_QUERY_EXPORT_SERIES_SITES_H
#define ZAYTON_QUERY_EXPORT_SERIES_SITES_H

#include "query/export/series_ask.h"

/* X(NAME, "token"), from best to worst */
#define SITE_STATE_TABLE(X)                                                                                            \
	X(OK, "ok")                                                                                                    \
	X(LATE, "late")                                                                                                \
	X(SILENT, "silent")                                                                                            \
	X(NEVER, "never")
enum site_state {
#define X(NAME, token) SITE_##NAME,
	SITE_STATE_TABLE(X)
#undef X
		SITE_STATE_COUNT
};
const char *site_state_token(enum site_state state);
/* Of a stream whose last value is of `last_ms` (INT64_MIN: none). */
enum site_state site_state_of(const struct stream *s, int64_t last_ms, int64_t now_ms);

/* What states and rates mean, for every answer that has any. */
#define SITE_NOTES 4
extern const struct export_note site_notes[SITE_NOTES];
#define RATE_NOTES 3
extern const struct export_note rate_notes[RATE_NOTES];

STATUS_CHECKED enum status site_board(struct engine *e, const struct series_ask *a, struct export_table *t);
STATUS_CHECKED enum status site_availability(struct engine *e, const struct series_ask *a, struct export_table *t);

#endif
