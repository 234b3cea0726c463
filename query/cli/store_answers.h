/* store_answers.h -- the answers of the HTTP interface out of a store that no one serves, in the same words. */
#ifndef ZAYTON_QUERY_STORE_ANSWERS_H
#define ZAYTON_QUERY_STORE_ANSWERS_H

#include "query/cli/asking.h"

struct question {
	struct span devices; /* a list; empty: all */
	int64_t from_ms, to_ms;
	size_t points; /* of a thinned track, 0: all */
	bool has_box;
	int32_t lat_min_e7, lon_min_e7, lat_max_e7, lon_max_e7;
	bool items, body, line;
	enum export_format format;
	const char *case_number;
};

/* Each writes to `out`; a device that is not known is told on standard error. */
STATUS_CHECKED enum status answer_last(struct engine *e, const struct question *q, FILE *out);
STATUS_CHECKED enum status answer_track(struct engine *e, const struct question *q, FILE *out);
STATUS_CHECKED enum status answer_sessions(struct engine *e, const struct question *q, FILE *out);
STATUS_CHECKED enum status answer_devices(struct engine *e, const struct question *q, FILE *out);

#endif
