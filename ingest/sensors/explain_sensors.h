/* explain_sensors.h -- what the explainers of this room share: members put one after the other. */
#ifndef ZAYTON_INGEST_EXPLAIN_SENSORS_H
#define ZAYTON_INGEST_EXPLAIN_SENSORS_H

#include <jansson.h>

#include "engine/core/bytes.h"
#include "engine/core/status.h"

/* A value that cannot be made (no memory) sticks in `status`. */
struct explained {
	json_t *into;
	enum status status;
};

void explained_put(struct explained *e, const char *name, json_t *value); /* takes `value` */
void explained_put_number(struct explained *e, const char *name, int64_t value);
void explained_put_hex(struct explained *e, const char *name, struct span bytes);
/* Text of GB 18030, padding trimmed. */
void explained_put_text(struct explained *e, const char *name, struct span text);
/* RFC 3339 in UTC+8 when `known`, the bytes as hex otherwise. */
void explained_put_time(struct explained *e, const char *name, bool known, int64_t ms, struct span bytes);
/* mantissa / 10^scale, as exact digits in a string. `scale` <= 18. */
void explained_put_decimal(struct explained *e, const char *name, int64_t mantissa, unsigned scale);

/* Print `e` to `out` as one line and release it. A refused frame is told with its name and bytes.
 * Returns `refused`, or STATUS_NO_MEMORY, STATUS_FULL. */
STATUS_CHECKED enum status explained_finish(struct explained *e, enum status refused, struct span raw, struct buf *out);

#endif
