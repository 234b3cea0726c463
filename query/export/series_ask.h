/* series_ask.h -- the questions about sites and streams, whoever asks: HTTP and the command line fill the same form and
 * get the same rows.
 *
 *   streams       what is known: site, quantity, unit, kind, range, interval
 *   last          the value that stands now, its age and state
 *   series        values; or steps with aggregates, gaps as rows without values; or `points` pixels, each with least,
 *                 greatest, first and last, so that no extreme is lost
 *   board         a row a site, or a village, sector, company: how many report, the last time, the state
 *   status        a row a stream: last value, age, what is found open of it (series_status.h)
 *   coverage      monitors installed, and reporting in a span (series_status.h)
 *   availability  rates over a span of time, with what they mean
 *
 * Threads: any but a shard's loop. */
#ifndef ZAYTON_QUERY_EXPORT_SERIES_ASK_H
#define ZAYTON_QUERY_EXPORT_SERIES_ASK_H

#include "engine/fleet/series.h"
#include "query/export/export_table.h"

enum series_ask_kind { ASK_STREAMS, ASK_LAST, ASK_SERIES, ASK_BOARD, ASK_AVAILABILITY, ASK_STATUS, ASK_COVERAGE };

/* X(NAME, "token", field of a site); SITE is each by itself */
#define SERIES_GROUP_TABLE(X)                                                                                          \
	X(SITE, "site", DEVICE_FIELD_SITE)                                                                             \
	X(VILLAGE, "village", DEVICE_FIELD_VILLAGE)                                                                    \
	X(SECTOR, "sector", DEVICE_FIELD_SECTOR)                                                                       \
	X(COMPANY, "company", DEVICE_FIELD_COMPANY)
enum series_group {
#define X(NAME, token, field) GROUP_##NAME,
	SERIES_GROUP_TABLE(X)
#undef X
		SERIES_GROUP_COUNT
};
#define SERIES_GROUP_CHOICES "site|village|sector|company"
STATUS_CHECKED enum status series_group_parse(struct span token, enum series_group *out);
const char *series_group_token(enum series_group group);
enum device_field series_group_field(enum series_group group);

struct series_ask {
	enum series_ask_kind kind;
	enum export_format format; /* JSON, NDJSON, CSV */
	/* which: all that is given must fit; empty: any */
	struct span streams; /* "16 hex digits" or "SITE/QUANTITY", separated by commas */
	struct span site, village, sector, company;
	struct span quantity;           /* a `*` at its end: any that begins so */
	int64_t now_ms, from_ms, to_ms; /* SERIES, AVAILABILITY: both included */
	int64_t step_ms;                /* SERIES; 0: the values themselves, unless points is given */
	uint64_t points;
	unsigned want;    /* 1u << enum series_aggregate, of steps */
	int64_t hold_ms;  /* of time-weighted means */
	bool corrections; /* values that were corrected, too */
	enum series_group group;
	bool stream_kind_asked; /* STATUS: of `stream_kind` alone */
	enum stream_kind stream_kind;
	uint64_t target; /* COVERAGE: so many are to be installed; 0 none */
	/* May this site be seen? NULL: all. */
	bool (*allows)(void *context, uint64_t site);
	/* Called when `out` is large: hand it on and empty it. */
	enum status (*flush)(void *context);
	void *context;
};

/* "mean,max,p95". STATUS_NOT_FOUND. */
STATUS_CHECKED enum status series_want_parse(struct span text, unsigned *out);
/* Streams that fit, ordered by (site, quantity); free `*out`. STATUS_NOT_FOUND: one named is not there, or outside what
 * may be seen; STATUS_MALFORMED: no name of a stream; STATUS_FULL: more than SERIES_STREAMS_MAX. */
STATUS_CHECKED enum status series_ask_streams(struct engine *e, const struct series_ask *a, struct stream **out,
					      size_t *out_count);
/* The whole answer, piece by piece, into `out`. STATUS_INVALID: the question does not make sense (no step fits the
 * span); what series_ask_streams and `flush` say. */
STATUS_CHECKED enum status series_answer(struct engine *e, const struct series_ask *a, struct buf *out);

/* Cells of answers: a value, or the text of a state; `part` of `whole` in hundredths of a percent, rounded down. */
void series_cell_value(struct export_table *t, struct engine *e, const struct value *v);
void series_cell_percent(struct export_table *t, uint64_t part, uint64_t whole);

#endif
