/* refusals.h -- every refused row counted by field and reason, the first ones kept word for word.
 *
 *   counts[field][status]      first [ line, field, status, excerpt ] * listed_max */
#ifndef ZAYTON_INGEST_REFUSALS_H
#define ZAYTON_INGEST_REFUSALS_H

#include <stddef.h>
#include <stdint.h>

#include "engine/core/bytes.h"
#include "engine/core/status.h"
#include "ingest/files/track_sink.h"

/* refusals listed word for word */
#define REFUSALS_LISTED_MAX 100000
/* bytes of an excerpt, NUL included */
#define REFUSAL_EXCERPT_MAX 64

struct refusal {
	uint64_t line;
	enum track_field field;
	enum status status;
	char excerpt[REFUSAL_EXCERPT_MAX]; /* printable UTF-8; other bytes are shown as '?' */
};

struct refusals {
	uint64_t total;
	uint64_t counts[TRACK_FIELD_COUNT][STATUS_COUNT];
	struct refusal *first;
	size_t listed, listed_max;
};

/* STATUS_NO_MEMORY; STATUS_INVALID above REFUSALS_LISTED_MAX. */
STATUS_CHECKED enum status refusals_init(struct refusals *r, size_t listed_max);
void refusals_deinit(struct refusals *r);
void refusals_add(struct refusals *r, const struct refused *refused);
/* One line without its end: "line 17: speed: value out of range: \"9999\"". STATUS_FULL, STATUS_NO_MEMORY. */
STATUS_CHECKED enum status refusal_print(const struct refusal *refusal, struct buf *out);

#endif
